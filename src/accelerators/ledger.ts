import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { extendedClaim } from '../resources/pods.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { ResourceSliceRow } from '../resources/resourceslices.ts';
import { acceleratorsIn, type Demand, holdsNode } from './demand.ts';
import { createDraBooks } from './dra-books.ts';
import { type Holder, sortHolders } from './holders.ts';
import {
  changeHeld,
  createHeld,
  type DeviceEntry,
  entriesOfNode,
  hamiText,
  type MutableHeld,
} from './node-devices.ts';
import { type ClassDemand, createPendingDemand } from './pending.ts';
import { type ClassTotals, createTotals } from './totals.ts';

/**
 * Who has which accelerators, kept up to date one object at a time: an event touches one node and its few classes,
 * whatever the size of the cluster. `add` and `put` replace what had the same key (a uid; a name for nodes, slices and
 * claims); `remove` leaves alone what was made again under
 * the same name.
 */
export interface Ledger {
  readonly addPod: (pod: PodRow) => void;
  readonly removePod: (pod: PodRow) => void;
  readonly putNode: (node: NodeRow) => void;
  readonly removeNode: (node: NodeRow) => void;
  readonly putSlice: (slice: ResourceSliceRow) => void;
  readonly removeSlice: (slice: ResourceSliceRow) => void;
  readonly putClaim: (claim: ResourceClaimRow) => void;
  readonly removeClaim: (claim: ResourceClaimRow) => void;
  /** Demand that is no pod: a suspended Job, a queued Workload. `key` names its source. */
  readonly putDemand: (key: string, demand: Demand) => void;
  readonly removeDemand: (key: string) => void;
  /** All nodes that have, hold or promise accelerators. */
  readonly entries: () => Iterable<DeviceEntry>;
  readonly entriesOf: (node: string) => readonly DeviceEntry[];
  /** Most first. */
  readonly holders: (entry: DeviceEntry) => readonly Holder[];
  /** HAMi's own arithmetic of a node: `10000/92136 MiB, 30/200 cores`. */
  readonly fractions: (node: string) => string | undefined;
  readonly totals: () => readonly ClassTotals[];
  readonly demand: () => readonly ClassDemand[];
}

interface Account {
  readonly held: MutableHeld;
  /** Pods here that hold accelerators, by key. */
  readonly holders: Map<string, PodRow>;
}

const podKey = (pod: PodRow): string => pod.uid || `${pod.namespace}/${pod.name}`;

export function createLedger(): Ledger {
  const pods = new Map<string, PodRow>();
  const nodes = new Map<string, NodeRow>();
  const accounts = new Map<string, Account>();
  const entries = new Map<string, readonly DeviceEntry[]>();
  const demands = new Map<string, Demand>();
  const totals = createTotals();
  const pending = createPendingDemand();
  const dra = createDraBooks();

  // Counted when somebody looks: a batch that touches a node a hundred times counts it once.
  const dirty = new Set<string>();
  const mark = (node: string): void => {
    dirty.add(node);
  };

  function settle(): void {
    for (const node of dirty) recount(node);
    dirty.clear();
  }

  function recount(node: string): void {
    for (const entry of entries.get(node) ?? []) totals.change(entry, -1);
    const fresh = entriesOfNode(node, nodes.get(node), accounts.get(node)?.held, dra.countsOf(node));
    for (const entry of fresh) totals.change(entry, 1);
    if (fresh.length === 0) entries.delete(node);
    else entries.set(node, fresh);
  }

  function change(pod: PodRow, sign: 1 | -1): void {
    pending.changePod(pod, sign);
    if (!holdsNode(pod)) return;
    const account = accounts.get(pod.node) ?? { held: createHeld(), holders: new Map() };
    changeHeld(account.held, pod, sign);
    if (sign === -1) account.holders.delete(podKey(pod));
    else if (acceleratorsIn(pod.spec.requests).length > 0) account.holders.set(podKey(pod), pod);
    if (account.held.pods === 0) accounts.delete(pod.node);
    else accounts.set(pod.node, account);
  }

  const countsClaimed = (entry: DeviceEntry): boolean =>
    (entry.capacity ?? 0) > 0 || dra.countsOf(entry.node).length === 0;

  function removePod(pod: PodRow): void {
    const known = pods.get(podKey(pod));
    if (known === undefined) return;
    pods.delete(podKey(pod));
    change(known, -1);
    if (known.node !== '') mark(known.node);
  }

  return {
    addPod: (pod) => {
      const before = pods.get(podKey(pod));
      if (before !== undefined) change(before, -1);
      pods.set(podKey(pod), pod);
      change(pod, 1);
      if (before !== undefined && before.node !== '') mark(before.node);
      if (pod.node !== '') mark(pod.node);
    },
    removePod,
    putNode: (node) => {
      nodes.set(node.name, node);
      mark(node.name);
    },
    removeNode: (node) => {
      // One that was made again under the same name stays.
      if (nodes.get(node.name)?.uid !== node.uid) return;
      nodes.delete(node.name);
      mark(node.name);
    },
    putSlice: (slice) => dra.putSlice(slice).forEach(mark),
    removeSlice: (slice) => {
      if (dra.slice(slice)?.uid === slice.uid) dra.removeSlice(slice).forEach(mark);
    },
    putClaim: (claim) => {
      const before = dra.claim(claim);
      if (before !== undefined) pending.changeClaim(before, -1);
      pending.changeClaim(claim, 1);
      dra.putClaim(claim).forEach(mark);
    },
    removeClaim: (claim) => {
      const before = dra.claim(claim);
      if (before?.uid !== claim.uid) return;
      pending.changeClaim(before, -1);
      dra.removeClaim(before).forEach(mark);
    },
    putDemand: (key, demand) => {
      const before = demands.get(key);
      if (before !== undefined) pending.change(before, -1);
      demands.set(key, demand);
      pending.change(demand, 1);
    },
    removeDemand: (key) => {
      const before = demands.get(key);
      if (before !== undefined) pending.change(before, -1);
      demands.delete(key);
    },
    *entries() {
      settle();
      for (const list of entries.values()) yield* list;
    },
    entriesOf: (node) => {
      settle();
      return entries.get(node) ?? [];
    },
    holders: (entry) =>
      entry.source === 'dra'
        ? dra.holdersOf(entry.node, entry.className)
        : pluginHolders(
            accounts.get(entry.node)?.holders.values() ?? [],
            entry.className,
            countsClaimed(entry),
          ),
    fractions: (name) => {
      const node = nodes.get(name);
      return node === undefined ? undefined : hamiText(node, accounts.get(name)?.held ?? createHeld());
    },
    totals: () => {
      settle();
      return totals.read();
    },
    demand: pending.read,
  };
}

/** `withClaimed`: pods whose extended resources a claim serves hold the plugin's devices too. */
function pluginHolders(pods: Iterable<PodRow>, resource: string, withClaimed: boolean): readonly Holder[] {
  const holders: Holder[] = [];
  for (const pod of pods) {
    if (!withClaimed && pod.claimNames[extendedClaim] !== undefined) continue;
    const { namespace, name, uid, deletedAt } = pod;
    const count = acceleratorsIn(pod.spec.requests).find(([held]) => held === resource)?.[1] ?? 0;
    if (count > 0) holders.push({ namespace, name, uid, count, deletedAt });
  }
  return sortHolders(holders);
}
