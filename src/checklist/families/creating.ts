import type { KubeObject } from '../../kube/object.ts';
import { type Happening, nameOf } from '../evidence-index.ts';
import {
  deletePod,
  describe,
  editOwner,
  getObject,
  kubectl,
  podsOnNode,
  recreateDeployment,
  targetOf,
} from '../fixes.ts';
import { minutes } from '../limits.ts';
import { lastEvent, type PodFacts } from '../pod-facts.ts';
import { at, brief, condition, essence, list, nearNames, span, text, thereIs, time } from '../read.ts';
import type { Item, Verdict } from '../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, said, unknown } from '../state.ts';
import { missingObject, missingObjectCause } from './configuration.ts';

/** Scheduled, and no container has ever started: the stretch in which volumes, sandbox and devices are made. */
export function isCreating(facts: PodFacts): boolean {
  if (facts.phase !== 'Pending' && facts.phase !== '') return false;
  return facts.containers.every(
    (container) =>
      container.state === 'none' ||
      (container.state === 'waiting' &&
        (container.reason === 'ContainerCreating' ||
          container.reason === 'PodInitializing' ||
          container.reason === '')),
  );
}

/** The newest complaint of a family of reasons that nothing since has answered. */
function complaint(
  facts: PodFacts,
  reasons: readonly string[],
  pattern?: RegExp,
): { readonly event: Happening; readonly match: RegExpExecArray | undefined } | undefined {
  const found = lastEvent(facts.events, reasons, pattern);
  if (found === undefined) return undefined;
  const answered = lastEvent(facts.events, ['Pulling', 'Pulled', 'Created', 'Started']);
  return answered !== undefined && (answered.event.last ?? 0) > (found.event.last ?? 0) ? undefined : found;
}

const since = (event: Happening, facts: PodFacts): number | undefined => event.first ?? facts.startedAt;

const creating = (
  id: string,
  key: string,
  gate: PodState['gate'],
  title: string,
  build: (facts: PodFacts) => (Match & { readonly event?: Happening }) | undefined,
): PodState => ({
  id,
  key,
  title,
  gate,
  severity: 'bad',
  match: (facts) => (isCreating(facts) ? build(facts) : undefined),
});

export function claimsOf(facts: PodFacts): readonly string[] {
  if (facts.object === undefined)
    return (facts.row?.spec.volumes ?? []).flatMap((volume) =>
      volume.kind === 'claim'
        ? [volume.claim]
        : volume.kind === 'ephemeral'
          ? [`${facts.name}-${volume.volume}`]
          : [],
    );
  return list(facts.object, 'spec', 'volumes')
    .map(
      (volume) =>
        text(volume, 'persistentVolumeClaim', 'claimName') ||
        (at(volume, 'ephemeral') === undefined ? '' : `${facts.name}-${text(volume, 'name')}`),
    )
    .filter((name) => name !== '');
}

const attachments = (facts: PodFacts, volume: string): readonly KubeObject[] =>
  facts.index
    .of('VolumeAttachment')
    .filter((entry) => text(entry, 'spec', 'source', 'persistentVolumeName') === volume);

const multiAttach = creating(
  'E2',
  'volume.multi-attach',
  'volumes',
  'The volume is attached elsewhere',
  (facts) => {
    const found = complaint(
      facts,
      ['FailedAttachVolume'],
      /Multi-Attach error for volume "([^"]+)"(:? Volume is already (?:exclusively attached to one node|used by pod\(s\) ?(.*)).*)?/,
    );
    if (found === undefined) return undefined;
    const volume = found.match?.[1] ?? '';
    const attached = attachments(facts, volume).find(
      (entry) => text(entry, 'spec', 'nodeName') !== facts.node,
    );
    const claims = new Set(claimsOf(facts));
    const holderNames = (found.match?.[3] ?? '')
      .split(/[,\s]+/)
      .filter((name) => /^[\w.-]+$/.test(name) && !/^(?:and|pods?|other|namespaces|in|\d+)$/.test(name));
    const sharing = facts.index
      .inNamespace('Pod', facts.namespace)
      .filter(
        (pod) =>
          nameOf(pod) !== facts.name &&
          (holderNames.includes(nameOf(pod)) ||
            (text(pod, 'spec', 'nodeName') !== facts.node &&
              text(pod, 'spec', 'nodeName') !== '' &&
              list(pod, 'spec', 'volumes').some((entry) =>
                claims.has(text(entry, 'persistentVolumeClaim', 'claimName')),
              ))),
      );
    const holder = sharing[0];
    const name = holder === undefined ? (holderNames[0] ?? '') : nameOf(holder);
    const holderNode =
      holder === undefined ? text(attached, 'spec', 'nodeName') : text(holder, 'spec', 'nodeName');
    const node = holderNode === '' ? undefined : facts.index.find('Node', '', holderNode);
    const gone =
      node?.state === 'missing' ||
      (node?.state === 'present' && condition(node.object, 'Ready')?.status !== 'True');
    const dying = time(holder, 'metadata', 'deletionTimestamp') !== undefined;
    const target = targetOf(facts);
    const rolling = target.kind === 'Deployment' && (holder === undefined || !dying);
    const who =
      name === ''
        ? holderNode === ''
          ? 'another node'
          : `node ${holderNode}`
        : `pod ${name}${holderNode === '' ? '' : ` on node ${holderNode}`}`;
    const main = gone
      ? cause(
          'E2.node-gone',
          'proven',
          `volume ${volume} is still attached to node ${holderNode}, which is not ready: it is detached only when the node returns, or is declared out of service`,
          kubectl('Declare the dead node out of service (only if it is off)', 'cluster', '', [
            'taint',
            'node',
            holderNode,
            'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute',
          ]),
          kubectl('See the attachments', 'read', '', ['get', 'volumeattachments']),
        )
      : dying
        ? cause(
            'E2.terminating',
            'proven',
            `volume ${volume} (ReadWriteOnce) is still used by ${who}, which is terminating but not gone`,
            describe('pod', facts.namespace, name),
            kubectl('See the attachments', 'read', '', ['get', 'volumeattachments']),
          )
        : rolling
          ? cause(
              'E2.rolling-update',
              holder === undefined ? 'likely' : 'proven',
              `volume ${volume} is ReadWriteOnce and in use by ${who}: with a RollingUpdate the new pod waits for the old one, and the old one for the new`,
              recreateDeployment(facts.namespace, target.name),
              getObject('See who uses the claim', 'pods', facts.namespace, '-o', 'wide'),
            )
          : cause(
              'E2.in-use',
              'proven',
              `volume ${volume} is ReadWriteOnce and attached to ${who}: it cannot be attached to node ${facts.node} as well`,
              getObject('See who uses the claim', 'pods', facts.namespace, '-o', 'wide'),
              kubectl('See the attachments', 'read', '', ['get', 'volumeattachments']),
            );
    return {
      headline: `volume ${volume} is attached elsewhere: ${who}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [main],
        items: [
          item('E2.event', 'volumes', 'Its volumes can be attached', 'fail', said(found.event)),
          ...(node?.state === 'unknown'
            ? [unknown('E2.node', 'volumes', `Node ${holderNode} is ready`, node.why)]
            : []),
        ],
      }),
    };
  },
);

const attach = creating('E3', 'volume.attach', 'volumes', 'A volume cannot be attached', (facts) => {
  const found = complaint(facts, ['FailedAttachVolume']);
  if (found === undefined) return undefined;
  const volume = /volume "([^"]+)"/.exec(found.event.message)?.[1] ?? '';
  const driver = /external-attacher of (\S+) CSI driver/.exec(found.event.message)?.[1];
  const says =
    driver !== undefined
      ? `CSI driver ${driver} does not attach it in time: its controller (external-attacher) does not run or is stuck, or the storage is slow`
      : essence(
          found.event.message.replace(/^.*?AttachVolume\.Attach failed for volume "[^"]+" : /, ''),
          160,
        );
  const id =
    driver !== undefined
      ? 'E3.attacher'
      : /attached to (?:a )?(?:different|another|other) (?:node|instance|vm)|already attached|is in use by|VolumeInUse|currently attached/i.test(
            found.event.message,
          )
        ? 'E3.attached-elsewhere'
        : /CSINode \S+ does not contain driver/.test(found.event.message)
          ? 'E3.driver-missing'
          : /not found|does not exist|could not find/i.test(says)
            ? 'E3.volume-gone'
            : /limit|maximum|exceed/i.test(says)
              ? 'E3.limit'
              : /permission|denied|forbidden|unauthorized/i.test(says)
                ? 'E3.permission'
                : 'E3.attach';
  return {
    headline: `volume ${volume} cannot be attached: ${brief(says, 70)}`,
    since: since(found.event, facts),
    diagnose: () => ({
      causes: [
        cause(
          id,
          id === 'E3.attacher' ? 'likely' : 'proven',
          id === 'E3.driver-missing'
            ? `volume ${volume} cannot be attached to node ${facts.node}: the node plugin of CSI driver ${/does not contain driver (\S+)/.exec(found.event.message)?.[1] ?? ''} is not registered there`
            : id === 'E3.attached-elsewhere'
              ? `volume ${volume} is still attached to another node, so it cannot be attached to node ${facts.node}: ${says}`
              : `volume ${volume} cannot be attached to node ${facts.node}: ${says}`,
          kubectl('See the attachment and its error', 'read', '', ['get', 'volumeattachments', '-o', 'wide']),
          kubectl('See the CSI controllers', 'read', '', [
            'get',
            'pods',
            '-A',
            '-l',
            'app.kubernetes.io/component=csi-driver',
          ]),
          describe('pod', facts.namespace, facts.name),
        ),
      ],
      items: [item('E3.event', 'volumes', 'Its volumes can be attached', 'fail', said(found.event))],
    }),
  };
});

const mountReasons = [
  'FailedMount',
  'FailedMapVolume',
  'FailedMountOnFilesystemMismatch',
  'FailedAttachVolume',
];

const objectMissing = creating(
  'E4',
  'mount.object-missing',
  'volumes',
  'A ConfigMap or Secret to mount is missing',
  (facts) => {
    const found = complaint(
      facts,
      ['FailedMount'],
      /(?:configmap|secret)s? "[^"]+" not found|references non-existent (?:config|secret) key|couldn't find key|object "[^"]*"\/"[^"]+" not registered/,
    );
    if (found === undefined) return undefined;
    const missing = missingObject(found.event.message);
    if (missing === undefined) return undefined;
    const volume = /volume "([^"]+)"/.exec(found.event.message)?.[1] ?? '';
    const source = list(facts.object, 'spec', 'volumes').find((entry) => text(entry, 'name') === volume);
    const named =
      missing.name !== ''
        ? missing
        : { ...missing, name: text(source, 'configMap', 'name') || text(source, 'secret', 'secretName') };
    const { cause: because, item: exists, healed } = missingObjectCause('E4', facts, named, 'volumes');
    const label =
      named.key === undefined
        ? `${named.kind} ${named.name} not found`
        : `${named.kind} ${named.name} lacks key ${named.key}`;
    const made = time(
      facts.index.get(named.kind, facts.namespace, named.name),
      'metadata',
      'creationTimestamp',
    );
    return healed &&
      (facts.index.listed(named.kind) || (made !== undefined && made + 5000 >= (found.event.last ?? 0)))
      ? {
          headline: `${named.kind} ${named.name} is there by now: the kubelet tries again within two minutes`,
          severity: 'none',
          since: since(found.event, facts),
          diagnose: () => ({
            causes: [],
            items: [
              exists,
              item('E4.event', 'volumes', 'Its volumes can be mounted', 'info', said(found.event)),
            ],
          }),
        }
      : {
          headline: `volume ${volume}: ${label}`,
          since: since(found.event, facts),
          diagnose: () => ({
            causes: [because],
            items: [
              item('E4.event', 'volumes', 'Its volumes can be mounted', 'fail', said(found.event)),
              exists,
            ],
          }),
        };
  },
);

/** What a mount error says, as [id, sentence]. */
function readMount(message: string, facts: PodFacts): readonly [string, string] {
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

const mount = creating('E5', 'mount.storage', 'volumes', 'A volume cannot be mounted', (facts) => {
  // "timed out waiting for the condition" sums up; the message before it names the reason.
  const detailed = complaint(
    facts,
    mountReasons,
    /^(?!Unable to attach or mount volumes|.*timed out waiting for the condition)/,
  );
  const owning = complaint(facts, ['VolumePermissionChangeInProgress']);
  const found = detailed ?? owning ?? complaint(facts, mountReasons);
  if (found === undefined) return undefined;
  const volume =
    /volume "?([^"\s]+)/.exec(found.event.message)?.[1] ??
    /unmounted volumes=\[([^\]]*)\]/.exec(found.event.message)?.[1] ??
    '';
  const [id, says] =
    detailed === undefined && owning !== undefined
      ? [
          'E5.fs-group',
          `changing the owner of every file of its volume (fsGroup) goes on and holds the start up: set fsGroupChangePolicy OnRootMismatch (${essence(found.event.message, 90)})`,
        ]
      : detailed === undefined && /^Unable to (?:attach or )?mount volumes/.test(found.event.message)
        ? [
            'E5.timeout',
            `the volumes ${volume || 'of the pod'} are not attached and mounted in time, and the message that says why is not in the evidence: the storage backend or its driver does not answer, or a ConfigMap or Secret is missing`,
          ]
        : readMount(found.event.message, facts);
  const claim = claimsOf(facts)[0];
  return {
    headline: `volume ${volume} cannot be mounted: ${brief((says ?? '').replace(/^.*?: /, ''), 70)}`,
    since: since(found.event, facts),
    diagnose: () => ({
      causes: [
        cause(
          id ?? 'E5',
          detailed === undefined && owning !== undefined
            ? 'likely'
            : detailed === undefined
              ? 'possible'
              : id === 'E5.busy'
                ? 'likely'
                : 'proven',
          says ?? '',
          id === 'E5.host-path' || id === 'E5.path' || id === 'E5.fs-group'
            ? editOwner(facts, 'Correct the volume')
            : undefined,
          id === 'E5.driver-missing'
            ? kubectl('See the drivers of the node', 'read', '', [
                'get',
                'csinode',
                facts.node || 'NODE',
                '-o',
                'yaml',
              ])
            : undefined,
          describe('pod', facts.namespace, facts.name),
          claim === undefined ? undefined : describe('pvc', facts.namespace, claim),
        ),
      ],
      items: [item('E5.event', 'volumes', 'Its volumes can be mounted', 'fail', said(found.event))],
    }),
  };
});

/** The network plugin of a message, and what it says itself, without the wrapping of the layers above it. */
function networkSays(message: string): { readonly who: string; readonly short: string } {
  const plugin =
    [...message.matchAll(/plugin type="([\w.-]+)"/g)].at(-1)?.[1] ??
    /\b(calico|flannel|cilium|weave|kube-router|antrea|canal|kube-ovn|ovn-kubernetes|aws-cni|azure-vnet)\b/i.exec(
      message,
    )?.[1];
  // A meta plugin names the network that it could not add.
  const delegate = [...message.matchAll(/error adding container to network "([^"]+)"/g)].at(-1)?.[1];
  const who = `the network plugin${plugin === undefined ? '' : ` ${plugin}`}${delegate === undefined || delegate === plugin ? '' : ` (network ${delegate})`}`;
  const inner = message
    .replace(/,? failed to clean up sandbox container .*$/, '')
    .replace(
      /^.*(?:failed \((?:add|delete)\): |error adding container to network "[^"]+": |[Nn]etwork[Pp]lugin cni failed to set up pod "[^"]+" network: |(?:failed to (?:set ?up|setup) (?:network|sandbox)[^:]*|Failed to create pod sandbox): (?:rpc error: code = \w+ desc = )?)/,
      '',
    )
    .replace(/CNI request failed with status \d+: '?/g, '')
    .replace(/^\[[^\]]*\]:? /, '')
    .replace(/'+$/, '');
  return { who, short: inner.length <= 160 ? inner : essence(inner, 160) };
}

/** What a network error of the sandbox says: how sure it is, too. */
function readSandbox(
  message: string,
  facts: PodFacts,
): { readonly id: string; readonly says: string; readonly verdict: Verdict } {
  const { who, short } = networkSays(message);
  const found = (id: string, says: string, verdict: Verdict = 'proven') => ({
    id: `E6.${id}`,
    says,
    verdict,
  });
  if (
    /failed to assign an IP address|no IP addresses available|Insufficient number of available IP|no available IP|IPAM.*(?:exhaust|full)|range is full|out of IPs|not enough (?:available )?IP|AllocationFailure|no more (?:available )?(?:IP|addresses)|no more free affine blocks|assigned 0 out of \d+ requested|(?:ip|address) pool (?:is )?(?:exhausted|full)/i.test(
      message,
    )
  )
    return found(
      'ip-exhausted',
      `${who} has no free pod IP address on node ${facts.node}: ${short}`,
      // The AWS plugin says the same when it may not or cannot get a network interface.
      /failed to assign an IP address/.test(message) ? 'likely' : 'proven',
    );
  const nad = /cannot find a network-attachment-definition \(([^)]+)\)/.exec(message)?.[1];
  if (nad !== undefined)
    return found(
      'attachment-missing',
      `the network attachment definition ${nad} does not exist (annotation k8s.v1.cni.cncf.io/networks)`,
    );
  const binary = /failed to find plugin "([^"]+)"/.exec(message)?.[1];
  if (binary !== undefined)
    return found('plugin-missing', `the CNI plugin ${binary} is not installed on node ${facts.node}`);
  if (
    /cni plugin not initialized|cni config uninitialized|no networks found in|network is not ready/i.test(
      message,
    )
  )
    return found(
      'not-initialized',
      `the network of node ${facts.node} is not set up: its CNI pod does not run there, or has not written its configuration`,
    );
  if (/already has an IP address different from|veth name .*already exists/.test(message))
    return found(
      'leftover',
      `an interface of an earlier network setup is left on node ${facts.node}: ${short}`,
    );
  if (
    /incompatible CNI versions|unsupported CNI (?:result )?version|error parsing configuration|invalid (?:CNI )?config/i.test(
      message,
    )
  )
    return found(
      'config',
      `the CNI configuration of node ${facts.node} is not valid for its plugin: ${short}`,
    );
  if (/pod ?cidr not assigned|no podCIDR|doesn't have a podCIDR|failed to acquire lease/i.test(message))
    return found('no-cidr', `node ${facts.node} has no range of pod addresses (podCIDR): ${short}`);
  if (
    /https:\/\/[^\s"]+"?: (?:dial tcp|net\/http|context deadline|EOF|read tcp|Service Unavailable)/.test(
      message,
    )
  )
    return found('api-unreachable', `${who} cannot reach the API server from node ${facts.node}: ${short}`);
  if (
    /dial (?:unix|tcp).*(?:connect: (?:connection refused|no such file)|no such file or directory)|connection refused|calico\/nodename|is the .*(?:agent|node|daemon).* running|Unable to connect to .*daemon|check that the calico\/node container is running|flannel\/subnet\.env/i.test(
      message,
    )
  )
    return found(
      'cni-down',
      `${who} on node ${facts.node} does not answer: its pod is not running or not ready there: ${short}`,
    );
  if (/[Uu]nauthorized|forbidden/i.test(message))
    return found('cni-auth', `${who} is not allowed to talk to the API server: ${short}`);
  if (/SRIOV|sr-iov|\bVF\b|physfn/i.test(message))
    return found(
      'sriov',
      `the SR-IOV device (VF) that the pod got on node ${facts.node} cannot be used: ${short}`,
      'likely',
    );
  if (/tim(?:ed|e) ?out|timeout|deadline exceeded|too many requests/i.test(message))
    return found(
      'cni-slow',
      `${who} on node ${facts.node} does not finish in time: its agent is overloaded, starting or not healthy: ${short}`,
      'likely',
    );
  return found('network', `${who} on node ${facts.node} fails: ${short}`, 'likely');
}

const sandboxReasons = [
  'FailedCreatePodSandBox',
  'NetworkNotReady',
  'FailedPodSandBoxStatus',
  'FailedCreatePodContainer',
];
const networkWords = /network|cni\b|CNI|plugin type=|IPAM|IP address/;

const runtimeHandler = creating(
  'E7',
  'sandbox.runtime-handler',
  'sandbox',
  'The node does not know the runtime',
  (facts) => {
    const found = complaint(
      facts,
      sandboxReasons,
      /no runtime for "([^"]+)" is configured|RuntimeHandler "([^"]+)" not supported|unknown runtime(?: handler)? "?(\S+?)"?$|runtime handler "([^"]+)"|failed to find runtime handler (\S+)/,
    );
    if (found === undefined) return undefined;
    const handler =
      found.match?.slice(1).find((entry) => entry !== undefined) ??
      text(facts.object, 'spec', 'runtimeClassName');
    return {
      headline: `node does not know runtime "${handler}"`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            'E7.handler',
            'proven',
            `the container runtime of node ${facts.node} has no handler "${handler}"${/nvidia/.test(handler) ? ': the NVIDIA container toolkit is not installed or configured there' : ''} (runtimeClassName ${text(facts.object, 'spec', 'runtimeClassName') || handler})`,
            podsOnNode('See the toolkit on the nodes', facts.node),
            getObject('See the runtime classes', 'runtimeclass', ''),
            editOwner(facts, 'Correct or drop runtimeClassName'),
          ),
        ],
        items: [item('E7.event', 'sandbox', 'The sandbox can be made', 'fail', said(found.event))],
      }),
    };
  },
);

const network = creating('E6', 'sandbox.network', 'sandbox', 'The pod gets no network', (facts) => {
  const found = complaint(facts, sandboxReasons, networkWords);
  if (found === undefined) return undefined;
  const { id, says, verdict } = readSandbox(found.event.message, facts);
  const others = facts.index
    .podsOn(facts.node)
    .filter(
      (pod) =>
        nameOf(pod) !== facts.name &&
        facts.index
          .events(pod)
          .some((event) => event.reason === 'FailedCreatePodSandBox' && networkWords.test(event.message)),
    );
  return {
    headline: `no pod network: ${brief(says, 90)}`,
    since: since(found.event, facts),
    diagnose: () => ({
      causes: [
        cause(
          id,
          verdict,
          `${says}${others.length > 0 ? `; ${others.length} other pods of the node have the same` : ''}`,
          podsOnNode('See the network pods of the node', facts.node, 'kube-system'),
          describe('node', '', facts.node || 'NODE'),
          describe('pod', facts.namespace, facts.name),
        ),
      ],
      items: [
        item('E6.event', 'sandbox', 'The pod gets a network', 'fail', said(found.event)),
        item(
          'E6.others',
          'sandbox',
          'Other pods of the node',
          others.length > 0 ? 'fail' : 'info',
          evidence('with the same', String(others.length)),
        ),
      ],
    }),
  };
});

const sandbox = creating(
  'E8',
  'sandbox.node-broken',
  'sandbox',
  'The node cannot make a sandbox',
  (facts) => {
    const found = complaint(facts, sandboxReasons);
    if (found === undefined) return undefined;
    const { message } = found.event;
    const limit = facts.containers
      .map((container) => text(container.spec, 'resources', 'limits', 'memory'))
      .find((value) => value !== '');
    const [id, says] = /OOM-killed|memory limit too low|cannot allocate memory/.test(message)
      ? [
          'E8.limit-too-low',
          `the memory limit ${limit ?? ''} is too low even for the sandbox: the runtime is OOM-killed while it starts${limit !== undefined && /m$/.test(limit) ? ' ("m" means thousandths of a byte: use Mi)' : ''}`,
        ]
      : /no space left on device/.test(message)
        ? ['E8.no-space', `node ${facts.node} has no space left (disk, inodes or cgroups)`]
        : /pause|sandbox image/.test(message) && /pull|resolve|not found/.test(message)
          ? ['E8.pause-image', `node ${facts.node} cannot pull the pause image of the sandbox`]
          : /failed to reserve sandbox name/.test(message)
            ? [
                'E8.runtime-stuck',
                `the container runtime of node ${facts.node} is stuck: an older sandbox still has the name`,
              ]
            : /resolv\.conf/.test(message)
              ? [
                  'E8.resolv-conf',
                  `the file of name servers that the kubelet of node ${facts.node} is to hand to pods (resolvConf) is not there: ${essence(message)}`,
                ]
              : /resource temporarily unavailable|newosproc|can't start new thread|pthread_create failed/.test(
                    message,
                  )
                ? [
                    'E8.pids',
                    `node ${facts.node} cannot start another process: its limit of process or thread ids (PIDs) is reached: ${essence(message)}`,
                  ]
                : /cgroupsPath to be of format|cgroup driver/.test(message)
                  ? [
                      'E8.cgroup-driver',
                      `kubelet and container runtime of node ${facts.node} use different cgroup drivers (systemd and cgroupfs): ${essence(message)}`,
                    ]
                  : /dial unix|containerd\.sock|crio\.sock|docker daemon|code = Unavailable/.test(message)
                    ? [
                        'E8.runtime-down',
                        `the container runtime of node ${facts.node} does not answer: ${essence(message)}`,
                      ]
                    : /fork\/exec \S+: no such file or directory/.test(message)
                      ? [
                          'E8.runtime-program',
                          `the container runtime of node ${facts.node} is set to a program that is not there: ${/fork\/exec (\S+):/.exec(message)?.[1]}`,
                        ]
                      : /cgroup/.test(message)
                        ? ['E8.cgroup', `node ${facts.node} cannot make the cgroup: ${essence(message)}`]
                        : ['E8.sandbox', `node ${facts.node} cannot make the sandbox: ${essence(message)}`];
    return {
      headline: `no sandbox: ${brief(says ?? '', 90)}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            id ?? 'E8',
            id === 'E8.sandbox' ? 'likely' : 'proven',
            says ?? '',
            id === 'E8.limit-too-low'
              ? editOwner(facts, 'Raise the memory limit to at least some tens of Mi')
              : kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
            describe('pod', facts.namespace, facts.name),
            describe('node', '', facts.node || 'NODE'),
          ),
        ],
        items: [item('E8.event', 'sandbox', 'The sandbox can be made', 'fail', said(found.event))],
      }),
    };
  },
);

const draPrepare = creating(
  'E9',
  'dra.prepare',
  'sandbox',
  'A claimed device cannot be prepared',
  (facts) => {
    const found = complaint(facts, ['FailedPrepareDynamicResources']);
    if (found === undefined) return undefined;
    const driver =
      /DRA driver (\S+) is not registered|plugin name (\S+) not found in the list of registered DRA plugins/
        .exec(found.event.message)
        ?.slice(1)
        .find((name) => name !== undefined);
    return {
      headline:
        driver === undefined
          ? `device not prepared: ${brief(found.event.message.replace(/^.*desc = /, ''), 70)}`
          : `DRA driver ${driver} does not run on the node`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            driver === undefined ? 'E9.prepare' : 'E9.driver',
            'proven',
            driver === undefined
              ? `the DRA driver on node ${facts.node} cannot prepare the claimed device: ${essence(found.event.message, 160)}`
              : `DRA driver ${driver} is not registered on node ${facts.node}: its kubelet plugin does not run there`,
            getObject('See the claims', 'resourceclaims', facts.namespace),
            podsOnNode('See the driver pods', facts.node),
          ),
        ],
        items: [item('E9.event', 'sandbox', 'Its devices are prepared', 'fail', said(found.event))],
      }),
    };
  },
);

/** What the node looks like, for pods that hang on it. */
export function nodeTrouble(
  facts: PodFacts,
): { readonly text: string; readonly item: Item; readonly guess?: true } | undefined {
  if (facts.node === '') return undefined;
  const node = facts.index.find('Node', '', facts.node);
  if (node.state === 'missing')
    return {
      text: `node ${facts.node} does not exist (any more)`,
      item: item(
        'N.node',
        'nodeAdmits',
        `Node ${facts.node} exists`,
        'fail',
        evidence('node', 'not there', undefined, { ref: { kind: 'Node', namespace: '', name: facts.node } }),
      ),
    };
  if (node.state === 'unknown') return undefined;
  const ready = condition(node.object, 'Ready');
  if (ready === undefined || ready.status === 'True') return undefined;
  return {
    text: `node ${facts.node} is not ready: ${ready.message || ready.reason}`,
    item: item(
      'N.node',
      'nodeAdmits',
      `Node ${facts.node} is ready`,
      'fail',
      evidence('Ready', `${ready.status} ${ready.reason}: ${ready.message}`, 'status.conditions[Ready]', {
        ref: { kind: 'Node', namespace: '', name: facts.node },
        at: ready.at,
      }),
    ),
  };
}

/** A node that is not among several known ones, where nobody says that they are all. */
function strangeNode(
  facts: PodFacts,
): { readonly text: string; readonly item: Item; readonly guess: true } | undefined {
  const known = facts.index.of('Node').map(nameOf);
  if (known.length < 2 || known.includes(facts.node)) return undefined;
  const near = nearNames(facts.node, known);
  return {
    text: `node ${facts.node} is not among the ${known.length} nodes known here${thereIs(near)}: it does not exist (any more), or the name is wrong`,
    item: item(
      'N.node',
      'nodeAdmits',
      `Node ${facts.node} exists`,
      'warn',
      evidence('nodes', known.slice(0, 6).join(', ')),
    ),
    guess: true,
  };
}

const silent = creating('E10', 'kubelet.silent', 'nodeAdmits', 'The kubelet does not react', (facts) => {
  if (facts.node === '') return undefined;
  const bound = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt ?? facts.now;
  const quiet = facts.now - bound;
  const seen = facts.containers.some((container) => container.state !== 'none');
  const trouble = nodeTrouble(facts) ?? strangeNode(facts);
  const heard = facts.events.some(
    (event) => event.source === 'kubelet' || /^(?:Pull|Created|Started|Failed)/.test(event.reason),
  );
  if (!facts.eventsKnown || seen || heard || (quiet < 60_000 && trouble === undefined)) return undefined;
  return {
    headline:
      trouble === undefined
        ? `bound ${span(quiet)} ago, the kubelet of ${facts.node} is silent`
        : trouble.text,
    since: bound,
    diagnose: () => ({
      causes: [
        cause(
          trouble === undefined ? 'E10.silent' : 'E10.node-down',
          trouble === undefined || trouble.guess === true ? 'likely' : 'proven',
          trouble?.text ??
            `the kubelet of node ${facts.node} has not touched the pod for ${span(quiet)}: it hangs, is overloaded, or cannot reach the API server`,
          describe('node', '', facts.node),
          deletePod(facts, 'Let it be placed elsewhere'),
        ),
      ],
      items: [
        item(
          'E10.status',
          'nodeAdmits',
          'The kubelet reports the pod',
          'fail',
          evidence('containerStatuses', 'none', 'status.containerStatuses'),
          evidence('bound', `${span(quiet)} ago`, 'status.conditions[PodScheduled]', { at: bound }),
        ),
        ...(trouble === undefined ? [] : [trouble.item]),
      ],
    }),
  };
});

/** On the way; or stuck without a word, which a deadline of ten minutes tells apart. */
const starting: PodState = {
  id: 'E1',
  key: 'create.normal',
  gate: 'sandbox',
  severity: 'none',
  title: 'Starting',
  match: (facts) => {
    if (facts.node === '' || !isCreating(facts)) return undefined;
    const newest = facts.events.at(-1);
    const age =
      facts.now -
      (facts.conditions.get('PodScheduled')?.at ?? facts.startedAt ?? facts.createdAt ?? facts.now);
    const step = newest === undefined ? '' : `: ${brief(newest.message, 60)}`;
    const stuck =
      facts.eventsKnown &&
      age > minutes(facts.limits.startMinutes) &&
      facts.now - (newest?.last ?? 0) > 5 * 60_000;
    if (!stuck) return { headline: `starting${step}` };
    const trouble = nodeTrouble(facts);
    const claims = claimsOf(facts);
    const suspects = claims
      .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
      .filter((claim) => claim !== undefined && text(claim, 'status', 'phase') !== 'Bound')
      .map(nameOf);
    return {
      headline: `not started after ${span(age)}: ${trouble?.text ?? 'no word from the kubelet'}`,
      severity: 'bad',
      since: facts.startedAt,
      diagnose: (): Diagnosis => ({
        causes: [
          ...(trouble === undefined
            ? []
            : [cause('J3.node', 'proven', trouble.text, describe('node', '', facts.node))]),
          ...(suspects.length === 0
            ? []
            : [
                cause(
                  'C8.unbound',
                  'proven',
                  `its claim ${suspects.join(', ')} is not bound`,
                  describe('pvc', facts.namespace, suspects[0] ?? ''),
                ),
              ]),
          cause(
            'E1.stuck',
            'possible',
            `it is being created for ${span(age)}; the event that would say why is gone (events expire after an hour): volumes, network or a very large image`,
            describe('pod', facts.namespace, facts.name),
            deletePod(facts, 'Start over, which brings fresh events'),
          ),
        ],
        items: [unknown('E1.why', 'sandbox', 'What it waits for', 'eventExpired')],
      }),
    };
  },
};

export const volumeStates: readonly PodState[] = [multiAttach, objectMissing, attach, mount];
export const sandboxStates: readonly PodState[] = [runtimeHandler, network, draPrepare, sandbox];
export const lateStates: readonly PodState[] = [silent, starting];
