import type { KubeObject } from '../../kube/object.ts';
import { labelsOf, nameOf, refOf, selects } from '../evidence-index.ts';
import { describe, kubectl } from '../fixes.ts';
import { at, brief, condition, count, list, strings, text } from '../read.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState } from '../state.ts';

const covered = (facts: ObjectFacts): readonly KubeObject[] => {
  const selector = strings(facts.object, 'spec', 'selector', 'matchLabels');
  return Object.keys(selector).length === 0
    ? []
    : facts.index.inNamespace('Pod', facts.namespace).filter((pod) => selects(selector, labelsOf(pod)));
};

/**
 * A budget that allows nothing is by design while all is well; it is worth a word when its pods are too few already, or
 * when a cordoned node waits for one of them to go.
 */
const blocksEvictions: ObjectState = {
  id: 'N1',
  key: 'budget.blocks-drain',
  gate: 'progressing',
  severity: 'warn',
  title: 'A disruption budget stops evictions',
  kinds: ['PodDisruptionBudget'],
  match: (facts) => {
    const { object, index, namespace, name } = facts;
    const [healthy, desired, expected, allowed] = (
      ['currentHealthy', 'desiredHealthy', 'expectedPods', 'disruptionsAllowed'] as const
    ).map((field) => count(object, 'status', field) ?? 0);
    if (at(object, 'status') === undefined || (expected ?? 0) === 0 || (allowed ?? 0) > 0) return undefined;
    const pods = covered(facts);
    const draining = pods.find((pod) => {
      const node = index.get('Node', '', text(pod, 'spec', 'nodeName'));
      return at(node, 'spec', 'unschedulable') === true;
    });
    const short = (healthy ?? 0) < (desired ?? 0);
    if (!short && draining === undefined) return undefined;
    const wants =
      text(object, 'spec', 'minAvailable') !== ''
        ? `minAvailable ${text(object, 'spec', 'minAvailable')}`
        : `maxUnavailable ${text(object, 'spec', 'maxUnavailable')}`;
    const node = draining === undefined ? '' : text(draining, 'spec', 'nodeName');
    const sick = pods
      .map((pod) => ({ pod, report: facts.reportOn(pod) }))
      .find((entry) => entry.report.severity === 'bad');
    return {
      headline: `no eviction allowed: ${healthy} healthy of ${desired} that must be${node === '' ? '' : `; node ${node} cannot be drained`}`,
      since: condition(object, 'DisruptionAllowed')?.at,
      diagnose: () => ({
        causes: [
          cause(
            short ? 'N1.budget-short' : 'N1.budget-tight',
            'proven',
            short
              ? `the disruption budget allows no eviction, so a drain waits: only ${healthy} of its ${expected} pods are healthy and ${desired} must be (${wants})${sick === undefined ? '' : `; ${nameOf(sick.pod)}: ${sick.report.headline}`}`
              : `the disruption budget allows no eviction (${wants} with ${expected} pods), so node ${node}, which is cordoned, cannot be drained`,
            describe('pdb', namespace, name),
            kubectl('See its pods', 'read', namespace, ['get', 'pods', '-o', 'wide']),
          ),
        ],
        items: [
          item(
            'N1.budget',
            'progressing',
            'Its budget allows an eviction',
            'fail',
            evidence('disruptionsAllowed', String(allowed), 'status.disruptionsAllowed'),
            evidence('healthy', `${healthy} of ${desired}`, 'status.currentHealthy'),
            ...list(object, 'status', 'conditions')
              .slice(0, 1)
              .map((entry) => evidence(text(entry, 'type'), text(entry, 'reason'), 'status.conditions')),
          ),
        ],
        ...(sick === undefined ? {} : { explainedBy: refOf(sick.pod) }),
      }),
    };
  },
};

/** The controller cannot tell what its pods belong to, so it allows nothing, whatever the numbers. */
const unsynced: ObjectState = {
  id: 'N1',
  key: 'budget.sync-failed',
  gate: 'progressing',
  severity: 'warn',
  title: 'A disruption budget cannot be computed',
  kinds: ['PodDisruptionBudget'],
  match: (facts) => {
    const found = condition(facts.object, 'DisruptionAllowed');
    if (found?.reason !== 'SyncFailed') return undefined;
    const says = found.message || 'its expected number of pods is not known';
    return {
      headline: `no eviction allowed: ${brief(says, 80)}`,
      since: found.at,
      diagnose: () => ({
        causes: [
          cause(
            'N1.budget-unsynced',
            'proven',
            `the disruption budget cannot be computed, and allows no eviction until it can: ${brief(says, 160)}`,
            describe('pdb', facts.namespace, facts.name),
            kubectl('See its pods and their owners', 'read', facts.namespace, ['get', 'pods', '-o', 'wide']),
          ),
        ],
        items: [
          item(
            'N1.sync',
            'progressing',
            'Its budget can be computed',
            'fail',
            evidence(
              'DisruptionAllowed',
              `${found.reason}: ${says}`,
              'status.conditions[DisruptionAllowed]',
              {
                at: found.at,
              },
            ),
          ),
        ],
      }),
    };
  },
};

export const budgetStates: readonly ObjectState[] = [unsynced, blocksEvictions];
