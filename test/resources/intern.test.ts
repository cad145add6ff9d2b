import { expect, test } from 'vitest';
import { createInterner } from '../../src/resources/intern.ts';

test('equal keys give the value that was made first', () => {
  const interner = createInterner<string, object>(10);
  const first = interner.get('a', () => ({}));
  expect(interner.get('a', () => ({}))).toBe(first);
});

test('what is in use outlives any number of others; what is not is forgotten', () => {
  const interner = createInterner<string, object>(10);
  const used = interner.get('used', () => ({}));
  const idle = interner.get('idle', () => ({}));
  for (let index = 0; index < 1_000; index += 1) {
    interner.get(`other-${index}`, () => ({}));
    expect(interner.get('used', () => ({}))).toBe(used);
  }
  expect(interner.get('idle', () => ({}))).not.toBe(idle);
});
