import { type ClientHttp2Session, connect } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import {
  answer,
  answerStatus,
  both,
  cutAfter,
  delay,
  endAfter,
  freezeAfter,
  goaway,
  inPiecesOf,
  isList,
  isWatch,
  onPath,
  rewriteLines,
  watchError,
} from '../../src/demo/faults.ts';
import type { Demo } from '../../src/demo/index.ts';
import { expired } from '../../src/demo/status.ts';
import { ask, demoOf, list, names, pod, stream } from './cluster.ts';

const objects = [pod('a'), pod('b')];
const pods = '/api/v1/pods';

function session(demo: Demo): ClientHttp2Session {
  const open = connect(demo.url, { ca: demo.caPem });
  open.on('error', () => undefined);
  onTestFinished(() => open.destroy());
  return open;
}

test('a planned answer comes as often as it was planned', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(onPath(pods), [answer(429, 'TooManyRequests', { 'retry-after': '2' })], 2);
  const refused = await ask(demo, pods);
  expect([refused.status, refused.headers['retry-after']]).toEqual([429, '2']);
  expect((await ask(demo, pods)).status).toBe(429);
  expect((await ask(demo, pods)).status).toBe(200);
});

test('a storm lasts until it is called off', async () => {
  const demo = await demoOf({ objects });
  const callOff = demo.faults.always(() => true, answer(503, 'ServiceUnavailable'));
  expect((await ask(demo, '/version')).status).toBe(503);
  callOff();
  expect((await ask(demo, '/version')).status).toBe(200);
});

test('a delay delays only', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(both(isList, onPath(pods)), [delay(1)]);
  expect(names(await list(demo, pods))).toEqual(['a', 'b']);
});

test('a connection is cut in the middle of a line', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(isWatch, [cutAfter(100)]);
  const watch = await stream(demo, `${pods}?watch=true`);
  await expect(watch.next()).rejects.toThrow();
});

test('an HTTP/2 stream is cut and the connection lives on', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(isWatch, [cutAfter(100)]);
  const h2 = session(demo);
  const headers = { authorization: `Bearer ${demo.users.token('admin')}` };
  const broken = h2.request({ ':path': `${pods}?watch=true`, ...headers });
  let received = 0;
  broken.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  await expect(new Promise((_resolve, reject) => broken.on('error', reject))).rejects.toThrow(
    /NGHTTP2_INTERNAL_ERROR/,
  );
  expect(received).toBe(100);
  const next = h2.request({ ':path': '/version', ...headers });
  const status = await new Promise((resolve) =>
    next.on('response', (response) => resolve(response[':status'])),
  );
  expect(status).toBe(200);
});

test('a server that goes away says so', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(onPath('/version'), [goaway]);
  const h2 = session(demo);
  const said = new Promise((resolve) => h2.on('goaway', resolve));
  h2.request({ ':path': '/version', authorization: `Bearer ${demo.users.token('admin')}` }).resume();
  expect(await said).toBe(0);
});

test('a frozen watch is silent until it thaws', async () => {
  const demo = await demoOf({ objects: [] });
  const watch = await stream(demo, `${pods}?watch=true`);
  const [frozen] = demo.faults.open(isWatch);
  frozen?.freeze();
  demo.store.put(pod('unseen'));
  frozen?.thaw();
  demo.store.put(pod('seen'));
  expect((await watch.event()).object.metadata?.name).toBe('seen');
});

test('freezing after some bytes leaves a torn line and an open stream', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(isWatch, [freezeAfter(50)]);
  const watch = session(demo).request({
    ':path': `${pods}?watch=true`,
    authorization: `Bearer ${demo.users.token('admin')}`,
  });
  const torn = await new Promise<Buffer>((resolve) => watch.on('data', resolve));
  expect(torn.length).toBe(50);
  await expect.poll(() => demo.faults.open(isWatch).length).toBe(1);
  demo.store.put(pod('unseen'));
  watch.on('data', () => expect.unreachable('a frozen stream wrote'));
  demo.faults.open(isWatch)[0]?.cut();
  await expect(new Promise((_resolve, reject) => watch.on('error', reject))).rejects.toThrow();
});

test('a clean end, an error line and a hand on an open stream', async () => {
  const demo = await demoOf({ objects: [] });
  demo.faults.next(isWatch, [endAfter(5)]);
  expect(await (await stream(demo, `${pods}?watch=true`)).rest()).toEqual([]);
  demo.faults.next(isList, [answerStatus(expired('gone'))]);
  expect((await ask(demo, pods)).status).toBe(410);
  demo.faults.next(isWatch, [watchError(expired('too old resource version: 1 (2)'))]);
  expect(await (await stream(demo, `${pods}?watch=true`)).event()).toMatchObject({
    type: 'ERROR',
    object: { code: 410 },
  });
  const watch = await stream(demo, `${pods}?watch=true`);
  for (const exchange of demo.faults.open(isWatch)) exchange.cut();
  await expect(watch.next()).rejects.toThrow();
});

test('lines are rewritten, and torn into pieces', async () => {
  const demo = await demoOf({ objects });
  demo.faults.next(isWatch, [rewriteLines((line) => [line, line]), inPiecesOf(7)]);
  const watch = await stream(demo, `${pods}?watch=true`);
  expect(
    [await watch.event(), await watch.event(), await watch.event()].map(
      ({ object }) => object.metadata?.name,
    ),
  ).toEqual(['a', 'a', 'b']);
});

test('an etcd restore takes the revisions back', async () => {
  const demo = await demoOf({ objects });
  demo.store.jumpTo(5000);
  demo.store.put(pod('c'));
  const before = (await list(demo, pods)).metadata.resourceVersion;
  demo.store.jumpTo(100);
  const after = (await list(demo, pods)).metadata.resourceVersion;
  expect([before, after]).toEqual(['5001', '100']);
});
