import { count, type Fields, isRecord, list, number, record, shared, text, time } from './fields.ts';
import { intern } from './intern.ts';
import type { ContainerSpec, ContainerTrouble } from './pod-row.ts';

/** Waiting for these is how every pod starts. */
const normalWaits: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);

/** Higher is worse; 0 is no trouble. */
type Severity = 0 | 1 | 2 | 3 | 4;

/**
 * The container that decides what is wrong with a pod: the first of the worst. Waiting for a reason is worse than
 * ended badly, that is worse than running but not ready after a crash, that is worse than running since a crash.
 * Whether an old crash still matters depends on the clock, so the reader judges it by `last.finishedAt`.
 */
export function troubleOf(
  status: Fields,
  containers: readonly ContainerSpec[],
): ContainerTrouble | undefined {
  let worst: Fields | undefined;
  let severity: Severity = 0;
  for (const field of ['initContainerStatuses', 'containerStatuses']) {
    for (const raw of list(status[field])) {
      const seen = record(raw);
      const own = severityOf(seen);
      if (own <= severity) continue;
      severity = own;
      worst = seen;
    }
  }
  if (worst === undefined) return undefined;
  return describe(worst, containers);
}

function severityOf(seen: Fields): Severity {
  const { waiting, terminated, running } = record(seen['state']);
  if (isRecord(waiting)) {
    if (!normalWaits.has(text(waiting['reason']))) return 4;
    return crashed(record(seen['lastState'])['terminated']) ? 3 : 0;
  }
  if (isRecord(terminated)) return crashed(terminated) ? 3 : 0;
  if (!isRecord(running)) return 0;
  if (!crashed(record(seen['lastState'])['terminated'])) return 0;
  return seen['ready'] === true ? 1 : 2;
}

/** OOMKilled may come with exit code 0 (kubernetes#131530): then the job looks done and is not. */
const crashed = (terminated: unknown): boolean =>
  isRecord(terminated) && (count(terminated['exitCode']) !== 0 || terminated['reason'] === 'OOMKilled');

function describe(seen: Fields, containers: readonly ContainerSpec[]): ContainerTrouble {
  const state = record(seen['state']);
  const kind = isRecord(state['waiting'])
    ? 'waiting'
    : isRecord(state['terminated'])
      ? 'terminated'
      : 'running';
  const detail = record(state[kind]);
  const ended = record(seen['lastState'])['terminated'];
  const name = shared(seen['name']);
  return {
    container: name,
    kind: containers.find((container) => container.name === name)?.kind ?? 'main',
    state: kind,
    reason: shared(detail['reason']),
    message: intern(text(detail['message']).trim()),
    exitCode: number(detail['exitCode']),
    signal: number(detail['signal']),
    finishedAt: time(detail['finishedAt']),
    restarts: count(seen['restartCount']),
    last: isRecord(ended)
      ? {
          reason: shared(ended['reason']),
          exitCode: count(ended['exitCode']),
          signal: number(ended['signal']),
          finishedAt: time(ended['finishedAt']),
          message: intern(text(ended['message']).trim()),
        }
      : undefined,
  };
}
