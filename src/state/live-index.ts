import {
  buildIndex,
  type EvidenceIndex,
  type IndexInput,
  kindOf,
  nameOf,
  namespaceOf,
} from '../checklist/evidence-index.ts';
import type { KubeObject } from '../kube/object.ts';
import type { NodeRow } from '../resources/node-row.ts';
import { nodes } from '../resources/nodes.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource, type Resource } from '../resources/resource.ts';
import type { Cluster } from './cluster.ts';
import type { Happenings } from './happenings.ts';
import { podIndex } from './pod-index.ts';
import { nodeObject, podObject } from './row-objects.ts';

/** What is known beside the rows: whole objects that were asked for, and what the answers say of others. */
export interface Fetched extends IndexInput {
  readonly objects: readonly KubeObject[];
  /** Kinds that were listed in a namespace, as `Kind/namespace`. */
  readonly listedIn?: ReadonlySet<string>;
  /** Asked for by name, and not there: `Kind/namespace/name`. */
  readonly missing?: ReadonlySet<string>;
}

export interface LiveParts {
  readonly cluster: Cluster;
  readonly happenings: Happenings;
  readonly node: (name: string) => NodeRow | undefined;
}

export interface NodesByName {
  readonly named: (name: string) => NodeRow | undefined;
  readonly stop: () => void;
}

/** Nodes by name, kept as they come and go. */
export function createNodesByName(cluster: Cluster): NodesByName {
  const byName = new Map<string, NodeRow>();
  const put = (before: NodeRow | undefined, after: NodeRow | undefined): void => {
    if (before !== undefined && byName.get(before.name) === before) byName.delete(before.name);
    if (after !== undefined) byName.set(after.name, after);
  };
  for (const row of cluster.rowsOf(nodes)) put(undefined, row);
  const stop = cluster.onRow(anyResource(nodes), (before, after) => {
    if (before !== after) put(before as NodeRow | undefined, after as NodeRow | undefined);
  });
  return { named: (name) => byName.get(name), stop };
}

/** True where every object of the kind is among the rows. */
const isWhole = (cluster: Cluster, resource: Resource): boolean =>
  cluster
    .linksOf(resource)
    .some(
      ({ scope, state }) =>
        scope === '' && state !== 'listing' && state !== 'forbidden' && state !== 'unsupported',
    );

/**
 * The evidence of a checklist on the screen: the objects that were fetched for it, and around them everything that the
 * rows hold, turned into objects only where a question reaches them. A new one for each evaluation: answers are kept by it.
 */
export function liveIndex(
  { cluster, happenings, node }: LiveParts,
  fetched: Fetched,
  now: number,
): EvidenceIndex {
  const podKind = anyResource(pods);
  const nodeKind = anyResource(nodes);
  const whole = new Set(fetched.listed ?? []);
  if (isWhole(cluster, podKind)) whole.add('Pod');
  if (isWhole(cluster, nodeKind)) whole.add('Node');
  const { listedIn = new Set<string>(), missing = new Set<string>() } = fetched;
  const inner = buildIndex({ ...fetched, listed: whole, now });
  const inNamespaces = new Map<string, readonly KubeObject[]>();
  const index = podIndex(cluster);
  let nodeObjects: readonly KubeObject[] | undefined;

  /** The whole object where it was fetched, else the row's. */
  const ofPod = (row: PodRow): KubeObject =>
    inner.byUid(row.uid) ?? inner.get('Pod', row.namespace, row.name) ?? podObject(row);

  function podsIn(namespace: string): readonly KubeObject[] {
    const known = inNamespaces.get(namespace);
    if (known !== undefined) return known;
    const found = Array.from(index.inNamespace(namespace), ofPod);
    inNamespaces.set(namespace, found);
    return found;
  }

  function allNodes(): readonly KubeObject[] {
    if (nodeObjects !== undefined) return nodeObjects;
    // Mostly none of them was fetched: 5,000 look-ups for nothing.
    const anyFetched = inner.of('Node').length > 0;
    nodeObjects = [...cluster.rowsOf(nodes)].map(
      (row) => (anyFetched ? inner.byUid(row.uid) : undefined) ?? nodeObject(row),
    );
    return nodeObjects;
  }

  const get: EvidenceIndex['get'] = (kind, namespace, name) => {
    const found = inner.get(kind, namespace, name);
    if (found !== undefined) return found;
    if (kind === 'Node') {
      const row = node(name);
      return row === undefined ? undefined : nodeObject(row);
    }
    return kind === 'Pod' ? podsIn(namespace).find((pod) => nameOf(pod) === name) : undefined;
  };

  const listed = (kind: string): boolean => inner.listed(kind);

  return {
    ...inner,
    of: (kind) => (kind === 'Node' ? allNodes() : inner.of(kind)),
    inNamespace: (kind, namespace) =>
      kind === 'Pod' ? podsIn(namespace) : inner.inNamespace(kind, namespace),
    listed,
    get,
    find(kind, namespace, name) {
      const object = get(kind, namespace, name);
      if (object !== undefined) return { state: 'present', object };
      const isGone =
        listed(kind) || listedIn.has(`${kind}/${namespace}`) || missing.has(`${kind}/${namespace}/${name}`);
      return isGone ? { state: 'missing' } : inner.find(kind, namespace, name);
    },
    byUid(uid) {
      const found = inner.byUid(uid);
      if (found !== undefined) return found;
      const pod = cluster.get(podKind, uid);
      if (pod !== undefined) return podObject(pod as PodRow);
      const row = cluster.get(nodeKind, uid);
      return row === undefined ? undefined : nodeObject(row as NodeRow);
    },
    events(object) {
      const [kind, namespace, name] = [kindOf(object), namespaceOf(object), nameOf(object)];
      const asked = inner.events(object);
      // Fetched ones are all of them, the rows only the warnings; but the rows are newer.
      const rows = happenings.about(kind, namespace, name, object.metadata?.uid ?? '');
      if (asked.length === 0) return rows;
      if (rows.length === 0) return asked;
      const idOf = ({ reason, message }: (typeof rows)[number]): string => `${reason}\0${message}`;
      const newer = new Map(rows.map((one) => [idOf(one), one]));
      const merged = asked.map((one) => {
        const other = newer.get(idOf(one));
        newer.delete(idOf(one));
        return other === undefined || (other.last ?? 0) < (one.last ?? 0) ? one : other;
      });
      return [...merged, ...newer.values()].sort((a, b) => (a.last ?? 0) - (b.last ?? 0));
    },
    nodeEvents: (name) => {
      const asked = inner.nodeEvents(name);
      return asked.length > 0 ? asked : happenings.about('Node', '', name, '');
    },
    children(object) {
      const found = inner.children(object);
      const uid = object.metadata?.uid;
      if (uid === undefined || uid === '') return found;
      const seen = new Set(found.map((child) => child.metadata?.uid));
      const more: KubeObject[] = [];
      const namespace = namespaceOf(object);
      for (const row of index.ownedBy(uid))
        if (row.namespace === namespace && !seen.has(row.uid)) more.push(ofPod(row));
      return more.length === 0 ? found : [...found, ...more];
    },
    podsOn: (name) => Array.from(index.onNode(name), ofPod),
  };
}
