import type { JsonRecord } from '../object.ts';
import { ageAt } from './duration.ts';
import {
  firstThree,
  labelsText,
  listAt,
  type Printer,
  recordAt,
  selectorAt,
  textAt,
  textsAt,
} from './read.ts';

const created = 'metadata.creationTimestamp';

export const printService: Printer = (service, { now }) => [
  textAt(service, 'metadata.name'),
  textAt(service, 'spec.type'),
  textsAt(service, 'spec.clusterIPs')[0] ?? (textAt(service, 'spec.clusterIP') || '<none>'),
  externalAddress(service),
  servicePorts(service),
  ageAt(service, created, now),
  labelsText(recordAt(service, 'spec.selector')),
];

function externalAddress(service: JsonRecord): string {
  const external = textsAt(service, 'spec.externalIPs');
  switch (textAt(service, 'spec.type')) {
    case 'ClusterIP':
    case 'NodePort':
      return external.join(',') || '<none>';
    case 'LoadBalancer': {
      const balancers = listAt(service, 'status.loadBalancer.ingress').map(
        (ingress) => textAt(ingress, 'ip') || textAt(ingress, 'hostname'),
      );
      return [...balancers, ...external].join(',') || '<pending>';
    }
    case 'ExternalName':
      return textAt(service, 'spec.externalName');
    default:
      return '<unknown>';
  }
}

function servicePorts(service: JsonRecord): string {
  const ports = listAt(service, 'spec.ports').map((port) => {
    const nodePort = textAt(port, 'nodePort');
    const outside = nodePort === '' || nodePort === '0' ? '' : `:${nodePort}`;
    return `${textAt(port, 'port')}${outside}/${textAt(port, 'protocol')}`;
  });
  return ports.join(',') || '<none>';
}

export const printEndpoints: Printer = (object, { now }) => {
  const subsets = listAt(object, 'subsets');
  const addresses = subsets.flatMap((subset) => {
    const ips = listAt(subset, 'addresses').map((address) => textAt(address, 'ip'));
    const ports = listAt(subset, 'ports').map((port) => textAt(port, 'port'));
    return ports.length === 0 ? ips : ports.flatMap((port) => ips.map((ip) => joinHostPort(ip, port)));
  });
  return [
    textAt(object, 'metadata.name'),
    subsets.length === 0 ? '<none>' : firstThree(addresses),
    ageAt(object, created, now),
  ];
};

const joinHostPort = (host: string, port: string): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

export const printEndpointSlice: Printer = (object, { now }) => {
  const ports = listAt(object, 'ports').map((port) => textAt(port, 'port') || textAt(port, 'name') || '*');
  const addresses = listAt(object, 'endpoints').flatMap((endpoint) => textsAt(endpoint, 'addresses'));
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'addressType'),
    firstThree(ports) || '<unset>',
    firstThree(addresses) || '<unset>',
    ageAt(object, created, now),
  ];
};

export const printIngress: Printer = (object, { now }) => {
  const hosts = listAt(object, 'spec.rules')
    .map((rule) => textAt(rule, 'host'))
    .filter((host) => host !== '');
  const addresses = listAt(object, 'status.loadBalancer.ingress').map(
    (ingress) => textAt(ingress, 'ip') || textAt(ingress, 'hostname'),
  );
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.ingressClassName', '<none>'),
    firstThree(hosts) || '*',
    addresses.join(','),
    listAt(object, 'spec.tls').length > 0 ? '80, 443' : '80',
    ageAt(object, created, now),
  ];
};

export const printIngressClass: Printer = (object, { now }) => {
  const parameters = recordAt(object, 'spec.parameters');
  const group = textAt(parameters, 'apiGroup');
  const kind = textAt(parameters, 'kind');
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.controller'),
    kind === '' ? '<none>' : `${group === '' ? kind : `${kind}.${group}`}/${textAt(parameters, 'name')}`,
    ageAt(object, created, now),
  ];
};

export const printIpAddress: Printer = (object, { now }) => {
  const parent = recordAt(object, 'spec.parentRef');
  const group = textAt(parent, 'group');
  const resource = textAt(parent, 'resource');
  const owner = [
    group === '' ? resource : `${resource}.${group}`,
    textAt(parent, 'namespace'),
    textAt(parent, 'name'),
  ];
  // The age is a third cell without a column: a real server sends it so.
  return [
    textAt(object, 'metadata.name'),
    owner.filter((part) => part !== '').join('/'),
    ageAt(object, created, now),
  ];
};

export const printServiceCidr: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textsAt(object, 'spec.cidrs').join(','),
  ageAt(object, created, now),
];

export const printNetworkPolicy: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  selectorAt(object, 'spec.podSelector'),
  ageAt(object, created, now),
];
