import type { ClusterRows, Column, DerivedTable, Row } from '../resources/resource.ts';
import type { Workloads } from './books.ts';
import { bookSources } from './sources.ts';
import { sumOf, type Units, type WorkloadRow } from './workload-row.ts';

/** What one namespace holds and waits for. `name` is the namespace's. */
export interface NamespaceUseRow extends Row {
  readonly held: Units;
  readonly gpusHeld: number;
  /** Units that its pods without a node ask for, or that jobs lack. */
  readonly gpusPending: number;
  /** Of these, held back on purpose: gates, queues, suspension. */
  readonly gpusGated: number;
  /** `15/16 gpu`, of each accelerator that a ResourceQuota limits; `''` for none. */
  readonly quota: string;
  readonly quotaIsFull: boolean;
  /** LocalQueues and where they lead: `team-c→research`. */
  readonly queues: string;
  readonly pods: number;
  readonly workloads: number;
  readonly halfPending: number;
  /** The workload that holds most: `llama-sft (4)`. */
  readonly top: string;
}

/** Sums by namespace, of all that run or wait. */
export function namespaceUse(books: Workloads, now: number): readonly NamespaceUseRow[] {
  const live = books.rows(now).filter(({ state }) => state !== 'Done' && state !== 'Failed');
  const byNamespace = Map.groupBy(live, ({ namespace }) => namespace);
  const queues = Map.groupBy(books.queues.localQueues.values(), ({ namespace }) => namespace);
  const names = new Set([...byNamespace.keys(), ...books.queues.quotas.keys(), ...queues.keys()]);
  return [...names].map((name) => {
    const rows = byNamespace.get(name) ?? [];
    const quotas = quotaItems(books, name);
    const held = addUnits(rows.map((row) => row.held));
    const waits = (row: WorkloadRow): number => Math.max(0, (row.gpusWanted ?? row.gpusHeld) - row.gpusHeld);
    const isGated = ({ state }: WorkloadRow): boolean => state === 'Gated' || state === 'Queued';
    const [top] = rows.toSorted((a, b) => b.gpusHeld - a.gpusHeld);
    return {
      uid: name,
      namespace: '',
      name,
      createdAt: undefined,
      version: '',
      held,
      gpusHeld: sumOf(held),
      gpusPending: rows.reduce((sum, row) => sum + waits(row), 0),
      gpusGated: rows.filter(isGated).reduce((sum, row) => sum + waits(row), 0),
      quota: quotas.map(({ text }) => text).join(', '),
      quotaIsFull: quotas.some(({ isFull }) => isFull),
      queues: (queues.get(name) ?? []).map((queue) => `${queue.name}→${queue.clusterQueue}`).join(' '),
      pods: rows.reduce((sum, row) => sum + row.podsRunning + row.podsPending, 0),
      workloads: rows.length,
      halfPending: rows.filter(({ state }) => state === 'HalfPending').length,
      top: top === undefined || top.gpusHeld === 0 ? '' : `${top.name} (${top.gpusHeld})`,
    };
  });
}

function quotaItems(
  books: Workloads,
  namespace: string,
): readonly { readonly text: string; readonly isFull: boolean }[] {
  return [...(books.queues.quotas.get(namespace)?.values() ?? [])].flatMap(({ items }) =>
    items
      .filter(({ resource }) => /^requests\.\S+\/\S+$/.test(resource) || resource.includes('deviceclass'))
      .map(({ resource, used, hard, usedAmount, hardAmount }) => ({
        text: `${used}/${hard} ${resource.replace(/^requests\./, '').replace(/^nvidia\.com\//, '')}`,
        isFull: usedAmount !== undefined && hardAmount !== undefined && usedAmount >= hardAmount,
      })),
  );
}

function addUnits(all: readonly Units[]): Units {
  const sum: Record<string, number> = {};
  for (const units of all)
    for (const [name, count] of Object.entries(units)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

const count = (
  title: string,
  value: (row: NamespaceUseRow) => number,
  priority: number,
): Column<NamespaceUseRow> => ({
  title,
  value,
  text: (row) => (value(row) === 0 ? '-' : String(value(row))),
  align: 'right',
  priority,
});

const columns: readonly Column<NamespaceUseRow>[] = [
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  { ...count('USED', (row) => row.gpusHeld, 0), tone: ({ gpusHeld }) => (gpusHeld > 0 ? 'accent' : 'dim') },
  {
    ...count('PENDING', (row) => row.gpusPending, 0),
    tone: ({ gpusPending }) => (gpusPending > 0 ? 'pending' : 'dim'),
  },
  count('GATED', (row) => row.gpusGated, 3),
  {
    ...count('STUCK', (row) => row.halfPending, 3),
    tone: ({ halfPending }) => (halfPending > 0 ? 'bad' : 'dim'),
  },
  {
    title: 'QUOTA',
    value: (row) => row.quota,
    text: (row) => row.quota || '-',
    tone: ({ quotaIsFull }) => (quotaIsFull ? 'warn' : 'plain'),
    priority: 2,
  },
  { title: 'QUEUES', value: (row) => row.queues, text: (row) => row.queues || '-', priority: 4 },
  count('PODS', (row) => row.pods, 3),
  count('WORKLOADS', (row) => row.workloads, 2),
  { title: 'TOP HOLDER', value: (row) => row.top, text: (row) => row.top || '-', priority: 3 },
];

/** GPUs by namespace (gpu.md 9.4). */
export const namespaceUseTable = (
  books: (cluster: ClusterRows) => Workloads,
): DerivedTable<NamespaceUseRow> => ({
  name: 'gpu-namespaces',
  title: 'GPUs by namespace',
  empty: 'No pods, and so nobody who holds or wants GPUs,',
  aliases: ['gns'],
  namespaced: false,
  needs: bookSources.map(({ resource }) => resource),
  sort: { column: 'USED', descending: true },
  columns,
  fault: ({ halfPending, quotaIsFull, gpusPending }) => halfPending > 0 || (quotaIsFull && gpusPending > 0),
  derive: (cluster, now) => namespaceUse(books(cluster), now),
});
