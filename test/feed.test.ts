import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Demo, DemoOptions } from '../src/demo/index.ts';
import type { KubeLike } from '../src/demo/object.ts';
import type { FeedOptions } from '../src/feed.ts';
import { connect } from '../src/kube/connection.ts';
import { discover } from '../src/kube/discovery.ts';
import { events } from '../src/resources/events.ts';
import { kueueworkloads } from '../src/resources/kueue.ts';
import { nodes } from '../src/resources/nodes.ts';
import type { PodRow } from '../src/resources/pod-row.ts';
import { pods } from '../src/resources/pods.ts';
import { anyResource } from '../src/resources/resource.ts';
import { pytorchjobs, tfjobs } from '../src/resources/training-jobs.ts';
import type { Cluster } from '../src/state/cluster.ts';
import {
  createSession,
  goTo,
  type Namespaces,
  type SessionStore,
  showNamespaces,
  tableView,
} from '../src/state/session.ts';
import { demoOf } from './demo/cluster.ts';
import { temporaryFolder } from './folder.ts';
import { feedFrom, until } from './live-feed.ts';

const podKind = anyResource(pods);
const nodeKind = anyResource(nodes);
const eventKind = anyResource(events);

const pod = (name: string, namespace = 'train', phase = 'Running'): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: { containers: [{ name: 'main', image: 'train:1' }], nodeName: 'h100-01' },
  status: { phase },
});

const event = (name: string, type: string): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'train' },
  involvedObject: { kind: 'Pod', namespace: 'train', name: 'a' },
  type,
  reason: type === 'Normal' ? 'Pulled' : 'BackOff',
});

interface Given {
  readonly demo: Demo;
  readonly cluster: Cluster;
  readonly session: SessionStore;
}

interface GivenOptions extends Partial<FeedOptions> {
  readonly demo?: DemoOptions;
  readonly objects?: readonly KubeLike[];
  readonly user?: string;
  readonly namespaces?: Namespaces;
  readonly table?: string;
  readonly labelSelector?: string;
  /** Of another context of the kubeconfig, for the same cluster. */
  readonly otherNamespace?: string;
}

/** A feed from a demo server over real HTTPS. */
async function givenFeed({
  demo: demoOptions,
  objects = [],
  user = 'admin',
  namespaces = 'all',
  table = 'pods',
  labelSelector,
  otherNamespace,
  ...more
}: GivenOptions): Promise<Given> {
  const demo = await demoOf({ objects, ...demoOptions });
  const kubeconfig = join(temporaryFolder('feed'), 'config');
  const other = `  - name: other\n    context: {cluster: mltop-demo, user: demo-${user}, namespace: ${otherNamespace}}\n`;
  await writeFile(
    kubeconfig,
    demo
      .kubeconfig(user)
      .replace(/^contexts:\n/m, (line) => `${line}${otherNamespace === undefined ? '' : other}`),
  );
  const connection = await connect({ kubeconfig, userAgent: 'mltop-test' });
  onTestFinished(() => connection.close());
  const fed = feedFrom(connection, {
    session: createSession({ table, namespaces, labelSelector, nowMs: Date.now() }),
    always: [podKind, nodeKind],
    ...more,
  });
  return { demo, ...fed };
}

const names = (cluster: Cluster, kind = podKind): string[] =>
  [...cluster.rowsOf(kind)].map((row) => row.name).sort();
const states = (cluster: Cluster, kind = podKind): string[] =>
  cluster
    .linksOf(kind)
    .map(({ scope, state }) => `${scope === '' ? 'all' : scope}:${state}`)
    .sort();
const isLive = (cluster: Cluster, kind = podKind): boolean => states(cluster, kind).includes('all:live');

test('pods arrive, change and go as the server says', async () => {
  const { demo, cluster } = await givenFeed({ objects: [pod('a'), pod('b')] });
  await until(cluster, () => isLive(cluster));
  expect(names(cluster)).toEqual(['a', 'b']);
  demo.store.put(pod('c'));
  demo.store.put(pod('a', 'train', 'Succeeded'));
  demo.store.remove({ group: '', plural: 'pods', namespace: 'train', name: 'b' });
  await until(
    cluster,
    () =>
      names(cluster).join() === 'a,c' && [...cluster.rowsOf(pods)].some(({ phase }) => phase === 'Succeeded'),
  );
  expect([...cluster.rowsOf(pods)].find((row: PodRow) => row.name === 'a')?.phase).toBe('Succeeded');
});

test('the version is known before the first row', async () => {
  const { cluster } = await givenFeed({ objects: [pod('a')], demo: { version: 'v1.30.14' } });
  await until(cluster, () => cluster.count(podKind) > 0);
  expect(cluster.server()).toMatchObject({ major: 1, minor: 30 });
});

test('who may not look everywhere sees the namespaces that may be looked into', async () => {
  const { cluster, session } = await givenFeed({
    objects: [pod('a', 'train'), pod('s', 'serve'), pod('k', 'secret')],
    demo: { viewerNamespaces: ['train', 'serve'] },
    user: 'viewer',
  });
  session.setState({ favourites: ['serve'] });
  await until(cluster, () => cluster.count(podKind) > 0);
  expect(names(cluster)).not.toContain('k');
  expect(states(cluster)).toContain('all:forbidden');
  expect(states(cluster, nodeKind)).toEqual(['all:forbidden']);
});

test('where namespaces may not be listed, those count that other contexts of the cluster name, and those that are chosen later', async () => {
  const { cluster, session } = await givenFeed({
    objects: [pod('a', 'train'), pod('s', 'serve'), pod('k', 'late')],
    demo: { viewerNamespaces: ['train', 'serve', 'late'] },
    user: 'viewer',
    otherNamespace: 'serve',
  });
  await until(cluster, () => names(cluster).join() === 'a,s');
  session.setState(showNamespaces(['late'])(session.getState()));
  session.setState(showNamespaces('all')(session.getState()));
  await until(cluster, () => names(cluster).join() === 'a,k,s');
  expect(states(cluster)).toContain('all:forbidden');
});

test('of several namespaces one that is refused says so, and the others stay what they are', async () => {
  const { cluster } = await givenFeed({
    objects: [pod('a', 'train'), pod('s', 'serve'), pod('k', 'secret')],
    demo: { viewerNamespaces: ['train', 'serve'] },
    user: 'viewer',
    namespaces: ['train', 'serve', 'secret'],
  });
  await until(
    cluster,
    () => states(cluster).filter((state) => /:(live|forbidden)$/.test(state)).length === 4,
  );
  expect(states(cluster)).toEqual(['all:forbidden', 'secret:forbidden', 'serve:live', 'train:live']);
  expect(names(cluster)).toEqual(['a', 's']);
});

test('a right that is lost stops that stream and says so; its rows stay as old as they are', async () => {
  const { cluster, demo } = await givenFeed({
    objects: [pod('a', 'train'), pod('s', 'serve')],
    demo: { viewerNamespaces: ['train', 'serve'] },
    user: 'viewer',
    namespaces: ['train', 'serve'],
  });
  await until(cluster, () => states(cluster).join() === 'all:forbidden,serve:live,train:live');
  demo.rights.bindings = demo.rights.bindings.filter(({ namespace }) => namespace !== 'serve');
  for (const watch of demo.faults.open(({ path }) => path === '/api/v1/namespaces/serve/pods')) watch.end();
  await until(cluster, () => states(cluster).join() === 'all:forbidden,serve:forbidden,train:live');
  expect(names(cluster)).toEqual(['a', 's']);
});

test('of several namespaces each is read, then all at once', async () => {
  const { cluster } = await givenFeed({
    objects: [pod('a', 'train'), pod('s', 'serve'), pod('k', 'other')],
    namespaces: ['train', 'serve'],
    graceMs: 0,
  });
  await until(cluster, () => states(cluster).join() === 'all:live');
  expect(names(cluster)).toEqual(['a', 'k', 's']);
});

test('normal events are only fetched for somebody who reads events', async () => {
  const { cluster, session } = await givenFeed({
    objects: [event('warned', 'Warning'), event('pulled', 'Normal')],
    always: [podKind, eventKind],
  });
  await until(cluster, () => isLive(cluster, eventKind));
  expect(names(cluster, eventKind)).toEqual(['warned']);
  session.setState(goTo(tableView('events'))(session.getState()));
  await until(cluster, () => cluster.count(eventKind) === 2);
  expect(names(cluster, eventKind)).toEqual(['pulled', 'warned']);
});

test('a flood of events leaves the newest, and the first warning outlives what is Normal', async () => {
  const { demo, cluster } = await givenFeed({
    objects: [event('warned', 'Warning')],
    table: 'events',
    always: [podKind, eventKind],
  });
  await until(cluster, () => isLive(cluster, eventKind));
  for (let at = 0; at < 12_000; at += 1) demo.store.put(event(`flood-${at}`, 'Normal'));
  demo.store.put(event('last', 'Warning'));
  await until(cluster, () => names(cluster, eventKind).includes('last'));
  expect(cluster.isCapped(eventKind)).toBe(true);
  expect(cluster.count(eventKind)).toBeLessThanOrEqual(11_000);
  expect(names(cluster, eventKind)).toContain('warned');
});

test('a stream that nobody needs any more is closed, and its rows are not kept as if they were true', async () => {
  const { cluster, session } = await givenFeed({
    objects: [event('warned', 'Warning')],
    table: 'events',
    graceMs: 0,
  });
  await until(cluster, () => isLive(cluster, eventKind));
  session.setState(goTo(tableView('pods'))(session.getState()));
  await until(cluster, () => cluster.linksOf(eventKind).length === 0);
  expect(cluster.count(eventKind)).toBe(0);
});

test('what the command line asked the server to leave out is left out', async () => {
  const { cluster } = await givenFeed({
    objects: [pod('a'), { ...pod('b'), metadata: { name: 'b', namespace: 'train', labels: { app: 'x' } } }],
    labelSelector: 'app=x',
  });
  await until(cluster, () => isLive(cluster));
  expect(names(cluster)).toEqual(['b']);
});

test('kinds of operators are asked for where discovery names them, and of the others not a word is said', async () => {
  const [jobKind, absentKind, queueKind] = [
    anyResource(pytorchjobs),
    anyResource(tfjobs),
    anyResource(kueueworkloads),
  ];
  const job = {
    apiVersion: 'kubeflow.org/v1',
    kind: 'PyTorchJob',
    metadata: { name: 'sft', namespace: 'train' },
    spec: { pytorchReplicaSpecs: { Worker: { replicas: 2 } } },
  };
  const { cluster } = await givenFeed({
    objects: [pod('a'), job],
    discover,
    always: [podKind, jobKind, absentKind, queueKind],
  });
  await until(cluster, () => cluster.count(jobKind) === 1);
  expect([...cluster.rowsOf(pytorchjobs)]).toMatchObject([
    { kind: 'PyTorchJob', roles: [{ name: 'worker', count: 2 }] },
  ]);
  expect(cluster.linksOf(absentKind)).toEqual([]);
});
