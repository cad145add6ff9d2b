import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern, globs, PatternError } from '../../src/checklist/pattern.ts';

const found = (pattern: string, input: string): string | undefined => {
  const match = compilePattern(pattern).find(input);
  return match === undefined || match === 'too long' ? undefined : match.text;
};

describe('patterns of packs', () => {
  test.each([
    ['waiting for licen[cs]e', 'x waiting for license y', 'waiting for license'],
    ['^rank (\\d+)$', 'a\nrank 12\nb', 'rank 12'],
    ['a{2,3}', 'xaaaa', 'aaa'],
    ['a{2,3}?', 'xaaaa', 'aa'],
    ['(?:ab|a)(?:c|bcd)', 'abcd', 'abc'],
    ['(?i)cuda error', 'CUDA Error', 'CUDA Error'],
    ['\\bstep\\b', 'steps step', 'step'],
    ['[^\\s:]+:\\d+', 'to node-1:29500 now', 'node-1:29500'],
    ['é+', 'caféé', 'éé'],
  ])('%s in %s', (pattern, input, text) => {
    expect(found(pattern, input)).toBe(text);
  });

  test('named groups are captured', () => {
    expect(compilePattern('seat (?<seat>\\w+)(?: of (?<all>\\d+))?').find('no seat s7')).toEqual({
      text: 'seat s7',
      index: 3,
      groups: { seat: 's7' },
    });
  });

  test.each(['(a+)+$', '(a|a)*$', '(a|aa)+$', 'a*a*a*a*a*a*a*a*b', '(.*)*x', '(?:a?){50}a{50}'])(
    '%s, which takes others for ever, is done in a bounded number of steps',
    (pattern) => {
      expect(compilePattern(pattern).find(`${'a'.repeat(30_000)}!`)).not.toBeNull();
    },
  );

  test.each(['(', '[a', '*a', 'a{3,1}', '(?=a)', '(?<=a)b', '(a)\\1', 'a\\', ')', '((a{99}){99}){99}'])(
    '%s is refused with a reason',
    (pattern) => {
      expect(() => compilePattern(pattern)).toThrow(PatternError);
    },
  );

  test('the same is found as by the engine of JavaScript', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '\\d', '\\b', '1', '-');
    const piece = fc
      .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '{2}', '{1,2}'))
      .map(([what, often]) => (what === '\\b' ? what : what + often));
    const row = fc.array(piece, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
    const pattern = fc
      .tuple(row, row, row, fc.constantFrom('', '+', '?', '{1,2}'))
      .map(([a, b, c, often]) => `${a}(?:b${b}|a${c})${often}`);
    fc.assert(
      fc.property(
        pattern,
        fc.string({ unit: fc.constantFrom('a', 'b', '1', '-', '\n'), maxLength: 14 }),
        (source, input) => {
          const match = new RegExp(source, 'm').exec(input);
          expect(found(source, input)).toBe(match?.[0]);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a glob fits whole texts, in linear steps', () => {
    expect(globs('corp/train:*', 'corp/train:7')).toBe(true);
    expect(globs('*/train:*', 'r.io/corp/train:7')).toBe(true);
    expect(globs('corp/train', 'corp/train:7')).toBe(false);
    expect(globs(`${'*a'.repeat(50)}b`, 'a'.repeat(500))).toBe(false);
  });
});
