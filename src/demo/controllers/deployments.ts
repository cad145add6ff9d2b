import { isDeepStrictEqual } from 'node:util';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { suffixOf } from '../scenario/shapes.ts';
import { secondsText } from '../store.ts';
import type { Hands } from './hands.ts';
import { controllerOf, ownerReference, recordAt, replicasOf } from './pods.ts';

const revisionKey = 'deployment.kubernetes.io/revision';
const hashKey = 'pod-template-hash';

const revisionOf = (object: KubeLike): number =>
  Number(recordAt(object, 'metadata.annotations')[revisionKey] ?? 0);

/** A template without the label that its ReplicaSet adds. */
function bare(template: unknown): unknown {
  if (!isRecord(template)) return template;
  const { [hashKey]: _hash, ...labels } = recordAt(template, 'metadata.labels');
  const { creationTimestamp: _at, ...metadata } = recordAt(template, 'metadata');
  return { ...template, metadata: { ...metadata, labels } };
}

const setsOf = ({ bench }: Hands, deployment: KubeLike): readonly KubeLike[] =>
  bench.store
    .list('apps', 'replicasets', deployment.metadata?.namespace)
    .filter((set) => controllerOf(set)?.['uid'] === deployment.metadata?.uid)
    .sort(
      (a, b) =>
        revisionOf(a) - revisionOf(b) ||
        String(a.metadata?.creationTimestamp).localeCompare(String(b.metadata?.creationTimestamp)),
    );

const annotated = (object: KubeLike, revision: number): KubeLike => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: { ...recordAt(object, 'metadata.annotations'), [revisionKey]: String(revision) },
  },
});

/** What was running before a first change becomes revision 1, with the template that it ran. */
function remembered(hands: Hands, set: KubeLike, template: JsonRecord): KubeLike {
  const hasTemplate = fieldAt(set, 'spec.template.spec') !== undefined;
  if (revisionOf(set) > 0 && hasTemplate) return set;
  const hash = String(set.metadata?.name?.split('-').at(-1) ?? '');
  const labels = { ...recordAt(template, 'metadata.labels'), [hashKey]: hash };
  const spec = {
    ...recordAt(set, 'spec'),
    ...(hasTemplate
      ? {}
      : { template: { ...template, metadata: { ...recordAt(template, 'metadata'), labels } } }),
  };
  return hands.bench.store.put({ ...annotated(set, revisionOf(set) || 1), spec });
}

/** A ReplicaSet for a template: an old one that had it, or a new one. */
function setFor(hands: Hands, deployment: KubeLike, sets: readonly KubeLike[], revision: number): KubeLike {
  const { store, now } = hands.bench;
  const template = recordAt(deployment, 'spec.template');
  const known = sets.find((set) => isDeepStrictEqual(bare(fieldAt(set, 'spec.template')), bare(template)));
  if (known !== undefined) return store.put(annotated(known, revision));
  const { namespace = '', name = '' } = deployment.metadata ?? {};
  const hash =
    `${suffixOf(`${name}${JSON.stringify(template)}`)}${suffixOf(`${JSON.stringify(template)}`)}`.slice(0, 9);
  const labels = { ...recordAt(template, 'metadata.labels'), [hashKey]: hash };
  const selector = recordAt(deployment, 'spec.selector');
  return store.put({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      creationTimestamp: secondsText(now()),
      generation: 1,
      labels,
      annotations: {
        ...changeCause(deployment),
        'deployment.kubernetes.io/desired-replicas': String(replicasOf(deployment)),
        [revisionKey]: String(revision),
      },
      ownerReferences: [ownerReference(deployment)],
    },
    spec: {
      replicas: 0,
      selector: { ...selector, matchLabels: { ...recordAt(selector, 'matchLabels'), [hashKey]: hash } },
      template: { ...template, metadata: { ...recordAt(template, 'metadata'), labels } },
    },
    status: { replicas: 0 },
  });
}

const changeCause = (deployment: KubeLike): Readonly<Record<string, string>> => {
  const cause = recordAt(deployment, 'metadata.annotations')['kubernetes.io/change-cause'];
  return typeof cause === 'string' ? { 'kubernetes.io/change-cause': cause } : {};
};

/** A new template was written: its ReplicaSet, and the revision that everybody reads. */
export function rollOut(hands: Hands, deployment: KubeLike, before: KubeLike | undefined): void {
  if (fieldAt(deployment, 'spec.paused') === true) return;
  const { store } = hands.bench;
  const old = setsOf(hands, deployment);
  const newest = old.at(-1);
  if (newest !== undefined && before !== undefined)
    remembered(hands, newest, recordAt(before, 'spec.template'));
  const sets = setsOf(hands, deployment);
  const revision = Math.max(0, ...sets.map(revisionOf)) + 1;
  const set = setFor(hands, deployment, sets, revision);
  hands.manage(set);
  for (const one of sets) hands.manage(one);
  const live = store.get({
    group: 'apps',
    plural: 'deployments',
    namespace: deployment.metadata?.namespace ?? '',
    name: deployment.metadata?.name ?? '',
  });
  if (live !== undefined) store.put(annotated(live, revision));
}

function resize(hands: Hands, deployment: KubeLike, set: KubeLike, replicas: number): void {
  if (replicasOf(set) === replicas) return;
  const way = replicas > replicasOf(set) ? 'up' : 'down';
  const kept = hands.bench.store.put({ ...set, spec: { ...recordAt(set, 'spec'), replicas } });
  hands.event(
    deployment,
    'Normal',
    'ScalingReplicaSet',
    `Scaled ${way} replica set ${set.metadata?.name ?? ''} from ${replicasOf(set)} to ${replicas}`,
  );
  hands.manage(kept);
  hands.again(kept);
}

const numberAt = (object: KubeLike, path: string): number => {
  const value = fieldAt(object, path);
  return typeof value === 'number' ? value : 0;
};

/** Deployments: the newest ReplicaSet grows to what is asked for, the others shrink when it is ready. */
export function reconcileDeployment(hands: Hands, deployment: KubeLike): void {
  const sets = setsOf(hands, deployment);
  const newest = sets.at(-1);
  if (newest === undefined) return;
  const wanted = deployment.metadata?.['deletionTimestamp'] === undefined ? replicasOf(deployment) : 0;
  const others = sets
    .slice(0, -1)
    .filter((set) => replicasOf(set) > 0 || numberAt(set, 'status.replicas') > 0);
  const recreates = fieldAt(deployment, 'spec.strategy.type') === 'Recreate';
  const isReady = numberAt(newest, 'status.readyReplicas') >= wanted;
  if (!recreates || others.length === 0) resize(hands, deployment, newest, wanted);
  if (recreates || isReady) for (const set of others) resize(hands, deployment, set, 0);
  const sum = (path: string): number => sets.reduce((total, set) => total + numberAt(set, path), 0);
  const available = sum('status.availableReplicas');
  const updated = numberAt(newest, 'status.replicas');
  const total = sum('status.replicas');
  const at = secondsText(hands.bench.now());
  const isComplete = updated === wanted && total === wanted && available >= wanted;
  const condition = (type: string, status: boolean, reason: string, message: string): JsonRecord => ({
    type,
    status: status ? 'True' : 'False',
    lastUpdateTime: at,
    lastTransitionTime: at,
    reason,
    message,
  });
  hands.status(deployment, {
    replicas: total,
    updatedReplicas: updated,
    readyReplicas: sum('status.readyReplicas'),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, Math.max(wanted, total) - available),
    conditions: [
      available >= wanted
        ? condition('Available', true, 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
        : condition(
            'Available',
            false,
            'MinimumReplicasUnavailable',
            'Deployment does not have minimum availability.',
          ),
      isComplete
        ? condition(
            'Progressing',
            true,
            'NewReplicaSetAvailable',
            `ReplicaSet "${newest.metadata?.name ?? ''}" has successfully progressed.`,
          )
        : condition(
            'Progressing',
            true,
            'ReplicaSetUpdated',
            `ReplicaSet "${newest.metadata?.name ?? ''}" is progressing.`,
          ),
    ],
  });
}
