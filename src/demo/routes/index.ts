import { negotiate } from '../accept.ts';
import { type Cluster, minorOf, type ResourceHandler, type ResourceRequest, type Verb } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import { proxy } from '../proxy/index.ts';
import { type Attributes, decide, forbiddenMessage } from '../rights.ts';
import { singleName } from '../selectors.ts';
import { badRequest, methodNotAllowed, Refusal, statusBody } from '../status.ts';
import { openTunnel } from '../tunnel/index.ts';
import { remove, removeAll } from '../writes/delete.ts';
import { evict } from '../writes/evict.ts';
import { create, patch, update } from '../writes/write.ts';
import { discovery, metricsDiscovery, versionBody } from './discovery.ts';
import { health } from './health.ts';
import { get, list } from './list.ts';
import { isWatchQuery } from './list-options.ts';
import { logs } from './logs.ts';
import { answerMetrics, metricsRequestOf } from './metrics.ts';
import { openapi } from './openapi.ts';
import { reviews } from './reviews.ts';
import { scale } from './scale.ts';
import { watch } from './watch.ts';

/** What the server can do with objects; the first that takes a request answers it. */
const handlers: readonly ResourceHandler[] = [
  reviews,
  logs,
  scale,
  proxy,
  watch,
  list,
  get,
  evict,
  create,
  update,
  patch,
  remove,
  removeAll,
];

const tunnels = ['exec', 'attach', 'portforward'];

const verbOf: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

function pathSteps(path: string): string[] {
  try {
    return path
      .split('/')
      .filter((step) => step !== '')
      .map(decodeURIComponent);
  } catch {
    throw badRequest('the path is not valid percent-encoding');
  }
}

interface Target {
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly plural: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Takes the path of an object or a collection apart. Undefined when it is neither. */
function targetOf(steps: readonly string[]): Target | undefined {
  const isCore = steps[0] === 'api';
  const [version, ...rest] = isCore ? steps.slice(1) : steps.slice(2);
  const group = isCore ? '' : (steps[1] ?? '');
  if (version === undefined || rest.length === 0) return undefined;
  // `/namespaces/x` and its subresources are the namespace itself; anything longer is inside it.
  const inside =
    rest[0] === 'namespaces' &&
    rest.length > 2 &&
    !(group === '' && ['status', 'finalize'].includes(rest[2] ?? ''));
  const [plural = '', name, ...sub] = inside ? rest.slice(2) : rest;
  return {
    group,
    version,
    namespace: inside ? rest[1] : undefined,
    plural,
    name,
    subresource: sub.length === 0 ? undefined : sub[0],
  };
}

function verbFor(exchange: Exchange, name: string | undefined): Verb {
  if (exchange.method === 'DELETE') return name === undefined ? 'deletecollection' : 'delete';
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return verbOf[exchange.method] ?? 'get';
  if (name !== undefined) return 'get';
  return isWatchQuery(exchange.query) ? 'watch' : 'list';
}

/** Refuses what the rule table does not allow. */
function authorise(exchange: Exchange, asked: Attributes, cluster: Cluster): void {
  if (decide(cluster.rights, exchange.user, asked).allowed) return;
  const details =
    'path' in asked
      ? {}
      : {
          ...(asked.name === '' ? {} : { name: asked.name }),
          ...(asked.group === '' ? {} : { group: asked.group }),
          kind: asked.resource,
        };
  throw new Refusal(
    statusBody(403, forbiddenMessage(exchange.user, asked), { reason: 'Forbidden', details }),
    { 'x-content-type-options': 'nosniff' },
  );
}

function authorisePath(exchange: Exchange, cluster: Cluster): void {
  authorise(exchange, { verb: exchange.method.toLowerCase(), path: exchange.path }, cluster);
}

const noPage = (exchange: Exchange): Promise<void> => exchange.text(404, '404 page not found\n');

const attributesOf = (target: Target, verb: Verb, name: string | undefined): Attributes => ({
  verb,
  group: target.group,
  resource: target.plural,
  subresource: target.subresource ?? '',
  namespace:
    target.group === '' && target.plural === 'namespaces' ? (target.name ?? '') : (target.namespace ?? ''),
  name: name ?? '',
});

async function objects(exchange: Exchange, target: Target, cluster: Cluster): Promise<void> {
  const name = target.name ?? singleName(exchange.query.get('fieldSelector') ?? '');
  const verb = verbFor(exchange, target.name);
  authorise(exchange, attributesOf(target, verb, name), cluster);
  if (target.group === 'metrics.k8s.io') {
    if (cluster.settings.metrics === 'down') return exchange.text(503, 'service unavailable\n');
    const request =
      target.version === 'v1beta1' && cluster.settings.metrics === 'on'
        ? metricsRequestOf(pathSteps(exchange.path).slice(3))
        : undefined;
    return request === undefined ? noPage(exchange) : answerMetrics(exchange, request, cluster);
  }
  const kind = cluster.store.kindAt(target.group, target.plural);
  if (
    kind === undefined ||
    !kind.versions.includes(target.version) ||
    (target.namespace !== undefined && !kind.namespaced)
  )
    return noPage(exchange);
  const subresource = kind.subresources.find((sub) => sub.name === target.subresource);
  if (target.subresource !== undefined && subresource === undefined) return noPage(exchange);
  // One namespaced object can only be named with its namespace.
  if (target.name !== undefined && kind.namespaced && target.namespace === undefined) return noPage(exchange);
  const request: ResourceRequest = {
    kind,
    version: target.version,
    namespace: target.namespace,
    name: target.name,
    subresource: target.subresource,
    verb,
  };
  if (
    subresource !== undefined &&
    tunnels.includes(subresource.name) &&
    (verb === 'get' || verb === 'create')
  ) {
    if (exchange.upgrade === undefined) throw badRequest('Upgrade request required');
    const isNew = minorOf(cluster.settings.version) >= 35;
    // From 1.35 on a WebSocket needs the right to create as well: it is a GET, and was let through by a read-only role.
    if (verb === 'get' && isNew) authorise(exchange, attributesOf(target, 'create', name), cluster);
    return openTunnel(exchange, exchange.upgrade, request, cluster);
  }
  const isMisplaced =
    subresource === undefined &&
    (target.name === undefined ? verb === 'update' || verb === 'patch' : verb === 'create');
  if (isMisplaced || !(subresource?.verbs ?? kind.verbs).includes(verb)) throw methodNotAllowed();
  const handler = handlers.find((candidate) => candidate.takes(request));
  if (handler === undefined) throw methodNotAllowed();
  return handler.handle(exchange, request, cluster);
}

/** Answers a request of a known user. */
export async function route(exchange: Exchange, cluster: Cluster): Promise<void> {
  const steps = pathSteps(exchange.path);
  const [root, first, second] = steps;
  if (root === 'api' || root === 'apis') {
    const isMetrics = root === 'apis' && first === 'metrics.k8s.io';
    if (isMetrics && steps.length <= 3) {
      authorisePath(exchange, cluster);
      if (cluster.settings.metrics === 'absent' || (second !== undefined && second !== 'v1beta1'))
        return noPage(exchange);
      // The aggregator itself answers for the group, the backend for its version.
      if (cluster.settings.metrics === 'down' && second !== undefined)
        return exchange.text(503, 'service unavailable\n');
      return metricsDiscovery(exchange, steps);
    }
    const target = targetOf(steps);
    if (target !== undefined) return objects(exchange, target, cluster);
    authorisePath(exchange, cluster);
    if (await discovery(exchange, steps, cluster)) return undefined;
    return noPage(exchange);
  }
  authorisePath(exchange, cluster);
  if (root === 'version') {
    negotiate(exchange.accept, 'plain');
    return exchange.json(200, versionBody(cluster.settings.version), { headers: { 'x-pretty': 'true' } });
  }
  if (root === 'healthz' || root === 'livez' || root === 'readyz') return health(exchange, root, first);
  if (root === 'openapi' && first === 'v3') return openapi(exchange, steps, cluster);
  return noPage(exchange);
}
