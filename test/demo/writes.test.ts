import { describe, expect, test } from 'vitest';
import type { Demo } from '../../src/demo/index.ts';
import { fieldAt, type KubeLike } from '../../src/demo/object.ts';
import { type Answer, ask, demoOf, list, names, pod, stream } from './cluster.ts';

const pods = '/api/v1/namespaces/train/pods';
const namespace: KubeLike = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'train' },
  status: { phase: 'Active' },
};

const send = (
  demo: Demo,
  method: string,
  path: string,
  body?: unknown,
  type = 'application/json',
): Promise<Answer> =>
  ask(demo, path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': type } }),
  });
const merge = 'application/merge-patch+json';
const strategic = 'application/strategic-merge-patch+json';
const jsonPatch = 'application/json-patch+json';
const stored = (demo: Demo, name: string): KubeLike | undefined =>
  demo.store.get({ group: '', plural: 'pods', namespace: 'train', name });

const withMeta = (object: KubeLike, metadata: Readonly<Record<string, unknown>>): KubeLike => ({
  ...object,
  metadata: { ...object.metadata, ...metadata },
});

describe('a deleted pod', () => {
  test('is Terminating for its grace, then DELETED in every watch', async () => {
    const demo = await demoOf({ objects: [pod('a')], graceAtMostMs: 200 });
    const watch = await stream(demo, `${pods}?watch=true&resourceVersion=${demo.store.resourceVersion()}`);
    const { status, json } = await send(demo, 'DELETE', `${pods}/a`);
    expect(status).toBe(200);
    expect(json()).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 30 } });
    expect((await watch.event()).object.metadata?.['deletionTimestamp']).toBeDefined();
    expect((await watch.event()).type).toBe('DELETED');
  });

  test('goes at once when forced', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    expect((await send(demo, 'DELETE', `${pods}/a`, { gracePeriodSeconds: 0 })).status).toBe(200);
    expect(stored(demo, 'a')).toBeUndefined();
  });

  test('stays while a finalizer of somebody holds it', async () => {
    const demo = await demoOf({
      objects: [withMeta(pod('a'), { finalizers: ['example.com/hold'] })],
      graceAtMostMs: 10,
    });
    await send(demo, 'DELETE', `${pods}/a`);
    await expect.poll(() => stored(demo, 'a')?.metadata?.['deletionGracePeriodSeconds']).toBe(0);
    expect(stored(demo, 'a')).toBeDefined();
    await send(demo, 'PATCH', `${pods}/a`, { metadata: { finalizers: null } }, merge);
    await expect.poll(() => stored(demo, 'a')).toBeUndefined();
  });

  test('stays on a node that says nothing, until it is forced', async () => {
    const silent: KubeLike = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      spec: {},
      status: { allocatable: {}, capacity: {}, conditions: [{ type: 'Ready', status: 'Unknown' }] },
    };
    const demo = await demoOf({ objects: [silent, pod('a'), pod('b', { node: 'n2' })], graceAtMostMs: 10 });
    await send(demo, 'DELETE', `${pods}/a`);
    await send(demo, 'DELETE', `${pods}/b`);
    await expect.poll(() => stored(demo, 'b')).toBeUndefined();
    expect(stored(demo, 'a')).toBeDefined();
    await send(demo, 'DELETE', `${pods}/a`, { gracePeriodSeconds: 0 });
    expect(stored(demo, 'a')).toBeUndefined();
  });
});

describe('owners', () => {
  const owner: KubeLike = {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'rc', namespace: 'train', uid: 'owner' },
    spec: {},
  };
  const owned = withMeta(pod('a'), {
    ownerReferences: [{ apiVersion: 'v1', kind: 'ReplicationController', name: 'rc', uid: 'owner' }],
  });
  const path = '/api/v1/namespaces/train/replicationcontrollers/rc';

  test('take what they own along', async () => {
    const demo = await demoOf({ objects: [owner, owned], graceAtMostMs: 10 });
    await send(demo, 'DELETE', path, { propagationPolicy: 'Background' });
    await expect.poll(() => stored(demo, 'a')).toBeUndefined();
  });

  test('stay until what they own is gone, in the foreground', async () => {
    const demo = await demoOf({ objects: [owner, owned], graceAtMostMs: 300 });
    const { json } = await send(demo, 'DELETE', path, { propagationPolicy: 'Foreground' });
    expect(json()).toMatchObject({ metadata: { finalizers: ['foregroundDeletion'] } });
    await expect.poll(() => demo.store.list('', 'replicationcontrollers').length, { timeout: 3000 }).toBe(0);
    expect(stored(demo, 'a')).toBeUndefined();
  });

  test('leave orphans when asked to', async () => {
    const demo = await demoOf({ objects: [owner, owned] });
    await send(demo, 'DELETE', path, { propagationPolicy: 'Orphan' });
    await expect.poll(() => demo.store.list('', 'replicationcontrollers').length).toBe(0);
    expect(stored(demo, 'a')?.metadata?.['ownerReferences']).toEqual([]);
  });
});

test('a collection is deleted by its selector', async () => {
  const demo = await demoOf({
    objects: [pod('a', { labels: { app: 'x' } }), pod('b'), pod('c', { labels: { app: 'x' } })],
    graceAtMostMs: 10,
  });
  const { json } = await send(demo, 'DELETE', `${pods}?labelSelector=app%3Dx`);
  expect((json() as { items: KubeLike[] }).items.map((item) => item.metadata?.name)).toEqual(['a', 'c']);
  await expect.poll(async () => names(await list(demo, pods))).toEqual(['b']);
});

describe('patches', () => {
  test('a strategic merge joins containers and their variables by name, and deletes by directive', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const patched = await send(
      demo,
      'PATCH',
      `${pods}/a/ephemeralcontainers`,
      { spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } },
      strategic,
    );
    expect(patched.status).toBe(200);
    await send(
      demo,
      'PATCH',
      `${pods}/a/ephemeralcontainers`,
      { spec: { ephemeralContainers: [{ name: 'second', image: 'busybox' }] } },
      strategic,
    );
    const containers = fieldAt(stored(demo, 'a'), 'spec.ephemeralContainers');
    expect(containers).toMatchObject([{ name: 'debug' }, { name: 'second' }]);
    await send(
      demo,
      'PATCH',
      `${pods}/a`,
      { spec: { containers: [{ name: 'main', image: 'train:2' }] } },
      strategic,
    );
    expect(fieldAt(stored(demo, 'a'), 'spec.containers')).toMatchObject([{ name: 'main', image: 'train:2' }]);
  });

  test('a JSON patch tests before it changes', async () => {
    const demo = await demoOf({ objects: [pod('a', { labels: { app: 'x' } })] });
    const refused = await send(
      demo,
      'PATCH',
      `${pods}/a`,
      [
        { op: 'test', path: '/metadata/labels/app', value: 'y' },
        { op: 'remove', path: '/metadata/labels/app' },
      ],
      jsonPatch,
    );
    expect(refused.status).toBe(422);
    expect(stored(demo, 'a')?.metadata?.labels).toEqual({ app: 'x' });
    await send(
      demo,
      'PATCH',
      `${pods}/a`,
      [{ op: 'add', path: '/metadata/labels/a~1b', value: 'z' }],
      jsonPatch,
    );
    expect(stored(demo, 'a')?.metadata?.labels).toEqual({ app: 'x', 'a/b': 'z' });
  });

  test('custom resources have no strategic merge', async () => {
    const demo = await demoOf({
      objects: [{ apiVersion: 'ray.io/v1', kind: 'RayJob', metadata: { name: 'r', namespace: 'train' } }],
    });
    const path = '/apis/ray.io/v1/namespaces/train/rayjobs/r';
    expect((await send(demo, 'PATCH', path, { spec: { suspend: true } }, strategic)).status).toBe(415);
    expect((await send(demo, 'PATCH', path, { spec: { suspend: true } }, merge)).status).toBe(200);
  });

  test('with a resourceVersion that is old they conflict, and one that changes nothing is no change', async () => {
    const demo = await demoOf({ objects: [pod('a', { labels: { app: 'x' } })] });
    const stale = await send(
      demo,
      'PATCH',
      `${pods}/a`,
      { metadata: { resourceVersion: '1', labels: { app: 'y' } } },
      merge,
    );
    expect(stale.status).toBe(409);
    const before = demo.store.resourceVersion();
    expect(
      (await send(demo, 'PATCH', `${pods}/a`, { metadata: { labels: { app: 'x' } } }, merge)).status,
    ).toBe(200);
    expect(demo.store.resourceVersion()).toBe(before);
  });

  test('of the status change nothing else, and of the rest not the status', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    await send(
      demo,
      'PATCH',
      `${pods}/a/status`,
      { spec: { nodeName: 'n9' }, status: { message: 'm' } },
      merge,
    );
    expect(stored(demo, 'a')).toMatchObject({
      spec: { nodeName: 'n1' },
      status: { message: 'm', phase: 'Running' },
    });
    await send(demo, 'PATCH', `${pods}/a`, { status: { phase: 'Failed' } }, merge);
    expect(fieldAt(stored(demo, 'a'), 'status.phase')).toBe('Running');
  });
});

describe('a dry run', () => {
  test('answers as the write would, and keeps nothing', async () => {
    const demo = await demoOf({ objects: [namespace, pod('a')] });
    const before = demo.store.resourceVersion();
    const made = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { generateName: 'b-' },
      spec: { containers: [{ name: 'm', image: 'x' }] },
    };
    const created = await send(demo, 'POST', `${pods}?dryRun=All`, made);
    expect(created.status).toBe(201);
    expect((created.json() as KubeLike).metadata?.name).toMatch(/^b-[a-z0-9]{5}$/);
    expect((await send(demo, 'DELETE', `${pods}/a?dryRun=All`)).status).toBe(200);
    expect(
      (await send(demo, 'PATCH', `${pods}/a?dryRun=All`, { metadata: { labels: { a: 'b' } } }, merge)).status,
    ).toBe(200);
    expect(demo.store.resourceVersion()).toBe(before);
  });

  test.each(['POST', 'PATCH', 'DELETE'])('%s knows no other word than All', async (method) => {
    const demo = await demoOf({ objects: [pod('a')] });
    const path = method === 'POST' ? pods : `${pods}/a`;
    const { status, text } = await send(
      demo,
      method,
      `${path}?dryRun=maybe`,
      method === 'DELETE' ? undefined : {},
      method === 'PATCH' ? merge : undefined,
    );
    expect(status).toBe(422);
    expect(text).toContain('supported values: \\"All\\"');
  });
});

test('a created pod is given what the server gives, and found again', async () => {
  const demo = await demoOf({ objects: [namespace], still: true });
  const made = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: {
      containers: [{ name: 'm', image: 'x:latest', resources: { limits: { 'nvidia.com/gpu': '2' } } }],
    },
  };
  const { status, json } = await send(demo, 'POST', pods, made);
  expect(status).toBe(201);
  expect(json()).toMatchObject({
    metadata: { namespace: 'train', generation: 1 },
    spec: {
      restartPolicy: 'Always',
      serviceAccountName: 'default',
      containers: [{ imagePullPolicy: 'Always', resources: { requests: { 'nvidia.com/gpu': '2' } } }],
    },
    status: { phase: 'Pending' },
  });
  expect((await send(demo, 'POST', pods, made)).status).toBe(409);
  expect(names(await list(demo, pods))).toEqual(['a']);
});
