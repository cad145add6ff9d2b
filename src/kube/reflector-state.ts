import type { Connection, ConnectionHealth } from './contract.ts';
import type { StreamState } from './stream-state.ts';
import type { Timing } from './timing.ts';

/** Puts together what the stream knows of itself and what is known of its connection. */
export interface StateReport {
  readonly listing: (soFar: number, expected: number | undefined) => void;
  readonly live: (polledEveryMs?: number) => void;
  readonly down: (why: Down) => void;
  readonly stop: () => void;
}

interface Words {
  readonly reason: string;
  readonly hint?: string;
}

type Down =
  | ({
      readonly state: 'reconnecting';
      readonly retryAtMs: number;
      readonly login?: 'refused' | 'failed';
    } & Words)
  | ({ readonly state: 'forbidden'; readonly retryAtMs: number } & Words)
  | ({ readonly state: 'unsupported' } & Words);

/** A count on the screen that moves more often is only work. */
const progressEveryMs = 100;

/** Tells `tell` each change, and only changes. */
export function startReport(
  connection: Connection,
  timing: Timing,
  tell: (state: StreamState) => void,
): StateReport {
  let own: StreamState = { state: 'listing', soFar: 0, expected: undefined, sinceMs: timing.now() };
  let told: StreamState | undefined;
  let toldMs = 0;
  /** Until when the rows on the screen are proved; undefined before the first list. */
  let freshMs: number | undefined;
  const startedMs = timing.now();

  function show(): void {
    const next = withHealth(own, connection.health());
    if (told !== undefined && sameState(told, next)) return;
    told = next;
    toldMs = performance.now();
    tell(next);
  }

  /** What was live until now is as old as the last word of the server; what was down stays as old as it was. */
  function leaveLive(): void {
    if (own.state === 'live') freshMs = connection.health().lastHeardMs ?? timing.now();
  }

  const stop = connection.onHealth(show);
  tell(own);
  told = own;

  return {
    listing: (soFar, expected) => {
      leaveLive();
      if (own.state !== 'listing') own = { state: 'listing', soFar, expected, sinceMs: timing.now() };
      else own = { ...own, soFar, expected };
      if (told?.state !== 'listing' || performance.now() - toldMs >= progressEveryMs) show();
    },
    live: (polledEveryMs) => {
      freshMs = undefined;
      if (own.state === 'live' && own.polledEveryMs === polledEveryMs) return;
      own = { state: 'live', sinceMs: timing.now(), ...(polledEveryMs !== undefined && { polledEveryMs }) };
      show();
    },
    down: (why) => {
      leaveLive();
      const sinceMs =
        why.state === 'reconnecting'
          ? (freshMs ?? startedMs)
          : own.state === why.state
            ? own.sinceMs
            : timing.now();
      own = { ...why, sinceMs };
      show();
    },
    stop,
  };
}

/** A stream that believes itself alive is no more alive than its connection. */
function withHealth(own: StreamState, health: ConnectionHealth): StreamState {
  if (own.state !== 'live' && own.state !== 'listing') return own;
  const sinceMs = health.lastHeardMs ?? own.sinceMs;
  if (health.state === 'silent')
    return { state: 'stale', sinceMs, reason: health.reason ?? 'the server does not answer' };
  if (health.state === 'unverified')
    return { state: 'unverified', sinceMs, reason: health.reason ?? 'nothing proves it yet' };
  return own;
}

function sameState(a: StreamState, b: StreamState): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
