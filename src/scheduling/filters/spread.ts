import type { V1TopologySpreadConstraint } from '@kubernetes/client-node';
import type { Labels, PodRow } from '../../resources/pod-row.ts';
import type { Account, Ledger } from '../ledger.ts';
import type { Matcher } from '../selectors.ts';
import { labelMatcher, untoleratedTaint } from '../selectors.ts';
import type { Blocker, Filter } from './filter.ts';
import { blockerOf, passes } from './filter.ts';
import { matchesNodeAffinity } from './node.ts';

const refusal = blockerOf('PodTopologySpread');

interface Spread {
  readonly key: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selects: Matcher;
  readonly selfMatch: number;
  /** Matching pods by value of the topology key; a domain without any is there with 0. */
  readonly domains: ReadonlyMap<string, number>;
  readonly fewest: number;
}

/** The selector, with the pod's own values of matchLabelKeys. A server from 1.34 on has merged them already. */
function selectorFor(constraint: V1TopologySpreadConstraint, labels: Labels): Matcher {
  const selects = labelMatcher(constraint.labelSelector);
  const keys = (constraint.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  return keys.length === 0
    ? selects
    : (others) => keys.every((key) => others[key] === labels[key]) && selects(others);
}

function counts(constraint: V1TopologySpreadConstraint, account: Account, pod: PodRow): boolean {
  if (constraint.nodeAffinityPolicy !== 'Ignore' && !matchesNodeAffinity(pod.spec, account.node))
    return false;
  return (
    constraint.nodeTaintsPolicy !== 'Honor' ||
    untoleratedTaint(account.node.taints, pod.spec.tolerations) === undefined
  );
}

/** Living pods of the namespace that a selector matches, by node; without the pod itself. */
function matchingByNode(ledger: Ledger, pod: PodRow, selects: Matcher): ReadonlyMap<string, number> {
  const byNode = new Map<string, number>();
  for (const other of ledger.placedIn(pod.namespace)) {
    if (other.deletedAt !== undefined || other.uid === pod.uid || !selects(other.labels)) continue;
    byNode.set(other.node, (byNode.get(other.node) ?? 0) + 1);
  }
  return byNode;
}

function measure(
  ledger: Ledger,
  pod: PodRow,
  constraints: readonly V1TopologySpreadConstraint[],
): readonly Spread[] {
  const states = constraints.map((constraint) => {
    const selects = selectorFor(constraint, pod.labels);
    return {
      constraint,
      selects,
      byNode: matchingByNode(ledger, pod, selects),
      domains: new Map<string, number>(),
    };
  });
  for (const account of ledger.accounts()) {
    const { labels, name } = account.node;
    if (constraints.some(({ topologyKey }) => labels[topologyKey] === undefined)) continue;
    for (const { constraint, byNode, domains } of states) {
      if (!counts(constraint, account, pod)) continue;
      const domain = labels[constraint.topologyKey] ?? '';
      domains.set(domain, (domains.get(domain) ?? 0) + (byNode.get(name) ?? 0));
    }
  }
  return states.map(({ constraint, selects, domains }) => {
    const minDomains = constraint.minDomains ?? 1;
    return {
      key: constraint.topologyKey,
      maxSkew: constraint.maxSkew,
      minDomains,
      selects,
      selfMatch: selects(pod.labels) ? 1 : 0,
      domains,
      // Too few domains count as one that is empty; none at all as one that is full.
      fewest: domains.size < minDomains ? 0 : leastOf(domains),
    };
  });
}

function leastOf(domains: ReadonlyMap<string, number>): number {
  let least = Number.MAX_SAFE_INTEGER;
  for (const number of domains.values()) least = Math.min(least, number);
  return least;
}

export const podTopologySpread: Filter = {
  plugin: 'PodTopologySpread',
  prepare({ pod, ledger }) {
    const constraints = pod.spec.spread.filter(
      ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
    );
    if (constraints.length === 0) return undefined;
    const spreads = measure(ledger, pod, constraints);
    return { check: ({ node }) => spreadVerdict(node.labels, spreads) };
  },
};

function spreadVerdict(labels: Labels, spreads: readonly Spread[]): readonly Blocker[] {
  for (const { key, maxSkew, minDomains, selfMatch, domains, fewest } of spreads) {
    const domain = labels[key];
    if (domain === undefined) {
      return [
        refusal(
          "node(s) didn't match pod topology spread constraints (missing required label)",
          `node has no label ${key}`,
          true,
        ),
      ];
    }
    const here = (domains.get(domain) ?? 0) + selfMatch;
    if (here - fewest <= maxSkew) continue;
    const why =
      domains.size < minDomains
        ? `only ${domains.size} of ${minDomains} domains exist`
        : `the emptiest has ${fewest}`;
    const detail = `${key}=${domain} would have ${here}, ${why}, maxSkew ${maxSkew}`;
    return [refusal("node(s) didn't match pod topology spread constraints", detail, false)];
  }
  return passes;
}
