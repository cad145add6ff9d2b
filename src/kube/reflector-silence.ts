import { epochOf, newEpoch } from './reflector-epoch.ts';
import type { Interruption } from './reflector-faults.ts';
import type { Memory, Scope } from './reflector-scope.ts';

/** How much silence one stream may keep. */
export interface Patience {
  readonly quietMs: () => number;
  /** Silence that is a fault of its own; undefined: the stream is proved or reopened. */
  readonly onQuiet: () => Interruption | undefined;
  /** Silence from the beginning after which the server is asked whether it went back in time; the stream stays. */
  readonly epochAfterMs?: number | undefined;
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
  const { timing, connection } = scope;
  let lastByteMs = performance.now();
  let hasSpoken = false;
  let found: Interruption | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout;
  const end = (interruption: Interruption): void => {
    if (stopped) return;
    found = interruption;
    over.abort();
  };
  const lookIn = (ms: number): void => {
    if (!stopped) timer = setTimeout(look, Math.max(ms, timing.tickMs / 10));
  };
  /** A server that says nothing at all is the business of the connection's own watchdog. */
  const isHeard = (): boolean => {
    const { state, lastHeardMs = 0 } = connection.health();
    return state === 'answering' && Math.abs(timing.now() - lastHeardMs) < timing.pingEveryMs * 1.5;
  };
  function look(): void {
    const leftMs = lastByteMs + patience.quietMs() - performance.now();
    if (leftMs > 0) lookIn(leftMs);
    else if (isHeard()) judge();
    else {
      if (connection.health().state !== 'answering') lastByteMs = performance.now();
      lookIn(timing.tickMs);
    }
  }
  function judge(): void {
    const known = patience.onQuiet();
    if (known !== undefined) {
      end(known);
      return;
    }
    epochOf(scope, memory).then(
      (epoch) => end(epoch === 'behind' ? newEpoch : quiet),
      () => end(quiet),
    );
  }
  function lookAtEpoch(): void {
    lookIn(lastByteMs + patience.quietMs() - performance.now());
    if (hasSpoken) return;
    epochOf(scope, memory).then(
      (epoch) => {
        if (epoch === 'behind') end(newEpoch);
      },
      () => {},
    );
  }
  if (patience.epochAfterMs === undefined) lookIn(patience.quietMs());
  else timer = setTimeout(lookAtEpoch, patience.epochAfterMs);
  return {
    heard: () => {
      hasSpoken = true;
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
