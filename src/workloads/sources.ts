import { daemonsets } from '../resources/daemonsets.ts';
import { deployments } from '../resources/deployments.ts';
import { kaiqueues, volcanoqueues } from '../resources/gang-objects.ts';
import { jobs } from '../resources/jobs.ts';
import { clusterqueues, kueueworkloads, localqueues, resourceflavors } from '../resources/kueue.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type ClusterRows, type Resource, type Row } from '../resources/resource.ts';
import { resourceclaims } from '../resources/resourceclaims.ts';
import { resourcequotas } from '../resources/resourcequotas.ts';
import { resourceslices } from '../resources/resourceslices.ts';
import { statefulsets } from '../resources/statefulsets.ts';
import { podGroupKinds, workloadObjects } from '../resources/workload-kinds.ts';
import type { WorkloadObjectRow } from '../resources/workload-object.ts';
import { createLedger, type Ledger } from '../scheduling/ledger.ts';
import { createWorkloads, type Workloads } from './books.ts';
import { ofDaemonSet, ofDeployment, ofJob, ofStatefulSet } from './objects.ts';

/** A kind that the books are kept from. `before` is the row that was put for the same object. */
export interface BookSource {
  readonly resource: Resource;
  readonly put: (books: Workloads, before: Row | undefined, after: Row) => void;
  readonly remove: (books: Workloads, row: Row) => void;
}

/** The rows of a source are those of its resource. */
const source = <R extends Row>(
  resource: Resource<R>,
  put: (books: Workloads, after: R, before: R | undefined) => void,
  remove: (books: Workloads, row: R) => void,
): BookSource => ({
  resource: anyResource(resource),
  put: (books, before, after) => put(books, after as R, before as R | undefined),
  remove: (books, row) => remove(books, row as R),
});

const objectSource = <R extends Row>(
  resource: Resource<R>,
  read: (row: R) => WorkloadObjectRow,
): BookSource =>
  source(
    resource,
    (books, row) => books.putObject(read(row)),
    (books, row) => books.removeObject(read(row)),
  );

/** Everything that says what a job is, wants and waits for. */
export const bookSources: readonly BookSource[] = [
  source(
    nodes,
    (books, row) => books.putNode(row),
    (books, row) => books.removeNode(row),
  ),
  source(
    resourceclaims,
    (books, row) => books.putClaim(row),
    (books, row) => books.removeClaim(row),
  ),
  source(
    resourceslices,
    (books, row) => books.putSlice(row),
    (books, row) => books.removeSlice(row),
  ),
  source(
    resourcequotas,
    (books, row) => books.putQuota(row),
    (books, row) => books.removeQuota(row),
  ),
  objectSource(jobs, ofJob),
  objectSource(deployments, ofDeployment),
  objectSource(statefulsets, ofStatefulSet),
  objectSource(daemonsets, ofDaemonSet),
  ...workloadObjects.map((resource) => objectSource(resource, (row) => row)),
  source(
    kueueworkloads,
    (books, row) => books.putKueueWorkload(row),
    (books, row) => books.removeKueueWorkload(row),
  ),
  source(
    localqueues,
    (books, row) => books.putLocalQueue(row),
    (books, row) => books.removeLocalQueue(row),
  ),
  source(
    clusterqueues,
    (books, row) => books.putClusterQueue(row),
    (books, row) => books.removeClusterQueue(row),
  ),
  source(
    resourceflavors,
    (books, row) => books.putFlavor(row),
    (books, row) => books.removeFlavor(row),
  ),
  ...[volcanoqueues, kaiqueues].map((resource) =>
    source(
      resource,
      (books, row) => books.putGangQueue(row),
      (books, row) => books.removeGangQueue(row),
    ),
  ),
  ...podGroupKinds.map((resource) =>
    source(
      resource,
      (books, row) => books.putPodGroup(row),
      (books, row) => books.removePodGroup(row),
    ),
  ),
  source(
    pods,
    (books, row, before) => books.putPod(before, row),
    (books, row) => books.removePod(row),
  ),
];

interface Kept {
  readonly books: Workloads;
  readonly known: ReadonlyMap<BookSource, Map<string, Row>>;
}

const keptBooks = new WeakMap<ClusterRows, Kept>();

/**
 * The books of a cluster, brought up to date. Rows are replaced, never edited, so only those that are not the same
 * object as last time are looked at.
 */
export function booksOf(cluster: ClusterRows): Workloads {
  const kept = keptBooks.get(cluster) ?? {
    books: createWorkloads(),
    known: new Map(bookSources.map((one) => [one, new Map<string, Row>()])),
  };
  keptBooks.set(cluster, kept);
  const { books } = kept;
  for (const [one, known] of kept.known) {
    changesOf(cluster, one.resource, known, {
      put: (row, before) => one.put(books, before, row),
      remove: (row) => one.remove(books, row),
    });
  }
  return kept.books;
}

const keptLedgers = new WeakMap<
  ClusterRows,
  { readonly ledger: Ledger; readonly known: [Map<string, Row>, Map<string, Row>] }
>();

/**
 * What the scheduler counts, of the rows of a cluster, brought up to date. Volumes and device claims are not among
 * them: of pods that want such, its filters say that they cannot tell.
 */
export function schedulingOf(cluster: ClusterRows): Ledger {
  const kept = keptLedgers.get(cluster) ?? {
    ledger: createLedger(),
    known: [new Map<string, Row>(), new Map<string, Row>()] as const,
  };
  keptLedgers.set(cluster, { ledger: kept.ledger, known: [kept.known[0], kept.known[1]] });
  const { ledger } = kept;
  changesOf(cluster, anyResource(nodes), kept.known[0], {
    put: (row) => ledger.putNode(row as NodeRow),
    remove: (row) => ledger.removeNode(row.name),
  });
  changesOf(cluster, anyResource(pods), kept.known[1], {
    put: (row) => ledger.putPod(row as PodRow),
    remove: (row) => ledger.removePod(row.uid),
  });
  return ledger;
}

const keyOf = (row: Row): string => row.uid || `${row.namespace}/${row.name}`;

interface Follower {
  readonly put: (row: Row, before: Row | undefined) => void;
  readonly remove: (row: Row) => void;
}

/** Tells of every row that came, changed or went since `known` was last brought up to date. */
function changesOf(
  cluster: ClusterRows,
  resource: Resource,
  known: Map<string, Row>,
  follower: Follower,
): void {
  let count = 0;
  for (const row of cluster.rowsOf(resource)) {
    count += 1;
    const key = keyOf(row);
    const before = known.get(key);
    if (before === row) continue;
    known.set(key, row);
    follower.put(row, before);
  }
  if (count === known.size) return;
  const gone = new Map(known);
  for (const row of cluster.rowsOf(resource)) gone.delete(keyOf(row));
  for (const [key, row] of gone) {
    known.delete(key);
    follower.remove(row);
  }
}
