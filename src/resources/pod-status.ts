import type { ServerVersion } from '../kube/object.ts';
import { count, type Fields, isRecord, list, record, shared, text, time } from './fields.ts';
import { isSidecar } from './requests.ts';

/** What the API server's `printPod` says of a pod: the cells READY, STATUS and RESTARTS as values. */
export interface PrintedPod {
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  readonly lastRestartAt: number | undefined;
}

/** The text of STATUS depends on the server: these are the two changes since sidecars. */
interface Rules {
  /** From 1.35: a failed container shows through a Completed one (kubernetes#124766). */
  readonly errorReason: boolean;
  /** From 1.31: a finished pod that is being deleted keeps its own status (kubernetes#122038). */
  readonly finishedIsNotTerminating: boolean;
}

const newestRules: Rules = { errorReason: true, finishedIsNotTerminating: true };

const rulesOf = (server: ServerVersion | undefined): Rules =>
  server === undefined || server.major > 1
    ? newestRules
    : { errorReason: server.minor >= 35, finishedIsNotTerminating: server.minor >= 31 };

/**
 * A transcription of `printPod` (pkg/printers/internalversion/printers.go), byte for byte: users compare with kubectl.
 * Deliberately one pass in Go's order; the order of assignments is the meaning (checklist.md 2.1, 2.3).
 */
export function printPod(object: Fields, server: ServerVersion | undefined): PrintedPod {
  const rules = rulesOf(server);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const initContainers = list(spec['initContainers']);
  const init = printInit(initContainers, list(status['initContainerStatuses']));
  const total = list(spec['containers']).length + init.sidecars;
  const base = baseReason(status);
  const overInit = init.reason === undefined || hasTrueCondition(status, 'Initialized');
  const main = overInit ? printMain(status, init.reason ?? base, rules) : undefined;
  return {
    status: deleted(object, status, rules) ?? main?.reason ?? init.reason ?? base,
    ready: init.ready + (main?.ready ?? 0),
    total,
    restarts: main === undefined ? init.restarts : init.sidecarRestarts + main.restarts,
    lastRestartAt:
      main === undefined ? init.lastRestartAt : later(init.lastSidecarRestartAt, main.lastRestartAt),
  };
}

function baseReason(status: Fields): string {
  let reason = shared(status['reason']) || shared(status['phase']);
  for (const raw of list(status['conditions'])) {
    const condition = record(raw);
    if (condition['type'] === 'PodScheduled' && condition['reason'] === 'SchedulingGated') {
      reason = 'SchedulingGated';
    }
  }
  return reason;
}

interface PrintedInit {
  /** Set where an init container has not finished: it decides the status. */
  readonly reason: string | undefined;
  readonly ready: number;
  readonly sidecars: number;
  readonly restarts: number;
  readonly sidecarRestarts: number;
  readonly lastRestartAt: number | undefined;
  readonly lastSidecarRestartAt: number | undefined;
}

const noInit: PrintedInit = {
  reason: undefined,
  ready: 0,
  sidecars: 0,
  restarts: 0,
  sidecarRestarts: 0,
  lastRestartAt: undefined,
  lastSidecarRestartAt: undefined,
};

function printInit(containers: readonly unknown[], statuses: readonly unknown[]): PrintedInit {
  if (containers.length === 0 && statuses.length === 0) return noInit;
  const sidecars = new Set<unknown>();
  for (const raw of containers) if (isSidecar(record(raw))) sidecars.add(record(raw)['name']);
  let reason: string | undefined;
  let ready = 0;
  let restarts = 0;
  let sidecarRestarts = 0;
  let lastRestartAt: number | undefined;
  let lastSidecarRestartAt: number | undefined;
  for (let index = 0; index < statuses.length; index += 1) {
    const seen = record(statuses[index]);
    const isRestartable = sidecars.has(seen['name']);
    restarts += count(seen['restartCount']);
    lastRestartAt = later(lastRestartAt, lastFinish(seen));
    if (isRestartable) {
      sidecarRestarts += count(seen['restartCount']);
      lastSidecarRestartAt = later(lastSidecarRestartAt, lastFinish(seen));
    }
    const state = record(seen['state']);
    if (isRecord(state['terminated']) && count(state['terminated']['exitCode']) === 0) continue;
    if (isRestartable && seen['started'] === true) {
      if (seen['ready'] === true) ready += 1;
      continue;
    }
    reason = initReason(state, index, containers.length);
    break;
  }
  return {
    reason,
    ready,
    sidecars: sidecars.size,
    restarts,
    sidecarRestarts,
    lastRestartAt,
    lastSidecarRestartAt,
  };
}

/** `length` counts sidecars too, as Go's does. */
function initReason(state: Fields, index: number, length: number): string {
  const { terminated, waiting } = state;
  if (isRecord(terminated)) return `Init:${terminatedReason(terminated)}`;
  const reason = isRecord(waiting) ? text(waiting['reason']) : '';
  if (reason !== '' && reason !== 'PodInitializing') return `Init:${reason}`;
  return `Init:${index}/${length}`;
}

interface PrintedMain {
  readonly reason: string;
  readonly ready: number;
  readonly restarts: number;
  readonly lastRestartAt: number | undefined;
}

function printMain(status: Fields, before: string, rules: Rules): PrintedMain {
  let reason = before;
  let errorReason = '';
  let hasRunning = false;
  let ready = 0;
  let restarts = 0;
  let lastRestartAt: number | undefined;
  const statuses = list(status['containerStatuses']);
  // From the last to the first: the first container has the last word.
  for (let index = statuses.length - 1; index >= 0; index -= 1) {
    const seen = record(statuses[index]);
    const { waiting, terminated, running } = record(seen['state']);
    restarts += count(seen['restartCount']);
    lastRestartAt = later(lastRestartAt, lastFinish(seen));
    const waitingFor = isRecord(waiting) ? shared(waiting['reason']) : '';
    if (waitingFor !== '') reason = waitingFor;
    else if (isRecord(terminated)) {
      reason = terminatedReason(terminated);
      if (rules.errorReason && count(terminated['exitCode']) !== 0) errorReason = reason;
    } else if (seen['ready'] === true && isRecord(running)) {
      hasRunning = true;
      ready += 1;
    }
  }
  if (reason === 'Completed') reason = completed(status, hasRunning, errorReason);
  return { reason, ready, restarts, lastRestartAt };
}

/** One finished container must not hide the others. */
function completed(status: Fields, hasRunning: boolean, errorReason: string): string {
  if (hasRunning && hasTrueCondition(status, 'Ready')) return 'Running';
  if (errorReason !== '') return errorReason;
  return hasRunning ? 'NotReady' : 'Completed';
}

function deleted(object: Fields, status: Fields, rules: Rules): string | undefined {
  const at = record(object['metadata'])['deletionTimestamp'];
  if (at === undefined || at === null || at === '') return undefined;
  if (status['reason'] === 'NodeLost') return 'Unknown';
  const finished = status['phase'] === 'Failed' || status['phase'] === 'Succeeded';
  return rules.finishedIsNotTerminating && finished ? undefined : 'Terminating';
}

/** Go compares the absent signal with 0, so absent means none. */
function terminatedReason(terminated: Fields): string {
  const reason = shared(terminated['reason']);
  if (reason !== '') return reason;
  const signal = count(terminated['signal']);
  return signal === 0 ? `ExitCode:${count(terminated['exitCode'])}` : `Signal:${signal}`;
}

const lastFinish = (seen: Fields): number | undefined =>
  time(record(record(seen['lastState'])['terminated'])['finishedAt']);

function later(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b;
  return b === undefined || a > b ? a : b;
}

function hasTrueCondition(status: Fields, type: string): boolean {
  return list(status['conditions']).some((raw) => {
    const condition = record(raw);
    return condition['type'] === type && condition['status'] === 'True';
  });
}
