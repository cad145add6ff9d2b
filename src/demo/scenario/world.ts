import type { KubeLike } from '../object.ts';
import type { Store } from '../store.ts';
import { derivedCondition, podAddress, uidFor } from './complete.ts';
import { clusterOf, followUse, type Placement, place } from './scheduler.ts';
import {
  type ConditionLike,
  type ContainerStatusLike,
  microTimeText,
  type NodeLike,
  type PodLike,
  timeText,
  uidOf,
} from './shapes.ts';

/** What the script does to the cluster, in the words of those who do it in a real one: scheduler, kubelet, controllers. */
export interface World {
  readonly store: Store;
  /** Moves the story's clock to the time of the step that runs, so that times are the script's and not the timer's. */
  setNow(ms: number): void;
  now(): number;
  pod(namespace: string, name: string): PodLike | undefined;
  node(name: string): NodeLike | undefined;
  pods(): readonly PodLike[];
  /** Puts the object that `change` gives for what is stored; does nothing when the object is gone. */
  change<T extends KubeLike>(object: T | undefined, change: (current: T) => KubeLike): void;
  /** Sets the first container's state and all that follows from it: readiness, conditions, phase. */
  setContainer(pod: PodLike | undefined, status: Partial<ContainerStatusLike>, phase?: string): void;
  remove(object: KubeLike | undefined): void;
  /** The scheduler's verdict about a pod in the cluster as it is. */
  placement(pod: PodLike): Placement;
  /** A new event, or one more of the same: the count rises. */
  event(about: KubeLike, event: EventWords): void;
}

interface EventWords {
  readonly type?: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly component: string;
  readonly host?: string;
  readonly container?: string;
}

const eventsKept = 60 * 60_000;

export function createWorld(store: Store, startMs: number): World {
  let nowMs = startMs;
  const usedOn = followUse(store);
  const world: World = {
    store,
    setNow(ms) {
      nowMs = ms;
    },
    now: () => nowMs,
    pod: (namespace, name) =>
      store.get({ group: '', plural: 'pods', namespace, name }) as PodLike | undefined,
    node: (name) => store.get({ group: '', plural: 'nodes', name }) as NodeLike | undefined,
    pods: () => store.list('', 'pods') as readonly PodLike[],
    change(object, change) {
      if (object === undefined) return;
      store.put(change(object));
    },
    setContainer(pod, status, phase) {
      if (pod !== undefined) store.put(withContainer(pod, status, phase, timeText(nowMs)));
    },
    remove(object) {
      const kind = object && store.kindOf(object.apiVersion ?? '', object.kind ?? '');
      if (object === undefined || kind === undefined) return;
      const { namespace, name = '' } = object.metadata ?? {};
      store.remove({
        group: kind.group,
        plural: kind.plural,
        name,
        ...(namespace === undefined ? {} : { namespace }),
      });
    },
    placement: (pod) => place(pod, clusterOf(store, usedOn)),
    event: (about, words) => putEvent(store, about, words, nowMs),
  };
  return world;
}

function withContainer(
  pod: PodLike,
  status: Partial<ContainerStatusLike>,
  phase: string | undefined,
  at: string,
): PodLike {
  const [first, ...others] = pod.status.containerStatuses ?? [];
  if (first === undefined) return pod;
  const changed: PodLike = {
    ...pod,
    status: {
      ...pod.status,
      phase: phase ?? pod.status.phase,
      containerStatuses: [{ ...first, ...status }, ...others],
    },
  };
  const running = status.state?.waiting?.reason !== 'ContainerCreating';
  const conditions = (pod.status.conditions ?? []).map((condition) =>
    refreshed(changed, condition, running, at),
  );
  const isAddressed = running && pod.status['podIP'] === undefined;
  return {
    ...changed,
    status: { ...changed.status, ...(isAddressed ? podAddress(pod) : {}), conditions },
  };
}

const followsContainers = /^(Ready|ContainersReady|PodReadyToStartContainers)$/;

/** A condition's transition time moves only when its status does. */
function refreshed(pod: PodLike, condition: ConditionLike, hasSandbox: boolean, at: string): ConditionLike {
  if (!followsContainers.test(condition.type)) return condition;
  const { reason: _reason, message: _message, ...kept } = condition;
  const next = derivedCondition(pod, condition.type, hasSandbox);
  return { ...kept, ...next, ...(next.status === condition.status ? {} : { lastTransitionTime: at }) };
}

/** Counts as the kubelet and the controllers do: the same words about the same object are one event. */
function putEvent(store: Store, about: KubeLike, words: EventWords, nowMs: number): void {
  const { namespace, name: aboutName = '', uid } = about.metadata ?? {};
  const home = namespace ?? 'default';
  const name = `${aboutName}.${uidFor('Event', home, `${uid}${words.reason}${words.message}`).replaceAll('-', '').slice(0, 16)}`;
  const at = timeText(nowMs);
  const previous = store.get({ group: '', plural: 'events', namespace: home, name });
  const isScheduler = words.component === 'default-scheduler';
  const count = Number(previous?.['count'] ?? 0) + 1;
  const involvedObject = {
    kind: about.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name: aboutName,
    uid,
    apiVersion: about.apiVersion,
    ...(words.container === undefined ? {} : { fieldPath: `spec.containers{${words.container}}` }),
  };
  const times = isScheduler
    ? schedulerTimes(previous, nowMs)
    : { eventTime: null, firstTimestamp: previous?.['firstTimestamp'] ?? at, lastTimestamp: at, count };
  store.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      namespace: home,
      name,
      uid: previous?.metadata?.uid ?? uidOf(`event ${name}@${nowMs}`),
      creationTimestamp: previous?.metadata?.creationTimestamp ?? at,
    },
    involvedObject,
    reason: words.reason,
    message: words.message,
    source: isScheduler
      ? {}
      : { component: words.component, ...(words.host === undefined ? {} : { host: words.host }) },
    type: words.type ?? 'Normal',
    ...times,
    ...(isScheduler ? { action: 'Scheduling' } : {}),
    reportingComponent: words.component,
    reportingInstance: isScheduler ? 'default-scheduler-control-plane-1' : (words.host ?? ''),
  });
}

/** The scheduler writes the newer form: eventTime, and a series once it repeats. */
function schedulerTimes(previous: KubeLike | undefined, nowMs: number): Readonly<Record<string, unknown>> {
  const series = previous?.['series'] as { readonly count: number } | undefined;
  return {
    eventTime: previous?.['eventTime'] ?? microTimeText(nowMs),
    firstTimestamp: null,
    lastTimestamp: null,
    ...(previous === undefined
      ? {}
      : { series: { count: (series?.count ?? 1) + 1, lastObservedTime: microTimeText(nowMs) } }),
  };
}

/** Events live for an hour, as in a real cluster: a story that runs for days does not grow. */
export function expireEvents(world: World): void {
  for (const event of world.store.list('', 'events')) {
    const series = event['series'] as { readonly lastObservedTime?: string } | undefined;
    const last = series?.lastObservedTime ?? event['lastTimestamp'] ?? event['eventTime'];
    if (typeof last === 'string' && world.now() - Date.parse(last) > eventsKept) world.remove(event);
  }
}
