import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import { builtInKinds, customKind } from './built-in-kinds.ts';
import { eventToCore } from './events-view.ts';
import type { Kind, KindDefinition } from './kinds.ts';
import type { KubeLike } from './object.ts';

/** Names one object: `{ group: '', plural: 'pods', namespace: 'train', name: 'trainer-0' }`. */
interface ObjectRef {
  readonly group: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name: string;
}

type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

interface Change {
  readonly type: ChangeType;
  readonly kind: Kind;
  readonly object: KubeLike;
  /** What was there before; undefined for ADDED. */
  readonly previous: KubeLike | undefined;
  readonly resourceVersion: number;
}

/** Every object of the demo cluster. Objects are never changed in place: whoever changes one puts a new one. */
export interface Store {
  /** The kinds served, built in and registered. */
  kinds(): readonly Kind[];
  /** Adds a custom kind; to one whose group and plural are served already it adds the versions that are not. */
  register(definition: KindDefinition): Kind;
  /** The kind that serves an apiVersion and kind, in any of its versions. */
  kindOf(apiVersion: string, kind: string): Kind | undefined;
  /** The kind at a group and plural. */
  kindAt(group: string, plural: string): Kind | undefined;
  /**
   * Adds or replaces an object; gives what is now stored. The store sets `metadata.resourceVersion`, and `uid` and
   * `creationTimestamp` where they are missing (those of the object it replaces, else new ones); everything else is kept
   * by reference, so objects may share their parts. Throws when the kind is not registered or the name is missing.
   */
  put(object: KubeLike): KubeLike;
  /** Removes an object; gives what it was, undefined when there was none. */
  remove(ref: ObjectRef): KubeLike | undefined;
  get(ref: ObjectRef): KubeLike | undefined;
  /** In the order of the API server: by namespace, then name. */
  list(group: string, plural: string, namespace?: string): readonly KubeLike[];
  /** Calls back after every change; gives the way to stop. */
  listen(onChange: (change: Change) => void): () => void;
  /** The newest resourceVersion. */
  resourceVersion(): number;
}

/** An object with its place in the order and its bytes. Never changed but for the cache of its bytes. */
export interface Stored {
  /** `namespace/name`, or the name alone: the order of the API server. */
  readonly key: string;
  readonly object: KubeLike;
  readonly resourceVersion: number;
  /** What `encoded` gave. */
  bytes: Buffer | undefined;
  /** What `encodedAs` gave. */
  protobuf: Buffer | undefined;
}

export interface StoredChange {
  readonly type: ChangeType;
  readonly kind: Kind;
  readonly stored: Stored;
  readonly previous: Stored | undefined;
  readonly resourceVersion: number;
  readonly atMs: number;
}

/** What the protocol needs beyond what a scenario may use. */
export interface ServedStore extends Store {
  /** The objects of a kind as they were at a resourceVersion; undefined when that is older than the history kept. */
  snapshot(kind: Kind, resourceVersion: number): readonly Stored[] | undefined;
  /** What happened to a kind after a resourceVersion; undefined when that is older than the history kept. */
  changesSince(kind: Kind, resourceVersion: number): readonly StoredChange[] | undefined;
  /** The resourceVersion that a watch of this kind may still start from. */
  oldest(kind: Kind): number;
  stored(kind: Kind, namespace: string | undefined, name: string): Stored | undefined;
  /** The object's JSON after its first `{`, without apiVersion and kind, which depend on how it is asked for. */
  encoded(stored: Stored): Buffer;
  /** The same in another encoding: `encode` is asked once, as long as there is room to keep what it gives. */
  encodedAs(stored: Stored, encode: (object: KubeLike) => Buffer): Buffer;
  /** Calls back for changes of one kind only. */
  follow(kind: Kind, onChange: (change: StoredChange) => void): () => void;
  /** Moves the resourceVersion on without a change, or back as an etcd restore does; the history is then forgotten. */
  jumpTo(resourceVersion: number): void;
  /** Forgets what happened until now, as etcd does when it is compacted: nobody goes on from before. */
  compact(): void;
}

export interface StoreOptions {
  readonly now?: () => number;
  /** How long a change can be watched from, in milliseconds; the API server keeps about 75 s. */
  readonly historyMs?: number;
  /** How many changes of a kind are kept at most. */
  readonly historyCount?: number;
  /** Bytes of encoded objects kept; beyond it they are encoded at each request. */
  readonly cacheBytes?: number;
}

interface Shelf {
  kind: Kind;
  readonly byKey: Map<string, Stored>;
  /** Sorted by key, unless `dirty`. Whoever holds it as a snapshot sets `lent`, and the next change copies it first. */
  sorted: Stored[];
  dirty: boolean;
  lent: boolean;
  /** Changes put in their place since the list was last read. */
  moved: number;
  history: StoredChange[];
  /** Index of the first change still kept: dropping from the front one by one would copy the array each time. */
  historyStart: number;
  /** The resourceVersion of the newest change dropped from the history. */
  floor: number;
  /** The resourceVersion of the newest change. */
  newest: number;
  readonly followers: Set<(change: StoredChange) => void>;
  readonly snapshots: Map<number, { readonly items: readonly Stored[]; readonly atMs: number }>;
}

const keptSnapshots = 8;
/** This many changes without a read are a scenario loading: sorting once costs less than moving each to its place. */
const pile = 256;
/** etcd is compacted every five minutes: a continue token lives at least so long. */
const snapshotMs = 300_000;

const keyOf = (namespace: string | undefined, name: string): string =>
  namespace ? `${namespace}/${name}` : name;

const compareKeys = (a: Stored, b: Stored): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

/** Where a key is in a sorted list, or where it would go. */
export function indexOfKey(sorted: readonly Stored[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = sorted[middle];
    if (at !== undefined && at.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The part of a sorted list that is in one namespace. `0` is the character after `/`. */
export function inNamespace(sorted: readonly Stored[], namespace: string | undefined): readonly Stored[] {
  if (namespace === undefined) return sorted;
  return sorted.slice(indexOfKey(sorted, `${namespace}/`), indexOfKey(sorted, `${namespace}0`));
}

function sortedItems(shelf: Shelf): Stored[] {
  shelf.moved = 0;
  if (shelf.dirty) {
    shelf.sorted = [...shelf.byKey.values()].sort(compareKeys);
    shelf.dirty = false;
    shelf.lent = false;
  }
  return shelf.sorted;
}

/** Keeps the sorted list right after one change. A pile of changes in a row (a scenario loading) is sorted once, when read. */
function arrange(shelf: Shelf, change: StoredChange): void {
  if (shelf.dirty) return;
  if (change.type === 'ADDED' && change.stored.key > (shelf.sorted.at(-1)?.key ?? '') && !shelf.lent) {
    shelf.sorted.push(change.stored);
    return;
  }
  shelf.moved += 1;
  if (shelf.moved > pile && change.type !== 'MODIFIED') {
    shelf.dirty = true;
    return;
  }
  if (shelf.lent) {
    shelf.sorted = shelf.sorted.slice();
    shelf.lent = false;
  }
  const index = indexOfKey(shelf.sorted, change.stored.key);
  if (change.type === 'ADDED') shelf.sorted.splice(index, 0, change.stored);
  else if (change.type === 'DELETED') shelf.sorted.splice(index, 1);
  else shelf.sorted[index] = change.stored;
}

/** The list as it was before the changes, newest undone first. */
function undo(items: readonly Stored[], changes: readonly StoredChange[]): readonly Stored[] {
  const byKey = new Map<string, Stored | undefined>();
  for (const change of changes) {
    if (!byKey.has(change.stored.key)) byKey.set(change.stored.key, change.previous);
  }
  const kept = items.filter((item) => !byKey.has(item.key));
  for (const before of byKey.values()) if (before !== undefined) kept.push(before);
  return kept.sort(compareKeys);
}

/** An empty cluster that serves the built-in kinds. */
export function createStore(options: StoreOptions = {}): ServedStore {
  const {
    now = Date.now,
    historyMs = 75_000,
    historyCount = 100_000,
    // 100,000 pods are 700 MB in protobuf: without room for them, every list costs the encoding anew.
    cacheBytes = Math.max(512 * 1024 * 1024, totalmem() / 16),
  } = options;
  const shelves = new Map<string, Shelf>();
  const byGroupKind = new Map<string, Shelf>();
  const listeners = new Set<(change: Change) => void>();
  let version = 1;
  let cachedBytes = 0;

  function addShelf(kind: Kind): Shelf {
    const shelf: Shelf = {
      kind,
      byKey: new Map(),
      sorted: [],
      dirty: false,
      lent: false,
      moved: 0,
      history: [],
      historyStart: 0,
      floor: 0,
      newest: 0,
      followers: new Set(),
      snapshots: new Map(),
    };
    shelves.set(`${kind.group}/${kind.plural}`, shelf);
    byGroupKind.set(`${kind.group}/${kind.kind}`, shelf);
    return shelf;
  }
  for (const kind of builtInKinds()) addShelf(kind);

  /** The shelf that holds the objects of a kind, which may be that of another group. */
  function shelfOf(kind: Kind): Shelf {
    const shelf = shelves.get(`${kind.storedIn ?? kind.group}/${kind.plural}`);
    if (shelf === undefined) throw new Error(`${kind.plural}.${kind.group} is not served`);
    return shelf;
  }

  const shelfFor = (apiVersion: string, kind: string): Shelf | undefined => {
    const slash = apiVersion.indexOf('/');
    return byGroupKind.get(`${slash < 0 ? '' : apiVersion.slice(0, slash)}/${kind}`);
  };

  function trim(shelf: Shelf): void {
    const oldestMs = now() - historyMs;
    let change = shelf.history[shelf.historyStart];
    while (
      change !== undefined &&
      (change.atMs < oldestMs || shelf.history.length - shelf.historyStart > historyCount)
    ) {
      shelf.floor = change.resourceVersion;
      shelf.historyStart += 1;
      change = shelf.history[shelf.historyStart];
    }
    if (shelf.historyStart > 1024 && shelf.historyStart * 2 > shelf.history.length) {
      shelf.history = shelf.history.slice(shelf.historyStart);
      shelf.historyStart = 0;
    }
  }

  function forget(shelf: Shelf, floor: number): void {
    shelf.history = [];
    shelf.historyStart = 0;
    shelf.floor = floor;
    shelf.newest = floor;
    shelf.snapshots.clear();
  }

  function record(shelf: Shelf, type: ChangeType, stored: Stored, previous: Stored | undefined): void {
    const change: StoredChange = {
      type,
      kind: shelf.kind,
      stored,
      previous,
      resourceVersion: version,
      atMs: now(),
    };
    shelf.newest = version;
    shelf.history.push(change);
    trim(shelf);
    arrange(shelf, change);
    cachedBytes -= (previous?.bytes?.length ?? 0) + (previous?.protobuf?.length ?? 0);
    for (const onChange of shelf.followers) onChange(change);
    if (listeners.size === 0) return;
    const said: Change = {
      type,
      kind: shelf.kind,
      object: stored.object,
      previous: previous?.object,
      resourceVersion: version,
    };
    for (const onChange of listeners) onChange(said);
  }

  function keep(shelf: Shelf, object: KubeLike): KubeLike {
    const name = object.metadata?.name;
    if (name === undefined || name === '')
      throw new Error(`A ${shelf.kind.kind} without a name cannot be kept`);
    const key = keyOf(shelf.kind.namespaced ? (object.metadata?.namespace ?? 'default') : undefined, name);
    const previous = shelf.byKey.get(key);
    const before = previous?.object.metadata;
    version += 1;
    const kept: KubeLike = {
      ...object,
      metadata: {
        ...object.metadata,
        ...(shelf.kind.namespaced ? { namespace: object.metadata?.namespace ?? 'default' } : {}),
        uid: object.metadata?.uid ?? before?.uid ?? randomUUID(),
        resourceVersion: String(version),
        creationTimestamp:
          object.metadata?.creationTimestamp ?? before?.creationTimestamp ?? secondsText(now()),
      },
    };
    const stored: Stored = {
      key,
      object: kept,
      resourceVersion: version,
      bytes: undefined,
      protobuf: undefined,
    };
    shelf.byKey.set(key, stored);
    record(shelf, previous === undefined ? 'ADDED' : 'MODIFIED', stored, previous);
    return kept;
  }

  const store: ServedStore = {
    kinds: () => [...shelves.values()].map((shelf) => shelf.kind),
    register(definition) {
      const kind = customKind(definition);
      const shelf = shelves.get(`${kind.group}/${kind.plural}`);
      if (shelf === undefined) return addShelf(kind).kind;
      const added = kind.versions.filter((version) => !shelf.kind.versions.includes(version));
      if (added.length > 0) shelf.kind = { ...shelf.kind, versions: [...shelf.kind.versions, ...added] };
      return shelf.kind;
    },
    kindOf: (apiVersion, kind) => shelfFor(apiVersion, kind)?.kind,
    kindAt: (group, plural) => shelves.get(`${group}/${plural}`)?.kind,
    put(object) {
      const shelf = shelfFor(object.apiVersion ?? '', object.kind ?? '');
      if (shelf === undefined)
        throw new Error(
          `Nobody serves ${object.kind ?? 'a kind without a name'} of ${object.apiVersion ?? 'no group'}`,
        );
      if (shelf.kind.storedIn === undefined) return keep(shelf, object);
      return keep(shelfOf(shelf.kind), eventToCore(object));
    },
    remove(ref) {
      const kind = store.kindAt(ref.group, ref.plural);
      if (kind === undefined) return undefined;
      const shelf = shelfOf(kind);
      const previous = shelf.byKey.get(keyOf(kind.namespaced ? ref.namespace : undefined, ref.name));
      if (previous === undefined) return undefined;
      version += 1;
      shelf.byKey.delete(previous.key);
      // A watch delivers the last state with the resourceVersion of the deletion.
      const last: KubeLike = {
        ...previous.object,
        metadata: { ...previous.object.metadata, resourceVersion: String(version) },
      };
      record(
        shelf,
        'DELETED',
        { key: previous.key, object: last, resourceVersion: version, bytes: undefined, protobuf: undefined },
        previous,
      );
      return previous.object;
    },
    get(ref) {
      const kind = store.kindAt(ref.group, ref.plural);
      return kind && store.stored(kind, ref.namespace, ref.name)?.object;
    },
    list(group, plural, namespace) {
      const kind = store.kindAt(group, plural);
      if (kind === undefined) return [];
      return inNamespace(sortedItems(shelfOf(kind)), namespace).map((item) => item.object);
    },
    listen(onChange) {
      listeners.add(onChange);
      return () => listeners.delete(onChange);
    },
    resourceVersion: () => version,
    snapshot(kind, resourceVersion) {
      const shelf = shelfOf(kind);
      const kept = shelf.snapshots.get(resourceVersion);
      if (kept !== undefined && now() - kept.atMs < snapshotMs) return kept.items;
      trim(shelf);
      const current = sortedItems(shelf);
      if (resourceVersion < shelf.floor) return undefined;
      shelf.lent = true;
      const changes = store.changesSince(kind, resourceVersion) ?? [];
      const items = changes.length === 0 ? current : undo(current, changes);
      shelf.snapshots.set(resourceVersion, { items, atMs: now() });
      for (const old of shelf.snapshots.keys()) {
        if (shelf.snapshots.size <= keptSnapshots) break;
        shelf.snapshots.delete(old);
      }
      return items;
    },
    changesSince(kind, resourceVersion) {
      const shelf = shelfOf(kind);
      trim(shelf);
      if (resourceVersion < shelf.floor) return undefined;
      if (resourceVersion >= shelf.newest) return [];
      let start = shelf.history.length;
      while (start > shelf.historyStart && (shelf.history[start - 1]?.resourceVersion ?? 0) > resourceVersion)
        start -= 1;
      return shelf.history.slice(start);
    },
    oldest: (kind) => shelfOf(kind).floor,
    stored: (kind, namespace, name) =>
      shelfOf(kind).byKey.get(keyOf(kind.namespaced ? namespace : undefined, name)),
    encoded(stored) {
      if (stored.bytes !== undefined) return stored.bytes;
      const { apiVersion: _apiVersion, kind: _kind, ...rest } = stored.object;
      const bytes = Buffer.from(JSON.stringify(rest).slice(1));
      if (cachedBytes + bytes.length <= cacheBytes) {
        cachedBytes += bytes.length;
        stored.bytes = bytes;
      }
      return bytes;
    },
    encodedAs(stored, encode) {
      if (stored.protobuf !== undefined) return stored.protobuf;
      const bytes = encode(stored.object);
      if (cachedBytes + bytes.length <= cacheBytes) {
        cachedBytes += bytes.length;
        stored.protobuf = bytes;
      }
      return bytes;
    },
    follow(kind, onChange) {
      const { followers } = shelfOf(kind);
      followers.add(onChange);
      return () => followers.delete(onChange);
    },
    jumpTo(resourceVersion) {
      version = resourceVersion;
      for (const shelf of shelves.values()) forget(shelf, Math.min(shelf.newest, resourceVersion));
    },
    compact() {
      version += 1;
      for (const shelf of shelves.values()) forget(shelf, version);
    },
  };
  return store;
}

/** RFC 3339 to the second, as the API server writes times. */
export const secondsText = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19)}Z`;
