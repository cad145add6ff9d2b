import type { JsonRecord, KubeLike } from '../object.ts';
import { type Field, type Message, messageOf } from './message.ts';

/** What a client posted in protobuf, as its JSON would have it: kubectl from 1.32 on writes so. Bodies are small: no haste. */
type Mutable = Record<string, unknown>;

class Reader {
  at: number;
  readonly bytes: Buffer;
  readonly end: number;
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.at];
      if (byte === undefined || shift > 63n) throw new RangeError('unexpected EOF');
      this.at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  number(): number {
    return Number(BigInt.asIntN(64, this.varint()));
  }
  part(): Reader {
    const length = Number(this.varint());
    const start = this.at;
    if (start + length > this.end) throw new RangeError('unexpected EOF');
    this.at += length;
    return new Reader(this.bytes, start, this.at);
  }
  text(): string {
    return this.bytes.toString('utf8', this.at, this.end);
  }
}

/** Every field of a message, by number, as numbers or parts. */
function* fieldsOf(reader: Reader): Generator<readonly [number, number | Reader]> {
  while (reader.at < reader.end) {
    const tag = Number(reader.varint());
    const wire = tag & 7;
    if (wire === 0) yield [tag >>> 3, reader.number()];
    else if (wire === 2) yield [tag >>> 3, reader.part()];
    else if (wire === 1) {
      const value = reader.bytes.readDoubleLE(reader.at);
      reader.at += 8;
      yield [tag >>> 3, value];
    } else throw new RangeError(`wrong wireType = ${wire}`);
  }
}

const wrapped = (reader: Reader): string => {
  for (const [number, value] of fieldsOf(reader))
    if (number === 1 && typeof value === 'object') return value.text();
  return '';
};

function timeText(reader: Reader, micro: boolean): string | null {
  if (reader.at === reader.end) return null;
  let [seconds, nanos] = [0, 0];
  for (const [number, value] of fieldsOf(reader)) {
    if (typeof value !== 'number') continue;
    if (number === 1) seconds = value;
    else if (number === 2) nanos = value;
  }
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${text}Z`;
}

function intOrString(reader: Reader): number | string {
  const found = new Map(fieldsOf(reader));
  const text = found.get(3);
  return found.get(1) === 1 && typeof text === 'object' ? text.text() : Number(found.get(2) ?? 0);
}

function fieldValue(field: Field, raw: number | Reader): unknown {
  if (typeof raw === 'number') return field.type === 'bool' ? raw !== 0 : raw;
  switch (field.type) {
    case 'string':
      return raw.text();
    case 'bytes':
      return raw.bytes.toString('base64', raw.at, raw.end);
    case 'message':
      return messageIn(field.message as Message, raw);
    case 'time':
    case 'microTime':
      return timeText(raw, field.type === 'microTime');
    case 'quantity':
      return wrapped(raw);
    case 'intOrString':
      return intOrString(raw);
    case 'duration':
      return `${[...fieldsOf(raw)].reduce((sum, [, value]) => sum + Number(value), 0) / 1e9}s`;
    case 'raw': {
      const text = wrapped(raw);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    }
    default:
      return undefined;
  }
}

function messageIn(message: Message, reader: Reader, into: Mutable = {}): Mutable {
  for (const [number, raw] of fieldsOf(reader)) {
    const field = message.byNumber[number];
    if (field === undefined) continue;
    if (field.name === '.' && typeof raw === 'object') messageIn(field.message as Message, raw, into);
    else if (field.type === 'map' && typeof raw === 'object') putEntry(into, field, raw);
    else {
      const value = fieldValue(field, raw);
      if (field.repeated) into[field.name] = [...((into[field.name] as unknown[] | undefined) ?? []), value];
      else if (
        field.keepsZero ||
        (value !== '' && value !== 0 && value !== false && value !== null && !isEmpty(value))
      )
        into[field.name] = value;
    }
  }
  return into;
}

/** A struct that says nothing is what Go writes for one that was never there. */
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;

function putEntry(into: Mutable, field: Field, reader: Reader): void {
  const entry = new Map(fieldsOf(reader));
  const key = entry.get(1);
  const raw = entry.get(2);
  const value = raw === undefined || field.value === undefined ? '' : fieldValue(field.value, raw);
  into[field.name] = {
    ...(into[field.name] as JsonRecord | undefined),
    [typeof key === 'object' ? key.text() : '']: value,
  };
}

/** Kinds of meta/v1 that go under the version of whatever they are about. */
const ofMeta: ReadonlySet<string> = new Set(['DeleteOptions', 'Status']);

/**
 * The object of a body that begins with `k8s\0`. Undefined when it does not, or when its kind is not in the table.
 * @throws RangeError for bytes that are cut short.
 */
export function decodeBody(body: Buffer): KubeLike | undefined {
  if (body.length < 4 || body.readUInt32BE(0) !== 0x6b387300) return undefined;
  let [apiVersion, kind] = ['', ''];
  let raw: Reader | undefined;
  for (const [number, value] of fieldsOf(new Reader(body, 4))) {
    if (typeof value === 'number') continue;
    if (number === 2) raw = value;
    else if (number === 1) {
      for (const [which, text] of fieldsOf(value)) {
        if (typeof text === 'number') continue;
        if (which === 1) apiVersion = text.text();
        else if (which === 2) kind = text.text();
      }
    }
  }
  const message = ofMeta.has(kind) ? messageOf('meta/v1', kind) : messageOf(apiVersion, kind);
  return message === undefined || raw === undefined
    ? undefined
    : { kind, apiVersion, ...messageIn(message, raw) };
}
