import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { ageText, flag, list, record, shared, text, time } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { containerColumns, countColumn, selectorColumn, type TemplateRow, templateOf } from './template.ts';

export interface CronJobRow extends OwnedRow, TemplateRow {
  readonly schedule: string;
  /** `''`: the controller-manager's own zone. */
  readonly timeZone: string;
  readonly suspended: boolean;
  readonly active: number;
  readonly lastScheduledAt: number | undefined;
  readonly lastSucceededAt: number | undefined;
  readonly concurrencyPolicy: string;
}

export const cronjobs: Resource<CronJobRow> = defineResource<CronJobRow>({
  name: 'cronjobs',
  title: 'CronJobs',
  kind: 'CronJob',
  group: 'batch',
  apiVersion: 'v1',
  aliases: ['cj', 'cronjob'],
  namespaced: true,
  capabilities: ['suspend', 'trigger'],
  columns: [
    nameColumn,
    {
      title: 'SCHEDULE',
      value: (row) => row.schedule,
      text: (row) => row.schedule,
      kubectl: 'table',
      priority: 1,
    },
    { title: 'TIMEZONE', value: (row) => row.timeZone, kubectl: 'table', priority: 6 },
    {
      title: 'SUSPEND',
      value: (row) => (row.suspended ? 'True' : 'False'),
      tone: (row) => (row.suspended ? 'warn' : 'dim'),
      kubectl: 'table',
      priority: 3,
    },
    countColumn('ACTIVE', (row) => row.active, 3),
    {
      title: 'LAST SCHEDULE',
      value: (row) => row.lastScheduledAt,
      text: (row, now) => (row.lastScheduledAt === undefined ? '<none>' : ageText(row.lastScheduledAt, now)),
      align: 'right',
      kubectl: 'table',
      priority: 4,
    },
    ageColumn,
    ...containerColumns,
    selectorColumn,
    {
      title: 'LAST SUCCESS',
      value: (row) => row.lastSucceededAt,
      text: (row, now) => (row.lastSucceededAt === undefined ? '<none>' : ageText(row.lastSucceededAt, now)),
      align: 'right',
      priority: 5,
    },
  ],
  toRow: cronJobRow,
});

function cronJobRow(object: KubeObject): CronJobRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const job = record(record(spec['jobTemplate'])['spec']);
  return {
    ...ownedMetaOf(object),
    ...templateOf(job['template'], job['selector']),
    schedule: text(spec['schedule']),
    timeZone: shared(spec['timeZone']),
    suspended: flag(spec['suspend']),
    active: list(status['active']).length,
    lastScheduledAt: time(status['lastScheduleTime']),
    lastSucceededAt: time(status['lastSuccessfulTime']),
    concurrencyPolicy: shared(spec['concurrencyPolicy']),
  };
}
