import type { Happening } from '../../evidence-index.ts';
import { type ContainerFacts, lastEvent, type PodFacts, statusPath, toldContainer } from '../../pod-facts.ts';
import { list, text } from '../../read.ts';
import type { Cause, Item } from '../../report.ts';

const imageReasons = new Set([
  'ImagePullBackOff',
  'ErrImagePull',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

export interface ImageFault {
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

/** What is said of one kind of fault: its headline, and what causes it. */
export interface FaultText {
  readonly label: (facts: PodFacts, found: ImageFault) => string;
  readonly explain: (
    facts: PodFacts,
    found: ImageFault,
  ) => { readonly causes: readonly Cause[]; readonly items?: readonly Item[] };
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
  return readings.find(([, pattern]) => pattern.test(bare))?.[0] ?? 'F0';
}

export function fault(facts: PodFacts): ImageFault | undefined {
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
