import type { Demand } from '../accelerators/demand.ts';
import { createLedger, type Ledger } from '../accelerators/ledger.ts';
import { type Summary, summaryOf } from '../accelerators/summary.ts';
import { isSame } from '../resources/fields.ts';
import { jobs } from '../resources/jobs.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Resource, type Row } from '../resources/resource.ts';
import { type ResourceClaimRow, resourceclaims } from '../resources/resourceclaims.ts';
import { type ResourceSliceRow, resourceslices } from '../resources/resourceslices.ts';
import { queueKinds, workloadObjects } from '../resources/workload-kinds.ts';
import { createWorkloads, type Workloads } from '../workloads/books.ts';
import { demandOf } from '../workloads/demand.ts';
import { bookSources } from '../workloads/sources.ts';
import type { Cluster } from './cluster.ts';

/** Nodes and accelerators of the cluster, kept as rows come and go: 100,000 pods are never added up anew. */
export interface Sums {
  readonly ledger: Ledger;
  readonly workloads: Workloads;
  /** Of the ledger; counted when asked for after a change, and less often while there are very many. */
  readonly summary: () => Summary;
  readonly nodesReady: () => number;
  readonly nodesTotal: () => number;
  readonly stop: () => void;
}

// A list that comes in touches every node again and again; adding up after each frame of it would be most of the work:
// it gets this share of the time, and waits for half a second at least.
const manyChanges = 100;
const sumEveryMs = 500;
const sumShare = 0.05;
/** Of lists that are still coming in: what they add up to is no sum of anything. */
const unlistedSumShare = 0.02;

/** The kinds that the sums are made of: they are only true while all of these are open. */
export const summedKinds: readonly Resource[] = [
  anyResource(pods),
  anyResource(nodes),
  anyResource(resourceslices),
  anyResource(resourceclaims),
  anyResource(jobs),
  ...workloadObjects.map(anyResource),
  ...queueKinds,
];

/** What jobs without pods want changes slowly, and costs a look at every workload that changed. */
const demandEveryMs = 2000;
/** Longer than this, and a key would wait; the rest lets keys and bytes in. */
const demandSliceMs = 4;
const demandRestMs = 8;

export function createSums(cluster: Cluster): Sums {
  const ledger = createLedger();
  const workloads = createWorkloads();
  const demands = new Map<string, Demand>();
  /** On the clock of `performance.now`. */
  let demandAgainMs = Number.NEGATIVE_INFINITY;
  let demandSlice: NodeJS.Timeout | undefined;
  let ready = 0;
  let total = 0;
  let changes = 0;
  let summed = -1;
  /** On the clock of `performance.now`. */
  let sumAgainMs = Number.NEGATIVE_INFINITY;
  let summary: Summary | undefined;
  let wasListed = false;

  /** A row's identity is its version, so the same row twice is only a fault that came or went. */
  function follow<R extends Row>(
    resource: Resource<R>,
    put: (row: R) => void,
    remove: (row: R) => void,
  ): () => void {
    for (const row of cluster.rowsOf(resource)) put(row);
    return cluster.onRow(anyResource(resource), (before, after) => {
      if (before === after) return;
      changes += 1;
      // The rows of a resource's hook are that resource's own.
      if (after === undefined) remove(before as R);
      else put(after as R);
    });
  }

  const isReady = (node: NodeRow): boolean => node.status.split(',')[0] === 'Ready';
  const countNode = (node: Row | undefined, sign: 1 | -1): void => {
    if (node === undefined) return;
    total += sign;
    if (isReady(node as NodeRow)) ready += sign;
  };
  for (const node of cluster.rowsOf(nodes)) countNode(node, 1);

  const stops = [
    follow<PodRow>(pods, ledger.addPod, ledger.removePod),
    follow<NodeRow>(nodes, ledger.putNode, ledger.removeNode),
    follow<ResourceSliceRow>(resourceslices, ledger.putSlice, ledger.removeSlice),
    follow<ResourceClaimRow>(resourceclaims, ledger.putClaim, ledger.removeClaim),
    ...bookSources.map(followBooks),
    cluster.onRow(anyResource(nodes), (before, after) => {
      countNode(before, -1);
      countNode(after, 1);
    }),
  ];

  function followBooks({ resource, put, remove }: (typeof bookSources)[number]): () => void {
    for (const row of cluster.rowsOf(resource)) put(workloads, undefined, row);
    return cluster.onRow(resource, (before, after) => {
      if (before === after) return;
      changes += 1;
      if (after === undefined) remove(workloads, before as Row);
      else put(workloads, before, after);
    });
  }

  /**
   * Demand that no pod stands for, into the ledger: in slices, for after a long list every workload is looked at anew.
   * Before the pods are known every job seems to lack its own.
   */
  function renewDemand(): void {
    if (demandSlice !== undefined || performance.now() < demandAgainMs) return;
    if (!cluster.hasListed(anyResource(pods))) return;
    if (workloads.settle(Date.now(), demandSliceMs)) countDemand();
    else continueSoon();
  }

  function continueSoon(): void {
    demandSlice = setTimeout(() => {
      demandSlice = undefined;
      if (workloads.settle(Date.now(), demandSliceMs)) countDemand();
      else continueSoon();
    }, demandRestMs);
    demandSlice.unref();
  }

  function countDemand(): void {
    demandAgainMs = performance.now() + demandEveryMs;
    const gone = new Set(demands.keys());
    for (const row of workloads.settled()) {
      const demand = demandOf(row);
      if (demand === undefined) continue;
      gone.delete(row.uid);
      if (isSame(demands.get(row.uid), demand)) continue;
      demands.set(row.uid, demand);
      ledger.putDemand(row.uid, demand);
      changes += 1;
    }
    for (const key of gone) {
      demands.delete(key);
      ledger.removeDemand(key);
      changes += 1;
    }
  }

  return {
    ledger,
    workloads,
    summary() {
      const isNew = summed !== changes;
      const isFlood = changes - summed > manyChanges && performance.now() < sumAgainMs;
      // What was added up before the lists were whole must not stand for the cluster a moment longer.
      const isListed = cluster.hasListed(anyResource(pods)) && cluster.hasListed(anyResource(nodes));
      if (summary === undefined || (isNew && (!isFlood || isListed !== wasListed))) {
        const startedMs = performance.now();
        renewDemand();
        summed = changes;
        wasListed = isListed;
        summary = summaryOf({ totals: ledger.totals(), demand: ledger.demand() });
        const doneMs = performance.now();
        sumAgainMs =
          doneMs + Math.max(sumEveryMs, (doneMs - startedMs) / (isListed ? sumShare : unlistedSumShare));
      }
      return summary;
    },
    nodesReady: () => ready,
    nodesTotal: () => total,
    stop() {
      clearTimeout(demandSlice);
      for (const stop of stops) stop();
    },
  };
}
