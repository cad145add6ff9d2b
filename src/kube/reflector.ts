import type { Connection, Reflector, ReflectorHandlers, ReflectorTarget } from './contract.ts';
import { jsonDecoder } from './json-decoder.ts';
import { leaveCompany, scoutedWait } from './reflector-company.ts';
import {
  type Fault,
  faultTable,
  type Interruption,
  interruptionOf,
  type Step,
  suspectAfter,
} from './reflector-faults.ts';
import { list, polled, probe } from './reflector-list.ts';
import { type Memory, pause, type Scope, safely, type Waiting } from './reflector-scope.ts';
import { startReport } from './reflector-state.ts';
import { watch, watchList } from './reflector-watch.ts';
import { attributesOf } from './resource-path.ts';
import { forgetRights, mayI } from './rights.ts';
import { backoffMs, refusalWaitMs, type Timing } from './timing.ts';

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
  const waiting: Waiting = { wake: undefined, wakes: 'never' };
  const stopListening = connection.onHealth((health) => {
    if (health.state === 'answering' && waiting.wakes === 'reached') waiting.wake?.();
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

async function follow(scope: Scope): Promise<void> {
  const memory: Memory = {
    version: undefined,
    attempt: 0,
    hurriedMs: undefined,
    troubledMs: undefined,
    awayMs: undefined,
    refusals: 0,
    suspicion: 0,
    isDoubted: false,
    isListing: false,
    watchListFails: false,
    watchRefused: false,
    watchDenied: false,
    listedMs: 0,
    deniedAtMs: 0,
    wasLive: false,
  };
  const { signal, timing } = scope;
  try {
    while (!signal.aborted) {
      const step = await stepOf(scope, memory);
      const startedMs = timing.now();
      const interruption = await attempt(scope, memory, step).catch((error: unknown) =>
        interruptionOf(error, step),
      );
      if (signal.aborted) return;
      const livedMs = timing.now() - startedMs;
      if (livedMs >= timing.healthyMs) memory.attempt = 0;
      if (livedMs >= timing.steadyMs && memory.wasLive) forgetTrouble(memory);
      memory.wasLive = false;
      if (!isRefusal(interruption.fault)) memory.refusals = 0;
      await recover(scope, memory, interruption);
    }
  } finally {
    leaveCompany(scope, memory);
  }
}

/** The watch was open for long enough to say that what happened before is over. */
function forgetTrouble(memory: Memory): void {
  memory.hurriedMs = undefined;
  memory.troubledMs = undefined;
  memory.suspicion = 0;
  memory.isDoubted = false;
  memory.isListing = false;
}

async function stepOf({ connection, target, timing }: Scope, memory: Memory): Promise<Step> {
  if (memory.version !== undefined && !memory.watchDenied) return memory.isDoubted ? 'probe' : 'watch';
  if (target.uncached === true) return 'list';
  if (memory.watchListFails || memory.watchRefused || memory.watchDenied) return 'list';
  // WatchList is on by default in 1.32 and from 1.34; 1.33 had it off again; up to 1.26 the parameter is ignored.
  const version = await connection.version().catch(() => undefined);
  const minor = version?.major === 1 ? version.minor : 0;
  if (!(minor === 32 || minor >= 34)) return 'list';
  // Streaming lists are compressed from 1.37 on; pages always are, ten to one. Over a VPN that weighs more than anything.
  return minor < 37 && (await isFar(connection, timing)) ? 'list' : 'watchList';
}

/** A way that is long costs so many round trips, once. */
const looks = 3;

const secondLooks = new WeakMap<Connection, Promise<boolean>>();

/** A process that is busy starting measures its own delay: who seems far is asked once more. */
function isFar(connection: Connection, timing: Timing): Promise<boolean> {
  if ((connection.health().roundTripMs ?? 0) <= timing.farMs) return Promise.resolve(false);
  const look = secondLooks.get(connection) ?? answersLate(connection, timing);
  secondLooks.set(connection, look);
  return look;
}

/** One quick answer shows that the way is short; a slow one may as well be the work of this process or of the server. */
async function answersLate(connection: Connection, { farMs }: Timing): Promise<boolean> {
  for (let look = 0; look < looks; look += 1) {
    const startedMs = performance.now();
    // A refusal travels as far as an answer.
    await connection.request({ path: '/livez' }).catch(() => {});
    if (performance.now() - startedMs <= farMs) return false;
  }
  return true;
}

function attempt(scope: Scope, memory: Memory, step: Step): Promise<Interruption> {
  if (step === 'watch') return watch(scope, memory);
  if (step === 'probe') return probe(scope, memory);
  return step === 'list' ? list(scope, memory) : watchList(scope, memory);
}

/** A watch that is refused leads to a list, which decides. */
const isRefusal = (fault: Fault): boolean => fault === 'listForbidden' || fault === 'watchForbidden';

/** One row of the table, carried out. */
async function recover(
  scope: Scope,
  memory: Memory,
  { fault, reason, hint, retryAfterMs }: Interruption,
): Promise<void> {
  const { timing, report } = scope;
  const rule = faultTable[fault];
  if (fault === 'watchForbidden' && (await refuseWatch(scope, memory))) return;
  if (fault === 'noWatchList') memory.watchListFails = true;
  if (fault === 'corrupt' || fault === 'trouble') suspect(memory);
  if (rule.next === 'relist') memory.version = undefined;
  if (memory.version === undefined) {
    memory.isDoubted = false;
    memory.isListing = false;
  }
  if (rule.wait === 'right') return await untilAllowed(scope, memory, fault, reason, hint);
  if (rule.says === 'reconnecting') memory.troubledMs ??= timing.now();
  if (isAway(fault)) memory.awayMs ??= timing.now();
  const isAsked = rule.wait === 'asked' && retryAfterMs !== undefined;
  const wakes = isAsked ? 'never' : rule.wakes;
  const ownMs = waitOf(rule.wait, memory, retryAfterMs, timing);
  const waitMs = Math.round(wakes === 'never' ? ownMs : scoutedWait(scope, memory, ownMs));
  if (rule.says === 'reconnecting')
    report.down({
      state: 'reconnecting',
      reason,
      ...(hint !== undefined && { hint }),
      ...(fault === 'unauthorized' && { login: 'refused' as const }),
      ...(fault === 'credentials' && { login: 'failed' as const }),
      retryAtMs: timing.now() + waitMs,
    });
  if (waitMs > 0) await pause(scope, waitMs, wakes, memory);
}

/** The server itself, as far as one can tell: it may come back as another one. */
const isAway = (fault: Fault): boolean =>
  fault === 'unreachable' || fault === 'cut' || fault === 'tls' || fault === 'unavailable';

/** A watch that fails again and again: the fault is the server's, or the version's, or the encoding's. */
function suspect(memory: Memory): void {
  memory.suspicion += 1;
  if (memory.suspicion < suspectAfter) return;
  if (memory.version !== undefined && !memory.isListing) {
    memory.isDoubted = true;
    return;
  }
  // A stream that cannot be read as a WatchList is tried as pages.
  memory.watchListFails = true;
  memory.version = undefined;
  memory.suspicion = 0;
  memory.isListing = false;
}

/** True where that has been dealt with. */
async function refuseWatch(scope: Scope, memory: Memory): Promise<boolean> {
  const { timing } = scope;
  const isSecond = memory.watchRefused;
  memory.watchRefused = true;
  if (memory.version === undefined) return false;
  if (!isSecond) {
    memory.isDoubted = true;
    return false;
  }
  memory.watchDenied = true;
  if (timing.now() - memory.listedMs >= timing.pollEveryMs) return false;
  await polled(scope, memory);
  return true;
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
async function untilAllowed(
  scope: Scope,
  memory: Memory,
  fault: Fault,
  reason: string,
  hint: string | undefined,
): Promise<void> {
  const { connection, target, timing, report, signal } = scope;
  while (!signal.aborted) {
    const waitMs = fault === 'unsupported' ? timing.rightRetryMs : refusalWaitMs(memory.refusals, timing);
    memory.refusals += 1;
    const retryAtMs = timing.now() + waitMs;
    const words = { reason, ...(hint !== undefined && { hint }) };
    report.down(
      fault === 'unsupported'
        ? { state: 'unsupported', ...words }
        : { state: 'forbidden', ...words, retryAtMs },
    );
    await pause(scope, waitMs, 'never', memory);
    if (signal.aborted) return;
    memory.watchDenied = false;
    memory.watchRefused = false;
    memory.isDoubted = false;
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
