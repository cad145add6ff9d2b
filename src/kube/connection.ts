import type { Readable } from 'node:stream';
import { finished } from 'node:stream';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { createGunzip } from 'node:zlib';
import { authoritiesOf } from './authorities.ts';
import type {
  Connection,
  ConnectOptions,
  Decoder,
  KubeRequest,
  KubeResponse,
  KubeStream,
} from './contract.ts';
import { type Credentials, type Identity, openCredentials, sameTls } from './credentials.ts';
import { dial, type OpenSocket, proxyLogin, type Route } from './dial.ts';
import { KubeError } from './kube-error.ts';
import { type Access, findAccess, inPod } from './kubeconfig.ts';
import { startLiveness } from './liveness.ts';
import type { ServerVersion } from './object.ts';
import { pagesOf } from './pages.ts';
import { proxyFromEnvironment } from './proxy.ts';
import { realTiming, type Timing } from './timing.ts';
import { type Lane, openLane, type RawResponse } from './transport.ts';
import { answerError, strangeAnswer, type Whereabouts, wireError } from './wire-error.ts';

/**
 * The server that the flags and the kubeconfig name. Reads files, sends nothing: the first request does.
 * Load this module lazily: it brings undici and a YAML parser.
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const access = await findAccess(options);
  // The context that was chosen, whatever is made current later.
  const again = {
    ...options,
    ...(access.contextName !== '' && access.contextName !== inPod && { context: access.contextName }),
  };
  return openConnection(access, options, () => findAccess(again));
}

/** The lanes that share one TLS identity. */
interface Generation {
  readonly identity: Identity;
  readonly main: Lane;
  readonly logs: Lane;
}

/** A connection for an access that is already known. `reload` looks it up again when the server refuses it. */
function openConnection(found: Access, options: ConnectOptions, reload?: () => Promise<Access>): Connection {
  let access = found;
  const timing: Timing = {
    ...realTiming,
    ...(options.requestTimeoutMs !== undefined && {
      requestMs: options.requestTimeoutMs,
      headersMs: options.requestTimeoutMs,
    }),
    ...options.timing,
  };
  const server = new URL(access.server);
  const proxy = proxyOf(access, server, options);
  let credentials: Credentials = openCredentials(access, options, timing);
  const basePath = server.pathname.replace(/\/$/, '');
  let generation: Generation | undefined;
  /** Replaced, with streams still on them. */
  const retiring = new Set<Generation>();
  /** Who wants to know of requests that got what they asked for. */
  const served = new Set<() => void>();
  /** Who wants to know that a person asks. */
  const retried = new Set<() => void>();
  let closed = false;

  /** A proxy for plain http is no tunnel: it is asked in the server's place. */
  const relay =
    server.protocol === 'http:' && proxy?.protocol.startsWith('http') === true ? proxy : undefined;
  const login = relay === undefined ? undefined : proxyLogin(relay);
  const forRelay = login === undefined ? [] : [['Proxy-Authorization', login] as const];
  const before = relay === undefined ? basePath : `${server.origin}${basePath}`;

  const route = (identity: Identity, alpn: readonly string[]): Route => ({
    server,
    proxy,
    tls: tlsOptions(access, identity),
    authorities: verifies(access) ? authoritiesOf(identity.authorities) : [[]],
    alpn,
    timeoutMs: timing.connectMs,
    userAgent: options.userAgent,
  });

  const open = async (identity: Identity, http1: boolean, signal: AbortSignal): Promise<OpenSocket> =>
    await dial(
      {
        ...route(identity, http1 ? ['http/1.1'] : ['h2', 'http/1.1']),
        relayed: relay !== undefined,
        onReached: (roundTripMs) => liveness.reached(roundTripMs),
      },
      signal,
    );

  /** Whether the answers to its pings prove the connection that the watches are on. */
  function lane(identity: Identity, isProof: boolean): Lane {
    // Header lists that name one header twice would be joined with a comma over HTTP/2: other rights than asked for.
    const http1 = options.http1 === true || repeats(identity.headers);
    return openLane({
      origin: server.origin,
      open: (signal) => open(identity, http1, signal),
      timing,
      onPing: (trip) => {
        if (isProof) liveness.heard(trip);
      },
    });
  }

  /** Rotated certificates need new sockets; what runs on the old ones may finish. */
  function lanesFor(identity: Identity): Generation {
    if (
      generation !== undefined &&
      sameTls(generation.identity, identity) &&
      repeats(generation.identity.headers) === repeats(identity.headers)
    )
      return generation;
    const old = generation;
    generation = { identity, main: lane(identity, true), logs: lane(identity, false) };
    if (old !== undefined) retire(old);
    return generation;
  }

  function retire(old: Generation): void {
    retiring.add(old);
    Promise.all([old.main.retire(), old.logs.retire()])
      .catch(() => {})
      .finally(() => retiring.delete(old));
  }

  const generations = (): Generation[] => [...retiring, ...(generation === undefined ? [] : [generation])];

  /** The server's answer to a stale credential proves it alive as well as any other. */
  const anyIdentity = (): Promise<Identity> =>
    credentials.current().catch((error: unknown) => {
      if (generation === undefined) throw error;
      return generation.identity;
    });

  const liveness = startLiveness(
    {
      traffic: () => {
        const all = generations().map(({ main }) => main.traffic());
        return {
          bytesRead: all.reduce((sum, { bytesRead }) => sum + bytesRead, 0),
          open: all.reduce((sum, { open }) => sum + open, 0),
        };
      },
      protocol: () => generation?.main.protocol(),
      ask: async (deadlineMs) => {
        const identity = await anyIdentity();
        return await livez(lanesFor(identity).main, identity, deadlineMs);
      },
      askAnew: async (deadlineMs) => {
        const identity = await anyIdentity();
        const probe = lane(identity, false);
        try {
          return await livez(probe, identity, deadlineMs);
        } catch (error) {
          // A cluster that was made anew has new certificates, and its maker wrote a new kubeconfig.
          if (wireError(error, whereabouts({ path: '/livez' })).kind === 'tls') await loggedInAgain();
          throw error;
        } finally {
          await probe.destroy();
        }
      },
      dropAsleep: (silentMs, error) => {
        for (const { main, logs } of generations()) {
          main.dropAsleep(silentMs, error);
          logs.dropAsleep(silentMs, error);
        }
      },
      cut: (error) => {
        for (const { main, logs } of generations()) {
          main.cut(error);
          logs.cut(error);
        }
      },
    },
    timing,
  );

  async function livez(on: Lane, { headers }: Identity, deadlineMs: number): Promise<number> {
    const signal = AbortSignal.timeout(deadlineMs);
    const started = performance.now();
    const answer = await abortable(
      on.send({
        method: 'GET',
        path: `${before}/livez`,
        headers: [...headers, ...forRelay, ['User-Agent', options.userAgent]],
        body: undefined,
        headersMs: deadlineMs,
        bodyMs: deadlineMs,
        signal,
      }),
      signal,
    );
    await drain(answer.body);
    return performance.now() - started;
  }

  const whereabouts = (request: KubeRequest): Whereabouts => ({
    server: server.origin,
    userName: access.userName,
    login: () => credentials.login(),
    request,
  });

  /** `kubectl login` of any kind writes the kubeconfig: what a person did in another window counts here too. */
  async function loggedInAgain(): Promise<boolean> {
    const next = await reload?.().catch(() => undefined);
    if (next === undefined || next.server !== access.server) return false;
    if (JSON.stringify([next.user, next.cluster]) === JSON.stringify([access.user, access.cluster]))
      return false;
    credentials = openCredentials(next, options, timing);
    access = next;
    return true;
  }

  /** Sends; after a 401 once more with renewed credentials. Statuses of 400 and more reject. */
  async function send(request: KubeRequest, compress: boolean, bodyMs: number): Promise<RawResponse> {
    if (closed)
      throw new KubeError('The connection is closed', { kind: 'unreachable', hint: 'Connect again.' });
    const where = whereabouts(request);
    try {
      const identity = await credentials.current();
      const first = await once(identity, request, compress, bodyMs);
      const answer =
        first.status === 401
          ? await once(await renewedOr(first, identity, where), request, compress, bodyMs)
          : first;
      const good = await checked(answer, where);
      for (const listener of [...served]) listener();
      return good;
    } catch (error) {
      throw failed(error, request, where);
    }
  }

  async function renewedOr(refused: RawResponse, identity: Identity, where: Whereabouts): Promise<Identity> {
    const better =
      (await credentials.renewed(identity)) ??
      ((await loggedInAgain()) ? await credentials.current() : undefined);
    if (better === undefined) return await checked(refused, where).then(() => identity);
    await drain(refused.body);
    return better;
  }

  async function once(
    identity: Identity,
    request: KubeRequest,
    compress: boolean,
    bodyMs: number,
  ): Promise<RawResponse> {
    const lanes = lanesFor(identity);
    const { method = 'GET', body } = request;
    const answer = await (request.lane === 'logs' ? lanes.logs : lanes.main).send({
      method,
      path: `${before}${request.path}${queryText(request.query)}`,
      headers: [
        ...identity.headers,
        ...forRelay,
        ['User-Agent', options.userAgent],
        ['Accept', request.accept ?? 'application/json'],
        ...(compress ? [['Accept-Encoding', 'gzip'] as const] : []),
        ...(body === undefined ? [] : [['Content-Type', request.contentType ?? 'application/json'] as const]),
      ],
      body,
      headersMs: request.timeoutMs ?? (bodyMs === 0 ? timing.headersMs : timing.requestMs),
      bodyMs,
      signal: request.signal,
    });
    // What answers on the logs' connection says nothing of the one that the watches are on.
    if (request.lane !== 'logs') liveness.heard();
    return answer;
  }

  async function checked(answer: RawResponse, where: Whereabouts): Promise<RawResponse> {
    if (answer.status >= 400)
      throw answerError(answer.status, answer.headers, await collect(decoded(answer)), where);
    const strange = strangeAnswer(answer.status, answer.headers, where);
    if (strange === undefined) return answer;
    answer.body.destroy();
    throw strange;
  }

  function failed(error: unknown, request: KubeRequest, where: Whereabouts): KubeError {
    if (request.signal?.aborted === true)
      return new KubeError(`${request.path} was given up`, {
        kind: 'timeout',
        hint: 'It was cancelled.',
        cause: error,
      });
    const known = wireError(error, where);
    if (known.status === undefined && known.kind !== 'credentials') liveness.lost(known.message);
    // For the next try; this one has failed.
    if (known.kind === 'credentials' || known.kind === 'tls') loggedInAgain().catch(() => {});
    return known;
  }

  async function request(asked: KubeRequest): Promise<KubeResponse> {
    const compress = access.cluster['disable-compression'] !== true;
    const answer = await send(asked, compress, asked.timeoutMs ?? timing.requestMs);
    try {
      return { status: answer.status, headers: answer.headers, body: await collect(decoded(answer)) };
    } catch (error) {
      throw failed(error, asked, whereabouts(asked));
    }
  }

  async function json<T>(asked: KubeRequest): Promise<T> {
    const { body, status } = await request(asked);
    try {
      return JSON.parse(Buffer.from(body).toString('utf8')) as T;
    } catch (cause) {
      throw new KubeError(`${server.origin} answered ${asked.path} with something other than JSON`, {
        kind: 'bad-answer',
        status,
        hint: 'A proxy may stand in front of the API server.',
        cause,
      });
    }
  }

  async function stream(asked: KubeRequest): Promise<KubeStream> {
    const answer = await send(asked, asked.compressed === true, asked.timeoutMs ?? 0);
    const body = decoded(answer);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of body) yield chunk as Uint8Array;
      } catch (error) {
        throw failed(error, asked, whereabouts(asked));
      } finally {
        answer.body.destroy();
      }
    }
    return { status: answer.status, headers: answer.headers, chunks: chunks() };
  }

  // Clusters are upgraded under running clients, so the answer is not kept for ever.
  let versionAsked: { readonly answer: Promise<ServerVersion>; readonly atMs: number } | undefined;
  function version(): Promise<ServerVersion> {
    if (versionAsked === undefined || Math.abs(timing.now() - versionAsked.atMs) > timing.rightsCacheMs) {
      const answer = json<Record<string, unknown>>({ path: '/version' }).then(versionOf);
      versionAsked = { answer, atMs: timing.now() };
      answer.catch(() => {
        versionAsked = undefined;
      });
    }
    return versionAsked.answer;
  }

  const connection: Connection = {
    contextName: access.contextName,
    clusterName: access.clusterName,
    userName: access.userName,
    server: access.server,
    namespace: access.namespace,
    otherNamespaces: access.otherNamespaces,
    timing,
    health: liveness.health,
    onHealth: liveness.onHealth,
    onSuccess: (listener) => {
      served.add(listener);
      return () => served.delete(listener);
    },
    version,
    request,
    json,
    stream,
    pages: (path, query, signal, decoder?: Decoder, onWait?) =>
      pagesOf(connection, path, query, { signal, decoder, onWait }),
    dial: async (signal) => {
      const where = whereabouts({ path: '/' });
      try {
        const identity = await credentials.current();
        return {
          socket: await dial(route(identity, ['http/1.1']), signal),
          headers: [...identity.headers, ['User-Agent', options.userAgent]],
        };
      } catch (error) {
        throw wireError(error, where);
      }
    },
    retryNow: () => {
      credentials.retryNow();
      for (const listener of [...retried]) listener();
    },
    onRetry: (listener) => {
      retried.add(listener);
      return () => retried.delete(listener);
    },
    close: async () => {
      closed = true;
      liveness.stop();
      await Promise.all(generations().flatMap(({ main, logs }) => [main.destroy(), logs.destroy()]));
    },
  };
  return connection;
}

function versionOf(answer: Record<string, unknown>): ServerVersion {
  const text = typeof answer['gitVersion'] === 'string' ? answer['gitVersion'] : '';
  const [, major = '0', minor = '0'] = /^v?(\d+)\.(\d+)/.exec(text) ?? [];
  return { major: Number(major), minor: Number(minor), text };
}

function proxyOf(access: Access, server: URL, options: ConnectOptions): URL | undefined {
  const named = access.cluster['proxy-url'];
  if (named === undefined || named === '') return proxyFromEnvironment(server, options.env ?? process.env);
  const url = URL.parse(named);
  if (url !== null && /^(https?|socks5h?):$/.test(url.protocol)) return url;
  throw new KubeError(
    `The proxy-url of cluster "${access.clusterName}" is no http, https or socks5 address: ${named}`,
    { kind: 'bad-kubeconfig', hint: 'Correct it in the kubeconfig.' },
  );
}

const verifies = ({ server, cluster }: Access): boolean =>
  server.startsWith('https:') && cluster['insecure-skip-tls-verify'] !== true;

function tlsOptions({ cluster }: Access, identity: Identity): TlsOptions {
  const name = cluster['tls-server-name'];
  return {
    rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
    ...(identity.certificate !== undefined && { cert: identity.certificate }),
    ...(identity.key !== undefined && { key: identity.key }),
    ...(name !== undefined && name !== '' && { servername: name }),
    // As Go: an intermediate or a server's own certificate in the kubeconfig is an anchor too.
    allowPartialTrustChain: true,
    minVersion: 'TLSv1.2',
  };
}

const repeats = (headers: Identity['headers']): boolean =>
  new Set(headers.map(([name]) => name.toLowerCase())).size < headers.length;

function queryText(query: KubeRequest['query']): string {
  const entries = Object.entries(query ?? {}).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
}

/** undici's `request` leaves gzip to the caller. */
function decoded({ headers, body }: RawResponse): Readable {
  if (headers['content-encoding'] !== 'gzip') return body;
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  gunzip.on('error', () => {});
  finished(body, { writable: false }, (error) => {
    if (error !== undefined && error !== null) gunzip.destroy(error);
  });
  return body.pipe(gunzip);
}

async function collect(body: Readable): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

async function drain(body: Readable): Promise<void> {
  for await (const _chunk of body) {
    // An unread body keeps its connection busy.
  }
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('no answer in time'));
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
