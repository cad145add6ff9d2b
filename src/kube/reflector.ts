import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  Connection,
  Decoder,
  KubeRequest,
  Reflector,
  ReflectorHandlers,
  ReflectorTarget,
  WatchEvent,
} from './contract.ts';
import { jsonDecoder } from './json-decoder.ts';
import { decoderFor } from './pages.ts';
import {
  type Fault,
  faultTable,
  type Interruption,
  interruptionOf,
  type Step,
  suspectAfter,
} from './reflector-faults.ts';
import { type StateReport, startReport } from './reflector-state.ts';
import { attributesOf } from './resource-path.ts';
import { forgetRights, mayI } from './rights.ts';
import { backoffMs, type Timing } from './timing.ts';
import { statusError } from './wire-error.ts';

/**
 * Keeps one kind in one scope in step with the server until stopped: list, watch, resume, relist, through every
 * fault of `reflector-faults.ts`. It never rejects and never ends by itself; `handlers.state` says how it stands.
 */
export function startReflector(
  connection: Connection,
  target: ReflectorTarget,
  handlers: ReflectorHandlers,
  timing: Timing = connection.timing,
): Reflector {
  const life = new AbortController();
  const report = startReport(connection, timing, (state) => {
    if (!life.signal.aborted) safely(() => handlers.state(state));
  });
  const waiting: Waiting = { wake: undefined, wakesOnAnswer: false };
  const stopListening = connection.onHealth((health) => {
    if (health.state === 'answering' && waiting.wakesOnAnswer) waiting.wake?.();
  });
  const run = follow({
    connection,
    target,
    handlers,
    timing,
    report,
    waiting,
    signal: life.signal,
    decoder: target.decoder ?? jsonDecoder,
  });
  // `follow` catches what happens in it; this is the last net.
  run.catch(() => {});
  return {
    stop: () => {
      life.abort();
      stopListening();
      report.stop();
    },
    retryNow: () => {
      connection.retryNow();
      forgetRights(connection);
      waiting.wake?.();
    },
  };
}

interface Waiting {
  wake: (() => void) | undefined;
  wakesOnAnswer: boolean;
}

interface Scope {
  readonly connection: Connection;
  readonly target: ReflectorTarget;
  readonly handlers: ReflectorHandlers;
  readonly timing: Timing;
  readonly report: StateReport;
  readonly waiting: Waiting;
  readonly signal: AbortSignal;
  readonly decoder: Decoder;
}

/** What one reflector remembers from step to step. */
interface Memory {
  /** The version to resume from; undefined until a list was complete. */
  version: string | undefined;
  /** Failures in a row, for the back-off. */
  attempt: number;
  /** Faults in a row of a kind that makes the version suspect. */
  suspicion: number;
  watchListFails: boolean;
  /** The watch was forbidden: after the next list, poll. */
  watchDenied: boolean;
  /** The last time that rights on the watch were asked for. */
  deniedAtMs: number;
}

async function follow(scope: Scope): Promise<void> {
  const memory: Memory = {
    version: undefined,
    attempt: 0,
    suspicion: 0,
    watchListFails: false,
    watchDenied: false,
    deniedAtMs: 0,
  };
  const { signal, timing } = scope;
  while (!signal.aborted) {
    const step = await stepOf(scope, memory);
    const startedMs = timing.now();
    const interruption = await attempt(scope, memory, step).catch((error: unknown) =>
      interruptionOf(error, step),
    );
    if (signal.aborted) return;
    if (timing.now() - startedMs >= timing.healthyMs) memory.attempt = 0;
    await recover(scope, memory, interruption);
  }
}

async function stepOf({ connection, target, timing }: Scope, memory: Memory): Promise<Step> {
  if (memory.version !== undefined && !memory.watchDenied) return 'watch';
  // Events are in no watch cache and get no bookmarks, so the end of a streaming list may never be told; and as new
  // ones keep coming, silence does not tell it either.
  if (attributesOf(target.path)?.resource === 'events') return 'list';
  if (memory.watchListFails || memory.watchDenied) return 'list';
  // WatchList is on by default in 1.32 and from 1.34; 1.33 had it off again; up to 1.26 the parameter is ignored.
  const version = await connection.version().catch(() => undefined);
  const minor = version?.major === 1 ? version.minor : 0;
  if (!(minor === 32 || minor >= 34)) return 'list';
  // Streaming lists are compressed from 1.37 on; pages always are, ten to one. Over a VPN that weighs more than anything.
  const isFar = (connection.health().roundTripMs ?? 0) > timing.farMs;
  return isFar && minor < 37 ? 'list' : 'watchList';
}

function attempt(scope: Scope, memory: Memory, step: Step): Promise<Interruption> {
  if (step === 'watch') return watch(scope, memory);
  return step === 'list' ? list(scope, memory) : watchList(scope, memory);
}

/** One row of the table, carried out. */
async function recover(
  scope: Scope,
  memory: Memory,
  { fault, reason, retryAfterMs }: Interruption,
): Promise<void> {
  const { timing, report } = scope;
  const rule = faultTable[fault];
  if (fault === 'watchForbidden') memory.watchDenied = true;
  if (fault === 'noWatchList') memory.watchListFails = true;
  if (fault === 'corrupt' || fault === 'trouble') memory.suspicion += 1;
  if (rule.next === 'relist' || memory.suspicion >= suspectAfter) {
    // A stream that cannot be read as a WatchList is tried as pages.
    if (memory.suspicion >= suspectAfter) memory.watchListFails = true;
    memory.version = undefined;
    memory.suspicion = 0;
  }
  if (rule.wait === 'right') return await untilAllowed(scope, memory, fault, reason);
  const waitMs = waitOf(rule.wait, memory, retryAfterMs, timing);
  if (rule.says === 'reconnecting')
    report.down({ state: 'reconnecting', reason, retryAtMs: timing.now() + waitMs });
  if (waitMs > 0) await pause(scope, waitMs, rule.wakes, memory);
}

function waitOf(
  wait: 'none' | 'spare' | 'backoff' | 'asked' | 'right',
  memory: Memory,
  retryAfterMs: number | undefined,
  timing: Timing,
): number {
  if (wait === 'none') return 0;
  const attempt = memory.attempt;
  memory.attempt += 1;
  if (wait === 'spare' && attempt === 0) return 0;
  // A little more than asked for, so that not all come back in the same second.
  if (wait === 'asked' && retryAfterMs !== undefined)
    return retryAfterMs + timing.random() * timing.backoffFirstMs;
  return backoffMs(attempt, timing);
}

/** Forbidden, or a kind that is not served: asks from time to time whether that has changed. */
async function untilAllowed(scope: Scope, memory: Memory, fault: Fault, reason: string): Promise<void> {
  const { connection, target, timing, report, signal } = scope;
  while (!signal.aborted) {
    const retryAtMs = timing.now() + timing.rightRetryMs;
    report.down(
      fault === 'unsupported' ? { state: 'unsupported', reason } : { state: 'forbidden', reason, retryAtMs },
    );
    await pause(scope, timing.rightRetryMs, false, memory);
    if (signal.aborted) return;
    memory.watchDenied = false;
    if (fault === 'unsupported') return;
    const wanted = attributesOf(target.path);
    forgetRights(connection);
    const right =
      wanted === undefined
        ? undefined
        : await mayI(connection, {
            verb: 'list',
            group: wanted.group,
            resource: wanted.resource,
            namespace: wanted.namespace,
          });
    if (right?.allowed !== 'no') return;
  }
}

/** Waits; a person's retry, and where it helps the server's return, end the wait. */
function pause(
  { waiting, signal }: Scope,
  waitMs: number,
  wakesOnAnswer: boolean,
  memory: Memory,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      waiting.wake = undefined;
      waiting.wakesOnAnswer = false;
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    waiting.wake = () => {
      memory.attempt = 0;
      done();
    };
    waiting.wakesOnAnswer = wakesOnAnswer;
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

const selectors = ({ labelSelector, fieldSelector }: ReflectorTarget): NonNullable<KubeRequest['query']> => ({
  labelSelector,
  fieldSelector,
});

/** Pages of 500, then (where the watch is forbidden) again and again. */
async function list(scope: Scope, memory: Memory): Promise<Interruption> {
  const { connection, target, handlers, report, timing, signal, decoder } = scope;
  // A poll in the background is no loading: what is shown stays what it is until the list is complete.
  const isPoll = memory.watchDenied && memory.version !== undefined;
  let soFar = 0;
  let version = '';
  const slice = startSlice(timing);
  safely(handlers.listStart);
  for await (const page of connection.pages(target.path, selectors(target), signal, decoder)) {
    if (page.restarted) {
      soFar = 0;
      safely(handlers.listStart);
    }
    for (const item of page.items) {
      safely(() => handlers.put(item));
      soFar += 1;
      if (slice.isOver()) await slice.next();
      if (signal.aborted) return ended;
    }
    version = page.resourceVersion;
    if (!isPoll) report.listing(soFar, page.remaining === undefined ? undefined : soFar + page.remaining);
  }
  if (signal.aborted) return ended;
  safely(handlers.listEnd);
  memory.version = version;
  if (memory.watchDenied) return await polled(scope, memory);
  // Live is what the watch makes of it; until its headers come, what is shown is proved by the list.
  return ended;
}

/** The kind may be listed, not watched. */
async function polled(scope: Scope, memory: Memory): Promise<Interruption> {
  const { report, timing, connection, target } = scope;
  report.live(timing.pollEveryMs);
  if (memory.deniedAtMs === 0) memory.deniedAtMs = timing.now();
  await pause(scope, timing.pollEveryMs, false, memory);
  if (timing.now() - memory.deniedAtMs >= timing.rightRetryMs) {
    memory.deniedAtMs = timing.now();
    const wanted = attributesOf(target.path);
    forgetRights(connection);
    const right =
      wanted === undefined
        ? undefined
        : await mayI(connection, {
            verb: 'watch',
            group: wanted.group,
            resource: wanted.resource,
            namespace: wanted.namespace,
          });
    if (right?.allowed === 'yes') {
      memory.watchDenied = false;
      memory.deniedAtMs = 0;
    }
  }
  return ended;
}

const ended: Interruption = { fault: 'ended', reason: 'the server ended the watch', retryAfterMs: undefined };

/** List and watch in one stream: ADDED for all that is there, then a bookmark that says so, then what changes. */
async function watchList(scope: Scope, memory: Memory): Promise<Interruption> {
  const { handlers, report, timing } = scope;
  let isSynced = false;
  let soFar = 0;
  safely(handlers.listStart);
  return await readWatch(
    scope,
    memory,
    'watchList',
    { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' },
    {
      quietMs: () => (isSynced ? timing.quietWatchMs : timing.watchListSilenceMs),
      onQuiet: () =>
        isSynced
          ? undefined
          : { fault: 'noWatchList', reason: 'the streaming list stood still', retryAfterMs: undefined },
      take: ({ type, object }) => {
        if (isSynced) return 'live';
        if (type === 'BOOKMARK') {
          if (object.metadata?.annotations?.['k8s.io/initial-events-end'] !== 'true') return 'initial';
          isSynced = true;
          safely(handlers.listEnd);
          report.live();
          return 'live';
        }
        soFar += 1;
        report.listing(soFar, undefined);
        return 'initial';
      },
      onOpen: () => report.listing(0, undefined),
    },
  );
}

function watch(scope: Scope, memory: Memory): Promise<Interruption> {
  const { report, timing } = scope;
  return readWatch(
    scope,
    memory,
    'watch',
    { resourceVersion: memory.version },
    {
      quietMs: () => timing.quietWatchMs,
      onQuiet: () => undefined,
      take: () => 'live',
      onOpen: () => report.live(),
    },
  );
}

/** What differs between a watch and a streaming list. */
interface Reading {
  readonly quietMs: () => number;
  /** Silence that is a fault of its own; undefined: the stream is proved or reopened. */
  readonly onQuiet: () => Interruption | undefined;
  /** `initial`: the version of this event is not to be resumed from (they come in no order). */
  readonly take: (event: WatchEvent) => 'initial' | 'live';
  readonly onOpen: () => void;
}

async function readWatch(
  scope: Scope,
  memory: Memory,
  step: Step,
  query: NonNullable<KubeRequest['query']>,
  reading: Reading,
): Promise<Interruption> {
  const { connection, target, timing, signal, decoder } = scope;
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener('abort', stop, { once: true });
  const silence = startSilence(scope, memory, reading, over);
  const openedMs = timing.now();
  let sawEvent = false;
  try {
    const timeoutSeconds = Math.round(
      (timing.watchMinMs + timing.random() * (timing.watchMaxMs - timing.watchMinMs)) / 1000,
    );
    const { headers, chunks } = await connection.stream({
      path: target.path,
      query: {
        ...selectors(target),
        watch: true,
        allowWatchBookmarks: true,
        timeoutSeconds: Math.max(1, timeoutSeconds),
        ...query,
      },
      accept: decoder.watchAccept,
      signal: over.signal,
    });
    reading.onOpen();
    const events = decoderFor(decoder, headers).events();
    const slice = startSlice(timing);
    for await (const chunk of chunks) {
      silence.heard();
      events.push(chunk);
      for (let event = events.next(); event !== undefined; event = events.next()) {
        sawEvent = true;
        if (event.type === 'ERROR')
          return interruptionOf(
            statusError(event.object, {
              server: connection.server,
              userName: connection.userName,
              request: { path: target.path, query: { watch: true } },
            }),
            step,
          );
        apply(scope, memory, event, reading);
        if (slice.isOver()) await slice.next();
        if (signal.aborted) return ended;
      }
    }
    return endOf(memory, step, sawEvent, timing.now() - openedMs, timing);
  } catch (error) {
    return silence.verdict() ?? interruptionOf(error, step);
  } finally {
    silence.stop();
    signal.removeEventListener('abort', stop);
    over.abort();
  }
}

function endOf(memory: Memory, step: Step, sawEvent: boolean, livedMs: number, timing: Timing): Interruption {
  if (step === 'watchList' && memory.version === undefined)
    return {
      fault: 'cut',
      reason: 'the server ended the list before it was complete',
      retryAfterMs: undefined,
    };
  if (livedMs < timing.shortWatchMs)
    return {
      fault: 'short',
      reason: sawEvent ? 'the server ends each watch at once' : 'the server ended the watch at once',
      retryAfterMs: undefined,
    };
  return ended;
}

function apply({ handlers }: Scope, memory: Memory, event: WatchEvent, reading: Reading): void {
  const { type, object } = event;
  const phase = reading.take(event);
  if (type === 'ADDED' || type === 'MODIFIED') safely(() => handlers.put(object));
  else if (type === 'DELETED') safely(() => handlers.remove(object));
  const version = object.metadata?.resourceVersion;
  if (phase === 'live' && typeof version === 'string' && version !== '') {
    memory.version = version;
    memory.suspicion = 0;
  }
}

interface Silence {
  readonly heard: () => void;
  /** Why the stream was ended, where silence was the reason. */
  readonly verdict: () => Interruption | undefined;
  readonly stop: () => void;
}

/** Watches over one stream that may be dead although its connection answers. */
function startSilence(scope: Scope, memory: Memory, reading: Reading, over: AbortController): Silence {
  const { timing } = scope;
  let lastByteMs = performance.now();
  let found: Interruption | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const end = (interruption: Interruption): void => {
    if (stopped) return;
    found = interruption;
    over.abort();
  };
  const look = (): void => {
    const leftMs = lastByteMs + reading.quietMs() - performance.now();
    if (leftMs > 0) {
      timer = setTimeout(look, Math.max(leftMs, timing.tickMs / 10));
      return;
    }
    const known = reading.onQuiet();
    if (known !== undefined) end(known);
    else epochOf(scope, memory).then(end, () => end(quiet));
  };
  timer = setTimeout(look, reading.quietMs());
  return {
    heard: () => {
      lastByteMs = performance.now();
    },
    verdict: () => found,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const quiet: Interruption = {
  fault: 'quiet',
  reason: 'nothing came on this watch for long',
  retryAfterMs: undefined,
};

/** A watch from a version that the server has not reached is accepted, and silent for ever. */
async function epochOf({ connection, target, timing, signal }: Scope, memory: Memory): Promise<Interruption> {
  const { body } = await connection.request({
    path: target.path,
    query: { ...selectors(target), limit: 1 },
    timeoutMs: timing.silentAfterMs / 2,
    signal,
  });
  const now = jsonDecoder.list(body).resourceVersion;
  const isBehind =
    memory.version !== undefined &&
    /^\d+$/.test(now) &&
    /^\d+$/.test(memory.version) &&
    BigInt(now) < BigInt(memory.version);
  return isBehind
    ? { fault: 'newEpoch', reason: 'the cluster was restored from a backup', retryAfterMs: undefined }
    : quiet;
}

/** Decoding in slices, so that a key pressed meanwhile is answered between two of them. */
function startSlice({ sliceMs }: Timing): {
  readonly isOver: () => boolean;
  readonly next: () => Promise<void>;
} {
  let startedMs = performance.now();
  let count = 0;
  return {
    // The clock is not free: one look in eight objects is enough.
    isOver: () => (++count & 7) === 0 && performance.now() - startedMs >= sliceMs,
    next: async () => {
      await nextTurn();
      startedMs = performance.now();
    },
  };
}

/** Handlers only enqueue. One that throws all the same must not end the stream for the others. */
function safely(work: () => void): void {
  try {
    work();
  } catch {
    // The row is missing; the stream goes on, and the next list brings it again.
  }
}
