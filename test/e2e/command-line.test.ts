import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { version } from '../../src/version.ts';
import { type BenchCluster, serveCluster } from '../bench/cluster.ts';
import { launcher, Program, repository } from './program.ts';

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function mltop(args: readonly string[], env: Readonly<Record<string, string>> = {}): Result {
  return spawnSync(launcher, args, {
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: '', HOME: folder, ...env },
    timeout: 60_000,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

let folder: string;
let cluster: BenchCluster;
let requests: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mltop-e2e-'));
  requests = join(folder, 'requests.jsonl');
  cluster = await serveCluster(['--still', '--requests', requests]);
}, 60_000);

afterAll(() => {
  cluster.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('once, as text', () => {
  test('the version is the package’s', () => {
    const { version: packaged } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(version).toBe(packaged);
    expect(mltop(['--version'])).toMatchObject({ status: 0, stdout: `mltop ${version}\n` });
  });

  test('help names every command and the keys’ help', () => {
    const { status, stdout } = mltop(['--help']);
    expect(status).toBe(0);
    for (const word of ['check', 'fit', 'demo', 'completion', '--kubeconfig', 'Exit codes', '?'])
      expect(stdout).toContain(word);
  });

  test('completion of three shells', () => {
    for (const shell of ['bash', 'zsh', 'fish'])
      expect(mltop(['completion', shell]).stdout).toContain('mltop');
    expect(mltop(['completion', 'csh']).status).toBe(2);
  });

  test('flags may stand before a command, and help after it names its flags', () => {
    expect(mltop(['--kubeconfig', cluster.kubeconfig, 'check', '-A', '-o', 'json']).status).toBe(1);
    for (const line of [
      ['check', '--help'],
      ['help', 'check'],
    ])
      expect(mltop(line)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/--fail-on[\s\S]*--context/),
      });
    expect(mltop(['top', '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--sort-by'),
    });
    expect(mltop(['demo', '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--still'),
    });
  });

  test('a table is a header and rows, cells two spaces apart, and nothing else', () => {
    const { status, stdout } = mltop(['pods', '-A', '--kubeconfig', cluster.kubeconfig]);
    expect(status).toBe(0);
    const [header = '', ...lines] = stdout.trimEnd().split('\n');
    expect(header).toMatch(/^NAMESPACE {2,}NAME {2,}READY {2,}STATUS {2,}RESTARTS {2,}AGE/);
    const titles = header.split(/ {2,}/);
    expect(lines.length).toBeGreaterThan(60);
    for (const line of lines) expect(line.split(/ {2,}/).length).toBe(titles.length);
  });

  test('json, jsonl, yaml, csv and name', () => {
    const flags = ['pods', '-A', '--kubeconfig', cluster.kubeconfig, '-o'];
    const json = JSON.parse(mltop([...flags, 'json']).stdout) as {
      items: { name: string; status: string }[];
      partial: string[];
    };
    expect(json.items.length).toBeGreaterThan(60);
    expect(json.partial).toEqual([]);
    expect(
      mltop([...flags, 'jsonl'])
        .stdout.trimEnd()
        .split('\n').length,
    ).toBe(json.items.length);
    expect(mltop([...flags, 'csv']).stdout).toMatch(/^NAMESPACE,NAME,READY,STATUS/);
    expect(mltop([...flags, 'name']).stdout).toMatch(/^pod\/\S+\n/);
    expect(mltop([...flags, 'yaml']).stdout).toContain('apiVersion: mltop.dev/v1');
  });

  test('the demo without a terminal prints the facts and exits with 0', () => {
    const { status, stdout } = mltop(['demo']);
    expect(status).toBe(0);
    expect(stdout).toContain('GPUs');
    expect(stdout).toContain('Pods that need a person');
  });

  test('the demo keeps to the namespaces that are asked for, and prints a view of it once', () => {
    const { stdout } = mltop(['demo', '--still', '-n', 'serve']);
    expect(stdout).toMatch(/^serve {2,}/m);
    expect(stdout).not.toMatch(/^team-[a-z] {2,}/m);
    const names = mltop(['demo', 'pods', '--still', '-n', 'team-a', '-o', 'name']).stdout.trim().split('\n');
    const all = mltop(['demo', 'pods', '--still', '-o', 'name']).stdout.trim().split('\n');
    expect(names.length).toBeGreaterThan(3);
    expect(names.length).toBeLessThan(all.length);
  });

  test('a dumb terminal gets the facts of the demo once', async () => {
    // The pseudo-terminal names a TERM of its own.
    const program = new Program(['TERM=dumb', launcher, 'demo', '--still'], {
      command: 'env',
      env: { KUBECONFIG: '', HOME: folder },
    });
    expect(await program.exit()).toBe(0);
    expect(program.screen()).not.toBe('');
    expect(program.terminal.buffer.active.type).toBe('normal');
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'a served demo that cannot write where it wants leaves nothing behind after %s',
    async (signal) => {
      // No home: the kubeconfig goes into a temporary folder, and what is left there fails this file.
      const child = spawn(launcher, ['demo', '--serve', '--still'], {
        env: { ...process.env, HOME: '/dev/null', XDG_RUNTIME_DIR: '/dev/null', XDG_CACHE_HOME: '/dev/null' },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      for await (const chunk of child.stdout) {
        said += String(chunk);
        if (said.includes('serving ')) break;
      }
      const kubeconfig = /^kubeconfig (.+)$/m.exec(said)?.[1] ?? '';
      expect([dirname(dirname(kubeconfig)), existsSync(kubeconfig)]).toEqual([tmpdir(), true]);
      child.kill(signal);
      await once(child, 'exit');
      expect(existsSync(dirname(kubeconfig))).toBe(false);
    },
  );

  test('a named pod that is not there: exit 5', () => {
    expect(mltop(['pods', 'no-such-pod', '-A', '--kubeconfig', cluster.kubeconfig]).status).toBe(5);
  });

  test('requests are written down as JSON lines', () => {
    const lines = readFileSync(requests, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(
      lines.some((line) => line['path'] === '/api/v1/pods' && String(line['userAgent']).startsWith('mltop/')),
    ).toBe(true);
    expect(Object.keys(lines[0] ?? {}).sort()).toEqual([
      'accept',
      'method',
      'path',
      'query',
      'status',
      'userAgent',
    ]);
  });
});

describe('bad input has a name and a way out', () => {
  test('no kubeconfig', () => {
    const { status, stderr } = mltop(['pods', '-o', 'table']);
    expect(status).toBe(2);
    expect(stderr).toMatch(/kubeconfig/);
  });

  test('a kubeconfig that is not one', () => {
    const bad = join(folder, 'bad');
    writeFileSync(bad, 'this: [is not');
    const { status, stderr } = mltop(['pods', '-o', 'table', '--kubeconfig', bad]);
    expect(status).toBe(2);
    expect(stderr).toContain(bad);
  });

  test('an unknown context names the known ones', () => {
    const { status, stderr } = mltop([
      'pods',
      '-o',
      'table',
      '--kubeconfig',
      cluster.kubeconfig,
      '--context',
      'nope',
    ]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/nope/);
    expect(stderr).toMatch(/demo/);
  });

  test('a server that is not there: exit 4', () => {
    const { status, stderr } = mltop([
      'pods',
      '-o',
      'table',
      '--server',
      'https://127.0.0.1:1',
      '--kubeconfig',
      cluster.kubeconfig,
    ]);
    expect(status).toBe(4);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
  });

  test('a token that is not valid: exit 4', () => {
    const { status, stderr } = mltop([
      'pods',
      '-o',
      'table',
      '--kubeconfig',
      cluster.kubeconfig,
      '--token',
      'wrong',
    ]);
    expect([status, stderr]).toEqual([4, expect.stringMatching(/401|nauthorized|credential|token/i)]);
  });

  test('a flag that is mistyped suggests the right one', () => {
    const { status, stderr } = mltop(['pods', '--kubeconfg', 'x']);
    expect(status).toBe(2);
    expect(stderr).toContain('--kubeconfig');
  });

  test('a view that is mistyped suggests the right one', () => {
    const { status, stderr } = mltop(['podds', '-o', 'table']);
    expect(status).toBe(2);
    expect(stderr).toContain('pods');
  });

  test('a role that sees two namespaces gets those, and is told so: exit 3', () => {
    const { status, stdout, stderr } = mltop([
      'pods',
      '-A',
      '--kubeconfig',
      cluster.kubeconfig,
      '--context',
      'demo-viewer',
    ]);
    expect([status, stderr]).toEqual([3, expect.stringMatching(/partial/)]);
    expect(
      new Set(
        stdout
          .trimEnd()
          .split('\n')
          .slice(1)
          .map((line) => line.split(' ')[0]),
      ).size,
    ).toBeLessThanOrEqual(2);
  });

  test('a login plugin that hangs is named on stderr while it is waited for', async () => {
    const config = join(folder, 'hanging.json');
    writeFileSync(
      config,
      JSON.stringify({
        'current-context': 'c',
        clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [
          {
            name: 'u',
            user: {
              exec: {
                apiVersion: 'client.authentication.k8s.io/v1',
                command: 'sh',
                args: ['-c', 'exec sleep 60'],
                interactiveMode: 'Never',
              },
            },
          },
        ],
      }),
    );
    const child = spawn(launcher, ['pods', '-o', 'table', '--kubeconfig', config], {
      env: { ...process.env, HOME: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    for await (const chunk of child.stderr) {
      said += String(chunk);
      if (said.includes('\n')) break;
    }
    expect(said).toMatch(/^mltop: Waiting for login plugin "sh" for \ds\n$/);
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  test('a Node that is too old gets one line', () => {
    const { status, stderr } = mltop(['pods'], { MLTOP_NODE: '/nonexistent/node' });
    expect(status).toBe(2);
    expect(stderr).toContain('/nonexistent/node');
  });
});
