import type { Cluster, ResourceHandler } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { fieldAt, isRecord, type KubeLike } from '../object.ts';
import { badRequest, notFound, Refusal, statusBody } from '../status.ts';
import { selects } from '../writes/admission.ts';
import { answerOf, listensOn } from './apps.ts';

/** `[scheme:]name[:port]` of a proxied pod or service. */
function parts(text: string): { readonly name: string; readonly port: string } {
  const words = text.split(':');
  const [name = '', port = ''] =
    words.length === 3 || (words.length === 2 && /^https?$/.test(words[0] ?? '')) ? words.slice(1) : words;
  return { name, port };
}

const unavailable = (message: string): Refusal =>
  new Refusal(statusBody(503, message, { reason: 'ServiceUnavailable' }));

function portOf(pod: KubeLike, wanted: string): number {
  if (/^\d+$/.test(wanted)) return Number(wanted);
  const containers = fieldAt(pod, 'spec.containers');
  const ports = (Array.isArray(containers) ? containers : []).flatMap((container) => {
    const list = fieldAt(container, 'ports');
    return Array.isArray(list) ? list.filter(isRecord) : [];
  });
  const port = wanted === '' ? ports[0] : ports.find((one) => one['name'] === wanted);
  return Number(port?.['containerPort'] ?? 80);
}

const records = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

/** A running pod behind a service, and the port of it that is meant. */
function behind(
  cluster: Cluster,
  service: KubeLike,
  wanted: string,
): { readonly pod: KubeLike; readonly port: number } {
  const name = service.metadata?.name ?? '';
  const ports = records(fieldAt(service, 'spec.ports'));
  const port = ports.find((one) => wanted === '' || String(one['port']) === wanted || one['name'] === wanted);
  if (port === undefined) throw unavailable(`no service port "${wanted}" found for service "${name}"`);
  const pods = cluster.store
    .list('', 'pods', service.metadata?.namespace)
    .filter((pod) => selects({ matchLabels: fieldAt(service, 'spec.selector') ?? {} }, pod));
  const pod = pods.find((one) =>
    records(fieldAt(one, 'status.conditions')).some(
      ({ type, status }) => type === 'Ready' && status === 'True',
    ),
  );
  if (pod === undefined || !isRecord(fieldAt(service, 'spec.selector')))
    throw unavailable(`no endpoints available for service "${name}"`);
  return { pod, port: portOf(pod, String(port['targetPort'] ?? port['port'])) };
}

async function relay(
  exchange: Exchange,
  cluster: Cluster,
  pod: KubeLike,
  port: number,
  rest: string,
): Promise<void> {
  if (!listensOn(pod, port)) {
    const ip = String(fieldAt(pod, 'status.podIP') ?? '');
    throw unavailable(`error trying to reach service: dial tcp ${ip}:${port}: connect: connection refused`);
  }
  const { method, query } = exchange;
  const answer = answerOf(cluster, pod, port, { method, path: `/${rest}`, query });
  await exchange.text(answer.status, answer.body, { 'content-type': answer.type });
}

/** `…/pods/[scheme:]NAME[:PORT]/proxy/…` and the same of services: what the program behind them says. */
export const proxy: ResourceHandler = {
  takes: ({ subresource, kind }) =>
    subresource === 'proxy' && (kind.plural === 'pods' || kind.plural === 'services'),
  async handle(exchange, { kind, namespace = '', name: asked = '' }, cluster) {
    const { name, port } = parts(asked);
    const object = cluster.store.get({ group: '', plural: kind.plural, namespace, name });
    if (object === undefined) throw notFound('', kind.plural, name);
    const rest =
      /\/proxy(?:\/(.*))?$/.exec(
        exchange.path.replace(/^.*?(?=\/(?:pods|services)\/[^/]+\/proxy)/, ''),
      )?.[1] ?? '';
    if (kind.plural === 'services') {
      const target = behind(cluster, object, port);
      return relay(exchange, cluster, target.pod, target.port, decodeURI(rest));
    }
    if (fieldAt(object, 'status.podIP') === undefined) throw badRequest('address not allowed');
    return relay(exchange, cluster, object, portOf(object, port), decodeURI(rest));
  },
};
