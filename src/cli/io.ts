import type { ConnectOptions } from '../kube/contract.ts';

export interface Output {
  readonly write: (text: string) => unknown;
}

/** What a command may touch: nothing of `process` but what is handed to it, so that tests run commands in place. */
export interface CommandIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectOptions: ConnectOptions;
}

/** Exit codes of every command; `mltop --help` prints them. */
export const exitCode: {
  readonly ok: 0;
  readonly findings: 1;
  readonly usage: 2;
  readonly partial: 3;
  readonly unreachable: 4;
  readonly notFound: 5;
  readonly timeout: 124;
  readonly interrupted: 130;
} = { ok: 0, findings: 1, usage: 2, partial: 3, unreachable: 4, notFound: 5, timeout: 124, interrupted: 130 };

/** A wrong word on the command line. `run` prints it with the way out and exits with 2. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}
