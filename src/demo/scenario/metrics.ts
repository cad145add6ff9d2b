import type { MetricsProvider, NodeUsage, PodUsage } from '../providers.ts';
import type { Store } from '../store.ts';
import {
  type ContainerLike,
  type NodeLike,
  type PodLike,
  pick,
  type Quantities,
  quantity,
} from './shapes.ts';

/** metrics-server scrapes this often; between two scrapes it answers the same sample. */
const scrapeMs = 15_000;
/** A container without two samples has no usage yet. */
const youngMs = 30_000;

/** Usage as metrics-server would report it: fitting the requests, moving a little, absent where nothing was measured. */
export function createMetrics(store: Store, now: () => number): MetricsProvider {
  const pods = (namespace?: string): readonly PodLike[] =>
    store.list('', 'pods', namespace) as readonly PodLike[];
  return {
    nodes() {
      const at = sampleTime(now());
      const sums = new Map<string, { cpu: number; memory: number }>();
      for (const pod of pods()) {
        const node = pod.spec.nodeName;
        if (node === undefined || pod.status.phase !== 'Running') continue;
        const sum = sums.get(node) ?? { cpu: 0, memory: 0 };
        sums.set(node, sum);
        for (const container of pod.spec.containers) {
          const usage = usageOf(pod, container, at);
          sum.cpu += usage.cpu;
          sum.memory += usage.memory;
        }
      }
      return (store.list('', 'nodes') as readonly NodeLike[])
        .filter(isReady)
        .map((node) => nodeUsage(node, sums.get(node.metadata.name), at));
    },
    pods(namespace) {
      const at = sampleTime(now());
      return pods(namespace).flatMap((pod) => {
        const usage = podUsage(pod, at);
        return usage === undefined ? [] : [usage];
      });
    },
  };
}

const sampleTime = (now: number): number => Math.floor(now / scrapeMs) * scrapeMs;

const isReady = (node: NodeLike): boolean =>
  node.status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');

function nodeUsage(
  node: NodeLike,
  sum: { readonly cpu: number; readonly memory: number } | undefined,
  at: number,
): NodeUsage {
  const cores = quantity(node.status.capacity['cpu']);
  const bytes = quantity(node.status.capacity['memory']);
  return {
    name: node.metadata.name,
    ...(node.metadata.labels === undefined || node.metadata.labels === null
      ? {}
      : { labels: node.metadata.labels }),
    cpu: cpuText(Math.min(cores, (sum?.cpu ?? 0) + cores * 0.015)),
    memory: memoryText(Math.min(bytes, (sum?.memory ?? 0) + 6 * 2 ** 30)),
    at,
  };
}

function podUsage(pod: PodLike, at: number): PodUsage | undefined {
  if (pod.status.phase !== 'Running') return undefined;
  const containers = pod.spec.containers.flatMap((container) => {
    const status = pod.status.containerStatuses?.find((one) => one.name === container.name);
    const startedAt = status?.state.running?.startedAt;
    if (startedAt === undefined || at - Date.parse(startedAt) < youngMs) return [];
    const usage = usageOf(pod, container, at);
    return [{ name: container.name, cpu: cpuText(usage.cpu), memory: memoryText(usage.memory) }];
  });
  // metrics-server leaves a pod out while any of its containers has no sample.
  if (containers.length < pod.spec.containers.length) return undefined;
  return {
    namespace: pod.metadata.namespace ?? 'default',
    name: pod.metadata.name,
    ...(pod.metadata.labels === undefined || pod.metadata.labels === null
      ? {}
      : { labels: pod.metadata.labels }),
    containers,
    at,
  };
}

/** Cores and bytes: a share of the request that belongs to the pod, with a slow wave and a little noise. */
function usageOf(
  pod: PodLike,
  container: ContainerLike,
  at: number,
): { readonly cpu: number; readonly memory: number } {
  const { requests, limits } = container.resources ?? {};
  const gpus = acceleratorsOf(requests);
  const cores = quantity(requests?.['cpu']) || gpus * 8 || 0.2;
  const bytes = quantity(requests?.['memory']) || gpus * 64 * 2 ** 30 || 256 * 2 ** 20;
  const [busy, full] = shareOf(pod);
  const phase = pick(`phase ${pod.metadata.uid}`, 628) / 100;
  const wave = 1 + 0.08 * Math.sin(at / 90_000 + phase) + 0.02 * Math.sin(at / 17_000 + phase * 3);
  const limit = quantity(limits?.['memory']) || Number.POSITIVE_INFINITY;
  return { cpu: cores * busy * wave, memory: Math.min(limit * 0.995, bytes * full * (1 + (wave - 1) / 4)) };
}

/** Pods that ask for devices only still use processors and memory; a slice counts as a device here. */
const acceleratorsOf = (requests: Quantities | undefined): number =>
  Object.entries(requests ?? {})
    .filter(([name]) => /\/(gpu|gpu\.shared|tpu|mig-.*)$/.test(name))
    .reduce((sum, [, text]) => sum + quantity(text), 0);

/** What of its requests a pod uses: processor, memory. */
function shareOf(pod: PodLike): readonly [cpu: number, memory: number] {
  switch (pod.metadata.name) {
    case 'notebook-idle-0':
      return [0.003, 0.11];
    case 'llama-sft-master-0':
      return [0.04, 0.09];
    case 'dataprep-oom':
      return [0.9, 0.985];
    default:
      return [
        0.3 + pick(`cpu ${pod.metadata.uid}`, 45) / 100,
        0.35 + pick(`memory ${pod.metadata.uid}`, 45) / 100,
      ];
  }
}

const cpuText = (cores: number): string => `${Math.round(cores * 1e9)}n`;
const memoryText = (bytes: number): string => `${Math.round(bytes / 1024)}Ki`;
