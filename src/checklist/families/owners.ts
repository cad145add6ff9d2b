import type { ObjectState } from '../state.ts';
import { hpa } from './autoscaler.ts';
import { failedIndexes, failedJob, jobDeadline, suspended } from './jobs.ts';
import { halfPending, operatorWaiting } from './operators.ts';
import {
  readLimitRange,
  readMustSpecify,
  readOther,
  readPodSecurity,
  readQuota,
  readReference,
  readWebhook,
  refused,
} from './refusals.ts';
import { orderedReady, stuckRevision, stuckRollout, unavailable, worstPod } from './rollout.ts';
import { byDesign, cronTrouble, overrun } from './schedules.ts';

/** In the order in which they are asked: what lets no pod in, what ended, what is stuck, what its pods suffer. */
export const ownerStates: readonly ObjectState[] = [
  refused('A1', 'owner.quota-exceeded', 'A quota is exceeded', readQuota),
  refused('A2', 'owner.quota-must-specify', 'A quota demands requests or limits', readMustSpecify),
  refused('A3', 'owner.limitrange', 'A LimitRange forbids its pods', readLimitRange),
  refused('A5', 'owner.pod-security', 'Pod Security forbids its pods', readPodSecurity),
  refused('A4', 'owner.webhook', 'A webhook or policy refuses its pods', readWebhook),
  refused('A6', 'owner.reference-missing', 'Something that its pods refer to is missing', readReference),
  refused('A6', 'owner.refused', 'Its pods are refused', readOther),
  suspended,
  jobDeadline,
  failedJob,
  failedIndexes,
  stuckRevision,
  orderedReady,
  cronTrouble,
  overrun,
  halfPending,
  operatorWaiting,
  stuckRollout,
  worstPod,
  unavailable,
  byDesign,
  hpa,
];
