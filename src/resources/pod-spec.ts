import {
  amounts,
  type Fields,
  flag,
  isRecord,
  isSame,
  keyText,
  labels,
  list,
  number,
  record,
  shared,
  text,
} from './fields.ts';
import { createInterner } from './intern.ts';
import type { ContainerSpec, HostPort, PodClaim, PodSpecRecord, PodVolume } from './pod-row.ts';
import { effectiveRequests, isSidecar, merged, type Resized, resizedOf } from './requests.ts';
import { affinityOf, spreadOf, tolerationsOf } from './scheduling-terms.ts';

const specs = createInterner<string, PodSpecRecord>(30_000);

/** A key longer than this is a hostile or freak pod: hashing it costs more than sharing saves. */
const longestKey = 65_536;

/** By owner: what its last pod said. Most pods of an owner say the same, and comparing is cheaper than hashing. */
const lastOfOwner = createInterner<string, { said: Fields; means: PodSpecRecord }>(4_000);

/** The shared record of a pod's spec: one object for all pods that say the same, found by what they say. */
export function podSpecOf(spec: Fields, status: Fields, ownerUid = ''): PodSpecRecord {
  const resized = resizedOf(spec, status);
  if (resized !== undefined) return interned(essence(spec), spec, resized);
  if (ownerUid === '') return interned(essence(spec), spec, undefined);
  let isNew = false;
  const last = lastOfOwner.get(ownerUid, () => {
    isNew = true;
    const said = essence(spec);
    return { said, means: interned(said, spec, undefined) };
  });
  if (isNew || saysTheSame(last.said, spec)) return last.means;
  last.said = essence(spec);
  last.means = interned(last.said, spec, undefined);
  return last.means;
}

function interned(said: Fields, spec: Fields, resized: Resized | undefined): PodSpecRecord {
  const key = keyText(resized === undefined ? said : [said, [...resized]]);
  if (key === undefined || key.length > longestKey) return build(spec, resized);
  return specs.get(key, () => build(spec, resized));
}

/** Fields that `build` reads as they are. Environment, mounts and token volumes differ from pod to pod: not these. */
const plainFields: readonly string[] = [
  'nodeSelector',
  'affinity',
  'tolerations',
  'topologySpreadConstraints',
  'resourceClaims',
  'schedulerName',
  'priority',
  'priorityClassName',
  'preemptionPolicy',
  'restartPolicy',
  'serviceAccountName',
  'runtimeClassName',
  'hostNetwork',
  'overhead',
  'resources',
];
const containerLists: readonly string[] = ['containers', 'initContainers', 'ephemeralContainers'];
const containerFields: readonly string[] = ['name', 'image', 'resources', 'ports', 'restartPolicy'];

/** Everything that `build` reads and nothing else. */
function essence(spec: Fields): Fields {
  const said: Record<string, unknown> = { volumes: list(spec['volumes']).filter(isScheduled) };
  for (const name of containerLists)
    said[name] = list(spec[name]).map((container) => pick(record(container)));
  for (const name of plainFields) said[name] = spec[name];
  return said;
}

function pick(container: Fields): Fields {
  const picked: Record<string, unknown> = {};
  for (const name of containerFields) picked[name] = container[name];
  return picked;
}

/** `essence(spec)` equals `said`, without making it. */
function saysTheSame(said: Fields, spec: Fields): boolean {
  for (const name of plainFields) if (!isSame(said[name], spec[name])) return false;
  for (const name of containerLists) {
    const before = list(said[name]);
    const now = list(spec[name]);
    if (before.length !== now.length) return false;
    for (const [index, container] of now.entries()) {
      const [a, b] = [record(before[index]), record(container)];
      for (const field of containerFields) if (!isSame(a[field], b[field])) return false;
    }
  }
  return isSame(said['volumes'], list(spec['volumes']).filter(isScheduled));
}

function build(spec: Fields, resized: Resized | undefined): PodSpecRecord {
  return {
    requests: effectiveRequests(spec, resized),
    containers: containersOf(spec),
    nodeSelector: isRecord(spec['nodeSelector']) ? labels(spec['nodeSelector']) : undefined,
    affinity: affinityOf(spec['affinity']),
    tolerations: tolerationsOf(spec['tolerations']),
    spread: spreadOf(spec['topologySpreadConstraints']),
    hostPorts: hostPortsOf(spec),
    volumes: list(spec['volumes']).flatMap(volumeOf),
    claims: list(spec['resourceClaims']).map(claimOf),
    schedulerName: shared(spec['schedulerName']) || 'default-scheduler',
    priority: number(spec['priority']) ?? 0,
    priorityClass: shared(spec['priorityClassName']) || undefined,
    preemptionPolicy: shared(spec['preemptionPolicy']) || 'PreemptLowerPriority',
    restartPolicy: shared(spec['restartPolicy']) || 'Always',
    serviceAccount: shared(spec['serviceAccountName']) || undefined,
    runtimeClass: shared(spec['runtimeClassName']) || undefined,
    hostNetwork: flag(spec['hostNetwork']),
  };
}

/** In kubectl's order: init containers and sidecars as declared, then the main ones, then the debug ones. */
function containersOf(spec: Fields): readonly ContainerSpec[] {
  const of = (raw: unknown, kind: ContainerSpec['kind']): ContainerSpec => {
    const container = record(raw);
    const resources = record(container['resources']);
    return {
      name: shared(container['name']),
      kind: kind === 'init' && isSidecar(container) ? 'sidecar' : kind,
      image: shared(container['image']),
      requests: merged(resources),
      limits: amounts(resources['limits']),
    };
  };
  return [
    ...list(spec['initContainers']).map((raw) => of(raw, 'init')),
    ...list(spec['containers']).map((raw) => of(raw, 'main')),
    ...list(spec['ephemeralContainers']).map((raw) => of(raw, 'ephemeral')),
  ];
}

/** As the scheduler counts them: main containers and sidecars; with host networking every port is a host port. */
function hostPortsOf(spec: Fields): readonly HostPort[] {
  const containers = [
    ...list(spec['containers']).map(record),
    ...list(spec['initContainers']).map(record).filter(isSidecar),
  ];
  const hostNetwork = flag(spec['hostNetwork']);
  return containers
    .flatMap((container) => list(container['ports']).map(record))
    .flatMap((port) => {
      const taken = number(port['hostPort']) ?? (hostNetwork ? number(port['containerPort']) : undefined);
      if (taken === undefined || taken <= 0) return [];
      return [
        { ip: shared(port['hostIP']) || '0.0.0.0', port: taken, protocol: shared(port['protocol']) || 'TCP' },
      ];
    });
}

const disks = [
  ['gcePersistentDisk', 'gce', 'pdName'],
  ['awsElasticBlockStore', 'aws', 'volumeID'],
  ['azureDisk', 'azure', 'diskName'],
] as const;

const scheduledVolumes: readonly string[] = [
  'persistentVolumeClaim',
  'ephemeral',
  'iscsi',
  'rbd',
  ...disks.map(([field]) => field),
];

function isScheduled(raw: unknown): boolean {
  const volume = record(raw);
  for (const field of scheduledVolumes) if (volume[field] !== undefined) return true;
  return false;
}

function volumeOf(raw: unknown): readonly PodVolume[] {
  const volume = record(raw);
  const claim = volume['persistentVolumeClaim'];
  if (isRecord(claim)) {
    return [{ kind: 'claim', claim: shared(claim['claimName']), readOnly: flag(claim['readOnly']) }];
  }
  if (isRecord(volume['ephemeral'])) return [{ kind: 'ephemeral', volume: shared(volume['name']) }];
  for (const [field, driver, id] of disks) {
    const disk = volume[field];
    if (isRecord(disk))
      return [{ kind: 'disk', driver, id: text(disk[id]), readOnly: flag(disk['readOnly']) }];
  }
  return networkDiskOf(volume);
}

function networkDiskOf(volume: Fields): readonly PodVolume[] {
  const { iscsi, rbd } = volume;
  if (isRecord(iscsi)) {
    return [{ kind: 'disk', driver: 'iscsi', id: text(iscsi['iqn']), readOnly: flag(iscsi['readOnly']) }];
  }
  if (!isRecord(rbd)) return [];
  const monitors = list(rbd['monitors']).map(text).join(',');
  const id = `${monitors}/${text(rbd['pool']) || 'rbd'}/${text(rbd['image'])}`;
  return [{ kind: 'disk', driver: 'rbd', id, readOnly: flag(rbd['readOnly']) }];
}

function claimOf(raw: unknown): PodClaim {
  const claim = record(raw);
  return {
    name: shared(claim['name']),
    claim: shared(claim['resourceClaimName']) || undefined,
    template: shared(claim['resourceClaimTemplateName']) || undefined,
  };
}
