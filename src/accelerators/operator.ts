import type { PodRow } from '../resources/pod-row.ts';

/** A layer of the software under a GPU, from the bottom up: a broken one keeps all above it waiting. */
type Layer =
  | 'driver'
  | 'container toolkit'
  | 'device plugin'
  | 'CUDA'
  | 'dcgm'
  | 'metrics exporter'
  | 'feature discovery'
  | 'MIG manager'
  | 'MPS'
  | 'validator'
  | 'operator';

interface Part {
  readonly layer: Layer;
  /** What does not work while it is down. */
  readonly means: string;
}

/** By the DaemonSet's name and the value of its `app` label (gpu.md 4.8); AMD's and the static plugins beside. */
const parts: readonly (readonly [name: RegExp, part: Part])[] = [
  [
    /^(nvidia-driver-daemonset|nvidia-gpu-driver|nvidia-vgpu-manager)/,
    { layer: 'driver', means: 'the driver is not loaded; every other layer waits' },
  ],
  [/^nvidia-container-toolkit/, { layer: 'container toolkit', means: 'containers get no GPU' }],
  [/^(nvidia-device-plugin-mps-control)/, { layer: 'MPS', means: 'GPUs shared by MPS cannot be used' }],
  [
    /^(nvidia-device-plugin|nvidia-gpu-device-plugin|nvidia-dra-driver|amdgpu-dp|amd-gpu-device-plugin)/,
    { layer: 'device plugin', means: 'the node registers no GPUs' },
  ],
  [
    /^(nvidia-dcgm-exporter|dcgm-exporter|metrics-exporter|amd.*metrics-exporter)/,
    { layer: 'metrics exporter', means: 'no utilisation, no Xid' },
  ],
  [/^nvidia-dcgm/, { layer: 'dcgm', means: 'no utilisation, no Xid' }],
  [
    /^(gpu-feature-discovery|nvidia-gpu-feature-discovery|amdgpu-lr)/,
    { layer: 'feature discovery', means: 'labels of models and memory are missing or old' },
  ],
  [/^nvidia-mig-manager/, { layer: 'MIG manager', means: 'the MIG layout is not applied' }],
  [/^nvidia-operator-validator/, { layer: 'validator', means: 'the stack is not validated' }],
  [/^gpu-operator(-|$)/, { layer: 'operator', means: 'nothing is installed or repaired' }],
];

/** Init containers wait for a lower layer: the one that hangs or fails names it. */
const waitsFor: Readonly<Record<string, Layer>> = {
  'k8s-driver-manager': 'driver',
  'driver-validation': 'driver',
  'toolkit-validation': 'container toolkit',
  'cuda-validation': 'CUDA',
  'plugin-validation': 'device plugin',
  'config-manager-init': 'device plugin',
};

/** A pod of the GPU stack that does not do its work. */
export interface BrokenPart {
  readonly part: Layer;
  /** The layer that is at fault: its own, or the lower one that it waits for. */
  readonly layer: Layer;
  readonly text: string;
}

const known = new Map<string, Part | 'none'>();

function partOf({ labels, owner, name }: PodRow): Part | undefined {
  const word =
    labels['app'] ?? labels['name'] ?? labels['k8s-app'] ?? labels['app.kubernetes.io/component'] ?? '';
  const key = `${word} ${owner?.name ?? name}`;
  let part = known.get(key);
  if (part === undefined) {
    part = parts.find(([form]) => form.test(word) || form.test(owner?.name ?? name))?.[1] ?? 'none';
    // Names come from the cluster.
    if (known.size < 10_000) known.set(key, part);
  }
  return part === 'none' ? undefined : part;
}

/** Undefined: no pod of the GPU stack, or one that works, or one that is going. */
export function brokenPart(pod: PodRow): BrokenPart | undefined {
  if (pod.deletedAt !== undefined || pod.phase === 'Succeeded') return undefined;
  if (pod.readyContainers === pod.totalContainers && pod.phase === 'Running') return undefined;
  const part = partOf(pod);
  if (part === undefined) return undefined;
  const init = stuckInit(pod);
  const layer = (init === undefined ? undefined : waitsFor[init]) ?? part.layer;
  const where = init === undefined ? pod.status : `${pod.status} in ${init}`;
  return { part: part.layer, layer, text: `${part.layer} is ${where}: ${part.means}` };
}

/** Parts whose containers see every GPU of their node, the surest first. */
const seeAll: readonly Layer[] = ['driver', 'device plugin', 'dcgm', 'metrics exporter', 'MIG manager'];

/**
 * Of the pods on a node, the one in which `nvidia-smi` shows most: of the operator all GPUs, of a workload its own.
 * Undefined where none of them runs.
 */
export function smiPod(onNode: Iterable<PodRow>): PodRow | undefined {
  let best: { readonly pod: PodRow; readonly rank: number } | undefined;
  for (const pod of onNode) {
    if (pod.phase !== 'Running' || pod.deletedAt !== undefined) continue;
    const layer = partOf(pod)?.layer;
    const known = layer === undefined ? -1 : seeAll.indexOf(layer);
    const holds = (pod.spec.requests['nvidia.com/gpu'] ?? 0) > 0;
    if (known === -1 && !holds) continue;
    const rank = known === -1 ? seeAll.length : known;
    if (best === undefined || rank < best.rank) best = { pod, rank };
  }
  return best?.pod;
}

/** The init container that runs, waits or fails now: `Init:1/4` counts those that are done. */
function stuckInit({ status, trouble, spec }: PodRow): string | undefined {
  if (!status.startsWith('Init:')) return undefined;
  if (trouble?.kind === 'init' || trouble?.kind === 'sidecar') return trouble.container;
  const done = /^Init:(\d+)\/\d+$/.exec(status)?.[1];
  const inits = spec.containers.filter(({ kind }) => kind === 'init' || kind === 'sidecar');
  return done === undefined ? undefined : inits[Number(done)]?.name;
}
