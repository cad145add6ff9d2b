import type { KubeObject } from '../../../kube/object.ts';
import { annotationsOf, nameOf, refOf } from '../../evidence-index.ts';
import { describe, editOwner, kubectl } from '../../fixes.ts';
import { ageOf, type PodFacts } from '../../pod-facts.ts';
import { list, span, text, time } from '../../read.ts';
import { cause, evidence, item, type Match, type PodState } from '../../state.ts';

/** A claim that its node was chosen for: the scheduler waits up to ten minutes for its volume. */
function awaitedClaim(facts: PodFacts): KubeObject | undefined {
  return list(facts.object, 'spec', 'volumes')
    .map((volume) => text(volume, 'persistentVolumeClaim', 'claimName'))
    .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
    .find(
      (claim) =>
        claim !== undefined &&
        annotationsOf(claim)['volume.kubernetes.io/selected-node'] !== undefined &&
        text(claim, 'status', 'phase') !== 'Bound',
    );
}

/** The scheduler has looked, and waits for a volume itself. */
const waitsForClaim = (facts: PodFacts, claim: KubeObject): Match => ({
  headline: `waits for claim ${nameOf(claim)} to be provisioned`,
  severity: ageOf(facts) > 120_000 ? 'bad' : 'none',
  since: facts.createdAt,
  diagnose: () => ({
    causes: [
      cause(
        'M3.no-answer',
        'likely',
        `the scheduler has chosen a node and waits up to ten minutes for claim ${nameOf(claim)}, which its provisioner has not made`,
        describe('pvc', facts.namespace, nameOf(claim)),
      ),
    ],
    items: [
      item(
        'B5.claim',
        'volumes',
        'Its claim is provisioned',
        'fail',
        evidence(
          'selected-node',
          annotationsOf(claim)['volume.kubernetes.io/selected-node'] ?? '',
          'metadata.annotations',
          { ref: refOf(claim) },
        ),
      ),
    ],
  }),
});

/** Pending and nobody has looked: no scheduler of that name runs. */
export const noScheduler: PodState = {
  id: 'B5',
  key: 'scheduler.absent',
  gate: 'scheduled',
  severity: 'bad',
  title: 'No scheduler looks at it',
  match: (facts) => {
    if (
      facts.phase !== 'Pending' ||
      facts.node !== '' ||
      facts.conditions.has('PodScheduled') ||
      facts.gates.length > 0
    )
      return undefined;
    if (facts.events.some((event) => /FailedScheduling|Scheduled/.test(event.reason))) return undefined;
    const custom = facts.schedulerName !== 'default-scheduler';
    if (ageOf(facts) < 30_000 && !(custom && facts.index.nowIsGuess)) return undefined;
    const claim = awaitedClaim(facts);
    if (claim !== undefined) return waitsForClaim(facts, claim);
    const others = facts.index
      .of('Pod')
      .filter(
        (pod) =>
          (text(pod, 'spec', 'schedulerName') || 'default-scheduler') === facts.schedulerName &&
          text(pod, 'spec', 'nodeName') !== '',
      ).length;
    const lease = facts.index.get('Lease', 'kube-system', 'kube-scheduler');
    const stale =
      lease === undefined ? undefined : facts.now - (time(lease, 'spec', 'renewTime') ?? facts.now);
    return {
      headline: `no scheduler looks at it${custom ? `: ${facts.schedulerName}` : ''}`,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            custom ? 'B5.scheduler-name' : 'B5.no-scheduler',
            custom && others === 0 ? 'likely' : custom ? 'possible' : 'likely',
            custom
              ? `it asks for scheduler "${facts.schedulerName}", and nothing of that name has looked at it: it is not installed, does not run, or the name is wrong`
              : `the scheduler has not looked at it for ${span(ageOf(facts))}: kube-scheduler does not run or is stuck${stale !== undefined && stale > 30_000 ? ` (its lease is ${span(stale)} old)` : ''}`,
            kubectl('See whether it runs', 'read', '', [
              'get',
              'pods',
              '-A',
              '-l',
              custom ? `app=${facts.schedulerName}` : 'component=kube-scheduler',
            ]),
            custom ? editOwner(facts, 'Correct schedulerName') : undefined,
          ),
        ],
        items: [
          item(
            'B5.condition',
            'scheduled',
            'A scheduler has looked at it',
            'fail',
            evidence('PodScheduled', 'no condition and no event', 'status.conditions'),
            evidence('schedulerName', facts.schedulerName, 'spec.schedulerName'),
          ),
        ],
      }),
    };
  },
};
