import { nameOf } from '../../evidence-index.ts';
import { editOwner, getObject } from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { list, nearNames, text, thereIs } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { schedulerSays, schedulerState, schedulerWords } from '../unschedulable/verdict.ts';

/** A claim of `spec.resourceClaims`: one that is there, or a template to make one of. */
interface ClaimEntry {
  readonly claim: string;
  readonly template: string;
}

const claimEntries = (facts: PodFacts): readonly ClaimEntry[] =>
  list(facts.object, 'spec', 'resourceClaims').map((entry) => ({
    claim: text(entry, 'resourceClaimName'),
    template: text(entry, 'resourceClaimTemplateName'),
  }));

const claimNames = (claims: readonly ClaimEntry[]): string =>
  claims.map((entry) => entry.claim || entry.template).join(', ');

/** Why its claims are not met, as [id, headline, sentence]. */
type Unmet = readonly [id: string, headline: string, says: string];

/** A claim or a template that it names is not there: the scheduler waits without a word. */
function missing(facts: PodFacts, claims: readonly ClaimEntry[]): Unmet | undefined {
  const gone = (kind: string, name: string): boolean =>
    name !== '' && facts.index.find(kind, facts.namespace, name).state === 'missing';
  const near = (kind: string, name: string): string =>
    thereIs(nearNames(name, facts.index.inNamespace(kind, facts.namespace).map(nameOf)));
  const claim = claims.find((entry) => gone('ResourceClaim', entry.claim))?.claim;
  if (claim !== undefined)
    return [
      'B6.claim-missing',
      `resource claim ${claim} does not exist`,
      `the ResourceClaim ${claim} does not exist in namespace ${facts.namespace}${near('ResourceClaim', claim)}: the scheduler waits for it without a word`,
    ];
  const told = lastEvent(facts.events, ['FailedResourceClaimCreation'], /template "([^"]+)":.*not found/)
    ?.match?.[1];
  const template = claims.find(
    (entry) =>
      entry.template !== '' && (told === entry.template || gone('ResourceClaimTemplate', entry.template)),
  )?.template;
  return template === undefined
    ? undefined
    : [
        'B6.template-missing',
        `claim template ${template} does not exist`,
        `the ResourceClaimTemplate ${template} does not exist in namespace ${facts.namespace}${near('ResourceClaimTemplate', template)}`,
      ];
}

/** What the scheduler says of devices. */
function noDevices(facts: PodFacts, claims: readonly ClaimEntry[], words: string): Unmet {
  const noClass = /device ?class (\S+) does not exist/.exec(words)?.[1];
  if (noClass !== undefined)
    return [
      'B6.class-missing',
      `device class ${noClass} does not exist`,
      `the device class ${noClass} does not exist${thereIs(facts.index.of('DeviceClass').map(nameOf).slice(0, 5))}`,
    ];
  const closed = Number(/(\d+) node\(s\) had untolerated taint/.exec(words)?.[1] ?? 0);
  const cannot = Number(/(\d+) cannot allocate all claims/.exec(words)?.[1] ?? 0);
  const also =
    closed > cannot && claims.length > 0
      ? `; ${closed} nodes are closed by taints that it does not tolerate`
      : '';
  return [
    'B6.no-devices',
    'no node has the devices that it claims',
    `no node can give the devices of its claims${claims.length > 0 ? ` (${claimNames(claims)})` : ''}: too many on one node, none left, or no device matches${also}`,
  ];
}

/** Dynamic resource allocation: devices by claim, where others are counted. */
export const deviceClaims: PodState = {
  id: 'B6',
  key: 'dra.claim',
  gate: 'scheduled',
  severity: 'bad',
  title: 'A device claim cannot be satisfied',
  match: (facts) => {
    if (facts.node !== '' || facts.phase !== 'Pending' || facts.object === undefined) return undefined;
    const claims = claimEntries(facts);
    const words = schedulerWords(facts);
    const unmet =
      missing(facts, claims) ??
      (schedulerState(facts) === 'B6' ? noDevices(facts, claims, words) : undefined);
    if (unmet === undefined) return undefined;
    const [id, headline, says] = unmet;
    return {
      headline,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id,
            'proven',
            says,
            getObject(
              'See the claims and templates',
              'resourceclaims,resourceclaimtemplates',
              facts.namespace,
            ),
            getObject('See what devices there are', 'resourceslices,deviceclasses', ''),
            editOwner(facts, 'Correct the claim'),
          ),
        ],
        items: [
          item(
            'B6.claim',
            'scheduled',
            'Its device claims are met',
            'fail',
            evidence('resourceClaims', claimNames(claims) || 'extended resource', 'spec.resourceClaims'),
            words === ''
              ? evidence('PodScheduled', 'no condition at all', 'status.conditions')
              : schedulerSays(words),
          ),
        ],
      }),
    };
  },
};
