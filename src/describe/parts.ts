import type { KubeObject } from '../kube/object.ts';
import type { Fields } from '../resources/fields.ts';
import { humanDuration, isRecord, list, record, time } from '../resources/fields.ts';
import type { Page } from './tabs.ts';

/** What the describers read besides the object. A list is undefined where it could not be read. */
export interface Related {
  readonly events?: readonly KubeObject[] | undefined;
  readonly [name: string]: readonly KubeObject[] | undefined;
}

/** A text as the object has it, numbers and booleans printed; `''` where there is none. */
export function str(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export const bool = (value: unknown): string => (value === true ? 'True' : 'False');

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** RFC 1123 with a numeric zone, in UTC; Go's zero time where there is none. */
export function dateText(value: unknown): string {
  const at = time(value);
  if (at === undefined) return 'Mon, 01 Jan 0001 00:00:00 +0000';
  const date = new Date(at);
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ${clock} +0000`;
}

/** Since then, as kubectl says it. */
export function sinceText(value: unknown, now: number): string {
  const at = time(value);
  return at === undefined ? '<unknown>' : humanDuration(now - at);
}

/** `a=b,c=d`, sorted; `<none>` where there are none. */
export function labelsText(value: unknown): string {
  const entries = Object.entries(record(value)).sort(byName);
  return entries.length === 0 ? '<none>' : entries.map(([key, text]) => `${key}=${str(text)}`).join(',');
}

/** metav1.FormatLabelSelector. */
export function selectorText(value: unknown): string {
  const selector = record(value);
  const parts = Object.entries(record(selector['matchLabels'])).map(([key, text]) => [
    key,
    `${key}=${str(text)}`,
  ]);
  for (const raw of list(selector['matchExpressions'])) {
    const { key, operator, values } = record(raw);
    const given = list(values).map(str).sort().join(',');
    const name = str(key);
    const text =
      operator === 'In'
        ? `${name} in (${given})`
        : operator === 'NotIn'
          ? `${name} notin (${given})`
          : operator === 'Exists'
            ? name
            : `!${name}`;
    parts.push([name, text]);
  }
  if (parts.length === 0) return '<none>';
  return parts
    .sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(',');
}

export const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** `title`, then one item a line, lined up. */
export function multiline(
  page: Page,
  title: string,
  items: readonly string[],
  indent = '',
  inner = '\t',
): void {
  page.write(0, `${indent}${title}:${inner}`);
  if (items.length === 0) page.write(0, '<none>\n');
  for (const [index, item] of items.entries()) page.write(0, `${index === 0 ? '' : indent + inner}${item}\n`);
}

export function labelLines(page: Page, title: string, value: unknown, indent = '', inner = '\t'): void {
  const entries = Object.entries(record(value)).sort(byName);
  multiline(
    page,
    title,
    entries.map(([key, text]) => `${key}=${str(text)}`),
    indent,
    inner,
  );
}

const longestAnnotation = 140;

export function annotationLines(page: Page, value: unknown, indent = '', title = 'Annotations'): void {
  const entries = Object.entries(record(value))
    .filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration')
    .sort(byName);
  page.write(0, `${indent}${title}:\t`);
  if (entries.length === 0) page.write(0, '<none>\n');
  for (const [index, [key, raw]] of entries.entries()) {
    if (index > 0) page.write(0, `${indent}\t`);
    const text = str(raw).replace(/\n$/, '');
    if (key.length + text.length + 2 <= longestAnnotation && !text.includes('\n')) {
      page.write(0, `${key}: ${text}\n`);
      continue;
    }
    page.write(0, `${key}:\n`);
    for (const line of text.split('\n')) page.write(0, `${indent}\t  ${shorten(line)}\n`);
  }
}

const shorten = (line: string): string =>
  line.length > longestAnnotation - 2 ? `${line.slice(0, longestAnnotation - 2)}...` : line;

/** Name, namespace, labels and annotations, as most describes begin. */
export function head(
  page: Page,
  object: KubeObject,
  options: { readonly namespaced?: boolean; readonly created?: boolean } = {},
): void {
  const metadata = record(object.metadata);
  page.write(0, `Name:\t${str(metadata['name'])}\n`);
  if (options.namespaced !== false) page.write(0, `Namespace:\t${str(metadata['namespace'])}\n`);
  if (options.created === true)
    page.write(0, `CreationTimestamp:\t${dateText(metadata['creationTimestamp'])}\n`);
}

export function controllerText(object: KubeObject): string {
  for (const raw of list(record(object.metadata)['ownerReferences'])) {
    const owner = record(raw);
    if (owner['controller'] === true) return `${str(owner['kind'])}/${str(owner['name'])}`;
  }
  return '';
}

/** `[a b]`, as Go prints a list. */
export const goList = (value: unknown): string => `[${list(value).map(str).join(' ')}]`;

export function tolerationLines(page: Page, value: unknown, indent = ''): void {
  const tolerations = list(value)
    .map(record)
    .sort((a, b) => (str(a['key']) < str(b['key']) ? -1 : str(a['key']) > str(b['key']) ? 1 : 0));
  multiline(page, 'Tolerations', tolerations.map(tolerationText), indent);
}

function tolerationText(toleration: Fields): string {
  const key = str(toleration['key']);
  const value = str(toleration['value']);
  const effect = str(toleration['effect']);
  let text = key;
  if (value !== '') text += `=${value}`;
  if (effect !== '') text += `:${effect}`;
  if (toleration['operator'] === 'Exists' && value === '')
    text += key !== '' || effect !== '' ? ' op=Exists' : 'op=Exists';
  if (typeof toleration['tolerationSeconds'] === 'number') text += ` for ${toleration['tolerationSeconds']}s`;
  return text;
}

export function taintLines(page: Page, value: unknown): void {
  const taints = list(value)
    .map(record)
    .map((taint) => {
      const text = str(taint['value']);
      return `${str(taint['key'])}${text === '' ? '' : `=${text}`}:${str(taint['effect'])}`;
    });
  // By effect, then by key.
  const effect = (text: string): string => text.slice(text.lastIndexOf(':') + 1);
  const order = (text: string): string => `${effect(text)} ${text}`;
  multiline(
    page,
    'Taints',
    taints.sort((a, b) => (order(a) < order(b) ? -1 : order(a) > order(b) ? 1 : 0)),
  );
}

/** The events under the object. Undefined: they may not be read, and nothing is claimed about them. */
export function eventLines(page: Page, events: readonly KubeObject[] | undefined, now: number): void {
  if (events === undefined) return;
  if (events.length === 0) {
    page.write(0, 'Events:\t<none>\n');
    return;
  }
  page.flush();
  const sorted = events
    .map(record)
    .sort((a, b) => (time(a['lastTimestamp']) ?? 0) - (time(b['lastTimestamp']) ?? 0));
  page.write(0, 'Events:\n  Type\tReason\tAge\tFrom\tMessage\n');
  page.write(1, '----\t------\t----\t----\t-------\n');
  for (const event of sorted) {
    const source = str(record(event['source'])['component']) || str(event['reportingComponent']);
    const message = str(event['message']).trim();
    page.write(
      1,
      `${str(event['type'])}\t${str(event['reason'])}\t${intervalText(event, now)}\t${source}\t${message}\n`,
    );
  }
}

function intervalText(event: Fields, now: number): string {
  const first =
    time(event['eventTime']) === undefined
      ? sinceText(event['firstTimestamp'], now)
      : sinceText(event['eventTime'], now);
  const { series, count } = event;
  if (isRecord(series))
    return `${sinceText(series['lastObservedTime'], now)} (x${str(series['count'])} over ${first})`;
  if (typeof count === 'number' && count > 1)
    return `${sinceText(event['lastTimestamp'], now)} (x${count} over ${first})`;
  return first;
}
