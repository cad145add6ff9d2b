import { describe, kubectl } from '../../fixes.ts';
import { brief, text } from '../../read.ts';
import { cause, item, type PodState } from '../../state.ts';
import { claimsOf } from '../pod-claims.ts';
import { claimTrouble } from '../storage.ts';
import { schedulerSays, schedulerWords } from './verdict.ts';

/** The scheduler itself failed: often a claim that nobody provisioned in its ten minutes. */
export const schedulerError = (id: string, key: string, ofBinding: boolean): PodState => ({
  id,
  key,
  gate: 'scheduled',
  severity: 'bad',
  title: ofBinding ? 'A claim was not bound in time' : 'The scheduler failed',
  match: (facts) => {
    const scheduled = facts.conditions.get('PodScheduled');
    const words = schedulerWords(facts);
    if (
      facts.node !== '' ||
      !(scheduled?.reason === 'SchedulerError' || /^running PreBind plugin/.test(words))
    )
      return undefined;
    const binding = /VolumeBinding|binding volumes/.test(words);
    if (binding !== ofBinding) return undefined;
    const name =
      claimsOf(facts).find(
        (claim) =>
          text(facts.index.get('PersistentVolumeClaim', facts.namespace, claim), 'status', 'phase') !==
          'Bound',
      ) ?? claimsOf(facts)[0];
    const claim =
      name === undefined ? undefined : facts.index.get('PersistentVolumeClaim', facts.namespace, name);
    const trouble = claim === undefined ? undefined : claimTrouble(facts.index, claim);
    return {
      headline: binding
        ? `claim ${name ?? ''} was not provisioned in time`
        : `scheduler error: ${brief(words, 80)}`,
      since: scheduled?.at,
      diagnose: () => ({
        causes: binding
          ? [
              ...(trouble?.causes ?? []),
              cause(
                'C8.binding-timeout',
                trouble === undefined || trouble.causes.length === 0 ? 'likely' : 'possible',
                `the scheduler waited ten minutes for claim ${name ?? ''} to be bound, in vain: its provisioner does not answer`,
                name === undefined ? undefined : describe('pvc', facts.namespace, name),
              ),
            ]
          : [
              cause(
                'C16.error',
                'likely',
                `the scheduler fails with: ${brief(words, 200)}`,
                kubectl('Read the scheduler log', 'read', 'kube-system', [
                  'logs',
                  '-l',
                  'component=kube-scheduler',
                  '--tail=100',
                ]),
              ),
            ],
        items: [
          item('C16.message', 'scheduled', 'The scheduler works', 'fail', schedulerSays(words)),
          ...(trouble?.items ?? []),
        ],
      }),
    };
  },
});
