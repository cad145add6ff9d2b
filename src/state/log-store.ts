import { signatures } from '../checklist/signatures/index.ts';
import type { Signature } from '../checklist/signatures/signature.ts';
import {
  cleanLine,
  isGoneNotice,
  levelTone,
  mayBeError,
  type TraceTracker,
  traceTracker,
} from './log-text.ts';

/** Lines kept: 16 MB, the objects around them included. */
export const logBytes: number = 16 * 1024 * 1024;

/** What has come and is not looked at yet; beyond it the oldest are dropped and counted. */
const waitingBytes = 16 * 1024 * 1024;

/** Of one entry besides its text: the object, its place in two lists, and the line with its time that the text is cut from. */
const entryOverhead = 200;

/** Lines looked at between two looks at the clock. */
const stride = 256;

/** How a followed container stands, in a person's words. */
export type SourceState =
  | { readonly state: 'connecting' | 'following' | 'queued' }
  | { readonly state: 'waiting' | 'reconnecting'; readonly reason: string; readonly retryAtMs: number }
  | { readonly state: 'ended'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string; readonly hint: string };

/** One container of one pod. Changed in place by the store and by who follows it. */
export interface LogSource {
  readonly index: number;
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly rank: number | undefined;
  /** What tells it from the others, in the gutter. */
  label: string;
  state: SourceState;
  lines: number;
  /** Time of its newest line by the log's clock, epoch ms. */
  lastAt: number | undefined;
  /** When its last line came here, epoch ms. */
  heardMs: number | undefined;
  isPrevious: boolean;
  isGone: boolean;
  /** When its container was seen to die, epoch ms. */
  diedAt: number | undefined;
  /** The line that says best what went wrong. */
  error: LogError | undefined;
  readonly trace: TraceTracker;
  traceHead: LogEntry | undefined;
}

export interface LogError {
  readonly entry: LogEntry;
  /** Undefined: it only calls itself an error. */
  readonly signature: Signature | undefined;
}

export interface LogEntry {
  readonly at: number;
  /** Of arrival: breaks ties. */
  readonly order: number;
  readonly source: LogSource | undefined;
  readonly kind: 'line' | 'mark' | 'note' | 'death' | 'event';
  readonly text: string;
  /** Redraws of a progress bar that this line stands for. */
  readonly updates: number;
  /** Bytes of the line that were not kept. */
  readonly cut: number;
  readonly trace: 'head' | 'body' | 'none';
  /** Lines below a trace's first one that folding hides. */
  folded: number;
}

export interface RawLine {
  readonly text: string;
  readonly time: string | undefined;
  readonly cutBytes: number;
}

export interface LogFilter {
  readonly pattern: RegExp | undefined;
  readonly invert: boolean;
  readonly context: number | 'all';
  readonly folded: boolean;
}

export interface Key {
  readonly at: number;
  readonly order: number;
}

/** The lines of a log view: one ring by bytes, in the order of the log's own clock, and what of it is shown. */
export interface LogStore {
  readonly sources: () => readonly LogSource[];
  readonly addSource: (source: Pick<LogSource, 'namespace' | 'pod' | 'container' | 'rank'>) => LogSource;
  /** Called for each line that arrives: only keeps it until `settle`. */
  readonly push: (source: LogSource, line: RawLine) => void;
  /** A line of mltop's own; at the end unless `at` says when it belongs. */
  readonly note: (
    kind: 'mark' | 'note' | 'death' | 'event',
    text: string,
    source?: LogSource,
    at?: number,
  ) => void;
  /** Takes in what has come, for `budgetMs`. True while there is more. */
  readonly settle: (nowMs: number, budgetMs: number) => boolean;
  readonly setFilter: (filter: LogFilter) => void;
  /** Brings the shown lines up to date, for `budgetMs`. True while there is more. */
  readonly show: (budgetMs: number) => boolean;
  readonly shownLength: () => number;
  readonly shownAt: (index: number) => LogEntry | undefined;
  /** Index among the shown of the first that is not before the key. */
  readonly shownFrom: (key: Key) => number;
  readonly matches: (entry: LogEntry) => boolean;
  readonly matchCount: () => number;
  readonly length: () => number;
  readonly bytes: () => number;
  /** Lines that were dropped: pushed out by newer ones, or come faster than they could be taken in. */
  readonly dropped: () => { readonly old: number; readonly late: number };
  /** Lines a second, of the last few. */
  readonly rate: (nowMs: number) => number;
  readonly firstError: () => LogError | undefined;
  readonly version: () => number;
  readonly clear: () => void;
  /** Another view: no sources, no lines. */
  readonly reset: () => void;
  readonly touch: () => void;
  readonly subscribe: (listener: () => void) => () => void;
}

const isBefore = (a: Key, b: Key): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

const noFilter: LogFilter = { pattern: undefined, invert: false, context: 0, folded: true };

export function createLogStore(limit: number = logBytes): LogStore {
  const listeners = new Set<() => void>();
  let sources: LogSource[] = [];
  let waiting: { readonly source: LogSource; readonly line: RawLine }[] = [];
  let taken = 0;
  let waitingSize = 0;
  let entries: LogEntry[] = [];
  let start = 0;
  let bytes = 0;
  let order = 0;
  let version = 0;
  let droppedOld = 0;
  let droppedLate = 0;
  let filter = noFilter;
  let shown: LogEntry[] = [];
  let shownStart = 0;
  /** Entries before this index are judged. */
  let judged = 0;
  /** Lines still to show behind a match. */
  let after = 0;
  let lastShown = -1;
  let matched = 0;
  let counted = { ms: 0, lines: 0, rate: 0 };

  const sizeOf = (entry: LogEntry): number => entry.text.length + entryOverhead;

  function changed(): void {
    version += 1;
    for (const listener of listeners) listener();
  }

  function entryOf(source: LogSource, { text: raw, time, cutBytes }: RawLine): LogEntry {
    const { text, updates } = cleanLine(raw);
    const at = (time === undefined ? undefined : timeOf(time)) ?? source.lastAt ?? entries.at(-1)?.at ?? 0;
    const isNotice = source.lines === 0 && isGoneNotice(text);
    const trace = isNotice ? 'none' : source.trace.next(text);
    const entry: LogEntry = {
      at,
      order: order++,
      source,
      kind: isNotice ? 'note' : 'line',
      text: isNotice ? `The node no longer has this log: ${text}` : text,
      updates,
      cut: cutBytes,
      trace,
      folded: 0,
    };
    if (trace === 'head') source.traceHead = entry;
    else if (trace === 'body' && source.traceHead !== undefined) source.traceHead.folded += 1;
    source.lines += 1;
    source.lastAt = Math.max(source.lastAt ?? at, at);
    judgeError(source, entry);
    return entry;
  }

  /** Puts a batch where it belongs by time: most of it at the end. */
  function insert(batch: LogEntry[]): void {
    if (batch.length === 0) return;
    if (!batch.every((entry, at) => at === 0 || !isBefore(entry, batch[at - 1] as LogEntry))) {
      batch.sort((a, b) => a.at - b.at || a.order - b.order);
    }
    const first = batch[0] as LogEntry;
    for (const entry of batch) bytes += sizeOf(entry);
    const last = entries.at(-1);
    if (last === undefined || entries.length === start || !isBefore(first, last)) {
      for (const entry of batch) entries.push(entry);
    } else {
      const from = firstNotBefore(entries, start, first);
      const tail = entries.splice(from);
      mergeInto(entries, tail, batch);
      rejudge(from);
    }
    trim();
  }

  function trim(): void {
    while (bytes > limit && start < entries.length) {
      const entry = entries[start] as LogEntry;
      bytes -= sizeOf(entry);
      if (entry.kind === 'line') droppedOld += 1;
      start += 1;
    }
    const first = entries[start];
    while (
      shownStart < shown.length &&
      (first === undefined || isBefore(shown[shownStart] as LogEntry, first))
    ) {
      if (filter.pattern !== undefined && matches(shown[shownStart] as LogEntry)) matched -= 1;
      shownStart += 1;
    }
    judged = Math.max(judged, start);
    // Dropped ones are let go in one piece now and then: moving the list for each would cost more than they do.
    if (start > 4096 && start > entries.length / 4) {
      entries = entries.slice(start);
      judged -= start;
      lastShown -= start;
      start = 0;
    }
    if (shownStart > 4096 && shownStart > shown.length / 4) {
      shown = shown.slice(shownStart);
      shownStart = 0;
    }
  }

  /** What is shown from this entry on must be looked at again. */
  function rejudge(index: number): void {
    if (index >= judged) return;
    const reach = filter.context === 'all' ? 0 : filter.context;
    const from = Math.max(start, index - reach);
    const key = entries[from];
    while (shown.length > shownStart && (key === undefined || !isBefore(shown.at(-1) as LogEntry, key))) {
      const gone = shown.pop() as LogEntry;
      if (filter.pattern !== undefined && matches(gone)) matched -= 1;
    }
    judged = from;
    lastShown = from - 1;
    after = 0;
    for (let back = 1; back <= reach && from - back >= start; back += 1) {
      if (!matches(entries[from - back] as LogEntry)) continue;
      after = reach - back + 1;
      break;
    }
  }

  function matches(entry: LogEntry): boolean {
    const { pattern, invert } = filter;
    if (pattern === undefined) return true;
    pattern.lastIndex = 0;
    return pattern.test(entry.source === undefined ? entry.text : entry.text) !== invert;
  }

  function judge(index: number): void {
    const entry = entries[index] as LogEntry;
    const isMatch = filter.pattern === undefined || matches(entry);
    if (filter.pattern !== undefined && isMatch) matched += 1;
    // A search looks into what is folded, too.
    if (entry.trace === 'body' && filter.folded && filter.pattern === undefined) return;
    if (filter.pattern === undefined || filter.context === 'all' || entry.kind === 'mark') {
      shown.push(entry);
      lastShown = index;
      return;
    }
    if (isMatch) {
      for (let at = Math.max(lastShown + 1, start, index - filter.context); at < index; at += 1) {
        shown.push(entries[at] as LogEntry);
      }
      shown.push(entry);
      lastShown = index;
      after = filter.context;
    } else if (after > 0) {
      after -= 1;
      shown.push(entry);
      lastShown = index;
    }
  }

  function forgetShown(): void {
    shown = [];
    shownStart = 0;
    judged = start;
    lastShown = start - 1;
    after = 0;
    matched = 0;
  }

  function forgetLines(): void {
    entries = [];
    start = 0;
    bytes = 0;
    forgetShown();
  }

  function dropLate(): void {
    while (waitingSize > waitingBytes && taken < waiting.length) {
      const late = waiting[taken] as (typeof waiting)[number];
      waitingSize -= late.line.text.length + entryOverhead;
      taken += 1;
      droppedLate += 1;
    }
  }

  return {
    sources: () => sources,
    addSource(given) {
      const source: LogSource = {
        ...given,
        index: sources.length,
        label: given.pod,
        state: { state: 'connecting' },
        lines: 0,
        lastAt: undefined,
        heardMs: undefined,
        isPrevious: false,
        isGone: false,
        diedAt: undefined,
        error: undefined,
        trace: traceTracker(),
        traceHead: undefined,
      };
      sources = [...sources, source];
      nameSources(sources);
      changed();
      return source;
    },
    push(source, line) {
      waiting.push({ source, line });
      waitingSize += line.text.length + entryOverhead;
      if (waitingSize > waitingBytes) dropLate();
    },
    note(kind, text, source, at) {
      const newest = entries.at(-1)?.at ?? 0;
      const time = at ?? source?.lastAt ?? newest;
      insert([
        { at: time, order: order++, source, kind, text, updates: 0, cut: 0, trace: 'none', folded: 0 },
      ]);
      changed();
    },
    settle(nowMs, budgetMs) {
      if (taken >= waiting.length) return false;
      const deadline = performance.now() + budgetMs;
      const batch: LogEntry[] = [];
      while (taken < waiting.length) {
        if (batch.length % stride === 0 && batch.length > 0 && performance.now() >= deadline) break;
        const { source, line } = waiting[taken] as (typeof waiting)[number];
        taken += 1;
        waitingSize -= line.text.length + entryOverhead;
        source.heardMs = nowMs;
        batch.push(entryOf(source, line));
      }
      const isMore = taken < waiting.length;
      if (!isMore) {
        waiting = [];
        taken = 0;
      } else if (taken > 65_536) {
        waiting = waiting.slice(taken);
        taken = 0;
      }
      insert(batch);
      if (nowMs - counted.ms >= 1000) {
        const seconds = counted.ms === 0 ? 1 : (nowMs - counted.ms) / 1000;
        counted = { ms: nowMs, lines: 0, rate: counted.lines / seconds };
      }
      counted.lines += batch.length;
      changed();
      return isMore;
    },
    setFilter(next) {
      const isSame =
        next.pattern?.source === filter.pattern?.source &&
        next.pattern?.flags === filter.pattern?.flags &&
        next.invert === filter.invert &&
        next.context === filter.context &&
        next.folded === filter.folded;
      if (isSame) return;
      filter = next;
      forgetShown();
    },
    show(budgetMs) {
      if (judged >= entries.length) return false;
      const deadline = performance.now() + budgetMs;
      while (judged < entries.length) {
        judge(judged);
        judged += 1;
        if (judged % stride === 0 && performance.now() >= deadline) break;
      }
      return judged < entries.length;
    },
    shownLength: () => shown.length - shownStart,
    shownAt: (index) => (index < 0 ? undefined : shown[shownStart + index]),
    shownFrom: (key) => firstNotBefore(shown, shownStart, key) - shownStart,
    matches: (entry) => filter.pattern !== undefined && matches(entry),
    matchCount: () => matched,
    length: () => entries.length - start,
    bytes: () => bytes,
    dropped: () => ({ old: droppedOld, late: droppedLate }),
    rate: (nowMs) => (nowMs - counted.ms > 3000 ? 0 : counted.rate),
    firstError: () => firstErrorOf(sources),
    version: () => version,
    clear() {
      forgetLines();
      for (const source of sources) {
        source.error = undefined;
        source.traceHead = undefined;
      }
      changed();
    },
    reset() {
      forgetLines();
      sources = [];
      waiting = [];
      taken = 0;
      waitingSize = 0;
      droppedOld = 0;
      droppedLate = 0;
      counted = { ms: 0, lines: 0, rate: 0 };
      changed();
    },
    touch: changed,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The first index from `start` whose entry is not before the key. */
function firstNotBefore(entries: readonly LogEntry[], start: number, key: Key): number {
  let low = start;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(entries[middle] as LogEntry, key)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function mergeInto(into: LogEntry[], a: readonly LogEntry[], b: readonly LogEntry[]): void {
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const [left, right] = [a[i], b[j]];
    if (right === undefined || (left !== undefined && !isBefore(right, left))) {
      into.push(left as LogEntry);
      i += 1;
    } else {
      into.push(right);
      j += 1;
    }
  }
}

let secondText = '';
let secondMs = 0;

/** RFC 3339 with nanoseconds as epoch ms with a fraction: within a quarter of a microsecond. */
function timeOf(time: string): number | undefined {
  // Thousands of lines a second share their seconds.
  const head = time.slice(0, 19);
  const rest = /^(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(time.slice(19));
  if (rest === null) return undefined;
  const zone = rest[2] ?? 'Z';
  const second = head + zone;
  if (second !== secondText) {
    const ms = Date.parse(second);
    if (Number.isNaN(ms)) return undefined;
    secondText = second;
    secondMs = ms;
  }
  return secondMs + Number(rest[1] ?? 0) * 1000;
}

/** Keeps the best evidence of a source: the highest rank, the earliest among equals. */
function judgeError(source: LogSource, entry: LogEntry): void {
  const { error } = source;
  if (!mayBeError(entry.text)) return;
  const known = error?.signature?.rank ?? (error === undefined ? -1 : 0);
  let best: Signature | undefined;
  for (const signature of signatures) {
    if (signature.state === '' || signature.rank <= Math.max(known, best?.rank ?? 0)) continue;
    if (signature.pattern.test(entry.text)) best = signature;
  }
  if (best !== undefined) source.error = { entry, signature: best };
  else if (error === undefined && levelTone(entry.text) === 'bad')
    source.error = { entry, signature: undefined };
}

/** Symptoms of somebody else's failure never head the list while there is a cause. */
const causeRank = 40;

/**
 * The line that began it, across all ranks: of those that name a cause, the one whose container died first, else the
 * earliest; symptoms and plain errors only where nothing better is there (gpu.md 6.1).
 */
function firstErrorOf(sources: readonly LogSource[]): LogError | undefined {
  const errors = sources.flatMap((source) =>
    source.error === undefined ? [] : [{ source, error: source.error }],
  );
  const rank = ({ error }: { readonly error: LogError }): number => error.signature?.rank ?? 0;
  const causes = errors.filter((one) => rank(one) >= causeRank);
  const symptoms = errors.filter((one) => rank(one) > 0);
  const pool = causes.length > 0 ? causes : symptoms.length > 0 ? symptoms : errors;
  const byDeath = pool.toSorted(
    (a, b) =>
      (a.source.diedAt ?? Number.POSITIVE_INFINITY) - (b.source.diedAt ?? Number.POSITIVE_INFINITY) ||
      a.error.entry.at - b.error.entry.at,
  );
  return (
    byDeath[0]?.source.diedAt === undefined
      ? pool.toSorted((a, b) => a.error.entry.at - b.error.entry.at)
      : byDeath
  )[0]?.error;
}

/** Names without what all of them begin with: `llama-worker-0` and `llama-worker-11` are `0` and `11`. */
function nameSources(sources: readonly LogSource[]): void {
  const containers = new Map<string, number>();
  for (const { pod } of sources) containers.set(pod, (containers.get(pod) ?? 0) + 1);
  const pods = [...containers.keys()];
  const prefix = pods.length > 1 ? commonPrefix(pods) : '';
  for (const source of sources) {
    const short = pods.length === 1 ? '' : source.pod.slice(prefix.length);
    const isOnly = sources.length > 1 && containers.get(source.pod) === 1;
    source.label = isOnly || sources.length === 1 ? short : `${short} ${source.container}`.trim();
  }
}

/** Up to a dash, and never a whole word less than is needed to tell what is what. */
function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? '';
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1);
  const dash = prefix.lastIndexOf('-');
  const before = prefix.lastIndexOf('-', dash - 1);
  return dash < 0 ? '' : prefix.slice(0, before + 1);
}
