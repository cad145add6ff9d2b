import { expect, test } from 'vitest';
import { groupOf } from '../../src/workloads/group.ts';
import { podRow } from './given.ts';

const cases: readonly (readonly [
  string,
  Parameters<typeof podRow>[1],
  string,
  string,
  string,
  number | undefined,
  string,
])[] = [
  [
    '1 a RayJob, which made the cluster',
    {
      labels: {
        'ray.io/originated-from-crd': 'RayJob',
        'ray.io/originated-from-cr-name': 'tune',
        'ray.io/cluster': 'rc',
        'ray.io/node-type': 'worker',
        'ray.io/group': 'gpu',
        'ray.io/worker-group-replica-index': '3',
      },
    },
    'RayJob',
    'tune',
    'gpu',
    3,
    '',
  ],
  [
    '2 a RayCluster of its own',
    { labels: { 'ray.io/cluster': 'rc', 'ray.io/node-type': 'head', 'ray.io/group': 'headgroup' } },
    'RayCluster',
    'rc',
    'head',
    undefined,
    '',
  ],
  [
    '3 a JobSet',
    {
      labels: {
        'jobset.sigs.k8s.io/jobset-name': 'js',
        'jobset.sigs.k8s.io/replicatedjob-name': 'worker',
        'jobset.sigs.k8s.io/job-index': '2',
        'batch.kubernetes.io/job-completion-index': '5',
      },
    },
    'JobSet',
    'js',
    'worker',
    5,
    '2',
  ],
  [
    '3 a TrainJob, by the label of its trainer',
    {
      labels: {
        'jobset.sigs.k8s.io/jobset-name': 'tj',
        'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer',
      },
    },
    'TrainJob',
    'tj',
    '',
    undefined,
    '',
  ],
  [
    '4 a PyTorchJob',
    {
      labels: {
        'training.kubeflow.org/job-name': 'sft',
        'training.kubeflow.org/operator-name': 'pytorchjob-controller',
        'training.kubeflow.org/replica-type': 'worker',
        'training.kubeflow.org/replica-index': '7',
      },
    },
    'PyTorchJob',
    'sft',
    'worker',
    7,
    '',
  ],
  [
    '4 an MPIJob, by its operator',
    {
      labels: {
        'training.kubeflow.org/job-name': 'mpi',
        'training.kubeflow.org/operator-name': 'mpi-operator',
        'training.kubeflow.org/job-role': 'launcher',
      },
    },
    'MPIJob',
    'mpi',
    'launcher',
    undefined,
    '',
  ],
  [
    '4 a TFJob, by its owner where no label says',
    { labels: { 'training.kubeflow.org/job-name': 'tf' }, owner: ['kubeflow.org/v1', 'TFJob', 'tf'] },
    'TFJob',
    'tf',
    '',
    undefined,
    '',
  ],
  [
    '5 a LeaderWorkerSet',
    {
      labels: {
        'leaderworkerset.sigs.k8s.io/name': 'lws',
        'leaderworkerset.sigs.k8s.io/group-index': '1',
        'leaderworkerset.sigs.k8s.io/worker-index': '0',
      },
      owner: ['apps/v1', 'StatefulSet', 'lws'],
    },
    'LeaderWorkerSet',
    'lws',
    'leader',
    0,
    '1',
  ],
  [
    '6 an InferenceService',
    {
      labels: {
        'serving.kserve.io/inferenceservice': 'qwen',
        component: 'predictor',
        'pod-template-hash': 'abc',
      },
      owner: ['apps/v1', 'ReplicaSet', 'qwen-predictor-abc'],
    },
    'InferenceService',
    'qwen',
    'predictor',
    undefined,
    '',
  ],
  [
    '7 an LLMInferenceService',
    {
      labels: {
        'app.kubernetes.io/part-of': 'llminferenceservice',
        'app.kubernetes.io/name': 'llm',
        'llm-d.ai/role': 'decode',
      },
    },
    'LLMInferenceService',
    'llm',
    'decode',
    undefined,
    '',
  ],
  [
    '8 a Volcano Job',
    {
      labels: { 'volcano.sh/job-name': 'vj', 'volcano.sh/task-spec': 'worker', 'volcano.sh/task-index': '4' },
    },
    'Job',
    'vj',
    'worker',
    4,
    '',
  ],
  [
    '9 an Argo Workflow',
    {
      labels: { 'workflows.argoproj.io/workflow': 'wf' },
      annotations: { 'workflows.argoproj.io/node-name': 'wf.train' },
    },
    'Workflow',
    'wf',
    'wf.train',
    undefined,
    '',
  ],
  [
    '10 a Slurm NodeSet',
    {
      labels: {
        'app.kubernetes.io/component': 'worker',
        'slinky.slurm.net/cluster': 'slurm',
        'nodeset.slinky.slurm.net/pod-name': 'gpu-3',
        'nodeset.slinky.slurm.net/pod-index': '3',
      },
      owner: ['slinky.slurm.net/v1beta1', 'NodeSet', 'gpu'],
    },
    'NodeSet',
    'gpu',
    'worker',
    3,
    '',
  ],
  [
    '11 a job of the Slurm bridge',
    { labels: { 'scheduler.slinky.slurm.net/slurm-jobid': '4711' } },
    'SlurmJob',
    '4711',
    '',
    undefined,
    '',
  ],
  [
    '12 a pod group of Kueue',
    { labels: { 'kueue.x-k8s.io/pod-group-name': 'sweep', 'kueue.x-k8s.io/pod-group-pod-index': '1' } },
    'PodGroup',
    'sweep',
    '',
    1,
    '',
  ],
  [
    '13 a Job',
    {
      labels: { 'batch.kubernetes.io/job-name': 'j', 'batch.kubernetes.io/job-completion-index': '9' },
      owner: ['batch/v1', 'Job', 'j'],
    },
    'Job',
    'j',
    '',
    9,
    '',
  ],
  [
    '13 a Job of an old cluster',
    { labels: { 'job-name': 'old' }, annotations: { 'batch.kubernetes.io/job-completion-index': '2' } },
    'Job',
    'old',
    '',
    2,
    '',
  ],
  [
    '14 a Deployment behind its ReplicaSet',
    { labels: { 'pod-template-hash': '7d9f4' }, owner: ['apps/v1', 'ReplicaSet', 'notebook-7d9f4'] },
    'Deployment',
    'notebook',
    '',
    undefined,
    '',
  ],
  [
    '14 a ReplicaSet of its own',
    { owner: ['apps/v1', 'ReplicaSet', 'rs'] },
    'ReplicaSet',
    'rs',
    '',
    undefined,
    '',
  ],
  ['14 a StatefulSet', { owner: ['apps/v1', 'StatefulSet', 'ss'] }, 'StatefulSet', 'ss', '', 2, ''],
  ['14 a DaemonSet', { owner: ['apps/v1', 'DaemonSet', 'ds'] }, 'DaemonSet', 'ds', '', undefined, ''],
  [
    '14 an operator that mltop does not know',
    { owner: ['example.org/v1', 'MegaJob', 'mega'] },
    'MegaJob',
    'mega',
    '',
    2,
    '',
  ],
  ['15 a static pod', { owner: ['v1', 'Node', 'gpu-1'] }, 'Pod', 'pod-2', '', undefined, ''],
  ['15 a pod alone', {}, 'Pod', 'pod-2', '', undefined, ''],
];

test.each(cases)('%s', (_, options, kind, name, role, rank, part) => {
  expect(groupOf(podRow('pod-2', options))).toMatchObject({
    namespace: 'train',
    kind,
    name,
    role,
    rank,
    part,
  });
});

test('labels with nonsense for numbers number nothing', () => {
  const labels = { 'volcano.sh/job-name': 'vj', 'volcano.sh/task-index': 'NaN' };
  expect(groupOf(podRow('p', { labels })).rank).toBeUndefined();
});
