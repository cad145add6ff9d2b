import { quantity } from '../../resources/fields.ts';
import {
  changeTemplate,
  deletePod,
  describe,
  editOwner,
  halfAgain,
  kubectl,
  readLog,
  setResources,
} from '../fixes.ts';
import { lastEvent, type PodFacts, statusPath } from '../pod-facts.ts';
import { brief, condition, count, span, text } from '../read.ts';
import { cause, evidence, item, type Match, type PodState } from '../state.ts';
import { recovered, successors } from './node-admission.ts';

const disruption = (facts: PodFacts): string => {
  const entry = facts.conditions.get('DisruptionTarget');
  return entry?.status === 'True' ? entry.reason : '';
};

/** What the kubelet said when it evicted: in the status, in the condition, or only in the event (checklist.md 3.12, 2). */
function eviction(facts: PodFacts): { readonly message: string; readonly path: string } | undefined {
  // Autoscalers and descheduler use the reason for pods that they move.
  const event = lastEvent(
    facts.events.filter(({ source }) => source === '' || /kubelet/.test(source)),
    ['Evicted', 'TerminatingEvictedPod'],
    /^(?!Evicted pod: )/,
  );
  const taken = facts.reason === 'Evicted' || disruption(facts) === 'TerminationByKubelet';
  if (!taken && (event === undefined || facts.phase === 'Running' || facts.phase === 'Pending'))
    return undefined;
  if (facts.reason === 'Evicted' && facts.message !== '')
    return { message: facts.message, path: 'status.message' };
  if (event !== undefined) return { message: event.event.message, path: 'events' };
  return {
    message: facts.conditions.get('DisruptionTarget')?.message ?? facts.message,
    path: 'status.conditions[DisruptionTarget].message',
  };
}

const evicted = (
  id: string,
  key: string,
  title: string,
  pattern: RegExp | undefined,
  build: (facts: PodFacts, message: string) => Match,
): PodState => ({
  id,
  key,
  title,
  gate: 'staysUp',
  severity: 'bad',
  match: (facts) => {
    if (facts.phase === 'Running' && facts.reason !== 'Evicted') return undefined;
    const found = eviction(facts);
    if (
      found === undefined ||
      (pattern !== undefined && !pattern.test(found.message)) ||
      /node (?:shut ?down|is shutting down)/i.test(found.message)
    )
      return undefined;
    const match = build(facts, found.message);
    const { diagnose } = match;
    return {
      since: facts.conditions.get('DisruptionTarget')?.at,
      // What took its place is worth more attention than the corpse.
      ...(recovered(facts)
        ? { severity: 'none' as const }
        : successors(facts).length > 0
          ? { severity: 'warn' as const }
          : {}),
      ...match,
      diagnose: () => {
        const inner = diagnose?.() ?? { causes: [], items: [] };
        return {
          ...inner,
          items: [
            item(
              `${id}.message`,
              'staysUp',
              'It is left to run',
              'fail',
              evidence('kubelet says', found.message, found.path),
            ),
            ...inner.items,
          ],
        };
      },
    };
  },
});

const ephemeral = evicted(
  'I3',
  'evicted.ephemeral-limit',
  'Evicted: too much local storage',
  /ephemeral local storage usage exceeds|exceeded its local ephemeral storage limit/i,
  (facts, message) => {
    const limit = /limit of containers "?([\w.]+?)"?\.?\s*$|storage limit "?([\w.]+?)"?[.\s]*$/.exec(message);
    const size = limit?.[1] ?? limit?.[2] ?? '';
    const container =
      facts.containers.find((entry) => message.includes(`ontainer ${entry.name}`)) ??
      facts.containers.find((entry) => entry.kind === 'main');
    return {
      headline: `evicted: local storage over its limit${size === '' ? '' : ` ${size}`}`,
      diagnose: () => ({
        causes: [
          cause(
            'I3.limit',
            'proven',
            `it wrote more to its container file system, logs and emptyDirs than its ephemeral-storage limit${size === '' ? '' : ` ${size}`} allows (caches and checkpoints belong on a volume)`,
            container === undefined || size === ''
              ? undefined
              : setResources(
                  facts,
                  container,
                  'Raise the ephemeral-storage limit',
                  `--limits=ephemeral-storage=${halfAgain(size)}`,
                ),
            editOwner(facts, 'Write caches and checkpoints to a volume'),
            deletePod(facts, 'Remove the dead pod'),
          ),
        ],
        items: [],
      }),
    };
  },
);

const emptyDir = evicted(
  'I4',
  'evicted.emptydir',
  'Evicted: an emptyDir is full',
  /Usage of EmptyDir volume/,
  (facts, message) => {
    const found = /volume "([^"]+)" exceeds the limit "([^"]+)"/.exec(message);
    return {
      headline: `evicted: emptyDir ${found?.[1] ?? ''} over its limit ${found?.[2] ?? ''}`,
      diagnose: () => ({
        causes: [
          cause(
            'I4.size-limit',
            'proven',
            `the emptyDir volume ${found?.[1] ?? ''} holds more than its sizeLimit ${found?.[2] ?? ''}`,
            changeTemplate(facts, 'Raise sizeLimit of the volume', (target) => [
              'edit',
              target.resource,
              target.name,
            ]),
            deletePod(facts, 'Remove the dead pod'),
          ),
        ],
        items: [],
      }),
    };
  },
);

const pressure = evicted(
  'I2',
  'evicted.node-pressure',
  'Evicted: the node ran short',
  undefined,
  (facts, message) => {
    const resource =
      /low on resource: ([\w-]+(?:\.\w+)*)/.exec(message)?.[1] ??
      (/[Mm]emory/.test(message)
        ? 'memory'
        : /disk|storage/i.test(message)
          ? 'ephemeral-storage'
          : 'resources');
    const using = [
      ...message.matchAll(
        /Container (\S+) was using ([^\s,]+), (?:request is|which exceeds its request of) ([^\s,]+?)[.,](?=\s|$)/g,
      ),
    ];
    const over = (entry: RegExpExecArray): number => (quantity(entry[2]) ?? 0) - (quantity(entry[3]) ?? 0);
    const [worst] = using.toSorted((a, b) => over(b) - over(a));
    const numbers = /Threshold quantity: (\S+), available: (\S+?)\.(?:\s|$)/.exec(message);
    const container =
      facts.containers.find((entry) => entry.name === worst?.[1]) ??
      facts.containers.find((entry) => entry.kind === 'main');
    const why =
      worst === undefined ? '' : `: container ${worst[1]} used ${worst[2]} and had requested ${worst[3]}`;
    const node = facts.index.get('Node', '', facts.node);
    const still =
      node !== undefined &&
      condition(node, resource === 'memory' ? 'MemoryPressure' : 'DiskPressure')?.status === 'True';
    return {
      headline: `evicted: node low on ${resource}${worst === undefined ? '' : `, it used ${worst[2]}, requested ${worst[3]}`}`,
      diagnose: () => ({
        causes: [
          cause(
            'I2.pressure',
            'proven',
            `node ${facts.node} ran low on ${resource}${numbers === null ? '' : ` (${numbers[2]} left, threshold ${numbers[1]})`} and the kubelet evicted the pod${why}${still ? '; the node is still under pressure' : ''}`,
            container === undefined || worst?.[2] === undefined || !/^[\w.]+$/.test(worst[2])
              ? editOwner(facts, `Request what it uses of ${resource}`)
              : setResources(facts, container, 'Request what it uses', `--requests=${resource}=${worst[2]}`),
            describe('node', '', facts.node || 'NODE'),
            deletePod(facts, 'Remove the dead pod'),
          ),
        ],
        items:
          node === undefined
            ? []
            : [
                item(
                  'I2.node',
                  'nodeAdmits',
                  'The node is under pressure now',
                  still ? 'fail' : 'pass',
                  evidence('condition', still ? 'True' : 'False', 'status.conditions', {
                    ref: { kind: 'Node', namespace: '', name: facts.node },
                  }),
                ),
              ],
      }),
    };
  },
);

const who: Readonly<Record<string, string>> = {
  DeletionByTaintManager:
    'the node got a NoExecute taint (not ready, unreachable, or set by hand) that it does not tolerate',
  EvictionByEvictionAPI: 'it was evicted through the API: a drain, an autoscaler or a descheduler',
  DeletionByPodGC: 'its node is gone, so it was removed as an orphan',
  TerminationByKubelet: 'the kubelet ended it: node shutdown or node pressure',
};

/** Disruption is what happens to a pod, not what is wrong with it: bad only where nothing takes its place. */
function matchDisruption(id: string, facts: PodFacts, says: string, headline: string, more?: string): Match {
  const healed = recovered(facts) || (facts.deletedAt !== undefined && facts.owners.length > 0);
  const entry = facts.conditions.get('DisruptionTarget');
  return {
    headline,
    severity: healed ? 'none' : 'warn',
    since: entry?.at,
    diagnose: () => ({
      causes: healed
        ? []
        : [
            cause(
              `${id}.${id === 'I5' ? 'preempted' : 'disrupted'}`,
              'proven',
              says,
              editOwner(
                facts,
                id === 'I5'
                  ? 'Give it a higher priority class'
                  : 'Protect it: a PodDisruptionBudget, safe-to-evict or do-not-disrupt annotations',
              ),
              kubectl('See what happened', 'read', facts.namespace, [
                'get',
                'events',
                '--field-selector',
                `involvedObject.name=${facts.name}`,
              ]),
            ),
          ],
      items: [
        item(
          `${id}.condition`,
          'staysUp',
          'It is left to run',
          'fail',
          evidence(
            'DisruptionTarget',
            `${entry?.reason ?? facts.reason}: ${entry?.message ?? facts.message}`,
            'status.conditions[DisruptionTarget]',
            { at: entry?.at },
          ),
          ...(more === undefined ? [] : [evidence('event', more)]),
        ),
      ],
    }),
  };
}

const preempted: PodState = {
  id: 'I5',
  key: 'preempted.scheduler',
  gate: 'staysUp',
  severity: 'warn',
  title: 'Preempted by a more important pod',
  match: (facts) => {
    const event = lastEvent(facts.events, ['Preempted'], /Preempted by (?:pod )?(\S+) on node (\S+)/);
    if (disruption(facts) !== 'PreemptionByScheduler' && event === undefined) return undefined;
    if (facts.phase === 'Running' && facts.deletedAt === undefined && disruption(facts) === '')
      return undefined;
    const by = event?.match?.[1] === undefined ? undefined : facts.index.byUid(event.match[1]);
    const name = by?.metadata?.name ?? event?.match?.[1];
    return matchDisruption(
      'I5',
      facts,
      `the scheduler preempted it for a pod of higher priority${name === undefined ? '' : `: ${name}`}`,
      `preempted${by === undefined ? '' : ` by ${name}`}`,
      event?.event.message,
    );
  },
};

const preemptedByKubelet: PodState = {
  id: 'I5b',
  key: 'preempted.kubelet',
  gate: 'staysUp',
  severity: 'warn',
  title: 'Preempted for a critical pod',
  match: (facts) =>
    facts.reason === 'Preempting'
      ? matchDisruption(
          'I5b',
          facts,
          `the kubelet of ${facts.node} ended it to admit a critical pod: ${brief(facts.message)}`,
          'preempted by the kubelet for a critical pod',
        )
      : undefined,
};

const disrupted: PodState = {
  id: 'I6',
  key: 'disrupted.other',
  gate: 'staysUp',
  severity: 'warn',
  title: 'Disrupted from outside',
  match: (facts) => {
    const reason = disruption(facts);
    const kueue = facts.conditions.get('TerminationTarget');
    if (kueue?.status === 'True')
      return matchDisruption(
        'I6',
        facts,
        `Kueue stopped it: ${kueue.reason}: ${brief(kueue.message)}`,
        `stopped by Kueue: ${kueue.reason}`,
      );
    if (reason === '' || reason === 'PreemptionByScheduler') return undefined;
    const nodeEvent = facts.index
      .nodeEvents(facts.node)
      .findLast((event) =>
        /ScaleDown|Disrupt|Drain|Cordon|NodeNotReady|Interrupt|DeletingNode|RemovingNode/.test(event.reason),
      );
    return matchDisruption(
      'I6',
      facts,
      `${who[reason] ?? reason}: ${brief(facts.conditions.get('DisruptionTarget')?.message ?? '', 120)}`,
      `ended from outside: ${reason}`,
      nodeEvent?.message,
    );
  },
};

const deadline: PodState = {
  id: 'I7',
  key: 'deadline.exceeded',
  gate: 'staysUp',
  severity: 'bad',
  title: 'It ran into its deadline',
  match: (facts) => {
    if (facts.reason !== 'DeadlineExceeded') return undefined;
    const seconds = count(facts.object, 'spec', 'activeDeadlineSeconds');
    return {
      headline: `ran into activeDeadlineSeconds${seconds === undefined ? '' : ` ${seconds}s`}`,
      since: facts.startedAt,
      diagnose: () => ({
        causes: [
          cause(
            'I7.deadline',
            'proven',
            `it was ended after activeDeadlineSeconds${seconds === undefined ? '' : ` (${seconds}s)`}, waiting and pulling included`,
            editOwner(facts, 'Raise activeDeadlineSeconds'),
            readLog(facts, facts.containers.find((entry) => entry.kind === 'main')?.name ?? 'main', false),
          ),
        ],
        items: [
          item(
            'I7.status',
            'staysUp',
            'It ends within its deadline',
            'fail',
            evidence('reason', facts.reason, 'status.reason'),
            evidence(
              'activeDeadlineSeconds',
              seconds === undefined ? 'not in the pod' : String(seconds),
              'spec.activeDeadlineSeconds',
            ),
          ),
        ],
      }),
    };
  },
};

/** A finished pod that something which never ends owns. */
const completedService: PodState = {
  id: 'I10',
  key: 'completed.in-deployment',
  gate: 'staysUp',
  severity: 'warn',
  title: 'A service pod has completed',
  match: (facts) => {
    const owner = facts.owners[0];
    if (
      facts.phase !== 'Succeeded' ||
      owner === undefined ||
      !['ReplicaSet', 'StatefulSet', 'DaemonSet', 'ReplicationController'].includes(owner.kind)
    )
      return undefined;
    const healed =
      owner.object === undefined ||
      recovered(facts) ||
      (count(owner.object, 'status', 'readyReplicas') ?? 0) >= (count(owner.object, 'spec', 'replicas') ?? 1);
    return {
      headline: 'completed, though its owner wants it to run',
      severity: healed ? 'none' : 'warn',
      diagnose: () => ({
        causes: healed
          ? []
          : [
              cause(
                'I10.corpse',
                'likely',
                'all its containers ended with 0 while the node was shut down, and it was not replaced',
                deletePod(facts, 'Remove the finished pod'),
              ),
            ],
        items: [
          item(
            'I10.phase',
            'staysUp',
            'It keeps running',
            'warn',
            evidence('phase', facts.phase, 'status.phase'),
          ),
        ],
      }),
    };
  },
};

/** Succeeded, but killed for memory on the way: the result may be cut short. */
const oomButDone: PodState = {
  id: 'H4',
  key: 'oom.container',
  gate: 'staysUp',
  severity: 'bad',
  title: 'Done, but a container was OOM-killed',
  match: (facts) => {
    const container =
      facts.phase === 'Succeeded'
        ? facts.containers.find((entry) => entry.ended?.reason === 'OOMKilled')
        : undefined;
    if (container === undefined) return undefined;
    const limit = text(container.spec, 'resources', 'limits', 'memory');
    return {
      headline: `looks done, but was OOM-killed${limit === '' ? '' : ` at limit ${limit}`}`,
      since: container.ended?.finishedAt,
      diagnose: () => ({
        causes: [
          cause(
            'H4.limit',
            'proven',
            `container ${container.name} is called OOMKilled though it ended with exit ${container.ended?.exitCode}: part of it was killed at its memory limit ${limit || '(none)'}, its result may be incomplete`,
            editOwner(facts, 'Raise the memory limit'),
            readLog(facts, container.name, false),
          ),
        ],
        items: [
          item(
            'H4.reason',
            'staysUp',
            'It stays within its memory',
            'fail',
            evidence('reason', 'OOMKilled', statusPath(container, 'state.terminated.reason')),
          ),
        ],
      }),
    };
  },
};

const isWork = (facts: PodFacts): boolean =>
  facts.owners.some((owner) => /Job$|Workflow$/.test(owner.kind)) || facts.restartPolicy !== 'Always';

/** The work is done and something beside it goes on: the Job never completes. */
const sidecarHolds: PodState = {
  id: 'I11',
  key: 'job.sidecar-holds',
  gate: 'staysUp',
  severity: 'bad',
  title: 'A sidecar keeps a finished task from ending',
  match: (facts) => {
    if (facts.phase !== 'Running' || !isWork(facts)) return undefined;
    const mains = facts.containers.filter((entry) => entry.kind === 'main');
    const done = mains.find((entry) => entry.ended?.exitCode === 0);
    const running = mains.filter((entry) => entry.state === 'running');
    if (done === undefined || running.length === 0) return undefined;
    const forMs = facts.now - (done.ended?.finishedAt ?? facts.now);
    if (forMs < 120_000 && !facts.index.nowIsGuess) return undefined;
    const names = running.map((entry) => entry.name).join(', ');
    return {
      headline: `${done.name} is done${forMs > 0 ? ` for ${span(forMs)}` : ''}, sidecar ${names} keeps the pod alive`,
      since: done.ended?.finishedAt,
      diagnose: () => ({
        causes: [
          cause(
            'I11.sidecar',
            'proven',
            `container ${done.name} finished with 0, but ${names} keeps running, so the task never completes: make it a native sidecar (initContainers with restartPolicy Always)`,
            editOwner(facts, `Make ${names} a native sidecar`),
            /istio/.test(names)
              ? kubectl('End the proxy by hand', 'disruptive', facts.namespace, [
                  'exec',
                  facts.name,
                  '-c',
                  running[0]?.name ?? '',
                  '--',
                  'curl',
                  '-sf',
                  '-XPOST',
                  'http://localhost:15020/quitquitquit',
                ])
              : undefined,
          ),
        ],
        items: [
          item(
            'I11.done',
            'staysUp',
            'The task ends when its work is done',
            'fail',
            evidence(done.name, 'terminated, exit 0', statusPath(done, 'state.terminated'), {
              at: done.ended?.finishedAt,
            }),
            ...running.map((entry) => evidence(entry.name, 'running', statusPath(entry, 'state.running'))),
          ),
        ],
      }),
    };
  },
};

/** Some containers are done, others run, and the pod is not ready for it. */
const partlyDone: PodState = {
  id: 'J4',
  key: 'ready.partially-done',
  gate: 'ready',
  severity: 'warn',
  title: 'Some of its containers have ended',
  match: (facts) => {
    if (facts.phase !== 'Running') return undefined;
    const mains = facts.containers.filter((entry) => entry.kind === 'main');
    const ended = mains.find((entry) => entry.ended !== undefined);
    if (ended === undefined || !mains.some((entry) => entry.state === 'running')) return undefined;
    return {
      headline: `${ended.name} ended (${ended.ended?.exitCode}), others run`,
      since: ended.ended?.finishedAt,
      diagnose: () => ({
        causes: [
          cause(
            'J4.partial',
            'proven',
            `container ${ended.name} ended with exit ${ended.ended?.exitCode} and restartPolicy ${facts.restartPolicy} does not start it again, while others go on`,
            readLog(facts, ended.name, false),
            editOwner(facts, 'Separate what ends from what stays'),
          ),
        ],
        items: [
          item(
            'J4.ended',
            'ready',
            'All containers run',
            'warn',
            evidence(ended.name, `exit ${ended.ended?.exitCode}`, statusPath(ended, 'state.terminated')),
          ),
        ],
      }),
    };
  },
};

export const evictionStates: readonly PodState[] = [ephemeral, emptyDir, pressure];
export const disruptionStates: readonly PodState[] = [preempted, preemptedByKubelet, disrupted];
export { completedService, deadline, oomButDone, partlyDone, sidecarHolds };
