import { expect, test } from 'vitest';
import type { DeviceUse } from '../../src/accelerators/device-use.ts';
import { followIdle, idleForMs } from '../../src/accelerators/idle.ts';
import { nodeUseOf, podUseOf } from '../../src/resources/metrics.ts';
import { createPodUses } from '../../src/state/pod-uses.ts';
import { containerUse, createUsage, type SourceState, type Usage } from '../../src/state/usage.ts';
import { deviceWhy, nodeSourceText, readingText, sourceText } from '../../src/state/usage-text.ts';

const noon = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;

const podMetrics = (name: string, cpu: string, memory: string) => ({
  metadata: { name, namespace: 'train' },
  timestamp: '2026-11-24T11:59:50Z',
  window: '15s',
  containers: [{ name: 'main', usage: { cpu, memory } }],
});

const device = (key: string, more: Partial<DeviceUse> = {}): DeviceUse => ({
  key,
  node: 'n1',
  index: '0',
  uuid: key,
  mig: undefined,
  model: 'H100-80GB',
  driver: undefined,
  holders: [{ namespace: 'train', pod: 'a', container: 'main' }],
  busy: 0,
  tensor: undefined,
  dram: undefined,
  memoryUsed: undefined,
  memoryTotal: undefined,
  temperature: undefined,
  memoryTemperature: undefined,
  watts: undefined,
  clock: undefined,
  xid: undefined,
  throttled: undefined,
  eccErrors: undefined,
  remapFailed: undefined,
  remappedRows: undefined,
  healthy: undefined,
  ...more,
});

const everyMs = 15_000;

function usageOf(...objects: readonly ReturnType<typeof podMetrics>[]): Usage {
  const usage = createUsage();
  usage.putPods('', createPodUses(objects.flatMap((object) => podUseOf(object) ?? [])), noon, everyMs);
  return usage;
}

test('nanocores and kibibytes become millicores and bytes', () => {
  expect(podUseOf(podMetrics('a', '125500000n', '1024Ki'))).toMatchObject({
    cpu: 125.5,
    memory: 1_048_576,
    at: noon - 10_000,
  });
  expect(nodeUseOf({ metadata: { name: 'n' }, usage: { cpu: '1.5', memory: '1.5Gi' } })).toMatchObject({
    cpu: 1500,
    memory: 1.5 * 2 ** 30,
    at: undefined,
  });
});

test('an amount that cannot be read is no amount', () => {
  expect(podUseOf(podMetrics('a', 'much', '1Mi'))).toBeUndefined();
  expect(podUseOf({ metadata: { name: 'a' }, containers: [] })).toBeUndefined();
});

test('a reading has the age of its window, and is stale after two polls', () => {
  const usage = usageOf(podMetrics('a', '5m', '1Mi'));
  expect(usage.pod('train', 'a', noon)).toMatchObject({ kind: 'known', atMs: noon - 10_000, isStale: false });
  expect(usage.pod('train', 'a', noon + 36_000)).toMatchObject({ kind: 'known', isStale: true });
});

test('each reason for having no value is another one, and none is 0', () => {
  const usage = createUsage();
  const said = (state: SourceState): string => {
    usage.setPodSource('', state);
    return readingText(usage.pod('train', 'a', noon), ({ cpu }) => String(cpu));
  };
  const failure = { atMs: noon, reason: 'r', hint: '' };
  const words = [
    readingText(usage.pod('train', 'a', noon), () => 'x'),
    said({ state: 'absent', ...failure }),
    said({ state: 'down', ...failure }),
    said({ state: 'forbidden', ...failure }),
    said({ state: 'failed', ...failure }),
    readingText(usageOf().pod('train', 'a', noon), () => 'x'),
  ];
  expect(words).toEqual(['..', 'n/a', 'down', 'denied', 'error', '-']);
});

test('what was known stays, greyed, when its source fails, and while it is asked again', () => {
  const usage = usageOf(podMetrics('a', '5m', '1Mi'));
  usage.setPodSource('', { state: 'asking' });
  expect(usage.pod('train', 'a', noon)).toMatchObject({ kind: 'known', isStale: false });
  usage.setPodSource('', { state: 'down', atMs: noon, reason: 'r', hint: '' });
  expect(usage.pod('train', 'a', noon)).toMatchObject({ kind: 'known', isStale: true });
});

test('a pod that is gone from the answer is gone', () => {
  const usage = usageOf(podMetrics('a', '5m', '1Mi'), podMetrics('b', '5m', '1Mi'));
  usage.putPods('', createPodUses(), noon, everyMs);
  expect(usage.pod('train', 'a', noon)).toEqual({ kind: 'none', why: 'noSample' });
});

test('one namespace that is refused does not hide another', () => {
  const usage = createUsage();
  usage.setPodSource('', { state: 'forbidden', atMs: noon, reason: 'r', hint: '' });
  usage.putPods(
    'train',
    createPodUses([podUseOf(podMetrics('a', '5m', '1Mi')) ?? expect.fail()]),
    noon,
    everyMs,
  );
  expect(usage.pod('train', 'a', noon).kind).toBe('known');
  expect(usage.podSource('train').state).toBe('live');
});

test('a container has its own part', () => {
  const usage = usageOf(podMetrics('a', '5m', '1Mi'));
  const pod = { namespace: 'train', name: 'a' };
  expect(containerUse(usage, pod, 'main', noon)).toMatchObject({ kind: 'known', value: { cpu: 5 } });
  expect(containerUse(usage, pod, 'other', noon)).toEqual({ kind: 'none', why: 'noSample' });
});

test('idle is what was seen idle, from the first reading to the last', () => {
  let trail = followIdle(undefined, device('d'), noon);
  expect(idleForMs(trail)).toBe(0);
  for (let at = 1; at <= 20; at++) trail = followIdle(trail, device('d'), noon + at * minute);
  expect(idleForMs(trail)).toBe(20 * minute);
  trail = followIdle(trail, device('d', { busy: 0.4 }), noon + 21 * minute);
  expect(idleForMs(trail)).toBeUndefined();
});

test('nobody looked for an hour: that hour proves nothing', () => {
  const first = followIdle(undefined, device('d'), noon);
  expect(idleForMs(followIdle(first, device('d'), noon + 60 * minute))).toBe(0);
});

test('a GPU that nobody holds is free, one that is not measured is unknown: neither is idle', () => {
  expect(idleForMs(followIdle(undefined, device('d', { holders: [] }), noon))).toBeUndefined();
  expect(idleForMs(followIdle(undefined, device('d', { busy: undefined }), noon))).toBeUndefined();
});

test('a pod idles when all of its GPUs do, and it is said with what it costs', () => {
  const usage = createUsage();
  const from = (atMs: number) => ({ atMs, everyMs: 30_000, source: 'dcgm-exporter' });
  for (let at = 0; at <= 30; at++) {
    usage.putDevices(
      'n1',
      [device('d0', { watts: 71 }), device('d1', { watts: 71 })],
      from(noon + at * minute),
    );
  }
  const reading = usage.devicesOf('train', 'a', 'n1', noon + 30 * minute);
  expect(reading).toMatchObject({ kind: 'known', value: { idleForMs: 30 * minute } });
  if (reading.kind === 'none') return expect.fail();
  expect(deviceWhy(reading.value, 'Running')).toBe(
    'holds 2 GPUs and uses none: idle 30m, 1.0 GPU-hours; 71 W each',
  );
  usage.putDevices('n1', [device('d0'), device('d1', { busy: 0.9 })], from(noon + 31 * minute));
  expect(usage.devicesOf('train', 'a', 'n1', noon)).toMatchObject({ value: { idleForMs: undefined } });
});

test('three minutes are no proof, and are told as three minutes', () => {
  const usage = createUsage();
  for (let at = 0; at <= 3; at++)
    usage.putDevices('n1', [device('d0')], {
      atMs: noon + at * minute,
      everyMs: 30_000,
      source: 'dcgm-exporter',
    });
  const reading = usage.devicesOf('train', 'a', 'n1', noon);
  if (reading.kind === 'none') return expect.fail();
  expect(deviceWhy(reading.value, 'Running')).toBe('holds 1 GPU and uses none: idle, seen for 3m');
});

test('busy without tensor activity is named as such', () => {
  const usage = createUsage();
  const spinning = device('d0', { busy: 1, tensor: 0, watts: 131 });
  usage.putDevices('n1', [spinning], { atMs: noon, everyMs: 30_000, source: 'dcgm-exporter' });
  const reading = usage.devicesOf('train', 'a', 'n1', noon);
  if (reading.kind === 'none') return expect.fail();
  expect(deviceWhy(reading.value, 'Running')).toContain('the tensor cores do nothing');
});

test('an exporter that does not map devices to pods says nothing about a pod', () => {
  const usage = createUsage();
  usage.putDevices('n1', [device('d0', { holders: [] })], {
    atMs: noon,
    everyMs: 30_000,
    source: 'dcgm-exporter',
  });
  expect(usage.devicesOf('train', 'a', 'n1', noon)).toEqual({ kind: 'none', why: 'noSample' });
  expect(usage.devicesOn('n1', noon)).toMatchObject({ kind: 'known' });
});

test('the course of a node is the mean of its GPUs, a quarter of an hour long', () => {
  const usage = createUsage();
  for (let at = 0; at < 40; at++) {
    const devices = [device('d0', { busy: at / 100 }), device('d1', { busy: at / 100 })];
    usage.putDevices('n1', devices, { atMs: noon + at * 30_000, everyMs: 30_000, source: 'dcgm-exporter' });
  }
  expect(usage.trailOf('n1')).toHaveLength(30);
  expect(usage.trailOf('n1').at(-1)).toBeCloseTo(0.39);
});

test('a source is named with its age, or with what is wrong', () => {
  expect(sourceText('use', { state: 'live', atMs: noon - 12_000, everyMs }, noon)).toBe('use 10s');
  expect(sourceText('use', { state: 'absent', atMs: noon, reason: '', hint: '' }, noon)).toBe(
    'use: not installed',
  );
});

test('a GPU that has fallen off the bus does nothing, but it is not idle', () => {
  expect(idleForMs(followIdle(undefined, device('d', { xid: 79 }), noon))).toBeUndefined();
  expect(idleForMs(followIdle(undefined, device('d', { xid: 31 }), noon))).toBe(0);
});

test('holders of idle GPUs, most first', () => {
  const usage = createUsage();
  const of = (pod: string) => ({ holders: [{ namespace: 'train', pod, container: 'main' }] });
  const told = [
    device('d0', of('a')),
    device('d1', of('b')),
    device('d2', of('b')),
    device('d3', { ...of('c'), busy: 1 }),
  ];
  for (const at of [0, 60_000])
    usage.putDevices('n1', told, { atMs: noon + at, everyMs: 30_000, source: 's' });
  expect(usage.idleHolders()).toEqual([
    { namespace: 'train', pod: 'b', devices: 2, forMs: 60_000 },
    { namespace: 'train', pod: 'a', devices: 1, forMs: 60_000 },
  ]);
  expect(usage.idleDevices()).toEqual({ seen: 3, proven: 0, longestMs: 60_000 });
});

test('another holder begins anew', () => {
  const other = device('d', { holders: [{ namespace: 'train', pod: 'b', container: 'main' }] });
  const trail = followIdle(followIdle(undefined, device('d'), noon), other, noon + minute);
  expect(idleForMs(trail)).toBe(0);
});

test('a source that remembers proves at once what would take a quarter of an hour to see', () => {
  const usage = createUsage();
  const from = { atMs: noon, everyMs: 30_000, source: 'prometheus', idleMs: new Map([['d0', 30 * minute]]) };
  usage.putDevices('n1', [device('d0'), device('d1')], from);
  expect([usage.deviceIdleMs('d0'), usage.deviceIdleMs('d1')]).toEqual([30 * minute, 0]);
  expect(usage.idleDevices()).toMatchObject({ seen: 2, proven: 1 });
});

test('an answer that lacks nodes which are Ready says so', () => {
  const usage = createUsage();
  usage.putNodes([{ name: 'n1', at: noon, cpu: 1, memory: 1 }], noon, everyMs);
  expect(nodeSourceText(usage, 3, noon + 4000)).toBe('use <10s, 1 of 3 nodes');
  expect(nodeSourceText(usage, 1, noon + 4000)).toBe('use <10s');
});
