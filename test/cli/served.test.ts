import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseFlags } from '../../src/cli/flags.ts';
import { viewCommand } from '../../src/cli/view.ts';
import { demoOf } from '../demo/cluster.ts';
import { temporaryFolder } from '../folder.ts';

/** What is printed for these words, against the demo cluster. */
async function given() {
  const demo = await demoOf({ still: true });
  const folder = temporaryFolder('served');
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'));
  return async (...words: readonly string[]): Promise<readonly string[]> => {
    let out = '';
    await viewCommand(words[0] ?? '', parseFlags(words), {
      stdout: { write: (text: string) => (out += text) },
      stderr: { write: () => true },
      env: { HOME: folder },
      connectOptions: { userAgent: 'mltop-test', kubeconfig },
    });
    return out.trimEnd().split('\n');
  };
}

test('a kind that only the cluster knows is printed as kubectl prints it', async () => {
  const print = await given();
  const [titles, line] = await print('nodeclaims');
  expect(titles).toMatch(/^NAME +NODE +READY +AGE$/);
  expect(line).toMatch(/^gpu-8x7kq +ip-10-0-3-7 /);
  expect((await print('computedomain', '-A'))[1]).toMatch(/^dra +nvl72 /);
  expect((await print('runtimeclasses', '-o', 'name'))[0]).toBe('runtimeclass.node.k8s.io/nvidia');
});

test('a word that the cluster does not know either is no view', async () => {
  const print = await given();
  await expect(print('frobnicate')).rejects.toThrow("unknown view or command 'frobnicate'");
  await expect(print('podz')).rejects.toThrow("unknown view or command 'podz'");
});
