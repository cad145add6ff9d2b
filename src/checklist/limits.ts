/** From when on something is worth a word. Rule packs move these, by the state that they belong to. */
export interface Limits {
  readonly stallMinutes: number;
  readonly longPhaseMinutes: number;
  readonly readyGraceMinutes: number;
  readonly restarts: number;
  readonly withinMinutes: number;
  readonly startMinutes: number;
  readonly preemptionMinutes: number;
}

export interface LimitHelp {
  readonly name: keyof Limits;
  /** The state whose `params` it stands under. */
  readonly state: string;
  readonly help: string;
}

export const defaultLimits: Limits = Object.freeze({
  stallMinutes: 10,
  longPhaseMinutes: 60,
  readyGraceMinutes: 5,
  restarts: 3,
  withinMinutes: 60,
  startMinutes: 10,
  preemptionMinutes: 10,
});

export const limitHelp: readonly LimitHelp[] = [
  { name: 'stallMinutes', state: 'J8', help: 'minutes without a line or a step until training is stalled' },
  {
    name: 'longPhaseMinutes',
    state: 'J8',
    help: 'minutes that saving, evaluating, compiling or loading may be silent',
  },
  { name: 'readyGraceMinutes', state: 'J1', help: 'minutes of "not ready" that are a matter of starting up' },
  { name: 'restarts', state: 'H12', help: 'restarts from which on a pod that runs is told' },
  { name: 'withinMinutes', state: 'H12', help: 'minutes for which its last restart is told' },
  {
    name: 'startMinutes',
    state: 'E10',
    help: 'minutes on a node without a container or a word of the kubelet',
  },
  { name: 'preemptionMinutes', state: 'C14', help: 'minutes that the pods it pushes out may take to end' },
];

export const minutes = (count: number): number => count * 60_000;
