import { createServer as createPlain, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect } from '../../src/kube/connection.ts';
import type { Connection, ConnectOptions } from '../../src/kube/contract.ts';
import { realTiming, type Timing } from '../../src/kube/timing.ts';
import { authority } from './certificates.ts';

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** One request as the server saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly version: string;
  readonly body: string;
  readonly response: Response;
  /** Header lines as they came, names and values in turn (HTTP/1.1). */
  readonly raw: readonly string[];
}

export interface ApiServer {
  readonly url: string;
  readonly port: number;
  readonly seen: Seen[];
  /** What answers; replaced in the middle of a test to change the server's mind. */
  answer: (seen: Seen) => void | Promise<void>;
  /** TLS or TCP connections so far. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
  /** Destroys all connections; the port stays. */
  readonly cutAll: () => void;
}

export interface ServerOptions {
  readonly tls?: boolean;
  readonly http2?: boolean;
  readonly port?: number;
  readonly cert?: string;
  readonly key?: string;
  readonly requestCert?: boolean;
}

/** A server that answers what the test says, over TLS with HTTP/2 (unless told otherwise), on loopback. */
export async function startServer(
  answer: (seen: Seen) => void | Promise<void>,
  options: ServerOptions = {},
): Promise<ApiServer> {
  const { server: pair, ca } = await authority();
  const sockets = new Set<Socket>();
  let count = 0;
  const listener = (request: Request, response: Response): void => {
    const url = new URL(request.url ?? '/', 'http://host');
    const parts: Buffer[] = [];
    response.on('error', () => {});
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('end', () => {
      const seen: Seen = {
        method: request.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        version: request.httpVersion,
        body: Buffer.concat(parts).toString(),
        response,
        raw: request.rawHeaders,
      };
      api.seen.push(seen);
      void api.answer(seen);
    });
  };
  const secure = {
    cert: options.cert ?? pair.cert,
    key: options.key ?? pair.key,
    ca,
    requestCert: options.requestCert === true,
    rejectUnauthorized: false,
  };
  const server: Server | Http2SecureServer =
    options.tls === false
      ? createPlain(listener)
      : createSecureServer(
          { ...secure, allowHTTP1: true, ...(options.http2 === false && { ALPNProtocols: ['http/1.1'] }) },
          listener,
        );
  const track = (socket: Socket): void => {
    count += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  server.on(options.tls === false ? 'connection' : 'secureConnection', track);
  server.on('sessionError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const api: ApiServer = {
    url: `${options.tls === false ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    seen: [],
    answer,
    connections: () => count,
    cutAll,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      cutAll();
      await closed;
    },
  };
  return api;
}

export function sendJson(
  seen: Seen,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  (seen.response as ServerResponse).writeHead(status, { 'content-type': 'application/json', ...headers });
  (seen.response as ServerResponse).end(JSON.stringify(body));
}

export function sendStatus(
  seen: Seen,
  code: number,
  reason: string,
  message: string = reason,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(
    seen,
    code,
    { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code },
    headers,
  );
}

/** Starts a watch's answer; gives what writes lines. */
export function openWatch(seen: Seen): {
  readonly send: (type: string, object: unknown) => void;
  readonly raw: (text: string | Buffer) => void;
  readonly end: () => void;
  readonly cut: () => void;
} {
  const response = seen.response as ServerResponse;
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  return {
    send: (type, object) => response.write(`${JSON.stringify({ type, object })}\n`),
    raw: (text) => response.write(text),
    end: () => response.end(),
    cut: () =>
      'stream' in response
        ? (response as unknown as Http2ServerResponse).stream.close(2)
        : response.destroy(),
  };
}

export const pod = (name: string, version: number, uid: string = `uid-${name}`): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'ml', uid, resourceVersion: String(version) },
});

export const podList = (version: number, ...items: unknown[]): Record<string, unknown> => ({
  kind: 'PodList',
  apiVersion: 'v1',
  metadata: { resourceVersion: String(version) },
  items,
});

export const bookmark = (version: number, isEndOfList = false): Record<string, unknown> => ({
  kind: 'Pod',
  metadata: {
    resourceVersion: String(version),
    ...(isEndOfList && { annotations: { 'k8s.io/initial-events-end': 'true' } }),
  },
});

/** Fifty times as fast as in life; what a test is about it sets itself. */
export const quickTiming: Timing = {
  ...realTiming,
  connectMs: 2_000,
  headersMs: 2_000,
  requestMs: 2_000,
  pingEveryMs: 100,
  silentAfterMs: 400,
  probeEveryMs: 100,
  tickMs: 25,
  backoffFirstMs: 20,
  backoffMaxMs: 100,
  shortWatchMs: 10,
  quietWatchMs: 60_000,
  pollEveryMs: 50,
  rightRetryMs: 100,
  rightRetryFirstMs: 20,
  rightsCacheMs: 1_000,
  pluginMs: 2_000,
  pluginRetryMs: 50,
};

/** Connects to a test server as kubectl would with `--server` and the right CA. */
export async function connectTo(
  server: ApiServer,
  options: Partial<ConnectOptions> = {},
): Promise<Connection> {
  const { caFile } = await authority();
  return await connect({
    server: server.url,
    token: 'secret',
    certificateAuthority: caFile,
    userAgent: 'mltop/test',
    env: { HOME: '/nonexistent' },
    timing: quickTiming,
    ...options,
  });
}
