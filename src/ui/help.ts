import { displayWidth, truncate } from './text.ts';
import type { Span, Spans } from './theme.ts';

export interface HelpGroup {
  readonly title: string;
  readonly entries: readonly HelpEntry[];
}

export interface HelpEntry {
  /** As a person reads it: `ctrl-d`, `j k`. */
  readonly keys: string;
  readonly text: string;
  /** Cannot be used now: dimmed. */
  readonly off?: boolean;
}

const narrowest = 36;
const widest = 52;

/** The key tables as lines; longer than the screen where there are many. Whole groups are dealt to the shortest column. */
export function helpLines(groups: readonly HelpGroup[], width: number): readonly Spans[] {
  const count = Math.max(1, Math.min(groups.length, Math.floor(width / narrowest)));
  const columnWidth = Math.min(widest, Math.floor(width / count));
  const columns: Spans[][] = Array.from({ length: count }, () => []);
  for (const group of groups) {
    const shortest = columns.reduce(
      (best, column) => (column.length < best.length ? column : best),
      columns[0] ?? [],
    );
    if (shortest.length > 0) shortest.push([]);
    shortest.push(
      [{ text: ` ${group.title}`, role: 'title' }],
      ...group.entries.map((entry) => entryLine(entry, columnWidth)),
    );
  }
  const height = Math.max(0, ...columns.map((column) => column.length));
  return Array.from({ length: height }, (_, row) =>
    columns.flatMap((column): Spans => padded(column[row] ?? [], columnWidth)),
  );
}

function entryLine({ keys, text, off }: HelpEntry, width: number): Spans {
  const keyWidth = 12;
  return [
    {
      text: `   ${truncate(keys, Math.max(keyWidth, displayWidth(keys))).padEnd(keyWidth)} `,
      role: off ? 'hint.off' : 'hint.key',
    },
    {
      text: truncate(text, Math.max(4, width - 5 - Math.max(keyWidth, displayWidth(keys)))),
      role: off ? 'hint.off' : 'hint.text',
    },
  ];
}

function padded(spans: Spans, width: number): Spans {
  const used = spans.reduce((sum: number, span: Span) => sum + displayWidth(span.text), 0);
  return used >= width ? spans : [...spans, { text: ' '.repeat(width - used) }];
}
