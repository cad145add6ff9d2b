import type { KubeObject } from '../kube/object.ts';
import { list, record } from '../resources/fields.ts';
import {
  annotationLines,
  byName,
  eventLines,
  head,
  labelLines,
  labelsText,
  type Related,
  str,
} from './parts.ts';
import { createPage, type Page } from './tabs.ts';

export function describeConfigMap(map: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  metadataLines(page, map);
  page.write(0, '\nData\n====\n');
  for (const [key, value] of entries(map['data'])) page.write(0, `${key}:\n----\n${value}\n\n`);
  page.write(0, '\nBinaryData\n====\n');
  for (const [key, value] of entries(map['binaryData']))
    page.write(0, `${key}: ${decodedLength(value)} bytes\n`);
  page.write(0, '\n');
  eventLines(page, events, now);
  return page.text();
}

/** Sizes only, of tokens too: the mask that stands for a value says how long it is. */
export function describeSecret(secret: KubeObject): string {
  const page = createPage();
  metadataLines(page, secret);
  page.write(0, `\nType:\t${str(secret['type'])}\n\nData\n====\n`);
  for (const [key, value] of entries(secret['data'])) {
    const length = /\((\d+) bytes\)$/.exec(value)?.[1] ?? new TextEncoder().encode(value).length;
    page.write(0, `${key}:\t${length} bytes\n`);
  }
  return page.text();
}

/** Related: `secrets` of its namespace; without them nothing is known of tokens, nor of names that lead nowhere. */
export function describeServiceAccount(
  account: KubeObject,
  { events, secrets }: Related,
  now: number,
): string {
  const page = createPage();
  metadataLines(page, account);
  const metadata = record(account.metadata);
  const there = secrets && new Set(secrets.map((secret) => str(record(secret.metadata)['name'])));
  const tokens = secrets
    ?.filter((secret) => {
      const annotations = record(record(secret.metadata)['annotations']);
      return (
        secret['type'] === 'kubernetes.io/service-account-token' &&
        annotations['kubernetes.io/service-account.name'] === metadata['name'] &&
        annotations['kubernetes.io/service-account.uid'] === metadata['uid']
      );
    })
    .map((secret) => str(record(secret.metadata)['name']));
  const names = (value: unknown): readonly string[] =>
    list(value).map((raw) => {
      const name = str(record(raw)['name']);
      return there === undefined || there.has(name) ? name : `${name} (not found)`;
    });
  for (const [title, found] of [
    ['Image pull secrets:', names(account['imagePullSecrets'])],
    ['Mountable secrets: ', names(account['secrets'])],
    ['Tokens:            ', tokens ?? ['<unknown>']],
  ] as const) {
    if (found.length === 0) page.write(0, `${title}\t<none>\n`);
    for (const [at, name] of found.entries())
      page.write(0, `${at === 0 ? title : ' '.repeat(title.length)}\t${name}\n`);
  }
  eventLines(page, events, now);
  return page.text();
}

export function describePriorityClass(priority: KubeObject, { events }: Related, now: number): string {
  const page = createPage();
  head(page, priority, { namespaced: false });
  page.write(0, `Value:\t${str(priority['value']) || '0'}\n`);
  page.write(0, `GlobalDefault:\t${str(priority['globalDefault']) || 'false'}\n`);
  page.write(0, `PreemptionPolicy:\t${str(priority['preemptionPolicy'])}\n`);
  page.write(0, `Description:\t${str(priority['description'])}\n`);
  page.write(0, `Annotations:\t${labelsText(record(priority.metadata)['annotations'])}\n`);
  eventLines(page, events, now);
  return page.text();
}

function metadataLines(page: Page, object: KubeObject): void {
  head(page, object);
  labelLines(page, 'Labels', record(object.metadata)['labels']);
  annotationLines(page, record(object.metadata)['annotations']);
}

const entries = (value: unknown): readonly (readonly [string, string])[] =>
  Object.entries(record(value))
    .sort(byName)
    .map(([key, text]) => [key, str(text)]);

/** Of base64. */
const decodedLength = (text: string): number =>
  Math.floor((text.replace(/[=\s]+$/, '').replace(/\s/g, '').length * 3) / 4);
