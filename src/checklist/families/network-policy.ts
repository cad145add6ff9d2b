import type { KubeObject } from '../../kube/object.ts';
import { labelSelectorOf } from '../../resources/scheduling-terms.ts';
import { labelMatcher } from '../../scheduling/selectors.ts';
import { labelsOf, nameOf, namespaceOf } from '../evidence-index.ts';
import type { PodFacts } from '../pod-facts.ts';
import { at, list, text } from '../read.ts';

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

const selecting = (
  facts: PodFacts,
  pod: KubeObject,
  direction: 'Ingress' | 'Egress',
): readonly KubeObject[] =>
  facts.index
    .inNamespace('NetworkPolicy', namespaceOf(pod))
    .filter(
      (policy) =>
        isolates(policy, direction) && matches(at(policy, 'spec', 'podSelector') ?? {}, labelsOf(pod)),
    );

/** Lets a rule through to the cluster's DNS? To peers of other namespaces or addresses, on port 53 or all. */
const allowsDns = (rule: unknown): boolean =>
  (list(rule, 'ports').length === 0 ||
    list(rule, 'ports').some((port) => /^(?:53|dns.*|)$/.test(text(port, 'port')))) &&
  (list(rule, 'to').length === 0 ||
    list(rule, 'to').some(
      (peer) => at(peer, 'ipBlock') !== undefined || at(peer, 'namespaceSelector') !== undefined,
    ));

/**
 * What the network policies of a pod keep from it whatever the destination: everything, or DNS. A closed way is silence:
 * a refusal or an answer says that it was open.
 */
export function shutOff(
  facts: PodFacts,
  line: string,
): { readonly policy: string; readonly says: string } | undefined {
  if (facts.object === undefined) return undefined;
  if (!/time[ds]?[ -]?out|EAI_AGAIN|[Tt]emporary failure in name resolution|deadline exceeded/.test(line))
    return undefined;
  const policies = selecting(facts, facts.object, 'Egress');
  if (policies.length === 0) return undefined;
  const rules = policies.flatMap((policy) => list(policy, 'spec', 'egress'));
  const policy = policies.map(nameOf).join(', ');
  if (rules.length === 0)
    return { policy, says: `NetworkPolicy ${policy} lets nothing out of the pod, DNS included` };
  const isDns = /lookup |:53\b|EAI_AGAIN|name resolution|resolve/i.test(line);
  return isDns && !rules.some(allowsDns)
    ? { policy, says: `NetworkPolicy ${policy} lets no DNS query (port 53) out of the pod` }
    : undefined;
}

/** The policies that select a pod in a direction, when none of them lets the other pod through. */
function closed(
  facts: PodFacts,
  pod: KubeObject,
  other: KubeObject,
  direction: 'Ingress' | 'Egress',
): string | undefined {
  const policies = selecting(facts, pod, direction);
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
