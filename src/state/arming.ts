import { looksLikeProduction } from './production.ts';
import type { Session, SessionStore, Transition } from './session.ts';

/** How long writing stays armed. */
export const armedForMs = 300_000;

/** An object of its own for each time that somebody armed: what was allowed before is not allowed by arming again. */
export interface Armed {
  readonly untilMs: number;
  readonly context: string;
}

export const isArmed = ({ armed }: Session, nowMs: number): boolean =>
  armed !== undefined && nowMs < armed.untilMs;

/** Of its context, its cluster and its server, one is enough. */
export function isProduction({ context, connection }: Pick<Session, 'context' | 'connection'>): boolean {
  const names =
    connection.state === 'connected' ? [context, connection.cluster, hostOf(connection.url)] : [context];
  return names.some(looksLikeProduction);
}

const hostOf = (url: string): string => URL.parse(url)?.hostname ?? url;

/** Allows changes for a while. Nothing where writing is locked. */
export const arm =
  (nowMs: number): Transition =>
  ({ writeLock, context }) =>
    writeLock === undefined ? { armed: { untilMs: nowMs + armedForMs, context } } : {};

export const disarm: Transition = ({ armed }) => (armed === undefined ? {} : { armed: undefined });

/** `4:32`, rounded up so that it never says 0:00 while changes are still possible. */
export function armedText({ armed }: Session, nowMs: number): string {
  const left = Math.max(0, Math.ceil(((armed?.untilMs ?? nowMs) - nowMs) / 1000));
  return `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
}

/**
 * The permit of this moment: valid until the time is over, or anything disarms. Its question is asked again for each
 * request, and an older one stays invalid when writing is armed again.
 */
export function permitOf(session: SessionStore, now: () => number): { readonly isValid: () => boolean } {
  const { armed } = session.getState();
  return {
    isValid() {
      if (armed === undefined || session.getState().armed !== armed) return false;
      const nowMs = now();
      // A clock that was set back must not make five minutes longer.
      return nowMs < armed.untilMs && nowMs >= armed.untilMs - armedForMs - 1000;
    },
  };
}

/**
 * Disarms when what was armed is no longer what is shown: another context, other namespaces, a connection that was lost.
 * `--write` arms once, at the first connection, and not where people depend on the cluster.
 */
export function watchArming(session: SessionStore, now: () => number): () => void {
  let startsArmed = session.getState().startedWithWrite;
  return session.subscribe((state, before) => {
    const isConnected = state.connection.state === 'connected';
    const wasConnected = before.connection.state === 'connected';
    if (startsArmed && isConnected && !wasConnected) {
      startsArmed = false;
      if (!isProduction(state)) session.setState(arm(now())(session.getState()));
      return;
    }
    const isElsewhere =
      state.context !== before.context ||
      String(state.namespaces) !== String(before.namespaces) ||
      (wasConnected && !isConnected);
    if (state.armed !== undefined && isElsewhere) session.setState({ armed: undefined });
  });
}
