import type { Cluster, ResourceRequest, Verb } from '../cluster.ts';
import { fieldAt, isRecord, type KubeLike } from '../object.ts';
import { isFinished, type PodLike, podRequests, quantity } from '../scenario/shapes.ts';
import { labelMatcher } from '../selectors.ts';
import { notFound, Refusal, statusBody } from '../status.ts';
import { forbidden } from './options.ts';

/** An object that carries it is let pass by nobody: what a policy of the site would do, to be tried. */
const denyLabel = 'demo.mltop/deny';

interface Admitted {
  readonly request: ResourceRequest;
  readonly cluster: Cluster;
  readonly verb: Verb;
  readonly object: KubeLike;
  /** Of an update: what is there now. */
  readonly before?: KubeLike;
}

/** What the plugins say before anything is kept. Throws their refusals, in their words. */
export function admit(admitted: Admitted): void {
  const { request, cluster, verb, object } = admitted;
  const { kind, namespace } = request;
  const name = object.metadata?.name ?? request.name ?? '';
  if (verb === 'create' && kind.namespaced) admitIntoNamespace(request, cluster, namespace ?? '', name);
  policies(admitted, name);
  if (verb === 'create' && kind.kind === 'Pod' && kind.group === '')
    admitPod(request, cluster, object as PodLike);
}

function admitIntoNamespace(
  request: ResourceRequest,
  cluster: Cluster,
  namespace: string,
  name: string,
): void {
  const found = cluster.store.get({ group: '', plural: 'namespaces', name: namespace });
  if (found === undefined) throw notFound('', 'namespaces', namespace);
  if (found.metadata?.['deletionTimestamp'] !== undefined || fieldAt(found, 'status.phase') === 'Terminating')
    throw forbidden(
      request,
      name,
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    );
}

function denied(request: ResourceRequest, name: string, policy: string, message: string): Refusal {
  const why = `ValidatingAdmissionPolicy '${policy}' with binding '${policy}' denied request: ${message}`;
  const { group, plural } = request.kind;
  return new Refusal(
    statusBody(422, `${group === '' ? plural : `${plural}.${group}`} "${name}" is forbidden: ${why}`, {
      reason: 'Invalid',
      details: { name, ...(group === '' ? {} : { group }), kind: plural, causes: [{ message: why }] },
    }),
  );
}

/** The one expression that the demo understands, of the policies in the store. */
const pinnedImages = /endsWith\(':latest'\)/;

function policies({ request, cluster, verb, object, before = object }: Admitted, name: string): void {
  const labels = object.metadata?.labels ?? {};
  const said = labels[denyLabel] ?? labels['deny'];
  const was = before.metadata?.labels ?? {};
  // To put the label on is allowed, and to take it off: the demo is to be tried.
  const isHeld = said !== undefined && said === (was[denyLabel] ?? was['deny']);
  if (isHeld && said !== 'false' && said !== '')
    throw denied(request, name, 'demo-guard', `objects labelled deny=${said} may not be changed`);
  if (verb !== 'create' || request.kind.kind !== 'Pod') return;
  for (const policy of cluster.store.list('admissionregistration.k8s.io', 'validatingadmissionpolicies')) {
    const validations = fieldAt(policy, 'spec.validations');
    const validation: unknown = Array.isArray(validations) ? validations[0] : undefined;
    if (!pinnedImages.test(String(fieldAt(validation, 'expression')))) continue;
    const wanted = fieldAt(policy, 'spec.matchConstraints.objectSelector.matchLabels');
    if (isRecord(wanted) && !Object.entries(wanted).every(([key, value]) => labels[key] === value)) continue;
    const containers = (object as PodLike).spec.containers;
    if (containers.some((container) => container.image?.endsWith(':latest')))
      throw denied(request, name, policy.metadata?.name ?? '', String(fieldAt(validation, 'message')));
  }
}

function admitPod(request: ResourceRequest, cluster: Cluster, pod: PodLike): void {
  const { store } = cluster;
  const { spec } = pod;
  const name = pod.metadata.name;
  const namespace = request.namespace ?? '';
  const has = (group: string, plural: string, wanted: unknown, home?: string): boolean =>
    store.get({ group, plural, name: String(wanted), ...(home === undefined ? {} : { namespace: home }) }) !==
    undefined;
  const { priorityClassName, runtimeClassName, serviceAccountName } = spec;
  const isOfSystem = String(priorityClassName).startsWith('system-');
  if (
    priorityClassName !== undefined &&
    !isOfSystem &&
    !has('scheduling.k8s.io', 'priorityclasses', priorityClassName)
  )
    throw forbidden(request, name, `no PriorityClass with name ${String(priorityClassName)} was found`);
  if (runtimeClassName !== undefined && !has('node.k8s.io', 'runtimeclasses', runtimeClassName))
    throw forbidden(request, name, `pod rejected: RuntimeClass "${String(runtimeClassName)}" not found`);
  if (
    serviceAccountName !== undefined &&
    serviceAccountName !== 'default' &&
    !has('', 'serviceaccounts', serviceAccountName, namespace)
  )
    throw forbidden(
      request,
      name,
      `error looking up service account ${namespace}/${String(serviceAccountName)}: serviceaccount "${String(serviceAccountName)}" not found`,
    );
  const limits = limitRefusal(cluster, pod, namespace);
  if (limits !== undefined) throw forbidden(request, name, limits);
  const quota = quotaRefusal(cluster, pod, namespace);
  if (quota !== undefined) throw forbidden(request, name, quota);
}

/** Why the limit ranges of the namespace do not let a pod in: the largest that a container may have. */
function limitRefusal({ store }: Cluster, pod: PodLike, namespace: string): string | undefined {
  const over = store.list('', 'limitranges', namespace).flatMap((range) => {
    const limits = fieldAt(range, 'spec.limits');
    return (Array.isArray(limits) ? limits.filter(isRecord) : []).flatMap(({ type, max }) => {
      if (type !== 'Container' || !isRecord(max)) return [];
      return Object.entries(max).flatMap(([resource, most]) =>
        pod.spec.containers.flatMap((container) => {
          const limit = container.resources?.limits?.[resource];
          if (limit === undefined)
            return [`maximum ${resource} usage per Container is ${String(most)}.  No limit is specified`];
          return quantity(limit) > quantity(String(most))
            ? [`maximum ${resource} usage per Container is ${String(most)}, but limit is ${limit}`]
            : [];
        }),
      );
    });
  });
  const [first, ...others] = over.sort();
  return others.length === 0 ? first : `[${over.join(', ')}]`;
}

/** Resources that a quota wants to see said by every container: `limits.memory for: main,side`. */
function unsaid(quota: KubeLike, hard: Readonly<Record<string, unknown>>, pod: PodLike): string | undefined {
  const missing = Object.keys(hard)
    .sort()
    .flatMap((resource) => {
      const [, side, name] = /^(?:(limits|requests)\.)?(cpu|memory)$/.exec(resource) ?? [];
      if (name === undefined) return [];
      const names = pod.spec.containers
        .filter(
          (container) =>
            container.resources?.[side === 'limits' ? 'limits' : 'requests']?.[name] === undefined,
        )
        .map((container) => container.name);
      return names.length === 0 ? [] : [`${resource} for: ${names.join(',')}`];
    });
  return missing.length === 0
    ? undefined
    : `failed quota: ${quota.metadata?.name ?? ''}: must specify ${missing.join('; ')}`;
}

/** Resources that a quota counts under the name of the request. */
const counted = (resource: string): string =>
  resource === 'pods' ? 'pods' : resource.replace(/^requests\./, '');

/** Why a quota of the namespace does not let a pod in; undefined when all do. */
export function quotaRefusal({ store }: Cluster, pod: PodLike, namespace: string): string | undefined {
  const wanted = podRequests(pod);
  for (const quota of store.list('', 'resourcequotas', namespace)) {
    const hard = fieldAt(quota, 'spec.hard');
    if (
      !isRecord(hard) ||
      isRecord(fieldAt(quota, 'spec.scopeSelector')) ||
      fieldAt(quota, 'spec.scopes') !== undefined
    )
      continue;
    const unspoken = unsaid(quota, hard, pod);
    if (unspoken !== undefined) return unspoken;
    const over = Object.entries(hard).flatMap(([resource, limit]) => {
      if (!/^(pods|requests\..+|cpu|memory)$/.test(resource)) return [];
      const asked = resource === 'pods' ? 1 : (wanted.get(counted(resource)) ?? 0);
      if (asked === 0) return [];
      const pods = store.list('', 'pods', namespace) as readonly PodLike[];
      const used = pods
        .filter((one) => !isFinished(one))
        .reduce(
          (sum, one) => sum + (resource === 'pods' ? 1 : (podRequests(one).get(counted(resource)) ?? 0)),
          0,
        );
      return used + asked > quantity(String(limit)) ? [{ resource, asked, used, limit: String(limit) }] : [];
    });
    if (over.length === 0) continue;
    const text = (value: (one: (typeof over)[number]) => unknown): string =>
      over.map((one) => `${one.resource}=${String(value(one))}`).join(',');
    return `exceeded quota: ${quota.metadata?.name ?? ''}, requested: ${text((one) => one.asked)}, used: ${text((one) => one.used)}, limited: ${text((one) => one.limit)}`;
  }
  return undefined;
}

/** Whether an object carries the labels that a selector of the API asks for. An absent selector matches nothing. */
export function selects(selector: unknown, object: KubeLike): boolean {
  if (!isRecord(selector)) return false;
  const { matchLabels, matchExpressions } = selector;
  const parts = [
    ...Object.entries(isRecord(matchLabels) ? matchLabels : {}).map(
      ([key, value]) => `${key}=${String(value)}`,
    ),
    ...(Array.isArray(matchExpressions) ? matchExpressions.filter(isRecord) : []).map(
      ({ key, operator, values }) => {
        const list = `(${Array.isArray(values) ? values.join(',') : ''})`;
        const words: Readonly<Record<string, string>> = {
          In: `${String(key)} in ${list}`,
          NotIn: `${String(key)} notin ${list}`,
          Exists: String(key),
          DoesNotExist: `!${String(key)}`,
        };
        return words[String(operator)] ?? String(key);
      },
    ),
  ];
  const matches = labelMatcher(parts.join(','));
  return matches === undefined || matches(object);
}
