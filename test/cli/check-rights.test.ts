import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkCommand } from '../../src/cli/check.ts';
import { demoOf } from '../demo/cluster.ts';

interface Fix {
  readonly argv: readonly string[];
  readonly right?: { readonly allowed: string; readonly missing?: readonly string[] };
}

/** The fixes that `mltop check` gives one user of the demo cluster, and its text. */
async function checked(
  user: string,
  pod: string,
): Promise<{ readonly fixes: readonly Fix[]; readonly text: string }> {
  const demo = await demoOf({ still: true, viewerNamespaces: ['team-b'] });
  const folder = await mkdtemp(join(tmpdir(), 'mltop-rights-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'), user);
  const run = async (format: string): Promise<string> => {
    let out = '';
    await checkCommand([`pod/${pod}`, '-n', 'team-b', '-o', format], {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: () => true },
      env: { HOME: folder },
      connectOptions: { userAgent: 'mltop-test', kubeconfig },
    });
    return out;
  };
  const { findings } = JSON.parse(await run('json')) as {
    readonly findings: readonly { readonly causes: readonly { readonly fixes: readonly Fix[] }[] }[];
  };
  return {
    fixes: findings.flatMap(({ causes }) => causes.flatMap(({ fixes }) => fixes)),
    text: await run('text'),
  };
}

test('who may do everything is told of nothing that is missing', async () => {
  const { fixes, text } = await checked('admin', 'dataprep-oom');
  expect(fixes.length).toBeGreaterThan(1);
  expect(fixes.map(({ right }) => right)).toEqual(fixes.map(() => ({ allowed: 'yes' })));
  expect(text).not.toContain('no right');
});

test('who may only look is told which right each fix lacks', async () => {
  const read = await checked('viewer', 'dataprep-oom');
  expect(read.fixes.find(({ argv }) => argv.includes('logs'))?.right).toEqual({ allowed: 'yes' });
  const { fixes, text } = await checked('viewer', 'notebook-7d9f4-x2x9q');
  expect(fixes.find(({ argv }) => argv.includes('delete'))?.right).toEqual({
    allowed: 'no',
    missing: ['delete pods in team-b'],
  });
  expect(text).toMatch(/# .*\(disruptive|reversible\); no right: delete pods in team-b/);
  expect(text).toMatch(/describe node gpu-h100-02 {3}# no right: get nodes/);
});
