import { acceleratorsIn } from '../accelerators/demand.ts';
import { ageText } from '../resources/fields.ts';
import { podTone, podWhy } from '../resources/pod-health.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Column, DerivedTable, Row } from '../resources/resource.ts';
import type { Workloads } from './books.ts';
import { isHead, type Membership } from './group.ts';
import { bookSources } from './sources.ts';

/** One pod of a workload, in its place. `name` is the pod's. */
export interface RankRow extends Row {
  /** Key of the workload. */
  readonly workload: string;
  readonly role: string;
  readonly rank: number | undefined;
  /** Replica group or Job of a set; `''` where there is one. */
  readonly part: string;
  readonly node: string;
  readonly gpus: number;
  readonly status: string;
  readonly ready: string;
  readonly restarts: number;
  readonly lastRestartAt: number | undefined;
  /** Exit code of the last run that ended; undefined where none did. */
  readonly exit: number | undefined;
  readonly pod: PodRow;
  /** What a checklist of the row is about. */
  readonly subject: {
    readonly kind: 'Pod';
    readonly group: '';
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

const keptRows = new WeakMap<PodRow, RankRow>();

/** Rows of the pods of one workload, first ranks first. */
const ranksOf = (books: Workloads, workload: string): readonly RankRow[] =>
  books.podsOf(workload).map(({ pod, place }) => {
    const known = keptRows.get(pod);
    if (known !== undefined && known.workload === workload) return known;
    const row = rowOf(pod, place, workload);
    keptRows.set(pod, row);
    return row;
  });

function rowOf(pod: PodRow, { role, rank, part }: Membership, workload: string): RankRow {
  const { uid, namespace, name, createdAt, version, node, status, restarts, lastRestartAt, trouble } = pod;
  return {
    uid,
    namespace,
    name,
    createdAt,
    version,
    workload,
    role,
    rank,
    part,
    node,
    gpus: acceleratorsIn(pod.spec.requests).reduce((sum, [, units]) => sum + units, 0),
    status,
    ready: `${pod.readyContainers}/${pod.totalContainers}`,
    restarts,
    lastRestartAt,
    exit: trouble?.exitCode ?? trouble?.last?.exitCode,
    pod,
    subject: { kind: 'Pod', group: '', namespace, name, uid },
  };
}

/** `2.0` of a group's ranks, `3` alone, `-` where nothing numbers them. */
const rankText = ({ rank, part }: RankRow): string => {
  if (rank === undefined) return part === '' ? '-' : `${part}.`;
  return part === '' ? String(rank) : `${part}.${rank}`;
};

const columns: readonly Column<RankRow>[] = [
  {
    title: 'RANK',
    // The head of each part before its ranks, which number from 0 as it does.
    value: ({ part, rank, role }) => (Number(part) || 0) * 1_000_000 + (isHead(role) ? -1 : (rank ?? 0)),
    text: rankText,
    align: 'right',
    priority: 0,
  },
  { title: 'ROLE', value: (row) => row.role, text: (row) => row.role || '-', priority: 1 },
  { title: 'NAME', value: (row) => row.name, priority: 0 },
  {
    title: 'STATUS',
    value: (row) => row.status,
    text: (row) => row.status,
    tone: ({ pod }, now) => podTone(pod, now),
    priority: 0,
  },
  {
    title: 'READY',
    value: ({ pod }) => pod.readyContainers / Math.max(1, pod.totalContainers),
    text: (row) => row.ready,
    align: 'right',
    priority: 2,
  },
  {
    title: 'GPUS',
    value: (row) => row.gpus,
    text: ({ gpus }) => (gpus === 0 ? '-' : String(gpus)),
    align: 'right',
    priority: 2,
  },
  { title: 'NODE', value: (row) => row.node, text: (row) => row.node || '-', priority: 1 },
  {
    title: 'RESTARTS',
    value: (row) => row.restarts,
    text: ({ restarts, lastRestartAt }, now) =>
      restarts === 0 || lastRestartAt === undefined
        ? String(restarts)
        : `${restarts} (${ageText(lastRestartAt, now)} ago)`,
    align: 'right',
    priority: 3,
  },
  {
    title: 'EXIT',
    value: (row) => row.exit,
    text: ({ exit }) => (exit === undefined ? '-' : String(exit)),
    align: 'right',
    priority: 4,
  },
  {
    title: 'AGE',
    value: (row) => row.createdAt,
    text: (row, now) => ageText(row.createdAt, now),
    align: 'right',
    tone: () => 'dim',
    priority: 4,
  },
  {
    title: 'WHY',
    value: ({ pod }) => pod.status,
    text: ({ pod }, now) => podWhy(pod, now) ?? '',
    priority: 3,
  },
  { title: 'WORKLOAD', value: (row) => row.workload, text: workloadText, wide: true, priority: 9 },
];

/** `Job/mpi-sim`: a key without the group and the namespace, which is the pod's. */
function workloadText({ workload }: RankRow): string {
  const [kind = '', , name = ''] = workload.split('/');
  return `${kind.split('.')[0]}/${name}`;
}

/** The pods of a workload as ranks. `shown` gives the key of the workload that is looked at; all of them without one. */
export const ranksTable = (
  booksOf: (cluster: Parameters<DerivedTable<RankRow>['derive']>[0]) => Workloads,
  shown: () => string | undefined,
): DerivedTable<RankRow> => ({
  name: 'ranks',
  title: 'Ranks',
  aliases: ['rank'],
  namespaced: true,
  needs: bookSources.map(({ resource }) => resource),
  sort: { column: 'RANK', descending: false },
  columns,
  fault: ({ pod }, now) => podWhy(pod, now) !== undefined && podTone(pod, now) === 'bad',
  why: ({ pod }, now) => podWhy(pod, now),
  epoch: countChanges(shown),
  derive: (cluster, now) => {
    const books = booksOf(cluster);
    const one = shown();
    if (one !== undefined) return ranksOf(books, one);
    return books.rows(now).flatMap(({ uid }) => ranksOf(books, uid));
  },
});

/** How often what it gives was another than the time before. */
function countChanges(look: () => string | undefined): () => number {
  let last: string | undefined;
  let changes = 0;
  return () => {
    const next = look();
    if (next !== last) changes += 1;
    last = next;
    return changes;
  };
}
