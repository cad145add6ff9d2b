import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { findTable } from '../../src/resources/index.ts';
import type { Row, Table } from '../../src/resources/resource.ts';
import { auditTrail, commandHistory } from '../../src/state/held-tables.ts';
import { columnOf, comparator } from '../../src/state/order.ts';
import { type RankRow, ranksTable } from '../../src/workloads/ranks.ts';
import { type Given, givenScreen, listed, noon } from './given.tsx';

const kind = (name: string) => findTable(name) ?? expect.fail(name);

/** A screen that shows a kind with these objects. */
function shows(name: string, objects: readonly KubeObject[], columns = 80): Given {
  const given = givenScreen({ table: kind(name).name, columns });
  given.cluster.apply(listed(kind(name), objects), noon);
  given.text();
  return given;
}

const foot = ({ text }: Given): string => text().split('\n').at(-1) ?? '';

const storageClass: KubeObject = {
  metadata: { name: 'block-ssd', uid: 'sc1', creationTimestamp: '2026-08-21T04:10:41Z' },
  provisioner: 'block.csi.example.com',
};

test('the foot names no key that can do nothing in the table', () => {
  expect(foot(shows('storageclasses', [storageClass], 160))).not.toMatch(/logs|faults/);
  expect(foot(shows('storageclasses', [storageClass], 160))).not.toContain('check');
  expect(foot(shows('events', [], 160))).toContain('<D>check');
  expect(foot(shows('deployments', [], 160))).toMatch(/<l>logs.*<ctrl-z>faults/);
});

test('half a time, a schedule or an address is not shown: another column goes', () => {
  const definition: KubeObject = {
    metadata: {
      name: 'leaderworkersets.leaderworkerset.x-k8s.io',
      uid: 'crd1',
      creationTimestamp: '2026-08-21T04:10:41Z',
    },
    spec: {
      group: 'leaderworkerset.x-k8s.io',
      scope: 'Namespaced',
      names: { kind: 'LeaderWorkerSet', plural: 'leaderworkersets' },
      versions: [{ name: 'v1', served: true }],
    },
  };
  expect(shows('crd', [definition]).text()).not.toContain('2026-08-2…');
  expect(shows('crd', [definition], 120).text()).toContain('2026-08-21T04:10:41Z');
  const cronJob: KubeObject = {
    metadata: { name: 'nightly-tokenize-of-everything', namespace: 'team-a', uid: 'cj1' },
    spec: { schedule: '*/2 6-18 * * 1-5', suspend: false, jobTemplate: {} },
    status: {},
  };
  expect(shows('cj', [cronJob]).text()).toContain('*/2 6-18 * * 1-5');
  const service: KubeObject = {
    metadata: { name: 'nvidia-dcgm-exporter', namespace: 'gpu-operator', uid: 'svc1' },
    spec: { type: 'ClusterIP', clusterIP: '10.196.220.110', ports: [{ port: 9400, protocol: 'TCP' }] },
  };
  expect(shows('svc', [service]).text()).toContain('10.196.220.110');
});

test.each([
  ['portforwards', 'No port-forward is open; <F> on a pod opens one.'],
  ['audit', 'Nothing was changed with mltop so far.'],
  ['history', 'Nothing was opened or done in this run.'],
])('an empty %s says what would be there', (table, words) => {
  expect(givenScreen({ table, columns: 120 }).text()).toContain(words);
});

test('an empty table of what was derived says what that means', () => {
  const given = givenScreen({ table: 'gpuhealth', columns: 120 });
  for (const name of ['pods', 'nodes', 'events', 'resourceslices'])
    given.cluster.apply(listed(kind(name), []), noon);
  expect(given.text()).toContain('No sign of a sick GPU in this cluster.');
});

test('a server that has half of its replicas is no picture of health', () => {
  const set = (name: string, readyReplicas: number): KubeObject => ({
    metadata: { name, namespace: 'serve', uid: name },
    spec: { replicas: 2, leaderWorkerTemplate: { size: 2, workerTemplate: {} } },
    status: { readyReplicas },
  });
  const given = shows('lws', [set('half', 1), set('whole', 2)], 120);
  expect(given.text()).toMatch(/half +\S+ +▲ 1\/2 ready +4 +- +- +-/);
  expect(given.text()).toMatch(/whole +\S+ +● 2\/2 ready/);
});

test('a Ray cluster that is not whole yet says what it waits for', () => {
  const cluster: KubeObject = {
    metadata: { name: 'rc-demo', namespace: 'ray', uid: 'rc' },
    spec: { workerGroupSpecs: [{ groupName: 'gpu', replicas: 2 }] },
    status: {
      conditions: [
        {
          type: 'RayClusterProvisioned',
          status: 'False',
          reason: 'RayClusterPodsProvisioning',
          message: 'RayCluster Pods are being provisioned for first time',
        },
      ],
    },
  };
  const given = shows('raycluster', [cluster], 160);
  expect(given.text()).toMatch(/rc-demo +\S+ +◌ RayClusterPodsProvisioning +3/);
  expect(given.text()).toContain('why  RayClusterPodsProvisioning: RayCluster Pods are being provisioned');
});

test.each([commandHistory, auditTrail] as unknown as readonly Table<Row>[])(
  '$name begins with the latest',
  (table) => {
    const row = (name: string, createdAt: number): Row => ({
      uid: name,
      namespace: '',
      name,
      createdAt,
      version: '',
    });
    const { column = '', descending = false } = table.sort ?? {};
    const compare = comparator(columnOf(table, column), descending);
    const sorted = [row('first', 1), row('last', 3), row('second', 2)].sort(compare);
    expect(sorted.map(({ name }) => name)).toEqual(['last', 'second', 'first']);
  },
);

test('a rank names its workload as a person would', () => {
  const ranks = ranksTable(
    () => expect.fail(),
    () => undefined,
  );
  const row = { workload: 'Job.batch.volcano.sh/team-d/mpi-sim' } as RankRow;
  expect(columnOf(ranks, 'WORKLOAD')?.text?.(row, noon)).toBe('Job/mpi-sim');
});

test('facts of one object name its kind, stand in line, and leave no value blank', () => {
  const quota: KubeObject = {
    metadata: { name: 'gpu-quota', namespace: 'team-b', uid: 'q1' },
    status: { hard: { 'requests.nvidia.com/gpu': '16' }, used: { 'requests.nvidia.com/gpu': '15' } },
  };
  const given = shows('quota', [quota], 100);
  given.type('\r');
  expect(given.text()).toContain(' ResourceQuota team-b/gpu-quota');
  expect(given.text()).toMatch(/^ {2}LIMIT +-$/m);
  const budget: KubeObject = {
    metadata: { name: 'vllm-chat', namespace: 'serve', uid: 'b1' },
    spec: { minAvailable: 2 },
    status: { disruptionsAllowed: 0, currentHealthy: 2, desiredHealthy: 2, expectedPods: 2 },
  };
  const other = shows('pdb', [budget], 100);
  other.type('\r');
  const at = (title: string): number | undefined =>
    new RegExp(`^ {2}${title} +(?=\\S)`, 'm').exec(other.text())?.[0].length;
  expect(at('ALLOWED DISRUPTIONS')).toBe(at('NAMESPACE'));
});
