import type { PodChoice } from './pod-choice.ts';

/** One object, as a view keeps it. */
export interface ObjectRef {
  /** The table's name: `pods`. */
  readonly table: string;
  /** The row's key in it. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
}

/** Where a text stands: the shape of `ui/pager`'s state. */
export interface TextPlace {
  readonly top: number;
  readonly row: number;
  readonly left: number;
  readonly wrap: boolean;
  readonly follow: boolean;
  readonly query: string;
  readonly match: number | undefined;
}

const textStart: TextPlace = {
  top: 0,
  row: 0,
  left: 0,
  wrap: false,
  follow: false,
  query: '',
  match: undefined,
};

/** One object as text. */
export interface ObjectView {
  readonly kind: 'describe' | 'yaml' | 'object-events';
  readonly of: ObjectRef;
  readonly place: TextPlace;
  /** What was typed after `/`. */
  readonly filter: string;
  readonly top: number;
  readonly managedFields: boolean;
  /** YAML below this depth is folded; undefined: nothing is. */
  readonly depth: number | undefined;
  /** A secret's values: shown only when asked for twice. */
  readonly reveal: 'no' | 'asked' | 'yes';
  /** Held still: changes wait. */
  readonly paused: boolean;
}

export function objectView(kind: ObjectView['kind'], of: ObjectRef): ObjectView {
  return {
    kind,
    of,
    // Messages of events are long, and their end is often what matters.
    place: kind === 'object-events' ? { ...textStart, wrap: true } : textStart,
    filter: '',
    top: 0,
    managedFields: false,
    depth: undefined,
    reveal: 'no',
    paused: false,
  };
}

/** A pod and its containers; the cursor is on one of them. */
export interface DetailView {
  readonly kind: 'detail';
  readonly of: ObjectRef;
  readonly cursor: number;
  readonly top: number;
}

/** `tail`: the newest lines; `head`: the oldest, not followed; a number: what the last seconds brought. */
export type LogRange = 'tail' | 'head' | number;

export interface LogView {
  readonly kind: 'logs';
  readonly title: string;
  readonly pods: PodChoice;
  /** One container by name, the main one of each pod, or all. */
  readonly containers: { readonly only: string } | 'main' | 'all';
  readonly previous: boolean;
  readonly range: LogRange;
  /** Counts reopenings with the same wishes. */
  readonly generation: number;
  readonly filter: string;
  readonly invert: boolean;
  /** Lines shown around a match; `all`: nothing is hidden, matches are marked. */
  readonly context: number | 'all';
  readonly wrap: boolean;
  readonly times: boolean;
  readonly json: boolean;
  readonly folded: boolean;
  readonly locked: boolean;
  /** New lines bring the window along. */
  readonly follow: boolean;
  /** The entry at the top of the window while it does not follow. */
  readonly anchor: { readonly at: number; readonly order: number } | undefined;
  readonly match: { readonly at: number; readonly order: number } | undefined;
  readonly left: number;
  readonly top: number;
}

export function logView(title: string, pods: PodChoice, more: Partial<LogView> = {}): LogView {
  return {
    kind: 'logs',
    title,
    pods,
    containers: 'main',
    previous: false,
    range: 'tail',
    generation: 0,
    filter: '',
    invert: false,
    context: 0,
    wrap: false,
    times: true,
    json: false,
    folded: true,
    locked: false,
    follow: true,
    anchor: undefined,
    match: undefined,
    left: 0,
    top: 0,
    ...more,
  };
}
