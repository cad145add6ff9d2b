import { sanitizeLine } from '../resources/sanitize.ts';
import type { Sample } from './exposition.ts';
import { shortModel } from './models.ts';

/** Who has a device, as its exporter says. */
interface DeviceHolder {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

/** One GPU, or one MIG instance of one, as its exporter measured it. Undefined: that is not measured here. */
export interface DeviceUse {
  /** Stays the same from one reading to the next: the UUID, or the node and the index; with the instance of MIG. */
  readonly key: string;
  readonly node: string;
  /** As the driver counts; `''` where the exporter does not say. */
  readonly index: string;
  readonly uuid: string;
  readonly mig: { readonly profile: string; readonly instance: string } | undefined;
  /** Short: `H100-80GB`. */
  readonly model: string | undefined;
  readonly driver: string | undefined;
  /** Empty: nobody has it, or the exporter does not map devices to pods. Several: they share it. */
  readonly holders: readonly DeviceHolder[];
  /** Share of time that some kernel ran, 0–1. 1 does not mean that much was computed. */
  readonly busy: number | undefined;
  /** Share of cycles that the tensor cores worked, 0–1: the real mathematics. */
  readonly tensor: number | undefined;
  /** Share of cycles that memory was read or written, 0–1. */
  readonly dram: number | undefined;
  /** Bytes. */
  readonly memoryUsed: number | undefined;
  readonly memoryTotal: number | undefined;
  /** °C. */
  readonly temperature: number | undefined;
  readonly memoryTemperature: number | undefined;
  readonly watts: number | undefined;
  /** MHz. */
  readonly clock: number | undefined;
  /** The last Xid since the driver was loaded: it stays. 0: none. */
  readonly xid: number | undefined;
  /** Why the clock is held down, where that is bad: `thermal`, `power brake`. Undefined: not measured. */
  readonly throttled: readonly string[] | undefined;
  /** Uncorrectable memory errors. */
  readonly eccErrors: number | undefined;
  readonly remapFailed: boolean | undefined;
  readonly remappedRows: number | undefined;
  /** False where the exporter of AMD says that the device is not well. */
  readonly healthy: boolean | undefined;
}

type Field =
  | 'gpuUtil'
  | 'engine'
  | 'tensor'
  | 'dram'
  | 'fbUsed'
  | 'fbFree'
  | 'fbReserved'
  | 'fbTotal'
  | 'temperature'
  | 'memoryTemperature'
  | 'watts'
  | 'clock'
  | 'xid'
  | 'throttle'
  | 'throttleEvents'
  | 'ecc'
  | 'remapFailed'
  | 'remapped'
  | 'healthy';

/** Names of dcgm-exporter (gpu.md 4.1) and of AMD's device-metrics-exporter (4.5), the latter without their prefix. */
const fields: Readonly<Record<string, Field>> = {
  DCGM_FI_DEV_GPU_UTIL: 'gpuUtil',
  DCGM_FI_PROF_GR_ENGINE_ACTIVE: 'engine',
  DCGM_FI_PROF_PIPE_TENSOR_ACTIVE: 'tensor',
  DCGM_FI_PROF_DRAM_ACTIVE: 'dram',
  DCGM_FI_DEV_FB_USED: 'fbUsed',
  DCGM_FI_DEV_FB_FREE: 'fbFree',
  DCGM_FI_DEV_FB_RESERVED: 'fbReserved',
  DCGM_FI_DEV_FB_TOTAL: 'fbTotal',
  DCGM_FI_DEV_GPU_TEMP: 'temperature',
  DCGM_FI_DEV_MEMORY_TEMP: 'memoryTemperature',
  DCGM_FI_DEV_POWER_USAGE: 'watts',
  DCGM_FI_DEV_SM_CLOCK: 'clock',
  DCGM_FI_DEV_XID_ERRORS: 'xid',
  DCGM_FI_DEV_CLOCKS_EVENT_REASONS: 'throttle',
  DCGM_FI_DEV_CLOCK_THROTTLE_REASONS: 'throttle',
  DCGM_EXP_CLOCK_EVENTS_COUNT: 'throttleEvents',
  DCGM_FI_DEV_ECC_DBE_VOL_TOTAL: 'ecc',
  DCGM_FI_DEV_ROW_REMAP_FAILURE: 'remapFailed',
  DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS: 'remapped',
  gpu_gfx_activity: 'gpuUtil',
  gpu_used_vram: 'fbUsed',
  gpu_free_vram: 'fbFree',
  gpu_total_vram: 'fbTotal',
  gpu_junction_temperature: 'temperature',
  gpu_memory_temperature: 'memoryTemperature',
  gpu_package_power: 'watts',
  gpu_power_usage: 'watts',
  gpu_ecc_uncorrect_total: 'ecc',
  gpu_health: 'healthy',
};

/** The metrics that are read, for queries. */
export const deviceMetricNames: readonly string[] = Object.keys(fields);

const fieldOf = (name: string): Field | undefined => fields[name] ?? fields[name.replace(/^amd_/, '')];

/** True for the metrics that are read here: two of three lines of an exporter are about something else. */
export const isDeviceMetric = (name: string): boolean => fieldOf(name) !== undefined;

/**
 * DCGM's words for "blank", "not supported" and the like: 64 bits, 32 bits, float. As a temperature they would be
 * 9.2e18 degrees (gpu.md 4.1).
 */
const isBlank = (value: number): boolean =>
  !Number.isFinite(value) ||
  value >= 9.2e18 ||
  (value >= 2_147_483_632 && value <= 2_147_483_635) ||
  value === 140_737_488_355_328;

interface Building {
  readonly labels: ReadonlyMap<string, string>;
  readonly values: Map<Field, number>;
  readonly holders: Map<string, DeviceHolder>;
  readonly events: Set<string>;
}

/** Collects the samples of one exporter, or of one query, into devices. */
export interface DeviceCollector {
  readonly add: (sample: Sample) => void;
  readonly devices: () => readonly DeviceUse[];
}

/**
 * `nodeOf` says on which node a sample was measured: the exporter's own pod knows, its `Hostname` label does not
 * (it may be the pod's name). Where it gives undefined the sample is left out.
 */
export function collectDevices(
  nodeOf: (labels: ReadonlyMap<string, string>) => string | undefined,
): DeviceCollector {
  const building = new Map<string, Building & { readonly node: string }>();
  return {
    add({ name, labels, value }) {
      const field = fieldOf(name);
      const node = field === undefined || isBlank(value) ? undefined : nodeOf(labels);
      if (field === undefined || node === undefined) return;
      const key = keyOf(labels, node);
      let device = building.get(key);
      if (device === undefined) {
        device = { labels, node, values: new Map(), holders: new Map(), events: new Set() };
        building.set(key, device);
      }
      if (field === 'throttleEvents') {
        const event = badEvents[labels.get('clock_event') ?? ''];
        if (event !== undefined && value > 0) device.events.add(event);
        return;
      }
      // Shared devices come once for each of their pods, with the same value: nothing is added up.
      device.values.set(field, Math.max(value, device.values.get(field) ?? Number.NEGATIVE_INFINITY));
      const holder = holderOf(labels);
      if (holder !== undefined)
        device.holders.set(`${holder.namespace}/${holder.pod}/${holder.container}`, holder);
    },
    devices: () =>
      [...building]
        .map(([key, device]) => deviceOf(key, device))
        .sort((a, b) => a.node.localeCompare(b.node) || compareIndex(a, b)),
  };
}

const compareIndex = (a: DeviceUse, b: DeviceUse): number =>
  Number(a.index) - Number(b.index) || Number(a.mig?.instance ?? -1) - Number(b.mig?.instance ?? -1) || 0;

const label = (labels: ReadonlyMap<string, string>, ...names: readonly string[]): string => {
  for (const name of names) {
    const value = labels.get(name);
    if (value !== undefined && value !== '') return sanitizeLine(value, 253);
  }
  return '';
};

const indexOf = (labels: ReadonlyMap<string, string>): string => label(labels, 'gpu', 'gpu_id');

function keyOf(labels: ReadonlyMap<string, string>, node: string): string {
  const device = label(labels, 'UUID', 'gpu_uuid', 'uuid', 'serial_number') || `${node}/${indexOf(labels)}`;
  const part = label(labels, 'GPU_I_ID', 'gpu_partition_id');
  return part === '' || (part === '0' && labels.has('gpu_partition_id')) ? device : `${device}/${part}`;
}

/**
 * Prometheus renames what an exporter says of pods to `exported_…`, because `pod` is then the exporter's own; without
 * it, and in the exporter's own text, `pod` is the holder.
 */
function holderOf(labels: ReadonlyMap<string, string>): DeviceHolder | undefined {
  const isRenamed = labels.has('exported_pod') || labels.has('exported_namespace');
  // Scraped by Prometheus and held by nobody: what is called `pod` is the exporter.
  if (!isRenamed && labels.has('instance') && /exporter/.test(labels.get('pod') ?? '')) return undefined;
  const pod = isRenamed ? label(labels, 'exported_pod') : label(labels, 'pod', 'pod_name');
  if (pod === '') return undefined;
  return {
    pod,
    namespace: isRenamed ? label(labels, 'exported_namespace') : label(labels, 'namespace', 'pod_namespace'),
    container: isRenamed ? label(labels, 'exported_container') : label(labels, 'container', 'container_name'),
  };
}

const mebi = 2 ** 20;

function deviceOf(
  key: string,
  { labels, values, holders, events, node }: Building & { readonly node: string },
): DeviceUse {
  const bytes = (field: Field): number | undefined => {
    const value = values.get(field);
    return value === undefined ? undefined : value * mebi;
  };
  const percent = values.get('gpuUtil');
  const profile = label(labels, 'GPU_I_PROFILE');
  const model = label(labels, 'modelName', 'model_name', 'card_model');
  const remap = values.get('remapFailed');
  const health = values.get('healthy');
  return {
    key,
    node,
    index: indexOf(labels),
    uuid: label(labels, 'UUID', 'gpu_uuid', 'uuid', 'serial_number'),
    mig: profile === '' ? undefined : { profile, instance: label(labels, 'GPU_I_ID') },
    model: model === '' ? undefined : shortModel(model.replaceAll(' ', '-')),
    driver: label(labels, 'DCGM_FI_DRIVER_VERSION', 'driver_version') || undefined,
    holders: [...holders.values()],
    // The engine's share is finer, and the only one that instances of MIG have.
    busy: values.get('engine') ?? (percent === undefined ? undefined : percent / 100),
    tensor: values.get('tensor'),
    dram: values.get('dram'),
    memoryUsed: bytes('fbUsed'),
    memoryTotal: totalOf(bytes),
    temperature: values.get('temperature'),
    memoryTemperature: values.get('memoryTemperature'),
    watts: values.get('watts'),
    clock: values.get('clock'),
    xid: values.get('xid'),
    throttled: throttleOf(values.get('throttle'), events),
    eccErrors: values.get('ecc'),
    remapFailed: remap === undefined ? undefined : remap > 0,
    remappedRows: values.get('remapped'),
    healthy: health === undefined ? undefined : health === 1,
  };
}

/** dcgm-exporter does not export the total by default; what is used, free and reserved is all there is. */
function totalOf(bytes: (field: Field) => number | undefined): number | undefined {
  const total = bytes('fbTotal');
  if (total !== undefined) return total;
  const [used, free] = [bytes('fbUsed'), bytes('fbFree')];
  return used === undefined || free === undefined ? undefined : used + free + (bytes('fbReserved') ?? 0);
}

/** Bits of the driver's mask that mean trouble; a power cap (0x4) is normal on a busy GPU. */
const badBits: readonly (readonly [bit: number, word: string])[] = [
  [0x8, 'hardware slowdown'],
  [0x20, 'thermal'],
  [0x40, 'hardware thermal'],
  [0x80, 'power brake'],
];

const badEvents: Readonly<Record<string, string>> = {
  hw_slowdown: 'hardware slowdown',
  sw_thermal: 'thermal',
  hw_thermal: 'hardware thermal',
  hw_power_brake: 'power brake',
};

function throttleOf(mask: number | undefined, events: ReadonlySet<string>): readonly string[] | undefined {
  if (mask === undefined) return events.size > 0 ? [...events] : undefined;
  // Bits by arithmetic: a mask of 64 bits is more than an operator on integers takes.
  const words = badBits.filter(([bit]) => Math.floor(mask / bit) % 2 === 1).map(([, word]) => word);
  return [...new Set([...words, ...events])];
}
