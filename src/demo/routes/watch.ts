import type { Cluster, ResourceHandler, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { formFor, type Writer, writerOf } from '../represent.ts';
import { bareFailure, expired, type StatusBody } from '../status.ts';
import { inNamespace, type Stored, type StoredChange } from '../store.ts';
import { badVersion, type ListOptions, readListOptions } from './list-options.ts';

/** Events are not in the watch cache of an API server: no bookmarks, other words. */
const isUncached = ({ kind }: ResourceRequest): boolean =>
  kind.plural === 'events' && (kind.group === '' || kind.group === 'events.k8s.io');

/** What a change means to somebody who sees only what matches: entering is ADDED, leaving is DELETED with the old object. */
function lineOf(
  change: StoredChange,
  seen: (stored: Stored) => boolean,
  writer: Writer,
): readonly Buffer[] | undefined {
  const now = change.type !== 'DELETED' && seen(change.stored);
  const before = change.previous !== undefined && seen(change.previous);
  if (now) return writer.frame(before ? 'MODIFIED' : 'ADDED', writer.object(change.stored));
  if (!before || change.previous === undefined) return undefined;
  if (change.type === 'DELETED') return writer.frame('DELETED', writer.object(change.stored));
  const { object } = change.previous;
  const left = {
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(change.resourceVersion) },
  };
  return writer.frame(
    'DELETED',
    writer.object({
      key: change.stored.key,
      object: left,
      resourceVersion: change.resourceVersion,
      bytes: undefined,
      protobuf: undefined,
    }),
  );
}

function tooOld(request: ResourceRequest, asked: number, cluster: Cluster): StatusBody {
  if (isUncached(request)) return expired('The resourceVersion for the provided watch is too old.');
  return expired(`too old resource version: ${asked} (${cluster.store.oldest(request.kind)})`);
}

/** The objects a watch starts with; undefined: none, it starts from a revision. */
function startsWith(
  options: ListOptions,
  request: ResourceRequest,
  cluster: Cluster,
): readonly Stored[] | undefined {
  const fromNow = options.resourceVersion === '' || options.resourceVersion === '0';
  if (options.sendInitialEvents === true || (options.sendInitialEvents === undefined && fromNow)) {
    const items = cluster.store.snapshot(request.kind, cluster.store.resourceVersion()) ?? [];
    const mine = inNamespace(items, request.kind.namespaced ? request.namespace : undefined);
    return cluster.settings.isDisordered ? mine.toReversed().flatMap((stored) => [stored, stored]) : mine;
  }
  return undefined;
}

/** Bookmarks on a clock: the first after a minute, and two shortly before the deadline (recorded). */
function keepTime(
  exchange: Exchange,
  cluster: Cluster,
  options: ListOptions,
  bookmark: (() => void) | undefined,
): void {
  const timeoutMs = options.timeoutSeconds ? options.timeoutSeconds * 1000 : cluster.settings.watchTimeoutMs;
  const timers = [setTimeout(() => exchange.end(), timeoutMs)];
  if (bookmark !== undefined) {
    for (const beforeMs of [2000, 1000])
      if (timeoutMs > beforeMs) timers.push(setTimeout(bookmark, timeoutMs - beforeMs));
    timers.push(setInterval(bookmark, cluster.settings.bookmarkEveryMs));
  }
  for (const timer of timers) timer.unref();
  exchange.signal.addEventListener('abort', () => {
    for (const timer of timers) clearTimeout(timer);
  });
}

/** GET with `watch=true`. */
export const watch: ResourceHandler = {
  takes: (request) => request.verb === 'watch' && request.subresource === undefined,
  async handle(exchange, request, cluster) {
    const form = formFor(exchange, request);
    const options = readListOptions(exchange, request, cluster);
    const bad = badVersion(options.resourceVersion);
    if (bad !== undefined) throw bareFailure(bad);
    const { store } = cluster;
    const writer = writerOf(form, request, cluster, options.include);
    const prefix = request.kind.namespaced && request.namespace !== undefined ? `${request.namespace}/` : '';
    const seen = (stored: Stored): boolean =>
      stored.key.startsWith(prefix) && (options.matches === undefined || options.matches(stored.object));

    exchange.begin(200, { 'content-type': writer.streamType });
    const startVersion = store.resourceVersion();
    const initial = startsWith(options, request, cluster);
    const asked = initial === undefined ? Number(options.resourceVersion || startVersion) : startVersion;
    const missed = initial === undefined ? store.changesSince(request.kind, asked) : [];
    if (missed === undefined) {
      await exchange.write(Buffer.concat(writer.error(tooOld(request, asked, cluster))));
      exchange.end();
      return;
    }

    // What happens while the beginning is still being written waits its turn.
    let waiting: StoredChange[] | undefined = [...missed];
    function send(pieces: readonly Buffer[] | undefined): void {
      // A slow reader is cut off without a word and finds out when it comes back.
      if (pieces !== undefined && !exchange.push(Buffer.concat(pieces))) exchange.cut();
    }
    const stop = store.follow(request.kind, (change) => {
      if (change.resourceVersion <= asked) return;
      if (waiting !== undefined) waiting.push(change);
      else send(lineOf(change, seen, writer));
    });
    exchange.signal.addEventListener('abort', stop);

    if (initial !== undefined) {
      const lines = (function* () {
        for (const stored of initial) if (seen(stored)) yield* writer.frame('ADDED', writer.object(stored));
      })();
      await exchange.pour(lines);
      // A watch from nowhere is made a streaming list by a server that can: whoever takes bookmarks is told the end.
      const announces = options.sendInitialEvents ?? cluster.settings.watchList === 'on';
      if (options.bookmarks && announces && !isUncached(request))
        await exchange.write(
          Buffer.concat(writer.frame('BOOKMARK', writer.bookmark(String(startVersion), true))),
        );
    }
    // At the reader's speed: all at once, they alone would make it a slow reader.
    for (let late = waiting; late.length > 0; late = waiting) {
      waiting = [];
      const lines = late.flatMap((change) => lineOf(change, seen, writer) ?? []);
      await exchange.pour(lines);
    }
    waiting = undefined;

    const bookmark = (): void => {
      if (store.resourceVersion() > asked || options.sendInitialEvents === true)
        send(writer.frame('BOOKMARK', writer.bookmark(String(store.resourceVersion()), false)));
    };
    keepTime(exchange, cluster, options, options.bookmarks && !isUncached(request) ? bookmark : undefined);
    await new Promise<void>((resolve) => {
      if (exchange.signal.aborted) resolve();
      else exchange.signal.addEventListener('abort', () => resolve());
    });
  },
};
