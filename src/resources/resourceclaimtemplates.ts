import type { KubeObject } from '../kube/object.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { record } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { type DeviceRequest, draVersions, requestsOfClaim } from './resourceclaims.ts';

export interface ResourceClaimTemplateRow extends OwnedRow {
  readonly requests: readonly DeviceRequest[];
}

export const resourceclaimtemplates: Resource<ResourceClaimTemplateRow> =
  defineResource<ResourceClaimTemplateRow>({
    name: 'resourceclaimtemplates',
    title: 'ResourceClaimTemplates',
    kind: 'ResourceClaimTemplate',
    ...draVersions,
    aliases: ['resourceclaimtemplate'],
    namespaced: true,
    capabilities: [],
    columns: [
      nameColumn,
      ageColumn,
      {
        title: 'REQUESTS',
        value: (row) =>
          row.requests
            .map(({ choices }) =>
              choices.map(({ className, count }) => `${count ?? 'all'}×${className}`).join('|'),
            )
            .join(','),
        priority: 2,
      },
    ],
    toRow: (object: KubeObject): ResourceClaimTemplateRow => ({
      ...ownedMetaOf(object),
      requests: requestsOfClaim(record(record(object['spec'])['spec'])),
    }),
  });
