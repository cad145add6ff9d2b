import { appendFile, mkdir, open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** One line of `:history`: what was done or opened, and the kubectl for it. */
export interface JournalEntry {
  readonly id: number;
  readonly atMs: number;
  readonly what: string;
  readonly kubectl: string;
  readonly result: string;
  readonly isBad: boolean;
}

/** One line of `audit.jsonl`: one request that changed something, or tried to. */
export interface AuditEntry {
  /** RFC 3339. */
  readonly ts: string;
  /** As the kubeconfig calls it, and as the server knows it (SelfSubjectReview; `?` where it does not say). */
  readonly user: string;
  readonly identity: string;
  readonly context: string;
  readonly server: string;
  readonly action: string;
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** `passed`, `none`, or what was said. */
  readonly dryRun: string;
  /** `done`, or why not. */
  readonly outcome: string;
  readonly kubectl: string;
}

export interface Journal {
  readonly note: (entry: Omit<JournalEntry, 'id'>) => void;
  /** The newest first. */
  readonly entries: () => readonly JournalEntry[];
  /** Appends to the file. Rejects with the system's error. */
  readonly audit: (entry: AuditEntry) => Promise<void>;
  /** The newest first, of this and earlier runs. Rejects with the system's error; empty where there is no file yet. */
  readonly audited: () => Promise<readonly AuditEntry[]>;
  readonly path: string;
}

const entriesAtMost = 500;
/** Of the file's end: about two thousand lines. */
const readAtMost = 1024 * 1024;

/** Where mltop keeps what outlives a run. */
export function stateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const state = env['XDG_STATE_HOME'] ?? '';
  return join(state === '' ? join(env['HOME'] ?? homedir(), '.local', 'state') : state, 'mltop');
}

export function createJournal(
  env: Readonly<Record<string, string | undefined>>,
  onChange: () => void = () => {},
): Journal {
  const path = join(stateFolder(env), 'audit.jsonl');
  let entries: readonly JournalEntry[] = [];
  let count = 0;
  return {
    path,
    entries: () => entries,
    note(entry) {
      count += 1;
      entries = [{ ...entry, id: count }, ...entries].slice(0, entriesAtMost);
      onChange();
    },
    async audit(entry) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      // One write with O_APPEND: lines of two running mltop do not mix.
      await appendFile(path, `${JSON.stringify(entry)}\n`, { mode: 0o600 });
    },
    audited: () => tailOf(path),
  };
}

async function tailOf(path: string): Promise<readonly AuditEntry[]> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - readAtMost);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    return lines
      .slice(from > 0 ? 1 : 0)
      .flatMap((line): AuditEntry[] => {
        try {
          return line === '' ? [] : [JSON.parse(line) as AuditEntry];
        } catch {
          // A line that a crash cut off says nothing.
          return [];
        }
      })
      .reverse();
  } finally {
    await file.close();
  }
}
