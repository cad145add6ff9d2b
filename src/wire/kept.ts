import { gpuRows, gpus } from '../accelerators/gpus.ts';
import { createTables, type LearningTables } from '../actions/tables.ts';
import { trueState } from '../checklist/true-state.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Row, type Table } from '../resources/resource.ts';
import { type Cluster, createCluster } from '../state/cluster.ts';
import { deviceTable } from '../state/device-table.ts';
import { createDeviceWatch } from '../state/device-watch.ts';
import { findingTables } from '../state/findings.ts';
import { groupTables } from '../state/groups.ts';
import { liveHealth } from '../state/live-health.ts';
import { type SessionStore, shownTable } from '../state/session.ts';
import { createSums, type Sums } from '../state/sums.ts';
import { createSurvey, type Survey } from '../state/survey.ts';
import { createTrueStates, type ReportOf, type TrueStates, withTrueState } from '../state/true-states.ts';
import { createUsage, type Usage } from '../state/usage.ts';
import { gpusWithUse, nodesWithUse, podsWithUse } from '../state/usage-tables.ts';
import { followWorkloadUse, type WorkloadUse } from '../state/workload-use.ts';
import { workloadTables } from '../workloads/tables.ts';
import { workloads } from '../workloads/workloads.ts';

/** What is known of the cluster that is open, and the tables that are made of it. */
export interface Kept {
  readonly cluster: Cluster;
  readonly tables: LearningTables;
  readonly trueStates: TrueStates;
  readonly sums: Sums;
  readonly usage: Usage;
  readonly workloadUse: WorkloadUse;
  readonly survey: Survey;
  /** Of another cluster nothing that was measured here is true. */
  readonly forgetUse: () => void;
}

export interface KeptParts {
  /** Where the person is. It begins in one of these tables, so each needs the other. */
  readonly session: () => SessionStore;
  readonly reportOf: ReportOf;
}

/** A table whose row type is forgotten, for lists of tables. */
const anyTable = <R extends Row>(table: Table<R>): Table<Row> => table as unknown as Table<Row>;

export function createKept({ session, reportOf }: KeptParts): Kept {
  const usage = createUsage();
  // The true states read the rows that the table of pods is about, so each needs the other.
  let states: TrueStates | undefined;
  const podTable = anyResource(
    podsWithUse(
      withTrueState(pods, (row, now) => states?.of(row, now) ?? trueState(row, { now }), {
        epoch: () => states?.version() ?? 0,
        reportOf,
        clock: Date.now,
      }),
      usage,
    ),
  );
  const cluster = createCluster([podTable]);
  const trueStates = createTrueStates(cluster, Date.now);
  states = trueStates;
  const sums = createSums(cluster);
  const deviceWatch = createDeviceWatch(cluster, Date.now);
  const survey = createSurvey();
  const workloadUse = followWorkloadUse({
    cluster,
    usage,
    ledger: sums.ledger,
    workloads: sums.workloads,
  });
  const namespaces = (): ReturnType<SessionStore['getState']>['namespaces'] =>
    session().getState().namespaces;
  // The same table as on the command line, from a ledger that is kept instead of one that is made anew each time.
  const gpuTable = { ...gpus, derive: () => gpuRows(sums.ledger) };
  const tables = createTables([
    anyTable(gpusWithUse(gpuTable, usage)),
    podTable,
    ...findingTables(trueStates, cluster, { survey, namespaces }),
    anyTable(nodesWithUse(usage, sums.ledger)),
    anyTable(deviceTable(usage, () => sums.ledger, Date.now)),
    anyTable(liveHealth({ usage, watch: deviceWatch, ledger: sums.ledger })),
    ...workloadTables({
      books: () => sums.workloads,
      ledger: () => sums.ledger,
      shownWorkload: () => narrowedTo(session(), 'ranks'),
      shownModel: () => narrowedTo(session(), 'fit'),
      // About as many as 10 ms are enough for.
      nodesAtOnce: 2500,
      clock: Date.now,
    }),
    ...groupTables({
      gpus: gpuTable,
      workloads: {
        ...workloads,
        epoch: () => Math.floor(Date.now() / 10_000),
        derive: (_cluster, now) => sums.workloads.rows(now),
      },
      namespaces,
    }),
  ]);
  return {
    cluster,
    tables,
    trueStates,
    sums,
    usage,
    workloadUse,
    survey,
    forgetUse() {
      usage.clear();
      survey.clear();
      deviceWatch.clear();
    },
  };
}

/** What the table of that name is narrowed to, while it is the one on the screen. */
function narrowedTo(session: SessionStore, table: string): string | undefined {
  const view = shownTable(session.getState());
  return view.table === table ? view.where?.equals : undefined;
}
