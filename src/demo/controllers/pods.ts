import { randomUUID } from 'node:crypto';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { isFinished, type PodLike, suffixOf } from '../scenario/shapes.ts';
import { type ServedStore, secondsText } from '../store.ts';
import { podOf } from '../writes/defaults.ts';

export const replicasOf = (object: KubeLike): number => {
  const value = fieldAt(object, 'spec.replicas');
  return typeof value === 'number' ? value : 1;
};

export const recordAt = (object: unknown, path: string): JsonRecord => {
  const value = fieldAt(object, path);
  return isRecord(value) ? value : {};
};

/** The reference that makes an object somebody's. */
export const ownerReference = (owner: KubeLike): JsonRecord => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata?.name,
  uid: owner.metadata?.uid,
  controller: true,
  blockOwnerDeletion: true,
});

export const controllerOf = (object: KubeLike): JsonRecord | undefined => {
  const references = object.metadata?.['ownerReferences'];
  return Array.isArray(references)
    ? references.filter(isRecord).find((reference) => reference['controller'] === true)
    : undefined;
};

/** The object that controls another, if it is still the same one. */
export function ownerOf(store: ServedStore, object: KubeLike): KubeLike | undefined {
  const reference = controllerOf(object);
  const kind = reference && store.kindOf(String(reference['apiVersion']), String(reference['kind']));
  if (reference === undefined || kind === undefined) return undefined;
  const name = String(reference['name']);
  const namespace = kind.namespaced ? object.metadata?.namespace : undefined;
  const owner = store.get({
    group: kind.group,
    plural: kind.plural,
    name,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return owner?.metadata?.uid === reference['uid'] ? owner : undefined;
}

/** The pods of an owner that are not on their way out. */
export const podsOf = (store: ServedStore, owner: KubeLike): readonly PodLike[] =>
  (store.list('', 'pods', owner.metadata?.namespace) as readonly PodLike[]).filter(
    (pod) => controllerOf(pod)?.['uid'] === owner.metadata?.uid,
  );

export const isLeaving = (pod: KubeLike): boolean => pod.metadata?.['deletionTimestamp'] !== undefined;
export const isLive = (pod: PodLike): boolean => !isLeaving(pod) && !isFinished(pod);
export const isReady = (pod: PodLike): boolean =>
  (pod.status.conditions ?? []).some(
    (condition) => condition.type === 'Ready' && condition.status === 'True',
  );

export interface PodWish {
  readonly name?: string;
  readonly template: JsonRecord;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly finalizers?: readonly string[];
}

const textMap = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).filter(
      (pair): pair is [string, string] => typeof pair[1] === 'string',
    ),
  );

/** Makes a pod of an owner's template, as its controller would. */
export function makePod(store: ServedStore, owner: KubeLike, wish: PodWish, nowMs: number): PodLike {
  const { namespace, name: ownerName = '' } = owner.metadata ?? {};
  const uid = randomUUID();
  const annotations = { ...textMap(fieldAt(wish.template, 'metadata.annotations')), ...wish.annotations };
  const spec = recordAt(wish.template, 'spec');
  const pod: KubeLike = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: wish.name ?? `${ownerName}-${suffixOf(uid)}`,
      ...(wish.name === undefined ? { generateName: `${ownerName}-` } : {}),
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      creationTimestamp: secondsText(nowMs),
      generation: 1,
      labels: { ...textMap(fieldAt(wish.template, 'metadata.labels')), ...wish.labels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ownerReferences: [ownerReference(owner)],
      ...(wish.finalizers === undefined ? {} : { finalizers: wish.finalizers }),
    },
    spec: { ...spec, ...(wish.nodeName === undefined ? {} : { nodeName: wish.nodeName }) },
  };
  return store.put(podOf(pod, store)) as PodLike;
}

/** A pod's own spec as a template, for owners that carry none. */
export function templateFrom(pod: PodLike): JsonRecord {
  const { nodeName: _node, ...spec } = pod.spec;
  const { labels, annotations } = pod.metadata;
  return { metadata: { labels, ...(annotations === undefined ? {} : { annotations }) }, spec };
}
