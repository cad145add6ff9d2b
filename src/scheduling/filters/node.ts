import type { V1NodeSelector, V1Taint } from '@kubernetes/client-node';
import type { NodeRow } from '../../resources/node-row.ts';
import type { PodSpecRecord } from '../../resources/pod-row.ts';
import type { Requirement } from '../cluster.ts';
import { orMake } from '../ledger.ts';
import {
  missedRequirement,
  nodeSelectorMatches,
  requirementText,
  taintText,
  tolerates,
  untoleratedTaints,
} from '../selectors.ts';
import type { Blocker, Filter } from './filter.ts';
import { blockerOf, passes } from './filter.ts';

const byCordon = blockerOf('NodeUnschedulable');
const byName = blockerOf('NodeName');
const byTaint = blockerOf('TaintToleration');
const byAffinity = blockerOf('NodeAffinity');

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable: Filter = {
  plugin: 'NodeUnschedulable',
  prepare({ pod }) {
    if (pod.spec.tolerations.some((toleration) => tolerates(toleration, cordonTaint))) return undefined;
    const cordoned = [byCordon('node(s) were unschedulable', 'cordoned', true)];
    return { check: ({ node }) => (node.unschedulable ? cordoned : passes) };
  },
};

export const nodeName: Filter = {
  plugin: 'NodeName',
  prepare({ pod }) {
    if (pod.node === '') return undefined;
    const elsewhere = [
      byName("node(s) didn't match the requested node name", `spec.nodeName is ${pod.node}`, true),
    ];
    return { check: ({ node }) => (node.name === pod.node ? passes : elsewhere) };
  },
};

/** A cordon's own taint says nothing that the cordon does not. */
const speaks = (node: NodeRow, taint: V1Taint): boolean =>
  !(node.unschedulable && taint.key === cordonTaint.key);

export const taintToleration: Filter = {
  plugin: 'TaintToleration',
  prepare({ pod }) {
    const { tolerations } = pod.spec;
    // Node pools share their taints.
    const known = new Map<readonly V1Taint[], readonly Blocker[]>();
    const byText = new Map<string, readonly Blocker[]>();
    const untolerated = (node: NodeRow): readonly Blocker[] => {
      const taints = untoleratedTaints(node.taints, tolerations).filter((taint) => speaks(node, taint));
      if (taints.length === 0) return passes;
      const detail = `taint ${taints.map(taintText).join(', ')}`;
      return orMake(byText, detail, () => [byTaint('node(s) had untolerated taint(s)', detail, true)]);
    };
    return {
      check({ node }) {
        if (node.taints.length === 0) return passes;
        return node.unschedulable ? untolerated(node) : orMake(known, node.taints, () => untolerated(node));
      },
    };
  },
};

/** spec.nodeSelector and the required node affinity: both must hold. */
export function matchesNodeAffinity(spec: PodSpecRecord, node: NodeRow): boolean {
  for (const key in spec.nodeSelector) if (node.labels[key] !== spec.nodeSelector[key]) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required === null || nodeSelectorMatches(required, node);
}

function isText(requirement: Requirement, node: NodeRow): string {
  const value = node.labels[requirement.key];
  return `${requirementText(requirement)}, node has ${value === undefined ? 'no such label' : value === '' ? "''" : value}`;
}

const joined = (text: string, more: string): string =>
  text === '' || more === '' ? text + more : `${text}; ${more}`;

/** What of the selector and the affinity a node misses; `''` when nothing. */
function missedBy(
  node: NodeRow,
  wanted: readonly (readonly [string, string])[],
  terms: Terms | undefined,
): string {
  let missed = '';
  for (const [key, value] of wanted) {
    const has = node.labels[key];
    if (has !== value)
      missed = joined(missed, `selector ${key}=${value}, node has ${has ?? 'no such label'}`);
  }
  return terms === undefined ? missed : joined(missed, missedByTerms(node, terms));
}

type Terms = V1NodeSelector['nodeSelectorTerms'];

/** Terms are ORed: one that is met is enough, and otherwise each says what it misses first. */
function missedByTerms(node: NodeRow, terms: Terms): string {
  let missed = '';
  for (const term of terms) {
    const requirement = missedRequirement(term, node.labels, node);
    if (requirement === undefined) return '';
    if (requirement !== 'empty term') missed = joined(missed, `affinity ${isText(requirement, node)}`);
  }
  return missed === '' ? 'affinity has no term that can match' : missed;
}

/** The node names that matchFields allow; undefined where some term allows any. */
function namedNodes(required: V1NodeSelector | undefined | null): ReadonlySet<string> | undefined {
  const terms = required?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const term of terms) {
    const fields = (term.matchFields ?? []).filter(
      ({ key, operator }) => key === 'metadata.name' && operator === 'In',
    );
    const [first, ...others] = fields;
    if (first === undefined) return undefined;
    for (const name of first.values ?? [])
      if (others.every(({ values }) => values?.includes(name))) names.add(name);
  }
  return names;
}

/** By the value of one label after the other; behind the last one stands the answer, at `''`. */
type Answers = Map<string | undefined, Answers | readonly Blocker[]>;

/** The labels that decide; undefined where more than labels does. Most of 5,000 nodes then need no new answer. */
function askedKeys(
  wanted: readonly (readonly [string, string])[],
  terms: Terms | undefined,
): readonly string[] | undefined {
  const keys = new Set(wanted.map(([key]) => key));
  for (const { matchExpressions = [], matchFields = [] } of terms ?? []) {
    if ((matchFields ?? []).length > 0) return undefined;
    for (const { key } of matchExpressions ?? []) keys.add(key);
  }
  return [...keys];
}

const refusal = (missed: string): readonly Blocker[] =>
  missed === '' ? passes : [byAffinity("node(s) didn't match Pod's node affinity/selector", missed, true)];

export const nodeAffinity: Filter = {
  plugin: 'NodeAffinity',
  prepare({ pod }) {
    const { spec } = pod;
    const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
    if ((required === undefined || required === null) && spec.nodeSelector === undefined) return undefined;
    const only = namedNodes(required);
    if (only?.size === 0) return { rejects: 'pod affinity terms conflict' };
    const wanted = Object.entries(spec.nodeSelector ?? {});
    const terms = required?.nodeSelectorTerms;
    const keys = askedKeys(wanted, terms);
    const known: Answers = new Map();
    const check = ({ node }: { readonly node: NodeRow }): readonly Blocker[] => {
      if (keys === undefined) return refusal(missedBy(node, wanted, terms));
      let here = known;
      for (const key of keys) here = orMake(here, node.labels[key], () => new Map()) as Answers;
      return orMake(here, '', () => refusal(missedBy(node, wanted, terms))) as readonly Blocker[];
    };
    return only === undefined ? { check } : { only, check };
  },
};
