import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

/** Never a value, never a key: what is not kept cannot leak. */
export interface SecretRow extends OwnedRow {
  readonly type: string;
  /** Undefined where only metadata was asked for. */
  readonly keyCount: number | undefined;
}

export const secrets: Resource<SecretRow> = defineResource<SecretRow>({
  name: 'secrets',
  title: 'Secrets',
  kind: 'Secret',
  group: '',
  apiVersion: 'v1',
  aliases: ['sec', 'secret'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    { title: 'TYPE', value: (row) => row.type, kubectl: 'table', priority: 2 },
    {
      title: 'DATA',
      value: (row) => row.keyCount,
      text: (row) => String(row.keyCount ?? '<unknown>'),
      align: 'right',
      kubectl: 'table',
      priority: 3,
    },
    ageColumn,
  ],
  toRow: (object: KubeObject): SecretRow => ({
    ...ownedMetaOf(object),
    type: shared(object['type']),
    // A metadata-only answer is a PartialObjectMetadata: its missing data is not zero keys.
    keyCount:
      object['type'] === undefined && object['data'] === undefined
        ? undefined
        : Object.keys(record(object['data'])).length,
  }),
});
