import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { topCommand } from '../../src/cli/top.ts';
import type { DemoOptions } from '../../src/demo/index.ts';
import { demoOf } from '../demo/cluster.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function top(
  args: readonly string[],
  options: DemoOptions & { readonly user?: string } = {},
): Promise<Ran> {
  const { user = 'admin', ...demoOptions } = options;
  const demo = await demoOf({ still: true, ...demoOptions });
  const folder = await mkdtemp(join(tmpdir(), 'mltop-top-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const kubeconfig = await demo.writeKubeconfig(join(folder, 'config'), user);
  const out: string[] = [];
  const err: string[] = [];
  const code = await topCommand([...args, '--kubeconfig', kubeconfig], {
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
    env: {},
    connectOptions: { userAgent: 'mltop-test' },
  } as never);
  return { code, out: out.join(''), err: err.join('') };
}

const cells = (out: string, name: string): readonly string[] =>
  out
    .split('\n')
    .find((line) => line.includes(name))
    ?.split(/\s{2,}/) ?? [];

test('pods with what they use beside what they asked for', async () => {
  const { code, out } = await top(['pods', '-n', 'team-a']);
  expect(code).toBe(0);
  expect(out.split('\n')[0]?.split(/\s+/).join(' ')).toBe(
    'NAME CPU %CPU/R %CPU/L MEM %MEM/R %MEM/L GPU UTIL HBM WATTS',
  );
  const [, cpu, , , , , , gpus, util, , watts] = cells(out, 'notebook-idle-0');
  expect(cpu).toMatch(/^\d+m$/);
  expect([gpus, util, watts]).toEqual(['2', '0%', '142']);
});

test('programs get numbers, and a pod without a sample says why it has none', async () => {
  const { out } = await top(['pods', '-n', 'team-b', '-o', 'json']);
  const { items } = JSON.parse(out) as { readonly items: readonly Record<string, unknown>[] };
  const named = (name: string) => items.find((item) => item['name'] === name);
  expect(named('rag-batch-0')).toMatchObject({
    gpuBusy: expect.any(Number),
    cpuMillicores: expect.any(Number),
  });
  expect(named('eval-notaint')).toMatchObject({ unknown: 'noSample' });
});

test('without the metrics API the GPUs are there all the same, and it is told', async () => {
  const { code, out, err } = await top(['pods', '-n', 'team-a'], { metrics: 'absent' });
  expect(code).toBe(3);
  expect(err).toContain('The metrics API is not installed');
  expect(cells(out, 'notebook-idle-0').slice(1, 2)).toEqual(['n/a']);
  expect(cells(out, 'notebook-idle-0')).toContain('0%');
});

test('nodes with shares of what they have', async () => {
  const { code, out } = await top(['nodes']);
  expect(code).toBe(0);
  expect(cells(out, 'gpu-h100-01')).toEqual([
    'gpu-h100-01',
    expect.any(String),
    expect.stringMatching(/%$/),
    expect.any(String),
    expect.stringMatching(/%$/),
    '8',
    '0%',
  ]);
});

test('a narrow role sees its own part and is told what is missing', async () => {
  const { code, out, err } = await top(['pods', '-n', 'team-a'], {
    user: 'viewer',
    viewerNamespaces: ['team-a'],
  });
  expect(code).toBe(3);
  expect(cells(out, 'notebook-idle-0')).toContain('denied');
  expect(err).toContain('exporters are not known');
});

test('anything but pods and nodes is refused', async () => {
  await expect(top(['jobs'])).rejects.toThrow('not pods or nodes');
});
