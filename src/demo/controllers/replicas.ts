import type { KubeLike } from '../object.ts';
import type { PodLike } from '../scenario/shapes.ts';
import { type Hands, hostOrder } from './hands.ts';
import { isLive, isReady, makePod, ownerOf, podsOf, recordAt, replicasOf, templateFrom } from './pods.ts';

/** ReplicaSets: as many pods as asked for, unready and young ones leaving first. */
export function reconcileReplicaSet(hands: Hands, set: KubeLike): void {
  const { store } = hands.bench;
  const pods = podsOf(store, set).filter(isLive);
  const wanted = set.metadata?.['deletionTimestamp'] === undefined ? replicasOf(set) : 0;
  const template = recordAt(set, 'spec.template');
  const [sample] = pods;
  const source = template['spec'] === undefined && sample !== undefined ? templateFrom(sample) : template;
  for (let count = pods.length; count < wanted; count += 1) {
    const refusal = hands.refusal(set, source);
    if (refusal !== undefined) {
      hands.event(set, 'Warning', 'FailedCreate', refusal);
      break;
    }
    const pod = makePod(store, set, { template: source }, hands.bench.now());
    hands.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    hands.begin(pod);
  }
  const surplus = pods.length - wanted;
  if (surplus > 0)
    for (const pod of [...pods].sort(hostOrder).slice(0, surplus)) {
      hands.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
      hands.terminate(pod);
    }
  const live = podsOf(store, set).filter(isLive);
  const ready = live.filter(isReady).length;
  hands.status(set, {
    replicas: live.length,
    fullyLabeledReplicas: live.length,
    readyReplicas: ready,
    availableReplicas: ready,
  });
  const owner = ownerOf(store, set);
  if (owner?.kind === 'Deployment') hands.again(owner);
}

const hashLabel = 'controller-revision-hash';

/** Pods with an ordinal, each replaced in its place. */
export function reconcileStatefulSet(hands: Hands, set: KubeLike): void {
  const { store } = hands.bench;
  const { name = '' } = set.metadata ?? {};
  const all = podsOf(store, set);
  const wanted = set.metadata?.['deletionTimestamp'] === undefined ? replicasOf(set) : 0;
  const ordinal = (pod: PodLike): number => Number(/-(\d+)$/.exec(pod.metadata.name)?.[1] ?? -1);
  const byOrdinal = new Map(all.map((pod) => [ordinal(pod), pod]));
  const template = recordAt(set, 'spec.template');
  const [sample] = all;
  const source = template['spec'] === undefined && sample !== undefined ? templateFrom(sample) : template;
  const hash = hands.revisionOf(set);
  for (let index = 0; index < wanted; index += 1) {
    if (byOrdinal.has(index)) continue;
    const pod = makePod(
      store,
      set,
      {
        name: `${name}-${index}`,
        template: source,
        labels: {
          'statefulset.kubernetes.io/pod-name': `${name}-${index}`,
          'apps.kubernetes.io/pod-index': String(index),
          ...(hash === undefined ? {} : { [hashLabel]: hash }),
        },
      },
      hands.bench.now(),
    );
    hands.event(
      set,
      'Normal',
      'SuccessfulCreate',
      `create Pod ${pod.metadata.name} in StatefulSet ${name} successful`,
    );
    hands.begin(pod);
  }
  for (const pod of all) if (ordinal(pod) >= wanted && isLive(pod)) hands.terminate(pod);
  replaceOutdated(hands, set, hash);
  const live = podsOf(store, set).filter(isLive);
  const ready = live.filter(isReady).length;
  const updated = live.filter(
    (pod) => hash === undefined || pod.metadata.labels?.[hashLabel] === hash,
  ).length;
  hands.status(set, {
    replicas: live.length,
    readyReplicas: ready,
    availableReplicas: ready,
    currentReplicas: live.length,
    updatedReplicas: updated,
    ...(hash === undefined
      ? {}
      : { updateRevision: hash, ...(updated === wanted ? { currentRevision: hash } : {}) }),
  });
}

/** One pod after the other, the highest first, each when the others are ready. */
function replaceOutdated(hands: Hands, set: KubeLike, hash: string | undefined): void {
  if (hash === undefined) return;
  const pods = podsOf(hands.bench.store, set);
  if (!pods.every((pod) => isLive(pod) && (isReady(pod) || pod.metadata.labels?.[hashLabel] !== hash)))
    return;
  const outdated = pods.filter((pod) => pod.metadata.labels?.[hashLabel] !== hash);
  const last = outdated.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).at(-1);
  if (last !== undefined) hands.terminate(last);
}

/** One pod on each node that had one. */
export function reconcileDaemonSet(hands: Hands, set: KubeLike): void {
  const { store } = hands.bench;
  const hash = hands.revisionOf(set);
  const nodes = hands.nodesOf(set);
  const pods = podsOf(store, set);
  const template = recordAt(set, 'spec.template');
  const [sample] = pods;
  const source = template['spec'] === undefined && sample !== undefined ? templateFrom(sample) : template;
  for (const nodeName of nodes) {
    if (pods.some((pod) => pod.spec.nodeName === nodeName)) continue;
    const labels = hash === undefined ? {} : { [hashLabel]: hash };
    hands.begin(makePod(store, set, { template: source, nodeName, labels }, hands.bench.now()));
  }
  replaceOutdated(hands, set, hash);
  const live = podsOf(store, set).filter(isLive);
  const ready = live.filter(isReady).length;
  hands.status(set, {
    currentNumberScheduled: live.length,
    desiredNumberScheduled: nodes.length,
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: nodes.length - ready,
    updatedNumberScheduled: live.filter(
      (pod) => hash === undefined || pod.metadata.labels?.[hashLabel] === hash,
    ).length,
  });
}
