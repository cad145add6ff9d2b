import type { ConnectionHealth } from './contract.ts';
import type { Timing } from './timing.ts';

/** What the watchdog asks of the transport. */
export interface Wire {
  readonly traffic: () => { readonly bytesRead: number; readonly open: number };
  readonly protocol: () => 'h1' | 'h2' | undefined;
  /** `GET /livez` on the sockets in use; gives the ms that it took. Any answer counts. */
  readonly ask: (deadlineMs: number) => Promise<number>;
  /** The same on a socket of its own. */
  readonly askAnew: (deadlineMs: number) => Promise<number>;
  /** Cuts HTTP/2 connections that brought nothing for so long, pings included, while others are heard. */
  readonly dropAsleep: (silentMs: number, error: Error) => void;
  /** Cuts every stream, for sockets that did not come back with the server. */
  readonly cut: (error: Error) => void;
}

export interface Liveness {
  readonly health: () => ConnectionHealth;
  readonly onHealth: (listener: (health: ConnectionHealth) => void) => () => void;
  /** Something came from the server. */
  readonly heard: (roundTripMs?: number) => void;
  /** A socket was opened, which took a round trip. It proves only that a machine is there. */
  readonly reached: (roundTripMs: number) => void;
  /** A request could not reach the server. */
  readonly lost: (reason: string) => void;
  readonly stop: () => void;
}

/**
 * Proves that the server is there, or says that it is not. Over HTTP/2 the pings prove it; over HTTP/1.1, which has
 * none, `/livez` does after some silence. It works only while somebody listens.
 *
 * Bytes are counted on the sockets: undici's ping has no deadline, and its `ping` event says nothing about a peer
 * that froze. TCP acknowledges for a stopped process, so only bytes of the application count.
 */
export function startLiveness(wire: Wire, timing: Timing): Liveness {
  const listeners = new Set<(health: ConnectionHealth) => void>();
  let state: ConnectionHealth['state'] = 'unused';
  let reason: string | undefined;
  let lastHeardMs: number | undefined;
  /** Silence is counted from here: the last byte, or the first request after an idle time. */
  let quietSinceMs = timing.now();
  let roundTripMs: number | undefined;
  let bytesSeen = 0;
  /** What the sockets had brought when the silence began; more than that, and they are awake again. */
  let bytesAtSilence = 0;
  let lastTickMs = timing.now();
  /** Why the last request failed, until something is heard again. Its socket may close a little later. */
  let lostWhy: string | undefined;
  let asking = false;
  let lastAskMs = Number.NEGATIVE_INFINITY;
  /** Over HTTP/1.1 each watch has a socket of its own: after a jump of the clock, only the one that was asked is proved. */
  let cutsWhenProved = false;
  let cutMs = Number.NEGATIVE_INFINITY;
  let ticker: NodeJS.Timeout | undefined;
  let stopped = false;

  const health = (): ConnectionHealth => ({ state, lastHeardMs, roundTripMs, reason });

  function enter(next: ConnectionHealth['state'], why: string | undefined): void {
    if (stopped || (state === next && reason === why)) return;
    const changed = state !== next;
    if (changed && next === 'silent') bytesAtSilence = wire.traffic().bytesRead;
    state = next;
    reason = why;
    if (changed) for (const listener of [...listeners]) listener(health());
  }

  function heard(trip?: number): void {
    lastHeardMs = timing.now();
    quietSinceMs = lastHeardMs;
    lostWhy = undefined;
    if (trip !== undefined) roundTripMs = trip;
    enter('answering', undefined);
  }

  /** Streams that end by our own hand say nothing of the server. */
  function cut(why: string): void {
    cutMs = performance.now();
    wire.cut(new Error(why));
  }

  function lost(why: string): void {
    if (performance.now() - cutMs < timing.tickMs) return;
    lostWhy = why;
    if (wire.traffic().open === 0) enter('silent', why);
  }

  function tick(): void {
    const now = timing.now();
    const jumped = Math.abs(now - lastTickMs) > timing.clockJumpMs + timing.tickMs;
    lastTickMs = now;
    if (jumped) {
      afterJump(now);
      return;
    }
    const { bytesRead, open } = wire.traffic();
    // The last bytes of a connection that has gone prove nothing.
    if (bytesRead !== bytesSeen && (open > 0 || lostWhy === undefined)) {
      bytesSeen = bytesRead;
      heard();
      wire.dropAsleep(timing.silentAfterMs, new Error('the connection fell silent, and the server did not'));
      return;
    }
    if (open === 0 && state !== 'silent') {
      quietSinceMs = now;
      if (lostWhy !== undefined) enter('silent', lostWhy);
      return;
    }
    const quietMs = now - quietSinceMs;
    if (state !== 'silent' && quietMs >= timing.silentAfterMs) enter('silent', 'the server does not answer');
    if (state === 'silent') reach(now);
    else if (wire.protocol() !== 'h2' && quietMs >= timing.pingEveryMs)
      ask(now, timing.silentAfterMs - quietMs);
  }

  /**
   * The machine slept, or this process was stopped: nothing on the screen is proved any more. Sockets that did not survive
   * the sleep are silent without an end, so what answers soon counts, and else a new socket decides.
   */
  function afterJump(now: number): void {
    quietSinceMs = now;
    lastAskMs = Number.NEGATIVE_INFINITY;
    bytesSeen = wire.traffic().bytesRead;
    if (wire.traffic().open === 0) return;
    enter('unverified', 'the clock jumped: this machine slept, or mltop was stopped');
    cutsWhenProved = wire.protocol() !== 'h2';
    ask(now, timing.probeEveryMs, () => {
      bytesAtSilence = wire.traffic().bytesRead;
      lastAskMs = Number.NEGATIVE_INFINITY;
      reach(timing.now());
    });
  }

  /** A clock that went back must not keep it from asking. */
  const isDue = (now: number, everyMs: number): boolean => Math.abs(now - lastAskMs) >= everyMs;

  function ask(now: number, deadlineMs: number, onFailure?: () => void): void {
    if (asking || !isDue(now, timing.pingEveryMs)) return;
    asking = true;
    lastAskMs = now;
    wire.ask(Math.max(deadlineMs, timing.tickMs)).then(
      (tookMs) => {
        asking = false;
        heard(tookMs);
        if (cutsWhenProved) cut('the connection is opened anew after the clock jumped');
        cutsWhenProved = false;
      },
      () => {
        asking = false;
        if (!stopped && state === 'unverified') onFailure?.();
      },
    );
  }

  /** While the server is silent: a fresh socket each few seconds, so that its return is seen at once. */
  function reach(now: number): void {
    if (asking || !isDue(now, timing.probeEveryMs)) return;
    asking = true;
    lastAskMs = now;
    wire
      .askAnew(Math.max(timing.probeEveryMs, timing.tickMs))
      .then(
        (tookMs) => returned(tookMs),
        () => {},
      )
      .finally(() => {
        asking = false;
      });
  }

  /** The server answers on a new socket. The old ones get a moment to wake; TCP may keep them asleep for minutes. */
  function returned(tookMs: number): void {
    const parallel = wire.protocol() === 'h1';
    const settle = (): void => {
      if (stopped) return;
      const { bytesRead, open } = wire.traffic();
      const isAwake = bytesRead !== bytesAtSilence && !parallel;
      if (!isAwake && open > 0) cut('the connection did not come back with the server');
      cutsWhenProved = false;
      bytesSeen = bytesRead;
      heard(tookMs);
    };
    if (wire.traffic().open === 0) settle();
    else setTimeout(settle, timing.tickMs).unref();
  }

  function onHealth(listener: (health: ConnectionHealth) => void): () => void {
    listeners.add(listener);
    if (ticker === undefined && !stopped) {
      lastTickMs = timing.now();
      quietSinceMs = lastTickMs;
      ticker = setInterval(tick, timing.tickMs);
      ticker.unref();
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) {
        clearInterval(ticker);
        ticker = undefined;
      }
    };
  }

  return {
    health,
    onHealth,
    heard,
    reached: (trip) => {
      roundTripMs ??= trip;
    },
    lost,
    stop: () => {
      stopped = true;
      clearInterval(ticker);
      listeners.clear();
    },
  };
}
