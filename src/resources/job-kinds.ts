// Names of kinds, for rooms that have an owner's kind and not its object (gpu.md 5.11). Their columns are in `workload-kinds.ts`.

/** Jobs of Kubeflow's training operator, version 1. */
export const kubeflowJobs: readonly string[] = [
  'PyTorchJob',
  'TFJob',
  'XGBoostJob',
  'PaddleJob',
  'JAXJob',
  'MPIJob',
];

/** Jobs whose pods are of use only together. */
export const gangJobs: readonly string[] = ['JobSet', 'TrainJob', ...kubeflowJobs, 'LeaderWorkerSet'];

export const rayKinds: readonly string[] = ['RayCluster', 'RayJob', 'RayService'];

export const kserveKinds: readonly string[] = ['InferenceService', 'LLMInferenceService'];

/** The same value for each of these kinds, as part of a table by kind. */
export const forKinds = <V>(kinds: readonly string[], value: V): Readonly<Record<string, V>> =>
  Object.fromEntries(kinds.map((kind) => [kind, value]));
