import type { KubeObject } from './object.ts';

/** What went wrong between mltop and a cluster, in a person's terms. */
export type KubeErrorKind =
  | 'no-kubeconfig'
  | 'bad-kubeconfig'
  | 'unknown-context'
  | 'unreachable'
  | 'timeout'
  | 'tls'
  | 'credentials'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'gone'
  | 'conflict'
  | 'invalid'
  | 'too-many-requests'
  | 'unavailable'
  | 'bad-answer'
  | 'server-error';

export interface KubeErrorDetails {
  readonly kind: KubeErrorKind;
  /** HTTP status, where one was answered. */
  readonly status?: number;
  /** Status.reason of the API server: `Expired`, `Forbidden`, … */
  readonly reason?: string;
  /** What the person can do next: one sentence. */
  readonly hint: string;
  readonly retryAfterMs?: number;
  /** The API server's Status object, where it sent one. */
  readonly answer?: KubeObject;
  readonly cause?: unknown;
}

/** Every error that leaves `kube/`. `message` says what, to what; `hint` says what next. */
export class KubeError extends Error {
  readonly kind: KubeErrorKind;
  readonly status: number | undefined;
  readonly reason: string | undefined;
  readonly hint: string;
  readonly retryAfterMs: number | undefined;
  readonly answer: KubeObject | undefined;

  constructor(message: string, details: KubeErrorDetails) {
    super(message, { cause: details.cause });
    this.name = 'KubeError';
    this.kind = details.kind;
    this.status = details.status;
    this.reason = details.reason;
    this.hint = details.hint;
    this.retryAfterMs = details.retryAfterMs;
    this.answer = details.answer;
  }
}
