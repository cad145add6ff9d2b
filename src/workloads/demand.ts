import type { Demand, DemandKind } from '../accelerators/demand.ts';
import { sumOf, type WorkloadRow } from './workload-row.ts';

/** Deployments and the like make their pods at once; where they cannot, that is a fault, not a queue. */
const waitsAsJob = (row: WorkloadRow): boolean => row.group !== 'apps';

/** What a workload wants and no pod stands for yet; undefined where its pods say it all. Never counts a pod's demand again. */
export function demandOf(row: WorkloadRow): Demand | undefined {
  if (!waitsAsJob(row) || sumOf(row.unborn) === 0) return undefined;
  return { kind: kindOf(row), namespace: row.namespace, name: row.name, units: row.unborn };
}

function kindOf({ state, queue }: WorkloadRow): DemandKind {
  if (state === 'Gated') return 'gated';
  if (state === 'Queued') return queue === '' ? 'suspended' : 'queued';
  return 'unattempted';
}
