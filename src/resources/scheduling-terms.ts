import type {
  V1Affinity,
  V1LabelSelector,
  V1LabelSelectorRequirement,
  V1NodeAffinity,
  V1NodeSelector,
  V1NodeSelectorTerm,
  V1PodAffinity,
  V1PodAffinityTerm,
  V1Taint,
  V1Toleration,
  V1TopologySpreadConstraint,
} from '@kubernetes/client-node';
import { count, type Fields, isRecord, labels, list, number, record, shared, time } from './fields.ts';

/**
 * The API's own shapes for what the scheduler compares, rebuilt field by field: what comes out has the types it
 * claims, whatever came in. Absent stays absent: an empty label selector matches everything, none matches nothing.
 */
export function affinityOf(value: unknown): V1Affinity | undefined {
  if (!isRecord(value)) return undefined;
  const { nodeAffinity, podAffinity, podAntiAffinity } = value;
  if (!isRecord(nodeAffinity) && !isRecord(podAffinity) && !isRecord(podAntiAffinity)) return undefined;
  return {
    ...(isRecord(nodeAffinity) && { nodeAffinity: nodeAffinityOf(nodeAffinity) }),
    ...(isRecord(podAffinity) && { podAffinity: podAffinityOf(podAffinity) }),
    ...(isRecord(podAntiAffinity) && { podAntiAffinity: podAffinityOf(podAntiAffinity) }),
  };
}

export const tolerationsOf = (value: unknown): readonly V1Toleration[] => list(value).map(tolerationOf);

export const taintsOf = (value: unknown): readonly V1Taint[] => list(value).map(taintOf);

export const spreadOf = (value: unknown): readonly V1TopologySpreadConstraint[] =>
  list(value).map(spreadConstraintOf);

export function labelSelectorOf(value: unknown): V1LabelSelector | undefined {
  if (!isRecord(value)) return undefined;
  const { matchLabels, matchExpressions } = value;
  return {
    ...(isRecord(matchLabels) && { matchLabels: labels(matchLabels) }),
    ...(Array.isArray(matchExpressions) && { matchExpressions: matchExpressions.map(requirementOf) }),
  };
}

export function nodeSelectorOf(value: unknown): V1NodeSelector | undefined {
  if (!isRecord(value)) return undefined;
  return { nodeSelectorTerms: list(value['nodeSelectorTerms']).map(nodeTermOf) };
}

function nodeAffinityOf(fields: Fields): V1NodeAffinity {
  const required = nodeSelectorOf(fields['requiredDuringSchedulingIgnoredDuringExecution']);
  const preferred = fields['preferredDuringSchedulingIgnoredDuringExecution'];
  return {
    ...(required !== undefined && { requiredDuringSchedulingIgnoredDuringExecution: required }),
    ...(Array.isArray(preferred) && {
      preferredDuringSchedulingIgnoredDuringExecution: preferred.map((item: unknown) => ({
        weight: count(record(item)['weight']),
        preference: nodeTermOf(record(item)['preference']),
      })),
    }),
  };
}

function nodeTermOf(value: unknown): V1NodeSelectorTerm {
  const { matchExpressions, matchFields } = record(value);
  return {
    ...(Array.isArray(matchExpressions) && { matchExpressions: matchExpressions.map(requirementOf) }),
    ...(Array.isArray(matchFields) && { matchFields: matchFields.map(requirementOf) }),
  };
}

/** Node and label selectors share this shape. */
function requirementOf(value: unknown): V1LabelSelectorRequirement {
  const fields = record(value);
  return {
    key: shared(fields['key']),
    operator: shared(fields['operator']),
    ...(Array.isArray(fields['values']) && { values: fields['values'].map(shared) }),
  };
}

function podAffinityOf(fields: Fields): V1PodAffinity {
  const required = fields['requiredDuringSchedulingIgnoredDuringExecution'];
  const preferred = fields['preferredDuringSchedulingIgnoredDuringExecution'];
  return {
    ...(Array.isArray(required) && {
      requiredDuringSchedulingIgnoredDuringExecution: required.map(podTermOf),
    }),
    ...(Array.isArray(preferred) && {
      preferredDuringSchedulingIgnoredDuringExecution: preferred.map((item: unknown) => ({
        weight: count(record(item)['weight']),
        podAffinityTerm: podTermOf(record(item)['podAffinityTerm']),
      })),
    }),
  };
}

function podTermOf(value: unknown): V1PodAffinityTerm {
  const fields = record(value);
  const labelSelector = labelSelectorOf(fields['labelSelector']);
  const namespaceSelector = labelSelectorOf(fields['namespaceSelector']);
  return {
    topologyKey: shared(fields['topologyKey']),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(namespaceSelector !== undefined && { namespaceSelector }),
    ...(Array.isArray(fields['namespaces']) && { namespaces: fields['namespaces'].map(shared) }),
    ...(Array.isArray(fields['matchLabelKeys']) && { matchLabelKeys: fields['matchLabelKeys'].map(shared) }),
    ...(Array.isArray(fields['mismatchLabelKeys']) && {
      mismatchLabelKeys: fields['mismatchLabelKeys'].map(shared),
    }),
  };
}

function tolerationOf(value: unknown): V1Toleration {
  const fields = record(value);
  const tolerationSeconds = number(fields['tolerationSeconds']);
  return {
    ...strings(fields, 'key', 'operator', 'value', 'effect'),
    ...(tolerationSeconds !== undefined && { tolerationSeconds }),
  };
}

function taintOf(value: unknown): V1Taint {
  const fields = record(value);
  const at = time(fields['timeAdded']);
  return {
    key: shared(fields['key']),
    effect: shared(fields['effect']),
    ...strings(fields, 'value'),
    ...(at !== undefined && { timeAdded: new Date(at) }),
  };
}

function spreadConstraintOf(value: unknown): V1TopologySpreadConstraint {
  const fields = record(value);
  const labelSelector = labelSelectorOf(fields['labelSelector']);
  const minDomains = number(fields['minDomains']);
  return {
    maxSkew: count(fields['maxSkew']),
    topologyKey: shared(fields['topologyKey']),
    whenUnsatisfiable: shared(fields['whenUnsatisfiable']),
    ...strings(fields, 'nodeAffinityPolicy', 'nodeTaintsPolicy'),
    ...(labelSelector !== undefined && { labelSelector }),
    ...(minDomains !== undefined && { minDomains }),
    ...(Array.isArray(fields['matchLabelKeys']) && { matchLabelKeys: fields['matchLabelKeys'].map(shared) }),
  };
}

/** The named fields that are strings and not empty, as Go omits empty ones. */
function strings(fields: Fields, ...names: readonly string[]): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of names) {
    const value = shared(fields[name]);
    if (value !== '') result[name] = value;
  }
  return result;
}
