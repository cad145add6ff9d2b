import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { flag, list, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

export interface StorageClassRow extends OwnedRow {
  readonly isDefault: boolean;
  readonly provisioner: string;
  readonly reclaimPolicy: string;
  /** `Immediate` or `WaitForFirstConsumer`. */
  readonly bindingMode: string;
  readonly allowsExpansion: boolean;
  /** allowedTopologies: a node matches one term whole. Empty: everywhere. */
  readonly topologies: readonly (readonly { readonly key: string; readonly values: readonly string[] }[])[];
}

const defaultAnnotations: readonly string[] = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

export const storageclasses: Resource<StorageClassRow> = defineResource<StorageClassRow>({
  name: 'storageclasses',
  title: 'StorageClasses',
  kind: 'StorageClass',
  group: 'storage.k8s.io',
  apiVersion: 'v1',
  aliases: ['sc', 'storageclass'],
  namespaced: false,
  capabilities: [],
  columns: [
    { ...nameColumn, text: (row: StorageClassRow) => (row.isDefault ? `${row.name} (default)` : row.name) },
    { title: 'PROVISIONER', value: (row) => row.provisioner, kubectl: 'table', priority: 1 },
    { title: 'RECLAIMPOLICY', value: (row) => row.reclaimPolicy, kubectl: 'table', priority: 4 },
    { title: 'VOLUMEBINDINGMODE', value: (row) => row.bindingMode, kubectl: 'table', priority: 3 },
    {
      title: 'ALLOWVOLUMEEXPANSION',
      value: (row) => String(row.allowsExpansion),
      kubectl: 'table',
      priority: 5,
    },
    ageColumn,
  ],
  toRow: storageClassRow,
});

function storageClassRow(object: KubeObject): StorageClassRow {
  const annotations = record(record(object.metadata)['annotations']);
  return {
    ...ownedMetaOf(object),
    isDefault: defaultAnnotations.some((name) => annotations[name] === 'true'),
    provisioner: shared(object['provisioner']),
    reclaimPolicy: shared(object['reclaimPolicy']) || 'Delete',
    bindingMode: shared(object['volumeBindingMode']) || 'Immediate',
    allowsExpansion: flag(object['allowVolumeExpansion']),
    topologies: list(object['allowedTopologies']).map((term) =>
      list(record(term)['matchLabelExpressions']).map((expression) => ({
        key: shared(record(expression)['key']),
        values: list(record(expression)['values']).map(shared),
      })),
    ),
  };
}
