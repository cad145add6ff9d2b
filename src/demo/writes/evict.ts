import type { Cluster, ResourceHandler, ResourceRequest } from '../cluster.ts';
import { fieldAt, isRecord, type KubeLike } from '../object.ts';
import { Refusal, serverFailure, statusBody } from '../status.ts';
import { secondsText } from '../store.ts';
import { selects } from './admission.ts';
import { readObject } from './body.ts';
import { deleteObject, deletionOf } from './delete.ts';
import { dryRunOf, existing } from './options.ts';

const numberAt = (object: unknown, path: string): number => {
  const value = fieldAt(object, path);
  return typeof value === 'number' ? value : 0;
};

const isReady = (pod: KubeLike): boolean => {
  const conditions = fieldAt(pod, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) => fieldAt(condition, 'type') === 'Ready' && fieldAt(condition, 'status') === 'True',
    )
  );
};

const isOver = (pod: KubeLike): boolean =>
  /^(Succeeded|Failed)$/.test(String(fieldAt(pod, 'status.phase'))) ||
  pod.metadata?.['deletionTimestamp'] !== undefined;

/** Which budgets a pod counts for. */
export const budgetsOf = ({ store }: Cluster, pod: KubeLike): readonly KubeLike[] =>
  store
    .list('policy', 'poddisruptionbudgets', pod.metadata?.namespace)
    .filter((budget) => selects(fieldAt(budget, 'spec.selector'), pod));

/** Counts a budget anew, as its controller does. Gives the budget as it then is. */
export function countBudget({ store }: Cluster, budget: KubeLike): KubeLike {
  const pods = store
    .list('', 'pods', budget.metadata?.namespace)
    .filter((pod) => selects(fieldAt(budget, 'spec.selector'), pod) && !isOver(pod));
  const expected = pods.length;
  const share = (value: unknown): number =>
    typeof value === 'string' && value.endsWith('%')
      ? Math.ceil((expected * Number.parseInt(value, 10)) / 100)
      : Number(value);
  const least = fieldAt(budget, 'spec.minAvailable');
  const most = fieldAt(budget, 'spec.maxUnavailable');
  const desired =
    least !== undefined ? share(least) : most !== undefined ? Math.max(0, expected - share(most)) : 0;
  const healthy = pods.filter(isReady).length;
  const allowed = Math.max(0, healthy - desired);
  const status = isRecord(budget['status']) ? budget['status'] : {};
  if (
    status['currentHealthy'] === healthy &&
    status['disruptionsAllowed'] === allowed &&
    status['expectedPods'] === expected
  )
    return budget;
  return store.put({
    ...budget,
    status: {
      ...status,
      currentHealthy: healthy,
      desiredHealthy: desired,
      disruptionsAllowed: allowed,
      expectedPods: expected,
    },
  });
}

const tooMany = (budget: KubeLike): Refusal =>
  new Refusal(
    statusBody(429, "Cannot evict pod as it would violate the pod's disruption budget.", {
      reason: 'TooManyRequests',
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: `The disruption budget ${budget.metadata?.name ?? ''} needs ${numberAt(budget, 'status.desiredHealthy')} healthy pods and has ${numberAt(budget, 'status.currentHealthy')} currently`,
          },
        ],
      },
    }),
  );

/** Takes one disruption from the pod's budget. Throws the 429 when there is none left. */
function spend(cluster: Cluster, pod: KubeLike, dryRun: boolean): void {
  if (isOver(pod) || fieldAt(pod, 'status.phase') === 'Pending') return;
  const [budget, ...others] = budgetsOf(cluster, pod);
  if (budget === undefined) return;
  if (others.length > 0)
    throw serverFailure(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const healthy = numberAt(budget, 'status.currentHealthy');
  const desired = numberAt(budget, 'status.desiredHealthy');
  const always = fieldAt(budget, 'spec.unhealthyPodEvictionPolicy') === 'AlwaysAllow';
  if (!isReady(pod) && (always || (healthy >= desired && desired > 0))) return;
  const allowed = numberAt(budget, 'status.disruptionsAllowed');
  if (allowed <= 0) throw tooMany(budget);
  if (dryRun) return;
  const status = isRecord(budget['status']) ? budget['status'] : {};
  cluster.store.put({
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: {
        ...(isRecord(status['disruptedPods']) ? status['disruptedPods'] : {}),
        [pod.metadata?.name ?? '']: secondsText(cluster.now()),
      },
    },
  });
}

function disrupted(cluster: Cluster, pod: KubeLike): KubeLike {
  const conditions = fieldAt(pod, 'status.conditions');
  return cluster.store.put({
    ...pod,
    status: {
      ...(isRecord(pod['status']) ? pod['status'] : {}),
      conditions: [
        ...(Array.isArray(conditions) ? conditions : []),
        {
          type: 'DisruptionTarget',
          status: 'True',
          lastProbeTime: null,
          lastTransitionTime: secondsText(cluster.now()),
          reason: 'EvictionByEvictionAPI',
          message: 'Eviction API: evicting',
        },
      ],
    },
  });
}

/** POST of an Eviction: a DELETE that asks the budget first. */
export const evict: ResourceHandler = {
  takes: ({ verb, subresource }) => verb === 'create' && subresource === 'eviction',
  async handle(exchange, request, cluster) {
    const { object: eviction } = await readObject(exchange, request, 'Eviction');
    const said = eviction['deleteOptions'];
    const body = isRecord(said) ? said : {};
    const dryRun = dryRunOf(exchange, 'DeleteOptions', body['dryRun']);
    const pod = existing(request, cluster);
    spend(cluster, pod, dryRun);
    const target: ResourceRequest = { ...request, subresource: undefined };
    const deletion = deletionOf(new URLSearchParams(), body, dryRun);
    deleteObject(target, cluster, dryRun ? pod : disrupted(cluster, pod), deletion);
    await exchange.json(201, {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    });
  },
};
