import type { NodeRow } from '../../resources/node-row.ts';
import type { Labels, PodRow } from '../../resources/pod-row.ts';
import { amountText } from '../amount.ts';
import type { Claim, StorageClass, Volume } from '../cluster.ts';
import type { Ledger, Shelves } from '../ledger.ts';
import { labelMatcher, nodeSelectorMatches, requirementText } from '../selectors.ts';
import type { Blocker, Filter, Prepared, Verdict } from './filter.ts';
import { blockerOf, passes } from './filter.ts';

import { claimNames, hasClaims, unlisted } from './volumes.ts';

const byBinding = blockerOf('VolumeBinding');
const byZone = blockerOf('VolumeZone');

/** Why no node will do until something about a claim changes; undefined when all claims are usable. */
function claimTrouble(pod: PodRow, claims: ReadonlyMap<string, Claim>): string | undefined {
  for (const { name, ephemeral } of claimNames(pod)) {
    const claim = claims.get(`${pod.namespace}/${name}`);
    if (claim === undefined) {
      return ephemeral
        ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
        : `persistentvolumeclaim "${name}" not found`;
    }
    if (claim.phase === 'Lost')
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.volume}"`;
    if (claim.deleted) return `persistentvolumeclaim "${name}" is being deleted`;
    if (ephemeral && claim.controllerUid !== pod.uid) {
      return `PVC ${pod.namespace}/${name} was not created for pod ${pod.namespace}/${pod.name} (pod is not owner)`;
    }
  }
  return undefined;
}

const waits = (claim: Claim, classes: ReadonlyMap<string, StorageClass>): boolean =>
  claim.volume === '' &&
  claim.storageClass !== '' &&
  (classes.get(claim.storageClass)?.waitsForConsumer ?? false);

const isBound = (claim: Claim): boolean => claim.volume !== '' && claim.bindCompleted;

function unboundDetail(claim: Claim, classes: ReadonlyMap<string, StorageClass>): string {
  if (claim.volume !== '') return `claim ${claim.name} waits to be bound to ${claim.volume}`;
  if (claim.storageClass === '')
    return `claim ${claim.name} names no storage class and no volume is bound to it`;
  return classes.has(claim.storageClass)
    ? `claim ${claim.name} is not bound; class ${claim.storageClass} binds at once`
    : `claim ${claim.name} asks for class ${claim.storageClass}, which does not exist`;
}

export const volumeBinding: Filter = {
  plugin: 'VolumeBinding',
  prepare({ pod, ledger }): Prepared {
    if (!hasClaims(pod)) return undefined;
    const shelves = ledger.shelves();
    const { claims, storageClasses } = shelves;
    if (claims === undefined) return unlisted;
    const trouble = claimTrouble(pod, claims);
    if (trouble !== undefined) return { rejects: trouble };
    const mine = claimNames(pod).flatMap(({ name }) => claims.get(`${pod.namespace}/${name}`) ?? []);
    const unbound = mine.filter((claim) => !isBound(claim));
    if (storageClasses === undefined && unbound.length > 0)
      return { doubt: 'storage classes cannot be listed' };
    const classes = storageClasses ?? new Map<string, StorageClass>();
    const immediate = unbound.filter((claim) => !waits(claim, classes));
    if (immediate.length > 0) {
      return {
        rejects: 'pod has unbound immediate PersistentVolumeClaims',
        detail: immediate.map((claim) => unboundDetail(claim, classes)).join('; '),
      };
    }
    if (shelves.volumes === undefined) return { doubt: 'persistent volumes cannot be listed' };
    const volumes = shelves.volumes;
    const bound = mine.filter(isBound);
    const delayed = unbound.toSorted((a, b) => a.bytes - b.bytes);
    return {
      check: ({ node }) => [
        ...boundRefusals(node, bound, volumes),
        ...delayedRefusals(node, delayed, ledger),
      ],
    };
  },
};

function affinityText(volume: Volume): string {
  const terms = volume.nodeAffinity?.nodeSelectorTerms ?? [];
  return terms
    .map((term) =>
      [...(term.matchExpressions ?? []), ...(term.matchFields ?? [])].map(requirementText).join(' and '),
    )
    .join(' or ');
}

const reaches = (volume: Volume, node: NodeRow): boolean =>
  volume.nodeAffinity === undefined || nodeSelectorMatches(volume.nodeAffinity, node);

function boundRefusals(
  node: NodeRow,
  claims: readonly Claim[],
  volumes: ReadonlyMap<string, Volume>,
): readonly Blocker[] {
  for (const claim of claims) {
    const volume = volumes.get(claim.volume);
    if (volume === undefined) {
      const detail = `claim ${claim.name} is bound to ${claim.volume}, which does not exist`;
      return [
        byBinding('node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)', detail, true),
      ];
    }
    if (!reaches(volume, node)) {
      return [
        byBinding(
          "node(s) didn't match PersistentVolume's node affinity",
          `claim ${claim.name}: volume ${volume.name} is at ${affinityText(volume)}`,
          true,
        ),
      ];
    }
  }
  return passes;
}

const noVolume = (detail: string): readonly Blocker[] => [
  byBinding("node(s) didn't find available persistent volumes to bind", detail, true),
];

/** Claims that wait for their first pod: an existing volume for each, or a provisioner that can make one here. */
function delayedRefusals(node: NodeRow, claims: readonly Claim[], ledger: Ledger): readonly Blocker[] {
  const elsewhere = claims.find(
    ({ selectedNode }) => selectedNode !== undefined && selectedNode !== node.name,
  );
  if (elsewhere !== undefined)
    return noVolume(`claim ${elsewhere.name} is being provisioned on ${elsewhere.selectedNode}`);
  const taken = new Set<Volume>();
  const toProvision: Claim[] = claims.filter(({ selectedNode }) => selectedNode !== undefined);
  for (const claim of claims) {
    if (claim.selectedNode !== undefined) continue;
    const volume = matchingVolume(
      claim,
      ledger.shelves().volumesByClass.get(claim.storageClass) ?? [],
      node,
      taken,
    );
    if (volume === undefined) toProvision.push(claim);
    else taken.add(volume);
  }
  for (const claim of toProvision) {
    const refused = provisionRefusal(claim, node, ledger.shelves());
    if (refused.length > 0) return refused;
  }
  return passes;
}

const isFor = (volume: Volume, claim: Claim): boolean =>
  volume.claim !== undefined &&
  volume.claim.namespace === claim.namespace &&
  volume.claim.name === claim.name &&
  (volume.claim.uid === '' || volume.claim.uid === claim.uid);

/** component-helpers' FindMatchingVolume for a node: the smallest that is free, large enough and reachable. */
function matchingVolume(
  claim: Claim,
  volumes: readonly Volume[],
  node: NodeRow,
  taken: ReadonlySet<Volume>,
): Volume | undefined {
  const selects = claim.selector === undefined ? undefined : labelMatcher(claim.selector);
  let best: Volume | undefined;
  for (const volume of volumes) {
    if (
      taken.has(volume) ||
      (volume.claim !== undefined && !isFor(volume, claim)) ||
      volume.bytes < claim.bytes
    )
      continue;
    if (
      volume.volumeMode !== claim.volumeMode ||
      volume.attributesClass !== claim.attributesClass ||
      volume.deleted
    )
      continue;
    if (isFor(volume, claim)) return reaches(volume, node) ? volume : undefined;
    if (
      volume.phase !== 'Available' ||
      (selects !== undefined && !selects(volume.labels)) ||
      !reaches(volume, node)
    )
      continue;
    if (!claim.accessModes.every((mode) => volume.accessModes.includes(mode))) continue;
    if (best === undefined || volume.bytes < best.bytes) best = volume;
  }
  return best;
}

const noProvisioner = 'kubernetes.io/no-provisioner';

function provisionRefusal(claim: Claim, node: NodeRow, shelves: Shelves): readonly Blocker[] {
  const storageClass = shelves.storageClasses?.get(claim.storageClass);
  if (storageClass === undefined) return noVolume(`class ${claim.storageClass} does not exist`);
  if (storageClass.provisioner === '' || storageClass.provisioner === noProvisioner) {
    return noVolume(
      `claim ${claim.name}: no free volume of class ${storageClass.name} reaches this node, and the class makes none`,
    );
  }
  if (!inTopology(storageClass, node.labels))
    return noVolume(`class ${storageClass.name} makes no volumes in this topology`);
  return hasCapacity(claim, storageClass, node.labels, shelves)
    ? passes
    : [
        byBinding(
          'node(s) did not have enough free storage',
          `claim ${claim.name} needs ${amountText('storage', claim.bytes)} of class ${storageClass.name}`,
          true,
        ),
      ];
}

const inTopology = ({ topologies }: StorageClass, labels: Labels): boolean =>
  topologies.length === 0 ||
  topologies.some((term) => term.every(({ key, values }) => values.includes(labels[key] ?? '')));

function hasCapacity(claim: Claim, storageClass: StorageClass, labels: Labels, shelves: Shelves): boolean {
  if (shelves.csiDrivers?.get(storageClass.provisioner)?.tracksCapacity !== true) return true;
  return (shelves.storageCapacities ?? []).some(
    (capacity) =>
      capacity.storageClass === storageClass.name &&
      capacity.bytes !== undefined &&
      capacity.bytes >= claim.bytes &&
      labelMatcher(capacity.nodeTopology)(labels),
  );
}

/** Old and new names of the labels that say where a node is. */
const topologyNames: Readonly<Record<string, string>> = {
  'topology.kubernetes.io/zone': 'failure-domain.beta.kubernetes.io/zone',
  'topology.kubernetes.io/region': 'failure-domain.beta.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};

interface Place {
  readonly volume: string;
  readonly key: string;
  readonly values: readonly string[];
}

export const volumeZone: Filter = {
  plugin: 'VolumeZone',
  prepare({ pod, ledger }) {
    if (!hasClaims(pod)) return undefined;
    const { claims, volumes } = ledger.shelves();
    const places: Place[] = claimNames(pod).flatMap(({ name }) => {
      const claim = claims?.get(`${pod.namespace}/${name}`);
      const volume = claim === undefined ? undefined : volumes?.get(claim.volume);
      return Object.keys(topologyNames).flatMap((key) => {
        const value = volume?.labels[key];
        return volume === undefined || value === undefined
          ? []
          : [{ volume: volume.name, key, values: value.split('__') }];
      });
    });
    if (places.length === 0) return undefined;
    return { check: ({ node }) => zoneVerdict(node, places) };
  },
};

function zoneVerdict(node: NodeRow, places: readonly Place[]): Verdict {
  if (!Object.keys(topologyNames).some((key) => node.labels[key] !== undefined)) return passes;
  for (const { volume, key, values } of places) {
    const at = node.labels[key] ?? node.labels[topologyNames[key] ?? ''];
    if (at === undefined || !values.includes(at)) {
      return [
        byZone(
          'node(s) had no available volume zone',
          `volume ${volume} is in ${values.join(', ')}, node in ${at ?? 'none'}`,
          true,
        ),
      ];
    }
  }
  return passes;
}
