import type { Decoder, EventReader, ListPage, WatchEvent } from './contract.ts';
import type { KubeObject } from './object.ts';

/** Reads every kind. */
export const jsonDecoder: Decoder = {
  listAccept: 'application/json',
  watchAccept: 'application/json',
  reads: (contentType) => contentType.includes('json'),
  list: (body) => listOf(JSON.parse(text(body))),
  events: jsonEvents,
};

const text = (body: Uint8Array): string =>
  Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');

function listOf(value: unknown): ListPage {
  if (!isRecord(value) || !(Array.isArray(value['items']) || value['items'] === null))
    throw new TypeError('The answer is no list');
  // Something else than an API server may answer with JSON, too; its items are no objects of ours.
  const { kind } = value;
  if (typeof kind === 'string' && !kind.endsWith('List'))
    throw new TypeError(`The answer is a ${kind.slice(0, 60)}, and no list`);
  const metadata = isRecord(value['metadata']) ? value['metadata'] : {};
  const { resourceVersion, continue: token, remainingItemCount: remaining } = metadata;
  return {
    // A malformed item must not take the rest with it.
    items: Array.isArray(value['items']) ? value['items'].filter(isRecord) : [],
    resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : '',
    continueToken: typeof token === 'string' && token !== '' ? token : undefined,
    remaining: typeof remaining === 'number' ? remaining : undefined,
  };
}

const types = new Set(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);

/** One event a line, split on 0x0A only: `readline` also splits on U+2028, which a string may hold. */
function jsonEvents(): EventReader {
  /** Chunks of a line whose end has not come yet. Joined once, when it has: a line of 1.5 MB is some 100 chunks. */
  let parts: Uint8Array[] = [];
  /** Chunks that came while the one before was not read to its end: several may be read together. */
  const waiting: Uint8Array[] = [];
  let chunk: Uint8Array = new Uint8Array(0);
  let at = 0;

  function nextChunk(): boolean {
    if (at < chunk.length) parts.push(chunk.subarray(at));
    chunk = waiting.shift() ?? new Uint8Array(0);
    at = 0;
    return chunk.length > 0;
  }

  function line(): Uint8Array | undefined {
    let end = chunk.indexOf(0x0a, at);
    while (end < 0 && nextChunk()) end = chunk.indexOf(0x0a);
    if (end < 0) return undefined;
    const rest = chunk.subarray(at, end);
    at = end + 1;
    if (parts.length === 0) return rest;
    const whole = Buffer.concat([...parts, rest]);
    parts = [];
    return whole;
  }

  return {
    push: (bytes) => {
      if (bytes.length > 0) waiting.push(bytes);
    },
    next: () => {
      for (let bytes = line(); bytes !== undefined; bytes = line()) {
        if (bytes.length > 0) return eventOf(JSON.parse(text(bytes)));
      }
      return undefined;
    },
  };
}

function eventOf(value: unknown): WatchEvent {
  if (
    !isRecord(value) ||
    typeof value['type'] !== 'string' ||
    !types.has(value['type']) ||
    !isRecord(value['object'])
  ) {
    throw new TypeError('The line is no watch event');
  }
  return { type: value['type'] as WatchEvent['type'], object: value['object'] as KubeObject };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
