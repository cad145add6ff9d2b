import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { nodes } from '../../src/resources/nodes.ts';
import { anyResource } from '../../src/resources/resource.ts';
import { type Cluster, createCluster } from '../../src/state/cluster.ts';
import { createDeviceWatch } from '../../src/state/device-watch.ts';

const nodeKind = anyResource(nodes);

const node = (healthy: number, uid = 'u1'): KubeObject => ({
  metadata: { name: 'gpu-03', uid, resourceVersion: `${healthy}` },
  status: {
    capacity: { 'nvidia.com/gpu': '8', cpu: '64' },
    allocatable: { 'nvidia.com/gpu': String(healthy), cpu: String(60 + healthy) },
  },
});

const put = (cluster: Cluster, object: KubeObject): void =>
  cluster.apply(
    [{ type: 'put', resource: nodeKind, scope: '', row: nodeKind.toRow(object, { server: undefined }) }],
    0,
  );

test('a device that a node no longer has was seen to go, and to come back', () => {
  const cluster = createCluster();
  let now = 1000;
  const watch = createDeviceWatch(cluster, () => now);
  put(cluster, node(8));
  expect(watch.drops()).toEqual([]);
  put(cluster, node(7));
  expect(watch.drops()).toEqual([
    { node: 'gpu-03', resource: 'nvidia.com/gpu', before: 8, after: 7, atMs: 1000, backAtMs: undefined },
  ]);
  const before = watch.version();
  now = 2000;
  put(cluster, node(8));
  expect(watch.drops()).toMatchObject([{ backAtMs: 2000 }]);
  expect(watch.version()).toBeGreaterThan(before);
});

test('a node that was made anew has lost nothing', () => {
  const cluster = createCluster();
  const watch = createDeviceWatch(cluster, () => 0);
  put(cluster, node(8));
  put(cluster, node(0, 'u2'));
  expect(watch.drops()).toEqual([]);
});

test('a sign keeps the time at which it was first read', () => {
  let now = 5;
  const watch = createDeviceWatch(createCluster(), () => now);
  expect(watch.firstSeen('a')).toBe(5);
  now = 9;
  expect(watch.firstSeen('a')).toBe(5);
  expect(watch.firstSeen('b')).toBe(9);
});
