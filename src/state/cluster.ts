import type { ServerVersion } from '../kube/object.ts';
import type { ClusterRows, Resource, Row } from '../resources/resource.ts';
import type { Link, LinkState } from './link.ts';

/** How long a deleted row may stay under the cursor, marked as deleted. */
export const ghostForMs = 10_000;

// A namespace of 10,000 pods may go at once; nobody's cursor stands on more than one of them.
const ghostsAtMost = 500;

/** A kind that is capped grows by this share before it is trimmed. */
const capSlack = 0.1;

// Rows looked at between two looks at the clock while faults are judged anew.
const sweepStride = 512;

/** One step of one stream, in the order in which it happened. `scope` is a namespace, `''` for all. */
export type Change =
  | { readonly type: 'listStart'; readonly resource: Resource; readonly scope: string }
  | { readonly type: 'put'; readonly resource: Resource; readonly scope: string; readonly row: Row }
  | { readonly type: 'remove'; readonly resource: Resource; readonly scope: string; readonly key: string }
  /** An object that could not be read, or has no name: counted and said, never fatal. */
  | { readonly type: 'malformed'; readonly resource: Resource; readonly scope: string }
  /** The list is whole: rows of its scope that it did not bring are gone. */
  | { readonly type: 'listEnd'; readonly resource: Resource; readonly scope: string }
  | { readonly type: 'link'; readonly resource: Resource; readonly scope: string; readonly link: LinkState }
  /** The stream was closed: what only it kept true is dropped, for nothing says any more whether it is so. */
  | { readonly type: 'forget'; readonly resource: Resource; readonly scope: string };

/** `before` undefined: new. `after` undefined: gone. Both the same: only its being a fault changed. */
export type RowHook = (before: Row | undefined, after: Row | undefined) => void;

export interface Ghost {
  readonly row: Row;
  readonly deletedAtMs: number;
}

/** What is true now. Mutable on purpose: 100,000 rows cannot be copied per frame. Only `apply` and `judge` change it. */
export interface Cluster extends ClusterRows {
  /** Grows with every batch that changed anything. */
  readonly version: () => number;
  /** The same, of one kind. */
  readonly versionOf: (resource: Resource) => number;
  readonly count: (resource: Resource) => number;
  readonly get: (resource: Resource, key: string) => Row | undefined;
  readonly ghost: (resource: Resource, key: string, nowMs: number) => Ghost | undefined;
  readonly isFault: (resource: Resource, key: string) => boolean;
  readonly faults: (resource: Resource) => number;
  /** True where rows were given up since the last list began: those that are there are the newest. */
  readonly isCapped: (resource: Resource) => boolean;
  /** Objects that could not be read, since the last list began. */
  readonly malformed: (resource: Resource) => number;
  readonly links: () => Iterable<Link>;
  readonly linksOf: (resource: Resource) => readonly Link[];
  /** True where a list of this kind was whole at least once in one of its scopes. */
  readonly hasListed: (resource: Resource) => boolean;
  readonly server: () => ServerVersion | undefined;
  readonly setServer: (server: ServerVersion | undefined) => void;
  readonly apply: (batch: readonly Change[], nowMs: number) => void;
  /** Faults depend on the time: judges some rows anew, for `budgetMs`. True when it came round to the end. */
  readonly judge: (nowMs: number, budgetMs: number) => boolean;
  /** Judges these rows anew, at once: what their being a fault rests on has changed. */
  readonly rejudge: (resource: Resource, keys: Iterable<string>, nowMs: number) => void;
  /** Called for every row that changes, while a batch is applied; must be quick. Returns its undoing. */
  readonly onRow: (resource: Resource, hook: RowHook) => () => void;
  /** Called once per batch. Returns its undoing. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Forgets everything: another cluster is coming. */
  readonly clear: () => void;
}

/** How far a list of a kind has come in a namespace, or why there is none: of the streams that cover it, the best. */
export function linkFor(cluster: Cluster, resource: Resource, namespace: string): Link | undefined {
  const links = cluster.linksOf(resource).filter(({ scope }) => scope === '' || scope === namespace);
  return links.sort((a, b) => usefulness[a.state] - usefulness[b.state])[0];
}

const usefulness: Readonly<Record<LinkState['state'], number>> = {
  live: 0,
  unverified: 1,
  stale: 2,
  reconnecting: 3,
  listing: 4,
  forbidden: 5,
  unsupported: 6,
};

/** What a row is known by: its UID, or its name where a malformed object has none. */
export const keyOf = (row: Row): string => (row.uid !== '' ? row.uid : `${row.namespace}/${row.name}`);

const inScope = (row: Row, scope: string): boolean => scope === '' || row.namespace === scope;

interface Kind {
  readonly resource: Resource;
  readonly rows: Map<string, Row>;
  readonly faults: Set<string>;
  readonly ghosts: Map<string, Ghost>;
  readonly links: Map<string, Link>;
  /** Keys that a list under way has brought so far, by scope. */
  readonly seen: Map<string, Set<string>>;
  readonly listed: Set<string>;
  readonly hooks: Set<RowHook>;
  /** By scope. */
  readonly malformed: Map<string, number>;
  isCapped: boolean;
  version: number;
}

/** `judges`: tables that say what a fault is among the rows of their kind, whichever other table of it is asked for. */
export function createCluster(judges: readonly Resource[] = []): Cluster {
  /** By group and name, and by each table of them: one with more columns shows the same rows. */
  const byName = new Map<string, Kind>();
  const byTable = new Map<Resource, Kind>();
  const listeners = new Set<() => void>();
  let version = 0;
  let server: ServerVersion | undefined;
  let sweep: Iterator<readonly [Kind, Row]> | undefined;

  function knownKind(resource: Resource): Kind | undefined {
    const known = byTable.get(resource);
    if (known !== undefined) return known;
    const kind = byName.get(`${resource.group}/${resource.name}`);
    if (kind !== undefined) byTable.set(resource, kind);
    return kind;
  }

  function kindOf(resource: Resource): Kind {
    let kind = knownKind(resource);
    if (kind === undefined) {
      kind = {
        resource,
        rows: new Map(),
        faults: new Set(),
        ghosts: new Map(),
        links: new Map(),
        seen: new Map(),
        listed: new Set(),
        hooks: new Set(),
        malformed: new Map(),
        isCapped: false,
        version: 0,
      };
      byName.set(`${resource.group}/${resource.name}`, kind);
      byTable.set(resource, kind);
    }
    return kind;
  }

  for (const judge of judges) kindOf(judge);

  function put(kind: Kind, row: Row, nowMs: number): void {
    const key = keyOf(row);
    const before = kind.rows.get(key);
    kind.rows.set(key, row);
    kind.ghosts.delete(key);
    if (kind.resource.fault?.(row, nowMs) === true) kind.faults.add(key);
    else kind.faults.delete(key);
    for (const hook of kind.hooks) hook(before, row);
    const { keep } = kind.resource;
    if (keep !== undefined && kind.rows.size > keep.atMost * (1 + capSlack)) trim(kind, keep);
  }

  /** All that is too many at once: each row by itself would need an order that is kept at every change. */
  function trim(kind: Kind, { atMost, worth }: NonNullable<Resource['keep']>): void {
    const byWorth = [...kind.rows].map(([key, row]) => ({ key, worth: worth(row) }));
    byWorth.sort((a, b) => a.worth - b.worth);
    for (const { key } of byWorth.slice(0, byWorth.length - atMost)) remove(kind, key, undefined);
    kind.isCapped = true;
  }

  function remove(kind: Kind, key: string, ghostAtMs: number | undefined): void {
    const before = kind.rows.get(key);
    if (before === undefined) return;
    kind.rows.delete(key);
    kind.faults.delete(key);
    if (ghostAtMs !== undefined) leaveGhost(kind, key, { row: before, deletedAtMs: ghostAtMs });
    for (const hook of kind.hooks) hook(before, undefined);
  }

  function removeWhere(
    kind: Kind,
    isGone: (row: Row, key: string) => boolean,
    ghostAtMs: number | undefined,
  ): void {
    for (const [key, row] of kind.rows) if (isGone(row, key)) remove(kind, key, ghostAtMs);
  }

  function applyOne(change: Change, nowMs: number): void {
    const kind = kindOf(change.resource);
    kind.version += 1;
    switch (change.type) {
      case 'listStart':
        kind.seen.set(change.scope, new Set());
        kind.malformed.delete(change.scope);
        kind.isCapped = false;
        return;
      case 'put':
        kind.seen.get(change.scope)?.add(keyOf(change.row));
        put(kind, change.row, nowMs);
        return;
      case 'malformed':
        kind.malformed.set(change.scope, (kind.malformed.get(change.scope) ?? 0) + 1);
        return;
      case 'remove':
        kind.seen.get(change.scope)?.delete(change.key);
        remove(kind, change.key, nowMs);
        return;
      case 'listEnd': {
        const seen = kind.seen.get(change.scope);
        kind.seen.delete(change.scope);
        if (seen !== undefined)
          removeWhere(kind, (row, key) => !seen.has(key) && inScope(row, change.scope), nowMs);
        kind.listed.add(change.scope);
        return;
      }
      case 'link':
        kind.links.set(change.scope, { ...change.link, resource: change.resource.name, scope: change.scope });
        return;
      case 'forget':
        kind.links.delete(change.scope);
        kind.seen.delete(change.scope);
        kind.listed.delete(change.scope);
        kind.malformed.delete(change.scope);
        removeWhere(kind, (row) => ![...kind.links.keys()].some((scope) => inScope(row, scope)), undefined);
        return;
    }
  }

  function* allRows(): Generator<readonly [Kind, Row]> {
    for (const kind of byName.values()) {
      if (kind.resource.fault === undefined) continue;
      for (const row of kind.rows.values()) yield [kind, row];
    }
  }

  function judgeRow(kind: Kind, row: Row, nowMs: number): boolean {
    const key = keyOf(row);
    const isFault = kind.resource.fault?.(row, nowMs) === true;
    if (isFault === kind.faults.has(key)) return false;
    if (isFault) kind.faults.add(key);
    else kind.faults.delete(key);
    kind.version += 1;
    for (const hook of kind.hooks) hook(row, row);
    return true;
  }

  function changed(): void {
    version += 1;
    for (const listener of listeners) listener();
  }

  return {
    version: () => version,
    versionOf: (resource) => knownKind(resource)?.version ?? 0,
    // The map of a resource holds only what that resource's toRow gave (cast 2 of 2).
    rowsOf: <R extends Row>(resource: Resource<R>): Iterable<R> =>
      kindOf(resource as unknown as Resource).rows.values() as Iterable<Row> as Iterable<R>,
    count: (resource) => knownKind(resource)?.rows.size ?? 0,
    get: (resource, key) => knownKind(resource)?.rows.get(key),
    ghost(resource, key, nowMs) {
      const ghost = knownKind(resource)?.ghosts.get(key);
      return ghost !== undefined && nowMs - ghost.deletedAtMs < ghostForMs ? ghost : undefined;
    },
    isFault: (resource, key) => knownKind(resource)?.faults.has(key) ?? false,
    faults: (resource) => knownKind(resource)?.faults.size ?? 0,
    isCapped(resource) {
      const kind = knownKind(resource);
      // What was given up is older than what has expired since.
      return kind?.isCapped === true && kind.rows.size > (kind.resource.keep?.atMost ?? 0) / 2;
    },
    malformed: (resource) =>
      [...(knownKind(resource)?.malformed.values() ?? [])].reduce((sum, count) => sum + count, 0),
    *links() {
      for (const kind of byName.values()) yield* kind.links.values();
    },
    linksOf: (resource) => [...(knownKind(resource)?.links.values() ?? [])],
    hasListed: (resource) => (knownKind(resource)?.listed.size ?? 0) > 0,
    server: () => server,
    setServer(next) {
      server = next;
      changed();
    },
    apply(batch, nowMs) {
      if (batch.length === 0) return;
      for (const change of batch) applyOne(change, nowMs);
      changed();
    },
    judge(nowMs, budgetMs) {
      const deadline = performance.now() + budgetMs;
      sweep ??= allRows();
      let flips = 0;
      let step = sweep.next();
      for (let seen = 1; step.done !== true; seen++) {
        if (judgeRow(step.value[0], step.value[1], nowMs)) flips += 1;
        if (seen % sweepStride === 0 && performance.now() > deadline) break;
        step = sweep.next();
      }
      const isRound = step.done === true;
      if (isRound) sweep = undefined;
      if (flips > 0) changed();
      return isRound;
    },
    rejudge(resource, keys, nowMs) {
      const kind = kindOf(resource);
      let flips = 0;
      for (const key of keys) {
        const row = kind.rows.get(key);
        if (row !== undefined && judgeRow(kind, row, nowMs)) flips += 1;
      }
      if (flips > 0) changed();
    },
    onRow(resource, hook) {
      const { hooks } = kindOf(resource);
      hooks.add(hook);
      return () => hooks.delete(hook);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    clear() {
      for (const kind of byName.values()) {
        removeWhere(kind, () => true, undefined);
        kind.links.clear();
        kind.seen.clear();
        kind.listed.clear();
        kind.ghosts.clear();
        kind.malformed.clear();
        kind.isCapped = false;
        kind.version += 1;
      }
      server = undefined;
      sweep = undefined;
      changed();
    },
  };
}

function leaveGhost(kind: Kind, key: string, ghost: Ghost): void {
  // Insertion order is age order, so the first entry is the one to give up.
  for (const [oldest, { deletedAtMs }] of kind.ghosts) {
    if (kind.ghosts.size < ghostsAtMost && ghost.deletedAtMs - deletedAtMs < ghostForMs) break;
    kind.ghosts.delete(oldest);
  }
  kind.ghosts.set(key, ghost);
}
