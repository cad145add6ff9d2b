import { gangJobs } from '../../../resources/job-kinds.ts';
import { groupOf, labelsOf, nameOf, refOf } from '../../evidence-index.ts';
import { describe } from '../../fixes.ts';
import { at, brief, condition, text } from '../../read.ts';
import {
  cause,
  type Diagnosis,
  evidence,
  item,
  type Match,
  type ObjectFacts,
  type ObjectState,
  type PodState,
} from '../../state.ts';
import { kueueAnswer, type QueueAnswer, queueName, workloadOf } from './kueue-admission.ts';

const isKueueGate = (gate: string): boolean => gate.startsWith('kueue.x-k8s.io/');

/** Kueue's answer as a state of what waits, with what only that has to say. */
const waits = (
  { headline, severity, since, diagnosis }: QueueAnswer,
  own: (diagnosis: Diagnosis) => Partial<Diagnosis>,
): Match => ({ headline, severity, since, diagnose: () => ({ ...diagnosis, ...own(diagnosis) }) });

export const kueuePod: PodState = {
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
    return waits({ ...found, since: found.since ?? facts.createdAt }, ({ items }) => ({
      items: [
        item(
          'B2.gate',
          'released',
          'No gate holds it',
          'fail',
          evidence('gates', facts.gates.join(', '), 'spec.schedulingGates'),
        ),
        ...items,
      ],
    }));
  },
};

/** Jobs and the like that Kueue keeps suspended. */
export const kueueJob: ObjectState = {
  id: 'B2',
  key: 'kueue.pending',
  gate: 'released',
  severity: 'warn',
  title: 'It waits in a Kueue queue',
  kinds: ['Job', ...gangJobs, 'RayJob', 'RayCluster', 'AppWrapper'],
  match: ({ object, index, namespace }: ObjectFacts) => {
    const suspended =
      at(object, 'spec', 'suspend') === true ||
      at(object, 'spec', 'runPolicy', 'suspend') === true ||
      condition(object, 'Suspended')?.status === 'True';
    const workload = workloadOf(index, object);
    const queue = queueName(object) || text(workload, 'spec', 'queueName');
    if (!suspended || (workload === undefined && queue === '')) return undefined;
    const found = kueueAnswer(index, workload, queue, namespace);
    if (found === undefined) return undefined;
    return waits(found, ({ items }) => ({
      items: [
        item(
          'B2.suspend',
          'released',
          'It is not suspended',
          'fail',
          evidence('suspend', 'true, by Kueue', 'spec.suspend'),
        ),
        ...items,
      ],
    }));
  },
};

/** A Workload pasted alone, or whose job is not known. */
export const kueueWorkload: ObjectState = {
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
    if (found === undefined) return undefined;
    const subject = job ?? member;
    return waits(found, () => (subject === undefined ? {} : { explainedBy: refOf(subject) }));
  },
};

export const queueInactive: ObjectState = {
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
