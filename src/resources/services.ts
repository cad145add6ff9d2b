import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { count, type Fields, flag, labels, list, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Labels } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { labelsText } from './template.ts';

interface ServicePort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
  /** 0 where the service has none. */
  readonly nodePort: number;
  /** A number or the name of a container port; `''` where absent. */
  readonly targetPort: string;
}

export interface ServiceRow extends OwnedRow {
  readonly type: string;
  /** `None` for headless services. */
  readonly clusterIp: string;
  /** As kubectl prints it: `<none>`, `<pending>`, addresses. */
  readonly externalIp: string;
  readonly ports: readonly ServicePort[];
  /** Empty: somebody else keeps its endpoints. */
  readonly selector: Labels;
  readonly publishNotReady: boolean;
}

export const services: Resource<ServiceRow> = defineResource<ServiceRow>({
  name: 'services',
  title: 'Services',
  kind: 'Service',
  group: '',
  apiVersion: 'v1',
  aliases: ['svc', 'service'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'TYPE', value: (row) => row.type, text: (row) => row.type, kubectl: 'table', priority: 2 },
    { title: 'CLUSTER-IP', value: (row) => row.clusterIp, kubectl: 'table', priority: 3 },
    {
      title: 'EXTERNAL-IP',
      value: (row) => row.externalIp,
      tone: (row) => (row.externalIp === '<pending>' ? 'warn' : 'plain'),
      kubectl: 'table',
      priority: 4,
    },
    { title: 'PORT(S)', value: (row) => row.ports.map(portText).join(','), kubectl: 'table', priority: 1 },
    ageColumn,
    { title: 'SELECTOR', value: (row) => labelsText(row.selector), kubectl: 'wide', priority: 8 },
  ],
  fault: (row) => row.externalIp === '<pending>',
  why: (row) =>
    row.externalIp === '<pending>' ? 'No controller has given the load balancer an address' : undefined,
  toRow: serviceRow,
});

function serviceRow(object: KubeObject): ServiceRow {
  const spec = record(object['spec']);
  return {
    ...ownedMetaOf(object),
    type: shared(spec['type']),
    clusterIp: text(list(spec['clusterIPs'])[0]) || text(spec['clusterIP']),
    externalIp: externalIpOf(spec, record(object['status'])),
    ports: list(spec['ports']).map(portOf),
    selector: labels(spec['selector']),
    publishNotReady: flag(spec['publishNotReadyAddresses']),
  };
}

function portOf(raw: unknown): ServicePort {
  const port = record(raw);
  return {
    name: shared(port['name']),
    protocol: shared(port['protocol']) || 'TCP',
    port: count(port['port']),
    nodePort: count(port['nodePort']),
    targetPort: text(port['targetPort']),
  };
}

const portText = ({ port, nodePort, protocol }: ServicePort): string =>
  nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

/** printService's getServiceExternalIP. */
function externalIpOf(spec: Fields, status: Fields): string {
  const external = list(spec['externalIPs']).map(text);
  switch (spec['type']) {
    case 'ClusterIP':
    case 'NodePort':
      return external.length > 0 ? external.join(',') : '<none>';
    case 'LoadBalancer': {
      const all = [...loadBalancerAddresses(status), ...external];
      return all.length > 0 ? all.join(',') : '<pending>';
    }
    case 'ExternalName':
      return text(spec['externalName']);
    default:
      return '<unknown>';
  }
}

/** Addresses of `status.loadBalancer`, each once, sorted. */
export function loadBalancerAddresses(status: Fields): readonly string[] {
  const ingress = list(record(status['loadBalancer'])['ingress']).map(record);
  const addresses = ingress.map((point) => text(point['ip']) || text(point['hostname']));
  return [...new Set(addresses.filter((address) => address !== ''))].sort();
}
