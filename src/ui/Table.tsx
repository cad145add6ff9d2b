import type { ReactElement } from 'react';
import { Lines } from './Lines.tsx';
import { type Message, messageLines } from './message.ts';
import { headerLine, rowLine, type Sort, type TableLayout, type TableRow } from './table.ts';
import type { Theme } from './theme.ts';

export interface TableProps {
  readonly theme: Theme;
  readonly layout: TableLayout;
  /** Lines for header and rows together. */
  readonly height: number;
  /** The visible window only, top first: at most `height - 1`. */
  readonly rows: readonly TableRow[];
  readonly sort?: Sort | undefined;
  /** The column that Shift-arrows picked. */
  readonly picked?: number | undefined;
  /** The rows are old: they are shown dimmed. */
  readonly stale?: boolean;
  /** Shown in place of rows: loading, nothing there, forbidden, broken. */
  readonly message?: Message | undefined;
}

/** The live table: a header and a window of rows, each one ready string. It holds nothing and measures nothing. */
export function Table(props: TableProps): ReactElement {
  return <Lines lines={tableLines(props)} height={props.height} />;
}

/** The table as lines, for what is composed of lines. */
export function tableLines({
  theme,
  layout,
  height,
  rows,
  sort,
  picked,
  stale = false,
  message,
}: TableProps): readonly string[] {
  const header = headerLine(theme, layout, sort, picked);
  if (rows.length === 0 && message !== undefined)
    return [header, ...messageLines(theme, message, layout.width, height - 1)];
  return [header, ...rows.slice(0, Math.max(0, height - 1)).map((row) => rowLine(theme, layout, row, stale))];
}
