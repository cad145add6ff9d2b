import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTables } from '../src/actions/tables.ts';
import type { DemoOptions } from '../src/demo/index.ts';
import type { KubeLike } from '../src/demo/object.ts';
import { events } from '../src/resources/events.ts';
import { namespaces } from '../src/resources/namespaces.ts';
import { nodes } from '../src/resources/nodes.ts';
import { pods } from '../src/resources/pods.ts';
import { anyResource, type Resource } from '../src/resources/resource.ts';
import type { Cluster } from '../src/state/cluster.ts';
import { goTo, type SessionStore, tableView } from '../src/state/session.ts';
import { demoOf } from './demo/cluster.ts';
import { temporaryFolder } from './folder.ts';
import { connectTo, feedFrom, until } from './live-feed.ts';

// What mltop costs an API server, read from the server's own log of requests.

interface Request {
  readonly path: string;
  readonly query: string;
  readonly userAgent: string;
}

const podKind = anyResource(pods);
const always: readonly Resource[] = [
  podKind,
  anyResource(nodes),
  anyResource(namespaces),
  anyResource(events),
];

const pod = (index: number, phase = 'Running'): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `rank-${index}`, namespace: 'train' },
  spec: { containers: [{ name: 'main', image: 'train:1' }] },
  status: { phase },
});

async function given(options: DemoOptions) {
  const requestsFile = join(temporaryFolder('manners'), 'requests');
  const demo = await demoOf({ ...options, requestsFile });
  let inFlight = 0;
  let mostInFlight = 0;
  demo.faults.always(
    ({ path, query, method }) =>
      method === 'GET' && /^\/apis?\/.*\/\w+$/.test(path) && query.get('watch') === null,
    (exchange) => {
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      exchange.signal.addEventListener('abort', () => {
        inFlight -= 1;
      });
    },
  );
  const { connection } = await connectTo(demo, { userAgent: 'mltop/test (linux)' });
  const { cluster, session } = feedFrom(connection, { always, graceMs: 0 });
  const requests = (): Request[] =>
    readFileSync(requestsFile, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Request);
  return { demo, cluster, session, requests, mostInFlight: () => mostInFlight };
}

const isLive = (cluster: Cluster, kind: Resource): boolean =>
  cluster.linksOf(kind).some(({ state }) => state === 'live');
const allLive = (cluster: Cluster): boolean => always.every((kind) => isLive(cluster, kind));

const show = (session: SessionStore, table: string): void =>
  session.setState(goTo(tableView(table))(session.getState()));

test('lists are read in pages of 500, one request at a time', async () => {
  const objects = Array.from({ length: 1200 }, (_, index) => pod(index));
  const { cluster, requests, mostInFlight } = await given({ objects, version: 'v1.30.14' });
  await until(cluster, () => allLive(cluster));
  expect(cluster.count(podKind)).toBe(1200);
  const pages = requests().filter(({ path, query }) => path === '/api/v1/pods' && !query.includes('watch='));
  expect(pages.map(({ query }) => new URLSearchParams(query).get('limit'))).toEqual(['500', '500', '500']);
  expect(mostInFlight()).toBe(1);
});

test('where lists stream, each kind is one request', async () => {
  const { cluster, requests } = await given({ objects: [pod(0)], version: 'v1.36.3' });
  await until(cluster, () => allLive(cluster));
  const asked = requests().map(({ path }) => path);
  for (const path of ['/api/v1/pods', '/api/v1/nodes', '/api/v1/namespaces'])
    expect(asked.filter((one) => one === path)).toHaveLength(1);
  expect(requests().every(({ userAgent }) => userAgent === 'mltop/test (linux)')).toBe(true);
});

test('once everything is live, changes come by and nothing is asked again', async () => {
  const { demo, cluster, requests } = await given({ objects: [pod(0)], bookmarkEveryMs: 20 });
  await until(cluster, () => allLive(cluster));
  const before = requests().length;
  for (const phase of ['Pending', 'Running', 'Failed', 'Running', 'Succeeded']) {
    demo.store.put(pod(0, phase));
    await until(cluster, () => [...cluster.rowsOf(pods)].some((row) => row.phase === phase));
  }
  expect(requests().slice(before)).toEqual([]);
});

test('another view opens what it needs, once, and closes it when it is left', async () => {
  const { demo, cluster, session, requests } = await given({ objects: [pod(0)] });
  await until(cluster, () => allLive(cluster));
  const watchesBefore = demo.faults.open().length;
  const before = requests().length;
  const jobs = createTables([]).named('jobs') as unknown as Resource;
  show(session, 'jobs');
  await until(cluster, () => isLive(cluster, jobs));
  expect(requests().slice(before)).toMatchObject([{ path: '/apis/batch/v1/jobs' }]);
  show(session, 'pods');
  await until(cluster, () => cluster.linksOf(jobs).length === 0);
  await expect.poll(() => demo.faults.open().length).toBe(watchesBefore);
  expect(requests()).toHaveLength(before + 1);
});
