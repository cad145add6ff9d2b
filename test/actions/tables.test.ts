import { expect, test } from 'vitest';
import { createTables } from '../../src/actions/tables.ts';
import type { ServedKind } from '../../src/kube/discovery.ts';
import { wordOf } from '../../src/resources/index.ts';
import type { Resource } from '../../src/resources/resource.ts';

const served = (
  group: string,
  resource: string,
  kind: string,
  more: Partial<ServedKind> = {},
): ServedKind => ({
  group,
  resource,
  kind,
  version: 'v1',
  isNamespaced: true,
  verbs: ['get', 'list', 'watch'],
  shortNames: [],
  subresources: [],
  isPreferred: true,
  ...more,
});

const nodeClaims = served('karpenter.sh', 'nodeclaims', 'NodeClaim', {
  isNamespaced: false,
  shortNames: ['nc'],
});
const pods = served('', 'pods', 'Pod');

const kindOf = (tables: ReturnType<typeof createTables>, word: string): Partial<Resource> | undefined =>
  tables.named(word) as Partial<Resource> | undefined;

test('a kind that mltop has no file for is a table once the cluster says that it serves it', () => {
  const tables = createTables([]);
  expect(tables.named('nodeclaims')).toBeUndefined();
  const before = tables.all.length;
  tables.learn([pods, nodeClaims]);
  for (const word of [
    'nodeclaims',
    'nc',
    'NodeClaim',
    'nodeclaims.karpenter.sh',
    'nodeclaims.v1.karpenter.sh',
  ])
    expect(kindOf(tables, word)).toMatchObject({ kind: 'NodeClaim', title: 'NodeClaims', namespaced: false });
  expect(tables.all.length).toBe(before + 1);
  expect(kindOf(tables, 'pods')?.title).toBe('Pods');
});

test('what can only be asked for one by one is no table, nor is the second name of the events', () => {
  const tables = createTables([]);
  tables.learn([
    served('', 'componentstatuses', 'ComponentStatus', { verbs: ['get', 'list'] }),
    served('authorization.k8s.io', 'subjectaccessreviews', 'SubjectAccessReview', { verbs: ['create'] }),
    served('events.k8s.io', 'events', 'Event'),
  ]);
  expect(tables.named('componentstatuses')).toBeUndefined();
  expect(tables.named('subjectaccessreviews')).toBeUndefined();
  expect(kindOf(tables, 'events')?.group).toBe('');
});

test('the version that the group prefers is read', () => {
  const tables = createTables([]);
  tables.learn([
    { ...nodeClaims, version: 'v1beta1', isPreferred: false },
    { ...nodeClaims, version: 'v1' },
  ]);
  expect(kindOf(tables, 'nodeclaims')?.apiVersion).toBe('v1');
});

test('a custom kind is printed as its definition says, once that is read; kinds of Kubernetes have none', () => {
  const tables = createTables([]);
  tables.learn([nodeClaims, served('', 'podtemplates', 'PodTemplate')]);
  const asked = tables.undefinedKind('nc') ?? expect.fail();
  expect(tables.undefinedKind('podtemplates')).toBeUndefined();
  expect(tables.undefinedKind('pods')).toBeUndefined();
  tables.define(asked, [{ name: 'Node', type: 'string', priority: 0, jsonPath: '.status.nodeName' }]);
  expect(tables.named('nc')?.columns.map(({ title }) => title)).toEqual(['NAME', 'NODE']);
  expect(tables.undefinedKind('nc')).toBeUndefined();
  // Asked again after an outage: what is known stays known, and so does the table that is shown.
  const shown = tables.named('nc');
  tables.learn([nodeClaims]);
  expect(tables.named('nc')).toBe(shown);
});

test('of several kinds with one plural, the word means one that the cluster has, and each is opened as itself', () => {
  const tables = createTables([]);
  expect(kindOf(tables, 'podgroups')?.group).toBe('scheduling.volcano.sh');
  tables.learn([served('scheduling.run.ai', 'podgroups', 'PodGroup', { version: 'v2alpha2' })]);
  expect(kindOf(tables, 'podgroups')?.title).toBe('KAI PodGroups');
  for (const word of ['jobs', 'jobs.batch.volcano.sh', 'workloads.kueue.x-k8s.io', 'deployments', 'nodes']) {
    const table = tables.named(word) ?? expect.fail(word);
    expect(wordOf(table)).toBe(word);
    expect(tables.named(wordOf(table))).toBe(table);
  }
});
