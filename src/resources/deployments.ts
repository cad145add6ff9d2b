import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition } from './conditions.ts';
import { count, flag, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import {
  containerColumns,
  countColumn,
  gpuPerPodColumn,
  type Replicas,
  readyShareColumn,
  replicasOf,
  selectorColumn,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface DeploymentRow extends OwnedRow, TemplateRow, Replicas {
  readonly updated: number;
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
    readyShareColumn,
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
    ...replicasOf(spec, status),
    updated: count(status['updatedReplicas']),
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
