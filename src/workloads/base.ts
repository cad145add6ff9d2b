import type { PodGroupRow } from '../resources/gang-objects.ts';
import { forKinds, kubeflowJobs, rayKinds } from '../resources/job-kinds.ts';
import type { KueueWorkloadRow } from '../resources/kueue.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { WorkloadObjectRow } from '../resources/workload-object.ts';
import { groupOf, type Membership } from './group.ts';

/** One job by itself: its object, its pods, and what it belongs to. */
export interface Base {
  readonly key: string;
  readonly id: Pick<Membership, 'group' | 'kind' | 'namespace' | 'name'>;
  readonly pods: Set<PodRow>;
  object: WorkloadObjectRow | undefined;
  kueue: KueueWorkloadRow | undefined;
  readonly podGroups: Map<string, PodGroupRow>;
  parent: Base | undefined;
  readonly children: Set<Base>;
}

/** Operators whose objects stand above those that mltop reads. */
export const groupOfKind: Readonly<Record<string, string>> = {
  Job: 'batch',
  JobSet: 'jobset.x-k8s.io',
  TrainJob: 'trainer.kubeflow.org',
  ...forKinds(kubeflowJobs, 'kubeflow.org'),
  ...forKinds(rayKinds, 'ray.io'),
  LeaderWorkerSet: 'leaderworkerset.x-k8s.io',
  Deployment: 'apps',
  StatefulSet: 'apps',
  Workflow: 'argoproj.io',
  InferenceService: 'serving.kserve.io',
  Pod: '',
};

const kindOfLower: ReadonlyMap<string, string> = new Map(
  Object.keys(groupOfKind).map((kind) => [kind.toLowerCase(), kind]),
);

export const rootOf = (base: Base): Base => {
  let root = base;
  // Owners may be made to go in circles.
  for (let depth = 0; root.parent !== undefined && depth < 8; depth += 1) root = root.parent;
  return root;
};

export function* treeOf(root: Base): Generator<Base> {
  yield root;
  for (const child of root.children) yield* treeOf(child);
}

export function* placedPods(root: Base): Generator<{ readonly pod: PodRow; readonly part: string }> {
  for (const base of treeOf(root)) {
    const hasParts = base.id.kind === 'LeaderWorkerSet';
    for (const pod of base.pods) yield { pod, part: hasParts ? groupOf(pod).part : '' };
  }
}

export const podGroupKey = (row: PodGroupRow): string => `${row.group}/${row.namespace}/${row.name}`;

export function podGroupOwner(row: PodGroupRow): Base['id'] {
  const { owner, namespace } = row;
  if (owner !== undefined) {
    const group = owner.apiVersion.includes('/')
      ? owner.apiVersion.slice(0, owner.apiVersion.indexOf('/'))
      : '';
    return { group, kind: owner.kind, namespace, name: owner.name };
  }
  return { group: row.group, kind: 'PodGroup', namespace, name: row.name };
}

export function kueueOwner(row: KueueWorkloadRow): Base['id'] {
  const { namespace } = row;
  const [owner] = row.owners;
  const [kind = '', name = ''] = owner?.split('/') ?? [];
  if (kind === 'Pod' && row.owners.length > 1)
    return { group: '', kind: 'PodGroup', namespace, name: row.name };
  if (kind !== '') {
    const group = row.owner?.apiVersion.split('/').at(-2) ?? groupOfKind[kind] ?? '';
    return { group, kind, namespace, name };
  }
  // Kueue names a workload after its job: kind, name and a hash.
  const [, lower = '', job = ''] = /^([a-z]+)-(.+)-[0-9a-f]{5}$/.exec(row.name) ?? [];
  const named = kindOfLower.get(lower);
  if (named !== undefined) return { group: groupOfKind[named] ?? '', kind: named, namespace, name: job };
  return { group: '', kind: 'PodGroup', namespace, name: row.name };
}

/** Takes out what is under that key, unless it is another object of the same name. True where it was taken out. */
export function deleteSame<R extends { readonly uid: string }>(
  map: Map<string, R>,
  key: string,
  row: R,
): boolean {
  return map.get(key)?.uid === row.uid && map.delete(key);
}

export function changeCount(
  counts: Map<string, Map<Base, number>>,
  key: string,
  base: Base,
  sign: 1 | -1,
): boolean {
  const bases = counts.get(key) ?? new Map<Base, number>();
  const before = bases.get(base) ?? 0;
  const after = before + sign;
  if (after <= 0) bases.delete(base);
  else bases.set(base, after);
  if (bases.size === 0) counts.delete(key);
  else counts.set(key, bases);
  return before === 0 || after === 0;
}
