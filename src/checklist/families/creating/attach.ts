import type { KubeObject } from '../../../kube/object.ts';
import { nameOf } from '../../evidence-index.ts';
import { describe, getObject, kubectl, recreateDeployment, targetOf } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, condition, essence, list, text, time } from '../../read.ts';
import type { PodState } from '../../state.ts';
import { cause, item, said, unknown } from '../../state.ts';
import { claimsOf } from '../pod-claims.ts';
import { complaint, creating, since } from './complaint.ts';

const attachments = (facts: PodFacts, volume: string): readonly KubeObject[] =>
  facts.index
    .of('VolumeAttachment')
    .filter((entry) => text(entry, 'spec', 'source', 'persistentVolumeName') === volume);

export const multiAttach: PodState = creating(
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
