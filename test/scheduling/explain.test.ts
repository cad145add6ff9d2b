import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { type Explanation, explain } from '../../src/scheduling/explain.ts';
import { clusterFrom, sortObjects } from '../../src/scheduling/from-objects.ts';
import { clusterOf, node, pod, rowOf } from './rows.ts';

const ask = (name: string, ...objects: readonly KubeObject[]): Explanation => {
  const cluster = clusterOf(...objects);
  return explain(cluster, rowOf(cluster, name));
};

/** `reason | detail` of each blocker on a node. */
const blockersOn = (explanation: Explanation, name: string): readonly string[] =>
  (explanation.nodes.find((each) => each.name === name)?.blockers ?? []).map(
    ({ plugin, reason, detail }) => `${plugin}: ${reason} | ${detail}`,
  );

const gpu = (count: number) => ({ 'nvidia.com/gpu': String(count) });
const required = (...terms: readonly unknown[]) => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
});

test('every blocker of a node is named, not only the first, and only the first is counted', () => {
  const verdict = ask(
    'big',
    node('a', {
      unschedulable: true,
      allocatable: gpu(4),
      taints: [
        { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
        { key: 'team', value: 'a', effect: 'NoSchedule' },
      ],
    }),
    pod('holder', { on: 'a', requests: gpu(2) }),
    pod('big', { requests: { cpu: '2', ...gpu(8) }, spec: { nodeSelector: { pool: 'train' } } }),
  );
  expect(blockersOn(verdict, 'a')).toEqual([
    'NodeUnschedulable: node(s) were unschedulable | cordoned',
    'TaintToleration: node(s) had untolerated taint(s) | taint team=a:NoSchedule',
    "NodeAffinity: node(s) didn't match Pod's node affinity/selector | selector pool=train, node has no such label",
    'NodeResourcesFit: Insufficient nvidia.com/gpu | needs 8, free 2, the whole node has 4',
  ]);
  expect(verdict.reasons).toEqual({ 'node(s) were unschedulable': 1 });
});

test('an unhealthy device under a running pod makes free negative', () => {
  const verdict = ask(
    'next',
    node('a', { allocatable: gpu(1) }),
    pod('holder', { on: 'a', requests: gpu(2) }),
    pod('next', { requests: gpu(1) }),
  );
  expect(blockersOn(verdict, 'a')).toEqual([
    'NodeResourcesFit: Insufficient nvidia.com/gpu | needs 1, free -1',
  ]);
});

test('finished pods hold nothing; terminating ones still do', () => {
  const cluster = (holder: KubeObject) =>
    ask('next', node('a', { allocatable: gpu(1) }), holder, pod('next', { requests: gpu(1) })).fits;
  expect(cluster(pod('done', { on: 'a', requests: gpu(1), status: { phase: 'Succeeded' } }))).toEqual(['a']);
  expect(
    cluster(
      pod('going', { on: 'a', requests: gpu(1), metadata: { deletionTimestamp: '2026-11-24T00:00:00Z' } }),
    ),
  ).toEqual([]);
});

test('room that a preemption made for a pod is not free for another of its priority, and is for a higher one', () => {
  const nominated = pod('first', {
    requests: gpu(1),
    spec: { priority: 10 },
    status: { nominatedNodeName: 'a' },
  });
  const fits = (priority: number) =>
    ask(
      'other',
      node('a', { allocatable: gpu(1) }),
      nominated,
      pod('other', { requests: gpu(1), spec: { priority } }),
    ).fits;
  expect([fits(10), fits(11)]).toEqual([[], ['a']]);
  expect(ask('first', node('a', { allocatable: gpu(1) }), nominated).fits).toEqual(['a']);
});

test.each([
  ['In', ['h100'], ['h100']],
  ['NotIn', ['h100'], ['a100', 'none']],
  ['Exists', undefined, ['h100', 'a100']],
  ['DoesNotExist', undefined, ['none']],
])('node affinity with %s', (operator, values, fits) => {
  const verdict = ask(
    'p',
    node('h100', { labels: { model: 'h100' } }),
    node('a100', { labels: { model: 'a100' } }),
    node('none'),
    pod('p', { spec: { affinity: required({ matchExpressions: [{ key: 'model', operator, values }] }) } }),
  );
  expect(verdict.fits).toEqual(fits);
});

test.each([
  ['Gt', '5', ['six']],
  ['Lt', '6', ['five']],
])('node affinity with %s compares whole numbers, and other labels never match', (operator, bound, fits) => {
  const verdict = ask(
    'p',
    node('five', { labels: { generation: '5' } }),
    node('six', { labels: { generation: '6' } }),
    node('word', { labels: { generation: 'new' } }),
    node('none'),
    pod('p', {
      spec: { affinity: required({ matchExpressions: [{ key: 'generation', operator, values: [bound] }] }) },
    }),
  );
  expect(verdict.fits).toEqual(fits);
});

test('terms are ORed, their parts ANDed, and an empty term matches nothing', () => {
  const nodes = [node('a', { labels: { x: '1' } }), node('b', { labels: { x: '1', y: '1' } })];
  const term = (...keys: readonly string[]) => ({
    matchExpressions: keys.map((key) => ({ key, operator: 'Exists' })),
  });
  const fits = (...terms: readonly unknown[]) =>
    ask('p', ...nodes, pod('p', { spec: { affinity: required(...terms) } })).fits;
  expect(fits(term('x', 'y'))).toEqual(['b']);
  expect(fits(term('y'), term('x'))).toEqual(['a', 'b']);
  expect(fits({})).toEqual([]);
});

const named = (...values: readonly string[]) => ({
  matchFields: [{ key: 'metadata.name', operator: 'In', values }],
});

test('matchFields rule out the other nodes before any filter', () => {
  const verdict = ask(
    'p',
    node('a'),
    node('b'),
    pod('p', { requests: { cpu: '100' }, spec: { affinity: required(named('a')) } }),
  );
  expect(verdict.reasons).toEqual({
    'Insufficient cpu': 1,
    "node(s) didn't satisfy plugin(s) [NodeAffinity]": 1,
  });
});

test('matchFields that contradict each other are refused at once', () => {
  const both = { matchFields: [...named('a').matchFields, ...named('b').matchFields] };
  expect(ask('p', node('a'), pod('p', { spec: { affinity: required(both) } })).preFilter?.message).toBe(
    'pod affinity terms conflict',
  );
});

test.each([
  [{ operator: 'Exists' }, true],
  [{ key: 'team', operator: 'Exists' }, true],
  [{ key: 'team', value: 'a' }, true],
  [{ key: 'team', operator: 'Equal', value: 'b' }, false],
  [{ key: 'team', operator: 'Exists', effect: 'NoExecute' }, false],
  [{ key: 'other', operator: 'Exists' }, false],
])('a taint team=a:NoSchedule and the toleration %j', (toleration, tolerated) => {
  const verdict = ask(
    'p',
    node('a', { taints: [{ key: 'team', value: 'a', effect: 'NoSchedule' }] }),
    pod('p', { spec: { tolerations: [toleration] } }),
  );
  expect(verdict.fits).toEqual(tolerated ? ['a'] : []);
});

test('PreferNoSchedule keeps nobody away', () => {
  expect(ask('p', node('a', { taints: [{ key: 'x', effect: 'PreferNoSchedule' }] }), pod('p')).fits).toEqual([
    'a',
  ]);
});

const ports = (...given: readonly unknown[]) => ({
  containers: [{ name: 'main', image: 'i', ports: given }],
});

test('host ports clash by port and protocol, and by address unless one is on all', () => {
  const taken = pod('taken', { on: 'a', spec: ports({ hostPort: 80, hostIP: '10.0.0.1' }) });
  const fits = (port: unknown) =>
    ask('p', node('a'), taken, pod('p', { spec: ports(port) })).fits.length === 1;
  expect(fits({ hostPort: 80 })).toBe(false);
  expect(fits({ hostPort: 80, hostIP: '10.0.0.2' })).toBe(true);
  expect(fits({ hostPort: 80, protocol: 'UDP' })).toBe(true);
  expect(fits({ hostPort: 81 })).toBe(true);
});

test('a gated pod says which gates, before anything else', () => {
  const verdict = ask(
    'p',
    node('a'),
    pod('p', { spec: { schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] } }),
  );
  expect(verdict.preFilter).toMatchObject({
    plugin: 'SchedulingGates',
    message: 'waiting for scheduling gates: [kueue.x-k8s.io/admission]',
  });
  expect([verdict.fits, verdict.reasons]).toEqual([[], {}]);
});

const mounts = (...claims: readonly string[]) => ({
  volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
});

const claim = (name: string, spec: Readonly<Record<string, unknown>> = {}, bound = false): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name,
    namespace: 'train',
    uid: `claim-${name}`,
    ...(bound ? { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } } : {}),
  },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } }, ...spec },
  status: { phase: bound ? 'Bound' : 'Pending' },
});

const volume = (
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  labels: Readonly<Record<string, string>> = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, labels },
  spec: { capacity: { storage: '20Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: 'local', ...spec },
  status: { phase: 'Available' },
});

const storageClass = (name: string, fields: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  ...fields,
});

const inZone = (zone: string) => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [zone] }] }] },
});
const zones = [node('a', { labels: { zone: 'a' } }), node('b', { labels: { zone: 'b' } })];

test('claims that are missing, lost, being deleted or unbound are refused before any node', () => {
  const say = (...objects: readonly KubeObject[]) =>
    ask('p', ...zones, pod('p', { spec: mounts('data') }), ...objects).preFilter?.message;
  expect(say()).toBe('persistentvolumeclaim "data" not found');
  expect(say({ ...claim('data', { volumeName: 'v' }), status: { phase: 'Lost' } })).toBe(
    'persistentvolumeclaim "data" bound to non-existent persistentvolume "v"',
  );
  expect(
    say({
      ...claim('data'),
      metadata: { name: 'data', namespace: 'train', deletionTimestamp: '2026-11-24T00:00:00Z' },
    }),
  ).toBe('persistentvolumeclaim "data" is being deleted');
  expect(say(claim('data'))).toBe('pod has unbound immediate PersistentVolumeClaims');
  expect(say(claim('data', { storageClassName: 'gone' }))).toBe(
    'pod has unbound immediate PersistentVolumeClaims',
  );
});

test('a bound claim ties the pod to where its volume is, also by the labels of its zone', () => {
  const byAffinity = ask(
    'p',
    ...zones,
    pod('p', { spec: mounts('data') }),
    claim('data', { volumeName: 'v' }, true),
    volume('v', { nodeAffinity: inZone('b') }),
  );
  expect(byAffinity.fits).toEqual(['b']);
  expect(blockersOn(byAffinity, 'a')).toEqual([
    "VolumeBinding: node(s) didn't match PersistentVolume's node affinity | claim data: volume v is at zone In [b]",
  ]);
  const zoned = (name: string, zone: string) =>
    node(name, { labels: { 'topology.kubernetes.io/zone': zone } });
  const byLabel = ask(
    'p',
    zoned('a', 'z1'),
    zoned('b', 'z2'),
    pod('p', { spec: mounts('data') }),
    claim('data', { volumeName: 'v' }, true),
    volume('v', {}, { 'failure-domain.beta.kubernetes.io/zone': 'z2__z3' }),
  );
  expect([byLabel.fits, byLabel.reasons]).toEqual([['b'], { 'node(s) had no available volume zone': 1 }]);
});

test('a claim that waits for its pod takes a free volume, or a class that can make one here', () => {
  const waiting = claim('data', { storageClassName: 'local' });
  const local = storageClass('local', {
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const fits = (...objects: readonly KubeObject[]) =>
    ask('p', ...zones, pod('p', { spec: mounts('data') }), waiting, ...objects).fits;
  expect(fits(local)).toEqual([]);
  expect(fits(local, volume('v', { nodeAffinity: inZone('a') }))).toEqual(['a']);
  expect(fits(local, volume('small', { capacity: { storage: '1Gi' } }))).toEqual([]);
  expect(fits(local, volume('other', { accessModes: ['ReadWriteMany'] }))).toEqual([]);
  const csi = storageClass('local', {
    provisioner: 'csi.example.com',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['b'] }] }],
  });
  expect(fits(csi)).toEqual(['b']);
});

test('one volume is not given to two claims of a pod', () => {
  const local = storageClass('local', {
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  const two = [claim('one', { storageClassName: 'local' }), claim('two', { storageClassName: 'local' })];
  expect(
    ask('p', ...zones, pod('p', { spec: mounts('one', 'two') }), local, ...two, volume('v')).fits,
  ).toEqual([]);
  expect(
    ask('p', ...zones, pod('p', { spec: mounts('one', 'two') }), local, ...two, volume('v'), volume('w'))
      .fits,
  ).toEqual(['a', 'b']);
});

test('a ReadWriteOncePod claim in use keeps the second pod from every node', () => {
  const verdict = ask(
    'p',
    ...zones,
    pod('user', { on: 'a', spec: mounts('data') }),
    pod('p', { spec: mounts('data') }),
    claim('data', { volumeName: 'v', accessModes: ['ReadWriteOncePod'] }, true),
    volume('v'),
  );
  expect(verdict.reasons).toEqual({
    'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod': 2,
  });
});

test('the attach limit of a CSI driver counts each volume once', () => {
  const csi = (name: string) => volume(name, { csi: { driver: 'ebs', volumeHandle: name } });
  const csiNode = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'a' },
    spec: { drivers: [{ name: 'ebs', allocatable: { count: 1 } }] },
  };
  const bound = (name: string) => claim(name, { volumeName: name }, true);
  const fits = (mounted: string) =>
    ask(
      'p',
      node('a'),
      pod('user', { on: 'a', spec: mounts('one') }),
      pod('p', { spec: mounts(mounted) }),
      bound('one'),
      bound('two'),
      csi('one'),
      csi('two'),
      csiNode,
    );
  expect(fits('one').fits).toEqual(['a']);
  expect(fits('two').reasons).toEqual({ 'node(s) exceed max volume count': 1 });
});

const spread = (fields: Readonly<Record<string, unknown>> = {}) => ({
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'zone',
      whenUnsatisfiable: 'DoNotSchedule',
      labelSelector: { matchLabels: { app: 'web' } },
      ...fields,
    },
  ],
});
const web = { app: 'web' };

test('topology spread keeps the skew, and says by how much it would be broken', () => {
  const verdict = ask(
    'p',
    ...zones,
    node('nowhere'),
    pod('one', { on: 'a', labels: web }),
    pod('p', { labels: web, spec: spread() }),
  );
  expect(verdict.fits).toEqual(['b']);
  expect(blockersOn(verdict, 'a')[0]).toContain('zone=a would have 2, the emptiest has 0, maxSkew 1');
  expect(blockersOn(verdict, 'nowhere')[0]).toContain('(missing required label)');
});

test('too few domains count as one that is empty; pods being deleted do not count', () => {
  const one = node('a', { labels: { zone: 'a' } });
  const existing = pod('one', { on: 'a', labels: web });
  const fits = (fields: Readonly<Record<string, unknown>>, placed = existing) =>
    ask('p', one, placed, pod('p', { labels: web, spec: spread(fields) })).fits;
  expect(fits({})).toEqual(['a']);
  expect(fits({ minDomains: 2 })).toEqual([]);
  expect(
    fits(
      { minDomains: 2 },
      pod('one', { on: 'a', labels: web, metadata: { deletionTimestamp: '2026-11-24T00:00:00Z' } }),
    ),
  ).toEqual(['a']);
});

test('tainted nodes are domains unless nodeTaintsPolicy says Honor; matchLabelKeys count only the same revision', () => {
  const tainted = node('b', { labels: { zone: 'b' }, taints: [{ key: 'x', effect: 'NoSchedule' }] });
  const place = (fields: Readonly<Record<string, unknown>>, labels: Readonly<Record<string, string>> = web) =>
    ask(
      'p',
      node('a', { labels: { zone: 'a' } }),
      tainted,
      pod('one', { on: 'a', labels: { ...web, rev: '1' } }),
      pod('p', { labels: { ...labels, rev: '2' }, spec: spread(fields) }),
    ).fits;
  expect(place({})).toEqual([]);
  expect(place({ nodeTaintsPolicy: 'Honor' })).toEqual(['a']);
  expect(place({ matchLabelKeys: ['rev'] })).toEqual(['a']);
});

const near = (kind: 'podAffinity' | 'podAntiAffinity', fields: Readonly<Record<string, unknown>> = {}) => ({
  affinity: {
    [kind]: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: 'zone', labelSelector: { matchLabels: web }, ...fields },
      ],
    },
  },
});

test('affinity to a pod, anti-affinity against it, and its own anti-affinity against others', () => {
  const other = pod('one', { on: 'a', labels: web });
  expect(ask('p', ...zones, other, pod('p', { spec: near('podAffinity') })).fits).toEqual(['a']);
  expect(ask('p', ...zones, other, pod('p', { spec: near('podAntiAffinity') })).fits).toEqual(['b']);
  const shy = pod('shy', { on: 'a', spec: near('podAntiAffinity') });
  const verdict = ask('p', ...zones, shy, pod('p', { labels: web }));
  expect(verdict.fits).toEqual(['b']);
  expect(blockersOn(verdict, 'a')).toEqual([
    "InterPodAffinity: node(s) didn't satisfy existing pods anti-affinity rules | pods of train keep away app=web per zone in a",
  ]);
});

test('the first pod of a group that wants to be near its own kind may start, where the label is', () => {
  expect(
    ask('p', ...zones, node('nowhere'), pod('p', { labels: web, spec: near('podAffinity') })).fits,
  ).toEqual(['a', 'b']);
  expect(ask('p', ...zones, pod('p', { spec: near('podAffinity') })).fits).toEqual([]);
});

test('terms look into the namespaces that they list or select', () => {
  const namespace: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'prod', labels: { stage: 'prod' } },
  };
  const other = pod('one', { on: 'a', labels: web, namespace: 'prod' });
  const fits = (fields: Readonly<Record<string, unknown>>) =>
    ask('p', ...zones, namespace, other, pod('p', { spec: near('podAffinity', fields) })).fits;
  expect(fits({})).toEqual([]);
  expect(fits({ namespaces: ['prod'] })).toEqual(['a']);
  expect(fits({ namespaceSelector: {} })).toEqual(['a']);
  expect(fits({ namespaceSelector: { matchLabels: { stage: 'prod' } } })).toEqual(['a']);
  expect(fits({ namespaceSelector: { matchLabels: { stage: 'dev' } } })).toEqual([]);
});

test('what may not be listed makes a verdict unknown, never a fit', () => {
  const objects = sortObjects([...zones, pod('p', { spec: mounts('data') })]);
  const cluster = clusterFrom({ ...objects, claims: undefined });
  const verdict = explain(cluster, rowOf(cluster, 'p'));
  expect([verdict.fits, verdict.reasons]).toEqual([[], {}]);
  expect(verdict.doubts).toContainEqual({
    plugin: 'VolumeBinding',
    why: 'persistent volume claims cannot be listed',
  });
});
