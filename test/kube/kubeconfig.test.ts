import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accessOf, contextsOf, findAccess, loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { proxyFromEnvironment } from '../../src/kube/proxy.ts';
import { temporaryFolder } from '../folder.ts';

const userAgent = 'mltop/test';
const kubectl = 'kubectl';
const hasKubectl = spawnSync(kubectl, ['version', '--client']).status === 0;

/** Files in a folder of their own; gives their paths. */
function files(contents: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const folder = temporaryFolder('kubeconfig');
  return Object.fromEntries(
    Object.entries(contents).map(([name, text]) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return [name, path];
    }),
  );
}

const everything = `
apiVersion: v1
kind: Config
current-context: full
clusters:
- name: full
  cluster:
    server: https://full.example:6443
    certificate-authority: /pki/ca.crt
    tls-server-name: kubernetes
    proxy-url: socks5://user:pw@bastion:1080
    disable-compression: true
    extensions:
    - name: client.authentication.k8s.io/exec
      extension: {audience: prod, list: [1, two]}
- name: lax
  cluster: {server: "https://10.0.0.1", insecure-skip-tls-verify: true, certificate-authority-data: Y2E=}
contexts:
- name: full
  context: {cluster: full, user: plugin, namespace: train}
- name: as
  context: {cluster: lax, user: as}
- name: certs
  context: {cluster: lax, user: certs, namespace: kube-system}
- name: basic
  context: {cluster: lax, user: basic}
- name: tokens
  context: {cluster: full, user: tokens}
- name: nobody
  context: {cluster: lax, user: nobody}
users:
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: aws
      args: [eks, get-token, --cluster-name, prod]
      env: [{name: AWS_PROFILE, value: ml}]
      installHint: install the AWS CLI
      provideClusterInfo: true
      interactiveMode: IfAvailable
- name: as
  user: {token: abc, as: alice, as-uid: "17", as-groups: [dev, ops], as-user-extra: {scopes.example/a: [red, blue]}}
- name: certs
  user: {client-certificate: /pki/me.crt, client-key: /pki/me.key}
- name: basic
  user: {username: bob, password: "s3cret: yes"}
- name: tokens
  user: {token: from-file, tokenFile: /var/run/token}
`;

const first = `
current-context: two
clusters:
- {name: shared, cluster: {server: "https://first:1"}}
users:
- {name: u, user: {token: first}}
`;
const second = `
current-context: one
clusters:
- {name: shared, cluster: {server: "https://second:2", insecure-skip-tls-verify: true}}
- {name: other, cluster: {server: "https://other:3"}}
contexts:
- {name: one, context: {cluster: other, user: u}}
- {name: two, context: {cluster: shared, user: u, namespace: second}}
users:
- {name: u, user: {token: second}}
`;

interface View {
  readonly clusters: readonly { readonly name: string; readonly cluster: unknown }[];
  readonly users: readonly { readonly name: string; readonly user: unknown }[] | null;
  readonly contexts: readonly { readonly name: string; readonly context: { readonly namespace?: string } }[];
  readonly 'current-context': string;
}

function kubectlView(list: string, args: readonly string[]): View {
  const env = { ...process.env, KUBECONFIG: list };
  return JSON.parse(
    execFileSync(kubectl, ['config', 'view', '--raw', '--minify', '-o', 'json', ...args], {
      env,
      encoding: 'utf8',
    }),
  );
}

/** What mltop took, in the words of `kubectl config view`. */
async function ourView(list: string, context?: string): Promise<unknown> {
  const config = await loadKubeconfig(undefined, { KUBECONFIG: list });
  const access = accessOf(config, { userAgent, ...(context !== undefined && { context }) });
  return {
    context: access.contextName,
    cluster: [access.clusterName, access.cluster],
    user: [access.userName, access.user],
    namespace: access.namespace,
  };
}

function inOurWords(view: View): unknown {
  const [cluster] = view.clusters;
  const [user] = view.users ?? [];
  const [context] = view.contexts;
  return {
    context: view['current-context'],
    cluster: [cluster?.name, cluster?.cluster],
    user: [user?.name, user?.user],
    namespace: context?.context.namespace ?? 'default',
  };
}

describe.skipIf(!hasKubectl)(
  'as `kubectl config view --raw --minify` has it (skipped where there is no kubectl)',
  () => {
    test.each(['full', 'as', 'certs', 'basic', 'tokens'])('context %s', async (context) => {
      const { config = '' } = files({ config: everything });
      expect(await ourView(config, context)).toEqual(inOurWords(kubectlView(config, ['--context', context])));
    });

    test('several files: for each name the first that has it', async () => {
      const paths = files({ first, second });
      for (const list of [
        [paths['first'], paths['second']],
        [paths['second'], paths['first']],
      ]) {
        const joined = list.join(':');
        expect(await ourView(joined)).toEqual(inOurWords(kubectlView(joined, [])));
      }
    });

    test('missing and empty files in the list are passed over', async () => {
      const paths = files({ empty: '', second });
      const list = [paths['empty'], '/nonexistent/config', paths['second']].join(':');
      expect(await ourView(list)).toEqual(inOurWords(kubectlView(list, [])));
    });

    test('JSON is YAML', async () => {
      const { config = '' } = files({
        config:
          '{"current-context":"a","clusters":[{"name":"a","cluster":{"server":"https://a:1"}}],"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":"t"}}]}',
      });
      expect(await ourView(config)).toEqual(inOurWords(kubectlView(config, [])));
    });
  },
);

describe('what is relative, and to what', () => {
  test('files and plugins named with a slash are relative to the kubeconfig', async () => {
    const text = `
current-context: c
clusters: [{name: c, cluster: {server: "https://c:1", certificate-authority: pki/ca.crt}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {tokenFile: t, client-certificate: me.crt, client-key: ../me.key, exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/login}}}]
`;
    const { config = '' } = files({ config: text });
    const folder = join(config, '..');
    const { cluster, user } = await findAccess({ kubeconfig: config, userAgent });
    expect(cluster['certificate-authority']).toBe(join(folder, 'pki/ca.crt'));
    expect(user).toMatchObject({
      tokenFile: join(folder, 't'),
      'client-certificate': join(folder, 'me.crt'),
      'client-key': join(folder, '../me.key'),
    });
    expect(user.exec?.command).toBe(join(folder, 'bin/login'));
  });

  test('a plugin without a slash is looked up in PATH', async () => {
    const { config = '' } = files({ config: everything });
    expect((await findAccess({ kubeconfig: config, userAgent })).user.exec?.command).toBe('aws');
  });
});

describe('what the flags change', () => {
  const load = async (): ReturnType<typeof loadKubeconfig> =>
    loadKubeconfig(files({ config: everything })['config']);

  test("--server forgets the other server's TLS name; --token forgets the plugin", async () => {
    const access = accessOf(await load(), { userAgent, server: 'https://tunnel:9', token: 'x' });
    expect(access.server).toBe('https://tunnel:9');
    expect(access.cluster['tls-server-name']).toBeUndefined();
    expect(access.cluster['certificate-authority']).toBe('/pki/ca.crt');
    expect(access.user).toEqual({ token: 'x' });
  });

  test('--insecure-skip-tls-verify forgets the authority', async () => {
    const { cluster } = accessOf(await load(), { userAgent, insecureSkipTlsVerify: true });
    expect(cluster['insecure-skip-tls-verify']).toBe(true);
    expect(cluster['certificate-authority']).toBeUndefined();
  });

  test('--cluster and --user without a context', async () => {
    const access = accessOf(await load(), { userAgent, cluster: 'lax', user: 'basic' });
    expect(access).toMatchObject({ clusterName: 'lax', userName: 'basic', server: 'https://10.0.0.1' });
  });

  test('--as and its groups', async () => {
    const { user } = accessOf(await load(), {
      userAgent,
      context: 'as',
      impersonate: { user: 'eve', groups: ['g'] },
    });
    expect(user).toMatchObject({ as: 'eve', 'as-groups': ['g'], token: 'abc' });
  });
});

describe('inside a pod', () => {
  const env = { HOME: '/nonexistent', KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
  const mounted = (): string => {
    const { token = '' } = files({ token: 't', namespace: 'team-a\n', 'ca.crt': 'pem' });
    return join(token, '..');
  };

  test('without a kubeconfig it is the service account that asks', async () => {
    const folder = mounted();
    const access = await findAccess({ userAgent, env }, folder);
    expect(access).toMatchObject({
      server: 'https://[fd00::1]:443',
      namespace: 'team-a',
      cluster: { 'certificate-authority': join(folder, 'ca.crt') },
      user: { tokenFile: join(folder, 'token') },
    });
    expect(await findAccess({ userAgent, env: { ...env, POD_NAMESPACE: 'team-b' } }, folder)).toMatchObject({
      namespace: 'team-b',
    });
  });

  test('flags count there too: who asks to be less must not be more', async () => {
    const { user, cluster } = await findAccess(
      { userAgent, env, impersonate: { user: 'eve' }, insecureSkipTlsVerify: true },
      mounted(),
    );
    expect(user).toMatchObject({ as: 'eve' });
    expect(cluster).toEqual({ 'insecure-skip-tls-verify': true });
    expect((await findAccess({ userAgent, env, token: 'x' }, mounted())).user).toEqual({ token: 'x' });
  });

  test('a kubeconfig comes first, and a context that was asked for must be in one', async () => {
    const { config = '' } = files({ config: everything });
    expect(await findAccess({ userAgent, env, kubeconfig: config }, mounted())).toMatchObject({
      contextName: 'full',
    });
    await expect(findAccess({ userAgent, env, context: 'prod' }, mounted())).rejects.toMatchObject({
      kind: 'no-kubeconfig',
    });
  });
});

describe('what is not there', () => {
  test('no kubeconfig at all', async () => {
    await expect(findAccess({ userAgent, env: { HOME: '/nonexistent' } })).rejects.toMatchObject({
      kind: 'no-kubeconfig',
      message: 'No kubeconfig found',
      hint: expect.stringContaining('/nonexistent/.kube/config'),
    });
  });

  test('a file of --kubeconfig that is missing', async () => {
    await expect(findAccess({ userAgent, kubeconfig: '/nonexistent/config' })).rejects.toMatchObject({
      kind: 'no-kubeconfig',
      message: expect.stringContaining('/nonexistent/config'),
    });
  });

  test('a folder for a file', async () => {
    const folder = temporaryFolder('kubeconfig');
    mkdirSync(join(folder, 'config'));
    await expect(findAccess({ userAgent, kubeconfig: join(folder, 'config') })).rejects.toMatchObject({
      kind: 'bad-kubeconfig',
    });
  });

  test('a file that is no YAML', async () => {
    const { config = '' } = files({ config: 'clusters: [\n  {' });
    await expect(findAccess({ userAgent, kubeconfig: config })).rejects.toMatchObject({
      kind: 'bad-kubeconfig',
      message: expect.stringContaining(config),
    });
  });

  test('a context that is not there names those that are', async () => {
    const { config = '' } = files({ config: everything });
    await expect(findAccess({ userAgent, kubeconfig: config, context: 'prdo' })).rejects.toMatchObject({
      kind: 'unknown-context',
      message: 'The kubeconfig has no context "prdo"',
      hint: expect.stringContaining('full, as, certs'),
    });
  });

  test('no current context', async () => {
    const { config = '' } = files({ config: everything.replace('current-context: full', '') });
    await expect(findAccess({ userAgent, kubeconfig: config })).rejects.toMatchObject({
      kind: 'unknown-context',
      message: 'The kubeconfig selects no context',
    });
  });

  test('a context without its cluster', async () => {
    const { config = '' } = files({
      config: 'current-context: c\ncontexts: [{name: c, context: {cluster: gone, user: u}}]',
    });
    await expect(findAccess({ userAgent, kubeconfig: config })).rejects.toMatchObject({
      kind: 'unknown-context',
      message: 'The kubeconfig has no cluster "gone"',
    });
  });
});

test('contexts, for choosing', async () => {
  const { config = '' } = files({ config: everything });
  const loaded = await loadKubeconfig(config);
  expect(contextsOf(loaded).map(({ name, current }) => (current ? `*${name}` : name))).toEqual([
    'as',
    'basic',
    'certs',
    '*full',
    'nobody',
    'tokens',
  ]);
  expect(accessOf(loaded, { userAgent, context: 'tokens' }).otherNamespaces).toEqual(['train']);
  expect(accessOf(loaded, { userAgent, context: 'full' }).otherNamespaces).toEqual([]);
});

describe('the proxy of the environment, as Go takes it', () => {
  const at = (server: string, env: Record<string, string>): string | undefined =>
    proxyFromEnvironment(new URL(server), env)?.href;

  test.each([
    ['https://api.example', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
    ['https://api.example', { https_proxy: 'p:3128' }, 'http://p:3128/'],
    ['https://api.example', { HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' }, 'http://upper/'],
    ['https://api.example', { HTTP_PROXY: 'http://p' }, undefined],
    ['http://api.example', { HTTP_PROXY: 'http://p' }, 'http://p/'],
    ['https://localhost:6443', { HTTPS_PROXY: 'http://p' }, undefined],
    ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p' }, undefined],
    ['https://[::1]:6443', { HTTPS_PROXY: 'http://p' }, undefined],
    ['https://api.example', { HTTPS_PROXY: 'http://p', NO_PROXY: '*' }, undefined],
    ['https://api.example', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example' }, undefined],
    ['https://api.example', { HTTPS_PROXY: 'http://p', NO_PROXY: ' .example ' }, undefined],
    ['https://example', { HTTPS_PROXY: 'http://p', NO_PROXY: '.example' }, 'http://p/'],
    ['https://myexample', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example' }, 'http://p/'],
    ['https://10.1.2.3:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' }, undefined],
    ['https://11.1.2.3:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' }, 'http://p/'],
    ['https://[fd00::5]:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::/8' }, undefined],
    ['https://[fd00::5]:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00:0::5' }, undefined],
    ['https://[fd00::5]:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '[fd00::5]:6443' }, undefined],
    ['https://10.1.2.3:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '::ffff:10.1.2.3' }, undefined],
    ['https://10.1.2.3:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '2.3' }, 'http://p/'],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'api.example:443' }, 'http://p/'],
    ['https://api.example:6443', { HTTPS_PROXY: 'http://p', no_proxy: 'api.example:6443' }, undefined],
  ])('%s with %o', (server, env, proxy) => {
    expect(at(server, env as Record<string, string>)).toBe(proxy);
  });

  test('one that is no address is refused, not gone without', () => {
    expect(() => at('https://api.example', { HTTPS_PROXY: 'http://[bad' })).toThrow('HTTPS_PROXY');
  });
});
