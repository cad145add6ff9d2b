import { expect, test } from 'vitest';
import { events } from '../../src/resources/events.ts';
import { anyResource, type Row } from '../../src/resources/resource.ts';
import { type Change, createCluster, ghostForMs, keyOf } from '../../src/state/cluster.ts';
import { worstLink } from '../../src/state/link.ts';
import { thing, things } from './rows.ts';

const start = (scope = ''): Change => ({ type: 'listStart', resource: things, scope });
const end = (scope = ''): Change => ({ type: 'listEnd', resource: things, scope });
const put = (row: Row, scope = ''): Change => ({ type: 'put', resource: things, scope, row });
const remove = (row: Row, scope = ''): Change => ({
  type: 'remove',
  resource: things,
  scope,
  key: keyOf(row),
});
const live = (scope: string): Change => ({
  type: 'link',
  resource: things,
  scope,
  link: { state: 'live', sinceMs: 0 },
});

function names(cluster: ReturnType<typeof createCluster>): string[] {
  return [...cluster.rowsOf(things)].map((row) => row.name).sort();
}

test('a relist removes what it did not bring', () => {
  const cluster = createCluster();
  cluster.apply([start(), put(thing('a')), put(thing('b')), end()], 0);
  cluster.apply([start(), put(thing('b')), put(thing('c')), end()], 1);
  expect(names(cluster)).toEqual(['b', 'c']);
});

test('a list that breaks off removes nothing, and the next one starts from nothing', () => {
  const cluster = createCluster();
  cluster.apply([start(), put(thing('a')), put(thing('b')), end()], 0);
  cluster.apply([start(), put(thing('a'))], 1);
  expect(names(cluster)).toEqual(['a', 'b']);
  cluster.apply([start(), put(thing('b')), end()], 2);
  expect(names(cluster)).toEqual(['b']);
});

test('a relist of one namespace leaves the others alone', () => {
  const cluster = createCluster();
  const serve = thing('s', { namespace: 'serve' });
  cluster.apply([start('train'), put(thing('a'), 'train'), end('train'), put(serve, 'serve')], 0);
  cluster.apply([start('train'), end('train')], 1);
  expect(names(cluster)).toEqual(['s']);
});

test('the same name with another UID is another row', () => {
  const cluster = createCluster();
  const first = thing('a', { uid: 'one' });
  cluster.apply([put(first), remove(first), put(thing('a', { uid: 'two' }))], 0);
  expect([...cluster.rowsOf(things)].map((row) => row.uid)).toEqual(['two']);
  expect(cluster.ghost(things, 'one', 1)?.row).toBe(first);
});

test('of a kind that floods, the rows that are worth most are kept, and that it is so is known', () => {
  const cluster = createCluster();
  const row = (at: number, type: string): Row =>
    ({ ...thing(`e${at}`), at, type, reason: '', message: '', count: 1 }) as unknown as Row;
  const kind = anyResource(events);
  const putEvent = (one: Row): Change => ({ type: 'put', resource: kind, scope: '', row: one });
  let changes = 0;
  let gone = 0;
  cluster.onRow(kind, (_before, after) => {
    if (after === undefined) gone += 1;
    else changes += 1;
  });
  const warnings = Array.from({ length: 2000 }, (_, at) => putEvent(row(at, 'Warning')));
  const normal = Array.from({ length: 98_000 }, (_, at) => putEvent(row(2000 + at, 'Normal')));
  cluster.apply(warnings, 0);
  expect(cluster.isCapped(kind)).toBe(false);
  cluster.apply(normal, 0);
  expect(cluster.isCapped(kind)).toBe(true);
  expect(cluster.count(kind)).toBeLessThanOrEqual(11_000);
  expect(cluster.faults(kind)).toBe(2000);
  expect(changes - gone).toBe(cluster.count(kind));
  expect([...cluster.rowsOf(events)].some(({ at }) => at === 99_999)).toBe(true);
  expect([...cluster.rowsOf(events)].some(({ at }) => at === 2000)).toBe(false);
  // A list that is whole again says so.
  const list = (type: 'listStart' | 'listEnd'): Change => ({ type, resource: kind, scope: '' });
  cluster.apply([list('listStart'), ...warnings, list('listEnd')], 1);
  expect([cluster.isCapped(kind), cluster.count(kind)]).toEqual([false, 2000]);
});

test('a deleted row leaves a ghost for ten seconds', () => {
  const cluster = createCluster();
  const row = thing('a');
  cluster.apply([put(row), remove(row)], 1000);
  expect(cluster.get(things, keyOf(row))).toBeUndefined();
  expect(cluster.ghost(things, keyOf(row), 1000 + ghostForMs - 1)?.deletedAtMs).toBe(1000);
  expect(cluster.ghost(things, keyOf(row), 1000 + ghostForMs)).toBeUndefined();
});

test('faults are counted as rows come, change and go', () => {
  const cluster = createCluster();
  cluster.apply([put(thing('a', { status: 'Bad' })), put(thing('b', { status: 'Bad' })), put(thing('c'))], 0);
  expect(cluster.faults(things)).toBe(2);
  cluster.apply([put(thing('a')), remove(thing('b'))], 0);
  expect(cluster.faults(things)).toBe(0);
});

test('a fault that only time makes is found by judging anew', () => {
  const aging = { ...things, fault: (row: Row, now: number) => now - (row.createdAt ?? now) > 100 };
  const cluster = createCluster();
  const flips: Row[] = [];
  cluster.apply([{ type: 'put', resource: aging, scope: '', row: thing('a') }], 50);
  cluster.onRow(aging, (before, after) => {
    if (before === after && after !== undefined) flips.push(after);
  });
  expect(cluster.faults(aging)).toBe(0);
  expect(cluster.judge(200, 10)).toBe(true);
  expect(cluster.faults(aging)).toBe(1);
  expect(flips.map((row) => row.name)).toEqual(['a']);
});

test('closing a stream drops what no other stream keeps true', () => {
  const cluster = createCluster();
  const serve = thing('s', { namespace: 'serve' });
  cluster.apply([live(''), live('train'), put(thing('a')), put(serve)], 0);
  cluster.apply([{ type: 'forget', resource: things, scope: '' }], 1);
  expect(names(cluster)).toEqual(['a']);
  expect(cluster.linksOf(things).map((link) => link.scope)).toEqual(['train']);
});

test('one batch tells its listeners once, and each row to its hooks', () => {
  const cluster = createCluster();
  let batches = 0;
  const seen: string[] = [];
  cluster.subscribe(() => {
    batches += 1;
  });
  cluster.onRow(things, (before, after) => seen.push(`${before?.version ?? '-'}→${after?.version ?? '-'}`));
  cluster.apply([put(thing('a')), put(thing('a', { version: '2' })), remove(thing('a'))], 0);
  expect(batches).toBe(1);
  expect(seen).toEqual(['-→1', '1→2', '2→-']);
});

test('the worst link is the one that a person must know of', () => {
  const at = { resource: 'pods', scope: '' };
  const worst = worstLink([
    { ...at, state: 'live', sinceMs: 1 },
    { ...at, state: 'reconnecting', sinceMs: 5, reason: 'reset', retryAtMs: 9 },
    { ...at, state: 'stale', sinceMs: 3, reason: 'silence' },
  ]);
  expect(worst?.state).toBe('reconnecting');
  expect(worstLink([])).toBeUndefined();
});
