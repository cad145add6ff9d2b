import type { JsonRecord, KubeLike } from '../object.ts';
import type { Store } from '../store.ts';
import type { Files } from './files.ts';

/** What a program reads from. */
export interface Input {
  /** The next bytes; undefined at the end. */
  next(): Promise<Buffer | undefined>;
}

export interface Streams {
  readonly input: Input;
  out(bytes: Buffer | string): void;
  err(bytes: Buffer | string): void;
  /** A terminal is on the other side. */
  readonly tty?: boolean;
}

/** A running container as its programs see it. */
export interface Container {
  readonly store: Store;
  readonly pod: KubeLike;
  readonly spec: JsonRecord;
  readonly files: Files;
  readonly environment: Map<string, string>;
  readonly now: () => number;
  /** Fires when nobody is there any more. */
  readonly signal: AbortSignal;
  directory: string;
}

/** The runtime found no such program: not an exit code, an error of the call. */
export class NoSuchProgram extends Error {
  constructor(name: string) {
    super(
      `failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(name)}: executable file not found in $PATH: unknown`,
    );
  }
}

/** Everything that there is to read, to the end. */
export async function readAll(input: Input): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let part = await input.next(); part !== undefined; part = await input.next()) parts.push(part);
  return Buffer.concat(parts);
}

export const inputOf = (bytes: Buffer): Input => {
  let given = false;
  return {
    async next() {
      if (given) return undefined;
      given = true;
      return bytes;
    },
  };
};
