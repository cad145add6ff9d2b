import { configurationStates } from './families/configuration.ts';
import { crashStates, toldStates } from './families/crash.ts';
import { isCreating } from './families/creating/complaint.ts';
import { lateStates, sandboxStates, volumeStates } from './families/creating/index.ts';
import { deletionStates, graceStates, lostStates } from './families/deletion.ts';
import {
  completedService,
  deadline,
  disruptionStates,
  evictionStates,
  oomButDone,
  partlyDone,
  sidecarHolds,
} from './families/ended.ts';
import { imageStates } from './families/image/index.ts';
import { slowPull } from './families/image/slow-pull.ts';
import { initHanging } from './families/init.ts';
import { nodeAdmissionStates } from './families/node-admission.ts';
import { applicationRefused } from './families/queues/batch-schedulers.ts';
import { gateStates, queueStates, schedulerStates } from './families/queues/index.ts';
import { afterChange, flapping, restartRule } from './families/restarts.ts';
import { schedulingStates } from './families/unschedulable/index.ts';
import { overlayStates, readyStates } from './families/unwell/index.ts';
import type { PodFacts } from './pod-facts.ts';
import { isTrue } from './pod-facts.ts';
import type { Match, PodState } from './state.ts';

export interface Stage {
  /** Priority of its first state; the others follow by one each. Rule packs place theirs between them. */
  readonly from: number;
  readonly when: (facts: PodFacts) => boolean;
  readonly states: readonly PodState[];
}

/** A pod that is being deleted for a disruption goes as it should. */
const deliberate = (state: PodState): PodState => ({
  ...state,
  match: (facts) => {
    const match = facts.now <= (facts.deletedAt ?? 0) + 30_000 ? state.match(facts) : undefined;
    return match && { ...match, severity: 'none' };
  },
});

const pending = (facts: PodFacts): boolean => facts.phase === 'Pending' || facts.phase === '';

/**
 * The order of checklist.md 3.0.2: the first stage that applies is asked first, and within it the first state that
 * holds is the pod's. Deletion and the end outrank what went before; what blocks early outranks what comes later.
 */
export const stages: readonly Stage[] = [
  {
    from: 100,
    when: (facts) => facts.deletedAt !== undefined,
    states: [...deletionStates, ...disruptionStates.map(deliberate), ...graceStates],
  },
  {
    from: 200,
    when: (facts) => facts.phase === 'Failed',
    states: [
      applicationRefused,
      ...nodeAdmissionStates,
      deadline,
      ...evictionStates,
      ...disruptionStates,
      ...configurationStates,
      ...crashStates,
    ],
  },
  {
    from: 300,
    when: (facts) => facts.phase === 'Succeeded',
    states: [oomButDone, ...evictionStates, completedService],
  },
  {
    from: 350,
    when: (facts) => facts.phase === 'Unknown' || facts.reason === 'NodeLost',
    states: lostStates,
  },
  {
    from: 400,
    when: (facts) => pending(facts) && facts.node === '',
    states: [...gateStates, ...queueStates, ...schedulingStates, ...schedulerStates],
  },
  {
    from: 500,
    when: (facts) => pending(facts) && !isCreating(facts),
    states: [...imageStates, ...configurationStates, ...crashStates, initHanging],
  },
  {
    from: 550,
    when: isCreating,
    states: [...volumeStates, ...sandboxStates, ...imageStates, slowPull, ...toldStates, ...lateStates],
  },
  {
    from: 600,
    when: (facts) => facts.phase === 'Running',
    states: [
      ...imageStates,
      ...configurationStates,
      sidecarHolds,
      ...crashStates,
      partlyDone,
      ...readyStates,
      restartRule,
      flapping,
    ],
  },
];

/** Every state of a pod, each once: for `rules list`, for documentation and for tests. */
export const podStates: readonly PodState[] = [
  ...new Set([...stages.flatMap((stage) => stage.states), ...overlayStates, afterChange]),
];

export interface Classified {
  readonly state: PodState;
  readonly match: Match;
  /** Where the state stands among those of its stage. */
  readonly priority: number;
}

/** Among the states of its stage; undefined for one that stands in none, as overlays do. */
export function priorityOf(state: Pick<PodState, 'id' | 'key'>): number | undefined {
  for (const { from, states } of stages) {
    const position = states.findIndex(({ id, key }) => id === state.id && key === state.key);
    if (position >= 0) return from + position;
  }
  return undefined;
}

/**
 * The pod's primary state; undefined when nothing is wrong and nothing is worth a word. `order` are the stages as rule
 * packs have changed them.
 */
export function classify(facts: PodFacts, order: readonly Stage[] = stages): Classified | undefined {
  for (const stage of order) {
    if (!stage.when(facts)) continue;
    for (const [position, state] of stage.states.entries()) {
      const match = state.match(facts);
      if (match !== undefined) return { state, match, priority: stage.from + position };
    }
  }
  return undefined;
}

/** Of what is only asked about the subject of a checklist. */
const overlayPriority = 700;

/** What else holds of a pod that lives: asked for the subject of a checklist, not for every row. */
export function overlays(facts: PodFacts, primary: PodState | undefined): readonly Classified[] {
  if (facts.phase !== 'Running' || facts.deletedAt !== undefined) return [];
  const found: Classified[] = [];
  for (const state of isTrue(facts, 'Ready')
    ? [...overlayStates, ...readyStates.slice(0, 1)]
    : [...overlayStates, afterChange]) {
    if (state === primary || found.some((entry) => entry.state.id === state.id)) continue;
    const match = state.match(facts);
    if (match !== undefined) found.push({ state, match, priority: overlayPriority });
  }
  return found;
}
