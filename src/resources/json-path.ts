import { isRecord } from './fields.ts';

/** Reads the first value that a path finds; undefined where it finds none. */
export type PathReader = (root: unknown) => unknown;

type Step = (values: readonly unknown[]) => readonly unknown[];

/** A path finds at most this many values at any step: `[*]` under `[*]` must not run away. */
const mostValues = 1_000;

/**
 * The JSONPath that printer columns use: `.spec.replicas`, `.metadata.labels.a\.b`, `['key']`, `[0]`, `[-1]`, `[*]`,
 * `[?(@.type=="Ready")]`. Undefined for anything else (recursive descent, slices with steps, scripts).
 */
export function compilePath(path: string): PathReader | undefined {
  const steps = parse(
    path
      .trim()
      .replace(/^\{(.*)\}$/s, '$1')
      .replace(/^\$/, ''),
  );
  if (steps === undefined) return undefined;
  return (root) => {
    let values: readonly unknown[] = [root];
    for (const step of steps) {
      values = step(values).slice(0, mostValues);
      if (values.length === 0) return undefined;
    }
    return values[0];
  };
}

function parse(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  let index = 0;
  while (index < path.length) {
    if (path[index] === '.') {
      const name = nameAt(path, index + 1);
      if (name === undefined) return undefined;
      if (name.text === '*') steps.push(everyItem);
      else if (name.text !== '') steps.push(fieldStep(name.text));
      else if (path[name.end] !== '[' && path.length > 1) return undefined;
      index = name.end;
    } else if (path[index] === '[') {
      const end = bracketEnd(path, index);
      const step = end === undefined ? undefined : bracketStep(path.slice(index + 1, end));
      if (end === undefined || step === undefined) return undefined;
      steps.push(step);
      index = end + 1;
    } else return undefined;
  }
  return steps;
}

/** A field name; a backslash keeps the next character in it. */
function nameAt(path: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = '';
  let index = start;
  while (index < path.length && path[index] !== '.' && path[index] !== '[') {
    if (path[index] === '\\') index += 1;
    text += path[index] ?? '';
    index += 1;
  }
  return { text, end: index };
}

/** The bracket that closes the one at `start`, quotes respected. */
function bracketEnd(path: string, start: number): number | undefined {
  let depth = 0;
  let quote = '';
  for (let index = start; index < path.length; index += 1) {
    const char = path[index] ?? '';
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '[') depth += 1;
    else if (char === ']') {
      depth -= 1;
      if (depth === 0) return index;
    }
  }
  return undefined;
}

function bracketStep(inside: string): Step | undefined {
  const body = inside.trim();
  if (body === '*') return everyItem;
  if (/^-?\d{1,9}$/.test(body)) return indexStep(Number(body));
  if (body === '-1:') return indexStep(-1);
  const quoted = unquoted(body);
  if (quoted !== undefined) return fieldStep(quoted);
  return body.startsWith('?(') && body.endsWith(')') ? filterStep(body.slice(2, -1)) : undefined;
}

const unquoted = (text: string): string | undefined =>
  text.length >= 2 && (text[0] === "'" || text[0] === '"') && text.at(-1) === text[0]
    ? text.slice(1, -1)
    : undefined;

const own = (value: unknown, name: string): readonly unknown[] =>
  isRecord(value) && Object.hasOwn(value, name) ? [value[name]] : [];

const fieldStep =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => own(value, name));

const indexStep =
  (index: number): Step =>
  (values) =>
    values.flatMap((value) =>
      Array.isArray(value) && Math.abs(index) <= value.length ? value.slice(index).slice(0, 1) : [],
    );

const everyItem: Step = (values) =>
  values.flatMap((value) =>
    Array.isArray(value) ? value.slice(0, mostValues) : isRecord(value) ? Object.values(value) : [],
  );

const comparisons: Readonly<Record<string, (a: unknown, b: unknown) => boolean>> = {
  '==': (a, b) => String(a) === String(b),
  '!=': (a, b) => String(a) !== String(b),
  '<=': (a, b) => Number(a) <= Number(b),
  '>=': (a, b) => Number(a) >= Number(b),
  '<': (a, b) => Number(a) < Number(b),
  '>': (a, b) => Number(a) > Number(b),
};

/** `@.type=="Ready"`, or `@.type` for "has it". */
function filterStep(condition: string): Step | undefined {
  const operator = ['==', '!=', '<=', '>=', '<', '>'].find((candidate) => condition.includes(candidate));
  const [left = '', right = ''] = operator === undefined ? [condition] : splitOnce(condition, operator);
  if (!left.trim().startsWith('@')) return undefined;
  const read = compilePath(left.trim().slice(1));
  if (read === undefined) return undefined;
  const compare = operator === undefined ? undefined : comparisons[operator];
  const wanted = unquoted(right.trim()) ?? right.trim();
  return (values) =>
    values
      .flatMap((value) => (Array.isArray(value) ? value : [value]))
      .filter((item: unknown) => {
        const found = read(item);
        return compare === undefined ? found !== undefined : found !== undefined && compare(found, wanted);
      });
}

function splitOnce(text: string, at: string): readonly string[] {
  const index = text.indexOf(at);
  return [text.slice(0, index), text.slice(index + at.length)];
}
