import type { ClusterRows } from '../resources/resource.ts';
import { type ResourceClaimRow, resourceclaims } from '../resources/resourceclaims.ts';
import { resourceslices } from '../resources/resourceslices.ts';
import { deviceKey, devicesOfPool, heldDevices, isWhole, modelsIn, poolKey } from './dra.ts';

/** A device of DRA by name, with who has it. */
export interface DraDevice {
  readonly name: string;
  readonly model: string | undefined;
  /** As the driver says it, `GPU-…`; `''` where it does not. */
  readonly uuid: string;
  /** `namespace/pod`, and `namespace/claim:name` of a claim that no pod uses. Empty: nobody. */
  readonly holders: readonly string[];
  /** `gpu.nvidia.com/xid=79:NoSchedule`: out of service, or about to be. */
  readonly taints: readonly string[];
}

/** A node's driver, as rows of the GPU table name it. */
export const draPlace = (node: string, driver: string): string => `${node} ${driver}`;

/** Every accelerator that DRA places on one node, by `draPlace`; partitions only where somebody has them. */
export function draDevices(cluster: ClusterRows): ReadonlyMap<string, readonly DraDevice[]> {
  const slices = [...cluster.rowsOf(resourceslices)];
  if (slices.length === 0) return new Map();
  const holders = holdersOf(cluster.rowsOf(resourceclaims));
  const models = new Map(slices.flatMap(modelsIn).map(({ key, model }) => [key, model]));
  const places = new Map<string, DraDevice[]>();
  for (const pool of Map.groupBy(slices, poolKey).values()) {
    for (const placed of devicesOfPool(pool)) {
      const { key, node, driver, device } = placed;
      const held = holders.get(key) ?? [];
      if (node === '' || (held.length === 0 && !isWhole(placed))) continue;
      const place = draPlace(node, driver);
      const known = places.get(place) ?? [];
      if (known.length === 0) places.set(place, known);
      const uuid = device.attributes[`${driver}/uuid`];
      known.push({
        name: device.name,
        model: models.get(key),
        uuid: typeof uuid === 'string' ? uuid : '',
        holders: held,
        taints: device.taints.map(({ key: taint, value, effect }) => {
          const is = value === undefined || value === '' ? '' : `=${value}`;
          return `${taint}${is}:${effect}`;
        }),
      });
    }
  }
  return places;
}

/** By device key: the pods that a claim is reserved for, or the claim where it is for none. */
function holdersOf(claims: Iterable<ResourceClaimRow>): ReadonlyMap<string, readonly string[]> {
  const holders = new Map<string, string[]>();
  for (const claim of claims) {
    const names =
      claim.reservedFor.length === 0 ? [`claim:${claim.name}`] : claim.reservedFor.map(({ name }) => name);
    for (const { driver, pool, device } of heldDevices(claim)) {
      const key = deviceKey(driver, pool, device);
      holders.set(key, [...(holders.get(key) ?? []), ...names.map((name) => `${claim.namespace}/${name}`)]);
    }
  }
  return holders;
}
