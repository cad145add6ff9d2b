import { nameOf } from '../../evidence-index.ts';
import { editOwner, getObject, kubectl } from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { list, nearNames, text } from '../../read.ts';
import type { Item } from '../../report.ts';
import { cause, evidence, item, type Match, type PodState } from '../../state.ts';
import { schedulerState, schedulerWords } from '../unschedulable/verdict.ts';

const claimNames = (
  facts: PodFacts,
): readonly { readonly entry: string; readonly claim: string; readonly template: string }[] =>
  list(facts.object, 'spec', 'resourceClaims').map((entry) => ({
    entry: text(entry, 'name'),
    claim: text(entry, 'resourceClaimName'),
    template: text(entry, 'resourceClaimTemplateName'),
  }));

export const dra: PodState = {
  id: 'B6',
  key: 'dra.claim',
  gate: 'scheduled',
  severity: 'bad',
  title: 'A device claim cannot be satisfied',
  match: (facts) => {
    if (facts.node !== '' || facts.phase !== 'Pending' || facts.object === undefined) return undefined;
    const claims = claimNames(facts);
    const words = schedulerWords(facts);
    const noTemplate = lastEvent(
      facts.events,
      ['FailedResourceClaimCreation'],
      /template "([^"]+)":.*not found/,
    );
    const missingClaim = claims.find(
      (entry) =>
        entry.claim !== '' &&
        facts.index.find('ResourceClaim', facts.namespace, entry.claim).state === 'missing',
    );
    const missingTemplate = claims.find(
      (entry) =>
        entry.template !== '' &&
        (noTemplate?.match?.[1] === entry.template ||
          facts.index.find('ResourceClaimTemplate', facts.namespace, entry.template).state === 'missing'),
    );
    const see = getObject(
      'See the claims and templates',
      'resourceclaims,resourceclaimtemplates',
      facts.namespace,
    );
    const built = (
      id: string,
      verdict: 'proven' | 'likely' | 'possible',
      headline: string,
      says: string,
      ...more: readonly Item[]
    ): Match => ({
      headline,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id,
            verdict,
            says,
            see,
            kubectl('See what devices there are', 'read', '', ['get', 'resourceslices,deviceclasses']),
            editOwner(facts, 'Correct the claim'),
          ),
        ],
        items: [
          item(
            'B6.claim',
            'scheduled',
            'Its device claims are met',
            'fail',
            evidence(
              'resourceClaims',
              claims.map((entry) => entry.claim || entry.template).join(', ') || 'extended resource',
              'spec.resourceClaims',
            ),
            ...(words === ''
              ? [evidence('PodScheduled', 'no condition at all', 'status.conditions')]
              : [evidence('scheduler says', words, 'status.conditions[PodScheduled].message')]),
          ),
          ...more,
        ],
      }),
    });
    if (missingClaim !== undefined) {
      const near = nearNames(
        missingClaim.claim,
        facts.index.inNamespace('ResourceClaim', facts.namespace).map(nameOf),
      );
      return built(
        'B6.claim-missing',
        'proven',
        `resource claim ${missingClaim.claim} does not exist`,
        `the ResourceClaim ${missingClaim.claim} does not exist in namespace ${facts.namespace}${near.length > 0 ? `; there is ${near.join(', ')}` : ''}: the scheduler waits for it without a word`,
      );
    }
    if (missingTemplate !== undefined) {
      const near = nearNames(
        missingTemplate.template,
        facts.index.inNamespace('ResourceClaimTemplate', facts.namespace).map(nameOf),
      );
      return built(
        'B6.template-missing',
        'proven',
        `claim template ${missingTemplate.template} does not exist`,
        `the ResourceClaimTemplate ${missingTemplate.template} does not exist in namespace ${facts.namespace}${near.length > 0 ? `; there is ${near.join(', ')}` : ''}`,
      );
    }
    if (schedulerState(facts) !== 'B6') return undefined;
    const noClass = /device ?class (\S+) does not exist/.exec(words)?.[1];
    if (noClass !== undefined) {
      const near = facts.index.of('DeviceClass').map(nameOf);
      return built(
        'B6.class-missing',
        'proven',
        `device class ${noClass} does not exist`,
        `the device class ${noClass} does not exist${near.length > 0 ? `; there is ${near.slice(0, 5).join(', ')}` : ''}`,
      );
    }
    const closed = Number(/(\d+) node\(s\) had untolerated taint/.exec(words)?.[1] ?? 0);
    const cannot = Number(/(\d+) cannot allocate all claims/.exec(words)?.[1] ?? 0);
    const also =
      closed > cannot && claims.length > 0
        ? `; ${closed} nodes are closed by taints that it does not tolerate`
        : '';
    return built(
      'B6.no-devices',
      'proven',
      'no node has the devices that it claims',
      `no node can give the devices of its claims${claims.length > 0 ? ` (${claims.map((entry) => entry.claim || entry.template).join(', ')})` : ''}: too many on one node, none left, or no device matches${also}`,
    );
  },
};
