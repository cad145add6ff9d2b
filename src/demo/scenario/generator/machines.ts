import type { KubeLike } from '../../object.ts';
import type { Store } from '../../store.ts';
import { completeObject } from '../complete.ts';
import { type ConditionLike, timeText } from '../shapes.ts';
import { type Context, type Machine, podsPerNode } from './context.ts';

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

export function addMachines(context: Context, count: number): Machine[] {
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
export const existingMachines = (store: Store): Machine[] =>
  store
    .list('', 'nodes')
    .flatMap(({ metadata }) => (metadata?.name?.startsWith('cpu-') === true ? [metadata.name] : []))
    .map((name) => ({ name, gpus: 0, free: 0, room: Number.POSITIVE_INFINITY, nextIp: 2 }));
