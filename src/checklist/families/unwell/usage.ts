import { editOwner } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { span } from '../../read.ts';
import { cause, evidence, item, type PodState } from '../../state.ts';
import { asksGpu } from './progress.ts';

const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** States that only a metrics source shows. */
const metered = (
  id: string,
  key: string,
  title: string,
  severity: 'none' | 'warn',
  read: (
    facts: PodFacts,
    usage: NonNullable<ReturnType<PodFacts['index']['usage']>>,
  ) => { readonly headline: string; readonly says: string } | undefined,
): PodState => ({
  id,
  key,
  title,
  gate: 'progressing',
  severity,
  match: (facts) => {
    const usage = facts.phase === 'Running' ? facts.index.usage(facts.namespace, facts.name) : undefined;
    const found = usage && read(facts, usage);
    return found === undefined
      ? undefined
      : {
          headline: found.headline,
          diagnose: () => ({
            causes:
              severity === 'none'
                ? []
                : [
                    cause(
                      `${id}.usage`,
                      'likely',
                      found.says,
                      editOwner(facts, 'Change its requests and limits'),
                    ),
                  ],
            items: [
              item(
                `${id}.usage`,
                'progressing',
                title,
                severity === 'none' ? 'info' : 'warn',
                evidence('measured', found.headline),
              ),
            ],
          }),
        };
  },
});

export const throttled: PodState = metered(
  'J5',
  'cpu.throttled',
  'Its CPU limit slows it down',
  'warn',
  (_, usage) =>
    (usage.cpuThrottled ?? 0) >= 0.25 && (usage.forMs ?? 0) >= 300_000
      ? {
          headline: `CPU throttled ${percent(usage.cpuThrottled ?? 0)}`,
          says: `it is throttled ${percent(usage.cpuThrottled ?? 0)} of the time by its CPU limit`,
        }
      : undefined,
);

export const nearLimit: PodState = metered(
  'J6',
  'mem.near-limit',
  'It is close to its memory limit',
  'warn',
  (_, usage) =>
    (usage.memory ?? 0) >= 0.9 && (usage.forMs ?? 0) >= 120_000
      ? {
          headline: `memory at ${percent(usage.memory ?? 0)} of the limit`,
          says: `its memory is at ${percent(usage.memory ?? 0)} of the limit: it will soon be OOM-killed`,
        }
      : undefined,
);

export const gpuMemory: PodState = metered(
  'J9',
  'gpu.mem-high',
  'Its GPU memory is nearly full',
  'none',
  (_, usage) =>
    (usage.gpuMemory ?? 0) >= 0.95
      ? { headline: `GPU memory ${percent(usage.gpuMemory ?? 0)}`, says: '' }
      : undefined,
);

export const dataBound: PodState = metered(
  'J13',
  'dataload.bound',
  'The GPU waits for data',
  'warn',
  (_, usage) =>
    (usage.gpuBusy ?? 1) < 0.5 &&
    (usage.gpuBusy ?? 0) > 0.05 &&
    (usage.cpuThrottled ?? 0) >= 0.1 &&
    (usage.forMs ?? 0) >= 300_000
      ? {
          headline: `GPU busy only ${percent(usage.gpuBusy ?? 0)}, CPU at its limit`,
          says: 'the GPU waits for data: the CPUs that load it are at their limit',
        }
      : undefined,
);

export const volumeFull: PodState = metered(
  'J15',
  'volume.near-full',
  'A volume is nearly full',
  'warn',
  (_, usage) =>
    (usage.volume ?? 0) >= 0.9
      ? {
          headline: `volume ${usage.volumeName ?? ''} ${percent(usage.volume ?? 0)} full`,
          says: `volume ${usage.volumeName ?? ''} is ${percent(usage.volume ?? 0)} full`,
        }
      : undefined,
);

export const waste: PodState = metered(
  'J19',
  'waste',
  'It uses little of what it holds',
  'none',
  (facts, usage) =>
    asksGpu(facts) && (usage.gpuBusy ?? 1) <= 0.1 && (usage.forMs ?? 0) >= 2 * 3600_000
      ? { headline: `GPU ${percent(usage.gpuBusy ?? 0)} for ${span(usage.forMs ?? 0)}`, says: '' }
      : undefined,
);

export const leak: PodState = metered(
  'J7',
  'mem.leak',
  'Its memory grows from run to run',
  'warn',
  (facts, usage) =>
    facts.containers.some((container) => container.restarts >= 3 && container.last?.reason === 'OOMKilled') &&
    (usage.memory ?? 0) >= 0.5 &&
    (usage.forMs ?? 0) >= 1_800_000
      ? {
          headline: `memory grows, ${percent(usage.memory ?? 0)} of the limit`,
          says: 'its memory grows until it is OOM-killed, run after run: a leak',
        }
      : undefined,
);
