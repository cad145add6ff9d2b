import { nameOf } from '../evidence-index.ts';
import { exitMeaning } from '../exit-codes.ts';
import { undoRollout } from '../fixes.ts';
import { type Ending, killer } from '../killer.ts';
import { type ContainerFacts, isTrue, type PastRun, type PodFacts, statusPath } from '../pod-facts.ts';
import { lastWords, type SignatureHit, scan } from '../program-log.ts';
import { brief, count, list, span, text } from '../read.ts';
import type { Cause, Item, ObjectRef, Want } from '../report.ts';
import {
  cause,
  type Diagnosis,
  evidence,
  item,
  type Match,
  type PodState,
  said,
  unknown,
  wantLog,
} from '../state.ts';

export interface Crash {
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
export function crashOf(facts: PodFacts): Crash | undefined {
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

export const limitOf = (container: ContainerFacts, resource: string): string =>
  text(container.status, 'resources', 'limits', resource) ||
  text(container.spec, 'resources', 'limits', resource);

export const place = (container: ContainerFacts): string =>
  container.kind === 'main' ? '' : `${container.kind} ${container.name}: `;

export const runLength = (run: PastRun): string | undefined =>
  run.startedAt === undefined || run.finishedAt === undefined
    ? undefined
    : span(run.finishedAt - run.startedAt);

export const where = (crash: Crash): string =>
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
    ? [wantLog(facts, crash.container.name, !crash.present)]
    : [];

/** Another revision of the same Deployment still runs: the change is worth a look. */
export function changeCause(facts: PodFacts): Cause | undefined {
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

export function diagnoseCrash(
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

export const crashState = (
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
