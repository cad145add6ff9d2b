import type { KubeObject } from './object.ts';

/**
 * The API's protobuf, decoded into the shape that JSON has, so that whatever reads objects never knows which came.
 * Driven by a table of field numbers (`resources/field-numbers.ts`): what the table leaves out is jumped over, which is
 * where the speed comes from. Wire format: protobuf.dev/programming-guides/encoding; envelope: apimachinery
 * pkg/runtime/serializer/protobuf (v0.36.3).
 */

/** One message of the table, compiled: fields by number. */
export interface Message {
  readonly name: string;
  readonly fields: readonly (Field | undefined)[];
}

type Scalar =
  | 'string'
  | 'int'
  | 'bool'
  | 'time'
  | 'microTime'
  | 'duration'
  | 'quantity'
  | 'intOrString'
  | 'raw';

interface Field {
  /** `.`: the fields of the message stand in the one around it. */
  readonly name: string;
  readonly type: Scalar | 'message' | 'map';
  readonly message: Message | undefined;
  /** Of a map: what its values are. */
  readonly value: Field | undefined;
  readonly repeated: boolean;
  /** A zero is a value here: JSON has it too. */
  readonly keepsZero: boolean;
  /** Of a message: what it said lately. */
  readonly lately?: Lately | undefined;
}

/** What announces an object in protobuf: `k8s` and a zero byte. */
const magic = 0x6b387300;

type MutableObject = Record<string, unknown>;

const compiled = new Map<string, ReadonlyMap<string, Message>>();

/**
 * The message of a kind: `messageOf(table, 'core/v1.Pod')`; undefined for a kind that the table lacks.
 * @throws Error for a table that names a message it does not have.
 */
export function messageOf(table: string, name: string): Message | undefined {
  let messages = compiled.get(table);
  if (messages === undefined) {
    messages = compileTable(table);
    compiled.set(table, messages);
  }
  return messages.get(name);
}

function compileTable(table: string): ReadonlyMap<string, Message> {
  const messages = new Map<string, Message & { readonly fields: (Field | undefined)[] }>();
  const lines = table.split('\n').filter((line) => line !== '');
  for (const line of lines) if (!line.startsWith(' ')) messages.set(line, { name: line, fields: [] });
  let fields: (Field | undefined)[] = [];
  for (const line of lines) {
    if (!line.startsWith(' ')) {
      fields = messages.get(line)?.fields ?? [];
      continue;
    }
    const [number = '', name = '', ...type] = line.trim().split(' ');
    fields[Number(number)] = compileField(name, type.join(' '), messages);
  }
  return messages;
}

function compileField(name: string, text: string, messages: ReadonlyMap<string, Message>): Field {
  const keepsZero = /[!?]$/.test(text);
  const bare = text.replace(/[!?]$/, '');
  const field = {
    name,
    keepsZero,
    repeated: bare.startsWith('[]'),
    message: undefined,
    value: undefined,
    lately: undefined,
  };
  if (bare.startsWith('map ')) {
    return { ...field, type: 'map', value: compileField('', `${bare.slice(4)}!`, messages) };
  }
  const type = bare.replace('[]', '');
  if (!type.includes('.')) return { ...field, type: type as Scalar };
  const message = messages.get(type);
  if (message === undefined)
    throw new Error(`field numbers: ${name} refers to ${type}, which is not in the table`);
  return { ...field, type: 'message', message, lately: { bytes: [], values: [], credit: mostCredit } };
}

/** Where the last varint or length ended. One decoder runs at a time, and it never yields inside a message. */
let position = 0;

/** @throws RangeError when a message is cut short: the bytes are not what they say. */
function readVarint(bytes: Uint8Array, at: number): number {
  let value = 0;
  let scale = 1;
  let index = at;
  for (;;) {
    const byte = bytes[index];
    if (byte === undefined) throw new RangeError('protobuf: a number is cut short');
    index += 1;
    // Ten bytes carry a negative int64: its high bits overflow a double and are put right by the caller.
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    scale *= 128;
  }
  position = index;
  return value;
}

/** An int32 or int64 as protobuf has it: two's complement in 64 bits. Exact up to 2^53, as JSON's numbers are. */
function signed(value: number): number {
  return value >= 2 ** 63 ? value - 2 ** 64 : value;
}

/** -1, -15, …: ten bytes whose sum a double cannot hold exactly; read again as a BigInt. */
function readSigned(bytes: Uint8Array, at: number): number {
  const value = readVarint(bytes, at);
  if (value < 2 ** 53) return value;
  let exact = 0n;
  for (let index = at, shift = 0n; index < position; index += 1, shift += 7n)
    exact |= BigInt((bytes[index] ?? 0) & 0x7f) << shift;
  return signed(Number(BigInt.asIntN(64, exact)));
}

/** Strings repeat (namespaces, images, reasons): the ones seen last are handed out again instead of made again. */
const recentSlots = 8192;
const recent: string[] = new Array<string>(recentSlots).fill('');

function readString(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > 64) return bytes.toString('utf8', start, end);
  let hash = length;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (byte >= 0x80) return bytes.toString('utf8', start, end);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = (hash ^ (hash >>> 13)) & (recentSlots - 1);
  const known = recent[slot] ?? '';
  if (known.length === length) {
    let same = 0;
    while (same < length && known.charCodeAt(same) === bytes[start + same]) same += 1;
    if (same === length) return known;
  }
  const made = bytes.toString('latin1', start, end);
  recent[slot] = made;
  return made;
}

function skip(bytes: Uint8Array, wire: number, at: number): number {
  switch (wire) {
    case 0:
      readVarint(bytes, at);
      return position;
    case 1:
      return at + 8;
    case 2: {
      const length = readVarint(bytes, at);
      return position + length;
    }
    case 5:
      return at + 4;
    default:
      throw new RangeError(`protobuf: wire type ${wire} is not used by the API`);
  }
}

function decodeInto(out: MutableObject, message: Message, bytes: Buffer, start: number, end: number): void {
  const fields = message.fields;
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    at = position;
    const field = fields[tag >>> 3];
    const wire = tag & 7;
    if (field === undefined) {
      at = skip(bytes, wire, at);
      continue;
    }
    if (wire === 0) {
      const number = readSigned(bytes, at);
      at = position;
      set(out, field, field.type === 'bool' ? number !== 0 : number);
      continue;
    }
    if (wire !== 2) {
      at = skip(bytes, wire, at);
      continue;
    }
    const length = readVarint(bytes, at);
    const from = position;
    at = from + length;
    if (at > end) throw new RangeError(`protobuf: ${message.name} is cut short`);
    if (field.type === 'message' && field.name === '.')
      decodeInto(out, field.message as Message, bytes, from, at);
    else if (field.type === 'map') putEntry(out, field, bytes, from, at);
    else set(out, field, decodeValue(field, bytes, from, at));
  }
  if (at !== end) throw new RangeError(`protobuf: ${message.name} is cut short`);
}

function set(out: MutableObject, field: Field, value: unknown): void {
  if (field.repeated) {
    const list = out[field.name];
    if (list === undefined) out[field.name] = [value];
    else (list as unknown[]).push(value);
  } else if (field.keepsZero || (value !== '' && value !== 0 && value !== false && value !== null))
    out[field.name] = value;
}

function putEntry(out: MutableObject, field: Field, bytes: Buffer, start: number, end: number): void {
  let map = out[field.name] as MutableObject | undefined;
  if (map === undefined) {
    map = {};
    out[field.name] = map;
  }
  const valueField = field.value as Field;
  let key = '';
  let value: unknown = valueField.type === 'string' ? '' : undefined;
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    at = position;
    const wire = tag & 7;
    if (wire === 0) {
      const number = readSigned(bytes, at);
      at = position;
      if (tag >>> 3 === 2) value = valueField.type === 'bool' ? number !== 0 : number;
      continue;
    }
    if (wire !== 2) {
      at = skip(bytes, wire, at);
      continue;
    }
    const length = readVarint(bytes, at);
    const from = position;
    at = from + length;
    if (tag >>> 3 === 1) key = readString(bytes, from, at);
    else if (tag >>> 3 === 2) value = decodeValue(valueField, bytes, from, at);
  }
  // A label may be called __proto__; it is a key like any other.
  if (key === '__proto__')
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  else map[key] = value;
}

/** What one field said lately, by its bytes: most pods of a job tolerate, ask for and are owned by the same. */
interface Lately {
  /** Copies: a view would keep a whole answer alive. */
  readonly bytes: (Uint8Array | undefined)[];
  /** Handed out again as they are: what is decoded is only read. */
  readonly values: MutableObject[];
  /** Falls with every miss, grows with every hit; a field whose bytes never come twice is no longer kept. */
  credit: number;
}

const mostCredit = 1000;
/** Of two to the sixth slots, by the upper bits of a hash. */
const slotShift = 26;
/** Below, decoding is as cheap as comparing; above, something in the message is always another. */
const [shortestKept, longestKept] = [12, 512];

function decodeMessage(field: Field, bytes: Buffer, start: number, end: number): MutableObject {
  const length = end - start;
  const { lately } = field;
  if (lately === undefined || length < shortestKept || length > longestKept || lately.credit <= 0)
    return decodeAnew(field, bytes, start, end);
  const sample = (bytes[end - 1] ?? 0) + ((bytes[start + (length >> 1)] ?? 0) << 8);
  const slot = (length + Math.imul(sample, 0x9e3779b1)) >>> slotShift;
  const known = lately.bytes[slot];
  if (known?.length === length && isAt(known, bytes, start)) {
    if (lately.credit < mostCredit) lately.credit += 1;
    return lately.values[slot] as MutableObject;
  }
  lately.credit -= 1;
  const made = decodeAnew(field, bytes, start, end);
  lately.bytes[slot] = Uint8Array.prototype.slice.call(bytes, start, end);
  lately.values[slot] = made;
  return made;
}

function isAt(known: Uint8Array, bytes: Uint8Array, start: number): boolean {
  let same = 0;
  while (same < known.length && known[same] === bytes[start + same]) same += 1;
  return same === known.length;
}

function decodeAnew(field: Field, bytes: Buffer, start: number, end: number): MutableObject {
  const out: MutableObject = {};
  decodeInto(out, field.message as Message, bytes, start, end);
  return out;
}

function decodeValue(field: Field, bytes: Buffer, start: number, end: number): unknown {
  switch (field.type) {
    case 'string':
      return readString(bytes, start, end);
    case 'message':
      return decodeMessage(field, bytes, start, end);
    case 'time':
      return start === end ? null : timeText(bytes, start, end, false);
    case 'microTime':
      return start === end ? null : timeText(bytes, start, end, true);
    case 'quantity':
      return fieldOne(bytes, start, end);
    case 'intOrString':
      return intOrString(bytes, start, end);
    case 'duration':
      return durationText(numberOne(bytes, start, end));
    case 'raw':
      return rawJson(fieldOne(bytes, start, end));
    default:
      return undefined;
  }
}

/** Field 1 of a message that wraps one string. */
function fieldOne(bytes: Buffer, start: number, end: number): string {
  if (start === end) return '';
  const tag = readVarint(bytes, start);
  if (tag !== 10) return '';
  const length = readVarint(bytes, position);
  return readString(bytes, position, Math.min(end, position + length));
}

function numberOne(bytes: Buffer, start: number, end: number): number {
  return start === end || readVarint(bytes, start) !== 8 ? 0 : readSigned(bytes, position);
}

function intOrString(bytes: Buffer, start: number, end: number): number | string {
  const values: (number | string)[] = [0, 0, 0, ''];
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    if ((tag & 7) === 0) {
      values[tag >>> 3] = readSigned(bytes, position);
      at = position;
    } else {
      const length = readVarint(bytes, position);
      const from = position;
      at = from + length;
      values[tag >>> 3] = readString(bytes, from, at);
    }
  }
  return (values[1] === 1 ? values[3] : values[2]) ?? 0;
}

/** Pods of one job share their seconds, so a second is put into words once. */
const recentTimes = new Map<number, string>();

function timeText(bytes: Buffer, start: number, end: number, micro: boolean): string {
  let seconds = 0;
  let nanos = 0;
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    const number = readSigned(bytes, position);
    at = position;
    if (tag >>> 3 === 1) seconds = number;
    else if (tag >>> 3 === 2) nanos = number;
  }
  let text = recentTimes.get(seconds);
  if (text === undefined) {
    if (recentTimes.size > 8192) recentTimes.clear();
    const date = new Date(seconds * 1000);
    // Beyond what a Date holds, the text says so in a way that no reader takes for a time.
    text = Number.isNaN(date.getTime()) ? `${seconds}sZ` : `${date.toISOString().slice(0, -5)}Z`;
    recentTimes.set(seconds, text);
  }
  return micro ? `${text.slice(0, -1)}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : text;
}

/** As Go prints a time.Duration of whole seconds: `1h30m0s`, `10s`. */
function durationText(nanoseconds: number): string {
  const seconds = nanoseconds / 1e9;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60}s`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds % 60}s`;
}

function rawJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly start: number;
  readonly end: number;
}

/** Opens `k8s\0` and runtime.Unknown. @throws RangeError when the bytes are not that. */
function openEnvelope(bytes: Buffer, from: number, to: number): Envelope {
  if (to - from < 4 || bytes.readUInt32BE(from) !== magic)
    throw new RangeError('protobuf: the answer lacks the k8s prefix');
  const envelope = { apiVersion: '', kind: '', start: to, end: to };
  let at = from + 4;
  while (at < to) {
    const tag = readVarint(bytes, at);
    at = position;
    if ((tag & 7) !== 2) {
      at = skip(bytes, tag & 7, at);
      continue;
    }
    const length = readVarint(bytes, at);
    const start = position;
    at = start + length;
    if (at > to) throw new RangeError('protobuf: the answer is cut short');
    if (tag >>> 3 === 2) {
      envelope.start = start;
      envelope.end = at;
    } else if (tag >>> 3 === 1) readTypeMeta(bytes, start, at, envelope);
  }
  return envelope;
}

function readTypeMeta(
  bytes: Buffer,
  start: number,
  end: number,
  into: { apiVersion: string; kind: string },
): void {
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    const length = readVarint(bytes, position);
    const from = position;
    at = from + length;
    if (tag >>> 3 === 1) into.apiVersion = readString(bytes, from, at);
    else if (tag >>> 3 === 2) into.kind = readString(bytes, from, at);
  }
}

/** One object in its envelope. @throws RangeError for bytes that are not one. */
function decodeObject(bytes: Buffer, message: Message, from = 0, to: number = bytes.length): KubeObject {
  const envelope = openEnvelope(bytes, from, to);
  const out: MutableObject = { kind: envelope.kind, apiVersion: envelope.apiVersion };
  decodeInto(out, message, bytes, envelope.start, envelope.end);
  return out;
}

export interface ProtobufList {
  readonly resourceVersion: string;
  /** `''` on the last page. */
  readonly continueToken: string;
  readonly remaining: number | undefined;
  /** Decodes one after the other as they are asked for, so that the reader can give way in between. */
  readonly items: Iterable<KubeObject>;
}

/** A page of a list. @throws RangeError, here or while the items are read. */
export function decodeList(bytes: Buffer, message: Message): ProtobufList {
  const envelope = openEnvelope(bytes, 0, bytes.length);
  const meta: MutableObject = {};
  let at = envelope.start;
  // ListMeta is field 1 and comes first; the items are field 2.
  while (at < envelope.end) {
    const tag = readVarint(bytes, at);
    if (tag !== 10) break;
    const length = readVarint(bytes, position);
    const from = position;
    at = from + length;
    decodeInto(meta, listMeta, bytes, from, at);
  }
  const itemsAt = at;
  return {
    resourceVersion: String(meta['resourceVersion'] ?? ''),
    continueToken: String(meta['continue'] ?? ''),
    remaining: typeof meta['remainingItemCount'] === 'number' ? meta['remainingItemCount'] : undefined,
    items: itemsOf(bytes, message, itemsAt, envelope.end),
  };
}

const listMeta: Message = {
  name: 'meta/v1.ListMeta',
  fields: [
    undefined,
    undefined,
    {
      name: 'resourceVersion',
      type: 'string',
      message: undefined,
      value: undefined,
      repeated: false,
      keepsZero: true,
    },
    {
      name: 'continue',
      type: 'string',
      message: undefined,
      value: undefined,
      repeated: false,
      keepsZero: true,
    },
    {
      name: 'remainingItemCount',
      type: 'int',
      message: undefined,
      value: undefined,
      repeated: false,
      keepsZero: true,
    },
  ],
};

function* itemsOf(bytes: Buffer, message: Message, start: number, end: number): Generator<KubeObject> {
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at);
    at = position;
    if (tag !== 18) {
      at = skip(bytes, tag & 7, at);
      continue;
    }
    const length = readVarint(bytes, at);
    const from = position;
    at = from + length;
    const out: MutableObject = {};
    decodeInto(out, message, bytes, from, at);
    yield out;
  }
}

/** One frame of a watch: its type and, in the envelope, the object. ERROR carries a Status. @throws RangeError */
export function decodeWatchEvent(
  bytes: Buffer,
  message: Message,
  status: Message,
): { type: string; object: KubeObject } {
  let type = '';
  let object: KubeObject = {};
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    const length = readVarint(bytes, position);
    const from = position;
    at = from + length;
    if (at > bytes.length) throw new RangeError('protobuf: a watch event is cut short');
    if (tag === 10) type = readString(bytes, from, at);
    else if (tag === 18) {
      // RawExtension: field 1 holds the envelope.
      const inner = readVarint(bytes, from);
      if (inner !== 10) continue;
      const size = readVarint(bytes, position);
      object = decodeObject(bytes, type === 'ERROR' ? status : message, position, position + size);
    }
  }
  return { type, object };
}

const firstRoom = 64 * 1024;
/** A room that has grown to this stays: what is given back and taken again at each burst leaves holes in the heap. */
const roomToKeep = 4 * 1024 * 1024;

/**
 * Splits a watch into its frames: four bytes of length, big end first, then as many bytes. Chunks may cut anywhere;
 * `next` gives undefined where the next frame is not whole yet. A frame is good until the next `push`: what waits is
 * copied into one room that is used again, because chunks that wait for their reader outlive the young generation, and
 * their bytes then stay until the next full collection.
 */
export function createFrameSplitter(): {
  readonly push: (chunk: Uint8Array) => void;
  readonly next: () => Buffer | undefined;
} {
  let room = Buffer.allocUnsafeSlow(firstRoom);
  /** What waits stands between the two. */
  let [from, to] = [0, 0];
  return {
    push: (chunk) => {
      if (from === to) {
        [from, to] = [0, 0];
        if (room.length > roomToKeep) room = Buffer.allocUnsafeSlow(Math.max(firstRoom, chunk.length));
      }
      if (to + chunk.length > room.length) {
        const held = to - from;
        const needed = held + chunk.length;
        const next = needed > room.length ? Buffer.allocUnsafeSlow(needed * 2) : room;
        room.copy(next, 0, from, to);
        room = next;
        [from, to] = [0, held];
      }
      room.set(chunk, to);
      to += chunk.length;
    },
    next: () => {
      if (to - from < 4) return undefined;
      const start = from + 4;
      const end = start + room.readUInt32BE(from);
      if (end > to) return undefined;
      from = end;
      return room.subarray(start, end);
    },
  };
}
