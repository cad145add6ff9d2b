import { gangJobs, kserveKinds, rayKinds } from '../resources/job-kinds.ts';
import type { PodRow } from '../resources/pod-row.ts';

/** The job, server or set of pods that a pod belongs to, and its place in it (gpu.md 5.1). */
export interface Membership {
  /** API group of the kind; `''` for pods and pod groups by label alone. */
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** `master`, `worker`, `leader`, `decode`; `''` where the kind has one sort of pods. */
  readonly role: string;
  /** Its number within the role; undefined where nothing says. */
  readonly rank: number | undefined;
  /** Pods of one replica of a server, of one Job of a JobSet; `''` where there is only one. */
  readonly part: string;
}

type Labels = PodRow['labels'];
type Rule = (pod: PodRow, labels: Labels) => Omit<Membership, 'namespace'> | undefined;

/** A whole number in a label or at the end of a name. */
const numberIn = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;

const ordinalOf = (name: string): number | undefined => numberIn(/-(\d+)$/.exec(name)?.[1]);

const completionIndex = (pod: PodRow, labels: Labels): number | undefined =>
  numberIn(
    labels['batch.kubernetes.io/job-completion-index'] ??
      pod.annotations['batch.kubernetes.io/job-completion-index'],
  );

function rayPlace(labels: Labels): Pick<Membership, 'role' | 'rank' | 'part'> {
  const type = labels['ray.io/node-type'] ?? '';
  return {
    role: type === 'worker' ? (labels['ray.io/group'] ?? 'worker') : type,
    rank: numberIn(labels['ray.io/worker-group-replica-index']),
    part: labels['ray.io/replica-host-index'] ?? '',
  };
}

const rayJob: Rule = (_pod, labels) => {
  const kind = labels['ray.io/originated-from-crd'];
  const name = labels['ray.io/originated-from-cr-name'];
  if (kind === undefined || name === undefined || (kind !== 'RayJob' && kind !== 'RayService'))
    return undefined;
  return { group: 'ray.io', kind, name, ...rayPlace(labels) };
};

const rayCluster: Rule = (_pod, labels) => {
  const name = labels['ray.io/cluster'];
  return name === undefined ? undefined : { group: 'ray.io', kind: 'RayCluster', name, ...rayPlace(labels) };
};

const jobSet: Rule = (pod, labels) => {
  const name = labels['jobset.sigs.k8s.io/jobset-name'];
  if (name === undefined) return undefined;
  const isTrainJob = labels['trainer.kubeflow.org/trainjob-ancestor-step'] !== undefined;
  return {
    group: isTrainJob ? 'trainer.kubeflow.org' : 'jobset.x-k8s.io',
    kind: isTrainJob ? 'TrainJob' : 'JobSet',
    name,
    role: labels['jobset.sigs.k8s.io/replicatedjob-name'] ?? '',
    rank: completionIndex(pod, labels),
    part: labels['jobset.sigs.k8s.io/job-index'] ?? '',
  };
};

/** Controllers that say in a label which of Kubeflow's kinds they run. */
const operators: Readonly<Record<string, string>> = {
  'pytorchjob-controller': 'PyTorchJob',
  'tfjob-controller': 'TFJob',
  'xgboostjob-controller': 'XGBoostJob',
  'paddlejob-controller': 'PaddleJob',
  'jaxjob-controller': 'JAXJob',
  'mpijob-controller': 'MPIJob',
  'mpi-operator': 'MPIJob',
};

const trainingJob: Rule = (pod, labels) => {
  const name = labels['training.kubeflow.org/job-name'];
  if (name === undefined) return undefined;
  const byOwner = pod.owner?.apiVersion.startsWith('kubeflow.org/') === true ? pod.owner.kind : undefined;
  return {
    group: 'kubeflow.org',
    kind: operators[labels['training.kubeflow.org/operator-name'] ?? ''] ?? byOwner ?? 'PyTorchJob',
    name,
    role: labels['training.kubeflow.org/replica-type'] ?? labels['training.kubeflow.org/job-role'] ?? '',
    rank: numberIn(labels['training.kubeflow.org/replica-index']),
    part: '',
  };
};

const leaderWorkerSet: Rule = (_pod, labels) => {
  const name = labels['leaderworkerset.sigs.k8s.io/name'];
  if (name === undefined) return undefined;
  const rank = numberIn(labels['leaderworkerset.sigs.k8s.io/worker-index']);
  return {
    group: 'leaderworkerset.x-k8s.io',
    kind: 'LeaderWorkerSet',
    name,
    role: rank === 0 ? 'leader' : 'worker',
    rank,
    part: labels['leaderworkerset.sigs.k8s.io/group-index'] ?? '',
  };
};

const inferenceService: Rule = (_pod, labels) => {
  const name = labels['serving.kserve.io/inferenceservice'];
  if (name === undefined) return undefined;
  return {
    group: 'serving.kserve.io',
    kind: 'InferenceService',
    name,
    role: labels['component'] ?? '',
    rank: undefined,
    part: '',
  };
};

const llmInferenceService: Rule = (_pod, labels) => {
  const name = labels['app.kubernetes.io/name'];
  if (labels['app.kubernetes.io/part-of'] !== 'llminferenceservice' || name === undefined) return undefined;
  return {
    group: 'serving.kserve.io',
    kind: 'LLMInferenceService',
    name,
    role: labels['llm-d.ai/role'] ?? labels['app.kubernetes.io/component'] ?? '',
    rank: undefined,
    part: '',
  };
};

const volcanoJob: Rule = (_pod, labels) => {
  const name = labels['volcano.sh/job-name'];
  if (name === undefined) return undefined;
  return {
    group: 'batch.volcano.sh',
    kind: 'Job',
    name,
    role: labels['volcano.sh/task-spec'] ?? '',
    rank: numberIn(labels['volcano.sh/task-index']),
    part: '',
  };
};

const workflow: Rule = (pod, labels) => {
  const name = labels['workflows.argoproj.io/workflow'];
  if (name === undefined) return undefined;
  return {
    group: 'argoproj.io',
    kind: 'Workflow',
    name,
    role: pod.annotations['workflows.argoproj.io/node-name'] ?? '',
    rank: undefined,
    part: '',
  };
};

const slurmNodeSet: Rule = (pod, labels) => {
  const isWorker =
    labels['app.kubernetes.io/component'] === 'worker' &&
    (labels['slinky.slurm.net/cluster'] !== undefined ||
      labels['nodeset.slinky.slurm.net/pod-name'] !== undefined);
  if (!isWorker) return undefined;
  const name =
    pod.owner?.kind === 'NodeSet'
      ? pod.owner.name
      : (labels['nodeset.slinky.slurm.net/pod-name'] ?? pod.name).replace(/-\d+$/, '');
  const rank = numberIn(labels['nodeset.slinky.slurm.net/pod-index']);
  return { group: 'slinky.slurm.net', kind: 'NodeSet', name, role: 'worker', rank, part: '' };
};

const slurmJob: Rule = (_pod, labels) => {
  const name = labels['scheduler.slinky.slurm.net/slurm-jobid'];
  return name === undefined
    ? undefined
    : { group: '', kind: 'SlurmJob', name, role: '', rank: undefined, part: '' };
};

const podGroup: Rule = (_pod, labels) => {
  const name = labels['kueue.x-k8s.io/pod-group-name'];
  if (name === undefined) return undefined;
  const rank = numberIn(labels['kueue.x-k8s.io/pod-group-pod-index']);
  return { group: '', kind: 'PodGroup', name, role: '', rank, part: '' };
};

/** A gang of Kubernetes' own, of pods that nobody controls: one PodGroup is one job. */
const nativeGang: Rule = (pod) =>
  pod.podGroup === ''
    ? undefined
    : {
        group: 'scheduling.k8s.io',
        kind: 'PodGroup',
        name: pod.podGroup,
        role: '',
        rank: ordinalOf(pod.name),
        part: '',
      };

const job: Rule = (pod, labels) => {
  const name = labels['batch.kubernetes.io/job-name'] ?? labels['job-name'];
  if (name === undefined) return undefined;
  return { group: 'batch', kind: 'Job', name, role: '', rank: completionIndex(pod, labels), part: '' };
};

const controlled: Rule = (pod, labels) => {
  const { owner } = pod;
  if (owner === undefined) return undefined;
  const base = { group: 'apps', role: '', rank: undefined, part: '' } as const;
  switch (owner.kind) {
    case 'ReplicaSet': {
      const hash = labels['pod-template-hash'];
      const isOfDeployment = hash !== undefined && owner.name.endsWith(`-${hash}`);
      return isOfDeployment
        ? { ...base, kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) }
        : { ...base, kind: 'ReplicaSet', name: owner.name };
    }
    case 'StatefulSet':
      return { ...base, kind: 'StatefulSet', name: owner.name, rank: ordinalOf(pod.name) };
    case 'DaemonSet':
      return { ...base, kind: 'DaemonSet', name: owner.name };
    case 'Node':
      // A static pod: the node is no workload.
      return undefined;
    default: {
      // An operator that mltop does not know: its object is still what the pods belong to.
      const slash = owner.apiVersion.indexOf('/');
      const group = slash === -1 ? '' : owner.apiVersion.slice(0, slash);
      return { ...base, group, kind: owner.kind, name: owner.name, rank: ordinalOf(pod.name) };
    }
  }
};

/** In the order of gpu.md 5.1: labels before owners, the outermost first. */
const rules: readonly Rule[] = [
  rayJob,
  rayCluster,
  jobSet,
  trainingJob,
  leaderWorkerSet,
  inferenceService,
  llmInferenceService,
  volcanoJob,
  workflow,
  slurmNodeSet,
  slurmJob,
  podGroup,
  job,
  controlled,
  nativeGang,
];

/** What a pod says of its job by itself. What the job in turn belongs to, only the job's own object says. */
export function groupOf(pod: PodRow): Membership {
  const { labels, namespace } = pod;
  for (const rule of rules) {
    const found = rule(pod, labels);
    if (found !== undefined) return { namespace, ...found };
  }
  return { namespace, group: '', kind: 'Pod', name: pod.name, role: '', rank: undefined, part: '' };
}

/** By which a workload is known: group, kind, namespace and name, for kinds of several groups share their name. */
export const keyOfGroup = ({
  group,
  kind,
  namespace,
  name,
}: Pick<Membership, 'group' | 'kind' | 'namespace' | 'name'>): string =>
  `${kind}.${group}/${namespace}/${name}`;

/** The queue that a pod's labels name; `''` for none. */
export const queueOfPod = ({ labels, annotations }: PodRow): string =>
  labels['kueue.x-k8s.io/queue-name'] ??
  labels['kueue.x-k8s.io/local-queue-name'] ??
  labels['volcano.sh/queue-name'] ??
  annotations['volcano.sh/queue-name'] ??
  labels['kai.scheduler/queue'] ??
  labels['runai/queue'] ??
  '';

/** The PodGroup that a pod is a member of, whichever gang scheduler's; `''` for none. */
export const gangOfPod = ({ labels, annotations, podGroup: native }: PodRow): string =>
  native ||
  (annotations['scheduling.k8s.io/group-name'] ??
    labels['scheduling.x-k8s.io/pod-group'] ??
    annotations['pod-group-name'] ??
    '');

const topKinds: ReadonlySet<string> = new Set([
  ...gangJobs,
  ...rayKinds,
  ...kserveKinds,
  'NIMService',
  'Notebook',
  'SparkApplication',
  'Workflow',
  'NodeSet',
]);

/** Rules that a job's own labels do not speak by: they would name the job itself. */
const ownRules: ReadonlySet<Rule> = new Set([slurmNodeSet, slurmJob, podGroup, job, controlled, nativeGang]);

/** What the object of a job belongs to in turn, by its labels or its owner; undefined where it stands alone. */
export function ownerGroupOf(
  object: Pick<PodRow, 'namespace' | 'name' | 'labels' | 'owner'>,
): Pick<Membership, 'group' | 'kind' | 'namespace' | 'name'> | undefined {
  const { namespace, owner } = object;
  // The rules read no more of a pod than this.
  const asPod = { ...object, annotations: {} } as PodRow;
  for (const rule of rules) {
    const found = ownRules.has(rule) ? undefined : rule(asPod, object.labels);
    if (found !== undefined) return { namespace, group: found.group, kind: found.kind, name: found.name };
  }
  if (owner === undefined) return undefined;
  const slash = owner.apiVersion.indexOf('/');
  const group = slash === -1 ? '' : owner.apiVersion.slice(0, slash);
  const isVolcanoJob = owner.kind === 'Job' && group === 'batch.volcano.sh';
  return topKinds.has(owner.kind) || isVolcanoJob
    ? { group, kind: owner.kind, namespace, name: owner.name }
    : undefined;
}

/** In the order in which ranks are read: by replica, the head first, then by number. */
export const comparePlaces = (a: Membership, b: Membership): number =>
  compareText(a.part, b.part) ||
  roleOrder(a.role) - roleOrder(b.role) ||
  compareText(a.role, b.role) ||
  (a.rank ?? 0) - (b.rank ?? 0);

const compareText = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const heads = ['head', 'launcher', 'master', 'chief', 'leader'];

/** The pod that the others of its job wait for or report to. */
export const isHead = (role: string): boolean => heads.includes(role.toLowerCase());

const roleOrder = (role: string): number => (isHead(role) ? 0 : 1);
