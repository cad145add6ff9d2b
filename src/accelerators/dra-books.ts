import type { AllocatedDevice, ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { ResourceSliceRow } from '../resources/resourceslices.ts';
import {
  claimKey,
  countDevices,
  type DraCount,
  deviceKey,
  devicesOfPool,
  heldDevices,
  isAcceleratorDriver,
  type PlacedDevice,
  poolKey,
} from './dra.ts';
import { type Holder, sortHolders } from './holders.ts';

/** Slices and claims, indexed by node. Each change returns the nodes whose counts it may have changed. */
export interface DraBooks {
  readonly putSlice: (slice: ResourceSliceRow) => ReadonlySet<string>;
  readonly removeSlice: (slice: ResourceSliceRow) => ReadonlySet<string>;
  readonly putClaim: (claim: ResourceClaimRow) => ReadonlySet<string>;
  readonly removeClaim: (claim: ResourceClaimRow) => ReadonlySet<string>;
  /** The row that is known under the same name. */
  readonly claim: (claim: ResourceClaimRow) => ResourceClaimRow | undefined;
  readonly slice: (slice: ResourceSliceRow) => ResourceSliceRow | undefined;
  /** One count per driver. */
  readonly countsOf: (node: string) => readonly DraCount[];
  readonly holdersOf: (node: string, driver: string) => readonly Holder[];
}

export function createDraBooks(): DraBooks {
  const slices = new Map<string, ResourceSliceRow>();
  const slicesOfPool = new Map<string, Set<string>>();
  const devicesOfPools = new Map<string, readonly PlacedDevice[]>();
  const poolsOfNode = new Map<string, Set<string>>();
  const nodeOfDevice = new Map<string, string>();
  const claims = new Map<string, ResourceClaimRow>();
  const uses = new Map<string, Map<string, AllocatedDevice>>();

  /** Reads the devices of a pool anew; the nodes that it had and has. */
  function readPool(pool: string): ReadonlySet<string> {
    const touched = new Set<string>();
    for (const placed of devicesOfPools.get(pool) ?? []) {
      touched.add(placed.node);
      nodeOfDevice.delete(placed.key);
      poolsOfNode.get(placed.node)?.delete(pool);
    }
    const rows = [...(slicesOfPool.get(pool) ?? [])].flatMap((name) => slices.get(name) ?? []);
    const devices = rows.length === 0 ? [] : devicesOfPool(rows);
    for (const placed of devices) {
      touched.add(placed.node);
      nodeOfDevice.set(placed.key, placed.node);
      const pools = poolsOfNode.get(placed.node) ?? new Set();
      poolsOfNode.set(placed.node, pools.add(pool));
    }
    if (devices.length === 0) devicesOfPools.delete(pool);
    else devicesOfPools.set(pool, devices);
    return touched;
  }

  function removeSlice(slice: ResourceSliceRow): ReadonlySet<string> {
    const known = slices.get(slice.name);
    if (known === undefined) return new Set();
    slices.delete(slice.name);
    const pool = poolKey(known);
    slicesOfPool.get(pool)?.delete(slice.name);
    return readPool(pool);
  }

  function use(claim: ResourceClaimRow, sign: 1 | -1): Set<string> {
    const touched = new Set<string>();
    for (const held of heldDevices(claim)) {
      const key = deviceKey(held.driver, held.pool, held.device);
      const users = uses.get(key) ?? new Map<string, AllocatedDevice>();
      if (sign === 1) users.set(claimKey(claim), held);
      else users.delete(claimKey(claim));
      if (users.size === 0) uses.delete(key);
      else uses.set(key, users);
      const node = nodeOfDevice.get(key);
      if (node !== undefined) touched.add(node);
    }
    return touched;
  }

  function removeClaim(claim: ResourceClaimRow): Set<string> {
    const known = claims.get(claimKey(claim));
    if (known === undefined) return new Set();
    claims.delete(claimKey(claim));
    return use(known, -1);
  }

  function devicesOn(node: string): ReadonlyMap<string, readonly PlacedDevice[]> {
    const devices = [...(poolsOfNode.get(node) ?? [])]
      .sort()
      .flatMap((pool) => devicesOfPools.get(pool) ?? [])
      .filter((placed) => placed.node === node);
    return Map.groupBy(devices, ({ driver }) => driver);
  }

  const isOrphan = (key: string): boolean => claims.get(key)?.reservedFor.length === 0;

  return {
    putSlice: (slice) => {
      const before = removeSlice(slice);
      slices.set(slice.name, slice);
      if (!isAcceleratorDriver(slice.driver)) return before;
      const pool = poolKey(slice);
      const names = slicesOfPool.get(pool) ?? new Set();
      slicesOfPool.set(pool, names.add(slice.name));
      return new Set([...before, ...readPool(pool)]);
    },
    removeSlice,
    putClaim: (claim) => {
      const before = removeClaim(claim);
      claims.set(claimKey(claim), claim);
      return new Set([...before, ...use(claim, 1)]);
    },
    removeClaim,
    claim: (claim) => claims.get(claimKey(claim)),
    slice: ({ name }) => slices.get(name),
    countsOf: (node) =>
      [...devicesOn(node).values()].map((devices) => countDevices(devices, (key) => uses.get(key), isOrphan)),
    holdersOf: (node, driver) => {
      const users = (devicesOn(node).get(driver) ?? []).flatMap(({ key }) => [
        ...(uses.get(key)?.keys() ?? []),
      ]);
      return holdersOfClaims(users.flatMap((key) => claims.get(key) ?? []));
    },
  };
}

/** One entry per pod; a claim that no pod uses stands for itself. */
function holdersOfClaims(claims: readonly ResourceClaimRow[]): readonly Holder[] {
  const holders = new Map<string, Holder>();
  const count = (namespace: string, name: string, uid: string): void => {
    const key = `${namespace}/${name}`;
    const known = holders.get(key);
    holders.set(key, { namespace, name, uid, count: (known?.count ?? 0) + 1, deletedAt: undefined });
  };
  for (const { namespace, name, uid, reservedFor } of claims) {
    if (reservedFor.length === 0) count(namespace, `claim:${name}`, uid);
    for (const consumer of reservedFor) count(namespace, consumer.name, consumer.uid);
  }
  return sortHolders([...holders.values()]);
}
