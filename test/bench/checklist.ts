import { parseArgs } from 'node:util';
import { evaluate } from '../../src/checklist/evaluate.ts';
import { signatures } from '../../src/checklist/signatures/index.ts';
import { loadScenario } from '../../src/demo/scenario/index.ts';
import { createStore } from '../../src/demo/store.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { events } from '../../src/resources/events.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Resource } from '../../src/resources/resource.ts';
import { createCluster } from '../../src/state/cluster.ts';
import { findingTables } from '../../src/state/findings.ts';
import { liveIndex } from '../../src/state/live-index.ts';
import { createSchedulerBooks } from '../../src/state/scheduler-books.ts';
import { createTrueStates } from '../../src/state/true-states.ts';
import { percentile } from './cluster.ts';
import { line } from './measure.ts';

// The checklist's own work, without wire and screen: the true state of every pod, and whole checklists of some.
const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: '5000' },
  },
});

/** Of this thread: what others do on the machine is not its work. */
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

const now = Date.now();
const store = createStore();
loadScenario(store, {
  now: () => now,
  still: true,
  pods: Number(values.pods),
  nodes: Number(values.nodes),
});
const cluster = createCluster();
const kinds: readonly (readonly [Resource, string])[] = [
  [anyResource(nodes), 'nodes'],
  [anyResource(pods), 'pods'],
  [anyResource(events), 'events'],
];
for (const [resource, plural] of kinds) {
  cluster.apply(
    store.list('', plural).map((object) => ({
      type: 'put',
      resource,
      scope: '',
      row: resource.toRow(object as KubeObject, { server: undefined }),
    })),
    now,
  );
  cluster.apply([{ type: 'link', resource, scope: '', link: { state: 'live', sinceMs: now } }], now);
}
const rows = [...cluster.rowsOf(pods)];
const what = `${rows.length.toLocaleString('en')} pods, ${cluster.count(anyResource(nodes)).toLocaleString('en')} nodes`;

const started = cpuMs();
const states = createTrueStates(cluster, () => now);
const firstMs = cpuMs() - started;
line(
  `${what}: true states, first time`,
  `${firstMs.toFixed(0)} ms, ${((1000 * firstMs) / rows.length).toFixed(1)} µs a pod`,
);
const again = cpuMs();
for (const row of rows) states.of(row, now);
const againMs = cpuMs() - again;
line(
  `${what}: the same again`,
  `${againMs.toFixed(1)} ms, ${((1000 * againMs) / rows.length).toFixed(2)} µs a pod`,
);
const findingsAt = cpuMs();
const tables = findingTables(states, cluster);
const found = tables[0]?.derive(cluster, now) ?? [];
line(`${what}: findings by cause`, `${(cpuMs() - findingsAt).toFixed(1)} ms, ${found.length} groups`);
line(`${what}: not well`, `${states.bad()} bad, ${states.warn()} worth a look`);

// As the screen has them: made in slices once the first checklist is asked for.
const books = createSchedulerBooks(cluster);
const askedAt = cpuMs();
await new Promise<void>((resolve) => {
  books.ledger(resolve);
});
const made = books.ledger(() => undefined);
if (made === undefined) throw new Error('The books are not there.');
const ledger = made;
line(`${what}: the scheduler's books, in slices`, `${(cpuMs() - askedAt).toFixed(0)} ms`);
const parts = { cluster, happenings: states.happenings, node: states.node };

function measure(title: string, chosen: readonly PodRow[]): void {
  const tookMs: number[] = [];
  for (const row of chosen) {
    const object = store.get({ group: '', plural: 'pods', namespace: row.namespace, name: row.name });
    if (object === undefined) continue;
    const from = cpuMs();
    const index = liveIndex(parts, { objects: [object as KubeObject], ledger }, now);
    evaluate(index, object as KubeObject);
    tookMs.push(cpuMs() - from);
  }
  if (tookMs.length === 0) return;
  line(
    `${what}: checklist of ${title}`,
    `p50 ${percentile(tookMs, 0.5).toFixed(1)}  p99 ${percentile(tookMs, 0.99).toFixed(1)} ms CPU (${tookMs.length} pods)`,
  );
}

const some = (test: (row: PodRow) => boolean): readonly PodRow[] => rows.filter(test).slice(0, 50);
const unplaced = some((row) => row.phase === 'Pending' && row.node === '');
// The first few compile what they run.
measure('a pod without a node, first of all', unplaced.slice(0, 1));
measure('a pod without a node', unplaced);
measure(
  'a pod that fails',
  some((row) => row.trouble !== undefined),
);
measure(
  'a pod that is well',
  some((row) => row.phase === 'Running' && row.trouble === undefined),
);
books.stop();
states.stop();

// One line without an end is what a progress bar, a minified page or an attacker logs.
const hostileLines = ['a', 'A_', 'a.', '1', 'a:80 ', '\'"', '[', 'Error: ', 'Connection to '].map(
  (part) => `${part.repeat(65_536 / part.length)}\n`,
);
const slowest = signatures
  .flatMap(({ id, pattern }) =>
    hostileLines.map((text) => {
      const startedAt = cpuMs();
      pattern.exec(text);
      return { id, ms: cpuMs() - startedAt };
    }),
  )
  .reduce((worst, one) => (one.ms > worst.ms ? one : worst));
line('one log signature over 64 KB in one line, the slowest', `${slowest.id}, ${slowest.ms.toFixed(1)} ms`);
