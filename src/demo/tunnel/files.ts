import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import type { Store } from '../store.ts';

/** The files of one container, by absolute path. Directories are where files are, and those that were made. */
export interface Files {
  read(path: string): Buffer | undefined;
  write(path: string, content: Buffer): void;
  remove(path: string): void;
  makeDirectory(path: string): void;
  isDirectory(path: string): boolean;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  /** Every file below a directory, as absolute paths. */
  below(path: string): string[];
}

/** `/a/./b/../c` seen from a directory. */
export function resolvePath(from: string, path: string): string {
  const steps: string[] = [];
  for (const step of (path.startsWith('/') ? path : `${from}/${path}`).split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}

function createFiles(initial: ReadonlyMap<string, string>): Files {
  const files = new Map<string, Buffer>([...initial].map(([path, text]) => [path, Buffer.from(text)]));
  const directories = new Set([
    '/',
    '/tmp',
    '/bin',
    '/usr',
    '/usr/bin',
    '/root',
    '/home',
    '/proc',
    '/dev',
    '/etc',
    '/var',
  ]);
  const prefix = (path: string): string => (path === '/' ? '/' : `${path}/`);
  return {
    read: (path) => files.get(path),
    write(path, content) {
      files.set(path, content);
    },
    remove(path) {
      files.delete(path);
      directories.delete(path);
      for (const file of files.keys()) if (file.startsWith(prefix(path))) files.delete(file);
    },
    makeDirectory(path) {
      directories.add(path);
    },
    isDirectory: (path) =>
      directories.has(path) ||
      [...files.keys(), ...directories].some((file) => file.startsWith(prefix(path))),
    list(path) {
      const names = [...files.keys(), ...directories]
        .filter((file) => file !== path && file.startsWith(prefix(path)))
        .map((file) => file.slice(prefix(path).length).split('/')[0] ?? '');
      return [...new Set(names)].filter((name) => name !== '').sort();
    },
    below: (path) =>
      [...files.keys()].filter((file) => file === path || file.startsWith(prefix(path))).sort(),
  };
}

const records = (value: unknown): readonly JsonRecord[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Secrets keep their values in base64, ConfigMaps as they are. */
function dataOf(
  store: Store,
  plural: 'secrets' | 'configmaps',
  namespace: string,
  name: string,
): Map<string, string> {
  const object = store.get({ group: '', plural, namespace, name });
  const data = isRecord(object?.['data']) ? object['data'] : {};
  return new Map(
    Object.entries(data).map(([key, value]) => [
      key,
      plural === 'secrets' ? Buffer.from(textOf(value), 'base64').toString() : textOf(value),
    ]),
  );
}

/** The environment of a container: its own words, Secrets and ConfigMaps read, and what the kubelet adds. */
export function environmentOf(store: Store, pod: KubeLike, container: JsonRecord): Map<string, string> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const environment = new Map([
    [
      'PATH',
      '/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ],
    ['HOSTNAME', name],
    ['HOME', '/root'],
    ['KUBERNETES_SERVICE_HOST', '10.96.0.1'],
    ['KUBERNETES_SERVICE_PORT', '443'],
  ]);
  for (const source of records(container['envFrom'])) {
    const secret = fieldAt(source, 'secretRef.name');
    const map = fieldAt(source, 'configMapRef.name');
    const values =
      typeof secret === 'string'
        ? dataOf(store, 'secrets', namespace, secret)
        : dataOf(store, 'configmaps', namespace, textOf(map));
    for (const [key, value] of values) environment.set(`${textOf(source['prefix'])}${key}`, value);
  }
  for (const entry of records(container['env'])) {
    const secret = fieldAt(entry, 'valueFrom.secretKeyRef');
    const map = fieldAt(entry, 'valueFrom.configMapKeyRef');
    const field = fieldAt(entry, 'valueFrom.fieldRef.fieldPath');
    const from = (plural: 'secrets' | 'configmaps', reference: JsonRecord): string =>
      dataOf(store, plural, namespace, textOf(reference['name'])).get(textOf(reference['key'])) ?? '';
    const value = isRecord(secret)
      ? from('secrets', secret)
      : isRecord(map)
        ? from('configmaps', map)
        : typeof field === 'string'
          ? textOf(fieldAt(pod, field))
          : textOf(entry['value']);
    environment.set(textOf(entry['name']), value);
  }
  return environment;
}

function mounted(store: Store, pod: KubeLike, container: JsonRecord): Map<string, string> {
  const files = new Map<string, string>();
  const { namespace = '', uid = '' } = pod.metadata ?? {};
  const volumes = records(fieldAt(pod, 'spec.volumes'));
  for (const mount of records(container['volumeMounts'])) {
    const path = textOf(mount['mountPath']).replace(/\/$/, '');
    const volume = volumes.find((one) => one['name'] === mount['name']);
    const secret = fieldAt(volume, 'secret.secretName');
    const map = fieldAt(volume, 'configMap.name');
    const claim = fieldAt(volume, 'persistentVolumeClaim.claimName');
    if (typeof secret === 'string')
      for (const [key, value] of dataOf(store, 'secrets', namespace, secret))
        files.set(`${path}/${key}`, value);
    else if (typeof map === 'string')
      for (const [key, value] of dataOf(store, 'configmaps', namespace, map))
        files.set(`${path}/${key}`, value);
    else if (isRecord(fieldAt(volume, 'projected'))) {
      files.set(`${path}/namespace`, namespace);
      files.set(`${path}/token`, `demo.${Buffer.from(uid).toString('base64url')}.token`);
      files.set(`${path}/ca.crt`, '-----BEGIN CERTIFICATE-----\nZGVtbw==\n-----END CERTIFICATE-----\n');
    } else if (typeof claim === 'string') {
      files.set(`${path}/step-004000/model.safetensors`, 'demo weights\n');
      files.set(`${path}/latest`, 'step-004000\n');
    }
  }
  return files;
}

function initialFiles(store: Store, pod: KubeLike, container: JsonRecord): Map<string, string> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const ip = textOf(fieldAt(pod, 'status.podIP')) || '10.128.0.2';
  return new Map([
    ['/etc/hostname', `${name}\n`],
    ['/etc/hosts', `127.0.0.1\tlocalhost\n${ip}\t${name}\n`],
    ['/etc/os-release', 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\n'],
    [
      '/etc/resolv.conf',
      `search ${namespace}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n`,
    ],
    ['/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'],
    [
      '/proc/meminfo',
      'MemTotal:       1056489472 kB\nMemFree:         412034048 kB\nMemAvailable:    734003200 kB\n',
    ],
    ['/proc/version', 'Linux version 6.8.0-1043-nvidia (buildd@lcy02-amd64-042)\n'],
    ['/workspace/train.py', 'import torch\n\nprint(torch.cuda.device_count())\n'],
    ['/workspace/README.md', '# The work of this container\n'],
    ...mounted(store, pod, container),
  ]);
}

/** How many containers keep what was written into them. */
const keptContainers = 200;

/** Hands out the files of containers: the same ones as long as the pod is the same. */
export function createFileSystems(store: Store): (pod: KubeLike, container: JsonRecord) => Files {
  const known = new Map<string, Files>();
  return (pod, container) => {
    const key = `${pod.metadata?.uid ?? ''}/${textOf(container['name'])}`;
    const files = known.get(key) ?? createFiles(initialFiles(store, pod, container));
    known.delete(key);
    known.set(key, files);
    for (const oldest of known.keys()) {
      if (known.size <= keptContainers) break;
      known.delete(oldest);
    }
    return files;
  };
}
