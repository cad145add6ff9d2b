import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { explain } from '../../src/scheduling/explain.ts';
import { isOfModel, planFit } from '../../src/scheduling/fit.ts';
import { agreement, groupVerdicts, nearest, wouldFitIf } from '../../src/scheduling/unblock.ts';
import { clusterOf, node, pod, rowOf } from './rows.ts';

const h100 = { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' };
const a100 = { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-40GB' };
const eight = { 'nvidia.com/gpu': '8' };
const gpuTaint = [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }];
const holds = (
  name: string,
  on: string,
  gpus: number,
  priority = 0,
  more: Readonly<Record<string, unknown>> = {},
): KubeObject => pod(name, { on, requests: { 'nvidia.com/gpu': String(gpus) }, spec: { priority, ...more } });

const fleet = [
  node('h1', { labels: h100, allocatable: eight, taints: gpuTaint }),
  node('h2', { labels: h100, allocatable: eight, taints: gpuTaint }),
  node('a1', { labels: a100, allocatable: eight, taints: gpuTaint }),
  node('cpu'),
];

test('a wish starts on the fullest nodes that take it, of the wanted model', () => {
  const cluster = clusterOf(...fleet, holds('x', 'h1', 4));
  expect(planFit(cluster, { gpus: 4, count: 2, model: 'h100' })).toMatchObject({
    placed: 2,
    possible: 3,
    largestBlock: 8,
    starts: [
      { node: 'h1', copies: 1 },
      { node: 'h2', copies: 1 },
    ],
    room: [],
  });
  expect(
    planFit(cluster, { gpus: 8, count: 2 })
      .starts.map(({ node: name }) => name)
      .sort(),
  ).toEqual(['a1', 'h2']);
});

test.each([
  ['H100', 'NVIDIA-H100-80GB-HBM3', true],
  ['h100-80gb', 'NVIDIA-H100-80GB-HBM3', true],
  ['A100 40GB', 'NVIDIA-A100-SXM4-40GB', true],
  ['A100-80GB', 'NVIDIA-A100-SXM4-40GB', false],
  ['L4', 'NVIDIA-L40S', false],
  ['L40', 'NVIDIA-L40S', false],
  ['L4', 'NVIDIA-L4-SHARED', true],
  ['t4', 'nvidia-tesla-t4', true],
  ['RTX6000', 'NVIDIA-RTX-6000-Ada-Generation', true],
  ['rtx-6000', 'Quadro-RTX6000', true],
  ['MI300X', 'AMD_Instinct_MI300X_OAM', true],
  ['-', 'NVIDIA-L4', false],
])('%s and %s: the same model is %s', (model, product, expected) => {
  expect(isOfModel(product, model)).toBe(expected);
});

test('an instance type names a model only where nothing better does', () => {
  const typed = (name: string, labels: Readonly<Record<string, string>>): KubeObject =>
    node(name, {
      labels: { 'node.kubernetes.io/instance-type': 'a2-highgpu-8g', ...labels },
      allocatable: eight,
    });
  const cluster = clusterOf(typed('labelled', a100), typed('bare', {}));
  expect(planFit(cluster, { gpus: 8, count: 2, model: 'a2' }).starts.map(({ node: name }) => name)).toEqual([
    'bare',
  ]);
});

test('many small pods fill one node before the next', () => {
  const plan = planFit(clusterOf(...fleet, holds('x', 'h1', 6)), { gpus: 1, count: 5, model: 'H100' });
  expect(plan.starts).toEqual([
    { node: 'h1', resource: 'nvidia.com/gpu', copies: 2 },
    { node: 'h2', resource: 'nvidia.com/gpu', copies: 3 },
  ]);
});

test('without room the cheapest way is named: idle first, then lower priority, never a DaemonSet', () => {
  const exporter = pod('exporter', {
    on: 'h1',
    requests: { 'nvidia.com/gpu': '1' },
    metadata: {
      ownerReferences: [{ kind: 'DaemonSet', name: 'e', uid: 'e', apiVersion: 'apps/v1', controller: true }],
    },
  });
  const cluster = clusterOf(
    fleet[0] as KubeObject,
    exporter,
    holds('busy', 'h1', 2, 0),
    holds('high', 'h1', 2, 1000),
    holds('idle', 'h1', 2, 1000),
  );
  const plan = planFit(cluster, { gpus: 3, count: 1, isIdle: ({ name }) => name === 'idle' });
  expect([plan.placed, plan.largestBlock]).toEqual([0, 1]);
  expect(plan.room).toEqual([
    {
      node: 'h1',
      resource: 'nvidia.com/gpu',
      uncordon: false,
      tolerate: undefined,
      move: [{ namespace: 'train', name: 'idle', units: 2, priority: 1000, idle: true }],
    },
  ]);
});

test('a cordoned node and a foreign taint are cheaper than moving pods; a dead node is no way at all', () => {
  const cluster = clusterOf(
    node('cordoned', { unschedulable: true, allocatable: eight }),
    node('foreign', { allocatable: eight, taints: [{ key: 'team', value: 'x', effect: 'NoSchedule' }] }),
    node('full', { allocatable: eight }),
    node('dead', {
      allocatable: eight,
      taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule' }],
    }),
    holds('busy', 'full', 8),
  );
  const plan = planFit(cluster, { gpus: 8, count: 1 });
  expect(
    plan.room.map(({ node: name, uncordon, tolerate, move }) => [name, uncordon, tolerate, move.length]),
  ).toEqual([
    ['cordoned', true, undefined, 0],
    ['foreign', false, 'team=x:NoSchedule', 0],
    ['full', false, undefined, 1],
  ]);
});

test('free GPUs on a node without CPU are stranded', () => {
  const cluster = clusterOf(
    node('a', { allocatable: eight }),
    pod('hog', { on: 'a', requests: { cpu: '63' } }),
  );
  expect(planFit(cluster, { gpus: 2, count: 1 })).toMatchObject({
    placed: 0,
    nodes: [{ blockers: [{ reason: 'Insufficient cpu' }] }],
  });
});

test('devices behind a class count as GPUs, and a wish for what nobody offers is told so', () => {
  const deviceClass: KubeObject = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name: 'gpu.nvidia.com' },
    spec: { selectors: [] },
  };
  const slice: KubeObject = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name: 's' },
    spec: {
      driver: 'gpu.nvidia.com',
      nodeName: 'cpu',
      pool: { name: 'cpu', generation: 1, resourceSliceCount: 1 },
      devices: [0, 1].map((index) => ({
        name: `gpu-${index}`,
        attributes: { productName: { string: 'NVIDIA GB200' } },
      })),
    },
  };
  const cluster = clusterOf(...fleet, deviceClass, slice);
  expect(planFit(cluster, { gpus: 2, count: 1, model: 'GB200' })).toMatchObject({
    placed: 1,
    starts: [{ node: 'cpu' }],
    largestBlock: 2,
  });
  expect(planFit(cluster, { gpus: 1, count: 1, model: 'B300' }).nothing).toBe(
    'no node offers whole accelerators of a model like B300',
  );
});

const picky = pod('picky', {
  requests: { 'nvidia.com/gpu': '4' },
  spec: { nodeSelector: { pool: 'train' } },
});

test('the nearest node is the one whose blockers weigh least, and one change at a time is offered', () => {
  const cluster = clusterOf(
    node('tainted', { labels: { pool: 'train' }, allocatable: eight, taints: gpuTaint }),
    node('tainted-too', { labels: { pool: 'train' }, allocatable: eight, taints: gpuTaint }),
    node('cordoned', { labels: { pool: 'train' }, allocatable: eight, unschedulable: true }),
    node('full', { labels: { pool: 'train' }, allocatable: eight }),
    node('elsewhere', { allocatable: { 'nvidia.com/gpu': '2' } }),
    holds('busy', 'full', 6),
    picky,
  );
  const verdict = explain(cluster, rowOf(cluster, 'picky'));
  expect(nearest(verdict)?.name).toBe('cordoned');
  expect(wouldFitIf(verdict).map(({ change, nodes }) => [change, nodes])).toEqual([
    ['the pod tolerated nvidia.com/gpu=present:NoSchedule', ['tainted', 'tainted-too']],
    ['the node were uncordoned', ['cordoned']],
    ['nvidia.com/gpu were freed', ['full']],
  ]);
  expect(groupVerdicts(verdict)[0]?.nodes).toEqual(['tainted', 'tainted-too']);
});

test('a gated pod would fit where nothing but its gate stands in the way', () => {
  const gated = pod('gated', {
    requests: { 'nvidia.com/gpu': '8' },
    spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] },
  });
  const cluster = clusterOf(
    node('free', { allocatable: eight }),
    node('full', { allocatable: eight }),
    holds('busy', 'full', 1),
    gated,
  );
  expect(wouldFitIf(explain(cluster, rowOf(cluster, 'gated')))).toEqual([
    { plugin: 'SchedulingGates', change: 'its scheduling gates were lifted', nodes: ['free'] },
  ]);
});

test('our verdict is compared with what the scheduler last said, in whatever words', () => {
  const asked = (message: string) =>
    pod('p', {
      status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] },
    });
  const verdict = (message: string) => {
    const cluster = clusterOf(node('a', { taints: gpuTaint }), asked(message));
    return agreement(rowOf(cluster, 'p'), explain(cluster, rowOf(cluster, 'p'))).agrees;
  };
  expect(verdict('0/1 nodes are available: 1 node(s) had untolerated taint(s).')).toBe(true);
  expect(
    verdict(
      "0/1 nodes are available: 1 node(s) had taint {nvidia.com/gpu: present}, that the pod didn't tolerate.",
    ),
  ).toBe(true);
  expect(verdict('0/1 nodes are available: 1 Too many pods.')).toBe(false);
  expect(verdict('')).toBeUndefined();
});
