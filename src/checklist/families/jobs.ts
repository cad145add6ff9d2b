import { nameOf, refOf } from '../evidence-index.ts';
import { kubectl } from '../fixes.ts';
import { at, brief, condition, conditions, count, text, time } from '../read.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState } from '../state.ts';
import { customOwners, podsBelow } from './owner-facts.ts';
import { queueName, workloadOf } from './queues/kueue-admission.ts';

export const suspended: ObjectState = {
  id: 'A7',
  key: 'job.suspended',
  gate: 'released',
  severity: 'none',
  title: 'It is suspended',
  kinds: ['Job', 'JobSet', 'CronJob', ...customOwners],
  match: ({ object, kind, index }) => {
    const held =
      at(object, 'spec', 'suspend') === true ||
      at(object, 'spec', 'runPolicy', 'suspend') === true ||
      condition(object, 'Suspended')?.status === 'True';
    if (!held || queueName(object) !== '' || (kind !== 'CronJob' && workloadOf(index, object) !== undefined))
      return undefined;
    return { headline: 'suspended', since: condition(object, 'Suspended')?.at };
  },
};

/** A run of a CronJob that failed, and a later one that did not: history. */
function succeededSince(facts: ObjectFacts, failedAt: number | undefined): boolean {
  const cron = facts.index.owners(facts.object).find((owner) => owner.kind === 'CronJob');
  if (cron?.object === undefined || failedAt === undefined) return false;
  return (time(cron.object, 'status', 'lastSuccessfulTime') ?? 0) > failedAt;
}

export const failedJob: ObjectState = {
  id: 'I8',
  key: 'job.failed',
  gate: 'staysUp',
  severity: 'bad',
  title: 'The Job has failed',
  kinds: ['Job'],
  match: (facts) => {
    const failed = conditions(facts.object).find(
      (entry) => (entry.type === 'Failed' || entry.type === 'FailureTarget') && entry.status === 'True',
    );
    if (failed === undefined || failed.reason === 'DeadlineExceeded') return undefined;
    const reports = podsBelow(facts)
      .map((pod) => ({ pod, report: facts.reportOn(pod) }))
      .filter((entry) => entry.report.causes.length > 0)
      .sort((a, b) =>
        (a.pod.metadata?.creationTimestamp ?? '') < (b.pod.metadata?.creationTimestamp ?? '') ? -1 : 1,
      );
    const first = reports[0];
    const policy = failed.reason === 'PodFailurePolicy';
    const says =
      failed.reason === 'BackoffLimitExceeded'
        ? `the Job gave up after its ${count(facts.object, 'spec', 'backoffLimit') ?? 6} retries (${count(facts.object, 'status', 'failed') ?? 'all'} pods failed)`
        : policy
          ? `a pod failure policy ended the Job: ${failed.message}`
          : `the Job failed: ${failed.reason}: ${failed.message}`;
    const own = cause(
      `I8.${failed.reason === '' ? 'failed' : failed.reason}`,
      'proven',
      `${says}${reports.length > 0 ? '' : '; its pods are gone or not known, and with them their logs'}`,
      kubectl('Read what is left of its logs', 'read', facts.namespace, [
        'logs',
        `job/${facts.name}`,
        '--all-containers',
        '--tail=100',
      ]),
      kubectl(
        'Make it anew',
        'disruptive',
        facts.namespace,
        ['get', 'job', facts.name, '-o', 'yaml'],
        'remove .spec.selector and the controller-uid labels, then `kubectl replace --force -f`',
      ),
    );
    return {
      ...(succeededSince(facts, failed.at) ? { severity: 'none' as const } : {}),
      headline: `failed: ${failed.reason}${first === undefined ? `: ${brief(failed.message, 60)}` : `: ${brief(first.report.headline, 60)}`}`,
      since: failed.at,
      diagnose: () => ({
        causes:
          policy || first === undefined
            ? [own, ...(first?.report.causes.slice(0, 1) ?? [])]
            : [...first.report.causes.slice(0, 1), own],
        items: [
          item(
            'I8.condition',
            'staysUp',
            'The Job succeeds',
            'fail',
            evidence(
              failed.type,
              `${failed.reason}: ${failed.message}`,
              `status.conditions[${failed.type}]`,
              { at: failed.at },
            ),
          ),
          ...reports
            .slice(0, 5)
            .map(({ pod, report }) =>
              item(
                'I8.attempt',
                'staysUp',
                `Attempt ${nameOf(pod)}`,
                'fail',
                evidence(report.state, report.headline, undefined, { ref: refOf(pod) }),
              ),
            ),
        ],
        ...(policy || first === undefined ? {} : { explainedBy: refOf(first.pod) }),
      }),
    };
  },
};

export const failedIndexes: ObjectState = {
  id: 'I8',
  key: 'job.failed-indexes',
  gate: 'staysUp',
  severity: 'bad',
  title: 'Indexes of the Job have failed',
  kinds: ['Job'],
  match: (facts) => {
    const indexes = text(facts.object, 'status', 'failedIndexes');
    if (indexes === '') return undefined;
    return {
      headline: `failed indexes ${indexes}`,
      diagnose: () => ({
        causes: [
          cause(
            'I8.indexes',
            'proven',
            `indexes ${indexes} of the Job have failed for good`,
            kubectl('See its pods', 'read', facts.namespace, [
              'get',
              'pods',
              '-l',
              `batch.kubernetes.io/job-name=${facts.name}`,
            ]),
          ),
        ],
        items: [
          item(
            'I8.indexes',
            'staysUp',
            'All indexes succeed',
            'fail',
            evidence('failedIndexes', indexes, 'status.failedIndexes'),
          ),
        ],
      }),
    };
  },
};

export const jobDeadline: ObjectState = {
  id: 'I7',
  key: 'deadline.exceeded',
  gate: 'staysUp',
  severity: 'bad',
  title: 'The Job ran into its deadline',
  kinds: ['Job'],
  match: (facts) => {
    const failed = condition(facts.object, 'Failed');
    if (failed?.status !== 'True' || failed.reason !== 'DeadlineExceeded') return undefined;
    const seconds = count(facts.object, 'spec', 'activeDeadlineSeconds');
    return {
      headline: `ran into activeDeadlineSeconds${seconds === undefined ? '' : ` ${seconds}s`}`,
      since: failed.at,
      diagnose: () => ({
        causes: [
          cause(
            'I7.deadline',
            'proven',
            `the Job was ended after activeDeadlineSeconds${seconds === undefined ? '' : ` (${seconds}s)`}, waiting and pulling included`,
            kubectl('Make it anew with a longer deadline', 'disruptive', facts.namespace, [
              'get',
              'job',
              facts.name,
              '-o',
              'yaml',
            ]),
          ),
        ],
        items: [
          item(
            'I7.condition',
            'staysUp',
            'It ends within its deadline',
            'fail',
            evidence('Failed', failed.message, 'status.conditions[Failed]', { at: failed.at }),
          ),
        ],
      }),
    };
  },
};
