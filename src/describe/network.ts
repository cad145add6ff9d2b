import type { KubeObject } from '../kube/object.ts';
import { list, record } from '../resources/fields.ts';
import { annotationLines, eventLines, head, labelLines, labelsText, type Related, str } from './parts.ts';
import { createPage, type Page } from './tabs.ts';

/** Related: `endpointslices`, those of this service. */
export function describeService(
  service: KubeObject,
  { events, endpointslices }: Related,
  now: number,
): string {
  const page = createPage();
  const spec = record(service['spec']);
  const names = (field: string): string => list(spec[field]).map(str).join(',');
  const optional = (title: string, value: string): void => {
    if (value !== '') page.write(0, `${title}:\t${value}\n`);
  };
  head(page, service);
  labelLines(page, 'Labels', record(service.metadata)['labels']);
  annotationLines(page, record(service.metadata)['annotations']);
  page.write(0, `Selector:\t${labelsText(spec['selector'])}\n`);
  page.write(0, `Type:\t${str(spec['type'])}\n`);
  optional('IP Family Policy', str(spec['ipFamilyPolicy']));
  page.write(0, `IP Families:\t${names('ipFamilies') || '<none>'}\n`);
  page.write(0, `IP:\t${str(spec['clusterIP'])}\n`);
  page.write(0, `IPs:\t${names('clusterIPs') || '<none>'}\n`);
  optional('External IPs', names('externalIPs'));
  optional('Desired LoadBalancer IP', str(spec['loadBalancerIP']));
  optional('External Name', str(spec['externalName']));
  const ingress = list(record(record(service['status'])['loadBalancer'])['ingress']).map(record);
  optional(
    'LoadBalancer Ingress',
    ingress
      .map(({ ip, hostname, ipMode }) =>
        str(ip) === '' ? str(hostname) : `${str(ip)}${str(ipMode) === '' ? '' : ` (${str(ipMode)})`}`,
      )
      .join(', '),
  );
  for (const raw of list(spec['ports'])) portLines(page, record(raw), endpointslices);
  page.write(0, `Session Affinity:\t${str(spec['sessionAffinity'])}\n`);
  optional('External Traffic Policy', str(spec['externalTrafficPolicy']));
  optional('Internal Traffic Policy', str(spec['internalTrafficPolicy']));
  optional('Traffic Distribution', str(spec['trafficDistribution']));
  optional('HealthCheck NodePort', str(spec['healthCheckNodePort']).replace(/^0$/, ''));
  optional('LoadBalancer Source Ranges', names('loadBalancerSourceRanges'));
  eventLines(page, events, now);
  return page.text();
}

function portLines(
  page: Page,
  port: Readonly<Record<string, unknown>>,
  slices: readonly KubeObject[] | undefined,
): void {
  const name = str(port['name']) || '<unset>';
  const protocol = str(port['protocol']);
  page.write(0, `Port:\t${name}\t${str(port['port'])}/${protocol}\n`);
  page.write(0, `TargetPort:\t${str(port['targetPort'])}/${protocol}\n`);
  if (typeof port['nodePort'] === 'number' && port['nodePort'] !== 0) {
    page.write(0, `NodePort:\t${name}\t${port['nodePort']}/${protocol}\n`);
  }
  page.write(
    0,
    `Endpoints:\t${slices === undefined ? '<unknown>' : endpointsText(slices, str(port['name']))}\n`,
  );
}

/** The first three that are ready, and how many more there are. */
function endpointsText(slices: readonly KubeObject[], port: string): string {
  const found: string[] = [];
  for (const slice of slices) {
    const ports = list(slice['ports']).map(record);
    const ready = list(slice['endpoints'])
      .map(record)
      .filter((endpoint) => record(endpoint['conditions'])['ready'] !== false);
    const addresses = ready.map((endpoint) => str(list(endpoint['addresses'])[0]));
    if (ports.length === 0) found.push(...addresses);
    for (const one of ports) {
      if (str(one['name']) === port)
        found.push(...addresses.map((address) => joined(address, str(one['port']))));
    }
  }
  const more = found.length - 3;
  return `${found.slice(0, 3).join(',')}${more > 0 ? ` + ${more} more...` : ''}`;
}

const joined = (address: string, port: string): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

export function describeEndpointSlice(slice: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  head(page, slice);
  labelLines(page, 'Labels', record(slice.metadata)['labels']);
  annotationLines(page, record(slice.metadata)['annotations']);
  page.write(0, `AddressType:\t${str(slice['addressType'])}\n`);
  const ports = list(slice['ports']).map(record);
  if (ports.length === 0) page.write(0, 'Ports: <unset>\n');
  else {
    page.write(0, 'Ports:\n');
    page.write(1, 'Name\tPort\tProtocol\n');
    page.write(1, '----\t----\t--------\n');
    for (const port of ports) {
      page.write(
        1,
        `${str(port['name']) || '<unset>'}\t${str(port['port']) || '<unset>'}\t${str(port['protocol'])}\n`,
      );
    }
  }
  const endpoints = list(slice['endpoints']).map(record);
  page.write(0, endpoints.length === 0 ? 'Endpoints: <none>\n' : 'Endpoints:\n');
  for (const endpoint of endpoints) {
    page.write(1, `- Addresses:\t${list(endpoint['addresses']).map(str).join(', ')}\n`);
    page.write(2, 'Conditions:\n');
    page.write(3, `Ready:\t${str(record(endpoint['conditions'])['ready']) || '<unset>'}\n`);
    page.write(2, `Hostname:\t${str(endpoint['hostname']) || '<unset>'}\n`);
    const target = record(endpoint['targetRef']);
    if (endpoint['targetRef'] !== undefined)
      page.write(2, `TargetRef:\t${str(target['kind'])}/${str(target['name'])}\n`);
    page.write(2, `NodeName:\t${str(endpoint['nodeName']) || '<unset>'}\n`);
    page.write(2, `Zone:\t${str(endpoint['zone']) || '<unset>'}\n`);
  }
  eventLines(page, events, now);
  return page.text();
}

export function describeDisruptionBudget(budget: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const spec = record(budget['spec']);
  const status = record(budget['status']);
  head(page, budget);
  if (spec['minAvailable'] !== undefined) page.write(0, `Min available:\t${str(spec['minAvailable'])}\n`);
  else if (spec['maxUnavailable'] !== undefined)
    page.write(0, `Max unavailable:\t${str(spec['maxUnavailable'])}\n`);
  const selector = record(spec['selector']);
  page.write(
    0,
    `Selector:\t${spec['selector'] === undefined ? '<unset>' : labelsText(selector['matchLabels'])}\n`,
  );
  page.write(0, 'Status:\n');
  for (const [title, field] of [
    ['Allowed disruptions', 'disruptionsAllowed'],
    ['Current', 'currentHealthy'],
    ['Desired', 'desiredHealthy'],
    ['Total', 'expectedPods'],
  ] as const) {
    page.write(2, `${title}:\t${str(status[field]) || 0}\n`);
  }
  eventLines(page, events, now);
  return page.text();
}

/** Related: `services` and `endpointslices` of its namespace. */
export function describeIngress(ingress: KubeObject, related: Related, now: number): string {
  const page = createPage();
  const metadata = record(ingress.metadata);
  const spec = record(ingress['spec']);
  const addresses = list(record(record(ingress['status'])['loadBalancer'])['ingress']).map(record);
  page.write(0, `Name:\t${str(metadata['name'])}\n`);
  labelLines(page, 'Labels', metadata['labels']);
  page.write(0, `Namespace:\t${str(metadata['namespace'])}\n`);
  page.write(0, `Address:\t${addresses.map(({ ip, hostname }) => str(ip) || str(hostname)).join(',')}\n`);
  page.write(0, `Ingress Class:\t${str(spec['ingressClassName']) || '<none>'}\n`);
  const fallback = spec['defaultBackend'];
  const fallbackText =
    fallback === undefined ? '<default>' : `${backendText(fallback)} (${behind(fallback, related)})`;
  page.write(0, `Default backend:\t${fallbackText}\n`);
  const tls = list(spec['tls']).map(record);
  if (tls.length > 0) page.write(0, 'TLS:\n');
  for (const { secretName, hosts } of tls) {
    const names = list(hosts).map(str).join(',');
    page.write(
      1,
      str(secretName) === '' ? `SNI routes ${names}\n` : `${str(secretName)} terminates ${names}\n`,
    );
  }
  page.write(0, 'Rules:\n  Host\tPath\tBackends\n');
  page.write(1, '----\t----\t--------\n');
  const rules = list(spec['rules']).map(record);
  for (const rule of rules) {
    page.write(1, `${str(rule['host']) || '*'}\t\n`);
    for (const raw of list(record(rule['http'])['paths'])) {
      const { path, backend } = record(raw);
      page.write(2, `\t${str(path)} \t${backendText(backend)} (${behind(backend, related)})\n`);
    }
  }
  if (rules.length === 0) page.write(1, `*\t*\t${fallbackText}\n`);
  annotationLines(page, metadata['annotations']);
  eventLines(page, related.events, now);
  return page.text();
}

/** `chat:80`, `APIGroup: …, Kind: …, Name: …` for what is no service. */
function backendText(value: unknown): string {
  const { service, resource } = record(value);
  if (resource !== undefined) {
    const { apiGroup, kind, name } = record(resource);
    return `APIGroup: ${str(apiGroup)}, Kind: ${str(kind)}, Name: ${str(name)}`;
  }
  const { name, port } = record(service);
  return `${str(name)}:${str(record(port)['number']) || str(record(port)['name'])}`;
}

/** What answers behind a backend: addresses, or why there are none. */
function behind(value: unknown, { services, endpointslices }: Related): string {
  const { name, port } = record(record(value)['service']);
  if (services === undefined || endpointslices === undefined) return '<unknown>';
  const service = services.find(({ metadata }) => metadata?.name === name);
  if (service === undefined) return `<error: services "${str(name)}" not found>`;
  const wanted = record(port);
  const found = list(record(service['spec'])['ports'])
    .map(record)
    .find(
      (one) =>
        one['port'] === wanted['number'] || (wanted['name'] !== undefined && one['name'] === wanted['name']),
    );
  const slices = endpointslices.filter(
    ({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name,
  );
  return endpointsText(slices, str(found?.['name']));
}
