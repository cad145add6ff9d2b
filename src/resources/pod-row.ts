import type { V1Affinity, V1Toleration, V1TopologySpreadConstraint } from '@kubernetes/client-node';
import type { Row } from './resource.ts';

/**
 * Amounts by resource name: `cpu` in millicores (rounded up, as the scheduler does), `memory`, `ephemeral-storage`
 * and `hugepages-*` in bytes, everything else in units. Absent means none was asked for.
 */
export type Requests = Readonly<Record<string, number>>;

export type Labels = Readonly<Record<string, string>>;

export interface HostPort {
  readonly ip: string;
  readonly port: number;
  readonly protocol: string;
}

/** A volume that the scheduler looks at. */
export type PodVolume =
  | { readonly kind: 'claim'; readonly claim: string; readonly readOnly: boolean }
  /** A generic ephemeral volume: its claim is `<pod>-<volume>`. */
  | { readonly kind: 'ephemeral'; readonly volume: string }
  | {
      readonly kind: 'disk';
      readonly driver: 'gce' | 'aws' | 'iscsi' | 'rbd' | 'azure';
      readonly id: string;
      readonly readOnly: boolean;
    };

export interface PodClaim {
  readonly name: string;
  /** An existing ResourceClaim … */
  readonly claim: string | undefined;
  /** … or the template that one is made from. */
  readonly template: string | undefined;
}

/** One container of the spec, as far as checks and tables need it. */
export interface ContainerSpec {
  readonly name: string;
  readonly kind: 'main' | 'init' | 'sidecar' | 'ephemeral';
  readonly image: string;
  readonly requests: Requests;
  readonly limits: Requests;
}

/**
 * What the pods of one job share, held once (interned): the scheduling matrix and the GPU sums read a few hundred of
 * these for 100,000 pods. Shapes inside are the API's own, sanitised.
 */
export interface PodSpecRecord {
  /** The scheduler's effective request: init containers, sidecars, overhead, pod level (gpu.md 1.3). */
  readonly requests: Requests;
  readonly containers: readonly ContainerSpec[];
  readonly nodeSelector: Labels | undefined;
  readonly affinity: V1Affinity | undefined;
  readonly tolerations: readonly V1Toleration[];
  readonly spread: readonly V1TopologySpreadConstraint[];
  readonly hostPorts: readonly HostPort[];
  readonly volumes: readonly PodVolume[];
  readonly claims: readonly PodClaim[];
  readonly schedulerName: string;
  readonly priority: number;
  readonly priorityClass: string | undefined;
  /** `PreemptLowerPriority` where the object does not say. */
  readonly preemptionPolicy: string;
  readonly restartPolicy: string;
  readonly serviceAccount: string | undefined;
  readonly runtimeClass: string | undefined;
  readonly hostNetwork: boolean;
}

/** The container that decides what is wrong with a pod; absent on healthy pods. */
export interface ContainerTrouble {
  readonly container: string;
  readonly kind: ContainerSpec['kind'];
  readonly state: 'waiting' | 'terminated' | 'running';
  /** `ImagePullBackOff`, `OOMKilled`, …; `''` where the kubelet gives none. */
  readonly reason: string;
  readonly message: string;
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
  readonly finishedAt: number | undefined;
  readonly restarts: number;
  /** The run before, from lastState.terminated. */
  readonly last:
    | {
        readonly reason: string;
        readonly exitCode: number;
        readonly signal: number | undefined;
        readonly finishedAt: number | undefined;
        readonly message: string;
      }
    | undefined;
}

export interface PodCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime, epoch ms. */
  readonly at: number | undefined;
}

export interface PodRow extends Row {
  /** As the API server prints it (checklist.md 2.1), byte for byte. */
  readonly status: string;
  readonly phase: string;
  /** status.reason: `Evicted`, `DeadlineExceeded`, …; `''` where absent. */
  readonly reason: string;
  readonly message: string;
  readonly readyContainers: number;
  readonly totalContainers: number;
  readonly restarts: number;
  readonly lastRestartAt: number | undefined;
  readonly ip: string;
  /** `''` until the scheduler has bound it. */
  readonly node: string;
  readonly nominatedNode: string;
  readonly readinessGates: { readonly ready: number; readonly total: number } | undefined;
  readonly qos: string;
  readonly deletedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly finalizers: number;
  readonly gates: readonly string[];
  readonly labels: Labels;
  /** The native scheduler's gang (`spec.schedulingGroup`; `spec.workloadRef` in 1.35); `''` for none. */
  readonly podGroup: string;
  /** Only the keys that mltop reads: queues, gangs, fractions, HAMi (gpu.md 1.8, 5.1). */
  readonly annotations: Labels;
  /** The controlling owner; undefined for a bare pod. */
  readonly owner:
    | { readonly apiVersion: string; readonly kind: string; readonly name: string; readonly uid: string }
    | undefined;
  readonly spec: PodSpecRecord;
  readonly scheduled: PodCondition | undefined;
  readonly ready: PodCondition | undefined;
  readonly disrupted: PodCondition | undefined;
  /** Resource claims that the claim controller made: pod claim name → ResourceClaim name. */
  readonly claimNames: Labels;
  readonly trouble: ContainerTrouble | undefined;
}
