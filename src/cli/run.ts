import { version } from '../version.ts';
import { isCommandWord } from './command-flags.ts';
import { connectOptionsOf, firstWordAt, namespacesOf, type ParsedFlags, parseFlags } from './flags.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { printsOnce, type Screens, screenFlags } from './screen-options.ts';

/** Runs one command line to its end and leaves the process with its exit code. Never rejects. */
export async function run(args: readonly string[], screens: Screens): Promise<void> {
  // `mltop gpus | head`: the reader has gone, and that is fine.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const code = await dispatch(args, screens).catch(report);
  await drained();
  process.exit(code);
}

async function dispatch(args: readonly string[], screens: Screens): Promise<number> {
  // These commands have flag tables of their own; flags may stand before the word, as with kubectl.
  const at = firstWordAt(args);
  const rest = args.toSpliced(at, 1);
  const first = args[at];
  if (first === 'help' && isCommandWord(rest[0] ?? '')) return dispatch([...rest, '--help'], screens);
  if (first === 'check') return (await import('./check.ts')).checkCommand(rest, ioOf(base));
  if (first === 'fit') return (await import('./fit.ts')).fitCommand(rest, ioOf(base));
  if (first === 'record') return (await import('./record.ts')).recordCommand(rest, ioOf(base));
  if (first === 'top') return (await import('./top.ts')).topCommand(rest, ioOf(base));
  if (first === 'rules') return (await import('./rules.ts')).rulesCommand(rest, ioOf(base));

  const parsed = parseFlags(args);
  const [word = ''] = parsed.positionals;
  if (parsed.on('help') && word === 'demo')
    return say((await import('./help.ts')).commandHelpText('demo', demoHelp));
  if (parsed.on('help') || word === 'help') return say((await import('./help.ts')).helpText());
  if (parsed.on('version') || word === 'version') return say(`mltop ${version}\n`);
  if (word === 'completion')
    return say((await import('./completion.ts')).completionScript(parsed.positionals[1]));
  if (word === 'demo') return (await import('./demo.ts')).demoCommand(parsed, screens, ioOf(base));

  const io = ioOf(connectOptionsOf(parsed, base));
  // What lies in files does not move.
  if (printsOnce(parsed) || parsed.many('from').length > 0)
    return (await import('./view.ts')).viewCommand(word === '' ? 'pods' : word, parsed, io);
  return openLive(word, parsed, screens, io);
}

const demoHelp = `A cluster that is simulated in a process of its own, on the screen, or with --serve for kubectl, k9s, another mltop.
mltop demo VIEW and -n, -A, -o work as without "demo". --fault makes a served one misbehave.
`;

async function openLive(word: string, parsed: ParsedFlags, screens: Screens, io: CommandIo): Promise<number> {
  if (process.stdin.isTTY !== true) {
    throw new UsageError(
      'stdin is not a terminal, so the screen could not be driven',
      'Run it in a terminal, or print once: mltop pods -o table.',
    );
  }
  const namespaces = namespacesOf(parsed);
  return screens.openScreen({
    connect: io.connectOptions,
    ...screenFlags(word, parsed),
    ...(namespaces === undefined ? {} : { namespaces }),
  });
}

const base: CommandIo['connectOptions'] = {
  userAgent: `mltop/${version} (${process.platform})`,
  notice: tellOnce((text) => process.stderr.write(`mltop: ${text}\n`)),
};

/** A login plugin that hangs is named while it is waited for; that it still hangs is said once. */
function tellOnce(tell: (text: string) => void): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    const what = text.replace(/ for \d+s$/, '');
    if (told.has(what)) return;
    told.add(what);
    tell(text);
  };
}

function ioOf(connectOptions: CommandIo['connectOptions']): CommandIo {
  return { stdout: process.stdout, stderr: process.stderr, env: process.env, connectOptions };
}

function say(text: string): number {
  process.stdout.write(text);
  return exitCode.ok;
}

/** One named error and the way out, on stderr; the exit code that belongs to it. */
function report(error: unknown): number {
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`mltop: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`);
  if (error instanceof UsageError) return exitCode.usage;
  const kind = error instanceof Error && 'kind' in error && typeof error.kind === 'string' ? error.kind : '';
  if (kind === 'no-kubeconfig' || kind === 'bad-kubeconfig' || kind === 'unknown-context')
    return exitCode.usage;
  if (kind === 'not-found') return exitCode.notFound;
  if (kind === 'timeout') return exitCode.timeout;
  if (kind === 'forbidden') return exitCode.partial;
  if (kind !== '') return exitCode.unreachable;
  if (process.env['MLTOP_TRACE'] !== undefined && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  return 1;
}

/** Waits until stdout has handed on what was written: process.exit would cut a pipe short. */
async function drained(): Promise<void> {
  if (process.stdout.writableLength === 0) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve).write(''));
}
