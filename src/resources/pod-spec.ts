import {
  amounts,
  type Fields,
  flag,
  isRecord,
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

/** The shared record of a pod's spec: one object for all pods that say the same, found by what they say. */
export function podSpecOf(spec: Fields, status: Fields): PodSpecRecord {
  const resized = resizedOf(spec, status);
  const key = keyOf(spec, resized);
  if (key.length > longestKey) return build(spec, resized);
  return specs.get(key, () => build(spec, resized));
}

/** Everything that `build` reads and nothing else: environment, mounts and token volumes differ from pod to pod. */
function keyOf(spec: Fields, resized: Resized | undefined): string {
  return JSON.stringify([
    list(spec['containers']).map(containerKey),
    list(spec['initContainers']).map(containerKey),
    list(spec['ephemeralContainers']).map(containerKey),
    spec['nodeSelector'],
    spec['affinity'],
    spec['tolerations'],
    spec['topologySpreadConstraints'],
    list(spec['volumes']).filter(isScheduled),
    spec['resourceClaims'],
    spec['schedulerName'],
    spec['priority'],
    spec['priorityClassName'],
    spec['preemptionPolicy'],
    spec['restartPolicy'],
    spec['serviceAccountName'],
    spec['runtimeClassName'],
    spec['hostNetwork'],
    spec['overhead'],
    spec['resources'],
    resized === undefined ? 0 : [...resized],
  ]);
}

function containerKey(raw: unknown): unknown {
  const container = record(raw);
  return [
    container['name'],
    container['image'],
    container['resources'],
    container['ports'],
    container['restartPolicy'],
  ];
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

function isScheduled(raw: unknown): boolean {
  return volumeOf(raw).length > 0;
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
