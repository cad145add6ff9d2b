import { list } from '../../read.ts';
import type { ObjectState } from '../../state.ts';

/** A policy that names a direction and allows nothing isolates its pods: told on the policy, as a fact about it. */
export const isolation: ObjectState = {
  id: 'L7',
  key: 'netpol.isolates',
  gate: 'reachable',
  severity: 'none',
  title: 'It isolates pods',
  kinds: ['NetworkPolicy'],
  match: (facts) => {
    const types = list(facts.object, 'spec', 'policyTypes').map(String);
    const closed = types.filter((type) => list(facts.object, 'spec', type.toLowerCase()).length === 0);
    return closed.length === 0
      ? undefined
      : { headline: `denies all ${closed.join(' and ').toLowerCase()} of the pods it selects` };
  },
};
