import type { PodRow } from '../resources/pod-row.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import { type Cluster, keyOf } from './cluster.ts';

/** Pods by what many of them share, in the order in which they came. */
export interface PodIndex {
  readonly inNamespace: (namespace: string) => PodGroup;
  /** `''`: those without a node. */
  readonly onNode: (node: string) => PodGroup;
  /** By the UID of their controller; `''`: those that nobody owns. */
  readonly ownedBy: (uid: string) => PodGroup;
}

export interface PodGroup extends Iterable<PodRow> {
  readonly size: number;
}

const indexes = new WeakMap<Cluster, PodIndex>();

/** The index of a cluster: each part is made at the first question for it, by one walk over all pods, and kept from then on. */
export function podIndex(cluster: Cluster): PodIndex {
  let index = indexes.get(cluster);
  if (index === undefined) {
    index = {
      inNamespace: groupsBy(cluster, ({ namespace }) => namespace),
      onNode: groupsBy(cluster, ({ node }) => node),
      ownedBy: groupsBy(cluster, ({ owner }) => owner?.uid ?? ''),
    };
    indexes.set(cluster, index);
  }
  return index;
}

const none: PodGroup = { size: 0, [Symbol.iterator]: () => [].values() };

function groupsBy(cluster: Cluster, keyOfGroup: (row: PodRow) => string): (key: string) => PodGroup {
  let groups: Map<string, Map<string, PodRow>> | undefined;

  function put(into: Map<string, Map<string, PodRow>>, row: PodRow): void {
    const name = keyOfGroup(row);
    const group = into.get(name);
    if (group === undefined) into.set(name, new Map([[keyOf(row), row]]));
    else group.set(keyOf(row), row);
  }

  function remove(from: Map<string, Map<string, PodRow>>, row: PodRow): void {
    const name = keyOfGroup(row);
    const group = from.get(name);
    if (group?.delete(keyOf(row)) === true && group.size === 0) from.delete(name);
  }

  function build(): Map<string, Map<string, PodRow>> {
    const built = new Map<string, Map<string, PodRow>>();
    for (const row of cluster.rowsOf(pods)) put(built, row);
    // The rows of a resource's hook are that resource's own.
    cluster.onRow(anyResource(pods), (before, after) => {
      if (before === after) return;
      const [old, row] = [before as PodRow | undefined, after as PodRow | undefined];
      if (old !== undefined && (row === undefined || keyOfGroup(old) !== keyOfGroup(row))) remove(built, old);
      if (row !== undefined) put(built, row);
    });
    return built;
  }

  return (key) => {
    groups ??= build();
    const group = groups.get(key);
    return group === undefined ? none : { size: group.size, [Symbol.iterator]: () => group.values() };
  };
}
