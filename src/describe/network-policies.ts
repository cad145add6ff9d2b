import type { KubeObject } from '../kube/object.ts';
import { type Fields, isRecord, list, record, time } from '../resources/fields.ts';
import { annotationLines, head, labelLines, type Related, selectorText, str } from './parts.ts';
import { createPage, type Page } from './tabs.ts';

/** One direction of traffic, in kubectl's words. */
interface Direction {
  readonly name: 'ingress' | 'egress';
  readonly peers: 'from' | 'to';
  readonly title: 'From' | 'To';
  readonly anywhere: string;
}

const ingress: Direction = {
  name: 'ingress',
  peers: 'from',
  title: 'From',
  anywhere: 'traffic not restricted by source',
};
const egress: Direction = {
  name: 'egress',
  peers: 'to',
  title: 'To',
  anywhere: 'traffic not restricted by destination',
};

export function describeNetworkPolicy(policy: KubeObject, _related: Related, _now: number): string {
  const page = createPage();
  const metadata = record(policy.metadata);
  const spec = record(policy['spec']);
  head(page, policy);
  page.write(0, `Created on:\t${createdText(metadata['creationTimestamp'])}\n`);
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  const selector = selectorText(spec['podSelector']);
  const all = ' (Allowing the specific traffic to all pods in this namespace)';
  page.write(0, 'Spec:\n');
  page.write(1, `PodSelector:     ${selector}${selector === '<none>' ? all : ''}\n`);
  const types = list(spec['policyTypes']).map(str);
  if (types.length === 0 || types.includes('Ingress')) allowed(page, spec, ingress);
  else page.write(1, 'Not affecting ingress traffic\n');
  if (types.includes('Egress')) allowed(page, spec, egress);
  else page.write(1, 'Not affecting egress traffic\n');
  page.write(1, `Policy Types: ${types.join(', ') || '<none>'}\n`);
  return page.text();
}

/** As Go prints a time, in UTC. */
function createdText(value: unknown): string {
  const at = time(value);
  if (at === undefined) return '<unknown>';
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`;
}

function allowed(page: Page, spec: Fields, direction: Direction): void {
  page.write(1, `Allowing ${direction.name} traffic:\n`);
  const rules = list(spec[direction.name]).map(record);
  if (rules.length === 0)
    page.write(2, `<none> (Selected pods are isolated for ${direction.name} connectivity)\n`);
  for (const [at, rule] of rules.entries()) {
    portLines(page, list(rule['ports']).map(record));
    const peers = list(rule[direction.peers]).map(record);
    if (peers.length === 0) page.write(2, `${direction.title}: <any> (${direction.anywhere})\n`);
    for (const peer of peers) {
      page.write(2, `${direction.title}:\n`);
      peerLines(page, peer);
    }
    if (at < rules.length - 1) page.write(2, '----------\n');
  }
}

function portLines(page: Page, ports: readonly Fields[]): void {
  if (ports.length === 0) page.write(2, 'To Port: <any> (traffic allowed to all ports)\n');
  for (const { port, endPort, protocol } of ports) {
    const of = `${str(port) || '<nil>'}${endPort === undefined ? '' : `-${str(endPort)}`}/${str(protocol) || 'TCP'}`;
    page.write(2, `To Port${endPort === undefined ? '' : ' Range'}: ${of}\n`);
  }
}

function peerLines(page: Page, { podSelector, namespaceSelector, ipBlock }: Fields): void {
  if (isRecord(namespaceSelector)) page.write(3, `NamespaceSelector: ${selectorText(namespaceSelector)}\n`);
  if (isRecord(podSelector)) page.write(3, `PodSelector: ${selectorText(podSelector)}\n`);
  if (!isRecord(ipBlock) || isRecord(podSelector) || isRecord(namespaceSelector)) return;
  page.write(3, 'IPBlock:\n');
  page.write(4, `CIDR: ${str(ipBlock['cidr'])}\n`);
  page.write(4, `Except: ${list(ipBlock['except']).map(str).join(', ')}\n`);
}
