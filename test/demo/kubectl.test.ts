import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, type LogLine, startDemo } from '../../src/demo/index.ts';
import { recordedTable } from '../recorded/read.ts';
import { pod, recordedFiles } from './cluster.ts';

/** Real clients: those that lie beside the `kubectl` on PATH, else that one. */
function clients(): { readonly version: string; readonly path: string }[] {
  let found: string;
  try {
    found = realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim());
  } catch {
    return [];
  }
  const beside = ['1.27', '1.30', '1.33']
    .map((version) => ({ version, path: join(dirname(found), `kubectl.${version}`) }))
    .filter(({ path }) => existsSync(path));
  return beside.length > 0 ? beside : [{ version: 'on PATH', path: found }];
}

const all = clients();
test.runIf(all.length === 0)('kubectl is not on PATH: the demo server is not tried with it', ({ skip }) =>
  skip(),
);

const recordedAt = Date.parse('2026-11-21T11:44:16Z');
const folder = mkdtempSync(join(tmpdir(), 'mltop-kubectl-'));
const config = join(folder, 'config');
let demo: Demo;
let readers: ((line: LogLine | undefined) => void)[] = [];

beforeAll(async () => {
  demo = await startDemo({
    from: recordedFiles(
      'pods',
      'nodes',
      'namespaces',
      'events',
      'deployments.apps',
      'jobs.batch',
      'leases.coordination.k8s.io',
      'persistentvolumeclaims',
    ),
    viewerNamespaces: ['research', 'serving'],
    now: () => recordedAt,
    metricsProvider: {
      nodes: () => [{ name: 'h100-a-01', cpu: '24500m', memory: '300Gi', at: recordedAt }],
      pods: (namespace) =>
        namespace === 'research' || namespace === undefined
          ? [
              {
                namespace: 'research',
                name: 'sidecar-ok',
                containers: [{ name: 'main', cpu: '250m', memory: '512Mi' }],
                at: recordedAt,
              },
            ]
          : [],
    },
    logsProvider: () => ({
      lines: [
        { at: recordedAt - 2000, text: 'epoch 1' },
        { at: recordedAt - 1000, text: 'epoch 2' },
      ],
      follow: (onLine) => {
        readers.push(onLine);
        return () => {
          readers = readers.filter((reader) => reader !== onLine);
        };
      },
    }),
  });
  await demo.writeKubeconfig(config);
});
afterAll(async () => {
  await demo?.close();
  rmSync(folder, { recursive: true });
});

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe.for(all)('kubectl $version', ({ version, path }) => {
  const flags = ['--kubeconfig', config, '--cache-dir', join(folder, `cache-${version}`)];
  const kubectl = (...args: readonly string[]): Promise<Result> =>
    new Promise((resolve) => {
      execFile(path, [...flags, ...args], { encoding: 'utf8', maxBuffer: 1 << 26 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  const rows = (text: string): string[][] =>
    text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));

  test('get pods -A prints what the recorded server printed', async () => {
    const { out } = await kubectl('get', 'pods', '-A');
    const [head, ...cells] = rows(out);
    expect(head).toEqual(['NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
    const real = (recordedTable('pods').rows ?? []).map((row) => [
      row.object.metadata?.namespace,
      ...row.cells.slice(0, 3),
    ]);
    expect(cells.map((row) => row.slice(0, 4))).toEqual(real);
  });

  test('get in every form', async () => {
    expect(rows((await kubectl('get', 'pods', '-n', 'serving', '-o', 'wide')).out)[0]).toContain(
      'NOMINATED NODE',
    );
    const yaml = (await kubectl('get', 'pod', '-n', 'research', 'sidecar-ok', '-o', 'yaml')).out;
    expect(yaml).toMatch(/^apiVersion: v1\nkind: Pod\nmetadata:/);
    const json = JSON.parse((await kubectl('get', 'pods', '-A', '-o', 'json')).out) as { items: unknown[] };
    expect(json.items).toHaveLength(284);
    expect((await kubectl('get', 'pods', '-n', 'serving', '-l', 'app=mesh', '-o', 'name')).out).toMatch(
      /^pod\/mesh-/,
    );
    expect(rows((await kubectl('get', 'nodes')).out)).toHaveLength(25);
    expect(rows((await kubectl('get', 'events', '-n', 'rlhf')).out)[0]).toEqual([
      'LAST SEEN',
      'TYPE',
      'REASON',
      'OBJECT',
      'MESSAGE',
    ]);
    expect((await kubectl('get', 'pods', '-n', 'no-such-namespace')).err).toContain('No resources found');
    expect((await kubectl('get', 'pod', '-n', 'research', 'nope')).err).toContain(
      'Error from server (NotFound): pods "nope" not found',
    );
    expect((await kubectl('get', 'gpus')).err).toContain(`the server doesn't have a resource type "gpus"`);
  });

  test('describe', async () => {
    const pod = await kubectl('describe', 'pod', '-n', 'research', 'ft-oom-0');
    expect(pod.out).toContain('OOMKilled');
    expect(pod.out).toMatch(/Events:\n {2}Type/);
    const node = await kubectl('describe', 'node', 'h100-a-01');
    expect(node.out).toContain('nvidia.com/gpu');
    expect(node.out).toMatch(/Non-terminated Pods: +\(\d+ in total\)/);
  });

  test('logs, and logs -f until the container ends', async () => {
    expect((await kubectl('logs', '-n', 'research', 'sidecar-ok', '-c', 'main', '--tail', '1')).out).toBe(
      'epoch 2\n',
    );
    const following = spawn(path, [...flags, 'logs', '-n', 'research', 'sidecar-ok', '-c', 'main', '-f']);
    const lines: string[] = [];
    const reader = createInterface({ input: following.stdout });
    for await (const line of reader) {
      lines.push(line);
      if (line === 'epoch 2') for (const write of readers) write({ at: recordedAt, text: 'epoch 3' });
      if (line === 'epoch 3') for (const write of readers) write(undefined);
    }
    expect(lines).toEqual(['epoch 1', 'epoch 2', 'epoch 3']);
  });

  test('get -w sees a change', async () => {
    const watching = spawn(path, [...flags, 'get', 'pods', '-n', 'rlhf', '-w']);
    const reader = createInterface({ input: watching.stdout });
    const name = `watched-${version}`;
    for await (const line of reader) {
      if (line.startsWith('resize-me')) demo.store.put(pod(name, { namespace: 'rlhf' }));
      if (line.startsWith(name)) break;
    }
    watching.kill();
    demo.store.remove({ group: '', plural: 'pods', namespace: 'rlhf', name });
  });

  test('top', async () => {
    expect((await kubectl('top', 'nodes')).out).toMatch(/h100-a-01 +24500m +\d+% +307200Mi/);
    expect(rows((await kubectl('top', 'pods', '-n', 'research')).out)[1]).toEqual([
      'sidecar-ok',
      '250m',
      '512Mi',
    ]);
  });

  test('auth', async () => {
    expect((await kubectl('auth', 'can-i', 'delete', 'pods', '-A')).out).toBe('yes\n');
    expect(
      (await kubectl('--context', 'demo-viewer', 'auth', 'can-i', 'list', 'pods', '-n', 'serving')).out,
    ).toBe('yes\n');
    const no = await kubectl('--context', 'demo-viewer', 'auth', 'can-i', 'delete', 'pods', '-n', 'serving');
    expect([no.code, no.out]).toEqual([1, 'no\n']);
    const rules = (await kubectl('--context', 'demo-viewer', 'auth', 'can-i', '--list', '-n', 'serving')).out;
    expect(rules).toMatch(/pods\/log +\[\] +\[\] +\[get list watch\]/);
    expect((await kubectl('--context', 'demo-nobody', 'get', 'nodes')).err).toContain(
      'Error from server (Forbidden): nodes is forbidden: User "nobody" cannot list resource "nodes"',
    );
  });

  // 1.27 asks for alpha and beta versions that a 1.36 server has dropped.
  test.skipIf(version === '1.27')('auth whoami', async () => {
    expect((await kubectl('--context', 'demo-viewer', 'auth', 'whoami')).out).toMatch(/Username +viewer/);
  });

  test('version and api-resources', async () => {
    expect((await kubectl('version')).out).toContain('v1.36.3');
    const resources = (await kubectl('api-resources')).out;
    expect(resources).toMatch(/^pods +po +v1 +true +Pod$/m);
    expect(resources).toMatch(/^nodes +metrics\.k8s\.io\/v1beta1 +false +NodeMetrics$/m);
  });
});
