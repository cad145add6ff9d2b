import { changeTemplate, cordon, describe, kubectl, setImage } from '../../fixes.ts';
import { essence, text } from '../../read.ts';
import { cause } from '../../state.ts';
import type { FaultText, ImageFault } from './fault.ts';
import { closeNames, parseReference } from './reference.ts';

/** Time ran out with no word of a connection: the bytes came too slowly, or the node was too busy with them. */
const tooSlow = (found: ImageFault): boolean =>
  /context deadline exceeded|context canceled/.test(found.said) &&
  !/dial |lookup |failed to do request|\b(?:Get|Head|Post) "|Client\.Timeout|TLS|pinging|i\/o timeout/.test(
    found.said,
  );

/** The runtime itself does not answer on its socket: no registry was asked. */
const runtimeSilent = (found: ImageFault): boolean =>
  /dial unix|Cannot connect to the Docker daemon/.test(found.said);

/** The node does not get to the registry, or the bytes do not come in time. */
export const unreachable: FaultText = {
  label: (facts, found) =>
    runtimeSilent(found)
      ? `the container runtime of ${facts.node || 'the node'} does not answer`
      : tooSlow(found)
        ? `image pull: not finished in time: ${found.image}`
        : `image pull: cannot reach ${parseReference(found.image).registry}`,
  explain: (facts, found) => {
    if (runtimeSilent(found))
      return {
        causes: [
          cause(
            'F5.runtime',
            'proven',
            `the container runtime of node ${facts.node} does not answer on its socket, so nothing can be pulled or started there: ${essence(found.said, 120)}`,
            describe('node', '', facts.node || 'NODE'),
            facts.node === '' ? undefined : cordon(facts.node),
          ),
        ],
      };
    const ref = parseReference(found.image);
    if (tooSlow(found))
      return {
        causes: [
          cause(
            'F5.slow',
            'likely',
            `the pull of ${found.image} does not finish in time: a large image over a slow connection, a slow registry, or an overloaded disk or runtime on node ${facts.node}: ${essence(found.said, 120)}`,
            describe('node', '', facts.node || 'NODE'),
            describe('pod', facts.namespace, facts.name),
          ),
        ],
      };
    const phase =
      /no such host|server misbehaving|lookup \S+(?: on \S+)?: (?:read|i\/o timeout|dial|write)/.test(
        found.said,
      )
        ? `the name ${ref.registry} does not resolve on the node`
        : /connection refused/.test(found.said)
          ? `${ref.registry} refuses the connection`
          : /certificate|TLS/.test(found.said)
            ? `the TLS handshake with ${ref.registry} times out`
            : /connection reset|EOF|broken pipe/.test(found.said)
              ? `the connection to ${ref.registry} breaks`
              : `${ref.registry} does not answer in time`;
    const node = facts.node === '' ? '' : ` from node ${facts.node}`;
    const near = closeNames(facts, found.image);
    return {
      causes: [
        cause(
          'F5.network',
          'proven',
          `the registry cannot be reached${node}: ${phase}${near.length > 0 ? `; known and close: ${near.join(', ')}` : ''}`,
          kubectl('Look at the node: DNS, proxy, egress', 'read', '', [
            'describe',
            'node',
            facts.node || 'NODE',
          ]),
          setImage(facts, found.container),
        ),
      ],
    };
  },
};

/** Built for other machines. */
export const platform: FaultText = {
  label: (_, found) => `image pull: wrong platform: ${found.image}`,
  explain: (facts, found) => {
    const node = facts.index.get('Node', '', facts.node);
    const arch =
      text(node, 'status', 'nodeInfo', 'architecture') || /manifest for (\S+)/.exec(found.said)?.[1] || '';
    return {
      causes: [
        cause(
          'F6.platform',
          'proven',
          `the image ${found.image} has no variant for the node's platform${arch === '' ? '' : ` (${arch})`}`,
          changeTemplate(facts, 'Run it on nodes that it is built for', (target) => [
            'patch',
            target.resource,
            target.name,
            '-p',
            '{"spec":{"template":{"spec":{"nodeSelector":{"kubernetes.io/arch":"amd64"}}}}}',
          ]),
          setImage(facts, found.container),
        ),
      ],
    };
  },
};

/** It may not be pulled and is not there. */
export const neverPull: FaultText = {
  label: (_, found) => `image not on node, pull policy Never: ${found.image}`,
  explain: (facts, found) => ({
    causes: [
      cause(
        'F8.never-pull',
        'proven',
        `imagePullPolicy is Never and ${found.image} is not on node ${facts.node || 'of the pod'}`,
        changeTemplate(facts, 'Allow the pull: imagePullPolicy IfNotPresent', (target) => [
          'edit',
          target.resource,
          target.name,
        ]),
        kubectl('See what the node has', 'read', '', [
          'get',
          'node',
          facts.node || 'NODE',
          '-o',
          'jsonpath={.status.images[*].names}',
        ]),
      ),
    ],
  }),
};

/** The node cannot hold or unpack it. */
export const noSpace: FaultText = {
  label: (_, found) =>
    /no space left|quota exceeded/i.test(found.said)
      ? 'image pull: disk of the node is full'
      : `image pull: a layer cannot be unpacked: ${essence(found.said, 60)}`,
  explain: (facts, found) => ({
    causes: [
      !/no space left|quota exceeded/i.test(found.said)
        ? cause(
            'F9.unpack',
            'likely',
            `node ${facts.node || 'of the pod'} cannot unpack a layer of the image: ${essence(found.said)}`,
            describe('node', '', facts.node || 'NODE'),
            setImage(facts, found.container),
          )
        : cause(
            'F9.no-space',
            'proven',
            `the disk of node ${facts.node || 'the node'} is full: the image cannot be unpacked`,
            kubectl('Look at the disk pressure of the node', 'read', '', [
              'describe',
              'node',
              facts.node || 'NODE',
            ]),
            facts.node === '' ? undefined : cordon(facts.node),
          ),
    ],
  }),
};
