import { nodes } from '../resources/nodes.ts';
import { pods } from '../resources/pods.ts';
import { anyResource } from '../resources/resource.ts';
import type { ClusterSums } from '../screens/header.ts';
import type { Cluster } from '../state/cluster.ts';
import type { SessionStore } from '../state/session.ts';
import type { Sums } from '../state/sums.ts';
import type { Usage } from '../state/usage.ts';
import {
  deviceSourceText,
  idleSummary,
  measuredTables,
  nodeSourceText,
  sourceText,
} from '../state/usage-text.ts';

/** What the second line of the header says; undefined where the rows that it rests on are not known whole. */
export function sumsOf(
  sums: Sums,
  usage: Usage,
  cluster: Cluster,
  narrowed: string | undefined,
): ClusterSums {
  const [podKind, nodeKind] = [anyResource(pods), anyResource(nodes)];
  const hasNodes = cluster.hasListed(nodeKind) && narrowed !== nodeKind.name;
  // GPUs of a node are held by pods of all namespaces: those of some are no sum.
  const hasPods =
    narrowed !== podKind.name &&
    cluster
      .linksOf(podKind)
      .some(
        ({ scope, state }) =>
          scope === '' && state !== 'listing' && state !== 'forbidden' && state !== 'unsupported',
      );
  const { devices, pending } = sums.summary();
  const idle = idleSummary(usage);
  return {
    nodes: hasNodes ? { ready: sums.nodesReady(), total: sums.nodesTotal() } : undefined,
    gpus:
      hasNodes && hasPods
        ? {
            used: devices.used,
            total: devices.total,
            unusable: devices.unusable + devices.broken,
            ...(idle === undefined ? {} : { idle }),
          }
        : undefined,
    waiting: hasPods ? pending : undefined,
    faults:
      cluster.hasListed(podKind) || cluster.hasListed(nodeKind)
        ? cluster.faults(podKind) + cluster.faults(nodeKind)
        : undefined,
  };
}

/** Sources of what the table measures, with the age of what they said last. */
export function sourcesOf(
  usage: Usage,
  session: SessionStore,
  { table, readyNodes, now }: { readonly table: string; readonly readyNodes: number; readonly now: number },
): string {
  const { namespaces } = session.getState();
  const scope = namespaces === 'all' ? '' : (namespaces[0] ?? '');
  const parts = [
    table === 'pods' ? sourceText('use', usage.podSource(scope), now) : '',
    table === 'nodes' ? nodeSourceText(usage, readyNodes, now) : '',
    measuredTables.has(table) ? deviceSourceText(usage, now) : '',
  ];
  return parts.filter((part) => part !== '').join('  ');
}
