import { hash } from 'node:crypto';
import type { JsonRecord, KubeLike, KubeLikeMeta } from '../object.ts';

/** Quantities by resource name, as the API has them: `{ 'nvidia.com/gpu': '8' }`. */
export type Quantities = Readonly<Record<string, string>>;

export interface OwnerLike {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid?: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ContainerLike {
  readonly name: string;
  readonly image?: string;
  readonly resources?: { readonly limits?: Quantities; readonly requests?: Quantities };
  readonly restartPolicy?: string;
  readonly volumeMounts?: readonly JsonRecord[];
  readonly [field: string]: unknown;
}

export interface TerminatedLike {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly containerID?: string;
}

interface StateLike {
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly running?: { readonly startedAt: string };
  readonly terminated?: TerminatedLike;
}

export interface ContainerStatusLike {
  readonly name: string;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
  readonly state: StateLike;
  readonly lastState?: StateLike;
  readonly [field: string]: unknown;
}

export interface ConditionLike {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly [field: string]: unknown;
}

export interface TolerationLike {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

interface MetaLike extends KubeLikeMeta {
  readonly name: string;
  readonly ownerReferences?: readonly OwnerLike[];
  readonly deletionTimestamp?: string;
}

export interface PodLike extends KubeLike {
  readonly metadata: MetaLike;
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly ContainerLike[];
    readonly initContainers?: readonly ContainerLike[];
    readonly tolerations?: readonly TolerationLike[];
    readonly nodeSelector?: Readonly<Record<string, string>>;
    readonly restartPolicy?: string;
    readonly schedulerName?: string;
    readonly [field: string]: unknown;
  };
  readonly status: {
    readonly phase: string;
    readonly conditions?: readonly ConditionLike[];
    readonly containerStatuses?: readonly ContainerStatusLike[];
    readonly initContainerStatuses?: readonly ContainerStatusLike[];
    readonly startTime?: string;
    readonly [field: string]: unknown;
  };
}

export interface NodeLike extends KubeLike {
  readonly metadata: MetaLike;
  readonly spec: {
    readonly taints?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly effect: string;
      readonly timeAdded?: string;
    }[];
    readonly unschedulable?: boolean;
    readonly [field: string]: unknown;
  };
  readonly status: {
    readonly capacity: Quantities;
    readonly allocatable: Quantities;
    readonly conditions: readonly ConditionLike[];
    readonly [field: string]: unknown;
  };
}

/** RFC 3339 to the second, as most times of the API are. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** RFC 3339 with microseconds, as `eventTime` is. */
export const microTimeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 23)}000Z`;

const digest = (text: string): string => hash('sha1', text);

/** The same text always gives the same UUID, so that a scenario is the same at every start. */
export function uidOf(text: string): string {
  const hex = digest(text);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** 64 hexadecimal digits, as container and image IDs have. */
export const longId = (text: string): string => hash('sha256', text);

/** What Kubernetes appends to generated names: five characters without vowels. */
export function suffixOf(text: string): string {
  const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
  const hex = digest(text);
  let suffix = '';
  for (let at = 0; at < 5; at++)
    suffix += alphabet[Number.parseInt(hex.slice(at * 2, at * 2 + 2), 16) % alphabet.length];
  return suffix;
}

/** A whole number from 0 to `below`, always the same for the same text. */
export const pick = (text: string, below: number): number =>
  Number.parseInt(digest(text).slice(0, 8), 16) % below;

/** What was read before: machines come in a few sizes, and the scheduler reads them at each placement. */
const readQuantities = new Map<string, number>();

/** The number in a Kubernetes quantity: bytes, cores or pieces. */
export function quantity(text = '0'): number {
  const known = readQuantities.get(text);
  if (known !== undefined) return known;
  const match = /^([\d.]+)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text);
  const value = match === null ? 0 : Number(match[1]) * (units[match[2] ?? ''] ?? 1);
  if (readQuantities.size < 4096) readQuantities.set(text, value);
  return value;
}

const units: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** What the scheduler counts for a pod (`PodRequests`): sidecars run beside, other init containers before. */
export function podRequests(pod: PodLike): ReadonlyMap<string, number> {
  const running = new Map<string, number>();
  const sidecars = new Map<string, number>();
  const initial = new Map<string, number>();
  const add = (to: Map<string, number>, container: ContainerLike): void => {
    for (const [name, text] of Object.entries({
      ...container.resources?.limits,
      ...container.resources?.requests,
    })) {
      if (typeof text === 'string') to.set(name, (to.get(name) ?? 0) + quantity(text));
    }
  };
  for (const container of pod.spec.containers) add(running, container);
  for (const init of pod.spec.initContainers ?? []) {
    const isSidecar = init.restartPolicy === 'Always';
    if (isSidecar) {
      add(running, init);
      add(sidecars, init);
    }
    const now = new Map(sidecars);
    if (!isSidecar) add(now, init);
    for (const [name, value] of now) initial.set(name, Math.max(initial.get(name) ?? 0, value));
  }
  for (const [name, value] of initial) running.set(name, Math.max(running.get(name) ?? 0, value));
  return running;
}

export const isFinished = (pod: PodLike): boolean =>
  pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
