import { createReadStream } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import type { Connection } from './contract.ts';
import { type ExecResult, type Inside, openExec } from './exec.ts';
import { KubeError } from './kube-error.ts';
import { createTarReader, type TarEntry, tarEnd, tarHeader, tarPadding } from './tar.ts';

export interface CopyProgress {
  readonly files: number;
  readonly bytes: number;
  /** Undefined where the whole is not known beforehand. */
  readonly total: number | undefined;
}

export interface CopyOptions {
  readonly inside: Inside;
  /** Absolute, or relative to the container's working directory. */
  readonly remote: string;
  readonly local: string;
  readonly onProgress: (progress: CopyProgress) => void;
  readonly signal?: AbortSignal;
}

export interface Copied extends CopyProgress {
  /** Links, devices and names that point outside: not copied. */
  readonly skipped: readonly string[];
}

const writeChunk = 64 * 1024;

/**
 * Copies a file or a folder out of a container, with its `tar`. Nothing is written outside `local`, nothing is followed
 * and nothing that exists is overwritten through a link. Rejects with KubeError; what came so far stays.
 */
export async function copyFromPod(connection: Connection, options: CopyOptions): Promise<Copied> {
  const { inside, remote, local, onProgress, signal } = options;
  const clean = remote.replace(/\/+$/, '');
  if (clean === '' || clean === '.')
    throw invalid('Name a file or a folder of the container', 'The whole of "/" is not copied.');
  const folder = dirname(clean);
  const name = basename(clean);
  const root = await targetRoot(local, name);
  const skipped: string[] = [];
  let files = 0;
  let bytes = 0;
  let file: Awaited<ReturnType<typeof open>> | undefined;
  let failure: unknown;
  const reader = createTarReader({
    async entry(entry) {
      const target = placeOf(root, name, entry.path);
      if (target === undefined || entry.kind === 'other') {
        skipped.push(entry.path);
        return;
      }
      await checkNoLink(root, target);
      if (entry.kind === 'folder') await mkdir(target, { recursive: true, mode: 0o755 });
      else {
        await mkdir(dirname(target), { recursive: true });
        file = await open(target, 'w', entry.mode === 0 ? 0o644 : entry.mode & 0o755);
        files += 1;
      }
    },
    async data(part) {
      bytes += part.length;
      await file?.write(part);
      onProgress({ files, bytes, total: undefined });
    },
    async end() {
      await file?.close();
      file = undefined;
    },
  });
  let stderr = '';
  const abort = new AbortController();
  const session = await openExec(connection, {
    ...inside,
    command: ['tar', 'cf', '-', '-C', folder === '' ? '/' : folder, '--', name],
    stdin: false,
    tty: false,
    signal: signal === undefined ? abort.signal : AbortSignal.any([signal, abort.signal]),
    async onOutput(part, stream) {
      if (failure !== undefined) return;
      if (stream === 'stderr') stderr = (stderr + part.toString('utf8')).slice(-4000);
      else {
        try {
          await reader.push(Buffer.from(part));
        } catch (error) {
          failure = error;
          abort.abort();
        }
      }
    },
  });
  try {
    const result = await session.done.catch((error: unknown) => {
      throw failure ?? error;
    });
    if (failure !== undefined) throw failure;
    checkTar(result, stderr, inside, reader.isWhole());
    return { files, bytes, total: bytes, skipped };
  } catch (error) {
    throw partial(error, files, bytes, local);
  } finally {
    await file?.close().catch(() => {});
  }
}

/** Copies a file or a folder into a folder of a container, with its `tar`. Rejects with KubeError. */
export async function copyToPod(connection: Connection, options: CopyOptions): Promise<Copied> {
  const { inside, remote, local, onProgress, signal } = options;
  const source = resolve(local);
  const skipped: string[] = [];
  const entries = await walk(source, basename(source), skipped).catch((cause: unknown) => {
    throw invalid(`${local} cannot be read`, cause instanceof Error ? cause.message : String(cause));
  });
  const total = entries.reduce((sum, { entry }) => sum + entry.size, 0);
  let said = '';
  const session = await openExec(connection, {
    ...inside,
    command: ['tar', 'xmf', '-', '-C', remote === '' ? '.' : remote],
    stdin: true,
    tty: false,
    signal,
    onOutput: (part) => {
      said = (said + part.toString('utf8')).slice(-4000);
    },
  });
  let files = 0;
  let bytes = 0;
  let ended = false;
  const over = session.done.finally(() => {
    ended = true;
  });
  over.catch(() => {});
  try {
    for (const { entry, path } of entries) {
      if (ended) break;
      await session.write(tarHeader(entry));
      if (entry.kind !== 'file') continue;
      files += 1;
      let sent = 0;
      for await (const chunk of createReadStream(path, { highWaterMark: writeChunk })) {
        if (ended) break;
        // A file that grows meanwhile is cut at the size that its header promised.
        const part = (chunk as Buffer).subarray(0, entry.size - sent);
        if (part.length === 0) break;
        await session.write(part);
        sent += part.length;
        bytes += part.length;
        onProgress({ files, bytes, total });
      }
      if (sent < entry.size && !ended) await session.write(Buffer.alloc(entry.size - sent));
      await session.write(tarPadding(entry.size));
    }
    if (!ended) {
      await session.write(tarEnd());
      // Without a half-close, tar still ends at the two empty blocks; what does not is given up below.
      if (!session.endInput()) setTimeout(session.close, 5000).unref();
    }
    const result = await over;
    checkTar(result, said, inside, true);
    return { files, bytes, total, skipped };
  } catch (error) {
    session.close();
    throw partial(error, files, bytes, `${inside.pod}:${remote}`);
  }
}

interface Source {
  readonly entry: TarEntry;
  readonly path: string;
}

async function walk(path: string, name: string, skipped: string[]): Promise<Source[]> {
  const found = await lstat(path);
  const entry = {
    path: name,
    mode: found.mode,
    modifiedS: Math.floor(found.mtimeMs / 1000),
  };
  if (found.isFile()) return [{ path, entry: { ...entry, kind: 'file', size: found.size } }];
  if (!found.isDirectory()) {
    skipped.push(name);
    return [];
  }
  const inside: Source[] = [{ path, entry: { ...entry, kind: 'folder', size: 0 } }];
  for (const child of (await readdir(path)).sort())
    inside.push(...(await walk(join(path, child), `${name}/${child}`, skipped)));
  return inside;
}

/** As `cp`: into a folder that exists, else under the new name. */
async function targetRoot(local: string, name: string): Promise<string> {
  const path = resolve(local);
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) {
    const parent = await realpath(dirname(path)).catch(() => {
      throw invalid(`The folder ${dirname(path)} does not exist`, 'Make it, or name another.');
    });
    return join(parent, basename(path));
  }
  const real = await realpath(path);
  return found.isDirectory() || local.endsWith(sep) ? join(real, name) : real;
}

/** Where an entry goes, below `root`; undefined for one that is not what was asked for, or would leave it. */
export function placeOf(root: string, name: string, path: string): string | undefined {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts[0] !== name || parts.some((part) => part === '..' || part.includes('\0'))) return undefined;
  const target = join(root, ...parts.slice(1));
  return target === root || target.startsWith(`${root}${sep}`) ? target : undefined;
}

/** A link that lies on the way would lead elsewhere. */
async function checkNoLink(root: string, target: string): Promise<void> {
  const steps = target === root ? [] : target.slice(root.length + 1).split(sep);
  let at = root;
  for (const step of ['', ...steps]) {
    at = step === '' ? at : join(at, step);
    const found = await lstat(at).catch(() => undefined);
    if (found?.isSymbolicLink() === true)
      throw invalid(
        `${at} is a link on this machine`,
        'Nothing is written through links; copy into another folder.',
      );
  }
}

function checkTar({ exitCode, message }: ExecResult, stderr: string, inside: Inside, isWhole: boolean): void {
  const words = stderr.trim();
  const isMissing =
    exitCode === 126 ||
    exitCode === 127 ||
    /executable file not found|no such file or directory.*tar/i.test(message ?? '');
  if (isMissing && words === '')
    throw invalid(
      `The container ${inside.container} has no tar`,
      'Copying needs tar in the image, as kubectl cp does. A debug container (m, debug) can bring one.',
    );
  if (exitCode !== 0 && exitCode !== undefined)
    throw invalid(
      words === '' ? (message ?? `tar ended with ${exitCode}`) : words,
      'Check the path in the container.',
    );
  if (exitCode === undefined && message !== undefined)
    throw invalid(message, 'Check the path in the container.');
  if (!isWhole)
    throw invalid('The archive ended in the middle', 'Copy again: files that came are written anew.');
}

function partial(error: unknown, files: number, bytes: number, where: string): KubeError {
  const known =
    error instanceof KubeError
      ? error
      : invalid(
          error instanceof Error ? error.message : String(error),
          'Check space and rights on this machine.',
        );
  if (bytes === 0) return known;
  return new KubeError(`${known.message}; ${files} files (${bytes} bytes) were copied to ${where} before`, {
    kind: known.kind,
    hint: `${known.hint} Copying again starts from the beginning.`,
    cause: error,
  });
}

const invalid = (message: string, hint: string): KubeError =>
  new KubeError(message, { kind: 'invalid', hint });
