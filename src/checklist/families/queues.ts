import type { KubeObject } from '../../kube/object.ts';
import {
  annotationsOf,
  type EvidenceIndex,
  groupOf,
  labelsOf,
  nameOf,
  namespaceOf,
  refOf,
} from '../evidence-index.ts';
import { describe, editOwner, getObject, kubectl } from '../fixes.ts';
import { ageOf, lastEvent, type PodFacts } from '../pod-facts.ts';
import { at, brief, condition, conditions, count, list, nearNames, span, text, time } from '../read.ts';
import type { Cause, Item, Severity } from '../report.ts';
import {
  cause,
  type Diagnosis,
  evidence,
  item,
  type Match,
  type ObjectFacts,
  type ObjectState,
  type PodState,
  unknown,
} from '../state.ts';
import { schedulerState, schedulerWords } from './unschedulable/verdict.ts';

const kueueKinds = (index: EvidenceIndex): readonly KubeObject[] =>
  index.of('Workload').filter((entry) => groupOf(entry) === 'kueue.x-k8s.io');

/** The Kueue Workload of a job or of a plain pod: by owner, by the uid label, by the usual name. */
export function workloadOf(index: EvidenceIndex, object: KubeObject): KubeObject | undefined {
  const uid = object.metadata?.uid;
  return kueueKinds(index).find(
    (entry) =>
      namespaceOf(entry) === namespaceOf(object) &&
      ((entry.metadata?.ownerReferences ?? []).some(
        (ref) =>
          (uid !== undefined && ref.uid === uid) || (ref.kind === object.kind && ref.name === nameOf(object)),
      ) ||
        (uid !== undefined && labelsOf(entry)['kueue.x-k8s.io/job-uid'] === uid)),
  );
}

export const queueName = (object: KubeObject): string =>
  labelsOf(object)['kueue.x-k8s.io/queue-name'] ?? annotationsOf(object)['kueue.x-k8s.io/queue-name'] ?? '';

interface QueueAnswer {
  readonly headline: string;
  readonly severity: Severity;
  readonly since: number | undefined;
  readonly diagnosis: Diagnosis;
}

/** What Kueue waits for, from the workload, its queues and their conditions. Undefined when it is admitted. */
function kueueAnswer(
  index: EvidenceIndex,
  workload: KubeObject | undefined,
  queue: string,
  namespace: string,
): QueueAnswer | undefined {
  const items: Item[] = [];
  const local = queue === '' ? undefined : index.find('LocalQueue', namespace, queue);
  const clusterName =
    local?.state === 'present'
      ? text(local.object, 'spec', 'clusterQueue')
      : text(workload, 'status', 'admission', 'clusterQueue');
  const cluster = clusterName === '' ? undefined : index.find('ClusterQueue', '', clusterName);
  const answer = (
    id: string,
    verdict: 'proven' | 'likely' | 'possible',
    headline: string,
    says: string,
    since: number | undefined,
    ...more: readonly Cause[]
  ): QueueAnswer => ({
    headline,
    severity: 'warn',
    since,
    diagnosis: {
      causes: [
        cause(
          id,
          verdict,
          says,
          kubectl('See the workload and its conditions', 'read', namespace, [
            'describe',
            'workloads.kueue.x-k8s.io',
            ...(workload === undefined ? [] : [nameOf(workload)]),
          ]),
          clusterName === ''
            ? getObject('See the queues', 'localqueues', namespace)
            : describe('clusterqueue', '', clusterName),
          id === 'B2.deactivated' && workload !== undefined
            ? kubectl('Activate it again', 'reversible', namespace, [
                'patch',
                'workload',
                nameOf(workload),
                '--type=merge',
                '-p',
                '{"spec":{"active":true}}',
              ])
            : undefined,
        ),
        ...more,
      ],
      items,
    },
  });
  const reserved = workload === undefined ? undefined : condition(workload, 'QuotaReserved');
  const admitted = workload === undefined ? undefined : condition(workload, 'Admitted');
  if (admitted?.status === 'True') return undefined;
  const words = reserved?.message ?? '';
  if (reserved !== undefined)
    items.push(
      item(
        'B2.reserved',
        'released',
        'Kueue has reserved quota',
        reserved.status === 'True' ? 'pass' : 'fail',
        evidence(
          'QuotaReserved',
          `${reserved.status} ${reserved.reason}: ${words}`,
          'status.conditions[QuotaReserved]',
          { ref: { kind: 'Workload', namespace, name: nameOf(workload) }, at: reserved.at },
        ),
      ),
    );
  if (local !== undefined)
    items.push(
      local.state === 'unknown'
        ? unknown('B2.queue', 'released', `LocalQueue ${queue} exists`, local.why)
        : item(
            'B2.queue',
            'released',
            `LocalQueue ${queue} exists`,
            local.state === 'present' ? 'pass' : 'fail',
            evidence('LocalQueue', local.state),
          ),
    );
  const missingQueue =
    /LocalQueue (\S+) (?:doesn't|does not) exist/.exec(words)?.[1] ??
    (local?.state === 'missing' ? queue : undefined);
  if (missingQueue !== undefined) {
    const near = nearNames(missingQueue, index.inNamespace('LocalQueue', namespace).map(nameOf));
    return answer(
      'B2.queue-missing',
      'proven',
      `queue ${missingQueue} does not exist`,
      `the LocalQueue ${missingQueue} does not exist in namespace ${namespace}${near.length > 0 ? `; there is ${near.join(', ')}` : ''}`,
      reserved?.at,
    );
  }
  if (workload !== undefined && at(workload, 'spec', 'active') === false) {
    const why = [condition(workload, 'Evicted'), condition(workload, 'DeactivationTarget'), reserved]
      .map((entry) => entry?.message ?? '')
      .filter((entry, place, all) => entry !== '' && all.indexOf(entry) === place);
    // Kueue takes back what does not get its pods ready, tries it again a few times, and then for good.
    const unready = /PodsReady|re-?queu/i.test(
      `${why.join(' ')} ${condition(workload, 'Evicted')?.reason ?? ''} ${condition(workload, 'DeactivationTarget')?.reason ?? ''}`,
    );
    const tries = count(workload, 'status', 'requeueState', 'count');
    return answer(
      'B2.deactivated',
      'proven',
      `deactivated in Kueue${unready ? ': its pods did not become ready in time' : ''}`,
      `the workload ${nameOf(workload)} is deactivated (spec.active=false)${unready ? `: its pods did not become ready in time (PodsReady timeout)${tries === undefined ? '' : `, ${tries} times`}` : ''}${why.length === 0 ? '' : `: ${brief(why.join('; '), 180)}`}`,
      condition(workload, 'Evicted')?.at,
    );
  }
  const active = local?.state === 'present' ? condition(local.object, 'Active') : undefined;
  const clusterActive = cluster?.state === 'present' ? condition(cluster.object, 'Active') : undefined;
  const stopped =
    clusterActive?.status === 'False' ? clusterActive : active?.status === 'False' ? active : undefined;
  if (stopped !== undefined || /is inactive|is stopped/.test(words) || cluster?.state === 'missing') {
    return answer(
      'B2.queue-inactive',
      'proven',
      `queue ${clusterName || queue} is not active`,
      `the ${clusterActive?.status === 'False' || cluster?.state === 'missing' ? `ClusterQueue ${clusterName}` : `queue ${queue}`} ${cluster?.state === 'missing' ? 'does not exist' : 'is not active'}${stopped === undefined ? (words === '' ? '' : `: ${brief(words)}`) : `: ${stopped.reason}: ${brief(stopped.message)}`}`,
      stopped?.at ?? reserved?.at,
    );
  }
  const evicted = workload === undefined ? undefined : condition(workload, 'Evicted');
  const requeue = time(workload, 'status', 'requeueState', 'requeueAt');
  if (reserved?.status === 'True') {
    const checks = list(workload, 'status', 'admissionChecks')
      .filter((entry) => text(entry, 'state') !== 'Ready')
      .map(
        (entry) => `${text(entry, 'name')} ${text(entry, 'state')}: ${brief(text(entry, 'message'), 100)}`,
      );
    return answer(
      'B2.admission-checks',
      'proven',
      `waits for admission checks: ${brief(checks.join(', '), 70)}`,
      `quota is reserved, admission checks are not done: ${checks.join('; ') || brief(admitted?.message ?? '')}`,
      reserved.at,
    );
  }
  if (reserved === undefined && evicted === undefined) {
    if (workload === undefined)
      return answer(
        'B2.no-workload',
        'possible',
        `waits in queue ${queue || '(none)'}`,
        `it waits for Kueue (queue ${queue || 'none'}); its Workload is not known, so the reason is not either`,
        undefined,
      );
    return answer(
      'B2.not-evaluated',
      'possible',
      `waits in queue ${queue}`,
      `Kueue has not looked at workload ${nameOf(workload)} yet: does its controller run?`,
      time(workload, 'metadata', 'creationTimestamp'),
    );
  }
  const before =
    evicted?.status === 'True'
      ? `; it was evicted before: ${evicted.reason}: ${brief(evicted.message, 100)}${requeue !== undefined && requeue > index.now ? `, tried again in ${span(requeue - index.now)}` : ''}`
      : '';
  const short = [
    ...words.matchAll(
      /insufficient unused quota (?:in cohort )?for (\S+) in flavor (\S+?),? (\S+) more needed/g,
    ),
  ];
  const never =
    /insufficient quota for (\S+) in flavor (\S+)[\s\S]*?(?:> maximum capacity \(([^)]+)\)|$)/.exec(words);
  const old = /request > maximum capacity \(([^)]+)\)/.exec(words);
  if (
    reserved?.reason === 'ExceedsMaxQuota' ||
    (never !== null && /maximum capacity/.test(words)) ||
    old !== null
  )
    return answer(
      'B2.never-fits',
      'proven',
      `asks more than the queue can ever give: ${never?.[1] ?? ''}`,
      `it asks for more ${never?.[1] ?? 'quota'} than ClusterQueue ${clusterName || 'of its queue'} can ever give${never?.[3] === undefined ? '' : ` (at most ${never[3]})`}: ${brief(words, 160)}`,
      reserved?.at,
    );
  if (short.length > 0) {
    const [first] = short;
    return answer(
      'B2.quota',
      'proven',
      `waits for quota: ${first?.[3]} more ${first?.[1]} in flavor ${first?.[2]}`,
      `its queue${clusterName === '' ? '' : ` (ClusterQueue ${clusterName})`} has not enough unused quota: ${short.map((entry) => `${entry[3]} more ${entry[1]} needed in flavor ${entry[2]}`).join(', ')}${before}`,
      reserved?.at,
    );
  }
  const topology = /allows to fit only (\d+) out of (\d+)|doesn't allow to fit any/.exec(words);
  if (topology !== null)
    return answer(
      'B2.topology',
      'proven',
      `topology allows ${topology[1] ?? 0} of ${topology[2] ?? 'its'} pods`,
      `the topology of the flavor does not fit all its pods: ${brief(words, 160)}`,
      reserved?.at,
    );
  const flavor = /untolerated taint|doesn't match node affinity|NoMatchingFlavor/.test(
    `${words} ${reserved?.reason ?? ''}`,
  );
  if (flavor)
    return answer(
      'B2.flavor',
      'proven',
      'no flavor of the queue fits it',
      `no flavor of its queue takes it: ${brief(words, 160)}`,
      reserved?.at,
    );
  if (/waiting for.*PodsReady|WaitingForPodsReady/i.test(`${words} ${reserved?.reason ?? ''}`))
    return answer(
      'B2.pods-ready',
      'proven',
      'waits until other workloads are ready',
      `Kueue admits one after the other (waitForPodsReady): ${brief(words, 120)}`,
      reserved?.at,
    );
  if (evicted?.status === 'True' && words === '')
    return answer(
      'B2.evicted',
      'proven',
      `evicted by Kueue: ${evicted.reason}`,
      `Kueue evicted it: ${evicted.reason}: ${brief(evicted.message, 140)}${requeue !== undefined && requeue > index.now ? `, tried again in ${span(requeue - index.now)}` : ''}`,
      evicted.at,
    );
  return answer(
    'B2.pending',
    'proven',
    `waits in queue ${queue}: ${brief(words || reserved?.reason || '', 80)}`,
    `Kueue has not admitted it: ${reserved?.reason ?? ''}${words === '' ? '' : `: ${brief(words, 200)}`}${before}`,
    reserved?.at,
  );
}

const isKueueGate = (gate: string): boolean => gate.startsWith('kueue.x-k8s.io/');

const kueuePod: PodState = {
  id: 'B2',
  key: 'kueue.pending',
  gate: 'released',
  severity: 'warn',
  title: 'It waits in a Kueue queue',
  match: (facts) => {
    if (facts.node !== '' || !facts.gates.some(isKueueGate)) return undefined;
    if (facts.object === undefined)
      return {
        headline: `waits in queue ${facts.labels['kueue.x-k8s.io/queue-name'] ?? ''}`,
        since: facts.createdAt,
      };
    const group = facts.labels['kueue.x-k8s.io/pod-group-name'];
    const workload =
      workloadOf(facts.index, facts.object) ??
      (group === undefined ? undefined : facts.index.get('Workload', facts.namespace, group)) ??
      facts.owners
        .map((owner) => owner.object && workloadOf(facts.index, owner.object))
        .find((entry) => entry !== undefined);
    const found = kueueAnswer(
      facts.index,
      workload,
      queueName(facts.object) || text(workload, 'spec', 'queueName'),
      facts.namespace,
    );
    if (found === undefined) return { headline: 'admitted by Kueue, gate not yet removed', severity: 'none' };
    return {
      headline: found.headline,
      severity: found.severity,
      since: found.since ?? facts.createdAt,
      diagnose: () => ({
        ...found.diagnosis,
        items: [
          item(
            'B2.gate',
            'released',
            'No gate holds it',
            'fail',
            evidence('gates', facts.gates.join(', '), 'spec.schedulingGates'),
          ),
          ...found.diagnosis.items,
        ],
      }),
    };
  },
};

const gated: PodState = {
  id: 'B1',
  key: 'gated.generic',
  gate: 'released',
  severity: 'warn',
  title: 'A scheduling gate holds it',
  match: (facts) => {
    if (
      facts.node !== '' ||
      (facts.gates.length === 0 && facts.conditions.get('PodScheduled')?.reason !== 'SchedulingGated')
    )
      return undefined;
    const gates = facts.gates.join(', ');
    if (ageOf(facts) < 30_000 && !facts.index.nowIsGuess)
      return { headline: `gated: ${gates}`, severity: 'none' };
    const keeper = facts.gates.map((gate) => gate.split('/')[0]).join(', ');
    return {
      headline: `held by scheduling gate ${gates}`,
      since: facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            'B1.gate',
            'proven',
            `the scheduling gate ${gates} holds it until its controller (${keeper}) removes it: it waits by design, or that controller does not run`,
            kubectl('See the gates', 'read', facts.namespace, [
              'get',
              'pod',
              facts.name,
              '-o',
              'jsonpath={.spec.schedulingGates}',
            ]),
            kubectl('Remove all gates by hand, past their controllers', 'disruptive', facts.namespace, [
              'patch',
              'pod',
              facts.name,
              '--type=json',
              '-p',
              '[{"op":"remove","path":"/spec/schedulingGates"}]',
            ]),
          ),
        ],
        items: [
          item(
            'B1.gates',
            'released',
            'No gate holds it',
            'fail',
            evidence('gates', gates, 'spec.schedulingGates'),
          ),
        ],
      }),
    };
  },
};

const podGroupName = (facts: PodFacts): string =>
  facts.labels['scheduling.x-k8s.io/pod-group'] ??
  text(facts.object, 'spec', 'schedulingGroup', 'podGroupName') ??
  '';

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

/** Volcano and KAI keep their own books and say why on the PodGroup. */
const batchScheduler: PodState = {
  id: 'B3',
  key: 'batch-scheduler.pending',
  gate: 'released',
  severity: 'warn',
  title: 'A batch scheduler holds it',
  match: (facts) => {
    if (facts.node !== '' || facts.phase !== 'Pending') return undefined;
    const batch = /volcano|kai|kube-batch|yunikorn|runai/.test(facts.schedulerName);
    const words = schedulerWords(facts) || facts.conditions.get('PodScheduled')?.message || '';
    if (facts.object === undefined)
      return batch && words !== ''
        ? { headline: `gang cannot be placed: ${brief(words, 80)}`, since: facts.createdAt }
        : undefined;
    const annotations = annotationsOf(facts.object);
    const name =
      annotations['scheduling.k8s.io/group-name'] ??
      annotations['scheduling.volcano.sh/group-name'] ??
      annotations['pod-group-name'] ??
      '';
    const group =
      name === ''
        ? undefined
        : facts.index.inNamespace('PodGroup', facts.namespace).find((entry) => nameOf(entry) === name);
    // YuniKorn sets no condition: what it thinks stands in events of its own, all of type Normal.
    const notReady =
      lastEvent(facts.events, ['NotReady', 'Unschedulable', 'FailedScheduling', 'StaleJob']) ??
      lastEvent(
        facts.events.filter((event) => event.source === facts.schedulerName),
        ['Informational', 'GangScheduling', 'TaskFailed', 'PodUnschedulable', 'Scheduling'],
      );
    if (!batch || (group === undefined && words === '' && notReady === undefined)) return undefined;
    const phase = text(group, 'status', 'phase');
    const members = count(group, 'spec', 'minMember') ?? 0;
    const existing =
      name === ''
        ? 0
        : facts.index
            .inNamespace('Pod', facts.namespace)
            .filter((pod) => Object.values(annotationsOf(pod)).includes(name)).length;
    const reasons = [
      ...conditions(group),
      ...list(group, 'status', 'schedulingConditions').map((entry) => ({
        type: text(entry, 'type'),
        status: 'True',
        reason: text(entry, 'reason'),
        message:
          text(entry, 'message') ||
          list(entry, 'reasons')
            .map((each) => text(each, 'message'))
            .join('; '),
        at: undefined,
      })),
    ];
    const told = reasons.findLast((entry) => /Unschedulable/.test(entry.type) && entry.status !== 'False');
    const message = told?.message || words || notReady?.event.message || '';
    // Pods that were not pasted may well exist.
    const missing = members > 0 && existing > 0 && existing < members && facts.index.listed('Pod');
    const queue =
      labelsOf(facts.object)['kai.scheduler/queue'] ||
      text(group, 'spec', 'queue') ||
      (/yunikorn/.test(facts.schedulerName) ? yunikornQueue(facts.object) : '');
    const limit =
      /OverLimit|reached the allowable limit|over quota|OverQuota|does not fit in queue|exceeds the available user quota/i.test(
        `${told?.reason ?? ''} ${message}`,
      );
    const noQueue = /QueueDoesNotExist|queue .* (?:not found|does not exist)/i.test(
      `${told?.reason ?? ''} ${message}`,
    );
    const tasks = /(\d+)\/(\d+) tasks in gang unschedulable/.exec(message);
    const [id, says, headline] = noQueue
      ? [
          'B3.queue-missing',
          `queue ${queue} does not exist: ${brief(message)}`,
          `queue ${queue} does not exist`,
        ]
      : limit
        ? [
            'B3.queue-limit',
            `its queue ${queue} is at its limit: ${brief(message, 180)}`,
            `queue ${queue} is at its limit`,
          ]
        : missing
          ? [
              'B3.members',
              `its gang needs ${members} members and ${existing} pods exist: ${members - existing} were not created`,
              `gang: ${existing} of ${members} members exist`,
            ]
          : phase === 'Pending'
            ? [
                'B3.not-enqueued',
                `its PodGroup ${name} is not admitted to queue ${queue || 'default'} yet (phase Pending): the queue is overcommitted or closed`,
                `not admitted to queue ${queue || 'default'}`,
              ]
            : [
                'B3.unschedulable',
                `${facts.schedulerName} ${/yunikorn/.test(facts.schedulerName) ? 'has not placed it' : 'cannot place its gang'}${tasks === null ? '' : ` (${tasks[1]} of ${tasks[2]} tasks)`}: ${brief(message, 180)}`,
                `${/yunikorn/.test(facts.schedulerName) ? 'not placed' : 'gang cannot be placed'}: ${brief(message, 80)}`,
              ];
    return {
      headline: headline ?? '',
      since: told?.at ?? facts.createdAt,
      diagnose: () => ({
        causes: [
          cause(
            id ?? 'B3',
            group === undefined ? 'likely' : 'proven',
            says ?? '',
            kubectl('See the PodGroup', 'read', facts.namespace, [
              'describe',
              'podgroup',
              ...(name === '' ? [] : [name]),
            ]),
            queue === ''
              ? undefined
              : kubectl('See the queue', 'read', '', ['get', 'queue', queue, '-o', 'yaml']),
          ),
        ],
        items: [
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
              ),
        ],
      }),
    };
  },
};

/** A native or coscheduling gang that is short of members: neither condition nor event says so. */
const gang: PodState = {
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

const claimNames = (
  facts: PodFacts,
): readonly { readonly entry: string; readonly claim: string; readonly template: string }[] =>
  list(facts.object, 'spec', 'resourceClaims').map((entry) => ({
    entry: text(entry, 'name'),
    claim: text(entry, 'resourceClaimName'),
    template: text(entry, 'resourceClaimTemplateName'),
  }));

const dra: PodState = {
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

/** Pending and nobody has looked: no scheduler of that name runs. */
const noScheduler: PodState = {
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
    const waits = list(facts.object, 'spec', 'volumes')
      .map((volume) => text(volume, 'persistentVolumeClaim', 'claimName'))
      .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
      .find(
        (claim) =>
          claim !== undefined &&
          annotationsOf(claim)['volume.kubernetes.io/selected-node'] !== undefined &&
          text(claim, 'status', 'phase') !== 'Bound',
      );
    if (waits !== undefined)
      return {
        headline: `waits for claim ${nameOf(waits)} to be provisioned`,
        severity: ageOf(facts) > 120_000 ? 'bad' : 'none',
        since: facts.createdAt,
        diagnose: () => ({
          causes: [
            cause(
              'M3.no-answer',
              'likely',
              `the scheduler has chosen a node and waits up to ten minutes for claim ${nameOf(waits)}, which its provisioner has not made`,
              describe('pvc', facts.namespace, nameOf(waits)),
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
                annotationsOf(waits)['volume.kubernetes.io/selected-node'] ?? '',
                'metadata.annotations',
                { ref: refOf(waits) },
              ),
            ),
          ],
        }),
      };
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

/** Jobs and the like that Kueue keeps suspended. */
const kueueJob: ObjectState = {
  id: 'B2',
  key: 'kueue.pending',
  gate: 'released',
  severity: 'warn',
  title: 'It waits in a Kueue queue',
  kinds: [
    'Job',
    'JobSet',
    'RayJob',
    'RayCluster',
    'PyTorchJob',
    'TFJob',
    'MPIJob',
    'XGBoostJob',
    'PaddleJob',
    'JAXJob',
    'TrainJob',
    'LeaderWorkerSet',
    'AppWrapper',
  ],
  match: ({ object, index, namespace }: ObjectFacts) => {
    const suspended =
      at(object, 'spec', 'suspend') === true ||
      at(object, 'spec', 'runPolicy', 'suspend') === true ||
      condition(object, 'Suspended')?.status === 'True';
    const workload = workloadOf(index, object);
    const queue = queueName(object) || text(workload, 'spec', 'queueName');
    if (!suspended || (workload === undefined && queue === '')) return undefined;
    const found = kueueAnswer(index, workload, queue, namespace);
    return found === undefined
      ? undefined
      : {
          headline: found.headline,
          severity: found.severity,
          since: found.since,
          diagnose: () => ({
            ...found.diagnosis,
            items: [
              item(
                'B2.suspend',
                'released',
                'It is not suspended',
                'fail',
                evidence('suspend', 'true, by Kueue', 'spec.suspend'),
              ),
              ...found.diagnosis.items,
            ],
          }),
        };
  },
};

/** A Workload pasted alone, or whose job is not known. */
const kueueWorkload: ObjectState = {
  id: 'B2',
  key: 'kueue.pending',
  gate: 'released',
  severity: 'warn',
  title: 'It waits in a Kueue queue',
  kinds: ['Workload'],
  match: ({ object, index, namespace }) => {
    if (groupOf(object) !== 'kueue.x-k8s.io' || condition(object, 'Finished')?.status === 'True')
      return undefined;
    const owner = object.metadata?.ownerReferences?.[0];
    const job = owner === undefined ? undefined : index.get(owner.kind, namespace, owner.name);
    const member = index
      .inNamespace('Pod', namespace)
      .find((pod) => labelsOf(pod)['kueue.x-k8s.io/pod-group-name'] === nameOf(object));
    const found = kueueAnswer(index, object, text(object, 'spec', 'queueName'), namespace);
    return found === undefined
      ? undefined
      : {
          headline: found.headline,
          severity: found.severity,
          since: found.since,
          diagnose: () => ({
            ...found.diagnosis,
            ...(job === undefined
              ? member === undefined
                ? {}
                : { explainedBy: refOf(member) }
              : { explainedBy: refOf(job) }),
          }),
        };
  },
};

const queueInactive: ObjectState = {
  id: 'B2',
  key: 'kueue.queue',
  gate: 'released',
  severity: 'warn',
  title: 'The queue is not active',
  kinds: ['ClusterQueue', 'LocalQueue'],
  match: ({ object, kind, name, namespace }) => {
    const active = condition(object, 'Active');
    if (active?.status !== 'False' || text(object, 'spec', 'stopPolicy').startsWith('Hold')) return undefined;
    return {
      headline: `not active: ${active.reason}`,
      since: active.at,
      diagnose: () => ({
        causes: [
          cause(
            'B2.queue-inactive',
            'proven',
            `${kind} ${name} is not active: ${active.reason}: ${brief(active.message, 160)}`,
            describe(kind, namespace, name),
          ),
        ],
        items: [
          item(
            'B2.active',
            'released',
            'The queue is active',
            'fail',
            evidence('Active', `${active.reason}: ${active.message}`, 'status.conditions[Active]', {
              at: active.at,
            }),
          ),
        ],
      }),
    };
  },
};

export const queueStates: readonly PodState[] = [dra, batchScheduler, gang];
export const gateStates: readonly PodState[] = [kueuePod, gated];
export const schedulerStates: readonly PodState[] = [noScheduler];
/** A PodGroup pasted without its pods: Volcano and KAI write on it why it waits. */
const podGroup: ObjectState = {
  id: 'B3',
  key: 'batch-scheduler.group',
  gate: 'released',
  severity: 'warn',
  title: 'A batch scheduler holds the gang',
  kinds: ['PodGroup'],
  match: (facts) => {
    const { object, index, namespace, name } = facts;
    // KAI has a list of its own beside the conditions.
    const told = [
      ...conditions(object),
      ...list(object, 'status', 'schedulingConditions').map((entry) => ({
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
    const phase = text(object, 'status', 'phase');
    const event = facts.events.findLast((entry) => entry.type === 'Warning');
    const closed = /^(?:Closed|Closing)$/.exec(
      text(index.get('Queue', '', text(object, 'spec', 'queue') || 'default'), 'status', 'state'),
    )?.[0];
    if (
      /Running|Completed|Finished/.test(phase) ||
      (told === undefined && event === undefined && closed === undefined)
    )
      return undefined;
    const member = index
      .inNamespace('Pod', namespace)
      .find((pod) => Object.values(annotationsOf(pod)).includes(name));
    const queue = text(object, 'spec', 'queue');
    const words = [event?.message, told?.message].filter((entry) => entry !== undefined && entry !== '');
    const full = /quota insufficient|overcommit|exceed|[Oo]verLimit|allowable limit/.test(words.join(' '));
    const missing = /QueueDoesNotExist|queue .* (?:not found|does not exist)/i.test(words.join(' '));
    const says = missing
      ? `queue ${queue} does not exist`
      : closed !== undefined && phase === 'Pending'
        ? `its queue ${queue || 'default'} is ${closed.toLowerCase()} and admits nothing`
        : full || phase === 'Pending'
          ? `its queue ${queue || 'default'} does not admit it: not enough resources left there`
          : 'its gang cannot be placed as a whole';
    return {
      headline: words.length === 0 ? says : `${says}: ${brief(words[0] ?? '', 70)}`,
      since: told?.at ?? event?.first,
      diagnose: () => ({
        causes: [
          cause(
            missing
              ? 'B3.queue-missing'
              : closed !== undefined && phase === 'Pending'
                ? 'B3.queue-closed'
                : full || phase === 'Pending'
                  ? 'B3.queue-limit'
                  : 'B3.unschedulable',
            missing || (closed !== undefined && phase === 'Pending') ? 'proven' : 'likely',
            words.length === 0 ? says : `${says}: ${brief(words.join('; '), 200)}`,
            kubectl('See the queue', 'read', '', [
              'get',
              groupOf(object) === 'scheduling.run.ai'
                ? 'queues.scheduling.run.ai'
                : 'queues.scheduling.volcano.sh',
              queue || 'default',
              '-o',
              'yaml',
            ]),
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

export const queueObjectStates: readonly ObjectState[] = [kueueJob, kueueWorkload, queueInactive, podGroup];
