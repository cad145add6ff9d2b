import { expect, onTestFinished, test } from 'vitest';
import { createTables } from '../../src/actions/tables.ts';
import { answer, isWatch, onPath } from '../../src/demo/faults.ts';
import type { Demo } from '../../src/demo/index.ts';
import type { KubeLike } from '../../src/demo/object.ts';
import { startObjectFeed } from '../../src/feed/object.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import { createInspection, type Inspected, type Inspection } from '../../src/state/inspection.ts';
import { createSession, pop, push, type SessionStore } from '../../src/state/session.ts';
import { type ObjectView, objectView } from '../../src/state/text-views.ts';
import { demoOf, pod } from '../demo/cluster.ts';
import { quickTiming } from '../kube/api-server.ts';
import { connectTo } from '../live-feed.ts';

interface Given {
  readonly demo: Demo;
  readonly session: SessionStore;
  readonly inspection: Inspection;
  readonly open: (kind: ObjectView['kind'], table: string, name: string) => ObjectView;
  readonly seen: () => Inspected | undefined;
}

async function given(
  objects: readonly KubeLike[],
  user = 'admin',
  viewerNamespaces = ['train'],
): Promise<Given> {
  const demo = await demoOf({ objects, still: true, viewerNamespaces });
  const { connection } = await connectTo(demo, { user, timing: quickTiming });
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: 0 });
  const inspection = createInspection();
  const feed = startObjectFeed({
    connection,
    startReflector,
    session,
    inspection,
    tableNamed: createTables([]).named,
    now: Date.now,
  });
  onTestFinished(() => feed.stop());
  let view: ObjectView | undefined;
  return {
    demo,
    session,
    inspection,
    open(kind, table, name) {
      const namespace = table === 'nodes' ? '' : 'train';
      view = objectView(kind, { table, key: name, namespace, name });
      session.setState(push(view)(session.getState()));
      return view;
    },
    seen: () => (view === undefined ? undefined : inspection.get(view.of)),
  };
}

const event = (name: string, object: KubeLike, reason: string): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: object.metadata?.namespace ?? 'default' },
  type: 'Warning',
  reason,
  involvedObject: {
    kind: object.kind,
    name: object.metadata?.name,
    namespace: object.metadata?.namespace,
    uid: object.metadata?.uid,
  },
});

test('the object is read, follows its changes, and its end is told', async () => {
  const it = await given([pod('a')]);
  it.open('describe', 'pods', 'a');
  await expect.poll(() => it.seen()?.state.state).toBe('live');
  expect(it.seen()?.object).toMatchObject({ kind: 'Pod', apiVersion: 'v1', metadata: { name: 'a' } });
  it.demo.store.put(pod('a', { phase: 'Failed' }));
  await expect.poll(() => it.seen()?.object?.['status']).toMatchObject({ phase: 'Failed' });
  it.demo.store.remove({ group: '', plural: 'pods', namespace: 'train', name: 'a' });
  await expect.poll(() => it.seen()?.state.state).toBe('gone');
  expect(it.seen()?.object).toMatchObject({ metadata: { name: 'a' } });
});

test('its events come with it, those of others of the same name do not, and they stay when the server forgets them', async () => {
  const it = await given([pod('a')]);
  const stored = it.demo.store.get({ group: '', plural: 'pods', namespace: 'train', name: 'a' }) as KubeLike;
  it.demo.store.put(event('e1', stored, 'BackOff'));
  it.demo.store.put(event('e2', { ...stored, metadata: { ...stored.metadata, uid: 'former' } }, 'Old'));
  it.open('object-events', 'pods', 'a');
  const reasons = () => it.seen()?.related.events?.map((one) => one['reason']);
  await expect.poll(reasons).toEqual(['BackOff']);
  it.demo.store.put(event('e3', stored, 'Failed'));
  await expect.poll(reasons).toEqual(['BackOff', 'Failed']);
  it.demo.store.remove({ group: '', plural: 'events', namespace: 'train', name: 'e1' });
  it.demo.store.put(event('e4', stored, 'Killing'));
  await expect.poll(reasons).toEqual(['BackOff', 'Failed', 'Killing']);
});

test('a describe reads what kubectl reads besides: of a node its pods', async () => {
  const node: KubeLike = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };
  const it = await given([node, pod('a'), pod('b', { node: 'n2' }), pod('c', { phase: 'Succeeded' })]);
  it.open('describe', 'nodes', 'n1');
  await expect.poll(() => it.seen()?.related['pods']?.map(({ metadata }) => metadata?.name)).toEqual(['a']);
});

test('who may not get it is told which right is missing', async () => {
  const it = await given([pod('a'), pod('b', { namespace: 'other' })], 'viewer', ['other']);
  it.open('describe', 'pods', 'a');
  await expect.poll(() => it.seen()?.state.state).toBe('failed');
  expect(it.seen()?.state).toMatchObject({
    reason: expect.stringContaining('forbidden'),
    hint: expect.stringContaining('pods'),
  });
});

test('who may get it and not watch it still sees it change', { timeout: 20_000 }, async () => {
  const it = await given([pod('a')]);
  it.demo.faults.always((exchange) => onPath(/\/pods$/)(exchange), answer(403, 'Forbidden'));
  it.open('yaml', 'pods', 'a');
  await expect.poll(() => it.seen()?.state.state).toBe('live');
  it.demo.store.put(pod('a', { phase: 'Failed' }));
  await expect
    .poll(() => it.seen()?.object?.['status'], { timeout: 15_000 })
    .toMatchObject({ phase: 'Failed' });
});

test('a secret comes masked; only when asked twice does it come decoded', async () => {
  const secret: KubeLike = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'train' },
    data: { token: Buffer.from('hf_x').toString('base64') },
  };
  const it = await given([secret]);
  it.open('yaml', 'secrets', 's');
  await expect.poll(() => JSON.stringify(it.seen()?.object)).toContain('(4 bytes)');
  expect(JSON.stringify(it.seen()?.object)).not.toMatch(/hf_x|aGZfeA/);
  it.session.setState(({ views }) => ({
    views: views.map((view) => ('reveal' in view ? { ...view, reveal: 'yes' as const } : view)),
  }));
  await expect.poll(() => JSON.stringify(it.seen()?.object)).toContain('hf_x');
  it.session.setState(({ views }) => ({
    views: views.map((view) => ('reveal' in view ? { ...view, reveal: 'no' as const } : view)),
  }));
  expect(JSON.stringify(it.seen()?.object ?? '')).not.toContain('hf_x');
});

test('leaving the view closes its streams', async () => {
  const it = await given([pod('a')]);
  it.open('describe', 'pods', 'a');
  await expect.poll(() => it.demo.faults.open(isWatch).length).toBe(2);
  it.session.setState(pop(it.session.getState()));
  await expect.poll(() => it.demo.faults.open(isWatch).length).toBe(0);
});
