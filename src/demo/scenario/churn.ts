import type { Store } from '../store.ts';
import { randomFrom } from './random.ts';
import { type PodLike, timeText } from './shapes.ts';

/**
 * Changes the status of random running pods, this many times a second, until the returned function is called: load for
 * benchmarks. Every change is one MODIFIED event of a pod.
 */
export function churn(
  store: Store,
  eventsPerSecond: number,
  options: { readonly now: () => number; readonly seed?: number },
): () => void {
  if (eventsPerSecond <= 0) return () => {};
  const random = randomFrom(options.seed ?? 1);
  const running = (store.list('', 'pods') as readonly PodLike[]).filter(
    (pod) => pod.status.phase === 'Running',
  );
  const names = running.map((pod) => ({ namespace: pod.metadata.namespace ?? '', name: pod.metadata.name }));
  let owed = 0;
  let last = options.now();
  const timer = setInterval(() => {
    const now = options.now();
    owed += ((now - last) * eventsPerSecond) / 1000;
    last = now;
    for (; owed >= 1 && names.length > 0; owed--) {
      const ref = names[Math.floor(random() * names.length)];
      const pod = ref && (store.get({ group: '', plural: 'pods', ...ref }) as PodLike | undefined);
      if (pod !== undefined) store.put(flipped(pod, timeText(now)));
    }
  }, 10);
  timer.unref();
  return () => clearInterval(timer);
}

/** Ready pods become unready, unready ones come back with one more restart. */
function flipped(pod: PodLike, at: string): PodLike {
  const [first, ...others] = pod.status.containerStatuses ?? [];
  if (first === undefined) return pod;
  const ready = !first.ready;
  const restartCount = first.restartCount + (ready ? 1 : 0);
  const status = ready ? 'True' : 'False';
  return {
    ...pod,
    status: {
      ...pod.status,
      conditions: (pod.status.conditions ?? []).map((condition) =>
        /^(Ready|ContainersReady)$/.test(condition.type)
          ? { ...condition, status, lastTransitionTime: at }
          : condition,
      ),
      containerStatuses: [{ ...first, ready, restartCount }, ...others],
    },
  };
}
