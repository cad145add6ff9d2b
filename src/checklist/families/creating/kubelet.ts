import { nameOf } from '../../evidence-index.ts';
import { deletePod, describe } from '../../fixes.ts';
import { minutes } from '../../limits.ts';
import { brief, span, text } from '../../read.ts';
import { cause, type Diagnosis, evidence, item, type PodState, unknown } from '../../state.ts';
import { nodeTrouble, strangeNode } from '../node-trouble.ts';
import { claimsOf } from '../pod-claims.ts';
import { creating, isCreating } from './complaint.ts';

export const silent: PodState = creating(
  'E10',
  'kubelet.silent',
  'nodeAdmits',
  'The kubelet does not react',
  (facts) => {
    if (facts.node === '') return undefined;
    const bound = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt ?? facts.now;
    const quiet = facts.now - bound;
    const seen = facts.containers.some((container) => container.state !== 'none');
    const trouble = nodeTrouble(facts) ?? strangeNode(facts);
    const heard = facts.events.some(
      (event) => event.source === 'kubelet' || /^(?:Pull|Created|Started|Failed)/.test(event.reason),
    );
    if (!facts.eventsKnown || seen || heard || (quiet < 60_000 && trouble === undefined)) return undefined;
    return {
      headline:
        trouble === undefined
          ? `bound ${span(quiet)} ago, the kubelet of ${facts.node} is silent`
          : trouble.text,
      since: bound,
      diagnose: () => ({
        causes: [
          cause(
            trouble === undefined ? 'E10.silent' : 'E10.node-down',
            trouble === undefined || trouble.guess === true ? 'likely' : 'proven',
            trouble?.text ??
              `the kubelet of node ${facts.node} has not touched the pod for ${span(quiet)}: it hangs, is overloaded, or cannot reach the API server`,
            describe('node', '', facts.node),
            deletePod(facts, 'Let it be placed elsewhere'),
          ),
        ],
        items: [
          item(
            'E10.status',
            'nodeAdmits',
            'The kubelet reports the pod',
            'fail',
            evidence('containerStatuses', 'none', 'status.containerStatuses'),
            evidence('bound', `${span(quiet)} ago`, 'status.conditions[PodScheduled]', { at: bound }),
          ),
          ...(trouble === undefined ? [] : [trouble.item]),
        ],
      }),
    };
  },
);

/** On the way; or stuck without a word, which a deadline of ten minutes tells apart. */
export const starting: PodState = {
  id: 'E1',
  key: 'create.normal',
  gate: 'sandbox',
  severity: 'none',
  title: 'Starting',
  match: (facts) => {
    if (facts.node === '' || !isCreating(facts)) return undefined;
    const newest = facts.events.at(-1);
    const age =
      facts.now -
      (facts.conditions.get('PodScheduled')?.at ?? facts.startedAt ?? facts.createdAt ?? facts.now);
    const step = newest === undefined ? '' : `: ${brief(newest.message, 60)}`;
    const stuck =
      facts.eventsKnown &&
      age > minutes(facts.limits.startMinutes) &&
      facts.now - (newest?.last ?? 0) > 5 * 60_000;
    if (!stuck) return { headline: `starting${step}` };
    const trouble = nodeTrouble(facts);
    const claims = claimsOf(facts);
    const suspects = claims
      .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
      .filter((claim) => claim !== undefined && text(claim, 'status', 'phase') !== 'Bound')
      .map(nameOf);
    return {
      headline: `not started after ${span(age)}: ${trouble?.text ?? 'no word from the kubelet'}`,
      severity: 'bad',
      since: facts.startedAt,
      diagnose: (): Diagnosis => ({
        causes: [
          ...(trouble === undefined
            ? []
            : [cause('J3.node', 'proven', trouble.text, describe('node', '', facts.node))]),
          ...(suspects.length === 0
            ? []
            : [
                cause(
                  'C8.unbound',
                  'proven',
                  `its claim ${suspects.join(', ')} is not bound`,
                  describe('pvc', facts.namespace, suspects[0] ?? ''),
                ),
              ]),
          cause(
            'E1.stuck',
            'possible',
            `it is being created for ${span(age)}; the event that would say why is gone (events expire after an hour): volumes, network or a very large image`,
            describe('pod', facts.namespace, facts.name),
            deletePod(facts, 'Start over, which brings fresh events'),
          ),
        ],
        items: [unknown('E1.why', 'sandbox', 'What it waits for', 'eventExpired')],
      }),
    };
  },
};
