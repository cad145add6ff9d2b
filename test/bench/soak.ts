import { readdirSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createTables } from '../../src/actions/tables.ts';
import { controlFaults } from '../../src/demo/index.ts';
import { startFeed } from '../../src/feed.ts';
import { connect } from '../../src/kube/connection.ts';
import { discover } from '../../src/kube/discovery.ts';
import { startReflector } from '../../src/kube/reflector.ts';
import { visibleNamespaces } from '../../src/kube/rights.ts';
import { events } from '../../src/resources/events.ts';
import { namespaces } from '../../src/resources/namespaces.ts';
import { pods } from '../../src/resources/pods.ts';
import { anyResource } from '../../src/resources/resource.ts';
import { type Cluster, createCluster } from '../../src/state/cluster.ts';
import { createSession } from '../../src/state/session.ts';
import { summedKinds } from '../../src/state/sums.ts';
import { Program } from '../e2e/program.ts';
import { pause, serveCluster } from './cluster.ts';
import { compare } from './soak-compare.ts';

// `npm run soak -- --minutes 20 --seed 1`: a moving cluster, random faults and a person's keys. In the end the rows of
// mltop are those of the server, its memory is flat, and nothing is left over of what it opened.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    pods: { type: 'string', default: '3000' },
    nodes: { type: 'string', default: '100' },
    churn: { type: 'string', default: '200' },
  },
});
const endMs = performance.now() + Number(values.minutes) * 60_000;
const random = randomFrom(Number(values.seed));

/** Every fault that a server or the way to it can have; those with seconds end by themselves. */
const faults = [
  ...['cut', 'corrupt', '410', 'slow-reader', 'freeze:3', 'freeze:14', 'slow-link:20000', 'slow-list:3'],
  ...['401:3', '403:3', '429:1:4', '500:4', '503:5', 'watchlist:off', 'watchlist:ignored'],
];

/** What a person presses, round after round. */
const keys = [
  ...['Down', 'Down', 'PageDown', 'G', 'g', 'Tab', 'Down', 'Tab', 'Tab', 'Tab', '/', 'w', 'o', 'r', 'Enter'],
  ...['Escape', 'Ctrl-Z', 'Ctrl-Z', '?', 'Escape', '0', ':', 'p', 'o', 'd', 's', 'Enter'],
];

/** mulberry32: the same seed gives the same faults at the same places. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const problems: string[] = [];
process.on('warning', (warning) => problems.push(`warning: ${warning.message}`));
process.on('unhandledRejection', (reason) => problems.push(`unhandled rejection: ${String(reason)}`));

/** Sockets, files and pipes of this process, by what they are. */
const openHandles = (): string =>
  process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate' && name !== 'FSReqCallback')
    .sort()
    .join(' ');

const filesOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

const server = await serveCluster([
  ...['--pods', values.pods, '--nodes', values.nodes, '--churn', values.churn, '--seed', values.seed],
]);
const program = new Program(['pods', '-A', '--kubeconfig', server.kubeconfig], { columns: 120, rows: 36 });
await program.waitFor(/Pods\(all\)\[[\d,]+\]/, 60_000);

// The same feed as the screen's, in this process, where its rows can be read.
const handlesBefore = openHandles();
const listenersBefore = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
const connection = await connect({ kubeconfig: server.kubeconfig, userAgent: 'mltop-soak' });
const cluster: Cluster = createCluster();
const kinds = [...new Set([...summedKinds, anyResource(namespaces), anyResource(events)])];
const feed = startFeed({
  connection,
  startReflector,
  visibleNamespaces,
  discover,
  cluster,
  session: createSession({ table: 'pods', namespaces: 'all', nowMs: Date.now() }),
  tableNamed: createTables([]).named,
  always: kinds,
});

const samples: number[] = [];
let faultsMade = 0;
async function makeFault(): Promise<void> {
  const fault = faults[Math.floor(random() * faults.length)] ?? 'cut';
  faultsMade += 1;
  // One that is refused by the fault before it is a fault less.
  await controlFaults({ kubeconfig: server.kubeconfig }, fault).catch(() => undefined);
  await pause(2000 + random() * 8000);
  await controlFaults({ kubeconfig: server.kubeconfig }, 'clear').catch(() => undefined);
}

let pressed = 0;
let isOver = false;
const typing = (async () => {
  while (!isOver) {
    program.press(keys[pressed % keys.length] ?? 'Down');
    pressed += 1;
    await pause(300);
  }
})();

process.stdout.write('minute  rss MB  peak MB  cpu s  files  faults  load\n');
let nextSampleMs = 0;
let minute = 0;
while (performance.now() < endMs) {
  await makeFault();
  await pause(3000 + random() * 5000);
  if (performance.now() < nextSampleMs) continue;
  nextSampleMs = performance.now() + 60_000;
  minute += 1;
  const { rssMb, peakMb, cpuMs } = program.usage();
  samples.push(rssMb);
  const cells = [minute, rssMb.toFixed(0), peakMb.toFixed(0), (cpuMs / 1000).toFixed(1)];
  const widths = [7, 7, 8, 6];
  process.stdout.write(
    `${cells.map((cell, at) => String(cell).padEnd(widths[at] ?? 7)).join(' ')} ${String(filesOf(program.pty.pid)).padEnd(6)} ${String(faultsMade).padEnd(7)} ${loadavg()[0]?.toFixed(1)}\n`,
  );
}
isOver = true;
await typing;

// All faults over; what was refused is asked for again, as a person would.
for (let tries = 0; tries < 20; tries += 1) {
  const isClear = await controlFaults({ kubeconfig: server.kubeconfig }, 'clear').then(
    () => true,
    () => false,
  );
  if (isClear) break;
  await pause(1000);
}
feed.retryNow();
// An escape and the key behind it would be one key with Alt.
for (const key of ['Escape', 'Escape', 'Escape', 'Ctrl-R', ':', ...'pods all', 'Enter']) {
  program.press(key);
  await pause(300);
}

const { lines, differences } = await compare(
  connection,
  cluster,
  // Those of operators are only there where somebody installed them.
  kinds.filter(({ optional }) => optional !== true),
);
for (const text of lines) process.stdout.write(`${text}\n`);
problems.push(...differences);

const shown = await program
  .waitFor((screen) => {
    const count = Number(/Pods\(all\)\[([\d,]+)\]/.exec(screen)?.[1]?.replaceAll(',', ''));
    // The story goes on: a few pods come and go between two looks.
    return Math.abs(count - cluster.count(anyResource(pods))) <= 2 && /● live/.test(screen);
  }, 60_000)
  .catch(() => undefined);
if (shown === undefined) problems.push(`the screen shows other pods than there are:\n${program.screen()}`);

const [early = 0, late = 0] = [samples[Math.floor(samples.length / 3)], samples.at(-1)];
if (late > early * 1.2 + 20) problems.push(`memory grew from ${early.toFixed(0)} to ${late.toFixed(0)} MB`);

feed.stop();
await connection.close();
await pause(1500);
const handlesAfter = openHandles();
if (handlesAfter !== handlesBefore) problems.push(`left over: ${handlesAfter} in place of ${handlesBefore}`);
const listenersAfter = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
if (listenersAfter !== listenersBefore)
  problems.push(`${listenersAfter - listenersBefore} listeners of the process are left over`);

program.kill();
server.stop();
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(
  `${values.minutes} minutes, seed ${values.seed}: ${faultsMade} faults, ${pressed} keys, ${problems.length} differences\n`,
);
process.exit(problems.length === 0 ? 0 : 1);
