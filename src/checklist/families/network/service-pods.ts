import type { KubeObject } from '../../../kube/object.ts';
import { type EvidenceIndex, labelsOf, namespaceOf, selects } from '../../evidence-index.ts';
import { condition, strings, text } from '../../read.ts';
import type { ObjectFacts } from '../../state.ts';

export const isReady = (pod: KubeObject): boolean => condition(pod, 'Ready')?.status === 'True';

export const alive = (pod: KubeObject): boolean =>
  !['Succeeded', 'Failed'].includes(text(pod, 'status', 'phase'));

export const selectorOf = (service: KubeObject): Readonly<Record<string, string>> =>
  strings(service, 'spec', 'selector');

export const podsOf = (index: EvidenceIndex, service: KubeObject): readonly KubeObject[] => {
  const selector = selectorOf(service);
  return Object.keys(selector).length === 0
    ? []
    : index.inNamespace('Pod', namespaceOf(service)).filter((pod) => selects(selector, labelsOf(pod)));
};

export const slicesOf = (facts: ObjectFacts): readonly KubeObject[] =>
  facts.index
    .inNamespace('EndpointSlice', facts.namespace)
    .filter((slice) => labelsOf(slice)['kubernetes.io/service-name'] === facts.name);
