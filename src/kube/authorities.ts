import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { KubeError } from './kube-error.ts';

const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * The certificates of a bundle, as lists to be tried in turn. One list, nearly always; OpenSSL takes the first authority of
 * a name for the only one, so of those that share a name (a cluster whose authority is being rotated) each gets its turn.
 * What is no certificate is passed over, as Go does; Node would pass over all that follows as well. Throws KubeError where
 * nothing is left.
 */
export function authoritiesOf(pem: string | Buffer | undefined): readonly (readonly string[])[] {
  // Go trusts the machine's store where the kubeconfig names no authority; Node only its own list.
  if (pem === undefined) return [machineAuthorities()];
  const certificates = (pem.toString().match(block) ?? []).flatMap((text) => {
    const subject = subjectOf(text);
    return subject === undefined ? [] : [{ text, subject }];
  });
  if (certificates.length === 0)
    throw new KubeError('The certificate-authority holds no certificate', {
      kind: 'tls',
      hint: 'It is PEM text with "BEGIN CERTIFICATE": fetch the kubeconfig again, or give --certificate-authority.',
    });
  const sets: { text: string; subject: string }[][] = [];
  for (const one of certificates) {
    const set = sets.find((others) => others.every(({ subject }) => subject !== one.subject));
    if (set === undefined) sets.push([one]);
    else set.push(one);
  }
  const all = certificates.map(({ text }) => text);
  return sets.length === 1 ? [all] : [all, ...sets.map((set) => set.map(({ text }) => text))];
}

/** What a machine trusts: its own store and Node's. */
export const machineAuthorities = (): readonly string[] => [
  ...tls.rootCertificates,
  ...tls.getCACertificates('system'),
];

function subjectOf(text: string): string | undefined {
  try {
    return new X509Certificate(text).subject ?? '';
  } catch {
    return undefined;
  }
}
