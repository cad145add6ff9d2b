import type { KubeObject, ServerVersion } from '../kube/object.ts';
import type { Ledger } from '../scheduling/ledger.ts';
import { at, count, list, record, strings, text, time } from './read.ts';
import type { ObjectRef } from './report.ts';

/** One event, whichever of the two APIs and however the sender counts. */
export interface Happening {
  readonly reason: string;
  readonly type: string;
  readonly message: string;
  readonly count: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** The container of `spec.containers{main}`; `''` when it is about the whole object. */
  readonly container: string;
  readonly source: string;
  readonly about: {
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

/** What a metrics source says; absent samples are unknown, not zero. */
export interface Usage {
  /** Share of the GPUs busy, 0–1, and for how long it has been so. */
  readonly gpuBusy?: number;
  /** Share of the tensor or memory pipes active, 0–1: tells work from a busy wait. */
  readonly gpuWorking?: number;
  readonly gpuMemory?: number;
  readonly memory?: number;
  readonly cpuThrottled?: number;
  readonly volume?: number;
  readonly volumeName?: string;
  readonly forMs?: number;
}

export interface IndexInput {
  readonly objects: Iterable<KubeObject>;
  /** Kinds (`Pod`, `Node`) that were listed whole: only of these can anything be called missing. `*` is all. */
  readonly listed?: Iterable<string>;
  /** Kinds that this identity may not read. */
  readonly forbidden?: Iterable<string>;
  /** Epoch ms. Absent: the newest time in the objects, which makes every duration a lower bound. */
  readonly now?: number;
  readonly server?: ServerVersion;
  /** Log tails by `ns/pod/container`, the run before by `ns/pod/container@previous`. */
  readonly logs?: Readonly<Record<string, string>>;
  /** The scheduler's books, where the caller keeps them up to date; else they are built from the objects when asked for. */
  readonly ledger?: Ledger;
  /** Metrics by `ns/pod`. */
  readonly usage?: Readonly<Record<string, Usage>>;
}

export type Presence =
  | { readonly state: 'present'; readonly object: KubeObject }
  | { readonly state: 'missing' }
  | { readonly state: 'unknown'; readonly why: 'notWatched' | 'forbidden' };

/** Everything that is known beside the subject, with what is not known told apart from what is not there. */
export interface EvidenceIndex {
  readonly now: number;
  /** True when `now` is only the newest time seen: something may be older than it looks. */
  readonly nowIsGuess: boolean;
  readonly server: ServerVersion | undefined;
  readonly objects: readonly KubeObject[];
  /** `Pod`, or `Workload.kueue.x-k8s.io` where several groups use one name. */
  readonly of: (kind: string) => readonly KubeObject[];
  readonly inNamespace: (kind: string, namespace: string) => readonly KubeObject[];
  readonly listed: (kind: string) => boolean;
  readonly find: (kind: string, namespace: string, name: string) => Presence;
  readonly get: (kind: string, namespace: string, name: string) => KubeObject | undefined;
  readonly byUid: (uid: string) => KubeObject | undefined;
  readonly events: (object: KubeObject) => readonly Happening[];
  readonly nodeEvents: (node: string) => readonly Happening[];
  /** Objects that name this one as their owner. */
  readonly children: (object: KubeObject) => readonly KubeObject[];
  /** The controlling owners, nearest first, as references: the objects may not be known. */
  readonly owners: (
    object: KubeObject,
  ) => readonly (ObjectRef & { readonly object: KubeObject | undefined })[];
  readonly podsOn: (node: string) => readonly KubeObject[];
  readonly log: (namespace: string, pod: string, container: string, previous: boolean) => string | undefined;
  readonly usage: (namespace: string, pod: string) => Usage | undefined;
  readonly ledger: Ledger | undefined;
}

const clocks = new Set([
  'creationTimestamp',
  'lastTransitionTime',
  'lastTimestamp',
  'firstTimestamp',
  'deprecatedLastTimestamp',
  'deprecatedFirstTimestamp',
  'eventTime',
  'lastObservedTime',
  'startedAt',
  'finishedAt',
  'startTime',
  'completionTime',
  'lastHeartbeatTime',
  'renewTime',
  'lastProbeTime',
  'lastUpdateTime',
  'time',
  'lastScheduleTime',
]);

/** The newest time that an object has seen. Deadlines and schedules, which lie in the future, do not count. */
function newestTime(value: unknown, depth = 0): number {
  if (typeof value !== 'object' || value === null || depth > 7) return 0;
  let newest = 0;
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === 'string') {
      if (clocks.has(key)) newest = Math.max(newest, time(entry) ?? 0);
    } else if (key !== 'spec' || depth > 0 || at(entry, 'renewTime') !== undefined)
      newest = Math.max(newest, newestTime(entry, depth + 1));
  }
  return newest;
}

function toHappening(event: KubeObject): Happening {
  const about =
    record(event, 'involvedObject')['name'] === undefined
      ? record(event, 'regarding')
      : record(event, 'involvedObject');
  const fieldPath = text(about, 'fieldPath');
  return {
    reason: text(event, 'reason'),
    type: text(event, 'type') || 'Normal',
    message: text(event, 'message') || text(event, 'note'),
    count: count(event, 'series', 'count') ?? count(event, 'count') ?? count(event, 'deprecatedCount') ?? 1,
    first:
      time(event, 'firstTimestamp') ??
      time(event, 'deprecatedFirstTimestamp') ??
      time(event, 'eventTime') ??
      time(event, 'metadata', 'creationTimestamp'),
    last:
      time(event, 'series', 'lastObservedTime') ??
      time(event, 'lastTimestamp') ??
      time(event, 'deprecatedLastTimestamp') ??
      time(event, 'eventTime') ??
      time(event, 'firstTimestamp') ??
      time(event, 'metadata', 'creationTimestamp'),
    container: /\{([^}]*)\}/.exec(fieldPath)?.[1] ?? '',
    source:
      text(event, 'source', 'component') ||
      text(event, 'reportingComponent') ||
      text(event, 'reportingController') ||
      text(event, 'deprecatedSource', 'component'),
    about: {
      kind: text(about, 'kind'),
      namespace: text(about, 'namespace') || text(event, 'metadata', 'namespace'),
      name: text(about, 'name'),
      uid: text(about, 'uid'),
    },
  };
}

export function groupOf(object: KubeObject): string {
  const version = object.apiVersion ?? '';
  const slash = version.indexOf('/');
  return slash < 0 ? '' : version.slice(0, slash);
}

/** What the API itself leaves out of single objects of a typed list is put back by the reader; guess the rest by shape. */
export function kindOf(object: KubeObject): string {
  if (object.kind !== undefined && object.kind !== '') return object.kind;
  if (Array.isArray(at(object, 'spec', 'containers'))) return 'Pod';
  if (at(object, 'involvedObject') !== undefined || at(object, 'regarding') !== undefined) return 'Event';
  return '';
}

export const nameOf = (object: KubeObject | undefined): string => object?.metadata?.name ?? '';
export const namespaceOf = (object: KubeObject | undefined): string => object?.metadata?.namespace ?? '';
export const refOf = (object: KubeObject): ObjectRef => ({
  kind: kindOf(object),
  namespace: namespaceOf(object),
  name: nameOf(object),
});

const bucket = <V>(map: Map<string, V[]>, key: string, value: V): void => {
  const found = map.get(key);
  if (found === undefined) map.set(key, [value]);
  else found.push(value);
};

const latest = (a: Happening, b: Happening): number => (a.last ?? 0) - (b.last ?? 0);
const namespaces = new Set([
  'Node',
  'PersistentVolume',
  'Namespace',
  'StorageClass',
  'PriorityClass',
  'RuntimeClass',
  'DeviceClass',
  'ResourceSlice',
  'CSINode',
  'CSIDriver',
  'VolumeAttachment',
  'IngressClass',
  'ClusterQueue',
  'ResourceFlavor',
  'ClusterPolicy',
  'NodePool',
  'NodeClaim',
  'APIService',
  'CustomResourceDefinition',
  'ValidatingWebhookConfiguration',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'Queue',
  'Topology',
  'Cohort',
]);

/** Kinds without a namespace, as far as the checklist meets them. */
export const isClusterScoped = (kind: string): boolean => namespaces.has(kind);

/** Kinds that a paste of events alone may be about. */
const tellingKinds = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'PersistentVolumeClaim',
  'JobSet',
  'PyTorchJob',
  'RayCluster',
]);

/**
 * What only events tell of, because nobody pasted the object: a name and nothing else. Not where others of its kind
 * were pasted or the kind was listed: then it is gone, and its events are history.
 */
function onlyTold(
  events: ReadonlyMap<string, readonly Happening[]>,
  isListed: (kind: string) => boolean,
  scoped: ReadonlyMap<string, readonly KubeObject[]>,
): readonly KubeObject[] {
  const stubs: KubeObject[] = [];
  for (const [key, told] of events) {
    const [kind = '', namespace = '', name = ''] = key.split('/');
    if (
      !tellingKinds.has(kind) ||
      name === '' ||
      isListed(kind) ||
      (scoped.get(`${kind}/${namespace}`)?.length ?? 0) > 0 ||
      !told.some((event) => event.type === 'Warning')
    )
      continue;
    stubs.push({ kind, metadata: { name, ...(namespace === '' ? {} : { namespace }) } });
  }
  return stubs;
}

/** Builds the index once per state of the world; every question after that is a look-up. */
export function buildIndex(input: IndexInput): EvidenceIndex {
  const objects: KubeObject[] = [];
  const kinds = new Map<string, KubeObject[]>();
  const names = new Map<string, KubeObject>();
  const uids = new Map<string, KubeObject>();
  const owned = new Map<string, KubeObject[]>();
  const onNode = new Map<string, KubeObject[]>();
  const scoped = new Map<string, KubeObject[]>();
  const eventsByUid = new Map<string, Happening[]>();
  const eventsByName = new Map<string, Happening[]>();
  const seenEvents = new Set<string>();
  let newest = 0;

  for (const object of input.objects) {
    newest = input.now === undefined ? Math.max(newest, newestTime(object)) : newest;
    const kind = kindOf(object);
    if (kind === 'Event') {
      // The same event comes once from core/v1 and once from events.k8s.io.
      const id = object.metadata?.uid ?? `${namespaceOf(object)}/${nameOf(object)}`;
      if (seenEvents.has(id) && id !== '/') continue;
      seenEvents.add(id);
      const happening = toHappening(object);
      const { about } = happening;
      if (about.uid !== '') bucket(eventsByUid, about.uid, happening);
      bucket(
        eventsByName,
        `${about.kind}/${isClusterScoped(about.kind) ? '' : about.namespace}/${about.name}`,
        happening,
      );
      continue;
    }
    if (kind === '' || nameOf(object) === '') continue;
    const key = `${kind}/${namespaceOf(object)}/${nameOf(object)}`;
    const grouped = `${kind}.${groupOf(object)}`;
    const twin = names.get(`${grouped}${key}`);
    if (twin !== undefined) {
      // Pasted twice: the later paste is the fresher one, so it takes the place.
      const swap = (group: KubeObject[] | undefined): void => {
        const index = group?.indexOf(twin) ?? -1;
        if (group !== undefined && index >= 0) group[index] = object;
      };
      for (const group of [
        objects,
        kinds.get(kind),
        kinds.get(grouped),
        scoped.get(`${kind}/${namespaceOf(object)}`),
        onNode.get(text(twin, 'spec', 'nodeName')),
      ])
        swap(group);
    } else {
      objects.push(object);
      bucket(kinds, kind, object);
      bucket(kinds, grouped, object);
      bucket(scoped, `${kind}/${namespaceOf(object)}`, object);
      if (kind === 'Pod' && text(object, 'spec', 'nodeName') !== '')
        bucket(onNode, text(object, 'spec', 'nodeName'), object);
      for (const owner of object.metadata?.ownerReferences ?? []) {
        bucket(
          owned,
          owner.uid ? `uid:${owner.uid}` : `${owner.kind}/${namespaceOf(object)}/${owner.name}`,
          object,
        );
        if (owner.uid) bucket(owned, `${owner.kind}/${namespaceOf(object)}/${owner.name}`, object);
      }
    }
    names.set(`${grouped}${key}`, object);
    names.set(key, object);
    const uid = object.metadata?.uid;
    if (uid !== undefined && uid !== '') uids.set(uid, object);
  }
  const listed = new Set(input.listed ?? []);
  const forbidden = new Set(input.forbidden ?? []);
  const isListed = (kind: string): boolean =>
    listed.has('*') || listed.has(kind) || listed.has(kind.replace(/\..*/, ''));
  for (const stub of onlyTold(eventsByName, (kind) => isListed(kind), scoped)) {
    objects.push(stub);
    const [kind, namespace] = [kindOf(stub), namespaceOf(stub)];
    bucket(kinds, kind, stub);
    names.set(`${kind}/${namespace}/${nameOf(stub)}`, stub);
  }
  for (const events of eventsByUid.values()) events.sort(latest);
  for (const events of eventsByName.values()) events.sort(latest);

  const get = (kind: string, namespace: string, name: string): KubeObject | undefined =>
    names.get(`${kind}/${namespace}/${name}`);

  const events = (object: KubeObject): readonly Happening[] => {
    const kind = kindOf(object);
    const uid = object.metadata?.uid ?? '';
    const named = eventsByName.get(`${kind}/${namespaceOf(object)}/${nameOf(object)}`) ?? [];
    // A re-created object has its predecessor's name: an event with another uid is about that one. Node events
    // carry no uid, the node's name, or the true uid, depending on who sends them.
    if (kind === 'Node' || uid === '') return named;
    return named.filter(
      (event) => event.about.uid === '' || event.about.uid === uid || event.about.uid === nameOf(object),
    );
  };

  const owners: EvidenceIndex['owners'] = (object) => {
    const chain: (ObjectRef & { object: KubeObject | undefined })[] = [];
    let here: KubeObject | undefined = object;
    while (here !== undefined && chain.length < 8) {
      const refs: readonly {
        readonly kind: string;
        readonly name: string;
        readonly uid: string;
        readonly controller?: boolean;
      }[] = here.metadata?.ownerReferences ?? [];
      const ref = refs.find((entry) => entry.controller === true) ?? refs[0];
      if (ref === undefined) break;
      const found: KubeObject | undefined =
        (ref.uid ? uids.get(ref.uid) : undefined) ?? get(ref.kind, namespaceOf(object), ref.name);
      chain.push({ kind: ref.kind, namespace: namespaceOf(object), name: ref.name, object: found });
      here = found;
    }
    return chain;
  };

  return {
    now: input.now ?? newest,
    nowIsGuess: input.now === undefined,
    server: input.server,
    objects,
    of: (kind) => kinds.get(kind) ?? [],
    inNamespace: (kind, namespace) => scoped.get(`${kind}/${namespace}`) ?? [],
    listed: isListed,
    find: (kind, namespace, name) => {
      const object = get(kind, namespace, name);
      if (object !== undefined) return { state: 'present', object };
      if (isListed(kind)) return { state: 'missing' };
      return { state: 'unknown', why: forbidden.has(kind) ? 'forbidden' : 'notWatched' };
    },
    get,
    byUid: (uid) => uids.get(uid),
    events,
    nodeEvents: (node) => eventsByName.get(`Node//${node}`) ?? [],
    children: (object) => {
      const uid = object.metadata?.uid;
      const byUid = uid === undefined ? undefined : owned.get(`uid:${uid}`);
      return (
        byUid ??
        (owned.get(`${kindOf(object)}/${namespaceOf(object)}/${nameOf(object)}`) ?? []).filter((child) =>
          (child.metadata?.ownerReferences ?? []).some(
            (ref) => ref.name === nameOf(object) && (uid === undefined || !ref.uid || ref.uid === uid),
          ),
        )
      );
    },
    owners,
    podsOn: (node) => onNode.get(node) ?? [],
    log: (namespace, pod, container, previous) =>
      input.logs?.[`${namespace}/${pod}/${container}${previous ? '@previous' : ''}`],
    usage: (namespace, pod) => input.usage?.[`${namespace}/${pod}`],
    ledger: input.ledger,
  };
}

/** True when every key of a `matchLabels`-like selector has its value among the labels. */
export function selects(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

/** Cleaning the labels of 5,000 nodes once a question would be most of the work; objects are never changed in place. */
const cleaned = new WeakMap<object, Readonly<Record<string, string>>>();

function cleanMap(object: KubeObject, field: 'labels' | 'annotations'): Readonly<Record<string, string>> {
  const raw = object.metadata?.[field];
  if (typeof raw !== 'object' || raw === null) return strings(object, 'metadata', field);
  const known = cleaned.get(raw);
  if (known !== undefined) return known;
  const clean = strings(object, 'metadata', field);
  cleaned.set(raw, clean);
  return clean;
}

/** Where an object that was made of a row keeps the row's labels, which were cleaned where they entered. */
export const rowLabels: unique symbol = Symbol('labels of the row');

/** Asked of every node of a cluster, several times a question. */
export const labelsOf = (
  object: KubeObject & { readonly [rowLabels]?: Readonly<Record<string, string>> },
): Readonly<Record<string, string>> => object[rowLabels] ?? cleanMap(object, 'labels');
export const annotationsOf = (object: KubeObject): Readonly<Record<string, string>> =>
  cleanMap(object, 'annotations');

/** Named entries of a list: `spec.containers`, `status.containerStatuses`. */
export const named = (value: unknown, name: string, ...path: readonly string[]): unknown =>
  list(value, ...path).find((entry) => text(entry, 'name') === name);
