import type { GpuRow } from '../accelerators/gpus.ts';
import { type EventRow, events } from '../resources/events.ts';
import { ageText } from '../resources/fields.ts';
import {
  anyResource,
  type ClusterRows,
  type Column,
  type DerivedTable,
  type Row,
} from '../resources/resource.ts';
import { type WorkloadRow, type WorkloadState, workloadStates } from '../workloads/workload-row.ts';
import type { Where } from './visible.ts';

/** Rows of another table that have something in common. `name` is what. */
interface GroupRow extends Row {
  /** How many rows of the other table these are. */
  readonly rows: number;
  /** Of these, at fault. */
  readonly faults: number;
  /** Where Enter leads: the table, and which of its rows. */
  readonly opens: string;
  readonly column: string;
  readonly equals: string;
}

/** The tables that `b` goes through from a table, in its order; after the last comes the table itself again. */
export const groupings: Readonly<Record<string, readonly string[]>> = {
  gpus: ['gpus-by-model', 'gpu-namespaces', 'gpus-by-workload'],
  workloads: ['workloads-by-namespace', 'workloads-by-state', 'workloads-by-queue', 'workloads-by-kind'],
  events: ['events-by-reason', 'events-by-object', 'events-by-namespace'],
};

/** What is in a group, for a table of its own; undefined where the row is none. */
export const groupPlace = (row: Row): { readonly table: string; readonly where: Where } | undefined => {
  const { opens, column, equals } = row as Partial<GroupRow>;
  return opens === undefined || column === undefined || equals === undefined
    ? undefined
    : { table: opens, where: { column, equals } };
};

interface GroupAccess {
  readonly gpus: DerivedTable<GpuRow>;
  readonly workloads: DerivedTable<WorkloadRow>;
  /** Those that are shown: what is not theirs is in no sum. */
  readonly namespaces: () => 'all' | readonly string[];
}

/** What a group is by: the column of the other table that its rows have in common. */
interface By<M extends Row> {
  readonly name: string;
  readonly title: string;
  readonly heading: string;
  /** `''`: in no group. */
  readonly key: (row: M) => string;
  /** What is shown for it. Default: the key. */
  readonly label?: (row: M) => string;
  readonly opens: (key: string, row: M) => Pick<GroupRow, 'opens' | 'column' | 'equals'>;
}

interface Family<M extends Row, G extends GroupRow> {
  readonly source: Pick<DerivedTable<Row>, 'needs' | 'epoch' | 'followsNamespaces'>;
  readonly members: (cluster: ClusterRows, now: number) => Iterable<M>;
  readonly isFault: (row: M, now: number) => boolean;
  readonly sum: (rows: readonly M[]) => Omit<G, keyof GroupRow>;
  readonly columns: readonly Column<G>[];
  /** Said where there is nothing to group. */
  readonly empty: string;
  readonly sort: { readonly column: string; readonly descending: boolean };
}

function groupTable<M extends Row, G extends GroupRow>(
  { source, members, isFault, sum, columns, empty, sort }: Family<M, G>,
  by: By<M>,
): DerivedTable<G> {
  return {
    name: by.name,
    title: by.title,
    empty,
    aliases: [],
    namespaced: false,
    ...(source.followsNamespaces !== undefined && { followsNamespaces: source.followsNamespaces }),
    needs: source.needs,
    ...(source.epoch !== undefined && { epoch: source.epoch }),
    sort,
    columns: [
      { title: by.heading, value: (row) => row.name, text: (row) => row.name || '-', priority: 0 },
      ...columns,
    ],
    fault: ({ faults }) => faults > 0,
    why: ({ faults, rows }) => (faults === 0 ? undefined : `${faults} of ${rows} at fault; Enter shows them`),
    derive(cluster, now) {
      const groups = Map.groupBy(members(cluster, now), by.key);
      return [...groups].flatMap(([key, rows]): readonly G[] => {
        const [first] = rows;
        if (first === undefined || key === '') return [];
        const head: GroupRow = {
          uid: key,
          namespace: '',
          name: by.label?.(first) ?? key,
          createdAt: undefined,
          version: '',
          rows: rows.length,
          faults: rows.filter((row) => isFault(row, now)).length,
          ...by.opens(key, first),
        };
        // A family's sum is all that its rows have beyond a group's.
        return [{ ...head, ...sum(rows) } as G];
      });
    },
  };
}

const number = <R extends Row>(
  title: string,
  value: (row: R) => number | undefined,
  priority: number,
  more: Partial<Column<R>> = {},
): Column<R> => ({
  title,
  value,
  text: (row) => String(value(row) ?? '?'),
  align: 'right',
  priority,
  ...more,
});

const faultColumn: Column<GroupRow> = number('FAULTS', (row) => row.faults, 3, {
  text: ({ faults }) => (faults === 0 ? '-' : String(faults)),
  tone: ({ faults }) => (faults > 0 ? 'bad' : 'dim'),
});

/** A sum over some of them would look like fewer than there are. */
const whole = (values: readonly (number | undefined)[]): number | undefined =>
  values.some((value) => value === undefined)
    ? undefined
    : values.reduce<number>((sum, value) => sum + (value ?? 0), 0);

/** GPUs of one model and class: units of different classes are never added up. */
interface GpuGroupRow extends GroupRow {
  readonly className: string;
  readonly nodes: number;
  readonly capacity: number | undefined;
  readonly allocatable: number | undefined;
  readonly requested: number;
  readonly free: number | undefined;
  readonly schedulable: number;
  readonly unhealthy: number | undefined;
  /** The most that one node could give to one pod. */
  readonly largest: number;
  readonly holders: number;
}

const gpuColumns: readonly Column<GpuGroupRow>[] = [
  { title: 'RESOURCE', value: (row) => row.className, tone: () => 'dim', priority: 3 },
  number('NODES', (row) => row.nodes, 2),
  number('CAPACITY', (row) => row.capacity, 4),
  number('ALLOCATABLE', (row) => row.allocatable, 5),
  number('REQUESTED', (row) => row.requested, 1),
  number('FREE', (row) => row.free, 0, { tone: ({ free }) => ((free ?? 0) < 0 ? 'bad' : 'plain') }),
  number('SCHEDULABLE', (row) => row.schedulable, 1, {
    tone: ({ schedulable }) => (schedulable > 0 ? 'good' : 'dim'),
  }),
  number('LARGEST', (row) => row.largest, 2),
  number('UNHEALTHY', (row) => row.unhealthy, 4, {
    tone: ({ unhealthy }) => ((unhealthy ?? 0) > 0 ? 'bad' : 'dim'),
  }),
  number('HOLDERS', (row) => row.holders, 4),
];

/** What a workload holds of one class. */
interface HeldRow extends Row {
  readonly workload: WorkloadRow;
  readonly className: string;
  readonly units: number;
}

interface HeldGroupRow extends GroupRow {
  readonly className: string;
  readonly held: number;
  readonly pods: number;
  readonly state: WorkloadState;
  readonly model: string;
  readonly nodes: string;
}

const heldColumns: readonly Column<HeldGroupRow>[] = [
  { title: 'RESOURCE', value: (row) => row.className, tone: () => 'dim', priority: 3 },
  number('HELD', (row) => row.held, 0, { tone: () => 'accent' }),
  number('PODS', (row) => row.pods, 2),
  { title: 'MODEL', value: (row) => row.model, text: (row) => row.model || '-', priority: 2 },
  { title: 'STATE', value: (row) => row.state, priority: 1 },
  { title: 'ON', value: (row) => row.nodes, tone: () => 'dim', priority: 3 },
];

interface WorkloadGroupRow extends GroupRow {
  readonly podsRunning: number;
  readonly podsPending: number;
  readonly held: number;
  /** Undefined where one of them does not say. */
  readonly wanted: number | undefined;
  /** The sickest of them. */
  readonly worst: WorkloadState;
}

const workloadColumns: readonly Column<WorkloadGroupRow>[] = [
  number('WORKLOADS', (row) => row.rows, 0),
  faultColumn as Column<WorkloadGroupRow>,
  number('RUNNING', (row) => row.podsRunning, 2),
  number('PENDING', (row) => row.podsPending, 2, {
    tone: ({ podsPending }) => (podsPending > 0 ? 'pending' : 'dim'),
  }),
  number('GPUS', (row) => row.held, 1, {
    text: ({ held, wanted }) => (held === 0 && wanted === 0 ? '-' : `${held}/${wanted ?? '?'}`),
    tone: ({ held }) => (held > 0 ? 'accent' : 'dim'),
  }),
  {
    title: 'WORST',
    value: (row) => workloadStates.indexOf(row.worst),
    text: (row) => row.worst,
    tone: ({ faults }) => (faults > 0 ? 'bad' : 'plain'),
    priority: 1,
  },
];

interface EventGroupRow extends GroupRow {
  /** How often, each event with its own count. */
  readonly count: number;
  readonly at: number | undefined;
  /** Of the newest. */
  readonly message: string;
  /** Objects that they are about. */
  readonly objects: number;
  readonly reasons: number;
}

const eventColumns: readonly Column<EventGroupRow>[] = [
  {
    title: 'LAST SEEN',
    value: (row) => row.at,
    text: (row, now) => ageText(row.at, now),
    align: 'right',
    priority: 1,
  },
  number('COUNT', (row) => row.count, 0),
  number('EVENTS', (row) => row.rows, 4),
  number('WARNINGS', (row) => row.faults, 2, {
    text: ({ faults }) => (faults === 0 ? '-' : String(faults)),
    tone: ({ faults }) => (faults > 0 ? 'warn' : 'dim'),
  }),
  number('OBJECTS', (row) => row.objects, 3),
  number('REASONS', (row) => row.reasons, 5),
  { title: 'MESSAGE', value: (row) => row.message, priority: 1 },
];

function newest(rows: readonly EventRow[]): EventRow | undefined {
  let last: EventRow | undefined;
  for (const row of rows) if (last === undefined || (row.at ?? 0) > (last.at ?? 0)) last = row;
  return last;
}

const aboutKey = ({ object }: EventRow): string => `${object.kind}/${object.namespace}/${object.name}`;

function sumOfEvents(rows: readonly EventRow[]): Omit<EventGroupRow, keyof GroupRow> {
  const last = newest(rows);
  return {
    count: rows.reduce((sum, { count }) => sum + count, 0),
    at: last?.at,
    message: last?.message ?? '',
    objects: new Set(rows.map(aboutKey)).size,
    reasons: new Set(rows.map(({ reason }) => reason)).size,
  };
}

const sumOfGpus = (rows: readonly GpuRow[]): Omit<GpuGroupRow, keyof GroupRow> => ({
  className: rows[0]?.className ?? '',
  nodes: new Set(rows.map(({ node }) => node)).size,
  capacity: whole(rows.map(({ capacity }) => capacity)),
  allocatable: whole(rows.map(({ allocatable }) => allocatable)),
  requested: rows.reduce((sum, { requested }) => sum + requested, 0),
  free: whole(rows.map(({ free }) => free)),
  schedulable: rows.reduce((sum, { schedulable }) => sum + schedulable, 0),
  unhealthy: whole(rows.map(({ unhealthy }) => unhealthy)),
  largest: Math.max(0, ...rows.map(({ schedulable }) => schedulable)),
  holders: new Set(rows.flatMap(({ holders }) => holders.map(({ uid }) => uid))).size,
});

const sumOfWorkloads = (rows: readonly WorkloadRow[]): Omit<WorkloadGroupRow, keyof GroupRow> => ({
  podsRunning: rows.reduce((sum, { podsRunning }) => sum + podsRunning, 0),
  podsPending: rows.reduce((sum, { podsPending }) => sum + podsPending, 0),
  held: rows.reduce((sum, { gpusHeld }) => sum + gpusHeld, 0),
  wanted: whole(rows.map(({ gpusWanted }) => gpusWanted)),
  worst: workloadStates[Math.min(...rows.map(({ state }) => workloadStates.indexOf(state)))] ?? 'Running',
});

/** Every table that is another one grouped: the rows are the other's own, in the namespaces that are shown. */
export function groupTables({ gpus, workloads, namespaces }: GroupAccess): readonly DerivedTable<Row>[] {
  // Another choice of namespaces is another table, and brings no event of its own.
  let chosen: ReturnType<typeof namespaces> | undefined;
  let choices = 0;
  const choice = (): number => {
    const latest = namespaces();
    if (latest !== chosen) choices += 1;
    chosen = latest;
    return choices;
  };
  const isShown = ({ namespace }: Row): boolean => {
    const shown = namespaces();
    return shown === 'all' || shown.includes(namespace);
  };
  const workloadSource = {
    needs: workloads.needs,
    epoch: () => (workloads.epoch?.() ?? 0) + choice(),
    followsNamespaces: true,
  };
  const shownWorkloads = (cluster: ClusterRows, now: number): readonly WorkloadRow[] =>
    workloads.derive(cluster, now).filter(isShown);
  const isSick = (row: WorkloadRow, now: number): boolean => workloads.fault?.(row, now) === true;

  const gpuFamily: Family<GpuRow, GpuGroupRow> = {
    source: gpus,
    members: gpus.derive,
    isFault: (row, now) => gpus.fault?.(row, now) === true,
    sum: sumOfGpus,
    columns: gpuColumns,
    empty: 'No GPUs',
    sort: { column: 'REQUESTED', descending: true },
  };
  const heldFamily: Family<HeldRow, HeldGroupRow> = {
    source: workloadSource,
    members: (cluster, now) =>
      shownWorkloads(cluster, now).flatMap((workload) =>
        Object.entries(workload.held).map(([className, units]) => ({
          ...emptyRow,
          uid: `${workload.uid} ${className}`,
          workload,
          className,
          units,
        })),
      ),
    isFault: ({ workload }, now) => isSick(workload, now),
    sum: ([row]) => ({
      className: row?.className ?? '',
      held: row?.units ?? 0,
      pods: row?.workload.podsRunning ?? 0,
      state: row?.workload.state ?? 'Running',
      model: row?.workload.model ?? '',
      nodes: row?.workload.nodes ?? '',
    }),
    columns: heldColumns,
    empty: 'No workload holds GPUs',
    sort: { column: 'HELD', descending: true },
  };
  const workloadFamily: Family<WorkloadRow, WorkloadGroupRow> = {
    source: workloadSource,
    members: shownWorkloads,
    isFault: isSick,
    sum: sumOfWorkloads,
    columns: workloadColumns,
    empty: 'No workloads',
    sort: { column: 'GPUS', descending: true },
  };
  const eventFamily: Family<EventRow, EventGroupRow> = {
    source: { needs: [anyResource(events)], epoch: choice, followsNamespaces: true },
    members: (cluster) => [...cluster.rowsOf(events)].filter(isShown),
    isFault: ({ type }) => type === 'Warning',
    sum: sumOfEvents,
    columns: eventColumns,
    empty: 'No events',
    sort: { column: 'COUNT', descending: true },
  };
  const workloadsBy = (what: string, heading: string, read: (row: WorkloadRow) => string, equals = read) =>
    groupTable(workloadFamily, {
      name: `workloads-by-${what}`,
      title: `Workloads by ${what}`,
      heading,
      key: (row) => read(row) || 'none',
      opens: (_key, row) => ({ opens: 'workloads', column: heading, equals: equals(row) }),
    });
  const eventsBy = (
    what: string,
    heading: string,
    key: (row: EventRow) => string,
    equals: (row: EventRow) => string = key,
  ) =>
    groupTable(eventFamily, {
      name: `events-by-${what}`,
      title: `Events by ${what}`,
      heading,
      key: (row) => key(row) || 'none',
      opens: (_key, row) => ({ opens: 'events', column: heading, equals: equals(row) }),
    });
  const objectOf = (row: EventRow): string =>
    String(events.columns.find(({ title }) => title === 'OBJECT')?.value(row) ?? '');
  return [
    groupTable(gpuFamily, {
      name: 'gpus-by-model',
      title: 'GPUs by model',
      heading: 'MODEL',
      key: ({ model = '?', className }) => `${model} ${className}`,
      label: ({ model }) => model ?? '?',
      opens: (_key, { model }) => ({ opens: 'gpus', column: 'MODEL', equals: model ?? '' }),
    }),
    groupTable(heldFamily, {
      name: 'gpus-by-workload',
      title: 'GPUs by workload',
      heading: 'WORKLOAD',
      key: ({ uid }) => uid,
      label: ({ workload }) => `${workload.namespace}/${workload.name}`,
      opens: (_key, { workload }) => ({ opens: 'ranks', column: 'WORKLOAD', equals: workload.uid }),
    }),
    workloadsBy('namespace', 'NAMESPACE', ({ namespace }) => namespace),
    workloadsBy(
      'state',
      'STATE',
      ({ state }) => state,
      // The column sorts by how sick they are.
      ({ state }) => String(workloadStates.indexOf(state)),
    ),
    workloadsBy('queue', 'QUEUE', ({ queue }) => queue),
    workloadsBy('kind', 'KIND', ({ kind }) => kind),
    eventsBy('reason', 'REASON', ({ reason }) => reason),
    eventsBy(
      'object',
      'OBJECT',
      (row) => `${row.object.namespace === '' ? '' : `${row.object.namespace}/`}${objectOf(row)}`,
      objectOf,
    ),
    eventsBy('namespace', 'NAMESPACE', ({ namespace }) => namespace),
    // Each only ever sees its own rows.
  ] as unknown as readonly DerivedTable<Row>[];
}

const emptyRow: Row = { uid: '', namespace: '', name: '', createdAt: undefined, version: '' };
