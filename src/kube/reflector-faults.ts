import { KubeError } from './kube-error.ts';

/** What can interrupt a list-and-watch. */
export type Fault =
  | 'ended'
  | 'short'
  | 'quiet'
  | 'cut'
  | 'unreachable'
  | 'tls'
  | 'corrupt'
  | 'expired'
  | 'newEpoch'
  | 'unauthorized'
  | 'credentials'
  | 'listForbidden'
  | 'watchForbidden'
  | 'throttled'
  | 'unavailable'
  | 'tooNew'
  | 'unsupported'
  | 'noWatchList'
  | 'trouble'
  | 'strange';

export interface Rule {
  /** `resume`: watch from the last version (or list, if none was complete yet); `relist`: from the start. */
  readonly next: 'resume' | 'relist';
  /**
   * `backoff`: full jitter, growing; `asked`: what the server asked for, else back-off; `spare`: nothing the first
   * time, back-off when it happens again soon; `right`: until rights are asked for again.
   */
  readonly wait: 'none' | 'spare' | 'backoff' | 'asked' | 'right';
  /** What the person is told meanwhile. */
  readonly says: 'nothing' | 'reconnecting' | 'forbidden' | 'unsupported';
  /**
   * What ends the wait early: `served`: another request got what it asked for, so the trouble may be over; `reached`: that,
   * or the server answers again, on any socket. Where it is not `never`, one of those that wait asks for all of them
   * (`reflector-company.ts`). What the server asked to wait for is waited for.
   */
  readonly wakes: 'reached' | 'served' | 'never';
}

/**
 * After so many in a row at one version, the version is suspect: where the server lists and the watch goes on failing, all is
 * listed again. A server that does not list either is in trouble, and the version is as good as it was.
 */
export const suspectAfter = 3;

/**
 * Every fault and what follows from it. The numbers are in `timing.ts`; the reasons for each row in client-go's
 * `reflector.go`: a version that the server still has is never thrown away, because a list costs it up to a
 * hundred times what a watch costs.
 */
export const faultTable: Readonly<Record<Fault, Rule>> = {
  // The server ends each watch after the time that was asked for.
  ended: { next: 'resume', wait: 'none', says: 'nothing', wakes: 'never' },
  // It ended at once: without a pause this would spin.
  short: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'never' },
  // No bookmark for long while the connection answers: the stream may be dead behind a proxy.
  quiet: { next: 'resume', wait: 'none', says: 'nothing', wakes: 'never' },
  cut: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'reached' },
  unreachable: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'reached' },
  tls: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'reached' },
  // Never skip a line: what it said would be missing for ever.
  corrupt: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'served' },
  expired: { next: 'relist', wait: 'spare', says: 'nothing', wakes: 'never' },
  // The server's versions went back: etcd was restored, and our version lies in a future that will not come.
  newEpoch: { next: 'relist', wait: 'none', says: 'nothing', wakes: 'never' },
  // The connection has renewed the credentials once already.
  unauthorized: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'served' },
  credentials: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'served' },
  // A right that comes back finds the version where it was: most are away for as long as an authoriser takes to restart.
  listForbidden: { next: 'resume', wait: 'right', says: 'forbidden', wakes: 'never' },
  // A list decides: forbidden, and all is; allowed, and the kind is polled if the watch is refused once more.
  watchForbidden: { next: 'resume', wait: 'none', says: 'nothing', wakes: 'never' },
  throttled: { next: 'resume', wait: 'asked', says: 'reconnecting', wakes: 'served' },
  unavailable: { next: 'resume', wait: 'asked', says: 'reconnecting', wakes: 'served' },
  // A server that has not caught up with our version; a list without one is always answered.
  tooNew: { next: 'relist', wait: 'asked', says: 'reconnecting', wakes: 'never' },
  unsupported: { next: 'relist', wait: 'right', says: 'unsupported', wakes: 'never' },
  noWatchList: { next: 'relist', wait: 'none', says: 'nothing', wakes: 'never' },
  trouble: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'served' },
  strange: { next: 'resume', wait: 'backoff', says: 'reconnecting', wakes: 'served' },
};

/** `probe`: a list of one object, which says whether the server lists. */
export type Step = 'list' | 'watchList' | 'watch' | 'probe';

/** A step that did not come to its end, and why, in a person's words. */
export interface Interruption {
  readonly fault: Fault;
  readonly reason: string;
  /** What the person can do about it. */
  readonly hint?: string;
  readonly retryAfterMs: number | undefined;
}

/** Which row of the table an error is. */
export function interruptionOf(error: unknown, step: Step): Interruption {
  if (!(error instanceof KubeError))
    return {
      fault: 'corrupt',
      reason: error instanceof Error ? error.message : String(error),
      retryAfterMs: undefined,
    };
  return {
    fault: faultOf(error, step),
    reason: error.message,
    hint: error.hint,
    retryAfterMs: error.retryAfterMs,
  };
}

function faultOf(error: KubeError, step: Step): Fault {
  const { kind, status } = error;
  // Gate off (422), a proxy that strips the query (400): the plain way always works.
  if (step === 'watchList' && (status === 422 || status === 400)) return 'noWatchList';
  const lists = step === 'list' || step === 'probe';
  if (!lists && status === 405) return 'watchForbidden';
  switch (kind) {
    case 'gone':
      return 'expired';
    case 'unauthorized':
      return 'unauthorized';
    case 'credentials':
      return 'credentials';
    case 'forbidden':
      return lists ? 'listForbidden' : 'watchForbidden';
    case 'not-found':
      return 'unsupported';
    case 'too-many-requests':
      return 'throttled';
    case 'unavailable':
      return 'unavailable';
    case 'timeout':
      return status === 504 ? (isTooNew(error) ? 'tooNew' : 'unavailable') : 'unreachable';
    case 'unreachable':
      return /cut the connection|is lost/.test(error.message) ? 'cut' : 'unreachable';
    case 'tls':
      return 'tls';
    case 'bad-answer':
      return 'strange';
    default:
      return 'trouble';
  }
}

/** Gateways answer 504 as well, for a server that is away: its versions are as good as before. */
const isTooNew = ({ message, answer }: KubeError): boolean =>
  /too large resource version/i.test(message) ||
  JSON.stringify(answer ?? '').includes('ResourceVersionTooLarge');
