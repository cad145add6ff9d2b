import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection, Decoder, KubeRequest, ReflectorHandlers, ReflectorTarget } from './contract.ts';
import { isAlone } from './reflector-company.ts';
import type { Interruption, Rule } from './reflector-faults.ts';
import type { StateReport } from './reflector-state.ts';
import type { Timing } from './timing.ts';

/** What ends a reflector's wait early. */
export interface Waiting {
  wake: (() => void) | undefined;
  wakes: Rule['wakes'];
}

/** What one reflector is given for its life. */
export interface Scope {
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
export interface Memory {
  /** The version to resume from; undefined until a list was complete. */
  version: string | undefined;
  /** Failures in a row, for the back-off. */
  attempt: number;
  /** When a wait was cut short because another request was served, in this row of failures. */
  hurriedMs: number | undefined;
  /** Since when nothing lasts. */
  troubledMs: number | undefined;
  /** Since when the server cannot be reached, or answers nothing. */
  awayMs: number | undefined;
  /** Refusals in a row. */
  refusals: number;
  /** Faults in a row of a kind that makes the version suspect. */
  suspicion: number;
  /** Before the watch is tried again: does the server list? A whole list is not asked for in order to learn that. */
  isDoubted: boolean;
  /** It does: what fails now is the watch, or its version. */
  isListing: boolean;
  watchListFails: boolean;
  /** The watch was refused once, which may have been an authoriser that was restarting. */
  watchRefused: boolean;
  /** The watch is forbidden: after each list, poll. */
  watchDenied: boolean;
  /** When the last list was complete. */
  listedMs: number;
  /** The last time that rights on the watch were asked for. */
  deniedAtMs: number;
  /** The watch was open in the present attempt. */
  wasLive: boolean;
}

/** Waits; a person's retry ends the wait, and so does what `wakes` names. */
export function pause(scope: Scope, waitMs: number, wakes: Rule['wakes'], memory: Memory): Promise<void> {
  const { connection, timing, waiting, signal } = scope;
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      clearTimeout(hurry);
      stopListening?.();
      signal.removeEventListener('abort', done);
      waiting.wake = undefined;
      waiting.wakes = 'never';
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    let hurry: NodeJS.Timeout | undefined;
    const stopListening =
      wakes === 'never'
        ? undefined
        : connection.onSuccess(() => {
            if (hurry !== undefined || !mayHurry(scope, memory)) return;
            memory.hurriedMs = timing.now();
            hurry = setTimeout(done, timing.tickMs * (0.5 + timing.random() / 2));
          });
    waiting.wake = () => {
      memory.attempt = 0;
      done();
    };
    waiting.wakes = wakes;
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}

/**
 * Once, and not at once: a server that fails every other request is not to be asked twice as often. Again where nothing of
 * it works: then the return that woke this one was none.
 */
function mayHurry(scope: Scope, { hurriedMs }: Memory): boolean {
  const { timing } = scope;
  return (
    hurriedMs === undefined || (isAlone(scope) && Math.abs(timing.now() - hurriedMs) >= timing.scoutEveryMs)
  );
}

/** The target's selectors, as a query. */
export const selectors = ({
  labelSelector,
  fieldSelector,
}: ReflectorTarget): NonNullable<KubeRequest['query']> => ({
  labelSelector,
  fieldSelector,
});

/** The end that says nothing is wrong. */
export const ended: Interruption = {
  fault: 'ended',
  reason: 'the server ended the watch',
  retryAfterMs: undefined,
};

/** Decoding in slices, so that a key pressed meanwhile is answered between two of them. */
export function startSlice({ sliceMs }: Timing): {
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
export function safely(work: () => void): void {
  try {
    work();
  } catch {
    // The row is missing; the stream goes on, and the next list brings it again.
  }
}
