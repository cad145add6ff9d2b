import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkCommand } from '../../src/cli/check.ts';
import { rulesCommand } from '../../src/cli/rules.ts';
import { loadRules } from '../../src/cli/rules-source.ts';
import { type Schema, violations } from '../checklist/json-schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'mltop-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, content);
  return path;
};

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const home = join(folder, 'nobody');

async function run(command: typeof rulesCommand, argv: readonly string[], env = home): Promise<Run> {
  let [out, err] = ['', ''];
  const code = await command(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: { HOME: env },
    connectOptions: { userAgent: 'test' },
  });
  return { code, out, err };
}

const rules = (...argv: readonly string[]): Promise<Run> => run(rulesCommand, argv);

const head = 'apiVersion: mltop.dev/v1alpha1\nkind: RulePack\nmetadata: {name: acme}\n';
const simple = `${head}states:
  - id: acme.busy
    when: {path: status.phase, op: eq, value: Running}
    severity: warn
    label: 'busy on {{ node }}'
tests:
  - name: busy
    given: {pod: pods/busy.yaml, logs: busy.log}
    want: {state: acme.busy, severity: warn, not: [H1]}
`;
const busy = `apiVersion: v1
kind: Pod
metadata: {name: a, namespace: b}
spec: {nodeName: n1, containers: [{name: main, image: x}]}
status: {phase: Running, conditions: [{type: Ready, status: 'True'}], containerStatuses: [{name: main, ready: true, state: {running: {}}}]}
`;

/** The pack of the README, as one would copy it. */
function readmePack(): string {
  const text = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  return /<!-- rule pack -->\n```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
}

describe('the pack of the README', () => {
  const path = file('readme.yaml', readmePack());

  test('is right', async () => {
    expect(await rules('lint', path)).toMatchObject({ code: 0, out: '1 pack, no problem.\n' });
  });

  test('passes its own tests', async () => {
    expect(await rules('test', path)).toMatchObject({ code: 0, out: '2 passed, 0 failed\n' });
  });

  test('has tests that can fail', async () => {
    const wrong = file(
      'wrong.yaml',
      readmePack().replace('want: {state: acme.dataset,', 'want: {state: H1,'),
    );
    const { code, out } = await rules('test', wrong);
    expect(code).toBe(1);
    expect(out).toBe(`${wrong}: a missing dataset: state: wanted H1, got acme.dataset\n1 passed, 1 failed\n`);
  });
});

describe('mltop rules', () => {
  file('pack/pods/busy.yaml', busy);
  file('pack/busy.log', 'hello\n');
  const path = file('pack/acme.yaml', simple);

  test('list shows built-in states with their priorities, and those of packs', async () => {
    const { out } = await rules('list', path);
    expect(out).toMatch(/^F1 +image\.not-found +- +image +bad +\d+ /m);
    expect(out).toMatch(/^acme\.busy +acme\.busy +acme +progressing +warn +- +busy on/m);
    const off = file('off.yaml', `${head}overrides: [{id: F1, disabled: true}]\n`);
    expect((await rules('list', off)).out).toMatch(/^F1 +image\.not-found +- +image +off /m);
    const json = JSON.parse((await rules('list', path, '-o', 'json')).out) as {
      readonly states: readonly { readonly id: string; readonly pack: string }[];
    };
    expect(json.states.find(({ pack }) => pack === 'acme')).toMatchObject({ id: 'acme.busy' });
  });

  test('lint gives each problem its line, and 1 for errors alone', async () => {
    const broken = file('broken.yaml', simple.replace('severity: warn\n', 'severity: loud\n'));
    expect(await rules('lint', broken)).toMatchObject({
      code: 1,
      out: `${broken}:7: severity loud: one of info, warn, fail\n`,
    });
    const odd = file('odd.yaml', simple.replace('status.phase', "'spec.containers[0].image'"));
    expect(await rules('lint', odd)).toMatchObject({
      code: 0,
      out: expect.stringContaining(':6: warning: '),
    });
    expect(JSON.parse((await rules('lint', broken, '-o', 'json')).out)).toMatchObject({
      problems: [{ file: broken, line: 7, level: 'error' }],
    });
    await expect(rules('lint', join(folder, 'none.yaml'))).rejects.toThrow('cannot be read');
  });

  test('test reads what lies beside the pack, and nothing else', async () => {
    expect(await rules('test', path)).toMatchObject({ code: 0, out: '1 passed, 0 failed\n' });
    for (const [name, problem] of [
      ['../readme.yaml', 'not beside the pack'],
      ['/etc/passwd', 'not beside the pack'],
      ['gone.yaml', 'no such file beside the pack'],
    ] as const) {
      const other = file('pack/other.yaml', simple.replace('pods/busy.yaml', name));
      expect(await rules('test', other)).toMatchObject({ code: 1, out: expect.stringContaining(problem) });
      rmSync(other);
    }
    expect(JSON.parse((await rules('test', path, '-o', 'json')).out)).toMatchObject({
      passed: 1,
      failed: 0,
      results: [{ name: 'busy', differences: [] }],
    });
  });

  test.each([
    ['image.not-found', 'The image does not exist'],
    ['F1', 'gate image, severity bad, priority'],
    ['H12', 'param restarts (3): restarts from which'],
    ['cuda-oom', 'GPU memory full in this process'],
    ['137', 'exit code 137: SIGKILL'],
    ['facts', 'service.readyEndpoints {name, [ns]}'],
    ['conditions', 'operators  eq, ne, in'],
    ['gates', 'g15 progressing'],
  ])('explain %s', async (id, words) => {
    const { code, out } = await rules('explain', id);
    expect(code).toBe(0);
    expect(out).toContain(words);
  });

  test('explain shows a rule of a pack with what hangs on it, and what packs change', async () => {
    const readme = file('readme.yaml', readmePack());
    const { out } = await rules('explain', 'acme.shard-wait', '--rules', readme);
    expect(out).toMatch(/^acme\.shard-wait {2}acme {2}.*readme\.yaml:\d+$/m);
    for (const words of ['waiting for shard lock', 'acme.shard-endpoints', 'acme.shards-down', 'rollout'])
      expect(out).toContain(words);
    expect((await rules('explain', 'J8', '--rules', readme)).out).toMatch(
      /param stallMinutes \(45\)[\s\S]*changed by acme: \{"id":"J8"/,
    );
    expect((await rules('explain', '42', '--rules', readme)).out).toContain(
      'acme/train:*: dataset version missing',
    );
    expect(
      JSON.parse((await rules('explain', 'acme.shard-wait', '--rules', readme, '-o', 'json')).out),
    ).toMatchObject({
      rules: [{ kind: 'state', pack: 'acme', rule: { id: 'acme.shard-wait' } }],
    });
  });

  test('schema is what the pack of the README is by, and what a slip is not', async () => {
    const schema = JSON.parse((await rules('schema')).out) as Schema;
    const pack = parse(readmePack()) as Readonly<Record<string, unknown>>;
    expect(violations(schema, pack)).toEqual([]);
    const wrong = { ...pack, states: [{ id: 'acme.a', when: { pth: 'x' }, severity: 'loud' }] };
    expect(violations(schema, wrong)).toEqual([
      expect.stringContaining('$.states[0].when'),
      expect.stringContaining('$.states[0].severity'),
    ]);
  });

  test('says how it is used, and what a wrong word may have meant', async () => {
    expect(await rules('--help')).toMatchObject({
      code: 0,
      out: expect.stringContaining('rules explain ID'),
    });
    await expect(rules()).rejects.toMatchObject({ hint: 'One of list, lint, test, explain, schema.' });
    await expect(rules('lnt')).rejects.toMatchObject({ hint: 'Did you mean lint?' });
    await expect(rules('explain', 'image.not-fuond')).rejects.toMatchObject({
      hint: 'Did you mean image.not-found?',
    });
  });
});

describe('packs everywhere', () => {
  const pack = file('everywhere/acme.yaml', simple);
  const pod = file('everywhere-pod.yaml', busy);

  test('check finds by them, of files and of folders', async () => {
    for (const named of [pack, join(folder, 'everywhere')]) {
      const { code, out } = await run(checkCommand, ['--from', pod, '--rules', named, '-o', 'json']);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ findings: [{ state: 'acme.busy', headline: 'busy on n1' }] });
    }
    expect((await run(checkCommand, ['--from', pod])).code).toBe(0);
  });

  test('a broken one of the configuration folder is left out with a word, a broken one that was named is an error', async () => {
    const config = join(folder, 'home');
    file('home/.config/mltop/rules/a.yaml', simple);
    const broken = file('home/.config/mltop/rules/b.yaml', simple.replace('kind: RulePack', 'kind: Other'));
    const found = await run(checkCommand, ['--from', pod, '-o', 'json'], config);
    expect(JSON.parse(found.out)).toMatchObject({ findings: [{ state: 'acme.busy' }] });
    expect(found.err).toBe(`mltop: left out ${broken}:2: kind must be RulePack\n`);
    await expect(
      loadRules([broken], {
        stdout: { write: () => {} },
        stderr: { write: () => {} },
        env: {},
        connectOptions: { userAgent: 'test' },
      }),
    ).rejects.toMatchObject({ hint: `mltop rules lint ${broken} lists all problems.` });
  });
});
