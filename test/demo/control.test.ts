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

test('410 is told in open watches, and to the next', async () => {
  const { demo, fault } = await controlled();
  const watch = await stream(demo, `${pods}?watch=true&resourceVersion=${demo.store.resourceVersion()}`);
  await fault('410');
  expect((await watch.event()).object.code).toBe(410);
  expect(await watch.next()).toBeUndefined();
  const next = await stream(demo, `${pods}?watch=true&resourceVersion=${demo.store.resourceVersion()}`);
  expect((await next.event()).object.code).toBe(410);
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
