import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type RulePacks, watchRulePacks } from '../../src/feed/rule-packs.ts';

const pack = (id: string): string => `apiVersion: mltop.dev/v1alpha1
kind: RulePack
metadata: { name: acme, version: 1.0.0 }
states:
  - id: ${id}
    subject: Pod
    when: { path: status.phase, op: eq, value: Running }
    gate: g15
    severity: warn
    label: license wait
`;

interface Given {
  readonly packs: RulePacks;
  readonly write: (text: string) => Promise<void>;
  readonly problems: string[];
  readonly reloads: string[];
  readonly changes: () => number;
}

async function given(first?: string): Promise<Given> {
  const home = await mkdtemp(join(tmpdir(), 'mltop-rules-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const folder = join(home, '.config', 'mltop', 'rules');
  await mkdir(folder, { recursive: true });
  const write = (text: string): Promise<void> => writeFile(join(folder, 'acme.yaml'), text);
  if (first !== undefined) await write(first);
  const problems: string[] = [];
  const reloads: string[] = [];
  let changes = 0;
  const packs = watchRulePacks({
    env: { HOME: home },
    onChange: () => {
      changes += 1;
    },
    onReload: (text) => reloads.push(text),
    onProblem: (text) => problems.push(text),
  });
  onTestFinished(() => packs.stop());
  return { packs, write, problems, reloads, changes: () => changes };
}

const ids = ({ packs }: Given): readonly string[] => packs.added()?.pods.map(({ id }) => id) ?? [];

test('a pack of the folder is there, and is read again when it is saved', async () => {
  const all = await given(pack('acme.one'));
  await expect.poll(() => ids(all)).toEqual(['acme.one']);
  await all.write(pack('acme.two'));
  await expect.poll(() => ids(all)).toEqual(['acme.two']);
  expect(all.problems).toEqual([]);
  expect(all.reloads).toEqual(['rules acme: 1 state read']);
});

test('a pack that is not right is named with file and line, and its rules of before stay', async () => {
  const all = await given(pack('acme.one'));
  await expect.poll(() => ids(all)).toEqual(['acme.one']);
  await all.write(pack('acme.one').replace('severity: warn', 'severity: terrible'));
  await expect.poll(() => all.problems.length).toBeGreaterThan(0);
  expect(all.problems[0]).toMatch(/acme\.yaml:\d+: .+; its rules of before stay$/);
  expect(ids(all)).toEqual(['acme.one']);
  await all.write(pack('acme.one'));
  await expect.poll(() => all.reloads).toEqual([expect.stringMatching(/acme\.yaml: right again$/)]);
  expect(all.changes()).toBe(1);
});

test('packs that are named stand in for those of the folder, the later over the earlier', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mltop-rules-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [first, second] = [join(folder, 'b.yaml'), join(folder, 'a.yaml')];
  await writeFile(first, pack('acme.one'));
  await writeFile(second, pack('acme.one').replace('license wait', 'waits for a licence'));
  const packs = watchRulePacks({
    env: { HOME: folder },
    named: [first, second],
    onChange: () => {},
    onProblem: (text) => expect.fail(text),
  });
  onTestFinished(() => packs.stop());
  await expect
    .poll(() => packs.added()?.pods.map(({ state }) => state.title))
    .toEqual(['waits for a licence']);
});

test('no folder, no packs, no words', async () => {
  const packs = watchRulePacks({
    env: { HOME: join(tmpdir(), 'nobody-lives-here') },
    onChange: () => expect.fail('nothing changed'),
    onProblem: (text) => expect.fail(text),
  });
  expect(packs.added()).toBeUndefined();
  packs.stop();
});
