import { labelsOf } from '../../evidence-index.ts';
import { editOwner, kubectl } from '../../fixes.ts';
import { ageOf, type PodFacts } from '../../pod-facts.ts';
import { brief, condition, count, text } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { schedulerState, schedulerWords } from '../unschedulable/verdict.ts';

const podGroupName = (facts: PodFacts): string =>
  facts.labels['scheduling.x-k8s.io/pod-group'] ??
  text(facts.object, 'spec', 'schedulingGroup', 'podGroupName') ??
  '';

/** A native or coscheduling gang that is short of members: neither condition nor event says so. */
export const gang: PodState = {
  id: 'B4',
  key: 'gang.upstream',
  gate: 'released',
  severity: 'warn',
  title: 'Its gang is not complete or does not fit',
  match: (facts) => {
    const name = podGroupName(facts);
    const byWords = schedulerState(facts) === 'B4';
    if (
      facts.node !== '' ||
      facts.phase !== 'Pending' ||
      facts.object === undefined ||
      (name === '' && !byWords)
    )
      return undefined;
    const scheduled = facts.conditions.get('PodScheduled');
    const group = name === '' ? undefined : facts.index.find('PodGroup', facts.namespace, name);
    const object = group?.state === 'present' ? group.object : undefined;
    const min =
      count(object, 'spec', 'minMember') ??
      count(object, 'spec', 'schedulingPolicy', 'gang', 'minCount') ??
      0;
    const members =
      name === ''
        ? []
        : facts.index
            .inNamespace('Pod', facts.namespace)
            .filter(
              (pod) =>
                labelsOf(pod)['scheduling.x-k8s.io/pod-group'] === name ||
                text(pod, 'spec', 'schedulingGroup', 'podGroupName') === name,
            );
    const told =
      object === undefined
        ? undefined
        : (condition(object, 'PodGroupScheduled') ?? condition(object, 'PodGroupInitiallyScheduled'));
    if (scheduled !== undefined && !byWords && told?.status !== 'False') return undefined;
    if (scheduled === undefined && ageOf(facts) < 30_000 && !facts.index.nowIsGuess) return undefined;
    const [id, says] =
      group?.state === 'missing'
        ? [
            'B4.group-missing',
            `its PodGroup ${name} does not exist: the scheduler waits for it without a word`,
          ]
        : min > members.length
          ? [
              'B4.members',
              `its gang ${name} needs ${min} members and ${members.length} exist: the scheduler waits for the others without a word`,
            ]
          : told?.status === 'False' || byWords
            ? [
                'B4.no-room',
                `its gang ${name} does not fit as a whole: ${brief(schedulerWords(facts) || told?.message || '', 160)}`,
              ]
            : group?.state === 'unknown'
              ? [
                  'B4.unknown',
                  `it belongs to gang ${name}, which is not known here: too few members would look like this`,
                ]
              : ['', ''];
    if (id === undefined || id === '') return undefined;
    return {
      headline:
        id === 'B4.members'
          ? `gang ${name}: ${members.length} of ${min} members exist`
          : id === 'B4.group-missing'
            ? `pod group ${name} does not exist`
            : `gang ${name} does not fit`,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id,
            id === 'B4.unknown' ? 'possible' : 'proven',
            says ?? '',
            kubectl('See the pod groups', 'read', facts.namespace, ['get', 'podgroups', '-o', 'wide']),
            editOwner(facts, 'Create the missing members, or lower the minimum'),
          ),
        ],
        items: [
          item(
            'B4.members',
            'released',
            'Its gang is complete',
            'fail',
            evidence('members', `${members.length} of ${min || 'unknown'}`, 'spec'),
            ...(schedulerWords(facts) === ''
              ? []
              : [
                  evidence(
                    'scheduler says',
                    schedulerWords(facts),
                    'status.conditions[PodScheduled].message',
                  ),
                ]),
          ),
        ],
      }),
    };
  },
};
