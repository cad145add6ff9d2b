// Writes src/resources/field-numbers.ts, and with every field src/demo/protobuf/field-numbers.ts, from the Go types of k8s.io/api and k8s.io/apimachinery (their struct tags carry
// the field numbers of generated.proto and the JSON names). Run by hand when the API version moves:
//   node .build/field-numbers.mjs PATH/TO/k8s.io/api PATH/TO/k8s.io/apimachinery v0.36.3
import { readFileSync, writeFileSync } from 'node:fs';

const [api, machinery, version] = process.argv.slice(2);
if (version === undefined) throw new Error('field-numbers.mjs API_FOLDER APIMACHINERY_FOLDER VERSION');

const packages = {
  'core/v1': `${api}/core/v1/types.go`,
  'apps/v1': `${api}/apps/v1/types.go`,
  'batch/v1': `${api}/batch/v1/types.go`,
  'storage.k8s.io/v1': `${api}/storage/v1/types.go`,
  'scheduling.k8s.io/v1': `${api}/scheduling/v1/types.go`,
  'resource.k8s.io/v1': `${api}/resource/v1/types.go`,
  'discovery.k8s.io/v1': `${api}/discovery/v1/types.go`,
  'networking.k8s.io/v1': `${api}/networking/v1/types.go`,
  'autoscaling/v2': `${api}/autoscaling/v2/types.go`,
  'policy/v1': `${api}/policy/v1/types.go`,
  'coordination.k8s.io/v1': `${api}/coordination/v1/types.go`,
  'rbac.authorization.k8s.io/v1': `${api}/rbac/v1/types.go`,
  'node.k8s.io/v1': `${api}/node/v1/types.go`,
  'autoscaling/v1': `${api}/autoscaling/v1/types.go`,
  'meta/v1': `${machinery}/pkg/apis/meta/v1/types.go`,
};
const aliasOf = {
  v1: 'core/v1',
  apiv1: 'core/v1',
  corev1: 'core/v1',
  metav1: 'meta/v1',
  storagev1: 'storage.k8s.io/v1',
  rbacv1: 'rbac.authorization.k8s.io/v1',
};

const roots = [
  'core/v1.Pod',
  'core/v1.Node',
  'core/v1.Event',
  'core/v1.Namespace',
  'core/v1.Service',
  'core/v1.PersistentVolume',
  'core/v1.PersistentVolumeClaim',
  'core/v1.ResourceQuota',
  'core/v1.LimitRange',
  'core/v1.ServiceAccount',
  'apps/v1.Deployment',
  'apps/v1.StatefulSet',
  'apps/v1.DaemonSet',
  'apps/v1.ReplicaSet',
  'batch/v1.Job',
  'batch/v1.CronJob',
  'storage.k8s.io/v1.StorageClass',
  'storage.k8s.io/v1.CSINode',
  'scheduling.k8s.io/v1.PriorityClass',
  'resource.k8s.io/v1.ResourceClaim',
  'resource.k8s.io/v1.ResourceSlice',
  'resource.k8s.io/v1.DeviceClass',
  'resource.k8s.io/v1.ResourceClaimTemplate',
  'discovery.k8s.io/v1.EndpointSlice',
  'networking.k8s.io/v1.Ingress',
  'autoscaling/v2.HorizontalPodAutoscaler',
  'policy/v1.PodDisruptionBudget',
  'coordination.k8s.io/v1.Lease',
  'meta/v1.Status',
];

/** Beyond the kinds with rows: what else the demo server sends, and what clients send it. */
const demoRoots = [
  ...roots,
  'core/v1.ConfigMap',
  'core/v1.Secret',
  'core/v1.Endpoints',
  'core/v1.ReplicationController',
  'core/v1.PodTemplate',
  'core/v1.Binding',
  'apps/v1.ControllerRevision',
  'policy/v1.Eviction',
  'autoscaling/v1.Scale',
  'autoscaling/v1.HorizontalPodAutoscaler',
  'rbac.authorization.k8s.io/v1.Role',
  'rbac.authorization.k8s.io/v1.RoleBinding',
  'rbac.authorization.k8s.io/v1.ClusterRole',
  'rbac.authorization.k8s.io/v1.ClusterRoleBinding',
  'networking.k8s.io/v1.NetworkPolicy',
  'networking.k8s.io/v1.IngressClass',
  'node.k8s.io/v1.RuntimeClass',
  'storage.k8s.io/v1.CSIDriver',
  'storage.k8s.io/v1.VolumeAttachment',
  'meta/v1.DeleteOptions',
  'meta/v1.ListMeta',
  'meta/v1.PartialObjectMetadata',
];

// What no row reads, and what makes most of an object's bytes. Skipped fields cost the decoder a jump.
const skipped = new Set([
  'ObjectMeta.managedFields',
  'ObjectMeta.selfLink',
  'ObjectMeta.generateName',
  'Container.env',
  'Container.envFrom',
  'Container.command',
  'Container.args',
  'Container.lifecycle',
  'Container.livenessProbe',
  'Container.readinessProbe',
  'Container.startupProbe',
  'Container.volumeMounts',
  'Container.volumeDevices',
  'Container.securityContext',
  'Container.terminationMessagePath',
  'Container.terminationMessagePolicy',
  'Container.workingDir',
  'Container.resizePolicy',
  'EphemeralContainerCommon.env',
  'EphemeralContainerCommon.envFrom',
  'EphemeralContainerCommon.command',
  'EphemeralContainerCommon.args',
  'EphemeralContainerCommon.lifecycle',
  'EphemeralContainerCommon.livenessProbe',
  'EphemeralContainerCommon.readinessProbe',
  'EphemeralContainerCommon.startupProbe',
  'EphemeralContainerCommon.volumeMounts',
  'EphemeralContainerCommon.volumeDevices',
  'EphemeralContainerCommon.securityContext',
  'EphemeralContainerCommon.resizePolicy',
  'PodSpec.securityContext',
  'PodSpec.dnsConfig',
  'PodSpec.hostAliases',
  'PodSpec.imagePullSecrets',
  'PodSpec.terminationGracePeriodSeconds',
  'PodSpec.dnsPolicy',
  'PodSpec.serviceAccount',
  'PodSpec.hostPID',
  'PodSpec.hostIPC',
  'PodSpec.hostname',
  'PodSpec.subdomain',
  'PodSpec.automountServiceAccountToken',
  'PodSpec.shareProcessNamespace',
  'PodSpec.enableServiceLinks',
  'PodStatus.hostIP',
  'PodStatus.hostIPs',
  'Container.imagePullPolicy',
  'Container.stdin',
  'Container.stdinOnce',
  'Container.tty',
  'PodCondition.lastProbeTime',
  'PodCondition.observedGeneration',
  'ContainerStatus.imageID',
  'ContainerStatus.containerID',
  'ContainerStateTerminated.containerID',
  'ContainerStatus.volumeMounts',
  'ContainerStatus.user',
  'NodeStatus.images',
  'VolumeSource.projected',
  'VolumeSource.downwardAPI',
  'VolumeSource.configMap',
  'VolumeSource.secret',
]);

/** Go structs by `package.Name`, and named types by what they stand for. */
const structs = new Map();
const named = new Map();
for (const [name, file] of Object.entries(packages)) {
  const source = readFileSync(file, 'utf8');
  for (const match of source.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
    structs.set(`${name}.${match[1]}`, match[2]);
  for (const match of source.matchAll(/^type (\w+) ((?:map\[\w+\])?[\w.]+)$/gm))
    named.set(`${name}.${match[1]}`, match[2]);
}

const readScalars = {
  string: 'string',
  bool: 'bool',
  int: 'int',
  int32: 'int',
  int64: 'int',
  uint32: 'int',
  float64: 'skip',
  byte: 'skip',
};
const allScalars = { ...readScalars, float64: 'double', byte: 'bytes' };
let scalars = readScalars;
const special = {
  'meta/v1.Time': 'time',
  'meta/v1.MicroTime': 'microTime',
  'meta/v1.Duration': 'duration',
  'resource.Quantity': 'quantity',
  'intstr.IntOrString': 'intOrString',
  'types.UID': 'string',
  'types.NodeName': 'string',
  'runtime.RawExtension': 'raw',
  'meta/v1.FieldsV1': 'raw',
};

function typeOf(go, home) {
  if (scalars[go] !== undefined) return scalars[go];
  const dot = go.indexOf('.');
  const key =
    dot < 0
      ? `${home}.${go}`
      : special[go] === undefined
        ? `${aliasOf[go.slice(0, dot)] ?? go.slice(0, dot)}.${go.slice(dot + 1)}`
        : go;
  if (special[key] !== undefined) return special[key];
  const stands = named.get(key);
  if (stands !== undefined && !structs.has(key))
    return typeOfWhole(stands, key.slice(0, key.lastIndexOf('.'))).type;
  if (structs.has(key)) return `@${key}`;
  throw new Error(`unknown Go type ${go} in ${home}`);
}

function typeOfWhole(go, home) {
  const map = /^map\[[\w.]+\](.+)$/.exec(go);
  if (map !== null) {
    const value =
      map[1] === '[]byte'
        ? scalars.byte
        : map[1].startsWith('[]')
          ? 'skip'
          : typeOf(map[1].replace('*', ''), home);
    return { type: value === 'skip' ? 'skip' : `map ${value}`, pointer: false };
  }
  if (go === '[]byte') return { type: scalars.byte, pointer: false };
  const list = /^\[\]\*?(.+)$/.exec(go);
  if (list !== null) return { type: `[]${typeOf(list[1], home)}`, pointer: false };
  const pointer = go.startsWith('*');
  return { type: typeOf(pointer ? go.slice(1) : go, home), pointer };
}

function tableOf(tableRoots, leftOut, mergeKeys = false) {
  const wanted = [...tableRoots];
  const seen = new Set();
  const blocks = [];
  for (const root of wanted) {
    if (seen.has(root)) continue;
    seen.add(root);
    const body = structs.get(root);
    if (body === undefined) throw new Error(`no struct ${root}`);
    const home = root.slice(0, root.lastIndexOf('.'));
    const struct = root.slice(root.lastIndexOf('.') + 1);
    const lines = [];
    for (const line of body.split('\n')) {
      const match = /^\s+(?:\w+\s+)?([\w.*[\]]+)\s+`([^`]*)`/.exec(line);
      if (match === null) continue;
      const [, go, tags] = match;
      const json = /json:"([^"]*)"/.exec(tags)?.[1];
      const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
      if (json === undefined || number === undefined) continue;
      const [name, ...options] = json.split(',');
      const inline = options.includes('inline') || name === '';
      if (leftOut.has(`${struct}.${name}`)) continue;
      const { type, pointer } = typeOfWhole(go, home);
      if (type.includes('skip')) continue;
      const reference = /@(.+)$/.exec(type)?.[1];
      if (reference !== undefined && !seen.has(reference)) wanted.push(reference);
      // `?`: a pointer in Go, so a zero that is there was said. `!`: JSON carries the zero too. Neither: a zero is absent in JSON.
      // (omitempty does not work on Go structs: a zero metav1.Time is `null` in JSON unless omitzero is there.)
      const omitted = options.includes('omitzero') || (options.includes('omitempty') && !/ime$/.test(type));
      const mark = pointer ? '?' : omitted ? '' : '!';
      const strategy = /patchStrategy:"([^"]*)"/.exec(tags)?.[1] ?? '';
      const merge =
        mergeKeys && strategy.includes('merge')
          ? ` merge:${/patchMergeKey:"([^"]*)"/.exec(tags)?.[1] ?? ''}`
          : '';
      lines.push([
        Number(number),
        `${number} ${inline ? '.' : name} ${type.replace('@', '')}${mark}${merge}`,
      ]);
    }
    blocks.push(
      `${root}\n${lines
        .sort((a, b) => a[0] - b[0])
        .map(([, text]) => `  ${text}`)
        .join('\n')}`,
    );
  }
  return blocks.join('\n');
}

writeFileSync(
  new URL('../src/resources/field-numbers.ts', import.meta.url),
  `/**
 * Protobuf field numbers of the built-in kinds, without the fields that no row reads. Written by .build/field-numbers.mjs
 * from the types of k8s.io/api and k8s.io/apimachinery ${version} (the numbers of their generated.proto).
 *
 * A message is its name, then a line a field: number, JSON name (\`.\` where JSON inlines it), type. \`?\` marks a Go pointer
 * (a zero was said), \`!\` a field that JSON carries even when zero; other zeros are absent in JSON and so here.
 */
export const fieldNumbers: string = \`
${tableOf(roots, skipped)}
\`;
`,
);

scalars = allScalars;
writeFileSync(
  new URL('../src/demo/protobuf/field-numbers.ts', import.meta.url),
  `/**
 * Protobuf field numbers of the kinds that the demo server speaks, every field of them. Written by .build/field-numbers.mjs
 * from the types of k8s.io/api and k8s.io/apimachinery ${version} (the numbers of their generated.proto).
 *
 * A message is its name, then a line a field: number, JSON name (\`.\` where JSON inlines it), type. \`?\` marks a Go pointer
 * (absent unless said), \`!\` a field that JSON carries even when zero; other zeros are absent in JSON.
 * \`merge:\` names the key by which a strategic merge patch joins the items of a list; nothing after it: values are a set.
 */
export const allFieldNumbers: string = \`
${tableOf(demoRoots, new Set(), true)}
\`;
`,
);
