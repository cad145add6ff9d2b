/** Where one kind in one scope stands: the shapes of kube's StreamState, which the feed carries over. Times are epoch ms. */
export type LinkState =
  /** `soFar` objects have arrived; `expected` is the server's estimate, undefined where it gives none. */
  | {
      readonly state: 'listing';
      readonly soFar: number;
      readonly expected: number | undefined;
      readonly sinceMs: number;
    }
  /** `polledEveryMs`: the kind may be listed but not watched, so what is shown may be as old as that. */
  | { readonly state: 'live'; readonly sinceMs: number; readonly polledEveryMs?: number }
  | { readonly state: 'unverified'; readonly sinceMs: number; readonly reason: string }
  | { readonly state: 'stale'; readonly sinceMs: number; readonly reason: string }
  | {
      readonly state: 'reconnecting';
      readonly sinceMs: number;
      readonly reason: string;
      readonly hint?: string;
      /** The server refuses the credentials (401), or there are none to be had: only a person can help. */
      readonly login?: 'refused' | 'failed';
      readonly retryAtMs: number;
    }
  | {
      readonly state: 'forbidden';
      readonly sinceMs: number;
      readonly reason: string;
      readonly retryAtMs: number;
    }
  | { readonly state: 'unsupported'; readonly sinceMs: number; readonly reason: string };

export type Link = LinkState & {
  /** The resource's name: `pods`. */
  readonly resource: string;
  /** A namespace, `''` for all of them. */
  readonly scope: string;
};

/** How bad a state is for the person who reads the screen: the header shows the worst. */
const rank: Readonly<Record<LinkState['state'], number>> = {
  live: 0,
  unsupported: 0,
  listing: 1,
  unverified: 2,
  forbidden: 3,
  stale: 4,
  reconnecting: 5,
};

/** What is polled lags behind what is pushed. */
export const isPolled = (link: Link): boolean => link.state === 'live' && link.polledEveryMs !== undefined;

const badness = (link: Link): number => rank[link.state] + (isPolled(link) ? 0.5 : 0);

/** The worst of the links, the oldest among equals; undefined where there are none. */
export function worstLink(links: Iterable<Link>): Link | undefined {
  let worst: Link | undefined;
  for (const link of links) {
    const more = worst === undefined ? 1 : badness(link) - badness(worst);
    if (worst === undefined || more > 0 || (more === 0 && link.sinceMs < worst.sinceMs)) worst = link;
  }
  return worst;
}

/** True where the rows on the screen may be older than they look. */
export const isStale = (link: Link | undefined): boolean =>
  link !== undefined && (link.state === 'stale' || link.state === 'reconnecting');
