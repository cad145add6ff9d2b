import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Program } from '../e2e/program.ts';
import { pause, percentile } from './cluster.ts';

// A job of many ranks, each writing a thousand lines a second: what is lost, how late frames and keys are, what it costs.
const { values } = parseArgs({
  options: {
    pods: { type: 'string', default: '32' },
    lines: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '30' },
    size: { type: 'string', default: '120x36' },
  },
});
const [columns = 120, rows = 36] = values.size.split('x').map(Number);
const folder = mkdtempSync(join(tmpdir(), 'mltop-bench-'));
const kubeconfig = join(folder, 'config');
const said: string[] = [];
const server = spawn(
  process.execPath,
  [
    '--import',
    'tsx',
    fileURLToPath(new URL('./servers/logs.ts', import.meta.url)),
    kubeconfig,
    values.pods,
    values.lines,
    values.seconds,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
createInterface({ input: server.stdout }).on('line', (line) => said.push(line));
const heard = async (what: RegExp): Promise<RegExpExecArray> => {
  for (;;) {
    for (const line of said) {
      const match = what.exec(line);
      if (match !== null) return match;
    }
    await pause(20);
  }
};

function line(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(58)} ${figure}\n`);
}

await heard(/^serving/);
const program = new Program(['pods', '-A', '--kubeconfig', kubeconfig], { columns, rows });
await program.waitFor(new RegExp(`\\[${values.pods}\\]`));
program.press(':', 'ns train', 'Enter');
await program.waitFor(/Pods\(train\)/);
// The logs of all ranks: those of the job that owns the pod under the cursor.
program.press(':', 'workloads', 'Enter');
await program.waitFor(/llama-pretrain/);
program.press('l');
await program.waitFor(/ranks 0/);

const what = `${values.pods} pods x ${values.lines} lines/s for ${values.seconds} s`;
const before = program.usage();
const started = performance.now();
const gaps: number[] = [];
let lastByte = performance.now();
const frames = program.pty.onData(() => {
  const now = performance.now();
  // Pieces of one frame come together.
  if (now - lastByte > 20) gaps.push(now - lastByte);
  lastByte = now;
});
const keys: number[] = [];
let isWriting = true;
const done = heard(/^written (\d+)/).then((match) => {
  isWriting = false;
  return Number(match[1]);
});
while (isWriting) {
  await pause(700);
  const shown = /wrap:on/.test(program.screen());
  const start = performance.now();
  program.press('w');
  await program.waitFor((screen) => /wrap:on/.test(screen) !== shown, 5000);
  keys.push(performance.now() - start);
}
const written = await done;
const seconds = (performance.now() - started) / 1000;
frames.dispose();
const after = program.usage();
await pause(1500);
const screen = program.screen();
const numberIn = (pattern: RegExp): number => Number((pattern.exec(screen)?.[1] ?? '0').replaceAll(',', ''));
const held = numberIn(/([\d,]+) lines, [\d.]+ of/);
const older = numberIn(/([\d,]+) older ones dropped/);
const late = numberIn(/lost ([\d,]+)/);
line(`${what}: lines written`, written.toLocaleString('en'));
line(
  `${what}: held / pushed out by newer ones / lost`,
  `${held.toLocaleString('en')} / ${older.toLocaleString('en')} / ${late.toLocaleString('en')}`,
);
line(`${what}: unaccounted for`, String(written - held - older - late));
line(
  `${what}: between frames`,
  `p50 ${percentile(gaps, 0.5).toFixed(0)}  p99 ${percentile(gaps, 0.99).toFixed(0)} ms (100 is on time)`,
);
line(
  `${what}: key to painted frame`,
  `p50 ${percentile(keys, 0.5).toFixed(0)}  p99 ${percentile(keys, 0.99).toFixed(0)} ms`,
);
line(`${what}: CPU`, `${((after.cpuMs - before.cpuMs) / seconds / 10).toFixed(0)} % of a core`);
line(
  `${what}: memory`,
  `${before.rssMb.toFixed(0)} MB before, ${after.rssMb.toFixed(0)} MB, peak ${after.peakMb.toFixed(0)} MB`,
);
program.kill();
server.kill();
rmSync(folder, { recursive: true, force: true });
