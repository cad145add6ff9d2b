import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { startDemo } from '../../src/demo/index.ts';
import { launcher, Program } from './program.ts';

// A busy machine starts a program and a demo cluster in seconds.
vi.setConfig({ testTimeout: 30_000 });

const folder = mkdtempSync(join(tmpdir(), 'mltop-checklist-'));
afterAll(() => rmSync(folder, { recursive: true }));

const open: Program[] = [];
afterEach(() => {
  for (const program of open.splice(0)) program.kill();
});

/** The demo cluster with the cursor on the one pod of that name. */
async function at(pod: string, size: { readonly columns: number; readonly rows: number }): Promise<Program> {
  const program = new Program(['demo', '--still'], { ...size, env: { MLTOP_CLIPBOARD: 'off' } });
  open.push(program);
  await program.waitFor(/Pods.*\[\d+\]/);
  await program.waitFor(/live/);
  program.press('/', pod, 'Enter');
  await program.waitFor(new RegExp(`^>.*${pod}`, 'm'));
  return program;
}

const sizes = [
  { columns: 80, rows: 24 },
  { columns: 120, rows: 36 },
];

test.each(sizes)(
  'D on a pod that ran out of memory: the cause, the proof, the command ($columns x $rows)',
  async (size) => {
    const program = await at('dataprep-oom', size);
    await program.waitFor(/why .*memory limit 8Gi/);
    program.press('D');
    const { screen } = await program.waitFor(/PROVEN/);
    expect(screen).toMatch(/CrashLoopBackOff {3}OOM at limit 8Gi/);
    // From 120 columns on the life of the pod stands beside it, station by station.
    expect(screen).toMatch(size.columns < 120 ? /up✗/ : /✗ It stays up/);
    expect(screen).toMatch(/\$ kubectl --kubeconfig \S+[\s\S]*?demo -n team-b/);
    program.press('c');
    await program.waitFor(/MLTOP_CLIPBOARD=off/);
    program.press('Escape');
    await program.waitFor(/Pods.*\d+\/\d+\]/);
  },
);

test('D on a gang of which some wait: why no node fits, and what would free one', async () => {
  const program = await at('llama-sft-worker-0', { columns: 200, rows: 50 });
  program.press('D');
  const { screen } = await program.waitFor(/largest free \d/);
  expect(screen).toMatch(/✗ A node was found/);
  expect(screen).toMatch(/it asks for 4 GPUs; \d+ are free in total, but at most \d on one node/);
  expect(screen).toMatch(/it would fit on \S+ if /);
});

test('the alerts of the whole cluster, and from one of them to its pods and their checklist', async () => {
  const program = await at('dataprep-oom', { columns: 120, rows: 36 });
  program.press('Escape');
  await program.waitFor(/Pods[^\n]*\[\d+\]/);
  program.press(':', 'alerts', 'Enter');
  await program.waitFor(/\[Alerts\].*Alerts\[\d+\]/);
  const { screen } = await program.waitFor(/H4 OOM at limit 8Gi/);
  expect(screen).toMatch(/✗ \d+ faults {2}▲ \d+/);
  program.press('/', 'OOM', 'Enter', 'Enter');
  await program.waitFor(/^>team-b +dataprep-oom/m);
  program.press('D');
  await program.waitFor(/PROVEN/);
});

test('what is recorded gives the same first cause', async () => {
  const demo = await startDemo({ still: true });
  try {
    const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
    const file = join(folder, 'oom.json');
    const program = new Program(['record', 'pod/dataprep-oom', '-n', 'team-b', '-o', file], {
      env: { KUBECONFIG: kubeconfig },
    });
    open.push(program);
    // The demo server lives in this process: it must be able to answer meanwhile.
    expect(await program.exit()).toBe(0);
    const checked = spawnSync(launcher, ['check', '--from', file, 'pod/dataprep-oom', '-o', 'json'], {
      encoding: 'utf8',
    });
    const { findings } = JSON.parse(checked.stdout) as {
      readonly findings: readonly { readonly causes: readonly { readonly id: string }[] }[];
    };
    expect(findings[0]?.causes[0]?.id).toBe('H4.limit');
  } finally {
    await demo.close();
  }
});
