import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseDocument } from 'yaml';
import { builtInKinds } from './built-in-kinds.ts';
import type { KindDefinition, PrinterColumn } from './kinds.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from './object.ts';
import { stretches, withoutTabs } from './paste.ts';

export interface ReadObjects {
  readonly objects: readonly KubeLike[];
  /** What was left out, and why: sentences for people. */
  readonly notes: readonly string[];
  /** Those of the notes that tell of broken text: something that was meant to be read was not, or not whole. */
  readonly broken: readonly string[];
  /** Custom kinds that the files name: their definitions, or what a recording says of them. */
  readonly kinds: readonly KindDefinition[];
  /** The version of the server that was recorded, where a file says it. */
  readonly serverVersion: string | undefined;
  /** Text by `namespace/pod/container`, of the run before by `namespace/pod/container@previous`. */
  readonly logs: Readonly<Record<string, string>>;
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
  | {
      readonly is: 'recording';
      readonly objects: readonly unknown[];
      readonly server: string;
      readonly logs: unknown;
    }
  | { readonly is: 'wrapped'; readonly inner: unknown }
  | { readonly is: 'nothing'; readonly what: string };

interface Reading {
  readonly path: string;
  readonly objects: KubeLike[];
  readonly kinds: KindDefinition[];
  readonly skipped: Map<string, number>;
  /** Text that could not be read: by line, why. */
  readonly broken: UnreadableObjects[];
  /** What objects are that do not say it themselves: by the recording's header, else by the file's name. */
  bare: { readonly apiVersion: string; readonly kind: string } | undefined;
  serverVersion: string | undefined;
  readonly logs: Record<string, string>;
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
    return {
      is: 'recording',
      objects: value['objects'],
      server: text(value['serverVersion']),
      logs: value['logs'],
    };
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
    if (isRecord(value)) reading.serverVersion ??= text(value['serverVersion']) || undefined;
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
    if (isRecord(found.logs))
      for (const [key, log] of Object.entries(found.logs))
        if (typeof log === 'string') reading.logs[key] = log;
  } else if (found.is === 'nothing')
    reading.skipped.set(found.what, (reading.skipped.get(found.what) ?? 0) + 1);
  else {
    const object = named(found.object, reading.bare);
    if (object === undefined) {
      reading.broken.push(
        new UnreadableObjects(
          reading.path,
          line,
          `${text(found.object.metadata?.name)} says neither apiVersion nor kind, and the file does not say it either.`,
        ),
      );
      return;
    }
    if (object.kind === 'CustomResourceDefinition') {
      const definition = definitionOf(object);
      if (definition !== undefined) reading.kinds.push(definition);
    }
    reading.objects.push(object);
  }
}

/** By what only one kind has. Lists of a typed kind leave apiVersion and kind out of their items. */
const shapes: readonly (readonly [path: string, apiVersion: string, kind: string])[] = [
  ['involvedObject', 'v1', 'Event'],
  ['regarding', 'events.k8s.io/v1', 'Event'],
  ['spec.containers', 'v1', 'Pod'],
  ['status.containerStatuses', 'v1', 'Pod'],
  ['status.qosClass', 'v1', 'Pod'],
  ['status.nodeInfo', 'v1', 'Node'],
  ['status.allocatable', 'v1', 'Node'],
  ['spec.podCIDR', 'v1', 'Node'],
  ['spec.jobTemplate', 'batch/v1', 'CronJob'],
  ['status.desiredNumberScheduled', 'apps/v1', 'DaemonSet'],
  ['spec.backoffLimit', 'batch/v1', 'Job'],
  ['spec.serviceName', 'apps/v1', 'StatefulSet'],
  ['status.updatedReplicas', 'apps/v1', 'Deployment'],
  ['spec.claimRef', 'v1', 'PersistentVolume'],
  ['spec.accessModes', 'v1', 'PersistentVolumeClaim'],
  ['spec.clusterIP', 'v1', 'Service'],
];

/** An object with apiVersion and kind: its own, by its file, by its shape; undefined where nothing tells. */
function named(object: KubeLike, bare: Reading['bare']): KubeLike | undefined {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  if (object.kind !== undefined) {
    const known = builtInKinds().find((entry) => entry.kind === object.kind);
    if (known === undefined) return undefined;
    const version = known.versions[0] ?? 'v1';
    return { ...object, apiVersion: known.group === '' ? version : `${known.group}/${version}` };
  }
  if (bare !== undefined) return { ...bare, ...object };
  const shape = shapes.find(([path]) => fieldAt(object, path) !== undefined);
  return shape === undefined ? undefined : { apiVersion: shape[1], ...object, kind: shape[2] };
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

/** JSON in every line. False when the first of them is none: then it is something else. */
function takeLines(reading: Reading, body: string): boolean {
  const lines = body.split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== '') ?? '';
  try {
    JSON.parse(first);
  } catch {
    return false;
  }
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      reading.broken.push(new UnreadableObjects(reading.path, index + 1, `not JSON: ${why(error)}`));
      continue;
    }
    take(reading, value, index + 1);
  }
  return true;
}

/** What of a broken document can be read: the parser goes on behind an error, and a cut end leaves the beginning. */
function takeDocument(reading: Reading, body: string, line: number): void {
  const parsed = (source: string): readonly ReturnType<typeof parseDocument>[] => [
    parseDocument(source, { logLevel: 'silent', uniqueKeys: false }),
  ];
  let [document] = parsed(body);
  if (document === undefined) return;
  const [error] = document.errors;
  if (error !== undefined && /\t/.test(body)) {
    const [spaced] = parsed(withoutTabs(body));
    if (spaced !== undefined && spaced.errors.length === 0) document = spaced;
  }
  if (document.errors.length === 0) {
    take(reading, document.toJS({ maxAliasCount: 1000 }), undefined);
    return;
  }
  const json = /^\s*[[{]/.test(body);
  const position = error?.linePos?.[0].line ?? 1;
  reading.broken.push(
    new UnreadableObjects(
      reading.path,
      line + position - 1,
      `not ${json ? 'JSON' : 'YAML'}: ${why(error).replace(/ at line \d+, column (\d+):?$/, ' (column $1)')}`,
    ),
  );
  const salvaged = salvage(body, position);
  if (salvaged !== undefined) take(reading, salvaged, undefined);
}

/** The value of a broken document, if there is anything in it that has a name. */
function salvage(body: string, position: number): unknown {
  const lines = body.split('\n');
  const attempts = [
    // Without the line to blame, or up to it; at last whatever the parser makes of the whole.
    () => [...lines.slice(0, position - 1), ...lines.slice(position)].join('\n'),
    () => lines.slice(0, position - 1).join('\n'),
    () => lines.slice(0, Math.max(0, position - 2)).join('\n'),
    () => body,
  ];
  for (const [index, attempt] of attempts.entries()) {
    const document = parseDocument(attempt(), { logLevel: 'silent', uniqueKeys: false });
    if (index < attempts.length - 1 && document.errors.length > 0) continue;
    try {
      const value: unknown = document.toJS({ maxAliasCount: 1000 });
      const found = classify(value);
      if (found.is === 'object' || found.is === 'list') return value;
    } catch {
      // Too broken to be a value: the next attempt asks for less.
    }
  }
  return undefined;
}

function takeText(reading: Reading, body: string): void {
  const start = body.trimStart();
  if (start.startsWith('{') || start.startsWith('[')) {
    let whole: unknown;
    try {
      whole = JSON.parse(body);
    } catch {
      // Not one value: then one in each line, or several of many lines.
      if (takeLines(reading, body)) return;
    }
    if (whole !== undefined) {
      for (const value of Array.isArray(whole) ? whole : [whole]) take(reading, value, undefined);
      return;
    }
  }
  for (const { line, text: document } of stretches(body)) {
    const json = /^\s*[[{]/.test(document);
    if (json) {
      try {
        take(reading, JSON.parse(document), line);
        continue;
      } catch {
        // Flow style YAML, or broken: the parser of YAML names the line, and reads what comes before it.
      }
    }
    takeDocument(reading, document, line);
  }
}

async function readOne(path: string): Promise<Reading> {
  const reading: Reading = {
    path,
    objects: [],
    kinds: [],
    skipped: new Map(),
    broken: [],
    bare: byFileName(path),
    serverVersion: undefined,
    logs: {},
  };
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes);
  } catch (error) {
    throw new UnreadableObjects(path, undefined, `cannot be read: ${why(error)}`);
  }
  takeText(reading, bytes.toString());
  const [first] = reading.broken;
  if (first !== undefined && reading.objects.length === 0) throw first;
  return reading;
}

/**
 * The objects of files: JSON Lines, a JSON object or List, YAML with one or more documents, what `kubectl get -o json|yaml`
 * printed, a recorded watch, what `mltop record` wrote; gzipped or not; with the prompts, fences and cuts of a paste.
 * Throws `UnreadableObjects` where nothing of a file can be read; what is broken beside something readable is a note.
 */
export async function readObjects(paths: readonly string[]): Promise<ReadObjects> {
  const readings: Reading[] = [];
  for (const path of paths) readings.push(await readOne(path));
  const broken = readings.flatMap((reading) => reading.broken.map((error) => error.message));
  return {
    objects: readings.flatMap((reading) => reading.objects),
    kinds: readings.flatMap((reading) => reading.kinds),
    notes: [
      ...broken,
      ...readings.flatMap(({ path, skipped }) =>
        [...skipped].map(
          ([what, count]) => `${path}: left out ${what}${count > 1 ? ` (${count} times)` : ''}.`,
        ),
      ),
    ],
    broken,
    serverVersion: readings.find((reading) => reading.serverVersion !== undefined)?.serverVersion,
    logs: Object.assign({}, ...readings.map(({ logs }) => logs)) as Record<string, string>,
  };
}
