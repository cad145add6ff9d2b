import type { DeviceUse } from './device-use.ts';
import { xidOf } from './xid.ts';

/** Below this share of time a GPU does nothing (gpu.md 4.1). */
export const idleBelow = 0.01;

/** Tensor cores below this, on a GPU that is busy: it spins, it does not compute. */
const tensorIdleBelow = 0.01;
const spinningFrom = 0.5;

/** A pod needs that long to load before idling says anything. */
export const idleAfterMs: number = 15 * 60_000;

/** Two readings further apart than this prove nothing about the time between them. */
const gapAtMostMs = 5 * 60_000;

/** What readings so far say of one device being held and doing nothing. */
export interface IdleTrail {
  /** First of the readings without a break in which it idled; undefined: it did not in the last one. */
  readonly sinceMs: number | undefined;
  readonly lastMs: number;
  /** Who had it: another holder begins anew. */
  readonly holders: string;
}

/** Its last Xid says that it is out: what it does not do is no choice of its holder. */
export const isDead = ({ xid }: DeviceUse): boolean =>
  xid !== undefined && xid > 0 && xidOf(xid).severity === 'bad';

/** Adds a reading. A device that nobody holds, or whose use is not measured, is not idle but free or unknown; a dead one is dead. */
export function followIdle(
  before: IdleTrail | undefined,
  device: DeviceUse,
  atMs: number,
  /** Of a source that remembers: idle for at least so long already, in these hands. */
  knownMs = 0,
): IdleTrail {
  const holders = device.holders.map(({ namespace, pod }) => `${namespace}/${pod}`).join(' ');
  const isIdle =
    device.busy !== undefined && device.busy < idleBelow && device.holders.length > 0 && !isDead(device);
  if (!isIdle) return { sinceMs: undefined, lastMs: atMs, holders };
  const isUnbroken =
    before?.sinceMs !== undefined && before.holders === holders && atMs - before.lastMs <= gapAtMostMs;
  return { sinceMs: Math.min(isUnbroken ? before.sinceMs : atMs, atMs - knownMs), lastMs: atMs, holders };
}

/** How long it was seen idle, in ms: from the first reading to the last, not to now. 0 for one reading; undefined: it is not. */
export const idleForMs = (trail: IdleTrail | undefined): number | undefined =>
  trail?.sinceMs === undefined ? undefined : trail.lastMs - trail.sinceMs;

/** Busy without mathematics: a hung collective, or starved of data. Needs the profiling metrics. */
export const isSpinning = ({ busy, tensor, holders }: DeviceUse): boolean =>
  holders.length > 0 &&
  busy !== undefined &&
  busy >= spinningFrom &&
  tensor !== undefined &&
  tensor < tensorIdleBelow;
