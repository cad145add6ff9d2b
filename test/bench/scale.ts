import { parseArgs } from 'node:util';
import { controlFaults } from '../../src/demo/index.ts';
import { Program } from '../e2e/program.ts';
import { type BenchCluster, pause, percentile, serveCluster } from './cluster.ts';
import { idle, lateness, line, sizeOf, spread, timeStart, walk, warmUp } from './measure.ts';
import { readStreamingList, readWithCurl } from './wire.ts';

// How it grows: the sync of large clusters over TLS, as one stream and in pages, then the same under load.
const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '10000,100000' },
    nodes: { type: 'string' },
    size: { type: 'string', default: '200x60' },
    churn: { type: 'string', default: '1000' },
    keys: { type: 'string', default: '100' },
  },
});
const size = sizeOf(values.size);

/** As many nodes as such a cluster has. */
const nodesOf = (pods: number): string => values.nodes ?? String(Math.max(200, Math.round(pods / 20)));

const flagsOf = (pods: number): string[] => ['--still', '--pods', String(pods), '--nodes', nodesOf(pods)];

async function measureSync(cluster: BenchCluster, pods: number, what: string, wireMs: number): Promise<void> {
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], size);
  const start = await timeStart(program, pods);
  const syncMs = start.allRowsMs - start.firstFrameMs;
  line(
    `${what}: first frame, first rows`,
    `${start.firstFrameMs.toFixed(0)}, ${start.firstRowsMs.toFixed(0)} ms`,
  );
  line(
    `${what}: all rows`,
    `${start.allRowsMs.toFixed(0)} ms, ${(syncMs / wireMs).toFixed(1)}x the wire from the first frame on`,
  );
  line(`${what}: CPU until then`, `${(start.cpuMs / 1000).toFixed(2)} s`);
  await pause(10_000);
  const rest = await idle(program, 10);
  line(
    `${what}: memory at its peak, at rest`,
    `${program.usage().peakMb.toFixed(0)}, ${rest.rssMb.toFixed(0)} MB`,
  );
  line(`${what}: CPU and bytes at rest`, `${rest.cpu.toFixed(2)} % of a core, ${rest.bytes} B in 10 s`);
  program.kill();
}

async function measureLoad(pods: number): Promise<void> {
  const what = `${pods.toLocaleString('en')} pods, ${values.churn} events/s`;
  const cluster = await serveCluster([...flagsOf(pods), '--churn', values.churn]);
  const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], size);
  await timeStart(program, pods);
  await pause(5000);
  const { cpu, rssMb } = await idle(program, 10);
  line(`${what}: CPU, memory`, `${cpu.toFixed(1)} % of a core, ${rssMb.toFixed(0)} MB`);
  const late = await lateness(program, 10, 100);
  line(
    `${what}: frames later than their clock`,
    `${spread(late)}, most ${percentile(late, 1).toFixed(0)} ms (${late.length} frames)`,
  );
  line(`${what}: key to painted frame`, spread((await walk(program, Number(values.keys))).ms));
  program.kill();
  cluster.stop();
}

for (const pods of values.pods.split(',').map(Number)) {
  const what = `${pods.toLocaleString('en')} pods`;
  const cluster = await serveCluster(flagsOf(pods));
  // The first reader pays for the encoding of every object; a server in use has done that long ago.
  await readStreamingList(cluster.kubeconfig);
  await warmUp(cluster.kubeconfig);
  const wire = await readStreamingList(cluster.kubeconfig);
  const curl = readWithCurl(cluster.kubeconfig);
  const megabytes = `${(wire.bytes / 1e6).toFixed(0)} MB of protobuf`;
  line(`${what}: the wire alone, ${megabytes}: streaming list`, `${wire.ms.toFixed(0)} ms`);
  if (curl !== undefined) line(`${what}: the wire alone: curl, one list`, `${curl.ms.toFixed(0)} ms`);
  await measureSync(cluster, pods, `${what}, streaming list`, wire.ms);
  await controlFaults({ kubeconfig: cluster.kubeconfig }, 'watchlist:off');
  await measureSync(cluster, pods, `${what}, pages`, wire.ms);
  cluster.stop();
  await measureLoad(pods);
}
