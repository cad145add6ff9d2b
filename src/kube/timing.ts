/**
 * The clock, the chance, and the intervals and deadlines of `kube/` that a test may want to shorten.
 * The numbers are client-go's where it has one (`tools/cache/reflector.go`), else those of the freshness rules.
 */
export interface Timing {
  /** Epoch ms. */
  readonly now: () => number;
  /** 0–1, for jitter. */
  readonly random: () => number;
  /** From the first SYN to the end of the TLS handshake, proxy included. */
  readonly connectMs: number;
  /** Until the headers of a watch or a log. */
  readonly headersMs: number;
  /** Silence within any other answer. */
  readonly requestMs: number;
  readonly pingEveryMs: number;
  /** Neither a byte nor an answer for so long: what is shown is stale. */
  readonly silentAfterMs: number;
  /** Between two attempts to reach a server that fell silent. */
  readonly probeEveryMs: number;
  readonly tickMs: number;
  /** A wall clock that moved by more between two ticks: the machine slept, or the process was stopped. */
  readonly clockJumpMs: number;
  readonly watchMinMs: number;
  readonly watchMaxMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
  /** A stream that lived so long starts its back-off anew. */
  readonly healthyMs: number;
  /** A stream that lived so long was no failure: what it failed of before says nothing of the version that it goes on from. */
  readonly steadyMs: number;
  /** While streams wait for the server to recover, one of them asks this often. */
  readonly scoutEveryMs: number;
  /** A watch that goes on after an outage and brings nothing for so long: has the server gone back in time? */
  readonly epochAfterMs: number;
  /** In the middle of a list, a page is asked for again this long: its token lives about as long on the server. */
  readonly pagePatienceMs: number;
  /** A watch that ends sooner and brought nothing is an error, not an end. */
  readonly shortWatchMs: number;
  /** Bookmarks come about each 60 s; a watch silent for longer is probed, then reopened. */
  readonly quietWatchMs: number;
  /** A streaming list that sends nothing for so long is given up for pages. */
  readonly watchListSilenceMs: number;
  /** A round trip that says that the way is a long and narrow one: a VPN, another continent. */
  readonly farMs: number;
  readonly pollEveryMs: number;
  /** A refused right, or a kind that the server lacks, is asked for again. */
  readonly rightRetryMs: number;
  /** The first time sooner: most refusals in mid-flight are an authoriser that is restarting. */
  readonly rightRetryFirstMs: number;
  readonly rightsCacheMs: number;
  /** What the server serves is asked for once within so long. */
  readonly discoveryKeptMs: number;
  /** Decoding hands the event loop back this often. */
  readonly sliceMs: number;
  /** Events of a watch are read together, so far apart. */
  readonly batchMs: number;
  readonly pluginMs: number;
  /** A credential is renewed so long before it expires. */
  readonly expirySkewMs: number;
  /** A plugin that failed is not run again sooner, unless a person asks. */
  readonly pluginRetryMs: number;
}

export const realTiming: Timing = {
  now: Date.now,
  random: Math.random,
  connectMs: 10_000,
  headersMs: 30_000,
  requestMs: 60_000,
  pingEveryMs: 5_000,
  silentAfterMs: 10_000,
  probeEveryMs: 3_000,
  tickMs: 1_000,
  clockJumpMs: 10_000,
  watchMinMs: 300_000,
  watchMaxMs: 600_000,
  backoffFirstMs: 800,
  backoffMaxMs: 30_000,
  healthyMs: 120_000,
  steadyMs: 10_000,
  scoutEveryMs: 4_000,
  epochAfterMs: 5_000,
  pagePatienceMs: 240_000,
  shortWatchMs: 1_000,
  quietWatchMs: 75_000,
  watchListSilenceMs: 10_000,
  farMs: 30,
  pollEveryMs: 15_000,
  rightRetryMs: 300_000,
  rightRetryFirstMs: 5_000,
  rightsCacheMs: 60_000,
  discoveryKeptMs: 10_000,
  sliceMs: 8,
  batchMs: 100,
  pluginMs: 60_000,
  expirySkewMs: 60_000,
  pluginRetryMs: 30_000,
};

/** Full jitter: anywhere between nothing and the ceiling, so that a thousand clients do not return at once. */
export function backoffMs(attempt: number, timing: Timing): number {
  return timing.random() * Math.min(timing.backoffMaxMs, timing.backoffFirstMs * 2 ** Math.min(attempt, 20));
}

/** After 5 s, 15 s, 30 s, 60 s and so on up to `rightRetryMs`; up to a fifth later, so that not all ask in the same second. */
export function refusalWaitMs(refusals: number, timing: Timing): number {
  const steps = refusals === 0 ? 1 : 3 * 2 ** Math.min(refusals - 1, 20);
  return Math.round(
    Math.min(timing.rightRetryMs, timing.rightRetryFirstMs * steps) * (1 + timing.random() / 5),
  );
}
