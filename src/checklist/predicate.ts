import { quantity } from '../resources/fields.ts';
import { classify } from './classify.ts';
import type { PodFacts } from './pod-facts.ts';
import { at, list, text } from './read.ts';
import { programLog } from './signatures.ts';

/** Yes, no, or not known: what is absent from the evidence decides nothing (Kleene's logic). */
type Truth = boolean | undefined;

/** A condition of a rule pack: data, never code (checklist.md 6.3). */
export type Predicate =
  | { readonly all: readonly Predicate[] }
  | { readonly any: readonly Predicate[] }
  | { readonly not: Predicate }
  | { readonly path: string; readonly op: Operator; readonly value?: unknown }
  | {
      readonly event: {
        readonly reason?: readonly string[];
        readonly match?: string;
        readonly within?: string;
      };
    }
  | { readonly log: { readonly match: string; readonly previous?: boolean } }
  | { readonly state: string };

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

export interface Finding {
  readonly truth: Truth;
  /** Leaves that were looked at: the evidence writes itself. */
  readonly leaves: readonly { readonly label: string; readonly value: string; readonly path?: string }[];
  readonly captures: Readonly<Record<string, string>>;
}

/** Longest text that a pattern of a pack is run on: with `unsafePattern` it bounds the time. */
const longestInput = 8192;

/** Why a pattern is refused: a repetition inside a repetition can take exponential time. Undefined when it is fine. */
export function unsafePattern(pattern: string): string | undefined {
  try {
    new RegExp(pattern);
  } catch (error) {
    return error instanceof Error ? error.message : 'not a pattern';
  }
  if (pattern.length > 300) return 'longer than 300 characters';
  if (/\([^()]*[+*}][^()]*\)\s*[+*{]/.test(pattern) || /\\[1-9]|\(\?<?[=!]/.test(pattern))
    return 'a repetition inside a repetition, a back-reference or a look-around: matching could take for ever';
  return undefined;
}

const spans: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export function durationMs(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(String(value));
  return match === null ? undefined : Number(match[1]) * (spans[match[2] ?? ''] ?? 0);
}

/** Steps of `status.conditions[type=Ready].reason`; undefined where the text is no path. */
export function stepsOf(
  path: string,
): readonly (string | { readonly key: string; readonly value: string } | '*' | number)[] | undefined {
  const steps: (string | { readonly key: string; readonly value: string } | '*' | number)[] = [];
  const token = /([\w/-]+)|\[(?:(\*)|(\d+)|([\w./-]+)=([^\]]*))\]|\./y;
  while (token.lastIndex < path.length) {
    const match = token.exec(path);
    if (match === null) return undefined;
    if (match[1] !== undefined) steps.push(match[1]);
    else if (match[2] !== undefined) steps.push('*');
    else if (match[3] !== undefined) steps.push(Number(match[3]));
    else if (match[4] !== undefined) steps.push({ key: match[4], value: match[5] ?? '' });
  }
  return steps.length === 0 ? undefined : steps;
}

/** All values at a path; an empty list where there is none. */
function valuesAt(object: unknown, path: string): readonly unknown[] {
  let here: readonly unknown[] = [object];
  for (const step of stepsOf(path) ?? []) {
    here = here
      .flatMap((value) => {
        if (step === '*') return list(value);
        if (typeof step === 'number') return [list(value)[step]];
        if (typeof step === 'string') return [at(value, step)];
        return list(value).filter((entry) => text(entry, step.key) === step.value);
      })
      .filter((value) => value !== undefined && value !== null);
  }
  return here;
}

const shown = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

function compare(op: Operator, actual: unknown, wanted: unknown, now: number): Truth {
  switch (op) {
    case 'eq':
      return shown(actual) === shown(wanted);
    case 'ne':
      return shown(actual) !== shown(wanted);
    case 'in':
      return Array.isArray(wanted) && wanted.map(shown).includes(shown(actual));
    case 'notIn':
      return Array.isArray(wanted) && !wanted.map(shown).includes(shown(actual));
    case 'exists':
      return true;
    case 'absent':
      return false;
    case 'gt':
      return Number(actual) > Number(wanted);
    case 'gte':
      return Number(actual) >= Number(wanted);
    case 'lt':
      return Number(actual) < Number(wanted);
    case 'lte':
      return Number(actual) <= Number(wanted);
    case 'matches':
      return new RegExp(String(wanted)).test(shown(actual).slice(0, longestInput));
    case 'contains':
      return Array.isArray(actual)
        ? actual.map(shown).includes(shown(wanted))
        : shown(actual).includes(shown(wanted));
    case 'quantityGt':
      return (quantity(actual) ?? Number.NaN) > (quantity(wanted) ?? Number.NaN);
    case 'quantityLt':
      return (quantity(actual) ?? Number.NaN) < (quantity(wanted) ?? Number.NaN);
    case 'ageGt':
    case 'ageLt': {
      const [since, limit] = [Date.parse(shown(actual)), durationMs(wanted)];
      if (!Number.isFinite(since) || limit === undefined) return undefined;
      return op === 'ageGt' ? now - since > limit : now - since < limit;
    }
  }
}

/** The object that a path starts at: the pod, or with a prefix its owner or its node. */
function rootOf(
  facts: PodFacts,
  path: string,
): { readonly object: unknown; readonly path: string; readonly known: boolean } {
  if (path.startsWith('owner.'))
    return {
      object: facts.owners.at(-1)?.object,
      path: path.slice(6),
      known: facts.owners.at(-1)?.object !== undefined,
    };
  if (path.startsWith('node.')) {
    const node = facts.index.get('Node', '', facts.node);
    return { object: node, path: path.slice(5), known: node !== undefined };
  }
  return { object: facts.object, path, known: facts.object !== undefined };
}

const nothing: Pick<Finding, 'leaves' | 'captures'> = { leaves: [], captures: {} };

function fromPattern(pattern: string, inputs: readonly string[], label: string): Finding {
  const compiled = new RegExp(pattern, 'm');
  for (const input of inputs) {
    const match = compiled.exec(input.slice(-longestInput));
    if (match !== null)
      return { truth: true, leaves: [{ label, value: match[0] }], captures: { ...match.groups } };
  }
  return { truth: false, ...nothing };
}

/** Does it hold of this pod? */
export function judge(predicate: Predicate, facts: PodFacts): Finding {
  if ('all' in predicate)
    return combine(
      predicate.all.map((entry) => judge(entry, facts)),
      false,
    );
  if ('any' in predicate)
    return combine(
      predicate.any.map((entry) => judge(entry, facts)),
      true,
    );
  if ('not' in predicate) {
    const inner = judge(predicate.not, facts);
    return { ...inner, truth: inner.truth === undefined ? undefined : !inner.truth };
  }
  if ('state' in predicate) return { truth: classify(facts)?.state.id === predicate.state, ...nothing };
  if ('log' in predicate) {
    const logs = facts.containers
      .map((container) =>
        programLog(
          facts.index.log(facts.namespace, facts.name, container.name, predicate.log.previous === true),
        ),
      )
      .filter((log) => log !== undefined);
    return logs.length === 0
      ? { truth: undefined, ...nothing }
      : fromPattern(predicate.log.match, logs, 'log');
  }
  if ('event' in predicate) {
    const { reason, match, within } = predicate.event;
    const limit = within === undefined ? undefined : durationMs(within);
    const found = facts.events.filter(
      (event) =>
        (reason === undefined || reason.includes(event.reason)) &&
        (limit === undefined || facts.now - (event.last ?? 0) <= limit),
    );
    if (match !== undefined)
      return fromPattern(
        match,
        found.map((event) => event.message),
        'event',
      );
    return {
      truth: found.length > 0,
      leaves: found.slice(-1).map((event) => ({ label: `event ${event.reason}`, value: event.message })),
      captures: {},
    };
  }
  const root = rootOf(facts, predicate.path);
  if (!root.known) return { truth: undefined, ...nothing };
  const values = valuesAt(root.object, root.path);
  if (values.length === 0)
    return {
      truth: predicate.op === 'absent' || predicate.op === 'ne' || predicate.op === 'notIn',
      ...nothing,
    };
  const hit = values.find((value) => compare(predicate.op, value, predicate.value, facts.now) === true);
  return {
    truth: hit !== undefined,
    leaves: [{ label: predicate.path, value: shown(hit ?? values[0]), path: predicate.path }],
    captures: {},
  };
}

function combine(parts: readonly Finding[], any: boolean): Finding {
  const decided = parts.some((part) => part.truth === any);
  const truth = decided ? any : parts.some((part) => part.truth === undefined) ? undefined : !any;
  const telling = any ? parts.filter((part) => part.truth === true) : parts;
  return {
    truth,
    leaves: telling.flatMap((part) => part.leaves),
    captures: Object.assign({}, ...telling.map((part) => part.captures)) as Readonly<Record<string, string>>,
  };
}
