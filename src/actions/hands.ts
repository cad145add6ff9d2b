import type { RawTerminal } from '../kube/exec.ts';
import type { ClusterAccess } from '../kube/write-gate.ts';
import type { Forwards } from './forwards.ts';
import type { Journal } from './journal.ts';

/** What the program around the screen gives to actions that reach into the cluster. */
export interface Hands {
  /** Undefined while there is no connection. */
  readonly access: () => ClusterAccess | undefined;
  /** Hands the terminal over raw: what is typed goes to the work until it resolves. */
  readonly raw: <T>(work: (terminal: RawTerminal) => Promise<T>) => Promise<T>;
  /** Hands the terminal over to a child process. */
  readonly lend: <T>(work: () => Promise<T>) => Promise<T>;
  readonly journal: Journal;
  readonly forwards: Forwards;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Epoch ms. */
  readonly clock: () => number;
}
