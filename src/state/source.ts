import type { DerivedTable, Resource, Row, Table } from '../resources/resource.ts';
import { type Cluster, keyOf, type RowHook } from './cluster.ts';
import type { RowSource } from './visible.ts';

/** A table that reads other kinds, or is given its rows whole, instead of having a stream of its own. */
export interface HeldSource<R extends Row> extends RowSource<R> {
  /** Puts these rows in place of the former ones; rows that say the same keep their identity. */
  readonly replace: (rows: Iterable<R>, nowMs: number) => void;
}

export const isResource = (table: Table<Row>): table is Resource => 'toRow' in table;
export const isDerived = (table: Table<Row>): table is DerivedTable<Row> => 'derive' in table;

/** The kinds that must be open for this table to be true. */
export function kindsOf(table: Table<Row>): readonly Resource[] {
  if (isResource(table)) return [table];
  return isDerived(table) ? table.needs : [];
}

/** The rows of one kind. */
export function kindSource(cluster: Cluster, resource: Resource): RowSource<Row> {
  return {
    rows: () => cluster.rowsOf(resource),
    get: (key) => cluster.get(resource, key),
    ghost: (key, nowMs) => cluster.ghost(resource, key, nowMs),
    isFault: (key) => cluster.isFault(resource, key),
    onRow: (hook) => cluster.onRow(resource, hook),
  };
}

/** Rows that somebody replaces as a whole. */
export function heldSource<R extends Row>(table: Table<R>): HeldSource<R> {
  const rows = new Map<string, R>();
  const faults = new Set<string>();
  const hooks = new Set<RowHook>();

  function put(key: string, row: R, nowMs: number): void {
    const before = rows.get(key);
    const isFault = table.fault?.(row, nowMs) === true;
    if (before !== undefined && isFault === faults.has(key) && (before === row || saysTheSame(before, row)))
      return;
    rows.set(key, row);
    if (isFault) faults.add(key);
    else faults.delete(key);
    for (const hook of hooks) hook(before, row);
  }

  return {
    rows: () => rows.values(),
    get: (key) => rows.get(key),
    ghost: () => undefined,
    isFault: (key) => faults.has(key),
    onRow(hook) {
      hooks.add(hook);
      return () => hooks.delete(hook);
    },
    replace(next, nowMs) {
      const seen = new Set<string>();
      for (const row of next) {
        const key = keyOf(row);
        seen.add(key);
        put(key, row, nowMs);
      }
      for (const [key, row] of rows) {
        if (seen.has(key)) continue;
        rows.delete(key);
        faults.delete(key);
        for (const hook of hooks) hook(row, undefined);
      }
    },
  };
}

/** One level deep, and lists of plain values: enough for rows, which hold values. */
function saysTheSame<R extends Row>(before: R, after: R): boolean {
  const left = before as Row & Readonly<Record<string, unknown>>;
  const right = after as Row & Readonly<Record<string, unknown>>;
  const names = Object.keys(right);
  if (names.length !== Object.keys(left).length) return false;
  return names.every((name) => isSame(left[name], right[name]));
}

function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
  return left.every((item, at) => Object.is(item, right[at]));
}
