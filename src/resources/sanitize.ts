/**
 * Cluster text is hostile: a pod's message, a label or an event may carry terminal escapes (CVE-2021-25743), bidi
 * overrides or a megabyte of combining marks. Everything passes here once, before anything measures or pads it.
 */

/** Longest single-line value a row keeps, in UTF-16 units: a scheduler message of a big cluster is about 1,500. */
export const maxLineLength = 4096;

/** Longest text of a pager or a log line, in UTF-16 units. */
export const maxTextLength = 65_536;

/** More combining marks than any script puts on one letter; the rest is a tower that spills over other rows. */
const maxCombiningMarks = 4;

/** Stands where an escape sequence was, so that its removal is not silent. */
const escapeMark = '^[';

/** All but printable Latin-1 goes the slow way: nearly everything in a cluster is ASCII. */
const suspectInLine = /[^\x20-\x7e\xa0-\xac\xae-\xff]/;
const suspectInText = /[^\t\n\x20-\x7e\xa0-\xac\xae-\xff]/;

/** A cell, a title, a message in one line: no newline, tab, control, escape, bidi or invisible character is left. */
export function sanitizeLine(text: string, limit: number = maxLineLength): string {
  if (text.length <= limit && !suspectInLine.test(text)) return text;
  return clean(text, limit, false);
}

/** Text of several lines: as `sanitizeLine`, but `\n` and `\t` stay (and `\r\n` becomes `\n`). */
export function sanitizeText(text: string): string {
  if (text.length <= maxTextLength && !suspectInText.test(text)) return text;
  return clean(text, maxTextLength, true);
}

function clean(text: string, limit: number, multiline: boolean): string {
  const pieces: string[] = [];
  let length = 0;
  let marks = 0;
  let index = 0;
  // Room for the note on what was cut, so that cleaning the result again changes nothing.
  const room = text.length > limit ? limit - 24 : limit;
  while (index < text.length) {
    if (length >= room) {
      pieces.push(`…(+${text.length - index})`);
      break;
    }
    const code = text.codePointAt(index) ?? 0;
    const after = escapeEnd(text, index, code);
    if (after > index) {
      pieces.push(escapeMark);
      length += escapeMark.length;
      index = after;
      continue;
    }
    index += code > 0xffff ? 2 : 1;
    const kept = keep(code, multiline, text.charCodeAt(index));
    if (kept === '') continue;
    marks = isCombining(code) ? marks + 1 : 0;
    if (marks > maxCombiningMarks) continue;
    pieces.push(kept);
    length += kept.length;
  }
  // join copies: a slice would keep the whole hostile megabyte alive.
  return pieces.join('');
}

function keep(code: number, multiline: boolean, next: number): string {
  if (code === 0x0a || code === 0x09) return multiline ? String.fromCharCode(code) : ' ';
  // A lone carriage return would overwrite the line.
  if (code === 0x0d) return next === 0x0a ? '' : multiline ? '\n' : ' ';
  if (code === 0x2028 || code === 0x2029 || code === 0x85) return multiline ? '\n' : ' ';
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return '';
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd';
  return isInvisible(code) ? '' : String.fromCodePoint(code);
}

/** The index behind the escape sequence that starts at `index`; `index` itself where none does. */
function escapeEnd(text: string, index: number, code: number): number {
  if (code !== 0x1b) return eightBit(text, index, code);
  const next = text.charCodeAt(index + 1);
  if (Number.isNaN(next)) return index + 1;
  if (next === 0x5b) return controlSequenceEnd(text, index + 2);
  if (isStringOpener(next + 0x40)) return stringEnd(text, index + 2);
  // ESC, intermediates, one final byte; ESC before anything else goes alone.
  let end = index + 1;
  while (text.charCodeAt(end) >= 0x20 && text.charCodeAt(end) <= 0x2f) end += 1;
  const final = text.charCodeAt(end);
  return final >= 0x30 && final <= 0x7e ? end + 1 : end;
}

function eightBit(text: string, index: number, code: number): number {
  if (code === 0x9b) return controlSequenceEnd(text, index + 1);
  return isStringOpener(code) ? stringEnd(text, index + 1) : index;
}

/** DCS, SOS, OSC, PM, APC in their 8-bit form. */
const isStringOpener = (code: number): boolean =>
  code === 0x90 || code === 0x98 || code === 0x9d || code === 0x9e || code === 0x9f;

/** CSI: parameters, intermediates, one final byte. A byte that cannot belong to it ends it and is looked at again. */
function controlSequenceEnd(text: string, start: number): number {
  let end = start;
  while (text.charCodeAt(end) >= 0x20 && text.charCodeAt(end) <= 0x3f) end += 1;
  const final = text.charCodeAt(end);
  return final >= 0x40 && final <= 0x7e ? end + 1 : end;
}

/** Up to ST or BEL. One that never ends takes its line: a terminal would swallow everything behind it. */
function stringEnd(text: string, start: number): number {
  for (let end = start; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === 0x07 || code === 0x9c) return end + 1;
    if (code === 0x1b) return text.charCodeAt(end + 1) === 0x5c ? end + 2 : end;
    if (code === 0x0a) return end;
  }
  return text.length;
}

const combining = /^\p{M}$/u;
const isCombining = (code: number): boolean =>
  code >= 0x300 && !isIdeograph(code) && combining.test(String.fromCodePoint(code));

/**
 * Zero-width, bidi, fillers, variation selectors, tags: nothing a person sees, everything that moves or hides other
 * text. Joiners go too: terminals disagree about the width of a joined emoji, not about that of its parts.
 */
const invisible = /^[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]$/u;
const isInvisible = (code: number): boolean =>
  code >= 0xa0 && !isIdeograph(code) && invisible.test(String.fromCodePoint(code));

/** CJK and Hangul syllables: many, and harmless. */
const isIdeograph = (code: number): boolean =>
  (code >= 0x3400 && code <= 0x9fff) || (code >= 0xac00 && code <= 0xd7a3);
