import { type Fields, isRecord, list, record } from '../resources/fields.ts';
import { byName, str } from './parts.ts';
import type { Page } from './tabs.ts';

const optional = (source: Fields): string => String(source['optional'] === true);

export function volumeLines(page: Page, volumes: readonly unknown[], space = ''): void {
  if (volumes.length === 0) {
    page.write(0, `${space}Volumes:\t<none>\n`);
    return;
  }
  page.write(0, `${space}Volumes:\n`);
  for (const raw of volumes) {
    const volume = record(raw);
    page.write(1, `${space === '' ? '' : ' '}${str(volume['name'])}:\n`);
    const source = Object.entries(volume).find(([field, value]) => field !== 'name' && isRecord(value));
    const describe = source === undefined ? undefined : sources[source[0]];
    if (source === undefined || describe === undefined) page.write(1, '<unknown>\n');
    else describe(page, record(source[1]));
  }
}

type Describe = (page: Page, source: Fields) => void;

const rows =
  (type: string, fields: (source: Fields) => readonly (readonly [string, string])[]): Describe =>
  (page, source) => {
    page.write(2, `Type:\t${type}\n`);
    for (const [name, value] of fields(source)) page.write(2, `${name}:\t${value}\n`);
  };

const readOnly = (source: Fields): readonly [string, string] => [
  'ReadOnly',
  String(source['readOnly'] === true),
];

const sources: Readonly<Record<string, Describe>> = {
  hostPath: rows('HostPath (bare host directory volume)', (source) => [
    ['Path', str(source['path'])],
    ['HostPathType', source['type'] === undefined ? '<none>' : str(source['type'])],
  ]),
  emptyDir: rows("EmptyDir (a temporary directory that shares a pod's lifetime)", (source) => [
    ['Medium', str(source['medium'])],
    ['SizeLimit', str(source['sizeLimit']) || '<unset>'],
  ]),
  secret: rows('Secret (a volume populated by a Secret)', (source) => [
    ['SecretName', str(source['secretName'])],
    ['Optional', optional(source)],
  ]),
  configMap: rows('ConfigMap (a volume populated by a ConfigMap)', (source) => [
    ['Name', str(source['name'])],
    ['Optional', optional(source)],
  ]),
  nfs: rows('NFS (an NFS mount that lasts the lifetime of a pod)', (source) => [
    ['Server', str(source['server'])],
    ['Path', str(source['path'])],
    readOnly(source),
  ]),
  persistentVolumeClaim: rows(
    'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    (source) => [['ClaimName', str(source['claimName'])], readOnly(source)],
  ),
  image: rows('Image (a container image or OCI artifact)', (source) => [
    ['Reference', str(source['reference'])],
    ['PullPolicy', str(source['pullPolicy'])],
  ]),
  csi: csiLines,
  ephemeral(page, source) {
    page.write(
      2,
      'Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)\n',
    );
    const { spec, metadata } = record(source['volumeClaimTemplate']);
    const claim = record(spec);
    page.write(2, `StorageClass:\t${str(claim['storageClassName'])}\n`);
    page.write(2, 'Volume:\t\n');
    attributeLines(page, 'Labels', record(metadata)['labels'], '=');
    attributeLines(page, 'Annotations', record(metadata)['annotations'], ': ');
    page.write(2, 'Capacity:\t\n');
    page.write(2, 'Access Modes:\t\n');
    if (claim['volumeMode'] !== undefined) page.write(2, `VolumeMode:\t${str(claim['volumeMode'])}\n`);
  },
  downwardAPI(page, source) {
    page.write(2, 'Type:\tDownwardAPI (a volume populated by information about the pod)\n');
    page.write(2, 'Items:\n');
    for (const raw of list(source['items'])) {
      const item = record(raw);
      const from = isRecord(item['fieldRef'])
        ? item['fieldRef']['fieldPath']
        : record(item['resourceFieldRef'])['resource'];
      page.write(3, `${str(from)} -> ${str(item['path'])}\n`);
    }
  },
  projected(page, source) {
    page.write(2, 'Type:\tProjected (a volume that contains injected data from multiple sources)\n');
    for (const raw of list(source['sources'])) {
      const { secret, configMap, downwardAPI, serviceAccountToken } = record(raw);
      if (isRecord(secret))
        page.write(2, `SecretName:\t${str(secret['name'])}\n    Optional:\t${optional(secret)}\n`);
      else if (isRecord(downwardAPI)) page.write(2, 'DownwardAPI:\ttrue\n');
      else if (isRecord(configMap))
        page.write(2, `ConfigMapName:\t${str(configMap['name'])}\n    Optional:\t${optional(configMap)}\n`);
      else if (isRecord(serviceAccountToken)) {
        page.write(2, `TokenExpirationSeconds:\t${str(serviceAccountToken['expirationSeconds'])}\n`);
      }
    }
  },
};

function csiLines(page: Page, source: Fields): void {
  page.write(2, 'Type:\tCSI (a Container Storage Interface (CSI) volume source)\n');
  page.write(2, `Driver:\t${str(source['driver'])}\n`);
  page.write(2, `FSType:\t${str(source['fsType'])}\n`);
  if (source['volumeHandle'] !== undefined) page.write(2, `VolumeHandle:\t${str(source['volumeHandle'])}\n`);
  page.write(2, `ReadOnly:\t${source['readOnly'] === true}\n`);
  attributeLines(page, 'VolumeAttributes', source['volumeAttributes'], '=');
}

function attributeLines(page: Page, title: string, value: unknown, between: string): void {
  const entries = Object.entries(record(value)).sort(byName);
  page.write(2, `${title}:\t`);
  if (entries.length === 0) page.write(0, '<none>\n');
  for (const [index, [key, text]] of entries.entries()) {
    page.write(0, `${index === 0 ? '' : '    \t'}${key}${between}${str(text)}\n`);
  }
}

/** Of a PersistentVolume. */
export function volumeSource(page: Page, spec: Fields): void {
  const source = Object.entries(spec).find(([field, value]) => isRecord(value) && field in sources);
  if (source === undefined) page.write(1, '<unknown>\n');
  else sources[source[0]]?.(page, record(source[1]));
}
