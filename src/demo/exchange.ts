import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { createGzip } from 'node:zlib';
import { stringify } from 'yaml';
import { type Form, prefersProtobuf } from './accept.ts';
import { encodeObject } from './protobuf/encode.ts';
import type { User } from './rights.ts';
import type { StatusBody } from './status.ts';
import type { Upgrade } from './tunnel/index.ts';

export type RawRequest = IncomingMessage | Http2ServerRequest;
export type RawResponse = ServerResponse | Http2ServerResponse;

/** Looks at every piece of a body before it is written: gives what to write instead. */
type Tap = (chunk: Buffer) => readonly Buffer[];

/** One request and its answer. Every byte passes through it, so that a fault can be put on any of them. */
export interface Exchange {
  readonly method: string;
  /** Without the query, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly queryText: string;
  readonly accept: string | undefined;
  readonly userAgent: string;
  readonly http2: boolean;
  /** The client asks for another protocol on this connection. */
  readonly upgrade: Upgrade | undefined;
  user: User;
  header(name: string): string | undefined;
  /** The whole body of the request. */
  body(): Promise<Buffer>;
  /** The client's certificate: its subject, and whether our authority signed it. */
  readonly certificate:
    | { readonly name: string; readonly groups: readonly string[]; readonly trusted: boolean }
    | undefined;
  /** Fires when the answer has ended or the client has gone. */
  readonly signal: AbortSignal;
  readonly begun: boolean;
  /** Of the answer; undefined before it has begun. */
  readonly contentType: string | undefined;
  begin(status: number, headers?: Readonly<Record<string, string>>): void;
  /** Resolves when the client has room for more. */
  write(chunk: Buffer): Promise<void>;
  /** Writes pieces joined to big writes, each when the client has room for it. */
  pour(chunks: Iterable<Buffer>): Promise<void>;
  /** Writes without waiting; false when the client has fallen so far behind that the API server would cut it off. */
  push(chunk: Buffer): boolean;
  end(): void;
  json(status: number, value: unknown, options?: AnswerOptions): Promise<void>;
  text(status: number, text: string, headers?: Readonly<Record<string, string>>): Promise<void>;
  status(body: StatusBody, headers?: Readonly<Record<string, string>>): Promise<void>;
  /** A body in pieces, gzipped above the server's threshold, indented for people. */
  bytes(status: number, chunks: readonly Buffer[], options?: AnswerOptions): Promise<void>;
  /** Faults: see `faults.ts`. */
  tap: Tap | undefined;
  /** Breaks off: resets the stream under HTTP/2, else the connection; or the connection in both. */
  cut(what?: 'stream' | 'connection'): void;
  /** Bytes a second that the body goes out at; undefined: as fast as it can. */
  pace: number | undefined;
  /** Writes nothing more and closes nothing. */
  freeze(): void;
  thaw(): void;
  /** Tells an HTTP/2 client to go elsewhere; closes an HTTP/1.1 connection after this answer. */
  goaway(): void;
}

interface AnswerOptions {
  readonly form?: Form;
  readonly headers?: Readonly<Record<string, string>>;
}

/** From this many bytes of body the API server compresses, if the client takes gzip (recorded). */
const gzipAbove = 131_072;
/** Go's HTTP server counts the length of what fits its buffer. */
const countedBelow = 2048;
/** A watcher this far behind is cut: the API server's channels hold some hundred events. */
const slowReaderBytes = 32 * 1024 * 1024;
const writeBytes = 256 * 1024;

export interface ExchangeHooks {
  /** The answer has its status: time to note the request. */
  readonly onBegin: (exchange: Exchange, status: number) => void;
  /** Headers that every answer carries. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Pieces of a body joined to ones worth a write each. */
function* joined(chunks: Iterable<Buffer>): Generator<Buffer> {
  let waiting: Buffer[] = [];
  let length = 0;
  for (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length >= writeBytes) {
      yield Buffer.concat(waiting, length);
      waiting = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(waiting, length);
}

function certificateOf(request: RawRequest): Exchange['certificate'] {
  const socket = ('stream' in request ? request.stream.session?.socket : request.socket) as
    | TLSSocket
    | undefined;
  if (typeof socket?.getPeerCertificate !== 'function') return undefined;
  const certificate = socket.getPeerCertificate();
  const subject: { CN?: string | string[]; O?: string | string[] } | undefined = certificate?.subject;
  if (subject?.CN === undefined) return undefined;
  return {
    name: String(subject.CN),
    groups: subject.O === undefined ? [] : [subject.O].flat(),
    trusted: socket.authorized,
  };
}

const gone = (): Error => new Error('The client has gone');

export function createExchange(
  request: RawRequest,
  response: RawResponse,
  hooks: ExchangeHooks,
  upgrade?: Upgrade,
): Exchange {
  const url = request.url ?? '/';
  const mark = url.indexOf('?');
  const queryText = mark < 0 ? '' : url.slice(mark + 1);
  const http2 = 'stream' in request;
  const abort = new AbortController();
  const userAgent = request.headers['user-agent'] ?? '';
  const query = new URLSearchParams(queryText);
  let frozen: (() => void) | undefined;
  let melting: Promise<void> | undefined;
  let begun = false;
  let ended = false;
  let contentType: string | undefined;

  response.on('close', () => abort.abort());
  response.on('error', () => abort.abort());
  request.on('error', () => abort.abort());

  let pacing = Promise.resolve();
  let owed = 0;
  /** Writes ten pieces a second, as a thin line would. */
  async function slowly(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !abort.signal.aborted; ) {
      const size = Math.max(1, Math.round((exchange.pace ?? chunk.length * 10) / 10));
      raw.write(chunk.subarray(at, at + size));
      at += size;
      await new Promise((resolve) => setTimeout(resolve, 100).unref());
    }
    owed = Math.max(0, owed - chunk.length);
  }

  const raw = response as ServerResponse;
  const waiting = (): number =>
    'stream' in response
      ? (response.stream?.writableLength ?? 0)
      : response.writableLength + (response.socket?.writableLength ?? 0);

  function drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        response.off('drain', done);
        abort.signal.removeEventListener('abort', done);
        resolve();
      };
      response.on('drain', done);
      abort.signal.addEventListener('abort', done);
    });
  }

  function prettyWanted(): boolean {
    const asked = query.get('pretty');
    if (asked !== null) return asked !== '0' && asked !== 'false';
    return /^(curl|Wget|Mozilla\/5\.0)/.test(userAgent);
  }

  const exchange: Exchange = {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query,
    queryText,
    accept: request.headers.accept,
    userAgent,
    http2,
    upgrade,
    user: { name: 'system:anonymous', groups: ['system:unauthenticated'] },
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value.join(', ') : value;
    },
    async body() {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      return Buffer.concat(parts);
    },
    certificate: certificateOf(request),
    signal: abort.signal,
    get begun() {
      return begun;
    },
    get contentType() {
      return contentType;
    },
    begin(status, headers = {}) {
      begun = true;
      contentType = headers['content-type'];
      hooks.onBegin(exchange, status);
      if (abort.signal.aborted) return;
      response.statusCode = status;
      for (const [name, value] of Object.entries({
        'audit-id': randomUUID(),
        ...hooks.headers,
        ...headers,
      })) {
        if (!(http2 && name === 'connection')) raw.setHeader(name, value);
      }
      if (frozen === undefined) raw.flushHeaders();
    },
    pace: undefined,
    async write(chunk) {
      if (melting !== undefined) await melting;
      if (exchange.pace !== undefined) return slowly(chunk);
      if (abort.signal.aborted) throw gone();
      for (const part of exchange.tap?.(chunk) ?? [chunk]) {
        if (melting !== undefined) await melting;
        if (abort.signal.aborted) throw gone();
        if (!raw.write(part)) await drained();
      }
      if (abort.signal.aborted) throw gone();
    },
    async pour(chunks) {
      // One buffer for all of it: what is written is gone once the socket has drained, and 180 MB of garbage are not made.
      let scratch = Buffer.allocUnsafeSlow(writeBytes);
      let used = 0;
      const flush = async (): Promise<void> => {
        const isPlain = exchange.tap === undefined && exchange.pace === undefined && melting === undefined;
        const part = scratch.subarray(0, used);
        used = 0;
        if (isPlain && !abort.signal.aborted && !raw.write(part)) await drained();
        else {
          if (!isPlain || abort.signal.aborted) await exchange.write(part);
          scratch = Buffer.allocUnsafeSlow(writeBytes);
        }
        if (abort.signal.aborted) throw gone();
      };
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.length; ) {
          const count = chunk.copy(scratch, used, at);
          at += count;
          used += count;
          if (used === writeBytes) await flush();
        }
      }
      if (used > 0) await flush();
    },
    push(chunk) {
      // What happens after the end is nobody's.
      if (frozen !== undefined || ended) return true;
      if (abort.signal.aborted) return false;
      if (exchange.pace !== undefined) {
        owed += chunk.length;
        pacing = pacing.then(() => slowly(chunk)).catch(() => undefined);
        return owed < slowReaderBytes;
      }
      for (const part of exchange.tap?.(chunk) ?? [chunk]) {
        if (frozen === undefined && !abort.signal.aborted) raw.write(part);
      }
      return waiting() < slowReaderBytes;
    },
    end() {
      if (frozen !== undefined || abort.signal.aborted) return;
      ended = true;
      raw.end();
    },
    json: (status, value, options) => exchange.bytes(status, [Buffer.from(JSON.stringify(value))], options),
    async text(status, text, headers) {
      exchange.begin(status, {
        'content-type': 'text/plain; charset=utf-8',
        'x-content-type-options': 'nosniff',
        'content-length': String(Buffer.byteLength(text)),
        ...headers,
      });
      await exchange.write(Buffer.from(text));
      exchange.end();
    },
    async status(body, headers) {
      const encoded = prefersProtobuf(exchange.accept) ? encodeObject({ ...body }) : undefined;
      if (encoded !== undefined) {
        const form: Form = { type: 'protobuf', as: 'object', version: '' };
        await exchange.bytes(body.code, [encoded], { form, headers: headers ?? {} });
        return;
      }
      // Content negotiation failed, so the API server falls back to its indented form.
      const pretty =
        body.code === 406 ? { headers: { ...headers, 'x-pretty': 'true' } } : { headers: headers ?? {} };
      await exchange.json(body.code, body, pretty);
    },
    async bytes(status, chunks, options = {}) {
      const { 'x-pretty': pretty, ...headers } = { ...options.headers };
      const isProtobuf = options.form?.type === 'protobuf';
      let body: readonly Buffer[] = isProtobuf ? chunks : [...chunks, Buffer.from('\n')];
      let contentType = isProtobuf ? 'application/vnd.kubernetes.protobuf' : 'application/json';
      if (options.form?.type === 'yaml') {
        body = [
          Buffer.from(
            stringify(JSON.parse(Buffer.concat(body).toString()), { aliasDuplicateObjects: false }),
          ),
        ];
        contentType = 'application/yaml';
      } else if (!isProtobuf && (pretty !== undefined || prettyWanted())) {
        body = [Buffer.from(JSON.stringify(JSON.parse(Buffer.concat(body).toString()), null, 2))];
      }
      const size = body.reduce((sum, chunk) => sum + chunk.length, 0);
      const takesGzip = (exchange.header('accept-encoding') ?? '')
        .split(',')
        .some((token) => token.trim().split(';')[0] === 'gzip');
      const all = { 'content-type': contentType, ...headers };
      if (size > gzipAbove && takesGzip) {
        exchange.begin(status, {
          ...all,
          'content-encoding': 'gzip',
          vary: headers['vary'] === undefined ? 'Accept-Encoding' : `${headers['vary']}, Accept-Encoding`,
        });
        const gzip = createGzip({ level: 1, chunkSize: 128 * 1024 });
        const feeding = (async () => {
          for (const chunk of joined(body)) {
            if (abort.signal.aborted) break;
            if (!gzip.write(chunk)) await new Promise((resolve) => gzip.once('drain', resolve));
          }
          gzip.end();
        })();
        for await (const chunk of gzip) await exchange.write(chunk as Buffer);
        await feeding;
      } else {
        exchange.begin(status, size <= countedBelow ? { ...all, 'content-length': String(size) } : all);
        if (size <= writeBytes) await exchange.write(Buffer.concat(body, size));
        else await exchange.pour(body);
      }
      exchange.end();
    },
    tap: undefined,
    cut(what = 'stream') {
      if ('stream' in response) {
        if (what === 'stream') response.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
        else response.stream?.session?.socket?.destroy();
        if (what === 'connection') response.stream?.session?.destroy();
      } else response.socket?.destroy();
      abort.abort();
    },
    freeze() {
      if (frozen !== undefined) return;
      melting = new Promise((resolve) => {
        frozen = resolve;
      });
    },
    thaw() {
      frozen?.();
      frozen = undefined;
      melting = undefined;
    },
    goaway() {
      if ('stream' in response) response.stream?.session?.goaway(constants.NGHTTP2_NO_ERROR);
      else if (!response.headersSent) response.setHeader('connection', 'close');
    },
  };
  abort.signal.addEventListener('abort', () => exchange.thaw());
  return exchange;
}
