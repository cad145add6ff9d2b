import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';
import { answerError, wireError } from './wire-error.ts';

/** More than that waiting to be sent, and the writer waits: a shell's input is small, a copied file is not. */
const sendBufferBytes = 1024 * 1024;

/** An answer that refuses an upgrade is a Status; more of it is not read. */
const refusalBytes = 65_536;

/**
 * Without a byte or a pong for so long the other side is gone (client-go's remotecommand has 61 s for pings every 5 s).
 */
const deadAfterPings = 12;

/** A WebSocket of the API server whose messages begin with the number of a channel. */
export interface ChannelSocket {
  /** What both sides agreed on: `v5.channel.k8s.io`. */
  readonly protocol: string;
  /** Resolves when the socket can take more. Rejects with KubeError once it is closed. */
  readonly send: (channel: number, bytes: Uint8Array) => Promise<void>;
  /** Resolves with the reason when it has ended: undefined for a regular end. */
  readonly ended: Promise<KubeError | undefined>;
  /** Half of what a pipe needs: no more messages until `resume`. */
  readonly pause: () => void;
  readonly resume: () => void;
  readonly close: () => void;
}

export interface ChannelRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The best first. */
  readonly protocols: readonly string[];
  /** Called in order; must not throw. */
  readonly onMessage: (channel: number, bytes: Buffer) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Upgrades one socket of the connection's own. Pings every few seconds, since load balancers end silent connections.
 * Rejects with KubeError; a refused upgrade carries the server's own words.
 */
export async function openChannels(
  connection: Connection,
  { path, query, protocols, onMessage, signal }: ChannelRequest,
): Promise<ChannelSocket> {
  const where = {
    server: new URL(connection.server).origin,
    userName: connection.userName,
    request: { method: 'POST' as const, path },
  };
  const { timing } = connection;
  // Only who opens a stream needs it.
  const { WebSocket: Socket } = await import('ws');
  const { socket: dialled, headers } = await connection.dial(signal);
  const url = new URL(connection.server);
  url.protocol = url.protocol.replace('http', 'ws');
  url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
  url.search = query.toString();
  const byName: Record<string, string[]> = {};
  for (const [name, value] of headers) byName[name] = [...(byName[name] ?? []), value];
  const socket: WebSocket = new Socket(url, [...protocols], {
    // The socket has its TLS, its proxy and its name already.
    createConnection: () => dialled as never,
    headers: byName as unknown as Record<string, string>,
    handshakeTimeout: timing.headersMs,
    perMessageDeflate: false,
    // A tar archive or a metrics page comes in whole messages of the kubelet's, at most 32 KiB; this is a bound, not a need.
    maxPayload: 64 * 1024 * 1024,
  });
  const abort = (): void => socket.terminate();
  signal?.addEventListener('abort', abort, { once: true });
  socket.on('message', (data, isBinary) => {
    const bytes = toBuffer(data);
    heard = timing.now();
    if (isBinary && bytes.length > 0) onMessage(bytes[0] ?? 0, bytes.subarray(1));
  });
  let heard = timing.now();
  const { promise: ended, resolve: end } = Promise.withResolvers<KubeError | undefined>();
  try {
    await opened(socket, where);
  } catch (error) {
    signal?.removeEventListener('abort', abort);
    dialled.destroy();
    if (signal?.aborted === true)
      throw new KubeError(`${path} was given up`, {
        kind: 'timeout',
        hint: 'It was cancelled.',
        cause: error,
      });
    throw error;
  }
  let failure: Error | undefined;
  const ping = setInterval(() => {
    if (timing.now() - heard > deadAfterPings * timing.pingEveryMs) {
      failure = new KubeError(`${where.server} fell silent`, {
        kind: 'timeout',
        hint: 'Check the VPN and the network, then try again.',
      });
      socket.terminate();
    } else if (socket.readyState === socket.OPEN) socket.ping();
  }, timing.pingEveryMs);
  ping.unref();
  socket.on('pong', () => {
    heard = timing.now();
  });
  socket.on('error', (error) => {
    failure ??= error;
  });
  socket.on('close', (code, said) => {
    clearInterval(ping);
    signal?.removeEventListener('abort', abort);
    end(failure === undefined ? closeError(code, said.toString(), where.server) : wireError(failure, where));
  });
  return {
    protocol: socket.protocol,
    ended,
    send: (channel, bytes) => send(socket, channel, bytes, where.server),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => {
      socket.close(1000);
      // A peer that does not answer the close would keep the socket for 30 s.
      setTimeout(() => socket.terminate(), 1000).unref();
    },
  };
}

interface Whither {
  readonly server: string;
  readonly userName: string;
  readonly request: { readonly method: 'POST'; readonly path: string };
}

function opened(socket: WebSocket, where: Whither): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(wireError(error, where)));
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      refusal(response).then(
        (body) => reject(answerError(response.statusCode ?? 0, flat(response.headers), body, where)),
        (error: unknown) => reject(wireError(error, where)),
      );
    });
  });
}

async function refusal(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > refusalBytes) break;
  }
  response.destroy();
  return Buffer.concat(parts);
}

const flat = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

/** 1000 and 1005 are ends; 1006 is a cut connection. */
function closeError(code: number, said: string, server: string): KubeError | undefined {
  if (code === 1000 || code === 1005) return undefined;
  return new KubeError(said === '' ? `${server} cut the stream (${code})` : said, {
    kind: 'unreachable',
    hint: 'Try again; a proxy or a load balancer may end long streams.',
  });
}

function send(socket: WebSocket, channel: number, bytes: Uint8Array, server: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) {
      reject(
        new KubeError(`The stream to ${server} has ended`, { kind: 'unreachable', hint: 'Open it again.' }),
      );
      return;
    }
    const message = Buffer.allocUnsafe(bytes.length + 1);
    message[0] = channel;
    message.set(bytes, 1);
    const isFull = socket.bufferedAmount > sendBufferBytes;
    // Its error is told by `ended`; a writer that waits must not wait for ever.
    socket.send(message, { binary: true }, () => {
      if (isFull) resolve();
    });
    if (!isFull) resolve();
  });
}

function toBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}
