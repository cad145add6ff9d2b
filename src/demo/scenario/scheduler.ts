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

/** The filters of kube-scheduler that the story needs, in their order; each node speaks only of its first one. */
export function place(pod: PodLike, nodes: readonly NodeLike[], pods: readonly PodLike[]): Placement {
  const wanted = podRequests(pod);
  const used = usedByNode(pods);
  const reasons = new Map<string, number>();
  let hopeless = 0;
  for (const node of nodes) {
    const refusals = refusalsOf(pod, wanted, node, used.get(node.metadata.name) ?? new Map());
    if (refusals.length === 0) return { node: node.metadata.name };
    if (!refusals.every((reason) => reason.startsWith('Insufficient'))) hopeless++;
    for (const reason of refusals) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const text = (counts: Iterable<readonly [string, number]>): string =>
    [...counts]
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${count} ${reason}`)
      .sort()
      .join(', ');
  const head = `0/${nodes.length} nodes are available: `;
  const preemption: readonly (readonly [string, number])[] = [
    ['No preemption victims found for incoming pod', nodes.length - hopeless],
    ['Preemption is not helpful for scheduling', hopeless],
  ];
  return {
    message: `${head}${text(reasons)}. no new claims to deallocate, preemption: ${head}${text(preemption)}.`,
  };
}

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

function refusalsOf(
  pod: PodLike,
  wanted: ReadonlyMap<string, number>,
  node: NodeLike,
  used: ReadonlyMap<string, number>,
): readonly string[] {
  const tolerations = pod.spec.tolerations ?? [];
  if (
    node.spec.unschedulable === true &&
    !tolerates(tolerations, { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' })
  ) {
    return ['node(s) were unschedulable'];
  }
  const blocking = (node.spec.taints ?? []).filter((taint) => taint.effect !== 'PreferNoSchedule');
  if (!blocking.every((taint) => tolerates(tolerations, taint))) return ['node(s) had untolerated taint(s)'];
  const labels = node.metadata.labels ?? {};
  const selected = Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (!selected) return ["node(s) didn't match Pod's node affinity/selector"];
  return [...wanted]
    .filter(
      ([name, value]) => value > 0 && value > quantity(node.status.allocatable[name]) - (used.get(name) ?? 0),
    )
    .map(([name]) => `Insufficient ${name}`);
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
