import type { PodRow } from '../../../resources/pod-row.ts';
import { pods as podResource } from '../../../resources/pods.ts';
import { type Explanation, explain } from '../../../scheduling/explain.ts';
import { parseSchedulerMessage, type SchedulerMessage } from '../../../scheduling/message.ts';
import { type Change, wouldFitIf } from '../../../scheduling/unblock.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import type { Evidence, Verdict } from '../../report.ts';
import { evidence } from '../../state.ts';
import { isKarpenter } from '../scale-up.ts';
import { stateByFilters } from './by-filters.ts';
import { stateByWords } from './by-words.ts';
import { defaulted, worldOf } from './ledger.ts';

/** What the scheduler and our own evaluation say of one pod. */
export interface Verdicts {
  readonly row: PodRow;
  readonly message: string;
  readonly said: SchedulerMessage;
  readonly explanation: Explanation | undefined;
  /** Our own evaluation can be trusted: all nodes are known and it does not contradict the scheduler. */
  readonly trusted: boolean;
  readonly state: string;
}

const changes = new WeakMap<Explanation, readonly Change[]>();

/** What would open nodes for it, by the plugins that close them now; nothing where we do not trust our evaluation. */
export const changesOf = (found: Verdicts, ...plugins: readonly string[]): readonly Change[] =>
  found.trusted && found.explanation !== undefined
    ? changesFor(found.explanation).filter((change) => plugins.includes(change.plugin))
    : [];

/** What would open nodes; several questions ask it of one explanation. */
export function changesFor(explanation: Explanation): readonly Change[] {
  const known = changes.get(explanation);
  if (known !== undefined) return known;
  const found = wouldFitIf(explanation);
  changes.set(explanation, found);
  return found;
}

/** The scheduler's words as evidence. */
export const schedulerSays = (words: string): Evidence =>
  evidence('scheduler says', words, 'status.conditions[PodScheduled].message');

/** What the scheduler last said: the condition, else the newest event (which is cut at 1,024 characters). */
export function schedulerWords(facts: PodFacts): string {
  const scheduled = facts.conditions.get('PodScheduled');
  if (scheduled?.status === 'False' && scheduled.message !== '') return scheduled.message;
  return (
    lastEvent(
      facts.events.filter((event) => !isKarpenter(event)),
      ['FailedScheduling', 'Unschedulable'],
    )?.event.message ?? ''
  );
}

const answers = new WeakMap<PodFacts, Verdicts | 'none'>();

/** Undefined for a pod that has a node, or of which no scheduler has spoken. */
export function verdictsOf(facts: PodFacts): Verdicts | undefined {
  const known = answers.get(facts);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = decide(facts);
  answers.set(facts, found ?? 'none');
  return found;
}

function decide(facts: PodFacts): Verdicts | undefined {
  const message = schedulerWords(facts);
  const scheduled = facts.conditions.get('PodScheduled');
  const placed = lastEvent(facts.events, ['Scheduled'])?.event.last;
  if (
    placed !== undefined &&
    placed >= (lastEvent(facts.events, ['FailedScheduling'])?.event.last ?? 0) &&
    scheduled?.status !== 'False'
  )
    return undefined;
  if (facts.node !== '' || (message === '' && scheduled?.reason !== 'Unschedulable')) return undefined;
  const said = parseSchedulerMessage(message);
  if (facts.object === undefined)
    return {
      row: facts.row ?? blankRow,
      message,
      said,
      explanation: undefined,
      trusted: false,
      state: stateByWords(facts, facts.row, said, message),
    };
  const plain = podResource.toRow(defaulted(facts.object), { server: facts.index.server });
  const row = plain.uid === '' ? { ...plain, uid: `${plain.namespace}/${plain.name}` } : plain;
  const world = worldOf(facts.index);
  const enough =
    world.complete &&
    (said.nodes === undefined ? facts.index.listed('Node') : world.ledger.nodeCount() >= said.nodes);
  const explanation = enough ? explain(world.ledger, row) : undefined;
  const trusted =
    explanation !== undefined &&
    explanation.fits.length === 0 &&
    explanation.preFilter === undefined &&
    said.preFilter === undefined;
  const state = trusted
    ? (stateByFilters(row, explanation, said) ?? stateByWords(facts, row, said, message))
    : stateByWords(facts, row, said, message);
  return { row, message, said, explanation, trusted, state };
}

const blankRow: PodRow = podResource.toRow({}, { server: undefined });

/** How sure a sentence about the nodes is. */
export const trust = (found: Verdicts): Verdict =>
  found.trusted ? 'proven' : found.said.nodes !== undefined ? 'likely' : 'possible';

/** The state that the scheduler's words stand for: for B4 and B6, which share them. */
export const schedulerState = (facts: PodFacts): string | undefined => verdictsOf(facts)?.state;
