import { acceleratorsIn } from '../accelerators/demand.ts';
import type { Ledger } from '../accelerators/ledger.ts';
import { isAccelerator } from '../resources/devices.ts';
import type { FlavorQuota } from '../resources/kueue.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes as nodeKind } from '../resources/nodes.ts';
import type { ClusterRows, Column, DerivedTable, Row } from '../resources/resource.ts';
import type { Workloads } from './books.ts';
import { bookSources } from './sources.ts';

/** One resource in one queue: its quota, and the hardware behind it. `name` is the queue's. */
export interface QueueUseRow extends Row {
  readonly scheduler: 'Kueue' | 'Volcano' | 'KAI';
  readonly cohort: string;
  /** `''` where the scheduler knows no flavors. */
  readonly flavor: string;
  readonly resource: string;
  /** Undefined where no limit is set. */
  readonly nominal: number | undefined;
  readonly used: number;
  readonly borrowed: number;
  /** What others of the cohort may borrow; undefined where nothing limits it. */
  readonly lendable: number | undefined;
  readonly reserved: number;
  readonly pendingWorkloads: number | undefined;
  /** Units that waiting workloads want of this resource. */
  readonly pendingUnits: number;
  readonly admitted: number | undefined;
  /** Free and schedulable on the flavor's nodes: quota that is free is not hardware that is. Undefined: which nodes is not known. */
  readonly nodeFree: number | undefined;
  /** Why it admits nothing; `''` where it does. */
  readonly inactive: string;
}

export interface QueueAccess {
  readonly books: (cluster: ClusterRows) => Workloads;
  readonly ledger: (cluster: ClusterRows) => Ledger;
}

/** All queues with what they limit. */
export function queueUse(
  books: Workloads,
  ledger: Ledger,
  nodes: Iterable<NodeRow>,
  now: number,
): readonly QueueUseRow[] {
  const { clusterQueues, gangQueues } = books.queues;
  const labelled = new Map([...nodes].map((node) => [node.name, node.labels]));
  const wanted = unitsByQueue(books, now);
  const base = { namespace: '', createdAt: undefined, version: '' } as const;
  const kueue = [...clusterQueues.values()].flatMap((queue) =>
    queue.quotas
      .filter(({ resource }) => isAccelerator(resource))
      .map(
        (quota): QueueUseRow => ({
          ...base,
          uid: `${queue.name}/${quota.flavor}/${quota.resource}`,
          name: queue.name,
          scheduler: 'Kueue',
          cohort: queue.cohort,
          flavor: quota.flavor,
          resource: quota.resource,
          nominal: quota.nominal,
          used: quota.used,
          borrowed: quota.borrowed,
          lendable: lendable(quota),
          reserved: quota.reserved,
          pendingWorkloads: queue.pending,
          pendingUnits: wanted.get(`${queue.name}/${quota.resource}`) ?? 0,
          admitted: queue.admitted,
          nodeFree: nodeFree(quota),
          inactive:
            queue.inactive ||
            (queue.stopPolicy === '' || queue.stopPolicy === 'None' ? '' : `stopped: ${queue.stopPolicy}`),
        }),
      ),
  );
  const gangs = [...gangQueues.values()].flatMap((queue) => {
    const names = new Set(
      [queue.limit, queue.deserved, queue.allocated].flatMap((amounts) =>
        acceleratorsIn(amounts).map(([name]) => name),
      ),
    );
    return [...names].map(
      (resource): QueueUseRow => ({
        ...base,
        uid: `${queue.group}/${queue.name}/${resource}`,
        name: queue.name,
        scheduler: queue.group === 'scheduling.run.ai' ? 'KAI' : 'Volcano',
        cohort: queue.parent,
        flavor: '',
        resource,
        nominal: queue.limit[resource] ?? queue.deserved[resource],
        used: queue.allocated[resource] ?? 0,
        borrowed: Math.max(
          0,
          (queue.allocated[resource] ?? 0) - (queue.deserved[resource] ?? Number.POSITIVE_INFINITY),
        ),
        lendable: undefined,
        reserved: 0,
        pendingWorkloads: queue.pending,
        pendingUnits: wanted.get(`${queue.name}/${resource}`) ?? 0,
        admitted: queue.running,
        nodeFree: undefined,
        inactive: queue.state === '' || queue.state === 'Open' ? '' : queue.state,
      }),
    );
  });
  return [...kueue, ...gangs];

  function nodeFree({ flavor, resource }: FlavorQuota): number | undefined {
    const row = books.queues.flavors.get(flavor);
    if (row === undefined) return undefined;
    const wants = Object.entries(row.nodeLabels);
    let free = 0;
    for (const entry of ledger.entries()) {
      if (entry.className !== resource) continue;
      const labels = labelled.get(entry.node);
      if (labels !== undefined && wants.every(([key, value]) => labels[key] === value))
        free += entry.schedulable;
    }
    return free;
  }
}

const lendable = ({ nominal, used, lendingLimit }: FlavorQuota): number =>
  Math.max(0, Math.min(nominal - used, lendingLimit ?? nominal));

function unitsByQueue(books: Workloads, now: number): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>();
  for (const { queuePlace: place, wanted: units, held } of books.rows(now)) {
    if (place === undefined || units === undefined) continue;
    for (const [name, count] of Object.entries(units)) {
      const key = `${place.queue}/${name}`;
      wanted.set(key, (wanted.get(key) ?? 0) + count - (held[name] ?? 0));
    }
  }
  return wanted;
}

const count = (
  title: string,
  value: (row: QueueUseRow) => number | undefined,
  priority: number,
): Column<QueueUseRow> => ({
  title,
  value,
  text: (row) => String(value(row) ?? '-'),
  align: 'right',
  priority,
});

const columns: readonly Column<QueueUseRow>[] = [
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  { title: 'BY', value: (row) => row.scheduler, tone: () => 'dim', priority: 6 },
  { title: 'COHORT', value: (row) => row.cohort, text: (row) => row.cohort || '-', priority: 5 },
  { title: 'FLAVOR', value: (row) => row.flavor, text: (row) => row.flavor || '-', priority: 1 },
  { title: 'RESOURCE', value: (row) => row.resource, tone: () => 'dim', priority: 2 },
  count('NOMINAL', (row) => row.nominal, 1),
  {
    ...count('USED', (row) => row.used, 0),
    tone: ({ used, nominal }) => (nominal !== undefined && used >= nominal ? 'warn' : 'plain'),
  },
  count('BORROWED', (row) => row.borrowed, 4),
  count('LENDABLE', (row) => row.lendable, 5),
  count('RESERVED', (row) => row.reserved, 5),
  {
    title: 'PENDING',
    value: (row) => row.pendingUnits,
    text: ({ pendingWorkloads, pendingUnits }) => `${pendingWorkloads ?? '?'} wl/${pendingUnits}`,
    tone: ({ pendingUnits }) => (pendingUnits > 0 ? 'pending' : 'dim'),
    align: 'right',
    priority: 1,
  },
  count('ADMITTED', (row) => row.admitted, 4),
  {
    title: 'NODE-FREE',
    value: (row) => row.nodeFree,
    text: ({ nodeFree }) => (nodeFree === undefined ? '?' : String(nodeFree)),
    tone: ({ nodeFree, nominal, used }) =>
      nodeFree !== undefined && nodeFree < (nominal ?? 0) - used ? 'warn' : 'plain',
    align: 'right',
    priority: 0,
  },
  {
    title: 'ACTIVE',
    value: (row) => row.inactive,
    text: ({ inactive }) => (inactive === '' ? 'yes' : inactive),
    tone: ({ inactive }) => (inactive === '' ? 'good' : 'bad'),
    priority: 3,
  },
];

/** Queues and their quotas beside the hardware they stand for (gpu.md 9.4). */
export const queueUseTable = ({ books, ledger }: QueueAccess): DerivedTable<QueueUseRow> => ({
  name: 'gpu-queues',
  title: 'Queues',
  empty: 'No queue of Kueue, Volcano or KAI',
  aliases: ['gq'],
  namespaced: false,
  needs: bookSources.map(({ resource }) => resource),
  sort: { column: 'NAME', descending: false },
  columns,
  fault: ({ inactive }) => inactive !== '',
  why: ({ inactive, nodeFree, nominal, used, flavor }) => {
    if (inactive !== '') return inactive;
    const quotaFree = (nominal ?? 0) - used;
    return nodeFree !== undefined && quotaFree > nodeFree
      ? `Quota for ${quotaFree} is free, but only ${nodeFree} are free on the nodes of flavor ${flavor}.`
      : undefined;
  },
  derive: (cluster, now) => queueUse(books(cluster), ledger(cluster), cluster.rowsOf(nodeKind), now),
});
