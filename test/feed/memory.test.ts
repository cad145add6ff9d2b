import { expect, test } from 'vitest';
import { createMemory } from '../../src/feed/memory.ts';

const mb = 1024 * 1024;

/** A process of that size, which shrinks to `after` when it collects. */
function given(size: { rss: number; heapUsed?: number; after?: number }, quietMs = 60_000) {
  const clock = { nowMs: 0, quietMs };
  const held = { rss: size.rss * mb, heapUsed: (size.heapUsed ?? 50) * mb };
  const limits: number[] = [];
  const memory = createMemory({
    held: () => held,
    collect: () => {
      held.rss = (size.after ?? 130) * mb;
    },
    limitGrowth: (percent) => limits.push(percent),
    quietMs: () => clock.quietMs,
    now: () => clock.nowMs,
  });
  return { clock, held, limits, memory };
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
  const memory = createMemory({
    held: () => ({ rss: 155 * mb, heapUsed: 50 * mb }),
    collect: undefined,
    limitGrowth: () => {},
    quietMs: () => 60_000,
    now: () => 0,
  });
  expect(memory.look()).toBe(false);
});

test('the heap may grow freely while the first lists come in, and is held close once they are there', () => {
  const { clock, limits, memory } = given({ rss: 155 });
  memory.watch();
  expect(limits).toEqual([]);
  clock.nowMs = 10_000;
  memory.watch();
  memory.watch();
  expect(limits).toHaveLength(1);
});

test('a heap that is large before the lists are whole is held close at once', () => {
  const { limits, memory } = given({ rss: 300, heapUsed: 100 });
  memory.watch();
  expect(limits).toHaveLength(1);
});
