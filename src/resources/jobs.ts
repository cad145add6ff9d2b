import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { type Condition, conditionsOf, conditionText, findCondition, isTrue } from './conditions.ts';
import { count, flag, humanDuration, labelsNamed, number, record, shared, text, time } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Labels } from './pod-row.ts';
import { defineResource, type Resource, type Tone } from './resource.ts';
import {
  containerColumns,
  gpuPerPodColumn,
  selectorColumn,
  type TemplateRow,
  templateOf,
} from './template.ts';

export interface JobRow extends OwnedRow, TemplateRow {
  /** As the API server prints it: `Complete`, `Failed`, `Suspended`, `Running` … */
  readonly status: string;
  /** Undefined for a work queue: one success ends it. */
  readonly completions: number | undefined;
  readonly parallelism: number;
  readonly active: number;
  /** Undefined where the server does not count ready pods. */
  readonly ready: number | undefined;
  readonly succeeded: number;
  readonly failed: number;
  readonly terminating: number;
  readonly suspended: boolean;
  readonly indexed: boolean;
  readonly completedIndexes: string;
  readonly failedIndexes: string;
  readonly backoffLimit: number | undefined;
  readonly startedAt: number | undefined;
  readonly completedAt: number | undefined;
  readonly conditions: readonly Condition[];
  /** Only the keys that mltop reads. */
  readonly annotations: Labels;
}

const annotationNames: readonly string[] = [
  'batch.kubernetes.io/cronjob-scheduled-timestamp',
  'kueue.x-k8s.io/job-min-parallelism',
  'kueue.x-k8s.io/workload',
];

export const jobs: Resource<JobRow> = defineResource<JobRow>({
  name: 'jobs',
  title: 'Jobs',
  kind: 'Job',
  group: 'batch',
  apiVersion: 'v1',
  aliases: ['job', 'jo'],
  namespaced: true,
  capabilities: ['logs', 'suspend'],
  columns: [
    nameColumn,
    {
      title: 'STATUS',
      value: (row) => row.status,
      text: (row) => row.status,
      tone: statusTone,
      kubectl: 'table',
      priority: 0,
    },
    {
      title: 'COMPLETIONS',
      value: (row) => row.succeeded / Math.max(1, row.completions ?? 1),
      text: completionsText,
      align: 'right',
      kubectl: 'table',
      priority: 1,
    },
    {
      title: 'DURATION',
      value: (row) =>
        row.startedAt === undefined || row.completedAt === undefined
          ? undefined
          : row.completedAt - row.startedAt,
      text: (row, now) =>
        row.startedAt === undefined ? '' : humanDuration((row.completedAt ?? now) - row.startedAt),
      align: 'right',
      kubectl: 'table',
      priority: 4,
    },
    ageColumn,
    ...containerColumns,
    selectorColumn,
    gpuPerPodColumn,
    { title: 'ACTIVE', value: (row) => row.active, align: 'right', priority: 4 },
    {
      title: 'FAILED',
      value: (row) => row.failed,
      align: 'right',
      priority: 5,
      tone: (row) => (row.failed > 0 ? 'warn' : 'dim'),
    },
    {
      title: 'QUEUE',
      value: (row) => row.labels['kueue.x-k8s.io/queue-name'],
      text: blankText((row) => row.labels['kueue.x-k8s.io/queue-name']),
      wide: true,
      priority: 7,
    },
  ],
  fault: (row, now) => row.status === 'Failed' || jobWithoutPods(row, now),
  why: whyJob,
  toRow: jobRow,
});

function jobRow(object: KubeObject): JobRow {
  const metadata = record(object.metadata);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const conditions = conditionsOf(status['conditions']);
  const meta = ownedMetaOf(object);
  return {
    ...meta,
    ...templateOf(spec['template'], spec['selector']),
    status: statusOf(conditions, meta.deletedAt),
    completions: number(spec['completions']),
    parallelism: number(spec['parallelism']) ?? 1,
    active: count(status['active']),
    ready: number(status['ready']),
    succeeded: count(status['succeeded']),
    failed: count(status['failed']),
    terminating: count(status['terminating']),
    suspended: flag(spec['suspend']),
    indexed: spec['completionMode'] === 'Indexed',
    completedIndexes: text(status['completedIndexes']),
    failedIndexes: text(status['failedIndexes']),
    backoffLimit: number(spec['backoffLimit']),
    startedAt: time(status['startTime']),
    completedAt: time(status['completionTime']),
    conditions,
    annotations: labelsNamed(metadata['annotations'], annotationNames),
  };
}

/** printJob: the first of these that is so. A Job that quota keeps from making pods prints Running. */
function statusOf(conditions: readonly Condition[], deletedAt: number | undefined): string {
  if (isTrue(conditions, 'Complete')) return 'Complete';
  if (isTrue(conditions, 'Failed')) return 'Failed';
  if (deletedAt !== undefined) return 'Terminating';
  const running = ['Suspended', 'FailureTarget', 'SuccessCriteriaMet'].find((type) =>
    isTrue(conditions, type),
  );
  return shared(running) || 'Running';
}

function completionsText(row: JobRow): string {
  if (row.completions !== undefined) return `${row.succeeded}/${row.completions}`;
  return row.parallelism > 1 ? `${row.succeeded}/1 of ${row.parallelism}` : `${row.succeeded}/1`;
}

function statusTone(row: JobRow, now: number): Tone {
  if (row.status === 'Failed' || row.status === 'FailureTarget') return 'bad';
  if (row.status === 'Complete' || row.status === 'SuccessCriteriaMet') return 'done';
  if (row.status === 'Suspended') return 'pending';
  if (row.status === 'Terminating') return 'dim';
  return jobWithoutPods(row, now) ? 'bad' : 'good';
}

/** A controller makes pods within seconds; none for this long means that something refuses them. */
const podsAreLate = 30_000;

const jobWithoutPods = (row: JobRow, now: number): boolean =>
  row.status === 'Running' &&
  !row.suspended &&
  row.active + row.succeeded + row.terminating === 0 &&
  row.createdAt !== undefined &&
  now - (row.startedAt ?? row.createdAt) > podsAreLate;

function whyJob(row: JobRow, now: number): string | undefined {
  const failed =
    findCondition(row.conditions, 'Failed', 'True') ?? findCondition(row.conditions, 'FailureTarget', 'True');
  if (failed !== undefined) {
    const indexes = row.failedIndexes === '' ? '' : ` (indexes ${row.failedIndexes})`;
    return `${conditionText(failed)}${indexes}`;
  }
  const suspended = findCondition(row.conditions, 'Suspended', 'True');
  if (suspended !== undefined) {
    const queue = row.labels['kueue.x-k8s.io/queue-name'];
    return queue === undefined
      ? conditionText(suspended)
      : `Suspended; queue ${queue} decides when it starts`;
  }
  if (!jobWithoutPods(row, now)) return undefined;
  return row.failed > 0
    ? `No pod runs; ${row.failed} failed and the next try waits`
    : 'No pod was made: quota, admission or a webhook refuses them; see the events';
}
