import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseAllDocuments } from 'yaml';
import { builtInKinds } from './built-in-kinds.ts';
import type { KindDefinition, PrinterColumn } from './kinds.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from './object.ts';

export interface ReadObjects {
  readonly objects: readonly KubeLike[];
  /** What was left out, and why: sentences for people. */
  readonly notes: readonly string[];
  /** Custom kinds that the files name: their definitions, or what a recording says of them. */
  readonly kinds: readonly KindDefinition[];
  /** The version of the server that was recorded, where a file says it. */
  readonly serverVersion: string | undefined;
}

/** A file that cannot be read as objects. The message names it, and the line where there is one. */
export class UnreadableObjects extends Error {
  readonly path: string;
  readonly line: number | undefined;
  constructor(path: string, line: number | undefined, why: string) {
    super(`${line === undefined ? path : `${path}:${line}`}: ${why}`);
    this.path = path;
    this.line = line;
  }
}

/** What a value in a file turned out to be. */
type Found =
  | { readonly is: 'object'; readonly object: KubeLike }
  | {
      readonly is: 'list';
      readonly items: readonly unknown[];
      readonly apiVersion: string;
      readonly kind: string;
    }
  | { readonly is: 'header'; readonly header: JsonRecord }
  | { readonly is: 'recording'; readonly objects: readonly unknown[]; readonly server: string }
  | { readonly is: 'wrapped'; readonly inner: unknown }
  | { readonly is: 'nothing'; readonly what: string };

interface Reading {
  readonly path: string;
  readonly objects: KubeLike[];
  readonly kinds: KindDefinition[];
  readonly skipped: Map<string, number>;
  /** What objects are that do not say it themselves: by the recording's header, else by the file's name. */
  bare: { readonly apiVersion: string; readonly kind: string } | undefined;
  serverVersion: string | undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function classify(value: unknown): Found {
  if (!isRecord(value))
    return {
      is: 'nothing',
      what: value === null || value === undefined ? 'an empty document' : `a bare ${typeof value}`,
    };
  const kind = text(value['kind']);
  const apiVersion = text(value['apiVersion']);
  if (kind === 'Table') return { is: 'nothing', what: 'a Table, which has no objects in it' };
  if (kind === 'Status') return { is: 'nothing', what: 'a Status' };
  if (Array.isArray(value['items']) && (kind === '' || kind.endsWith('List')))
    return { is: 'list', items: value['items'], apiVersion, kind };
  if (Array.isArray(value['objects']) && !('metadata' in value))
    return { is: 'recording', objects: value['objects'], server: text(value['serverVersion']) };
  if ('server' in value && !('metadata' in value)) return { is: 'header', header: value };
  if (isRecord(value['object']) && typeof value['type'] === 'string') {
    if (value['type'] === 'ADDED' || value['type'] === 'MODIFIED')
      return { is: 'wrapped', inner: value['object'] };
    return { is: 'nothing', what: `a ${value['type']} of a watch` };
  }
  if (isRecord(value['pod']) && isRecord(value['pod']['metadata']))
    return { is: 'wrapped', inner: { apiVersion: 'v1', kind: 'Pod', ...value['pod'] } };
  if (text(fieldAt(value, 'metadata.name')) !== '') return { is: 'object', object: value };
  return {
    is: 'nothing',
    what: kind === '' ? 'something without a kind and a name' : `a ${kind} without a name`,
  };
}

function definitionOf(crd: KubeLike): KindDefinition | undefined {
  const spec = crd['spec'];
  const group = text(fieldAt(spec, 'group'));
  const kind = text(fieldAt(spec, 'names.kind'));
  const served = fieldAt(spec, 'versions');
  if (group === '' || kind === '' || !Array.isArray(served)) return undefined;
  const strings = (path: string): string[] => {
    const found = fieldAt(spec, path);
    return Array.isArray(found) ? found.map(String) : [];
  };
  const columns = fieldAt(served[0], 'additionalPrinterColumns');
  return {
    group,
    kind,
    plural: text(fieldAt(spec, 'names.plural')),
    singular: text(fieldAt(spec, 'names.singular')) || kind.toLowerCase(),
    versions: served
      .filter((version) => fieldAt(version, 'served') !== false)
      .map((version) => text(fieldAt(version, 'name'))),
    shortNames: strings('names.shortNames'),
    categories: strings('names.categories'),
    namespaced: fieldAt(spec, 'scope') !== 'Cluster',
    printerColumns: Array.isArray(columns) ? (columns as PrinterColumn[]) : [],
  };
}

/** The first line of a recording: `{server, recordedAt, path, kind, namespaced, count}`. */
function takeHeader(reading: Reading, header: JsonRecord): void {
  reading.serverVersion ??= text(header['server']) || undefined;
  const steps = text(header['path'])
    .split('/')
    .filter((step) => step !== '');
  const kind = text(header['kind']);
  const plural = steps.at(-1);
  if (kind === '' || plural === undefined) return;
  const [root, group = '', version = ''] = steps;
  const apiVersion = root === 'api' ? group : `${group}/${version}`;
  reading.bare = { apiVersion, kind };
  if (root === 'apis')
    reading.kinds.push({
      group,
      versions: [version],
      kind,
      plural,
      namespaced: header['namespaced'] !== false,
    });
}

function take(reading: Reading, value: unknown, line: number | undefined): void {
  const found = classify(value);
  if (found.is === 'wrapped') take(reading, found.inner, line);
  else if (found.is === 'header') takeHeader(reading, found.header);
  else if (found.is === 'list') {
    const itemKind =
      found.kind === '' || found.kind === 'List' ? undefined : found.kind.slice(0, -'List'.length);
    for (const item of found.items) {
      const named =
        itemKind !== undefined && isRecord(item)
          ? { apiVersion: found.apiVersion, kind: itemKind, ...item }
          : item;
      take(reading, named, line);
    }
  } else if (found.is === 'recording') {
    reading.serverVersion ??= found.server || undefined;
    for (const object of found.objects) take(reading, object, undefined);
  } else if (found.is === 'nothing')
    reading.skipped.set(found.what, (reading.skipped.get(found.what) ?? 0) + 1);
  else {
    const object =
      found.object.kind === undefined && reading.bare !== undefined
        ? { ...reading.bare, ...found.object }
        : found.object;
    if (object.kind === undefined || object.apiVersion === undefined) {
      throw new UnreadableObjects(
        reading.path,
        line,
        `${text(object.metadata?.name)} says neither apiVersion nor kind, and the file does not say it either.`,
      );
    }
    if (object.kind === 'CustomResourceDefinition') {
      const definition = definitionOf(object);
      if (definition !== undefined) reading.kinds.push(definition);
    }
    reading.objects.push(object);
  }
}

/** `pods.jsonl` holds pods, `jobs.batch.json.gz` holds jobs. */
function byFileName(path: string): Reading['bare'] {
  const name = basename(path)
    .replace(/\.gz$/, '')
    .replace(/\.(jsonl?|ndjson|ya?ml)$/, '');
  const kind = builtInKinds().find(
    ({ group, plural }) => name === (group === '' ? plural : `${plural}.${group}`),
  );
  if (kind === undefined) return undefined;
  const version = kind.versions[0] ?? 'v1';
  return { apiVersion: kind.group === '' ? version : `${kind.group}/${version}`, kind: kind.kind };
}

const why = (error: unknown): string =>
  error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);

function takeLines(reading: Reading, body: string): void {
  body.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new UnreadableObjects(reading.path, index + 1, `not JSON: ${why(error)}`);
    }
    take(reading, value, index + 1);
  });
}

function takeYaml(reading: Reading, body: string): void {
  for (const document of parseAllDocuments(body)) {
    const [error] = document.errors;
    if (error !== undefined)
      throw new UnreadableObjects(reading.path, error.linePos?.[0].line, `not YAML: ${why(error)}`);
    take(reading, document.toJS({ maxAliasCount: 1000 }), undefined);
  }
}

function takeText(reading: Reading, body: string): void {
  const start = body.trimStart();
  if (!start.startsWith('{') && !start.startsWith('[')) {
    takeYaml(reading, body);
    return;
  }
  let whole: unknown;
  try {
    whole = JSON.parse(body);
  } catch {
    // Not one value: then one in each line, or the line to blame is found there.
    takeLines(reading, body);
    return;
  }
  for (const value of Array.isArray(whole) ? whole : [whole]) take(reading, value, undefined);
}

async function readOne(path: string): Promise<Reading> {
  const reading: Reading = {
    path,
    objects: [],
    kinds: [],
    skipped: new Map(),
    bare: byFileName(path),
    serverVersion: undefined,
  };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new UnreadableObjects(path, undefined, `cannot be read: ${why(error)}`);
  }
  takeText(reading, bytes.toString());
  return reading;
}

/**
 * The objects of files: JSON Lines, a JSON object or List, YAML with one or more documents, what `kubectl get -o json|yaml`
 * printed, a recorded watch; gzipped or not. Throws `UnreadableObjects`.
 */
export async function readObjects(paths: readonly string[]): Promise<ReadObjects> {
  const readings: Reading[] = [];
  for (const path of paths) readings.push(await readOne(path));
  return {
    objects: readings.flatMap((reading) => reading.objects),
    kinds: readings.flatMap((reading) => reading.kinds),
    notes: readings.flatMap(({ path, skipped }) =>
      [...skipped].map(
        ([what, count]) => `${path}: left out ${what}${count > 1 ? ` (${count} times)` : ''}.`,
      ),
    ),
    serverVersion: readings.find((reading) => reading.serverVersion !== undefined)?.serverVersion,
  };
}
