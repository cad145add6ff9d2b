import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { apiVersionOf, type Cluster, type ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { KubeLike, KubeLikeMeta } from '../object.ts';
import { formFor, writerOf } from '../represent.ts';
import { suffixOf } from '../scenario/shapes.ts';
import { badRequest } from '../status.ts';
import { type Stored, secondsText } from '../store.ts';
import { admit } from './admission.ts';
import { withDefaults } from './defaults.ts';
import { alreadyExists, modifiedMeanwhile } from './options.ts';
import { validateChange, validateNew } from './validate.ts';

/** A write, taken apart: what is asked, of whom, and whether to keep it. */
export interface Write {
  readonly request: ResourceRequest;
  readonly cluster: Cluster;
  readonly dryRun: boolean;
}

/** Answers with an object as the request wants to see it. */
export async function answerObject(
  exchange: Exchange,
  { request, cluster }: Write,
  object: KubeLike,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const form = formFor(exchange, request);
  const stored: Stored = {
    key: '',
    object,
    resourceVersion: Number(object.metadata?.resourceVersion ?? 0),
    bytes: undefined,
    protobuf: undefined,
  };
  await exchange.bytes(status, writerOf(form, request, cluster, 'Metadata').object(stored), {
    form,
    headers,
  });
}

/** Objects are kept in the preferred version of their kind. */
const keptVersion = ({ kind }: ResourceRequest): string =>
  apiVersionOf({ kind, version: kind.versions[0] ?? 'v1' });

function firstMeta(object: KubeLike, { request, cluster }: Write): KubeLikeMeta {
  const { resourceVersion: _version, ...meta } = object.metadata ?? {};
  const generated = meta['generateName'];
  const name =
    meta.name ??
    (typeof generated === 'string' && generated !== '' ? `${generated}${suffixOf(randomUUID())}` : undefined);
  return {
    ...meta,
    ...(name === undefined ? {} : { name }),
    ...(request.kind.namespaced ? { namespace: request.namespace ?? 'default' } : {}),
    uid: randomUUID(),
    creationTimestamp: secondsText(cluster.now()),
    ...(object['spec'] === undefined ? {} : { generation: 1 }),
  };
}

/** Creates an object as the API server does: identity, defaults, validation, admission. Gives what is kept. */
export function createObject(write: Write, posted: KubeLike): KubeLike {
  const { request, cluster, dryRun } = write;
  const said = posted.metadata?.namespace;
  if (said !== undefined && request.namespace !== undefined && said !== request.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const identified: KubeLike = {
    ...posted,
    apiVersion: keptVersion(request),
    kind: request.kind.kind,
    metadata: firstMeta(posted, write),
  };
  const object = withDefaults(identified, cluster.store);
  const name = object.metadata?.name ?? '';
  validateNew(request, object);
  admit({ request, cluster, verb: 'create', object });
  if (cluster.store.stored(request.kind, request.namespace, name) !== undefined)
    throw alreadyExists(request, name);
  if (dryRun) return object;
  const kept = cluster.store.put(object);
  cluster.aftermath?.written(kept, undefined);
  return kept;
}

const hasStatus = ({ kind }: ResourceRequest): boolean =>
  kind.subresources.some((sub) => sub.name === 'status');

/** What a client may not set in an object that exists. */
function keptMeta(before: KubeLike, after: KubeLike, changed: boolean): KubeLikeMeta {
  const old = before.metadata ?? {};
  const { generation } = old;
  const rest = Object.fromEntries(
    Object.entries(after.metadata ?? {}).filter(
      ([field]) => !/^deletion(Timestamp|GracePeriodSeconds)$/.test(field),
    ),
  );
  return {
    ...rest,
    ...(old.name === undefined ? {} : { name: old.name }),
    ...(old.namespace === undefined ? {} : { namespace: old.namespace }),
    ...(old.uid === undefined ? {} : { uid: old.uid }),
    ...(old.resourceVersion === undefined ? {} : { resourceVersion: old.resourceVersion }),
    creationTimestamp: old.creationTimestamp ?? null,
    ...(old['deletionTimestamp'] === undefined
      ? {}
      : {
          deletionTimestamp: old['deletionTimestamp'],
          ...(old['deletionGracePeriodSeconds'] === undefined
            ? {}
            : { deletionGracePeriodSeconds: old['deletionGracePeriodSeconds'] }),
        }),
    ...(typeof generation === 'number' ? { generation: changed ? generation + 1 : generation } : {}),
  };
}

/** Which part of an object a subresource may change. */
function through(request: ResourceRequest, before: KubeLike, after: KubeLike): KubeLike {
  switch (request.subresource) {
    case 'status':
      return { ...before, status: after['status'], metadata: { ...before.metadata, ...subMeta(after) } };
    case undefined:
      return hasStatus(request)
        ? { ...after, ...(before['status'] === undefined ? {} : { status: before['status'] }) }
        : after;
    default:
      return after;
  }
}

const subMeta = ({ metadata = {} }: KubeLike): KubeLikeMeta => ({
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
});

/** Puts `after` in the place of `before`: conflict, immutable fields, validation, admission. Gives what is kept. */
export function changeObject(write: Write, before: KubeLike, wanted: KubeLike): KubeLike {
  const { request, cluster, dryRun } = write;
  const name = before.metadata?.name ?? '';
  if (wanted.metadata?.name !== undefined && wanted.metadata.name !== name)
    throw badRequest(
      `the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`,
    );
  const version = wanted.metadata?.resourceVersion;
  if (
    version !== undefined &&
    version !== '' &&
    version !== '0' &&
    version !== before.metadata?.resourceVersion
  )
    throw modifiedMeanwhile(request, name);
  const identity = { apiVersion: before.apiVersion ?? keptVersion(request), kind: request.kind.kind };
  const named = { ...wanted, ...identity, metadata: { ...wanted.metadata, name } };
  const seen = through(request, before, named);
  if (request.subresource === undefined || request.subresource === 'status')
    validateChange(request, before, seen);
  const changed = !isDeepStrictEqual(before['spec'], seen['spec']);
  const after: KubeLike = { ...seen, metadata: keptMeta(before, seen, changed) };
  admit({ request, cluster, verb: 'update', object: after, before });
  if (isDeepStrictEqual(before, after)) return before;
  if (dryRun) return after;
  const finalizers = after.metadata?.['finalizers'];
  const isLast = Array.isArray(finalizers) ? finalizers.length === 0 : true;
  const kept = cluster.store.put(after);
  cluster.aftermath?.written(kept, before);
  if (after.metadata?.['deletionTimestamp'] !== undefined && isLast) cluster.aftermath?.finalized(kept);
  return kept;
}
