import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { conditionNamed } from './conditions.ts';
import { acceleratorCount } from './devices.ts';
import { ageText, type Fields, labels, labelsNamed, list, record, shared, text, time } from './fields.ts';
import { intern } from './intern.ts';
import { controllerOf } from './meta.ts';
import { podFault, podTone, podWhy } from './pod-health.ts';
import type { Labels, PodRow } from './pod-row.ts';
import { podSpecOf } from './pod-spec.ts';
import { printPod } from './pod-status.ts';
import { troubleOf } from './pod-trouble.ts';
import { type Column, defineResource, type ProjectContext, type Resource } from './resource.ts';

/** Annotations that mltop reads: fractions, HAMi's books, gangs, queues, ranks (gpu.md 1.8, 5.1). */
const annotationNames: readonly string[] = [
  'batch.kubernetes.io/job-completion-index',
  'gpu-fraction',
  'gpu-fraction-num-devices',
  'gpu-memory',
  'hami.io/bind-phase',
  'hami.io/vgpu-devices-allocated',
  'hami.io/vgpu-devices-to-allocate',
  'hami.io/vgpu-node',
  'hami.io/vgpu-time',
  'kubectl.kubernetes.io/default-container',
  'kubernetes.io/config.mirror',
  'kubernetes.io/config.source',
  'kueue.x-k8s.io/pod-group-total-count',
  'kueue.x-k8s.io/workload',
  'leaderworkerset.sigs.k8s.io/leader-name',
  'leaderworkerset.sigs.k8s.io/size',
  'pod-group-name',
  'received-resource-type',
  'scheduling.k8s.io/group-name',
  'volcano.sh/queue-name',
  'workflows.argoproj.io/node-name',
];

export const pods: Resource<PodRow> = defineResource<PodRow>({
  name: 'pods',
  title: 'Pods',
  kind: 'Pod',
  group: '',
  apiVersion: 'v1',
  aliases: ['po', 'pod'],
  namespaced: true,
  capabilities: ['logs', 'exec'],
  columns: podColumns(),
  fault: podFault,
  why: podWhy,
  toRow: podRow,
});

function podRow(object: KubeObject, { server }: ProjectContext): PodRow {
  const metadata = record(object.metadata);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const printed = printPod(object, server);
  const owner = controllerOf(metadata);
  const specRecord = podSpecOf(spec, status, owner?.uid);
  const conditions = list(status['conditions']);
  const annotations = metadata['annotations'];
  return {
    uid: text(metadata['uid']),
    namespace: shared(metadata['namespace']),
    name: text(metadata['name']),
    createdAt: time(metadata['creationTimestamp']),
    version: text(metadata['resourceVersion']),
    status: intern(printed.status),
    phase: shared(status['phase']),
    reason: shared(status['reason']),
    message: intern(text(status['message']).trim()),
    readyContainers: printed.ready,
    totalContainers: printed.total,
    restarts: printed.restarts,
    lastRestartAt: printed.lastRestartAt,
    ip: text(record(list(status['podIPs'])[0])['ip']) || text(status['podIP']),
    node: shared(spec['nodeName']),
    nominatedNode: shared(status['nominatedNodeName']),
    readinessGates: readinessGatesOf(list(spec['readinessGates']), conditions),
    qos: shared(status['qosClass']),
    deletedAt: time(metadata['deletionTimestamp']),
    startedAt: time(status['startTime']),
    finalizers: list(metadata['finalizers']).length,
    gates: gatesOf(list(spec['schedulingGates'])),
    labels: labels(metadata['labels']),
    podGroup: podGroupOf(spec),
    annotations: labelsNamed(annotations, annotationNames),
    owner,
    spec: specRecord,
    scheduled: conditionNamed(conditions, 'PodScheduled'),
    ready: conditionNamed(conditions, 'Ready'),
    disrupted: conditionNamed(conditions, 'DisruptionTarget'),
    claimNames: claimNamesOf(status),
    trouble: troubleOf(status, specRecord.containers),
  };
}

function readinessGatesOf(
  gates: readonly unknown[],
  conditions: readonly unknown[],
): PodRow['readinessGates'] {
  if (gates.length === 0) return undefined;
  const isTrue = (gate: unknown): boolean =>
    record(conditions.map(record).find((c) => c['type'] === record(gate)['conditionType']))['status'] ===
    'True';
  return { ready: gates.filter(isTrue).length, total: gates.length };
}

/** In 1.35 a pod names a Workload and one of its groups, and no object stands for that group. */
function podGroupOf(spec: Fields): string {
  const group = shared(record(spec['schedulingGroup'])['podGroupName']);
  if (group !== '') return group;
  const { name, podGroup, podGroupReplicaKey } = record(spec['workloadRef']);
  return intern(
    [name, podGroup, podGroupReplicaKey]
      .map(text)
      .filter((part) => part !== '')
      .join('-'),
  );
}

const noGates: readonly string[] = Object.freeze([]);

const gatesOf = (gates: readonly unknown[]): readonly string[] =>
  gates.length === 0 ? noGates : gates.map((gate) => shared(record(gate)['name']));

const noClaims: Labels = Object.freeze({});

/** Claims made from templates, and under the name of the extended resource the one that serves such requests. */
function claimNamesOf(status: Fields): Labels {
  const made = list(status['resourceClaimStatuses']);
  const extended = record(status['extendedResourceClaimStatus'])['resourceClaimName'];
  if (made.length === 0 && extended === undefined) return noClaims;
  const names: Record<string, string> = {};
  for (const raw of made) {
    const { name, resourceClaimName } = record(raw);
    const claim = text(resourceClaimName);
    if (claim !== '') names[shared(name)] = claim;
  }
  const claim = text(extended);
  if (claim !== '') names[extendedClaim] = claim;
  return names;
}

/** The key in `claimNames` of the claim that serves extended-resource requests (DRAExtendedResource). */
export const extendedClaim = '<extended-resources>';

function podColumns(): readonly Column<PodRow>[] {
  return [
    nameColumn,
    {
      title: 'READY',
      value: (row) => (row.totalContainers === 0 ? 0 : row.readyContainers / row.totalContainers),
      text: (row) => `${row.readyContainers}/${row.totalContainers}`,
      tone: (row) =>
        row.phase === 'Succeeded' ? 'dim' : row.readyContainers < row.totalContainers ? 'warn' : 'plain',
      align: 'right',
      kubectl: 'table',
      priority: 1,
    },
    {
      title: 'STATUS',
      value: (row) => row.status,
      text: (row) => row.status,
      tone: podTone,
      kubectl: 'table',
      priority: 0,
    },
    {
      title: 'RESTARTS',
      value: (row) => row.restarts,
      text: (row, now) =>
        row.restarts === 0 || row.lastRestartAt === undefined
          ? String(row.restarts)
          : `${row.restarts} (${ageText(row.lastRestartAt, now)} ago)`,
      tone: restartTone,
      kubectl: 'table',
      priority: 1,
    },
    ageColumn,
    { title: 'IP', value: (row) => row.ip, tone: () => 'dim', kubectl: 'wide', priority: 8 },
    { title: 'NODE', value: (row) => row.node, kubectl: 'wide', wide: false, priority: 4 },
    { title: 'NOMINATED NODE', value: (row) => row.nominatedNode, kubectl: 'wide', priority: 9 },
    {
      title: 'READINESS GATES',
      value: ({ readinessGates: gates }) =>
        gates === undefined ? undefined : `${gates.ready}/${gates.total}`,
      kubectl: 'wide',
      priority: 9,
    },
    {
      title: 'GPU',
      value: (row) => acceleratorCount(row.spec.requests),
      text: (row) => String(acceleratorCount(row.spec.requests) ?? '-'),
      tone: (row) => (acceleratorCount(row.spec.requests) === undefined ? 'dim' : 'accent'),
      align: 'right',
      priority: 3,
    },
    { title: 'PRIORITY', value: (row) => row.spec.priority, align: 'right', wide: true, priority: 9 },
    { title: 'QOS', value: (row) => row.qos, wide: true, priority: 9 },
    {
      title: 'OWNER',
      value: ({ owner }) => (owner === undefined ? undefined : `${owner.kind}/${owner.name}`),
      wide: true,
      priority: 8,
    },
  ];
}

const tenMinutes = 600_000;

function restartTone(row: PodRow, now: number): 'bad' | 'warn' | 'plain' {
  if (row.restarts === 0) return 'plain';
  if (row.lastRestartAt !== undefined && now - row.lastRestartAt < tenMinutes) return 'bad';
  return row.restarts > 3 ? 'warn' : 'plain';
}
