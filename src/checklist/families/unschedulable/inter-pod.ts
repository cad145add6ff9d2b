import { editOwner, getObject, kubectl, targetOf } from '../../fixes.ts';
import { at, list, strings, text } from '../../read.ts';
import { detailOf, type Explain, nodesWith, simple } from './explain.ts';
import { worldOf } from './ledger.ts';
import { taintBeside } from './taints.ts';

export const interPod: Explain = simple('pod affinity or anti-affinity', (facts, found) => {
  const words =
    Object.keys(found.said.reasons).join(' ') +
    (found.explanation === undefined ? '' : Object.keys(found.explanation.reasons).join(' '));
  const kind = /existing pods anti-affinity/.test(words)
    ? 'others'
    : /anti-affinity/.test(words)
      ? 'anti'
      : 'affinity';
  const rules = list(
    facts.object,
    'spec',
    'affinity',
    kind === 'affinity' ? 'podAffinity' : 'podAntiAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  const rule = rules
    .map(
      (entry) =>
        `${
          Object.entries(strings(entry, 'labelSelector', 'matchLabels'))
            .map(([key, value]) => `${key}=${value}`)
            .join(',') || 'a selector'
        } per ${text(entry, 'topologyKey')}`,
    )
    .join('; ');
  const target = targetOf(facts);
  const wanted = at(facts.owners.at(-1)?.object, 'spec', 'replicas');
  const nodes = found.said.nodes ?? worldOf(facts.index).ledger.nodeCount();
  const more =
    kind === 'anti' && typeof wanted === 'number' && nodes > 0 && wanted > nodes
      ? `: ${wanted} replicas, ${nodes} nodes`
      : '';
  return {
    id: `C5.${kind}`,
    headline:
      kind === 'affinity'
        ? 'no node satisfies its pod affinity'
        : kind === 'others'
          ? 'other pods keep it away (anti-affinity)'
          : `anti-affinity: every node that fits has such a pod${more}`,
    text:
      kind === 'affinity'
        ? `no node satisfies its required pod affinity (${rule}): no pod with those labels runs where it could go${detailOf(found, 'InterPodAffinity')}`
        : kind === 'others'
          ? `the required anti-affinity of pods that run already keeps it away${detailOf(found, 'InterPodAffinity')}`
          : `its required pod anti-affinity${rule === '' ? '' : ` (${rule})`} leaves no node${more}: each one that would do already has such a pod${nodesWith(found, /anti-affinity/)}${detailOf(found, 'InterPodAffinity')}`,
    fixes: [
      editOwner(facts, 'Prefer instead of require (preferredDuringScheduling…)'),
      target.kind === 'Deployment'
        ? kubectl('Roll without surge, so that old pods make room', 'reversible', facts.namespace, [
            'patch',
            'deployment',
            target.name,
            '-p',
            '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}}}',
          ])
        : undefined,
      getObject('See where its siblings are', 'pods', facts.namespace, '-o', 'wide'),
    ],
    beside: found.trusted ? [] : taintBeside(facts, found),
  };
});

export const spread: Explain = simple('topology spread', (facts, found) => {
  const missing = /missing required label/.test(Object.keys(found.said.reasons).join(' '));
  const rules = list(facts.object, 'spec', 'topologySpreadConstraints')
    .filter((entry) => text(entry, 'whenUnsatisfiable') !== 'ScheduleAnyway')
    .map((entry) => `${text(entry, 'topologyKey')} maxSkew ${text(entry, 'maxSkew')}`)
    .join('; ');
  return {
    id: missing ? 'C6.missing-label' : 'C6.skew',
    headline: missing ? 'topology spread over a label that no node has' : 'topology spread leaves no node',
    text: missing
      ? `its topology spread (${rules}) counts by a label that the nodes do not have${detailOf(found, 'PodTopologySpread')}`
      : `its topology spread${rules === '' ? '' : ` (DoNotSchedule: ${rules})`} allows no node: the domains with room already have too many of these pods${detailOf(found, 'PodTopologySpread')}`,
    fixes: [
      editOwner(facts, 'Use whenUnsatisfiable: ScheduleAnyway, or nodeTaintsPolicy: Honor'),
      kubectl('See the domains', 'read', '', ['get', 'nodes', '-L', 'topology.kubernetes.io/zone']),
    ],
  };
});
