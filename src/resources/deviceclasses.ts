import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { list, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { draVersions } from './resourceclaims.ts';

export interface DeviceClassRow extends OwnedRow {
  /** CEL expressions that a device must satisfy. */
  readonly selectors: readonly string[];
  /** Pods may ask for this resource name instead of a claim; `''` for none. */
  readonly extendedResource: string;
}

export const deviceclasses: Resource<DeviceClassRow> = defineResource<DeviceClassRow>({
  name: 'deviceclasses',
  title: 'DeviceClasses',
  kind: 'DeviceClass',
  ...draVersions,
  aliases: ['deviceclass'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    ageColumn,
    { title: 'EXTENDED RESOURCE', value: (row) => row.extendedResource, priority: 2 },
  ],
  toRow: (object: KubeObject): DeviceClassRow => {
    const spec = record(object['spec']);
    return {
      ...ownedMetaOf(object),
      selectors: list(spec['selectors']).map((raw) => shared(record(record(raw)['cel'])['expression'])),
      extendedResource: shared(spec['extendedResourceName']),
    };
  },
});
