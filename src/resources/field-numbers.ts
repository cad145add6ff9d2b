/**
 * Protobuf field numbers of the built-in kinds, without the fields that no row reads. Written by .build/field-numbers.mjs
 * from the types of k8s.io/api and k8s.io/apimachinery v0.36.3 (the numbers of their generated.proto).
 *
 * A message is its name, then a line a field: number, JSON name (`.` where JSON inlines it), type. `?` marks a Go pointer
 * (a zero was said), `!` a field that JSON carries even when zero; other zeros are absent in JSON and so here.
 */
export const fieldNumbers: string = `
core/v1.Pod
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.PodSpec
  3 status core/v1.PodStatus
core/v1.Node
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.NodeSpec
  3 status core/v1.NodeStatus
core/v1.Event
  1 metadata meta/v1.ObjectMeta!
  2 involvedObject core/v1.ObjectReference!
  3 reason string
  4 message string
  5 source core/v1.EventSource
  6 firstTimestamp time!
  7 lastTimestamp time!
  8 count int
  9 type string
  10 eventTime microTime!
  11 series core/v1.EventSeries?
  12 action string
  13 related core/v1.ObjectReference?
  14 reportingComponent string!
  15 reportingInstance string!
core/v1.Namespace
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.NamespaceSpec
  3 status core/v1.NamespaceStatus
core/v1.Service
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.ServiceSpec
  3 status core/v1.ServiceStatus
core/v1.PersistentVolume
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.PersistentVolumeSpec
  3 status core/v1.PersistentVolumeStatus
core/v1.PersistentVolumeClaim
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.PersistentVolumeClaimSpec
  3 status core/v1.PersistentVolumeClaimStatus
core/v1.ResourceQuota
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.ResourceQuotaSpec
  3 status core/v1.ResourceQuotaStatus
core/v1.LimitRange
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.LimitRangeSpec
core/v1.ServiceAccount
  1 metadata meta/v1.ObjectMeta
  2 secrets []core/v1.ObjectReference
  3 imagePullSecrets []core/v1.LocalObjectReference
  4 automountServiceAccountToken bool?
apps/v1.Deployment
  1 metadata meta/v1.ObjectMeta
  2 spec apps/v1.DeploymentSpec
  3 status apps/v1.DeploymentStatus
apps/v1.StatefulSet
  1 metadata meta/v1.ObjectMeta
  2 spec apps/v1.StatefulSetSpec
  3 status apps/v1.StatefulSetStatus
apps/v1.DaemonSet
  1 metadata meta/v1.ObjectMeta
  2 spec apps/v1.DaemonSetSpec
  3 status apps/v1.DaemonSetStatus
apps/v1.ReplicaSet
  1 metadata meta/v1.ObjectMeta
  2 spec apps/v1.ReplicaSetSpec
  3 status apps/v1.ReplicaSetStatus
batch/v1.Job
  1 metadata meta/v1.ObjectMeta
  2 spec batch/v1.JobSpec
  3 status batch/v1.JobStatus
batch/v1.CronJob
  1 metadata meta/v1.ObjectMeta
  2 spec batch/v1.CronJobSpec
  3 status batch/v1.CronJobStatus
storage.k8s.io/v1.StorageClass
  1 metadata meta/v1.ObjectMeta
  2 provisioner string!
  3 parameters map string
  4 reclaimPolicy string?
  5 mountOptions []string
  6 allowVolumeExpansion bool?
  7 volumeBindingMode string?
  8 allowedTopologies []core/v1.TopologySelectorTerm
storage.k8s.io/v1.CSINode
  1 metadata meta/v1.ObjectMeta
  2 spec storage.k8s.io/v1.CSINodeSpec!
scheduling.k8s.io/v1.PriorityClass
  1 metadata meta/v1.ObjectMeta
  2 value int!
  3 globalDefault bool
  4 description string
  5 preemptionPolicy string?
resource.k8s.io/v1.ResourceClaim
  1 metadata meta/v1.ObjectMeta
  2 spec resource.k8s.io/v1.ResourceClaimSpec!
  3 status resource.k8s.io/v1.ResourceClaimStatus
resource.k8s.io/v1.ResourceSlice
  1 metadata meta/v1.ObjectMeta
  2 spec resource.k8s.io/v1.ResourceSliceSpec!
resource.k8s.io/v1.DeviceClass
  1 metadata meta/v1.ObjectMeta
  2 spec resource.k8s.io/v1.DeviceClassSpec!
resource.k8s.io/v1.ResourceClaimTemplate
  1 metadata meta/v1.ObjectMeta
  2 spec resource.k8s.io/v1.ResourceClaimTemplateSpec!
discovery.k8s.io/v1.EndpointSlice
  1 metadata meta/v1.ObjectMeta
  2 endpoints []discovery.k8s.io/v1.Endpoint!
  3 ports []discovery.k8s.io/v1.EndpointPort!
  4 addressType string!
networking.k8s.io/v1.Ingress
  1 metadata meta/v1.ObjectMeta
  2 spec networking.k8s.io/v1.IngressSpec
  3 status networking.k8s.io/v1.IngressStatus
autoscaling/v2.HorizontalPodAutoscaler
  1 metadata meta/v1.ObjectMeta
  2 spec autoscaling/v2.HorizontalPodAutoscalerSpec
  3 status autoscaling/v2.HorizontalPodAutoscalerStatus
policy/v1.PodDisruptionBudget
  1 metadata meta/v1.ObjectMeta
  2 spec policy/v1.PodDisruptionBudgetSpec
  3 status policy/v1.PodDisruptionBudgetStatus
coordination.k8s.io/v1.Lease
  1 metadata meta/v1.ObjectMeta
  2 spec coordination.k8s.io/v1.LeaseSpec
meta/v1.Status
  1 metadata meta/v1.ListMeta
  2 status string
  3 message string
  4 reason string
  5 details meta/v1.StatusDetails?
  6 code int
meta/v1.ObjectMeta
  1 name string
  3 namespace string
  5 uid string
  6 resourceVersion string
  7 generation int
  8 creationTimestamp time
  9 deletionTimestamp time?
  10 deletionGracePeriodSeconds int?
  11 labels map string
  12 annotations map string
  13 ownerReferences []meta/v1.OwnerReference
  14 finalizers []string
core/v1.PodSpec
  1 volumes []core/v1.Volume
  2 containers []core/v1.Container!
  3 restartPolicy string
  5 activeDeadlineSeconds int?
  7 nodeSelector map string
  8 serviceAccountName string
  10 nodeName string
  11 hostNetwork bool
  18 affinity core/v1.Affinity?
  19 schedulerName string
  20 initContainers []core/v1.Container
  22 tolerations []core/v1.Toleration
  24 priorityClassName string
  25 priority int?
  28 readinessGates []core/v1.PodReadinessGate
  29 runtimeClassName string?
  31 preemptionPolicy string?
  32 overhead map quantity
  33 topologySpreadConstraints []core/v1.TopologySpreadConstraint
  34 ephemeralContainers []core/v1.EphemeralContainer
  35 setHostnameAsFQDN bool?
  36 os core/v1.PodOS?
  37 hostUsers bool?
  38 schedulingGates []core/v1.PodSchedulingGate
  39 resourceClaims []core/v1.PodResourceClaim
  40 resources core/v1.ResourceRequirements?
  41 hostnameOverride string?
  43 schedulingGroup core/v1.PodSchedulingGroup?
core/v1.PodStatus
  1 phase string
  2 conditions []core/v1.PodCondition
  3 message string
  4 reason string
  6 podIP string
  7 startTime time?
  8 containerStatuses []core/v1.ContainerStatus
  9 qosClass string
  10 initContainerStatuses []core/v1.ContainerStatus
  11 nominatedNodeName string
  12 podIPs []core/v1.PodIP
  13 ephemeralContainerStatuses []core/v1.ContainerStatus
  14 resize string
  15 resourceClaimStatuses []core/v1.PodResourceClaimStatus
  17 observedGeneration int
  18 extendedResourceClaimStatus core/v1.PodExtendedResourceClaimStatus?
  19 allocatedResources map quantity
  20 resources core/v1.ResourceRequirements?
  21 nodeAllocatableResourceClaimStatuses []core/v1.NodeAllocatableResourceClaimStatus
core/v1.NodeSpec
  1 podCIDR string
  2 externalID string
  3 providerID string
  4 unschedulable bool
  5 taints []core/v1.Taint
  6 configSource core/v1.NodeConfigSource?
  7 podCIDRs []string
core/v1.NodeStatus
  1 capacity map quantity
  2 allocatable map quantity
  3 phase string
  4 conditions []core/v1.NodeCondition
  5 addresses []core/v1.NodeAddress
  6 daemonEndpoints core/v1.NodeDaemonEndpoints
  7 nodeInfo core/v1.NodeSystemInfo
  9 volumesInUse []string
  10 volumesAttached []core/v1.AttachedVolume
  11 config core/v1.NodeConfigStatus?
  12 runtimeHandlers []core/v1.NodeRuntimeHandler
  13 features core/v1.NodeFeatures?
  14 declaredFeatures []string
core/v1.ObjectReference
  1 kind string
  2 namespace string
  3 name string
  4 uid string
  5 apiVersion string
  6 resourceVersion string
  7 fieldPath string
core/v1.EventSource
  1 component string
  2 host string
core/v1.EventSeries
  1 count int
  2 lastObservedTime microTime!
core/v1.NamespaceSpec
  1 finalizers []string
core/v1.NamespaceStatus
  1 phase string
  2 conditions []core/v1.NamespaceCondition
core/v1.ServiceSpec
  1 ports []core/v1.ServicePort
  2 selector map string
  3 clusterIP string
  4 type string
  5 externalIPs []string
  7 sessionAffinity string
  8 loadBalancerIP string
  9 loadBalancerSourceRanges []string
  10 externalName string
  11 externalTrafficPolicy string
  12 healthCheckNodePort int
  13 publishNotReadyAddresses bool
  14 sessionAffinityConfig core/v1.SessionAffinityConfig?
  17 ipFamilyPolicy string?
  18 clusterIPs []string
  19 ipFamilies []string
  20 allocateLoadBalancerNodePorts bool?
  21 loadBalancerClass string?
  22 internalTrafficPolicy string?
  23 trafficDistribution string?
core/v1.ServiceStatus
  1 loadBalancer core/v1.LoadBalancerStatus
  2 conditions []meta/v1.Condition
core/v1.PersistentVolumeSpec
  1 capacity map quantity
  2 . core/v1.PersistentVolumeSource!
  3 accessModes []string
  4 claimRef core/v1.ObjectReference?
  5 persistentVolumeReclaimPolicy string
  6 storageClassName string
  7 mountOptions []string
  8 volumeMode string?
  9 nodeAffinity core/v1.VolumeNodeAffinity?
  10 volumeAttributesClassName string?
core/v1.PersistentVolumeStatus
  1 phase string
  2 message string
  3 reason string
  4 lastPhaseTransitionTime time?
core/v1.PersistentVolumeClaimSpec
  1 accessModes []string
  2 resources core/v1.VolumeResourceRequirements
  3 volumeName string
  4 selector meta/v1.LabelSelector?
  5 storageClassName string?
  6 volumeMode string?
  7 dataSource core/v1.TypedLocalObjectReference?
  8 dataSourceRef core/v1.TypedObjectReference?
  9 volumeAttributesClassName string?
core/v1.PersistentVolumeClaimStatus
  1 phase string
  2 accessModes []string
  3 capacity map quantity
  4 conditions []core/v1.PersistentVolumeClaimCondition
  5 allocatedResources map quantity
  7 allocatedResourceStatuses map string
  8 currentVolumeAttributesClassName string?
  9 modifyVolumeStatus core/v1.ModifyVolumeStatus?
core/v1.ResourceQuotaSpec
  1 hard map quantity
  2 scopes []string
  3 scopeSelector core/v1.ScopeSelector?
core/v1.ResourceQuotaStatus
  1 hard map quantity
  2 used map quantity
core/v1.LimitRangeSpec
  1 limits []core/v1.LimitRangeItem!
core/v1.LocalObjectReference
  1 name string
apps/v1.DeploymentSpec
  1 replicas int?
  2 selector meta/v1.LabelSelector?
  3 template core/v1.PodTemplateSpec!
  4 strategy apps/v1.DeploymentStrategy
  5 minReadySeconds int
  6 revisionHistoryLimit int?
  7 paused bool
  9 progressDeadlineSeconds int?
apps/v1.DeploymentStatus
  1 observedGeneration int
  2 replicas int
  3 updatedReplicas int
  4 availableReplicas int
  5 unavailableReplicas int
  6 conditions []apps/v1.DeploymentCondition
  7 readyReplicas int
  8 collisionCount int?
  9 terminatingReplicas int?
apps/v1.StatefulSetSpec
  1 replicas int?
  2 selector meta/v1.LabelSelector?
  3 template core/v1.PodTemplateSpec!
  4 volumeClaimTemplates []core/v1.PersistentVolumeClaim
  5 serviceName string!
  6 podManagementPolicy string
  7 updateStrategy apps/v1.StatefulSetUpdateStrategy
  8 revisionHistoryLimit int?
  9 minReadySeconds int
  10 persistentVolumeClaimRetentionPolicy apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy?
  11 ordinals apps/v1.StatefulSetOrdinals?
apps/v1.StatefulSetStatus
  1 observedGeneration int
  2 replicas int!
  3 readyReplicas int
  4 currentReplicas int
  5 updatedReplicas int
  6 currentRevision string
  7 updateRevision string
  9 collisionCount int?
  10 conditions []apps/v1.StatefulSetCondition
  11 availableReplicas int!
apps/v1.DaemonSetSpec
  1 selector meta/v1.LabelSelector?
  2 template core/v1.PodTemplateSpec!
  3 updateStrategy apps/v1.DaemonSetUpdateStrategy
  4 minReadySeconds int
  6 revisionHistoryLimit int?
apps/v1.DaemonSetStatus
  1 currentNumberScheduled int!
  2 numberMisscheduled int!
  3 desiredNumberScheduled int!
  4 numberReady int!
  5 observedGeneration int
  6 updatedNumberScheduled int
  7 numberAvailable int
  8 numberUnavailable int
  9 collisionCount int?
  10 conditions []apps/v1.DaemonSetCondition
apps/v1.ReplicaSetSpec
  1 replicas int?
  2 selector meta/v1.LabelSelector?
  3 template core/v1.PodTemplateSpec
  4 minReadySeconds int
apps/v1.ReplicaSetStatus
  1 replicas int!
  2 fullyLabeledReplicas int
  3 observedGeneration int
  4 readyReplicas int
  5 availableReplicas int
  6 conditions []apps/v1.ReplicaSetCondition
  7 terminatingReplicas int?
batch/v1.JobSpec
  1 parallelism int?
  2 completions int?
  3 activeDeadlineSeconds int?
  4 selector meta/v1.LabelSelector?
  5 manualSelector bool?
  6 template core/v1.PodTemplateSpec!
  7 backoffLimit int?
  8 ttlSecondsAfterFinished int?
  9 completionMode string?
  10 suspend bool?
  11 podFailurePolicy batch/v1.PodFailurePolicy?
  12 backoffLimitPerIndex int?
  13 maxFailedIndexes int?
  14 podReplacementPolicy string?
  15 managedBy string?
  16 successPolicy batch/v1.SuccessPolicy?
batch/v1.JobStatus
  1 conditions []batch/v1.JobCondition
  2 startTime time?
  3 completionTime time?
  4 active int
  5 succeeded int
  6 failed int
  7 completedIndexes string
  8 uncountedTerminatedPods batch/v1.UncountedTerminatedPods?
  9 ready int?
  10 failedIndexes string?
  11 terminating int?
batch/v1.CronJobSpec
  1 schedule string!
  2 startingDeadlineSeconds int?
  3 concurrencyPolicy string
  4 suspend bool?
  5 jobTemplate batch/v1.JobTemplateSpec!
  6 successfulJobsHistoryLimit int?
  7 failedJobsHistoryLimit int?
  8 timeZone string?
batch/v1.CronJobStatus
  1 active []core/v1.ObjectReference
  4 lastScheduleTime time?
  5 lastSuccessfulTime time?
core/v1.TopologySelectorTerm
  1 matchLabelExpressions []core/v1.TopologySelectorLabelRequirement
storage.k8s.io/v1.CSINodeSpec
  1 drivers []storage.k8s.io/v1.CSINodeDriver!
resource.k8s.io/v1.ResourceClaimSpec
  1 devices resource.k8s.io/v1.DeviceClaim!
resource.k8s.io/v1.ResourceClaimStatus
  1 allocation resource.k8s.io/v1.AllocationResult?
  2 reservedFor []resource.k8s.io/v1.ResourceClaimConsumerReference
  4 devices []resource.k8s.io/v1.AllocatedDeviceStatus
resource.k8s.io/v1.ResourceSliceSpec
  1 driver string!
  2 pool resource.k8s.io/v1.ResourcePool!
  3 nodeName string?
  4 nodeSelector core/v1.NodeSelector?
  5 allNodes bool?
  6 devices []resource.k8s.io/v1.Device
  7 perDeviceNodeSelection bool?
  8 sharedCounters []resource.k8s.io/v1.CounterSet
resource.k8s.io/v1.DeviceClassSpec
  1 selectors []resource.k8s.io/v1.DeviceSelector
  2 config []resource.k8s.io/v1.DeviceClassConfiguration
  4 extendedResourceName string?
resource.k8s.io/v1.ResourceClaimTemplateSpec
  1 metadata meta/v1.ObjectMeta
  2 spec resource.k8s.io/v1.ResourceClaimSpec!
discovery.k8s.io/v1.Endpoint
  1 addresses []string!
  2 conditions discovery.k8s.io/v1.EndpointConditions
  3 hostname string?
  4 targetRef core/v1.ObjectReference?
  5 deprecatedTopology map string
  6 nodeName string?
  7 zone string?
  8 hints discovery.k8s.io/v1.EndpointHints?
discovery.k8s.io/v1.EndpointPort
  1 name string?
  2 protocol string?
  3 port int?
  4 appProtocol string?
networking.k8s.io/v1.IngressSpec
  1 defaultBackend networking.k8s.io/v1.IngressBackend?
  2 tls []networking.k8s.io/v1.IngressTLS
  3 rules []networking.k8s.io/v1.IngressRule
  4 ingressClassName string?
networking.k8s.io/v1.IngressStatus
  1 loadBalancer networking.k8s.io/v1.IngressLoadBalancerStatus
autoscaling/v2.HorizontalPodAutoscalerSpec
  1 scaleTargetRef autoscaling/v2.CrossVersionObjectReference!
  2 minReplicas int?
  3 maxReplicas int!
  4 metrics []autoscaling/v2.MetricSpec
  5 behavior autoscaling/v2.HorizontalPodAutoscalerBehavior?
autoscaling/v2.HorizontalPodAutoscalerStatus
  1 observedGeneration int?
  2 lastScaleTime time?
  3 currentReplicas int
  4 desiredReplicas int!
  5 currentMetrics []autoscaling/v2.MetricStatus!
  6 conditions []autoscaling/v2.HorizontalPodAutoscalerCondition
policy/v1.PodDisruptionBudgetSpec
  1 minAvailable intOrString?
  2 selector meta/v1.LabelSelector?
  3 maxUnavailable intOrString?
  4 unhealthyPodEvictionPolicy string?
policy/v1.PodDisruptionBudgetStatus
  1 observedGeneration int
  2 disruptedPods map time!
  3 disruptionsAllowed int!
  4 currentHealthy int!
  5 desiredHealthy int!
  6 expectedPods int!
  7 conditions []meta/v1.Condition
coordination.k8s.io/v1.LeaseSpec
  1 holderIdentity string?
  2 leaseDurationSeconds int?
  3 acquireTime microTime?
  4 renewTime microTime?
  5 leaseTransitions int?
  6 strategy string?
  7 preferredHolder string?
meta/v1.ListMeta
  1 selfLink string
  2 resourceVersion string
  3 continue string
  4 remainingItemCount int?
  5 shardInfo meta/v1.ShardInfo?
meta/v1.StatusDetails
  1 name string
  2 group string
  3 kind string
  4 causes []meta/v1.StatusCause
  5 retryAfterSeconds int
  6 uid string
meta/v1.OwnerReference
  1 kind string!
  3 name string!
  4 uid string!
  5 apiVersion string!
  6 controller bool?
  7 blockOwnerDeletion bool?
core/v1.Volume
  1 name string!
  2 . core/v1.VolumeSource!
core/v1.Container
  1 name string!
  2 image string
  6 ports []core/v1.ContainerPort
  8 resources core/v1.ResourceRequirements
  24 restartPolicy string?
  25 restartPolicyRules []core/v1.ContainerRestartRule
core/v1.EphemeralContainer
  1 . core/v1.EphemeralContainerCommon!
  2 targetContainerName string
core/v1.Affinity
  1 nodeAffinity core/v1.NodeAffinity?
  2 podAffinity core/v1.PodAffinity?
  3 podAntiAffinity core/v1.PodAntiAffinity?
core/v1.Toleration
  1 key string
  2 operator string
  3 value string
  4 effect string
  5 tolerationSeconds int?
core/v1.PodReadinessGate
  1 conditionType string!
core/v1.TopologySpreadConstraint
  1 maxSkew int!
  2 topologyKey string!
  3 whenUnsatisfiable string!
  4 labelSelector meta/v1.LabelSelector?
  5 minDomains int?
  6 nodeAffinityPolicy string?
  7 nodeTaintsPolicy string?
  8 matchLabelKeys []string
core/v1.PodOS
  1 name string!
core/v1.PodSchedulingGate
  1 name string!
core/v1.PodResourceClaim
  1 name string!
  3 resourceClaimName string?
  4 resourceClaimTemplateName string?
core/v1.ResourceRequirements
  1 limits map quantity
  2 requests map quantity
  3 claims []core/v1.ResourceClaim
core/v1.PodSchedulingGroup
  1 podGroupName string?
core/v1.PodCondition
  1 type string!
  2 status string!
  4 lastTransitionTime time!
  5 reason string
  6 message string
core/v1.PodIP
  1 ip string!
core/v1.ContainerStatus
  1 name string!
  2 state core/v1.ContainerState
  3 lastState core/v1.ContainerState
  4 ready bool!
  5 restartCount int!
  6 image string!
  9 started bool?
  10 allocatedResources map quantity
  11 resources core/v1.ResourceRequirements?
  14 allocatedResourcesStatus []core/v1.ResourceStatus
  15 stopSignal string?
core/v1.PodResourceClaimStatus
  1 name string!
  2 resourceClaimName string?
core/v1.PodExtendedResourceClaimStatus
  1 requestMappings []core/v1.ContainerExtendedResourceRequest!
  2 resourceClaimName string!
core/v1.NodeAllocatableResourceClaimStatus
  1 resourceClaimName string!
  2 containers []string
  3 resources map quantity!
core/v1.Taint
  1 key string!
  2 value string
  3 effect string!
  4 timeAdded time?
core/v1.NodeConfigSource
  2 configMap core/v1.ConfigMapNodeConfigSource?
core/v1.NodeCondition
  1 type string!
  2 status string!
  3 lastHeartbeatTime time!
  4 lastTransitionTime time!
  5 reason string
  6 message string
core/v1.NodeAddress
  1 type string!
  2 address string!
core/v1.NodeDaemonEndpoints
  1 kubeletEndpoint core/v1.DaemonEndpoint
core/v1.NodeSystemInfo
  1 machineID string!
  2 systemUUID string!
  3 bootID string!
  4 kernelVersion string!
  5 osImage string!
  6 containerRuntimeVersion string!
  7 kubeletVersion string!
  8 kubeProxyVersion string!
  9 operatingSystem string!
  10 architecture string!
  11 swap core/v1.NodeSwapStatus?
core/v1.AttachedVolume
  1 name string!
  2 devicePath string!
core/v1.NodeConfigStatus
  1 assigned core/v1.NodeConfigSource?
  2 active core/v1.NodeConfigSource?
  3 lastKnownGood core/v1.NodeConfigSource?
  4 error string
core/v1.NodeRuntimeHandler
  1 name string!
  2 features core/v1.NodeRuntimeHandlerFeatures?
core/v1.NodeFeatures
  1 supplementalGroupsPolicy bool?
core/v1.NamespaceCondition
  1 type string!
  2 status string!
  4 lastTransitionTime time!
  5 reason string
  6 message string
core/v1.ServicePort
  1 name string
  2 protocol string
  3 port int!
  4 targetPort intOrString
  5 nodePort int
  6 appProtocol string?
core/v1.SessionAffinityConfig
  1 clientIP core/v1.ClientIPConfig?
core/v1.LoadBalancerStatus
  1 ingress []core/v1.LoadBalancerIngress
meta/v1.Condition
  1 type string!
  2 status string!
  3 observedGeneration int
  4 lastTransitionTime time!
  5 reason string!
  6 message string!
core/v1.PersistentVolumeSource
  1 gcePersistentDisk core/v1.GCEPersistentDiskVolumeSource?
  2 awsElasticBlockStore core/v1.AWSElasticBlockStoreVolumeSource?
  3 hostPath core/v1.HostPathVolumeSource?
  4 glusterfs core/v1.GlusterfsPersistentVolumeSource?
  5 nfs core/v1.NFSVolumeSource?
  6 rbd core/v1.RBDPersistentVolumeSource?
  7 iscsi core/v1.ISCSIPersistentVolumeSource?
  8 cinder core/v1.CinderPersistentVolumeSource?
  9 cephfs core/v1.CephFSPersistentVolumeSource?
  10 fc core/v1.FCVolumeSource?
  11 flocker core/v1.FlockerVolumeSource?
  12 flexVolume core/v1.FlexPersistentVolumeSource?
  13 azureFile core/v1.AzureFilePersistentVolumeSource?
  14 vsphereVolume core/v1.VsphereVirtualDiskVolumeSource?
  15 quobyte core/v1.QuobyteVolumeSource?
  16 azureDisk core/v1.AzureDiskVolumeSource?
  17 photonPersistentDisk core/v1.PhotonPersistentDiskVolumeSource?
  18 portworxVolume core/v1.PortworxVolumeSource?
  19 scaleIO core/v1.ScaleIOPersistentVolumeSource?
  20 local core/v1.LocalVolumeSource?
  21 storageos core/v1.StorageOSPersistentVolumeSource?
  22 csi core/v1.CSIPersistentVolumeSource?
core/v1.VolumeNodeAffinity
  1 required core/v1.NodeSelector?
meta/v1.LabelSelector
  1 matchLabels map string
  2 matchExpressions []meta/v1.LabelSelectorRequirement
core/v1.VolumeResourceRequirements
  1 limits map quantity
  2 requests map quantity
core/v1.TypedLocalObjectReference
  1 apiGroup string?
  2 kind string!
  3 name string!
core/v1.TypedObjectReference
  1 apiGroup string?
  2 kind string!
  3 name string!
  4 namespace string?
core/v1.PersistentVolumeClaimCondition
  1 type string!
  2 status string!
  3 lastProbeTime time!
  4 lastTransitionTime time!
  5 reason string
  6 message string
core/v1.ModifyVolumeStatus
  1 targetVolumeAttributesClassName string
  2 status string!
core/v1.ScopeSelector
  1 matchExpressions []core/v1.ScopedResourceSelectorRequirement
core/v1.LimitRangeItem
  1 type string!
  2 max map quantity
  3 min map quantity
  4 default map quantity
  5 defaultRequest map quantity
  6 maxLimitRequestRatio map quantity
core/v1.PodTemplateSpec
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.PodSpec
apps/v1.DeploymentStrategy
  1 type string
  2 rollingUpdate apps/v1.RollingUpdateDeployment?
apps/v1.DeploymentCondition
  1 type string!
  2 status string!
  4 reason string
  5 message string
  6 lastUpdateTime time!
  7 lastTransitionTime time!
apps/v1.StatefulSetUpdateStrategy
  1 type string
  2 rollingUpdate apps/v1.RollingUpdateStatefulSetStrategy?
apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy
  1 whenDeleted string
  2 whenScaled string
apps/v1.StatefulSetOrdinals
  1 start int!
apps/v1.StatefulSetCondition
  1 type string!
  2 status string!
  3 lastTransitionTime time!
  4 reason string
  5 message string
apps/v1.DaemonSetUpdateStrategy
  1 type string
  2 rollingUpdate apps/v1.RollingUpdateDaemonSet?
apps/v1.DaemonSetCondition
  1 type string!
  2 status string!
  3 lastTransitionTime time!
  4 reason string
  5 message string
apps/v1.ReplicaSetCondition
  1 type string!
  2 status string!
  3 lastTransitionTime time!
  4 reason string
  5 message string
batch/v1.PodFailurePolicy
  1 rules []batch/v1.PodFailurePolicyRule!
batch/v1.SuccessPolicy
  1 rules []batch/v1.SuccessPolicyRule!
batch/v1.JobCondition
  1 type string!
  2 status string!
  3 lastProbeTime time!
  4 lastTransitionTime time!
  5 reason string
  6 message string
batch/v1.UncountedTerminatedPods
  1 succeeded []string
  2 failed []string
batch/v1.JobTemplateSpec
  1 metadata meta/v1.ObjectMeta
  2 spec batch/v1.JobSpec
core/v1.TopologySelectorLabelRequirement
  1 key string!
  2 values []string!
storage.k8s.io/v1.CSINodeDriver
  1 name string!
  2 nodeID string!
  3 topologyKeys []string!
  4 allocatable storage.k8s.io/v1.VolumeNodeResources?
resource.k8s.io/v1.DeviceClaim
  1 requests []resource.k8s.io/v1.DeviceRequest!
  2 constraints []resource.k8s.io/v1.DeviceConstraint
  3 config []resource.k8s.io/v1.DeviceClaimConfiguration
resource.k8s.io/v1.AllocationResult
  1 devices resource.k8s.io/v1.DeviceAllocationResult
  3 nodeSelector core/v1.NodeSelector?
  5 allocationTimestamp time?
resource.k8s.io/v1.ResourceClaimConsumerReference
  1 apiGroup string
  3 resource string!
  4 name string!
  5 uid string!
resource.k8s.io/v1.AllocatedDeviceStatus
  1 driver string!
  2 pool string!
  3 device string!
  4 conditions []meta/v1.Condition!
  5 data raw?
  6 networkData resource.k8s.io/v1.NetworkDeviceData?
  7 shareID string?
resource.k8s.io/v1.ResourcePool
  1 name string!
  2 generation int!
  3 resourceSliceCount int!
core/v1.NodeSelector
  1 nodeSelectorTerms []core/v1.NodeSelectorTerm!
resource.k8s.io/v1.Device
  1 name string!
  2 attributes map resource.k8s.io/v1.DeviceAttribute
  3 capacity map resource.k8s.io/v1.DeviceCapacity
  4 consumesCounters []resource.k8s.io/v1.DeviceCounterConsumption
  5 nodeName string?
  6 nodeSelector core/v1.NodeSelector?
  7 allNodes bool?
  8 taints []resource.k8s.io/v1.DeviceTaint
  9 bindsToNode bool?
  10 bindingConditions []string
  11 bindingFailureConditions []string
  12 allowMultipleAllocations bool?
  13 nodeAllocatableResourceMappings map resource.k8s.io/v1.NodeAllocatableResourceMapping
resource.k8s.io/v1.CounterSet
  1 name string!
  2 counters map resource.k8s.io/v1.Counter
resource.k8s.io/v1.DeviceSelector
  1 cel resource.k8s.io/v1.CELDeviceSelector?
resource.k8s.io/v1.DeviceClassConfiguration
  1 . resource.k8s.io/v1.DeviceConfiguration!
discovery.k8s.io/v1.EndpointConditions
  1 ready bool?
  2 serving bool?
  3 terminating bool?
discovery.k8s.io/v1.EndpointHints
  1 forZones []discovery.k8s.io/v1.ForZone
  2 forNodes []discovery.k8s.io/v1.ForNode
networking.k8s.io/v1.IngressBackend
  3 resource core/v1.TypedLocalObjectReference?
  4 service networking.k8s.io/v1.IngressServiceBackend?
networking.k8s.io/v1.IngressTLS
  1 hosts []string
  2 secretName string
networking.k8s.io/v1.IngressRule
  1 host string
  2 . networking.k8s.io/v1.IngressRuleValue!
networking.k8s.io/v1.IngressLoadBalancerStatus
  1 ingress []networking.k8s.io/v1.IngressLoadBalancerIngress
autoscaling/v2.CrossVersionObjectReference
  1 kind string!
  2 name string!
  3 apiVersion string
autoscaling/v2.MetricSpec
  1 type string!
  2 object autoscaling/v2.ObjectMetricSource?
  3 pods autoscaling/v2.PodsMetricSource?
  4 resource autoscaling/v2.ResourceMetricSource?
  5 external autoscaling/v2.ExternalMetricSource?
  7 containerResource autoscaling/v2.ContainerResourceMetricSource?
autoscaling/v2.HorizontalPodAutoscalerBehavior
  1 scaleUp autoscaling/v2.HPAScalingRules?
  2 scaleDown autoscaling/v2.HPAScalingRules?
autoscaling/v2.MetricStatus
  1 type string!
  2 object autoscaling/v2.ObjectMetricStatus?
  3 pods autoscaling/v2.PodsMetricStatus?
  4 resource autoscaling/v2.ResourceMetricStatus?
  5 external autoscaling/v2.ExternalMetricStatus?
  7 containerResource autoscaling/v2.ContainerResourceMetricStatus?
autoscaling/v2.HorizontalPodAutoscalerCondition
  1 type string!
  2 status string!
  3 lastTransitionTime time!
  4 reason string
  5 message string
meta/v1.ShardInfo
  1 selector string!
meta/v1.StatusCause
  1 reason string
  2 message string
  3 field string
core/v1.VolumeSource
  1 hostPath core/v1.HostPathVolumeSource?
  2 emptyDir core/v1.EmptyDirVolumeSource?
  3 gcePersistentDisk core/v1.GCEPersistentDiskVolumeSource?
  4 awsElasticBlockStore core/v1.AWSElasticBlockStoreVolumeSource?
  5 gitRepo core/v1.GitRepoVolumeSource?
  7 nfs core/v1.NFSVolumeSource?
  8 iscsi core/v1.ISCSIVolumeSource?
  9 glusterfs core/v1.GlusterfsVolumeSource?
  10 persistentVolumeClaim core/v1.PersistentVolumeClaimVolumeSource?
  11 rbd core/v1.RBDVolumeSource?
  12 flexVolume core/v1.FlexVolumeSource?
  13 cinder core/v1.CinderVolumeSource?
  14 cephfs core/v1.CephFSVolumeSource?
  15 flocker core/v1.FlockerVolumeSource?
  17 fc core/v1.FCVolumeSource?
  18 azureFile core/v1.AzureFileVolumeSource?
  20 vsphereVolume core/v1.VsphereVirtualDiskVolumeSource?
  21 quobyte core/v1.QuobyteVolumeSource?
  22 azureDisk core/v1.AzureDiskVolumeSource?
  23 photonPersistentDisk core/v1.PhotonPersistentDiskVolumeSource?
  24 portworxVolume core/v1.PortworxVolumeSource?
  25 scaleIO core/v1.ScaleIOVolumeSource?
  27 storageos core/v1.StorageOSVolumeSource?
  28 csi core/v1.CSIVolumeSource?
  29 ephemeral core/v1.EphemeralVolumeSource?
  30 image core/v1.ImageVolumeSource?
core/v1.ContainerPort
  1 name string
  2 hostPort int
  3 containerPort int!
  4 protocol string
  5 hostIP string
core/v1.ContainerRestartRule
  1 action string
  2 exitCodes core/v1.ContainerRestartRuleOnExitCodes?
core/v1.EphemeralContainerCommon
  1 name string!
  2 image string
  5 workingDir string
  6 ports []core/v1.ContainerPort
  8 resources core/v1.ResourceRequirements
  13 terminationMessagePath string
  14 imagePullPolicy string
  16 stdin bool
  17 stdinOnce bool
  18 tty bool
  20 terminationMessagePolicy string
  24 restartPolicy string?
  25 restartPolicyRules []core/v1.ContainerRestartRule
core/v1.NodeAffinity
  1 requiredDuringSchedulingIgnoredDuringExecution core/v1.NodeSelector?
  2 preferredDuringSchedulingIgnoredDuringExecution []core/v1.PreferredSchedulingTerm
core/v1.PodAffinity
  1 requiredDuringSchedulingIgnoredDuringExecution []core/v1.PodAffinityTerm
  2 preferredDuringSchedulingIgnoredDuringExecution []core/v1.WeightedPodAffinityTerm
core/v1.PodAntiAffinity
  1 requiredDuringSchedulingIgnoredDuringExecution []core/v1.PodAffinityTerm
  2 preferredDuringSchedulingIgnoredDuringExecution []core/v1.WeightedPodAffinityTerm
core/v1.ResourceClaim
  1 name string!
  2 request string
core/v1.ContainerState
  1 waiting core/v1.ContainerStateWaiting?
  2 running core/v1.ContainerStateRunning?
  3 terminated core/v1.ContainerStateTerminated?
core/v1.ResourceStatus
  1 name string!
  2 resources []core/v1.ResourceHealth
core/v1.ContainerExtendedResourceRequest
  1 containerName string!
  2 resourceName string!
  3 requestName string!
core/v1.ConfigMapNodeConfigSource
  1 namespace string!
  2 name string!
  3 uid string
  4 resourceVersion string
  5 kubeletConfigKey string!
core/v1.DaemonEndpoint
  1 Port int!
core/v1.NodeSwapStatus
  1 capacity int?
core/v1.NodeRuntimeHandlerFeatures
  1 recursiveReadOnlyMounts bool?
  2 userNamespaces bool?
core/v1.ClientIPConfig
  1 timeoutSeconds int?
core/v1.LoadBalancerIngress
  1 ip string
  2 hostname string
  3 ipMode string?
  4 ports []core/v1.PortStatus
core/v1.GCEPersistentDiskVolumeSource
  1 pdName string!
  2 fsType string
  3 partition int
  4 readOnly bool
core/v1.AWSElasticBlockStoreVolumeSource
  1 volumeID string!
  2 fsType string
  3 partition int
  4 readOnly bool
core/v1.HostPathVolumeSource
  1 path string!
  2 type string?
core/v1.GlusterfsPersistentVolumeSource
  1 endpoints string!
  2 path string!
  3 readOnly bool
  4 endpointsNamespace string?
core/v1.NFSVolumeSource
  1 server string!
  2 path string!
  3 readOnly bool
core/v1.RBDPersistentVolumeSource
  1 monitors []string!
  2 image string!
  3 fsType string
  4 pool string
  5 user string
  6 keyring string
  7 secretRef core/v1.SecretReference?
  8 readOnly bool
core/v1.ISCSIPersistentVolumeSource
  1 targetPortal string!
  2 iqn string!
  3 lun int!
  4 iscsiInterface string
  5 fsType string
  6 readOnly bool
  7 portals []string
  8 chapAuthDiscovery bool
  10 secretRef core/v1.SecretReference?
  11 chapAuthSession bool
  12 initiatorName string?
core/v1.CinderPersistentVolumeSource
  1 volumeID string!
  2 fsType string
  3 readOnly bool
  4 secretRef core/v1.SecretReference?
core/v1.CephFSPersistentVolumeSource
  1 monitors []string!
  2 path string
  3 user string
  4 secretFile string
  5 secretRef core/v1.SecretReference?
  6 readOnly bool
core/v1.FCVolumeSource
  1 targetWWNs []string
  2 lun int?
  3 fsType string
  4 readOnly bool
  5 wwids []string
core/v1.FlockerVolumeSource
  1 datasetName string
  2 datasetUUID string
core/v1.FlexPersistentVolumeSource
  1 driver string!
  2 fsType string
  3 secretRef core/v1.SecretReference?
  4 readOnly bool
  5 options map string
core/v1.AzureFilePersistentVolumeSource
  1 secretName string!
  2 shareName string!
  3 readOnly bool
  4 secretNamespace string?
core/v1.VsphereVirtualDiskVolumeSource
  1 volumePath string!
  2 fsType string
  3 storagePolicyName string
  4 storagePolicyID string
core/v1.QuobyteVolumeSource
  1 registry string!
  2 volume string!
  3 readOnly bool
  4 user string
  5 group string
  6 tenant string
core/v1.AzureDiskVolumeSource
  1 diskName string!
  2 diskURI string!
  3 cachingMode string?
  4 fsType string?
  5 readOnly bool?
  6 kind string?
core/v1.PhotonPersistentDiskVolumeSource
  1 pdID string!
  2 fsType string
core/v1.PortworxVolumeSource
  1 volumeID string!
  2 fsType string
  3 readOnly bool
core/v1.ScaleIOPersistentVolumeSource
  1 gateway string!
  2 system string!
  3 secretRef core/v1.SecretReference?
  4 sslEnabled bool
  5 protectionDomain string
  6 storagePool string
  7 storageMode string
  8 volumeName string
  9 fsType string
  10 readOnly bool
core/v1.LocalVolumeSource
  1 path string!
  2 fsType string?
core/v1.StorageOSPersistentVolumeSource
  1 volumeName string
  2 volumeNamespace string
  3 fsType string
  4 readOnly bool
  5 secretRef core/v1.ObjectReference?
core/v1.CSIPersistentVolumeSource
  1 driver string!
  2 volumeHandle string!
  3 readOnly bool
  4 fsType string
  5 volumeAttributes map string
  6 controllerPublishSecretRef core/v1.SecretReference?
  7 nodeStageSecretRef core/v1.SecretReference?
  8 nodePublishSecretRef core/v1.SecretReference?
  9 controllerExpandSecretRef core/v1.SecretReference?
  10 nodeExpandSecretRef core/v1.SecretReference?
meta/v1.LabelSelectorRequirement
  1 key string!
  2 operator string!
  3 values []string
core/v1.ScopedResourceSelectorRequirement
  1 scopeName string!
  2 operator string!
  3 values []string
apps/v1.RollingUpdateDeployment
  1 maxUnavailable intOrString?
  2 maxSurge intOrString?
apps/v1.RollingUpdateStatefulSetStrategy
  1 partition int?
  2 maxUnavailable intOrString?
apps/v1.RollingUpdateDaemonSet
  1 maxUnavailable intOrString?
  2 maxSurge intOrString?
batch/v1.PodFailurePolicyRule
  1 action string!
  2 onExitCodes batch/v1.PodFailurePolicyOnExitCodesRequirement?
  3 onPodConditions []batch/v1.PodFailurePolicyOnPodConditionsPattern
batch/v1.SuccessPolicyRule
  1 succeededIndexes string?
  2 succeededCount int?
storage.k8s.io/v1.VolumeNodeResources
  1 count int?
resource.k8s.io/v1.DeviceRequest
  1 name string!
  2 exactly resource.k8s.io/v1.ExactDeviceRequest?
  3 firstAvailable []resource.k8s.io/v1.DeviceSubRequest
resource.k8s.io/v1.DeviceConstraint
  1 requests []string
  2 matchAttribute string?
  3 distinctAttribute string?
resource.k8s.io/v1.DeviceClaimConfiguration
  1 requests []string
  2 . resource.k8s.io/v1.DeviceConfiguration!
resource.k8s.io/v1.DeviceAllocationResult
  1 results []resource.k8s.io/v1.DeviceRequestAllocationResult
  2 config []resource.k8s.io/v1.DeviceAllocationConfiguration
resource.k8s.io/v1.NetworkDeviceData
  1 interfaceName string
  2 ips []string
  3 hardwareAddress string
core/v1.NodeSelectorTerm
  1 matchExpressions []core/v1.NodeSelectorRequirement
  2 matchFields []core/v1.NodeSelectorRequirement
resource.k8s.io/v1.DeviceAttribute
  2 int int?
  3 bool bool?
  4 string string?
  5 version string?
  6 ints []int
  7 bools []bool
  8 strings []string
  9 versions []string
resource.k8s.io/v1.DeviceCapacity
  1 value quantity!
  2 requestPolicy resource.k8s.io/v1.CapacityRequestPolicy?
resource.k8s.io/v1.DeviceCounterConsumption
  1 counterSet string!
  2 counters map resource.k8s.io/v1.Counter
resource.k8s.io/v1.DeviceTaint
  1 key string!
  2 value string
  3 effect string!
  4 timeAdded time?
resource.k8s.io/v1.NodeAllocatableResourceMapping
  1 capacityKey string?
  2 allocationMultiplier quantity?
resource.k8s.io/v1.Counter
  1 value quantity!
resource.k8s.io/v1.CELDeviceSelector
  1 expression string!
resource.k8s.io/v1.DeviceConfiguration
  1 opaque resource.k8s.io/v1.OpaqueDeviceConfiguration?
discovery.k8s.io/v1.ForZone
  1 name string!
discovery.k8s.io/v1.ForNode
  1 name string!
networking.k8s.io/v1.IngressServiceBackend
  1 name string!
  2 port networking.k8s.io/v1.ServiceBackendPort
networking.k8s.io/v1.IngressRuleValue
  1 http networking.k8s.io/v1.HTTPIngressRuleValue?
networking.k8s.io/v1.IngressLoadBalancerIngress
  1 ip string
  2 hostname string
  4 ports []networking.k8s.io/v1.IngressPortStatus
autoscaling/v2.ObjectMetricSource
  1 describedObject autoscaling/v2.CrossVersionObjectReference!
  2 target autoscaling/v2.MetricTarget!
  3 metric autoscaling/v2.MetricIdentifier!
autoscaling/v2.PodsMetricSource
  1 metric autoscaling/v2.MetricIdentifier!
  2 target autoscaling/v2.MetricTarget!
autoscaling/v2.ResourceMetricSource
  1 name string!
  2 target autoscaling/v2.MetricTarget!
autoscaling/v2.ContainerResourceMetricSource
  1 name string!
  2 target autoscaling/v2.MetricTarget!
  3 container string!
autoscaling/v2.ExternalMetricSource
  1 metric autoscaling/v2.MetricIdentifier!
  2 target autoscaling/v2.MetricTarget!
autoscaling/v2.HPAScalingRules
  1 selectPolicy string?
  2 policies []autoscaling/v2.HPAScalingPolicy
  3 stabilizationWindowSeconds int?
  4 tolerance quantity?
autoscaling/v2.ObjectMetricStatus
  1 metric autoscaling/v2.MetricIdentifier!
  2 current autoscaling/v2.MetricValueStatus!
  3 describedObject autoscaling/v2.CrossVersionObjectReference!
autoscaling/v2.PodsMetricStatus
  1 metric autoscaling/v2.MetricIdentifier!
  2 current autoscaling/v2.MetricValueStatus!
autoscaling/v2.ResourceMetricStatus
  1 name string!
  2 current autoscaling/v2.MetricValueStatus!
autoscaling/v2.ContainerResourceMetricStatus
  1 name string!
  2 current autoscaling/v2.MetricValueStatus!
  3 container string!
autoscaling/v2.ExternalMetricStatus
  1 metric autoscaling/v2.MetricIdentifier!
  2 current autoscaling/v2.MetricValueStatus!
core/v1.EmptyDirVolumeSource
  1 medium string
  2 sizeLimit quantity?
core/v1.GitRepoVolumeSource
  1 repository string!
  2 revision string
  3 directory string
core/v1.ISCSIVolumeSource
  1 targetPortal string!
  2 iqn string!
  3 lun int!
  4 iscsiInterface string
  5 fsType string
  6 readOnly bool
  7 portals []string
  8 chapAuthDiscovery bool
  10 secretRef core/v1.LocalObjectReference?
  11 chapAuthSession bool
  12 initiatorName string?
core/v1.GlusterfsVolumeSource
  1 endpoints string!
  2 path string!
  3 readOnly bool
core/v1.PersistentVolumeClaimVolumeSource
  1 claimName string!
  2 readOnly bool
core/v1.RBDVolumeSource
  1 monitors []string!
  2 image string!
  3 fsType string
  4 pool string
  5 user string
  6 keyring string
  7 secretRef core/v1.LocalObjectReference?
  8 readOnly bool
core/v1.FlexVolumeSource
  1 driver string!
  2 fsType string
  3 secretRef core/v1.LocalObjectReference?
  4 readOnly bool
  5 options map string
core/v1.CinderVolumeSource
  1 volumeID string!
  2 fsType string
  3 readOnly bool
  4 secretRef core/v1.LocalObjectReference?
core/v1.CephFSVolumeSource
  1 monitors []string!
  2 path string
  3 user string
  4 secretFile string
  5 secretRef core/v1.LocalObjectReference?
  6 readOnly bool
core/v1.AzureFileVolumeSource
  1 secretName string!
  2 shareName string!
  3 readOnly bool
core/v1.ScaleIOVolumeSource
  1 gateway string!
  2 system string!
  3 secretRef core/v1.LocalObjectReference?
  4 sslEnabled bool
  5 protectionDomain string
  6 storagePool string
  7 storageMode string
  8 volumeName string
  9 fsType string
  10 readOnly bool
core/v1.StorageOSVolumeSource
  1 volumeName string
  2 volumeNamespace string
  3 fsType string
  4 readOnly bool
  5 secretRef core/v1.LocalObjectReference?
core/v1.CSIVolumeSource
  1 driver string!
  2 readOnly bool?
  3 fsType string?
  4 volumeAttributes map string
  5 nodePublishSecretRef core/v1.LocalObjectReference?
core/v1.EphemeralVolumeSource
  1 volumeClaimTemplate core/v1.PersistentVolumeClaimTemplate?
core/v1.ImageVolumeSource
  1 reference string
  2 pullPolicy string
core/v1.ContainerRestartRuleOnExitCodes
  1 operator string
  2 values []int
core/v1.PreferredSchedulingTerm
  1 weight int!
  2 preference core/v1.NodeSelectorTerm!
core/v1.PodAffinityTerm
  1 labelSelector meta/v1.LabelSelector?
  2 namespaces []string
  3 topologyKey string!
  4 namespaceSelector meta/v1.LabelSelector?
  5 matchLabelKeys []string
  6 mismatchLabelKeys []string
core/v1.WeightedPodAffinityTerm
  1 weight int!
  2 podAffinityTerm core/v1.PodAffinityTerm!
core/v1.ContainerStateWaiting
  1 reason string
  2 message string
core/v1.ContainerStateRunning
  1 startedAt time!
core/v1.ContainerStateTerminated
  1 exitCode int!
  2 signal int
  3 reason string
  4 message string
  5 startedAt time!
  6 finishedAt time!
core/v1.ResourceHealth
  1 resourceID string!
  2 health string
  6 message string?
core/v1.PortStatus
  1 port int!
  2 protocol string!
  3 error string?
core/v1.SecretReference
  1 name string
  2 namespace string
batch/v1.PodFailurePolicyOnExitCodesRequirement
  1 containerName string?
  2 operator string!
  3 values []int!
batch/v1.PodFailurePolicyOnPodConditionsPattern
  1 type string!
  2 status string!
resource.k8s.io/v1.ExactDeviceRequest
  1 deviceClassName string!
  2 selectors []resource.k8s.io/v1.DeviceSelector
  3 allocationMode string
  4 count int
  5 adminAccess bool?
  6 tolerations []resource.k8s.io/v1.DeviceToleration
  7 capacity resource.k8s.io/v1.CapacityRequirements?
resource.k8s.io/v1.DeviceSubRequest
  1 name string!
  2 deviceClassName string!
  3 selectors []resource.k8s.io/v1.DeviceSelector
  4 allocationMode string
  5 count int
  6 tolerations []resource.k8s.io/v1.DeviceToleration
  7 capacity resource.k8s.io/v1.CapacityRequirements?
resource.k8s.io/v1.DeviceRequestAllocationResult
  1 request string!
  2 driver string!
  3 pool string!
  4 device string!
  5 adminAccess bool?
  6 tolerations []resource.k8s.io/v1.DeviceToleration
  7 bindingConditions []string
  8 bindingFailureConditions []string
  9 shareID string?
  10 consumedCapacity map quantity
resource.k8s.io/v1.DeviceAllocationConfiguration
  1 source string!
  2 requests []string
  3 . resource.k8s.io/v1.DeviceConfiguration!
core/v1.NodeSelectorRequirement
  1 key string!
  2 operator string!
  3 values []string
resource.k8s.io/v1.CapacityRequestPolicy
  1 default quantity?
  3 validValues []quantity
  4 validRange resource.k8s.io/v1.CapacityRequestPolicyRange?
resource.k8s.io/v1.OpaqueDeviceConfiguration
  1 driver string!
  2 parameters raw!
networking.k8s.io/v1.ServiceBackendPort
  1 name string
  2 number int
networking.k8s.io/v1.HTTPIngressRuleValue
  1 paths []networking.k8s.io/v1.HTTPIngressPath!
networking.k8s.io/v1.IngressPortStatus
  1 port int!
  2 protocol string!
  3 error string?
autoscaling/v2.MetricTarget
  1 type string!
  2 value quantity?
  3 averageValue quantity?
  4 averageUtilization int?
autoscaling/v2.MetricIdentifier
  1 name string!
  2 selector meta/v1.LabelSelector?
autoscaling/v2.HPAScalingPolicy
  1 type string!
  2 value int!
  3 periodSeconds int!
autoscaling/v2.MetricValueStatus
  1 value quantity?
  2 averageValue quantity?
  3 averageUtilization int?
core/v1.PersistentVolumeClaimTemplate
  1 metadata meta/v1.ObjectMeta
  2 spec core/v1.PersistentVolumeClaimSpec!
resource.k8s.io/v1.DeviceToleration
  1 key string
  2 operator string
  3 value string
  4 effect string
  5 tolerationSeconds int?
resource.k8s.io/v1.CapacityRequirements
  1 requests map quantity
resource.k8s.io/v1.CapacityRequestPolicyRange
  1 min quantity?
  2 max quantity?
  3 step quantity?
networking.k8s.io/v1.HTTPIngressPath
  1 path string
  2 backend networking.k8s.io/v1.IngressBackend!
  3 pathType string?
`;
