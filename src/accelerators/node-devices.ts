import { isAccelerator } from '../resources/devices.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { extendedClaim } from '../resources/pods.ts';
import { acceleratorsIn } from './demand.ts';
import type { DraCount } from './dra.ts';
import { modelOf, promisedDevices, promisesDevices } from './models.ts';
import { hamiDevices, hamiModel, hamiShare, type Sharing, sharingOf } from './sharing.ts';
import { strandedBy, whyUnusable } from './usable.ts';

/** What the pods of one node take, summed. */
export interface Held {
  readonly pods: number;
  /** Millicores. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
  readonly hamiMemoryMib: number;
  readonly hamiCores: number;
  /** Units by resource. `viaClaim`: of pods whose extended resources a ResourceClaim serves. */
  readonly units: ReadonlyMap<string, { readonly plain: number; readonly viaClaim: number }>;
}

export interface MutableHeld extends Held {
  pods: number;
  cpu: number;
  memory: number;
  hamiMemoryMib: number;
  hamiCores: number;
  readonly units: Map<string, { plain: number; viaClaim: number }>;
}

export const createHeld = (): MutableHeld => ({
  pods: 0,
  cpu: 0,
  memory: 0,
  hamiMemoryMib: 0,
  hamiCores: 0,
  units: new Map(),
});

/** Adds a pod that holds room on the node (`sign` 1), or takes it away (-1). */
export function changeHeld(held: MutableHeld, pod: PodRow, sign: 1 | -1): void {
  const { requests } = pod.spec;
  held.pods += sign;
  held.cpu += sign * (requests['cpu'] ?? 0);
  held.memory += sign * (requests['memory'] ?? 0);
  const share = hamiShare(pod.annotations);
  if (share !== undefined) {
    held.hamiMemoryMib += sign * share.memoryMib;
    held.hamiCores += sign * share.cores;
  }
  const kind = pod.claimNames[extendedClaim] === undefined ? 'plain' : 'viaClaim';
  for (const [resource, units] of acceleratorsIn(requests)) {
    const sum = held.units.get(resource) ?? { plain: 0, viaClaim: 0 };
    sum[kind] += sign * units;
    if (sum.plain === 0 && sum.viaClaim === 0) held.units.delete(resource);
    else held.units.set(resource, sum);
  }
}

export type DeviceState =
  | 'idle'
  | 'mixed'
  | 'full'
  | 'over'
  | 'unhealthy'
  | 'stranded'
  | 'tainted'
  | 'cordoned'
  | 'notReady'
  | 'pluginDown'
  | 'unknown';

/** One class of accelerators on one node. */
export interface DeviceEntry {
  readonly node: string;
  /** The resource's full name, or the DRA driver's. */
  readonly className: string;
  readonly source: 'plugin' | 'dra';
  readonly model: string | undefined;
  readonly sharing: Sharing;
  /** Healthy or not. Undefined: never registered, or the node may not be read. */
  readonly capacity: number | undefined;
  readonly allocatable: number | undefined;
  readonly unhealthy: number | undefined;
  readonly requested: number;
  /** allocatable − requested; negative when devices died under running pods. */
  readonly free: number | undefined;
  /** Free and on a node that takes pods; never negative. */
  readonly schedulable: number;
  /** Devices that the labels promise and the plugin has not registered. */
  readonly missing: number;
  /** DRA: held by claims that no pod uses. */
  readonly orphans: number;
  readonly state: DeviceState;
  /** What the state rests on: `driver drain-required`, `dedicated=slurm`, `Xid 79`; `''` where it says all. */
  readonly reason: string;
}

/** All classes of one node. `node` is undefined where its object may not be read: then only what pods hold is known. */
export function entriesOfNode(
  name: string,
  node: NodeRow | undefined,
  held: Held | undefined,
  dra: readonly DraCount[],
): readonly DeviceEntry[] {
  const claimed = dra.map((count) => draEntry(name, node, held, count));
  const classes = pluginClasses(node, held, claimed.length > 0);
  const entries = classes.map((resource) => pluginEntry(name, node, held, resource, claimed.length > 0));
  if (entries.length + claimed.length > 0) return [...entries, ...claimed];
  return node !== undefined && promisesDevices(node.labels) ? [absentEntry(node)] : [];
}

function pluginClasses(
  node: NodeRow | undefined,
  held: Held | undefined,
  hasDra: boolean,
): readonly string[] {
  const names = new Set<string>();
  for (const amounts of [node?.capacity, node?.allocatable]) {
    for (const name in amounts) if (isAccelerator(name)) names.add(name);
  }
  for (const name of held?.units.keys() ?? []) names.add(name);
  // The same chips twice.
  if (names.has('aws.amazon.com/neuron')) names.delete('aws.amazon.com/neuroncore');
  const meaningful = [...names].filter((name) => {
    const has = (node?.capacity[name] ?? 0) > 0 || (node?.allocatable[name] ?? 0) > 0;
    return has || requestedOf(node, held, name, hasDra) > 0;
  });
  if (meaningful.length > 0) return meaningful.sort();
  // Registered as 0 and nothing else: the plugin restarts, or went away. With DRA it is only history.
  return hasDra ? [] : [...names].filter((name) => node !== undefined && name in node.capacity).sort();
}

/**
 * Units that pods take of the plugin's devices. Requests that a claim serves count only where the node has such
 * devices, or where no slice tells of the claim's: never twice.
 */
function requestedOf(
  node: NodeRow | undefined,
  held: Held | undefined,
  resource: string,
  hasDra: boolean,
): number {
  const units = held?.units.get(resource);
  if (units === undefined) return 0;
  const isServedHere = (node?.capacity[resource] ?? 0) > 0 || !hasDra;
  return units.plain + (isServedHere ? units.viaClaim : 0);
}

function pluginEntry(
  name: string,
  node: NodeRow | undefined,
  held: Held | undefined,
  resource: string,
  hasDra: boolean,
): DeviceEntry {
  const requested = requestedOf(node, held, resource, hasDra);
  if (node === undefined) return unreadable(name, resource, requested);
  const capacity = node.capacity[resource];
  const allocatable = node.allocatable[resource];
  const promised = resource === 'nvidia.com/gpu' ? promisedDevices(node.labels) : undefined;
  const sharing = sharingOf(node, resource);
  return {
    node: name,
    className: resource,
    source: 'plugin',
    model: modelOf(node) ?? hamiModel(node),
    sharing,
    orphans: 0,
    missing: sharing.mode === 'exclusive' ? Math.max(0, (promised ?? 0) - (capacity ?? 0)) : 0,
    ...numbersOf(node, held, capacity, allocatable, requested),
    ...stateOf(node, held, capacity, allocatable, requested),
  };
}

function numbersOf(
  node: NodeRow,
  held: Held | undefined,
  capacity: number | undefined,
  allocatable: number | undefined,
  requested: number,
): Pick<DeviceEntry, 'capacity' | 'allocatable' | 'unhealthy' | 'requested' | 'free' | 'schedulable'> {
  const free = allocatable === undefined ? undefined : allocatable - requested;
  return {
    capacity,
    allocatable,
    unhealthy:
      capacity === undefined || allocatable === undefined ? undefined : Math.max(0, capacity - allocatable),
    requested,
    free,
    schedulable: takesPods(node, held) ? Math.max(0, free ?? 0) : 0,
  };
}

const takesPods = (node: NodeRow, held: Held | undefined): boolean =>
  whyUnusable(node) === undefined && (held === undefined || strandedBy(node.allocatable, held) === undefined);

type State = Pick<DeviceEntry, 'state' | 'reason'>;

/** The worst first: what must be mended before anything else matters. */
function stateOf(
  node: NodeRow,
  held: Held | undefined,
  capacity: number | undefined,
  allocatable: number | undefined,
  requested: number,
): State {
  const unusable = whyUnusable(node);
  if (unusable?.kind === 'notReady') return { state: 'notReady', reason: unusable.reason };
  if (
    capacity === undefined ||
    allocatable === undefined ||
    (capacity === 0 && promisesDevices(node.labels))
  ) {
    return pluginDown(node, capacity ?? 0);
  }
  if (unusable !== undefined) return { state: unusable.kind, reason: unusable.reason };
  if (requested > allocatable) {
    return { state: 'over', reason: `${requested} requested, ${allocatable} healthy${xidText(node)}` };
  }
  if (allocatable < capacity)
    return { state: 'unhealthy', reason: `${capacity - allocatable} lost${xidText(node)}` };
  const migState = node.labels['nvidia.com/mig.config.state'];
  if (migState === 'failed' || migState === 'pending')
    return { state: 'tainted', reason: `mig config ${migState}` };
  const stranded = held === undefined ? undefined : strandedBy(node.allocatable, held);
  if (stranded !== undefined && requested < allocatable)
    return { state: 'stranded', reason: `${stranded} full` };
  return usage(requested, allocatable);
}

function usage(requested: number, allocatable: number): State {
  if (requested === 0) return { state: 'idle', reason: '' };
  return { state: requested < allocatable ? 'mixed' : 'full', reason: '' };
}

function pluginDown(node: NodeRow, registered: number): State {
  const promised = promisedDevices(node.labels);
  const words = promised === undefined ? 'labels promise devices' : `labels promise ${promised}`;
  return {
    state: 'pluginDown',
    reason: `${words}, the plugin registered ${registered === 0 ? 'none' : registered}`,
  };
}

/** `, Xid 79`: GKE's condition keeps the codes as a JSON object in its reason; EKS's names one. */
function xidText(node: NodeRow): string {
  for (const { type, status, reason } of node.conditions) {
    if (type === 'XidCriticalError' && status === 'True') {
      const codes = reason.match(/\d{1,3}/g);
      return codes === null ? ', Xid error' : `, Xid ${codes.join(' ')}`;
    }
    const code = /^NvidiaXID(\d+)Error$/.exec(reason)?.[1];
    if (type === 'AcceleratedHardwareReady' && status === 'False' && code !== undefined)
      return `, Xid ${code}`;
  }
  return '';
}

function draEntry(
  name: string,
  node: NodeRow | undefined,
  held: Held | undefined,
  count: DraCount,
): DeviceEntry {
  const { capacity, allocatable, requested, unused, orphans, isPartitioned, onlyParts, driver } = count;
  const base = {
    node: name,
    className: driver,
    source: 'dra',
    model: count.model ?? (node === undefined ? undefined : modelOf(node)),
    sharing: { mode: 'dra', isPartitioned, onlyParts },
    capacity,
    allocatable,
    unhealthy: capacity - allocatable,
    requested,
    free: allocatable - requested,
    missing: 0,
    orphans,
  } as const;
  // Network-attached devices have no node to be out of service.
  if (node === undefined)
    return { ...base, schedulable: name === '' ? unused : 0, ...usage(requested, allocatable) };
  const state = stateOf(node, held, capacity, allocatable, requested);
  const reason = count.taints.length > 0 && (state.state === 'unhealthy' || state.state === 'over');
  return {
    ...base,
    schedulable: takesPods(node, held) ? unused : 0,
    state: state.state,
    reason: reason ? count.taints.join(', ') : state.reason,
  };
}

/** Pods hold devices on a node that this user may not read, or that is gone. */
function unreadable(name: string, resource: string, requested: number): DeviceEntry {
  return {
    node: name,
    className: resource,
    source: 'plugin',
    model: undefined,
    sharing: { mode: 'exclusive' },
    capacity: undefined,
    allocatable: undefined,
    unhealthy: undefined,
    requested,
    free: undefined,
    schedulable: 0,
    missing: 0,
    orphans: 0,
    state: 'unknown',
    reason: 'the node cannot be read',
  };
}

/** The labels promise devices and no plugin, and no slice, ever registered any: missing is not zero. */
function absentEntry(node: NodeRow): DeviceEntry {
  const unusable = whyUnusable(node);
  const state: State =
    unusable?.kind === 'notReady' ? { state: 'notReady', reason: unusable.reason } : pluginDown(node, 0);
  return {
    node: node.name,
    className: vendorResource(node),
    source: 'plugin',
    model: modelOf(node),
    sharing: { mode: 'exclusive' },
    capacity: undefined,
    allocatable: undefined,
    unhealthy: undefined,
    requested: 0,
    free: undefined,
    schedulable: 0,
    missing: promisedDevices(node.labels) ?? 0,
    orphans: 0,
    ...state,
  };
}

function vendorResource({ labels }: NodeRow): string {
  if (labels['feature.node.kubernetes.io/amd-gpu'] === 'true') return 'amd.com/gpu';
  if (labels['intel.feature.node.kubernetes.io/gpu'] === 'true') return 'gpu.intel.com/i915';
  return labels['cloud.google.com/gke-tpu-accelerator'] === undefined ? 'nvidia.com/gpu' : 'google.com/tpu';
}

/** `10000/92136 MiB, 30/200 cores`; undefined where HAMi does not run. */
export function hamiText(node: NodeRow, held: Held): string | undefined {
  const books = hamiDevices(node);
  if (books === undefined) return undefined;
  return `${held.hamiMemoryMib}/${books.memoryMib} MiB, ${held.hamiCores}/${books.cores} cores`;
}
