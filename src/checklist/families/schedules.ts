import { kindOf, nameOf, refOf } from '../evidence-index.ts';
import { describe, kubectl } from '../fixes.ts';
import { at, brief, condition, count, list, span, text, time } from '../read.ts';
import { cause, evidence, item, type ObjectState, said } from '../state.ts';
import { podsBelow, worstOf } from './owner-facts.ts';

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

const minuteMs = 60_000;
const named: Readonly<Record<string, number>> = {
  '@hourly': 60,
  '@daily': 24 * 60,
  '@midnight': 24 * 60,
  '@weekly': 7 * 24 * 60,
  '@monthly': 31 * 24 * 60,
  '@yearly': 366 * 24 * 60,
  '@annually': 366 * 24 * 60,
};

/** The usual distance of two starts, ms: what the coarsest field that is set allows at most. Undefined where unreadable. */
function periodOf(schedule: string): number | undefined {
  const words = schedule.replace(/^(?:CRON_)?TZ=\S+\s+/, '').trim();
  const known = named[words];
  if (known !== undefined) return known * minuteMs;
  const [minute, hour, day, month, weekday] = words.split(/\s+/);
  if (minute === undefined || weekday === undefined) return undefined;
  const step = (field: string | undefined): number | undefined =>
    field === '*' || field === '?'
      ? 1
      : Number(/^(?:\*|\d+-\d+|0)\/(\d+)$/.exec(field ?? '')?.[1]) || undefined;
  if (month !== '*' && month !== '?') return 366 * 24 * 60 * minuteMs;
  if (day !== '*' && day !== '?') return 31 * 24 * 60 * minuteMs;
  if (weekday !== '*' && weekday !== '?') return 7 * 24 * 60 * minuteMs;
  if (hour !== '*') return (step(hour) ?? 24) * 60 * minuteMs;
  return (step(minute) ?? 60) * minuteMs;
}

/**
 * One run that does not end holds back all that follow (concurrencyPolicy Forbid). A task that always runs longer than
 * its period is meant to: it must be far beyond the runs before, or, where none is known, a day and 24 starts late.
 */
export const overrun: ObjectState = {
  id: 'A9',
  key: 'cron.overrun',
  gate: 'admitted',
  severity: 'warn',
  title: 'A run that does not end holds back the next ones',
  kinds: ['CronJob'],
  match: (facts) => {
    const { object, index, namespace, name, now } = facts;
    const success = time(object, 'status', 'lastSuccessfulTime');
    const period = periodOf(text(object, 'spec', 'schedule'));
    if (
      text(object, 'spec', 'concurrencyPolicy') !== 'Forbid' ||
      at(object, 'spec', 'suspend') === true ||
      success === undefined ||
      period === undefined
    )
      return undefined;
    const jobs = index.children(object).filter((child) => kindOf(child) === 'Job');
    const done = jobs.flatMap((job) => {
      const [from, to] = [time(job, 'status', 'startTime'), time(job, 'status', 'completionTime')];
      return from === undefined || to === undefined ? [] : [to - from];
    });
    const active = list(object, 'status', 'active').map((ref) => text(ref, 'name'));
    const job = jobs.find((entry) => active.includes(nameOf(entry)));
    const since =
      time(job, 'status', 'startTime') ??
      time(job, 'metadata', 'creationTimestamp') ??
      (active.length > 0 ? time(object, 'status', 'lastScheduleTime') : undefined);
    if (active.length === 0 || since === undefined) return undefined;
    const ran = now - since;
    const late =
      done.length > 0
        ? ran > 3 * Math.max(...done) + 10 * minuteMs && ran > 3 * period
        : ran >= 24 * 60 * minuteMs && ran >= 24 * period;
    if (!late) return undefined;
    const run = nameOf(job) || (active[0] ?? '');
    const worst = job === undefined ? undefined : worstOf(facts, podsBelow(facts, job));
    const skipped = Math.floor(ran / period);
    const usual = done.length === 0 ? '' : `, runs before took at most ${span(Math.max(...done))}`;
    return {
      headline: `run ${run} still runs after ${span(ran)}, about ${skipped} starts skipped`,
      since,
      diagnose: () => ({
        causes: [
          ...(worst?.report.causes.slice(0, 1) ?? []),
          cause(
            'A9.overrun',
            'likely',
            `the previous run ${run} is still running after ${span(ran)}${usual}, and concurrencyPolicy Forbid holds back every start until it ends (about ${skipped} skipped): it hangs`,
            kubectl('See what it does', 'read', namespace, [
              'logs',
              `job/${run}`,
              '--all-containers',
              '--tail=100',
            ]),
            describe('job', namespace, run),
            kubectl('End the run that hangs', 'disruptive', namespace, ['delete', 'job', run]),
            kubectl(
              'Give its runs a limit',
              'reversible',
              namespace,
              ['edit', 'cronjob', name],
              'set spec.jobTemplate.spec.activeDeadlineSeconds',
            ),
          ),
        ],
        items: [
          item(
            'A9.active',
            'admitted',
            'Its runs end before the next starts',
            'warn',
            evidence('active', run, 'status.active', {
              at: since,
              ...(job === undefined ? {} : { ref: refOf(job) }),
            }),
            evidence('schedule', text(object, 'spec', 'schedule'), 'spec.schedule'),
            evidence('last success', span(now - success), 'status.lastSuccessfulTime', { at: success }),
          ),
        ],
        ...(worst === undefined ? {} : { explainedBy: refOf(worst.pod) }),
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
