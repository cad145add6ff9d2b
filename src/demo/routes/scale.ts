import { negotiate } from '../accept.ts';
import type { ResourceHandler } from '../cluster.ts';
import { fieldAt, isRecord } from '../object.ts';
import { notFound } from '../status.ts';

/** A selector as text: `app=mesh`. */
function selectorText(selector: unknown): string {
  const labels = fieldAt(selector, 'matchLabels');
  return isRecord(labels)
    ? Object.entries(labels)
        .map(([key, value]) => `${key}=${String(value)}`)
        .sort()
        .join(',')
    : '';
}

/** GET of `…/scale`. */
export const scale: ResourceHandler = {
  takes: (request) => request.subresource === 'scale' && request.verb === 'get',
  async handle(exchange, { kind, namespace, name = '' }, cluster) {
    const object = cluster.store.stored(kind, namespace, name)?.object;
    if (object === undefined) throw notFound(kind.group, kind.plural, name);
    const { uid, resourceVersion, creationTimestamp } = object.metadata ?? {};
    const selector = selectorText(fieldAt(object, 'spec.selector'));
    const body = {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        uid,
        resourceVersion,
        creationTimestamp,
      },
      spec: { replicas: fieldAt(object, 'spec.replicas') ?? 1 },
      status: { replicas: fieldAt(object, 'status.replicas') ?? 0, ...(selector === '' ? {} : { selector }) },
    };
    await exchange.json(200, body, { form: negotiate(exchange.accept, 'object') });
  },
};
