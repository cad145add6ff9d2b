import type { KubeObject } from '../../src/kube/object.ts';
import type { PodRow } from '../../src/resources/pod-row.ts';
import { pods } from '../../src/resources/pods.ts';
import type { WorkloadRow } from '../../src/workloads/workload-row.ts';
import { workloads } from '../../src/workloads/workloads.ts';
import { clusterOf } from './cluster.ts';

export const now: number = Date.parse('2026-09-30T14:00:00Z');
export const minutesAgo = (minutes: number): string => new Date(now - minutes * 60_000).toISOString();

type Json = Readonly<Record<string, unknown>>;

interface PodOptions {
  readonly namespace?: string;
  readonly labels?: Json;
  readonly annotations?: Json;
  readonly owner?: readonly [apiVersion: string, kind: string, name: string];
  readonly gpus?: number;
  readonly node?: string;
  readonly phase?: string;
  readonly gates?: readonly string[];
  readonly ready?: boolean;
  readonly createdAt?: string;
  readonly startedAt?: string;
  readonly nodeSelector?: Json;
  readonly status?: Json;
}

/** A pod on a node where `node` is given, waiting otherwise. */
export function pod(name: string, options: PodOptions = {}): KubeObject {
  const {
    namespace = 'train',
    labels,
    annotations,
    owner,
    gpus = 1,
    node,
    gates,
    createdAt = minutesAgo(30),
  } = options;
  const isPlaced = node !== undefined;
  const isReady = options.ready ?? isPlaced;
  const ownerReferences =
    owner === undefined
      ? []
      : [{ apiVersion: owner[0], kind: owner[1], name: owner[2], uid: `uid-${owner[2]}`, controller: true }];
  const limits = gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `${namespace}/${name}`,
      creationTimestamp: createdAt,
      labels,
      annotations,
      ownerReferences,
    },
    spec: {
      containers: [{ name: 'main', image: 'x', resources: { limits } }],
      ...(isPlaced && { nodeName: node }),
      ...(gates !== undefined && { schedulingGates: gates.map((gate) => ({ name: gate })) }),
      ...(options.nodeSelector !== undefined && { nodeSelector: options.nodeSelector }),
    },
    status: {
      phase: options.phase ?? (isPlaced ? 'Running' : 'Pending'),
      ...(isPlaced && { startTime: options.startedAt ?? createdAt }),
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
      containerStatuses: isPlaced
        ? [{ name: 'main', ready: isReady, restartCount: 0, state: { running: {} } }]
        : [],
      ...options.status,
    },
  } as KubeObject;
}

export const podRow = (name: string, options: PodOptions = {}): PodRow =>
  pods.toRow(pod(name, options), { server: undefined });

export const object = (
  [apiVersion, kind]: readonly [string, string],
  name: string,
  rest: { readonly metadata?: Json; readonly spec?: Json; readonly status?: Json } = {},
): KubeObject =>
  ({
    apiVersion,
    kind,
    ...rest,
    metadata: { name, namespace: 'train', creationTimestamp: minutesAgo(30), ...rest.metadata },
  }) as KubeObject;

export const gpuTemplate = (gpus: number): Json => ({
  spec: {
    containers: [{ name: 'main', image: 'x', resources: { limits: { 'nvidia.com/gpu': String(gpus) } } }],
  },
});

/** The workloads of these objects. */
export const workloadsOf = (objects: readonly KubeObject[], at: number = now): readonly WorkloadRow[] =>
  workloads.derive(clusterOf(objects), at);

/** The only workload of these objects. */
export function workloadOf(objects: readonly KubeObject[], at: number = now): WorkloadRow {
  const rows = workloadsOf(objects, at);
  const [first, second] = rows;
  if (first === undefined || second !== undefined)
    throw new Error(
      `expected one workload, there are ${rows.map(({ kind, name }) => `${kind}/${name}`).join(', ') || 'none'}`,
    );
  return first;
}
