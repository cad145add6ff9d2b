import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { fieldAt } from '../../src/demo/object.ts';
import { pod } from './cluster.ts';

/** Real clients: those that lie beside the `kubectl` on PATH, else that one. The oldest speaks SPDY, the newest WebSocket. */
function clients(): { readonly version: string; readonly path: string }[] {
  let found: string;
  try {
    found = realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim());
  } catch {
    return [];
  }
  const beside = ['1.28', '1.30', '1.33']
    .map((version) => ({ version, path: join(dirname(found), `kubectl.${version}`) }))
    .filter(({ path }) => existsSync(path));
  return beside.length > 0 ? beside : [{ version: 'on PATH', path: found }];
}

const all = clients();
test.runIf(all.length === 0)('kubectl is not on PATH: exec is not tried with it', ({ skip }) => skip());

describe.for(all)('kubectl $version', { timeout: 30_000 }, ({ path }) => {
  const folder = mkdtempSync(join(tmpdir(), 'mltop-kubectl-'));
  const config = join(folder, 'config');
  const flags = ['--kubeconfig', config, '--cache-dir', join(folder, 'cache'), '-n', 'train'];
  const children: ChildProcess[] = [];
  let demo: Demo;
  const kubectl = (
    args: readonly string[],
    input = '',
  ): Promise<{ code: number; out: string; err: string }> =>
    new Promise((resolve) => {
      const child = execFile(
        path,
        [...flags, ...args],
        { encoding: 'utf8', timeout: 20_000 },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
      );
      child.stdin?.end(input);
    });

  beforeAll(async () => {
    const bare = pod('bare');
    const spec = { nodeName: 'n1', containers: [{ name: 'main', image: 'gcr.io/distroless/static:1' }] };
    const web = pod('web');
    demo = await startDemo({
      objects: [
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 's', namespace: 'train' },
          data: { key: Buffer.from('word').toString('base64') },
        },
        { ...bare, spec },
        {
          ...web,
          spec: {
            nodeName: 'n1',
            securityContext: {},
            containers: [
              {
                name: 'main',
                image: 'vllm/vllm-openai:v0.11.0',
                env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } }],
                ports: [{ containerPort: 8000 }],
              },
            ],
          },
        },
        pod('waits', { phase: 'Pending', node: '' }),
      ],
    });
    await demo.writeKubeconfig(config);
  });
  afterAll(async () => {
    for (const child of children) child.kill();
    await demo?.close();
    rmSync(folder, { recursive: true });
  });

  test('exec: output, errors, exit code, input, environment', async () => {
    const ran = await kubectl(['exec', 'web', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
    expect(ran).toEqual({ code: 3, out: 'out\n', err: 'err\ncommand terminated with exit code 3\n' });
    expect((await kubectl(['exec', '-i', 'web', '--', 'cat'], 'what goes in')).out).toBe('what goes in');
    expect((await kubectl(['exec', 'web', '--', 'env'])).out).toContain('TOKEN=word\n');
    expect((await kubectl(['exec', 'web', '--', 'sh', '-c', 'ls / | grep e | head -n 1'])).out).toBe('dev\n');
  });

  test('an image without a shell says so, as does a pod that does not run', async () => {
    expect((await kubectl(['exec', 'bare', '--', 'sh'])).err).toContain('executable file not found in $PATH');
    expect((await kubectl(['exec', 'web', '-c', 'other', '--', 'ls'])).err).toContain(
      'container other is not valid for pod web',
    );
  });

  test('cp carries files in and out', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x'.repeat(100_000));
    expect((await kubectl(['cp', file, 'web:/tmp/file'])).code).toBe(0);
    expect((await kubectl(['exec', 'web', '--', 'wc', '-l', '/tmp/file'])).out).toBe('0\n');
    expect((await kubectl(['cp', 'web:/tmp/file', join(folder, 'back')])).code).toBe(0);
    expect(readFileSync(join(folder, 'back'), 'utf8')).toBe('x'.repeat(100_000));
  });

  test('port-forward reaches what listens', async () => {
    const child = spawn(path, [...flags, 'port-forward', 'web', ':8000'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    let port = '';
    for await (const line of createInterface({ input: child.stdout })) {
      port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? '';
      if (port !== '') break;
    }
    for (let round = 0; round < 3; round += 1) {
      const answer = await fetch(`http://127.0.0.1:${port}/v1/models`);
      expect(await answer.json()).toMatchObject({ object: 'list' });
    }
  });

  test('debug adds a container that runs', async () => {
    expect((await kubectl(['debug', 'web', '--image=busybox', '--target=main'])).code).toBe(0);
    await expect
      .poll(() =>
        fieldAt(
          demo.store.get({ group: '', plural: 'pods', namespace: 'train', name: 'web' }),
          'status.ephemeralContainerStatuses',
        ),
      )
      .toMatchObject([{ state: { running: {} } }]);
  });
});
