import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { cutAfter, inPiecesOf, onPath } from '../../src/demo/faults.ts';
import type { Demo, DemoOptions } from '../../src/demo/index.ts';
import type { KubeLike } from '../../src/demo/object.ts';
import type { LogLine, LogsProvider } from '../../src/demo/providers.ts';
import { startLogFeed } from '../../src/feed/logs.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { type Cluster, createCluster } from '../../src/state/cluster.ts';
import { createLogStore, type LogStore } from '../../src/state/log-store.ts';
import { createSession, pop, push, type SessionStore } from '../../src/state/session.ts';
import { type LogView, logView } from '../../src/state/text-views.ts';
import { demoOf, pod } from '../demo/cluster.ts';
import { quickTiming } from '../kube/api-server.ts';
import { connectTo } from '../live-feed.ts';
import { listed, podKind } from '../screens/given.tsx';

const isLog = onPath(/\/log$/);
const start = Date.parse('2026-01-01T00:00:00Z');

/** Containers that write when told to. */
interface Writers {
  readonly provider: LogsProvider;
  readonly write: (podName: string, ...texts: readonly string[]) => void;
  readonly end: (podName: string) => void;
}

function writers(): Writers {
  const written = new Map<string, LogLine[]>();
  const listeners = new Map<string, Set<(line: LogLine | undefined) => void>>();
  let clock = start;
  const of = (name: string): LogLine[] => {
    const lines = written.get(name) ?? [];
    written.set(name, lines);
    return lines;
  };
  return {
    provider: (object, _container, { previous }) => {
      const name = object.metadata?.name ?? '';
      if (previous) return { lines: [{ at: start, text: `${name} before` }] };
      return {
        lines: [...of(name)],
        follow(onLine) {
          const all = listeners.get(name) ?? new Set();
          listeners.set(name, all.add(onLine));
          return () => all.delete(onLine);
        },
      };
    },
    write(name, ...texts) {
      for (const text of texts) {
        // Several lines fall into one millisecond, and many into one second.
        clock += text.length % 3 === 0 ? 0 : 7;
        const line = { at: clock, text };
        of(name).push(line);
        for (const listener of listeners.get(name) ?? []) listener(line);
      }
    },
    end(name) {
      for (const listener of listeners.get(name) ?? []) listener(undefined);
    },
  };
}

interface Given {
  readonly demo: Demo;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly logs: LogStore;
  readonly writers: Writers;
  readonly open: (view: LogView) => void;
  readonly pods: (...objects: readonly KubeLike[]) => void;
  /** Texts of the lines, without mltop's own. */
  readonly lines: (podName?: string) => string[];
  /** mltop's own. */
  readonly notes: () => string[];
}

async function given(
  objects: readonly KubeLike[],
  options: Partial<DemoOptions> = {},
  user = 'admin',
): Promise<Given> {
  const written = writers();
  const demo = await demoOf({ objects, still: true, logsProvider: written.provider, ...options });
  const { connection } = await connectTo(demo, { user, timing: quickTiming });
  const cluster = createCluster();
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: start });
  const logs = createLogStore();
  const feed = startLogFeed({ connection, cluster, session, logs, now: Date.now });
  onTestFinished(() => feed.stop());
  const pods = (...now: readonly KubeLike[]): void =>
    cluster.apply(listed(podKind, now.map(withUid)), Date.now());
  pods(...objects);
  const entries = () => {
    while (logs.show(1000));
    return Array.from({ length: logs.shownLength() }, (_, at) => logs.shownAt(at)).filter(
      (entry) => entry !== undefined,
    );
  };
  logs.setFilter({ pattern: undefined, invert: false, context: 0, folded: false });
  return {
    demo,
    cluster,
    session,
    logs,
    writers: written,
    pods,
    open: (view) => session.setState(push(view)(session.getState())),
    lines: (name) =>
      entries()
        .filter(({ kind, source }) => kind === 'line' && (name === undefined || source?.pod === name))
        .map(({ text }) => text),
    notes: () =>
      entries()
        .filter(({ kind }) => kind !== 'line')
        .map(({ text }) => text),
  };
}

const withUid = (object: KubeLike): KubeObject =>
  ({ ...object, metadata: { uid: `uid-${object.metadata?.name}`, ...object.metadata } }) as KubeObject;

const onePod = (name: string): LogView => logView(name, { by: 'pod', namespace: 'train', name });
const allPods = logView('job', { by: 'labels', namespace: 'train', labels: { app: 'job' } });
const worker = (rank: number): KubeLike => pod(`w-${rank}`, { labels: { app: 'job' } });

test('lines that come are shown, and what was written before', async () => {
  const it = await given([pod('a')]);
  it.writers.write('a', 'one', 'two');
  it.open(onePod('a'));
  await expect.poll(() => it.lines()).toEqual(['one', 'two']);
  it.writers.write('a', 'three');
  await expect.poll(() => it.lines()).toEqual(['one', 'two', 'three']);
});

test('under random cuts, ends and torn pieces no line is lost and none comes twice', {
  timeout: 60_000,
}, async () => {
  const it = await given([worker(0), worker(1)]);
  it.open(allPods);
  await expect.poll(() => it.demo.faults.open(isLog).length).toBe(2);
  let serial = 0;
  const wanted: Record<string, string[]> = { 'w-0': [], 'w-1': [] };
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.record({
            does: fc.constant('write' as const),
            pod: fc.constantFrom('w-0', 'w-1'),
            count: fc.integer({ min: 1, max: 12 }),
          }),
          fc.record({
            does: fc.constant('cut' as const),
            what: fc.constantFrom('stream' as const, 'connection' as const),
          }),
          fc.record({ does: fc.constant('end' as const) }),
          fc.record({ does: fc.constant('soon' as const), bytes: fc.integer({ min: 1, max: 400 }) }),
        ),
        { minLength: 1, maxLength: 8 },
      ),
      async (steps) => {
        it.demo.faults.clear();
        for (const step of steps) {
          if (step.does === 'write') {
            for (let at = 0; at < step.count; at += 1) {
              const text = `${step.pod} line ${serial++} ${'é'.repeat(serial % 5)}`;
              wanted[step.pod]?.push(text);
              it.writers.write(step.pod, text);
            }
          } else if (step.does === 'cut')
            for (const exchange of it.demo.faults.open(isLog)) exchange.cut(step.what);
          else if (step.does === 'end') for (const exchange of it.demo.faults.open(isLog)) exchange.end();
          else it.demo.faults.next(isLog, [inPiecesOf(7), cutAfter(step.bytes)], 1);
          // Lets the server's sockets write in between.
          await new Promise(setImmediate);
        }
        for (const name of ['w-0', 'w-1'])
          await expect.poll(() => it.lines(name), { timeout: 20_000 }).toEqual(wanted[name]);
      },
    ),
    { numRuns: 12 },
  );
});

test('a pod that comes later joins, and one that goes is marked as dead', async () => {
  const it = await given([worker(0)]);
  it.writers.write('w-0', 'zero');
  it.open(allPods);
  await expect.poll(() => it.lines()).toEqual(['zero']);
  it.demo.store.put(worker(1));
  it.writers.write('w-1', 'one');
  it.pods(worker(0), worker(1));
  await expect.poll(() => it.lines('w-1')).toEqual(['one']);
  it.pods(worker(1));
  await expect.poll(() => it.notes()).toContain('pod w-0 deleted');
  expect(it.logs.sources().map(({ pod: name, isGone }) => [name, isGone])).toEqual([
    ['w-0', true],
    ['w-1', false],
  ]);
});

const withStatus = (name: string, status: Readonly<Record<string, unknown>>): KubeLike => ({
  ...pod(name),
  status: {
    phase: 'Running',
    containerStatuses: [{ name: 'main', image: 'train:1', ready: false, restartCount: 0, ...status }],
  },
});

test('a container that has not started says so and what to do, and is read as soon as it does', async () => {
  const waiting = withStatus('a', { state: { waiting: { reason: 'ContainerCreating' } } });
  const it = await given([waiting]);
  it.open(onePod('a'));
  await expect.poll(() => it.notes()[0]).toContain('has not started (ContainerCreating)');
  it.writers.write('a', 'hello');
  it.demo.store.put(pod('a'));
  await expect.poll(() => it.lines(), { timeout: 10_000 }).toEqual(['hello']);
});

test('where there is no previous run, that is said', async () => {
  const it = await given([pod('a')]);
  it.open({ ...onePod('a'), previous: true });
  await expect.poll(() => it.notes()[0]).toContain('No previous run of main');
});

test('the previous run is offered by itself where the current one has written nothing', async () => {
  const crashed = withStatus('a', {
    restartCount: 2,
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T00:00:00Z' } },
  });
  const it = await given([crashed]);
  it.open(onePod('a'));
  await expect.poll(() => it.demo.faults.open(isLog).length).toBe(1);
  it.writers.end('a');
  await expect.poll(() => it.lines(), { timeout: 10_000 }).toEqual(['a before']);
  expect(it.notes().join()).toContain('this is its previous run');
});

test('a death is told among the lines, and the next run is followed', async () => {
  const it = await given([pod('a')]);
  it.writers.write('a', 'first run');
  it.open(onePod('a'));
  await expect.poll(() => it.lines()).toEqual(['first run']);
  const dead = { terminated: { exitCode: 137, reason: 'OOMKilled', finishedAt: '2026-01-01T00:00:01Z' } };
  it.pods(withStatus('a', { state: dead }));
  await expect.poll(() => it.notes()).toContain('container main terminated: exit 137, OOMKilled');
  it.writers.end('a');
  await expect.poll(() => it.logs.sources()[0]?.state.state, { timeout: 10_000 }).toBe('ended');
  it.pods(
    withStatus('a', {
      restartCount: 1,
      ready: true,
      state: { running: { startedAt: '2026-01-01T00:00:05Z' } },
      lastState: dead,
    }),
  );
  await expect.poll(() => it.notes().join()).toContain('main has started again');
  it.writers.write('a', 'second run');
  await expect.poll(() => it.lines()).toEqual(['first run', 'second run']);
});

test('who may not read logs is told which right is missing', async () => {
  const it = await given([pod('a')], { viewerNamespaces: ['other'] }, 'viewer');
  it.open(onePod('a'));
  await expect.poll(() => it.notes()[0]).toContain('Reading logs is forbidden');
  expect(it.notes()[0]).toContain('pods/log');
});

test('a pod that is gone says so', async () => {
  const it = await given([pod('a')]);
  it.demo.store.remove({ group: '', plural: 'pods', namespace: 'train', name: 'a' });
  it.open(onePod('a'));
  await expect.poll(() => it.notes()[0]).toContain('Pod a is gone');
});

test('at most 32 are followed; the others are read once', async () => {
  const it = await given(Array.from({ length: 40 }, (_, rank) => worker(rank)));
  for (let rank = 0; rank < 40; rank += 1) it.writers.write(`w-${rank}`, `rank ${rank}`);
  it.open(allPods);
  await expect.poll(() => it.lines().length, { timeout: 20_000 }).toBe(40);
  await expect.poll(() => it.demo.faults.open(isLog).length).toBe(32);
});

test('leaving the view closes every stream', async () => {
  const it = await given([worker(0), worker(1)]);
  it.open(allPods);
  await expect.poll(() => it.demo.faults.open(isLog).length).toBe(2);
  it.session.setState(pop(it.session.getState()));
  await expect.poll(() => it.demo.faults.open(isLog).length).toBe(0);
  expect(it.logs.sources()).toEqual([]);
});
