import { list, record, shared, time } from './fields.ts';
import type { PodCondition } from './pod-row.ts';
import type { Tone } from './resource.ts';

/** A condition of any object: what is so, since when, and why. */
export interface Condition extends PodCondition {
  readonly type: string;
}

/** All conditions of `status.conditions`, in the server's order. */
export const conditionsOf = (conditions: unknown): readonly Condition[] =>
  list(conditions).map((raw) => ({ type: shared(record(raw)['type']), ...conditionOf(raw) }));

/** The first condition of that type. */
export function conditionNamed(conditions: readonly unknown[], type: string): PodCondition | undefined {
  for (const raw of conditions) if (record(raw)['type'] === type) return conditionOf(raw);
  return undefined;
}

export const isTrue = (conditions: readonly Condition[], type: string): boolean =>
  conditions.some((condition) => condition.type === type && condition.status === 'True');

/** The first of these conditions that has that status. */
export const findCondition = (
  conditions: readonly Condition[],
  type: string,
  status: string,
): Condition | undefined =>
  conditions.find((condition) => condition.type === type && condition.status === status);

/** `FailedCreate: pods "x" is forbidden …` */
export const conditionText = (condition: PodCondition): string =>
  condition.message === ''
    ? condition.reason
    : condition.reason === ''
      ? condition.message
      : `${condition.reason}: ${condition.message}`;

/** Red when fewer are ready than wanted and none is; yellow when some are. */
export function readyTone(ready: number, desired: number): Tone {
  if (ready >= desired) return desired === 0 ? 'dim' : 'good';
  return ready === 0 ? 'bad' : 'warn';
}

function conditionOf(raw: unknown): PodCondition {
  const condition = record(raw);
  return {
    status: shared(condition['status']),
    reason: shared(condition['reason']),
    message: shared(condition['message']),
    at: time(condition['lastTransitionTime']),
  };
}
