import type { Form } from './accept.ts';
import { apiVersionOf, type Cluster, minorOf, type ResourceRequest } from './cluster.ts';
import { eventFromCore } from './events-view.ts';
import type { KubeLike } from './object.ts';
import type { Stored } from './store.ts';
import { printTable } from './tables/index.ts';

/** What of a row's object a Table carries: `includeObject`. */
export type Include = 'None' | 'Metadata' | 'Object';

/** Turns kept objects into the bytes that a request asked for. */
export interface Writer {
  /** One object by itself or in a watch: apiVersion and kind first. */
  object(stored: Stored): Buffer;
  /** The pieces of a list body. */
  list(items: readonly Stored[], meta: Readonly<Record<string, unknown>>): Buffer[];
  /** A bookmark, in the shape that the kind has when it is empty. */
  bookmark(resourceVersion: string, endOfInitial: boolean): Buffer;
}

const comma = Buffer.from(',');
const listEnd = Buffer.from(']}');

export function writerOf(form: Form, request: ResourceRequest, cluster: Cluster, include: Include): Writer {
  if (form.as === 'Table') return tableWriter(form, request, cluster, include);
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
    return Buffer.from(JSON.stringify(rest));
  }
  return {
    object: (stored) => Buffer.concat([head, body(stored).subarray(1)]),
    list(items, meta) {
      const start = kind.custom
        ? `{"apiVersion":"${apiVersion}","items":[`
        : `{"kind":"${kind.kind}List","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
      const pieces: Buffer[] = [Buffer.from(start)];
      items.forEach((stored, index) => {
        if (index > 0) pieces.push(comma);
        if (kind.custom) pieces.push(head, body(stored).subarray(1));
        else pieces.push(body(stored));
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
      return Buffer.from(JSON.stringify(object));
    },
  };
}

function metadataWriter(form: Form, request: ResourceRequest): Writer {
  const apiVersion = `meta.k8s.io/${form.version}`;
  const partial = (object: KubeLike): string =>
    JSON.stringify({ kind: 'PartialObjectMetadata', apiVersion, metadata: object.metadata });
  return {
    object: (stored) => Buffer.from(partial(stored.object)),
    list(items, meta) {
      const list = `{"kind":"PartialObjectMetadataList","apiVersion":"${apiVersion}","metadata":${JSON.stringify(meta)},"items":[`;
      return [Buffer.from(list), Buffer.from(items.map((item) => partial(item.object)).join(',')), listEnd];
    },
    bookmark: (resourceVersion, endOfInitial) =>
      Buffer.from(partial({ ...skeletonOf(request), metadata: bookmarkMeta(resourceVersion, endOfInitial) })),
  };
}

/** A Table in a watch carries its column definitions once, in its first frame. */
function tableWriter(form: Form, request: ResourceRequest, cluster: Cluster, include: Include): Writer {
  const apiVersion = `meta.k8s.io/${form.version}`;
  const { kind } = request;
  let described = false;
  const view = (object: KubeLike): KubeLike => (kind.storedIn === undefined ? object : eventFromCore(object));

  function rowObject(object: KubeLike): unknown {
    if (include === 'None') return null;
    if (include === 'Object') return { ...view(object), apiVersion: apiVersionOf(request), kind: kind.kind };
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
    object(stored) {
      const bytes = print([stored.object], { resourceVersion: String(stored.resourceVersion) });
      described = true;
      return bytes;
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
      return bytes;
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
