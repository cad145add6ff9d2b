import { Box } from 'ink';
import type { ReactElement } from 'react';
import { Lines } from '../ui/Lines.tsx';
import { StaticTable } from '../ui/StaticTable.tsx';
import type { Role, Theme } from '../ui/theme.ts';
import type { DetailModel } from './detail.ts';

export interface DetailProps {
  readonly theme: Theme;
  readonly columns: number;
  readonly height: number;
  readonly model: DetailModel;
}

/** A pod: facts, its containers as a small fixed table, conditions and volumes. */
export function Detail({ theme, columns, height, model }: DetailProps): ReactElement {
  const { above, below, containers } = model;
  if (2 * containers.length + 3 + above.length > height)
    return <Compact theme={theme} columns={columns} height={height} model={model} />;
  // The table draws a line around each row.
  const tableHeight = 2 * containers.length + 3;
  const top = Math.min(above.length, Math.max(0, height - tableHeight));
  const rest = Math.max(0, height - top - tableHeight);
  return (
    <Box flexDirection="column" height={height} width={columns} overflow="hidden">
      <Lines lines={above.slice(0, top).map((spans) => theme.line(spans, columns))} height={top} />
      <Box
        height={Math.min(tableHeight, height - top)}
        flexShrink={0}
        flexDirection="column"
        overflow="hidden"
      >
        <StaticTable theme={theme} data={containers} columns={model.columns} />
      </Box>
      <Lines lines={below.slice(0, rest).map((spans) => theme.line(spans, columns))} height={rest} />
    </Box>
  );
}

/** Many containers on a low terminal: a line each, the one under the cursor in sight. */
function Compact({ theme, columns, height, model }: DetailProps): ReactElement {
  const { above, containers, columns: titles } = model;
  const widths = titles.map((title) =>
    Math.max(title.length, ...containers.map((row) => (row[title] ?? '').length)),
  );
  const lineOf = (cells: readonly string[], role: Role): string =>
    theme.line([{ text: cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '), role }], columns);
  const facts = above.slice(0, Math.max(0, height - 4)).map((spans) => theme.line(spans, columns));
  const room = Math.max(1, height - facts.length - 1);
  const cursor = containers.findIndex((row) => (row[titles[0] ?? ''] ?? '').startsWith('>'));
  const from = Math.max(0, Math.min(cursor - Math.floor(room / 2), containers.length - room));
  const rows = containers.slice(from, from + room).map((row, at) =>
    lineOf(
      titles.map((title) => row[title] ?? ''),
      from + at === cursor ? 'selection' : 'plain',
    ),
  );
  return <Lines lines={[...facts, lineOf(titles, 'table.header'), ...rows]} height={height} />;
}
