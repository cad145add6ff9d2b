import {
  coschedulingpodgroups,
  kaipodgroups,
  kaiqueues,
  nativepodgroups,
  nativeworkloads,
  type PodGroupRow,
  volcanopodgroups,
  volcanoqueues,
} from './gang-objects.ts';
import { clusterqueues, kueueworkloads, localqueues, resourceflavors } from './kueue.ts';
import {
  inferenceservices,
  leaderworkersets,
  llminferenceservices,
  nodesets,
  rayclusters,
  rayjobs,
  rayservices,
} from './model-servers.ts';
import { anyResource, type Resource } from './resource.ts';
import {
  jaxjobs,
  jobsets,
  mpijobs,
  paddlejobs,
  pytorchjobs,
  tfjobs,
  trainjobs,
  volcanojobs,
  workflows,
  xgboostjobs,
} from './training-jobs.ts';
import type { WorkloadObjectRow } from './workload-object.ts';

/** Jobs, servers and clusters of the ML operators (gpu.md 5.11). */
export const workloadObjects: readonly Resource<WorkloadObjectRow>[] = [
  pytorchjobs,
  tfjobs,
  xgboostjobs,
  paddlejobs,
  jaxjobs,
  mpijobs,
  trainjobs,
  jobsets,
  volcanojobs,
  workflows,
  leaderworkersets,
  rayclusters,
  rayjobs,
  rayservices,
  inferenceservices,
  llminferenceservices,
  nodesets,
];

export const podGroupKinds: readonly Resource<PodGroupRow>[] = [
  volcanopodgroups,
  coschedulingpodgroups,
  kaipodgroups,
  nativepodgroups,
];

/** What decides when a job may start. */
export const queueKinds: readonly Resource[] = [
  anyResource(kueueworkloads),
  anyResource(localqueues),
  anyResource(clusterqueues),
  anyResource(resourceflavors),
  ...podGroupKinds.map(anyResource),
  anyResource(volcanoqueues),
  anyResource(kaiqueues),
  anyResource(nativeworkloads),
];
