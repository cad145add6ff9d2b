import { appendFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, type Http2Session } from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Authority } from './certificates.ts';
import type { Cluster } from './cluster.ts';
import { controlPath } from './control.ts';
import { createExchange, type Exchange, type RawRequest, type RawResponse } from './exchange.ts';
import type { FaultBoard } from './faults.ts';
import { decide, type User } from './rights.ts';
import { route } from './routes/index.ts';
import { Refusal, serverFailure, statusBody, unauthorized } from './status.ts';
import type { Upgrade } from './tunnel/index.ts';

export interface ServerOptions {
  readonly cluster: Cluster;
  readonly authority: Authority;
  readonly faults: FaultBoard;
  /** Answers what is asked below `controlPath`, which no fault befalls. */
  readonly control: (exchange: Exchange) => Promise<void>;
  /** Who a bearer token belongs to. */
  readonly userOf: (token: string) => User | undefined;
  /** 0: any free port. */
  readonly port: number;
  /** A second listener without TLS, which answers as a `kubectl proxy` of this user would. */
  readonly plainAs: User | undefined;
  /** Each request is appended to this file as a JSON line. */
  readonly requestsFile: string | undefined;
}

export interface RunningServer {
  readonly url: string;
  readonly httpUrl: string | undefined;
  close(): Promise<void>;
}

const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Who asks: by certificate, else by token, else nobody; an admin may ask as somebody else. A token nobody has is a 401. */
function authenticate(exchange: Exchange, options: ServerOptions, plain: boolean): User {
  const user = plain && options.plainAs !== undefined ? options.plainAs : credentialsOf(exchange, options);
  const other = exchange.header('impersonate-user');
  if (other === undefined) return user;
  const asked = {
    verb: 'impersonate',
    group: '',
    resource: 'users',
    subresource: '',
    namespace: '',
    name: other,
  };
  if (!decide(options.cluster.rights, user, asked).allowed) {
    const message = `users "${other}" is forbidden: User "${user.name}" cannot impersonate resource "users" in API group "" at the cluster scope`;
    throw new Refusal(
      statusBody(403, message, { reason: 'Forbidden', details: { name: other, kind: 'users' } }),
    );
  }
  const groups = (exchange.header('impersonate-group') ?? '').split(', ').filter((group) => group !== '');
  return { name: other, groups: [...groups, 'system:authenticated'] };
}

function credentialsOf(exchange: Exchange, options: ServerOptions): User {
  const { certificate } = exchange;
  if (certificate !== undefined) {
    if (!certificate.trusted) throw unauthorized();
    return { name: certificate.name, groups: [...certificate.groups, 'system:authenticated'] };
  }
  const header = exchange.header('authorization');
  if (header === undefined) return anonymous;
  const token = /^Bearer\s+(\S+)$/i.exec(header)?.[1];
  const user = token === undefined ? undefined : options.userOf(token);
  if (user === undefined) throw unauthorized();
  return user;
}

/** Against DNS rebinding: a page in a browser could otherwise read the cluster through the listener that asks for no credentials. */
const isLocalHost = (host: string): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);

function noteTo(file: string | undefined): (exchange: Exchange, status: number) => void {
  if (file === undefined) return () => undefined;
  return (exchange, status) => {
    const { method, path, queryText: query, userAgent, accept = '' } = exchange;
    appendFileSync(file, `${JSON.stringify({ method, path, query, userAgent, accept, status })}\n`);
  };
}

function answering(
  options: ServerOptions,
  plain: boolean,
): (request: RawRequest, response: RawResponse, upgrade?: Upgrade) => void {
  const note = noteTo(options.requestsFile);
  const headers = {
    /** The server's clock may go wrong. */
    get date() {
      return new Date(options.cluster.now()).toUTCString();
    },
    'cache-control': 'no-cache, private',
    'x-kubernetes-pf-flowschema-uid': 'b4c0e1de-0000-4000-8000-000000000001',
    'x-kubernetes-pf-prioritylevel-uid': 'b4c0e1de-0000-4000-8000-000000000002',
  };
  async function answer(exchange: Exchange): Promise<void> {
    if (exchange.path.startsWith(controlPath)) {
      exchange.user = authenticate(exchange, options, plain);
      return options.control(exchange);
    }
    await options.faults.befall(exchange);
    if (exchange.begun || exchange.signal.aborted) return;
    if (plain && !isLocalHost(exchange.header('host') ?? ''))
      throw new Refusal(statusBody(403, 'Forbidden', { reason: 'Forbidden' }));
    exchange.user = authenticate(exchange, options, plain);
    await route(exchange, options.cluster);
  }
  async function handle(exchange: Exchange): Promise<void> {
    try {
      await answer(exchange);
    } catch (error) {
      if (exchange.signal.aborted) return;
      if (exchange.begun) {
        exchange.cut();
        return;
      }
      const refusal =
        error instanceof Refusal
          ? error
          : serverFailure(error instanceof Error ? (error.stack ?? error.message) : String(error));
      await exchange.status(refusal.status, refusal.headers);
    }
  }
  return (request, response, upgrade) => {
    const exchange = createExchange(request, response, { onBegin: note, headers }, upgrade);
    // The client may go while its refusal is being written; there is nobody left to tell.
    handle(exchange).catch(() => undefined);
  };
}

/** Answers a request for another protocol on the same path as every other; what refuses it is an answer like any other. */
function upgrading(
  answerTo: (request: RawRequest, response: RawResponse, upgrade?: Upgrade) => void,
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    // Cast: it is the connection's own socket, which is what a response writes to.
    response.assignSocket(socket as Socket);
    response.on('finish', () => socket.end());
    answerTo(request, response, { request, socket, head });
  };
}

function listening(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Every connection of a server, to be ended when it closes: watches would otherwise hold it open. */
function connections(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    // Small frames must not wait for the acknowledgement of the ones before.
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    // A client that breaks off is none of our errors.
    socket.on('error', () => undefined);
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

const closing = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** Listens on loopback: TLS with HTTP/2 and HTTP/1.1, and plain HTTP/1.1 when asked. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const secure = createSecureServer({
    ...options.authority.server,
    ca: options.authority.caPem,
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: 1000 },
    // The default of 8 buffered MiB per session would stall big lists beside many watches.
    maxSessionMemory: 256,
  });
  const sessions = new Set<Http2Session>();
  secure.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
    session.on('close', () => sessions.delete(session));
  });
  secure.on('tlsClientError', () => undefined);
  const answerSecure = answering(options, false);
  secure.on('request', (request, response) => answerSecure(request, response));
  secure.on('upgrade', upgrading(answerSecure));
  const dropSecure = connections(secure);
  const port = await listening(secure, options.port);

  const answerPlain = answering(options, true);
  const plain =
    options.plainAs === undefined
      ? undefined
      : createHttpServer((request, response) => answerPlain(request, response));
  plain?.on('upgrade', upgrading(answerPlain));
  const dropPlain = plain === undefined ? () => undefined : connections(plain);
  const plainPort = plain === undefined ? undefined : await listening(plain, 0);

  return {
    url: `https://127.0.0.1:${port}`,
    httpUrl: plainPort === undefined ? undefined : `http://127.0.0.1:${plainPort}`,
    async close() {
      const closed = [closing(secure), ...(plain === undefined ? [] : [closing(plain)])];
      for (const session of sessions) session.destroy();
      dropSecure();
      dropPlain();
      await Promise.all(closed);
    },
  };
}
