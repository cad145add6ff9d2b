import type { KubeRequest } from './contract.ts';
import { KubeError, type KubeErrorKind } from './kube-error.ts';
import type { KubeObject } from './object.ts';
import { attributesOf, rightText } from './resource-path.ts';
import { statusFromProtobuf } from './status-protobuf.ts';

/** Where an error happened, for its words. */
export interface Whereabouts {
  readonly server: string;
  readonly userName: string;
  /** Where the credentials come from: `the token in the kubeconfig`. */
  readonly login?: () => string;
  readonly request: Pick<KubeRequest, 'method' | 'path' | 'query'>;
}

interface Words {
  readonly kind: KubeErrorKind;
  readonly message: string;
  readonly hint: string;
}

const refresh =
  'The server may be restarting, or the address may be wrong: compare with "kubectl cluster-info".';
const network = 'Check the VPN, the network and HTTPS_PROXY/NO_PROXY.';
const wrongAuthority = {
  kind: 'tls' as const,
  hint: "The kubeconfig's certificate-authority is not the one that signed the server's certificate: fetch the kubeconfig again, or give --certificate-authority.",
};

/** By Node's and OpenSSL's error codes. */
const wireWords: Readonly<Record<string, (where: Whereabouts, error: Error) => Words>> = {
  ECONNREFUSED: ({ server }) => ({
    kind: 'unreachable',
    message: `${server} refused the connection`,
    hint: refresh,
  }),
  ECONNRESET: ({ server }) => ({
    kind: 'unreachable',
    message: `${server} cut the connection`,
    hint: refresh,
  }),
  EPIPE: ({ server }) => ({ kind: 'unreachable', message: `${server} cut the connection`, hint: refresh }),
  UND_ERR_SOCKET: ({ server }) => ({
    kind: 'unreachable',
    message: `${server} cut the connection`,
    hint: refresh,
  }),
  ENOTFOUND: ({ server }) => ({
    kind: 'unreachable',
    message: `The name of ${server} cannot be resolved`,
    hint: network,
  }),
  EAI_AGAIN: ({ server }) => ({
    kind: 'unreachable',
    message: `The name server does not answer for ${server}`,
    hint: network,
  }),
  EHOSTUNREACH: ({ server }) => ({ kind: 'unreachable', message: `No route to ${server}`, hint: network }),
  ENETUNREACH: ({ server }) => ({
    kind: 'unreachable',
    message: `No network towards ${server}`,
    hint: network,
  }),
  ETIMEDOUT: ({ server }) => ({ kind: 'timeout', message: `${server} did not answer`, hint: network }),
  UND_ERR_HEADERS_TIMEOUT: ({ server }) => ({
    kind: 'timeout',
    message: `${server} accepted the request and did not answer`,
    hint: network,
  }),
  UND_ERR_BODY_TIMEOUT: ({ server }) => ({
    kind: 'timeout',
    message: `${server} stopped in mid-answer`,
    hint: network,
  }),
  EPROXY: (_where, error) => ({
    kind: 'unreachable',
    message: error.message,
    hint: 'Check proxy-url in the kubeconfig, HTTPS_PROXY and NO_PROXY.',
  }),
  CERT_HAS_EXPIRED: ({ server }) => ({
    kind: 'tls',
    message: `The certificate of ${server} has expired`,
    hint: "The cluster's administrator must renew it; also check this machine's clock.",
  }),
  CERT_NOT_YET_VALID: ({ server }) => ({
    kind: 'tls',
    message: `The certificate of ${server} is not valid yet`,
    hint: "Check this machine's clock.",
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: ({ server }, error) => ({
    kind: 'tls',
    message: `The certificate of ${server} is for other names: ${(error as { reason?: string }).reason ?? error.message}`,
    hint: 'Use one of these names in "server", or set tls-server-name (--tls-server-name).',
  }),
  EPROTO: ({ server }) => ({
    kind: 'tls',
    message: `${server} does not speak TLS`,
    hint: 'Is it an http:// server, or the wrong port?',
  }),
};

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'INVALID_CA',
]);

/** What the network or TLS did to us, in words. A KubeError passes as it is. */
export function wireError(error: unknown, where: Whereabouts): KubeError {
  if (error instanceof KubeError) return error;
  const cause = innermost(error);
  const code = cause.code ?? '';
  const words = wordsOf(code, cause, where);
  return new KubeError(words.message, { kind: words.kind, hint: words.hint, cause: error });
}

function wordsOf(code: string, error: Error, where: Whereabouts): Words {
  const known = wireWords[code];
  if (known !== undefined) return known(where, error);
  if (untrusted.has(code))
    return {
      ...wrongAuthority,
      message: `The certificate of ${where.server} is not trusted (${error.message})`,
    };
  if (/alert.*certificate|CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA/i.test(code + error.message)) {
    return {
      kind: 'credentials',
      message: `${where.server} rejected the client certificate of user "${where.userName}"`,
      hint: 'It may have expired, or belong to another cluster: fetch the kubeconfig again.',
    };
  }
  if (
    code.startsWith('ERR_SSL_WRONG_VERSION') ||
    /wrong version number|packet length too long/i.test(error.message)
  ) {
    return {
      kind: 'tls',
      message: `${where.server} does not speak TLS`,
      hint: 'Is it an http:// server, or the wrong port?',
    };
  }
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL')) {
    return {
      kind: 'tls',
      message: `TLS with ${where.server} failed: ${error.message}`,
      hint: 'Check certificate-authority, client-certificate and client-key in the kubeconfig.',
    };
  }
  return { kind: 'unreachable', message: `${where.server} is lost: ${error.message}`, hint: refresh };
}

/** AggregateError holds one error for each address tried; the last is as good as any. */
function innermost(error: unknown): Error & { code?: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors.at(-1));
  if (!(error instanceof Error)) return new Error(String(error));
  const own: Error & { code?: string } = error;
  return own.code === undefined && error.cause instanceof Error ? innermost(error.cause) : own;
}

const kinds: Readonly<Record<number, KubeErrorKind>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  410: 'gone',
  429: 'too-many-requests',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
};

const kindOf = (status: number): KubeErrorKind =>
  kinds[status] ?? (status < 500 ? 'invalid' : 'server-error');

/** What the API server (or whoever answers in its place) said with a status of 400 or more. */
export function answerError(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  where: Whereabouts,
): KubeError {
  const answer = statusBody(headers['content-type'] ?? '', body);
  const reason = textField(answer?.['reason']);
  const said =
    inWords(withCauses(answer), status, where) ??
    plainWords(status, where) ??
    plainText(headers['content-type'] ?? '', body);
  const kind = kindOf(status);
  if (said === undefined && isHtml(headers)) return notKubernetes(status, where);
  const retryAfterMs = retryAfter(headers, answer);
  return new KubeError(said ?? `${where.server} answered ${status} to ${where.request.path}`, {
    kind,
    status,
    hint: hintOf(kind, said ?? '', where, retryAfterMs),
    ...(reason !== undefined && { reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(answer !== undefined && { answer }),
  });
}

/** The error in an ERROR event of a watch: a Status, without headers. */
export function statusError(answer: KubeObject, where: Whereabouts): KubeError {
  const code = answer['code'];
  const reason = textField(answer['reason']);
  const status = typeof code === 'number' ? code : reason === 'Expired' || reason === 'Gone' ? 410 : 500;
  const kind = kindOf(status);
  const retryAfterMs = retryAfter({}, answer);
  const said = textField(answer['message']) ?? `${where.server} ended the watch of ${where.request.path}`;
  return new KubeError(said, {
    kind,
    status,
    answer,
    hint: hintOf(kind, said, where, retryAfterMs),
    ...(reason !== undefined && { reason }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** An answer of 200 or a redirect that no API server gives: a login page, a captive portal. Undefined: nothing wrong. */
export function strangeAnswer(
  status: number,
  headers: Readonly<Record<string, string>>,
  where: Whereabouts,
): KubeError | undefined {
  return (status >= 300 && status < 400) || isHtml(headers) ? notKubernetes(status, where) : undefined;
}

const isHtml = (headers: Readonly<Record<string, string>>): boolean =>
  (headers['content-type'] ?? '').startsWith('text/html');

function notKubernetes(status: number, { server }: Whereabouts): KubeError {
  return new KubeError(`${server} is no Kubernetes API server: it answered ${status} with a web page`, {
    kind: 'bad-answer',
    status,
    hint: 'A login page or a proxy may stand in front of it: log in there, or correct "server" in the kubeconfig.',
  });
}

function hintOf(
  kind: KubeErrorKind,
  said: string,
  where: Whereabouts,
  retryAfterMs: number | undefined,
): string {
  switch (kind) {
    case 'unauthorized':
      return 'Log in again; "kubectl auth whoami" tells whether that worked.';
    case 'forbidden':
      return rightText(where.request);
    case 'not-found':
      return attributesOf(where.request.path)?.name === undefined
        ? 'This server does not have this kind: its operator or CRD may not be installed.'
        : 'It may have been deleted.';
    case 'gone':
      return 'What was asked for is too old; it is asked for anew.';
    case 'too-many-requests':
      return retryAfterMs === undefined
        ? 'The server refuses it for now; see what it says.'
        : `The server is overloaded; it wants to be asked again in ${Math.ceil(retryAfterMs / 1000)} s.`;
    case 'unavailable':
      return 'The server, or the one behind it, cannot answer now; it is asked again.';
    case 'conflict':
      return 'It has changed meanwhile: look again, then repeat.';
    case 'invalid':
      return said.includes('HTTP request to an HTTPS server')
        ? 'Use https:// in "server".'
        : 'The server does not accept this request.';
    default:
      return "The API server's log has the details.";
  }
}

function retryAfter(
  headers: Readonly<Record<string, string>>,
  answer: KubeObject | undefined,
): number | undefined {
  const header = headers['retry-after'];
  if (header !== undefined && /^\d+$/.test(header)) return Number(header) * 1000;
  if (header !== undefined && !Number.isNaN(Date.parse(header)))
    return Math.max(0, Date.parse(header) - Date.now());
  const details = answer?.['details'];
  const seconds =
    typeof details === 'object' && details !== null
      ? (details as Record<string, unknown>)['retryAfterSeconds']
      : undefined;
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined;
}

function statusBody(contentType: string, body: Uint8Array): KubeObject | undefined {
  if (contentType.startsWith('application/vnd.kubernetes.protobuf')) return statusFromProtobuf(body);
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as KubeObject)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The message, and what its causes add: a disruption budget's numbers are only there. */
function withCauses(answer: KubeObject | undefined): string | undefined {
  const message = textField(answer?.['message']);
  const details = answer?.['details'];
  const causes =
    typeof details === 'object' && details !== null
      ? (details as Record<string, unknown>)['causes']
      : undefined;
  if (message === undefined || !Array.isArray(causes)) return message;
  const added = causes.flatMap((cause: unknown): string[] => {
    const said =
      typeof cause === 'object' && cause !== null
        ? textField((cause as Record<string, unknown>)['message'])
        : undefined;
    return said === undefined || message.includes(said) ? [] : [said];
  });
  return added.length === 0 ? message : `${message.replace(/\.$/, '')}: ${added.join('; ')}`;
}

/** Gateways and webhooks send no sentence, only the reason's name: `TooManyRequests`. */
function inWords(said: string | undefined, status: number, where: Whereabouts): string | undefined {
  // All that an API server says, whatever the reason.
  if (status === 401 && said === 'Unauthorized')
    return `The server refuses the credentials of user "${where.userName}" (401): wrong or expired; they come from ${where.login?.() ?? 'the kubeconfig'}`;
  if (said === undefined || !/^([A-Z][a-z]+){2,}$/.test(said)) return said;
  return `${where.server} answered ${status}: ${said.replace(/\B[A-Z]/g, ' $&').toLowerCase()}`;
}

/** An API server that lacks a group says only `404 page not found`; one whose backend is down, `service unavailable`. */
function plainWords(status: number, { request }: Whereabouts): string | undefined {
  const wanted = attributesOf(request.path);
  if (wanted === undefined || wanted.name !== undefined) return undefined;
  const kind = wanted.group === '' ? wanted.resource : `${wanted.resource}.${wanted.group}`;
  if (status === 404) return `The server does not have ${kind} (${wanted.version})`;
  return status === 503 && wanted.group !== ''
    ? `The server has ${wanted.group}, but what answers for it is down`
    : undefined;
}

/** What stands in front of an API server explains itself as text. */
function plainText(contentType: string, body: Uint8Array): string | undefined {
  if (!contentType.startsWith('text/plain')) return undefined;
  const text = Buffer.from(body.subarray(0, 400)).toString('utf8').trim();
  return text === '' ? undefined : text;
}

const textField = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A list was asked for, and something else came, or its beginning only. */
export const noListError = (server: string, path: string, status: number, cause: unknown): KubeError =>
  new KubeError(`${server} answered ${path} with something other than a list`, {
    kind: 'bad-answer',
    status,
    hint: 'A proxy may stand in front of the API server, or may have cut the answer.',
    cause,
  });
