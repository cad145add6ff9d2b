import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { list, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { loadBalancerAddresses } from './services.ts';

export interface IngressRow extends OwnedRow {
  readonly className: string;
  /** `''` in a rule means every host. */
  readonly hosts: readonly string[];
  readonly addresses: readonly string[];
  readonly tls: boolean;
  /** Services that it sends requests to. */
  readonly backends: readonly string[];
}

export const ingresses: Resource<IngressRow> = defineResource<IngressRow>({
  name: 'ingresses',
  title: 'Ingresses',
  kind: 'Ingress',
  group: 'networking.k8s.io',
  apiVersion: 'v1',
  aliases: ['ing', 'ingress'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'CLASS', value: (row) => row.className, kubectl: 'table', priority: 3 },
    { title: 'HOSTS', value: hostsText, kubectl: 'table', priority: 1 },
    {
      title: 'ADDRESS',
      value: (row) => row.addresses.join(','),
      text: blankText((row) => row.addresses.join(',')),
      kubectl: 'table',
      priority: 4,
    },
    { title: 'PORTS', value: (row) => (row.tls ? '80, 443' : '80'), kubectl: 'table', priority: 4 },
    ageColumn,
  ],
  toRow: ingressRow,
});

function ingressRow(object: KubeObject): IngressRow {
  const spec = record(object['spec']);
  const rules = list(spec['rules']).map(record);
  const paths = rules.flatMap((rule) => list(record(rule['http'])['paths']).map(record));
  const backends = [spec['defaultBackend'], ...paths.map((path) => path['backend'])]
    .map((backend) => text(record(record(backend)['service'])['name']))
    .filter((name) => name !== '');
  return {
    ...ownedMetaOf(object),
    className: shared(spec['ingressClassName']),
    hosts: rules.map((rule) => text(rule['host'])),
    addresses: loadBalancerAddresses(record(object['status'])),
    tls: list(spec['tls']).length > 0,
    backends: [...new Set(backends)],
  };
}

/** printIngress's formatHosts: three rules at most, `*` where none names a host. */
function hostsText({ hosts }: IngressRow): string {
  const named = hosts.filter((host) => host !== '');
  if (named.length === 0) return '*';
  const shown = named.slice(0, 3);
  return hosts.length > 3 && named.length >= 3
    ? `${shown.join(',')} + ${hosts.length - 3} more...`
    : shown.join(',');
}
