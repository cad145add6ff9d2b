import type { DeviceUse } from '../accelerators/device-use.ts';
import { followIdle, type IdleTrail, idleAfterMs, idleForMs } from '../accelerators/idle.ts';
import type { NodeUse, PodUse } from '../resources/metrics.ts';
import type { PodUses } from './pod-uses.ts';

/**
 * How one source of measurements stands. `absent`: nobody installed it. `down`: it is registered and does not answer.
 * `forbidden`: this user may not ask. `idle`: nobody has looked at what it measures.
 */
export type SourceState =
  | { readonly state: 'idle' | 'asking' }
  | { readonly state: 'live'; readonly atMs: number; readonly everyMs: number }
  | {
      readonly state: 'absent' | 'down' | 'forbidden' | 'failed';
      readonly atMs: number;
      /** A sentence: what happened. */
      readonly reason: string;
      /** What the person can do. */
      readonly hint: string;
    };

/** Why there is no value: each of these is something else than 0. */
export type WhyNone = 'idle' | 'asking' | 'noSample' | 'absent' | 'down' | 'forbidden' | 'failed';

/** A measured value with its age, or why there is none. */
export type Reading<T> =
  | {
      readonly kind: 'known';
      readonly value: T;
      /** When it was measured, epoch ms. */
      readonly atMs: number;
      /** Two polls have passed since: whatever it says, it is not now. */
      readonly isStale: boolean;
    }
  | { readonly kind: 'none'; readonly why: WhyNone };

/** A pod's share of the devices that its node's exporter told of. */
export interface PodDevices {
  readonly devices: readonly DeviceUse[];
  /** Of the devices that are measured: mean, least and most, 0–1. */
  readonly busy: { readonly mean: number; readonly least: number; readonly most: number } | undefined;
  /** Mean share of the tensor cores' cycles. */
  readonly tensor: number | undefined;
  /** Bytes, over all of its devices. */
  readonly memoryUsed: number | undefined;
  readonly memoryTotal: number | undefined;
  /** All its devices idle, seen so for this many ms; undefined: they do not, or it is not known. */
  readonly idleForMs: number | undefined;
}

/** Where readings of devices come from. */
export interface DeviceOrigin {
  readonly atMs: number;
  readonly everyMs: number;
  /** `dcgm-exporter`, `prometheus monitoring/prometheus-operated`. */
  readonly source: string;
  /** By key of a device: how long it idles already, where the source remembers, in ms. */
  readonly idleMs?: ReadonlyMap<string, number>;
}

/** A pod with devices that were seen idle. */
export interface IdleHolder {
  readonly namespace: string;
  readonly pod: string;
  readonly devices: number;
  /** All of these for at least this long. */
  readonly forMs: number;
}

interface NodeDevices {
  readonly devices: readonly DeviceUse[];
  readonly atMs: number;
}

/** Measurements that were seen, by what they are of. Mutable, as `Cluster` is; only its methods change it. */
export interface Usage {
  /** Grows with everything that is put. */
  readonly epoch: () => number;
  readonly pod: (namespace: string, name: string, nowMs: number) => Reading<PodUse>;
  readonly node: (name: string, nowMs: number) => Reading<NodeUse>;
  /** Of the exporter on this node. */
  readonly devicesOn: (node: string, nowMs: number) => Reading<readonly DeviceUse[]>;
  readonly devicesOf: (namespace: string, pod: string, node: string, nowMs: number) => Reading<PodDevices>;
  /** How long this device was seen held and idle, in ms. */
  readonly deviceIdleMs: (key: string) => number | undefined;
  /** Devices that were seen held and idle, those that idle for a quarter of an hour, and how long the others did at most. */
  readonly idleDevices: () => { readonly seen: number; readonly proven: number; readonly longestMs: number };
  /** Who holds devices that idle: most devices first, then longest. */
  readonly idleHolders: () => readonly IdleHolder[];
  /** Mean use of a node's GPUs, 0–1, oldest first; one value for each reading that was seen. */
  readonly trailOf: (node: string) => readonly number[];
  /** Every device of every node that was seen. */
  readonly allDevices: () => Iterable<DeviceUse>;
  /** Of usage in a namespace, `''` for all: how its source stands. Where all were not asked for at once, of what was asked last. */
  readonly podSource: (namespace: string) => SourceState;
  readonly nodeSource: () => SourceState;
  /** Nodes in the last answer: fewer than are Ready means kubelets that metrics-server does not reach. */
  readonly nodesMeasured: () => number;
  readonly deviceSource: (node: string) => SourceState;
  /** Of all nodes that were asked about: the one that answered last, and the worst of the others. */
  readonly deviceSources: () => {
    readonly newest: (SourceState & { readonly state: 'live' }) | undefined;
    readonly worst: SourceState | undefined;
  };
  /** What answered for devices last: `dcgm-exporter`, `prometheus monitoring/prometheus-operated`. */
  readonly deviceSourceName: () => string | undefined;
  /** All that was measured in a namespace, `''` for all, in place of what was known of it. */
  readonly putPods: (scope: string, pods: PodUses, atMs: number, everyMs: number) => void;
  readonly putNodes: (nodes: readonly NodeUse[], atMs: number, everyMs: number) => void;
  readonly putDevices: (node: string, devices: readonly DeviceUse[], from: DeviceOrigin) => void;
  readonly setPodSource: (scope: string, state: SourceState) => void;
  readonly setNodeSource: (state: SourceState) => void;
  readonly setDeviceSource: (node: string, state: SourceState) => void;
  readonly subscribe: (listener: () => void) => () => void;
  readonly clear: () => void;
}

const idleState: SourceState = { state: 'idle' };

/** Readings that a sparkline shows: a quarter of an hour, twice a minute. */
const trailLength = 30;

/** A device that is not told of any more is forgotten after this long: it may come back after an exporter's restart. */
const forgetAfterMs = 60 * 60_000;

export function createUsage(): Usage {
  let epoch = 0;
  /** By what was asked for: a namespace, `''` for all. Each is replaced whole. */
  const podUses = new Map<string, PodUses>();
  let nodes = new Map<string, NodeUse>();
  let deviceSourceName: string | undefined;
  let nodeSource: SourceState = idleState;
  const podSources = new Map<string, SourceState>();
  const deviceSources = new Map<string, SourceState>();
  const devices = new Map<string, NodeDevices>();
  const idle = new Map<string, IdleTrail>();
  const trails = new Map<string, number[]>();
  const listeners = new Set<() => void>();

  function changed(): void {
    epoch += 1;
    for (const listener of listeners) listener();
  }

  const podSource = (namespace: string): SourceState =>
    podSources.get(namespace) ?? podSources.get('') ?? (namespace === '' ? newest(podSources) : idleState);

  const deviceSource = (node: string): SourceState => deviceSources.get(node) ?? idleState;

  function devicesOn(node: string, nowMs: number): Reading<readonly DeviceUse[]> {
    const known = devices.get(node);
    const source = deviceSource(node);
    if (known === undefined) return { kind: 'none', why: whyNone(source) };
    return reading(known.devices, known.atMs, source, nowMs);
  }

  return {
    epoch: () => epoch,
    pod(namespace, name, nowMs) {
      const source = podSource(namespace);
      const use = (podUses.get(namespace) ?? podUses.get(''))?.get(namespace, name);
      return use === undefined
        ? { kind: 'none', why: whyNone(source) }
        : reading(use, use.at ?? atOf(source) ?? nowMs, source, nowMs);
    },
    node(name, nowMs) {
      const use = nodes.get(name);
      return use === undefined
        ? { kind: 'none', why: whyNone(nodeSource) }
        : reading(use, use.at ?? atOf(nodeSource) ?? nowMs, nodeSource, nowMs);
    },
    devicesOn,
    devicesOf(namespace, pod, node, nowMs) {
      const all = devicesOn(node, nowMs);
      if (all.kind === 'none') return all;
      const mine = all.value.filter(({ holders }) =>
        holders.some((holder) => holder.pod === pod && holder.namespace === namespace),
      );
      // The exporter answers and does not name this pod: it maps no devices to pods, or has not seen it yet.
      if (mine.length === 0) return { kind: 'none', why: 'noSample' };
      return { ...all, value: summed(mine, (key) => idleForMs(idle.get(key))) };
    },
    deviceIdleMs: (key) => idleForMs(idle.get(key)),
    idleDevices() {
      let [seen, proven, longestMs] = [0, 0, 0];
      for (const trail of idle.values()) {
        const ms = idleForMs(trail);
        if (ms === undefined) continue;
        seen += 1;
        if (ms >= idleAfterMs) proven += 1;
        longestMs = Math.max(longestMs, ms);
      }
      return { seen, proven, longestMs };
    },
    idleHolders() {
      const byPod = new Map<string, IdleHolder>();
      for (const known of devices.values()) {
        for (const { key, holders } of known.devices) {
          const ms = idleForMs(idle.get(key));
          const [holder] = holders;
          if (ms === undefined || holder === undefined) continue;
          const { namespace, pod } = holder;
          const before = byPod.get(`${namespace}/${pod}`);
          const forMs = Math.min(ms, before?.forMs ?? ms);
          byPod.set(`${namespace}/${pod}`, { namespace, pod, devices: (before?.devices ?? 0) + 1, forMs });
        }
      }
      return [...byPod.values()].sort((a, b) => b.devices - a.devices || b.forMs - a.forMs);
    },
    trailOf: (node) => trails.get(node) ?? [],
    *allDevices() {
      for (const known of devices.values()) yield* known.devices;
    },
    podSource,
    nodeSource: () => nodeSource,
    nodesMeasured: () => nodes.size,
    deviceSource,
    deviceSources() {
      let newest: (SourceState & { readonly state: 'live' }) | undefined;
      let worst: SourceState | undefined;
      for (const source of deviceSources.values()) {
        if (source.state === 'live')
          newest = newest === undefined || source.atMs > newest.atMs ? source : newest;
        else if (worst === undefined || badness[source.state] > badness[worst.state]) worst = source;
      }
      return { newest, worst };
    },
    deviceSourceName: () => deviceSourceName,
    putPods(scope, uses, atMs, everyMs) {
      if (scope === '') {
        podUses.clear();
        podSources.clear();
      } else podSources.delete('');
      podUses.set(scope, uses);
      podSources.set(scope, { state: 'live', atMs, everyMs });
      changed();
    },
    putNodes(uses, atMs, everyMs) {
      nodes = new Map(uses.map((use) => [use.name, use]));
      nodeSource = { state: 'live', atMs, everyMs };
      changed();
    },
    putDevices(node, told, { atMs, everyMs, source, idleMs }) {
      for (const device of told)
        idle.set(device.key, followIdle(idle.get(device.key), device, atMs, idleMs?.get(device.key)));
      for (const [key, { lastMs }] of idle) if (atMs - lastMs > forgetAfterMs) idle.delete(key);
      devices.set(node, { devices: told, atMs });
      deviceSources.set(node, { state: 'live', atMs, everyMs });
      deviceSourceName = source;
      const held = told.filter(({ holders }) => holders.length > 0);
      // Free devices would dilute it; where all are free, or none is mapped to a pod, all there is is shown.
      const mean = meanOf((held.length > 0 ? held : told).flatMap(({ busy }) => busy ?? []));
      if (mean !== undefined) trails.set(node, [...(trails.get(node) ?? []), mean].slice(-trailLength));
      changed();
    },
    setPodSource(scope, state) {
      podSources.set(scope, keepLive(podSources.get(scope), state));
      changed();
    },
    setNodeSource(state) {
      nodeSource = keepLive(nodeSource, state);
      changed();
    },
    setDeviceSource(node, state) {
      deviceSources.set(node, keepLive(deviceSources.get(node), state));
      changed();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear() {
      podUses.clear();
      nodes = new Map();
      nodeSource = idleState;
      deviceSourceName = undefined;
      for (const map of [podSources, deviceSources, devices, idle, trails]) map.clear();
      changed();
    },
  };
}

/** What a person can do most about comes last. While one node is still asked, that others have no exporter is not the whole answer. */
const badness: Readonly<Record<SourceState['state'], number>> = {
  live: 0,
  idle: 0,
  absent: 1,
  asking: 2,
  down: 3,
  failed: 4,
  forbidden: 5,
};

/** Asking again does not make what was answered unknown. */
const keepLive = (before: SourceState | undefined, next: SourceState): SourceState =>
  next.state === 'asking' && before !== undefined && before.state !== 'idle' ? before : next;

function newest(sources: ReadonlyMap<string, SourceState>): SourceState {
  let found = idleState;
  for (const source of sources.values()) if ((atOf(source) ?? 0) >= (atOf(found) ?? 0)) found = source;
  return found;
}

const atOf = (source: SourceState): number | undefined => ('atMs' in source ? source.atMs : undefined);

/** The source answers and does not know this one: two samples are not there yet. */
const whyNone = ({ state }: SourceState): WhyNone => (state === 'live' ? 'noSample' : state);

function reading<T>(value: T, atMs: number, source: SourceState, nowMs: number): Reading<T> {
  const askedMs = source.state === 'live' ? source.atMs : Number.NEGATIVE_INFINITY;
  const everyMs = source.state === 'live' ? source.everyMs : 0;
  return { kind: 'known', value, atMs, isStale: nowMs - askedMs > 2 * everyMs + slackMs };
}

/** Polls are spread out a little, and an answer takes its time. */
const slackMs = 5000;

const meanOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;

const sumOf = (values: readonly (number | undefined)[]): number | undefined => {
  const known = values.filter((value) => value !== undefined);
  // A sum over some of them would look like less use than there is.
  return known.length < values.length || known.length === 0
    ? undefined
    : known.reduce((sum, value) => sum + value, 0);
};

function summed(devices: readonly DeviceUse[], idleMs: (key: string) => number | undefined): PodDevices {
  const busy = devices.flatMap((device) => device.busy ?? []);
  const mean = meanOf(busy);
  const idle = devices.map(({ key }) => idleMs(key));
  return {
    devices,
    busy: mean === undefined ? undefined : { mean, least: Math.min(...busy), most: Math.max(...busy) },
    tensor: meanOf(devices.flatMap(({ tensor }) => tensor ?? [])),
    memoryUsed: sumOf(devices.map(({ memoryUsed }) => memoryUsed)),
    memoryTotal: sumOf(devices.map(({ memoryTotal }) => memoryTotal)),
    idleForMs: idle.some((ms) => ms === undefined) ? undefined : Math.min(...idle.map((ms) => ms ?? 0)),
  };
}

/** What one container used, of the pod's reading: for the pod's detail. Undefined: the pod is measured, this container is not. */
export function containerUse(
  usage: Usage,
  pod: { readonly namespace: string; readonly name: string },
  container: string,
  nowMs: number,
): Reading<{ readonly cpu: number; readonly memory: number }> {
  const whole = usage.pod(pod.namespace, pod.name, nowMs);
  if (whole.kind === 'none') return whole;
  const own = whole.value.containers.find(({ name }) => name === container);
  return own === undefined ? { kind: 'none', why: 'noSample' } : { ...whole, value: own };
}
