import { Box } from 'ink';
import type { ReactElement } from 'react';
import { Lines } from '../ui/Lines.tsx';
import { StaticTable } from '../ui/StaticTable.tsx';
import type { Theme } from '../ui/theme.ts';
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
