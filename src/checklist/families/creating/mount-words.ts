import type { PodFacts } from '../../pod-facts.ts';
import { essence } from '../../read.ts';

/** What a mount error is about, as [id, sentence]. */
type Reading = readonly [id: string, says: string];

/** Of a message: the pod and its node, what the storage itself said, and what the pattern captured. */
interface Told {
  readonly facts: PodFacts;
  readonly node: string;
  readonly short: string;
  readonly captured: readonly string[];
}

const smbErrors: Readonly<Record<string, Reading>> = {
  '2': ['E5.path', 'the share or folder does not exist on the SMB server'],
  '5': ['E5.io', 'the SMB server answers with an I/O error'],
  '13': ['E5.credentials', 'the SMB server refuses the credentials of the mount'],
  '110': ['E5.unreachable', 'the SMB server does not answer (port 445)'],
  '111': ['E5.unreachable', 'the SMB server refuses the connection (port 445)'],
  '112': ['E5.unreachable', 'the SMB server is down'],
  '113': ['E5.unreachable', 'there is no route to the SMB server'],
  '115': ['E5.unreachable', 'the SMB server cannot be reached (port 445 is blocked?)'],
};

const smb = ({ captured: [code = ''], node, short }: Told): Reading => {
  const [id, says] = smbErrors[code] ?? ['E5.mount', `the SMB mount fails with error ${code}`];
  return [id, `${says}, from node ${node}: ${short}`];
};

/** In the order in which they must be asked: the words of one program before those that all of them use. */
const readings: readonly (readonly [pattern: RegExp, read: (told: Told) => Reading])[] = [
  [
    /driver name (\S+) not found in the list of registered CSI drivers/,
    ({ captured: [driver], node }) => [
      'E5.driver-missing',
      `CSI driver ${driver} is not registered on node ${node}: its node plugin does not run there`,
    ],
  ],
  [
    /failed to sync (configmap|secret) cache/,
    ({ captured: [kind], node }) => [
      'E5.cache',
      `the kubelet of node ${node} does not get its ${kind === 'secret' ? 'Secret' : 'ConfigMap'} from the API server in time: the API server is slow or unreachable from the node, or the kubelet is overloaded`,
    ],
  ],
  [
    /volume attachment is being deleted/,
    () => [
      'E5.detaching',
      'the VolumeAttachment of the volume is being deleted: an earlier detach has not finished, and a new attachment waits for it',
    ],
  ],
  [
    /is still being used|still in use by|attached to (?:a )?(?:different|another) (?:instance|node|vm)|device is busy|already mounted or mount point busy/i,
    ({ node, short }) => [
      'E5.in-use',
      `the volume is still in use by another node or process, so node ${node} cannot mount it: ${short}`,
    ],
  ],
  [
    /NFS version or transport protocol is not supported|Protocol not supported/i,
    ({ short }) => [
      'E5.nfs-version',
      `the NFS server does not speak the version or protocol of the mount options: ${short}`,
    ],
  ],
  [
    /authorization failure|login failed|CHAP/i,
    ({ node, short }) => ['E5.credentials', `the storage refuses the login of node ${node}: ${short}`],
  ],
  [
    /\(no CSIDriver object\)/,
    ({ short }) => [
      'E5.driver-missing',
      `the CSI driver of the volume is not installed in the cluster: ${short}`,
    ],
  ],
  [
    /provider not found: provider "?([\w.-]+)"?|failed to find provider binary (\w+)|secrets-store-csi-providers\/(\w+)\/\S+: no such file/,
    ({ captured: [provider], node }) => [
      'E5.provider-missing',
      `the secrets store provider ${provider} does not run on node ${node}`,
    ],
  ],
  [
    /secretproviderclasses?\S* "([^"]+)" not found/i,
    ({ captured: [name], facts }) => [
      'E5.provider-class',
      `the SecretProviderClass ${name} does not exist in namespace ${facts.namespace}`,
    ],
  ],
  [/mount error\((\d+)\)/, smb],
  [
    /Is the MGS running\?|(?<!mount\.nfs: )No route to host|Network is unreachable|Host is down/i,
    ({ node, short }) => [
      'E5.unreachable',
      `the storage server cannot be reached from node ${node}: ${short}`,
    ],
  ],
  [
    /access denied by server|mount\.nfs.*(?:denied|permitted)/i,
    ({ node, short }) => ['E5.nfs-denied', `the NFS server denies access to node ${node}: ${short}`],
  ],
  [
    /mount\.nfs: (?:Connection timed out|Connection refused|No route)|rpc\.statd|Failed to resolve server|server .* not responding/i,
    ({ node, short }) => [
      'E5.nfs-unreachable',
      `the NFS server cannot be reached from node ${node}: ${short}`,
    ],
  ],
  [
    /mount\.nfs.*No such file|mounting .* failed, reason given by server: No such file/i,
    ({ short }) => ['E5.nfs-path', `the export or path does not exist on the NFS server: ${short}`],
  ],
  [
    /hostPath type check failed/,
    ({ node, short }) => ['E5.host-path', `the hostPath is not what it should be on node ${node}: ${short}`],
  ],
  [
    /wrong fs type|bad option, bad superblock|unknown filesystem type|executable file not found|missing codepage or helper program/i,
    ({ node, short }) => [
      'E5.fs-type',
      `the file system cannot be mounted on node ${node} (wrong type, or a mount helper is missing): ${short}`,
    ],
  ],
  [
    /need a \/sbin\/mount\.<type> helper/,
    ({ node, short }) => [
      'E5.fs-type',
      `node ${node} lacks the mount helper for this file system (nfs-common, cifs-utils): ${short}`,
    ],
  ],
  [
    /fsck|UNEXPECTED INCONSISTENCY|[Ss]tructure needs cleaning|bad superblock/,
    ({ short }) => [
      'E5.fs-corrupt',
      `the file system of the volume is damaged and needs a repair (fsck): ${short}`,
    ],
  ],
  [
    /Failed to resolve|Name or service not known|no such host|could not resolve/i,
    ({ node, short }) => ['E5.dns', `the storage server's name does not resolve on node ${node}: ${short}`],
  ],
  [
    /already exists[\s\S]*(?:Aborted|operation)|(?:Aborted|operation)[\s\S]*already exists/,
    ({ node, short }) => [
      'E5.busy',
      `an earlier operation on the volume has not come back on node ${node}: its storage or driver is slow or hangs (${short})`,
    ],
  ],
  [
    /DeadlineExceeded|context deadline exceeded|[Tt]imed? ?out/,
    ({ node, short }) => [
      'E5.timeout',
      `the mount on node ${node} does not finish in time: the storage backend or its driver does not answer (${short})`,
    ],
  ],
  [
    /[Ss]tale (?:NFS )?file handle|[Tt]ransport endpoint is not connected/,
    ({ node, short }) => [
      'E5.stale',
      `the mount on node ${node} is stale: its server or FUSE daemon went away (${short})`,
    ],
  ],
  [
    /applyFSGroup|fsGroup/i,
    () => [
      'E5.fs-group',
      'changing the owner of every file (fsGroup) does not finish: set fsGroupChangePolicy OnRootMismatch',
    ],
  ],
  [
    /kube-root-ca\.crt/,
    ({ short }) => [
      'E5.root-ca',
      `the ConfigMap kube-root-ca.crt of the namespace is not there yet: ${short}`,
    ],
  ],
  [
    /serviceaccount.*token|failed to fetch token/i,
    ({ short }) => ['E5.token', `the ServiceAccount token cannot be fetched: ${short}`],
  ],
  [
    /Input\/output error/i,
    ({ node, short }) => ['E5.io', `the storage answers with I/O errors on node ${node}: ${short}`],
  ],
  [
    /permission denied|PermissionDenied|AccessDenied|\b403\b|Unauthenticated|credential|auth(?:entication|orization)? (?:error|failed)|token \S* ?\S* ?is invalid|InvalidAccessKeyId|SignatureDoesNotMatch/i,
    ({ short }) => ['E5.credentials', `the storage refuses the credentials of the mount: ${short}`],
  ],
  [/is not bound|not yet bound|unbound/i, ({ short }) => ['E5.unbound', `its claim is not bound: ${short}`]],
  [
    /no such file or directory|does not exist/i,
    ({ short }) => ['E5.path', `a path or device of the volume is not there: ${short}`],
  ],
];

/** What the kubelet says around it. */
const wrapping =
  /^.*?(?:Mount|Map|Attach)Volume\.\w+(?: initialization)? failed for volume "[^"]+"\s*(?:\([^)]*\)\s*)?: ?/;

/** What a mount error says. */
export function readMount(message: string, facts: PodFacts): Reading {
  const short = essence(message.replace(wrapping, ''), 160);
  const { node } = facts;
  for (const [pattern, read] of readings) {
    const match = pattern.exec(message);
    if (match === null) continue;
    return read({ facts, node, short, captured: match.slice(1).filter((word) => word !== undefined) });
  }
  return ['E5.mount', `a volume cannot be mounted on node ${node}: ${short}`];
}
