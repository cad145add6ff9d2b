import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { AllocatedDevice, ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { ResourceSliceRow } from '../resources/resourceslices.ts';
import { acceleratorsIn, type Demand, holdsNode, pendingKind } from './demand.ts';
import { claimKey, countDevices, deviceKey, devicesOfPool, heldDevices, poolKey } from './dra.ts';
import { changeHeld, createHeld, type DeviceEntry, entriesOfNode } from './node-devices.ts';
import { type ClassDemand, demandOfClaim } from './pending.ts';
import { type ClassTotals, createTotals } from './totals.ts';

export interface LedgerInputs {
  readonly pods: Iterable<PodRow>;
  readonly nodes: Iterable<NodeRow>;
  readonly slices: Iterable<ResourceSliceRow>;
  readonly claims: Iterable<ResourceClaimRow>;
  readonly demands: Iterable<Demand>;
}

export interface LedgerState {
  /** Sorted by node, plugin classes before DRA drivers. */
  readonly entries: readonly DeviceEntry[];
  readonly totals: readonly ClassTotals[];
  readonly demand: readonly ClassDemand[];
}

/** The same answer as the incremental ledger, from scratch: what that one is held to. */
export function recompute(inputs: LedgerInputs): LedgerState {
  const pods = [...inputs.pods];
  const claims = [...inputs.claims];
  const nodes = new Map([...inputs.nodes].map((node) => [node.name, node]));
  const placed = Map.groupBy(pods.filter(holdsNode), ({ node }) => node);
  const pools = Map.groupBy(inputs.slices, poolKey);
  const devices = Map.groupBy([...pools.values()].flatMap(devicesOfPool), ({ node }) => node);
  const uses = usesOf(claims);
  const orphans = new Set(claims.filter(({ reservedFor }) => reservedFor.length === 0).map(claimKey));
  const names = new Set([...nodes.keys(), ...placed.keys(), ...devices.keys()]);
  const entries = [...names].sort().flatMap((name) => {
    const held = createHeld();
    for (const pod of placed.get(name) ?? []) changeHeld(held, pod, 1);
    const byDriver = Map.groupBy(devices.get(name) ?? [], ({ driver }) => driver);
    const counts = [...byDriver.values()].map((some) =>
      countDevices(
        some,
        (key) => uses.get(key),
        (claim) => orphans.has(claim),
      ),
    );
    return entriesOfNode(name, nodes.get(name), held.pods === 0 ? undefined : held, counts);
  });
  const totals = createTotals();
  for (const entry of entries) totals.change(entry, 1);
  return { entries, totals: totals.read(), demand: demandOf(pods, claims, inputs.demands) };
}

function usesOf(
  claims: readonly ResourceClaimRow[],
): ReadonlyMap<string, ReadonlyMap<string, AllocatedDevice>> {
  const uses = new Map<string, Map<string, AllocatedDevice>>();
  for (const claim of claims) {
    for (const held of heldDevices(claim)) {
      const key = deviceKey(held.driver, held.pool, held.device);
      uses.set(key, (uses.get(key) ?? new Map()).set(claimKey(claim), held));
    }
  }
  return uses;
}

function demandOf(
  pods: readonly PodRow[],
  claims: readonly ResourceClaimRow[],
  others: Iterable<Demand>,
): readonly ClassDemand[] {
  const waiting = pods.filter((pod) => pendingKind(pod) !== undefined);
  const asked: Pick<Demand, 'kind' | 'units'>[] = [...others];
  for (const pod of waiting) {
    const kind = pendingKind(pod);
    if (kind !== undefined)
      asked.push({ kind, units: Object.fromEntries(acceleratorsIn(pod.spec.requests)) });
  }
  for (const claim of claims) {
    const users = waiting.filter(
      (pod) =>
        pod.uid === claim.owner?.uid ||
        (pod.namespace === claim.namespace && pod.spec.claims.some((used) => used.claim === claim.name)),
    );
    const demand = demandOfClaim(claim, users);
    if (demand !== undefined) asked.push(demand);
  }
  const flat = asked.flatMap(({ kind, units }) =>
    Object.entries(units).map(([className, amount]) => ({ className, kind, amount })),
  );
  return [...Map.groupBy(flat, ({ className, kind }) => `${className}\0${kind}`)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, group]) => {
      const first = group[0];
      if (first === undefined) return [];
      const units = group.reduce((sum, { amount }) => sum + amount, 0);
      return [{ className: first.className, kind: first.kind, units, askers: group.length }];
    });
}
