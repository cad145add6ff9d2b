import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { ageText, number, record, text, time } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';

export interface LeaseRow extends OwnedRow {
  readonly holder: string;
  /** Kubelets renew theirs every 10 s: the earliest sign of a dead node. */
  readonly renewedAt: number | undefined;
  readonly durationSeconds: number | undefined;
}

export const leases: Resource<LeaseRow> = defineResource<LeaseRow>({
  name: 'leases',
  title: 'Leases',
  kind: 'Lease',
  group: 'coordination.k8s.io',
  apiVersion: 'v1',
  aliases: ['lease'],
  namespaced: true,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'HOLDER',
      value: (row) => row.holder,
      text: blankText((row) => row.holder),
      kubectl: 'table',
      priority: 1,
    },
    ageColumn,
    {
      title: 'RENEWED',
      value: (row) => row.renewedAt,
      text: (row, now) => ageText(row.renewedAt, now),
      tone: (row, now) => (isExpired(row, now) ? 'bad' : 'plain'),
      align: 'right',
      priority: 1,
    },
  ],
  toRow: (object: KubeObject): LeaseRow => {
    const spec = record(object['spec']);
    return {
      ...ownedMetaOf(object),
      holder: text(spec['holderIdentity']),
      renewedAt: time(spec['renewTime']),
      durationSeconds: number(spec['leaseDurationSeconds']),
    };
  },
});

const isExpired = ({ renewedAt, durationSeconds }: LeaseRow, now: number): boolean =>
  renewedAt !== undefined && durationSeconds !== undefined && now - renewedAt > durationSeconds * 1000;
