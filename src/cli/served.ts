import { createTables } from '../actions/tables.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject } from '../kube/object.ts';
import {
  definitionPath,
  type PrinterColumn,
  printerColumns,
} from '../resources/customresourcedefinitions.ts';
import type { Resource, Row, Table } from '../resources/resource.ts';

/**
 * The kind of this word among those that the cluster serves beyond what mltop has a file for, printed as its definition
 * says. Undefined where it serves none of that name, or will not say what it serves.
 */
export async function servedTable(connection: Connection, word: string): Promise<Table<Row> | undefined> {
  const { discover } = await import('../kube/discovery.ts');
  const tables = createTables([]);
  try {
    tables.learn((await discover(connection)).kinds);
  } catch (error) {
    if (error instanceof KubeError && error.kind === 'forbidden') return undefined;
    throw error;
  }
  const kind = tables.undefinedKind(word);
  if (kind !== undefined) tables.define(kind, await columnsOf(connection, kind));
  return tables.named(word);
}

/** None where it has no definition, as kinds of Kubernetes itself, or where it may not be read. */
async function columnsOf(connection: Connection, kind: Resource): Promise<readonly PrinterColumn[]> {
  try {
    return printerColumns(await connection.json<KubeObject>({ path: definitionPath(kind) }), kind.apiVersion);
  } catch (error) {
    if (error instanceof KubeError) return [];
    throw error;
  }
}
