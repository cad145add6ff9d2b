import { kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import type { Cause, Fix, Item } from '../../report.ts';
import { cause } from '../../state.ts';
import { trust, type Verdicts } from './verdict.ts';

/** What a state says of a pod; the questions behind it come on top. */
export interface Explained {
  readonly headline: string;
  readonly causes: readonly Cause[];
  readonly items?: readonly Item[];
}

export type Explain = (facts: PodFacts, found: Verdicts) => Explained;

export const seeNodes = (): Fix | undefined =>
  kubectl('See what the nodes have and give', 'read', '', ['describe', 'nodes']);

/** One cause, as sure as the verdict it stands on. */
export const simple =
  (
    headline: string,
    build: (
      facts: PodFacts,
      found: Verdicts,
    ) => {
      readonly id: string;
      readonly text: string;
      readonly fixes: readonly (Fix | undefined)[];
      readonly headline?: string;
      readonly beside?: readonly Cause[];
    },
  ): Explain =>
  (facts, found) => {
    const { id, text: says, fixes, headline: own, beside = [] } = build(facts, found);
    return { headline: own ?? headline, causes: [cause(id, trust(found), says, ...fixes), ...beside] };
  };

/** The detail of the first node whose last obstacle is this plugin. */
export function detailOf(found: Verdicts, plugin: string): string {
  const nodes = found.trusted ? (found.explanation?.nodes ?? []) : [];
  const node =
    nodes.find((entry) => entry.blockers.length === 1 && entry.blockers[0]?.plugin === plugin) ??
    nodes.find((entry) => entry.blockers.some((blocker) => blocker.plugin === plugin));
  const blocker = node?.blockers.find((entry) => entry.plugin === plugin);
  return blocker === undefined ? '' : ` (${node?.name}: ${brief(blocker.detail, 110)})`;
}

/** On how many nodes the scheduler counts such a reason. */
export const nodesWith = (found: Verdicts, pattern: RegExp): string => {
  const entry = Object.entries(found.said.reasons).find(([reason]) => pattern.test(reason));
  return entry === undefined ? '' : ` on ${entry[1]} of ${found.said.nodes} nodes`;
};
