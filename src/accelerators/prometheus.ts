import type { ServiceRow } from '../resources/services.ts';
import { deviceMetricNames } from './device-use.ts';
import type { Sample } from './exposition.ts';

/** Where a Prometheus, or something that answers like one, is reached through the service proxy. */
export interface PrometheusPlace {
  readonly namespace: string;
  readonly name: string;
  readonly port: string;
  /** Before `/api/v1/query`: VictoriaMetrics has one. */
  readonly prefix: string;
}

interface Known {
  readonly name: RegExp;
  readonly ports: readonly number[];
  readonly prefix?: string;
}

/**
 * Services that answer PromQL, the likeliest first (gpu.md 4.4). OpenShift's port 9091 wants a bearer token, which the
 * API server keeps for itself: it is left out.
 */
const knownServices: readonly Known[] = [
  { name: /^prometheus-operated$/, ports: [9090] },
  { name: /^prometheus-k8s$/, ports: [9090] },
  { name: /-prometheus$|^prometheus$/, ports: [9090, 80] },
  { name: /^prometheus-server$|-prometheus-server$/, ports: [80, 9090] },
  { name: /^thanos-query(-frontend)?$/, ports: [9090, 10902, 80] },
  { name: /^vmsingle/, ports: [8428, 8429] },
  { name: /^vmselect/, ports: [8481], prefix: '/select/0/prometheus' },
];

/** The services that may be one, the likeliest first. */
export function prometheusPlaces(services: Iterable<ServiceRow>): readonly PrometheusPlace[] {
  const found: { readonly rank: number; readonly place: PrometheusPlace }[] = [];
  for (const { namespace, name, ports } of services) {
    const rank = knownServices.findIndex((known) => known.name.test(name));
    const known = knownServices[rank];
    if (known === undefined) continue;
    const port = known.ports.find((wanted) => ports.some((one) => one.port === wanted));
    if (port !== undefined)
      found.push({ rank, place: { namespace, name, port: String(port), prefix: known.prefix ?? '' } });
  }
  return found.sort((a, b) => a.rank - b.rank).map(({ place }) => place);
}

/** `monitoring/prometheus-k8s:9090`, with a path behind it where there is one; undefined where it is none. */
export function parsePlace(text: string): PrometheusPlace | undefined {
  const parts = /^([a-z0-9-]+)\/([a-z0-9.-]+):([\w-]+)(\/[\w./-]*)?$/.exec(text);
  if (parts === null) return undefined;
  const [, namespace = '', name = '', port = '', prefix = ''] = parts;
  return { namespace, name, port, prefix: prefix.replace(/\/$/, '') };
}

/** Labels in which the node of a device may stand; the exporter's own pod is the surer way. */
export const nodeLabels: readonly string[] = [
  'node',
  'kubernetes_node',
  'exported_node',
  'Hostname',
  'hostname',
  'nodename',
];

/** What is asked for each device; the rest of an exporter's metrics is only read from the exporter. */
export const queriedMetrics: readonly string[] = deviceMetricNames.filter((name) =>
  /GPU_UTIL|GR_ENGINE_ACTIVE|TENSOR_ACTIVE|FB_USED|FB_FREE|POWER_USAGE|GPU_TEMP|XID_ERRORS|^gpu_(gfx_activity|used_vram|total_vram|package_power|junction_temperature)$/.test(
    name,
  ),
);

/** Names of nodes, as a matcher of one label. Node names hold no character that a pattern would read, but the dot. */
export const nodeMatcher = (label: string, nodes: readonly string[]): string =>
  `${label}=~"${nodes.map((node) => node.replaceAll('.', '\\\\.')).join('|')}"`;

/** What `idleQuery` asks about: the finest measure of whether a GPU does anything. */
export const idleMetric = 'DCGM_FI_PROF_GR_ENGINE_ACTIVE';

/** How far back a Prometheus is asked whether a GPU did anything. */
export const idleWindowMs: number = 30 * 60_000;

/**
 * Devices that did nothing for half an hour in the same hands: the series has the pod in its labels, so it must have
 * been there half an hour ago, too.
 */
export const idleQuery = (matcher: string): string =>
  `(max_over_time(${idleMetric}${matcher}[30m]) < 0.01) and (${idleMetric}${matcher} offset 30m)`;

/** The samples of an instant vector; undefined where the answer is none. `name`: of a query whose answer has none. */
export function vectorSamples(answer: unknown, name?: string): readonly Sample[] | undefined {
  const result = record(record(answer)['data'])['result'];
  if (record(answer)['status'] !== 'success' || !Array.isArray(result)) return undefined;
  return result.flatMap((raw) => {
    const { metric, value } = record(raw);
    const number = Array.isArray(value) ? Number(value[1]) : Number.NaN;
    const labels = new Map(
      Object.entries(record(metric)).flatMap(([key, text]) =>
        typeof text === 'string' ? [[key, text] as const] : [],
      ),
    );
    const named = labels.get('__name__') ?? name;
    return named === undefined || Number.isNaN(number) ? [] : [{ name: named, labels, value: number }];
  });
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
