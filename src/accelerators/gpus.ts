import { type JobRow, jobs } from '../resources/jobs.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import {
  anyResource,
  type ClusterRows,
  type Column,
  type DerivedTable,
  type Resource,
  type Row,
  type Tone,
} from '../resources/resource.ts';
import { type ResourceClaimRow, resourceclaims } from '../resources/resourceclaims.ts';
import { type ResourceSliceRow, resourceslices } from '../resources/resourceslices.ts';
import { demandOfJob } from './demand.ts';
import type { Holder } from './holders.ts';
import { createLedger, type Ledger } from './ledger.ts';
import type { DeviceEntry, DeviceState } from './node-devices.ts';
import { sharingText } from './sharing.ts';

/** One class of accelerators on one node. `name` is the node's. */
export interface GpuRow extends Row, DeviceEntry {
  /** Most first. */
  readonly holders: readonly Holder[];
  /** HAMi's own arithmetic; undefined elsewhere. */
  readonly fractions: string | undefined;
}

/** GPUs and other accelerators, node by node: who holds them, what is free, and why that cannot be used. */
export const gpus: DerivedTable<GpuRow> = {
  name: 'gpus',
  title: 'GPUs',
  empty: 'No node offers a GPU, and no device of DRA is known',
  aliases: ['gpu', 'gp', 'accelerators'],
  namespaced: false,
  needs: [
    anyResource(pods),
    anyResource(nodes),
    anyResource(resourceslices),
    anyResource(resourceclaims),
    anyResource(jobs),
  ],
  sort: { column: 'NODE', descending: false },
  columns: gpuColumns(),
  fault: (row) => faultStates.has(row.state) || row.orphans > 0,
  why: whyGpu,
  derive: (cluster) => gpuRows(ledgerOf(cluster)),
};

const rowsOfEntries = new WeakMap<DeviceEntry, GpuRow>();

/** The rows of a ledger that somebody keeps up to date. A node that nothing happened to keeps its very rows. */
export const gpuRows = (ledger: Ledger): readonly GpuRow[] =>
  Array.from(ledger.entries(), (entry) => {
    const known = rowsOfEntries.get(entry);
    if (known !== undefined) return known;
    const row = rowOf(ledger, entry);
    rowsOfEntries.set(entry, row);
    return row;
  });

const rowOf = (ledger: Ledger, entry: DeviceEntry): GpuRow => ({
  ...entry,
  uid: `${entry.node}/${entry.className}`,
  namespace: '',
  name: entry.node,
  createdAt: undefined,
  version: '',
  holders: ledger.holders(entry),
  fractions: entry.sharing.mode === 'hami' ? ledger.fractions(entry.node) : undefined,
});

/** What the ledger was last told, by key. */
interface Kept {
  readonly ledger: Ledger;
  readonly nodes: Map<string, NodeRow>;
  readonly slices: Map<string, ResourceSliceRow>;
  readonly claims: Map<string, ResourceClaimRow>;
  readonly pods: Map<string, PodRow>;
  readonly jobs: Map<string, JobRow>;
}

const keptLedgers = new WeakMap<ClusterRows, Kept>();

/**
 * The ledger of a cluster, brought up to date. Rows are replaced, never edited, so only those that are not the same
 * object as last time are looked at.
 */
export function ledgerOf(cluster: ClusterRows): Ledger {
  const kept = keptLedgers.get(cluster) ?? {
    ledger: createLedger(),
    nodes: new Map(),
    slices: new Map(),
    claims: new Map(),
    pods: new Map(),
    jobs: new Map(),
  };
  keptLedgers.set(cluster, kept);
  const { ledger } = kept;
  follow(cluster, nodes, kept.nodes, ledger.putNode, ledger.removeNode);
  follow(cluster, resourceslices, kept.slices, ledger.putSlice, ledger.removeSlice);
  follow(cluster, resourceclaims, kept.claims, ledger.putClaim, ledger.removeClaim);
  follow(cluster, pods, kept.pods, ledger.addPod, ledger.removePod);
  follow(
    cluster,
    jobs,
    kept.jobs,
    (job) => {
      const demand = demandOfJob(job);
      if (demand === undefined) ledger.removeDemand(job.uid);
      else ledger.putDemand(job.uid, demand);
    },
    (job) => ledger.removeDemand(job.uid),
  );
  return ledger;
}

/** Tells of every row that came, changed or went since `known` was last brought up to date. */
function follow<R extends Row>(
  cluster: ClusterRows,
  resource: Resource<R>,
  known: Map<string, R>,
  put: (row: R) => void,
  remove: (row: R) => void,
): void {
  const gone = new Map<string, R>();
  let count = 0;
  for (const row of cluster.rowsOf(resource)) {
    count += 1;
    const key = row.uid || `${row.namespace}/${row.name}`;
    if (known.get(key) === row) continue;
    known.set(key, row);
    put(row);
  }
  if (count === known.size) return;
  for (const [key, row] of known) gone.set(key, row);
  for (const row of cluster.rowsOf(resource)) gone.delete(row.uid || `${row.namespace}/${row.name}`);
  for (const [key, row] of gone) {
    known.delete(key);
    remove(row);
  }
}

/** States in which somebody must act. Cordons and foreign taints are decisions. */
const faultStates: ReadonlySet<DeviceState> = new Set(['notReady', 'pluginDown', 'over', 'unhealthy']);

const stateTones: Readonly<Record<DeviceState, Tone>> = {
  idle: 'good',
  mixed: 'good',
  full: 'plain',
  over: 'bad',
  unhealthy: 'bad',
  stranded: 'warn',
  tainted: 'warn',
  cordoned: 'warn',
  notReady: 'bad',
  pluginDown: 'bad',
  unknown: 'unknown',
};

const stateWords: Readonly<Record<DeviceState, string>> = {
  idle: 'idle',
  mixed: 'mixed',
  full: 'full',
  over: 'over-committed',
  unhealthy: 'unhealthy',
  stranded: 'stranded',
  tainted: 'tainted',
  cordoned: 'cordoned',
  notReady: 'NotReady',
  pluginDown: 'plugin down',
  unknown: 'unknown',
};

/** `cordoned: driver drain-required` */
function stateText({ state, reason }: DeviceEntry): string {
  const word = stateWords[state];
  return reason === '' || reason === word ? word : `${word}: ${reason}`;
}

function whyGpu(row: GpuRow): string | undefined {
  const held = row.holders.map(({ namespace, name, count }) => `${namespace}/${name} (${count})`).join(', ');
  const holders = held === '' ? '' : `; held by ${held}`;
  if (row.orphans > 0) return `${row.orphans} held by claims that no pod uses${holders}`;
  if (row.state === 'idle' || row.state === 'mixed' || row.state === 'full') return undefined;
  const idle = row.free !== undefined && row.free > 0 ? `; ${row.free} free but not usable` : '';
  return `${stateText(row)}${row.schedulable === 0 ? idle : ''}${row.state === 'over' ? holders : ''}`;
}

/** A number, or `?` where it cannot be known. */
const known = (value: number | undefined): string => (value === undefined ? '?' : String(value));

const shownHolders = 3;

function holdersText({ holders }: GpuRow): string {
  const shown = holders
    .slice(0, shownHolders)
    .map(({ namespace, name, count }) => `${namespace}/${name}×${count}`);
  const more = holders.length - shownHolders;
  return more > 0 ? `${shown.join(' ')} +${more}` : shown.join(' ');
}

function gpuColumns(): readonly Column<GpuRow>[] {
  const count = (
    title: string,
    value: (row: GpuRow) => number | undefined,
    priority: number,
    tone?: (row: GpuRow) => Tone,
  ): Column<GpuRow> => ({
    title,
    value,
    text: (row) => known(value(row)),
    align: 'right',
    priority,
    ...(tone !== undefined && { tone }),
  });
  return [
    { title: 'NODE', value: (row) => row.node, priority: 0 },
    { title: 'RESOURCE', value: (row) => row.className, tone: () => 'dim', priority: 4 },
    { title: 'MODEL', value: (row) => row.model, text: (row) => row.model ?? '?', priority: 2 },
    count('CAPACITY', (row) => row.capacity, 5),
    count('ALLOCATABLE', (row) => row.allocatable, 6),
    count('REQUESTED', (row) => row.requested, 1),
    count(
      'FREE',
      (row) => row.free,
      0,
      (row) => ((row.free ?? 0) < 0 ? 'bad' : 'plain'),
    ),
    count(
      'SCHEDULABLE',
      (row) => row.schedulable,
      1,
      (row) => (row.schedulable > 0 ? 'good' : 'dim'),
    ),
    count(
      'UNHEALTHY',
      (row) => row.unhealthy,
      4,
      (row) => ((row.unhealthy ?? 0) > 0 ? 'bad' : 'dim'),
    ),
    {
      title: 'SHARING',
      value: (row) => sharingText(row.sharing),
      text: (row) =>
        row.fractions === undefined
          ? sharingText(row.sharing)
          : `${sharingText(row.sharing)} (${row.fractions})`,
      priority: 5,
    },
    {
      title: 'STATE',
      value: (row) => row.state,
      text: stateText,
      tone: (row) => stateTones[row.state],
      priority: 1,
    },
    {
      title: 'TOP HOLDERS',
      value: holdersText,
      text: holdersText,
      priority: 3,
    },
  ];
}
