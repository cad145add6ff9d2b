import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { launcher, Program } from '../e2e/program.ts';
import { type BenchCluster, pause, serveCluster } from './cluster.ts';
import { idle, line, middleOf, scrollBytes, sizeOf, spread, timeStart, walk, warmUp } from './measure.ts';
import { readStreamingList } from './wire.ts';

// What a person waits for and what the machine pays, against the demo cluster in a process of its own.
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
    'npm run bench -- [SUITE] [--pods 1000,10000] [--nodes N] [--size 200x60] [--churn EVENTS_PER_S] [--keys N]\n',
  );
  process.exit(0);
}
const size = sizeOf(values.size);
const keys = Number(values.keys);

function timeOf(command: string, args: readonly string[]): number {
  return middleOf(
    Array.from({ length: 11 }, () => {
      const start = performance.now();
      spawnSync(command, args, { stdio: 'ignore' });
      return performance.now() - start;
    }),
  );
}

async function open(cluster: BenchCluster, pods: number): Promise<Program> {
  const what = `${pods.toLocaleString('en')} pods`;
  // The first reader pays for the encoding of every object; a server in use has done that long ago.
  await readStreamingList(cluster.kubeconfig);
  await warmUp(cluster.kubeconfig);
  const wire = await readStreamingList(cluster.kubeconfig);
  line(`${what}: the wire alone (streaming list, protobuf)`, `${wire.ms.toFixed(0)} ms`);
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], size);
  const { firstFrameMs, firstRowsMs, allRowsMs, cpuMs, peakMb } = await timeStart(program, pods);
  line(`${what}: start to first frame`, `${firstFrameMs.toFixed(0)} ms`);
  line(`${what}: start to first rows`, `${firstRowsMs.toFixed(0)} ms`);
  line(`${what}: start to all rows`, `${allRowsMs.toFixed(0)} ms`);
  line(`${what}: CPU until then`, `${(cpuMs / 1000).toFixed(2)} s`);
  line(`${what}: peak memory until then`, `${peakMb.toFixed(0)} MB`);
  return program;
}

async function measureStill(pods: number): Promise<void> {
  const what = `${pods.toLocaleString('en')} pods`;
  const cluster = await serveCluster(['--still', '--pods', String(pods), '--nodes', values.nodes]);
  const program = await open(cluster, pods);
  await pause(3000);
  const { cpu, bytes, rssMb } = await idle(program, 10);
  line(`${what}: CPU at rest`, `${cpu.toFixed(2)} % of a core`);
  line(`${what}: bytes at rest in 10 s`, `${bytes} B`);
  line(`${what}: memory at rest`, `${rssMb.toFixed(0)} MB`);
  const moves = await walk(program, keys);
  line(`${what}: key to painted frame`, spread(moves.ms));
  line(`${what}: bytes per cursor move`, `${moves.bytes} B`);
  line(`${what}: bytes per key once the table scrolls`, `${await scrollBytes(program, size.rows, keys)} B`);
  program.kill();
  cluster.stop();
}

async function measureMoving(pods: number): Promise<void> {
  const what = `${pods.toLocaleString('en')} pods, ${values.churn} events/s`;
  const cluster = await serveCluster([
    ...['--still', '--churn', values.churn],
    ...['--pods', String(pods), '--nodes', values.nodes],
  ]);
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], size);
  await timeStart(program, pods);
  await pause(2000);
  line(`${what}: CPU`, `${(await idle(program, 10)).cpu.toFixed(1)} % of a core`);
  const moves = await walk(program, keys);
  line(`${what}: key to painted frame`, spread(moves.ms));
  line(`${what}: bytes per cursor move`, `${moves.bytes} B`);
  program.kill();
  cluster.stop();
}

const node = timeOf(process.execPath, ['-e', '0']);
line('bare node -e 0', `${node.toFixed(0)} ms`);
const versionMs = timeOf(launcher, ['--version']);
line('mltop --version', `${versionMs.toFixed(0)} ms (${(versionMs / node).toFixed(2)}x)`);
for (const pods of values.pods.split(',').map(Number)) {
  await measureStill(pods);
  await measureMoving(pods);
}
