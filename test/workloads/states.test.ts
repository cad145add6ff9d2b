import { expect, test } from 'vitest';
import { createWorkloads } from '../../src/workloads/books.ts';
import { gpuTemplate, minutesAgo, now, object, pod, podRow, workloadOf, workloadsOf } from './given.ts';

const pytorch = ['kubeflow.org/v1', 'PyTorchJob'] as const;
const job = ['batch/v1', 'Job'] as const;
const deployment = ['apps/v1', 'Deployment'] as const;

const member = (name: string, index: number, options: Parameters<typeof pod>[1] = {}) =>
  pod(name, {
    gpus: 4,
    labels: {
      'training.kubeflow.org/job-name': 'sft',
      'training.kubeflow.org/operator-name': 'pytorchjob-controller',
      'training.kubeflow.org/replica-type': 'worker',
      'training.kubeflow.org/replica-index': String(index),
    },
    ...options,
  });

const sft = (workers: number, status: Readonly<Record<string, unknown>> = {}) =>
  object(pytorch, 'sft', {
    spec: { pytorchReplicaSpecs: { Worker: { replicas: workers, template: gpuTemplate(4) } } },
    status,
  });

const jobOf = (
  spec: Readonly<Record<string, unknown>>,
  status: Readonly<Record<string, unknown>> = {},
  metadata = {},
) =>
  object(job, 'pretrain', {
    metadata,
    spec: { parallelism: 1, completions: 1, template: gpuTemplate(8), ...spec },
    status,
  });

const ofJob = (name: string, options: Parameters<typeof pod>[1] = {}) =>
  pod(name, { labels: { 'batch.kubernetes.io/job-name': 'pretrain' }, gpus: 8, ...options });

const server = (replicas: number, ready: number) =>
  object(deployment, 'chat', {
    spec: { replicas, template: gpuTemplate(1) },
    status: { replicas, readyReplicas: ready },
  });

const ofServer = (name: string, options: Parameters<typeof pod>[1] = {}) =>
  pod(name, {
    labels: { 'pod-template-hash': 'abc' },
    owner: ['apps/v1', 'ReplicaSet', 'chat-abc'],
    ...options,
  });

const crashing = {
  containerStatuses: [
    {
      name: 'main',
      restartCount: 6,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting' } },
      lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: minutesAgo(2) } },
    },
  ],
};

test('Gated: every pod is held by a scheduling gate, and its queue says why', () => {
  const row = workloadOf([pod('p-0', { gates: ['kueue.x-k8s.io/admission'] })]);
  expect(row).toMatchObject({
    state: 'Gated',
    why: 'held by kueue.x-k8s.io/admission',
    podsPending: 1,
    gpusHeld: 0,
  });
});

test('Queued: a suspended Job with a queue has no pods, and wants what its template asks for', () => {
  const row = workloadOf([
    jobOf(
      { suspend: true, parallelism: 4, completions: 4 },
      {},
      { labels: { 'kueue.x-k8s.io/queue-name': 'research' } },
    ),
  ]);
  expect(row).toMatchObject({
    state: 'Queued',
    queue: 'research',
    podsWanted: 4,
    gpusWanted: 32,
    unborn: { 'nvidia.com/gpu': 32 },
  });
  expect(row.why).toBe('suspended; queue research decides when it starts');
});

test('Queued: suspended without a queue is said to wait for a person', () => {
  expect(workloadOf([jobOf({ suspend: true })]).why).toContain('no queue will resume it');
});

test('Pending: no pod has a node, and the reason is the scheduler’s, without what repeats', () => {
  const message =
    '0/12 nodes are available: 4 node(s) had untolerated taint(s), 8 Insufficient nvidia.com/gpu. preemption: 0/12 nodes are available';
  const status = {
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }],
  };
  const row = workloadOf([jobOf({}), ofJob('pretrain-0', { status })]);
  expect(row).toMatchObject({
    state: 'Pending',
    why: 'Insufficient nvidia.com/gpu on 8, had untolerated taint(s) on 4',
  });
});

test('Pending: nobody answers for a pod of a scheduler that does not run', () => {
  expect(workloadOf([pod('p-0', { createdAt: minutesAgo(5) })]).why).toBe(
    'no scheduler named default-scheduler has answered',
  );
});

test('Pending: a quota refuses pods before there are any', () => {
  const quota = object(['v1', 'ResourceQuota'], 'gpu-quota', {
    status: { hard: { 'requests.nvidia.com/gpu': '16' }, used: { 'requests.nvidia.com/gpu': '15' } },
  });
  const row = workloadOf([jobOf({}), quota]);
  expect(row).toMatchObject({
    state: 'Pending',
    why: 'no pod was made: quota gpu-quota 15/16 nvidia.com/gpu, wants 8',
  });
});

test('HalfPending: a gang of which one pod is placed holds its devices and waits', () => {
  const row = workloadOf([
    sft(2),
    member('w-0', 0, { node: 'n1', startedAt: minutesAgo(20) }),
    member('w-1', 1),
  ]);
  expect(row).toMatchObject({ state: 'HalfPending', podsRunning: 1, podsPending: 1, podsWanted: 2 });
  expect(row.gang).toMatchObject({ held: 4, missing: { 'nvidia.com/gpu': 4 }, missingPods: 1 });
});

test('Starting: the same gang in its first minute', () => {
  const fresh = { createdAt: minutesAgo(0.5), startedAt: minutesAgo(0.5) };
  const row = workloadOf([sft(2), member('w-0', 0, { node: 'n1', ...fresh }), member('w-1', 1, fresh)]);
  expect(row.state).toBe('Starting');
  expect(row.gang).toBeUndefined();
});

test('Starting: placed, and its image is being pulled', () => {
  const row = workloadOf([jobOf({}), ofJob('pretrain-0', { node: 'n1', phase: 'Pending', ready: false })]);
  expect(row).toMatchObject({
    state: 'Starting',
    gpusHeld: 8,
    why: 'its pod pulls images, initialises or waits for volumes',
  });
});

test('Running: every rank runs', () => {
  const row = workloadOf([sft(2), member('w-0', 0, { node: 'n1' }), member('w-1', 1, { node: 'n2' })]);
  expect(row).toMatchObject({ state: 'Running', why: 'all 2 pods run', gpusHeld: 8, nodes: 'n[1-2]' });
});

test('Running, and how far, where the object says', () => {
  const row = trainJob(minutesAgo(2));
  expect(row).toMatchObject({ state: 'Running', why: '42 % done', progress: 0.42, remainingSeconds: 5400 });
});

test('Stalled: progress that was told long ago', () => {
  expect(trainJob(minutesAgo(25)).state).toBe('Stalled');
});

function trainJob(lastUpdatedTime: string) {
  const labels = {
    'jobset.sigs.k8s.io/jobset-name': 'tj',
    'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer',
  };
  return workloadOf([
    object(['trainer.kubeflow.org/v1alpha1', 'TrainJob'], 'tj', {
      spec: { trainer: { numNodes: 1, resourcesPerNode: { limits: { 'nvidia.com/gpu': '8' } } } },
      status: {
        jobsStatus: [{ name: 'node', active: 1 }],
        trainerStatus: { progressPercentage: 42, estimatedRemainingSeconds: 5400, lastUpdatedTime },
      },
    }),
    object(['jobset.x-k8s.io/v1alpha2', 'JobSet'], 'tj', {
      spec: {
        replicatedJobs: [
          { name: 'node', replicas: 1, template: { spec: { parallelism: 1, template: gpuTemplate(8) } } },
        ],
      },
    }),
    pod('tj-node-0-0', { labels, node: 'n1', gpus: 8 }),
  ]);
}

const ranks = [0, 1, 2, 3].map((index) =>
  podRow(`w-${index}`, {
    labels: {
      'batch.kubernetes.io/job-name': 'pretrain',
      'batch.kubernetes.io/job-completion-index': String(index),
    },
    node: 'n1',
  }),
);

function withUse(busy: readonly number[], idleSince?: number) {
  const books = createWorkloads();
  for (const row of ranks) books.putPod(undefined, row);
  ranks.forEach((row, index) => {
    books.putUse(row, { busy: busy[index] ?? 0, idleSince });
  });
  return books.rows(now)[0];
}

test('Stalled: no rank has used its devices for ten minutes', () => {
  expect(withUse([0, 0, 0, 0], now - 15 * 60_000)?.state).toBe('Stalled');
  expect(withUse([0, 0, 0, 0], now - 5 * 60_000)?.state).toBe('Running');
});

test('Straggler: one rank works far less than the others', () => {
  expect(withUse([0.9, 0.92, 0.2, 0.91])).toMatchObject({
    state: 'Straggler',
    why: 'the slowest rank is at 20 %, the median at 91 %',
  });
  expect(withUse([0.9, 0.92, 0.8, 0.91])?.state).toBe('Running');
});

test('Degraded: some replicas of a server are ready', () => {
  const row = workloadOf([server(2, 1), ofServer('chat-abc-1', { node: 'n1' }), ofServer('chat-abc-2')]);
  expect(row).toMatchObject({ state: 'Degraded', why: '1/2 ready' });
  expect(row.gang).toBeUndefined();
});

test('Failing: a container that comes back again and again', () => {
  const row = workloadOf([
    jobOf({}),
    ofJob('pretrain-0', { node: 'n1', ready: false, status: { phase: 'Running', ...crashing } }),
  ]);
  expect(row.state).toBe('Failing');
  expect(row.why).toContain('CrashLoopBackOff');
});

test('Failing: what ran on a dead node is not known', () => {
  const node = object(['v1', 'Node'], 'n1', {
    status: { conditions: [{ type: 'Ready', status: 'Unknown' }] },
  });
  const row = workloadOf([node, jobOf({}), ofJob('pretrain-0', { node: 'n1', ready: false })]);
  expect(row).toMatchObject({ state: 'Failing', gpusHeld: 8 });
  expect(row.why).toContain('n1 is not Ready');
});

test('Failed: the Job has given up, and its last pod says how', () => {
  const status = {
    failed: 4,
    conditions: [
      { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'limit reached' },
    ],
  };
  const dead = {
    phase: 'Failed',
    containerStatuses: [{ name: 'main', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }],
  };
  const row = workloadOf([
    jobOf({}, status),
    ofJob('pretrain-0', { node: 'n1', phase: 'Failed', status: dead }),
  ]);
  expect(row).toMatchObject({ state: 'Failed', gpusHeld: 0 });
  expect(row.why).toContain('BackoffLimitExceeded');
  expect(row.why).toContain('OOMKilled (exit 137)');
});

test('Failed: a pod alone', () => {
  const row = workloadOf([
    pod('p-0', { node: 'n1', phase: 'Failed', status: { reason: 'Evicted', message: 'low on memory' } }),
  ]);
  expect(row).toMatchObject({ state: 'Failed', why: 'Evicted: low on memory', gpusHeld: 0 });
});

test('Done: a complete Job wants nothing more', () => {
  const row = workloadOf([jobOf({}, { succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] })]);
  expect(row).toMatchObject({ state: 'Done', unborn: {} });
});

test('a server scaled to nothing is no workload', () => {
  expect(workloadsOf([server(0, 0)])).toEqual([]);
});

test('a JobSet is one workload with its TrainJob, and not two', () => {
  expect(trainJob(minutesAgo(1))).toMatchObject({
    kind: 'TrainJob',
    name: 'tj',
    podsWanted: 1,
    gpusWanted: 8,
  });
});

test('a Deployment of an InferenceService is part of it', () => {
  const owner = {
    ownerReferences: [
      {
        apiVersion: 'serving.kserve.io/v1beta1',
        kind: 'InferenceService',
        name: 'qwen',
        uid: 'u',
        controller: true,
      },
    ],
  };
  const row = workloadOf([
    object(['serving.kserve.io/v1beta1', 'InferenceService'], 'qwen', {
      status: {
        modelStatus: {
          transitionStatus: 'BlockedByFailedLoad',
          lastFailureInfo: { reason: 'ModelLoadFailed', message: '403 gated repo' },
        },
      },
    }),
    object(deployment, 'qwen-predictor', {
      metadata: owner,
      spec: { replicas: 1, template: gpuTemplate(1) },
    }),
  ]);
  expect(row).toMatchObject({ kind: 'InferenceService', podsWanted: 1, gpusWanted: 1, state: 'Failed' });
  expect(row.why).toBe('ModelLoadFailed: 403 gated repo');
});

test('where the Job may not be read, its pods still are one workload', () => {
  const row = workloadOf([ofJob('pretrain-0', { node: 'n1' }), ofJob('pretrain-1', { node: 'n2' })]);
  expect(row).toMatchObject({ kind: 'Job', name: 'pretrain', podsRunning: 2, gpusHeld: 16 });
});

test('every workload has a reason', () => {
  for (const row of workloadsOf([pod('a'), pod('b', { node: 'n1' }), jobOf({}), server(1, 0)]))
    expect(row.why).not.toBe('');
});
