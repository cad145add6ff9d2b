import type { PodRow } from '../../resources/pod-row.ts';
import type { Account, Ledger } from '../ledger.ts';

export type Plugin =
  | 'SchedulingGates'
  | 'NodeUnschedulable'
  | 'NodeName'
  | 'TaintToleration'
  | 'NodeAffinity'
  | 'NodePorts'
  | 'NodeResourcesFit'
  | 'VolumeRestrictions'
  | 'NodeVolumeLimits'
  | 'VolumeBinding'
  | 'VolumeZone'
  | 'PodTopologySpread'
  | 'InterPodAffinity'
  | 'DynamicResources';

/** One reason why a node does not do. */
export interface Blocker {
  readonly plugin: Plugin;
  /** The scheduler's own words, as v1.36 writes them. */
  readonly reason: string;
  /** For people: which taint, which label, how much is missing. */
  readonly detail: string;
  /** True where evicting pods from the node cannot help (the scheduler's UnschedulableAndUnresolvable). */
  readonly final: boolean;
  /** For an amount that is short: what, and by how much, in the units of `Requests`. */
  readonly short?: { readonly resource: string; readonly missing: number };
}

/** A filter cannot tell, for example because a kind may not be listed. */
export interface Doubt {
  readonly doubt: string;
}

export type Verdict = readonly Blocker[] | Doubt;

export const passes: readonly Blocker[] = [];

/** A pod, asked of a cluster. */
export interface Question {
  readonly ledger: Ledger;
  readonly pod: PodRow;
}

/** What a filter has worked out before it looks at a node. */
export type Prepared =
  /** The filter has nothing to say about this pod. */
  | undefined
  /** No node will do, whatever it is like. `early`: the pod does not even enter the queue, and no message says why. */
  | { readonly rejects: string; readonly detail?: string; readonly early?: boolean }
  | Doubt
  | {
      /** Nodes that are looked at at all. Default: all. */
      readonly only?: ReadonlySet<string>;
      readonly check: (account: Account) => Verdict;
    };

export interface Filter {
  readonly plugin: Plugin;
  readonly prepare: (question: Question) => Prepared;
}

/** Makes the blockers of one plugin. */
export const blockerOf =
  (plugin: Plugin): ((reason: string, detail: string, final: boolean, short?: Blocker['short']) => Blocker) =>
  (reason, detail, final, short) =>
    short === undefined ? { plugin, reason, detail, final } : { plugin, reason, detail, final, short };
