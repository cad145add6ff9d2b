import { findTable } from '../resources/index.ts';
import { crashOf, diagnoseCrash } from './families/crash-facts.ts';
import { type Ending, killer } from './killer.ts';
import { fixesOf } from './pack-fixes.ts';
import { boundsOf, type Loop, type Scene } from './pack-scene.ts';
import { type Captures, fill } from './pack-template.ts';
import {
  type AddedState,
  defaultGate,
  packSeverity,
  type RawCause,
  type RawCheck,
  type RawExit,
  type RawPack,
  type RawState,
} from './pack-types.ts';
import { globs } from './pattern.ts';
import { type ContainerFacts, type PodFacts, statusPath } from './pod-facts.ts';
import { type Condition, compileCondition, type Finding, type Leaf, type Predicate } from './predicate.ts';
import {
  type Cause,
  type Gate,
  gates,
  type Item,
  type ObjectRef,
  type Verdict,
  type Want,
} from './report.ts';
import { sources } from './sources.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, statusOfTruth } from './state.ts';

/** `g15` or `progressing`. */
export const gateOf = (word: string | undefined): Gate | undefined =>
  gates.find((gate, position) => gate.id === word || `g${position}` === word)?.id;

/** `services` or `Service`. */
export const kindOfPlural = (word: string): string | undefined =>
  sources.find(({ kind, plural }) => kind === word || plural === word.toLowerCase())?.kind;

interface Held {
  readonly scene: Scene;
  readonly found: Finding;
}

/** The first of what is gone through for which the condition holds; the logs that would decide where none does. */
function firstHeld(
  condition: Condition,
  loop: Loop | undefined,
  facts: PodFacts,
): { readonly held: Held | undefined; readonly wants: readonly Want[] } {
  if (loop === undefined) {
    const scene = { facts, bound: undefined };
    const found = condition(scene);
    return found.truth === true
      ? { held: { scene, found }, wants: [] }
      : { held: undefined, wants: found.truth === undefined ? found.wants : [] };
  }
  const wants: Want[] = [];
  for (const bound of boundsOf(loop, facts) ?? []) {
    const scene = { facts, bound };
    const found = condition(scene);
    if (found.truth === true) return { held: { scene, found }, wants: [] };
    if (found.truth === undefined) wants.push(...found.wants);
  }
  return { held: undefined, wants };
}

const evidenceOf = (leaf: Leaf) =>
  evidence(leaf.label, leaf.value, leaf.path, leaf.at === undefined ? undefined : { at: leaf.at });

const isProof = (leaves: readonly Leaf[]): boolean => leaves.some((leaf) => leaf.isSaid !== true);

/** The answer to a check, with what it proves. */
interface Answer {
  readonly check: RawCheck;
  readonly item: Item;
  readonly isProof: boolean;
  readonly wants: readonly Want[];
}

function compileCheck(check: RawCheck, gate: Gate): (held: Held) => Answer {
  const condition = compileCondition(check.expect);
  const requires = (check.requires ?? []).map((word) => kindOfPlural(word) ?? word);
  return ({ scene, found: { captures } }) => {
    const missing = requires.find((kind) => !scene.facts.index.listed(kind));
    if (missing !== undefined) {
      const refused = scene.facts.index.find(missing, scene.facts.namespace, '?');
      const why = refused.state === 'unknown' ? refused.why : 'notWatched';
      // What was listed in this namespace alone is enough for a question about it.
      if (refused.state !== 'missing')
        return {
          check,
          isProof: false,
          wants: [],
          item: { ...item(check.id, gate, check.title, 'unknown'), why },
        };
    }
    const result = expectation(condition, check.forEach, scene);
    const status = statusOfTruth(result.truth);
    const told = status === 'fail' && check.severity !== undefined ? severityStatus[check.severity] : status;
    const actual = { ...captures, ...result.captures, actual: result.leaves[0]?.value ?? '' };
    const more = (check.evidence ?? []).map(({ label, value, jump }) => {
      const ref = jump === undefined ? undefined : refOf(fill(jump, scene, actual));
      return evidence(
        fill(label, scene, actual),
        fill(value, scene, actual),
        undefined,
        ref === undefined ? {} : { ref },
      );
    });
    return {
      check,
      isProof: isProof(result.leaves),
      wants: result.truth === undefined ? result.wants : [],
      item: {
        ...item(check.id, gate, check.title, told, ...result.leaves.map(evidenceOf), ...more),
        ...(status === 'unknown' ? { why: result.wants.length > 0 ? 'needsProbe' : 'notWatched' } : {}),
      },
    };
  };
}

const severityStatus = { info: 'info', warn: 'warn', fail: 'fail' } as const;

/** Of everything that is gone through it must hold. */
function expectation(condition: Condition, loop: Loop | undefined, scene: Scene): Finding {
  if (loop === undefined) return condition(scene);
  const bounds = boundsOf(loop, scene.facts);
  if (bounds === undefined) return { truth: undefined, leaves: [], captures: {}, wants: [] };
  const found = bounds.map((bound) => condition({ facts: scene.facts, bound }));
  const broken = found.find(({ truth }) => truth === false);
  if (broken !== undefined) return broken;
  return (
    found.find(({ truth }) => truth === undefined) ?? {
      truth: true,
      leaves: found.flatMap(({ leaves }) => leaves).slice(0, 5),
      captures: {},
      wants: [],
    }
  );
}

/** `svc/licenses/license` or `node/gpu-1`. */
function refOf(jump: string): ObjectRef | undefined {
  const [word = '', first = '', second] = jump.split('/');
  const kind = findTable(word.toLowerCase())?.kind;
  return kind === undefined || first === ''
    ? undefined
    : second === undefined
      ? { kind, namespace: '', name: first }
      : { kind, namespace: first, name: second };
}

const verdicts: readonly Verdict[] = ['proven', 'likely', 'possible', 'ruledOut'];

/** What a cause's own `verdict` and `refutes` make of the answers; words alone never prove. */
function verdictOf(
  raw: RawCause,
  answers: readonly Answer[],
  state: { readonly id: string; readonly isProof: boolean },
): Verdict | undefined {
  const failed = (id: string): boolean | undefined => {
    if (id === state.id) return state.isProof;
    const answer = answers.find(({ check }) => check.id === id);
    return answer !== undefined && ['fail', 'warn', 'info'].includes(answer.item.status)
      ? answer.isProof
      : undefined;
  };
  if (
    raw.refutes?.some((id) =>
      answers.some(({ check, item: { status } }) => check.id === id && status === 'pass'),
    )
  )
    return 'ruledOut';
  const proofs = (raw.verdict?.proven ?? []).map(failed).filter((proof) => proof !== undefined);
  if (proofs.includes(true)) return 'proven';
  if (proofs.length > 0 || (raw.verdict?.likely ?? []).some((id) => failed(id) !== undefined))
    return 'likely';
  if ((raw.verdict?.possible ?? []).some((id) => failed(id) !== undefined)) return 'possible';
  return undefined;
}

function causesOf(
  raw: Pick<RawState, 'id' | 'cause' | 'label'>,
  pack: RawPack,
  held: Held,
  answers: readonly Answer[],
): readonly Cause[] {
  const { scene, found } = held;
  const found0 = { id: raw.id, isProof: isProof(found.leaves) };
  const causes = (pack.causes ?? []).flatMap((entry) => {
    const broken = answers.filter(
      ({ check, item: { status } }) =>
        check.onFail?.cause === entry.id && ['fail', 'warn', 'info'].includes(status),
    );
    const isNamed = broken.length > 0 || raw.cause === entry.id;
    const own = entry.verdict === undefined && entry.refutes === undefined;
    const judged = own ? undefined : verdictOf(entry, answers, found0);
    if (!isNamed && (judged === undefined || judged === 'ruledOut')) return [];
    const verdict: Verdict =
      judged ??
      (broken.some((answer) => answer.isProof) ? 'proven' : broken.length > 0 || own ? 'likely' : 'possible');
    return [
      cause(
        entry.id,
        verdict,
        fill(entry.text, scene, found.captures),
        ...fixesOf(entry.fixes ?? [], pack, scene, found.captures),
      ),
    ];
  });
  if (causes.length === 0) return [cause(raw.id, 'likely', fill(raw.label ?? raw.id, scene, found.captures))];
  return causes.sort((a, b) => verdicts.indexOf(a.verdict) - verdicts.indexOf(b.verdict));
}

export function compileState(raw: RawState, pack: RawPack, line: number): AddedState {
  const gate = gateOf(raw.gate) ?? defaultGate;
  const label = raw.label ?? raw.id;
  const condition = compileCondition(raw.when);
  const checks = (pack.checks ?? [])
    .filter((check) => check.for.includes(raw.id))
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
    .map((check) => compileCheck(check, gate));

  function diagnose(held: Held): Diagnosis {
    const answers = checks.map((check) => check(held));
    const causes = causesOf(raw, pack, held, answers);
    return {
      items: [
        item(
          `${raw.id}.when`,
          gate,
          fill(label, held.scene, held.found.captures),
          raw.severity === undefined ? 'fail' : severityStatus[raw.severity],
          ...held.found.leaves.map(evidenceOf),
        ),
        ...answers.map((answer) => answer.item),
      ],
      causes: causes.length > 0 ? causes : [itself(held)],
      wants: answers.flatMap((answer) => answer.wants),
    };
  }

  /** Without a cause of its own the state is the cause: as sure as what it was seen by. */
  function itself({ scene, found }: Held): Cause {
    const isSeen = found.leaves.length > 0 && found.leaves.every((leaf) => leaf.isSaid !== true);
    return cause(raw.id, isSeen ? 'proven' : 'likely', fill(label, scene, found.captures));
  }

  const ask: AddedState['ask'] = (facts) => {
    const { held, wants } = firstHeld(condition, raw.forEach, facts);
    if (held === undefined) return { match: undefined, wants };
    const since = held.found.leaves.find(({ at }) => at !== undefined)?.at;
    const match: Match = {
      headline: fill(label, held.scene, held.found.captures),
      ...(since === undefined ? {} : { since }),
      diagnose: () => diagnose(held),
    };
    return { match, wants: [] };
  };
  const text = JSON.stringify(raw.when);
  return {
    id: raw.id,
    key: raw.id,
    pack: pack.metadata.name,
    line,
    subject: raw.subject ?? 'Pod',
    priority: raw.priority,
    raw,
    ask,
    asksWell: mayHoldOfWell(raw.when),
    isTimed: /"op":"age[GL]t"|"within"|"event"/.test(text),
    asksDeletion: text.includes('deletionTimestamp'),
    refines: [...text.matchAll(/"state":"([^"]+)"/g)].map((match) => match[1] ?? ''),
    state: {
      id: raw.id,
      key: raw.id,
      gate,
      title: label,
      severity: packSeverity[raw.severity ?? 'fail'],
      match: (facts) => ask(facts).match,
    },
  };
}

/** What the checks of a pack add to a built-in state; undefined when it has none for it. */
export function checksFor(
  state: Pick<PodState, 'id' | 'gate'>,
  pack: RawPack,
): ((facts: PodFacts) => Diagnosis) | undefined {
  const mine = (pack.checks ?? [])
    .filter((check) => check.for.includes(state.id))
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
    .map((check) => compileCheck(check, state.gate));
  if (mine.length === 0) return undefined;
  return (facts) => {
    const found: Finding = { truth: true, leaves: [], captures: {}, wants: [] };
    const held = { scene: { facts, bound: undefined }, found };
    const answers = mine.map((check) => check(held));
    return {
      items: answers.map((answer) => answer.item),
      causes: causesOf({ id: state.id }, pack, held, answers),
      wants: answers.flatMap((answer) => answer.wants),
    };
  };
}

/** Whether a condition can hold of a row that runs, is ready and has no container in trouble. */
function mayHoldOfWell(raw: Predicate): boolean {
  if ('all' in raw) return raw.all.every(mayHoldOfWell);
  if ('any' in raw) return raw.any.some(mayHoldOfWell);
  if ('not' in raw) return true;
  if ('state' in raw) return raw.state === 'healthy';
  // Of such a row nobody has read a log or measured anything.
  if ('log' in raw || 'metric' in raw) return false;
  if ('path' in raw) {
    if (raw.op === 'eq' && raw.path === 'status.phase') return raw.value === 'Running';
    if (/(?:state\.(?:waiting|terminated)|deletionTimestamp)/.test(raw.path))
      return raw.op === 'absent' || raw.op === 'ne' || raw.op === 'notIn';
  }
  return true;
}

/** Ends that are the program's own: what others did to it is told by built-in states, whatever the code. */
const ownEnds: ReadonlySet<Ending['by']> = new Set(['itself', 'signal', 'sigkill', 'sigterm']);

/** `corp/train:*` fits `registry.io/corp/train:7`: the registry may be left out. */
function fitsImage(glob: string, image: string): boolean {
  if (globs(glob, image)) return true;
  for (let slash = image.indexOf('/'); slash >= 0; slash = image.indexOf('/', slash + 1))
    if (globs(glob, image.slice(slash + 1))) return true;
  return false;
}

export function compileExit(raw: RawExit, pack: RawPack, line: number): AddedState {
  const codes = new Set([raw.code].flat());
  const { name } = pack.metadata;
  const id = raw.cause ?? `${name}.exit-${[...codes].join('-')}`;
  const isMine = (facts: PodFacts, entry: ContainerFacts): boolean => {
    const run = entry.ended ?? entry.last;
    if (run === undefined || !codes.has(run.exitCode)) return false;
    // Once it runs well again, how it ended before is history.
    if (entry.state === 'running' && entry.ready) return false;
    if (raw.image !== undefined && !fitsImage(raw.image, entry.image)) return false;
    return ownEnds.has(killer(facts, entry)?.by ?? 'itself');
  };

  function diagnose(facts: PodFacts, container: ContainerFacts, code: number): Diagnosis {
    const scene: Scene = { facts, bound: { name: container.name, object: undefined, container } };
    const captures: Captures = {};
    const known = pack.causes?.find((entry) => entry.id === raw.cause);
    const where = statusPath(container, container.ended === undefined ? 'lastState' : 'state', 'terminated');
    const text = `container ${container.name} ended with exit code ${code}: ${raw.means}`;
    const found = cause(
      known?.id ?? id,
      'proven',
      known === undefined
        ? `${text}${raw.docs === undefined ? '' : ` (see ${raw.docs})`}`
        : fill(known.text, scene, captures),
      ...fixesOf(known?.fixes ?? [], pack, scene, captures),
    );
    const mine = item(
      `${id}.code`,
      'staysUp',
      'It ends without an error',
      'fail',
      evidence('exit code', `${code}: ${raw.means}`, `${where}.exitCode`),
    );
    const crash = crashOf(facts);
    // With what the program itself said last, and the log that is worth reading.
    return crash === undefined
      ? { causes: [found], items: [mine] }
      : diagnoseCrash(facts, crash, [found], 'It stays up', [mine]);
  }

  const ask: AddedState['ask'] = (facts) => {
    const container = facts.containers.find((entry) => isMine(facts, entry));
    const run = container?.ended ?? container?.last;
    if (container === undefined || run === undefined) return { match: undefined, wants: [] };
    return {
      match: {
        headline: `exit ${run.exitCode}: ${raw.means}`,
        ...(run.finishedAt === undefined ? {} : { since: run.finishedAt }),
        diagnose: () => diagnose(facts, container, run.exitCode),
      },
      wants: [],
    };
  };
  return {
    id,
    key: `${id} ${[...codes].join(',')} ${raw.image ?? ''}`,
    pack: name,
    line,
    subject: 'Pod',
    priority: undefined,
    raw,
    ask,
    asksWell: false,
    isTimed: false,
    asksDeletion: false,
    refines: [],
    state: {
      id,
      key: id,
      gate: 'staysUp',
      title: raw.means,
      severity: packSeverity[raw.severity ?? 'fail'],
      match: (facts) => ask(facts).match,
    },
  };
}
