import { kubectl } from '../fixes.ts';
import { at, brief, condition, count, text } from '../read.ts';
import { cause, item, type ObjectState, said } from '../state.ts';

export const cronTrouble: ObjectState = {
  id: 'A9',
  key: 'cron.not-started',
  gate: 'admitted',
  severity: 'warn',
  title: 'It does not start its Jobs',
  kinds: ['CronJob'],
  match: (facts) => {
    const invalid = facts.events.findLast((event) =>
      /^(?:InvalidSchedule|UnparseableSchedule|UnknownTimeZone|UnparseableCronJobSchedule)$/.test(
        event.reason,
      ),
    );
    const missed = facts.events.findLast((event) =>
      /^(?:TooManyMissedTimes|MissSchedule|FailedNeedsStart)$/.test(event.reason),
    );
    const later = facts.events.findLast(
      (event) => event.reason === 'SuccessfulCreate' || event.reason === 'SawCompletedJob',
    );
    const found =
      invalid ?? (missed !== undefined && (later?.last ?? 0) <= (missed.last ?? 0) ? missed : undefined);
    if (found === undefined) return undefined;
    return {
      headline: `${found === invalid ? 'schedule is not valid' : 'schedules were missed'}: ${brief(found.message, 70)}`,
      severity: found === invalid ? 'bad' : 'warn',
      since: found.first,
      diagnose: () => ({
        causes: [
          cause(
            found === invalid ? 'A9.schedule' : 'A9.missed',
            'proven',
            `${found === invalid ? `the schedule "${text(facts.object, 'spec', 'schedule')}" cannot be used` : 'too many start times were missed'}: ${brief(found.message, 140)}`,
            kubectl(
              found === invalid ? 'Correct the schedule' : 'Set startingDeadlineSeconds',
              'reversible',
              facts.namespace,
              ['edit', 'cronjob', facts.name],
            ),
          ),
        ],
        items: [item('A9.event', 'admitted', 'It starts on schedule', 'fail', said(found))],
      }),
    };
  },
};

/** By design, said in one line and no finding. */
export const byDesign: ObjectState = {
  id: 'A9',
  key: 'owner.by-design',
  gate: 'admitted',
  severity: 'none',
  title: 'It waits by design',
  kinds: ['CronJob', 'DaemonSet', 'Deployment', 'JobSet'],
  match: ({ object, kind, events }) => {
    if (kind === 'Deployment')
      return at(object, 'spec', 'paused') === true
        ? { headline: 'rollout paused' }
        : count(object, 'spec', 'replicas') === 0
          ? { headline: 'scaled to zero' }
          : undefined;
    if (kind === 'DaemonSet')
      return count(object, 'status', 'desiredNumberScheduled') === 0
        ? { headline: 'no node matches its selector' }
        : undefined;
    if (kind === 'JobSet')
      return condition(object, 'StartupPolicyInProgress')?.status === 'True'
        ? { headline: 'starts its jobs in order' }
        : undefined;
    return events.at(-1)?.reason === 'JobAlreadyActive'
      ? { headline: 'waits for the run before (concurrencyPolicy Forbid)' }
      : undefined;
  },
};
