import type { Connection } from './contract.ts';
import { KubeError } from './kube-error.ts';

/** One kind that the server serves, in one version. */
export interface ServedKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural, as in paths. */
  readonly resource: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly verbs: readonly string[];
  readonly shortNames: readonly string[];
  readonly subresources: readonly string[];
  /** The group's preferred version. */
  readonly isPreferred: boolean;
}

export interface Discovery {
  readonly kinds: readonly ServedKind[];
  /** Groups whose kinds cannot be known now: their server is down. They are served all the same. */
  readonly problems: readonly { readonly group: string; readonly version: string; readonly reason: string }[];
}

/** What kubectl asks for: newest first; a 1.36 server no longer speaks v2beta1, one before 1.27 neither. */
const aggregated = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');
const accept = `${aggregated},application/json`;

/** Group versions fetched at the same time from servers without aggregated discovery. */
const atOnce = 8;

interface Asked {
  readonly answer: Promise<Discovery>;
  readonly atMs: number;
  readonly forget: () => void;
}

const lately = new WeakMap<Connection, Asked>();

/**
 * Everything the server serves. Asked once for all who want it within some seconds: after an outage each stream does. A
 * person's retry asks anew. Rejects only when the server itself cannot be asked.
 */
export function discover(connection: Connection, signal?: AbortSignal): Promise<Discovery> {
  const { timing } = connection;
  const known = lately.get(connection);
  if (known !== undefined && Math.abs(timing.now() - known.atMs) < timing.discoveryKeptMs)
    return until(known.answer, signal);
  known?.forget();
  // Who gives up gives up for himself.
  const answer = ask(connection);
  const forget = (): void => {
    stopListening();
    if (lately.get(connection)?.answer === answer) lately.delete(connection);
  };
  const stopListening = connection.onRetry(forget);
  lately.set(connection, { answer, atMs: timing.now(), forget });
  answer.catch(forget);
  return until(answer, signal);
}

function until<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new KubeError('It was given up', { kind: 'timeout', hint: '' }));
    signal.addEventListener('abort', onAbort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}

async function ask(connection: Connection): Promise<Discovery> {
  const [core, groups] = await Promise.all(['/api', '/apis'].map((path) => read(connection, path)));
  const parts = await Promise.all(
    [core, groups].map((answer, at) => (answer === undefined ? none : kindsOf(connection, answer, at === 0))),
  );
  return { kinds: parts.flatMap(({ kinds }) => kinds), problems: parts.flatMap(({ problems }) => problems) };
}

/** The kind in its preferred version; undefined where the server does not serve it. */
export function servedKind({ kinds }: Discovery, group: string, resource: string): ServedKind | undefined {
  const all = kinds.filter((kind) => kind.group === group && kind.resource === resource);
  return all.find(({ isPreferred }) => isPreferred) ?? all[0];
}

/** Where a kind is listed: in one namespace, or in all. */
export function pathOf(
  {
    group,
    version,
    resource,
    isNamespaced,
  }: Pick<ServedKind, 'group' | 'version' | 'resource' | 'isNamespaced'>,
  namespace?: string,
): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined || !isNamespaced
    ? `${root}/${resource}`
    : `${root}/namespaces/${encodeURIComponent(namespace)}/${resource}`;
}

type Json = Readonly<Record<string, unknown>>;

interface Answer {
  readonly body: Json;
  readonly isAggregated: boolean;
}

const none: Discovery = { kinds: [], problems: [] };

async function read(connection: Connection, path: string): Promise<Answer> {
  const { body, headers } = await connection.request({ path, accept });
  try {
    const value = record(JSON.parse(Buffer.from(body).toString('utf8')));
    return {
      body: value,
      isAggregated:
        (headers['content-type'] ?? '').includes('as=APIGroupDiscoveryList') ||
        value['kind'] === 'APIGroupDiscoveryList',
    };
  } catch (cause) {
    throw new KubeError(`${connection.server} answered ${path} with something other than JSON`, {
      kind: 'bad-answer',
      hint: 'A proxy may stand in front of the API server.',
      cause,
    });
  }
}

async function kindsOf(
  connection: Connection,
  { body, isAggregated }: Answer,
  isCore: boolean,
): Promise<Discovery> {
  if (isAggregated) return fromAggregated(body);
  const versions = isCore
    ? texts(body['versions']).map((version, at) => ({ group: '', version, isPreferred: at === 0 }))
    : records(body['groups']).flatMap((group) => {
        const preferred = record(group['preferredVersion'])['version'];
        return records(group['versions']).map(({ version }) => ({
          group: word(group['name']),
          version: word(version),
          isPreferred: version === preferred,
        }));
      });
  const found: Discovery[] = [];
  for (let from = 0; from < versions.length; from += atOnce) {
    found.push(
      ...(await Promise.all(versions.slice(from, from + atOnce).map((one) => fromVersion(connection, one)))),
    );
  }
  return { kinds: found.flatMap(({ kinds }) => kinds), problems: found.flatMap(({ problems }) => problems) };
}

interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly isPreferred: boolean;
}

function fromAggregated(body: Json): Discovery {
  const problems: { group: string; version: string; reason: string }[] = [];
  const kinds = records(body['items']).flatMap((item) => {
    const group = word(record(item['metadata'])['name']);
    return records(item['versions']).flatMap((entry, at) => {
      const version = word(entry['version']);
      if (entry['freshness'] === 'Stale')
        problems.push({ group, version, reason: 'its server does not answer' });
      return records(entry['resources']).map((resource) => ({
        group,
        version,
        resource: word(resource['resource']),
        kind: word(record(resource['responseKind'])['kind']),
        isNamespaced: resource['scope'] === 'Namespaced',
        verbs: texts(resource['verbs']),
        shortNames: texts(resource['shortNames']),
        subresources: records(resource['subresources']).map(({ subresource }) => word(subresource)),
        // Versions come in order of preference.
        isPreferred: at === 0,
      }));
    });
  });
  return { kinds, problems };
}

async function fromVersion(
  connection: Connection,
  { group, version, isPreferred }: GroupVersion,
): Promise<Discovery> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  try {
    const { body } = await read(connection, path);
    const resources = records(body['resources']);
    const kinds = resources
      .filter(({ name }) => !word(name).includes('/'))
      .map((resource) => ({
        group,
        version,
        resource: word(resource['name']),
        kind: word(resource['kind']),
        isNamespaced: resource['namespaced'] === true,
        verbs: texts(resource['verbs']),
        shortNames: texts(resource['shortNames']),
        subresources: resources
          .map(({ name }) => word(name))
          .filter((name) => name.startsWith(`${word(resource['name'])}/`))
          .map((name) => name.slice(word(resource['name']).length + 1)),
        isPreferred,
      }));
    return { kinds, problems: [] };
  } catch (error) {
    // One aggregated API that is down must not hide the others.
    return {
      kinds: [],
      problems: [{ group, version, reason: error instanceof Error ? error.message : String(error) }],
    };
  }
}

const record = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const records = (value: unknown): Json[] => (Array.isArray(value) ? value.map(record) : []);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
const word = (value: unknown): string => (typeof value === 'string' ? value : '');
