import { type EvaluateOptions, evaluate } from '../checklist/evaluate.ts';
import type { EvidenceIndex } from '../checklist/evidence-index.ts';
import { refKey, rootsOnly } from '../checklist/findings.ts';
import type { SubjectReport, Want } from '../checklist/report.ts';
import { apiVersionOf, type Source, sourcePath, sources } from '../checklist/sources.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { listFirst } from '../kube/list-first.ts';
import { logKey, logTail } from '../kube/log-tail.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import { isFindingsTable } from '../state/findings.ts';
import { type Fetched, liveIndex } from '../state/live-index.ts';
import { forgetObjects, nodeObject, podObject } from '../state/row-objects.ts';
import { type Namespaces, type SessionStore, shownTable } from '../state/session.ts';
import type { Survey } from '../state/survey.ts';
import type { TrueStates } from '../state/true-states.ts';

export interface SurveyOptions {
  readonly connection: Connection;
  readonly cluster: Cluster;
  readonly session: SessionStore;
  readonly states: TrueStates;
  readonly survey: Survey;
  readonly rules: () => EvaluateOptions['added'];
  readonly onChange: () => void;
  readonly clock: () => number;
}

export interface SurveyFeed {
  readonly stop: () => void;
}

/** What nobody watches is read again this often while the alerts are shown; more seldom where that takes long. */
const againAfterMs = 30_000;
const againShare = 20;
/** The pods come first: what they say is most of it, and the lists would slow them down. */
const podsLookMs = 250;
const requestsAtOnce = 4;
/** Objects of one kind in one scope. */
const listAtMost = 20_000;
/** Pods that are read whole; rows stand for further ones. */
const podsAtMost = 300;
/** Logs that are read for it, as many as `mltop check -A` reads. */
const logsAtMost = 60;
/** Longer than this, and a key would wait. */
const sliceMs = 6;

/** Read as rows, or by name where a checklist is open: whole lists of these would be most of the load. */
const isRead = ({ kind }: Source): boolean =>
  !['Pod', 'Node', 'Event', 'ConfigMap', 'ServiceAccount', 'CSIStorageCapacity'].includes(kind);

const isNamed = ({ metadata }: KubeObject, namespace: string, name: string): boolean =>
  metadata?.namespace === namespace && metadata.name === name;

/** While the alerts are on the screen, the checklists of everything, as `mltop check -A` makes them. */
export function startSurvey(options: SurveyOptions): SurveyFeed {
  const { connection, cluster, session, states, survey, rules, onChange, clock } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let timer: NodeJS.Timeout | undefined;
  /** Pods that are not well, as they were when they were last read, by UID. */
  const whole = new Map<string, { readonly version: string; readonly object: KubeObject }>();
  /** By log and version of its pod. */
  const tails = new Map<string, string>();
  let isRunning = false;
  /** On the clock of `performance.now`. */
  let dueMs = 0;
  let server: ServerVersion | undefined;

  const isShown = (): boolean => isFindingsTable(shownTable(session.getState()).table);

  function plan(inMs: number): void {
    clearTimeout(timer);
    if (signal.aborted) return;
    timer = setTimeout(() => void run(), inMs);
    timer.unref();
  }

  async function run(): Promise<void> {
    if (isRunning || signal.aborted || !isShown()) return;
    if (!cluster.hasListed(anyResource(pods))) return plan(podsLookMs);
    isRunning = true;
    const { namespaces } = session.getState();
    const started = performance.now();
    try {
      await look(namespaces);
    } catch (error) {
      // A cluster that does not answer is said in the header; what was found before stays, with its age.
      if (!(error instanceof KubeError) && !signal.aborted) throw error;
    } finally {
      isRunning = false;
      forgetObjects();
    }
    const isOther = String(session.getState().namespaces) !== String(namespaces);
    const waitMs = isOther ? 0 : Math.max(againAfterMs, (performance.now() - started) * againShare);
    dueMs = performance.now() + waitMs;
    plan(waitMs);
  }

  async function look(namespaces: Namespaces): Promise<void> {
    server ??= await connection.version();
    const isIn = (namespace: string): boolean => namespaces === 'all' || namespaces.includes(namespace);
    const unwell = [...states.unwell()].filter(({ row }) => isIn(row.namespace)).map(({ row }) => row);
    const read = await readAll(namespaces);
    await readPods(unwell.slice(0, podsAtMost));
    const now = clock();
    const indexWith = (logs: Readonly<Record<string, string>>): EvidenceIndex =>
      liveIndex(
        { cluster, happenings: states.happenings, node: states.node },
        {
          ...read.fetched,
          objects: [...read.fetched.objects, ...[...whole.values()].map(({ object }) => object)],
          logs,
          ...(server === undefined ? {} : { server }),
        },
        now,
      );
    const unwellPods = unwell.map((row) => whole.get(row.uid)?.object ?? podObject(row));
    const first = await judge(indexWith({}), unwellPods);
    const index = indexWith(await readLogs(first.flatMap(({ wants }) => wants)));
    const reports = [
      ...(await judge(index, [
        ...unwellPods,
        ...[...cluster.rowsOf(nodes)].map(nodeObject),
        ...read.fetched.objects,
      ])),
    ];
    await judgeCausers(index, reports);
    if (signal.aborted) return;
    const roots = new Map<string, SubjectReport>();
    for (const { alike = [], ...report } of rootsOnly(index, reports)) {
      roots.set(refKey(report.subject), report);
      for (const name of alike) {
        const subject = { ...report.subject, name };
        roots.set(refKey(subject), { ...report, subject });
      }
    }
    survey.put({
      roots,
      judged: new Set(reports.map(({ subject }) => refKey(subject))),
      ofRows: new Set(unwell.map(({ namespace, name }) => refKey({ kind: 'Pod', namespace, name }))),
      namespaces,
      covers: read.covers,
      kinds: read.kinds,
      notRead: read.notRead,
      atMs: now,
    });
    onChange();
  }

  /** In slices; what is left when it is stopped stays away. */
  async function judge(index: EvidenceIndex, subjects: readonly KubeObject[]): Promise<SubjectReport[]> {
    const added = rules();
    const reports: SubjectReport[] = [];
    let sliceEndsMs = performance.now() + sliceMs;
    for (const subject of subjects) {
      reports.push(evaluate(index, subject, added === undefined ? {} : { added }));
      if (performance.now() < sliceEndsMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return reports;
      sliceEndsMs = performance.now() + sliceMs;
    }
    return reports;
  }

  /** What something else is the consequence of, and whose own row looks well. */
  async function judgeCausers(index: EvidenceIndex, reports: SubjectReport[]): Promise<void> {
    const judged = new Set(reports.map(({ subject }) => refKey(subject)));
    for (let from = 0; from < reports.length && !signal.aborted; ) {
      const causers = reports.slice(from).flatMap(({ explainedBy }) => {
        if (explainedBy === undefined || judged.has(refKey(explainedBy))) return [];
        judged.add(refKey(explainedBy));
        const object = index.get(explainedBy.kind, explainedBy.namespace, explainedBy.name);
        return object === undefined ? [] : [object];
      });
      from = reports.length;
      reports.push(...(await judge(index, causers)));
    }
  }

  /** The ends of the logs that settle a question. A run that ended says nothing new. */
  async function readLogs(wants: readonly Want[]): Promise<Readonly<Record<string, string>>> {
    const logs: Record<string, string> = {};
    const waiting = wants.slice(0, logsAtMost);
    const kept = new Map<string, string>();
    const work = async (): Promise<void> => {
      for (let want = waiting.shift(); want !== undefined; want = waiting.shift()) {
        const { namespace, pod } = want;
        const key = logKey(want);
        const version = [...whole.values()].find(({ object }) => isNamed(object, namespace, pod))?.version;
        const read = `${key} ${version ?? ''}`;
        const log = tails.get(read) ?? (await readTail(want));
        if (log === undefined) continue;
        logs[key] = log;
        if (version !== undefined) kept.set(read, log);
      }
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, work));
    tails.clear();
    for (const [read, log] of kept) tails.set(read, log);
    return logs;
  }

  async function readTail(want: Want): Promise<string | undefined> {
    try {
      return await logTail(connection, want, signal);
    } catch (error) {
      // A log that cannot be read leaves the question open.
      if (!(error instanceof KubeError) || signal.aborted) throw error;
      return undefined;
    }
  }

  /** Whose consequence a pod is stands in its object; one that has not changed since is not read again. */
  async function readPods(wanted: readonly PodRow[]): Promise<void> {
    const kept = new Map(wanted.map((row) => [row.uid, whole.get(row.uid)]));
    const waiting = wanted.filter((row) => kept.get(row.uid)?.version !== row.version);
    const work = async (): Promise<void> => {
      for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
        const { namespace, name, uid, version } = row;
        const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
        try {
          const object = await connection.json({ path, signal });
          if (object.metadata?.uid === uid)
            kept.set(uid, { version, object: { ...object, apiVersion: 'v1', kind: 'Pod' } });
        } catch (error) {
          // Gone, or not to be read: the row stands for it.
          if (!(error instanceof KubeError) || signal.aborted) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, work));
    whole.clear();
    for (const [uid, one] of kept) if (one !== undefined) whole.set(uid, one);
  }

  /** Who may not list the pods of all namespaces may look into those that the feed found. */
  function scopesFor(namespaces: Namespaces): Namespaces {
    if (namespaces !== 'all') return namespaces;
    const links = cluster.linksOf(anyResource(pods));
    const open = links.filter(({ state }) => state !== 'forbidden' && state !== 'unsupported');
    return open.length === 0 || open.some(({ scope }) => scope === '')
      ? 'all'
      : open.map(({ scope }) => scope);
  }

  async function readAll(namespaces: Namespaces): Promise<{
    readonly fetched: Fetched;
    readonly covers: Namespaces;
    readonly kinds: number;
    readonly notRead: readonly string[];
  }> {
    const objects: KubeObject[] = [];
    const [listed, listedIn, forbidden] = [new Set<string>(), new Set<string>(), new Set<string>()];
    const kinds = new Set<string>();
    const notRead: string[] = [];
    const covers = scopesFor(namespaces);
    const waiting = sources.filter(isRead);
    const work = async (): Promise<void> => {
      for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
        const scopes = source.namespaced && covers !== 'all' ? covers : [undefined];
        for (const scope of scopes) {
          const paths = source.versions.map((version) => sourcePath(source, version, scope));
          const answer = await listFirst(connection, paths, { atMost: listAtMost, signal });
          if (answer === 'absent') continue;
          if ('refused' in answer) {
            forbidden.add(source.kind);
            notRead.push(`${source.kind}: ${answer.refused.message}`);
            continue;
          }
          kinds.add(source.kind);
          if (!answer.isWhole) notRead.push(`${source.kind}: only the first ${listAtMost}`);
          else if (scope === undefined) listed.add(source.kind);
          else listedIn.add(`${source.kind}/${scope}`);
          const apiVersion = apiVersionOf(source, source.versions[answer.at] ?? '');
          for (const object of answer.objects) objects.push({ apiVersion, kind: source.kind, ...object });
        }
      }
    };
    await Promise.all(Array.from({ length: requestsAtOnce }, work));
    return { fetched: { objects, listed, listedIn, forbidden }, covers, kinds: kinds.size, notRead };
  }

  const stopSession = session.subscribe((now, before) => {
    if (now.views === before.views && now.namespaces === before.namespaces) return;
    if (!isShown() || isRunning) return;
    plan(survey.latest(now.namespaces) === undefined ? 0 : Math.max(0, dueMs - performance.now()));
  });
  plan(0);
  return {
    stop() {
      stopping.abort();
      clearTimeout(timer);
      stopSession();
    },
  };
}
