/**
 * The short forms of the incidents: `{pod: ns/name, …}` and `{node: name, …}` become whole objects, `@08:00` (or
 * `@d3/08:00`, three days before) a time of the incident's day, and `[type, reason, from, time, count, message]` an Event.
 */
export interface Incident {
  readonly id: string;
  /** The state of the top finding; absent where nothing may be said. */
  readonly state?: string;
  /** What the top cause says (id and text). */
  readonly top?: string;
  /** What no proven cause may say. */
  readonly not?: string;
  /** `Kind/name` of the subject; else the first finding. */
  readonly on?: string;
  /** The file cannot be read, and the message says this. */
  readonly error?: string;
  readonly quietOk?: boolean;
  readonly crlf?: boolean;
  readonly text?: string;
  readonly objects?: readonly Short[];
  readonly ev?: readonly EventShort[];
  readonly logs?: Readonly<Record<string, string>>;
}

type Short = Readonly<Record<string, unknown>>;
type EventShort = readonly [string, string, string, string, number, string, { readonly on: string }?];

const day = 4;

function moment(text: string): string {
  const [, days, clock, seconds] = /^@(?:d(\d+)\/)?(\d\d:\d\d)(?::(\d\d))?$/.exec(text) ?? [];
  if (clock === undefined) return text;
  const at = Date.parse(`2025-03-0${day}T${clock}:${seconds ?? '00'}Z`) - Number(days ?? 0) * 86_400_000;
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

function withTimes(value: unknown): unknown {
  if (typeof value === 'string') return moment(value);
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withTimes(inner)]));
  return value;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const record = (value: unknown): Short =>
  typeof value === 'object' && value !== null ? (value as Short) : {};
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function conditions(value: unknown): readonly Short[] {
  return Object.entries(record(value)).map(([type, entry]) => {
    const [status, reason, message, at] = Array.isArray(entry) ? entry : [entry];
    const word = status === true ? 'True' : status === false ? 'False' : String(status);
    return {
      type,
      status: word,
      ...(reason && { reason }),
      ...(message && { message }),
      ...(at && { lastTransitionTime: at }),
    };
  });
}

function terminated(value: unknown): Short {
  const [exitCode, reason, startedAt, finishedAt, message] = list(value);
  return { terminated: { exitCode, reason, startedAt, finishedAt, ...(message ? { message } : {}) } };
}

function containerStatus(entry: Short): Short {
  const [reason, message] = list(entry['w']);
  const state =
    entry['w'] !== undefined
      ? { waiting: { reason, ...(message ? { message } : {}) } }
      : entry['t'] !== undefined
        ? terminated(entry['t'])
        : { running: { startedAt: entry['r'] } };
  return {
    name: entry['n'],
    image: entry['img'],
    imageID: '',
    ready: entry['ready'] === true,
    started: entry['started'] ?? entry['r'] !== undefined,
    restartCount: entry['rc'] ?? 0,
    state,
    lastState: entry['l'] === undefined ? {} : terminated(entry['l']),
  };
}

const hasState = (entry: Short): boolean => 'w' in entry || 't' in entry || 'r' in entry;
const container = (entry: Short): Short => ({
  name: entry['n'],
  image: entry['img'],
  ...record(entry['spec']),
});

function pod(short: Short): Short {
  const [namespace, name] = text(short['pod']).split('/');
  const [ownerKind, ownerName] = text(short['owner']).split('/');
  const mains = list(short['c']).map(record);
  const inits = list(short['i']).map(record);
  const of = (entries: readonly Short[]): readonly Short[] => entries.filter(hasState).map(containerStatus);
  const apiVersions: Readonly<Record<string, string>> = {
    Job: 'batch/v1',
    Node: 'v1',
    PyTorchJob: 'kubeflow.org/v1',
    RayCluster: 'ray.io/v1',
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: `uid-${name}`,
      creationTimestamp: short['at'],
      ...(short['labels'] !== undefined && { labels: short['labels'] }),
      ...(short['annotations'] !== undefined && { annotations: short['annotations'] }),
      ...(short['deleted'] !== undefined && {
        deletionTimestamp: short['deleted'],
        deletionGracePeriodSeconds: short['grace'],
      }),
      ...(ownerName !== undefined && {
        ownerReferences: [
          {
            apiVersion: apiVersions[ownerKind ?? ''] ?? 'apps/v1',
            kind: ownerKind,
            name: ownerName,
            uid: short['ownerUid'] ?? `uid-${ownerName}`,
            controller: true,
          },
        ],
      }),
      ...record(short['meta']),
    },
    spec: {
      ...(short['node'] !== undefined && { nodeName: short['node'] }),
      ...(inits.length > 0 && { initContainers: inits.map(container) }),
      containers: mains.map(container),
      ...record(short['spec']),
    },
    status: {
      phase: short['phase'],
      ...(short['reason'] !== undefined && { reason: short['reason'] }),
      ...(short['message'] !== undefined && { message: short['message'] }),
      ...(short['node'] !== undefined && { startTime: short['at'] }),
      conditions: conditions(short['cond']),
      ...(inits.length > 0 && { initContainerStatuses: of(inits) }),
      containerStatuses: of(mains),
      ...record(short['status']),
    },
  };
}

function node(short: Short): Short {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: short['node'],
      uid: `uid-${text(short['node'])}`,
      labels: short['labels'] ?? {},
      creationTimestamp: '2025-01-01T00:00:00Z',
    },
    spec: {
      ...(short['taints'] !== undefined && { taints: short['taints'] }),
      ...(short['unschedulable'] === true && { unschedulable: true }),
    },
    status: {
      capacity: short['cap'],
      allocatable: short['alloc'] ?? short['cap'],
      conditions: conditions(short['cond']),
    },
  };
}

function event(short: EventShort, index: number, first: Short | undefined): Short {
  const [type, reason, from, at, count, message, about] = short;
  const meta = record(first?.['metadata']);
  const [kind, namespace, name] =
    about === undefined
      ? [text(first?.['kind']), text(meta['namespace']), text(meta['name'])]
      : about.on.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `e.${index}`, namespace: namespace || 'default' },
    involvedObject: { kind, namespace, name, ...(about === undefined && { uid: meta['uid'] }) },
    type,
    reason,
    message,
    count,
    source: { component: from },
    lastTimestamp: moment(`@${at}`),
    firstTimestamp: moment(`@${at}`),
  };
}

/** The objects of an incident, whole. */
function objectsOf(incident: Incident): readonly Short[] {
  const objects = (incident.objects ?? []).map((short) =>
    'pod' in short ? pod(short) : 'node' in short ? node(short) : short,
  );
  const first = objects[0];
  return [...objects, ...(incident.ev ?? []).map((short, index) => event(short, index, first))].map(
    (object) => record(withTimes(object)),
  );
}

/** The file as somebody would paste it: YAML or JSON Lines, a recording where there are logs, or the raw text. */
export function fileOf(incident: Incident): { readonly name: string; readonly content: string } {
  if (incident.text !== undefined)
    return {
      name: `${incident.id}.yaml`,
      content: incident.crlf === true ? incident.text.replaceAll('\n', '\r\n') : incident.text,
    };
  const objects = objectsOf(incident);
  if (incident.logs !== undefined)
    return {
      name: `${incident.id}.json`,
      content: JSON.stringify({
        now: '2025-03-04T12:30:00Z',
        serverVersion: 'v1.31.4',
        listed: [],
        objects,
        logs: incident.logs,
      }),
    };
  return {
    name: `${incident.id}.json`,
    content: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, undefined, 1),
  };
}
