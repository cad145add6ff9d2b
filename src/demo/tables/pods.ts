import type { JsonRecord } from '../object.ts';
import { ageAt, humanDuration, timeAt } from './duration.ts';
import { countAt, flagAt, listAt, type PrintContext, type Printer, recordAt, textAt } from './read.ts';

/** Port of `printPod` (pkg/printers/internalversion) as of 1.36, with what older servers did differently. */
export const printPod: Printer = (pod, context) => {
  const summary = summarise(pod, context);
  const { restarts, lastRestart } = summary;
  const restartsText =
    restarts !== 0 && lastRestart !== undefined
      ? `${restarts} (${humanDuration(context.now - lastRestart)} ago)`
      : String(restarts);
  const ip = textAt(listAt(pod, 'status.podIPs')[0], 'ip') || textAt(pod, 'status.podIP');
  return [
    textAt(pod, 'metadata.name'),
    `${summary.ready}/${summary.total}`,
    summary.reason,
    restartsText,
    ageAt(pod, 'metadata.creationTimestamp', context.now),
    ip || '<none>',
    textAt(pod, 'spec.nodeName') || '<none>',
    textAt(pod, 'status.nominatedNodeName') || '<none>',
    readinessGates(pod),
  ];
};

/** The row's own condition: kubectl greys out finished pods by it. */
export function podRowConditions(pod: JsonRecord): readonly JsonRecord[] | undefined {
  switch (textAt(pod, 'status.phase')) {
    case 'Succeeded':
      return [
        {
          type: 'Completed',
          status: 'True',
          reason: 'Succeeded',
          message: 'The pod has completed successfully.',
        },
      ];
    case 'Failed':
      return [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }];
    default:
      return undefined;
  }
}

interface Summary {
  ready: number;
  total: number;
  restarts: number;
  lastRestart: number | undefined;
  reason: string;
}

function summarise(pod: JsonRecord, context: PrintContext): Summary {
  const { major, minor } = context.serverVersion;
  const atLeast = (wanted: number): boolean => major > 1 || minor >= wanted;
  const summary: Summary = {
    ready: 0,
    total: listAt(pod, 'spec.containers').length,
    restarts: 0,
    lastRestart: undefined,
    reason: textAt(pod, 'status.reason') || textAt(pod, 'status.phase'),
  };
  if (listAt(pod, 'status.conditions').some(isGated)) summary.reason = 'SchedulingGated';
  const sidecars = countInits(pod, summary);
  if (!sidecars.initializing || conditionTrue(pod, 'Initialized')) {
    summary.restarts = sidecars.restarts;
    summary.lastRestart = sidecars.lastRestart;
    countContainers(pod, summary, atLeast(35));
  }
  if (textAt(pod, 'metadata.deletionTimestamp') !== '') {
    const ended = ['Failed', 'Succeeded'].includes(textAt(pod, 'status.phase'));
    if (textAt(pod, 'status.reason') === 'NodeLost') summary.reason = 'Unknown';
    else if (!(atLeast(31) && ended)) summary.reason = 'Terminating';
  }
  return summary;
}

interface Sidecars {
  initializing: boolean;
  restarts: number;
  lastRestart: number | undefined;
}

/** The first init container that has not finished decides the reason. */
function countInits(pod: JsonRecord, summary: Summary): Sidecars {
  const inits = listAt(pod, 'spec.initContainers');
  const restartable = new Set(
    inits.filter((init) => textAt(init, 'restartPolicy') === 'Always').map((init) => textAt(init, 'name')),
  );
  const sidecars: Sidecars = { initializing: false, restarts: 0, lastRestart: undefined };
  summary.total += restartable.size;
  for (const [index, status] of listAt(pod, 'status.initContainerStatuses').entries()) {
    const isSidecar = restartable.has(textAt(status, 'name'));
    const restarts = countAt(status, 'restartCount');
    const ended = timeAt(status, 'lastState.terminated.finishedAt');
    summary.restarts += restarts;
    summary.lastRestart = later(summary.lastRestart, ended);
    if (isSidecar) {
      sidecars.restarts += restarts;
      sidecars.lastRestart = later(sidecars.lastRestart, ended);
    }
    const terminated = recordAt(status, 'state')['terminated'];
    if (terminated !== undefined && countAt(terminated, 'exitCode') === 0) continue;
    if (isSidecar && flagAt(status, 'started')) {
      if (flagAt(status, 'ready')) summary.ready++;
      continue;
    }
    summary.reason = initReason(status, `Init:${index}/${inits.length}`);
    sidecars.initializing = true;
    break;
  }
  return sidecars;
}

function initReason(status: JsonRecord, progress: string): string {
  const terminated = recordAt(status, 'state')['terminated'];
  if (terminated !== undefined) return `Init:${exitText(terminated)}`;
  const waiting = textAt(status, 'state.waiting.reason');
  return waiting !== '' && waiting !== 'PodInitializing' ? `Init:${waiting}` : progress;
}

function countContainers(pod: JsonRecord, summary: Summary, errorWins: boolean): void {
  let hasRunning = false;
  let errorReason = '';
  // Last to first: the first container has the last word.
  for (const status of listAt(pod, 'status.containerStatuses').toReversed()) {
    summary.restarts += countAt(status, 'restartCount');
    summary.lastRestart = later(summary.lastRestart, timeAt(status, 'lastState.terminated.finishedAt'));
    const waiting = textAt(status, 'state.waiting.reason');
    const state = recordAt(status, 'state');
    if (waiting !== '') summary.reason = waiting;
    else if (state['terminated'] !== undefined) {
      summary.reason = exitText(state['terminated']);
      if (countAt(state['terminated'], 'exitCode') !== 0) errorReason = summary.reason;
    } else if (flagAt(status, 'ready') && state['running'] !== undefined) {
      hasRunning = true;
      summary.ready++;
    }
  }
  if (summary.reason !== 'Completed') return;
  if (hasRunning && conditionTrue(pod, 'Ready')) summary.reason = 'Running';
  else if (errorWins && errorReason !== '') summary.reason = errorReason;
  else if (hasRunning) summary.reason = 'NotReady';
}

function exitText(terminated: unknown): string {
  const reason = textAt(terminated, 'reason');
  if (reason !== '') return reason;
  const signal = countAt(terminated, 'signal');
  return signal === 0 ? `ExitCode:${countAt(terminated, 'exitCode')}` : `Signal:${signal}`;
}

function readinessGates(pod: JsonRecord): string {
  const gates = listAt(pod, 'spec.readinessGates');
  if (gates.length === 0) return '<none>';
  const open = gates.filter((gate) => conditionTrue(pod, textAt(gate, 'conditionType')));
  return `${open.length}/${gates.length}`;
}

const isGated = (condition: JsonRecord): boolean =>
  condition['type'] === 'PodScheduled' && condition['reason'] === 'SchedulingGated';

const conditionTrue = (pod: JsonRecord, type: string): boolean =>
  listAt(pod, 'status.conditions').some(
    (condition) => condition['type'] === type && condition['status'] === 'True',
  );

const later = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b);
