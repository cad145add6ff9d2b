import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { gpus } from '../accelerators/gpus.ts';
import { pods as podResource } from '../resources/pods.ts';
import { anyResource, type Row, type Table } from '../resources/resource.ts';
import { namespacesOf, numberOf, type ParsedFlags } from './flags.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { printRows } from './print.ts';
import { loadTable } from './rows.ts';
import { printsOnce, type Screens, screenFlags } from './screen-options.ts';
import { tableNamed, viewCommand, withRules } from './view.ts';

/**
 * `mltop demo`: the simulated cluster on the live screen; with `--serve` for other clients; without a terminal the same
 * facts once.
 */
export async function demoCommand(parsed: ParsedFlags, screens: Screens, io: CommandIo): Promise<number> {
  const options = demoOptions(parsed);
  const fault = parsed.one('fault');
  if (fault !== undefined) return setFault(fault, parsed, io);
  if (parsed.on('serve')) {
    const { serveDemo } = await import('../demo/index.ts');
    // A parent that dies, however it dies, closes this end of the pipe.
    if (io.env['MLTOP_DEMO_UNTIL_STDIN_ENDS'] !== undefined) {
      process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
    }
    await serveDemo(options);
    return exitCode.ok;
  }
  // The cluster runs in a process of its own, as real ones do: what the screen costs is then the screen's alone.
  const served = await serveInChild(parsed);
  try {
    const connectOptions = { ...io.connectOptions, kubeconfig: served.kubeconfig };
    if (process.stdin.isTTY === true && !printsOnce(parsed)) {
      return await screens.openScreen({
        connect: connectOptions,
        namespaces: namespacesOf(parsed) ?? 'all',
        demo: true,
        ...screenFlags(parsed.positionals[1] ?? '', parsed),
      });
    }
    const word = parsed.positionals[1];
    const asked = { ...io, connectOptions };
    return word === undefined && parsed.one('output') === undefined
      ? await printFacts(asked, parsed)
      : await viewCommand(word ?? 'pods', asView(parsed), asked);
  } finally {
    served.stop();
  }
}

/** The command line as `mltop VIEW` has it. All namespaces by default: nobody has one of their own here. */
const asView = (parsed: ParsedFlags): ParsedFlags => ({
  ...parsed,
  positionals: parsed.positionals.slice(1),
  on: (name) => parsed.on(name) || (name === 'all-namespaces' && parsed.one('namespace') === undefined),
  // What it serves; it is not read a second time.
  many: (name) => (name === 'from' ? [] : parsed.many(name)),
});

/** Makes a served demo cluster misbehave, or lists what it can do. */
async function setFault(fault: string, parsed: ParsedFlags, io: CommandIo): Promise<number> {
  const { controlFaults } = await import('../demo/index.ts');
  const kubeconfig = parsed.one('kubeconfig');
  const port = numberOf(parsed, 'port', 1, 65_535);
  const lines = await controlFaults(
    { ...(kubeconfig === undefined ? {} : { kubeconfig }), ...(port === undefined ? {} : { port }) },
    fault,
  );
  io.stdout.write(lines.map((line) => `${line}\n`).join(''));
  return exitCode.ok;
}

function demoOptions(parsed: ParsedFlags): Parameters<typeof import('../demo/index.ts')['serveDemo']>[0] {
  const optional = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
    value === undefined ? {} : ({ [name]: value } as Record<K, V>);
  const from = parsed.many('from').concat(parsed.many('from').length > 0 ? parsed.positionals.slice(1) : []);
  return {
    ...optional('port', numberOf(parsed, 'port', 0, 65_535)),
    ...optional('pods', numberOf(parsed, 'pods', 1, 200_000)),
    ...optional('nodes', numberOf(parsed, 'nodes', 1, 10_000)),
    ...optional('seed', numberOf(parsed, 'seed', 0, 2 ** 31)),
    ...optional('churn', numberOf(parsed, 'churn', 0, 100_000)),
    ...optional('requestsFile', parsed.one('requests')),
    ...optional('kubeconfig', parsed.one('kubeconfig')),
    ...(from.length > 0 ? { from } : {}),
    still: parsed.on('still'),
  };
}

interface Served {
  readonly kubeconfig: string;
  readonly stop: () => void;
}

/** Starts `mltop demo --serve` and waits until it answers. The child ends with its stdin, so also when this process is killed. */
async function serveInChild(parsed: ParsedFlags): Promise<Served> {
  const pass = ['pods', 'nodes', 'seed', 'churn', 'port', 'requests', 'from'].flatMap((name) =>
    parsed.many(name).flatMap((value) => [`--${name}`, value]),
  );
  const entry = process.argv[1] ?? '';
  const child = spawn(
    process.execPath,
    [...process.execArgv, entry, 'demo', '--serve', ...(parsed.on('still') ? ['--still'] : []), ...pass],
    { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, MLTOP_DEMO_UNTIL_STDIN_ENDS: '1' } },
  );
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8');
  });
  const died = once(child, 'exit').then(() => {
    throw new UsageError(
      `the demo cluster did not start: ${complaint.trim()}`,
      'mltop demo --serve shows why.',
    );
  });
  died.catch(() => {});
  const ready = new Promise<string>((resolve) => {
    let kubeconfig = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      const path = /^kubeconfig (.+)$/.exec(line)?.[1];
      if (path !== undefined) kubeconfig = path;
      if (line.startsWith('serving ')) setImmediate(() => resolve(kubeconfig));
    });
  });
  const kubeconfig = await Promise.race([ready, died]);
  return { kubeconfig, stop: () => child.kill('SIGTERM') };
}

/** Without a terminal: the facts that the first screens show, once. */
async function printFacts(io: CommandIo, parsed: ParsedFlags): Promise<number> {
  const { connect } = await import('../kube/connection.ts');
  const connection = await connect(io.connectOptions);
  try {
    const now = Date.now();
    const server = await connection.version();
    const scope = { namespaces: namespacesOf(parsed) ?? ('all' as const) };
    const pods = await withRules(tableNamed('pods') ?? anyResource(podResource), parsed, io);
    const podRows = (await loadTable(connection, pods, scope, now)).rows;
    const gpuRows = (await loadTable(connection, gpus, { namespaces: 'all' }, now)).rows;
    const faults = podRows.filter((row) => pods.fault?.(row, now) === true);
    const print = <R extends Row>(table: Table<R>, rows: readonly R[]): string =>
      printRows(table, rows, {
        format: 'table',
        withNamespace: true,
        headers: true,
        now,
        context: connection.contextName,
        partial: [],
      });
    io.stdout.write(`${connection.contextName}  ${connection.server}  ${server.text}\n\n`);
    io.stdout.write(`GPUs\n${print(gpus, gpuRows)}\n`);
    io.stdout.write(`Pods that need a person: ${faults.length} of ${podRows.length}\n${print(pods, faults)}`);
    for (const row of faults) {
      const why = pods.why?.(row, now);
      if (why !== undefined) io.stdout.write(`${row.namespace}/${row.name}: ${why}\n`);
    }
    return exitCode.ok;
  } finally {
    await connection.close();
  }
}
