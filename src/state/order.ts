import { namespaceColumn } from '../resources/columns.ts';
import type { Column, Row, Table, Value } from '../resources/resource.ts';
import { keyOf } from './cluster.ts';

export interface SortOrder {
  /** Column title. */
  readonly column: string;
  readonly descending: boolean;
}

/** Total: two different rows never compare equal, so a row can be found again by binary search. */
export type Compare<R> = (a: R, b: R) => number;

/** Items between two yields of a sliced sort: about a millisecond. */
const stride = 2048;

const isDigit = (code: number): boolean => code >= 48 && code <= 57;

/** Where the run of digits around `at` starts. */
function runStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && isDigit(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

/** Where the run of digits around `at` ends. */
function runEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

/** As a person counts: `worker-3` before `worker-11`. Zero only for equal strings. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  let at = 0;
  while (at < shorter && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  const start = runStart(a, at);
  const endA = runEnd(a, at);
  const endB = runEnd(b, at);
  // Both have a number here that starts at the same place: the longer number is the greater one.
  if (endA > start && endB > start && a.charCodeAt(start) !== 48 && b.charCodeAt(start) !== 48) {
    if (endA - start !== endB - start) return endA - start - (endB - start);
  }
  if (at === shorter) return a.length - b.length;
  return a.charCodeAt(at) - b.charCodeAt(at);
}

function compareKnown(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  // A column that gives both says more with numbers than with words.
  return typeof a === 'number' ? -1 : 1;
}

const isUnknown = (value: Value): value is undefined => value === undefined || Number.isNaN(value);

function compareByName(a: Row, b: Row): number {
  if (a === b) return 0;
  return (
    compareText(a.namespace, b.namespace) || compareText(a.name, b.name) || compareText(keyOf(a), keyOf(b))
  );
}

/** Unknown values come last in both directions. Without a column: by namespace, then name. */
export function comparator<R extends Row>(column: Column<R> | undefined, descending: boolean): Compare<R> {
  if (column === undefined) return descending ? (a, b) => compareByName(b, a) : compareByName;
  const { value } = column;
  return (a, b) => {
    const left = value(a);
    const right = value(b);
    if (isUnknown(left) || isUnknown(right)) {
      if (isUnknown(left) && isUnknown(right)) return compareByName(a, b);
      return isUnknown(left) ? 1 : -1;
    }
    const order = compareKnown(left, right);
    if (order !== 0) return descending ? -order : order;
    return compareByName(a, b);
  };
}

/** All that a table can show, the namespace first where there is one. */
export const columnsOf = <R extends Row>(table: Table<R>): readonly Column<R>[] =>
  table.namespaced ? [namespaceColumn, ...table.columns] : table.columns;

export const columnOf = <R extends Row>(table: Table<R>, title: string): Column<R> | undefined =>
  columnsOf(table).find((column) => column.title === title);

/** Its value is a time, its text a duration: ascending in the one is descending in the other. */
export const isAge = (title: string): boolean => title === 'AGE' || title.startsWith('LAST');

/** Sorts without ever holding the thread for long: yields about once a millisecond, returns a new array. */
export function* sortInSteps<R>(rows: readonly R[], compare: Compare<R>): Generator<undefined, R[]> {
  let runs: R[][] = [];
  for (let start = 0; start < rows.length; start += stride) {
    runs.push(rows.slice(start, start + stride).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: R[][] = [];
    for (let at = 0; at < runs.length; at += 2) {
      const left = runs[at] ?? [];
      const right = runs[at + 1];
      merged.push(right === undefined ? left : yield* mergeInSteps(left, right, compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

/** Merges two sorted arrays into a new one, in steps. */
export function* mergeInSteps<R>(
  left: readonly R[],
  right: readonly R[],
  compare: Compare<R>,
): Generator<undefined, R[]> {
  if (right.length === 0) return left as R[];
  if (left.length === 0) return right as R[];
  const merged: R[] = new Array(left.length + right.length);
  let l = 0;
  let r = 0;
  for (let at = 0; at < merged.length; at++) {
    const a = left[l];
    const b = right[r];
    if (b === undefined || (a !== undefined && compare(a, b) <= 0)) {
      merged[at] = a as R;
      l += 1;
    } else {
      merged[at] = b;
      r += 1;
    }
    if (at % stride === stride - 1) yield;
  }
  return merged;
}

/** The place of `row` in a sorted array, or where it would go. */
function placeOf<R>(sorted: readonly R[], row: R, compare: Compare<R>): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(sorted[middle] as R, row) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where the row with this key stands; -1 where it does not. `row` as it was when it was put there. */
export function findRow<R extends Row>(sorted: readonly R[], row: R, compare: Compare<R>): number {
  const place = placeOf(sorted, row, compare);
  const found = sorted[place];
  if (found !== undefined && keyOf(found) === keyOf(row)) return place;
  return -1;
}

export function insertRow<R>(sorted: R[], row: R, compare: Compare<R>): void {
  sorted.splice(placeOf(sorted, row, compare), 0, row);
}

/** True where it was there. */
export function removeRow<R extends Row>(sorted: R[], row: R, compare: Compare<R>): boolean {
  const place = findRow(sorted, row, compare);
  if (place === -1) return false;
  sorted.splice(place, 1);
  return true;
}
