import { readFileSync } from 'node:fs';
import type { KubeObject } from '../../src/kube/object.ts';
import { operatorTables, tables } from '../../src/resources/index.ts';
import type { ClusterRows, Resource, Row } from '../../src/resources/resource.ts';
import { recordedObjects } from '../recorded/read.ts';

const kinds = [...tables, ...operatorTables];

/** A cluster of rows from objects of any kinds. */
export function clusterOf(objects: readonly KubeObject[]): ClusterRows {
  const rows = new Map<Resource, Row[]>();
  for (const object of objects) {
    const resource = kinds.find(({ kind, group }) => kind === object.kind && group === groupOf(object));
    if (resource === undefined) continue;
    const { kind, metadata } = object;
    const named = {
      ...object,
      metadata: { uid: `${kind}/${metadata?.namespace}/${metadata?.name}`, ...metadata },
    };
    const known = rows.get(resource);
    const row = resource.toRow(named, { server: undefined });
    if (known === undefined) rows.set(resource, [row]);
    else known.push(row);
  }
  return {
    rowsOf: <R extends Row>(resource: Resource<R>) =>
      (rows.get(resource as unknown as Resource) ?? []) as R[],
  };
}

const groupOf = (object: KubeObject): string => (object.apiVersion ?? '').split('/').slice(0, -1).join('/');

/** Files of the demo's catalogue, whose answers gpu.md 10.1 lists. */
export const catalogueObjects = (...files: readonly string[]): readonly KubeObject[] =>
  files.flatMap((file) =>
    readFileSync(new URL(`../../src/demo/catalogue/${file}.jsonl`, import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as KubeObject)
      .map((object) => ({
        ...object,
        metadata: { creationTimestamp: '2026-09-30T13:00:00Z', ...object.metadata },
      })),
  );

export const catalogueCluster = (): ClusterRows =>
  clusterOf(catalogueObjects('cluster', 'nodes', 'pods', 'workloads', 'queues-and-quota', 'dra'));

/** The recorded cluster of a real control plane. */
export const recordedCluster = (): ClusterRows =>
  clusterOf(
    [
      'nodes',
      'pods',
      'jobs.batch',
      'deployments.apps',
      'statefulsets.apps',
      'daemonsets.apps',
      'replicasets.apps',
      'resourcequotas',
      'resourceclaims.resource.k8s.io',
      'resourceslices.resource.k8s.io',
    ].flatMap((name) => recordedObjects(name).objects),
  );
