import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Connection, Decoder, KubeRequest, ReflectorHandlers, ReflectorTarget } from './contract.ts';
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
  /** In this row of failures, a wait was cut short because another request was served. */
  hurried: boolean;
  /** Refusals in a row. */
  refusals: number;
  /** Faults in a row of a kind that makes the version suspect. */
  suspicion: number;
  watchListFails: boolean;
  /** The watch was forbidden: after the next list, poll. */
  watchDenied: boolean;
  /** The last time that rights on the watch were asked for. */
  deniedAtMs: number;
}

/** Waits; a person's retry ends the wait, and so does what `wakes` names. */
export function pause(
  { connection, timing, waiting, signal }: Scope,
  waitMs: number,
  wakes: Rule['wakes'],
  memory: Memory,
): Promise<void> {
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
    // Once, and not at once: a server that fails every other request is not to be asked twice as often.
    const stopListening =
      wakes === 'served' && !memory.hurried
        ? connection.onSuccess(() => {
            memory.hurried = true;
            hurry ??= setTimeout(done, timing.tickMs * (0.5 + timing.random() / 2));
          })
        : undefined;
    waiting.wake = () => {
      memory.attempt = 0;
      done();
    };
    waiting.wakes = wakes;
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
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
