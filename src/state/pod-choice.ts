import { forKinds, gangJobs, kserveKinds, kubeflowJobs, rayKinds } from '../resources/job-kinds.ts';
import type { ContainerSpec, PodRow } from '../resources/pod-row.ts';
import type { Resource, Row, Table } from '../resources/resource.ts';
import { groupOf } from '../workloads/group.ts';
import type { Cluster } from './cluster.ts';
import { podIndex } from './pod-index.ts';

/** Which pods are meant: data, so that a view can keep it and new pods can be asked whether they belong. */
export type PodChoice =
  | { readonly by: 'pod'; readonly namespace: string; readonly name: string }
  | { readonly by: 'node'; readonly node: string }
  | {
      readonly by: 'labels';
      readonly namespace: string;
      readonly labels: Readonly<Record<string, string>>;
    }
  | { readonly by: 'owner'; readonly namespace: string; readonly kind: string; readonly name: string }
  /** What the grouping rule calls one job: any kind of job or server (gpu.md 5.1). */
  | { readonly by: 'member'; readonly namespace: string; readonly kind: string; readonly name: string };

/** Pods that belong to a row; undefined where rows of its kind have none. */
export function choiceOf(table: Pick<Table<Row>, 'name'>, row: Row): PodChoice | undefined {
  const { namespace, name } = row;
  const { kind = '', group = '' } = table as Partial<Resource>;
  // Another kind that is called Job: its pods carry another label.
  if (group === 'batch.volcano.sh')
    return { by: 'labels', namespace, labels: { 'volcano.sh/job-name': name } };
  switch (table.name) {
    case 'pods':
    case 'ranks':
      return { by: 'pod', namespace, name };
    case 'nodes':
    case 'gpus':
      return { by: 'node', node: name };
    case 'services': {
      const labels = (row as Row & { readonly selector?: Readonly<Record<string, string>> }).selector ?? {};
      return Object.keys(labels).length === 0 ? undefined : { by: 'labels', namespace, labels };
    }
    case 'deployments':
    case 'statefulsets':
    case 'daemonsets':
    case 'replicasets':
    case 'jobs':
    case 'cronjobs':
      return { by: 'owner', namespace, kind, name };
    case 'pending':
    case 'workloads': {
      const own = (row as Row & { readonly kind?: string }).kind;
      return own === undefined ? undefined : { by: 'member', namespace, kind: own, name };
    }
    default:
      return jobKinds.has(kind) ? { by: 'member', namespace, kind, name } : undefined;
  }
}

/** Whether rows of such a table can have pods at all. */
export const hasPods = (table: Pick<Table<Row>, 'name'>): boolean =>
  tablesWithPods.has(table.name) || jobKinds.has((table as Partial<Resource>).kind ?? '');

const tablesWithPods = new Set([
  'pods',
  'ranks',
  'nodes',
  'gpus',
  'services',
  'deployments',
  'statefulsets',
  'daemonsets',
  'replicasets',
  'jobs',
  'cronjobs',
  'pending',
  'workloads',
]);

const jobKinds = new Set([...gangJobs, ...rayKinds, ...kserveKinds, 'Workflow', 'NodeSet', 'Job']);

/** The pods of a choice that are there now. */
export function chosenPods(cluster: Cluster, choice: PodChoice): readonly PodRow[] {
  const index = podIndex(cluster);
  const near = choice.by === 'node' ? index.onNode(choice.node) : index.inNamespace(choice.namespace);
  return Array.from(near).filter((pod) => chooses(choice, pod));
}

export function chooses(choice: PodChoice, pod: PodRow): boolean {
  switch (choice.by) {
    case 'pod':
      return pod.name === choice.name && pod.namespace === choice.namespace;
    case 'node':
      return pod.node === choice.node;
    case 'labels':
      return (
        pod.namespace === choice.namespace &&
        Object.entries(choice.labels).every(([key, value]) => pod.labels[key] === value)
      );
    case 'owner':
      return pod.namespace === choice.namespace && isOwnedBy(pod, choice.kind, choice.name);
    case 'member': {
      if (pod.namespace !== choice.namespace) return false;
      const member = groupOf(pod);
      return member.name === choice.name && member.kind === choice.kind;
    }
  }
}

/** By the owner, or by its name where the owner is one hop further away. */
function isOwnedBy({ owner }: PodRow, kind: string, name: string): boolean {
  if (owner === undefined) return false;
  if (owner.kind === kind) return owner.name === name;
  // A controller names what it makes after itself and one more part.
  const isMade = (by: string, of: RegExp): boolean =>
    owner.kind === by && owner.name.startsWith(`${name}-`) && of.test(owner.name.slice(name.length + 1));
  if (kind === 'Deployment') return isMade('ReplicaSet', /^[a-z0-9]+$/);
  return kind === 'CronJob' && isMade('Job', /^(?:\d+|manual-[a-z0-9]+)$/);
}

/** Its number among the pods of its job; undefined where nothing says. */
export function rankOf(pod: PodRow): number | undefined {
  const { rank } = groupOf(pod);
  if (rank !== undefined) return rank;
  const ordinal = pod.labels['apps.kubernetes.io/pod-index'];
  return ordinal !== undefined && /^\d{1,6}$/.test(ordinal) ? Number(ordinal) : undefined;
}

/** `labels` of kubectl for these pods: how the same logs are asked for; undefined where no selector chooses them. */
export function selectorOf(choice: PodChoice): string | undefined {
  if (choice.by === 'labels')
    return Object.entries(choice.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
  if (choice.by !== 'member' && choice.by !== 'owner') return undefined;
  const label = labelOfKind[choice.kind];
  return label === undefined ? undefined : `${label}=${choice.name}`;
}

const labelOfKind: Readonly<Record<string, string>> = {
  Job: 'batch.kubernetes.io/job-name',
  JobSet: 'jobset.sigs.k8s.io/jobset-name',
  TrainJob: 'jobset.sigs.k8s.io/jobset-name',
  ...forKinds(kubeflowJobs, 'training.kubeflow.org/job-name'),
  LeaderWorkerSet: 'leaderworkerset.sigs.k8s.io/name',
  RayCluster: 'ray.io/cluster',
  RayJob: 'ray.io/originated-from-cr-name',
  RayService: 'ray.io/originated-from-cr-name',
  InferenceService: 'serving.kserve.io/inferenceservice',
  Workflow: 'workflows.argoproj.io/workflow',
};

/** The container that is meant where none is named, as kubectl has it: the one that its annotation names, else the first. */
export function mainContainer({ annotations, spec }: PodRow): ContainerSpec | undefined {
  const named = annotations['kubectl.kubernetes.io/default-container'];
  const all = spec.containers;
  return (
    all.find(({ name, kind }) => kind === 'main' && name === named) ?? all.find(({ kind }) => kind === 'main')
  );
}
