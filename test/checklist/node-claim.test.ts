import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { ago, check, object } from './world.ts';

const condition = (type: string, status: string, reason = type, message = '') => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: ago(600),
});

const claim = (...conditions: readonly Readonly<Record<string, unknown>>[]): KubeObject =>
  object('NodeClaim', 'karpenter.sh/v1', 'gpu-1', {
    metadata: {
      name: 'gpu-1',
      uid: 'nc',
      creationTimestamp: ago(1200),
      labels: { 'karpenter.sh/nodepool': 'gpu' },
    },
    status: { nodeName: 'ip-10-0-3-7', conditions },
  });

test('a node that has come is asked about step by step, and nothing is wrong with it', () => {
  const report = check([
    claim(
      condition('Launched', 'True'),
      condition('Registered', 'True'),
      condition('Initialized', 'True'),
      condition('Ready', 'True'),
    ),
  ]);
  expect(report).toMatchObject({ severity: 'none', causes: [] });
  expect(report.headline).toContain('node ip-10-0-3-7: launched, registered and initialized');
  expect(report.items.map(({ title, status }) => [title, status])).toEqual([
    ['The provider has made the machine', 'pass'],
    ['The machine has joined as a node', 'pass'],
    ['The node is ready, with its devices', 'pass'],
  ]);
});

test('a node whose devices do not register says which step it is at, and leads to its pool', () => {
  const report = check([
    claim(
      condition('Launched', 'True'),
      condition('Registered', 'True'),
      condition(
        'Initialized',
        'Unknown',
        'ResourceNotRegistered',
        'Resource "nvidia.com/gpu" was requested but not registered',
      ),
    ),
  ]);
  expect(report).toMatchObject({ severity: 'warn', id: 'autoscaler.node-claim' });
  expect(report.items.map(({ status }) => status)).toEqual(['pass', 'pass', 'warn']);
  expect(report.causes[0]?.fixes.map(({ argv }) => argv.join(' '))).toEqual([
    'kubectl describe nodeclaim gpu-1',
    'kubectl get nodepool gpu',
  ]);
});

test('what comes behind the step that fails was not reached', () => {
  const report = check([claim(condition('Launched', 'False', 'InsufficientCapacity', 'no p5.48xlarge'))]);
  expect(report.severity).toBe('warn');
  expect(report.items.map(({ status }) => status)).toEqual(['warn', 'notReached', 'notReached']);
});

test.each([
  ['Drifted', 'it no longer is as its pool wants it'],
  ['Expired', 'the age that its pool allows'],
  ['Consolidatable', 'its pods may fit elsewhere'],
])('a node that Karpenter may replace is told of, as no fault: %s', (type, says) => {
  const report = check([
    claim(
      condition('Launched', 'True'),
      condition('Registered', 'True'),
      condition('Initialized', 'True'),
      condition('Ready', 'True'),
      condition(type, 'True'),
    ),
  ]);
  expect(report.severity).toBe('none');
  expect(report.headline).toContain(`${type}: Karpenter may replace ip-10-0-3-7`);
  expect(report.headline).toContain(says);
  expect(report.items.at(-1)).toMatchObject({ title: 'Karpenter keeps the node', status: 'info' });
});
