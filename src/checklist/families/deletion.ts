import { describe, kubectl } from '../fixes.ts';
import { lastEvent, type PodFacts } from '../pod-facts.ts';
import { condition, count, essence, span } from '../read.ts';
import { cause, evidence, item, type PodState, said, unknown } from '../state.ts';

/** Who lets go of a finalizer. */
const keepers: Readonly<Record<string, string>> = {
  'batch.kubernetes.io/job-tracking': 'the Job controller',
  'kueue.x-k8s.io/managed': 'Kueue',
  foregroundDeletion: 'the garbage collector, when all dependents are gone',
  orphan: 'the garbage collector',
  'kubernetes.io/pvc-protection': 'the PVC protection controller, when no pod uses the claim',
  'kubernetes.io/pv-protection': 'the PV protection controller',
  'service.kubernetes.io/load-balancer-cleanup': 'the cloud load balancer controller',
  'resource.kubernetes.io/delete-protection': 'the claim controller, when no pod reserves it',
};

export const keeperOf = (finalizer: string): string =>
  keepers[finalizer] ?? `the controller of ${finalizer.split('/')[0]}`;

const over = (facts: PodFacts): number => facts.now - (facts.deletedAt ?? facts.now);
/** Nothing in the evidence is as new as the deletion: the end of the grace period cannot lie so far ahead. */
const clockless = (facts: PodFacts): boolean =>
  facts.index.nowIsGuess &&
  -over(facts) > ((count(facts.object, 'metadata', 'deletionGracePeriodSeconds') ?? 30) + 60) * 1000;
const stopped = (facts: PodFacts): boolean =>
  facts.containers.every(
    (container) =>
      container.state === 'terminated' || container.state === 'none' || container.state === 'waiting',
  );

const finalizers: PodState = {
  id: 'K3',
  key: 'term.finalizers',
  gate: 'exists',
  severity: 'bad',
  title: 'A finalizer holds it',
  match: (facts) => {
    if (facts.deletedAt === undefined || facts.finalizers.length === 0 || !stopped(facts)) return undefined;
    const names = facts.finalizers.filter((name) => name !== '');
    if (over(facts) < 30_000 && !facts.index.nowIsGuess) return { headline: 'terminating', severity: 'none' };
    const keeper = names.map(keeperOf).join(', ');
    return {
      headline: `deleting, finalizer ${names.join(', ') || 'set'}${over(facts) > 0 ? `, ${span(over(facts))}` : ''}`,
      since: facts.deletedAt,
      diagnose: () => ({
        causes: [
          cause(
            'K3.finalizer',
            'proven',
            `all containers have ended; the finalizer ${names.join(', ')} keeps the object, and ${keeper} has not let go`,
            kubectl('Read the object, then look after that controller', 'read', facts.namespace, [
              'get',
              'pod',
              facts.name,
              '-o',
              'yaml',
            ]),
            kubectl(
              'Last resort: drop the finalizers (the controller never cleans up)',
              'destructive',
              facts.namespace,
              ['patch', 'pod', facts.name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}'],
            ),
          ),
        ],
        items: [
          item(
            'K3.finalizers',
            'exists',
            'Nothing holds the object',
            'fail',
            evidence('finalizers', names.join(', '), 'metadata.finalizers'),
            evidence('deleted', `${span(over(facts))} ago`, 'metadata.deletionTimestamp', {
              at: facts.deletedAt,
            }),
          ),
        ],
      }),
    };
  },
};

const nodeGone: PodState = {
  id: 'K4',
  key: 'term.node-gone',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'Its node is gone',
  match: (facts) => {
    if (
      facts.deletedAt === undefined ||
      facts.node === '' ||
      (stopped(facts) && facts.containers.some((container) => container.state === 'terminated'))
    )
      return undefined;
    const node = facts.index.find('Node', '', facts.node);
    const lost = facts.conditions.get('DisruptionTarget')?.reason === 'DeletionByTaintManager';
    if (
      node.state === 'unknown'
        ? !lost
        : node.state === 'present' && condition(node.object, 'Ready')?.status === 'True'
    )
      return undefined;
    const ready = node.state === 'present' ? condition(node.object, 'Ready') : undefined;
    const says =
      node.state === 'missing'
        ? `node ${facts.node} does not exist any more`
        : node.state === 'unknown'
          ? `a NoExecute taint removed it from node ${facts.node}, which then probably is not ready`
          : `node ${facts.node} is not ready${ready === undefined ? '' : ` (${ready.message || ready.reason})`}`;
    return {
      headline: `terminating: ${says}`,
      since: facts.deletedAt,
      diagnose: () => ({
        causes: [
          cause(
            'K4.node',
            node.state === 'unknown' ? 'likely' : 'proven',
            `${says}, so no kubelet can confirm the end of the pod; it stays until the node returns or its object is deleted${facts.owners[0]?.kind === 'StatefulSet' ? ', and the StatefulSet waits for that' : ''}`,
            describe('node', '', facts.node),
            kubectl('If the machine is off for good: free its volumes and pods', 'cluster', '', [
              'taint',
              'node',
              facts.node,
              'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute',
            ]),
            kubectl('If the machine is gone: remove the node', 'cluster', '', ['delete', 'node', facts.node]),
          ),
        ],
        items: [
          node.state === 'unknown'
            ? unknown('K4.node', 'nodeAdmits', `Node ${facts.node} is ready`, node.why)
            : item(
                'K4.node',
                'nodeAdmits',
                `Node ${facts.node} is ready`,
                'fail',
                evidence(
                  'Ready',
                  ready === undefined ? 'no such node' : `${ready.status} ${ready.reason}`,
                  'status.conditions[Ready]',
                  { ref: { kind: 'Node', namespace: '', name: facts.node }, at: ready?.at },
                ),
              ),
        ],
      }),
    };
  },
};

const inGrace: PodState = {
  id: 'K1',
  key: 'term.grace',
  gate: 'exists',
  severity: 'none',
  title: 'Terminating, within its grace period',
  match: (facts) => {
    if (facts.deletedAt === undefined || over(facts) > 30_000 || clockless(facts)) return undefined;
    const left = -over(facts);
    return { headline: left > 0 ? `terminating, ${span(left)} of grace left` : 'terminating' };
  },
};

const graceExceeded: PodState = {
  id: 'K2',
  key: 'term.grace-exceeded',
  gate: 'exists',
  severity: 'bad',
  title: 'Its grace period is over',
  match: (facts) => {
    if (facts.deletedAt === undefined) return undefined;
    const failed = lastEvent(facts.events, [
      'FailedKillPod',
      'KillPodSandboxError',
      'ExceededGracePeriod',
      'FailedPreStopHook',
      'FailedUnMount',
      'FailedUnmount',
      'FailedUnmountDevice',
      'FailedDetachVolume',
    ]);
    const unmount =
      failed !== undefined &&
      /unmount|TearDown|target is busy|device or resource busy/i.test(failed.event.message);
    const running = facts.containers
      .filter((container) => container.state === 'running')
      .map((container) => container.name);
    const grace = count(facts.object, 'metadata', 'deletionGracePeriodSeconds');
    const words =
      failed === undefined
        ? running.length > 0
          ? `container ${running.join(', ')} still runs`
          : 'the kubelet has not removed it'
        : unmount
          ? `a volume cannot be unmounted: ${essence(failed.event.message, 180)}`
          : failed.event.message;
    const late = clockless(facts)
      ? 'no time in the evidence is newer than its deletion'
      : `the grace period ended ${span(over(facts))} ago`;
    return {
      headline: clockless(facts)
        ? 'terminating; since when is not in the evidence'
        : `terminating for ${span(over(facts))} past its grace`,
      since: facts.deletedAt,
      diagnose: () => ({
        causes: [
          cause(
            unmount ? 'K2.unmount' : 'K2.stuck',
            failed !== undefined ? 'proven' : clockless(facts) ? 'possible' : 'likely',
            `${facts.index.get('Node', '', facts.node) === undefined ? '' : 'the node is ready, '}${late}, and ${words}${unmount ? '' : ': a process that cannot be killed (storage or GPU), a stuck unmount, or a stuck runtime'}`,
            describe('pod', facts.namespace, facts.name),
            describe('node', '', facts.node || 'NODE'),
            kubectl(
              'Last resort: forget the pod (its process and volume may live on)',
              'destructive',
              facts.namespace,
              ['delete', 'pod', facts.name, '--grace-period=0', '--force'],
            ),
          ),
        ],
        items: [
          item(
            'K2.over',
            'exists',
            'It ends within its grace period',
            'fail',
            evidence(
              'deletionTimestamp',
              clockless(facts) ? 'set' : `${span(over(facts))} ago`,
              'metadata.deletionTimestamp',
              { at: facts.deletedAt },
            ),
            ...(grace === undefined
              ? []
              : [evidence('grace period', `${grace}s`, 'metadata.deletionGracePeriodSeconds')]),
            ...running.map((name) => evidence(name, 'running', `status.containerStatuses[${name}].state`)),
            ...(failed === undefined ? [] : [said(failed.event)]),
          ),
        ],
      }),
    };
  },
};

const lost: PodState = {
  id: 'K5',
  key: 'node.lost',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'Its node was lost',
  match: (facts) => {
    if (facts.phase !== 'Unknown' && facts.reason !== 'NodeLost') return undefined;
    return {
      headline: `node ${facts.node} was lost`,
      since: facts.conditions.get('Ready')?.at,
      diagnose: () => ({
        causes: [
          cause(
            'K5.lost',
            'proven',
            `node ${facts.node} stopped reporting: what the pod does is unknown`,
            describe('node', '', facts.node || 'NODE'),
          ),
        ],
        items: [
          item(
            'K5.phase',
            'nodeAdmits',
            'Its node reports',
            'fail',
            evidence('phase', facts.phase, 'status.phase'),
            evidence('reason', facts.reason, 'status.reason'),
          ),
        ],
      }),
    };
  },
};

export const deletionStates: readonly PodState[] = [finalizers, lost, nodeGone];
export const graceStates: readonly PodState[] = [inGrace, graceExceeded];
export const lostStates: readonly PodState[] = [lost];
