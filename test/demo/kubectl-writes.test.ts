import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { fieldAt, type KubeLike } from '../../src/demo/object.ts';

/** Real clients: those that lie beside the `kubectl` on PATH, else that one. */
function clients(): { readonly version: string; readonly path: string }[] {
  let found: string;
  try {
    found = realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim());
  } catch {
    return [];
  }
  const beside = ['1.30', '1.33']
    .map((version) => ({ version, path: join(dirname(found), `kubectl.${version}`) }))
    .filter(({ path }) => existsSync(path));
  return beside.length > 0 ? beside : [{ version: 'on PATH', path: found }];
}

const all = clients();
test.runIf(all.length === 0)('kubectl is not on PATH: writes are not tried with it', ({ skip }) => skip());

const node = (name: string): KubeLike => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  spec: {},
  status: {
    capacity: { cpu: '64', memory: '256Gi', pods: '110' },
    allocatable: { cpu: '64', memory: '256Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
    addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
  },
});
const namespace: KubeLike = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'ml' },
  status: { phase: 'Active' },
};
const cron: KubeLike = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'nightly', namespace: 'ml' },
  spec: {
    schedule: '0 3 * * *',
    jobTemplate: {
      spec: {
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'etl:1' }] } },
      },
    },
  },
};

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe.for(all)('kubectl $version', { timeout: 40_000 }, ({ version, path }) => {
  const folder = mkdtempSync(join(tmpdir(), 'mltop-kubectl-'));
  const config = join(folder, 'config');
  let demo: Demo;
  const flags = ['--kubeconfig', config, '--cache-dir', join(folder, 'cache'), '-n', 'ml'];
  const kubectl = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> =>
    new Promise((resolve) => {
      execFile(
        path,
        [...flags, ...args],
        { encoding: 'utf8', env: { ...process.env, ...env }, timeout: 30_000 },
        (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }),
      );
    });
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await kubectl(args);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${err}`);
    return out;
  };
  const object = (group: string, plural: string, name: string): KubeLike | undefined =>
    demo.store.get({ group, plural, name, ...(plural === 'nodes' ? {} : { namespace: 'ml' }) });
  const podsOf = (app: string): readonly KubeLike[] =>
    demo.store.list('', 'pods', 'ml').filter((pod) => pod.metadata?.labels?.['app'] === app);
  const isRunning = (pod: KubeLike): boolean =>
    fieldAt(pod, 'status.phase') === 'Running' && pod.metadata?.['deletionTimestamp'] === undefined;

  beforeAll(async () => {
    demo = await startDemo({ objects: [node('n1'), node('n2'), namespace, cron], graceAtMostMs: 100 });
    await demo.writeKubeconfig(config);
  });
  afterAll(async () => {
    await demo?.close();
    rmSync(folder, { recursive: true });
  });

  test('create and scale: pods come and go', async () => {
    expect(await ok('create', 'deployment', 'web', '--image=nginx:1', '--replicas=2')).toContain('created');
    await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
    expect(podsOf('web').filter(isRunning)).toHaveLength(2);
    expect(await ok('scale', 'deployment/web', '--replicas=3')).toContain('scaled');
    await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
    await expect.poll(() => podsOf('web').filter(isRunning).length).toBe(3);
    const again = await kubectl(['create', 'deployment', 'web', '--image=nginx:1']);
    expect(again.err).toContain('deployments.apps "web" already exists');
  });

  test('delete waits until the pod is gone, and its owner makes another', async () => {
    const name = podsOf('web')[0]?.metadata?.name ?? '';
    expect(await ok('delete', 'pod', name)).toContain(`pod "${name}" deleted`);
    expect(object('', 'pods', name)).toBeUndefined();
    await expect.poll(() => podsOf('web').filter(isRunning).length, { timeout: 5000 }).toBe(3);
    const last = podsOf('web')[0]?.metadata?.name ?? '';
    expect(await ok('delete', 'pod', last, '--dry-run=server')).toContain('(server dry run)');
    expect(object('', 'pods', last)).toBeDefined();
  });

  test('set image rolls out, history remembers, undo goes back', async () => {
    await ok('set', 'image', 'deployment/web', 'nginx=nginx:2');
    await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
    expect(fieldAt(object('apps', 'deployments', 'web'), 'spec.template.spec.containers')).toMatchObject([
      { image: 'nginx:2' },
    ]);
    const history = await ok('rollout', 'history', 'deployment/web');
    expect(history).toMatch(/^1 +/m);
    expect(history).toMatch(/^2 +/m);
    await ok('rollout', 'undo', 'deployment/web');
    await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
    expect(
      podsOf('web')
        .filter(isRunning)
        .map((pod) => fieldAt(pod, 'spec.containers'))[0],
    ).toMatchObject([{ image: 'nginx:1' }]);
    await ok('rollout', 'restart', 'deployment/web');
    await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
    expect(
      fieldAt(object('apps', 'deployments', 'web'), 'spec.template.metadata.annotations'),
    ).toHaveProperty(['kubectl.kubernetes.io/restartedAt']);
  });

  test('label, annotate, patch, edit', async () => {
    await ok('label', 'deployment', 'web', 'team=vision');
    await ok('annotate', 'deployment', 'web', 'why=test');
    await ok(
      'patch',
      'deployment',
      'web',
      '-p',
      '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","env":[{"name":"A","value":"1"}]}]}}}}',
    );
    await ok(
      'patch',
      'deployment',
      'web',
      '--type=json',
      '-p',
      '[{"op":"replace","path":"/spec/replicas","value":2}]',
    );
    const editor = join(folder, 'editor.sh');
    writeFileSync(editor, '#!/bin/sh\nsed -i "s/team: vision/team: speech/" "$1"\n', { mode: 0o755 });
    const { code, err } = await kubectl(['edit', 'deployment', 'web'], { KUBE_EDITOR: editor });
    expect(err).toBe('');
    expect(code).toBe(0);
    const web = object('apps', 'deployments', 'web');
    expect(web?.metadata?.labels?.['team']).toBe('speech');
    expect(web).toMatchObject({
      metadata: { annotations: { why: 'test' } },
      spec: {
        replicas: 2,
        template: {
          spec: { containers: [{ name: 'nginx', image: 'nginx:1', env: [{ name: 'A', value: '1' }] }] },
        },
      },
    });
    const refused = await kubectl([
      'patch',
      'deployment',
      'web',
      '--type=merge',
      '-p',
      '{"spec":{"selector":{"matchLabels":{"app":"x"}}}}',
    ]);
    expect(refused.err).toContain('field is immutable');
  });

  test('a job is made of a cron job and runs', async () => {
    await ok('create', 'job', 'by-hand', '--from=cronjob/nightly');
    await expect
      .poll(() => fieldAt(object('batch', 'jobs', 'by-hand'), 'status.ready'), { timeout: 5000 })
      .toBe(1);
    await ok('patch', 'job', 'by-hand', '-p', '{"spec":{"suspend":true}}');
    await expect
      .poll(() => fieldAt(object('batch', 'jobs', 'by-hand'), 'status.active'), { timeout: 5000 })
      .toBe(0);
    await ok('delete', 'job', 'by-hand');
    await expect
      .poll(
        () =>
          demo.store.list('', 'pods', 'ml').filter((pod) => pod.metadata?.labels?.['job-name'] === 'by-hand')
            .length,
      )
      .toBe(0);
  });

  // kubectl itself waits five seconds after a refused eviction: once is enough.
  test.runIf(version === all.at(-1)?.version)(
    'cordon taints, drain respects a budget, uncordon lets pods back',
    async () => {
      await ok('cordon', 'n1');
      expect(fieldAt(object('', 'nodes', 'n1'), 'spec.taints')).toMatchObject([
        { key: 'node.kubernetes.io/unschedulable' },
      ]);
      await ok('uncordon', 'n1');
      expect(fieldAt(object('', 'nodes', 'n1'), 'spec.taints')).toEqual([]);
      await ok('rollout', 'status', 'deployment/web', '--timeout=20s');
      await ok('create', 'pdb', 'web', '--selector=app=web', '--min-available=2');
      const home = String(fieldAt(podsOf('web').find(isRunning), 'spec.nodeName'));
      const blocked = await kubectl(['drain', home, '--ignore-daemonsets', '--timeout=2s', '--force']);
      expect(blocked.err).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
      await ok('delete', 'pdb', 'web');
      await ok('drain', home, '--ignore-daemonsets', '--force');
      await expect
        .poll(
          () =>
            podsOf('web')
              .filter(isRunning)
              .every((pod) => fieldAt(pod, 'spec.nodeName') !== home),
          { timeout: 5000 },
        )
        .toBe(true);
      await ok('uncordon', home);
    },
  );

  test('what may not be is refused in words', async () => {
    const viewer = join(folder, 'viewer');
    await demo.writeKubeconfig(viewer, 'viewer');
    const { err } = await kubectl(['--kubeconfig', viewer, 'delete', 'deployment', 'web']);
    expect(err).toContain('User "viewer" cannot');
    await ok('label', 'deployment', 'web', 'deny=true');
    expect((await kubectl(['delete', 'deployment', 'web'])).err).toContain(
      "ValidatingAdmissionPolicy 'demo-guard'",
    );
  });
});
