import type { GpuRow } from '../accelerators/gpus.ts';
import { cellText, namespaceColumn } from '../resources/columns.ts';
import type { Column, Row, Table } from '../resources/resource.ts';
import type { SortOrder } from '../state/order.ts';
import { isAge } from '../state/order.ts';
import type { Namespaces } from '../state/session.ts';
import { layoutColumns, type Sort, type TableCell, type TableLayout } from '../ui/table.ts';
import { bar, displayWidth, type Glyphs, sparkline } from '../ui/text.ts';
import type { Role } from '../ui/theme.ts';

/** Below this many cells the namespace and the name share a column (ux 2.10). */
export const mergesBelow = 100;

/** A text of any length: it gets what the others leave, and no more than this where they leave little. */
const flexible: readonly string[] = ['FINDING', 'MESSAGE', 'TRUE STATE', 'WHY', 'UNBLOCK'];
const flexibleAtLeast = 30;

/** What was found is what the table is about; where, is worth the rest of a wide terminal. */
const leastFlexible = (title: string, width: number): number =>
  title === 'FINDING' ? Math.max(flexibleAtLeast, Math.floor(width * 0.4)) : flexibleAtLeast;

/** The narrowest that such a column still says something with; below it, the less important ones go. */
const leastWidths: Readonly<Record<string, number>> = {
  CLASS: 13,
  MESSAGE: 30,
  NODE: 13,
  NODES: 14,
  OBJECT: 22,
  REASON: 14,
  RESULT: 28,
  RESOURCE: 14,
  STATE: 22,
  'TOP HOLDERS': 26,
  HOLDERS: 16,
  MEANING: 30,
  ACTION: 26,
  'TRUE STATE': 20,
  UNBLOCK: 24,
  WHY: 28,
};

/** A name keeps its two ends and loses its middle; the narrower the terminal, the more of it. */
const leastName = (width: number): number => (width >= 120 ? 32 : width >= wholeFrom ? 24 : 14);

/** What must be read whole where there is any room: half a status, a time or an address is another one. */
const wholeTitles: readonly string[] = [
  'STATUS',
  'USE',
  'CREATED AT',
  'CLUSTER-IP',
  'SCHEDULE',
  'INTERNAL-IP',
];
const wholeFrom = 60;

function leastOf(title: string, natural: number, width: number): number | undefined {
  if (wholeTitles.includes(title) && width >= wholeFrom) return natural;
  // On a narrow terminal its first words, beside the line under the table that says all of it.
  if (title === 'TRUE STATE') return width >= 120 ? 20 : 12;
  return title === 'NAME' || title === 'NS/NAME' ? leastName(width) : leastWidths[title];
}

/** Rows measured beyond the window, so that columns do not jump at the first scroll. */
export const sampleSize = 200;

/** A column as the screen shows it. */
export interface ScreenColumn {
  readonly title: string;
  readonly column: Column<Row>;
  readonly priority: number;
  readonly cut: 'end' | 'middle';
  /** With a bar or a course behind the text. */
  readonly isDrawn: boolean;
  readonly text: (row: Row, now: number) => string;
  /** Drawn as a bar: a share, or undefined where it is not known. */
  readonly bar?: (row: Row) => number | undefined;
}

/** Of the bar in the GPU view, ends included. */
const barWidth = 12;

/** How much of a node's accelerators is held: what the numbers beside it say, at a glance. */
const useColumn: ScreenColumn = {
  title: 'USE',
  column: { title: 'USE', value: heldShare, tone: () => 'accent', priority: 3 },
  priority: 3,
  cut: 'end',
  isDrawn: false,
  text: () => '',
  bar: heldShare,
};

function heldShare(row: Row): number | undefined {
  const { requested, allocatable } = row as GpuRow;
  return allocatable === undefined || allocatable === 0 ? undefined : Math.min(1, requested / allocatable);
}

export interface ColumnChoice {
  readonly wide: boolean;
  readonly namespaces: Namespaces;
  /** Of the terminal, in cells. */
  readonly width: number;
}

/** The columns to lay out, of which a narrow terminal shows the most important. */
export function screenColumns(
  table: Table<Row>,
  { wide, namespaces, width }: ColumnChoice,
): readonly ScreenColumn[] {
  const own = table.columns
    .filter((column) => wide || !(column.wide ?? column.kubectl === 'wide'))
    .map((column) => screenColumn(column, width));
  if (table.name === 'gpus')
    return own.flatMap((one) => (one.title === 'REQUESTED' ? [one, useColumn] : [one]));
  if (!table.namespaced || (namespaces !== 'all' && namespaces.length === 1)) return own;
  // On a narrow terminal what happened to whom is worth more than where; Enter says that too.
  if (width < mergesBelow && own.some(({ title }) => title === 'OBJECT')) return own;
  const name = table.columns.find(({ title }) => title === 'NAME');
  if (width >= mergesBelow || name === undefined || !own.some(({ title }) => title === 'NAME')) {
    return [screenColumn(namespaceColumn, width), ...own];
  }
  const merged: ScreenColumn = {
    ...screenColumn(name, width),
    title: 'NS/NAME',
    text: (row) => `${row.namespace}/${row.name}`,
  };
  return own.map((column) => (column.title === 'NAME' ? merged : column));
}

function screenColumn(column: Column<Row>, width: number): ScreenColumn {
  return {
    title: column.title,
    column,
    priority: column.priority,
    // Pods of one owner differ at their ends.
    cut: column.title === 'NAME' ? 'middle' : 'end',
    isDrawn: width >= mergesBelow && (column.share !== undefined || column.trail !== undefined),
    text: (row, now) => cellText(column, row, now),
  };
}

const glyphOf = (tone: Role, glyphs: Glyphs): string | undefined => {
  switch (tone) {
    case 'good':
      return glyphs.good;
    case 'bad':
      return glyphs.bad;
    case 'warn':
      return glyphs.warn;
    case 'pending':
      return glyphs.pending;
    case 'done':
      return glyphs.done;
    case 'unknown':
      return glyphs.unknown;
    default:
      return undefined;
  }
};

interface Kept {
  readonly columns: readonly ScreenColumn[];
  readonly glyphs: Glyphs;
  readonly cells: readonly TableCell[];
}

const kept = new WeakMap<Row, Kept>();

/** The cells of a row; the same array for as long as they say the same, since painted lines are kept by it. */
export function cellsOf(
  row: Row,
  columns: readonly ScreenColumn[],
  glyphs: Glyphs,
  now: number,
): readonly TableCell[] {
  const known = kept.get(row);
  const before = known?.columns === columns && known.glyphs === glyphs ? known.cells : undefined;
  let isSame = before !== undefined;
  const cells = columns.map((column, at): TableCell => {
    const role = column.column.tone?.(row, now) ?? 'plain';
    const text =
      column.bar === undefined ? drawn(column, row, glyphs, now) : barText(column.bar(row), glyphs);
    const glyph = column.title === 'STATUS' ? glyphOf(role, glyphs) : undefined;
    const cell = { text: glyph === undefined ? text : `${glyph} ${text}`, role };
    const former = before?.[at];
    if (former?.text !== cell.text || former.role !== cell.role) isSame = false;
    return cell;
  });
  if (isSame && before !== undefined) return before;
  kept.set(row, { columns, glyphs, cells });
  return cells;
}

/** Of the bars and courses of measurements. */
const smallBarWidth = 8;
const trailWidth = 12;

/** The text, and behind it its bar or its course: what is cut on a narrow terminal is the drawing. */
function drawn({ column, text, isDrawn }: ScreenColumn, row: Row, glyphs: Glyphs, now: number): string {
  const words = text(row, now);
  if (!isDrawn) return words;
  const share = column.share?.(row, now);
  const drawing =
    column.trail !== undefined
      ? sparkline(column.trail(row), trailWidth, glyphs)
      : share === undefined
        ? ''
        : bar(share, smallBarWidth, glyphs);
  return `${words.padStart(4)} ${drawing}`.trimEnd();
}

const barText = (share: number | undefined, glyphs: Glyphs): string =>
  `${bar(share, barWidth, glyphs)} ${share === undefined ? '?' : `${Math.round(share * 100)}%`}`;

/** Keeps columns from jumping: widths only grow while the same columns are shown, and an equal layout is the same one. */
export interface Layouter {
  readonly layout: (question: LayoutQuestion) => TableLayout;
}

interface LayoutQuestion {
  readonly columns: readonly ScreenColumn[];
  /** Cells of the rows to measure. */
  readonly cells: Iterable<readonly TableCell[]>;
  readonly width: number;
  readonly scroll: number;
  readonly sorted: number | undefined;
}

export function createLayouter(): Layouter {
  let widths: number[] = [];
  let measured: readonly ScreenColumn[] = [];
  let lastKey = '';
  let last: TableLayout | undefined;
  return {
    layout({ columns, cells, width, scroll, sorted }) {
      if (columns !== measured) {
        measured = columns;
        widths = columns.map(() => 0);
        last = undefined;
      }
      for (const row of cells) {
        for (const [at, cell] of row.entries()) {
          const wide = displayWidth(cell.text);
          if (wide > (widths[at] ?? 0)) widths[at] = wide;
        }
      }
      const key = `${width} ${scroll} ${sorted} ${widths.join(',')}`;
      if (last !== undefined && key === lastKey) return last;
      lastKey = key;
      last = layoutColumns(
        withFlexible(columns, widths, width).map((wide, at) => {
          const column = columns[at];
          const title = column?.title ?? '';
          const least = column?.isDrawn === true ? wide : leastOf(title, wide, width);
          return {
            ...(least === undefined ? {} : { min: least }),
            title,
            width: wide,
            priority: column?.priority ?? 0,
            align: column?.column.align ?? 'left',
            cut: column?.cut ?? 'end',
          };
        }),
        width,
        { scroll, pinned: pinnedOf(columns), sorted },
      );
      return last;
    },
  };
}

/** The name, and what stands before it, do not scroll away. */
const pinnedOf = (columns: readonly ScreenColumn[]): number =>
  Math.max(1, columns.findIndex(({ column }) => column.title === 'NAME') + 1 || 1);

function withFlexible(
  columns: readonly ScreenColumn[],
  widths: readonly number[],
  width: number,
): readonly number[] {
  const others = columns.reduce(
    (sum, { title }, at) =>
      sum + (flexible.includes(title) ? 0 : Math.max(title.length, widths[at] ?? 0) + 1),
    0,
  );
  return widths.map((wide, at) =>
    flexible.includes(columns[at]?.title ?? '')
      ? Math.min(wide, Math.max(leastFlexible(columns[at]?.title ?? '', width), width - others - 2))
      : wide,
  );
}

/** Where the arrow stands, and which way: an age that ascends is a time that descends. */
export function sortMark(columns: readonly ScreenColumn[], sort: SortOrder | undefined): Sort | undefined {
  if (sort === undefined) return undefined;
  const at = columns.findIndex(({ column }) => column.title === sort.column);
  return at === -1
    ? undefined
    : { column: at, descending: isAge(sort.column) ? !sort.descending : sort.descending };
}
