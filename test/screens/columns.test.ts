import { expect, test } from 'vitest';
import type { Column, Row, Table } from '../../src/resources/resource.ts';
import { cellsOf, createLayouter, screenColumns } from '../../src/screens/columns.ts';
import { themeNamed } from '../../src/ui/theme.ts';

const column = (title: string, text: string, priority: number): Column<Row> => ({
  title,
  value: () => text,
  priority,
});

/** One alert with all that an alert can say at length. */
const alerts: Table<Row> = {
  name: 'findings',
  title: 'Alerts',
  aliases: [],
  namespaced: false,
  columns: [
    column('FINDING', `B3 gang cannot be placed: ${'3 of 3 tasks are unschedulable '.repeat(4)}`, 0),
    column('KIND', 'Workload', 2),
    column('OBJECT', 'triton-vision-754f7fd446-pt9h9, …', 5),
    column('NODES', 'gpu-a100-mig-01,gpu-l40s-01', 4),
    column('NAMESPACES', 'team-b,team-d', 3),
  ],
};

function widthsAt(width: number): Readonly<Record<string, number>> {
  const columns = screenColumns(alerts, { wide: false, namespaces: 'all', width });
  const row: Row = { uid: 'a', namespace: '', name: 'a', createdAt: undefined, version: '' };
  const cells = [cellsOf(row, columns, themeNamed('mono', { level: 0 }).glyphs, 0)];
  const { columns: placed } = createLayouter().layout({
    columns,
    cells,
    width,
    scroll: 0,
    sorted: undefined,
  });
  return Object.fromEntries(placed.map((one) => [one.title, one.width]));
}

test('a long finding leaves the nodes of a wide terminal whole, and most of the room to itself', () => {
  const widths = widthsAt(200);
  expect(widths['NODES']).toBe('gpu-a100-mig-01,gpu-l40s-01'.length);
  expect(widths['NAMESPACES']).toBe('team-b,team-d'.length);
  expect(widths['FINDING']).toBeGreaterThanOrEqual(80);
});

test('on a narrower one the nodes say at least the first, or are left out', () => {
  expect(widthsAt(120)['NODES']).toBeGreaterThanOrEqual(14);
  expect(widthsAt(80)['NODES'] ?? 14).toBeGreaterThanOrEqual(14);
  expect(widthsAt(80)['FINDING']).toBeGreaterThanOrEqual(32);
});
