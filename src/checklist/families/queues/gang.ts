import type { KubeObject } from '../../../kube/object.ts';
import { labelsOf, type Presence } from '../../evidence-index.ts';
import { editOwner, getObject } from '../../fixes.ts';
import { ageOf, type PodFacts } from '../../pod-facts.ts';
import { brief, type Condition, condition, count, text } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { schedulerSays, schedulerState, schedulerWords } from '../unschedulable/verdict.ts';

/** The gang of a pod, as far as its PodGroup and its members tell. */
interface Gang {
  readonly name: string;
  readonly group: Presence | undefined;
  /** How many members it takes; 0 where that is not known. */
  readonly min: number;
  readonly members: number;
  readonly told: Condition | undefined;
}

const podGroupName = (pod: KubeObject | undefined): string =>
  (pod === undefined ? undefined : labelsOf(pod)['scheduling.x-k8s.io/pod-group']) ??
  text(pod, 'spec', 'schedulingGroup', 'podGroupName');

function gangOf(facts: PodFacts, name: string): Gang {
  const group = name === '' ? undefined : facts.index.find('PodGroup', facts.namespace, name);
  const object = group?.state === 'present' ? group.object : undefined;
  return {
    name,
    group,
    min:
      count(object, 'spec', 'minMember') ??
      count(object, 'spec', 'schedulingPolicy', 'gang', 'minCount') ??
      0,
    members:
      name === ''
        ? 0
        : facts.index
            .inNamespace('Pod', facts.namespace)
            .filter(
              (pod) =>
                labelsOf(pod)['scheduling.x-k8s.io/pod-group'] === name ||
                text(pod, 'spec', 'schedulingGroup', 'podGroupName') === name,
            ).length,
    told:
      object === undefined
        ? undefined
        : (condition(object, 'PodGroupScheduled') ?? condition(object, 'PodGroupInitiallyScheduled')),
  };
}

/** Why the gang waits, as [id, sentence, headline]. */
function whyWaiting(
  { name, group, min, members, told }: Gang,
  byWords: boolean,
  words: string,
): readonly [id: string, says: string, headline: string] | undefined {
  if (group?.state === 'missing')
    return [
      'B4.group-missing',
      `its PodGroup ${name} does not exist: the scheduler waits for it without a word`,
      `pod group ${name} does not exist`,
    ];
  if (min > members)
    return [
      'B4.members',
      `its gang ${name} needs ${min} members and ${members} exist: the scheduler waits for the others without a word`,
      `gang ${name}: ${members} of ${min} members exist`,
    ];
  const headline = `gang ${name} does not fit`;
  if (told?.status === 'False' || byWords)
    return [
      'B4.no-room',
      `its gang ${name} does not fit as a whole: ${brief(words || told?.message || '', 160)}`,
      headline,
    ];
  return group?.state === 'unknown'
    ? [
        'B4.unknown',
        `it belongs to gang ${name}, which is not known here: too few members would look like this`,
        headline,
      ]
    : undefined;
}

/** A native or coscheduling gang that is short of members: neither condition nor event says so. */
export const gang: PodState = {
  id: 'B4',
  key: 'gang.upstream',
  gate: 'released',
  severity: 'warn',
  title: 'Its gang is not complete or does not fit',
  match: (facts) => {
    const name = podGroupName(facts.object);
    const byWords = schedulerState(facts) === 'B4';
    if (
      facts.node !== '' ||
      facts.phase !== 'Pending' ||
      facts.object === undefined ||
      (name === '' && !byWords)
    )
      return undefined;
    const found = gangOf(facts, name);
    const looked = facts.conditions.has('PodScheduled');
    if (looked && !byWords && found.told?.status !== 'False') return undefined;
    if (!looked && ageOf(facts) < 30_000 && !facts.index.nowIsGuess) return undefined;
    const words = schedulerWords(facts);
    const why = whyWaiting(found, byWords, words);
    if (why === undefined) return undefined;
    const [id, says, headline] = why;
    return {
      headline,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id,
            id === 'B4.unknown' ? 'possible' : 'proven',
            says,
            getObject('See the pod groups', 'podgroups', facts.namespace, '-o', 'wide'),
            editOwner(facts, 'Create the missing members, or lower the minimum'),
          ),
        ],
        items: [
          item(
            'B4.members',
            'released',
            'Its gang is complete',
            'fail',
            evidence('members', `${found.members} of ${found.min || 'unknown'}`, 'spec'),
            ...(words === '' ? [] : [schedulerSays(words)]),
          ),
        ],
      }),
    };
  },
};
