import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLogStore, type LogEntry, type LogFilter, type LogStore } from '../../src/state/log-store.ts';

const second = Date.parse('2026-11-21T11:44:15Z');
const stamp = (ms: number): string => new Date(second + ms).toISOString().replace('Z', '000000Z');
const everything: LogFilter = { pattern: undefined, invert: false, context: 0, folded: true };

function given(limit?: number): LogStore {
  return createLogStore(limit);
}

const addPod = (store: LogStore, pod: string, rank?: number) =>
  store.addSource({ namespace: 'train', pod, container: 'main', rank });

function settle(store: LogStore): void {
  while (store.settle(second, 1000));
  while (store.show(1000));
}

function shown(store: LogStore): string[] {
  settle(store);
  return Array.from({ length: store.shownLength() }, (_, at) => store.shownAt(at)?.text ?? '');
}

const line = (text: string, ms: number) => ({ text, time: stamp(ms), cutBytes: 0 });

test('lines of several pods stand in the order of the log clock, whatever the order they came in', () => {
  const store = given();
  const [a, b] = [addPod(store, 'w-0'), addPod(store, 'w-1')];
  store.push(a, line('a1', 10));
  store.push(a, line('a2', 30));
  settle(store);
  store.push(b, line('b1', 0));
  store.push(b, line('b2', 20));
  store.push(b, line('b3', 40));
  expect(shown(store)).toEqual(['b1', 'a1', 'b2', 'a2', 'b3']);
});

test('a line without a time stands behind the line before it', () => {
  const store = given();
  const [a, b] = [addPod(store, 'w-0'), addPod(store, 'w-1')];
  store.push(a, line('first', 0));
  store.push(a, { text: 'second', time: undefined, cutBytes: 0 });
  store.push(b, line('later', 5));
  expect(shown(store)).toEqual(['first', 'second', 'later']);
});

test('the ring keeps the newest within its bytes and counts what it let go', () => {
  const store = given(20_000);
  const pod = addPod(store, 'w-0');
  for (let at = 0; at < 1000; at += 1) store.push(pod, line(`line ${at}`, at));
  const texts = shown(store);
  expect(store.bytes()).toBeLessThanOrEqual(20_000);
  expect(texts.at(-1)).toBe('line 999');
  expect(texts.length + store.dropped().old).toBe(1000);
  expect(texts).toEqual(Array.from({ length: texts.length }, (_, at) => `line ${1000 - texts.length + at}`));
});

test('lines that come faster than they can be taken in are dropped oldest first, and counted', () => {
  const store = given();
  const pod = addPod(store, 'w-0');
  const long = 'x'.repeat(60_000);
  for (let at = 0; at < 200; at += 1) store.push(pod, line(`${at} ${long}`, at));
  const texts = shown(store);
  expect(store.dropped().late + texts.length).toBe(200);
  expect(texts.at(-1)).toMatch(/^199 /);
});

/** The filter, told again in the plainest way. */
function plainly(entries: readonly string[], pattern: RegExp, invert: boolean, context: number): string[] {
  const hits = entries.map((text) => pattern.test(text) !== invert);
  return entries.filter((_, at) => hits.slice(Math.max(0, at - context), at + context + 1).some(Boolean));
}

test('any filter over any batches, merges and drops shows what a filter over the whole would', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.array(fc.tuple(fc.nat(1), fc.nat(40), fc.constantFrom('loss', 'warn', 'error', 'step')), {
          maxLength: 8,
        }),
        { maxLength: 12 },
      ),
      fc.constantFrom(0, 1, 2),
      fc.boolean(),
      fc.constantFrom(/error/, /warn|loss/, /nothing/),
      fc.constantFrom(100_000, 2500),
      (batches, context, invert, pattern, limit) => {
        const store = given(limit);
        const pods = [addPod(store, 'w-0'), addPod(store, 'w-1')] as const;
        store.setFilter({ pattern, invert, context, folded: false });
        let serial = 0;
        for (const batch of batches) {
          for (const [pod, ms, word] of batch)
            store.push(pods[pod === 0 ? 0 : 1], line(`${word} ${serial++}`, ms));
          settle(store);
        }
        const seen = shown(store);
        const matches = store.matchCount();
        store.setFilter({ ...everything, folded: false });
        const all = shown(store);
        const wanted = plainly(all, pattern, invert, context);
        // At the very start of a ring that has dropped lines, a match that is gone may still show what followed it.
        const surplus = seen.filter((text) => !wanted.includes(text));
        expect(surplus.length).toBeLessThanOrEqual(store.dropped().old > 0 ? context : 0);
        expect(seen.filter((text) => wanted.includes(text))).toEqual(wanted);
        if (store.dropped().old === 0) expect(matches).toBe(plainly(all, pattern, invert, 0).length);
      },
    ),
  );
});

test('a filter looks through the whole ring in slices', () => {
  const store = given();
  const pod = addPod(store, 'w-0');
  for (let at = 0; at < 5000; at += 1)
    store.push(pod, line(at % 1000 === 0 ? `hit ${at}` : `miss ${at}`, at));
  settle(store);
  store.setFilter({ pattern: /hit/, invert: false, context: 0, folded: true });
  expect(store.show(0)).toBe(true);
  expect(shown(store)).toHaveLength(5);
});

const traceback = [
  'Traceback (most recent call last):',
  '  File "train.py", line 3, in <module>',
  '    main()',
  'RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB',
];

test('a traceback folds into its first line, though other pods write between', () => {
  const store = given();
  const [a, b] = [addPod(store, 'w-0', 0), addPod(store, 'w-1', 1)];
  for (const [at, text] of traceback.entries()) {
    store.push(a, line(text, at * 2));
    store.push(b, line(`step ${at}`, at * 2 + 1));
  }
  expect(shown(store)).toEqual([
    'Traceback (most recent call last):',
    'step 0',
    'step 1',
    'step 2',
    traceback[3],
    'step 3',
  ]);
  const head = store.shownAt(0) as LogEntry;
  expect(head.folded).toBe(2);
  store.setFilter({ ...everything, folded: false });
  expect(shown(store)).toHaveLength(8);
});

test('the first error is the cause that came first, not the symptom that came before it elsewhere', () => {
  const store = given();
  const [a, b, c] = [addPod(store, 'w-0', 0), addPod(store, 'w-1', 1), addPod(store, 'w-2', 2)];
  store.push(a, line('ERROR could not save metrics', 0));
  store.push(b, line('RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB', 500));
  store.push(c, line('Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1)', 900));
  settle(store);
  expect(store.firstError()?.entry.source?.rank).toBe(1);
  expect(store.firstError()?.signature?.id).toBe('cuda-oom');
});

test('of several causes, that of the container that died first', () => {
  const store = given();
  const [a, b] = [addPod(store, 'w-0', 0), addPod(store, 'w-1', 1)];
  store.push(a, line('RuntimeError: CUDA out of memory. Tried to allocate 1.00 GiB', 0));
  store.push(b, line('RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB', 10));
  settle(store);
  b.diedAt = second + 100;
  a.diedAt = second + 200;
  expect(store.firstError()?.entry.source?.rank).toBe(1);
});

test('a kubelet that has lost its files is not the program speaking', () => {
  const store = given();
  const pod = addPod(store, 'w-0');
  store.push(pod, {
    text: 'unable to retrieve container logs for containerd://0123',
    time: undefined,
    cutBytes: 0,
  });
  settle(store);
  expect(store.shownAt(0)?.kind).toBe('note');
  expect(store.shownAt(0)?.text).toContain('The node no longer has this log');
});

test('names in the gutter leave out what all of them share', () => {
  const store = given();
  for (const name of ['llama-pretrain-worker-0', 'llama-pretrain-worker-11']) addPod(store, name);
  expect(store.sources().map(({ label }) => label)).toEqual(['worker-0', 'worker-11']);
  store.addSource({ namespace: 'train', pod: 'llama-pretrain-worker-0', container: 'sidecar', rank: 0 });
  expect(store.sources().map(({ label }) => label)).toEqual([
    'worker-0 main',
    'worker-11',
    'worker-0 sidecar',
  ]);
});
