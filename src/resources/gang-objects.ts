import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { conditionsOf, findCondition } from './conditions.ts';
import { amounts, count, type Fields, list, number, quantity, record, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Requests } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { word } from './workload-object.ts';

/** Pods that a gang scheduler starts all together or not at all. Four projects have a kind of this name. */
export interface PodGroupRow extends OwnedRow {
  readonly group: string;
  readonly queue: string;
  /** Undefined where the object does not say. */
  readonly minMember: number | undefined;
  /** `Pending`: not let into its queue; `Inqueue`: its pods wait for nodes; `''` where the project has none. */
  readonly phase: string;
  readonly reason: string;
  /** Why it does not run, in the scheduler's words; `''` where it says nothing. */
  readonly message: string;
  readonly minResources: Requests;
  readonly priorityClass: string;
  /** Of the native scheduler: the Workload that it is made for. */
  readonly workload: string;
}

interface Project {
  /** In the title: four projects have such a kind. */
  readonly title: string;
  readonly group: string;
  readonly versions: readonly [string, ...string[]];
  readonly read: (spec: Fields, status: Fields) => Partial<PodGroupRow>;
}

function podGroups({
  title,
  group,
  versions: [apiVersion, ...otherVersions],
  read,
}: Project): Resource<PodGroupRow> {
  return defineResource<PodGroupRow>({
    name: 'podgroups',
    title,
    kind: 'PodGroup',
    group,
    apiVersion,
    ...(otherVersions.length > 0 && { otherVersions }),
    optional: true,
    aliases: ['podgroup', 'pg'],
    namespaced: true,
    capabilities: [],
    columns: [
      nameColumn,
      { title: 'QUEUE', value: (row) => row.queue, text: blankText((row) => row.queue), priority: 2 },
      { title: 'MIN', value: (row) => row.minMember, align: 'right', priority: 2 },
      { title: 'PHASE', value: (row) => row.phase, text: blankText((row) => row.phase), priority: 0 },
      { title: 'MESSAGE', value: (row) => row.message, text: blankText((row) => row.message), priority: 1 },
      ageColumn,
    ],
    why: ({ message }) => message || undefined,
    toRow: (object: KubeObject): PodGroupRow => {
      const spec = record(object['spec']);
      return {
        ...ownedMetaOf(object),
        group,
        queue: word(spec['queue']),
        minMember: number(spec['minMember']),
        phase: text(record(object['status'])['phase']),
        reason: '',
        message: '',
        minResources: amounts(spec['minResources']),
        priorityClass: word(spec['priorityClassName']),
        workload: '',
        ...read(spec, record(object['status'])),
      };
    },
  });
}

const unschedulable = (status: Fields): Partial<PodGroupRow> => {
  const found = findCondition(conditionsOf(status['conditions']), 'Unschedulable', 'True');
  return found === undefined ? {} : { reason: found.reason, message: found.message };
};

export const volcanopodgroups: Resource<PodGroupRow> = podGroups({
  title: 'Volcano PodGroups',
  group: 'scheduling.volcano.sh',
  versions: ['v1beta1'],
  read: (_spec, status) => unschedulable(status),
});

export const coschedulingpodgroups: Resource<PodGroupRow> = podGroups({
  title: 'Coscheduling PodGroups',
  group: 'scheduling.x-k8s.io',
  versions: ['v1alpha1'],
  read: (_spec, status) => unschedulable(status),
});

export const kaipodgroups: Resource<PodGroupRow> = podGroups({
  title: 'KAI PodGroups',
  group: 'scheduling.run.ai',
  versions: ['v2alpha2'],
  read: (_spec, status) => {
    const [condition] = list(status['schedulingConditions']).map(record);
    if (condition === undefined) return {};
    const reasons = list(condition['reasons']).map(record);
    return {
      reason: text(reasons[0]?.['reason'] ?? condition['reason']),
      message: text(condition['message']) || text(reasons[0]?.['message']),
    };
  },
});

/** Kubernetes' own gangs (alpha from 1.35). Recorded of v1.36.3 as v1alpha2: `podGroupTemplateRef`, `PodGroupScheduled`. */
export const nativepodgroups: Resource<PodGroupRow> = podGroups({
  title: 'PodGroups',
  group: 'scheduling.k8s.io',
  versions: ['v1beta1', 'v1alpha3', 'v1alpha2', 'v1alpha1'],
  read: (spec, status) => {
    const conditions = conditionsOf(status['conditions']);
    const waits = ['PodGroupScheduled', 'PodGroupInitiallyScheduled']
      .map((type) => findCondition(conditions, type, 'False'))
      .find((found) => found !== undefined);
    const template = record(spec['podGroupTemplateRef']);
    return {
      minMember: number(record(record(spec['schedulingPolicy'])['gang'])['minCount']),
      reason: waits?.reason ?? '',
      message: waits?.message ?? '',
      workload: text(
        record(template['workload'])['workloadName'] ?? record(spec['workloadRef'])['workloadName'],
      ),
    };
  },
});

/** A queue of Volcano or KAI. Amounts are in units of the resource; absent means that no such limit is set. */
export interface GangQueueRow extends OwnedRow {
  readonly group: string;
  readonly state: string;
  readonly limit: Requests;
  readonly deserved: Requests;
  readonly allocated: Requests;
  readonly parent: string;
  /** PodGroups; undefined where the project does not count them. */
  readonly pending: number | undefined;
  readonly running: number | undefined;
}

interface QueueProject {
  readonly group: string;
  readonly version: string;
  readonly title: string;
  readonly read: (spec: Fields, status: Fields) => Omit<GangQueueRow, keyof OwnedRow | 'group'>;
}

const queueResource = ({ group, version, title, read }: QueueProject): Resource<GangQueueRow> =>
  defineResource<GangQueueRow>({
    name: 'queues',
    title,
    kind: 'Queue',
    group,
    apiVersion: version,
    optional: true,
    aliases: ['queue'],
    namespaced: false,
    capabilities: [],
    columns: [
      nameColumn,
      { title: 'STATE', value: (row) => row.state, text: blankText((row) => row.state), priority: 1 },
      { title: 'PENDING', value: (row) => row.pending, align: 'right', priority: 1 },
      { title: 'RUNNING', value: (row) => row.running, align: 'right', priority: 2 },
      ageColumn,
    ],
    toRow: (object: KubeObject): GangQueueRow => ({
      ...ownedMetaOf(object),
      group,
      ...read(record(object['spec']), record(object['status'])),
    }),
  });

export const volcanoqueues: Resource<GangQueueRow> = queueResource({
  group: 'scheduling.volcano.sh',
  version: 'v1beta1',
  title: 'Volcano Queues',
  read: (spec, status) => ({
    state: text(status['state']),
    limit: amounts(spec['capability']),
    deserved: amounts(spec['deserved']),
    allocated: amounts(status['allocated']),
    parent: word(spec['parent']),
    pending: count(status['pending']) + count(status['inqueue']),
    running: count(status['running']),
  }),
});

/** KAI counts GPUs of whatever name; -1 is "no limit". */
export const kaiqueues: Resource<GangQueueRow> = queueResource({
  group: 'scheduling.run.ai',
  version: 'v2',
  title: 'KAI Queues',
  read: (spec, status) => {
    const gpu = record(record(spec['resources'])['gpu']);
    const limited = (value: unknown): Requests => {
      const units = quantity(value);
      return units === undefined || units < 0 ? {} : { 'nvidia.com/gpu': units };
    };
    return {
      state: '',
      limit: limited(gpu['limit']),
      deserved: limited(gpu['quota']),
      allocated: amounts(status['allocated']),
      parent: word(spec['parentQueue']),
      pending: undefined,
      running: undefined,
    };
  },
});

/** Kubernetes' own Workload: what it holds together, and the gang policy of each part. */
export interface NativeWorkloadRow extends OwnedRow {
  /** `kind/name`; `''` where the object names none. */
  readonly controller: string;
  readonly templates: readonly { readonly name: string; readonly minCount: number | undefined }[];
}

export const nativeworkloads: Resource<NativeWorkloadRow> = defineResource<NativeWorkloadRow>({
  name: 'workloads',
  title: 'Scheduling Workloads',
  kind: 'Workload',
  group: 'scheduling.k8s.io',
  apiVersion: 'v1beta1',
  otherVersions: ['v1alpha3', 'v1alpha2', 'v1alpha1'],
  optional: true,
  aliases: [],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'CONTROLLER',
      value: (row) => row.controller,
      text: blankText((row) => row.controller),
      priority: 1,
    },
    ageColumn,
  ],
  toRow: (object: KubeObject): NativeWorkloadRow => {
    const spec = record(object['spec']);
    const { kind, name } = record(spec['controllerRef']);
    // 1.35 calls them podGroups.
    const templates = list(spec['podGroupTemplates'] ?? spec['podGroups']).map(record);
    return {
      ...ownedMetaOf(object),
      controller: kind === undefined ? '' : `${text(kind)}/${text(name)}`,
      templates: templates.map((template) => ({
        name: text(template['name']),
        minCount: number(
          record(record(template['schedulingPolicy'] ?? template['policy'])['gang'])['minCount'],
        ),
      })),
    };
  },
});
