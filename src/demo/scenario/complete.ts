import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import {
  type ConditionLike,
  type ContainerLike,
  type ContainerStatusLike,
  longId,
  type NodeLike,
  type OwnerLike,
  type PodLike,
  podRequests,
  type Quantities,
  suffixOf,
  timeText,
  uidOf,
} from './shapes.ts';

/** The uid that the demo gives to an object of this kind and name. */
export const uidFor = (kind: string, namespace: string | undefined, name: string): string =>
  uidOf(`${kind}/${namespace ?? ''}/${name}`);

/** Adds what any API server and kubelet would have added: identity, defaults, addresses, container IDs. */
export function completeObject(object: KubeLike, now: number): KubeLike {
  const base = completeMeta(object, now);
  switch (object.kind) {
    case 'Pod':
      return completePod(base as PodLike);
    case 'Node':
      return completeNode(base as NodeLike);
    default:
      return completeTemplate(base);
  }
}

const clusterScoped = new Set([
  'Node',
  'Namespace',
  'PersistentVolume',
  'StorageClass',
  'PriorityClass',
  'RuntimeClass',
  'DeviceClass',
  'ResourceSlice',
  'ClusterQueue',
  'ResourceFlavor',
  'ClusterPolicy',
  'NodeClaim',
  'Queue',
  'CustomResourceDefinition',
]);

function completeMeta(object: KubeLike, now: number): KubeLike {
  const { metadata = {}, kind = '' } = object;
  const name = metadata.name ?? '';
  const namespace = clusterScoped.has(kind) ? undefined : metadata.namespace;
  const owners = (metadata['ownerReferences'] as readonly OwnerLike[] | undefined)?.map((owner) => ({
    ...owner,
    uid: owner.uid ?? uidFor(owner.kind, clusterScoped.has(owner.kind) ? undefined : namespace, owner.name),
    ...(owner.controller === true ? { blockOwnerDeletion: true } : {}),
  }));
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: metadata.uid ?? uidFor(kind, namespace, name),
      creationTimestamp: metadata.creationTimestamp ?? createdAt(object, now),
      ...(object['spec'] === undefined ? {} : { generation: 1 }),
      ...(owners === undefined ? {} : { ownerReferences: owners }),
    },
  };
}

/** What is not said is worked out: before the first thing known of it, and owners before what they own. */
function createdAt(object: KubeLike, now: number): string {
  const known = ['firstTimestamp', 'eventTime', 'status.startTime'].map((path) => fieldAt(object, path));
  const first = known.find((value) => typeof value === 'string');
  if (typeof first === 'string') return timeText(Date.parse(first));
  const hours = object.kind === 'Pod' ? 1 : clusterScoped.has(object.kind ?? '') ? 96 * 24 : 30;
  return timeText(now - hours * 3_600_000);
}

/** Pod templates get the defaults of containers, but never requests from limits: the API server gives those to pods only. */
function completeTemplate(object: KubeLike): KubeLike {
  const spec = object['spec'];
  if (!isRecord(spec) || !isRecord(spec['template'])) return object;
  const template = spec['template'];
  const podSpec = template['spec'];
  if (!isRecord(podSpec) || !Array.isArray(podSpec['containers'])) return object;
  const containers = (podSpec['containers'] as readonly ContainerLike[]).map(completeContainer);
  return {
    ...object,
    spec: { ...spec, template: { ...template, spec: { ...templateDefaults, ...podSpec, containers } } },
  };
}

const templateDefaults: JsonRecord = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
};

const completeContainer = (container: ContainerLike): ContainerLike => ({
  ...container,
  resources: container.resources ?? {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
});

const everyPodTolerates = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
];

function completePod(pod: PodLike): PodLike {
  const { metadata, spec } = pod;
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  const token = `kube-api-access-${suffixOf(`token ${metadata.uid}`)}`;
  const ownContainers = (containers: readonly ContainerLike[]): readonly ContainerLike[] =>
    containers.map((container) => completePodContainer(container, token));
  const complete: PodLike = {
    ...pod,
    metadata: {
      ...metadata,
      ...(owner !== undefined && /^(Job|ReplicaSet|DaemonSet)$/.test(owner.kind)
        ? { generateName: metadata.name.slice(0, metadata.name.lastIndexOf('-') + 1) }
        : {}),
    },
    spec: {
      ...templateDefaults,
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      priority: 0,
      serviceAccount: 'default',
      serviceAccountName: 'default',
      ...spec,
      restartPolicy: spec.restartPolicy ?? (owner?.kind === 'Job' && !isRestarting(pod) ? 'Never' : 'Always'),
      volumes: [...((spec['volumes'] as readonly JsonRecord[] | undefined) ?? []), tokenVolume(token)],
      ...(spec.initContainers === undefined ? {} : { initContainers: ownContainers(spec.initContainers) }),
      containers: ownContainers(spec.containers),
      tolerations: [...(spec.tolerations ?? []), ...everyPodTolerates],
    },
  };
  return { ...complete, status: completeStatus(complete) };
}

const isRestarting = (pod: PodLike): boolean =>
  (pod.status.containerStatuses ?? []).some((status) => status.restartCount > 0);

function completePodContainer(container: ContainerLike, token: string): ContainerLike {
  const { limits, requests, ...other } = container.resources ?? {};
  const mount = { name: token, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  return {
    ...completeContainer(container),
    resources: {
      ...other,
      ...(limits === undefined ? {} : { limits }),
      ...(limits === undefined && requests === undefined ? {} : { requests: { ...limits, ...requests } }),
    },
    volumeMounts: [...(container.volumeMounts ?? []), mount],
  };
}

const tokenVolume = (name: string): JsonRecord => ({
  name,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: 420,
  },
});

/** Fills in a pod's status from its phase and container states; what is there already stays. */
function completeStatus(pod: PodLike): PodLike['status'] {
  const { status, spec, metadata } = pod;
  const bound = spec.nodeName !== undefined;
  const startTime = status.startTime ?? metadata.creationTimestamp ?? undefined;
  const hasSandbox = bound && (status.containerStatuses ?? []).some((container) => !isCreating(container));
  const addresses = bound ? addressesOf(pod, hasSandbox) : {};
  return {
    observedGeneration: 1,
    ...status,
    ...addresses,
    ...(bound && startTime !== undefined ? { startTime } : {}),
    conditions: completeConditions(pod, hasSandbox),
    ...(status.initContainerStatuses === undefined
      ? {}
      : {
          initContainerStatuses: status.initContainerStatuses.map((one) =>
            completeContainerStatus(pod, one, spec.initContainers),
          ),
        }),
    ...(status.containerStatuses === undefined
      ? {}
      : {
          containerStatuses: status.containerStatuses.map((one) =>
            completeContainerStatus(pod, one, spec.containers),
          ),
        }),
    qosClass: qosClass(pod),
  };
}

const isCreating = (status: ContainerStatusLike): boolean =>
  status.state.waiting?.reason === 'ContainerCreating';

function addressesOf(pod: PodLike, hasSandbox: boolean): JsonRecord {
  const host = hostIp(pod.spec.nodeName ?? '');
  return {
    hostIP: host,
    hostIPs: [{ ip: host }],
    ...(hasSandbox && pod.status['podIP'] === undefined ? podAddress(pod) : {}),
  };
}

/** The address that the demo gives to a pod, from its uid. */
export function podAddress(pod: PodLike): JsonRecord {
  const hash = Number.parseInt(uidOf(`ip ${pod.metadata.uid}`).slice(0, 6), 16);
  const ip = `10.${128 + ((hash >> 16) & 63)}.${(hash >> 8) & 255}.${hash & 255}`;
  return { podIP: ip, podIPs: [{ ip }] };
}

const hostIps = new Map<string, string>();

/** The address that the demo gives to a node. */
export function hostIp(node: string): string {
  const known = hostIps.get(node);
  if (known !== undefined) return known;
  const hash = Number.parseInt(uidOf(`host ${node}`).slice(0, 4), 16);
  const address = `10.40.${hash >> 8}.${hash & 255 || 1}`;
  hostIps.set(node, address);
  return address;
}

function completeContainerStatus(
  pod: PodLike,
  status: ContainerStatusLike,
  containers: readonly ContainerLike[] | undefined,
): ContainerStatusLike {
  const container = containers?.find((one) => one.name === status.name);
  const image = container?.image ?? '';
  const ran = status.state.waiting === undefined || status.restartCount > 0;
  const id = (run: number): string => `containerd://${longId(`${pod.metadata.uid}/${status.name}/${run}`)}`;
  const resources = container?.resources ?? {};
  const requests = resources.requests;
  const fillTerminated = (
    state: ContainerStatusLike['state'] | undefined,
    run: number,
  ): ContainerStatusLike['state'] => {
    if (state?.terminated === undefined) return withUid(state ?? {}, pod);
    const started = state.terminated.startedAt ?? pod.metadata.creationTimestamp ?? undefined;
    const finished = state.terminated.finishedAt ?? started;
    return {
      terminated: {
        ...state.terminated,
        ...(started === undefined ? {} : { startedAt: started }),
        ...(finished === undefined ? {} : { finishedAt: finished }),
        containerID: id(run),
      },
    };
  };
  return {
    ...status,
    state: fillTerminated(status.state, status.restartCount),
    lastState: fillTerminated(status.lastState, Math.max(0, status.restartCount - 1)),
    started: status.started ?? status.state.running !== undefined,
    image,
    imageID: ran ? `${image.replace(/:[^:/]*$/, '')}@sha256:${longId(image)}` : '',
    ...(ran ? { containerID: id(status.restartCount) } : {}),
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources,
  };
}

/** The catalogue writes `(uid)` where the kubelet writes the pod's uid. */
function withUid(state: ContainerStatusLike['state'], pod: PodLike): ContainerStatusLike['state'] {
  const waiting = state.waiting;
  if (waiting?.message === undefined) return state;
  return { waiting: { ...waiting, message: waiting.message.replace('(uid)', `(${pod.metadata.uid})`) } };
}

const podConditions = [
  'PodReadyToStartContainers',
  'Initialized',
  'Ready',
  'ContainersReady',
  'PodScheduled',
];

/** The five conditions of a bound pod, or PodScheduled alone; those that the catalogue has are only filled up. */
function completeConditions(pod: PodLike, hasSandbox: boolean): readonly ConditionLike[] {
  const given = pod.status.conditions ?? [];
  const wanted =
    pod.spec.nodeName === undefined || pod.status['reason'] === 'UnexpectedAdmissionError'
      ? []
      : podConditions;
  const missing = wanted
    .filter((type) => !given.some((condition) => condition.type === type))
    .map((type) => derivedCondition(pod, type, hasSandbox));
  const at = pod.metadata.creationTimestamp ?? undefined;
  return [...given, ...missing].map((condition) => ({
    observedGeneration: 1,
    lastProbeTime: null,
    ...(at === undefined ? {} : { lastTransitionTime: at }),
    ...condition,
  }));
}

export function derivedCondition(pod: PodLike, type: string, hasSandbox: boolean): ConditionLike {
  const unready = (pod.status.containerStatuses ?? [])
    .filter((status) => !status.ready)
    .map((status) => status.name);
  const uninitialised = (pod.status.initContainerStatuses ?? [])
    .filter((status) => !status.ready && status.state.terminated?.exitCode !== 0)
    .map((status) => status.name);
  const verdict = (names: readonly string[], reason: string, word: string): ConditionLike =>
    names.length === 0
      ? { type, status: 'True' }
      : { type, status: 'False', reason, message: `containers with ${word} status: [${names.join(' ')}]` };
  switch (type) {
    case 'PodScheduled':
      return { type, status: 'True' };
    case 'PodReadyToStartContainers':
      return { type, status: hasSandbox && pod.status.phase !== 'Failed' ? 'True' : 'False' };
    case 'Initialized':
      return verdict(uninitialised, 'ContainersNotInitialized', 'incomplete');
    default:
      if (pod.status.phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' };
      if (pod.status.phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
      return verdict(unready, 'ContainersNotReady', 'unready');
  }
}

function qosClass(pod: PodLike): string {
  const requests = podRequests(pod);
  if (![...requests.keys()].some((name) => name === 'cpu' || name === 'memory')) return 'BestEffort';
  const guaranteed = pod.spec.containers.every((container) => {
    const limits: Quantities = container.resources?.limits ?? {};
    const wanted: Quantities = container.resources?.requests ?? {};
    return ['cpu', 'memory'].every((name) => limits[name] !== undefined && limits[name] === wanted[name]);
  });
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function completeNode(node: NodeLike): NodeLike {
  const { name, labels, annotations } = node.metadata;
  const architecture = labels?.['kubernetes.io/arch'] ?? 'amd64';
  const machine = uidOf(`machine ${name}`);
  const own = { 'ephemeral-storage': '7379540484Ki', 'hugepages-1Gi': '0', 'hugepages-2Mi': '0' };
  return {
    ...node,
    metadata: {
      ...node.metadata,
      labels: { 'beta.kubernetes.io/arch': architecture, 'beta.kubernetes.io/os': 'linux', ...labels },
      annotations: {
        'node.alpha.kubernetes.io/ttl': '0',
        'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
        ...(isRecord(annotations) ? annotations : {}),
      },
    },
    spec: { podCIDR: `10.8.${Number(hostIp(name).split('.')[3])}.0/24`, ...node.spec },
    status: {
      ...node.status,
      capacity: { ...own, ...node.status.capacity },
      allocatable: { ...own, 'ephemeral-storage': '6800984505421', ...node.status.allocatable },
      addresses: [
        { type: 'InternalIP', address: hostIp(name) },
        { type: 'Hostname', address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      nodeInfo: {
        machineID: machine.replaceAll('-', ''),
        systemUUID: machine,
        bootID: uidOf(`boot ${name}`),
        kernelVersion: '6.8.0-1043-nvidia',
        osImage: 'Ubuntu 24.04.3 LTS',
        containerRuntimeVersion: 'containerd://2.1.4',
        kubeletVersion: 'v1.36.3',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture,
      },
      images: [
        {
          names: [`nvcr.io/nvidia/pytorch@sha256:${longId('pytorch')}`, 'nvcr.io/nvidia/pytorch:25.09-py3'],
          sizeBytes: 11_873_429_102,
        },
        {
          names: [
            `docker.io/vllm/vllm-openai@sha256:${longId('vllm')}`,
            'docker.io/vllm/vllm-openai:v0.11.0',
          ],
          sizeBytes: 13_290_182_044,
        },
      ],
    },
  };
}
