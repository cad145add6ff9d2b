import type { ObjectState, PodState } from '../../state.ts';
import { noScheduler } from './absent-scheduler.ts';
import { batchScheduler, podGroup } from './batch-schedulers.ts';
import { deviceClaims } from './device-claims.ts';
import { gang } from './gang.ts';
import { kueueJob, kueuePod, kueueWorkload, queueInactive } from './kueue.ts';
import { gated } from './scheduling-gates.ts';

export const queueStates: readonly PodState[] = [deviceClaims, batchScheduler, gang];

export const gateStates: readonly PodState[] = [kueuePod, gated];

export const schedulerStates: readonly PodState[] = [noScheduler];

export const queueObjectStates: readonly ObjectState[] = [kueueJob, kueueWorkload, queueInactive, podGroup];
