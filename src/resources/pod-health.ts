import { clauses } from './clauses.ts';
import { ageText, humanDuration } from './fields.ts';
import type { ContainerTrouble, PodRow } from './pod-row.ts';
import type { Tone } from './resource.ts';

const second = 1000;
const minute = 60 * second;

/** A scheduler answers within a second; without any answer for this long nobody looks at the pod. */
const schedulerSilence = 30 * second;
/** Images of 40 GB take minutes to pull: creating containers is only then worth a look. */
const slowStart = 10 * minute;
/** Loading a model takes minutes, so "not ready" must last. */
const slowReady = 10 * minute;
/** Past the end of the grace period by this much, somebody holds the pod. */
const stuckDeletion = minute;
/** A crash that the pod has survived for this long is history. */
const recentCrash = 10 * minute;

const isFinished = (row: PodRow): boolean => row.phase === 'Succeeded' || row.phase === 'Failed';

const isStuckDeleting = (row: PodRow, now: number): boolean =>
  row.deletedAt !== undefined && now - row.deletedAt > stuckDeletion;

const isUnready = (row: PodRow, now: number): boolean =>
  row.ready !== undefined &&
  row.ready.status !== 'True' &&
  (row.ready.at === undefined || now - row.ready.at > slowReady);

/** The node stopped reporting: all containers look fine and nothing is known of them. */
const isLost = (row: PodRow): boolean =>
  row.phase === 'Running' &&
  row.ready !== undefined &&
  row.ready.status !== 'True' &&
  row.readyContainers === row.totalContainers &&
  row.readinessGates === undefined;

const crashedLately = (trouble: ContainerTrouble, now: number): boolean =>
  trouble.last?.finishedAt === undefined || now - trouble.last.finishedAt < recentCrash;

/** True where the trouble is now, not a crash that the container has long survived. */
function troubled(row: PodRow, now: number): ContainerTrouble | undefined {
  const { trouble } = row;
  if (trouble === undefined) return undefined;
  if (trouble.state !== 'running') return trouble;
  return crashedLately(trouble, now) ? trouble : undefined;
}

/** True where a pod needs a person. Waiting in a queue, starting and finishing do not. */
export function podFault(row: PodRow, now: number): boolean {
  if (isStuckDeleting(row, now)) return true;
  if (row.phase === 'Failed') return true;
  if (row.phase === 'Succeeded') return row.trouble !== undefined;
  if (row.deletedAt !== undefined) return false;
  if (troubled(row, now) !== undefined || isLost(row)) return true;
  if (row.phase === 'Pending') return pendingFault(row, now);
  return row.phase === 'Running' ? isUnready(row, now) : true;
}

function pendingFault(row: PodRow, now: number): boolean {
  const age = row.createdAt === undefined ? 0 : now - row.createdAt;
  if (row.node !== '') return age > slowStart;
  if (row.gates.length > 0 || row.scheduled?.reason === 'SchedulingGated') return false;
  return row.scheduled?.status === 'False' || age > schedulerSilence;
}

/** The colour of STATUS. */
export function podTone(row: PodRow, now: number): Tone {
  if (podFault(row, now)) return 'bad';
  if (row.deletedAt !== undefined) return 'dim';
  if (row.phase === 'Succeeded') return 'done';
  if (row.phase === 'Pending') return 'pending';
  if (row.phase === 'Running') return row.readyContainers < row.totalContainers ? 'warn' : 'good';
  return 'unknown';
}

/** One line on what is wrong, in the object's own words; undefined where nothing is. */
export function podWhy(row: PodRow, now: number): string | undefined {
  if (isStuckDeleting(row, now)) return deletionWhy(row, now);
  if (isFinished(row)) return finishedWhy(row);
  const trouble = troubled(row, now);
  if (trouble !== undefined) return troubleWhy(trouble, now);
  if (row.phase === 'Pending') return pendingWhy(row, now);
  if (isLost(row)) return `The node ${row.node} no longer reports: the containers' state is not known.`;
  if (!isUnready(row, now) || row.ready === undefined) return undefined;
  const since = row.ready.at === undefined ? '' : ` for ${ageText(row.ready.at, now)}`;
  return `Not ready${since}: ${row.ready.message || row.ready.reason || 'no reason given'}`;
}

function deletionWhy(row: PodRow, now: number): string {
  const since = `Deletion is overdue by ${ageText(row.deletedAt, now)}`;
  if (row.finalizers > 0) return `${since}: ${row.finalizers} finalizer(s) hold the pod.`;
  return `${since}: the kubelet${row.node === '' ? '' : ` of ${row.node}`} has not confirmed that it stopped.`;
}

function finishedWhy(row: PodRow): string | undefined {
  const { trouble, disrupted } = row;
  if (row.phase === 'Succeeded' && trouble === undefined) return undefined;
  if (row.reason !== '') return sentence(row.reason, row.message);
  if (disrupted?.status === 'True') return sentence(disrupted.reason, disrupted.message);
  if (trouble !== undefined) return endWhy(trouble);
  return row.message === '' ? 'Failed; no container says why.' : row.message;
}

function pendingWhy(row: PodRow, now: number): string | undefined {
  const age = row.createdAt === undefined ? 0 : now - row.createdAt;
  if (row.gates.length > 0) return `Held by scheduling gate ${row.gates.join(', ')}`;
  if (row.node !== '') {
    if (age <= slowStart) return undefined;
    return `${row.status} for ${humanDuration(age)} on ${row.node}: events say what it waits for.`;
  }
  if (row.scheduled?.status === 'False') return row.scheduled.message || row.scheduled.reason;
  if (age <= schedulerSilence) return undefined;
  return `No answer from scheduler ${row.spec.schedulerName} for ${humanDuration(age)}`;
}

function troubleWhy(trouble: ContainerTrouble, now: number): string {
  if (trouble.state === 'terminated') return endWhy(trouble);
  const { last } = trouble;
  const before =
    last === undefined
      ? ''
      : `last run ended ${outcome(last.reason, last.exitCode, last.signal)}${
          last.finishedAt === undefined ? '' : ` ${ageText(last.finishedAt, now)} ago`
        }`;
  if (trouble.state === 'running') return `${trouble.container}: ${before}, ${trouble.restarts} restart(s)`;
  const present = sentence(trouble.reason, trouble.message);
  return before === ''
    ? `${trouble.container}: ${present}`
    : `${trouble.container}: ${clauses([before, present])}`;
}

function endWhy(trouble: ContainerTrouble): string {
  const ended = `${trouble.container} ended ${outcome(trouble.reason, trouble.exitCode ?? 0, trouble.signal)}`;
  return trouble.message === '' ? ended : `${ended}: ${trouble.message}`;
}

function outcome(reason: string, exitCode: number, signal: number | undefined): string {
  const code =
    signal === undefined || signal === 0 ? `exit ${exitCode}` : `exit ${exitCode}, signal ${signal}`;
  return reason === '' ? code : `${reason} (${code})`;
}

const sentence = (reason: string, message: string): string =>
  message === '' || message.startsWith(reason) ? message || reason : `${reason}: ${message}`;
