import { createHash } from 'node:crypto';
import { negotiate } from '../accept.ts';
import { type Cluster, minorOf } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { Kind } from '../kinds.ts';
import { metricsResources } from './metrics.ts';

interface Group {
  readonly name: string;
  /** Preferred first. */
  readonly versions: readonly string[];
  readonly kinds: readonly Kind[];
}

/** GA before beta before alpha, higher before lower: the order of versions of a group. */
function rank(version: string): number {
  const [, major = '0', stage, minor = '0'] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
  const stageRank = stage === undefined ? 2 : stage === 'beta' ? 1 : 0;
  return stageRank * 1e6 + Number(major) * 1e3 + Number(minor);
}

function groupsOf(cluster: Cluster): Group[] {
  const groups = new Map<string, Kind[]>();
  for (const kind of cluster.store.kinds()) {
    const kinds = groups.get(kind.group) ?? [];
    groups.set(kind.group, kinds);
    kinds.push(kind);
  }
  return [...groups].map(([name, kinds]) => ({
    name,
    versions: [...new Set(kinds.flatMap((kind) => kind.versions))].sort((a, b) => rank(b) - rank(a)),
    kinds: kinds.sort((a, b) => (a.plural < b.plural ? -1 : 1)),
  }));
}

const servedAt = (group: Group, version: string): Kind[] =>
  group.kinds.filter((kind) => kind.versions.includes(version));

const optional = (name: string, values: readonly string[]): Record<string, readonly string[]> =>
  values.length === 0 ? {} : { [name]: values };

/** Built-in kinds leave the group of their responses empty, custom ones name it. */
function responseKind(kind: Kind, version: string, name: string): Record<string, string> {
  return { group: kind.custom ? kind.group : '', version: kind.custom ? version : '', kind: name };
}

function aggregatedResource(kind: Kind, version: string): Record<string, unknown> {
  const subresources = kind.subresources.map((sub) => ({
    subresource: sub.name,
    responseKind:
      sub.group === undefined
        ? responseKind(kind, version, sub.kind)
        : { group: sub.group, version: sub.version ?? '', kind: sub.kind },
    verbs: sub.verbs,
  }));
  return {
    resource: kind.plural,
    responseKind: responseKind(kind, version, kind.kind),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs,
    ...optional('shortNames', kind.shortNames),
    ...optional('categories', kind.categories),
    ...(subresources.length === 0 ? {} : { subresources }),
  };
}

function aggregatedGroup(group: Group): Record<string, unknown> {
  const versions = group.versions.map((version) => ({
    version,
    resources: servedAt(group, version).map((kind) => aggregatedResource(kind, version)),
    freshness: 'Current',
  }));
  return { metadata: group.name === '' ? {} : { name: group.name }, versions };
}

function aggregatedMetrics(cluster: Cluster): Record<string, unknown>[] {
  if (cluster.settings.metrics === 'absent') return [];
  const resources = metricsResources.map((resource) => ({
    resource: resource.name,
    responseKind: { group: 'metrics.k8s.io', version: 'v1beta1', kind: resource.kind },
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singularName,
    verbs: resource.verbs,
  }));
  const version =
    cluster.settings.metrics === 'on'
      ? { version: 'v1beta1', resources, freshness: 'Current' }
      : { version: 'v1beta1', freshness: 'Stale' };
  return [{ metadata: { name: 'metrics.k8s.io' }, versions: [version] }];
}

function resourceList(group: Group, version: string): Record<string, unknown> {
  const resources = servedAt(group, version).flatMap((kind) => [
    {
      name: kind.plural,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: kind.verbs,
      ...optional('shortNames', kind.shortNames),
      ...optional('categories', kind.categories),
    },
    ...kind.subresources.map((sub) => ({
      name: `${kind.plural}/${sub.name}`,
      singularName: '',
      namespaced: kind.namespaced,
      ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    })),
  ]);
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group.name === '' ? version : `${group.name}/${version}`,
    resources,
  };
}

function plainGroup(name: string, versions: readonly string[]): Record<string, unknown> {
  const all = versions.map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: all, preferredVersion: all[0] };
}

async function aggregated(exchange: Exchange, version: string, items: readonly unknown[]): Promise<void> {
  const body = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items,
  };
  const etag = `"${createHash('sha512').update(JSON.stringify(body)).digest('hex').toUpperCase()}"`;
  const headers = { 'cache-control': 'public', etag, vary: 'Accept' };
  if (exchange.header('if-none-match') === etag) {
    exchange.begin(304, headers);
    exchange.end();
    return;
  }
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  await exchange.json(200, body, { headers: { ...headers, 'content-type': contentType } });
}

const page = (exchange: Exchange): Promise<void> => exchange.text(404, '404 page not found\n');

/** What is below `/api` and `/apis` but is no object. False when the path is none of these. */
export async function discovery(
  exchange: Exchange,
  steps: readonly string[],
  cluster: Cluster,
): Promise<boolean> {
  const [root, first, second] = steps;
  const groups = groupsOf(cluster);
  if (root === 'api' && steps.length === 1) {
    const form = negotiate(exchange.accept, 'discovery', cluster.settings.discovery);
    if (form.as === 'APIGroupDiscoveryList')
      await aggregated(
        exchange,
        form.version,
        groups.filter((group) => group.name === '').map(aggregatedGroup),
      );
    else {
      const host = exchange.header('host') ?? exchange.header(':authority') ?? '';
      await exchange.json(
        200,
        {
          kind: 'APIVersions',
          versions: ['v1'],
          serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
        },
        { form },
      );
    }
    return true;
  }
  if (root === 'apis' && steps.length === 1) {
    const form = negotiate(exchange.accept, 'discovery', cluster.settings.discovery);
    const named = groups.filter((group) => group.name !== '');
    if (form.as === 'APIGroupDiscoveryList')
      await aggregated(exchange, form.version, [
        ...named.map(aggregatedGroup),
        ...aggregatedMetrics(cluster),
      ]);
    else {
      const metrics =
        cluster.settings.metrics === 'absent' ? [] : [plainGroup('metrics.k8s.io', ['v1beta1'])];
      await exchange.json(
        200,
        {
          kind: 'APIGroupList',
          apiVersion: 'v1',
          groups: [...named.map(({ name, versions }) => plainGroup(name, versions)), ...metrics],
        },
        { form },
      );
    }
    return true;
  }
  if (root === 'api' && steps.length === 2) {
    const core = groups.find((group) => group.name === '');
    if (core === undefined || first !== 'v1') await page(exchange);
    else await exchange.json(200, resourceList(core, 'v1'), { form: negotiate(exchange.accept, 'plain') });
    return true;
  }
  if (root !== 'apis' || steps.length > 3) return false;
  const group = groups.find(({ name }) => name === first);
  if (group === undefined) return false;
  if (second === undefined) {
    await exchange.json(
      200,
      { kind: 'APIGroup', apiVersion: 'v1', ...plainGroup(group.name, group.versions) },
      { form: negotiate(exchange.accept, 'plain') },
    );
    return true;
  }
  if (!group.versions.includes(second)) await page(exchange);
  else await exchange.json(200, resourceList(group, second), { form: negotiate(exchange.accept, 'plain') });
  return true;
}

/** The same for the group that metrics-server brings along. */
export async function metricsDiscovery(exchange: Exchange, steps: readonly string[]): Promise<void> {
  const form = negotiate(exchange.accept, 'plain');
  if (steps.length === 2)
    await exchange.json(
      200,
      { kind: 'APIGroup', apiVersion: 'v1', ...plainGroup('metrics.k8s.io', ['v1beta1']) },
      { form },
    );
  else
    await exchange.json(
      200,
      {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: 'metrics.k8s.io/v1beta1',
        resources: metricsResources,
      },
      { form },
    );
}

/** `/version`. A 1.36 server says which versions it emulates, a 1.30 server does not (both recorded); between them is a guess. */
export function versionBody(version: string): Record<string, string> {
  const minor = minorOf(version);
  const emulation =
    minor < 34
      ? {}
      : {
          emulationMajor: '1',
          emulationMinor: String(minor),
          minCompatibilityMajor: '1',
          minCompatibilityMinor: String(minor - 1),
        };
  return {
    major: '1',
    minor: String(minor),
    ...emulation,
    gitVersion: version,
    gitCommit: '$Format:%H$',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.26.8',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}
