import { describe, expect, test } from 'vitest';
import { printTable } from '../../src/demo/tables/index.ts';
import { oraclePods, recordedNames, recordedObjects, recordedTable } from '../recorded/read.ts';

/** Cells that say how long ago something was: they depend on the second in which the server answered. */
const isAge = (cell: unknown): boolean => typeof cell === 'string' && /^(\d+[smhdy])+$/.test(cell);
const withoutAges = (cells: readonly unknown[]): unknown[] =>
  cells.map((cell) =>
    isAge(cell) ? 'AGE' : typeof cell === 'string' ? cell.replace(/\([^()]* ago\)/, '(AGE ago)') : cell,
  );

const kindOf = (name: string, header: { readonly kind: string; readonly namespaced: boolean }) => {
  const [plural = '', ...group] = name.split('.');
  return { plural, group: group.join('.'), ...header };
};

describe('the demo server prints what a real server printed', () => {
  test.each(recordedNames())('%s', (name) => {
    const { header, objects } = recordedObjects(name);
    const real = recordedTable(name);
    const printed = printTable(kindOf(name, header), objects, Date.parse(header.recordedAt));
    expect(printed.columnDefinitions).toEqual(real.columnDefinitions);
    const realByUid = new Map(
      (real.rows ?? []).map((row) => [row.object.metadata?.name + (row.object.metadata?.uid ?? ''), row]),
    );
    for (const [index, object] of objects.entries()) {
      const row = realByUid.get(object.metadata?.name + (object.metadata?.uid ?? ''));
      expect(withoutAges(printed.rows[index]?.cells ?? [])).toEqual(withoutAges(row?.cells ?? []));
    }
  });
});

describe('random legal pods print as real servers printed them', () => {
  test.each([
    ['1.30', 30],
    ['1.36', 36],
  ] as const)('v%s', (version, minor) => {
    const { at, cases } = oraclePods(version);
    const pods = { plural: 'pods', group: '', kind: 'Pod', namespaced: true };
    const printed = printTable(
      pods,
      cases.map(({ pod }) => pod),
      Date.parse(at),
      { serverVersion: { major: 1, minor } },
    );
    const wrong = cases.flatMap(({ pod, cells }, index) => {
      const ours = withoutAges(printed.rows[index]?.cells ?? []);
      const theirs = withoutAges(cells);
      return JSON.stringify(ours) === JSON.stringify(theirs)
        ? []
        : [{ name: pod.metadata?.name, ours, theirs }];
    });
    expect(wrong).toEqual([]);
  });
});

test('a finished pod carries the row condition that kubectl sends on', () => {
  const pods = { plural: 'pods', group: '', kind: 'Pod', namespaced: true };
  const { objects } = recordedObjects('pods');
  const printed = printTable(pods, objects, 0);
  const real = new Map((recordedTable('pods').rows ?? []).map((row) => [row.object.metadata?.uid, row]));
  for (const [index, pod] of objects.entries()) {
    const row = real.get(pod.metadata?.uid) as { readonly conditions?: unknown } | undefined;
    expect(printed.rows[index]?.conditions).toEqual(row?.conditions);
  }
});

test('a kind nobody knows prints its name and age', () => {
  const kind = { plural: 'widgets', group: 'example.com', kind: 'Widget', namespaced: true };
  const widget = { metadata: { name: 'w', creationTimestamp: '2026-01-01T00:00:00Z' } };
  const table = printTable(kind, [widget], Date.parse('2026-01-01T00:02:05Z'));
  expect(table.columnDefinitions.map((column) => column.name)).toEqual(['Name', 'Age']);
  expect(table.rows).toEqual([{ cells: ['w', '2m5s'] }]);
});

test('a custom resource prints the columns of its definition, and null where a value is missing', () => {
  const kind = {
    plural: 'workloads',
    group: 'kueue.x-k8s.io',
    kind: 'Workload',
    namespaced: true,
    printerColumns: [
      { name: 'Queue', type: 'string', jsonPath: '.spec.queueName' },
      { name: 'Admitted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Admitted")].status' },
      { name: 'Last', type: 'string', jsonPath: '.status.conditions[-1:].type' },
      { name: 'Pending', type: 'integer', jsonPath: '.status.pending' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
  };
  const workload = {
    metadata: { name: 'w', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { queueName: 'team-a' },
    status: {
      conditions: [
        { type: 'Admitted', status: 'True' },
        { type: 'PodsReady', status: 'False' },
      ],
    },
  };
  const table = printTable(kind, [workload], Date.parse('2026-01-01T03:00:00Z'));
  expect(table.columnDefinitions.map((column) => column.name)).toEqual([
    'Name',
    'Queue',
    'Admitted',
    'Last',
    'Pending',
    'Age',
  ]);
  expect(table.rows[0]?.cells).toEqual(['w', 'team-a', 'True', 'PodsReady', null, '3h']);
});
