import { hostIp } from '../complete.ts';
import { clusterOf, nothingUsed, place } from '../scheduler.ts';
import { type ContainerStatusLike, longId, type PodLike, suffixOf, timeText, uidOf } from '../shapes.ts';
import type { Context, Fate, Machine } from './context.ts';
import type { Shape } from './templates.ts';

export function podName(context: Context, shape: Shape, rank: number): string {
  const isPlain = shape.owner !== 'Job' || shape.ranks === 1;
  return freeName(
    context,
    shape,
    isPlain ? `${shape.podPrefix}-` : `${shape.podPrefix}-${rank}-`,
    String(rank),
  );
}

/** A generated name that nobody has yet. */
export function freeName(context: Context, shape: Shape, prefix: string, salt: string): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${prefix}${suffixOf(`${shape.name}${salt}${attempt === 0 ? '' : `/${attempt}`}`)}`;
    const key = `${shape.namespace}/${name}`;
    if (context.names.has(key)) continue;
    context.names.add(key);
    return name;
  }
}

export function putPod(
  context: Context,
  shape: Shape,
  name: string,
  rank: number,
  machine: Machine | undefined,
  fate: Fate,
): void {
  const uid = uidOf(`${context.seed}/${shape.namespace}/${name}`);
  const metadata = {
    name,
    generateName: name.slice(0, name.length - 5),
    namespace: shape.namespace,
    uid,
    generation: 1,
    creationTimestamp: shape.createdAt,
    labels: shape.isIndexed
      ? { ...shape.labels, 'batch.kubernetes.io/job-completion-index': String(rank) }
      : shape.labels,
    annotations: shape.annotations,
    ownerReferences: shape.ownerReferences,
    managedFields: shape.managedFields,
    ...(fate === 'terminating'
      ? { deletionTimestamp: timeText(context.startMs - 9 * 60_000), deletionGracePeriodSeconds: 30 }
      : {}),
  };
  const spec =
    machine === undefined
      ? { ...shape.spec, nodeSelector: missingPool }
      : { ...shape.spec, nodeName: machine.name };
  const pod: PodLike = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec,
    status:
      machine === undefined
        ? pendingStatus(context, shape, spec)
        : boundStatus(context, shape, uid, name, machine, fate),
  };
  context.store.put(pod);
  complain(context, pod, fate);
}

/** As many events as a busy cluster holds of the last hour. */
const mostEvents = 2000;

/** The event that the kubelet or the scheduler writes about a pod in trouble. */
function complain(context: Context, pod: PodLike, fate: Fate): void {
  const words = complaints[fate];
  if (words === undefined || context.events >= mostEvents) return;
  context.events++;
  const [reason, component, message] = words;
  const { name, namespace = '', uid } = pod.metadata;
  const at = timeText(context.startMs - Math.floor(context.random() * 240_000));
  const verdict = pod.status.conditions?.find((condition) => condition.type === 'PodScheduled');
  context.store.put({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      namespace,
      name: `${name}.${longId(`event ${uid}`).slice(0, 16)}`,
      uid: uidOf(`event ${uid}`),
      creationTimestamp: pod.metadata.creationTimestamp ?? at,
    },
    involvedObject: { kind: 'Pod', namespace, name, uid, apiVersion: 'v1' },
    reason,
    message:
      fate === 'pending'
        ? (verdict?.message ?? message)
        : message.replaceAll('POD', `${name}_${namespace}(${uid})`),
    source: { component, ...(pod.spec.nodeName === undefined ? {} : { host: pod.spec.nodeName }) },
    firstTimestamp: pod.metadata.creationTimestamp,
    lastTimestamp: at,
    count: 1 + Math.floor(context.random() * 90),
    type: 'Warning',
    eventTime: null,
    reportingComponent: component,
    reportingInstance: pod.spec.nodeName ?? '',
  });
}

const complaints: Readonly<
  Partial<Record<Fate, readonly [reason: string, component: string, message: string]>>
> = {
  crashLoop: ['BackOff', 'kubelet', 'Back-off restarting failed container main in pod POD'],
  pullBackOff: ['Failed', 'kubelet', 'Error: ImagePullBackOff'],
  notReady: ['Unhealthy', 'kubelet', 'Readiness probe failed: HTTP probe failed with statuscode: 503'],
  creating: [
    'FailedMount',
    'kubelet',
    'MountVolume.SetUp failed for volume "config" : configmap "train-config" not found',
  ],
  pending: ['FailedScheduling', 'default-scheduler', ''],
};

/** No node of the cluster belongs to this pool: the pods that ask for it are unschedulable whatever runs elsewhere. */
const missingPool = { 'acme.example/pool': 'gb300' };

function pendingStatus(context: Context, shape: Shape, spec: PodLike['spec']): PodLike['status'] {
  const message = context.refusal ?? refusal(context, spec);
  context.refusal = message;
  return {
    phase: 'Pending',
    conditions: [
      {
        type: 'PodScheduled',
        observedGeneration: 1,
        status: 'False',
        lastProbeTime: null,
        lastTransitionTime: shape.createdAt,
        reason: 'Unschedulable',
        message,
      },
    ],
    qosClass: 'Burstable',
  };
}

function refusal({ store }: Context, spec: PodLike['spec']): string {
  const pod: PodLike = { metadata: { name: 'any' }, spec, status: { phase: 'Pending' } };
  const placement = place(pod, clusterOf(store, nothingUsed));
  return 'message' in placement ? placement.message : '';
}

function boundStatus(
  context: Context,
  shape: Shape,
  uid: string,
  name: string,
  machine: Machine,
  fate: Fate,
): PodLike['status'] {
  const host = hostIp(machine.name);
  const [, , third, fourth] = host.split('.');
  const ip = `10.${64 + (Number(third) % 64)}.${fourth}.${machine.nextIp++ % 250}`;
  const hasIp = fate !== 'creating';
  const ended = fate === 'succeeded' || fate === 'failed';
  return {
    observedGeneration: 1,
    phase: phases[fate] ?? 'Running',
    conditions: shape.conditions(conditionsFor(fate)),
    hostIP: host,
    hostIPs: [{ ip: host }],
    ...(hasIp ? { podIP: ip, podIPs: [{ ip }] } : {}),
    startTime: shape.createdAt,
    containerStatuses: [containerStatus(context, shape, uid, name, fate, ended)],
    qosClass: 'Burstable',
  };
}

const phases: Readonly<Partial<Record<Fate, string>>> = {
  succeeded: 'Succeeded',
  failed: 'Failed',
  pullBackOff: 'Pending',
  creating: 'Pending',
};

function conditionsFor(fate: Fate): 'ready' | 'unready' | 'creating' | 'completed' | 'failed' {
  switch (fate) {
    case 'running':
    case 'terminating':
      return 'ready';
    case 'succeeded':
      return 'completed';
    case 'failed':
    case 'creating':
      return fate;
    default:
      return 'unready';
  }
}

function containerStatus(
  context: Context,
  shape: Shape,
  uid: string,
  name: string,
  fate: Fate,
  ended: boolean,
): ContainerStatusLike {
  const ready = fate === 'running' || fate === 'terminating';
  const started = ready || fate === 'notReady';
  const ran = fate !== 'creating' && fate !== 'pullBackOff';
  return {
    ...shape.statusBase,
    ready,
    started,
    restartCount: fate === 'crashLoop' ? 3 + Math.floor(context.random() * 40) : 0,
    state: stateFor(context, shape, uid, name, fate),
    lastState: fate === 'crashLoop' ? { terminated: exitState(context, shape) } : {},
    ...(ran || ended
      ? { containerID: `containerd://${longId(uid)}`, imageID: shape.imageId }
      : { imageID: '' }),
  };
}

function stateFor(
  context: Context,
  shape: Shape,
  uid: string,
  name: string,
  fate: Fate,
): ContainerStatusLike['state'] {
  switch (fate) {
    case 'crashLoop':
      return {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: `back-off 5m0s restarting failed container=main pod=${name}_${shape.namespace}(${uid})`,
        },
      };
    case 'pullBackOff':
      return {
        waiting: {
          reason: 'ImagePullBackOff',
          message: `Back-off pulling image "${shape.image}": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "${shape.image}": not found`,
        },
      };
    case 'creating':
      return { waiting: { reason: 'ContainerCreating' } };
    case 'succeeded':
      return {
        terminated: {
          exitCode: 0,
          reason: 'Completed',
          startedAt: shape.startedAt,
          finishedAt: timeText(context.startMs - 300_000),
        },
      };
    case 'failed':
      return { terminated: exitState(context, shape) };
    default:
      return shape.runningState;
  }
}

function exitState(context: Context, shape: Shape): NonNullable<ContainerStatusLike['state']['terminated']> {
  const oom = context.random() < 0.4;
  return {
    exitCode: oom ? 137 : 1,
    reason: oom ? 'OOMKilled' : 'Error',
    startedAt: shape.startedAt,
    finishedAt: timeText(context.startMs - Math.floor(context.random() * 280_000) - 1000),
  };
}
