/** Where one list-and-watch stands. Times are epoch ms; `hint` is what the person can do. `state/link.ts` has the same shape; the feed carries it over. */
export type StreamState =
  /** `soFar` objects have arrived; `expected` is the server's estimate, undefined where it gives none. */
  | {
      readonly state: 'listing';
      readonly soFar: number;
      readonly expected: number | undefined;
      readonly sinceMs: number;
    }
  /** `polledEveryMs`: the kind may be listed but not watched, so what is shown may be as old as that. */
  | { readonly state: 'live'; readonly sinceMs: number; readonly polledEveryMs?: number }
  /** Nothing contradicts it, but nothing proves it either (clock jump, probe under way). */
  | { readonly state: 'unverified'; readonly sinceMs: number; readonly reason: string }
  /** Neither a byte nor an answer for 10 s: what is shown is as old as `sinceMs`. */
  | { readonly state: 'stale'; readonly sinceMs: number; readonly reason: string }
  /** The stream is down; the next try is at `retryAtMs`. What is shown is as old as `sinceMs`. */
  | {
      readonly state: 'reconnecting';
      readonly sinceMs: number;
      readonly reason: string;
      readonly hint?: string;
      /** Nothing is wrong with the network: the server refuses the credentials (401), or there are none to be had. */
      readonly login?: 'refused' | 'failed';
      readonly retryAtMs: number;
    }
  /** 403. `retryAtMs`: when the right is asked for again. */
  | {
      readonly state: 'forbidden';
      readonly sinceMs: number;
      readonly reason: string;
      readonly hint?: string;
      readonly retryAtMs: number;
    }
  /** The server does not have this kind. */
  | {
      readonly state: 'unsupported';
      readonly sinceMs: number;
      readonly reason: string;
      readonly hint?: string;
    };
