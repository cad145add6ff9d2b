import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import {
  createFrameSplitter,
  decodeList,
  decodeWatchEvent,
  type Message,
  messageOf,
} from '../../src/kube/protobuf.ts';
import { fieldNumbers } from '../../src/resources/field-numbers.ts';
import { tables } from '../../src/resources/index.ts';
import type { Resource, Row } from '../../src/resources/resource.ts';

const folder = join(import.meta.dirname, '../recorded/protobuf');
const read = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${name}.gz`)));

interface Pair {
  readonly name: string;
  readonly path: string;
  readonly items: number;
}

interface List {
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubeObject[];
}

const pairs = (JSON.parse(read('index.json').toString('utf8')) as Pair[]).filter((pair) => pair.items > 0);
const groupVersion = (path: string): string =>
  path.startsWith('/api/v1') ? 'core/v1' : path.split('/').slice(2, 4).join('/');

function messageNamed(name: string): Message {
  const message = messageOf(fieldNumbers, name);
  if (message === undefined) throw new Error(`no field numbers for ${name}`);
  return message;
}

/** Paths where JSON and the decoded object differ, but for what the table leaves out. */
function differences(decoded: unknown, json: unknown, path: string): string[] {
  if (Array.isArray(json)) {
    if (!Array.isArray(decoded) || decoded.length !== json.length) return [`${path}: another length`];
    return json.flatMap((item, index) => differences(decoded[index], item, `${path}[${index}]`));
  }
  if (json !== null && typeof json === 'object') {
    if (decoded === null || typeof decoded !== 'object') return [`${path}: ${String(decoded)} for an object`];
    return Object.entries(decoded).flatMap(([key, value]) =>
      key in json
        ? differences(value, json[key as keyof typeof json], `${path}.${key}`)
        : [`${path}.${key}: not in JSON`],
    );
  }
  return decoded === json ? [] : [`${path}: ${JSON.stringify(decoded)} for ${JSON.stringify(json)}`];
}

describe('what a real server sent in both encodings decodes to the same', () => {
  for (const pair of pairs) {
    test(`${pair.name}: values and rows`, () => {
      const json = JSON.parse(read(`${pair.name}.json`).toString('utf8')) as List;
      const kind = json.kind.replace(/List$/, '');
      const list = decodeList(read(`${pair.name}.pb`), messageNamed(`${groupVersion(pair.path)}.${kind}`));
      const items = [...list.items];
      expect(list.resourceVersion).toBe(json.metadata.resourceVersion);
      expect(items.length).toBe(json.items.length);
      expect(items.flatMap((item, index) => differences(item, json.items[index], kind)).slice(0, 10)).toEqual(
        [],
      );

      const resource = (tables as readonly Resource<Row>[]).find(
        (candidate) =>
          candidate.kind === kind &&
          (candidate.group === '' ? 'core' : candidate.group) === groupVersion(pair.path).split('/')[0],
      );
      if (resource === undefined) return;
      const rows = (objects: readonly KubeObject[]): Row[] =>
        objects.map((object) => resource.toRow(object, { server: undefined }));
      expect(rows(items)).toEqual(rows(json.items));
    });
  }
});

interface Frame {
  readonly type: string;
  readonly object: KubeObject;
}

function framesOf(bytes: Buffer, message: Message, chunk: number): Frame[] {
  const splitter = createFrameSplitter();
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += chunk) {
    splitter.push(bytes.subarray(at, at + chunk));
    for (let frame = splitter.next(); frame !== undefined; frame = splitter.next())
      frames.push(decodeWatchEvent(frame, message, messageNamed('meta/v1.Status')));
  }
  return frames;
}

for (const [name, kind] of [
  ['watchlist-nodes', 'core/v1.Node'],
  ['watchlist-pods.research', 'core/v1.Pod'],
  ['watch-pods.oracle-31', 'core/v1.Pod'],
] as const) {
  test(`${name}: the frames are those of the JSON stream, wherever the chunks cut`, () => {
    const json = read(`${name}.jsonl`)
      .toString('utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Frame);
    const bytes = read(`${name}.pb`);
    for (const chunk of [bytes.length, 4096, 997]) {
      const frames = framesOf(bytes, messageNamed(kind), chunk);
      expect(frames.map((frame) => frame.type)).toEqual(json.map((frame) => frame.type));
      const byUid = (frame: Frame): string =>
        `${frame.type} ${frame.object.metadata?.uid ?? ''} ${frame.object.metadata?.resourceVersion ?? ''}`;
      const theirs = new Map(json.map((frame) => [byUid(frame), frame.object]));
      const wrong = frames
        .filter((frame) => frame.type !== 'BOOKMARK')
        .flatMap((frame) =>
          differences(frame.object.metadata, theirs.get(byUid(frame))?.metadata, byUid(frame)),
        );
      expect(wrong).toEqual([]);
    }
  });
}

test('bytes cut anywhere or made of noise throw a RangeError and nothing else', () => {
  const bytes = read('pods.batch.pb');
  const message = messageNamed('core/v1.Pod');
  const decode = (input: Buffer): void => {
    try {
      for (const _ of decodeList(input, message).items);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
    }
  };
  fc.assert(
    fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (end) => decode(bytes.subarray(0, end))),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (noise) =>
      decode(Buffer.concat([Buffer.from('k8s\0'), noise])),
    ),
    { numRuns: 200 },
  );
});
