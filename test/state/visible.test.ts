import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Row } from '../../src/resources/resource.ts';
import { type Change, createCluster, keyOf } from '../../src/state/cluster.ts';
import { compareText } from '../../src/state/order.ts';
import { kindSource } from '../../src/state/source.ts';
import { createVisible, type Query, type Visible } from '../../src/state/visible.ts';
import { type ThingRow, thing, things } from './rows.ts';

const everything: Query = {
  namespaces: 'all',
  where: undefined,
  filter: '',
  sort: undefined,
  faultsOnly: false,
};
const put = (row: Row): Change => ({ type: 'put', resource: things, scope: '', row });
const remove = (row: Row): Change => ({ type: 'remove', resource: things, scope: '', key: keyOf(row) });

function given(...rows: ThingRow[]) {
  const cluster = createCluster();
  cluster.apply(rows.map(put), 0);
  const visible = createVisible(things, kindSource(cluster, things));
  const ask = (query: Partial<Query> = {}): string[] => {
    visible.ask({ ...everything, ...query }, 0);
    return settled(visible);
  };
  return { cluster, visible, ask };
}

function settled(visible: Visible, now = 0): string[] {
  while (visible.settle(now, 1000));
  return [...visible.all()].map((row) => row.name);
}

test('faults stand first, names count as people count', () => {
  const { ask } = given(thing('w-11'), thing('w-3'), thing('z', { status: 'Bad' }));
  expect(ask()).toEqual(['z', 'w-3', 'w-11']);
});

test('sorting by a column puts equal cells by name, unknown ones last, both ways', () => {
  const { ask } = given(
    thing('a', { restarts: 2 }),
    thing('b', { restarts: undefined }),
    thing('c', { restarts: 5 }),
    thing('d', { restarts: 2 }),
  );
  expect(ask({ sort: { column: 'RESTARTS', descending: false } })).toEqual(['a', 'd', 'c', 'b']);
  expect(ask({ sort: { column: 'RESTARTS', descending: true } })).toEqual(['c', 'a', 'd', 'b']);
});

test('only faults, only one namespace, only one cell', () => {
  const { ask, visible } = given(
    thing('a', { status: 'Bad' }),
    thing('b', { namespace: 'serve' }),
    thing('c', { status: 'Done' }),
  );
  expect(ask({ faultsOnly: true })).toEqual(['a']);
  expect(visible.total()).toBe(3);
  expect(ask({ namespaces: ['serve'] })).toEqual(['b']);
  expect(visible.total()).toBe(1);
  expect(ask({ where: { column: 'STATUS', equals: 'Done' } })).toEqual(['c']);
});

test('changes go to their places', () => {
  const { cluster, ask, visible } = given(thing('b'), thing('d'));
  ask({ filter: '!hidden' });
  cluster.apply([put(thing('a')), put(thing('c')), put(thing('hidden')), remove(thing('b'))], 1);
  expect(settled(visible)).toEqual(['a', 'c', 'd']);
  cluster.apply([put(thing('d', { status: 'Bad', version: '2' }))], 2);
  expect(settled(visible)).toEqual(['d', 'a', 'c']);
});

test('while the cursor moves nothing changes places, but cells are new', () => {
  const { cluster, ask, visible } = given(thing('a'), thing('b'));
  ask({ sort: { column: 'RESTARTS', descending: true } });
  visible.freeze(1000);
  cluster.apply([put(thing('b', { restarts: 9, version: '2' })), put(thing('c', { restarts: 5 }))], 10);
  expect(settled(visible, 500)).toEqual(['a', 'b']);
  expect(visible.at(1)).toMatchObject({ restarts: 9 });
  expect(visible.waiting()).toBe(true);
  expect(settled(visible, 1000)).toEqual(['b', 'c', 'a']);
});

test('a row is found again after others came before it', () => {
  const { cluster, ask, visible } = given(thing('m'));
  ask();
  const key = keyOf(thing('m'));
  expect(visible.indexOf(key, 0)).toBe(0);
  cluster.apply([put(thing('a')), put(thing('b'))], 1);
  settled(visible);
  expect(visible.indexOf(key, 0)).toBe(2);
  expect(visible.indexOf('nobody', 0)).toBe(-1);
});

test('a filter change in the middle of a sort still ends in the right order', () => {
  const rows = Array.from({ length: 5000 }, (_, at) =>
    thing(`t-${(at * 7919) % 5000}`, { restarts: at % 13 }),
  );
  const { visible, ask } = given(...rows);
  ask();
  visible.ask({ ...everything, sort: { column: 'RESTARTS', descending: true } }, 0);
  visible.settle(0, 0);
  visible.ask({ ...everything, sort: { column: 'RESTARTS', descending: true }, filter: 't-1' }, 0);
  const shown = settled(visible);
  const wanted = rows
    .filter((row) => row.name.includes('t-1'))
    .toSorted((a, b) => (b.restarts ?? 0) - (a.restarts ?? 0) || compareText(a.name, b.name))
    .map((row) => row.name);
  expect(shown).toEqual(wanted);
});

const step = fc.record({
  name: fc.integer({ min: 0, max: 30 }),
  status: fc.constantFrom('Good', 'Bad', 'Done'),
  restarts: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
  gone: fc.boolean(),
});

test('however the changes come, the order is that of sorting anew', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { maxLength: 700 }), { maxLength: 4 }),
      fc.constantFrom('', 'go', '!done'),
      fc.constantFrom(undefined, { column: 'RESTARTS', descending: true }),
      fc.boolean(),
      (batches, filter, sort, faultsOnly) => {
        const query = { ...everything, filter, sort, faultsOnly };
        const { cluster, visible, ask } = given();
        ask(query);
        let version = 0;
        for (const batch of batches) {
          cluster.apply(
            batch.map(({ name, status, restarts, gone }) => {
              const row = thing(`w-${name}`, { status, restarts, version: String(version++) });
              return gone ? remove(row) : put(row);
            }),
            0,
          );
          settled(visible);
        }
        const anew = createVisible(things, kindSource(cluster, things));
        anew.ask(query, 0);
        expect(settled(visible)).toEqual(settled(anew));
      },
    ),
    { numRuns: 60 },
  );
});

test('names compare as a total order', () => {
  const name = fc.stringMatching(/^[ab0-9]{0,5}$/);
  fc.assert(
    fc.property(name, name, name, (a, b, c) => {
      expect(Math.sign(compareText(a, b))).toBe(-Math.sign(compareText(b, a)) + 0);
      if (compareText(a, b) <= 0 && compareText(b, c) <= 0) expect(compareText(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 3000 },
  );
});
