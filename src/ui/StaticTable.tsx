import { Text } from 'ink';
import { Table as InkTable } from 'ink-table';
import type { PropsWithChildren, ReactElement } from 'react';
import type { Theme } from './theme.ts';

export interface StaticTableProps {
  readonly theme: Theme;
  /** One object a row; the keys are the headings. Small: every cell of every row is laid out. */
  readonly data: readonly Readonly<Record<string, string | number>>[];
  /** Which keys, in which order. Default: those of the data, in the order they appear. */
  readonly columns?: readonly string[];
  /** Keys whose column is right-aligned. */
  readonly right?: readonly string[];
}

/**
 * The small fixed tables (containers, conditions, volumes, quotas), drawn by ink-table. It draws every row and a line
 * between each two, so it is not for live data: that is `Table`.
 */
export function StaticTable({ theme, data, columns, right = [] }: StaticTableProps): ReactElement {
  const keys = columns ?? [...new Set(data.flatMap((row) => Object.keys(row)))];
  const Header = ({ children }: PropsWithChildren): ReactElement => (
    <Text wrap="truncate">{theme.paint('table.header', textOf(children))}</Text>
  );
  const Cell = ({ children }: PropsWithChildren): ReactElement => <Text wrap="truncate">{children}</Text>;
  const Skeleton = ({ children }: PropsWithChildren): ReactElement => (
    <Text wrap="truncate">{theme.paint('border', ruled(theme, textOf(children)))}</Text>
  );
  return (
    <InkTable
      // It takes its parts once, when it is made.
      key={`${theme.name} ${theme.level} ${theme.glyphs.dash}`}
      data={data.map((row) => ({ ...row }))}
      columns={keys.map((key) => ({
        key,
        align: right.includes(key) ? ('right' as const) : ('left' as const),
      }))}
      padding={1}
      header={Header}
      cell={Cell}
      skeleton={Skeleton}
    />
  );
}

const textOf = (children: PropsWithChildren['children']): string =>
  typeof children === 'string' ? children : Array.isArray(children) ? children.join('') : '';

/** ink-table draws its lines with box characters; ascii terminals get theirs. */
const ruled = (theme: Theme, text: string): string =>
  theme.glyphs.box[0] === '─'
    ? text
    : text
        .replace(/─/g, '-')
        .replace(/│/g, '|')
        .replace(/[┌┐└┘├┤┬┴┼]/g, '+');
