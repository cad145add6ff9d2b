import type { KubeObject } from '../kube/object.ts';
import { podStates } from './classify.ts';
import { kindOf } from './evidence-index.ts';
import { otherConditions, otherPhases, volcanoJob } from './families/add-ons.ts';
import { clusterStates, terminating } from './families/cluster.ts';
import { budgetStates } from './families/disruption-budget.ts';
import { networkStates } from './families/network/index.ts';
import { ownerStates } from './families/owners.ts';
import { queueObjectStates } from './families/queues/index.ts';
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
  volcanoJob,
];

/** Asked of custom resources of a kind that no other state names. */
export const otherStates: readonly ObjectState[] = [terminating, otherConditions, otherPhases];

/** Kinds about which the checklist has anything particular to say. */
export const subjectKinds: ReadonlySet<string> = new Set([
  'Pod',
  ...objectStates.flatMap((state) => state.kinds),
]);

/** The groups of Kubernetes itself have no domain, or end in `k8s.io`; those of its subprojects end in `x-k8s.io`. */
const isCustom = ({ apiVersion = '' }: KubeObject): boolean =>
  /\..*\//.test(apiVersion) && !/(?:^|\.)k8s\.io\//.test(apiVersion);

export const hasChecklist = (object: KubeObject): boolean =>
  subjectKinds.has(kindOf(object)) || isCustom(object);

export const builtInStates: readonly Pick<PodState, 'id' | 'key' | 'gate'>[] = [
  ...new Set([...podStates, ...objectStates, ...otherStates]),
];

/** Ids and keys of the built-in states, which a pack may name. */
export const builtInIds: ReadonlySet<string> = new Set(
  builtInStates.flatMap((state) => [state.id, state.key]),
);
