import { displayWidth, fitCell } from './text.ts';
import type { Role, Theme } from './theme.ts';

/** A column as the layout needs it. */
export interface TableColumn {
  readonly title: string;
  /** Cells of its widest text (of a sample, or of all rows): `displayWidth`. */
  readonly width: number;
  /** 0 stays on the narrowest terminal; the highest number goes first. */
  readonly priority: number;
  /** Default: left. A right-aligned column holds numbers and is never cut. */
  readonly align?: 'left' | 'right';
  /** Where a text that is too long loses its middle or its end. Default: end. */
  readonly cut?: 'end' | 'middle';
  /** The narrowest that still makes sense. Default: 32 for priority 0, else 8, and never more than it needs. */
  readonly min?: number;
}

export interface PlacedColumn {
  /** Position in the list of columns that was laid out, and so in a row's cells. */
  readonly index: number;
  readonly title: string;
  /** First cell, counted from the left edge of the table. */
  readonly x: number;
  readonly width: number;
  readonly align: 'left' | 'right';
  readonly cut: 'end' | 'middle';
}

export interface TableLayout {
  readonly width: number;
  readonly columns: readonly PlacedColumn[];
  /** Columns scrolled out at the left, and columns without room. */
  readonly hiddenLeft: number;
  readonly hiddenRight: number;
  /** The scroll that was asked for, within what is possible. */
  readonly scroll: number;
  /** Cells at the left of the selected row that take the selection's colour; ends where a column ends. */
  readonly highlight: number;
}

export interface LayoutOptions {
  /** How many columns to scroll to the right. Default: 0. */
  readonly scroll?: number;
  /** Leading columns that stay when the others scroll. Default: 1. */
  readonly pinned?: number;
  /** Index of the sorted column: its title needs a cell more. */
  readonly sorted?: number | undefined;
}

/** The first cell of each row says whether it is selected (`>`) or marked (`*`). */
const gutter = 1;
const gap = 1;

/**
 * A move of the cursor repaints the highlighted cells of two rows. 580 bytes at 200 columns (DESIGN.md, budgets) leave room
 * for about 100 cells each; up to 132 columns the whole row fits in them.
 */
const wholeRowUpTo = 132;
const highlightedCells = 100;

/** Which columns fitCell, how wide each is and where it stands. Pure: the same question gives the same layout. */
export function layoutColumns(
  columns: readonly TableColumn[],
  width: number,
  options: LayoutOptions = {},
): TableLayout {
  const { scroll = 0, pinned = 1, sorted } = options;
  const sized = columns.map((column, index) => sizesOf(column, index, index === sorted));
  const placed = scroll > 0 ? scrolled(sized, width, scroll, pinned) : { ...fitted(sized, width), scroll: 0 };
  let x = gutter;
  const placedColumns = placed.shown.map(({ column, index, natural, granted }) => {
    const place: PlacedColumn = {
      index,
      title: column.title,
      x,
      width: granted ?? natural,
      align: column.align ?? 'left',
      cut: column.cut ?? 'end',
    };
    x += place.width + gap;
    return place;
  });
  const ends = placedColumns.map((column) => column.x + column.width);
  const highlight =
    width <= wholeRowUpTo
      ? width
      : (ends.findLast((end) => end <= highlightedCells) ?? Math.min(width, highlightedCells));
  return {
    width,
    columns: placedColumns,
    highlight,
    scroll: placed.scroll,
    hiddenLeft: placed.scroll,
    hiddenRight: columns.length - placedColumns.length - placed.scroll,
  };
}

interface Sized {
  readonly column: TableColumn;
  readonly index: number;
  readonly natural: number;
  readonly min: number;
  readonly granted?: number;
}

function sizesOf(column: TableColumn, index: number, isSorted: boolean): Sized {
  const natural = Math.max(1, displayWidth(column.title) + (isSorted ? 1 : 0), column.width);
  const least =
    column.align === 'right'
      ? natural
      : (column.min ?? Math.max(column.priority === 0 ? 32 : 8, displayWidth(column.title)));
  return { column, index, natural, min: Math.min(natural, least) };
}

const roomFor = (shown: readonly Sized[], width: number): number =>
  width - gutter - gap * Math.max(0, shown.length - 1);

function fitted(all: readonly Sized[], width: number): { shown: readonly Sized[] } {
  const fits = (columns: readonly Sized[]): boolean =>
    columns.reduce((sum, { min }) => sum + min, 0) <= roomFor(columns, width);
  let shown = all;
  const gone: Sized[] = [];
  while (!fits(shown)) {
    const last = lastToStay(shown);
    if (last === undefined) break;
    gone.push(last);
    shown = shown.filter((candidate) => candidate !== last);
  }
  // A wide one that had to go may have made room for narrow ones that went before it.
  for (const column of gone.reverse()) {
    const more = all.filter((candidate) => candidate === column || shown.includes(candidate));
    if (fits(more)) shown = more;
  }
  return { shown: grant(shown, roomFor(shown, width)) };
}

/** The column that goes next: the highest priority number, of several the rightmost; never one with priority 0. */
function lastToStay(shown: readonly Sized[]): Sized | undefined {
  return shown.reduce<Sized | undefined>(
    (last, candidate) =>
      candidate.column.priority > 0 &&
      (last === undefined || candidate.column.priority >= last.column.priority)
        ? candidate
        : last,
    undefined,
  );
}

/**
 * Everyone gets the minimum; then what is missing to the natural width: first the columns that must stay, then those
 * that miss least, so that one long text does not cut many short ones.
 */
function grant(shown: readonly Sized[], room: number): readonly Sized[] {
  const least = shown.reduce((sum, { min }) => sum + min, 0);
  if (least > room) return squeeze(shown, room);
  let left = room - least;
  const granted = new Map<Sized, number>();
  const missing = (sized: Sized): number => (sized.column.priority === 0 ? 0 : sized.natural - sized.min);
  for (const sized of [...shown].sort((a, b) => missing(a) - missing(b) || a.index - b.index)) {
    const more = Math.min(left, sized.natural - sized.min);
    granted.set(sized, sized.min + more);
    left -= more;
  }
  return shown.map((sized) => ({ ...sized, granted: granted.get(sized) ?? sized.min }));
}

/** Not even the minimum of the columns that must stay fits: share what there is, left to right, until nothing is left. */
function squeeze(shown: readonly Sized[], room: number): readonly Sized[] {
  const least = Math.max(
    room,
    shown.reduce((sum, { min }) => sum + min, 0),
  );
  let left = Math.max(0, room);
  const squeezed: Sized[] = [];
  for (const [position, sized] of shown.entries()) {
    const isLast = position === shown.length - 1;
    const share = isLast
      ? left
      : Math.max(1, Math.floor((sized.min * Math.max(0, room)) / Math.max(1, least)));
    const granted = Math.min(share, left, sized.min);
    if (granted <= 0) break;
    squeezed.push({ ...sized, granted });
    left -= granted;
  }
  return squeezed;
}

function scrolled(
  all: readonly Sized[],
  width: number,
  wanted: number,
  pinnedCount: number,
): { shown: readonly Sized[]; scroll: number } {
  // The pinned columns may take what they need, up to half of the width when that is less than they would like to have.
  const wished = all
    .slice(0, pinnedCount)
    .map((sized) => ({ ...sized, min: Math.min(sized.natural, Math.max(sized.min, width >> 1)) }));
  const pinned = squeeze(wished, roomFor(wished, width));
  const rest = all.slice(pinnedCount);
  const left = width - gutter - pinned.reduce((sum, { granted }) => sum + (granted ?? 0) + gap, 0);
  // Scrolled as far as it goes, the last column stands at the right edge.
  let furthest = rest.length;
  for (let used = -gap; furthest > 0; furthest--) {
    used += (rest[furthest - 1]?.natural ?? 0) + gap;
    if (used > left && furthest < rest.length) break;
  }
  const scroll = Math.min(wanted, furthest, Math.max(0, rest.length - 1));
  const shown: Sized[] = [];
  let room = left;
  for (const sized of rest.slice(scroll)) {
    const granted =
      sized.natural <= room ? sized.natural : sized.column.align === 'right' || room < sized.min ? 0 : room;
    if (granted === 0) break;
    shown.push({ ...sized, granted });
    room -= granted + gap;
  }
  return { shown: [...pinned, ...shown], scroll };
}

/** One cell of a row: what it says and what that means. */
export interface TableCell {
  readonly text: string;
  /** Default: plain. */
  readonly role?: Role;
}

export interface TableRow {
  /** One per column of the list that was laid out. The array's identity is its version: painted rows are kept by it. */
  readonly cells: readonly TableCell[];
  readonly selected?: boolean;
  readonly marked?: boolean;
  /** The object is gone; the row stays for a while so that the cursor does not jump. */
  readonly ghost?: boolean;
}

export interface Sort {
  /** Index of the column in the list that was laid out; undefined for an order that no column shows. */
  readonly column: number | undefined;
  readonly descending: boolean;
}

/** The header line: titles, the sort arrow, and the column that Shift-arrows picked. */
export function headerLine(theme: Theme, layout: TableLayout, sort?: Sort, picked?: number): string {
  let at = gutter;
  let out = ' '.repeat(gutter);
  for (const column of layout.columns) {
    const isSorted = sort?.column === column.index;
    const arrow = isSorted ? (sort?.descending ? theme.glyphs.descending : theme.glyphs.ascending) : '';
    const role: Role = column.index === picked ? 'tab.active' : isSorted ? 'table.sort' : 'table.header';
    const title = fitCell(
      column.title,
      Math.min(column.width, displayWidth(column.title) + 1) - arrow.length,
      {
        ellipsis: theme.glyphs.ellipsis,
      },
    ).trimEnd();
    const text = fitCell(title + arrow, column.width, {
      align: column.align,
      ellipsis: theme.glyphs.ellipsis,
    });
    out += theme.paint(role, text) + ' '.repeat(gap);
    at = column.x + column.width + gap;
  }
  return at - gap > layout.width
    ? out
    : out.slice(0, out.length - gap) + ' '.repeat(Math.max(0, layout.width - (at - gap)));
}

interface Painted {
  readonly theme: Theme;
  readonly layout: TableLayout;
  readonly state: number;
  readonly dimmed: boolean;
  readonly line: string;
}

/** Keyed by the cells: when a row is replaced, its painted line goes with it. Two entries: selected rows change state and back. */
const painted = new WeakMap<readonly TableCell[], readonly Painted[]>();

/** One row, painted and padded to the layout's width. Painted once for as long as nothing about it changes. */
export function rowLine(theme: Theme, layout: TableLayout, row: TableRow, dimmed = false): string {
  const state = (row.selected ? 1 : 0) + (row.marked ? 2 : 0) + (row.ghost ? 4 : 0);
  const known = painted.get(row.cells) ?? [];
  const hit = known.find(
    (entry) =>
      entry.state === state && entry.layout === layout && entry.theme === theme && entry.dimmed === dimmed,
  );
  if (hit !== undefined) return hit.line;
  const line = paintRow(theme, layout, row, dimmed);
  painted.set(row.cells, [{ theme, layout, state, dimmed, line }, ...known.slice(0, 1)]);
  return line;
}

/** Runs of one role become one run of text, gaps included: fewer bytes, and less for Ink to take apart. */
function paintRow(theme: Theme, layout: TableLayout, row: TableRow, dimmed: boolean): string {
  const runs: { role: Role; selected: boolean; text: string }[] = [];
  const lit = row.selected === true ? layout.highlight : 0;
  let at = 0;
  const add = (text: string, role: Role): void => {
    const split = Math.min(text.length, Math.max(0, lit - at));
    // Only spaces are ever split: the highlight ends where a column ends.
    const pieces = split === 0 || split === text.length ? [text] : [text.slice(0, split), text.slice(split)];
    for (const piece of pieces) {
      const selected = at < lit;
      const last = runs.at(-1);
      if (last !== undefined && last.selected === selected && (last.role === role || piece.trim() === ''))
        last.text += piece;
      else runs.push({ role, selected, text: piece });
      at += displayWidth(piece);
    }
  };
  const whole: Role | undefined = row.ghost ? 'ghost' : dimmed ? 'dim' : row.marked ? 'mark' : undefined;
  add(row.marked ? '*' : row.selected ? '>' : ' ', row.marked ? 'mark' : row.selected ? 'accent' : 'plain');
  for (const column of layout.columns) {
    add(' '.repeat(Math.max(0, column.x - at)), 'plain');
    const cell = row.cells[column.index];
    const text = fitCell(cell?.text ?? '', column.width, {
      align: column.align,
      cut: column.cut,
      ellipsis: theme.glyphs.ellipsis,
    });
    const role = cell?.role ?? 'plain';
    add(text, whole === 'mark' && role !== 'plain' ? role : (whole ?? role));
  }
  add(' '.repeat(Math.max(0, layout.width - at)), 'plain');
  return runs
    .map(({ role, selected, text }) => (selected ? theme.paintSelected(role, text) : theme.paint(role, text)))
    .join('');
}
