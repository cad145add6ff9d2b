import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { list, record, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

export interface ServiceAccountRow extends OwnedRow {
  /** Names of the secrets its pods pull images with. */
  readonly imagePullSecrets: readonly string[];
}

export const serviceaccounts: Resource<ServiceAccountRow> = defineResource<ServiceAccountRow>({
  name: 'serviceaccounts',
  title: 'ServiceAccounts',
  kind: 'ServiceAccount',
  group: '',
  apiVersion: 'v1',
  aliases: ['sa', 'serviceaccount'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    ageColumn,
    { title: 'PULL SECRETS', value: (row) => row.imagePullSecrets.join(','), priority: 4 },
  ],
  toRow: (object: KubeObject): ServiceAccountRow => ({
    ...ownedMetaOf(object),
    imagePullSecrets: list(object['imagePullSecrets']).map((secret) => text(record(secret)['name'])),
  }),
});
