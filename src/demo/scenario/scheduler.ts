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
  readonly usedOn: UsedOn;
  /** Nodes whose GPUs are handed out by claims (DRA). All of the story's are taken or tainted. */
  readonly claimNodes: ReadonlySet<string>;
}

/** What the pods of a node ask for together, by resource. */
type UsedOn = (node: string) => ReadonlyMap<string, number>;

/** What the scheduler sees of a store. `usedOn`: `nothingUsed` for what an empty cluster would say. */
export const clusterOf = (store: Store, usedOn: UsedOn): ClusterLike => ({
  nodes: store.list('', 'nodes') as readonly NodeLike[],
  usedOn,
  claimNodes: new Set(
    store.list('resource.k8s.io', 'resourceslices').map((slice) => String(fieldAt(slice, 'spec.nodeName'))),
  ),
});

/** The extended resource that the story's DeviceClass stands for. */
const claimedResource = 'nvidia.com/gpu';

/** The filters of kube-scheduler that the story needs, in their order; each node speaks only of its first one. */
export function place(pod: PodLike, { nodes, usedOn, claimNodes }: ClusterLike): Placement {
  const wanted = podRequests(pod);
  const reasons = new Map<string, number>();
  let hopeless = 0;
  for (const node of nodes) {
    const name = node.metadata.name;
    const refusal = refusalOf(pod, wanted, {
      node,
      used: usedOn(name),
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

export const nothingUsed: UsedOn = () => nothing;

interface Shelf {
  /** What each pod on the node asks for, by uid. */
  readonly asked: Map<string, ReadonlyMap<string, number>>;
  /** Undefined after a change, until somebody asks: sums of fractions that grow and shrink would drift. */
  sums: ReadonlyMap<string, number> | undefined;
}

/** What is used on each node, kept up from here on: counting 100,000 pods anew at each placement blocks the server. */
export function followUse(store: Store): UsedOn {
  const shelves = new Map<string, Shelf>();

  function change(pod: PodLike, isThere: boolean): void {
    const nodeName = fieldAt(pod, 'spec.nodeName');
    // Objects of files may be less than pods.
    if (typeof nodeName !== 'string' || !Array.isArray(pod.spec.containers) || isFinished(pod)) return;
    const shelf = shelves.get(nodeName) ?? { asked: new Map(), sums: undefined };
    shelves.set(nodeName, shelf);
    shelf.sums = undefined;
    const key = pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (isThere) shelf.asked.set(key, podRequests(pod));
    else shelf.asked.delete(key);
  }

  for (const pod of store.list('', 'pods') as readonly PodLike[]) change(pod, true);
  store.listen(({ type, kind, object, previous }) => {
    if (kind.group !== '' || kind.plural !== 'pods') return;
    const after = type === 'DELETED' ? undefined : (object as PodLike);
    const before = previous as PodLike | undefined;
    if (before?.spec === after?.spec && before?.status.phase === after?.status.phase) return;
    if (before !== undefined) change(before, false);
    if (after !== undefined) change(after, true);
  });
  return (node) => {
    const shelf = shelves.get(node);
    if (shelf === undefined) return nothing;
    shelf.sums ??= sumOf(shelf.asked.values());
    return shelf.sums;
  };
}

function sumOf(all: Iterable<ReadonlyMap<string, number>>): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const asked of all) for (const [name, value] of asked) sums.set(name, (sums.get(name) ?? 0) + value);
  return sums;
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
  const selector = pod.spec.nodeSelector ?? {};
  if (!Object.keys(selector).every((key) => labels[key] === selector[key]))
    return never("node(s) didn't match Pod's node affinity/selector");
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
