import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition, readyTone } from './conditions.ts';
import { count, flag, number, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import {
  containerColumns,
  countColumn,
  gpuPerPodColumn,
  selectorColumn,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface DeploymentRow extends OwnedRow, TemplateRow {
  readonly desired: number;
  readonly current: number;
  readonly ready: number;
  readonly updated: number;
  readonly available: number;
  readonly paused: boolean;
  readonly strategy: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly conditions: readonly Condition[];
}

export const deployments: Resource<DeploymentRow> = defineResource<DeploymentRow>({
  name: 'deployments',
  title: 'Deployments',
  kind: 'Deployment',
  group: 'apps',
  apiVersion: 'v1',
  aliases: ['deploy', 'dp', 'deployment'],
  namespaced: true,
  capabilities: ['logs', 'scale', 'restart'],
  columns: [
    nameColumn,
    {
      title: 'READY',
      value: (row) => (row.desired === 0 ? 1 : row.ready / row.desired),
      text: (row) => `${row.ready}/${row.desired}`,
      tone: (row) => readyTone(row.ready, row.desired),
      align: 'right',
      kubectl: 'table',
      priority: 1,
    },
    countColumn('UP-TO-DATE', (row) => row.updated, 4),
    countColumn('AVAILABLE', (row) => row.available, 4),
    ageColumn,
    ...containerColumns,
    selectorColumn,
    gpuPerPodColumn,
  ],
  fault: (row, now) => whyDeployment(row, now) !== undefined,
  why: whyDeployment,
  toRow: deploymentRow,
});

function deploymentRow(object: KubeObject): DeploymentRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    ...templateOf(spec['template'], spec['selector']),
    desired: number(spec['replicas']) ?? 1,
    current: count(status['replicas']),
    ready: count(status['readyReplicas']),
    updated: count(status['updatedReplicas']),
    available: count(status['availableReplicas']),
    paused: flag(spec['paused']),
    strategy: shared(record(spec['strategy'])['type']),
    generation: count(record(object.metadata)['generation']),
    observedGeneration: count(status['observedGeneration']),
    conditions: conditionsOf(status['conditions']),
  };
}

/** Loading a model takes minutes: only then is "none ready" more than a start. */
const startIsLate = 600_000;

const isLongAgo = (at: number | undefined, now: number): boolean =>
  at === undefined || now - at > startIsLate;

/** Not merely fewer ready than wanted: that is how every rollout looks. The controller must say that it is stuck. */
function whyDeployment(row: DeploymentRow, now: number): string | undefined {
  const failure = findCondition(row.conditions, 'ReplicaFailure', 'True');
  if (failure !== undefined) return conditionText(failure);
  const progress = findCondition(row.conditions, 'Progressing', 'False');
  if (progress !== undefined) return conditionText(progress);
  if (row.desired > 0 && row.ready === 0) {
    const available = findCondition(row.conditions, 'Available', 'False');
    if (available !== undefined && isLongAgo(available.at, now))
      return `0 of ${row.desired} ready. ${available.message}`;
  }
  return undefined;
}
