import type { PodRow } from '../resources/pod-row.ts';
import type { Blocker, NodeVerdict } from './explain.ts';
import type { Account, Ledger } from './ledger.ts';

export interface Holder {
  readonly namespace: string;
  readonly name: string;
  readonly units: number;
  readonly priority: number;
  readonly idle: boolean;
}

/** What would have to happen on one node for one more copy. */
export interface Room {
  readonly node: string;
  readonly resource: string;
  readonly uncordon: boolean;
  /** Taints that the pod would have to tolerate. */
  readonly tolerate: string | undefined;
  /** Pods that would have to move, cheapest first. */
  readonly move: readonly Holder[];
}

/** Whom it is for. */
export interface Asker {
  readonly priority: number;
  readonly isIdle: (pod: PodRow) => boolean;
}

interface Place {
  readonly account: Account;
  readonly resource: string;
  readonly verdict: NodeVerdict;
}

/** Nobody can move a node that is down. */
const isDown = (detail: string): boolean =>
  /node\.kubernetes\.io\/(?:not-ready|unreachable|network-unavailable|disk-pressure)/.test(detail);

/** What would have to happen on a node for one more copy; undefined where nothing within reach helps. */
export function roomOn(
  ledger: Ledger,
  { account, resource, verdict }: Place,
  asker: Asker,
): Room | undefined {
  const missing = new Map<string, number>();
  let [uncordon, tolerate]: [boolean, string | undefined] = [false, undefined];
  for (const blocker of verdict.blockers) {
    if (blocker.plugin === 'NodeUnschedulable') uncordon = true;
    else if (blocker.plugin === 'TaintToleration' && !isDown(blocker.detail))
      tolerate = blocker.detail.replace(/^taint /, '');
    else if (isShort(blocker)) missing.set(blocker.short.resource, blocker.short.missing);
    else return undefined;
  }
  const move = missing.size === 0 ? [] : moversFor(ledger, account, missing, resource, asker);
  return move === undefined ? undefined : { node: account.node.name, resource, uncordon, tolerate, move };
}

const isShort = (blocker: Blocker): blocker is Blocker & Required<Pick<Blocker, 'short'>> =>
  (blocker.plugin === 'NodeResourcesFit' || blocker.plugin === 'DynamicResources') &&
  !blocker.final &&
  blocker.short !== undefined;

/** Devices of a node that each pod holds by claims, by the pod's uid. */
function heldDevices(ledger: Ledger, node: string): ReadonlyMap<string, number> {
  const held = new Map<string, number>();
  const { deviceClaims, devicePools } = ledger.shelves();
  const here = new Set(
    (devicePools ?? []).flatMap(({ driver, pool, devices }) =>
      devices.some((device) => device.node !== 'all' && 'name' in device.node && device.node.name === node)
        ? [`${driver}/${pool}`]
        : [],
    ),
  );
  for (const { allocation, reservedFor } of deviceClaims?.values() ?? []) {
    const count =
      allocation?.devices.filter(({ driver, pool, admin }) => !admin && here.has(`${driver}/${pool}`))
        .length ?? 0;
    if (count > 0) for (const uid of reservedFor) held.set(uid, (held.get(uid) ?? 0) + count);
  }
  return held;
}

/** The pods whose going would free what is short: idle ones first, then by priority, then by size; undefined where none would do. */
function moversFor(
  ledger: Ledger,
  account: Account,
  missing: ReadonlyMap<string, number>,
  resource: string,
  { isIdle }: Asker,
): readonly Holder[] | undefined {
  const held = heldDevices(ledger, account.node.name);
  const frees = (pod: PodRow, name: string): number => {
    if (name === 'pods') return 1;
    return pod.spec.requests[name] ?? (name in account.node.allocatable ? 0 : (held.get(pod.uid) ?? 0));
  };
  const units = (pod: PodRow): number => pod.spec.requests[resource] ?? held.get(pod.uid) ?? 0;
  const movable = [...account.pods.values()]
    .filter(({ owner }) => owner?.kind !== 'DaemonSet' && owner?.kind !== 'Node')
    .filter((pod) => [...missing.keys()].some((name) => frees(pod, name) > 0))
    .sort(
      (a, b) =>
        Number(isIdle(b)) - Number(isIdle(a)) ||
        a.spec.priority - b.spec.priority ||
        units(a) - units(b) ||
        (a.name < b.name ? -1 : 1),
    );
  const isEnough = (chosen: readonly PodRow[]): boolean =>
    [...missing].every(([name, amount]) => chosen.reduce((sum, pod) => sum + frees(pod, name), 0) >= amount);
  if (!isEnough(movable)) return undefined;
  return fewest(movable, isEnough).map((pod) => ({
    namespace: pod.namespace,
    name: pod.name,
    units: units(pod),
    priority: pod.spec.priority,
    idle: isIdle(pod),
  }));
}

/** The first pods that are enough, less those that turn out not to be needed. */
function fewest(
  pods: readonly PodRow[],
  isEnough: (chosen: readonly PodRow[]) => boolean,
): readonly PodRow[] {
  let chosen: readonly PodRow[] = [];
  for (const pod of pods) {
    if (isEnough(chosen)) break;
    chosen = [...chosen, pod];
  }
  for (const pod of chosen.toReversed()) {
    const without = chosen.filter((other) => other !== pod);
    if (isEnough(without)) chosen = without;
  }
  return chosen;
}

/** Moving an idle or lower pod costs less than moving one that works; changing a node costs least. */
function costOf({ uncordon, tolerate, move }: Room, priority: number): number {
  const pods = move.reduce(
    (sum, holder) => sum + (holder.idle ? 1 : holder.priority < priority ? 2 : 4) + holder.units / 100,
    0,
  );
  return (uncordon ? 1.5 : 0) + (tolerate === undefined ? 0 : 1.6) + pods;
}

export const cheapestFirst = (rooms: readonly Room[], priority: number): readonly Room[] =>
  rooms.toSorted((a, b) => costOf(a, priority) - costOf(b, priority));
