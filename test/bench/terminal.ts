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

const cluster = await serveCluster(['--still', '--pods', values.pods, '--nodes', values.nodes]);
await measureHeld(cluster);
await measureBytes(cluster);
cluster.stop();
