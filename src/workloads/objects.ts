import { conditionText, findCondition } from '../resources/conditions.ts';
import type { DaemonSetRow } from '../resources/daemonsets.ts';
import type { DeploymentRow } from '../resources/deployments.ts';
import type { JobRow } from '../resources/jobs.ts';
import type { OwnedRow } from '../resources/meta.ts';
import type { StatefulSetRow } from '../resources/statefulsets.ts';
import type { TemplateRow } from '../resources/template.ts';
import { blankFacts, type ObjectPhase, type WorkloadObjectRow } from '../resources/workload-object.ts';

const metaOf = ({
  uid,
  namespace,
  name,
  createdAt,
  version,
  labels,
  owner,
  deletedAt,
  finalizers,
}: OwnedRow): OwnedRow => ({
  uid,
  namespace,
  name,
  createdAt,
  version,
  labels,
  owner,
  deletedAt,
  finalizers,
});

/** Pods that a Job still has to bring to an end at the same time. */
const podsOfJob = ({ completions, parallelism, succeeded }: JobRow): number =>
  completions === undefined
    ? succeeded > 0
      ? 0
      : parallelism
    : Math.max(0, Math.min(parallelism, completions - succeeded));

export function ofJob(job: JobRow): WorkloadObjectRow {
  const failed =
    findCondition(job.conditions, 'Failed', 'True') ?? findCondition(job.conditions, 'FailureTarget', 'True');
  const suspended = findCondition(job.conditions, 'Suspended', 'True');
  const told = failed ?? (job.suspended ? suspended : undefined);
  const done = job.completions === undefined ? 0 : job.succeeded / Math.max(1, job.completions);
  return {
    ...metaOf(job),
    ...blankFacts,
    group: 'batch',
    kind: 'Job',
    status: job.status,
    phase: phaseOfJob(job),
    message: told === undefined ? '' : conditionText(told),
    queue: job.labels['kueue.x-k8s.io/queue-name'] ?? '',
    priorityClass: job.labels['kueue.x-k8s.io/priority-class'] ?? job.template.priorityClass ?? '',
    roles: [{ name: job.indexed ? 'index' : '', count: podsOfJob(job), template: job.template }],
    // Ranks that all run at once end at once: how many have ended says nothing of how far they are.
    progress: (job.completions ?? 1) > job.parallelism ? done : undefined,
    restarts: job.failed > 0 ? job.failed : undefined,
    startedAt: job.startedAt,
    endedAt: job.completedAt ?? failed?.at,
    minPods: job.indexed && job.parallelism > 1 ? podsOfJob(job) : undefined,
  };
}

function phaseOfJob(job: JobRow): ObjectPhase {
  if (job.status === 'Failed' || job.status === 'FailureTarget') return 'failed';
  if (job.status === 'Complete' || job.status === 'SuccessCriteriaMet') return 'done';
  return job.suspended ? 'suspended' : 'active';
}

function ofSet(
  row: OwnedRow & TemplateRow & { readonly desired: number; readonly ready: number },
  kind: string,
  message: string,
): WorkloadObjectRow {
  const { desired: wanted, ready, template } = row;
  return {
    ...metaOf(row),
    ...blankFacts,
    group: 'apps',
    kind,
    status: `${ready}/${wanted} ready`,
    phase: wanted === 0 ? 'suspended' : ready > 0 ? 'active' : 'waiting',
    message,
    queue: row.labels['kueue.x-k8s.io/queue-name'] ?? '',
    priorityClass: template.priorityClass ?? '',
    roles: [{ name: '', count: wanted, template }],
    replicas: { wanted, ready, groupSize: 1 },
  };
}

/** ReplicaFailure is where quota and admission speak: there is no pod that could. */
export function ofDeployment(row: DeploymentRow): WorkloadObjectRow {
  const refused = findCondition(row.conditions, 'ReplicaFailure', 'True');
  return ofSet(row, 'Deployment', refused === undefined ? '' : conditionText(refused));
}

export const ofStatefulSet = (row: StatefulSetRow): WorkloadObjectRow => ofSet(row, 'StatefulSet', '');

export const ofDaemonSet = (row: DaemonSetRow): WorkloadObjectRow => ofSet(row, 'DaemonSet', '');
