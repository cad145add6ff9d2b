import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { type PodLike, suffixOf } from '../scenario/shapes.ts';
import type { Store } from '../store.ts';

const records = (value: unknown): readonly JsonRecord[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

/** Latest or untagged images are pulled always. */
function pullPolicy(image: unknown): string {
  const last =
    String(image ?? '')
      .split('/')
      .at(-1) ?? '';
  const tag = /:([^@]+)/.exec(last)?.[1];
  return tag === 'latest' || (tag === undefined && !last.includes('@')) ? 'Always' : 'IfNotPresent';
}

const containerDefaults = (container: JsonRecord): JsonRecord => ({
  ...container,
  resources: container['resources'] ?? {},
  terminationMessagePath: container['terminationMessagePath'] ?? '/dev/termination-log',
  terminationMessagePolicy: container['terminationMessagePolicy'] ?? 'File',
  imagePullPolicy: container['imagePullPolicy'] ?? pullPolicy(container['image']),
});

/** What the API server adds to any pod spec, in a pod or in a template. */
function podSpecDefaults(spec: JsonRecord): JsonRecord {
  const initContainers = records(spec['initContainers']);
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
    ...spec,
    ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(containerDefaults) }),
    containers: records(spec['containers']).map(containerDefaults),
  };
}

const everyPodTolerates: readonly JsonRecord[] = ['not-ready', 'unreachable'].map((word) => ({
  key: `node.kubernetes.io/${word}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** In a pod, limits are requests where none were said. */
function requestsFromLimits(container: JsonRecord): JsonRecord {
  const resources = container['resources'];
  if (!isRecord(resources) || !isRecord(resources['limits'])) return container;
  const requests = isRecord(resources['requests']) ? resources['requests'] : {};
  return { ...container, resources: { ...resources, requests: { ...resources['limits'], ...requests } } };
}

function podDefaults(pod: KubeLike, store: Store): KubeLike {
  const spec = podSpecDefaults(isRecord(pod['spec']) ? pod['spec'] : {});
  const token = `kube-api-access-${suffixOf(`token ${pod.metadata?.uid ?? ''}`)}`;
  const hasToken = records(spec['volumes']).some((volume) =>
    String(volume['name']).startsWith('kube-api-access-'),
  );
  const mount = { name: token, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' };
  const complete = (container: JsonRecord): JsonRecord => ({
    ...requestsFromLimits(container),
    ...(hasToken ? {} : { volumeMounts: [...records(container['volumeMounts']), mount] }),
  });
  const classes = store.list('scheduling.k8s.io', 'priorityclasses');
  const priority = classes.find((one) =>
    spec['priorityClassName'] === undefined
      ? one['globalDefault'] === true
      : one.metadata?.name === spec['priorityClassName'],
  );
  const tolerations = records(spec['tolerations']);
  const initContainers = records(spec['initContainers']);
  return {
    ...pod,
    spec: {
      serviceAccountName: 'default',
      serviceAccount: spec['serviceAccountName'] ?? 'default',
      enableServiceLinks: true,
      preemptionPolicy: 'PreemptLowerPriority',
      ...spec,
      priority: priority?.['value'] ?? 0,
      ...(hasToken
        ? {}
        : {
            volumes: [
              ...records(spec['volumes']),
              {
                name: token,
                projected: {
                  sources: [
                    { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
                    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
                  ],
                  defaultMode: 420,
                },
              },
            ],
          }),
      ...(initContainers.length === 0 ? {} : { initContainers: initContainers.map(complete) }),
      containers: records(spec['containers']).map(complete),
      tolerations: [
        ...tolerations,
        ...everyPodTolerates.filter((one) => !tolerations.some((other) => other['key'] === one['key'])),
      ],
    },
    status: { phase: 'Pending', qosClass: qosOf(spec) },
  };
}

function qosOf(spec: JsonRecord): string {
  const sides = records(spec['containers']).map((container) => [
    fieldAt(container, 'resources.limits'),
    fieldAt(container, 'resources.requests') ?? fieldAt(container, 'resources.limits'),
  ]);
  const said = sides.flat().some((one) => isRecord(one) && ('cpu' in one || 'memory' in one));
  if (!said) return 'BestEffort';
  const guaranteed = sides.every(([limits, requests]) =>
    ['cpu', 'memory'].every(
      (name) =>
        isRecord(limits) &&
        isRecord(requests) &&
        limits[name] !== undefined &&
        limits[name] === requests[name],
    ),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** The kinds whose spec has a pod template, and what else the API server fills in. */
function workloadDefaults(object: KubeLike, spec: JsonRecord): JsonRecord {
  switch (object.kind) {
    case 'Deployment':
      return {
        replicas: 1,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        ...spec,
      };
    case 'StatefulSet':
      return {
        replicas: 1,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        revisionHistoryLimit: 10,
        ...spec,
      };
    case 'ReplicaSet':
      return { replicas: 1, ...spec };
    case 'DaemonSet':
      return {
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        revisionHistoryLimit: 10,
        ...spec,
      };
    case 'Job':
      return {
        parallelism: 1,
        ...(spec['parallelism'] === undefined || spec['completions'] !== undefined ? { completions: 1 } : {}),
        backoffLimit: 6,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: 'TerminatingOrFailed',
        ...spec,
        ...jobIdentity(object, spec),
      };
    case 'HorizontalPodAutoscaler':
      return { minReplicas: 1, ...spec };
    case 'CronJob':
      return {
        concurrencyPolicy: 'Allow',
        suspend: false,
        successfulJobsHistoryLimit: 3,
        failedJobsHistoryLimit: 1,
        ...spec,
      };
    default:
      return spec;
  }
}

/** A job's pods carry its uid in their labels, which its selector asks for. */
function jobIdentity(object: KubeLike, spec: JsonRecord): JsonRecord {
  if (spec['manualSelector'] === true) return {};
  const { uid = '', name = '' } = object.metadata ?? {};
  const template = isRecord(spec['template']) ? spec['template'] : {};
  const metadata = isRecord(template['metadata']) ? template['metadata'] : {};
  const labels = {
    ...(isRecord(metadata['labels']) ? metadata['labels'] : {}),
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  return {
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
    template: { ...template, metadata: { ...metadata, labels } },
  };
}

const templateDefaults = (template: unknown): unknown => {
  if (!isRecord(template) || !isRecord(template['spec']) || !Array.isArray(template['spec']['containers']))
    return template;
  return { ...template, spec: podSpecDefaults(template['spec']) };
};

/** What the API server fills in when an object comes without it. Its uid must be there already. */
export function withDefaults(object: KubeLike, store: Store): KubeLike {
  if (object.kind === 'Pod') return podDefaults(object, store);
  if (!isRecord(object['spec'])) return object;
  const spec = workloadDefaults(object, object['spec']);
  const { template, jobTemplate } = spec;
  return {
    ...object,
    spec: {
      ...spec,
      ...(template === undefined ? {} : { template: templateDefaults(template) }),
      ...(isRecord(jobTemplate) && isRecord(jobTemplate['spec'])
        ? {
            jobTemplate: {
              ...jobTemplate,
              spec: { ...jobTemplate['spec'], template: templateDefaults(jobTemplate['spec']['template']) },
            },
          }
        : {}),
    },
  };
}

/** A pod as its controller makes it of its template. */
export const podOf = (object: KubeLike, store: Store): PodLike => podDefaults(object, store) as PodLike;
