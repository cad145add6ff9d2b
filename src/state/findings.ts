import { evaluate } from '../checklist/evaluate.ts';
import { refKey } from '../checklist/findings.ts';
import type { Severity, SubjectReport } from '../checklist/report.ts';
import type { TrueState } from '../checklist/true-state.ts';
import { clauses } from '../resources/clauses.ts';
import { acceleratorCount } from '../resources/devices.ts';
import { ageText } from '../resources/fields.ts';
import { findTable, wordOf } from '../resources/index.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Column, type DerivedTable, type Row } from '../resources/resource.ts';
import { compressNames } from '../workloads/node-names.ts';
import type { Cluster } from './cluster.ts';
import { liveIndex } from './live-index.ts';
import { nodeObject } from './row-objects.ts';
import type { Namespaces } from './session.ts';
import type { StandIn } from './subject.ts';
import type { Survey } from './survey.ts';
import type { TrueStates } from './true-states.ts';

/** What findings are put together by. Each is a table of its own, so that `[` and the history know it. */
export const groupings = ['cause', 'node', 'image', 'onset', 'owner'] as const;
export type Grouping = (typeof groupings)[number];

/** The column of the pods that says in which group a pod is. */
export const groupColumns: Readonly<Record<Grouping, string>> = {
  cause: 'FINDING',
  node: 'NODE',
  image: 'IMAGE',
  onset: 'ONSET',
  owner: 'OWNER',
};

export const findingsTable = (grouping: Grouping): string =>
  grouping === 'cause' ? 'findings' : `findings-by-${grouping}`;

const tableNames: ReadonlySet<string> = new Set(groupings.map(findingsTable));
export const isFindingsTable = (table: string): boolean => tableNames.has(table);

/** Everything that has one thing in common, and what it costs. */
export interface FindingRow extends StandIn {
  readonly severity: Severity;
  /** The table that Enter goes to: `pods`, `nodes`, `jobs`; `''` where mltop has none. */
  readonly of: string;
  /** Of what kind they are, `Pod`; several joined with `,`. */
  readonly kinds: string;
  readonly count: number;
  /** Warnings among them, which are no faults. */
  readonly warnings: number;
  /** Devices that the pods of the group asked for. */
  readonly gpus: number;
  /** When it began: the earliest of them, epoch ms. */
  readonly since: number | undefined;
  readonly where: string;
  readonly namespaces: string;
  /** What is wrong, the commonest first. */
  readonly states: string;
}

/** Numbers of the clock in a headline are no difference: `stalled 41m` and `stalled 42m` are one finding. */
const withoutTimes = (label: string): string =>
  label
    .replace(/\b\d+(?:\.\d+)?(?:s|m|h|d|ms)(?:\d+[smh])?\b/g, '…')
    .replace(/(?:, | )?(?:for )?…/g, '')
    .trim();

/** `C2 no node fits: 4 GPUs, largest free 2`; `''` where nothing is wrong. */
const findingOf = ({ state, label, severity }: TrueState): string =>
  severity === 'none' ? '' : `${state} ${withoutTimes(label)}`;

const onsetMs = 5 * 60_000;

/** The five minutes in which it began, as the clock of this machine shows them. */
function onsetOf({ since, severity }: TrueState): string {
  if (severity === 'none' || since === undefined) return '';
  const from = new Date(Math.floor(since / onsetMs) * onsetMs);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${two(from.getMonth() + 1)}-${two(from.getDate())} ${two(from.getHours())}:${two(from.getMinutes())}`;
}

/** Of the container in trouble, else of the first one. */
function imageOf({ trouble, spec }: PodRow): string {
  const mine = spec.containers.find(({ name }) => name === trouble?.container);
  return (mine ?? spec.containers.find(({ kind }) => kind === 'main'))?.image ?? '';
}

const ownerOf = ({ owner }: PodRow): string => (owner === undefined ? '' : `${owner.kind}/${owner.name}`);

/** Columns of the pods that only grouping needs; wide ones. */
export function groupingColumns(
  of: (row: PodRow, now: number) => TrueState,
  clock: () => number,
): readonly Column<PodRow>[] {
  const wide = { wide: true, priority: 9, live: true } as const;
  return [
    { title: groupColumns.cause, value: (row) => findingOf(of(row, clock())) || undefined, ...wide },
    { title: groupColumns.onset, value: (row) => onsetOf(of(row, clock())) || undefined, ...wide },
    { title: groupColumns.image, value: (row) => imageOf(row) || undefined, wide: true, priority: 9 },
  ];
}

interface Member {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly severity: Severity;
  readonly label: string;
  readonly finding: string;
  readonly since: number | undefined;
  readonly gpus: number;
  readonly node: string;
  readonly group: string;
}

const groupOf: Readonly<Record<Grouping, (row: PodRow, state: TrueState) => string>> = {
  cause: (_, state) => findingOf(state),
  node: (row) => row.node,
  image: imageOf,
  onset: (_, state) => onsetOf(state),
  owner: ownerOf,
};

export interface FindingAccess {
  /** What was found at objects that have no row here, where somebody looks for it. */
  readonly survey?: Survey;
  /** Those that are shown: what is not theirs is no finding of theirs. */
  readonly namespaces?: () => Namespaces;
}

/** The five tables of findings. Made from what is not well, never from everything. */
export function findingTables(
  states: TrueStates,
  cluster: Cluster,
  { survey, namespaces = () => 'all' }: FindingAccess = {},
): readonly DerivedTable<Row>[] {
  let nodeReports = new WeakMap<NodeRow, Omit<Member, 'group'> | 'well'>();
  let judgedBy = states.rules();
  const parts = { cluster, happenings: states.happenings, node: states.node };

  /** Of a node the checklist itself: few of them are not well. */
  function nodeMember(row: NodeRow, now: number): Omit<Member, 'group'> | undefined {
    const added = states.rules();
    if (added !== judgedBy) {
      judgedBy = added;
      nodeReports = new WeakMap();
    }
    const known = nodeReports.get(row);
    if (known !== undefined) return known === 'well' ? undefined : known;
    const report = evaluate(
      liveIndex(parts, { objects: [] }, now),
      nodeObject(row),
      added === undefined ? {} : { added },
    );
    if (report.severity === 'none') {
      nodeReports.set(row, 'well');
      return undefined;
    }
    const member = memberOf(report, row);
    nodeReports.set(row, member);
    return member;
  }

  function* membersOf(grouping: Grouping, now: number): Generator<Member> {
    const shown = namespaces();
    const isIn = (namespace: string): boolean => shown === 'all' || shown.includes(namespace);
    const surveyed = survey?.latest(shown);
    const isRoot = (kind: string, { namespace, name }: Row): boolean => {
      const key = refKey({ kind, namespace, name });
      return surveyed === undefined || !surveyed.judged.has(key) || surveyed.roots.has(key);
    };
    for (const { row, state } of states.unwell()) {
      if (!isIn(row.namespace) || !isRoot('Pod', row)) continue;
      const group = groupOf[grouping](row, state);
      const gpus = acceleratorCount(row.spec.requests) ?? 0;
      const { severity, label, since } = state;
      const { namespace, name, uid, node } = row;
      const finding = findingOf(state);
      yield { kind: 'Pod', namespace, name, uid, severity, label, finding, since, gpus, node, group };
    }
    if (grouping === 'image') return;
    for (const row of cluster.rowsOf(nodes)) {
      if (surveyed === undefined ? nodes.fault?.(row, now) !== true : !isRoot('Node', row)) continue;
      const report = surveyed?.roots.get(refKey({ kind: 'Node', namespace: '', name: row.name }));
      const member = report === undefined ? nodeMember(row, now) : memberOf(report, row);
      if (member !== undefined) yield { ...member, group: objectGroup(grouping, member) };
    }
    for (const [key, report] of surveyed?.roots ?? []) {
      if (report.subject.kind === 'Node' || surveyed?.ofRows.has(key) === true) continue;
      const member = memberOf(report);
      yield { ...member, group: objectGroup(grouping, member) };
    }
  }

  // Another choice of namespaces is another table, and brings no event of its own.
  let [chosen, choices] = ['', 0];
  const choice = (): number => {
    const latest = String(namespaces());
    if (latest !== chosen) [chosen, choices] = [latest, choices + 1];
    return choices;
  };

  function derive(grouping: Grouping, now: number): readonly FindingRow[] {
    const groups = Map.groupBy(membersOf(grouping, now), ({ kind, group }) =>
      grouping === 'node' ? group : `${kind} ${group}`,
    );
    return [...groups].map(([key, members]) => rowOf(key, members));
  }

  return groupings.map(
    (grouping) =>
      ({
        name: findingsTable(grouping),
        title: grouping === 'cause' ? 'Alerts' : `Alerts by ${grouping}`,
        empty: 'No alerts',
        aliases: grouping === 'cause' ? ['alerts', 'alert', 'finding'] : [`alerts-by-${grouping}`],
        namespaced: false,
        followsNamespaces: true,
        sort: { column: 'GPUS', descending: true },
        columns: columnsFor(grouping),
        fault: (row: FindingRow) => row.severity === 'bad',
        why: (row: FindingRow) =>
          clauses([
            `${row.count === 1 ? `${row.kinds} ${row.subject.name}: ` : ''}${row.states}`,
            ...(row.namespaces === '' ? [] : [`in ${row.namespaces}`]),
            ...(row.where === '' ? [] : [`on ${row.where}`]),
          ]),
        needs: [anyResource(pods), anyResource(nodes)],
        epoch: () => states.version() + (survey?.version() ?? 0) + choice(),
        derive: (_: unknown, now: number) => derive(grouping, now),
      }) as unknown as DerivedTable<Row>,
  );
}

/** A report as part of a group. */
function memberOf(report: SubjectReport, row?: NodeRow): Omit<Member, 'group'> {
  const { subject, severity, headline, state, since } = report;
  return {
    ...subject,
    uid: row?.uid ?? '',
    severity,
    label: headline,
    finding: `${state} ${withoutTimes(headline)}`,
    since,
    gpus: 0,
    node: row?.name ?? '',
  };
}

/** What has no pod is its own owner, and is made of no image. */
function objectGroup(
  grouping: Grouping,
  { kind, name, node, finding, severity, label, since }: Omit<Member, 'group'>,
): string {
  switch (grouping) {
    case 'node':
      return node;
    case 'onset':
      return onsetOf({ since, severity, label, state: finding });
    case 'owner':
      return `${kind}/${name}`;
    default:
      return finding;
  }
}

/** The table whose rows these are; `''` where there is none for all of them. */
function tableOf(members: readonly Member[]): string {
  const [kind, ...others] = new Set(members.map((member) => member.kind));
  return kind === undefined || others.length > 0 ? pods.name : wordOfKind(kind);
}

function wordOfKind(kind: string): string {
  const table = findTable(kind);
  return table === undefined ? '' : wordOf(table);
}

function rowOf(key: string, members: readonly Member[]): FindingRow {
  const worst = members.some(({ severity }) => severity === 'bad') ? 'bad' : 'warn';
  const known = members.flatMap(({ since }) => (since === undefined ? [] : [since]));
  const first = [...members].sort(
    (a, b) => (a.since ?? Number.MAX_VALUE) - (b.since ?? Number.MAX_VALUE) || (a.name < b.name ? -1 : 1),
  )[0] as Member;
  const labels = Map.groupBy(members, ({ finding }) => finding);
  const states = [...labels]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([, same]) =>
      same.length === 1 || labels.size === 1 ? (same[0]?.label ?? '') : `${same[0]?.label} ×${same.length}`,
    );
  const placed = new Set(members.map(({ node }) => node).filter((node) => node !== ''));
  const namespaces = [
    ...new Set(members.map(({ namespace }) => namespace).filter((name) => name !== '')),
  ].sort();
  return {
    uid: key,
    namespace: '',
    name: first.group,
    createdAt: undefined,
    version: '',
    subject: {
      kind: first.kind,
      group: '',
      namespace: first.namespace,
      name: first.name,
      uid: first.uid,
    },
    of: tableOf(members),
    severity: worst,
    kinds: [...new Set(members.map(({ kind }) => kind))].join(','),
    count: members.length,
    warnings: members.filter(({ severity }) => severity !== 'bad').length,
    gpus: members.reduce((sum, { gpus }) => sum + gpus, 0),
    since: known.length === 0 ? undefined : Math.min(...known),
    where: compressNames([...placed].sort()),
    namespaces:
      namespaces.slice(0, 4).join(',') + (namespaces.length > 4 ? ` +${namespaces.length - 4}` : ''),
    states: states.slice(0, 3).join('; ') + (states.length > 3 ? ` +${states.length - 3}` : ''),
  };
}

const titles: Readonly<Record<Grouping, string>> = {
  cause: 'FINDING',
  node: 'NODE',
  image: 'IMAGE',
  onset: 'BEGAN',
  owner: 'OWNER',
};

/** What a group without its mark is called. */
const nameless: Readonly<Record<Grouping, string>> = {
  cause: 'unknown',
  node: 'on no node',
  image: 'no image',
  onset: 'at an unknown time',
  owner: 'without an owner',
};

function columnsFor(grouping: Grouping): readonly Column<FindingRow>[] {
  const tone = (row: FindingRow) => (row.severity === 'bad' ? ('bad' as const) : ('warn' as const));
  return [
    {
      title: titles[grouping],
      value: (row) => row.name,
      text: (row) => row.name || nameless[grouping],
      tone,
      priority: 0,
    },
    { title: 'KIND', value: (row) => row.kinds, priority: 2 },
    { title: 'OBJECTS', value: (row) => row.count, align: 'right', priority: 0 },
    // What a filter finds a group by, too: the one that it is about, else the one that began it.
    {
      title: 'OBJECT',
      value: (row) => row.subject.name,
      text: (row) => (row.count === 1 ? row.subject.name : `${row.subject.name}, …`),
      priority: 5,
    },
    {
      title: 'GPUS',
      value: (row) => row.gpus,
      text: (row) => (row.gpus === 0 ? '-' : String(row.gpus)),
      align: 'right',
      priority: 1,
    },
    {
      title: 'SINCE',
      value: (row) => row.since,
      text: (row, now) => (row.since === undefined ? '?' : ageText(row.since, now)),
      align: 'right',
      priority: 2,
    },
    ...(grouping === 'node'
      ? []
      : [
          {
            title: 'NODES',
            value: (row: FindingRow) => row.where,
            text: (row: FindingRow) => row.where || '-',
            priority: 4,
          },
        ]),
    {
      title: 'NAMESPACES',
      value: (row) => row.namespaces,
      text: (row) => row.namespaces || '-',
      priority: 3,
    },
    ...(grouping === 'cause'
      ? []
      : [{ title: 'TRUE STATE', value: (row: FindingRow) => row.states, priority: 1, tone }]),
  ];
}
