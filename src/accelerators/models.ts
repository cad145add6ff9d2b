import type { NodeRow } from '../resources/node-row.ts';
import type { Labels } from '../resources/pod-row.ts';

/** Labels that name the model of a node's accelerators, most trustworthy first (gpu.md 3.2). */
export const modelLabels: readonly string[] = [
  'skypilot.co/accelerator',
  'cloud.google.com/gke-accelerator',
  'karpenter.k8s.aws/instance-gpu-name',
  'karpenter.k8s.aws/instance-accelerator-name',
  'eks.amazonaws.com/instance-gpu-name',
  'nvidia.com/gpu.product',
  'gpu.nvidia.com/class',
  'gpu.nvidia.com/model',
  'nebius.com/gpu-name',
  'amd.com/gpu.product-name',
  'beta.amd.com/gpu.product-name',
  'gpu.intel.com/product',
  'cloud.google.com/gke-tpu-accelerator',
  'k8s.amazonaws.com/accelerator',
];

/**
 * The short name people use: `H100-80GB`, `A100-40GB`, `MI300X`. Undefined where no label says.
 * Time-slicing's `-SHARED` and MIG's profile are not part of it: they are how the model is shared.
 */
export function modelOf(node: NodeRow): string | undefined {
  for (const label of modelLabels) {
    const value = node.labels[label];
    if (value !== undefined && value !== '') return shortModel(value);
  }
  return undefined;
}

const cache = new Map<string, string>();

/** From any spelling: GFD's, GKE's, AMD's, dcgm's (with spaces), a DRA productName (gpu.md 3.4). */
export function shortModel(product: string): string {
  const known = cache.get(product);
  if (known !== undefined) return known;
  const short = shorten(product);
  // Products come from the cluster: a hostile one must not grow this for ever.
  if (cache.size < 1_000) cache.set(product, short);
  return short;
}

const noise = /^(?:nvidia|amd|intel|tesla|geforce|instinct|google|data|center|gpu|oam|sxm\d?|pcie|hbm\de?)$/i;

function shorten(product: string): string {
  const words = product
    .replace(/-SHARED$/i, '')
    .replace(/-MIG-[\w.+]+$/i, '')
    .split(/[-_ ]+/)
    .filter((word) => word !== '' && !noise.test(word));
  if (words.length === 0) return product;
  if (/^tpu$/i.test(words[0] ?? '')) return words.join('-').toLowerCase();
  const memory = words.find((word) => /^\d+GB$/i.test(word));
  const rest = words.filter((word) => word !== memory && !/^\d+GB$/i.test(word));
  const [head = '', ...others] = rest;
  // Words behind the model that are part of its name: H100-NVL, RTX-6000-Ada; `mega` is a form, told last.
  const form = others.filter((word) => word.toLowerCase() === 'mega');
  const tail = others.filter((word) => word.toLowerCase() !== 'mega');
  const parts = [upper(head), ...tail, ...(memory === undefined ? [] : [memory.toUpperCase()]), ...form];
  return parts.join('-');
}

/** `h100` → `H100`, `gb200` → `GB200`; a name in mixed case stays. */
const upper = (word: string): string => (word === word.toLowerCase() ? word.toUpperCase() : word);

/** MIG profile of a resource or a product label: `1g.10gb`, `3g.40gb.me`; undefined for whole devices. */
export function migProfile(text: string): string | undefined {
  return /(?:^nvidia\.com\/mig-|-MIG-)([\w.+]+)$/i.exec(text)?.[1];
}

/** Sevenths of a GPU's compute in a MIG profile: 3 of `3g.40gb`. Undefined where it is no profile. */
export function migSlices(profile: string): number | undefined {
  const match = /^(\d)g\./.exec(profile);
  return match === null ? undefined : Number(match[1]);
}

/** How many devices the labels promise: to be compared with what the plugin registered. Undefined where they are silent. */
export function promisedDevices(labels: Labels): number | undefined {
  for (const label of [
    'nvidia.com/gpu.count',
    'cloud.google.com/gke-accelerator-count',
    'karpenter.k8s.aws/instance-gpu-count',
    'eks.amazonaws.com/instance-gpu-count',
    'gpu.intel.com/device.count',
  ]) {
    const value = labels[label];
    if (value !== undefined && /^\d{1,4}$/.test(value)) return Number(value);
  }
  return undefined;
}

/** True where a label says that the node has accelerators, how many or not. */
export function promisesDevices(labels: Labels): boolean {
  return (
    (promisedDevices(labels) ?? 0) > 0 ||
    labels['nvidia.com/gpu.present'] === 'true' ||
    labels['feature.node.kubernetes.io/amd-gpu'] === 'true' ||
    labels['intel.feature.node.kubernetes.io/gpu'] === 'true' ||
    labels['cloud.google.com/gke-accelerator'] !== undefined ||
    labels['cloud.google.com/gke-tpu-accelerator'] !== undefined
  );
}
