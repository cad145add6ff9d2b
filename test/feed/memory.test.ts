import { expect, test } from 'vitest';
import { createMemory } from '../../src/feed/memory.ts';

const mb = 1024 * 1024;

/** A process of that size, which shrinks to `after` when it collects. */
function given(size: { rss: number; heapUsed?: number; after?: number }, quietMs = 60_000) {
  const clock = { nowMs: 0, quietMs };
  const held = { rss: size.rss * mb, heapUsed: (size.heapUsed ?? 50) * mb };
  const memory = createMemory({
    held: () => held,
    collect: () => {
      held.rss = (size.after ?? 130) * mb;
    },
    quietMs: () => clock.quietMs,
    now: () => clock.nowMs,
  });
  return { clock, held, memory };
}

test('after the first lists memory is given back once, and again only when it has grown, minutes later', () => {
  const { clock, held, memory } = given({ rss: 155 });
  expect(memory.look()).toBe(true);
  clock.nowMs = 600_000;
  expect(memory.look()).toBe(false);
  held.rss = 200 * mb;
  expect(memory.look()).toBe(true);
  held.rss = 200 * mb;
  clock.nowMs += 10_000;
  expect(memory.look()).toBe(false);
});

test('who presses keys is not made to wait', () => {
  const { clock, memory } = given({ rss: 155 }, 1000);
  expect(memory.look()).toBe(false);
  clock.quietMs = 5000;
  expect(memory.look()).toBe(true);
});

test('a large heap waits until the person looks elsewhere', () => {
  const { clock, memory } = given({ rss: 400, heapUsed: 200 }, 20_000);
  expect(memory.look()).toBe(false);
  clock.quietMs = 60_000;
  expect(memory.look()).toBe(true);
});

test('a Node that cannot be asked is left alone', () => {
  const asked = { held: () => ({ rss: 155 * mb, heapUsed: 50 * mb }), quietMs: () => 60_000, now: () => 0 };
  expect(createMemory({ ...asked, collect: undefined }).look()).toBe(false);
});
