import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition, isTrue } from './conditions.ts';
import { count, type Fields, labels, list, number, quantity, record, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Labels } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { type Role, roleOf, word } from './workload-object.ts';

const group = 'kueue.x-k8s.io';
const versions = { apiVersion: 'v1beta2', otherVersions: ['v1beta1'], optional: true } as const;

/** How far Kueue has let a workload: it waits for quota, has it, runs, or is done. */
type Admission = 'pending' | 'reserved' | 'admitted' | 'finished' | 'inactive';

export interface KueueWorkloadRow extends OwnedRow {
  readonly localQueue: string;
  /** `''` until quota is reserved. */
  readonly clusterQueue: string;
  readonly priority: number;
  readonly admission: Admission;
  /** What Kueue says about the last step that did not succeed; `''` where all did. */
  readonly reason: string;
  readonly message: string;
  readonly podSets: readonly Role[];
  /** Times it was put back into the queue. */
  readonly requeues: number;
  /** Epoch ms: not tried again before. */
  readonly requeueAt: number | undefined;
  /** Flavors that its quota comes from, by resource. */
  readonly flavors: Labels;
  readonly conditions: readonly Condition[];
  /** The job whose workload this is; `kind/name`. */
  readonly owners: readonly string[];
}

function kueueWorkloadRow(object: KubeObject): KueueWorkloadRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const conditions = conditionsOf(status['conditions']);
  const admission = record(status['admission']);
  const requeue = record(status['requeueState']);
  const told = tellingCondition(conditions);
  return {
    ...ownedMetaOf(object),
    localQueue: word(spec['queueName']),
    clusterQueue: word(admission['clusterQueue']),
    priority: number(spec['priority']) ?? 0,
    admission: admissionOf(spec, conditions),
    reason: told?.reason ?? '',
    message: told?.message ?? '',
    podSets: list(spec['podSets']).map((raw) => {
      const set = record(raw);
      return roleOf(text(set['name']) || 'main', number(set['count']), set['template']);
    }),
    requeues: count(requeue['count']),
    requeueAt: Date.parse(text(requeue['requeueAt'])) || undefined,
    flavors: flavorsOf(admission),
    conditions,
    owners: list(record(object.metadata)['ownerReferences']).map(
      (owner) => `${text(record(owner)['kind'])}/${text(record(owner)['name'])}`,
    ),
  };
}

function admissionOf(spec: Fields, conditions: readonly Condition[]): Admission {
  if (isTrue(conditions, 'Finished')) return 'finished';
  if (spec['active'] === false) return 'inactive';
  if (isTrue(conditions, 'Admitted')) return 'admitted';
  return isTrue(conditions, 'QuotaReserved') ? 'reserved' : 'pending';
}

/** An eviction explains more than the wait that follows it. */
function tellingCondition(conditions: readonly Condition[]): Condition | undefined {
  if (isTrue(conditions, 'Admitted')) return undefined;
  return (
    findCondition(conditions, 'QuotaReserved', 'False') ??
    findCondition(conditions, 'Evicted', 'True') ??
    findCondition(conditions, 'Admitted', 'False')
  );
}

function flavorsOf(admission: Fields): Labels {
  const flavors: Record<string, string> = {};
  for (const raw of list(admission['podSetAssignments']))
    Object.assign(flavors, labels(record(raw)['flavors']));
  return flavors;
}

export const kueueworkloads: Resource<KueueWorkloadRow> = defineResource<KueueWorkloadRow>({
  name: 'workloads',
  title: 'Kueue Workloads',
  kind: 'Workload',
  group,
  ...versions,
  aliases: ['kueueworkloads', 'kwl'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    ageColumn,
    { title: 'QUEUE', value: (row) => row.localQueue, priority: 1 },
    { title: 'STATE', value: (row) => row.admission, priority: 0 },
    { title: 'PRIORITY', value: (row) => row.priority, align: 'right', priority: 4 },
    { title: 'REASON', value: (row) => row.reason, text: blankText((row) => row.reason), priority: 3 },
    { title: 'MESSAGE', value: (row) => row.message, text: blankText((row) => row.message), priority: 2 },
  ],
  why: (row) => (row.admission === 'pending' ? row.message || undefined : undefined),
  toRow: kueueWorkloadRow,
});

export interface LocalQueueRow extends OwnedRow {
  readonly clusterQueue: string;
  readonly pending: number;
  readonly admitted: number;
  readonly conditions: readonly Condition[];
}

export const localqueues: Resource<LocalQueueRow> = defineResource<LocalQueueRow>({
  name: 'localqueues',
  title: 'LocalQueues',
  kind: 'LocalQueue',
  group,
  ...versions,
  aliases: ['localqueue', 'lq'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'CLUSTERQUEUE', value: (row) => row.clusterQueue, priority: 1 },
    { title: 'PENDING', value: (row) => row.pending, align: 'right', priority: 2 },
    { title: 'ADMITTED', value: (row) => row.admitted, align: 'right', priority: 2 },
    ageColumn,
  ],
  toRow: (object: KubeObject): LocalQueueRow => {
    const status = record(object['status']);
    return {
      ...ownedMetaOf(object),
      clusterQueue: word(record(object['spec'])['clusterQueue']),
      pending: count(status['pendingWorkloads']),
      admitted: count(status['admittedWorkloads']),
      conditions: conditionsOf(status['conditions']),
    };
  },
});

/** Quota of one resource in one flavor of a ClusterQueue, in units of the resource. */
export interface FlavorQuota {
  readonly flavor: string;
  readonly resource: string;
  readonly nominal: number;
  /** Undefined: no limit but what the cohort has. */
  readonly borrowingLimit: number | undefined;
  readonly lendingLimit: number | undefined;
  readonly used: number;
  readonly borrowed: number;
  readonly reserved: number;
}

export interface ClusterQueueRow extends OwnedRow {
  readonly cohort: string;
  readonly quotas: readonly FlavorQuota[];
  readonly pending: number;
  readonly reserving: number;
  readonly admitted: number;
  /** Why it admits nothing; `''` where it does. */
  readonly inactive: string;
  readonly stopPolicy: string;
}

function clusterQueueRow(object: KubeObject): ClusterQueueRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const conditions = conditionsOf(status['conditions']);
  const inactive = findCondition(conditions, 'Active', 'False');
  return {
    ...ownedMetaOf(object),
    // v1beta1 calls it `cohort`.
    cohort: word(spec['cohortName'] ?? spec['cohort']),
    quotas: list(spec['resourceGroups']).flatMap((group) =>
      list(record(group)['flavors']).flatMap((flavor) => quotasOf(record(flavor), status)),
    ),
    pending: count(status['pendingWorkloads']),
    reserving: count(status['reservingWorkloads']),
    admitted: count(status['admittedWorkloads']),
    inactive: inactive === undefined ? '' : conditionText(inactive),
    stopPolicy: text(spec['stopPolicy']),
  };
}

function quotasOf(flavor: Fields, status: Fields): readonly FlavorQuota[] {
  const name = word(flavor['name']);
  return list(flavor['resources']).map((raw) => {
    const one = record(raw);
    const resource = word(one['name']);
    const used = usageOf(status['flavorsUsage'] ?? status['flavorUsage'], name, resource);
    return {
      flavor: name,
      resource,
      nominal: quantity(one['nominalQuota']) ?? 0,
      borrowingLimit: quantity(one['borrowingLimit']),
      lendingLimit: quantity(one['lendingLimit']),
      used: quantity(used['total']) ?? 0,
      borrowed: quantity(used['borrowed']) ?? 0,
      reserved: quantity(usageOf(status['flavorsReservation'], name, resource)['total']) ?? 0,
    };
  });
}

function usageOf(flavors: unknown, name: string, resource: string): Fields {
  const flavor = list(flavors)
    .map(record)
    .find((one) => one['name'] === name);
  return record(
    list(flavor?.['resources'])
      .map(record)
      .find((one) => one['name'] === resource),
  );
}

export const clusterqueues: Resource<ClusterQueueRow> = defineResource<ClusterQueueRow>({
  name: 'clusterqueues',
  title: 'ClusterQueues',
  kind: 'ClusterQueue',
  group,
  ...versions,
  aliases: ['clusterqueue', 'cq'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'COHORT', value: (row) => row.cohort, text: blankText((row) => row.cohort), priority: 2 },
    { title: 'PENDING', value: (row) => row.pending, align: 'right', priority: 1 },
    { title: 'ADMITTED', value: (row) => row.admitted, align: 'right', priority: 1 },
    { title: 'INACTIVE', value: (row) => row.inactive, text: blankText((row) => row.inactive), priority: 3 },
    ageColumn,
  ],
  fault: (row) => row.inactive !== '',
  why: (row) => row.inactive || undefined,
  toRow: clusterQueueRow,
});

export interface ResourceFlavorRow extends OwnedRow {
  /** Labels of the nodes that the flavor's quota stands for. */
  readonly nodeLabels: Labels;
}

export const resourceflavors: Resource<ResourceFlavorRow> = defineResource<ResourceFlavorRow>({
  name: 'resourceflavors',
  title: 'ResourceFlavors',
  kind: 'ResourceFlavor',
  group,
  ...versions,
  aliases: ['resourceflavor', 'rf'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'NODE LABELS',
      value: ({ nodeLabels }) =>
        Object.entries(nodeLabels)
          .map((pair) => pair.join('='))
          .join(','),
      priority: 1,
    },
    ageColumn,
  ],
  toRow: (object: KubeObject): ResourceFlavorRow => ({
    ...ownedMetaOf(object),
    nodeLabels: labels(record(object['spec'])['nodeLabels']),
  }),
});
