import type { KubeObject } from '../../../kube/object.ts';
import { clusterFrom, kindOfPart, sortObjects } from '../../../scheduling/from-objects.ts';
import { type Ledger, ledgerOf } from '../../../scheduling/ledger.ts';
import type { EvidenceIndex } from '../../evidence-index.ts';
import { list, record } from '../../read.ts';

/** The API server takes limits for requests where these are missing; manifests and cut pastes have not been there. */
export function defaulted(pod: KubeObject): KubeObject {
  const spec = record(pod, 'spec');
  const lacks = (container: unknown): boolean =>
    Object.keys(record(container, 'resources', 'limits')).some(
      (name) => record(container, 'resources', 'requests')[name] === undefined,
    );
  const lists = ['containers', 'initContainers'].filter((name) => list(spec, name).some(lacks));
  if (lists.length === 0) return pod;
  const filled = lists.map(
    (name) =>
      [
        name,
        list(spec, name).map((container) => ({
          ...record(container),
          resources: {
            ...record(container, 'resources'),
            requests: {
              ...record(container, 'resources', 'limits'),
              ...record(container, 'resources', 'requests'),
            },
          },
        })),
      ] as const,
  );
  return { ...pod, spec: { ...spec, ...Object.fromEntries(filled) } };
}

interface World {
  readonly ledger: Ledger;
  /** Every node says what it can hold, so that sums mean something. */
  readonly complete: boolean;
}

const worlds = new WeakMap<EvidenceIndex, World>();

/** The scheduler's view of the index, built once. */
export function worldOf(index: EvidenceIndex): World {
  const known = worlds.get(index);
  if (known !== undefined) return known;
  if (index.ledger !== undefined) {
    const given = { ledger: index.ledger, complete: index.ledger.nodeCount() > 0 };
    worlds.set(index, given);
    return given;
  }
  const sorted = sortObjects(index.objects);
  // A kind that is not in a pasted file is unknown, not empty.
  const objects = Object.fromEntries(
    Object.entries(sorted).map(([part, found]) => [
      part,
      (found?.length ?? 0) > 0 || kindOfPart[part] === undefined || index.listed(kindOfPart[part])
        ? found
        : undefined,
    ]),
  );
  const cluster = clusterFrom({ ...objects, pods: sorted.pods?.map(defaulted) }, index.server);
  const world = {
    ledger: ledgerOf(cluster),
    complete: cluster.nodes.length > 0 && cluster.nodes.every((node) => (node.allocatable['pods'] ?? 0) > 0),
  };
  worlds.set(index, world);
  return world;
}
