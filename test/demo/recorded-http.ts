import { readFileSync } from 'node:fs';
import type { Ask } from './cluster.ts';

/** What a real v1.36.3 server answered to one request: a file of `http/`. */
export interface Recorded {
  readonly path: string;
  readonly ask: Ask;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
  readonly body: string;
}

/** Reads a recorded answer: the request in its first line, then the answer as it came. */
export function readRecorded(path: string): Recorded {
  const [head = '', ...bodyParts] = readFileSync(path, 'utf8')
    .replace(/^((?:#.*\n)+)\n/, '$1')
    .split('\n\n');
  const [command = '', ...lines] = head.split('\n');
  const header = (wanted: string): string | undefined =>
    lines.find((line) => line.startsWith(`${wanted}: `))?.slice(wanted.length + 2);
  const sent = (wanted: string): string | undefined =>
    new RegExp(`-H ${wanted}: (.*?)(?= -[HdX] |$)`).exec(command)?.[1]?.trim();
  const authorization = sent('Authorization');
  // Files with a second comment line were recorded as the admin and do not say so.
  const user =
    authorization === undefined
      ? lines[0]?.startsWith('#') === true
        ? 'admin'
        : 'anonymous'
      : /<(\w+)>/.exec(authorization)?.[1];
  return {
    path: / (\/\S*)/.exec(command)?.[1] ?? '/',
    ask: {
      method: /-X (\w+)/.exec(command)?.[1] ?? 'GET',
      ...(user === undefined ? { token: 'wrong' } : { user }),
      accept: sent('Accept') ?? '*/*',
      ...(sent('Content-Type') === undefined
        ? {}
        : { headers: { 'content-type': sent('Content-Type') ?? '' } }),
      ...(command.includes(' -d ') ? { body: command.slice(command.indexOf(' -d ') + 4) } : {}),
    },
    status: Number(/HTTP\/1.1 (\d+)/.exec(head)?.[1]),
    contentType: header('Content-Type'),
    contentLength: header('Content-Length') === undefined ? undefined : Number(header('Content-Length')),
    body: bodyParts.join('\n\n').trim(),
  };
}

/** What cannot be equal: versions, ages, fields that the demo server does not keep. */
export function comparable(text: string): unknown {
  const plain = text
    .replace(/(too old resource version: \d+) \(\d+\)/, '$1 (…)')
    .replace(/current: \d+/, 'current: …')
    .replace(/"creationTimestamp":"[^"]+"/, '"creationTimestamp":"…"')
    .replace(/"storageVersionHash":"[^"]+",?/g, '')
    .replace(/,(?=})/g, '');
  if (!plain.startsWith('{')) return plain.trim();
  return JSON.parse(plain, (key, value: unknown) => {
    if (key === 'managedFields') return undefined;
    if (key === 'resourceVersion' || key === 'uid') return '…';
    // The order of bindings is that of a map: it changed between two answers of the real server.
    if (key === 'nonResourceRules') return (value as unknown[]).map((rule) => JSON.stringify(rule)).sort();
    return value;
  });
}
