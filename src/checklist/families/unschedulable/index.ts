import { describe } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import type { Cause } from '../../report.ts';
import { cause, item, type Match, type PodState } from '../../state.ts';
import { type ScaleUp, scaleUp } from '../scale-up.ts';
import { affinity } from './affinity.ts';
import type { Explain } from './explain.ts';
import { filterItems } from './filter-items.ts';
import { interPod, spread } from './inter-pod.ts';
import { cordoned, hostPort, nodeName, tooManyPods } from './nodes.ts';
import { otherReason } from './other-schedulers.ts';
import { preempting } from './preemption.ts';
import { insufficient } from './resources.ts';
import { schedulerError } from './scheduler-error.ts';
import { taint } from './taints.ts';
import { schedulerSays, verdictsOf } from './verdict.ts';
import { claims, volumeLimits, volumeZone } from './volumes.ts';

/** The scheduler's own sentence, where we know no better one. */
const otherwise: Explain = (facts, found) =>
  otherReason(facts, found) ?? {
    headline: `scheduler: ${brief(found.message, 90)}`,
    causes: [
      cause(
        'C16.other',
        'likely',
        `the scheduler says: ${brief(found.message, 200)}`,
        describe('pod', facts.namespace, facts.name),
      ),
    ],
  };

/** What the sentence about the nodes becomes with what the autoscaler says; the failed order of a node comes first. */
function withScaleUp(causes: readonly Cause[], scaling: ScaleUp | undefined): readonly Cause[] {
  const [first, ...rest] = causes;
  if (scaling === undefined || scaling.coming || first === undefined) return causes;
  if (!scaling.failed)
    return [{ ...first, text: `${first.text}; ${scaling.clause}` }, scaling.cause, ...rest];
  // That no node matches is no mistake of the pod where one that does was ordered for it.
  const present = first.id.startsWith('C4.') ? { ...first, verdict: 'possible' as const } : first;
  return [{ ...scaling.cause, text: `${scaling.cause.text}; for now ${first.text}` }, present, ...rest];
}

/** A pod that is too young to be in trouble, or that a new node is coming for. */
function patience(facts: PodFacts, since: number | undefined, coming: boolean): Pick<Match, 'severity'> {
  const fresh = facts.now - (since ?? facts.now) < 10_000 && !facts.index.nowIsGuess;
  if (!fresh && !coming) return {};
  const early = fresh || facts.now - (facts.createdAt ?? since ?? 0) < 10 * 60_000;
  return { severity: early ? 'none' : 'warn' };
}

/** Pending, and the scheduler found no node for one reason above all others. */
const state = (id: string, key: string, title: string, explain: Explain): PodState => ({
  id,
  key,
  title,
  gate: 'scheduled',
  severity: 'bad',
  match: (facts) => {
    if (facts.phase !== 'Pending' && facts.phase !== '') return undefined;
    const found = verdictsOf(facts);
    if (found === undefined || found.state !== id) return undefined;
    const scaling = scaleUp(facts);
    const coming = scaling?.coming === true;
    const since = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt;
    const built = explain(facts, found);
    return {
      headline:
        scaling?.failed === true
          ? scaling.headline
          : `${built.headline}${coming ? ' (a node is coming)' : ''}`,
      since,
      ...patience(facts, since, coming),
      diagnose: () => ({
        causes: withScaleUp(built.causes, scaling),
        items: [
          item(
            `${id}.scheduler`,
            'scheduled',
            'The scheduler finds a node',
            'fail',
            schedulerSays(found.message || 'Unschedulable'),
          ),
          ...(built.items ?? []),
          ...filterItems(found),
          ...(scaling === undefined ? [] : [scaling.item]),
        ],
      }),
    };
  },
});

export const schedulingStates: readonly PodState[] = [
  preempting,
  schedulerError('C8', 'sched.pvc-unbound', true),
  schedulerError('C16', 'sched.error', false),
  state('C8', 'sched.pvc-unbound', 'A claim is missing or unbound', claims),
  state('C2', 'sched.gpu', 'No node has the devices', insufficient(true)),
  state('C1', 'sched.insufficient', 'No node has the room', insufficient(false)),
  state('C3', 'sched.taint', 'A taint is not tolerated', taint),
  state('C4', 'sched.affinity', 'No node matches its selector', affinity),
  state('C5', 'sched.interpod', 'Pod affinity or anti-affinity', interPod),
  state('C6', 'sched.spread', 'Topology spread leaves no node', spread),
  state('C7', 'sched.cordoned', 'The node is cordoned', cordoned),
  state('C9', 'sched.volume-zone', 'Its volume is elsewhere', volumeZone),
  state('C10', 'sched.volume-limits', 'Volume limits', volumeLimits),
  state('C11', 'sched.hostport', 'A host port is taken', hostPort),
  state('C12', 'sched.too-many-pods', 'The nodes run as many pods as they may', tooManyPods),
  state('C13', 'sched.nodename', 'Pinned to a node that cannot take it', nodeName),
  state('C16', 'sched.other', 'The scheduler gives another reason', otherwise),
];
