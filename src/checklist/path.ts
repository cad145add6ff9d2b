import { at, text } from './read.ts';

/** `status.conditions[type=Ready].reason`, read once. */
export type Step =
  | string
  | number
  | '*'
  | { readonly key: string; readonly value: string; readonly isAny?: undefined }
  | { readonly isAny: true };

/** What is not known of an object that is known in part: not the same as not there. */
export const notKnown: unique symbol = Symbol('not known');

/** An object of which only some fields are known: gives a field, undefined where it is not there, or `notKnown`. */
export type Part = (key: string) => unknown;

/** A list of which some entries are known: whether the one with this key is there is known where `knows` says so. */
export interface PartList {
  readonly entries: readonly unknown[];
  readonly knows: (key: string, value: string) => boolean;
}

/** Marks a `PartList` among values of any shape. */
const partList: unique symbol = Symbol('part of a list');

export const asPartList = (list: PartList): unknown => ({ [partList]: list });

const mostSteps = 30;

/** The steps of a path; undefined where the text is none. */
export function stepsOf(path: string): readonly Step[] | undefined {
  const steps: Step[] = [];
  const token = /([\w/-]+)|\[(?:(\*)|(\d+)|([\w./-]+)=([^\]]*)|'([^']+)'|"([^"]+)")\]|(\.)/y;
  let isDot = true;
  while (token.lastIndex < path.length) {
    const match = token.exec(path);
    if (match === null || steps.length > mostSteps) return undefined;
    const [, word, star, index, key, value, single, double, dot] = match;
    if (dot !== undefined) {
      if (isDot) return undefined;
      isDot = true;
      continue;
    }
    if (word !== undefined) {
      if (!isDot) return undefined;
      steps.push(word);
    } else if (star !== undefined) steps.push({ isAny: true });
    else if (index !== undefined) steps.push(Number(index));
    else if (key !== undefined) steps.push({ key, value: value ?? '' });
    else steps.push(single ?? double ?? '');
    isDot = false;
  }
  return steps.length === 0 || isDot ? undefined : steps;
}

export interface Values {
  readonly found: readonly unknown[];
  /** False where a part was not known: that nothing was found then says nothing. */
  readonly isWhole: boolean;
}

const own = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? at(value, key) : undefined;

const partsOf = (value: unknown): PartList | undefined =>
  typeof value === 'object' && value !== null
    ? (value as { readonly [partList]?: PartList })[partList]
    : undefined;

const nothing: Values = { found: [], isWhole: true };
const nothingKnown: Values = { found: [], isWhole: false };

/** All values at a path, those of `[*]` in their order. */
export function valuesAt(object: unknown, steps: readonly Step[]): Values {
  // Most paths have names alone, and are asked of every row.
  let value = object;
  let taken = 0;
  for (; taken < steps.length; taken++) {
    const step = steps[taken];
    if (typeof step !== 'string') break;
    value = typeof value === 'function' ? (value as Part)(step) : own(value, step);
    if (value === notKnown) return nothingKnown;
    if (value === undefined || value === null) return nothing;
  }
  return taken === steps.length ? { found: [value], isWhole: true } : valuesIn(value, steps.slice(taken));
}

function valuesIn(object: unknown, steps: readonly Step[]): Values {
  let here: unknown[] = [object];
  let isWhole = true;
  for (const step of steps) {
    const next: unknown[] = [];
    const take = (value: unknown): void => {
      if (value === notKnown) isWhole = false;
      else if (value !== undefined && value !== null) next.push(value);
    };
    for (const value of here) {
      const part = partsOf(value);
      const entries = part?.entries ?? (Array.isArray(value) ? value : undefined);
      if (typeof step === 'string')
        take(typeof value === 'function' ? (value as Part)(step) : own(value, step));
      else if (entries === undefined) continue;
      else if (typeof step === 'number') take(part === undefined ? entries[step] : notKnown);
      else if ('key' in step) {
        const hit = entries.filter((entry) => keyOf(entry, step.key) === step.value);
        if (hit.length === 0 && part !== undefined && !part.knows(step.key, step.value)) isWhole = false;
        for (const entry of hit) take(entry);
      } else {
        for (const entry of entries) take(entry);
        if (part !== undefined && !part.knows('', '')) isWhole = false;
      }
    }
    here = next;
    if (here.length === 0) break;
  }
  return { found: here, isWhole };
}

const keyOf = (entry: unknown, key: string): string => {
  const value = typeof entry === 'function' ? (entry as Part)(key) : own(entry, key);
  return text(typeof value === 'symbol' ? '' : value);
};
