import { afterEach, describe, expect, test } from 'vitest';
import { Program } from './program.ts';

const open: Program[] = [];

afterEach(() => {
  for (const program of open.splice(0)) program.kill();
});

/** The demo cluster with only the rows that match. */
async function startAt(filter: string): Promise<Program> {
  const program = new Program(['demo', '--still']);
  open.push(program);
  await program.waitFor(/Pods.*\[\d+\]/);
  await program.waitFor(/live/);
  program.press('/', filter, 'Enter');
  await program.waitFor(/Pods.*\[\d+\/\d+\]/);
  return program;
}

describe('looking inside, on the demo cluster', () => {
  test('l, F: the logs of a job of 16 ranks, and what is silent', async () => {
    const program = new Program(['demo', '--still']);
    open.push(program);
    await program.waitFor(/live/);
    program.press(':', 'jobs', 'Enter');
    await program.waitFor(/moe-pretrain/);
    program.press('/', 'moe', 'Enter');
    await program.waitFor(/Jobs.*\[1\/\d+\]/);
    program.press('l');
    const { screen } = await program.waitFor(/ranks 0.* 15/);
    expect(screen).toMatch(/moe-pretrain logs/);
    await program.waitFor(/rank\d+\]: step \d+/);
    program.press('F');
    await program.waitFor(/No line looks like an error|:/);
    program.press('Escape');
    await program.waitFor(/Jobs.*\[1\/\d+\]/);
  });

  test('p: what a crashing container said before it died, F: what began it, enter: its trace', async () => {
    const program = await startAt('sft-cudaoom');
    program.press('p');
    await program.waitFor(/previous logs/);
    await program.waitFor(/Traceback \(most recent call last\).*enter unfolds/);
    program.press('F');
    await program.waitFor(/GPU memory full/);
    program.press('Enter');
    await program.waitFor(/File "/);
  });

  test('d, y, E: describe, YAML and events of an image that does not exist', async () => {
    const program = await startAt('asr-gateway');
    program.press('d');
    await program.waitFor(/Reason: +ImagePullBackOff/);
    program.press('/', 'Restart Count', 'Enter');
    await program.waitFor(/1 of 1 matches/);
    program.press('y');
    await program.waitFor(/apiVersion: v1/);
    program.press('E');
    await program.waitFor(/THE LAST HOUR[\s\S]*Failed/);
    program.press('Escape');
    await program.waitFor(/Pods.*\[1\/\d+\]/);
  });

  test('Enter, Enter: containers, then the log of one', async () => {
    const program = await startAt('sft-cudaoom');
    program.press('Enter');
    await program.waitFor(/>main[\s\S]*ContainersReady/);
    program.press('Enter');
    await program.waitFor(/main logs/);
  });

  test('K: the kubectl of what is seen', async () => {
    const program = await startAt('asr-gateway');
    program.press('d');
    await program.waitFor(/describe/);
    program.press('K');
    await program.waitFor(/kubectl --kubeconfig[\s\S]* describe pod\s+asr-gateway/);
  });
});
