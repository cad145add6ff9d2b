import type { KubeObject } from '../../../kube/object.ts';
import { nameOf, type Presence } from '../../evidence-index.ts';
import { describe, getObject, kubectl, recreateDeployment, targetOf } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, condition, essence, list, text, time } from '../../read.ts';
import type { Cause, Fix } from '../../report.ts';
import type { PodState } from '../../state.ts';
import { cause, item, said, unknown } from '../../state.ts';
import { claimsOf } from '../pod-claims.ts';
import { complaint, creating, since } from './complaint.ts';

const seeAttachments = (): Fix | undefined => getObject('See the attachments', 'volumeattachments', '');

const multiAttachError =
  /Multi-Attach error for volume "([^"]+)"(:? Volume is already (?:exclusively attached to one node|used by pod\(s\) ?(.*)).*)?/;

/** Who has a volume that only one node may have. */
interface Holder {
  /** Undefined where only its name, or its node, is known. */
  readonly pod: KubeObject | undefined;
  readonly name: string;
  readonly nodeName: string;
  readonly node: Presence | undefined;
  /** `pod a on node b`, as far as it is known. */
  readonly who: string;
}

/** By the names in the message, by the claims that other pods share, by the attachment. */
function holderOf(facts: PodFacts, volume: string, told: string): Holder {
  const names = told
    .split(/[,\s]+/)
    .filter((name) => /^[\w.-]+$/.test(name) && !/^(?:and|pods?|other|namespaces|in|\d+)$/.test(name));
  const claims = new Set(claimsOf(facts));
  const shares = (pod: KubeObject): boolean =>
    text(pod, 'spec', 'nodeName') !== facts.node &&
    text(pod, 'spec', 'nodeName') !== '' &&
    list(pod, 'spec', 'volumes').some((entry) =>
      claims.has(text(entry, 'persistentVolumeClaim', 'claimName')),
    );
  const pod = facts.index
    .inNamespace('Pod', facts.namespace)
    .find((other) => nameOf(other) !== facts.name && (names.includes(nameOf(other)) || shares(other)));
  const attachment = facts.index
    .of('VolumeAttachment')
    .find(
      (entry) =>
        text(entry, 'spec', 'source', 'persistentVolumeName') === volume &&
        text(entry, 'spec', 'nodeName') !== facts.node,
    );
  const name = pod === undefined ? (names[0] ?? '') : nameOf(pod);
  const nodeName = text(pod ?? attachment, 'spec', 'nodeName');
  const there = nodeName === '' ? '' : ` on node ${nodeName}`;
  return {
    pod,
    name,
    nodeName,
    node: nodeName === '' ? undefined : facts.index.find('Node', '', nodeName),
    who: name !== '' ? `pod ${name}${there}` : nodeName === '' ? 'another node' : `node ${nodeName}`,
  };
}

const isGone = (node: Presence | undefined): boolean =>
  node?.state === 'missing' ||
  (node?.state === 'present' && condition(node.object, 'Ready')?.status !== 'True');

function holderCause(facts: PodFacts, volume: string, { pod, name, nodeName, node, who }: Holder): Cause {
  if (isGone(node))
    return cause(
      'E2.node-gone',
      'proven',
      `volume ${volume} is still attached to node ${nodeName}, which is not ready: it is detached only when the node returns, or is declared out of service`,
      kubectl('Declare the dead node out of service (only if it is off)', 'cluster', '', [
        'taint',
        'node',
        nodeName,
        'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute',
      ]),
      seeAttachments(),
    );
  if (time(pod, 'metadata', 'deletionTimestamp') !== undefined)
    return cause(
      'E2.terminating',
      'proven',
      `volume ${volume} (ReadWriteOnce) is still used by ${who}, which is terminating but not gone`,
      describe('pod', facts.namespace, name),
      seeAttachments(),
    );
  const target = targetOf(facts);
  const seeUsers = getObject('See who uses the claim', 'pods', facts.namespace, '-o', 'wide');
  return target.kind === 'Deployment'
    ? cause(
        'E2.rolling-update',
        pod === undefined ? 'likely' : 'proven',
        `volume ${volume} is ReadWriteOnce and in use by ${who}: with a RollingUpdate the new pod waits for the old one, and the old one for the new`,
        recreateDeployment(facts.namespace, target.name),
        seeUsers,
      )
    : cause(
        'E2.in-use',
        'proven',
        `volume ${volume} is ReadWriteOnce and attached to ${who}: it cannot be attached to node ${facts.node} as well`,
        seeUsers,
        seeAttachments(),
      );
}

export const multiAttach: PodState = creating(
  'E2',
  'volume.multi-attach',
  'volumes',
  'The volume is attached elsewhere',
  (facts) => {
    const found = complaint(facts, ['FailedAttachVolume'], multiAttachError);
    if (found === undefined) return undefined;
    const volume = found.match?.[1] ?? '';
    const holder = holderOf(facts, volume, found.match?.[3] ?? '');
    return {
      headline: `volume ${volume} is attached elsewhere: ${holder.who}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [holderCause(facts, volume, holder)],
        items: [
          item('E2.event', 'volumes', 'Its volumes can be attached', 'fail', said(found.event)),
          ...(holder.node?.state === 'unknown'
            ? [unknown('E2.node', 'volumes', `Node ${holder.nodeName} is ready`, holder.node.why)]
            : []),
        ],
      }),
    };
  },
);

/** What keeps a volume from being attached: the whole message, and what the storage itself said. */
function attachId(message: string, says: string): string {
  if (
    /attached to (?:a )?(?:different|another|other) (?:node|instance|vm)|already attached|is in use by|VolumeInUse|currently attached/i.test(
      message,
    )
  )
    return 'E3.attached-elsewhere';
  if (/CSINode \S+ does not contain driver/.test(message)) return 'E3.driver-missing';
  if (/not found|does not exist|could not find/i.test(says)) return 'E3.volume-gone';
  if (/limit|maximum|exceed/i.test(says)) return 'E3.limit';
  return /permission|denied|forbidden|unauthorized/i.test(says) ? 'E3.permission' : 'E3.attach';
}

export const attach: PodState = creating(
  'E3',
  'volume.attach',
  'volumes',
  'A volume cannot be attached',
  (facts) => {
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
    const id = driver === undefined ? attachId(found.event.message, says) : 'E3.attacher';
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
            kubectl('See the attachment and its error', 'read', '', [
              'get',
              'volumeattachments',
              '-o',
              'wide',
            ]),
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
  },
);
