import type { KubeObject } from '../kube/object.ts';
import { list, record } from '../resources/fields.ts';
import {
  annotationLines,
  byName,
  dateText,
  eventLines,
  head,
  labelLines,
  type Related,
  sinceText,
  str,
  taintLines,
} from './parts.ts';
import {
  add,
  amountText,
  larger,
  percent,
  type Quantities,
  type Quantity,
  quantitiesOf,
  quantityText,
  zero,
} from './quantity.ts';
import { createPage, type Page } from './tabs.ts';

/** `kubectl describe node`. Related: `leases` (its one lease) and `pods` (those that have not ended). */
export function describeNode(node: KubeObject, { events, leases, pods }: Related, now: number): string {
  const page = createPage();
  const metadata = record(node.metadata);
  const spec = record(node['spec']);
  const status = record(node['status']);
  head(page, node, { namespaced: false });
  page.write(0, `Roles:\t${rolesOf(record(metadata['labels'])) || '<none>'}\n`);
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  page.write(0, `CreationTimestamp:\t${dateText(metadata['creationTimestamp'])}\n`);
  taintLines(page, spec['taints']);
  page.write(0, `Unschedulable:\t${spec['unschedulable'] === true}\n`);
  leaseLines(page, leases, str(metadata['name']));
  conditionLines(page, list(status['conditions']));
  page.write(0, 'Addresses:\n');
  for (const raw of list(status['addresses'])) {
    const { type, address } = record(raw);
    page.write(1, `${str(type)}:\t${str(address)}\n`);
  }
  for (const [title, field] of [
    ['Capacity', 'capacity'],
    ['Allocatable', 'allocatable'],
  ] as const) {
    const amounts = Object.entries(record(status[field])).sort(byName);
    if (amounts.length > 0) page.write(0, `${title}:\n`);
    for (const [name, amount] of amounts) page.write(0, `  ${name}:\t${amountText(amount)}\n`);
  }
  systemLines(page, record(status['nodeInfo']));
  if (str(spec['podCIDR']) !== '') page.write(0, `PodCIDR:\t${str(spec['podCIDR'])}\n`);
  if (list(spec['podCIDRs']).length > 0)
    page.write(0, `PodCIDRs:\t${list(spec['podCIDRs']).map(str).join(',')}\n`);
  if (str(spec['providerID']) !== '') page.write(0, `ProviderID:\t${str(spec['providerID'])}\n`);
  if (pods === undefined) page.write(0, 'Pods:\tnot authorized\n');
  else resourceLines(page, pods, quantitiesOf(status['allocatable'] ?? status['capacity']), now);
  eventLines(page, events, now);
  return page.text();
}

function rolesOf(labels: Readonly<Record<string, unknown>>): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(labels)) {
    if (key.startsWith('node-role.kubernetes.io/')) roles.add(key.slice('node-role.kubernetes.io/'.length));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(str(value));
  }
  return [...roles]
    .filter((role) => role !== '')
    .sort()
    .join(',');
}

function leaseLines(page: Page, leases: readonly KubeObject[] | undefined, node: string): void {
  const lease = leases?.[0];
  if (lease === undefined) {
    const why = leases === undefined ? 'not allowed' : `leases.coordination.k8s.io "${node}" not found`;
    page.write(0, `Lease:\tFailed to get lease: ${why}\n`);
    return;
  }
  const spec = record(lease['spec']);
  const at = (field: string): string =>
    spec[field] === undefined || spec[field] === null ? '<unset>' : dateText(spec[field]);
  page.write(0, 'Lease:\n');
  page.write(1, `HolderIdentity:\t${str(spec['holderIdentity']) || '<unset>'}\n`);
  page.write(1, `AcquireTime:\t${at('acquireTime')}\n`);
  page.write(1, `RenewTime:\t${at('renewTime')}\n`);
}

function conditionLines(page: Page, conditions: readonly unknown[]): void {
  if (conditions.length === 0) return;
  page.write(0, 'Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n');
  page.write(1, '----\t------\t-----------------\t------------------\t------\t-------\n');
  for (const raw of conditions) {
    const condition = record(raw);
    page.write(
      1,
      `${str(condition['type'])} \t${str(condition['status'])} \t${dateText(condition['lastHeartbeatTime'])} \t${dateText(condition['lastTransitionTime'])} \t${str(condition['reason'])} \t${str(condition['message'])}\n`,
    );
  }
}

function systemLines(page: Page, info: Readonly<Record<string, unknown>>): void {
  page.write(0, 'System Info:\n');
  for (const [title, field] of [
    ['Machine ID', 'machineID'],
    ['System UUID', 'systemUUID'],
    ['Boot ID', 'bootID'],
    ['Kernel Version', 'kernelVersion'],
    ['OS Image', 'osImage'],
    ['Operating System', 'operatingSystem'],
    ['Architecture', 'architecture'],
    ['Container Runtime Version', 'containerRuntimeVersion'],
    ['Kubelet Version', 'kubeletVersion'],
    ['Kube-Proxy Version', 'kubeProxyVersion'],
  ] as const) {
    page.write(0, `  ${title}:\t${str(info[field])}\n`);
  }
}

function resourceLines(page: Page, pods: readonly KubeObject[], allocatable: Quantities, now: number): void {
  page.write(0, `Non-terminated Pods:\t(${pods.length} in total)\n`);
  page.write(1, 'Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n');
  page.write(1, '---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n');
  const requests: Record<string, Quantity> = {};
  const limits: Record<string, Quantity> = {};
  const share = (part: Quantity, name: string): string =>
    `${quantityText(part)} (${percent(part, allocatable[name] ?? zero)}%)`;
  for (const pod of pods) {
    const asked = podAmounts(pod, 'requests');
    const capped = podAmounts(pod, 'limits');
    sum(requests, asked);
    sum(limits, capped);
    const metadata = record(pod.metadata);
    const cells = ['cpu', 'memory'].flatMap((name) => [
      share(asked[name] ?? zero, name),
      share(capped[name] ?? zero, name),
    ]);
    page.write(
      1,
      `${str(metadata['namespace'])}\t${str(metadata['name'])}\t\t${cells.join('\t')}\t${sinceText(metadata['creationTimestamp'], now)}\n`,
    );
  }
  page.write(0, 'Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n');
  page.write(1, 'Resource\tRequests\tLimits\n');
  page.write(1, '--------\t--------\t------\n');
  const others = Object.keys(allocatable)
    .filter((name) => !['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(name))
    // Huge pages first.
    .sort(
      (a, b) => Number(b.startsWith('hugepages-')) - Number(a.startsWith('hugepages-')) || (a < b ? -1 : 1),
    );
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...others]) {
    const [request, limit] = [requests[name] ?? zero, limits[name] ?? zero];
    const isPart = !others.includes(name) || name.startsWith('hugepages-');
    const cells = isPart
      ? [share(request, name), share(limit, name)]
      : [quantityText(request), quantityText(limit)];
    page.write(1, `${name}\t${cells.join('\t')}\n`);
  }
}

/** kubectl's PodRequestsAndLimits: containers and sidecars added up, or the largest init container, and the overhead. */
function podAmounts(pod: KubeObject, field: 'requests' | 'limits'): Quantities {
  const spec = record(pod['spec']);
  const total: Record<string, Quantity> = {};
  const sidecars: Record<string, Quantity> = {};
  const initial: Record<string, Quantity> = {};
  const of = (container: unknown): Quantities => quantitiesOf(record(record(container)['resources'])[field]);
  for (const container of list(spec['containers'])) sum(total, of(container));
  for (const container of list(spec['initContainers'])) {
    if (record(container)['restartPolicy'] === 'Always') {
      sum(total, of(container));
      sum(sidecars, of(container));
      raise(initial, sidecars);
    } else {
      const own = { ...of(container) };
      sum(own, sidecars);
      raise(initial, own);
    }
  }
  raise(total, initial);
  const overhead = quantitiesOf(spec['overhead']);
  for (const name in overhead) {
    if (field === 'requests' || total[name] !== undefined) sum(total, { [name]: overhead[name] ?? zero });
  }
  return total;
}

function sum(total: Record<string, Quantity>, more: Quantities): void {
  for (const name in more) total[name] = add(total[name] ?? zero, more[name] ?? zero);
}

function raise(total: Record<string, Quantity>, least: Quantities): void {
  for (const name in least) total[name] = larger(total[name] ?? zero, least[name] ?? zero);
}
