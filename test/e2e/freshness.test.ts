import { afterEach, expect, test } from 'vitest';
import { type BenchCluster, serveCluster } from '../bench/cluster.ts';
import { Program } from './program.ts';

let cluster: BenchCluster | undefined;
let program: Program | undefined;

afterEach(() => {
  program?.kill();
  // SIGKILL ends a stopped process too.
  cluster?.stop();
});

async function open(): Promise<{ cluster: BenchCluster; program: Program }> {
  cluster = await serveCluster(['--still']);
  program = new Program(['pods', '-A', '--kubeconfig', cluster.kubeconfig]);
  await program.waitFor(/live/);
  await program.waitFor(/Pods\(all\)\[\d+\]/);
  return { cluster, program };
}

test('a frozen server is said to be old within 10 s, every row stays, and it is live again within 5 s of its return', async () => {
  const { cluster: server, program: screen } = await open();
  const rows = (text: string): string[] => text.split('\n').filter((line) => /\d\/\d/.test(line));
  const before = rows(screen.screen()).length;
  process.kill(server.pid, 'SIGSTOP');
  // 10 s of silence, and up to a second until the next look at the clock.
  const { screen: old } = await screen.waitFor(/stale \d+s/, 11_500);
  expect(rows(old).length).toBe(before);
  screen.press('j');
  await screen.quiet();
  expect(screen.screen()).toMatch(/stale/);
  process.kill(server.pid, 'SIGCONT');
  await screen.waitFor(/● live/, 5000);
}, 40_000);

test('a server that goes away leaves its rows on the screen, with the reason and the next try', async () => {
  const { cluster: server, program: screen } = await open();
  server.stop();
  const { screen: gone } = await screen.waitFor(/reconnecting|disconnected|refused/, 15_000);
  expect(gone).toMatch(/CrashLoopBackOff/);
  screen.press('j', 'k', 'Tab');
  await screen.quiet();
  screen.press(':', 'q', 'Enter');
  expect(await screen.exit()).toBe(0);
}, 40_000);
