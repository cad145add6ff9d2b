import type { Row } from '../resources/resource.ts';

/** Where a workload stands (gpu.md 9.5), the sickest first. */
export const workloadStates = [
  'Failed',
  'HalfPending',
  'Failing',
  'Stalled',
  'Straggler',
  'Degraded',
  'Pending',
  'Queued',
  'Gated',
  'Starting',
  'Running',
  'Done',
] as const;

export type WorkloadState = (typeof workloadStates)[number];

/** Units by class: the resource's full name, or the DRA driver or device class. */
export type Units = Readonly<Record<string, number>>;

/** A gang of which some pods hold devices and wait for the others (gpu.md 5.12). */
export interface HalfGang {
  /** When the first of the pods that run was placed, epoch ms: from then on their devices wait. */
  readonly sinceMs: number;
  /** Units that the placed pods hold. */
  readonly held: number;
  /** Units that the missing pods want. */
  readonly missing: Units;
  readonly missingPods: number;
  /** Other half-pending workloads that hold what this one waits for, while it holds what they wait for. */
  readonly deadlock: readonly string[];
}

/** Place in the queue of those that wait, counted from 0 as Kueue does. */
export interface QueuePlace {
  /** The ClusterQueue, or Volcano's or KAI's queue. */
  readonly queue: string;
  readonly position: number;
  /** How many wait there in all. */
  readonly waiting: number;
  /** A ClusterQueue's. */
  readonly isKueue: boolean;
  /** Kueue itself told it; else it is by priority, then age. */
  readonly isTold: boolean;
}

/** Pods that are one job, one server, or alone. `name` is the job's. */
export interface WorkloadRow extends Row {
  readonly kind: string;
  /** API group of its kind; `''` for bare pods and groups known by a label only. */
  readonly group: string;
  readonly queue: string;
  readonly queuePlace: QueuePlace | undefined;
  readonly priority: number | undefined;
  readonly state: WorkloadState;
  /** One clause; never empty. */
  readonly why: string;
  /** Bound to a node and not finished. */
  readonly podsRunning: number;
  /** Of these, ready. */
  readonly podsReady: number;
  /** Without a node. */
  readonly podsPending: number;
  /** All that it wants at once; undefined where neither its object nor its pods say. */
  readonly podsWanted: number | undefined;
  readonly held: Units;
  /** Undefined where its object has no template that says. */
  readonly wanted: Units | undefined;
  readonly gpusHeld: number;
  readonly gpusWanted: number | undefined;
  /** Short model names of the nodes it runs on, or that it asks for; `''` where nothing says. */
  readonly model: string;
  /** `gpu-a100-[01-04]`; `''` while it is nowhere. */
  readonly nodes: string;
  /** Share of time that the devices of its pods work, 0–1, of the slowest pod and of all: undefined where none is measured. */
  readonly busy: { readonly least: number; readonly mean: number } | undefined;
  readonly restarts: number;
  /** 0–1; undefined where its object does not carry it. */
  readonly progress: number | undefined;
  readonly remainingSeconds: number | undefined;
  readonly gang: HalfGang | undefined;
  /** Demand that no pod stands for yet: units by class. */
  readonly unborn: Units;
  /** Since when it is waiting, epoch ms; undefined where it is not. */
  readonly waitingSince: number | undefined;
}

export const sumOf = (units: Units): number => Object.values(units).reduce((sum, one) => sum + one, 0);

/** `8 nvidia.com/gpu`, `2 gpu + 1 mig-1g.10gb`; the domain goes where nobody doubts it. */
export function unitsText(units: Units): string {
  const parts = Object.entries(units).filter(([, count]) => count !== 0);
  return parts.map(([name, count]) => `${count} ${name.replace(/^nvidia\.com\//, '')}`).join(' + ');
}
