/** A kind that the checklist reads of a cluster. */
export interface Source {
  readonly kind: string;
  /** `''` for the core group. */
  readonly group: string;
  /** Newest first: of a server the first one that it serves is read. */
  readonly versions: readonly string[];
  readonly plural: string;
  readonly namespaced: boolean;
}

const core = (kind: string, plural: string, namespaced = true): Source => ({
  kind,
  group: '',
  versions: ['v1'],
  plural,
  namespaced,
});

/** `apps/v1`; with several versions `resource.k8s.io/v1,v1beta2`. */
function of(groupVersions: string, kind: string, plural: string, namespaced = true): Source {
  const [group = '', versions = ''] = groupVersions.split('/');
  return { kind, group, versions: versions.split(','), plural, namespaced };
}

/** What is asked for by its metadata alone: the names of secrets are evidence, their contents never are. */
export const secretsSource: Source = core('Secret', 'secrets');

/** What the checklist reads of a cluster. Custom kinds that are not served are skipped in silence: they are not there. */
export const sources: readonly Source[] = [
  core('Pod', 'pods'),
  core('Node', 'nodes', false),
  core('Event', 'events'),
  core('Namespace', 'namespaces', false),
  core('Service', 'services'),
  core('PersistentVolumeClaim', 'persistentvolumeclaims'),
  core('PersistentVolume', 'persistentvolumes', false),
  core('ConfigMap', 'configmaps'),
  core('ServiceAccount', 'serviceaccounts'),
  core('ResourceQuota', 'resourcequotas'),
  core('LimitRange', 'limitranges'),
  of('apps/v1', 'Deployment', 'deployments'),
  of('apps/v1', 'ReplicaSet', 'replicasets'),
  of('apps/v1', 'StatefulSet', 'statefulsets'),
  of('apps/v1', 'DaemonSet', 'daemonsets'),
  of('batch/v1', 'Job', 'jobs'),
  of('batch/v1', 'CronJob', 'cronjobs'),
  of('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  of('networking.k8s.io/v1', 'Ingress', 'ingresses'),
  of('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', false),
  of('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  of('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false),
  of('storage.k8s.io/v1', 'VolumeAttachment', 'volumeattachments', false),
  of('storage.k8s.io/v1', 'CSINode', 'csinodes', false),
  of('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', false),
  of('storage.k8s.io/v1', 'CSIStorageCapacity', 'csistoragecapacities'),
  of('scheduling.k8s.io/v1', 'PriorityClass', 'priorityclasses', false),
  of('autoscaling/v2', 'HorizontalPodAutoscaler', 'horizontalpodautoscalers'),
  of('resource.k8s.io/v1,v1beta2,v1beta1', 'ResourceClaim', 'resourceclaims'),
  of('resource.k8s.io/v1,v1beta2,v1beta1', 'ResourceClaimTemplate', 'resourceclaimtemplates'),
  of('resource.k8s.io/v1,v1beta2,v1beta1', 'ResourceSlice', 'resourceslices', false),
  of('resource.k8s.io/v1,v1beta2,v1beta1', 'DeviceClass', 'deviceclasses', false),
  of('apiregistration.k8s.io/v1', 'APIService', 'apiservices', false),
  of('kueue.x-k8s.io/v1beta2,v1beta1', 'Workload', 'workloads'),
  of('kueue.x-k8s.io/v1beta2,v1beta1', 'LocalQueue', 'localqueues'),
  of('kueue.x-k8s.io/v1beta2,v1beta1', 'ClusterQueue', 'clusterqueues', false),
  of('jobset.x-k8s.io/v1alpha2', 'JobSet', 'jobsets'),
  of('leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', 'leaderworkersets'),
  of('trainer.kubeflow.org/v1alpha1', 'TrainJob', 'trainjobs'),
  of('kubeflow.org/v1', 'PyTorchJob', 'pytorchjobs'),
  of('kubeflow.org/v2beta1', 'MPIJob', 'mpijobs'),
  of('ray.io/v1', 'RayCluster', 'rayclusters'),
  of('ray.io/v1', 'RayJob', 'rayjobs'),
  of('serving.kserve.io/v1beta1', 'InferenceService', 'inferenceservices'),
  of('scheduling.volcano.sh/v1beta1', 'PodGroup', 'podgroups'),
  of('scheduling.x-k8s.io/v1alpha1', 'PodGroup', 'podgroups'),
  of('scheduling.run.ai/v2alpha2', 'PodGroup', 'podgroups'),
  of('nvidia.com/v1', 'ClusterPolicy', 'clusterpolicies', false),
  of('karpenter.sh/v1', 'NodeClaim', 'nodeclaims', false),
];

/** `resourceclaims.resource.k8s.io`. */
export const sourceId = ({ group, plural }: Source): string => (group === '' ? plural : `${plural}.${group}`);

export const apiVersionOf = ({ group }: Source, version: string): string =>
  group === '' ? version : `${group}/${version}`;

/** Of one namespace, or of all where none is given or the kind has none. */
export function sourcePath(source: Source, version: string, namespace: string | undefined): string {
  const root = `${source.group === '' ? '/api' : '/apis'}/${apiVersionOf(source, version)}`;
  return source.namespaced && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${source.plural}`
    : `${root}/${source.plural}`;
}
