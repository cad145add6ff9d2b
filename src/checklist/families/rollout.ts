import type { KubeObject } from '../../kube/object.ts';
import { kindOf, labelsOf, nameOf, refOf } from '../evidence-index.ts';
import { describe, kubectl } from '../fixes.ts';
import { at, brief, condition, count, text, time } from '../read.ts';
import { cause, evidence, item, type ObjectState, unknown } from '../state.ts';
import {
  customOwners,
  finishedWell,
  newestReplicaSet,
  podOwners,
  podsBelow,
  worstOf,
} from './owner-facts.ts';

export const stuckRollout: ObjectState = {
  id: 'J17',
  key: 'rollout.stuck',
  gate: 'ready',
  severity: 'bad',
  title: 'The rollout does not move',
  kinds: ['Deployment'],
  match: (facts) => {
    const progressing = condition(facts.object, 'Progressing');
    if (progressing?.status !== 'False' || progressing.reason !== 'ProgressDeadlineExceeded')
      return undefined;
    const set = newestReplicaSet(facts);
    const pods =
      set === undefined
        ? podsBelow(facts)
        : facts.index.children(set).filter((child) => kindOf(child) === 'Pod');
    const worst = worstOf(facts, pods);
    return {
      headline: `rollout stuck: ${brief(worst?.report.headline ?? progressing.message, 80)}`,
      since: progressing.at,
      diagnose: () => ({
        causes: [
          ...(worst?.report.causes ?? []),
          ...(worst !== undefined
            ? []
            : [
                cause(
                  'J17.stuck',
                  'proven',
                  `the rollout made no progress within its deadline: ${brief(progressing.message, 120)}`,
                  kubectl('Go back to the revision before', 'disruptive', facts.namespace, [
                    'rollout',
                    'undo',
                    `deployment/${facts.name}`,
                  ]),
                  describe('deployment', facts.namespace, facts.name),
                ),
              ]),
        ],
        items: [
          item(
            'J17.condition',
            'ready',
            'The rollout moves',
            'fail',
            evidence(
              'Progressing',
              `${progressing.reason}: ${progressing.message}`,
              'status.conditions[Progressing]',
              { at: progressing.at },
            ),
          ),
        ],
        ...(worst === undefined ? {} : { explainedBy: refOf(worst.pod) }),
      }),
    };
  },
};

/** A DaemonSet lacks more pods than an update of it may take down at once. */
function beyondItsUpdate(object: KubeObject, wanted: number): boolean {
  const missing = count(object, 'status', 'numberUnavailable') ?? 0;
  const allowed = at(object, 'spec', 'updateStrategy', 'rollingUpdate', 'maxUnavailable') ?? 1;
  const most =
    typeof allowed === 'number' ? allowed : Math.ceil((Number.parseFloat(String(allowed)) / 100) * wanted);
  return missing > Math.max(1, most);
}

/** Unavailable for minutes, and nothing is known of its pods. */
export const unavailable: ObjectState = {
  id: 'J17',
  key: 'deployment.unavailable',
  gate: 'ready',
  severity: 'bad',
  title: 'Its replicas are not available',
  kinds: ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'LeaderWorkerSet'],
  match: (facts) => {
    const available = condition(facts.object, 'Available');
    const wanted =
      facts.kind === 'DaemonSet'
        ? (count(facts.object, 'status', 'desiredNumberScheduled') ?? 0)
        : (count(facts.object, 'spec', 'replicas') ?? 1);
    const has =
      count(facts.object, 'status', 'readyReplicas') ?? count(facts.object, 'status', 'numberReady') ?? 0;
    const since = available?.at ?? time(facts.object, 'metadata', 'creationTimestamp');
    if (
      at(facts.object, 'status') === undefined ||
      wanted === 0 ||
      (has > 0 && !beyondItsUpdate(facts.object, wanted)) ||
      podsBelow(facts).length > 0 ||
      facts.index.listed('Pod') ||
      facts.now - (since ?? facts.now) < 120_000
    )
      return undefined;
    if (facts.kind === 'ReplicaSet' && facts.index.owners(facts.object)[0]?.object !== undefined)
      return undefined;
    return {
      headline: `${has} of ${wanted} ready, its pods are not known`,
      since,
      diagnose: () => ({
        causes: [
          cause(
            'J17.unavailable',
            'possible',
            `${has === 0 ? `none of its ${wanted} replicas is` : `${wanted - has} of its ${wanted} replicas are not`} ready${available === undefined || facts.kind === 'LeaderWorkerSet' ? '' : ` (${available.reason}: ${brief(available.message, 100)})`}; its pods, which would say why, are not in the evidence`,
            kubectl('See its pods', 'read', facts.namespace, ['get', 'pods', '-o', 'wide']),
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          unknown(
            'J17.pods',
            'ready',
            'Its pods are well',
            'notWatched',
            evidence('ready', `${has} of ${wanted}`, 'status'),
          ),
        ],
      }),
    };
  },
};

/** An owner is as well as the worst of its pods. */
export const worstPod: ObjectState = {
  id: 'J17',
  key: 'pods.unwell',
  gate: 'staysUp',
  severity: 'bad',
  title: 'Its pods are unwell',
  kinds: [...podOwners, ...customOwners, 'CronJob'],
  match: (facts) => {
    if (facts.kind === 'CronJob' || finishedWell(facts.object)) return undefined;
    const pods = podsBelow(facts);
    const worst = worstOf(facts, pods);
    if (worst === undefined) return undefined;
    const alike = pods.filter((pod) => facts.reportOn(pod).state === worst.report.state).length;
    return {
      headline: `${alike} of ${pods.length} pods: ${worst.report.headline}`,
      severity: worst.report.severity,
      diagnose: () => ({
        causes: worst.report.causes,
        items: [
          item(
            'J17.pods',
            'staysUp',
            'Its pods are well',
            worst.report.severity === 'bad' ? 'fail' : 'warn',
            evidence(nameOf(worst.pod), worst.report.headline, undefined, { ref: refOf(worst.pod) }),
          ),
        ],
        explainedBy: refOf(worst.pod),
      }),
    };
  },
};

/** A StatefulSet waits for a broken pod of the old revision before it replaces it with the mended one (kubernetes#67250). */
export const stuckRevision: ObjectState = {
  id: 'J17',
  key: 'rollout.broken-revision',
  gate: 'ready',
  severity: 'bad',
  title: 'A broken pod of the revision before holds the update back',
  kinds: ['StatefulSet'],
  match: (facts) => {
    const { object } = facts;
    const newest = text(object, 'status', 'updateRevision');
    const partition = count(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
    if (newest === '' || newest === text(object, 'status', 'currentRevision')) return undefined;
    const old = podsBelow(facts).filter((pod) => {
      const revision = labelsOf(pod)['controller-revision-hash'] ?? '';
      return (
        revision !== '' && revision !== newest && Number(/-(\d+)$/.exec(nameOf(pod))?.[1] ?? 0) >= partition
      );
    });
    const worst = worstOf(facts, old);
    if (worst === undefined || worst.report.severity !== 'bad') return undefined;
    const name = nameOf(worst.pod);
    const byHand = text(object, 'spec', 'updateStrategy', 'type') === 'OnDelete';
    return {
      headline: `${name} is broken and still of the revision before: ${brief(worst.report.headline, 60)}`,
      diagnose: () => ({
        causes: [
          cause(
            'J17.old-revision',
            'likely',
            `${name} still runs the template before (${labelsOf(worst.pod)['controller-revision-hash']}, the newest is ${newest}) and is broken: ${brief(worst.report.headline, 100)}; ${byHand ? 'updateStrategy OnDelete leaves it so' : 'the StatefulSet does not replace a pod that does not get ready'} until it is deleted`,
            kubectl('Let the newest template take its place', 'disruptive', facts.namespace, [
              'delete',
              'pod',
              name,
            ]),
            kubectl('Compare the revisions', 'read', facts.namespace, [
              'rollout',
              'history',
              `statefulset/${facts.name}`,
            ]),
          ),
          ...worst.report.causes,
        ],
        items: [
          item(
            'J17.revision',
            'ready',
            'Its pods are of the newest revision',
            'fail',
            evidence('updateRevision', newest, 'status.updateRevision'),
            evidence(name, labelsOf(worst.pod)['controller-revision-hash'] ?? '', undefined, {
              ref: refOf(worst.pod),
            }),
          ),
        ],
        explainedBy: refOf(worst.pod),
      }),
    };
  },
};

export const orderedReady: ObjectState = {
  id: 'A9',
  key: 'owner.not-yet',
  gate: 'admitted',
  severity: 'warn',
  title: 'It waits for one of its own',
  kinds: ['StatefulSet'],
  match: (facts) => {
    const desired = count(facts.object, 'spec', 'replicas') ?? 1;
    const pods = podsBelow(facts);
    if (
      text(facts.object, 'spec', 'podManagementPolicy') === 'Parallel' ||
      pods.length === 0 ||
      pods.length >= desired
    )
      return undefined;
    const blocking = worstOf(facts, pods);
    if (blocking === undefined) return undefined;
    return {
      headline: `${pods.length} of ${desired} pods: waits for ${nameOf(blocking.pod)}: ${brief(blocking.report.headline, 60)}`,
      diagnose: () => ({
        causes: [
          ...blocking.report.causes,
          cause(
            'A9.ordered',
            'proven',
            `the StatefulSet starts its pods in order and waits for ${nameOf(blocking.pod)}`,
            describe('pod', facts.namespace, nameOf(blocking.pod)),
          ),
        ],
        items: [
          item(
            'A9.order',
            'admitted',
            'Its pods follow in order',
            'warn',
            evidence(nameOf(blocking.pod), blocking.report.headline, undefined, { ref: refOf(blocking.pod) }),
          ),
        ],
        explainedBy: refOf(blocking.pod),
      }),
    };
  },
};
