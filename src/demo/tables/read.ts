import { fieldAt, isRecord, type JsonRecord } from '../object.ts';

/** What a printer is given besides the object. */
export interface PrintContext {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly serverVersion: { readonly major: number; readonly minor: number };
}

export type Cell = string | number | boolean | null;

/** Cells of one object, in the order of its kind's columns. */
export type Printer = (object: JsonRecord, context: PrintContext) => readonly Cell[];

export interface ColumnDefinition {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, more only with `-o wide`. */
  readonly priority: number;
}

/** Text at a path; `missing` where the field is absent, as Go's zero value would be. */
export function textAt(object: unknown, path: string, missing = ''): string {
  const value = fieldAt(object, path);
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : missing;
}

export function countAt(object: unknown, path: string): number {
  const value = fieldAt(object, path);
  return typeof value === 'number' ? value : 0;
}

export const flagAt = (object: unknown, path: string): boolean => fieldAt(object, path) === true;

export function listAt(object: unknown, path: string): readonly JsonRecord[] {
  const value = fieldAt(object, path);
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function textsAt(object: unknown, path: string): readonly string[] {
  const value = fieldAt(object, path);
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

export function recordAt(object: unknown, path: string): JsonRecord {
  const value = fieldAt(object, path);
  return isRecord(value) ? value : {};
}

/** Labels as `a=1,b=2`, sorted by key; `<none>` when there are none. */
export function labelsText(labels: JsonRecord): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${String(value)}`);
  return pairs.length === 0 ? '<none>' : pairs.sort(byText).join(',');
}

/** A LabelSelector as the API server writes it; empty text selects everything. */
export function selectorText(selector: unknown): string {
  const requirements = Object.entries(recordAt(selector, 'matchLabels')).map(
    ([key, value]): readonly [string, string] => [key, `${key}=${String(value)}`],
  );
  for (const expression of listAt(selector, 'matchExpressions')) {
    const key = textAt(expression, 'key');
    const values = [...textsAt(expression, 'values')].sort(byText).join(',');
    requirements.push([key, requirementText(key, textAt(expression, 'operator'), values)]);
  }
  return requirements
    .sort(([a], [b]) => byText(a, b))
    .map(([, text]) => text)
    .join(',');
}

function requirementText(key: string, operator: string, values: string): string {
  switch (operator) {
    case 'In':
      return `${key} in (${values})`;
    case 'NotIn':
      return `${key} notin (${values})`;
    case 'DoesNotExist':
      return `!${key}`;
    default:
      return key;
  }
}

/** The selector at a path; `<none>` where it is missing or empty. */
export const selectorAt = (object: unknown, path: string): string =>
  selectorText(fieldAt(object, path)) || '<none>';

/** Names and images of a pod template's containers, as the wide columns have them. */
export function containerCells(object: unknown, path: string): readonly [string, string] {
  const containers = listAt(object, path);
  return [
    containers.map((container) => textAt(container, 'name')).join(','),
    containers.map((container) => textAt(container, 'image')).join(','),
  ];
}

/** At most three items, then `+ N more...`, as endpoints, hosts and ports are printed. */
export function firstThree(items: readonly string[], separator = ','): string {
  const shown = items.slice(0, 3).join(separator);
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}

export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
