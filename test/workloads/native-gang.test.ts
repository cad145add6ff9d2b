import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { pods } from '../../src/resources/pods.ts';
import { workloads } from '../../src/workloads/workloads.ts';
import { clusterOf } from './cluster.ts';

/** Of a v1.36.3 with the gates GenericWorkload and GangScheduling. */
const recorded = (file: string): readonly KubeObject[] =>
  gunzipSync(readFileSync(new URL(`../recorded/gang-alpha/${file}.jsonl.gz`, import.meta.url)))
    .toString()
    .split('\n')
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as KubeObject);

const now = Date.parse('2026-11-21T12:01:11Z');
const rows = workloads.derive(
  clusterOf([...recorded('pods'), ...recorded('podgroups.scheduling.k8s.io')]),
  now,
);
const named = (name: string) => rows.find((row) => row.name === name) ?? expect.fail();

test('the pods of a native gang are one workload, by the name of their PodGroup', () => {
  expect(
    rows
      .map(({ kind, name, podsRunning, podsPending, podsWanted }) => ({
        kind,
        name,
        podsRunning,
        podsPending,
        podsWanted,
      }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  ).toEqual([
    { kind: 'PodGroup', name: 'native-gang-fits', podsRunning: 2, podsPending: 0, podsWanted: 2 },
    { kind: 'PodGroup', name: 'native-gang-short', podsRunning: 0, podsPending: 3, podsWanted: 4 },
    { kind: 'PodGroup', name: 'native-gang-workers-0', podsRunning: 0, podsPending: 8, podsWanted: 8 },
    { kind: 'PodGroup', name: 'no-such-group', podsRunning: 0, podsPending: 1, podsWanted: 1 },
  ]);
});

test('a gang without room says what its pods lack', () => {
  expect(named('native-gang-workers-0')).toMatchObject({
    state: 'Pending',
    why: expect.stringContaining('Insufficient nvidia.com/gpu on'),
  });
});

test('a gang that is short of pods says so: its scheduler is silent', () => {
  expect(named('native-gang-short')).toMatchObject({
    state: 'Pending',
    why: 'its gang starts with 4 pods, and 3 were made',
  });
});

test('a pod whose PodGroup does not exist waits for it', () => {
  expect(named('no-such-group')).toMatchObject({
    state: 'Pending',
    why: 'the scheduler waits for PodGroup no-such-group, which is not there or may not be read',
  });
});

test('a pod of 1.35 names its Workload, one of its groups and the replica', () => {
  const workloadRef = { name: 'llama', podGroup: 'workers', podGroupReplicaKey: '1' };
  const object = { metadata: { name: 'w' }, spec: { containers: [], workloadRef }, status: {} };
  expect(pods.toRow(object, { server: undefined }).podGroup).toBe('llama-workers-1');
});
