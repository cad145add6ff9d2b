import type { V1PodAffinityTerm } from '@kubernetes/client-node';
import type { Labels, PodRow } from '../../resources/pod-row.ts';
import type { LabelSelector } from '../cluster.ts';
import type { Account, Ledger } from '../ledger.ts';
import type { Matcher } from '../selectors.ts';
import { labelMatcher, requirementText } from '../selectors.ts';
import type { Blocker, Filter, Prepared } from './filter.ts';
import { blockerOf, passes } from './filter.ts';
import { ahead } from './resources.ts';

const refusal = blockerOf('InterPodAffinity');

/** A term with its namespaces worked out. */
interface Term {
  readonly key: string;
  readonly inNamespace: (namespace: string) => boolean;
  readonly selects: Matcher;
  readonly text: string;
}

type Namespaces = ReadonlyMap<string, Labels> | undefined;

const isEmpty = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;

/** True where a term's namespaces depend on labels that may not be listed. */
const needsNamespaces = (term: V1PodAffinityTerm): boolean =>
  term.namespaceSelector !== undefined && term.namespaceSelector !== null && !isEmpty(term.namespaceSelector);

function namespacesOf(
  term: V1PodAffinityTerm,
  owner: string,
  known: Namespaces,
): (namespace: string) => boolean {
  const listed = term.namespaces ?? [];
  const selector = term.namespaceSelector ?? undefined;
  if (selector === undefined)
    return listed.length === 0
      ? (namespace) => namespace === owner
      : (namespace) => listed.includes(namespace);
  if (isEmpty(selector)) return () => true;
  const selects = labelMatcher(selector);
  return (namespace) => listed.includes(namespace) || selects(known?.get(namespace) ?? {});
}

function selectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [...equal, ...(selector?.matchExpressions ?? []).map(requirementText)].join(',') || 'any pod';
}

/** matchLabelKeys and mismatchLabelKeys: a server from 1.31 on has merged them into the selector already. */
function termOf(term: V1PodAffinityTerm, namespace: string, labels: Labels, known: Namespaces): Term {
  const selects = labelMatcher(term.labelSelector ?? undefined);
  const same = (term.matchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const other = (term.mismatchLabelKeys ?? []).filter((key) => labels[key] !== undefined);
  const agrees: Matcher = (theirs) =>
    same.every((key) => theirs[key] === labels[key]) && other.every((key) => theirs[key] !== labels[key]);
  return {
    key: term.topologyKey,
    inNamespace: namespacesOf(term, namespace, known),
    selects: same.length + other.length === 0 ? selects : (theirs) => selects(theirs) && agrees(theirs),
    text: `${selectorText(term.labelSelector ?? undefined)} per ${term.topologyKey}`,
  };
}

const matches = (term: Term, namespace: string, labels: Labels): boolean =>
  term.inNamespace(namespace) && term.selects(labels);

/** Placed pods that match, by value of the topology key. */
type Domains = Map<string, number>;

function addTo(domains: Domains | undefined, ledger: Ledger, key: string, node: string): void {
  const value = ledger.account(node)?.node.labels[key];
  if (domains !== undefined && value !== undefined) domains.set(value, (domains.get(value) ?? 0) + 1);
}

interface Wanted {
  readonly terms: readonly Term[];
  readonly domains: readonly Domains[];
  /** Nobody matches anywhere and the pod matches its own terms: the first of a group may start. */
  readonly first: boolean;
}

function measureAffinity(ledger: Ledger, pod: PodRow, terms: readonly Term[]): Wanted {
  const domains = terms.map((): Domains => new Map());
  for (const namespace of ledger.placedNamespaces()) {
    if (!terms.every((term) => term.inNamespace(namespace))) continue;
    for (const other of ledger.placedIn(namespace)) {
      if (other.uid === pod.uid || !terms.every(({ selects }) => selects(other.labels))) continue;
      terms.forEach((term, index) => {
        addTo(domains[index], ledger, term.key, other.node);
      });
    }
  }
  const nobody = domains.every((domain) => domain.size === 0);
  return { terms, domains, first: nobody && terms.every((term) => matches(term, pod.namespace, pod.labels)) };
}

const measureAntiAffinity = (ledger: Ledger, pod: PodRow, terms: readonly Term[]): readonly Domains[] =>
  terms.map(({ key, inNamespace, selects }) => {
    const domains: Domains = new Map();
    for (const namespace of ledger.placedNamespaces()) {
      if (!inNamespace(namespace)) continue;
      for (const other of ledger.placedIn(namespace)) {
        if (selects(other.labels) && other.uid !== pod.uid) addTo(domains, ledger, key, other.node);
      }
    }
    return domains;
  });

const antiTermsOf = (pod: Pick<PodRow, 'spec'>): readonly V1PodAffinityTerm[] =>
  pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

/** The counts without one pod on a node. */
function less(byNode: ReadonlyMap<string, number>, node: string): ReadonlyMap<string, number> {
  const rest = new Map(byNode);
  const left = (rest.get(node) ?? 1) - 1;
  if (left > 0) rest.set(node, left);
  else rest.delete(node);
  return rest;
}

interface Repelled {
  readonly key: string;
  readonly value: string;
  readonly text: string;
  readonly namespace: string;
}

/** Where placed pods keep this one away: `key\0value` → the rule that does. */
function measureRepellers(
  ledger: Ledger,
  pod: PodRow,
): {
  readonly where: ReadonlyMap<string, Repelled>;
  readonly keys: readonly string[];
  readonly needsNamespaces: boolean;
} {
  const where = new Map<string, Repelled>();
  const keys = new Set<string>();
  const known = ledger.shelves().namespaces;
  const placed = ledger.pod(pod.uid);
  let wanting = false;
  for (const { namespace, affinity, byNode } of ledger.repellers()) {
    const others =
      placed !== undefined &&
      placed.node !== '' &&
      placed.namespace === namespace &&
      placed.spec.affinity === affinity
        ? less(byNode, placed.node)
        : byNode;
    for (const raw of affinity.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (known === undefined && needsNamespaces(raw)) wanting = true;
      const term = termOf(raw, namespace, {}, known);
      if (!matches(term, pod.namespace, pod.labels)) continue;
      for (const name of others.keys()) {
        const value = ledger.account(name)?.node.labels[term.key];
        if (value === undefined) continue;
        keys.add(term.key);
        where.set(`${term.key}\0${value}`, { key: term.key, value, text: term.text, namespace });
      }
    }
  }
  return { where, keys: [...keys], needsNamespaces: wanting };
}

function affinityRefusal({ terms, domains, first }: Wanted, labels: Labels): Blocker | undefined {
  const reason = "node(s) didn't match pod affinity rules";
  for (const term of terms)
    if (labels[term.key] === undefined) return refusal(reason, `node has no label ${term.key}`, true);
  if (first) return undefined;
  const missing = terms.find((term, index) => (domains[index]?.get(labels[term.key] ?? '') ?? 0) === 0);
  return missing === undefined
    ? undefined
    : refusal(reason, `no pod with ${missing.text} in ${labels[missing.key]}`, true);
}

function antiRefusal(
  terms: readonly Term[],
  domains: readonly Domains[],
  labels: Labels,
): Blocker | undefined {
  for (const [index, term] of terms.entries()) {
    const value = labels[term.key];
    const number = value === undefined ? 0 : (domains[index]?.get(value) ?? 0);
    if (number > 0) {
      return refusal(
        "node(s) didn't match pod anti-affinity rules",
        `${number} pod${number === 1 ? '' : 's'} with ${term.text} in ${value}`,
        false,
      );
    }
  }
  return undefined;
}

/** A pod that a preemption reserved this node for has no labels in any count yet: only the node itself is looked at. */
function reservedRefusal(
  account: Account,
  pod: PodRow,
  terms: readonly Term[],
  known: Namespaces,
): Blocker | undefined {
  for (const other of ahead(account, pod)) {
    if (
      terms.some(
        (term) => account.node.labels[term.key] !== undefined && matches(term, other.namespace, other.labels),
      )
    ) {
      return refusal(
        "node(s) didn't match pod anti-affinity rules",
        `the node is reserved for ${other.namespace}/${other.name}`,
        false,
      );
    }
    const repels = antiTermsOf(other).map((term) => termOf(term, other.namespace, other.labels, known));
    if (
      repels.some(
        (term) => account.node.labels[term.key] !== undefined && matches(term, pod.namespace, pod.labels),
      )
    ) {
      return refusal(
        "node(s) didn't satisfy existing pods anti-affinity rules",
        `the node is reserved for ${other.namespace}/${other.name}`,
        false,
      );
    }
  }
  return undefined;
}

export const interPodAffinity: Filter = {
  plugin: 'InterPodAffinity',
  prepare({ pod, ledger }): Prepared {
    const known = ledger.shelves().namespaces;
    const rawAffinity = pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const rawAnti = antiTermsOf(pod);
    const repelled = measureRepellers(ledger, pod);
    if (
      known === undefined &&
      (repelled.needsNamespaces || [...rawAffinity, ...rawAnti].some(needsNamespaces))
    ) {
      return { doubt: 'a namespace selector decides, and namespaces cannot be listed' };
    }
    const wanted = rawAffinity.map((term) => termOf(term, pod.namespace, pod.labels, known));
    const unwanted = rawAnti.map((term) => termOf(term, pod.namespace, pod.labels, known));
    const affinity = wanted.length === 0 ? undefined : measureAffinity(ledger, pod, wanted);
    const anti = unwanted.length === 0 ? undefined : measureAntiAffinity(ledger, pod, unwanted);
    const isFree = affinity === undefined && anti === undefined && repelled.keys.length === 0;
    return {
      check(account) {
        if (isFree && account.nominated.size === 0) return passes;
        const { labels } = account.node;
        const refusals: Blocker[] = [];
        const byAffinity = affinity === undefined ? undefined : affinityRefusal(affinity, labels);
        if (byAffinity !== undefined) refusals.push(byAffinity);
        const byAnti = anti === undefined ? undefined : antiRefusal(unwanted, anti, labels);
        if (byAnti !== undefined) refusals.push(byAnti);
        for (const key of repelled.keys) {
          const rule = repelled.where.get(`${key}\0${labels[key] ?? ''}`);
          if (rule === undefined || labels[key] === undefined) continue;
          const detail = `pods of ${rule.namespace} keep away ${rule.text} in ${rule.value}`;
          refusals.push(refusal("node(s) didn't satisfy existing pods anti-affinity rules", detail, false));
          break;
        }
        const reserved =
          account.nominated.size === 0 ? undefined : reservedRefusal(account, pod, unwanted, known);
        if (reserved !== undefined) refusals.push(reserved);
        return refusals.length === 0 ? passes : refusals;
      },
    };
  },
};
