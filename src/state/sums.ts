import { acceleratorCount } from '../resources/devices.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Row } from '../resources/resource.ts';
import type { Cluster } from './cluster.ts';

/** GPUs and nodes of the cluster, kept as rows come and go: 100,000 pods are never added up anew. */
export interface Sums {
  readonly nodesReady: () => number;
  readonly nodesTotal: () => number;
  /** Asked for by pods that are bound and not finished. */
  readonly gpusUsed: () => number;
  /** Capacity of all nodes, unhealthy devices included. */
  readonly gpusTotal: () => number;
  /** Free, but unhealthy or on a node where nothing new starts. */
  readonly gpusUnusable: () => number;
  readonly pendingGpus: () => number;
  readonly pendingPods: () => number;
  readonly stop: () => void;
}

interface NodeShare {
  readonly ready: boolean;
  readonly schedulable: boolean;
  readonly capacity: number;
  readonly allocatable: number;
}

const isDone = (pod: PodRow): boolean => pod.phase === 'Succeeded' || pod.phase === 'Failed';

export function createSums(cluster: Cluster): Sums {
  const used = new Map<string, number>();
  const shares = new Map<string, NodeShare>();
  let ready = 0;
  let capacity = 0;
  let usedTotal = 0;
  let pendingGpus = 0;
  let pendingPods = 0;

  function countPod(pod: PodRow, sign: 1 | -1): void {
    const gpus = acceleratorCount(pod.spec.requests) ?? 0;
    if (gpus === 0 || isDone(pod)) return;
    if (pod.node === '') {
      pendingGpus += sign * gpus;
      pendingPods += sign;
      return;
    }
    usedTotal += sign * gpus;
    const onNode = (used.get(pod.node) ?? 0) + sign * gpus;
    if (onNode === 0) used.delete(pod.node);
    else used.set(pod.node, onNode);
  }

  function countNode(node: NodeRow, sign: 1 | -1): void {
    const isReady = node.status.split(',')[0] === 'Ready';
    const share: NodeShare = {
      ready: isReady,
      schedulable: isReady && !node.unschedulable,
      capacity: acceleratorCount(node.capacity) ?? 0,
      allocatable: acceleratorCount(node.allocatable) ?? 0,
    };
    ready += sign * Number(isReady);
    capacity += sign * share.capacity;
    if (sign === 1) shares.set(node.name, share);
    else shares.delete(node.name);
  }

  const pod = (row: Row | undefined, sign: 1 | -1): void => {
    if (row !== undefined) countPod(row as PodRow, sign);
  };
  const node = (row: Row | undefined, sign: 1 | -1): void => {
    if (row !== undefined) countNode(row as NodeRow, sign);
  };
  for (const row of cluster.rowsOf(anyResource(pods))) pod(row, 1);
  for (const row of cluster.rowsOf(anyResource(nodes))) node(row, 1);
  const stopPods = cluster.onRow(anyResource(pods), (before, after) => {
    pod(before, -1);
    pod(after, 1);
  });
  const stopNodes = cluster.onRow(anyResource(nodes), (before, after) => {
    node(before, -1);
    node(after, 1);
  });

  function unusable(): number {
    let sum = 0;
    for (const [name, share] of shares) {
      const free = Math.max(0, share.capacity - (used.get(name) ?? 0));
      sum += share.schedulable ? Math.min(free, share.capacity - share.allocatable) : free;
    }
    return sum;
  }

  return {
    nodesReady: () => ready,
    nodesTotal: () => shares.size,
    gpusUsed: () => usedTotal,
    gpusTotal: () => capacity,
    gpusUnusable: unusable,
    pendingGpus: () => pendingGpus,
    pendingPods: () => pendingPods,
    stop() {
      stopPods();
      stopNodes();
    },
  };
}
