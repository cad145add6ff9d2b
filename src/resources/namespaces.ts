import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { ageText, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

export interface NamespaceRow extends OwnedRow {
  readonly status: string;
  readonly conditions: readonly Condition[];
}

export const namespaces: Resource<NamespaceRow> = defineResource<NamespaceRow>({
  name: 'namespaces',
  title: 'Namespaces',
  kind: 'Namespace',
  group: '',
  apiVersion: 'v1',
  aliases: ['ns', 'namespace'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'STATUS',
      value: (row) => row.status,
      text: (row) => row.status,
      tone: (row) => (row.status === 'Active' ? 'good' : 'warn'),
      kubectl: 'table',
      priority: 1,
    },
    ageColumn,
  ],
  fault: (row, now) => isStuck(row, now),
  why: (row, now) => {
    if (!isStuck(row, now)) return undefined;
    const reasons = row.conditions.filter(({ status }) => status === 'True').map(({ message }) => message);
    return `Deleting for ${ageText(row.deletedAt, now)}: ${reasons.join(' ') || 'no condition says what remains'}`;
  },
  toRow: namespaceRow,
});

/** A namespace of any size empties within this. */
const deletionIsLate = 120_000;

const isStuck = (row: NamespaceRow, now: number): boolean =>
  row.deletedAt !== undefined && now - row.deletedAt > deletionIsLate;

function namespaceRow(object: KubeObject): NamespaceRow {
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    status: shared(status['phase']),
    conditions: conditionsOf(status['conditions']),
  };
}
