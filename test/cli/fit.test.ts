import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { fitCommand } from '../../src/cli/fit.ts';
import { startDemo } from '../../src/demo/index.ts';
import type { ConnectOptions } from '../../src/kube/contract.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { schedulingOracle } from '../recorded/read.ts';
import { node, pod } from '../scheduling/rows.ts';

const folder = mkdtempSync(join(tmpdir(), 'mltop-fit-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function ask(args: readonly string[], connectOptions: Partial<ConnectOptions> = {}): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await fitCommand(args, {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    env: {},
    connectOptions: { userAgent: 'test', ...connectOptions },
  });
  return { code, out: out.join(''), err: err.join('') };
}

const eight = { 'nvidia.com/gpu': '8' };
const objects: readonly KubeObject[] = [
  node('a', { allocatable: eight }),
  node('b', { allocatable: eight, unschedulable: true }),
  pod('holder', { on: 'a', requests: { 'nvidia.com/gpu': '6' } }),
  pod('waiting', { requests: { 'nvidia.com/gpu': '4' } }),
  pod('small', { requests: { 'nvidia.com/gpu': '2' } }),
];
const asLines = (of: readonly KubeObject[]) => of.map((object) => JSON.stringify(object)).join('\n');
const small = file('small.jsonl', asLines(objects));

test('a named pod as JSON: where it fits, counts of reasons, and every blocker of every node', async () => {
  const { code, out } = await ask(['--pod', 'train/waiting', '--from', small, '-o', 'json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({
    namespace: 'train',
    name: 'waiting',
    fits: [],
    reasons: { 'Insufficient nvidia.com/gpu': 1, 'node(s) were unschedulable': 1 },
    nodes: [
      {
        name: 'a',
        blockers: [
          { plugin: 'NodeResourcesFit', reason: 'Insufficient nvidia.com/gpu', detail: 'needs 4, free 2' },
        ],
      },
      { name: 'b', blockers: [{ plugin: 'NodeUnschedulable', reason: 'node(s) were unschedulable' }] },
    ],
  });
});

test('all waiting pods as JSON are an array', async () => {
  const { code, out } = await ask(['--pending', '--from', small, '-o', 'json']);
  expect(code).toBe(1);
  expect(
    (JSON.parse(out) as { name: string; fits: string[] }[]).map(({ name, fits }) => [name, fits]),
  ).toEqual([
    ['waiting', []],
    ['small', ['a']],
  ]);
});

test('the matrix for people', async () => {
  const { out } = await ask(['--pod', 'waiting', '--from', small]);
  expect(out).toMatchInlineSnapshot(`
    "train/waiting asks for nvidia.com/gpu 4
    0 of 2 nodes fit

    NODES   NODE   PLUGIN              REASON                        DETAIL
    1       a      NodeResourcesFit    Insufficient nvidia.com/gpu   needs 4, free 2
    1       b      NodeUnschedulable   node(s) were unschedulable    cordoned

    nearest: b (cordoned)
    would fit if nvidia.com/gpu were freed: a
    would fit if the node were uncordoned: b
    "
  `);
});

test('a wish is placed, or the way to room is shown', async () => {
  const placed = await ask(['--gpus', '2', '--from', small]);
  expect(placed.code).toBe(0);
  expect(placed.out).toContain('1x2 GPUs would start now');
  const refused = await ask(['--gpus', '8', '--count', '2', '--from', small]);
  expect(refused.code).toBe(1);
  expect(refused.out).toMatchInlineSnapshot(`
    "2x8 GPUs: 0 of 2 would start now; largest block 2 on 2 nodes of the kind

    ROOM ON   FOR ONE MORE
    b         uncordon it
    a         held by train/holder (6)

    NODES   NODE   PLUGIN              REASON                        DETAIL
    1       a      NodeResourcesFit    Insufficient nvidia.com/gpu   needs 8, free 2
    1       b      NodeUnschedulable   node(s) were unschedulable    cordoned
    "
  `);
});

test('files as kubectl prints them: a List in JSON, documents in YAML, several at once', async () => {
  const nodes = file(
    'nodes.json',
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects.slice(0, 2) }),
  );
  const pods = file(
    'pods.yaml',
    objects
      .slice(2)
      .map((object) => stringify(object))
      .join('---\n'),
  );
  const { out } = await ask(['--pod', 'train/small', '--from', nodes, pods, '-o', 'json']);
  expect(JSON.parse(out)).toMatchObject({ fits: ['a'] });
});

test('decisions of a real scheduler come out of the command as well', async () => {
  const lines = schedulingOracle();
  const kinds = {
    nodes: 'Node',
    pods: 'Pod',
    namespaces: 'Namespace',
    persistentvolumes: 'PersistentVolume',
    persistentvolumeclaims: 'PersistentVolumeClaim',
    storageclasses: 'StorageClass',
  };
  for (const base of [0, 7]) {
    const cluster = lines.find((line) => line.base === base && line.objects !== undefined)?.objects ?? {};
    const decisions = lines.filter((line) => line.base === base && line.pod !== undefined).slice(0, 10);
    const held = Object.entries(kinds).flatMap(([plural, kind]) =>
      (cluster[plural] ?? []).map(
        (object): KubeObject => ({
          apiVersion: kind === 'StorageClass' ? 'storage.k8s.io/v1' : 'v1',
          kind,
          ...object,
        }),
      ),
    );
    for (const { pod: asked, result } of decisions) {
      const path = file('decision.jsonl', asLines([...held, asked as KubeObject]));
      const { code, out } = await ask([
        '--pod',
        `${asked?.metadata?.namespace}/${asked?.metadata?.name}`,
        '--from',
        path,
        '-o',
        'json',
      ]);
      const { fits } = JSON.parse(out) as { fits: string[] };
      expect(code).toBe(fits.length > 0 ? 0 : 1);
      if (result?.fits === undefined) expect(fits).toEqual([]);
      else expect(fits).toContain(result.fits);
    }
  }
});

test('a wrong question is told so', async () => {
  await expect(ask([])).rejects.toThrow('fit needs one question');
  await expect(ask(['--pending', '--gpus', '8'])).rejects.toThrow('fit needs one question');
  await expect(ask(['--gpus', '0'])).rejects.toThrow('--gpus 0');
  await expect(ask(['--gpus', '1', '--memory', 'lots', '--from', small])).rejects.toThrow('--memory lots');
  await expect(ask(['--pod', 'train/nobody', '--from', small])).rejects.toMatchObject({ kind: 'not-found' });
});

test('a live cluster is asked the same; a narrow role is told what it cannot see', async () => {
  const demo = await startDemo({
    objects: [...objects, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'train' } }] as never,
    still: true,
    viewerNamespaces: ['train'],
  });
  try {
    const admin = await demo.writeKubeconfig(join(folder, 'admin'));
    const asAdmin = await ask(['--pod', 'train/waiting', '-o', 'json'], { kubeconfig: admin });
    expect([asAdmin.code, asAdmin.err]).toEqual([1, '']);
    expect(JSON.parse(asAdmin.out)).toMatchObject({
      fits: [],
      reasons: { 'Insufficient nvidia.com/gpu': 1 },
    });
    const viewer = await demo.writeKubeconfig(join(folder, 'viewer'), 'viewer');
    const asViewer = await ask(['--pending'], { kubeconfig: viewer }).catch((error: unknown) => error);
    expect(asViewer).toMatchObject(asViewer instanceof Error ? { kind: 'forbidden' } : { code: 3 });
  } finally {
    await demo.close();
  }
});
