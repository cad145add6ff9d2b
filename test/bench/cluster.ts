import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { launcher } from '../e2e/program.ts';

/** `mltop demo --serve` in a process of its own, so that what is measured is the client alone. */
export interface BenchCluster {
  readonly kubeconfig: string;
  readonly url: string;
  readonly pid: number;
  readonly stop: () => void;
}

export async function serveCluster(flags: readonly string[]): Promise<BenchCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'mltop-bench-'));
  const kubeconfig = join(folder, 'config');
  // A suite that ends early, by an error or by Ctrl-C, leaves neither its folder nor a server.
  const tidy = (): void => {
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const interrupted = (): never => process.exit(130);
  process.once('exit', tidy).once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const child = spawn(launcher, ['demo', '--serve', '--kubeconfig', kubeconfig, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the demo cluster ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const served = /^serving (\S+)/.exec(line)?.[1];
      if (served !== undefined) resolve(served);
    });
  });
  return {
    kubeconfig,
    url,
    pid: child.pid ?? 0,
    stop: () => {
      process.off('exit', tidy).off('SIGINT', interrupted).off('SIGTERM', interrupted);
      tidy();
    },
  };
}

/** The value below which `share` of the sample lies. */
export function percentile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
