import type { Row, Table } from '../resources/resource.ts';
import type { Session, TableView } from '../state/session.ts';
import type { Visible } from '../state/visible.ts';
import type { TableWindow } from '../state/window.ts';
import type { Message } from '../ui/message.ts';
import { tableLines } from '../ui/Table.tsx';
import type { TableCell } from '../ui/table.ts';
import type { Theme } from '../ui/theme.ts';
import {
  cellsOf,
  createLayouter,
  mergesBelow,
  type ScreenColumn,
  sampleSize,
  screenColumns,
  sortMark,
} from './columns.ts';

export interface TableBodyQuestion {
  readonly session: Session;
  readonly view: TableView;
  readonly table: Table<Row>;
  readonly visible: Visible;
  readonly window: TableWindow;
  readonly theme: Theme;
  readonly columns: number;
  readonly height: number;
  readonly stale: boolean;
  /** In place of rows, where there are none. */
  readonly message: Message | undefined;
  readonly now: number;
}

export interface TableBody {
  readonly lines: readonly string[];
  /** Titles of the columns that were laid out, left to right. */
  readonly titles: readonly string[];
  /** Columns scrolled out at the left: not more than there are. */
  readonly scroll: number;
}

/** Turns a window of rows into lines, with columns that do not jump as rows change. */
export function createTableBody(): (question: TableBodyQuestion) => TableBody {
  const layouter = createLayouter();
  let chosenFor = '';
  let chosenOf: Table<Row> | undefined;
  let chosen: readonly ScreenColumn[] = [];
  /** How many rows there were when some of all of them were measured. */
  let sampledAt = 0;

  function choose({
    table,
    session: { wide, namespaces },
    columns,
  }: TableBodyQuestion): readonly ScreenColumn[] {
    const single = namespaces !== 'all' && namespaces.length === 1;
    const key = [wide, columns < mergesBelow, single].join(' ');
    if (key !== chosenFor || table !== chosenOf) {
      chosenFor = key;
      chosenOf = table;
      sampledAt = 0;
      chosen = screenColumns(table, { wide, namespaces, width: columns });
    }
    return chosen;
  }

  /** Rows to measure: those on the screen, and when the table has grown much, some of all of it. */
  function* sample(
    shown: Iterable<readonly TableCell[]>,
    { visible, theme, now }: TableBodyQuestion,
  ): Generator<readonly TableCell[]> {
    yield* shown;
    const step = Math.max(1, Math.ceil(visible.length() / sampleSize));
    // Again when there are twice as many rows, not at each page of a list.
    if (visible.length() < sampledAt * 2 || visible.length() === 0 || visible.busy()) return;
    sampledAt = visible.length();
    for (let at = 0; at < visible.length(); at += step) {
      const row = visible.at(at);
      if (row !== undefined) yield cellsOf(row, chosen, theme.glyphs, now);
    }
  }

  return (question) => {
    const { view, table, window, theme, columns, height, stale, message, now } = question;
    const shownColumns = choose(question);
    const titles = shownColumns.map(({ column }) => column.title);
    const rows = window.rows.map(({ row, key, deletedAtMs }, at) => ({
      cells: cellsOf(row, shownColumns, theme.glyphs, now),
      selected: window.top + at === window.index,
      marked: view.marks.has(key),
      ghost: deletedAtMs !== undefined,
    }));
    const sort = sortMark(shownColumns, view.sort ?? (table.fault === undefined ? table.sort : undefined));
    const layout = layouter.layout({
      columns: shownColumns,
      cells: sample(
        rows.map(({ cells }) => cells),
        question,
      ),
      width: columns,
      scroll: view.scroll,
      sorted: sort?.column,
    });
    const picked = view.column === undefined ? -1 : titles.indexOf(view.column);
    return {
      titles,
      scroll: layout.scroll,
      lines: tableLines({
        theme,
        layout,
        height,
        rows,
        sort,
        picked: picked === -1 ? undefined : picked,
        stale,
        message,
      }),
    };
  };
}
