import { quantity } from '../resources/fields.ts';
import { classify } from './classify.ts';
import type { Happening } from './evidence-index.ts';
import { factNamed, type Metric } from './named-facts.ts';
import { type PackPath, parsePath, type Scene, valuesOf } from './pack-scene.ts';
import { type Captures, fill, shown } from './pack-template.ts';
import type { Values } from './path.ts';
import { compilePattern, type Pattern } from './pattern.ts';
import type { ContainerFacts, PodFacts } from './pod-facts.ts';
import { programLog, scan } from './program-log.ts';
import { time } from './read.ts';
import type { Want } from './report.ts';

/** Yes, no, or not known: what is absent from the evidence decides nothing (Kleene's logic). */
export type Truth = boolean | undefined;

/** A condition of a rule pack as it is written: data, never code (checklist.md 6.3). */
export type Predicate =
  | { readonly all: readonly Predicate[] }
  | { readonly any: readonly Predicate[] }
  | { readonly not: Predicate }
  | ({ readonly path: string } & Comparison)
  | ({ readonly fact: string; readonly args?: Readonly<Record<string, unknown>> } & Comparison)
  | { readonly metric: { readonly name: Metric; readonly for?: string } & Comparison }
  | { readonly event: EventQuestion }
  | { readonly log: LogQuestion }
  | { readonly state: string };

interface Comparison {
  readonly op: Operator;
  readonly value?: unknown;
  readonly valuePath?: string;
}

interface EventQuestion {
  readonly reason?: string | readonly string[];
  readonly match?: string;
  readonly within?: string;
  readonly onUid?: 'subject' | 'owner' | 'node';
  readonly container?: string;
}

interface LogQuestion {
  readonly match?: string;
  readonly signature?: string;
  readonly previous?: boolean;
  readonly lastN?: number;
  readonly container?: string;
}

/** The words that make a condition, one of which each part has. */
export const conditionWords = [
  'all',
  'any',
  'not',
  'path',
  'fact',
  'metric',
  'event',
  'log',
  'state',
] as const;

export const operators = [
  'eq',
  'ne',
  'in',
  'notIn',
  'exists',
  'absent',
  'gt',
  'gte',
  'lt',
  'lte',
  'matches',
  'contains',
  'quantityGt',
  'quantityLt',
  'ageGt',
  'ageLt',
] as const;
type Operator = (typeof operators)[number];

/** Something that was looked at: the evidence writes itself. */
export interface Leaf {
  readonly label: string;
  readonly value: string;
  readonly path?: string;
  readonly at?: number;
  /** What somebody said, an event or a log, makes likely; it proves nothing. */
  readonly isSaid?: boolean;
}

export interface Finding {
  readonly truth: Truth;
  readonly leaves: readonly Leaf[];
  readonly captures: Captures;
  /** Logs that would decide what is not known. */
  readonly wants: readonly Want[];
}

/** A condition that is ready to be asked. */
export type Condition = (scene: Scene) => Finding;

const plain = (truth: Truth): Finding => ({ truth, leaves: [], captures: {}, wants: [] });
const [yes, no, unknown] = [plain(true), plain(false), plain(undefined)];

const spans: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function durationMs(value: unknown): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(s|m|h|d)$/.exec(String(value));
  return match === null ? undefined : Number(match[1]) * (spans[match[2] ?? ''] ?? 0);
}

/** Longest value and longest log that a pattern is run on. */
const longestValue = 8192;
const longestLog = 65_536;

/** Makes a condition of what was linted. @throws PatternError for a pattern that lint would have refused */
export function compileCondition(raw: Predicate): Condition {
  if ('all' in raw) return combined(raw.all.map(compileCondition), false);
  if ('any' in raw) return combined(raw.any.map(compileCondition), true);
  if ('not' in raw) {
    const inner = compileCondition(raw.not);
    return (scene) => {
      const found = inner(scene);
      return { ...found, truth: found.truth === undefined ? undefined : !found.truth };
    };
  }
  if ('state' in raw) return stateCondition(raw.state);
  if ('log' in raw) return logCondition(raw.log);
  if ('event' in raw) return eventCondition(raw.event);
  if ('metric' in raw) return metricCondition(raw.metric);
  if ('fact' in raw) return factCondition(raw.fact, raw.args ?? {}, raw);
  return pathCondition(raw.path, raw);
}

/** Stops at what decides: a question that is answered already costs nothing. */
function combined(parts: readonly Condition[], isAny: boolean): Condition {
  return (scene) => {
    const leaves: Leaf[] = [];
    const wants: Want[] = [];
    let captures: Captures = {};
    let isOpen = false;
    for (const part of parts) {
      const found = part(scene);
      if (found.truth === isAny) return found.wants.length === 0 ? found : { ...found, wants: [] };
      if (found.truth === undefined) {
        isOpen = true;
        wants.push(...found.wants);
      } else if (!isAny) {
        leaves.push(...found.leaves);
        captures = { ...captures, ...found.captures };
      } else leaves.push(...found.leaves);
    }
    return { truth: isOpen ? undefined : !isAny, leaves, captures, wants };
  };
}

/** The value that a comparison is with: the pack's own, with what its template names, or that of another path. */
function wantedOf({ value, valuePath }: Comparison): (scene: Scene) => unknown {
  if (valuePath !== undefined) {
    const path = parsePath(valuePath);
    return (scene) => (path === undefined ? undefined : valuesOf(scene, path).found[0]);
  }
  if (typeof value === 'string' && value.includes('{{')) return (scene) => fill(value, scene);
  return () => value;
}

interface Comparer {
  /** Of everything found; undefined where that decides nothing. */
  readonly judge: (scene: Scene, values: Values) => { readonly truth: Truth; readonly hit: unknown };
}

function comparerOf(comparison: Comparison): Comparer {
  const { op } = comparison;
  const wanted = wantedOf(comparison);
  const pattern = op === 'matches' ? compilePattern(String(comparison.value)) : undefined;
  return {
    judge(scene, { found, isWhole }) {
      const open = isWhole ? false : undefined;
      if (op === 'exists') return { truth: found.length > 0 ? true : open, hit: found[0] };
      if (op === 'absent')
        return { truth: found.length > 0 ? false : isWhole ? true : undefined, hit: found[0] };
      const target = wanted(scene);
      if (target === undefined && comparison.valuePath !== undefined)
        return { truth: undefined, hit: found[0] };
      if (op === 'ne' || op === 'notIn') {
        const opposite = op === 'ne' ? 'eq' : 'in';
        const equal = found.find((value) => compare(opposite, value, target, scene.facts.now, pattern));
        if (equal !== undefined) return { truth: false, hit: equal };
        return { truth: isWhole || found.length > 0 ? true : undefined, hit: found[0] };
      }
      let truth: Truth = open;
      for (const value of found) {
        const fits = compare(op, value, target, scene.facts.now, pattern);
        if (fits === true) return { truth: true, hit: value };
        if (fits === undefined) truth = undefined;
      }
      return { truth, hit: found[0] };
    },
  };
}

const plainText = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

const numberOf = (value: unknown): number =>
  typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);

function ordered(op: string, left: number | undefined, right: number | undefined): Truth {
  if (left === undefined || right === undefined || Number.isNaN(left) || Number.isNaN(right))
    return undefined;
  switch (op) {
    case 'gt':
    case 'quantityGt':
      return left > right;
    case 'gte':
      return left >= right;
    case 'lt':
    case 'quantityLt':
      return left < right;
    default:
      return left <= right;
  }
}

function compare(
  op: Operator,
  actual: unknown,
  wanted: unknown,
  now: number,
  pattern: Pattern | undefined,
): Truth {
  switch (op) {
    case 'eq':
      return plainText(actual) === plainText(wanted);
    case 'in':
      return Array.isArray(wanted) && wanted.map(plainText).includes(plainText(actual));
    case 'matches': {
      const found = pattern?.find(plainText(actual).slice(0, longestValue));
      return found === 'too long' ? undefined : found !== undefined;
    }
    case 'contains':
      return Array.isArray(actual)
        ? actual.map(plainText).includes(plainText(wanted))
        : plainText(actual).includes(plainText(wanted));
    case 'quantityGt':
    case 'quantityLt':
      return ordered(op, quantity(actual), quantity(wanted));
    case 'ageGt':
    case 'ageLt': {
      const [since, limit] = [time(actual), durationMs(wanted)];
      if (since === undefined || limit === undefined) return undefined;
      return op === 'ageGt' ? now - since > limit : now - since < limit;
    }
    default:
      return ordered(op, numberOf(actual), numberOf(wanted));
  }
}

/** `$c` in words: what it stands for here. */
const pathText = ({ root, text }: PackPath, { bound }: Scene): string =>
  root === '$c' && bound !== undefined ? text.replace('$c', bound.name) : text;

function pathCondition(path: string, comparison: Comparison): Condition {
  const parsed = parsePath(path);
  if (parsed === undefined) return () => unknown;
  const { judge } = comparerOf(comparison);
  return (scene) => {
    const { truth, hit } = judge(scene, valuesOf(scene, parsed));
    if (truth === undefined) return unknown;
    const where = pathText(parsed, scene);
    return {
      truth,
      leaves: [{ label: where, value: hit === undefined ? 'absent' : shown(hit), path: where }],
      captures: {},
      wants: [],
    };
  };
}

function factCondition(
  id: string,
  args: Readonly<Record<string, unknown>>,
  comparison: Comparison,
): Condition {
  const fact = factNamed(id);
  const { judge } = comparerOf(comparison);
  const entries = Object.entries(args);
  return (scene) => {
    const given = Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        typeof value === 'string' && value.includes('{{') ? fill(value, scene) : String(value),
      ]),
    );
    const value = fact?.of(scene, given);
    // What is not known is not absent.
    const { truth } = judge(scene, {
      found: value === undefined ? [] : [value],
      isWhole: value !== undefined,
    });
    if (truth === undefined)
      return id.startsWith('log.') ? { ...unknown, wants: logWants(scene, given) } : unknown;
    return {
      truth,
      leaves: [{ label: id, value: shown(value), ...(id.startsWith('log.') ? { isSaid: true } : {}) }],
      captures: {},
      wants: [],
    };
  };
}

const logWants = (scene: Scene, given: Readonly<Record<string, string>>): readonly Want[] =>
  chosenContainers(scene, given['container']).flatMap((container) =>
    container.kind === 'main' ? [wantOf(scene.facts, container, given['previous'] === 'true')] : [],
  );

const wantOf = ({ namespace, name }: PodFacts, container: ContainerFacts, previous: boolean): Want => ({
  kind: 'log',
  namespace,
  pod: name,
  container: container.name,
  previous,
});

function metricCondition(raw: { readonly name: Metric; readonly for?: string } & Comparison): Condition {
  const { judge } = comparerOf(raw);
  const forMs = raw.for === undefined ? undefined : durationMs(raw.for);
  return (scene) => {
    const usage = scene.facts.index.usage(scene.facts.namespace, scene.facts.name);
    const value = usage?.[raw.name];
    if (value === undefined) return unknown;
    const { truth } = judge(scene, { found: [value], isWhole: true });
    const leaf = { label: raw.name, value: value.toFixed(2) };
    const told = { leaves: [leaf], captures: {}, wants: [] };
    if (truth !== true || forMs === undefined) return { truth, ...told };
    // How long it has been so is known of what is idle.
    return { truth: usage?.forMs === undefined ? undefined : usage.forMs >= forMs, ...told };
  };
}

const classes = new WeakMap<PodFacts, readonly string[]>();

/** The built-in state of a pod, by its id and its key. */
function stateNames(facts: PodFacts): readonly string[] {
  const known = classes.get(facts);
  if (known !== undefined) return known;
  const state = classify(facts)?.state;
  const names = state === undefined ? ['healthy'] : [state.id, state.key];
  classes.set(facts, names);
  return names;
}

function stateCondition(id: string): Condition {
  return ({ facts }) => (stateNames(facts).includes(id) ? yes : no);
}

/** The containers that a question is about: the named one, that of `forEach`, or all. */
function chosenContainers({ facts, bound }: Scene, name: string | undefined): readonly ContainerFacts[] {
  if (name !== undefined && name !== '$c') return facts.containers.filter((one) => one.name === name);
  return bound?.container === undefined ? facts.containers : [bound.container];
}

function logCondition(raw: LogQuestion): Condition {
  const pattern = raw.match === undefined ? undefined : compilePattern(raw.match);
  const findIn = (
    log: string,
  ): { readonly text: string; readonly groups: Captures } | undefined | 'too long' => {
    const words = programLog(log);
    if (words === undefined) return undefined;
    const tail = raw.lastN === undefined ? words : words.split('\n').slice(-raw.lastN).join('\n');
    if (pattern === undefined) {
      const hit = scan(tail);
      return hit?.signature.id === raw.signature ? { text: hit?.line ?? '', groups: {} } : undefined;
    }
    const found = pattern.find(tail.slice(-longestLog));
    return found === undefined || found === 'too long'
      ? found
      : { text: lineOf(tail.slice(-longestLog), found.index, found.text), groups: found.groups };
  };
  return (scene) => {
    const { facts } = scene;
    const wants: Want[] = [];
    let isOpen = false;
    for (const container of chosenContainers(scene, raw.container)) {
      const { texts, missing } = wordsOf(facts, container, raw.previous);
      for (const { label, log } of texts) {
        const found = findIn(log);
        if (found === 'too long') isOpen = true;
        else if (found !== undefined)
          return {
            truth: true,
            leaves: [{ label, value: shown(found.text), isSaid: true }],
            captures: found.groups,
            wants: [],
          };
      }
      isOpen ||= missing.length > 0;
      wants.push(...missing);
    }
    return isOpen ? { ...unknown, wants } : no;
  };
}

/** The whole line that a match stands in; of a long one what is around it. */
function lineOf(text: string, index: number, match: string): string {
  const start = text.lastIndexOf('\n', index) + 1;
  const end = text.indexOf('\n', index + match.length);
  const line = text.slice(start, end < 0 ? undefined : end);
  return line.length <= 400 ? line.trim() : match.slice(0, 400);
}

/** What a container says: its logs, and the last words that the kubelet keeps in its status. */
function wordsOf(
  facts: PodFacts,
  container: ContainerFacts,
  previous: boolean | undefined,
): {
  readonly texts: readonly { readonly label: string; readonly log: string }[];
  readonly missing: readonly Want[];
} {
  const { index, namespace, name } = facts;
  const runs = container.state === 'running';
  const logs = (previous === undefined ? [false, true] : [previous])
    // Of a container that runs, what the run before said is asked for by name alone.
    .filter((before) => !(before && previous === undefined && runs))
    .map((before) => ({ before, log: index.log(namespace, name, container.name, before) }));
  const texts = logs.flatMap(({ before, log }) =>
    log === undefined ? [] : [{ label: `${before ? 'previous log' : 'log'} of ${container.name}`, log }],
  );
  const ended = container.ended ?? (runs && previous !== true ? undefined : container.last);
  if (ended !== undefined && ended.message !== '')
    texts.push({ label: `last words of ${container.name}`, log: ended.message });
  // A container that never ran has said nothing.
  const everRan = runs || container.ended !== undefined || container.last !== undefined;
  // What a row does not tell of its containers leaves open whether they ran.
  const mayHaveRun = everRan || (facts.object === undefined && container.state === 'none');
  const hasLog = logs.some(({ log }) => log !== undefined);
  if (hasLog || !mayHaveRun) return { texts, missing: [] };
  const want = previous ?? (!runs && container.ended === undefined);
  if (want && container.last === undefined && everRan) return { texts, missing: [] };
  return { texts, missing: [wantOf(facts, container, want)] };
}

/** Events are kept for an hour: that there is none of an older time says nothing. */
const eventsLiveMs = 3_600_000;

function eventCondition(raw: EventQuestion): Condition {
  const reasons = raw.reason === undefined ? undefined : [raw.reason].flat();
  const pattern = raw.match === undefined ? undefined : compilePattern(raw.match);
  const withinMs = raw.within === undefined ? undefined : durationMs(raw.within);
  const about = raw.onUid ?? 'subject';
  return (scene) => {
    const { facts, bound } = scene;
    const events = eventsOf(facts, about);
    if (events === undefined) return unknown;
    const wanted = raw.container === '$c' ? bound?.name : raw.container;
    for (const event of events.toReversed()) {
      if (reasons !== undefined && !reasons.includes(event.reason)) continue;
      if (withinMs !== undefined && facts.now - (event.last ?? 0) > withinMs) continue;
      if (wanted !== undefined && event.container !== wanted) continue;
      const match = pattern?.find(event.message.slice(0, longestValue));
      if (pattern !== undefined && (match === undefined || match === 'too long')) continue;
      return {
        truth: true,
        leaves: [
          {
            label: `event ${event.reason}`,
            value: shown(event.message),
            isSaid: true,
            ...(event.last === undefined ? {} : { at: event.last }),
          },
        ],
        captures: typeof match === 'object' ? match.groups : {},
        wants: [],
      };
    }
    const asksRecent = withinMs !== undefined && withinMs <= eventsLiveMs;
    const isYoung = about === 'subject' && facts.now - (facts.createdAt ?? 0) <= eventsLiveMs;
    return asksRecent || isYoung ? no : unknown;
  };
}

function eventsOf(facts: PodFacts, about: 'subject' | 'owner' | 'node'): readonly Happening[] | undefined {
  if (about === 'subject') return facts.eventsKnown ? facts.events : undefined;
  if (about === 'node') return facts.node === '' ? [] : facts.index.nodeEvents(facts.node);
  const owner = facts.owners.at(-1);
  if (owner === undefined) return [];
  return owner.object === undefined ? undefined : facts.index.events(owner.object);
}
