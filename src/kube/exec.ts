import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject } from './object.ts';
import { mayI, type Right } from './rights.ts';
import { type ChannelSocket, openChannels } from './websocket.ts';

/** One container of one pod. */
export interface Inside {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface ExecRequest extends Inside {
  /** Absent: attach to the process that the container runs. */
  readonly command?: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /**
   * Output as it comes; with a terminal, stderr comes as stdout. A promise holds further output back until it resolves.
   * Must not throw.
   */
  readonly onOutput: (bytes: Buffer, stream: 'stdout' | 'stderr') => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

export interface ExecResult {
  /** 0: it succeeded. Undefined: the server says nothing of it (attach, or a stream that was cut). */
  readonly exitCode: number | undefined;
  /** Why it failed, in the runtime's words: `no such file or directory`. Undefined for a regular end. */
  readonly message: string | undefined;
}

export interface ExecSession {
  /** Bytes for stdin; resolves when more can be taken. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** No more stdin. False: this server cannot be told (before 1.30), and the command may wait for more. */
  readonly endInput: () => boolean;
  /** Of the terminal, in cells. */
  readonly resize: (columns: number, rows: number) => void;
  /** How the command ended. Rejects with KubeError where the connection was lost. */
  readonly done: Promise<ExecResult>;
  /** Leaves. The command goes on in the container where nothing reads from it any more (kubelets do not kill it). */
  readonly close: () => void;
}

const stdinChannel = 0;
const stdoutChannel = 1;
const stderrChannel = 2;
const statusChannel = 3;
const resizeChannel = 4;
/** v5: closes the channel whose number follows. */
const closeChannel = 255;

const protocols: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

const podPath = ({ namespace, pod }: Pick<Inside, 'namespace' | 'pod'>, subresource: string): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/${subresource}`;

/** Runs a command in a container, or attaches to what runs there. Rejects with KubeError where the server refuses. */
export async function openExec(connection: Connection, request: ExecRequest): Promise<ExecSession> {
  const { command, stdin, tty, container, onOutput, signal } = request;
  const query = new URLSearchParams({
    container,
    stdin: String(stdin),
    stdout: 'true',
    stderr: String(!tty),
    tty: String(tty),
  });
  for (const word of command ?? []) query.append('command', word);
  let status: KubeObject | undefined;
  let waiting: Promise<void> = Promise.resolve();
  let held = 0;
  const deliver = (bytes: Buffer, stream: 'stdout' | 'stderr'): void => {
    const taken = onOutput(bytes, stream);
    if (taken === undefined) return;
    held += 1;
    socket?.pause();
    waiting = waiting
      .then(() => taken)
      .catch(() => {})
      .then(() => {
        held -= 1;
        if (held === 0) socket?.resume();
      });
  };
  let socket: ChannelSocket | undefined;
  socket = await openChannels(connection, {
    path: podPath(request, command === undefined ? 'attach' : 'exec'),
    query,
    protocols,
    signal,
    onMessage(channel, bytes) {
      if (channel === stdoutChannel && bytes.length > 0) deliver(bytes, 'stdout');
      else if (channel === stderrChannel && bytes.length > 0) deliver(bytes, 'stderr');
      else if (channel === statusChannel) status = parsed(bytes) ?? status;
    },
  });
  const open = socket;
  if (held > 0) open.pause();
  const isV5 = open.protocol.startsWith('v5.');
  const done = open.ended.then(async (error) => {
    await waiting;
    if (status !== undefined) return resultOf(status);
    // Attach ends without a Status where the process ends with the container.
    if (error !== undefined) throw error;
    return { exitCode: undefined, message: undefined };
  });
  done.catch(() => {});
  return {
    done,
    write: (bytes) => open.send(stdinChannel, bytes),
    endInput() {
      if (!isV5) return false;
      open.send(closeChannel, Uint8Array.of(stdinChannel)).catch(() => {});
      return true;
    },
    resize(columns, rows) {
      const size = Buffer.from(JSON.stringify({ Width: columns, Height: rows }));
      open.send(resizeChannel, size).catch(() => {});
    },
    close: open.close,
  };
}

function parsed(bytes: Buffer): KubeObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as KubeObject) : undefined;
  } catch {
    return bytes.length === 0 ? undefined : { status: 'Failure', message: bytes.toString('utf8') };
  }
}

/** A Status: `Success`, or a failure whose causes hold the exit code. */
function resultOf(status: KubeObject): ExecResult {
  if (status['status'] === 'Success') return { exitCode: 0, message: undefined };
  const details = record(status['details']);
  const causes = Array.isArray(details['causes']) ? details['causes'].map(record) : [];
  const code = causes.find((cause) => cause['reason'] === 'ExitCode')?.['message'];
  const message = status['message'];
  return {
    exitCode: typeof code === 'string' && /^\d+$/.test(code) ? Number(code) : undefined,
    message: typeof message === 'string' && message !== '' ? message : 'the command failed',
  };
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

export interface Captured extends ExecResult {
  readonly output: string;
  /** Bytes beyond the limit, which were not kept. */
  readonly dropped: number;
}

/** What one command prints, both streams as they came. Rejects with KubeError; a command that takes too long is left. */
export async function capture(
  connection: Connection,
  inside: Inside,
  command: readonly string[],
  limits: { readonly bytes: number; readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Captured> {
  const parts: Buffer[] = [];
  let kept = 0;
  let dropped = 0;
  const deadline = AbortSignal.timeout(limits.timeoutMs);
  const signal = limits.signal === undefined ? deadline : AbortSignal.any([limits.signal, deadline]);
  const late = (): KubeError =>
    new KubeError(`"${command.join(' ')}" did not end within ${Math.round(limits.timeoutMs / 1000)} s`, {
      kind: 'timeout',
      hint: 'It may still run in the container. Open a shell for commands that take long.',
    });
  try {
    const session = await openExec(connection, {
      ...inside,
      command,
      stdin: false,
      tty: false,
      signal,
      onOutput(bytes) {
        const room = Math.max(0, limits.bytes - kept);
        const part = bytes.subarray(0, room);
        parts.push(part);
        kept += part.length;
        dropped += bytes.length - part.length;
      },
    });
    const result = await session.done;
    return { ...result, output: Buffer.concat(parts).toString('utf8'), dropped };
  } catch (error) {
    if (deadline.aborted) throw late();
    throw error;
  }
}

/** Tries bash, then sh, as k9s does. Exit codes 126 and 127: the image has no shell. */
export const shellCommand: readonly string[] = [
  'sh',
  '-c',
  'command -v bash >/dev/null 2>&1 && exec bash || exec sh',
];

/** What a terminal is to a remote process. */
export interface RawTerminal {
  /** Bytes as typed. Gives the way to stop. */
  readonly onInput: (listener: (bytes: Uint8Array) => void) => () => void;
  readonly onResize: (listener: (columns: number, rows: number) => void) => () => void;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Resolves when more can be written. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
}

export interface Interaction {
  /** Undefined: attach to what runs there. */
  readonly command: readonly string[] | undefined;
  /** Without: what is typed goes nowhere, and ctrl-c leaves. */
  readonly stdin: boolean;
  /** Must be what the container has, to attach. */
  readonly tty: boolean;
  /** ctrl-p ctrl-q leaves, as with docker: for a process that ctrl-c would end. */
  readonly detaches: boolean;
}

/** How a person left: the process ended, or goes on alone. */
export type Interacted = ExecResult & { readonly left: boolean };

const ctrlC = 3;
const ctrlP = 16;
const ctrlQ = 17;

/** Connects a terminal in raw mode with a process until it ends or the person leaves. Rejects with KubeError. */
export async function interact(
  connection: Connection,
  inside: Inside,
  { command, stdin, tty, detaches }: Interaction,
  terminal: RawTerminal,
): Promise<Interacted> {
  const giveUp = new AbortController();
  const early: Uint8Array[] = [];
  let session: ExecSession | undefined;
  let left = false;
  let last = 0;
  const leave = (): void => {
    left = true;
    if (session === undefined) giveUp.abort();
    else session.close();
  };
  const type = (bytes: Uint8Array): void => {
    // Before there is an answer, and where nothing takes what is typed, ctrl-c is for us.
    const leaves =
      ((session === undefined || !stdin) && bytes.includes(ctrlC)) || (detaches && isDetach(last, bytes));
    if (leaves) leave();
    last = bytes.at(-1) ?? 0;
    if (leaves || !stdin) return;
    if (session === undefined) early.push(bytes);
    else session.write(bytes).catch(() => {});
  };
  const stops = [
    terminal.onInput(type),
    terminal.onResize((columns, rows) => {
      if (tty) session?.resize(columns, rows);
    }),
  ];
  try {
    session = await openExec(connection, {
      ...inside,
      ...(command === undefined ? {} : { command }),
      stdin,
      tty,
      signal: giveUp.signal,
      onOutput: (bytes) => terminal.write(tty ? bytes : withReturns(bytes)),
    });
    const { columns, rows } = terminal.size();
    if (tty) session.resize(columns, rows);
    for (const bytes of early) await session.write(bytes);
    const result = await session.done;
    return { ...result, left };
  } catch (error) {
    if (left) return { exitCode: undefined, message: undefined, left };
    throw error;
  } finally {
    for (const stop of stops) stop();
    session?.close();
  }
}

function isDetach(last: number, bytes: Uint8Array): boolean {
  return [last, ...bytes].some((byte, at, all) => byte === ctrlP && all[at + 1] === ctrlQ);
}

/** Our terminal is raw: without a terminal on the other side nobody else turns `\n` into a new line. */
const withReturns = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1');

/**
 * Whether a stream into a pod may be opened. From 1.35 on a WebSocket needs `create` besides `get` (kubernetes#134577);
 * what an older server wants is `get`.
 */
export async function mayStream(
  connection: Connection,
  { namespace, pod }: Pick<Inside, 'namespace' | 'pod'>,
  subresource: 'exec' | 'attach' | 'portforward',
): Promise<Right> {
  const version = await connection.version().catch(() => undefined);
  const needsCreate = version === undefined || version.major > 1 || version.minor >= 35;
  const verbs = needsCreate ? ['get', 'create'] : ['get'];
  const rights = await Promise.all(
    verbs.map((verb) =>
      mayI(connection, { verb, group: '', resource: 'pods', subresource, namespace, name: pod }),
    ),
  );
  const refused = rights.findIndex(({ allowed }) => allowed === 'no');
  if (refused >= 0) {
    const verb = verbs[refused] ?? 'get';
    const said = rights[refused]?.reason;
    return {
      allowed: 'no',
      reason: `No right to ${verb} pods/${subresource} in namespace ${namespace}${said === undefined || said === '' ? '' : ` (${said})`}.`,
    };
  }
  return (
    rights.find(({ allowed }) => allowed === 'unknown') ??
    rights[0] ?? { allowed: 'unknown', reason: undefined }
  );
}
