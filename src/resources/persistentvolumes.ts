import type { V1NodeSelector } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { isRecord, record, shared, text } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import { defineResource, type Resource } from './resource.ts';
import { nodeSelectorOf } from './scheduling-terms.ts';
import {
  accessModesOf,
  accessModesText,
  phaseColumn,
  storageClassColumns,
  storageOf,
  volumeModeColumn,
} from './volumes.ts';

export interface PersistentVolumeRow extends OwnedRow {
  /** The phase, or `Terminating`. */
  readonly status: string;
  readonly phase: string;
  readonly capacity: string;
  readonly capacityBytes: number | undefined;
  readonly accessModes: readonly string[];
  readonly reclaimPolicy: string;
  readonly claim: { readonly namespace: string; readonly name: string; readonly uid: string } | undefined;
  readonly storageClass: string;
  readonly attributesClass: string;
  readonly reason: string;
  readonly message: string;
  readonly volumeMode: string;
  readonly nodeAffinity: V1NodeSelector | undefined;
  /** Undefined for volumes that are not CSI. */
  readonly csi: { readonly driver: string; readonly handle: string } | undefined;
}

export const persistentvolumes: Resource<PersistentVolumeRow> = defineResource<PersistentVolumeRow>({
  name: 'persistentvolumes',
  title: 'PersistentVolumes',
  kind: 'PersistentVolume',
  group: '',
  apiVersion: 'v1',
  aliases: ['pv', 'persistentvolume'],
  namespaced: false,
  capabilities: [],
  columns: [
    nameColumn,
    {
      title: 'CAPACITY',
      value: (row) => row.capacityBytes,
      text: (row) => row.capacity,
      align: 'right',
      kubectl: 'table',
      priority: 2,
    },
    {
      title: 'ACCESS MODES',
      value: (row) => accessModesText(row.accessModes),
      kubectl: 'table',
      priority: 4,
    },
    { title: 'RECLAIM POLICY', value: (row) => row.reclaimPolicy, kubectl: 'table', priority: 5 },
    phaseColumn,
    { title: 'CLAIM', value: claimText, text: claimText, kubectl: 'table', priority: 2 },
    ...storageClassColumns,
    {
      title: 'REASON',
      value: (row) => row.reason,
      text: blankText((row) => row.reason),
      kubectl: 'table',
      priority: 6,
    },
    ageColumn,
    volumeModeColumn,
  ],
  fault: (row) => row.phase === 'Failed',
  why: (row) => (row.phase === 'Failed' ? row.message || row.reason : undefined),
  toRow: volumeRow,
});

function claimText({ claim }: PersistentVolumeRow): string {
  return claim === undefined ? '' : `${claim.namespace}/${claim.name}`;
}

function volumeRow(object: KubeObject): PersistentVolumeRow {
  const spec = record(object['spec']);
  const status = record(object['status']);
  const meta = ownedMetaOf(object);
  const phase = shared(status['phase']);
  const capacity = storageOf(spec['capacity']);
  const { claimRef: claim, csi } = spec;
  return {
    ...meta,
    status: meta.deletedAt === undefined ? phase : 'Terminating',
    phase,
    capacity: capacity.text || '0',
    capacityBytes: capacity.bytes,
    accessModes: accessModesOf(spec['accessModes']),
    reclaimPolicy: shared(spec['persistentVolumeReclaimPolicy']),
    claim: isRecord(claim)
      ? { namespace: shared(claim['namespace']), name: text(claim['name']), uid: text(claim['uid']) }
      : undefined,
    storageClass: shared(spec['storageClassName']),
    attributesClass: shared(spec['volumeAttributesClassName']),
    reason: shared(status['reason']),
    message: shared(status['message']),
    volumeMode: shared(spec['volumeMode']),
    nodeAffinity: nodeSelectorOf(record(spec['nodeAffinity'])['required']),
    csi: isRecord(csi) ? { driver: shared(csi['driver']), handle: text(csi['volumeHandle']) } : undefined,
  };
}
