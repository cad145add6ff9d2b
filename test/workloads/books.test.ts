import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { operatorTables, tables } from '../../src/resources/index.ts';
import type { Resource, Row } from '../../src/resources/resource.ts';
import { createWorkloads, type Workloads } from '../../src/workloads/books.ts';
import { compressNames } from '../../src/workloads/node-names.ts';
import { bookSources } from '../../src/workloads/sources.ts';
import { catalogueObjects } from './cluster.ts';
import { now, pod } from './given.ts';

interface Entry {
  readonly source: (typeof bookSources)[number];
  readonly row: Row;
}

const sourceOf = new Map(bookSources.map((source) => [source.resource, source]));
const kinds: readonly Resource[] = [...tables, ...operatorTables];

function entriesOf(objects: readonly KubeObject[]): readonly Entry[] {
  return objects.flatMap((object) => {
    const group = (object.apiVersion ?? '').split('/').slice(0, -1).join('/');
    const resource = kinds.find((kind) => kind.kind === object.kind && kind.group === group);
    const source = resource === undefined ? undefined : sourceOf.get(resource);
    if (source === undefined) return [];
    const { metadata } = object;
    const named = {
      ...object,
      metadata: { uid: `${object.kind}/${metadata?.namespace}/${metadata?.name}`, ...metadata },
    };
    return [{ source, row: source.resource.toRow(named, { server: undefined }) }];
  });
}

/** Other versions of some pods: gone to a node, lost theirs, or finished. */
const changed = (object: KubeObject, how: number): KubeObject => {
  if (object.kind !== 'Pod' || how === 0) return object;
  const spec = { ...(object['spec'] as object), nodeName: how === 1 ? 'gpu-h100-05' : undefined };
  return {
    ...object,
    spec,
    status: { ...(object['status'] as object), phase: how === 3 ? 'Succeeded' : 'Running' },
  };
};

const objects = catalogueObjects('cluster', 'nodes', 'pods', 'workloads', 'queues-and-quota', 'dra');
const versions = [0, 1, 2, 3].map((how) => entriesOf(objects.map((object) => changed(object, how))));

const shownBy = (books: Workloads): unknown =>
  books
    .rows(now)
    .map((row) => row)
    .sort((a, b) => (a.uid < b.uid ? -1 : 1));

test('after any history the books say what books made anew from the same objects say', () => {
  const step = fc.record({
    at: fc.nat(objects.length - 1),
    version: fc.nat(3),
    isGone: fc.boolean(),
    looks: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 400 }), (steps) => {
      const books = createWorkloads();
      const present = new Map<number, Entry>();
      for (const { at, version, isGone, looks } of steps) {
        const before = present.get(at);
        const after = versions[version]?.[at];
        if (isGone && before !== undefined) {
          before.source.remove(books, before.row);
          present.delete(at);
        } else if (after !== undefined) {
          after.source.put(books, before?.row, after.row);
          present.set(at, after);
        }
        // Looking settles what is dirty: it must make no difference when.
        if (looks) books.rows(now);
      }
      const anew = createWorkloads();
      for (const { source, row } of present.values()) source.put(anew, undefined, row);
      expect(shownBy(books)).toEqual(shownBy(anew));
    }),
    { numRuns: 40 },
  );
});

test('a workload that nothing happened to keeps its very row', () => {
  const books = createWorkloads();
  const [first = [], second = []] = versions;
  for (const { source, row } of first) source.put(books, undefined, row);
  const before = new Map(books.rows(now).map((row) => [row.uid, row]));
  const at = first.findIndex(({ row }) => row.name === 'moe-pretrain-3-t5c6j');
  const [old, fresh] = [first[at], second[at]];
  if (old === undefined || fresh === undefined) throw new Error('the catalogue has changed');
  fresh.source.put(books, old.row, fresh.row);
  const different = books.rows(now).filter((row) => before.get(row.uid) !== row);
  expect(different.map(({ name }) => name)).toEqual(['moe-pretrain']);
});

test('owners that go in circles do not hang it', () => {
  const circle = (name: string, owner: string): KubeObject => ({
    apiVersion: 'jobset.x-k8s.io/v1alpha2',
    kind: 'JobSet',
    metadata: {
      name,
      namespace: 'train',
      ownerReferences: [
        { apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', name: owner, uid: owner, controller: true },
      ],
    },
  });
  const books = createWorkloads();
  for (const { source, row } of entriesOf([circle('a', 'b'), circle('b', 'a'), pod('x')]))
    source.put(books, undefined, row);
  expect(books.rows(now).length).toBeGreaterThan(0);
});

test('nodes are named as Slurm names them', () => {
  expect(compressNames(['gpu-02', 'gpu-01', 'gpu-04', 'gpu-03', 'gpu-07'])).toBe('gpu-[01-04,07]');
  expect(compressNames(['a-9', 'a-10', 'a-11'])).toBe('a-9,a-[10-11]');
  expect(compressNames(['ip-10-0-0-7.ec2.internal', 'ip-10-0-0-8.ec2.internal'])).toContain('ip-10-0-0-');
  expect(compressNames(['head', 'gpu-1'])).toBe('gpu-1,head');
  expect(compressNames([])).toBe('');
});
