import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { count, record } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import {
  containerColumns,
  countColumn,
  labelsText,
  replicaColumns,
  selectorColumn,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface DaemonSetRow extends OwnedRow, TemplateRow {
  /** Nodes that should run a pod: a dead node no longer counts, so "all ready" may hide it. */
  readonly desired: number;
  readonly current: number;
  readonly ready: number;
  readonly updated: number;
  readonly available: number;
  readonly misscheduled: number;
}

export const daemonsets: Resource<DaemonSetRow> = defineResource<DaemonSetRow>({
  name: 'daemonsets',
  title: 'DaemonSets',
  kind: 'DaemonSet',
  group: 'apps',
  apiVersion: 'v1',
  aliases: ['ds', 'daemonset'],
  namespaced: true,
  capabilities: ['logs', 'restart'],
  columns: [
    nameColumn,
    ...replicaColumns,
    countColumn('UP-TO-DATE', (row) => row.updated, 5),
    countColumn('AVAILABLE', (row) => row.available, 5),
    {
      title: 'NODE SELECTOR',
      value: (row) => labelsText(row.template.nodeSelector ?? {}),
      tone: () => 'dim',
      kubectl: 'table',
      priority: 6,
    },
    ageColumn,
    ...containerColumns,
    selectorColumn,
  ],
  fault: (row, now) =>
    row.ready < row.desired && (row.createdAt === undefined || now - row.createdAt > startIsLate),
  why: (row) =>
    row.ready < row.desired
      ? `${row.desired - row.ready} of ${row.desired} nodes have no ready pod`
      : undefined,
  toRow: daemonSetRow,
});

/** Pods of agents start within this. */
const startIsLate = 120_000;

function daemonSetRow(object: KubeObject): DaemonSetRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    ...templateOf(spec['template'], spec['selector']),
    desired: count(status['desiredNumberScheduled']),
    current: count(status['currentNumberScheduled']),
    ready: count(status['numberReady']),
    updated: count(status['updatedNumberScheduled']),
    available: count(status['numberAvailable']),
    misscheduled: count(status['numberMisscheduled']),
  };
}
