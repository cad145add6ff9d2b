import { inBatches } from './batches.ts';
import type { KubeRequest, WatchEvent } from './contract.ts';
import { decoderFor } from './pages.ts';
import { joinLive, leaveLive } from './reflector-company.ts';
import { type Interruption, interruptionOf, type Step } from './reflector-faults.ts';
import { ended, type Memory, type Scope, safely, selectors, startSlice } from './reflector-scope.ts';
import { type Patience, startSilence } from './reflector-silence.ts';
import type { Timing } from './timing.ts';
import { statusError } from './wire-error.ts';

/** List and watch in one stream: ADDED for all that is there, then a bookmark that says so, then what changes. */
export async function watchList(scope: Scope, memory: Memory): Promise<Interruption> {
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
          openLive(scope, memory);
          safely(handlers.listEnd);
          report.live();
          return 'live';
        }
        soFar += 1;
        report.listing(soFar, undefined);
        return 'initial';
      },
      onOpen: () => report.listing(0, undefined),
      isLive: () => isSynced,
    },
  );
}

export function watch(scope: Scope, memory: Memory): Promise<Interruption> {
  const { report, timing } = scope;
  const wasAwayMs = memory.awayMs === undefined ? 0 : timing.now() - memory.awayMs;
  return readWatch(
    scope,
    memory,
    'watch',
    { resourceVersion: memory.version },
    {
      quietMs: () => timing.quietWatchMs,
      onQuiet: () => undefined,
      // A restore takes a while, and the server is away for it.
      ...(wasAwayMs >= timing.epochAfterMs && { epochAfterMs: timing.epochAfterMs * (1 + timing.random()) }),
      take: () => 'live',
      onOpen: () => {
        openLive(scope, memory);
        report.live();
      },
      isLive: () => true,
    },
  );
}

function openLive(scope: Scope, memory: Memory): void {
  joinLive(scope, memory);
  memory.wasLive = true;
  memory.watchRefused = false;
  memory.awayMs = undefined;
}

/** What differs between a watch and a streaming list. */
interface Reading extends Patience {
  /** `initial`: the version of this event is not to be resumed from (they come in no order). */
  readonly take: (event: WatchEvent) => 'initial' | 'live';
  readonly onOpen: () => void;
  /** What comes now is news, not the list. */
  readonly isLive: () => boolean;
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
    const push = (chunk: Uint8Array): void => {
      silence.heard();
      events.push(chunk);
    };
    for await (const _ of inBatches(chunks, push, () => (reading.isLive() ? timing.batchMs : 0))) {
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
    leaveLive(scope, memory);
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
    memory.isListing = false;
  }
}
