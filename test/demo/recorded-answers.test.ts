import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { type Ask, ask, recordedFiles } from './cluster.ts';

/** What a real v1.36.3 server answered to one request: a file of `http/`. */
interface Recorded {
  readonly path: string;
  readonly ask: Ask;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly contentLength: number | undefined;
  readonly body: string;
}

const folder = fileURLToPath(new URL('http', import.meta.url));

function recorded(name: string): Recorded {
  const [head = '', ...bodyParts] = readFileSync(`${folder}/${name}.txt`, 'utf8')
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
function comparable(text: string): unknown {
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

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo({
    from: recordedFiles('pods', 'nodes', 'namespaces', 'events', 'configmaps', 'deployments.apps', 'secrets'),
    viewerNamespaces: ['research', 'serving'],
    tooLargeWaitMs: 10,
    metrics: 'absent',
  });
  // As after hours of life: the first revisions are gone.
  demo.store.jumpTo(30_507);
});
afterAll(() => demo.close());

const groupsOfItems = (body: unknown): unknown[] => (body as { items: unknown[] }).items;

describe('answers as a real server does', () => {
  const withMetricsDown = [
    '503-metrics-backend-down',
    '503-metrics-group',
    'discovery-apis-v2-stale-metrics',
  ];
  const names = readdirSync(folder).map((file) => file.replace('.txt', ''));
  test.each(names)('%s', async (name) => {
    const real = recorded(name);
    demo.settings.metrics = withMetricsDown.includes(name) ? 'down' : 'absent';
    const ours = await ask(demo, real.path, real.ask);
    expect(ours.status).toBe(real.status);
    expect(ours.headers['content-type']).toBe(real.contentType);
    if (name === 'table-pods-none') {
      // Ages and the restarts that depend on the clock differ; which rows there are does not.
      const cells = (text: string): unknown[] =>
        (JSON.parse(text) as { rows: { cells: unknown[]; object: unknown }[] }).rows.map((row) => [
          row.cells[0],
          row.cells[2],
          row.object,
        ]);
      expect(cells(ours.text)).toEqual(cells(real.body));
      return;
    }
    const expected = comparable(real.body);
    const got = comparable(ours.text);
    if (name.startsWith('discovery-') && typeof expected === 'object' && 'items' in (expected as object))
      expect(groupsOfItems(got)).toEqual(groupsOfItems(expected));
    else expect(got).toEqual(expected);
    // A Status without a varying part has the same length to the byte: the same line end, the same indentation.
    if (real.contentLength !== undefined && real.status >= 400 && !/current: |<|>|&/.test(real.body))
      expect(ours.bytes.length).toBe(real.contentLength);
  });
});

test('an unchanged discovery document is a 304', async () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const first = await ask(demo, '/apis', { accept });
  const again = await ask(demo, '/apis', {
    accept,
    headers: { 'if-none-match': String(first.headers['etag']) },
  });
  expect(again.status).toBe(304);
});
