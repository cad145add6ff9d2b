import { deviceKey } from '../accelerators/dra.ts';
import { modelOf, shortModel } from '../accelerators/models.ts';
import { hamiModel } from '../accelerators/sharing.ts';
import type { PodGroupRow } from '../resources/gang-objects.ts';
import { gangJobs, kserveKinds } from '../resources/job-kinds.ts';
import type { KueueWorkloadRow } from '../resources/kueue.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { Role, WorkloadObjectRow } from '../resources/workload-object.ts';
import { nodeSelectorMatches, untoleratedTaint } from '../scheduling/selectors.ts';
import { type Base, placedPods, treeOf } from './base.ts';
import { halfGang, type Stuck } from './gang.ts';
import { queueOfPod } from './group.ts';
import { compressNames } from './node-names.ts';
import { claimNamesOf, type PodsSummary, summarize, type UseSample } from './pods-summary.ts';
import { clusterQueueOf, gangQueueText, type QueueBooks, quotaText, refusingQuota } from './queues.ts';
import { stateOf } from './state.ts';
import { eachOf, missingUnits, priorityOf, rolesOf, unitsWanted, wantedOf } from './wants.ts';
import { type QueuePlace, sumOf, type Units, type WorkloadRow } from './workload-row.ts';

export interface Cached {
  readonly row: WorkloadRow;
  /** Without deadlocks, which only the others' rows tell. */
  readonly plain: WorkloadRow;
  readonly stuck: Stuck | undefined;
  readonly until: number;
}

const servers: ReadonlySet<string> = new Set([
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'LeaderWorkerSet',
  ...kserveKinds,
  'RayService',
  'NodeSet',
  'NIMService',
]);

const gangKinds: ReadonlySet<string> = new Set([...gangJobs, 'PodGroup']);

/** What else of the cluster a workload's row tells. */
export interface Known {
  readonly nodes: ReadonlyMap<string, NodeRow>;
  readonly claims: ReadonlyMap<string, ResourceClaimRow>;
  readonly deviceModels: ReadonlyMap<string, string>;
  readonly uses: ReadonlyMap<string, UseSample>;
  readonly queues: QueueBooks;
  readonly place: (key: string) => QueuePlace | undefined;
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

/** Gives what there is to say of a workload by its outermost job; undefined where there is nothing to say. */
export function contentReader(known: Known): (root: Base, now: number) => Cached | undefined {
  const { nodes, claims, deviceModels, uses, queues } = known;
  return contentOf;

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
    const place = known.place(root.key);
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
      busy: busyOf(summary.busy),
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
      const model = node === undefined ? undefined : (modelOf(node) ?? hamiModel(node));
      if (model !== undefined) models.add(model);
    }
    for (const pod of pods) {
      for (const name of claimNamesOf(pod)) {
        for (const { driver, pool, device } of claims.get(`${pod.namespace}/${name}`)?.devices ?? []) {
          const model = deviceModels.get(deviceKey(driver, pool, device));
          if (model !== undefined) models.add(model);
        }
      }
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
}

/** In whole percent: what nobody sees is no change. */
const toPercent = (share: number): number => Math.round(share * 100) / 100;

function busyOf(shares: readonly number[]): WorkloadRow['busy'] {
  if (shares.length === 0) return undefined;
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return { least: toPercent(Math.min(...shares)), mean: toPercent(mean) };
}

const isWaitingState = (state: WorkloadRow['state']): boolean =>
  state === 'Pending' || state === 'Queued' || state === 'Gated' || state === 'HalfPending';

function withoutUntil(row: WorkloadRow & { until?: number }): WorkloadRow {
  const { until: _until, ...rest } = row;
  return rest;
}

/** The same row again where nothing that it says has changed: who compares rows need not look inside. */
export function keepRow(before: Cached | undefined, after: Cached): Cached {
  if (before === undefined || JSON.stringify(before.plain) !== JSON.stringify(after.plain)) return after;
  return { ...after, plain: before.plain, row: before.row };
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
