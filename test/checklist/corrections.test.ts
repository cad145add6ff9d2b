import { expect, test } from 'vitest';
import { scan } from '../../src/checklist/program-log.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import {
  ago,
  check,
  crashed,
  creating,
  ended,
  event,
  failed,
  gpus,
  node,
  object,
  pending,
  pod,
  status,
  waiting,
} from './world.ts';

/** What real cases correct: checklist.md 3.12, by number. */
const withSpec = (spec: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  spec: { containers: [{ name: 'main', image: 'registry.corp/web:1', ...spec }] },
});
const firstCause = (...objects: readonly KubeObject[]): string =>
  check(objects).causes[0]?.id ?? check(objects).state;
const refused = (message: string): string =>
  check([
    object('ReplicaSet', 'apps/v1', 'web', { spec: { replicas: 2 }, status: { replicas: 0 } }),
    event('FailedCreate', message, {
      about: { kind: 'ReplicaSet', namespace: 'ml', name: 'web', uid: 'uid-ReplicaSet-web' },
    }),
  ]).causes[0]?.text ?? '';

test('1: OOMKilled with exit 143 is a liveness restart', () => {
  expect(
    firstCause(
      pod({
        ...crashed(ended(143, 'OOMKilled')),
        ...withSpec({ livenessProbe: { httpGet: { path: '/', port: 80 } } }),
      }),
    ),
  ).toBe('H8.probe');
});

test('2: an eviction can end Succeeded with nothing but its event; with the condition it is no corpse of a Deployment', () => {
  const done = {
    status: {
      phase: 'Succeeded',
      conditions: [],
      containerStatuses: [status({ terminated: ended(0, 'Completed') })],
    },
  };
  expect(
    check([
      pod(done),
      event('Evicted', 'Pod ephemeral local storage usage exceeds the total limit of containers 10Gi. '),
    ]).state,
  ).toBe('I3');
  const owned = {
    metadata: {
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'x', controller: true },
      ],
    },
  };
  expect(
    check([
      pod({
        ...owned,
        status: {
          phase: 'Succeeded',
          conditions: [
            {
              type: 'DisruptionTarget',
              status: 'True',
              reason: 'TerminationByKubelet',
              message: 'The node was low on resource: memory.',
            },
          ],
          containerStatuses: [status({ terminated: ended(0, 'Completed') })],
        },
      }),
    ]).state,
  ).toBe('I2');
});

test('3: a pod that the kubelet evicted or rejected may have no statuses, or print ContainerCreating', () => {
  expect(
    check([pod(failed('Evicted', 'Pod was rejected: The node had condition: [DiskPressure]. '))]).state,
  ).toBe('D6');
  const report = check([
    pod({
      status: {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'The node was low on resource: memory.',
        conditions: [],
        containerStatuses: [waiting('ContainerCreating')],
      },
    }),
  ]);
  expect(`${report.status} ${report.state}`).toBe('ContainerCreating I2');
});

test('4: Volcano says Undetermined and unavailable, KAI says it in several lines', () => {
  const volcano = pod({
    ...pending(
      'pod group is not ready, 1 Pending, 1 minAvailable; 0/3 nodes are unavailable: 3 Insufficient nvidia.com/gpu.',
      { spec: { schedulerName: 'volcano' } },
    ),
  });
  expect(check([volcano]).state).toBe('B3');
  const kai = pod(
    pending(
      "\n<train>: Node-Group gpu\n0/2 nodes are available:\n2 node(s) didn't have enough resources: GPUs.",
      { spec: { schedulerName: 'kai-scheduler' } },
    ),
  );
  expect(check([kai]).state).toBe('B3');
});

test('6: quota and LimitRange texts list several resources; all are told', () => {
  expect(
    refused(
      'Error creating: pods "x" is forbidden: failed quota: q: must specify limits.cpu for: crd; limits.memory for: crd',
    ),
  ).toMatch(/limits\.cpu for: crd; limits\.memory for: crd/);
  expect(
    refused(
      'Error creating: pods "x" is forbidden: exceeded quota: q, requested: pods=1,requests.nvidia.com/gpu=8, used: pods=2,requests.nvidia.com/gpu=8, limited: pods=2,requests.nvidia.com/gpu=8',
    ),
  ).toMatch(/pods: asks 1.*requests\.nvidia\.com\/gpu: asks 8/);
});

test('7: event texts may begin with the aggregation, and a StatefulSet says create or Create', () => {
  expect(
    refused(
      '(combined from similar events): Error creating: pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
    ),
  ).toMatch(/quota q/i);
  const set = (words: string): string | undefined =>
    check([
      object('StatefulSet', 'apps/v1', 'db', { spec: { replicas: 1 }, status: { replicas: 0 } }),
      event('FailedCreate', words, {
        about: { kind: 'StatefulSet', namespace: 'ml', name: 'db', uid: 'uid-StatefulSet-db' },
      }),
    ]).causes[0]?.id;
  for (const word of ['Create', 'create'])
    expect(
      set(
        `${word} Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2`,
      ),
    ).toBe('A1.quota');
});

test('8: time-slicing allows one at a time; a failing allocation is no reason to restart the plugin', () => {
  expect(
    firstCause(
      pod(
        failed(
          'UnexpectedAdmissionError',
          'Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = maximum request size for shared resources is 1; found 2, which is unexpected',
        ),
      ),
    ),
  ).toBe('D1.shared-limit');
  expect(
    firstCause(
      pod(
        failed(
          'UnexpectedAdmissionError',
          'Pod was rejected: Allocate failed due to rpc error: code = Unknown desc = GetPreferredAllocation: unknown device, which is unexpected',
        ),
      ),
    ),
  ).toBe('D1.plugin-error');
});

test('9: a DataLoader that says Bus error ends with 1; 127 may be a mount of the wrong type', () => {
  expect(
    check([pod(crashed(ended(1, 'Error')))], {
      logs: {
        'ml/web-1/main@previous':
          'RuntimeError: DataLoader worker (pid 1388) is killed by signal: Bus error.',
      },
    }).state,
  ).toBe('J12');
  expect(
    firstCause(
      pod(
        crashed(
          ended(127, 'ContainerCannotRun', {
            message:
              'error mounting "/x" to rootfs at "/y": not a directory: Are you trying to mount a directory onto a file',
          }),
        ),
      ),
    ),
  ).toBe('G3.mount-type');
});

test("10: a cgroup's own OOM in the kernel's words is not the node's", () => {
  const kill = event('OOMKilling', 'Memory cgroup out of memory: Killed process 99 (python) total-vm:1kB', {
    about: { kind: 'Node', name: 'gpu-1' },
    age: 51,
  });
  expect(check([pod(crashed(ended(137, 'Error'))), node('gpu-1'), kill]).state).toBe('H5');
});

test('11: Kueue ends pods with a condition of its own', () => {
  expect(
    check([
      pod({
        status: {
          phase: 'Failed',
          conditions: [
            {
              type: 'TerminationTarget',
              status: 'True',
              reason: 'WorkloadEvictedDueToPreempted',
              message: 'Preempted',
            },
          ],
          containerStatuses: [status({ terminated: ended(143, 'Error') })],
        },
      }),
    ]).state,
  ).toBe('I6');
});

test('12: the main container is found by its name, not by its place', () => {
  const two = pod({
    spec: {
      containers: [
        { name: 'train', image: 'x', resources: { limits: { memory: '8Gi' } } },
        { name: 'agent', image: 'x', resources: { limits: { memory: '1Gi' } } },
      ],
    },
    status: {
      conditions: [],
      containerStatuses: [
        { name: 'agent', ready: true, state: { running: { startedAt: ago(10) } } },
        {
          name: 'train',
          restartCount: 2,
          state: { waiting: { reason: 'CrashLoopBackOff' } },
          lastState: { terminated: ended(137, 'OOMKilled') },
        },
      ],
    },
  });
  expect(check([two]).headline).toBe('OOM at limit 8Gi');
});

test('13: near misses of GPU names are named', () => {
  const report = check([
    pod(
      pending('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', {
        spec: {
          containers: [{ name: 'main', image: 'x', resources: { limits: { 'nvidia.com/gpu': '1' } } }],
        },
      }),
    ),
    node('n1', {
      status: { allocatable: { 'nvidia.com/gpu.shared': '4' }, capacity: { 'nvidia.com/gpu.shared': '4' } },
    }),
  ]);
  expect(report.causes[0]?.text).toMatch(/nvidia\.com\/gpu\.shared/);
  const product = check([
    pod(
      pending("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.", {
        spec: { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-A100' } },
      }),
    ),
    node('n1', gpus(4, { metadata: { labels: { 'nvidia.com/gpu.product': 'NVIDIA-A100-SHARED' } } })),
  ]);
  expect(product.causes[0]?.text).toMatch(/NVIDIA-A100-SHARED/);
});

test('14: invisible characters of an image name are shown', () => {
  expect(
    check([
      pod({
        ...creating(60, waiting('InvalidImageName', "couldn't parse image name")),
        ...withSpec({ image: 'registry.corp/web\u200b:1' }),
      }),
    ]).causes[0]?.text,
  ).toContain('\\u200b');
});

test('15: slower than the startup budget needs progress in the log', () => {
  const killed = [
    pod({
      ...crashed(ended(137, 'Error', { finishedAt: ago(40) })),
      ...withSpec({
        startupProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 10, failureThreshold: 4 },
      }),
    }),
    event('Killing', 'Container main failed startup probe, will be restarted', { age: 41 }),
    event('Unhealthy', 'Startup probe failed: dial tcp 10.0.0.1:80: connect: connection refused'),
  ];
  expect(check(killed).causes.map((cause) => cause.id)).not.toContain('H9.slow-start');
  expect(
    check(killed, {
      logs: { 'ml/web-1/main@previous': 'Loading checkpoint shards:  41% Completed' },
    }).causes.map((cause) => cause.id),
  ).toContain('H9.slow-start');
});

test('16: a readiness gate without a transition time', () => {
  expect(
    check([
      pod({
        spec: { readinessGates: [{ conditionType: 'lb/ready' }] },
        status: {
          conditions: [
            { type: 'ContainersReady', status: 'True' },
            { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady' },
            { type: 'lb/ready', status: 'False', lastTransitionTime: null },
          ],
        },
      }),
      node('gpu-1'),
    ]).state,
  ).toBe('J2');
});

test('17: ready endpoints without ports are no all-clear', () => {
  const slice = object('EndpointSlice', 'discovery.k8s.io/v1', 'web-x', {
    metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
    endpoints: [{ conditions: { ready: true } }],
    ports: null,
  });
  expect(
    check([
      object('Service', 'v1', 'web', {
        spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
      }),
      pod(),
      slice,
    ]).state,
  ).toBe('L3');
});

test('18: the driver is too old, whatever the words', () => {
  for (const words of [
    'CUDA driver version is insufficient for CUDA runtime version',
    'The NVIDIA driver on your system is too old (found version 11040).',
  ])
    expect(scan(words)?.signature.id).toBe('driver-old');
});

test('credentials of a log do not reach a ticket', () => {
  const words =
    'Error: login failed for postgres://app:hunter2@db:5432 HF_TOKEN=hf_abcdefghijklmnopqrst1234 password=hunter2';
  const report = check([pod(crashed(ended(1, 'Error')))], { logs: { 'ml/web-1/main@previous': words } });
  expect(JSON.stringify(report)).not.toMatch(/hunter2|hf_abc/);
  expect(report.causes[0]?.text).toContain('postgres://app:(redacted)@db:5432');
});

test('20: a Multi-Attach event that never repeats is enough', () => {
  expect(
    check([
      pod(creating(5000)),
      event(
        'FailedAttachVolume',
        'Multi-Attach error for volume "pv" Volume is already used by pod(s) web-0',
        { count: 1, age: 4900 },
      ),
    ]).state,
  ).toBe('E2');
});
