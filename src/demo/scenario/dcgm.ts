import type { Store } from '../store.ts';
import { isFinished, type NodeLike, type PodLike, pick, podRequests, quantity, uidOf } from './shapes.ts';

/** What one GPU reports. */
interface Device {
  readonly index: number;
  readonly labels: string;
  readonly holder: PodLike | undefined;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  value(device: Device, load: Load): string;
}

interface Load {
  /** Percent. */
  readonly busy: number;
  /** Share of time that the tensor cores worked, 0–1. */
  readonly tensor: number;
  readonly usedMiB: number;
  readonly totalMiB: number;
  readonly watts: number;
  readonly xid: number;
}

/** DCGM's word for "this GPU does not measure that". */
const notSupported = '9223372036854775794';

const metrics: readonly Metric[] = [
  {
    name: 'DCGM_FI_DEV_SM_CLOCK',
    help: 'SM clock frequency (in MHz).',
    value: (_, load) => String(load.busy > 0 ? 1980 : 345),
  },
  {
    name: 'DCGM_FI_DEV_MEMORY_TEMP',
    help: 'Memory temperature (in C).',
    value: ({ index }, load) => (index === 7 ? notSupported : String(38 + Math.round(load.watts / 12))),
  },
  {
    name: 'DCGM_FI_DEV_GPU_TEMP',
    help: 'GPU temperature (in C).',
    value: (_, load) => String(30 + Math.round(load.watts / 15)),
  },
  { name: 'DCGM_FI_DEV_POWER_USAGE', help: 'Power draw (in W).', value: (_, load) => load.watts.toFixed(3) },
  { name: 'DCGM_FI_DEV_GPU_UTIL', help: 'GPU utilization (in %).', value: (_, load) => String(load.busy) },
  {
    name: 'DCGM_FI_DEV_XID_ERRORS',
    help: 'Value of the last XID error encountered.',
    value: (_, load) => String(load.xid),
  },
  {
    name: 'DCGM_FI_DEV_FB_FREE',
    help: 'Framebuffer memory free (in MiB).',
    value: (_, load) => String(load.totalMiB - load.usedMiB),
  },
  {
    name: 'DCGM_FI_DEV_FB_USED',
    help: 'Framebuffer memory used (in MiB).',
    value: (_, load) => String(load.usedMiB),
  },
  {
    name: 'DCGM_FI_PROF_GR_ENGINE_ACTIVE',
    help: 'Ratio of time the graphics engine is active.',
    value: (_, load) => (load.busy / 100).toFixed(6),
  },
  {
    name: 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE',
    help: 'Ratio of cycles the tensor (HMMA) pipe is active.',
    value: (_, load) => load.tensor.toFixed(6),
  },
  {
    name: 'DCGM_FI_PROF_DRAM_ACTIVE',
    help: 'Ratio of cycles the device memory interface is active sending or receiving data.',
    value: (_, load) => (load.tensor * 0.8).toFixed(6),
  },
];

/**
 * What dcgm-exporter on this node answers at `/metrics` (reference: its default counters), as the pods there hold the
 * GPUs now. Empty for a node without whole NVIDIA GPUs. `nowMs` is epoch milliseconds.
 */
export function dcgmMetrics(store: Store, nodeName: string, nowMs: number): string {
  const node = store.get({ group: '', plural: 'nodes', name: nodeName }) as NodeLike | undefined;
  const count = quantity(node?.status.capacity['nvidia.com/gpu']);
  const labels = node?.metadata.labels;
  const product = labels?.['nvidia.com/gpu.product'];
  if (node === undefined || count === 0 || product === undefined) return '';
  const holders = holdersOf(store, nodeName);
  const devices = Array.from({ length: count }, (_, index): Device => {
    const holder = holders[index];
    return {
      index,
      holder,
      labels: deviceLabels(nodeName, product.replaceAll('-', ' '), labels ?? {}, index, holder),
    };
  });
  const totalMiB = Number(labels?.['nvidia.com/gpu.memory'] ?? 81_559);
  return metrics
    .map((metric) => {
      const lines = devices.map(
        (device) =>
          `${metric.name}{${device.labels}} ${metric.value(device, loadOf(nodeName, device, totalMiB, nowMs))}`,
      );
      return `# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} gauge\n${lines.join('\n')}\n`;
    })
    .join('');
}

type ByNode = ReadonlyMap<string | undefined, readonly PodLike[]>;

const shelves = new WeakMap<Store, { readonly at: number; readonly byNode: ByNode }>();

/** A Prometheus asks for every node at once: one walk over the pods answers for all of them. */
function podsByNode(store: Store): ByNode {
  const at = store.resourceVersion();
  let shelf = shelves.get(store);
  if (shelf?.at !== at) {
    const byNode = Map.groupBy(store.list('', 'pods') as readonly PodLike[], ({ spec }) => spec.nodeName);
    shelf = { at, byNode };
    shelves.set(store, shelf);
  }
  return shelf.byNode;
}

/** One entry per GPU in use, in the order in which the pods came. */
function holdersOf(store: Store, nodeName: string): readonly PodLike[] {
  return (podsByNode(store).get(nodeName) ?? [])
    .filter((pod) => !isFinished(pod))
    .flatMap((pod) => Array.from({ length: podRequests(pod).get('nvidia.com/gpu') ?? 0 }, () => pod));
}

function deviceLabels(
  nodeName: string,
  model: string,
  labels: Readonly<Record<string, string>>,
  index: number,
  holder: PodLike | undefined,
): string {
  const pairs: readonly (readonly [string, string])[] = [
    ['gpu', String(index)],
    ['UUID', `GPU-${uidOf(`gpu ${nodeName} ${index}`)}`],
    [
      'pci_bus_id',
      `00000000:${(0x53 + index * 0x11).toString(16).toUpperCase().padStart(2, '0').slice(-2)}:00.0`,
    ],
    ['device', `nvidia${index}`],
    ['modelName', model],
    ['Hostname', nodeName],
    ['DCGM_FI_DRIVER_VERSION', labels['nvidia.com/cuda.driver-version.full'] ?? '580.105.08'],
    ...(holder === undefined
      ? []
      : ([
          ['container', holder.spec.containers[0]?.name ?? ''],
          ['namespace', holder.metadata.namespace ?? ''],
          ['pod', holder.metadata.name],
          ['pod_uid', ''],
        ] as const)),
  ];
  return pairs.map(([key, value]) => `${key}="${value}"`).join(',');
}

function loadOf(nodeName: string, { index, holder }: Device, totalMiB: number, nowMs: number): Load {
  const lost = nodeName === 'gpu-h100-02' && index === 7;
  const idle = { busy: 0, tensor: 0, totalMiB, xid: lost ? 79 : 0 };
  if (holder === undefined) return { ...idle, usedMiB: 4, watts: 69 + (index % 3) };
  switch (holder.metadata.name) {
    case 'llama-sft-master-0':
      return { ...idle, usedMiB: 512, watts: 72 };
    case 'notebook-idle-0':
      return { ...idle, usedMiB: 18_000, watts: 71 };
    case 'pretrain-8':
      // The ranks that are left spin in a collective: busy, but no mathematics.
      return { ...idle, busy: lost ? 0 : 100, tensor: 0, usedMiB: 74_112, watts: lost ? 0 : 131 };
    default: {
      const wave = Math.sin(nowMs / 40_000 + pick(`gpu ${nodeName}${index}`, 60) / 10);
      const busy = Math.min(100, Math.round(92 + 6 * wave));
      return {
        ...idle,
        busy,
        tensor: 0.41 + 0.05 * wave,
        usedMiB: Math.round(totalMiB * 0.87),
        watts: 640 + 30 * wave,
      };
    }
  }
}
