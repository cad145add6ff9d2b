import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { ago, check, event, gpus, holder, node, object, pending, pod } from './world.ts';

const ofDeployment = {
  metadata: {
    labels: { 'pod-template-hash': '7c9d' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-7c9d', uid: 'rs', controller: true },
    ],
  },
};
const asking = (limits: Record<string, string>, message: string): KubeObject =>
  pod(
    pending(message, {
      ...ofDeployment,
      spec: { containers: [{ name: 'main', image: 'web:1', resources: { limits } }] },
    }),
  );
const commands = (objects: readonly KubeObject[]): readonly string[] =>
  check(objects).causes.flatMap((cause) => cause.fixes.map((fix) => fix.argv.join(' ')));

test('the smaller request that is offered is the one with which the nearest node would take the pod', () => {
  const objects = [
    asking({ 'nvidia.com/gpu': '6' }, '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.'),
    node('gpu-1', gpus(8)),
    node('gpu-2', gpus(8)),
    holder('a', 'gpu-1', { 'nvidia.com/gpu': '3' }),
    holder('b', 'gpu-2', { 'nvidia.com/gpu': '7' }),
  ];
  expect(commands(objects)[0]).toBe(
    'kubectl -n ml set resources deployment/web -c main --limits=nvidia.com/gpu=5 --requests=nvidia.com/gpu=5',
  );
  const memory = [
    asking({ memory: '70Gi' }, '0/1 nodes are available: 1 Insufficient memory.'),
    node('gpu-1'),
    holder('a', 'gpu-1', { memory: '2Gi' }),
  ];
  expect(commands(memory)[0]).toBe(
    'kubectl -n ml set resources deployment/web -c main --requests=memory=61440Mi',
  );
});

test('where no smaller amount is known to help, the template is opened and nothing is left to fill in', () => {
  const alone = [asking({ memory: '70Gi' }, '0/9 nodes are available: 9 Insufficient memory.')];
  expect(commands(alone)[0]).toBe('kubectl -n ml edit deployment web');
  const full = [
    asking({ 'nvidia.com/gpu': '1' }, '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.'),
    node('gpu-1', gpus(1)),
    holder('a', 'gpu-1', { 'nvidia.com/gpu': '1' }),
  ];
  expect(commands(full)[0]).toBe('kubectl -n ml edit deployment web');
});

test('a slip in a selector is corrected to the value that nodes have; labels of the machine are not offered to be set', () => {
  const wants = (key: string, value: string): KubeObject =>
    pod(
      pending("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", {
        ...ofDeployment,
        spec: { nodeSelector: { [key]: value } },
      }),
    );
  const machine = node('gpu-1', {
    metadata: { labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB', pool: 'train' } },
  });
  const product = commands([wants('nvidia.com/gpu.product', 'A100-SXM4-80GB'), machine]);
  expect(product[0]).toBe(
    'kubectl -n ml patch deployment web --type=merge -p {"spec":{"template":{"spec":{"nodeSelector":{"nvidia.com/gpu.product":"NVIDIA-A100-SXM4-80GB"}}}}}',
  );
  expect(product.join('\n')).not.toContain(' label ');
  expect(commands([wants('pool', 'serve'), machine])).toContain('kubectl label node gpu-1 pool=serve');
});

test('a node that was ordered and cannot be had comes before what the present nodes lack', () => {
  const waiting = asking(
    { 'nvidia.com/gpu': '8' },
    '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.',
  );
  const ordered = (reason: string, message: string): KubeObject =>
    event(reason, message, { source: { component: 'cluster-autoscaler' } });
  const first = (...more: readonly KubeObject[]): string => {
    const { id, verdict, text } = check([waiting, ...more]).causes[0] ?? { id: '', verdict: '', text: '' };
    return `${verdict} ${id}: ${text}`;
  };
  expect(
    first(
      ordered(
        'FailedScaleUp',
        'Node scale up in zones us-a, us-b associated with this pod failed: GCE out of resources. Pod is at risk of not being scheduled.',
      ),
    ),
  ).toMatch(
    /^proven C15\.scale-up-failed: .*failed: GCE out of resources \(zone us-a, us-b\); for now not enough/,
  );
  expect(
    first(ordered('NotTriggerScaleUp', "pod didn't trigger scale-up: 1 max node group size reached")),
  ).toMatch(/^likely C2\.insufficient: .*; the autoscaler adds no node: 1 max node group size reached$/);
  expect(
    first(
      object('NodeClaim', 'karpenter.sh/v1', 'gpu-7', {
        metadata: { namespace: undefined },
        status: {
          conditions: [
            {
              type: 'Launched',
              status: 'Unknown',
              reason: 'LaunchFailed',
              message: 'InsufficientCapacityError: no p5.48xlarge capacity in us-east-1a',
              lastTransitionTime: ago(60),
            },
          ],
        },
      }),
    ),
  ).toMatch(/^likely C15\.scale-up-failed: .*no p5\.48xlarge capacity/);
});

test('what a policy lets out is told apart: nothing, no DNS, or enough', () => {
  const policy = (egress: readonly unknown[]): KubeObject =>
    object('NetworkPolicy', 'networking.k8s.io/v1', 'closed', {
      spec: { podSelector: {}, policyTypes: ['Egress'], egress },
    });
  const says = (line: string, egress: readonly unknown[]): string => {
    const report = check([pod(), node('gpu-1'), policy(egress)], { logs: { 'ml/web-1/main': line } });
    return report.severity === 'none' ? 'nothing' : (report.causes[0]?.text ?? '');
  };
  const query = 'dial tcp: lookup db on 10.96.0.10:53: i/o timeout';
  const inside = { to: [{ podSelector: {} }] };
  const dns = { to: [{ namespaceSelector: {} }], ports: [{ protocol: 'UDP', port: 53 }] };
  expect(says('dial tcp 10.9.9.9:5432: i/o timeout', [])).toContain('closed lets nothing out');
  expect(says(query, [inside])).toContain('closed lets no DNS query (port 53) out');
  expect(says(query, [inside, dns])).not.toContain('closed');
  expect(says('dial tcp 10.9.9.9:5432: connect: connection refused', [])).toBe('nothing');
});
