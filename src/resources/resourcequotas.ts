import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { amount, type Fields, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

interface QuotaItem {
  /** `requests.nvidia.com/gpu`, `limits.memory`, `pods` … */
  readonly resource: string;
  /** As the server writes them. */
  readonly used: string;
  readonly hard: string;
  /** In millicores, bytes or units; undefined where unreadable. */
  readonly usedAmount: number | undefined;
  readonly hardAmount: number | undefined;
}

export interface ResourceQuotaRow extends OwnedRow {
  /** Sorted by resource. */
  readonly items: readonly QuotaItem[];
}

export const resourcequotas: Resource<ResourceQuotaRow> = defineResource<ResourceQuotaRow>({
  name: 'resourcequotas',
  title: 'ResourceQuotas',
  kind: 'ResourceQuota',
  group: '',
  apiVersion: 'v1',
  aliases: ['quota', 'rq', 'resourcequota'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'REQUEST', value: requestText, text: blankText(requestText), kubectl: 'table', priority: 1 },
    { title: 'LIMIT', value: limitText, text: blankText(limitText), kubectl: 'table', priority: 3 },
    ageColumn,
    {
      title: 'FULL',
      value: (row) => fullItems(row).join(','),
      text: (row) => fullItems(row).join(','),
      tone: () => 'warn',
      priority: 2,
    },
  ],
  why: (row) => {
    const full = fullItems(row);
    return full.length === 0
      ? undefined
      : `Used up: ${full.join(', ')}. New pods that ask for more are refused.`;
  },
  toRow: quotaRow,
});

function quotaRow(object: KubeObject): ResourceQuotaRow {
  const status = record(object['status']);
  const hard = record(status['hard']);
  const used = record(status['used']);
  return {
    ...ownedMetaOf(object),
    items: Object.keys(hard)
      .sort()
      .map((resource) => itemOf(resource, used, hard)),
  };
}

function itemOf(resource: string, used: Fields, hard: Fields): QuotaItem {
  const unit = /(?:^|\.)cpu$/.test(resource) ? 'cpu' : resource;
  return {
    resource: shared(resource),
    used: text(used[resource]) || '0',
    hard: text(hard[resource]) || '0',
    usedAmount: amount(unit, used[resource]),
    hardAmount: amount(unit, hard[resource]),
  };
}

const isLimit = ({ resource }: QuotaItem): boolean => resource.startsWith('limits.');

const itemText = ({ resource, used, hard }: QuotaItem): string => `${resource}: ${used}/${hard}`;

function requestText(row: ResourceQuotaRow): string {
  return row.items
    .filter((item) => !isLimit(item))
    .map(itemText)
    .join(', ');
}

function limitText(row: ResourceQuotaRow): string {
  return row.items.filter(isLimit).map(itemText).join(', ');
}

/** A hard limit of 0 is a decision, not a shortage. */
function fullItems(row: ResourceQuotaRow): readonly string[] {
  return row.items
    .filter(
      ({ usedAmount, hardAmount }) =>
        usedAmount !== undefined && hardAmount !== undefined && hardAmount > 0 && usedAmount >= hardAmount,
    )
    .map(({ resource }) => resource);
}
