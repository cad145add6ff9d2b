import { generate } from 'selfsigned';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  readonly caPem: string;
  readonly server: KeyPair;
  /** A client certificate as the API server reads it: the common name is the user, the organisations are the groups. */
  client(user: string, groups: readonly string[]): Promise<KeyPair>;
}

const elliptic = { keyType: 'ec', algorithm: 'sha256' } as const;
/** A day of slack: the clocks of a laptop and a container may differ. */
const notBeforeDate = (): Date => new Date(Date.now() - 86_400_000);
const firstPem = (text: string): string => `${text.split(/(?<=-----END CERTIFICATE-----)/)[0] ?? text}\n`;

/** A certificate authority made for one run: nothing of it is kept, nothing trusts it but the kubeconfig written beside it. */
export async function createAuthority(): Promise<Authority> {
  const ca = await generate([{ name: 'commonName', value: 'mltop-demo-ca' }], {
    ...elliptic,
    notBeforeDate: notBeforeDate(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  const signer = { key: ca.private, cert: ca.cert };
  const server = await generate([{ name: 'commonName', value: 'mltop-demo' }], {
    ...elliptic,
    notBeforeDate: notBeforeDate(),
    ca: signer,
    extensions: [
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return {
    caPem: firstPem(ca.cert),
    server: { cert: firstPem(server.cert), key: server.private },
    async client(user, groups) {
      const subject = [
        { name: 'commonName', value: user },
        ...groups.map((value) => ({ name: 'organizationName', value })),
      ];
      const pair = await generate(subject, {
        ...elliptic,
        notBeforeDate: notBeforeDate(),
        ca: signer,
        extensions: [
          { name: 'keyUsage', digitalSignature: true, critical: true },
          { name: 'extKeyUsage', clientAuth: true },
        ],
      });
      return { cert: firstPem(pair.cert), key: pair.private };
    },
  };
}
