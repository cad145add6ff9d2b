import type { V1Taint } from '@kubernetes/client-node';
import type { Labels, Requests } from './pod-row.ts';
import type { Row } from './resource.ts';

export interface NodeCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime, epoch ms. */
  readonly at: number | undefined;
  /** lastHeartbeatTime, epoch ms. */
  readonly heartbeatAt: number | undefined;
}

export interface NodeRow extends Row {
  /** As the API server prints it: `Ready`, `NotReady,SchedulingDisabled`, `Unknown`. */
  readonly status: string;
  /** Sorted, joined with `,`; `''` for none. */
  readonly roles: string;
  readonly kubeletVersion: string;
  readonly internalIp: string;
  readonly externalIp: string;
  readonly osImage: string;
  /** As the API server prints it: with the architecture from 1.35 on (kubernetes#132402). */
  readonly kernel: string;
  readonly runtime: string;
  readonly architecture: string;
  readonly unschedulable: boolean;
  readonly taints: readonly V1Taint[];
  readonly labels: Labels;
  /** Only the keys that mltop reads (HAMi, GPU operator). */
  readonly annotations: Labels;
  readonly conditions: readonly NodeCondition[];
  /** Devices included, healthy or not. Missing differs from 0: the plugin never registered, or went away (gpu.md 1.1). */
  readonly capacity: Requests;
  /** Healthy only. */
  readonly allocatable: Requests;
  readonly deletedAt: number | undefined;
}
