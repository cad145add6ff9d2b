import { nameOf, type Usage } from '../evidence-index.ts';
import { describe, editOwner, kubectl, readLog } from '../fixes.ts';
import { minutes } from '../limits.ts';
import { type ContainerFacts, isTrue, lastEvent, type PodFacts, specPath, statusPath } from '../pod-facts.ts';
import { at, brief, condition, count, list, record, span, text, time } from '../read.ts';
import { lastWords, programLog, scan } from '../signatures.ts';
import { cause, evidence, item, type PodState, said, unknown, wantLog } from '../state.ts';
import { nodeTrouble } from './creating.ts';
import { probeReading } from './probe-kills.ts';
import { dependency, signatureCause } from './program-words.ts';

/** The containers that run, with what each has written so far; undefined where that was not read. */
function* runningLogs(
  facts: PodFacts,
): Generator<{ readonly container: ContainerFacts; readonly log: string | undefined }> {
  for (const container of facts.containers)
    if (container.state === 'running')
      yield { container, log: facts.index.log(facts.namespace, facts.name, container.name, false) };
}

const tolerationSeconds = (facts: PodFacts): number | undefined => {
  const found = list(facts.object, 'spec', 'tolerations').find((entry) =>
    /unreachable|not-ready/.test(text(entry, 'key')),
  );
  return found === undefined ? undefined : count(found, 'tolerationSeconds');
};

/** The node stopped answering: what the pod shows is a photograph. */
const nodeNotReady: PodState = {
  id: 'J3',
  key: 'node.notready-overlay',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'Its node is not ready',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.node === '') return undefined;
    const trouble = nodeTrouble(facts);
    const ready = facts.conditions.get('Ready');
    const event = lastEvent(facts.events, ['NodeNotReady']);
    // The controller sets Ready=False without a reason and leaves ContainersReady alone.
    const marked =
      ready?.status === 'False' &&
      ready.reason === '' &&
      facts.conditions.get('ContainersReady')?.status === 'True' &&
      list(facts.object, 'spec', 'readinessGates').length === 0;
    const rowMarked =
      facts.object === undefined &&
      ready?.status === 'False' &&
      ready.reason === '' &&
      facts.containers.every((container) => container.state === 'none');
    if (trouble === undefined && !marked && !rowMarked && event === undefined) return undefined;
    if (trouble === undefined && isTrue(facts, 'Ready')) return undefined;
    const node = facts.index.get('Node', '', facts.node);
    const taint = list(node, 'spec', 'taints').find(
      (entry) => /unreachable|not-ready/.test(text(entry, 'key')) && text(entry, 'effect') === 'NoExecute',
    );
    const seconds = tolerationSeconds(facts);
    const left =
      taint === undefined || seconds === undefined
        ? undefined
        : (time(taint, 'timeAdded') ?? facts.now) + seconds * 1000 - facts.now;
    const eta = left === undefined ? '' : left > 0 ? `; it is evicted in ${span(left)}` : '';
    return {
      headline: `${trouble?.text ?? `node ${facts.node} does not report`}${eta}`,
      since: ready?.at ?? condition(node, 'Ready')?.at,
      diagnose: () => ({
        causes: [
          cause(
            'J3.node',
            trouble === undefined ? 'likely' : 'proven',
            `${trouble?.text ?? `node ${facts.node} stopped reporting`}: the pod's status is a snapshot from before${eta}`,
            describe('node', '', facts.node),
            kubectl('Move what can move (if the node does not return)', 'cluster', '', [
              'drain',
              facts.node,
              '--ignore-daemonsets',
              '--delete-emptydir-data',
            ]),
          ),
        ],
        items: [
          ...(trouble === undefined
            ? [unknown('J3.node', 'nodeAdmits', `Node ${facts.node} is ready`, 'notWatched')]
            : [trouble.item]),
          item(
            'J3.ready',
            'ready',
            'The pod is ready',
            'fail',
            evidence(
              'Ready',
              `${ready?.status ?? 'unknown'}${ready?.reason ? ` ${ready.reason}` : ', no reason given'}`,
              'status.conditions[Ready]',
              { at: ready?.at },
            ),
          ),
        ],
        explainedBy: { kind: 'Node', namespace: '', name: facts.node },
      }),
    };
  },
};

function unready(facts: PodFacts): ContainerFacts | undefined {
  return (
    facts.containers.find(
      (container) => container.kind === 'main' && container.state === 'running' && !container.ready,
    ) ??
    facts.containers.find(
      (container) => container.kind === 'sidecar' && container.state === 'running' && !container.ready,
    ) ??
    // A row names only the container in trouble. Where none is, one that runs is not ready: which one is not known.
    (facts.row !== undefined && facts.row.trouble === undefined && facts.row.status === 'Running'
      ? facts.containers.find((container) => container.kind === 'main' && !container.ready)
      : undefined)
  );
}

const probeKind = (message: string): 'Readiness' | 'Startup' | 'Liveness' | '' =>
  (/^(Readiness|Startup|Liveness) probe/.exec(message)?.[1] ?? '') as
    | 'Readiness'
    | 'Startup'
    | 'Liveness'
    | '';

/** How often a probe may fail before it is more than a slow start: by its own count, a minute at least. */
function failedFor(facts: PodFacts, container: ContainerFacts): number {
  return (
    facts.now - (container.startedAt ?? facts.conditions.get('Ready')?.at ?? facts.startedAt ?? facts.now)
  );
}

/** Still inside the budget of its startup probe. */
const startupProbe: PodState = {
  id: 'H9',
  key: 'kill.startup',
  gate: 'ready',
  severity: 'warn',
  title: 'The startup probe does not pass',
  match: (facts) => {
    if (facts.phase !== 'Running' || isTrue(facts, 'Ready')) return undefined;
    const container = facts.containers.find(
      (entry) =>
        entry.state === 'running' && entry.started === false && at(entry.spec, 'startupProbe') !== undefined,
    );
    if (container === undefined) return undefined;
    const probe = at(container.spec, 'startupProbe');
    const budget =
      ((count(probe, 'initialDelaySeconds') ?? 0) +
        (count(probe, 'periodSeconds') ?? 10) * (count(probe, 'failureThreshold') ?? 3)) *
      1000;
    const ran = failedFor(facts, container);
    const event = lastEvent(facts.events, ['Unhealthy'], /^Startup probe/)?.event;
    const killedBefore =
      (container.last?.exitCode === 137 || container.last?.exitCode === 143) &&
      container.restarts > 0 &&
      lastEvent(facts.events, ['Killing'], /startup probe/) !== undefined;
    const words = lastWords(facts.index.log(facts.namespace, facts.name, container.name, false));
    const text = `${span(ran)} of ${span(budget)}`;
    if (!killedBefore)
      return {
        headline: `starting up, startup probe: ${text}${words === undefined ? '' : `: ${brief(words, 50)}`}`,
        severity: 'none',
      };
    const reading = event === undefined ? '' : `: ${probeReading(event.message)}`;
    return {
      headline: `killed by startup probe ${container.restarts} times${brief(reading, 60)}`,
      severity: 'bad',
      since: lastEvent(facts.events, ['Killing'], /startup probe/)?.event.first,
      diagnose: () => ({
        causes: [
          cause(
            'H9.probe',
            'proven',
            `the kubelet kills ${container.name} because its startup probe does not pass within ${span(budget)}${reading}`,
            editOwner(facts, 'Raise failureThreshold or periodSeconds of the startupProbe'),
            readLog(facts, container.name, true),
          ),
        ],
        items: [
          item(
            'H9.budget',
            'ready',
            'It starts within the budget',
            'fail',
            evidence('budget', span(budget), specPath(container, 'startupProbe')),
            ...(event === undefined ? [] : [said(event)]),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
        ],
      }),
    };
  },
};

const readiness: PodState = {
  id: 'J1',
  key: 'notready.readiness',
  gate: 'ready',
  severity: 'bad',
  title: 'The readiness probe fails',
  match: (facts) => {
    if (
      facts.phase !== 'Running' ||
      isTrue(facts, 'Ready') ||
      (facts.conditions.size === 0 && facts.events.length === 0)
    )
      return undefined;
    const container = unready(facts);
    if (container === undefined) return undefined;
    const event = lastEvent(
      facts.events.filter((entry) => entry.container === '' || entry.container === container.name),
      ['Unhealthy'],
    )?.event;
    const ran = failedFor(facts, container);
    const kind = event === undefined ? '' : probeKind(event.message);
    const probe = at(container.spec, 'readinessProbe');
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const words = lastWords(log);
    const loading =
      words !== undefined && /load|download|shard|\d+%|compil|warm|migrat|starting|initializ/i.test(words);
    const reading = event === undefined ? undefined : probeReading(event.message);
    const wasReady =
      (facts.conditions.get('Ready')?.at ?? 0) > (container.startedAt ?? facts.startedAt ?? 0) + 60_000;
    const period = count(probe, 'periodSeconds') ?? 10;
    const budget =
      ((count(probe, 'initialDelaySeconds') ?? 0) + period * (count(probe, 'failureThreshold') ?? 3)) * 1000;
    const enough =
      event !== undefined &&
      (event.count >= 10 || (facts.index.nowIsGuess ? event.count >= 3 : ran > Math.max(60_000, budget)));
    if (
      event === undefined &&
      (ran < minutes(facts.limits.readyGraceMinutes) || facts.object === undefined) &&
      !facts.index.nowIsGuess
    )
      return { headline: 'starting, not ready yet', severity: 'none' };
    // A paste cut down to the bare status has no clock at all: then it was pasted because it stays so.
    const timed = facts.createdAt !== undefined || facts.conditions.get('Ready')?.at !== undefined;
    if (event === undefined && facts.index.nowIsGuess && ran < 60_000 && timed)
      return { headline: 'running, not ready yet', severity: 'none' };
    if (event !== undefined && !enough && !wasReady)
      return { headline: 'starting, readiness probe not passed yet', severity: 'none' };
    const target = probeTarget(probe);
    const declared = list(container.spec, 'ports').map((port) => text(port, 'containerPort'));
    const port =
      text(probe, 'httpGet', 'port') || text(probe, 'tcpSocket', 'port') || text(probe, 'grpc', 'port');
    const names = list(container.spec, 'ports').map((entry) => text(entry, 'name'));
    const wrongPort = port !== '' && declared.length > 0 && !declared.includes(port) && !names.includes(port);
    const listens =
      /(?<![\w.])(?:listening|running|serving|started|bound)\b[^\n]{0,60}?(?:(?<!\.\w{1,4}):|port[ =]+)(80|\d{3,5})\b/i.exec(
        programLog(log) ?? '',
      )?.[1];
    const local =
      /(?:127\.0\.0\.1|localhost):\d+/.test(programLog(log) ?? '') &&
      /listening|running|serving|Uvicorn/i.test(programLog(log) ?? '');
    const hit = scan(log);
    const hint = wrongPort
      ? `; the container declares port ${declared.join(', ')}, not ${port}`
      : listens !== undefined && port !== '' && listens !== port
        ? `; its log says that it listens on ${listens}`
        : local && /nothing listens/.test(reading ?? '')
          ? '; it listens on 127.0.0.1 only'
          : /first record does not look like a TLS handshake|HTTP request to an HTTPS server/.test(
                programLog(log) ?? '',
              ) && text(probe, 'httpGet', 'scheme') !== 'HTTPS'
            ? '; it wants TLS and the probe speaks plain HTTP (scheme: HTTPS is missing)'
            : '';
    // That nothing listens, or that it answers 503, is how the failure of which the program itself speaks shows.
    const tellsWhy =
      hit !== undefined &&
      hint === '' &&
      !loading &&
      hit.signature.rank >= 40 &&
      /nothing listens|it answers 5|within the timeout/.test(reading ?? '');
    const says =
      reading === undefined
        ? probe === undefined && container.spec !== undefined
          ? 'no readiness probe is defined'
          : 'the event that would say why is gone'
        : reading;
    return {
      headline: loading
        ? `still loading for ${span(ran)}: ${brief(words ?? '', 60)}`
        : `not ready${ran > 0 ? ` for ${span(facts.now - (facts.conditions.get('Ready')?.at ?? facts.now - ran))}` : ''}: ${brief(reading ?? says, 70)}`,
      severity: loading ? 'warn' : 'bad',
      since: facts.conditions.get('Ready')?.at ?? container.startedAt,
      diagnose: () => ({
        causes: [
          ...(loading
            ? [
                cause(
                  'J1.loading',
                  'likely',
                  `it is still loading: ${brief(words ?? '', 140)}; the readiness probe fails until it is done`,
                  readLog(facts, container.name, false),
                ),
              ]
            : []),
          ...(hit !== undefined && tellsWhy ? [signatureCause(facts, container, hit, false).cause] : []),
          cause(
            wrongPort || /nothing listens/.test(says)
              ? 'J1.port'
              : /404|credentials/.test(says)
                ? 'J1.path'
                : /timeout/.test(says)
                  ? 'J1.timeout'
                  : /it answers/.test(says)
                    ? 'J1.unhealthy'
                    : 'J1.probe',
            event === undefined ? 'possible' : 'proven',
            `the ${kind === '' ? 'readiness' : kind.toLowerCase()} probe of ${container.name} fails${target === '' ? '' : ` (${target})`}: ${says}${hint}`,
            readLog(facts, container.name, false),
            editOwner(facts, 'Correct path, port or timeout of the probe'),
            port === ''
              ? undefined
              : kubectl('Ask it yourself', 'read', facts.namespace, [
                  'port-forward',
                  `pod/${facts.name}`,
                  /^\d+$/.test(port) ? port : (declared[0] ?? '8080'),
                ]),
          ),
          ...(hit !== undefined && !tellsWhy && hit.signature.rank >= 60
            ? [signatureCause(facts, container, hit, false).cause]
            : []),
        ],
        items: [
          item(
            'J1.ready',
            'ready',
            'The pod is ready',
            'fail',
            evidence(
              'Ready',
              `False ${facts.conditions.get('Ready')?.reason ?? ''}`,
              'status.conditions[Ready]',
              { at: facts.conditions.get('Ready')?.at },
            ),
          ),
          event === undefined
            ? unknown('J1.probe', 'ready', 'Its readiness probe passes', 'eventExpired')
            : item('J1.probe', 'ready', 'Its readiness probe passes', 'fail', said(event)),
          ...(words === undefined
            ? []
            : [item('J1.log', 'ready', 'What the program says', 'info', evidence('log', brief(words, 200)))]),
        ],
        wants: log === undefined ? [wantLog(facts, container.name, false)] : [],
      }),
    };
  },
};

function probeTarget(probe: unknown): string {
  const http = at(probe, 'httpGet');
  if (http !== undefined)
    return `${text(http, 'scheme') || 'HTTP'} GET ${text(http, 'path') || '/'} port ${text(http, 'port')}`;
  if (at(probe, 'tcpSocket') !== undefined) return `TCP port ${text(probe, 'tcpSocket', 'port')}`;
  const command = list(probe, 'exec', 'command').map(String).join(' ');
  return command === '' ? '' : `command ${brief(command, 60)}`;
}

const gate: PodState = {
  id: 'J2',
  key: 'notready.gate',
  gate: 'ready',
  severity: 'bad',
  title: 'A readiness gate is not met',
  match: (facts) => {
    const ready = facts.conditions.get('Ready');
    const gates = list(facts.object, 'spec', 'readinessGates').map((entry) => text(entry, 'conditionType'));
    if (
      facts.phase !== 'Running' ||
      ready?.status !== 'False' ||
      !(ready.reason === 'ReadinessGatesNotReady' || (gates.length > 0 && isTrue(facts, 'ContainersReady')))
    )
      return undefined;
    const open = gates.filter((name) => !isTrue(facts, name));
    const words = open
      .map((name) => facts.conditions.get(name))
      .map((entry) =>
        entry === undefined
          ? 'never set'
          : `${entry.status}${entry.reason === '' ? '' : ` ${entry.reason}`}${entry.message === '' ? '' : `: ${entry.message}`}`,
      )
      .join(', ');
    return {
      headline: `readiness gate ${open.join(', ')}: ${brief(words, 60)}`,
      since: ready.at,
      diagnose: () => ({
        causes: [
          cause(
            'J2.gate',
            'proven',
            `its containers are ready, but the readiness gate ${open.join(', ')} is not met (${brief(words, 120)}): its controller does not run, or its target is unhealthy`,
            describe('pod', facts.namespace, facts.name),
            kubectl('See the gate conditions', 'read', facts.namespace, [
              'get',
              'pod',
              facts.name,
              '-o',
              'jsonpath={.status.conditions}',
            ]),
          ),
        ],
        items: [
          item(
            'J2.gates',
            'ready',
            'Its readiness gates are met',
            'fail',
            ...open.map((name) =>
              evidence(name, facts.conditions.get(name)?.status ?? 'never set', `status.conditions[${name}]`),
            ),
          ),
        ],
      }),
    };
  },
};

/** Devices that the kubelet calls unhealthy, by their names. */
const deviceUnhealthy: PodState = {
  id: 'J10',
  key: 'gpu.unhealthy',
  gate: 'progressing',
  severity: 'bad',
  title: 'A GPU of the pod is broken',
  match: (facts) => {
    for (const container of facts.containers) {
      for (const resource of list(container.status, 'allocatedResourcesStatus')) {
        const sick = list(resource, 'resources').filter((entry) => text(entry, 'health') === 'Unhealthy');
        if (sick.length === 0) continue;
        const names = sick.map((entry) => text(entry, 'resourceID')).join(', ');
        return {
          headline: `device ${names} of ${text(resource, 'name')} is unhealthy`,
          since: undefined,
          diagnose: () => ({
            causes: [
              cause(
                'J10.device',
                'proven',
                `device ${names} (${text(resource, 'name')}), which ${container.name} uses on node ${facts.node}, is unhealthy${text(sick[0], 'message') === '' ? '' : `: ${text(sick[0], 'message')}`}`,
                kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
                describe('node', '', facts.node || 'NODE'),
              ),
            ],
            items: [
              item(
                'J10.health',
                'progressing',
                'Its devices are healthy',
                'fail',
                ...sick.map((entry) =>
                  evidence(
                    text(entry, 'resourceID'),
                    'Unhealthy',
                    statusPath(container, `allocatedResourcesStatus[${text(resource, 'name')}]`),
                  ),
                ),
              ),
            ],
          }),
        };
      }
    }
    return undefined;
  },
};

const resize: PodState = {
  id: 'J18',
  key: 'pod.resize',
  gate: 'progressing',
  severity: 'warn',
  title: 'A resize does not happen',
  match: (facts) => {
    const pending = facts.conditions.get('PodResizePending') ?? facts.conditions.get('PodResizeInProgress');
    if (pending?.status !== 'True' || (pending.type === 'PodResizeInProgress' && pending.reason !== 'Error'))
      return undefined;
    return {
      headline: `resize ${pending.reason.toLowerCase()}: ${brief(pending.message, 70)}`,
      since: pending.at,
      diagnose: () => ({
        causes: [
          cause(
            `J18.${pending.reason.toLowerCase()}`,
            'proven',
            `its resize is ${pending.reason}: ${brief(pending.message, 160)}`,
            editOwner(facts, 'Ask for less'),
            describe('node', '', facts.node || 'NODE'),
          ),
        ],
        items: [
          item(
            'J18.condition',
            'progressing',
            'The resize is done',
            'warn',
            evidence(
              pending.type,
              `${pending.reason}: ${pending.message}`,
              `status.conditions[${pending.type}]`,
              { at: pending.at },
            ),
          ),
        ],
      }),
    };
  },
};

const longPhase = /sav(?:e|ing)|checkpoint|eval|compil|tokeni[sz]|download|load(?:ing)? |shards|warm/i;

const asksGpu = (facts: PodFacts): boolean =>
  facts.containers.some((container) =>
    Object.keys(record(container.spec, 'resources', 'limits')).some((name) =>
      /gpu|gaudi|neuron|tpu|mig-/.test(name),
    ),
  );

/** The newest kubelet timestamp of a log that was fetched with timestamps. */
export function lastLineAt(log: string | undefined): number | undefined {
  const stamps = log?.match(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/gm);
  const newest = stamps?.at(-1);
  return newest === undefined ? undefined : Date.parse(newest) || undefined;
}

/** A step counter that no longer moves while lines still come. */
export function stuckStep(
  log: string | undefined,
): { readonly step: number; readonly forMs: number } | undefined {
  const lines = [
    ...(log ?? '').matchAll(
      /^(\d{4}-\d\d-\d\dT[\d:.]+Z?)[^\n]*?\b(?:step|iter(?:ation)?|global_step)[ =:]+(\d+)/gim,
    ),
  ];
  const last = lines.at(-1);
  if (last === undefined || lines.length < 3) return undefined;
  const first = lines.find((line) => line[2] === last[2]);
  const forMs = Date.parse(last[1] ?? '') - Date.parse(first?.[1] ?? '');
  return Number.isFinite(forMs) ? { step: Number(last[2]), forMs } : undefined;
}

/** Ranks of the same job that restarted, or are not running. */
function peers(
  facts: PodFacts,
  since: number,
): {
  readonly restarted: readonly string[];
  readonly missing: readonly string[];
} {
  const keys = [
    'training.kubeflow.org/job-name',
    'jobset.sigs.k8s.io/jobset-name',
    'batch.kubernetes.io/job-name',
    'job-name',
    'leaderworkerset.sigs.k8s.io/name',
    'volcano.sh/job-name',
    'ray.io/cluster',
    'app',
  ];
  const key = keys.find((entry) => facts.labels[entry] !== undefined);
  if (key === undefined) return { restarted: [], missing: [] };
  const others = facts.index
    .inNamespace('Pod', facts.namespace)
    .filter(
      (pod) => nameOf(pod) !== facts.name && text(pod, 'metadata', 'labels', key) === facts.labels[key],
    );
  return {
    restarted: others
      .filter((pod) =>
        list(pod, 'status', 'containerStatuses').some(
          (status) =>
            (count(status, 'restartCount') ?? 0) > 0 &&
            // A restart that the others outlived did not stop them.
            (time(status, 'lastState', 'terminated', 'finishedAt') ?? since) >= since - 10 * 60_000,
        ),
      )
      .map(nameOf),
    missing: others
      .filter(
        (pod) => text(pod, 'status', 'phase') !== 'Running' && text(pod, 'status', 'phase') !== 'Succeeded',
      )
      .map(nameOf),
  };
}

/** What the GPUs of a pod do; undefined where nobody measures. Busy is not the same as working: a collective spins. */
export function gpuActivity(usage: Usage | undefined): 'idle' | 'busywait' | 'working' | undefined {
  if (usage?.gpuBusy === undefined) return undefined;
  if (usage.gpuBusy <= 0.05) return 'idle';
  return usage.gpuBusy >= 0.95 && (usage.gpuWorking ?? 1) <= 0.02 ? 'busywait' : 'working';
}

/** It waits to be asked, and says nothing until then. */
const isServer = (facts: PodFacts): boolean =>
  facts.owners.some((owner) =>
    /^(?:ReplicaSet|Deployment|InferenceService|LLMInferenceService|RayService|Notebook)$/.test(owner.kind),
  ) || facts.containers.some((container) => at(container.spec, 'readinessProbe') !== undefined);

/** Silence or a frozen step, with a GPU that does not work: busy is not the same as moving (checklist.md 0, 9). */
const stalled: PodState = {
  id: 'J8',
  key: 'train.stalled',
  gate: 'progressing',
  severity: 'bad',
  title: 'Training does not move',
  match: (facts) => {
    if (
      facts.phase !== 'Running' ||
      facts.object === undefined ||
      !asksGpu(facts) ||
      !isTrue(facts, 'Ready') ||
      isServer(facts)
    )
      return undefined;
    const container = facts.containers.find((entry) => entry.kind === 'main' && entry.state === 'running');
    if (container === undefined) return undefined;
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const quietSince = lastLineAt(log);
    const step = stuckStep(log);
    const usage = facts.index.usage(facts.namespace, facts.name);
    const silent = quietSince === undefined ? 0 : facts.now - quietSince;
    const frozen = step?.forMs ?? 0;
    const stall = minutes(facts.limits.stallMinutes);
    if (Math.max(silent, frozen) < stall) return undefined;
    const activity = gpuActivity(usage);
    if (activity === 'working') return undefined;
    const words = lastWords(log) ?? '';
    if (frozen < stall && longPhase.test(words) && silent < minutes(facts.limits.longPhaseMinutes))
      return { headline: `quiet for ${span(silent)} in a long phase: ${brief(words, 60)}`, severity: 'none' };
    const forMs = Math.max(silent, frozen);
    const { restarted, missing } = peers(facts, facts.now - forMs);
    const why =
      restarted.length > 0
        ? `${restarted[0]} restarted, its peers wait`
        : missing.length > 0
          ? `${missing[0]} is not running, its peers wait`
          : activity === 'busywait'
            ? 'GPU busy but computing nothing: a collective hangs'
            : activity === 'idle'
              ? 'GPU idle'
              : 'GPU activity unknown';
    return {
      headline: `stalled ${span(forMs)}: ${brief(why, 80)}`,
      severity: activity === undefined && restarted.length === 0 && missing.length === 0 ? 'warn' : 'bad',
      since: facts.now - forMs,
      diagnose: () => ({
        causes: [
          cause(
            restarted.length > 0
              ? 'J8.peer-restarted'
              : missing.length > 0
                ? 'J8.peer-missing'
                : activity === 'busywait'
                  ? 'J8.collective'
                  : 'J8.silent',
            restarted.length > 0 || missing.length > 0
              ? 'likely'
              : activity === undefined
                ? 'possible'
                : 'likely',
            `no progress for ${span(forMs)}${step !== undefined && frozen >= stall ? ` (step ${step.step})` : ''}: ${why}`,
            kubectl('See where it hangs', 'disruptive', facts.namespace, [
              'exec',
              facts.name,
              '-c',
              container.name,
              '--',
              'py-spy',
              'dump',
              '--pid',
              '1',
            ]),
            readLog(facts, container.name, false),
            editOwner(facts, 'Restart the whole group through its owner'),
          ),
        ],
        items: [
          item(
            'J8.log',
            'progressing',
            'It makes progress',
            'fail',
            evidence('last line', brief(words, 160), undefined, { at: quietSince }),
          ),
          usage?.gpuBusy === undefined
            ? unknown('J8.gpu', 'progressing', 'The GPU works', 'noSource')
            : item(
                'J8.gpu',
                'progressing',
                'The GPU works',
                'fail',
                evidence('activity', activity === 'busywait' ? 'busy wait' : (activity ?? 'unknown')),
              ),
        ],
      }),
    };
  },
};

/** Running, and its own words say that the GPU is not there. */
const saysTrouble: PodState = {
  id: 'J11',
  key: 'cuda.unavailable',
  gate: 'progressing',
  severity: 'bad',
  title: 'No usable GPU in the container',
  match: (facts) => {
    if (facts.phase !== 'Running') return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      const words = programLog(log) ?? '';
      const cpu =
        /CUDA is not available|cuda(?:\.is_available\(\))?[: =]+False|[Nn]o GPU (?:found|detected)/.exec(
          words,
        );
      if (hit?.signature.state !== 'J11' && cpu === null) continue;
      // What runs and is ready has found a way round a GPU that cannot do one thing.
      if (hit?.signature.id === 'gpu-too-old' && isTrue(facts, 'Ready')) continue;
      const found =
        hit?.signature.state === 'J11'
          ? hit
          : {
              signature: {
                id: 'no-cuda',
                rank: 92,
                pattern: /./,
                state: 'J11',
                meaning: 'no GPU visible to the process',
                checks: '',
              },
              line: cpu?.[0] ?? '',
              captures: [],
            };
      const built = signatureCause(facts, container, found, false);
      return {
        headline: brief(built.label, 90),
        diagnose: () => ({
          causes: [built.cause],
          items: [
            item(
              'J11.log',
              'progressing',
              'The program sees its GPU',
              'fail',
              evidence('log', brief(found.line, 200)),
            ),
          ],
        }),
      };
    }
    return undefined;
  },
};

/** A hit of high rank in the log of a pod that runs: the J10, J12, J14 and L9 of a job that hangs on. */
const runningWords = (id: string, key: string, title: string, ids: readonly string[]): PodState => ({
  id,
  key,
  title,
  gate: 'progressing',
  severity: 'warn',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      if (hit === undefined || !ids.includes(hit.signature.id)) continue;
      const { missing } = peers(facts, facts.now);
      const built = signatureCause(facts, container, hit, false);
      const rank =
        id === 'L9' && missing.length > 0
          ? cause(
              'L9.peer-missing',
              'proven',
              `not all ranks join: ${missing.slice(0, 4).join(', ')} ${missing.length === 1 ? 'is' : 'are'} not running (${brief(hit.line, 120)})`,
              describe('pod', facts.namespace, missing[0] ?? ''),
            )
          : built.cause;
      return {
        headline: brief(
          id === 'L9' && missing.length > 0
            ? `ranks missing: ${missing.slice(0, 3).join(', ')}`
            : built.label,
          90,
        ),
        diagnose: () => ({
          causes: [rank],
          items: [
            item(
              `${id}.log`,
              'progressing',
              'The program works',
              'warn',
              evidence('log', brief(hit.line, 200)),
            ),
            ...(built.item === undefined ? [] : [built.item]),
          ],
        }),
      };
    }
    return undefined;
  },
});

/** What a program that runs says last while it waits: early lines of it are common, and pass. */
const waitingWords = (ids: readonly string[]): PodState => ({
  id: 'L9',
  key: 'rendezvous.waits',
  title: 'It waits for others that do not come',
  gate: 'progressing',
  severity: 'warn',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const last = programLog(log)
        ?.split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-2)
        .join('\n');
      const hit = scan(last);
      if (hit === undefined || !ids.includes(hit.signature.id)) continue;
      const built = signatureCause(facts, container, hit, false);
      return {
        headline: brief(built.label, 90),
        diagnose: () => ({
          causes: [built.cause],
          items: [
            item('L9.log', 'progressing', 'The program works', 'warn', evidence('log', brief(hit.line, 200))),
            ...(built.item === undefined ? [] : [built.item]),
          ],
        }),
      };
    }
    return undefined;
  },
});

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** States that only a metrics source shows. */
const metered = (
  id: string,
  key: string,
  title: string,
  severity: 'none' | 'warn',
  read: (
    facts: PodFacts,
    usage: NonNullable<ReturnType<PodFacts['index']['usage']>>,
  ) => { readonly headline: string; readonly says: string } | undefined,
): PodState => ({
  id,
  key,
  title,
  gate: 'progressing',
  severity,
  match: (facts) => {
    const usage = facts.phase === 'Running' ? facts.index.usage(facts.namespace, facts.name) : undefined;
    const found = usage && read(facts, usage);
    return found === undefined
      ? undefined
      : {
          headline: found.headline,
          diagnose: () => ({
            causes:
              severity === 'none'
                ? []
                : [
                    cause(
                      `${id}.usage`,
                      'likely',
                      found.says,
                      editOwner(facts, 'Change its requests and limits'),
                    ),
                  ],
            items: [
              item(
                `${id}.usage`,
                'progressing',
                title,
                severity === 'none' ? 'info' : 'warn',
                evidence('measured', found.headline),
              ),
            ],
          }),
        };
  },
});

const throttled = metered('J5', 'cpu.throttled', 'Its CPU limit slows it down', 'warn', (_, usage) =>
  (usage.cpuThrottled ?? 0) >= 0.25 && (usage.forMs ?? 0) >= 300_000
    ? {
        headline: `CPU throttled ${percent(usage.cpuThrottled ?? 0)}`,
        says: `it is throttled ${percent(usage.cpuThrottled ?? 0)} of the time by its CPU limit`,
      }
    : undefined,
);
const nearLimit = metered('J6', 'mem.near-limit', 'It is close to its memory limit', 'warn', (_, usage) =>
  (usage.memory ?? 0) >= 0.9 && (usage.forMs ?? 0) >= 120_000
    ? {
        headline: `memory at ${percent(usage.memory ?? 0)} of the limit`,
        says: `its memory is at ${percent(usage.memory ?? 0)} of the limit: it will soon be OOM-killed`,
      }
    : undefined,
);
const gpuMemory = metered('J9', 'gpu.mem-high', 'Its GPU memory is nearly full', 'none', (_, usage) =>
  (usage.gpuMemory ?? 0) >= 0.95
    ? { headline: `GPU memory ${percent(usage.gpuMemory ?? 0)}`, says: '' }
    : undefined,
);
const dataBound = metered('J13', 'dataload.bound', 'The GPU waits for data', 'warn', (_, usage) =>
  (usage.gpuBusy ?? 1) < 0.5 &&
  (usage.gpuBusy ?? 0) > 0.05 &&
  (usage.cpuThrottled ?? 0) >= 0.1 &&
  (usage.forMs ?? 0) >= 300_000
    ? {
        headline: `GPU busy only ${percent(usage.gpuBusy ?? 0)}, CPU at its limit`,
        says: 'the GPU waits for data: the CPUs that load it are at their limit',
      }
    : undefined,
);
const volumeFull = metered('J15', 'volume.near-full', 'A volume is nearly full', 'warn', (_, usage) =>
  (usage.volume ?? 0) >= 0.9
    ? {
        headline: `volume ${usage.volumeName ?? ''} ${percent(usage.volume ?? 0)} full`,
        says: `volume ${usage.volumeName ?? ''} is ${percent(usage.volume ?? 0)} full`,
      }
    : undefined,
);
const waste = metered('J19', 'waste', 'It uses little of what it holds', 'none', (facts, usage) =>
  asksGpu(facts) && (usage.gpuBusy ?? 1) <= 0.1 && (usage.forMs ?? 0) >= 2 * 3600_000
    ? { headline: `GPU ${percent(usage.gpuBusy ?? 0)} for ${span(usage.forMs ?? 0)}`, says: '' }
    : undefined,
);
const leak = metered('J7', 'mem.leak', 'Its memory grows from run to run', 'warn', (facts, usage) =>
  facts.containers.some((container) => container.restarts >= 3 && container.last?.reason === 'OOMKilled') &&
  (usage.memory ?? 0) >= 0.5 &&
  (usage.forMs ?? 0) >= 1_800_000
    ? {
        headline: `memory grows, ${percent(usage.memory ?? 0)} of the limit`,
        says: 'its memory grows until it is OOM-killed, run after run: a leak',
      }
    : undefined,
);

export const readyStates: readonly PodState[] = [nodeNotReady, startupProbe, gate, readiness];
/** It runs, and its log complains of a service that is provably not reachable. */
const dependencyDown: PodState = {
  id: 'L7',
  key: 'dependency.unreachable',
  gate: 'reachable',
  severity: 'warn',
  title: 'A service that it needs cannot be reached',
  match: (facts) => {
    if (facts.phase !== 'Running' || facts.object === undefined) return undefined;
    for (const { container, log } of runningLogs(facts)) {
      const hit = scan(log);
      if (hit === undefined || !['connection', 'dns', 'nccl-net'].includes(hit.signature.id)) continue;
      const found = dependency(facts, hit);
      if (found.text === '') continue;
      const built = signatureCause(facts, container, hit, false);
      const blocked = found.item?.id === 'L7.policy';
      return {
        headline: brief(`${found.host} cannot be reached${found.text}`, 100),
        diagnose: () => ({
          causes: [blocked ? { ...built.cause, id: 'L7.policy' } : built.cause],
          items: [
            item(
              'L7.log',
              'reachable',
              'What it needs can be reached',
              'warn',
              evidence('log', brief(hit.line, 200)),
            ),
            ...(found.item === undefined ? [] : [found.item]),
          ],
        }),
      };
    }
    return undefined;
  },
};

export const overlayStates: readonly PodState[] = [
  deviceUnhealthy,
  stalled,
  saysTrouble,
  runningWords('J10', 'gpu.unhealthy', 'A GPU is broken', ['xid', 'ecc', 'nvml-lost', 'nvlink']),
  runningWords('J12', 'shm.too-small', 'Shared memory is too small', ['shm-bus', 'nccl-shm']),
  runningWords('L9', 'rendezvous.failed', 'Ranks do not find each other', [
    'rdzv-timeout',
    'rdzv-dns',
    'ssh',
  ]),
  waitingWords(['ray-wait', 'rdzv-connect', 'tpu-wait']),
  runningWords('J14', 'nccl.straggler', 'A rank holds the others up', [
    'nccl-watchdog',
    'nccl-net',
    'nccl-system',
    'nccl-remote',
  ]),
  runningWords('H5', 'oom.child', 'A child process was killed for memory', [
    'dl-killed',
    'child-killed',
    'ray-oom',
  ]),
  dependencyDown,
  resize,
  leak,
  nearLimit,
  throttled,
  dataBound,
  volumeFull,
  gpuMemory,
  waste,
];
