import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import request from 'undici/lib/api/api-request.js';
import Client from 'undici/lib/dispatcher/client.js';
import Pool from 'undici/lib/dispatcher/pool.js';
import type { OpenSocket } from './dial.ts';
import type { Timing } from './timing.ts';

interface RawRequest {
  readonly method: NonNullable<Dispatcher.RequestOptions['method']>;
  readonly path: string;
  /** Repeated names are sent repeated. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string | Uint8Array | undefined;
  /** Silence before the headers, and within the body; 0: none. */
  readonly headersMs: number;
  readonly bodyMs: number;
  readonly signal: AbortSignal | undefined;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** Sockets to one server that share one TLS identity. */
export interface Lane {
  readonly send: (request: RawRequest) => Promise<RawResponse>;
  /** Bytes read on all sockets so far, and whether one is open. */
  readonly traffic: () => { readonly bytesRead: number; readonly open: number };
  /**
   * Cuts HTTP/2 connections that brought nothing for so long, pings included, and opens new ones for the next request. Counts
   * from the first call that finds them silent, so it is to be called again and again.
   */
  readonly dropAsleep: (silentMs: number, error: Error) => void;
  /** Undefined until the first socket is open. */
  readonly protocol: () => 'h1' | 'h2' | undefined;
  /** Cuts every request in flight; the lane opens new sockets for the next one. */
  readonly cut: (error: Error) => void;
  /** Lets requests in flight finish, for a lane that is replaced. */
  readonly retire: () => Promise<void>;
  readonly destroy: () => Promise<void>;
}

export interface LaneOptions {
  readonly origin: string;
  /** Opens one socket; what ALPN agreed on decides how the lane goes on. One that is given up leaves nothing. */
  readonly open: (signal: AbortSignal) => Promise<OpenSocket>;
  readonly timing: Timing;
  readonly onPing: (roundTripMs: number) => void;
}

/** Streams on one HTTP/2 connection; the API server allows more, undici does not by default. */
const streamsPerConnection = 90;

/**
 * undici's Client speaks HTTP/2 over one connection, its Pool HTTP/1.1 over as many as there are requests; which
 * one is right is known only after the first handshake, so the first socket is opened here and then given to it.
 */
export function openLane({ origin, open, timing, onPing }: LaneOptions): Lane {
  const sockets = new Set<OpenSocket>();
  /** What each had brought, and since when it is no more. */
  const heard = new WeakMap<OpenSocket, { readonly bytesRead: number; readonly sinceMs: number }>();
  let lookedMs = 0;
  let closedBytes = 0;
  let protocol: 'h1' | 'h2' | undefined;
  let starting: Promise<void> | undefined;
  let spare: OpenSocket | undefined;
  let clients: Client[] = [];
  let pool: Pool | undefined;
  let dialling = new AbortController();
  let isRetired = false;

  async function openSocket(): Promise<OpenSocket> {
    const { signal } = dialling;
    const socket = await open(signal);
    if (signal.aborted) {
      socket.destroy();
      throw signal.reason;
    }
    sockets.add(socket);
    // undici listens too, once it has the socket; until then an error must not be unheard.
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      closedBytes += socket.bytesRead;
    });
    return socket;
  }

  const alpnOf = (socket: OpenSocket): 'h1' | 'h2' =>
    'alpnProtocol' in socket && socket.alpnProtocol === 'h2' ? 'h2' : 'h1';

  const connect = (
    _options: unknown,
    done: (...result: [null, OpenSocket] | [Error, null]) => void,
  ): void => {
    const ready = spare;
    spare = undefined;
    if (ready !== undefined && !ready.destroyed) {
      // undici would miss an answer that comes before its own call returns.
      queueMicrotask(() => done(null, ready));
      return;
    }
    openSocket().then(
      (socket) => {
        if (alpnOf(socket) !== protocol) {
          // Another server answers behind the same address: start over with what it speaks.
          socket.destroy();
          forget();
          done(new Error('The server changed its protocol'), null);
          return;
        }
        done(null, socket);
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error)), null),
    );
  };

  const options = {
    connect: connect as unknown as NonNullable<Pool.Options['connect']>,
    headersTimeout: timing.headersMs,
    bodyTimeout: timing.requestMs,
    keepAliveTimeout: 60_000,
    maxHeaderSize: 256 * 1024,
  };

  function newClient(): Client {
    // undici's default windows (256 KiB, 512 KiB) make HTTP/2 the slowest way to list; what a window lets in before it
    // is decoded is memory that the process keeps: 16 MiB more cost as much for good, and bring nothing even at 30 ms.
    const client = new Client(origin, {
      ...options,
      h2Options: {
        initialWindowSize: 2 * 1024 * 1024,
        connectionWindowSize: 8 * 1024 * 1024,
        pingInterval: timing.pingEveryMs,
        maxConcurrentStreams: 100,
      },
    } as Client.Options);
    client.on('ping' as 'drain', ((duration: number) => onPing(duration)) as never);
    return client;
  }

  async function start(): Promise<void> {
    const socket = await openSocket();
    spare = socket;
    protocol = alpnOf(socket);
    if (protocol === 'h1') pool = new Pool(origin, { ...options, allowH2: false });
    else clients = [newClient()];
  }

  function forget(): { readonly clients: readonly Client[]; readonly pool: Pool | undefined } {
    const old = { clients, pool };
    clients = [];
    pool = undefined;
    protocol = undefined;
    starting = undefined;
    spare?.destroy();
    spare = undefined;
    return old;
  }

  async function ready(): Promise<void> {
    starting ??= start().catch((error: unknown) => {
      starting = undefined;
      throw error;
    });
    await starting;
  }

  /** To be used in the same turn: who waits in between would find the connection full. */
  function dispatcher(): Client | Pool {
    if (pool !== undefined) return pool;
    const free = clients.find((client) => !client.destroyed && client.stats.size < streamsPerConnection);
    if (free !== undefined) return free;
    const more = newClient();
    clients.push(more);
    return more;
  }

  async function send(asked: RawRequest): Promise<RawResponse> {
    asked.signal?.throwIfAborted();
    await ready();
    const { statusCode, headers, body } = await request.call(dispatcher(), {
      method: asked.method,
      path: asked.path,
      headers: grouped(asked.headers),
      body: asked.body ?? null,
      headersTimeout: asked.headersMs,
      bodyTimeout: asked.bodyMs,
      ...(asked.signal !== undefined && { signal: asked.signal }),
    });
    // It was on its way when the lane was replaced: the last one closes the door.
    if (isRetired) closeAll().catch(ignore);
    // Before anything else: a body that fails while nobody reads would end the process.
    body.on('error', () => {});
    return { status: statusCode, headers: flat(headers), body };
  }

  function traffic(): { bytesRead: number; open: number } {
    let bytesRead = closedBytes;
    for (const socket of sockets) bytesRead += socket.bytesRead;
    return { bytesRead, open: sockets.size };
  }

  function dropAsleep(silentMs: number, error: Error): void {
    if (protocol !== 'h2') return;
    const now = performance.now();
    // After a pause all were silent: who sleeps on shows from now on.
    const isLate = now - lookedMs > silentMs * 0.75;
    lookedMs = now;
    for (const socket of sockets) {
      const { bytesRead } = socket;
      const before = heard.get(socket);
      if (isLate || before === undefined || before.bytesRead !== bytesRead)
        heard.set(socket, { bytesRead, sinceMs: now });
      else if (now - before.sinceMs >= silentMs) socket.destroy(error);
    }
  }

  async function closeAll(): Promise<void> {
    const old = forget();
    await Promise.all(
      [...old.clients, ...(old.pool === undefined ? [] : [old.pool])].map((one) => one.close().catch(ignore)),
    );
  }

  async function destroyAll(error: Error | null): Promise<void> {
    dialling.abort(error ?? new Error('the connection was closed'));
    dialling = new AbortController();
    const old = forget();
    await Promise.all(
      [...old.clients, ...(old.pool === undefined ? [] : [old.pool])].map((one) =>
        one.destroy(error).catch(ignore),
      ),
    );
    for (const socket of sockets) socket.destroy();
  }

  return {
    send,
    traffic,
    dropAsleep,
    protocol: () => protocol,
    cut: (error) => {
      destroyAll(error).catch(ignore);
    },
    retire: () => {
      isRetired = true;
      return closeAll();
    },
    destroy: () => destroyAll(null),
  };
}

const ignore = (): void => {};

function grouped(headers: readonly (readonly [string, string])[]): Record<string, string | string[]> {
  const all: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const before = all[name];
    all[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return all;
}

const flat = (headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
