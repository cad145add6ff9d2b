import type { Happening } from './evidence-index.ts';
import { type ContainerFacts, lastEvent, type PastRun, type PodFacts } from './pod-facts.ts';
import { at } from './read.ts';

type Killer =
  | 'liveness'
  | 'startup'
  | 'postStart'
  | 'resize'
  | 'oom'
  | 'statusLost'
  | 'eviction'
  | 'deletion'
  | 'nodeMemory'
  | 'ownMemory'
  | 'sigkill'
  | 'sigterm'
  | 'runtimeLost'
  | 'startError'
  | 'signal'
  | 'itself';

export interface Ending {
  readonly by: Killer;
  readonly run: PastRun;
  /** The event that proves it. */
  readonly event: Happening | undefined;
}

/** A probe's kill is announced up to a grace period before the end of the run. */
const graceMs = 95_000;
const slackMs = 10_000;

/** Who ended the last run of a container: the deterministic order of checklist.md 3.5.0 with 3.12, 1. */
export function killer(facts: PodFacts, container: ContainerFacts): Ending | undefined {
  const run = container.ended ?? container.last;
  if (run === undefined) return undefined;
  const { finishedAt } = run;
  const near = (event: Happening): boolean =>
    finishedAt === undefined ||
    event.last === undefined ||
    (event.count > 1
      ? event.last >= finishedAt - 20 * 60_000
      : event.last >= finishedAt - graceMs && event.last <= finishedAt + slackMs);
  const killed = (pattern: RegExp): Happening | undefined => {
    const found = lastEvent(
      facts.events.filter((event) => event.container === container.name || event.container === ''),
      ['Killing'],
      pattern,
    )?.event;
    return found !== undefined &&
      near(found) &&
      (found.container !== '' || found.message.includes(container.name))
      ? found
      : undefined;
  };
  const by = (kind: Killer, event?: Happening): Ending => ({ by: kind, run, event });

  // A program that handles SIGTERM ends with any code, 0 too: the event of the kill decides, not the code.
  if (!/^(?:StartError|ContainerCannotRun|RunContainerError|ContainerStatusUnknown)$/.test(run.reason)) {
    const liveness = killed(/failed liveness probe/);
    // A program that swallows memory while it is stopped is called OOMKilled with exit 143; a real OOM ends with 137.
    if (liveness !== undefined && (run.reason !== 'OOMKilled' || run.exitCode === 143))
      return by('liveness', liveness);
    const unwell = lastEvent(facts.events, ['Unhealthy'], /^Liveness probe/)?.event;
    if (
      run.reason === 'OOMKilled' &&
      run.exitCode === 143 &&
      (unwell !== undefined || at(container.spec, 'livenessProbe') !== undefined)
    )
      return by('liveness', unwell);
    const startup = killed(/failed startup probe/);
    if (startup !== undefined && run.reason !== 'OOMKilled') return by('startup', startup);
    const hook = lastEvent(facts.events, ['Killing', 'FailedPostStartHook'], /PostStartHook/)?.event;
    if (hook !== undefined && (hook.container === '' || hook.container === container.name) && near(hook))
      return by('postStart', hook);
  }
  if (run.reason === 'OOMKilled') return by('oom');
  if (run.reason === 'ContainerStatusUnknown') return by('statusLost');
  if (
    run.reason === 'StartError' ||
    run.reason === 'ContainerCannotRun' ||
    run.reason === 'RunContainerError'
  )
    return by('startError');
  if (run.exitCode === 255 && run.reason === 'Unknown') return by('runtimeLost');
  if (facts.reason === 'Evicted' || facts.conditions.get('DisruptionTarget')?.status === 'True')
    return by('eviction');
  if (
    facts.deletedAt !== undefined &&
    finishedAt !== undefined &&
    facts.deletedAt - 3_600_000 * 6 <= finishedAt
  )
    return by('deletion');
  const changed = killed(/definition changed|resize|RestartAllContainers/i);
  if (changed !== undefined) return by('resize', changed);
  if (run.exitCode === 137) {
    const memory = facts.index
      .nodeEvents(facts.node)
      .findLast(
        (event) =>
          /^(?:SystemOOM|OOMKilling)$/.test(event.reason) &&
          !/Memory cgroup out of memory/i.test(event.message) &&
          (finishedAt === undefined ||
            event.last === undefined ||
            Math.abs(event.last - finishedAt) <= 30_000),
      );
    if (memory !== undefined) return by('nodeMemory', memory);
    // node-problem-detector's words for a kill in the container's own cgroup.
    const own = facts.index
      .nodeEvents(facts.node)
      .findLast(
        (event) =>
          event.reason === 'OOMKilling' &&
          /Memory cgroup out of memory/i.test(event.message) &&
          (finishedAt === undefined ||
            event.last === undefined ||
            Math.abs(event.last - finishedAt) <= 30_000),
      );
    return own === undefined ? by('sigkill') : by('ownMemory', own);
  }
  if (run.exitCode === 143) return by('sigterm');
  if (run.exitCode > 128 && run.exitCode < 160) return by('signal');
  return by('itself');
}
