import type { KubeObject } from '../../../kube/object.ts';
import {
  annotationsOf,
  type EvidenceIndex,
  groupOf,
  labelsOf,
  nameOf,
  namespaceOf,
  type Presence,
} from '../../evidence-index.ts';
import { describe, getObject, kubectl } from '../../fixes.ts';
import {
  at,
  brief,
  type Condition,
  condition,
  count,
  list,
  nearNames,
  span,
  text,
  thereIs,
  time,
} from '../../read.ts';
import type { Cause, Item, Severity, Verdict } from '../../report.ts';
import { cause, type Diagnosis, evidence, item, unknown } from '../../state.ts';

/** The Kueue Workload of a job or of a plain pod: by owner, by the uid label, by the usual name. */
export function workloadOf(index: EvidenceIndex, object: KubeObject): KubeObject | undefined {
  const uid = object.metadata?.uid;
  return index
    .of('Workload')
    .find(
      (entry) =>
        groupOf(entry) === 'kueue.x-k8s.io' &&
        namespaceOf(entry) === namespaceOf(object) &&
        ((entry.metadata?.ownerReferences ?? []).some(
          (ref) =>
            (uid !== undefined && ref.uid === uid) ||
            (ref.kind === object.kind && ref.name === nameOf(object)),
        ) ||
          (uid !== undefined && labelsOf(entry)['kueue.x-k8s.io/job-uid'] === uid)),
    );
}

export const queueName = (object: KubeObject): string =>
  labelsOf(object)['kueue.x-k8s.io/queue-name'] ?? annotationsOf(object)['kueue.x-k8s.io/queue-name'] ?? '';

/** What Kueue knows of one workload: its queues and its conditions. */
interface Admission {
  readonly index: EvidenceIndex;
  readonly namespace: string;
  readonly workload: KubeObject | undefined;
  readonly queue: string;
  readonly local: Presence | undefined;
  /** Name of the ClusterQueue; empty where nothing names it. */
  readonly clusterName: string;
  readonly cluster: Presence | undefined;
  readonly reserved: Condition | undefined;
  readonly admitted: Condition | undefined;
  readonly evicted: Condition | undefined;
  /** Why quota is not reserved, in Kueue's words. */
  readonly words: string;
}

/** What it waits for. */
interface Wait {
  readonly id: string;
  readonly verdict: Verdict;
  readonly headline: string;
  readonly says: string;
  readonly since: number | undefined;
}

export interface QueueAnswer {
  readonly headline: string;
  readonly severity: Severity;
  readonly since: number | undefined;
  readonly diagnosis: Diagnosis;
}

/** What Kueue waits for, from the workload, its queues and their conditions. Undefined when it is admitted. */
export function kueueAnswer(
  index: EvidenceIndex,
  workload: KubeObject | undefined,
  queue: string,
  namespace: string,
): QueueAnswer | undefined {
  const admission = admissionOf(index, workload, queue, namespace);
  if (admission.admitted?.status === 'True') return undefined;
  const wait = firstOf(admission) ?? pending(admission);
  return {
    headline: wait.headline,
    severity: 'warn',
    since: wait.since,
    diagnosis: { causes: [causeOf(admission, wait)], items: itemsOf(admission) },
  };
}

function admissionOf(
  index: EvidenceIndex,
  workload: KubeObject | undefined,
  queue: string,
  namespace: string,
): Admission {
  const local = queue === '' ? undefined : index.find('LocalQueue', namespace, queue);
  const clusterName =
    local?.state === 'present'
      ? text(local.object, 'spec', 'clusterQueue')
      : text(workload, 'status', 'admission', 'clusterQueue');
  const said = (type: string): Condition | undefined =>
    workload === undefined ? undefined : condition(workload, type);
  const reserved = said('QuotaReserved');
  return {
    index,
    namespace,
    workload,
    queue,
    local,
    clusterName,
    cluster: clusterName === '' ? undefined : index.find('ClusterQueue', '', clusterName),
    reserved,
    admitted: said('Admitted'),
    evicted: said('Evicted'),
    words: reserved?.message ?? '',
  };
}

function causeOf({ workload, namespace, clusterName }: Admission, { id, verdict, says }: Wait): Cause {
  return cause(
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
  );
}

function itemsOf({ workload, namespace, queue, local, reserved, words }: Admission): readonly Item[] {
  const items: Item[] = [];
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
  const exists = `LocalQueue ${queue} exists`;
  if (local?.state === 'unknown') items.push(unknown('B2.queue', 'released', exists, local.why));
  else if (local !== undefined)
    items.push(
      item(
        'B2.queue',
        'released',
        exists,
        local.state === 'present' ? 'pass' : 'fail',
        evidence('LocalQueue', local.state),
      ),
    );
  return items;
}

function queueMissing({ index, namespace, queue, local, words, reserved }: Admission): Wait | undefined {
  const missing =
    /LocalQueue (\S+) (?:doesn't|does not) exist/.exec(words)?.[1] ??
    (local?.state === 'missing' ? queue : undefined);
  if (missing === undefined) return undefined;
  const near = nearNames(missing, index.inNamespace('LocalQueue', namespace).map(nameOf));
  return {
    id: 'B2.queue-missing',
    verdict: 'proven',
    headline: `queue ${missing} does not exist`,
    says: `the LocalQueue ${missing} does not exist in namespace ${namespace}${thereIs(near)}`,
    since: reserved?.at,
  };
}

/** Kueue takes back what does not get its pods ready, tries it again a few times, and then for good. */
function deactivated({ workload, evicted, reserved }: Admission): Wait | undefined {
  if (workload === undefined || at(workload, 'spec', 'active') !== false) return undefined;
  const target = condition(workload, 'DeactivationTarget');
  const why = [evicted, target, reserved]
    .map((entry) => entry?.message ?? '')
    .filter((entry, place, all) => entry !== '' && all.indexOf(entry) === place);
  const unready = /PodsReady|re-?queu/i.test(
    `${why.join(' ')} ${evicted?.reason ?? ''} ${target?.reason ?? ''}`,
  );
  const tries = count(workload, 'status', 'requeueState', 'count');
  return {
    id: 'B2.deactivated',
    verdict: 'proven',
    headline: `deactivated in Kueue${unready ? ': its pods did not become ready in time' : ''}`,
    says: `the workload ${nameOf(workload)} is deactivated (spec.active=false)${unready ? `: its pods did not become ready in time (PodsReady timeout)${tries === undefined ? '' : `, ${tries} times`}` : ''}${why.length === 0 ? '' : `: ${brief(why.join('; '), 180)}`}`,
    since: evicted?.at,
  };
}

function queueStopped({ queue, local, clusterName, cluster, words, reserved }: Admission): Wait | undefined {
  const inactive = (found: Presence | undefined): Condition | undefined => {
    const active = found?.state === 'present' ? condition(found.object, 'Active') : undefined;
    return active?.status === 'False' ? active : undefined;
  };
  const clusterStopped = inactive(cluster);
  const stopped = clusterStopped ?? inactive(local);
  const gone = cluster?.state === 'missing';
  if (stopped === undefined && !gone && !/is inactive|is stopped/.test(words)) return undefined;
  const which = clusterStopped !== undefined || gone ? `ClusterQueue ${clusterName}` : `queue ${queue}`;
  const why =
    stopped === undefined
      ? words === ''
        ? ''
        : `: ${brief(words)}`
      : `: ${stopped.reason}: ${brief(stopped.message)}`;
  return {
    id: 'B2.queue-inactive',
    verdict: 'proven',
    headline: `queue ${clusterName || queue} is not active`,
    says: `the ${which} ${gone ? 'does not exist' : 'is not active'}${why}`,
    since: stopped?.at ?? reserved?.at,
  };
}

function admissionChecks({ workload, reserved, admitted }: Admission): Wait | undefined {
  if (reserved?.status !== 'True') return undefined;
  const checks = list(workload, 'status', 'admissionChecks')
    .filter((entry) => text(entry, 'state') !== 'Ready')
    .map((entry) => `${text(entry, 'name')} ${text(entry, 'state')}: ${brief(text(entry, 'message'), 100)}`);
  return {
    id: 'B2.admission-checks',
    verdict: 'proven',
    headline: `waits for admission checks: ${brief(checks.join(', '), 70)}`,
    says: `quota is reserved, admission checks are not done: ${checks.join('; ') || brief(admitted?.message ?? '')}`,
    since: reserved.at,
  };
}

/** Kueue has not said anything yet. */
function notEvaluated({ workload, queue, reserved, evicted }: Admission): Wait | undefined {
  if (reserved !== undefined || evicted !== undefined) return undefined;
  if (workload === undefined)
    return {
      id: 'B2.no-workload',
      verdict: 'possible',
      headline: `waits in queue ${queue || '(none)'}`,
      says: `it waits for Kueue (queue ${queue || 'none'}); its Workload is not known, so the reason is not either`,
      since: undefined,
    };
  return {
    id: 'B2.not-evaluated',
    verdict: 'possible',
    headline: `waits in queue ${queue}`,
    says: `Kueue has not looked at workload ${nameOf(workload)} yet: does its controller run?`,
    since: time(workload, 'metadata', 'creationTimestamp'),
  };
}

function neverFits({ clusterName, words, reserved }: Admission): Wait | undefined {
  const never =
    /insufficient quota for (\S+) in flavor (\S+)[\s\S]*?(?:> maximum capacity \(([^)]+)\)|$)/.exec(words);
  if (
    reserved?.reason !== 'ExceedsMaxQuota' &&
    (never === null || !/maximum capacity/.test(words)) &&
    !/request > maximum capacity \(([^)]+)\)/.test(words)
  )
    return undefined;
  return {
    id: 'B2.never-fits',
    verdict: 'proven',
    headline: `asks more than the queue can ever give: ${never?.[1] ?? ''}`,
    says: `it asks for more ${never?.[1] ?? 'quota'} than ClusterQueue ${clusterName || 'of its queue'} can ever give${never?.[3] === undefined ? '' : ` (at most ${never[3]})`}: ${brief(words, 160)}`,
    since: reserved?.at,
  };
}

function quotaShort(admission: Admission): Wait | undefined {
  const { clusterName, words, reserved } = admission;
  const short = [
    ...words.matchAll(
      /insufficient unused quota (?:in cohort )?for (\S+) in flavor (\S+?),? (\S+) more needed/g,
    ),
  ];
  const [first] = short;
  if (first === undefined) return undefined;
  return {
    id: 'B2.quota',
    verdict: 'proven',
    headline: `waits for quota: ${first[3]} more ${first[1]} in flavor ${first[2]}`,
    says: `its queue${clusterName === '' ? '' : ` (ClusterQueue ${clusterName})`} has not enough unused quota: ${short.map((entry) => `${entry[3]} more ${entry[1]} needed in flavor ${entry[2]}`).join(', ')}${evictedBefore(admission)}`,
    since: reserved?.at,
  };
}

function topologyFull({ words, reserved }: Admission): Wait | undefined {
  const fits = /allows to fit only (\d+) out of (\d+)|doesn't allow to fit any/.exec(words);
  return fits === null
    ? undefined
    : {
        id: 'B2.topology',
        verdict: 'proven',
        headline: `topology allows ${fits[1] ?? 0} of ${fits[2] ?? 'its'} pods`,
        says: `the topology of the flavor does not fit all its pods: ${brief(words, 160)}`,
        since: reserved?.at,
      };
}

const noFlavor = ({ words, reserved }: Admission): Wait | undefined =>
  /untolerated taint|doesn't match node affinity|NoMatchingFlavor/.test(`${words} ${reserved?.reason ?? ''}`)
    ? {
        id: 'B2.flavor',
        verdict: 'proven',
        headline: 'no flavor of the queue fits it',
        says: `no flavor of its queue takes it: ${brief(words, 160)}`,
        since: reserved?.at,
      }
    : undefined;

const othersFirst = ({ words, reserved }: Admission): Wait | undefined =>
  /waiting for.*PodsReady|WaitingForPodsReady/i.test(`${words} ${reserved?.reason ?? ''}`)
    ? {
        id: 'B2.pods-ready',
        verdict: 'proven',
        headline: 'waits until other workloads are ready',
        says: `Kueue admits one after the other (waitForPodsReady): ${brief(words, 120)}`,
        since: reserved?.at,
      }
    : undefined;

function wasEvicted(admission: Admission): Wait | undefined {
  const { evicted, words } = admission;
  return evicted?.status !== 'True' || words !== ''
    ? undefined
    : {
        id: 'B2.evicted',
        verdict: 'proven',
        headline: `evicted by Kueue: ${evicted.reason}`,
        says: `Kueue evicted it: ${evicted.reason}: ${brief(evicted.message, 140)}${triedAgain(admission)}`,
        since: evicted.at,
      };
}

const pending = (admission: Admission): Wait => {
  const { queue, words, reserved } = admission;
  return {
    id: 'B2.pending',
    verdict: 'proven',
    headline: `waits in queue ${queue}: ${brief(words || reserved?.reason || '', 80)}`,
    says: `Kueue has not admitted it: ${reserved?.reason ?? ''}${words === '' ? '' : `: ${brief(words, 200)}`}${evictedBefore(admission)}`,
    since: reserved?.at,
  };
};

const triedAgain = ({ index, workload }: Admission): string => {
  const requeue = time(workload, 'status', 'requeueState', 'requeueAt');
  return requeue !== undefined && requeue > index.now ? `, tried again in ${span(requeue - index.now)}` : '';
};

const evictedBefore = (admission: Admission): string =>
  admission.evicted?.status === 'True'
    ? `; it was evicted before: ${admission.evicted.reason}: ${brief(admission.evicted.message, 100)}${triedAgain(admission)}`
    : '';

/** The first that holds is the answer: what nobody can wait out comes before what passes. */
const waits: readonly ((admission: Admission) => Wait | undefined)[] = [
  queueMissing,
  deactivated,
  queueStopped,
  admissionChecks,
  notEvaluated,
  neverFits,
  quotaShort,
  topologyFull,
  noFlavor,
  othersFirst,
  wasEvicted,
];

function firstOf(admission: Admission): Wait | undefined {
  for (const wait of waits) {
    const found = wait(admission);
    if (found !== undefined) return found;
  }
  return undefined;
}
