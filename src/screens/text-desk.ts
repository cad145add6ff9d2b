import type { TextHands, TextMotion } from '../actions/action.ts';
import { ageText } from '../resources/fields.ts';
import type { Inspection } from '../state/inspection.ts';
import { type LogEntry, type LogStore, logBytes } from '../state/log-store.ts';
import { clockText } from '../state/log-text.ts';
import { changeView, type SessionStore, shownView, type View } from '../state/session.ts';
import type { LogView, ObjectView, TextPlace } from '../state/text-views.ts';
import {
  findInPager,
  matchingLines,
  movePager,
  type PagerLine,
  pagerView,
  plainText,
  searchPattern,
  settlePager,
} from '../ui/pager.ts';
import type { Bar, Span, Spans, Theme } from '../ui/theme.ts';
import { keyOfEntry, type PaintedLogs, paintLogs, rankSpans, silenceText } from './log-body.ts';
import { objectLines } from './object-text.ts';

/** Of one frame, for taking in lines and for judging them by a filter. */
const showBudgetMs = 6;

/** What a clipboard takes: terminals cut or drop more. */
const copyAtMost = 72 * 1024;

export interface TextDeskParts {
  readonly session: SessionStore;
  readonly inspection: Inspection;
  readonly logs: LogStore;
  readonly now: () => number;
}

export interface DeskFrame {
  readonly lines: readonly string[];
  readonly strip: readonly Bar[];
  /** At the right end of the title. */
  readonly info: Spans;
  /** What stands behind a search that is being typed. */
  readonly note: Span;
  /** Work is left for the next turn. */
  readonly busy: boolean;
}

export interface TextDesk {
  readonly draws: (view: View) => view is ObjectView | LogView;
  readonly frame: (view: ObjectView | LogView, theme: Theme, columns: number, height: number) => DeskFrame;
  readonly hands: (view: View) => TextHands | undefined;
}

const whole = (value: number): string => value.toLocaleString('en');

/** The texts: describe, YAML and events of one object, and logs. Moves in them are made here, where lines and size are known. */
export function createTextDesk({ session, inspection, logs, now }: TextDeskParts): TextDesk {
  let size = { width: 80, height: 20 };
  let lines: readonly PagerLine[] = [];
  let linesFor = '';
  let painted: PaintedLogs = { lines: [], from: 0, to: 0 };
  let matches: readonly number[] = [];
  let matchesFor = '';

  const setObject = (change: Partial<ObjectView>): void => {
    const view = shownView(session.getState());
    if (view.kind === 'describe' || view.kind === 'yaml' || view.kind === 'object-events')
      session.setState(
        changeView<ObjectView>(view.kind, (shown) => ({ ...shown, ...change }))(session.getState()),
      );
  };
  const setLogs = (change: Partial<LogView>): void =>
    session.setState(changeView<LogView>('logs', (shown) => ({ ...shown, ...change }))(session.getState()));
  const place = (next: TextPlace): void => setObject({ place: next, top: next.top });

  function linesOf(view: ObjectView, theme: Theme): readonly PagerLine[] {
    const inspected = inspection.get(view.of);
    const second = view.kind === 'yaml' ? 0 : Math.floor(now() / 1000);
    const id = [
      view.kind,
      view.of.table,
      view.of.namespace,
      view.of.name,
      view.managedFields,
      view.depth,
      view.filter === '',
      theme.glyphs.dash,
      view.kind === 'object-events' ? size.width : 0,
    ].join(' ');
    const full = `${id} ${inspected?.changedMs} ${inspected?.state.state} ${second}`;
    // Held still: only another view of it changes what is shown.
    const isHeld = view.paused && linesFor.startsWith(`${id} `) && lines.length > 2;
    if (full === linesFor || isHeld) return lines;
    lines = objectLines(view, inspected, theme, { columns: size.width, now: now() });
    linesFor = full;
    matchesFor = '';
    return lines;
  }

  function matchesOf(query: string): readonly number[] {
    if (matchesFor !== query) {
      matches = matchingLines(lines, query);
      matchesFor = query;
    }
    return matches;
  }

  function objectFrame(view: ObjectView, theme: Theme): DeskFrame {
    const text = linesOf(view, theme);
    let at = settlePager(text, view.place, size);
    // A search that was there before the object was goes to its first match once there is one.
    const isLate =
      at.query !== '' && at.match === undefined && at.top === 0 && matchesOf(at.query).length > 0;
    if (view.filter !== at.query || isLate) at = findInPager(text, at, size, 'first', view.filter);
    if (
      at.top !== view.place.top ||
      at.row !== view.place.row ||
      at.query !== view.place.query ||
      at.match !== view.place.match
    )
      place(at);
    const found = matchesOf(at.query);
    const shown = pagerView(text, at, size, found);
    const count: Span =
      at.query === ''
        ? { text: '' }
        : {
            text: `${shown.matchNumber ?? 0} of ${whole(shown.matchCount)} matches`,
            role: shown.matchCount === 0 ? 'warn' : 'match',
          };
    const state = stateSpan(view, now(), inspection);
    return {
      lines: shown.lines.map((spans) => theme.line(spans, size.width)),
      strip: [{ left: [{ text: ' ' }, state, { text: '  ' }, count] }],
      info: [
        {
          text: `${shown.percent}% of ${whole(text.length)} lines  wrap:${at.wrap ? 'on' : 'off'} `,
          role: 'dim',
        },
      ],
      note: { text: `${whole(found.length)} matches`, role: 'dim' },
      busy: false,
    };
  }

  function logFrame(view: LogView, theme: Theme): DeskFrame {
    logs.setFilter({
      pattern: searchPattern(view.filter.replace(/^!/, '')),
      invert: view.invert !== view.filter.startsWith('!'),
      context: view.context,
      folded: view.folded,
    });
    const busy = logs.show(showBudgetMs);
    painted = paintLogs({ view, store: logs, theme, columns: size.width, height: size.height });
    holdStill(view);
    const empty =
      painted.lines.length === 0
        ? [theme.line([{ text: emptyText(view), role: 'pending' }], size.width)]
        : [];
    return {
      lines: [...painted.lines, ...empty],
      strip: logStrip(view, theme),
      info: logInfo(logs, logFlags(view, size.width)),
      note: { text: `${whole(logs.matchCount())} of ${whole(logs.length())} lines`, role: 'dim' },
      busy,
    };
  }

  /** Scrolling was turned off: what stands there stays there. */
  function holdStill(view: LogView): void {
    const first = logs.shownAt(painted.from);
    if (view.follow || view.anchor !== undefined || view.range === 'head' || first === undefined) return;
    setLogs({ anchor: keyOfEntry(first) });
  }

  function emptyText(view: LogView): string {
    if (view.filter !== '' && logs.length() > 0)
      return ` No line of ${whole(logs.length())} matches; esc clears the filter.`;
    const sources = logs.sources();
    if (sources.length === 0) return ' No pod of it is here yet; its logs appear as soon as one is.';
    return ' Waiting for lines.';
  }

  function logStrip(view: LogView, theme: Theme): readonly Bar[] {
    const sources = logs.sources();
    const first = logs.firstError();
    const silence = silenceText(logs, now());
    const found: Span[] = [];
    if (silence !== '') found.push({ text: `  ${silence}`, role: 'warn' });
    if (first !== undefined) {
      const who = first.entry.source?.label || first.entry.source?.container || '';
      found.push({
        text: `  first error: ${who} ${clockText(first.entry.at).slice(0, 8)} ${first.signature?.meaning ?? ''}`.trimEnd(),
        role: 'bad',
      });
    }
    const [only] = sources;
    const about: Spans =
      sources.length > 1
        ? rankSpans(logs, theme, now())
        : only === undefined
          ? []
          : [
              {
                text: ` ${only.container}  ${stateText(only.state, now())}`,
                role: only.state.state === 'following' ? 'dim' : 'pending',
              },
            ];
    const { old } = logs.dropped();
    const filter: Spans =
      view.filter === ''
        ? []
        : [
            {
              text: ` filter: ${view.invert ? 'not ' : ''}${view.filter}  match ${whole(logs.matchCount())} of ${whole(logs.length())} lines  context ${view.context} `,
              role: 'match',
            },
          ];
    const count = logs.length();
    const held = `${whole(count)} ${count === 1 ? 'line' : 'lines'}, ${(logs.bytes() / 1024 ** 2).toFixed(1)} of ${logBytes / 1024 ** 2} MB${old > 0 ? `, ${whole(old)} older ones dropped` : ''} `;
    const brief: Span[] = [];
    if (view.filter !== '')
      brief.push({ text: ` ${whole(logs.matchCount())}/${whole(logs.length())} `, role: 'match' });
    const below = logs.shownLength() - painted.to;
    if (!view.follow && below > 0) brief.push({ text: ` ${whole(below)} more below `, role: 'accent' });
    if (old > 0) brief.push({ text: ` ${whole(old)} dropped `, role: 'warn' });
    return [
      { left: [...about, ...found], right: brief },
      { left: filter, right: [{ text: held, role: 'dim' }] },
    ];
  }

  function moveLogs(view: LogView, motion: TextMotion): void {
    const length = logs.shownLength();
    const page = Math.max(1, size.height - 1);
    const go = (index: number): void => {
      const entry = logs.shownAt(Math.max(0, Math.min(index, length - 1)));
      if (entry !== undefined) setLogs({ anchor: keyOfEntry(entry), follow: false });
    };
    const down = (by: number): void => {
      if (view.follow) return;
      if (painted.to + by > length)
        setLogs({ follow: true, anchor: undefined, ...(view.locked ? {} : { left: 0 }) });
      else go(painted.from + by);
    };
    switch (motion) {
      case 'up':
        go(painted.from - 1);
        break;
      case 'pageUp':
        go(painted.from - page);
        break;
      case 'top':
        go(0);
        break;
      case 'down':
        down(1);
        break;
      case 'pageDown':
        down(page);
        break;
      case 'bottom':
        setLogs({ follow: true, anchor: undefined, ...(view.locked ? {} : { left: 0 }) });
        break;
      case 'left':
        setLogs({ left: Math.max(0, view.left - 8) });
        break;
      case 'right':
        setLogs({ left: view.wrap ? 0 : view.left + 8 });
        break;
    }
  }

  /** Shows the entry a third down the window: what leads to it is as telling. */
  function showEntry(entry: LogEntry): void {
    const index = logs.shownFrom(keyOfEntry(entry));
    const top = logs.shownAt(Math.max(0, index - Math.floor(size.height / 3)));
    setLogs({ match: keyOfEntry(entry), anchor: keyOfEntry(top ?? entry), follow: false });
  }

  function findInLogs(view: LogView, direction: 'next' | 'previous'): boolean {
    const length = logs.shownLength();
    if (view.filter === '' || length === 0) return false;
    const by = direction === 'next' ? 1 : -1;
    const from = view.match === undefined ? painted.from - (by > 0 ? 1 : 0) : logs.shownFrom(view.match);
    for (let step = 1; step <= length; step += 1) {
      const entry = logs.shownAt((((from + by * step) % length) + length) % length);
      if (entry === undefined || !logs.matches(entry)) continue;
      showEntry(entry);
      return true;
    }
    return false;
  }

  function logText(atMost = Number.POSITIVE_INFINITY): string {
    const out: string[] = [];
    let bytes = 0;
    for (let index = logs.shownLength() - 1; index >= 0; index -= 1) {
      const entry = logs.shownAt(index);
      if (entry === undefined) continue;
      const line = `${clockText(entry.at)} ${entry.source === undefined ? '' : `${entry.source.pod}/${entry.source.container} `}${entry.text}`;
      bytes += line.length + 1;
      if (bytes > atMost) break;
      out.push(line);
    }
    return `${out.reverse().join('\n')}\n`;
  }

  function logHands(view: LogView): TextHands {
    return {
      name: `logs-${view.title}`,
      move: (motion) => moveLogs(view, motion),
      find: (direction) => findInLogs(view, direction),
      text: () => logText(),
      copy: () => logText(copyAtMost),
      firstError() {
        const error = logs.firstError();
        if (error === undefined) return undefined;
        // A filter may hide it.
        if (view.filter !== '') setLogs({ filter: '' });
        logs.setFilter({ pattern: undefined, invert: false, context: 0, folded: view.folded });
        while (logs.show(50));
        showEntry(error.entry);
        return `${error.entry.source?.label || error.entry.source?.container}: ${error.signature?.meaning ?? 'it calls itself an error'}${error.signature === undefined ? '' : `; look at ${error.signature.checks}`}`;
      },
      clear: () => logs.clear(),
      mark: () =>
        logs.note(
          'mark',
          `mark ${clockText(now())}`,
          undefined,
          Math.max(now(), logs.shownAt(logs.shownLength() - 1)?.at ?? 0),
        ),
    };
  }

  function objectHands(view: ObjectView): TextHands {
    const plain = (): string => `${lines.map(plainText).join('\n')}\n`;
    return {
      name: `${view.kind}-${view.of.table}-${view.of.namespace}-${view.of.name}`,
      move: (motion) => place(movePager(lines, view.place, size, motion)),
      find(direction) {
        if (view.place.query === '') return false;
        const next = findInPager(lines, view.place, size, direction);
        place(next);
        return next.match !== undefined;
      },
      text: plain,
      copy: () => plain().slice(0, copyAtMost),
    };
  }

  const draws = (view: View): view is ObjectView | LogView =>
    view.kind === 'describe' || view.kind === 'yaml' || view.kind === 'object-events' || view.kind === 'logs';

  return {
    draws,
    frame(view, theme, columns, height) {
      size = { width: columns, height: Math.max(1, height) };
      return view.kind === 'logs' ? logFrame(view, theme) : objectFrame(view, theme);
    },
    hands(view) {
      if (!draws(view)) return undefined;
      return view.kind === 'logs' ? logHands(view) : objectHands(view);
    },
  };
}

/** On a narrow terminal only what is not as usual. */
function logFlags({ range, follow, wrap, times, json, previous, locked }: LogView, columns: number): string {
  const seconds = typeof range === 'number' ? range : 0;
  const what = seconds === 0 ? range : `last ${seconds >= 3600 ? `${seconds / 3600}h` : `${seconds / 60}m`}`;
  const on = (is: boolean): string => (is ? 'on' : 'off');
  const isWide = columns >= 110;
  const flags = [
    previous ? 'previous' : '',
    String(what),
    isWide || !follow ? `scroll:${on(follow)}` : '',
    isWide || wrap ? `wrap:${on(wrap)}` : '',
    isWide || !times ? `time:${on(times)}` : '',
    isWide || json ? `json:${on(json)}` : '',
    locked ? 'locked' : '',
  ];
  return flags.filter((flag) => flag !== '').join(' ');
}

/** How the log is shown and how fast it comes. Lines that were lost come first: a narrow title is cut at its end. */
function logInfo(logs: LogStore, flags: string): Spans {
  const { late } = logs.dropped();
  const rate = logs.rate(Date.now());
  const speed = rate >= 1000 ? ` ${(rate / 1000).toFixed(1)}k/s` : rate >= 1 ? ` ${rate.toFixed(0)}/s` : '';
  return late === 0
    ? [{ text: `${flags}${speed} lost 0 `, role: 'dim' }]
    : [
        { text: `lost ${whole(late)} `, role: 'bad' },
        { text: `${flags}${speed} `, role: 'dim' },
      ];
}

function stateText(state: ReturnType<LogStore['sources']>[number]['state'], now: number): string {
  switch (state.state) {
    case 'connecting':
      return 'connecting';
    case 'following':
      return 'following';
    case 'queued':
      return 'waits for its turn';
    case 'waiting':
    case 'reconnecting':
      return `${state.reason}; again in ${Math.max(0, Math.ceil((state.retryAtMs - now) / 1000))}s`;
    case 'ended':
      return state.reason;
    case 'failed':
      return `${state.reason}${/[.!?]$/.test(state.reason) ? '' : '.'} ${state.hint}`;
  }
}

function stateSpan(view: ObjectView, now: number, inspection: Inspection): Span {
  const inspected = inspection.get(view.of);
  if (view.paused) return { text: 'held still; r goes on', role: 'warn' };
  switch (inspected?.state.state) {
    case 'live':
      return { text: `live, changed ${ageText(inspected.state.sinceMs, now)} ago`, role: 'good' };
    case 'stale':
      return {
        text: `as it was ${ageText(inspected.state.sinceMs, now)} ago: ${inspected.state.reason}`,
        role: 'warn',
      };
    case 'gone':
      return {
        text: `deleted ${ageText(inspected.state.sinceMs, now)} ago; this is how it was last`,
        role: 'bad',
      };
    case 'failed':
      return { text: inspected.state.reason, role: 'bad' };
    default:
      return { text: 'reading', role: 'pending' };
  }
}
