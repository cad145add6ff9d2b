import { pluralOf } from './built-in-kinds.ts';
import type { ReadObjects } from './from.ts';
import { fieldAt, isRecord, type KubeLike } from './object.ts';
import type { LogLine, LogSource, MetricsProvider, NodeUsage, PodUsage, Scenario } from './providers.ts';
import type { Store } from './store.ts';

const texts = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The kind of an object that nobody defined: its plural is guessed, its scope read off the object. */
function registerFor(store: Store, object: KubeLike): void {
  const { apiVersion = '', kind = '' } = object;
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
  const served = store.kindOf(apiVersion, kind);
  if (served !== undefined && (!served.custom || served.versions.includes(version ?? ''))) return;
  store.register({
    group,
    versions: [version ?? 'v1'],
    kind,
    plural: served?.plural ?? pluralOf(kind),
    namespaced: object.metadata?.namespace !== undefined,
  });
}

function usageOf(object: KubeLike): { cpu: string; memory: string } {
  return {
    cpu: texts(fieldAt(object, 'usage.cpu')) || '0',
    memory: texts(fieldAt(object, 'usage.memory')) || '0',
  };
}

/** What a dump of `kubectl get --raw /apis/metrics.k8s.io/…` says. */
function metricsOf(objects: readonly KubeLike[]): MetricsProvider {
  const at = (object: KubeLike): number => Date.parse(texts(object['timestamp'])) || Date.now();
  const nodes = objects
    .filter((object) => object.kind === 'NodeMetrics')
    .map((object): NodeUsage => ({ name: object.metadata?.name ?? '', ...usageOf(object), at: at(object) }));
  const pods = objects
    .filter((object) => object.kind === 'PodMetrics')
    .map((object): PodUsage => {
      const containers = Array.isArray(object['containers']) ? object['containers'].filter(isRecord) : [];
      return {
        namespace: object.metadata?.namespace ?? 'default',
        name: object.metadata?.name ?? '',
        containers: containers.map((container) => ({
          name: texts(container['name']),
          ...usageOf(container),
        })),
        at: at(object),
      };
    });
  return {
    nodes: () => nodes,
    pods: (namespace) =>
      namespace === undefined ? pods : pods.filter((usage) => usage.namespace === namespace),
  };
}

/** Namespaces that objects are in and that nobody gave. */
function addNamespaces(store: Store, objects: readonly KubeLike[]): void {
  const oldest = new Map<string, string | undefined>();
  for (const { metadata } of objects) {
    if (metadata?.namespace === undefined) continue;
    const created = metadata.creationTimestamp ?? undefined;
    const known = oldest.get(metadata.namespace);
    if (
      !oldest.has(metadata.namespace) ||
      (created !== undefined && (known === undefined || created < known))
    )
      oldest.set(metadata.namespace, created);
  }
  for (const [name, created] of oldest) {
    if (store.get({ group: '', plural: 'namespaces', name }) !== undefined) continue;
    const metadata = {
      name,
      labels: { 'kubernetes.io/metadata.name': name },
      ...(created === undefined ? {} : { creationTimestamp: created }),
    };
    store.put({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata,
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
  }
}

/** What `kubectl logs --timestamps` writes before a line. */
const stampAt = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) /;

/** A recorded log, line by line. A line without a time has that of the line before. */
function linesOf(log: string, startMs: number): readonly LogLine[] {
  let at = startMs;
  return log
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => {
      const stamp = stampAt.exec(line);
      at = stamp === null ? at : Date.parse(stamp[1] ?? '') || at;
      return { at, text: stamp === null ? line : line.slice(stamp[0].length) };
    });
}

const statusOf = (pod: KubeLike, container: string): unknown =>
  ['status.containerStatuses', 'status.initContainerStatuses', 'status.ephemeralContainerStatuses']
    .flatMap((path) => {
      const found = fieldAt(pod, path);
      return Array.isArray(found) ? (found as readonly unknown[]) : [];
    })
    .find((one) => fieldAt(one, 'name') === container);

/**
 * The log that a recording has of a run; a container that ran then says no more, and is not at its end either. Of what
 * was not recorded the answer is what a kubelet says of a container that is gone.
 */
function logOf(logs: ReadObjects['logs'], pod: KubeLike, container: string, previous: boolean): LogSource {
  const status = statusOf(pod, container);
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const log = logs[`${namespace}/${name}/${container}${previous ? '@previous' : ''}`];
  if (log === undefined) {
    const id = texts(fieldAt(status, 'containerID')) || 'containerd://unknown';
    return { lines: [{ at: Date.now(), text: `unable to retrieve container logs for ${id}` }] };
  }
  const run = previous ? 'lastState.terminated' : 'state.running';
  const startMs = Date.parse(texts(fieldAt(status, `${run}.startedAt`))) || Date.now();
  const lines = log === '' ? [] : linesOf(log, startMs);
  const isRunning = !previous && fieldAt(status, 'state.running') !== undefined;
  return isRunning ? { lines, follow: () => () => undefined } : { lines };
}

/** Serves given objects in place of the scenario, with the logs that a recording has. */
export function loadGiven(store: Store, given: ReadObjects): Scenario & { readonly hasMetrics: boolean } {
  for (const definition of given.kinds)
    if (store.kindAt(definition.group, definition.plural ?? pluralOf(definition.kind)) === undefined)
      store.register(definition);
  const objects = given.objects.filter(
    (object) => object.kind !== 'NodeMetrics' && object.kind !== 'PodMetrics',
  );
  for (const object of objects) {
    registerFor(store, object);
    store.put(object);
  }
  addNamespaces(store, objects);
  return {
    stop: () => undefined,
    metrics: metricsOf(given.objects),
    hasMetrics: objects.length < given.objects.length,
    logs: (pod, container, { previous }) => logOf(given.logs, pod, container, previous),
    serverVersion: given.serverVersion ?? 'v1.36.3',
  };
}
