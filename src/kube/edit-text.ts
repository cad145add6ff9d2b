import { parseAllDocuments, parseDocument, stringify } from 'yaml';
import type { KubeObject } from './object.ts';

/** An object as a person edits it: YAML without what only the server writes down. */
export function editText(object: KubeObject): string {
  const { managedFields: _noise, ...metadata } = object.metadata ?? {};
  return stringify({ ...object, metadata }, { lineWidth: 0, aliasDuplicateObjects: false });
}

export type Edited =
  | { readonly object: KubeObject }
  /** `line` counts from 1. */
  | { readonly problem: string; readonly line: number | undefined };

/** What was typed, as an object, or what is wrong with it and where. */
export function readEdited(text: string): Edited {
  const document = parseDocument(text, { prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined)
    return {
      problem: error.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? '',
      line: error.linePos?.[0].line,
    };
  const value: unknown = document.toJS();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'this is no object', line: undefined };
  return { object: value as KubeObject };
}

/** Every object of a file, those in a List too, or what is wrong with it and where. */
export function readObjects(
  text: string,
): { readonly objects: readonly KubeObject[] } | Exclude<Edited, { object: unknown }> {
  const objects: KubeObject[] = [];
  for (const document of parseAllDocuments(text)) {
    if (!('errors' in document)) continue;
    const [error] = document.errors;
    if (error !== undefined)
      return {
        problem: error.message.split('\n')[0]?.replace(/ at line.*$/, '') ?? '',
        line: error.linePos?.[0].line,
      };
    const value: unknown = document.toJS();
    if (value === null || value === undefined) continue;
    if (!isRecord(value)) return { problem: 'a document is no object', line: undefined };
    const items = value['kind'] === 'List' && Array.isArray(value['items']) ? value['items'] : [value];
    objects.push(...(items as KubeObject[]));
  }
  return { objects };
}

/** What was changed, as an RFC 7386 merge patch; undefined where nothing was. */
export function changesBetween(before: unknown, after: unknown): unknown {
  if (!isRecord(before) || !isRecord(after))
    return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
  const changes: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!(key in after)) changes[key] = null;
    else if (!(key in before)) changes[key] = after[key];
    else {
      const inner = changesBetween(before[key], after[key]);
      if (inner !== undefined) changes[key] = inner;
    }
  }
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** A merge patch put on an object (RFC 7386). */
export function withChanges(target: unknown, changes: unknown): unknown {
  if (!isRecord(changes)) return changes;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(changes)) {
    if (value === null) delete result[key];
    else result[key] = withChanges(result[key], value);
  }
  return result;
}

/** `spec.replicas: 3`, one line for each value that changes. */
export function changeLines(changes: unknown, path = ''): readonly string[] {
  if (!isRecord(changes)) return [`${path}: ${changes === null ? 'removed' : JSON.stringify(changes)}`];
  return Object.entries(changes).flatMap(([key, value]) =>
    changeLines(value, path === '' ? key : `${path}.${key}`),
  );
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
