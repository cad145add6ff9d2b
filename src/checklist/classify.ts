import { configurationStates } from './families/configuration.ts';
import { crashStates, toldStates } from './families/crash.ts';
import { isCreating, lateStates, sandboxStates, volumeStates } from './families/creating.ts';
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
import { imageStates, slowPull } from './families/image.ts';
import { initHanging } from './families/init.ts';
import { nodeAdmissionStates } from './families/node-admission.ts';
import { applicationRefused, gateStates, queueStates, schedulerStates } from './families/queues.ts';
import { afterChange, flapping, restartRule } from './families/restarts.ts';
import { schedulingStates } from './families/unschedulable.ts';
import { overlayStates, readyStates } from './families/unwell.ts';
import type { PodFacts } from './pod-facts.ts';
import { isTrue } from './pod-facts.ts';
import type { Match, PodState } from './state.ts';

interface Stage {
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
const stages: readonly Stage[] = [
  {
    when: (facts) => facts.deletedAt !== undefined,
    states: [...deletionStates, ...disruptionStates.map(deliberate), ...graceStates],
  },
  {
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
  { when: (facts) => facts.phase === 'Succeeded', states: [oomButDone, ...evictionStates, completedService] },
  { when: (facts) => facts.phase === 'Unknown' || facts.reason === 'NodeLost', states: lostStates },
  {
    when: (facts) => pending(facts) && facts.node === '',
    states: [...gateStates, ...queueStates, ...schedulingStates, ...schedulerStates],
  },
  {
    when: (facts) => pending(facts) && !isCreating(facts),
    states: [...imageStates, ...configurationStates, ...crashStates, initHanging],
  },
  {
    when: isCreating,
    states: [...volumeStates, ...sandboxStates, ...imageStates, slowPull, ...toldStates, ...lateStates],
  },
  {
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
}

/** The pod's primary state; undefined when nothing is wrong and nothing is worth a word. */
export function classify(facts: PodFacts): Classified | undefined {
  for (const stage of stages) {
    if (!stage.when(facts)) continue;
    for (const state of stage.states) {
      const match = state.match(facts);
      if (match !== undefined) return { state, match };
    }
  }
  return undefined;
}

/** What else holds of a pod that lives: asked for the subject of a checklist, not for every row. */
export function overlays(facts: PodFacts, primary: PodState | undefined): readonly Classified[] {
  if (facts.phase !== 'Running' || facts.deletedAt !== undefined) return [];
  const found: Classified[] = [];
  for (const state of isTrue(facts, 'Ready')
    ? [...overlayStates, ...readyStates.slice(0, 1)]
    : [...overlayStates, afterChange]) {
    if (state === primary || found.some((entry) => entry.state.id === state.id)) continue;
    const match = state.match(facts);
    if (match !== undefined) found.push({ state, match });
  }
  return found;
}
