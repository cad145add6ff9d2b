import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { count, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import {
  containerColumns,
  gpuPerPodColumn,
  type Replicas,
  readyShareColumn,
  replicasOf,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface StatefulSetRow extends OwnedRow, TemplateRow, Replicas {
  readonly updated: number;
  /** Headless Service that gives the pods their names; `''` where absent. */
  readonly serviceName: string;
  /** `OrderedReady` waits for each pod before it makes the next. */
  readonly podManagement: string;
  readonly currentRevision: string;
  readonly updateRevision: string;
}

export const statefulsets: Resource<StatefulSetRow> = defineResource<StatefulSetRow>({
  name: 'statefulsets',
  title: 'StatefulSets',
  kind: 'StatefulSet',
  group: 'apps',
  apiVersion: 'v1',
  aliases: ['sts', 'statefulset'],
  namespaced: true,
  capabilities: ['logs', 'scale', 'restart'],
  columns: [nameColumn, readyShareColumn, ageColumn, ...containerColumns, gpuPerPodColumn],
  fault: (row, now) =>
    row.desired > 0 && row.ready === 0 && (row.createdAt === undefined || now - row.createdAt > startIsLate),
  why: (row) => {
    if (row.ready >= row.desired) return undefined;
    const ordered = row.podManagement === 'OrderedReady' && row.current < row.desired;
    return `${row.ready} of ${row.desired} ready${ordered ? '; OrderedReady makes the next pod only when the one before is ready' : ''}`;
  },
  toRow: statefulSetRow,
});

/** Loading a model takes minutes: only then is "none ready" more than a start. */
const startIsLate = 600_000;

function statefulSetRow(object: KubeObject): StatefulSetRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  return {
    ...ownedMetaOf(object),
    ...templateOf(spec['template'], spec['selector']),
    ...replicasOf(spec, status),
    updated: count(status['updatedReplicas']),
    serviceName: shared(spec['serviceName']),
    podManagement: shared(spec['podManagementPolicy']) || 'OrderedReady',
    currentRevision: shared(status['currentRevision']),
    updateRevision: shared(status['updateRevision']),
  };
}
