import type { KubeObject } from '../../kube/object.ts';
import { gangJobs, kserveKinds, rayKinds } from '../../resources/job-kinds.ts';
import { kindOf, labelsOf, nameOf, selects } from '../evidence-index.ts';
import { kubectl, managerOf } from '../fixes.ts';
import { condition, conditions, count, strings, text } from '../read.ts';
import type { ObjectFacts } from '../state.ts';

/** Kinds of Kubernetes itself that own pods. */
export const podOwners: readonly string[] = [
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'ReplicationController',
];

/** Kinds of job operators and model servers that own pods. */
export const customOwners: readonly string[] = [
  ...gangJobs,
  ...rayKinds,
  ...kserveKinds,
  'Workflow',
  'NodeSet',
  'SparkApplication',
  'Notebook',
];

/** What says, in whichever way its operator has, that the work came to a good end. */
export const finishedWell = (object: KubeObject | undefined): boolean =>
  object !== undefined &&
  (conditions(object).some(
    (entry) =>
      entry.status === 'True' &&
      (/^(?:Complete|Succeeded)$/.test(entry.type) ||
        (entry.type === 'Completed' && kindOf(object) === 'JobSet')),
  ) ||
    [
      text(object, 'status', 'phase'),
      text(object, 'status', 'jobStatus'),
      text(object, 'status', 'state', 'phase'),
      text(object, 'status', 'applicationState', 'state'),
      text(object, 'status', 'terminalState'),
    ].some((word) => /^(?:Succeeded|Completed?)$/i.test(word)));

/** The ReplicaSet of the newest revision that is meant to have pods. */
export function newestReplicaSet(facts: ObjectFacts): KubeObject | undefined {
  const sets = facts.index.children(facts.object).filter((child) => kindOf(child) === 'ReplicaSet');
  const revision = (set: KubeObject): number =>
    Number(strings(set, 'metadata', 'annotations')['deployment.kubernetes.io/revision'] ?? 0);
  return [...sets].sort(
    (a, b) =>
      revision(b) - revision(a) ||
      ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? 1 : -1),
  )[0];
}

/** Pods below an owner, through ReplicaSets and Jobs. */
export function podsBelow(
  facts: ObjectFacts,
  object: KubeObject = facts.object,
  depth = 0,
): readonly KubeObject[] {
  if (depth > 4) return [];
  const children = facts.index.children(object);
  const direct = children.flatMap((child) =>
    kindOf(child) === 'Pod' ? [child] : podsBelow(facts, child, depth + 1),
  );
  if (direct.length > 0 || depth > 0) return direct;
  // Owners pasted without uids, or pods that only labels tie to them.
  const selector = strings(object, 'spec', 'selector', 'matchLabels');
  const labelled =
    Object.keys(selector).length > 0
      ? (pod: KubeObject): boolean => selects(selector, labelsOf(pod))
      : jobLabel(object);
  return labelled === undefined ? [] : facts.index.inNamespace('Pod', facts.namespace).filter(labelled);
}

function jobLabel(object: KubeObject): ((pod: KubeObject) => boolean) | undefined {
  const keys: Readonly<Record<string, readonly string[]>> = {
    Job: ['batch.kubernetes.io/job-name', 'job-name'],
    JobSet: ['jobset.sigs.k8s.io/jobset-name'],
    TrainJob: ['jobset.sigs.k8s.io/jobset-name'],
    RayCluster: ['ray.io/cluster'],
    LeaderWorkerSet: ['leaderworkerset.sigs.k8s.io/name'],
    InferenceService: ['serving.kserve.io/inferenceservice'],
    Workflow: ['workflows.argoproj.io/workflow'],
  };
  const names =
    keys[kindOf(object)] ?? (/Job$/.test(kindOf(object)) ? ['training.kubeflow.org/job-name'] : []);
  return names.length === 0 ? undefined : (pod) => names.some((key) => labelsOf(pod)[key] === nameOf(object));
}

interface Wanted {
  readonly desired: number;
  readonly actual: number;
}

/** Pods that an owner wants and has; undefined when that cannot be told. */
export function wantedOf(facts: ObjectFacts): Wanted | undefined {
  const { object, kind } = facts;
  switch (kind) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return {
        desired: count(object, 'spec', 'replicas') ?? 1,
        actual: count(object, 'status', 'replicas') ?? 0,
      };
    case 'DaemonSet':
      return {
        desired: count(object, 'status', 'desiredNumberScheduled') ?? 0,
        actual: count(object, 'status', 'currentNumberScheduled') ?? 0,
      };
    case 'Job': {
      if (condition(object, 'Complete')?.status === 'True' || condition(object, 'Failed')?.status === 'True')
        return undefined;
      const done = count(object, 'status', 'succeeded') ?? 0;
      return {
        desired: Math.min(
          count(object, 'spec', 'parallelism') ?? 1,
          Math.max(0, (count(object, 'spec', 'completions') ?? 1) - done),
        ),
        actual: count(object, 'status', 'active') ?? 0,
      };
    }
    default:
      return undefined;
  }
}

/** Editing the template, where it can be edited. */
export function editTemplate(facts: ObjectFacts, what: string): ReturnType<typeof kubectl> {
  const { kind, namespace, name, object } = facts;
  const manager = managerOf(object);
  const note =
    manager === undefined
      ? undefined
      : `${manager} manages this object and will revert the edit: change its source`;
  if (kind === 'Job')
    return kubectl(
      `${what}: a Job's template cannot be edited, so replace it by an edited copy`,
      'disruptive',
      namespace,
      ['get', 'job', name, '-o', 'yaml'],
      'then `kubectl replace --force -f` the copy',
    );
  const owner = facts.index.owners(object)[0];
  return kubectl(
    what,
    'reversible',
    namespace,
    owner === undefined ? ['edit', kind.toLowerCase(), name] : ['edit', owner.kind.toLowerCase(), owner.name],
    note,
  );
}

const rank = { bad: 2, warn: 1, none: 0 } as const;

export function worstOf(
  facts: ObjectFacts,
  pods: readonly KubeObject[],
): { readonly pod: KubeObject; readonly report: ReturnType<ObjectFacts['reportOn']> } | undefined {
  return pods
    .map((pod) => ({ pod, report: facts.reportOn(pod) }))
    .filter((entry) => entry.report.causes.length > 0)
    .sort((a, b) => rank[b.report.severity] - rank[a.report.severity])[0];
}
