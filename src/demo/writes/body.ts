import { parse } from 'yaml';
import { apiVersionOf, type ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { decodeBody } from '../protobuf/decode.ts';
import { type Message, messageOf } from '../protobuf/message.ts';
import { badRequest, unsupportedMediaType } from '../status.ts';

const mediaType = (exchange: Exchange): string =>
  (exchange.header('content-type') ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';

const unreadable = (kind: string, text: string): Error =>
  badRequest(
    `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${text.slice(0, 80)})`,
  );

/** The object of a body, in any encoding that the API server takes; undefined for an empty body. Throws its refusals. */
async function bodyObject(exchange: Exchange, kind: string): Promise<KubeLike | undefined> {
  const type = mediaType(exchange);
  const body = await exchange.body();
  if (body.length === 0) return undefined;
  if (type === 'application/vnd.kubernetes.protobuf') {
    const object = decodeBody(body);
    if (object === undefined) throw badRequest('provided data does not appear to be a protobuf message');
    return object;
  }
  if (type !== 'application/json' && type !== 'application/yaml') throw unsupportedMediaType();
  const text = body.toString();
  let parsed: unknown;
  try {
    parsed = type === 'application/yaml' ? parse(text) : JSON.parse(text);
  } catch {
    throw unreadable(kind, text);
  }
  if (!isRecord(parsed)) throw unreadable(kind, text);
  return parsed;
}

export interface Posted {
  readonly object: KubeLike;
  /** What `fieldValidation=Warn` says. */
  readonly warnings: readonly string[];
}

/** The object that a POST or PUT carries: of the kind of its path, its fields known. */
export async function readObject(
  exchange: Exchange,
  request: ResourceRequest,
  kind: string,
): Promise<Posted> {
  const object = await bodyObject(exchange, kind);
  if (object === undefined) throw badRequest('Required value: body must not be empty');
  const apiVersion = apiVersionOf(request);
  if (object.kind !== undefined && object.kind !== kind)
    throw badRequest(
      `${object.kind} in version "${object.apiVersion ?? ''}" cannot be handled as a ${kind}: converting (${object.apiVersion ?? ''}.${object.kind}) to (${apiVersion}.${kind}): unknown conversion`,
    );
  if (object.apiVersion !== undefined && kind === request.kind.kind && object.apiVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${object.apiVersion}) does not match the expected API version (${apiVersion})`,
    );
  const mode = exchange.query.get('fieldValidation') ?? 'Warn';
  const message = mode === 'Ignore' ? undefined : messageOf(apiVersion, kind);
  const unknown = message === undefined ? [] : unknownFields(message, object, '');
  if (mode === 'Strict' && unknown.length > 0)
    throw badRequest(
      `${kind} in version "${request.version}" cannot be handled as a ${kind}: strict decoding error: ${unknown.join(', ')}`,
    );
  const decoded = message === undefined ? object : known(message, object);
  return { object: apiVersion === 'autoscaling/v1' ? modernAutoscaler(decoded) : decoded, warnings: unknown };
}

/** An autoscaler of autoscaling/v1, which knows only one target, as v2 keeps it. */
function modernAutoscaler(object: KubeLike): KubeLike {
  const spec = object['spec'];
  if (object.kind !== 'HorizontalPodAutoscaler' || !isRecord(spec)) return object;
  const { targetCPUUtilizationPercentage: percent, ...rest } = spec;
  const target = { type: 'Utilization', averageUtilization: typeof percent === 'number' ? percent : 80 };
  return { ...object, spec: { ...rest, metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }] } };
}

/** The object without the fields at its top that the kind does not have: what the server would not have decoded. */
function known(message: Message, object: KubeLike): KubeLike {
  const names = new Set(['kind', 'apiVersion', ...message.fields.map((field) => field.name)]);
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.has(name)));
}

/** `unknown field "spec.replcas"` for every field that the kind does not have. */
function unknownFields(message: Message, record: JsonRecord, path: string): string[] {
  const fields = new Map(message.fields.map((field) => [field.name, field]));
  const inlined = message.fields.filter((field) => field.name === '.');
  for (const { message: inner } of inlined)
    for (const field of inner?.fields ?? []) fields.set(field.name, field);
  return Object.entries(record).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (path === '' && (name === 'kind' || name === 'apiVersion')) return [];
    const field = fields.get(name);
    if (field === undefined) return [`unknown field "${at}"`];
    if (field.type !== 'message' || field.message === undefined) return [];
    const { message: inner } = field;
    if (Array.isArray(value))
      return value.flatMap((item, index) =>
        isRecord(item) ? unknownFields(inner, item, `${at}[${index}]`) : [],
      );
    return isRecord(value) ? unknownFields(inner, value, at) : [];
  });
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
};

/** What a PATCH carries. Custom resources have no strategic merge. */
export async function readPatch(
  exchange: Exchange,
  custom: boolean,
): Promise<{ readonly type: PatchType; readonly patch: unknown }> {
  const type = patchTypes[mediaType(exchange)];
  if (type === undefined || (custom && type === 'strategic')) throw unsupportedMediaType();
  const text = (await exchange.body()).toString();
  try {
    return { type, patch: type === 'apply' ? parse(text) : JSON.parse(text) };
  } catch (error) {
    throw badRequest(`error decoding patch: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The DeleteOptions of a body; empty when there is none. */
export async function readDeleteOptions(exchange: Exchange): Promise<JsonRecord> {
  return (await bodyObject(exchange, 'DeleteOptions')) ?? {};
}
