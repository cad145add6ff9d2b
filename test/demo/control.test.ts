import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { controlFaults, type Demo } from '../../src/demo/index.ts';
import { ask, demoOf, pod, stream } from './cluster.ts';

async function controlled(): Promise<{ demo: Demo; fault: (name?: string) => Promise<string[]> }> {
  const demo = await demoOf({ objects: [pod('a'), pod('b')] });
  const folder = mkdtempSync(join(tmpdir(), 'mltop-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  return { demo, fault: (name) => controlFaults({ kubeconfig }, name) };
}

const pods = '/api/v1/pods';

test.each([
  ['401', 401],
  ['403', 403],
  ['429:7', 429],
  ['500', 500],
  ['503', 503],
] as const)('%s from outside is what everybody gets, until it is cleared', async (name, status) => {
  const { demo, fault } = await controlled();
  expect((await fault(name))[0]).toMatch(`on: ${name} since`);
  const refused = await ask(demo, pods);
  expect(refused.status).toBe(status);
  if (status === 429) expect(refused.headers['retry-after']).toBe('7');
  expect(await fault('clear')).toEqual(['no fault is on']);
  expect((await ask(demo, pods)).status).toBe(200);
});

test('cut breaks an open watch in the middle of a line', async () => {
  const { demo, fault } = await controlled();
  const watch = await stream(demo, `${pods}?watch=true`);
  await watch.event();
  await watch.event();
  await fault('cut');
  await expect(watch.next()).rejects.toThrow();
});

test('410 is told in open watches, and to whoever goes on from before', async () => {
  const { demo, fault } = await controlled();
  const version = demo.store.resourceVersion();
  const watch = await stream(demo, `${pods}?watch=true&resourceVersion=${version}`);
  await fault('410');
  expect((await watch.event()).object.code).toBe(410);
  expect(await watch.next()).toBeUndefined();
  const next = await stream(demo, `${pods}?watch=true&resourceVersion=${version}`);
  expect((await next.event()).object.code).toBe(410);
  const anew = await stream(
    demo,
    `${pods}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
  );
  expect((await anew.event()).type).toBe('ADDED');
});

test('compact ends pages that are under way, and no open watch', async () => {
  const { demo, fault } = await controlled();
  const page = (await ask(demo, `${pods}?limit=1`)).json() as { metadata: { continue: string } };
  const watch = await stream(demo, `${pods}?watch=true&resourceVersion=${demo.store.resourceVersion()}`);
  await fault('compact');
  expect((await ask(demo, `${pods}?limit=1&continue=${page.metadata.continue}`)).status).toBe(410);
  demo.store.put(pod('c'));
  expect((await watch.event()).object.metadata?.name).toBe('c');
});

test('error is told in open watches, and for a while to who goes on', async () => {
  const { demo, fault } = await controlled();
  const query = `watch=true&resourceVersion=${demo.store.resourceVersion()}`;
  const watch = await stream(demo, `${pods}?${query}`);
  await fault('error:60');
  expect((await watch.event()).object.code).toBe(500);
  expect((await (await stream(demo, `${pods}?${query}`)).event()).object.code).toBe(500);
  await fault('clear');
  const next = await stream(demo, `${pods}?${query}`);
  demo.store.put(pod('c'));
  expect((await next.event()).object.metadata?.name).toBe('c');
});

test('goaway and ends end watches cleanly', async () => {
  const { demo, fault } = await controlled();
  const query = `watch=true&resourceVersion=${demo.store.resourceVersion()}`;
  const watch = await stream(demo, `${pods}?${query}`);
  await fault('goaway');
  expect(await watch.next()).toBeUndefined();
  await fault('ends:0.01');
  expect(await (await stream(demo, `${pods}?${query}`)).rest()).toEqual([]);
});

test('pieces tear a body, and lose nothing of it', async () => {
  const { demo, fault } = await controlled();
  const whole = (await ask(demo, pods)).text;
  await fault('pieces:3');
  expect((await ask(demo, pods)).text).toBe(whole);
});

test('disorder brings the beginning of a streaming list backwards, each object twice', async () => {
  const { demo, fault } = await controlled();
  await fault('disorder');
  const watch = await stream(demo, `${pods}?watch=true`);
  const found = [await watch.event(), await watch.event(), await watch.event(), await watch.event()];
  expect(found.map(({ object }) => object.metadata?.name)).toEqual(['b', 'b', 'a', 'a']);
});

test('replace makes others of the same names, huge makes one that weighs, restore takes the revisions back', async () => {
  const { demo, fault } = await controlled();
  const uids = (): string[] => demo.store.list('', 'pods').map(({ metadata }) => metadata?.uid ?? '');
  const before = uids();
  await fault('replace:2');
  expect(uids()).toHaveLength(2);
  expect(uids().some((uid) => before.includes(uid))).toBe(false);
  await fault('huge');
  expect((await ask(demo, `${pods}?limit=1`)).text.length).toBeGreaterThan(500_000);
  demo.store.jumpTo(5000);
  await fault('restore:60');
  expect((await ask(demo, pods)).status).toBe(503);
  expect(demo.store.resourceVersion()).toBe(4000);
});

test('corrupt puts a line that is no JSON between the others', async () => {
  const { demo, fault } = await controlled();
  const watch = await stream(demo, `${pods}?watch=true&resourceVersion=${demo.store.resourceVersion()}`);
  await fault('corrupt');
  const line = (await watch.next()) ?? '';
  expect(() => JSON.parse(line) as unknown).toThrow();
  demo.store.put(pod('c'));
  expect((await watch.event()).object.metadata?.name).toBe('c');
});

test('a slow link still brings every byte', async () => {
  const { demo, fault } = await controlled();
  const whole = (await ask(demo, pods)).text;
  await fault('slow-link:5000');
  expect((await ask(demo, pods)).text).toBe(whole);
});

test('the clock jumps, and comes back', async () => {
  const { demo, fault } = await controlled();
  const dateOf = async (): Promise<number> => Date.parse((await ask(demo, '/version')).headers.date ?? '');
  await fault('clock:7200');
  expect((await dateOf()) - Date.now()).toBeGreaterThan(7_000_000);
  await fault('clear');
  expect(Math.abs((await dateOf()) - Date.now())).toBeLessThan(60_000);
});

test('usage grows old, goes down, and is not installed', async () => {
  const demo = await demoOf({ still: true });
  const folder = mkdtempSync(join(tmpdir(), 'mltop-control-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  const nodes = '/apis/metrics.k8s.io/v1beta1/nodes';
  await controlFaults({ kubeconfig }, 'metrics-age:600');
  const { items } = (await ask(demo, nodes)).json() as { items: { timestamp: string }[] };
  expect(Date.now() - Date.parse(items[0]?.timestamp ?? '')).toBeGreaterThan(590_000);
  await controlFaults({ kubeconfig }, 'metrics:down');
  expect((await ask(demo, nodes)).status).toBe(503);
  await controlFaults({ kubeconfig }, 'clear');
  expect((await ask(demo, nodes)).status).toBe(200);
});

test('nobody but the admin may, and a fault that is none is refused by name', async () => {
  const { demo, fault } = await controlled();
  expect((await ask(demo, '/_demo/faults', { user: 'viewer' })).status).toBe(403);
  expect((await ask(demo, '/_demo/faults', { user: 'anonymous' })).status).toBe(403);
  await expect(fault('flood')).rejects.toThrow('there is no fault "flood": ');
  expect((await fault('list')).join('\n')).toContain('slow-link:BYTES_PER_SECOND');
});
