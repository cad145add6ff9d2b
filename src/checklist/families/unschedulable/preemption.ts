import { nameOf } from '../../evidence-index.ts';
import { getObject } from '../../fixes.ts';
import { minutes } from '../../limits.ts';
import { list, span, text } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { schedulerWords } from './verdict.ts';

/** A pod of higher priority waits for the ones that it pushes out. */
export const preempting: PodState = {
  id: 'C14',
  key: 'sched.preempting',
  gate: 'scheduled',
  severity: 'none',
  title: 'It waits for its victims to end',
  match: (facts) => {
    if (facts.node !== '' || facts.nominatedNode === '') return undefined;
    const victims = facts.index
      .podsOn(facts.nominatedNode)
      .filter((pod) =>
        list(pod, 'status', 'conditions').some(
          (entry) =>
            text(entry, 'type') === 'DisruptionTarget' && text(entry, 'reason') === 'PreemptionByScheduler',
        ),
      );
    const told = /terminating pod on the nominated node|waiting for the preemption/.test(
      schedulerWords(facts),
    );
    if (victims.length === 0 && !told) return undefined;
    const since = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt ?? facts.now;
    const long = facts.now - since > minutes(facts.limits.preemptionMinutes);
    const names = victims.map(nameOf).join(', ');
    return {
      headline: `waits for preempted pods on ${facts.nominatedNode} to end${names === '' ? '' : `: ${names}`}`,
      severity: long ? 'warn' : 'none',
      since,
      diagnose: () => ({
        causes: long
          ? [
              cause(
                'C14.victims',
                victims.length > 0 ? 'proven' : 'likely',
                `it was given node ${facts.nominatedNode} by preemption, and waits ${span(facts.now - since)} for ${names === '' ? 'a terminating pod there' : names}: long grace period`,
                getObject(
                  'See the terminating pods',
                  'pods',
                  '',
                  '-A',
                  '-o',
                  'wide',
                  `--field-selector=spec.nodeName=${facts.nominatedNode}`,
                ),
              ),
            ]
          : [],
        items: [
          item(
            'C14.nominated',
            'scheduled',
            'Its victims end',
            long ? 'warn' : 'info',
            evidence('nominatedNodeName', facts.nominatedNode, 'status.nominatedNodeName'),
            evidence('victims', names || 'unknown'),
          ),
        ],
      }),
    };
  },
};
