import { collectDevices, type DeviceUse, isDeviceMetric } from '../accelerators/device-use.ts';
import type { ExporterKind } from '../accelerators/exporters.ts';
import { readExposition } from '../accelerators/exposition.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { podProxyPath } from '../kube/proxied.ts';
import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';

/** Users have seen 5 to 10 s through slow control planes (gpu.md 4.4). */
const timeoutMs = 10_000;

/** 8 GPUs are about 75 KB; what is much more is no exporter. */
const bytesAtMost = 8_000_000;

/** What one exporter answered. */
export type Scrape =
  | { readonly state: 'read'; readonly devices: readonly DeviceUse[] }
  | {
      readonly state: 'absent' | 'down' | 'forbidden' | 'failed';
      readonly reason: string;
      readonly hint: string;
    };

interface Door {
  readonly port: number;
  readonly scheme: 'http' | 'https';
}

/** Reads the metrics of one node's exporter through the API server. Never rejects. */
export async function scrapeExporter(
  connection: Connection,
  { pod, kind }: { readonly pod: PodRow; readonly kind: ExporterKind },
  node: string,
  stopping: AbortSignal,
): Promise<Scrape> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([stopping, deadline]);
  try {
    const door = await doorOf(connection, pod, kind, signal);
    const collector = collectDevices(() => node);
    const reader = readExposition(isDeviceMetric, collector.add);
    const decoder = new TextDecoder();
    const path = podProxyPath(pod, { ...door, path: '/metrics' });
    // Under HTTP's own word for it: some exporters answer protobuf to those that do not say.
    const { chunks } = await connection.stream({ path, accept: 'text/plain', timeoutMs, signal });
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > bytesAtMost) return refused('failed', `${pod.name} sends no end of metrics.`, '');
      reader.push(decoder.decode(chunk, { stream: true }));
    }
    reader.end();
    return { state: 'read', devices: collector.devices() };
  } catch (error) {
    if (deadline.aborted)
      return refused(
        'failed',
        `${pod.name} did not answer within ${timeoutMs / 1000} s.`,
        'A lost GPU can hang its exporter.',
      );
    return failureOf(error, pod);
  }
}

const refused = (state: Exclude<Scrape['state'], 'read'>, reason: string, hint: string): Scrape => ({
  state,
  reason,
  hint,
});

function failureOf(error: unknown, pod: PodRow): Scrape {
  if (!(error instanceof KubeError)) return refused('failed', String(error), '');
  switch (error.kind) {
    case 'forbidden':
      return refused('forbidden', error.message, error.hint);
    case 'not-found':
      return refused('absent', `${pod.name} has no metrics at its port, or is gone.`, error.hint);
    case 'unavailable':
    case 'server-error':
      return refused('down', `${pod.name} cannot be reached: ${error.message}`, 'Look at its logs.');
    default:
      return refused('failed', error.message, error.hint);
  }
}

/** One question for all pods of a DaemonSet: they share their spec. */
const doors = new WeakMap<PodSpecRecord, Door>();

/** The port and the scheme are in the pod's object only; rows do not keep them. */
async function doorOf(
  connection: Connection,
  pod: PodRow,
  kind: ExporterKind,
  signal: AbortSignal,
): Promise<Door> {
  const known = doors.get(pod.spec);
  if (known !== undefined) return known;
  let door: Door = { port: kind.port, scheme: 'http' };
  try {
    const path = `/api/v1/namespaces/${encodeURIComponent(pod.namespace)}/pods/${encodeURIComponent(pod.name)}`;
    door = doorIn(await connection.json({ path, signal }), door);
  } catch (error) {
    if (signal.aborted) throw error;
    // Its usual port is a good guess.
  }
  doors.set(pod.spec, door);
  return door;
}

const portNames: readonly string[] = ['metrics', 'gpu-metrics'];

function doorIn(object: Readonly<Record<string, unknown>>, otherwise: Door): Door {
  const containers = records(record(object['spec'])['containers']);
  for (const container of containers) {
    for (const port of records(container['ports'])) {
      const number = port['containerPort'];
      if (typeof number !== 'number' || !portNames.includes(String(port['name']))) continue;
      const probe = record(record(container['readinessProbe'])['httpGet']);
      return { port: number, scheme: probe['scheme'] === 'HTTPS' ? 'https' : 'http' };
    }
  }
  return otherwise;
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const records = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.map(record) : [];
