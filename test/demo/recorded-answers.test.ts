import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { ask, recordedFiles } from './cluster.ts';
import { comparable, readRecorded } from './recorded-http.ts';

const folder = fileURLToPath(new URL('http', import.meta.url));

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
    const real = readRecorded(`${folder}/${name}.txt`);
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
