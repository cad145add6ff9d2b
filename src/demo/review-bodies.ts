import { isRecord, type JsonRecord } from './object.ts';
import { badRequest, unsupportedMediaType } from './status.ts';

/** `k8s\0`: what protobuf bodies of the API begin with. */
const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

type Fields = ReadonlyMap<number, readonly Buffer[]>;

/** The length-delimited fields of a protobuf message by number; other wire types are stepped over. */
function fieldsOf(bytes: Buffer): Fields {
  const fields = new Map<number, Buffer[]>();
  let at = 0;
  function varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined || shift > 49) throw badRequest('proto: unexpected end of message');
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      if (at + length > bytes.length) throw badRequest('proto: unexpected end of message');
      const number = Math.floor(tag / 8);
      fields.set(number, [...(fields.get(number) ?? []), bytes.subarray(at, at + length)]);
      at += length;
    } else throw badRequest(`proto: wrong wireType = ${wire}`);
  }
  return fields;
}

const message = (fields: Fields | undefined, number: number): Fields | undefined => {
  const bytes = fields?.get(number)?.at(-1);
  return bytes === undefined ? undefined : fieldsOf(bytes);
};

/** The text fields of a message under their JSON names; empty ones are left out, as the API server leaves them out. */
function texts(fields: Fields | undefined, names: Readonly<Record<number, string>>): JsonRecord | undefined {
  if (fields === undefined) return undefined;
  const entries = Object.entries(names).map(
    ([number, name]) => [name, fields.get(Number(number))?.at(-1)?.toString() ?? ''] as const,
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

const resourceFields = {
  1: 'namespace',
  2: 'verb',
  3: 'group',
  4: 'version',
  5: 'resource',
  6: 'subresource',
  7: 'name',
};

function specOf(kind: string, raw: Fields): JsonRecord {
  const spec = message(raw, 2);
  if (kind === 'SelfSubjectRulesReview') return texts(spec, { 1: 'namespace' }) ?? {};
  const resourceAttributes = texts(message(spec, 1), resourceFields);
  const nonResourceAttributes = texts(message(spec, 2), { 1: 'path', 2: 'verb' });
  return {
    ...(resourceAttributes ? { resourceAttributes } : {}),
    ...(nonResourceAttributes ? { nonResourceAttributes } : {}),
  };
}

const withoutEmpty = (value: unknown): unknown =>
  isRecord(value)
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, inner]) => inner !== '')
          .map(([name, inner]) => [name, withoutEmpty(inner)]),
      )
    : value;

/**
 * The `spec` of a posted review. kubectl from 1.32 on posts protobuf and gives up on a 415; the field numbers are those of
 * authorization.k8s.io/v1, and agree with a recorded body.
 */
export function reviewSpec(kind: string, contentType: string | undefined, body: Buffer): JsonRecord {
  const type = (contentType ?? 'application/json').split(';')[0]?.trim();
  if (type === 'application/vnd.kubernetes.protobuf') {
    if (!body.subarray(0, 4).equals(magic))
      throw badRequest('provided data does not appear to be a protobuf message');
    const raw = fieldsOf(body.subarray(4)).get(2)?.at(-1);
    return raw === undefined ? {} : specOf(kind, fieldsOf(raw));
  }
  if (type === 'application/yaml' || type !== 'application/json') throw unsupportedMediaType();
  const text = body.toString();
  try {
    const parsed: unknown = JSON.parse(text);
    const spec = isRecord(parsed) ? withoutEmpty(parsed['spec']) : undefined;
    return isRecord(spec) ? spec : {};
  } catch {
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: unexpected end of JSON input (${text.slice(0, 80)})`,
    );
  }
}
