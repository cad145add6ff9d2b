import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Program } from '../e2e/program.ts';
import { type BenchCluster, pause, serveCluster } from './cluster.ts';
import { idle, line, pressAndTime, scrollBytes, sizeOf, spread, timeStart, walk } from './measure.ts';

// What goes to the terminal, and a key held over a link that is slow.
const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '10000' },
    nodes: { type: 'string', default: '200' },
    size: { type: 'string', default: '200x60' },
    keys: { type: 'string', default: '60' },
    link: { type: 'string', default: '64000' },
    'link-size': { type: 'string', default: '120x36' },
    churn: { type: 'string', default: '500' },
    stall: { type: 'string', default: '30' },
  },
});
const pods = Number(values.pods);
const keys = Number(values.keys);
const size = sizeOf(values.size);

/** Keys a second of a keyboard that repeats. */
const repeatMs = 30;
const heldKeys = 100;

async function measureBytes(cluster: BenchCluster): Promise<void> {
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], size);
  await timeStart(program, pods);
  await pause(15_000);
  line(`${values.size}: bytes at rest in 10 s`, `${(await idle(program, 10)).bytes} B`);
  const moves = await walk(program, keys);
  line(`${values.size}: key to painted frame`, spread(moves.ms));
  line(`${values.size}: bytes per cursor move`, `${moves.bytes} B`);
  line(
    `${values.size}: bytes per key once the table scrolls`,
    `${await scrollBytes(program, size.rows, keys)} B`,
  );
  // A letter in the prompt of a command: it and its list of what fits.
  program.press(':');
  await program.quiet(200);
  line(`${values.size}: bytes of a letter typed`, `${(await pressAndTime(program, 'n')).bytes} B`);
  program.kill();
}

const cursorRow = (program: Program): string => program.lines().find((text) => text.startsWith('>')) ?? '';

/** How long after the last key the cursor still moves. */
async function measureHeld(cluster: BenchCluster): Promise<void> {
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], {
    ...sizeOf(values['link-size']),
    bytesPerSecond: Number(values.link) / 8,
  });
  await timeStart(program, pods);
  program.press('g');
  await program.quiet(1000, 20_000);
  const before = program.bytes;
  for (let press = 0; press < heldKeys; press += 1) {
    program.press('Down');
    await pause(repeatMs);
  }
  const lastKeyAt = performance.now();
  let movedAt = lastKeyAt;
  let row = cursorRow(program);
  while (performance.now() - movedAt < 3000) {
    await pause(5);
    const now = cursorRow(program);
    if (now.slice(0, 40) !== row.slice(0, 40)) movedAt = performance.now();
    row = now;
  }
  line(
    `${values['link-size']}: ${heldKeys} keys held over ${Number(values.link) / 1000} kbit/s: the screen is right`,
    `${((movedAt - lastKeyAt) / 1000).toFixed(2)} s after the last key, ${program.bytes - before} B`,
  );
  program.kill();
}

interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A terminal that takes nothing for a while, as over an SSH link that hangs, while the cluster goes on changing. */
async function measureStall(): Promise<void> {
  const churning = await serveCluster([
    ...['--still', '--churn', values.churn],
    ...['--pods', values.pods, '--nodes', values.nodes],
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'mltop-bench-'));
  const file = join(folder, 'delay.json');
  const program = new Program(['pods', '-A', '--kubeconfig', churning.kubeconfig], {
    ...size,
    env: { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'loop-delay.mjs')}`, LOOP_DELAY_FILE: file },
  });
  /** How late the event loop was since the last time that it was asked. */
  async function loopDelay(): Promise<LoopDelay> {
    rmSync(file, { force: true });
    process.kill(program.pty.pid, 'SIGUSR2');
    for (;;) {
      await pause(20);
      if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LoopDelay;
    }
  }
  const told = ({ p50, p99, max }: LoopDelay): string =>
    `p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)}  max ${max.toFixed(1)} ms`;
  const seconds = Number(values.stall);
  const what = `${values.churn} events/s`;
  async function during(how: string): Promise<void> {
    await loopDelay();
    const { rssMb } = program.usage();
    await pause(seconds * 1000);
    line(`${what}: event loop late, terminal ${how} for ${seconds} s`, told(await loopDelay()));
    line(
      `${what}: memory before and after`,
      `${rssMb.toFixed(0)} MB, ${program.usage().rssMb.toFixed(0)} MB`,
    );
  }
  await timeStart(program, pods);
  await pause(5000);
  await during('reading');
  program.pty.pause();
  await during('stalled');
  const resumedAt = performance.now();
  const before = program.bytes;
  program.pty.resume();
  // A key that works shows that what was missed is through.
  program.press('?');
  await program.waitFor(/Keys|keys/);
  line(
    `${what}: a key answered after the stall`,
    `${(performance.now() - resumedAt).toFixed(0)} ms, ${program.bytes - before} B`,
  );
  program.kill();
  churning.stop();
  rmSync(folder, { recursive: true, force: true });
}

const cluster = await serveCluster(['--still', '--pods', values.pods, '--nodes', values.nodes]);
await measureHeld(cluster);
await measureBytes(cluster);
cluster.stop();
await measureStall();
