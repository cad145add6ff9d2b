import type { ClassDemand } from './pending.ts';
import type { ClassTotals } from './totals.ts';

/** GPUs of the cluster in a few numbers, for a header. */
export interface Summary {
  /** Whole GPUs: exclusive ones, and those that DRA hands out. */
  readonly devices: Share;
  /** MIG slices and shared slots, in their own units: several of them are one device. */
  readonly parts: Share;
  /** Whole devices of other kinds: TPUs, Neuron … */
  readonly others: Share;
  /** The most whole devices that one pod can get now: GPUs. */
  readonly largestBlock: number;
  /** Pods of 1, 2, 4 and 8 whole GPUs that could start now. */
  readonly fit: readonly [number, number, number, number];
  /** Units that wait, whichever way. */
  readonly pending: number;
  /** Of `pending`: held back on purpose (gates, suspended Jobs, queues). */
  readonly gated: number;
}

export interface Share {
  readonly used: number;
  readonly total: number;
  readonly free: number;
  /** Free, on nodes that take pods. */
  readonly schedulable: number;
  /** Free, on nodes that take none: cordoned, NotReady, tainted, full of something else. */
  readonly unusable: number;
  /** Registered and not healthy, and promised but not registered. */
  readonly broken: number;
  /** Requested beyond what is healthy. */
  readonly over: number;
}

/** TPUs, Neuron and the like: accelerators that nobody means by "GPU". */
const otherClasses = /tpu|neuron|qaic|npu|ascend|mlu/i;

/** From a ledger's or `recompute`'s sums. */
export function summaryOf(state: {
  readonly totals: readonly ClassTotals[];
  readonly demand: readonly ClassDemand[];
}): Summary {
  const isOther = ({ className }: ClassTotals): boolean => otherClasses.test(className);
  const whole = state.totals.filter((totals) => !totals.isPart && !isOther(totals));
  const parts = state.totals.filter((totals) => totals.isPart);
  const others = state.totals.filter((totals) => !totals.isPart && isOther(totals));
  const fit: [number, number, number, number] = [0, 0, 0, 0];
  for (const totals of whole)
    for (const [index, pods] of totals.fit.entries()) fit[index] = (fit[index] ?? 0) + pods;
  const sum = (demand: readonly ClassDemand[]): number =>
    demand.reduce((total, { units }) => total + units, 0);
  return {
    devices: shareOf(whole),
    parts: shareOf(parts),
    others: shareOf(others),
    largestBlock: Math.max(0, ...whole.map(({ largestBlock }) => largestBlock)),
    fit,
    pending: sum(state.demand),
    gated: sum(
      state.demand.filter(({ kind }) => kind === 'gated' || kind === 'suspended' || kind === 'queued'),
    ),
  };
}

function shareOf(totals: readonly ClassTotals[]): Share {
  const sum = (of: (totals: ClassTotals) => number): number =>
    totals.reduce((total, one) => total + of(one), 0);
  const free = sum((one) => one.free);
  const schedulable = sum((one) => one.schedulable);
  return {
    used: sum((one) => one.requested),
    total: sum((one) => one.capacity),
    free,
    schedulable,
    unusable: Math.max(0, free - schedulable),
    broken: sum((one) => one.unhealthy + one.missing),
    over: sum((one) => one.over),
  };
}
