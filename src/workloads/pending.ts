import { acceleratorsIn } from '../accelerators/demand.ts';
import { ageText } from '../resources/fields.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { ClusterRows, Column, DerivedTable, Row } from '../resources/resource.ts';
import { type Explanation, explain } from '../scheduling/explain.ts';
import type { Ledger } from '../scheduling/ledger.ts';
import { groupVerdicts, wouldFitIf } from '../scheduling/unblock.ts';
import type { Workloads } from './books.ts';
import { compressNames } from './node-names.ts';
import { bookSources } from './sources.ts';
import {
  type QueuePlace,
  sumOf,
  type Units,
  unitsText,
  type WorkloadRow,
  type WorkloadState,
} from './workload-row.ts';

/** How demand waits (gpu.md 1.4). */
type WaitClass = 'half-pending' | 'unschedulable' | 'gated' | 'queued' | 'suspended' | 'refused';

/** A workload that waits for devices, or for a node at all. */
export interface PendingRow extends Row {
  readonly kind: string;
  readonly state: WorkloadState;
  readonly waitClass: WaitClass;
  /** `2×8 gpu H100-80GB` */
  readonly wants: string;
  /** Units that wait, over all its pods. */
  readonly units: number;
  readonly since: number | undefined;
  /** Units × hours waited, in tenths. */
  readonly gpuHours: number;
  readonly why: string;
  /** Nodes by what stands in the way there; `''` until it was asked. */
  readonly nodes: string;
  /** What would let it start; `''` where no single change would. */
  readonly unblock: string;
  readonly priority: number | undefined;
  readonly queue: string;
  readonly queuePlace: QueuePlace | undefined;
}

export interface PendingOptions {
  /** Nodes looked at in one go: a verdict on one workload looks at all. At least one is worked out. */
  readonly nodesAtOnce: number;
  /** A verdict is good for so long. */
  readonly goodForMs: number;
}

interface Verdict {
  readonly nodes: string;
  readonly unblock: string;
  readonly atMs: number;
  readonly pod: PodRow;
}

const keptVerdicts = new WeakMap<Workloads, Map<string, Verdict>>();

/** One row per waiting workload; the longest and largest wait first is the table's sort. */
export function pendingRows(
  books: Workloads,
  ledger: Ledger,
  now: number,
  { nodesAtOnce, goodForMs }: PendingOptions,
): readonly PendingRow[] {
  const verdicts = keptVerdicts.get(books) ?? new Map<string, Verdict>();
  keptVerdicts.set(books, verdicts);
  const waiting = books.rows(now).filter(isWaiting);
  const keys = new Set(waiting.map(({ uid }) => uid));
  for (const key of verdicts.keys()) if (!keys.has(key)) verdicts.delete(key);
  // Those that were looked at longest ago come first, so that in time each has its turn.
  const due = waiting
    .map((row) => ({ row, atMs: verdicts.get(row.uid)?.atMs ?? Number.NEGATIVE_INFINITY }))
    .filter(({ atMs }) => now - atMs >= goodForMs)
    .sort((a, b) => a.atMs - b.atMs)
    .slice(0, Math.max(1, Math.floor(nodesAtOnce / Math.max(1, ledger.nodeCount()))));
  for (const { row } of due) {
    const pod = books.waitingPodOf(row.uid);
    if (pod === undefined) verdicts.delete(row.uid);
    else verdicts.set(row.uid, verdictOf(ledger, pod, now));
  }
  return waiting.map((row) => rowOf(row, books.waitingPodOf(row.uid), verdicts.get(row.uid), now));
}

const isWaiting = ({ state, podsPending, unborn, group }: WorkloadRow): boolean => {
  if (state === 'Pending' || state === 'HalfPending' || state === 'Gated') return true;
  if (state === 'Queued') return sumOf(unborn) > 0 || group !== 'apps';
  return podsPending > 0;
};

function rowOf(
  row: WorkloadRow,
  pod: PodRow | undefined,
  verdict: Verdict | undefined,
  now: number,
): PendingRow {
  const { uid, namespace, name, createdAt, kind, state, why, priority, queue, queuePlace } = row;
  const each = pod === undefined ? {} : Object.fromEntries(acceleratorsIn(pod.spec.requests));
  const held = row.gpusHeld;
  const since = row.waitingSince ?? createdAt;
  const units = Math.max(0, (row.gpusWanted ?? 0) - held);
  const pods = Math.max(row.podsPending, (row.podsWanted ?? 0) - row.podsRunning);
  const model = row.model === '' ? '' : ` ${row.model}`;
  return {
    uid,
    namespace,
    name,
    createdAt,
    version: '',
    kind,
    state,
    waitClass: classOf(row),
    wants: `${wantsText(row, pods, each)}${model}`,
    units,
    since,
    gpuHours: since === undefined ? 0 : Math.round((units * (now - since)) / 360_000) / 10,
    why,
    nodes: verdict?.nodes ?? '',
    unblock: verdict?.unblock ?? '',
    priority,
    queue,
    queuePlace,
  };
}

/** `2×8 gpu`; without a pod or a template to go by, what is missing in all, or only how many pods. */
function wantsText(row: WorkloadRow, pods: number, each: Units): string {
  if (sumOf(each) > 0) return `${pods}×${unitsText(each)}`;
  if (sumOf(row.unborn) > 0) return unitsText(row.unborn);
  return `${pods} ${pods === 1 ? 'pod' : 'pods'}, ${row.wanted === undefined ? 'GPUs unknown' : 'no GPU'}`;
}

function classOf({ state, queue, why, podsPending }: WorkloadRow): WaitClass {
  if (state === 'HalfPending') return 'half-pending';
  if (state === 'Gated') return 'gated';
  if (state === 'Queued') return queue === '' ? 'suspended' : 'queued';
  return podsPending === 0 && why.includes('quota ') ? 'refused' : 'unschedulable';
}

/** Groups of nodes beyond these are the same story with a shorter tail. */
const groupsShown = 3;

function verdictOf(ledger: Ledger, pod: PodRow, now: number): Verdict {
  const explanation = explain(ledger, pod);
  const groups = groupVerdicts(explanation).filter(({ blockers }) => blockers.length > 0);
  const nodes = groups.slice(0, groupsShown).map(({ blockers, nodes: names }) => {
    const reasons = blockers.map(({ detail, reason }) => (blockers.length > 1 ? reason : detail || reason));
    return `${names.length} ${names.length === 1 ? 'node' : 'nodes'}: ${[...new Set(reasons)].join(' and ')}`;
  });
  const more = groups.length > groupsShown ? `; ${groups.length - groupsShown} more` : '';
  return {
    nodes: `${nodes.join('; ')}${more}`,
    unblock: unblockText(ledger, pod, explanation),
    atMs: now,
    pod,
  };
}

function unblockText(ledger: Ledger, pod: PodRow, explanation: Explanation): string {
  const { fits } = explanation;
  if (fits.length > 0) return `fits now on ${compressNames(fits.slice(0, 20))}`;
  const block = blockText(ledger, pod, explanation);
  const [change] = wouldFitIf(explanation);
  const opens =
    change === undefined ? '' : `fits ${compressNames(change.nodes.slice(0, 20))} if ${change.change}`;
  return [block, opens].filter((part) => part !== '').join('; ');
}

/** `needs 8 gpu on one node; the largest free block is 2 (gpu-h100-01) of 5 free`: fragmentation, or plain lack. */
function blockText(ledger: Ledger, pod: PodRow, { nodes }: Explanation): string {
  const [asked] = acceleratorsIn(pod.spec.requests);
  if (asked === undefined) return '';
  const [resource, needs] = asked;
  let total = 0;
  let largest = 0;
  let where = '';
  for (const { name, blockers } of nodes) {
    // Only nodes where nothing but room is missing are a matter of fragments.
    if (blockers.some(({ short }) => short === undefined)) continue;
    const account = ledger.account(name);
    if (account === undefined) continue;
    const free = Math.max(
      0,
      (account.node.allocatable[resource] ?? 0) - (account.requested.get(resource) ?? 0),
    );
    total += free;
    if (free > largest) [largest, where] = [free, name];
  }
  const short = resource.replace(/^nvidia\.com\//, '');
  if (largest >= needs) return '';
  return largest === 0
    ? `needs ${needs} ${short} on one node; none is free where it may run`
    : `needs ${needs} ${short} on one node; the largest free block is ${largest} (${where}) of ${total} free`;
}

const columns: readonly Column<PendingRow>[] = [
  {
    title: 'WAITED',
    value: (row) => row.since,
    text: (row, now) => ageText(row.since, now),
    align: 'right',
    priority: 1,
  },
  {
    title: 'GPU-H',
    value: (row) => row.gpuHours,
    text: ({ gpuHours }) => gpuHours.toFixed(1),
    align: 'right',
    priority: 4,
  },
  { title: 'KIND', value: (row) => row.kind, tone: () => 'dim', priority: 5 },
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  { title: 'WANTS', value: (row) => row.units, text: (row) => row.wants, priority: 0 },
  {
    title: 'CLASS',
    value: (row) => row.waitClass,
    tone: ({ waitClass }) => (waitClass === 'half-pending' ? 'bad' : 'pending'),
    priority: 1,
  },
  { title: 'UNBLOCK', value: (row) => row.unblock, text: (row) => row.unblock || '-', priority: 2 },
  {
    title: 'NODES',
    value: (row) => row.nodes,
    text: (row) => row.nodes || '-',
    tone: () => 'dim',
    priority: 5,
  },
  {
    title: 'PRIO',
    value: (row) => row.priority,
    text: ({ priority }) => (priority === undefined ? '?' : String(priority)),
    align: 'right',
    priority: 6,
  },
  {
    title: 'QUEUE',
    value: (row) => row.queuePlace?.position,
    text: ({ queue, queuePlace: place }) =>
      // Without Kueue's word it is computed, which leaves out what its fair sharing does.
      place === undefined ? queue || '-' : `${place.queue} ${place.isTold ? '#' : '~#'}${place.position}`,
    priority: 4,
  },
  { title: 'WHY', value: (row) => row.why, priority: 3 },
];

export interface PendingAccess {
  readonly books: (cluster: ClusterRows) => Workloads;
  readonly scheduling: (cluster: ClusterRows) => Ledger;
  readonly options: PendingOptions;
  /** Epoch ms: verdicts are worked out a few at a time, whether anything happens or not. */
  readonly clock: () => number;
}

/** What waits, why, and what would let it start (gpu.md 9.6). Sorted by GPUs × age. */
export const pendingTable = ({
  books,
  scheduling,
  options,
  clock,
}: PendingAccess): DerivedTable<PendingRow> => ({
  name: 'pending',
  title: 'Pending',
  empty: 'Nothing waits for GPUs',
  aliases: ['pend'],
  namespaced: true,
  needs: bookSources.map(({ resource }) => resource),
  epoch: () => Math.floor(clock() / 1000),
  sort: { column: 'GPU-H', descending: true },
  columns,
  fault: ({ waitClass }) => waitClass === 'half-pending',
  why: ({ why, nodes, unblock }) => [unblock, nodes, why].filter((part) => part !== '').join(' · '),
  derive: (cluster, now) => pendingRows(books(cluster), scheduling(cluster), now, options),
});
