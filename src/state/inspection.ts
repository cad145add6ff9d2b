import type { Related } from '../describe/index.ts';
import type { KubeObject } from '../kube/object.ts';
import type { ObjectRef } from './text-views.ts';

export type InspectionState =
  | { readonly state: 'loading' }
  | { readonly state: 'live'; readonly sinceMs: number }
  /** What is shown was true then; the stream is down. */
  | { readonly state: 'stale'; readonly sinceMs: number; readonly reason: string }
  | { readonly state: 'gone'; readonly sinceMs: number }
  | { readonly state: 'failed'; readonly reason: string; readonly hint: string };

/** The one object that a view looks into, live: cleaned and masked (`cleanObject`). */
export interface Inspected {
  readonly of: ObjectRef;
  readonly object: KubeObject | undefined;
  readonly related: Related;
  readonly state: InspectionState;
  /** When any of it changed, epoch ms. */
  readonly changedMs: number;
}

/** Filled by the feed, read by the screen. */
export interface Inspection {
  readonly get: (of: ObjectRef) => Inspected | undefined;
  readonly set: (inspected: Inspected | undefined) => void;
  readonly subscribe: (listener: () => void) => () => void;
}

export const isSameObject = (a: ObjectRef, b: ObjectRef): boolean =>
  a.table === b.table && a.namespace === b.namespace && a.name === b.name;

export function createInspection(): Inspection {
  const listeners = new Set<() => void>();
  let current: Inspected | undefined;
  return {
    get: (of) => (current !== undefined && isSameObject(current.of, of) ? current : undefined),
    set(inspected) {
      current = inspected;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
