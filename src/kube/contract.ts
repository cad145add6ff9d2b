import type { Duplex } from 'node:stream';
import type { KubeError } from './kube-error.ts';
import type { KubeObject, ServerVersion } from './object.ts';
import type { StreamState } from './stream-state.ts';
import type { Timing } from './timing.ts';

/** What the command line says about the cluster; everything absent falls to the kubeconfig. */
export interface ConnectOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
  readonly server?: string;
  readonly token?: string;
  readonly impersonate?: {
    readonly user?: string;
    readonly groups?: readonly string[];
    readonly uid?: string;
  };
  readonly certificateAuthority?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly requestTimeoutMs?: number;
  readonly http1?: boolean;
  /** `mltop/0.1.0 (linux)`. */
  readonly userAgent: string;
  /** Hands the terminal to an exec plugin that must prompt. Absent: plugins may not prompt. */
  readonly withTerminal?: <T>(work: () => Promise<T>) => Promise<T>;
  /** What an exec plugin says on stderr while it runs (`open this page to log in: …`), a line at a time. */
  readonly notice?: (text: string) => void;
  /** The process's environment unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timing?: Partial<Timing>;
}

export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  /** Of silence, not of the whole answer; 0: none. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** For streams, of long answers that end: gzip is asked for. Watches are slower with it. Default: false. */
  readonly compressed?: boolean;
  /** Logs travel on a connection of their own, so that a flood of lines does not delay watches. */
  readonly lane?: 'main' | 'logs';
}

export interface KubeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ListPage {
  /**
   * Decoded as they are asked for, so that the reader can give way in between and no 500 objects live at once. To be read
   * once. Throws KubeError where the bytes turn out to be no object.
   */
  readonly items: Iterable<KubeObject>;
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  /** metadata.remainingItemCount: an estimate, undefined with selectors. */
  readonly remaining: number | undefined;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  /** For ERROR: the Status. */
  readonly object: KubeObject;
}

/** Cuts one watch body into events. `push` keeps the chunk; `next` decodes one event, so the caller may pause between. */
export interface EventReader {
  readonly push: (chunk: Uint8Array) => void;
  /**
   * Undefined: more bytes are needed. An event that cannot be read throws; the reader is then spent: what follows
   * a corrupt frame cannot be trusted.
   */
  readonly next: () => WatchEvent | undefined;
}

/**
 * How the bytes of one kind become objects. JSON reads every kind; a projecting protobuf decoder reads one.
 * An answer whose content type `reads` denies is read as JSON.
 */
export interface Decoder {
  /** The Accept header of LIST; it ends in `application/json` so that older servers can answer. */
  readonly listAccept: string;
  readonly watchAccept: string;
  readonly reads: (contentType: string) => boolean;
  /** Throws on a body that is no list. */
  readonly list: (body: Uint8Array) => ListPage;
  readonly events: () => EventReader;
}

/** What one more socket to the API server needs: for WebSockets (exec, port-forward). */
interface Dialled {
  /** Connected (TLS included, through the proxy where there is one), HTTP/1.1. */
  readonly socket: Duplex;
  /** Authorization, impersonation, User-Agent. A name may repeat. */
  readonly headers: readonly (readonly [string, string])[];
}

/** One server with one identity. All methods reject with KubeError and nothing else. */
export interface Connection {
  readonly contextName: string;
  readonly clusterName: string;
  readonly userName: string;
  readonly server: string;
  /** The context's namespace, `default` where it names none. */
  readonly namespace: string;
  /** What other contexts of this cluster name: where namespaces may not be listed, there is no more to go by. */
  readonly otherNamespaces?: readonly string[];
  readonly timing: Timing;
  /** What happened on the wire of late, for the header. */
  readonly health: () => ConnectionHealth;
  /** Called when `health().state` changes; gives the way to stop listening. */
  readonly onHealth: (listener: (health: ConnectionHealth) => void) => () => void;
  /** Called when a request, liveness aside, got what it asked for; gives the way to stop listening. */
  readonly onSuccess: (listener: () => void) => () => void;
  /** Kept for a minute. */
  readonly version: () => Promise<ServerVersion>;
  /** Rejects for every status of 400 or more, with the Status body's words. */
  readonly request: (request: KubeRequest) => Promise<KubeResponse>;
  readonly json: <T = KubeObject>(request: KubeRequest) => Promise<T>;
  /** Body chunks as they come; ends when the server ends it; gunzipped. Its iteration rejects with KubeError. */
  readonly stream: (request: KubeRequest) => Promise<KubeStream>;
  /**
   * Pages of 500, in order. A continue token that expired starts the list again (yield `restarted`). A page in the middle that
   * is refused for now is asked for again: a few times, or, with `onWait`, which is told of it, for as long as the server
   * knows the list.
   */
  readonly pages: (
    path: string,
    query?: KubeRequest['query'],
    signal?: AbortSignal,
    decoder?: Decoder,
    onWait?: (error: KubeError, retryAtMs: number) => void,
  ) => AsyncIterable<ListPage & { readonly restarted: boolean }>;
  /** A socket of one's own; the caller destroys it. */
  readonly dial: (signal?: AbortSignal) => Promise<Dialled>;
  /** A person asks: failed logins are tried again at once, and may prompt; waits end. */
  readonly retryNow: () => void;
  /** Called when a person asks; gives the way to stop listening. */
  readonly onRetry: (listener: () => void) => () => void;
  readonly close: () => Promise<void>;
}

export interface KubeStream {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ConnectionHealth {
  /**
   * `unused` before the first answer; `answering`; `unverified` after a clock jump, until something is heard;
   * `silent` when neither a byte nor an answer came for 10 s.
   */
  readonly state: 'unused' | 'answering' | 'unverified' | 'silent';
  /** Epoch ms of the last byte or ping answer; undefined before the first. */
  readonly lastHeardMs: number | undefined;
  readonly roundTripMs: number | undefined;
  /** For `silent` and `unverified`: what is known of why. */
  readonly reason: string | undefined;
}

/** What to watch: one kind in one scope. */
export interface ReflectorTarget {
  /** `/api/v1/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** JSON unless given. */
  readonly decoder?: Decoder;
  /**
   * The API server keeps this kind in no watch cache and sends it no bookmarks, so the end of a streaming list may
   * never be told; and as new objects keep coming, silence does not tell it either. It is listed in pages.
   */
  readonly uncached?: boolean;
}

/**
 * Called synchronously as bytes are decoded; must only enqueue.
 * A first list or a relist is: `listStart`, `put`…, `listEnd`. Only `listEnd` makes absent objects disappear,
 * so a list that breaks off removes nothing; the next `listStart` forgets what the broken one had brought.
 * Resource versions of two lists are not comparable: an etcd restored from a backup counts anew.
 */
export interface ReflectorHandlers {
  readonly listStart: () => void;
  readonly put: (object: KubeObject) => void;
  readonly remove: (object: KubeObject) => void;
  readonly listEnd: () => void;
  readonly state: (state: StreamState) => void;
}

export interface Reflector {
  readonly stop: () => void;
  /** Skips the present back-off. */
  readonly retryNow: () => void;
}
