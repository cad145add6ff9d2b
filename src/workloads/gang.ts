import type { PodsSummary } from './pods-summary.ts';
import { type HalfGang, sumOf, type Units } from './workload-row.ts';

/** Half of a gang may be on its way for this long: schedulers bind the pods of a job one after the other. */
const gangPatienceMs = 60_000;

export interface GangFacts {
  readonly summary: PodsSummary;
  /** Pods that must run together; undefined where that is not known. */
  readonly wanted: number | undefined;
  /** Pods of a replica, where several gangs are one server (LeaderWorkerSet). */
  readonly groupSize: number | undefined;
  /** What one of its pods wants, for those that were never made. */
  readonly each: Units;
  readonly now: number;
}

/**
 * A gang of which some pods are placed and others are not: the placed ones hold their devices and wait in rendezvous.
 * Undefined where it is whole, or has not begun. `dueAt` is when it will have lasted long enough to be said.
 */
export function halfGang({
  summary,
  wanted,
  groupSize,
  each,
  now,
}: GangFacts): { readonly gang: HalfGang; readonly dueAt: number } | undefined {
  const { running, pending, succeeded, firstPlacedAt } = summary;
  if (running === 0 || firstPlacedAt === undefined) return undefined;
  const short = groupSize === undefined ? missingOf() : missingOfGroups(groupSize);
  if (short.pods <= 0) return undefined;
  const born: Units = groupSize === undefined || pending > 0 ? summary.asked : {};
  const unborn = Math.max(0, short.pods - pending);
  const missing: Record<string, number> = { ...born };
  for (const [name, units] of Object.entries(each)) missing[name] = (missing[name] ?? 0) + units * unborn;
  // Of a gang that was whole, the half-hour it ran well was not wasted: the wait began with the pod that waits.
  const since = Math.max(firstPlacedAt, Math.min(summary.firstPendingAt ?? firstPlacedAt, now));
  return {
    gang: { sinceMs: since, held: short.held, missing, missingPods: short.pods, deadlock: [] },
    dueAt: since + gangPatienceMs,
  };

  function missingOf(): { readonly pods: number; readonly held: number } {
    const held = Object.values(summary.held).reduce((sum, units) => sum + units, 0);
    return { pods: Math.max(pending, (wanted ?? 0) - running - succeeded), held };
  }

  /** Only replicas that have begun: a server of whole and absent replicas is smaller, not stuck. */
  function missingOfGroups(size: number): { readonly pods: number; readonly held: number } {
    let pods = 0;
    let held = 0;
    for (const part of summary.parts.values()) {
      if (part.placed === 0 || part.placed >= size) continue;
      pods += size - part.placed;
      held += part.held;
    }
    return { pods, held };
  }
}

export interface Stuck {
  readonly key: string;
  readonly name: string;
  readonly missing: Units;
  readonly held: Units;
  /** True where its missing pods could run on one of these nodes. */
  readonly couldUse: (nodes: ReadonlySet<string>) => boolean;
  readonly nodes: ReadonlySet<string>;
}

// Among more than these the answer is that the cluster is full; each is compared with the others.
const stuckAtMost = 200;

/**
 * Half-pending workloads that wait for each other: what each lacks, the others hold on nodes that it could use. By key,
 * the names of the others, as few as are enough. Among very many, only those that hold most are looked at.
 */
export function deadlocks(stuck: readonly Stuck[]): ReadonlyMap<string, readonly string[]> {
  const largest = stuck
    .toSorted((a, b) => sumOf(b.held) - sumOf(a.held) || (a.key < b.key ? -1 : 1))
    .slice(0, stuckAtMost);
  const found = new Map<string, readonly Stuck[]>();
  for (const one of largest) {
    const holders = holdersFor(one, largest);
    if (holders !== undefined) found.set(one.key, holders);
  }
  // It takes two: a holder that waits for something else will not be freed by this one, but is no knot either.
  return new Map(
    [...found]
      .filter(([, holders]) => holders.some(({ key }) => found.has(key)))
      .map(([key, holders]) => [key, holders.map(({ name }) => name).sort()]),
  );
}

/** The largest holders of what one lacks, until they are enough; undefined where all together are not. */
function holdersFor(asker: Stuck, stuck: readonly Stuck[]): readonly Stuck[] | undefined {
  const left = new Map(Object.entries(asker.missing).filter(([, units]) => units > 0));
  const holders: Stuck[] = [];
  if (left.size === 0) return undefined;
  for (const other of stuck) {
    const gives = [...left.keys()].filter((name) => (other.held[name] ?? 0) > 0);
    if (other === asker || gives.length === 0 || !asker.couldUse(other.nodes)) continue;
    holders.push(other);
    for (const name of gives) {
      const units = (left.get(name) ?? 0) - (other.held[name] ?? 0);
      if (units > 0) left.set(name, units);
      else left.delete(name);
    }
    if (left.size === 0) return holders;
  }
  return undefined;
}
