import { sanitizeLine } from '../resources/sanitize.ts';
import type { Examination } from '../state/examination.ts';
import { truncate } from '../ui/text.ts';
import type { Spans, Theme } from '../ui/theme.ts';
import { heading } from './checklist-lines.ts';

/** Fewer lines of a log say nothing. */
const fewest = 3;

/** The run that the report asked about, else the one before, else the present one. */
function runOf({ logs = {}, report }: Examination): string | undefined {
  const keys = Object.keys(logs).filter((key) => logs[key]?.trim() !== '');
  const wanted = (report?.wants ?? []).map(
    ({ namespace, pod, container, previous }) =>
      `${namespace}/${pod}/${container}${previous ? '@previous' : ''}`,
  );
  return wanted.find((key) => keys.includes(key)) ?? keys.find((key) => key.endsWith('@previous')) ?? keys[0];
}

const withoutTime = (line: string): string => line.replace(/^\d{4}-\d\d-\d\dT\S+ /, '');

/** The end of the log under what was found, as far as there is room for it; the cursor does not go there, `l` and `p` do. */
export function logLines(
  examination: Examination | undefined,
  { theme, columns, room }: { readonly theme: Theme; readonly columns: number; readonly room: number },
): readonly Spans[] {
  const run = examination === undefined ? undefined : runOf(examination);
  if (run === undefined || room < fewest + 2) return [];
  const container = run.split('/').at(-1)?.replace('@previous', '') ?? '';
  const lines = (examination?.logs?.[run] ?? '')
    .split(/\r?\n/)
    .map((line) => sanitizeLine(withoutTime(line)))
    .filter((line) => line !== '')
    .slice(2 - room);
  const which = run.endsWith('@previous') ? 'Log of the run before' : 'Log';
  return [
    [],
    heading(`${which}: ${container}`, `last ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`),
    ...lines.map(
      (line): Spans => [{ text: `  ${truncate(line, columns - 3, theme.glyphs.ellipsis)}`, role: 'dim' }],
    ),
  ];
}
