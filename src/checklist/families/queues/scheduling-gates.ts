import { kubectl } from '../../fixes.ts';
import { ageOf } from '../../pod-facts.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';

export const gated: PodState = {
  id: 'B1',
  key: 'gated.generic',
  gate: 'released',
  severity: 'warn',
  title: 'A scheduling gate holds it',
  match: (facts) => {
    if (
      facts.node !== '' ||
      (facts.gates.length === 0 && facts.conditions.get('PodScheduled')?.reason !== 'SchedulingGated')
    )
      return undefined;
    const gates = facts.gates.join(', ');
    if (ageOf(facts) < 30_000 && !facts.index.nowIsGuess)
      return { headline: `gated: ${gates}`, severity: 'none' };
    const keeper = facts.gates.map((gate) => gate.split('/')[0]).join(', ');
    return {
      headline: `held by scheduling gate ${gates}`,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            'B1.gate',
            'proven',
            `the scheduling gate ${gates} holds it until its controller (${keeper}) removes it: it waits by design, or that controller does not run`,
            kubectl('See the gates', 'read', facts.namespace, [
              'get',
              'pod',
              facts.name,
              '-o',
              'jsonpath={.spec.schedulingGates}',
            ]),
            kubectl('Remove all gates by hand, past their controllers', 'disruptive', facts.namespace, [
              'patch',
              'pod',
              facts.name,
              '--type=json',
              '-p',
              '[{"op":"remove","path":"/spec/schedulingGates"}]',
            ]),
          ),
        ],
        items: [
          item(
            'B1.gates',
            'released',
            'No gate holds it',
            'fail',
            evidence('gates', gates, 'spec.schedulingGates'),
          ),
        ],
      }),
    };
  },
};
