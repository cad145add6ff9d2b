import { readFileSync } from 'node:fs';
import { gpus } from '../../src/accelerators/gpus.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { tables } from '../../src/resources/index.ts';
import type { ClusterRows, Resource, Row } from '../../src/resources/resource.ts';
import { recordedObjects } from '../recorded/read.ts';

/** A cluster of rows from objects of any kinds. */
export function clusterOf(objects: readonly KubeObject[]): ClusterRows {
  const rows = new Map<string, Row[]>();
  for (const object of objects) {
    const resource = tables.find(({ kind, group }) => kind === object.kind && isOfGroup(object, group));
    if (resource === undefined) continue;
    const named = {
      ...object,
      metadata: { uid: `${object.metadata?.namespace}/${object.metadata?.name}`, ...object.metadata },
    };
    rows.set(resource.name, [
      ...(rows.get(resource.name) ?? []),
      resource.toRow(named, { server: undefined }),
    ]);
  }
  return { rowsOf: <R extends Row>({ name }: Resource<R>) => (rows.get(name) ?? []) as R[] };
}

const isOfGroup = (object: KubeObject, group: string): boolean =>
  (object.apiVersion ?? '').split('/').slice(0, -1).join('/') === group;

/** The recorded cluster of a real scheduler: H100, A100, L40S, MIG, shared and DRA nodes. */
export const recordedCluster = (): ClusterRows =>
  clusterOf(
    gpus.needs.flatMap(
      ({ name, group }) => recordedObjects(group === '' ? name : `${name}.${group}`).objects,
    ),
  );

/** The demo's own cluster (src/demo/catalogue), whose answers gpu.md 10.1 lists. */
export const catalogueCluster = (): ClusterRows =>
  clusterOf(
    ['nodes', 'pods', 'workloads', 'queues-and-quota', 'dra'].flatMap((file) =>
      readFileSync(new URL(`../../src/demo/catalogue/${file}.jsonl`, import.meta.url), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as KubeObject),
    ),
  );
