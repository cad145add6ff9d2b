import { expect, test } from 'vitest';
import { findTable, tables } from '../../src/resources/index.ts';
import { pathOf } from '../../src/resources/resource.ts';

test.each([
  ['pods', 'Pod'],
  ['po', 'Pod'],
  ['Pod', 'Pod'],
  ['no', 'Node'],
  ['dp', 'Deployment'],
  ['deploy', 'Deployment'],
  ['deployments.apps', 'Deployment'],
  ['deploy.v1.apps', 'Deployment'],
  ['jo', 'Job'],
  ['jobs.batch', 'Job'],
  ['sec', 'Secret'],
  ['quota', 'ResourceQuota'],
  ['limits', 'LimitRange'],
  ['crd', 'CustomResourceDefinition'],
  ['PVC', 'PersistentVolumeClaim'],
  ['hpa', 'HorizontalPodAutoscaler'],
  ['isvc', 'InferenceService'],
  ['rayclusters', 'RayCluster'],
])('%s means %s', (word, kind) => {
  expect(findTable(word)?.kind).toBe(kind);
});

test('a word that mltop does not know means nothing', () => {
  expect(findTable('podmonitors')).toBeUndefined();
  expect(findTable('jobs.example.org')).toBeUndefined();
});

test('a word that several operators use means the built-in kind, and their own with the group', () => {
  expect(findTable('jobs')?.group).toBe('batch');
  expect(findTable('jobs.batch.volcano.sh')?.group).toBe('batch.volcano.sh');
  expect(findTable('workloads.kueue.x-k8s.io')?.title).toBe('Kueue Workloads');
  expect(findTable('podgroups.v1beta1.scheduling.k8s.io')?.group).toBe('scheduling.k8s.io');
});

test('no two built-in kinds share a word', () => {
  const words = tables.flatMap(({ name, kind, aliases }) => [
    ...new Set([name, kind.toLowerCase(), ...aliases]),
  ]);
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([]);
});

test('every kind has a name column that stays, and knows how wide a screen must be for the rest', () => {
  for (const { columns, kind } of tables) {
    expect(
      columns.some(({ priority }) => priority === 0),
      kind,
    ).toBe(true);
    expect(new Set(columns.map(({ title }) => title)).size, kind).toBe(columns.length);
  }
});

test('paths are the API’s', () => {
  const path = (word: string, namespace?: string): string | undefined => {
    const table = findTable(word);
    return table === undefined ? undefined : pathOf(table, namespace);
  };
  expect(path('pods')).toBe('/api/v1/pods');
  expect(path('jobs', 'train')).toBe('/apis/batch/v1/namespaces/train/jobs');
  expect(path('nodes', 'train')).toBe('/api/v1/nodes');
});
