import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../folder.ts';
import { Program } from './program.ts';

const open: Program[] = [];

afterEach(() => {
  for (const program of open.splice(0)) program.kill();
});

const state = (): string => temporaryFolder('e2e');

/** The demo cluster, still, with its pods on the screen. */
async function startDemo(
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<Program> {
  const program = new Program(['demo', '--still', ...args], { env: { XDG_STATE_HOME: state(), ...env } });
  open.push(program);
  await program.waitFor(/Pods.*\[\d+\]/);
  await program.waitFor(/live/);
  return program;
}

/** Dialogs are deaf at first, so that nothing typed before answers them. */
const readIt = (): Promise<void> => new Promise((next) => setTimeout(next, 350));

async function arm(program: Program): Promise<void> {
  program.press('W');
  await program.waitFor(/Arm writing/);
  await readIt();
  program.press('Tab', 'Enter');
  await program.waitFor(/ARMED 4:5\d/);
}

/** Puts the cursor on the one row that this filter leaves. */
async function goTo(program: Program, name: string): Promise<void> {
  program.press('/', name, 'Enter');
  await program.waitFor((screen) =>
    screen.split('\n').some((line) => line.startsWith('>') && line.includes(name)),
  );
}

describe('safe hands, on the demo cluster', () => {
  test('read-only: nothing is asked, and why is said; MLTOP_READONLY keeps it so', async () => {
    const program = await startDemo({ MLTOP_READONLY: '1' });
    program.press('Ctrl-D');
    await program.waitFor(/MLTOP_READONLY is set/);
    program.press('W');
    await program.quiet();
    expect(program.screen()).toMatch(/ RO /);
    expect(program.screen()).not.toMatch(/ARMED|Arm writing/);
  });

  test('W, then Ctrl-D with a typed name: the pod goes, and the audit file says so', async () => {
    const folder = state();
    const program = await startDemo({ XDG_STATE_HOME: folder });
    await goTo(program, 'needs-scratch');
    program.press('Ctrl-D');
    await program.waitFor(/press W to arm/);
    await arm(program);
    program.press('Ctrl-D');
    const { screen } = await program.waitFor(/dry-run=server: ok/);
    expect(screen).toMatch(/pod team-c\/needs-scratch/);
    expect(screen).toMatch(/nothing brings it back/);
    expect(screen).toMatch(/kubectl --kubeconfig \S+[\s│]+--context demo -n team-c/);
    expect(screen).toMatch(/\[ Cancel \]/);
    await readIt();
    program.press('needs-scratc', 'Enter');
    await program.waitFor(/History|cancel|Pods/);
    await program.waitFor((text) => !/Delete pod/.test(text));
    // Enter with half a name was Cancel.
    expect(program.screen()).toMatch(/needs-scratch/);
    program.press('Ctrl-D');
    await program.waitFor(/dry-run=server: ok/);
    await readIt();
    program.press('needs-scratch');
    await program.waitFor(/\[ Delete \]/);
    program.press('Enter');
    await program.waitFor(/Deleted pod needs-scratch/);
    const [line = ''] = readFileSync(join(folder, 'mltop/audit.jsonl'), 'utf8').split('\n');
    expect(JSON.parse(line)).toMatchObject({
      action: 'delete',
      name: 'needs-scratch',
      outcome: 'done',
      identity: 'admin',
    });
    program.press(':', 'audit', 'Enter');
    await program.waitFor(/delete +pods team-c\/needs-scratch +✓? *done|needs-scratch.*done/);
    program.press(':', 'history', 'Enter');
    await program.waitFor(/Delete pod/);
  });

  test('s: a shell in a container, and back to the screen with its exit code', async () => {
    const program = await startDemo();
    await goTo(program, 'moe-pretrain-3-t5c6j');
    await arm(program);
    program.press('s');
    await program.waitFor(/rights: ok/);
    await readIt();
    program.press('Tab', 'Enter');
    await program.waitFor((text) => /shell in team-e\/moe-pretrain-3-t5c6j/.test(text) && / #$/m.test(text));
    program.press('hostname\r');
    await program.waitFor(/\nmoe-pretrain-3-t5c6j\n/);
    program.press('exit 3\r');
    await program.waitFor(/ended with exit 3/);
    await program.waitFor(/Pods.*\[/);
    program.press('Escape');
    await program.waitFor(/Pods[^\n]*\[\d+\]/);
  });

  test('Shift-F: a request goes through, it is listed, and Ctrl-D closes it', async () => {
    const program = await startDemo();
    await goTo(program, 'vllm-chat-6b7d9c5f8-2xk4m');
    await arm(program);
    program.press('F');
    await program.waitFor(/Port-forward to vllm-chat/);
    await readIt();
    program.press('Ctrl-U', '8000', 'Enter', '0', 'Enter', 'Enter');
    await program.waitFor(/rights: ok/);
    await readIt();
    program.press('Tab', 'Enter');
    const { screen } = await program.waitFor(/127\.0\.0\.1:\d+ leads to/);
    const port = /127\.0\.0\.1:(\d+) leads to/.exec(screen)?.[1];
    const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(answer.status).toBe(200);
    await answer.text();
    program.press(':', 'pf', 'Enter');
    await program.waitFor(new RegExp(`127\\.0\\.0\\.1:${port}.*8000.*vllm-chat`));
    program.press('Ctrl-D');
    await program.waitFor(/PortForwards[^\n]*\[0\]/);
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });

  test('x: one command’s output in a pager', async () => {
    const program = await startDemo({}, ['--write']);
    await program.waitFor(/ARMED/);
    await goTo(program, 'moe-pretrain-3-t5c6j');
    program.press('x');
    await program.waitFor(/Run in moe-pretrain/);
    await readIt();
    program.press('Enter');
    await program.waitFor(/rights: ok/);
    await readIt();
    program.press('Tab', 'Enter');
    await program.waitFor(/NVIDIA-SMI/);
    program.press('Escape');
    await program.waitFor(/Pods.*\[/);
  });

  test('another namespace takes the permit back', async () => {
    const program = await startDemo({}, ['--write']);
    await program.waitFor(/ARMED/);
    program.press(':', 'pods team-a', 'Enter');
    await program.waitFor(/ns:team-a +RO/);
  });
});
