import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanLine, levelTone, prettyJson, traceTracker } from '../../src/state/log-text.ts';

test('a progress bar is its last state, with how often it was drawn', () => {
  const bar = '  0%|          | 0/3\r 33%|███       | 1/3\r 67%|██████    | 2/3\r100%|██████████| 3/3';
  expect(cleanLine(bar)).toEqual({ text: '100%|██████████| 3/3', updates: 3 });
  expect(cleanLine('50%\r100%\r')).toEqual({ text: '100%', updates: 1 });
});

test('colours go, other escapes leave a mark, tabs stay blanks', () => {
  expect(cleanLine('\x1b[31merror\x1b[0m: a\tb').text).toBe('error: a    b');
  expect(cleanLine('a\x1b]8;;http://x\x07link').text).toBe('a^[link');
  expect(cleanLine('x\x1b[2J\x1b[H').text).toBe('x^[^[');
});

test('whatever the bytes, nothing that moves a cursor is left, and a megabyte becomes one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (raw) => {
      expect(cleanLine(raw).text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
    }),
  );
  const { text } = cleanLine('a'.repeat(1024 * 1024));
  expect(text.length).toBeLessThanOrEqual(65_536);
  expect(text).toMatch(/…\(\+\d+\)$/);
});

function traced(lines: readonly string[]): string[] {
  const tracker = traceTracker();
  return lines.map((text) => tracker.next(text));
}

test.each([
  [
    'plain Python',
    ['Traceback (most recent call last):', '  File "a.py", line 1, in f', '    g()', 'ValueError: x', 'next'],
    ['head', 'body', 'body', 'none', 'none'],
  ],
  [
    'with the prefix of torchrun',
    [
      '[rank3]: Traceback (most recent call last):',
      '[rank3]:   File "a.py", line 1',
      '[rank3]:     g()',
      '[rank3]: ValueError: x',
    ],
    ['head', 'body', 'body', 'none'],
  ],
  [
    'a chain',
    [
      'Traceback (most recent call last):',
      '  File "a.py"',
      'KeyError: 1',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      'Traceback (most recent call last):',
      '  File "b.py"',
      'ValueError: 2',
    ],
    ['head', 'body', 'none', 'none', 'none', 'none', 'head', 'body', 'none'],
  ],
  [
    'Java',
    ['java.lang.Error: x', '\tat a.b(C.java:1)', '\tat a.c(C.java:2)', 'next'],
    ['none', 'head', 'body', 'none'],
  ],
  [
    'Go',
    ['panic: x', 'goroutine 1 [running]:', 'main.main()', '\t/src/main.go:3 +0x1d', '', 'next'],
    ['none', 'head', 'body', 'body', 'none', 'none'],
  ],
])('stack traces: %s', (_name, lines, wanted) => {
  expect(traced(lines)).toEqual(wanted);
});

test.each([
  ['{"level":"error","msg":"x"}', 'bad'],
  ['{"ts":1,"severity":"WARNING","msg":"x"}', 'warn'],
  ['2026-01-01 12:00:00,000 ERROR trainer: x', 'bad'],
  ['time=now level=debug msg=x', 'dim'],
  ['W1124 10:00:00.000000 1 reflector.go:1] x', 'warn'],
  ['RuntimeError: CUDA out of memory', 'bad'],
  ['step 1 loss 2.0 errors=0', 'plain'],
  ['{"level":"info","msg":"no ERROR here"}', 'plain'],
])('the level of %s is %s', (text, tone) => {
  expect(levelTone(text)).toBe(tone);
});

test('JSON is laid out, and what only looks like it is not', () => {
  expect(prettyJson('{"a":1,"b":{"c":[2]}}')).toEqual([
    '{',
    '  "a": 1,',
    '  "b": {',
    '    "c": [',
    '      2',
    '    ]',
    '  }',
    '}',
  ]);
  expect(prettyJson('INFO {"a":1}')?.[0]).toBe('INFO');
  expect(prettyJson('{not json}')).toBeUndefined();
  expect(prettyJson(JSON.stringify({ list: Array.from({ length: 500 }, (_, at) => at) }))).toHaveLength(201);
});
