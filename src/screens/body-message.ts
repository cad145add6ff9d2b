import { ageText } from '../resources/fields.ts';
import { namespaces as namespaceKind } from '../resources/namespaces.ts';
import { anyResource, type Resource, type Row, type Table } from '../resources/resource.ts';
import { type Cluster, linkFor } from '../state/cluster.ts';
import { isPolled, type Link } from '../state/link.ts';
import type { ConnectionState, Namespaces, TableView } from '../state/session.ts';
import { isResource, kindsOf } from '../state/source.ts';
import type { Message } from '../ui/message.ts';

export interface EmptyBody {
  readonly table: Table<Row>;
  readonly view: TableView;
  readonly cluster: Cluster;
  readonly connection: ConnectionState;
  readonly namespaces: Namespaces;
  /** Rows in the namespaces, before the filter. */
  readonly total: number;
  /** Sorting or filtering is under way. */
  readonly busy: boolean;
  readonly spinner: string;
  readonly now: number;
}

/** `10,000`: counts are shown whole. */
export const whole = (count: number): string => count.toLocaleString('en-US');

/** The link that speaks for a table: of what it needs, in the namespaces that are shown, the one that is furthest behind. */
export function tableLink(cluster: Cluster, table: Table<Row>, namespaces: Namespaces): Link | undefined {
  let worst: Link | undefined;
  for (const resource of kindsOf(table)) {
    for (const link of linksFor(cluster, resource, namespaces)) {
      // What an operator adds may be missing: the table is then as true without it.
      const isMissing = link.state === 'unsupported' || link.state === 'forbidden';
      if (isMissing && resource.optional === true && !isResource(table)) continue;
      if (worst === undefined || behind(link) > behind(worst)) worst = link;
    }
  }
  return worst;
}

function linksFor(cluster: Cluster, resource: Resource, namespaces: Namespaces): readonly Link[] {
  const all = cluster.linksOf(resource);
  if (!resource.namespaced || namespaces === 'all') {
    const cover = all.find(({ scope }) => scope === '');
    const single = all.filter(({ scope }) => scope !== '');
    if (cover === undefined) return single;
    // Refused for all namespaces at once: what is seen in single ones speaks then, where anything is.
    const speaking = thatSpeak(cluster, resource, single);
    return cover.state === 'forbidden' && speaking.length > 0 ? speaking : [cover];
  }
  const links = namespaces.flatMap((name) => {
    const link = linkFor(cluster, resource, name);
    // Refused here and everywhere at once: it is the refusal here that is meant.
    const own = link?.state === 'forbidden' ? all.find(({ scope }) => scope === name) : undefined;
    return own ?? link ?? [];
  });
  const speaking = thatSpeak(cluster, resource, links);
  return speaking.length > 0 ? speaking : links;
}

/** All but the namespaces that were refused from the start: nothing on the screen is theirs, and the title names the others. */
const thatSpeak = (cluster: Cluster, resource: Resource, links: readonly Link[]): readonly Link[] =>
  links.filter((link) => link.state !== 'forbidden' || isLostRight(cluster, resource, link));

const lostRights = new WeakMap<Link, boolean>();

/** Refused now, and read before: its rows are still there, and get older. */
function isLostRight(cluster: Cluster, resource: Resource, link: Link): boolean {
  const known = lostRights.get(link);
  if (known !== undefined) return known;
  let isLost = false;
  for (const { namespace } of cluster.rowsOf(resource))
    if (namespace === link.scope) {
      isLost = true;
      break;
    }
  lostRights.set(link, isLost);
  return isLost;
}

const order: readonly Link['state'][] = [
  'live',
  'unverified',
  'stale',
  'reconnecting',
  'listing',
  'unsupported',
  'forbidden',
];
const behind = (link: Link): number => order.indexOf(link.state) + (isPolled(link) ? 0.5 : 0);

/** Why there are no rows, and what to do: each reason looks different. */
export function bodyMessage(body: EmptyBody): Message {
  const { connection, table, cluster, namespaces, busy, spinner, now } = body;
  if (connection.state === 'failed') return failedMessage(connection, now);
  if (connection.state === 'connecting') {
    return { role: 'pending', title: `${spinner} Connecting`, lines: [connection.what] };
  }
  if (body.total > 0) return noMatchMessage(body);
  if (busy) return { role: 'pending', title: `${spinner} Sorting` };
  if (kindsOf(table).length === 0) return { role: 'dim', title: `${emptyText(table)}.` };
  const link = tableLink(cluster, table, namespaces);
  if (link === undefined) return { role: 'pending', title: `${spinner} Asking for ${wordsOf(table)}` };
  return linkMessage(link, body);
}

function linkMessage(link: Link, { table, view, cluster, namespaces, spinner, now }: EmptyBody): Message {
  const what = wordsOf(table);
  switch (link.state) {
    case 'listing': {
      const expected = link.expected === undefined ? '' : ` of about ${whole(link.expected)}`;
      const waits = now - link.sinceMs > 5000 ? `, for ${ageText(link.sinceMs, now)}` : '';
      return {
        role: 'pending',
        title: `${spinner} Loading ${what}: ${whole(link.soFar)}${expected}${waits}`,
      };
    }
    case 'forbidden':
      return forbiddenMessage(link, { table, cluster, namespaces, now });
    case 'unsupported':
      return {
        role: 'dim',
        title: `This cluster has no ${link.resource}.`,
        lines: [link.reason, 'The API server does not serve this kind. <tab> goes to the next view.'],
      };
    case 'reconnecting':
      return {
        role: 'bad',
        title: `${upperFirst(what)} cannot be read.`,
        lines: [
          link.reason,
          ...(link.hint === undefined ? [] : [link.hint]),
          `Next try ${inText(link.retryAtMs, now)}; <ctrl-r> tries now${link.login === undefined ? '' : '; :ctx lists other contexts'}.`,
        ],
      };
    case 'stale':
    case 'unverified':
      return {
        role: 'warn',
        title: `No answer about ${what} for ${ageText(link.sinceMs, now)}.`,
        lines: [link.reason],
      };
    case 'live': {
      const unknown = table.namespaced ? namespacesMissing(cluster, namespaces) : [];
      if (unknown.length > 0 && unknown.length === namespaces.length)
        return {
          role: 'warn',
          title: `There is no${whereText('', unknown).replace(/^ in/, '')}.`,
          lines: [':ns lists those that there are; <0> shows all.'],
        };
      return {
        role: 'dim',
        title: `${emptyText(table)}${view.crumb === undefined ? whereOf(table, namespaces) : ` for ${view.crumb}`}.`,
        lines:
          (table.namespaced || table.followsNamespaces === true) && namespaces !== 'all'
            ? ['<0> shows all namespaces.']
            : ['New ones appear here by themselves.'],
      };
    }
  }
}

/** All that is refused of what the table needs, and what one can do without it. */
function forbiddenMessage(
  link: Link & { readonly state: 'forbidden' },
  { table, cluster, namespaces, now }: Pick<EmptyBody, 'table' | 'cluster' | 'namespaces' | 'now'>,
): Message {
  const refused = kindsOf(table).filter(
    (kind) =>
      (kind.optional !== true || isResource(table)) &&
      linksFor(cluster, kind, namespaces).some(({ state }) => state === 'forbidden'),
  );
  const inNamespaces = refused.filter(({ namespaced }) => namespaced).map(({ name }) => name);
  const ofCluster = refused.filter(({ namespaced }) => !namespaced).map(({ name }) => name);
  const where = whereText(link.scope, namespaces);
  const what = [
    ...(inNamespaces.length === 0 ? [] : [`${inNamespaces.join(', ')}${where}`]),
    ...(ofCluster.length === 0 ? [] : [ofCluster.join(', ')]),
  ];
  const readable = [
    ...new Set([...cluster.links()].filter(({ state }) => state === 'live').map(({ resource }) => resource)),
  ].sort();
  const elsewhere =
    inNamespaces.length === 0 ? '' : '; one namespace may be open to you: :ns NAME, or mltop -n NAME';
  return {
    role: 'warn',
    title: `You may not list ${what.join(', nor ')}.`,
    lines: [
      link.reason,
      `Ask for the right "list" and "watch" on ${[...inNamespaces, ...ofCluster].join(', ')}${elsewhere}.`,
      readable.length === 0
        ? '"kubectl auth can-i --list -n NAME" says what you may do there; :ctx lists other contexts.'
        : `You may list ${readable.join(', ')}.`,
      `Refused since ${new Date(link.sinceMs).toTimeString().slice(0, 8)}; asked again ${inText(link.retryAtMs, now)}; <ctrl-r> asks now.`,
    ],
  };
}

/** A title within a sentence: `pods`, `GPU devices`, `NodeClaims`; a name with capitals of its own keeps them. */
const inSentence = (title: string): string =>
  title.replace(/\S+/g, (word) => (/[A-Z].*[A-Z]/.test(word) ? word : word.toLowerCase()));

const wordsOf = ({ title }: Table<Row>): string => inSentence(title);

/** `1 pod`, `12 pods`. */
function counted(count: number, table: Table<Row>): string {
  const words = wordsOf(table);
  const one = words
    .replace(/ies$/, 'y')
    .replace(/(ss|x|ch)es$/, '$1')
    .replace(/([^s])s$/, '$1');
  return `${whole(count)} ${count === 1 ? one : words}`;
}

const emptyText = ({ empty, title }: Table<Row>): string => empty ?? `No ${inSentence(title)}`;

/** Which of these the cluster does not have; none where its namespaces are not known. */
function namespacesMissing(cluster: Cluster, namespaces: Namespaces): readonly string[] {
  const kind = anyResource(namespaceKind);
  if (namespaces === 'all' || !cluster.linksOf(kind).some(({ state }) => state === 'live')) return [];
  const known = new Set(Array.from(cluster.rowsOf(kind), ({ name }) => name));
  return namespaces.filter((name) => !known.has(name));
}

function noMatchMessage({ view, table, total }: EmptyBody): Message {
  if (view.filter !== '') {
    const only = view.faultsOnly ? ' among the faults' : '';
    return {
      role: 'dim',
      title: `Nothing matches "${view.filter}"${only}.`,
      lines: [
        view.within === undefined
          ? `${counted(total, table)} ${total === 1 ? 'is' : 'are'} hidden; <esc> clears the filter.`
          : '<esc> clears the filter.',
      ],
    };
  }
  return {
    role: 'good',
    title:
      total === 1 ? `The ${counted(total, table)} is well.` : `No faults among ${counted(total, table)}.`,
    lines: [`<ctrl-z> shows ${total === 1 ? 'it' : 'them all'}.`],
  };
}

function failedMessage(connection: ConnectionState & { readonly state: 'failed' }, now: number): Message {
  const retry =
    connection.retryAtMs === undefined
      ? '<ctrl-r> tries again; :ctx lists other contexts; :q quits.'
      : `Next try ${inText(connection.retryAtMs, now)}; <ctrl-r> tries now; :ctx lists other contexts.`;
  return { role: 'bad', title: connection.what, lines: [connection.hint, retry] };
}

const whereOf = (table: Table<Row>, namespaces: Namespaces): string =>
  table.namespaced || table.followsNamespaces === true ? whereText('', namespaces) : ' in this cluster';

function whereText(scope: string, namespaces: Namespaces): string {
  if (scope !== '') return ` in namespace ${scope}`;
  if (namespaces === 'all') return ' in all namespaces';
  return namespaces.length === 1
    ? ` in namespace ${namespaces[0]}`
    : ` in namespaces ${namespaces.join(', ')}`;
}

export const inText = (atMs: number, now: number): string =>
  atMs <= now ? 'now' : `in ${Math.max(1, Math.round((atMs - now) / 1000))}s`;

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Where some of the namespaces that are shown are refused: the ones that are read; undefined where nothing is missing. */
export function partOf(
  cluster: Cluster,
  table: Table<Row>,
  namespaces: Namespaces,
): readonly string[] | undefined {
  if (!isResource(table) || !table.namespaced) return undefined;
  const links = cluster.linksOf(table);
  if (namespaces !== 'all') {
    const read = namespaces.filter((name) => linkFor(cluster, table, name)?.state !== 'forbidden');
    // All of them refused is a message in the place of the rows.
    return read.length === namespaces.length || read.length === 0 ? undefined : read;
  }
  if (!links.some(({ scope, state }) => scope === '' && state === 'forbidden')) return undefined;
  return links.filter(({ scope, state }) => scope !== '' && state !== 'forbidden').map(({ scope }) => scope);
}
