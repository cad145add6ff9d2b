import type { KubeRequest } from './contract.ts';

/** What a path of the API asks for, in the words of RBAC. */
export interface PathAttributes {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Undefined: all namespaces, or a kind without namespaces. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

/** Undefined for paths outside `/api` and `/apis`. */
export function attributesOf(path: string): PathAttributes | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodePart);
  const root = parts.shift();
  if (root !== 'api' && root !== 'apis') return undefined;
  const group = root === 'api' ? '' : parts.shift();
  const version = parts.shift();
  if (group === undefined || version === undefined || parts[0] === undefined) return undefined;
  // `namespaces/x` alone is the namespace itself; with more behind it, it is the scope.
  const scoped =
    parts[0] === 'namespaces' && parts.length > 2 && !(parts[2] === 'status' || parts[2] === 'finalize');
  const [resource, name, ...rest] = scoped ? parts.slice(2) : parts;
  if (resource === undefined) return undefined;
  return {
    group,
    version,
    resource,
    namespace: scoped ? parts[1] : undefined,
    name,
    subresource: rest.length > 0 ? rest.join('/') : undefined,
  };
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** RBAC's verb for a request. */
export function verbOf({
  method = 'GET',
  path,
  query,
}: Pick<KubeRequest, 'method' | 'path' | 'query'>): string {
  const isOne = attributesOf(path)?.name !== undefined;
  switch (method) {
    case 'GET':
      return query?.['watch'] === true || query?.['watch'] === 'true' ? 'watch' : isOne ? 'get' : 'list';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return isOne ? 'delete' : 'deletecollection';
  }
}

/** One sentence: which right to ask for, and how to check it. */
export function rightText(request: Pick<KubeRequest, 'method' | 'path' | 'query'>): string {
  const wanted = attributesOf(request.path);
  if (wanted === undefined) return `Ask the cluster's administrator for access to ${request.path}.`;
  const resource = [
    wanted.group === '' ? wanted.resource : `${wanted.resource}.${wanted.group}`,
    wanted.subresource,
  ]
    .filter((part) => part !== undefined)
    .join('/');
  const scope = wanted.namespace === undefined ? '' : ` in namespace ${wanted.namespace}`;
  const verb = verbOf(request);
  const flag = wanted.namespace === undefined ? '-A' : `-n ${wanted.namespace}`;
  return `Ask for the right to ${verb} ${resource}${scope} (kubectl auth can-i ${verb} ${resource} ${flag}).`;
}
