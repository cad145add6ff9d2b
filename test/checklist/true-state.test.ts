import { expect, test } from 'vitest';
import { evaluate } from '../../src/checklist/evaluate.ts';
import { buildIndex } from '../../src/checklist/evidence-index.ts';
import { trueState } from '../../src/checklist/true-state.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { pods } from '../../src/resources/pods.ts';
import { ago, ended, event, node, now, pending, pod, status } from './world.ts';

/** How bad the checklist finds the first of these, and how bad the table of all pods does. */
function both(subject: KubeObject, ...more: readonly KubeObject[]): readonly [string, string] {
  const server = { major: 1, minor: 36, text: 'v1.36.3' };
  const index = buildIndex({ objects: [subject, node('gpu-1'), ...more], listed: ['*'], now, server });
  const row = pods.toRow(subject, { server });
  const context = { now, index, eventsOf: () => index.events(subject) };
  return [evaluate(index, subject).severity, trueState(row, context, 'events').severity];
}

const running = (since: number, more: Readonly<Record<string, unknown>> = {}): unknown =>
  status({ running: { startedAt: ago(since) } }, { ready: true, started: true, ...more });

test('a pod that is ready again long after its last bad end is well', () => {
  const lastEnd = ended(1, 'Error', { startedAt: ago(10_200), finishedAt: ago(6600) });
  const subject = pod({
    metadata: { creationTimestamp: ago(90_000) },
    status: { containerStatuses: [running(6590, { restartCount: 2, lastState: { terminated: lastEnd } })] },
  });
  expect(both(subject)).toEqual(['none', 'none']);
});

test('a pod that keeps restarting is not, ready or not', () => {
  const lastEnd = ended(1, 'Error', { startedAt: ago(900), finishedAt: ago(610) });
  const again = (ready: boolean): KubeObject =>
    pod({
      metadata: { creationTimestamp: ago(90_000) },
      status: {
        conditions: [
          { type: 'PodScheduled', status: 'True', lastTransitionTime: ago(90_000) },
          { type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: ago(600) },
        ],
        containerStatuses: [running(600, { ready, restartCount: 4, lastState: { terminated: lastEnd } })],
      },
    });
  expect(both(again(true))).toEqual(['warn', 'warn']);
  expect(both(again(false))).toEqual(['bad', 'bad']);
});

test('a pod whose readiness probe fails on and on is not, by its events', () => {
  const subject = pod({
    spec: {
      containers: [
        {
          name: 'main',
          image: 'registry.corp/web:1',
          readinessProbe: { httpGet: { path: '/healthz', port: 8080 } },
        },
      ],
    },
    status: {
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: ago(3600) },
        { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: ago(3600) },
      ],
      containerStatuses: [running(3500, { ready: false })],
    },
  });
  const words = 'Readiness probe failed: Get "http://10.0.0.1:8080/healthz": dial tcp: connection refused';
  expect(both(subject, event('Unhealthy', words, { type: 'Warning', count: 300 }))).toEqual(['bad', 'bad']);
  expect(both(subject)[1]).toBe('none');
});

test('what waits for a gang waits in the table too', () => {
  const subject = pod(
    pending('3/3 tasks in gang unschedulable: pod group is not ready, 3 Pending, 3 minAvailable', {
      spec: { schedulerName: 'volcano' },
    }),
  );
  expect(both(subject)).toEqual(['warn', 'warn']);
});
