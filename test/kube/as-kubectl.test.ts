import { execFile, execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemo } from '../../src/demo/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { ConnectOptions } from '../../src/kube/contract.ts';
import { temporaryFolder } from '../folder.ts';
import { type ApiServer, type Seen, sendJson, startServer } from './api-server.ts';
import { authority, makeAuthority } from './certificates.ts';
import { type Proxies, startProxies } from './proxies.ts';

// kubectl and mltop with one kubeconfig: what the server sees of each, and which proxy it came through, is the same.

/** The newest real client beside the `kubectl` on PATH, else that one. */
function findKubectl(): string | undefined {
  try {
    const found = realpathSync(execFileSync('sh', ['-c', 'command -v kubectl'], { encoding: 'utf8' }).trim());
    const beside = ['1.33', '1.32', '1.31'].map((version) => join(dirname(found), `kubectl.${version}`));
    return beside.find((path) => existsSync(path)) ?? found;
  } catch {
    return undefined;
  }
}

const kubectl = findKubectl();
test.runIf(kubectl === undefined)('kubectl is not on PATH: mltop is not compared with it', ({ skip }) =>
  skip(),
);

const folder = temporaryFolder('as-kubectl');
let count = 0;
function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, `${++count}-${name}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
const plugin = (script: string): string => file('plugin', `#!/bin/sh\n${script}\n`, 0o755);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const { ca, caFile, client, server: serverPair } = await authority();
const other = await makeAuthority();
const [alice, bob] = await Promise.all([client('alice'), client('bob')]);
const aliceFiles = { 'client-certificate': file('crt', alice.cert), 'client-key': file('key', alice.key) };
const bobData = { 'client-certificate-data': base64(bob.cert), 'client-key-data': base64(bob.key) };

const credential = (status: unknown, version = 'v1'): string =>
  `cat ${file('answer', JSON.stringify({ apiVersion: `client.authentication.k8s.io/${version}`, kind: 'ExecCredential', status }))}`;
const exec = (script: string, more: Readonly<Record<string, unknown>> = {}): unknown => ({
  exec: {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: plugin(script),
    interactiveMode: 'Never',
    ...more,
  },
});
const answering = exec(credential({ token: 'plugged' })) as object;

let api: ApiServer;
let plain: ApiServer;
let proxies: Proxies;
const peers: { name: string; serverName: string }[] = [];

beforeAll(async () => {
  api = await startServer(
    (seen) => {
      const socket = socketOf(seen);
      const name = socket.getPeerCertificate().subject?.CN;
      // Go names no server by its address, Node says false for that.
      peers.push({
        name: typeof name === 'string' ? name : '',
        serverName: String(Reflect.get(socket, 'servername')),
      });
      sendJson(seen, 200, {});
    },
    { requestCert: true },
  );
  plain = await startServer((seen) => sendJson(seen, 200, {}), { tls: false });
  proxies = await startProxies(api.port);
});
afterAll(async () => {
  proxies?.close();
  await Promise.all([api?.close(), plain?.close()]);
});

function socketOf(seen: Seen): TLSSocket {
  const { response } = seen;
  return ('stream' in response
    ? (response as unknown as { stream: { session: { socket: TLSSocket } } }).stream.session.socket
    : response.socket) as unknown as TLSSocket;
}

interface Given {
  readonly user?: unknown;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** In place of `user` and `cluster`: the text of the file. */
  readonly text?: string;
  /** In place of one file: KUBECONFIG. */
  readonly list?: string;
  readonly args?: readonly string[];
  readonly options?: Partial<ConnectOptions>;
}

const configText = ({ user = { token: 't' }, cluster, text }: Given): string =>
  text ??
  JSON.stringify({
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: { server: api.url, 'certificate-authority': caFile, ...cluster } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    users: [{ name: 'u', user }],
  });

interface Received {
  readonly isRefused: boolean;
  /** Authorization and impersonation, line by line. */
  readonly lines: readonly string[];
  readonly compression: string;
  readonly peer: { readonly name: string; readonly serverName: string } | undefined;
  readonly proxies: readonly string[];
}

async function received(ask: () => Promise<boolean>): Promise<Received> {
  for (const seen of [api.seen, plain.seen, peers]) seen.length = 0;
  proxies.forget();
  const isAnswered = await ask();
  const seen = [...api.seen, ...plain.seen].find(({ path }) => path === '/api');
  const lines = (seen?.raw ?? []).flatMap((name, at, raw) =>
    at % 2 === 0 && /^(authorization|impersonate-)/i.test(name)
      ? [`${name.toLowerCase()}: ${raw[at + 1]}`]
      : [],
  );
  return {
    isRefused: !isAnswered,
    lines: lines.sort(),
    compression: String(seen?.headers['accept-encoding'] ?? ''),
    peer: peers.at(-1),
    proxies: proxies.asked(),
  };
}

async function both(
  given: Given,
): Promise<{ readonly kubectl: Received; readonly mltop: Received; readonly said: string }> {
  const kubeconfig = given.list ?? file('config', configText(given));
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    ...(given.list !== undefined && { KUBECONFIG: given.list }),
    ...given.env,
  };
  const named = given.list === undefined ? ['--kubeconfig', kubeconfig] : [];
  const args = ['get', '--raw', '/api', '--cache-dir', join(folder, 'cache'), '--request-timeout', '5s'];
  const theirs = await received(
    () =>
      new Promise((resolve) => {
        // Without pipes, which what a plugin leaves running would hold.
        const child = spawn(kubectl ?? '', [...args, ...named, ...(given.args ?? [])], {
          env,
          stdio: 'ignore',
        });
        child.on('exit', (code) => resolve(code === 0));
      }),
  );
  let said = '';
  const ours = await received(async () => {
    try {
      const connection = await connect({
        ...(given.list === undefined && { kubeconfig }),
        userAgent: 'mltop/test',
        env,
        timing: { connectMs: 5000 },
        ...given.options,
      });
      await connection.request({ path: '/api' }).finally(() => connection.close());
      return true;
    } catch (error) {
      said = error instanceof Error ? error.message : String(error);
      return false;
    }
  });
  return { kubectl: theirs, mltop: ours, said };
}

/** Made when the ports are known. */
type Case = readonly [string, () => Given];

describe.runIf(kubectl !== undefined)('as kubectl does it (skipped where there is no kubectl)', () => {
  const users: readonly Case[] = [
    ['a token', () => ({})],
    ['a password', () => ({ user: { username: 'bob', password: 'x: y' } })],
    ['a token file', () => ({ user: { tokenFile: file('token', 'from-file\n') } })],
    ['a token file and a token', () => ({ user: { token: 't', tokenFile: file('token', 'from-file\n') } })],
    ['a token and a token file that is missing', () => ({ user: { token: 't', tokenFile: '/nonexistent' } })],
    ['a certificate in files', () => ({ user: aliceFiles })],
    ['a certificate in the kubeconfig', () => ({ user: bobData })],
    ['a certificate and a token', () => ({ user: { ...aliceFiles, token: 't' } })],
    ['a plugin', () => ({ user: answering })],
    ['a plugin beside a token: it is not run', () => ({ user: { token: 't', ...answering } })],
    ['a plugin beside a certificate: it is not run', () => ({ user: { ...aliceFiles, ...answering } })],
    [
      'a plugin that gives a certificate',
      () => ({ user: exec(credential({ clientCertificateData: bob.cert, clientKeyData: bob.key })) }),
    ],
    [
      'a plugin that gives a certificate and a token',
      () => ({
        user: exec(credential({ token: 'both', clientCertificateData: bob.cert, clientKeyData: bob.key })),
      }),
    ],
    [
      'a plugin of the beta, which had no interactiveMode',
      () => ({
        user: exec(credential({ token: 'p' }, 'v1beta1'), {
          apiVersion: 'client.authentication.k8s.io/v1beta1',
          interactiveMode: undefined,
        }),
      }),
    ],
    [
      'a plugin that answers in YAML',
      () => ({
        user: exec(
          `printf 'apiVersion: client.authentication.k8s.io/v1\\nkind: ExecCredential\\nstatus: {token: yam}\\n'`,
        ),
      }),
    ],
    [
      'a plugin whose token is over before it begins',
      () => ({ user: exec(credential({ token: 'old', expirationTimestamp: '2020-01-01T00:00:00Z' })) }),
    ],
    [
      'a plugin that leaves something running which holds its stderr',
      () => ({ user: exec(`(sleep 5 >/dev/null </dev/null) & ${credential({ token: 'p' })}`) }),
    ],
    [
      'somebody else, in every way',
      () => ({
        user: {
          token: 't',
          as: 'eve',
          'as-uid': '7',
          'as-groups': ['a', 'b, c'],
          'as-user-extra': { 'Scopes.x/a b': ['r', 'g'], '%': ['1'], ü: ['2'] },
        },
      }),
    ],
    [
      '--as over as, whose groups stay',
      () => ({
        user: { token: 't', as: 'eve', 'as-uid': '7', 'as-groups': ['a', 'b'] },
        args: ['--as', 'mal'],
        options: { impersonate: { user: 'mal' } },
      }),
    ],
    [
      '--as-group over as-groups',
      () => ({
        user: { token: 't', as: 'eve', 'as-groups': ['a', 'b'] },
        args: ['--as-group', 'z'],
        options: { impersonate: { groups: ['z'] } },
      }),
    ],
    [
      '--as, --as-uid and --as-group',
      () => ({
        args: ['--as', 'mal', '--as-uid', '5', '--as-group', 'x', '--as-group', 'y'],
        options: { impersonate: { user: 'mal', uid: '5', groups: ['x', 'y'] } },
      }),
    ],
    [
      '--token over a plugin',
      () => ({ user: answering, args: ['--token', 'flag'], options: { token: 'flag' } }),
    ],
    [
      '--client-certificate',
      () => ({
        args: [
          '--client-certificate',
          aliceFiles['client-certificate'],
          '--client-key',
          aliceFiles['client-key'],
        ],
        options: {
          clientCertificate: aliceFiles['client-certificate'],
          clientKey: aliceFiles['client-key'],
        },
      }),
    ],
  ];

  const servers: readonly Case[] = [
    ['a name for an address', () => ({ cluster: { server: `https://localhost:${api.port}` } })],
    ['tls-server-name', () => ({ cluster: { 'tls-server-name': 'localhost' } })],
    ['a tls-server-name that is another', () => ({ cluster: { 'tls-server-name': 'elsewhere' } })],
    ['no authority', () => ({ cluster: { 'certificate-authority': undefined } })],
    [
      'an authority in the kubeconfig',
      () => ({ cluster: { 'certificate-authority': undefined, 'certificate-authority-data': base64(ca) } }),
    ],
    [
      'a bundle, text between',
      () => ({ cluster: { 'certificate-authority': file('ca', `# ours\n${ca}\nof old\n${other.ca}`) } }),
    ],
    [
      'a bundle of two authorities of one name',
      () => ({ cluster: { 'certificate-authority': file('ca', `${other.ca}${ca}`) } }),
    ],
    [
      'a bundle with something broken in it',
      () => ({
        cluster: {
          'certificate-authority': file(
            'ca',
            `-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n${ca}`,
          ),
        },
      }),
    ],
    ['a bundle without any', () => ({ cluster: { 'certificate-authority': file('ca', 'nothing') } })],
    [
      "the server's own certificate for an authority",
      () => ({ cluster: { 'certificate-authority': file('ca', serverPair.cert) } }),
    ],
    ['an authority file that is missing', () => ({ cluster: { 'certificate-authority': '/nonexistent' } })],
    [
      'insecure-skip-tls-verify',
      () => ({ cluster: { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true } }),
    ],
    [
      '--insecure-skip-tls-verify',
      () => ({ args: ['--insecure-skip-tls-verify'], options: { insecureSkipTlsVerify: true } }),
    ],
    [
      '--server and --tls-server-name',
      () => ({
        cluster: { server: 'https://nowhere.invalid', 'tls-server-name': 'other' },
        args: ['--server', api.url, '--tls-server-name', 'localhost'],
        options: { server: api.url, tlsServerName: 'localhost' },
      }),
    ],
    ['disable-compression', () => ({ cluster: { 'disable-compression': true } })],
    [
      'plain http: no login goes there',
      () => ({
        cluster: { server: plain.url, 'certificate-authority': undefined },
        user: { token: 't', as: 'eve' },
      }),
    ],
    [
      'plain http: no plugin is run for it',
      () => ({ cluster: { server: plain.url, 'certificate-authority': undefined }, user: exec('exit 1') }),
    ],
    [
      'an address without a scheme',
      () => ({ cluster: { server: `127.0.0.1:${plain.port}`, 'certificate-authority': undefined } }),
    ],
  ];

  const inside = { server: 'https://cluster.invalid:6443', 'tls-server-name': 'localhost' };
  const through = (env: Readonly<Record<string, string>>, server = inside.server): Given => ({
    env,
    cluster: { ...inside, server },
  });
  const http = (): string => `http://127.0.0.1:${proxies.http}`;
  const ways: readonly Case[] = [
    ['proxy-url http', () => ({ cluster: { ...inside, 'proxy-url': http() } })],
    [
      'proxy-url with a login',
      () => ({ cluster: { ...inside, 'proxy-url': `http://me:p%40ss@127.0.0.1:${proxies.http}` } }),
    ],
    [
      'proxy-url https',
      () => ({ cluster: { ...inside, 'proxy-url': `https://localhost:${proxies.https}` } }),
    ],
    [
      'proxy-url socks5',
      () => ({ cluster: { ...inside, 'proxy-url': `socks5://127.0.0.1:${proxies.socks}` } }),
    ],
    [
      'proxy-url socks5 with a login',
      () => ({ cluster: { ...inside, 'proxy-url': `socks5://me:pw@127.0.0.1:${proxies.socks}` } }),
    ],
    [
      'proxy-url socks5, an address',
      () => ({
        cluster: {
          ...inside,
          server: 'https://10.1.2.3:6443',
          'proxy-url': `socks5://127.0.0.1:${proxies.socks}`,
        },
      }),
    ],
    [
      'proxy-url counts for localhost, and whatever NO_PROXY says',
      () => ({ env: { NO_PROXY: '*' }, cluster: { 'proxy-url': http() } }),
    ],
    [
      'proxy-url that is no address',
      () => ({ cluster: { ...inside, 'proxy-url': `127.0.0.1:${proxies.http}` } }),
    ],
    [
      'proxy-url to plain http: the proxy is asked in its place',
      () => ({
        cluster: {
          server: 'http://cluster.invalid:8080',
          'certificate-authority': undefined,
          'proxy-url': http(),
        },
      }),
    ],
    ['HTTPS_PROXY', () => through({ HTTPS_PROXY: http() })],
    ['HTTPS_PROXY without a scheme', () => through({ HTTPS_PROXY: `127.0.0.1:${proxies.http}` })],
    ['https_proxy where the other is empty', () => through({ HTTPS_PROXY: '', https_proxy: http() })],
    ['HTTPS_PROXY of a SOCKS proxy', () => through({ HTTPS_PROXY: `socks5://127.0.0.1:${proxies.socks}` })],
    ['HTTPS_PROXY that is no address', () => through({ HTTPS_PROXY: 'http://[bad' })],
    ['HTTPS_PROXY is not for localhost', () => ({ env: { HTTPS_PROXY: http() } })],
    ['ALL_PROXY is nothing to Go', () => through({ ALL_PROXY: http() })],
    [
      'HTTP_PROXY for plain http',
      () => ({
        env: { HTTP_PROXY: http() },
        cluster: { server: 'http://cluster.invalid:8080', 'certificate-authority': undefined },
      }),
    ],
    ...(
      [
        ['https://cluster.invalid:6443', 'invalid'],
        ['https://cluster.invalid:6443', ' .INVALID '],
        ['https://cluster.invalid:6443', '*.invalid'],
        ['https://cluster.invalid:6443', 'x,*'],
        ['https://cluster.invalid:6443', 'cluster.invalid:6443'],
        ['https://cluster.invalid:6443', 'cluster.invalid:443'],
        ['https://cluster.invalid:6443', 'luster.invalid'],
        ['https://cluster.invalid.:6443', 'cluster.invalid'],
        ['https://192.0.2.7:6443', '192.0.3.0/24'],
        ['https://192.0.2.7:6443', '192.0.2.7:443'],
        ['https://192.0.2.7:6443', '2.7'],
        ['https://[2001:db8::7]:6443', '[2001:db8::7]'],
      ] as const
    ).map(
      ([server, list]): Case => [
        `${server} with NO_PROXY=${list}`,
        () => through({ HTTPS_PROXY: http(), NO_PROXY: list }, server),
      ],
    ),
  ];

  const files: readonly Case[] = [
    [
      'KUBECONFIG whose files complete each other, some of them missing or named twice',
      () => {
        const first = file(
          'config',
          JSON.stringify({
            clusters: [{ name: 'c', cluster: { server: api.url, 'certificate-authority': caFile } }],
          }),
        );
        const second = file(
          'config',
          JSON.stringify({
            'current-context': 'c',
            clusters: [{ name: 'c', cluster: { server: 'https://other.invalid' } }],
            contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
            users: [{ name: 'u', user: { token: 'second' } }],
          }),
        );
        return { list: `/nonexistent:${first}::${second}:${first}` };
      },
    ],
    [
      'KUBECONFIG with a file that cannot be read',
      () => ({ list: `${file('config', configText({}))}:${file('config', '{{{')}` }),
    ],
    [
      'KUBECONFIG with a folder',
      () => {
        mkdirSync(join(folder, `${++count}`));
        return { list: `${file('config', configText({}))}:${join(folder, String(count))}` };
      },
    ],
    [
      'merge keys',
      () => ({
        text: `base: &base {server: "${api.url}", insecure-skip-tls-verify: true}\ncurrent-context: c\nclusters: [{name: c, cluster: {<<: *base}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {token: merged}}]\n`,
      }),
    ],
    [
      '"yes" for true',
      () => ({
        text: `{current-context: c, clusters: [{name: c, cluster: {server: "${api.url}", insecure-skip-tls-verify: yes}}], contexts: [{name: c, context: {cluster: c, user: u}}], users: [{name: u, user: {token: t}}]}`,
      }),
    ],
    ['a second document', () => ({ text: `${configText({})}\n---\ncurrent-context: d\n` })],
  ];

  const refused: readonly Case[] = [
    [
      'two contexts of one name',
      () => ({
        text: JSON.stringify({
          ...JSON.parse(configText({})),
          contexts: ['u', 'v'].map((user) => ({ name: 'c', context: { cluster: 'c', user } })),
        }),
      }),
    ],
    [
      'two users of one name',
      () => ({
        text: JSON.stringify({
          ...JSON.parse(configText({})),
          users: ['a', 'b'].map((token) => ({ name: 'u', user: { token } })),
        }),
      }),
    ],
    ['a token and a password', () => ({ user: { token: 't', username: 'bob', password: 'x' } })],
    [
      'a certificate without its key',
      () => ({ user: { 'client-certificate': aliceFiles['client-certificate'] } }),
    ],
    [
      'a certificate with the key of another',
      () => ({
        user: { 'client-certificate': aliceFiles['client-certificate'], 'client-key-data': base64(bob.key) },
      }),
    ],
    ['a certificate twice', () => ({ user: { ...aliceFiles, ...bobData } })],
    [
      'a certificate file that is missing',
      () => ({ user: { ...aliceFiles, 'client-certificate': '/nonexistent' } }),
    ],
    ['a token file that is missing', () => ({ user: { tokenFile: '/nonexistent' } })],
    ['an authority twice', () => ({ cluster: { 'certificate-authority-data': base64(other.ca) } })],
    ['an authority, and that nothing is verified', () => ({ cluster: { 'insecure-skip-tls-verify': true } })],
    ['groups to act as, and no user', () => ({ user: { token: 't', 'as-groups': ['a'] } })],
    [
      'a plugin and an auth-provider',
      () => ({ user: { ...answering, 'auth-provider': { name: 'oidc', config: {} } } }),
    ],
    ['a plugin without a command', () => ({ user: exec('', { command: '' }) })],
    [
      'a plugin of v1 without an interactiveMode',
      () => ({ user: exec(credential({ token: 'p' }), { interactiveMode: undefined }) }),
    ],
    [
      'a plugin of an interactiveMode that does not exist',
      () => ({ user: exec(credential({ token: 'p' }), { interactiveMode: 'Sometimes' }) }),
    ],
    [
      'a plugin with a variable without a name',
      () => ({ user: exec(credential({ token: 'p' }), { env: [{ name: '', value: 'x' }] }) }),
    ],
    [
      'a plugin that must ask, without a terminal',
      () => ({ user: exec(credential({ token: 'p' }), { interactiveMode: 'Always' }) }),
    ],
    [
      'a plugin that prints junk behind its answer',
      () => ({ user: exec(`${credential({ token: 'p' })}; echo junk`) }),
    ],
    [
      'a plugin that prints junk before its answer',
      () => ({ user: exec(`echo junk; ${credential({ token: 'p' })}`) }),
    ],
    ['a plugin that prints nothing', () => ({ user: exec('true') })],
    ['a plugin that answers and fails', () => ({ user: exec(`${credential({ token: 'p' })}; exit 1`) })],
    [
      'a plugin that gives a certificate without its key',
      () => ({ user: exec(credential({ token: 'p', clientCertificateData: bob.cert })) }),
    ],
    [
      'a plugin that gives an end that is no time',
      () => ({ user: exec(credential({ token: 'p', expirationTimestamp: 'soon' })) }),
    ],
    ['a plugin whose token is no header', () => ({ user: exec(credential({ token: 'a\nb' })) })],
  ];

  test.each([...users, ...servers, ...ways, ...files])('%s', async (_name, given) => {
    const { kubectl: theirs, mltop: ours } = await both(given());
    expect(ours).toEqual(theirs);
  });

  test.each(refused)('refused by both, with a reason: %s', async (_name, given) => {
    const { kubectl: theirs, mltop: ours, said } = await both(given());
    expect(theirs.isRefused).toBe(true);
    expect(ours).toEqual(theirs);
    expect(said).not.toBe('');
  });

  test.each<readonly [string, () => Given, readonly string[]]>([
    [
      '--token wins over a token file',
      () => ({
        user: { tokenFile: file('token', 'f') },
        args: ['--token', 'flag'],
        options: { token: 'flag' },
      }),
      ['authorization: Bearer flag'],
    ],
    [
      '--token wins over a password',
      () => ({
        user: { username: 'b', password: 'x' },
        args: ['--token', 'flag'],
        options: { token: 'flag' },
      }),
      ['authorization: Bearer flag'],
    ],
  ])(
    'what a person typed counts, where kubectl lets the file win or refuses: %s',
    async (_name, given, lines) => {
      const { kubectl: theirs, mltop: ours } = await both(given());
      expect(theirs.lines).not.toEqual(lines);
      expect(ours.lines).toEqual(lines);
    },
  );
});

describe.runIf(kubectl !== undefined)('what a plugin is told', () => {
  test.each<readonly [string, boolean, () => Given['cluster']]>([
    ['nothing of the cluster where it does not ask', false, () => ({})],
    ['the cluster, its authority from a file', true, () => ({ 'tls-server-name': 'localhost' })],
    [
      'a proxy, no compression, and what the kubeconfig keeps for it',
      true,
      () => ({
        'proxy-url': `http://127.0.0.1:${proxies.http}`,
        'disable-compression': true,
        extensions: [
          { name: 'other', extension: { x: 1 } },
          { name: 'client.authentication.k8s.io/exec', extension: { audience: 'prod', list: [1, 'two'] } },
        ],
      }),
    ],
    [
      'that nothing is verified',
      true,
      () => ({ 'certificate-authority': undefined, 'insecure-skip-tls-verify': true }),
    ],
  ])('%s', async (_name, provideClusterInfo, cluster) => {
    const told = join(folder, `${++count}-told`);
    const script = `printf '%s|%s;' "$KUBERNETES_EXEC_INFO" "$WHO" >> ${told}; ${credential({ token: 'p' })}`;
    const env = [{ name: 'WHO', value: 'me' }];
    await both({ user: exec(script, { provideClusterInfo, env }), cluster: cluster() ?? {} });
    const infos = readFileSync(told, 'utf8')
      .split(';')
      .slice(0, -1)
      .map((text) => text.split('|'))
      .map(([info = '', who]) => [JSON.parse(info), who]);
    expect(infos).toHaveLength(2);
    expect(infos[1]).toEqual(infos[0]);
  });
});

describe.runIf(kubectl !== undefined)('at the demo server', () => {
  test('both are the same person with the same groups', async () => {
    const demo = await startDemo({ objects: [] });
    try {
      const pair = await demo.clientCertificate('viewer');
      const cluster = { server: demo.url, 'certificate-authority-data': base64(demo.caPem) };
      const viewer = { 'client-certificate-data': base64(pair.cert), 'client-key-data': base64(pair.key) };
      const token = demo.users.token('admin');
      for (const user of [
        { token },
        viewer,
        { token: demo.users.token('nobody') },
        { token, as: 'eve', 'as-groups': ['dev', 'ops'] },
      ]) {
        const kubeconfig = file(
          'config',
          JSON.stringify({
            'current-context': 'c',
            clusters: [{ name: 'c', cluster }],
            contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
            users: [{ name: 'u', user }],
          }),
        );
        const args = ['auth', 'whoami', '-o', 'json', '--kubeconfig', kubeconfig, '--cache-dir', folder];
        const theirs = await new Promise<string>((resolve) => {
          execFile(kubectl ?? '', args, (_error, stdout) => resolve(stdout));
        });
        const connection = await connect({ kubeconfig, userAgent: 'mltop/test' });
        const ours = await connection
          .json({
            method: 'POST',
            path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
            body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }),
          })
          .finally(() => connection.close());
        expect(ours['status']).toEqual(JSON.parse(theirs).status);
      }
    } finally {
      await demo.close();
    }
  });
});
