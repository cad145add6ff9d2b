import { acceleratorsIn } from '../accelerators/demand.ts';
import { claimKey } from '../accelerators/dra.ts';
import { modelOf, shortModel } from '../accelerators/models.ts';
import type { GangQueueRow, PodGroupRow } from '../resources/gang-objects.ts';
import type {
  ClusterQueueRow,
  KueueWorkloadRow,
  LocalQueueRow,
  ResourceFlavorRow,
} from '../resources/kueue.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { ResourceQuotaRow } from '../resources/resourcequotas.ts';
import type { Role, WorkloadObjectRow } from '../resources/workload-object.ts';
import { blankPod } from '../scheduling/fit.ts';
import { nodeSelectorMatches, untoleratedTaint } from '../scheduling/selectors.ts';
import { deadlocks, halfGang, type Stuck } from './gang.ts';
import { gangOfPod, groupOf, keyOfGroup, type Membership, ownerGroupOf, queueOfPod } from './group.ts';
import { compressNames } from './node-names.ts';
import { claimNamesOf, type PodsSummary, summarize, type UseSample } from './pods-summary.ts';
import {
  clusterQueueOf,
  createQueueBooks,
  gangQueueText,
  type QueueBooks,
  queuePlaces,
  quotaText,
  refusingQuota,
} from './queues.ts';
import { stateOf } from './state.ts';
import { type QueuePlace, sumOf, type Units, type WorkloadRow } from './workload-row.ts';

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
  /** What metrics say of a pod; undefined: nothing any more. */
  readonly putUse: (pod: PodRow, use: UseSample | undefined) => void;
  /** All workloads. A workload that nothing happened to keeps its very row. */
  readonly rows: (now: number) => readonly WorkloadRow[];
  /** Row and pods of the workload with that key (its row's `uid`), most important rank first. */
  readonly podsOf: (uid: string) => readonly { readonly pod: PodRow; readonly place: Membership }[];
  /** A pod of it without a node; one like those that it would make, where there is none yet; undefined where nothing says. */
  readonly waitingPodOf: (uid: string) => PodRow | undefined;
  /** Key of the workload that a pod belongs to. */
  readonly workloadOf: (pod: PodRow) => string;
  readonly queues: QueueBooks;
}

/** One job by itself: its object, its pods, and what it belongs to. */
interface Base {
  readonly key: string;
  readonly id: Pick<Membership, 'group' | 'kind' | 'namespace' | 'name'>;
  readonly pods: Set<PodRow>;
  object: WorkloadObjectRow | undefined;
  kueue: KueueWorkloadRow | undefined;
  readonly podGroups: Map<string, PodGroupRow>;
  parent: Base | undefined;
  readonly children: Set<Base>;
}

interface Cached {
  readonly row: WorkloadRow;
  /** Without deadlocks, which only the others' rows tell. */
  readonly plain: WorkloadRow;
  readonly stuck: Stuck | undefined;
  readonly until: number;
}

/** Operators whose objects stand above those that mltop reads. */
const groupOfKind: Readonly<Record<string, string>> = {
  Job: 'batch',
  JobSet: 'jobset.x-k8s.io',
  TrainJob: 'trainer.kubeflow.org',
  PyTorchJob: 'kubeflow.org',
  TFJob: 'kubeflow.org',
  XGBoostJob: 'kubeflow.org',
  PaddleJob: 'kubeflow.org',
  JAXJob: 'kubeflow.org',
  MPIJob: 'kubeflow.org',
  RayJob: 'ray.io',
  RayCluster: 'ray.io',
  RayService: 'ray.io',
  LeaderWorkerSet: 'leaderworkerset.x-k8s.io',
  Deployment: 'apps',
  StatefulSet: 'apps',
  Workflow: 'argoproj.io',
  InferenceService: 'serving.kserve.io',
  Pod: '',
};

const kindOfLower: ReadonlyMap<string, string> = new Map(
  Object.keys(groupOfKind).map((kind) => [kind.toLowerCase(), kind]),
);

const servers: ReadonlySet<string> = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'LeaderWorkerSet',
  'InferenceService',
  'LLMInferenceService',
  'RayService',
  'NodeSet',
  'NIMService',
]);

const gangKinds: ReadonlySet<string> = new Set([
  'JobSet',
  'TrainJob',
  'PyTorchJob',
  'TFJob',
  'XGBoostJob',
  'PaddleJob',
  'JAXJob',
  'MPIJob',
  'LeaderWorkerSet',
  'PodGroup',
]);

export function createWorkloads(): Workloads {
  const bases = new Map<string, Base>();
  const nodes = new Map<string, NodeRow>();
  const claims = new Map<string, ResourceClaimRow>();
  const claimUsers = new Map<string, Map<Base, number>>();
  const uses = new Map<string, UseSample>();
  const podGroups = new Map<string, PodGroupRow>();
  const gangMembers = new Map<string, Map<Base, number>>();
  const podGroupHosts = new Map<string, Base>();
  const kueueHosts = new Map<string, Base>();
  const queues = createQueueBooks();
  const cached = new Map<Base, Cached>();
  const dirty = new Set<Base>();
  let places: ReadonlyMap<string, QueuePlace> = new Map();
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

  const rootOf = (base: Base): Base => {
    let root = base;
    // Owners may be made to go in circles.
    for (let depth = 0; root.parent !== undefined && depth < 8; depth += 1) root = root.parent;
    return root;
  };

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

  const podGroupKey = (row: PodGroupRow): string => `${row.group}/${row.namespace}/${row.name}`;

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

  function podGroupOwner(row: PodGroupRow): Base['id'] {
    const { owner, namespace } = row;
    if (owner !== undefined) {
      const group = owner.apiVersion.includes('/')
        ? owner.apiVersion.slice(0, owner.apiVersion.indexOf('/'))
        : '';
      return { group, kind: owner.kind, namespace, name: owner.name };
    }
    return { group: row.group, kind: 'PodGroup', namespace, name: row.name };
  }

  function kueueOwner(row: KueueWorkloadRow): Base['id'] {
    const { namespace } = row;
    const [owner] = row.owners;
    const [kind = '', name = ''] = owner?.split('/') ?? [];
    if (kind === 'Pod' && row.owners.length > 1)
      return { group: '', kind: 'PodGroup', namespace, name: row.name };
    if (kind !== '') {
      const group = row.owner?.apiVersion.split('/').at(-2) ?? groupOfKind[kind] ?? '';
      return { group, kind, namespace, name };
    }
    // Kueue names a workload after its job: kind, name and a hash.
    const [, lower = '', job = ''] = /^([a-z]+)-(.+)-[0-9a-f]{5}$/.exec(row.name) ?? [];
    const named = kindOfLower.get(lower);
    if (named !== undefined) return { group: groupOfKind[named] ?? '', kind: named, namespace, name: job };
    return { group: '', kind: 'PodGroup', namespace, name: row.name };
  }

  function* treeOf(root: Base): Generator<Base> {
    yield root;
    for (const child of root.children) yield* treeOf(child);
  }

  function* placedPods(root: Base): Generator<{ readonly pod: PodRow; readonly part: string }> {
    for (const base of treeOf(root)) {
      const hasParts = base.id.kind === 'LeaderWorkerSet';
      for (const pod of base.pods) yield { pod, part: hasParts ? groupOf(pod).part : '' };
    }
  }

  /** Roles of the outermost object that knows them whole; else those of what it is made of. */
  function rolesOf(base: Base): readonly Role[] {
    const own = base.object?.roles ?? [];
    const isWhole =
      own.length > 0 && own.every(({ count, template }) => count !== undefined && template !== undefined);
    if (isWhole) return own;
    const inner = [...base.children].filter(({ object }) => object?.phase !== 'done').flatMap(rolesOf);
    if (inner.length > 0) return inner;
    return own.length > 0 ? own : (base.kueue?.podSets ?? []);
  }

  /** Units by class over all pods of these roles; undefined where one cannot be known. */
  function unitsOf(roles: readonly Role[], pods: readonly PodRow[]): Units | undefined {
    const sum: Record<string, number> = {};
    for (const role of roles) {
      if (role.count === undefined) return undefined;
      if (role.count === 0) continue;
      const spec = role.template ?? specOfRole(role, pods);
      if (spec === undefined) return undefined;
      for (const [name, units] of acceleratorsIn(spec.requests))
        sum[name] = (sum[name] ?? 0) + units * role.count;
    }
    return sum;
  }

  /** What it wants in all: by its roles; else what its pods and its PodGroup say. */
  function unitsWanted(
    roles: readonly Role[],
    wanted: number | undefined,
    pods: readonly PodRow[],
    summary: PodsSummary,
    podGroup: PodGroupRow | undefined,
  ): Units | undefined {
    if (roles.length > 0) return unitsOf(roles, pods);
    const asked: Record<string, number> = { ...summary.held };
    for (const [name, units] of Object.entries(summary.asked)) asked[name] = (asked[name] ?? 0) + units;
    const unborn = Math.max(0, (wanted ?? 0) - summary.running - summary.pending);
    if (unborn === 0) return pods.length > 0 ? asked : undefined;
    if (pods.length === 0) {
      const least = acceleratorsIn(podGroup?.minResources ?? {});
      return least.length === 0 ? undefined : Object.fromEntries(least);
    }
    for (const [name, units] of Object.entries(eachOf(roles, pods)))
      asked[name] = (asked[name] ?? 0) + units * unborn;
    return asked;
  }

  function contentOf(root: Base, now: number): Cached | undefined {
    const pods = [...placedPods(root)];
    const tree = [...treeOf(root)];
    const object = root.object ?? tree.find((base) => base.object !== undefined)?.object;
    const kueue = tree.find((base) => base.kueue !== undefined)?.kueue;
    const podGroup = tree.flatMap((base) => [...base.podGroups.values()])[0];
    if (pods.length === 0 && object === undefined && podGroup === undefined) {
      if (kueue === undefined || kueue.admission === 'finished') return undefined;
    }
    const summary = summarize({
      pods,
      claim: (key) => claims.get(key),
      isDown: (node) =>
        nodes.get(node)?.status.startsWith('NotReady') === true ||
        nodes.get(node)?.status.startsWith('Unknown') === true,
      use: (pod) => uses.get(pod.uid),
      now,
    });
    // A Deployment at 0, and an old ReplicaSet, are no work.
    if (pods.length === 0 && object?.group === 'apps' && object.phase === 'suspended') return undefined;
    return rowOf(root, { pods, inner: object, kueue, podGroup, summary, now });
  }

  interface Content {
    readonly pods: readonly { readonly pod: PodRow; readonly part: string }[];
    /** Its own, or that of the first thing that it is made of. */
    readonly inner: WorkloadObjectRow | undefined;
    readonly kueue: KueueWorkloadRow | undefined;
    readonly podGroup: PodGroupRow | undefined;
    readonly summary: PodsSummary;
    readonly now: number;
  }

  function rowOf(root: Base, { pods, inner, kueue, podGroup, summary, now }: Content): Cached {
    const { kind, group, namespace, name } = root.id;
    const object = root.object ?? inner;
    const plainPods = pods.map(({ pod }) => pod);
    const roles = rolesOf(root);
    const wantedPods = wantedOf(roles, kueue, podGroup, plainPods);
    const live = summary.running + summary.pending;
    const wantedUnits = unitsWanted(roles, wantedPods, plainPods, summary, podGroup);
    const each = eachOf(roles, plainPods);
    const isServer = servers.has(kind);
    const isGang = isGangLike(root, object, podGroup, wantedUnits);
    const half = isGang
      ? halfGang({
          summary,
          wanted: wantedPods,
          groupSize: object?.replicas === undefined ? undefined : object.replicas.groupSize,
          each,
          now,
        })
      : undefined;
    const isDue =
      half !== undefined && now >= half.dueAt && object?.phase !== 'done' && object?.phase !== 'failed';
    const missing = missingUnits(wantedUnits, summary, object);
    const queue =
      kueue?.localQueue ||
      object?.queue ||
      podGroup?.queue ||
      (summary.some === undefined ? '' : queueOfPod(summary.some));
    const place = places.get(root.key);
    const isShort = (wantedPods ?? 0) > live + summary.succeeded;
    const told = stateOf({
      kind,
      object,
      pods: summary,
      wanted: wantedPods,
      wantedUnits,
      gang: isDue ? half.gang : undefined,
      kueue,
      podGroup,
      place,
      quota: quotaOf(kueue, podGroup, wantedUnits),
      refused: isShort ? refusingQuota(queues, namespace, each) : undefined,
      isServer,
      now,
    });
    const isOver = told.state === 'Done' || told.state === 'Failed';
    const plain: WorkloadRow = {
      uid: root.key,
      namespace,
      name,
      createdAt:
        root.object?.createdAt ??
        summary.oldestAt ??
        inner?.createdAt ??
        kueue?.createdAt ??
        podGroup?.createdAt,
      version: '',
      kind,
      group,
      queue,
      queuePlace: place,
      priority: kueue?.priority ?? summary.priority ?? priorityOf(roles),
      ...told,
      podsRunning: summary.running,
      podsReady: summary.ready,
      podsPending: summary.pending,
      podsWanted: isOver ? (root.object === undefined ? undefined : (wantedPods ?? undefined)) : wantedPods,
      held: summary.held,
      wanted: wantedUnits,
      gpusHeld: sumOf(summary.held),
      gpusWanted: wantedUnits === undefined ? undefined : sumOf(wantedUnits),
      model: modelText(summary, roles, plainPods, kueue),
      nodes: compressNames(summary.nodes),
      restarts: summary.restarts + (object?.restarts ?? 0),
      progress: object?.progress,
      remainingSeconds: object?.remainingSeconds,
      gang: isDue ? half.gang : undefined,
      unborn: isOver || kind === 'DaemonSet' ? {} : missing,
      waitingSince: isWaitingState(told.state)
        ? (summary.firstPendingAt ?? root.object?.createdAt ?? kueue?.createdAt ?? podGroup?.createdAt)
        : undefined,
    };
    // A gang that is not due yet becomes so without any event.
    const until = Math.min(
      told.until ?? Number.POSITIVE_INFINITY,
      half !== undefined && !isDue ? half.dueAt : Number.POSITIVE_INFINITY,
    );
    const row = withoutUntil(plain);
    return { row, plain: row, stuck: stuckOf(row, roles, plainPods, summary), until };
  }

  function quotaOf(
    kueue: KueueWorkloadRow | undefined,
    podGroup: PodGroupRow | undefined,
    wanted: Units | undefined,
  ): string {
    if (kueue !== undefined)
      return kueue.admission === 'pending' ? quotaText(queues, clusterQueueOf(queues, kueue), wanted) : '';
    return podGroup === undefined ? '' : gangQueueText(queues, podGroup.group, podGroup.queue, wanted);
  }

  function modelText(
    summary: PodsSummary,
    roles: readonly Role[],
    pods: readonly PodRow[],
    kueue: KueueWorkloadRow | undefined,
  ): string {
    const models = new Set<string>();
    for (const name of summary.nodes) {
      const node = nodes.get(name);
      const model = node === undefined ? undefined : modelOf(node);
      if (model !== undefined) models.add(model);
    }
    const holds = Object.keys(summary.held).length > 0;
    if (models.size > 0) return holds ? [...models].sort().join(',') : '';
    const specs = [
      ...roles.flatMap(({ template }) => template ?? []),
      ...pods.slice(0, 1).map(({ spec }) => spec),
    ];
    for (const spec of specs) {
      const product = productOf(spec);
      if (product !== undefined) return shortModel(product);
    }
    for (const flavor of Object.values(kueue?.flavors ?? {})) {
      const product = queues.flavors.get(flavor)?.nodeLabels['nvidia.com/gpu.product'];
      if (product !== undefined) return shortModel(product);
    }
    return '';
  }

  function stuckOf(
    row: WorkloadRow,
    roles: readonly Role[],
    pods: readonly PodRow[],
    summary: PodsSummary,
  ): Stuck | undefined {
    if (row.gang === undefined) return undefined;
    const spec =
      summary.waiting?.spec ??
      roles.find(({ template }) => template !== undefined)?.template ??
      pods[0]?.spec;
    return {
      key: row.uid,
      name: `${row.namespace}/${row.name}`,
      missing: row.gang.missing,
      held: row.held,
      nodes: summary.nodes,
      couldUse: (names) => spec === undefined || [...names].some((name) => isAllowed(spec, nodes.get(name))),
    };
  }

  function settle(now: number): void {
    if (placesAreOld) renewPlaces();
    for (const [base, { until }] of cached) if (until <= now) dirty.add(base);
    for (const base of dirty) {
      const isRoot = bases.get(base.key) === base && base.parent === undefined;
      const content = isRoot ? contentOf(base, now) : undefined;
      const before = cached.get(base);
      if (content === undefined) cached.delete(base);
      else cached.set(base, keepRow(before, content));
      knotsAreOld ||= before?.stuck !== undefined || content?.stuck !== undefined;
    }
    dirty.clear();
    if (knotsAreOld) tieKnots();
    knotsAreOld = false;
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
      return [{ key: rootOf(base).key, queue, priority: row.priority, since: row.createdAt ?? 0 }];
    });
    const gangs = [...podGroupHosts].flatMap(([key, base]) => {
      const row = podGroups.get(key);
      if (row === undefined || row.queue === '' || row.phase === 'Running' || row.phase === 'Completed')
        return [];
      const isWaiting = row.phase !== '' || row.message !== '' || row.reason !== '';
      return isWaiting
        ? [{ key: rootOf(base).key, queue: row.queue, priority: 0, since: row.createdAt ?? 0 }]
        : [];
    });
    const next = new Map([...queuePlaces(gangs), ...queuePlaces(kueue)]);
    for (const key of new Set([...next.keys(), ...places.keys()])) {
      const [before, after] = [places.get(key), next.get(key)];
      if (
        before?.position === after?.position &&
        before?.waiting === after?.waiting &&
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
    putUse(pod, use) {
      if (use === undefined) uses.delete(pod.uid);
      else uses.set(pod.uid, use);
      const base = bases.get(keyOfGroup(groupOf(pod)));
      if (base !== undefined) touch(base);
    },
    rows(now) {
      settle(now);
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

/** Takes out what is under that key, unless it is another object of the same name. True where it was taken out. */
function deleteSame<R extends { readonly uid: string }>(map: Map<string, R>, key: string, row: R): boolean {
  return map.get(key)?.uid === row.uid && map.delete(key);
}

const isWaitingState = (state: WorkloadRow['state']): boolean =>
  state === 'Pending' || state === 'Queued' || state === 'Gated' || state === 'HalfPending';

function withoutUntil(row: WorkloadRow & { until?: number }): WorkloadRow {
  const { until: _until, ...rest } = row;
  return rest;
}

/** The same row again where nothing that it says has changed: who compares rows need not look inside. */
function keepRow(before: Cached | undefined, after: Cached): Cached {
  if (before === undefined || JSON.stringify(before.plain) !== JSON.stringify(after.plain)) return after;
  return { ...after, plain: before.plain, row: before.row };
}

function changeCount(counts: Map<string, Map<Base, number>>, key: string, base: Base, sign: 1 | -1): boolean {
  const bases = counts.get(key) ?? new Map<Base, number>();
  const before = bases.get(base) ?? 0;
  const after = before + sign;
  if (after <= 0) bases.delete(base);
  else bases.set(base, after);
  if (bases.size === 0) counts.delete(key);
  else counts.set(key, bases);
  return before === 0 || after === 0;
}

const productOf = ({ nodeSelector, affinity }: PodSpecRecord): string | undefined => {
  const direct =
    nodeSelector?.['nvidia.com/gpu.product'] ??
    nodeSelector?.['cloud.google.com/gke-accelerator'] ??
    nodeSelector?.['amd.com/gpu.product-name'];
  if (direct !== undefined) return direct;
  const terms =
    affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchExpressions = [] } of terms)
    for (const { key, operator, values = [] } of matchExpressions)
      if (key === 'nvidia.com/gpu.product' && operator === 'In') return values[0];
  return undefined;
};

/** Would this node take such a pod, whatever it has free? */
function isAllowed(spec: PodSpecRecord, node: NodeRow | undefined): boolean {
  if (node === undefined) return true;
  const selected = Object.entries(spec.nodeSelector ?? {}).every(
    ([key, value]) => node.labels[key] === value,
  );
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (!selected || (required !== undefined && !nodeSelectorMatches(required, node))) return false;
  return untoleratedTaint(node.taints, spec.tolerations) === undefined;
}

const comparePlaces = (a: Membership, b: Membership): number =>
  compareText(a.part, b.part) ||
  roleOrder(a.role) - roleOrder(b.role) ||
  compareText(a.role, b.role) ||
  (a.rank ?? 0) - (b.rank ?? 0);

const compareText = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

const heads = ['head', 'launcher', 'master', 'chief', 'leader'];
const roleOrder = (role: string): number => (heads.includes(role.toLowerCase()) ? 0 : 1);

/** The spec of a pod of this role, where its object has no template. */
function specOfRole({ name }: Role, pods: readonly PodRow[]): PodSpecRecord | undefined {
  const same = pods.find((pod) => groupOf(pod).role.toLowerCase() === name);
  return (same ?? (name === '' ? pods[0] : undefined))?.spec;
}

const gpusOf = ({ template }: Role): number =>
  template === undefined ? 0 : acceleratorsIn(template.requests).reduce((sum, [, units]) => sum + units, 0);

const priorityOf = (roles: readonly Role[]): number | undefined =>
  roles.find(({ template }) => template !== undefined)?.template?.priority;

function wantedOf(
  roles: readonly Role[],
  kueue: KueueWorkloadRow | undefined,
  podGroup: PodGroupRow | undefined,
  pods: readonly PodRow[],
): number | undefined {
  if (roles.length > 0 && roles.every(({ count }) => count !== undefined))
    return roles.reduce((sum, { count }) => sum + (count ?? 0), 0);
  if (kueue !== undefined && kueue.podSets.length > 0)
    return kueue.podSets.reduce((sum, { count }) => sum + (count ?? 0), 0);
  const total = Number(pods[0]?.annotations['kueue.x-k8s.io/pod-group-total-count']);
  if (Number.isInteger(total) && total > 0) return total;
  const live = pods.filter(({ phase }) => phase !== 'Succeeded' && phase !== 'Failed').length;
  if (podGroup?.minMember !== undefined) return Math.max(podGroup.minMember, live);
  return live === 0 ? undefined : live;
}

/** What one more of its pods asks for: of those without a template, as the others do. */
function eachOf(roles: readonly Role[], pods: readonly PodRow[]): Units {
  const template = roles.toReversed().find((role) => role.template !== undefined)?.template;
  const spec = template ?? pods.find(({ phase }) => phase === 'Pending')?.spec ?? pods[0]?.spec;
  return spec === undefined ? {} : Object.fromEntries(acceleratorsIn(spec.requests));
}

function isGangLike(
  root: Base,
  object: WorkloadObjectRow | undefined,
  podGroup: PodGroupRow | undefined,
  wanted: Units | undefined,
): boolean {
  const { kind, group } = root.id;
  if (gangKinds.has(kind) || group === 'batch.volcano.sh') return true;
  if ((podGroup?.minMember ?? 0) > 1) return true;
  return kind === 'Job' && (object?.minPods ?? 0) > 1 && wanted !== undefined && sumOf(wanted) > 0;
}

/** Demand that no pod stands for: of what it wants, less what its pods hold and ask for. */
function missingUnits(
  wanted: Units | undefined,
  pods: PodsSummary,
  object: WorkloadObjectRow | undefined,
): Units {
  if (wanted === undefined || object?.phase === 'done' || object?.phase === 'failed') return {};
  const missing: Record<string, number> = {};
  for (const [name, units] of Object.entries(wanted)) {
    const left = units - (pods.held[name] ?? 0) - (pods.asked[name] ?? 0);
    if (left > 0) missing[name] = left;
  }
  return missing;
}
