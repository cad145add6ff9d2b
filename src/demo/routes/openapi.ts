import type { Cluster } from '../cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { Kind } from '../kinds.ts';

const groupPath = (kind: Kind, version: string): string =>
  kind.group === '' ? `api/${version}` : `apis/${kind.group}/${version}`;

const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

/** One path of a document: that a PATCH of this kind is checked by the server, which kubectl asks before it edits. */
function pathOf(kind: Kind, version: string): readonly [string, unknown] {
  const place = kind.namespaced ? 'namespaces/{namespace}/' : '';
  return [
    `/${groupPath(kind, version)}/${place}${kind.plural}/{name}`,
    {
      patch: {
        operationId: `patch${kind.kind}`,
        parameters,
        responses: { 200: { description: 'OK' } },
        'x-kubernetes-action': 'patch',
        'x-kubernetes-group-version-kind': { group: kind.group, version, kind: kind.kind },
      },
    },
  ];
}

const pairs = (cluster: Cluster): (readonly [Kind, string])[] =>
  cluster.store.kinds().flatMap((kind) => kind.versions.map((version) => [kind, version] as const));

/** `/openapi/v3` and below: which kinds the server checks by itself. The schemas are empty. */
export async function openapi(exchange: Exchange, steps: readonly string[], cluster: Cluster): Promise<void> {
  const wanted = steps.slice(2).join('/');
  if (wanted === '') {
    const paths = new Set(pairs(cluster).map(([kind, version]) => groupPath(kind, version)));
    const entries = [...paths].map((path) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=0` }]);
    await exchange.json(200, { paths: Object.fromEntries(entries) });
    return;
  }
  const paths = pairs(cluster)
    .filter(([kind, version]) => groupPath(kind, version) === wanted && kind.verbs.includes('patch'))
    .map(([kind, version]) => pathOf(kind, version));
  const info = { title: 'Kubernetes', version: cluster.settings.version };
  await exchange.json(200, {
    openapi: '3.0.0',
    info,
    paths: Object.fromEntries(paths),
    components: { schemas: {} },
  });
}
