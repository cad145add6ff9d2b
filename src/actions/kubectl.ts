import type { Session } from '../state/session.ts';

/** As a POSIX shell reads it. */
const shellWord = (word: string): string =>
  /^[\w./:@=,+%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** One line to paste: always with its context, so that it cannot hit another cluster. */
export function kubectlLine({ context }: Pick<Session, 'context'>, args: readonly string[]): string {
  const scope = context === '' ? [] : ['--context', context];
  return ['kubectl', ...scope, ...args].map(shellWord).join(' ');
}

/** `-n train`, or nothing for what has no namespace. */
export const inNamespace = (namespace: string): readonly string[] =>
  namespace === '' ? [] : ['-n', namespace];
