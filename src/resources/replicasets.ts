import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition } from './conditions.ts';
import { record } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import {
  containerColumns,
  type Replicas,
  replicaColumns,
  replicasOf,
  selectorColumn,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface ReplicaSetRow extends OwnedRow, TemplateRow, Replicas {
  readonly conditions: readonly Condition[];
}

export const replicasets: Resource<ReplicaSetRow> = defineResource<ReplicaSetRow>({
  name: 'replicasets',
  title: 'ReplicaSets',
  kind: 'ReplicaSet',
  group: 'apps',
  apiVersion: 'v1',
  aliases: ['rs', 'replicaset'],
  namespaced: true,
  capabilities: ['logs', 'scale'],
  columns: [nameColumn, ...replicaColumns, ageColumn, ...containerColumns, selectorColumn],
  fault: (row) => findCondition(row.conditions, 'ReplicaFailure', 'True') !== undefined,
  why: (row) => {
    // Its numbers are those of the first refusal; the newest event has today's.
    const failure = findCondition(row.conditions, 'ReplicaFailure', 'True');
    return failure === undefined ? undefined : conditionText(failure);
  },
  toRow: replicaSetRow,
});

function replicaSetRow(object: KubeObject): ReplicaSetRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    ...templateOf(spec['template'], spec['selector']),
    ...replicasOf(spec, status),
    conditions: conditionsOf(status['conditions']),
  };
}
