import { expect, test } from 'vitest';
import type { KubeObject } from '../../src/kube/object.ts';
import { pods } from '../../src/resources/pods.ts';
import type { SchedulingCluster } from '../../src/scheduling/cluster.ts';
import { explain } from '../../src/scheduling/explain.ts';
import { clusterFrom } from '../../src/scheduling/from-objects.ts';
import { parseSchedulerMessage } from '../../src/scheduling/message.ts';
import { type SchedulingLine, schedulingOracle } from '../recorded/read.ts';

const lines = schedulingOracle();

const clusters = new Map<number, SchedulingCluster>();
for (const { base, objects } of lines) {
  if (objects === undefined) continue;
  clusters.set(
    base,
    clusterFrom({
      nodes: objects['nodes'],
      pods: objects['pods'],
      namespaces: objects['namespaces'],
      volumes: objects['persistentvolumes'],
      claims: objects['persistentvolumeclaims'],
      storageClasses: objects['storageclasses'],
      csiNodes: [],
      csiDrivers: [],
      storageCapacities: [],
      devicePools: [],
      deviceClaims: [],
      deviceClasses: [],
    }),
  );
}

/** What differs between our verdict and the scheduler's decision; undefined when nothing does. */
function difference(line: SchedulingLine): unknown {
  const cluster = clusters.get(line.base);
  if (cluster === undefined || line.pod === undefined || line.result === undefined) return 'no such cluster';
  const ours = explain(cluster, pods.toRow(line.pod as KubeObject, { server: undefined }));
  const { fits, message } = line.result;
  const name = line.pod.metadata?.name;
  if (fits !== undefined)
    return ours.fits.includes(fits)
      ? undefined
      : { base: line.base, name, chosen: fits, ours: ours.nodes.find((node) => node.name === fits) };
  const said = parseSchedulerMessage(message ?? '');
  const same =
    ours.fits.length === 0 &&
    JSON.stringify(Object.entries(said.reasons).sort()) ===
      JSON.stringify(Object.entries(ours.reasons).sort()) &&
    said.preFilter === ours.preFilter?.message;
  return same
    ? undefined
    : { base: line.base, name, message, reasons: ours.reasons, fits: ours.fits, preFilter: ours.preFilter };
}

test('every decision of a real scheduler comes out: the chosen node fits, and every reason has its count', () => {
  const decisions = lines.filter((line) => line.pod !== undefined);
  expect(decisions.length).toBe(1978);
  expect(decisions.map(difference).filter((found) => found !== undefined)).toEqual([]);
});

/** `… preemption: 0/11 nodes are available: 10 Preemption is not helpful for scheduling.` → 10 */
const beyondPreemption = (preemption: string): number =>
  Number(/(\d+) Preemption is not helpful/.exec(preemption)?.[1] ?? 0);

test('on as many nodes as the scheduler says, evicting pods would not help', () => {
  const differences = lines.flatMap((line) => {
    const cluster = clusters.get(line.base);
    const said = parseSchedulerMessage(line.result?.message ?? '');
    if (
      cluster === undefined ||
      line.pod === undefined ||
      said.nodes === undefined ||
      said.preFilter !== undefined
    )
      return [];
    const { nodes } = explain(cluster, pods.toRow(line.pod, { server: undefined }));
    const final = nodes.filter(({ blockers: [first, ...others] }) =>
      [first, ...others].some((blocker) => blocker?.final === true && blocker.plugin === first?.plugin),
    );
    const expected = beyondPreemption(said.preemption);
    return final.length === expected
      ? []
      : [
          {
            base: line.base,
            pod: line.pod.metadata?.name,
            ours: final.length,
            expected,
            message: line.result?.message,
          },
        ];
  });
  expect(differences).toEqual([]);
});
