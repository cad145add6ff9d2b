import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { ask, recordedFiles } from './cluster.ts';
import { comparable, readRecorded } from './recorded-http.ts';

const folder = fileURLToPath(new URL('http-writes', import.meta.url));
const recordedAt = Date.parse('2026-11-21T11:44:33Z');

let demo: Demo;
beforeAll(async () => {
  demo = await startDemo({
    from: recordedFiles(
      'pods',
      'nodes',
      'namespaces',
      'configmaps',
      'deployments.apps',
      'jobs.batch',
      'services',
      'serviceaccounts',
      'limitranges',
      'resourcequotas',
      'priorityclasses.scheduling.k8s.io',
      'poddisruptionbudgets.policy',
      'validatingadmissionpolicies.admissionregistration.k8s.io',
    ),
    viewerNamespaces: ['research', 'serving'],
    now: () => recordedAt,
    still: true,
  });
});
afterAll(() => demo.close());

/** The server's own dump of Go values, which nobody reads. */
const withoutDump = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_, inner: unknown) =>
    typeof inner === 'string'
      ? inner
          .replace(/Invalid value: \{.*?(field is immutable)/g, 'Invalid value: … $1')
          .replace(/(negative\))\n[\s\S]*/, '$1')
          .replace(/ResourceVersion in record \(\d+\)/g, 'ResourceVersion in record (…)')
      : inner,
  );

test.each(readdirSync(folder).map((file) => file.replace('.txt', '')))('%s', async (name) => {
  const real = readRecorded(`${folder}/${name}.txt`);
  const before = demo.store.resourceVersion();
  const ours = await ask(demo, real.path, real.ask);
  expect(ours.status).toBe(real.status);
  expect(ours.headers['content-type']).toBe(real.contentType);
  expect(withoutDump(comparable(ours.text))).toEqual(withoutDump(comparable(real.body)));
  expect(demo.store.resourceVersion()).toBe(before);
});
