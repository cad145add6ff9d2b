import { quantity } from '../resources/fields.ts';
import type { Happening } from './evidence-index.ts';
import { type ContainerFacts, lastEvent, type PastRun, type PodFacts } from './pod-facts.ts';
import { at, text } from './read.ts';

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
  const memory = nodeMemoryEvent(facts, run);
  // Without a limit of its own there is nothing but the node, or the pod's cgroup, to run out of.
  if (run.reason === 'OOMKilled')
    return memory !== undefined && memoryLimit(container) === undefined
      ? by('nodeMemory', memory)
      : by('oom');
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
  if (run.exitCode === 137 && memory !== undefined) return by('nodeMemory', memory);
  const own = ownMemoryEvent(facts, container, run);
  // A launcher whose child the kernel killed ends with a code of its own.
  if (run.exitCode !== 0 && own !== undefined) return by('ownMemory', own);
  const failing =
    run.exitCode === 137 || run.exitCode === 143 ? failingProbe(facts, container, near) : undefined;
  if (failing !== undefined) return by(failing);
  if (run.exitCode === 137) return by('sigkill');
  if (run.exitCode === 143) return by('sigterm');
  if (run.exitCode > 128 && run.exitCode < 160) return by('signal');
  return by('itself');
}

/** A probe of this container that failed on and on until its run ended: the event of the kill itself is gone. */
function failingProbe(
  facts: PodFacts,
  container: ContainerFacts,
  near: (event: Happening) => boolean,
): 'liveness' | 'startup' | undefined {
  const events = facts.events.filter(
    (event) =>
      (event.container === container.name ||
        (event.container === '' && facts.containers.filter(({ spec }) => probed(spec)).length === 1)) &&
      event.count >= 3 &&
      near(event),
  );
  const fails = (word: 'Liveness' | 'Startup'): boolean =>
    lastEvent(events, ['Unhealthy'], new RegExp(`^${word} probe`)) !== undefined;
  if (at(container.spec, 'startupProbe') !== undefined && fails('Startup')) return 'startup';
  return at(container.spec, 'livenessProbe') !== undefined && fails('Liveness') ? 'liveness' : undefined;
}

const probed = (spec: unknown): boolean =>
  at(spec, 'livenessProbe') !== undefined || at(spec, 'startupProbe') !== undefined;

/** The memory limit in bytes; undefined where none is set or none is known. */
const memoryLimit = (container: ContainerFacts): number | undefined =>
  quantity(text(container.status, 'resources', 'limits', 'memory')) ??
  quantity(text(container.spec, 'resources', 'limits', 'memory'));

const cgroupKill = /Memory cgroup out of memory/i;

/** The kernel killed something on the node for want of memory when this run ended; the kubelet's SystemOOM is always that. */
const nodeMemoryEvent = (facts: PodFacts, run: PastRun): Happening | undefined =>
  facts.index
    .nodeEvents(facts.node)
    .findLast(
      (event) =>
        /^(?:SystemOOM|OOMKilling)$/.test(event.reason) &&
        !cgroupKill.test(event.message) &&
        (run.finishedAt === undefined ||
          event.last === undefined ||
          Math.abs(event.last - run.finishedAt) <= 30_000),
    );

/**
 * node-problem-detector's words for a kill in a cgroup of a container on this node. Whose it was is told by the time and,
 * where it ended with another code than 137, by the size of the victim: a good part of the limit of this container.
 */
function ownMemoryEvent(facts: PodFacts, container: ContainerFacts, run: PastRun): Happening | undefined {
  const limit = memoryLimit(container);
  return facts.index.nodeEvents(facts.node).findLast((event) => {
    if (event.reason !== 'OOMKilling' || !cgroupKill.test(event.message)) return false;
    if (run.exitCode === 137)
      return (
        run.finishedAt === undefined ||
        event.last === undefined ||
        Math.abs(event.last - run.finishedAt) <= 30_000
      );
    const kilobytes = /anon-rss:(\d+)kB/.exec(event.message)?.[1];
    return (
      run.finishedAt !== undefined &&
      event.last !== undefined &&
      event.last <= run.finishedAt + slackMs &&
      event.last >= run.finishedAt - 60_000 &&
      limit !== undefined &&
      kilobytes !== undefined &&
      Number(kilobytes) * 1024 >= limit / 4 &&
      Number(kilobytes) * 1024 <= limit * 1.1
    );
  });
}
