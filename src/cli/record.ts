import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type EvaluateOptions, evaluate } from '../checklist/evaluate.ts';
import {
  buildIndex,
  type EvidenceIndex,
  isClusterScoped,
  kindOf,
  nameOf,
  namespaceOf,
} from '../checklist/evidence-index.ts';
import { at, list, text } from '../checklist/read.ts';
import { connect } from '../kube/connection.ts';
import type { KubeObject } from '../kube/object.ts';
import { findTable } from '../resources/index.ts';
import { type Evidence, evidenceFromCluster, fetchLogs, unseen, withAllPods } from './check-source.ts';
import { commandFlags } from './command-flags.ts';
import { connectOptionsOf, namespacesOf, parseFlags } from './flags.ts';
import { commandHelpText } from './help.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { redactObject, redactText } from './redact.ts';
import { loadRules } from './rules-source.ts';

const help = `mltop record KIND/NAME [-n NS] [-o FILE]     what a checklist of it reads, as one file
mltop record -A | -n NS [-o FILE]            the same of everything

The file holds no values of Secrets, ConfigMaps and environment variables, and no credentials. mltop check --from FILE
and mltop demo --from FILE read it. It is written for nobody else to read; an existing file is not overwritten.
`;

/** The form of the file. */
export interface Recording {
  /** RFC 3339. */
  readonly now: string;
  readonly serverVersion: string;
  /** Kinds that were listed whole: only of these can anything be called missing. */
  readonly listed: readonly string[];
  readonly objects: readonly KubeObject[];
  /** Tails by `ns/pod/container` and `ns/pod/container@previous`. */
  readonly logs: Readonly<Record<string, string>>;
}

/**
 * `mltop record`: the evidence of a checklist as one redacted file.
 * @throws UsageError for a wrong command line, KubeError when the cluster does not answer or there is no such object.
 */
export async function recordCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(argv, commandFlags.record);
  if (parsed.on('help')) {
    io.stdout.write(commandHelpText('record', help));
    return exitCode.ok;
  }
  const target = targetOf(parsed.positionals);
  const added = await loadRules(parsed.many('rules'), io);
  const options: EvaluateOptions = added === undefined ? {} : { added };
  const asked = namespacesOf(parsed);
  if (target === undefined && asked === undefined)
    throw new UsageError('record needs an object, -n NS or -A', 'mltop record pod/NAME -n NS -o FILE');
  const path = parsed.one('output');
  if (path !== undefined && existsSync(path))
    throw new UsageError(`--output ${path}: is there already`, 'Name a new file.');
  const connection = await connect({
    ...io.connectOptions,
    ...connectOptionsOf(parsed, io.connectOptions),
  });
  try {
    const namespaces = asked ?? [connection.namespace];
    const evidence = await evidenceFromCluster(connection, namespaces, {
      named: target === undefined ? [] : [{ ...target, kind: target.kind.toLowerCase() }],
    });
    const index = buildIndex(evidence);
    const named = target === undefined ? undefined : find(index, target);
    // Where all pods count, as for one that finds no node, those of other namespaces do too.
    const everything =
      named !== undefined && isUnplaced(named) && namespaces !== 'all'
        ? await withAllPods(connection, evidence)
        : evidence;
    const whole = everything === evidence ? index : buildIndex(everything);
    const subject = target === undefined ? undefined : find(whole, target, namespaceOf(named));
    const chosen = subject === undefined ? everything : around(whole, subject, everything);
    const asks = subject === undefined ? index.objects : [subject];
    // What packs ask of logs is evidence too.
    const wants = asks.flatMap((object) => evaluate(whole, object, options).wants);
    const logs = await fetchLogs(connection, [...wants, ...wantsOf(subject)]);
    const body = `${JSON.stringify(recordingOf({ ...chosen, logs }))}\n`;
    if (path === undefined) io.stdout.write(body);
    else {
      await save(path, body);
      const counts = `${chosen.objects.length} objects and ${Object.keys(logs).length} logs`;
      io.stderr.write(`mltop: ${counts} in ${path}\n`);
    }
    for (const note of evidence.partial) io.stderr.write(`mltop: not read: ${note}\n`);
    return evidence.partial.length > 0 ? exitCode.partial : exitCode.ok;
  } finally {
    await connection.close();
  }
}

/** Made anew, and for this person alone: what is in it is about a cluster. */
async function save(path: string, body: string): Promise<void> {
  try {
    await writeFile(path, body, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    throw new UsageError(
      `--output ${path}: cannot be written (${error instanceof Error ? error.message : String(error)})`,
      'Name a new file in a folder that you may write to.',
    );
  }
}

interface Target {
  readonly kind: string;
  readonly name: string;
}

function targetOf(words: readonly string[]): Target | undefined {
  const [first, second, ...rest] = words;
  if (first === undefined) return undefined;
  const slash = first.indexOf('/');
  const target =
    slash > 0
      ? { kind: first.slice(0, slash), name: first.slice(slash + 1) }
      : { kind: first, name: second ?? '' };
  const extra = slash > 0 ? second : rest[0];
  if (target.name === '' || extra !== undefined)
    throw new UsageError(`record ${words.join(' ')}: not one object`, 'Write KIND/NAME.');
  return target;
}

function find(index: EvidenceIndex, { kind, name }: Target, namespace?: string): KubeObject {
  const word = kind.toLowerCase();
  const wanted = findTable(word)?.kind.toLowerCase() ?? word.replace(/\..*$/, '');
  const found = index.objects.find(
    (object) =>
      kindOf(object).toLowerCase() === wanted &&
      nameOf(object) === name &&
      (namespace === undefined || namespaceOf(object) === namespace),
  );
  if (found !== undefined) return found;
  throw unseen(index, { kind, name });
}

const isUnplaced = (object: KubeObject): boolean =>
  kindOf(object) !== 'Node' && !(kindOf(object) === 'Pod' && text(object, 'spec', 'nodeName') !== '');

/** Of a pod that has ended before, how its last run ended; of one that runs, what it says. */
function wantsOf(subject: KubeObject | undefined): Parameters<typeof fetchLogs>[1] {
  if (subject === undefined || kindOf(subject) !== 'Pod') return [];
  return list(subject, 'status', 'containerStatuses').flatMap((status) => {
    const want = { namespace: namespaceOf(subject), pod: nameOf(subject), container: text(status, 'name') };
    const started =
      at(status, 'state', 'running') !== undefined || at(status, 'state', 'terminated') !== undefined;
    return [
      ...(at(status, 'lastState', 'terminated') === undefined ? [] : [{ ...want, previous: true }]),
      ...(started ? [{ ...want, previous: false }] : []),
    ];
  });
}

/**
 * The subject with what a checklist of it looks at: owners, what they made, pods beside it, their events and nodes, and
 * what else its namespace and the cluster have that is no pod. A kind of which something was left out is not whole.
 */
function around(index: EvidenceIndex, subject: KubeObject, evidence: Evidence): Evidence {
  const namespace = namespaceOf(subject);
  const kept = new Set<KubeObject>([subject]);
  const owners: readonly KubeObject[] = index
    .owners(subject)
    .map(({ object }) => object)
    .filter((object) => object !== undefined);
  for (const owner of owners) kept.add(owner);
  const below = (object: KubeObject, depth: number): void => {
    if (depth > 4) return;
    for (const child of index.children(object)) {
      if (kept.has(child)) continue;
      kept.add(child);
      below(child, depth + 1);
    }
  };
  for (const root of [subject, ...owners]) below(root, 0);
  const unplaced = [...kept].some((object) => kindOf(object) === 'Pod' && isUnplaced(object));
  const isNodes = kindOf(subject) === 'Node';
  const places = new Set(
    [...kept].map((object) => text(object, 'spec', 'nodeName')).filter((name) => name !== ''),
  );
  if (isNodes) for (const pod of index.podsOn(nameOf(subject))) kept.add(pod);
  const claims = new Set(
    index.inNamespace('PersistentVolumeClaim', namespace).map((claim) => text(claim, 'spec', 'volumeName')),
  );
  const chatty = new Set(['Pod', 'ReplicaSet', 'Job', 'Lease', 'Event']);
  const objects: KubeObject[] = [];
  const dropped = new Set<string>();
  const keep = (object: KubeObject): boolean => {
    const kind = kindOf(object);
    if (kept.has(object)) return true;
    if (kind === 'Pod') return unplaced && isPlaced(object);
    if (kind === 'Node' || kind === 'CSINode') return unplaced || isNodes || places.has(nameOf(object));
    if (kind === 'PersistentVolume') return unplaced || claims.has(nameOf(object));
    if (isClusterScoped(kind)) return true;
    return namespaceOf(object) === namespace && !chatty.has(kind);
  };
  for (const object of index.objects) {
    // What a pod elsewhere asks for counts; what it is does not.
    if (keep(object)) objects.push(kept.has(object) || kindOf(object) !== 'Pod' ? object : thin(object));
    else dropped.add(kindOf(object));
  }
  const named = new Set(
    [...kept].map((object) => `${kindOf(object)}/${namespaceOf(object)}/${nameOf(object)}`),
  );
  for (const event of evidence.objects) {
    if (kindOf(event) !== 'Event') continue;
    const about = at(event, 'involvedObject') ?? at(event, 'regarding');
    const [kind, name] = [text(about, 'kind'), text(about, 'name')];
    const isMine =
      named.has(`${kind}/${text(about, 'namespace') || namespaceOf(event)}/${name}`) ||
      (kind === 'Node' && (places.has(name) || (isNodes && name === nameOf(subject)))) ||
      (kind !== 'Pod' && kind !== 'Node' && namespaceOf(event) === namespace && !chatty.has(kind));
    if (isMine) objects.push(event);
  }
  const listed = [...(evidence.listed ?? [])].filter((kind) => !dropped.has(kind) && kind !== 'Event');
  return { ...evidence, objects, listed };
}

const isPlaced = (pod: KubeObject): boolean =>
  text(pod, 'spec', 'nodeName') !== '' && !/^(?:Succeeded|Failed)$/.test(text(pod, 'status', 'phase'));

/** A pod as the scheduler counts it. */
function thin(pod: KubeObject): KubeObject {
  const spec = (pod['spec'] ?? {}) as Readonly<Record<string, unknown>>;
  const containers = (field: string): unknown =>
    list(spec, field).map((container) => ({
      name: at(container, 'name'),
      image: at(container, 'image'),
      resources: at(container, 'resources'),
      ports: at(container, 'ports'),
      restartPolicy: at(container, 'restartPolicy'),
    }));
  const { env: _env, ...rest } = spec;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: nameOf(pod),
      namespace: namespaceOf(pod),
      uid: pod.metadata?.uid ?? '',
      creationTimestamp: pod.metadata?.creationTimestamp ?? null,
      labels: pod.metadata?.labels ?? {},
      ownerReferences: pod.metadata?.ownerReferences ?? [],
    },
    spec: {
      ...rest,
      containers: containers('containers'),
      ...(spec['initContainers'] === undefined ? {} : { initContainers: containers('initContainers') }),
    },
    status: { phase: text(pod, 'status', 'phase'), conditions: at(pod, 'status', 'conditions') ?? [] },
  };
}

/** @internal The file's content, redacted. */
export function recordingOf(evidence: Evidence): Recording {
  return {
    now: new Date(evidence.now ?? Date.now()).toISOString(),
    serverVersion: evidence.server?.text ?? '',
    listed: [...(evidence.listed ?? [])].sort(),
    objects: evidence.objects.map(redactObject),
    logs: Object.fromEntries(Object.entries(evidence.logs).map(([key, log]) => [key, redactText(log)])),
  };
}
