import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { temporaryFolder } from '../folder.ts';

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  readonly ca: string;
  readonly caFile: string;
  readonly server: KeyPair;
  /** A server certificate for other names, or for another time. */
  readonly issue: (names: readonly string[], notAfter?: Date) => Promise<KeyPair>;
  readonly client: (user: string) => Promise<KeyPair>;
}

const elliptic = { keyType: 'ec', algorithm: 'sha256' } as const;
const yesterday = (): Date => new Date(Date.now() - 86_400_000);
const firstPem = (text: string): string => `${text.split(/(?<=-----END CERTIFICATE-----)/)[0] ?? text}\n`;

let made: Promise<TestAuthority> | undefined;

/** One certificate authority for the test file; nothing trusts it but these tests. */
export function authority(): Promise<TestAuthority> {
  made ??= makeAuthority();
  return made;
}

export async function makeAuthority(): Promise<TestAuthority> {
  const ca = await generate([{ name: 'commonName', value: 'test-ca' }], {
    ...elliptic,
    notBeforeDate: yesterday(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
    ],
  });
  const signer = { key: ca.private, cert: ca.cert };
  async function sign(
    name: string,
    use: 'serverAuth' | 'clientAuth',
    names: readonly string[],
    notAfter?: Date,
  ): Promise<KeyPair> {
    const altNames = [
      ...names.map((value) => ({ type: 2 as const, value })),
      ...(names.length === 0
        ? [
            { type: 7 as const, ip: '127.0.0.1' },
            { type: 2 as const, value: 'localhost' },
          ]
        : []),
    ];
    const pair = await generate([{ name: 'commonName', value: name }], {
      ...elliptic,
      notBeforeDate: notAfter === undefined ? yesterday() : new Date(notAfter.getTime() - 86_400_000),
      ...(notAfter !== undefined && { notAfterDate: notAfter }),
      ca: signer,
      extensions: [
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', [use]: true },
        ...(use === 'serverAuth' ? [{ name: 'subjectAltName' as const, altNames }] : []),
      ],
    });
    return { cert: firstPem(pair.cert), key: pair.private };
  }
  const caPem = firstPem(ca.cert);
  const caFile = join(temporaryFolder('ca'), 'ca.crt');
  writeFileSync(caFile, caPem);
  return {
    ca: caPem,
    caFile,
    server: await sign('server', 'serverAuth', []),
    issue: (names, notAfter) => sign('server', 'serverAuth', names, notAfter),
    client: (user) => sign(user, 'clientAuth', []),
  };
}
