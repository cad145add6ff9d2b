import type { Kind, KindDefinition, Subresource } from './kinds.ts';

const everything = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const change = ['get', 'patch', 'update'];
const relay = ['create', 'delete', 'get', 'patch', 'update'];
const tunnel = ['create', 'get'];

interface BuiltIn {
  readonly kind: string;
  readonly plural?: string;
  readonly namespaced?: boolean;
  readonly short?: string;
  readonly category?: string;
  readonly verbs?: readonly string[];
  readonly sub?: string;
}

/**
 * What v1.36.3 serves with default feature gates, as its discovery document says (recorded).
 * Left out of a row: the plural is the kind's name in lower case with an `s`; every verb; namespaced.
 */
const builtIns: Readonly<Record<string, readonly BuiltIn[]>> = {
  '/v1': [
    { kind: 'Binding', verbs: ['create'] },
    { kind: 'ComponentStatus', namespaced: false, short: 'cs', verbs: ['get', 'list'] },
    { kind: 'ConfigMap', short: 'cm' },
    { kind: 'Endpoints', plural: 'endpoints', short: 'ep' },
    { kind: 'Event', short: 'ev' },
    { kind: 'LimitRange', short: 'limits' },
    {
      kind: 'Namespace',
      namespaced: false,
      short: 'ns',
      verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
      sub: 'finalize status',
    },
    { kind: 'Node', namespaced: false, short: 'no', sub: 'proxy status' },
    { kind: 'PersistentVolumeClaim', short: 'pvc', sub: 'status' },
    { kind: 'PersistentVolume', namespaced: false, short: 'pv', sub: 'status' },
    {
      kind: 'Pod',
      short: 'po',
      category: 'all',
      sub: 'attach binding ephemeralcontainers eviction exec log portforward proxy resize status',
    },
    { kind: 'PodTemplate' },
    { kind: 'ReplicationController', short: 'rc', category: 'all', sub: 'scale status' },
    { kind: 'ResourceQuota', short: 'quota', sub: 'status' },
    { kind: 'Secret' },
    { kind: 'ServiceAccount', short: 'sa', sub: 'token' },
    { kind: 'Service', short: 'svc', category: 'all', sub: 'proxy status' },
  ],
  'apiregistration.k8s.io/v1': [
    { kind: 'APIService', namespaced: false, category: 'api-extensions', sub: 'status' },
  ],
  'apps/v1': [
    { kind: 'ControllerRevision' },
    { kind: 'DaemonSet', short: 'ds', category: 'all', sub: 'status' },
    { kind: 'Deployment', short: 'deploy', category: 'all', sub: 'scale status' },
    { kind: 'ReplicaSet', short: 'rs', category: 'all', sub: 'scale status' },
    { kind: 'StatefulSet', short: 'sts', category: 'all', sub: 'scale status' },
  ],
  'events.k8s.io/v1': [{ kind: 'Event', short: 'ev' }],
  'authentication.k8s.io/v1': [
    { kind: 'SelfSubjectReview', namespaced: false, verbs: ['create'] },
    { kind: 'TokenReview', namespaced: false, verbs: ['create'] },
  ],
  'authorization.k8s.io/v1': [
    { kind: 'LocalSubjectAccessReview', verbs: ['create'] },
    { kind: 'SelfSubjectAccessReview', namespaced: false, verbs: ['create'] },
    { kind: 'SelfSubjectRulesReview', namespaced: false, verbs: ['create'] },
    { kind: 'SubjectAccessReview', namespaced: false, verbs: ['create'] },
  ],
  'autoscaling/v2,v1': [{ kind: 'HorizontalPodAutoscaler', short: 'hpa', category: 'all', sub: 'status' }],
  'batch/v1': [
    { kind: 'CronJob', short: 'cj', category: 'all', sub: 'status' },
    { kind: 'Job', category: 'all', sub: 'status' },
  ],
  'certificates.k8s.io/v1': [
    { kind: 'CertificateSigningRequest', namespaced: false, short: 'csr', sub: 'approval status' },
  ],
  'networking.k8s.io/v1': [
    { kind: 'IngressClass', namespaced: false },
    { kind: 'Ingress', short: 'ing', sub: 'status' },
    { kind: 'IPAddress', namespaced: false, short: 'ip' },
    { kind: 'NetworkPolicy', short: 'netpol' },
    { kind: 'ServiceCIDR', namespaced: false, sub: 'status' },
  ],
  'policy/v1': [{ kind: 'PodDisruptionBudget', short: 'pdb', sub: 'status' }],
  'rbac.authorization.k8s.io/v1': [
    { kind: 'ClusterRoleBinding', namespaced: false },
    { kind: 'ClusterRole', namespaced: false },
    { kind: 'RoleBinding' },
    { kind: 'Role' },
  ],
  'storage.k8s.io/v1': [
    { kind: 'CSIDriver', namespaced: false },
    { kind: 'CSINode', namespaced: false },
    { kind: 'CSIStorageCapacity' },
    { kind: 'StorageClass', namespaced: false, short: 'sc' },
    { kind: 'VolumeAttachment', namespaced: false, sub: 'status' },
    { kind: 'VolumeAttributesClass', namespaced: false, short: 'vac' },
  ],
  'admissionregistration.k8s.io/v1': [
    { kind: 'MutatingAdmissionPolicy', namespaced: false, category: 'api-extensions' },
    { kind: 'MutatingAdmissionPolicyBinding', namespaced: false, category: 'api-extensions' },
    { kind: 'MutatingWebhookConfiguration', namespaced: false, category: 'api-extensions' },
    { kind: 'ValidatingAdmissionPolicy', namespaced: false, category: 'api-extensions', sub: 'status' },
    { kind: 'ValidatingAdmissionPolicyBinding', namespaced: false, category: 'api-extensions' },
    { kind: 'ValidatingWebhookConfiguration', namespaced: false, category: 'api-extensions' },
  ],
  'apiextensions.k8s.io/v1': [
    {
      kind: 'CustomResourceDefinition',
      namespaced: false,
      short: 'crd crds',
      category: 'api-extensions',
      sub: 'status',
    },
  ],
  'scheduling.k8s.io/v1': [{ kind: 'PriorityClass', namespaced: false, short: 'pc' }],
  'coordination.k8s.io/v1': [{ kind: 'Lease' }],
  'node.k8s.io/v1': [{ kind: 'RuntimeClass', namespaced: false }],
  'discovery.k8s.io/v1': [{ kind: 'EndpointSlice' }],
  'resource.k8s.io/v1': [
    { kind: 'DeviceClass', namespaced: false },
    { kind: 'ResourceClaim', sub: 'status' },
    { kind: 'ResourceClaimTemplate' },
    { kind: 'ResourceSlice', namespaced: false },
  ],
  'flowcontrol.apiserver.k8s.io/v1': [
    { kind: 'FlowSchema', namespaced: false, sub: 'status' },
    { kind: 'PriorityLevelConfiguration', namespaced: false, sub: 'status' },
  ],
};

/** Subresources that are not simply another way to read and change the object itself; the scale of anything is a Scale. */
const subresources: Readonly<Record<string, Omit<Subresource, 'name'>>> = {
  'namespaces/finalize': { kind: 'Namespace', verbs: ['update'] },
  'nodes/proxy': { kind: 'NodeProxyOptions', verbs: relay },
  'pods/attach': { kind: 'PodAttachOptions', verbs: tunnel },
  'pods/binding': { kind: 'Binding', verbs: ['create'] },
  'pods/eviction': { kind: 'Eviction', verbs: ['create'], group: 'policy', version: 'v1' },
  'pods/exec': { kind: 'PodExecOptions', verbs: tunnel },
  'pods/log': { kind: 'Pod', verbs: ['get'] },
  'pods/portforward': { kind: 'PodPortForwardOptions', verbs: tunnel },
  'pods/proxy': { kind: 'PodProxyOptions', verbs: relay },
  'serviceaccounts/token': {
    kind: 'TokenRequest',
    verbs: ['create'],
    group: 'authentication.k8s.io',
    version: 'v1',
  },
  'services/proxy': { kind: 'ServiceProxyOptions', verbs: relay },
};

function subresourceOf(plural: string, kind: string, name: string): Subresource {
  if (name === 'scale') return { name, kind: 'Scale', verbs: change, group: 'autoscaling', version: 'v1' };
  return { name, ...(subresources[`${plural}/${name}`] ?? { kind, verbs: change }) };
}

/** `Gateway` → `gateways`, `Policy` → `policies`, `Address` → `addresses`: the rule that code generators use. */
export function pluralOf(kind: string): string {
  const word = kind.toLowerCase();
  if (/(s|x|ch|sh)$/.test(word)) return `${word}es`;
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return `${word}s`;
}

/** Every kind of a plain v1.36 API server, in the order of its discovery document. */
export function builtInKinds(): Kind[] {
  return Object.entries(builtIns).flatMap(([groupVersions, rows]) => {
    const [group = '', versions = ''] = groupVersions.split('/');
    return rows.map((row): Kind => {
      const plural = row.plural ?? pluralOf(row.kind);
      return {
        group,
        versions: versions.split(','),
        kind: row.kind,
        plural,
        singular: row.kind.toLowerCase(),
        shortNames: row.short?.split(' ') ?? [],
        categories: row.category === undefined ? [] : [row.category],
        namespaced: row.namespaced ?? true,
        verbs: row.verbs ?? everything,
        subresources: (row.sub?.split(' ') ?? []).map((name) => subresourceOf(plural, row.kind, name)),
        printerColumns: [],
        custom: false,
        ...(group === 'events.k8s.io' ? { storedIn: '' } : {}),
      };
    });
  });
}

/** A custom kind from its definition; the missing names are derived from the kind's. */
export function customKind(definition: KindDefinition): Kind {
  const plural = definition.plural ?? pluralOf(definition.kind);
  return {
    group: definition.group,
    versions: definition.versions,
    kind: definition.kind,
    plural,
    singular: definition.singular ?? definition.kind.toLowerCase(),
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    namespaced: definition.namespaced,
    verbs: everything,
    subresources: (definition.subresources ?? []).map((name) => subresourceOf(plural, definition.kind, name)),
    printerColumns: definition.printerColumns ?? [],
    custom: true,
  };
}
