import type { Column, Resource, Row } from '../../src/resources/resource.ts';

/** A small kind to test with: what it says, and whether it is at fault, is written in the row. */
export interface ThingRow extends Row {
  readonly status: string;
  readonly restarts: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
}

const columns: readonly Column<ThingRow>[] = [
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  { title: 'STATUS', value: (row) => row.status, priority: 1 },
  { title: 'RESTARTS', value: (row) => row.restarts, align: 'right', priority: 2 },
  {
    title: 'AGE',
    value: (row) => row.createdAt,
    text: (row, now) => `${now - (row.createdAt ?? now)}ms`,
    priority: 3,
  },
];

export const typedThings: Resource<ThingRow> = {
  name: 'things',
  title: 'Things',
  aliases: ['th'],
  namespaced: true,
  group: '',
  apiVersion: 'v1',
  kind: 'Thing',
  capabilities: [],
  columns,
  fault: (row) => row.status === 'Bad',
  why: (row) => (row.status === 'Bad' ? `${row.name} is bad` : undefined),
  toRow: (object) => thing(object.metadata?.name ?? ''),
};

export const things = typedThings as unknown as Resource;

export function thing(name: string, more: Partial<ThingRow> = {}): ThingRow {
  return {
    uid: `uid-${more.namespace ?? 'train'}-${name}`,
    namespace: 'train',
    name,
    createdAt: 0,
    version: '1',
    status: 'Good',
    restarts: 0,
    labels: {},
    ...more,
  };
}
