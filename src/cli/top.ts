import { canAnswer, exporterKind } from '../accelerators/exporters.ts';
import { createLedger } from '../accelerators/ledger.ts';
import { readNodeUses, readPodUses } from '../feed/measurements.ts';
import { scrapeExporter } from '../feed/scrape.ts';
import type { Connection } from '../kube/contract.ts';
import { metricsFailure, metricsReader } from '../kube/metrics.ts';
import { cellText } from '../resources/columns.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Resource, type Row } from '../resources/resource.ts';
import { createUsage, type Usage } from '../state/usage.ts';
import { nodesWithUse, podsWithUse } from '../state/usage-tables.ts';
import { commandFlags } from './command-flags.ts';
import { connectOptionsOf, namespacesOf, type ParsedFlags, parseFlags } from './flags.ts';
import { commandHelpText } from './help.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { type Format, printRows } from './print.ts';
import { loadTable } from './rows.ts';
import { sortRows } from './view.ts';

/** Columns of the tables on the screen that say something about use. */
const kept: Readonly<Record<'pods' | 'nodes', readonly string[]>> = {
  pods: ['NAME', 'CPU', '%CPU/R', '%CPU/L', 'MEM', '%MEM/R', '%MEM/L', 'GPU', 'UTIL', 'HBM', 'WATTS'],
  nodes: ['NAME', 'CPU USED', 'CPU', 'MEM USED', 'MEM', 'GPU', 'GPU UTIL'],
};

/** One reading of each exporter is a lot on a big cluster; the screen reads what is looked at. */
const exportersAtMost = 64;
const scrapesAtOnce = 4;

/** A poll that never comes: what is printed is not stale. */
const everyMs = 15_000;

const help = `Use from metrics.k8s.io and dcgm-exporter, beside what was asked for; a dash where nothing measures it.
Exit codes: 0 ok, 2 wrong usage, 3 a source could not be read: allocation is printed all the same, 4 no connection, 5 not found.
`;

/**
 * `mltop top pods|nodes`: what is used, beside what was asked for, once. Gives the exit code: 3 where a source could not
 * be read; allocation is printed all the same.
 * @throws UsageError, KubeError
 */
export async function topCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(args, commandFlags.top);
  if (parsed.on('help')) {
    io.stdout.write(commandHelpText('top', help));
    return exitCode.ok;
  }
  const [word = 'pods', ...names] = parsed.positionals;
  const kind = ['pods', 'pod', 'po'].includes(word)
    ? 'pods'
    : ['nodes', 'node', 'no'].includes(word)
      ? 'nodes'
      : undefined;
  if (kind === undefined)
    throw new UsageError(`top ${word}: not pods or nodes`, 'Write mltop top pods or mltop top nodes.');
  const { connect } = await import('../kube/connection.ts');
  const connection = await connect(connectOptionsOf(parsed, io.connectOptions));
  try {
    return await print(connection, kind, { parsed, names, io });
  } finally {
    await connection.close();
  }
}

interface Ask {
  readonly parsed: ParsedFlags;
  readonly names: readonly string[];
  readonly io: CommandIo;
}

async function print(
  connection: Connection,
  kind: 'pods' | 'nodes',
  { parsed, names, io }: Ask,
): Promise<number> {
  const now = Date.now();
  const namespaces = namespacesOf(parsed) ?? [connection.namespace];
  const scope = {
    namespaces,
    labelSelector: parsed.one('selector'),
    fieldSelector: parsed.one('field-selector'),
    names,
  };
  const usage = createUsage();
  const base: Resource = kind === 'pods' ? anyResource(pods) : anyResource(nodes);
  const { rows, partial } = await loadTable(connection, base, scope, now);
  const notes = [
    ...partial,
    ...(await readUse(connection, usage, kind, namespaces)),
    ...(await readDevices(connection, usage, { kind, rows })),
  ];
  const table: Resource =
    kind === 'pods'
      ? anyResource(podsWithUse(pods, usage))
      : anyResource(nodesWithUse(usage, createLedger()));
  const columns = kept[kind].flatMap((title) => table.columns.find((column) => column.title === title) ?? []);
  const shown = {
    ...table,
    columns: columns.map((column) => ({
      ...column,
      wide: false,
      text: (row: Row, at: number) => cellText(column, row, at) || '-',
    })),
  };
  const chosen = names.length === 0 ? rows : rows.filter((row) => names.includes(row.name));
  const sorted = sortRows(shown, chosen, parsed.one('sort-by'));
  const format = (parsed.one('output') ?? 'table') as Format;
  const isForPrograms = format === 'json' || format === 'jsonl' || format === 'yaml';
  io.stdout.write(
    printRows(shown, isForPrograms ? sorted.map((row) => usedRow(usage, kind, row, now)) : sorted, {
      format,
      withNamespace: namespaces === 'all' || namespaces.length > 1,
      headers: !parsed.on('no-headers'),
      now,
      context: connection.contextName,
      partial: notes,
    }),
  );
  for (const note of notes) io.stderr.write(`mltop: partial: ${note}\n`);
  const missing = names.filter((name) => !rows.some((row) => row.name === name));
  for (const name of missing) io.stderr.write(`mltop: ${kind} "${name}" not found\n`);
  if (missing.length > 0) return exitCode.notFound;
  return notes.length > 0 ? exitCode.partial : exitCode.ok;
}

/** What could not be read, a sentence each. */
async function readUse(
  connection: Connection,
  usage: Usage,
  kind: 'pods' | 'nodes',
  namespaces: readonly string[] | 'all',
): Promise<readonly string[]> {
  const reader = metricsReader(connection);
  const signal = AbortSignal.timeout(connection.timing.requestMs || 30_000);
  try {
    if (kind === 'nodes') {
      usage.putNodes(await readNodeUses(reader, signal), Date.now(), everyMs);
      return [];
    }
    for (const scope of namespaces === 'all' ? [''] : namespaces)
      usage.putPods(scope, await readPodUses(reader, scope, signal), Date.now(), everyMs);
    return [];
  } catch (error) {
    const failure = metricsFailure(error);
    const state = { ...failure, atMs: Date.now() };
    if (kind === 'nodes') usage.setNodeSource(state);
    else for (const scope of namespaces === 'all' ? [''] : namespaces) usage.setPodSource(scope, state);
    return [`${failure.reason} ${failure.hint}`.trim()];
  }
}

/** Reads the exporters of the nodes that matter; without any there is nothing to say. */
async function readDevices(
  connection: Connection,
  usage: Usage,
  { kind, rows }: { readonly kind: 'pods' | 'nodes'; readonly rows: readonly Row[] },
): Promise<readonly string[]> {
  let all: readonly PodRow[];
  let isWhole: boolean;
  try {
    const loaded = await loadTable(connection, pods, { namespaces: 'all' }, Date.now());
    all = loaded.rows;
    isWhole = loaded.partial.length === 0;
  } catch {
    // Not even pods: what was asked for has said so already.
    return [];
  }
  const wanted = new Set(rows.map((row) => (kind === 'pods' ? (row as PodRow).node : row.name)));
  const targets = all.flatMap((pod) => {
    const exporter = exporterKind(pod);
    return exporter !== undefined && wanted.has(pod.node) && canAnswer(pod) ? [{ pod, kind: exporter }] : [];
  });
  const waiting = targets.slice(0, exportersAtMost);
  const reasons = new Set<string>();
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { node } = next.pod;
      const answer = await scrapeExporter(connection, next, node, new AbortController().signal);
      const atMs = Date.now();
      if (answer.state === 'read')
        usage.putDevices(node, answer.devices, { atMs, everyMs, source: next.kind.name });
      else {
        usage.setDeviceSource(node, { ...answer, atMs });
        reasons.add(answer.state === 'forbidden' ? `${answer.reason} ${answer.hint}` : answer.reason);
      }
    }
  }
  await Promise.all(Array.from({ length: scrapesAtOnce }, work));
  const measured = new Set(targets.map(({ pod }) => pod.node));
  for (const node of wanted) {
    if (measured.has(node) || node === '') continue;
    const state = isWhole ? 'absent' : 'forbidden';
    usage.setDeviceSource(node, { state, atMs: Date.now(), reason: '', hint: '' });
  }
  if (!isWhole)
    reasons.add(
      'GPUs are not measured: pods of other namespaces may not be listed, so exporters are not known.',
    );
  const left = targets.length - exportersAtMost;
  return [
    ...reasons,
    ...(left > 0 ? [`GPUs of ${left} more nodes were not measured; name pods or a namespace`] : []),
  ];
}

/** The row as programs want it: numbers with their units in the names, and what is not known left out. */
function usedRow(usage: Usage, kind: 'pods' | 'nodes', row: Row, now: number): Row {
  const { uid, namespace, name, createdAt, version } = row;
  const base = { uid, namespace, name, createdAt, version };
  const used = kind === 'pods' ? usage.pod(namespace, name, now) : usage.node(name, now);
  const amounts =
    used.kind === 'none'
      ? { unknown: used.why }
      : { cpuMillicores: used.value.cpu, memoryBytes: used.value.memory, measuredAt: used.atMs };
  if (kind === 'nodes') return { ...base, ...amounts };
  const devices = usage.devicesOf(namespace, name, (row as PodRow).node, now);
  if (devices.kind === 'none') return { ...base, ...amounts };
  const { busy, tensor, memoryUsed, memoryTotal } = devices.value;
  const gpus = {
    gpus: devices.value.devices.map(({ uuid, index, model }) => ({ uuid, index, model })),
    gpuBusy: busy?.mean,
    gpuTensorActive: tensor,
    gpuMemoryUsedBytes: memoryUsed,
    gpuMemoryBytes: memoryTotal,
  };
  return { ...base, ...amounts, ...gpus };
}
