import type { Connection, Reflector, ReflectorHandlers, ReflectorTarget } from './kube/contract.ts';
import type { Discovery } from './kube/discovery.ts';
import type { KubeObject, ServerVersion } from './kube/object.ts';
import { protobufDecoder } from './kube/protobuf-decoder.ts';
import { fieldNumbers } from './resources/field-numbers.ts';
import { messageName, pathOf, type Resource, type Row, type Table } from './resources/resource.ts';
import { type Change, type Cluster, keyOf } from './state/cluster.ts';
import { groupings } from './state/groups.ts';
import type { LinkState } from './state/link.ts';
import { type Namespaces, type SessionStore, shownTable } from './state/session.ts';
import { kindsOf } from './state/source.ts';

/** At most ten times a second: below what the eye calls lag, above the cost of a frame. */
const flushEveryMs = 100;

/** Longer than this, and a key would wait. */
const sliceMs = 8;

// Changes applied between two looks at the clock.
const sliceStride = 500;

/** A view that is left is often come back to; its stream stays that long. */
const graceMs = 60_000;

/** How long streams wait for `/version`, which decides what STATUS says. */
const versionWaitMs = 2000;

// Each is a watch of its own; who may look into more than these names the ones that matter.
const namespacesAtMost = 40;

export interface FeedOptions {
  readonly connection: Connection;
  readonly startReflector: (
    connection: Connection,
    target: ReflectorTarget,
    handlers: ReflectorHandlers,
  ) => Reflector;
  readonly visibleNamespaces: (
    connection: Connection,
    given: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly names: readonly string[] }>;
  /** What the server serves: without it the kinds of operators are not asked for. */
  readonly discover?: (connection: Connection, signal: AbortSignal) => Promise<Discovery>;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly tableNamed: (name: string) => Table<Row> | undefined;
  /** Kinds that are open whatever is shown: the header and the checklist read them. */
  readonly always: readonly Resource[];
  readonly graceMs?: number;
}

export interface Feed {
  /** Skips every back-off. */
  readonly retryNow: () => void;
  readonly stop: () => void;
}

interface Stream {
  readonly resource: Resource;
  readonly scope: string;
  readonly fieldSelector: string | undefined;
  readonly reflector: Reflector;
  link: LinkState['state'];
  listed: boolean;
  closing: NodeJS.Timeout | undefined;
}

/** The one loop: keeps open the streams that the screen needs, and brings their rows into the store on a clock. */
export function startFeed(options: FeedOptions): Feed {
  const { connection, cluster, session } = options;
  const streams = new Map<string, Stream>();
  const stopping = new AbortController();
  const queue = createQueue(cluster);
  let server: ServerVersion | undefined;
  let isOpen = false;
  let isAsking = false;
  let isDiscovering = false;
  let allowed: readonly string[] = [];
  let reconciling = false;
  /** Versions that are served, by `group/resource`; `unknown` where the server would not say. */
  let served: ReadonlyMap<string, readonly string[]> | 'unknown' | undefined;

  const wanted = (): Map<string, { resource: Resource; scope: string }> => {
    const { namespaces } = session.getState();
    const shown = options.tableNamed(shownTable(session.getState()).table);
    const kinds = new Set([...options.always, ...(shown === undefined ? [] : kindsOf(shown))]);
    const targets = new Map<string, { resource: Resource; scope: string }>();
    for (const resource of kinds) {
      if (!isServed(resource)) {
        if (resource === shown) sayUnsupported(resource);
        continue;
      }
      for (const scope of scopesOf(resource, namespaces))
        targets.set(idOf(resource, scope), { resource, scope });
    }
    return targets;
  };

  /** Kinds of operators are asked for once the server is known to have them: each costs a stream. */
  function isServed(resource: Resource): boolean {
    if (resource.optional !== true || served === 'unknown') return true;
    return served !== undefined && versionOf(resource) !== undefined;
  }

  function sayUnsupported(resource: Resource): void {
    if (served === undefined && options.discover !== undefined) return;
    const reason = `This cluster has no ${resource.name}.${resource.group}.`;
    const link = { state: 'unsupported', sinceMs: Date.now(), reason } as const;
    queue.push({ type: 'link', resource, scope: '', link });
  }

  function versionOf({ group, name, apiVersion, otherVersions = [] }: Resource): string | undefined {
    if (served === undefined || served === 'unknown') return apiVersion;
    const versions = served.get(`${group}/${name}`) ?? [];
    return [apiVersion, ...otherVersions].find((version) => versions.includes(version));
  }

  /** Once at a time: after an outage every stream asks for it. */
  function askDiscovery(): void {
    if (isDiscovering || options.discover === undefined) return;
    isDiscovering = true;
    options.discover(connection, stopping.signal).then(
      ({ kinds }) => {
        isDiscovering = false;
        served = new Map(
          [...Map.groupBy(kinds, ({ group, resource }) => `${group}/${resource}`)].map(
            ([id, versions]) => [id, versions.map(({ version }) => version)] as const,
          ),
        );
        reconcileSoon();
      },
      () => {
        isDiscovering = false;
        // Each kind then says for itself whether it is there.
        served ??= 'unknown';
        reconcileSoon();
      },
    );
  }

  /**
   * The ladder of rights: all namespaces at once where that is allowed, because sums over nodes need every pod; the
   * chosen namespaces on their own first, and for good where it is not.
   */
  function scopesOf(resource: Resource, namespaces: Namespaces): readonly string[] {
    if (!resource.namespaced) return [''];
    const whole = streams.get(idOf(resource, ''));
    if (whole?.listed === true && whole.link !== 'forbidden') return [''];
    if (namespaces === 'all') {
      if (whole?.link !== 'forbidden') return [''];
      askNamespaces();
      // Those that a person has chosen since count too.
      return ['', ...new Set([...allowed, ...session.getState().favourites])];
    }
    const parts = namespaces.map((scope) => streams.get(idOf(resource, scope)));
    const areSettled = parts.every((part) => part !== undefined && part.link !== 'listing');
    return areSettled ? [...namespaces, ''] : namespaces;
  }

  /** Where all at once is refused, the namespaces that this person may look into, one by one. */
  function askNamespaces(): void {
    if (isAsking) return;
    isAsking = true;
    const given = [connection.namespace, ...session.getState().favourites];
    allowed = [...new Set(given)];
    options.visibleNamespaces(connection, given, stopping.signal).then(
      ({ names }) => {
        allowed = names.slice(0, namespacesAtMost);
        session.setState(({ favourites }) => ({
          favourites: [...new Set([...favourites, ...names])].slice(0, 9),
        }));
        reconcileSoon();
      },
      () => {
        // What is given is all there is to go by; the next refusal asks again.
        isAsking = false;
      },
    );
  }

  function fieldSelectorOf(resource: Resource): string | undefined {
    const { narrowed } = session.getState();
    const asked = narrowed?.table === resource.name ? narrowed.fieldSelector : undefined;
    const { table } = shownTable(session.getState());
    const areRead = table === resource.name || groupings[resource.name]?.includes(table) === true;
    // Normal events are nine in ten; they are only fetched for somebody who reads events.
    if (resource.kind === 'Event' && !areRead) return asked ?? 'type!=Normal';
    return asked;
  }

  function open(resource: Resource, scope: string): Stream {
    const id = idOf(resource, scope);
    const fieldSelector = fieldSelectorOf(resource);
    const asked = { ...resource, apiVersion: versionOf(resource) ?? resource.apiVersion };
    // Of another version than the table of field numbers knows, JSON is read.
    const decoder = protobufDecoder(fieldNumbers, messageName(asked));
    const { narrowed } = session.getState();
    const labelSelector = narrowed?.table === resource.name ? narrowed.labelSelector : undefined;
    // Bound before the first state arrives, which may be while startReflector still runs.
    const stream: { -readonly [K in keyof Stream]: Stream[K] } = {
      resource,
      scope,
      fieldSelector,
      reflector: { stop: () => undefined, retryNow: () => undefined },
      link: 'listing',
      listed: false,
      closing: undefined,
    };
    streams.set(id, stream);
    const isCurrent = (): boolean => streams.get(id) === stream;
    stream.reflector = options.startReflector(
      connection,
      {
        path: pathOf(asked, scope),
        ...(decoder === undefined ? {} : { decoder }),
        ...(resource.uncached === undefined ? {} : { uncached: resource.uncached }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
      {
        listStart: () => isCurrent() && queue.push({ type: 'listStart', resource, scope }),
        put: (object) => isCurrent() && queue.push(project(resource, scope, object, server)),
        remove: (object) =>
          isCurrent() && queue.push({ type: 'remove', resource, scope, key: keyOfObject(object) }),
        listEnd() {
          if (!isCurrent()) return;
          stream.listed = true;
          queue.push({ type: 'listEnd', resource, scope });
          reconcileSoon();
        },
        state(state) {
          if (!isCurrent()) return;
          const cameBack = state.state === 'live' && stream.link === 'reconnecting';
          if (stream.link !== state.state) reconcileSoon();
          stream.link = state.state;
          queue.push({ type: 'link', resource, scope, link: state });
          if (cameBack) {
            askVersion();
            askDiscovery();
          }
        },
      },
    );
    return stream;
  }

  function close(id: string, stream: Stream): void {
    clearTimeout(stream.closing);
    streams.delete(id);
    stream.reflector.stop();
    queue.push({ type: 'forget', resource: stream.resource, scope: stream.scope });
  }

  /** Opens what is wanted and not there, reopens what must be asked differently, closes the rest after a while. */
  function reconcile(): void {
    if (!isOpen || stopping.signal.aborted) return;
    const targets = wanted();
    for (const [id, { resource, scope }] of targets) {
      const stream = streams.get(id);
      if (stream === undefined) open(resource, scope);
      else if (stream.fieldSelector !== fieldSelectorOf(resource)) reopen(stream);
      else if (stream.closing !== undefined) {
        clearTimeout(stream.closing);
        stream.closing = undefined;
      }
    }
    for (const [id, stream] of streams) {
      if (targets.has(id) || stream.closing !== undefined) continue;
      stream.closing = setTimeout(() => close(id, stream), options.graceMs ?? graceMs);
      stream.closing.unref();
    }
  }

  /** Same rows, asked for anew: they stay on the screen until the new list is whole. */
  function reopen(stream: Stream): void {
    clearTimeout(stream.closing);
    stream.reflector.stop();
    open(stream.resource, stream.scope);
  }

  /** Many causes in one turn are one look at what is wanted. */
  function reconcileSoon(): void {
    if (reconciling) return;
    reconciling = true;
    queueMicrotask(() => {
      reconciling = false;
      reconcile();
    });
  }

  function openStreams(): void {
    isOpen = true;
    reconcile();
  }

  function askVersion(): void {
    connection.version().then(useVersion, () => undefined);
  }

  /** Rows are projected by the server's version: another one, and they are all asked for again. */
  function useVersion(next: ServerVersion): void {
    if (stopping.signal.aborted) return;
    const isSame = server?.text === next.text;
    const before = server;
    server = next;
    if (isSame) return;
    cluster.setServer(next);
    session.setState(({ connection: known }) =>
      known.state === 'connected' ? { connection: { ...known, server: next } } : {},
    );
    if (before?.minor === next.minor && before.major === next.major) return;
    if (isOpen) for (const stream of [...streams.values()]) reopen(stream);
  }

  const versionTimer = setTimeout(openStreams, versionWaitMs);
  askDiscovery();
  connection.version().then(
    (version) => {
      clearTimeout(versionTimer);
      useVersion(version);
      openStreams();
    },
    () => {
      // The streams meet the same obstacle and say so, kind by kind.
      clearTimeout(versionTimer);
      openStreams();
    },
  );

  const stopListening = session.subscribe((now, before) => {
    if (
      now.views !== before.views ||
      now.namespaces !== before.namespaces ||
      now.favourites !== before.favourites
    )
      reconcileSoon();
  });

  return {
    retryNow() {
      connection.retryNow();
      for (const stream of streams.values()) stream.reflector.retryNow();
      if (server === undefined) askVersion();
      askDiscovery();
    },
    stop() {
      stopping.abort();
      stopListening();
      clearTimeout(versionTimer);
      for (const stream of streams.values()) {
        clearTimeout(stream.closing);
        stream.reflector.stop();
      }
      streams.clear();
      queue.stop();
    },
  };
}

const idOf = (resource: Resource, scope: string): string => `${resource.group}/${resource.name} ${scope}`;

/** The same as `keyOf` of its row, without projecting it. */
function keyOfObject({ metadata }: KubeObject): string {
  const { uid, namespace = '', name = '' } = metadata ?? {};
  return typeof uid === 'string' && uid !== '' ? uid : `${namespace}/${name}`;
}

function project(
  resource: Resource,
  scope: string,
  object: KubeObject,
  server: ServerVersion | undefined,
): Change {
  try {
    const row = resource.toRow(object, { server });
    if (keyOf(row) !== '/') return { type: 'put', resource, scope, row };
  } catch {
    // toRow must not throw; where it does all the same, one object is lost, not the screen.
  }
  return { type: 'malformed', resource, scope };
}

interface Queue {
  readonly push: (change: Change) => void;
  readonly stop: () => void;
}

/** Collects changes and applies them on a clock that only runs while there is something to apply. */
function createQueue(cluster: Cluster): Queue {
  let waiting: Change[] = [];
  let lastFlushMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function flush(): void {
    timer = undefined;
    const deadline = performance.now() + sliceMs;
    let from = 0;
    const nowMs = Date.now();
    while (from < waiting.length && performance.now() < deadline) {
      cluster.apply(waiting.slice(from, from + sliceStride), nowMs);
      from += sliceStride;
    }
    waiting = waiting.slice(from);
    lastFlushMs = performance.now();
    // What did not fit into this slice lets keys and bytes in first.
    if (waiting.length > 0 && !isStopped) timer = setTimeout(flush, 1);
  }

  return {
    push(change) {
      if (isStopped) return;
      waiting.push(change);
      timer ??= setTimeout(flush, Math.max(0, lastFlushMs + flushEveryMs - performance.now()));
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
      waiting = [];
    },
  };
}
