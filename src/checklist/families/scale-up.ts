import { getObject, kubectl } from '../fixes.ts';
import { lastEvent, type PodFacts } from '../pod-facts.ts';
import { brief, condition, conditions, essence, span, text } from '../read.ts';
import type { Cause, Item } from '../report.ts';
import { cause, evidence, item, said } from '../state.ts';

/** What the autoscaler of nodes does about a pod that no node takes. */
export interface ScaleUp {
  readonly item: Item;
  /** A node was ordered a short while ago: there is nothing to say yet. */
  readonly coming: boolean;
  /** It tried to add a node for the pod and could not: with that node the pod would run. */
  readonly failed: boolean;
  /** A clause for the end of another sentence: `the autoscaler adds no node: …`. */
  readonly clause: string;
  /** For the row, where it failed: `no new node: out of resources`. */
  readonly headline: string;
  readonly cause: Cause;
}

/** How long a node may take from the order to the pod's place on it. */
const deliveryMs = 15 * 60_000;

const readDecisions = (facts: PodFacts): ReturnType<typeof kubectl> =>
  kubectl('See its last decisions', 'read', facts.namespace, [
    'get',
    'events',
    '--field-selector',
    `involvedObject.name=${facts.name}`,
  ]);

/** Karpenter's verdict per pool, without the parts that are the same for all: `pool gpu: did not tolerate taint …`. */
function karpenterSays(message: string): string {
  const whole = message
    .replace(/^Failed to schedule pod,?\s*/i, '')
    .replace(/daemonset overhead=\{[^}]*\},\s*/g, '');
  const atLimit =
    /;?\s*all available instance types exceed limits for (?:nodepool|provisioner)[\s:("]*(?:NodePool=)?([\w.-]*)[")]*/.exec(
      whole,
    );
  const body = whole.replace(atLimit?.[0] ?? '', '');
  const full =
    atLimit === null
      ? []
      : [`node pool ${atLimit[1] || '?'}: its limit is reached, every instance type would exceed it`];
  const pools = [
    ...body.matchAll(
      /incompatible with (?:nodepool|provisioner) "([^"]+)",\s*(.*?)(?=;\s*incompatible with (?:nodepool|provisioner) "|$)/g,
    ),
  ].map(([, pool, why = '']) => {
    const big = /no instance type (?:satisfied resources|which met|has enough|met)/.test(why);
    const taint = /did not tolerate(?: taint)? ?\(?(?:taint=)?([^\s)]+)/.exec(why)?.[1];
    const reason =
      taint === undefined
        ? big
          ? `no instance type fits (${brief(/\(([^()]*)\)\s*$/.exec(why)?.[1] ?? 'resources or requirements', 80)})`
          : brief(why, 90)
        : `taint ${taint} not tolerated`;
    return `node pool ${pool}: ${reason}`;
  });
  const said = [...full, ...pools];
  return said.length > 0 ? brief(said.join('; '), 240) : brief(body, 200);
}

/** The cluster autoscaler's counts: `2 max node group size reached`, in words for a sentence. */
const autoscalerSays = (message: string): string =>
  brief(
    message
      .replace(/^pod didn't trigger scale-up(?: \([^)]*\))?:?\s*/i, '')
      .replace(/^Node scale up in zones (.+?) associated with this pod failed: ([^.]*)\..*$/, '$2 (zone $1)'),
    180,
  );

/** Karpenter speaks of a pod with the scheduler's reason; a pasted event may have lost its source. */
export const isKarpenter = (event: { readonly source: string; readonly message: string }): boolean =>
  /karpenter/i.test(event.source) || event.message.startsWith('Failed to schedule pod');

const decided = [
  'TriggeredScaleUp',
  'NotTriggerScaleUp',
  'FailedScaleUp',
  'FailedToScaleUpGroup',
  'Nominated',
  'NoCompatibleInstanceTypes',
  'InsufficientCapacityError',
];

/** A node that Karpenter ordered since the pod is there, and whose launch fails. */
function failedClaim(
  facts: PodFacts,
): { readonly item: Item; readonly says: string; readonly name: string } | undefined {
  for (const claim of facts.index.of('NodeClaim')) {
    const launched = conditions(claim).find((entry) => entry.type === 'Launched');
    if (launched === undefined || launched.status === 'True' || condition(claim, 'Ready')?.status === 'True')
      continue;
    if (!/fail|error|insufficient|capacity/i.test(`${launched.reason} ${launched.message}`)) continue;
    if (launched.at !== undefined && launched.at < (facts.createdAt ?? 0)) continue;
    const name = text(claim, 'metadata', 'name');
    return {
      name,
      says: essence(launched.message || launched.reason, 180),
      item: item(
        'C15.node-claim',
        'scheduled',
        'A new node arrives',
        'fail',
        evidence(
          `NodeClaim ${name}`,
          `Launched ${launched.status} ${launched.reason}: ${launched.message}`,
          'status.conditions[Launched]',
          { ref: { kind: 'NodeClaim', namespace: '', name }, at: launched.at },
        ),
      ),
    };
  }
  return undefined;
}

export function scaleUp(facts: PodFacts): ScaleUp | undefined {
  const claim = failedClaim(facts);
  if (claim !== undefined)
    return {
      item: claim.item,
      coming: false,
      failed: true,
      clause: `a new node cannot be launched: ${claim.says}`,
      headline: `no new node: ${brief(claim.says.replace(/^… /, ''), 70)}`,
      cause: cause(
        'C15.scale-up-failed',
        'likely',
        `a new node was ordered since (NodeClaim ${claim.name}) and cannot be launched: ${claim.says}`,
        getObject('See the ordered nodes', 'nodeclaims', ''),
      ),
    };
  const karpenter = facts.events.findLast(
    (event) => event.reason === 'FailedScheduling' && isKarpenter(event),
  );
  const own = lastEvent(facts.events, decided)?.event;
  const newest = own === undefined || (karpenter?.last ?? 0) > (own.last ?? 0) ? (karpenter ?? own) : own;
  if (newest === undefined) return undefined;
  // That it waits after a failure is said with every look; the failure itself is told once.
  const found = /in backoff after failed scale-up/.test(newest.message)
    ? (lastEvent(facts.events, ['FailedScaleUp'])?.event ?? newest)
    : newest;
  const ordered = found.reason === 'TriggeredScaleUp' || found.reason === 'Nominated';
  const age = facts.now - (found.last ?? 0);
  const coming = ordered && age < deliveryMs;
  const failed = /^(?:FailedScaleUp|FailedToScaleUpGroup|InsufficientCapacityError)$/.test(found.reason);
  const says =
    (found === karpenter ? karpenterSays(found.message) : autoscalerSays(found.message)) ||
    'none of its node groups would take the pod, or it knows none';
  const clause = ordered
    ? `a node was ordered ${span(age)} ago and has not come`
    : failed
      ? `a new node for it cannot be made: ${says}`
      : `the autoscaler adds no node: ${says}`;
  return {
    item: item(
      'C15.autoscaler',
      'scheduled',
      'What the autoscaler does',
      coming ? 'info' : 'warn',
      said(found),
    ),
    coming,
    failed,
    clause,
    headline: `no new node: ${brief(says, 70)}`,
    cause: cause(
      failed ? 'C15.scale-up-failed' : 'C15.autoscaler',
      failed ? 'proven' : 'likely',
      failed ? `the autoscaler tried to add a node for it and failed: ${says}` : clause,
      readDecisions(facts),
    ),
  };
}
