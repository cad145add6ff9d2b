import { collectDevices, type DeviceUse } from '../accelerators/device-use.ts';
import type { Sample } from '../accelerators/exposition.ts';
import {
  idleMetric,
  idleQuery,
  idleWindowMs,
  nodeLabels,
  nodeMatcher,
  type PrometheusPlace,
  prometheusPlaces,
  queriedMetrics,
  vectorSamples,
} from '../accelerators/prometheus.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { serviceProxyPath } from '../kube/proxied.ts';
import { pathOf } from '../resources/resource.ts';
import { services } from '../resources/services.ts';

const timeoutMs = 15_000;

// Places tried, the likeliest first: each that is wrong costs a question.
const placesAtMost = 4;

const queriesAtOnce = 4;

interface Measured {
  readonly devices: readonly DeviceUse[];
  /** By key of a device that did nothing in the last half an hour: that long, in ms. */
  readonly idleMs: ReadonlyMap<string, number>;
}

/** What answered, and how a device's node is found in it. */
export interface Prometheus {
  /** `prometheus monitoring/prometheus-k8s`. */
  readonly name: string;
  /** Devices of these nodes. Rejects with KubeError. */
  readonly devices: (nodes: readonly string[], signal: AbortSignal) => Promise<Measured>;
}

/** Names of the nodes of exporters, by namespace and name of their pods. */
export type ExporterNodes = (namespace: string, pod: string) => string | undefined;

/**
 * Looks for a Prometheus that has GPU metrics: the one that was named, or one of the services that are called like it.
 * Undefined where there is none, or none that may be asked. Rejects only when the server cannot be reached.
 */
export async function findPrometheus(
  connection: Connection,
  named: PrometheusPlace | undefined,
  {
    nodeOfExporter,
    isNode,
    signal,
  }: {
    readonly nodeOfExporter: ExporterNodes;
    readonly isNode: (name: string) => boolean;
    readonly signal: AbortSignal;
  },
): Promise<Prometheus | undefined> {
  const places = named === undefined ? await placesIn(connection, signal) : [named];
  for (const place of places.slice(0, placesAtMost)) {
    // One device of each node is enough to see how nodes are called.
    const probe = await query(connection, place, 'DCGM_FI_DEV_FB_USED{gpu="0"}', signal).catch(passing);
    if (probe === undefined || probe.length === 0) continue;
    const label = nodeLabels.find((name) => probe.some(({ labels }) => isNode(labels.get(name) ?? '')));
    const nodeOf = (labels: ReadonlyMap<string, string>): string | undefined =>
      nodeOfExporter(labels.get('namespace') ?? '', labels.get('pod') ?? '') ??
      (label === undefined ? undefined : labels.get(label));
    return {
      name: `prometheus ${place.namespace}/${place.name}`,
      devices: (nodes, stop) => devicesOf(connection, place, { label, nodes, nodeOf, signal: stop }),
    };
  }
  return undefined;
}

/** Refused or not there: another place may do. */
function passing(error: unknown): undefined {
  if (error instanceof KubeError && error.kind !== 'unreachable') return undefined;
  throw error;
}

async function placesIn(connection: Connection, signal: AbortSignal): Promise<readonly PrometheusPlace[]> {
  const rows: ReturnType<typeof services.toRow>[] = [];
  try {
    for await (const page of connection.pages(pathOf(services), undefined, signal)) {
      if (page.restarted) rows.length = 0;
      for (const item of page.items) rows.push(services.toRow(item, { server: undefined }));
    }
  } catch (error) {
    passing(error);
  }
  return prometheusPlaces(rows);
}

async function query(
  connection: Connection,
  place: PrometheusPlace,
  text: string,
  signal: AbortSignal,
  name?: string,
): Promise<readonly Sample[]> {
  const path = serviceProxyPath(place, {
    scheme: '',
    port: place.port,
    path: `${place.prefix}/api/v1/query`,
  });
  const answer = await connection.json<unknown>({ path, query: { query: text }, timeoutMs, signal });
  const samples = vectorSamples(answer, name);
  if (samples !== undefined) return samples;
  throw new KubeError(`${place.namespace}/${place.name} answered no vector`, {
    kind: 'bad-answer',
    hint: 'It may be no Prometheus: name the right service with --prometheus.',
  });
}

interface Ask {
  /** Undefined: nodes are only known by the exporters' pods, so all are asked for. */
  readonly label: string | undefined;
  readonly nodes: readonly string[];
  readonly nodeOf: (labels: ReadonlyMap<string, string>) => string | undefined;
  readonly signal: AbortSignal;
}

async function devicesOf(
  connection: Connection,
  place: PrometheusPlace,
  { label, nodes, nodeOf, signal }: Ask,
): Promise<Measured> {
  const wanted = new Set(nodes);
  const onWanted = (labels: ReadonlyMap<string, string>): string | undefined => {
    const node = nodeOf(labels);
    return node !== undefined && wanted.has(node) ? node : undefined;
  };
  const collector = collectDevices(onWanted);
  const matcher = label === undefined ? '' : `{${nodeMatcher(label, nodes)}}`;
  for (let from = 0; from < queriedMetrics.length; from += queriesAtOnce) {
    const answers = await Promise.all(
      queriedMetrics
        .slice(from, from + queriesAtOnce)
        .map((name) => query(connection, place, `${name}${matcher}`, signal)),
    );
    for (const sample of answers.flat()) collector.add(sample);
  }
  const idle = collectDevices(onWanted);
  // What answers PromQL in part only has no memory of use; what is seen from here on is all there is then.
  const past = await query(connection, place, idleQuery(matcher), signal, idleMetric).catch(passing);
  for (const sample of past ?? []) idle.add(sample);
  return {
    devices: collector.devices(),
    idleMs: new Map(idle.devices().map(({ key }) => [key, idleWindowMs])),
  };
}
