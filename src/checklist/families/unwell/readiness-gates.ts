import { describe, kubectl } from '../../fixes.ts';
import { isTrue } from '../../pod-facts.ts';
import { brief, list, text } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';

export const gate: PodState = {
  id: 'J2',
  key: 'notready.gate',
  gate: 'ready',
  severity: 'bad',
  title: 'A readiness gate is not met',
  match: (facts) => {
    const ready = facts.conditions.get('Ready');
    const gates = list(facts.object, 'spec', 'readinessGates').map((entry) => text(entry, 'conditionType'));
    if (
      facts.phase !== 'Running' ||
      ready?.status !== 'False' ||
      !(ready.reason === 'ReadinessGatesNotReady' || (gates.length > 0 && isTrue(facts, 'ContainersReady')))
    )
      return undefined;
    const open = gates.filter((name) => !isTrue(facts, name));
    const words = open
      .map((name) => facts.conditions.get(name))
      .map((entry) =>
        entry === undefined
          ? 'never set'
          : `${entry.status}${entry.reason === '' ? '' : ` ${entry.reason}`}${entry.message === '' ? '' : `: ${entry.message}`}`,
      )
      .join(', ');
    return {
      headline: `readiness gate ${open.join(', ')}: ${brief(words, 60)}`,
      since: ready.at,
      diagnose: () => ({
        causes: [
          cause(
            'J2.gate',
            'proven',
            `its containers are ready, but the readiness gate ${open.join(', ')} is not met (${brief(words, 120)}): its controller does not run, or its target is unhealthy`,
            describe('pod', facts.namespace, facts.name),
            kubectl('See the gate conditions', 'read', facts.namespace, [
              'get',
              'pod',
              facts.name,
              '-o',
              'jsonpath={.status.conditions}',
            ]),
          ),
        ],
        items: [
          item(
            'J2.gates',
            'ready',
            'Its readiness gates are met',
            'fail',
            ...open.map((name) =>
              evidence(name, facts.conditions.get(name)?.status ?? 'never set', `status.conditions[${name}]`),
            ),
          ),
        ],
      }),
    };
  },
};
