import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stringify } from 'yaml';

interface KubeconfigUser {
  readonly name: string;
  readonly token: string;
  /** Namespace of the user's context. */
  readonly namespace?: string;
}

export interface KubeconfigParts {
  readonly server: string;
  readonly caPem: string;
  readonly users: readonly KubeconfigUser[];
  /** Whose context is current. */
  readonly current: string;
}

/** The first line of what the demo writes: a file that begins so may be overwritten. */
const mark = '# Written by `mltop demo`; it will be overwritten by the next one.\n';

/** `admin` has the context `demo`, everybody else `demo-NAME`. */
const contextOf = (user: string): string => (user === 'admin' ? 'demo' : `demo-${user}`);

/** A kubeconfig for the demo cluster, as text. */
export function kubeconfigText(parts: KubeconfigParts): string {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'mltop-demo',
        cluster: {
          server: parts.server,
          'certificate-authority-data': Buffer.from(parts.caPem).toString('base64'),
        },
      },
    ],
    users: parts.users.map((user) => ({ name: contextOf(user.name), user: { token: user.token } })),
    contexts: parts.users.map((user) => ({
      name: contextOf(user.name),
      context: {
        cluster: 'mltop-demo',
        user: contextOf(user.name),
        ...(user.namespace === undefined ? {} : { namespace: user.namespace }),
      },
    })),
    'current-context': contextOf(parts.current),
  };
  return `${mark}${stringify(config)}`;
}

/** A file that the demo did not write stands where its kubeconfig should go. */
export class ForeignKubeconfig extends Error {
  readonly path: string;
  constructor(path: string) {
    super(
      `${path} exists and was not written by mltop demo: it is left alone. Name another file with --kubeconfig.`,
    );
    this.path = path;
  }
}

/** Writes it, readable by its owner only. Throws `ForeignKubeconfig` rather than overwrite anything else. */
export async function writeKubeconfigFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx' });
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  if (!(await readFile(path, 'utf8')).startsWith(mark)) throw new ForeignKubeconfig(path);
  await writeFile(path, text, { mode: 0o600 });
  await chmod(path, 0o600);
}
