import type { KubeObject } from '../kube/object.ts';
import { nameColumn } from './columns.ts';
import { amounts, list, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Requests } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';

export interface LimitRangeRow extends OwnedRow {
  /** As the server writes it, RFC 3339. */
  readonly createdText: string;
  readonly limits: readonly {
    readonly type: string;
    readonly max: Requests;
    readonly min: Requests;
    readonly default: Requests;
    readonly defaultRequest: Requests;
  }[];
}

export const limitranges: Resource<LimitRangeRow> = defineResource<LimitRangeRow>({
  name: 'limitranges',
  title: 'LimitRanges',
  kind: 'LimitRange',
  group: '',
  apiVersion: 'v1',
  aliases: ['limits', 'lr', 'limitrange'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'CREATED AT',
      value: (row) => row.createdAt,
      text: (row) => row.createdText || '<unknown>',
      kubectl: 'table',
      priority: 2,
    },
    { title: 'TYPES', value: (row) => row.limits.map(({ type }) => type).join(','), priority: 3 },
  ],
  toRow: (object: KubeObject): LimitRangeRow => ({
    ...ownedMetaOf(object),
    createdText: text(record(object.metadata)['creationTimestamp']),
    limits: list(record(object['spec'])['limits']).map((raw) => {
      const limit = record(raw);
      return {
        type: shared(limit['type']),
        max: amounts(limit['max']),
        min: amounts(limit['min']),
        default: amounts(limit['default']),
        defaultRequest: amounts(limit['defaultRequest']),
      };
    }),
  }),
});
