import type { Key, LogEntry, LogSource, LogStore } from '../state/log-store.ts';
import { clockText, levelTone, prettyJson } from '../state/log-text.ts';
import type { LogView } from '../state/text-views.ts';
import { marked, searchPattern, sliceSpans } from '../ui/pager.ts';
import { displayWidth, fitCell } from '../ui/text.ts';
import type { Role, Spans, Theme } from '../ui/theme.ts';

/** The names of pods stand in the gutter; more of them would leave no room for what they say. */
const labelAtMost = 22;

/** Narrower than this, what lines say needs the room of names and milliseconds. */
const narrowBelow = 100;

export interface LogPaint {
  readonly view: LogView;
  readonly store: LogStore;
  readonly theme: Theme;
  readonly columns: number;
  readonly height: number;
}

export interface PaintedLogs {
  readonly lines: readonly string[];
  /** Index among the shown entries of the first on the screen, and behind the last. */
  readonly from: number;
  readonly to: number;
}

/** The window on the lines: costs what it shows. */
export function paintLogs({ view, store, theme, columns, height }: LogPaint): PaintedLogs {
  const gutter = gutterOf(view, store, theme, columns);
  const room = Math.max(8, columns - gutter.width);
  const length = store.shownLength();
  const paint = (entry: LogEntry): readonly string[] => {
    const rows = rowsOf(entry, view, theme, room);
    return rows.map((spans, index) => gutter.paint(entry, index === 0) + theme.line(spans, room));
  };
  const lines: string[] = [];
  // The oldest lines are read from their beginning.
  const unanchored = view.range === 'head' && !view.follow ? 0 : length;
  const wanted = view.follow || view.anchor === undefined ? unanchored : store.shownFrom(view.anchor);
  let to = wanted;
  for (; to < length && lines.length < height; to += 1) lines.push(...paint(store.shownAt(to) as LogEntry));
  let from = wanted;
  // What is left of the window at the end of the log shows the lines before.
  while (lines.length < height && from > 0) {
    from -= 1;
    lines.unshift(...paint(store.shownAt(from) as LogEntry));
  }
  const isCut = lines.length > height;
  const shown = wanted === length || from < wanted ? lines.slice(-height) : lines.slice(0, height);
  return { lines: isCut ? shown : lines, from, to };
}

interface Gutter {
  readonly width: number;
  readonly paint: (entry: LogEntry, isFirst: boolean) => string;
}

function gutterOf({ times }: LogView, store: LogStore, theme: Theme, columns: number): Gutter {
  const sources = store.sources();
  const isNarrow = columns < narrowBelow;
  // Where there is little room, ranks that tell all apart are name enough, and seconds are time enough.
  const ranks = new Set(sources.map(({ rank }) => rank));
  const byRank = isNarrow && sources.length > 1 && ranks.size === sources.length && !ranks.has(undefined);
  const labelOf = ({ label, rank }: LogSource): string => (byRank ? String(rank) : label);
  const timeLength = isNarrow ? 8 : 12;
  const labelWidth = Math.min(labelAtMost, Math.max(0, ...sources.map((one) => displayWidth(labelOf(one)))));
  const timeWidth = times ? timeLength + 1 : 0;
  const width = timeWidth + (labelWidth === 0 ? 0 : labelWidth + 1);
  const blank = ' '.repeat(width);
  return {
    width,
    paint(entry, isFirst) {
      if (!isFirst) return blank;
      const time = times ? theme.paint('dim', `${clockText(entry.at).slice(0, timeLength)} `) : '';
      if (labelWidth === 0) return time;
      const label = fitCell(entry.source === undefined ? '' : labelOf(entry.source), labelWidth);
      return `${time}${entry.source === undefined ? label : theme.paintCycle(entry.source.index, label)} `;
    },
  };
}

const ownRoles: Readonly<Record<Exclude<LogEntry['kind'], 'line'>, Role>> = {
  mark: 'mark',
  note: 'pending',
  death: 'bad',
  event: 'warn',
};

function rowsOf(entry: LogEntry, view: LogView, theme: Theme, room: number): readonly Spans[] {
  const spans = textsOf(entry, view, theme);
  const pattern = searchPattern(view.invert ? '' : view.filter);
  const isCurrent =
    view.match !== undefined && view.match.at === entry.at && view.match.order === entry.order;
  const rows: Spans[] = [];
  for (const line of spans) {
    const found = marked(line, pattern, isCurrent);
    if (!view.wrap) {
      rows.push(sliceSpans(found, view.left, view.left + room));
      continue;
    }
    const width = displayWidth(line.map(({ text }) => text).join(''));
    for (let at = 0; at === 0 || at < width; at += room) rows.push(sliceSpans(found, at, at + room));
  }
  return rows;
}

function textsOf(entry: LogEntry, view: LogView, theme: Theme): readonly Spans[] {
  const { dash } = theme.glyphs;
  if (entry.kind !== 'line')
    return [[{ text: `${dash}${dash} ${entry.text} ${dash}${dash}`, role: ownRoles[entry.kind] }]];
  const role = levelTone(entry.text);
  const pretty = view.json ? prettyJson(entry.text) : undefined;
  if (pretty !== undefined) return pretty.map((text) => [{ text, role }]);
  const notes: string[] = [];
  if (entry.updates > 0) notes.push(`(drawn ${entry.updates + 1} times)`);
  if (entry.cut > 0) notes.push(`(+${entry.cut.toLocaleString('en')} bytes cut)`);
  if (entry.trace === 'head' && view.folded && view.filter === '' && entry.folded > 0)
    notes.push(`[+${entry.folded} lines, enter unfolds]`);
  const text = { text: entry.text, role } as const;
  return [notes.length === 0 ? [text] : [text, { text: `  ${notes.join(' ')}`, role: 'dim' }]];
}

/** Longer without a line than this, while others talk, is silence. */
const silentAfterMs = 60_000;

const isSilent = (source: LogSource, newest: number, now: number): boolean =>
  source.state.state === 'following' &&
  !source.isGone &&
  (source.lastAt === undefined ? now - newest < silentAfterMs : newest - source.lastAt > silentAfterMs);

/** One sign for each container: whether it is followed, silent, waiting or dead. */
export function rankSpans(store: LogStore, theme: Theme, now: number): Spans {
  const sources = store.sources();
  const { good, bad, warn, pending, done } = theme.glyphs;
  const newest = Math.max(0, ...sources.map(({ lastAt }) => lastAt ?? 0));
  // Of parts that each number from 0, a number tells nobody apart.
  const ranks = sources.flatMap(({ rank }) => rank ?? []);
  const areApart = new Set(ranks).size === ranks.length;
  const inOrder = sources.toSorted((a, b) =>
    areApart ? (a.rank ?? 1e9) - (b.rank ?? 1e9) : a.label.localeCompare(b.label, 'en', { numeric: true }),
  );
  return [
    { text: ranks.length > 0 && areApart ? ' ranks' : ' pods', role: 'dim' },
    ...inOrder.flatMap((source, index): Spans => {
      const name = !areApart ? source.label : source.rank === undefined ? String(index) : String(source.rank);
      const state = source.state.state;
      const [sign, role]: readonly [string, Role] =
        source.isGone || source.diedAt !== undefined || state === 'failed'
          ? [bad, 'bad']
          : state === 'waiting' || state === 'queued' || state === 'connecting' || state === 'reconnecting'
            ? [pending, 'pending']
            : isSilent(source, newest, now)
              ? [warn, 'warn']
              : state === 'ended'
                ? [done, 'done']
                : [good, 'good'];
      return [
        { text: ` ${name}`, role: 'dim' },
        { text: sign, role },
      ];
    }),
  ];
}

/** Which are silent, and since when by the log's clock. */
export function silenceText(store: LogStore, now: number): string {
  const sources = store.sources();
  const newest = Math.max(0, ...sources.map(({ lastAt }) => lastAt ?? 0));
  const silent = sources.filter((source) => isSilent(source, newest, now));
  if (silent.length === 0) return '';
  const named = silent.slice(0, 3).map(({ rank, label, lastAt }) => {
    const since = lastAt === undefined ? '' : ` since ${clockText(lastAt).slice(0, 8)}`;
    return `${rank ?? label}${since}`;
  });
  return `silent: ${named.join(', ')}${silent.length > 3 ? ` +${silent.length - 3}` : ''}`;
}

export const keyOfEntry = ({ at, order }: LogEntry): Key => ({ at, order });
