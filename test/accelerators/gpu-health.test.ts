import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { collectDevices, type DeviceUse } from '../../src/accelerators/device-use.ts';
import {
  type GpuHealthRow,
  gpuHealth,
  type HealthEvidence,
  healthRows,
} from '../../src/accelerators/gpu-health.ts';
import { brokenPart, smiPod } from '../../src/accelerators/operator.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { clusterOf } from './cluster.ts';

const noon = Date.parse('2026-09-30T14:00:00Z');

const catalogue: readonly KubeObject[] = ['nodes', 'pods', 'dra', 'events'].flatMap((file) =>
  readFileSync(new URL(`../../src/demo/catalogue/${file}.jsonl`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KubeObject),
);

const inCatalogue = (evidence: HealthEvidence = {}): readonly GpuHealthRow[] =>
  healthRows(clusterOf(catalogue), evidence);

const rowOf = (rows: readonly GpuHealthRow[], node: string, kind: string): GpuHealthRow =>
  rows.find((row) => row.node === node && row.kind === kind) ?? expect.fail(`${node} has no ${kind}`);

const measured = (name: string, value: number, labels: Record<string, string> = {}): DeviceUse => {
  const collector = collectDevices(() => 'gpu-h100-02');
  collector.add({
    name,
    value,
    labels: new Map(
      Object.entries({ gpu: '7', UUID: 'GPU-7', pod: 'pretrain-8', namespace: 'team-b', ...labels }),
    ),
  });
  return collector.devices()[0] ?? expect.fail();
};

const operatorPod = (app: string, status: object, inits: readonly string[] = []): PodRow =>
  pods.toRow(
    {
      metadata: { name: `${app}-x`, namespace: 'gpu-operator', labels: { app } },
      spec: {
        nodeName: 'n1',
        initContainers: inits.map((name) => ({ name, image: 'i' })),
        containers: [{ name: 'main', image: 'i' }],
      },
      status,
    },
    { server: undefined },
  );

test('the Xid of gpu-h100-02 is one sign, told by its condition and by an event, with who holds the GPUs', () => {
  const row = rowOf(inCatalogue(), 'gpu-h100-02', 'Xid');
  expect(row).toMatchObject({
    code: 79,
    severity: 'bad',
    meaning: 'the GPU has fallen off the bus',
    action: 'reboot or power-cycle the node',
    holders: ['team-b/pretrain-8'],
  });
  expect(row.source).toBe('condition XidCriticalError, event of nvidia-gpu-device-plugin');
});

test("the exporter's gauge tells which GPU it was", () => {
  const row = rowOf(
    inCatalogue({ devices: [measured('DCGM_FI_DEV_XID_ERRORS', 79)], deviceSource: 'dcgm-exporter' }),
    'gpu-h100-02',
    'Xid',
  );
  expect(row).toMatchObject({ gpu: '7', holders: ['team-b/pretrain-8'] });
  expect(row.source).toContain('dcgm-exporter');
});

test('a gauge that stays is told as what it is', () => {
  const [row] = healthRows(clusterOf([]), {
    devices: [measured('DCGM_FI_DEV_XID_ERRORS', 31)],
    firstSeen: () => noon,
  });
  expect(row).toMatchObject({ severity: 'info', at: noon });
  expect(row?.meaning).toContain('last since the driver was loaded');
});

test('the device that DRA has tainted is named with its claims', () => {
  expect(rowOf(inCatalogue(), 'gpu-dra-01', 'Xid')).toMatchObject({
    gpu: 'gpu-3',
    code: 79,
    source: 'slice taint',
  });
});

test('of gpu-l4-01 it is the container toolkit that is broken, and the plugin registered nothing', () => {
  const rows = inCatalogue();
  expect(rowOf(rows, 'gpu-l4-01', 'operator')).toMatchObject({
    severity: 'bad',
    action: 'mend the container toolkit',
    source: 'pod gpu-operator/nvidia-operator-validator-l4x9z',
  });
  expect(rowOf(rows, 'gpu-l4-01', 'plugin').meaning).toContain('the plugin registered none');
});

test('a lost device is a device less, whatever its reason', () => {
  expect(rowOf(inCatalogue(), 'gpu-h100-02', 'lost').meaning).toBe('1 of 8 nvidia.com/gpu unhealthy');
});

test('healthy nodes are not mentioned', () => {
  expect(inCatalogue().some(({ node }) => node === 'gpu-a100-01' || node === 'cpu-01')).toBe(false);
});

test('throttling, remapping, memory errors, heat and AMD health are signs of their own', () => {
  const kinds = (device: DeviceUse): readonly string[] =>
    healthRows(clusterOf([]), { devices: [device] }).map(({ kind, severity }) => `${kind} ${severity}`);
  expect(kinds(measured('DCGM_FI_DEV_CLOCKS_EVENT_REASONS', 0x80))).toEqual(['throttled warn']);
  expect(kinds(measured('DCGM_FI_DEV_ROW_REMAP_FAILURE', 1))).toEqual(['memory bad']);
  expect(kinds(measured('DCGM_FI_DEV_ECC_DBE_VOL_TOTAL', 2))).toEqual(['memory bad']);
  expect(kinds(measured('DCGM_FI_DEV_GPU_TEMP', 91))).toEqual(['hot warn']);
  expect(kinds(measured('gpu_health', 0))).toEqual(['device bad']);
  expect(kinds(measured('DCGM_FI_DEV_GPU_TEMP', 60))).toEqual([]);
});

test('what was seen to go is told with its time, and that it came back', () => {
  const drop = {
    node: 'n1',
    resource: 'nvidia.com/gpu',
    before: 8,
    after: 7,
    atMs: noon,
    backAtMs: undefined,
  };
  expect(healthRows(clusterOf([]), { drops: [drop] })[0]).toMatchObject({
    meaning: 'allocatable nvidia.com/gpu 8→7',
    severity: 'bad',
    at: noon,
    source: 'seen live',
  });
  expect(healthRows(clusterOf([]), { drops: [{ ...drop, backAtMs: noon + 180_000 }] })[0]).toMatchObject({
    meaning: 'allocatable nvidia.com/gpu 8→7, back after 3m',
    severity: 'info',
  });
});

test('one driver among others is told', () => {
  const node = (name: string, version: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'nvidia.com/cuda.driver-version.full': version } },
  });
  const rows = healthRows(clusterOf([node('a', '580.1'), node('b', '580.1'), node('c', '570.9')]), {});
  expect(rows.map(({ node: name, meaning }) => [name, meaning])).toEqual([
    ['c', 'driver 570.9; 2 nodes have 580.1'],
  ]);
});

test('the init container that a pod of the operator hangs in names the layer', () => {
  const inits = ['driver-validation', 'toolkit-validation', 'cuda-validation', 'plugin-validation'];
  const running = (name: string) => ({ name, state: { running: {} } });
  const done = (name: string) => ({ name, state: { terminated: { exitCode: 0 } } });
  const broken = brokenPart(
    operatorPod(
      'nvidia-operator-validator',
      {
        phase: 'Pending',
        initContainerStatuses: [
          done('driver-validation'),
          done('toolkit-validation'),
          running('cuda-validation'),
        ],
      },
      inits,
    ),
  );
  expect(broken).toMatchObject({ part: 'validator', layer: 'CUDA' });
});

test('the driver keeps the others waiting', () => {
  const waiting = operatorPod(
    'nvidia-container-toolkit-daemonset',
    { phase: 'Pending', initContainerStatuses: [{ name: 'driver-validation', state: { running: {} } }] },
    ['driver-validation'],
  );
  expect(brokenPart(waiting)).toMatchObject({ part: 'container toolkit', layer: 'driver' });
});

test('a pod of the operator that works is no sign, and neither is somebody else’s that does not', () => {
  const ready = {
    phase: 'Running',
    containerStatuses: [{ name: 'main', ready: true, state: { running: {} } }],
  };
  expect(brokenPart(operatorPod('nvidia-device-plugin-daemonset', ready))).toBeUndefined();
  expect(brokenPart(operatorPod('web', { phase: 'Pending' }))).toBeUndefined();
});

test('every cell of the view is text', () => {
  for (const row of inCatalogue()) {
    for (const column of gpuHealth.columns) expect(typeof cellText(column, row, noon)).toBe('string');
    expect(gpuHealth.why?.(row, noon)).toContain(row.meaning);
  }
});

test('nvidia-smi is asked where it sees every GPU, else where a pod has some, else nowhere', () => {
  const ready = {
    phase: 'Running',
    containerStatuses: [{ name: 'main', ready: true, state: { running: {} } }],
  };
  const workload = pods.toRow(
    {
      metadata: { name: 'train-0', namespace: 'team' },
      spec: {
        nodeName: 'n1',
        containers: [{ name: 'main', image: 'i', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
      },
      status: ready,
    },
    { server: undefined },
  );
  const plugin = operatorPod('nvidia-device-plugin-daemonset', ready);
  const driver = operatorPod('nvidia-driver-daemonset', ready);
  expect(smiPod([workload, plugin, driver])).toBe(driver);
  expect(smiPod([workload, plugin])).toBe(plugin);
  expect(smiPod([workload, operatorPod('nvidia-driver-daemonset', { phase: 'Pending' })])).toBe(workload);
  expect(smiPod([operatorPod('web', ready)])).toBeUndefined();
});
