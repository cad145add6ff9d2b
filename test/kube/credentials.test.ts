import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/kube/connection.ts';
import type { Connection, ConnectOptions } from '../../src/kube/contract.ts';
import type { UserEntry } from '../../src/kube/kubeconfig.ts';
import { temporaryFolder } from '../folder.ts';
import { type ApiServer, quickTiming, type Seen, sendJson, sendStatus, startServer } from './api-server.ts';
import { authority, makeAuthority } from './certificates.ts';
import { type Proxies, startProxies } from './proxies.ts';

let cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
  cleanups = [];
});

const folder = temporaryFolder('credentials');
let count = 0;
const fileName = (name: string): string => join(folder, `${++count}-${name}`);

function file(name: string, text: string): string {
  const path = fileName(name);
  writeFileSync(path, text);
  return path;
}

/** An executable that a kubeconfig may name as its login plugin. */
function plugin(script: string): string {
  const path = file('plugin', `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const execCredential = (status: string, version = 'v1'): string =>
  `echo '{"apiVersion":"client.authentication.k8s.io/${version}","kind":"ExecCredential","status":${status}}'`;

const exec = (command: string, more: Partial<NonNullable<UserEntry['exec']>> = {}): UserEntry => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command, interactiveMode: 'IfAvailable', ...more },
});

async function server(
  answer: (seen: Seen) => void = (seen) => sendJson(seen, 200, {}),
  options: Parameters<typeof startServer>[1] = {},
): Promise<ApiServer> {
  const started = await startServer(answer, options);
  cleanups.push(started.close);
  return started;
}

/** A connection through a kubeconfig with this user, and this cluster's further fields. */
async function login(
  api: ApiServer,
  user: unknown,
  cluster: Readonly<Record<string, unknown>> = {},
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const { caFile } = await authority();
  const kubeconfig = file(
    'config',
    JSON.stringify({
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: api.url, 'certificate-authority': caFile, ...cluster } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user }],
    }),
  );
  const connection = await connect({
    kubeconfig,
    userAgent: 'mltop/test',
    timing: quickTiming,
    env: { PATH: process.env['PATH'] },
    ...options,
  });
  cleanups.push(connection.close);
  return connection;
}

/** A login by a plugin that writes a line each time it runs, and whose answer or failure is remembered for a minute. */
async function counted(
  api: ApiServer,
  script: string,
  now: () => number = Date.now,
): Promise<{ readonly connection: Connection; readonly runs: () => string }> {
  const log = fileName('runs');
  const timing = { ...quickTiming, pluginRetryMs: 60_000, now };
  const connection = await login(api, exec(plugin(`echo run >> ${log}; ${script}`)), {}, { timing });
  return { connection, runs: () => readFileSync(log, 'utf8') };
}

const ask = (connection: Connection): Promise<unknown> => connection.json({ path: '/api' });

describe('who the server sees', () => {
  test('a token', async () => {
    const api = await server();
    await ask(await login(api, { token: 'abc' }));
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer abc');
  });

  test('a token file, which wins over a token', async () => {
    const api = await server();
    await ask(await login(api, { token: 'old', tokenFile: file('token', 'from-file\n') }));
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer from-file');
  });

  test('a token whose file is missing', async () => {
    const api = await server();
    await ask(await login(api, { token: 'kept', tokenFile: '/nonexistent/token' }));
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer kept');
    await expect(ask(await login(api, { tokenFile: '/nonexistent/token' }))).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('/nonexistent/token'),
    });
  });

  test('a token file that is empty for a moment, while it is written anew', async () => {
    let nowMs = Date.now();
    const token = file('token', 'first');
    const api = await server();
    const connection = await login(
      api,
      { tokenFile: token },
      {},
      { timing: { ...quickTiming, now: () => nowMs } },
    );
    for (const text of ['first', '', 'second']) {
      writeFileSync(token, text);
      await ask(connection);
      nowMs += 60_000;
    }
    expect(api.seen.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ]);
    await expect(ask(await login(api, { tokenFile: file('token', '') }))).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('is empty'),
    });
  });

  test('a user with a password, even one of digits', async () => {
    const api = await server();
    await ask(await login(api, { username: 'bob', password: 1234 }));
    expect(api.seen[0]?.headers['authorization']).toBe(`Basic ${Buffer.from('bob:1234').toString('base64')}`);
  });

  test('nobody: the CA counts all the same', async () => {
    const api = await server();
    await ask(await login(api, {}));
    expect(api.seen[0]?.headers['authorization']).toBeUndefined();
  });

  test('a client certificate, from data or from files', async () => {
    const { client } = await authority();
    const { cert, key } = await client('alice');
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    for (const user of [
      { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) },
      { 'client-certificate': file('crt', cert), 'client-key': file('key', key) },
    ]) {
      const names: string[] = [];
      const api = await server(
        (seen) => {
          names.push(peerName(seen));
          sendJson(seen, 200, {});
        },
        { requestCert: true },
      );
      await ask(await login(api, user));
      expect(names).toEqual(['alice']);
    }
  });

  test('nothing but impersonation goes over plain http, as with kubectl', async () => {
    const api = await server((seen) => sendJson(seen, 200, {}), { tls: false });
    await ask(await login(api, { token: 'secret', as: 'eve' }));
    expect(api.seen[0]?.headers['authorization']).toBeUndefined();
    expect(api.seen[0]?.headers['impersonate-user']).toBe('eve');
  });

  test('somebody else, with several groups in as many headers', async () => {
    const api = await server();
    await ask(
      await login(api, {
        token: 't',
        as: 'eve',
        'as-uid': '7',
        'as-groups': ['dev', 'ops, night'],
        'as-user-extra': { 'Scopes.example/a b': ['x', 'y'] },
      }),
    );
    const raw = api.seen[0]?.raw ?? [];
    const lines = raw.flatMap((name, at) =>
      at % 2 === 0 && name.toLowerCase().startsWith('impersonate-')
        ? [[name.toLowerCase(), raw[at + 1]]]
        : [],
    );
    expect(lines).toEqual([
      ['impersonate-user', 'eve'],
      ['impersonate-uid', '7'],
      ['impersonate-group', 'dev'],
      ['impersonate-group', 'ops, night'],
      ['impersonate-extra-scopes.example%2fa%20b', 'x'],
      ['impersonate-extra-scopes.example%2fa%20b', 'y'],
    ]);
    expect(api.seen[0]?.version).toBe('1.1');
  });

  test('one group travels over HTTP/2', async () => {
    const api = await server();
    await ask(await login(api, { token: 't', as: 'eve', 'as-groups': ['dev'] }));
    expect(api.seen[0]?.headers['impersonate-group']).toBe('dev');
    expect(api.seen[0]?.version).toBe('2.0');
  });

  test('a group without a user is refused, as kubectl does', async () => {
    const api = await server();
    await expect(login(api, { token: 't', 'as-groups': ['dev'] })).rejects.toMatchObject({
      kind: 'bad-kubeconfig',
    });
  });

  test('rotated certificates are picked up', async () => {
    const { client } = await authority();
    const [alice, bob] = await Promise.all([client('alice'), client('bob')]);
    const certificate = file('crt', alice.cert);
    const key = file('key', alice.key);
    let nowMs = Date.now();
    const names: string[] = [];
    const api = await server(
      (seen) => {
        names.push(peerName(seen));
        sendJson(seen, 200, {});
      },
      { requestCert: true },
    );
    const connection = await login(
      api,
      { 'client-certificate': certificate, 'client-key': key },
      {},
      { timing: { ...quickTiming, now: () => nowMs } },
    );
    await ask(connection);
    writeFileSync(certificate, bob.cert);
    writeFileSync(key, bob.key);
    utimesSync(certificate, new Date(), new Date(Date.now() + 5_000));
    utimesSync(key, new Date(), new Date(Date.now() + 5_000));
    nowMs += 60_000;
    await ask(connection);
    expect(names).toEqual(['alice', 'bob']);
  });
});

function peerName(seen: Seen): string {
  const socket =
    'stream' in seen.response
      ? (seen.response as unknown as { stream: { session: { socket: TLSSocket } } }).stream.session.socket
      : seen.response.socket;
  return (socket as unknown as TLSSocket).getPeerCertificate().subject?.CN as unknown as string;
}

describe('a login in another window', () => {
  const config = (url: string, caFile: string, token: string): string =>
    JSON.stringify({
      'current-context': 'c',
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority': caFile } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: { token } }],
    });

  test('a token that it wrote into the kubeconfig is taken at the next 401', async () => {
    const { caFile } = await authority();
    let valid = 'old';
    const api = await server((seen) =>
      seen.headers['authorization'] === `Bearer ${valid}`
        ? sendJson(seen, 200, {})
        : sendStatus(seen, 401, 'Unauthorized'),
    );
    const kubeconfig = file('config', config(api.url, caFile, 'old'));
    const connection = await connect({ kubeconfig, userAgent: 'mltop/test', timing: quickTiming });
    cleanups.push(connection.close);
    await ask(connection);
    valid = 'new';
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'unauthorized' });
    writeFileSync(kubeconfig, config(api.url, caFile, 'new'));
    await ask(connection);
  });

  test('so is an authority, after the server got other certificates', async () => {
    const other = await makeAuthority();
    const { caFile } = await authority();
    const api = await server();
    const kubeconfig = file('config', config(api.url, other.caFile, 't'));
    const connection = await connect({ kubeconfig, userAgent: 'mltop/test', timing: quickTiming });
    cleanups.push(connection.close);
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'tls' });
    writeFileSync(kubeconfig, config(api.url, caFile, 't'));
    await expect
      .poll(() =>
        ask(connection).then(
          () => 'answered',
          () => 'refused',
        ),
      )
      .toBe('answered');
  });
});

test('a watch that runs on rotated certificates is still watched over, and may finish', async () => {
  const { client } = await authority();
  const [alice, bob] = await Promise.all([client('alice'), client('bob')]);
  const certificate = file('crt', alice.cert);
  const key = file('key', alice.key);
  let nowMs = Date.now();
  const api = await server(
    (seen) => {
      if (seen.path !== '/watch') return sendJson(seen, 200, { name: peerName(seen) });
      seen.response.setHeader('content-type', 'application/json');
      (seen.response as ServerResponse).write('first');
      setTimeout(() => (seen.response as ServerResponse).end('last'), 100);
    },
    { requestCert: true },
  );
  const connection = await login(
    api,
    { 'client-certificate': certificate, 'client-key': key },
    {},
    { timing: { ...quickTiming, now: () => nowMs } },
  );
  const { chunks } = await connection.stream({ path: '/watch' });
  writeFileSync(certificate, bob.cert);
  writeFileSync(key, bob.key);
  utimesSync(certificate, new Date(), new Date(Date.now() + 5_000));
  utimesSync(key, new Date(), new Date(Date.now() + 5_000));
  nowMs += 60_000;
  expect(await ask(connection)).toEqual({ name: 'bob' });
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString();
  expect(text).toBe('firstlast');
});

describe('login plugins', () => {
  test('one run serves all who wait, and its token is kept', async () => {
    const log = fileName('runs');
    const api = await server();
    const connection = await login(
      api,
      exec(plugin(`echo run >> ${log}; ${execCredential('{"token":"plugged"}')}`)),
    );
    await Promise.all(Array.from({ length: 8 }, () => ask(connection)));
    await ask(connection);
    expect(readFileSync(log, 'utf8')).toBe('run\n');
    expect(new Set(api.seen.map(({ headers }) => headers['authorization']))).toEqual(
      new Set(['Bearer plugged']),
    );
  });

  test('it is told of the cluster in KUBERNETES_EXEC_INFO', async () => {
    const info = fileName('info');
    const { ca } = await authority();
    const api = await server();
    const connection = await login(
      api,
      exec(plugin(`printf '%s' "$KUBERNETES_EXEC_INFO $WHO" > ${info}; ${execCredential('{"token":"t"}')}`), {
        provideClusterInfo: true,
        env: [{ name: 'WHO', value: 'me' }],
      }),
      {
        'tls-server-name': 'localhost',
        extensions: [{ name: 'client.authentication.k8s.io/exec', extension: { audience: 'prod' } }],
      },
    );
    await ask(connection);
    const said = readFileSync(info, 'utf8');
    expect(said.endsWith(' me')).toBe(true);
    expect(JSON.parse(said.slice(0, -3))).toEqual({
      kind: 'ExecCredential',
      apiVersion: 'client.authentication.k8s.io/v1',
      spec: {
        interactive: false,
        cluster: {
          server: api.url,
          'tls-server-name': 'localhost',
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
          config: { audience: 'prod' },
        },
      },
    });
  });

  test('its certificate is used', async () => {
    const { client } = await authority();
    const pair = await client('carol');
    const status = JSON.stringify({ clientCertificateData: pair.cert, clientKeyData: pair.key });
    const names: string[] = [];
    const api = await server(
      (seen) => {
        names.push(peerName(seen));
        sendJson(seen, 200, {});
      },
      { requestCert: true },
    );
    const answer = file(
      'answer',
      `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":${status}}`,
    );
    await ask(await login(api, exec(plugin(`cat ${answer}`))));
    expect(names).toEqual(['carol']);
  });

  test('a token is renewed before it expires', async () => {
    const log = fileName('runs');
    let nowMs = Date.now();
    const expires = new Date(nowMs + 600_000).toISOString();
    const api = await server();
    const script = `echo run >> ${log}; n=$(wc -l < ${log}); if [ $n -gt 1 ]; then ${execCredential('{"token":"second"}')}; else ${execCredential(`{"token":"first","expirationTimestamp":"${expires}"}`)}; fi`;
    const connection = await login(
      api,
      exec(plugin(script)),
      {},
      { timing: { ...quickTiming, now: () => nowMs } },
    );
    await ask(connection);
    nowMs += 500_000;
    await ask(connection);
    nowMs += 60_000;
    await ask(connection);
    expect(api.seen.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer first',
      'Bearer first',
      'Bearer second',
    ]);
  });

  test('a 401 has it run once more, and the request is repeated', async () => {
    const log = fileName('runs');
    const api = await server((seen) =>
      seen.headers['authorization'] === 'Bearer t2'
        ? sendJson(seen, 200, {})
        : sendStatus(seen, 401, 'Unauthorized'),
    );
    const script = `echo run >> ${log}; n=$(wc -l < ${log}); ${execCredential('{"token":"tN"}').replace('tN', `t'$((n))'`)}`;
    const connection = await login(api, exec(plugin(script)));
    await Promise.all([ask(connection), ask(connection), ask(connection)]);
    expect(readFileSync(log, 'utf8')).toBe('run\nrun\n');
  });

  test('a 401 that stays is said, with the way out', async () => {
    const api = await server((seen) => sendStatus(seen, 401, 'Unauthorized'));
    const connection = await login(api, exec(plugin(execCredential('{"token":"t"}'))));
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'unauthorized',
      status: 401,
      message: expect.stringMatching(/\(401\).*they come from the login plugin: /),
      hint: expect.stringContaining('Log in again'),
    });
  });

  test.each([
    [{ token: 'old' }, 'the token in the kubeconfig'],
    [{ username: 'ada', password: 'old' }, 'a user name and password'],
    [{}, 'nowhere: the kubeconfig names none'],
  ])('a 401 says where the refused credentials come from: %j', async (user, where) => {
    const api = await server((seen) => sendStatus(seen, 401, 'Unauthorized'));
    const connection = await login(api, user);
    await expect(ask(connection)).rejects.toMatchObject({ message: expect.stringContaining(where) });
  });

  test('one whose newest token is refused too is not run for every stream that comes back', async () => {
    const api = await server((seen) => sendStatus(seen, 401, 'Unauthorized'));
    const { connection, runs } = await counted(api, execCredential('{"token":"t"}'));
    for (let at = 0; at < 4; at += 1)
      await expect(ask(connection)).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(runs()).toBe('run\nrun\n');
    connection.retryNow();
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'unauthorized' });
    expect(runs()).toBe('run\nrun\nrun\n');
  });

  test('one whose token is over before it begins, by a clock that is wrong, is not run for every request', async () => {
    let nowMs = Date.now();
    const api = await server();
    const status = `{"token":"t","expirationTimestamp":"${new Date(nowMs - 1000).toISOString()}"}`;
    const { connection, runs } = await counted(api, execCredential(status), () => nowMs);
    for (let at = 0; at < 4; at += 1) await ask(connection);
    expect(runs()).toBe('run\n');
    nowMs += 61_000;
    await ask(connection);
    expect(runs()).toBe('run\nrun\n');
  });

  test('its certificate is rotated as its token is', async () => {
    const { client } = await authority();
    const [carol, dave] = await Promise.all([client('carol'), client('dave')]);
    let nowMs = Date.now();
    const answer = fileName('answer');
    const print = (pair: typeof carol, expiresMs: number): void =>
      writeFileSync(
        answer,
        JSON.stringify({
          apiVersion: 'client.authentication.k8s.io/v1',
          kind: 'ExecCredential',
          status: {
            clientCertificateData: pair.cert,
            clientKeyData: pair.key,
            expirationTimestamp: new Date(expiresMs).toISOString(),
          },
        }),
      );
    const names: string[] = [];
    const api = await server(
      (seen) => {
        names.push(peerName(seen));
        sendJson(seen, 200, {});
      },
      { requestCert: true },
    );
    print(carol, nowMs + 600_000);
    const connection = await login(
      api,
      exec(plugin(`cat ${answer}`)),
      {},
      { timing: { ...quickTiming, now: () => nowMs } },
    );
    await ask(connection);
    nowMs += 580_000;
    print(dave, nowMs + 600_000);
    await ask(connection);
    expect(names).toEqual(['carol', 'dave']);
  });

  test('one that is not installed says how to install it', async () => {
    const api = await server();
    const connection = await login(
      api,
      exec('no-such-login-plugin', { installHint: 'brew install no-such-login-plugin' }),
    );
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('"no-such-login-plugin" of user "u" is not installed'),
      hint: 'brew install no-such-login-plugin',
    });
    expect(api.seen).toEqual([]);
  });

  test('one that fails is quoted, without its colours', async () => {
    const notices: string[] = [];
    const api = await server();
    const connection = await login(
      api,
      exec(plugin(`printf '\\033[31mSSO session expired\\033[0m\\n' >&2; exit 3`)),
      {},
      { notice: (text) => notices.push(text) },
    );
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringMatching(/failed with exit code 3: SSO session expired$/),
    });
    expect(notices).toEqual(['SSO session expired']);
  });

  test('a failure is remembered for a while, and forgotten when a person asks', async () => {
    const api = await server();
    const { connection, runs } = await counted(api, 'exit 1');
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    expect(runs()).toBe('run\n');
    connection.retryNow();
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    expect(runs()).toBe('run\nrun\n');
  });

  test('a failure is not remembered for longer because the clock was set back', async () => {
    let nowMs = Date.now();
    const api = await server();
    const { connection, runs } = await counted(api, 'exit 1', () => nowMs);
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    nowMs -= 3_600_000;
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    expect(runs()).toBe('run\nrun\n');
  });

  test('what it leaves running, with its pipes in hand, is not waited for', async () => {
    const api = await server();
    const connection = await login(
      api,
      exec(plugin(`(sleep 5 </dev/null) & echo started >&2; ${execCredential('{"token":"t"}')}`)),
    );
    await ask(connection);
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer t');
  });

  test('one that prints without end is ended', async () => {
    const api = await server();
    await expect(ask(await login(api, exec(plugin('yes'))))).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('printed more than a credential can be'),
    });
  });

  test('one that hangs is ended with all that it started', async () => {
    const pids = fileName('pids');
    const api = await server();
    const connection = await login(
      api,
      exec(plugin(`sleep 60 & echo $! > ${pids}; echo waiting >&2; wait`)),
      {},
      { timing: { ...quickTiming, pluginMs: 300 } },
    );
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringMatching(/did not finish within .*waiting/),
    });
    const child = Number(readFileSync(pids, 'utf8'));
    await expect.poll(() => isRunning(child)).toBe(false);
  });

  test('a slow one is waited for', async () => {
    const api = await server();
    await ask(await login(api, exec(plugin(`sleep 0.3; ${execCredential('{"token":"late"}')}`))));
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer late');
  });

  test.each([
    ['nonsense', 'echo hello', 'printed no ExecCredential'],
    [
      'another version',
      execCredential('{"token":"t"}', 'v1beta1'),
      'answered in client.authentication.k8s.io/v1beta1',
    ],
    ['no credential', execCredential('{}'), 'gave neither a token nor a certificate'],
  ])('one that prints %s', async (_name, script, message) => {
    const api = await server();
    await expect(ask(await login(api, exec(plugin(script))))).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining(message),
    });
  });

  test('one of a version that is gone', async () => {
    const api = await server();
    const connection = await login(api, exec('x', { apiVersion: 'client.authentication.k8s.io/v1alpha1' }));
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('v1alpha1'),
    });
  });

  test('one that must ask is refused without a terminal, and gets it where there is one', async () => {
    const api = await server();
    const user = exec(plugin(execCredential('{"token":"typed"}')), { interactiveMode: 'Always' });
    await expect(ask(await login(api, user))).rejects.toMatchObject({
      kind: 'credentials',
      message: expect.stringContaining('no terminal'),
    });
    let handed = 0;
    const withTerminal: ConnectOptions['withTerminal'] = async (work) => {
      handed += 1;
      return await work();
    };
    await ask(await login(api, user, {}, { withTerminal }));
    expect(handed).toBe(1);
    expect(api.seen[0]?.headers['authorization']).toBe('Bearer typed');
  });

  test('one that must ask and failed takes the terminal again only when a person wants it', async () => {
    const api = await server();
    let handed = 0;
    const withTerminal: ConnectOptions['withTerminal'] = (work) => {
      handed += 1;
      return work();
    };
    const connection = await login(
      api,
      exec(plugin('exit 1'), { interactiveMode: 'Always' }),
      {},
      { withTerminal, timing: { ...quickTiming, pluginRetryMs: 0 } },
    );
    for (let at = 0; at < 3; at += 1)
      await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    expect(handed).toBe(1);
    connection.retryNow();
    await expect(ask(connection)).rejects.toMatchObject({ kind: 'credentials' });
    expect(handed).toBe(2);
  });

  test('one that may ask gets the terminal only after it failed without', async () => {
    const api = await server();
    const asks = plugin(
      `case "$KUBERNETES_EXEC_INFO" in *'"interactive":true'*) ${execCredential('{"token":"asked"}')};; *) echo 'needs a terminal' >&2; exit 1;; esac`,
    );
    let handed = 0;
    const withTerminal: ConnectOptions['withTerminal'] = async (work) => {
      handed += 1;
      return await work();
    };
    await ask(await login(api, exec(asks), {}, { withTerminal }));
    await ask(await login(api, exec(plugin(execCredential('{"token":"quiet"}'))), {}, { withTerminal }));
    expect(handed).toBe(1);
  });

  test('one that fails with the terminal too is quoted from the time without it', async () => {
    const api = await server();
    const fails = plugin(
      `case "$KUBERNETES_EXEC_INFO" in *'"interactive":true'*) exit 1;; *) echo 'session expired' >&2; exit 1;; esac`,
    );
    const withTerminal: ConnectOptions['withTerminal'] = (work) => work();
    const connection = await login(api, exec(fails, { args: ['a b'] }), {}, { withTerminal });
    await expect(ask(connection)).rejects.toMatchObject({
      message: expect.stringContaining('session expired'),
      hint: expect.stringContaining("'a b'"),
    });
  });
});

function isRunning(pid: number): boolean {
  // A zombie whose parent was ended waits for nobody here.
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
  if (existsSync('/proc/self/stat')) return stat !== '' && !/\) Z /.test(stat);
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('legacy auth providers', () => {
  const jwt = (exp: number): string =>
    ['{}', JSON.stringify({ exp }), 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.');

  test('an oidc id-token serves while it lasts', async () => {
    const token = jwt(Date.now() / 1000 + 600);
    const api = await server();
    await ask(await login(api, { 'auth-provider': { name: 'oidc', config: { 'id-token': token } } }));
    expect(api.seen[0]?.headers['authorization']).toBe(`Bearer ${token}`);
  });

  test('an expired one says what to use instead', async () => {
    const api = await server();
    const connection = await login(api, {
      'auth-provider': { name: 'oidc', config: { 'id-token': jwt(1) } },
    });
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'credentials',
      hint: expect.stringContaining('kubelogin'),
    });
  });
});

describe('TLS', () => {
  test('another authority', async () => {
    const other = await makeAuthority();
    const api = await server();
    const connection = await login(api, { token: 't' }, { 'certificate-authority': other.caFile });
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining('is not trusted'),
      hint: expect.stringContaining('certificate-authority'),
    });
    expect(api.seen).toEqual([]);
  });

  test('of two authorities of one name, in a bundle while they are rotated, each is tried', async () => {
    const other = await makeAuthority();
    const { ca } = await authority();
    const api = await server();
    for (const bundle of [`${other.ca}${ca}`, `${ca}${other.ca}`])
      await ask(await login(api, {}, { 'certificate-authority': file('bundle', bundle) }));
    expect(api.seen).toHaveLength(2);
  });

  test('an authority that is no certificate', async () => {
    const api = await server();
    const connection = await login(api, {}, { 'certificate-authority': file('ca', 'nothing') });
    await expect(ask(connection)).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining('holds no certificate'),
    });
  });

  test('another name, put right by tls-server-name', async () => {
    const { issue } = await authority();
    const api = await server(undefined, await issue(['kubernetes.default.svc']));
    await expect(ask(await login(api, {}))).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining('is for other names'),
      hint: expect.stringContaining('tls-server-name'),
    });
    await ask(await login(api, {}, { 'tls-server-name': 'kubernetes.default.svc' }));
  });

  test('an expired certificate, and --insecure-skip-tls-verify', async () => {
    const { issue } = await authority();
    const api = await server(undefined, await issue([], new Date(Date.now() - 3_600_000)));
    await expect(ask(await login(api, {}))).rejects.toMatchObject({
      kind: 'tls',
      message: expect.stringContaining('has expired'),
    });
    await ask(await login(api, {}, { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true }));
  });

  test('https:// to a server that speaks http', async () => {
    const api = await server(undefined, { tls: false });
    await expect(
      ask(await login({ ...api, url: `https://127.0.0.1:${api.port}` }, {})),
    ).rejects.toMatchObject({ kind: 'tls', message: expect.stringContaining('does not speak TLS') });
  });
});

describe('proxies', () => {
  async function proxiesTo(api: ApiServer): Promise<Proxies> {
    const proxies = await startProxies(api.port);
    cleanups.push(proxies.close);
    return proxies;
  }

  test('HTTPS_PROXY with a user is tunnelled through, HTTP/2 inside', async () => {
    const api = await server();
    const proxies = await proxiesTo(api);
    const connection = await login(
      { ...api, url: `https://localhost:${api.port}` },
      { token: 't' },
      { 'proxy-url': `http://me:p%40ss@127.0.0.1:${proxies.http}` },
    );
    await ask(connection);
    expect(proxies.asked()).toEqual([
      `CONNECT localhost:${api.port} Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    ]);
    expect(api.seen[0]?.version).toBe('2.0');
  });

  test('a SOCKS5 proxy with a user; tls-server-name counts inside', async () => {
    const { issue } = await authority();
    const api = await server(undefined, await issue(['inside.example']));
    const proxies = await proxiesTo(api);
    await ask(
      await login(
        { ...api, url: 'https://not-resolvable.invalid:6443' },
        { token: 't' },
        {
          'proxy-url': `socks5://me:secret@127.0.0.1:${proxies.socks}`,
          'tls-server-name': 'inside.example',
        },
      ),
    );
    expect(proxies.asked()).toEqual(['socks not-resolvable.invalid:6443 me:secret']);
  });

  test('one that speaks TLS is trusted by the same authority', async () => {
    const api = await server();
    const proxies = await proxiesTo(api);
    await ask(await login(api, {}, { 'proxy-url': `https://localhost:${proxies.https}` }));
    expect(proxies.asked()).toEqual([`CONNECT 127.0.0.1:${api.port}`]);
  });

  test('for plain http it is asked in the place of the server', async () => {
    const api = await server(undefined, { tls: false });
    const proxies = await proxiesTo(api);
    await ask(
      await login(
        { ...api, url: 'http://cluster.invalid:8080/base' },
        {},
        { 'proxy-url': `http://127.0.0.1:${proxies.http}` },
      ),
    );
    expect(proxies.asked()).toEqual(['GET http://cluster.invalid:8080/base/api']);
  });

  test('a proxy that refuses is named', async () => {
    const api = await server();
    const proxy: Server = createServer().on('connect', (_request, socket) =>
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'),
    );
    await new Promise<void>((resolve) => {
      proxy.listen(0, '127.0.0.1', resolve);
    });
    cleanups.push(() => proxy.close());
    const { port } = proxy.address() as AddressInfo;
    await expect(
      ask(await login(api, {}, { 'proxy-url': `http://127.0.0.1:${port}` })),
    ).rejects.toMatchObject({
      kind: 'unreachable',
      message: expect.stringContaining('does not open a tunnel'),
      hint: expect.stringContaining('proxy-url'),
    });
  });

  test('a proxy that is not there is named', async () => {
    const api = await server();
    await expect(ask(await login(api, {}, { 'proxy-url': 'http://127.0.0.1:1' }))).rejects.toMatchObject({
      message: expect.stringContaining('The proxy 127.0.0.1:1 cannot be reached'),
    });
  });
});
