import { appendFileSync, chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from './journal.ts';

/** Keeps what went wrong inside mltop, for whoever has to mend it. */
export interface ErrorLog {
  readonly path: string;
  /** Appends the error with its stack, and gives the sentence for the screen. Never throws. */
  readonly report: (where: string, error: unknown) => string;
}

/** Different errors of one run that are written; the same one again is not. */
const writtenAtMost = 100;

/**
 * `$XDG_STATE_HOME/mltop/mltop.log`, readable by its owner alone: a stack may name objects of the cluster. Written before
 * `report` returns, since the program may be about to end.
 */
export function createErrorLog(
  env: Readonly<Record<string, string | undefined>>,
  clock: () => number,
): ErrorLog {
  const path = join(stateFolder(env), 'mltop.log');
  const written = new Set<string>();

  function write(where: string, error: unknown): string {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const entry = `${where}: ${stack}`;
    if (written.has(entry) || written.size >= writtenAtMost) return path;
    try {
      mkdirSync(stateFolder(env), { recursive: true, mode: 0o700 });
      appendFileSync(path, `${new Date(clock()).toISOString()} ${entry}\n`, { mode: 0o600 });
      chmodSync(path, 0o600);
    } catch (problem) {
      return `${path} could not be written: ${problem instanceof Error ? problem.message : String(problem)}`;
    }
    written.add(entry);
    return path;
  }

  return {
    path,
    report(where, error) {
      const what = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
      return `internal error in ${where}: ${what} (details in ${write(where, error)})`;
    },
  };
}
