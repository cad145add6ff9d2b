import type { V1LabelSelector } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { list, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { labelSelectorOf } from './scheduling-terms.ts';
import { selectorText } from './template.ts';

export interface NetworkPolicyRow extends OwnedRow {
  /** Undefined or empty: every pod of the namespace. */
  readonly selector: V1LabelSelector | undefined;
  /** `Ingress`, `Egress`: what no rule allows in these directions is refused. */
  readonly directions: readonly string[];
  readonly ingressRules: number;
  readonly egressRules: number;
}

export const networkpolicies: Resource<NetworkPolicyRow> = defineResource<NetworkPolicyRow>({
  name: 'networkpolicies',
  title: 'NetworkPolicies',
  kind: 'NetworkPolicy',
  group: 'networking.k8s.io',
  apiVersion: 'v1',
  aliases: ['netpol', 'networkpolicy'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'POD-SELECTOR',
      value: (row) => selectorText(row.selector),
      text: (row) => selectorText(row.selector) || '<none>',
      kubectl: 'table',
      priority: 1,
    },
    ageColumn,
    { title: 'REFUSES', value: refusesText, text: refusesText, priority: 2 },
  ],
  toRow: policyRow,
});

/** What is refused unless another policy allows it: a direction without rules is closed. */
function refusesText({ directions, ingressRules, egressRules }: NetworkPolicyRow): string {
  const parts = directions.map((direction) => {
    const rules = direction === 'Ingress' ? ingressRules : egressRules;
    return rules === 0 ? `all ${direction.toLowerCase()}` : `${direction.toLowerCase()} but ${rules} rules`;
  });
  return parts.join(', ');
}

function policyRow(object: KubeObject): NetworkPolicyRow {
  const spec = record(object['spec']);
  const ingressRules = list(spec['ingress']).length;
  const egressRules = list(spec['egress']).length;
  const said = list(spec['policyTypes']).map(shared);
  // Where the types are not said, ingress is meant, and egress where it has rules.
  const directions = said.length > 0 ? said : ['Ingress', ...(egressRules > 0 ? ['Egress'] : [])];
  return {
    ...ownedMetaOf(object),
    selector: labelSelectorOf(spec['podSelector']),
    directions,
    ingressRules,
    egressRules,
  };
}
