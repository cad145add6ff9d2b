import * as fields from '../resources/fields.ts';

/**
 * Reading objects whose shape nobody promises: pasted, cut, from an older server. What is not there is `undefined`,
 * `''` or empty; nothing throws.
 */
type Path = readonly (string | number)[];

export function at(value: unknown, ...path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Readonly<Record<string | number, unknown>>)[step];
  }
  return here;
}

/** One sanitised line; `''` where there is none. */
export const text = (value: unknown, ...path: Path): string => fields.text(at(value, ...path));

/** Several sanitised lines, as a termination message has them. */
export function lines(value: unknown, ...path: Path): string {
  const found = at(value, ...path);
  return typeof found !== 'string'
    ? ''
    : found
        .split(/\r?\n/)
        .map((line) => fields.text(line))
        .filter((line) => line !== '')
        .join('\n');
}

export const count = (value: unknown, ...path: Path): number | undefined => fields.number(at(value, ...path));

export const list = (value: unknown, ...path: Path): readonly unknown[] => fields.list(at(value, ...path));

export const record = (value: unknown, ...path: Path): Readonly<Record<string, unknown>> =>
  fields.record(at(value, ...path));

/** Entries of a map whose values are text: labels, selectors, annotations. */
export const strings = (value: unknown, ...path: Path): Readonly<Record<string, string>> =>
  fields.labels(at(value, ...path));

/** Epoch ms; undefined for absent, unreadable and for Go's zero time. */
export const time = (value: unknown, ...path: Path): number | undefined => fields.time(at(value, ...path));

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime, epoch ms. */
  readonly at: number | undefined;
}

export function conditions(object: unknown): readonly Condition[] {
  return list(object, 'status', 'conditions').map((entry) => ({
    type: text(entry, 'type'),
    status: text(entry, 'status'),
    reason: text(entry, 'reason'),
    message: text(entry, 'message'),
    at: time(entry, 'lastTransitionTime'),
  }));
}

export function condition(object: unknown, type: string): Condition | undefined {
  return conditions(object).find((entry) => entry.type === type);
}

/** Number of single-character edits between two names, two swapped neighbours being one; `limit + 1` when there are more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  let earlier: readonly number[] = [];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? (earlier[j - 2] ?? limit) + 1
          : limit + 1;
      row.push(Math.min(change, swapped, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    earlier = before;
    before = row;
  }
  return Math.min(before[b.length] ?? limit + 1, limit + 1);
}

/** The candidates that look like a slip of `wanted`: a few edits away, or the same but for case or an affix. */
export function nearNames(wanted: string, candidates: Iterable<string>): readonly string[] {
  const limit = Math.max(1, Math.floor(wanted.length / 5));
  const small = wanted.toLowerCase();
  const scored: { readonly name: string; readonly distance: number }[] = [];
  for (const name of new Set(candidates)) {
    if (name === wanted) continue;
    const other = name.toLowerCase();
    const distance = editDistance(small, other, limit);
    if (distance <= limit) scored.push({ name, distance });
    else if (
      small.length > 2 &&
      other.length > 2 &&
      (other.startsWith(small) || small.startsWith(other) || other.endsWith(small))
    )
      scored.push({ name, distance: limit + 1 });
  }
  return scored
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .map((entry) => entry.name)
    .slice(0, 3);
}

/** `41m`, `2h5m`, `3d`: the coarse form that headlines use. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 || hours >= 8 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}

/** Text cut for a headline, at a word where possible. */
export function brief(value: string, limit = 120): string {
  const line = value.replace(/\s+/g, ' ').trim();
  if (line.length <= limit) return line;
  const cut = line.lastIndexOf(' ', limit - 1);
  return `${line.slice(0, cut > limit / 2 ? cut : limit - 1)}…`;
}

/** Where a chain ends in somebody's own words: what a program printed, what a cloud's API answered. */
const ownWords =
  /^.*(?:\bOutput: |\bapi error |\bgoogleapi: Error \d+: |\bRawError: .*?"message": ?")(.{12,})$/;

/**
 * The end of an error chain, where the reason stands: `a: b: rpc error: code = Internal desc = c: d` becomes `c: d`, and
 * of what is still too long the beginning gives way. Somebody's own words are kept from their beginning.
 */
export function essence(value: string, limit = 140): string {
  const line = value.replace(/\s+/g, ' ').trim();
  const words = ownWords.exec(line)?.[1];
  if (words !== undefined) return brief(words.replace(/"?[\s}]*$/, ''), limit);
  const tail = line.slice(line.lastIndexOf(' desc = ') + 1).replace(/^desc = /, '');
  const core = tail.length >= 12 ? tail : line;
  if (core.length <= limit) return core;
  const parts = core.split(/(?<=[:;,]) /);
  let kept = '';
  for (const part of parts.toReversed()) {
    const next = kept === '' ? part : `${part} ${kept}`;
    if (next.length > limit - 2) break;
    kept = next;
  }
  // A short end says too little by itself.
  return kept.length >= limit / 3 ? `… ${kept}` : `…${core.slice(-(limit - 1))}`;
}

/** `; there is a, b`, or nothing: behind the sentence that something does not exist. */
export const thereIs = (names: readonly string[]): string =>
  names.length === 0 ? '' : `; there is ${names.join(', ')}`;
