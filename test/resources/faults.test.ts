import { expect, test } from 'vitest';
import { findTable } from '../../src/resources/index.ts';
import { recordedObjects } from '../recorded/read.ts';

const now = Date.parse('2026-11-21T11:44:15Z');

/** Names that the table marks as faults in the recorded cluster, of which every situation is known. */
function faults(word: string, file: string): readonly string[] {
  const table = findTable(word);
  if (table === undefined) throw new Error(`no table ${word}`);
  return recordedObjects(file)
    .objects.map((object) => table.toRow(object, { server: undefined }))
    .filter((row) => table.fault?.(row, now) === true)
    .map(({ name }) => name)
    .sort();
}

test('nodes: dead, not ready, under pressure, with a lost GPU; a cordon or a foreign taint is a decision', () => {
  expect(faults('nodes', 'nodes')).toEqual(['dra-b-01', 'h100-a-02', 'h100-b-03', 'l40s-a-01']);
});

test('namespaces: the one that a finalizer holds', () => {
  expect(faults('ns', 'namespaces')).toEqual(['old-sandbox']);
});

test('claims: those that a provisioner or nobody answers; waiting for a first consumer is by design', () => {
  expect(faults('pvc', 'persistentvolumeclaims')).toEqual([
    'dyn-claim',
    'immediate',
    'no-default',
    'static-toobig',
  ]);
});

test('jobs: failed ones, and those whose pods are refused; suspended ones wait', () => {
  const found = faults('jobs', 'jobs.batch');
  expect(found).toEqual(
    expect.arrayContaining(['backoff', 'deadline', 'idxfail', 'maxidx', 'policy', 'quota-job', 'no-sa']),
  );
  for (const fine of ['idx', 'winner', 'kueue-held', 'suspended', 'llama4-pretrain', 'istio-held']) {
    expect(found).not.toContain(fine);
  }
});

test('endpoint slices: a port that no container has, and pods of which none serves', () => {
  expect(faults('endpointslices', 'endpointslices.discovery.k8s.io')).toEqual([
    'mesh-port-jcpph',
    'tgi-mistral-4x96f',
  ]);
});

test('resource slices: the one with a device that has Xid 79', () => {
  expect(faults('resourceslices', 'resourceslices.resource.k8s.io')).toEqual([
    'dra-a-01-gpu.nvidia.com-5kz8x',
  ]);
});

test('deployments: refused pods and rollouts past their deadline; paused and whole ones are fine', () => {
  const found = faults('deploy', 'deployments.apps');
  expect(found).toEqual(
    expect.arrayContaining(['quota-deploy', 'limit-max', 'jailbreak-eval', 'asr-gateway', 'h200-only']),
  );
  expect(found).not.toContain('vllm-llama-70b');
});
