import type { SubjectReport } from '../checklist/report.ts';
import type { Rules } from '../checklist/rules.ts';
import { type TrueState, trueState } from '../checklist/true-state.ts';
import { clauses } from '../resources/clauses.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Column, type Resource, type Tone } from '../resources/resource.ts';
import { type Cluster, keyOf } from './cluster.ts';
import { groupingColumns } from './findings.ts';
import { createHappenings, type Happenings } from './happenings.ts';
import { createNodesByName, liveIndex } from './live-index.ts';

/** A row that is not well, and how. */
export interface Unwell {
  readonly row: PodRow;
  readonly state: TrueState;
}

/** The true state of every pod, kept as rows, events and nodes change. */
export interface TrueStates {
  readonly of: (row: PodRow, now: number) => TrueState;
  /** Pods whose severity is `bad` or `warn`. */
  readonly unwell: () => Iterable<Unwell>;
  readonly bad: () => number;
  readonly warn: () => number;
  /** Grows with every change of `unwell`. */
  readonly version: () => number;
  /** States that time changes: looks at those that are not plainly well, for about `budgetMs`. */
  readonly tick: (now: number, budgetMs: number) => void;
  /** What rule packs add and change; undefined without any. */
  readonly rules: () => Rules | undefined;
  /** Other rules hold from now on: every row is judged anew, by `catchUp`. */
  readonly setRules: (rules: Rules | undefined) => void;
  /** Judges rows by the rules that came last, for about `budgetMs`; true once all are. */
  readonly catchUp: (now: number, budgetMs: number) => boolean;
  readonly happenings: Happenings;
  readonly node: (name: string) => NodeRow | undefined;
  readonly stop: () => void;
}

const isReady = (row: NodeRow | undefined): boolean =>
  row === undefined || row.status.split(',')[0] === 'Ready';

/** Neither time nor an event changes what is to be said of it. */
const isSettled = (row: PodRow): boolean =>
  row.phase === 'Succeeded' ||
  (row.phase === 'Running' &&
    row.trouble === undefined &&
    row.deletedAt === undefined &&
    row.readyContainers === row.totalContainers &&
    row.ready?.status === 'True');

// Rows between two looks at the clock.
const stride = 64;

export function createTrueStates(cluster: Cluster, clock: () => number): TrueStates {
  const podKind = anyResource(pods);
  const known = new Map<string, Unwell>();
  /** Pods that may change their state without changing. */
  const open = new Map<string, PodRow>();
  let [bad, warn, version] = [0, 0, 0];
  let walk: Iterator<PodRow> | undefined;
  let rules: Rules | undefined;
  /** Rows that are still judged by other rules. */
  let behind: Iterator<PodRow> | undefined;

  const onEvent = (about: { readonly kind: string; readonly uid: string }): void => {
    if (about.kind !== 'Pod' || about.uid === '') return;
    const row = cluster.get(podKind, about.uid);
    if (row !== undefined) reconsider(row as PodRow, clock());
  };
  const happenings = createHappenings(cluster, onEvent);
  const nodesByName = createNodesByName(cluster);
  const parts = { cluster, happenings, node: nodesByName.named };
  const around = liveIndex(parts, { objects: [] }, 0);

  const eventsOf = (row: PodRow) => happenings.about('Pod', row.namespace, row.name, row.uid);

  function of(row: PodRow, now: number): TrueState {
    const stamp =
      happenings.stampOf(row.uid) * 2 + (row.node === '' || isReady(nodesByName.named(row.node)) ? 0 : 1);
    return trueState(row, { now, eventsOf, index: around }, stamp, rules);
  }

  /** Where time alone brings a state of a pack about, no row is settled. */
  const asksAgain = (): boolean => rules?.isTimed === true && rules.asksWell;

  const countOf = (state: TrueState | undefined, by: 1 | -1): void => {
    if (state?.severity === 'bad') bad += by;
    else if (state?.severity === 'warn') warn += by;
  };

  function reconsider(row: PodRow, now: number): void {
    const key = keyOf(row);
    const state = of(row, now);
    const before = known.get(key);
    if (isSettled(row) && state.severity === 'none' && !asksAgain()) open.delete(key);
    else open.set(key, row);
    if (state.severity === 'none') {
      if (before === undefined) return;
      known.delete(key);
    } else {
      if (before?.row === row && before.state === state) return;
      known.set(key, { row, state });
    }
    countOf(before?.state, -1);
    countOf(state, 1);
    version += 1;
    // A fault that came or went without the row: the table learns of it now, not at the next round.
    if ((before?.state.severity === 'bad') !== (state.severity === 'bad')) flips.add(key);
  }
  const flips = new Set<string>();

  function forget(row: PodRow): void {
    const key = keyOf(row);
    open.delete(key);
    const before = known.get(key);
    if (before === undefined) return;
    known.delete(key);
    countOf(before.state, -1);
    version += 1;
  }

  for (const row of cluster.rowsOf(pods)) reconsider(row, clock());
  // The rows of a resource's hook are that resource's own.
  const stopPods = cluster.onRow(podKind, (before, after) => {
    if (after === undefined) forget(before as PodRow);
    else reconsider(after as PodRow, clock());
  });

  const podRows = (): IterableIterator<PodRow> => [...cluster.rowsOf(pods)].values();

  return {
    of,
    rules: () => rules,
    setRules(next) {
      rules = next;
      version += 1;
      behind = podRows();
    },
    catchUp(now, budgetMs) {
      const deadline = performance.now() + budgetMs;
      if (behind === undefined) return true;
      let step = behind.next();
      for (let seen = 1; step.done !== true; seen++) {
        // What was replaced or removed meanwhile was judged then.
        if (cluster.get(podKind, step.value.uid) === step.value) reconsider(step.value, now);
        if (seen % stride === 0 && performance.now() > deadline) break;
        step = behind.next();
      }
      const isDone = step.done === true;
      if (isDone) behind = undefined;
      version += 1;
      cluster.rejudge(podKind, flips, now);
      flips.clear();
      return isDone;
    },
    unwell: () => known.values(),
    bad: () => bad,
    warn: () => warn,
    version: () => version,
    tick(now, budgetMs) {
      const deadline = performance.now() + budgetMs;
      walk ??= [...open.values()][Symbol.iterator]();
      let step = walk.next();
      for (let seen = 1; step.done !== true; seen++) {
        if (open.get(keyOf(step.value)) === step.value) reconsider(step.value, now);
        if (seen % stride === 0 && performance.now() > deadline) break;
        step = walk.next();
      }
      if (step.done === true) walk = undefined;
      cluster.rejudge(podKind, flips, now);
      flips.clear();
    },
    happenings,
    node: nodesByName.named,
    stop() {
      stopPods();
      happenings.stop();
      nodesByName.stop();
    },
  };
}

const toneOf: Readonly<Record<TrueState['severity'], Tone>> = { bad: 'bad', warn: 'warn', none: 'dim' };

/** What the row's own words cannot know: a report, where the checklist has looked at the whole object. */
export type ReportOf = (row: PodRow) => SubjectReport | undefined;

/**
 * The pods with mltop's second column beside STATUS: what is really so. Faults, the colour of STATUS and the line under
 * the table follow from it, so that nothing else can claim otherwise.
 */
export function withTrueState(
  table: Resource<PodRow>,
  of: (row: PodRow, now: number) => TrueState,
  more: { readonly epoch?: () => number; readonly reportOf?: ReportOf; readonly clock: () => number },
): Resource<PodRow> {
  const label = (row: PodRow, now: number): string => {
    const state = of(row, now);
    return state.severity === 'none' && state.label === '' ? '' : state.label;
  };
  const column: Column<PodRow> = {
    title: 'TRUE STATE',
    value: (row) => label(row, more.clock()) || undefined,
    text: (row, now) => label(row, now) || '-',
    tone: (row, now) => toneOf[of(row, now).severity],
    priority: 1,
    live: true,
  };
  const columns = table.columns.flatMap((one): Column<PodRow>[] => {
    if (one.title !== 'STATUS') return [one];
    return [{ ...one, tone: (row, now) => statusTone(row, of(row, now), now, one) }, column];
  });
  return {
    ...table,
    columns: [...columns, ...groupingColumns(of, more.clock)],
    fault: (row, now) => of(row, now).severity === 'bad',
    epoch: () => (table.epoch?.() ?? 0) + (more.epoch?.() ?? 0),
    why(row, now) {
      const report = more.reportOf?.(row);
      const [cause] = report?.causes ?? [];
      if (report !== undefined && cause !== undefined) {
        const { headline } = report;
        return cause.text.startsWith(headline.replace(/…$/, '')) ? cause.text : `${headline}: ${cause.text}`;
      }
      const state = of(row, now);
      const own = table.why?.(row, now);
      if (state.label === '') return state.severity === 'none' ? undefined : own;
      return own === undefined || own === state.label ? state.label : clauses([state.label, own]);
    },
  };
}

/** Running is no good news where the pod is broken all the same: the glyph then says so. */
function statusTone(row: PodRow, state: TrueState, now: number, own: Column<PodRow>): Tone {
  if (state.severity !== 'none') return toneOf[state.severity];
  const tone = own.tone?.(row, now) ?? 'plain';
  if (tone !== 'bad') return tone;
  return row.phase === 'Pending' ? 'pending' : row.phase === 'Succeeded' ? 'done' : 'dim';
}
