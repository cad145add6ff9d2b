import type { JsonRecord, KubeLike } from '../object.ts';
import type { ScenarioOptions } from '../providers.ts';
import type { Store } from '../store.ts';
import { completeObject, hostIp } from './complete.ts';
import { randomFrom } from './random.ts';
import { clusterOf, place } from './scheduler.ts';
import {
  type ConditionLike,
  type ContainerStatusLike,
  longId,
  type PodLike,
  suffixOf,
  timeText,
  uidOf,
} from './shapes.ts';
import { type Shape, type ShapePlan, shapeOf } from './templates.ts';

/**
 * Adds nodes and pods until the cluster has the totals asked for, with the Jobs, Deployments and DaemonSets that own
 * them. Pods of one job share their spec's parts by reference: 100,000 of them take little memory until they are sent.
 */
export function generate(store: Store, options: ScenarioOptions, startMs: number): void {
  const { nodes = 0, pods = 0, seed = 1 } = options;
  const context: Context = {
    store,
    random: randomFrom(seed),
    startMs,
    seed,
    refusal: undefined,
    names: new Set(),
    freeGpus: 0,
    events: 0,
  };
  const machines = addMachines(context, nodes - store.list('', 'nodes').length);
  const missing = pods - store.list('', 'pods').length;
  if (missing <= 0) return;
  const homes = machines.length > 0 ? machines : existingMachines(store);
  context.freeGpus = homes.reduce((sum, machine) => sum + machine.free, 0);
  addNamespaces(context);
  const agents = addAgents(context, machines, Math.floor(missing * 0.2));
  addJobs(context, homes, missing - agents);
}

interface Context {
  readonly store: Store;
  readonly random: () => number;
  readonly startMs: number;
  readonly seed: number;
  /** The scheduler's words to pods without a node: the same for all of them. */
  refusal: string | undefined;
  /** Names taken: the suffixes of generated names are few enough to meet among 100,000 pods. */
  readonly names: Set<string>;
  /** GPUs that no generated pod holds. */
  freeGpus: number;
  events: number;
}

/** A node as far as the generator keeps books about it. */
interface Machine {
  readonly name: string;
  readonly gpus: number;
  free: number;
  room: number;
  nextIp: number;
}

const podsPerNode = 110;

interface Model {
  readonly prefix: string;
  readonly product: string;
  readonly memory: string;
  readonly family: string;
  readonly type: string;
  readonly count: number;
}

const models: readonly Model[] = [
  {
    prefix: 'h100',
    product: 'NVIDIA-H100-80GB-HBM3',
    memory: '81559',
    family: 'hopper',
    type: 'a3-highgpu-8g',
    count: 8,
  },
  {
    prefix: 'h200',
    product: 'NVIDIA-H200',
    memory: '143771',
    family: 'hopper',
    type: 'a3-ultragpu-8g',
    count: 8,
  },
  {
    prefix: 'b200',
    product: 'NVIDIA-B200',
    memory: '183359',
    family: 'blackwell',
    type: 'a4-highgpu-8g',
    count: 8,
  },
  {
    prefix: 'a100',
    product: 'NVIDIA-A100-SXM4-80GB',
    memory: '81920',
    family: 'ampere',
    type: 'a2-ultragpu-8g',
    count: 8,
  },
];

function addMachines(context: Context, count: number): Machine[] {
  const machines: Machine[] = [];
  for (let index = 0; index < count; index++) {
    const model = models[Math.floor(context.random() * models.length)];
    if (model === undefined) break;
    const isCpu = index % 20 === 19;
    const name = isCpu ? `gen-cpu-${pad(index)}` : `gen-${model.prefix}-${pad(index)}`;
    const trouble = context.random();
    context.store.put(
      completeObject(
        machineObject(context, name, isCpu ? undefined : model, index, trouble),
        context.startMs,
      ),
    );
    // A cordoned or dead node takes no new pods.
    const usable = trouble >= 0.012;
    machines.push({
      name,
      gpus: isCpu ? 0 : model.count,
      free: isCpu || !usable ? 0 : model.count,
      room: usable ? podsPerNode : 0,
      nextIp: 2,
    });
  }
  return machines;
}

const pad = (index: number): string => String(index).padStart(5, '0');

function machineObject(
  context: Context,
  name: string,
  model: Model | undefined,
  index: number,
  trouble: number,
): KubeLike {
  const at = timeText(context.startMs - 20 * 60_000);
  const dead = trouble < 0.004;
  const cordoned = !dead && trouble < 0.012;
  const badGpu = model !== undefined && trouble > 0.995;
  const condition = (type: string, status: string, reason: string, message: string): ConditionLike => ({
    type,
    status: dead ? 'Unknown' : status,
    lastHeartbeatTime: timeText(context.startMs - (dead ? 22 * 60_000 : 40_000)),
    lastTransitionTime: dead ? at : timeText(context.startMs - 30 * 86_400_000),
    reason: dead ? 'NodeStatusUnknown' : reason,
    message: dead ? 'Kubelet stopped posting node status.' : message,
  });
  const taints = [
    ...(model === undefined ? [] : [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }]),
    ...(cordoned ? [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: at }] : []),
    ...(dead
      ? ['NoSchedule', 'NoExecute'].map((effect) => ({
          key: 'node.kubernetes.io/unreachable',
          effect,
          timeAdded: at,
        }))
      : []),
  ];
  const capacity = {
    cpu: model === undefined ? '64' : '192',
    memory: model === undefined ? '263882792Ki' : '2113439532Ki',
    pods: String(podsPerNode),
    ...(model === undefined ? {} : { 'nvidia.com/gpu': String(model.count) }),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'topology.kubernetes.io/region': 'eu-north1',
        'topology.kubernetes.io/zone': `zone-${'abc'[index % 3]}`,
        ...(model === undefined
          ? { 'node.kubernetes.io/instance-type': 'm7i.16xlarge' }
          : modelLabels(model)),
      },
    },
    spec: { ...(taints.length === 0 ? {} : { taints }), ...(cordoned ? { unschedulable: true } : {}) },
    status: {
      capacity,
      allocatable: badGpu ? { ...capacity, 'nvidia.com/gpu': '7' } : capacity,
      conditions: [
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
        ),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
      ],
    },
  };
}

const modelLabels = (model: Model): Readonly<Record<string, string>> => ({
  'node.kubernetes.io/instance-type': model.type,
  'nvidia.com/gpu.present': 'true',
  'nvidia.com/gpu.product': model.product,
  'nvidia.com/gpu.memory': model.memory,
  'nvidia.com/gpu.count': String(model.count),
  'nvidia.com/gpu.family': model.family,
  'nvidia.com/gpu.replicas': '1',
  'nvidia.com/gpu.sharing-strategy': 'none',
  'nvidia.com/cuda.driver-version.full': '580.105.08',
  'nvidia.com/cuda.runtime-version.full': '13.0',
});

/** Without generated nodes, generated pods run on the story's CPU nodes, whose GPUs the story counts on. */
const existingMachines = (store: Store): Machine[] =>
  store
    .list('', 'nodes')
    .flatMap(({ metadata }) => (metadata?.name?.startsWith('cpu-') === true ? [metadata.name] : []))
    .map((name) => ({ name, gpus: 0, free: 0, room: Number.POSITIVE_INFINITY, nextIp: 2 }));

const teams = 40;
const namespaceOf = (index: number): string => `ml-${String(index % teams).padStart(2, '0')}`;

function addNamespaces({ store, startMs }: Context): void {
  for (let index = 0; index < teams; index++) {
    const name = namespaceOf(index);
    const object = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    };
    store.put(completeObject(object, startMs));
  }
}

const agents = ['node-exporter', 'dcgm-exporter', 'device-plugin', 'cilium'];

/** One pod of each agent on every node, as far as there is room for them in the total. */
function addAgents(context: Context, machines: readonly Machine[], most: number): number {
  let added = 0;
  for (const agent of agents) {
    if (added + machines.length > most) break;
    const shape = shapeOf({
      namespace: 'kube-agents',
      name: agent,
      owner: 'DaemonSet',
      ranks: machines.length,
      gpus: 0,
      kind: 'agent',
      startMs: context.startMs - 30 * 86_400_000,
    });
    for (const machine of machines) {
      putPod(context, shape, freeName(context, shape, `${agent}-`, machine.name), added, machine, 'running');
      added++;
    }
    putOwner(context, shape, { running: machines.length, succeeded: 0, failed: 0 });
  }
  if (added > 0)
    context.store.put(
      completeObject(
        {
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: 'kube-agents' },
          spec: { finalizers: ['kubernetes'] },
          status: { phase: 'Active' },
        },
        context.startMs,
      ),
    );
  return added;
}

type Fate =
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'pending'
  | 'crashLoop'
  | 'pullBackOff'
  | 'notReady'
  | 'creating'
  | 'terminating';

/** Sizes of jobs: most are small, a few fill a rack. */
const sizes: readonly number[] = [1, 1, 1, 1, 2, 2, 4, 4, 8, 8, 8, 16, 16, 32, 64, 128, 256, 512];

function addJobs(context: Context, machines: readonly Machine[], count: number): void {
  let left = count;
  for (let index = 0; left > 0; index++) {
    const plan = planJob(context, index, left);
    addJob(context, machines, plan);
    left -= plan.ranks;
  }
}

interface JobPlan extends ShapePlan {
  readonly finished: boolean;
}

/** One job is as large as they come, wherever there is room for it. */
const largest = 512;

function planJob({ random, startMs, freeGpus }: Context, index: number, most: number): JobPlan {
  const isLargest = index === 0 && most > largest * 4 && freeGpus > largest * 3;
  const size = isLargest ? largest : Math.min(most, sizes[Math.floor(random() * sizes.length)] ?? 1);
  const draw = isLargest ? 0 : random();
  const wanted = draw < 0.5 ? 'training' : draw < 0.8 ? 'serving' : 'data';
  // A replica set of hundreds of model servers is nobody's.
  const ranks = wanted === 'serving' ? Math.min(size, 16) : size;
  const each = isLargest
    ? 2
    : ((wanted === 'training' && ranks >= 16 ? 8 : [1, 1, 2, 4, 8][Math.floor(random() * 5)]) ?? 1);
  // What does not fit is work without GPUs: a cluster is full, but not of pods that wait for it.
  const kind = ranks * each > freeGpus * 0.85 ? 'data' : wanted;
  return {
    namespace: namespaceOf(index),
    name: `${stem(kind, random)}-${index}`,
    owner: kind === 'serving' ? 'ReplicaSet' : 'Job',
    ranks,
    gpus: kind === 'data' ? 0 : each,
    kind,
    startMs: startMs - Math.floor(random() * 3 * 86_400_000) - 600_000,
    finished: !isLargest && kind !== 'serving' && random() < 0.2,
  };
}

function addJob(context: Context, machines: readonly Machine[], plan: JobPlan): void {
  const shape = shapeOf(plan);
  const counts = { running: 0, succeeded: 0, failed: 0 };
  for (let rank = 0; rank < plan.ranks; rank++) {
    const machine = machineFor(context, machines, plan.finished ? 0 : plan.gpus);
    const fate =
      machine === undefined ? 'pending' : plan.finished ? 'succeeded' : fateOf(context.random(), plan.kind);
    if (machine !== undefined && holdsGpus.has(fate)) {
      machine.free -= plan.gpus;
      context.freeGpus -= plan.gpus;
    }
    putPod(
      context,
      shape,
      podName(context, shape, rank),
      rank,
      fate === 'pending' ? undefined : machine,
      fate,
    );
    if (fate === 'running') counts.running++;
    if (fate === 'succeeded') counts.succeeded++;
    if (fate === 'failed') counts.failed++;
  }
  putOwner(context, shape, counts);
}

/** A pod that waits for a node holds nothing; one that has ended has given its GPUs back. */
const holdsGpus: ReadonlySet<Fate> = new Set([
  'running',
  'crashLoop',
  'pullBackOff',
  'notReady',
  'creating',
  'terminating',
]);

const stems: Readonly<Record<string, readonly string[]>> = {
  training: ['pretrain', 'sft', 'dpo', 'grpo', 'lora', 'distill', 'reward-model'],
  serving: ['vllm', 'sglang', 'triton', 'embedder', 'reranker', 'asr', 'tts'],
  data: ['tokenize', 'dedup', 'filter', 'shard', 'eval', 'export', 'crawl'],
};

function stem(kind: string, random: () => number): string {
  const names = stems[kind] ?? ['job'];
  return names[Math.floor(random() * names.length)] ?? 'job';
}

/** About three in a hundred pods are in trouble. */
function fateOf(draw: number, kind: string): Fate {
  if (draw < 0.008) return 'crashLoop';
  if (draw < 0.012) return 'pullBackOff';
  if (draw < 0.017) return 'notReady';
  if (draw < 0.022) return 'creating';
  if (draw < 0.024) return 'terminating';
  if (draw < 0.03 && kind !== 'serving') return 'failed';
  if (draw < 0.034) return 'pending';
  return 'running';
}

function podName(context: Context, shape: Shape, rank: number): string {
  const isPlain = shape.owner !== 'Job' || shape.ranks === 1;
  return freeName(
    context,
    shape,
    isPlain ? `${shape.podPrefix}-` : `${shape.podPrefix}-${rank}-`,
    String(rank),
  );
}

/** A generated name that nobody has yet. */
function freeName(context: Context, shape: Shape, prefix: string, salt: string): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${prefix}${suffixOf(`${shape.name}${salt}${attempt === 0 ? '' : `/${attempt}`}`)}`;
    const key = `${shape.namespace}/${name}`;
    if (context.names.has(key)) continue;
    context.names.add(key);
    return name;
  }
}

/** The first node with room, looked for from where the last search ended, so that the search stays cheap. */
function machineFor(context: Context, machines: readonly Machine[], gpus: number): Machine | undefined {
  const start = Math.floor(context.random() * machines.length);
  const tries = Math.min(machines.length, 256);
  for (let step = 0; step < tries; step++) {
    const machine = machines[(start + step) % machines.length];
    if (machine !== undefined && (gpus === 0 || machine.free >= gpus) && machine.room > 0) {
      machine.room--;
      return machine;
    }
  }
  return undefined;
}

function putPod(
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
  const placement = place(pod, { ...clusterOf(store), pods: [] });
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

interface Counts {
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
}

function putOwner(context: Context, shape: Shape, counts: Counts): void {
  const template = { metadata: { labels: shape.labels }, spec: shape.spec };
  const meta = (name: string, owner?: JsonRecord): KubeLike['metadata'] & object => ({
    namespace: shape.namespace,
    name,
    labels: shape.labels,
    creationTimestamp: shape.createdAt,
    ...(owner === undefined ? {} : { ownerReferences: [owner] }),
  });
  const put = (object: KubeLike): void => void context.store.put(completeObject(object, context.startMs));
  const selector = { matchLabels: shape.selector };
  switch (shape.owner) {
    case 'Job':
      put({
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: meta(shape.name),
        spec: {
          parallelism: shape.ranks,
          completions: shape.ranks,
          completionMode: shape.isIndexed ? 'Indexed' : 'NonIndexed',
          backoffLimit: 6,
          suspend: false,
          selector,
          template,
        },
        status: jobStatus(context, shape, counts),
      });
      return;
    case 'DaemonSet':
      put({
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: meta(shape.name),
        spec: { selector, template, updateStrategy: { type: 'RollingUpdate' } },
        status: {
          currentNumberScheduled: shape.ranks,
          desiredNumberScheduled: shape.ranks,
          numberMisscheduled: 0,
          numberReady: counts.running,
          numberAvailable: counts.running,
          updatedNumberScheduled: shape.ranks,
          observedGeneration: 1,
        },
      });
      return;
    case 'ReplicaSet': {
      const status = {
        observedGeneration: 1,
        replicas: shape.ranks,
        readyReplicas: counts.running,
        availableReplicas: counts.running,
      };
      put({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: meta(shape.name),
        spec: {
          replicas: shape.ranks,
          selector: { matchLabels: { app: shape.name } },
          template,
          strategy: { type: 'RollingUpdate' },
        },
        status: { ...status, updatedReplicas: shape.ranks },
      });
      put({
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        metadata: meta(shape.podPrefix, {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          name: shape.name,
          controller: true,
        }),
        spec: { replicas: shape.ranks, selector, template },
        status: { ...status, fullyLabeledReplicas: shape.ranks },
      });
    }
  }
}

function jobStatus({ startMs }: Context, shape: Shape, counts: Counts): JsonRecord {
  const done = counts.succeeded === shape.ranks;
  const at = timeText(startMs - 300_000);
  const finished = {
    status: 'True',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
    lastProbeTime: at,
    lastTransitionTime: at,
  };
  const active = shape.ranks - counts.succeeded - counts.failed;
  return {
    startTime: shape.createdAt,
    ...(active === 0 ? {} : { active }),
    ready: counts.running,
    ...(counts.succeeded === 0 ? {} : { succeeded: counts.succeeded }),
    ...(counts.failed === 0 ? {} : { failed: counts.failed }),
    terminating: 0,
    uncountedTerminatedPods: {},
    ...(done
      ? {
          completionTime: at,
          conditions: [
            { type: 'SuccessCriteriaMet', ...finished },
            { type: 'Complete', ...finished },
          ],
        }
      : {}),
  };
}
