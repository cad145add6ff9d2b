import { describe, getObject } from '../fixes.ts';
import { brief, type Condition, condition, conditions, span, text, time } from '../read.ts';
import type { Fix, Item, ItemStatus } from '../report.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState, said } from '../state.ts';

/** Karpenter's steps from an order to a node that takes pods, in their order, as questions. */
const steps = {
  Launched: 'The provider has made the machine',
  Registered: 'The machine has joined as a node',
  Initialized: 'The node is ready, with its devices',
} as const;

/** A step that the machine is within is not late yet. */
const lateAfterMs = 5 * 60_000;

/** Conditions that tell that Karpenter is about to take the node away, and why. */
const leaving: Readonly<Record<string, string>> = {
  Drifted: 'it no longer is as its pool wants it',
  Expired: 'it has reached the age that its pool allows',
  Empty: 'no pod needs it',
  Consolidatable: 'its pods may fit elsewhere',
};

const words = ({ status, reason, message }: Condition): string =>
  [status, reason === '' || reason === status ? '' : reason, message].filter((part) => part !== '').join(' ');

const asEvidence = (entry: Condition) =>
  evidence(entry.type, words(entry), `status.conditions[${entry.type}]`, { at: entry.at });

/** One question for each step; what comes behind the step that is under way was not reached. */
function stepItems(facts: ObjectFacts, broken: ItemStatus): readonly Item[] {
  let isReached = true;
  return Object.entries(steps).map(([type, title]) => {
    const found = condition(facts.object, type);
    const status: ItemStatus = found?.status === 'True' ? 'pass' : isReached ? broken : 'notReached';
    if (status !== 'pass') isReached = false;
    const shown = found === undefined ? evidence(type, 'not reported yet') : asEvidence(found);
    return item(`C15.${type}`, 'scheduled', title, status, shown);
  });
}

/** Whether the provider's or Karpenter's own words say more than the condition. */
function warned(facts: ObjectFacts): readonly Item[] {
  const event = facts.events.findLast(({ type }) => type === 'Warning');
  return event === undefined
    ? []
    : [item('C15.event', 'scheduled', 'Karpenter does not complain of it', 'warn', said(event))];
}

function fixes({ name, object }: ObjectFacts): readonly (Fix | undefined)[] {
  const pool = text(object, 'metadata', 'labels', 'karpenter.sh/nodepool');
  return [
    describe('nodeclaim', '', name),
    ...(pool === '' ? [] : [getObject(`See its pool ${pool}`, 'nodepool', '', pool)]),
  ];
}

/** A machine that Karpenter ordered: how far it has come, and whether it is to go again. */
export const nodeClaim: ObjectState = {
  id: 'C15',
  key: 'autoscaler.node-claim',
  gate: 'scheduled',
  severity: 'warn',
  title: 'A new node does not arrive',
  kinds: ['NodeClaim'],
  match: (facts) => {
    const { object, name, now } = facts;
    const late = conditions(object).find(
      (entry) => entry.status !== 'True' && Object.hasOwn(steps, entry.type),
    );
    const age = now - (time(object, 'metadata', 'creationTimestamp') ?? now);
    const isReady = condition(object, 'Ready')?.status === 'True';
    const isLate =
      late !== undefined &&
      !isReady &&
      (age >= lateAfterMs || late.status === 'False' || /ResourceNotRegistered/.test(late.reason));
    if (isLate)
      return {
        headline: `${late.type} ${late.status}: ${late.reason}: ${brief(late.message, 60)}`,
        since: late.at,
        diagnose: () => ({
          causes: [
            cause(
              `C15.${late.type}`,
              'proven',
              `NodeClaim ${name} is not ${late.type} after ${span(age)}: ${late.reason}: ${brief(late.message, 160)}`,
              ...fixes(facts),
            ),
          ],
          items: [...stepItems(facts, 'warn'), ...warned(facts)],
        }),
      };
    const node = text(object, 'status', 'nodeName');
    const going = conditions(object).filter(
      (entry) => entry.status === 'True' && leaving[entry.type] !== undefined,
    );
    const [first] = going;
    return {
      severity: 'none',
      headline:
        first !== undefined
          ? `${first.type}: Karpenter may replace ${node || 'its node'}, since ${leaving[first.type]}`
          : isReady || late === undefined
            ? `node ${node || 'not named yet'}: launched, registered and initialized`
            : `under way for ${span(age)}: ${late.type} ${late.status}`,
      since: first?.at,
      diagnose: () => ({
        causes: [],
        items: [
          ...stepItems(facts, 'notReached'),
          ...going.map((entry) =>
            item(`C15.${entry.type}`, 'progressing', 'Karpenter keeps the node', 'info', asEvidence(entry)),
          ),
          ...warned(facts),
        ],
      }),
    };
  },
};
