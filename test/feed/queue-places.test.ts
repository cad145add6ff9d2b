import { expect, onTestFinished, test, vi } from 'vitest';
import { statusBody } from '../../src/demo/status.ts';
import { startQueuePlaces } from '../../src/feed/queue-places.ts';
import { booksOf } from '../../src/workloads/sources.ts';
import { demoOf } from '../demo/cluster.ts';
import { connectTo } from '../live-feed.ts';
import { catalogueObjects, clusterOf } from '../workloads/cluster.ts';

const now = Date.parse('2026-09-30T14:00:00Z');

/** The catalogue's queues, and a server whose Kueue answers so; undefined: it has no visibility API. */
async function given(answer: Readonly<Record<string, unknown>> | undefined, served = 'v1beta2') {
  const demo = await demoOf({ still: true });
  const asked: string[] = [];
  demo.faults.always(
    ({ path }) => path.startsWith('/apis/visibility.kueue.x-k8s.io/'),
    (exchange) => {
      asked.push(exchange.path);
      return answer !== undefined && exchange.path.includes(`/${served}/`)
        ? exchange.json(200, answer)
        : exchange.json(404, statusBody(404, 'the server could not find the requested resource'));
    },
  );
  const { connection } = await connectTo(demo);
  const books = booksOf(clusterOf(catalogueObjects('nodes', 'pods', 'workloads', 'queues-and-quota')));
  const places = startQueuePlaces({ connection, workloads: books });
  onTestFinished(places.stop);
  const waits = () =>
    books.rows(now).filter(({ queuePlace }) => queuePlace?.queue === 'research' && queuePlace.isKueue);
  return { asked, places, waits };
}

const pending = (names: readonly string[]): Readonly<Record<string, unknown>> => ({
  items: names.map((name, positionInClusterQueue) => ({
    metadata: { namespace: 'team-c', name },
    positionInClusterQueue,
  })),
});

const workloadNames = catalogueObjects('queues-and-quota', 'workloads')
  .filter(({ kind, apiVersion }) => kind === 'Workload' && apiVersion?.startsWith('kueue') === true)
  .flatMap(({ metadata }) => metadata?.name ?? []);

test('places are computed until Kueue has told its own', async () => {
  const { places, waits, asked } = await given(pending(workloadNames.toReversed()), 'v1beta1');
  const before = waits();
  expect(before.map(({ queuePlace }) => queuePlace)).toMatchObject([{ isTold: false }, { isTold: false }]);
  expect(before[0]?.why).toContain('by priority and age');
  places.seen(before);
  await vi.waitFor(() => expect(waits().every(({ queuePlace }) => queuePlace?.isTold)).toBe(true));
  expect(waits()[0]?.why).toContain('says Kueue');
  // What has just been told is not asked again; the version that answered is kept.
  places.seen(before);
  expect(asked).toEqual([
    '/apis/visibility.kueue.x-k8s.io/v1beta2/clusterqueues/research/pendingworkloads',
    '/apis/visibility.kueue.x-k8s.io/v1beta1/clusterqueues/research/pendingworkloads',
  ]);
});

test('a cluster without the visibility API is asked once, and its places stay computed', async () => {
  const { places, waits, asked } = await given(undefined);
  places.seen(waits());
  await vi.waitFor(() => expect(asked.length).toBe(2));
  await vi.waitFor(() => {
    places.seen(waits());
    expect(asked.length).toBe(2);
  });
  expect(waits().some(({ queuePlace }) => queuePlace?.isTold)).toBe(false);
});
