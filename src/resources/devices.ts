/**
 * Extended resources that are accelerators: GPUs, MIG slices, shared GPUs, TPUs, Neuron, Gaudi … NICs, and the
 * memory and core fractions of HAMi, are not (gpu.md 1.6).
 */
const accelerators =
  /^(?:nvidia\.com\/(?:gpu(?:\.shared)?|mig-[\w.+]+|pgpu|vgpu)|amd\.com\/(?:gpu|[scdq]px(?:_nps\d)?)|gpu\.intel\.com\/(?:i915|xe)|habana\.ai\/gaudi|google\.com\/tpu|cloud-tpus\.google\.com\/\S+|aws\.amazon\.com\/neuron(?:core|device)?|qualcomm\.com\/qaic|huawei\.com\/Ascend\w*|cambricon\.com\/(?:vmlu|mlunum)|hygon\.com\/dcunum|metax-tech\.com\/s?gpu|mthreads\.com\/v?gpu|iluvatar\.(?:ai|com)\/\S*gpu|deviceclass\.resource\.kubernetes\.io\/\S*gpu\S*)$/;

const known = new Map<string, boolean>();

/** True for a resource whose units are accelerators or parts of them. */
export function isAccelerator(resource: string): boolean {
  const seen = known.get(resource);
  if (seen !== undefined) return seen;
  const matches = accelerators.test(resource);
  // Names come from the cluster: a hostile one must not grow this for ever.
  if (known.size < 10_000) known.set(resource, matches);
  return matches;
}

/**
 * Units of accelerators in a list of amounts; undefined where there is none. AWS lists one chip twice (devices and
 * cores), so cores count only alone.
 */
export function acceleratorCount(amounts: Readonly<Record<string, number>>): number | undefined {
  let sum: number | undefined;
  for (const name in amounts) {
    if (!isAccelerator(name)) continue;
    if (name === neuronCores && (amounts[neuronDevices] ?? 0) > 0) continue;
    sum = (sum ?? 0) + (amounts[name] ?? 0);
  }
  return sum;
}

const neuronCores = 'aws.amazon.com/neuroncore';
const neuronDevices = 'aws.amazon.com/neuron';
