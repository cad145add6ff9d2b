import type { V1Taint } from '@kubernetes/client-node';
import { isAccelerator } from '../resources/devices.ts';
import type { NodeRow } from '../resources/node-row.ts';

/**
 * Taints that GPU pods tolerate by custom: they keep others away from GPUs, not GPU pods (gpu.md 3.5). The key is
 * the resource's name, or a habit of a cloud.
 */
function isCustomary({ key, value }: V1Taint): boolean {
  if (isAccelerator(key) || key === 'dedicated' || key === 'nvidia.com/gpu.present') return true;
  return (key === 'sku' || key === 'accelerator') && (value ?? '').toLowerCase().includes('gpu');
}

/** Taints that the node controller sets for what the node's status says already. */
const told: ReadonlySet<string> = new Set([
  'node.kubernetes.io/unschedulable',
  'node.kubernetes.io/not-ready',
  'node.kubernetes.io/unreachable',
]);

export type Unusable =
  | { readonly kind: 'notReady'; readonly reason: string }
  | { readonly kind: 'cordoned'; readonly reason: string }
  | { readonly kind: 'tainted'; readonly reason: string };

/** Why no new pod lands on a node, whatever it has free; undefined where pods may land. */
export function whyUnusable(node: NodeRow): Unusable | undefined {
  if (!node.status.startsWith('Ready'))
    return { kind: 'notReady', reason: node.status.split(',')[0] ?? 'NotReady' };
  if (node.unschedulable) return { kind: 'cordoned', reason: cordonReason(node) };
  const foreign = node.taints.find(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !told.has(taint.key) &&
      !isCustomary(taint),
  );
  if (foreign !== undefined) return { kind: 'tainted', reason: taintText(foreign) };
  const lost = node.taints.find(({ key, effect }) => told.has(key) && effect !== 'PreferNoSchedule');
  return lost === undefined ? undefined : { kind: 'tainted', reason: taintText(lost) };
}

const taintText = ({ key, value }: V1Taint): string => (value === undefined ? key : `${key}=${value}`);

/** The GPU operator says in a label why it cordoned; NVSentinel in another. */
function cordonReason({ labels }: NodeRow): string {
  const upgrade = labels['nvidia.com/gpu-driver-upgrade-state'];
  if (upgrade !== undefined && upgrade !== 'upgrade-done') return `driver ${upgrade}`;
  const sentinel = labels['dgxc.nvidia.com/nvsentinel-state'];
  return sentinel === undefined ? '' : `nvsentinel ${sentinel}`;
}

/** Less than this of cpu (millicores) or memory (bytes) left: the smallest GPU pod that people run no longer lands. */
const leastCpu = 500;
const leastMemory = 512 * 2 ** 20;

/** The resource whose exhaustion strands free devices; undefined where there is room or the node does not say. */
export function strandedBy(
  allocatable: Readonly<Record<string, number>>,
  used: { readonly pods: number; readonly cpu: number; readonly memory: number },
): 'pods' | 'cpu' | 'memory' | undefined {
  const { pods, cpu, memory } = allocatable;
  if (pods !== undefined && pods - used.pods < 1) return 'pods';
  if (cpu !== undefined && cpu - used.cpu < leastCpu) return 'cpu';
  return memory !== undefined && memory - used.memory < leastMemory ? 'memory' : undefined;
}
