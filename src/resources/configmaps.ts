import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { record, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { countColumn } from './template.ts';

export interface ConfigMapRow extends OwnedRow {
  /** Names only: values may be megabytes, and nobody reads them in a table. */
  readonly keys: readonly string[];
}

export const configmaps: Resource<ConfigMapRow> = defineResource<ConfigMapRow>({
  name: 'configmaps',
  title: 'ConfigMaps',
  kind: 'ConfigMap',
  group: '',
  apiVersion: 'v1',
  aliases: ['cm', 'configmap'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    countColumn('DATA', (row) => row.keys.length, 2),
    ageColumn,
    { title: 'KEYS', value: (row) => row.keys.join(','), tone: () => 'dim', priority: 3 },
  ],
  toRow: (object: KubeObject): ConfigMapRow => ({
    ...ownedMetaOf(object),
    keys: [...Object.keys(record(object['data'])), ...Object.keys(record(object['binaryData']))]
      .map(text)
      .sort(),
  }),
});
