import { evaluate } from '../../src/checklist/evaluate.ts';
import { buildIndex, type IndexInput } from '../../src/checklist/evidence-index.ts';
import type { SubjectReport } from '../../src/checklist/report.ts';
import type { KubeObject } from '../../src/kube/object.ts';

/** The noon of every fixture. */
export const now: number = Date.parse('2026-03-01T14:00:00Z');

/** So many seconds before noon. */
export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString();

type Json = Record<string, unknown>;
type Change = { readonly [field: string]: unknown };

const isPlain = (value: unknown): value is Change =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects are merged, everything else is replaced; undefined removes. */
function merge(base: Change, change: Change): Json {
  const out: Json = { ...base };
  for (const [key, value] of Object.entries(change)) {
    const before = out[key];
    if (value === undefined) delete out[key];
    else out[key] = isPlain(value) && isPlain(before) ? merge(before, value) : value;
  }
  return out;
}

const ready = (status: string, at: number, reason?: string): readonly Json[] => [
  { type: 'PodScheduled', status: 'True', lastTransitionTime: ago(at) },
  { type: 'Initialized', status: 'True', lastTransitionTime: ago(at) },
  {
    type: 'ContainersReady',
    status,
    lastTransitionTime: ago(at),
    ...(reason === undefined ? {} : { reason }),
  },
  { type: 'Ready', status, lastTransitionTime: ago(at), ...(reason === undefined ? {} : { reason }) },
];

/** A healthy pod of an hour on gpu-1, changed. */
export function pod(change: Change = {}): KubeObject {
  const base: Change = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'web-1',
      namespace: 'ml',
      uid: 'uid-web-1',
      creationTimestamp: ago(3600),
      labels: { app: 'web' },
    },
    spec: {
      nodeName: 'gpu-1',
      restartPolicy: 'Always',
      containers: [{ name: 'main', image: 'registry.corp/web:1' }],
    },
    status: {
      phase: 'Running',
      startTime: ago(3600),
      conditions: ready('True', 3500),
      containerStatuses: [
        {
          name: 'main',
          ready: true,
          started: true,
          restartCount: 0,
          state: { running: { startedAt: ago(3500) } },
        },
      ],
    },
  };
  return merge(base, change) as KubeObject;
}

export const status = (state: Json, more: Json = {}): Change => ({
  name: 'main',
  ready: false,
  started: false,
  restartCount: 0,
  state,
  ...more,
});
export const waiting = (reason: string, message = '', more: Json = {}): Change =>
  status({ waiting: { reason, ...(message === '' ? {} : { message }) } }, more);
export const ended = (exitCode: number, reason: string, more: Json = {}): Json => ({
  exitCode,
  reason,
  startedAt: ago(90),
  finishedAt: ago(50),
  ...more,
});

/** Not there yet: a node, no container. */
export const creating = (age: number, container: Change = waiting('ContainerCreating')): Change => ({
  metadata: { creationTimestamp: ago(age) },
  status: {
    phase: 'Pending',
    startTime: ago(age),
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: ago(age) },
      { type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: ago(age) },
    ],
    containerStatuses: [container],
  },
});

/** In back-off after an end. */
export const crashed = (end: Json, restarts = 5, more: Json = {}): Change => ({
  status: {
    conditions: ready('False', 60, 'ContainersNotReady'),
    containerStatuses: [
      waiting('CrashLoopBackOff', 'back-off 5m0s restarting failed container=main', {
        restartCount: restarts,
        lastState: { terminated: end },
        ...more,
      }),
    ],
  },
});

/** No node yet, and what the scheduler says. */
export const pending = (message: string, more: Change = {}): Change =>
  merge(
    {
      spec: { nodeName: undefined },
      status: {
        phase: 'Pending',
        startTime: undefined,
        containerStatuses: undefined,
        conditions:
          message === ''
            ? undefined
            : [
                {
                  type: 'PodScheduled',
                  status: 'False',
                  reason: 'Unschedulable',
                  message,
                  lastTransitionTime: ago(1200),
                },
              ],
      },
    },
    more,
  );

export const failed = (reason: string, message: string, more: Change = {}): Change =>
  merge(
    {
      status: {
        phase: 'Failed',
        reason: reason === '' ? undefined : reason,
        message,
        conditions: undefined,
        containerStatuses: undefined,
      },
    },
    more,
  );

export function node(name: string, change: Change = {}): KubeObject {
  return merge(
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name,
        uid: `uid-${name}`,
        labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64' },
      },
      spec: {},
      status: {
        allocatable: { cpu: '3900m', memory: '62Gi', pods: '110', 'ephemeral-storage': '100Gi' },
        capacity: { cpu: '4', memory: '64Gi', pods: '110', 'ephemeral-storage': '110Gi' },
        nodeInfo: { architecture: 'amd64' },
        conditions: [
          { type: 'Ready', status: 'True', lastTransitionTime: ago(90_000), lastHeartbeatTime: ago(5) },
        ],
      },
    },
    change,
  ) as KubeObject;
}

export const gpus = (count: number, more: Change = {}): Change =>
  merge(
    {
      status: {
        allocatable: { 'nvidia.com/gpu': String(count) },
        capacity: { 'nvidia.com/gpu': String(count) },
      },
    },
    more,
  );

export const holder = (name: string, on: string, amounts: Json): KubeObject =>
  pod({
    metadata: { name, uid: `uid-${name}`, labels: { app: name } },
    spec: {
      nodeName: on,
      containers: [{ name: 'main', image: 'x', resources: { requests: amounts, limits: amounts } }],
    },
  });

let serial = 0;
/** An event about the pod, or about what `about` names. */
export function event(
  reason: string,
  message: string,
  more: Json & { readonly about?: Json; readonly age?: number } = {},
): KubeObject {
  const {
    about = { kind: 'Pod', namespace: 'ml', name: 'web-1', uid: 'uid-web-1' },
    age = 10,
    ...rest
  } = more;
  serial += 1;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `event-${serial}`, namespace: 'ml', uid: `uid-event-${serial}` },
    involvedObject: about,
    reason,
    message,
    type: 'Warning',
    count: 3,
    firstTimestamp: ago(age + 300),
    lastTimestamp: ago(age),
    ...rest,
  } as KubeObject;
}

export const object = (kind: string, apiVersion: string, name: string, change: Change = {}): KubeObject =>
  merge(
    {
      apiVersion,
      kind,
      metadata: { name, namespace: 'ml', uid: `uid-${kind}-${name}`, creationTimestamp: ago(3600) },
    },
    change,
  ) as KubeObject;

/** The checklist of the first object, everything being known. */
export function check(
  objects: readonly KubeObject[],
  more: { readonly [K in keyof IndexInput]?: IndexInput[K] | undefined } = {},
): SubjectReport {
  const [subject] = objects;
  if (subject === undefined) throw new Error('no subject');
  const { now: at, ...rest } = { now, ...more };
  return evaluate(
    buildIndex({
      listed: ['*'],
      server: { major: 1, minor: 36, text: 'v1.36.3' },
      ...(Object.fromEntries(
        Object.entries(rest).filter(([, value]) => value !== undefined),
      ) as Partial<IndexInput>),
      objects,
      ...(at === undefined ? {} : { now: at }),
    }),
    subject,
  );
}
