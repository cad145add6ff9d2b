import { ledgerOf } from '../accelerators/gpus.ts';
import type { Ledger } from '../accelerators/ledger.ts';
import type { ClusterRows, DerivedTable, Row } from '../resources/resource.ts';
import type { Workloads } from './books.ts';
import { fitTable } from './fit-table.ts';
import { namespaceUseTable } from './namespace-use.ts';
import { pendingTable } from './pending.ts';
import { queueUseTable } from './queue-use.ts';
import { ranksTable } from './ranks.ts';
import { booksOf, schedulingOf } from './sources.ts';
import { workloads } from './workloads.ts';

export interface TableAccess {
  readonly books: (cluster: ClusterRows) => Workloads;
  readonly ledger: (cluster: ClusterRows) => Ledger;
  /** Key of the workload whose ranks are shown. */
  readonly shownWorkload: () => string | undefined;
  /** The model that the fit table is asked about. */
  readonly shownModel: () => string | undefined;
  /** Nodes looked at in one go for the verdicts on pending workloads. */
  readonly nodesAtOnce: number;
  /** Epoch ms. */
  readonly clock: () => number;
}

/** Cluster by cluster, from its rows: for one look. */
export const onceAccess: TableAccess = {
  books: booksOf,
  ledger: ledgerOf,
  shownWorkload: () => undefined,
  shownModel: () => undefined,
  nodesAtOnce: Number.POSITIVE_INFINITY,
  clock: () => 0,
};

/** A verdict looks at what changes by the second; older ones mislead. */
const verdictGoodForMs = 10_000;

/** Every table about workloads and their queues. */
export const workloadTables = (access: TableAccess): readonly DerivedTable<Row>[] => [
  // Each only ever sees its own rows.
  {
    ...workloads,
    // A gang that has waited long enough is stuck, whether anything happens or not.
    epoch: () => Math.floor(access.clock() / 10_000),
    derive: (cluster: ClusterRows, now: number) => access.books(cluster).rows(now),
  } as unknown as DerivedTable<Row>,
  pendingTable({
    books: access.books,
    scheduling: schedulingOf,
    options: { nodesAtOnce: access.nodesAtOnce, goodForMs: verdictGoodForMs },
    clock: access.clock,
  }) as unknown as DerivedTable<Row>,
  namespaceUseTable(access.books) as unknown as DerivedTable<Row>,
  queueUseTable(access) as unknown as DerivedTable<Row>,
  fitTable({ scheduling: schedulingOf, shownModel: access.shownModel }) as unknown as DerivedTable<Row>,
  ranksTable(access.books, access.shownWorkload) as unknown as DerivedTable<Row>,
];
