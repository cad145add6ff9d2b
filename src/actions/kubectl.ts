import { resolve } from 'node:path';
import type { ConnectOptions } from '../kube/contract.ts';
import type { Session } from '../state/session.ts';

/** As a POSIX shell reads it. */
const shellWord = (word: string): string =>
  /^[\w./:@=,+%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/**
 * One line to paste: always with its context, and with what this run was started with, so that it cannot hit another
 * cluster or be another person.
 */
export function kubectlLine(
  { context, kubectlFlags }: Pick<Session, 'context' | 'kubectlFlags'>,
  args: readonly string[],
): string {
  const scope = context === '' ? [] : ['--context', context];
  return ['kubectl', ...kubectlFlags, ...scope, ...args].map(shellWord).join(' ');
}

/** What kubectl must be told to reach what mltop was told to reach. A token is a secret, and is left to the person. */
export function kubectlFlags(connect: Omit<ConnectOptions, 'userAgent'>): readonly string[] {
  const { impersonate = {} } = connect;
  const flag = (name: string, value: string | undefined): readonly string[] =>
    value === undefined || value === '' ? [] : [`--${name}`, value];
  // A person pastes it elsewhere: in another folder.
  const file = (name: string, path: string | undefined): readonly string[] =>
    flag(name, path === undefined ? undefined : resolve(path));
  return [
    ...file('kubeconfig', connect.kubeconfig),
    ...flag('cluster', connect.cluster),
    ...flag('user', connect.user),
    ...flag('server', connect.server),
    ...file('certificate-authority', connect.certificateAuthority),
    ...file('client-certificate', connect.clientCertificate),
    ...file('client-key', connect.clientKey),
    ...flag('tls-server-name', connect.tlsServerName),
    ...(connect.insecureSkipTlsVerify === true ? ['--insecure-skip-tls-verify'] : []),
    ...flag('as', impersonate.user),
    ...flag('as-uid', impersonate.uid),
    ...(impersonate.groups ?? []).flatMap((group) => flag('as-group', group)),
  ];
}

/** `-n train`, or nothing for what has no namespace. */
export const inNamespace = (namespace: string): readonly string[] =>
  namespace === '' ? [] : ['-n', namespace];
