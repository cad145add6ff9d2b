import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { parse as parseYaml } from 'yaml';
import type { ConnectOptions } from './contract.ts';
import { KubeError } from './kube-error.ts';
import type { Access, ExecEntry } from './kubeconfig.ts';
import type { Timing } from './timing.ts';

/** What an exec plugin printed. */
export interface PluginCredential {
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** Epoch ms; undefined: until a 401. */
  readonly expiresAtMs: number | undefined;
  readonly issuedAtMs: number;
}

export interface PluginRun {
  /** Whether a person waits for it. */
  readonly prompt: boolean;
  readonly options: ConnectOptions;
  readonly timing: Timing;
}

interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why we ended it: it took too long, or it printed more than a credential can be. */
  readonly ended: 'late' | 'tooMuch' | undefined;
}

const versions = new Set(['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']);

/** How often a plugin that is still running is told of; less than a notice stays. */
const waitingEveryMs = 4000;

/** A credential with a chain of certificates has some kilobytes; and of what it says on stderr, the end counts. */
const mostBytes = 256 * 1024;

/** What a plugin that has ended had written is there by then, whoever still holds its pipes. */
const lastBytesMs = 250;

/**
 * Runs the user's exec plugin as client-go does (`plugin/pkg/client/auth/exec`). `authority` is the CA in base64.
 * A plugin that may prompt first runs without a terminal: handing it over at each renewal would blank the screen
 * every quarter of an hour for plugins that never ask anything.
 */
export async function runPlugin(
  access: Access,
  authority: string | undefined,
  run: PluginRun,
): Promise<PluginCredential> {
  const entry = access.user.exec ?? {};
  const name = `Login plugin "${entry.command ?? ''}" of user "${access.userName}"`;
  if (!versions.has(entry.apiVersion ?? '')) {
    throw failure(
      `${name} speaks ${entry.apiVersion ?? 'no version'}`,
      'Only client.authentication.k8s.io/v1 and v1beta1 exist today: update the plugin and the kubeconfig.',
    );
  }
  const mode = entry.interactiveMode ?? 'IfAvailable';
  const { withTerminal } = run.options;
  if (mode === 'Always') {
    if (withTerminal === undefined)
      throw failure(
        `${name} must ask something, and there is no terminal for it`,
        'Log in with kubectl first, in a terminal.',
      );
    return read(
      name,
      entry,
      await withTerminal(() => start(access, entry, authority, true, run)),
      run.timing,
    );
  }
  const quiet = await start(access, entry, authority, false, run);
  const wantsTerminal =
    quiet.code !== 0 &&
    quiet.ended === undefined &&
    mode === 'IfAvailable' &&
    run.prompt &&
    withTerminal !== undefined;
  if (!wantsTerminal) return read(name, entry, quiet, run.timing);
  // In the terminal it speaks to the person, not to us; why it failed it has most likely said before.
  const asked = await withTerminal(() => start(access, entry, authority, true, run));
  return read(name, entry, { ...asked, stderr: asked.stderr || quiet.stderr }, run.timing);
}

function start(
  access: Access,
  entry: ExecEntry,
  authority: string | undefined,
  interactive: boolean,
  { options, timing }: PluginRun,
): Promise<Exit> {
  const command = entry.command ?? '';
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...(entry.args ?? [])], {
      env: environment(access, entry, authority, interactive, options.env ?? process.env),
      // In a group of its own, so that what it started can be ended with it; a prompt needs our terminal's group.
      detached: !interactive,
      stdio: interactive ? ['inherit', 'pipe', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    let outBytes = 0;
    let words = '';
    let ended: Exit['ended'];
    const startedMs = timing.now();
    // Somebody waits for a cluster, and would not guess that a program of their own is what it waits for.
    const waiting = setInterval(() => {
      if (interactive) return;
      const seconds = Math.round((timing.now() - startedMs) / 1000);
      options.notice?.(`Waiting for login plugin "${command}" for ${seconds}s`);
    }, waitingEveryMs);
    const end = (why: Exit['ended']): void => {
      ended ??= why;
      endGroup(child.pid, interactive);
      // A grandchild outside the group may still hold the pipes.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const deadline = setTimeout(() => end('late'), interactive ? timing.pluginMs * 5 : timing.pluginMs);
    child.stdout?.on('data', (chunk: Buffer) => {
      outBytes += chunk.length;
      if (outBytes > mostBytes) end('tooMuch');
      else out.push(chunk);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      const text = printable(chunk.toString('utf8'));
      words = (words + text).slice(-mostBytes);
      const last = lastLines(text);
      if (last !== '') options.notice?.(last);
    });
    child.once('error', (cause) => {
      clearTimeout(deadline);
      clearInterval(waiting);
      reject(notStarted(access, entry, cause));
    });
    onceOver(child, (code, signal) => {
      clearTimeout(deadline);
      clearInterval(waiting);
      leave(child.stdout);
      leave(child.stderr);
      resolve({
        code,
        signal,
        ended,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: words,
      });
    });
  });
}

/**
 * When the plugin has ended and what it wrote has come: at once where its pipes end with it, soon after where something that
 * it left running (an agent, a cache) still holds them.
 */
function onceOver(child: ChildProcess, over: (code: number | null, signal: string | null) => void): void {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const done = (code: number | null, signal: string | null): void => {
    clearTimeout(timer);
    if (!isOver) over(code, signal);
    isOver = true;
  };
  child.once('close', done);
  child.once('exit', (code, signal) => {
    if (!isOver) timer = setTimeout(done, lastBytesMs, code, signal);
  });
}

/** What the plugin left running may write on; nobody listens, and nobody waits for it. */
function leave(pipe: Readable | null): void {
  if (pipe === null || pipe.destroyed) return;
  pipe.removeAllListeners('data');
  pipe.on('error', () => {}).resume();
  // Cast: the pipes of a child are sockets.
  (pipe as Socket).unref();
}

function endGroup(pid: number | undefined, interactive: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(interactive ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

function environment(
  access: Access,
  entry: ExecEntry,
  authority: string | undefined,
  interactive: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const own = Object.fromEntries((entry.env ?? []).map(({ name, value }) => [name, value]));
  const spec = {
    ...(entry.provideClusterInfo === true && { cluster: clusterInfo(access, authority) }),
    interactive,
  };
  const info = { kind: 'ExecCredential', apiVersion: entry.apiVersion, spec };
  return { ...env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
}

function clusterInfo({ cluster, server }: Access, authority: string | undefined): Record<string, unknown> {
  const config = cluster.extensions?.find(
    ({ name }) => name === 'client.authentication.k8s.io/exec',
  )?.extension;
  return {
    server,
    ...(cluster['tls-server-name'] !== undefined && { 'tls-server-name': cluster['tls-server-name'] }),
    ...(cluster['insecure-skip-tls-verify'] === true && { 'insecure-skip-tls-verify': true }),
    ...(authority !== undefined && { 'certificate-authority-data': authority }),
    ...(cluster['proxy-url'] !== undefined && { 'proxy-url': cluster['proxy-url'] }),
    ...(cluster['disable-compression'] === true && { 'disable-compression': true }),
    config: config ?? null,
  };
}

function read(name: string, entry: ExecEntry, exit: Exit, timing: Timing): PluginCredential {
  const said = lastLines(exit.stderr);
  const byHand = `Run it by hand: ${commandLine(entry)}`;
  if (exit.ended === 'late')
    throw failure(
      `${name} did not finish within ${Math.round(timing.pluginMs / 1000)} s${said === '' ? '' : `: ${said}`}`,
      byHand,
    );
  if (exit.ended === 'tooMuch') throw failure(`${name} printed more than a credential can be`, byHand);
  if (exit.code !== 0) {
    const how = exit.signal === null ? `failed with exit code ${exit.code}` : `was ended by ${exit.signal}`;
    throw failure(
      `${name} ${how}: ${said === '' ? 'it printed no reason' : said}`,
      `Log in again, or run it by hand: ${commandLine(entry)}`,
    );
  }
  const answer = parse(exit.stdout);
  if (answer?.['kind'] !== 'ExecCredential') throw failure(`${name} printed no ExecCredential`, byHand);
  if (answer['apiVersion'] !== entry.apiVersion) {
    throw failure(
      `${name} answered in ${String(answer['apiVersion'])}, not in ${entry.apiVersion}`,
      "Set the plugin's apiVersion in the kubeconfig to the version that the plugin speaks.",
    );
  }
  const status = (
    typeof answer['status'] === 'object' && answer['status'] !== null ? answer['status'] : {}
  ) as Record<string, unknown>;
  const field = (key: string): string | undefined =>
    typeof status[key] === 'string' && status[key] !== '' ? status[key] : undefined;
  const token = field('token');
  const certificate = field('clientCertificateData');
  const key = field('clientKeyData');
  if (token === undefined && (certificate === undefined || key === undefined))
    throw failure(`${name} gave neither a token nor a certificate with its key`, byHand);
  if ((certificate === undefined) !== (key === undefined))
    throw failure(`${name} gave only one of a certificate and its key`, byHand);
  const expiration = field('expirationTimestamp');
  const expires = Date.parse(expiration ?? '');
  if (expiration !== undefined && Number.isNaN(expires))
    throw failure(
      `${name} gave an expirationTimestamp that is no time: ${printable(expiration).slice(0, 60)}`,
      byHand,
    );
  return {
    token,
    certificate,
    key,
    expiresAtMs: Number.isNaN(expires) ? undefined : expires,
    issuedAtMs: timing.now(),
  };
}

/** YAML, since kubectl takes that too; JSON is YAML. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = parseYaml(text, { logLevel: 'error' });
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function notStarted(access: Access, entry: ExecEntry, cause: Error): KubeError {
  const command = entry.command ?? '';
  const code = (cause as NodeJS.ErrnoException).code;
  const why =
    code === 'ENOENT'
      ? 'is not installed'
      : code === 'EACCES'
        ? 'may not be executed'
        : `cannot be started: ${cause.message}`;
  const hint =
    entry.installHint !== undefined && entry.installHint.trim() !== ''
      ? printable(entry.installHint).trim()
      : `Install ${command}, or put it in PATH; kubectl needs it too.`;
  return new KubeError(`Login plugin "${command}" of user "${access.userName}" ${why}`, {
    kind: 'credentials',
    hint,
    cause,
  });
}

const failure = (message: string, hint: string): KubeError =>
  new KubeError(message, { kind: 'credentials', hint });

/** To paste into a shell. */
export const commandLine = (entry: ExecEntry): string =>
  [entry.command ?? '', ...(entry.args ?? [])]
    .map((word) => (/^[\w./:@=,+%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');

/** The end of what it said, where the reason is. */
const lastLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-4)
    .join(' · ')
    .slice(-600);

/** A plugin's colours and cursor movements must not reach the screen. */
const printable = (text: string): string =>
  text.replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, '').replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
