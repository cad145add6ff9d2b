import { negotiate } from '../accept.ts';
import type { Cluster, ResourceHandler, ResourceRequest } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { fieldAt, isRecord, type KubeLike } from '../object.ts';
import { encodeObject } from '../protobuf/encode.ts';
import { invalid } from '../status.ts';
import { readObject, readPatch } from '../writes/body.ts';
import { dryRunOf, existing, modifiedMeanwhile } from '../writes/options.ts';
import { changeObject } from '../writes/save.ts';
import { patched } from '../writes/write.ts';

/** A selector as text: `app=mesh`. */
function selectorText(selector: unknown): string {
  const labels = fieldAt(selector, 'matchLabels') ?? selector;
  return isRecord(labels)
    ? Object.entries(labels)
        .filter(([, value]) => typeof value === 'string')
        .map(([key, value]) => `${key}=${String(value)}`)
        .sort()
        .join(',')
    : '';
}

/** The Scale of an object that has replicas. */
function scaleOf(object: KubeLike): KubeLike {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
  const selector = selectorText(fieldAt(object, 'spec.selector'));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: fieldAt(object, 'spec.replicas') ?? 1 },
    status: { replicas: fieldAt(object, 'status.replicas') ?? 0, ...(selector === '' ? {} : { selector }) },
  };
}

async function answerScale(exchange: Exchange, scale: KubeLike): Promise<void> {
  const form = negotiate(exchange.accept, 'protobuf');
  const encoded = form.type === 'protobuf' ? encodeObject(scale) : undefined;
  if (encoded !== undefined) await exchange.bytes(200, [encoded], { form });
  else await exchange.json(200, scale, { form });
}

/** Sets the replicas that a Scale asks for. */
function rescale(request: ResourceRequest, cluster: Cluster, wanted: KubeLike, dryRun: boolean): KubeLike {
  const before = existing(request, cluster);
  const { resourceVersion } = wanted.metadata ?? {};
  const name = request.name ?? '';
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== before.metadata?.resourceVersion
  )
    throw modifiedMeanwhile(request, name);
  const replicas = fieldAt(wanted, 'spec.replicas') ?? 0;
  if (typeof replicas !== 'number' || replicas < 0)
    throw invalid({ group: 'autoscaling', kind: 'Scale', name }, [
      {
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
        field: 'spec.replicas',
      },
    ]);
  const target = { ...request, subresource: undefined };
  const spec = isRecord(before['spec']) ? before['spec'] : {};
  return scaleOf(
    changeObject({ request: target, cluster, dryRun }, before, { ...before, spec: { ...spec, replicas } }),
  );
}

/** GET, PUT and PATCH of `…/scale`. */
export const scale: ResourceHandler = {
  takes: (request) => request.subresource === 'scale',
  async handle(exchange, request, cluster) {
    if (request.verb === 'get') return answerScale(exchange, scaleOf(existing(request, cluster)));
    if (request.verb === 'update') {
      const dryRun = dryRunOf(exchange, 'UpdateOptions');
      const { object } = await readObject(exchange, request, 'Scale');
      return answerScale(exchange, rescale(request, cluster, object, dryRun));
    }
    const dryRun = dryRunOf(exchange, 'PatchOptions');
    const { type, patch } = await readPatch(exchange, false);
    const wanted = patched(type, scaleOf(existing(request, cluster)), patch, request, 'Scale');
    return answerScale(exchange, rescale(request, cluster, wanted, dryRun));
  },
};
