import type { V1NodeSelector, V1NodeSelectorRequirement, V1Taint } from '@kubernetes/client-node';
import type { NodeRow } from '../resources/node-row.ts';
import type { Labels } from '../resources/pod-row.ts';
import type { LabelSelector, Requirement, Toleration } from './cluster.ts';

export type Matcher = (labels: Labels) => boolean;

const nothing: Matcher = () => false;

/** Integers only, as strconv.ParseInt takes them. */
const integer = /^[+-]?\d+$/;

/** One requirement of a label or node selector. A missing label satisfies NotIn and DoesNotExist, nothing else. */
function meets(requirement: Requirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const bound = values[0];
      if (value === undefined || bound === undefined || !integer.test(value) || !integer.test(bound))
        return false;
      const [mine, theirs] = [BigInt(value), BigInt(bound)];
      return requirement.operator === 'Gt' ? mine > theirs : mine < theirs;
    }
    default:
      return false;
  }
}

/** A label selector of the API: absent selects nothing, empty selects everything. */
export function labelMatcher(selector: LabelSelector | undefined): Matcher {
  if (selector === undefined) return nothing;
  const equal = Object.entries(selector.matchLabels ?? {});
  const expressions = selector.matchExpressions ?? [];
  const [only, ...others] = equal;
  // Most selectors are one label: they are asked of every label set of a cluster.
  if (only !== undefined && others.length === 0 && expressions.length === 0) {
    const [key, value] = only;
    return (labels) => labels[key] === value;
  }
  return (labels) =>
    equal.every(([key, value]) => labels[key] === value) &&
    expressions.every((requirement) => meets(requirement, labels[requirement.key]));
}

function fieldOf(node: NodeRow, key: string): string | undefined {
  return key === 'metadata.name' ? node.name : undefined;
}

/** The first requirement of a term that a node misses; undefined when it meets the term. An empty term matches nothing. */
export function missedRequirement(
  term: V1NodeSelector['nodeSelectorTerms'][number],
  labels: Labels,
  node: NodeRow | undefined,
): V1NodeSelectorRequirement | 'empty term' | undefined {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length === 0 && fields.length === 0) return 'empty term';
  return (
    expressions.find((requirement) => !meets(requirement, labels[requirement.key])) ??
    fields.find(
      (requirement) => !meets(requirement, node === undefined ? undefined : fieldOf(node, requirement.key)),
    )
  );
}

/** Terms are ORed. No terms match nothing. */
export function nodeSelectorMatches(selector: V1NodeSelector, node: NodeRow): boolean {
  return selector.nodeSelectorTerms.some((term) => missedRequirement(term, node.labels, node) === undefined);
}

/** `gpu-gen Gt [4]`, `nvidia.com/gpu.product Exists`. */
export function requirementText(requirement: Requirement): string {
  const values = requirement.values ?? [];
  return values.length === 0
    ? `${requirement.key} ${requirement.operator}`
    : `${requirement.key} ${requirement.operator} [${values.join(', ')}]`;
}

/** Operator Gt and Lt compare numbers (TaintTolerationComparisonOperators). */
export function tolerates(toleration: Toleration, taint: Pick<V1Taint, 'key' | 'value' | 'effect'>): boolean {
  if ((toleration.effect ?? '') !== '' && toleration.effect !== taint.effect) return false;
  const operator =
    toleration.operator === undefined || toleration.operator === '' ? 'Equal' : toleration.operator;
  if ((toleration.key ?? '') === '') return operator === 'Exists';
  if (toleration.key !== taint.key) return false;
  if (operator === 'Exists') return true;
  const [wanted, actual] = [toleration.value ?? '', taint.value ?? ''];
  if (operator === 'Equal') return wanted === actual;
  if (!integer.test(wanted) || !integer.test(actual)) return false;
  if (operator === 'Gt') return BigInt(actual) > BigInt(wanted);
  return operator === 'Lt' && BigInt(actual) < BigInt(wanted);
}

/** The taints that keep pods from being placed and that nothing tolerates. */
export const untoleratedTaints = (
  taints: readonly V1Taint[],
  tolerations: readonly Toleration[],
): readonly V1Taint[] =>
  taints.filter(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );

/** The first of them; undefined where all are tolerated. */
export const untoleratedTaint = (
  taints: readonly V1Taint[],
  tolerations: readonly Toleration[],
): V1Taint | undefined => untoleratedTaints(taints, tolerations)[0];

/** `nvidia.com/gpu=present:NoSchedule`, as kubectl writes it. */
export function taintText(taint: Pick<V1Taint, 'key' | 'value' | 'effect'>): string {
  const value = taint.value ?? '';
  return `${taint.key}${value === '' ? '' : `=${value}`}:${taint.effect}`;
}
