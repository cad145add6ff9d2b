import { type EvaluateOptions, evaluate } from '../checklist/evaluate.ts';
import type { EvidenceIndex, Usage } from '../checklist/evidence-index.ts';
import { fixesOf, withRights } from '../checklist/fix-needs.ts';
import { rightsOfFixes } from '../checklist/fix-rights.ts';
import { at, list, text } from '../checklist/read.ts';
import type { Fix, FixRight, SubjectReport, Want } from '../checklist/report.ts';
import {
  apiVersionOf,
  type Source,
  secretsSource,
  sourceId,
  sourcePath,
  sources,
} from '../checklist/sources.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { logKey, logTail } from '../kube/log-tail.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { mayI } from '../kube/rights.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import { clusterFrom, kindOfPart, sortObjects } from '../scheduling/from-objects.ts';
import type { Ledger } from '../scheduling/ledger.ts';
import type { Cluster } from '../state/cluster.ts';
import type { Examination } from '../state/examination.ts';
import type { Happenings } from '../state/happenings.ts';
import { type Fetched, liveIndex } from '../state/live-index.ts';
import { podIndex } from '../state/pod-index.ts';
import type { SchedulerBooks } from '../state/scheduler-books.ts';
import { isSameSubject, type Subject, subjectNamed } from '../state/subject.ts';
import type { TrueStates } from '../state/true-states.ts';

/** `row`: what a line under the table needs. `whole`: everything that a checklist asks about. */
export type Depth = 'row' | 'whole';

/** Reads what the checklist of one object needs, keeps it fresh while it is looked at, and lets it go after. */
export interface Examiner {
  readonly look: (subject: Subject | undefined, depth: Depth) => void;
  /** The newest that is known of it, of the last few that were looked at. */
  readonly of: (subject: Subject) => Examination | undefined;
  readonly setRules: (added: EvaluateOptions['added']) => void;
  readonly stop: () => void;
}

export interface ExaminerOptions {
  readonly connection: Connection;
  readonly cluster: Cluster;
  readonly happenings: Happenings;
  readonly node: TrueStates['node'];
  readonly trueState: TrueStates['of'];
  readonly books: SchedulerBooks;
  /** What was measured of a pod; undefined where nothing was. */
  readonly usage?: (row: PodRow, now: number) => Usage | undefined;
  readonly onChange: () => void;
  readonly clock: () => number;
  readonly added?: EvaluateOptions['added'];
}

/** A cursor that is on its way somewhere rests on no row for so long. */
const restMs = 250;
/** Evaluated and asked for anew at most so often. */
const renewEveryMs = 500;
/** Lists of a namespace are good for so long. */
const listGoodMs = 30_000;
/** A kind that is not served will not be for a while. */
const absentGoodMs = 300_000;
/** Of a kind without rows nobody says that it changed. */
const repeatEveryMs = 5000;
/** What nobody tells of, a quota or a claim, is read again. */
const againAtLeastMs = 60_000;
/** The same for a row that the cursor merely rests on: its own changes are told, and nobody reads the rest. */
const glanceAgainMs = 300_000;
/** Durations in the headline move on. */
const reviseEveryMs = 10_000;
/** Objects of one list: more are no evidence but a load. */
const listAtMost = 500;
const examinationsKept = 30;
const ownersAtMost = 5;
const requestsAtOnce = 4;
const logsAtMost = 4;
const metadataOnly = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

interface Listed {
  readonly atMs: number;
  readonly objects: readonly KubeObject[];
  readonly outcome: 'whole' | 'part' | 'absent' | { readonly refused: string };
}

interface Store {
  readonly subject: Subject;
  object: KubeObject | undefined;
  gone: boolean;
  events: readonly KubeObject[];
  eventsListed: boolean;
  readonly related: Map<string, KubeObject>;
  readonly missing: Set<string>;
  readonly lists: Map<string, Listed>;
  readonly logs: Map<string, string>;
  readonly forbidden: Set<string>;
  readonly partial: Set<string>;
  /** Of the fixes of the last report, by their command. */
  readonly rights: Map<string, FixRight>;
  examination: Examination | undefined;
}

/** What the strip of a pod in a state of this family is worth asking for; the first letter of checklist.md part 3. */
const kindsByFamily: Readonly<Record<string, readonly string[]>> = {
  B: ['Workload', 'LocalQueue', 'ClusterQueue', 'PodGroup', 'ResourceClaim', 'ResourceClaimTemplate'],
  C: [
    'PersistentVolumeClaim',
    'PersistentVolume',
    'StorageClass',
    'CSINode',
    'PriorityClass',
    'Namespace',
    'ResourceClaim',
    'DeviceClass',
  ],
  E: ['PersistentVolumeClaim', 'PersistentVolume', 'StorageClass', 'VolumeAttachment', 'ConfigMap'],
  G: ['ConfigMap'],
};

export function createExaminer(options: ExaminerOptions): Examiner {
  const { connection, cluster, happenings, books, clock } = options;
  const podKind = anyResource(pods);
  const stores: Store[] = [];
  const lists = new Map<string, Listed>();
  /** By source, the version that this server serves. */
  const versions = new Map<string, string>();
  let added = options.added;
  let here: { readonly store: Store; readonly depth: Depth } | undefined;
  let asking = new AbortController();
  let isAsking = false;
  let timer: NodeJS.Timeout | undefined;
  let lastAskedMs = Number.NEGATIVE_INFINITY;
  let lastEvaluatedMs = Number.NEGATIVE_INFINITY;
  let seen = '';
  let server: ServerVersion | undefined;
  let reviseTimer: NodeJS.Timeout | undefined;
  let judgedVersion = -1;

  function storeOf(subject: Subject): Store {
    const at = stores.findIndex((store) => isSameSubject(store.subject, subject));
    const [known] = at === -1 ? [] : stores.splice(at, 1);
    const store: Store = known ?? {
      subject,
      object: undefined,
      gone: false,
      events: [],
      eventsListed: false,
      related: new Map(),
      missing: new Set(),
      lists: new Map(),
      logs: new Map(),
      forbidden: new Set(),
      partial: new Set(),
      rights: new Map(),
      examination: undefined,
    };
    stores.unshift(store);
    stores.length = Math.min(stores.length, examinationsKept);
    return store;
  }

  /** The row's version and its events': when it changes, the object has to be read again. */
  function signOf({ kind, namespace, name, uid }: Subject): string {
    const row = kind === 'Pod' && uid !== '' ? cluster.get(podKind, uid) : undefined;
    const version = row?.version ?? (kind === 'Node' ? options.node(name)?.version : undefined) ?? '';
    return `${version} ${happenings.stamp(kind, namespace, name)}`;
  }

  function plan(inMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), inMs);
    timer.unref();
  }

  async function ask(): Promise<void> {
    if (here === undefined || isAsking) return;
    const mine = here;
    const { store, depth } = mine;
    const { signal } = asking;
    isAsking = true;
    lastAskedMs = performance.now();
    seen = signOf(store.subject);
    try {
      server ??= await connection.version();
      await readSubject(store, signal);
      if (store.object !== undefined) {
        await Promise.all([readOwners(store, signal), readNode(store, signal)]);
        judge(store, 'asking');
        await readLists(store, sourcesFor(store, depth), signal);
        const report = judge(store, 'asking');
        const wants = [...(report?.wants ?? []), ...(depth === 'whole' ? wantsOf(store) : [])];
        const judged = (await readLogs(store, wants, signal)) ? judge(store, 'asking') : report;
        // Last: whether one may do it is worth nothing before it is known what to do.
        if (depth === 'whole' && judged !== undefined) await readRights(store, judged, signal);
      }
    } catch (error) {
      if (!signal.aborted) store.partial.add(wordsOf(error));
    }
    isAsking = false;
    if (here !== mine) {
      // Somebody moved on while this was under way.
      if (here !== undefined) plan(0);
      return;
    }
    judge(store, store.gone ? 'gone' : 'done');
    const hasRow = store.subject.kind === 'Pod' || store.subject.kind === 'Node';
    if (depth === 'whole') plan(hasRow ? againAtLeastMs : repeatEveryMs);
    else plan(glanceAgainMs);
  }

  async function readSubject(store: Store, signal: AbortSignal): Promise<void> {
    const { subject } = store;
    const path = `${subject.collection}/${encodeURIComponent(subject.name)}`;
    try {
      const found = await connection.json({ path, signal });
      const isOther = subject.uid !== '' && found.metadata?.uid !== subject.uid;
      store.gone = isOther;
      store.object = isOther ? undefined : { apiVersion: versionIn(path), kind: subject.kind, ...found };
    } catch (error) {
      if (!(error instanceof KubeError) || error.kind !== 'not-found') throw error;
      store.gone = true;
      store.object = undefined;
      return;
    }
    try {
      const scope = subject.namespace === '' ? '' : `/namespaces/${encodeURIComponent(subject.namespace)}`;
      const answer = await connection.json<{ readonly items?: readonly KubeObject[] }>({
        path: `/api/v1${scope}/events`,
        query: {
          fieldSelector: `involvedObject.kind=${subject.kind},involvedObject.name=${subject.name}`,
          limit: listAtMost,
        },
        signal,
      });
      store.events = (answer.items ?? []).map((event) => ({ apiVersion: 'v1', kind: 'Event', ...event }));
      store.eventsListed = true;
    } catch (error) {
      note(store, 'Event', error);
    }
  }

  async function readOwners(store: Store, signal: AbortSignal): Promise<void> {
    let object = store.object;
    for (let level = 0; object !== undefined && level < ownersAtMost; level++) {
      const owners: NonNullable<NonNullable<KubeObject['metadata']>['ownerReferences']> =
        object.metadata?.ownerReferences ?? [];
      const owner = owners.find(({ controller }) => controller === true) ?? owners[0];
      if (owner === undefined) return;
      const group = owner.apiVersion.includes('/') ? (owner.apiVersion.split('/')[0] ?? '') : '';
      const subject = subjectNamed(owner.kind, group, store.subject.namespace, owner.name);
      if (subject === undefined) return;
      object = await readNamed(store, subject, owner.apiVersion, signal);
    }
  }

  async function readNode(store: Store, signal: AbortSignal): Promise<void> {
    const node = text(store.object, 'spec', 'nodeName');
    const subject = node === '' ? undefined : subjectNamed('Node', '', '', node);
    if (subject !== undefined) await readNamed(store, subject, 'v1', signal);
  }

  async function readNamed(
    store: Store,
    subject: Subject,
    apiVersion: string,
    signal: AbortSignal,
  ): Promise<KubeObject | undefined> {
    const key = `${subject.kind}/${subject.namespace}/${subject.name}`;
    try {
      const found = await connection.json({
        path: `${subject.collection}/${encodeURIComponent(subject.name)}`,
        signal,
      });
      const object = { apiVersion, kind: subject.kind, ...found };
      store.related.set(key, object);
      store.missing.delete(key);
      return object;
    } catch (error) {
      store.related.delete(key);
      if (error instanceof KubeError && error.kind === 'not-found') store.missing.add(key);
      else note(store, subject.kind, error);
      return undefined;
    }
  }

  /** Of a whole checklist all kinds; under the table what the state of the row is about. */
  function sourcesFor({ subject, object }: Store, depth: Depth): readonly Source[] {
    const inNamespace = subject.namespace === '' ? 0 : podIndex(cluster).inNamespace(subject.namespace).size;
    const wanted = sources.filter(({ kind }) => {
      if (kind === 'Node' || kind === 'Event') return false;
      // Rows stand for pods where there are too many to read.
      return kind !== 'Pod' || (subject.namespace !== '' && inNamespace <= listAtMost);
    });
    if (depth === 'whole')
      return subject.namespace === '' ? wanted.filter(isAlone) : [...wanted, secretsSource];
    if (subject.kind !== 'Pod' || object === undefined) return [];
    const row = cluster.get(podKind, subject.uid) as PodRow | undefined;
    const state = row === undefined ? '' : options.trueState(row, clock()).state;
    const kinds = kindsByFamily[state.charAt(0)] ?? [];
    const withSecrets = ['E', 'F', 'G'].includes(state.charAt(0)) ? [secretsSource] : [];
    return [...wanted.filter(({ kind }) => kinds.includes(kind)), ...withSecrets];
  }

  /** What has no namespace asks about nothing in one. */
  const isAlone = ({ namespaced, kind }: Source): boolean => !namespaced || kind === 'PersistentVolumeClaim';

  async function readLists(store: Store, wanted: readonly Source[], signal: AbortSignal): Promise<void> {
    const waiting = [...wanted];
    const work = async (): Promise<void> => {
      for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
        const scope = source.namespaced ? store.subject.namespace : '';
        const listed = await listOf(source, scope, signal);
        store.lists.set(`${sourceId(source)} ${scope}`, listed);
        if (typeof listed.outcome === 'object') {
          store.forbidden.add(source.kind);
          store.partial.add(listed.outcome.refused);
        }
      }
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, work));
  }

  async function listOf(source: Source, scope: string, signal: AbortSignal): Promise<Listed> {
    const key = `${sourceId(source)} ${scope}`;
    const known = lists.get(key);
    const goodMs = known?.outcome === 'absent' ? absentGoodMs : listGoodMs;
    if (known !== undefined && clock() - known.atMs < goodMs) return known;
    const listed = await readList(source, scope, signal);
    lists.set(key, listed);
    return listed;
  }

  /** In the version that was served before, else in the first one that is. */
  async function readList(source: Source, scope: string, signal: AbortSignal): Promise<Listed> {
    const id = sourceId(source);
    const known = versions.get(id);
    for (const version of known === undefined ? source.versions : [known]) {
      const listed = await readVersion(source, version, scope, signal);
      if (listed.outcome === 'absent') continue;
      versions.set(id, version);
      return listed;
    }
    versions.delete(id);
    return { atMs: clock(), objects: [], outcome: 'absent' };
  }

  async function readVersion(
    source: Source,
    version: string,
    scope: string,
    signal: AbortSignal,
  ): Promise<Listed> {
    const path = sourcePath(source, version, scope === '' ? undefined : scope);
    const atMs = clock();
    try {
      const answer = await connection.json<{
        readonly items?: readonly KubeObject[];
        readonly metadata?: { readonly continue?: string };
      }>({
        path,
        query: { limit: listAtMost },
        signal,
        ...(source === secretsSource ? { accept: metadataOnly } : {}),
      });
      const apiVersion = apiVersionOf(source, version);
      return {
        atMs,
        objects: (answer.items ?? []).map((item) => ({ ...item, apiVersion, kind: source.kind })),
        outcome: (answer.metadata?.continue ?? '') === '' ? 'whole' : 'part',
      };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kind === 'not-found') return { atMs, objects: [], outcome: 'absent' };
      if (signal.aborted) throw error;
      return { atMs, objects: [], outcome: { refused: `${source.kind}: ${error.message}` } };
    }
  }

  /** Of a pod whose checklist is open what its main containers say now, and what they said before they ended. */
  function wantsOf({ subject, object }: Store): readonly Want[] {
    if (subject.kind !== 'Pod') return [];
    const statuses = list(object, 'status', 'containerStatuses');
    return statuses.flatMap((status): Want[] => {
      const { namespace, name: pod } = subject;
      const want = { kind: 'log', namespace, pod, container: text(status, 'name') } as const;
      return [
        ...(at(status, 'lastState', 'terminated') === undefined ? [] : [{ ...want, previous: true }]),
        ...(at(status, 'state', 'running') === undefined ? [] : [{ ...want, previous: false }]),
      ];
    });
  }

  /** True where a log came. */
  async function readLogs(store: Store, wants: readonly Want[], signal: AbortSignal): Promise<boolean> {
    let came = false;
    const keyed = new Map(wants.map((want) => [logKey(want), want]));
    for (const [key, want] of [...keyed].slice(0, logsAtMost)) {
      try {
        store.logs.set(key, await logTail(connection, want, signal));
        came = true;
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof KubeError && error.kind === 'forbidden') note(store, 'Log', error);
      }
    }
    return came;
  }

  async function readRights(store: Store, report: SubjectReport, signal: AbortSignal): Promise<void> {
    const fixes = fixesOf(report);
    const rightOf = await rightsOfFixes((need) => mayI(connection, need), fixes, signal);
    if (signal.aborted) return;
    store.rights.clear();
    for (const fix of fixes) store.rights.set(keyOf(fix), rightOf(fix));
  }

  function note(store: Store, kind: string, error: unknown): void {
    if (!(error instanceof KubeError)) throw error;
    if (error.kind === 'forbidden') store.forbidden.add(kind);
    store.partial.add(`${kind}: ${error.message}`);
  }

  function judge(store: Store, progress: Examination['progress']): SubjectReport | undefined {
    const started = performance.now();
    const now = clock();
    const judged =
      store.object === undefined
        ? undefined
        : evaluate(indexOf(store, now), store.object, added === undefined ? {} : { added });
    const report = judged && withRights(judged, (fix) => store.rights.get(keyOf(fix)));
    const tookMs = performance.now() - started;
    lastEvaluatedMs = performance.now();
    store.examination = {
      subject: store.subject,
      report,
      object: store.object,
      progress,
      partial: [...store.partial],
      logs: Object.fromEntries(store.logs),
      atMs: now,
      tookMs,
    };
    options.onChange();
    return report;
  }

  function indexOf(store: Store, now: number): EvidenceIndex {
    const objects: KubeObject[] = [...store.events, ...store.related.values()];
    const listed = new Set<string>();
    const listedIn = new Set<string>();
    for (const [key, list] of store.lists) {
      objects.push(...list.objects);
      if (list.outcome !== 'whole') continue;
      const [id = '', scope = ''] = key.split(' ');
      const kind = [...sources, secretsSource].find((source) => sourceId(source) === id)?.kind ?? '';
      if (scope === '') listed.add(kind);
      else listedIn.add(`${kind}/${scope}`);
    }
    // Last, so that it takes the place of its own older self.
    if (store.object !== undefined) objects.push(store.object);
    const ledger = asksForRoom(store) ? ledgerFor(objects, listed, listedIn) : undefined;
    const { kind, namespace, name } = store.subject;
    const row =
      kind === 'Pod' ? (cluster.get(podKind, store.object?.metadata?.uid ?? '') as PodRow) : undefined;
    const measured = row && options.usage?.(row, now);
    const fetched: Fetched = {
      objects,
      listed,
      listedIn,
      missing: store.missing,
      forbidden: store.forbidden,
      logs: Object.fromEntries(store.logs),
      ...(measured === undefined ? {} : { usage: { [`${namespace}/${name}`]: measured } }),
      ...(ledger === undefined ? {} : { ledger }),
      ...(server === undefined ? {} : { server }),
    };
    return liveIndex({ cluster, happenings, node: options.node }, fetched, now);
  }

  /** The scheduler's books matter to a pod that has no node, and to what may own one. */
  function asksForRoom({ subject, object }: Store): boolean {
    if (object === undefined || subject.namespace === '') return false;
    if (subject.kind === 'Pod') return text(object, 'spec', 'nodeName') === '';
    for (const row of podIndex(cluster).inNamespace(subject.namespace))
      if (row.node === '' && row.phase === 'Pending') return true;
    return false;
  }

  /** Storage and devices beside the rows: a part that nobody listed stays unknown. */
  function ledgerFor(
    objects: readonly KubeObject[],
    listed: ReadonlySet<string>,
    listedIn: ReadonlySet<string>,
  ): Ledger | undefined {
    const ledger = books.ledger(() => {
      if (here !== undefined) judge(here.store, isAsking ? 'asking' : 'done');
    });
    if (ledger === undefined) return undefined;
    const { nodes: _nodes, pods: _pods, ...parts } = sortObjects(objects);
    const isListed = (kind: string): boolean =>
      listed.has(kind) || [...listedIn].some((each) => each.startsWith(`${kind}/`));
    const known = Object.fromEntries(
      Object.entries(parts).filter(([part]) => isListed(kindOfPart[part] ?? '')),
    );
    const { nodes: _noNodes, pods: _noPods, ...shelved } = clusterFrom(known, server);
    ledger.setObjects(shelved);
    judgedVersion = ledger.version();
    return ledger;
  }

  /** Room that came or went elsewhere: nothing has to be read for it, and it is worth one core's twentieth. */
  function reviseSoon(): void {
    const { store } = here ?? {};
    const ledger = store !== undefined && asksForRoom(store) ? books.ledger(() => undefined) : undefined;
    if (store === undefined || ledger === undefined || ledger.version() === judgedVersion) return;
    reviseTimer ??= setTimeout(
      () => {
        reviseTimer = undefined;
        if (here?.store === store) judge(store, isAsking ? 'asking' : 'done');
      },
      Math.max(renewEveryMs, (store.examination?.tookMs ?? 0) * 20),
    );
  }

  const stopListening = cluster.subscribe(() => {
    reviseSoon();
    if (here === undefined || isAsking || signOf(here.store.subject) === seen) return;
    seen = signOf(here.store.subject);
    plan(Math.max(0, lastAskedMs + renewEveryMs - performance.now()));
  });
  const revise = setInterval(() => {
    if (here?.store.examination?.progress !== 'done') return;
    if (performance.now() - lastEvaluatedMs > reviseEveryMs) judge(here.store, 'done');
  }, reviseEveryMs);
  revise.unref();

  return {
    look(subject, depth) {
      if (isSameSubject(here?.store.subject, subject) && here?.depth === depth) return;
      asking.abort();
      asking = new AbortController();
      clearTimeout(timer);
      if (subject === undefined) {
        here = undefined;
        return;
      }
      const store = storeOf(subject);
      here = { store, depth };
      plan(depth === 'whole' ? 0 : restMs);
    },
    of: (subject) => stores.find((store) => isSameSubject(store.subject, subject))?.examination,
    setRules(next) {
      added = next;
      // What was judged by other rules is not told any more.
      for (const store of stores) if (store !== here?.store) store.examination = undefined;
      if (here !== undefined) judge(here.store, isAsking ? 'asking' : 'done');
    },
    stop() {
      here = undefined;
      asking.abort();
      clearTimeout(timer);
      clearInterval(revise);
      clearTimeout(reviseTimer);
      stopListening();
    },
  };
}

const keyOf = ({ argv }: Fix): string => argv.join('\0');

const versionIn = (path: string): string => {
  const [, root, first = '', second = ''] = path.split('/');
  return root === 'api' ? first : `${first}/${second}`;
};

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
