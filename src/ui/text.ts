import stringWidth from 'string-width';

/**
 * Text in terminal cells: how wide it is, how to make it fitCell, and the few glyphs that mltop draws.
 * Free of Ink and React, because the command line prints with it too.
 */

/** Printable ASCII: one character, one cell. Measured 70 times cheaper than the general way. */
const ascii = /^[\x20-\x7e]*$/;

/** ASCII, and the narrow glyphs of our own chrome, all one cell in `string-width` (a test holds them to it). */
const narrow =
  /^[\x20-\x7e\u00b7\u2013\u2014\u2022\u2026\u203a\u2190-\u2193\u2191\u21b3\u2500-\u257f\u2580-\u259f\u25b2\u25bc\u25cb\u25cc\u25cf\u25d0\u2713\u2717]*$/;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Width in terminal cells. Ambiguous-width characters count as one, as in most terminals. */
export function displayWidth(text: string): number {
  return narrow.test(text) ? text.length : stringWidth(text);
}

/** One grapheme and its cells. A control character becomes `?`, so that no text can move the cursor or shift a row. */
interface Cell {
  readonly text: string;
  readonly width: number;
}

function cellsOf(text: string): Cell[] {
  const cells: Cell[] = [];
  for (const { segment } of graphemes.segment(text)) {
    const first = segment.charCodeAt(0);
    if (first < 0x20 || (first >= 0x7f && first < 0xa0)) cells.push({ text: '?', width: 1 });
    else {
      const width = stringWidth(segment);
      if (width > 0) cells.push({ text: segment, width });
    }
  }
  return cells;
}

/** Cuts to at most `width` cells, with an ellipsis where something was cut. May be a cell short after a wide character. */
export function truncate(text: string, width: number, ellipsis = '…'): string {
  if (width <= 0) return '';
  if (narrow.test(text)) {
    if (text.length <= width) return text;
    return width <= ellipsis.length
      ? ellipsis.slice(0, width)
      : text.slice(0, width - ellipsis.length) + ellipsis;
  }
  const cells = cellsOf(text);
  const total = cells.reduce((sum, cell) => sum + cell.width, 0);
  if (total <= width) return cells.map((cell) => cell.text).join('');
  return takeCells(cells, width - ellipsis.length).text + ellipsis.slice(0, width);
}

function takeCells(cells: readonly Cell[], width: number): { text: string; width: number } {
  let text = '';
  let used = 0;
  for (const cell of cells) {
    if (used + cell.width > width) break;
    text += cell.text;
    used += cell.width;
  }
  return { text, width: used };
}

/** Cuts the middle out: the end of a pod's name (its hash, its rank) tells it from its brothers. */
export function truncateMiddle(text: string, width: number, ellipsis = '…'): string {
  if (displayWidth(text) <= width) return truncate(text, width, ellipsis);
  if (width <= ellipsis.length + 1) return truncate(text, width, ellipsis);
  const room = width - ellipsis.length;
  const head = Math.floor(room / 2);
  const tail = room - head;
  if (ascii.test(text)) return text.slice(0, head) + ellipsis + text.slice(text.length - tail);
  const cells = cellsOf(text);
  const end = takeCells([...cells].reverse(), tail);
  const kept = [...graphemes.segment(end.text)].map(({ segment }) => segment).reverse();
  return takeCells(cells, room - end.width).text + ellipsis + kept.join('');
}

/** Pads with spaces to `width` cells. Text that is already wider is returned as it is. */
export function pad(text: string, width: number, align: 'left' | 'right' | 'center' = 'left'): string {
  const missing = width - displayWidth(text);
  if (missing <= 0) return text;
  if (align === 'left') return text + ' '.repeat(missing);
  if (align === 'right') return ' '.repeat(missing) + text;
  const before = Math.floor(missing / 2);
  return ' '.repeat(before) + text + ' '.repeat(missing - before);
}

export interface Fit {
  readonly align?: 'left' | 'right' | 'center';
  /** Where to cut when it is too long. Default: end. */
  readonly cut?: 'end' | 'middle';
  /** Default: `…`. */
  readonly ellipsis?: string;
}

/** Exactly `width` cells: cut with an ellipsis, or padded. */
export function fitCell(
  text: string,
  width: number,
  { align = 'left', cut = 'end', ellipsis = '…' }: Fit = {},
): string {
  if (width <= 0) return '';
  if (text.length <= width && ascii.test(text)) {
    return align === 'left'
      ? text.padEnd(width)
      : align === 'right'
        ? text.padStart(width)
        : pad(text, width, align);
  }
  return pad(
    cut === 'middle' ? truncateMiddle(text, width, ellipsis) : truncate(text, width, ellipsis),
    width,
    align,
  );
}

/** The cells from `start` up to `end`; a wide character cut in half becomes a space. */
export function sliceCells(text: string, start: number, end: number): string {
  if (narrow.test(text)) return text.slice(start, end);
  let at = 0;
  let out = '';
  for (const cell of cellsOf(text)) {
    const next = at + cell.width;
    if (at >= end) break;
    if (next > start) {
      if (at >= start && next <= end) out += cell.text;
      else out += ' '.repeat(Math.min(next, end) - Math.max(at, start));
    }
    at = next;
  }
  return out;
}

/** Breaks into lines of at most `width` cells, at spaces where there are some. Line breaks in the text are kept. */
export function wrap(text: string, width: number): string[] {
  if (width <= 0) return [];
  return text.split(/\r\n|\r|\n/).flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line];
  const lines: string[] = [];
  let current = '';
  let used = 0;
  for (const word of line.split(/(?<= )(?=[^ ])/)) {
    const wordWidth = displayWidth(word.trimEnd());
    if (used > 0 && used + wordWidth > width) {
      lines.push(current.trimEnd());
      current = '';
      used = 0;
    }
    if (wordWidth <= width) {
      current += word;
      used += displayWidth(word);
      continue;
    }
    for (const cell of cellsOf(word)) {
      if (used + cell.width > width) {
        lines.push(current);
        current = '';
        used = 0;
      }
      current += cell.text;
      used += cell.width;
    }
  }
  if (current.trimEnd() !== '' || lines.length === 0) lines.push(current.trimEnd());
  return lines;
}

/** Every glyph that is not a letter. Chosen to exist in common terminal fonts and to be one cell wide. */
export interface Glyphs {
  readonly good: string;
  readonly done: string;
  readonly bad: string;
  readonly warn: string;
  readonly pending: string;
  readonly unknown: string;
  readonly stale: string;
  readonly crumb: string;
  readonly ellipsis: string;
  readonly ascending: string;
  readonly descending: string;
  readonly dot: string;
  readonly dash: string;
  /** Horizontal, vertical, then the corners: top left, top right, bottom left, bottom right. */
  readonly box: readonly [string, string, string, string, string, string];
  readonly barLeft: string;
  readonly barRight: string;
  /** From empty to full, the empty one first. */
  readonly barSteps: readonly string[];
  readonly sparkSteps: readonly string[];
  readonly cursor: string;
}

export const unicodeGlyphs: Glyphs = {
  good: '●',
  done: '✓',
  bad: '✗',
  warn: '▲',
  pending: '◌',
  unknown: '?',
  stale: '◐',
  crumb: '›',
  ellipsis: '…',
  ascending: '↑',
  descending: '↓',
  dot: '·',
  dash: '─',
  box: ['─', '│', '┌', '┐', '└', '┘'],
  barLeft: '▕',
  barRight: '▏',
  barSteps: [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'],
  sparkSteps: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
  cursor: '█',
};

export const asciiGlyphs: Glyphs = {
  good: '+',
  done: 'v',
  bad: 'x',
  warn: '!',
  pending: 'o',
  unknown: '?',
  stale: '~',
  crumb: '>',
  ellipsis: '~',
  ascending: '^',
  descending: 'v',
  dot: '.',
  dash: '-',
  box: ['-', '|', '+', '+', '+', '+'],
  barLeft: '[',
  barRight: ']',
  barSteps: [' ', '.', '#'],
  sparkSteps: ['_', '.', '-', '=', '+', '#'],
  cursor: '_',
};

/**
 * A bar `width` cells wide between its ends. `share` is 0–1; undefined (not known) gives an empty bar, so put a `?` beside it.
 * A share above zero always shows, and only a full one looks full.
 */
export function bar(share: number | undefined, width: number, glyphs: Glyphs = unicodeGlyphs): string {
  const inner = width - glyphs.barLeft.length - glyphs.barRight.length;
  return inner <= 0 ? '' : glyphs.barLeft + plainBar(share, inner, glyphs) + glyphs.barRight;
}

/** The bar without its ends. */
export function plainBar(share: number | undefined, width: number, glyphs: Glyphs = unicodeGlyphs): string {
  if (width <= 0) return '';
  const steps = glyphs.barSteps.length - 1;
  const full = width * steps;
  const known = share === undefined || Number.isNaN(share) ? 0 : Math.min(1, Math.max(0, share));
  let eighths = Math.round(known * full);
  if (known > 0 && eighths === 0) eighths = 1;
  if (known < 1 && eighths === full) eighths = full - 1;
  const whole = Math.floor(eighths / steps);
  const rest = eighths % steps;
  const cells =
    (glyphs.barSteps[steps] ?? '').repeat(whole) + (rest > 0 ? (glyphs.barSteps[rest] ?? '') : '');
  return cells.padEnd(width);
}

/**
 * The newest `width` values as one glyph each, oldest first; values are shares 0–1 of `top` (default 1).
 * A gap (undefined) is a space, never a zero.
 */
export function sparkline(
  values: readonly (number | undefined)[],
  width: number,
  glyphs: Glyphs = unicodeGlyphs,
  top = 1,
): string {
  if (width <= 0) return '';
  const steps = glyphs.sparkSteps;
  const shown = values.slice(-width).map((value) => {
    if (value === undefined || Number.isNaN(value)) return ' ';
    const share = top <= 0 ? 0 : Math.min(1, Math.max(0, value / top));
    return steps[Math.min(steps.length - 1, Math.floor(share * steps.length))] ?? ' ';
  });
  return shown.join('').padStart(width);
}
