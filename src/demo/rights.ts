/** Who asks. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** A rule of a Role or ClusterRole. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

export interface Role {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** A RoleBinding, or without a namespace a ClusterRoleBinding. */
export interface Binding {
  readonly name: string;
  readonly namespace?: string;
  readonly role: string;
  readonly user?: string;
  readonly group?: string;
}

/** What is asked for: a resource, or a path that is none. */
export type Attributes =
  | {
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      /** Empty: all namespaces, or a kind that has none. */
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly verb: string; readonly path: string };

export interface Decision {
  readonly allowed: boolean;
  /** Which binding allows it; undefined when nothing does. */
  readonly reason: string | undefined;
}

/** The rule table. It is data and may be changed while the server runs: a right can be taken away in mid-session. */
export interface Rights {
  roles: readonly Role[];
  bindings: readonly Binding[];
}

const readOnly = ['get', 'list', 'watch'];

/** ClusterRole `view` as a v1.36 server has it (recorded), in the order in which it answers. */
const viewRules: readonly Rule[] = [
  {
    verbs: readOnly,
    apiGroups: [''],
    resources: [
      'configmaps',
      'endpoints',
      'persistentvolumeclaims',
      'persistentvolumeclaims/status',
      'pods',
      'replicationcontrollers',
      'replicationcontrollers/scale',
      'serviceaccounts',
      'services',
      'services/status',
    ],
  },
  {
    verbs: readOnly,
    apiGroups: [''],
    resources: [
      'bindings',
      'limitranges',
      'namespaces/status',
      'pods/log',
      'pods/status',
      'replicationcontrollers/status',
      'resourcequotas',
      'resourcequotas/status',
    ],
  },
  { verbs: readOnly, apiGroups: [''], resources: ['namespaces'] },
  { verbs: readOnly, apiGroups: ['', 'events.k8s.io'], resources: ['events'] },
  { verbs: readOnly, apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] },
  {
    verbs: readOnly,
    apiGroups: ['apps'],
    resources: [
      'controllerrevisions',
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
      'replicasets',
      'replicasets/scale',
      'replicasets/status',
      'statefulsets',
      'statefulsets/scale',
      'statefulsets/status',
    ],
  },
  {
    verbs: readOnly,
    apiGroups: ['autoscaling'],
    resources: ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'],
  },
  {
    verbs: readOnly,
    apiGroups: ['batch'],
    resources: ['cronjobs', 'cronjobs/status', 'jobs', 'jobs/status'],
  },
  {
    verbs: readOnly,
    apiGroups: ['extensions'],
    resources: [
      'daemonsets',
      'daemonsets/status',
      'deployments',
      'deployments/scale',
      'deployments/status',
      'ingresses',
      'ingresses/status',
      'networkpolicies',
      'replicasets',
      'replicasets/scale',
      'replicasets/status',
      'replicationcontrollers/scale',
    ],
  },
  {
    verbs: readOnly,
    apiGroups: ['policy'],
    resources: ['poddisruptionbudgets', 'poddisruptionbudgets/status'],
  },
  {
    verbs: readOnly,
    apiGroups: ['networking.k8s.io'],
    resources: ['ingresses', 'ingresses/status', 'networkpolicies'],
  },
  {
    verbs: readOnly,
    apiGroups: ['resource.k8s.io'],
    resources: ['resourceclaims', 'resourceclaims/status', 'resourceclaimtemplates'],
  },
];

/** What everybody who is known may do, as bootstrap RBAC grants it. */
export const baseRoles: readonly Role[] = [
  {
    name: 'cluster-admin',
    rules: [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['*'], nonResourceURLs: ['*'] },
    ],
  },
  {
    name: 'system:basic-user',
    rules: [
      {
        verbs: ['create'],
        apiGroups: ['authorization.k8s.io'],
        resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
    ],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'] }],
  },
  {
    name: 'system:discovery',
    rules: [
      {
        verbs: ['get'],
        nonResourceURLs: [
          '/api',
          '/api/*',
          '/apis',
          '/apis/*',
          '/healthz',
          '/livez',
          '/openapi',
          '/openapi/*',
          '/readyz',
          '/version',
          '/version/',
        ],
      },
    ],
  },
  { name: 'view', rules: viewRules },
];

export const baseBindings: readonly Binding[] = [
  { name: 'cluster-admin', role: 'cluster-admin', group: 'system:masters' },
  { name: 'system:basic-user', role: 'system:basic-user', group: 'system:authenticated' },
  { name: 'system:public-info-viewer', role: 'system:public-info-viewer', group: 'system:authenticated' },
  { name: 'system:public-info-viewer', role: 'system:public-info-viewer', group: 'system:unauthenticated' },
  { name: 'system:discovery', role: 'system:discovery', group: 'system:authenticated' },
];

/** The bindings that let a group look at some namespaces and at nothing else. */
export const viewBindings = (namespaces: readonly string[], group: string): Binding[] =>
  namespaces.map((namespace) => ({ name: 'viewers', namespace, role: 'view', group }));

const covers = (wanted: readonly string[] | undefined, value: string): boolean =>
  wanted !== undefined && (wanted.includes('*') || wanted.includes(value));

const coversPath = (urls: readonly string[] | undefined, path: string): boolean =>
  urls?.some(
    (url) => url === '*' || url === path || (url.endsWith('*') && path.startsWith(url.slice(0, -1))),
  ) ?? false;

function allows(rule: Rule, asked: Attributes): boolean {
  if (!covers(rule.verbs, asked.verb)) return false;
  if ('path' in asked) return coversPath(rule.nonResourceURLs, asked.path);
  const resource = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const named = rule.resourceNames === undefined || rule.resourceNames.includes(asked.name);
  const sub = asked.subresource !== '' && (rule.resources?.includes(`*/${asked.subresource}`) ?? false);
  return named && covers(rule.apiGroups, asked.group) && (covers(rule.resources, resource) || sub);
}

const isFor = (binding: Binding, user: User): boolean =>
  binding.user === user.name || (binding.group !== undefined && user.groups.includes(binding.group));

/** The bindings that count for a user in a namespace: those of the cluster, then the namespace's own. */
function bindingsOf(rights: Rights, user: User, namespace: string): Binding[] {
  const mine = rights.bindings.filter((binding) => isFor(binding, user));
  return [
    ...mine.filter((binding) => binding.namespace === undefined),
    ...mine.filter((binding) => namespace !== '' && binding.namespace === namespace),
  ];
}

const rulesOf = (rights: Rights, binding: Binding): readonly Rule[] =>
  rights.roles.find((role) => role.name === binding.role)?.rules ?? [];

/** May the user do this? With the API server's own wording of why. */
export function decide(rights: Rights, user: User, asked: Attributes): Decision {
  const namespace = 'path' in asked ? '' : asked.namespace;
  for (const binding of bindingsOf(rights, user, namespace)) {
    if (!rulesOf(rights, binding).some((rule) => allows(rule, asked))) continue;
    const what =
      binding.namespace === undefined
        ? `ClusterRoleBinding "${binding.name}"`
        : `RoleBinding "${binding.name}/${binding.namespace}"`;
    const whom = binding.user === user.name ? `User "${user.name}"` : `Group "${binding.group ?? ''}"`;
    return { allowed: true, reason: `RBAC: allowed by ${what} of ClusterRole "${binding.role}" to ${whom}` };
  }
  return { allowed: false, reason: undefined };
}

/** Everything the user may do in a namespace: what `kubectl auth can-i --list` prints. */
export function rulesIn(
  rights: Rights,
  user: User,
  namespace: string,
): { readonly resourceRules: Rule[]; readonly nonResourceRules: Rule[] } {
  const rules = bindingsOf(rights, user, namespace).flatMap((binding) => rulesOf(rights, binding));
  const nonResource = bindingsOf(rights, user, '').flatMap((binding) => rulesOf(rights, binding));
  return {
    resourceRules: rules.filter((rule) => rule.nonResourceURLs === undefined),
    nonResourceRules: nonResource.filter((rule) => rule.nonResourceURLs !== undefined),
  };
}

/** The sentence of a 403. */
export function forbiddenMessage(user: User, asked: Attributes): string {
  if ('path' in asked) return `forbidden: User "${user.name}" cannot ${asked.verb} path "${asked.path}"`;
  const resource = asked.subresource === '' ? asked.resource : `${asked.resource}/${asked.subresource}`;
  const what = asked.group === '' ? asked.resource : `${asked.resource}.${asked.group}`;
  const subject = asked.name === '' ? what : `${what} "${asked.name}"`;
  const where = asked.namespace === '' ? 'at the cluster scope' : `in the namespace "${asked.namespace}"`;
  return `${subject} is forbidden: User "${user.name}" cannot ${asked.verb} resource "${resource}" in API group "${asked.group}" ${where}`;
}
