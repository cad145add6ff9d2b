import type { Exchange } from './exchange.ts';
import type { Kind } from './kinds.ts';
import type { KubeLike } from './object.ts';
import type { LogsProvider, MetricsProvider } from './providers.ts';
import type { Rights } from './rights.ts';
import type { ServedStore } from './store.ts';

/** What may be switched while the server runs; tests do. */
export interface Settings {
  /** As `/version` says it: `v1.36.3`. */
  version: string;
  /** Streaming lists: served; refused with 422, as a server without the gate does; ignored, as servers up to 1.26 do. */
  watchList: 'on' | 'off' | 'ignored';
  /** `metrics.k8s.io`: there; not installed (404); registered with nobody behind it (503). */
  metrics: 'on' | 'absent' | 'down';
  /** How much older than now the newest sample of usage is; undefined: as the source says. */
  metricsAgeMs: number | undefined;
  /** What a streaming list begins with comes in another order, each object twice. */
  isDisordered: boolean;
  bookmarkEveryMs: number;
  /** How long a LIST waits for a resourceVersion that has not come yet, before its 504. */
  tooLargeWaitMs: number;
  /** When a watch that names no `timeoutSeconds` ends; the API server takes 30 to 60 minutes. */
  watchTimeoutMs: number;
  /** The longest that a deleted pod stays, whatever its own grace: a demo has no 30 seconds. */
  graceAtMostMs: number;
  /** Aggregated discovery in these versions of apidiscovery.k8s.io; none: as servers up to 1.26. */
  discovery: readonly ('v2' | 'v2beta1')[];
}

/** Who acts on what was written: controllers, the kubelets and the garbage collector. Called after the store has it. */
export interface Aftermath {
  /** An object was created, or changed from what it was before. */
  written(object: KubeLike, before: KubeLike | undefined): void;
  /** An object is marked for deletion: it goes after its grace, once nothing holds it. */
  deleting(object: KubeLike, graceSeconds: number): void;
  /** The last finalizer of an object marked for deletion is gone. */
  finalized(object: KubeLike): void;
  /** An object is gone. */
  removed(object: KubeLike): void;
  stop(): void;
}

/** Everything that a handler may need. */
export interface Cluster {
  readonly store: ServedStore;
  readonly settings: Settings;
  readonly rights: Rights;
  readonly metrics: MetricsProvider;
  readonly logs: LogsProvider;
  readonly now: () => number;
  /** Undefined: writes are kept, and nobody acts on them. */
  readonly aftermath: Aftermath | undefined;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** A request for objects of a kind, taken apart. */
export interface ResourceRequest {
  readonly kind: Kind;
  /** The version asked for, one of the kind's. */
  readonly version: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  readonly verb: Verb;
}

/** One thing the server can do. Writing, exec and port-forward each become such a file, and a line in `routes/index.ts`. */
export interface ResourceHandler {
  takes(request: ResourceRequest): boolean;
  handle(exchange: Exchange, request: ResourceRequest, cluster: Cluster): Promise<void>;
}

export const apiVersionOf = (request: { readonly kind: Kind; readonly version: string }): string =>
  request.kind.group === '' ? request.version : `${request.kind.group}/${request.version}`;

/** `v1.36.3` → 36; 36 where the text is none. */
export const minorOf = (version: string): number => Number(/^v?1\.(\d+)/.exec(version)?.[1] ?? 36);
