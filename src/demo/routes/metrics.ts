import { negotiate } from '../accept.ts';
import type { Cluster } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { NodeUsage, PodUsage } from '../providers.ts';
import { labelMatcher } from '../selectors.ts';
import { notFound, Refusal, statusBody } from '../status.ts';
import { secondsText } from '../store.ts';

const apiVersion = 'metrics.k8s.io/v1beta1';

/** What discovery says of the group. */
export const metricsResources = [
  { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
  { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
] as const;

const sample = (usage: NodeUsage | PodUsage, nowMs: number): { timestamp: string; window: string } => ({
  timestamp: secondsText(usage.at ?? nowMs),
  window: `${usage.windowSeconds ?? 20}s`,
});

const labels = (usage: NodeUsage | PodUsage): { labels?: Readonly<Record<string, string>> } =>
  usage.labels === undefined ? {} : { labels: usage.labels };

function nodeMetrics(usage: NodeUsage, nowMs: number): Record<string, unknown> {
  return {
    metadata: { name: usage.name, creationTimestamp: secondsText(nowMs), ...labels(usage) },
    ...sample(usage, nowMs),
    usage: { cpu: usage.cpu, memory: usage.memory },
  };
}

function podMetrics(usage: PodUsage, nowMs: number): Record<string, unknown> {
  return {
    metadata: {
      name: usage.name,
      namespace: usage.namespace,
      creationTimestamp: secondsText(nowMs),
      ...labels(usage),
    },
    ...sample(usage, nowMs),
    containers: usage.containers.map(({ name, cpu, memory }) => ({ name, usage: { cpu, memory } })),
  };
}

export interface MetricsRequest {
  readonly plural: 'nodes' | 'pods';
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** A path below `/apis/metrics.k8s.io/v1beta1/` that metrics-server answers. */
export function metricsRequestOf(steps: readonly string[]): MetricsRequest | undefined {
  const [first, second, third, fourth] = steps;
  if (first === 'nodes' && steps.length <= 2) return { plural: 'nodes', namespace: undefined, name: second };
  if (first === 'pods' && steps.length === 1)
    return { plural: 'pods', namespace: undefined, name: undefined };
  if (first === 'namespaces' && third === 'pods' && steps.length <= 4)
    return { plural: 'pods', namespace: second, name: fourth };
  return undefined;
}

/** GET of usage: a list or one object. */
export async function answerMetrics(
  exchange: Exchange,
  request: MetricsRequest,
  cluster: Cluster,
): Promise<void> {
  if (exchange.method !== 'GET')
    throw new Refusal(
      statusBody(405, 'the server does not allow this method on the requested resource', {
        reason: 'MethodNotAllowed',
        details: {},
      }),
    );
  const form = negotiate(exchange.accept, 'plain');
  const nowMs = cluster.now();
  const kind = request.plural === 'nodes' ? 'NodeMetrics' : 'PodMetrics';
  const write = (usage: NodeUsage | PodUsage): Record<string, unknown> =>
    'containers' in usage ? podMetrics(usage, nowMs) : nodeMetrics(usage, nowMs);
  const found: readonly (NodeUsage | PodUsage)[] =
    request.plural === 'nodes' ? cluster.metrics.nodes() : cluster.metrics.pods(request.namespace);
  if (request.name !== undefined) {
    const one = found.find((usage) => usage.name === request.name);
    if (one === undefined)
      throw notFound(
        'metrics.k8s.io',
        request.plural,
        request.namespace === undefined ? request.name : `${request.namespace}/${request.name}`,
      );
    await exchange.json(200, { kind, apiVersion, ...write(one) }, { form });
    return;
  }
  const matches = labelMatcher(exchange.query.get('labelSelector') ?? '');
  const items = found
    .filter((usage) => matches === undefined || matches({ metadata: { labels: usage.labels ?? {} } }))
    .map(write);
  await exchange.json(200, { kind: `${kind}List`, apiVersion, metadata: {}, items }, { form });
}
