import { expect, test } from 'vitest';
import { findTable } from '../../src/resources/index.ts';
import type { Row, Table } from '../../src/resources/resource.ts';
import { isSameSubject, subjectNamed, subjectOf } from '../../src/state/subject.ts';

const row = (more: Partial<Row> & Readonly<Record<string, unknown>> = {}): Row => ({
  uid: 'uid-1',
  namespace: 'train',
  name: 'x',
  createdAt: undefined,
  version: '1',
  ...more,
});

const derived = (name: string): Table<Row> =>
  ({ name, title: name, aliases: [], namespaced: false, columns: [] }) as Table<Row>;

const kindTable = (word: string): Table<Row> => findTable(word) as Table<Row>;

test.each([
  [
    'pods',
    row(),
    { kind: 'Pod', namespace: 'train', name: 'x', uid: 'uid-1', collection: '/api/v1/namespaces/train/pods' },
  ],
  ['jobs', row(), { kind: 'Job', group: 'batch', collection: '/apis/batch/v1/namespaces/train/jobs' }],
  [
    'nodes',
    row({ namespace: '', name: 'n1' }),
    { kind: 'Node', namespace: '', name: 'n1', collection: '/api/v1/nodes' },
  ],
  [
    'events',
    row({ object: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'serve', name: 'api' } }),
    { kind: 'Deployment', namespace: 'serve', name: 'api' },
  ],
])('a row of %s is about what it shows', (word, given, wanted) => {
  expect(subjectOf(kindTable(word), given)).toMatchObject(wanted);
});

test.each([
  ['gpus', row({ name: 'n1' }), { kind: 'Node', name: 'n1' }],
  ['ranks', row(), { kind: 'Pod', name: 'x', uid: 'uid-1' }],
  ['workloads', row({ kind: 'Job', group: 'batch' }), { kind: 'Job', name: 'x' }],
  ['pending', row({ kind: 'PyTorchJob' }), { kind: 'PyTorchJob', name: 'x' }],
  ['devices', row({ node: 'n1' }), { kind: 'Node', name: 'n1' }],
  [
    'findings',
    row({ subject: { kind: 'Pod', group: '', namespace: 'train', name: 'y', uid: 'uid-y' } }),
    { kind: 'Pod', name: 'y', uid: 'uid-y' },
  ],
])('a row of %s stands for an object', (name, given, wanted) => {
  expect(subjectOf(derived(name), given)).toMatchObject(wanted);
});

test('what stands for nothing has no checklist', () => {
  expect(subjectOf(derived('contexts'), row())).toBeUndefined();
  expect(subjectNamed('Flower', '', 'train', 'x')).toBeUndefined();
});

test('a name alone is the same object as the name with its UID, another UID is another object', () => {
  const named = subjectNamed('Pod', '', 'train', 'x');
  const first = named && { ...named, uid: 'a' };
  const second = named && { ...named, uid: 'b' };
  expect(isSameSubject(named, first)).toBe(true);
  expect(isSameSubject(first, second)).toBe(false);
});
