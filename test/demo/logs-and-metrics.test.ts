import { describe, expect, test } from 'vitest';
import type { LogLine, LogSource } from '../../src/demo/index.ts';
import type { KubeLike } from '../../src/demo/object.ts';
import { ask, demoOf, pod, stream } from './cluster.ts';

const noon = Date.parse('2026-11-21T12:00:00Z');
const lines: readonly LogLine[] = Array.from({ length: 10 }, (_, index) => ({
  at: noon - (10 - index) * 1000,
  text: `step ${index}`,
}));
const path = '/api/v1/namespaces/train/pods/a/log';

/** A container whose lines a test writes by hand. */
function live(): { readonly source: LogSource; readonly write: (line: LogLine | undefined) => void } {
  const readers = new Set<(line: LogLine | undefined) => void>();
  return {
    source: {
      lines,
      follow(onLine) {
        readers.add(onLine);
        return () => readers.delete(onLine);
      },
    },
    write: (line) => {
      for (const reader of readers) reader(line);
    },
  };
}

const statusOf = (state: object, lastState: object = {}): KubeLike => ({
  ...pod('a'),
  status: { phase: 'Running', containerStatuses: [{ name: 'main', state, lastState }] },
});

describe('logs', () => {
  const options = { objects: [pod('a')], now: () => noon, logsProvider: (): LogSource => ({ lines }) };
  test.each([
    ['', 10, 'step 0'],
    ['?tailLines=3', 3, 'step 7'],
    ['?tailLines=0', 0, undefined],
    ['?sinceSeconds=4', 4, 'step 6'],
    [`?sinceTime=${new Date(noon - 2000).toISOString()}`, 2, 'step 8'],
    ['?sinceSeconds=4&tailLines=1', 1, 'step 9'],
    ['?timestamps=true&tailLines=1', 1, '2026-11-21T11:59:59.000000000Z step 9'],
    ['?limitBytes=10', 2, 'step 0'],
  ])('%s', async (query, count, first) => {
    const demo = await demoOf(options);
    const { text } = await ask(demo, `${path}${query}`, { accept: '*/*' });
    const found = text.split('\n').filter((line) => line !== '');
    expect([found.length, found[0]]).toEqual([count, first]);
  });

  test('followed, go on until the container ends', async () => {
    const { source, write } = live();
    const demo = await demoOf({ ...options, logsProvider: () => source });
    const log = await stream(demo, `${path}?follow=true&tailLines=1`);
    expect(await log.next()).toBe('step 9');
    write({ at: noon, text: 'step 10' });
    expect(await log.next()).toBe('step 10');
    write(undefined);
    expect(await log.next()).toBeUndefined();
  });

  test('of the run before are asked from the provider as such', async () => {
    const before = statusOf({ running: {} }, { terminated: { exitCode: 1, containerID: 'containerd://1' } });
    const demo = await demoOf({
      ...options,
      objects: [before],
      logsProvider: (_pod, container, { previous }) => ({
        lines: [{ at: noon, text: `${container} ${previous}` }],
      }),
    });
    expect((await ask(demo, `${path}?previous=true`)).text).toBe('main true\n');
  });

  test.each([
    [
      { waiting: { reason: 'ContainerCreating' } },
      '',
      'container "main" in pod "a" is waiting to start: ContainerCreating',
    ],
    [
      { waiting: { reason: 'ImagePullBackOff' } },
      '',
      'container "main" in pod "a" is waiting to start: trying and failing to pull image',
    ],
    [
      { waiting: { reason: 'ErrImagePull' } },
      '',
      `container "main" in pod "a" is waiting to start: image can't be pulled`,
    ],
    [{ running: {} }, '?previous=true', 'previous terminated container "main" in pod "a" not found'],
  ])('that are not there: %j %s', async (state, query, message) => {
    const demo = await demoOf({ ...options, objects: [statusOf(state)] });
    const answer = await ask(demo, `${path}${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ message, reason: 'BadRequest' });
  });

  test('of a pod that the kubelet refused are not available', async () => {
    const demo = await demoOf({ ...options, objects: [{ ...pod('a'), status: { phase: 'Failed' } }] });
    expect((await ask(demo, path)).json()).toMatchObject({
      message: 'container "main" in pod "a" is not available',
      code: 400,
    });
  });

  test('of a pod on a dead node are a 500 without a reason', async () => {
    const node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      status: {
        conditions: [{ type: 'Ready', status: 'Unknown' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.7' }],
      },
    };
    const demo = await demoOf({ ...options, objects: [pod('a'), node] });
    const answer = await ask(demo, `${path}?tailLines=10`);
    expect(answer.status).toBe(500);
    expect(answer.json()).not.toHaveProperty('reason');
    expect(answer.text).toContain('https://n1:10250/containerLogs/train/a/main?tailLines=10');
  });

  test('of a pod from a dump are what a kubelet says of a container that is gone', async () => {
    const demo = await demoOf({ objects: [pod('a')] });
    expect((await ask(demo, path)).text).toMatch(/^unable to retrieve container logs for /);
  });
});

describe('metrics', () => {
  const metricsProvider = {
    nodes: () => [{ name: 'n1', cpu: '1500m', memory: '2Gi', at: noon }],
    pods: (namespace?: string) =>
      [
        {
          namespace: 'train',
          name: 'a',
          labels: { app: 'x' },
          containers: [{ name: 'main', cpu: '1', memory: '1Gi' }],
          at: noon,
          windowSeconds: 15,
        },
      ].filter((usage) => namespace === undefined || usage.namespace === namespace),
  };
  const group = '/apis/metrics.k8s.io/v1beta1';

  test('are told in the shape of metrics-server', async () => {
    const demo = await demoOf({ objects: [pod('a')], metricsProvider, now: () => noon });
    expect((await ask(demo, `${group}/nodes`)).json()).toEqual({
      kind: 'NodeMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items: [
        {
          metadata: { name: 'n1', creationTimestamp: '2026-11-21T12:00:00Z' },
          timestamp: '2026-11-21T12:00:00Z',
          window: '20s',
          usage: { cpu: '1500m', memory: '2Gi' },
        },
      ],
    });
    expect((await ask(demo, `${group}/namespaces/train/pods/a`)).json()).toMatchObject({
      kind: 'PodMetrics',
      window: '15s',
      containers: [{ name: 'main', usage: { cpu: '1', memory: '1Gi' } }],
    });
    expect((await ask(demo, `${group}/pods?labelSelector=app%3Dy`)).json()).toMatchObject({ items: [] });
    expect((await ask(demo, `${group}/nodes/nope`)).status).toBe(404);
  });

  test('come and go while the server runs', async () => {
    const demo = await demoOf({ objects: [], metricsProvider });
    expect((await ask(demo, `${group}/nodes`)).status).toBe(200);
    demo.settings.metrics = 'down';
    expect((await ask(demo, `${group}/nodes`)).text).toBe('service unavailable\n');
    demo.settings.metrics = 'absent';
    expect((await ask(demo, `${group}/nodes`)).text).toBe('404 page not found\n');
  });
});
