import {
  changeTemplate,
  cordon,
  createPullSecret,
  describe,
  editOwner,
  kubectl,
  setImage,
  undoRollout,
} from '../../fixes.ts';
import { lastEvent, type PodFacts } from '../../pod-facts.ts';
import { at, brief, essence, nearNames, text } from '../../read.ts';
import type { Cause, Item, Verdict } from '../../report.ts';
import { cause, unknown } from '../../state.ts';
import { pullSecrets, secretCause, unauthorized } from './credentials.ts';
import type { ImageFault } from './fault.ts';
import { answer } from './items.ts';
import { imageNames, parseReference } from './reference.ts';

/** What is neither refused, absent nor out of reach, as the beginning of a cause. */
function whyUnread(found: ImageFault): readonly [id: string, verdict: Verdict, text: string] {
  const { image, said: words } = found;
  if (words === '')
    return [
      'F0.unknown',
      'possible',
      `the image ${image} cannot be pulled; the kubelet's reason is gone (events expire after an hour)`,
    ];
  if (
    /manifest\.v1\+|schema ?1|no longer supported|unsupported (?:media type|manifest|schema|compression)/i.test(
      words,
    )
  )
    return [
      'F0.format',
      'proven',
      `the image ${image} is in a format that the container runtime of the node does not read (any more): rebuild and push it again: ${essence(words, 160)}`,
    ];
  if (
    /unexpected commit digest|failed size validation|digest (?:mismatch|verification|did not match)|does not match (?:the )?(?:expected )?digest|checksum|gzip: invalid|archive\/tar|unexpected (?:size|content)/i.test(
      words,
    )
  )
    return [
      'F0.corrupt',
      'likely',
      `a layer of the image ${image} arrives damaged: the registry, a mirror or a proxy between sends something else than the manifest names: ${essence(words, 160)}`,
    ];
  if (/short.?name/i.test(words))
    return [
      'F0.short-name',
      'proven',
      `the image name ${image} does not say its registry, and the runtime of the node does not choose one (${essence(words, 120)}): write the whole name (docker.io/…)`,
    ];
  if (/pull QPS exceeded/.test(words))
    return [
      'F0.qps',
      'proven',
      `the kubelet of the node pulls no more images for the moment: more pulls at once than its registryPullQPS allows; it tries again by itself`,
    ];
  if (/\b412\b|vulnerabilit|due to configured policy|blocked by (?:a )?policy|quarantine/i.test(words))
    return [
      'F0.policy',
      'proven',
      `a policy of the registry keeps the image ${image} from being pulled: ${essence(words, 180)}`,
    ];
  return ['F0.other', 'likely', `the image ${image} cannot be pulled: ${essence(words, 200)}`];
}

/** Time ran out with no word of a connection: the bytes came too slowly, or the node was too busy with them. */
const tooSlow = (found: ImageFault): boolean =>
  /context deadline exceeded|context canceled/.test(found.said) &&
  !/dial |lookup |failed to do request|\b(?:Get|Head|Post) "|Client\.Timeout|TLS|pinging|i\/o timeout/.test(
    found.said,
  );

/** The runtime itself does not answer on its socket: no registry was asked. */
const runtimeSilent = (found: ImageFault): boolean =>
  /dial unix|Cannot connect to the Docker daemon/.test(found.said);

type Explain = (
  facts: PodFacts,
  found: ImageFault,
) => { readonly causes: readonly Cause[]; readonly items?: readonly Item[] };

export const explain: Readonly<Record<string, Explain>> = {
  F0: (facts, found) => ({
    causes: [
      cause(
        ...whyUnread(found),
        kubectl('Force a fresh first pull, which says why', 'disruptive', facts.namespace, [
          'delete',
          'pod',
          facts.name,
        ]),
        describe('pod', facts.namespace, facts.name),
      ),
    ],
    items: [
      unknown(
        'F0.why',
        'image',
        'Why the pull fails',
        found.said === '' ? 'eventExpired' : 'ambiguous',
        ...answer(found),
      ),
    ],
  }),
  F1: (facts, found) => {
    const ref = parseReference(found.image);
    const near = nearNames(found.image.replace(/^docker\.io\/(?:library\/)?/, ''), imageNames(facts));
    const hint = near.length > 0 ? `; known and close: ${near.join(', ')}` : '';
    const whole =
      /name unknown|NAME_UNKNOWN|repository (?:with name|\S+ not found)|repository name not known/i.test(
        found.said,
      );
    const what = ref.digest !== '' ? `digest ${ref.digest.slice(0, 19)}…` : `tag ${ref.tag}`;
    return {
      causes: [
        cause(
          'F1.not-found',
          'proven',
          whole
            ? `the image does not exist: ${ref.registry} knows no repository ${ref.repository} (wrong name, or never made)${hint}`
            : `the image does not exist: ${ref.registry} knows no ${what} of ${ref.repository} (wrong name or tag, or not pushed)${hint}`,
          setImage(facts, found.container, near[0]),
          undoRollout(facts),
          describe('pod', facts.namespace, facts.name),
        ),
        ...(lastEvent(facts.events, ['FailedToRetrieveImagePullSecret']) === undefined
          ? []
          : [secretCause(facts, found.image, 'possible')]
        ).filter((entry) => entry !== undefined),
      ],
    };
  },
  F2: unauthorized,
  F3: (facts, found) => {
    const ref = parseReference(found.image);
    return {
      causes: [
        cause(
          'F3.rate-limit',
          'proven',
          `${ref.registry} limits the rate of pulls (429 Too Many Requests)${pullSecrets(facts).names.length === 0 ? ': the pull is anonymous' : ''}`,
          createPullSecret('Give the pull an account', facts.namespace, 'regcred', ref.registry),
          editOwner(facts, 'Set imagePullPolicy: IfNotPresent, or use a mirror'),
        ),
      ],
    };
  },
  F4: (facts, found) => {
    const ref = parseReference(found.image);
    const kind = /expired/.test(found.said)
      ? 'its certificate has expired'
      : /HTTP response to HTTPS/.test(found.said)
        ? 'it speaks plain HTTP where HTTPS is expected'
        : /unknown authority/.test(found.said)
          ? 'its certificate is signed by an authority that the node does not trust'
          : 'its certificate is not valid for it';
    return {
      causes: [
        cause(
          'F4.tls',
          'proven',
          `TLS to the registry ${ref.registry} fails: ${kind}`,
          kubectl(
            'See which node it is',
            'read',
            '',
            ['describe', 'node', facts.node || 'NODE'],
            'put the CA on the nodes (certs.d/hosts.toml), or renew the certificate',
          ),
          setImage(facts, found.container),
        ),
      ],
    };
  },
  F5: (facts, found) => {
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
    const near = nearNames(found.image, imageNames(facts));
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
  F6: (facts, found) => {
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
  F7: (facts, found) => {
    const raw = String(at(found.container.spec, 'image') ?? found.image);
    const visible = [...raw]
      .map((char) =>
        char.charCodeAt(0) > 126 || char.charCodeAt(0) < 33
          ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
          : char,
      )
      .join('');
    const kind =
      raw === ''
        ? 'it is empty'
        : visible !== raw
          ? `it holds invisible or blank characters: ${visible}`
          : /\$\{?\w|\{\{/.test(raw)
            ? 'a template placeholder was not filled in'
            : /^https?:\/\//.test(raw)
              ? 'it starts with a scheme'
              : /[A-Z]/.test(raw.replace(/[:@][^/]*$/, ''))
                ? 'repository names are lower case'
                : /:[^/]*:/.test(raw.replace(/^[^/]*\//, ''))
                  ? 'it has two tags'
                  : /:$/.test(raw)
                    ? 'its tag is empty'
                    : /short-name|alias/.test(found.said)
                      ? 'it names no registry, and this node searches none'
                      : 'it is not a valid reference';
    return {
      causes: [
        cause(
          'F7.invalid-name',
          'proven',
          `the image name is invalid: ${visible} (${kind})`,
          setImage(facts, found.container),
          undoRollout(facts),
        ),
      ],
    };
  },
  F8: (facts, found) => ({
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
  F9: (facts, found) => ({
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
  F10: (facts, found) => ({
    causes: [
      cause(
        'F10.registry-down',
        'likely',
        /text\/html|character '<'/.test(found.said)
          ? `a web page came in place of the image: a proxy, a login page or a mirror answers for ${parseReference(found.image).registry}`
          : `the registry ${parseReference(found.image).registry} fails with a server error`,
        describe('pod', facts.namespace, facts.name, 'Watch for the next try'),
        setImage(facts, found.container),
      ),
    ],
  }),
  F11: (facts, found) => ({
    causes: [
      cause(
        'F11.signature',
        'proven',
        `the image is refused by a signature policy: ${brief(found.said)}`,
        setImage(facts, found.container),
      ),
    ],
  }),
  F12: (facts, found) => ({
    causes: [
      cause(
        'F12.volume-image',
        'likely',
        `the image ${found.image} of volume ${found.volume ?? ''} cannot be pulled: ${brief(found.said)}`,
        editOwner(facts, 'Correct the reference of the volume'),
      ),
    ],
  }),
};

export const labels: Readonly<Record<string, (facts: PodFacts, found: ImageFault) => string>> = {
  F0: (_, found) =>
    found.said === '' ? 'image pull fails: reason expired' : `image pull: ${brief(found.said, 80)}`,
  F1: (_, found) => `image pull: not found: ${found.image}`,
  F2: (facts, found) =>
    secretCause(facts, found.image, 'proven') !== undefined
      ? 'image pull: pull secret missing'
      : `image pull: ${/\b(40[13])\b/.exec(found.said)?.[1] ?? 'unauthorized'} from ${parseReference(found.image).registry}`,
  F3: (_, found) => `image pull: rate limited (429) by ${parseReference(found.image).registry}`,
  F4: (_, found) => `image pull: TLS error at ${parseReference(found.image).registry}`,
  F5: (facts, found) =>
    runtimeSilent(found)
      ? `the container runtime of ${facts.node || 'the node'} does not answer`
      : tooSlow(found)
        ? `image pull: not finished in time: ${found.image}`
        : `image pull: cannot reach ${parseReference(found.image).registry}`,
  F6: (_, found) => `image pull: wrong platform: ${found.image}`,
  F7: (_, found) => `invalid image name: ${found.image}`,
  F8: (_, found) => `image not on node, pull policy Never: ${found.image}`,
  F9: (_, found) =>
    /no space left|quota exceeded/i.test(found.said)
      ? 'image pull: disk of the node is full'
      : `image pull: a layer cannot be unpacked: ${essence(found.said, 60)}`,
  F10: (_, found) =>
    /text\/html|character '<'/.test(found.said)
      ? `image pull: a proxy answers for ${parseReference(found.image).registry}`
      : `image pull: ${parseReference(found.image).registry} fails (5xx)`,
  F11: () => 'image pull: signature refused',
  F12: (_, found) => `image volume: ${found.image}`,
};
