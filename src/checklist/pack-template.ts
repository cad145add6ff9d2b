import { ageText, quantity, text } from '../resources/fields.ts';
import { kindOf } from './evidence-index.ts';
import { targetOf } from './fixes.ts';
import { factNamed } from './named-facts.ts';
import { type PackPath, parsePath, type Scene, valuesOf } from './pack-scene.ts';
import { isPod } from './pod-facts.ts';
import { brief, time } from './read.ts';

/** What a condition captured, and in the evidence of a check `actual`. */
export type Captures = Readonly<Record<string, string>>;

interface Hole {
  readonly name: string;
  readonly path: PackPath | undefined;
  readonly filters: readonly { readonly name: string; readonly limit: number }[];
}

/** A text with holes, read once: `{{ captures.seat | trunc(20) }}`. No expressions. */
export interface Template {
  readonly source: string;
  readonly parts: readonly (string | Hole)[];
}

const filterNames = new Set(['quantity', 'age', 'shell', 'trunc', 'json']);

const words: Readonly<Record<string, (scene: Scene) => string>> = {
  namespace: ({ facts }) => facts.namespace,
  ns: ({ facts }) => facts.namespace,
  pod: ({ facts }) => facts.name,
  node: ({ facts }) => facts.node,
  owner: ({ facts }) => {
    const { object } = facts;
    if (object !== undefined && !isPod(object)) return `${kindOf(object).toLowerCase()}/${facts.name}`;
    const target = targetOf(facts);
    return `${target.resource}/${target.name}`;
  },
  c: ({ bound, facts }) => bound?.name ?? facts.containers.find(({ kind }) => kind === 'main')?.name ?? '',
  $c: ({ bound, facts }) => bound?.name ?? facts.containers.find(({ kind }) => kind === 'main')?.name ?? '',
};

/** What stands in a template's place that is no path: for lint and for `rules explain`. */
export const templateWords: readonly string[] = Object.keys(words);

/** Why a text is no template; undefined when it is one. `more` are names that this place knows besides. */
export function templateProblem(source: string, more: ReadonlySet<string>): string | undefined {
  for (const part of parseTemplate(source).parts) {
    if (typeof part === 'string') {
      if (part.includes('{{')) return 'a {{ is not closed';
      continue;
    }
    const { name, filters, path } = part;
    const unknown = filters.find((filter) => !filterNames.has(filter.name));
    if (unknown !== undefined) return `filter ${unknown.name}: one of ${[...filterNames].join(', ')}`;
    if (name.startsWith('params.')) return `no parameter ${name.slice(7)}`;
    if (name.startsWith('captures.')) {
      if (!more.has(name))
        return `nothing captures ${name.slice(9)}: write (?<${name.slice(9)}>…) in a pattern`;
    } else if (name.startsWith('facts.')) {
      const fact = factNamed(name.slice(6));
      if (fact === undefined) return `no fact ${name.slice(6)}; mltop rules explain facts lists them`;
      if (Object.values(fact.args).includes('needed')) return `fact ${fact.id} needs arguments`;
    } else if (words[name] === undefined && !more.has(name) && path === undefined)
      return `{{ ${name} }} is neither a path nor one of ${[...templateWords, ...more].join(', ')}`;
  }
  return undefined;
}

const known = new Map<string, Template>();

/** Reads a template; kept, for packs have few of them. */
function parseTemplate(given: string): Template {
  // `label: 5` is a number to YAML.
  const source = String(given);
  const before = known.get(source);
  if (before !== undefined) return before;
  const parts: (string | Hole)[] = [];
  let at = 0;
  for (const match of source.matchAll(/\{\{([^{}]{0,200})\}\}/g)) {
    if (match.index > at) parts.push(source.slice(at, match.index));
    at = match.index + match[0].length;
    const [name = '', ...filters] = (match[1] ?? '').split('|').map((word) => word.trim());
    const isWord =
      words[name] !== undefined || /^(?:captures|facts|params)\./.test(name) || name === 'actual';
    parts.push({
      name,
      path: isWord || !/[.]/.test(name) ? undefined : parsePath(name),
      filters: filters.map((filter) => {
        const call = /^(\w+)(?:\((\d{1,4})\))?$/.exec(filter);
        return { name: call?.[1] ?? filter, limit: Number(call?.[2] ?? 40) };
      }),
    });
  }
  if (at < source.length) parts.push(source.slice(at));
  const template = { source, parts };
  if (known.size < 5000) known.set(source, template);
  return template;
}

function filling({ name, path }: Hole, scene: Scene, captures: Captures): unknown {
  if (path !== undefined) return valuesOf(scene, path).found[0];
  if (name.startsWith('captures.')) return captures[name.slice(9)];
  if (name.startsWith('facts.')) return factNamed(name.slice(6))?.of(scene, {});
  return words[name]?.(scene) ?? captures[name];
}

/** One sanitised line of any value. */
export const shown = (value: unknown): string => {
  if (value === undefined || value === null || typeof value === 'function' || typeof value === 'symbol')
    return '';
  return typeof value === 'object' ? brief(text(JSON.stringify(value)), 400) : text(value);
};

const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'];

function quantityText(value: string): string {
  let amount = quantity(value) ?? Number.NaN;
  if (!Number.isFinite(amount)) return value;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return `${Number(amount.toFixed(1))}${units[unit]}`;
}

function filtered(value: unknown, { filters }: Hole, scene: Scene): string {
  let out = shown(value);
  for (const { name, limit } of filters) {
    if (name === 'trunc') out = out.length > limit ? `${out.slice(0, Math.max(0, limit - 1))}…` : out;
    else if (name === 'json') out = JSON.stringify(out);
    else if (name === 'shell') out = /^[\w./:@=,+%-]+$/.test(out) ? out : `'${out.replaceAll("'", "'\\''")}'`;
    else if (name === 'quantity') out = quantityText(out);
    else if (name === 'age') out = ageText(time(value), scene.facts.now);
  }
  return out;
}

/** The text with its holes filled; what is not known is `?`. */
export function fill(template: string, scene: Scene, captures: Captures = {}): string {
  const { parts } = parseTemplate(template);
  return text(
    parts
      .map((part) => {
        if (typeof part === 'string') return part;
        const value = filling(part, scene, captures);
        return value === undefined || value === '' ? '?' : filtered(value, part, scene);
      })
      .join(''),
  );
}

/** Names, references and images: nothing that a command could take for an option, a second word or a list. */
const argument = /^[A-Za-z0-9_][\w./:@+-]{0,252}$/;

/**
 * One word of a command. What comes from the cluster must look like a name, whatever the author meant to do with it;
 * undefined where it does not: then there is no command.
 */
export function fillArgument(template: string, scene: Scene, captures: Captures): string | undefined {
  let out = '';
  for (const part of parseTemplate(template).parts) {
    if (typeof part === 'string') {
      out += part;
      continue;
    }
    const value = shown(filling(part, scene, captures));
    if (!argument.test(value)) return undefined;
    out += value;
  }
  return out;
}
