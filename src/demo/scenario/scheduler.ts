import { fieldAt } from '../object.ts';
import type { Store } from '../store.ts';
import {
  isFinished,
  type NodeLike,
  type PodLike,
  podRequests,
  quantity,
  type TolerationLike,
} from './shapes.ts';

/** Where a pod would go, or the scheduler's words about why it goes nowhere (v1.36). */
export type Placement = { readonly node: string } | { readonly message: string };

export interface ClusterLike {
  readonly nodes: readonly NodeLike[];
  readonly pods: readonly PodLike[];
  /** Nodes whose GPUs are handed out by claims (DRA). All of the story's are taken or tainted. */
  readonly claimNodes: ReadonlySet<string>;
}

/** What the scheduler sees of a store. */
export const clusterOf = (store: Store): ClusterLike => ({
  nodes: store.list('', 'nodes') as readonly NodeLike[],
  pods: store.list('', 'pods') as readonly PodLike[],
  claimNodes: new Set(
    store.list('resource.k8s.io', 'resourceslices').map((slice) => String(fieldAt(slice, 'spec.nodeName'))),
  ),
});

/** The extended resource that the story's DeviceClass stands for. */
const claimedResource = 'nvidia.com/gpu';

/** The filters of kube-scheduler that the story needs, in their order; each node speaks only of its first one. */
export function place(pod: PodLike, { nodes, pods, claimNodes }: ClusterLike): Placement {
  const wanted = podRequests(pod);
  const used = usedByNode(pods);
  const reasons = new Map<string, number>();
  let hopeless = 0;
  for (const node of nodes) {
    const name = node.metadata.name;
    const refusal = refusalOf(pod, wanted, {
      node,
      used: used.get(name) ?? nothing,
      byClaim: claimNodes.has(name),
    });
    if (refusal === undefined) return { node: name };
    if (refusal.hopeless) hopeless++;
    for (const reason of refusal.reasons) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const head = `0/${nodes.length} nodes are available: `;
  const preemption: readonly (readonly [string, number])[] = [
    ['No preemption victims found for incoming pod', nodes.length - hopeless],
    ['Preemption is not helpful for scheduling', hopeless],
  ];
  const claims =
    wanted.has(claimedResource) && claimNodes.size > 0
      ? 'still not schedulable'
      : 'no new claims to deallocate';
  return {
    message: `${head}${countsText(reasons)}. ${claims}, preemption: ${head}${countsText(preemption)}.`,
  };
}

/** Sorted as texts, counts included, as the scheduler does. */
const countsText = (counts: Iterable<readonly [string, number]>): string =>
  [...counts]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ');

const nothing: ReadonlyMap<string, number> = new Map();

function usedByNode(pods: readonly PodLike[]): ReadonlyMap<string, Map<string, number>> {
  const used = new Map<string, Map<string, number>>();
  for (const pod of pods) {
    const node = pod.spec.nodeName;
    if (node === undefined || isFinished(pod)) continue;
    const sums = used.get(node) ?? new Map<string, number>();
    used.set(node, sums);
    for (const [name, value] of podRequests(pod)) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return used;
}

interface Refusal {
  readonly reasons: readonly string[];
  /** Removing pods from this node would not help. */
  readonly hopeless: boolean;
}

interface Candidate {
  readonly node: NodeLike;
  readonly used: ReadonlyMap<string, number>;
  /** Its GPUs are devices of a ResourceSlice, not an extended resource. */
  readonly byClaim: boolean;
}

function refusalOf(
  pod: PodLike,
  wanted: ReadonlyMap<string, number>,
  candidate: Candidate,
): Refusal | undefined {
  const { node, used, byClaim } = candidate;
  const never = (reason: string): Refusal => ({ reasons: [reason], hopeless: true });
  const tolerations = pod.spec.tolerations ?? [];
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec.unschedulable === true && !tolerates(tolerations, cordon))
    return never('node(s) were unschedulable');
  const blocking = (node.spec.taints ?? []).filter((taint) => taint.effect !== 'PreferNoSchedule');
  if (!blocking.every((taint) => tolerates(tolerations, taint)))
    return never('node(s) had untolerated taint(s)');
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (!selected) return never("node(s) didn't match Pod's node affinity/selector");
  const allocatable = (name: string): number => quantity(node.status.allocatable[name]);
  const short = [...wanted].filter(
    ([name, value]) =>
      value > 0 &&
      !(byClaim && name === claimedResource) &&
      value > allocatable(name) - (used.get(name) ?? 0),
  );
  if (short.length > 0) {
    return {
      reasons: short.map(([name]) => `Insufficient ${name}`),
      hopeless: short.some(([name, value]) => value > allocatable(name)),
    };
  }
  return byClaim && (wanted.get(claimedResource) ?? 0) > 0 ? never('cannot allocate all claims') : undefined;
}

function tolerates(
  tolerations: readonly TolerationLike[],
  taint: { readonly key: string; readonly value?: string; readonly effect: string },
): boolean {
  return tolerations.some(
    (toleration) =>
      (toleration.effect === undefined || toleration.effect === taint.effect) &&
      (toleration.key === undefined || toleration.key === taint.key) &&
      (toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '')),
  );
}
