import type { JsonRecord } from '../object.ts';
import { ageAt, humanDuration, timeAt } from './duration.ts';
import {
  containerCells,
  countAt,
  labelsText,
  listAt,
  type Printer,
  recordAt,
  selectorAt,
  selectorText,
  textAt,
} from './read.ts';

const created = 'metadata.creationTimestamp';
const podContainers = 'spec.template.spec.containers';

export const printDeployment: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  `${countAt(object, 'status.readyReplicas')}/${countAt(object, 'spec.replicas')}`,
  countAt(object, 'status.updatedReplicas'),
  countAt(object, 'status.availableReplicas'),
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
  selectorText(recordAt(object, 'spec.selector')),
];

export const printReplicaSet: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  countAt(object, 'spec.replicas'),
  countAt(object, 'status.replicas'),
  countAt(object, 'status.readyReplicas'),
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
  selectorAt(object, 'spec.selector'),
];

export const printReplicationController: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  countAt(object, 'spec.replicas'),
  countAt(object, 'status.replicas'),
  countAt(object, 'status.readyReplicas'),
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
  labelsText(recordAt(object, 'spec.selector')),
];

export const printStatefulSet: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  `${countAt(object, 'status.readyReplicas')}/${countAt(object, 'spec.replicas')}`,
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
];

export const printDaemonSet: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  countAt(object, 'status.desiredNumberScheduled'),
  countAt(object, 'status.currentNumberScheduled'),
  countAt(object, 'status.numberReady'),
  countAt(object, 'status.updatedNumberScheduled'),
  countAt(object, 'status.numberAvailable'),
  labelsText(recordAt(object, 'spec.template.spec.nodeSelector')),
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
  selectorAt(object, 'spec.selector'),
];

export const printControllerRevision: Printer = (object, { now }) => {
  const controller = listAt(object, 'metadata.ownerReferences').find((owner) => owner['controller'] === true);
  return [
    textAt(object, 'metadata.name'),
    controller === undefined ? '<none>' : controllerText(controller),
    countAt(object, 'revision'),
    ageAt(object, created, now),
  ];
};

function controllerText(owner: JsonRecord): string {
  const [group] = textAt(owner, 'apiVersion').split('/');
  return `${textAt(owner, 'kind').toLowerCase()}.${group}/${textAt(owner, 'name')}`;
}

export const printJob: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  jobStatus(object),
  completions(object),
  jobDuration(object, now),
  ageAt(object, created, now),
  ...containerCells(object, podContainers),
  selectorAt(object, 'spec.selector'),
];

function jobStatus(job: JsonRecord): string {
  const isTrue = (type: string): boolean =>
    listAt(job, 'status.conditions').some(
      (condition) => condition['type'] === type && condition['status'] === 'True',
    );
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  if (textAt(job, 'metadata.deletionTimestamp') !== '') return 'Terminating';
  return ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find(isTrue) ?? 'Running';
}

function completions(job: JsonRecord): string {
  const succeeded = countAt(job, 'status.succeeded');
  const wanted = recordAt(job, 'spec')['completions'];
  if (typeof wanted === 'number') return `${succeeded}/${wanted}`;
  const parallelism = countAt(job, 'spec.parallelism');
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function jobDuration(job: JsonRecord, now: number): string {
  const start = timeAt(job, 'status.startTime');
  if (start === undefined) return '';
  return humanDuration((timeAt(job, 'status.completionTime') ?? now) - start);
}

export const printCronJob: Printer = (object, { now }) => {
  const suspend = recordAt(object, 'spec')['suspend'];
  const last = timeAt(object, 'status.lastScheduleTime');
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.schedule'),
    textAt(object, 'spec.timeZone', '<none>'),
    suspend === undefined ? '<unset>' : suspend === true ? 'True' : 'False',
    listAt(object, 'status.active').length,
    last === undefined ? '<none>' : humanDuration(now - last),
    ageAt(object, created, now),
    ...containerCells(object, 'spec.jobTemplate.spec.template.spec.containers'),
    selectorAt(object, 'spec.jobTemplate.spec.selector'),
  ];
};

export const printPodTemplate: Printer = (object) => [
  textAt(object, 'metadata.name'),
  ...containerCells(object, 'template.spec.containers'),
  labelsText(recordAt(object, 'template.metadata.labels')),
];

export const printPodDisruptionBudget: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'spec.minAvailable', 'N/A'),
  textAt(object, 'spec.maxUnavailable', 'N/A'),
  countAt(object, 'status.disruptionsAllowed'),
  ageAt(object, created, now),
];

export const printAutoscaler: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  `${textAt(object, 'spec.scaleTargetRef.kind')}/${textAt(object, 'spec.scaleTargetRef.name')}`,
  targetsText(object),
  textAt(object, 'spec.minReplicas', '<unset>'),
  countAt(object, 'spec.maxReplicas'),
  countAt(object, 'status.currentReplicas'),
  ageAt(object, created, now),
];

/** Port of `formatHPAMetrics`: at most two targets are written out. */
function targetsText(autoscaler: JsonRecord): string {
  const specs = listAt(autoscaler, 'spec.metrics');
  if (specs.length === 0) return '<none>';
  const statuses = listAt(autoscaler, 'status.currentMetrics');
  const texts = specs.map((spec, index) => targetText(spec, statuses[index]));
  return texts.length > 2
    ? `${texts.slice(0, 2).join(', ')} + ${texts.length - 2} more...`
    : texts.join(', ');
}

function targetText(spec: JsonRecord, status: JsonRecord | undefined): string {
  switch (textAt(spec, 'type')) {
    case 'Resource':
      return resourceTarget(recordAt(spec, 'resource'), recordAt(status, 'resource'));
    case 'ContainerResource':
      return resourceTarget(recordAt(spec, 'containerResource'), recordAt(status, 'containerResource'));
    case 'External':
      return valueTarget(recordAt(spec, 'external'), recordAt(status, 'external'));
    case 'Object':
      return valueTarget(recordAt(spec, 'object'), recordAt(status, 'object'));
    case 'Pods':
      return `${textAt(status, 'pods.current.averageValue', '<unknown>')}/${textAt(spec, 'pods.target.averageValue')}`;
    default:
      return '<unknown type>';
  }
}

function resourceTarget(spec: JsonRecord, status: JsonRecord): string {
  const average = textAt(spec, 'target.averageValue');
  if (average !== '') {
    return `${textAt(spec, 'name')}: ${textAt(status, 'current.averageValue', '<unknown>')}/${average}`;
  }
  const current = textAt(status, 'current.averageUtilization');
  const target = textAt(spec, 'target.averageUtilization');
  return `${textAt(spec, 'name')}: ${current === '' ? '<unknown>' : `${current}%`}/${target === '' ? '<auto>' : `${target}%`}`;
}

function valueTarget(spec: JsonRecord, status: JsonRecord): string {
  const average = textAt(spec, 'target.averageValue');
  return average === ''
    ? `${textAt(status, 'current.value', '<unknown>')}/${textAt(spec, 'target.value')}`
    : `${textAt(status, 'current.averageValue', '<unknown>')}/${average} (avg)`;
}
