import { expect, test } from 'vitest';
import { gpuDocument } from '../../src/cli/gpus-json.ts';
import { catalogueCluster, clusterOf } from '../workloads/cluster.ts';
import { now, pod } from '../workloads/given.ts';

interface Document {
  readonly nodes: readonly Readonly<Record<string, unknown>>[];
  readonly classes: readonly { readonly requested: number; readonly orphans: number }[];
  readonly namespaces: readonly { readonly name: string; readonly total: number }[];
  readonly workloads: readonly { readonly namespace: string; readonly total: number }[];
  readonly pending: readonly { readonly name: string }[];
}

const documentOf = (cluster = catalogueCluster(), namespaces: readonly string[] | 'all' = 'all'): Document =>
  gpuDocument(cluster, { context: 'demo', partial: [], namespaces, now }) as Document;

const total = <T>(list: readonly T[], of: (one: T) => number): number =>
  list.reduce((sum, one) => sum + of(one), 0);

test('nodes, classes, namespaces and workloads have the same sum, but for what no pod uses', () => {
  const { nodes, classes, namespaces, workloads } = documentOf();
  const requested = total(nodes, ({ requested: units }) => Number(units));
  const orphans = total(classes, (one) => one.orphans);
  expect(total(classes, (one) => one.requested)).toBe(requested);
  expect(total(workloads, (one) => one.total)).toBe(requested - orphans);
  expect(total(namespaces, (one) => one.total)).toBe(requested - orphans);
});

test('one entry for each node and class, by the resource’s full name', () => {
  const mig = documentOf().nodes.find((node) => node['class'] === 'nvidia.com/mig-3g.20gb');
  expect(mig).toMatchObject({
    name: 'gpu-a100-mig-01',
    mode: 'mig',
    requested: 3,
    holders: expect.arrayContaining([{ namespace: 'serve', pod: 'vllm-405b-0', count: 1 }]),
  });
});

test('a number that cannot be known is null, with the reason beside it', () => {
  const [node] = documentOf(clusterOf([pod('p-0', { node: 'hidden' })])).nodes;
  expect(node).toMatchObject({
    name: 'hidden',
    capacity: null,
    free: null,
    requested: 1,
    reason: 'the node cannot be read',
  });
});

test('of some namespaces, only theirs', () => {
  const { namespaces, workloads, pending } = documentOf(catalogueCluster(), ['team-c']);
  expect(namespaces.map(({ name }) => name)).toEqual(['team-c']);
  expect(workloads.every(({ namespace }) => namespace === 'team-c')).toBe(true);
  expect(pending.map(({ name }) => name).sort()).toEqual(['big-pretrain', 'needs-scratch', 'sweep-g']);
});
