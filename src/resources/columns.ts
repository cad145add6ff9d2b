import { ageText } from './fields.ts';
import type { Column, Row, Value } from './resource.ts';

/** What a person reads in the cell: kubectl's own words for kubectl's columns. `now` is epoch ms. */
export function cellText<R extends Row>(column: Column<R>, row: R, now: number): string {
  if (column.text !== undefined) return column.text(row, now);
  const value = column.value(row);
  return value === undefined || value === '' ? '<none>' : String(value);
}

/** For tables of several namespaces: stands before the kind's own columns, as with `kubectl get -A`. */
export const namespaceColumn: Column<Row> = {
  title: 'NAMESPACE',
  value: (row) => row.namespace,
  tone: () => 'dim',
  kubectl: 'table',
  priority: 1,
};

export const nameColumn: Column<Row> = {
  title: 'NAME',
  value: (row) => row.name,
  text: (row) => row.name,
  kubectl: 'table',
  priority: 0,
};

/** Sorts by the time of creation: ascending is oldest first. */
export const ageColumn: Column<Row> = {
  title: 'AGE',
  value: (row) => row.createdAt,
  text: (row, now) => ageText(row.createdAt, now),
  tone: () => 'dim',
  align: 'right',
  kubectl: 'table',
  priority: 2,
};

/** A column that shows the empty string as kubectl's Table does: as nothing. */
export const blankText =
  <R extends Row>(value: (row: R) => Value) =>
  (row: R): string =>
    String(value(row) ?? '');
