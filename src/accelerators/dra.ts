import type { AllocatedDevice, ResourceClaimRow } from '../resources/resourceclaims.ts';
import { isTainted, type ResourceSliceRow, type SliceDevice } from '../resources/resourceslices.ts';
import { shortModel } from './models.ts';

/** DRA drivers and device classes of accelerators; NICs and compute domains are not counted. */
const acceleratorDrivers = /(?:^|[.-])(?:gpu|mig|vfio|tpu|neuron|npu|gaudi|gb?\d{2,3})(?:[.-]|$)/;

export const isAcceleratorDriver = (name: string): boolean => acceleratorDrivers.test(name);

/** A device of a pool's newest generation, and where it is. */
export interface PlacedDevice {
  /** `driver/pool/device`: what claims name. */
  readonly key: string;
  readonly driver: string;
  /** `''` where no single node has it (network-attached). */
  readonly node: string;
  readonly device: SliceDevice;
  readonly pool: string;
}

export const deviceKey = (driver: string, pool: string, device: string): string =>
  `${driver}/${pool}/${device}`;

export const poolKey = (slice: ResourceSliceRow): string => `${slice.driver}/${slice.pool}`;

export const claimKey = (claim: { readonly namespace: string; readonly name: string }): string =>
  `${claim.namespace}/${claim.name}`;

/**
 * The devices of one pool: of its newest generation only, for older slices describe what no longer is. A device that two
 * slices list (a driver that is mid-way) is the one of the last slice by name, whichever came first.
 */
export function devicesOfPool(slices: readonly ResourceSliceRow[]): readonly PlacedDevice[] {
  const newest = Math.max(...slices.map(({ generation }) => generation));
  const devices = new Map<string, PlacedDevice>();
  for (const slice of slices.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (slice.generation !== newest || !isAcceleratorDriver(slice.driver)) continue;
    for (const device of slice.devices) {
      const key = deviceKey(slice.driver, slice.pool, device.name);
      // NVIDIA's pools are named after their node; others say it in the slice or the device.
      devices.set(key, {
        key,
        driver: slice.driver,
        node: slice.node || device.node,
        device,
        pool: slice.pool,
      });
    }
  }
  return [...devices.values()];
}

/** Claims that hold a device: by claim key, what each consumes of it. */
export type DeviceUse = ReadonlyMap<string, AllocatedDevice>;

/** The devices that a claim holds, not merely looks at. */
export const heldDevices = (claim: ResourceClaimRow): readonly AllocatedDevice[] =>
  claim.devices.filter(({ adminAccess, driver }) => !adminAccess && isAcceleratorDriver(driver));

/** What one node has of one driver, in whole devices. */
export interface DraCount {
  readonly driver: string;
  readonly model: string | undefined;
  readonly capacity: number;
  /** Without those that a taint keeps from new claims. */
  readonly allocatable: number;
  readonly requested: number;
  /** Neither tainted nor taken, in whole or in part. */
  readonly unused: number;
  /** Partitions (MIG) are on offer beside whole devices, or instead of them. */
  readonly isPartitioned: boolean;
  /** Partitions only: then they are what is counted. */
  readonly onlyParts: boolean;
  /** Taken by claims that no pod uses. */
  readonly orphans: number;
  /** `gpu-3: gpu.nvidia.com/xid=79` … */
  readonly taints: readonly string[];
}

/** Counts the devices of one driver on one node. A whole device counts as taken when any part of it is. */
export function countDevices(
  devices: readonly PlacedDevice[],
  use: (key: string) => DeviceUse | undefined,
  isOrphan: (claim: string) => boolean,
): DraCount {
  const whole = devices.filter(isWhole);
  const counted = whole.length > 0 ? whole : devices;
  const parts = whole.length > 0 ? devices.filter((placed) => !isWhole(placed)) : [];
  const taken = (placed: PlacedDevice): boolean => isTaken(placed, parts, use);
  const takenDevices = counted.filter(taken);
  const untainted = counted.filter(({ device }) => !isTainted(device));
  return {
    driver: devices[0]?.driver ?? '',
    model: modelOfDevices(counted),
    capacity: counted.length,
    allocatable: untainted.length,
    requested: takenDevices.length,
    unused: untainted.filter((placed) => !taken(placed)).length,
    isPartitioned: whole.length === 0 || parts.length > 0,
    onlyParts: whole.length === 0,
    orphans: takenDevices.filter(({ key }) => [...(use(key)?.keys() ?? [])].some(isOrphan)).length,
    taints: counted.flatMap(({ device }) =>
      device.taints.map(
        ({ key, value }) => `${device.name}: ${key}${value === undefined ? '' : `=${value}`}`,
      ),
    ),
  };
}

const attribute = ({ device, driver }: PlacedDevice, name: string): unknown =>
  device.attributes[`${driver}/${name}`];

/** Not a partition or a passthrough view of another device. */
export function isWhole(placed: PlacedDevice): boolean {
  const type = attribute(placed, 'type');
  return type === undefined || type === 'gpu';
}

function isTaken(
  placed: PlacedDevice,
  parts: readonly PlacedDevice[],
  use: (key: string) => DeviceUse | undefined,
): boolean {
  const own = use(placed.key);
  if (own !== undefined && own.size > 0) return !placed.device.isShared || isUsedUp(placed.device, own);
  const uuid = attribute(placed, 'uuid');
  return parts.some((part) => (use(part.key)?.size ?? 0) > 0 && sharesSilicon(placed, part, uuid));
}

/** A device that several claims may hold is taken when one of its capacities is. */
function isUsedUp(device: SliceDevice, use: DeviceUse): boolean {
  return Object.entries(device.capacity).some(([name, capacity]) => {
    const short = name.slice(name.lastIndexOf('/') + 1);
    let consumed = 0;
    for (const { consumed: amounts } of use.values()) consumed += amounts[name] ?? amounts[short] ?? 0;
    return capacity > 0 && consumed >= capacity;
  });
}

/** By the parent's uuid (NVIDIA), or by the counters that both draw on. */
function sharesSilicon(whole: PlacedDevice, part: PlacedDevice, uuid: unknown): boolean {
  const parent = attribute(part, 'parentUUID');
  if (parent !== undefined && uuid !== undefined) return parent === uuid;
  const sets = new Set(whole.device.uses.map(({ set }) => set));
  return part.device.uses.some(({ set }) => sets.has(set));
}

function modelOfDevices(devices: readonly PlacedDevice[]): string | undefined {
  for (const placed of devices) {
    const product = attribute(placed, 'productName');
    if (typeof product === 'string' && product !== '') return shortModel(product);
  }
  return undefined;
}

/** Short models of the accelerators that a slice lists, by the key that claims name them by. */
export function modelsIn(
  slice: ResourceSliceRow,
): readonly { readonly key: string; readonly model: string }[] {
  if (!isAcceleratorDriver(slice.driver)) return [];
  return slice.devices.flatMap(({ name, attributes }) => {
    const product = attributes[`${slice.driver}/productName`];
    return typeof product === 'string' && product !== ''
      ? [{ key: deviceKey(slice.driver, slice.pool, name), model: shortModel(product) }]
      : [];
  });
}
