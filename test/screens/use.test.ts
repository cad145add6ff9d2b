import { expect, test } from 'vitest';
import { collectDevices, type DeviceUse } from '../../src/accelerators/device-use.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { podUseOf } from '../../src/resources/metrics.ts';
import { createPodUses } from '../../src/state/pod-uses.ts';
import type { SourceState } from '../../src/state/usage.ts';
import { type Given, givenScreen, listed, nodeKind, noon, podKind } from './given.tsx';

const pod = (name: string, gpus = 0): KubeObject => ({
  metadata: { name, namespace: 'train', uid: name, resourceVersion: '1' },
  spec: {
    nodeName: 'gpu-01',
    containers: [
      {
        name: 'main',
        image: 'i',
        resources: {
          requests: { cpu: '2', memory: '4Gi', ...(gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) }) },
          limits: { memory: '4Gi', ...(gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) }) },
        },
      },
    ],
  },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'True' }],
    containerStatuses: [{ name: 'main', ready: true, restartCount: 0, state: { running: {} } }],
  },
});

const node: KubeObject = {
  metadata: { name: 'gpu-01', uid: 'gpu-01' },
  status: {
    capacity: { 'nvidia.com/gpu': '2', cpu: '10', memory: '100Gi', pods: '110' },
    allocatable: { 'nvidia.com/gpu': '2', cpu: '10', memory: '100Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};

const everyMs = 15_000;

function given(options: Parameters<typeof givenScreen>[0] = {}): Given {
  const made = givenScreen({ columns: 120, rows: 24, ...options });
  made.cluster.apply(listed(podKind, [pod('a'), pod('b'), pod('trainer', 2)]), noon);
  made.cluster.apply(listed(nodeKind, [node]), noon);
  return made;
}

function use({ usage, clock }: Given, amounts: Readonly<Record<string, readonly [string, string]>>): void {
  const uses = Object.entries(amounts).flatMap(
    ([name, [cpu, memory]]) =>
      podUseOf({
        metadata: { name, namespace: 'train' },
        containers: [{ name: 'main', usage: { cpu, memory } }],
      }) ?? [],
  );
  usage.putPods('', createPodUses(uses), clock.now, everyMs);
}

function devices(busy: number, tensor?: number): readonly DeviceUse[] {
  const collector = collectDevices(() => 'gpu-01');
  for (const gpu of ['0', '1']) {
    const labels = new Map(Object.entries({ gpu, UUID: `GPU-${gpu}`, pod: 'trainer', namespace: 'train' }));
    collector.add({ name: 'DCGM_FI_DEV_GPU_UTIL', labels, value: busy });
    if (tensor !== undefined)
      collector.add({ name: 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE', labels, value: tensor });
    collector.add({ name: 'DCGM_FI_DEV_FB_USED', labels, value: 40_000 });
    collector.add({ name: 'DCGM_FI_DEV_FB_FREE', labels, value: 40_000 });
  }
  return collector.devices();
}

const line = (text: string, name: string): string =>
  text.split('\n').find((row) => new RegExp(`[ >*](train/| *train +)?${name} `).test(row)) ?? '';

const order = (text: string): readonly string[] =>
  text.split('\n').flatMap((row) => /^[ >*]train +(\S+)/.exec(row)?.[1] ?? []);

test('use stands beside the rows, with the age of its source in the title', () => {
  const screen = given();
  use(screen, { a: ['250m', '1Gi'], b: ['1500m', '3Gi'] });
  screen.clock.now += 4000;
  const text = screen.text();
  expect(line(text, 'a')).toMatch(/250m +1Gi$/);
  expect(line(text, 'b')).toMatch(/1\.5 +3Gi$/);
  expect(line(text, 'trainer')).toMatch(/- +-$/);
  expect(text).toContain('use <10s');
});

test('an order by use follows each poll, and pods without a sample come last', () => {
  const screen = given();
  use(screen, { a: ['250m', '1Gi'], b: ['1500m', '3Gi'] });
  screen.type('C');
  expect(order(screen.text())).toEqual(['b', 'a', 'trainer']);
  screen.clock.now += everyMs;
  use(screen, { a: ['4', '1Gi'], b: ['100m', '3Gi'], trainer: ['2', '1Gi'] });
  expect(order(screen.text())).toEqual(['a', 'trainer', 'b']);
  screen.cluster.apply(listed(podKind, [pod('a'), pod('b')]), screen.clock.now);
  expect(order(screen.text())).toEqual(['a', 'b']);
});

test('a filter by use follows each poll', () => {
  const screen = given();
  use(screen, { a: ['250m', '1Gi'], b: ['1500m', '3Gi'] });
  screen.type('/CPU>1\r');
  expect(order(screen.text())).toEqual(['b']);
  screen.clock.now += everyMs;
  use(screen, { a: ['2', '1Gi'], b: ['1', '3Gi'] });
  expect(order(screen.text())).toEqual(['a']);
});

test('shares are filtered in percent, memory in bytes', () => {
  const screen = given();
  use(screen, { a: ['250m', '1Gi'], b: ['1500m', '3Gi'] });
  screen.usage.putDevices('gpu-01', devices(40), { atMs: noon, everyMs: 30_000, source: 'dcgm-exporter' });
  screen.type('/UTIL<50\r');
  expect(order(screen.text())).toEqual(['trainer']);
  screen.type('\x15');
  screen.type('/MEM>2Gi\r');
  expect(order(screen.text())).toEqual(['b']);
});

test.each<[SourceState['state'], string, string]>([
  ['absent', 'n/a', 'use: not installed'],
  ['down', 'down', 'use: does not answer'],
  ['forbidden', 'denied', 'use: forbidden'],
  ['failed', 'error', 'use: failed'],
])('%s is another word than 0, and the title says it', (state, word, title) => {
  const screen = given();
  screen.usage.setPodSource('', { state, atMs: noon, reason: 'r', hint: 'h' } as SourceState);
  const text = screen.text();
  expect(line(text, 'a')).toContain(word);
  expect(text).toContain(title);
});

test('allocation is there before any measurement, and however that fails', () => {
  const screen = given();
  expect(line(screen.text(), 'trainer')).toMatch(/ 2 +\.\./);
  screen.usage.setDeviceSource('gpu-01', { state: 'forbidden', atMs: noon, reason: 'r', hint: 'h' });
  expect(line(screen.text(), 'trainer')).toMatch(/ 2 +denied/);
});

test('a pod that holds GPUs and uses none is named, and I shows only those', () => {
  const screen = given();
  for (let at = 0; at <= 40; at++)
    screen.usage.putDevices('gpu-01', devices(0), {
      atMs: noon + at * 60_000,
      everyMs: 30_000,
      source: 'dcgm-exporter',
    });
  screen.clock.now = noon + 40 * 60_000;
  screen.type('I');
  const text = screen.text();
  expect(order(text)).toEqual(['trainer']);
  expect(line(text, 'trainer')).toMatch(/ 2 +0%/);
  expect(text).toContain('holds 2 GPUs and uses none: idle 40m, 1.3 GPU-hours');
  screen.type('I');
  expect(order(screen.text())).toHaveLength(3);
});

test('busy without mathematics is said below the row', () => {
  const screen = given();
  screen.usage.putDevices('gpu-01', devices(100, 0), {
    atMs: noon,
    everyMs: 30_000,
    source: 'dcgm-exporter',
  });
  screen.type('U');
  screen.type('g');
  expect(screen.text()).toContain('2 of 2 GPUs look busy (100%) but the tensor cores do nothing');
});

test('nodes have bars where there is room, and numbers where there is not', () => {
  const wide = given({ table: 'nodes', columns: 160 });
  wide.usage.putNodes([{ name: 'gpu-01', at: noon, cpu: 5000, memory: 25 * 2 ** 30 }], noon, everyMs);
  wide.usage.putDevices('gpu-01', devices(50), { atMs: noon, everyMs: 30_000, source: 'dcgm-exporter' });
  expect(line(wide.text(), 'gpu-01')).toMatch(/2\/2 +50% +[▁-█] +50% ▕.*▏ +25% ▕.*▏/);
  const narrow = given({ table: 'nodes', columns: 80 });
  narrow.usage.putNodes([{ name: 'gpu-01', at: noon, cpu: 5000, memory: 25 * 2 ** 30 }], noon, everyMs);
  expect(line(narrow.text(), 'gpu-01')).toMatch(/50% +25%$/);
  expect(narrow.text()).not.toContain('▕▌');
});

test('the devices of a node, one by one, or as units where nothing maps them', () => {
  const screen = given({ table: 'devices' });
  screen.usage.setDeviceSource('gpu-01', { state: 'absent', atMs: noon, reason: 'r', hint: 'h' });
  expect(screen.text()).toContain(
    'which device a pod has is only known where dcgm-exporter or DRA maps them',
  );
  expect(screen.text().match(/train\/trainer/g)).toHaveLength(2);
  screen.usage.putDevices('gpu-01', devices(50), { atMs: noon, everyMs: 30_000, source: 'dcgm-exporter' });
  screen.clock.now += 1000;
  const text = screen.text();
  expect(text).toMatch(/gpu-01 +0 .*train\/trainer +50%/);
  expect(text).toMatch(/39Gi\/78Gi/);
});

test('GPU health lists what is wrong and what to do', () => {
  const screen = given({ table: 'gpuhealth' });
  const lost = { ...node, status: { ...(node['status'] as object), allocatable: { 'nvidia.com/gpu': '1' } } };
  screen.cluster.apply(listed(nodeKind, [lost]), noon);
  screen.clock.now += 1000;
  const text = screen.text();
  expect(text).toMatch(/gpu-01 +- lost/);
  expect(text).toContain('allocatable nvidia.com/gpu 2→1');
  expect(text).toContain('train/trainer');
});

test('at rest a second more changes nothing on the screen, and ten seconds more do', () => {
  const screen = given();
  use(screen, { a: ['250m', '1Gi'], b: ['1500m', '3Gi'] });
  screen.text();
  screen.clock.now += 30_000;
  const before = screen.text();
  expect(before).toContain('use 30s');
  for (let second = 1; second < 10; second += 1) {
    screen.clock.now += 1000;
    expect(screen.text()).toBe(before);
  }
  screen.clock.now += 1000;
  expect(screen.text()).toContain('use 40s');
});
