import type { V1NodeSelector } from '@kubernetes/client-node';
import type { NodeRow } from '../resources/node-row.ts';
import type { Labels, PodRow } from '../resources/pod-row.ts';

/** A PersistentVolumeClaim, as far as the scheduler reads it. */
export interface Claim {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly phase: string;
  readonly deleted: boolean;
  /** spec.volumeName, `''` while unbound. */
  readonly volume: string;
  /** The annotation `pv.kubernetes.io/bind-completed`: without it a claim with a volume still counts as unbound. */
  readonly bindCompleted: boolean;
  /** `''` where the claim asks for no class. */
  readonly storageClass: string;
  readonly accessModes: readonly string[];
  readonly volumeMode: string;
  readonly attributesClass: string;
  /** Bytes asked for. */
  readonly bytes: number;
  readonly selector: LabelSelector | undefined;
  /** The annotation `volume.kubernetes.io/selected-node`: where a provisioner is already at work. */
  readonly selectedNode: string | undefined;
  /** UID of the pod that controls it (generic ephemeral volumes). */
  readonly controllerUid: string | undefined;
}

/** A PersistentVolume. */
export interface Volume {
  readonly name: string;
  readonly labels: Labels;
  readonly phase: string;
  readonly deleted: boolean;
  readonly storageClass: string;
  readonly accessModes: readonly string[];
  readonly volumeMode: string;
  readonly attributesClass: string;
  readonly bytes: number;
  readonly claim: { readonly namespace: string; readonly name: string; readonly uid: string } | undefined;
  readonly nodeAffinity: V1NodeSelector | undefined;
  /** Undefined for volumes that are not CSI. */
  readonly csi: { readonly driver: string; readonly handle: string } | undefined;
}

export interface StorageClass {
  readonly name: string;
  readonly provisioner: string;
  readonly waitsForConsumer: boolean;
  /** allowedTopologies: a node matches one term whole. Empty: everywhere. */
  readonly topologies: readonly { readonly key: string; readonly values: readonly string[] }[][];
}

export interface CsiNode {
  readonly name: string;
  /** Driver → volumes it can attach; undefined where the driver states no limit. */
  readonly limits: ReadonlyMap<string, number | undefined>;
}

export interface CsiDriver {
  readonly name: string;
  /** spec.storageCapacity: the scheduler then wants a CSIStorageCapacity that is large enough. */
  readonly tracksCapacity: boolean;
}

export interface StorageCapacity {
  readonly storageClass: string;
  readonly nodeTopology: LabelSelector | undefined;
  /** maximumVolumeSize, else capacity, in bytes; undefined: not known, which the scheduler takes for none. */
  readonly bytes: number | undefined;
}

export type AttributeValue = string | number | boolean | { readonly version: string };

interface DeviceTaint {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

export interface Device {
  readonly driver: string;
  readonly pool: string;
  readonly name: string;
  /** By qualified name, `gpu.nvidia.com/type`. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** By qualified name; bytes or units. */
  readonly capacity: ReadonlyMap<string, number>;
  readonly taints: readonly DeviceTaint[];
  /** Which nodes reach it. */
  readonly node: { readonly name: string } | { readonly selector: V1NodeSelector } | 'all';
  /** Shares of the counter sets of its pool (partitionable devices). */
  readonly consumes: readonly { readonly set: string; readonly counters: ReadonlyMap<string, number> }[];
  readonly shared: boolean;
}

/** The slices of one pool, newest generation only. */
export interface DevicePool {
  readonly driver: string;
  readonly pool: string;
  readonly complete: boolean;
  readonly devices: readonly Device[];
  readonly counters: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

export interface DeviceRequest {
  readonly name: string;
  readonly className: string;
  /** CEL. */
  readonly selectors: readonly string[];
  readonly count: number | 'all';
  readonly adminAccess: boolean;
  readonly tolerations: readonly Toleration[];
  /** Capacity asked of a shared device (DRAConsumableCapacity): not evaluated here. */
  readonly asksCapacity: boolean;
}

export interface DeviceClaim {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly deleted: boolean;
  /** One inner list per request: its alternatives, best first (`firstAvailable`), usually one. */
  readonly requests: readonly { readonly name: string; readonly anyOf: readonly DeviceRequest[] }[];
  readonly constraints: readonly {
    readonly requests: readonly string[];
    readonly attribute: string;
    readonly distinct: boolean;
  }[];
  readonly allocation:
    | {
        readonly devices: readonly {
          readonly driver: string;
          readonly pool: string;
          readonly device: string;
          readonly admin: boolean;
        }[];
        readonly nodes: V1NodeSelector | undefined;
      }
    | undefined;
  readonly reservedFor: readonly string[];
  /** The claim that the scheduler made for an extended resource. */
  readonly forExtendedResource: boolean;
  readonly ownerUid: string | undefined;
}

export interface DeviceClass {
  readonly name: string;
  readonly selectors: readonly string[];
  readonly extendedResource: string | undefined;
  readonly createdAt: number | undefined;
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}

export interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/**
 * What the scheduler looks at. A part that this user may not list is `undefined`, which is not the same as empty:
 * a filter that needs it then answers "unknown" for the pods that depend on it.
 */
export interface SchedulingCluster {
  readonly nodes: readonly NodeRow[];
  /** All pods; the finished ones are ignored, as the scheduler's own informer does. */
  readonly pods: readonly PodRow[];
  /** Labels by namespace. */
  readonly namespaces: ReadonlyMap<string, Labels> | undefined;
  readonly volumes: readonly Volume[] | undefined;
  readonly claims: readonly Claim[] | undefined;
  readonly storageClasses: readonly StorageClass[] | undefined;
  readonly csiNodes: readonly CsiNode[] | undefined;
  readonly csiDrivers: readonly CsiDriver[] | undefined;
  readonly storageCapacities: readonly StorageCapacity[] | undefined;
  readonly devicePools: readonly DevicePool[] | undefined;
  readonly deviceClaims: readonly DeviceClaim[] | undefined;
  readonly deviceClasses: readonly DeviceClass[] | undefined;
}

export const emptyCluster: SchedulingCluster = {
  nodes: [],
  pods: [],
  namespaces: undefined,
  volumes: undefined,
  claims: undefined,
  storageClasses: undefined,
  csiNodes: undefined,
  csiDrivers: undefined,
  storageCapacities: undefined,
  devicePools: undefined,
  deviceClaims: undefined,
  deviceClasses: undefined,
};
