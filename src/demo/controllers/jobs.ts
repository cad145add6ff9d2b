import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { secondsText } from '../store.ts';
import type { Hands } from './hands.ts';
import { isLive, isReady, makePod, podsOf, recordAt, templateFrom } from './pods.ts';

const indexKey = 'batch.kubernetes.io/job-completion-index';

const conditionsOf = (job: KubeLike): readonly JsonRecord[] => {
  const conditions = fieldAt(job, 'status.conditions');
  return Array.isArray(conditions) ? conditions.filter(isRecord) : [];
};

const isOver = (job: KubeLike): boolean =>
  conditionsOf(job).some(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );

const numberAt = (object: KubeLike, path: string, otherwise: number): number => {
  const value = fieldAt(object, path);
  return typeof value === 'number' ? value : otherwise;
};

/** Jobs: pods up to the parallelism until enough have succeeded; none while suspended. */
export function reconcileJob(hands: Hands, job: KubeLike): void {
  if (isOver(job) || job.metadata?.['deletionTimestamp'] !== undefined) return;
  const { store, now } = hands.bench;
  const at = secondsText(now());
  const pods = podsOf(store, job);
  const live = pods.filter(isLive);
  const done = pods.filter((pod) => pod.status.phase === 'Succeeded').length;
  const suspended = fieldAt(job, 'spec.suspend') === true;
  const completions = numberAt(job, 'spec.completions', 1);
  const parallelism = numberAt(job, 'spec.parallelism', 1);
  const wasSuspended = conditionsOf(job).find(({ type }) => type === 'Suspended');
  const others = conditionsOf(job).filter(({ type }) => type !== 'Suspended');
  const say = (type: string, status: boolean, reason: string, message: string): JsonRecord => ({
    type,
    status: status ? 'True' : 'False',
    lastProbeTime: at,
    lastTransitionTime: at,
    reason,
    message,
  });
  if (suspended) {
    for (const pod of live) hands.terminate(pod);
    if (wasSuspended?.['status'] !== 'True') hands.event(job, 'Normal', 'Suspended', 'Job suspended');
    const { startTime: _start, ...kept } = recordAt(job, 'status');
    hands.replaceStatus(job, {
      ...kept,
      active: 0,
      ready: 0,
      conditions: [...others, say('Suspended', true, 'JobSuspended', 'Job suspended')],
    });
    return;
  }
  if (wasSuspended?.['status'] === 'True') hands.event(job, 'Normal', 'Resumed', 'Job resumed');
  const resumed = wasSuspended === undefined ? [] : [say('Suspended', false, 'JobResumed', 'Job resumed')];
  if (done >= completions) {
    hands.event(job, 'Normal', 'Completed', 'Job completed');
    const reached = 'Reached expected number of succeeded pods';
    hands.status(job, {
      succeeded: done,
      active: 0,
      ready: 0,
      completionTime: at,
      conditions: [
        ...others,
        ...resumed,
        say('SuccessCriteriaMet', true, 'CompletionsReached', reached),
        say('Complete', true, 'CompletionsReached', reached),
      ],
    });
    return;
  }
  const template = recordAt(job, 'spec.template');
  const [sample] = pods;
  const source = template['spec'] === undefined && sample !== undefined ? templateFrom(sample) : template;
  const indexed = fieldAt(job, 'spec.completionMode') === 'Indexed';
  const taken = new Set(
    pods
      .filter((pod) => isLive(pod) || pod.status.phase === 'Succeeded')
      .map((pod) => recordAt(pod, 'metadata.annotations')[indexKey]),
  );
  for (let count = live.length; count < Math.min(parallelism, completions - done); count += 1) {
    let index = 0;
    while (taken.has(String(index))) index += 1;
    taken.add(String(index));
    const named = indexed
      ? { labels: { [indexKey]: String(index) }, annotations: { [indexKey]: String(index) } }
      : {};
    const pod = makePod(
      store,
      job,
      { template: source, finalizers: ['batch.kubernetes.io/job-tracking'], ...named },
      now(),
    );
    hands.event(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    hands.begin(pod);
  }
  const now_ = podsOf(store, job).filter(isLive);
  hands.status(job, {
    active: now_.length,
    ready: now_.filter(isReady).length,
    ...(done === 0 ? {} : { succeeded: done }),
    startTime: fieldAt(job, 'status.startTime') ?? at,
    ...(resumed.length === 0 ? {} : { conditions: [...others, ...resumed] }),
  });
}
