import type { KubeObject } from '../../src/kube/object.ts';
import type { SchedulingCluster } from '../../src/scheduling/cluster.ts';
import { clusterFrom, sortObjects } from '../../src/scheduling/from-objects.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A Ready node with room for everything that a test does not talk about. */
export const node = (
  name: string,
  {
    labels = {},
    taints = [],
    allocatable = {},
    unschedulable = false,
  }: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly taints?: readonly Fields[];
    readonly allocatable?: Fields;
    readonly unschedulable?: boolean;
  } = {},
): KubeObject => {
  const amounts = { cpu: '64', memory: '512Gi', pods: '110', 'ephemeral-storage': '1Ti', ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { taints, unschedulable },
    status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] },
  };
};

/** A pod of namespace `train`; `on` places it. */
export const pod = (
  name: string,
  {
    spec = {},
    requests = {},
    on = '',
    labels = {},
    namespace = 'train',
    status = {},
    metadata = {},
  }: {
    readonly spec?: Fields;
    readonly requests?: Fields;
    readonly on?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly namespace?: string;
    readonly status?: Fields;
    readonly metadata?: Fields;
  } = {},
): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels, ...metadata },
  spec: {
    ...(on === '' ? {} : { nodeName: on }),
    containers: [{ name: 'main', image: 'i', resources: { requests, limits: requests } }],
    ...spec,
  },
  status: { phase: on === '' ? 'Pending' : 'Running', ...status },
});

export const clusterOf = (...objects: readonly KubeObject[]): SchedulingCluster =>
  clusterFrom(sortObjects(objects));

export function rowOf(cluster: SchedulingCluster, name: string): SchedulingCluster['pods'][number] {
  const found = cluster.pods.find((row) => row.name === name);
  if (found === undefined) throw new Error(`no pod ${name} in the test's cluster`);
  return found;
}
