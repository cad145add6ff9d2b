import type { GangQueueRow } from '../resources/gang-objects.ts';
import type {
  ClusterQueueRow,
  KueueWorkloadRow,
  LocalQueueRow,
  ResourceFlavorRow,
} from '../resources/kueue.ts';
import type { ResourceQuotaRow } from '../resources/resourcequotas.ts';
import type { QueuePlace, Units } from './workload-row.ts';

/** The queues and quotas of a cluster, by what workloads look them up with. */
export interface QueueBooks {
  readonly localQueues: Map<string, LocalQueueRow>;
  readonly clusterQueues: Map<string, ClusterQueueRow>;
  readonly flavors: Map<string, ResourceFlavorRow>;
  /** By group and name. */
  readonly gangQueues: Map<string, GangQueueRow>;
  /** By namespace and name. */
  readonly quotas: Map<string, Map<string, ResourceQuotaRow>>;
}

export const createQueueBooks = (): QueueBooks => ({
  localQueues: new Map(),
  clusterQueues: new Map(),
  flavors: new Map(),
  gangQueues: new Map(),
  quotas: new Map(),
});

/** The ClusterQueue of a Kueue workload: where it has quota, or where its LocalQueue leads. */
export const clusterQueueOf = (books: QueueBooks, workload: KueueWorkloadRow): string =>
  workload.clusterQueue ||
  (books.localQueues.get(`${workload.namespace}/${workload.localQueue}`)?.clusterQueue ?? '');

/** What waits in a queue: higher priority first, then who came first. */
interface Waiting {
  readonly key: string;
  readonly queue: string;
  readonly priority: number;
  readonly since: number;
  readonly isKueue: boolean;
  /** Its place in Kueue's own words; undefined where it was not asked. */
  readonly told: number | undefined;
}

/** Places of all that wait, by the key of their workload: the order in which Kueue and Volcano try them. */
export function queuePlaces(waiting: readonly Waiting[]): ReadonlyMap<string, QueuePlace> {
  const places = new Map<string, QueuePlace>();
  for (const [queue, members] of Map.groupBy(waiting, (one) => one.queue)) {
    if (queue === '') continue;
    const ordered = members.toSorted(
      (a, b) => b.priority - a.priority || a.since - b.since || (a.key < b.key ? -1 : 1),
    );
    for (const [position, { key, told, isKueue }] of ordered.entries())
      if (!places.has(key))
        places.set(key, {
          queue,
          position: told ?? position,
          waiting: Math.max(ordered.length, (told ?? 0) + 1),
          isKueue,
          isTold: told !== undefined,
        });
  }
  return places;
}

/** `h100 16/24 nvidia.com/gpu`: quota of the resources that a workload wants, where it is counted; `''` where not. */
export function quotaText(books: QueueBooks, queue: string, wanted: Units | undefined): string {
  const row = books.clusterQueues.get(queue);
  if (row === undefined || wanted === undefined) return '';
  return row.quotas
    .filter(({ resource }) => (wanted[resource] ?? 0) > 0)
    .map(({ flavor, resource, nominal, used, borrowingLimit }) => {
      const more =
        borrowingLimit === undefined || borrowingLimit === 0 ? '' : ` (+${borrowingLimit} borrowed at most)`;
      return `${flavor} ${used}/${nominal} ${resource.replace(/^nvidia\.com\//, '')}${more}`;
    })
    .join(', ');
}

/** The same of a Volcano or KAI queue; `''` where it sets no limit on what is wanted. */
export function gangQueueText(
  books: QueueBooks,
  group: string,
  queue: string,
  wanted: Units | undefined,
): string {
  const row = books.gangQueues.get(`${group}/${queue}`);
  if (row === undefined || wanted === undefined) return '';
  return Object.keys(wanted)
    .filter((name) => row.limit[name] !== undefined)
    .map((name) => `${row.allocated[name] ?? 0}/${row.limit[name]} ${name.replace(/^nvidia\.com\//, '')}`)
    .join(', ');
}

/** The ResourceQuota that would refuse pods asking for so much more; undefined where none would. */
export function refusingQuota(books: QueueBooks, namespace: string, more: Units): string | undefined {
  for (const quota of books.quotas.get(namespace)?.values() ?? []) {
    for (const { resource, usedAmount, hardAmount } of quota.items) {
      const wanted = more[resource.replace(/^requests\./, '')] ?? 0;
      if (wanted === 0 || !resource.startsWith('requests.')) continue;
      if (usedAmount === undefined || hardAmount === undefined || usedAmount + wanted <= hardAmount) continue;
      const name = resource.replace(/^requests\./, '');
      return `quota ${quota.name} ${usedAmount}/${hardAmount} ${name}, wants ${wanted}`;
    }
  }
  return undefined;
}
