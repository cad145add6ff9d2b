import type { PodRow } from '../resources/pod-row.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import { acceleratorsIn, type Demand, type DemandKind, pendingKind } from './demand.ts';
import { claimKey, isAcceleratorDriver } from './dra.ts';

/** Units of one class that wait in one way. */
export interface ClassDemand {
  readonly className: string;
  readonly kind: DemandKind;
  readonly units: number;
  /** Pods, claims and Jobs that want them. */
  readonly askers: number;
}

/** Demand that waits, kept up to date one pod, claim or Job at a time. */
export interface PendingDemand {
  readonly changePod: (pod: PodRow, sign: 1 | -1) => void;
  readonly changeClaim: (claim: ResourceClaimRow, sign: 1 | -1) => void;
  readonly change: (demand: Pick<Demand, 'kind' | 'units'>, sign: 1 | -1) => void;
  /** Sorted by class and kind. */
  readonly read: () => readonly ClassDemand[];
}

export function createPendingDemand(): PendingDemand {
  const sums = new Map<string, { className: string; kind: DemandKind; units: number; askers: number }>();
  const pendingPods = new Map<string, PodRow>();
  const claims = new Map<string, ResourceClaimRow>();
  /** Claim keys by the pod that they belong to, and pods by the claim that they name. */
  const claimsOfPod = new Map<string, Set<string>>();
  const podsOfClaim = new Map<string, Set<string>>();
  /** What each claim counts for now. */
  const counted = new Map<string, Pick<Demand, 'kind' | 'units'>>();

  const change: PendingDemand['change'] = ({ kind, units }, sign) => {
    for (const [className, amount] of Object.entries(units)) {
      const key = `${className}\0${kind}`;
      const sum = sums.get(key) ?? { className, kind, units: 0, askers: 0 };
      sum.units += sign * amount;
      sum.askers += sign;
      if (sum.askers === 0) sums.delete(key);
      else sums.set(key, sum);
    }
  };

  /** A claim waits as its pod does: when either changes, it is counted anew. */
  function recount(key: string): void {
    const before = counted.get(key);
    if (before !== undefined) change(before, -1);
    counted.delete(key);
    const claim = claims.get(key);
    if (claim === undefined) return;
    const owners = [claim.owner?.uid ?? '', ...(podsOfClaim.get(key) ?? [])];
    const demand = demandOfClaim(
      claim,
      owners.flatMap((uid) => pendingPods.get(uid) ?? []),
    );
    if (demand === undefined) return;
    change(demand, 1);
    counted.set(key, demand);
  }

  return {
    change,
    changePod: (pod, sign) => {
      const kind = pendingKind(pod);
      if (kind === undefined) return;
      const units = Object.fromEntries(acceleratorsIn(pod.spec.requests));
      change({ kind, units }, sign);
      if (sign === 1) pendingPods.set(pod.uid, pod);
      else pendingPods.delete(pod.uid);
      const named = pod.spec.claims.flatMap(({ claim }) =>
        claim === undefined ? [] : [`${pod.namespace}/${claim}`],
      );
      for (const key of named) changeSet(podsOfClaim, key, pod.uid, sign);
      for (const key of new Set([...named, ...(claimsOfPod.get(pod.uid) ?? [])])) recount(key);
    },
    changeClaim: (claim, sign) => {
      const key = claimKey(claim);
      if (sign === 1) claims.set(key, claim);
      else claims.delete(key);
      if (claim.owner !== undefined) changeSet(claimsOfPod, claim.owner.uid, key, sign);
      recount(key);
    },
    read: () => [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => ({ ...sum })),
  };
}

/** What an unallocated claim asks for, in the way its pods wait; undefined where none of its pods waits. */
export function demandOfClaim(
  claim: ResourceClaimRow,
  pods: readonly PodRow[],
): Pick<Demand, 'kind' | 'units'> | undefined {
  // The extended-resource request itself is counted at the pod.
  if (claim.isAllocated || claim.isExtended || claim.deletedAt !== undefined) return undefined;
  const kind = pods
    .flatMap((pod) => pendingKind(pod) ?? [])
    .sort()
    .at(0);
  if (kind === undefined) return undefined;
  const units: Record<string, number> = {};
  for (const { choices } of claim.requests) {
    const first = choices[0];
    // `All` is as many as there are: no number.
    if (first?.count === undefined || first.adminAccess || !isAcceleratorDriver(first.className)) continue;
    units[first.className] = (units[first.className] ?? 0) + first.count;
  }
  return Object.keys(units).length === 0 ? undefined : { kind, units };
}

function changeSet(sets: Map<string, Set<string>>, key: string, member: string, sign: 1 | -1): void {
  const set = sets.get(key) ?? new Set();
  if (sign === 1) set.add(member);
  else set.delete(member);
  if (set.size === 0) sets.delete(key);
  else sets.set(key, set);
}
