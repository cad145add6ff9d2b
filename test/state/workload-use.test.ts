import { expect, test } from 'vitest';
import type { DeviceUse } from '../../src/accelerators/device-use.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Resource } from '../../src/resources/resource.ts';
import { createCluster } from '../../src/state/cluster.ts';
import { createSums } from '../../src/state/sums.ts';
import { createUsage } from '../../src/state/usage.ts';
import { followWorkloadUse } from '../../src/state/workload-use.ts';
import type { WorkloadRow } from '../../src/workloads/workload-row.ts';

const noon = Date.parse('2026-11-24T12:00:00Z');
const minute = 60_000;
const everyMs = 30_000;

const node = (name: string): KubeObject => ({
  kind: 'Node',
  metadata: { name, uid: name },
  status: {
    capacity: { 'nvidia.com/gpu': '8', pods: '110' },
    allocatable: { 'nvidia.com/gpu': '8', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
});

const rank = (index: number): KubeObject => ({
  kind: 'Pod',
  metadata: {
    name: `train-${index}`,
    namespace: 'ml',
    uid: `train-${index}`,
    creationTimestamp: '2026-11-24T09:00:00Z',
    labels: {
      'batch.kubernetes.io/job-name': 'train',
      'batch.kubernetes.io/job-completion-index': String(index),
    },
  },
  spec: {
    nodeName: `n${index}`,
    containers: [{ name: 'main', image: 'x', resources: { limits: { 'nvidia.com/gpu': '8' } } }],
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
});

const device = (index: number, busy: number): DeviceUse => ({
  key: `gpu-${index}`,
  node: `n${index}`,
  index: '0',
  uuid: `gpu-${index}`,
  mig: undefined,
  model: undefined,
  driver: undefined,
  holders: [{ namespace: 'ml', pod: `train-${index}`, container: 'main' }],
  busy,
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
});

/** A job of three ranks, each with a node of its own. */
function given() {
  const cluster = createCluster();
  const put = (resource: Resource, object: KubeObject) => ({
    type: 'put' as const,
    resource,
    scope: '',
    row: resource.toRow(object, { server: undefined }),
  });
  cluster.apply(
    [0, 1, 2].flatMap((index) => [
      put(anyResource(nodes), node(`n${index}`)),
      put(anyResource(pods), rank(index)),
    ]),
    noon,
  );
  const sums = createSums(cluster);
  const usage = createUsage();
  const use = followWorkloadUse({ cluster, usage, ledger: sums.ledger, workloads: sums.workloads });
  return {
    use,
    usage,
    measure: (busy: readonly number[], atMs: number) => {
      busy.forEach((share, index) => {
        usage.putDevices(`n${index}`, [device(index, share)], { atMs, everyMs, source: 'dcgm' });
      });
      use.renew(atMs);
    },
    job: (atMs: number): WorkloadRow => sums.workloads.rows(atMs)[0] ?? expect.fail(),
  };
}

test('a job that nobody measures runs, and its use is not known', () => {
  const { use, job } = given();
  use.renew(noon);
  expect(job(noon)).toMatchObject({ state: 'Running', busy: undefined });
});

test('a job whose ranks were seen idle for ten minutes is stalled, and not before', () => {
  const { measure, job } = given();
  for (let at = 0; at <= 9; at += 1) measure([0, 0.004, 0], noon + at * minute);
  expect(job(noon + 9 * minute).state).toBe('Running');
  measure([0, 0, 0], noon + 10 * minute);
  expect(job(noon + 10 * minute)).toMatchObject({
    state: 'Stalled',
    why: 'all 3 ranks below 1 % for 10 minutes',
    busy: { least: 0, mean: 0 },
  });
  measure([0.9, 0.9, 0.9], noon + 11 * minute);
  expect(job(noon + 11 * minute).state).toBe('Running');
});

test('one rank that is not measured may be working: nothing is said', () => {
  const { measure, job } = given();
  for (let at = 0; at <= 20; at += 1) measure([0, 0], noon + at * minute);
  expect(job(noon + 20 * minute).state).toBe('Running');
});

test('a rank far below the others holds them up', () => {
  const { measure, job } = given();
  measure([0.96, 0.31, 0.94], noon);
  expect(job(noon)).toMatchObject({
    state: 'Straggler',
    why: 'the slowest rank is at 31 %, the median at 94 %',
    busy: { least: 0.31, mean: 0.74 },
  });
});

test('readings that have grown old are taken back', () => {
  const { measure, use, job } = given();
  measure([0.96, 0.31, 0.94], noon);
  use.renew(noon + 5 * minute);
  expect(job(noon + 5 * minute)).toMatchObject({ state: 'Running', busy: undefined });
});

test('of workloads the placed pods are measured, of other tables the rows themselves', () => {
  const { use, job } = given();
  const rows = [job(noon)];
  expect(use.measured('workloads', rows).map(({ name }) => name)).toEqual(['train-0', 'train-1', 'train-2']);
  expect(use.measured('pods', rows)).toBe(rows);
});
