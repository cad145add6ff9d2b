import type { PodRow, PodVolume } from '../../resources/pod-row.ts';
import type { Account, Shelves } from '../ledger.ts';
import type { Blocker, Doubt, Filter } from './filter.ts';
import { blockerOf, passes } from './filter.ts';

const byRestriction = blockerOf('VolumeRestrictions');
const byLimit = blockerOf('NodeVolumeLimits');

type Disk = Extract<PodVolume, { kind: 'disk' }>;

export const hasClaims = (pod: PodRow): boolean => pod.spec.volumes.some(({ kind }) => kind !== 'disk');

/** Said where claims decide and may not be read. */
export const unlisted: Doubt = { doubt: 'persistent volume claims cannot be listed' };

export interface ClaimName {
  readonly name: string;
  readonly ephemeral: boolean;
}

/** The claim names of a pod, in the order of its volumes. */
export function claimNames(pod: PodRow): readonly ClaimName[] {
  return pod.spec.volumes.flatMap((volume): readonly ClaimName[] => {
    if (volume.kind === 'claim') return [{ name: volume.claim, ephemeral: false }];
    return volume.kind === 'ephemeral' ? [{ name: `${pod.name}-${volume.volume}`, ephemeral: true }] : [];
  });
}

/** Two pods cannot attach one disk to one node, except where both only read; AWS does not know read-only sharing. */
function disksClash(mine: Disk, theirs: Disk): boolean {
  if (mine.driver !== theirs.driver || mine.id !== theirs.id || mine.driver === 'azure') return false;
  return mine.driver === 'aws' || !(mine.readOnly && theirs.readOnly);
}

export const volumeRestrictions: Filter = {
  plugin: 'VolumeRestrictions',
  prepare({ pod, ledger }) {
    const disks = pod.spec.volumes.filter((volume) => volume.kind === 'disk');
    const mounted = pod.spec.volumes.filter((volume) => volume.kind === 'claim');
    if (disks.length === 0 && mounted.length === 0) return undefined;
    const { claims } = ledger.shelves();
    if (claims === undefined && mounted.length > 0) return unlisted;
    let inUse: Blocker | undefined;
    for (const { claim: name } of mounted) {
      const key = `${pod.namespace}/${name}`;
      const claim = claims?.get(key);
      if (claim === undefined) return { rejects: `persistentvolumeclaim "${name}" not found` };
      if (!claim.accessModes.includes('ReadWriteOncePod')) continue;
      const user = [...ledger.claimUsers(key)].find((other) => other.uid !== pod.uid);
      if (user !== undefined)
        inUse ??= byRestriction(
          readWriteOncePod,
          `${name} is in use by ${user.namespace}/${user.name}`,
          false,
        );
    }
    if (disks.length === 0 && inUse === undefined) return undefined;
    return {
      check: (account) => diskRefusal(account, pod, disks) ?? (inUse === undefined ? passes : [inUse]),
    };
  },
};

const readWriteOncePod =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

function diskRefusal(account: Account, pod: PodRow, disks: readonly Disk[]): readonly Blocker[] | undefined {
  if (disks.length === 0) return undefined;
  for (const other of account.withVolumes) {
    if (other.uid === pod.uid) continue;
    const clash = disks.find((disk) =>
      other.spec.volumes.some((theirs) => theirs.kind === 'disk' && disksClash(disk, theirs)),
    );
    if (clash !== undefined)
      return [
        byRestriction(
          'node(s) had no available disk',
          `${clash.id} is attached for ${other.namespace}/${other.name}`,
          false,
        ),
      ];
  }
  return undefined;
}

/** What a pod would attach through CSI: driver → handles. Claims that are not bound yet count by their name. */
function csiVolumes(pod: PodRow, shelves: Shelves, into: Map<string, Set<string>>): Map<string, Set<string>> {
  for (const { name } of claimNames(pod)) {
    const claim = shelves.claims?.get(`${pod.namespace}/${name}`);
    if (claim === undefined) continue;
    const volume = claim.volume === '' ? undefined : shelves.volumes?.get(claim.volume);
    const driver =
      volume === undefined
        ? shelves.storageClasses?.get(claim.storageClass)?.provisioner
        : volume.csi?.driver;
    if (driver === undefined) continue;
    const handles = into.get(driver) ?? new Set();
    handles.add(volume?.csi?.handle ?? `${claim.namespace}/${claim.name}`);
    into.set(driver, handles);
  }
  return into;
}

export const nodeVolumeLimits: Filter = {
  plugin: 'NodeVolumeLimits',
  prepare({ pod, ledger }) {
    const shelves = ledger.shelves();
    if (!hasClaims(pod) || shelves.csiNodes === undefined || shelves.csiNodes.size === 0) return undefined;
    const wanted = csiVolumes(pod, shelves, new Map());
    if (wanted.size === 0) return undefined;
    return {
      check(account) {
        const limits = shelves.csiNodes?.get(account.node.name)?.limits;
        if (limits === undefined) return passes;
        const attached = new Map<string, Set<string>>();
        for (const other of account.withVolumes)
          if (other.uid !== pod.uid) csiVolumes(other, shelves, attached);
        for (const [driver, handles] of wanted) {
          const limit = limits.get(driver);
          const there = attached.get(driver) ?? new Set<string>();
          const fresh = [...handles].filter((handle) => !there.has(handle)).length;
          if (limit !== undefined && fresh > 0 && there.size + fresh > limit) {
            return [
              byLimit(
                'node(s) exceed max volume count',
                `${driver}: ${there.size} of ${limit} attached`,
                false,
              ),
            ];
          }
        }
        return passes;
      },
    };
  },
};
