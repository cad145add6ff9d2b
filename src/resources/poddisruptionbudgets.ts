import type { V1LabelSelector } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { count, record, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { labelSelectorOf } from './scheduling-terms.ts';
import { countColumn } from './template.ts';

export interface PodDisruptionBudgetRow extends OwnedRow {
  /** A number or a percentage; `''` where the other one is set. */
  readonly minAvailable: string;
  readonly maxUnavailable: string;
  readonly allowed: number;
  readonly healthy: number;
  readonly desiredHealthy: number;
  readonly expected: number;
  readonly selector: V1LabelSelector | undefined;
}

export const poddisruptionbudgets: Resource<PodDisruptionBudgetRow> = defineResource<PodDisruptionBudgetRow>({
  name: 'poddisruptionbudgets',
  title: 'PodDisruptionBudgets',
  kind: 'PodDisruptionBudget',
  group: 'policy',
  apiVersion: 'v1',
  aliases: ['pdb', 'poddisruptionbudget'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'MIN AVAILABLE',
      value: (row) => row.minAvailable,
      text: (row) => row.minAvailable || 'N/A',
      kubectl: 'table',
      priority: 3,
    },
    {
      title: 'MAX UNAVAILABLE',
      value: (row) => row.maxUnavailable,
      text: (row) => row.maxUnavailable || 'N/A',
      kubectl: 'table',
      priority: 3,
    },
    {
      ...countColumn('ALLOWED DISRUPTIONS', (row: PodDisruptionBudgetRow) => row.allowed, 1),
      tone: (row) => (row.allowed === 0 && row.expected > 0 ? 'warn' : 'plain'),
    },
    ageColumn,
  ],
  why: (row) =>
    row.allowed === 0 && row.expected > 0
      ? `No disruption allowed: ${row.healthy} of ${row.expected} pods healthy, ${row.desiredHealthy} needed. A drain waits.`
      : undefined,
  toRow: budgetRow,
});

function budgetRow(object: KubeObject): PodDisruptionBudgetRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    minAvailable: text(spec['minAvailable']),
    maxUnavailable: text(spec['maxUnavailable']),
    allowed: count(status['disruptionsAllowed']),
    healthy: count(status['currentHealthy']),
    desiredHealthy: count(status['desiredHealthy']),
    expected: count(status['expectedPods']),
    selector: labelSelectorOf(spec['selector']),
  };
}
