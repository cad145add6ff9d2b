import { cleanObject } from '../describe/clean.ts';
import { type Need, needsOf } from '../describe/index.ts';
import type { Connection, Reflector, ReflectorHandlers, ReflectorTarget } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject } from '../kube/object.ts';
import { pathOf, type Resource, type Row, type Table } from '../resources/resource.ts';
import type { Inspected, Inspection, InspectionState } from '../state/inspection.ts';
import { isSameObject } from '../state/inspection.ts';
import type { SessionStore, View } from '../state/session.ts';
import { isResource } from '../state/source.ts';
import type { DetailView, ObjectRef, ObjectView } from '../state/text-views.ts';

/** Lists that a describe needs besides are read again at most this often: they are whole lists. */
const relatedEveryMs = 10_000;

/** Who may get the object and not watch it sees it as old as this at most. */
const pollEveryMs = 5000;

export interface ObjectFeedOptions {
  readonly connection: Connection;
  readonly startReflector: (
    connection: Connection,
    target: ReflectorTarget,
    handlers: ReflectorHandlers,
  ) => Reflector;
  readonly session: SessionStore;
  readonly inspection: Inspection;
  readonly tableNamed: (name: string) => Table<Row> | undefined;
  /** Epoch ms. */
  readonly now: () => number;
}

export interface ObjectFeed {
  readonly retryNow: () => void;
  readonly stop: () => void;
}

const looksInside = (view: View): view is ObjectView | DetailView =>
  view.kind === 'describe' || view.kind === 'yaml' || view.kind === 'object-events' || view.kind === 'detail';

/** Keeps the one object that a view looks into, with its events and what its describe reads, in step with the server. */
export function startObjectFeed(options: ObjectFeedOptions): ObjectFeed {
  const { session } = options;
  let open:
    | {
        readonly of: ObjectRef;
        readonly reveal: boolean;
        readonly isDescribed: boolean;
        readonly close: () => void;
        readonly retry: () => void;
      }
    | undefined;

  function look(): void {
    const view = session.getState().views.findLast(looksInside);
    const reveal = view !== undefined && 'reveal' in view && view.reveal === 'yes';
    const isDescribed = view?.kind === 'describe';
    if (
      view !== undefined &&
      open !== undefined &&
      isSameObject(open.of, view.of) &&
      open.reveal === reveal &&
      open.isDescribed === isDescribed
    )
      return;
    if (view === undefined && open === undefined) return;
    const former = open;
    open = undefined;
    former?.close();
    if (view === undefined) {
      options.inspection.set(undefined);
      return;
    }
    const resource = options.tableNamed(view.of.table);
    if (resource === undefined || !isResource(resource)) return;
    const kept =
      former !== undefined && isSameObject(former.of, view.of) && former.reveal === reveal
        ? options.inspection.get(view.of)
        : undefined;
    open = {
      of: view.of,
      reveal,
      isDescribed,
      ...inspect(options, view.of, resource, { reveal, isDescribed, kept }),
    };
  }

  const stopListening = session.subscribe(look);
  look();
  return {
    retryNow: () => open?.retry(),
    stop() {
      stopListening();
      open?.close();
    },
  };
}

interface InspectOptions {
  readonly reveal: boolean;
  /** Whether more than the object and its events is needed. */
  readonly isDescribed: boolean;
  /** The same object, as another view had it: shown until it is read anew. */
  readonly kept: Inspected | undefined;
}

function inspect(
  { connection, startReflector, inspection, now }: ObjectFeedOptions,
  of: ObjectRef,
  resource: Resource,
  { reveal, isDescribed, kept }: InspectOptions,
): { readonly close: () => void; readonly retry: () => void } {
  const life = new AbortController();
  const path = `${pathOf(resource, of.namespace)}/${encodeURIComponent(of.name)}`;
  const apiVersion = resource.group === '' ? resource.apiVersion : `${resource.group}/${resource.apiVersion}`;
  const events = new Map<string, KubeObject>();
  let inspected: Inspected = kept ?? {
    of,
    object: undefined,
    related: {},
    state: { state: 'loading' },
    changedMs: now(),
  };
  let eventStream: Reflector | undefined;
  let relatedTimer: NodeJS.Timeout | undefined;
  let pollTimer: NodeJS.Timeout | undefined;
  let relatedMs = Number.NEGATIVE_INFINITY;

  function change(part: Partial<Inspected>): void {
    if (life.signal.aborted) return;
    inspected = { ...inspected, ...part, changedMs: now() };
    inspection.set(inspected);
  }

  function take(object: KubeObject, state: InspectionState = { state: 'live', sinceMs: now() }): void {
    // Items of a list do not say what they are.
    const whole = { apiVersion, kind: resource.kind, ...object };
    change({ object: cleanObject(whole, reveal), state });
    if (eventStream === undefined) followEvents(object);
    if (isDescribed) readRelatedSoon();
  }

  function followEvents(object: KubeObject): void {
    const { uid = '' } = object.metadata ?? {};
    // Kubelets write no uid, or the name for one, into events of nodes.
    const isNode = resource.kind === 'Node';
    const fieldSelector = isNode
      ? `involvedObject.kind=Node,involvedObject.name=${of.name}`
      : `involvedObject.uid=${uid}`;
    const scope = of.namespace === '' ? '' : `/namespaces/${encodeURIComponent(of.namespace)}`;
    const show = (): void => change({ related: { ...inspected.related, events: [...events.values()] } });
    let isListed = false;
    const idOf = (event: KubeObject): string => event.metadata?.uid ?? event.metadata?.name ?? '';
    eventStream = startReflector(
      connection,
      { path: `/api/v1${scope}/events`, fieldSelector, uncached: true },
      {
        listStart: () => undefined,
        put(event) {
          events.set(idOf(event), cleanObject(event));
          if (isListed) show();
        },
        // What the server forgets after its hour is still what happened, for as long as one looks.
        remove: () => undefined,
        listEnd() {
          isListed = true;
          show();
        },
        state(state) {
          if (state.state === 'forbidden' || state.state === 'unsupported')
            change({ related: { ...inspected.related, events: undefined } });
        },
      },
    );
  }

  function readRelatedSoon(): void {
    relatedTimer ??= setTimeout(
      () => {
        relatedTimer = undefined;
        relatedMs = now();
        void readRelated();
      },
      Math.max(0, relatedMs + relatedEveryMs - now()),
    );
  }

  async function readRelated(): Promise<void> {
    const { object } = inspected;
    if (object === undefined) return;
    const found = await Promise.all(
      needsOf(object).map(async (need) => [need.name, await readNeed(need)] as const),
    );
    if (found.length === 0) return;
    change({ related: { ...inspected.related, ...Object.fromEntries(found) } });
  }

  async function readNeed({
    path: listPath,
    labelSelector,
    fieldSelector,
  }: Need): Promise<readonly KubeObject[] | undefined> {
    const items: KubeObject[] = [];
    try {
      for await (const page of connection.pages(listPath, { labelSelector, fieldSelector }, life.signal)) {
        if (page.restarted) items.length = 0;
        for (const item of page.items) items.push(cleanObject(item));
      }
      return items;
    } catch {
      // The describe says that it could not be read; the rest of it is true all the same.
      return undefined;
    }
  }

  async function read(): Promise<void> {
    try {
      take(await connection.json({ path, signal: life.signal }));
    } catch (error) {
      failed(error);
    }
  }

  function failed(error: unknown): void {
    if (life.signal.aborted) return;
    const known = error instanceof KubeError ? error : undefined;
    if (known?.kind === 'not-found') change({ state: { state: 'gone', sinceMs: now() } });
    else {
      const reason = error instanceof Error ? error.message : String(error);
      if (inspected.object !== undefined) change({ state: { state: 'stale', sinceMs: now(), reason } });
      else change({ state: { state: 'failed', reason, hint: known?.hint ?? 'ctrl-r asks again.' } });
    }
  }

  function poll(): void {
    pollTimer = setTimeout(() => {
      void read().then(() => {
        if (!life.signal.aborted) poll();
      });
    }, pollEveryMs);
  }

  let seen = false;
  const stream = startReflector(
    connection,
    { path: pathOf(resource, of.namespace), fieldSelector: `metadata.name=${of.name}` },
    {
      listStart: () => {
        seen = false;
      },
      put(object) {
        if (object.metadata?.name !== of.name) return;
        seen = true;
        take(object);
      },
      remove(object) {
        if (object.metadata?.name === of.name) change({ state: { state: 'gone', sinceMs: now() } });
      },
      listEnd() {
        if (!seen && inspected.object !== undefined) change({ state: { state: 'gone', sinceMs: now() } });
      },
      state(state) {
        if (state.state === 'forbidden' && pollTimer === undefined) poll();
        if ((state.state === 'stale' || state.state === 'reconnecting') && inspected.state.state === 'live')
          change({ state: { state: 'stale', sinceMs: state.sinceMs, reason: state.reason } });
        if (state.state === 'live' && inspected.state.state === 'stale')
          change({ state: { state: 'live', sinceMs: now() } });
      },
    },
  );
  inspection.set(inspected);
  void read();

  return {
    retry() {
      stream.retryNow();
      eventStream?.retryNow();
      void read();
    },
    close() {
      life.abort();
      stream.stop();
      eventStream?.stop();
      clearTimeout(relatedTimer);
      clearTimeout(pollTimer);
    },
  };
}
