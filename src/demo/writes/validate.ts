import { isDeepStrictEqual } from 'node:util';
import type { ResourceRequest } from '../cluster.ts';
import { fieldAt, isRecord, type JsonRecord, type KubeLike } from '../object.ts';
import { invalid, type StatusCause } from '../status.ts';

const badValue = (field: string, value: unknown, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
});
const missing = (field: string): StatusCause => ({
  reason: 'FieldValueRequired',
  message: 'Required value',
  field,
});
const immutable = (field: string, value: unknown): StatusCause =>
  badValue(field, value, 'field is immutable');
const notAllowed = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
});

const records = (value: unknown): readonly JsonRecord[] =>
  Array.isArray(value) ? value.filter(isRecord) : [];

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const labelText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const keyText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
/** Names that are paths rather than subdomains: RBAC allows colons. */
const freeNames = /^(Role|ClusterRole|RoleBinding|ClusterRoleBinding)$/;

function metaCauses(object: KubeLike): StatusCause[] {
  const { name = '', labels } = object.metadata ?? {};
  const causes: StatusCause[] = [];
  if (name === '')
    causes.push({ ...missing('metadata.name'), message: 'Required value: name or generateName is required' });
  else if (!freeNames.test(object.kind ?? '') && (!subdomain.test(name) || name.length > 253))
    causes.push(badValue('metadata.name', name, subdomainText));
  for (const [key, value] of Object.entries(labels ?? {})) {
    const part = key.split('/').at(-1) ?? '';
    if (part === '' || !labelValue.test(part) || part.length > 63)
      causes.push(badValue('metadata.labels', key, keyText));
    if (typeof value !== 'string' || !labelValue.test(value))
      causes.push(badValue('metadata.labels', value, labelText));
    else if (value.length > 63)
      causes.push(badValue('metadata.labels', value, 'must be no more than 63 bytes'));
  }
  return causes;
}

const native = (resource: string): boolean => !resource.includes('/');

function containerCauses(container: JsonRecord, path: string): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!container['name']) causes.push(missing(`${path}.name`));
  if (!container['image']) causes.push(missing(`${path}.image`));
  const limits = fieldAt(container, 'resources.limits');
  const requests = fieldAt(container, 'resources.requests');
  for (const [side, wanted] of [
    ['limits', limits],
    ['requests', requests],
  ] as const)
    for (const [name, amount] of Object.entries(isRecord(wanted) ? wanted : {}))
      if (!native(name) && !/^\d+$/.test(String(amount)))
        causes.push(badValue(`${path}.resources.${side}[${name}]`, String(amount), 'must be an integer'));
  if (causes.length > 0) return causes;
  for (const [name, amount] of Object.entries(isRecord(requests) ? requests : {})) {
    const limit = isRecord(limits) ? limits[name] : undefined;
    if (native(name)) continue;
    if (limit === undefined)
      causes.push({
        ...missing(`${path}.resources.limits`),
        message: 'Required value: Limit must be set for non overcommitable resources',
      });
    else if (String(limit) !== String(amount))
      causes.push(
        badValue(
          `${path}.resources.requests`,
          String(amount),
          `must be equal to ${name} limit of ${String(limit)}`,
        ),
      );
  }
  return causes;
}

function podSpecCauses(spec: unknown, path: string): StatusCause[] {
  const containers = fieldAt(spec, 'containers');
  if (!Array.isArray(containers) || containers.length === 0) return [missing(`${path}.containers`)];
  const names = records(containers).map((container) => container['name']);
  return [
    ...records(containers).flatMap((container, index) =>
      containerCauses(container, `${path}.containers[${index}]`),
    ),
    ...records(fieldAt(spec, 'initContainers')).flatMap((container, index) =>
      containerCauses(container, `${path}.initContainers[${index}]`),
    ),
    ...names.flatMap((name, index) =>
      name !== undefined && names.indexOf(name) !== index
        ? [
            {
              reason: 'FieldValueDuplicate',
              message: `Duplicate value: ${JSON.stringify(name)}`,
              field: `${path}.containers[${index}].name`,
            },
          ]
        : [],
    ),
  ];
}

const templated = /^(Deployment|ReplicaSet|StatefulSet|DaemonSet)$/;

function workloadCauses(object: KubeLike): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const field of ['replicas', 'parallelism', 'completions', 'backoffLimit']) {
    const value = fieldAt(object, `spec.${field}`);
    if (typeof value === 'number' && value < 0)
      causes.push(badValue(`spec.${field}`, value, 'must be greater than or equal to 0'));
  }
  if (templated.test(object.kind ?? '')) {
    const selector = fieldAt(object, 'spec.selector');
    const wanted = fieldAt(object, 'spec.selector.matchLabels');
    const labels = fieldAt(object, 'spec.template.metadata.labels');
    if (!isRecord(selector)) causes.push(missing('spec.selector'));
    else if (
      isRecord(wanted) &&
      !Object.entries(wanted).every(([key, value]) => isRecord(labels) && labels[key] === value)
    )
      causes.push(
        badValue(
          'spec.template.metadata.labels',
          labels ?? null,
          '`selector` does not match template `labels`',
        ),
      );
  }
  const template = fieldAt(object, 'spec.template.spec');
  if (templated.test(object.kind ?? '') || object.kind === 'Job')
    causes.push(...podSpecCauses(template, 'spec.template.spec'));
  if (object.kind === 'Job') {
    const policy = fieldAt(template, 'restartPolicy');
    if (policy !== 'Never' && policy !== 'OnFailure')
      causes.push({
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(policy ?? '')}: supported values: "OnFailure", "Never"`,
        field: 'spec.template.spec.restartPolicy',
      });
  }
  return causes;
}

const isScalable = /^(Deployment|ReplicaSet|StatefulSet|DaemonSet|Job|ReplicationController)$/;

function contentCauses(object: KubeLike): StatusCause[] {
  if (object.kind === 'Pod') return podSpecCauses(object['spec'], 'spec');
  return isScalable.test(object.kind ?? '') ? workloadCauses(object) : [];
}

const podMessage =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';
const setMessage =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const setFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

/** The spec without what may change. */
function frozenPodSpec(spec: unknown): unknown {
  if (!isRecord(spec)) return spec;
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...rest } = spec;
  const bare = (list: unknown): unknown => records(list).map(({ image: _image, ...container }) => container);
  return { ...rest, containers: bare(spec['containers']), initContainers: bare(spec['initContainers']) };
}

const goName = (field: string): string => field.slice(0, 1).toUpperCase() + field.slice(1);

/** The changed fields as the server's diff shows them. */
function diffText(before: unknown, after: unknown): string {
  const [old, next] = [isRecord(before) ? before : {}, isRecord(after) ? after : {}];
  const lines = [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .filter((field) => !isDeepStrictEqual(old[field], next[field]))
    .flatMap((field) => [
      `- "${goName(field)}": ${JSON.stringify(old[field] ?? null)},`,
      `+ "${goName(field)}": ${JSON.stringify(next[field] ?? null)},`,
    ]);
  return `\n${lines.join('\n')}\n`;
}

function frozenCauses(before: KubeLike, after: KubeLike): StatusCause[] {
  const [old, next] = [before['spec'], after['spec']];
  switch (after.kind) {
    case 'Pod': {
      const [was, is] = [frozenPodSpec(old), frozenPodSpec(next)];
      const tolerations = records(fieldAt(next, 'tolerations'));
      const lost = records(fieldAt(old, 'tolerations')).some(
        (one) => !tolerations.some((other) => isDeepStrictEqual(one, other)),
      );
      return isDeepStrictEqual(was, is) && !lost
        ? []
        : [notAllowed('spec', `${podMessage}${diffText(was, is)}`)];
    }
    case 'Deployment':
    case 'ReplicaSet':
    case 'DaemonSet':
      return isDeepStrictEqual(fieldAt(old, 'selector'), fieldAt(next, 'selector'))
        ? []
        : [immutable('spec.selector', fieldAt(next, 'selector') ?? null)];
    case 'StatefulSet': {
      const bare = (spec: unknown): JsonRecord =>
        Object.fromEntries(
          Object.entries(isRecord(spec) ? spec : {}).filter(([field]) => !setFields.includes(field)),
        );
      return isDeepStrictEqual(bare(old), bare(next)) ? [] : [notAllowed('spec', setMessage)];
    }
    case 'Job':
      return ['template', 'selector', 'completionMode'].flatMap((field) =>
        isDeepStrictEqual(fieldAt(old, field), fieldAt(next, field)) ||
        (field === 'template' && isSuspended(before))
          ? []
          : [immutable(`spec.${field}`, fieldAt(next, field) ?? null)],
      );
    case 'Secret':
    case 'ConfigMap':
      return before['immutable'] === true && !isDeepStrictEqual(before['data'], after['data'])
        ? [notAllowed('data', 'field is immutable when `immutable` is set')]
        : [];
    default:
      return [];
  }
}

/** The template of a suspended job that never started may still change. */
const isSuspended = (job: KubeLike): boolean =>
  fieldAt(job, 'spec.suspend') === true && fieldAt(job, 'status.startTime') === undefined;

const refuse = (request: ResourceRequest, object: KubeLike, causes: readonly StatusCause[]): void => {
  if (causes.length === 0) return;
  const { group, kind } = request.kind;
  throw invalid({ group, kind, name: object.metadata?.name ?? '' }, causes);
};

/** Refuses with a 422 what the API server would refuse to create. */
export function validateNew(request: ResourceRequest, object: KubeLike): void {
  refuse(request, object, [...metaCauses(object), ...contentCauses(object)]);
}

/** Refuses with a 422 a change of what may not change, and what no object may be. */
export function validateChange(request: ResourceRequest, before: KubeLike, after: KubeLike): void {
  const meta: StatusCause[] = [];
  const uid = after.metadata?.uid;
  // Twice, as the server's own validation says it (recorded); the message names it once.
  if (uid !== undefined && uid !== '' && uid !== before.metadata?.uid)
    meta.push(immutable('metadata.uid', uid), immutable('metadata.uid', uid));
  if (meta.length > 0) refuse(request, before, meta);
  // Objects of files may lack what every real one has: what was missing before is no reason to refuse a change.
  const known = new Set(contentCauses(before).map(({ field, message }) => `${field}${message}`));
  const fresh = contentCauses(after).filter(({ field, message }) => !known.has(`${field}${message}`));
  refuse(request, after, [...metaCauses(after), ...fresh, ...frozenCauses(before, after)]);
}
