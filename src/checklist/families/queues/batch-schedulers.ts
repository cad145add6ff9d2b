import type { KubeObject } from '../../../kube/object.ts';
import { annotationsOf, groupOf, labelsOf, nameOf, refOf } from '../../evidence-index.ts';
import { describe, editOwner, getObject, kubectl } from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { brief, type Condition, conditions, count, list, text, time } from '../../read.ts';
import type { Item, Verdict } from '../../report.ts';
import { cause, evidence, item, type ObjectState, type PodState, unknown } from '../../state.ts';
import { schedulerWords } from '../unschedulable/verdict.ts';

/** The queue that a pod of YuniKorn names. */
const yunikornQueue = (pod: KubeObject): string =>
  labelsOf(pod)['queue'] ??
  labelsOf(pod)['yunikorn.apache.org/queue'] ??
  annotationsOf(pod)['yunikorn.apache.org/queue'] ??
  '';

/** YuniKorn fails the pods of an application that it does not take, or whose gang did not come together in time. */
export const applicationRefused: PodState = {
  id: 'B3',
  key: 'batch-scheduler.rejected',
  gate: 'released',
  severity: 'bad',
  title: 'A batch scheduler does not take its application',
  match: (facts) => {
    if (!/^(?:ApplicationRejected|ResourceReservationTimeout|ApplicationFailed)$/.test(facts.reason))
      return undefined;
    const words = facts.message.trim();
    const gang = facts.reason === 'ResourceReservationTimeout';
    return {
      headline: `${gang ? 'its gang found no room in time' : 'application rejected by its queue'}: ${brief(words, 80)}`,
      diagnose: () => ({
        causes: [
          cause(
            gang ? 'B3.reservation-timeout' : 'B3.rejected',
            'proven',
            `${facts.schedulerName} ${gang ? 'could not reserve room for the whole gang in time' : 'rejected the application'}: ${brief(words || facts.reason, 180)}`,
            kubectl('See the queues', 'read', '', [
              'get',
              'configmap',
              '-A',
              '--field-selector',
              'metadata.name=yunikorn-configs',
              '-o',
              'yaml',
            ]),
            editOwner(
              facts,
              gang
                ? 'Ask for less, or raise the reservation timeout'
                : 'Correct the queue of the application',
            ),
          ),
        ],
        items: [
          item(
            'B3.reason',
            'released',
            'The scheduler takes its application',
            'fail',
            evidence('reason', `${facts.reason}: ${words}`, 'status.reason'),
          ),
        ],
      }),
    };
  },
};

/** What a PodGroup itself says of why it waits; KAI has a list of its own beside the conditions. */
const unschedulable = (group: KubeObject | undefined): Condition | undefined =>
  [
    ...conditions(group),
    ...list(group, 'status', 'schedulingConditions').map((entry) => ({
      type: text(entry, 'type'),
      status: text(entry, 'status') || 'True',
      reason: text(entry, 'reason'),
      message:
        text(entry, 'message') ||
        list(entry, 'reasons')
          .map((each) => text(each, 'message'))
          .join('; '),
      at: time(entry, 'lastTransitionTime'),
    })),
  ].findLast((entry) => /Unschedulable/.test(entry.type) && entry.status === 'True');

const queueUnknown = (words: string): boolean =>
  /QueueDoesNotExist|queue .* (?:not found|does not exist)/i.test(words);

const isYunikorn = (facts: PodFacts): boolean => /yunikorn/.test(facts.schedulerName);

/** The PodGroup that a pod of Volcano or KAI belongs to. */
function groupName(pod: KubeObject): string {
  const annotations = annotationsOf(pod);
  return (
    annotations['scheduling.k8s.io/group-name'] ??
    annotations['scheduling.volcano.sh/group-name'] ??
    annotations['pod-group-name'] ??
    ''
  );
}

/** YuniKorn sets no condition: what it thinks stands in events of its own, all of type Normal. */
const lastWordOf = (facts: PodFacts): string | undefined =>
  (
    lastEvent(facts.events, ['NotReady', 'Unschedulable', 'FailedScheduling', 'StaleJob']) ??
    lastEvent(
      facts.events.filter((event) => event.source === facts.schedulerName),
      ['Informational', 'GangScheduling', 'TaskFailed', 'PodUnschedulable', 'Scheduling'],
    )
  )?.event.message;

/** What is known of a gang and its queue. */
interface Held {
  readonly name: string;
  readonly phase: string;
  readonly queue: string;
  readonly members: number;
  readonly existing: number;
  /** Why, in the scheduler's words. */
  readonly message: string;
  readonly reason: string;
}

/** What holds it, as [id, sentence, headline]. */
function whyHeld(facts: PodFacts, held: Held): readonly [id: string, says: string, headline: string] {
  const { name, phase, queue, members, existing, message } = held;
  const words = `${held.reason} ${message}`;
  if (queueUnknown(words))
    return [
      'B3.queue-missing',
      `queue ${queue} does not exist: ${brief(message)}`,
      `queue ${queue} does not exist`,
    ];
  if (
    /OverLimit|reached the allowable limit|over quota|OverQuota|does not fit in queue|exceeds the available user quota/i.test(
      words,
    )
  )
    return [
      'B3.queue-limit',
      `its queue ${queue} is at its limit: ${brief(message, 180)}`,
      `queue ${queue} is at its limit`,
    ];
  // Pods that were not pasted may well exist.
  if (existing > 0 && existing < members && facts.index.listed('Pod'))
    return [
      'B3.members',
      `its gang needs ${members} members and ${existing} pods exist: ${members - existing} were not created`,
      `gang: ${existing} of ${members} members exist`,
    ];
  if (phase === 'Pending')
    return [
      'B3.not-enqueued',
      `its PodGroup ${name} is not admitted to queue ${queue || 'default'} yet (phase Pending): the queue is overcommitted or closed`,
      `not admitted to queue ${queue || 'default'}`,
    ];
  const tasks = /(\d+)\/(\d+) tasks in gang unschedulable/.exec(message);
  const yunikorn = isYunikorn(facts);
  return [
    'B3.unschedulable',
    `${facts.schedulerName} ${yunikorn ? 'has not placed it' : 'cannot place its gang'}${tasks === null ? '' : ` (${tasks[1]} of ${tasks[2]} tasks)`}: ${brief(message, 180)}`,
    `${yunikorn ? 'not placed' : 'gang cannot be placed'}: ${brief(message, 80)}`,
  ];
}

/** Volcano and KAI keep their own books and say why on the PodGroup. */
export const batchScheduler: PodState = {
  id: 'B3',
  key: 'batch-scheduler.pending',
  gate: 'released',
  severity: 'warn',
  title: 'A batch scheduler holds it',
  match: (facts) => {
    if (facts.node !== '' || facts.phase !== 'Pending') return undefined;
    if (!/volcano|kai|kube-batch|yunikorn|runai/.test(facts.schedulerName)) return undefined;
    const words = schedulerWords(facts) || facts.conditions.get('PodScheduled')?.message || '';
    if (facts.object === undefined)
      return words === ''
        ? undefined
        : { headline: `gang cannot be placed: ${brief(words, 80)}`, since: facts.createdAt };
    const name = groupName(facts.object);
    const inNamespace = (kind: string): readonly KubeObject[] =>
      name === '' ? [] : facts.index.inNamespace(kind, facts.namespace);
    const group = inNamespace('PodGroup').find((entry) => nameOf(entry) === name);
    const lastWord = lastWordOf(facts);
    if (group === undefined && words === '' && lastWord === undefined) return undefined;
    const told = unschedulable(group);
    const held: Held = {
      name,
      phase: text(group, 'status', 'phase'),
      queue:
        labelsOf(facts.object)['kai.scheduler/queue'] ||
        text(group, 'spec', 'queue') ||
        (isYunikorn(facts) ? yunikornQueue(facts.object) : ''),
      members: count(group, 'spec', 'minMember') ?? 0,
      existing: inNamespace('Pod').filter((pod) => Object.values(annotationsOf(pod)).includes(name)).length,
      message: told?.message || words || lastWord || '',
      reason: told?.reason ?? '',
    };
    const [id, says, headline] = whyHeld(facts, held);
    return {
      headline,
      since: told?.at ?? facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id,
            group === undefined ? 'likely' : 'proven',
            says,
            kubectl('See the PodGroup', 'read', facts.namespace, [
              'describe',
              'podgroup',
              ...(name === '' ? [] : [name]),
            ]),
            held.queue === '' ? undefined : getObject('See the queue', 'queue', '', held.queue, '-o', 'yaml'),
          ),
        ],
        items: [groupItem(group, held)],
      }),
    };
  },
};

const groupItem = (group: KubeObject | undefined, { phase, members, existing, message }: Held): Item =>
  group === undefined
    ? unknown('B3.group', 'released', 'Its PodGroup is placed', 'notWatched')
    : item(
        'B3.group',
        'released',
        'Its PodGroup is placed',
        'fail',
        evidence('phase', phase || 'none', 'status.phase', { ref: refOf(group) }),
        evidence('minMember', String(members), 'spec.minMember'),
        evidence('pods', String(existing)),
        ...(message === '' ? [] : [evidence('scheduler says', message)]),
      );

/** A PodGroup pasted without its pods: Volcano and KAI write on it why it waits. */
export const podGroup: ObjectState = {
  id: 'B3',
  key: 'batch-scheduler.group',
  gate: 'released',
  severity: 'warn',
  title: 'A batch scheduler holds the gang',
  kinds: ['PodGroup'],
  match: ({ object, index, namespace, name, events }) => {
    const told = unschedulable(object);
    const phase = text(object, 'status', 'phase');
    const event = events.findLast((entry) => entry.type === 'Warning');
    const queue = text(object, 'spec', 'queue');
    const closed = /^(?:Closed|Closing)$/.exec(
      text(index.get('Queue', '', queue || 'default'), 'status', 'state'),
    )?.[0];
    if (
      /Running|Completed|Finished/.test(phase) ||
      (told === undefined && event === undefined && closed === undefined)
    )
      return undefined;
    const member = index
      .inNamespace('Pod', namespace)
      .find((pod) => Object.values(annotationsOf(pod)).includes(name));
    const words = [event?.message, told?.message].filter((entry) => entry !== undefined && entry !== '');
    const [id, verdict, says] = whyGroupHeld(queue, phase, closed, words.join(' '));
    return {
      headline: words.length === 0 ? says : `${says}: ${brief(words[0] ?? '', 70)}`,
      since: told?.at ?? event?.first,
      diagnose: () => ({
        causes: [
          cause(
            id,
            verdict,
            words.length === 0 ? says : `${says}: ${brief(words.join('; '), 200)}`,
            getObject(
              'See the queue',
              groupOf(object) === 'scheduling.run.ai'
                ? 'queues.scheduling.run.ai'
                : 'queues.scheduling.volcano.sh',
              '',
              queue || 'default',
              '-o',
              'yaml',
            ),
            describe('podgroup', namespace, name),
          ),
        ],
        items: [
          item(
            'B3.group',
            'released',
            'The gang is admitted',
            'fail',
            evidence('phase', phase || 'none', 'status.phase'),
            ...(told === undefined
              ? []
              : [
                  evidence(told.type, `${told.reason}: ${told.message}`, 'status.conditions', {
                    at: told.at,
                  }),
                ]),
          ),
        ],
        ...(member === undefined ? {} : { explainedBy: refOf(member) }),
      }),
    };
  },
};

function whyGroupHeld(
  queue: string,
  phase: string,
  closed: string | undefined,
  words: string,
): readonly [id: string, verdict: Verdict, says: string] {
  const called = queue || 'default';
  if (queueUnknown(words)) return ['B3.queue-missing', 'proven', `queue ${queue} does not exist`];
  if (closed !== undefined && phase === 'Pending')
    return ['B3.queue-closed', 'proven', `its queue ${called} is ${closed.toLowerCase()} and admits nothing`];
  if (phase === 'Pending' || /quota insufficient|overcommit|exceed|[Oo]verLimit|allowable limit/.test(words))
    return [
      'B3.queue-limit',
      'likely',
      `its queue ${called} does not admit it: not enough resources left there`,
    ];
  return ['B3.unschedulable', 'likely', 'its gang cannot be placed as a whole'];
}
