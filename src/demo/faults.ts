import type { Exchange } from './exchange.ts';
import { type StatusBody, statusBody } from './status.ts';

/** What a fault is shown before the server does anything with a request. It may wait, answer, or prepare the answer's bytes. */
export type Fault = (exchange: Exchange) => void | Promise<void>;

export type RequestMatch = (exchange: Exchange) => boolean;

/** The switchboard for what goes wrong. Nothing does until somebody asks. */
export interface Faults {
  /** Lets faults befall every request that matches, until the returned function is called. */
  always(match: RequestMatch, ...faults: readonly Fault[]): () => void;
  /** Lets faults befall the next requests that match, `times` of them. */
  next(match: RequestMatch, faults: readonly Fault[], times?: number): () => void;
  /** The requests being answered right now: watches and followed logs among them, to be cut, frozen or ended by hand. */
  open(match?: RequestMatch): readonly Exchange[];
  clear(): void;
}

/** The part that only the server uses. */
export interface FaultBoard extends Faults {
  befall(exchange: Exchange): Promise<void>;
}

interface Planned {
  readonly match: RequestMatch;
  readonly faults: readonly Fault[];
  left: number;
}

export function createFaults(): FaultBoard {
  const planned = new Set<Planned>();
  const open = new Set<Exchange>();
  function plan(entry: Planned): () => void {
    planned.add(entry);
    return () => planned.delete(entry);
  }
  return {
    always: (match, ...faults) => plan({ match, faults, left: Number.POSITIVE_INFINITY }),
    next: (match, faults, times = 1) => plan({ match, faults, left: times }),
    open: (match = () => true) => [...open].filter(match),
    clear: () => planned.clear(),
    async befall(exchange) {
      open.add(exchange);
      exchange.signal.addEventListener('abort', () => open.delete(exchange));
      for (const entry of [...planned]) {
        if (!entry.match(exchange)) continue;
        entry.left -= 1;
        if (entry.left <= 0) planned.delete(entry);
        for (const fault of entry.faults) await fault(exchange);
        if (exchange.begun) return;
      }
    },
  };
}

export const isWatch: RequestMatch = (exchange) => /^(1|true)$/.test(exchange.query.get('watch') ?? '');
export const isList: RequestMatch = (exchange) =>
  exchange.method === 'GET' && !isWatch(exchange) && !exchange.path.endsWith('/log');
export const onPath =
  (path: string | RegExp): RequestMatch =>
  (exchange) =>
    typeof path === 'string' ? exchange.path === path : path.test(exchange.path);
export const both =
  (...matches: readonly RequestMatch[]): RequestMatch =>
  (exchange) =>
    matches.every((match) => match(exchange));

export const delay =
  (ms: number): Fault =>
  () =>
    new Promise((resolve) => setTimeout(resolve, ms).unref());

/** Answers with a Status: `answer(429, 'TooManyRequests', { 'retry-after': '2' })`. */
export const answer =
  (
    code: number,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
    message: string = reason,
  ): Fault =>
  (exchange) =>
    exchange.status(statusBody(code, message, { reason }), headers);

export const answerStatus =
  (body: StatusBody, headers: Readonly<Record<string, string>> = {}): Fault =>
  (exchange) =>
    exchange.status(body, headers);

/** Answers 200 and one line of a watch, then ends: how a watch is told that something is wrong. */
export const watchError =
  (body: StatusBody): Fault =>
  async (exchange) => {
    exchange.begin(200, { 'content-type': 'application/json' });
    await exchange.write(Buffer.from(`${JSON.stringify({ type: 'ERROR', object: body })}\n`));
    exchange.end();
  };

/** Counts the bytes of an answer's body and strikes in the middle: what comes before goes out, what comes after does not. */
function afterBytes(count: number, strike: (exchange: Exchange) => void): Fault {
  return (exchange) => {
    let left = count;
    chain(exchange, (chunk) => {
      if (left < 0) return [];
      if (chunk.length < left) {
        left -= chunk.length;
        return [chunk];
      }
      const part = chunk.subarray(0, left);
      left = -1;
      // The bytes before the break must have left first.
      setTimeout(() => strike(exchange), 20).unref();
      return [part];
    });
  };
}

function chain(exchange: Exchange, tap: (chunk: Buffer) => readonly Buffer[]): void {
  const before = exchange.tap;
  exchange.tap = before === undefined ? tap : (chunk) => before(chunk).flatMap(tap);
}

/** Resets the stream or the connection after so many bytes of the body, in the middle of a line if they end there. */
export const cutAfter = (bytes: number, what: 'stream' | 'connection' = 'stream'): Fault =>
  afterBytes(bytes, (exchange) => exchange.cut(what));

/** Goes silent after so many bytes of the body; the connection stays up. */
export const freezeAfter = (bytes: number): Fault => afterBytes(bytes, (exchange) => exchange.freeze());

/** Ends the answer cleanly after so many milliseconds: what a load balancer does to a long watch. */
export const endAfter =
  (ms: number): Fault =>
  (exchange) => {
    setTimeout(() => {
      if (!exchange.signal.aborted) exchange.end();
    }, ms).unref();
  };

export const goaway: Fault = (exchange) => exchange.goaway();

/** Changes the lines of a watch, or sends other ones instead: corrupt JSON, duplicates, a wrong order. Lines end in a line feed. */
export const rewriteLines =
  (rewrite: (line: string) => readonly string[]): Fault =>
  (exchange) =>
    chain(exchange, (chunk) =>
      chunk
        .toString()
        .split(/(?<=\n)/)
        .flatMap((line) => rewrite(line).map((text) => Buffer.from(text))),
    );

/** Writes a body in pieces of so many bytes: characters and lines are torn apart. */
export const inPiecesOf =
  (bytes: number): Fault =>
  (exchange) =>
    chain(exchange, (chunk) => {
      const pieces: Buffer[] = [];
      for (let at = 0; at < chunk.length; at += bytes) pieces.push(chunk.subarray(at, at + bytes));
      return pieces;
    });
