import type { V1Affinity } from '@kubernetes/client-node';
import type { NodeRow } from '../resources/node-row.ts';
import type { Labels, PodRow } from '../resources/pod-row.ts';
import type {
  Claim,
  CsiDriver,
  CsiNode,
  DeviceClaim,
  DeviceClass,
  DevicePool,
  SchedulingCluster,
  StorageCapacity,
  StorageClass,
  Volume,
} from './cluster.ts';
import { emptyCluster } from './cluster.ts';

/** What one node has given away. */
export interface Account {
  readonly node: NodeRow;
  /** Sum of the effective requests of its pods, in the units of `Requests`. */
  readonly requested: ReadonlyMap<string, number>;
  readonly pods: ReadonlyMap<string, PodRow>;
  /** Pods that a preemption reserved room for. */
  readonly nominated: ReadonlyMap<string, PodRow>;
  /** The pods here that use host ports or disks: few, so that nobody walks the rest. */
  readonly withPorts: ReadonlySet<PodRow>;
  readonly withVolumes: ReadonlySet<PodRow>;
}

/** Placed pods that keep others away by one required anti-affinity, counted by node. */
interface Repeller {
  readonly namespace: string;
  readonly affinity: V1Affinity;
  readonly byNode: ReadonlyMap<string, number>;
}

type ClusterObjects = Omit<SchedulingCluster, 'nodes' | 'pods'>;

/** Storage and device objects, by what the filters look them up with. A part is undefined where it cannot be listed. */
export interface Shelves {
  readonly namespaces: ReadonlyMap<string, Labels> | undefined;
  readonly claims: ReadonlyMap<string, Claim> | undefined;
  readonly volumes: ReadonlyMap<string, Volume> | undefined;
  readonly volumesByClass: ReadonlyMap<string, readonly Volume[]>;
  readonly storageClasses: ReadonlyMap<string, StorageClass> | undefined;
  readonly csiNodes: ReadonlyMap<string, CsiNode> | undefined;
  readonly csiDrivers: ReadonlyMap<string, CsiDriver> | undefined;
  readonly storageCapacities: readonly StorageCapacity[] | undefined;
  readonly devicePools: readonly DevicePool[] | undefined;
  readonly deviceClaims: ReadonlyMap<string, DeviceClaim> | undefined;
  readonly deviceClasses: ReadonlyMap<string, DeviceClass> | undefined;
}

/**
 * The sums that the filters read, kept up with every change of a row, so that one question costs a walk over the nodes
 * and not over the pods. Equal to a ledger that is built anew from the same rows.
 */
export interface Ledger {
  /** Grows with every change: a verdict is good for one version. */
  readonly version: () => number;
  readonly accounts: () => Iterable<Account>;
  readonly account: (node: string) => Account | undefined;
  readonly nodeCount: () => number;
  readonly pod: (uid: string) => PodRow | undefined;
  readonly pods: () => Iterable<PodRow>;
  /** Placed pods of a namespace. */
  readonly placedIn: (namespace: string) => Iterable<PodRow>;
  /** The namespaces that have any. */
  readonly placedNamespaces: () => Iterable<string>;
  readonly repellers: () => Iterable<Repeller>;
  /** Placed pods that mount a claim, by `namespace/claim`. */
  readonly claimUsers: (key: string) => ReadonlySet<PodRow>;
  readonly shelves: () => Shelves;
  readonly putNode: (node: NodeRow) => void;
  readonly removeNode: (name: string) => void;
  readonly putPod: (pod: PodRow) => void;
  readonly removePod: (uid: string) => void;
  readonly setObjects: (objects: Partial<ClusterObjects>) => void;
}

interface OpenAccount {
  node: NodeRow | undefined;
  readonly requested: Map<string, number>;
  readonly pods: Map<string, PodRow>;
  readonly nominated: Map<string, PodRow>;
  readonly withPorts: Set<PodRow>;
  readonly withVolumes: Set<PodRow>;
}

interface OpenRepeller {
  readonly namespace: string;
  readonly affinity: V1Affinity;
  readonly byNode: Map<string, number>;
}

const nobody: ReadonlySet<PodRow> = new Set();

const isFinished = (pod: PodRow): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed';

const claimKeysOf = (pod: PodRow): string[] =>
  pod.spec.volumes.flatMap((volume) => {
    if (volume.kind === 'claim') return [`${pod.namespace}/${volume.claim}`];
    return volume.kind === 'ephemeral' ? [`${pod.namespace}/${pod.name}-${volume.volume}`] : [];
  });

/** The value at a key; made where there is none. */
export function orMake<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function count(map: Map<string, number>, key: string, by: number): void {
  const sum = (map.get(key) ?? 0) + by;
  if (sum === 0) map.delete(key);
  else map.set(key, sum);
}

function keyed<T>(
  items: readonly T[] | undefined,
  key: (item: T) => string,
): ReadonlyMap<string, T> | undefined {
  return items === undefined ? undefined : new Map(items.map((item) => [key(item), item]));
}

function shelve(objects: ClusterObjects): Shelves {
  const named = (item: { readonly namespace: string; readonly name: string }) =>
    `${item.namespace}/${item.name}`;
  const byName = (item: { readonly name: string }) => item.name;
  return {
    namespaces: objects.namespaces,
    claims: keyed(objects.claims, named),
    volumes: keyed(objects.volumes, byName),
    volumesByClass: Map.groupBy(objects.volumes ?? [], (volume) => volume.storageClass),
    storageClasses: keyed(objects.storageClasses, byName),
    csiNodes: keyed(objects.csiNodes, byName),
    csiDrivers: keyed(objects.csiDrivers, byName),
    storageCapacities: objects.storageCapacities,
    devicePools: objects.devicePools,
    deviceClaims: keyed(objects.deviceClaims, named),
    deviceClasses: keyed(objects.deviceClasses, byName),
  };
}

/** Pods may be bound to a node that is gone, or not here yet. */
const hasNode = (account: OpenAccount): account is OpenAccount & Account => account.node !== undefined;

const openAccount = (): OpenAccount => ({
  node: undefined,
  requested: new Map(),
  pods: new Map(),
  nominated: new Map(),
  withPorts: new Set(),
  withVolumes: new Set(),
});

export function createLedger(): Ledger {
  let version = 0;
  let nodes = 0;
  let objects: ClusterObjects = emptyCluster;
  let shelves = shelve(objects);
  const accounts = new Map<string, OpenAccount>();
  const pods = new Map<string, PodRow>();
  const placed = new Map<string, Set<PodRow>>();
  const repellers = new Map<V1Affinity, Map<string, OpenRepeller>>();
  const claimUsers = new Map<string, Set<PodRow>>();

  const accountOf = (name: string): OpenAccount => orMake(accounts, name, openAccount);

  function book(pod: PodRow, by: 1 | -1): void {
    const account = accountOf(pod.node);
    for (const [resource, amount] of Object.entries(pod.spec.requests))
      count(account.requested, resource, by * amount);
    const change = <T>(set: Set<T>, item: T) => (by === 1 ? set.add(item) : set.delete(item));
    if (by === 1) account.pods.set(pod.uid, pod);
    else account.pods.delete(pod.uid);
    if (pod.spec.hostPorts.length > 0) change(account.withPorts, pod);
    if (pod.spec.volumes.length > 0) change(account.withVolumes, pod);
    bookPlace(pod, by);
    bookRepeller(pod, by);
    for (const key of claimKeysOf(pod)) {
      const users = claimUsers.get(key) ?? new Set();
      change(users, pod);
      if (users.size > 0) claimUsers.set(key, users);
      else claimUsers.delete(key);
    }
    closeIfEmpty(pod.node, account);
  }

  function bookPlace(pod: PodRow, by: 1 | -1): void {
    const neighbours = orMake(placed, pod.namespace, () => new Set<PodRow>());
    if (by === 1) neighbours.add(pod);
    else neighbours.delete(pod);
    if (neighbours.size === 0) placed.delete(pod.namespace);
  }

  function bookRepeller(pod: PodRow, by: 1 | -1): void {
    const { affinity } = pod.spec;
    if (
      affinity === undefined ||
      (affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length === 0
    )
      return;
    const { namespace } = pod;
    const ofAffinity = orMake(repellers, affinity, () => new Map<string, OpenRepeller>());
    const repeller = orMake(ofAffinity, namespace, () => ({ namespace, affinity, byNode: new Map() }));
    count(repeller.byNode, pod.node, by);
    if (repeller.byNode.size > 0) return;
    ofAffinity.delete(pod.namespace);
    if (ofAffinity.size === 0) repellers.delete(affinity);
  }

  function nominate(pod: PodRow, by: 1 | -1): void {
    if (pod.nominatedNode === '') return;
    const account = accountOf(pod.nominatedNode);
    if (by === 1) account.nominated.set(pod.uid, pod);
    else account.nominated.delete(pod.uid);
    closeIfEmpty(pod.nominatedNode, account);
  }

  function closeIfEmpty(name: string, { node, pods: here, nominated }: OpenAccount): void {
    if (node === undefined && here.size === 0 && nominated.size === 0) accounts.delete(name);
  }

  function enter(pod: PodRow, by: 1 | -1): void {
    if (isFinished(pod)) return;
    if (pod.node === '') nominate(pod, by);
    else book(pod, by);
  }

  function forget(uid: string): void {
    const known = pods.get(uid);
    if (known === undefined) return;
    enter(known, -1);
    pods.delete(uid);
  }

  return {
    version: () => version,
    *accounts() {
      for (const account of accounts.values()) if (hasNode(account)) yield account;
    },
    account: (name) => {
      const account = accounts.get(name);
      return account !== undefined && hasNode(account) ? account : undefined;
    },
    nodeCount: () => nodes,
    pod: (uid) => pods.get(uid),
    pods: () => pods.values(),
    placedIn: (namespace) => placed.get(namespace) ?? nobody,
    placedNamespaces: () => placed.keys(),
    *repellers() {
      for (const ofAffinity of repellers.values()) yield* ofAffinity.values();
    },
    claimUsers: (key) => claimUsers.get(key) ?? nobody,
    shelves: () => shelves,
    putNode(node) {
      version += 1;
      const account = accountOf(node.name);
      if (account.node === undefined) nodes += 1;
      account.node = node;
    },
    removeNode(name) {
      version += 1;
      const account = accounts.get(name);
      if (account?.node === undefined) return;
      nodes -= 1;
      account.node = undefined;
      closeIfEmpty(name, account);
    },
    putPod(pod) {
      version += 1;
      forget(pod.uid);
      pods.set(pod.uid, pod);
      enter(pod, 1);
    },
    removePod(uid) {
      version += 1;
      forget(uid);
    },
    setObjects(changed) {
      version += 1;
      objects = { ...objects, ...changed };
      shelves = shelve(objects);
    },
  };
}

const ledgers = new WeakMap<SchedulingCluster, Ledger>();

/** The ledger of a cluster that does not change; built once per cluster object. */
export function ledgerOf(cluster: SchedulingCluster): Ledger {
  const known = ledgers.get(cluster);
  if (known !== undefined) return known;
  const ledger = createLedger();
  const { nodes, pods, ...objects } = cluster;
  ledger.setObjects(objects);
  for (const node of nodes) ledger.putNode(node);
  for (const pod of pods) ledger.putPod(pod);
  ledgers.set(cluster, ledger);
  return ledger;
}
