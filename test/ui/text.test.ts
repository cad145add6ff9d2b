import fc from 'fast-check';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import {
  asciiGlyphs,
  bar,
  displayWidth,
  fitCell,
  type Glyphs,
  pad,
  plainBar,
  sliceCells,
  sparkline,
  truncate,
  truncateMiddle,
  unicodeGlyphs,
  wrap,
} from '../../src/ui/text.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'é', '世', '👩‍👩‍👧', '🇨🇦', '…', '\x1b', '\n', ' ', '❤️', '\u0301') }),
);

const allGlyphs = (glyphs: Glyphs): string[] => Object.values(glyphs).flat();

describe('width', () => {
  test('every glyph of ours is one cell wide, in both sets', () => {
    for (const glyph of [...allGlyphs(unicodeGlyphs), ...allGlyphs(asciiGlyphs)]) {
      expect([glyph, stringWidth(glyph), displayWidth(glyph)]).toEqual([glyph, 1, 1]);
    }
  });

  test('the ascii set is ascii', () => {
    expect(allGlyphs(asciiGlyphs).join('')).toMatch(/^[\x20-\x7e]+$/);
  });

  test('the fast path for our glyphs agrees with string-width', () => {
    for (let point = 0x20; point < 0x3000; point++) {
      const char = String.fromCodePoint(point);
      if (point < 0x7f || point >= 0xa0)
        expect([point, displayWidth(char)]).toEqual([point, stringWidth(char)]);
    }
  });
});

describe('fitting', () => {
  test.each([
    ['CrashLoopBackOff', 8, 'CrashLo…'],
    ['ok', 5, 'ok   '],
    ['世界世界', 4, '世… '],
    ['世界', 4, '世界'],
    ['abc', 0, ''],
    ['abc', 1, '…'],
    ['', 3, '   '],
  ])('%j in %i cells is %j', (text, width, expected) => {
    expect(fitCell(text, width)).toBe(expected);
  });

  test('right and middle', () => {
    expect(fitCell('12', 5, { align: 'right' })).toBe('   12');
    expect(pad('ab', 5, 'center')).toBe(' ab  ');
    expect(truncateMiddle('llama70b-pretrain-worker-11', 15)).toBe('llama70…rker-11');
    expect(truncateMiddle('世界世界世界', 7)).toBe('世界…界');
    expect(fitCell('llama70b-pretrain-worker-11', 15, { cut: 'middle', ellipsis: '~' })).toBe(
      'llama70~rker-11',
    );
  });

  test('a fitted text is exactly as wide as asked, whatever it is', () => {
    fc.assert(
      fc.property(
        anyText,
        fc.nat(40),
        fc.constantFrom('left', 'right', 'center'),
        fc.constantFrom('end', 'middle'),
        (text, width, align, cut) => {
          expect(stringWidth(fitCell(text, width, { align, cut }))).toBe(width);
        },
      ),
    );
  });

  test('no control character survives, so no text moves the cursor', () => {
    fc.assert(
      fc.property(anyText, fc.nat(40), (text, width) => {
        expect(fitCell(text, width)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
      }),
    );
  });

  test('a cut text is never wider than asked', () => {
    fc.assert(
      fc.property(anyText, fc.nat(20), (text, width) => {
        expect(stringWidth(truncate(text, width))).toBeLessThanOrEqual(width);
        expect(stringWidth(truncateMiddle(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('slices by cells, and puts a space where a wide character is cut', () => {
    expect(sliceCells('abcdef', 2, 4)).toBe('cd');
    expect(sliceCells('世界世', 1, 5)).toBe(' 界 ');
  });
});

describe('wrapping', () => {
  test('breaks at spaces, and inside words that are too long', () => {
    expect(wrap('the node has no room for eight GPUs', 12)).toEqual([
      'the node has',
      'no room for',
      'eight GPUs',
    ]);
    expect(wrap('abcdefghij', 4)).toEqual(['abcd', 'efgh', 'ij']);
    expect(wrap('one\n\ntwo', 10)).toEqual(['one', '', 'two']);
    expect(wrap('0/36 nodes: supercalifragilistic', 10)).toEqual([
      '0/36',
      'nodes:',
      'supercalif',
      'ragilistic',
    ]);
  });

  test('no line is too wide and no letter is lost', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '世', ' ', '-') }),
        fc.integer({ min: 2, max: 20 }),
        (text, width) => {
          const lines = wrap(text, width);
          for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
          expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        },
      ),
    );
  });
});

describe('bars and sparklines', () => {
  test('eighths, and what must not look like something else', () => {
    expect(plainBar(0.5, 8)).toBe('████    ');
    expect(plainBar(0.44, 4)).toBe('█▊  ');
    expect(plainBar(0.001, 4)).toBe('▏   ');
    expect(plainBar(0.999, 4)).toBe('███▉');
    expect(plainBar(1, 4)).toBe('████');
    expect(plainBar(undefined, 4)).toBe('    ');
    expect(bar(0.61, 10)).toBe('▕████▉   ▏');
    expect(bar(0.6, 7, asciiGlyphs)).toBe('[###  ]');
  });

  test('a gap in a sparkline is a gap', () => {
    expect(sparkline([0, 0.5, undefined, 1], 5)).toBe(' ▁▅ █');
    expect(sparkline([1, 2, 4], 3, asciiGlyphs, 4)).toBe('.=#');
  });
});
