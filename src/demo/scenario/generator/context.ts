import type { Store } from '../../store.ts';

export interface Context {
  readonly store: Store;
  readonly random: () => number;
  readonly startMs: number;
  readonly seed: number;
  /** The scheduler's words to pods without a node: the same for all of them. */
  refusal: string | undefined;
  /** Names taken: the suffixes of generated names are few enough to meet among 100,000 pods. */
  readonly names: Set<string>;
  /** GPUs that generated pods may still take. */
  freeGpus: number;
  events: number;
  /** Where the next whole node, and the next part of one, is looked for. */
  readonly cursors: { whole: number; small: number };
}

/** A node as far as the generator keeps books about it. */
export interface Machine {
  readonly name: string;
  readonly gpus: number;
  free: number;
  room: number;
  nextIp: number;
}

export const podsPerNode = 110;

export type Fate =
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'pending'
  | 'crashLoop'
  | 'pullBackOff'
  | 'notReady'
  | 'creating'
  | 'terminating';

export interface Counts {
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
}
