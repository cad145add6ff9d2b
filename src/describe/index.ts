import type { KubeObject } from '../kube/object.ts';
import { record } from '../resources/fields.ts';
import { describeAutoscaler } from './autoscalers.ts';
import {
  describeConfigMap,
  describePriorityClass,
  describeSecret,
  describeServiceAccount,
} from './configuration.ts';
import { describeAny } from './generic.ts';
import { describeLimitRange, describeNamespace, describeQuota } from './namespaces.ts';
import {
  describeDisruptionBudget,
  describeEndpointSlice,
  describeIngress,
  describeService,
} from './network.ts';
import { describeNetworkPolicy } from './network-policies.ts';
import { describeNode } from './nodes.ts';
import { type Related, str } from './parts.ts';
import { describePod } from './pods.ts';
import { describeClaim, describeStorageClass, describeVolume } from './storage.ts';
import {
  describeCronJob,
  describeDaemonSet,
  describeDeployment,
  describeJob,
  describeReplicaSet,
  describeStatefulSet,
} from './workloads.ts';

export type { Related } from './parts.ts';

/** One more list that a describe reads: what `kubectl describe` asks for besides the object. */
export interface Need {
  /** Its name in `Related`. */
  readonly name: string;
  /** Without the query: `/api/v1/namespaces/train/pods`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export type Describe = (object: KubeObject, related: Related, now: number) => string;

interface Describer {
  readonly describe: Describe;
  readonly needs?: (object: KubeObject) => readonly Need[];
}

const namespaceOf = (object: KubeObject): string => encodeURIComponent(str(object.metadata?.namespace));
const nameOf = (object: KubeObject): string => str(object.metadata?.name);

/** A selector of labels as the API takes it; undefined where it chooses nothing. */
function selectorQuery(selector: unknown): string | undefined {
  const { matchLabels, matchExpressions } = record(selector);
  const parts = Object.entries(record(matchLabels)).map(([key, value]) => `${key}=${str(value)}`);
  for (const raw of Array.isArray(matchExpressions) ? matchExpressions : []) {
    const { key, operator, values } = record(raw);
    const given = (Array.isArray(values) ? values : []).map(str).join(',');
    if (operator === 'In' || operator === 'NotIn')
      parts.push(`${str(key)} ${operator.toLowerCase()} (${given})`);
    else parts.push(`${operator === 'DoesNotExist' ? '!' : ''}${str(key)}`);
  }
  return parts.length === 0 ? undefined : parts.join(',');
}

const selected =
  (name: string, root: string) =>
  (object: KubeObject): readonly Need[] => {
    const labelSelector = selectorQuery(record(object['spec'])['selector']);
    return labelSelector === undefined
      ? []
      : [{ name, path: `${root}/namespaces/${namespaceOf(object)}/${name}`, labelSelector }];
  };

const describers: Readonly<Record<string, Describer>> = {
  Pod: { describe: describePod },
  Node: {
    describe: describeNode,
    needs: (node) => [
      {
        name: 'leases',
        path: '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases',
        fieldSelector: `metadata.name=${nameOf(node)}`,
      },
      {
        name: 'pods',
        path: '/api/v1/pods',
        fieldSelector: `spec.nodeName=${nameOf(node)},status.phase!=Succeeded,status.phase!=Failed`,
      },
    ],
  },
  'Deployment.apps': { describe: describeDeployment, needs: selected('replicasets', '/apis/apps/v1') },
  'ReplicaSet.apps': { describe: describeReplicaSet, needs: selected('pods', '/api/v1') },
  'StatefulSet.apps': { describe: describeStatefulSet, needs: selected('pods', '/api/v1') },
  'DaemonSet.apps': { describe: describeDaemonSet, needs: selected('pods', '/api/v1') },
  'Job.batch': { describe: describeJob },
  'CronJob.batch': { describe: describeCronJob },
  Service: {
    describe: describeService,
    needs: (service) => [
      {
        name: 'endpointslices',
        path: `/apis/discovery.k8s.io/v1/namespaces/${namespaceOf(service)}/endpointslices`,
        labelSelector: `kubernetes.io/service-name=${nameOf(service)}`,
      },
    ],
  },
  'EndpointSlice.discovery.k8s.io': { describe: describeEndpointSlice },
  'Ingress.networking.k8s.io': {
    describe: describeIngress,
    needs: (ingress) => [
      { name: 'services', path: `/api/v1/namespaces/${namespaceOf(ingress)}/services` },
      {
        name: 'endpointslices',
        path: `/apis/discovery.k8s.io/v1/namespaces/${namespaceOf(ingress)}/endpointslices`,
      },
    ],
  },
  'HorizontalPodAutoscaler.autoscaling': { describe: describeAutoscaler },
  'PodDisruptionBudget.policy': { describe: describeDisruptionBudget },
  PersistentVolumeClaim: {
    describe: describeClaim,
    needs: (claim) => [{ name: 'pods', path: `/api/v1/namespaces/${namespaceOf(claim)}/pods` }],
  },
  PersistentVolume: { describe: describeVolume },
  Namespace: {
    describe: describeNamespace,
    needs: (namespace) =>
      ['resourcequotas', 'limitranges'].map((name) => ({
        name,
        path: `/api/v1/namespaces/${encodeURIComponent(nameOf(namespace))}/${name}`,
      })),
  },
  ConfigMap: { describe: describeConfigMap },
  Secret: { describe: describeSecret },
  ServiceAccount: {
    describe: describeServiceAccount,
    needs: (account) => [{ name: 'secrets', path: `/api/v1/namespaces/${namespaceOf(account)}/secrets` }],
  },
  'StorageClass.storage.k8s.io': { describe: describeStorageClass },
  'PriorityClass.scheduling.k8s.io': { describe: describePriorityClass },
  'NetworkPolicy.networking.k8s.io': { describe: describeNetworkPolicy },
  ResourceQuota: { describe: describeQuota },
  LimitRange: { describe: describeLimitRange },
};

function describerOf(object: KubeObject): Describer | undefined {
  const version = str(object.apiVersion);
  const group = version.includes('/') ? `.${version.slice(0, version.indexOf('/'))}` : '';
  return describers[`${str(object.kind)}${group}`];
}

/** What must be read besides the object and its events. */
export const needsOf = (object: KubeObject): readonly Need[] => describerOf(object)?.needs?.(object) ?? [];

/**
 * The object as `kubectl describe` prints it; ends in a line feed. Related lists that are undefined could not be read,
 * and the text says so where kubectl does. `now` is epoch ms. The object's text must have been cleaned (`cleanObject`).
 */
export const describe: Describe = (object, related, now) =>
  (describerOf(object)?.describe ?? describeAny)(object, related, now);
