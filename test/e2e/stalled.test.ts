import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { KubeLike } from '../../src/demo/object.ts';
import { demoOf } from '../demo/cluster.ts';
import { Program } from './program.ts';

const pod = (index: number, phase: string): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `rank-${index}`, namespace: 'train' },
  spec: { containers: [{ name: 'main', image: 'train:1' }], nodeName: 'h100-01' },
  status: { phase },
});

const all = (phase: string): KubeLike[] => Array.from({ length: 30 }, (_, index) => pod(index, phase));

test('a terminal that stops reading costs no event, and what it shows afterwards is what is true then', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mltop-stalled-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const requestsFile = join(folder, 'requests');
  const demo = await demoOf({ objects: all('Running'), requestsFile });
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  const program = new Program(['pods', '-A', '--kubeconfig', kubeconfig], { columns: 120, rows: 40 });
  onTestFinished(() => program.kill());
  await program.waitFor(/rank-1 .*Running/);

  program.pty.pause();
  for (let round = 0; round < 60; round += 1) {
    for (const object of all(round % 2 === 0 ? 'Pending' : 'Failed')) demo.store.put(object);
    await new Promise((next) => setImmediate(next));
  }
  // Keys are heard and watches opened while not a byte can be written.
  program.press(':', 'jobs', 'Enter');
  const asked = (): boolean => readFileSync(requestsFile, 'utf8').includes('/apis/batch/v1/jobs');
  await expect.poll(asked, { timeout: 10_000 }).toBe(true);
  program.press(':', 'pods', 'Enter');
  for (const object of all('Succeeded')) demo.store.put(object);
  program.pty.resume();

  await program.waitFor(
    (screen) => (screen.match(/rank-\d+ .*Completed|rank-\d+ .*Succeeded/g) ?? []).length === 30,
  );
  expect(program.screen()).not.toMatch(/rank-\d+ .*(Pending|Failed)/);
});
