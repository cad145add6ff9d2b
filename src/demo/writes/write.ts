import { apiVersionOf, type Cluster, type ResourceHandler, type ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { isRecord, type KubeLike } from '../object.ts';
import { messageOf } from '../protobuf/message.ts';
import { badRequest, invalid, notFound } from '../status.ts';
import { type PatchType, readObject, readPatch } from './body.ts';
import { dryRunOf, existing, warningHeaders } from './options.ts';
import { jsonPatch, mergePatch, strategicPatch } from './patch.ts';
import { answerObject, changeObject, createObject } from './save.ts';

const plain: ReadonlySet<string | undefined> = new Set([
  undefined,
  'status',
  'ephemeralcontainers',
  'resize',
  'approval',
  'finalize',
]);

/** POST of an object. */
export const create: ResourceHandler = {
  takes: ({ verb, subresource, name }) =>
    verb === 'create' && subresource === undefined && name === undefined,
  async handle(exchange, request, cluster) {
    const write = { request, cluster, dryRun: dryRunOf(exchange, 'CreateOptions') };
    const { object, warnings } = await readObject(exchange, request, request.kind.kind);
    await answerObject(exchange, write, createObject(write, object), {
      status: 201,
      headers: warningHeaders(warnings),
    });
  },
};

/** PUT of an object, or of a part of it. */
export const update: ResourceHandler = {
  takes: ({ verb, subresource }) => verb === 'update' && plain.has(subresource),
  async handle(exchange, request, cluster) {
    const write = { request, cluster, dryRun: dryRunOf(exchange, 'UpdateOptions') };
    const { object, warnings } = await readObject(exchange, request, request.kind.kind);
    const before = existing(request, cluster);
    if (request.kind.custom && object.metadata?.resourceVersion === undefined)
      throw invalid({ group: request.kind.group, kind: request.kind.kind, name: request.name ?? '' }, [
        {
          reason: 'FieldValueInvalid',
          message: 'Invalid value: 0: must be specified for an update',
          field: 'metadata.resourceVersion',
        },
      ]);
    await answerObject(exchange, write, changeObject(write, before, object), {
      headers: warningHeaders(warnings),
    });
  },
};

/** An object after a patch. Shared by the object itself and its Scale. */
export function patched(
  type: PatchType,
  object: KubeLike,
  patch: unknown,
  request: ResourceRequest,
  kind: string = request.kind.kind,
): KubeLike {
  const message =
    kind === 'Scale' ? messageOf('autoscaling/v1', 'Scale') : messageOf(apiVersionOf(request), kind);
  const result =
    type === 'json'
      ? jsonPatch(object, patch)
      : type === 'merge'
        ? mergePatch(object, patch)
        : strategicPatch(message, object, patch);
  if (!isRecord(result))
    throw badRequest('json: cannot unmarshal into Go value of type map[string]interface {}');
  return result;
}

/**
 * Server-side apply in its simplest form: what is said is merged by the merge keys, and an object that is not there is
 * made. Ownership of fields is not kept, so nothing conflicts and what is no longer said stays.
 */
async function apply(
  exchange: Exchange,
  request: ResourceRequest,
  cluster: Cluster,
  patch: unknown,
): Promise<void> {
  if ((exchange.query.get('fieldManager') ?? '') === '')
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions', name: '' }, [
      {
        reason: 'FieldValueRequired',
        message: 'Required value: is required for apply patch',
        field: 'fieldManager',
      },
    ]);
  if (!isRecord(patch)) throw badRequest('error decoding YAML: the patch is no object');
  const write = { request, cluster, dryRun: dryRunOf(exchange, 'PatchOptions') };
  const before = cluster.store.stored(request.kind, request.namespace, request.name ?? '')?.object;
  if (before === undefined) {
    const named: KubeLike = {
      ...patch,
      metadata: { ...(isRecord(patch['metadata']) ? patch['metadata'] : {}), name: request.name ?? '' },
    };
    await answerObject(exchange, write, createObject(write, named), { status: 201 });
    return;
  }
  await answerObject(exchange, write, changeObject(write, before, patched('apply', before, patch, request)));
}

/** PATCH of an object, or of a part of it. */
export const patch: ResourceHandler = {
  takes: ({ verb, subresource }) => verb === 'patch' && plain.has(subresource),
  async handle(exchange, request, cluster) {
    const { type, patch: said } = await readPatch(exchange, request.kind.custom);
    if (type === 'apply') return apply(exchange, request, cluster, said);
    const write = { request, cluster, dryRun: dryRunOf(exchange, 'PatchOptions') };
    const before = cluster.store.stored(request.kind, request.namespace, request.name ?? '')?.object;
    if (before === undefined) throw notFound(request.kind.group, request.kind.plural, request.name ?? '');
    return answerObject(exchange, write, changeObject(write, before, patched(type, before, said, request)));
  },
};
