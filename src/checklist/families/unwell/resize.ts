import { describe, editOwner } from '../../fixes.ts';
import { brief } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';

export const resize: PodState = {
  id: 'J18',
  key: 'pod.resize',
  gate: 'progressing',
  severity: 'warn',
  title: 'A resize does not happen',
  match: (facts) => {
    const pending = facts.conditions.get('PodResizePending') ?? facts.conditions.get('PodResizeInProgress');
    if (pending?.status !== 'True' || (pending.type === 'PodResizeInProgress' && pending.reason !== 'Error'))
      return undefined;
    return {
      headline: `resize ${pending.reason.toLowerCase()}: ${brief(pending.message, 70)}`,
      since: pending.at,
      diagnose: () => ({
        causes: [
          cause(
            `J18.${pending.reason.toLowerCase()}`,
            'proven',
            `its resize is ${pending.reason}: ${brief(pending.message, 160)}`,
            editOwner(facts, 'Ask for less'),
            describe('node', '', facts.node || 'NODE'),
          ),
        ],
        items: [
          item(
            'J18.condition',
            'progressing',
            'The resize is done',
            'warn',
            evidence(
              pending.type,
              `${pending.reason}: ${pending.message}`,
              `status.conditions[${pending.type}]`,
              { at: pending.at },
            ),
          ),
        ],
      }),
    };
  },
};
