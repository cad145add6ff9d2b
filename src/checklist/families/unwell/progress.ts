import { nameOf, type Usage } from '../../evidence-index.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { count, list, record, text, time } from '../../read.ts';

export const asksGpu = (facts: PodFacts): boolean =>
  facts.containers.some((container) =>
    Object.keys(record(container.spec, 'resources', 'limits')).some((name) =>
      /gpu|gaudi|neuron|tpu|mig-/.test(name),
    ),
  );

/** The newest kubelet timestamp of a log that was fetched with timestamps. */
export function lastLineAt(log: string | undefined): number | undefined {
  const stamps = log?.match(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/gm);
  const newest = stamps?.at(-1);
  return newest === undefined ? undefined : Date.parse(newest) || undefined;
}

/** A step counter that no longer moves while lines still come. */
export function stuckStep(
  log: string | undefined,
): { readonly step: number; readonly forMs: number } | undefined {
  const lines = [
    ...(log ?? '').matchAll(
      /^(\d{4}-\d\d-\d\dT[\d:.]+Z?)[^\n]*?\b(?:step|iter(?:ation)?|global_step)[ =:]+(\d+)/gim,
    ),
  ];
  const last = lines.at(-1);
  if (last === undefined || lines.length < 3) return undefined;
  const first = lines.find((line) => line[2] === last[2]);
  const forMs = Date.parse(last[1] ?? '') - Date.parse(first?.[1] ?? '');
  return Number.isFinite(forMs) ? { step: Number(last[2]), forMs } : undefined;
}

/** Ranks of the same job that restarted, or are not running. */
export function peers(
  facts: PodFacts,
  since: number,
): {
  readonly restarted: readonly string[];
  readonly missing: readonly string[];
} {
  const keys = [
    'training.kubeflow.org/job-name',
    'jobset.sigs.k8s.io/jobset-name',
    'batch.kubernetes.io/job-name',
    'job-name',
    'leaderworkerset.sigs.k8s.io/name',
    'volcano.sh/job-name',
    'ray.io/cluster',
    'app',
  ];
  const key = keys.find((entry) => facts.labels[entry] !== undefined);
  if (key === undefined) return { restarted: [], missing: [] };
  const others = facts.index
    .inNamespace('Pod', facts.namespace)
    .filter(
      (pod) => nameOf(pod) !== facts.name && text(pod, 'metadata', 'labels', key) === facts.labels[key],
    );
  return {
    restarted: others
      .filter((pod) =>
        list(pod, 'status', 'containerStatuses').some(
          (status) =>
            (count(status, 'restartCount') ?? 0) > 0 &&
            // A restart that the others outlived did not stop them.
            (time(status, 'lastState', 'terminated', 'finishedAt') ?? since) >= since - 10 * 60_000,
        ),
      )
      .map(nameOf),
    missing: others
      .filter(
        (pod) => text(pod, 'status', 'phase') !== 'Running' && text(pod, 'status', 'phase') !== 'Succeeded',
      )
      .map(nameOf),
  };
}

/** What the GPUs of a pod do; undefined where nobody measures. Busy is not the same as working: a collective spins. */
export function gpuActivity(usage: Usage | undefined): 'idle' | 'busywait' | 'working' | undefined {
  if (usage?.gpuBusy === undefined) return undefined;
  if (usage.gpuBusy <= 0.05) return 'idle';
  return usage.gpuBusy >= 0.95 && (usage.gpuWorking ?? 1) <= 0.02 ? 'busywait' : 'working';
}
