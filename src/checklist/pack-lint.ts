import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { builtInIds, subjectKinds } from './built-in.ts';
import { limitHelp } from './limits.ts';
import { factNamed, metrics, namedFacts } from './named-facts.ts';
import { gateOf, kindOfPlural } from './pack-compile.ts';
import { programs } from './pack-fixes.ts';
import { loops, parsePath } from './pack-scene.ts';
import { eventPlaces, type Form, formOf, risks, type Shape, severities, shapes } from './pack-shapes.ts';
import { templateProblem } from './pack-template.ts';
import { compilePattern } from './pattern.ts';
import { conditionWords, durationMs, operators } from './predicate.ts';
import { nearNames } from './read.ts';
import { signatures } from './signatures/index.ts';

/** Takes what is wrong, by where it stands in the text. */
export interface Problems {
  readonly add: (offset: number, message: string, level?: 'error' | 'warning') => void;
}

const get = (node: unknown, key: string): unknown => (isMap(node) ? node.get(key, true) : undefined);
const entriesOf = (node: unknown): readonly unknown[] => (isSeq(node) ? node.items : []);
const scalarOf = (node: unknown): unknown => (isScalar(node) ? node.value : undefined);
const wordOf = (node: unknown): string => String(scalarOf(node) ?? '');

const mostNodes = 40;
const mostEntries = 300;
const longestText = 2000;

/** Does the name look like one of these? Said behind a problem, so that a slip of the finger is found at once. */
function didYouMean(word: string, candidates: Iterable<string>): string {
  const [near] = nearNames(word, candidates);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

interface Lint {
  readonly report: (node: unknown, message: string, level?: 'error' | 'warning') => void;
  readonly ids: Readonly<Record<'states' | 'checks' | 'causes' | 'fixes', ReadonlySet<string>>>;
  readonly loopStates: ReadonlySet<string>;
  /** Names that patterns capture, as templates write them. */
  readonly captures: ReadonlySet<string>;
}

/** Every problem of a pack, each where it stands. */
export function lintPack(root: unknown, problems: Problems, version?: string): void {
  const report: Lint['report'] = (node, message, level) =>
    problems.add((node as Node | undefined)?.range?.[0] ?? 0, message, level);
  const idsOf = (section: string): ReadonlySet<string> =>
    new Set(entriesOf(get(root, section)).map((node) => wordOf(get(node, 'id'))));
  const lint: Lint = {
    report,
    ids: {
      states: idsOf('states'),
      checks: idsOf('checks'),
      causes: idsOf('causes'),
      fixes: idsOf('fixes'),
    },
    loopStates: new Set(
      entriesOf(get(root, 'states'))
        .filter((node) => get(node, 'forEach') !== undefined)
        .map((node) => wordOf(get(node, 'id'))),
    ),
    captures: new Set(capturesIn(root).map((name) => `captures.${name}`)),
  };
  shape(root, 'pack', lint);
  if (scalarOf(get(root, 'apiVersion')) !== 'mltop.dev/v1alpha1')
    report(get(root, 'apiVersion') ?? root, 'apiVersion must be mltop.dev/v1alpha1');
  if (scalarOf(get(root, 'kind')) !== 'RulePack') report(get(root, 'kind') ?? root, 'kind must be RulePack');
  const metadata = get(root, 'metadata');
  if (metadata !== undefined) shape(metadata, 'metadata', lint);
  if (!/^[\w-]{1,40}$/.test(wordOf(get(metadata, 'name'))))
    report(get(metadata, 'name') ?? metadata ?? root, 'metadata.name is one word: acme');
  needs(get(metadata, 'mltop'), version, lint);
  for (const word of entriesOf(get(root, 'reads')))
    if (kindOfPlural(wordOf(word)) === undefined)
      report(word, `reads ${wordOf(word)}: no kind that the checklist reads`);
  for (const [section, check] of Object.entries(sections)) {
    const node = get(root, section);
    if (node !== undefined && !isSeq(node)) report(node, `${section} is a list`);
    const entries = entriesOf(node);
    if (entries.length > mostEntries) report(node, `${section}: more than ${mostEntries} entries`);
    for (const entry of entries.slice(0, mostEntries)) check(entry, lint);
  }
  lintIds(root, lint);
}

/** `>=0.3`: what the pack was written for. */
function needs(node: unknown, version: string | undefined, { report }: Lint): void {
  if (node === undefined) return;
  const wanted = /^>= ?(\d{1,4}(?:\.\d{1,4}){0,2})$/.exec(wordOf(node))?.[1];
  if (wanted === undefined) report(node, 'mltop is the least version: ">=0.3"');
  else if (version !== undefined && isOlder(version, wanted))
    report(node, `the pack needs mltop ${wanted}, this is ${version}`);
}

function isOlder(version: string, wanted: string): boolean {
  const [have, need] = [version, wanted].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  );
  for (let position = 0; position < 3; position++) {
    const difference = (have?.[position] ?? 0) - (need?.[position] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

const isPlain = (node: unknown): boolean =>
  isScalar(node) && ['string', 'number', 'boolean'].includes(typeof node.value);

const formWords = { list: 'is a list', map: 'is a map', plain: 'has one value', free: '' } as const;

function hasForm(form: Form, value: unknown): boolean {
  switch (form) {
    case 'free':
      return true;
    case 'list':
      return isSeq(value);
    case 'map':
      return isMap(value);
    case 'plain':
      return isPlain(value);
  }
}

/** All keys known, their values of the right form, and those there that must be. */
function shape(node: unknown, name: Shape, { report }: Lint): boolean {
  if (!isMap(node)) {
    report(node, 'must be a map');
    return false;
  }
  const keys = shapes[name].map((key) => key.replace('!', ''));
  for (const pair of node.items) {
    const key = wordOf(pair.key);
    if (!keys.includes(key))
      report(pair.key, `unknown key ${key}: one of ${keys.join(', ')}${didYouMean(key, keys)}`);
    else if (!hasForm(formOf(name, key), pair.value))
      report(pair.key, `${key} ${formWords[formOf(name, key)]}`);
  }
  let isComplete = true;
  for (const key of shapes[name]) {
    if (!key.endsWith('!') || get(node, key.slice(0, -1)) !== undefined) continue;
    report(node, `${key.slice(0, -1)} is missing`);
    isComplete = false;
  }
  return isComplete;
}

function lintIds(root: unknown, { report }: Lint): void {
  for (const section of ['states', 'checks', 'causes', 'fixes'] as const) {
    const seen = new Set<string>();
    for (const node of entriesOf(get(root, section))) {
      const id = wordOf(get(node, 'id'));
      if (!/^[\w-]+(?:\.[\w-]+)+$/.test(id) || id.length > 100)
        report(
          get(node, 'id') ?? node,
          `${section}: an id is needed, with a prefix of your own: acme.licence`,
        );
      else if (builtInIds.has(id) || isCauseOfState(id))
        report(get(node, 'id'), `${id} is a built-in id: change it under overrides`);
      else if (seen.has(id)) report(get(node, 'id'), `${id} stands twice`);
      seen.add(id);
    }
  }
}

const isCauseOfState = (id: string): boolean =>
  /^[A-N]\d+[a-z]?\./.test(id) && builtInIds.has(id.split('.')[0] ?? '');

function oneOf(node: unknown, what: string, choices: readonly string[], { report }: Lint): void {
  if (node === undefined || choices.includes(wordOf(node))) return;
  report(node, `${what} ${wordOf(node)}: one of ${choices.join(', ')}${didYouMean(wordOf(node), choices)}`);
}

function text(node: unknown, what: string, lint: Lint, more: readonly string[] = []): void {
  if (node === undefined) return;
  const value = scalarOf(node);
  if (typeof value !== 'string' && typeof value !== 'number') {
    lint.report(node, `${what} is a text`);
    return;
  }
  if (String(value).length > longestText) lint.report(node, `${what}: longer than ${longestText} characters`);
  const problem = templateProblem(String(value), new Set([...lint.captures, ...more]));
  if (problem !== undefined) lint.report(node, problem);
}

/** Names of something that stands in this pack. */
function named(nodes: readonly unknown[], what: string, ids: ReadonlySet<string>, { report }: Lint): void {
  for (const node of nodes)
    if (!ids.has(wordOf(node))) report(node, `no ${what} ${wordOf(node)}${didYouMean(wordOf(node), ids)}`);
}

const listed = (node: unknown): readonly unknown[] => (node === undefined ? [] : [node]);

const sections: Readonly<Record<string, (node: unknown, lint: Lint) => void>> = {
  states(node, lint) {
    if (!shape(node, 'state', lint)) return;
    const loop = get(node, 'forEach');
    oneOf(loop, 'forEach', loops, lint);
    oneOf(get(node, 'subject'), 'subject', [...subjectKinds], lint);
    condition(get(node, 'when'), lint, loop !== undefined, true);
    const gate = get(node, 'gate');
    if (gate !== undefined && gateOf(wordOf(gate)) === undefined)
      lint.report(gate, `gate ${wordOf(gate)}: not one of g0 to g15`);
    oneOf(get(node, 'severity'), 'severity', severities, lint);
    text(get(node, 'label'), 'label', lint);
    const priority = get(node, 'priority');
    if (priority !== undefined && !isNumberIn(priority, 0, 1000))
      lint.report(
        priority,
        'priority is a number from 0 to 1000; mltop rules list shows those of built-in states',
      );
    named(listed(get(node, 'cause')), 'cause', lint.ids.causes, lint);
  },
  checks(node, lint) {
    if (!shape(node, 'check', lint)) return;
    text(get(node, 'title'), 'title', lint);
    const [loop, states] = [get(node, 'forEach'), entriesOf(get(node, 'for'))];
    oneOf(loop, 'forEach', loops, lint);
    if (states.length === 0) lint.report(get(node, 'for'), 'for is a list of states');
    named(states, 'state', new Set([...lint.ids.states, ...builtInIds]), lint);
    const isBound = loop !== undefined || states.every((state) => lint.loopStates.has(wordOf(state)));
    condition(get(node, 'expect'), lint, isBound, false);
    oneOf(get(node, 'severity'), 'severity', severities, lint);
    for (const word of entriesOf(get(node, 'requires')))
      if (kindOfPlural(wordOf(word)) === undefined)
        lint.report(word, `requires ${wordOf(word)}: no kind that the checklist reads`);
    for (const entry of entriesOf(get(node, 'evidence'))) {
      if (!shape(entry, 'evidence', lint)) continue;
      for (const key of ['label', 'value', 'jump']) text(get(entry, key), key, lint, ['actual']);
    }
    const onFail = get(node, 'onFail');
    if (onFail !== undefined && shape(onFail, 'onFail', lint))
      named(listed(get(onFail, 'cause')), 'cause', lint.ids.causes, lint);
  },
  causes(node, lint) {
    if (!shape(node, 'cause', lint)) return;
    text(get(node, 'text'), 'text', lint);
    named(entriesOf(get(node, 'fixes')), 'fix', lint.ids.fixes, lint);
    const tellers = new Set([...lint.ids.checks, ...lint.ids.states]);
    const verdict = get(node, 'verdict');
    if (verdict !== undefined && shape(verdict, 'verdict', lint) && isMap(verdict))
      for (const { value } of verdict.items) named(entriesOf(value), 'check or state', tellers, lint);
    named(entriesOf(get(node, 'refutes')), 'check', lint.ids.checks, lint);
  },
  fixes(node, lint) {
    if (shape(node, 'fix', lint)) fix(node, lint);
  },
  overrides: override,
  exitCodes(node, lint) {
    if (!shape(node, 'exit', lint)) return;
    const code = get(node, 'code');
    const codes = isSeq(code) ? code.items : [code];
    if (codes.length === 0 || codes.length > 100 || codes.some((one) => !isNumberIn(one, 0, 255)))
      lint.report(code, 'code is a number from 0 to 255, or a list of them');
    text(get(node, 'means'), 'means', lint);
    text(get(node, 'docs'), 'docs', lint);
    oneOf(get(node, 'severity'), 'severity', severities, lint);
    const image = get(node, 'image');
    if (image !== undefined && (typeof scalarOf(image) !== 'string' || wordOf(image).length > 300))
      lint.report(image, 'image is a name with * for anything: corp/train:*');
    const cause = get(node, 'cause');
    // A cause that stands nowhere is only a name for it.
    if (cause !== undefined && !/^[\w-]+(?:\.[\w-]+)+$/.test(wordOf(cause)))
      lint.report(cause, 'a cause has a prefix of your own: acme.dataset');
  },
  tests(node, lint) {
    if (!shape(node, 'test', lint)) return;
    if (!isMap(get(node, 'given'))) lint.report(get(node, 'given'), 'given is a map: pod, objects, logs …');
    const want = get(node, 'want');
    if (shape(want, 'want', lint) && isMap(want) && want.items.length === 0)
      lint.report(want, 'want is empty');
  },
};

const isNumberIn = (node: unknown, least: number, most: number): boolean => {
  const value = scalarOf(node);
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
};

function fix(node: unknown, lint: Lint): void {
  text(get(node, 'title'), 'title', lint);
  text(get(node, 'note'), 'note', lint);
  text(get(node, 'docs'), 'docs', lint);
  const argv = entriesOf(get(node, 'argv')).map(scalarOf);
  if (
    argv.length === 0 ||
    argv.length > 60 ||
    argv.some((word) => typeof word !== 'string' && typeof word !== 'number')
  )
    lint.report(get(node, 'argv') ?? node, 'argv is a list of words, never a shell line');
  else if (!programs.includes(String(argv[0])))
    lint.report(get(node, 'argv'), `${String(argv[0])} may not be run by a pack; ${programs.join(', ')} may`);
  for (const word of entriesOf(get(node, 'argv'))) text(word, 'a word of argv', lint);
  oneOf(get(node, 'risk'), 'risk', risks, lint);
  for (const right of entriesOf(get(node, 'preflight'))) shape(right, 'preflight', lint);
}

function override(node: unknown, lint: Lint): void {
  if (!shape(node, 'override', lint)) return;
  const idNode = get(node, 'id');
  const id = wordOf(idNode);
  const isCause = isCauseOfState(id);
  if (!isCause && !builtInIds.has(id)) {
    lint.report(idNode, `override of ${id}: no such built-in id${didYouMean(id, builtInIds)}`);
    return;
  }
  const disabled = get(node, 'disabled');
  if (disabled !== undefined && typeof scalarOf(disabled) !== 'boolean')
    lint.report(disabled, 'disabled is true or false');
  for (const key of isCause ? ['disabled', 'severity', 'label'] : [])
    if (get(node, key) !== undefined)
      lint.report(get(node, key), `${id} is a cause: ${key} stands with its state ${id.split('.')[0]}`);
  oneOf(get(node, 'severity'), 'severity', severities, lint);
  text(get(node, 'label'), 'label', lint, ['headline']);
  text(get(node, 'text'), 'text', lint, isCause ? ['text'] : ['headline']);
  const params = get(node, 'params');
  const known = limitHelp.filter(({ state }) => state === (isCause ? id.split('.')[0] : id));
  if (isMap(params))
    for (const pair of params.items) {
      const name = wordOf(pair.key);
      if (!known.some((limit) => limit.name === name))
        lint.report(
          pair.key,
          known.length === 0
            ? `${id} has no parameters; ${limitHelp.map(({ state, name: own }) => `${state} has ${own}`).join(', ')}`
            : `${id} knows ${known.map((limit) => limit.name).join(', ')}, not ${name}`,
        );
      const value = scalarOf(pair.value);
      if (typeof value !== 'number' || !(value > 0 && value < 100_000))
        lint.report(pair.value, `${name} is a number above 0`);
    }
  else if (params !== undefined) lint.report(params, 'params is a map: stallMinutes: 30');
  for (const entry of entriesOf(get(node, 'fixes'))) {
    if (isMap(entry)) {
      if (shape(entry, 'inlineFix', lint)) fix(entry, lint);
    } else named([entry], 'fix', lint.ids.fixes, lint);
  }
}

/** One condition with all its parts. */
function condition(node: unknown, lint: Lint, isBound: boolean, isState: boolean): void {
  let count = 0;
  const walk = (here: unknown): void => {
    count += 1;
    if (count > mostNodes) return;
    const words = isMap(here) ? conditionWords.filter((word) => get(here, word) !== undefined) : [];
    const [word] = words;
    if (!isMap(here) || word === undefined) {
      lint.report(here ?? node, `a condition is one of ${conditionWords.join(', ')}`);
      return;
    }
    if (words.length > 1) lint.report(here, `${words.join(' and ')} in one condition: join them with all`);
    const allowed: readonly string[] =
      word === 'path'
        ? ['path', 'op', 'value', 'valuePath']
        : word === 'fact'
          ? ['fact', 'args', 'op', 'value', 'valuePath']
          : [word];
    for (const pair of here.items)
      if (!allowed.includes(wordOf(pair.key)) && !words.includes(wordOf(pair.key) as typeof word))
        lint.report(
          pair.key,
          `unknown key ${wordOf(pair.key)} beside ${word}${didYouMean(wordOf(pair.key), allowed)}`,
        );
    const value = get(here, word);
    if (word === 'all' || word === 'any') {
      if (entriesOf(value).length === 0) lint.report(value, `${word} is a list of conditions`);
      for (const entry of entriesOf(value)) walk(entry);
    } else if (word === 'not') walk(value);
    else leaf[word](here, value, lint, isBound, isState);
  };
  walk(node);
  if (count > mostNodes) lint.report(node, `a condition has at most ${mostNodes} parts`);
}

type LeafWord = 'path' | 'fact' | 'metric' | 'event' | 'log' | 'state';

const leaf: Readonly<
  Record<LeafWord, (here: unknown, value: unknown, lint: Lint, isBound: boolean, isState: boolean) => void>
> = {
  path(here, value, lint, isBound) {
    path(value, lint, isBound);
    comparison(here, lint, isBound);
  },
  fact(here, value, lint, isBound) {
    const id = wordOf(value);
    const fact = factNamed(id);
    if (fact === undefined) {
      const ids = namedFacts.map((one) => one.id);
      lint.report(value, `no fact ${id}: one of ${ids.join(', ')}${didYouMean(id, ids)}`);
    } else {
      const args = get(here, 'args');
      const given = isMap(args) ? args.items.map((pair) => wordOf(pair.key)) : [];
      for (const name of given)
        if (fact.args[name] === undefined)
          lint.report(
            args,
            `fact ${id} takes ${Object.keys(fact.args).join(', ') || 'no arguments'}, not ${name}`,
          );
      for (const [name, need] of Object.entries(fact.args))
        if (need === 'needed' && !given.includes(name))
          lint.report(here, `fact ${id} needs args: {${name}: …}`);
      if (isMap(args)) for (const pair of args.items) text(pair.value, 'an argument', lint);
    }
    comparison(here, lint, isBound);
  },
  metric(_, value, lint, isBound) {
    if (!shape(value, 'metric', lint)) return;
    oneOf(get(value, 'name'), 'metric', metrics, lint);
    duration(get(value, 'for'), lint);
    comparison(value, lint, isBound);
  },
  event(_, value, lint) {
    if (!shape(value, 'event', lint)) return;
    pattern(get(value, 'match'), lint);
    duration(get(value, 'within'), lint);
    oneOf(get(value, 'onUid'), 'onUid', eventPlaces, lint);
    if (get(value, 'reason') === undefined && get(value, 'match') === undefined)
      lint.report(value, 'an event is asked for by reason, match or both');
  },
  log(_, value, lint) {
    if (!shape(value, 'log', lint)) return;
    const [match, signature] = [get(value, 'match'), get(value, 'signature')];
    if ((match === undefined) === (signature === undefined))
      lint.report(value, 'a log is asked for by match or by signature');
    pattern(match, lint);
    const ids = signatures.map(({ id }) => id);
    if (signature !== undefined && !ids.includes(wordOf(signature)))
      lint.report(signature, `no signature ${wordOf(signature)}${didYouMean(wordOf(signature), ids)}`);
    const lastN = get(value, 'lastN');
    if (lastN !== undefined && !isNumberIn(lastN, 1, 10_000))
      lint.report(lastN, 'lastN is a number of lines');
  },
  state(_, value, lint, __, isState) {
    const id = wordOf(value);
    if (id !== 'healthy' && !builtInIds.has(id))
      lint.report(
        value,
        isState && lint.ids.states.has(id)
          ? `${id} is of this pack: a state is asked for by the id of a built-in one`
          : `no built-in state ${id}${didYouMean(id, builtInIds)}`,
      );
  },
};

function path(node: unknown, lint: Lint, isBound: boolean): void {
  const parsed = typeof scalarOf(node) === 'string' ? parsePath(wordOf(node)) : undefined;
  if (parsed === undefined) {
    lint.report(
      node,
      `${wordOf(node)}: not a path; keys with dots are written labels['app.kubernetes.io/name']`,
    );
    return;
  }
  if (parsed.root === '$c' && !isBound)
    lint.report(node, '$c needs forEach: containers beside the condition');
  if (parsed.steps.some((step) => typeof step === 'number'))
    lint.report(node, 'a number depends on the order of the list: write [name=main]', 'warning');
}

function comparison(here: unknown, lint: Lint, isBound: boolean): void {
  const opNode = get(here, 'op');
  const op = wordOf(opNode);
  if (opNode === undefined) {
    lint.report(here, `op is missing: one of ${operators.join(', ')}`);
    return;
  }
  oneOf(opNode, 'op', operators, lint);
  const [value, valuePath] = [get(here, 'value'), get(here, 'valuePath')];
  if (valuePath !== undefined) path(valuePath, lint, isBound);
  if (op === 'exists' || op === 'absent') {
    if (value !== undefined || valuePath !== undefined) lint.report(here, `${op} takes no value`);
    return;
  }
  if ((value === undefined) === (valuePath === undefined)) {
    lint.report(here, `${op} needs a value or a valuePath`);
    return;
  }
  if (value === undefined) return;
  if (op === 'matches') pattern(value, lint);
  else if (op === 'in' || op === 'notIn') {
    if (!isSeq(value) || value.items.length > 200)
      lint.report(value, `${op} takes a list of up to 200 values`);
  } else if (op === 'ageGt' || op === 'ageLt') duration(value, lint);
  else if (isScalar(value)) {
    if (typeof value.value === 'string') text(value, 'value', lint);
  } else lint.report(value, `${op} takes one value`);
}

function duration(node: unknown, { report }: Lint): void {
  if (node !== undefined && durationMs(scalarOf(node)) === undefined)
    report(node, 'an age is written 30s, 5m, 2h or 1d');
}

function pattern(node: unknown, { report }: Lint): void {
  if (node === undefined) return;
  if (typeof scalarOf(node) !== 'string') {
    report(node, 'a pattern is a text');
    return;
  }
  try {
    compilePattern(wordOf(node));
  } catch (error) {
    report(node, `pattern: ${error instanceof Error ? error.message : 'not a pattern'}`);
  }
}

/** Names of groups in any pattern of a tree. */
function capturesIn(node: unknown): readonly string[] {
  if (isScalar(node))
    return typeof node.value === 'string'
      ? [...node.value.matchAll(/\(\?<([A-Za-z_]\w*)>/g)].map((match) => match[1] ?? '')
      : [];
  if (isSeq(node)) return node.items.flatMap(capturesIn);
  return isMap(node) ? node.items.flatMap((pair) => capturesIn(pair.value)) : [];
}
