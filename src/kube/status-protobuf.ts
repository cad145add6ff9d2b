import type { KubeObject } from './object.ts';

/** A field of a protobuf message: its number, and its bytes or its integer. */
interface Field {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
  readonly integer: number | undefined;
}

/**
 * A Status as the API server sends it to who asked for protobuf: `k8s\0`, then runtime.Unknown{2: raw}.
 * Field numbers: apimachinery 0.36 `pkg/runtime/generated.proto` and `pkg/apis/meta/v1/generated.proto`.
 * Undefined for anything else.
 */
export function statusFromProtobuf(body: Uint8Array): KubeObject | undefined {
  try {
    const raw = bytesOf(fields(body.subarray(4)), 2);
    return raw === undefined ? undefined : status(raw);
  } catch {
    return undefined;
  }
}

function status(raw: Uint8Array): KubeObject {
  const all = fields(raw);
  const details = bytesOf(all, 5);
  return {
    kind: 'Status',
    apiVersion: 'v1',
    ...text('status', all, 2),
    ...text('message', all, 3),
    ...text('reason', all, 4),
    ...(details !== undefined && { details: statusDetails(details) }),
    ...integer('code', all, 6),
  };
}

function statusDetails(raw: Uint8Array): Record<string, unknown> {
  const all = fields(raw);
  const causes = all
    .filter(({ number }) => number === 4)
    .flatMap(({ bytes }) => (bytes === undefined ? [] : [cause(bytes)]));
  return {
    ...text('name', all, 1),
    ...text('group', all, 2),
    ...text('kind', all, 3),
    ...(causes.length > 0 && { causes }),
    ...integer('retryAfterSeconds', all, 5),
    ...text('uid', all, 6),
  };
}

function cause(raw: Uint8Array): Record<string, string> {
  const all = fields(raw);
  return { ...text('reason', all, 1), ...text('message', all, 2), ...text('field', all, 3) };
}

const bytesOf = (all: readonly Field[], number: number): Uint8Array | undefined =>
  all.find((field) => field.number === number)?.bytes;

function text(name: string, all: readonly Field[], number: number): Record<string, string> {
  const bytes = bytesOf(all, number);
  return bytes === undefined || bytes.length === 0 ? {} : { [name]: Buffer.from(bytes).toString('utf8') };
}

function integer(name: string, all: readonly Field[], number: number): Record<string, number> {
  const value = all.find((field) => field.number === number)?.integer;
  return value === undefined || value === 0 ? {} : { [name]: value };
}

function fields(message: Uint8Array): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('protobuf message ends early');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('protobuf integer is too long');
  };
  while (at < message.length) {
    const tag = varint();
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        found.push({ number, bytes: undefined, integer: varint() });
        break;
      case 2: {
        const length = varint();
        if (at + length > message.length) throw new RangeError('protobuf message ends early');
        found.push({ number, bytes: message.subarray(at, at + length), integer: undefined });
        at += length;
        break;
      }
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      default:
        throw new RangeError('protobuf field of an unknown type');
    }
  }
  return found;
}
