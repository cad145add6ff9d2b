import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { count, flag, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { countColumn } from './template.ts';

export interface PriorityClassRow extends OwnedRow {
  readonly value: number;
  readonly globalDefault: boolean;
  readonly preemptionPolicy: string;
}

export const priorityclasses: Resource<PriorityClassRow> = defineResource<PriorityClassRow>({
  name: 'priorityclasses',
  title: 'PriorityClasses',
  kind: 'PriorityClass',
  group: 'scheduling.k8s.io',
  apiVersion: 'v1',
  aliases: ['pc', 'priorityclass'],
  namespaced: false,
  capabilities: [],
  sort: { column: 'VALUE', descending: true },
  columns: [
    nameColumn,
    countColumn('VALUE', (row) => row.value, 1),
    {
      title: 'GLOBAL-DEFAULT',
      value: (row) => String(row.globalDefault),
      tone: (row) => (row.globalDefault ? 'strong' : 'dim'),
      kubectl: 'table',
      priority: 3,
    },
    ageColumn,
    { title: 'PREEMPTIONPOLICY', value: (row) => row.preemptionPolicy, kubectl: 'table', priority: 4 },
  ],
  toRow: (object: KubeObject): PriorityClassRow => ({
    ...ownedMetaOf(object),
    value: count(object['value']),
    globalDefault: flag(object['globalDefault']),
    preemptionPolicy: shared(object['preemptionPolicy']) || 'PreemptLowerPriority',
  }),
});
