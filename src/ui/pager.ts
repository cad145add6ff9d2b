import { displayWidth, sliceCells } from './text.ts';
import type { Span, Spans } from './theme.ts';

/** A line of a text: plain, or in colours. */
export type PagerLine = string | Spans;

export interface PagerState {
  /** First line shown, and of a wrapped line its first row shown. */
  readonly top: number;
  readonly row: number;
  /** Cells scrolled to the right; only without wrap. */
  readonly left: number;
  readonly wrap: boolean;
  /** The end stays in sight as lines are added. */
  readonly follow: boolean;
  readonly query: string;
  /** The match that `n` went to last: a line; undefined before the first. */
  readonly match: number | undefined;
}

export const pagerStart: PagerState = {
  top: 0,
  row: 0,
  left: 0,
  wrap: false,
  follow: false,
  query: '',
  match: undefined,
};

export interface PagerSize {
  readonly width: number;
  readonly height: number;
}

export type PagerMotion =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'halfUp'
  | 'halfDown'
  | 'top'
  | 'bottom'
  | 'left'
  | 'right'
  | 'lineStart';

/** Cells of a step sideways. */
const sideways = 8;

export const plainText = (line: PagerLine): string =>
  typeof line === 'string' ? line : line.map((span) => span.text).join('');

/** Rows that a line takes. */
function rowsOf(line: PagerLine | undefined, { wrap }: PagerState, width: number): number {
  return !wrap || line === undefined
    ? 1
    : Math.max(1, Math.ceil(displayWidth(plainText(line)) / Math.max(1, width)));
}

interface Place {
  readonly top: number;
  readonly row: number;
}

/** `rows` further down (or up, when negative), within the text. Costs as many lines as it moves, not as there are. */
function walk(
  lines: readonly PagerLine[],
  state: PagerState,
  width: number,
  from: Place,
  rows: number,
): Place {
  let { top, row } = from;
  for (let left = rows; left > 0; left--) {
    if (row + 1 < rowsOf(lines[top], state, width)) row++;
    else if (top + 1 < lines.length) {
      top++;
      row = 0;
    } else break;
  }
  for (let left = -rows; left > 0; left--) {
    if (row > 0) row--;
    else if (top > 0) {
      top--;
      row = rowsOf(lines[top], state, width) - 1;
    } else break;
  }
  return { top, row };
}

/** Where the window stands when the last row of the text is its last row. */
function lastPlace(lines: readonly PagerLine[], state: PagerState, { width, height }: PagerSize): Place {
  if (lines.length === 0) return { top: 0, row: 0 };
  const end = { top: lines.length - 1, row: rowsOf(lines.at(-1), state, width) - 1 };
  return walk(lines, state, width, end, 1 - height);
}

const isBefore = (a: Place, b: Place): boolean => a.top < b.top || (a.top === b.top && a.row < b.row);

/** The state with its window inside the text: to be called when lines, size or wrap change. */
export function settlePager(lines: readonly PagerLine[], state: PagerState, size: PagerSize): PagerState {
  const last = lastPlace(lines, state, size);
  if (state.follow) return { ...state, ...last };
  const top = Math.min(state.top, Math.max(0, lines.length - 1));
  const row = Math.min(state.row, rowsOf(lines[top], state, size.width) - 1);
  return isBefore(last, { top, row }) ? { ...state, ...last } : { ...state, top, row };
}

/** Moves the window. Moving up stops following; reaching the bottom by `bottom` starts it again where it was on. */
export function movePager(
  lines: readonly PagerLine[],
  state: PagerState,
  size: PagerSize,
  motion: PagerMotion,
): PagerState {
  const by = (rows: number): PagerState =>
    settlePager(
      lines,
      { ...state, ...walk(lines, state, size.width, state, rows), follow: state.follow && rows > 0 },
      size,
    );
  switch (motion) {
    case 'up':
      return by(-1);
    case 'down':
      return by(1);
    case 'pageUp':
      return by(-Math.max(1, size.height - 1));
    case 'pageDown':
      return by(Math.max(1, size.height - 1));
    case 'halfUp':
      return by(-Math.max(1, size.height >> 1));
    case 'halfDown':
      return by(Math.max(1, size.height >> 1));
    case 'top':
      return { ...state, top: 0, row: 0, follow: false };
    case 'bottom':
      return { ...state, ...lastPlace(lines, state, size) };
    case 'left':
      return { ...state, left: Math.max(0, state.left - sideways) };
    case 'right':
      return state.wrap
        ? state
        : { ...state, left: Math.min(widestShown(lines, state, size), state.left + sideways) };
    case 'lineStart':
      return { ...state, left: 0 };
  }
}

/** How far the lines in sight can be scrolled sideways. */
function widestShown(lines: readonly PagerLine[], { top }: PagerState, { width, height }: PagerSize): number {
  const widest = Math.max(0, ...lines.slice(top, top + height).map((line) => displayWidth(plainText(line))));
  return Math.max(0, widest - width);
}

/** Wraps or unwraps; the line at the top stays at the top. */
export function wrapPager(
  lines: readonly PagerLine[],
  state: PagerState,
  size: PagerSize,
  wrap: boolean,
): PagerState {
  return settlePager(lines, { ...state, wrap, row: 0, left: 0 }, size);
}

/**
 * What a search looks for: a regular expression, or the text itself where it is not a valid one.
 * Ignores case unless the query has a capital, as in less -i and ripgrep.
 */
export function searchPattern(query: string): RegExp | undefined {
  if (query === '') return undefined;
  const flags = /\p{Lu}/u.test(query.replace(/\\./g, '')) ? 'gu' : 'giu';
  try {
    return new RegExp(query, flags);
  } catch {
    return new RegExp(query.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'), flags);
  }
}

/** The numbers of the lines that match, in order. */
export function matchingLines(lines: readonly PagerLine[], query: string): readonly number[] {
  const pattern = searchPattern(query);
  if (pattern === undefined) return [];
  return lines.flatMap((line, index) => {
    pattern.lastIndex = 0;
    return pattern.test(plainText(line)) ? [index] : [];
  });
}

/** Goes to the next match (`n`), the one before (`N`), or from a new query to the first at or below the window. Wraps around. */
export function findInPager(
  lines: readonly PagerLine[],
  state: PagerState,
  size: PagerSize,
  direction: 'next' | 'previous' | 'first',
  query: string = state.query,
): PagerState {
  const matches = matchingLines(lines, query);
  if (matches.length === 0) return { ...state, query, match: undefined };
  const from =
    direction === 'first'
      ? state.top - 1
      : (state.match ?? (direction === 'next' ? state.top - 1 : state.top));
  const match =
    direction === 'previous'
      ? (matches.findLast((line) => line < from) ?? matches.at(-1) ?? 0)
      : (matches.find((line) => line > from) ?? matches[0] ?? 0);
  // A third down the window: what leads to a match is as telling as the match.
  const top = Math.max(0, match - Math.floor(size.height / 3));
  const inSight = match >= state.top && match < state.top + size.height && !state.wrap;
  return settlePager(
    lines,
    { ...state, query, match, follow: false, ...(inSight ? {} : { top, row: 0 }) },
    size,
  );
}

export interface PagerView {
  /** Exactly `height` lines or fewer. */
  readonly lines: readonly Spans[];
  /** Of the text above the window's end, 0–100. */
  readonly percent: number;
  /** Position of the current match among all, 1-based, and how many there are. */
  readonly matchNumber: number | undefined;
  readonly matchCount: number;
}

/** The window as lines, with the matches marked. `matches` is `matchingLines`, kept by the caller while the text stands. */
export function pagerView(
  lines: readonly PagerLine[],
  state: PagerState,
  size: PagerSize,
  matches: readonly number[] = [],
): PagerView {
  const { width, height } = size;
  const pattern = searchPattern(state.query);
  const shown: Spans[] = [];
  let last = state.top;
  for (let top = state.top; top < lines.length && shown.length < height; top++) {
    const line = lines[top];
    if (line === undefined) break;
    last = top;
    const spans = marked(typeof line === 'string' ? [{ text: line }] : line, pattern, top === state.match);
    if (!state.wrap) {
      shown.push(sliceSpans(spans, state.left, state.left + width));
      continue;
    }
    const rows = rowsOf(line, state, width);
    for (let row = top === state.top ? state.row : 0; row < rows && shown.length < height; row++) {
      shown.push(sliceSpans(spans, row * width, (row + 1) * width));
    }
  }
  const at = state.match === undefined ? -1 : matches.indexOf(state.match);
  return {
    lines: shown,
    percent: lines.length === 0 ? 100 : Math.round((100 * (last + 1)) / lines.length),
    matchNumber: at < 0 ? undefined : at + 1,
    matchCount: matches.length,
  };
}

/** Colours the matches; those of the current line are told apart by the selection's colour. */
export function marked(spans: Spans, pattern: RegExp | undefined, isCurrent: boolean): Spans {
  if (pattern === undefined) return spans;
  const text = spans.map((span) => span.text).join('');
  const ranges = [...text.matchAll(pattern)]
    .filter((match) => match[0] !== '')
    .map((match) => [match.index, match.index + match[0].length] as const);
  if (ranges.length === 0) return spans;
  const role = isCurrent ? 'selection' : 'match';
  let at = 0;
  return spans.flatMap((span): readonly Span[] => {
    const start = at;
    at += span.text.length;
    const cuts = [start, ...ranges.flat().filter((cut) => cut > start && cut < at), at];
    return cuts.slice(0, -1).map((cut, index): Span => {
      const piece = span.text.slice(cut - start, (cuts[index + 1] ?? at) - start);
      const isMatch = ranges.some(([from, to]) => cut >= from && cut < to);
      return isMatch ? { text: piece, role } : { ...span, text: piece };
    });
  });
}

/** The cells from `start` to `end` of coloured text. */
export function sliceSpans(spans: Spans, start: number, end: number): Spans {
  let at = 0;
  const shown: Span[] = [];
  for (const span of spans) {
    const width = displayWidth(span.text);
    if (at + width > start && at < end)
      shown.push({ ...span, text: sliceCells(span.text, Math.max(0, start - at), end - at) });
    at += width;
  }
  return shown;
}
