import { describe } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import type { Cause } from '../../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState } from '../../state.ts';
import { type ScaleUp, scaleUp } from '../scale-up.ts';
import { affinity } from './affinity.ts';
import type { Explain } from './explain.ts';
import { matrixItems } from './filter-items.ts';
import { interPod, spread } from './inter-pod.ts';
import { cordoned, hostPort, nodeName, tooManyPods } from './nodes.ts';
import { otherReason } from './other-schedulers.ts';
import { preempting } from './preemption.ts';
import { insufficient } from './resources.ts';
import { schedulerError } from './scheduler-error.ts';
import { taint } from './taints.ts';
import { verdictsOf } from './verdict.ts';
import { claims, volumeLimits, volumeZone } from './volumes.ts';

const explainers: Readonly<Record<string, Explain>> = {
  C1: insufficient(false),
  C2: insufficient(true),
  C3: taint,
  C4: affinity,
  C5: interPod,
  C6: spread,
  C7: cordoned,
  C8: claims,
  C9: volumeZone,
  C10: volumeLimits,
  C11: hostPort,
  C12: tooManyPods,
  C13: nodeName,
  C16: (facts, found) =>
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
    },
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

function matchState(id: string): (facts: PodFacts) => Match | undefined {
  return (facts) => {
    if (facts.phase !== 'Pending' && facts.phase !== '') return undefined;
    const found = verdictsOf(facts);
    if (found === undefined || found.state !== id) return undefined;
    const scaling = scaleUp(facts);
    const since = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt;
    const built = explainers[id]?.(facts, found);
    if (built === undefined) return undefined;
    const diagnose = (): Diagnosis => ({
      causes: withScaleUp(built.causes, scaling),
      items: [
        item(
          `${id}.scheduler`,
          'scheduled',
          'The scheduler finds a node',
          'fail',
          evidence(
            'scheduler says',
            found.message || 'Unschedulable',
            'status.conditions[PodScheduled].message',
          ),
        ),
        ...(built.items ?? []),
        ...matrixItems(found),
        ...(scaling === undefined ? [] : [scaling.item]),
      ],
    });
    const fresh = facts.now - (since ?? facts.now) < 10_000 && !facts.index.nowIsGuess;
    return {
      headline:
        scaling?.failed === true
          ? scaling.headline
          : `${built.headline}${scaling?.coming === true ? ' (a node is coming)' : ''}`,
      since,
      ...(fresh || scaling?.coming === true
        ? {
            severity:
              fresh || facts.now - (facts.createdAt ?? since ?? 0) < 10 * 60_000
                ? ('none' as const)
                : ('warn' as const),
          }
        : {}),
      diagnose,
    };
  };
}

const state = (id: string, key: string, text: string): PodState => ({
  id,
  key,
  title: text,
  gate: 'scheduled',
  severity: 'bad',
  match: matchState(id),
});

export const schedulingStates: readonly PodState[] = [
  preempting,
  schedulerError('C8', 'sched.pvc-unbound', true),
  schedulerError('C16', 'sched.error', false),
  state('C8', 'sched.pvc-unbound', 'A claim is missing or unbound'),
  state('C2', 'sched.gpu', 'No node has the devices'),
  state('C1', 'sched.insufficient', 'No node has the room'),
  state('C3', 'sched.taint', 'A taint is not tolerated'),
  state('C4', 'sched.affinity', 'No node matches its selector'),
  state('C5', 'sched.interpod', 'Pod affinity or anti-affinity'),
  state('C6', 'sched.spread', 'Topology spread leaves no node'),
  state('C7', 'sched.cordoned', 'The node is cordoned'),
  state('C9', 'sched.volume-zone', 'Its volume is elsewhere'),
  state('C10', 'sched.volume-limits', 'Volume limits'),
  state('C11', 'sched.hostport', 'A host port is taken'),
  state('C12', 'sched.too-many-pods', 'The nodes run as many pods as they may'),
  state('C13', 'sched.nodename', 'Pinned to a node that cannot take it'),
  state('C16', 'sched.other', 'The scheduler gives another reason'),
];
