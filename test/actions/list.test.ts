import { expect, test } from 'vitest';
import { gpuHealth } from '../../src/accelerators/gpu-health.ts';
import { gpus } from '../../src/accelerators/gpus.ts';
import { createLedger } from '../../src/accelerators/ledger.ts';
import { parseCommand, promptCommands } from '../../src/actions/commands.ts';
import { actionFor, actions, actionsIn, keyTable, placesOf } from '../../src/actions/index.ts';
import { createTables } from '../../src/actions/tables.ts';
import type { Row, Table } from '../../src/resources/resource.ts';
import { createCluster } from '../../src/state/cluster.ts';
import { deviceTable } from '../../src/state/device-table.ts';
import { findingTables } from '../../src/state/findings.ts';
import { groupTables } from '../../src/state/groups.ts';
import { createTrueStates } from '../../src/state/true-states.ts';
import { createUsage } from '../../src/state/usage.ts';
import { normalKeyName } from '../../src/ui/keys.ts';
import { onceAccess, workloadTables } from '../../src/workloads/tables.ts';
import { workloads } from '../../src/workloads/workloads.ts';

const cluster = createCluster();
const anyTable = <R extends Row>(table: Table<R>): Table<Row> => table as unknown as Table<Row>;
const tables = createTables([
  ...workloadTables(onceAccess),
  anyTable(gpus),
  anyTable(deviceTable(createUsage(), createLedger, Date.now)),
  anyTable(gpuHealth),
  ...groupTables({ gpus, workloads, namespaces: () => 'all' }),
  ...findingTables(createTrueStates(cluster, Date.now), cluster),
]);
const views = [
  { kind: 'table', table: 'pods' },
  { kind: 'table', table: 'nodes' },
  { kind: 'facts' },
  { kind: 'help' },
];

test('every action has a name of its own and says what it does', () => {
  expect(new Set(actions.map(({ id }) => id)).size).toBe(actions.length);
  for (const { title } of actions) {
    expect(title).not.toBe('');
  }
});

test('keys are written as the decoder names them', () => {
  for (const key of actions.flatMap(({ keys }) => keys)) expect(normalKeyName(key)).toBe(key);
});

test('in one place a key means one thing', () => {
  const seen = new Map<string, string>();
  for (const { id, keys, places } of actions) {
    for (const place of places) {
      for (const key of keys) {
        const known = seen.get(`${place} ${key}`);
        expect(known === undefined ? id : `${known} and ${id} both want ${key} in ${place}`).toBe(id);
        seen.set(`${place} ${key}`, id);
      }
    }
  }
});

test('places are tables that there are', () => {
  const texts = [
    'help',
    'describe',
    'yaml',
    'object-events',
    'detail',
    'logs',
    'object',
    'page',
    'facts',
    'checklist',
  ];
  const known = ['everywhere', 'table', 'text', ...texts, ...tables.all.map(({ name }) => name)];
  for (const { places } of actions) for (const place of places) expect(known).toContain(place);
});

test('what has no key is in the menu of a row, or is a command of that name', () => {
  for (const { id, keys, group, places } of actions) {
    if (keys.length > 0) continue;
    const isCommand = parseCommand(id, tables).kind === 'action';
    expect([id, group === 'row' && !places.includes('everywhere')]).toEqual([
      id,
      !isCommand || group === 'row',
    ]);
  }
});

test('ctrl-k is bound to a warning and nothing else', () => {
  for (const view of views) expect(actionFor('ctrl-k', view)?.id).toBe('never-kill');
  expect(keyTable().some(({ keys }) => keys.includes('ctrl-k'))).toBe(false);
});

test('the keys of k9s mean what they mean in k9s', () => {
  const inPods = (key: string): string | undefined => actionFor(key, { kind: 'table', table: 'pods' })?.id;
  expect(inPods('j')).toBe('down');
  expect(inPods('G')).toBe('bottom');
  expect(inPods('ctrl-z')).toBe('faults-only');
  expect(inPods('ctrl-w')).toBe('wide');
  expect(inPods('N')).toBe('sort-name');
  expect(inPods('0')).toBe('namespace-all');
  expect(inPods('o')).toBe('node');
  expect(inPods('-')).toBe('last-view');
  expect(actionFor('o', { kind: 'table', table: 'nodes' })).toBeUndefined();
  expect(actionFor('u', { kind: 'table', table: 'namespaces' })?.id).toBe('use-namespace');
});

test('the table of keys has every action once, with the place where it works', () => {
  const table = keyTable();
  expect(table.every(({ view, keys, title }) => view !== '' && keys !== '' && title !== '')).toBe(true);
  expect(table).toContainEqual({ view: 'pods', keys: 'o', title: 'show its node' });
  expect(table).toContainEqual({ view: 'tables', keys: '1 … 9', title: 'favourite namespaces' });
  expect(table).toContainEqual({ view: 'nodes', keys: 'c', title: expect.any(String), needsWrite: true });
  expect(table.find(({ title }) => title.startsWith('apply'))).toMatchObject({
    keys: ':apply',
    needsWrite: true,
  });
  expect(table.find(({ title }) => title.startsWith('evict'))).toMatchObject({ keys: 'm', needsWrite: true });
});

test('every command that is listed is understood', () => {
  for (const { usage } of promptCommands) {
    const typed = usage
      .replace('VIEW', 'pods')
      .replace('NS,NS', 'train,serve')
      .replace('/RE', '/w.rker')
      .replace('@CTX', '@prod')
      .replace('NAME', 'prod');
    expect([usage, parseCommand(typed, tables).kind]).not.toContain('wrong');
  }
});

test('what a view lists is what its keys do', () => {
  for (const view of views) {
    for (const action of actionsIn(view)) {
      expect(action.places.some((place) => placesOf(view).includes(place))).toBe(true);
    }
  }
});
