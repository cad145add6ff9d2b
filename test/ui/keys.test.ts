import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createKeyDecoder, keyName, normalKeyName } from '../../src/ui/keys.ts';

function names(...chunks: string[]): string[] {
  const decoder = createKeyDecoder();
  return [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.flush()].map(keyName);
}

describe('keys', () => {
  test.each([
    ['jjjj', ['j', 'j', 'j', 'j']],
    ['gg', ['g', 'g']],
    ['a\r', ['a', 'enter']],
    ['G', ['G']],
    [' ', ['space']],
    ['é世', ['é', '世']],
    ['\t', ['tab']],
    ['\x1b[Z', ['shift-tab']],
    ['\x7f\b', ['backspace', 'backspace']],
    ['\x00', ['ctrl-space']],
    ['\x1c', ['ctrl-\\']],
    ['\x01\x1a\x04', ['ctrl-a', 'ctrl-z', 'ctrl-d']],
    ['\x1bx', ['alt-x']],
    ['\x1bX', ['alt-X']],
    ['\x1b', ['esc']],
    ['\x1b\x1b', ['esc', 'esc']],
    ['\x1b[A\x1b[B\r', ['up', 'down', 'enter']],
    ['\x1bOA\x1bOD', ['up', 'left']],
    ['\x1b[1;2C', ['shift-right']],
    ['\x1b[1;5D', ['ctrl-left']],
    ['\x1b[1;6A', ['ctrl-shift-up']],
    ['\x1b[H\x1b[F', ['home', 'end']],
    ['\x1b[1~\x1b[4~\x1b[7~\x1b[8~', ['home', 'end', 'home', 'end']],
    ['\x1b[5~\x1b[6~\x1b[3~\x1b[2~', ['pageup', 'pagedown', 'delete', 'insert']],
    ['\x1b[3;5~', ['ctrl-delete']],
    ['\x1bOP\x1b[15~\x1b[24~\x1b[[A', ['f1', 'f5', 'f12', 'f1']],
    ['\x1b[1;2R', ['shift-f3']],
    ['\x1b\x1b[A', ['alt-up']],
    ['\x1b[a\x1bOa', ['shift-up', 'ctrl-up']],
    ['\x1b[97u', ['a']],
    ['\x1b[97;2u', ['A']],
    ['\x1b[97;5u', ['ctrl-a']],
    ['\x1b[97;3u', ['alt-a']],
    ['\x1b[27u', ['esc']],
    ['\x1b[13;5u', ['ctrl-enter']],
    ['\x1b[9;2u', ['shift-tab']],
    ['\x1b[32;5u', ['ctrl-space']],
    ['\x1b[27;5;100~', ['ctrl-d']],
    ['\x1b[97;1:3u', []],
    ['\x1b[57358u', []],
    ['\x1bOM\x1bOp', ['enter', '0']],
    ['\x1b[', ['alt-[']],
  ])('%j is %j', (input, expected) => {
    expect(names(input)).toEqual(expected);
  });

  test.each([
    ['SGR mouse', '\x1b[<0;12;7M\x1b[<0;12;7m'],
    ['X10 mouse', '\x1b[M !!'],
    ['focus', '\x1b[I\x1b[O'],
    ['cursor position', '\x1b[12;40R'],
    ['device attributes', '\x1b[?62;22c\x1b[>41;354;0c'],
    ['mode report', '\x1b[?2026;2$y'],
    ['background, BEL', '\x1b]11;rgb:1e1e/1e1e/2e2e\x07'],
    ['background, ST', '\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\'],
    ['terminal version', '\x1bP>|tmux 3.5\x1b\\'],
    ['kitty flags', '\x1b[?0u'],
    ['C1 control', '\x9b'],
  ])('%s is no key', (_what, reply) => {
    expect(names(`a${reply}b`)).toEqual(['a', 'b']);
  });

  test('an arrow split over chunks is an arrow', () => {
    expect(names('\x1b', '[', 'A')).toEqual(['up']);
    expect(names('\x1b[1;', '5', 'C')).toEqual(['ctrl-right']);
    expect(names('\ud83d', '\ude00')).toEqual(['😀']);
  });

  test('an arrow whose escape byte came too early is an arrow, not letters', () => {
    const decoder = createKeyDecoder();
    expect(decoder.push('\x1b')).toEqual([]);
    expect(decoder.isPending()).toBe(true);
    expect(decoder.flush().map(keyName)).toEqual(['esc']);
    expect(decoder.push('[A').map(keyName)).toEqual(['up']);
    expect(decoder.push('[A').map(keyName)).toEqual(['[', 'A']);
  });

  test('a reply that arrives in two late halves is never typed', () => {
    const decoder = createKeyDecoder();
    expect(decoder.push('\x1b]11;rgb:1e1e')).toEqual([]);
    expect(decoder.flush()).toEqual([]);
    expect(decoder.push('/1e1e/2e2e\x07j').map(keyName)).toEqual(['j']);
  });

  test('a paste is one key with its text, wherever it is cut, and none of it is a command', () => {
    const input = 'a\x1b[200~rm -rf\r:q\r\x1b[A\x1b[201~b';
    for (let cut = 0; cut <= input.length; cut++) {
      const decoder = createKeyDecoder();
      const keys = [...decoder.push(input.slice(0, cut)), ...decoder.push(input.slice(cut))];
      expect(keys.map(keyName)).toEqual(['a', 'paste', 'b']);
      expect(keys[1]?.text).toBe('rm -rf\r:q\r\x1b[A');
    }
  });

  test('wherever the input is cut, the keys are the same', () => {
    const piece = fc.constantFrom(
      'j',
      'G',
      'é',
      '世',
      '😀',
      ' ',
      '\r',
      '\t',
      '\x7f',
      '\x04',
      '\x00',
      '\x1b[A',
      '\x1bOB',
      '\x1b[1;5C',
      '\x1b[Z',
      '\x1b[5~',
      '\x1b[<0;1;1M',
      '\x1b[97;5u',
      '\x1b]11;rgb:0/0/0\x07',
      '\x1b]11;rgb:0/0/0\x1b\\',
      '\x1bP>|x\x1b\\',
      '\x1b[200~pasted\r\x1b[201~',
      '\x1bx',
      '\x1b[[B',
      '\x1b[M !!',
      '\x1b[?62c',
    );
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(200), { maxLength: 8 }),
        (pieces, cuts) => {
          const input = pieces.join('');
          const at = [0, ...cuts.map((cut) => cut % (input.length + 1)).sort((a, b) => a - b), input.length];
          const chunks = at.slice(1).map((end, index) => input.slice(at[index], end));
          expect(names(...chunks)).toEqual(names(input));
        },
      ),
    );
  });

  test('any bytes at all decode without an error, and nothing with a control character is ever text', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({
            unit: fc.oneof(
              fc.constantFrom('\x1b', '[', ']', 'O', ';', '~', '\x07', '1', 'M', 'u', '\\'),
              fc.string({ unit: 'binary', maxLength: 1 }),
            ),
          }),
        ),
        (chunks) => {
          const decoder = createKeyDecoder();
          const keys = [...chunks.flatMap((chunk) => decoder.push(chunk)), ...decoder.flush()];
          for (const key of keys) {
            expect(key.name).not.toBe('');
            if (key.name !== 'paste') expect(key.text).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
          }
        },
      ),
    );
  });

  test('text is what a text field inserts', () => {
    const [letter, control, meta, space] = createKeyDecoder().push('A\x04\x1bx ');
    expect([letter?.text, control?.text, meta?.text, space?.text]).toEqual(['A', '', '', ' ']);
  });
});

test.each([
  ['ctrl-d', 'ctrl-d'],
  ['Ctrl+D', 'ctrl-d'],
  ['<shift-j>', 'J'],
  ['shift-tab', 'shift-tab'],
  ['Return', 'enter'],
  ['ESC', 'esc'],
  ['J', 'J'],
  ['-', '-'],
  ['ctrl--', 'ctrl--'],
  ['<', '<'],
  ['<enter>', 'enter'],
  ['alt-x', 'alt-x'],
  ['PgDn', 'pagedown'],
  ['ctrl-space', 'ctrl-space'],
  ['shift-←', 'shift-left'],
])('%s is written %s', (written, expected) => {
  expect(normalKeyName(written)).toBe(expected);
});
