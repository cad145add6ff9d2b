import { isRecord, type JsonRecord } from '../object.ts';
import { type Field, type Message, messageOf, metaMessage } from './message.ts';

/**
 * Objects as the API server encodes them in protobuf, byte for byte (held to its recorded answers): every field that is no
 * pointer, list or map in Go is written even when zero, maps are sorted by key. Messages are written from their end to
 * their beginning, so that a length is known when it is written.
 */
let scratch = Buffer.allocUnsafe(256 * 1024);
/** Where the first written byte is. Encoding never yields, so one scratch is enough. */
let at = scratch.length;

function room(size: number): void {
  if (at >= size) return;
  const used = scratch.length - at;
  const grown = Buffer.allocUnsafe(scratch.length * 2 + size);
  scratch.copy(grown, grown.length - used, at);
  scratch = grown;
  at = grown.length - used;
}

function putVarint(value: number): void {
  room(10);
  if (value < 0 || value >= 2 ** 53) {
    putBigVarint(BigInt.asUintN(64, BigInt(Math.trunc(value))));
    return;
  }
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  at -= size;
  let index = at;
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    scratch[index] = (rest % 128) | 0x80;
    index += 1;
  }
  scratch[index] = rest;
}

function putBigVarint(value: bigint): void {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  at -= bytes.length;
  for (const [index, byte] of bytes.entries()) scratch[at + index] = byte;
}

function putText(text: string): void {
  const size = text.length < 32 ? -1 : Buffer.byteLength(text);
  if (size < 0) {
    room(text.length * 3);
    let isAscii = true;
    for (let index = text.length - 1; index >= 0; index -= 1) {
      const code = text.charCodeAt(index);
      if (code >= 128) {
        isAscii = false;
        break;
      }
      scratch[at - text.length + index] = code;
    }
    if (isAscii) {
      at -= text.length;
      return;
    }
    const bytes = Buffer.from(text);
    at -= bytes.length;
    bytes.copy(scratch, at);
    return;
  }
  room(size);
  at -= size;
  scratch.write(text, at, size);
}

/** A length-delimited field whose content `put` writes. */
function putDelimited(number: number, put: () => void): void {
  const end = scratch.length - at;
  put();
  putVarint(scratch.length - at - end);
  putVarint(number * 8 + 2);
}

const putString = (number: number, text: string): void => putDelimited(number, () => putText(text));

function putInt(number: number, value: number): void {
  putVarint(value);
  putVarint(number * 8);
}

/** Epoch seconds of texts seen, since objects share their times. */
const seconds = new Map<string, number>();

function putTime(number: number, value: unknown): void {
  putDelimited(number, () => {
    if (typeof value !== 'string') return;
    let epoch = seconds.get(value);
    if (epoch === undefined) {
      if (seconds.size > 8192) seconds.clear();
      epoch = Math.floor(Date.parse(value) / 1000);
      seconds.set(value, epoch);
    }
    const fraction = /\.(\d{1,9})/.exec(value)?.[1];
    putInt(2, fraction === undefined ? 0 : Number(fraction.padEnd(9, '0')));
    putInt(1, epoch);
  });
}

const unitSeconds: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** `1h30m0s` in nanoseconds. */
function nanoseconds(text: unknown): number {
  let sum = 0;
  for (const match of String(text).matchAll(/([\d.]+)(h|ms|us|ns|m|s)/g))
    sum += Number(match[1]) * (unitSeconds[match[2] ?? 's'] ?? 1);
  return Math.round(sum * 1e9);
}

function putIntOrString(number: number, value: unknown): void {
  putDelimited(number, () => {
    const isText = typeof value === 'string';
    putString(3, isText ? value : '');
    putInt(2, typeof value === 'number' ? value : 0);
    putInt(1, isText ? 1 : 0);
  });
}

function putMap(field: Field, value: unknown): void {
  if (!isRecord(value) || field.value === undefined) return;
  const inner = field.value;
  for (const key of Object.keys(value).sort().reverse()) {
    putDelimited(field.number, () => {
      putValue(inner, value[key]);
      putString(1, key);
    });
  }
}

/** What is absent is written as Go's zero of the type. */
function putValue(field: Field, value: unknown): void {
  const { number } = field;
  switch (field.type) {
    case 'string':
      putString(number, typeof value === 'string' ? value : '');
      return;
    case 'int':
      putInt(number, typeof value === 'number' ? value : 0);
      return;
    case 'bool':
      putInt(number, value === true ? 1 : 0);
      return;
    case 'double':
      room(8);
      at -= 8;
      scratch.writeDoubleLE(typeof value === 'number' ? value : 0, at);
      putVarint(number * 8 + 1);
      return;
    case 'bytes':
      if (typeof value !== 'string') return;
      putDelimited(number, () => {
        const bytes = Buffer.from(value, 'base64');
        room(bytes.length);
        at -= bytes.length;
        bytes.copy(scratch, at);
      });
      return;
    case 'time':
    case 'microTime':
      putTime(number, value);
      return;
    case 'duration':
      putDelimited(number, () => putInt(1, value === undefined ? 0 : nanoseconds(value)));
      return;
    case 'quantity':
      putDelimited(number, () =>
        putString(1, typeof value === 'string' || typeof value === 'number' ? String(value) : '0'),
      );
      return;
    case 'intOrString':
      putIntOrString(number, value);
      return;
    case 'raw':
      putDelimited(number, () => {
        if (value !== undefined && value !== null) putString(1, JSON.stringify(value));
      });
      return;
    case 'message':
      putDelimited(number, () => putMessage(field.message as Message, isRecord(value) ? value : {}));
      return;
    case 'map':
      putMap(field, value);
  }
}

function putMessage(message: Message, record: JsonRecord): void {
  for (let index = message.fields.length - 1; index >= 0; index -= 1) {
    const field = message.fields[index];
    if (field === undefined) continue;
    const value = field.name === '.' ? record : record[field.name];
    if (field.repeated) {
      if (Array.isArray(value))
        for (let item = value.length - 1; item >= 0; item -= 1) putValue(field, value[item]);
    } else if (!field.pointer || (value !== undefined && value !== null)) putValue(field, value);
  }
}

function taken(put: () => void): Buffer {
  at = scratch.length;
  put();
  const bytes = Buffer.from(scratch.subarray(at));
  // A giant is not kept room for.
  if (scratch.length > 8 * 1024 * 1024) scratch = Buffer.allocUnsafe(256 * 1024);
  return bytes;
}

const magic = Buffer.from('k8s\0', 'latin1');

/** An object's message by itself: what a list holds of it. */
export const encodeMessage = (message: Message, object: JsonRecord): Buffer =>
  taken(() => putMessage(message, object));

const lengthText = (size: number): Buffer => taken(() => putVarint(size));

/** Of runtime.Unknown: no contentEncoding, no contentType. */
const envelopeEnd = Buffer.from([0x1a, 0, 0x22, 0]);

/** runtime.Unknown around a message given in pieces, after `k8s\0`. */
export function envelope(apiVersion: string, kind: string, raw: readonly Buffer[]): Buffer[] {
  const size = raw.reduce((sum, piece) => sum + piece.length, 0);
  const head = taken(() => {
    putVarint(size);
    putVarint(2 * 8 + 2);
    putDelimited(1, () => {
      putString(2, kind);
      putString(1, apiVersion);
    });
  });
  return [magic, head, ...raw, envelopeEnd];
}

const itemTag = Buffer.from([2 * 8 + 2]);
const listMeta = metaMessage('ListMeta');

/** The pieces of a list's message: its metadata, then the items as `encodeMessage` gave them. */
export function listPieces(meta: JsonRecord, items: readonly Buffer[]): Buffer[] {
  const pieces = [taken(() => putDelimited(1, () => putMessage(listMeta, meta)))];
  for (const item of items) pieces.push(itemTag, lengthText(item.length), item);
  return pieces;
}

/** One frame of a watch, in pieces: its length in four bytes, then WatchEvent{type, RawExtension{object}}. */
export function watchFrame(type: string, object: readonly Buffer[]): Buffer[] {
  const size = object.reduce((sum, piece) => sum + piece.length, 0);
  const head = taken(() => {
    const end = scratch.length - at;
    putVarint(size);
    putVarint(1 * 8 + 2);
    putVarint(scratch.length - at - end + size);
    putVarint(2 * 8 + 2);
    putString(1, type);
    const length = scratch.length - at - end + size;
    room(4);
    at -= 4;
    scratch.writeUInt32BE(length, at);
  });
  return [head, ...object];
}

/** A whole object in its envelope; undefined for a kind without protobuf. */
export function encodeObject(object: JsonRecord): Buffer | undefined {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined;
  const message = kind === 'Status' ? metaMessage('Status') : messageOf(apiVersion, kind);
  return message && Buffer.concat(envelope(apiVersion, kind, [encodeMessage(message, object)]));
}
