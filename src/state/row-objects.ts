import { rowLabels } from '../checklist/evidence-index.ts';
import type { KubeObject } from '../kube/object.ts';
import type { NodeRow } from '../resources/node-row.ts';
import type { ContainerSpec, PodRow, Requests } from '../resources/pod-row.ts';

/**
 * Rows in the shape of the objects that they were made of, for the checklist's questions about what stands around its
 * subject. What a row does not hold is absent; the subject itself is always the whole object.
 */

const stamp = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();

/** `cpu` is held in millicores, the rest in whole units. */
function amountsOf(amounts: Requests): Readonly<Record<string, string>> {
  const known = amountTexts.get(amounts);
  if (known !== undefined) return known;
  const texts = Object.fromEntries(
    Object.entries(amounts).map(([name, amount]) => [name, name === 'cpu' ? `${amount}m` : String(amount)]),
  );
  amountTexts.set(amounts, texts);
  return texts;
}

const amountTexts = new WeakMap<Requests, Readonly<Record<string, string>>>();

let nodeObjects = new WeakMap<NodeRow, KubeObject>();

/** Kept by row. */
export function nodeObject(row: NodeRow): KubeObject {
  const known = nodeObjects.get(row);
  if (known !== undefined) return known;
  let status: unknown;
  const object: KubeObject & { readonly [rowLabels]: NodeRow['labels'] } = {
    [rowLabels]: row.labels,
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: row.name,
      uid: row.uid,
      resourceVersion: row.version,
      creationTimestamp: stamp(row.createdAt) ?? null,
      ...(row.deletedAt === undefined ? {} : { deletionTimestamp: stamp(row.deletedAt) ?? null }),
      labels: row.labels,
      annotations: row.annotations,
    },
    spec: { unschedulable: row.unschedulable, taints: row.taints },
    // Of 5,000 nodes that a question walks over, the status of a few is asked for.
    get status() {
      status ??= nodeStatus(row);
      return status;
    },
  };
  nodeObjects.set(row, object);
  return object;
}

/** Each part when it is first asked for: questions about images walk over every node and find none here. */
function nodeStatus(row: NodeRow): unknown {
  let conditions: readonly unknown[] | undefined;
  return {
    get capacity() {
      return amountsOf(row.capacity);
    },
    get allocatable() {
      return amountsOf(row.allocatable);
    },
    get conditions() {
      conditions ??= row.conditions.map(({ type, status, reason, message, at, heartbeatAt }) => ({
        type,
        status,
        reason,
        message,
        lastTransitionTime: stamp(at),
        lastHeartbeatTime: stamp(heartbeatAt),
      }));
      return conditions;
    },
    nodeInfo: {
      kubeletVersion: row.kubeletVersion,
      kernelVersion: row.kernel,
      osImage: row.osImage,
      containerRuntimeVersion: row.runtime,
      architecture: row.architecture,
    },
  };
}

let podObjects = new WeakMap<PodRow, KubeObject>();

/** Kept by row. */
export function podObject(row: PodRow): KubeObject {
  const known = podObjects.get(row);
  if (known !== undefined) return known;
  let [spec, status]: [unknown, unknown] = [undefined, undefined];
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: row.namespace,
      name: row.name,
      uid: row.uid,
      resourceVersion: row.version,
      creationTimestamp: stamp(row.createdAt) ?? null,
      ...(row.deletedAt === undefined ? {} : { deletionTimestamp: stamp(row.deletedAt) ?? null }),
      labels: row.labels,
      annotations: row.annotations,
      ...(row.owner === undefined ? {} : { ownerReferences: [{ ...row.owner, controller: true }] }),
    },
    // Of all pods of a namespace most are asked for their labels alone.
    get spec() {
      spec ??= podSpec(row);
      return spec;
    },
    get status() {
      status ??= podStatus(row);
      return status;
    },
  };
  podObjects.set(row, object);
  return object;
}

const initsOf = ({ spec }: PodRow): readonly ContainerSpec[] =>
  spec.containers.filter(({ kind }) => kind === 'init' || kind === 'sidecar');
const mainsOf = ({ spec }: PodRow): readonly ContainerSpec[] =>
  spec.containers.filter(({ kind }) => kind === 'main');

function podSpec(row: PodRow): unknown {
  const inits = initsOf(row);
  return {
    ...(row.node === '' ? {} : { nodeName: row.node }),
    restartPolicy: row.spec.restartPolicy,
    schedulerName: row.spec.schedulerName,
    priority: row.spec.priority,
    ...(row.spec.priorityClass === undefined ? {} : { priorityClassName: row.spec.priorityClass }),
    schedulingGates: row.gates.map((name) => ({ name })),
    ...(inits.length === 0 ? {} : { initContainers: inits.map(containerOf) }),
    containers: mainsOf(row).map(containerOf),
  };
}

function podStatus(row: PodRow): unknown {
  const conditions = [
    ['PodScheduled', row.scheduled],
    ['Ready', row.ready],
    ['DisruptionTarget', row.disrupted],
  ] as const;
  const inits = initsOf(row);
  return {
    phase: row.phase,
    ...(row.reason === '' ? {} : { reason: row.reason }),
    ...(row.message === '' ? {} : { message: row.message }),
    ...(row.startedAt === undefined ? {} : { startTime: stamp(row.startedAt) }),
    conditions: conditions.flatMap(([type, condition]) =>
      condition === undefined
        ? []
        : [{ type, ...condition, lastTransitionTime: stamp(condition.at), at: undefined }],
    ),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits.map((spec) => statusOf(row, spec)) }),
    containerStatuses: mainsOf(row).map((spec) => statusOf(row, spec)),
  };
}

const containerOf = ({ name, kind, image, requests, limits }: ContainerSpec): unknown => ({
  name,
  image,
  ...(kind === 'sidecar' ? { restartPolicy: 'Always' } : {}),
  resources: { requests: amountsOf(requests), limits: amountsOf(limits) },
});

/** Of the container in trouble what is known of it; of the others that they run where the pod does. */
function statusOf(row: PodRow, { name, image }: ContainerSpec): unknown {
  const { trouble } = row;
  if (trouble?.container !== name) {
    const runs = row.phase === 'Running';
    return {
      name,
      image,
      ready: runs && row.ready?.status === 'True',
      restartCount: 0,
      state: runs ? { running: {} } : {},
    };
  }
  const { last } = trouble;
  return {
    name,
    image,
    ready: trouble.state === 'running' && row.ready?.status === 'True',
    restartCount: trouble.restarts,
    state: {
      [trouble.state]: {
        reason: trouble.reason,
        message: trouble.message,
        exitCode: trouble.exitCode,
        signal: trouble.signal,
        finishedAt: stamp(trouble.finishedAt),
      },
    },
    ...(last === undefined
      ? {}
      : { lastState: { terminated: { ...last, finishedAt: stamp(last.finishedAt) } } }),
  };
}

/** After everything was asked about: what is kept for each row would stay for as long as the row does. */
export function forgetObjects(): void {
  nodeObjects = new WeakMap();
  podObjects = new WeakMap();
}
