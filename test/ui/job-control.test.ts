import { expect, test } from 'vitest';
import { hasJobControl } from '../../src/ui/terminal.ts';

test.each([
  ['a job of a shell', '4242 (node) S 4000 4242 4000 34816 4242 0', true],
  ['a job whose name has a parenthesis', '4242 (node) x) S 4000 4242 4000 34816 4242 0', true],
  [
    'started as the session itself, as by ssh or in a container',
    '4242 (node) S 1 4242 4242 34816 4242 0',
    false,
  ],
  ['in the group of a script that leads its session', '4243 (node) S 4242 4242 4242 34816 4242 0', false],
  ['on a system that does not say', '', true],
])('%s: %#', (_, stat, expected) => {
  expect(hasJobControl(stat)).toBe(expected);
});
