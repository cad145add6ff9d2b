import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { KubeLike } from '../../src/demo/object.ts';
import { decodeBody } from '../../src/demo/protobuf/decode.ts';
import {
  encodeMessage,
  encodeObject,
  envelope,
  listPieces,
  watchFrame,
} from '../../src/demo/protobuf/encode.ts';
import { messageOf } from '../../src/demo/protobuf/message.ts';
import {
  createFrameSplitter,
  decodeList,
  decodeWatchEvent,
  messageOf as rowMessage,
} from '../../src/kube/protobuf.ts';
import { fieldNumbers } from '../../src/resources/field-numbers.ts';
import { ask, demoOf, pod } from './cluster.ts';

const folder = join(import.meta.dirname, '../recorded/protobuf');
const read = (name: string): Buffer => gunzipSync(readFileSync(join(folder, `${name}.gz`)));

interface Pair {
  readonly name: string;
  readonly path: string;
  readonly items: number;
}

const pairs = (JSON.parse(read('index.json').toString()) as Pair[]).filter((pair) => pair.items > 0);

describe('what the demo encodes is what a real server sent', () => {
  test.for(pairs)('$name', ({ name }) => {
    const list = JSON.parse(read(`${name}.json`).toString()) as {
      kind: string;
      apiVersion: string;
      metadata: Record<string, unknown>;
      items: KubeLike[];
    };
    const message = messageOf(list.apiVersion, list.kind.replace(/List$/, ''));
    if (message === undefined) throw new Error(`no field numbers for ${list.kind}`);
    const items = list.items.map((item) => encodeMessage(message, item));
    const real = read(`${name}.pb`);
    const made = Buffer.concat(envelope(list.apiVersion, list.kind, listPieces(list.metadata, items)));
    expect(made.equals(real)).toBe(true);
  });
});

test('the frames of a recorded streaming list come out byte for byte', () => {
  const events = read('watchlist-pods.research.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; object: KubeLike });
  const message = messageOf('v1', 'Pod');
  if (message === undefined) throw new Error('no field numbers for pods');
  const made = events.flatMap(({ type, object }) =>
    watchFrame(type, envelope('v1', 'Pod', [encodeMessage(message, object)])),
  );
  expect(Buffer.concat(made).equals(read('watchlist-pods.research.pb'))).toBe(true);
});

test('a body in protobuf is read as its JSON', () => {
  const job = (JSON.parse(read('jobs.batch.batch.json').toString()) as { items: KubeLike[] }).items[0];
  const whole = { kind: 'Job', apiVersion: 'batch/v1', ...job };
  expect(decodeBody(encodeObject(whole) ?? Buffer.alloc(0))).toEqual(whole);
  const eviction = {
    kind: 'Eviction',
    apiVersion: 'policy/v1',
    metadata: { name: 'a', namespace: 'b', creationTimestamp: null },
    deleteOptions: { gracePeriodSeconds: 0, dryRun: ['All'] },
  };
  expect(decodeBody(encodeObject(eviction) ?? Buffer.alloc(0))).toEqual({
    ...eviction,
    metadata: { name: 'a', namespace: 'b' },
  });
});

const accept = 'application/vnd.kubernetes.protobuf,application/json';
const rows = rowMessage(fieldNumbers, 'core/v1.Pod');
const status = rowMessage(fieldNumbers, 'meta/v1.Status');
if (rows === undefined || status === undefined) throw new Error('no field numbers for pods');

describe('a client that asks for protobuf', () => {
  test('is given lists, single objects, watches and refusals in it', async () => {
    const demo = await demoOf({ objects: [pod('a'), pod('b')] });
    const listed = await ask(demo, '/api/v1/pods', { accept });
    expect(listed.headers['content-type']).toBe('application/vnd.kubernetes.protobuf');
    expect([...decodeList(listed.bytes, rows).items].map((item) => item.metadata?.name)).toEqual(['a', 'b']);
    const one = await ask(demo, '/api/v1/namespaces/train/pods/a', { accept });
    expect(decodeBody(one.bytes)).toMatchObject({ kind: 'Pod', metadata: { name: 'a' } });
    const streamed = await ask(
      demo,
      '/api/v1/pods?watch=true&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan',
      { accept: 'application/vnd.kubernetes.protobuf;stream=watch,application/json' },
    );
    expect(streamed.headers['content-type']).toBe('application/vnd.kubernetes.protobuf;stream=watch');
    const frames = createFrameSplitter();
    frames.push(streamed.bytes);
    const types: string[] = [];
    for (let frame = frames.next(); frame !== undefined; frame = frames.next())
      types.push(decodeWatchEvent(frame, rows, status).type);
    expect(types.slice(0, 3)).toEqual(['ADDED', 'ADDED', 'BOOKMARK']);
    const refused = await ask(demo, '/api/v1/namespaces/train/pods/none', { accept });
    expect(decodeBody(refused.bytes)).toMatchObject({ kind: 'Status', reason: 'NotFound', code: 404 });
  });

  test('is given JSON for custom resources, and a 406 when it takes nothing else', async () => {
    const demo = await demoOf({
      objects: [{ apiVersion: 'ray.io/v1', kind: 'RayJob', metadata: { name: 'r', namespace: 'train' } }],
    });
    const listed = await ask(demo, '/apis/ray.io/v1/rayjobs', { accept });
    expect(listed.headers['content-type']).toBe('application/json');
    const refused = await ask(demo, '/apis/ray.io/v1/rayjobs', {
      accept: 'application/vnd.kubernetes.protobuf',
    });
    expect(refused.status).toBe(406);
  });
});
