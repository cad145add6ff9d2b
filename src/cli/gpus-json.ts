import { gpuRows, gpus, ledgerOf } from '../accelerators/gpus.ts';
import type { DeviceEntry } from '../accelerators/node-devices.ts';
import type { ClassDemand } from '../accelerators/pending.ts';
import type { Sharing } from '../accelerators/sharing.ts';
import { anyResource, type ClusterRows, type Resource } from '../resources/resource.ts';
import { demandOf } from '../workloads/demand.ts';
import type { NamespaceUseRow } from '../workloads/namespace-use.ts';
import { namespaceUse } from '../workloads/namespace-use.ts';
import { type PendingRow, pendingRows } from '../workloads/pending.ts';
import { bookSources, booksOf, schedulingOf } from '../workloads/sources.ts';
import type { WorkloadRow } from '../workloads/workload-row.ts';
import { wastedHours } from '../workloads/workloads.ts';

/** The kinds that the document is made of. */
export const gpuDocumentNeeds: readonly Resource[] = [
  ...new Set([...gpus.needs, ...bookSources.map(({ resource }) => anyResource(resource))]),
];

export interface DocumentOptions {
  readonly context: string;
  readonly partial: readonly string[];
  readonly namespaces: readonly string[] | 'all';
  /** Epoch ms. */
  readonly now: number;
}

/** `mltop gpus -o json`: nodes, classes, namespaces, workloads and what waits. A number that cannot be known is null, with a reason. */
export function gpuDocument(
  cluster: ClusterRows,
  { context, partial, namespaces, now }: DocumentOptions,
): unknown {
  const ledger = ledgerOf(cluster);
  const books = booksOf(cluster);
  const rows = gpuRows(ledger);
  const inScope = ({ namespace }: { readonly namespace: string }): boolean =>
    namespaces === 'all' || namespaces.includes(namespace);
  const workloads = books.rows(now).filter((row) => inScope(row) && holdsOrWants(row));
  const waiting = pendingRows(books, schedulingOf(cluster), now, {
    nodesAtOnce: Number.POSITIVE_INFINITY,
    goodForMs: 0,
  });
  return {
    apiVersion: 'mltop.dev/v1',
    kind: 'Gpus',
    context,
    generatedAt: new Date(now).toISOString(),
    partial,
    nodes: rows.map((row) => ({
      ...nodeOf(row),
      holders: row.holders.map(({ namespace, name, count }) => ({ namespace, pod: name, count })),
    })),
    classes: ledger.totals().map((totals) => ({
      class: totals.className,
      model: totals.model ?? null,
      nodes: totals.nodes,
      capacity: totals.capacity,
      allocatable: totals.allocatable,
      requested: totals.requested,
      free: totals.free,
      overcommitted: totals.over,
      schedulableFree: totals.schedulable,
      unhealthy: totals.unhealthy,
      notRegistered: totals.missing,
      orphans: totals.orphans,
      largestBlock: totals.largestBlock,
      fit: { 1: totals.fit[0], 2: totals.fit[1], 4: totals.fit[2], 8: totals.fit[3] },
    })),
    demand: demandByClass(ledger.demand(), books.rows(now)),
    namespaces: namespaceUse(books, now)
      .filter(({ name }) => inScope({ namespace: name }))
      .map(namespaceOf),
    workloads: workloads.map((row) => workloadOf(row, now)),
    pending: waiting.filter(inScope).map(pendingOf),
  };
}

/** What pods and claims ask for, and what jobs want that no pod stands for yet: each unit once. */
function demandByClass(
  asked: readonly ClassDemand[],
  rows: readonly WorkloadRow[],
): readonly {
  readonly class: string;
  readonly kind: string;
  readonly units: number;
  readonly askers: number;
}[] {
  const unborn = rows.flatMap((row) => {
    const demand = demandOf(row);
    if (demand === undefined) return [];
    return Object.entries(demand.units).map(([className, units]) => ({
      className,
      kind: demand.kind,
      units,
      askers: 1,
    }));
  });
  // Jobs without pods are among the workloads, where their queue is known.
  const born = asked.filter(({ kind }) => kind !== 'suspended' && kind !== 'queued');
  const groups = Map.groupBy([...born, ...unborn], ({ className, kind }) => `${className} ${kind}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const sum = (of: (one: ClassDemand) => number): number =>
      group.reduce((total, one) => total + of(one), 0);
    return [
      {
        class: first.className,
        kind: first.kind,
        units: sum(({ units }) => units),
        askers: sum(({ askers }) => askers),
      },
    ];
  });
}

const holdsOrWants = ({ gpusHeld, gpusWanted, state }: WorkloadRow): boolean =>
  gpusHeld > 0 || ((gpusWanted ?? 1) > 0 && state !== 'Done' && state !== 'Failed');

const modes: Readonly<Record<Sharing['mode'], string>> = {
  exclusive: 'exclusive',
  mig: 'mig',
  timeSliced: 'timeSliced',
  mps: 'mps',
  vgpu: 'vgpu',
  hami: 'vgpu',
  dra: 'dra',
};

/** Unknown is null, and `reason` says why. */
function nodeOf(entry: DeviceEntry): Record<string, unknown> {
  const unknown = [entry.capacity, entry.allocatable, entry.free].includes(undefined);
  return {
    name: entry.node,
    class: entry.className,
    model: entry.model ?? null,
    mode: modes[entry.sharing.mode],
    capacity: entry.capacity ?? null,
    allocatable: entry.allocatable ?? null,
    requested: entry.requested,
    free: entry.free ?? null,
    schedulableFree: entry.schedulable,
    unhealthy: entry.unhealthy ?? null,
    state: entry.state,
    reason:
      entry.reason ||
      (unknown ? 'the node does not say' : entry.model === undefined ? 'no label names the model' : null),
  };
}

function namespaceOf(row: NamespaceUseRow): Record<string, unknown> {
  return {
    name: row.name,
    requested: row.held,
    total: row.gpusHeld,
    pending: row.gpusPending,
    gated: row.gpusGated,
    quota: row.quota || null,
    pods: row.pods,
    workloads: row.workloads,
    halfPending: row.halfPending,
  };
}

function workloadOf(row: WorkloadRow, now: number): Record<string, unknown> {
  const hours = wastedHours(row, now);
  return {
    kind: row.kind,
    namespace: row.namespace,
    name: row.name,
    queue: row.queue || null,
    queuePosition: row.queuePlace?.position ?? null,
    priority: row.priority ?? null,
    state: row.state,
    why: row.why,
    pods: { running: row.podsRunning, pending: row.podsPending, wanted: row.podsWanted ?? null },
    requested: row.held,
    wanted: row.wanted ?? null,
    ...(row.wanted === undefined && { wantedReason: 'its object has no pod template' }),
    total: row.gpusHeld,
    model: row.model || null,
    nodes: row.nodes,
    restarts: row.restarts,
    progress: row.progress ?? null,
    unusedGpuHours: hours === undefined ? null : Math.round(hours * 100) / 100,
    createdAt: row.createdAt === undefined ? null : new Date(row.createdAt).toISOString(),
  };
}

function pendingOf(row: PendingRow): Record<string, unknown> {
  return {
    kind: row.kind,
    namespace: row.namespace,
    name: row.name,
    class: row.waitClass,
    wants: row.wants,
    units: row.units,
    since: row.since === undefined ? null : new Date(row.since).toISOString(),
    why: row.why,
    nodes: row.nodes || null,
    unblock: row.unblock || null,
    priority: row.priority ?? null,
    queue: row.queue || null,
    queuePosition: row.queuePlace?.position ?? null,
  };
}
