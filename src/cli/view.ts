import { existsSync } from 'node:fs';
import { gpus } from '../accelerators/gpus.ts';
import { nearest } from '../actions/nearest.ts';
import type { Rules } from '../checklist/rules.ts';
import { trueState } from '../checklist/true-state.ts';
import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import { findTable, tables } from '../resources/index.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type ClusterRows, type Resource, type Row, type Table } from '../resources/resource.ts';
import { withTrueState } from '../state/true-states.ts';
import { onceAccess, workloadTables } from '../workloads/tables.ts';
import { namespacesOf, type ParsedFlags } from './flags.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { type Format, printRows } from './print.ts';
import { clusterFromObjects, loadCluster, loadTable, type Scope, tableFromObjects } from './rows.ts';
import { loadRules } from './rules-source.ts';

/** Printed once: what the rows alone say, by the rules that hold. */
const podTableBy = (rules: Rules | undefined): Table<Row> =>
  anyResource(withTrueState(pods, (row, now) => trueState(row, { now }, 0, rules), { clock: Date.now }));

const podTable = podTableBy(undefined);

/** A table as rule packs change it. */
export async function withRules(table: Table<Row>, parsed: ParsedFlags, io: CommandIo): Promise<Table<Row>> {
  return table === podTable ? podTableBy(await loadRules(parsed.many('rules'), io)) : table;
}

/** Tables of several kinds. `jobs` are workloads here; the Jobs of `batch` are `jobs.batch`. */
const derived: readonly Table<Row>[] = [
  gpus as unknown as Table<Row>,
  podTable,
  ...workloadTables(onceAccess).map((table) =>
    table.name === 'workloads' ? { ...table, aliases: [...table.aliases, 'jobs'] } : table,
  ),
];

/** Every table by any of its names; derived ones before the kinds. */
export function tableNamed(word: string): Table<Row> | undefined {
  return derived.find((table) => table.name === word || table.aliases.includes(word)) ?? findTable(word);
}

/** All words that name a table, for suggestions and completion. */
export function tableWords(): readonly string[] {
  return [...derived, ...tables.filter(({ name }) => name !== podTable.name)].flatMap((table) => [
    table.name,
    ...table.aliases,
  ]);
}

/**
 * `mltop pods -A -o wide`: reads a table once and prints it.
 * Gives the exit code: 0, 3 when some sources could not be read, 5 when a named object is not there.
 * @throws UsageError, KubeError
 */
export async function viewCommand(word: string, parsed: ParsedFlags, io: CommandIo): Promise<number> {
  const found = tableNamed(word) ?? (await served(word, parsed, io));
  if (found === undefined) {
    const close = nearest(word, tableWords());
    throw new UsageError(
      `unknown view or command '${word}'`,
      close === undefined ? 'mltop --help lists them.' : `Did you mean '${close}'?`,
    );
  }
  const table = await withRules(found, parsed, io);
  const asFiles =
    parsed.many('from').length > 0 ? parsed.positionals.slice(1).filter((word) => existsSync(word)) : [];
  const names = parsed.positionals.slice(1).filter((word) => !asFiles.includes(word));
  const asked = namespacesOf(parsed);
  const now = Date.now();
  // The shell spreads `--from *.yaml` over what follows the flag.
  const files = [...parsed.many('from'), ...asFiles];
  if (table.name === gpus.name && names.length === 0 && parsed.one('output') === 'json')
    return printGpus(files, { namespaces: asked ?? 'all', now }, io);
  const { rows, partial, namespaces, context } =
    files.length > 0
      ? await fromFiles(table, files, { namespaces: asked ?? 'all' }, now)
      : await fromCluster(table, { asked, names }, parsed, io, now);
  const chosen = names.length === 0 ? rows : rows.filter((row) => names.includes(row.name));
  const kept = parsed.on('faults') ? chosen.filter((row) => table.fault?.(row, now) === true) : chosen;
  const sorted = sortRows(table, kept, parsed.one('sort-by') ?? ownOrder(table));
  io.stdout.write(
    printRows(table, sorted, {
      format: (parsed.one('output') ?? 'table') as Format,
      withNamespace: namespaces === 'all' || namespaces.length > 1,
      headers: !parsed.on('no-headers'),
      now,
      context,
      partial,
    }),
  );
  for (const note of partial) io.stderr.write(`mltop: partial: ${note}\n`);
  const missing = names.filter((name) => !rows.some((row) => row.name === name));
  for (const name of missing) io.stderr.write(`mltop: ${table.name} "${name}" not found\n`);
  if (missing.length > 0) return exitCode.notFound;
  return partial.length > 0 ? exitCode.partial : exitCode.ok;
}

/** `gpus -o json` says more than the table: classes, namespaces, workloads and what waits, with the same sums. */
async function printGpus(
  files: readonly string[],
  { namespaces, now }: { readonly namespaces: readonly string[] | 'all'; readonly now: number },
  io: CommandIo,
): Promise<number> {
  const { gpuDocument, gpuDocumentNeeds } = await import('./gpus-json.ts');
  const { cluster, partial, context } =
    files.length > 0
      ? await filesCluster(files, gpuDocumentNeeds)
      : await withConnection(io, async (connection) => ({
          ...(await loadCluster(connection, gpuDocumentNeeds, await connection.version())),
          context: connection.contextName,
        }));
  const document = gpuDocument(cluster, { context, partial, namespaces, now });
  io.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  for (const note of partial) io.stderr.write(`mltop: partial: ${note}\n`);
  return partial.length > 0 ? exitCode.partial : exitCode.ok;
}

async function filesCluster(
  files: readonly string[],
  needs: readonly Resource[],
): Promise<{ readonly cluster: ClusterRows; readonly partial: readonly string[]; readonly context: string }> {
  const { readObjects } = await import('../demo/index.ts');
  const { objects, notes } = await readObjects(files);
  return { cluster: clusterFromObjects(objects, needs), partial: notes, context: files.join(' ') };
}

async function withConnection<T>(io: CommandIo, use: (connection: Connection) => Promise<T>): Promise<T> {
  const { connect } = await import('../kube/connection.ts');
  const connection = await connect(io.connectOptions);
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}

interface Read {
  readonly rows: readonly Row[];
  readonly partial: readonly string[];
  readonly namespaces: readonly string[] | 'all';
  readonly context: string;
}

async function fromFiles(
  table: Table<Row>,
  files: readonly string[],
  scope: Scope,
  now: number,
): Promise<Read> {
  const { readObjects } = await import('../demo/index.ts');
  const { objects, notes } = await readObjects(files);
  return {
    rows: tableFromObjects(objects, table, scope, now),
    partial: notes,
    namespaces: scope.namespaces,
    context: files.join(' '),
  };
}

/** A kind that only the cluster knows; where it cannot be asked, the word is as unknown as before. */
async function served(word: string, parsed: ParsedFlags, io: CommandIo): Promise<Table<Row> | undefined> {
  if (parsed.many('from').length > 0 || !/^[a-z][\w.-]*$/i.test(word)) return undefined;
  const { servedTable } = await import('./served.ts');
  try {
    return await withConnection(io, (connection) => servedTable(connection, word));
  } catch (error) {
    if (error instanceof KubeError) return undefined;
    throw error;
  }
}

async function fromCluster(
  table: Table<Row>,
  {
    asked,
    names,
  }: { readonly asked: readonly string[] | 'all' | undefined; readonly names: readonly string[] },
  parsed: ParsedFlags,
  io: CommandIo,
  now: number,
): Promise<Read> {
  return withConnection(io, async (connection) => {
    const namespaces = asked ?? [connection.namespace];
    const { rows, partial } = await loadTable(
      connection,
      table,
      {
        namespaces,
        labelSelector: parsed.one('selector'),
        fieldSelector: parsed.one('field-selector'),
        names,
      },
      now,
    );
    return { rows, partial, namespaces, context: connection.contextName };
  });
}

/** Of a table that is made here, and so has no order of the server's: how the screen sorts it. */
function ownOrder(table: Table<Row>): string | undefined {
  if (!('derive' in table) || table.sort === undefined) return undefined;
  return `${table.sort.descending ? '-' : ''}${table.sort.column}`;
}

/** Stable; unknown values last. `-COLUMN` turns it round. @throws UsageError for a column that is not there. */
export function sortRows(table: Table<Row>, rows: readonly Row[], by: string | undefined): readonly Row[] {
  if (by === undefined) return rows;
  const descending = by.startsWith('-');
  const title = (descending ? by.slice(1) : by).toUpperCase();
  const column = table.columns.find((candidate) => candidate.title === title);
  if (column === undefined) {
    throw new UsageError(
      `--sort-by ${by}: ${table.name} has no such column`,
      `Columns: ${table.columns.map((candidate) => candidate.title).join(', ')}.`,
    );
  }
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const left = column.value(a);
    const right = column.value(b);
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined);
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * String(left).localeCompare(String(right), 'en', { numeric: true });
  });
}
