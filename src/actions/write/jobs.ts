import type { KubeObject } from '../../kube/object.ts';
import type { CronJobRow } from '../../resources/cronjobs.ts';
import { record } from '../../resources/fields.ts';
import type { JobRow } from '../../resources/jobs.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { inNamespace } from '../kubectl.ts';
import { kindOf } from './delete.ts';
import { wordsOf } from './flow.ts';
import { nameOf } from './impact.ts';
import { creation, objectAt, objectPath, patching } from './plan.ts';
import { noRow, writeAction } from './write-action.ts';

type Suspendable = Pick<JobRow, 'uid' | 'namespace' | 'name' | 'createdAt' | 'version' | 'suspended'> & {
  readonly active?: number;
  readonly labels: JobRow['labels'];
  readonly completedAt?: number | undefined;
};

const rowsOf = ({ rows }: ActionContext): readonly Suspendable[] => rows as unknown as readonly Suspendable[];

const patchText = (suspend: boolean): string => JSON.stringify({ spec: { suspend } });

/** `s` turns it: what is suspended resumes, the rest is suspended. */
export const suspendJob: Action = writeAction({
  id: 'suspend-job',
  keys: ['s'],
  title: 'suspend or resume',
  places: ['jobs', 'cronjobs'],
  risk: 'reversible',
  whyNot: (context) =>
    noRow(context) ??
    (rowsOf(context).some(({ completedAt }) => completedAt !== undefined)
      ? 'A finished Job cannot be suspended.'
      : undefined),
  kubectl: (context) => {
    const kind = kindOf(context);
    const [row] = rowsOf(context);
    return kind === undefined || row === undefined
      ? undefined
      : [
          ...inNamespace(row.namespace),
          'patch',
          `${kind.kind.toLowerCase()}/${row.name}`,
          '-p',
          patchText(!row.suspended),
        ];
  },
  plan(context) {
    const resource = kindOf(context);
    const rows = rowsOf(context);
    const [first] = rows;
    if (resource === undefined || first === undefined) return undefined;
    const suspend = !first.suspended;
    const isJob = resource.name === 'jobs';
    const verb = suspend ? 'Suspend' : 'Resume';
    const queued = rows.find((row) => row.labels['kueue.x-k8s.io/queue-name'] !== undefined);
    const what = rows.length === 1 ? first.name : `${rows.length} ${resource.name}`;
    return {
      action: 'suspend-job',
      title: `${verb} ${rows.length === 1 ? resource.kind.toLowerCase() : what}`,
      verb,
      // Suspending a Job deletes its pods: what they had not saved is lost.
      risk: suspend && isJob && rows.some((row) => (row.active ?? 0) > 0) ? 'disruptive' : 'reversible',
      names: rows.map((row) => nameOf(resource.kind, row)),
      toType:
        rows.length === 1
          ? { what: 'name', text: first.name }
          : { what: 'number', text: String(rows.length) },
      impact: [
        ...rows
          .filter((row) => isJob && suspend && (row.active ?? 0) > 0)
          .slice(0, 8)
          .map((row) => ({
            label: 'effect',
            text: `${row.name}: its ${row.active} running pods are deleted`,
            tone: 'warn' as const,
          })),
        ...(isJob
          ? []
          : [
              {
                label: 'effect',
                text: suspend ? 'no new Jobs until it is resumed' : 'Jobs start on schedule again',
              },
            ]),
        ...(queued === undefined
          ? []
          : [
              {
                label: 'note',
                text: `queue ${queued.labels['kueue.x-k8s.io/queue-name']} decides when it runs; Kueue may turn this back`,
                tone: 'warn' as const,
              },
            ]),
      ],
      kubectl: [
        ...inNamespace(first.namespace),
        'patch',
        `${resource.kind.toLowerCase()}/${first.name}`,
        '-p',
        patchText(suspend),
      ],
      operations: rows.map((row) => patching(objectAt(resource, row), 'merge', { spec: { suspend } })),
      done: `${verb === 'Suspend' ? 'Suspended' : 'Resumed'} ${what}.`,
      undo: `Undo: s ${suspend ? 'resumes' : 'suspends'} it.`,
    };
  },
});

/** A name that a Job can have: 52 of 63 characters, since its pods add to it. */
const jobName = (cron: string, nowMs: number): string =>
  `${cron.slice(0, 42)}-manual-${(nowMs % 46_656).toString(36)}`;

export const triggerCronJob: Action = writeAction({
  id: 'trigger',
  keys: ['t'],
  title: 'trigger: run its Job now',
  places: ['cronjobs'],
  risk: 'reversible',
  whyNot: noRow,
  kubectl: ({ row }) =>
    row === undefined
      ? undefined
      : [...inNamespace(row.namespace), 'create', 'job', `${row.name}-manual`, `--from=cronjob/${row.name}`],
  async plan(context) {
    const resource = kindOf(context);
    const row = context.row as CronJobRow | undefined;
    const read = context.hands.access()?.read;
    if (resource === undefined || row === undefined || read === undefined) return undefined;
    let cron: KubeObject;
    try {
      cron = await read.json({ path: objectPath(resource, row) });
    } catch (error) {
      say(context, wordsOf(error), 'bad');
      return undefined;
    }
    const template = record(record(cron['spec'])['jobTemplate']);
    const metadata = record(template['metadata']);
    const name = jobName(row.name, context.hands.clock());
    const job: KubeObject = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: {
        name,
        namespace: row.namespace,
        ...(metadata['labels'] === undefined
          ? {}
          : { labels: metadata['labels'] as Readonly<Record<string, string>> }),
        annotations: {
          ...(metadata['annotations'] as Readonly<Record<string, string>> | undefined),
          'cronjob.kubernetes.io/instantiate': 'manual',
        },
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'CronJob', name: row.name, uid: row.uid, controller: true },
        ],
      },
      spec: template['spec'],
    };
    return {
      action: 'trigger',
      title: 'Run a Job now',
      verb: 'Trigger',
      risk: 'reversible',
      names: [`job ${row.namespace}/${name} from cronjob ${row.name}`],
      toType: { what: 'cronjob name', text: row.name },
      impact: [
        ...(row.active > 0
          ? [
              {
                label: 'note',
                text: `${row.active} of its Jobs run now; its policy ${row.concurrencyPolicy} does not hold this one back`,
                tone: 'warn' as const,
              },
            ]
          : []),
      ],
      kubectl: [...inNamespace(row.namespace), 'create', 'job', name, `--from=cronjob/${row.name}`],
      operations: [
        creation(
          { group: 'batch', version: 'v1', resource: 'jobs', namespace: row.namespace, name, uid: '' },
          job,
        ),
      ],
      done: `Started job ${name}.`,
      undo: 'Undo: delete the Job.',
    };
  },
});
