import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, startDemo } from '../../src/demo/index.ts';
import { connect } from '../../src/kube/connection.ts';
import type { Connection, ConnectOptions } from '../../src/kube/contract.ts';
import { discover, servedKind } from '../../src/kube/discovery.ts';
import { followLog } from '../../src/kube/logs.ts';
import { mayI, visibleNamespaces } from '../../src/kube/rights.ts';
import { temporaryFolder } from '../folder.ts';
import { quickTiming } from './api-server.ts';
import { record } from './recorder.ts';

let demo: Demo;
let kubeconfig: string;
const open: Connection[] = [];

beforeAll(async () => {
  demo = await startDemo({ still: true, plainHttp: true });
  kubeconfig = await demo.writeKubeconfig(join(temporaryFolder('demo'), 'config'));
}, 30_000);

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()));
  await demo.close();
});

async function as(options: Partial<ConnectOptions> = {}): Promise<Connection> {
  const connection = await connect({ kubeconfig, userAgent: 'mltop/test', timing: quickTiming, ...options });
  open.push(connection);
  return connection;
}

const stored = (resource: string): string[] =>
  demo.store
    .list('', resource)
    .map(({ metadata }) => metadata?.name ?? '')
    .sort();

describe('against the demo cluster', () => {
  test.each([
    ['over HTTP/2, as a streaming list', {}],
    ['over HTTP/1.1', { http1: true }],
  ])("the rows are the server's objects (%s)", async (_name, options) => {
    const connection = await as(options);
    for (const resource of ['pods', 'nodes', 'events']) {
      const seen = record(connection, { path: `/api/v1/${resource}` });
      await seen.untilState('live');
      expect(seen.names()).toEqual(stored(resource));
      seen.stop();
    }
  });

  test('in pages, over plain http', async () => {
    const connection = await as({ server: demo.httpUrl ?? '' });
    demo.settings.watchList = 'off';
    const seen = record(connection, { path: '/api/v1/pods' });
    await seen.untilState('live');
    demo.settings.watchList = 'on';
    expect(seen.names()).toEqual(stored('pods'));
    seen.stop();
  });

  test('a field selector narrows', async () => {
    const connection = await as();
    const seen = record(connection, { path: '/api/v1/pods', fieldSelector: 'status.phase=Pending' });
    await seen.untilState('live');
    expect(seen.names().length).toBeGreaterThan(0);
    expect(seen.names().length).toBeLessThan(stored('pods').length);
    seen.stop();
  });

  test('discovery finds what is served', async () => {
    const found = await discover(await as());
    expect(found.problems).toEqual([]);
    expect(servedKind(found, '', 'pods')).toMatchObject({
      kind: 'Pod',
      version: 'v1',
      subresources: expect.arrayContaining(['log']),
    });
  });

  test('a viewer of two namespaces sees those, and is told what the cluster refuses', async () => {
    const connection = await as({ context: 'demo-viewer' });
    const all = record(connection, { path: '/api/v1/pods' });
    expect(await all.untilState('forbidden')).toMatchObject({
      reason: expect.stringContaining('cannot list resource "pods"'),
    });
    all.stop();
    const [namespace = ''] = demo.viewerNamespaces;
    expect(await mayI(connection, { verb: 'list', group: '', resource: 'pods', namespace })).toMatchObject({
      allowed: 'yes',
    });
    expect(await mayI(connection, { verb: 'list', group: '', resource: 'pods' })).toMatchObject({
      allowed: 'no',
    });
    const narrow = record(connection, { path: `/api/v1/namespaces/${namespace}/pods` });
    await narrow.untilState('live');
    expect(narrow.names()).toEqual(
      demo.store
        .list('', 'pods')
        .filter(({ metadata }) => metadata?.namespace === namespace)
        .map(({ metadata }) => metadata?.name)
        .sort(),
    );
    narrow.stop();
    expect(await visibleNamespaces(connection, demo.viewerNamespaces)).toMatchObject({
      source: expect.stringMatching(/all|given/),
    });
  });

  test('the log of a running pod', async () => {
    const connection = await as();
    const pod = demo.store
      .list('', 'pods')
      .find(({ status }) => (status as { phase?: string } | undefined)?.phase === 'Running');
    const lines: string[] = [];
    const log = followLog(
      connection,
      {
        namespace: pod?.metadata?.namespace ?? '',
        pod: pod?.metadata?.name ?? '',
        container:
          (pod as unknown as { spec: { containers: { name: string }[] } }).spec.containers[0]?.name ?? '',
        follow: false,
        tailLines: 3,
      },
      { line: ({ text, time }) => lines.push(`${time === undefined ? '?' : ''}${text}`), state: () => {} },
    );
    await log.done;
    expect(lines).toHaveLength(3);
    expect(lines.some((line) => line.startsWith('?'))).toBe(false);
  });
});
