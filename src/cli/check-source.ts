import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { EvidenceIndex, IndexInput } from '../checklist/evidence-index.ts';
import { apiVersionOf, type Source, secretsSource, sourcePath, sources } from '../checklist/sources.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { listFirst } from '../kube/list-first.ts';
import { logKey as keyOfLog, type LogRun, logTail } from '../kube/log-tail.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { protobufDecoder } from '../kube/protobuf-decoder.ts';
import { visibleNamespaces } from '../kube/rights.ts';
import { fieldNumbers } from '../resources/field-numbers.ts';
import { findTable } from '../resources/index.ts';
import { pods } from '../resources/pods.ts';
import { messageName } from '../resources/resource.ts';
import { UsageError } from './io.ts';

export interface Evidence extends IndexInput {
  readonly objects: readonly KubeObject[];
  readonly logs: Readonly<Record<string, string>>;
  /** What could not be read, a sentence each. */
  readonly partial: readonly string[];
  /** `''` for files. */
  readonly context: string;
}

const versionOf = (text: string | undefined): ServerVersion | undefined => {
  const match = /v?(\d+)\.(\d+)/.exec(text ?? '');
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]), text: text ?? '' };
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function textOf(path: string): Promise<string> {
  const bytes = await readFile(path);
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8');
}

interface Recording {
  readonly now?: string | number;
  readonly serverVersion?: string;
  readonly listed?: readonly string[];
  readonly objects: readonly KubeObject[];
  readonly logs?: Readonly<Record<string, string>>;
}

/** `{now, serverVersion, listed, objects, logs}`, as `mltop record` writes it. */
function recordingIn(text: string): Recording | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) && Array.isArray(value['objects']) ? (value as unknown as Recording) : undefined;
  } catch {
    return undefined;
  }
}

/** The first line of a recorded list says when it was taken, and that it is the whole of its kind. */
function headerIn(
  text: string,
): { readonly kind: string; readonly recordedAt: number | undefined; readonly server: string } | undefined {
  const end = text.indexOf('\n');
  if (end < 0 || !text.startsWith('{"')) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(0, end));
    if (!isRecord(value) || typeof value['server'] !== 'string' || 'metadata' in value) return undefined;
    const at = typeof value['recordedAt'] === 'string' ? Date.parse(value['recordedAt']) : Number.NaN;
    return {
      kind: typeof value['kind'] === 'string' ? value['kind'].replace(/List$/, '') : '',
      recordedAt: Number.isFinite(at) ? at : undefined,
      server: value['server'],
    };
  } catch {
    return undefined;
  }
}

/** @throws UsageError that names the file and the line to blame. */
async function readFileObjects(path: string): Promise<{
  readonly objects: readonly unknown[];
  readonly serverVersion: string | undefined;
  readonly broken: readonly string[];
}> {
  const { readObjects, UnreadableObjects } = await import('../demo/index.ts');
  try {
    return await readObjects([path]);
  } catch (error) {
    if (error instanceof UnreadableObjects)
      throw new UsageError(
        error.message,
        'Give what kubectl get -o yaml or -o json prints, JSON Lines, or a recording.',
      );
    throw error;
  }
}

async function expand(paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined)
      throw new UsageError(
        `${path}: no such file`,
        'Name files that hold objects: kubectl get -o yaml|json, JSON Lines, a recording.',
      );
    if (found.isDirectory())
      files.push(
        ...(await readdir(path))
          .filter((name) => /\.(?:ya?ml|jsonl?|ndjson|log|txt)(?:\.gz)?$/.test(name))
          .sort()
          .map((name) => join(path, name)),
      );
    else files.push(path);
  }
  return files;
}

/** By its name, unless a text file holds what kubectl prints. */
const isLog = (path: string, text: string): boolean =>
  /\.log(?:\.gz)?$/.test(path) ||
  (/\.(?:txt|out)(?:\.gz)?$/.test(path) &&
    !/^\s*(?:-\s+|\{\s*)?["']?(?:apiVersion|kind|items|metadata)["']?\s*:/m.test(text.slice(0, 20_000)));

/** Objects, times and logs from files; logs given by name are tied to their pods. */
export async function evidenceFromFiles(
  paths: readonly string[],
  logFlags: readonly string[],
  now: number | undefined,
): Promise<Evidence> {
  const objects: KubeObject[] = [];
  const listed = new Set<string>();
  const logs: Record<string, string> = {};
  const partial: string[] = [];
  const loose: { readonly name: string; readonly text: string }[] = [];
  let [recordedAt, server] = [0, ''];
  for (const path of await expand(paths)) {
    const text = await textOf(path);
    if (isLog(path, text)) {
      loose.push({
        name: basename(path)
          .replace(/\.gz$/, '')
          .replace(/\.(?:log|txt|out)$/, ''),
        text,
      });
      continue;
    }
    const recording = recordingIn(text);
    if (recording !== undefined) {
      objects.push(...recording.objects);
      for (const kind of recording.listed ?? []) listed.add(kind);
      Object.assign(logs, recording.logs);
      server ||= recording.serverVersion ?? '';
      recordedAt = Math.max(
        recordedAt,
        typeof recording.now === 'number' ? recording.now : Date.parse(recording.now ?? '') || 0,
      );
      continue;
    }
    const header = headerIn(text);
    if (header !== undefined) {
      server ||= header.server;
      recordedAt = Math.max(recordedAt, header.recordedAt ?? 0);
    }
    const read = await readFileObjects(path);
    server ||= read.serverVersion ?? '';
    partial.push(...read.broken);
    objects.push(...(read.objects as readonly KubeObject[]));
    const kind =
      header?.kind || (header === undefined ? '' : ((read.objects[0] as KubeObject | undefined)?.kind ?? ''));
    if (kind !== '') listed.add(kind);
  }
  for (const flag of logFlags) {
    const [name, path] = [flag.slice(0, flag.lastIndexOf('=')), flag.slice(flag.lastIndexOf('=') + 1)];
    if (name === '' || path === '')
      throw new UsageError(
        `--logs ${flag}: not NAME=FILE`,
        'Write --logs NAMESPACE/POD/CONTAINER[.previous]=FILE.',
      );
    loose.push({
      name,
      text: await textOf(path).catch(() => {
        throw new UsageError(`--logs ${flag}: ${path} cannot be read`, 'Name a file.');
      }),
    });
  }
  for (const { name, text } of loose) {
    const key = logKey(name, objects);
    if (key !== undefined) logs[key] = text;
  }
  const time = now ?? (recordedAt > 0 ? recordedAt : undefined);
  const version = versionOf(server);
  return {
    objects,
    logs,
    listed,
    partial,
    context: '',
    ...(time === undefined ? {} : { now: time }),
    ...(version === undefined ? {} : { server: version }),
  };
}

const containersOf = (pod: KubeObject): readonly string[] => {
  const spec = isRecord(pod['spec']) ? pod['spec'] : {};
  return ['containers', 'initContainers']
    .flatMap((list) => (Array.isArray(spec[list]) ? spec[list] : []))
    .map((entry: unknown) => (isRecord(entry) ? String(entry['name']) : ''));
};

/** `ns/pod/container`, `ns_pod_container`, `pod.container`, `pod`, `container`; with `.previous` for the run before. */
function logKey(name: string, objects: readonly KubeObject[]): string | undefined {
  const previous = /[.@_-]?previous$/i.test(name);
  const bare = name.replace(/[.@_-]?(?:previous|current)$/i, '');
  const suffix = previous ? '@previous' : '';
  const pods = objects.filter((object) => object.kind === 'Pod');
  const parts = bare.split('/');
  if (parts.length === 3) return `${bare}${suffix}`;
  for (const pod of pods) {
    const [namespace = '', podName = ''] = [pod.metadata?.namespace, pod.metadata?.name];
    const names = containersOf(pod);
    for (const container of names) {
      const forms = [
        `${podName}/${container}`,
        `${podName}.${container}`,
        `${podName}_${container}`,
        `${podName}-${container}`,
        `${namespace}_${podName}_${container}`,
        `${namespace}.${podName}.${container}`,
        `${namespace}-${podName}-${container}`,
      ];
      if (forms.includes(bare)) return `${namespace}/${podName}/${container}${suffix}`;
    }
    if (bare === podName || bare === `${namespace}/${podName}` || bare === `${namespace}_${podName}`)
      return `${namespace}/${podName}/${names[0] ?? 'main'}${suffix}`;
  }
  const holders = pods.filter((pod) => containersOf(pod).includes(bare));
  const [holder] = holders;
  if (holder !== undefined)
    return `${holder.metadata?.namespace ?? ''}/${holder.metadata?.name ?? ''}/${bare}${suffix}`;
  // A name that says nothing: the log of the one pod, or of the one that is in trouble.
  const troubled = pods.filter((pod) => failingContainer(pod) !== undefined);
  const only = pods.length === 1 ? pods[0] : troubled.length === 1 ? troubled[0] : undefined;
  return only === undefined
    ? undefined
    : `${only.metadata?.namespace ?? ''}/${only.metadata?.name ?? ''}/${failingContainer(only) ?? containersOf(only)[0] ?? 'main'}${suffix}`;
}

/** The container that waits in back-off or ended with an error. */
function failingContainer(pod: KubeObject): string | undefined {
  const status = isRecord(pod['status']) ? pod['status'] : {};
  for (const list of ['initContainerStatuses', 'containerStatuses'])
    for (const entry of Array.isArray(status[list]) ? (status[list] as readonly unknown[]) : []) {
      const state = isRecord(entry) && isRecord(entry['state']) ? entry['state'] : {};
      const [waiting, ended] = [state['waiting'], state['terminated']];
      if (
        isRecord(entry) &&
        ((isRecord(waiting) && waiting['reason'] === 'CrashLoopBackOff') ||
          (isRecord(ended) && ended['exitCode'] !== 0))
      )
        return String(entry['name']);
    }
  return undefined;
}

/** Secrets are asked for by their metadata alone: their names are evidence, their contents never are. */
const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

/** An object that the command line names. */
export interface Named {
  /** Lower case, as it was typed: `pod`, `deploy`. */
  readonly kind: string;
  readonly name: string;
}

interface Asking {
  readonly connection: Connection;
  readonly objects: KubeObject[];
  readonly partial: string[];
  readonly forbidden: Set<string>;
  readonly signal: AbortSignal | undefined;
  /** Where this identity may look when it may not look everywhere; asked for once. */
  readonly visible: () => Promise<readonly string[]>;
}

/**
 * Lists what this identity may list; what it may not is named in `partial` and stays unknown. The ladder of narrow rights:
 * all namespaces, else those that may be seen, else of `named` the objects themselves.
 */
export async function evidenceFromCluster(
  connection: Connection,
  namespaces: readonly string[] | 'all',
  { named = [], signal }: { readonly named?: readonly Named[]; readonly signal?: AbortSignal } = {},
): Promise<Evidence> {
  const server = await connection.version();
  let narrower: Promise<readonly string[]> | undefined;
  const asking: Asking = {
    connection,
    objects: [],
    partial: [],
    forbidden: new Set(),
    signal,
    visible: () => {
      narrower ??= visibleNamespaces(connection, [connection.namespace], signal).then(({ names }) => names);
      return narrower;
    },
  };
  const listed = new Set<string>();
  const scopes: readonly (string | undefined)[] = namespaces === 'all' ? [undefined] : namespaces;
  const waiting = [...sources];
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      for (const scope of source.namespaced ? scopes : [undefined])
        if (await listAt(asking, source, scope)) listed.add(source.kind);
      if (asking.forbidden.has(source.kind))
        for (const one of named.filter(({ kind }) => isOfSource(source, kind)))
          await getNamed(asking, source, one.name, scopes);
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  for (const scope of scopes) if (await listSecretsAt(asking, scope)) listed.add('Secret');
  const { objects, forbidden, partial } = asking;
  return {
    objects,
    logs: {},
    listed,
    forbidden,
    partial,
    server,
    now: Date.now(),
    context: connection.contextName,
  };
}

const isOfSource = ({ kind, plural }: Source, word: string): boolean =>
  word === kind.toLowerCase() || word === plural || findTable(word)?.kind === kind;

/** True where it is known now what there is of a kind in the whole cluster. */
async function listAt(asking: Asking, source: Source, scope: string | undefined): Promise<boolean> {
  const { forbidden, partial } = asking;
  const refused = await listInto(asking, source, scope);
  if (refused === 'absent') return false;
  if (refused === undefined) return scope === undefined;
  forbidden.add(source.kind);
  if (scope !== undefined || !source.namespaced) {
    partial.push(`${source.kind}: ${refused}`);
    return false;
  }
  partial.push(await narrowly(asking, source.kind, refused, (name) => listInto(asking, source, name)));
  return false;
}

/** The second rung, and what is to be said of it. */
async function narrowly(
  { visible }: Asking,
  kind: string,
  refusal: string,
  listIn: (namespace: string) => Promise<'absent' | string | undefined>,
): Promise<string> {
  const read: string[] = [];
  for (const name of await visible()) if ((await listIn(name)) === undefined) read.push(name);
  return read.length === 0 ? `${kind}: ${refusal}` : `${kind}: only in ${read.join(', ')} (${refusal})`;
}

/** The last rung: who may not list may be allowed to get. */
async function getNamed(
  { connection, objects, partial, signal }: Asking,
  source: Source,
  name: string,
  scopes: readonly (string | undefined)[],
): Promise<void> {
  for (const scope of source.namespaced ? scopes : [undefined]) {
    if (source.namespaced && scope === undefined) continue;
    const isThere = objects.some(
      ({ kind, metadata }) =>
        kind === source.kind && metadata?.name === name && (metadata.namespace ?? scope) === scope,
    );
    if (isThere) continue;
    for (const version of source.versions) {
      const path = `${sourcePath(source, version, scope)}/${encodeURIComponent(name)}`;
      try {
        const object = await connection.json({ path, ...(signal === undefined ? {} : { signal }) });
        objects.push({ apiVersion: apiVersionOf(source, version), kind: source.kind, ...object });
        break;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        if (error.kind !== 'not-found') partial.push(`${source.kind}: ${error.message}`);
      }
    }
  }
}

/**
 * The same with the pods of all namespaces, as far as the scheduler counts them: what nodes have free is only known so.
 * Who may not list them gets the evidence as it was.
 */
export async function withAllPods(
  connection: Connection,
  evidence: Evidence,
  signal?: AbortSignal,
): Promise<Evidence> {
  const known = new Set(
    evidence.objects.filter(({ kind }) => kind === 'Pod').map(({ metadata }) => metadata?.uid ?? ''),
  );
  const others: KubeObject[] = [];
  const decoder = protobufDecoder(fieldNumbers, messageName(pods));
  try {
    for await (const page of connection.pages('/api/v1/pods', undefined, signal, decoder)) {
      if (page.restarted) others.length = 0;
      for (const pod of page.items)
        if (!known.has(pod.metadata?.uid ?? '')) others.push({ apiVersion: 'v1', kind: 'Pod', ...pod });
    }
  } catch (error) {
    if (!(error instanceof KubeError) || error.kind !== 'forbidden') throw error;
    return evidence;
  }
  return {
    ...evidence,
    objects: [...evidence.objects, ...others],
    listed: new Set([...(evidence.listed ?? []), 'Pod']),
  };
}

/** Undefined: all of it is among the objects now; else why not. */
async function listInto(
  { connection, objects, signal }: Asking,
  source: Source,
  namespace: string | undefined,
): Promise<'absent' | string | undefined> {
  const paths = source.versions.map((version) => sourcePath(source, version, namespace));
  const listed = await listFirst(connection, paths, { signal });
  if (listed === 'absent') return 'absent';
  if ('refused' in listed) return listed.refused.message;
  const apiVersion = apiVersionOf(source, source.versions[listed.at] ?? '');
  for (const object of listed.objects) objects.push({ apiVersion, kind: source.kind, ...object });
  return undefined;
}

/** True where the names of all secrets are known now. */
async function listSecretsAt(asking: Asking, scope: string | undefined): Promise<boolean> {
  const refused = await secretNamesInto(asking, scope);
  if (refused === undefined) return scope === undefined;
  asking.forbidden.add('Secret');
  asking.partial.push(
    scope === undefined
      ? await narrowly(asking, 'Secret', refused, (name) => secretNamesInto(asking, name))
      : `Secret: ${refused}`,
  );
  return false;
}

async function secretNamesInto(
  { connection, objects, signal }: Asking,
  scope: string | undefined,
): Promise<string | undefined> {
  try {
    const answer = await connection.json<{ readonly items?: readonly KubeObject[] }>({
      path: sourcePath(secretsSource, 'v1', scope),
      accept: metadataOnly,
      ...(signal === undefined ? {} : { signal }),
    });
    for (const item of answer.items ?? []) objects.push({ ...item, apiVersion: 'v1', kind: 'Secret' });
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return error.message;
  }
}

/** Not there, or not to be seen: who may not list a kind does not know which. */
export function unseen({ find }: EvidenceIndex, { kind, name }: Named): KubeError {
  const what = `${kind}${name === '' ? '' : `/${name}`}`;
  const known = findTable(kind)?.kind;
  const presence = known === undefined ? undefined : find(known, '', name);
  return presence?.state === 'unknown' && presence.why === 'forbidden'
    ? new KubeError(`${what} cannot be seen: it may not be read, nor may what there is be listed`, {
        kind: 'forbidden',
        hint: `Name its namespace with -n, or ask for the right to get it (kubectl auth can-i get ${what} -n NAMESPACE).`,
      })
    : new KubeError(`${what} not found`, {
        kind: 'not-found',
        hint: 'Name it as KIND/NAME, and its namespace with -n.',
      });
}

/** Logs that one command reads: more are a load on the cluster. */
export const logsAtMost = 60;

/** Tails of the logs that would settle a question. What cannot be read stays a question. */
export async function fetchLogs(
  connection: Connection,
  wants: readonly LogRun[],
): Promise<Readonly<Record<string, string>>> {
  const logs: Record<string, string> = {};
  const waiting = wants.slice(0, logsAtMost);
  const work = async (): Promise<void> => {
    for (let want = waiting.shift(); want !== undefined; want = waiting.shift()) {
      try {
        logs[keyOfLog(want)] = await logTail(connection, want);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
      }
    }
  };
  await Promise.all([work(), work()]);
  return logs;
}
