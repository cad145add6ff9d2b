import type { Connection, KubeRequest } from './contract.ts';
import { KubeError } from './kube-error.ts';
import { backoffMs } from './timing.ts';

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  /** May be absent where the pod has only one. */
  readonly container?: string;
  /** The container before the last restart. Never followed. */
  readonly previous?: boolean;
  /** 0 is a value: nothing of what was written before. */
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339; instead of `sinceSeconds`. */
  readonly sinceTime?: string;
  readonly follow: boolean;
}

export interface LogLine {
  /** Without the time and the line feed; bytes that are no UTF-8 are U+FFFD. Not sanitised. */
  readonly text: string;
  /** When the node's runtime received it, as it wrote it (nanoseconds); undefined where the line bears none. */
  readonly time: string | undefined;
  /** Bytes of a line of more than 1 MiB that were not kept. */
  readonly cutBytes: number;
}

export type LogState =
  | { readonly state: 'connecting' }
  | { readonly state: 'following'; readonly sinceMs: number }
  /** The container has not started; it is asked again at `retryAtMs`. */
  | { readonly state: 'waiting'; readonly reason: string; readonly retryAtMs: number }
  /** The stream broke; it goes on behind the last line at `retryAtMs`. */
  | { readonly state: 'reconnecting'; readonly reason: string; readonly retryAtMs: number }
  /** All that there is has come. */
  | { readonly state: 'ended'; readonly reason: string }
  | { readonly state: 'failed'; readonly error: KubeError };

export interface LogHandlers {
  readonly line: (line: LogLine) => void;
  readonly state: (state: LogState) => void;
  /**
   * Whether the container still runs, from the watch of its pod; undefined: unknown. A stream ends when a file is
   * rotated, when a kubelet restarts and at a load balancer's whim as well as with its container.
   */
  readonly isRunning?: () => boolean | undefined;
}

export interface LogFollow {
  readonly stop: () => void;
  readonly retryNow: () => void;
  /** Resolves when no more will come. Never rejects. */
  readonly done: Promise<void>;
}

/** Two quick tries, then one each 20 s, as stern does: an end is most often the container's. */
const quickTries = 2;
const slowTryMs = 20_000;
const waitingTryMs = 2_000;
const longestLine = 1024 * 1024;

/** Reads the log of one container, and goes on reading through whatever breaks, without a line twice or missing. */
export function followLog(connection: Connection, target: LogTarget, handlers: LogHandlers): LogFollow {
  const life = new AbortController();
  let wake: (() => void) | undefined;

  const pause = (waitMs: number): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        life.signal.removeEventListener('abort', done);
        wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      wake = done;
      life.signal.addEventListener('abort', done, { once: true });
      if (life.signal.aborted) done();
    });

  const tell = (state: LogState): void => {
    if (!life.signal.aborted) handlers.state(state);
  };

  async function run(): Promise<void> {
    const position = startPosition();
    let tries = 0;
    tell({ state: 'connecting' });
    while (!life.signal.aborted) {
      const before = position.lines();
      const outcome = await readOnce(connection, target, handlers, position, life.signal, tell).catch(
        (error: unknown) => error,
      );
      if (life.signal.aborted) return;
      if (position.lines() > before) tries = 0;
      const isEnd = isCleanEnd(outcome);
      const next = nextOf(isEnd ? outcome.status : outcome, target, handlers, tries, connection);
      if (next.state === 'ended' || next.state === 'failed') {
        if (isEnd) outcome.finish();
        tell(next);
        return;
      }
      tries += 1;
      tell(next);
      await pause(Math.max(0, next.retryAtMs - connection.timing.now()));
    }
  }

  const done = run().catch((error: unknown) => {
    // A handler threw: it must not take the process with it.
    const known =
      error instanceof KubeError
        ? error
        : new KubeError(`The log cannot be shown: ${String(error)}`, {
            kind: 'bad-answer',
            hint: 'This is a fault of mltop.',
            cause: error,
          });
    try {
      tell({ state: 'failed', error: known });
    } catch {
      // Nobody is left to tell.
    }
  });
  return { stop: () => life.abort(), retryNow: () => wake?.(), done };
}

/** A body that ended as bodies do. */
interface CleanEnd {
  readonly status: number;
  /** Gives out what stands behind the last line feed: a line without one where no more comes, else torn. */
  readonly finish: () => void;
}

const isCleanEnd = (outcome: unknown): outcome is CleanEnd =>
  typeof outcome === 'object' && outcome !== null && 'finish' in outcome;

type Pausing = Extract<LogState, { retryAtMs: number }>;
type Final = Extract<LogState, { state: 'ended' | 'failed' }>;

/** `outcome`: how reading stopped: an HTTP status for a clean end, else the error. */
function nextOf(
  outcome: unknown,
  target: LogTarget,
  handlers: LogHandlers,
  tries: number,
  { timing }: Connection,
): Pausing | Final {
  const now = timing.now();
  if (typeof outcome === 'number') {
    // 204: no node has the pod yet.
    if (outcome === 204 && target.follow)
      return { state: 'waiting', reason: 'the pod is on no node yet', retryAtMs: now + waitingTryMs };
    if (!target.follow || target.previous === true) return { state: 'ended', reason: 'all lines are shown' };
    const runs = handlers.isRunning?.();
    if (runs === false) return { state: 'ended', reason: 'the container has ended' };
    // One that runs has more to say; an end that may be its own is asked about seldom.
    const waitMs = runs === true || tries < quickTries ? backoffMs(tries, timing) : slowTryMs;
    return {
      state: 'reconnecting',
      reason: runs === true ? 'the server ended the stream' : 'the stream ended; the container may have, too',
      retryAtMs: now + waitMs,
    };
  }
  const error =
    outcome instanceof KubeError
      ? outcome
      : new KubeError(String(outcome), { kind: 'unreachable', hint: 'It is tried again.', cause: outcome });
  if (
    target.follow &&
    /is waiting to start|ContainerCreating|PodInitializing/.test(error.message) &&
    error.status === 400
  ) {
    return { state: 'waiting', reason: error.message, retryAtMs: now + waitingTryMs };
  }
  if (!target.follow || target.previous === true || !isPassing(error)) return { state: 'failed', error };
  return {
    state: 'reconnecting',
    reason: error.message,
    retryAtMs: now + (error.retryAfterMs ?? backoffMs(tries, timing)),
  };
}

/** Errors that time heals: not a wrong container, a missing right or a pod that is gone. */
const isPassing = ({ kind }: KubeError): boolean =>
  !(
    kind === 'invalid' ||
    kind === 'forbidden' ||
    kind === 'not-found' ||
    kind === 'conflict' ||
    kind === 'bad-answer'
  );

async function readOnce(
  connection: Connection,
  target: LogTarget,
  handlers: LogHandlers,
  position: Position,
  signal: AbortSignal,
  tell: (state: LogState) => void,
): Promise<CleanEnd> {
  const { status, chunks } = await connection.stream({
    path: `/api/v1/namespaces/${encodeURIComponent(target.namespace)}/pods/${encodeURIComponent(target.pod)}/log`,
    query: { ...queryOf(target), ...position.resume() },
    // text/plain alone is refused with 406.
    accept: '*/*',
    signal,
    lane: 'logs',
  });
  if (target.follow && status !== 204) tell({ state: 'following', sinceMs: connection.timing.now() });
  const lines = splitLines((bytes, cutBytes) => {
    const line = lineOf(bytes, cutBytes);
    if (!signal.aborted && position.isNew(line.time)) handlers.line(line);
  });
  for await (const chunk of chunks) lines.push(chunk);
  return { status, finish: lines.end };
}

function queryOf({
  container,
  previous,
  tailLines,
  sinceSeconds,
  sinceTime,
  follow,
}: LogTarget): NonNullable<KubeRequest['query']> {
  return {
    container,
    timestamps: true,
    ...(follow && previous !== true && { follow: true }),
    ...(previous === true && { previous: true }),
    tailLines,
    sinceSeconds,
    sinceTime,
  };
}

/** Where reading stands, so that it can go on behind the last line. */
interface Position {
  /** The query that goes on from here; empty before the first line. */
  readonly resume: () => NonNullable<KubeRequest['query']>;
  readonly isNew: (time: string | undefined) => boolean;
  readonly lines: () => number;
}

/**
 * The API counts `sinceTime` in whole seconds, so a resumed stream repeats the last one. Its lines are known by
 * their nanoseconds; counting them instead (as stern does) would lose lines once a rotation has dropped some.
 */
function startPosition(): Position {
  let second: string | undefined;
  let seen = new Map<string, number>();
  let repeated: Map<string, number> | undefined;
  let lines = 0;

  function resume(): NonNullable<KubeRequest['query']> {
    if (second === undefined) return {};
    repeated = new Map(seen);
    return { sinceTime: second, sinceSeconds: undefined, tailLines: undefined };
  }

  function isNew(time: string | undefined): boolean {
    if (time === undefined) {
      lines += 1;
      return true;
    }
    const left = repeated?.get(time) ?? 0;
    if (left > 0) {
      repeated?.set(time, left - 1);
      return false;
    }
    const inSecond = secondOf(time);
    if (inSecond !== second) {
      second = inSecond;
      seen = new Map();
    }
    seen.set(time, (seen.get(time) ?? 0) + 1);
    lines += 1;
    return true;
  }

  return { resume, isNew, lines: () => lines };
}

/** `2026-01-02T03:04:05.678901234+01:00` → `2026-01-02T03:04:05+01:00`. */
const secondOf = (time: string): string => time.replace(/\.\d+/, '');

const timeAtStart = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})) ?/;

function lineOf(bytes: Uint8Array, cutBytes: number): LogLine {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const time = timeAtStart.exec(whole);
  return time === null
    ? { text: whole, time: undefined, cutBytes }
    : { text: whole.slice(time[0].length), time: time[1], cutBytes };
}

/** Splits on 0x0A before decoding, so that a character is never torn at a chunk's edge. */
function splitLines(take: (line: Uint8Array, cutBytes: number) => void): {
  readonly push: (chunk: Uint8Array) => void;
  readonly end: () => void;
} {
  let parts: Uint8Array[] = [];
  let held = 0;
  let cut = 0;

  function keep(part: Uint8Array): void {
    const room = longestLine - held;
    const kept = part.length <= room ? part : part.subarray(0, room);
    // A copy: a short rest must not keep its whole chunk alive.
    if (kept.length > 0) parts.push(Uint8Array.from(kept));
    held += kept.length;
    cut += part.length - kept.length;
  }

  function finish(rest: Uint8Array): void {
    if (held === 0 && cut === 0 && rest.length <= longestLine) {
      take(rest, 0);
      return;
    }
    keep(rest);
    take(Buffer.concat(parts), cut);
    parts = [];
    held = 0;
    cut = 0;
  }

  return {
    push: (chunk) => {
      let from = 0;
      for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
        finish(chunk.subarray(from, end));
        from = end + 1;
      }
      if (from < chunk.length) keep(chunk.subarray(from));
    },
    end: () => {
      if (held > 0 || cut > 0) finish(new Uint8Array(0));
    },
  };
}
