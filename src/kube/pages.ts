import type { Connection, Decoder, KubeRequest, KubeResponse, ListPage } from './contract.ts';
import { jsonDecoder } from './json-decoder.ts';
import { KubeError, type KubeErrorKind } from './kube-error.ts';
import type { KubeObject } from './object.ts';
import { backoffMs } from './timing.ts';
import { noListError } from './wire-error.ts';

/** client-go's page size: larger ones cost the API server more than they save. */
const pageSize = 500;

/** A token that expires in page after page: the server compacts faster than the list can be read. */
const mostRestarts = 3;

/** Tries of one page in the middle of a list: starting again costs the server all the pages before it. */
const mostTries = 4;

/** Pages in order. When the continue token expires (410) the list starts again, and its first page says `restarted`. */
export async function* pagesOf(
  connection: Connection,
  path: string,
  query: KubeRequest['query'],
  {
    signal,
    decoder = jsonDecoder,
    onWait,
  }: {
    readonly signal?: AbortSignal | undefined;
    readonly decoder?: Decoder | undefined;
    readonly onWait?: OnWait | undefined;
  } = {},
): AsyncGenerator<ListPage & { readonly restarted: boolean }> {
  const left = new AbortController();
  const until = signal === undefined ? left.signal : AbortSignal.any([signal, left.signal]);
  const ask = (next: string | undefined): Promise<KubeResponse> => {
    const answer = inTurn(connection, () =>
      fetchPage(connection, path, { limit: pageSize, ...query, continue: next }, until, decoder),
    );
    // Looked at when its turn comes, if it does.
    answer.catch(() => {});
    return answer;
  };
  try {
    yield* pagesFrom({ connection, path, decoder, signal, onWait, ask });
  } finally {
    // A reader that stops early leaves a page on the way.
    left.abort();
  }
}

type OnWait = (error: KubeError, retryAtMs: number) => void;

interface Asking {
  readonly connection: Connection;
  readonly path: string;
  readonly decoder: Decoder;
  readonly signal: AbortSignal | undefined;
  readonly onWait: OnWait | undefined;
  readonly ask: (token: string | undefined) => Promise<KubeResponse>;
}

async function* pagesFrom({
  connection,
  path,
  decoder,
  signal,
  onWait,
  ask,
}: Asking): AsyncGenerator<ListPage & { readonly restarted: boolean }> {
  let token: string | undefined;
  let restarted = false;
  let restarts = 0;
  let tries = 0;
  let pageMs = performance.now();
  const { timing } = connection;
  let answer = ask(undefined);
  for (;;) {
    let page: ListPage;
    try {
      page = readPage(connection, path, await answer, decoder);
    } catch (error) {
      if (!(error instanceof KubeError) || token === undefined || signal?.aborted === true) throw error;
      if (error.kind === 'gone' && restarts < mostRestarts) {
        token = undefined;
        restarted = true;
        restarts += 1;
        answer = ask(token);
        continue;
      }
      tries += 1;
      const isOver =
        onWait === undefined ? tries >= mostTries : performance.now() - pageMs >= timing.pagePatienceMs;
      if (isOver || !(passing.has(error.kind) || (onWait !== undefined && logins.has(error.kind))))
        throw error;
      const waitMs = error.retryAfterMs ?? Math.min(backoffMs(tries, timing), timing.scoutEveryMs);
      onWait?.(error, timing.now() + waitMs);
      await wait(waitMs, connection, signal);
      answer = ask(token);
      continue;
    }
    token = page.continueToken;
    // The server prepares the next page while this one is decoded.
    if (token !== undefined) answer = ask(token);
    yield { ...page, restarted };
    restarted = false;
    tries = 0;
    pageMs = performance.now();
    if (token === undefined) return;
  }
}

const passing: ReadonlySet<KubeErrorKind> = new Set<KubeErrorKind>([
  'too-many-requests',
  'unavailable',
  'unreachable',
  'timeout',
  'server-error',
]);

/** What a person who is asked for a login puts right. */
const logins: ReadonlySet<KubeErrorKind> = new Set<KubeErrorKind>(['unauthorized', 'credentials']);

/** A person's retry ends it. */
function wait(ms: number, connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stopListening();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    const stopListening = connection.onRetry(done);
    signal?.addEventListener('abort', done, { once: true });
    if (signal?.aborted === true) done();
  });
}

const turns = new WeakMap<Connection, Promise<unknown>>();

/** A list that is not answered for so long no longer holds up the others. */
const patienceMs = 5_000;

/**
 * One LIST in flight per server: each costs the API server up to a hundred times what a watch costs. Pages of
 * several lists alternate.
 */
function inTurn<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  const mine = (turns.get(connection) ?? Promise.resolve()).then(work);
  turns.set(
    connection,
    (turns.get(connection) ?? Promise.resolve()).then(() => settledOrLate(mine, patienceMs)),
  );
  return mine;
}

function settledOrLate(work: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}

async function fetchPage(
  connection: Connection,
  path: string,
  query: KubeRequest['query'],
  signal: AbortSignal | undefined,
  decoder: Decoder,
): Promise<KubeResponse> {
  return await connection.request({
    path,
    query,
    accept: decoder.listAccept,
    ...(signal !== undefined && { signal }),
  });
}

function readPage(
  connection: Connection,
  path: string,
  { headers, body, status }: KubeResponse,
  decoder: Decoder,
): ListPage {
  const noList = (cause: unknown): KubeError => noListError(connection.server, path, status, cause);
  function* read(items: Iterable<KubeObject>): Generator<KubeObject> {
    try {
      yield* items;
    } catch (cause) {
      throw noList(cause);
    }
  }
  try {
    const page = decoderFor(decoder, headers).list(body);
    return { ...page, items: read(page.items) };
  } catch (cause) {
    throw noList(cause);
  }
}

/** What the server chose to answer in decides, not what was asked for. */
export const decoderFor = (wanted: Decoder, headers: Readonly<Record<string, string>>): Decoder =>
  wanted.reads(headers['content-type'] ?? '') ? wanted : jsonDecoder;
