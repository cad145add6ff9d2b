import type { Usage as UsageEvidence } from '../checklist/evidence-index.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { Usage } from './usage.ts';

/** What was measured of a pod of late, as the checklist asks for it; undefined where nothing was. What is stale is unknown. */
export function usageEvidence(usage: Usage, row: PodRow, now: number): UsageEvidence | undefined {
  const devices = usage.devicesOf(row.namespace, row.name, row.node, now);
  const used = usage.pod(row.namespace, row.name, now);
  const held = devices.kind === 'known' && !devices.isStale ? devices.value : undefined;
  const memory = used.kind === 'known' && !used.isStale ? memoryShare(row, used.value.containers) : undefined;
  const { busy, tensor, memoryUsed, memoryTotal, idleForMs } = held ?? {};
  const evidence = {
    ...(busy === undefined ? {} : { gpuBusy: busy.mean }),
    ...(tensor === undefined ? {} : { gpuWorking: tensor }),
    ...(memoryUsed === undefined || memoryTotal === undefined || memoryTotal === 0
      ? {}
      : { gpuMemory: memoryUsed / memoryTotal }),
    ...(idleForMs === undefined ? {} : { forMs: idleForMs }),
    ...(memory === undefined ? {} : { memory }),
  };
  return Object.keys(evidence).length === 0 ? undefined : evidence;
}

/** Of the container that is nearest to its limit, 0–1. */
function memoryShare(
  row: PodRow,
  containers: readonly { readonly name: string; readonly memory: number }[],
): number | undefined {
  const shares = containers.flatMap(({ name, memory }) => {
    const limit = row.spec.containers.find((spec) => spec.name === name)?.limits['memory'];
    return limit === undefined || limit === 0 ? [] : [memory / limit];
  });
  return shares.length === 0 ? undefined : Math.max(...shares);
}
