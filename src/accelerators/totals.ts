import type { DeviceEntry } from './node-devices.ts';
import { isPart } from './sharing.ts';

/** Sums of one class and model over the cluster. */
export interface ClassTotals {
  readonly className: string;
  /** Undefined where no label says. */
  readonly model: string | undefined;
  /** Units are MIG slices or shared slots, not devices. */
  readonly isPart: boolean;
  readonly nodes: number;
  readonly capacity: number;
  readonly allocatable: number;
  readonly unhealthy: number;
  readonly requested: number;
  /** Sum of what nodes have free; nodes with less than nothing are in `over`. */
  readonly free: number;
  /** Requested beyond what is healthy. */
  readonly over: number;
  /** Free where pods may land. */
  readonly schedulable: number;
  /** Promised by labels and not registered. */
  readonly missing: number;
  readonly orphans: number;
  /** The most that one pod can get. */
  readonly largestBlock: number;
  /** How many pods of 1, 2, 4 and 8 could start now. */
  readonly fit: readonly [number, number, number, number];
}

export const fitSizes: readonly [1, 2, 4, 8] = [1, 2, 4, 8];

/** Sums that change by one entry at a time. */
export interface RunningTotals {
  readonly change: (entry: DeviceEntry, sign: 1 | -1) => void;
  /** Sorted by class and model. */
  readonly read: () => readonly ClassTotals[];
}

interface Sums {
  readonly className: string;
  readonly model: string | undefined;
  readonly isPart: boolean;
  nodes: number;
  capacity: number;
  allocatable: number;
  unhealthy: number;
  requested: number;
  free: number;
  over: number;
  schedulable: number;
  missing: number;
  orphans: number;
  readonly fit: [number, number, number, number];
  /** Nodes by the size of their block. */
  readonly blocks: Map<number, number>;
}

export function createTotals(): RunningTotals {
  const groups = new Map<string, Sums>();
  return {
    change: (entry, sign) => {
      const key = `${entry.className}\0${entry.model ?? ''}\0${isPart(entry.sharing)}`;
      const sums = groups.get(key) ?? emptySums(entry);
      add(sums, entry, sign);
      if (sums.nodes === 0) groups.delete(key);
      else groups.set(key, sums);
    },
    read: () =>
      [...groups]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { blocks, ...sums }]) => ({
          ...sums,
          fit: [...sums.fit],
          largestBlock: Math.max(0, ...blocks.keys()),
        })),
  };
}

const emptySums = ({ className, model, sharing }: DeviceEntry): Sums => ({
  className,
  model,
  isPart: isPart(sharing),
  nodes: 0,
  capacity: 0,
  allocatable: 0,
  unhealthy: 0,
  requested: 0,
  free: 0,
  over: 0,
  schedulable: 0,
  missing: 0,
  orphans: 0,
  fit: [0, 0, 0, 0],
  blocks: new Map(),
});

function add(sums: Sums, entry: DeviceEntry, sign: 1 | -1): void {
  const { free, schedulable } = entry;
  sums.nodes += sign;
  sums.capacity += sign * (entry.capacity ?? 0);
  sums.allocatable += sign * (entry.allocatable ?? 0);
  sums.unhealthy += sign * (entry.unhealthy ?? 0);
  sums.requested += sign * entry.requested;
  sums.free += sign * Math.max(0, free ?? 0);
  sums.over += sign * Math.max(0, -(free ?? 0));
  sums.schedulable += sign * schedulable;
  sums.missing += sign * entry.missing;
  sums.orphans += sign * entry.orphans;
  for (const [index, size] of fitSizes.entries()) {
    sums.fit[index] = (sums.fit[index] ?? 0) + sign * Math.floor(schedulable / size);
  }
  const nodes = (sums.blocks.get(schedulable) ?? 0) + sign;
  if (nodes === 0) sums.blocks.delete(schedulable);
  else sums.blocks.set(schedulable, nodes);
}
