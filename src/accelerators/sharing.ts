import type { NodeRow } from '../resources/node-row.ts';
import { migProfile, promisedDevices, shortModel } from './models.ts';

/**
 * What one unit of a resource is. Where several pods share a device, "8 used" is not 8 devices, and the row must
 * say so: `slots` per device, and how many devices there really are (undefined where no label says).
 */
export type Sharing =
  | { readonly mode: 'exclusive' }
  | { readonly mode: 'mig'; readonly profile: string; readonly devices: number | undefined }
  | {
      readonly mode: 'timeSliced' | 'mps';
      readonly slots: number | undefined;
      readonly devices: number | undefined;
    }
  | { readonly mode: 'vgpu' }
  | { readonly mode: 'hami'; readonly slots: number; readonly devices: number }
  | { readonly mode: 'dra'; readonly isPartitioned: boolean; readonly onlyParts: boolean };

/** From the resource's name and the node's labels (gpu.md 1.6–1.8). */
export function sharingOf(node: NodeRow, resource: string): Sharing {
  const profile = migProfile(resource) ?? migProfile(node.labels['nvidia.com/gpu.product'] ?? '');
  if (profile !== undefined) return { mode: 'mig', profile, devices: promisedDevices(node.labels) };
  const hami = hamiDevices(node);
  if (hami !== undefined && resource === 'nvidia.com/gpu') {
    return { mode: 'hami', slots: hami.slots, devices: hami.devices };
  }
  if (resource === 'nvidia.com/vgpu' || node.labels['nvidia.com/vgpu.present'] === 'true')
    return { mode: 'vgpu' };
  return slicingOf(node, resource) ?? { mode: 'exclusive' };
}

function slicingOf(node: NodeRow, resource: string): Sharing | undefined {
  const strategy =
    node.labels['nvidia.com/gpu.sharing-strategy'] ??
    node.labels['cloud.google.com/gke-gpu-sharing-strategy'];
  const slots = Number(
    node.labels['nvidia.com/gpu.replicas'] ??
      node.labels['cloud.google.com/gke-max-shared-clients-per-gpu'] ??
      1,
  );
  const isShared = resource === 'nvidia.com/gpu.shared' || slots > 1;
  if (!isShared || !resource.startsWith('nvidia.com/gpu')) return undefined;
  const promised = promisedDevices(node.labels);
  return {
    mode: strategy === 'mps' ? 'mps' : 'timeSliced',
    slots: slots > 1 ? slots : undefined,
    // GKE's count is already that of devices; so is GFD's.
    devices: promised,
  };
}

/** True where one unit is part of a device, so that units must not be summed with whole devices. */
export const isPart = (sharing: Sharing): boolean =>
  sharing.mode === 'dra' ? sharing.onlyParts : sharing.mode !== 'exclusive' && sharing.mode !== 'vgpu';

/** HAMi's own books of a node: memory in MiB and cores in percent, over all its devices. */
export interface HamiNode {
  readonly devices: number;
  readonly slots: number;
  readonly memoryMib: number;
  readonly cores: number;
  readonly healthy: number;
  /** As HAMi spells it: `NVIDIA-NVIDIA L40S`. */
  readonly product: string;
}

const hamiCache = new WeakMap<NodeRow, { readonly value: HamiNode | undefined }>();

/** Undefined where HAMi does not run on the node, or its annotation cannot be read. */
export function hamiDevices(node: NodeRow): HamiNode | undefined {
  const seen = hamiCache.get(node);
  if (seen !== undefined) return seen.value;
  const value = readRegister(node.annotations['hami.io/node-nvidia-register']);
  hamiCache.set(node, { value });
  return value;
}

/** Short, from the devices that HAMi has registered; undefined where it does not run. */
export function hamiModel(node: NodeRow): string | undefined {
  const product = hamiDevices(node)?.product ?? '';
  return product === '' ? undefined : shortModel(product);
}

function readRegister(text: string | undefined): HamiNode | undefined {
  if (text === undefined || text === '') return undefined;
  const devices = text.startsWith('[') ? jsonDevices(text) : csvDevices(text);
  if (devices.length === 0) return undefined;
  const sum = (of: (device: HamiDevice) => number): number =>
    devices.reduce((total, device) => total + of(device), 0);
  return {
    devices: devices.length,
    slots: Math.max(...devices.map(({ slots }) => slots)),
    memoryMib: sum(({ memoryMib }) => memoryMib),
    cores: sum(({ cores }) => cores),
    healthy: devices.filter(({ healthy }) => healthy).length,
    product: devices[0]?.product ?? '',
  };
}

interface HamiDevice {
  readonly slots: number;
  readonly memoryMib: number;
  readonly cores: number;
  readonly healthy: boolean;
  readonly product: string;
}

function jsonDevices(text: string): readonly HamiDevice[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Array.isArray(parsed)) return [];
    return parsed.map((device: Readonly<Record<string, unknown>> | null) => ({
      slots: Number(device?.['count']) || 0,
      memoryMib: Number(device?.['devmem']) || 0,
      cores: Number(device?.['devcore']) || 0,
      healthy: device?.['health'] === true,
      product: String(device?.['type'] ?? ''),
    }));
  } catch {
    return [];
  }
}

/** Older form: `UUID,count,mem,cores,type,numa,health:` repeated. */
function csvDevices(text: string): readonly HamiDevice[] {
  return text
    .split(':')
    .map((part) => part.split(','))
    .filter((fields) => fields.length >= 7)
    .map((fields) => ({
      slots: Number(fields[1]) || 0,
      memoryMib: Number(fields[2]) || 0,
      cores: Number(fields[3]) || 0,
      healthy: fields[6] === 'true',
      product: fields[4] ?? '',
    }));
}

/** What HAMi gave a pod: MiB and percent of a core, over its containers; undefined where it gave nothing. */
export function hamiShare(
  annotations: Readonly<Record<string, string>>,
): { readonly memoryMib: number; readonly cores: number } | undefined {
  const text =
    annotations['hami.io/vgpu-devices-allocated'] ?? annotations['hami.io/vgpu-devices-to-allocate'];
  if (text === undefined) return undefined;
  let memoryMib = 0;
  let cores = 0;
  for (const device of text.split(/[:;]/)) {
    const [uuid, , memory, core] = device.split(',');
    if (uuid === undefined || memory === undefined) continue;
    memoryMib += Number(memory) || 0;
    cores += Number(core) || 0;
  }
  return memoryMib === 0 && cores === 0 ? undefined : { memoryMib, cores };
}

/** For a cell: `-`, `×10 ts on 4`, `mps on 4`, `mig 1g.10gb`, `hami ×10 on 2`, `dra`. */
export function sharingText(sharing: Sharing): string {
  const on = (devices: number | undefined): string => (devices === undefined ? '' : ` on ${devices}`);
  switch (sharing.mode) {
    case 'exclusive':
      return '-';
    case 'mig':
      return `mig ${sharing.profile}${on(sharing.devices)}`;
    case 'timeSliced':
    case 'mps': {
      const times = sharing.slots === undefined ? '' : `×${sharing.slots} `;
      return `${times}${sharing.mode === 'mps' ? 'mps' : 'ts'}${on(sharing.devices)}`;
    }
    case 'hami':
      return `×${sharing.slots} hami${on(sharing.devices)}`;
    case 'vgpu':
      return 'vgpu';
    case 'dra':
      return sharing.isPartitioned ? 'dra mig' : 'dra';
  }
}
