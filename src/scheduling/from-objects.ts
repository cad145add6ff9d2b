import type { KubeObject, ServerVersion } from '../kube/object.ts';
import {
  type Fields,
  flag,
  isRecord,
  labels,
  list,
  number,
  quantity,
  record,
  shared,
  text,
  time,
} from '../resources/fields.ts';
import { nodes } from '../resources/nodes.ts';
import type { Labels } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { labelSelectorOf, nodeSelectorOf } from '../resources/scheduling-terms.ts';
import type {
  AttributeValue,
  Claim,
  CsiDriver,
  CsiNode,
  Device,
  DeviceClaim,
  DeviceClass,
  DevicePool,
  DeviceRequest,
  SchedulingCluster,
  StorageCapacity,
  StorageClass,
  Toleration,
  Volume,
} from './cluster.ts';
import { emptyCluster } from './cluster.ts';

const nameOf = (object: KubeObject): string => text(record(object.metadata)['name']);
const namespaceOf = (object: KubeObject): string => shared(record(object.metadata)['namespace']);
const uidOf = (object: KubeObject): string => text(record(object.metadata)['uid']);
const isDeleted = (object: KubeObject): boolean =>
  time(record(object.metadata)['deletionTimestamp']) !== undefined;
const specOf = (object: KubeObject): Fields => record(object['spec']);
const texts = (value: unknown): readonly string[] => list(value).map(shared);

function controllerOf(object: KubeObject): string | undefined {
  const owner = list(record(object.metadata)['ownerReferences'])
    .map(record)
    .find((reference) => reference['controller'] === true);
  return owner === undefined ? undefined : text(owner['uid']);
}

/** The class of a claim or volume; the old annotation wins, as in component-helpers. */
function classOf(object: KubeObject): string {
  const old = record(record(object.metadata)['annotations'])['volume.beta.kubernetes.io/storage-class'];
  return typeof old === 'string' ? shared(old) : shared(specOf(object)['storageClassName']);
}

function claimFrom(object: KubeObject): Claim {
  const spec = specOf(object);
  const annotations = record(record(object.metadata)['annotations']);
  return {
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: uidOf(object),
    phase: shared(record(object['status'])['phase']),
    deleted: isDeleted(object),
    volume: text(spec['volumeName']),
    bindCompleted: annotations['pv.kubernetes.io/bind-completed'] !== undefined,
    storageClass: classOf(object),
    accessModes: texts(spec['accessModes']),
    volumeMode: shared(spec['volumeMode']) || 'Filesystem',
    attributesClass: shared(spec['volumeAttributesClassName']),
    bytes: quantity(record(record(spec['resources'])['requests'])['storage']) ?? 0,
    selector: labelSelectorOf(spec['selector']),
    selectedNode: text(annotations['volume.kubernetes.io/selected-node']) || undefined,
    controllerUid: controllerOf(object),
  };
}

function volumeFrom(object: KubeObject): Volume {
  const spec = specOf(object);
  const claim = record(spec['claimRef']);
  const csi = record(spec['csi']);
  return {
    name: nameOf(object),
    labels: labels(record(object.metadata)['labels']),
    phase: shared(record(object['status'])['phase']),
    deleted: isDeleted(object),
    storageClass: classOf(object),
    accessModes: texts(spec['accessModes']),
    volumeMode: shared(spec['volumeMode']) || 'Filesystem',
    attributesClass: shared(spec['volumeAttributesClassName']),
    bytes: quantity(record(spec['capacity'])['storage']) ?? 0,
    claim: isRecord(spec['claimRef'])
      ? { namespace: text(claim['namespace']), name: text(claim['name']), uid: text(claim['uid']) }
      : undefined,
    nodeAffinity: nodeSelectorOf(record(spec['nodeAffinity'])['required']),
    csi: isRecord(spec['csi'])
      ? { driver: shared(csi['driver']), handle: text(csi['volumeHandle']) }
      : undefined,
  };
}

function storageClassFrom(object: KubeObject): StorageClass {
  const topologies = list(object['allowedTopologies']).map((term) =>
    list(record(term)['matchLabelExpressions'])
      .map(record)
      .map((expression) => ({ key: shared(expression['key']), values: texts(expression['values']) })),
  );
  return {
    name: nameOf(object),
    provisioner: shared(object['provisioner']),
    waitsForConsumer: object['volumeBindingMode'] === 'WaitForFirstConsumer',
    topologies,
  };
}

function csiNodeFrom(object: KubeObject): CsiNode {
  const drivers = list(specOf(object)['drivers']).map(record);
  return {
    name: nameOf(object),
    limits: new Map(
      drivers.map((driver) => [shared(driver['name']), number(record(driver['allocatable'])['count'])]),
    ),
  };
}

const csiDriverFrom = (object: KubeObject): CsiDriver => ({
  name: nameOf(object),
  tracksCapacity: flag(specOf(object)['storageCapacity']),
});

const storageCapacityFrom = (object: KubeObject): StorageCapacity => ({
  storageClass: shared(object['storageClassName']),
  nodeTopology: labelSelectorOf(object['nodeTopology']),
  bytes: quantity(object['maximumVolumeSize']) ?? quantity(object['capacity']),
});

/** v1beta1 keeps attributes and capacity in `basic`, later versions in the device itself. */
const bodyOf = (device: Fields): Fields => (isRecord(device['basic']) ? device['basic'] : device);

const qualified = (driver: string, name: string): string => (name.includes('/') ? name : `${driver}/${name}`);

function attributeOf(value: unknown): AttributeValue | undefined {
  const fields = record(value);
  if (typeof fields['string'] === 'string') return text(fields['string']);
  if (typeof fields['version'] === 'string') return { version: text(fields['version']) };
  if (typeof fields['bool'] === 'boolean') return fields['bool'];
  return number(fields['int']);
}

/** v1beta1 has the quantity itself in early releases, `{value}` since. */
const amountOf = (value: unknown): number | undefined => quantity(isRecord(value) ? value['value'] : value);

function named<T>(
  fields: unknown,
  driver: string,
  read: (value: unknown) => T | undefined,
): ReadonlyMap<string, T> {
  const entries = Object.entries(record(fields)).flatMap(([name, value]) => {
    const known = read(value);
    return known === undefined ? [] : [[qualified(driver, shared(name)), known] as const];
  });
  return new Map(entries);
}

const counters = (fields: unknown): ReadonlyMap<string, number> =>
  new Map(Object.entries(record(fields)).map(([name, value]) => [shared(name), amountOf(value) ?? 0]));

function reachOf(fields: Fields): Device['node'] | undefined {
  const name = shared(fields['nodeName']);
  if (name !== '') return { name };
  const selector = nodeSelectorOf(fields['nodeSelector']);
  if (selector !== undefined) return { selector };
  return fields['allNodes'] === true ? 'all' : undefined;
}

function deviceFrom(raw: unknown, driver: string, pool: string, slice: Fields): Device[] {
  const device = record(raw);
  const body = bodyOf(device);
  const node = reachOf(slice['perDeviceNodeSelection'] === true ? body : slice);
  if (node === undefined) return [];
  return [
    {
      driver,
      pool,
      name: shared(device['name']),
      attributes: named(body['attributes'], driver, attributeOf),
      capacity: named(body['capacity'], driver, amountOf),
      taints: list(body['taints'])
        .map(record)
        .map((taint) => ({
          key: shared(taint['key']),
          value: text(taint['value']),
          effect: shared(taint['effect']),
        })),
      node,
      consumes: list(body['consumesCounters'])
        .map(record)
        .map((used) => ({ set: shared(used['counterSet']), counters: counters(used['counters']) })),
      shared: flag(body['allowMultipleAllocations']),
    },
  ];
}

/** Slices grouped into pools; only the newest generation of a pool counts. */
function poolsFrom(slices: readonly KubeObject[]): readonly DevicePool[] {
  const byPool = Map.groupBy(slices, (slice) => {
    const spec = specOf(slice);
    return `${shared(spec['driver'])}/${shared(record(spec['pool'])['name'])}`;
  });
  return [...byPool.values()].map((all) => {
    const specs = all.map(specOf);
    const generationOf = (spec: Fields) => number(record(spec['pool'])['generation']) ?? 0;
    const newest = Math.max(...specs.map(generationOf));
    const current = specs.filter((spec) => generationOf(spec) === newest);
    const driver = shared(current[0]?.['driver']);
    const pool = shared(record(current[0]?.['pool'])['name']);
    const sets = current.flatMap((spec) => list(spec['sharedCounters'])).map(record);
    return {
      driver,
      pool,
      complete:
        current.length === (number(record(current[0]?.['pool'])['resourceSliceCount']) ?? current.length),
      devices: current.flatMap((spec) =>
        list(spec['devices']).flatMap((device) => deviceFrom(device, driver, pool, spec)),
      ),
      counters: new Map(sets.map((set) => [shared(set['name']), counters(set['counters'])])),
    };
  });
}

const selectorsOf = (value: unknown): readonly string[] =>
  list(value).map((selector) => text(record(record(selector)['cel'])['expression']));

function tolerationsOf(value: unknown): readonly Toleration[] {
  return list(value)
    .map(record)
    .map((fields) => ({
      key: shared(fields['key']),
      operator: shared(fields['operator']),
      value: text(fields['value']),
      effect: shared(fields['effect']),
    }));
}

function requestFrom(fields: Fields, name: string): DeviceRequest {
  return {
    name,
    className: shared(fields['deviceClassName']),
    selectors: selectorsOf(fields['selectors']),
    count: fields['allocationMode'] === 'All' ? 'all' : (number(fields['count']) ?? 1),
    adminAccess: flag(fields['adminAccess']),
    tolerations: tolerationsOf(fields['tolerations']),
    asksCapacity: isRecord(fields['capacity']),
  };
}

/** v1beta1 has the request flat, later versions under `exactly`; `firstAvailable` lists alternatives. */
function alternativesOf(raw: unknown): DeviceClaim['requests'][number] {
  const request = record(raw);
  const name = shared(request['name']);
  const alternatives = list(request['firstAvailable']).map(record);
  const exactly = isRecord(request['exactly']) ? request['exactly'] : request;
  return {
    name,
    anyOf:
      alternatives.length > 0
        ? alternatives.map((each) => requestFrom(each, `${name}/${shared(each['name'])}`))
        : [requestFrom(exactly, name)],
  };
}

function allocationOf(status: Fields): DeviceClaim['allocation'] {
  const allocation = status['allocation'];
  if (!isRecord(allocation)) return undefined;
  const results = list(record(allocation['devices'])['results']).map(record);
  return {
    devices: results.map((result) => ({
      driver: shared(result['driver']),
      pool: shared(result['pool']),
      device: shared(result['device']),
      admin: flag(result['adminAccess']),
    })),
    nodes: nodeSelectorOf(allocation['nodeSelector']),
  };
}

function deviceClaimFrom(object: KubeObject): DeviceClaim {
  const devices = record(specOf(object)['devices']);
  const status = record(object['status']);
  const annotations = record(record(object.metadata)['annotations']);
  return {
    namespace: namespaceOf(object),
    name: nameOf(object),
    uid: uidOf(object),
    deleted: isDeleted(object),
    requests: list(devices['requests']).map(alternativesOf),
    constraints: list(devices['constraints'])
      .map(record)
      .map((constraint) => ({
        requests: texts(constraint['requests']),
        attribute: shared(constraint['matchAttribute']) || shared(constraint['distinctAttribute']),
        distinct: constraint['distinctAttribute'] !== undefined,
      })),
    allocation: allocationOf(status),
    reservedFor: list(status['reservedFor']).map((user) => text(record(user)['uid'])),
    forExtendedResource: annotations['resource.kubernetes.io/extended-resource-claim'] === 'true',
    ownerUid: controllerOf(object),
  };
}

function deviceClassFrom(object: KubeObject): DeviceClass {
  const spec = specOf(object);
  return {
    name: nameOf(object),
    selectors: selectorsOf(spec['selectors']),
    extendedResource: shared(spec['extendedResourceName']) || undefined,
    createdAt: time(record(object.metadata)['creationTimestamp']),
  };
}

/** The kinds that scheduling reads, by group and kind, and where each is listed. The feed and `mltop fit` fetch these. */
export const schedulingPaths: Readonly<Record<keyof SchedulingCluster, readonly string[]>> = {
  nodes: ['/api/v1/nodes'],
  pods: ['/api/v1/pods'],
  namespaces: ['/api/v1/namespaces'],
  volumes: ['/api/v1/persistentvolumes'],
  claims: ['/api/v1/persistentvolumeclaims'],
  storageClasses: ['/apis/storage.k8s.io/v1/storageclasses'],
  csiNodes: ['/apis/storage.k8s.io/v1/csinodes'],
  csiDrivers: ['/apis/storage.k8s.io/v1/csidrivers'],
  storageCapacities: ['/apis/storage.k8s.io/v1/csistoragecapacities'],
  devicePools: [
    '/apis/resource.k8s.io/v1/resourceslices',
    '/apis/resource.k8s.io/v1beta2/resourceslices',
    '/apis/resource.k8s.io/v1beta1/resourceslices',
  ],
  deviceClaims: [
    '/apis/resource.k8s.io/v1/resourceclaims',
    '/apis/resource.k8s.io/v1beta2/resourceclaims',
    '/apis/resource.k8s.io/v1beta1/resourceclaims',
  ],
  deviceClasses: [
    '/apis/resource.k8s.io/v1/deviceclasses',
    '/apis/resource.k8s.io/v1beta2/deviceclasses',
    '/apis/resource.k8s.io/v1beta1/deviceclasses',
  ],
};

/**
 * The kind behind each part of a scheduling cluster but pods and nodes. A kind that nobody listed leaves its part unknown,
 * not empty.
 */
export const kindOfPart: Readonly<Record<string, string>> = {
  namespaces: 'Namespace',
  volumes: 'PersistentVolume',
  claims: 'PersistentVolumeClaim',
  storageClasses: 'StorageClass',
  csiNodes: 'CSINode',
  csiDrivers: 'CSIDriver',
  storageCapacities: 'CSIStorageCapacity',
  devicePools: 'ResourceSlice',
  deviceClaims: 'ResourceClaim',
  deviceClasses: 'DeviceClass',
};

/** Lists of objects by part; a part that could not be listed is undefined. */
export type SchedulingObjects = Readonly<
  Partial<Record<keyof SchedulingCluster, readonly KubeObject[] | undefined>>
>;

/** Objects without a uid come from manifests: their name stands in. */
const identified = <R extends { readonly uid: string; readonly namespace: string; readonly name: string }>(
  row: R,
): R => (row.uid === '' ? { ...row, uid: `${row.namespace}/${row.name}` } : row);

export function clusterFrom(objects: SchedulingObjects, server?: ServerVersion): SchedulingCluster {
  const labelsByName = (list: readonly KubeObject[]): ReadonlyMap<string, Labels> =>
    new Map(list.map((namespace) => [nameOf(namespace), labels(record(namespace.metadata)['labels'])]));
  return {
    nodes: (objects.nodes ?? []).map((object) => identified(nodes.toRow(object, { server }))),
    pods: (objects.pods ?? []).map((object) => identified(pods.toRow(object, { server }))),
    namespaces: objects.namespaces && labelsByName(objects.namespaces),
    volumes: objects.volumes?.map(volumeFrom),
    claims: objects.claims?.map(claimFrom),
    storageClasses: objects.storageClasses?.map(storageClassFrom),
    csiNodes: objects.csiNodes?.map(csiNodeFrom),
    csiDrivers: objects.csiDrivers?.map(csiDriverFrom),
    storageCapacities: objects.storageCapacities?.map(storageCapacityFrom),
    devicePools: objects.devicePools && poolsFrom(objects.devicePools),
    deviceClaims: objects.deviceClaims?.map(deviceClaimFrom),
    deviceClasses: objects.deviceClasses?.map(deviceClassFrom),
  };
}

const partOfKind: Readonly<Record<string, keyof SchedulingCluster>> = {
  Node: 'nodes',
  Pod: 'pods',
  Namespace: 'namespaces',
  PersistentVolume: 'volumes',
  PersistentVolumeClaim: 'claims',
  StorageClass: 'storageClasses',
  CSINode: 'csiNodes',
  CSIDriver: 'csiDrivers',
  CSIStorageCapacity: 'storageCapacities',
  ResourceSlice: 'devicePools',
  ResourceClaim: 'deviceClaims',
  DeviceClass: 'deviceClasses',
};

/** Sorts a heap of objects, as files hold them, by kind. A kind that does not occur is taken for none, not for unreadable. */
export function sortObjects(objects: Iterable<KubeObject>): SchedulingObjects {
  const sorted: Record<string, KubeObject[]> = Object.fromEntries(
    Object.keys(emptyCluster).map((part) => [part, []]),
  );
  for (const object of objects) {
    const part = partOfKind[text(object.kind)];
    if (part !== undefined) sorted[part]?.push(object);
  }
  return sorted;
}
