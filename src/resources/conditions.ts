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

/** The last conditions seen, by the second they changed in: pods that start together share theirs. */
const recent: (PodCondition | undefined)[] = new Array(1024);

function conditionOf(raw: unknown): PodCondition {
  const condition = record(raw);
  const status = shared(condition['status']);
  const reason = shared(condition['reason']);
  const message = shared(condition['message']);
  const at = time(condition['lastTransitionTime']);
  const slot = Math.abs(Math.trunc((at ?? 0) / 1000) + message.length + reason.length) % recent.length;
  const last = recent[slot];
  if (
    last !== undefined &&
    last.at === at &&
    last.status === status &&
    last.reason === reason &&
    last.message === message
  ) {
    return last;
  }
  const fresh = { status, reason, message, at };
  recent[slot] = fresh;
  return fresh;
}
