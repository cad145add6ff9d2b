import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { selects } from '../../src/scheduling/cel.ts';
import type { Device } from '../../src/scheduling/cluster.ts';
import { type Explanation, explain } from '../../src/scheduling/explain.ts';
import { clusterOf, node, pod, rowOf } from './rows.ts';

const h100: Device = {
  driver: 'gpu.nvidia.com',
  pool: 'a',
  name: 'gpu-0',
  attributes: new Map<string, string | boolean | number | { version: string }>([
    ['gpu.nvidia.com/type', 'gpu'],
    ['gpu.nvidia.com/productName', 'NVIDIA H100 80GB HBM3'],
    ['gpu.nvidia.com/cudaComputeCapability', { version: '9.0.0' }],
    ['gpu.nvidia.com/index', 3],
    ['gpu.nvidia.com/healthy', true],
    ['resource.kubernetes.io/pcieRoot', 'pci0000:01'],
  ]),
  capacity: new Map([['gpu.nvidia.com/memory', 80 * 2 ** 30]]),
  taints: [],
  node: { name: 'a' },
  consumes: [],
  shared: false,
};

const ours = `device.attributes["gpu.nvidia.com"]`;

test.each([
  [`device.driver == 'gpu.nvidia.com'`, true],
  [`device.driver == "gpu.nvidia.com" && ${ours}.type == 'gpu'`, true],
  [`${ours}.type == "mig"`, false],
  [`${ours}["productName"].lowerAscii().matches('^.*h100.*$')`, true],
  [`${ours}.productName.startsWith("NVIDIA") && !${ours}.productName.contains('A100')`, true],
  [`${ours}.cudaComputeCapability.isGreaterThan(semver("8.0.0"))`, true],
  [`${ours}.cudaComputeCapability.compareTo(semver("9.0.0")) == 0`, true],
  [`device.capacity["gpu.nvidia.com"].memory.compareTo(quantity("40Gi")) >= 0`, true],
  [`device.capacity["gpu.nvidia.com"].memory.isLessThan(quantity("40Gi"))`, false],
  [`${ours}.index in [1, 2, 3] && ${ours}.healthy`, true],
  [`${ours}.index % 2 == 1 ? true : false`, true],
  [`has(${ours}.index) && !has(${ours}.nothing)`, true],
  [`"gpu.nvidia.com" in device.attributes && "type" in ${ours}`, true],
  [`${ours}.missing == 'x'`, false],
  [`${ours}.missing == 'x' || true`, true],
  [`device.attributes["resource.kubernetes.io"].pcieRoot.endsWith(":01")`, true],
])('%s', (expression, expected) => {
  expect(selects(expression, h100)).toBe(expected);
});

test.each([
  `device.attributes.exists(k, true)`,
  `cel.bind(x, 1, x == 1)`,
  `device.driver ==`,
  `${ours}.type.matches('(a+)+$')`,
])('%s is unknown, not false', (expression) => {
  expect(selects(expression, h100)).toMatchObject({ unknown: expect.any(String) as string });
});

const deviceClass = (name: string, fields: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name },
  spec: { selectors: [{ cel: { expression: `device.driver == "gpu.nvidia.com"` } }], ...fields },
});

const slice = (
  at: string,
  devices: readonly unknown[],
  pool: Readonly<Record<string, unknown>> = {},
  fields: Readonly<Record<string, unknown>> = {},
): KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  metadata: { name: `${at}-${String(pool['generation'] ?? 1)}` },
  spec: {
    driver: 'gpu.nvidia.com',
    nodeName: at,
    pool: { name: at, generation: 1, resourceSliceCount: 1, ...pool },
    devices,
    ...fields,
  },
});

const gpus = (count: number, more: Readonly<Record<string, unknown>> = {}) =>
  Array.from({ length: count }, (_, index) => ({ name: `gpu-${index}`, ...more }));

const claim = (
  name: string,
  requests: readonly unknown[],
  fields: Readonly<Record<string, unknown>> = {},
  status: Readonly<Record<string, unknown>> = {},
): KubeObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'train', uid: `claim-${name}` },
  spec: { devices: { requests, ...fields } },
  status,
});

const wants = (count: number, more: Readonly<Record<string, unknown>> = {}) => ({
  name: 'gpu',
  exactly: { deviceClassName: 'gpu', count, ...more },
});
const holds = (at: string, ...devices: readonly string[]) => ({
  allocation: {
    devices: {
      results: devices.map((device) => ({ request: 'gpu', driver: 'gpu.nvidia.com', pool: at, device })),
    },
    nodeSelector: {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [at] }] }],
    },
  },
});

const uses = (...claims: readonly string[]) => ({
  resourceClaims: claims.map((name) => ({ name, resourceClaimName: name })),
});

function ask(...objects: readonly KubeObject[]): Explanation {
  const cluster = clusterOf(
    node('a'),
    node('b'),
    deviceClass('gpu'),
    pod('p', { spec: uses('mine') }),
    ...objects,
  );
  return explain(cluster, rowOf(cluster, 'p'));
}

test('a claim is satisfied where enough devices are free', () => {
  const verdict = ask(
    slice('a', gpus(2)),
    slice('b', gpus(4)),
    claim('mine', [wants(2)]),
    claim('other', [wants(1)], {}, holds('a', 'gpu-0')),
  );
  expect(verdict.fits).toEqual(['b']);
  expect(verdict.reasons).toEqual({ 'cannot allocate all claims': 1 });
  expect(verdict.nodes[0]?.blockers[0]?.detail).toBe('mine wants 2 of gpu: 2 match here, 1 free');
});

test('an allocated claim ties its pod to the node of its devices', () => {
  const verdict = ask(
    slice('a', gpus(1)),
    slice('b', gpus(1)),
    claim('mine', [wants(1)], {}, holds('b', 'gpu-0')),
  );
  expect([verdict.fits, verdict.reasons]).toEqual([['b'], { 'resourceclaim not available on the node': 1 }]);
});

test('only the newest generation of a pool counts, and an unfinished pool offers nothing', () => {
  expect(
    ask(slice('a', gpus(4)), slice('a', gpus(1), { generation: 2 }), claim('mine', [wants(2)])).fits,
  ).toEqual([]);
  expect(ask(slice('a', gpus(4), { resourceSliceCount: 2 }), claim('mine', [wants(2)])).fits).toEqual([]);
});

test('a tainted device is not handed out unless the request tolerates it', () => {
  const sick = gpus(1, { taints: [{ key: 'gpu.nvidia.com/xid', value: '79', effect: 'NoSchedule' }] });
  expect(ask(slice('a', sick), claim('mine', [wants(1)])).fits).toEqual([]);
  expect(
    ask(
      slice('a', sick),
      claim('mine', [wants(1, { tolerations: [{ key: 'gpu.nvidia.com/xid', operator: 'Exists' }] })]),
    ).fits,
  ).toEqual(['a']);
});

test('all devices of a node, and alternatives in order', () => {
  const mode = wants(1, { allocationMode: 'All' });
  expect(
    ask(
      slice('a', gpus(2)),
      slice('b', gpus(2)),
      claim('mine', [mode]),
      claim('other', [wants(1)], {}, holds('a', 'gpu-0')),
    ).fits,
  ).toEqual(['b']);
  const either = {
    name: 'gpu',
    firstAvailable: [
      { name: 'many', deviceClassName: 'gpu', count: 4 },
      { name: 'few', deviceClassName: 'gpu', count: 2 },
    ],
  };
  expect(ask(slice('a', gpus(2)), claim('mine', [either])).fits).toEqual(['a']);
});

test('devices of one claim share an attribute where the claim says so', () => {
  const onRoot = (name: string, root: string) => ({ name, attributes: { root: { string: root } } });
  const constraints = [{ requests: [], matchAttribute: 'gpu.nvidia.com/root' }];
  const verdict = ask(
    slice('a', [onRoot('gpu-0', 'x'), onRoot('gpu-1', 'y')]),
    slice('b', [onRoot('gpu-0', 'x'), onRoot('gpu-1', 'y'), onRoot('gpu-2', 'y')]),
    claim('mine', [wants(2)], { constraints }),
  );
  expect(verdict.fits).toEqual(['b']);
  expect(verdict.nodes[0]?.blockers[0]?.detail).toContain("not together under the claim's constraints");
});

test('slices of one physical GPU exclude the whole of it', () => {
  const counters = (memory: string) => [{ counterSet: 'gpu-0', counters: { memory: { value: memory } } }];
  const parts = [
    { name: 'whole', consumesCounters: counters('80Gi') },
    { name: 'half-0', consumesCounters: counters('40Gi') },
    { name: 'half-1', consumesCounters: counters('40Gi') },
  ];
  const shared = { sharedCounters: [{ name: 'gpu-0', counters: { memory: { value: '80Gi' } } }] };
  const fits = (count: number, held: readonly string[]) =>
    ask(
      slice('a', parts, {}, shared),
      claim('mine', [wants(count)]),
      claim('other', [wants(1)], {}, holds('a', ...held)),
    ).fits.length === 1;
  expect([fits(1, ['half-0']), fits(2, ['half-0']), fits(1, ['whole']), fits(2, [])]).toEqual([
    true,
    false,
    false,
    true,
  ]);
});

test('claims that are not there yet, and classes that do not exist, stop the pod before any node', () => {
  expect(ask().preFilter?.message).toBe('resourceclaim "mine" not found');
  expect(ask(claim('mine', [wants(1, { deviceClassName: 'lost' })])).preFilter?.message).toBe(
    'request gpu: device class lost does not exist',
  );
});

test('a selector that is not understood leaves the node open as unknown', () => {
  const verdict = ask(
    slice('a', gpus(1)),
    claim('mine', [wants(1, { selectors: [{ cel: { expression: 'device.attributes.all(k, true)' } }] })]),
  );
  expect(verdict.fits).toEqual([]);
  expect(verdict.nodes.find(({ name }) => name === 'a')?.doubts).toHaveLength(1);
});

test('an extended resource that a class serves comes from devices where no plugin offers it', () => {
  const cluster = clusterOf(
    node('plugin', { allocatable: { 'nvidia.com/gpu': '2' } }),
    node('dra'),
    node('none'),
    deviceClass('gpu', { extendedResourceName: 'nvidia.com/gpu' }),
    slice('dra', gpus(2)),
    pod('p', { requests: { 'nvidia.com/gpu': '2' } }),
    pod('big', { requests: { 'nvidia.com/gpu': '3' } }),
  );
  expect(explain(cluster, rowOf(cluster, 'p')).fits).toEqual(['plugin', 'dra']);
  expect(explain(cluster, rowOf(cluster, 'big')).reasons).toEqual({
    'Insufficient nvidia.com/gpu': 1,
    'cannot allocate all claims': 2,
  });
});
