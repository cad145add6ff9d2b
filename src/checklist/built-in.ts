import { podStates } from './classify.ts';
import { clusterStates } from './families/cluster.ts';
import { budgetStates } from './families/disruption-budget.ts';
import { networkStates } from './families/network.ts';
import { ownerStates } from './families/owners.ts';
import { queueObjectStates } from './families/queues.ts';
import { storageStates } from './families/storage.ts';
import type { ObjectState, PodState } from './state.ts';

/** Every state of objects that are no pods, in the order in which they are asked. */
export const objectStates: readonly ObjectState[] = [
  ...clusterStates,
  ...queueObjectStates,
  ...ownerStates,
  ...storageStates,
  ...networkStates,
  ...budgetStates,
];

/** Kinds about which the checklist has anything to say. */
export const subjectKinds: ReadonlySet<string> = new Set([
  'Pod',
  ...objectStates.flatMap((state) => state.kinds),
]);

export const builtInStates: readonly Pick<PodState, 'id' | 'key' | 'gate'>[] = [
  ...podStates,
  ...objectStates,
];

/** Ids and keys of the built-in states, which a pack may name. */
export const builtInIds: ReadonlySet<string> = new Set(
  builtInStates.flatMap((state) => [state.id, state.key]),
);
