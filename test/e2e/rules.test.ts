import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { Program } from './program.ts';

// A busy machine starts a program and a demo cluster in seconds.
vi.setConfig({ testTimeout: 30_000 });

const home = mkdtempSync(join(tmpdir(), 'mltop-rules-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const open: Program[] = [];
afterEach(() => {
  for (const program of open.splice(0)) program.kill();
});

const pack = (severity: string): string => `apiVersion: mltop.dev/v1alpha1
kind: RulePack
metadata: {name: acme}
states:
  - id: acme.borrowed
    when: {path: metadata.name, op: eq, value: legacy-request-0}
    severity: ${severity}
    label: a site word
`;

test('a pack that is saved while the screen is open is in the table, among the faults and in the checklist', async () => {
  const folder = join(home, '.config', 'mltop', 'rules');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'acme.yaml');
  const program = new Program(['demo', '--still'], { columns: 120, rows: 36, env: { HOME: home } });
  open.push(program);
  await program.waitFor(/Pods.*\[\d+\]/);
  await program.waitFor(/✗ \d+ faults/);

  writeFileSync(file, pack('fail'));
  await program.waitFor(/rules acme: 1 state read/);
  // Well by itself, and now among the faults at the top.
  const { screen } = await program.waitFor(/legacy-request-0 .*✗ Running +a site word/);
  expect(screen).toMatch(/faults first/);

  writeFileSync(file, pack('loud'));
  await program.waitFor(/acme\.yaml:7: severity loud.*its rules of before stay/);
  await program.waitFor(/legacy-request-0 .*✗ Running +a site word/);

  program.press('/', 'legacy-request', 'Enter');
  await program.waitFor(/^>.*legacy-request-0/m);
  await program.waitFor(/why +a site word/);
  program.press('D');
  await program.waitFor(/Running {3}a site word/);
});
