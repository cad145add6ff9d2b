import { describe, expect, test } from 'vitest';
import { ask, demoOf, list, pod, recordedFiles, stream } from './cluster.ts';

const watchList =
  'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
const podRef = (name: string) => ({ group: '', plural: 'pods', namespace: 'train', name });

describe('a watch', () => {
  test('from a revision tells everything since, and goes on', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const { resourceVersion } = (await list(demo, '/api/v1/pods')).metadata;
    demo.store.put(pod('b'));
    demo.store.put(pod('a', { phase: 'Failed' }));
    const watch = await stream(demo, `/api/v1/pods?watch=true&resourceVersion=${resourceVersion}`);
    expect(await watch.event()).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'b' } },
    });
    expect(await watch.event()).toMatchObject({
      type: 'MODIFIED',
      object: { metadata: { name: 'a' }, status: { phase: 'Failed' } },
    });
    demo.store.remove(podRef('b'));
    const removed = await watch.event();
    expect(removed).toMatchObject({
      type: 'DELETED',
      object: { metadata: { name: 'b', resourceVersion: String(demo.store.resourceVersion()) } },
    });
  });

  test.each(['', '&resourceVersion=0'])('from nowhere begins with what is there (%s)', async (version) => {
    const demo = await demoOf({ objects: [pod('a'), pod('b')] });
    const watch = await stream(demo, `/api/v1/pods?watch=1${version}`);
    expect(
      [await watch.event(), await watch.event()].map(({ type, object }) => [type, object.metadata?.name]),
    ).toEqual([
      ['ADDED', 'a'],
      ['ADDED', 'b'],
    ]);
    demo.store.put(pod('c'));
    expect(await watch.event()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
  });

  test('from a forgotten revision is one ERROR with 410, and an end', async () => {
    const demo = await demoOf({ objects: [pod('a'), pod('b'), pod('c')], historyCount: 1 });
    const watch = await stream(demo, '/api/v1/pods?watch=true&resourceVersion=1');
    expect(watch.status).toBe(200);
    expect(await watch.event()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', reason: 'Expired', code: 410 },
    });
    expect(await watch.next()).toBeUndefined();
  });

  test('from the future is silent', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const watch = await stream(demo, '/api/v1/pods?watch=true&resourceVersion=99999&timeoutSeconds=1');
    demo.store.put(pod('b'));
    expect(await watch.rest()).toEqual([]);
  });

  test('ends when its time is over', async () => {
    const demo = await demoOf({ objects: [] });
    const watch = await stream(demo, '/api/v1/pods?watch=true&timeoutSeconds=1');
    expect(await watch.rest()).toEqual([]);
  });

  test('sees an object that stops matching leave as it was, and one that begins to match come', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const { resourceVersion } = (await list(demo, '/api/v1/pods')).metadata;
    const watch = await stream(
      demo,
      `/api/v1/pods?watch=true&resourceVersion=${resourceVersion}&fieldSelector=status.phase%21%3DSucceeded`,
    );
    demo.store.put(pod('a', { phase: 'Succeeded' }));
    const left = await watch.event();
    expect(left).toMatchObject({
      type: 'DELETED',
      object: {
        status: { phase: 'Running' },
        metadata: { resourceVersion: String(demo.store.resourceVersion()) },
      },
    });
    expect(left.object.metadata).not.toHaveProperty('deletionTimestamp');
    demo.store.put(pod('a', { phase: 'Running' }));
    expect(await watch.event()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } });
  });

  test('of one object sees only that object', async () => {
    const demo = await demoOf({ objects: [pod('a'), pod('b')] });
    const watch = await stream(
      demo,
      '/api/v1/namespaces/train/pods?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Db',
    );
    expect((await watch.event()).object.metadata?.name).toBe('b');
    demo.store.put(pod('a'));
    demo.store.put(pod('b'));
    expect(await watch.event()).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'b' } } });
  });

  test('of a namespace does not see another that begins with its name', async () => {
    const demo = await demoOf({ objects: [] });
    const watch = await stream(demo, '/api/v1/namespaces/train/pods?watch=true');
    demo.store.put(pod('other', { namespace: 'train-2' }));
    demo.store.put(pod('mine'));
    expect((await watch.event()).object.metadata?.name).toBe('mine');
  });

  test('as a Table describes its columns once', async () => {
    const demo = await demoOf({ objects: [pod('a'), pod('b')] });
    const watch = await stream(demo, '/api/v1/pods?watch=true', {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    expect((await watch.event()).object).toMatchObject({
      kind: 'Table',
      columnDefinitions: expect.arrayContaining([expect.objectContaining({ name: 'Name' })]),
    });
    expect((await watch.event()).object).toMatchObject({
      kind: 'Table',
      columnDefinitions: null,
      rows: [{ cells: expect.arrayContaining(['b']) }],
    });
  });

  test('of metadata has nothing else', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const watch = await stream(demo, '/api/v1/pods?watch=true', {
      accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    });
    expect(Object.keys((await watch.event()).object)).toEqual(['kind', 'apiVersion', 'metadata']);
  });
});

describe('bookmarks', () => {
  test('come on a clock once something has happened anywhere, as the empty shape of the kind', async () => {
    const demo = await demoOf({ objects: [pod('a')], bookmarkEveryMs: 20 });
    const { resourceVersion } = (await list(demo, '/api/v1/pods')).metadata;
    const watch = await stream(
      demo,
      `/api/v1/pods?watch=true&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`,
    );
    demo.store.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
    expect(await watch.next()).toBe(
      `{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"${demo.store.resourceVersion()}"},"spec":{"containers":null},"status":{}}}`,
    );
  });

  test('of a Table carry a ghost row', async () => {
    const demo = await demoOf({ objects: [], bookmarkEveryMs: 20 });
    const watch = await stream(demo, `/api/v1/pods?${watchList}`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    const bookmark = await watch.event();
    expect(bookmark).toMatchObject({
      type: 'BOOKMARK',
      object: {
        rows: [
          {
            cells: ['', '0/0', '', '0', '<unknown>', '<none>', '<none>', '<none>', '<none>'],
            object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
          },
        ],
      },
    });
  });

  test('never come to events', async () => {
    const demo = await demoOf({ objects: [], bookmarkEveryMs: 10 });
    const watch = await stream(demo, '/api/v1/events?watch=true&allowWatchBookmarks=true&timeoutSeconds=1');
    demo.store.put(pod('a'));
    expect(await watch.rest()).toEqual([]);
  });

  test.each([
    [
      '/api/v1/nodes',
      { kind: 'Node', spec: {}, status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } } } },
    ],
    [
      '/apis/apps/v1/deployments',
      { kind: 'Deployment', spec: { replicas: 0, selector: null, strategy: {} } },
    ],
    [
      '/apis/batch/v1/jobs',
      { kind: 'Job', spec: { template: { metadata: {}, spec: { containers: null } } }, status: {} },
    ],
  ])('of %s have the recorded skeleton', async (path, skeleton) => {
    const demo = await demoOf({ objects: [] });
    const watch = await stream(demo, `${path}?${watchList}`);
    expect((await watch.event()).object).toMatchObject(skeleton);
  });
});

describe('a streaming list', () => {
  test('tells what is there, that this was all, and then goes on', async () => {
    const demo = await demoOf({ objects: [pod('a'), pod('b')] });
    const version = String(demo.store.resourceVersion());
    const watch = await stream(demo, `/api/v1/pods?${watchList}&resourceVersion=1`);
    expect((await watch.event()).type).toBe('ADDED');
    expect((await watch.event()).type).toBe('ADDED');
    expect(await watch.event()).toMatchObject({
      type: 'BOOKMARK',
      object: {
        metadata: { resourceVersion: version, annotations: { 'k8s.io/initial-events-end': 'true' } },
      },
    });
    demo.store.put(pod('c'));
    expect(await watch.event()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } });
  });

  test('without bookmarks never says that it is complete', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const watch = await stream(
      demo,
      '/api/v1/pods?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1',
    );
    expect((await watch.rest()).map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
      'ADDED',
    ]);
  });

  test('is refused by a server without the gate', async () => {
    const demo = await demoOf({ objects: [], version: 'v1.30.14' });
    const answer = await ask(demo, `/api/v1/pods?${watchList}`);
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(
      'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled',
    );
  });

  test('is a plain watch to a server that is too old to know it', async () => {
    const demo = await demoOf({ objects: [pod('a')], version: 'v1.26.0' });
    const watch = await stream(demo, `/api/v1/pods?${watchList}&timeoutSeconds=1`);
    expect((await watch.rest()).map((line) => (JSON.parse(line) as { type: string }).type)).toEqual([
      'ADDED',
    ]);
  });

  test('loses nothing that happens while it is written', async () => {
    const demo = await demoOf({ objects: Array.from({ length: 3000 }, (_, index) => pod(`p${index}`)) });
    const watch = await stream(demo, `/api/v1/pods?${watchList}`);
    demo.store.put(pod('late'));
    demo.store.remove(podRef('p7'));
    const seen = new Set<string>();
    let done = false;
    while (!done || !seen.has('late') || seen.has('p7')) {
      const { type, object } = await watch.event();
      if (type === 'BOOKMARK') done = true;
      else if (type === 'DELETED') seen.delete(object.metadata?.name ?? '');
      else seen.add(object.metadata?.name ?? '');
    }
    expect(seen.size).toBe(3000);
  });
});

test('the whole recorded cluster is served from its files', async () => {
  const demo = await demoOf({ from: recordedFiles('pods', 'nodes', 'jobs.batch', 'events.events.k8s.io') });
  expect((await list(demo, '/api/v1/pods')).items).toHaveLength(284);
  expect((await list(demo, '/api/v1/events')).items).toHaveLength(2061);
  expect(demo.settings.version).toBe('v1.36.3');
  // Only what was given is there, and the namespaces that it is in.
  expect((await list(demo, '/api/v1/namespaces')).items.length).toBeGreaterThan(5);
});
