import { type Happening, nameOf } from '../evidence-index.ts';
import {
  changeTemplate,
  cordon,
  createPullSecret,
  describe,
  editOwner,
  getObject,
  kubectl,
  setImage,
  targetOf,
  undoRollout,
} from '../fixes.ts';
import {
  type ContainerFacts,
  lastEvent,
  type PodFacts,
  specPath,
  statusPath,
  toldContainer,
} from '../pod-facts.ts';
import { at, brief, essence, list, nearNames, record, span, text } from '../read.ts';
import type { Cause, Evidence, Item, Verdict } from '../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, said, unknown } from '../state.ts';

const imageReasons = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

interface ImageFault {
  readonly container: ContainerFacts;
  readonly state: string;
  /** What the registry or the runtime said; `''` when that is lost. */
  readonly said: string;
  readonly path: string;
  readonly event: Happening | undefined;
  readonly image: string;
  /** The image is mounted as a volume: its name. */
  readonly volume: string | undefined;
}

const faults = new WeakMap<PodFacts, ImageFault | 'none'>();

/**
 * What each text means, in the order in which it must be asked: containerd writes `no match for platform in manifest:
 * not found` and `failed to authorize: … 401`, so the general words come last.
 */
const readings: readonly (readonly [state: string, pattern: RegExp])[] = [
  [
    'F7',
    /couldn't parse image (?:name|reference)|did not resolve to an alias and no unqualified-search registries|invalid reference format|InvalidImageName/i,
  ],
  [
    'F6',
    /no match for platform in manifest|no image found in (?:image index|manifest list)|no matching manifest for|image operating system .* cannot be used|does not match the (?:detected|specified) host platform/i,
  ],
  ['F3', /\b429\b|toomanyrequests|rate.?limit/i],
  [
    'F4',
    /x509:|certificate (?:signed by|has expired|is not trusted|verify failed)|server gave HTTP response to HTTPS client|tls: (?:failed|bad|handshake failure|unknown|first record)/i,
  ],
  [
    'F11',
    /SignatureValidationFailed|signature (?:validation|verification) failed|no (?:matching )?signatures|Source image rejected|policy (?:rejected|denied)/i,
  ],
  ['F10', /unexpected media type text\/html|invalid character '<' looking for/i],
  ['F9', /no space left on device|failed to (?:extract|apply|register) layer|disk quota exceeded/i],
  [
    'F2',
    /failed to authorize|\b401\b|\b403\b|unauthorized|authentication required|no basic auth credentials|insufficient_scope|access (?:to the resource is )?(?:denied|forbidden)|\bdenied\b|authorization (?:failed|token has expired)|not authorized|invalid username\/password/i,
  ],
  ['F10', /\b50[0234]\b|Internal Server Error|Bad Gateway|Service Unavailable|RegistryUnavailable/i],
  [
    'F5',
    /dial (?:tcp|unix)|Cannot connect to the Docker daemon|i\/o timeout|no such host|connection refused|no route to host|network is unreachable|context deadline exceeded|TLS handshake timeout|connection reset|unexpected EOF|: EOF|proxyconnect|server misbehaving|Client\.Timeout|request canceled|context canceled/i,
  ],
  [
    'F1',
    /not found|manifest unknown|name unknown|NAME_UNKNOWN|repository does not exist|MANIFEST_UNKNOWN|\b404\b|does not exist/i,
  ],
];

/** The text without the reference itself: a tag may read `v404`. */
function reading(words: string, image: string): string {
  const bare = words
    .replaceAll(image, 'IMAGE')
    .replace(/https?:\/\/\S+/g, (url) => (url.endsWith(':') ? 'URL:' : 'URL'))
    .replace(/sha256:[0-9a-f]+/g, 'DIGEST');
  const found = readings.find(([, pattern]) => pattern.test(bare));
  if (found === undefined) return 'F0';
  // A host that does not resolve or does not answer comes with the word "not found" in no registry's mouth.
  return found[0];
}

function fault(facts: PodFacts): ImageFault | undefined {
  const known = faults.get(facts);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = findFault(facts);
  faults.set(facts, found ?? 'none');
  return found;
}

const pullFailed = /Failed to pull image "?([^"]*?)"?: (.*)/;

function findFault(facts: PodFacts): ImageFault | undefined {
  const container = facts.containers.find(
    (entry) => entry.state === 'waiting' && imageReasons.has(entry.reason),
  );
  if (container === undefined) return volumeFault(facts) ?? eventFault(facts);
  const { image, reason, message } = container;
  const event = lastEvent(
    facts.events.filter((entry) => entry.container === '' || entry.container === container.name),
    ['Failed', 'InspectFailed'],
    pullFailed,
  );
  const bare = /^(?:Back-off pulling image "[^"]*"\.?|)$/.test(message.trim());
  const words = bare
    ? (event?.match?.[2] ?? '')
    : message.replace(/^Back-off pulling image "[^"]*": ErrImagePull: /, '');
  const base = {
    container,
    said: words,
    path: statusPath(container, 'state.waiting.message'),
    event: event?.event,
    image,
    volume: undefined,
  };
  if (reason === 'ErrImageNeverPull') return { ...base, state: 'F8', said: message };
  if (reason === 'InvalidImageName') return { ...base, state: 'F7', said: message };
  if (reason === 'SignatureValidationFailed') return { ...base, state: 'F11', said: message };
  if (words === '') {
    const secret = lastEvent(facts.events, ['FailedToRetrieveImagePullSecret']);
    return {
      ...base,
      state: secret === undefined ? (reason === 'RegistryUnavailable' ? 'F10' : 'F0') : 'F2',
    };
  }
  const state = reading(words, image);
  return { ...base, state: state === 'F0' && reason === 'RegistryUnavailable' ? 'F10' : state };
}

/** Status pasted without its container, or cut: the events alone may still tell. */
function eventFault(facts: PodFacts): ImageFault | undefined {
  if (facts.phase !== 'Pending' && facts.phase !== '') return undefined;
  const failed = lastEvent(facts.events, ['Failed', 'InspectFailed'], pullFailed);
  if (failed?.match === undefined) return undefined;
  const healed = lastEvent(facts.events, ['Pulled', 'Started']);
  if (healed !== undefined && (healed.event.last ?? 0) >= (failed.event.last ?? 0)) return undefined;
  const container =
    facts.containers.find((entry) => entry.name === failed.event.container) ??
    facts.containers.find((entry) => entry.image === failed.match?.[1]) ??
    facts.containers[0] ??
    toldContainer(failed.event, 'main', 'ErrImagePull', failed.match[1] ?? '');
  if (container.state === 'running') return undefined;
  const words = failed.match[2] ?? '';
  return {
    container,
    state: reading(words, failed.match[1] ?? ''),
    said: words,
    path: '',
    event: failed.event,
    image: failed.match[1] ?? container.image,
    volume: undefined,
  };
}

function volumeFault(facts: PodFacts): ImageFault | undefined {
  const volume = list(facts.object, 'spec', 'volumes').find(
    (entry) => text(entry, 'image', 'reference') !== '',
  );
  const failed =
    volume === undefined
      ? undefined
      : lastEvent(facts.events, ['Failed', 'BackOff', 'FailedMount'], /image|pull/i);
  const container = facts.containers[0];
  if (
    volume === undefined ||
    failed === undefined ||
    container === undefined ||
    container.state === 'running'
  )
    return undefined;
  return {
    container,
    state: 'F12',
    said: failed.event.message,
    path: '',
    event: failed.event,
    image: text(volume, 'image', 'reference'),
    volume: text(volume, 'name'),
  };
}

interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** `registry | repository | tag | digest`, with Docker's defaults spelled out. */
function parseReference(image: string): Reference {
  const [path = '', digest = ''] = image.split('@');
  const slash = path.indexOf('/');
  const first = slash < 0 ? '' : path.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const registry = isHost ? first : 'docker.io';
  const rest = isHost ? path.slice(slash + 1) : path;
  const colon = rest.lastIndexOf(':');
  const name = colon < 0 ? rest : rest.slice(0, colon);
  return {
    registry,
    repository: name.includes('/') || isHost ? name : `library/${name}`,
    tag: colon < 0 ? (digest === '' ? 'latest' : '') : rest.slice(colon + 1),
    digest,
  };
}

function pullSecrets(facts: PodFacts): { readonly names: readonly string[]; readonly account: string } {
  const account = text(facts.object, 'spec', 'serviceAccountName') || 'default';
  const own = list(facts.object, 'spec', 'imagePullSecrets').map((entry) => text(entry, 'name'));
  const given = list(facts.index.get('ServiceAccount', facts.namespace, account), 'imagePullSecrets').map(
    (entry) => text(entry, 'name'),
  );
  return { names: [...new Set([...own, ...given])].filter((name) => name !== ''), account };
}

function imageNames(facts: PodFacts): Set<string> {
  const names = new Set<string>();
  for (const node of facts.index.of('Node'))
    for (const image of list(node, 'status', 'images'))
      for (const name of list(image, 'names'))
        names.add(String(name).replace(/^docker\.io\/(?:library\/)?/, ''));
  for (const pod of facts.index.of('Pod')) {
    for (const status of list(pod, 'status', 'containerStatuses'))
      if (record(status)['ready'] === true)
        names.add(text(status, 'image').replace(/^docker\.io\/(?:library\/)?/, ''));
  }
  return names;
}

function commonItems(facts: PodFacts, found: ImageFault): readonly Item[] {
  const ref = parseReference(found.image);
  const items: Item[] = [
    item(
      'F0.reference',
      'image',
      'Which image',
      'info',
      evidence(`container ${found.container.name}`, found.image, specPath(found.container, 'image')),
      evidence('registry', ref.registry),
      evidence('tag', ref.tag || ref.digest),
    ),
  ];
  const holders = facts.index
    .of('Node')
    .filter((node) =>
      list(node, 'status', 'images').some((image) =>
        list(image, 'names').some(
          (name) => String(name) === found.image || String(name) === `docker.io/${ref.repository}:${ref.tag}`,
        ),
      ),
    );
  if (holders.length > 0)
    items.push(
      item(
        'F0.elsewhere',
        'image',
        'Nodes that have it',
        'info',
        evidence('nodes', holders.map(nameOf).join(', '), 'status.images'),
      ),
    );
  const backOff = lastEvent(facts.events, ['BackOff'], /pulling image/);
  if (backOff !== undefined)
    items.push(item('F0.retry', 'image', 'The kubelet tries again', 'info', said(backOff.event)));
  return items;
}

const answer = (found: ImageFault): readonly Evidence[] => [
  ...(found.said === ''
    ? []
    : [evidence('registry says', found.said, found.path === '' ? undefined : found.path)]),
  ...(found.event === undefined || found.event.message.includes(found.said) === false
    ? []
    : [said(found.event)]),
];

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

const explain: Readonly<Record<string, Explain>> = {
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

function secretCause(
  facts: PodFacts,
  image: string,
  verdict: 'proven' | 'likely' | 'possible',
): Cause | undefined {
  const event = lastEvent(facts.events, ['FailedToRetrieveImagePullSecret'], /\(([^)]+)\)/);
  const { names } = pullSecrets(facts);
  const missing =
    event?.match?.[1] ??
    names.find((name) => facts.index.find('Secret', facts.namespace, name).state === 'missing');
  if (missing === undefined) return undefined;
  const here = facts.index.find('Secret', facts.namespace, missing);
  if (here.state === 'present') return undefined;
  const near = nearNames(missing, facts.index.inNamespace('Secret', facts.namespace).map(nameOf));
  const elsewhere = facts.index.of('Secret').find((secret) => nameOf(secret) === missing);
  const hint =
    near.length > 0
      ? `; there is ${near.join(', ')}`
      : elsewhere === undefined
        ? ''
        : `; it exists in namespace ${elsewhere.metadata?.namespace ?? ''}`;
  return cause(
    'F2.secret-missing',
    verdict,
    `the pull secret ${missing} does not exist in namespace ${facts.namespace}${hint}`,
    createPullSecret('Create the pull secret', facts.namespace, missing, parseReference(image).registry),
    getObject('See the secrets of the namespace', 'secrets', facts.namespace),
  );
}

/** Public registries that answer for a repository that does not exist as for one that is private. */
const hidesAbsence = /^(?:docker\.io|quay\.io|ghcr\.io|registry\.gitlab\.com)$/;

function unauthorized(
  facts: PodFacts,
  found: ImageFault,
): { readonly causes: readonly Cause[]; readonly items: readonly Item[] } {
  const ref = parseReference(found.image);
  const { names, account } = pullSecrets(facts);
  const missing = secretCause(facts, found.image, 'proven');
  const perhapsAbsent = /repository does not exist|insufficient_scope|pull access denied|name unknown/i.test(
    found.said,
  );
  const near = nearNames(found.image.replace(/^docker\.io\/(?:library\/)?/, ''), imageNames(facts));
  const allThere = names.every(
    (name) => facts.index.find('Secret', facts.namespace, name).state === 'present',
  );
  const code = /\b(40[13])\b/.exec(found.said)?.[1];
  const how = code === undefined ? 'refuses the pull' : `answers ${code}`;
  const create = createPullSecret('Create a pull secret', facts.namespace, 'regcred', ref.registry);
  const attach = kubectl('Let the ServiceAccount use it', 'reversible', facts.namespace, [
    'patch',
    'serviceaccount',
    account,
    '-p',
    '{"imagePullSecrets":[{"name":"regcred"}]}',
  ]);
  const cloud = /\.dkr\.ecr\./.test(ref.registry)
    ? "the node's IAM role (ECR read access, or a repository policy for another account)"
    : /(?:^|\.)gcr\.io$|-docker\.pkg\.dev$/.test(ref.registry)
      ? "the node's service account (roles/artifactregistry.reader)"
      : /\.azurecr\.io$/.test(ref.registry)
        ? "the kubelet's identity (AcrPull; az aks update --attach-acr)"
        : undefined;
  const refused =
    names.length === 0
      ? cloud !== undefined
        ? cause(
            'F2.node-identity',
            'likely',
            `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized; the pod names no pull secret, and ${cloud} may not read it${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
            describe(
              'node',
              '',
              facts.node || 'NODE',
              `Find the identity of the node, and give it the right to pull`,
            ),
            create,
            attach,
          )
        : cause(
            'F2.no-secret',
            perhapsAbsent ||
              hidesAbsence.test(ref.registry) ||
              !/401|unauthorized|authentication required|no basic auth/i.test(found.said)
              ? 'likely'
              : 'proven',
            `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized, the pod names no pull secret, and the image is private${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
            create,
            attach,
          )
      : cause(
          'F2.refused',
          perhapsAbsent || !allThere ? 'likely' : 'proven',
          `the registry ${ref.registry} ${how} for ${ref.repository}: unauthorized, the credentials in pull secret ${names.join(', ')} are ${allThere ? '' : 'missing, '}wrong, expired or lack access${perhapsAbsent ? ' (or the repository does not exist)' : ''}`,
          getObject('See age and type of the pull secret', 'secret', facts.namespace, ...names),
          create,
        );
  const absent = cause(
    'F1.not-found',
    'likely',
    `the repository ${ref.repository} may not exist on ${ref.registry}, which says "denied" for both: wrong name?${near.length > 0 ? `; known and close: ${near.join(', ')}` : ''}`,
    setImage(facts, found.container, near[0]),
  );
  const officialName = ref.registry === 'docker.io' && ref.repository.startsWith('library/');
  const ranked =
    missing !== undefined
      ? [missing, refused]
      : perhapsAbsent && (officialName || near.length > 0) && names.length === 0
        ? [absent, refused]
        : perhapsAbsent
          ? [refused, absent]
          : [refused];
  return {
    causes: ranked,
    items: [
      item(
        'F2.secrets',
        'image',
        'Pull secrets',
        names.length === 0 || missing !== undefined ? 'fail' : 'info',
        evidence('imagePullSecrets', names.join(', ') || 'none', 'spec.imagePullSecrets'),
        evidence('serviceAccount', account, 'spec.serviceAccountName'),
      ),
      ...names.map((name) => {
        const here = facts.index.find('Secret', facts.namespace, name);
        if (here.state === 'unknown')
          return unknown('F2.secret-exists', 'image', `Secret ${name} exists`, here.why);
        return item(
          'F2.secret-exists',
          'image',
          `Secret ${name} exists`,
          here.state === 'present' ? 'pass' : 'fail',
          evidence(
            'secret',
            here.state === 'present' ? `present, type ${text(here.object, 'type')}` : 'not there',
          ),
        );
      }),
    ],
  };
}

const labels: Readonly<Record<string, (facts: PodFacts, found: ImageFault) => string>> = {
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

function matchImage(state: string): (facts: PodFacts) => Match | undefined {
  return (facts) => {
    const found = fault(facts);
    if (found === undefined || found.state !== state) return undefined;
    const label = labels[state]?.(facts, found) ?? '';
    const where = found.container.kind === 'main' ? '' : ` (${found.container.kind} ${found.container.name})`;
    return {
      headline: `${label}${where}`,
      since: found.event?.first ?? facts.startedAt ?? facts.createdAt,
      diagnose: () => diagnose(state, facts, found),
    };
  };
}

function diagnose(state: string, facts: PodFacts, found: ImageFault): Diagnosis {
  const { causes, items = [] } = explain[state]?.(facts, found) ?? { causes: [] };
  const target = targetOf(facts);
  return {
    causes,
    items: [
      item(
        `${state}.answer`,
        'image',
        'The image can be pulled',
        'fail',
        ...answer(found),
        ...(answer(found).length === 0
          ? [evidence('waiting', found.container.reason, statusPath(found.container, 'state.waiting.reason'))]
          : []),
      ),
      ...items,
      ...commonItems(facts, found),
      item(
        'F0.owner',
        'image',
        'Where the image is named',
        'info',
        evidence('owner', `${target.kind} ${target.name}`),
      ),
    ],
  };
}

/** Still pulling is no fault: it becomes worth a word when it takes long (checklist.md 3.3, E11). */
export const slowPull: PodState = {
  id: 'E11',
  key: 'image.slow-pull',
  gate: 'image',
  severity: 'none',
  title: 'A pull takes long',
  match: (facts) => {
    const pulling = lastEvent(facts.events, ['Pulling']);
    const waiting = facts.containers.some(
      (entry) =>
        entry.state === 'waiting' &&
        (entry.reason === 'ContainerCreating' || entry.reason === 'PodInitializing'),
    );
    if (pulling === undefined || !waiting) return undefined;
    const started = pulling.event.last ?? facts.now;
    const later = lastEvent(
      facts.events.filter((event) => (event.last ?? 0) >= started && event !== pulling.event),
      ['Pulled', 'Failed', 'Created', 'FailedMount', 'FailedCreatePodSandBox'],
    );
    const elapsed = facts.now - started;
    if (later !== undefined || elapsed < 120_000) return undefined;
    const image = /"([^"]+)"/.exec(pulling.event.message)?.[1] ?? '';
    const sizes = facts.index
      .of('Node')
      .flatMap((node) => list(node, 'status', 'images'))
      .filter((entry) => list(entry, 'names').some((name) => String(name) === image));
    const bytes = Number(at(sizes[0], 'sizeBytes') ?? 0);
    const sibling = facts.index
      .of('Pod')
      .flatMap((pod) => facts.index.events(pod))
      .map(
        (event) =>
          new RegExp(
            `Successfully pulled image "${image.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}" in (\\S+)`,
          ).exec(event.message)?.[1],
      )
      .find((took) => took !== undefined);
    const size = bytes > 0 ? `, ${(bytes / 1e9).toFixed(1)} GB` : '';
    const long = elapsed > 45 * 60_000;
    return {
      headline: `pulling ${image} for ${span(elapsed)}${size}`,
      since: started,
      severity: long ? 'warn' : 'none',
      diagnose: () => ({
        causes: long
          ? [
              cause(
                'E11.slow',
                'likely',
                `the pull of ${image} runs for ${span(elapsed)}${size}: slow registry or disk, or a very large image`,
                describe('pod', facts.namespace, facts.name),
                editOwner(facts, 'Use a smaller image, or pre-pull it with a DaemonSet'),
              ),
            ]
          : [],
        items: [
          item(
            'E11.elapsed',
            'image',
            'The pull is under way',
            long ? 'warn' : 'info',
            said(pulling.event),
            ...(sibling === undefined ? [] : [evidence('elsewhere it took', sibling)]),
          ),
        ],
      }),
    };
  },
};

const state = (id: string, key: string, title: string): PodState => ({
  id,
  key,
  title,
  gate: 'image',
  severity: 'bad',
  match: matchImage(id),
});

export const imageStates: readonly PodState[] = [
  state('F7', 'image.invalid-name', 'The image name is invalid'),
  state('F6', 'image.platform', 'The image is built for another platform'),
  state('F3', 'image.rate-limit', 'The registry limits the rate of pulls'),
  state('F4', 'image.tls', 'TLS to the registry fails'),
  state('F11', 'image.signature', 'The signature of the image is refused'),
  state('F9', 'image.no-space', 'No room for the image on the node'),
  state('F5', 'image.network', 'The registry cannot be reached'),
  state('F2', 'image.unauthorized', 'The registry refuses the credentials'),
  state('F1', 'image.not-found', 'The image does not exist'),
  state('F10', 'image.registry-down', 'The registry fails'),
  state('F8', 'image.never-pull', 'Pull policy Never and the image is not there'),
  state('F12', 'image.volume', 'The image of a volume cannot be pulled'),
  state('F0', 'image.unknown', 'The image cannot be pulled'),
];
