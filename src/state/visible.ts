import type { Row, Table } from '../resources/resource.ts';
import { type Ghost, keyOf, type RowHook } from './cluster.ts';
import { createWords, type Filter, narrows, parseFilter, type Words } from './filter.ts';
import {
  type Compare,
  columnOf,
  comparator,
  findRow,
  insertRow,
  mergeInSteps,
  removeRow,
  type SortOrder,
  sortInSteps,
} from './order.ts';

/** Where the rows of a table come from: one kind of the cluster, or something derived from several. */
export interface RowSource<R extends Row> {
  readonly rows: () => Iterable<R>;
  readonly get: (key: string) => R | undefined;
  readonly ghost: (key: string, nowMs: number) => Ghost | undefined;
  readonly isFault: (key: string) => boolean;
  /** The hook's rows are of this source. */
  readonly onRow: (hook: RowHook) => () => void;
}

/** Only rows whose cell says exactly this: the pods of one node. */
export interface Where {
  readonly column: string;
  readonly equals: string;
}

export interface Query {
  readonly namespaces: 'all' | readonly string[];
  readonly where: Where | undefined;
  readonly filter: string;
  /** Undefined: faults first, then as the table says. */
  readonly sort: SortOrder | undefined;
  readonly faultsOnly: boolean;
}

/** The rows of one table in the order in which they are shown. */
export interface Visible<R extends Row = Row> {
  readonly ask: (query: Query, nowMs: number) => void;
  /** Works through what waits, for about `budgetMs`; true while something is left to do. */
  readonly settle: (nowMs: number, budgetMs: number) => boolean;
  /** Nothing changes places until then: the person is moving the cursor and is about to press Enter. */
  readonly freeze: (untilMs: number) => void;
  /** Rows shown. */
  readonly length: () => number;
  /** Rows in the namespaces asked for, before the filter. */
  readonly total: () => number;
  /** Faults among them. */
  readonly faults: () => number;
  /** A sort or a filter is still under way: `length` will change. */
  readonly busy: () => boolean;
  /** Rows wait for the order to thaw. */
  readonly waiting: () => boolean;
  readonly note: () => string | undefined;
  /** The newest version of the row at this place. */
  readonly at: (index: number) => R | undefined;
  /** -1 where it is not shown. `near` is where it was last. */
  readonly indexOf: (key: string, near: number) => number;
  /** Every row shown, in order: for saving. */
  readonly all: () => Iterable<R>;
  readonly dispose: () => void;
}

/** Faults, then the rest; without "faults first" the first part is empty. */
type Parts<R> = readonly [R[], R[]];

interface Waiting<R> {
  /** As the index holds it. */
  readonly before: R | undefined;
  after: R | undefined;
}

// Rows between two looks at the clock while a filter runs.
const scanStride = 256;

// A merge costs in proportion to the whole table: while a long list comes in, this share of the time goes into merging.
const mergeShare = 0.1;

// From here on one merge is cheaper than that many insertions, each of which moves half of the array.
const mergeFrom = 512;

/** Rows that are sorted by a measurement change places at most this often. */
const readEveryMs = 1000;

export function createVisible<R extends Row>(table: Table<R>, source: RowSource<R>): Visible<R> {
  let query: Query = { namespaces: [], where: undefined, filter: '', sort: undefined, faultsOnly: false };
  let compare: Compare<R> = comparator<R>(undefined, false);
  let base: Parts<R> = [[], []];
  let shown: Parts<R> = base;
  let filter: Filter<R> | undefined;
  let words: Words<R> | undefined;
  let filterDone = true;
  let job: Generator<undefined, void> | undefined;
  let asked = false;
  /** A job is making a new `base`; the present one is in another order or lacks changes that are no longer waiting. */
  let baseIsOld = false;
  let inWhere: ((row: R) => boolean) | undefined;
  /** What `live` columns read is as new as this. */
  let epoch = table.epoch?.() ?? 0;
  let readAgainMs = 0;
  let frozenUntilMs = 0;
  let now = 0;
  let mergeStartedMs = 0;
  /** On the clock of `performance.now`. */
  let mergeAgainMs = 0;
  /** Keys of the rows of `base` that are at fault; in its first part where faults stand first. */
  const faults = new Set<string>();
  const waiting = new Map<string, Waiting<R>>();

  const stopListening = source.onRow((before, after) => {
    const key = keyOf((after ?? before) as Row);
    const known = waiting.get(key);
    // A source gives rows of its own table only (see RowSource.onRow).
    if (known === undefined)
      waiting.set(key, { before: before as R | undefined, after: after as R | undefined });
    else known.after = after as R | undefined;
  });

  const isMeasured = (): boolean =>
    query.sort !== undefined && columnOf(table, query.sort.column)?.live === true;

  /** What rows are sorted by has changed under them: a search by halves would miss. */
  const isOutOfOrder = (): boolean =>
    baseIsOld || (table.epoch !== undefined && table.epoch() !== epoch && isMeasured());

  const splits = (): boolean => query.sort === undefined || query.faultsOnly;

  function isInScope(row: R): boolean {
    const { namespaces } = query;
    if (namespaces !== 'all' && table.namespaced && !namespaces.includes(row.namespace)) return false;
    return inWhere === undefined || inWhere(row);
  }

  function* rebuild(): Generator<undefined, void> {
    baseIsOld = true;
    // One moment's rows: what changes from here on waits, and is applied on top of them.
    waiting.clear();
    const rows = [...source.rows()];
    const bad: R[] = [];
    const rest: R[] = [];
    const atFault: string[] = [];
    let seen = 0;
    for (const row of rows) {
      if (isInScope(row)) {
        const isFault = source.isFault(keyOf(row));
        if (isFault) atFault.push(keyOf(row));
        (splits() && isFault ? bad : rest).push(row);
      }
      seen += 1;
      if (seen % (scanStride * 8) === 0) yield;
    }
    const sortedBad = yield* sortInSteps(bad, compare);
    const sortedRest = yield* sortInSteps(rest, compare);
    faults.clear();
    for (const key of atFault) faults.add(key);
    base = [sortedBad, sortedRest];
    baseIsOld = false;
    yield* scan(base);
  }

  /** Fills `shown` from the top, so that the first screenful is there at once. */
  function* scan(from: Parts<R>): Generator<undefined, void> {
    if (filter === undefined && !query.faultsOnly) {
      shown = base;
      filterDone = true;
      return;
    }
    filterDone = false;
    const found: Parts<R> = [[], []];
    shown = found;
    for (const part of [0, 1] as const) {
      if (part === 1 && query.faultsOnly) break;
      let seen = 0;
      for (const row of from[part]) {
        if (filter === undefined || filter.matches(row, now)) found[part].push(row);
        seen += 1;
        if (seen % scanStride === 0) yield;
      }
    }
    filterDone = true;
  }

  function applyOne(key: string, change: Waiting<R>): void {
    const { before, after } = change;
    if (staysInPlace(key, before, after)) return;
    if (before !== undefined && isInScope(before)) {
      const part = faults.delete(key) && splits() ? 0 : 1;
      removeRow(base[part], before, compare);
      if (shown !== base) removeRow(shown[part], before, compare);
    }
    if (after === undefined || !isInScope(after)) return;
    const isFault = source.isFault(key);
    const part = splits() && isFault ? 0 : 1;
    if (isFault) faults.add(key);
    insertRow(base[part], after, compare);
    if (shown !== base && passes(after, part)) insertRow(shown[part], after, compare);
  }

  /** Most changes move nothing: the new row then stands where the old one stood, and nothing else is touched. */
  function staysInPlace(key: string, before: R | undefined, after: R | undefined): boolean {
    if (before === undefined || after === undefined || shown !== base) return false;
    if (faults.has(key) !== source.isFault(key) || compare(before, after) !== 0) return false;
    if (!isInScope(before) || !isInScope(after)) return false;
    const part = base[splits() && faults.has(key) ? 0 : 1];
    const place = findRow(part, before, compare);
    if (place === -1) return false;
    part[place] = after;
    return true;
  }

  const passes = (row: R, part: 0 | 1): boolean =>
    !(part === 1 && query.faultsOnly) && (filter === undefined || filter.matches(row, now));

  /** Many changes at once: the rest stays sorted, the new ones are sorted, the two are merged. */
  function* applyMany(): Generator<undefined, void> {
    baseIsOld = true;
    mergeStartedMs = performance.now();
    const changes = new Map(waiting);
    waiting.clear();
    let onlyAdds = true;
    const added: Parts<R> = [[], []];
    const inFaults = new Set(faults);
    for (const [key, { before, after }] of changes) {
      if (before !== undefined) onlyAdds = false;
      inFaults.delete(key);
      if (after === undefined || !isInScope(after)) continue;
      const isFault = source.isFault(key);
      added[splits() && isFault ? 0 : 1].push(after);
      if (isFault) inFaults.add(key);
    }
    yield;
    const merged: Parts<R> = [yield* mergePart(0), yield* mergePart(1)];
    base = merged;
    baseIsOld = false;
    const doneMs = performance.now();
    mergeAgainMs = doneMs + (doneMs - mergeStartedMs) / mergeShare;
    faults.clear();
    for (const key of inFaults) faults.add(key);
    yield* scan(base);

    function* mergePart(part: 0 | 1): Generator<undefined, R[]> {
      // While a list comes in, everything is new, and nothing has to be taken out first.
      const kept = onlyAdds ? base[part] : base[part].filter((row) => !changes.has(keyOf(row)));
      yield;
      return yield* mergeInSteps(kept, yield* sortInSteps(added[part], compare), compare);
    }
  }

  function runJob(deadline: number): boolean {
    while (job !== undefined) {
      if (job.next().done === true) job = undefined;
      else if (performance.now() >= deadline) return false;
    }
    return true;
  }

  function startFilter(previous: string): void {
    words = query.filter === '' ? undefined : (words ?? createWords(table));
    filter = words === undefined ? undefined : parseFilter(query.filter, table, words);
    const from = filterDone && job === undefined && narrows(previous, query.filter) ? shown : base;
    job = baseIsOld ? rebuild() : scan(from);
  }

  const at = (index: number): R | undefined => {
    const first = shown[0].length;
    const row = index < first ? shown[0][index] : shown[1][index - first];
    return row === undefined ? undefined : (source.get(keyOf(row)) ?? row);
  };

  const length = (): number => shown[0].length + shown[1].length;

  return {
    ask(next, nowMs) {
      now = nowMs;
      const previous = query;
      query = next;
      const latest = table.epoch?.() ?? 0;
      // What is measured may change faster than it is sorted: one pass is finished before the next, and they are apart.
      const isNewlyRead = epoch !== latest && job === undefined && nowMs >= readAgainMs;
      if (isNewlyRead || !asked) {
        epoch = latest;
        readAgainMs = nowMs + readEveryMs;
      }
      const reorders =
        !asked ||
        (isNewlyRead && isMeasured()) ||
        previous.sort?.column !== next.sort?.column ||
        previous.sort?.descending !== next.sort?.descending ||
        previous.faultsOnly !== next.faultsOnly ||
        previous.where?.column !== next.where?.column ||
        previous.where?.equals !== next.where?.equals ||
        String(previous.namespaces) !== String(next.namespaces);
      if (reorders) {
        asked = true;
        inWhere = whereTest(table, next.where);
        const order = next.sort ?? table.sort;
        compare = comparator(
          order === undefined ? undefined : columnOf(table, order.column),
          order?.descending ?? false,
        );
        words = next.filter === '' ? undefined : (words ?? createWords(table));
        filter = words === undefined ? undefined : parseFilter(next.filter, table, words);
        // The old arrays are in another order: until the new ones are there, nothing may be inserted into them.
        job = rebuild();
      } else if (previous.filter !== next.filter) {
        startFilter(previous.filter);
      } else if (isNewlyRead && /[:<>=]/.test(next.filter)) {
        // A column that is named in the filter may be one of those.
        job = baseIsOld ? rebuild() : scan(base);
      }
    },
    settle(nowMs, budgetMs) {
      now = nowMs;
      const deadline = performance.now() + budgetMs;
      if (!runJob(deadline)) return true;
      if (waiting.size === 0 || nowMs < frozenUntilMs) return false;
      if (waiting.size >= mergeFrom) {
        // False although rows wait: there is nothing to do about them before the next frame of data.
        if (performance.now() < mergeAgainMs) return false;
        job = applyMany();
        return !runJob(deadline);
      }
      for (const [key, change] of waiting) applyOne(key, change);
      waiting.clear();
      return false;
    },
    freeze(untilMs) {
      frozenUntilMs = untilMs;
    },
    length,
    total: () => base[0].length + base[1].length,
    faults: () => faults.size,
    busy: () => job !== undefined,
    waiting: () => waiting.size > 0,
    note: () => filter?.note,
    at,
    indexOf(key, near) {
      const here = at(near);
      if (here !== undefined && keyOf(here) === key) return near;
      const row = waiting.get(key)?.before ?? source.get(key);
      if (row === undefined) return -1;
      // The order of what is shown is the former one: only looking at each row finds it.
      if (isOutOfOrder()) return [...shown[0], ...shown[1]].findIndex((other) => keyOf(other) === key);
      const part = splits() && faults.has(key) ? 0 : 1;
      const place = findRow(shown[part], row, compare);
      return place === -1 ? -1 : place + (part === 1 ? shown[0].length : 0);
    },
    *all() {
      const count = length();
      for (let index = 0; index < count; index++) {
        const row = at(index);
        if (row !== undefined) yield row;
      }
    },
    dispose() {
      stopListening();
      waiting.clear();
      job = undefined;
    },
  };
}

function whereTest<R extends Row>(
  table: Table<R>,
  where: Where | undefined,
): ((row: R) => boolean) | undefined {
  if (where === undefined) return undefined;
  const column = columnOf(table, where.column);
  return column === undefined ? undefined : (row) => String(column.value(row) ?? '') === where.equals;
}
