import { isDeepStrictEqual } from 'node:util';
import type { Aftermath, Cluster, ResourceRequest } from '../cluster.ts';
import { fieldAt, type JsonRecord, type KubeLike } from '../object.ts';
import { cordon } from '../scenario/happenings.ts';
import { isFinished, type PodLike, suffixOf } from '../scenario/shapes.ts';
import { type ServedStore, secondsText } from '../store.ts';
import { quotaRefusal } from '../writes/admission.ts';
import { deleteObject } from '../writes/delete.ts';
import { budgetsOf, countBudget } from '../writes/evict.ts';
import { type Bench, createBench } from './bench.ts';
import { dependentsOf, foreignFinalizers, orphan } from './collector.ts';
import { reconcileDeployment, rollOut } from './deployments.ts';
import type { Hands } from './hands.ts';
import { reconcileJob } from './jobs.ts';
import { createKubelet } from './kubelet.ts';
import {
  controllerOf,
  isLeaving,
  makePod,
  ownerOf,
  ownerReference,
  podsOf,
  recordAt,
  templateFrom,
} from './pods.ts';
import { reconcileDaemonSet, reconcileReplicaSet, reconcileStatefulSet } from './replicas.ts';

type Reconcile = (hands: Hands, object: KubeLike) => void;

const reconcilers: Readonly<Record<string, Reconcile>> = {
  'apps/Deployment': reconcileDeployment,
  'apps/ReplicaSet': reconcileReplicaSet,
  'apps/StatefulSet': reconcileStatefulSet,
  'apps/DaemonSet': reconcileDaemonSet,
  'batch/Job': reconcileJob,
};

const groupOf = (object: KubeLike): string =>
  object.apiVersion?.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
const reconcilerOf = (object: KubeLike): Reconcile | undefined =>
  reconcilers[`${groupOf(object)}/${object.kind ?? ''}`];

const reconcileAfterMs = 40;
const requestOf = (store: ServedStore, object: KubeLike): ResourceRequest | undefined => {
  const kind = store.kindOf(object.apiVersion ?? '', object.kind ?? '');
  return (
    kind && {
      kind,
      version: kind.versions[0] ?? 'v1',
      namespace: object.metadata?.namespace,
      name: object.metadata?.name,
      subresource: undefined,
      verb: 'delete',
    }
  );
};

const inBackground = {
  graceSeconds: undefined,
  propagation: 'Background',
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
} as const;

/** The object as it is now, if it is still the same one. */
function current(store: ServedStore, object: KubeLike): KubeLike | undefined {
  const request = requestOf(store, object);
  const found = request && store.stored(request.kind, request.namespace, request.name ?? '')?.object;
  return found?.metadata?.uid === object.metadata?.uid ? found : undefined;
}

/**
 * Lets writes have their effects: pods start and end, owners replace their pods, what lost its owner goes. Workloads that
 * nobody wrote to are left to the story. `still`: what is deleted goes, and nothing new comes.
 */
export function createAftermath(cluster: Cluster, { still }: { readonly still: boolean }): Aftermath {
  const { store, settings } = cluster;
  const bench: Bench = createBench(store, cluster.now);
  const kubelet = createKubelet(bench);
  const managed = new Map<string, KubeLike>();
  const queued = new Set<string>();
  const daemonNodes = new Map<string, readonly string[]>();

  const hands: Hands = {
    bench,
    begin: (pod) => kubelet.begin(pod),
    terminate(pod) {
      const live = current(store, pod);
      const request = requestOf(store, pod);
      if (live !== undefined && request !== undefined && !isLeaving(live)) deleteFor(request, live);
    },
    event(about, type, reason, message) {
      const component = `${(about.kind ?? '').toLowerCase()}-controller`;
      bench.world().event(about, { type, reason, message, component });
    },
    status(object, fields) {
      const live = current(store, object);
      if (live !== undefined) hands.replaceStatus(live, { ...recordAt(live, 'status'), ...fields });
    },
    replaceStatus(object, status) {
      const live = current(store, object);
      if (live === undefined) return;
      const generation = live.metadata?.['generation'];
      const next = {
        ...(typeof generation === 'number' ? { observedGeneration: generation } : {}),
        ...status,
      };
      const seen = typeof generation === 'number' ? { ...next, observedGeneration: generation } : next;
      if (!isDeepStrictEqual(timeless(live['status']), timeless(seen))) store.put({ ...live, status: seen });
    },
    manage(object) {
      const { uid } = object.metadata ?? {};
      if (uid !== undefined) managed.set(uid, object);
    },
    again(object) {
      const { uid } = object.metadata ?? {};
      if (uid === undefined || queued.has(uid)) return;
      queued.add(uid);
      bench.later(reconcileAfterMs, () => {
        queued.delete(uid);
        const live = current(store, object);
        if (live !== undefined) reconcilerOf(live)?.(hands, live);
      });
    },
    refusal(owner, template) {
      const pod = { ...template, metadata: { name: '' }, status: { phase: 'Pending' } } as unknown as PodLike;
      const why =
        pod.spec === undefined ? undefined : quotaRefusal(cluster, pod, owner.metadata?.namespace ?? '');
      return (
        why &&
        `Error creating: pods "${owner.metadata?.name ?? ''}-${suffixOf(String(cluster.now()))}" is forbidden: ${why}`
      );
    },
    revisionOf: (set) => revisionsOf(store, set).at(-1)?.metadata?.labels?.['controller-revision-hash'],
    nodesOf(set) {
      const uid = set.metadata?.uid ?? '';
      const seen = podsOf(store, set).flatMap((pod) => pod.spec.nodeName ?? []);
      const nodes = [...new Set([...(daemonNodes.get(uid) ?? []), ...seen])].filter(
        (name) => bench.world().node(name) !== undefined,
      );
      daemonNodes.set(uid, nodes);
      return nodes;
    },
  };

  const deleteFor = (request: ResourceRequest, object: KubeLike): void => {
    try {
      deleteObject(request, { ...cluster, aftermath }, object, inBackground);
    } catch {
      // A policy that protects the object holds for controllers too; they would try for ever and in vain.
    }
  };

  /** Pods of workloads that are looked after tell their owner when they change. */
  const podKind = store.kindAt('', 'pods');
  const unfollow =
    podKind === undefined
      ? () => undefined
      : store.follow(podKind, ({ stored, type, previous }) => {
          if (managed.size === 0) return;
          const uid = controllerOf(stored.object)?.['uid'];
          const owner = typeof uid === 'string' ? managed.get(uid) : undefined;
          if (owner !== undefined) hands.again(owner);
          const wasReady = fieldAt(previous?.object, 'status.conditions');
          if (type !== 'DELETED' && isDeepStrictEqual(wasReady, fieldAt(stored.object, 'status.conditions')))
            return;
          if (owner !== undefined)
            for (const budget of budgetsOf(cluster, stored.object)) countBudget(cluster, budget);
        });

  /** A pod that its owner wants back. Owners of kinds that nobody plays here get the same pod again. */
  function replace(pod: PodLike): void {
    const owner = still ? undefined : ownerOf(store, pod);
    if (owner === undefined || isLeaving(owner)) return;
    if (reconcilerOf(owner) !== undefined) {
      if (owner.kind === 'DaemonSet' && pod.spec.nodeName !== undefined)
        daemonNodes.set(owner.metadata?.uid ?? '', [...hands.nodesOf(owner), pod.spec.nodeName]);
      hands.manage(owner);
      hands.again(owner);
    } else if (owner.kind !== 'Node' && !isFinished(pod)) {
      const { name } = pod.metadata;
      hands.begin(makePod(store, owner, { name, template: templateFrom(pod) }, bench.now()));
    }
  }

  function leave(object: KubeLike): void {
    const live = current(store, object);
    const request = live && requestOf(store, live);
    if (live === undefined || request === undefined) return;
    if (live.kind === 'Pod' && isOnSilentNode(live)) return;
    if (foreignFinalizers(store, live).length > 0) {
      if (live.kind === 'Pod')
        store.put({ ...live, metadata: { ...live.metadata, deletionGracePeriodSeconds: 0 } });
      return;
    }
    const finalizers = live.metadata?.['finalizers'];
    const words: readonly unknown[] = Array.isArray(finalizers) ? finalizers : [];
    if (words.includes('orphan')) orphan(store, live);
    if (words.includes('foregroundDeletion') && !dependentsGone(live)) return;
    if (live.kind === 'Namespace' && !emptied(live)) return;
    store.remove({
      group: request.kind.group,
      plural: request.kind.plural,
      name: request.name ?? '',
      ...(request.namespace === undefined ? {} : { namespace: request.namespace }),
    });
    aftermath.removed(live);
  }

  /** A kubelet that has fallen silent confirms nothing: its pods stay, until somebody forces them. */
  function isOnSilentNode(pod: KubeLike): boolean {
    if (pod.metadata?.['deletionGracePeriodSeconds'] === 0) return false;
    const node = bench.world().node(String(fieldAt(pod, 'spec.nodeName')));
    return (
      node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false
    );
  }

  function dependentsGone(owner: KubeLike): boolean {
    const dependents = dependentsOf(store, owner);
    for (const object of dependents) collect(object);
    if (dependents.length > 0) bench.later(200, () => leave(owner));
    return dependents.length === 0;
  }

  function emptied(namespace: KubeLike): boolean {
    const name = namespace.metadata?.name;
    const inside = store
      .kinds()
      .filter((kind) => kind.namespaced && kind.storedIn === undefined)
      .flatMap((kind) => store.list(kind.group, kind.plural, name));
    for (const object of inside) collect(object);
    if (inside.length > 0) bench.later(300, () => leave(namespace));
    return inside.length === 0;
  }

  function collect(object: KubeLike): void {
    const request = requestOf(store, object);
    if (request !== undefined && !isLeaving(object)) deleteFor(request, object);
  }

  function revise(set: KubeLike, before: KubeLike | undefined): void {
    if (set.kind !== 'StatefulSet' && set.kind !== 'DaemonSet') return;
    const known = revisionsOf(store, set);
    if (known.length === 0 && before !== undefined) putRevision(bench, set, before, 1);
    putRevision(bench, set, set, (Number(revisionsOf(store, set).at(-1)?.['revision'] ?? 0) || 0) + 1);
  }

  const aftermath: Aftermath = {
    written(object, before) {
      if (still) return;
      if (object.kind === 'Pod') {
        const [pod, old] = [object as PodLike, before as PodLike | undefined];
        if (
          old === undefined ||
          (old.spec['schedulingGates'] !== undefined && pod.spec['schedulingGates'] === undefined)
        )
          kubelet.begin(pod);
        else if (!isDeepStrictEqual(old.spec, pod.spec)) {
          kubelet.attach(pod);
          kubelet.renew(pod, old);
        }
      } else if (object.kind === 'Node') {
        const isCordoned = fieldAt(object, 'spec.unschedulable') === true;
        if (isCordoned !== (fieldAt(before, 'spec.unschedulable') === true))
          cordon(bench.world(), object.metadata?.name ?? '', isCordoned);
      } else if (object.kind === 'Namespace' && before === undefined) {
        welcome(bench, object);
      } else if (object.kind === 'PodDisruptionBudget') {
        countBudget(cluster, object);
      } else if (reconcilerOf(object) !== undefined && !isDeepStrictEqual(before?.['spec'], object['spec'])) {
        hands.manage(object);
        const isNew = !isDeepStrictEqual(fieldAt(before, 'spec.template'), fieldAt(object, 'spec.template'));
        if (isNew && object.kind === 'Deployment') rollOut(hands, object, before);
        else if (isNew) revise(object, before);
        hands.again(object);
      }
    },
    deleting(object, graceSeconds) {
      const waitMs = object.kind === 'Pod' ? Math.min(graceSeconds * 1000, settings.graceAtMostMs) : 0;
      if (object.kind === 'Pod' && graceSeconds > 0 && fieldAt(object, 'spec.nodeName') !== undefined)
        bench.world().event(object, {
          reason: 'Killing',
          message: `Stopping container ${(object as PodLike).spec.containers[0]?.name ?? ''}`,
          component: 'kubelet',
          host: String(fieldAt(object, 'spec.nodeName')),
        });
      bench.later(waitMs, () => leave(object));
    },
    finalized(object) {
      bench.later(0, () => leave(object));
    },
    removed(object) {
      managed.delete(object.metadata?.uid ?? '');
      if (object.kind === 'Pod') {
        for (const budget of budgetsOf(cluster, object)) countBudget(cluster, budget);
        replace(object as PodLike);
        return;
      }
      bench.later(0, () => {
        for (const dependent of dependentsOf(store, object)) collect(dependent);
      });
    },
    stop() {
      unfollow();
      bench.stop();
    },
  };
  return aftermath;
}

/** A status without its times: conditions that say the same at another second are no news. */
function timeless(status: unknown): unknown {
  return JSON.parse(JSON.stringify(status ?? {}), (key, value: unknown) =>
    /^last\w*Time$/.test(key) ? undefined : value,
  ) as unknown;
}

const revisionsOf = (store: ServedStore, set: KubeLike): readonly KubeLike[] =>
  store
    .list('apps', 'controllerrevisions', set.metadata?.namespace)
    .filter((revision) => controllerOf(revision)?.['uid'] === set.metadata?.uid)
    .sort((a, b) => Number(a['revision']) - Number(b['revision']));

/** Keeps a template of a StatefulSet or DaemonSet as a revision that can be gone back to. */
function putRevision({ store, now }: Bench, set: KubeLike, holder: KubeLike, revision: number): void {
  const template: JsonRecord = recordAt(holder, 'spec.template');
  const hash = `${suffixOf(JSON.stringify(template))}${suffixOf(`${JSON.stringify(template)}2`)}`;
  const { namespace, name = '' } = set.metadata ?? {};
  store.put({
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: secondsText(now()),
      labels: { ...(holder.metadata?.labels ?? {}), 'controller-revision-hash': hash },
      ownerReferences: [ownerReference(set)],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision,
  });
}

/** What every namespace has from its first second. */
function welcome({ store, now }: Bench, namespace: KubeLike): void {
  const { name = '' } = namespace.metadata ?? {};
  store.put({
    ...namespace,
    metadata: {
      ...namespace.metadata,
      labels: { ...namespace.metadata?.labels, 'kubernetes.io/metadata.name': name },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  store.put({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: name, creationTimestamp: secondsText(now()) },
  });
}
