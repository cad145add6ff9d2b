import { quantity } from '../../resources/fields.ts';
import { gangJobs, rayKinds } from '../../resources/job-kinds.ts';
import { nodes as nodeResource, unhealthyDevices } from '../../resources/nodes.ts';
import { kindOf, labelsOf, nameOf, refOf } from '../evidence-index.ts';
import { cordon, describe, kubectl, podsOnNode } from '../fixes.ts';
import {
  at,
  brief,
  type Condition,
  condition,
  conditions,
  list,
  record,
  span,
  strings,
  text,
  time,
} from '../read.ts';
import type { Evidence } from '../report.ts';
import { cause, evidence, item, type ObjectState, said } from '../state.ts';
import { xidMeaning } from '../xid.ts';
import { addOnKinds, addOnStates } from './add-ons.ts';
import { keeperOf } from './deletion.ts';
import { nodeClaim } from './node-claim.ts';

const about = (name: string): ReturnType<typeof describe> => describe('node', '', name);

/** What depends on the node: pods and the GPUs that they hold. */
function stake(facts: Parameters<ObjectState['match']>[0]): Evidence {
  const pods = facts.index
    .podsOn(facts.name)
    .filter((pod) => !['Succeeded', 'Failed'].includes(text(pod, 'status', 'phase')));
  return evidence('pods on it', String(pods.length));
}

const notReady: ObjectState = {
  id: 'N2',
  key: 'node.notready',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'The node is not ready',
  kinds: ['Node'],
  match: (facts) => {
    const ready = condition(facts.object, 'Ready');
    if (ready === undefined || ready.status === 'True') return undefined;
    const age = facts.now - (time(facts.object, 'metadata', 'creationTimestamp') ?? 0);
    if (ready.status === 'False' && ready.at !== undefined && age < 90_000)
      return { headline: 'joining', severity: 'none' };
    const lost = ready.status === 'Unknown';
    const words = ready.message || ready.reason;
    const why = lost
      ? 'its kubelet stopped reporting: machine, network or kubelet is down'
      : /cni|network plugin/i.test(words)
        ? 'its network (CNI) is not set up'
        : /container runtime|PLEG/i.test(words)
          ? 'its container runtime does not answer'
          : 'its kubelet says so';
    return {
      headline: `not ready${ready.at === undefined ? '' : ` for ${span(facts.now - ready.at)}`}: ${brief(why, 60)}`,
      since: ready.at,
      diagnose: () => ({
        causes: [
          cause(
            lost ? 'N2.lost' : 'N2.kubelet',
            'proven',
            `node ${facts.name} is not ready: ${why} (${brief(words, 160)})`,
            about(facts.name),
            podsOnNode('See what runs on it', facts.name),
            cordon(facts.name),
          ),
        ],
        items: [
          item(
            'N2.ready',
            'nodeAdmits',
            'The node is ready',
            'fail',
            evidence(
              'Ready',
              `${ready.status} ${ready.reason}: ${ready.message}`,
              'status.conditions[Ready]',
              { at: ready.at },
            ),
            stake(facts),
          ),
        ],
      }),
    };
  },
};

const pressure: ObjectState = {
  id: 'N1',
  key: 'node.pressure',
  gate: 'nodeAdmits',
  severity: 'bad',
  title: 'The node is under pressure',
  kinds: ['Node'],
  match: (facts) => {
    const found = conditions(facts.object).filter(
      (entry) => /^(?:Memory|Disk|PID)Pressure$/.test(entry.type) && entry.status === 'True',
    );
    const [first] = found;
    if (first === undefined) return undefined;
    const event = facts.index
      .nodeEvents(facts.name)
      .findLast((entry) =>
        /EvictionThresholdMet|ImageGCFailed|FreeDiskSpaceFailed|ContainerGCFailed|SystemOOM/.test(
          entry.reason,
        ),
      );
    return {
      headline: `${found.map((entry) => entry.type).join(', ')}${first.at === undefined ? '' : ` for ${span(facts.now - first.at)}`}`,
      since: first.at,
      diagnose: () => ({
        causes: [
          cause(
            `N1.${first.type}`,
            'proven',
            `node ${facts.name} has ${found.map((entry) => entry.type).join(' and ')}: it takes no new pods and evicts others (${brief(first.message, 120)})`,
            about(facts.name),
            kubectl('See who uses most', 'read', '', ['top', 'pods', '-A', '--sort-by=memory']),
            cordon(facts.name),
          ),
        ],
        items: [
          item(
            'N1.condition',
            'nodeAdmits',
            'It has memory, disk and processes to spare',
            'fail',
            ...found.map((entry) =>
              evidence(entry.type, `${entry.reason}: ${entry.message}`, `status.conditions[${entry.type}]`, {
                at: entry.at,
              }),
            ),
            ...(event === undefined ? [] : [said(event)]),
            stake(facts),
          ),
        ],
      }),
    };
  },
};

/** Xid numbers of GKE's JSON reason, EKS's `NvidiaXID79Error`, and texts. */
function xidOf(words: string): number | undefined {
  const found =
    /"(\d{1,3})":\s*true|XID(?: error, XID)?[ =:]*(\d{1,3})|Xid[ =:(]*(?:PCI:\S+ )?(\d{1,3})|NvidiaXID(\d{1,3})Error/i.exec(
      words,
    );
  const code = found?.slice(1).find((entry) => entry !== undefined);
  return code === undefined ? undefined : Number(code);
}

const gpuConditions =
  /^(?:XidCriticalError|XIDErrors|GPUMissing|NVLinkStatusInactive|IBLinkFlapping|UnhealthyNvidiaDevicePlugin|GPUUnhealthy|GpuHealth\w*)$/;

/** Those that are False when a GPU is broken. */
const gpuWell = /^(?:AcceleratedHardwareReady|GPUs?(?:Health|Healthy|Ready))$/i;

const gpuSick: ObjectState = {
  id: 'J10',
  key: 'gpu.unhealthy',
  gate: 'progressing',
  severity: 'bad',
  title: 'A GPU of the node is broken',
  kinds: ['Node'],
  match: (facts) => {
    const marked = conditions(facts.object).find(
      (entry) =>
        (gpuConditions.test(entry.type) && entry.status === 'True') ||
        (gpuWell.test(entry.type) && entry.status === 'False'),
    );
    const lost = Object.entries(
      unhealthyDevices(nodeResource.toRow(facts.object, { server: facts.index.server })),
    ).filter(([, missing]) => missing > 0);
    const event = facts.index
      .nodeEvents(facts.name)
      .findLast((entry) => /xid/i.test(`${entry.reason} ${entry.message}`));
    if (marked === undefined && lost.length === 0) return undefined;
    const code = xidOf(`${marked?.reason ?? ''} ${marked?.message ?? ''} ${event?.message ?? ''}`);
    const meaning = code === undefined ? undefined : xidMeaning(code);
    const missing = lost.map(([resource, amount]) => `${amount} ${resource}`).join(', ');
    const says = `${missing === '' ? `a GPU of node ${facts.name} reports a fault` : `${missing} of node ${facts.name} ${lost[0]?.[1] === 1 && lost.length === 1 ? 'is' : 'are'} unhealthy (capacity above allocatable)`}${code === undefined ? '' : `: Xid ${code}, ${meaning?.text}; ${meaning?.action}`}`;
    return {
      headline: `${missing === '' ? 'GPU fault' : `${missing} unhealthy`}${code === undefined ? '' : `: Xid ${code} ${meaning?.text}`}`,
      since: marked?.at ?? event?.first,
      diagnose: () => ({
        causes: [
          cause(
            code === undefined ? 'J10.unhealthy' : `J10.xid-${code}`,
            'proven',
            says,
            cordon(facts.name),
            about(facts.name),
            podsOnNode('See who uses its GPUs', facts.name),
          ),
        ],
        items: [
          item(
            'J10.devices',
            'progressing',
            'Its GPUs are healthy',
            'fail',
            ...lost.map(([resource]) =>
              evidence(
                resource,
                `capacity ${text(facts.object, 'status', 'capacity', resource)}, allocatable ${text(facts.object, 'status', 'allocatable', resource)}`,
                'status.allocatable',
              ),
            ),
            ...(marked === undefined
              ? []
              : [
                  evidence(
                    marked.type,
                    `${marked.reason}: ${marked.message}`,
                    `status.conditions[${marked.type}]`,
                    { at: marked.at },
                  ),
                ]),
            ...(event === undefined ? [] : [said(event)]),
            stake(facts),
          ),
        ],
      }),
    };
  },
};

/** GPU labels and no GPUs: which layer of the driver stack is stuck. */
const pluginMissing: ObjectState = {
  id: 'C2',
  key: 'gpu.plugin-missing',
  gate: 'progressing',
  severity: 'bad',
  title: 'The node has GPUs and offers none',
  kinds: ['Node'],
  match: (facts) => {
    const labels = labelsOf(facts.object);
    if (
      labels['nvidia.com/gpu.present'] !== 'true' ||
      labels['nvidia.com/gpu.deploy.device-plugin'] === 'false' ||
      condition(facts.object, 'Ready')?.status !== 'True'
    )
      return undefined;
    const offers = Object.entries(record(facts.object, 'status', 'allocatable')).filter(([name]) =>
      name.startsWith('nvidia.com/'),
    );
    if (
      offers.some(([, amount]) => (quantity(amount) ?? 0) > 0) ||
      Object.keys(record(facts.object, 'status', 'allocatable')).length === 0
    )
      return undefined;
    if (
      Object.keys(record(facts.object, 'status', 'capacity')).some(
        (name) =>
          name.startsWith('nvidia.com/') && (quantity(at(facts.object, 'status', 'capacity', name)) ?? 0) > 0,
      )
    )
      return undefined;
    const dra = facts.index
      .of('ResourceSlice')
      .some(
        (slice) =>
          text(slice, 'spec', 'nodeName') === facts.name && list(slice, 'spec', 'devices').length > 0,
      );
    const sharers = Object.keys(strings(facts.object, 'metadata', 'annotations')).some((key) =>
      /hami\.io|volcano\.sh\/node-vgpu/.test(key),
    );
    if (
      dra ||
      sharers ||
      (labels['nvidia.com/gpu.count'] === undefined && !facts.index.listed('ResourceSlice'))
    )
      return undefined;
    const stuck = facts.index
      .podsOn(facts.name)
      .find(
        (pod) =>
          /nvidia-(?:operator-validator|device-plugin|driver|container-toolkit)/.test(nameOf(pod)) &&
          condition(pod, 'Ready')?.status !== 'True',
      );
    const init = list(stuck, 'status', 'initContainerStatuses').find(
      (status) => at(status, 'state', 'terminated') === undefined,
    );
    const layer = text(init, 'name');
    const product = labels['nvidia.com/gpu.count'] ?? 'some';
    return {
      headline: `labels say ${product} GPUs, none offered${layer === '' ? '' : `: stuck in ${layer}`}`,
      diagnose: () => ({
        causes: [
          cause(
            layer === '' ? 'C2.plugin-missing' : `C2.${layer}`,
            layer === '' ? 'likely' : 'proven',
            `node ${facts.name} has GPUs by its labels (${product}) but offers none: ${stuck === undefined ? 'the device plugin or driver does not run there' : `pod ${nameOf(stuck)} is stuck${layer === '' ? '' : ` in ${layer}, the layer that is broken`}`}`,
            stuck === undefined
              ? podsOnNode('See the GPU pods of the node', facts.name)
              : kubectl('Read its log', 'read', stuck.metadata?.namespace ?? '', [
                  'logs',
                  nameOf(stuck),
                  ...(layer === '' ? [] : ['-c', layer]),
                  '--tail=100',
                ]),
            about(facts.name),
          ),
        ],
        items: [
          item(
            'C2.labels',
            'progressing',
            'Its GPUs are offered',
            'fail',
            evidence('nvidia.com/gpu.count', product, 'metadata.labels'),
            evidence('allocatable', 'no nvidia.com/*', 'status.allocatable'),
            ...(stuck === undefined
              ? []
              : [
                  evidence(
                    nameOf(stuck),
                    layer === '' ? 'not ready' : `in ${layer}`,
                    'status.initContainerStatuses',
                    { ref: refOf(stuck) },
                  ),
                ]),
          ),
        ],
      }),
    };
  },
};

/** Other conditions that node-problem-detector and clouds set. */
/**
 * Conditions that node-problem-detector, cloud agents and GPU health checks add. There is no list of them: those that are
 * True in a fault are named for it, those that are False in a fault are named for what then fails.
 */
const faultName =
  /Problem|Error|Unhealthy|Missing|Fail|Fault|Deadlock|Readonly|Corrupt|Frequent|Flapping|Inactive|Xid|ECC|Lost|Degraded|^NetworkUnavailable$|^OutOfDisk$|^VMEventScheduled$/i;
const isTrouble = (entry: Condition): boolean =>
  entry.type !== 'Ready' &&
  ((entry.status === 'True' && faultName.test(entry.type)) ||
    (entry.status === 'False' && /(?:Ready|Healthy|Health)$/.test(entry.type)));

const otherCondition: ObjectState = {
  id: 'N2',
  key: 'node.condition',
  gate: 'nodeAdmits',
  severity: 'warn',
  title: 'The node reports a problem',
  kinds: ['Node'],
  match: (facts) => {
    const bad = conditions(facts.object).find(isTrouble);
    if (bad === undefined) return undefined;
    return {
      headline: `${bad.type}${bad.status === 'False' ? ' is False' : ''}: ${brief(bad.message || bad.reason, 70)}`,
      since: bad.at,
      diagnose: () => ({
        causes: [
          cause(
            `N2.${bad.type}`,
            'proven',
            `node ${facts.name} reports ${bad.type}${bad.status === 'False' ? ' False' : ''}: ${brief(bad.reason !== '' && !bad.message.includes(bad.reason) ? `${bad.reason}: ${bad.message}` : bad.message, 160)}`,
            about(facts.name),
            cordon(facts.name),
          ),
        ],
        items: [
          item(
            'N2.condition',
            'nodeAdmits',
            'The node reports no problem',
            'fail',
            evidence(bad.type, `${bad.reason}: ${bad.message}`, `status.conditions[${bad.type}]`, {
              at: bad.at,
            }),
          ),
        ],
      }),
    };
  },
};

const cordoned: ObjectState = {
  id: 'C7',
  key: 'node.cordoned',
  gate: 'scheduled',
  severity: 'none',
  title: 'Cordoned',
  kinds: ['Node'],
  match: ({ object, now }) => {
    if (at(object, 'spec', 'unschedulable') !== true) return undefined;
    const taint = list(object, 'spec', 'taints').find(
      (entry) => text(entry, 'key') === 'node.kubernetes.io/unschedulable',
    );
    const since = time(taint, 'timeAdded');
    return { headline: `cordoned${since === undefined ? '' : ` ${span(now - since)} ago`}`, since };
  },
};

const apiService: ObjectState = {
  id: 'N3',
  key: 'api.unavailable',
  gate: 'reachable',
  severity: 'warn',
  title: 'An API is not available',
  kinds: ['APIService'],
  match: (facts) => {
    const available = condition(facts.object, 'Available');
    if (available === undefined || available.status === 'True') return undefined;
    return {
      headline: `${available.reason}: ${brief(available.message, 70)}`,
      since: available.at,
      diagnose: () => ({
        causes: [
          cause(
            'N3.unavailable',
            'proven',
            `the API ${facts.name} is not available: ${available.reason}: ${brief(available.message, 160)}`,
            describe('apiservice', '', facts.name),
            kubectl('See the pods behind it', 'read', text(facts.object, 'spec', 'service', 'namespace'), [
              'get',
              'pods,endpointslices',
            ]),
          ),
        ],
        items: [
          item(
            'N3.available',
            'reachable',
            'It is available',
            'fail',
            evidence(
              'Available',
              `${available.reason}: ${available.message}`,
              'status.conditions[Available]',
              { at: available.at },
            ),
          ),
        ],
      }),
    };
  },
};

/** Nearly used up: said on request, no finding, for a full quota may be meant so. */
const quotaFull: ObjectState = {
  id: 'N5',
  key: 'quota.near-full',
  gate: 'admitted',
  severity: 'none',
  title: 'The quota is nearly used up',
  kinds: ['ResourceQuota'],
  match: ({ object }) => {
    const hard = record(object, 'status', 'hard');
    const full = Object.keys(hard).filter(
      (name) =>
        (quantity(at(object, 'status', 'used', name)) ?? 0) >=
          0.9 * (quantity(hard[name]) ?? Number.POSITIVE_INFINITY) && (quantity(hard[name]) ?? 0) > 0,
    );
    return full.length === 0
      ? undefined
      : {
          headline: `${full.map((name) => `${name} ${text(object, 'status', 'used', name)} of ${text(object, 'status', 'hard', name)}`).join(', ')}`,
        };
  },
};

export const terminating: ObjectState = {
  id: 'K3',
  key: 'term.finalizers',
  gate: 'exists',
  severity: 'bad',
  title: 'It is being deleted and held',
  kinds: [
    'Namespace',
    'Node',
    'Deployment',
    'StatefulSet',
    'Job',
    ...gangJobs,
    ...rayKinds,
    'Service',
    'PersistentVolume',
    'ResourceClaim',
    'CustomResourceDefinition',
    'ConfigMap',
    'Secret',
    'DaemonSet',
    'ReplicaSet',
    'CronJob',
    'InferenceService',
    'Workload',
    'VolumeSnapshot',
    'Ingress',
    'NodeClaim',
    ...addOnKinds,
  ],
  match: (facts) => {
    const deleted = time(facts.object, 'metadata', 'deletionTimestamp');
    if (deleted === undefined) return undefined;
    const space = facts.namespace === '' ? undefined : facts.index.get('Namespace', '', facts.namespace);
    const inDyingNamespace = time(space, 'metadata', 'deletionTimestamp') === undefined ? undefined : space;
    const held = [
      ...list(facts.object, 'metadata', 'finalizers').map(String),
      ...list(facts.object, 'spec', 'finalizers').map(String),
    ];
    const remaining = conditions(facts.object).filter(
      (entry) =>
        entry.status === 'True' &&
        /^Namespace(?:ContentRemaining|FinalizersRemaining|DeletionContentFailure|DeletionDiscoveryFailure|DeletionGroupVersionParsingFailure)$/.test(
          entry.type,
        ),
    );
    const over = facts.now - deleted;
    if (over < 60_000 && remaining.length === 0 && !(facts.index.nowIsGuess && held.length > 0))
      return { headline: 'terminating', severity: 'none' };
    if (held.length === 0 && remaining.length === 0) return { headline: 'terminating', severity: 'none' };
    // What is in a namespace goes one after the other: that some is left is no fault until it stays.
    if (
      over < 5 * 60_000 &&
      remaining.length > 0 &&
      remaining.every((entry) => entry.type === 'NamespaceContentRemaining')
    )
      return { headline: 'terminating', severity: 'none' };
    const discovery = remaining.find((entry) => entry.type === 'NamespaceDeletionDiscoveryFailure');
    const words = discovery?.message ?? remaining.map((entry) => entry.message).join(' ');
    const names = held.filter((name) => name !== 'kubernetes');
    const says =
      discovery !== undefined
        ? `an API does not answer, so its objects cannot be found: ${brief(words, 160)}`
        : remaining.length > 0
          ? brief(words, 240)
          : `the finalizer ${names.join(', ')} is still set, and ${names.map(keeperOf).join(', ')} has not let go`;
    return {
      headline: `deleting${over > 0 ? ` for ${span(over)}` : ''}: ${brief(remaining.length > 0 ? words : `finalizer ${names.join(', ')}`, 70)}`,
      since: deleted,
      diagnose: () => ({
        causes: [
          cause(
            discovery !== undefined ? 'K3.api-down' : remaining.length > 0 ? 'K3.content' : 'K3.finalizer',
            'proven',
            `${facts.kind} ${facts.name} is being deleted and cannot go: ${says}`,
            facts.kind === 'Namespace'
              ? kubectl('See what is left in it', 'read', facts.name, ['get', 'all,configmaps,secrets,pvc'])
              : kubectl('See it whole', 'read', facts.namespace, [
                  'get',
                  facts.kind.toLowerCase(),
                  facts.name,
                  '-o',
                  'yaml',
                ]),
            facts.kind === 'Namespace'
              ? kubectl('See which APIs are down', 'read', '', ['get', 'apiservices'])
              : kubectl(
                  'Last resort: drop the finalizers (the controller never cleans up)',
                  'destructive',
                  facts.namespace,
                  [
                    'patch',
                    facts.kind.toLowerCase(),
                    facts.name,
                    '--type=merge',
                    '-p',
                    '{"metadata":{"finalizers":null}}',
                  ],
                ),
          ),
        ],
        items: [
          item(
            'K3.finalizers',
            'exists',
            'Nothing holds it',
            'fail',
            evidence('finalizers', held.join(', '), 'metadata.finalizers'),
            ...remaining.map((entry) =>
              evidence(entry.type, entry.message, `status.conditions[${entry.type}]`),
            ),
          ),
        ],
        ...(inDyingNamespace === undefined ? {} : { explainedBy: refOf(inDyingNamespace) }),
      }),
    };
  },
};

const deviceTaint: ObjectState = {
  id: 'J10',
  key: 'gpu.device-taint',
  gate: 'progressing',
  severity: 'warn',
  title: 'A device is tainted',
  kinds: ['ResourceSlice'],
  match: (facts) => {
    const sick = list(facts.object, 'spec', 'devices').filter(
      (device) => [...list(device, 'taints'), ...list(device, 'basic', 'taints')].length > 0,
    );
    if (sick.length === 0) return undefined;
    const words = sick
      .map(
        (device) =>
          `${text(device, 'name')}: ${[...list(device, 'taints'), ...list(device, 'basic', 'taints')].map((taint) => `${text(taint, 'key')}=${text(taint, 'value')}:${text(taint, 'effect')}`).join(', ')}`,
      )
      .join('; ');
    const code = /xid=(\d+)/i.exec(words)?.[1];
    const meaning = code === undefined ? undefined : xidMeaning(Number(code));
    const node = text(facts.object, 'spec', 'nodeName');
    return {
      headline: `device tainted on ${node || facts.name}: ${brief(words, 70)}`,
      diagnose: () => ({
        causes: [
          cause(
            'J10.device-taint',
            'proven',
            `a device of ${node || 'the pool'} is out of service: ${words}${meaning === undefined ? '' : ` (Xid ${code}: ${meaning.text}; ${meaning.action})`}`,
            kubectl('See the slice', 'read', '', ['get', 'resourceslice', facts.name, '-o', 'yaml']),
            node === '' ? undefined : about(node),
          ),
        ],
        items: [
          item(
            'J10.taints',
            'progressing',
            'Its devices are in service',
            'warn',
            ...sick.map((device) => evidence(text(device, 'name'), 'tainted', 'spec.devices')),
          ),
        ],
      }),
    };
  },
};

const operator: ObjectState = {
  id: 'A8',
  key: 'gpu.operator',
  gate: 'progressing',
  severity: 'warn',
  title: 'The GPU operator is not ready',
  kinds: ['ClusterPolicy', 'NVIDIADriver'],
  match: (facts) => {
    if (text(facts.object, 'status', 'state') !== 'notReady') return undefined;
    const error = conditions(facts.object).find(
      (entry) =>
        (entry.type === 'Error' && entry.status === 'True') ||
        (entry.type === 'Ready' && entry.status === 'False'),
    );
    const stuck = facts.index
      .of('Node')
      .map((node) => ({ node, report: facts.reportOn(node) }))
      .find((entry) => /^C2\./.test(entry.report.causes[0]?.id ?? ''));
    return {
      headline: `not ready: ${brief(error?.message ?? '', 70)}`,
      since: error?.at,
      diagnose: () => ({
        causes: [
          ...(stuck?.report.causes ?? []),
          cause(
            'A8.gpu-operator',
            'proven',
            `the GPU operator is not ready: ${brief(`${error?.reason ?? ''} ${error?.message ?? ''}`, 160)}`,
            describe(kindOf(facts.object).toLowerCase(), '', facts.name),
          ),
        ],
        items: [
          item(
            'A8.state',
            'progressing',
            'The GPU operator is ready',
            'fail',
            evidence('state', 'notReady', 'status.state'),
          ),
        ],
        ...(stuck === undefined ? {} : { explainedBy: refOf(stuck.node) }),
      }),
    };
  },
};

export const clusterStates: readonly ObjectState[] = [
  terminating,
  notReady,
  pressure,
  gpuSick,
  pluginMissing,
  otherCondition,
  cordoned,
  apiService,
  quotaFull,
  deviceTaint,
  operator,
  nodeClaim,
  ...addOnStates,
];
