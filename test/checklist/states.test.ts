import { expect, test } from 'vitest';
import { objectStates } from '../../src/checklist/built-in.ts';
import { podStates } from '../../src/checklist/classify.ts';
import type { IndexInput } from '../../src/checklist/evidence-index.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import {
  ago,
  check,
  crashed,
  creating,
  ended,
  event,
  failed,
  node,
  object,
  pending,
  pod,
  status,
  waiting,
} from './world.ts';

const withNode = (one: KubeObject): readonly KubeObject[] => [one, node('gpu-1')];
const pull = (words: string): KubeObject => pod(creating(600, waiting('ErrImagePull', words)));
const gpu = {
  spec: { containers: [{ name: 'main', image: 'x', resources: { limits: { 'nvidia.com/gpu': '1' } } }] },
};
const used = (usage: NonNullable<IndexInput['usage']>[string]): Partial<IndexInput> => ({
  usage: { 'ml/web-1': usage },
});
const service = (spec: Readonly<Record<string, unknown>>): KubeObject =>
  object('Service', 'v1', 'web', { spec });
const claim = (change: Readonly<Record<string, unknown>>): KubeObject =>
  object('PersistentVolumeClaim', 'v1', 'data', {
    spec: {
      storageClassName: 'std',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
    },
    ...change,
  });
const standard = object('StorageClass', 'storage.k8s.io/v1', 'std', {
  metadata: { namespace: undefined },
  provisioner: 'kubernetes.io/no-provisioner',
});

/** States that neither the recordings nor the catalogue show, each in its smallest form. */
const cases: readonly (readonly [
  state: string,
  objects: readonly KubeObject[],
  more?: Partial<IndexInput>,
])[] = [
  ['A8 bad', [object('PyTorchJob', 'kubeflow.org/v1', 'sft', { spec: {} })]],
  [
    'B4 warn',
    [
      pod(pending('', { spec: { schedulingGroup: { podGroupName: 'g' } } })),
      object('PodGroup', 'scheduling.k8s.io/v1alpha2', 'g', {
        spec: { schedulingPolicy: { gang: { minCount: 4 } } },
      }),
    ],
  ],
  ['C10 bad', [pod(pending('0/2 nodes are available: 2 node(s) exceed max volume count.'))]],
  [
    'C15 warn',
    [
      object('NodeClaim', 'karpenter.sh/v1', 'c1', {
        status: {
          conditions: [
            { type: 'Launched', status: 'False', reason: 'InsufficientCapacity', message: 'no capacity' },
          ],
        },
      }),
    ],
  ],
  ['C16 bad', [pod(pending("0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [Custom]."))]],
  [
    'D3 bad',
    withNode(
      pod(
        failed(
          'TopologyAffinityError',
          'Pod was rejected: Resources cannot be allocated with Topology locality',
        ),
      ),
    ),
  ],
  ['D7 bad', withNode(pod(failed('SysctlForbidden', 'forbidden sysctl: "kernel.msgmax" not allowlisted')))],
  ['F9 bad', [pull('failed to extract layer sha256:ab: write /var/lib/x: no space left on device')]],
  [
    'F11 bad',
    [pull('SignatureValidationFailed: Source image rejected: None of the signatures were accepted')],
  ],
  [
    'F12 bad',
    [
      pod({
        ...creating(300),
        spec: { volumes: [{ name: 'model', image: { reference: 'registry.corp/model:1' } }] },
      }),
      event('Failed', 'Failed to pull image volume'),
    ],
  ],
  [
    'G2 bad',
    [pod(creating(300, waiting('CreateContainerError', 'failed to generate spec: no command specified')))],
  ],
  ['G6 bad', [pod(creating(300, waiting('KillContainerError', 'rpc error')))]],
  [
    'H12 warn',
    withNode(
      pod({
        status: {
          containerStatuses: [
            status(
              { running: { startedAt: ago(600) } },
              {
                ready: true,
                started: true,
                restartCount: 7,
                lastState: { terminated: ended(1, 'Error', { finishedAt: ago(700) }) },
              },
            ),
          ],
        },
      }),
    ),
  ],
  [
    'H13 none',
    withNode(
      pod({
        spec: {
          containers: [
            {
              name: 'main',
              image: 'x',
              restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
            },
          ],
        },
        status: {
          containerStatuses: [
            status(
              { running: { startedAt: ago(60) } },
              { ready: true, started: true, restartCount: 4, lastState: { terminated: ended(42, 'Error') } },
            ),
          ],
        },
      }),
    ),
  ],
  [
    'H14 bad',
    [pod(crashed(ended(1, 'Error')))],
    { logs: { 'ml/web-1/main@previous': "OSError: [Errno 28] No space left on device: '/ckpt/step_100'" } },
  ],
  [
    'H5 bad',
    [pod(crashed(ended(1, 'Error')))],
    {
      logs: {
        'ml/web-1/main@previous': 'RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed.',
      },
    },
  ],
  ['I5b warn', withNode(pod(failed('Preempting', 'Preempted in order to admit critical pod')))],
  [
    'I10 warn',
    [
      pod({
        metadata: {
          ownerReferences: [
            {
              apiVersion: 'apps/v1',
              kind: 'ReplicaSet',
              name: 'web',
              uid: 'uid-ReplicaSet-web',
              controller: true,
            },
          ],
        },
        status: {
          phase: 'Succeeded',
          conditions: [],
          containerStatuses: [status({ terminated: ended(0, 'Completed') })],
        },
      }),
      object('ReplicaSet', 'apps/v1', 'web', { spec: { replicas: 1 }, status: { replicas: 0 } }),
    ],
  ],
  [
    'J4 warn',
    withNode(
      pod({
        spec: {
          containers: [
            { name: 'main', image: 'x' },
            { name: 'other', image: 'x' },
          ],
        },
        status: {
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [
            status({ terminated: ended(0, 'Completed') }),
            { name: 'other', ready: true, started: true, state: { running: { startedAt: ago(900) } } },
          ],
        },
      }),
    ),
  ],
  ['J5 warn', withNode(pod()), used({ cpuThrottled: 0.6, forMs: 600_000 })],
  ['J6 warn', withNode(pod()), used({ memory: 0.95, forMs: 600_000 })],
  ['J13 warn', withNode(pod(gpu)), used({ gpuBusy: 0.3, cpuThrottled: 0.2, forMs: 600_000 })],
  [
    'J14 warn',
    withNode(pod(gpu)),
    {
      logs: {
        'ml/web-1/main':
          '[Rank 0] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=1, OpType=BROADCAST, Timeout(ms)=600000) ran',
      },
    },
  ],
  ['J15 warn', withNode(pod()), used({ volume: 0.97, volumeName: 'data' })],
  [
    'J18 warn',
    withNode(
      pod({
        status: {
          conditions: [
            { type: 'Ready', status: 'True' },
            {
              type: 'PodResizePending',
              status: 'True',
              reason: 'Infeasible',
              message: "Node didn't have enough capacity",
            },
          ],
        },
      }),
    ),
  ],
  ['K5 bad', [pod({ status: { phase: 'Unknown', reason: 'NodeLost' } })]],
  [
    'L0 warn',
    [object('StatefulSet', 'apps/v1', 'db', { spec: { serviceName: 'db-headless', replicas: 1 } })],
  ],
  [
    'L1c none',
    [
      service({ selector: { app: 'web' } }),
      object('Deployment', 'apps/v1', 'web', {
        spec: { replicas: 0, template: { metadata: { labels: { app: 'web' } } } },
      }),
    ],
  ],
  [
    'L4 none',
    [
      service({ selector: { app: 'web' }, internalTrafficPolicy: 'Local' }),
      pod(),
      node('gpu-1'),
      node('gpu-2'),
    ],
  ],
  [
    'L6 bad',
    [object('Deployment', 'apps/v1', 'coredns', { spec: { replicas: 2 }, status: { replicas: 2 } })],
  ],
  [
    'L7 none',
    [
      object('NetworkPolicy', 'networking.k8s.io/v1', 'deny', {
        spec: { podSelector: {}, policyTypes: ['Ingress'] },
      }),
    ],
  ],
  [
    'M4 bad',
    [
      claim({ status: { phase: 'Pending' } }),
      standard,
      object('PersistentVolume', 'v1', 'pv-1', {
        metadata: { namespace: undefined },
        spec: { storageClassName: 'std', capacity: { storage: '5Gi' }, accessModes: ['ReadWriteOnce'] },
        status: { phase: 'Available' },
      }),
    ],
  ],
  [
    'M6 warn',
    [
      claim({
        status: {
          phase: 'Bound',
          capacity: { storage: '5Gi' },
          conditions: [{ type: 'FileSystemResizePending', status: 'True' }],
        },
      }),
    ],
  ],
  [
    'N3 warn',
    [
      object('APIService', 'apiregistration.k8s.io/v1', 'v1beta1.metrics.k8s.io', {
        status: {
          conditions: [
            { type: 'Available', status: 'False', reason: 'MissingEndpoints', message: 'no endpoints' },
          ],
        },
      }),
    ],
  ],
  [
    'N5 none',
    [object('ResourceQuota', 'v1', 'q', { status: { hard: { pods: '10' }, used: { pods: '10' } } })],
  ],
];

test.each(cases.map(([state, objects, more]) => ({ state, objects, more })))(
  '$state',
  ({ state, objects, more }) => {
    const report = check(objects, more);
    expect(`${report.state} ${report.severity}`).toBe(state);
  },
);

test('a metric alone is told beside a healthy pod, not as a fault', () => {
  expect(check(withNode(pod(gpu)), used({ gpuMemory: 0.99 })).overlays.map((entry) => entry.state)).toEqual([
    'J9',
  ]);
  expect(
    check(withNode(pod(gpu)), used({ gpuBusy: 0.02, forMs: 3 * 3600_000 })).overlays.map(
      (entry) => entry.state,
    ),
  ).toEqual(['J19']);
});

test('a new revision that fails beside an old one that runs is told with the way back', () => {
  const owner = (kind: string, name: string): Readonly<Record<string, unknown>> => ({
    apiVersion: 'apps/v1',
    kind,
    name,
    uid: `uid-${kind}-${name}`,
    controller: true,
  });
  const set = (name: string, age: number, ready: number): KubeObject =>
    object('ReplicaSet', 'apps/v1', name, {
      metadata: { creationTimestamp: ago(age), ownerReferences: [owner('Deployment', 'web')] },
      spec: { replicas: 1 },
      status: { replicas: 1, readyReplicas: ready },
    });
  const report = check([
    pod({ ...crashed(ended(1, 'Error')), metadata: { ownerReferences: [owner('ReplicaSet', 'web-2')] } }),
    set('web-1', 90_000, 1),
    set('web-2', 300, 0),
    object('Deployment', 'apps/v1', 'web'),
  ]);
  expect(report.causes.map((cause) => cause.id)).toContain('H10.after-change');
  expect(report.causes.flatMap((cause) => cause.fixes.map((fix) => fix.argv.join(' ')))).toContain(
    'kubectl -n ml rollout undo deployment/web',
  );
});

test('all families of the taxonomy are here, and every state has a name of its own', () => {
  const ids = new Set([...podStates, ...objectStates].map((state) => state.id));
  for (const [family, count] of Object.entries({
    A: 9,
    B: 6,
    C: 16,
    D: 7,
    E: 11,
    F: 13,
    G: 6,
    H: 15,
    I: 12,
    J: 19,
    K: 5,
    L: 12,
    M: 7,
    N: 4,
  })) {
    expect([...ids].filter((id) => id.startsWith(family) && id !== 'M').length, family).toBe(count);
  }
});

test('a running pod whose log complains of what a network policy closes', () => {
  const db = pod({ metadata: { name: 'db-0', uid: 'uid-db', labels: { app: 'db' } } });
  const objects = [
    pod(),
    node('gpu-1'),
    db,
    object('Service', 'v1', 'db', {
      spec: { selector: { app: 'db' }, clusterIP: '10.0.0.9', ports: [{ port: 5432 }] },
    }),
    object('NetworkPolicy', 'networking.k8s.io/v1', 'only-api', {
      spec: {
        podSelector: { matchLabels: { app: 'db' } },
        policyTypes: ['Ingress'],
        ingress: [{ from: [{ podSelector: { matchLabels: { app: 'api' } } }] }],
      },
    }),
  ];
  const closed = check(objects, { logs: { 'ml/web-1/main': 'dial tcp 10.0.0.9:5432: i/o timeout' } });
  expect(`${closed.state} ${closed.causes[0]?.id}`).toBe('L7 L7.policy');
  const open = check(objects.slice(0, -1), {
    logs: { 'ml/web-1/main': 'dial tcp 10.0.0.9:5432: i/o timeout' },
  });
  expect(open.severity).toBe('none');
});
