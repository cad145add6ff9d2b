import { expect, test } from 'vitest';
import { evaluateAll } from '../../src/checklist/evaluate.ts';
import { buildIndex } from '../../src/checklist/evidence-index.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { event, pod } from './world.ts';

/** What `kubectl get events -o yaml` alone gives: subjects that nobody pasted. */
const findings = (objects: readonly KubeObject[], listed: readonly string[] = []): readonly string[] =>
  evaluateAll(buildIndex({ objects, listed }))
    .filter((report) => report.severity !== 'none')
    .map((report) => `${report.subject.name} ${report.state}`);

const about = (name: string, kind = 'Pod'): { readonly about: Record<string, unknown> } => ({
  about: { kind, namespace: 'ml', name },
});

test('events alone name the pod and what is wrong with it', () => {
  expect(
    findings([
      event('FailedScheduling', '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.', about('gpu')),
      event('BackOff', 'Back-off restarting failed container app in pod web_ml(x)', about('web')),
      event('Failed', 'Failed to pull image "foo/bar:1": docker.io/foo/bar:1: not found', about('img')),
      event('Unhealthy', 'Readiness probe failed: HTTP probe failed with statuscode: 404', about('probe')),
      event(
        'FailedMount',
        'MountVolume.SetUp failed for volume "v" : configmap "cfg" not found',
        about('cfg'),
      ),
      event(
        'FailedCreate',
        'Error creating: pods "j-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
        about('j', 'Job'),
      ),
    ]),
  ).toEqual(['gpu C2', 'web H1', 'img F1', 'probe J1', 'cfg E4', 'j A1']);
});

test('a pod that was placed since is not waiting for a node', () => {
  expect(
    findings([
      event('FailedScheduling', '0/3 nodes are available: 3 Insufficient cpu.', {
        ...about('web'),
        age: 600,
      }),
      event('Scheduled', 'Successfully assigned ml/web to n1', { ...about('web'), type: 'Normal', age: 20 }),
    ]),
  ).toEqual([]);
});

test('where pods were pasted or listed, events of others are history', () => {
  const old = event('BackOff', 'Back-off restarting failed container app in pod old_ml(x)', about('old'));
  expect(findings([pod(), old])).toEqual([]);
  expect(findings([old], ['Pod'])).toEqual([]);
});

test('events of a predecessor with the same name are not about this pod', () => {
  const before = event('BackOff', 'Back-off restarting failed container main', {
    about: { kind: 'Pod', namespace: 'ml', name: 'web-1', uid: 'uid-of-another' },
  });
  expect(findings([pod(), before])).toEqual([]);
});
