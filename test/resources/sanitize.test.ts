import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maxLineLength, maxTextLength, sanitizeLine, sanitizeText } from '../../src/resources/sanitize.ts';

const esc = '\x1b';

/** What must never reach a terminal from cluster text. */
const dangerous =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/u;

const hostile: readonly (readonly [string, string, string])[] = [
  ['a colour', `${esc}[31mred${esc}[0m`, '^[red^['],
  ['a concealed text', `${esc}[8mhidden`, '^[hidden'],
  ['clear the screen', `a${esc}[2Jb`, 'a^[b'],
  ['the title', `${esc}]0;pwned\x07x`, '^[x'],
  ['the clipboard', `${esc}]52;c;cm0gLXJm${esc}\\x`, '^[x'],
  ['a hyperlink', `${esc}]8;;http://evil${esc}\\click${esc}]8;;${esc}\\`, '^[click^['],
  ['a device control string', `${esc}P1$r0m${esc}\\x`, '^[x'],
  ['an application command', `${esc}_Gf=24${esc}\\x`, '^[x'],
  ['a string that never ends', `ok${esc}]0;swallow everything`, 'ok^['],
  ['an 8-bit CSI', 'a\x9b31mb', 'a^[b'],
  ['an 8-bit OSC', 'a\x9d0;t\x9cb', 'a^[b'],
  ['a reset', `a${esc}cb`, 'a^[b'],
  ['a charset', `a${esc}(0b`, 'a^[b'],
  ['a lone escape at the end', `a${esc}`, 'a^['],
  ['an escape inside an escape', `${esc}[${esc}[31mx`, '^[^[x'],
  ['bell, backspace, nul, delete', 'a\x07\x08\x00\x7fb', 'ab'],
  ['a carriage return', 'real\rfake', 'real fake'],
  ['a line break of Windows', 'a\r\nb', 'a b'],
  ['a tab', 'a\tb', 'a b'],
  ['line and paragraph separators', 'a\u2028b\u2029c\u0085d', 'a b c d'],
  ['a bidi override', 'a\u202egnp.exe', 'agnp.exe'],
  ['a bidi isolate', 'a\u2066b\u2069', 'ab'],
  ['zero-width characters', 'a\u200bb\u200dc\ufeffd\u2060e', 'abcde'],
  ['a soft hyphen and a Hangul filler', 'a\u00adb\u3164c', 'abc'],
  ['tag characters', 'a\u{e0041}\u{e007f}b', 'ab'],
  ['a variation selector', '❤\ufe0f', '❤'],
  ['half a surrogate pair', 'a\ud83db', 'a\ufffdb'],
  ['a tower of accents', `e${'\u0301'.repeat(50)}x`, `e${'\u0301'.repeat(4)}x`],
];

describe('in a single line', () => {
  test.each(hostile)('%s is disarmed', (_, text, clean) => {
    expect(sanitizeLine(text)).toBe(clean);
  });

  test.each(['plain', 'naïve café', '世界', 'γράμματα', '🚀 go', 'a “quoted” … word', ''])(
    '%j stays as it is',
    (text) => {
      expect(sanitizeLine(text)).toBe(text);
    },
  );

  test('a megabyte becomes a line that says how much is missing', () => {
    const line = sanitizeLine('x'.repeat(1_500_000));
    expect(line.length).toBeLessThanOrEqual(maxLineLength);
    expect(line).toMatch(/…\(\+\d+\)$/);
  });
});

test('text of several lines keeps its lines and tabs, and loses the rest', () => {
  expect(sanitizeText(`a\n\tb\r\nc${esc}[1md`)).toBe('a\n\tb\nc^[d');
  expect(sanitizeText('y'.repeat(100_000)).length).toBeLessThanOrEqual(maxTextLength);
});

const nasty = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      esc,
      '\x9b',
      '\x9d',
      '\x90',
      '[',
      ']',
      'P',
      '_',
      '\\',
      '\x07',
      '\x9c',
      ';',
      'm',
      '\r',
      '\n',
      '\u202e',
      '\u0301',
      '\ud83d',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 200,
});

describe('whatever comes in', () => {
  test('no control, escape, bidi or invisible character comes out', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        expect(sanitizeLine(text)).not.toMatch(dangerous);
        expect(sanitizeLine(text)).not.toMatch(/[\t\n]/);
        expect(sanitizeText(text)).not.toMatch(dangerous);
        expect(sanitizeLine(text).isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('cleaning twice is cleaning once', () => {
    fc.assert(
      fc.property(nasty, fc.nat(3), (text, times) => {
        const long = text.repeat(1 + times * 40);
        expect(sanitizeLine(sanitizeLine(long))).toBe(sanitizeLine(long));
        expect(sanitizeText(sanitizeText(long))).toBe(sanitizeText(long));
      }),
    );
  });
});
