import { type Cells, isRiskyChar, isSeenOnBlank, parseCells, penChange } from './cells.ts';

/** What a terminal shows, and how to make it show something else with few bytes. */
export interface Screen {
  /** The bytes that turn what is shown into these lines; empty when nothing changed. Lines past the bottom are ignored. */
  readonly paint: (lines: readonly string[]) => string;
  /** Forgets what is shown: the next paint writes every cell. */
  readonly forget: () => void;
}

const blankRow: Cells = { chars: [], pens: [], isRisky: false };

/** Unchanged cells between two changes that are written again rather than jumped over: a jump costs 4 bytes or more. */
const bridged = 4;
/** Blank cells that are worth an ECH and a jump (10 bytes). */
const erased = 12;
/** A scroll region costs about 25 bytes and a repaint of what did not move: fewer rows than this are just painted. */
const leastScroll = 3;

/** A screen of that size, about which nothing is known yet. */
export function createScreen(columns: number, rows: number): Screen {
  /** The text of each shown row; undefined where unknown. */
  let shown: readonly (string | undefined)[] = [];
  let cache = new Map<string, Cells>();
  const cellsOf = (line: string | undefined): Cells => {
    if (line === undefined || line === '') return blankRow;
    let cells = cache.get(line);
    if (cells === undefined) {
      cells = parseCells(line, columns);
      if (cache.size > 8 * rows + 64) cache = new Map();
      cache.set(line, cells);
    }
    return cells;
  };

  function paint(lines: readonly string[]): string {
    const next = Array.from({ length: rows }, (_, row) => lines[row] ?? '');
    const isFresh = shown.length === 0;
    if (!isFresh && next.every((line, row) => line === shown[row])) return '';
    const pen = createPen(columns, isFresh);
    let current = isFresh ? Array.from({ length: rows }, () => undefined) : shown;
    const scroll = isFresh ? undefined : findScroll(current, next);
    if (scroll !== undefined) {
      pen.scroll(scroll);
      current = scrolled(current, scroll);
    }
    for (const [row, line] of next.entries()) {
      const before = current[row];
      if (before === line) continue;
      const [old, fresh] = [cellsOf(before), cellsOf(line)];
      if (before === undefined || old.isRisky || fresh.isRisky) paintWhole(pen, row, fresh, columns);
      else paintChanges(pen, row, old, fresh);
    }
    shown = next;
    return pen.finish();
  }

  return {
    paint,
    forget() {
      shown = [];
    },
  };
}

// ---- writing ----

interface Scroll {
  /** First and last row of the region. */
  readonly top: number;
  readonly bottom: number;
  /** Rows that the content moves up; down when negative. */
  readonly by: number;
}

interface PenWriter {
  readonly moveTo: (row: number, column: number) => void;
  readonly put: (char: string, pen: string, width: number) => void;
  /** Erases `count` cells from the cursor on, and leaves it after them. */
  readonly erase: (count: number) => void;
  readonly eraseToEnd: () => void;
  readonly scroll: (scroll: Scroll) => void;
  readonly finish: () => string;
}

/** Keeps track of the cursor and the pen of the terminal, to move and to recolour as little as possible. */
function createPen(columns: number, isFresh: boolean): PenWriter {
  let out = isFresh ? '\x1b[r\x1b[m' : '';
  let pen = '';
  let row = -1;
  let column = -1;
  const use = (wanted: string): void => {
    out += penChange(pen, wanted);
    pen = wanted;
  };
  const plainGround = (): void => {
    if (isSeenOnBlank(pen)) use('');
  };
  return {
    moveTo(toRow, toColumn) {
      if (row === toRow && column === toColumn) return;
      if (row === toRow && column >= 0 && toColumn > column)
        out += toColumn - column === 1 ? '\x1b[C' : `\x1b[${toColumn - column}C`;
      else if (toColumn === 0 && row >= 0 && column >= 0 && toRow === row + 1) out += '\r\n';
      else if (toColumn === 0) out += toRow === 0 ? '\x1b[H' : `\x1b[${toRow + 1}H`;
      else out += `\x1b[${toRow + 1};${toColumn + 1}H`;
      row = toRow;
      column = toColumn;
    },
    put(char, wanted, width) {
      // A space looks the same in any pen without a background: no need to change it.
      if (char !== ' ' || wanted !== '') use(wanted);
      else plainGround();
      out += char;
      column += width;
      // At the right edge terminals differ in where the cursor is.
      if (column >= columns || isRiskyChar(char)) column = -1;
    },
    erase(count) {
      plainGround();
      out += `\x1b[${count}X`;
      this.moveTo(row, column + count);
    },
    eraseToEnd() {
      plainGround();
      out += '\x1b[K';
    },
    scroll({ top, bottom, by }) {
      // Insert and delete line, not SU and SD: the Linux console has no SU and SD.
      out += `\x1b[${top + 1};${bottom + 1}r\x1b[${top + 1}H\x1b[${Math.abs(by) === 1 ? '' : Math.abs(by)}${by > 0 ? 'M' : 'L'}\x1b[r`;
      row = -1;
      column = -1;
    },
    finish() {
      use('');
      return out;
    },
  };
}

function paintWhole(pen: PenWriter, row: number, cells: Cells, columns: number): void {
  pen.moveTo(row, 0);
  if (cells.isRisky) pen.eraseToEnd();
  putRange(pen, row, cells, 0, cells.chars.length);
  if (cells.chars.length === columns) return;
  pen.moveTo(row, cells.chars.length);
  pen.eraseToEnd();
}

function isSame(before: Cells, after: Cells, index: number): boolean {
  const char = before.chars[index];
  if (char === undefined) return after.chars[index] === ' ' && after.pens[index] === '';
  return char === after.chars[index] && before.pens[index] === after.pens[index];
}

function paintChanges(pen: PenWriter, row: number, before: Cells, after: Cells): void {
  const length = after.chars.length;
  let at = 0;
  while (at < length) {
    if (isSame(before, after, at)) {
      at++;
      continue;
    }
    let end = at + 1;
    for (let same = 0, index = end; index < length; index++) {
      if (!isSame(before, after, index)) {
        end = index + 1;
        same = 0;
      } else if (++same > bridged || after.pens[index] !== after.pens[end - 1]) break;
    }
    // Never start or end inside a wide character, old or new: half of it would stay or go.
    while (at > 0 && (after.chars[at] === '' || before.chars[at] === '')) at--;
    while (end < length && (after.chars[end] === '' || before.chars[end] === '')) end++;
    pen.moveTo(row, at);
    putRange(pen, row, after, at, end);
    at = end;
  }
  if (before.chars.length > length) {
    let from = length;
    // The old row may have a wide character across the new end.
    while (from > 0 && before.chars[from] === '') from--;
    if (from < length) {
      pen.moveTo(row, from);
      putRange(pen, row, after, from, length);
    }
    pen.moveTo(row, length);
    pen.eraseToEnd();
  }
}

function putRange(pen: PenWriter, row: number, { chars, pens }: Cells, from: number, to: number): void {
  for (let index = from; index < to; index++) {
    const char = chars[index] ?? ' ';
    if (char === '') continue;
    let blank = index;
    while (blank < to && chars[blank] === ' ' && pens[blank] === '') blank++;
    if (blank - index >= erased) {
      pen.moveTo(row, index);
      pen.erase(blank - index);
      index = blank - 1;
      continue;
    }
    let width = 1;
    while (chars[index + width] === '') width++;
    pen.moveTo(row, index);
    pen.put(char, pens[index] ?? '', width);
  }
}

// ---- scrolling ----

/** The vertical move that leaves most rows right: rows vote with where their text stood before. */
function findScroll(current: readonly (string | undefined)[], next: readonly string[]): Scroll | undefined {
  const where = new Map<string, number>();
  for (const [row, line] of current.entries())
    if (line !== undefined && line.trim() !== '') where.set(line, row);
  const votes = new Map<number, number>();
  for (const [row, line] of next.entries()) {
    const old = current[row] === line ? undefined : where.get(line);
    if (old !== undefined) votes.set(old - row, (votes.get(old - row) ?? 0) + 1);
  }
  const [by, count] = [...votes].reduce((best, vote) => (vote[1] > best[1] ? vote : best), [0, 0]);
  if (by === 0 || count < leastScroll) return undefined;
  const moved = next.flatMap((line, row) => (current[row + by] === line && line.trim() !== '' ? [row] : []));
  const [first = 0, last = 0] = [moved[0], moved.at(-1)];
  const scroll = { top: Math.min(first, first + by), bottom: Math.max(last, last + by), by };
  const right = (rows: readonly (string | undefined)[]): number =>
    next.filter((line, row) => rows[row] === line).length;
  return right(scrolled(current, scroll)) >= right(current) + leastScroll ? scroll : undefined;
}

function scrolled(
  rows: readonly (string | undefined)[],
  { top, bottom, by }: Scroll,
): readonly (string | undefined)[] {
  return rows.map((line, row) => {
    if (row < top || row > bottom) return line;
    const from = row + by;
    return from >= top && from <= bottom ? rows[from] : '';
  });
}
