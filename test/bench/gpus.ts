import { gpuRows, gpus } from '../../src/accelerators/gpus.ts';
import { createLedger } from '../../src/accelerators/ledger.ts';
import { recompute } from '../../src/accelerators/recompute.ts';
import { summaryOf } from '../../src/accelerators/summary.ts';
import { createTables } from '../../src/actions/tables.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { jobs } from '../../src/resources/jobs.ts';
import type { NodeRow } from '../../src/resources/node-row.ts';
import { nodes } from '../../src/resources/nodes.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource, type Row, type Table } from '../../src/resources/resource.ts';
import { explain } from '../../src/scheduling/explain.ts';
import { planFit } from '../../src/scheduling/fit.ts';
import { createLedger as createSchedulingLedger } from '../../src/scheduling/ledger.ts';
import { gpuSummaryLines } from '../../src/screens/gpu-summary.ts';
import { createScreen } from '../../src/screens/screen.ts';
import { createCluster } from '../../src/state/cluster.ts';
import { createSession } from '../../src/state/session.ts';
import { createSums } from '../../src/state/sums.ts';
import { createUsage } from '../../src/state/usage.ts';
import { gpusWithUse } from '../../src/state/usage-tables.ts';
import { themeNamed } from '../../src/ui/theme.ts';
import { createWorkloads } from '../../src/workloads/books.ts';
import { ofJob } from '../../src/workloads/objects.ts';
import { percentile } from './cluster.ts';

/** `npm run bench -- gpus`: the arithmetic, and what the screen makes of it, without a server or a terminal. */
const nodeCount = 5000;
const podCount = 40_000;
const podsPerJob = 8;
const deltas = 500;

const server = { server: undefined };
const createdAt = '2026-09-30T13:00:00Z';

const nodeOf = (index: number): NodeRow =>
  nodes.toRow(
    {
      metadata: {
        name: `gpu-${index}`,
        uid: `node-${index}`,
        labels: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3', 'nvidia.com/gpu.count': '8' },
      },
      spec: {},
      status: {
        capacity: { cpu: '96', memory: '1Ti', pods: '110', 'nvidia.com/gpu': '8' },
        allocatable: {
          cpu: '96',
          memory: '1Ti',
          pods: '110',
          'nvidia.com/gpu': index % 97 === 0 ? '7' : '8',
        },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    } as KubeObject,
    server,
  );

const template = {
  spec: {
    containers: [
      {
        name: 'main',
        image: 'x',
        resources: { limits: { 'nvidia.com/gpu': '1', cpu: '8', memory: '64Gi' } },
      },
    ],
  },
};

function podOf(index: number, node: string | undefined): PodRow {
  const job = `job-${Math.floor(index / podsPerJob)}`;
  return pods.toRow(
    {
      metadata: {
        name: `${job}-${index % podsPerJob}`,
        namespace: `team-${Math.floor(index / podsPerJob) % 40}`,
        uid: `pod-${index}`,
        creationTimestamp: createdAt,
        labels: {
          'batch.kubernetes.io/job-name': job,
          'batch.kubernetes.io/job-completion-index': String(index % podsPerJob),
        },
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'Job', name: job, uid: `uid-${job}`, controller: true },
        ],
      },
      spec: { ...template.spec, ...(node !== undefined && { nodeName: node }) },
      status: {
        phase: node === undefined ? 'Pending' : 'Running',
        conditions: [{ type: 'Ready', status: node === undefined ? 'False' : 'True' }],
      },
    } as KubeObject,
    server,
  );
}

const jobOf = (index: number) =>
  ofJob(
    jobs.toRow(
      {
        metadata: {
          name: `job-${index}`,
          namespace: `team-${index % 40}`,
          uid: `uid-job-${index}`,
          creationTimestamp: createdAt,
        },
        spec: { parallelism: podsPerJob, completions: podsPerJob, completionMode: 'Indexed', template },
        status: { active: podsPerJob },
      } as KubeObject,
      server,
    ),
  );

function line(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

function timed<T>(work: () => T): readonly [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

const ms = (value: number): string => `${value < 1 ? value.toFixed(3) : value.toFixed(1)} ms`;

const nodeRows = Array.from({ length: nodeCount }, (_, index) => nodeOf(index));
// One in 50 waits.
const podRows = Array.from({ length: podCount }, (_, index) =>
  podOf(index, index % 50 === 0 ? undefined : `gpu-${index % nodeCount}`),
);
const jobRows = Array.from({ length: podCount / podsPerJob }, (_, index) => jobOf(index));
const now = Date.parse('2026-09-30T14:00:00Z');
line('nodes × GPUs, pods', `${nodeCount} × 8, ${podCount}`);

const ledger = createLedger();
const [, filled] = timed(() => {
  for (const node of nodeRows) ledger.putNode(node);
  for (const pod of podRows) ledger.addPod(pod);
  return summaryOf({ totals: ledger.totals(), demand: ledger.demand() });
});
line('GPU sums: from nothing, one object at a time', ms(filled));
const [, full] = timed(() =>
  recompute({ pods: podRows, nodes: nodeRows, slices: [], claims: [], demands: [] }),
);
line('GPU sums: recomputed whole', ms(full));
const oneDelta = Array.from({ length: deltas }, (_, index) => {
  const pod = podOf(index * 50, `gpu-${index}`);
  return timed(() => {
    ledger.addPod(pod);
    return summaryOf({ totals: ledger.totals(), demand: ledger.demand() });
  })[1];
});
line(
  'GPU sums: one pod changes',
  `p50 ${ms(percentile(oneDelta, 0.5))}  p99 ${ms(percentile(oneDelta, 0.99))}`,
);

const books = createWorkloads();
const [rows, grouped] = timed(() => {
  for (const node of nodeRows) books.putNode(node);
  for (const job of jobRows) books.putObject(job);
  for (const pod of podRows) books.putPod(undefined, pod);
  return books.rows(now);
});
line(`workloads: ${rows.length} from nothing`, ms(grouped));
const [, again] = timed(() => books.rows(now));
line('workloads: nothing changed', ms(again));
const regrouped = Array.from({ length: deltas }, (_, index) => {
  const at = index * 50;
  const [before, after] = [podRows[at], podOf(at, `gpu-${index}`)];
  return timed(() => {
    books.putPod(before, after);
    return books.rows(now);
  })[1];
});
line(
  'workloads: one pod changes',
  `p50 ${ms(percentile(regrouped, 0.5))}  p99 ${ms(percentile(regrouped, 0.99))}`,
);

const scheduling = createSchedulingLedger();
const [, prepared] = timed(() => {
  for (const node of nodeRows) scheduling.putNode(node);
  for (const pod of podRows) scheduling.putPod(pod);
});
line('scheduling: from nothing', ms(prepared));
const waiting = podRows.filter(({ node }) => node === '').slice(0, 20);
const asked = waiting.map((pod, index) => {
  // Another version of the ledger each time, so that no answer is an old one.
  scheduling.putPod(podOf(index * 50 + 1, `gpu-${index}`));
  return timed(() => explain(scheduling, pod))[1];
});
line(
  'scheduling: every filter on every node, for one pod',
  `p50 ${ms(percentile(asked, 0.5))}  p99 ${ms(percentile(asked, 0.99))}`,
);
const [, planned] = timed(() => planFit(scheduling, { gpus: 8, count: 2, model: 'H100' }));
line('fit: 2 × 8 H100', ms(planned));

/** The GPUs view of all that, as `wire.tsx` puts it together. */
function gpuScreen() {
  const cluster = createCluster();
  const [podKind, nodeKind] = [anyResource(pods), anyResource(nodes)];
  const put = (resource: typeof podKind, row: Row) => ({ type: 'put', resource, scope: '', row }) as const;
  const sums = createSums(cluster);
  const usage = createUsage();
  const list = (resource: typeof podKind, all: readonly Row[]): void => {
    const link = { state: 'live', sinceMs: now } as const;
    cluster.apply([{ type: 'listStart', resource, scope: '' }, ...all.map((row) => put(resource, row))], now);
    cluster.apply(
      [
        { type: 'listEnd', resource, scope: '' },
        { type: 'link', resource, scope: '', link },
      ],
      now,
    );
  };
  list(nodeKind, nodeRows);
  list(podKind, podRows);
  const session = createSession({ table: 'gpus', namespaces: 'all', nowMs: now });
  let clock = now;
  const table = gpusWithUse({ ...gpus, derive: () => gpuRows(sums.ledger) }, usage);
  const screen = createScreen({
    session,
    cluster,
    tables: createTables([table as unknown as Table<Row>]),
    services: {
      copy: async () => '',
      save: async () => '',
      retryNow: () => undefined,
      switchContext: () => undefined,
      setTheme: () => undefined,
      version: 'bench',
    },
    theme: themeNamed('dark', { level: 3 }),
    themes: [],
    version: 'bench',
    health: () => ({ lastHeardMs: clock, roundTripMs: 1 }),
    sums: () => {
      const { devices, pending } = sums.summary();
      return {
        nodes: { ready: sums.nodesReady(), total: sums.nodesTotal() },
        gpus: { used: devices.used, total: devices.total, unusable: devices.unusable + devices.broken },
        waiting: pending,
        faults: 0,
      };
    },
    always: [],
    summary: (_table, theme, columns) =>
      gpuSummaryLines(
        { summary: sums.summary(), totals: sums.ledger.totals(), demand: sums.ledger.demand(), idle: [] },
        theme,
        columns,
      ),
    heldRows: () => [],
    now: () => clock,
  });
  return {
    frame: () => screen.frame(200, 60),
    press: () => screen.press({ name: 'j', ctrl: false, shift: false, meta: false, text: 'j' }),
    change(index: number) {
      // Half a second later, so that the table is derived again.
      clock += 600;
      cluster.apply([put(podKind, podOf(index * 50, `gpu-${index}`))], clock);
      screen.refresh();
    },
    settle() {
      for (let turn = 0; turn < 50; turn += 1) {
        clock += 600;
        screen.refresh();
      }
    },
    stop: () => {
      screen.stop();
      sums.stop();
    },
  };
}

const screen = gpuScreen();
const [, first] = timed(() => {
  screen.frame();
  screen.settle();
});
line('GPUs view: from nothing to a settled frame', ms(first));
const framed = Array.from({ length: deltas }, (_, index) => timed(() => screen.change(index))[1]);
line(
  'GPUs view: frame, one pod changed (200x60)',
  `p50 ${ms(percentile(framed, 0.5))}  p99 ${ms(percentile(framed, 0.99))}`,
);
const moved = Array.from(
  { length: deltas },
  () =>
    timed(() => {
      screen.press();
      return screen.frame();
    })[1],
);
line(
  'GPUs view: frame, the cursor moved (200x60)',
  `p50 ${ms(percentile(moved, 0.5))}  p99 ${ms(percentile(moved, 0.99))}`,
);
screen.stop();
