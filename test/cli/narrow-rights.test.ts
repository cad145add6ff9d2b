import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkCommand } from '../../src/cli/check.ts';
import { parseFlags } from '../../src/cli/flags.ts';
import type { CommandIo } from '../../src/cli/io.ts';
import { viewCommand } from '../../src/cli/view.ts';
import type { Rule } from '../../src/demo/rights.ts';
import { demoOf, pod } from '../demo/cluster.ts';

// The ladder of narrow rights on the command line: all namespaces, those that may be seen, objects by their name.

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Allowed {
  readonly namespaces: readonly string[];
  readonly rules: readonly Rule[];
}

const objects = ['train', 'serve', 'secret'].flatMap((namespace) => [
  pod(`a-${namespace}`, { namespace }),
  pod(`b-${namespace}`, { namespace, phase: 'Pending', node: '' }),
]);
const ofPods = (verbs: readonly string[], names?: readonly string[]): Rule => ({
  verbs,
  apiGroups: [''],
  resources: ['pods'],
  ...(names !== undefined && { resourceNames: names }),
});

/** What somebody with these rights gets. */
async function someone({ namespaces, rules }: Allowed) {
  const demo = await demoOf({ objects, viewerNamespaces: ['train'] });
  demo.rights.roles = [...demo.rights.roles, { name: 'narrow', rules }];
  demo.rights.bindings = [
    ...demo.rights.bindings.filter(({ name }) => name !== 'viewers'),
    ...namespaces.map((namespace) => ({ name: 'narrow', role: 'narrow', user: 'viewer', namespace })),
  ];
  const folder = await mkdtemp(join(tmpdir(), 'mltop-narrow-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'), 'viewer');
  const asked: string[] = [];
  demo.faults.always(
    () => true,
    ({ method, path, queryText }) =>
      void asked.push(`${method} ${path}${queryText.includes('watch') ? ' W' : ''}`),
  );
  async function run(command: (io: CommandIo) => Promise<number>): Promise<Ran> {
    let [out, err] = ['', ''];
    const code = await command({
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: (text: string) => (err += text) },
      env: { HOME: folder },
      connectOptions: { userAgent: 'mltop-test', kubeconfig },
    });
    return { code, out, err };
  }
  return {
    asked,
    check: (...args: string[]) => run((io) => checkCommand(args, io)),
    view: (word: string, ...args: string[]) =>
      run((io) => viewCommand(word, parseFlags([word, ...args]), io)),
  };
}

test('who may get single pods and list none sees those', async () => {
  const { view, check, asked } = await someone({
    namespaces: ['train'],
    rules: [ofPods(['get'], ['a-train'])],
  });
  const { code, out } = await view('pods', 'a-train', '-n', 'train', '-o', 'name');
  expect([code, out]).toEqual([0, 'pod/a-train\n']);
  expect(asked).not.toContain('GET /api/v1/namespaces/train/pods');
  const checked = await check('pod/a-train', '-n', 'train', '-o', 'json');
  expect(JSON.parse(checked.out)).toMatchObject({ findings: [{ subject: { name: 'a-train' } }] });
});

test('a pod that may not be seen is not called missing', async () => {
  const { view, check } = await someone({ namespaces: ['train'], rules: [ofPods(['get'], ['a-train'])] });
  await expect(view('pods', 'b-train', '-n', 'train')).rejects.toMatchObject({ kind: 'forbidden' });
  await expect(check('pod/b-train', '-n', 'train')).rejects.toMatchObject({
    kind: 'forbidden',
    message: expect.stringContaining('cannot be seen'),
  });
  const all = await someone({ namespaces: ['train'], rules: [ofPods(['get', 'list'])] });
  expect((await all.view('pods', 'nope', '-n', 'train')).code).toBe(5);
  await expect(all.check('pod/nope', '-n', 'train')).rejects.toMatchObject({ kind: 'not-found' });
});

test('check -A looks into the namespaces that may be seen, and says that they are not all', async () => {
  const { check } = await someone({ namespaces: ['train'], rules: [ofPods(['get', 'list', 'watch'])] });
  const { out } = await check('-A', '-o', 'json', '--all');
  const { findings, partial } = JSON.parse(out) as {
    readonly findings: readonly { readonly subject: { readonly namespace: string } }[];
    readonly partial: readonly string[];
  };
  expect(new Set(findings.map(({ subject }) => subject.namespace))).toEqual(new Set(['train']));
  expect(partial).toContainEqual(expect.stringMatching(/^Pod: only in train \(pods is forbidden/));
});

test('of several namespaces the one that is refused is named, and the others are printed', async () => {
  const { view } = await someone({
    namespaces: ['train', 'serve'],
    rules: [ofPods(['get', 'list', 'watch'])],
  });
  const { code, out, err } = await view('pods', '-n', 'train,serve,secret', '-o', 'name');
  expect(out.split('\n').filter((line) => line !== '')).toHaveLength(4);
  expect(err).toContain('pods in secret: ');
  expect(code).toBe(3);
});

test('who may do nothing is told what to ask for', async () => {
  const { view, check } = await someone({ namespaces: [], rules: [] });
  await expect(view('pods', '-A')).rejects.toMatchObject({
    kind: 'forbidden',
    hint: expect.stringContaining('right to list pods'),
  });
  const { code, err, out } = await check('-A', '-o', 'json');
  expect(code).toBe(3);
  expect(`${out}${err}`).toContain('pods is forbidden');
});
