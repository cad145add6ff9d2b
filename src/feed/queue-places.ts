import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { number, record, text } from '../resources/fields.ts';
import type { Row } from '../resources/resource.ts';
import type { Workloads } from '../workloads/books.ts';
import type { WorkloadRow } from '../workloads/workload-row.ts';

/** Kueue's own answer cannot be watched: while its queue is on the screen it is asked again this often. */
const askEveryMs = 15_000;

/** An API that is not there, or may not be read, does not come by asking. */
const absentEveryMs = 300_000;

/** Positions beyond this are computed: nobody looks at so many at once. */
const limit = 1000;

const versions = ['v1beta2', 'v1beta1'] as const;

export interface QueuePlaces {
  /** What is on the screen: only the queues of workloads that wait there are asked about. */
  readonly seen: (rows: readonly Row[]) => void;
  readonly stop: () => void;
}

/**
 * Asks Kueue's visibility API for the order in which it will try what waits (gpu.md 5.8), on demand. Where it does not
 * answer, the computed places stay.
 */
export function startQueuePlaces({
  connection,
  workloads,
  now = Date.now,
}: {
  readonly connection: Connection;
  readonly workloads: Pick<Workloads, 'putQueuePlaces'>;
  readonly now?: () => number;
}): QueuePlaces {
  const stopping = new AbortController();
  const dueMs = new Map<string, number>();
  const asking = new Set<string>();
  let absentUntilMs = 0;
  let version: string | undefined;

  async function read(queue: string): Promise<readonly unknown[]> {
    for (const one of version === undefined ? versions : [version]) {
      try {
        const path = `/apis/visibility.kueue.x-k8s.io/${one}/clusterqueues/${encodeURIComponent(queue)}/pendingworkloads`;
        const query = { limit: String(limit) };
        const answer = await connection.json<Readonly<Record<string, unknown>>>({
          path,
          query,
          signal: stopping.signal,
        });
        version = one;
        return Array.isArray(answer['items']) ? answer['items'] : [];
      } catch (error) {
        if (one === versions.at(-1) || !(error instanceof KubeError) || error.kind !== 'not-found')
          throw error;
      }
    }
    return [];
  }

  async function ask(queue: string): Promise<void> {
    asking.add(queue);
    try {
      const items = await read(queue);
      if (stopping.signal.aborted) return;
      workloads.putQueuePlaces(queue, placesIn(items));
      dueMs.set(queue, now() + askEveryMs);
    } catch {
      if (stopping.signal.aborted) return;
      version = undefined;
      absentUntilMs = now() + absentEveryMs;
      // What it said before is no longer known to be so.
      for (const known of dueMs.keys()) workloads.putQueuePlaces(known, undefined);
      dueMs.clear();
    } finally {
      asking.delete(queue);
    }
  }

  return {
    seen(rows) {
      if (now() < absentUntilMs) return;
      for (const row of rows) {
        const { queuePlace: place } = row as Row & Partial<WorkloadRow>;
        if (place === undefined || !place.isKueue || asking.has(place.queue)) continue;
        if ((dueMs.get(place.queue) ?? 0) <= now()) void ask(place.queue);
      }
    },
    stop: () => stopping.abort(),
  };
}

/** Positions by namespace and name of the Kueue workload. */
function placesIn(items: readonly unknown[]): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const item of items) {
    const fields = record(item);
    const metadata = record(fields['metadata']);
    const position = number(fields['positionInClusterQueue']) ?? 0;
    places.set(`${text(metadata['namespace'])}/${text(metadata['name'])}`, position);
  }
  return places;
}
