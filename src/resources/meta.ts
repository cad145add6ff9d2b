import type { KubeObject } from '../kube/object.ts';
import { record, shared, text, time } from './fields.ts';
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
