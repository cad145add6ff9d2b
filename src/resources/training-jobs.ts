import { conditionsOf } from './conditions.ts';
import { count, type Fields, flag, list, number, record, text, time } from './fields.ts';
import type { Resource } from './resource.ts';
import {
  firstNumber,
  phaseOfConditions,
  type Role,
  roleAsking,
  roleOf,
  type WorkloadFacts,
  type WorkloadObjectRow,
  word,
  workloadResource,
} from './workload-object.ts';

/** Kubeflow's training operator v1: replica specs by type, and conditions that say Running when the master runs. */
function readTrainingJob(spec: Fields, status: Fields): WorkloadFacts {
  const [, specs] = Object.entries(spec).find(([name]) => name.endsWith('ReplicaSpecs')) ?? [];
  const policy = record(spec['runPolicy']);
  const roles = Object.entries(record(specs)).map(([name, raw]) => {
    const replica = record(raw);
    return roleOf(name, number(replica['replicas']) ?? 1, replica['template']);
  });
  const told = phaseOfConditions(conditionsOf(status['conditions']), {
    failed: ['Failed'],
    done: ['Succeeded'],
    suspended: ['Suspended'],
    active: ['Restarting', 'Running', 'Created'],
  });
  return {
    ...told,
    ...(flag(policy['suspend']) &&
      told.phase !== 'failed' &&
      told.phase !== 'done' && { phase: 'suspended' }),
    roles,
    minPods: number(record(policy['schedulingPolicy'])['minAvailable']),
    queue: word(record(policy['schedulingPolicy'])['queue']),
    priorityClass: word(record(policy['schedulingPolicy'])['priorityClass']),
    startedAt: time(status['startTime']),
    endedAt: time(status['completionTime']) ?? told.endedAt,
  };
}

const trainingKind = (kind: string, plural: string, versions: readonly [string, ...string[]] = ['v1']) =>
  workloadResource({
    group: 'kubeflow.org',
    versions,
    kind,
    plural,
    aliases: [kind.toLowerCase()],
    read: readTrainingJob,
  });

/** A job that makes JobSets: `status.trainerStatus` carries the progress that the training code reports. */
function readTrainJob(spec: Fields, status: Fields): WorkloadFacts {
  const trainer = record(spec['trainer']);
  const told = phaseOfConditions(conditionsOf(status['conditions']), {
    failed: ['Failed'],
    done: ['Complete'],
    suspended: ['Suspended'],
  });
  const trained = record(status['trainerStatus']);
  const percent = number(trained['progressPercentage']);
  const isActive = list(status['jobsStatus']).some((job) => count(record(job)['active']) > 0);
  return {
    ...told,
    ...(told.phase === 'waiting' && isActive && { phase: 'active', status: 'Running' }),
    ...(flag(spec['suspend']) &&
      told.phase === 'waiting' &&
      !isActive && { phase: 'suspended', status: 'Suspended' }),
    roles: [roleAsking('node', number(trainer['numNodes']), trainer['resourcesPerNode'])],
    progress: percent === undefined ? undefined : percent / 100,
    remainingSeconds: number(trained['estimatedRemainingSeconds']),
    progressAt: time(trained['lastUpdatedTime']),
  };
}

function readJobSet(spec: Fields, status: Fields): WorkloadFacts {
  const told = phaseOfConditions(conditionsOf(status['conditions']), {
    failed: ['Failed'],
    done: ['Completed'],
    suspended: ['Suspended'],
    active: ['StartupPolicyInProgress'],
  });
  const isActive = list(status['replicatedJobsStatus']).some((job) => count(record(job)['active']) > 0);
  return {
    ...told,
    ...(told.phase === 'waiting' && isActive && { phase: 'active', status: 'Running' }),
    ...(flag(spec['suspend']) &&
      !isActive &&
      told.phase !== 'failed' && { phase: 'suspended', status: 'Suspended' }),
    roles: list(spec['replicatedJobs']).map(jobSetRole),
    restarts: number(status['restarts']),
  };
}

function jobSetRole(raw: unknown): Role {
  const replicated = record(raw);
  const job = record(record(replicated['template'])['spec']);
  const parallelism = number(job['parallelism']) ?? 1;
  const pods = Math.min(parallelism, number(job['completions']) ?? parallelism);
  return roleOf(text(replicated['name']), (number(replicated['replicas']) ?? 1) * pods, job['template']);
}

function readVolcanoJob(spec: Fields, status: Fields): WorkloadFacts {
  const state = record(status['state']);
  const phase = text(state['phase']);
  return {
    status: phase,
    phase: volcanoPhases[phase] ?? 'active',
    message: text(state['message']),
    queue: word(spec['queue']),
    priorityClass: word(spec['priorityClassName']),
    roles: list(spec['tasks']).map((raw) => {
      const task = record(raw);
      return roleOf(text(task['name']) || 'task', number(task['replicas']) ?? 1, task['template']);
    }),
    minPods: firstNumber(spec['minAvailable'], status['minAvailable']),
    restarts: number(status['retryCount']),
    endedAt: phase === 'Completed' || phase === 'Failed' ? time(state['lastTransitionTime']) : undefined,
  };
}

const volcanoPhases: Readonly<Record<string, WorkloadObjectRow['phase']>> = {
  '': 'unknown',
  Pending: 'waiting',
  Aborting: 'suspended',
  Aborted: 'suspended',
  Completed: 'done',
  Terminated: 'failed',
  Failed: 'failed',
};

function readWorkflow(spec: Fields, status: Fields): WorkloadFacts {
  const phase = text(status['phase']);
  const steps = /^(\d+)\/(\d+)$/.exec(text(status['progress']));
  const all = Number(steps?.[2] ?? 0);
  return {
    status: phase,
    phase: workflowPhases[phase] ?? (flag(spec['suspend']) ? 'suspended' : 'active'),
    message: text(status['message']),
    progress: steps === null || all === 0 ? undefined : Number(steps[1]) / all,
    startedAt: time(status['startedAt']),
    endedAt: time(status['finishedAt']),
  };
}

const workflowPhases: Readonly<Record<string, WorkloadObjectRow['phase']>> = {
  '': 'waiting',
  Pending: 'waiting',
  Succeeded: 'done',
  Failed: 'failed',
  Error: 'failed',
};

export const pytorchjobs: Resource<WorkloadObjectRow> = trainingKind('PyTorchJob', 'pytorchjobs');
export const tfjobs: Resource<WorkloadObjectRow> = trainingKind('TFJob', 'tfjobs');
export const xgboostjobs: Resource<WorkloadObjectRow> = trainingKind('XGBoostJob', 'xgboostjobs');
export const paddlejobs: Resource<WorkloadObjectRow> = trainingKind('PaddleJob', 'paddlejobs');
export const jaxjobs: Resource<WorkloadObjectRow> = trainingKind('JAXJob', 'jaxjobs');
export const mpijobs: Resource<WorkloadObjectRow> = trainingKind('MPIJob', 'mpijobs', ['v2beta1', 'v1']);
export const trainjobs: Resource<WorkloadObjectRow> = workloadResource({
  group: 'trainer.kubeflow.org',
  versions: ['v1alpha1'],
  kind: 'TrainJob',
  plural: 'trainjobs',
  aliases: ['trainjob', 'tj'],
  read: readTrainJob,
});
export const jobsets: Resource<WorkloadObjectRow> = workloadResource({
  group: 'jobset.x-k8s.io',
  versions: ['v1alpha2'],
  kind: 'JobSet',
  plural: 'jobsets',
  aliases: ['jobset', 'js'],
  read: readJobSet,
});
export const volcanojobs: Resource<WorkloadObjectRow> = workloadResource({
  group: 'batch.volcano.sh',
  versions: ['v1alpha1'],
  kind: 'Job',
  plural: 'jobs',
  title: 'Volcano Jobs',
  aliases: ['vcjob', 'vj'],
  read: readVolcanoJob,
});
export const workflows: Resource<WorkloadObjectRow> = workloadResource({
  group: 'argoproj.io',
  versions: ['v1alpha1'],
  kind: 'Workflow',
  plural: 'workflows',
  aliases: ['workflow', 'wf'],
  read: readWorkflow,
});
