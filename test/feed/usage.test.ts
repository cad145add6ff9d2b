import { expect, onTestFinished, test } from 'vitest';
import type { Demo, DemoOptions } from '../../src/demo/index.ts';
import { dcgmMetrics } from '../../src/demo/scenario/dcgm.ts';
import { statusBody } from '../../src/demo/status.ts';
import { startUsageFeed, type UsageFeed } from '../../src/feed/usage.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Row } from '../../src/resources/resource.ts';
import type { Cluster } from '../../src/state/cluster.ts';
import {
  createSession,
  goTo,
  type SessionStore,
  showNamespaces,
  sortBy,
  tableView,
} from '../../src/state/session.ts';
import { createUsage, type Usage } from '../../src/state/usage.ts';
import { demoOf } from '../demo/cluster.ts';
import { connectTo, feedFrom, until } from '../live-feed.ts';

const podKind = anyResource(pods);

interface Given {
  readonly demo: Demo;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly usage: Usage;
  readonly feed: UsageFeed;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
}

interface GivenOptions extends DemoOptions {
  readonly user?: string;
  readonly table?: string;
  readonly everyMs?: number;
  readonly scrapeUpTo?: number;
  readonly bigFrom?: number;
  readonly before?: (demo: Demo) => void;
}

/** The demo cluster over real HTTPS; exporters answer what their node's pods do, unless a test says otherwise. */
async function given({
  user = 'admin',
  table = 'pods',
  everyMs,
  scrapeUpTo,
  bigFrom,
  before,
  ...options
}: GivenOptions = {}): Promise<Given> {
  const demo = await demoOf({ still: true, ...options });
  const asked: string[] = [];
  demo.faults.always(
    () => true,
    ({ path }) => void asked.push(path),
  );
  before?.(demo);
  demo.faults.always(
    ({ path }) => path.endsWith('/proxy/metrics'),
    (exchange) => {
      const [, , , , namespace, , pod = ''] = exchange.path.split('/');
      const name = pod.split(':')[0] ?? '';
      const object = demo.store.get({ group: '', plural: 'pods', namespace: namespace ?? '', name });
      const node = (object?.['spec'] as { readonly nodeName?: string } | undefined)?.nodeName ?? '';
      return exchange.text(200, dcgmMetrics(demo.store, node, Date.now()));
    },
  );
  const { connection } = await connectTo(demo, { user });
  const { cluster, session } = feedFrom(connection, {
    session: createSession({ table, namespaces: 'all', nowMs: Date.now() }),
    always: [podKind, anyResource(nodes)],
  });
  const usage = createUsage();
  const feed = startUsageFeed({
    connection,
    cluster,
    session,
    usage,
    ...(everyMs === undefined ? {} : { everyMs }),
    ...(scrapeUpTo === undefined ? {} : { scrapeUpTo }),
    ...(bigFrom === undefined ? {} : { bigFrom }),
  });
  onTestFinished(feed.stop);
  return { demo, cluster, session, usage, feed, asked };
}

const usePaths = (asked: readonly string[]): string[] =>
  asked.filter((path) => /^\/apis\/metrics\.k8s\.io\/v/.test(path));
const scrapes = (asked: readonly string[]): string[] =>
  asked.filter((path) => path.endsWith('/proxy/metrics'));
const isLive = (cluster: Cluster): boolean =>
  cluster.linksOf(podKind).some(({ scope, state }) => scope === '' && state === 'live');
const podNamed = (cluster: Cluster, name: string): PodRow =>
  [...cluster.rowsOf(pods)].find((row) => row.name === name) ?? expect.fail(`no pod ${name}`);

test('pods have their use while pods are shown', async () => {
  const { usage, asked } = await given();
  await until(usage, () => usage.podSource('').state === 'live');
  expect(usage.pod('team-a', 'llama-sft-master-0', Date.now())).toMatchObject({ kind: 'known' });
  expect(usePaths(asked)).toEqual(['/apis/metrics.k8s.io/v1beta1/pods']);
});

test('a table that shows no use asks for none, and nodes are asked about when they are shown', async () => {
  const { cluster, session, usage, asked } = await given({ table: 'events' });
  await until(cluster, () => isLive(cluster));
  expect(usePaths(asked)).toEqual([]);
  session.setState(goTo(tableView('nodes'))(session.getState()));
  await until(usage, () => usage.nodeSource().state === 'live');
  expect(usePaths(asked)).toEqual(['/apis/metrics.k8s.io/v1beta1/nodes']);
  expect(usage.node('cpu-01', Date.now())).toMatchObject({ kind: 'known' });
});

test('one namespace that is shown is the only one that is asked about', async () => {
  const { session, usage, asked } = await given({ table: 'events' });
  session.setState(showNamespaces(['team-a'])(session.getState()));
  session.setState(goTo(tableView('pods'))(session.getState()));
  await until(usage, () => usage.podSource('team-a').state === 'live');
  expect(usePaths(asked)).toEqual(['/apis/metrics.k8s.io/v1beta1/namespaces/team-a/pods']);
});

const inNamespaces = (cluster: Cluster, names: readonly string[]): readonly PodRow[] =>
  [...cluster.rowsOf(pods)].filter(({ namespace }) => names.includes(namespace));

test('of a big cluster only the namespaces on the screen are asked about', async () => {
  const { cluster, usage, feed, asked } = await given({ bigFrom: 1 });
  await until(cluster, () => isLive(cluster));
  feed.seen('pods', inNamespaces(cluster, ['team-a']));
  await until(usage, () => usage.podSource('team-a').state === 'live');
  feed.seen('pods', inNamespaces(cluster, ['team-a', 'team-b']));
  await until(usage, () => usage.podSource('team-b').state === 'live');
  expect(usePaths(asked)).toEqual([
    '/apis/metrics.k8s.io/v1beta1/namespaces/team-a/pods',
    '/apis/metrics.k8s.io/v1beta1/namespaces/team-b/pods',
  ]);
  expect(usage.pod('team-a', 'llama-sft-master-0', Date.now())).toMatchObject({ kind: 'known' });
  expect(usage.podSource('')).toMatchObject({ state: 'live' });
});

test('what is sorted by use, or is in many namespaces, needs the use of all', async () => {
  const { cluster, session, usage, feed, asked } = await given({ bigFrom: 1 });
  await until(cluster, () => isLive(cluster));
  feed.seen('pods', inNamespaces(cluster, ['team-a']));
  await until(usage, () => usage.podSource('team-a').state === 'live');
  session.setState(sortBy('CPU', true)(session.getState()));
  await until(usage, () => usePaths(asked).includes('/apis/metrics.k8s.io/v1beta1/pods'));

  const many = await given({ bigFrom: 1 });
  await until(many.cluster, () => isLive(many.cluster));
  many.feed.seen('pods', [...many.cluster.rowsOf(pods)]);
  await until(many.usage, () => many.usage.podSource('').state === 'live');
  expect(usePaths(many.asked)).toEqual(['/apis/metrics.k8s.io/v1beta1/pods']);
});

test('one question at a time, however slow the answer', async () => {
  let open = 0;
  let most = 0;
  let answered = 0;
  const { usage } = await given({
    everyMs: 1,
    before: (demo) =>
      demo.faults.always(
        ({ path }) => path === '/apis/metrics.k8s.io/v1beta1/pods',
        async () => {
          open += 1;
          most = Math.max(most, open);
          await new Promise((resolve) => setImmediate(resolve));
          open -= 1;
          answered += 1;
        },
      ),
  });
  await until(usage, () => answered >= 5);
  expect(most).toBe(1);
});

test('without the metrics API it says so, and asks for the group only', async () => {
  const { usage, asked } = await given({ metrics: 'absent' });
  await until(usage, () => usage.podSource('').state === 'absent');
  expect(usePaths(asked)).toEqual([]);
  expect(asked).toContain('/apis/metrics.k8s.io');
});

test('registered with nobody behind it is something else than absent', async () => {
  const { usage } = await given({ metrics: 'down' });
  await until(usage, () => usage.podSource('').state === 'down');
  expect(usage.pod('team-a', 'llama-sft-master-0', Date.now())).toEqual({ kind: 'none', why: 'down' });
});

test('a missing right is told with the right to ask for', async () => {
  const { usage } = await given({
    before: (demo) =>
      demo.faults.always(
        ({ path }) => path === '/apis/metrics.k8s.io/v1beta1/pods',
        (exchange) =>
          exchange.json(403, statusBody(403, 'pods.metrics.k8s.io is forbidden', { reason: 'Forbidden' })),
      ),
  });
  await until(usage, () => usage.podSource('').state === 'forbidden');
  const source = usage.podSource('');
  expect('hint' in source ? source.hint : '').toContain('list pods.metrics.k8s.io');
});

test('an expired login is no missing right, and is tried again at the usual pace', async () => {
  const { usage } = await given({
    before: (demo) =>
      demo.faults.next(
        ({ path }) => path === '/apis/metrics.k8s.io/v1beta1/pods',
        [(exchange) => exchange.json(401, statusBody(401, 'Unauthorized', { reason: 'Unauthorized' }))],
      ),
  });
  await until(usage, () => usage.podSource('').state === 'failed');
  expect(usage.podSource('')).toMatchObject({ reason: expect.stringContaining('(401)') });
  await until(usage, () => usage.podSource('').state === 'live');
});

test('who may look into two namespaces has the use of those', async () => {
  const { usage, asked, session } = await given({ user: 'viewer', viewerNamespaces: ['team-a', 'team-b'] });
  session.setState({ favourites: ['team-b'] });
  await until(
    usage,
    () => usage.podSource('team-a').state === 'live' && usage.podSource('team-b').state === 'live',
  );
  expect(usage.pod('team-a', 'llama-sft-master-0', Date.now())).toMatchObject({ kind: 'known' });
  expect(usePaths(asked)).toContain('/apis/metrics.k8s.io/v1beta1/namespaces/team-b/pods');
});

test('exporters of the nodes on the screen are read, and no others', async () => {
  const { cluster, usage, feed, asked } = await given();
  await until(cluster, () => isLive(cluster));
  feed.seen('pods', [podNamed(cluster, 'notebook-idle-0')]);
  await until(usage, () => usage.deviceSource('gpu-h100-01').state === 'live');
  expect(scrapes(asked)).toHaveLength(1);
  const reading = usage.devicesOf('team-a', 'notebook-idle-0', 'gpu-h100-01', Date.now());
  expect(reading).toMatchObject({ kind: 'known', value: { busy: { mean: 0 }, idleForMs: 0 } });
  expect(usage.deviceSourceName()).toBe('dcgm-exporter');
});

test('an exporter is not asked again because somebody scrolls', async () => {
  const { cluster, usage, feed, asked } = await given();
  await until(cluster, () => isLive(cluster));
  const row: readonly Row[] = [podNamed(cluster, 'notebook-idle-0')];
  feed.seen('pods', row);
  await until(usage, () => usage.deviceSource('gpu-h100-01').state === 'live');
  for (let at = 0; at < 10; at++) {
    feed.seen('pods', []);
    feed.seen('pods', row);
  }
  expect(scrapes(asked)).toHaveLength(1);
});

test('a right that is missing for one exporter leaves allocation and the others alone', async () => {
  const { cluster, usage, feed } = await given({
    before: (demo) =>
      demo.faults.always(
        ({ path }) => path.endsWith('/proxy/metrics'),
        (exchange) => exchange.json(403, statusBody(403, 'pods "x" is forbidden', { reason: 'Forbidden' })),
      ),
  });
  await until(cluster, () => isLive(cluster));
  feed.seen('pods', [podNamed(cluster, 'notebook-idle-0')]);
  await until(usage, () => usage.deviceSource('gpu-h100-01').state === 'forbidden');
  const source = usage.deviceSource('gpu-h100-01');
  expect('hint' in source ? source.hint : '').toContain('pods/proxy');
  expect(usage.devicesOn('gpu-h100-01', Date.now())).toEqual({ kind: 'none', why: 'forbidden' });
});

test('a node without an exporter is told as such', async () => {
  const { cluster, usage, feed } = await given();
  await until(cluster, () => isLive(cluster));
  feed.seen('nodes', [{ name: 'cpu-01' } as Row]);
  await until(usage, () => usage.deviceSource('cpu-01').state === 'absent');
  expect(usage.devicesOn('cpu-01', Date.now())).toEqual({ kind: 'none', why: 'absent' });
});

const queries = (asked: readonly string[]): string[] =>
  asked.filter((path) => path.endsWith('/api/v1/query'));

test('where exporters may not be asked, a Prometheus is', async () => {
  const { cluster, usage, feed, asked } = await given({
    before: (demo) =>
      demo.faults.always(
        ({ path }) => path.endsWith('/proxy/metrics'),
        (exchange) => exchange.json(403, statusBody(403, 'pods "x" is forbidden', { reason: 'Forbidden' })),
      ),
  });
  await until(cluster, () => isLive(cluster) && cluster.count(anyResource(nodes)) > 0);
  feed.seen('pods', [podNamed(cluster, 'notebook-idle-0')]);
  await until(usage, () => usage.deviceSource('gpu-h100-01').state === 'live');
  expect(usage.deviceSourceName()).toBe('prometheus monitoring/prometheus-k8s');
  const reading = usage.devicesOf('team-a', 'notebook-idle-0', 'gpu-h100-01', Date.now());
  expect(reading).toMatchObject({ kind: 'known', value: { busy: { mean: 0 } } });
  if (reading.kind === 'none') return expect.fail();
  expect(reading.value.devices.map(({ index, node }) => `${node} ${index}`)).toEqual([
    'gpu-h100-01 4',
    'gpu-h100-01 5',
  ]);
  expect(queries(asked)[0]).toContain('/services/prometheus-k8s:9090/proxy/');
});

test('many nodes are asked about at one Prometheus, and their exporters left in peace', async () => {
  const { cluster, usage, feed, asked } = await given({ scrapeUpTo: 1 });
  await until(cluster, () => isLive(cluster) && cluster.count(anyResource(nodes)) > 0);
  feed.seen('nodes', [{ name: 'gpu-h100-01' } as Row, { name: 'gpu-a100-01' } as Row]);
  await until(usage, () => usage.deviceSource('gpu-a100-01').state === 'live');
  expect(scrapes(asked)).toEqual([]);
  expect(usage.devicesOn('gpu-h100-01', Date.now())).toMatchObject({ kind: 'known' });
});

test('an order by use measures what is not on the screen, too', async () => {
  const { cluster, session, usage, feed } = await given();
  await until(cluster, () => isLive(cluster) && cluster.count(anyResource(nodes)) > 0);
  session.setState(sortBy('UTIL', true)(session.getState()));
  feed.seen('pods', []);
  await until(usage, () => usage.deviceSource('gpu-a100-03').state === 'live');
  expect(usage.idleDevices()).toMatchObject({ proven: 0 });
});

test('while the rows come in, nothing else is asked of the server', async () => {
  let release: (() => void) | undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { cluster, usage, asked } = await given({
    before: (demo) =>
      demo.faults.always(
        ({ path }) => path === '/api/v1/pods',
        () => held,
      ),
  });
  await until(cluster, () => cluster.count(anyResource(nodes)) > 0);
  expect(asked.filter((path) => path.startsWith('/apis/metrics.k8s.io'))).toEqual([]);
  release?.();
  await until(usage, () => usage.podSource('').state === 'live');
});
