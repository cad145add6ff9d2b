import type { KubeObject } from '../kube/object.ts';
import { isRecord, list, record } from '../resources/fields.ts';
import {
  annotationLines,
  bool,
  dateText,
  eventLines,
  goList,
  head,
  labelLines,
  labelsText,
  multiline,
  type Related,
  sinceText,
  str,
} from './parts.ts';
import { createPage, type Page } from './tabs.ts';
import { volumeSource } from './volumes.ts';

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

const modes = (value: unknown): string => {
  const given = new Set(list(value).map(str));
  return Object.entries(shortModes)
    .filter(([mode]) => given.has(mode))
    .map(([, short]) => short)
    .join(',');
};

function statusLine(page: Page, object: KubeObject, now: number): void {
  const gone = record(object.metadata)['deletionTimestamp'];
  const phase = str(record(object['status'])['phase']);
  page.write(
    0,
    `Status:\t${typeof gone === 'string' ? `Terminating (lasts ${sinceText(gone, now)})` : phase}\n`,
  );
}

/** Related: `pods` of its namespace. */
export function describeClaim(claim: KubeObject, { events, pods }: Related, now: number): string {
  const page = createPage();
  const metadata = record(claim.metadata);
  const spec = record(claim['spec']);
  const status = record(claim['status']);
  const isBound = str(spec['volumeName']) !== '';
  head(page, claim);
  const annotations = record(metadata['annotations']);
  page.write(
    0,
    `StorageClass:\t${str(annotations['volume.beta.kubernetes.io/storage-class']) || str(spec['storageClassName'])}\n`,
  );
  statusLine(page, claim, now);
  page.write(0, `Volume:\t${str(spec['volumeName'])}\n`);
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  page.write(0, `Finalizers:\t${goList(metadata['finalizers'])}\n`);
  page.write(0, `Capacity:\t${isBound ? str(record(status['capacity'])['storage']) || '0' : ''}\n`);
  page.write(0, `Access Modes:\t${isBound ? modes(status['accessModes']) : ''}\n`);
  if (spec['volumeMode'] !== undefined) page.write(0, `VolumeMode:\t${str(spec['volumeMode'])}\n`);
  const source = spec['dataSource'];
  if (isRecord(source)) {
    page.write(0, 'DataSource:\n');
    if (source['apiGroup'] !== undefined) page.write(1, `APIGroup:\t${str(source['apiGroup'])}\n`);
    page.write(1, `Kind:\t${str(source['kind'])}\n`);
    page.write(1, `Name:\t${str(source['name'])}\n`);
  }
  if (pods === undefined) page.write(0, 'Used By:\t<unknown>\n');
  else {
    const name = str(metadata['name']);
    const users = pods.filter((pod) => usesClaim(pod, name)).map((pod) => str(record(pod.metadata)['name']));
    multiline(page, 'Used By', users.sort());
  }
  claimConditions(page, list(status['conditions']));
  eventLines(page, events, now);
  return page.text();
}

function usesClaim(pod: KubeObject, claim: string): boolean {
  const name = str(record(pod.metadata)['name']);
  return list(record(pod['spec'])['volumes']).some((raw) => {
    const volume = record(raw);
    if (isRecord(volume['persistentVolumeClaim']))
      return volume['persistentVolumeClaim']['claimName'] === claim;
    return isRecord(volume['ephemeral']) && `${name}-${str(volume['name'])}` === claim;
  });
}

function claimConditions(page: Page, conditions: readonly unknown[]): void {
  if (conditions.length === 0) return;
  page.write(0, 'Conditions:\n');
  page.write(1, 'Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage\n');
  page.write(1, '----\t------\t-----------------\t------------------\t------\t-------\n');
  for (const raw of conditions) {
    const condition = record(raw);
    page.write(
      1,
      `${str(condition['type'])} \t${str(condition['status'])} \t${dateText(condition['lastProbeTime'])} \t${dateText(condition['lastTransitionTime'])} \t${str(condition['reason'])} \t${str(condition['message'])}\n`,
    );
  }
}

export function describeVolume(volume: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const metadata = record(volume.metadata);
  const spec = record(volume['spec']);
  head(page, volume, { namespaced: false });
  labelLines(page, 'Labels', metadata['labels']);
  annotationLines(page, metadata['annotations']);
  page.write(0, `Finalizers:\t${goList(metadata['finalizers'])}\n`);
  page.write(0, `StorageClass:\t${str(spec['storageClassName'])}\n`);
  statusLine(page, volume, now);
  const claim = record(spec['claimRef']);
  page.write(
    0,
    `Claim:\t${isRecord(spec['claimRef']) ? `${str(claim['namespace'])}/${str(claim['name'])}` : ''}\n`,
  );
  page.write(0, `Reclaim Policy:\t${str(spec['persistentVolumeReclaimPolicy'])}\n`);
  page.write(0, `Access Modes:\t${modes(spec['accessModes'])}\n`);
  if (spec['volumeMode'] !== undefined) page.write(0, `VolumeMode:\t${str(spec['volumeMode'])}\n`);
  page.write(0, `Capacity:\t${str(record(spec['capacity'])['storage'])}\n`);
  affinityLines(page, record(spec['nodeAffinity'])['required']);
  page.write(0, `Message:\t${str(record(volume['status'])['message'])}\n`);
  page.write(0, 'Source:\n');
  volumeSource(page, spec);
  eventLines(page, events, now);
  return page.text();
}

function affinityLines(page: Page, required: unknown): void {
  page.write(0, 'Node Affinity:\t');
  if (!isRecord(required)) {
    page.write(0, '<none>\n');
    return;
  }
  page.write(0, '\n');
  const terms = list(required['nodeSelectorTerms']).map(record);
  page.write(1, `Required Terms:\t${terms.length === 0 ? '<none>' : ''}\n`);
  for (const [index, term] of terms.entries()) {
    const expressions = list(term['matchExpressions']).map((raw) => {
      const { key, operator, values } = record(raw);
      const given = list(values);
      return `${str(key)} ${str(operator).toLowerCase()}${given.length === 0 ? '' : ` [${given.map(str).join(', ')}]`}`;
    });
    multiline(page, `Term ${index}`, expressions, '    ');
  }
}

export function describeStorageClass(storage: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  const annotations = record(record(storage.metadata)['annotations']);
  const isDefault = ['storageclass.kubernetes.io', 'storageclass.beta.kubernetes.io'].some(
    (domain) => annotations[`${domain}/is-default-class`] === 'true',
  );
  head(page, storage, { namespaced: false });
  page.write(0, `IsDefaultClass:\t${isDefault ? 'Yes' : 'No'}\n`);
  page.write(0, `Annotations:\t${labelsText(annotations)}\n`);
  page.write(0, `Provisioner:\t${str(storage['provisioner'])}\n`);
  page.write(0, `Parameters:\t${labelsText(storage['parameters'])}\n`);
  const grows = storage['allowVolumeExpansion'];
  page.write(0, `AllowVolumeExpansion:\t${grows === undefined ? '<unset>' : bool(grows)}\n`);
  const options = list(storage['mountOptions']).map(str);
  page.write(0, options.length === 0 ? 'MountOptions:\t<none>\n' : 'MountOptions:\n');
  for (const option of options) page.write(1, `${option}\n`);
  for (const [title, field] of [
    ['ReclaimPolicy', 'reclaimPolicy'],
    ['VolumeBindingMode', 'volumeBindingMode'],
  ] as const)
    if (storage[field] !== undefined) page.write(0, `${title}:\t${str(storage[field])}\n`);
  if (storage['allowedTopologies'] !== undefined) topologyLines(page, list(storage['allowedTopologies']));
  eventLines(page, events, now);
  return page.text();
}

function topologyLines(page: Page, terms: readonly unknown[]): void {
  page.write(0, `AllowedTopologies:\t${terms.length === 0 ? '<none>' : ''}\n`);
  for (const [at, term] of terms.entries()) {
    const places = list(record(term)['matchLabelExpressions']).map((raw) => {
      const { key, values } = record(raw);
      return `${str(key)} in [${list(values).map(str).join(', ')}]`;
    });
    page.write(1, `Term ${at}:\t${places[0] ?? '<none>'}\n`);
    for (const place of places.slice(1)) page.write(1, `\t${place}\n`);
  }
}
