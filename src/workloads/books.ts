import { holdsNode } from '../accelerators/demand.ts';
import { claimKey, modelsIn } from '../accelerators/dra.ts';
import type { GangQueueRow, PodGroupRow } from '../resources/gang-objects.ts';
import type {
  ClusterQueueRow,
  KueueWorkloadRow,
  LocalQueueRow,
  ResourceFlavorRow,
} from '../resources/kueue.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { ResourceQuotaRow } from '../resources/resourcequotas.ts';
import type { ResourceSliceRow } from '../resources/resourceslices.ts';
import type { WorkloadObjectRow } from '../resources/workload-object.ts';
import { blankPod } from '../scheduling/fit.ts';
import {
  type Base,
  changeCount,
  deleteSame,
  groupOfKind,
  kueueOwner,
  placedPods,
  podGroupKey,
  podGroupOwner,
  rootOf,
  treeOf,
} from './base.ts';
import { type Cached, contentReader, keepRow } from './content.ts';
import { deadlocks } from './gang.ts';
import { comparePlaces, gangOfPod, groupOf, keyOfGroup, type Membership, ownerGroupOf } from './group.ts';
import { claimNamesOf, type UseSample } from './pods-summary.ts';
import { clusterQueueOf, createQueueBooks, type QueueBooks, queuePlaces } from './queues.ts';
import { gpusOf, rolesOf } from './wants.ts';
import type { QueuePlace, WorkloadRow } from './workload-row.ts';

/**
 * Which pods are one job, kept up to date one object at a time: an event touches one workload, whatever the size of the
 * cluster. `put` takes the row that it replaces, which must be the very row that was put; `remove` takes that row too.
 */
export interface Workloads {
  readonly putPod: (before: PodRow | undefined, after: PodRow) => void;
  readonly removePod: (pod: PodRow) => void;
  readonly putObject: (object: WorkloadObjectRow) => void;
  readonly removeObject: (
    object: Pick<WorkloadObjectRow, 'group' | 'kind' | 'namespace' | 'name' | 'uid'>,
  ) => void;
  readonly putNode: (node: NodeRow) => void;
  readonly removeNode: (node: NodeRow) => void;
  readonly putClaim: (claim: ResourceClaimRow) => void;
  readonly removeClaim: (claim: ResourceClaimRow) => void;
  readonly putSlice: (slice: ResourceSliceRow) => void;
  readonly removeSlice: (slice: ResourceSliceRow) => void;
  readonly putKueueWorkload: (workload: KueueWorkloadRow) => void;
  readonly removeKueueWorkload: (workload: KueueWorkloadRow) => void;
  readonly putPodGroup: (podGroup: PodGroupRow) => void;
  readonly removePodGroup: (podGroup: PodGroupRow) => void;
  readonly putLocalQueue: (queue: LocalQueueRow) => void;
  readonly removeLocalQueue: (queue: LocalQueueRow) => void;
  readonly putClusterQueue: (queue: ClusterQueueRow) => void;
  readonly removeClusterQueue: (queue: ClusterQueueRow) => void;
  readonly putFlavor: (flavor: ResourceFlavorRow) => void;
  readonly removeFlavor: (flavor: ResourceFlavorRow) => void;
  readonly putGangQueue: (queue: GangQueueRow) => void;
  readonly removeGangQueue: (queue: GangQueueRow) => void;
  readonly putQuota: (quota: ResourceQuotaRow) => void;
  readonly removeQuota: (quota: ResourceQuotaRow) => void;
  /**
   * What Kueue says of the order in a ClusterQueue: positions by namespace and name of its workloads; undefined: nothing
   * any more, and places are computed again.
   */
  readonly putQueuePlaces: (queue: string, told: ReadonlyMap<string, number> | undefined) => void;
  /** What metrics say of a pod; undefined: nothing any more. */
  readonly putUse: (pod: PodRow, use: UseSample | undefined) => void;
  /** Does some of what `rows` would have to do first, for about `budgetMs`; true at the end of a round over what had changed. */
  readonly settle: (now: number, budgetMs: number) => boolean;
  /** All workloads as the last look found them. */
  readonly settled: () => Iterable<WorkloadRow>;
  /** All workloads. A workload that nothing happened to keeps its very row. */
  readonly rows: (now: number) => readonly WorkloadRow[];
  /** Row and pods of the workload with that key (its row's `uid`), most important rank first. */
  readonly podsOf: (uid: string) => readonly { readonly pod: PodRow; readonly place: Membership }[];
  /** Its pods that hold a node, in no order. */
  readonly placedPodsOf: (uid: string) => Iterable<PodRow>;
  /** A pod of it without a node; one like those that it would make, where there is none yet; undefined where nothing says. */
  readonly waitingPodOf: (uid: string) => PodRow | undefined;
  /** Key of the workload that a pod belongs to. */
  readonly workloadOf: (pod: PodRow) => string;
  readonly queues: QueueBooks;
}

export function createWorkloads(): Workloads {
  const bases = new Map<string, Base>();
  const nodes = new Map<string, NodeRow>();
  const claims = new Map<string, ResourceClaimRow>();
  /** Of DRA's devices, by the key that claims name them by. */
  const deviceModels = new Map<string, string>();
  const claimUsers = new Map<string, Map<Base, number>>();
  const uses = new Map<string, UseSample>();
  const podGroups = new Map<string, PodGroupRow>();
  const gangMembers = new Map<string, Map<Base, number>>();
  const podGroupHosts = new Map<string, Base>();
  const kueueHosts = new Map<string, Base>();
  const queues = createQueueBooks();
  const cached = new Map<Base, Cached>();
  const dirty = new Set<Base>();
  /** Of the dirty ones, those that the round under way has still to look at. */
  let round: Base[] = [];
  const contentOf = contentReader({
    nodes,
    claims,
    deviceModels,
    uses,
    queues,
    place: (key) => places.get(key),
  });
  let places: ReadonlyMap<string, QueuePlace> = new Map();
  /** By ClusterQueue, then by namespace and name of the Kueue workload: what Kueue told. */
  const toldPlaces = new Map<string, ReadonlyMap<string, number>>();
  let placesAreOld = true;
  let knotsAreOld = false;

  function baseOf(id: Base['id']): Base {
    const key = keyOfGroup(id);
    const known = bases.get(key);
    if (known !== undefined) return known;
    const base: Base = {
      key,
      id: { group: id.group, kind: id.kind, namespace: id.namespace, name: id.name },
      pods: new Set(),
      object: undefined,
      kueue: undefined,
      podGroups: new Map(),
      parent: undefined,
      children: new Set(),
    };
    bases.set(key, base);
    // A TrainJob's JobSet, and a LeaderWorkerSet's StatefulSet, have their name.
    for (const kind of ['JobSet', 'StatefulSet']) {
      const inner = bases.get(keyOfGroup({ ...id, kind, group: groupOfKind[kind] ?? '' }));
      if (inner !== undefined && inner !== base) relate(inner);
    }
    relate(base);
    return base;
  }

  function touch(base: Base): void {
    dirty.add(rootOf(base));
  }

  function parentIdOf(base: Base): Base['id'] | undefined {
    const { object, id } = base;
    const sameName = (kind: string): Base['id'] | undefined => {
      const found = bases.get(keyOfGroup({ ...id, kind, group: groupOfKind[kind] ?? '' }));
      return found?.object === undefined && (found?.pods.size ?? 0) === 0 ? undefined : found?.id;
    };
    const owned = object === undefined ? undefined : ownerGroupOf(object);
    if (owned !== undefined && keyOfGroup(owned) !== base.key) return owned;
    if (id.kind === 'JobSet') return sameName('TrainJob');
    return id.kind === 'StatefulSet' ? sameName('LeaderWorkerSet') : undefined;
  }

  /** Puts a base under what it belongs to, and marks what gained and what lost it. */
  function relate(base: Base): void {
    const id = parentIdOf(base);
    if (id === undefined ? base.parent === undefined : base.parent?.key === keyOfGroup(id)) return;
    touch(base);
    const former = base.parent;
    former?.children.delete(base);
    base.parent = undefined;
    if (former !== undefined) tidy(former);
    if (id !== undefined) {
      const parent = baseOf(id);
      if (rootOf(parent) !== base) {
        base.parent = parent;
        parent.children.add(base);
      }
    }
    dirty.add(base);
    touch(base);
  }

  /** Lets a base go that nothing speaks of any more. */
  function tidy(base: Base): void {
    touch(base);
    if (base.pods.size + base.children.size + base.podGroups.size > 0) return;
    if (base.object !== undefined || base.kueue !== undefined) return;
    const { parent } = base;
    bases.delete(base.key);
    dirty.add(base);
    if (parent === undefined) return;
    parent.children.delete(base);
    tidy(parent);
  }

  function enter(pod: PodRow, sign: 1 | -1): void {
    const base = baseOf(groupOf(pod));
    if (sign === 1) base.pods.add(pod);
    else base.pods.delete(pod);
    for (const name of claimNamesOf(pod)) changeCount(claimUsers, `${pod.namespace}/${name}`, base, sign);
    const gang = gangOfPod(pod);
    if (gang !== '') {
      const key = `${pod.namespace}/${gang}`;
      if (changeCount(gangMembers, key, base, sign))
        for (const group of groupsNamed(key)) hostPodGroup(group);
    }
    if (sign === -1) tidy(base);
    else {
      if (base.pods.size === 1) relateInner(base);
      touch(base);
    }
  }

  /** What has the name of this one may belong to it now. */
  function relateInner({ id }: Base): void {
    for (const kind of ['JobSet', 'StatefulSet']) {
      const inner = bases.get(keyOfGroup({ ...id, kind, group: groupOfKind[kind] ?? '' }));
      if (inner !== undefined) relate(inner);
    }
  }

  const groupsNamed = (key: string): readonly PodGroupRow[] =>
    [...podGroups.values()].filter((row) => `${row.namespace}/${row.name}` === key);

  /** With its pods; without any, with its owner, or on its own. */
  function hostPodGroup(row: PodGroupRow): void {
    const key = podGroupKey(row);
    const present = podGroups.get(key) === row;
    const [member] = gangMembers.get(`${row.namespace}/${row.name}`)?.keys() ?? [];
    const former = podGroupHosts.get(key);
    const host = present ? (member ?? baseOf(podGroupOwner(row))) : undefined;
    if (former !== undefined && former !== host) {
      former.podGroups.delete(key);
      tidy(former);
    }
    if (host === undefined) podGroupHosts.delete(key);
    else {
      podGroupHosts.set(key, host);
      host.podGroups.set(key, row);
      touch(host);
    }
    placesAreOld = true;
  }

  /** True at the end of a round: what was dirty at its start is done. */
  function settle(now: number, budgetMs: number): boolean {
    if (round.length === 0) {
      if (placesAreOld) renewPlaces();
      for (const [base, { until }] of cached) if (until <= now) dirty.add(base);
      round = [...dirty];
    }
    const deadline = performance.now() + budgetMs;
    for (let base = round.pop(); base !== undefined; base = round.pop()) {
      if (!dirty.delete(base)) continue;
      const isRoot = bases.get(base.key) === base && base.parent === undefined;
      const content = isRoot ? contentOf(base, now) : undefined;
      const before = cached.get(base);
      if (content === undefined) cached.delete(base);
      else cached.set(base, keepRow(before, content));
      knotsAreOld ||= before?.stuck !== undefined || content?.stuck !== undefined;
      if (performance.now() > deadline) break;
    }
    if (round.length > 0) return false;
    if (knotsAreOld) tieKnots();
    knotsAreOld = false;
    return true;
  }

  /** Workloads that wait for each other say so; once one is freed, the others no longer do. */
  function tieKnots(): void {
    const stuck = [...cached.values()].flatMap((one) => one.stuck ?? []);
    const knots = stuck.length < 2 ? new Map<string, readonly string[]>() : deadlocks(stuck);
    for (const [base, one] of cached) {
      const others = knots.get(one.row.uid);
      const told = one.row.gang?.deadlock ?? [];
      if (String(told) === String(others ?? [])) continue;
      const { gang } = one.plain;
      const row =
        others === undefined || gang === undefined
          ? one.plain
          : {
              ...one.plain,
              gang: { ...gang, deadlock: others },
              why: `deadlock with ${others.join(', ')}: each holds what the other waits for; ${one.plain.why}`,
            };
      cached.set(base, { ...one, row });
    }
  }

  function renewPlaces(): void {
    placesAreOld = false;
    const kueue = [...kueueHosts].flatMap(([, base]) => {
      const row = base.kueue;
      if (row === undefined || row.admission !== 'pending') return [];
      const queue = clusterQueueOf(queues, row) || row.localQueue;
      return [
        {
          key: rootOf(base).key,
          queue,
          priority: row.priority,
          since: row.createdAt ?? 0,
          isKueue: true,
          told: toldPlaces.get(queue)?.get(`${row.namespace}/${row.name}`),
        },
      ];
    });
    const gangs = [...podGroupHosts].flatMap(([key, base]) => {
      const row = podGroups.get(key);
      if (row === undefined || row.queue === '' || row.phase === 'Running' || row.phase === 'Completed')
        return [];
      const isWaiting = row.phase !== '' || row.message !== '' || row.reason !== '';
      return isWaiting
        ? [
            {
              key: rootOf(base).key,
              queue: row.queue,
              priority: 0,
              since: row.createdAt ?? 0,
              isKueue: false,
              told: undefined,
            },
          ]
        : [];
    });
    const next = new Map([...queuePlaces(gangs), ...queuePlaces(kueue)]);
    for (const key of new Set([...next.keys(), ...places.keys()])) {
      const [before, after] = [places.get(key), next.get(key)];
      if (
        before?.position === after?.position &&
        before?.waiting === after?.waiting &&
        before?.isTold === after?.isTold &&
        before?.queue === after?.queue
      )
        continue;
      const base = bases.get(key);
      if (base !== undefined) touch(base);
    }
    places = next;
  }

  function dirtyNamespace(namespace: string): void {
    for (const base of bases.values())
      if (base.id.namespace === namespace && base.parent === undefined) dirty.add(base);
  }

  return {
    putPod(before, after) {
      if (before !== undefined) enter(before, -1);
      enter(after, 1);
    },
    removePod: (pod) => {
      enter(pod, -1);
      uses.delete(pod.uid);
    },
    putObject(object) {
      const base = baseOf(object);
      base.object = object;
      touch(base);
      relate(base);
      relateInner(base);
      placesAreOld = true;
    },
    removeObject(object) {
      const base = bases.get(keyOfGroup(object));
      // One of the same name may have been made anew before the old one's end is told.
      if (base === undefined || base.object?.uid !== object.uid) return;
      base.object = undefined;
      relate(base);
      relateInner(base);
      tidy(base);
      placesAreOld = true;
    },
    putNode(node) {
      const before = nodes.get(node.name);
      nodes.set(node.name, node);
      // Heartbeats change nothing here.
      if (before?.status === node.status && before.labels === node.labels) return;
      touchNode(node.name);
    },
    removeNode(node) {
      if (deleteSame(nodes, node.name, node)) touchNode(node.name);
    },
    putClaim(claim) {
      claims.set(claimKey(claim), claim);
      for (const base of claimUsers.get(claimKey(claim))?.keys() ?? []) touch(base);
    },
    removeClaim(claim) {
      if (!deleteSame(claims, claimKey(claim), claim)) return;
      for (const base of claimUsers.get(claimKey(claim))?.keys() ?? []) touch(base);
    },
    putSlice(slice) {
      let isNew = false;
      for (const { key, model } of modelsIn(slice)) {
        isNew ||= deviceModels.get(key) !== model;
        deviceModels.set(key, model);
      }
      if (isNew) touchDevicesOf(slice);
    },
    removeSlice(slice) {
      for (const { key } of modelsIn(slice)) deviceModels.delete(key);
      touchDevicesOf(slice);
    },
    putKueueWorkload(row) {
      const key = `${row.namespace}/${row.name}`;
      const base = baseOf(kueueOwner(row));
      const former = kueueHosts.get(key);
      if (former !== undefined && former !== base) {
        former.kueue = undefined;
        tidy(former);
      }
      base.kueue = row;
      kueueHosts.set(key, base);
      touch(base);
      placesAreOld = true;
    },
    removeKueueWorkload(row) {
      const key = `${row.namespace}/${row.name}`;
      const base = kueueHosts.get(key);
      if (base?.kueue?.uid !== row.uid) return;
      kueueHosts.delete(key);
      placesAreOld = true;
      base.kueue = undefined;
      tidy(base);
    },
    putPodGroup(row) {
      podGroups.set(podGroupKey(row), row);
      hostPodGroup(row);
    },
    removePodGroup(row) {
      if (deleteSame(podGroups, podGroupKey(row), row)) hostPodGroup(row);
    },
    putLocalQueue: (row) => changeQueues(() => queues.localQueues.set(`${row.namespace}/${row.name}`, row)),
    removeLocalQueue: (row) =>
      changeQueues(() => deleteSame(queues.localQueues, `${row.namespace}/${row.name}`, row)),
    putClusterQueue: (row) => changeQueues(() => queues.clusterQueues.set(row.name, row)),
    removeClusterQueue: (row) => changeQueues(() => deleteSame(queues.clusterQueues, row.name, row)),
    putFlavor: (row) => changeQueues(() => queues.flavors.set(row.name, row)),
    removeFlavor: (row) => changeQueues(() => deleteSame(queues.flavors, row.name, row)),
    putGangQueue: (row) => changeQueues(() => queues.gangQueues.set(`${row.group}/${row.name}`, row)),
    removeGangQueue: (row) =>
      changeQueues(() => deleteSame(queues.gangQueues, `${row.group}/${row.name}`, row)),
    putQuota(row) {
      const named = queues.quotas.get(row.namespace) ?? new Map<string, ResourceQuotaRow>();
      queues.quotas.set(row.namespace, named.set(row.name, row));
      dirtyNamespace(row.namespace);
    },
    removeQuota(row) {
      deleteSame(queues.quotas.get(row.namespace) ?? new Map<string, ResourceQuotaRow>(), row.name, row);
      dirtyNamespace(row.namespace);
    },
    putQueuePlaces(queue, told) {
      if (told === undefined) toldPlaces.delete(queue);
      else toldPlaces.set(queue, told);
      placesAreOld = true;
    },
    putUse(pod, use) {
      if (use === undefined) uses.delete(pod.uid);
      else uses.set(pod.uid, use);
      const base = bases.get(keyOfGroup(groupOf(pod)));
      if (base !== undefined) touch(base);
    },
    settle,
    settled: () => Iterator.from(cached.values()).map(({ row }) => row),
    rows(now) {
      round = [];
      settle(now, Number.POSITIVE_INFINITY);
      return Array.from(cached.values(), ({ row }) => row);
    },
    podsOf(uid) {
      const root = bases.get(uid);
      if (root === undefined) return [];
      return [...treeOf(root)]
        .flatMap(({ pods }) => [...pods])
        .map((pod) => ({ pod, place: groupOf(pod) }))
        .sort((a, b) => comparePlaces(a.place, b.place) || (a.pod.name < b.pod.name ? -1 : 1));
    },
    *placedPodsOf(uid) {
      const root = bases.get(uid);
      if (root === undefined) return;
      for (const { pod } of placedPods(root)) if (holdsNode(pod)) yield pod;
    },
    waitingPodOf(uid) {
      const root = bases.get(uid);
      if (root === undefined) return undefined;
      let some: PodRow | undefined;
      for (const { pod } of placedPods(root)) {
        const waits = pod.node === '' && pod.phase === 'Pending' && pod.deletedAt === undefined;
        if (waits && pod.gates.length === 0) return pod;
        if (waits) some ??= pod;
      }
      const roles = rolesOf(root);
      const asking = roles
        .filter(({ template }) => template !== undefined)
        .toSorted((a, b) => gpusOf(b) - gpusOf(a));
      const spec = some?.spec ?? asking[0]?.template;
      const { namespace, name } = root.id;
      // Asked without its gates: whether it would start once its queue lets it.
      return spec === undefined
        ? undefined
        : { ...blankPod, uid: `template of ${uid}`, namespace, name, labels: some?.labels ?? {}, spec };
    },
    workloadOf(pod) {
      const base = bases.get(keyOfGroup(groupOf(pod)));
      return base === undefined ? keyOfGroup(groupOf(pod)) : rootOf(base).key;
    },
    queues,
  };

  function changeQueues(change: () => unknown): void {
    change();
    placesAreOld = true;
    for (const base of kueueHosts.values()) touch(base);
    for (const base of podGroupHosts.values()) touch(base);
  }

  /** Devices that a slice lists are held through claims, whichever node they are on. */
  function touchDevicesOf({ driver, pool }: ResourceSliceRow): void {
    for (const [key, claim] of claims) {
      if (!claim.devices.some((device) => device.driver === driver && device.pool === pool)) continue;
      for (const base of claimUsers.get(key)?.keys() ?? []) touch(base);
    }
  }

  /** Only workloads with a pod there can say anything else now. */
  function touchNode(name: string): void {
    for (const base of bases.values()) {
      for (const pod of base.pods) {
        if (pod.node !== name) continue;
        touch(base);
        break;
      }
    }
  }
}
