import { expect, test } from 'vitest';
import {
  createWords,
  durationMs,
  isFuzzy,
  narrows,
  parseFilter,
  parseSelector,
  quantity,
} from '../../src/state/filter.ts';
import { thing, typedThings } from './rows.ts';

const rows = [
  thing('llama-worker-3', {
    status: 'CrashLoopBackOff',
    restarts: 14,
    labels: { app: 'llama', rank: '3' },
    createdAt: 900_000,
  }),
  thing('llama-worker-11', { status: 'Pending', labels: { app: 'llama', rank: '11' }, createdAt: 0 }),
  thing('qwen-vllm-x2x4z', {
    namespace: 'serve',
    status: 'Running',
    restarts: 2,
    labels: { app: 'qwen', env: 'prod' },
    createdAt: 990_000,
  }),
];
const now = 1_000_000;

function kept(text: string): string[] {
  const filter = parseFilter(text, typedThings, createWords(typedThings));
  return rows.filter((row) => filter?.matches(row, now) ?? true).map((row) => row.name);
}

const note = (text: string): string | undefined =>
  parseFilter(text, typedThings, createWords(typedThings))?.note;

test.each([
  ['', ['llama-worker-3', 'llama-worker-11', 'qwen-vllm-x2x4z']],
  ['LLAMA', ['llama-worker-3', 'llama-worker-11']],
  ['llama pend', ['llama-worker-11']],
  ['!llama', ['qwen-vllm-x2x4z']],
  ['worker-(3|4)', ['llama-worker-3']],
  ['serve', ['qwen-vllm-x2x4z']],
  ['-l app=llama', ['llama-worker-3', 'llama-worker-11']],
  ['-l app=llama,rank!=3', ['llama-worker-11']],
  ['-l app in (llama, other)', ['llama-worker-3', 'llama-worker-11']],
  ['-l !env', ['llama-worker-3', 'llama-worker-11']],
  ['app=qwen', ['qwen-vllm-x2x4z']],
  ['-f lw3', ['llama-worker-3']],
  ['STATUS:pend', ['llama-worker-11']],
  ['!STATUS:running', ['llama-worker-3', 'llama-worker-11']],
  ['status:^run', ['qwen-vllm-x2x4z']],
  ['RESTARTS>2', ['llama-worker-3']],
  ['RESTARTS>=2', ['llama-worker-3', 'qwen-vllm-x2x4z']],
  ['rest<1', ['llama-worker-11']],
  ['AGE<1m', ['qwen-vllm-x2x4z']],
  ['AGE>5m', ['llama-worker-11']],
  ['STATUS=running', ['qwen-vllm-x2x4z']],
  ['llama !status:pend RESTARTS>3', ['llama-worker-3']],
])('/%s', (text, names) => {
  expect(kept(text)).toEqual(names);
});

test('what is no regular expression is taken literally, and said', () => {
  expect(kept('worker-(')).toEqual([]);
  expect(note('worker-(')).toContain('taken literally');
  expect(note('worker')).toBeUndefined();
});

test('a comparison that is still being typed hides nothing', () => {
  expect(kept('RESTARTS>')).toHaveLength(3);
  expect(kept('STATUS:')).toHaveLength(3);
});

test('a comparison with no number says so and hides nothing', () => {
  expect(kept('RESTARTS>many')).toHaveLength(3);
  expect(note('AGE<soon')).toContain('duration');
});

test('a colon after something that is no column belongs to the text', () => {
  expect(kept('reg:v1')).toEqual([]);
  expect(note('reg:v1')).toBeUndefined();
});

test('a column that does not exist is said, with those that do', () => {
  expect(note('XYZ:foo')).toMatch(/^no column XYZ; there are .*STATUS/);
  expect(note('!XYZ:foo')).toMatch(/^no column XYZ; there are /);
  expect(note('restartz>3')).toMatch(/^no column restartz; there are /);
  expect(note('XYZ=foo')).toMatch(/^no column XYZ, so it is read as a label; there are /);
  expect(note('app=llama')).toBeUndefined();
});

test('an unknown value matches no comparison', () => {
  const filter = parseFilter('RESTARTS<5', typedThings, createWords(typedThings));
  expect(filter?.matches(thing('a', { restarts: undefined }), now)).toBe(false);
});

test('only a literal that goes on narrows', () => {
  expect(narrows('lla', 'llama')).toBe(true);
  expect(narrows('', 'l')).toBe(false);
  expect(narrows('!l', '!ll')).toBe(false);
  expect(narrows('a', 'a|b')).toBe(false);
  expect(narrows('-', '-f')).toBe(false);
});

test('durations, quantities, letters in order', () => {
  expect(durationMs('1h30m')).toBe(5_400_000);
  expect(durationMs('soon')).toBeUndefined();
  expect(quantity('2Gi')).toBe(2 * 1024 ** 3);
  expect(quantity('80%')).toBe(80);
  expect(quantity('x')).toBeUndefined();
  expect(isFuzzy('ace', 'abcde')).toBe(true);
  expect(isFuzzy('aec', 'abcde')).toBe(false);
});

test('what is no selector is none', () => {
  expect(parseSelector('a=(b')).toBeUndefined();
  expect(parseSelector('')).toBeUndefined();
});
