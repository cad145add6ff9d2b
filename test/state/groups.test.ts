import { expect, test } from 'vitest';
import { gpus } from '../../src/accelerators/gpus.ts';
import { nextGrouping } from '../../src/actions/group.ts';
import { cellText } from '../../src/resources/columns.ts';
import type { DerivedTable, Row } from '../../src/resources/resource.ts';
import { groupPlace, groupTables } from '../../src/state/groups.ts';
import { createSession, pop, push, shownTable, tableView } from '../../src/state/session.ts';
import { workloads } from '../../src/workloads/workloads.ts';
import { catalogueObjects, clusterOf } from '../workloads/cluster.ts';

const now = Date.parse('2026-09-30T14:00:00Z');
const cluster = clusterOf(
  catalogueObjects('nodes', 'pods', 'workloads', 'queues-and-quota', 'dra', 'events'),
);

function given(namespaces: 'all' | readonly string[] = 'all') {
  const tables = groupTables({ gpus, workloads, namespaces: () => namespaces });
  const table = (name: string): DerivedTable<Row> =>
    tables.find((each) => each.name === name) ?? expect.fail(name);
  const lines = (name: string, ...titles: readonly string[]): readonly (readonly string[])[] => {
    const shown = table(name);
    return shown.derive(cluster, now).map((row) =>
      titles.map((title) => {
        const column = shown.columns.find((each) => each.title === title) ?? expect.fail(title);
        return cellText(column, row, now);
      }),
    );
  };
  return { table, lines };
}

const total = (lines: readonly (readonly string[])[], at: number): number =>
  lines.reduce((sum, line) => sum + Number(line[at]), 0);

test('GPUs by model: each class on its own, and together what the nodes have', () => {
  const lines = given().lines('gpus-by-model', 'MODEL', 'RESOURCE', 'NODES', 'REQUESTED', 'SCHEDULABLE');
  const rows = gpus.derive(cluster, now);
  expect(total(lines, 3)).toBe(rows.reduce((sum, { requested }) => sum + requested, 0));
  expect(total(lines, 4)).toBe(rows.reduce((sum, { schedulable }) => sum + schedulable, 0));
  expect(new Set(lines.map(([model, resource]) => `${model} ${resource}`)).size).toBe(lines.length);
});

test('a sum that lacks a part is not known', () => {
  const { table } = given();
  const unknown = gpus.derive(cluster, now).filter(({ capacity }) => capacity === undefined);
  const groups = table('gpus-by-model').derive(cluster, now) as readonly (Row & {
    readonly capacity?: number;
    readonly className: string;
  })[];
  for (const { model, className } of unknown)
    expect(groups.find((row) => row.name === (model ?? '?') && row.className === className)?.capacity).toBe(
      undefined,
    );
});

test('GPUs by workload hold what the workloads hold', () => {
  const lines = given().lines('gpus-by-workload', 'WORKLOAD', 'HELD');
  const held = workloads.derive(cluster, now).reduce((sum, { gpusHeld }) => sum + gpusHeld, 0);
  expect(total(lines, 1)).toBe(held);
});

test('workloads by state, with the namespaces that are shown', () => {
  const all = workloads.derive(cluster, now);
  expect(total(given().lines('workloads-by-state', 'STATE', 'WORKLOADS'), 1)).toBe(all.length);
  const [first] = all;
  const namespace = first?.namespace ?? expect.fail();
  const some = given([namespace]).lines('workloads-by-namespace', 'NAMESPACE', 'WORKLOADS');
  expect(some).toEqual([[namespace, String(all.filter((row) => row.namespace === namespace).length)]]);
});

test('events by reason count each as often as it happened, and open as those events', () => {
  const { table, lines } = given();
  const rows = table('events-by-reason').derive(cluster, now);
  expect(rows.length).toBeGreaterThan(3);
  expect(groupPlace(rows[0] ?? expect.fail())).toEqual({
    table: 'events',
    where: { column: 'REASON', equals: rows[0]?.name },
  });
  const counted = total(lines('events-by-reason', 'REASON', 'COUNT'), 1);
  expect(counted).toBe(total(lines('events-by-object', 'OBJECT', 'COUNT'), 1));
  expect(counted).toBe(total(lines('events-by-namespace', 'NAMESPACE', 'COUNT'), 1));
});

test('b goes through the groupings and back to the table; Esc leaves each of them', () => {
  const session = createSession({ table: 'gpus', namespaces: 'all', nowMs: now });
  const press = (): string => {
    session.setState(nextGrouping(shownTable(session.getState()).table)(session.getState()));
    return shownTable(session.getState()).table;
  };
  expect([press(), press(), press(), press(), press()]).toEqual([
    'gpus-by-model',
    'gpu-namespaces',
    'gpus-by-workload',
    'gpus',
    'gpus-by-model',
  ]);
  session.setState(pop(session.getState()));
  expect(shownTable(session.getState()).table).toBe('gpus');
  session.setState(push(tableView('events'))(session.getState()));
  expect(press()).toBe('events-by-reason');
});

test('workloads that want no GPU do not count as 0 of 0', () => {
  const cells = given().lines('workloads-by-kind', 'KIND', 'GPUS');
  expect(cells.map(([, gpus]) => gpus)).toContain('-');
  expect(cells.map(([, gpus]) => gpus)).not.toContain('0/0');
});
