import type { Cluster, ResourceHandler, ResourceRequest } from '../cluster.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { formFor, writerOf } from '../represent.ts';
import { readListOptions } from '../routes/list-options.ts';
import { badRequest, invalid, Refusal, statusBody } from '../status.ts';
import { inNamespace, type Stored, secondsText } from '../store.ts';
import { admit } from './admission.ts';
import { readDeleteOptions } from './body.ts';
import { dryRunOf, existing } from './options.ts';
import { answerObject } from './save.ts';

export interface Deletion {
  readonly graceSeconds: number | undefined;
  readonly propagation: 'Background' | 'Foreground' | 'Orphan';
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly dryRun: boolean;
}

/** What a DELETE asks for, in its body or its query. */
export function deletionOf(query: URLSearchParams, body: JsonRecord, dryRun: boolean): Deletion {
  const grace = body['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds') ?? undefined;
  const policy = String(body['propagationPolicy'] ?? query.get('propagationPolicy') ?? 'Background');
  if (policy !== 'Background' && policy !== 'Foreground' && policy !== 'Orphan')
    throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions', name: '' }, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(policy)}: must be one of ["Background","Foreground","Orphan"]`,
        field: 'propagationPolicy',
      },
    ]);
  const uid = fieldAt(body, 'preconditions.uid');
  const version = fieldAt(body, 'preconditions.resourceVersion');
  const seconds = grace === undefined ? undefined : Number(grace);
  if (seconds !== undefined && !Number.isInteger(seconds))
    throw badRequest(`invalid gracePeriodSeconds ${String(grace)}`);
  return {
    graceSeconds: seconds,
    propagation: body['orphanDependents'] === true ? 'Orphan' : policy,
    uid: typeof uid === 'string' ? uid : undefined,
    resourceVersion: typeof version === 'string' ? version : undefined,
    dryRun,
  };
}

function conflict(request: ResourceRequest, name: string, what: string): Refusal {
  const { kind, group } = request.kind;
  return new Refusal(
    statusBody(
      409,
      `Operation cannot be fulfilled on ${group === '' ? kind : `${kind}.${group}`} "${name}": ${what}`,
      {
        reason: 'Conflict',
        details: { name, ...(group === '' ? {} : { group }), kind },
      },
    ),
  );
}

function checkPreconditions(request: ResourceRequest, object: KubeLike, deletion: Deletion): void {
  const { uid, resourceVersion, name = '' } = object.metadata ?? {};
  if (deletion.uid !== undefined && deletion.uid !== uid)
    throw conflict(
      request,
      name,
      `the UID in the precondition (${deletion.uid}) does not match the UID in record (${uid ?? ''}). The object might have been deleted and then recreated`,
    );
  if (deletion.resourceVersion !== undefined && deletion.resourceVersion !== resourceVersion)
    throw conflict(
      request,
      name,
      `the ResourceVersion in the precondition (${deletion.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion ?? ''}). The object might have been modified`,
    );
}

/** Only pods that run somewhere are given time. */
function graceOf(object: KubeLike, asked: number | undefined): number {
  if (object.kind !== 'Pod' || fieldAt(object, 'spec.nodeName') === undefined) return 0;
  const phase = fieldAt(object, 'status.phase');
  if (phase === 'Succeeded' || phase === 'Failed') return 0;
  const own = fieldAt(object, 'spec.terminationGracePeriodSeconds');
  const before = object.metadata?.['deletionGracePeriodSeconds'];
  const wanted = Math.max(0, asked ?? (typeof own === 'number' ? own : 30));
  return typeof before === 'number' ? Math.min(before, wanted) : wanted;
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];

interface Outcome {
  readonly object: KubeLike;
  /** Nothing of it is left. */
  readonly gone: boolean;
}

/** Deletes as the API server does: at once, after the grace of a pod, or when the last finalizer is gone. */
export function deleteObject(
  request: ResourceRequest,
  cluster: Cluster,
  object: KubeLike,
  deletion: Deletion,
): Outcome {
  checkPreconditions(request, object, deletion);
  admit({ request, cluster, verb: 'delete', object });
  const grace = graceOf(object, deletion.graceSeconds);
  const finalizers = [
    ...textsOf(object.metadata?.['finalizers']).filter(
      (name) => name !== 'foregroundDeletion' && name !== 'orphan',
    ),
    ...(deletion.propagation === 'Foreground' ? ['foregroundDeletion'] : []),
    ...(deletion.propagation === 'Orphan' ? ['orphan'] : []),
  ];
  const isNamespace = object.kind === 'Namespace';
  if (grace === 0 && finalizers.length === 0 && !isNamespace) {
    if (!deletion.dryRun) {
      cluster.store.remove(refOf(request, object));
      cluster.aftermath?.removed(object);
    }
    return { object, gone: true };
  }
  const { generation } = object.metadata ?? {};
  const marked: KubeLike = {
    ...object,
    metadata: {
      ...object.metadata,
      ...(typeof generation === 'number' ? { generation: generation + 1 } : {}),
      deletionTimestamp: object.metadata?.['deletionTimestamp'] ?? secondsText(cluster.now() + grace * 1000),
      deletionGracePeriodSeconds: grace,
      ...(finalizers.length > 0 ? { finalizers } : {}),
    },
    ...(isNamespace
      ? { status: { ...(isRecord(object['status']) ? object['status'] : {}), phase: 'Terminating' } }
      : {}),
  };
  if (deletion.dryRun) return { object: marked, gone: false };
  const kept = cluster.store.put(marked);
  cluster.aftermath?.deleting(kept, grace);
  return { object: kept, gone: false };
}

const refOf = (
  { kind }: ResourceRequest,
  object: KubeLike,
): { group: string; plural: string; name: string; namespace?: string } => ({
  group: kind.group,
  plural: kind.plural,
  name: object.metadata?.name ?? '',
  ...(object.metadata?.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
});

/** Kinds whose storage gives the deleted object back; the others say that it is done. */
const returned =
  /^(Pod|Service|ServiceAccount|PersistentVolume|PersistentVolumeClaim|PodTemplate|ReplicationController|ResourceQuota)$/;

/** DELETE of one object. */
export const remove: ResourceHandler = {
  takes: ({ verb, subresource }) => verb === 'delete' && subresource === undefined,
  async handle(exchange, request, cluster) {
    const body = await readDeleteOptions(exchange);
    const deletion = deletionOf(exchange.query, body, dryRunOf(exchange, 'DeleteOptions', body['dryRun']));
    const before = existing(request, cluster);
    const { object, gone } = deleteObject(request, cluster, before, deletion);
    if (!gone || returned.test(request.kind.kind)) {
      const write = { request, cluster, dryRun: deletion.dryRun };
      await answerObject(exchange, write, object, { status: 200 });
      return;
    }
    const { name, uid } = object.metadata ?? {};
    const { group, plural } = request.kind;
    const details = { name, ...(group === '' ? {} : { group }), kind: plural, uid };
    await exchange.json(
      200,
      { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details },
      {
        form:
          formFor(exchange, request).type === 'yaml'
            ? formFor(exchange, request)
            : { type: 'json', as: 'object', version: '' },
      },
    );
  },
};

/** DELETE of a collection: everything that its selectors choose. */
export const removeAll: ResourceHandler = {
  takes: ({ verb, subresource }) => verb === 'deletecollection' && subresource === undefined,
  async handle(exchange, request, cluster) {
    const options = readListOptions(exchange, request, cluster);
    const body = await readDeleteOptions(exchange);
    const deletion = deletionOf(exchange.query, body, dryRunOf(exchange, 'DeleteOptions', body['dryRun']));
    const form = formFor(exchange, request);
    const items = cluster.store.snapshot(request.kind, cluster.store.resourceVersion()) ?? [];
    const chosen = inNamespace(items, request.kind.namespaced ? request.namespace : undefined)
      .filter((stored) => options.matches?.(stored.object) ?? true)
      .slice(0, options.limit > 0 ? options.limit : undefined);
    const deleted: Stored[] = [];
    for (const stored of chosen) {
      deleteObject(request, cluster, stored.object, deletion);
      deleted.push(stored);
    }
    const meta = { resourceVersion: String(cluster.store.resourceVersion()) };
    await exchange.bytes(200, writerOf(form, request, cluster, 'Metadata').list(deleted, meta), { form });
  },
};
