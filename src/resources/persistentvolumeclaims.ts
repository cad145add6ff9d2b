import type { V1LabelSelector } from '@kubernetes/client-node';
import type { KubeObject } from '../kube/object.ts';
import { ageColumn, blankText, nameColumn } from './columns.ts';
import { type Condition, conditionsOf } from './conditions.ts';
import { ageText, labelsNamed, record, shared } from './fields.ts';
import { type OwnedRow, ownedMetaOf } from './meta.ts';
import type { Labels } from './pod-row.ts';
import { defineResource, type Resource } from './resource.ts';
import { labelSelectorOf } from './scheduling-terms.ts';
import {
  accessModesOf,
  accessModesText,
  phaseColumn,
  storageClassColumns,
  storageOf,
  volumeModeColumn,
} from './volumes.ts';

export interface PersistentVolumeClaimRow extends OwnedRow {
  /** The phase, or `Terminating`. */
  readonly status: string;
  readonly phase: string;
  /** `''` while unbound. */
  readonly volume: string;
  /** As written: `50Ti`; `''` while unbound. */
  readonly capacity: string;
  readonly capacityBytes: number | undefined;
  /** Asked for, in bytes. */
  readonly requestBytes: number | undefined;
  /** Of the spec. */
  readonly accessModes: readonly string[];
  /** Of the status: what the volume really allows. */
  readonly boundModes: readonly string[];
  readonly storageClass: string;
  /** False where the claim names no class and so gets the default one; `''` named explicitly is true. */
  readonly namesClass: boolean;
  readonly attributesClass: string;
  readonly volumeMode: string;
  readonly selector: V1LabelSelector | undefined;
  readonly conditions: readonly Condition[];
  readonly annotations: Labels;
}

const annotationNames: readonly string[] = [
  'pv.kubernetes.io/bind-completed',
  'volume.kubernetes.io/selected-node',
  'volume.kubernetes.io/storage-provisioner',
];

export const persistentvolumeclaims: Resource<PersistentVolumeClaimRow> =
  defineResource<PersistentVolumeClaimRow>({
    name: 'persistentvolumeclaims',
    title: 'PersistentVolumeClaims',
    kind: 'PersistentVolumeClaim',
    group: '',
    apiVersion: 'v1',
    aliases: ['pvc', 'persistentvolumeclaim'],
    namespaced: true,
    capabilities: [],
    columns: [
      nameColumn,
      phaseColumn,
      {
        title: 'VOLUME',
        value: (row) => row.volume,
        text: blankText((row) => row.volume),
        kubectl: 'table',
        priority: 5,
      },
      {
        title: 'CAPACITY',
        value: (row) => row.capacityBytes,
        text: (row) => row.capacity,
        align: 'right',
        kubectl: 'table',
        priority: 3,
      },
      {
        title: 'ACCESS MODES',
        value: (row) => accessModesText(row.boundModes),
        text: (row) => (row.volume === '' ? '' : accessModesText(row.boundModes)),
        kubectl: 'table',
        priority: 4,
      },
      ...storageClassColumns,
      ageColumn,
      volumeModeColumn,
    ],
    fault: (row, now) => row.status === 'Lost' || (isPendingLong(row, now) && isUnanswered(row)),
    why: (row, now) => {
      if (row.status === 'Lost') return `Volume ${row.volume} no longer exists`;
      if (!isPendingLong(row, now)) return undefined;
      const of = row.storageClass === '' ? 'no storage class' : `storage class ${row.storageClass}`;
      return `Pending for ${ageText(row.createdAt, now)} (${of}); its events say what it waits for`;
    },
    toRow: claimRow,
  });

/** Provisioners answer within a minute or two. */
const provisioningIsLate = 300_000;

const isPendingLong = (row: PersistentVolumeClaimRow, now: number): boolean =>
  row.phase === 'Pending' &&
  row.deletedAt === undefined &&
  row.createdAt !== undefined &&
  now - row.createdAt > provisioningIsLate;

/** Waiting for a first consumer is by design, and looks like waiting for a class: the pod that waits is told of both. */
const isUnanswered = (row: PersistentVolumeClaimRow): boolean =>
  row.storageClass === '' || row.annotations['volume.kubernetes.io/storage-provisioner'] !== undefined;

function claimRow(object: KubeObject): PersistentVolumeClaimRow {
  const metadata = record(object.metadata);
  const spec = record(object['spec']);
  const status = record(object['status']);
  const meta = ownedMetaOf(object);
  const volume = shared(spec['volumeName']);
  const capacity = storageOf(status['capacity']);
  const phase = shared(status['phase']);
  return {
    ...meta,
    status: meta.deletedAt === undefined ? phase : 'Terminating',
    phase,
    volume,
    // Go prints the zero quantity where a bound claim has no capacity yet.
    capacity: volume === '' ? '' : capacity.text || '0',
    capacityBytes: volume === '' ? undefined : capacity.bytes,
    requestBytes: storageOf(record(spec['resources'])['requests']).bytes,
    accessModes: accessModesOf(spec['accessModes']),
    boundModes: accessModesOf(status['accessModes']),
    storageClass:
      shared(spec['storageClassName']) ||
      shared(record(metadata['annotations'])['volume.beta.kubernetes.io/storage-class']),
    namesClass: typeof spec['storageClassName'] === 'string',
    attributesClass: shared(spec['volumeAttributesClassName']),
    volumeMode: shared(spec['volumeMode']),
    selector: labelSelectorOf(spec['selector']),
    conditions: conditionsOf(status['conditions']),
    annotations: labelsNamed(metadata['annotations'], annotationNames),
  };
}
