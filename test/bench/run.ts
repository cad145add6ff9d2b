import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { launcher, Program } from '../e2e/program.ts';
import { type BenchCluster, pause, percentile, serveCluster } from './cluster.ts';

// `npm run bench`: what a person waits for and what the machine pays, against the demo cluster in a process of its own.
const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '1000,10000' },
    nodes: { type: 'string', default: '200' },
    size: { type: 'string', default: '200x60' },
    churn: { type: 'string', default: '500' },
    keys: { type: 'string', default: '60' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help === true) {
  process.stdout.write(
    'npm run bench -- [--pods 1000,10000] [--nodes N] [--size 200x60] [--churn EVENTS_PER_S] [--keys N]\n',
  );
  process.exit(0);
}
const [columns = 200, rows = 60] = values.size.split('x').map(Number);
const keys = Number(values.keys);

function line(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

function timeOf(command: string, args: readonly string[]): number {
  const runs = Array.from({ length: 11 }, () => {
    const start = performance.now();
    spawnSync(command, args, { stdio: 'ignore' });
    return performance.now() - start;
  });
  return percentile(runs, 0.5);
}

const spread = (sample: readonly number[]): string =>
  `p50 ${percentile(sample, 0.5).toFixed(1)}  p99 ${percentile(sample, 0.99).toFixed(1)} ms`;

/** Presses one key and waits for the first bytes of the answer, then for quiet. */
async function pressAndTime(program: Program, key: string): Promise<{ ms: number; bytes: number }> {
  const before = program.bytes;
  const start = performance.now();
  const answered = new Promise<number>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer to ${key}`)), 3000);
    const listener = program.pty.onData(() => {
      clearTimeout(late);
      listener.dispose();
      resolve(performance.now() - start);
    });
  });
  program.press(key);
  const ms = await answered;
  await program.quiet(40);
  return { ms, bytes: program.bytes - before };
}

async function measureStart(cluster: BenchCluster, pods: number): Promise<Program> {
  const whole = pods.toLocaleString('en');
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], { columns, rows });
  const first = await program.waitFor(/\S/);
  const someRows = await program.waitFor(/\b\d+\/\d+ +(\S )?[A-Z]/, 60_000);
  const all = await program.waitFor(new RegExp(`\\[(${whole}|${pods})\\]|/(${whole}|${pods})\\]`), 120_000);
  line(`${whole} pods: start to first frame`, `${first.ms.toFixed(0)} ms`);
  line(`${whole} pods: start to first rows`, `${(first.ms + someRows.ms).toFixed(0)} ms`);
  line(`${whole} pods: start to all rows`, `${(first.ms + someRows.ms + all.ms).toFixed(0)} ms`);
  const { cpuMs, peakMb } = program.usage();
  line(`${whole} pods: CPU until then`, `${(cpuMs / 1000).toFixed(2)} s`);
  line(`${whole} pods: peak memory until then`, `${peakMb.toFixed(0)} MB`);
  return program;
}

async function measureKeys(program: Program, what: string): Promise<void> {
  program.press('g');
  await program.quiet(200, 1500);
  const moves: { ms: number; bytes: number }[] = [];
  for (let press = 0; press < keys; press += 1)
    moves.push(await pressAndTime(program, press % 20 < 10 ? 'Down' : 'Up'));
  line(`${what}: key to painted frame`, spread(moves.map((move) => move.ms)));
  line(
    `${what}: bytes per cursor move`,
    `${percentile(
      moves.map((move) => move.bytes),
      0.5,
    )} B`,
  );
}

async function measureScroll(program: Program, what: string): Promise<void> {
  for (let press = 0; press < rows; press += 1) program.press('Down');
  await program.quiet(200);
  const moves: { ms: number; bytes: number }[] = [];
  for (let press = 0; press < keys; press += 1) moves.push(await pressAndTime(program, 'Down'));
  line(
    `${what}: bytes per key once the table scrolls`,
    `${percentile(
      moves.map((move) => move.bytes),
      0.5,
    )} B`,
  );
}

async function measureRest(program: Program, what: string): Promise<void> {
  await pause(3000);
  const before = { ...program.usage(), bytes: program.bytes };
  await pause(10_000);
  const after = program.usage();
  line(`${what}: CPU at rest`, `${((after.cpuMs - before.cpuMs) / 100).toFixed(2)} % of a core`);
  line(`${what}: bytes at rest in 10 s`, `${program.bytes - before.bytes} B`);
  line(`${what}: memory at rest`, `${after.rssMb.toFixed(0)} MB`);
}

async function measure(pods: number): Promise<void> {
  const what = `${pods.toLocaleString('en')} pods`;
  const still = await serveCluster(['--still', '--pods', String(pods), '--nodes', values.nodes]);
  const program = await measureStart(still, pods);
  await measureRest(program, what);
  await measureKeys(program, what);
  await measureScroll(program, what);
  program.kill();
  still.stop();

  const moving = await serveCluster([
    '--still',
    '--churn',
    values.churn,
    '--pods',
    String(pods),
    '--nodes',
    values.nodes,
  ]);
  const busy = await measureStart(moving, pods);
  await pause(2000);
  const cpu = busy.usage().cpuMs;
  await pause(10_000);
  line(
    `${what}, ${values.churn} events/s: CPU`,
    `${((busy.usage().cpuMs - cpu) / 100).toFixed(1)} % of a core`,
  );
  await measureKeys(busy, `${what}, ${values.churn} events/s`);
  busy.kill();
  moving.stop();
}

const node = timeOf(process.execPath, ['-e', '0']);
line('bare node -e 0', `${node.toFixed(0)} ms`);
const versionMs = timeOf(launcher, ['--version']);
line('mltop --version', `${versionMs.toFixed(0)} ms (${(versionMs / node).toFixed(2)}x)`);
for (const pods of values.pods.split(',').map(Number)) await measure(pods);
