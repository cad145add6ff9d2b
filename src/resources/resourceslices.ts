import type { V1NodeSelector, V1Taint } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { amount, count, type Fields, flag, list, number, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Requests } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { draVersions } from './resourceclaims.ts';
import { nodeSelectorOf, taintsOf } from './scheduling-terms.ts';

/** Amounts taken from a named set of shared counters (partitionable devices). */
interface CounterUse {
  readonly set: string;
  readonly counters: Requests;
}

type AttributeValue = string | number | boolean | { readonly version: string };

export interface SliceDevice {
  readonly name: string;
  /** By qualified name: `gpu.nvidia.com/productName`, `resource.kubernetes.io/pcieRoot` … */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** By qualified name, in bytes or units. */
  readonly capacity: Requests;
  /** Health: `gpu.nvidia.com/xid`, `gpu-lost` …; effect `None` is only a note. */
  readonly taints: readonly V1Taint[];
  /** Several claims may hold it at once and consume its capacity. */
  readonly isShared: boolean;
  readonly uses: readonly CounterUse[];
  /** `''` where the device does not name a node of its own. */
  readonly node: string;
}

export interface ResourceSliceRow extends OwnedRow {
  readonly driver: string;
  readonly pool: string;
  /** Only the newest generation of a pool counts. */
  readonly generation: number;
  /** Slices that the pool has when it is complete. */
  readonly poolSlices: number;
  /** `''` where the devices are not bound to one node. */
  readonly node: string;
  readonly allNodes: boolean;
  readonly nodeSelector: V1NodeSelector | undefined;
  readonly devices: readonly SliceDevice[];
  readonly counters: readonly CounterUse[];
}

export const resourceslices: Resource<ResourceSliceRow> = defineResource<ResourceSliceRow>({
  name: 'resourceslices',
  title: 'ResourceSlices',
  kind: 'ResourceSlice',
  ...draVersions,
  aliases: ['resourceslice', 'slices'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'NODE',
      value: (row) => row.node,
      text: blankText((row) => row.node),
      kubectl: 'table',
      priority: 2,
    },
    { title: 'DRIVER', value: (row) => row.driver, text: (row) => row.driver, kubectl: 'table', priority: 1 },
    { title: 'POOL', value: (row) => row.pool, text: (row) => row.pool, kubectl: 'table', priority: 3 },
    ageColumn,
    { title: 'DEVICES', value: (row) => row.devices.length, align: 'right', priority: 1 },
    {
      title: 'TAINTED',
      value: (row) => row.devices.filter(isTainted).length,
      tone: (row) => (row.devices.some(isTainted) ? 'bad' : 'dim'),
      align: 'right',
      priority: 2,
    },
  ],
  fault: (row) => row.devices.some(isTainted),
  why: (row) => {
    const tainted = row.devices.filter(isTainted);
    if (tainted.length === 0) return undefined;
    return tainted.map(({ name, taints }) => `${name}: ${taints.map(taintText).join(', ')}`).join('; ');
  },
  toRow: sliceRow,
});

/** True where the device takes no new claim. */
export const isTainted = ({ taints }: SliceDevice): boolean => taints.some(({ effect }) => effect !== 'None');

const taintText = ({ key, value, effect }: V1Taint): string =>
  `${key}${value === undefined ? '' : `=${value}`}:${effect}`;

function sliceRow(object: KubeObject): ResourceSliceRow {
  const spec = record(object['spec']);
  const pool = record(spec['pool']);
  return {
    ...ownedMetaOf(object),
    driver: shared(spec['driver']),
    pool: shared(pool['name']),
    generation: count(pool['generation']),
    poolSlices: count(pool['resourceSliceCount']),
    node: shared(spec['nodeName']),
    allNodes: flag(spec['allNodes']),
    nodeSelector: nodeSelectorOf(spec['nodeSelector']),
    devices: list(spec['devices']).map((raw) => deviceOf(raw, shared(spec['driver']))),
    counters: list(spec['sharedCounters']).map((raw) => counterUse(record(raw), 'name')),
  };
}

/** v1beta1 keeps the fields of a device under `basic`. */
function deviceOf(raw: unknown, driver: string): SliceDevice {
  const outer = record(raw);
  const device = 'basic' in outer ? record(outer['basic']) : outer;
  return {
    name: shared(outer['name']),
    attributes: attributesOf(record(device['attributes']), driver),
    capacity: valuesOf(device['capacity'], driver),
    taints: taintsOf(device['taints']),
    isShared: flag(device['allowMultipleAllocations']),
    uses: list(device['consumesCounters']).map((use) => counterUse(record(use), 'counterSet')),
    node: shared(device['nodeName']),
  };
}

function attributesOf(attributes: Fields, driver: string): Readonly<Record<string, AttributeValue>> {
  const result: Record<string, AttributeValue> = {};
  for (const [name, raw] of Object.entries(attributes)) {
    const { string, version, int, bool } = record(raw);
    const value =
      typeof version === 'string'
        ? { version: shared(version) }
        : (number(int) ?? (typeof bool === 'boolean' ? bool : shared(string)));
    result[qualified(name, driver)] = value;
  }
  return result;
}

/** Names without a domain belong to the driver's. */
const qualified = (name: string, driver: string): string =>
  shared(name.includes('/') ? name : `${driver}/${name}`);

const counterUse = (fields: Fields, nameField: string): CounterUse => ({
  set: shared(fields[nameField]),
  counters: valuesOf(fields['counters']),
});

/** `{memory: {value: 80Gi}}` → bytes by name; v1beta1 writes the quantity without `value`. */
function valuesOf(value: unknown, driver?: string): Requests {
  const result: Record<string, number> = {};
  for (const [name, raw] of Object.entries(record(value))) {
    const parsed = amount(name, typeof raw === 'string' ? raw : record(raw)['value']);
    if (parsed !== undefined) result[driver === undefined ? shared(name) : qualified(name, driver)] = parsed;
  }
  return result;
}
