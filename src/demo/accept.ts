import { Refusal, statusBody } from './status.ts';

/** In what form an answer goes out. */
export interface Form {
  readonly type: 'json' | 'yaml' | 'protobuf';
  readonly as:
    | 'object'
    | 'Table'
    | 'PartialObjectMetadata'
    | 'PartialObjectMetadataList'
    | 'APIGroupDiscoveryList';
  /** Of the group in `as`: v1 or v1beta1 of meta.k8s.io, v2 or v2beta1 of apidiscovery.k8s.io. */
  readonly version: string;
}

const plainJson: Form = { type: 'json', as: 'object', version: '' };

interface Clause {
  readonly type: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly weight: number;
}

function clauses(accept: string): Clause[] {
  const all = accept.split(',').map((text): Clause => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim());
    const parameters = Object.fromEntries(
      rest.map((part) => part.split('=', 2).map((side) => side.trim())) as [string, string][],
    );
    return { type: type.toLowerCase(), parameters, weight: Number(parameters['q'] ?? 1) };
  });
  return all.filter((clause) => clause.weight > 0).sort((a, b) => b.weight - a.weight);
}

const metaForms = ['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'] as const;

/** What there is to choose from: objects also in protobuf when their kind has it, and as Tables. */
type Offer = 'object' | 'protobuf' | 'discovery' | 'plain';

function formOf(
  { type, parameters }: Clause,
  offered: Offer,
  discovery: readonly string[],
): Form | undefined {
  if (type === 'application/vnd.kubernetes.protobuf')
    return offered === 'protobuf' && parameters['as'] === undefined
      ? { type: 'protobuf', as: 'object', version: '' }
      : undefined;
  const media =
    type === '*/*' || type === 'application/*' || type === 'application/json'
      ? 'json'
      : type === 'application/yaml'
        ? 'yaml'
        : undefined;
  if (media === undefined) return undefined;
  const as = parameters['as'];
  if (as === undefined) return { type: media, as: 'object', version: '' };
  const version = parameters['v'] ?? '';
  if (
    (offered === 'object' || offered === 'protobuf') &&
    parameters['g'] === 'meta.k8s.io' &&
    (version === 'v1' || version === 'v1beta1')
  ) {
    const form = metaForms.find((name) => name === as);
    return form === undefined ? undefined : { type: media, as: form, version };
  }
  if (
    offered === 'discovery' &&
    parameters['g'] === 'apidiscovery.k8s.io' &&
    as === 'APIGroupDiscoveryList' &&
    discovery.includes(version)
  ) {
    return { type: media, as: 'APIGroupDiscoveryList', version };
  }
  return undefined;
}

const objectTypes = 'application/json, application/yaml, application/vnd.kubernetes.protobuf';

/** The first form of the Accept list that is offered; a 406 in the server's words when there is none. */
export function negotiate(
  accept: string | undefined,
  offered: Offer,
  discovery: readonly string[] = [],
): Form {
  if (accept === undefined || accept.trim() === '') return plainJson;
  for (const clause of clauses(accept)) {
    const form = formOf(clause, offered, discovery);
    if (form !== undefined) return form;
  }
  const hasForm = accept.includes('as=');
  if (offered === 'discovery' || hasForm)
    throw notAcceptable(`only the following media types are accepted: ${objectTypes}`, false);
  const streams = ', application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch';
  const list = offered === 'plain' ? 'application/json' : `${objectTypes}${streams}`;
  throw notAcceptable(`406: Not Acceptable\n\nAvailable representations: ${list}`, true);
}

function notAcceptable(message: string, fromRouter: boolean): Refusal {
  return new Refusal(
    statusBody(406, message, { reason: 'NotAcceptable', ...(fromRouter ? { details: {} } : {}) }),
  );
}

/** Logs accept whatever an object would be asked as, never `text/plain` alone. */
export function acceptsLog(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true;
  return clauses(accept).some(({ type }) =>
    [
      '*/*',
      'application/*',
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
    ].includes(type),
  );
}

export const logNotAcceptable = (): Refusal =>
  notAcceptable(`only the following media types are accepted: ${objectTypes}`, false);

/** Errors go out in protobuf to whoever asked for it first; what cannot be protobuf at all was never negotiated. */
export function prefersProtobuf(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return false;
  return clauses(accept)[0]?.type === 'application/vnd.kubernetes.protobuf';
}
