import { parseArgs } from 'node:util';
import { Program } from '../e2e/program.ts';
import { pause, serveCluster } from './cluster.ts';

// `npm run soak`: hours of a moving cluster under a person's keys; memory must stay flat and the program must stay up.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    pods: { type: 'string', default: '6000' },
    nodes: { type: 'string', default: '200' },
    churn: { type: 'string', default: '200' },
  },
});
const cluster = await serveCluster(['--pods', values.pods, '--nodes', values.nodes, '--churn', values.churn]);
const program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig], { columns: 120, rows: 36 });
await program.waitFor(/Pods/);
const script = [
  'Down',
  'Down',
  'PageDown',
  'G',
  'g',
  'Tab',
  'Down',
  'Tab',
  'Tab',
  'Tab',
  '/',
  'w',
  'o',
  'r',
  'Enter',
  'Escape',
  'Ctrl-Z',
  'Ctrl-Z',
  '?',
  'Escape',
  '0',
];
const end = performance.now() + Number(values.minutes) * 60_000;
let minute = 0;
process.stdout.write('minute  rss MB  peak MB  cpu s\n');
while (performance.now() < end) {
  const until = performance.now() + 60_000;
  for (let press = 0; performance.now() < until; press += 1) {
    program.press(script[press % script.length] ?? 'Down');
    await pause(300);
  }
  minute += 1;
  const { rssMb, peakMb, cpuMs } = program.usage();
  process.stdout.write(
    `${String(minute).padEnd(7)} ${rssMb.toFixed(0).padEnd(7)} ${peakMb.toFixed(0).padEnd(8)} ${(cpuMs / 1000).toFixed(1)}\n`,
  );
}
program.kill();
cluster.stop();
