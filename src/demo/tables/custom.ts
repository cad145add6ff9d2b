import { fieldAt } from '../object.ts';
import { ageAt } from './duration.ts';
import { type Cell, type ColumnDefinition, listAt, type Printer, textAt } from './read.ts';

/** One additionalPrinterColumn: title, type, and where the value lies; `condition:X` is the status of condition X. */
type CustomColumn = readonly [title: string, type: string, path: string];

/** Printer columns of CRDs as their operators ship them ; the age comes last everywhere. */
const customKinds: Readonly<Record<string, readonly CustomColumn[]>> = {
  'workloads.kueue.x-k8s.io': [
    ['Queue', 'string', 'spec.queueName'],
    ['Reserved in', 'string', 'status.admission.clusterQueue'],
    ['Admitted', 'string', 'condition:Admitted'],
    ['Finished', 'string', 'condition:Finished'],
  ],
  'clusterqueues.kueue.x-k8s.io': [
    ['Cohort', 'string', 'spec.cohortName'],
    ['Pending Workloads', 'integer', 'status.pendingWorkloads'],
  ],
  'localqueues.kueue.x-k8s.io': [
    ['ClusterQueue', 'string', 'spec.clusterQueue'],
    ['Pending Workloads', 'integer', 'status.pendingWorkloads'],
    ['Admitted Workloads', 'integer', 'status.admittedWorkloads'],
  ],
  'pytorchjobs.kubeflow.org': [['State', 'string', 'lastCondition:type']],
  'trainjobs.trainer.kubeflow.org': [['State', 'string', 'lastCondition:type']],
  'jobsets.jobset.x-k8s.io': [
    ['TerminalState', 'string', 'status.terminalState'],
    ['Restarts', 'string', 'status.restarts'],
    ['Completed', 'string', 'condition:Completed'],
    ['Suspended', 'string', 'spec.suspend'],
  ],
  'leaderworkersets.leaderworkerset.x-k8s.io': [
    ['Ready', 'integer', 'status.readyReplicas'],
    ['Desired', 'integer', 'spec.replicas'],
    ['Up-to-date', 'integer', 'status.updatedReplicas'],
  ],
  'rayclusters.ray.io': [
    ['Desired Workers', 'integer', 'status.desiredWorkerReplicas'],
    ['Available Workers', 'integer', 'status.availableWorkerReplicas'],
    ['CPUs', 'string', 'status.desiredCPU'],
    ['Memory', 'string', 'status.desiredMemory'],
    ['GPUs', 'string', 'status.desiredGPU'],
    ['Status', 'string', 'status.state'],
  ],
  'rayjobs.ray.io': [
    ['Job Status', 'string', 'status.jobStatus'],
    ['Deployment Status', 'string', 'status.jobDeploymentStatus'],
    ['RayCluster Name', 'string', 'status.rayClusterName'],
    ['Start Time', 'string', 'status.startTime'],
    ['End Time', 'string', 'status.endTime'],
  ],
  'inferenceservices.serving.kserve.io': [
    ['URL', 'string', 'status.url'],
    ['Ready', 'string', 'condition:Ready'],
  ],
  'podgroups.scheduling.volcano.sh': [
    ['STATUS', 'string', 'status.phase'],
    ['minMember', 'integer', 'spec.minMember'],
    ['RUNNINGS', 'integer', 'status.running'],
  ],
  'queues.scheduling.volcano.sh': [['PARENT', 'string', 'spec.parent']],
  'jobs.batch.volcano.sh': [
    ['STATUS', 'string', 'status.state.phase'],
    ['minAvailable', 'integer', 'status.minAvailable'],
    ['RUNNINGS', 'integer', 'status.running'],
  ],
  'clusterpolicies.nvidia.com': [['Status', 'string', 'status.state']],
  'nodeclaims.karpenter.sh': [
    ['Node', 'string', 'status.nodeName'],
    ['Ready', 'string', 'condition:Ready'],
  ],
  'nodesets.slinky.slurm.net': [
    ['Desired', 'integer', 'spec.replicas'],
    ['Ready', 'integer', 'status.readyReplicas'],
  ],
};

/** Columns and printer of a CRD's kind, by `plural.group`; undefined for a kind not listed. */
export function customColumns(
  key: string,
): { readonly columns: readonly ColumnDefinition[]; readonly print: Printer } | undefined {
  const custom = customKinds[key];
  if (custom === undefined) return undefined;
  const columns = [
    column('Name', 'string', 'metadata.name'),
    ...custom.map(([title, type, path]) => column(title, type, path)),
    column('Age', 'date', 'metadata.creationTimestamp'),
  ];
  const print: Printer = (object, { now }) => [
    textAt(object, 'metadata.name'),
    ...custom.map(([, type, path]) => cellAt(object, type, path)),
    ageAt(object, 'metadata.creationTimestamp', now),
  ];
  return { columns, print };
}

const column = (name: string, type: string, path: string): ColumnDefinition => ({
  name,
  type,
  format: name === 'Name' ? 'name' : '',
  description: path,
  priority: 0,
});

function cellAt(object: unknown, type: string, path: string): Cell {
  const conditions = listAt(object, 'status.conditions');
  if (path.startsWith('condition:')) {
    const name = path.slice('condition:'.length);
    return textAt(
      conditions.find((condition) => condition['type'] === name),
      'status',
    );
  }
  if (path === 'lastCondition:type') return textAt(conditions.at(-1), 'type');
  const value = fieldAt(object, path);
  if (type === 'integer') return typeof value === 'number' ? value : '';
  return value === undefined || value === null ? '' : String(value);
}
