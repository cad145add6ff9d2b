import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { type Condition, conditionText, findCondition } from './conditions.ts';
import { type Fields, labels, number, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Labels, PodSpecRecord } from './pod-row.ts';
import { podSpecOf } from './pod-spec.ts';
import { type Column, defineResource, type Resource, type Tone } from './resource.ts';

/** What a job's own status comes down to, whatever its operator calls it. */
export type ObjectPhase = 'unknown' | 'suspended' | 'waiting' | 'active' | 'failed' | 'done';

/** Pods of one sort that a job makes. */
export interface Role {
  /** `worker`, `launcher`, `main`; lower case. */
  readonly name: string;
  /** Undefined where the object does not say. */
  readonly count: number | undefined;
  /** What each of them asks for; undefined where the object has no template of its own. */
  readonly template: PodSpecRecord | undefined;
}

/** A job, a server or a cluster of an ML operator, as far as all of them have the same. */
export interface WorkloadObjectRow extends OwnedRow {
  readonly group: string;
  readonly kind: string;
  /** The operator's own word: `Running`, `Suspended`, `Created`; `''` where it says nothing. */
  readonly status: string;
  readonly phase: ObjectPhase;
  /** Why it is so, in the operator's words; `''` where it says nothing. */
  readonly message: string;
  /** Of Kueue, Volcano or KAI; `''` for none. */
  readonly queue: string;
  readonly priorityClass: string;
  readonly roles: readonly Role[];
  /** Pods that must start together; undefined where the object does not say. */
  readonly minPods: number | undefined;
  /** Replicas of a server, each of `groupSize` pods; undefined for jobs. */
  readonly replicas:
    | { readonly wanted: number; readonly ready: number; readonly groupSize: number }
    | undefined;
  /** How often it was started anew as a whole; undefined where the object does not count. */
  readonly restarts: number | undefined;
  /** 0–1; undefined where the object does not carry it. */
  readonly progress: number | undefined;
  readonly remainingSeconds: number | undefined;
  /** When `progress` was last told, epoch ms. */
  readonly progressAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** Other objects that belong to it: a RayJob's cluster. `kind/name`. */
  readonly parts: readonly string[];
  readonly annotations: Labels;
}

/** What a kind reads of its objects; the rest is empty. */
export type WorkloadFacts = Partial<Omit<WorkloadObjectRow, keyof OwnedRow | 'group' | 'kind'>>;

export interface WorkloadKind {
  readonly group: string;
  readonly versions: readonly [string, ...string[]];
  readonly kind: string;
  readonly plural: string;
  /** Where the plural of the kind alone would say too little. */
  readonly title?: string;
  readonly aliases: readonly string[];
  readonly read: (spec: Fields, status: Fields, object: KubeObject) => WorkloadFacts;
}

/** What an object says that says nothing: each fact unknown or empty. */
export const blankFacts: Required<WorkloadFacts> = {
  status: '',
  phase: 'unknown',
  message: '',
  queue: '',
  priorityClass: '',
  roles: [],
  minPods: undefined,
  replicas: undefined,
  restarts: undefined,
  progress: undefined,
  remainingSeconds: undefined,
  progressAt: undefined,
  startedAt: undefined,
  endedAt: undefined,
  parts: [],
  annotations: {},
};

const queueLabels = [
  'kueue.x-k8s.io/queue-name',
  'volcano.sh/queue-name',
  'kai.scheduler/queue',
  'runai/queue',
];

export function workloadResource(kind: WorkloadKind): Resource<WorkloadObjectRow> {
  const [apiVersion, ...otherVersions] = kind.versions;
  return defineResource<WorkloadObjectRow>({
    name: kind.plural,
    title: kind.title ?? (kind.kind.endsWith('s') ? kind.kind : `${kind.kind}s`),
    kind: kind.kind,
    group: kind.group,
    apiVersion,
    ...(otherVersions.length > 0 && { otherVersions }),
    optional: true,
    aliases: [...kind.aliases],
    namespaced: true,
    capabilities: [],
    columns,
    fault: ({ phase }) => phase === 'failed',
    why: ({ phase, message }) =>
      phase === 'failed' || phase === 'waiting' ? message || undefined : undefined,
    toRow: (object) => workloadRow(kind, object),
  });
}

function workloadRow(kind: WorkloadKind, object: KubeObject): WorkloadObjectRow {
  const metadata = record(object.metadata);
  const spec = record(object['spec']);
  const meta = ownedMetaOf(object);
  const facts = kind.read(spec, record(object['status']), object);
  return {
    ...meta,
    ...blankFacts,
    ...facts,
    group: kind.group,
    kind: kind.kind,
    queue: facts.queue || (queueLabels.map((name) => meta.labels[name]).find(Boolean) ?? ''),
    annotations: labels(
      Object.fromEntries(
        Object.entries(record(metadata['annotations'])).filter(([name]) => name === 'volcano.sh/queue-name'),
      ),
    ),
  };
}

const phaseTones: Readonly<Record<ObjectPhase, Tone>> = {
  unknown: 'unknown',
  suspended: 'pending',
  waiting: 'pending',
  active: 'good',
  failed: 'bad',
  done: 'done',
};

const columns: readonly Column<WorkloadObjectRow>[] = [
  nameColumn,
  ageColumn,
  {
    title: 'STATUS',
    value: (row) => row.status,
    text: (row) => row.status || '-',
    tone: statusTone,
    priority: 0,
  },
  { title: 'PODS', value: podsWanted, text: (row) => toldText(podsWanted(row)), align: 'right', priority: 2 },
  {
    title: 'RESTARTS',
    value: (row) => row.restarts,
    text: ({ restarts }) => toldText(restarts),
    align: 'right',
    priority: 4,
  },
  {
    title: 'PROGRESS',
    value: (row) => row.progress,
    text: ({ progress }) => (progress === undefined ? '-' : `${Math.round(progress * 100)}%`),
    align: 'right',
    priority: 4,
  },
  { title: 'QUEUE', value: (row) => row.queue, text: (row) => row.queue || '-', priority: 4 },
  { title: 'MESSAGE', value: (row) => row.message, text: blankText((row) => row.message), priority: 3 },
];

/** `-` where the object does not say it: another kind of its family does. */
const toldText = (count: number | undefined): string => (count === undefined ? '-' : String(count));

/** Half of the replicas that it wants are no health, whatever runs. */
function statusTone({ phase, replicas }: WorkloadObjectRow): Tone {
  const lacks = phase === 'active' && replicas !== undefined && replicas.ready < replicas.wanted;
  return lacks ? 'warn' : phaseTones[phase];
}

/** All pods that it makes; undefined where a role does not say how many. */
function podsWanted({ roles }: Pick<WorkloadObjectRow, 'roles'>): number | undefined {
  if (roles.length === 0) return undefined;
  let sum = 0;
  for (const { count } of roles) {
    if (count === undefined) return undefined;
    sum += count;
  }
  return sum;
}

/** A role from a pod template; `template` is the template with its `spec`. */
export function roleOf(name: string, count: number | undefined, template: unknown): Role {
  const spec = record(template)['spec'];
  return {
    name: name.toLowerCase(),
    count,
    template: spec === undefined ? undefined : podSpecOf(record(spec), {}),
  };
}

/** A role whose pods ask for these resources (`{limits, requests}`), where the object has no whole template. */
export const roleAsking = (name: string, count: number | undefined, resources: unknown): Role =>
  roleOf(name, count, resources === undefined ? undefined : { spec: { containers: [{ name, resources }] } });

/** The phase of an object that tells it in conditions: the first of each list that is True. */
export function phaseOfConditions(
  conditions: readonly Condition[],
  words: {
    readonly failed: readonly string[];
    readonly done: readonly string[];
    readonly suspended?: readonly string[];
    readonly active?: readonly string[];
  },
): Pick<WorkloadFacts, 'status' | 'phase' | 'message' | 'endedAt'> {
  const holds = (types: readonly string[] = []): Condition | undefined =>
    types.map((type) => findCondition(conditions, type, 'True')).find((found) => found !== undefined);
  const failed = holds(words.failed);
  if (failed !== undefined)
    return { status: failed.type, phase: 'failed', message: conditionText(failed), endedAt: failed.at };
  const done = holds(words.done);
  if (done !== undefined)
    return { status: done.type, phase: 'done', message: conditionText(done), endedAt: done.at };
  const suspended = holds(words.suspended);
  if (suspended !== undefined)
    return { status: suspended.type, phase: 'suspended', message: conditionText(suspended) };
  const active = holds(words.active);
  if (active !== undefined) return { status: active.type, phase: 'active', message: conditionText(active) };
  return { status: conditions.at(-1)?.type ?? '', phase: 'waiting', message: '' };
}

/** The first of these numbers that is there. */
export const firstNumber = (...values: readonly unknown[]): number | undefined =>
  values.map(number).find((value) => value !== undefined);

export const word = (value: unknown): string => shared(text(value));
