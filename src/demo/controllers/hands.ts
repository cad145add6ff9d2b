import type { JsonRecord, KubeLike } from '../object.ts';
import type { PodLike } from '../scenario/shapes.ts';
import type { Bench } from './bench.ts';
import { isReady } from './pods.ts';

/** What a controller may do to the cluster. */
export interface Hands {
  readonly bench: Bench;
  /** Hands a new pod to scheduler and kubelet. */
  begin(pod: PodLike): void;
  /** Deletes a pod with its grace. */
  terminate(pod: PodLike): void;
  event(about: KubeLike, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Lays these fields over an object's status; writes nothing when nothing differs but times. */
  status(object: KubeLike, fields: JsonRecord): void;
  replaceStatus(object: KubeLike, status: JsonRecord): void;
  /** From now on this workload is looked after: those of the story are only when somebody wrote to them. */
  manage(object: KubeLike): void;
  /** Looks at a workload once more, soon. */
  again(object: KubeLike): void;
  /** Why no pod of this template may be made: a quota. */
  refusal(owner: KubeLike, template: JsonRecord): string | undefined;
  /** The hash of the newest revision of a StatefulSet or DaemonSet; undefined while it has none. */
  revisionOf(set: KubeLike): string | undefined;
  /** Where a DaemonSet has, or had, its pods. */
  nodesOf(set: KubeLike): readonly string[];
}

/** Who leaves first: not scheduled, not ready, young. */
export function hostOrder(a: PodLike, b: PodLike): number {
  const rank = (pod: PodLike): number => (pod.spec.nodeName === undefined ? 0 : isReady(pod) ? 2 : 1);
  return (
    rank(a) - rank(b) ||
    String(b.metadata.creationTimestamp).localeCompare(String(a.metadata.creationTimestamp))
  );
}
