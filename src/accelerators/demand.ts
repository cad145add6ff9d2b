import { isAccelerator } from '../resources/devices.ts';
import type { JobRow } from '../resources/jobs.ts';
import type { PodRow, Requests } from '../resources/pod-row.ts';

/**
 * How demand waits (gpu.md 1.4). `starting` holds its devices already: it is bound and only not running yet.
 * `suspended` and `queued` have no pods at all.
 */
export type DemandKind =
  | 'gated'
  | 'unschedulable'
  | 'schedulerError'
  | 'nominated'
  | 'unattempted'
  | 'suspended'
  | 'queued';

/** How a pod waits; undefined where it does not (bound, finished, being deleted unbound). */
export function pendingKind(pod: PodRow): DemandKind | undefined {
  if (pod.node !== '' || pod.phase === 'Succeeded' || pod.phase === 'Failed') return undefined;
  if (pod.deletedAt !== undefined) return undefined;
  const { scheduled } = pod;
  if (pod.gates.length > 0 || scheduled?.reason === 'SchedulingGated') return 'gated';
  // A preemptor also has Unschedulable: the reservation is the newer fact.
  if (pod.nominatedNode !== '') return 'nominated';
  if (scheduled?.status === 'False')
    return scheduled.reason === 'SchedulerError' ? 'schedulerError' : 'unschedulable';
  return 'unattempted';
}

/** Takes room on its node in the scheduler's eyes: bound and not finished; Terminating pods too, until they are gone. */
export const holdsNode = (pod: PodRow): boolean =>
  pod.node !== '' && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';

/** Accelerators in a list of amounts, by resource; the same silicon (AWS cores beside devices) once. */
export function acceleratorsIn(amounts: Requests): readonly (readonly [string, number])[] {
  let found: (readonly [string, number])[] | undefined;
  for (const name in amounts) {
    const units = amounts[name] ?? 0;
    if (units === 0 || !isAccelerator(name)) continue;
    if (name === 'aws.amazon.com/neuroncore' && (amounts['aws.amazon.com/neuron'] ?? 0) > 0) continue;
    found ??= [];
    found.push([name, units]);
  }
  return found ?? none;
}

const none: readonly (readonly [string, number])[] = Object.freeze([]);

/** Demand that is no pod: a suspended Job, a queued Workload. */
export interface Demand {
  readonly kind: DemandKind;
  readonly namespace: string;
  readonly name: string;
  /** Units by class, over all its pods. */
  readonly units: Readonly<Record<string, number>>;
}

/** What a suspended Job without pods will ask for; undefined where it does not wait or wants no accelerator. */
export function demandOfJob(job: JobRow): Demand | undefined {
  if (!job.suspended || job.active > 0 || job.completedAt !== undefined || job.deletedAt !== undefined)
    return undefined;
  const left =
    job.completions === undefined
      ? job.parallelism
      : Math.min(job.parallelism, job.completions - job.succeeded);
  const asked = acceleratorsIn(job.template.requests);
  if (asked.length === 0 || left <= 0) return undefined;
  return {
    kind: 'suspended',
    namespace: job.namespace,
    name: job.name,
    units: Object.fromEntries(asked.map(([name, units]) => [name, units * left])),
  };
}
