import { readFileSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { createKeyDecoder, type Key } from './keys.ts';
import { createFrameOutput, type FrameOutput, setBlocking, type TerminalSink } from './output.ts';

/**
 * The terminal as mltop holds it: modes, input, and who gets it back. Ink reads no input and sets no modes: it gets a
 * dummy stdin and our `FrameOutput`, so that there is one place that switches raw mode on and, on every way out, off.
 */
export interface Terminal {
  readonly output: FrameOutput;
  /** One listener at a time gets the keys; keys that come while there is none are kept. */
  readonly onKey: (listener: (key: Key) => void) => () => void;
  /** Takes the terminal: raw mode, alternate screen, no cursor, no wrapping, bracketed paste. */
  readonly start: () => void;
  /** Gives the terminal back, after everything has been written. */
  readonly stop: () => Promise<void>;
  /** Gives the terminal back at once: for ways out that cannot wait. */
  readonly restore: () => void;
  /** Lends the terminal: the work (a child with `stdio: 'inherit'`, a question in plain text) has it to itself. */
  readonly lend: <T>(work: () => Promise<T>) => Promise<T>;
  /** `:suspend`: stops the process group as Ctrl-Z does elsewhere; resolves when the shell continues it. */
  readonly suspendProcess: () => Promise<void>;
  readonly setTitle: (title: string) => void;
  readonly probe: () => Promise<Probe>;
}

export interface Probe {
  /** Undefined when the terminal does not say. */
  readonly background: 'dark' | 'light' | undefined;
  /** Whether it draws UTF-8; undefined when it does not say. */
  readonly isUnicode: boolean | undefined;
  /** It answers queries, so slow links can be measured. */
  readonly answers: boolean;
}

/** The terminal's input stream; `process.stdin` where it is a terminal. */
export interface TerminalSource {
  readonly setRawMode?: (isRaw: boolean) => unknown;
  readonly on: (event: 'data' | 'end' | 'error', listener: (chunk: Buffer) => void) => unknown;
  readonly off: (event: 'data' | 'end' | 'error', listener: (chunk: Buffer) => void) => unknown;
  readonly resume: () => unknown;
  readonly pause: () => unknown;
}

export interface TerminalParts {
  readonly stdin: TerminalSource;
  readonly stdout: TerminalSink & { readonly fd?: number };
  readonly stderr: { readonly write: (text: string) => unknown };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is printed after a crash, when the screen is back. Default: the stack. */
  readonly report?: (error: unknown) => string;
  /** Told of a promise that nobody waited for and that failed. Default: it ends the program as any crash does. */
  readonly onRejection?: (error: unknown) => void;
  /** The terminal has gone (window closed, connection lost). Default: exit with 129, as after SIGHUP. */
  readonly onGone?: () => void;
}

const enter = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h';
/** Starts with the end of a synchronised update: a frame may have been cut off in the middle. */
const leave = '\x1b[?2026l\x1b[r\x1b[m\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l';
const pushTitle = '\x1b[22;2t';
const popTitle = '\x1b[23;2t';

/** After so long with nothing following, an escape byte was the Esc key. */
const escapeMs = 25;
const drainMs = 500;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createTerminal({
  stdin,
  stdout,
  stderr,
  env,
  report = stackOf,
  onRejection,
  onGone = () => process.exit(129),
}: TerminalParts): Terminal {
  const output = createFrameOutput({ stdout, onBroken: () => isTaken && onGone() });
  const decoder = createKeyDecoder(onReply);
  const utf8 = new StringDecoder('utf8');
  let isTaken = false;
  let isLent = false;
  let hasTitle = false;
  let listener: ((key: Key) => void) | undefined;
  let early: Key[] = [];
  let escapeTimer: NodeJS.Timeout | undefined;
  let replyListener: ((reply: string) => void) | undefined;

  function onReply(reply: string): void {
    if (reply === '\x1b[0n') output.acknowledge();
    replyListener?.(reply);
  }

  function deliver(keys: readonly Key[]): void {
    for (const key of keys) {
      if (listener === undefined) early.push(key);
      else listener(key);
    }
  }

  const onData = (chunk: Buffer): void => {
    clearTimeout(escapeTimer);
    output.heard();
    deliver(decoder.push(utf8.write(chunk)));
    if (decoder.isPending()) escapeTimer = setTimeout(() => deliver(decoder.flush()), escapeMs);
  };
  const onEnd = (): void => {
    if (isTaken && !isLent) onGone();
  };

  function take(): void {
    stdin.setRawMode?.(true);
    stdin.on('data', onData);
    stdin.resume();
    setBlocking(stdout, false);
    stdout.write(enter);
  }

  function letGoOfInput(): void {
    clearTimeout(escapeTimer);
    stdin.off('data', onData);
    stdin.pause();
    try {
      stdin.setRawMode?.(false);
    } catch {
      // The terminal is gone; there is no mode to restore.
    }
  }

  function restore(): void {
    if (!isTaken) return;
    isTaken = false;
    removeHandlers();
    output.close();
    if (!isLent) {
      letGoOfInput();
      writeNow(stdout, leave + (hasTitle ? popTitle : ''));
    }
    setBlocking(stdout, true);
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    restore();
    // With our handlers gone, the signal does what it does to any program: the exit status tells which one it was.
    process.kill(process.pid, signal);
  };
  const onCrash = (error: unknown): void => {
    restore();
    stderr.write(`${report(error)}\n`);
    process.exit(1);
  };
  const onContinue = (): void => {
    if (!isTaken || isLent) return;
    // Stopped from outside and continued: the shell has used the terminal in between.
    stdin.setRawMode?.(false);
    stdin.setRawMode?.(true);
    stdout.write(enter);
    output.release();
  };

  /** `kill -TSTP`, and shells that stop what they started: the terminal is put back first, as for `:suspend`. */
  const onStop = (): void => {
    if (isLent || !isTaken) process.kill(process.pid, 'SIGSTOP');
    else suspendProcess().catch(onCrash);
  };

  function addHandlers(): void {
    for (const signal of signals) process.on(signal, onSignal);
    process.on('SIGTSTP', onStop);
    process.on('SIGCONT', onContinue);
    process.on('uncaughtException', onCrash);
    if (onRejection !== undefined) process.on('unhandledRejection', onRejection);
    process.on('exit', restore);
    stdin.on('end', onEnd);
    stdin.on('error', onEnd);
  }

  function removeHandlers(): void {
    for (const signal of signals) process.off(signal, onSignal);
    process.off('SIGTSTP', onStop);
    process.off('SIGCONT', onContinue);
    process.off('uncaughtException', onCrash);
    if (onRejection !== undefined) process.off('unhandledRejection', onRejection);
    process.off('exit', restore);
    stdin.off('end', onEnd);
    // Its error listener stays: reading from a terminal that went away must not become an uncaught exception.
  }

  async function lend<T>(work: () => Promise<T>): Promise<T> {
    if (isLent) throw new Error('The terminal is lent already.');
    isLent = true;
    output.hold();
    await output.settled(drainMs);
    letGoOfInput();
    // Node stops reading one turn after `pause`; until then it would take a key from the child.
    await immediate();
    await immediate();
    setBlocking(stdout, true);
    writeNow(stdout, leave);
    // Ctrl-C in a child whose terminal is not raw is sent to the whole process group: it is meant for the child.
    const ignore = (): void => undefined;
    process.off('SIGINT', onSignal).on('SIGINT', ignore);
    process.off('SIGQUIT', onSignal).on('SIGQUIT', ignore);
    try {
      return await work();
    } finally {
      process.off('SIGINT', ignore).off('SIGQUIT', ignore);
      isLent = false;
      if (isTaken) {
        process.on('SIGINT', onSignal).on('SIGQUIT', onSignal);
        take();
        output.release();
      }
    }
  }

  const suspendProcess = (): Promise<void> =>
    lend(
      () =>
        new Promise<void>((resolve) => {
          process.once('SIGCONT', resolve);
          // SIGSTOP, since SIGTSTP is delivered only after the shell has the terminal; the whole group, or a parent stays in front.
          process.kill(0, 'SIGSTOP');
        }),
    );

  return {
    output,
    lend,
    restore,
    onKey(next) {
      listener = next;
      const kept = early;
      early = [];
      deliver(kept);
      return () => {
        if (listener === next) listener = undefined;
      };
    },
    start() {
      if (isTaken) return;
      isTaken = true;
      addHandlers();
      take();
    },
    async stop() {
      await output.settled(drainMs);
      restore();
    },
    suspendProcess,
    setTitle(title) {
      const clean = title.replace(/[\x00-\x1f\x7f-\x9f]/g, '');
      output.control(`${hasTitle ? '' : pushTitle}\x1b]2;${clean}\x1b\\`);
      hasTitle = true;
    },
    async probe() {
      const found = await ask(env, output.control, (next) => {
        replyListener = next;
      });
      if (found.answers) output.startFlowControl();
      return { ...found, background: found.background ?? backgroundOf(env['COLORFGBG']) };
    },
  };
}

/**
 * Whether a shell with job control started this process, and so can continue it. Where it leads its session, or shares the
 * group of who does, nobody is left to do that. True where the system does not say.
 */
export function hasJobControl(stat: string = procStat()): boolean {
  // The name in parentheses may hold anything; what follows it is state, parent, group, session.
  const [, , group, session] = stat
    .slice(stat.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  return group === undefined || session === undefined || group !== session;
}

function procStat(): string {
  try {
    return readFileSync('/proc/self/stat', 'utf8');
  } catch {
    return '';
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/**
 * Writes past Node's queue, since a process that is on its way out does not come back to it. Waits a little for a
 * terminal that is slow, not for one that does not read at all.
 */
function writeNow(stdout: TerminalSink & { readonly fd?: number }, text: string): void {
  if (stdout.fd === undefined) {
    stdout.write(text);
    return;
  }
  let rest = Buffer.from(text);
  const waited = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; rest.length > 0 && tries < 100; tries++) {
    try {
      rest = rest.subarray(writeSync(stdout.fd, rest));
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== 'EAGAIN') return;
      Atomics.wait(waited, 0, 0, 5);
    }
  }
}

/**
 * Asks for the colour scheme (mode 2031), the background (OSC 11) and where the cursor stands after a `█`, with the device
 * attributes last: every terminal answers those, so what has not been answered before will not be.
 */
async function ask(
  env: TerminalParts['env'],
  send: (bytes: string) => void,
  listen: (listener: ((reply: string) => void) | undefined) => void,
): Promise<Probe> {
  const term = env['TERM'] ?? '';
  // The Linux console and real terminals print what they do not understand.
  if (term === '' || /^(dumb|linux|vt\d|cons|sun)/.test(term))
    return { background: undefined, isUnicode: undefined, answers: false };
  let background: Probe['background'];
  let isUnicode: boolean | undefined;
  const answers = await new Promise<boolean>((resolve) => {
    // Over SSH an answer takes a round trip.
    const timer = setTimeout(() => resolve(false), env['SSH_CONNECTION'] === undefined ? 150 : 400);
    listen((reply) => {
      background ??= backgroundIn(reply);
      // From row 2, so that the report is not mistaken for F3 with modifiers.
      const column = /^\x1b\[2;(\d+)R$/.exec(reply)?.[1];
      if (column !== undefined) isUnicode = column === '2';
      if (/^\x1b\[\?[\d;]*c$/.test(reply)) {
        clearTimeout(timer);
        resolve(true);
      }
    });
    send('\x1b[?996n\x1b]11;?\x1b\\\x1b[2H█\x1b[6n\x1b[2K\x1b[c');
  });
  listen(undefined);
  return { background, isUnicode, answers };
}

function backgroundIn(reply: string): Probe['background'] {
  const scheme = /^\x1b\[\?997;([12])n$/.exec(reply)?.[1];
  if (scheme !== undefined) return scheme === '1' ? 'dark' : 'light';
  const rgb = /^\x1b\]11;rgba?:([\da-f]+)\/([\da-f]+)\/([\da-f]+)/i.exec(reply);
  if (rgb === null) return undefined;
  const [red = 0, green = 0, blue = 0] = rgb
    .slice(1)
    .map((part) => Number.parseInt(part, 16) / (16 ** part.length - 1));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5 ? 'light' : 'dark';
}

/** `15;0`: the numbers of the foreground and the background, as rxvt and others export them. */
function backgroundOf(colorfgbg: string | undefined): Probe['background'] {
  const last = colorfgbg?.split(';').at(-1);
  if (last === undefined || !/^\d+$/.test(last)) return undefined;
  return Number(last) === 7 || Number(last) > 8 ? 'light' : 'dark';
}

/** Whether the environment promises UTF-8; undefined when it says nothing, or only `C`: then ask the terminal (`probe`). */
export function isUnicodeLocale(env: TerminalParts['env']): boolean | undefined {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  if (locale === undefined || locale === 'C' || locale === 'POSIX') return undefined;
  return /utf-?8/i.test(locale);
}
