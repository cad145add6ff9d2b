import { type Form, negotiate } from './accept.ts';
import { apiVersionOf, type Cluster, minorOf, type ResourceRequest } from './cluster.ts';
import { eventFromCore } from './events-view.ts';
import type { Exchange } from './exchange.ts';
import type { KubeLike } from './object.ts';
import { encodeMessage, encodeObject, envelope, listPieces, watchFrame } from './protobuf/encode.ts';
import { type Message, messageOf } from './protobuf/message.ts';
import type { StatusBody } from './status.ts';
import type { Stored } from './store.ts';
import { printTable } from './tables/index.ts';

/** What of a row's object a Table carries: `includeObject`. */
export type Include = 'None' | 'Metadata' | 'Object';

/** Turns kept objects into the bytes that a request asked for. */
export interface Writer {
  /** One object by itself or in a watch, in pieces: apiVersion and kind first. */
  object(stored: Stored): readonly Buffer[];
  /** The pieces of a list body. */
  list(items: readonly Stored[], meta: Readonly<Record<string, unknown>>): Buffer[];
  /** A bookmark, in the shape that the kind has when it is empty. */
  bookmark(resourceVersion: string, endOfInitial: boolean): readonly Buffer[];
  /** What a watch sends: an event around an object's pieces. */
  frame(type: WatchType, object: readonly Buffer[]): readonly Buffer[];
  /** How a watch is told that something is wrong. */
  error(status: StatusBody): readonly Buffer[];
  /** Content type of a watch. */
  readonly streamType: string;
}

type WatchType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

const opening: Readonly<Record<WatchType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
  BOOKMARK: Buffer.from('{"type":"BOOKMARK","object":'),
  ERROR: Buffer.from('{"type":"ERROR","object":'),
};
const lineEnd = Buffer.from('}\n');

const jsonLines: Pick<Writer, 'frame' | 'error' | 'streamType'> = {
  frame: (type, object) => [opening[type], ...object, lineEnd],
  error: (status) => [opening.ERROR, Buffer.from(JSON.stringify(status)), lineEnd],
  streamType: 'application/json',
};

/** In what form a request for objects of a kind is answered. Custom resources have no protobuf. */
export const formFor = (exchange: Exchange, request: ResourceRequest): Form =>
  negotiate(
    exchange.accept,
    messageOf(apiVersionOf(request), request.kind.kind) === undefined ? 'object' : 'protobuf',
  );

/** An object of any kind as kept, seen through the group that it was asked for in. */
const seenAs = (request: ResourceRequest, object: KubeLike): KubeLike =>
  request.kind.storedIn === undefined ? object : eventFromCore(object);

function protobufWriter(message: Message, request: ResourceRequest, cluster: Cluster): Writer {
  const { kind } = request.kind;
  const apiVersion = apiVersionOf(request);
  const isShared = request.kind.storedIn === undefined && request.version === request.kind.versions[0];
  const encode = (object: KubeLike): Buffer => encodeMessage(message, seenAs(request, object));
  const body = (stored: Stored): Buffer =>
    isShared ? cluster.store.encodedAs(stored, encode) : encode(stored.object);
  return {
    object: (stored) => envelope(apiVersion, kind, [body(stored)]),
    list: (items, meta) => envelope(apiVersion, `${kind}List`, listPieces(meta, items.map(body))),
    bookmark: (resourceVersion, endOfInitial) =>
      envelope(apiVersion, kind, [
        encodeMessage(message, { metadata: bookmarkMeta(resourceVersion, endOfInitial) }),
      ]),
    frame: watchFrame,
    error: (status) => watchFrame('ERROR', [encodeObject({ ...status }) ?? Buffer.alloc(0)]),
    streamType: 'application/vnd.kubernetes.protobuf;stream=watch',
  };
}

const brace = Buffer.from('{');
const comma = Buffer.from(',');
const commaBrace = Buffer.from(',{');
const listEnd = Buffer.from(']}');

export function writerOf(form: Form, request: ResourceRequest, cluster: Cluster, include: Include): Writer {
  if (form.as === 'Table') return tableWriter(form, request, cluster, include);
  const message = form.type === 'protobuf' ? messageOf(apiVersionOf(request), request.kind.kind) : undefined;
  if (message !== undefined) return protobufWriter(message, request, cluster);
  if (form.as === 'object') return objectWriter(request, cluster);
  return metadataWriter(form, request);
}

function objectWriter(request: ResourceRequest, cluster: Cluster): Writer {
  const { kind } = request;
  const apiVersion = apiVersionOf(request);
  const head = Buffer.from(
    kind.custom
      ? `{"apiVersion":"${apiVersion}","kind":"${kind.kind}",`
      : `{"kind":"${kind.kind}","apiVersion":"${apiVersion}",`,
  );
  function body(stored: Stored): Buffer {
    if (kind.storedIn === undefined) return cluster.store.encoded(stored);
    const { apiVersion: _apiVersion, kind: _kind, ...rest } = eventFromCore(stored.object);
    return Buffer.from(JSON.stringify(rest).slice(1));
  }
  return {
    ...jsonLines,
    object: (stored) => [head, body(stored)],
    list(items, meta) {
      const start = kind.custom
        ? `{"apiVersion":"${apiVersion}","items":[`
        : `{"kind":"${kind.kind}List","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
      const pieces: Buffer[] = [Buffer.from(start)];
      items.forEach((stored, index) => {
        if (kind.custom) {
          if (index > 0) pieces.push(comma);
          pieces.push(head, body(stored));
        } else pieces.push(index > 0 ? commaBrace : brace, body(stored));
      });
      pieces.push(
        kind.custom
          ? Buffer.from(`],"kind":"${kind.kind}List","metadata":${JSON.stringify(meta)}}`)
          : listEnd,
      );
      return pieces;
    },
    bookmark(resourceVersion, endOfInitial) {
      const object = {
        kind: kind.kind,
        apiVersion,
        metadata: bookmarkMeta(resourceVersion, endOfInitial),
        ...skeletonOf(request),
      };
      return [Buffer.from(JSON.stringify(object))];
    },
  };
}

function metadataWriter(form: Form, request: ResourceRequest): Writer {
  const apiVersion = `meta.k8s.io/${form.version}`;
  const partial = (object: KubeLike): string =>
    JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata });
  return {
    ...jsonLines,
    object: (stored) => [Buffer.from(partial(stored.object))],
    list(items, meta) {
      const list = `{"kind":"PartialObjectMetadataList","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
      return [Buffer.from(list), Buffer.from(items.map((item) => partial(item.object)).join(',')), listEnd];
    },
    bookmark: (resourceVersion, endOfInitial) => [
      Buffer.from(partial({ ...skeletonOf(request), metadata: bookmarkMeta(resourceVersion, endOfInitial) })),
    ],
  };
}

/** A Table in a watch carries its column definitions once, in its first frame. */
function tableWriter(form: Form, request: ResourceRequest, cluster: Cluster, include: Include): Writer {
  const apiVersion = `meta.k8s.io/${form.version}`;
  const { kind } = request;
  let described = false;

  function rowObject(object: KubeLike): unknown {
    if (include === 'None') return null;
    if (include === 'Object')
      return { ...seenAs(request, object), apiVersion: apiVersionOf(request), kind: kind.kind };
    return { kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata };
  }
  function print(objects: readonly KubeLike[], meta: unknown): Buffer {
    const serverVersion = { major: 1, minor: minorOf(cluster.settings.version) };
    // The printer of events reads them as the core group names their fields.
    const table = printTable({ ...kind, group: kind.storedIn ?? kind.group }, objects, cluster.now(), {
      serverVersion,
    });
    const columnDefinitions = described ? null : table.columnDefinitions;
    const rows = table.rows.map((row, index) => ({
      cells: row.cells,
      ...(row.conditions === undefined ? {} : { conditions: row.conditions }),
      object: rowObject(objects[index] ?? {}),
    }));
    return Buffer.from(
      JSON.stringify({ kind: 'Table', apiVersion, metadata: meta, columnDefinitions, rows }),
    );
  }
  return {
    ...jsonLines,
    object(stored) {
      const bytes = print([stored.object], { resourceVersion: String(stored.resourceVersion) });
      described = true;
      return [bytes];
    },
    list: (items, meta) => [
      print(
        items.map((item) => item.object),
        meta,
      ),
    ],
    bookmark(resourceVersion, endOfInitial) {
      const ghost: KubeLike = {
        ...skeletonOf(request),
        metadata: bookmarkMeta(resourceVersion, endOfInitial),
      };
      const bytes = print([ghost], { resourceVersion });
      described = true;
      return [bytes];
    },
  };
}

const bookmarkMeta = (
  resourceVersion: string,
  endOfInitial: boolean,
): { resourceVersion: string; annotations?: Record<string, string> } => ({
  resourceVersion,
  ...(endOfInitial ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
});

const emptyTemplate = { metadata: {}, spec: { containers: null } };

/** What a bookmark's object holds besides its metadata: Go's zero value of the kind, encoded (recorded where the kind was). */
const skeletons: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Pod: { spec: { containers: null }, status: {} },
  Node: {
    spec: {},
    status: {
      daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
      nodeInfo: {
        machineID: '',
        systemUUID: '',
        bootID: '',
        kernelVersion: '',
        osImage: '',
        containerRuntimeVersion: '',
        kubeletVersion: '',
        kubeProxyVersion: '',
        operatingSystem: '',
        architecture: '',
      },
    },
  },
  Namespace: { spec: {}, status: {} },
  Deployment: { spec: { replicas: 0, selector: null, template: emptyTemplate, strategy: {} }, status: {} },
  ReplicaSet: { spec: { replicas: 0, selector: null, template: emptyTemplate }, status: { replicas: 0 } },
  StatefulSet: {
    spec: { replicas: 0, selector: null, template: emptyTemplate, serviceName: '', updateStrategy: {} },
    status: { replicas: 0, availableReplicas: 0 },
  },
  DaemonSet: {
    spec: { selector: null, template: emptyTemplate, updateStrategy: {} },
    status: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  },
  Job: { spec: { template: emptyTemplate }, status: {} },
  CronJob: {
    spec: {
      schedule: '',
      concurrencyPolicy: '',
      suspend: false,
      jobTemplate: { metadata: {}, spec: { template: emptyTemplate } },
    },
    status: {},
  },
  EndpointSlice: { addressType: '', endpoints: null, ports: null },
  Service: { spec: {}, status: { loadBalancer: {} } },
  PersistentVolumeClaim: { spec: { resources: {} }, status: {} },
  PersistentVolume: { spec: {}, status: {} },
  ResourceQuota: { spec: {}, status: {} },
  ResourceClaim: { spec: { devices: {} }, status: {} },
  ResourceSlice: { spec: { driver: '', pool: { name: '', generation: 0, resourceSliceCount: 0 } } },
  Lease: { spec: {} },
};

const skeletonOf = ({ kind }: ResourceRequest): Readonly<Record<string, unknown>> =>
  kind.custom ? {} : (skeletons[kind.kind] ?? {});
