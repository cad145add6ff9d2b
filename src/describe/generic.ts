import type { KubeObject } from '../kube/object.ts';
import { isRecord, record } from '../resources/fields.ts';
import { annotationLines, byName, eventLines, head, labelLines, type Related } from './parts.ts';
import { createPage, type Page } from './tabs.ts';

/** What kubectl prints for a kind that it has no words for: every field, sorted. */
export function describeAny(object: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  head(page, object);
  labelLines(page, 'Labels', record(object.metadata)['labels']);
  annotationLines(page, record(object.metadata)['annotations']);
  contentLines(page, 0, object, '');
  eventLines(page, events, now);
  return page.text();
}

const skipped = new Set([
  '.metadata.managedFields',
  '.metadata.name',
  '.metadata.namespace',
  '.metadata.labels',
  '.metadata.annotations',
]);

function contentLines(
  page: Page,
  depth: number,
  content: Readonly<Record<string, unknown>>,
  prefix: string,
): void {
  for (const [field, value] of Object.entries(content).sort(byName)) {
    const path = `${prefix}.${field}`;
    if (skipped.has(path)) continue;
    const label = labelOf(field);
    if (isRecord(value)) {
      page.write(depth, `${label}:\n`);
      contentLines(page, depth + 1, value, path);
    } else if (Array.isArray(value)) {
      page.write(depth, `${label}:\n`);
      for (const item of value as readonly unknown[]) {
        if (isRecord(item)) contentLines(page, depth + 1, item, path);
        else page.write(depth + 1, `${goText(item)}\n`);
      }
    } else page.write(depth, `${label}:\t${goText(value)}\n`);
  }
}

/** As Go's %v prints what JSON can hold. */
function goText(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isRecord(value))
    return `map[${Object.entries(value)
      .sort(byName)
      .map(([key, item]) => `${key}:${goText(item)}`)
      .join(' ')}]`;
  return String(value);
}

const acronyms = new Set(['API', 'URL', 'UID', 'OSB', 'GUID']);

/** `creationTimestamp` → `Creation Timestamp`. */
function labelOf(field: string): string {
  if (field.includes('.')) return field;
  return wordsOf(field)
    .filter((part) => part !== '_')
    .map((part) =>
      acronyms.has(part.toUpperCase()) ? part.toUpperCase() : part.charAt(0).toUpperCase() + part.slice(1),
    )
    .join(' ');
}

/** Runs of lower case, upper case, digits and others; the last capital of a run goes with the small letters behind it. */
function wordsOf(field: string): readonly string[] {
  const runs = field.match(/\p{Ll}+|\p{Lu}+|\p{Nd}+|[^\p{Ll}\p{Lu}\p{Nd}]+/gu) ?? [];
  for (let at = 0; at < runs.length - 1; at += 1) {
    const [here = '', next = ''] = [runs[at], runs[at + 1]];
    if (!/^\p{Lu}/u.test(here) || !/^\p{Ll}/u.test(next)) continue;
    runs[at + 1] = here.slice(-1) + next;
    runs[at] = here.slice(0, -1);
  }
  return runs.filter((run) => run !== '');
}
