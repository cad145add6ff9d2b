import type { KubeObject, ServerVersion } from './object.ts';
import type { StreamState } from './stream-state.ts';

/** What the command line says about the cluster; everything absent falls to the kubeconfig. */
export interface ConnectOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
  readonly server?: string;
  readonly token?: string;
  readonly impersonate?: { readonly user?: string; readonly groups?: readonly string[]; readonly uid?: string };
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
}

export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly accept?: string;
  readonly contentType?: string;
  readonly body?: string | Uint8Array;
  /** Of silence, not of the whole answer. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface KubeResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  /** metadata.remainingItemCount: an estimate, undefined with selectors. */
  readonly remaining: number | undefined;
}

/** One server with one identity. All methods reject with KubeError and nothing else. */
export interface Connection {
  readonly contextName: string;
  readonly clusterName: string;
  readonly userName: string;
  readonly server: string;
  /** The context's namespace, `default` where it names none. */
  readonly namespace: string;
  /** What happened on the wire of late, for the header. */
  readonly health: () => ConnectionHealth;
  readonly version: (signal?: AbortSignal) => Promise<ServerVersion>;
  /** Rejects for every status of 400 or more, with the Status body's words. */
  readonly request: (request: KubeRequest) => Promise<KubeResponse>;
  readonly json: <T = KubeObject>(request: KubeRequest) => Promise<T>;
  /** Body chunks as they come; ends when the server ends it; gunzipped. */
  readonly stream: (request: KubeRequest) => Promise<{ readonly headers: Readonly<Record<string, string>>; readonly chunks: AsyncIterable<Uint8Array> }>;
  /** Pages of 500, in order. A continue token that expired starts the list again (yield `restarted`). */
  readonly pages: (path: string, query?: KubeRequest['query'], signal?: AbortSignal) => AsyncIterable<ListPage & { readonly restarted: boolean }>;
  readonly close: () => Promise<void>;
}

export interface ConnectionHealth {
  /** Epoch ms of the last byte or ping answer; undefined before the first. */
  readonly lastHeardMs: number | undefined;
  readonly roundTripMs: number | undefined;
}

/** What to watch: one kind in one scope. */
export interface ReflectorTarget {
  /** `/api/v1/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/**
 * Called synchronously as bytes are decoded; must only enqueue.
 * A first list or a relist is: `listStart`, `put`…, `listEnd`. Only `listEnd` makes absent objects disappear,
 * so a list that breaks off removes nothing.
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
