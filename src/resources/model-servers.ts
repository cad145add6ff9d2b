import { type Condition, conditionsOf, conditionText, findCondition } from './conditions.ts';
import { count, type Fields, flag, list, number, record, text, time } from './fields.ts';
import type { Resource } from './resource.ts';
import {
  type Role,
  roleOf,
  type WorkloadFacts,
  type WorkloadObjectRow,
  workloadResource,
} from './workload-object.ts';

function readLeaderWorkerSet(spec: Fields, status: Fields): WorkloadFacts {
  const template = record(spec['leaderWorkerTemplate']);
  const groups = number(spec['replicas']) ?? 1;
  const size = number(template['size']) ?? 1;
  const ready = count(status['readyReplicas']);
  return {
    ...servingPhase(groups, ready),
    roles: [
      roleOf('leader', groups, template['leaderTemplate'] ?? template['workerTemplate']),
      roleOf('worker', groups * (size - 1), template['workerTemplate']),
    ],
    replicas: { wanted: groups, ready, groupSize: size },
  };
}

function servingPhase(wanted: number, ready: number): Pick<WorkloadFacts, 'status' | 'phase'> {
  if (wanted === 0) return { status: 'Stopped', phase: 'suspended' };
  return { status: `${ready}/${wanted} ready`, phase: ready > 0 ? 'active' : 'waiting' };
}

function readRayCluster(spec: Fields, status: Fields): WorkloadFacts {
  const conditions = conditionsOf(status['conditions']);
  const failed = findCondition(conditions, 'ReplicaFailure', 'True');
  const provisioning = findCondition(conditions, 'RayClusterProvisioned', 'False');
  const isSuspended =
    flag(spec['suspend']) || findCondition(conditions, 'RayClusterSuspended', 'True') !== undefined;
  const state = text(status['state']);
  return {
    // KubeRay gives no state before the first time that all of it is there; the condition says what it waits for.
    status: isSuspended ? 'suspended' : state || (provisioning?.reason ?? ''),
    phase: isSuspended
      ? 'suspended'
      : state === 'failed' || failed !== undefined
        ? 'failed'
        : provisioning === undefined
          ? 'active'
          : 'waiting',
    message: text(status['reason']) || rayMessage(failed ?? (state === '' ? provisioning : undefined)),
    roles: [roleOf('head', 1, record(spec['headGroupSpec'])['template']), ...rayWorkers(spec, status)],
  };
}

const rayMessage = (condition: Condition | undefined): string =>
  condition === undefined ? '' : conditionText(condition);

/** The autoscaler changes what the spec says: `desiredWorkerReplicas` is what the cluster wants now. */
function rayWorkers(spec: Fields, status: Fields): readonly Role[] {
  const groups = list(spec['workerGroupSpecs']).map(record);
  const only = groups.length === 1 ? number(status['desiredWorkerReplicas']) : undefined;
  return groups.map((group) => {
    const hosts = number(group['numOfHosts']) ?? 1;
    return roleOf(
      text(group['groupName']) || 'worker',
      only ?? (number(group['replicas']) ?? 1) * hosts,
      group['template'],
    );
  });
}

function readRayJob(spec: Fields, status: Fields): WorkloadFacts {
  const job = text(status['jobStatus']);
  const deployment = text(status['jobDeploymentStatus']);
  const cluster = text(status['rayClusterName']);
  const reason = [text(status['reason']), text(status['message'])].filter((part) => part !== '').join(': ');
  return {
    status: job === '' ? deployment : `${deployment}/${job}`,
    phase: rayJobPhase(spec, job, deployment),
    message: reason,
    startedAt: time(status['startTime']),
    endedAt: time(status['endTime']),
    restarts: number(status['failed']),
    parts: cluster === '' ? [] : [`RayCluster/${cluster}`],
  };
}

function rayJobPhase(spec: Fields, job: string, deployment: string): WorkloadObjectRow['phase'] {
  if (job === 'FAILED' || deployment === 'Failed' || deployment === 'ValidationFailed') return 'failed';
  if (job === 'SUCCEEDED' || deployment === 'Complete') return 'done';
  if (flag(spec['suspend']) || deployment.startsWith('Suspend')) return 'suspended';
  return job === 'RUNNING' ? 'active' : 'waiting';
}

function readRayService(spec: Fields, status: Fields): WorkloadFacts {
  const conditions = conditionsOf(status['conditions']);
  const ready = findCondition(conditions, 'Ready', 'True');
  const notReady = findCondition(conditions, 'Ready', 'False');
  const names = ['activeServiceStatus', 'pendingServiceStatus'].map((part) =>
    text(record(status[part])['rayClusterName']),
  );
  return {
    status: text(status['serviceStatus']) || (ready === undefined ? '' : 'Ready'),
    phase: flag(spec['suspend']) ? 'suspended' : ready === undefined ? 'waiting' : 'active',
    message: sickApplication(status) || (notReady === undefined ? '' : conditionText(notReady)),
    parts: names.filter((name) => name !== '').map((name) => `RayCluster/${name}`),
  };
}

/** `summarizer: DEPLOY_FAILED: …`: the first application of Ray Serve that is not well. */
function sickApplication(status: Fields): string {
  for (const part of ['activeServiceStatus', 'pendingServiceStatus']) {
    for (const [name, raw] of Object.entries(record(record(status[part])['applicationStatuses']))) {
      const application = record(raw);
      const state = text(application['status']);
      if (state === '' || state === 'RUNNING' || state === 'DEPLOYING') continue;
      return `${text(name)}: ${state}${text(application['message']) === '' ? '' : `: ${text(application['message'])}`}`;
    }
  }
  return '';
}

function readInferenceService(_spec: Fields, status: Fields): WorkloadFacts {
  const conditions = conditionsOf(status['conditions']);
  const ready = findCondition(conditions, 'Ready', 'True');
  const stopped = findCondition(conditions, 'Stopped', 'True');
  const model = record(status['modelStatus']);
  const failure = record(model['lastFailureInfo']);
  const blocked =
    text(model['transitionStatus']) === 'BlockedByFailedLoad' ||
    text(model['transitionStatus']) === 'InvalidSpec';
  const told = [text(failure['reason']), text(failure['message'])].filter((part) => part !== '').join(': ');
  return {
    status:
      stopped !== undefined
        ? 'Stopped'
        : ready === undefined
          ? text(model['transitionStatus']) || 'NotReady'
          : 'Ready',
    phase:
      stopped !== undefined ? 'suspended' : ready !== undefined ? 'active' : blocked ? 'failed' : 'waiting',
    message: told || firstFalse(conditions),
  };
}

function readLlmInferenceService(spec: Fields, status: Fields): WorkloadFacts {
  const conditions = conditionsOf(status['conditions']);
  const ready = findCondition(conditions, 'Ready', 'True');
  return {
    status: ready === undefined ? 'NotReady' : 'Ready',
    phase: number(spec['replicas']) === 0 ? 'suspended' : ready === undefined ? 'waiting' : 'active',
    message: ready === undefined ? firstFalse(conditions) : '',
  };
}

/** The first condition that is not so, and is not only the sum of the others. */
function firstFalse(conditions: readonly Condition[]): string {
  const wrong = conditions.filter(({ status }) => status === 'False');
  const one = wrong.find(({ type }) => type !== 'Ready') ?? wrong[0];
  return one === undefined ? '' : `${one.type}: ${conditionText(one)}`;
}

/** Slurm on Kubernetes: the pods hold their GPUs for good; what runs on them, only Slurm knows. */
function readNodeSet(spec: Fields, status: Fields): WorkloadFacts {
  const wanted = number(spec['replicas']) ?? 1;
  const ready = count(status['readyReplicas']);
  const slurm = ['slurmIdle', 'slurmAllocated', 'slurmDown', 'slurmDrain']
    .filter((name) => count(status[name]) > 0)
    .map((name) => `${count(status[name])} ${name.slice('slurm'.length).toLowerCase()}`);
  return {
    ...servingPhase(wanted, ready),
    roles: [roleOf('worker', wanted, spec['template'])],
    replicas: { wanted, ready, groupSize: 1 },
    message: slurm.length === 0 ? '' : `Slurm: ${slurm.join(', ')}`,
  };
}

export const leaderworkersets: Resource<WorkloadObjectRow> = workloadResource({
  group: 'leaderworkerset.x-k8s.io',
  versions: ['v1'],
  kind: 'LeaderWorkerSet',
  plural: 'leaderworkersets',
  aliases: ['leaderworkerset', 'lws'],
  read: readLeaderWorkerSet,
});
export const rayclusters: Resource<WorkloadObjectRow> = workloadResource({
  group: 'ray.io',
  versions: ['v1', 'v1alpha1'],
  kind: 'RayCluster',
  plural: 'rayclusters',
  aliases: ['raycluster'],
  read: readRayCluster,
});
export const rayjobs: Resource<WorkloadObjectRow> = workloadResource({
  group: 'ray.io',
  versions: ['v1', 'v1alpha1'],
  kind: 'RayJob',
  plural: 'rayjobs',
  aliases: ['rayjob'],
  read: readRayJob,
});
export const rayservices: Resource<WorkloadObjectRow> = workloadResource({
  group: 'ray.io',
  versions: ['v1', 'v1alpha1'],
  kind: 'RayService',
  plural: 'rayservices',
  aliases: ['rayservice'],
  read: readRayService,
});
export const inferenceservices: Resource<WorkloadObjectRow> = workloadResource({
  group: 'serving.kserve.io',
  versions: ['v1beta1'],
  kind: 'InferenceService',
  plural: 'inferenceservices',
  aliases: ['inferenceservice', 'isvc'],
  read: readInferenceService,
});
export const llminferenceservices: Resource<WorkloadObjectRow> = workloadResource({
  group: 'serving.kserve.io',
  versions: ['v1alpha2', 'v1alpha1'],
  kind: 'LLMInferenceService',
  plural: 'llminferenceservices',
  aliases: ['llminferenceservice', 'llmisvc'],
  read: readLlmInferenceService,
});
export const nodesets: Resource<WorkloadObjectRow> = workloadResource({
  group: 'slinky.slurm.net',
  versions: ['v1beta1', 'v1alpha1'],
  kind: 'NodeSet',
  plural: 'nodesets',
  aliases: ['nodeset'],
  read: readNodeSet,
});
