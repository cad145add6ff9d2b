import { ageAt } from './duration.ts';
import { flagAt, listAt, type Printer, recordAt, textAt, textsAt } from './read.ts';

const created = 'metadata.creationTimestamp';

const shortMode: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** Access modes in the server's own order, each once. */
const modesText = (modes: readonly string[]): string =>
  Object.entries(shortMode)
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',');

const storageClass = (object: unknown): string => {
  const annotations = recordAt(object, 'metadata.annotations');
  const old = annotations['volume.beta.kubernetes.io/storage-class'];
  return typeof old === 'string' ? old : textAt(object, 'spec.storageClassName');
};

const phase = (object: unknown): string =>
  textAt(object, 'metadata.deletionTimestamp') === '' ? textAt(object, 'status.phase') : 'Terminating';

export const printPersistentVolume: Printer = (volume, { now }) => {
  const claim = recordAt(volume, 'spec.claimRef');
  return [
    textAt(volume, 'metadata.name'),
    textAt(volume, 'spec.capacity.storage'),
    modesText(textsAt(volume, 'spec.accessModes')),
    textAt(volume, 'spec.persistentVolumeReclaimPolicy'),
    phase(volume),
    textAt(claim, 'name') === '' ? '' : `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}`,
    storageClass(volume),
    textAt(volume, 'spec.volumeAttributesClassName', '<unset>'),
    textAt(volume, 'status.reason'),
    ageAt(volume, created, now),
    textAt(volume, 'spec.volumeMode', '<unset>'),
  ];
};

export const printPersistentVolumeClaim: Printer = (claim, { now }) => {
  const bound = textAt(claim, 'spec.volumeName') !== '';
  return [
    textAt(claim, 'metadata.name'),
    phase(claim),
    textAt(claim, 'spec.volumeName'),
    bound ? textAt(claim, 'status.capacity.storage') : '',
    bound ? modesText(textsAt(claim, 'status.accessModes')) : '',
    storageClass(claim),
    textAt(claim, 'spec.volumeAttributesClassName', '<unset>'),
    ageAt(claim, created, now),
    textAt(claim, 'spec.volumeMode', '<unset>'),
  ];
};

export const printStorageClass: Printer = (object, { now }) => {
  const annotations = recordAt(object, 'metadata.annotations');
  const isDefault = [
    'storageclass.kubernetes.io/is-default-class',
    'storageclass.beta.kubernetes.io/is-default-class',
  ].some((key) => annotations[key] === 'true');
  const name = textAt(object, 'metadata.name');
  return [
    isDefault ? `${name} (default)` : name,
    textAt(object, 'provisioner'),
    textAt(object, 'reclaimPolicy', 'Delete'),
    textAt(object, 'volumeBindingMode', 'Immediate'),
    flagAt(object, 'allowVolumeExpansion'),
    ageAt(object, created, now),
  ];
};

export const printCsiNode: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  listAt(object, 'spec.drivers').length,
  ageAt(object, created, now),
];

export const printVolumeAttachment: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'spec.attacher'),
  textAt(object, 'spec.source.persistentVolumeName'),
  textAt(object, 'spec.nodeName'),
  flagAt(object, 'status.attached'),
  ageAt(object, created, now),
];

export const printVolumeAttributesClass: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'driverName'),
  ageAt(object, created, now),
];
