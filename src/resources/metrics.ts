import type { KubeObject } from '../kube/object.ts';
import { list, quantity, record, shared, text, time } from './fields.ts';

/** What something used, by the metrics API. Fractions of a millicore stay: an idle container uses some. */
interface Amount {
  /** Millicores, as in `Requests`. */
  readonly cpu: number;
  /** Bytes: the working set, which is what the kernel kills for. */
  readonly memory: number;
}

export interface ContainerUse extends Amount {
  readonly name: string;
}

/** One PodMetrics. metrics-server leaves a pod out until each of its containers has two samples. */
export interface PodUse extends Amount {
  readonly namespace: string;
  readonly name: string;
  /** The end of the window that was measured, epoch ms; undefined where the object does not say. */
  readonly at: number | undefined;
  readonly containers: readonly ContainerUse[];
}

export interface NodeUse extends Amount {
  readonly name: string;
  readonly at: number | undefined;
}

/** Undefined for an object without a name, or with an amount that cannot be read: unknown is not zero. */
export function podUseOf(object: KubeObject): PodUse | undefined {
  const { metadata } = object;
  const name = text(metadata?.name);
  const containers: ContainerUse[] = [];
  let cpu = 0;
  let memory = 0;
  for (const raw of list(object['containers'])) {
    const container = record(raw);
    const used = amountOf(container['usage']);
    if (used === undefined) return undefined;
    containers.push({ name: shared(container['name']), ...used });
    cpu += used.cpu;
    memory += used.memory;
  }
  if (name === '' || containers.length === 0) return undefined;
  return {
    namespace: shared(metadata?.namespace),
    name,
    at: time(object['timestamp']),
    containers,
    cpu,
    memory,
  };
}

export function nodeUseOf(object: KubeObject): NodeUse | undefined {
  const name = text(object.metadata?.name);
  const used = amountOf(object['usage']);
  return name === '' || used === undefined ? undefined : { name, at: time(object['timestamp']), ...used };
}

function amountOf(usage: unknown): Amount | undefined {
  const fields = record(usage);
  const cpu = quantity(fields['cpu']);
  const memory = quantity(fields['memory']);
  return cpu === undefined || memory === undefined ? undefined : { cpu: cpu * 1000, memory };
}
