import stringWidth from 'string-width';

/**
 * A line of the screen as cells. A cell is a grapheme and a pen; a wide grapheme is followed by empty cells.
 * A pen is the canonical list of SGR codes that are on (`1;38;5;79`), `''` for the terminal's plain text.
 */
export interface Cells {
  readonly chars: readonly string[];
  readonly pens: readonly string[];
  /** Has a grapheme whose width terminals disagree about: such a row is painted whole, and placed anew after each. */
  readonly isRisky: boolean;
}

/** Emoji, flags, joined and variation-selected characters: one, two or six cells, depending on the terminal. */
export const isRiskyChar = (char: string): boolean =>
  char.length > 1 && /[\u200d\ufe0e\ufe0f]|[\u{1f000}-\u{1ffff}]/u.test(char);

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Everything that an escape can start; only SGR is understood, the rest is dropped, so nothing but cells reaches a terminal. */
const escapes =
  /\x1b(?:\[([\d;:]*)m|\[[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x20-\x2f]*[\x30-\x7e]|)/g;

/** Parses a line of text with SGR into at most `columns` cells, without the blank ones at its end unless they are kept. */
export function parseCells(line: string, columns: number, keepsBlanks = false): Cells {
  const chars: string[] = [];
  const pens: string[] = [];
  let pen = '';
  let at = 0;
  for (const match of line.matchAll(escapes)) {
    addText(line.slice(at, match.index), pen, columns, chars, pens);
    if (match[1] !== undefined) pen = penAfter(pen, match[1]);
    at = match.index + match[0].length;
  }
  addText(at === 0 ? line : line.slice(at), pen, columns, chars, pens);
  while (!keepsBlanks && chars.length > 0 && chars.at(-1) === ' ' && pens.at(-1) === '') {
    chars.pop();
    pens.pop();
  }
  return { chars, pens, isRisky: chars.some(isRiskyChar) };
}

/**
 * A row in which lines lie over each other: `ground` is what Ink printed, the lines start at the columns where their
 * place-holders stand in `holders`, later ones on top. Blank ground is transparent.
 */
export function layered(
  ground: string,
  holders: string,
  layers: readonly { readonly x: number; readonly line: string }[],
  columns: number,
): string {
  const base = parseCells(ground, columns);
  const chars: string[] = Array.from({ length: columns }, () => ' ');
  const pens: string[] = Array.from({ length: columns }, () => '');
  const put = (cells: Cells, x: number, isClear: boolean): void => {
    for (const [index, char] of cells.chars.entries()) {
      const at = x + index;
      if (at >= columns) break;
      if (isClear && char === ' ' && cells.pens[index] === '') continue;
      // Half of a wide character that is covered must not stay.
      if (chars[at] === '' && at > 0 && index === 0) chars[at - 1] = ' ';
      chars[at] = char;
      pens[at] = cells.pens[index] ?? '';
    }
    const end = x + cells.chars.length;
    if (chars[end] === '') chars[end] = ' ';
  };
  for (const { x, line } of layers) {
    const column = parseCells(holders.slice(0, x), columns + 1, true).chars.length;
    const room = Math.max(0, columns - column);
    put(parseCells(line, room, true), column, false);
  }
  put(base, 0, true);
  let pen = '';
  let out = '';
  for (const [index, char] of chars.entries()) {
    if (char === '') continue;
    out += penChange(pen, pens[index] ?? '') + char;
    pen = pens[index] ?? '';
  }
  return pen === '' ? out : `${out}\x1b[m`;
}

function addText(text: string, pen: string, columns: number, chars: string[], pens: string[]): void {
  const blankPen = isSeenOnBlank(pen) ? pen : '';
  if (/^[\x20-\x7e]*$/.test(text)) {
    const count = Math.min(text.length, columns - chars.length);
    for (let index = 0; index < count; index++) {
      const char = text[index] ?? ' ';
      chars.push(char);
      pens.push(char === ' ' ? blankPen : pen);
    }
    return;
  }
  for (const { segment } of graphemes.segment(text)) {
    const width = cellWidth(segment);
    if (width === 0) continue;
    if (chars.length + width > columns) {
      if (chars.length < columns) {
        chars.push(' ');
        pens.push(blankPen);
      }
      return;
    }
    chars.push(segment);
    pens.push(segment === ' ' ? blankPen : pen);
    for (let extra = 1; extra < width; extra++) {
      chars.push('');
      pens.push(pen);
    }
  }
}

const widths = new Map<string, number>();

function cellWidth(grapheme: string): number {
  const code = grapheme.charCodeAt(0);
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return 0;
  if (code < 0x300 && grapheme.length === 1) return code === 0xad ? 0 : 1;
  let width = widths.get(grapheme);
  if (width === undefined) {
    width = stringWidth(grapheme);
    if (widths.size > 4096) widths.clear();
    widths.set(grapheme, width);
  }
  return width;
}

// ---- pens ----

interface Pen {
  /** On: 1 bold, 2 dim, 3 italic, 4 underline, 7 inverse, 9 strikethrough. */
  readonly attrs: readonly number[];
  readonly fg: string;
  readonly bg: string;
}

const attributeOff: Readonly<Record<number, number>> = { 1: 22, 2: 22, 3: 23, 4: 24, 7: 27, 9: 29 };

/** Bounded memo: what is asked for a thousand times a frame, over a handful of different pens. */
function memo<T>(limit: number, make: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const hit = known.get(key);
    if (hit !== undefined) return hit;
    const made = make(key);
    if (known.size >= limit) known.clear();
    known.set(key, made);
    return made;
  };
}

const penOf = memo(1024, (pen: string): Pen => applySgr({ attrs: [], fg: '', bg: '' }, pen));

const penAfterKey = memo(4096, (key: string): string => {
  const cut = key.indexOf('|');
  return canonical(applySgr(penOf(key.slice(0, cut)), key.slice(cut + 1)));
});

/** The pen after an SGR sequence with these parameters. */
function penAfter(pen: string, parameters: string): string {
  return parameters === '' || parameters === '0' ? '' : penAfterKey(`${pen}|${parameters}`);
}

const canonical = ({ attrs, fg, bg }: Pen): string =>
  [...attrs, ...(fg === '' ? [] : [fg]), ...(bg === '' ? [] : [bg])].join(';');

function applySgr(from: Pen, parameters: string): Pen {
  const attrs = new Set(from.attrs);
  let { fg, bg } = from;
  if (parameters === '') return from;
  const codes = parameters.split(/[;:]/).map((code) => Number(code));
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    if (code === 0) {
      attrs.clear();
      fg = '';
      bg = '';
    } else if (code === 38 || code === 48) {
      const length = codes[index + 1] === 5 ? 3 : 5;
      const color = codes.slice(index, index + length).join(';');
      if (code === 38) fg = color;
      else bg = color;
      index += length - 1;
    } else if (attributeOff[code] !== undefined) attrs.add(code);
    else if (code === 22) {
      attrs.delete(1);
      attrs.delete(2);
    } else if (code === 23 || code === 24 || code === 27 || code === 29) attrs.delete(code - 20);
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) fg = String(code);
    else if ((code >= 40 && code <= 47) || (code >= 100 && code <= 107)) bg = String(code);
    else if (code === 39) fg = '';
    else if (code === 49) bg = '';
  }
  return { attrs: [...attrs].sort((a, b) => a - b), fg, bg };
}

const seenOnBlank = memo(1024, (pen: string): boolean => {
  const { attrs, bg } = penOf(pen);
  return bg !== '' || attrs.some((code) => code === 4 || code === 7 || code === 9);
});

/** True when a space in this pen looks different from a space in the plain one. */
export function isSeenOnBlank(pen: string): boolean {
  return pen !== '' && seenOnBlank(pen);
}

const changeOf = memo(4096, (key: string): string => {
  const cut = key.indexOf('|');
  const [from, to] = [penOf(key.slice(0, cut)), penOf(key.slice(cut + 1))];
  const afresh = `\x1b[0;${key.slice(cut + 1)}m`;
  const gone = from.attrs.filter((code) => !to.attrs.includes(code));
  const off = new Set(gone.map((code) => attributeOff[code] ?? 0));
  // 22 turns bold and dim off together: what stays has to be turned on again.
  const on = to.attrs.filter(
    (code) => !from.attrs.includes(code) || (off.has(22) && (code === 1 || code === 2)),
  );
  const codes = [...off, ...on].map(String);
  if (from.fg !== to.fg) codes.push(to.fg === '' ? '39' : to.fg);
  if (from.bg !== to.bg) codes.push(to.bg === '' ? '49' : to.bg);
  const step = `\x1b[${codes.join(';')}m`;
  return step.length < afresh.length ? step : afresh;
});

/** The shortest SGR sequence that turns one pen into another. */
export function penChange(from: string, to: string): string {
  if (from === to) return '';
  if (to === '') return '\x1b[m';
  if (from === '') return `\x1b[${to}m`;
  return changeOf(`${from}|${to}`);
}
