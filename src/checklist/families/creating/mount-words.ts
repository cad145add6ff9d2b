import type { PodFacts } from '../../pod-facts.ts';
import { essence } from '../../read.ts';

/** What a mount error says, as [id, sentence]. */
export function readMount(message: string, facts: PodFacts): readonly [string, string] {
  const body = message.replace(
    /^.*?(?:Mount|Map|Attach)Volume\.\w+(?: initialization)? failed for volume "[^"]+"\s*(?:\([^)]*\)\s*)?: ?/,
    '',
  );
  const short = essence(body, 160);
  const driver = /driver name (\S+) not found in the list of registered CSI drivers/.exec(message)?.[1];
  if (driver !== undefined)
    return [
      'E5.driver-missing',
      `CSI driver ${driver} is not registered on node ${facts.node}: its node plugin does not run there`,
    ];
  if (/failed to sync (?:configmap|secret) cache/.test(message))
    return [
      'E5.cache',
      `the kubelet of node ${facts.node} does not get its ${/sync (\w+) cache/.exec(message)?.[1] === 'secret' ? 'Secret' : 'ConfigMap'} from the API server in time: the API server is slow or unreachable from the node, or the kubelet is overloaded`,
    ];
  if (/volume attachment is being deleted/.test(message))
    return [
      'E5.detaching',
      `the VolumeAttachment of the volume is being deleted: an earlier detach has not finished, and a new attachment waits for it`,
    ];
  if (
    /is still being used|still in use by|attached to (?:a )?(?:different|another) (?:instance|node|vm)|device is busy|already mounted or mount point busy/i.test(
      message,
    )
  )
    return [
      'E5.in-use',
      `the volume is still in use by another node or process, so node ${facts.node} cannot mount it: ${short}`,
    ];
  if (/NFS version or transport protocol is not supported|Protocol not supported/i.test(message))
    return [
      'E5.nfs-version',
      `the NFS server does not speak the version or protocol of the mount options: ${short}`,
    ];
  if (/authorization failure|login failed|CHAP/i.test(message))
    return ['E5.credentials', `the storage refuses the login of node ${facts.node}: ${short}`];
  if (/\(no CSIDriver object\)/.test(message))
    return ['E5.driver-missing', `the CSI driver of the volume is not installed in the cluster: ${short}`];
  const provider =
    /provider not found: provider "?([\w.-]+)"?|failed to find provider binary (\w+)|secrets-store-csi-providers\/(\w+)\/\S+: no such file/.exec(
      message,
    );
  if (provider !== null)
    return [
      'E5.provider-missing',
      `the secrets store provider ${provider.slice(1).find((name) => name !== undefined)} does not run on node ${facts.node}`,
    ];
  const providerClass = /secretproviderclasses?\S* "([^"]+)" not found/i.exec(message)?.[1];
  if (providerClass !== undefined)
    return [
      'E5.provider-class',
      `the SecretProviderClass ${providerClass} does not exist in namespace ${facts.namespace}`,
    ];
  const smb = /mount error\((\d+)\)/.exec(message)?.[1];
  if (smb !== undefined) {
    const why: Readonly<Record<string, readonly [string, string]>> = {
      '2': ['E5.path', 'the share or folder does not exist on the SMB server'],
      '5': ['E5.io', 'the SMB server answers with an I/O error'],
      '13': ['E5.credentials', 'the SMB server refuses the credentials of the mount'],
      '110': ['E5.unreachable', 'the SMB server does not answer (port 445)'],
      '111': ['E5.unreachable', 'the SMB server refuses the connection (port 445)'],
      '112': ['E5.unreachable', 'the SMB server is down'],
      '113': ['E5.unreachable', 'there is no route to the SMB server'],
      '115': ['E5.unreachable', 'the SMB server cannot be reached (port 445 is blocked?)'],
    };
    const [id, says] = why[smb] ?? ['E5.mount', `the SMB mount fails with error ${smb}`];
    return [id, `${says}, from node ${facts.node}: ${short}`];
  }
  if (
    /Is the MGS running\?|(?<!mount\.nfs: )No route to host|Network is unreachable|Host is down/i.test(
      message,
    )
  )
    return ['E5.unreachable', `the storage server cannot be reached from node ${facts.node}: ${short}`];
  if (/access denied by server|mount\.nfs.*(?:denied|permitted)/i.test(message))
    return ['E5.nfs-denied', `the NFS server denies access to node ${facts.node}: ${short}`];
  if (
    /mount\.nfs: (?:Connection timed out|Connection refused|No route)|rpc\.statd|Failed to resolve server|server .* not responding/i.test(
      message,
    )
  )
    return ['E5.nfs-unreachable', `the NFS server cannot be reached from node ${facts.node}: ${short}`];
  if (/mount\.nfs.*No such file|mounting .* failed, reason given by server: No such file/i.test(message))
    return ['E5.nfs-path', `the export or path does not exist on the NFS server: ${short}`];
  if (/hostPath type check failed/.test(message))
    return ['E5.host-path', `the hostPath is not what it should be on node ${facts.node}: ${short}`];
  if (
    /wrong fs type|bad option, bad superblock|unknown filesystem type|executable file not found|missing codepage or helper program/i.test(
      message,
    )
  )
    return [
      'E5.fs-type',
      `the file system cannot be mounted on node ${facts.node} (wrong type, or a mount helper is missing): ${short}`,
    ];
  if (/need a \/sbin\/mount\.<type> helper/.test(message))
    return [
      'E5.fs-type',
      `node ${facts.node} lacks the mount helper for this file system (nfs-common, cifs-utils): ${short}`,
    ];
  if (/fsck|UNEXPECTED INCONSISTENCY|[Ss]tructure needs cleaning|bad superblock/.test(message))
    return ['E5.fs-corrupt', `the file system of the volume is damaged and needs a repair (fsck): ${short}`];
  if (/Failed to resolve|Name or service not known|no such host|could not resolve/i.test(message))
    return ['E5.dns', `the storage server's name does not resolve on node ${facts.node}: ${short}`];
  if (/already exists/.test(message) && /Aborted|operation/.test(message))
    return [
      'E5.busy',
      `an earlier operation on the volume has not come back on node ${facts.node}: its storage or driver is slow or hangs (${short})`,
    ];
  if (/DeadlineExceeded|context deadline exceeded|[Tt]imed? ?out/.test(message))
    return [
      'E5.timeout',
      `the mount on node ${facts.node} does not finish in time: the storage backend or its driver does not answer (${short})`,
    ];
  if (/[Ss]tale (?:NFS )?file handle|[Tt]ransport endpoint is not connected/.test(message))
    return [
      'E5.stale',
      `the mount on node ${facts.node} is stale: its server or FUSE daemon went away (${short})`,
    ];
  if (/applyFSGroup|fsGroup/i.test(message))
    return [
      'E5.fs-group',
      `changing the owner of every file (fsGroup) does not finish: set fsGroupChangePolicy OnRootMismatch`,
    ];
  if (/kube-root-ca\.crt/.test(message))
    return ['E5.root-ca', `the ConfigMap kube-root-ca.crt of the namespace is not there yet: ${short}`];
  if (/serviceaccount.*token|failed to fetch token/i.test(message))
    return ['E5.token', `the ServiceAccount token cannot be fetched: ${short}`];
  if (/Input\/output error/i.test(message))
    return ['E5.io', `the storage answers with I/O errors on node ${facts.node}: ${short}`];
  if (
    /permission denied|PermissionDenied|AccessDenied|\b403\b|Unauthenticated|credential|auth(?:entication|orization)? (?:error|failed)|token \S* ?\S* ?is invalid|InvalidAccessKeyId|SignatureDoesNotMatch/i.test(
      message,
    )
  )
    return ['E5.credentials', `the storage refuses the credentials of the mount: ${short}`];
  if (/is not bound|not yet bound|unbound/i.test(message))
    return ['E5.unbound', `its claim is not bound: ${short}`];
  if (/no such file or directory|does not exist/i.test(message))
    return ['E5.path', `a path or device of the volume is not there: ${short}`];
  return ['E5.mount', `a volume cannot be mounted on node ${facts.node}: ${short}`];
}
