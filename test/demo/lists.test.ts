import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fieldMatcher, labelMatcher } from '../../src/demo/selectors.ts';
import { ask, demoOf, list, names, pod } from './cluster.ts';

const twelve = Array.from({ length: 12 }, (_, index) => pod(`p${String(index).padStart(2, '0')}`));

describe('pages', () => {
  test('show one moment, whatever happens between them', async () => {
    const demo = await demoOf({ objects: twelve });
    const first = await list(demo, '/api/v1/namespaces/train/pods?limit=5');
    expect(names(first)).toEqual(['p00', 'p01', 'p02', 'p03', 'p04']);
    expect(first.metadata.remainingItemCount).toBe(7);
    demo.store.remove({ group: '', plural: 'pods', namespace: 'train', name: 'p06' });
    demo.store.put(pod('p05a'));
    demo.store.put(pod('p07', { phase: 'Failed' }));
    const second = await list(
      demo,
      `/api/v1/namespaces/train/pods?limit=5&continue=${first.metadata.continue}`,
    );
    expect(names(second)).toEqual(['p05', 'p06', 'p07', 'p08', 'p09']);
    expect(second.items[2]).toMatchObject({ status: { phase: 'Running' } });
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const last = await list(
      demo,
      `/api/v1/namespaces/train/pods?limit=5&continue=${second.metadata.continue}`,
    );
    expect(names(last)).toEqual(['p10', 'p11']);
    expect(last.metadata.continue).toBeUndefined();
  });

  test('of a revision that is forgotten are a 410 with a token for the rest as it is now', async () => {
    let clock = Date.now();
    const demo = await demoOf({ objects: twelve, historyMs: 1000, now: () => clock });
    const first = await list(demo, '/api/v1/pods?limit=5');
    demo.store.put(pod('p05a'));
    clock += 400_000;
    const gone = await ask(demo, `/api/v1/pods?limit=5&continue=${first.metadata.continue}`);
    expect(gone.status).toBe(410);
    const status = gone.json() as { reason: string; metadata: { continue: string } };
    expect(status.reason).toBe('Expired');
    const rest = await list(demo, `/api/v1/pods?continue=${status.metadata.continue}`);
    expect(names(rest)).toEqual(['p05', 'p05a', 'p06', 'p07', 'p08', 'p09', 'p10', 'p11']);
  });

  test('with a selector do not say how many remain', async () => {
    const demo = await demoOf({ objects: twelve });
    const page = await list(demo, '/api/v1/pods?limit=5&fieldSelector=status.phase%3DRunning');
    expect(page.metadata.continue).toBeDefined();
    expect(page.metadata.remainingItemCount).toBeUndefined();
  });

  test('do not exist at resourceVersion 0', async () => {
    const demo = await demoOf({ objects: twelve });
    expect(names(await list(demo, '/api/v1/pods?limit=5&resourceVersion=0'))).toHaveLength(12);
  });

  test('of every size put together are the whole list, in order', async () => {
    const demo = await demoOf({
      objects: [...twelve, pod('a', { namespace: 'train-2' }), pod('z', { namespace: 'a' })],
    });
    const whole = names(await list(demo, '/api/v1/pods'));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 15 }), async (limit) => {
        const seen: string[] = [];
        for (let token: string | undefined = ''; token !== undefined; ) {
          const page = await list(demo, `/api/v1/pods?limit=${limit}&continue=${token}`);
          seen.push(...names(page));
          token = page.metadata.continue;
        }
        expect(seen).toEqual(whole);
      }),
      { numRuns: 15 },
    );
  });
});

describe('resourceVersion', () => {
  test('an exact one shows the past', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const { resourceVersion } = (await list(demo, '/api/v1/pods')).metadata;
    demo.store.put(pod('b'));
    demo.store.remove({ group: '', plural: 'pods', namespace: 'train', name: 'a' });
    expect(
      names(await list(demo, `/api/v1/pods?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`)),
    ).toEqual(['a']);
    expect(names(await list(demo, `/api/v1/pods?resourceVersion=${resourceVersion}`))).toEqual(['b']);
  });

  test('a coming one is waited for', async () => {
    const demo = await demoOf({ objects: [pod('a')], tooLargeWaitMs: 5000 });
    const next = demo.store.resourceVersion() + 1;
    const waiting = list(demo, `/api/v1/pods?resourceVersion=${next}`);
    demo.store.put(pod('b'));
    expect(names(await waiting)).toEqual(['a', 'b']);
  });
});

describe('selectors', () => {
  const labelled = pod('a', { labels: { app: 'llm', tier: '3', empty: '' } });
  test.each([
    ['app=llm', true],
    ['app==llm', true],
    ['app!=llm', false],
    ['app', true],
    ['!app', false],
    ['nope', false],
    ['!nope', true],
    ['app in (llm, other)', true],
    ['app notin (llm)', false],
    ['nope notin (llm)', true],
    ['nope!=x', true],
    ['nope in (llm)', false],
    ['tier>2', true],
    ['tier<3', false],
    ['tier > 2,app=llm', true],
    ['app=llm,tier=4', false],
    ['empty=', true],
    ['nope=', false],
    ['empty in ()', true],
    ['app in (,llm)', true],
  ])('%s', (selector, matches) => {
    expect(labelMatcher(selector)?.(labelled)).toBe(matches);
  });

  test.each(['a b', '=x', 'a=b,,c', 'app in', 'app in (a', ',', 'a=b,', 'tier>x', '!'])(
    '%s is refused',
    (selector) => {
      expect(() => labelMatcher(selector)).toThrow();
    },
  );

  test('any equality selector made of a label matches its object', () => {
    const word = fc
      .stringMatching(/^[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?$/)
      .filter((text) => text !== 'in' && text !== 'notin');
    fc.assert(
      fc.property(word, word, (key, value) => {
        const object = pod('a', { labels: { [key]: value } });
        expect(labelMatcher(`${key}=${value}`)?.(object)).toBe(true);
        expect(labelMatcher(`${key} notin (${value})`)?.(object)).toBe(false);
      }),
    );
  });

  test('fields of a kind are selected by equality, and others are refused', () => {
    const pods = { group: '', plural: 'pods' };
    const object = pod('a', { phase: 'Running', node: 'n7' });
    expect(fieldMatcher('spec.nodeName=n7,status.phase!=Succeeded', pods)?.(object)).toBe(true);
    expect(fieldMatcher('metadata.name==b', pods)?.(object)).toBe(false);
    expect(() => fieldMatcher('spec.priority=5', pods)).toThrow('field label not supported: spec.priority');
    expect(
      fieldMatcher('spec.unschedulable=false', { group: '', plural: 'nodes' })?.({
        metadata: { name: 'n' },
        spec: {},
      }),
    ).toBe(true);
  });
});

describe('gzip', () => {
  const padded = (bytes: number) => [pod('big', { padding: 'x'.repeat(bytes) })];
  const path = '/api/v1/namespaces/train/pods/big';
  const gzip = { headers: { 'accept-encoding': 'deflate, gzip;q=1.0' } };

  test('starts one byte above 128 KiB', async () => {
    const probe = await demoOf({ objects: padded(0) });
    const bare = (await ask(probe, path)).bytes.length;
    const demo = await demoOf({ objects: padded(131_072 - bare) });
    const below = await ask(demo, path, gzip);
    expect(below.bytes.length).toBe(131_072);
    expect(below.headers['content-encoding']).toBeUndefined();
    expect(below.headers['vary']).toBeUndefined();
    demo.store.put(pod('big', { padding: 'x'.repeat(131_073 - bare) }));
    const above = await ask(demo, path, gzip);
    expect(above.headers['content-encoding']).toBe('gzip');
    expect(above.headers['vary']).toBe('Accept-Encoding');
    expect(gunzipSync(above.bytes).length).toBe(131_073);
  });

  test.each(['br', 'deflate', 'zstd', '*', 'identity'])('is not what %s asks for', async (encoding) => {
    const demo = await demoOf({ objects: padded(200_000) });
    const answer = await ask(demo, path, { headers: { 'accept-encoding': encoding } });
    expect(answer.headers['content-encoding']).toBeUndefined();
  });
});

describe('forms', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';
  test.each([
    ['None', null],
    [
      'Metadata',
      {
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: expect.objectContaining({ name: 'a' }),
      },
    ],
    ['Object', expect.objectContaining({ kind: 'Pod', apiVersion: 'v1', spec: expect.anything() })],
  ])('a Table with includeObject=%s', async (include, object) => {
    const demo = await demoOf({ objects: [pod('a')] });
    const body = (await ask(demo, `/api/v1/pods?includeObject=${include}`, { accept: table })).json() as {
      kind: string;
      rows: { cells: unknown[]; object: unknown }[];
    };
    expect(body.kind).toBe('Table');
    expect(body.rows.map((row) => row.cells.slice(0, 4))).toEqual(
      [['a', '1/1', 'Running', 0]].map((cells) => cells.map((cell) => (cell === 0 ? '0' : cell))),
    );
    expect(body.rows[0]?.object).toEqual(object);
  });

  test('metadata only', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    const body = (
      await ask(demo, '/api/v1/pods', {
        accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
      })
    ).json();
    expect(body).toEqual({
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: expect.any(String) },
      items: [
        {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: expect.objectContaining({ name: 'a', uid: expect.any(String) }),
        },
      ],
    });
  });

  test('people get it indented, and YAML when they ask', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    expect((await ask(demo, '/api/v1/pods', { headers: { 'user-agent': 'curl/8' } })).text).toContain(
      '\n  "kind": "PodList"',
    );
    expect((await ask(demo, '/api/v1/pods?pretty=true')).text).toContain('\n  "kind": "PodList"');
    expect((await ask(demo, '/api/v1/namespaces/train/pods/a', { accept: 'application/yaml' })).text).toMatch(
      /^kind: Pod\napiVersion: v1\n/,
    );
  });

  test('items of built-in kinds do not repeat their kind, those of custom kinds do', async () => {
    const queue = {
      apiVersion: 'kueue.x-k8s.io/v1beta2',
      kind: 'LocalQueue',
      metadata: { name: 'q', namespace: 'train' },
    };
    const demo = await demoOf({ objects: [pod('a'), queue] });
    expect((await list(demo, '/api/v1/pods')).items[0]).not.toHaveProperty('kind');
    const queues = (await ask(demo, '/apis/kueue.x-k8s.io/v1beta2/localqueues')).json();
    expect(queues).toMatchObject({
      kind: 'LocalQueueList',
      items: [{ apiVersion: 'kueue.x-k8s.io/v1beta2', kind: 'LocalQueue' }],
    });
  });

  test('an event is the same object in both of its groups', async () => {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e', namespace: 'train' },
      reason: 'Failed',
      message: 'no',
      type: 'Warning',
      involvedObject: { kind: 'Pod', name: 'a' },
      reportingComponent: 'kubelet',
      count: 3,
    };
    const demo = await demoOf({ objects: [event] });
    const core = await list(demo, '/api/v1/events?fieldSelector=involvedObject.name%3Da');
    const modern = await list(demo, '/apis/events.k8s.io/v1/events?fieldSelector=regarding.name%3Da');
    expect(core.items[0]).toMatchObject({ message: 'no', count: 3 });
    expect(modern.items[0]).toMatchObject({
      note: 'no',
      deprecatedCount: 3,
      regarding: { name: 'a' },
      reportingController: 'kubelet',
    });
    expect(modern.items[0]?.metadata?.uid).toBe(core.items[0]?.metadata?.uid);
  });
});
