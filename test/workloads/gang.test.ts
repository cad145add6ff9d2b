import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { wastedHours, whyText } from '../../src/workloads/workloads.ts';
import { gpuTemplate, minutesAgo, now, object, pod, workloadOf, workloadsOf } from './given.ts';

const gang = (
  name: string,
  replicas: number,
  placed: readonly string[],
  options: Parameters<typeof pod>[1] = {},
): readonly KubeObject[] => [
  object(['kubeflow.org/v1', 'PyTorchJob'], name, {
    spec: { pytorchReplicaSpecs: { Worker: { replicas, template: gpuTemplate(8) } } },
  }),
  ...Array.from({ length: replicas }, (_, index) =>
    pod(`${name}-worker-${index}`, {
      gpus: 8,
      labels: {
        'training.kubeflow.org/job-name': name,
        'training.kubeflow.org/operator-name': 'pytorchjob-controller',
        'training.kubeflow.org/replica-index': String(index),
      },
      ...(placed[index] !== undefined && { node: placed[index], startedAt: minutesAgo(30) }),
      ...options,
    }),
  ),
];

const named = (objects: readonly KubeObject[], name: string) => {
  const row = workloadsOf(objects).find((one) => one.name === name);
  if (row === undefined) throw new Error(`no workload ${name}`);
  return row;
};

test('the cost is what the placed pods hold, for as long as they have waited', () => {
  const row = workloadOf(gang('sft', 4, ['n1', 'n2', 'n3']));
  expect(wastedHours(row, now)).toBeCloseTo(12);
  expect(whyText(row, now)).toMatch(
    /^half-pending for 30m, 12\.0 GPU-hours unused: 3 of 4 placed, hold 24 GPUs and wait for 8 gpu/,
  );
});

test('a gang that lost a member has waited since its successor was made, not since it began', () => {
  const late = gang('sft', 2, ['n1']).map((one) =>
    one.metadata?.name === 'sft-worker-1'
      ? { ...one, metadata: { ...one.metadata, creationTimestamp: minutesAgo(6) } }
      : one,
  );
  expect(wastedHours(workloadOf(late), now)).toBeCloseTo(0.8);
});

test('a member that was never made is missing too', () => {
  const [head, first] = gang('sft', 2, ['n1']);
  const row = workloadOf([head, first].filter((one) => one !== undefined));
  expect(row).toMatchObject({
    state: 'HalfPending',
    gang: { missingPods: 1, missing: { 'nvidia.com/gpu': 8 } },
  });
});

test('all of a gang waiting is not half of one', () => {
  expect(workloadOf(gang('sft', 4, []))).toMatchObject({ state: 'Pending', gang: undefined });
});

test('gated members are not half of a gang', () => {
  expect(workloadOf(gang('sft', 2, [], { gates: ['kueue.x-k8s.io/admission'] }))).toMatchObject({
    state: 'Gated',
    gang: undefined,
  });
});

test('an indexed Job of several GPU pods is a gang; one whose pods need no one another is not', () => {
  const member = (index: number, node?: string) =>
    pod(`j-${index}`, {
      labels: { 'batch.kubernetes.io/job-name': 'j' },
      ...(node !== undefined && { node, startedAt: minutesAgo(30) }),
    });
  const job = (completionMode: string) =>
    object(['batch/v1', 'Job'], 'j', {
      spec: { parallelism: 2, completions: 2, completionMode, template: gpuTemplate(1) },
    });
  expect(workloadOf([job('Indexed'), member(0, 'n1'), member(1)]).state).toBe('HalfPending');
  expect(workloadOf([job('NonIndexed'), member(0, 'n1'), member(1)]).state).toBe('Starting');
});

const lws = (groups: number, ready: number) =>
  object(['leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet'], 'vllm', {
    spec: { replicas: groups, leaderWorkerTemplate: { size: 2, workerTemplate: gpuTemplate(8) } },
    status: { replicas: groups, readyReplicas: ready },
  });
const lwsPod = (group: number, index: number, node?: string) =>
  pod(`vllm-${group}-${index}`, {
    gpus: 8,
    labels: {
      'leaderworkerset.sigs.k8s.io/name': 'vllm',
      'leaderworkerset.sigs.k8s.io/group-index': String(group),
      'leaderworkerset.sigs.k8s.io/worker-index': String(index),
    },
    ...(node !== undefined && { node, startedAt: minutesAgo(30) }),
  });

test('each group of a LeaderWorkerSet is a gang: the server is degraded, and the half group costs', () => {
  const row = workloadOf([
    lws(2, 1),
    lwsPod(0, 0, 'n1'),
    lwsPod(0, 1, 'n2'),
    lwsPod(1, 0, 'n3'),
    lwsPod(1, 1),
  ]);
  expect(row).toMatchObject({ state: 'Degraded', gang: { held: 8, missingPods: 1 } });
  expect(row.why).toContain('1/2 groups ready');
});

test('a group that is not there at all holds nothing', () => {
  expect(workloadOf([lws(2, 1), lwsPod(0, 0, 'n1'), lwsPod(0, 1, 'n2')])).toMatchObject({
    state: 'Degraded',
    gang: undefined,
  });
});

test('two gangs that hold what the other waits for are a deadlock, and say each other’s name', () => {
  const objects = [...gang('a', 2, ['n1']), ...gang('b', 2, ['n2'])];
  expect(named(objects, 'a').gang?.deadlock).toEqual(['train/b']);
  expect(named(objects, 'b').gang?.deadlock).toEqual(['train/a']);
  expect(named(objects, 'a').why).toMatch(/^deadlock with train\/b/);
});

test('a gang that wants more than the other holds is not locked with it', () => {
  const objects = [...gang('a', 4, ['n1']), ...gang('b', 2, ['n2'])];
  expect(named(objects, 'a').gang?.deadlock).toEqual([]);
});

test('nodes that it could not use free nobody', () => {
  const node = (name: string, model: string) =>
    object(['v1', 'Node'], name, { metadata: { namespace: undefined, labels: { model } } });
  const objects = [
    node('n1', 'h100'),
    node('n2', 'a100'),
    ...gang('a', 2, ['n1'], { nodeSelector: { model: 'h100' } }),
    ...gang('b', 2, ['n2'], { nodeSelector: { model: 'a100' } }),
  ];
  expect(named(objects, 'a').gang?.deadlock).toEqual([]);
});
