import { fieldAt, isRecord, type KubeLike } from '../object.ts';
import type { ServedStore } from '../store.ts';

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

const owners = (object: KubeLike): readonly Readonly<Record<string, unknown>>[] => {
  const references = object.metadata?.['ownerReferences'];
  return Array.isArray(references) ? references.filter(isRecord) : [];
};

/** Kinds that are many and own nothing: an owner is never looked for among what they would own. */
const ownsNothing = /^(Pod|Event|Lease|ConfigMap|Secret|EndpointSlice|ServiceAccount)$/;

/** Every object that names another as its owner. A walk over the whole cluster: only deletions of owners pay for it. */
export function dependentsOf(store: ServedStore, owner: KubeLike): KubeLike[] {
  const uid = owner.metadata?.uid;
  if (uid === undefined || ownsNothing.test(owner.kind ?? '')) return [];
  return store
    .kinds()
    .filter((kind) => kind.storedIn === undefined && kind.plural !== 'events')
    .flatMap((kind) =>
      store.list(kind.group, kind.plural, kind.namespaced ? owner.metadata?.namespace : undefined),
    )
    .filter((object) => owners(object).some((reference) => reference['uid'] === uid));
}

/** Takes an owner's name off what it owned. */
export function orphan(store: ServedStore, owner: KubeLike): void {
  for (const object of dependentsOf(store, owner))
    store.put({
      ...object,
      metadata: {
        ...object.metadata,
        ownerReferences: owners(object).filter((reference) => reference['uid'] !== owner.metadata?.uid),
      },
    });
}

/** Finalizers that controllers of the cluster itself take off, once nothing is in the way. */
const ours =
  /^(foregroundDeletion|orphan|batch\.kubernetes\.io\/job-tracking|kubernetes\.io\/pv-protection)$/;

/** The finalizers that hold an object for somebody outside. */
export function foreignFinalizers(store: ServedStore, object: KubeLike): readonly string[] {
  return textsOf(object.metadata?.['finalizers']).filter((name) => {
    if (name === 'kubernetes.io/pvc-protection') return isClaimUsed(store, object);
    return !ours.test(name);
  });
}

/** A claim stays while a pod that runs names it. */
function isClaimUsed(store: ServedStore, claim: KubeLike): boolean {
  return store.list('', 'pods', claim.metadata?.namespace).some((pod) => {
    const volumes = fieldAt(pod, 'spec.volumes');
    return (
      !/^(Succeeded|Failed)$/.test(String(fieldAt(pod, 'status.phase'))) &&
      Array.isArray(volumes) &&
      volumes.some((volume) => fieldAt(volume, 'persistentVolumeClaim.claimName') === claim.metadata?.name)
    );
  });
}
