import type { Row } from '../resources/resource.ts';
import { keyOf } from './cluster.ts';
import type { TableView } from './session.ts';
import type { RowSource, Visible } from './visible.ts';

export interface WindowRow {
  readonly row: Row;
  readonly key: string;
  /** Set: the object is gone since then, and only the cursor keeps its row here. */
  readonly deletedAtMs: number | undefined;
}

/** What of a table is on the screen. */
export interface TableWindow {
  readonly rows: readonly WindowRow[];
  readonly top: number;
  /** Of the cursor, in the whole table; -1 in an empty one. */
  readonly index: number;
  readonly key: string | undefined;
  /** Rows in all, a ghost included. */
  readonly length: number;
}

export interface WindowQuestion {
  readonly view: Pick<TableView, 'cursor' | 'top'>;
  readonly visible: Visible;
  readonly source: Pick<RowSource<Row>, 'ghost'>;
  readonly height: number;
  /** The rows are whole: the cursor may stick to one. While they come in, it stays at its place. */
  readonly settled: boolean;
  readonly nowMs: number;
}

/** Finds the cursor's row again and moves the window with it, so that it stays on its line of the screen. */
export function tableWindow({ view, visible, source, height, settled, nowMs }: WindowQuestion): TableWindow {
  const { cursor } = view;
  const found = cursor.key === undefined ? -1 : visible.indexOf(cursor.key, cursor.index);
  const ghost =
    cursor.key !== undefined && found === -1 && !visible.busy() ? source.ghost(cursor.key, nowMs) : undefined;
  const length = visible.length() + (ghost === undefined ? 0 : 1);
  const index = Math.min(Math.max(0, found === -1 ? cursor.index : found), length - 1);
  const offset = cursor.index - view.top;
  const top = topFor(index === cursor.index ? view.top : index - offset, index, height, length);
  const rows: WindowRow[] = [];
  for (let at = top; at < Math.min(top + height, length); at++) {
    if (ghost !== undefined && at === index) {
      rows.push({ row: ghost.row, key: keyOf(ghost.row), deletedAtMs: ghost.deletedAtMs });
      continue;
    }
    const row = visible.at(ghost !== undefined && at > index ? at - 1 : at);
    if (row !== undefined) rows.push({ row, key: keyOf(row), deletedAtMs: undefined });
  }
  const here = rows[index - top]?.key;
  // While a filter or a list is under way the row may only not have been reached yet.
  const key = found === -1 && ghost === undefined && (visible.busy() || !settled) ? cursor.key : here;
  return { rows, top, index, key, length };
}

/** The window moves by half of itself when the cursor leaves it: a line at a time would repaint the screen each time. */
function topFor(top: number, index: number, height: number, length: number): number {
  const last = Math.max(0, length - height);
  const at = Math.min(Math.max(0, top), last);
  if (index < at) return Math.max(0, Math.min(index, at - (height >> 1)));
  if (index >= at + height) return Math.min(last, Math.max(index - height + 1, at + (height >> 1)));
  return at;
}
