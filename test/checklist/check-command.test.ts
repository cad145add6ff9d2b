import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { checkCommand } from '../../src/cli/check.ts';
import { rulesCommand } from '../../src/cli/rules.ts';
import { ago, crashed, ended, event, node, pod } from './world.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mltop-check-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

async function run(
  command: typeof checkCommand,
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const code = await command(argv, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: { HOME: folder },
    connectOptions: { userAgent: 'test' },
  });
  return { code, out, err };
}

const sick = pod({ ...crashed(ended(1, 'Error')), metadata: { name: 'sick', uid: 'uid-sick' } });
const well = pod();

test('a List of YAML gives the sick pod, its cause and exit code 1', async () => {
  const path = file(
    'list.yaml',
    stringify({ apiVersion: 'v1', kind: 'List', items: [well, sick, node('gpu-1')] }),
  );
  const { code, out } = await run(checkCommand, '--from', path, '-o', 'json');
  const answer = JSON.parse(out) as {
    readonly kind: string;
    readonly findings: readonly {
      readonly subject: { readonly name: string };
      readonly state: string;
      readonly causes: readonly unknown[];
    }[];
  };
  expect(code).toBe(1);
  expect(answer.kind).toBe('Check');
  expect(
    answer.findings.map((entry) => `${entry.subject.name} ${entry.state} ${entry.causes.length > 0}`),
  ).toEqual(['sick H1 true']);
});

test('a healthy subject has severity none, no cause and exit code 0', async () => {
  const { code, out } = await run(
    checkCommand,
    '--from',
    file('pod.json', JSON.stringify(well)),
    'pod/web-1',
    '-o',
    'json',
  );
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ findings: [{ severity: 'none', causes: [], status: 'Running' }] });
});

test('several files, several documents, JSON Lines; --all shows the healthy too', async () => {
  const documents = file('two.yaml', `${stringify(well)}---\n${stringify(sick)}`);
  const lines = file(
    'events.jsonl',
    `${JSON.stringify(event('BackOff', 'Back-off restarting failed container main', { about: { kind: 'Pod', namespace: 'ml', name: 'sick', uid: 'uid-sick' } }))}\n`,
  );
  const { out } = await run(checkCommand, '--from', documents, lines, '--all', '-o', 'json');
  expect((JSON.parse(out) as { readonly findings: readonly unknown[] }).findings).toHaveLength(2);
});

test('a log beside the objects settles what the status cannot', async () => {
  const path = file('sick.json', JSON.stringify(sick));
  const log = file(
    'x.out',
    `${ago(60)} torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n`,
  );
  for (const given of [
    ['--logs', `ml/sick/main.previous=${log}`],
    [
      '--from',
      file(
        'sick.main.previous.log',
        'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.',
      ),
    ],
  ]) {
    const { out } = await run(checkCommand, '--from', path, ...given, '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ findings: [{ state: 'H15', causes: [{ id: 'H15.cuda-oom' }] }] });
  }
});

test('a recording brings its time, its logs and what was listed whole', async () => {
  const recording = {
    now: '2026-03-01T14:00:00Z',
    serverVersion: 'v1.36.3',
    listed: ['Pod', 'ConfigMap'],
    objects: [sick],
    logs: { 'ml/sick/main@previous': "KeyError: 'DATABASE_URL'" },
  };
  const { out } = await run(
    checkCommand,
    '--from',
    file('recording.json', JSON.stringify(recording)),
    '-o',
    'json',
  );
  expect(JSON.parse(out)).toMatchObject({
    generatedAt: '2026-03-01T14:00:00.000Z',
    findings: [{ causes: [{ id: 'H1.missing-env' }] }],
  });
});

test('pods of one owner with one cause are one line of -A', async () => {
  const owned = (name: string): ReturnType<typeof pod> =>
    pod({
      ...crashed(ended(1, 'Error')),
      metadata: {
        name,
        uid: `uid-${name}`,
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-abc', uid: 'r', controller: true },
        ],
      },
    });
  const path = file(
    'three.json',
    JSON.stringify({ kind: 'List', apiVersion: 'v1', items: ['a', 'b', 'c'].map(owned) }),
  );
  const { out } = await run(checkCommand, '-A', '--from', path);
  expect(out.split('\n').filter((line) => line.startsWith('pod '))).toHaveLength(1);
  expect(out).toContain('and 2 more');
});

test('text and Markdown hold the cause and the next command', async () => {
  const path = file('sick.json', JSON.stringify(sick));
  for (const form of ['text', 'md'])
    expect((await run(checkCommand, '--from', path, 'pod/sick', '-o', form)).out).toMatch(
      /kubectl -n ml logs sick -c main --previous --tail=200/,
    );
});

test('hostile text is harmless wherever it is printed', async () => {
  const path = file(
    'hostile.json',
    JSON.stringify(
      pod({
        ...crashed(ended(1, 'Error', { message: '\u001b]0;pwned\u0007\u001b[2J\u202egnp.exe $(reboot)' })),
        metadata: { name: 'sick', uid: 'u' },
      }),
    ),
  );
  for (const form of ['text', 'md', 'json']) {
    const { out } = await run(checkCommand, '--from', path, '-o', form);
    expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
});

test('a file that holds no objects is named, with its line', async () => {
  await expect(run(checkCommand, '--from', file('bad.jsonl', '{"a": 1}\n{oops\n'))).rejects.toThrow(
    /bad\.jsonl:2/,
  );
});

test('a subject that is not there is told so', async () => {
  await expect(
    run(checkCommand, '--from', file('pod.json', JSON.stringify(well)), 'pod/nobody'),
  ).rejects.toMatchObject({ kind: 'not-found' });
});

test('rules are listed, explained, linted and tested', async () => {
  expect((await run(rulesCommand, 'list')).out).toMatch(/F1 +image\.not-found/);
  expect((await run(rulesCommand, 'explain', 'image.not-found')).out).toContain('The image does not exist');
  const good = file(
    'good.yaml',
    'apiVersion: mltop.dev/v1alpha1\nkind: RulePack\nmetadata: {name: acme}\nstates: [{id: acme.busy, when: {path: status.phase, op: eq, value: Running}, severity: warn}]\ntests: [{name: busy, given: {pod: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: b}, status: {phase: Running}}}, want: {state: acme.busy}}]\n',
  );
  expect(await run(rulesCommand, 'lint', good)).toMatchObject({ code: 0 });
  expect(await run(rulesCommand, 'test', good)).toMatchObject({ code: 0, out: '1 passed, 0 failed\n' });
  expect((await run(rulesCommand, 'lint', file('broken.yaml', 'kind: Nothing\n'))).code).toBe(1);
});
