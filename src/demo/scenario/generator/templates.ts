import type { JsonRecord } from '../../object.ts';
import { uidFor } from '../complete.ts';
import { type ConditionLike, longId, type PodLike, suffixOf, timeText } from '../shapes.ts';

export interface ShapePlan {
  readonly namespace: string;
  readonly name: string;
  readonly owner: 'Job' | 'ReplicaSet' | 'DaemonSet';
  readonly ranks: number;
  readonly gpus: number;
  readonly kind: 'training' | 'serving' | 'data' | 'agent';
  readonly startMs: number;
}

/** What the pods of one generated job have in common; every pod holds these very objects. */
export interface Shape extends ShapePlan {
  readonly image: string;
  readonly imageId: string;
  readonly createdAt: string;
  readonly startedAt: string;
  readonly podPrefix: string;
  readonly isIndexed: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly ownerReferences: NonNullable<PodLike['metadata']['ownerReferences']>;
  readonly spec: PodLike['spec'];
  readonly managedFields: readonly JsonRecord[];
  readonly statusBase: { readonly name: string; readonly image: string; readonly [field: string]: unknown };
  readonly runningState: { readonly running: { readonly startedAt: string } };
  /** Conditions of pods in one state: shared too, since pods of a job start together. */
  conditions(state: 'ready' | 'unready' | 'creating' | 'completed' | 'failed'): readonly ConditionLike[];
}

const images: Readonly<Record<ShapePlan['kind'], string>> = {
  training: 'nvcr.io/nvidia/pytorch:25.09-py3',
  serving: 'docker.io/vllm/vllm-openai:v0.11.0',
  data: 'ghcr.io/acme/dataprep:3.1.0',
  agent: 'quay.io/prometheus/node-exporter:v1.10.0',
};

export function shapeOf(plan: ShapePlan): Shape {
  const { name, namespace, owner, startMs } = plan;
  const createdAt = timeText(startMs);
  const startedAt = timeText(startMs + 45_000);
  const hash = suffixOf(`hash ${name}`);
  const isIndexed = owner === 'Job' && plan.ranks > 1;
  const podPrefix = owner === 'ReplicaSet' ? `${name}-${hash}` : name;
  const selector: Readonly<Record<string, string>> =
    owner === 'Job'
      ? { 'batch.kubernetes.io/job-name': name }
      : owner === 'ReplicaSet'
        ? { app: name, 'pod-template-hash': hash }
        : { app: name };
  const image = images[plan.kind];
  const resources = resourcesOf(plan);
  const conditionSets = new Map<string, readonly ConditionLike[]>();
  return {
    ...plan,
    image,
    imageId: `${image.slice(0, image.lastIndexOf(':'))}@sha256:${longId(image)}`,
    createdAt,
    startedAt,
    podPrefix,
    isIndexed,
    selector,
    labels: {
      ...selector,
      ...(owner === 'Job'
        ? { 'job-name': name, 'batch.kubernetes.io/controller-uid': uidFor('Job', namespace, name) }
        : {}),
      'app.kubernetes.io/name': name,
      'app.kubernetes.io/part-of': `${namespace}-${plan.kind}`,
      'acme.example/cost-centre': `cc-${1000 + name.length * 7}`,
      'acme.example/experiment': `experiment-${hash}-${plan.kind}-with-a-rather-long-human-readable-label`,
    },
    annotations: {
      'acme.example/owner': `${namespace}@example.com`,
      'acme.example/note': 'Läuft auf dem großen Cluster — 数据并行',
      'acme.example/git-commit': longId(name).slice(0, 40),
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '8000',
    },
    ownerReferences: [
      {
        apiVersion: owner === 'Job' ? 'batch/v1' : 'apps/v1',
        kind: owner,
        name: podPrefix,
        uid: uidFor(owner, namespace, podPrefix),
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
    spec: specOf(plan, image, resources),
    managedFields: fieldsOf(createdAt, startedAt),
    statusBase: { name: 'main', image, allocatedResources: resources.requests, resources },
    runningState: { running: { startedAt } },
    conditions(state) {
      const known = conditionSets.get(state) ?? conditionsOf(state, createdAt, startedAt);
      conditionSets.set(state, known);
      return known;
    },
  };
}

function resourcesOf({ gpus, kind }: ShapePlan): {
  limits: Readonly<Record<string, string>>;
  requests: Readonly<Record<string, string>>;
} {
  if (kind === 'agent') return { limits: { memory: '256Mi' }, requests: { cpu: '50m', memory: '128Mi' } };
  if (gpus === 0) return { limits: { memory: '16Gi' }, requests: { cpu: '1', memory: '4Gi' } };
  const size = { cpu: String(gpus * 16), memory: `${gpus * 128}Gi`, 'nvidia.com/gpu': String(gpus) };
  return { limits: size, requests: size };
}

function conditionsOf(state: string, createdAt: string, startedAt: string): readonly ConditionLike[] {
  const isReady = state === 'ready';
  const make = (type: string, status: boolean, reason?: string, message?: string): ConditionLike => ({
    type,
    observedGeneration: 1,
    status: status ? 'True' : 'False',
    lastProbeTime: null,
    lastTransitionTime: type === 'PodScheduled' || type === 'Initialized' ? createdAt : startedAt,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  });
  const why =
    state === 'completed' ? 'PodCompleted' : state === 'failed' ? 'PodFailed' : 'ContainersNotReady';
  const words = why === 'ContainersNotReady' ? 'containers with unready status: [main]' : undefined;
  const readiness = (type: string): ConditionLike =>
    isReady ? make(type, true) : make(type, false, why, words);
  return [
    make('PodReadyToStartContainers', state === 'ready' || state === 'unready'),
    make('Initialized', true),
    readiness('Ready'),
    readiness('ContainersReady'),
    make('PodScheduled', true),
  ];
}

function specOf(
  plan: ShapePlan,
  image: string,
  resources: NonNullable<PodLike['spec']['containers'][number]['resources']>,
): PodLike['spec'] {
  const token = `kube-api-access-${suffixOf(`token ${plan.name}`)}`;
  const isAgent = plan.kind === 'agent';
  return {
    volumes: [
      ...(isAgent ? [] : workVolumes),
      {
        name: token,
        projected: {
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [
                  { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                ],
              },
            },
          ],
          defaultMode: 420,
        },
      },
    ],
    containers: [
      {
        name: 'main',
        image,
        command: isAgent
          ? ['/bin/agent']
          : [
              'torchrun',
              `--nnodes=${plan.ranks}`,
              `--nproc-per-node=${Math.max(1, plan.gpus)}`,
              '--rdzv-backend=c10d',
              `--rdzv-endpoint=${plan.name}-0.${plan.name}:29500`,
              'train.py',
            ],
        args: [
          '--config',
          `/config/${plan.name}.yaml`,
          '--data',
          '/data/shards',
          '--checkpoint-dir',
          '/checkpoints',
          '--log-every',
          '10',
          '--bf16',
          '--flash-attention',
        ],
        ...(isAgent ? {} : { env: environment(plan) }),
        ports: [{ name: 'http', containerPort: 8000, protocol: 'TCP' }],
        resources,
        volumeMounts: [
          ...(isAgent ? [] : workMounts),
          { name: token, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
        ],
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'IfNotPresent',
      },
    ],
    restartPolicy: plan.owner === 'Job' ? 'OnFailure' : 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: 'default',
    serviceAccount: 'default',
    securityContext: {},
    schedulerName: 'default-scheduler',
    tolerations: [
      ...(isAgent ? [{ operator: 'Exists' }] : []),
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
    ],
    priority: 0,
    enableServiceLinks: true,
    preemptionPolicy: 'PreemptLowerPriority',
  };
}

const workVolumes: readonly JsonRecord[] = [
  { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '64Gi' } },
  { name: 'data', persistentVolumeClaim: { claimName: 'datasets', readOnly: true } },
  { name: 'checkpoints', persistentVolumeClaim: { claimName: 'checkpoints' } },
  { name: 'config', configMap: { name: 'train-config', defaultMode: 420 } },
];

const workMounts: readonly JsonRecord[] = [
  { name: 'shm', mountPath: '/dev/shm' },
  { name: 'data', mountPath: '/data', readOnly: true },
  { name: 'checkpoints', mountPath: '/checkpoints' },
  { name: 'config', mountPath: '/config', readOnly: true },
];

const environmentNames = [
  'NCCL_DEBUG',
  'NCCL_SOCKET_IFNAME',
  'NCCL_IB_HCA',
  'NCCL_TIMEOUT',
  'TORCH_NCCL_ENABLE_MONITORING',
  'PYTORCH_CUDA_ALLOC_CONF',
  'OMP_NUM_THREADS',
  'TOKENIZERS_PARALLELISM',
  'HF_HOME',
  'WANDB_PROJECT',
  'WANDB_RUN_GROUP',
  'MASTER_PORT',
  'PYTHONUNBUFFERED',
];

const environment = ({ name, namespace }: ShapePlan): readonly JsonRecord[] => [
  ...environmentNames.map((variable, index) => ({ name: variable, value: `${namespace}/${name}/${index}` })),
  { name: 'MASTER_ADDR', value: `${name}-0.${name}.${namespace}.svc.cluster.local` },
  { name: 'POD_NAME', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
  { name: 'POD_IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } },
  { name: 'WANDB_API_KEY', valueFrom: { secretKeyRef: { name: 'wandb', key: 'api-key' } } },
];

const fields = (names: readonly string[]): JsonRecord => Object.fromEntries(names.map((name) => [name, {}]));

/** What managedFields say of such a pod in a real cluster: a third of its bytes, and nobody reads it. */
const controllerFields: JsonRecord = {
  'f:metadata': {
    'f:annotations': {
      '.': {},
      ...fields([
        'f:acme.example/owner',
        'f:acme.example/note',
        'f:acme.example/git-commit',
        'f:prometheus.io/scrape',
        'f:prometheus.io/port',
      ]),
    },
    'f:generateName': {},
    'f:labels': {
      '.': {},
      ...fields([
        'f:app.kubernetes.io/name',
        'f:app.kubernetes.io/part-of',
        'f:acme.example/cost-centre',
        'f:acme.example/experiment',
        'f:batch.kubernetes.io/job-completion-index',
        'f:batch.kubernetes.io/job-name',
        'f:batch.kubernetes.io/controller-uid',
        'f:job-name',
      ]),
    },
    'f:ownerReferences': { '.': {}, 'k:{"uid":"3f27b86d-3fb9-4ecf-8b7e-e5223a027292"}': {} },
  },
  'f:spec': {
    'f:containers': {
      'k:{"name":"main"}': {
        '.': {},
        'f:args': {},
        'f:command': {},
        'f:env': {
          '.': {},
          ...Object.fromEntries(
            environmentNames.map((name) => [
              `k:{"name":"${name}"}`,
              { '.': {}, 'f:name': {}, 'f:value': {} },
            ]),
          ),
        },
        ...fields([
          'f:image',
          'f:imagePullPolicy',
          'f:name',
          'f:terminationMessagePath',
          'f:terminationMessagePolicy',
        ]),
        'f:ports': {
          '.': {},
          'k:{"containerPort":8000,"protocol":"TCP"}': fields([
            '.',
            'f:containerPort',
            'f:name',
            'f:protocol',
          ]),
        },
        'f:resources': {
          '.': {},
          'f:limits': fields(['.', 'f:cpu', 'f:memory', 'f:nvidia.com/gpu']),
          'f:requests': fields(['.', 'f:cpu', 'f:memory', 'f:nvidia.com/gpu']),
        },
        'f:volumeMounts': {
          '.': {},
          ...Object.fromEntries(
            ['/checkpoints', '/config', '/data', '/dev/shm'].map((path) => [
              `k:{"mountPath":"${path}"}`,
              fields(['.', 'f:mountPath', 'f:name', 'f:readOnly']),
            ]),
          ),
        },
      },
    },
    ...fields([
      'f:dnsPolicy',
      'f:enableServiceLinks',
      'f:restartPolicy',
      'f:schedulerName',
      'f:securityContext',
      'f:terminationGracePeriodSeconds',
      'f:tolerations',
    ]),
    'f:volumes': {
      '.': {},
      ...Object.fromEntries(
        ['checkpoints', 'config', 'data', 'shm'].map((name) => [
          `k:{"name":"${name}"}`,
          fields(['.', 'f:name']),
        ]),
      ),
    },
  },
};

const kubeletFields: JsonRecord = {
  'f:status': {
    'f:conditions': Object.fromEntries(
      ['ContainersReady', 'Initialized', 'PodReadyToStartContainers', 'Ready'].map((type) => [
        `k:{"type":"${type}"}`,
        fields([
          '.',
          'f:lastProbeTime',
          'f:lastTransitionTime',
          'f:observedGeneration',
          'f:status',
          'f:type',
        ]),
      ]),
    ),
    ...fields([
      'f:containerStatuses',
      'f:hostIP',
      'f:observedGeneration',
      'f:phase',
      'f:podIP',
      'f:startTime',
    ]),
    'f:hostIPs': {},
    'f:podIPs': { '.': {}, 'k:{"ip":"10.128.23.61"}': fields(['.', 'f:ip']) },
  },
};

const fieldsOf = (createdAt: string, startedAt: string): readonly JsonRecord[] => [
  {
    manager: 'kube-controller-manager',
    operation: 'Update',
    apiVersion: 'v1',
    time: createdAt,
    fieldsType: 'FieldsV1',
    fieldsV1: controllerFields,
  },
  {
    manager: 'kubelet',
    operation: 'Update',
    apiVersion: 'v1',
    time: startedAt,
    fieldsType: 'FieldsV1',
    fieldsV1: kubeletFields,
    subresource: 'status',
  },
];
