import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { podStates } from './classify.ts';
import { type AddedStates, objectStates } from './evaluate.ts';
import { targetOf } from './fixes.ts';
import type { PodFacts } from './pod-facts.ts';
import { durationMs, judge, operators, type Predicate, stepsOf, unsafePattern } from './predicate.ts';
import { type Cause, type Fix, type Gate, gates, type Item, type Risk, type Severity } from './report.ts';
import { cause, evidence, item, type Match, type PodState, statusOfTruth } from './state.ts';

interface LintProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface RulePack {
  readonly name: string;
  readonly version: string;
  readonly states: readonly {
    readonly id: string;
    readonly label: string;
    readonly severity: Severity;
    readonly gate: Gate;
    readonly priority: number;
  }[];
  readonly disabled: readonly string[];
  readonly tests: readonly PackTest[];
  readonly compiled: readonly PodState[];
}

interface PackTest {
  readonly name: string;
  /** Objects, a log per container, events: as in a recording. */
  readonly given: {
    readonly objects?: readonly unknown[];
    readonly pod?: unknown;
    readonly logs?: Readonly<Record<string, string>>;
    readonly now?: string;
  };
  readonly want: { readonly state: string; readonly cause?: string };
}

export interface LoadedPack {
  /** Undefined when a problem makes it unusable. */
  readonly pack: RulePack | undefined;
  readonly problems: readonly LintProblem[];
}

const maxNodes = 40;
const programs = new Set(['kubectl', 'helm', 'crane', 'mltop', 'argocd', 'flux']);
const risks: readonly Risk[] = ['read', 'reversible', 'disruptive', 'destructive', 'cluster'];
const topKeys = new Set([
  'apiVersion',
  'kind',
  'metadata',
  'params',
  'reads',
  'states',
  'checks',
  'causes',
  'fixes',
  'overrides',
  'tests',
  'exitCodes',
]);

interface RawState {
  readonly id: string;
  readonly when: Predicate;
  readonly gate?: Gate;
  readonly severity?: 'info' | 'warn' | 'fail';
  readonly label?: string;
  readonly priority?: number;
  readonly cause?: string;
}
interface RawCheck {
  readonly id: string;
  readonly title: string;
  readonly for: readonly string[];
  readonly order?: number;
  readonly expect: Predicate;
  readonly onFail?: { readonly cause?: string };
}
interface RawCause {
  readonly id: string;
  readonly text: string;
  readonly fixes?: readonly string[];
  readonly verdict?: unknown;
}
interface RawFix {
  readonly id: string;
  readonly title: string;
  readonly argv: readonly string[];
  readonly risk?: Risk;
  readonly note?: string;
}
interface RawExit {
  readonly image?: string;
  readonly code: number;
  readonly means: string;
  readonly cause?: string;
}
interface RawOverride {
  readonly id: string;
  readonly disabled?: boolean;
}
interface RawPack {
  readonly metadata?: { readonly name?: string; readonly version?: string };
  readonly params?: Readonly<Record<string, unknown>>;
  readonly states?: readonly RawState[];
  readonly checks?: readonly RawCheck[];
  readonly causes?: readonly RawCause[];
  readonly fixes?: readonly RawFix[];
  readonly overrides?: readonly RawOverride[];
  readonly exitCodes?: readonly RawExit[];
  readonly tests?: readonly PackTest[];
}

/** Ids of the built-in states, which an override may name. */
const builtInIds: ReadonlySet<string> = new Set(
  [...podStates, ...objectStates].flatMap((state) => [state.id, state.key]),
);

/** Reads a pack of YAML: data only, checked before it is used, each problem with its line. */
export function loadPack(source: string): LoadedPack {
  const counter = new LineCounter();
  const document = parseDocument(source, { lineCounter: counter, merge: false });
  const problems: LintProblem[] = document.errors.map((error) => ({
    line: counter.linePos(error.pos[0]).line,
    message: error.message.split('\n')[0] ?? '',
  }));
  if (problems.length > 0) return { pack: undefined, problems };
  const lint = linter(counter, problems);
  const root = document.contents;
  if (!isMap(root))
    return {
      pack: undefined,
      problems: [{ line: 1, message: 'a rule pack is a map with apiVersion, kind and metadata' }],
    };
  const raw = document.toJS({ maxAliasCount: 20 }) as RawPack;
  lintPack(root, raw, lint);
  if (problems.length > 0) return { pack: undefined, problems: problems.sort((a, b) => a.line - b.line) };
  return { pack: compile(raw), problems };
}

type Report = (node: unknown, message: string) => void;

const linter =
  (counter: LineCounter, problems: LintProblem[]): Report =>
  (node, message) => {
    const offset = (node as Node | undefined)?.range?.[0] ?? 0;
    problems.push({ line: counter.linePos(offset).line, message });
  };

const get = (node: unknown, key: string): unknown => (isMap(node) ? node.get(key, true) : undefined);
const entriesOf = (node: unknown): readonly unknown[] => (isSeq(node) ? node.items : []);
const scalarOf = (node: unknown): unknown => (isScalar(node) ? node.value : undefined);

function lintPack(root: unknown, raw: RawPack, report: Report): void {
  if (scalarOf(get(root, 'apiVersion')) !== 'mltop.dev/v1alpha1')
    report(get(root, 'apiVersion') ?? root, 'apiVersion must be mltop.dev/v1alpha1');
  if (scalarOf(get(root, 'kind')) !== 'RulePack') report(get(root, 'kind') ?? root, 'kind must be RulePack');
  if (typeof raw.metadata?.name !== 'string')
    report(get(root, 'metadata') ?? root, 'metadata.name is missing');
  if (isMap(root))
    for (const pair of root.items)
      if (!topKeys.has(String(scalarOf(pair.key))))
        report(pair.key, `unknown key ${String(scalarOf(pair.key))}`);
  const causeIds = new Set((raw.causes ?? []).map((entry) => entry.id));
  const fixIds = new Set((raw.fixes ?? []).map((entry) => entry.id));
  const stateIds = new Set((raw.states ?? []).map((entry) => entry.id));
  const seen = new Set<string>();
  for (const section of ['states', 'checks', 'causes', 'fixes'] as const) {
    for (const node of entriesOf(get(root, section))) {
      const id = scalarOf(get(node, 'id'));
      if (typeof id !== 'string' || !/^[\w-]+(?:\.[\w-]+)+$/.test(id))
        report(
          get(node, 'id') ?? node,
          `${section}: an id is needed, with a prefix of your own: acme.licence`,
        );
      else if (builtInIds.has(id))
        report(get(node, 'id'), `${id} is a built-in id: change it under overrides`);
      else if (seen.has(`${section}/${id}`)) report(get(node, 'id'), `${id} stands twice`);
      else seen.add(`${section}/${id}`);
    }
  }
  for (const node of entriesOf(get(root, 'states'))) {
    lintPredicate(get(node, 'when'), get(node, 'when') ?? node, report);
    const gate = scalarOf(get(node, 'gate'));
    if (gate !== undefined && gateOf(String(gate)) === undefined)
      report(get(node, 'gate'), `gate ${String(gate)}: not one of g0 to g15`);
    const severity = scalarOf(get(node, 'severity'));
    if (severity !== undefined && !['info', 'warn', 'fail'].includes(String(severity)))
      report(get(node, 'severity'), 'severity is info, warn or fail');
    const named = scalarOf(get(node, 'cause'));
    if (named !== undefined && !causeIds.has(String(named)))
      report(get(node, 'cause'), `no cause ${String(named)}`);
  }
  for (const node of entriesOf(get(root, 'checks'))) {
    if (typeof scalarOf(get(node, 'title')) !== 'string') report(node, 'a check needs a title');
    lintPredicate(get(node, 'expect'), get(node, 'expect') ?? node, report);
    for (const state of entriesOf(get(node, 'for')))
      if (!stateIds.has(String(scalarOf(state))) && !builtInIds.has(String(scalarOf(state))))
        report(state, `no state ${String(scalarOf(state))}`);
    const named = scalarOf(get(get(node, 'onFail'), 'cause'));
    if (named !== undefined && !causeIds.has(String(named)))
      report(get(get(node, 'onFail'), 'cause'), `no cause ${String(named)}`);
  }
  for (const node of entriesOf(get(root, 'causes'))) {
    if (typeof scalarOf(get(node, 'text')) !== 'string') report(node, 'a cause needs a text');
    for (const fix of entriesOf(get(node, 'fixes')))
      if (!fixIds.has(String(scalarOf(fix)))) report(fix, `no fix ${String(scalarOf(fix))}`);
  }
  for (const node of entriesOf(get(root, 'fixes'))) {
    const argv = entriesOf(get(node, 'argv')).map(scalarOf);
    if (argv.length === 0 || argv.some((word) => typeof word !== 'string' && typeof word !== 'number'))
      report(get(node, 'argv') ?? node, 'argv is a list of words');
    else if (!programs.has(String(argv[0])))
      report(
        get(node, 'argv'),
        `${String(argv[0])} may not be run by a pack; ${[...programs].join(', ')} may`,
      );
    const risk = scalarOf(get(node, 'risk'));
    if (risk !== undefined && !risks.includes(risk as Risk))
      report(get(node, 'risk'), `risk is one of ${risks.join(', ')}`);
  }
  for (const node of entriesOf(get(root, 'overrides'))) {
    const id = String(scalarOf(get(node, 'id')));
    if (!builtInIds.has(id)) report(get(node, 'id') ?? node, `override of ${id}: no such built-in id`);
  }
  for (const node of entriesOf(get(root, 'exitCodes'))) {
    if (typeof scalarOf(get(node, 'code')) !== 'number' || typeof scalarOf(get(node, 'means')) !== 'string')
      report(node, 'an exit code needs code (a number) and means (a text)');
    const named = scalarOf(get(node, 'cause'));
    if (named !== undefined && !causeIds.has(String(named)))
      report(get(node, 'cause'), `no cause ${String(named)}`);
  }
}

function lintPredicate(node: unknown, place: unknown, report: Report): void {
  let nodes = 0;
  const walk = (here: unknown): void => {
    nodes += 1;
    if (nodes > maxNodes) return;
    if (!isMap(here)) {
      report(here ?? place, 'a condition is one of all, any, not, path, event, log, state');
      return;
    }
    const [all, any, not, path, event, log, state] = [
      'all',
      'any',
      'not',
      'path',
      'event',
      'log',
      'state',
    ].map((key) => get(here, key));
    if (all !== undefined || any !== undefined) for (const entry of entriesOf(all ?? any)) walk(entry);
    else if (not !== undefined) walk(not);
    else if (path !== undefined) {
      if (stepsOf(String(scalarOf(path))) === undefined)
        report(path, `${String(scalarOf(path))}: not a path`);
      const op = String(scalarOf(get(here, 'op')));
      if (!operators.includes(op as (typeof operators)[number]))
        report(get(here, 'op') ?? here, `op ${op}: one of ${operators.join(', ')}`);
      if (op === 'matches') lintPattern(get(here, 'value'), report);
      if ((op === 'ageGt' || op === 'ageLt') && durationMs(scalarOf(get(here, 'value'))) === undefined)
        report(get(here, 'value') ?? here, 'an age is written 30s, 5m, 2h or 1d');
    } else if (event !== undefined) lintPattern(get(event, 'match'), report);
    else if (log !== undefined) lintPattern(get(log, 'match') ?? log, report);
    else if (state === undefined)
      report(here, 'a condition is one of all, any, not, path, event, log, state');
  };
  walk(node);
  if (nodes > maxNodes) report(place, `a condition has at most ${maxNodes} parts`);
}

function lintPattern(node: unknown, report: Report): void {
  if (node === undefined) return;
  const problem =
    typeof scalarOf(node) === 'string' ? unsafePattern(String(scalarOf(node))) : 'a pattern is a text';
  if (problem !== undefined) report(node, `pattern: ${problem}`);
}

const gateOf = (word: string): Gate | undefined =>
  gates.find((gate, position) => gate.id === word || `g${position}` === word)?.id;

/** `{{ namespace }}`, `{{ pod }}`, `{{ node }}`, `{{ owner }}`, `{{ params.x }}`, `{{ captures.x }}`: no expressions. */
function fill(
  template: string,
  facts: PodFacts,
  raw: RawPack,
  captures: Readonly<Record<string, string>>,
): string {
  const target = targetOf(facts);
  const known: Readonly<Record<string, string>> = {
    namespace: facts.namespace,
    ns: facts.namespace,
    pod: facts.name,
    node: facts.node,
    owner: `${target.resource}/${target.name}`,
  };
  return template.replace(/\{\{\s*([\w.]+)[^}]*\}\}/g, (_, name: string) => {
    if (name.startsWith('params.')) return String(raw.params?.[name.slice(7)] ?? '');
    if (name.startsWith('captures.')) return captures[name.slice(9)] ?? '';
    return known[name] ?? '';
  });
}

const safeWord = /^[\w./:@=,+%-]*$/;

function fixOf(
  raw: RawFix,
  facts: PodFacts,
  pack: RawPack,
  captures: Readonly<Record<string, string>>,
): Fix | undefined {
  const argv = raw.argv.map((word) => fill(String(word), facts, pack, captures));
  // What came from the cluster must be a name; the pack's own words may be anything.
  const clean = raw.argv.every(
    (word, position) => !String(word).includes('{{') || safeWord.test(argv[position] ?? ''),
  );
  return clean
    ? {
        title: raw.title,
        argv,
        risk: raw.risk ?? 'read',
        ...(raw.note === undefined ? {} : { note: raw.note }),
      }
    : undefined;
}

function causeOf(
  id: string,
  pack: RawPack,
  facts: PodFacts,
  captures: Readonly<Record<string, string>>,
  proven: boolean,
): Cause | undefined {
  const raw = pack.causes?.find((entry) => entry.id === id);
  if (raw === undefined) return undefined;
  const fixes = (raw.fixes ?? [])
    .map((name) => pack.fixes?.find((entry) => entry.id === name))
    .filter((entry) => entry !== undefined);
  return cause(
    id,
    proven ? 'proven' : 'likely',
    fill(raw.text, facts, pack, captures),
    ...fixes.map((entry) => fixOf(entry, facts, pack, captures)),
  );
}

const severities: Readonly<Record<string, Severity>> = { info: 'none', warn: 'warn', fail: 'bad' };

function compileState(raw: RawState, pack: RawPack): PodState {
  const gate = gateOf(raw.gate ?? '') ?? 'progressing';
  const checks = (pack.checks ?? [])
    .filter((check) => check.for.includes(raw.id))
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  return {
    id: raw.id,
    key: raw.id,
    gate,
    title: raw.label ?? raw.id,
    severity: severities[raw.severity ?? 'fail'] ?? 'bad',
    match: (facts): Match | undefined => {
      const found = judge(raw.when, facts);
      if (found.truth !== true) return undefined;
      return {
        headline: fill(raw.label ?? raw.id, facts, pack, found.captures),
        diagnose: () => {
          const items: Item[] = [
            item(
              `${raw.id}.when`,
              gate,
              raw.label ?? raw.id,
              'fail',
              ...found.leaves.map((leaf) => evidence(leaf.label, leaf.value, leaf.path)),
            ),
          ];
          const causes: (Cause | undefined)[] = [];
          for (const check of checks) {
            const result = judge(check.expect, facts);
            items.push({
              id: check.id,
              gate,
              title: check.title,
              status: statusOfTruth(result.truth),
              ...(result.truth === undefined ? { why: 'notWatched' as const } : {}),
              evidence: result.leaves.map((leaf) => evidence(leaf.label, leaf.value, leaf.path)),
            });
            if (result.truth === false && check.onFail?.cause !== undefined)
              causes.push(causeOf(check.onFail.cause, pack, facts, found.captures, true));
          }
          if (raw.cause !== undefined) causes.push(causeOf(raw.cause, pack, facts, found.captures, false));
          return { items, causes: causes.filter((entry) => entry !== undefined) };
        },
      };
    },
  };
}

/** `corp/train:*` against an image. */
const globs = (pattern: string, image: string): boolean =>
  new RegExp(
    `(?:^|/)${pattern
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^ ]*')}$`,
  ).test(image);

function compileExit(raw: RawExit, pack: RawPack, name: string): PodState {
  const id = raw.cause ?? `${name}.exit-${raw.code}`;
  return {
    id,
    key: id,
    gate: 'staysUp',
    title: raw.means,
    severity: 'bad',
    match: (facts) => {
      const container = facts.containers.find(
        (entry) =>
          (entry.ended ?? entry.last)?.exitCode === raw.code &&
          !(entry.state === 'running' && entry.ready) &&
          (raw.image === undefined || globs(raw.image, entry.image)),
      );
      if (container === undefined) return undefined;
      return {
        headline: `exit ${raw.code}: ${raw.means}`,
        diagnose: () => ({
          causes: [
            causeOf(raw.cause ?? '', pack, facts, {}, true) ??
              cause(
                id,
                'proven',
                `container ${container.name} ended with exit code ${raw.code}: ${raw.means}`,
              ),
          ],
          items: [
            item(
              `${id}.code`,
              'staysUp',
              'It ends without an error',
              'fail',
              evidence('exit code', String(raw.code), `status.containerStatuses[${container.name}]`),
            ),
          ],
        }),
      };
    },
  };
}

function compile(raw: RawPack): RulePack {
  const name = raw.metadata?.name ?? 'pack';
  const states = [...(raw.states ?? [])].sort((a, b) => (a.priority ?? 500) - (b.priority ?? 500));
  return {
    name,
    version: raw.metadata?.version ?? '',
    states: states.map((entry) => ({
      id: entry.id,
      label: entry.label ?? entry.id,
      severity: severities[entry.severity ?? 'fail'] ?? 'bad',
      gate: gateOf(entry.gate ?? '') ?? 'progressing',
      priority: entry.priority ?? 500,
    })),
    disabled: (raw.overrides ?? []).filter((entry) => entry.disabled === true).map((entry) => entry.id),
    tests: raw.tests ?? [],
    compiled: [
      ...states.map((entry) => compileState(entry, raw)),
      ...(raw.exitCodes ?? []).map((entry) => compileExit(entry, raw, name)),
    ],
  };
}

/** What packs add to an evaluation, the later over the earlier. */
export function addedStates(packs: readonly RulePack[]): AddedStates {
  return {
    pod: packs.flatMap((pack) => pack.compiled),
    disabled: new Set(packs.flatMap((pack) => pack.disabled)),
  };
}
