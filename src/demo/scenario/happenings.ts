import type { KubeLike } from '../object.ts';
import { completeObject } from './complete.ts';
import type { Step, Track } from './script.ts';
import {
  type ConditionLike,
  type ContainerLike,
  type NodeLike,
  type PodLike,
  type TerminatedLike,
  timeText,
  uidOf,
} from './shapes.ts';
import type { World } from './world.ts';

const second = 1000;
const minute = 60 * second;

const hostOf = (pod: PodLike): { readonly host?: string } =>
  pod.spec.nodeName === undefined ? {} : { host: pod.spec.nodeName };

const mainContainer = (pod: PodLike): string => pod.spec.containers[0]?.name ?? 'main';

const backOffText = (pod: PodLike, delay: string): string =>
  `back-off ${delay} restarting failed container=${mainContainer(pod)} pod=${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;

/** The kubelet's delays between restarts: doubled each time, five minutes at most. */
const backOffSeconds: readonly number[] = [10, 20, 40, 80, 160, 300];

const delayText = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60);
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds % 60}s`;
};

/** Starts the first container of a pod; `restartCount` is given when it is not its first run. */
export function startContainer(
  world: World,
  namespace: string,
  name: string,
  { ready = true, restartCount }: { readonly ready?: boolean; readonly restartCount?: number } = {},
): void {
  const pod = world.pod(namespace, name);
  if (pod === undefined) return;
  const container = mainContainer(pod);
  const say = (reason: string): void =>
    world.event(pod, {
      reason,
      message: `Container ${reason.toLowerCase()}`,
      component: 'kubelet',
      container,
      ...hostOf(pod),
    });
  say('Created');
  say('Started');
  const running = { startedAt: timeText(world.now()) };
  const counted = restartCount === undefined ? {} : { restartCount };
  world.setContainer(pod, { ready, started: true, state: { running }, ...counted }, 'Running');
}

/** The container ends: first Error (or OOMKilled), then the back-off. */
export function crashContainer(world: World, namespace: string, name: string, exit: TerminatedLike): void {
  const pod = world.pod(namespace, name);
  const [status] = pod?.status.containerStatuses ?? [];
  if (pod === undefined || status === undefined) return;
  const startedAt = status.state.running?.startedAt;
  const terminated = {
    ...exit,
    ...(startedAt === undefined ? {} : { startedAt }),
    finishedAt: timeText(world.now()),
  };
  world.setContainer(pod, { ready: false, started: false, state: { terminated } });
}

function backOff(world: World, namespace: string, name: string, seconds: number): void {
  const pod = world.pod(namespace, name);
  const [status] = pod?.status.containerStatuses ?? [];
  if (pod === undefined || status === undefined) return;
  const waiting = { reason: 'CrashLoopBackOff', message: backOffText(pod, delayText(seconds)) };
  world.setContainer(pod, { ready: false, started: false, state: { waiting }, lastState: status.state });
  countBackOff(world, namespace, name);
}

function countBackOff(world: World, namespace: string, name: string): void {
  const pod = world.pod(namespace, name);
  if (pod === undefined) return;
  world.event(pod, {
    type: 'Warning',
    reason: 'BackOff',
    message: `Back-off restarting failed container ${mainContainer(pod)} in pod ${name}_${namespace}(${pod.metadata.uid})`,
    component: 'kubelet',
    container: mainContainer(pod),
    ...hostOf(pod),
  });
}

export function restartContainer(world: World, namespace: string, name: string, ready = true): void {
  const [status] = world.pod(namespace, name)?.status.containerStatuses ?? [];
  if (status !== undefined)
    startContainer(world, namespace, name, { ready, restartCount: status.restartCount + 1 });
}

/** A pod deep in its loop: runs, dies, waits five minutes; its restarts go on counting. */
export function crashLoop(
  namespace: string,
  name: string,
  runMs: number,
  exit: TerminatedLike,
  startMs: number,
): Track {
  const waitMs = 5 * minute;
  const reminders: Step[] = [30, 75, 120, 180, 240].map((at) => ({
    atMs: runMs + at * second,
    run: (world) => countBackOff(world, namespace, name),
  }));
  return {
    name: `crash loop of ${namespace}/${name}`,
    periodMs: runMs + waitMs,
    startMs,
    steps: [
      { atMs: 0, run: (world) => restartContainer(world, namespace, name) },
      { atMs: runMs, run: (world) => crashContainer(world, namespace, name, exit) },
      { atMs: runMs + 2 * second, run: (world) => backOff(world, namespace, name, 300) },
      ...reminders,
    ],
  };
}

/** A pod whose back-off grows from ten seconds to five minutes before somebody deletes it and it begins anew. */
export function growingBackOff(
  namespace: string,
  name: string,
  exit: TerminatedLike,
  startMs: number,
): Track {
  const runMs = 12 * second;
  const steps: Step[] = [];
  let atMs = 0;
  for (const [restarts, seconds] of backOffSeconds.entries()) {
    const at = atMs;
    steps.push(
      {
        atMs: at,
        run: (world) => {
          if (restarts === 0) renew(world, namespace, name);
          startContainer(world, namespace, name, { restartCount: restarts });
        },
      },
      { atMs: at + runMs, run: (world) => crashContainer(world, namespace, name, exit) },
      { atMs: at + runMs + second, run: (world) => backOff(world, namespace, name, seconds) },
    );
    atMs += runMs + seconds * second;
  }
  return { name: `growing back-off of ${namespace}/${name}`, periodMs: atMs, startMs, steps };
}

/** Deletes a pod and makes it again under the same name: a new uid, no restarts, no history. */
function renew(world: World, namespace: string, name: string): void {
  const pod = world.pod(namespace, name);
  if (pod === undefined) return;
  world.remove(pod);
  const { resourceVersion: _version, ...metadata } = pod.metadata;
  const statuses = (pod.status.containerStatuses ?? []).map((status) => ({
    ...status,
    restartCount: 0,
    lastState: {},
  }));
  world.store.put({
    ...pod,
    metadata: {
      ...metadata,
      uid: freshUid(world, namespace, name),
      creationTimestamp: timeText(world.now()),
    },
    status: { ...pod.status, containerStatuses: statuses },
  });
}

export interface NewPod {
  readonly namespace: string;
  readonly name: string;
  readonly image: string;
  readonly container?: string;
  readonly limits?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly owner?: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly name: string;
    readonly uid?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Creates a pod as its controller would: unscheduled, without a condition. */
export function createPod(world: World, pod: NewPod): void {
  const container: ContainerLike = {
    name: pod.container ?? 'main',
    image: pod.image,
    ...(pod.limits === undefined ? {} : { resources: { limits: pod.limits } }),
  };
  const bare: KubeLike = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: pod.namespace,
      name: pod.name,
      uid: freshUid(world, pod.namespace, pod.name),
      creationTimestamp: timeText(world.now()),
      ...(pod.labels === undefined ? {} : { labels: pod.labels }),
      ...(pod.owner === undefined ? {} : { ownerReferences: [{ ...pod.owner, controller: true }] }),
    },
    spec: { containers: [container], ...pod.spec },
    status: { phase: 'Pending' },
  };
  world.store.put(completeObject(bare, world.now()));
}

/** A later object of the same name is another object; the same story always gives it the same uid. */
export const freshUid = (world: World, namespace: string, name: string): string =>
  uidOf(`${namespace}/${name}@${world.now()}`);

/** Lets the scheduler try: binds the pod, or writes down why not. */
export function schedule(world: World, namespace: string, name: string): void {
  const pod = world.pod(namespace, name);
  if (pod === undefined || pod.spec.nodeName !== undefined) return;
  const placement = world.placement(pod);
  if ('message' in placement) {
    refuse(world, pod, placement.message);
    return;
  }
  world.event(pod, {
    reason: 'Scheduled',
    message: `Successfully assigned ${namespace}/${name} to ${placement.node}`,
    component: 'default-scheduler',
  });
  const { conditions: _conditions, ...status } = pod.status;
  const containerStatuses = pod.spec.containers.map((container) => ({
    name: container.name,
    ready: false,
    started: false,
    restartCount: 0,
    state: { waiting: { reason: 'ContainerCreating' } },
    lastState: {},
  }));
  const bound: PodLike = {
    ...pod,
    spec: { ...pod.spec, nodeName: placement.node },
    status: { ...status, startTime: timeText(world.now()), containerStatuses },
  };
  // What completion adds to a spec is there already: only the status is new.
  const complete = completeObject(bound, world.now()) as PodLike;
  const since = timeText(world.now());
  const conditions = complete.status.conditions?.map((condition) => ({
    ...condition,
    lastTransitionTime: since,
  }));
  world.store.put({
    ...bound,
    status: { ...complete.status, ...(conditions === undefined ? {} : { conditions }) },
  });
}

function refuse(world: World, pod: PodLike, message: string): void {
  world.event(pod, { type: 'Warning', reason: 'FailedScheduling', message, component: 'default-scheduler' });
  const [previous] = (pod.status.conditions ?? []).filter((condition) => condition.type === 'PodScheduled');
  if (previous?.message === message) return;
  const condition: ConditionLike = {
    type: 'PodScheduled',
    observedGeneration: 1,
    status: 'False',
    lastProbeTime: null,
    lastTransitionTime: previous?.lastTransitionTime ?? timeText(world.now()),
    reason: 'Unschedulable',
    message,
  };
  world.store.put({ ...pod, status: { ...pod.status, conditions: [condition] } });
}

export function pull(world: World, namespace: string, name: string, image: string): void {
  const pod = world.pod(namespace, name);
  if (pod?.spec.nodeName === undefined) return;
  world.event(pod, {
    reason: 'Pulling',
    message: `Pulling image "${image}"`,
    component: 'kubelet',
    container: mainContainer(pod),
    ...hostOf(pod),
  });
}

export function pulled(
  world: World,
  namespace: string,
  name: string,
  image: string,
  seconds: number,
  bytes: number,
): void {
  const pod = world.pod(namespace, name);
  if (pod?.spec.nodeName === undefined) return;
  world.event(pod, {
    reason: 'Pulled',
    message: `Successfully pulled image "${image}" in ${seconds}.${bytes % 1000}s (${seconds}.${bytes % 1000}s including waiting). Image size: ${bytes} bytes.`,
    component: 'kubelet',
    container: mainContainer(pod),
    ...hostOf(pod),
  });
}

/** Deletion with its grace period: Terminating first; `removePod` ends it. */
export function terminate(world: World, namespace: string, name: string): void {
  const pod = world.pod(namespace, name);
  if (pod === undefined) return;
  world.event(pod, {
    reason: 'Killing',
    message: `Stopping container ${mainContainer(pod)}`,
    component: 'kubelet',
    container: mainContainer(pod),
    ...hostOf(pod),
  });
  world.store.put({
    ...pod,
    metadata: {
      ...pod.metadata,
      deletionTimestamp: timeText(world.now() + 30 * second),
      deletionGracePeriodSeconds: 30,
    },
  });
}

export const removePod = (world: World, namespace: string, name: string): void =>
  world.remove(world.pod(namespace, name));

/** What the node controller does when a kubelet falls silent: conditions, taints, and Ready=False on its pods. */
export function loseNode(world: World, name: string): void {
  const node = world.node(name);
  if (node === undefined) return;
  const at = timeText(world.now());
  const unknown = {
    status: 'Unknown',
    reason: 'NodeStatusUnknown',
    message: 'Kubelet stopped posting node status.',
    lastTransitionTime: at,
  };
  world.store.put({
    ...node,
    spec: {
      ...node.spec,
      taints: [
        ...(node.spec.taints ?? []),
        { key: 'node.kubernetes.io/unreachable', effect: 'NoSchedule', timeAdded: at },
        { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: at },
      ],
    },
    status: {
      ...node.status,
      conditions: node.status.conditions.map((condition) => ({ ...condition, ...unknown })),
    },
  });
  world.event(node, {
    reason: 'NodeNotReady',
    message: `Node ${name} status is now: NodeNotReady`,
    component: 'node-controller',
  });
  setReady(world, name, 'False');
}

export function returnNode(world: World, name: string): void {
  const node = world.node(name);
  if (node === undefined) return;
  const at = timeText(world.now());
  world.store.put({
    ...node,
    spec: {
      ...node.spec,
      taints: (node.spec.taints ?? []).filter((taint) => taint.key !== 'node.kubernetes.io/unreachable'),
    },
    status: { ...node.status, conditions: node.status.conditions.map((condition) => healthy(condition, at)) },
  });
  world.event(node, {
    reason: 'NodeReady',
    message: `Node ${name} status is now: NodeReady`,
    component: 'kubelet',
    host: name,
  });
  setReady(world, name, 'True');
}

const words: Readonly<Record<string, readonly [status: string, reason: string, message: string]>> = {
  Ready: ['True', 'KubeletReady', 'kubelet is posting ready status'],
  MemoryPressure: ['False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  DiskPressure: ['False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  PIDPressure: ['False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
};

function healthy(condition: ConditionLike, at: string): ConditionLike {
  const [status, reason, message] = words[condition.type] ?? [];
  if (status === undefined || reason === undefined || message === undefined) return condition;
  const isSame = condition.status === status;
  return {
    ...condition,
    status,
    reason,
    message,
    lastHeartbeatTime: at,
    ...(isSame ? {} : { lastTransitionTime: at }),
  };
}

/** The kubelet's word every few minutes that it is still there. */
export function heartbeat(world: World, name: string): void {
  const node = world.node(name);
  const ready = node?.status.conditions.find((condition) => condition.type === 'Ready');
  if (node === undefined || ready?.status !== 'True') return;
  const lastHeartbeatTime = timeText(world.now());
  world.store.put({
    ...node,
    status: {
      ...node.status,
      conditions: node.status.conditions.map((condition) => ({ ...condition, lastHeartbeatTime })),
    },
  });
}

/** Only pods whose containers are ready follow their node; the others stay unready for their own reasons. */
function setReady(world: World, nodeName: string, status: 'True' | 'False'): void {
  for (const pod of world.pods()) {
    if (pod.spec.nodeName !== nodeName || pod.status.phase !== 'Running') continue;
    if (!(pod.status.containerStatuses ?? []).every((container) => container.ready)) continue;
    const conditions = (pod.status.conditions ?? []).map((condition) =>
      condition.type === 'Ready'
        ? { ...condition, status, lastTransitionTime: timeText(world.now()) }
        : condition,
    );
    world.store.put({ ...pod, status: { ...pod.status, conditions } });
  }
}

export function cordon(world: World, name: string, unschedulable: boolean): void {
  const node: NodeLike | undefined = world.node(name);
  if (node === undefined) return;
  const { unschedulable: _was, ...spec } = node.spec;
  const taints = (spec.taints ?? []).filter((taint) => taint.key !== 'node.kubernetes.io/unschedulable');
  const taint = {
    key: 'node.kubernetes.io/unschedulable',
    effect: 'NoSchedule',
    timeAdded: timeText(world.now()),
  };
  world.store.put({
    ...node,
    spec: unschedulable ? { ...spec, unschedulable, taints: [...taints, taint] } : { ...spec, taints },
  });
  const reason = unschedulable ? 'NodeNotSchedulable' : 'NodeSchedulable';
  world.event(node, {
    reason,
    message: `Node ${name} status is now: ${reason}`,
    component: 'kubelet',
    host: name,
  });
}
