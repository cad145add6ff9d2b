import type { KubeObject } from '../kube/object.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { amountText } from '../scheduling/amount.ts';
import {
  buildIndex,
  type EvidenceIndex,
  type Happening,
  kindOf,
  labelsOf,
  named,
  nameOf,
  namespaceOf,
} from './evidence-index.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { type Condition, conditions, count, lines, list, record, text, time } from './read.ts';
import type { ObjectRef } from './report.ts';

export interface PastRun {
  readonly reason: string;
  readonly exitCode: number;
  readonly signal: number | undefined;
  readonly message: string;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
}

/** One container, spec and status side by side, matched by name: the kubelet sorts statuses (checklist.md 3.12, 12). */
export interface ContainerFacts {
  readonly name: string;
  readonly kind: 'main' | 'init' | 'sidecar' | 'ephemeral';
  /** Place in its own list of the spec. */
  readonly position: number;
  readonly image: string;
  /** Undefined when only a row is known. */
  readonly spec: unknown;
  /** Undefined until the kubelet reports. */
  readonly status: unknown;
  readonly state: 'waiting' | 'running' | 'terminated' | 'none';
  /** Of the state: waiting.reason or terminated.reason. */
  readonly reason: string;
  readonly message: string;
  readonly startedAt: number | undefined;
  readonly ready: boolean;
  readonly started: boolean | undefined;
  readonly restarts: number;
  /** The present state, when it is terminated. */
  readonly ended: PastRun | undefined;
  /** lastState.terminated. */
  readonly last: PastRun | undefined;
}

/**
 * A pod as the classifier sees it. Built from the whole object for a checklist, or from a row for the table of all
 * pods: then only the container in trouble is known, and the index is what the caller has at hand. One set of states
 * reads both, so that the table and the checklist cannot disagree on more than what is known.
 */
export interface PodFacts {
  /** Undefined when only a row is known. */
  readonly object: KubeObject | undefined;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly createdAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly deletedAt: number | undefined;
  readonly phase: string;
  readonly reason: string;
  readonly message: string;
  readonly node: string;
  readonly nominatedNode: string;
  readonly restartPolicy: string;
  readonly schedulerName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly gates: readonly string[];
  /** Names where the object is known, else one empty name each. */
  readonly finalizers: readonly string[];
  readonly conditions: ReadonlyMap<string, Condition>;
  /** Init containers first, in the order of the spec. */
  readonly containers: readonly ContainerFacts[];
  /** The controlling owners, nearest first. */
  readonly owners: readonly (ObjectRef & { readonly object: KubeObject | undefined })[];
  readonly index: EvidenceIndex;
  readonly now: number;
  readonly events: readonly Happening[];
  /** False when the events of the pod were not looked at: that there is none says nothing then. */
  readonly eventsKnown: boolean;
  /** The row that this was made from. */
  readonly row: PodRow | undefined;
  /** From when on something is worth a word. */
  readonly limits: Limits;
}

const pastRun = (value: unknown): PastRun | undefined => {
  const exitCode = count(value, 'exitCode');
  if (exitCode === undefined && text(value, 'reason') === '') return undefined;
  return {
    reason: text(value, 'reason'),
    exitCode: exitCode ?? 0,
    signal: count(value, 'signal') || undefined,
    message: lines(value, 'message'),
    startedAt: time(value, 'startedAt'),
    finishedAt: time(value, 'finishedAt'),
  };
};

function containerFacts(
  spec: unknown,
  status: unknown,
  kind: ContainerFacts['kind'],
  position: number,
): ContainerFacts {
  const states = record(status, 'state');
  const state =
    'waiting' in states
      ? 'waiting'
      : 'terminated' in states
        ? 'terminated'
        : 'running' in states
          ? 'running'
          : 'none';
  const here = state === 'none' ? undefined : states[state];
  const started = record(status)['started'];
  return {
    name: text(spec, 'name') || text(status, 'name'),
    kind,
    position,
    image: text(spec, 'image') || text(status, 'image'),
    spec,
    status,
    state,
    reason: text(here, 'reason'),
    message: text(here, 'message'),
    startedAt: time(here, 'startedAt'),
    ready: record(status)['ready'] === true,
    started: typeof started === 'boolean' ? started : undefined,
    restarts: count(status, 'restartCount') ?? 0,
    ended: state === 'terminated' ? pastRun(here) : undefined,
    last: pastRun(record(status, 'lastState')['terminated']),
  };
}

function containersOf(pod: KubeObject): ContainerFacts[] {
  const found: ContainerFacts[] = [];
  const take = (
    specs: readonly unknown[],
    statuses: readonly unknown[],
    kindOfSpec: (spec: unknown) => ContainerFacts['kind'],
  ): void => {
    for (const [position, spec] of specs.entries())
      found.push(containerFacts(spec, named(statuses, text(spec, 'name')), kindOfSpec(spec), position));
    // A pasted status without its spec still says what happened.
    for (const status of statuses) {
      if (!specs.some((spec) => text(spec, 'name') === text(status, 'name')))
        found.push(containerFacts(undefined, status, kindOfSpec(undefined), specs.length));
    }
  };
  take(list(pod, 'spec', 'initContainers'), list(pod, 'status', 'initContainerStatuses'), (spec) =>
    text(spec, 'restartPolicy') === 'Always' ? 'sidecar' : 'init',
  );
  take(list(pod, 'spec', 'containers'), list(pod, 'status', 'containerStatuses'), () => 'main');
  return found;
}

/** Facts from the whole object. */
export function podFacts(pod: KubeObject, index: EvidenceIndex, limits: Limits = defaultLimits): PodFacts {
  return {
    object: pod,
    namespace: namespaceOf(pod),
    name: nameOf(pod),
    uid: pod.metadata?.uid ?? '',
    createdAt: time(pod, 'metadata', 'creationTimestamp'),
    startedAt: time(pod, 'status', 'startTime'),
    deletedAt: time(pod, 'metadata', 'deletionTimestamp'),
    phase: text(pod, 'status', 'phase'),
    reason: text(pod, 'status', 'reason'),
    message: text(pod, 'status', 'message'),
    node: text(pod, 'spec', 'nodeName'),
    nominatedNode: text(pod, 'status', 'nominatedNodeName'),
    restartPolicy: text(pod, 'spec', 'restartPolicy') || 'Always',
    schedulerName: text(pod, 'spec', 'schedulerName') || 'default-scheduler',
    labels: labelsOf(pod),
    gates: list(pod, 'spec', 'schedulingGates').map((gate) => text(gate, 'name')),
    finalizers: (pod.metadata?.finalizers ?? []).map(String),
    conditions: new Map(conditions(pod).map((entry) => [entry.type, entry])),
    containers: containersOf(pod),
    owners: index.owners(pod),
    index,
    now: index.now,
    events: index.events(pod),
    eventsKnown: true,
    row: undefined,
    limits,
  };
}

/** What the table of all pods can add to a row without looking far. */
export interface RowContext {
  readonly now: number;
  /** Newest last; empty when there are none or they are not watched. */
  readonly eventsOf?: (row: PodRow) => readonly Happening[];
  readonly index?: EvidenceIndex;
  readonly limits?: Limits;
}

const nothingKnown: EvidenceIndex = buildIndex({ objects: [], now: 0 });

/** Facts from a row: the same shape, less in it. */
export function rowFacts(row: PodRow, context: RowContext): PodFacts {
  const known = new Map<string, Condition>();
  for (const [type, entry] of [
    ['PodScheduled', row.scheduled],
    ['Ready', row.ready],
    ['DisruptionTarget', row.disrupted],
  ] as const) {
    if (entry !== undefined) known.set(type, { type, ...entry });
  }
  const { trouble } = row;
  const run = (past: NonNullable<typeof trouble>['last']): PastRun | undefined =>
    past && { ...past, startedAt: undefined };
  const containers: ContainerFacts[] = row.spec.containers.map((spec, position) => {
    const mine = trouble?.container === spec.name ? trouble : undefined;
    const creating =
      mine === undefined &&
      trouble === undefined &&
      (row.status === 'ContainerCreating' ||
        row.status === 'PodInitializing' ||
        row.status.startsWith('Init:'));
    const memory = spec.limits['memory'];
    const ended =
      mine?.state === 'terminated'
        ? {
            reason: mine.reason,
            exitCode: mine.exitCode ?? 0,
            signal: mine.signal,
            message: mine.message,
            startedAt: undefined,
            finishedAt: mine.finishedAt,
          }
        : undefined;
    return {
      name: spec.name,
      kind: spec.kind,
      position,
      image: spec.image,
      status: undefined,
      spec:
        memory === undefined
          ? undefined
          : { resources: { limits: { memory: amountText('memory', memory) } } },
      state: mine?.state ?? (creating ? 'waiting' : 'none'),
      reason: mine?.reason ?? (creating ? 'ContainerCreating' : ''),
      message: mine?.message ?? '',
      startedAt: undefined,
      // The row counts: where all are ready, the one whose last run ended badly is ready again too.
      ready: row.readyContainers === row.totalContainers,
      started: undefined,
      restarts: mine?.restarts ?? 0,
      ended,
      last: run(mine?.last),
    };
  });
  return {
    object: undefined,
    namespace: row.namespace,
    name: row.name,
    uid: row.uid,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    deletedAt: row.deletedAt,
    phase: row.phase,
    reason: row.reason,
    message: row.message,
    node: row.node,
    nominatedNode: row.nominatedNode,
    restartPolicy: row.spec.restartPolicy,
    schedulerName: row.spec.schedulerName,
    labels: row.labels,
    gates: row.gates,
    finalizers: Array.from({ length: row.finalizers }, () => ''),
    conditions: known,
    containers,
    owners:
      row.owner === undefined
        ? []
        : [{ kind: row.owner.kind, namespace: row.namespace, name: row.owner.name, object: undefined }],
    index: context.index ?? nothingKnown,
    now: context.now,
    events: context.eventsOf?.(row) ?? [],
    eventsKnown: context.eventsOf !== undefined,
    row,
    limits: context.limits ?? defaultLimits,
  };
}

/** A container of which only events tell: waiting, by the words of one of them. */
export const toldContainer = (
  event: Happening,
  name: string,
  reason: string,
  image = '',
): ContainerFacts => ({
  name: event.container || name,
  kind: 'main',
  position: 0,
  image,
  spec: undefined,
  status: undefined,
  state: 'waiting',
  reason,
  message: event.message,
  startedAt: undefined,
  ready: false,
  started: undefined,
  restarts: reason === 'CrashLoopBackOff' ? event.count : 0,
  ended: undefined,
  last: undefined,
});

/** The newest event of one of these reasons whose text matches; what it captured beside it. */
export function lastEvent(
  events: readonly Happening[],
  reasons: readonly string[],
  pattern?: RegExp,
): { readonly event: Happening; readonly match: RegExpExecArray | undefined } | undefined {
  for (let position = events.length - 1; position >= 0; position--) {
    const event = events[position];
    if (event === undefined || (reasons.length > 0 && !reasons.includes(event.reason))) continue;
    const match = pattern?.exec(event.message) ?? undefined;
    if (pattern === undefined || match !== undefined) return { event, match };
  }
  return undefined;
}

export const isTrue = (facts: PodFacts, type: string): boolean =>
  facts.conditions.get(type)?.status === 'True';

export const ageOf = (facts: PodFacts): number => facts.now - (facts.createdAt ?? facts.now);

/** The pod's own path to a field of a container's status, with its name in place of a number. */
export function statusPath(container: ContainerFacts, ...rest: readonly string[]): string {
  const group = container.kind === 'main' ? 'containerStatuses' : 'initContainerStatuses';
  return [`status.${group}[${container.name}]`, ...rest].join('.');
}

export function specPath(container: ContainerFacts, ...rest: readonly string[]): string {
  return [
    `spec.${container.kind === 'main' ? 'containers' : 'initContainers'}[${container.name}]`,
    ...rest,
  ].join('.');
}

export const isPod = (object: KubeObject): boolean => kindOf(object) === 'Pod';
