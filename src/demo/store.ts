import type { Kind, KindDefinition } from './kinds.ts';
import type { KubeLike } from './object.ts';

/** Names one object: `{ group: '', plural: 'pods', namespace: 'train', name: 'trainer-0' }`. */
export interface ObjectRef {
  readonly group: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name: string;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

export interface Change {
  readonly type: ChangeType;
  readonly kind: Kind;
  readonly object: KubeLike;
  /** What was there before; undefined for ADDED. */
  readonly previous: KubeLike | undefined;
  readonly resourceVersion: number;
}

/** Every object of the demo cluster. Objects are never changed in place: whoever changes one puts a new one. */
export interface Store {
  /** The kinds served, built in and registered. */
  kinds(): readonly Kind[];
  /** Adds a custom kind, unless its group and plural are served already. */
  register(definition: KindDefinition): Kind;
  /** The kind that serves an apiVersion and kind, in any of its versions. */
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  /** The kind at a group and plural. */
  kindAt(group: string, plural: string): Kind | undefined;
  /**
   * Adds or replaces an object; gives what is now stored. The store sets `metadata.resourceVersion`, and `uid` and
   * `creationTimestamp` where they are missing (those of the object it replaces, else new ones); everything else is kept
   * by reference, so objects may share their parts. Throws when the kind is not registered or the name is missing.
   */
  put(object: KubeLike): KubeLike;
  /** Removes an object; gives what it was, undefined when there was none. */
  remove(ref: ObjectRef): KubeLike | undefined;
  get(ref: ObjectRef): KubeLike | undefined;
  /** In the order of the API server: by namespace, then name. */
  list(group: string, plural: string, namespace?: string): readonly KubeLike[];
  /** Calls back after every change; gives the way to stop. */
  listen(onChange: (change: Change) => void): () => void;
  /** The newest resourceVersion. */
  resourceVersion(): number;
}
