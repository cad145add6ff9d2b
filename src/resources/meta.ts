import type { KubeObject } from '../kube/object.ts';
import { type Fields, labels, list, record, shared, text, time } from './fields.ts';
import { createInterner } from './intern.ts';
import type { Labels, PodRow } from './pod-row.ts';
import type { Row } from './resource.ts';

/** The fields that every row has, from metadata. */
export function metaOf(object: KubeObject): Row {
  const metadata = record(object.metadata);
  return {
    uid: text(metadata['uid']),
    namespace: shared(metadata['namespace']),
    name: text(metadata['name']),
    createdAt: time(metadata['creationTimestamp']),
    version: text(metadata['resourceVersion']),
  };
}

/** What most kinds carry besides. */
export interface OwnedRow extends Row {
  readonly labels: Labels;
  /** The controlling owner; undefined where there is none. */
  readonly owner: PodRow['owner'];
  readonly deletedAt: number | undefined;
  readonly finalizers: readonly string[];
}

export function ownedMetaOf(object: KubeObject): OwnedRow {
  const metadata = record(object.metadata);
  return {
    ...metaOf(object),
    labels: labels(metadata['labels']),
    owner: controllerOf(metadata),
    deletedAt: time(metadata['deletionTimestamp']),
    finalizers: list(metadata['finalizers']).map(shared),
  };
}

type Owner = NonNullable<PodRow['owner']>;
const owners = createInterner<string, Owner>(20_000);

/** The controlling owner: one object for all that it owns. */
export function controllerOf(metadata: Fields): PodRow['owner'] {
  for (const raw of list(metadata['ownerReferences'])) {
    const owner = record(raw);
    if (owner['controller'] !== true) continue;
    const uid = shared(owner['uid']);
    const known = owners.get(uid, () => ownerOf(owner));
    // A uid names one object; a broken controller may still say otherwise.
    return known.name === owner['name'] && known.kind === owner['kind'] ? known : ownerOf(owner);
  }
  return undefined;
}

const ownerOf = (owner: Fields): Owner => ({
  apiVersion: shared(owner['apiVersion']),
  kind: shared(owner['kind']),
  name: shared(owner['name']),
  uid: shared(owner['uid']),
});
