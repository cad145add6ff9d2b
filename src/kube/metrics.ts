import type { Connection } from './contract.ts';
import { jsonItems } from './json-items.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './object.ts';
import { noListError } from './wire-error.ts';

const group = 'metrics.k8s.io';

/** Versions with one shape; v1 is served from 1.37 on, and metrics-server may go on serving v1beta1 alone. */
const versions: readonly string[] = ['v1', 'v1beta1'];

/** Why measurements cannot be had, in the words of `state/usage`. */
export interface MetricsFailure {
  readonly state: 'absent' | 'down' | 'forbidden' | 'failed';
  readonly reason: string;
  readonly hint: string;
}

/**
 * Reads usage once, each object as it comes: the API has no pages, and the usage of a big cluster is tens of megabytes.
 * Which version the server has is asked once and kept until it turns out to be wrong.
 */
export interface MetricsReader {
  /** `namespace` `''`: all. Rejects with KubeError; `metricsFailure` says what it means. */
  readonly pods: (namespace: string, signal: AbortSignal) => AsyncIterable<KubeObject>;
  readonly nodes: (signal: AbortSignal) => AsyncIterable<KubeObject>;
}

export function metricsReader(connection: Connection): MetricsReader {
  let version: string | undefined;

  async function servedVersion(signal: AbortSignal): Promise<string> {
    if (version !== undefined) return version;
    const body = await connection.json<Readonly<Record<string, unknown>>>({ path: `/apis/${group}`, signal });
    const served = Array.isArray(body['versions'])
      ? body['versions'].map((one: unknown) => (isRecord(one) ? one['version'] : undefined))
      : [];
    // A version that is newer than mltop may have another shape: only known ones are read.
    version = versions.find((known) => served.includes(known)) ?? 'v1beta1';
    return version;
  }

  async function* list(rest: string, signal: AbortSignal): AsyncGenerator<KubeObject> {
    try {
      const path = `/apis/${group}/${await servedVersion(signal)}/${rest}`;
      const timeoutMs = connection.timing.requestMs;
      const { status, chunks } = await connection.stream({ path, signal, timeoutMs, compressed: true });
      try {
        yield* jsonItems(chunks);
      } catch (cause) {
        if (!(cause instanceof SyntaxError)) throw cause;
        throw noListError(connection.server, path, status, cause);
      }
    } catch (error) {
      // Another version, or none: asked anew the next time.
      if (error instanceof KubeError && error.kind === 'not-found') version = undefined;
      throw error;
    }
  }

  return {
    pods: (namespace, signal) =>
      list(namespace === '' ? 'pods' : `namespaces/${encodeURIComponent(namespace)}/pods`, signal),
    nodes: (signal) => list('nodes', signal),
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** 404: nobody installed it. 503: registered, and nobody behind it. 403: no right (kubernetes-client.md 4). */
export function metricsFailure(error: unknown): MetricsFailure {
  if (!(error instanceof KubeError))
    return { state: 'failed', reason: error instanceof Error ? error.message : String(error), hint: '' };
  switch (error.kind) {
    case 'not-found':
      return {
        state: 'absent',
        reason: 'The metrics API is not installed in this cluster.',
        hint: 'metrics-server brings it.',
      };
    case 'unavailable':
      return {
        state: 'down',
        reason: 'The metrics API is registered, but its server does not answer.',
        hint: 'Look at metrics-server in kube-system.',
      };
    case 'forbidden':
      return { state: 'forbidden', reason: error.message, hint: error.hint };
    default:
      return { state: 'failed', reason: error.message, hint: error.hint };
  }
}
