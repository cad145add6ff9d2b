import type { KubeObject } from '../../kube/object.ts';
import { labelSelectorOf } from '../../resources/scheduling-terms.ts';
import { labelMatcher } from '../../scheduling/selectors.ts';
import { labelsOf, nameOf, namespaceOf } from '../evidence-index.ts';
import type { PodFacts } from '../pod-facts.ts';
import { at, list } from '../read.ts';

const matches = (selector: unknown, labels: Readonly<Record<string, string>>): boolean =>
  labelMatcher(labelSelectorOf(selector))(labels);

const isolates = (policy: KubeObject, direction: 'Ingress' | 'Egress'): boolean => {
  const types = list(policy, 'spec', 'policyTypes').map(String);
  return types.length === 0
    ? direction === 'Ingress' || at(policy, 'spec', 'egress') !== undefined
    : types.includes(direction);
};

/** Is the other pod among the peers of a rule? No peers are all; address blocks may be: then yes, for this answers "blocked" only when sure. */
function allowsPeer(
  rule: unknown,
  side: 'from' | 'to',
  other: KubeObject,
  sameNamespace: boolean,
  namespaceLabels: Readonly<Record<string, string>> | undefined,
): boolean {
  const peers = list(rule, side);
  return (
    peers.length === 0 ||
    peers.some((peer) => {
      if (at(peer, 'ipBlock') !== undefined) return true;
      const [pods, spaces] = [at(peer, 'podSelector'), at(peer, 'namespaceSelector')];
      const inNamespace =
        spaces === undefined
          ? sameNamespace
          : namespaceLabels === undefined || matches(spaces, namespaceLabels);
      return inNamespace && (pods === undefined || matches(pods, labelsOf(other)));
    })
  );
}

/** The policies that select a pod in a direction, when none of them lets the other pod through. */
function closed(
  facts: PodFacts,
  pod: KubeObject,
  other: KubeObject,
  direction: 'Ingress' | 'Egress',
): string | undefined {
  const policies = facts.index
    .inNamespace('NetworkPolicy', namespaceOf(pod))
    .filter(
      (policy) =>
        isolates(policy, direction) && matches(at(policy, 'spec', 'podSelector') ?? {}, labelsOf(pod)),
    );
  if (policies.length === 0) return undefined;
  const space = facts.index.get('Namespace', '', namespaceOf(other));
  const open = policies.some((policy) =>
    list(policy, 'spec', direction.toLowerCase()).some((rule) =>
      allowsPeer(
        rule,
        direction === 'Ingress' ? 'from' : 'to',
        other,
        namespaceOf(pod) === namespaceOf(other),
        space === undefined ? undefined : labelsOf(space),
      ),
    ),
  );
  return open ? undefined : policies.map(nameOf).join(', ');
}

/** The network policies that keep the pod from every one of these; undefined when some way is open or it cannot be told. Ports are not looked at. */
export function blockedBy(facts: PodFacts, targets: readonly KubeObject[]): string | undefined {
  const { object } = facts;
  if (object === undefined) return undefined;
  const found = targets.map(
    (target) => closed(facts, object, target, 'Egress') ?? closed(facts, target, object, 'Ingress'),
  );
  return found.every((entry) => entry !== undefined) ? found[0] : undefined;
}
