import { displayWidth, wrap } from './text.ts';
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
      ...group.entries.flatMap((entry) => entryLines(entry, columnWidth)),
    );
  }
  const height = Math.max(0, ...columns.map((column) => column.length));
  return Array.from({ length: height }, (_, row) =>
    columns.flatMap((column): Spans => padded(column[row] ?? [], columnWidth)),
  );
}

/** Of the keys, and where the text goes on that does not fit beside them. */
const keyWidth = 12;
const indent = 3;

/** A text that is longer than its column goes on under itself: half a sentence helps nobody. */
function entryLines({ keys, text, off }: HelpEntry, width: number): readonly Spans[] {
  const label = `${' '.repeat(indent)}${keys.padEnd(keyWidth)} `;
  const under = indent + keyWidth + 1;
  const role = off ? 'hint.off' : 'hint.text';
  const first = wrap(text, Math.max(4, width - 1 - displayWidth(label)))[0] ?? '';
  const rest = text.slice(first.length).trimStart();
  return [
    [
      { text: label, role: off ? 'hint.off' : 'hint.key' },
      { text: first, role },
    ],
    ...(rest === '' ? [] : wrap(rest, Math.max(4, width - 1 - under))).map(
      (line): Spans => [{ text: `${' '.repeat(under)}${line}`, role }],
    ),
  ];
}

function padded(spans: Spans, width: number): Spans {
  const used = spans.reduce((sum: number, span: Span) => sum + displayWidth(span.text), 0);
  return used >= width ? spans : [...spans, { text: ' '.repeat(width - used) }];
}
