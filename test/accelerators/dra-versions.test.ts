import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { loadCluster, loadTable } from '../../src/cli/rows.ts';
import { statusBody } from '../../src/demo/status.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { deviceclasses } from '../../src/resources/deviceclasses.ts';
import { anyResource, type Resource } from '../../src/resources/resource.ts';
import { resourceclaims } from '../../src/resources/resourceclaims.ts';
import { resourceclaimtemplates } from '../../src/resources/resourceclaimtemplates.ts';
import { resourceslices } from '../../src/resources/resourceslices.ts';
import { demoOf } from '../demo/cluster.ts';

type Fields = Readonly<Record<string, unknown>>;

const catalogue: readonly KubeObject[] = readFileSync(
  new URL('../../src/demo/catalogue/dra.jsonl', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as KubeObject);

const resources: readonly Resource[] = [
  anyResource(resourceslices),
  anyResource(resourceclaims),
  anyResource(resourceclaimtemplates),
  anyResource(deviceclasses),
];

const changed = (fields: unknown, key: string, change: (value: unknown) => unknown): Fields => {
  const before = fields as Fields;
  return key in before ? { ...before, [key]: change(before[key]) } : before;
};

const each = (change: (one: Fields) => Fields) => (value: unknown) =>
  (value as readonly Fields[]).map(change);

/** What a claim asks for without `exactly`, as v1beta1 has it. */
const flatRequests = (spec: unknown): Fields =>
  changed(spec, 'devices', (devices) =>
    changed(
      devices,
      'requests',
      each(({ exactly, ...request }) => ({ ...request, ...(exactly as Fields | undefined) })),
    ),
  );

/** What a device is under `basic`, as v1beta1 has it. */
const basicDevices = (spec: unknown): Fields =>
  changed(
    spec,
    'devices',
    each(({ name, ...basic }) => ({ name, basic })),
  );

/** The object as a server below 1.33 writes it. */
function asBeta(object: KubeObject): KubeObject {
  const beta = { ...object, apiVersion: 'resource.k8s.io/v1beta1' };
  if (object.kind === 'ResourceSlice') return changed(beta, 'spec', basicDevices) as KubeObject;
  if (object.kind === 'ResourceClaim') return changed(beta, 'spec', flatRequests) as KubeObject;
  if (object.kind === 'ResourceClaimTemplate')
    return changed(beta, 'spec', (spec) => changed(spec, 'spec', flatRequests)) as KubeObject;
  return beta;
}

const server = undefined;

test.each(resources.map((resource) => [resource.kind, resource] as const))(
  'a %s of v1beta1 says what one of v1 says',
  (kind, resource) => {
    const objects = catalogue.filter((object) => object.kind === kind);
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects)
      expect(resource.toRow(asBeta(object), { server })).toEqual(resource.toRow(object, { server }));
  },
);

const discovery = {
  kind: 'APIGroupDiscoveryList',
  apiVersion: 'apidiscovery.k8s.io/v2',
  metadata: {},
  items: [
    {
      metadata: { name: 'resource.k8s.io' },
      versions: [
        {
          version: 'v1beta1',
          resources: resources.map(({ name, kind, namespaced }) => ({
            resource: name,
            responseKind: { group: 'resource.k8s.io', version: 'v1beta1', kind },
            scope: namespaced ? 'Namespaced' : 'Cluster',
            verbs: ['get', 'list', 'watch'],
          })),
        },
      ],
    },
  ],
};

/** A server that has DRA in v1beta1 alone. */
async function olderServer(): Promise<Connection> {
  const demo = await demoOf({ still: true });
  demo.faults.always(
    ({ path }) => path === '/apis',
    (exchange) =>
      exchange.text(200, JSON.stringify(discovery), {
        'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      }),
  );
  demo.faults.always(
    ({ path }) => path.startsWith('/apis/resource.k8s.io/'),
    (exchange) => {
      const [, , , version, plural] = exchange.path.split('/');
      if (version !== 'v1beta1')
        return exchange.json(404, statusBody(404, 'the server could not find the requested resource'));
      const kind = resources.find(({ name }) => name === plural)?.kind ?? '';
      const items = catalogue.filter((object) => object.kind === kind).map(asBeta);
      return exchange.json(200, {
        kind: `${kind}List`,
        apiVersion: 'resource.k8s.io/v1beta1',
        metadata: { resourceVersion: '1' },
        items,
      });
    },
  );
  const folder = await mkdtemp(join(tmpdir(), 'mltop-dra-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'), 'admin');
  const connection = await connect({ kubeconfig, userAgent: 'mltop-test' });
  onTestFinished(() => connection.close());
  return connection;
}

test('a server that has DRA only in v1beta1 is asked in v1beta1', async () => {
  const connection = await olderServer();
  const alone = await loadTable(connection, resourceslices, { namespaces: 'all' }, Date.now());
  expect(alone.rows.map(({ name }) => name)).toEqual(['gpu-dra-01-gpu.nvidia.com-5kz8x']);
  const { cluster } = await loadCluster(connection, resources, await connection.version());
  expect([...cluster.rowsOf(resourceclaims)].length).toBe(4);
  expect([...cluster.rowsOf(resourceslices)].flatMap(({ devices }) => devices.length)).toEqual([
    alone.rows[0]?.devices.length,
  ]);
});
