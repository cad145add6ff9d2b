import { amountText } from '../../../scheduling/amount.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { worldOf } from './ledger.ts';
import { isExtended } from './reasons.ts';
import type { Verdicts } from './verdict.ts';

/** What a person calls it: GPUs, or the resource's own name. */
export const resourceTitle = (resource: string, asked = 0): string => {
  if (/(?:^|\/)gpu$/.test(resource)) return asked === 1 ? 'GPU' : 'GPUs';
  return resource.replace(/^nvidia\.com\//, '');
};

/** What is free of a resource on the nodes that the pod may use. */
export interface Room {
  readonly largestFree: number;
  readonly largestWhole: number;
  readonly totalFree: number;
  /** Nodes that have any of it, those that it may not use among them. */
  readonly offering: readonly string[];
}

/** Free amounts of a resource, over the nodes of the verdicts that are not turned away for other reasons. */
export function roomFor(facts: PodFacts, found: Verdicts, resource: string): Room | undefined {
  const world = worldOf(facts.index);
  if (world.ledger.nodeCount() === 0) return undefined;
  const barred = new Set(
    (found.explanation?.nodes ?? [])
      .filter((node) =>
        node.blockers.some(
          (blocker) =>
            blocker.plugin === 'NodeAffinity' ||
            blocker.plugin === 'NodeUnschedulable' ||
            blocker.plugin === 'TaintToleration',
        ),
      )
      .map((node) => node.name),
  );
  let [largestFree, largestWhole, totalFree] = [0, 0, 0];
  const offering: string[] = [];
  for (const { node, requested } of world.ledger.accounts()) {
    const whole = node.allocatable[resource] ?? 0;
    if (whole > 0) offering.push(node.name);
    if (barred.has(node.name)) continue;
    const free = Math.max(0, whole - (requested.get(resource) ?? 0));
    totalFree += free;
    largestWhole = Math.max(largestWhole, whole);
    largestFree = Math.max(largestFree, free);
  }
  return { largestFree, largestWhole, totalFree, offering };
}

/** Which resource is short on most nodes: by our own sums, else by the message. */
export function shortResource(found: Verdicts, extended: boolean): string {
  const votes = new Map<string, number>();
  for (const node of found.trusted ? (found.explanation?.nodes ?? []) : []) {
    if (
      node.blockers.some(
        (blocker) => blocker.plugin === 'NodeAffinity' || blocker.plugin === 'NodeUnschedulable',
      )
    )
      continue;
    for (const blocker of node.blockers)
      if (blocker.short !== undefined && blocker.plugin === 'NodeResourcesFit')
        votes.set(blocker.short.resource, (votes.get(blocker.short.resource) ?? 0) + (blocker.final ? 2 : 1));
  }
  for (const [reason, nodes] of votes.size > 0 ? [] : Object.entries(found.said.reasons)) {
    const resource =
      /Insufficient (\S+)/i.exec(reason)?.[1] ??
      /didn't have enough resources?: ([\w ./-]+)/.exec(reason)?.[1];
    if (resource !== undefined) votes.set(resource, nodes);
  }
  const fitting = [...votes]
    .filter(([resource]) => isExtended(resource) === extended)
    .sort((a, b) => b[1] - a[1])[0]?.[0];
  return (
    fitting ??
    Object.keys(found.row.spec.requests).find((resource) => isExtended(resource) === extended) ??
    (extended ? 'nvidia.com/gpu' : 'cpu')
  );
}

/** The pods that hold most of a resource, as a person would name them. */
export function holders(facts: PodFacts, resource: string): string {
  const world = worldOf(facts.index);
  const held: { readonly who: string; readonly amount: number }[] = [];
  for (const pod of world.ledger.pods()) {
    const amount = pod.spec.requests[resource] ?? 0;
    if (amount > 0 && pod.node !== '' && pod.phase !== 'Succeeded' && pod.phase !== 'Failed')
      held.push({ who: `${pod.namespace}/${pod.name}`, amount });
  }
  return held
    .sort((a, b) => b.amount - a.amount || (a.who < b.who ? -1 : 1))
    .slice(0, 4)
    .map((entry) => `${entry.who} ${amountText(resource, entry.amount)}`)
    .join(', ');
}
