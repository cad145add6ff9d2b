import { describe, expect, test } from 'vitest';
import { type GpuRow, gpus, ledgerOf } from '../../src/accelerators/gpus.ts';
import { recompute } from '../../src/accelerators/recompute.ts';
import { summaryOf } from '../../src/accelerators/summary.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { pods } from '../../src/resources/pods.ts';
import type { ClusterRows, Resource, Row } from '../../src/resources/resource.ts';
import { resourceclaims } from '../../src/resources/resourceclaims.ts';
import { resourceslices } from '../../src/resources/resourceslices.ts';
import { catalogueCluster, clusterOf, recordedCluster } from './cluster.ts';

const rowOf = (cluster: ClusterRows, node: string, className?: string): GpuRow => {
  const row = gpus
    .derive(cluster, 0)
    .find((one) => one.node === node && (className ?? one.className) === one.className);
  if (row === undefined) throw new Error(`no row for ${node}`);
  return row;
};
const cell = (row: GpuRow, title: string): string => {
  const column = gpus.columns.find((candidate) => candidate.title === title);
  return column === undefined ? '' : cellText(column, row, 0);
};
const numbers = ({ capacity, allocatable, requested, free, schedulable, unhealthy }: GpuRow): unknown => ({
  capacity,
  allocatable,
  requested,
  free,
  schedulable,
  unhealthy,
});

describe('the demo cluster gives the answers of gpu.md 10.1', () => {
  const cluster = catalogueCluster();
  const h100 = ledgerOf(cluster)
    .totals()
    .find(({ model }) => model === 'H100-80GB');

  test('H100: 8 free and 1 over, of which 4 can be had, in blocks of 2 at most', () => {
    expect(h100).toMatchObject({
      capacity: 40,
      allocatable: 39,
      requested: 32,
      free: 8,
      over: 1,
      schedulable: 4,
    });
    expect([h100?.fit, h100?.largestBlock]).toEqual([[4, 2, 0, 0], 2]);
  });

  test('a GPU that died under its pod leaves less than nothing free, and names the Xid and the pod', () => {
    const row = rowOf(cluster, 'gpu-h100-02');
    expect(numbers(row)).toEqual({
      capacity: 8,
      allocatable: 7,
      requested: 8,
      free: -1,
      schedulable: 0,
      unhealthy: 1,
    });
    expect(cell(row, 'STATE')).toBe('over-committed: 8 requested, 7 healthy, Xid 79');
    expect(cell(row, 'TOP HOLDERS')).toBe('team-b/pretrain-8×8');
    expect(gpus.fault?.(row, 0)).toBe(true);
  });

  test('a pod that cannot finish terminating still holds its GPUs on a cordoned node', () => {
    const row = rowOf(cluster, 'gpu-h100-03');
    expect(numbers(row)).toMatchObject({ requested: 4, free: 4, schedulable: 0 });
    expect(cell(row, 'STATE')).toBe('cordoned: driver drain-required');
    expect(cell(row, 'TOP HOLDERS')).toBe('team-b/stuck-term-0×4');
    expect(gpus.fault?.(row, 0)).toBe(false);
  });

  test('a node whose plugin never registered is unknown, not empty', () => {
    const row = rowOf(cluster, 'gpu-l4-01');
    expect(row).toMatchObject({ capacity: undefined, free: undefined, missing: 4, state: 'pluginDown' });
    expect(cell(row, 'CAPACITY')).toBe('?');
  });

  test('shared slots are not GPUs', () => {
    const row = rowOf(cluster, 'gpu-t4-01');
    expect([row.className, row.requested, row.capacity, cell(row, 'SHARING')]).toEqual([
      'nvidia.com/gpu.shared',
      3,
      40,
      '×10 ts on 4',
    ]);
  });

  test('HAMi keeps its own books', () => {
    const row = rowOf(cluster, 'gpu-hami-01');
    expect([row.requested, row.capacity, row.fractions]).toEqual([1, 20, '10000/92136 MiB, 30/200 cores']);
  });

  test('a sidecar and an init container together need more than the containers', () => {
    expect(rowOf(cluster, 'gpu-h100-05').holders).toContainEqual(
      expect.objectContaining({ name: 'rag-batch-0', count: 4 }),
    );
  });

  test('a claim that no pod uses is seen, and a request that a claim serves is counted once', () => {
    const row = rowOf(cluster, 'gpu-dra-01');
    expect(row).toMatchObject({
      className: 'gpu.nvidia.com',
      model: 'GB200',
      capacity: 4,
      orphans: 1,
      schedulable: 0,
    });
    expect(row.holders.filter(({ name }) => name === 'legacy-request-0')).toEqual([
      expect.objectContaining({ count: 1 }),
    ]);
    expect(gpus.why?.(row, 0)).toContain('1 held by claims that no pod uses');
  });

  test('demand that has no pods, or gated ones, waits beside the pending', () => {
    const demand = ledgerOf(cluster).demand();
    expect(demand).toContainEqual({ className: 'nvidia.com/gpu', kind: 'suspended', units: 32, askers: 1 });
    expect(demand.find(({ kind }) => kind === 'gated')?.units).toBe(8);
  });

  test('the header counts whole GPUs, and parts apart', () => {
    const ledger = ledgerOf(cluster);
    const summary = summaryOf({ totals: ledger.totals(), demand: ledger.demand() });
    expect(summary.devices.total).toBe(40 + 32 + 8 + 8 + 4);
    expect(summary.others.total).toBe(8);
    expect(summary.parts.total).toBe(40 + 32 + 20);
    expect([summary.largestBlock, summary.gated]).toEqual([2, 40]);
  });
});

describe('the recorded cluster of a real scheduler', () => {
  const cluster = recordedCluster();

  test('no node is promised more than it has: free is what the scheduler sees', () => {
    for (const row of gpus.derive(cluster, 0)) expect(row.free ?? 0, row.node).toBeGreaterThanOrEqual(0);
  });

  test('a dead node, a cordon, a foreign taint, full pod slots: free, and not to be had', () => {
    const states = ['h100-b-03', 'h100-a-03', 'l40s-a-01', 'ts-c-01'].map((node) => {
      const row = rowOf(cluster, node);
      return [row.state, (row.free ?? 0) > 0, row.schedulable];
    });
    expect(states).toEqual([
      ['notReady', true, 0],
      ['cordoned', true, 0],
      ['tainted', true, 0],
      ['stranded', true, 0],
    ]);
  });

  test('a DRA device with a taint is unhealthy, and its claims are held by pods that share them', () => {
    const row = rowOf(cluster, 'dra-a-01');
    expect(numbers(row)).toEqual({
      capacity: 4,
      allocatable: 3,
      requested: 2,
      free: 1,
      schedulable: 1,
      unhealthy: 1,
    });
    expect(cell(row, 'STATE')).toBe('unhealthy: gpu-3: gpu.nvidia.com/xid=79');
  });

  test('the ledger that follows the rows equals a count from scratch', () => {
    const truth = recompute({
      pods: cluster.rowsOf(pods),
      nodes: cluster.rowsOf(nodes),
      slices: cluster.rowsOf(resourceslices),
      claims: cluster.rowsOf(resourceclaims),
      demands: [],
    });
    expect(ledgerOf(cluster).totals()).toEqual(truth.totals);
  });
});

describe('a cluster whose rows change', () => {
  const node: KubeObject = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', uid: 'n' },
    status: {
      capacity: { 'nvidia.com/gpu': '8' },
      allocatable: { 'nvidia.com/gpu': '8' },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
  const worker = (name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'ml', uid: name },
    spec: { nodeName: 'n', containers: [{ resources: { limits: { 'nvidia.com/gpu': '3' } } }] },
    status: { phase: 'Running' },
  });

  test('is followed: pods that come, and pods that go', () => {
    let now = clusterOf([node, worker('a')]);
    const living: ClusterRows = { rowsOf: (resource) => now.rowsOf(resource) };
    expect(rowOf(living, 'n').free).toBe(5);
    now = clusterOf([node, worker('a'), worker('b')]);
    expect(rowOf(living, 'n').free).toBe(2);
    now = clusterOf([node, worker('b')]);
    expect(rowOf(living, 'n').free).toBe(5);
    now = clusterOf([]);
    expect(gpus.derive(living, 0)).toEqual([]);
  });

  test('a node that was made again under its name is not lost with the old one', () => {
    let now = clusterOf([node]);
    const living: ClusterRows = { rowsOf: (resource) => now.rowsOf(resource) };
    expect(rowOf(living, 'n').capacity).toBe(8);
    now = clusterOf([{ ...node, metadata: { name: 'n', uid: 'n-again' } }]);
    expect(rowOf(living, 'n').capacity).toBe(8);
  });

  test('keeps the very rows of nodes that nothing happened to', () => {
    const other = { ...node, metadata: { name: 'm', uid: 'm' } };
    let extra: KubeObject[] = [];
    const still = clusterOf([node, other, worker('a')]);
    const living: ClusterRows = {
      rowsOf: <R extends Row>(resource: Resource<R>) => [
        ...still.rowsOf(resource),
        ...clusterOf(extra).rowsOf(resource),
      ],
    };
    const before = [rowOf(living, 'n'), rowOf(living, 'm')];
    extra = [worker('b')];
    expect([rowOf(living, 'n') === before[0], rowOf(living, 'm') === before[1]]).toEqual([false, true]);
  });

  test('without the right to read nodes, what pods hold is known and nothing else', () => {
    const row = rowOf(clusterOf([worker('a'), worker('b')]), 'n');
    expect(row).toMatchObject({ requested: 6, capacity: undefined, free: undefined, state: 'unknown' });
  });

  test('a finished pod holds nothing; a terminating one does', () => {
    const finished = { ...worker('a'), status: { phase: 'Failed' } };
    const leaving = {
      ...worker('b'),
      metadata: { name: 'b', uid: 'b', deletionTimestamp: '2026-03-01T12:00:00Z' },
    };
    expect(rowOf(clusterOf([node, finished, leaving]), 'n').requested).toBe(3);
  });
});

test('AWS lists one chip as a device and as cores: it counts once', () => {
  const amounts = { 'aws.amazon.com/neuron': '16', 'aws.amazon.com/neuroncore': '32' };
  const cluster = clusterOf([
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'trn' },
      status: { capacity: amounts, allocatable: amounts },
    },
  ]);
  expect(gpus.derive(cluster, 0).map(({ className, capacity }) => [className, capacity])).toEqual([
    ['aws.amazon.com/neuron', 16],
  ]);
});
