import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { protobufDecoder } from '../kube/protobuf-decoder.ts';
import { fieldNumbers } from '../resources/field-numbers.ts';
import {
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
  if (!isDerived(table)) return loadResource(connection, table as Resource<R>, scope, server);
  const partial: string[] = [];
  const loaded = new Map<string, readonly Row[]>();
  for (const resource of table.needs) {
    try {
      const { rows, partial: notes } = await loadResource(
        connection,
        resource,
        { namespaces: 'all' },
        server,
      );
      loaded.set(resource.name, rows);
      partial.push(...notes);
    } catch (error) {
      // An older server without this kind has nothing of it; a missing right hides something.
      if (error instanceof KubeError && error.kind === 'not-found') continue;
      if (!(error instanceof KubeError) || error.kind !== 'forbidden' || loaded.size === 0) throw error;
      partial.push(`${resource.name}: ${error.message}`);
    }
  }
  return { rows: table.derive(clusterOf(loaded), now), partial };
}

/** Rows of objects that were read from files: the same projection, no cluster. */
export function tableFromObjects<R extends Row>(
  objects: readonly KubeObject[],
  table: Table<R>,
  scope: Scope,
  now: number,
): readonly R[] {
  const project = <T extends Row>(resource: Resource<T>): readonly T[] =>
    objects
      .filter((object) => isOf(object, resource))
      .map((object) => resource.toRow(object, { server: undefined }))
      .filter(
        (row) =>
          scope.namespaces === 'all' || row.namespace === '' || scope.namespaces.includes(row.namespace),
      );
  if (!isDerived(table)) return project(table as Resource<R>);
  return table.derive(
    clusterOf(new Map(table.needs.map((resource) => [resource.name, project(resource)]))),
    now,
  );
}

function isOf(object: KubeObject, resource: Pick<Resource, 'group' | 'kind'>): boolean {
  const version = object.apiVersion ?? 'v1';
  const group = version.includes('/') ? version.slice(0, version.indexOf('/')) : '';
  return object.kind === resource.kind && group === resource.group;
}

function clusterOf(rows: ReadonlyMap<string, readonly Row[]>): ClusterRows {
  // Cast: rows were projected by the very resource whose name keys them.
  return { rowsOf: (resource) => (rows.get(resource.name) ?? []) as Iterable<never> };
}

async function loadResource<R extends Row>(
  connection: Connection,
  resource: Resource<R>,
  scope: Scope,
  server: ServerVersion,
): Promise<Loaded<R>> {
  if (!resource.namespaced || scope.namespaces === 'all') {
    try {
      return { rows: await list(connection, resource, '', scope, server), partial: [] };
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
      rows.push(...(await list(connection, resource, name, scope, server)));
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
