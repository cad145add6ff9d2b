import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { protobufDecoder } from '../kube/protobuf-decoder.ts';
import { fieldNumbers } from '../resources/field-numbers.ts';
import { pods } from '../resources/pods.ts';
import {
  anyResource,
  type ClusterRows,
  type DerivedTable,
  messageName,
  pathOf,
  type Resource,
  type Row,
  type Table,
} from '../resources/resource.ts';

export interface Scope {
  readonly namespaces: readonly string[] | 'all';
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Objects asked for by name, one by one where nothing else selects: who may get one need not be allowed to list. */
  readonly names?: readonly string[] | undefined;
}

export interface Loaded<R extends Row> {
  readonly rows: readonly R[];
  /** What could not be read and why, a sentence each. Empty when the rows are the whole truth. */
  readonly partial: readonly string[];
}

/** A table derived from several kinds. */
function isDerived<R extends Row>(table: Table<R>): table is DerivedTable<R> {
  return 'derive' in table;
}

/**
 * Reads a table's rows once, in the server's order (which is kubectl's).
 * @throws KubeError when nothing at all could be read.
 */
export async function loadTable<R extends Row>(
  connection: Connection,
  table: Table<R>,
  scope: Scope,
  now: number,
): Promise<Loaded<R>> {
  const server = await connection.version();
  if (!isDerived(table)) return loadInSomeVersion(connection, table as Resource<R>, scope, server);
  const { cluster, partial } = await loadCluster(connection, table.needs, server);
  return { rows: inScope(table, table.derive(cluster, now), scope), partial };
}

/** In the first of its versions that the server has. */
async function loadInSomeVersion<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  scope: Scope,
  server: ServerVersion,
): Promise<Loaded<R>> {
  const [next, ...others] = resource.otherVersions ?? [];
  try {
    return await loadResource(connection, resource, scope, server);
  } catch (error) {
    if (next === undefined || !(error instanceof KubeError) || error.kind !== 'not-found') throw error;
    const older = { ...resource, apiVersion: next, otherVersions: others };
    return loadInSomeVersion(connection, older, scope, server);
  }
}

const inScope = <R extends Row>(table: Table<R>, rows: readonly R[], { namespaces }: Scope): readonly R[] =>
  namespaces === 'all' || !table.namespaced ? rows : rows.filter((row) => namespaces.includes(row.namespace));

// Lists asked for at the same time.
const listsAtOnce = 6;

/**
 * The rows of some kinds, once. A kind of an operator that the cluster does not have is none, without a word.
 * @throws KubeError when pods, or nothing at all, can be read.
 */
export async function loadCluster(
  connection: Connection,
  needs: readonly Resource[],
  server: ServerVersion,
): Promise<{ readonly cluster: ClusterRows; readonly partial: readonly string[] }> {
  const partial: string[] = [];
  const refusals = new Map<string, KubeError>();
  const loaded = new Map<Resource, readonly Row[]>();
  const served = needs.some(({ optional }) => optional === true)
    ? await servedVersions(connection)
    : undefined;
  const wanted = needs.flatMap((resource) => inServedVersion(resource, served) ?? []);
  const readOne = async ([resource, asked]: readonly [Resource, Resource]): Promise<void> => {
    try {
      const { rows, partial: notes } = await loadResource(connection, asked, { namespaces: 'all' }, server);
      loaded.set(resource, rows);
      partial.push(...notes);
    } catch (error) {
      // An older server without this kind has nothing of it; a missing right hides something.
      if (error instanceof KubeError && error.kind === 'not-found') return;
      if (!(error instanceof KubeError) || error.kind !== 'forbidden') throw error;
      refusals.set(resource.name, error);
      partial.push(`${resource.name}: ${error.message}`);
    }
  };
  for (let from = 0; from < wanted.length; from += listsAtOnce)
    await Promise.all(wanted.slice(from, from + listsAtOnce).map(readOne));
  // Many may not list nodes, and still see what their own pods hold; without pods there is nothing to say.
  const refusal = refusals.get(pods.name) ?? (loaded.size === 0 ? [...refusals.values()][0] : undefined);
  if (refusal !== undefined) throw refusal;
  return { cluster: clusterOf(loaded), partial };
}

type Served = ReadonlyMap<string, readonly string[]>;

/** Versions by `group/resource`; undefined where the server does not say what it serves. */
async function servedVersions(connection: Connection): Promise<Served | undefined> {
  const { discover } = await import('../kube/discovery.ts');
  try {
    const { kinds } = await discover(connection);
    const byKind = Map.groupBy(kinds, ({ group, resource }) => `${group}/${resource}`);
    return new Map([...byKind].map(([id, versions]) => [id, versions.map(({ version }) => version)]));
  } catch (error) {
    if (error instanceof KubeError && error.kind === 'forbidden') return undefined;
    throw error;
  }
}

/** A kind, and the same kind in the version that the server has; undefined where it has none. */
function inServedVersion(
  resource: Resource,
  served: Served | undefined,
): readonly [readonly [Resource, Resource]] | undefined {
  if (resource.optional !== true || served === undefined) return [[resource, resource]];
  const versions = served.get(`${resource.group}/${resource.name}`) ?? [];
  const apiVersion = [resource.apiVersion, ...(resource.otherVersions ?? [])].find((one) =>
    versions.includes(one),
  );
  return apiVersion === undefined ? undefined : [[resource, { ...resource, apiVersion }]];
}

/** Rows of objects that were read from files: the same projection, no cluster. */
export function tableFromObjects<R extends Row>(
  objects: readonly KubeObject[],
  table: Table<R>,
  scope: Scope,
  now: number,
): readonly R[] {
  if (!isDerived(table)) return projectObjects(objects, table as Resource<R>, scope);
  return inScope(table, table.derive(clusterFromObjects(objects, table.needs), now), scope);
}

/** The rows of some kinds among objects from files. */
export const clusterFromObjects = (objects: readonly KubeObject[], needs: readonly Resource[]): ClusterRows =>
  clusterOf(
    new Map(
      needs.map((resource) => [
        resource,
        projectObjects(objects, resource, { namespaces: 'all' }).map((row) => identified(row, resource)),
      ]),
    ),
  );

/** Objects without a uid come from manifests: their name stands in. */
const identified = <R extends Row>(row: R, { kind }: Resource<R>): R =>
  row.uid === '' ? { ...row, uid: `${kind}/${row.namespace}/${row.name}` } : row;

const projectObjects = <R extends Row>(
  objects: readonly KubeObject[],
  resource: Resource<R>,
  scope: Scope,
): readonly R[] =>
  objects
    .filter((object) => isOf(object, resource))
    .map((object) => resource.toRow(object, { server: undefined }))
    .filter(
      (row) => scope.namespaces === 'all' || row.namespace === '' || scope.namespaces.includes(row.namespace),
    );

function isOf(object: KubeObject, resource: Pick<Resource, 'group' | 'kind'>): boolean {
  const version = object.apiVersion ?? 'v1';
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  return object.kind === resource.kind && group === resource.group;
}

function clusterOf(rows: ReadonlyMap<Resource, readonly Row[]>): ClusterRows {
  // Cast: rows were projected by the very resource that keys them.
  return { rowsOf: (resource) => (rows.get(anyResource(resource)) ?? []) as Iterable<never> };
}

async function loadResource<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  scope: Scope,
  server: ServerVersion,
): Promise<Loaded<R>> {
  if (!resource.namespaced || scope.namespaces === 'all') {
    try {
      return { rows: await read(connection, resource, '', scope, server), partial: [] };
    } catch (error) {
      if (!resource.namespaced || !(error instanceof KubeError) || error.kind !== 'forbidden') throw error;
      return loadVisible(connection, resource, scope, server, error);
    }
  }
  return loadNamespaces(connection, resource, scope.namespaces, scope, server);
}

/** The ladder's second rung: not allowed everywhere, so the namespaces that may be seen. */
async function loadVisible<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  scope: Scope,
  server: ServerVersion,
  refusal: KubeError,
): Promise<Loaded<R>> {
  const { visibleNamespaces } = await import('../kube/rights.ts');
  const { names } = await visibleNamespaces(connection, [connection.namespace]);
  const { rows, partial } = await loadNamespaces(connection, resource, names, scope, server).catch(() => {
    throw refusal;
  });
  return {
    rows,
    partial: [`${resource.name}: only in ${names.join(', ')} (${refusal.message})`, ...partial],
  };
}

async function loadNamespaces<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  names: readonly string[],
  scope: Scope,
  server: ServerVersion,
): Promise<Loaded<R>> {
  const rows: R[] = [];
  const partial: string[] = [];
  let refusal: KubeError | undefined;
  let answered = 0;
  for (const name of names) {
    try {
      rows.push(...(await read(connection, resource, name, scope, server)));
      answered += 1;
    } catch (error) {
      if (!(error instanceof KubeError) || error.kind !== 'forbidden') throw error;
      refusal = error;
      partial.push(`${resource.name} in ${name}: ${error.message}`);
    }
  }
  if (answered === 0 && refusal !== undefined) throw refusal;
  return { rows, partial };
}

/** Objects that are named are asked for as kubectl does, one by one; those that are not there are left out. */
async function read<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  namespace: string,
  scope: Scope,
  server: ServerVersion,
): Promise<R[]> {
  const { names = [], labelSelector, fieldSelector, namespaces } = scope;
  const isSelected = labelSelector !== undefined || fieldSelector !== undefined;
  if (names.length === 0 || isSelected || (resource.namespaced && namespaces === 'all'))
    return await list(connection, resource, namespace, scope, server);
  const rows: R[] = [];
  for (const name of new Set(names)) {
    const path = `${pathOf(resource, namespace)}/${encodeURIComponent(name)}`;
    const object = await connection.json({ path }).catch((error: unknown) => {
      // Also what an older server says of a kind that it has in another version; the list tells the two apart.
      if (error instanceof KubeError && error.kind === 'not-found' && error.answer !== undefined)
        return undefined;
      throw error;
    });
    if (object !== undefined) rows.push(resource.toRow(object, { server }));
  }
  return rows;
}

async function list<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  namespace: string,
  scope: Scope,
  server: ServerVersion,
): Promise<R[]> {
  const query = {
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
    ...(scope.fieldSelector === undefined ? {} : { fieldSelector: scope.fieldSelector }),
  };
  let rows: R[] = [];
  const decoder = protobufDecoder(fieldNumbers, messageName(resource));
  for await (const page of connection.pages(pathOf(resource, namespace), query, undefined, decoder)) {
    if (page.restarted) rows = [];
    for (const object of page.items) rows.push(resource.toRow(object, { server }));
  }
  return rows;
}
