import type { SubjectReport } from '../checklist/report.ts';
import { type Stop, stopsOf } from '../state/examination.ts';
import type { Spans, Theme } from '../ui/theme.ts';
import { lifePane } from './checklist-life.ts';
import {
  type ChecklistLine,
  type ChecklistQuestion,
  gateStrip,
  hanging,
  headLines,
  reportLines,
} from './checklist-lines.ts';
import { logLines } from './checklist-log.ts';

export interface ChecklistBody {
  /** Painted, at most `height`. */
  readonly lines: readonly string[];
  readonly top: number;
  readonly cursor: number;
  /** Lines there are in all. */
  readonly total: number;
}

/** From here on the life of the object stands beside what was found. */
const twoPanesFrom = 120;

/** The checklist in a body of this height, scrolled so that the cursor is in sight. */
export function checklistBody(question: ChecklistQuestion): ChecklistBody {
  const { view, examination, theme, columns, height, spinner } = question;
  const report = examination?.report;
  if (report === undefined) {
    const gone = examination?.progress === 'gone';
    const failed = examination?.progress === 'done';
    const spans: readonly Spans[] = [
      [],
      gone
        ? [{ text: '  This object does not exist any more.', role: 'ghost' }]
        : failed
          ? [{ text: '  It cannot be read.', role: 'bad' }]
          : [{ text: `  ${spinner} Reading ${view.title}`, role: 'pending' }],
      ...(examination?.partial ?? []).flatMap((note) => hanging([{ text: '  ' }], note, columns, 'dim')),
    ];
    const lines = spans.slice(0, height).map((each) => theme.line(each, columns));
    return { lines, top: 0, cursor: 0, total: lines.length };
  }
  return columns >= twoPanesFrom ? wideBody(question, report) : narrowBody(question, report);
}

function narrowBody(question: ChecklistQuestion, report: SubjectReport): ChecklistBody {
  const { theme, columns, height } = question;
  const above = [...headLines(question, report), ...gateStrip(report, theme, columns)];
  const lines = [...above.map((spans): ChecklistLine => ({ spans })), ...reportLines(question, report)];
  return windowOn(lines, question, columns, height);
}

/** The head over both panes; on the left the life with its questions, on the right causes, fixes and evidence. */
function wideBody(question: ChecklistQuestion, report: SubjectReport): ChecklistBody {
  const { theme, columns, height, view } = question;
  const head = headLines(question, report).slice(0, height);
  // Enough for the name of every station.
  const left = Math.max(43, Math.min(52, Math.floor(columns / 3)));
  const right = columns - left - 2;
  const room = height - head.length;
  if (room <= 0) return narrowBody(question, report);
  const found = reportLines({ ...question, columns: right }, report);
  const lines = found[0]?.spans.length === 0 ? found.slice(1) : found;
  const log = logLines(question.examination, { theme, columns: right, room: room - lines.length });
  const body = windowOn([...lines, ...log.map((spans) => ({ spans }))], question, right, room);
  const stops = stopsOf(report);
  const followed = itemOf(stops[Math.min(view.cursor, stops.length - 1)]);
  const life = lifePane(report, followed, { theme, columns: left, height: room });
  const between = theme.line([{ text: theme.glyphs.box[1], role: 'dim' }, { text: ' ' }], 2);
  const rows = life.map((line, at) => `${line}${between}${body.lines[at] ?? theme.line([], right)}`);
  return { ...body, lines: [...head.map((spans) => theme.line(spans, columns)), ...rows] };
}

const itemOf = (stop: Stop | undefined) =>
  stop?.on === 'item' || stop?.on === 'evidence' ? stop.item : undefined;

/** As many lines as there is room for, around the cursor; what is above and below them is counted in the last one. */
function windowOn(
  lines: readonly ChecklistLine[],
  { view, theme }: Pick<ChecklistQuestion, 'view' | 'theme'>,
  columns: number,
  height: number,
): ChecklistBody {
  const stops = lines.reduce((most, { stop }) => Math.max(most, (stop ?? -1) + 1), 0);
  const cursor = Math.max(0, Math.min(view.cursor, stops - 1));
  const isCut = lines.length > height && height > 1;
  const room = isCut ? height - 1 : height;
  const top = topFor(lines, cursor, view.top, room);
  const shown = lines
    .slice(top, top + room)
    .map(({ spans, stop }) =>
      stop !== undefined && stop === cursor ? marked(spans, theme, columns) : theme.line(spans, columns),
    );
  if (isCut) shown.push(theme.line(restOf(top, lines.length - top - room, theme), columns));
  return { lines: shown, top, cursor, total: lines.length };
}

/** `↑ 4 lines above  ↓ 12 below`. */
function restOf(above: number, below: number, { glyphs }: Theme): Spans {
  const told = [
    above === 0 ? undefined : `${glyphs.ascending} ${above} above`,
    below === 0 ? undefined : `${glyphs.descending} ${below} below`,
  ].filter((part) => part !== undefined);
  return [{ text: `  ${told.join('   ')}`, role: 'dim' }];
}

/** Over the whole line, so that it is seen without colours too. */
function marked([first, ...rest]: Spans, theme: Theme, columns: number): string {
  const spans: Spans = [{ ...first, text: `>${(first?.text ?? ' ').slice(1)}` }, ...rest];
  return theme.line(
    spans.map(({ text }) => ({ text, role: 'selection' as const })),
    columns,
    'selection',
  );
}

/** The window moves only as far as it must; at the first stop it shows what stands above it too. */
function topFor(lines: readonly ChecklistLine[], cursor: number, top: number, height: number): number {
  const first = lines.findIndex(({ stop }) => stop === cursor);
  const last = lines.findLastIndex(({ stop }) => stop === cursor);
  const furthest = Math.max(0, lines.length - height);
  if (first === -1) return Math.min(top, furthest);
  if (cursor === 0 && last < height) return 0;
  const isLastStop = !lines.slice(last + 1).some(({ stop }) => stop !== undefined);
  if (isLastStop && lines.length - 1 - first < height) return furthest;
  const low = Math.max(0, last - height + 1);
  return Math.min(furthest, Math.max(low, Math.min(top, first)));
}
