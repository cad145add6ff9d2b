import type { PodRow } from '../resources/pod-row.ts';
import { type RowContext, rowFacts } from './pod-facts.ts';
import type { Severity } from './report.ts';
import { askAdded, bestOf, primaryOf, type Rules } from './rules.ts';

/** What the TRUE STATE column shows. */
export interface TrueState {
  /** Id of checklist.md part 3; `''` when nothing is worth a word. */
  readonly state: string;
  readonly label: string;
  readonly severity: Severity;
  /** Start of the present trouble, epoch ms. */
  readonly since: number | undefined;
}

const well: TrueState = { state: '', label: '', severity: 'none', since: undefined };

interface Kept {
  readonly value: TrueState;
  /** The label depends on these: the events of the pod and how its node is. */
  readonly stamp: string | number;
  /** The rule packs that were asked: with others it is judged again. */
  readonly rules: Rules | undefined;
  /** States that durations decide are asked again after this, epoch ms. */
  readonly askAgainAt: number;
}

/** Rows are replaced, never edited: a row is its uid and resourceVersion in one. */
const kept = new WeakMap<PodRow, Kept>();

const seconds = 1000;

/** Durations in labels move slowly; a young pod may cross a threshold at any moment. */
function keepFor(row: PodRow, now: number, rules: Rules | undefined): number {
  const age = now - (row.createdAt ?? now);
  const isCalm =
    row.phase === 'Running' && row.readyContainers === row.totalContainers && row.deletedAt === undefined;
  if (isCalm) return rules?.isTimed === true ? 60 * seconds : 10 * 60 * seconds;
  return age < 10 * 60 * seconds ? 5 * seconds : 60 * seconds;
}

/** A pod that runs, is ready and has never ended: nothing to ask. Most rows of most clusters. */
const isPlainlyWell = (row: PodRow): boolean =>
  row.phase === 'Running' &&
  row.trouble === undefined &&
  row.deletedAt === undefined &&
  row.readyContainers === row.totalContainers &&
  row.ready?.status === 'True' &&
  row.disrupted === undefined;

/**
 * The true state of a row, by the same states as the whole checklist: what a row does not hold (log, spec, other
 * objects) is unknown to them, so the label is at most less precise than the checklist's headline. `stamp` changes when
 * the pod's events or its node do; with an unchanged row, stamp and rules the answer is a look-up.
 */
export function trueState(
  row: PodRow,
  context: RowContext,
  stamp: string | number = 0,
  rules?: Rules,
): TrueState {
  // Nothing is kept of these: looking again costs less than remembering, and they are nearly all.
  const isWell = stamp === 0 && isPlainlyWell(row);
  if (isWell && rules?.asksWell !== true) return well;
  const known = kept.get(row);
  if (known !== undefined && known.stamp === stamp && known.rules === rules && context.now < known.askAgainAt)
    return known.value;
  const value = ask(row, context, rules, isWell);
  kept.set(row, { value, stamp, rules, askAgainAt: context.now + keepFor(row, context.now, rules) });
  return value;
}

/** `isWell`: only packs may have something to say. */
function ask(row: PodRow, context: RowContext, rules: Rules | undefined, isWell: boolean): TrueState {
  const facts = rowFacts(row, rules === undefined ? context : { ...context, limits: rules.limits });
  const found = isWell
    ? bestOf(askAdded(rules?.pods ?? [], facts).holding, undefined)
    : primaryOf(facts, rules);
  if (found === undefined) return well;
  return {
    state: found.state.id,
    label: found.match.headline,
    severity: found.match.severity ?? found.state.severity,
    since: found.match.since,
  };
}
