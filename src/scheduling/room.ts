import type { PodRow } from '../resources/pod-row.ts';
import type { Blocker, NodeVerdict } from './explain.ts';
import { type Account, type Ledger, orMake } from './ledger.ts';

interface Holder {
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
function roomOn({ account, resource, verdict }: Place, asker: Asker, held: Held): Room | undefined {
  const missing = new Map<string, number>();
  let [uncordon, tolerate]: [boolean, string | undefined] = [false, undefined];
  for (const blocker of verdict.blockers) {
    if (blocker.plugin === 'NodeUnschedulable') uncordon = true;
    else if (blocker.plugin === 'TaintToleration' && !isDown(blocker.detail))
      tolerate = blocker.detail.replace(/^taint /, '');
    else if (isShort(blocker)) missing.set(blocker.short.resource, blocker.short.missing);
    else return undefined;
  }
  const move = missing.size === 0 ? [] : moversFor(account, missing, resource, asker, held);
  return move === undefined ? undefined : { node: account.node.name, resource, uncordon, tolerate, move };
}

const isShort = (blocker: Blocker): blocker is Blocker & Required<Pick<Blocker, 'short'>> =>
  (blocker.plugin === 'NodeResourcesFit' || blocker.plugin === 'DynamicResources') &&
  !blocker.final &&
  blocker.short !== undefined;

/** Devices that pods hold by claims: node → uid of the pod → number. */
type Held = ReadonlyMap<string, ReadonlyMap<string, number>>;

function heldDevices(ledger: Ledger): Held {
  const { deviceClaims, devicePools } = ledger.shelves();
  const nodeOf = new Map<string, string>();
  for (const { driver, pool, devices } of devicePools ?? []) {
    for (const { name, node } of devices) {
      if (node !== 'all' && 'name' in node) nodeOf.set(`${driver}/${pool}/${name}`, node.name);
    }
  }
  const held = new Map<string, Map<string, number>>();
  for (const { allocation, reservedFor } of deviceClaims?.values() ?? []) {
    for (const { driver, pool, device, admin } of allocation?.devices ?? []) {
      const node = nodeOf.get(`${driver}/${pool}/${device}`);
      if (admin || node === undefined) continue;
      const byPod = orMake(held, node, () => new Map<string, number>());
      for (const uid of reservedFor) byPod.set(uid, (byPod.get(uid) ?? 0) + 1);
    }
  }
  return held;
}

/** Ways to room for one more copy on the given nodes, cheapest first. */
export function roomFor(ledger: Ledger, places: readonly Place[], asker: Asker): readonly Room[] {
  const held = heldDevices(ledger);
  const rooms = places.flatMap((place) => roomOn(place, asker, held) ?? []);
  return rooms.toSorted((a, b) => costOf(a, asker.priority) - costOf(b, asker.priority));
}

/** The pods whose going would free what is short: idle ones first, then by priority, then by size; undefined where none would do. */
function moversFor(
  account: Account,
  missing: ReadonlyMap<string, number>,
  resource: string,
  { isIdle }: Asker,
  held: Held,
): readonly Holder[] | undefined {
  const here = held.get(account.node.name);
  const frees = (pod: PodRow, name: string): number => {
    if (name === 'pods') return 1;
    return pod.spec.requests[name] ?? (name in account.node.allocatable ? 0 : (here?.get(pod.uid) ?? 0));
  };
  const units = (pod: PodRow): number => pod.spec.requests[resource] ?? here?.get(pod.uid) ?? 0;
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
