import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { ActionContext } from '../../src/actions/action.ts';
import { planOfFix, type SpeltOut } from '../../src/actions/fix-plans.ts';
import { runFix, whatRuns } from '../../src/actions/fixes.ts';
import { createTables } from '../../src/actions/tables.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection } from '../../src/kube/contract.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { guard } from '../../src/kube/write-gate.ts';
import { findTable } from '../../src/resources/index.ts';
import { pathOf, type Resource } from '../../src/resources/resource.ts';
import { arm } from '../../src/state/arming.ts';
import { createCluster } from '../../src/state/cluster.ts';
import type { ConfirmDialog } from '../../src/state/dialog.ts';
import { createSession } from '../../src/state/session.ts';
import { demoOf } from '../demo/cluster.ts';
import { handsOver } from './hands.ts';

const deployment: KubeObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'ml', name: 'web', uid: 'uid-web', labels: { app: 'web', old: 'x' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        initContainers: [{ name: 'get', image: 'get:1' }],
        containers: [
          { name: 'web', image: 'web:1', resources: { limits: { memory: '1Gi' } } },
          { name: 'side', image: 'side:1' },
        ],
      },
    },
  },
};
const node: KubeObject = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n1', uid: 'uid-n1' },
  spec: { taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] },
};

interface Given {
  readonly connection: Connection;
  readonly planOf: (
    word: string,
    name: string,
    spelt: Partial<SpeltOut> & Pick<SpeltOut, 'verb'>,
  ) => ReturnType<typeof planOfFix>;
  readonly read: (word: string, name: string) => Promise<KubeObject>;
}

async function given(): Promise<Given> {
  const demo = await demoOf({ objects: [deployment, node] as never });
  const folder = await mkdtemp(join(tmpdir(), 'mltop-fix-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  const connection = await connect({ kubeconfig, userAgent: 'mltop-test' });
  onTestFinished(() => connection.close());
  const kind = (word: string): Resource => {
    const found = findTable(word);
    if (found === undefined) throw new Error(`No kind ${word}.`);
    return found;
  };
  const read = (word: string, name: string): Promise<KubeObject> => {
    const resource = kind(word);
    return connection.json({ path: `${pathOf(resource, resource.namespaced ? 'ml' : '')}/${name}` });
  };
  return {
    connection,
    read,
    async planOf(word, name, spelt) {
      const resource = kind(word);
      const row = resource.toRow(await read(word, name), { server: undefined });
      const whole = {
        words: [],
        flags: [],
        title: 'Fix it',
        risk: 'reversible',
        kubectl: [],
        ...spelt,
      } as const;
      return planOfFix(whole, { resource, row, read: connection });
    },
  };
}

type Change = readonly [
  word: string,
  name: string,
  spelt: Partial<SpeltOut> & Pick<SpeltOut, 'verb'>,
  becomes: object,
];
const template = (spec: object): object => ({ spec: { template: { spec } } });

const changes: readonly Change[] = [
  [
    'deployment',
    'web',
    { verb: 'set image', words: ['web=web:2'] },
    template({
      containers: [
        { name: 'web', image: 'web:2' },
        { name: 'side', image: 'side:1' },
      ],
    }),
  ],
  [
    'deployment',
    'web',
    { verb: 'set image', words: ['get=get:2'] },
    template({ initContainers: [{ name: 'get', image: 'get:2' }] }),
  ],
  [
    'deployment',
    'web',
    { verb: 'set resources', flags: ['-c', 'web', '--limits=memory=3Gi'] },
    template({ containers: [{ name: 'web', resources: { limits: { memory: '3Gi' } } }, { name: 'side' }] }),
  ],
  [
    'deployment',
    'web',
    { verb: 'set env', words: ['NCCL_DEBUG=INFO'], flags: ['-c', 'side'] },
    template({
      containers: [{ name: 'web' }, { name: 'side', env: [{ name: 'NCCL_DEBUG', value: 'INFO' }] }],
    }),
  ],
  [
    'deployment',
    'web',
    { verb: 'label', words: ['team=ml', 'old-'] },
    { metadata: { labels: { app: 'web', team: 'ml' } } },
  ],
  ['deployment', 'web', { verb: 'scale', flags: ['--replicas=4'] }, { spec: { replicas: 4 } }],
  [
    'deployment',
    'web',
    { verb: 'patch', flags: ['--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":2}]'] },
    { spec: { replicas: 2 } },
  ],
  [
    'deployment',
    'web',
    { verb: 'patch', flags: ['--type=merge', '-p', '{"spec":{"paused":true}}'] },
    { spec: { paused: true } },
  ],
  [
    'node',
    'n1',
    { verb: 'taint', words: ['team:NoSchedule-', 'gpu=only:NoExecute'] },
    { spec: { taints: [{ key: 'gpu', value: 'only', effect: 'NoExecute' }] } },
  ],
];

test.each(changes)('%s %s: %j is tried first, and then becomes so', async (word, name, spelt, becomes) => {
  const { connection, planOf, read } = await given();
  const plan = await planOf(word, name, spelt);
  const before = await read(word, name);
  for (const { request } of plan?.operations ?? [])
    await connection.request(request({ dryRun: true, version: undefined }));
  expect((await read(word, name)).metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
  for (const { request } of plan?.operations ?? [])
    await connection.request(request({ dryRun: false, version: undefined }));
  expect(await read(word, name)).toMatchObject(becomes);
});

test('a fix that is run on the screen is tried by the server, asked about, and then done', async () => {
  const { connection, read } = await given();
  const access = guard(connection);
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: Date.now() });
  session.setState({
    context: 'demo',
    connection: {
      state: 'connected',
      cluster: 'demo',
      user: 'ada',
      url: connection.server,
      server: undefined,
    },
  });
  session.setState(arm(Date.now())(session.getState()));
  const context = {
    session,
    cluster: createCluster(),
    tables: createTables([]),
    now: Date.now(),
    services: { hands: handsOver(access, Date.now) },
  } as unknown as ActionContext;
  const dialog = (): ConfirmDialog | undefined => session.getState().dialog as ConfirmDialog | undefined;
  const running = runFix(context, {
    title: 'Raise the memory limit',
    argv: 'kubectl -n ml set resources deployment/web -c web --limits=memory=3Gi'.split(' '),
    risk: 'reversible',
  });
  await expect.poll(() => dialog()?.check.text).toMatch(/dry-run=server: ok/);
  expect(dialog()).toMatchObject({
    title: expect.stringMatching(/^Raise the memory limit/),
    kubectl: 'kubectl --context demo -n ml set resources deployment/web -c web --limits=memory=3Gi',
  });
  const limitOf = async () =>
    JSON.stringify(await read('deployment', 'web')).match(/"limits":\{"memory":"(\w+)"/)?.[1];
  expect(await limitOf()).toBe('1Gi');
  session.setState({ dialog: { ...dialog(), answer: 'go' } as ConfirmDialog });
  await running;
  expect(await limitOf()).toBe('3Gi');
});

test('what is left to be filled in is no plan', async () => {
  const { planOf } = await given();
  expect(await planOf('deployment', 'web', { verb: 'set env', words: ['HF_TOKEN=VALUE'] })).toBeUndefined();
  expect(
    await planOf('deployment', 'web', { verb: 'set resources', flags: ['--requests=cpu=AMOUNT'] }),
  ).toBeUndefined();
  expect(await planOf('deployment', 'web', { verb: 'set image', words: ['other=web:2'] })).toBeUndefined();
  expect(await planOf('deployment', 'web', { verb: 'patch', flags: ['-p', '{"spec":'] })).toBeUndefined();
});

test.each([
  [['logs', 'web-0'], 'read', ''],
  [['get', 'pod', 'web-0', '-o', 'yaml'], 'read', ''],
  [['get', 'pod', 'web-0', '-o', 'yaml'], 'disruptive', 'r only shows it'],
  [['edit', 'deployment', 'web'], 'reversible', 'r opens your editor'],
  [['rollout', 'restart', 'deployment/web'], 'disruptive', ''],
  [['set', 'image', 'deployment/web', 'web=web:2'], 'reversible', ''],
  [['debug', 'web-0', '-it'], 'reversible', 'for your own shell: c copies it'],
] as const)('a fix says what its key does of it: kubectl %j (%s)', (words, risk, says) => {
  const fix = { title: 'Mend it', argv: ['kubectl', '-n', 'ml', ...words], risk };
  expect(whatRuns(createTables([]), fix)).toBe(says);
});

test('what is no kubectl is for the shell', () => {
  const fix = { title: 'Mend it', argv: ['helm', 'upgrade', 'web'], risk: 'disruptive' } as const;
  expect(whatRuns(createTables([]), fix)).toContain('your own shell');
});
