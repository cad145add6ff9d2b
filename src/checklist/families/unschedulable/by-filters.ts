import type { PodRow } from '../../../resources/pod-row.ts';
import type { Explanation, NodeVerdict } from '../../../scheduling/explain.ts';
import type { SchedulerMessage } from '../../../scheduling/message.ts';
import { healthTaint, isExtended } from './reasons.ts';

/** A state for each plugin that can be the last thing in the way. */
const stateOfPlugin: Readonly<Record<string, string>> = {
  NodeName: 'C13',
  NodeAffinity: 'C4',
  TaintToleration: 'C3',
  NodeUnschedulable: 'C7',
  NodePorts: 'C11',
  NodeVolumeLimits: 'C10',
  VolumeRestrictions: 'C10',
  VolumeZone: 'C9',
  PodTopologySpread: 'C6',
  InterPodAffinity: 'C5',
  DynamicResources: 'B6',
};

/**
 * Narrows the nodes down the way a person would: those that the pod is meant for, those alive among them, those that
 * have such devices at all, those that let it in. What blocks the last ones standing is the reason.
 */
export function stateByFilters(
  row: PodRow,
  explanation: Explanation,
  said: SchedulerMessage,
): string | undefined {
  if (
    Object.keys(said.reasons).some((reason) => /plugin\(s\) \[NodeAffinity\]/.test(reason)) ||
    explanation.nodes.every((node) =>
      node.blockers.some((blocker) => /plugin\(s\) \[NodeAffinity\]/.test(blocker.reason)),
    )
  )
    return 'C13';
  const has = (node: NodeVerdict, plugin: string): boolean =>
    node.blockers.some((blocker) => blocker.plugin === plugin);
  const meant = explanation.nodes.filter((node) => !has(node, 'NodeAffinity') && !has(node, 'NodeName'));
  if (meant.length === 0) return explanation.nodes.every((node) => has(node, 'NodeName')) ? 'C13' : 'C4';
  const sick = (node: NodeVerdict): boolean =>
    node.blockers.some(
      (blocker) =>
        blocker.plugin === 'NodeUnschedulable' ||
        (blocker.plugin === 'TaintToleration' && healthTaint.test(blocker.detail)),
    );
  const alive = meant.filter((node) => !sick(node));
  if (alive.length === 0) return meant.some((node) => has(node, 'NodeUnschedulable')) ? 'C7' : 'C3';
  const extended = Object.keys(row.spec.requests).filter(
    (name) => isExtended(name) && (row.spec.requests[name] ?? 0) > 0,
  );
  const lacks = (node: NodeVerdict): boolean =>
    node.blockers.some(
      (blocker) =>
        (blocker.plugin === 'NodeResourcesFit' &&
          blocker.short !== undefined &&
          extended.includes(blocker.short.resource) &&
          / whole node has 0\b/.test(blocker.detail)) ||
        (blocker.plugin === 'DynamicResources' &&
          (blocker.final || (extended.length > 0 && / 0 match here/.test(blocker.detail)))),
    );
  const equipped = alive.filter((node) => !lacks(node));
  if (equipped.length === 0) return extended.length > 0 ? 'C2' : 'B6';
  const open = equipped.filter((node) => !has(node, 'TaintToleration'));
  if (open.length === 0) return 'C3';
  // Taints that keep control planes free are no finding while workers lack something.
  const roomy = open.filter((node) => !has(node, 'NodeResourcesFit') && !has(node, 'DynamicResources'));
  const decisive = roomy.length > 0 ? roomy : open;
  const counts = new Map<string, number>();
  for (const node of decisive) {
    for (const state of new Set(node.blockers.map((blocker) => blockerState(blocker, extended))))
      counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const never = ['C1', 'C2'].find((state) =>
    decisive.every((node) =>
      node.blockers.some(
        (blocker) =>
          blockerState(blocker, extended) === state && blocker.final && blocker.plugin === 'NodeResourcesFit',
      ),
    ),
  );
  if (never !== undefined) return never;
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function blockerState(
  blocker: Explanation['nodes'][number]['blockers'][number],
  extended: readonly string[],
): string {
  if (blocker.plugin === 'NodeResourcesFit')
    return /Too many pods/.test(blocker.reason)
      ? 'C12'
      : blocker.short !== undefined && extended.includes(blocker.short.resource)
        ? 'C2'
        : 'C1';
  if (blocker.plugin === 'VolumeBinding')
    return /node affinity|PersistentVolume's/.test(blocker.reason) ? 'C9' : 'C8';
  return stateOfPlugin[blocker.plugin] ?? 'C16';
}
