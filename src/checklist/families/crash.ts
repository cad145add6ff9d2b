import { labelsOf, nameOf } from '../evidence-index.ts';
import { exitMeaning } from '../exit-codes.ts';
import {
  changeTemplate,
  describe,
  editOwner,
  getObject,
  halfAgain,
  kubectl,
  readLog,
  setResources,
  targetOf,
  undoRollout,
} from '../fixes.ts';
import { type Ending, killer } from '../killer.ts';
import {
  type ContainerFacts,
  isTrue,
  lastEvent,
  type PastRun,
  type PodFacts,
  podFacts,
  specPath,
  statusPath,
  toldContainer,
} from '../pod-facts.ts';
import { at, brief, count, list, record, span, strings, text } from '../read.ts';
import type { Cause, Evidence, Item, ObjectRef, Verdict, Want } from '../report.ts';
import { lastWords, programLog, type SignatureHit, scan } from '../signatures.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, said, unknown } from '../state.ts';
import { matchExecFormat } from './configuration.ts';
import { blockedBy } from './network-policy.ts';

interface Crash {
  readonly container: ContainerFacts;
  readonly run: PastRun;
  readonly ending: Ending;
  /** True while the run that ended is the present state, not lastState. */
  readonly present: boolean;
  /** The best sign in termination message and logs. */
  readonly hit: SignatureHit | undefined;
  /** Where the hit or the last words stand. */
  readonly source: 'terminationMessage' | 'previous log' | 'log' | 'InferenceService' | undefined;
  readonly words: string | undefined;
}

const crashes = new WeakMap<PodFacts, Crash | 'none'>();

/** The container that keeps ending, and how. */
function crashOf(facts: PodFacts): Crash | undefined {
  const known = crashes.get(facts);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = findCrash(facts);
  crashes.set(facts, found ?? 'none');
  return found;
}

/** An OOM kill or a bad end before a good one; among equals the one that ended first. */
function findCrash(facts: PodFacts): Crash | undefined {
  const finished = facts.phase === 'Failed' || facts.phase === 'Succeeded';
  const candidates: {
    readonly container: ContainerFacts;
    readonly run: PastRun;
    readonly present: boolean;
    readonly weight: number;
  }[] = [];
  for (const container of facts.containers) {
    const { ended, last } = container;
    const initIsOver = container.kind === 'init' && isTrue(facts, 'Initialized');
    if (ended !== undefined && !initIsOver) {
      const bad = ended.exitCode !== 0 || ended.reason === 'OOMKilled';
      if (bad) candidates.push({ container, run: ended, present: true, weight: 4 });
      else if (
        !finished &&
        facts.restartPolicy === 'Always' &&
        container.kind !== 'init' &&
        container.restarts > 0
      )
        candidates.push({ container, run: ended, present: true, weight: 2 });
    } else if (
      container.state === 'waiting' &&
      container.reason === 'CrashLoopBackOff' &&
      last !== undefined
    ) {
      candidates.push({
        container,
        run: last,
        present: false,
        weight: last.exitCode === 0 && last.reason !== 'OOMKilled' ? 3 : 5,
      });
    } else if (
      last !== undefined &&
      container.restarts > 0 &&
      !(container.state === 'running' && container.ready) &&
      !initIsOver
    ) {
      candidates.push({ container, run: last, present: false, weight: last.exitCode === 0 ? 1 : 3 });
    }
  }
  candidates.sort((a, b) => b.weight - a.weight || (a.run.finishedAt ?? 0) - (b.run.finishedAt ?? 0));
  const chosen = candidates[0];
  const ending = chosen && killer(facts, chosen.container);
  if (chosen === undefined || ending === undefined) return undefined;
  return { ...chosen, ending, ...wordsOf(facts, chosen.container, chosen.run, chosen.present) };
}

/** KServe copies the last words of the container that loads the model to the InferenceService. */
function modelFailure(facts: PodFacts, container: ContainerFacts): string | undefined {
  const name = facts.labels['serving.kserve.io/inferenceservice'];
  if (name === undefined || !/^(?:storage-initializer|kserve-container)$/.test(container.name))
    return undefined;
  const service = facts.index.get('InferenceService', facts.namespace, name);
  return text(service, 'status', 'modelStatus', 'lastFailureInfo', 'message') || undefined;
}

/** The run that just ended is the current log while it is the present state, the previous one once another started. */
function wordsOf(
  facts: PodFacts,
  container: ContainerFacts,
  run: PastRun,
  present: boolean,
): Pick<Crash, 'hit' | 'source' | 'words'> {
  const current = facts.index.log(facts.namespace, facts.name, container.name, false);
  const previous = facts.index.log(facts.namespace, facts.name, container.name, true);
  const sources: readonly (readonly [Crash['source'], string | undefined])[] = [
    ['terminationMessage', run.message],
    ...(present
      ? ([
          ['log', current],
          ['previous log', previous],
        ] as const)
      : ([
          ['previous log', previous],
          ['log', current],
        ] as const)),
    ['InferenceService', modelFailure(facts, container)],
  ];
  let best: Pick<Crash, 'hit' | 'source' | 'words'> = { hit: undefined, source: undefined, words: undefined };
  for (const [source, log] of sources) {
    const hit = scan(log);
    const words = lastWords(log);
    if (hit !== undefined && (best.hit === undefined || hit.signature.rank > best.hit.signature.rank))
      best = { hit, source, words: best.words ?? words };
    else if (best.source === undefined && words !== undefined) best = { hit: undefined, source, words };
  }
  return best;
}

const limitOf = (container: ContainerFacts, resource: string): string =>
  text(container.status, 'resources', 'limits', resource) ||
  text(container.spec, 'resources', 'limits', resource);

const place = (container: ContainerFacts): string =>
  container.kind === 'main' ? '' : `${container.kind} ${container.name}: `;

const runLength = (run: PastRun): string | undefined =>
  run.startedAt === undefined || run.finishedAt === undefined
    ? undefined
    : span(run.finishedAt - run.startedAt);

const where = (crash: Crash): string =>
  statusPath(crash.container, crash.present ? 'state.terminated' : 'lastState.terminated');

function endItem(facts: PodFacts, crash: Crash, title: string): Item {
  const { run, container } = crash;
  const length = runLength(run);
  return item(
    'H.end',
    'staysUp',
    title,
    'fail',
    evidence(
      'last end',
      `${run.reason || 'ended'}, exit ${run.exitCode}: ${exitMeaning(run.exitCode).meaning}`,
      where(crash),
      { at: run.finishedAt },
    ),
    ...(length === undefined ? [] : [evidence('ran for', length)]),
    ...(container.restarts > 0
      ? [evidence('restarts', String(container.restarts), statusPath(container, 'restartCount'))]
      : []),
    ...(crash.ending.event === undefined ? [] : [said(crash.ending.event)]),
    ...(facts.restartPolicy === 'Always'
      ? []
      : [evidence('restartPolicy', facts.restartPolicy, 'spec.restartPolicy')]),
  );
}

function logItem(crash: Crash): Item {
  if (crash.hit !== undefined)
    return item(
      'H.log',
      'staysUp',
      'What the program said',
      'fail',
      evidence(
        crash.source ?? 'log',
        brief(crash.hit.line, 300),
        crash.source === 'terminationMessage' ? `${where(crash)}.message` : undefined,
      ),
    );
  if (crash.words !== undefined)
    return item(
      'H.log',
      'staysUp',
      'What the program said',
      'info',
      evidence(
        crash.source ?? 'log',
        brief(crash.words, 300),
        crash.source === 'terminationMessage' ? `${where(crash)}.message` : undefined,
      ),
    );
  return unknown('H.log', 'staysUp', 'What the program said', 'needsProbe');
}

const wantsLog = (facts: PodFacts, crash: Crash): readonly Want[] =>
  crash.source === undefined || crash.source === 'InferenceService'
    ? [
        {
          kind: 'log',
          namespace: facts.namespace,
          pod: facts.name,
          container: crash.container.name,
          previous: !crash.present,
        },
      ]
    : [];

/** Another revision of the same Deployment still runs: the change is worth a look. */
function changeCause(facts: PodFacts): Cause | undefined {
  const mine = facts.owners[0];
  if (mine?.kind !== 'ReplicaSet' || mine.object === undefined) return undefined;
  const deployment = facts.owners[1]?.name;
  if (deployment === undefined) return undefined;
  const older = facts.index
    .inNamespace('ReplicaSet', facts.namespace)
    .find(
      (other) =>
        nameOf(other) !== mine.name &&
        other.metadata?.ownerReferences?.some((ref) => ref.name === deployment) === true &&
        (count(other, 'status', 'readyReplicas') ?? 0) > 0 &&
        (other.metadata?.creationTimestamp ?? '') < (mine.object?.metadata?.creationTimestamp ?? ''),
    );
  if (older === undefined) return undefined;
  const image = (object: unknown): string =>
    list(object, 'spec', 'template', 'spec', 'containers')
      .map((entry) => text(entry, 'image'))
      .join(', ');
  const change =
    image(older) === image(mine.object)
      ? 'same image, another template'
      : `image ${image(older)} → ${image(mine.object)}`;
  return cause(
    'H10.after-change',
    'likely',
    `it began with the newest revision: pods of ${nameOf(older)}, the revision before, are ready (${change})`,
    undoRollout(facts),
  );
}

function diagnoseCrash(
  facts: PodFacts,
  crash: Crash,
  causes: readonly (Cause | undefined)[],
  title = 'It stays up',
  more: readonly Item[] = [],
  explainedBy?: ObjectRef,
): Diagnosis {
  const change = changeCause(facts);
  return {
    ...(explainedBy === undefined ? {} : { explainedBy }),
    causes: [...causes, change].filter((entry) => entry !== undefined),
    items: [endItem(facts, crash, title), logItem(crash), ...more],
    wants: wantsLog(facts, crash),
  };
}

const memoryVolumes = (facts: PodFacts): readonly Evidence[] =>
  list(facts.object, 'spec', 'volumes')
    .filter((volume) => text(volume, 'emptyDir', 'medium') === 'Memory')
    .map((volume) =>
      evidence(
        `memory volume ${text(volume, 'name')}`,
        `${text(volume, 'emptyDir', 'sizeLimit') || 'no sizeLimit'}: counts toward the limit`,
        `spec.volumes[${text(volume, 'name')}].emptyDir`,
      ),
    );

function oomCauses(facts: PodFacts, crash: Crash, id: string, verdict: Verdict): readonly Cause[] {
  const { container, hit } = crash;
  const limit = limitOf(container, 'memory');
  const typo = /m$/.test(limit) ? ' ("m" means thousandths of a byte: use Mi)' : '';
  const length = runLength(crash.run);
  const runs = length === undefined ? '' : `, ${length} after it started`;
  const raise = setResources(
    facts,
    container,
    'Raise the memory limit',
    `--limits=memory=${halfAgain(limit)}`,
  );
  const main =
    limit === '' && at(container.spec, 'resources') === undefined
      ? cause(
          `${id}.limit`,
          verdict,
          `${place(container)}out of memory: container ${container.name} was killed (OOMKilled)${runs}; its memory limit is not in the evidence`,
          getObject('See its limit', 'pod', facts.namespace, facts.name, '-o', 'yaml'),
          readLog(facts, container.name, !crash.present),
        )
      : limit === ''
        ? cause(
            `${id}.no-limit`,
            verdict,
            `${place(container)}killed for memory (OOMKilled) without a limit of its own: the node or the pod's cgroup ran out`,
            editOwner(facts, 'Set a memory request and limit'),
            describe('node', '', facts.node || 'NODE'),
          )
        : cause(
            `${id}.limit`,
            verdict,
            `${place(container)}out of memory: container ${container.name} hit its memory limit ${limit}${typo}${runs}`,
            raise,
            readLog(facts, container.name, !crash.present),
          );
  const log =
    hit !== undefined &&
    hit.signature.rank >= 40 &&
    hit.signature.id !== 'child-killed' &&
    hit.signature.id !== 'dl-killed'
      ? [
          cause(
            `H4.log-${hit.signature.id}`,
            'possible',
            `beside it the log says: ${brief(hit.line, 120)} (${hit.signature.meaning})`,
          ),
        ]
      : [];
  return [main, ...log];
}

const oomItems = (facts: PodFacts, crash: Crash): readonly Item[] => [
  item(
    'H4.limit',
    'staysUp',
    'Memory limit',
    'info',
    evidence(
      'limit',
      limitOf(crash.container, 'memory') || 'none',
      specPath(crash.container, 'resources.limits.memory'),
    ),
    ...memoryVolumes(facts),
  ),
  unknown('H4.usage', 'staysUp', 'Memory used before the kill', 'noSource'),
];

const crashState = (
  id: string,
  key: string,
  title: string,
  build: (facts: PodFacts, crash: Crash) => Match | undefined,
  gate: PodState['gate'] = 'staysUp',
): PodState => ({
  id,
  key,
  title,
  gate,
  severity: 'bad',
  match: (facts) => {
    const crash = crashOf(facts);
    const match = crash && build(facts, crash);
    return match === undefined || crash === undefined
      ? undefined
      : { since: firstFailure(facts, crash), ...match };
  },
});

/** The earliest sign of the present failure. */
function firstFailure(facts: PodFacts, crash: Crash): number | undefined {
  const started = facts.events.find(
    (event) => event.reason === 'BackOff' || event.reason === 'Unhealthy',
  )?.first;
  return started === undefined ? crash.run.finishedAt : Math.min(started, crash.run.finishedAt ?? started);
}

const oom = crashState('H4', 'oom.container', 'A container exceeds its memory limit', (facts, crash) => {
  if (crash.ending.by !== 'oom' || crash.container.kind === 'init') return undefined;
  const limit = limitOf(crash.container, 'memory');
  return {
    headline: `${place(crash.container)}OOM${limit !== '' ? ` at limit ${limit}` : at(crash.container.spec, 'resources') === undefined ? 'Killed' : ' killed, no limit'}`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        oomCauses(facts, crash, 'H4', 'proven'),
        'It stays within its memory',
        oomItems(facts, crash),
      ),
  };
});

const oomInit = crashState(
  'H7',
  'oom.init',
  'An init container exceeds its memory limit',
  (facts, crash) => {
    if (crash.ending.by !== 'oom' || crash.container.kind !== 'init') return undefined;
    const limit = limitOf(crash.container, 'memory');
    return {
      headline: `init ${crash.container.name}: OOM${limit === '' ? '' : ` at limit ${limit}`}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          oomCauses(facts, crash, 'H7', 'proven'),
          'The init container stays within its memory',
          oomItems(facts, crash),
        ),
    };
  },
  'initDone',
);

function probeBudget(
  container: ContainerFacts,
  kind: 'livenessProbe' | 'startupProbe',
): { readonly seconds: number; readonly text: string } | undefined {
  const probe = at(container.spec, kind);
  if (probe === undefined) return undefined;
  const initial = count(probe, 'initialDelaySeconds') ?? 0;
  const period = count(probe, 'periodSeconds') ?? 10;
  const failures = count(probe, 'failureThreshold') ?? 3;
  const seconds = initial + period * failures;
  return { seconds, text: `${initial}s + ${failures} × ${period}s = ${seconds}s` };
}

function probeText(probe: unknown): string {
  const http = at(probe, 'httpGet');
  if (http !== undefined) return `GET ${text(http, 'path') || '/'} on port ${text(http, 'port')}`;
  const tcp = at(probe, 'tcpSocket');
  if (tcp !== undefined) return `TCP port ${text(tcp, 'port')}`;
  const grpc = at(probe, 'grpc');
  if (grpc !== undefined) return `gRPC port ${text(grpc, 'port')}`;
  return `command ${list(probe, 'exec', 'command').map(String).join(' ')}`;
}

/** How a probe fails, and what that means. */
export function probeReading(message: string): string {
  const body = message.replace(/^(?:Liveness|Readiness|Startup) probe (?:failed|errored):\s*/, '');
  if (/statuscode: 404/.test(body)) return 'the path does not exist (404)';
  if (/statuscode: 401|statuscode: 403/.test(body)) return 'the path asks for credentials';
  const code = /statuscode: (\d+)/.exec(body)?.[1];
  if (code !== undefined) return `it answers ${code}`;
  if (/connection refused/.test(body)) return 'nothing listens on that port';
  if (/context deadline exceeded|Client\.Timeout|timed out|timeout/i.test(body))
    return 'it does not answer within the timeout';
  if (/no such file|not found|executable file not found/i.test(body))
    return `the probe's command or file is not there: ${brief(body, 80)}`;
  if (/server gave HTTP response to HTTPS|malformed HTTP|tls:/i.test(body))
    return 'HTTP and HTTPS are mixed up';
  return brief(body, 100);
}

/** A probe's port against the ports that the container declares. */
function portItem(container: ContainerFacts, probe: unknown, id: string): Item | undefined {
  const port =
    text(probe, 'httpGet', 'port') || text(probe, 'tcpSocket', 'port') || text(probe, 'grpc', 'port');
  const declared = list(container.spec, 'ports').map((entry) => ({
    name: text(entry, 'name'),
    port: text(entry, 'containerPort'),
  }));
  if (port === '' || declared.length === 0) return undefined;
  const fits = declared.some((entry) => entry.name === port || entry.port === port);
  return item(
    id,
    'ready',
    'The probed port is one that the container declares',
    fits ? 'pass' : 'warn',
    evidence('probe', port, specPath(container, 'ports')),
    evidence(
      'declared',
      declared.map((entry) => (entry.name === '' ? entry.port : `${entry.name}=${entry.port}`)).join(', '),
    ),
  );
}

function matchProbeKill(
  facts: PodFacts,
  crash: Crash,
  kind: 'livenessProbe' | 'startupProbe',
  id: string,
): Match {
  const word = kind === 'livenessProbe' ? 'liveness' : 'startup';
  const unhealthy = lastEvent(facts.events, ['Unhealthy'], new RegExp(`^${word} probe`, 'i'))?.event;
  const reading = unhealthy === undefined ? undefined : probeReading(unhealthy.message);
  const probe = at(crash.container.spec, kind);
  const budget = probeBudget(crash.container, kind);
  const missed = portItem(crash.container, probe, `${id}.port`);
  const progress = programLog(
    facts.index.log(facts.namespace, facts.name, crash.container.name, true) ??
      facts.index.log(facts.namespace, facts.name, crash.container.name, false),
  );
  const loading =
    progress !== undefined &&
    /[Ll]oading|[Dd]ownload(?:ing)?|shards|Compiling|warm.?up|%\||Starting/.test(progress.slice(-2000));
  const proof = crash.ending.event;
  const detail =
    missed?.status === 'warn'
      ? `; it probes ${probeText(probe)}, which the container does not declare`
      : probe === undefined
        ? ''
        : ` (${probeText(probe)}${budget === undefined ? '' : `; it has ${span(budget.seconds * 1000)} after the start`})`;
  const text = `the kubelet kills ${crash.container.name} because its ${word} probe fails: ${reading ?? 'the reason is gone with its event'}${detail}`;
  const slow = reading !== undefined && /nothing listens|timeout/.test(reading) && budget !== undefined;
  return {
    headline: `${place(crash.container)}killed by ${word} probe${reading === undefined ? '' : `: ${brief(reading, 60)}`}`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            `${id}.probe`,
            proof === undefined ? 'likely' : 'proven',
            text,
            editOwner(
              facts,
              kind === 'livenessProbe' && slow
                ? 'Add a startupProbe, or raise timeoutSeconds and failureThreshold'
                : `Correct the ${word} probe`,
            ),
            readLog(facts, crash.container.name, true),
            describe('pod', facts.namespace, facts.name),
          ),
          slow && loading
            ? cause(
                `${id}.slow-start`,
                'likely',
                `it was still loading when it was killed: the probe allows ${budget.text}`,
                editOwner(facts, 'Raise failureThreshold of the startupProbe'),
              )
            : undefined,
          crash.hit !== undefined && crash.hit.signature.rank >= 40
            ? cause(
                `${id}.log-${crash.hit.signature.id}`,
                'likely',
                `its log says why it does not answer: ${brief(crash.hit.line, 140)}`,
              )
            : undefined,
        ],
        `The ${word} probe succeeds`,
        [
          ...(unhealthy === undefined
            ? []
            : [item(`${id}.probe`, 'staysUp', `${word} probe`, 'fail', said(unhealthy))]),
          ...(budget === undefined
            ? []
            : [
                item(
                  `${id}.budget`,
                  'staysUp',
                  'Time until the kill',
                  'info',
                  evidence('budget', budget.text, specPath(crash.container, kind)),
                  ...(runLength(crash.run) === undefined
                    ? []
                    : [evidence('it ran', runLength(crash.run) ?? '')]),
                ),
              ]),
          ...(missed === undefined ? [] : [missed]),
          ...(crash.run.reason === 'OOMKilled'
            ? []
            : [
                item(
                  `${id}.oom`,
                  'staysUp',
                  'Out of memory',
                  'pass',
                  evidence('reason', `${crash.run.reason}, not OOMKilled`, `${where(crash)}.reason`),
                ),
              ]),
        ],
      ),
  };
}

const liveness = crashState('H8', 'kill.liveness', 'Killed by its liveness probe', (facts, crash) =>
  crash.ending.by === 'liveness' ? matchProbeKill(facts, crash, 'livenessProbe', 'H8') : undefined,
);
const startupKill = crashState('H9', 'kill.startup', 'Killed by its startup probe', (facts, crash) =>
  crash.ending.by === 'startup' ? matchProbeKill(facts, crash, 'startupProbe', 'H9') : undefined,
);

const nodeMemory = crashState('H6', 'oom.node', 'The node ran out of memory', (facts, crash) => {
  const { event } = crash.ending;
  if (crash.ending.by !== 'nodeMemory' || event === undefined) return undefined;
  return {
    headline: `${place(crash.container)}killed: node ${facts.node} ran out of memory`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            'H6.node',
            'proven',
            `node ${facts.node} ran out of memory and the kernel killed it: ${brief(event.message, 120)}`,
            editOwner(facts, 'Request the memory that it needs'),
            kubectl('See who uses the memory', 'read', '', ['top', 'pods', '-A', '--sort-by=memory']),
            describe('node', '', facts.node),
          ),
        ],
        'The node has memory',
        [item('H6.event', 'staysUp', 'The node had memory', 'fail', said(event))],
      ),
  };
});

const ownMemory = crashState('H5', 'oom.child', 'A process was killed for memory', (facts, crash) => {
  const { event } = crash.ending;
  if (crash.ending.by !== 'ownMemory' || event === undefined) return undefined;
  const limit = limitOf(crash.container, 'memory');
  return {
    headline: `${place(crash.container)}OOM in its own cgroup${limit === '' ? '' : ` at limit ${limit}`}`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            'H5.cgroup',
            'likely',
            `out of memory: the kernel killed a process of the container at its own memory limit${limit === '' ? '' : ` ${limit}`}, not for the node's memory: ${brief(event.message, 120)}`,
            setResources(
              facts,
              crash.container,
              'Raise the memory limit',
              `--limits=memory=${halfAgain(limit)}`,
            ),
            readLog(facts, crash.container.name, !crash.present),
          ),
        ],
        'It stays within its memory',
        [
          item('H5.event', 'staysUp', 'The kernel killed nothing of it', 'fail', said(event)),
          ...oomItems(facts, crash),
        ],
      ),
  };
});

const statusLost = crashState('I9', 'status.unknown', 'The node lost track of it', (facts, crash) => {
  if (crash.ending.by !== 'statusLost' && crash.ending.by !== 'runtimeLost') return undefined;
  const rebooted = facts.index
    .nodeEvents(facts.node)
    .findLast(
      (event) =>
        event.reason === 'Rebooted' || event.reason === 'Starting' || event.reason === 'NodeNotReady',
    );
  const node = facts.node === '' ? 'the node' : `node ${facts.node}`;
  const says =
    rebooted?.reason === 'Rebooted'
      ? `${node} was rebooted, the container did not fail by itself`
      : `${node} restarted, lost its runtime or was drained while the container ran; exit ${crash.run.exitCode} is made up, no out-of-memory and no crash of the program`;
  return {
    headline:
      rebooted?.reason === 'Rebooted'
        ? `node ${facts.node} was rebooted`
        : 'status lost: node or runtime restarted',
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            'I9.lost',
            rebooted?.reason === 'Rebooted' ? 'proven' : 'likely',
            says,
            describe('node', '', facts.node || 'NODE'),
            facts.phase === 'Failed'
              ? kubectl('Remove the dead pod', 'reversible', facts.namespace, ['delete', 'pod', facts.name])
              : undefined,
          ),
        ],
        'The node kept track of it',
        rebooted === undefined
          ? []
          : [item('I9.node', 'nodeAdmits', 'The node stayed up', 'fail', said(rebooted))],
      ),
  };
});

/** exit 137 without a sender: what could have done it, never a guess called fact. */
const sigkill = crashState(
  'H3',
  'crash.by-code',
  'Ended by a signal or a telling exit code',
  (facts, crash) => {
    if (crash.ending.by !== 'sigkill') return undefined;
    const { container } = crash;
    const limit = limitOf(container, 'memory');
    const hasProbe =
      facts.object === undefined ||
      at(container.spec, 'livenessProbe') !== undefined ||
      at(container.spec, 'startupProbe') !== undefined;
    const probe = hasProbe
      ? cause(
          'H3.liveness',
          'possible',
          'the liveness probe may have failed: one is defined, and the event that would prove it is gone',
          kubectl('Wait for the next kill and its event', 'read', facts.namespace, [
            'get',
            'events',
            '--field-selector',
            `involvedObject.name=${facts.name}`,
          ]),
        )
      : undefined;
    const startup =
      at(container.spec, 'startupProbe') === undefined ? undefined : probeBudget(container, 'startupProbe');
    const ran =
      crash.run.startedAt === undefined || crash.run.finishedAt === undefined
        ? undefined
        : (crash.run.finishedAt - crash.run.startedAt) / 1000;
    // Killed just when the budget of its startup probe ran out, again and again.
    if (
      startup !== undefined &&
      ran !== undefined &&
      ran >= startup.seconds - 15 &&
      ran <= startup.seconds + 60
    )
      return {
        ...matchProbeKill(facts, crash, 'startupProbe', 'H9'),
        headline: `${place(container)}killed after ${span(ran * 1000)}, the budget of its startup probe`,
      };
    const memory =
      limit === ''
        ? undefined
        : cause(
            'H4.limit',
            hasProbe ? 'possible' : 'likely',
            `SIGKILL with a memory limit of ${limit} and no probe kill: probably out of memory, though the runtime did not say so`,
            setResources(facts, container, 'Raise the memory limit', `--limits=memory=${halfAgain(limit)}`),
            readLog(facts, container.name, !crash.present),
          );
    const outside = cause(
      'H3.sigkill',
      'possible',
      'SIGKILL from outside: the node ran out of memory, a launcher killed its peers, someone killed the process, or the grace period ended',
      describe('node', '', facts.node || 'NODE'),
    );
    const log =
      crash.hit !== undefined && crash.hit.signature.rank >= 40
        ? cause(
            `${crash.hit.signature.state}.${crash.hit.signature.id}`,
            'likely',
            `${crash.hit.signature.meaning}: ${brief(crash.hit.line, 140)}`,
            readLog(facts, container.name, !crash.present),
          )
        : undefined;
    return {
      headline:
        log !== undefined
          ? `${place(container)}killed (137): ${brief(crash.hit?.signature.meaning ?? '', 60)}`
          : !hasProbe && limit !== ''
            ? `${place(container)}SIGKILL, probably OOM at limit ${limit}`
            : `${place(container)}SIGKILL (137), sender unknown`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [log, ...(hasProbe ? [probe, memory, outside] : [memory, outside])],
          'Who killed it',
          [unknown('H3.sender', 'staysUp', 'Who sent SIGKILL', 'eventExpired')],
        ),
    };
  },
);

/** The host that a line is about where the pattern caught none: a name, or the address of a Service. */
function hostIn(facts: PodFacts, line: string): string {
  const named =
    /lookup ([\w.-]+)|host ?name "([^"]+)"|resolve host:? '?([\w.-]+)|(?:getaddrinfo \w+|ENOTFOUND|EAI_AGAIN) ([\w.-]+)|https?:\/\/([a-z][\w.-]*)/i
      .exec(line)
      ?.slice(1)
      .find((entry) => entry !== undefined);
  if (named !== undefined) return named;
  const address = /\b(\d{1,3}(?:\.\d{1,3}){3})\b/.exec(line)?.[1];
  const service =
    address === undefined
      ? undefined
      : facts.index.of('Service').find((entry) => text(entry, 'spec', 'clusterIP') === address);
  return service === undefined ? '' : `${nameOf(service)}.${service.metadata?.namespace ?? ''}`;
}

/**
 * SIGKILL, a memory limit, and no probe that could have sent it: out of memory that the runtime did not see in time
 * (recorded: the same program at the same limit ends OOMKilled or Error 137).
 */
const probableOom: PodState = {
  ...oom,
  key: 'oom.probable',
  title: 'Killed, most likely at its memory limit',
  match: (facts) => {
    const crash = facts.object === undefined ? undefined : crashOf(facts);
    if (crash === undefined || crash.ending.by !== 'sigkill' || crash.hit !== undefined) return undefined;
    const { container } = crash;
    const probed = ['livenessProbe', 'startupProbe'].some((kind) => at(container.spec, kind) !== undefined);
    return probed || limitOf(container, 'memory') === '' ? undefined : sigkill.match(facts);
  },
};

/** Where a host:port of a log leads to in the cluster. */
export function dependency(
  facts: PodFacts,
  hit: SignatureHit,
): { readonly text: string; readonly item: Item | undefined; readonly host: string } {
  const host =
    hit.captures
      .find((entry) => /[a-z]/i.test(entry) && !/^(?:dial|tcp|connect)$/.test(entry))
      ?.replace(/:\d+$/, '') ?? hostIn(facts, hit.line);
  const [name = '', namespace = facts.namespace] = host.replace(/\.svc.*$/, '').split('.');
  const service = name === '' ? undefined : facts.index.get('Service', namespace, name);
  if (service === undefined) {
    const elsewhere =
      name === '' ? undefined : facts.index.of('Service').find((entry) => nameOf(entry) === name);
    if (elsewhere !== undefined)
      return {
        text: `; a Service ${name} exists in namespace ${elsewhere.metadata?.namespace}, not in ${namespace}`,
        item: undefined,
        host,
      };
    return {
      text:
        facts.index.listed('Service') && host !== '' && !host.includes('.') && host !== 'localhost'
          ? `; there is no Service ${name} in namespace ${namespace}`
          : '',
      item: undefined,
      host,
    };
  }
  const selector = strings(service, 'spec', 'selector');
  const pods =
    Object.keys(selector).length === 0
      ? []
      : facts.index
          .inNamespace('Pod', namespace)
          .filter((pod) => Object.entries(selector).every(([key, value]) => labelsOf(pod)[key] === value));
  const ready = pods.filter((pod) =>
    list(pod, 'status', 'conditions').some(
      (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
    ),
  );
  const says =
    pods.length === 0
      ? `; Service ${name} selects no pod`
      : ready.length === 0
        ? `; Service ${name} has no ready pod (${pods.map(nameOf).slice(0, 3).join(', ')})`
        : '';
  const closed = ready.length === 0 ? undefined : blockedBy(facts, ready);
  if (closed !== undefined)
    return {
      text: `; NetworkPolicy ${closed} does not allow it`,
      item: item(
        'L7.policy',
        'reachable',
        `Network policies allow it to reach ${name}`,
        'fail',
        evidence('NetworkPolicy', closed, 'spec', {
          ref: { kind: 'NetworkPolicy', namespace, name: closed },
        }),
      ),
      host,
    };
  return {
    text: says,
    item: item(
      'H1.dependency',
      'staysUp',
      `Service ${name} has ready pods`,
      ready.length > 0 ? 'pass' : 'fail',
      evidence('pods', `${ready.length} ready of ${pods.length}`, 'spec.selector', {
        ref: { kind: 'Service', namespace, name },
      }),
    ),
    host,
  };
}

/** A container that asks for no GPU while another of the pod does. */
function gpuElsewhere(facts: PodFacts, container: ContainerFacts): string | undefined {
  const gpu = (entry: ContainerFacts): string | undefined =>
    Object.keys(record(entry.spec, 'resources', 'limits')).find((name) =>
      /gpu|gaudi|neuron|tpu|mig-/.test(name),
    );
  if (gpu(container) !== undefined || container.spec === undefined) return undefined;
  const other = facts.containers.find((entry) => entry !== container && gpu(entry) !== undefined);
  return other === undefined
    ? 'none of the containers requests a GPU'
    : `container ${other.name} requests the GPU, ${container.name} does not`;
}

const shmMount = (facts: PodFacts, container: ContainerFacts): boolean =>
  list(container.spec, 'volumeMounts').some(
    (mount) =>
      text(mount, 'mountPath') === '/dev/shm' &&
      list(facts.object, 'spec', 'volumes').some((volume) => text(volume, 'name') === text(mount, 'name')),
  );

/** What the program's words mean for this pod, as causes and fixes. */
export function signatureCause(
  facts: PodFacts,
  container: ContainerFacts,
  hit: SignatureHit,
  previous: boolean,
): { readonly cause: Cause; readonly item: Item | undefined; readonly label: string } {
  const { signature, line, captures } = hit;
  const id = `${signature.state}.${signature.id}`;
  const log = readLog(facts, container.name, previous);
  const make = (
    says: string,
    label: string,
    ...fixes: readonly Parameters<typeof cause>[3][]
  ): { readonly cause: Cause; readonly item: Item | undefined; readonly label: string } => ({
    cause: cause(id, 'likely', says, ...fixes, log),
    item: undefined,
    label,
  });
  const quoted = brief(line, 160);
  switch (signature.state) {
    case 'J12':
      return make(
        `shared memory is exhausted: ${shmMount(facts, container) ? 'the volume at /dev/shm is too small' : 'nothing is mounted at /dev/shm, so it has the default 64Mi'} (${quoted})`,
        '/dev/shm is too small',
        changeTemplate(facts, 'Mount a memory volume at /dev/shm', (target) => [
          'patch',
          target.resource,
          target.name,
          '--type=strategic',
          '-p',
          `{"spec":{"template":{"spec":{"volumes":[{"name":"dshm","emptyDir":{"medium":"Memory","sizeLimit":"8Gi"}}],"containers":[{"name":"${container.name}","volumeMounts":[{"name":"dshm","mountPath":"/dev/shm"}]}]}}}}`,
        ]),
      );
    case 'J11': {
      const wrong = /no-cuda/.test(signature.id) ? gpuElsewhere(facts, container) : undefined;
      return make(
        wrong === undefined
          ? `${signature.meaning}: ${quoted}`
          : `no GPU in container ${container.name}: ${wrong} (${quoted})`,
        wrong ?? signature.meaning,
        wrong === undefined
          ? kubectl('See driver and CUDA of the node', 'read', '', [
              'get',
              'node',
              facts.node || 'NODE',
              '-L',
              'nvidia.com/cuda.driver-version.full,nvidia.com/gpu.product',
            ])
          : setResources(facts, container, 'Request the GPU in this container', '--limits=nvidia.com/gpu=1'),
      );
    }
    case 'J10':
      return make(
        `a GPU of node ${facts.node} is broken: ${signature.meaning} (${quoted})`,
        `GPU fault: ${signature.meaning}`,
        kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
        describe('node', '', facts.node || 'NODE'),
      );
    case 'H15':
      return make(
        /oom|alloc|kv|free-mem/.test(signature.id)
          ? `GPU memory, not container memory: ${quoted}; a higher memory limit does not help`
          : `${signature.meaning}: ${quoted}`,
        /oom/.test(signature.id) ? 'CUDA out of memory' : signature.meaning,
        editOwner(
          facts,
          /oom|kv|free-mem/.test(signature.id)
            ? 'Use a smaller batch, context or share of the GPU, or more GPUs'
            : signature.checks,
        ),
      );
    case 'H14':
      return make(
        `a file system is full: ${quoted}`,
        'no space left on device',
        editOwner(facts, 'Write to a larger volume, or raise the limit'),
      );
    case 'H5':
      return make(
        `a child process was killed, most likely for memory: ${quoted}; the container itself was not marked OOMKilled (limit ${limitOf(container, 'memory') || 'none'})`,
        'child process killed (memory)',
        setResources(
          facts,
          container,
          'Raise the memory limit, or use fewer workers',
          `--limits=memory=${halfAgain(limitOf(container, 'memory'))}`,
        ),
      );
    case 'L9':
    case 'L6': {
      const found = dependency(facts, hit);
      return {
        ...make(
          `${signature.meaning}: ${quoted}${found.text}`,
          `${signature.meaning}${found.host === '' ? '' : `: ${found.host}`}`,
          getObject('See the services and their endpoints', 'services,endpointslices', facts.namespace),
          signature.state === 'L6'
            ? kubectl('Look at cluster DNS', 'read', 'kube-system', ['get', 'pods', '-l', 'k8s-app=kube-dns'])
            : undefined,
        ),
        item: found.item,
      };
    }
  }
  switch (signature.id) {
    case 'connection': {
      const found = dependency(facts, hit);
      return {
        ...make(
          `a service that it needs does not answer${found.host === '' ? '' : ` (${found.host})`}: ${quoted}${found.text}`,
          `dependency unreachable${found.host === '' ? '' : `: ${found.host}`}`,
          getObject('See the services and their endpoints', 'services,endpointslices', facts.namespace),
        ),
        item: found.item,
      };
    }
    case 'file-missing':
    case 'ckpt-missing': {
      const path =
        captures.find((entry) => entry.startsWith('/')) ?? /['" ](\/[\w./-]+)/.exec(line)?.[1] ?? '';
      const mount = list(container.spec, 'volumeMounts')
        .map((entry) => text(entry, 'mountPath'))
        .filter((mounted) => path.startsWith(mounted))
        .sort((a, b) => b.length - a.length)[0];
      const says =
        path === ''
          ? ''
          : mount === undefined
            ? '; nothing is mounted there, so the image must hold it'
            : `; it lies in the volume mounted at ${mount}`;
      return make(
        `a file that it needs is not there: ${quoted}${container.spec === undefined ? '' : says}`,
        `file missing${path === '' ? '' : `: ${path}`}`,
        editOwner(facts, 'Correct the path, or mount the volume that holds it'),
      );
    }
    case 'rbac':
      return make(
        `its ServiceAccount ${captures[0] ?? ''} may not ${captures[1] ?? 'do'} ${captures[2] ?? 'this'}: ${quoted}`,
        'forbidden by RBAC',
        kubectl('Check the right', 'read', facts.namespace, [
          'auth',
          'can-i',
          captures[1] ?? 'get',
          captures[2] ?? 'pods',
          `--as=system:serviceaccount:${captures[0] ?? ''}`,
        ]),
      );
    case 'missing-env':
      return make(
        `an environment variable is missing: ${quoted}`,
        `missing environment variable${captures[0] === undefined ? '' : ` ${captures[0]}`}`,
        changeTemplate(facts, 'Set the variable', (target) => [
          'set',
          'env',
          `${target.resource}/${target.name}`,
          '-c',
          container.name,
          `${captures[0] ?? 'NAME'}=VALUE`,
        ]),
      );
    case 'py-traceback':
    case 'go-panic': {
      const words =
        lastWords(
          facts.index.log(facts.namespace, facts.name, container.name, previous) ??
            facts.index.log(facts.namespace, facts.name, container.name, !previous),
        ) ??
        lastWords((container.ended ?? container.last)?.message) ??
        line;
      return make(
        `the program fails: ${brief(words, 160)}`,
        brief(words, 80),
        editOwner(facts, 'Correct the program or its configuration'),
      );
    }
    default:
      return make(
        `${signature.meaning}: ${quoted}`,
        brief(signature.meaning, 70),
        editOwner(facts, `Look at: ${signature.checks.split(';')[0]}`),
      );
  }
}

/** The crash says so in its own words: the state is the one that the words stand for. */
/** What the ranks say that only feel that another one is gone. */
const symptoms = new Set([
  'nccl-watchdog',
  'nccl-remote',
  'nccl-system',
  'nccl-net',
  'nccl-cuda',
  'elastic-child',
  'store-broken',
  'vllm-engine',
  'rdzv-timeout',
  'ray-gcs',
  'connection',
]);

const gangLabels = [
  'training.kubeflow.org/job-name',
  'jobset.sigs.k8s.io/jobset-name',
  'leaderworkerset.sigs.k8s.io/name',
  'volcano.sh/job-name',
  'ray.io/cluster',
  'batch.kubernetes.io/job-name',
  'job-name',
];

/** The pod of the same job that ended first, with a reason of its own (gpu.md 6.1). */
function firstOfGang(
  facts: PodFacts,
  crash: Crash,
): { readonly pod: PodFacts; readonly crash: Crash; readonly why: string } | undefined {
  const label = gangLabels.find((key) => facts.labels[key] !== undefined);
  if (label === undefined || crash.hit === undefined || !symptoms.has(crash.hit.signature.id))
    return undefined;
  const mine = crash.run.finishedAt ?? facts.now;
  let first: { readonly pod: PodFacts; readonly crash: Crash; readonly why: string } | undefined;
  for (const object of facts.index.inNamespace('Pod', facts.namespace)) {
    if (nameOf(object) === facts.name || text(object, 'metadata', 'labels', label) !== facts.labels[label])
      continue;
    const pod = podFacts(object, facts.index);
    const other = crashOf(pod);
    if (other === undefined || (other.run.finishedAt ?? facts.now) > mine) continue;
    const own =
      other.hit !== undefined && !symptoms.has(other.hit.signature.id)
        ? other.hit.signature.meaning
        : other.run.reason === 'OOMKilled'
          ? 'out of memory'
          : pod.reason;
    if (own === '' || own === undefined) continue;
    if (first === undefined || (other.run.finishedAt ?? 0) < (first.crash.run.finishedAt ?? 0))
      first = { pod, crash: other, why: own };
  }
  return first;
}

const byWords = (id: string, key: string, title: string): PodState =>
  crashState(id, key, title, (facts, crash) => {
    const { hit } = crash;
    if (hit === undefined || hit.signature.state !== id || crash.ending.by === 'oom') return undefined;
    if (id === 'H1' && hit.signature.rank < 5) return undefined;
    const found = signatureCause(facts, crash.container, hit, !crash.present);
    const items = found.item === undefined ? [] : [found.item];
    return {
      headline: `${place(crash.container)}${brief(found.label, 90)}`,
      diagnose: () => {
        const first = firstOfGang(facts, crash);
        if (first === undefined)
          return diagnoseCrash(facts, crash, [found.cause], 'The program works', items);
        const root = cause(
          'H15.peer-failed-first',
          'likely',
          `another rank failed first: ${first.pod.name}${first.pod.node === '' ? '' : ` on node ${first.pod.node}`}: ${first.why}${first.crash.hit === undefined ? '' : ` (${brief(first.crash.hit.line, 120)})`}; this one only felt it`,
          readLog(first.pod, first.crash.container.name, !first.crash.present),
          describe('pod', facts.namespace, first.pod.name),
        );
        return {
          ...diagnoseCrash(facts, crash, [root, found.cause], 'The program works', items),
          explainedBy: { kind: 'Pod', namespace: facts.namespace, name: first.pod.name },
        };
      },
    };
  });

const execFormatLog = crashState(
  'G5',
  'image.exec-format',
  'Built for another architecture',
  (facts, crash) =>
    crash.hit?.signature.id === 'exec-format'
      ? matchExecFormat(facts, crash.container, crash.hit.line, undefined)
      : undefined,
  'started',
);

const exitZero = crashState('H2', 'crash.exit0', 'It finishes, and is started again', (facts, crash) => {
  if (crash.run.exitCode !== 0 || crash.ending.by !== 'itself' || crash.container.kind === 'init')
    return undefined;
  const target = targetOf(facts);
  const command = [...list(crash.container.spec, 'command'), ...list(crash.container.spec, 'args')]
    .map(String)
    .join(' ');
  return {
    headline: `${place(crash.container)}exits 0 again and again: a task run as a service`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            'H2.finishes',
            'proven',
            `container ${crash.container.name} finishes without an error (exit 0) and restartPolicy Always starts it again${command === '' ? ': its image runs no lasting process' : `: ${brief(command, 80)} ends by itself`}; ${target.kind === 'Pod' ? 'use restartPolicy OnFailure or a Job' : 'run it in the foreground, or use a Job'}`,
            editOwner(facts, 'Run it in the foreground'),
            readLog(facts, crash.container.name, !crash.present),
          ),
        ],
        'It keeps running',
      ),
  };
});

function codeCause(facts: PodFacts, crash: Crash, id: string): Cause {
  const { container, run } = crash;
  const meaning = exitMeaning(run.exitCode);
  const said = crash.words === undefined ? '' : `: ${brief(crash.words, 160)}`;
  const command = [...list(container.spec, 'command'), ...list(container.spec, 'args')].map(String).join(' ');
  const hint = crash.words === undefined && command !== '' ? ` (it runs: ${brief(command, 100)})` : '';
  return cause(
    `${id}.exit-${run.exitCode}`,
    crash.source === 'terminationMessage' ? 'proven' : crash.words === undefined ? 'possible' : 'likely',
    `${place(container)}container ${container.name} ends with exit code ${run.exitCode}: ${meaning.meaning}${said}${hint}`,
    readLog(facts, container.name, !crash.present),
    editOwner(facts, `Look at ${meaning.look}`),
    facts.owners.length > 0 || facts.restartPolicy !== 'Always'
      ? undefined
      : kubectl('Try it by hand in a copy', 'reversible', facts.namespace, [
          'debug',
          facts.name,
          '-it',
          `--copy-to=${facts.name}-dbg`,
          `--container=${container.name}`,
          '--',
          'sh',
        ]),
  );
}

const telling = new Set([
  126, 127, 128, 129, 130, 131, 132, 134, 135, 136, 137, 139, 141, 143, 152, 153, 159, 255,
]);

const byCode = crashState(
  'H3',
  'crash.by-code',
  'Ended by a signal or a telling exit code',
  (facts, crash) => {
    const { run, container } = crash;
    if (
      !telling.has(run.exitCode) ||
      crash.ending.by === 'oom' ||
      crash.ending.by === 'eviction' ||
      crash.ending.by === 'deletion'
    )
      return undefined;
    const meaning = exitMeaning(run.exitCode).meaning;
    return {
      headline: `${place(container)}exit ${run.exitCode}: ${brief(crash.words ?? meaning, 80)}`,
      diagnose: () => diagnoseCrash(facts, crash, [codeCause(facts, crash, 'H3')]),
    };
  },
);

/** SIGBUS is shared memory, unless the program says otherwise. */
const sigbus = crashState('J12', 'shm.too-small', 'Shared memory is too small', (facts, crash) => {
  if (crash.run.exitCode !== 135 || crash.hit !== undefined) return undefined;
  const mounted = facts.object === undefined || shmMount(facts, crash.container);
  return {
    headline: `${place(crash.container)}SIGBUS (135): ${mounted ? 'shared memory or a mapped file' : '/dev/shm has only 64Mi'}`,
    diagnose: () =>
      diagnoseCrash(
        facts,
        crash,
        [
          cause(
            'J12.sigbus',
            'likely',
            `SIGBUS: shared memory is exhausted${mounted ? '' : ', nothing is mounted at /dev/shm, so it has the default 64Mi'}`,
            changeTemplate(facts, 'Mount a memory volume at /dev/shm', (target) => [
              'edit',
              target.resource,
              target.name,
            ]),
            readLog(facts, crash.container.name, !crash.present),
          ),
          cause(
            'H3.exit-135',
            'possible',
            'a file that it maps was cut short (NFS), or an ECC error of the memory',
          ),
        ],
        'Shared memory suffices',
      ),
  };
});

/** The validator only shows what its node lacks: the node is the finding. */
function validated(facts: PodFacts): ObjectRef | undefined {
  if (!facts.name.startsWith('nvidia-operator-validator') || facts.node === '') return undefined;
  const node = facts.index.get('Node', '', facts.node);
  return node !== undefined && Number(text(node, 'status', 'allocatable', 'nvidia.com/gpu') || 0) === 0
    ? { kind: 'Node', namespace: '', name: facts.node }
    : undefined;
}

const initFailing = crashState(
  'H11',
  'init.failing',
  'An init container fails',
  (facts, crash) => {
    if (crash.container.kind === 'main' || isTrue(facts, 'Initialized') || crash.run.exitCode === 0)
      return undefined;
    const { hit } = crash;
    const words = crash.words;
    const found = hit === undefined ? undefined : signatureCause(facts, crash.container, hit, !crash.present);
    const label =
      hit !== undefined && hit.signature.id !== 'py-traceback'
        ? (found?.label ?? '')
        : (words ?? exitMeaning(crash.run.exitCode).meaning);
    return {
      headline: `${crash.container.kind} ${crash.container.name} fails, exit ${crash.run.exitCode}: ${brief(label, 70)}`,
      diagnose: () =>
        diagnoseCrash(
          facts,
          crash,
          [
            found === undefined
              ? { ...codeCause(facts, crash, 'H11'), id: `H11.exit-${crash.run.exitCode}` }
              : { ...found.cause, text: `init container ${crash.container.name} fails: ${found.cause.text}` },
          ],
          'Init containers finish',
          found?.item === undefined ? [] : [found.item],
          validated(facts),
        ),
    };
  },
  'initDone',
);

const appCrash = crashState('H1', 'crash.app', 'The program fails', (facts, crash) => {
  const { run, container } = crash;
  if (run.exitCode === 0) return undefined;
  const label = crash.words ?? exitMeaning(run.exitCode).meaning;
  return {
    headline: `${place(container)}exit ${run.exitCode}: ${brief(label, 90)}`,
    diagnose: () => diagnoseCrash(facts, crash, [codeCause(facts, crash, 'H1')]),
  };
});

/** A pod of which only events are known, in back-off by them. */
function toldOnly(facts: PodFacts): ContainerFacts | undefined {
  const found =
    facts.phase === '' && facts.containers.length === 0
      ? lastEvent(facts.events, ['BackOff'], /restarting failed container(?:[ =](\S+))?/)
      : undefined;
  return found && toldContainer(found.event, found.match?.[1] ?? 'main', 'CrashLoopBackOff');
}

/** In back-off, and nothing says how the run before ended: not reported, or pasted without. */
const backOffOnly: PodState = {
  id: 'H1',
  key: 'crash.app',
  gate: 'staysUp',
  severity: 'bad',
  title: 'The program fails',
  match: (facts) => {
    const container =
      facts.containers.find((entry) => entry.state === 'waiting' && entry.reason === 'CrashLoopBackOff') ??
      toldOnly(facts);
    if (container === undefined) return undefined;
    const hit =
      scan(facts.index.log(facts.namespace, facts.name, container.name, true)) ??
      scan(facts.index.log(facts.namespace, facts.name, container.name, false));
    const probe = lastEvent(facts.events, ['Killing', 'Unhealthy'], /[Ll]iveness probe/);
    const found = hit === undefined ? undefined : signatureCause(facts, container, hit, true);
    return {
      headline: `${place(container)}${found?.label ?? (probe === undefined ? `crash loop, ${container.restarts} restarts, last end unknown` : 'killed by liveness probe')}`,
      since: lastEvent(facts.events, ['BackOff'])?.event.first,
      diagnose: () => ({
        causes: [
          ...(found === undefined ? [] : [found.cause]),
          ...(probe === undefined
            ? []
            : [
                cause(
                  'H8.probe',
                  'likely',
                  `the kubelet kills ${container.name} because its liveness probe fails: ${probeReading(probe.event.message)}`,
                  editOwner(facts, 'Correct the liveness probe'),
                ),
              ]),
          cause(
            'H1.unknown',
            'possible',
            `container ${container.name} ends soon after each start; how is not reported`,
            readLog(facts, container.name, true),
            describe('pod', facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'H1.backoff',
            'staysUp',
            'It stays up',
            'fail',
            evidence(
              'waiting',
              container.message || container.reason,
              statusPath(container, 'state.waiting'),
            ),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
          unknown('H.log', 'staysUp', 'What the program said', 'needsProbe'),
        ],
        wants: [
          {
            kind: 'log',
            namespace: facts.namespace,
            pod: facts.name,
            container: container.name,
            previous: true,
          },
        ],
      }),
    };
  },
};

/** Still running after five minutes, and nothing behind it can start. */
export const initHanging: PodState = {
  id: 'H11',
  key: 'init.hanging',
  gate: 'initDone',
  severity: 'bad',
  title: 'An init container does not finish',
  match: (facts) => {
    if (facts.phase !== 'Pending' || isTrue(facts, 'Initialized')) return undefined;
    const container =
      facts.containers.find((entry) => entry.kind === 'init' && entry.state === 'running') ??
      facts.containers.find(
        (entry) => entry.kind === 'sidecar' && entry.state === 'running' && entry.started === false,
      );
    if (container === undefined) return undefined;
    const ran = facts.now - (container.startedAt ?? facts.now);
    const log = facts.index.log(facts.namespace, facts.name, container.name, false);
    const words = lastWords(log);
    const command = list(container.spec, 'command')
      .concat(list(container.spec, 'args'))
      .map(String)
      .join(' ');
    const waits =
      /wait(?:ing)?(?: for)?[^\n]*?([\w.-]+)[: ](\d{2,5})/i.exec(words ?? '') ??
      /\b(?:nc|ncat|telnet|wait-for(?:-it)?(?:\.sh)?|nslookup|pg_isready|mysqladmin|redis-cli|getent hosts|ping|dig|host)\s(?:-+[\w-]+[ =]*(?:\d+\s+)?)*([a-z][\w.-]*)(?:[: ]+(\d{2,5}))?/i.exec(
        command,
      ) ??
      /https?:\/\/([a-z][\w.-]*)(?::(\d{2,5}))?/i.exec(command);
    const progress = words !== undefined && /%|download|fetch|MB|GB|copy|shard|loading/i.test(words);
    if (ran < 5 * 60_000 || (progress && ran < 60 * 60_000)) return undefined;
    const position = facts.containers.filter((entry) => entry.kind !== 'main').indexOf(container) + 1;
    const total = facts.containers.filter((entry) => entry.kind !== 'main').length;
    const [name = '', namespace = facts.namespace] = (waits?.[1] ?? '').split('.');
    const service = facts.index.find('Service', namespace, name);
    const pods =
      service.state === 'present'
        ? facts.index
            .inNamespace('Pod', namespace)
            .filter((pod) =>
              Object.entries(strings(service.object, 'spec', 'selector')).every(
                ([key, value]) => labelsOf(pod)[key] === value,
              ),
            )
        : [];
    const ready = pods.some((pod) =>
      list(pod, 'status', 'conditions').some(
        (entry) => text(entry, 'type') === 'Ready' && text(entry, 'status') === 'True',
      ),
    );
    const detail =
      waits === null
        ? ''
        : service.state === 'missing'
          ? `: it waits for ${waits[1]}, and there is no such Service`
          : service.state === 'present' && !ready
            ? `: it waits for ${waits[1]}, whose Service has no ready pod`
            : `: it waits for ${waits[1]}`;
    return {
      headline: `${container.kind} ${container.name} (${position} of ${total}) runs for ${span(ran)}${brief(detail, 60)}`,
      since: container.startedAt,
      diagnose: () => ({
        causes: [
          cause(
            detail === '' ? 'H11.hanging' : 'H11.dependency',
            service.state !== 'unknown' && detail !== '' && !ready ? 'proven' : 'likely',
            `init container ${container.name} does not finish${detail}${words === undefined ? '' : `; it says: ${brief(words, 120)}`}`,
            readLog(facts, container.name, false),
            name === ''
              ? undefined
              : getObject('See the service that it waits for', 'service', namespace, name),
            editOwner(facts, 'Give the wait a limit'),
          ),
        ],
        items: [
          item(
            'H11.running',
            'initDone',
            'Init containers finish',
            'fail',
            evidence(
              container.name,
              `running for ${span(ran)}`,
              statusPath(container, 'state.running.startedAt'),
              { at: container.startedAt },
            ),
          ),
          ...(words === undefined
            ? [unknown('H11.log', 'initDone', 'What it says', 'needsProbe')]
            : [item('H11.log', 'initDone', 'What it says', 'info', evidence('log', brief(words, 300)))]),
        ],
        wants:
          words === undefined
            ? [
                {
                  kind: 'log',
                  namespace: facts.namespace,
                  pod: facts.name,
                  container: container.name,
                  previous: false,
                },
              ]
            : [],
      }),
    };
  },
};

/** Out of memory says it once. */
const tellingKill = (facts: PodFacts, container: ContainerFacts): boolean =>
  /^(?:oom|nodeMemory|ownMemory)$/.test(killer(facts, container)?.by ?? '');

/** Ready now, but it did not stay up for long. */
export const flapping: PodState = {
  id: 'H12',
  key: 'crash.flapping',
  gate: 'staysUp',
  severity: 'warn',
  title: 'It restarts again and again',
  match: (facts) => {
    const container = facts.containers.find(
      (entry) =>
        entry.restarts >= (tellingKill(facts, entry) ? 1 : 3) &&
        entry.state === 'running' &&
        entry.last !== undefined &&
        facts.now - (entry.last.finishedAt ?? 0) < 60 * 60_000,
    );
    if (container?.last === undefined) return undefined;
    const ending = killer(facts, container);
    const { last } = container;
    const limit = limitOf(container, 'memory');
    const hit = scan(facts.index.log(facts.namespace, facts.name, container.name, true));
    const why =
      ending?.by === 'oom'
        ? `OOM at limit ${limit || 'of the node'}`
        : ending?.by === 'nodeMemory'
          ? `node ${facts.node} ran out of memory: ${brief(ending.event?.message ?? '', 80)}`
          : ending?.by === 'liveness'
            ? 'liveness probe'
            : ending?.by === 'startup'
              ? 'startup probe'
              : hit !== undefined
                ? signatureCause(facts, container, hit, true).label
                : `exit ${last.exitCode}: ${exitMeaning(last.exitCode).meaning}`;
    return {
      headline: `${container.restarts === 1 ? '1 restart' : `${container.restarts} restarts, last`} ${span(facts.now - (last.finishedAt ?? facts.now))} ago: ${brief(why, 70)}`,
      since: last.finishedAt,
      diagnose: () => ({
        causes: [
          cause(
            ending?.by === 'oom'
              ? 'H4.limit'
              : ending?.by === 'nodeMemory'
                ? 'H6.node'
                : ending?.by === 'liveness'
                  ? 'H8.probe'
                  : hit !== undefined
                    ? `${hit.signature.state}.${hit.signature.id}`
                    : 'H12.restarts',
            ending?.by === 'oom' || ending?.by === 'liveness' ? 'proven' : 'likely',
            `container ${container.name} restarted ${container.restarts === 1 ? 'once' : `${container.restarts} times`}: ${why}${hit === undefined ? '' : ` (${brief(hit.line, 120)})`}`,
            ending?.by === 'oom'
              ? setResources(
                  facts,
                  container,
                  'Raise the memory limit',
                  `--limits=memory=${halfAgain(limit)}`,
                )
              : readLog(facts, container.name, true),
            editOwner(facts, `Look at ${exitMeaning(last.exitCode).look}`),
          ),
        ],
        items: [
          item(
            'H12.last',
            'staysUp',
            'It stays up',
            'warn',
            evidence(
              'last end',
              `${last.reason}, exit ${last.exitCode}`,
              statusPath(container, 'lastState.terminated'),
              { at: last.finishedAt },
            ),
            evidence('restarts', String(container.restarts), statusPath(container, 'restartCount')),
          ),
        ],
        wants: [
          {
            kind: 'log',
            namespace: facts.namespace,
            pod: facts.name,
            container: container.name,
            previous: true,
          },
        ],
      }),
    };
  },
};

/** The same failures of a pod that is over: no retry follows. */
const ended = (state: PodState): PodState => ({
  ...state,
  id: 'I1',
  key: 'failed.error',
  title: 'It failed',
  match: (facts) => (facts.phase === 'Failed' ? state.match(facts) : undefined),
});

/** The newest revision fails where the one before still runs: said beside what fails. */
export const afterChange: PodState = {
  id: 'H10',
  key: 'crash.after-change',
  gate: 'staysUp',
  severity: 'warn',
  title: 'It began with the newest revision',
  match: (facts) => {
    const change = crashOf(facts) === undefined ? undefined : changeCause(facts);
    return change && { headline: brief(change.text, 90), diagnose: () => ({ causes: [change], items: [] }) };
  },
};

/** Restarted by a rule of its own spec: meant to be so. */
export const restartRule: PodState = {
  id: 'H13',
  key: 'restart.rule',
  gate: 'staysUp',
  severity: 'none',
  title: 'A restart rule of its own started it again',
  match: (facts) => {
    const container = facts.containers.find((entry) =>
      list(entry.spec, 'restartPolicyRules').some(
        (rule) =>
          text(rule, 'action').startsWith('Restart') &&
          list(rule, 'exitCodes', 'values').some((code) => code === entry.last?.exitCode),
      ),
    );
    if (container === undefined || container.state !== 'running') return undefined;
    return { headline: `restarted by its own rule after exit ${container.last?.exitCode}` };
  },
};

/** In the order in which they are asked; `killer()` decides first, then the program's words, then the code. */
/** A probe that fails, told by its event alone. */
const toldProbe: PodState = {
  id: 'J1',
  key: 'notready.readiness',
  gate: 'ready',
  severity: 'bad',
  title: 'The readiness probe fails',
  match: (facts) => {
    if (facts.phase !== '' || facts.containers.length > 0) return undefined;
    const found = lastEvent(facts.events, ['Unhealthy'], /^(Readiness|Liveness|Startup) probe/);
    if (found === undefined || found.event.count < 3) return undefined;
    const [kind = 'Readiness'] = [found.match?.[1]];
    const killed = kind !== 'Readiness';
    const reading = probeReading(found.event.message);
    return {
      headline: `${kind.toLowerCase()} probe fails: ${brief(reading, 70)}`,
      since: found.event.first,
      diagnose: () => ({
        causes: [
          cause(
            killed ? 'H8.probe' : 'J1.probe',
            'likely',
            `the ${kind.toLowerCase()} probe of ${found.event.container || 'the container'} fails: ${reading}${killed ? ', so the kubelet restarts it' : ''}`,
            describe('pod', facts.namespace, facts.name),
            kubectl('Read the log', 'read', facts.namespace, [
              'logs',
              facts.name,
              '--all-containers',
              '--tail=100',
            ]),
          ),
        ],
        items: [item('J1.probe', 'ready', 'Its probes pass', 'fail', said(found.event))],
      }),
    };
  },
};

export const toldStates: readonly PodState[] = [backOffOnly, toldProbe];

export const crashStates: readonly PodState[] = [
  liveness,
  startupKill,
  oomInit,
  oom,
  statusLost,
  nodeMemory,
  ownMemory,
  execFormatLog,
  byWords('J12', 'shm.too-small', 'Shared memory is too small'),
  initFailing,
  byWords('J11', 'cuda.unavailable', 'No usable GPU in the container'),
  byWords('J10', 'gpu.unhealthy', 'A GPU is broken'),
  byWords('H15', 'crash.ml', 'A known failure of ML software'),
  byWords('H14', 'crash.disk-full', 'A file system is full'),
  probableOom,
  sigkill,
  byWords('H5', 'oom.child', 'A child process was killed for memory'),
  byWords('L9', 'rendezvous.failed', 'Ranks do not find each other'),
  byWords('L6', 'dns.failed', 'A name does not resolve'),
  sigbus,
  exitZero,
  byWords('H3', 'crash.by-code', 'Ended by a signal or a telling exit code'),
  ended(byWords('H1', 'crash.app', 'The program fails')),
  byWords('H1', 'crash.app', 'The program fails'),
  byCode,
  ended(appCrash),
  appCrash,
  backOffOnly,
];
