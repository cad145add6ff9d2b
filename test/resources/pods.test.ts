import { describe, expect, test } from 'vitest';
import type { KubeObject, ServerVersion } from '../../src/kube/object.ts';
import { cellText } from '../../src/resources/columns.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { extendedClaim, pods } from '../../src/resources/pods.ts';

const v = (minor: number): ServerVersion => ({ major: 1, minor, text: `v1.${minor}.0` });
const noon = Date.parse('2026-03-01T12:00:00Z');
const ago = (seconds: number): string => new Date(noon - seconds * 1000).toISOString();

interface PodParts {
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}

const pod = ({ metadata, spec, status }: PodParts): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ml', uid: 'u', creationTimestamp: ago(3600), ...metadata },
  spec: { containers: [{ name: 'main' }], nodeName: 'gpu-1', ...spec },
  status: { phase: 'Running', ...status },
});

const row = (parts: PodParts, server: ServerVersion | undefined = undefined): PodRow =>
  pods.toRow(pod(parts), { server });
const cell = (title: string, of: PodRow): string => {
  const column = pods.columns.find((candidate) => candidate.title === title);
  if (column === undefined) throw new Error(`no column ${title}`);
  return cellText(column, of, noon);
};
const crashed = (exitCode: number, reason = 'Error', finishedAt: string | null = ago(15)): object => ({
  terminated: { exitCode, reason, finishedAt },
});

describe('STATUS', () => {
  test('an absent signal is no signal', () => {
    const status = {
      phase: 'Pending',
      initContainerStatuses: [{ name: 'i', state: { terminated: { exitCode: 1 } } }],
    };
    expect(row({ spec: { initContainers: [{ name: 'i' }] }, status }).status).toBe('Init:ExitCode:1');
  });

  test('the first container has the last word', () => {
    const containerStatuses = [
      { name: 'a', state: { waiting: { reason: 'ImagePullBackOff' } } },
      { name: 'b', state: crashed(1) },
    ];
    expect(row({ status: { containerStatuses } }).status).toBe('ImagePullBackOff');
  });

  test('once Initialized is True an old init status no longer hides the containers', () => {
    const status = {
      conditions: [{ type: 'Initialized', status: 'True' }],
      initContainerStatuses: [{ name: 'i', state: crashed(1) }],
      containerStatuses: [{ name: 'main', ready: true, restartCount: 2, state: { running: {} } }],
    };
    const seen = row({ spec: { initContainers: [{ name: 'i' }] }, status });
    // Go leaves the reason as the init containers set it; READY and RESTARTS are the containers'.
    expect([seen.status, seen.readyContainers, seen.restarts]).toEqual(['Init:Error', 1, 2]);
  });

  test('both denominators count sidecars', () => {
    const spec = { initContainers: [{ name: 's', restartPolicy: 'Always' }, { name: 'i' }] };
    const initContainerStatuses = [
      { name: 's', started: true, ready: true, state: { running: {} } },
      { name: 'i', state: { running: {} } },
    ];
    const seen = row({ spec, status: { phase: 'Pending', initContainerStatuses } });
    expect([seen.status, cell('READY', seen)]).toEqual(['Init:1/2', '1/2']);
  });

  test('a sidecar that has not started blocks the start', () => {
    const spec = { initContainers: [{ name: 's', restartPolicy: 'Always' }] };
    const initContainerStatuses = [{ name: 's', started: false, state: { running: {} } }];
    expect(row({ spec, status: { phase: 'Pending', initContainerStatuses } }).status).toBe('Init:0/1');
  });

  test('one finished container hides a failed one only before 1.35', () => {
    const containerStatuses = [
      { name: 'a', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
      { name: 'b', state: crashed(1) },
    ];
    expect(row({ status: { containerStatuses } }, v(34)).status).toBe('Completed');
    expect(row({ status: { containerStatuses } }, v(35)).status).toBe('Error');
  });

  test('a finished pod that is being deleted says Terminating only before 1.31', () => {
    const parts = { metadata: { deletionTimestamp: ago(10) }, status: { phase: 'Succeeded' } };
    expect(row(parts, v(30)).status).toBe('Terminating');
    expect(row(parts, v(31)).status).toBe('Succeeded');
  });

  test('a reason of the pod shows only where no container says anything', () => {
    expect(row({ status: { phase: 'Failed', reason: 'Evicted' } }).status).toBe('Evicted');
    const containerStatuses = [{ name: 'main', state: crashed(137) }];
    expect(row({ status: { phase: 'Failed', reason: 'Evicted', containerStatuses } }).status).toBe('Error');
  });

  test('a reason that nobody has heard of passes through', () => {
    const containerStatuses = [{ name: 'main', state: { waiting: { reason: 'QuantumDecoherence' } } }];
    expect(row({ status: { containerStatuses } }).status).toBe('QuantumDecoherence');
  });
});

describe('RESTARTS', () => {
  const restarted = (finishedAt: string | null): PodRow =>
    row({
      status: {
        containerStatuses: [
          {
            name: 'main',
            restartCount: 3,
            state: { running: {} },
            lastState: crashed(1, 'Error', finishedAt),
          },
        ],
      },
    });

  test('tells when, by the last container that ended', () => {
    expect(cell('RESTARTS', restarted(ago(15)))).toBe('3 (15s ago)');
  });

  test.each([null, '0001-01-01T00:00:00Z', 'garbage'])(
    'says nothing of a time that is none (%j)',
    (finishedAt) => {
      expect(cell('RESTARTS', restarted(finishedAt))).toBe('3');
    },
  );
});

describe('what a pod asks for is what the scheduler charges', () => {
  const gpu = (count: number): object => ({ resources: { limits: { 'nvidia.com/gpu': String(count) } } });
  const sidecar = (count: number): object => ({ ...gpu(count), restartPolicy: 'Always' });
  const asked = (spec: object): number | undefined => row({ spec }).spec.requests['nvidia.com/gpu'];

  test.each([
    ['containers add up', { containers: [gpu(4), gpu(2)] }, 6],
    ['an init container may need more', { initContainers: [gpu(8)], containers: [gpu(4)] }, 8],
    ['a sidecar before it runs beside it', { initContainers: [sidecar(1), gpu(8)], containers: [gpu(4)] }, 9],
    ['a sidecar after it does not', { initContainers: [gpu(8), sidecar(1)], containers: [gpu(4)] }, 8],
    ['a sidecar runs beside the containers', { initContainers: [sidecar(1)], containers: [gpu(4)] }, 5],
    [
      'GPUs cannot be asked for at pod level',
      { resources: { requests: { 'nvidia.com/gpu': '9' } }, containers: [gpu(4)] },
      4,
    ],
    ['debug containers never count', { ephemeralContainers: [gpu(4)], containers: [gpu(1)] }, 1],
  ])('%s', (_, spec, count) => {
    expect(asked(spec)).toBe(count);
  });

  test('cpu at pod level replaces the sum, and overhead comes on top', () => {
    const spec = {
      containers: [{ resources: { requests: { cpu: '9' } } }],
      resources: { requests: { cpu: '3500m' } },
      overhead: { cpu: '250m' },
    };
    expect(row({ spec }).spec.requests['cpu']).toBe(3750);
  });

  test('while a resize goes down the larger amount still counts', () => {
    const spec = { containers: [{ name: 'main', resources: { requests: { cpu: '2' } } }] };
    const containerStatuses = [{ name: 'main', allocatedResources: { cpu: '4' } }];
    expect(row({ spec, status: { containerStatuses } }).spec.requests['cpu']).toBe(4000);
  });
});

describe('records are shared', () => {
  const worker = (index: number, cpu = '4'): PodRow =>
    row({
      metadata: {
        uid: `u${index}`,
        ownerReferences: [{ controller: true, uid: 'job-1', name: 'train', kind: 'Job' }],
      },
      spec: {
        containers: [
          {
            name: 'main',
            image: 'a:1',
            env: [{ name: 'RANK', value: String(index) }],
            resources: { requests: { cpu } },
          },
        ],
        volumes: [{ name: `kube-api-access-${index}`, projected: {} }],
      },
    });

  test('by the pods of one job, whatever their environment', () => {
    expect(worker(1).spec).toBe(worker(2).spec);
    expect(worker(1).owner).toBe(worker(2).owner);
  });

  test('not by pods that ask for something else, and again by those that ask the same', () => {
    const changed = worker(3, '8');
    expect(changed.spec).not.toBe(worker(1).spec);
    expect(changed.spec.requests['cpu']).toBe(8000);
    expect(worker(4, '8').spec).toBe(changed.spec);
  });
});

describe('what is wrong', () => {
  const running = { name: 'main', ready: true, restartCount: 0, state: { running: {} } };
  const ready = (status: string, seconds: number): object => ({
    type: 'Ready',
    status,
    lastTransitionTime: ago(seconds),
  });

  test('nothing with a pod that runs and is ready', () => {
    const well = row({ status: { containerStatuses: [running], conditions: [ready('True', 600)] } });
    expect([pods.fault?.(well, noon), pods.why?.(well, noon), well.trouble]).toEqual([
      false,
      undefined,
      undefined,
    ]);
  });

  test('nothing with one that survived a crash for days', () => {
    const survivor = { ...running, restartCount: 1, lastState: crashed(1, 'Error', ago(6 * 86_400)) };
    const seen = row({ status: { containerStatuses: [survivor], conditions: [ready('True', 86_400)] } });
    expect([pods.fault?.(seen, noon), pods.why?.(seen, noon)]).toEqual([false, undefined]);
  });

  test('a crash loop tells how the last run ended', () => {
    const looping = {
      name: 'main',
      restartCount: 5,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } },
      lastState: crashed(137, 'OOMKilled'),
    };
    const seen = row({ status: { containerStatuses: [looping] } });
    expect(pods.fault?.(seen, noon)).toBe(true);
    expect(pods.why?.(seen, noon)).toBe(
      'main: last run ended OOMKilled (exit 137) 15s ago; CrashLoopBackOff: back-off 5m0s',
    );
  });

  test('a pod that the scheduler cannot place has the scheduler’s words', () => {
    const message = '0/5 nodes are available: 5 Insufficient nvidia.com/gpu.';
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }];
    const seen = row({ spec: { nodeName: undefined }, status: { phase: 'Pending', conditions } });
    expect([pods.fault?.(seen, noon), pods.why?.(seen, noon)]).toEqual([true, message]);
  });

  test('a pod behind a gate waits by design', () => {
    const spec = { nodeName: undefined, schedulingGates: [{ name: 'kueue.x-k8s.io/admission' }] };
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }];
    const seen = row({ spec, status: { phase: 'Pending', conditions } });
    expect([seen.status, pods.fault?.(seen, noon)]).toEqual(['SchedulingGated', false]);
    expect(pods.why?.(seen, noon)).toContain('kueue.x-k8s.io/admission');
  });

  test('on a node that fell silent nothing is known of a pod that prints Running 1/1', () => {
    const seen = row({ status: { containerStatuses: [running], conditions: [ready('False', 30)] } });
    expect([seen.status, pods.fault?.(seen, noon)]).toEqual(['Running', true]);
    expect(pods.why?.(seen, noon)).toContain('no longer reports');
  });

  test('a job pod that was OOM-killed with exit code 0 only looks done', () => {
    const containerStatuses = [{ name: 'main', state: crashed(0, 'OOMKilled') }];
    const seen = row({ status: { phase: 'Succeeded', containerStatuses } });
    expect([seen.status, pods.fault?.(seen, noon)]).toEqual(['OOMKilled', true]);
  });

  test('a deletion that is overdue names what holds the pod, even where STATUS says Completed', () => {
    const seen = row({
      metadata: { deletionTimestamp: ago(600), finalizers: ['foo.io/x'] },
      status: { phase: 'Succeeded' },
    });
    expect([pods.fault?.(seen, noon), pods.why?.(seen, noon)]).toEqual([
      true,
      'Deletion is overdue by 10m: 1 finalizer(s) hold the pod.',
    ]);
  });

  test('starting for a few minutes is no fault; for a quarter of an hour it is', () => {
    const starting = (seconds: number): PodRow =>
      row({
        metadata: { creationTimestamp: ago(seconds) },
        status: {
          phase: 'Pending',
          containerStatuses: [{ name: 'main', state: { waiting: { reason: 'ContainerCreating' } } }],
        },
      });
    expect(pods.fault?.(starting(180), noon)).toBe(false);
    expect(pods.fault?.(starting(900), noon)).toBe(true);
  });
});

test('claims are known by the names in the spec, and the one for extended resources by its own', () => {
  const status = {
    resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'p-gpu-x' }],
    extendedResourceClaimStatus: { resourceClaimName: 'p-extended-y' },
  };
  expect(row({ status }).claimNames).toEqual({ gpu: 'p-gpu-x', [extendedClaim]: 'p-extended-y' });
});

test('the GPU column counts any accelerator, and shows a dash where none is asked for', () => {
  const limits = { 'nvidia.com/mig-1g.10gb': '2', cpu: '1' };
  expect(cell('GPU', row({ spec: { containers: [{ resources: { limits } }] } }))).toBe('2');
  expect(cell('GPU', row({}))).toBe('-');
});
