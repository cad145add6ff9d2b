import type { KubeObject } from '../kube/object.ts';
import { clauses } from './clauses.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { acceleratorCount, isAccelerator } from './devices.ts';
import {
  ageText,
  amounts,
  type Fields,
  flag,
  labels,
  labelsNamed,
  list,
  record,
  shared,
  text,
  time,
} from './fields.ts';
import { metaOf } from './meta.ts';
import type { NodeCondition, NodeRow } from './node-row.ts';
import { type Column, defineResource, type ProjectContext, type Resource, type Tone } from './resource.ts';
import { taintsOf } from './scheduling-terms.ts';

/** Annotations that mltop reads: HAMi's books, quarantine by NVSentinel, drains (gpu.md 1.8, 3.6). */
const annotationNames: readonly string[] = [
  'cluster-autoscaler.kubernetes.io/scale-down-disabled',
  'hami.io/node-handshake',
  'hami.io/node-nvidia-register',
  'quarantineHealthEvent',
  'quarantinedNodeUncordonedManually',
];

export const nodes: Resource<NodeRow> = defineResource<NodeRow>({
  name: 'nodes',
  title: 'Nodes',
  kind: 'Node',
  group: '',
  apiVersion: 'v1',
  aliases: ['no', 'node'],
  namespaced: false,
  capabilities: ['cordon'],
  columns: nodeColumns(),
  fault: (row) => nodeWhy(row, 0) !== undefined,
  why: nodeWhy,
  toRow: nodeRow,
});

function nodeRow(object: KubeObject, { server }: ProjectContext): NodeRow {
  const metadata = record(object.metadata);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const info = record(status['nodeInfo']);
  const conditions = list(status['conditions']).map(conditionOf);
  const unschedulable = flag(spec['unschedulable']);
  const addresses = list(status['addresses']).map(record);
  const architecture = shared(info['architecture']);
  const kernel = shared(info['kernelVersion']);
  const printsArchitecture = server === undefined || server.major > 1 || server.minor >= 35;
  return {
    ...metaOf(object),
    status: statusOf(conditions, unschedulable),
    roles: rolesOf(record(metadata['labels'])),
    kubeletVersion: shared(info['kubeletVersion']),
    internalIp: addressOf(addresses, 'InternalIP'),
    externalIp: addressOf(addresses, 'ExternalIP'),
    osImage: shared(info['osImage']),
    kernel:
      printsArchitecture && kernel !== '' && architecture !== '' ? `${kernel} (${architecture})` : kernel,
    runtime: shared(info['containerRuntimeVersion']),
    architecture,
    unschedulable,
    taints: taintsOf(spec['taints']),
    labels: labels(metadata['labels']),
    annotations: labelsNamed(metadata['annotations'], annotationNames),
    conditions,
    capacity: amounts(status['capacity']),
    allocatable: amounts(status['allocatable']),
    deletedAt: time(metadata['deletionTimestamp']),
  };
}

function conditionOf(raw: unknown): NodeCondition {
  const condition = record(raw);
  return {
    type: shared(condition['type']),
    status: shared(condition['status']),
    reason: shared(condition['reason']),
    message: shared(condition['message']),
    at: time(condition['lastTransitionTime']),
    heartbeatAt: time(condition['lastHeartbeatTime']),
  };
}

/** printNode: Ready=Unknown prints NotReady; Unknown means that there is no Ready condition. */
function statusOf(conditions: readonly NodeCondition[], unschedulable: boolean): string {
  const ready = conditions.findLast((condition) => condition.type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return unschedulable ? `${status},SchedulingDisabled` : status;
}

const rolePrefix = 'node-role.kubernetes.io/';

/** printNode's findNodeRoles: a set, sorted as Go sorts. */
function rolesOf(nodeLabels: Fields): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(nodeLabels)) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length)
      roles.add(text(key.slice(rolePrefix.length)));
    else if (key === 'kubernetes.io/role' && value !== '') roles.add(text(value));
  }
  return [...roles].sort().join(',');
}

const addressOf = (addresses: readonly Fields[], type: string): string =>
  text(addresses.find((address) => address['type'] === type)?.['address']);

/**
 * Conditions that say something is wrong. Names ending in Ready are good when True; the others (pressures, XidCriticalError,
 * GPUMissing, KernelDeadlock … of node-problem-detector and the clouds) are bad when True. The kubelet's own become
 * Unknown together when it falls silent: Ready alone says that.
 */
function badConditions(row: NodeRow): readonly NodeCondition[] {
  return row.conditions.filter((condition) =>
    condition.type.endsWith('Ready') ? condition.status !== 'True' : condition.status === 'True',
  );
}

/** Devices that are registered but not healthy, by resource name; empty where all is well. */
export function unhealthyDevices(row: NodeRow): Readonly<Record<string, number>> {
  const unhealthy: Record<string, number> = {};
  for (const [resource, capacity] of Object.entries(row.capacity)) {
    if (!isAccelerator(resource)) continue;
    const allocatable = row.allocatable[resource];
    if (allocatable !== undefined && allocatable < capacity) unhealthy[resource] = capacity - allocatable;
  }
  return unhealthy;
}

function nodeWhy(row: NodeRow, now: number): string | undefined {
  const parts = badConditions(row).map((condition) => {
    const since = now > 0 && condition.at !== undefined ? ` for ${ageText(condition.at, now)}` : '';
    const words = condition.message || condition.reason;
    return `${condition.type}=${condition.status}${since}${words === '' ? '' : `: ${words}`}`;
  });
  if (row.status.startsWith('Unknown')) parts.unshift('no Ready condition');
  for (const [resource, missing] of Object.entries(unhealthyDevices(row))) {
    parts.push(`${missing} of ${row.capacity[resource]} ${resource} unhealthy`);
  }
  return parts.length === 0 ? undefined : clauses(parts);
}

function statusTone(row: NodeRow): Tone {
  if (!row.status.startsWith('Ready')) return 'bad';
  return row.unschedulable ? 'warn' : 'good';
}

function taintText(row: NodeRow): string {
  return row.taints
    .map(({ key, value, effect }) => `${key}${value === undefined ? '' : `=${value}`}:${effect}`)
    .join(',');
}

const unknownIfEmpty = (value: string): string => value || '<unknown>';

function nodeColumns(): readonly Column<NodeRow>[] {
  return [
    nameColumn,
    { title: 'STATUS', value: (row) => row.status, tone: statusTone, kubectl: 'table', priority: 0 },
    { title: 'ROLES', value: (row) => row.roles, tone: () => 'dim', kubectl: 'table', priority: 6 },
    ageColumn,
    {
      title: 'VERSION',
      value: (row) => row.kubeletVersion,
      text: (row) => row.kubeletVersion,
      tone: () => 'dim',
      kubectl: 'table',
      priority: 5,
    },
    { title: 'INTERNAL-IP', value: (row) => row.internalIp, kubectl: 'wide', priority: 8 },
    { title: 'EXTERNAL-IP', value: (row) => row.externalIp, kubectl: 'wide', priority: 9 },
    {
      title: 'OS-IMAGE',
      value: (row) => row.osImage,
      text: (row) => unknownIfEmpty(row.osImage),
      kubectl: 'wide',
      priority: 9,
    },
    {
      title: 'KERNEL-VERSION',
      value: (row) => row.kernel,
      text: (row) => unknownIfEmpty(row.kernel),
      kubectl: 'wide',
      priority: 9,
    },
    {
      title: 'CONTAINER-RUNTIME',
      value: (row) => row.runtime,
      text: (row) => unknownIfEmpty(row.runtime),
      kubectl: 'wide',
      priority: 9,
    },
    {
      title: 'GPU',
      value: (row) => acceleratorCount(row.allocatable),
      text: deviceText,
      tone: (row) => (Object.keys(unhealthyDevices(row)).length > 0 ? 'bad' : 'plain'),
      align: 'right',
      priority: 2,
    },
    {
      title: 'CONDITIONS',
      value: (row) =>
        badConditions(row)
          .map((condition) => condition.type)
          .join(','),
      text: (row) =>
        badConditions(row)
          .map((condition) => condition.type)
          .join(','),
      tone: () => 'bad',
      priority: 3,
    },
    { title: 'TAINTS', value: taintText, text: taintText, tone: () => 'dim', priority: 4 },
  ];
}

/** `8`; `7/8` where one is unhealthy; `-` where the node registers none. */
function deviceText(row: NodeRow): string {
  const healthy = acceleratorCount(row.allocatable);
  const all = acceleratorCount(row.capacity);
  if (healthy === undefined && all === undefined) return '-';
  return healthy === all ? String(healthy) : `${healthy ?? 0}/${all ?? 0}`;
}
