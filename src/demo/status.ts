/** A refusal as the API server writes it. Thrown by handlers, written by the server. */
export class Refusal extends Error {
  readonly status: StatusBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: StatusBody, headers: Readonly<Record<string, string>> = {}) {
    super(status.message);
    this.status = status;
    this.headers = headers;
  }
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Failure' | 'Success';
  readonly message: string;
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

interface StatusParts {
  readonly reason?: string;
  readonly details?: StatusBody['details'];
  readonly continueToken?: string;
}

/** Fields in the order of the API server, so that bodies can be compared as text. */
export function statusBody(code: number, message: string, parts: StatusParts = {}): StatusBody {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: parts.continueToken === undefined ? {} : { continue: parts.continueToken },
    status: 'Failure',
    message,
    ...(parts.reason === undefined ? {} : { reason: parts.reason }),
    ...(parts.details === undefined ? {} : { details: parts.details }),
    code,
  };
}

export const badRequest = (message: string): Refusal =>
  new Refusal(statusBody(400, message, { reason: 'BadRequest' }));

export const unauthorized = (): Refusal =>
  new Refusal(statusBody(401, 'Unauthorized', { reason: 'Unauthorized' }));

export const methodNotAllowed = (): Refusal =>
  new Refusal(
    statusBody(405, 'the server does not allow this method on the requested resource', {
      reason: 'MethodNotAllowed',
      details: {},
    }),
  );

export const unsupportedMediaType = (): Refusal =>
  new Refusal(
    statusBody(415, '415: Unsupported Media Type', { reason: 'UnsupportedMediaType', details: {} }),
  );

export const serverFailure = (message: string): Refusal =>
  new Refusal(
    statusBody(500, `Internal error occurred: ${message}`, {
      reason: 'InternalError',
      details: { causes: [{ message }] },
    }),
  );

/** What a proxied kubelet or an unreadable resourceVersion gives: a 500 without a reason. */
export const bareFailure = (message: string): Refusal => new Refusal(statusBody(500, message));

export function notFound(group: string, plural: string, name: string): Refusal {
  const what = group === '' ? plural : `${plural}.${group}`;
  const details = { name, ...(group === '' ? {} : { group }), kind: plural };
  return new Refusal(statusBody(404, `${what} "${name}" not found`, { reason: 'NotFound', details }));
}

/** The API server writes one cause bare and several in brackets. */
export function invalid(
  what: { readonly group?: string; readonly kind: string; readonly name: string },
  causes: readonly StatusCause[],
): Refusal {
  const texts = [...new Set(causes.map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const kind = what.group ? `${what.kind}.${what.group}` : what.kind;
  const details = {
    ...(what.name === '' ? {} : { name: what.name }),
    ...(what.group ? { group: what.group } : {}),
    kind: what.kind,
    causes,
  };
  return new Refusal(
    statusBody(422, `${kind} "${what.name}" is invalid: ${text}`, { reason: 'Invalid', details }),
  );
}

export const forbiddenField = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});

/** 410 of a watch or list from a revision that is gone; for a page also the token that continues without consistency. */
export function expired(message: string, continueToken?: string): StatusBody {
  return statusBody(410, message, {
    reason: 'Expired',
    ...(continueToken === undefined ? {} : { continueToken }),
  });
}

export function tooLargeVersion(asked: string, current: number): Refusal {
  const details = {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  };
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return new Refusal(statusBody(504, message, { reason: 'Timeout', details }), { 'retry-after': '1' });
}
