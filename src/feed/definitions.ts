import type { Connection } from '../kube/contract.ts';
import type { KubeObject } from '../kube/object.ts';
import {
  definitionPath,
  type PrinterColumn,
  printerColumns,
} from '../resources/customresourcedefinitions.ts';
import type { Resource } from '../resources/resource.ts';
import { type SessionStore, shownTable } from '../state/session.ts';

export interface DefinitionsOptions {
  readonly connection: Pick<Connection, 'json'>;
  readonly session: SessionStore;
  /** The kind that a view shows, where nobody has read yet how it is printed. */
  readonly undefinedKind: (table: string) => Resource | undefined;
  /** Its columns; none where it has no definition, or it may not be read. */
  readonly define: (kind: Resource, columns: readonly PrinterColumn[]) => void;
}

/**
 * Reads the definition of a kind that is shown, once: of all of them a cluster has megabytes of schemas.
 * Gives the way to stop.
 */
export function startDefinitions({
  connection,
  session,
  undefinedKind,
  define,
}: DefinitionsOptions): () => void {
  const stopping = new AbortController();
  const asked = new Set<Resource>();

  const look = (): void => {
    const kind = undefinedKind(shownTable(session.getState()).table);
    if (kind === undefined || asked.has(kind)) return;
    asked.add(kind);
    connection.json<KubeObject>({ path: definitionPath(kind), signal: stopping.signal }).then(
      (object) => !stopping.signal.aborted && define(kind, printerColumns(object, kind.apiVersion)),
      // Kinds of Kubernetes itself and of aggregated servers have none; who may not read it sees the kind all the same.
      () => !stopping.signal.aborted && define(kind, []),
    );
  };

  const stopListening = session.subscribe(look);
  look();
  return () => {
    stopping.abort();
    stopListening();
  };
}
