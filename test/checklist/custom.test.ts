import { describe, expect, test } from 'vitest';
import { evaluateAll } from '../../src/checklist/evaluate.ts';
import { buildIndex } from '../../src/checklist/evidence-index.ts';
import type { KubeObject } from '../../src/kube/object.ts';

const now = Date.parse('2026-01-01T03:00:00Z');

const modelServer = (more: { readonly metadata?: object; readonly status?: object }): KubeObject => ({
  apiVersion: 'mlops.example.com/v1',
  kind: 'ModelServer',
  metadata: {
    namespace: 'ml',
    name: 'llama',
    uid: 'u-1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...more.metadata,
  },
  ...(more.status === undefined ? {} : { status: more.status }),
});

const notReady = (reason: string, message: string): object => ({
  conditions: [
    { type: 'Ready', status: 'False', reason, message, lastTransitionTime: '2026-01-01T00:05:00Z' },
  ],
});

const findings = (object: KubeObject) =>
  evaluateAll(buildIndex({ objects: [object], now })).filter(({ severity }) => severity !== 'none');

describe('a custom resource that nothing here knows', () => {
  test('that says why it failed is a finding in its own words', () => {
    const object = modelServer({ status: notReady('DownloadFailed', 's3://models/llama: 403 Forbidden') });
    expect(findings(object)[0]?.causes[0]?.text).toContain(
      'DownloadFailed: s3://models/llama: 403 Forbidden',
    );
  });

  test('whose deletion a finalizer holds says which', () => {
    const deleted = { deletionTimestamp: '2026-01-01T01:00:00Z', finalizers: ['mlops.example.com/cleanup'] };
    expect(findings(modelServer({ metadata: deleted }))[0]?.headline).toBe(
      'deleting for 2h: finalizer mlops.example.com/cleanup',
    );
  });

  test('that is off on purpose, or only just being deleted, is none', () => {
    expect(findings(modelServer({ status: notReady('ScaledToZero', 'no traffic') }))).toEqual([]);
    const deleted = { deletionTimestamp: '2026-01-01T02:59:50Z', finalizers: ['mlops.example.com/cleanup'] };
    expect(findings(modelServer({ metadata: deleted }))).toEqual([]);
  });
});

test('a built-in kind without a checklist stays out of the list', () => {
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'a', uid: 'u' } };
  expect(evaluateAll(buildIndex({ objects: [lease], now }))).toEqual([]);
});
