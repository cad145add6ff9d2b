import { acceptsLog, logNotAcceptable } from '../accept.ts';
import type { Cluster, ResourceHandler } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import type { LogLine, LogSource } from '../providers.ts';
import { badRequest, bareFailure, forbiddenField, invalid, notFound, type StatusCause } from '../status.ts';

interface LogOptions {
  readonly container: string;
  readonly previous: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly sinceMs: number | undefined;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
}

const flag = (query: URLSearchParams, name: string): boolean => /^(1|true)$/i.test(query.get(name) ?? '');

function count(
  query: URLSearchParams,
  name: string,
  least: number,
  causes: StatusCause[],
): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
  const value = Number(text);
  if (value < least) {
    const bound = least === 0 ? 'greater than or equal to 0' : 'greater than 0';
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${text}: must be ${bound}`,
      field: name,
    });
  }
  return value;
}

/** Which containers a pod has, by the field of the spec that lists them. */
function containerNames(pod: KubeLike, field: string): string[] {
  const containers = fieldAt(pod, `spec.${field}`);
  return Array.isArray(containers)
    ? containers.map((container) => String(fieldAt(container, 'name') ?? ''))
    : [];
}

export function containerOf(pod: KubeLike, asked: string): string {
  const name = pod.metadata?.name ?? '';
  const main = containerNames(pod, 'containers');
  const init = containerNames(pod, 'initContainers');
  const ephemeral = containerNames(pod, 'ephemeralContainers');
  if (asked === '') {
    if (main.length === 1 && init.length + ephemeral.length === 0) return main[0] ?? '';
    const others = [
      ...(init.length === 0 ? [] : [` or one of the init containers: [${init.join(' ')}]`]),
      ...(ephemeral.length === 0 ? [] : [` or one of the ephemeral containers: [${ephemeral.join(' ')}]`]),
    ];
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${main.join(' ')}]${others.join('')}`,
    );
  }
  if (![...main, ...init, ...ephemeral].includes(asked))
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  return asked;
}

export function statusOf(pod: KubeLike, container: string): JsonRecord | undefined {
  for (const field of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']) {
    const statuses = fieldAt(pod, `status.${field}`);
    const found = Array.isArray(statuses)
      ? statuses.find((status) => fieldAt(status, 'name') === container)
      : undefined;
    if (isRecord(found)) return found;
  }
  return undefined;
}

const waitingFor: Readonly<Record<string, string>> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: 'trying and failing to pull image',
};

/** What the kubelet says when there is no log to give: `validateContainerLogStatus` of kubelet_pods.go. */
function refusalOfKubelet(pod: KubeLike, container: string, previous: boolean): string | undefined {
  const where = `container "${container}" in pod "${pod.metadata?.name ?? ''}"`;
  const status = statusOf(pod, container);
  if (status === undefined) return `${where} is not available`;
  const hasLast = fieldAt(status, 'lastState.terminated') !== undefined;
  if (previous) return hasLast ? undefined : `previous terminated ${where} not found`;
  if (
    fieldAt(status, 'state.running') !== undefined ||
    fieldAt(status, 'state.terminated') !== undefined ||
    hasLast
  )
    return undefined;
  const reason = fieldAt(status, 'state.waiting.reason');
  if (fieldAt(status, 'state.waiting') === undefined) return `${where} is waiting to start - no logs yet`;
  return `${where} is waiting to start: ${waitingFor[String(reason)] ?? String(reason ?? '')}`;
}

/** A node whose kubelet has stopped talking: its Ready condition is Unknown. */
function isUnreachable(node: KubeLike | undefined): boolean {
  const conditions = fieldAt(node, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) => fieldAt(condition, 'type') === 'Ready' && fieldAt(condition, 'status') === 'Unknown',
    )
  );
}

function readOptions({ query }: Exchange, pod: KubeLike, now: number): LogOptions {
  const causes: StatusCause[] = [];
  const sinceSeconds = count(query, 'sinceSeconds', 1, causes);
  const sinceTime = query.get('sinceTime') ?? '';
  const tailLines = count(query, 'tailLines', 0, causes);
  const limitBytes = count(query, 'limitBytes', 1, causes);
  if (sinceTime !== '' && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(
      `parsing time "${sinceTime}" as "2006-01-02T15:04:05Z07:00": cannot parse "${sinceTime}" as "2006"`,
    );
  }
  // Split streams are behind a gate that is off.
  if (query.has('stream')) causes.push(forbiddenField('stream', 'may not be specified'));
  if (sinceTime !== '' && sinceSeconds !== undefined)
    causes.push(forbiddenField('[]', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  if (causes.length > 0) throw invalid({ kind: 'PodLogOptions', name: pod.metadata?.name ?? '' }, causes);
  return {
    container: containerOf(pod, query.get('container') ?? ''),
    previous: flag(query, 'previous'),
    follow: flag(query, 'follow'),
    timestamps: flag(query, 'timestamps'),
    sinceMs:
      sinceSeconds === undefined
        ? sinceTime === ''
          ? undefined
          : Date.parse(sinceTime)
        : now - sinceSeconds * 1000,
    tailLines,
    limitBytes,
  };
}

/** Runtimes write nanoseconds, nine digits. */
const stampOf = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, -1)}000000Z`;

async function send(exchange: Exchange, source: LogSource, options: LogOptions): Promise<void> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  const bytesOf = (line: LogLine): Buffer => {
    const bytes = Buffer.from(`${options.timestamps ? `${stampOf(line.at)} ` : ''}${line.text}\n`);
    const kept = bytes.subarray(0, Math.min(left, bytes.length));
    left -= kept.length;
    return kept;
  };
  const inTime =
    options.sinceMs === undefined
      ? source.lines
      : source.lines.filter((line) => line.at >= (options.sinceMs ?? 0));
  const lines =
    options.tailLines === undefined
      ? inTime
      : options.tailLines === 0
        ? []
        : inTime.slice(-options.tailLines);
  exchange.begin(200, { 'content-type': 'text/plain' });

  // Listen before writing: a line written meanwhile must not be lost.
  let late: LogLine[] | undefined = [];
  let ended = !options.follow || source.follow === undefined;
  const finish = (): void => {
    ended = true;
    if (late === undefined) exchange.end();
  };
  if (options.follow && source.follow !== undefined) {
    const stop = source.follow((line) => {
      if (line === undefined) finish();
      else if (late !== undefined) late.push(line);
      else if (!exchange.push(bytesOf(line)) || left <= 0) exchange.end();
    });
    exchange.signal.addEventListener('abort', stop);
  }
  const written = Buffer.concat(lines.map(bytesOf));
  if (written.length > 0) await exchange.write(written);
  const waiting = late;
  late = undefined;
  for (const line of waiting) exchange.push(bytesOf(line));
  if (ended || left <= 0) exchange.end();
}

function noKubelet(
  exchange: Exchange,
  pod: KubeLike,
  node: string,
  container: string,
  cluster: Cluster,
): never {
  const { namespace = '', name = '' } = pod.metadata ?? {};
  const addresses = fieldAt(
    cluster.store.get({ group: '', plural: 'nodes', name: node }),
    'status.addresses',
  );
  const address = Array.isArray(addresses) ? fieldAt(addresses[0], 'address') : undefined;
  const query = new URLSearchParams(exchange.query);
  query.delete('container');
  const asked = query.size === 0 ? '' : `?${query.toString()}`;
  const url = `https://${node}:10250/containerLogs/${namespace}/${name}/${container}${asked}`;
  throw bareFailure(`Get "${url}": dial tcp ${String(address ?? node)}:10250: connect: no route to host`);
}

/** GET of `pods/NAME/log`. */
export const logs: ResourceHandler = {
  takes: ({ kind, subresource, verb }) =>
    kind.group === '' && kind.plural === 'pods' && subresource === 'log' && verb === 'get',
  async handle(exchange, request, cluster) {
    if (!acceptsLog(exchange.accept)) throw logNotAcceptable();
    const pod = cluster.store.stored(request.kind, request.namespace, request.name ?? '')?.object;
    if (pod === undefined) throw notFound('', 'pods', request.name ?? '');
    const options = readOptions(exchange, pod, cluster.now());
    const node = fieldAt(pod, 'spec.nodeName');
    if (typeof node !== 'string' || node === '') {
      exchange.begin(204);
      exchange.end();
      return;
    }
    if (isUnreachable(cluster.store.get({ group: '', plural: 'nodes', name: node })))
      noKubelet(exchange, pod, node, options.container, cluster);
    const refusal = refusalOfKubelet(pod, options.container, options.previous);
    if (refusal !== undefined) throw badRequest(refusal);
    const source = cluster.logs(pod, options.container, { previous: options.previous });
    await send(exchange, source ?? { lines: [] }, options);
  },
};
