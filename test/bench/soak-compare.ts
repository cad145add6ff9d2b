import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '../../src/kube/contract.ts';
import type { KubeObject, ServerVersion } from '../../src/kube/object.ts';
import { pathOf, type Resource, type Row } from '../../src/resources/resource.ts';
import { type Cluster, keyOf } from '../../src/state/cluster.ts';
import { pause } from './cluster.ts';

interface Comparison {
  /** For people: what was compared, kind by kind. */
  readonly lines: readonly string[];
  readonly differences: readonly string[];
}

/** Rows are compared while the cluster moves: what differs must do so for as long as this. */
const patienceMs = 45_000;

/**
 * The rows that a feed keeps, against the server's objects: listed anew as JSON, which is another decoder and another
 * request than those that brought the rows.
 */
export async function compare(
  connection: Connection,
  cluster: Cluster,
  kinds: readonly Resource[],
): Promise<Comparison> {
  const server = await connection.version();
  const lines: string[] = [];
  const differences: string[] = [];
  for (const kind of kinds) {
    const untilMs = performance.now() + patienceMs;
    let suspects = await differencesOf(connection, cluster, kind, server);
    while (suspects.found.size > 0 && performance.now() < untilMs) {
      await pause(1000);
      const again = await differencesOf(connection, cluster, kind, server);
      // Only what was wrong each time is wrong: the others were on their way.
      const lasting = new Map([...again.found].filter(([key]) => suspects.found.has(key)));
      suspects = { ...again, found: lasting };
    }
    lines.push(
      `${kind.name}: ${suspects.kept} rows, ${suspects.listed} objects, ${suspects.found.size} differences`,
    );
    differences.push(...suspects.found.values());
  }
  return { lines, differences };
}

async function differencesOf(
  connection: Connection,
  cluster: Cluster,
  kind: Resource,
  server: ServerVersion,
): Promise<{ readonly kept: number; readonly listed: number; readonly found: ReadonlyMap<string, string> }> {
  const query = kind.kind === 'Event' ? { fieldSelector: 'type!=Normal' } : {};
  const { items = [] } = await connection.json<{ items?: KubeObject[] }>({ path: pathOf(kind, ''), query });
  const listed = new Map(
    items.map((object) => kind.toRow(object, { server })).map((row) => [keyOf(row), row]),
  );
  // What the list knows already is on its way to the rows.
  await pause(400);
  const found = new Map<string, string>();
  const says = (row: Row, what: string): void => {
    found.set(keyOf(row), `${kind.name} ${row.namespace}/${row.name}: ${what}`);
  };
  for (const [key, row] of listed) {
    const mine = cluster.get(kind, key);
    if (mine === undefined) says(row, 'the server has it, mltop does not');
    else if (Number(mine.version) < Number(row.version))
      says(row, `version ${mine.version}, the server has ${row.version}`);
    else if (mine.version === row.version && !isDeepStrictEqual(mine, row))
      says(row, `${JSON.stringify(mine)} for ${JSON.stringify(row)}`);
  }
  for (const row of cluster.rowsOf(kind))
    if (!listed.has(keyOf(row))) says(row, 'mltop has it, the server does not');
  return { kept: cluster.count(kind), listed: listed.size, found };
}
