import { jsonDecoder } from './json-decoder.ts';
import type { Interruption } from './reflector-faults.ts';
import { type Memory, type Scope, selectors } from './reflector-scope.ts';

/** How much silence one stream may keep. */
export interface Patience {
  readonly quietMs: () => number;
  /** Silence that is a fault of its own; undefined: the stream is proved or reopened. */
  readonly onQuiet: () => Interruption | undefined;
}

interface Silence {
  readonly heard: () => void;
  /** Why the stream was ended, where silence was the reason. */
  readonly verdict: () => Interruption | undefined;
  readonly stop: () => void;
}

/** Watches over one stream that may be dead although its connection answers. */
export function startSilence(
  scope: Scope,
  memory: Memory,
  patience: Patience,
  over: AbortController,
): Silence {
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
    const leftMs = lastByteMs + patience.quietMs() - performance.now();
    if (leftMs > 0) {
      timer = setTimeout(look, Math.max(leftMs, timing.tickMs / 10));
      return;
    }
    const known = patience.onQuiet();
    if (known !== undefined) end(known);
    else epochOf(scope, memory).then(end, () => end(quiet));
  };
  timer = setTimeout(look, patience.quietMs());
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
