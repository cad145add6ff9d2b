import type { KubeObject } from '../../kube/object.ts';
import { kindOf, nameOf, refOf } from '../evidence-index.ts';
import { describe, kubectl } from '../fixes.ts';
import { lastWords, scan } from '../program-log.ts';
import { at, brief, condition, conditions, count, essence, list, record, span, text, time } from '../read.ts';
import { cause, evidence, item, type ObjectState, said } from '../state.ts';
import { customOwners, finishedWell, podOwners, podsBelow, worstOf } from './owner-facts.ts';

const controllers: Readonly<Record<string, readonly [label: string, value: string]>> = {
  PyTorchJob: ['app.kubernetes.io/name', 'training-operator'],
  TFJob: ['app.kubernetes.io/name', 'training-operator'],
  MPIJob: ['app', 'mpi-operator'],
  TrainJob: ['app.kubernetes.io/name', 'trainer'],
  JobSet: ['control-plane', 'controller-manager'],
  RayCluster: ['app.kubernetes.io/name', 'kuberay'],
  RayJob: ['app.kubernetes.io/name', 'kuberay'],
  LeaderWorkerSet: ['control-plane', 'controller-manager'],
  InferenceService: ['control-plane', 'kserve-controller-manager'],
};

/** The condition of a job operator's object that says what went wrong. */
function badCondition(
  object: KubeObject,
  kind: string,
):
  | {
      readonly type: string;
      readonly reason: string;
      readonly message: string;
      readonly at: number | undefined;
    }
  | undefined {
  const all = conditions(object);
  const failed = all.find(
    (entry) =>
      entry.status === 'True' &&
      /^(?:Failed|ReplicaFailure|ExclusivePlacementViolation|InvalidSpec)$/.test(entry.type),
  );
  if (failed !== undefined) return failed;
  if (/InferenceService$/.test(kind))
    return (
      all.find(
        (entry) =>
          entry.status === 'False' &&
          entry.type !== 'Stopped' &&
          !/Progress|NotReady$/.test(entry.reason) &&
          entry.type !== 'Ready',
      ) ?? all.find((entry) => entry.type === 'Ready' && entry.status === 'False')
    );
  return undefined;
}

/** Ray Serve's own words about an application that did not come up. */
function failedApplication(object: KubeObject): string {
  for (const side of ['pendingServiceStatus', 'activeServiceStatus'])
    for (const [name, status] of Object.entries(record(object, 'status', side, 'applicationStatuses')))
      if (/DEPLOY_FAILED|UNHEALTHY/.test(text(status, 'status')))
        return `application ${name} is ${text(status, 'status')}: ${text(status, 'message')}`;
  return '';
}

/** Argo and Spark say it in fields of their own, Argo with the node of the graph that failed first. */
function failedRun(object: KubeObject): string {
  const spark = text(object, 'status', 'applicationState', 'state');
  if (/^(?:FAILED|FAILING|SUBMISSION_FAILED|PENDING_RERUN)$/.test(spark))
    return `${spark}: ${text(object, 'status', 'applicationState', 'errorMessage') || 'no reason given'}`;
  if (!/^(?:Failed|Error)$/.test(text(object, 'status', 'phase'))) return '';
  const node = Object.values(record(object, 'status', 'nodes')).find(
    (entry) =>
      text(entry, 'type') === 'Pod' &&
      /^(?:Failed|Error)$/.test(text(entry, 'phase')) &&
      text(entry, 'message') !== '',
  );
  const own = text(object, 'status', 'message');
  return node === undefined
    ? `${text(object, 'status', 'phase')}: ${own || 'no reason given'}`
    : `${text(node, 'displayName') || text(node, 'name')}: ${text(node, 'message')}${own === '' ? '' : ` (${own})`}`;
}

/** Operators put the tail of a log behind their own words: what it gives away goes first, what came last second. */
function telling(words: string): string {
  const core = words.length <= 200 ? undefined : (scan(words)?.line ?? lastWords(words));
  // One long line: its head and its end, where the reason stands.
  if (core !== undefined && words.replace(/\s+/g, ' ').includes(core) && core.length > words.length / 2)
    return words.length <= 320 ? brief(words, 320) : `${brief(words, 160)} ${essence(words, 160)}`;
  return core === undefined ? brief(words, 200) : `${brief(words, 90)} ${brief(core, 160)}`;
}

export const operatorWaiting: ObjectState = {
  id: 'A8',
  key: 'ml.operator-waiting',
  gate: 'admitted',
  severity: 'bad',
  title: 'Its operator reports trouble, or does nothing',
  kinds: customOwners,
  match: (facts) => {
    const { object, kind, namespace, name } = facts;
    if (
      finishedWell(object) ||
      (!/^(?:Failed|Error)$/.test(text(object, 'status', 'phase')) &&
        conditions(object).some(
          (entry) => entry.status === 'True' && /^(?:Completed|Finished)$/.test(entry.type),
        ))
    )
      return undefined;
    const bad = badCondition(object, kind);
    const pods = podsBelow(facts);
    const worst = worstOf(facts, pods);
    // What an earlier revision failed of stays there when a later one has loaded.
    const loaded =
      text(object, 'status', 'modelStatus', 'transitionStatus') === 'UpToDate' &&
      condition(object, 'Ready')?.status !== 'False';
    const failure = loaded ? {} : record(object, 'status', 'modelStatus', 'lastFailureInfo');
    const exit = count(failure, 'exitCode');
    const model = [
      text(failure, 'message') || text(failure, 'reason'),
      exit === undefined || exit === 0 ? '' : `the model server ended with exit code ${exit}`,
      bad === undefined || bad.message === '' || bad.message === text(failure, 'message') ? '' : bad.message,
    ]
      .filter((entry, place) => entry !== '' && (place === 0 || Object.keys(failure).length > 0))
      .join('; ');
    const status =
      text(object, 'status', 'message') ||
      (text(object, 'status', 'state') === 'failed' ? text(object, 'status', 'reason') : '') ||
      (/Failed/.test(text(object, 'status', 'jobDeploymentStatus')) ? text(object, 'status', 'reason') : '');
    const event = facts.events.findLast(
      (entry) => entry.type === 'Warning' && !/^FailedScheduling$/.test(entry.reason),
    );
    const rayWaits = kind === 'RayJob' && text(object, 'status', 'jobStatus') === 'FAILED';
    const application = kind === 'RayService' ? failedApplication(object) : failedRun(object);
    const words =
      application !== ''
        ? application
        : model !== ''
          ? model
          : bad !== undefined
            ? `${bad.reason}: ${bad.message}`
            : rayWaits ||
                text(object, 'status', 'jobDeploymentStatus') === 'Failed' ||
                text(object, 'status', 'state') === 'failed'
              ? status
              : '';
    if (words !== '') {
      return {
        headline: `${bad?.type ?? 'failed'}: ${brief(model !== '' ? words : (worst?.report.headline ?? words), 90)}`,
        since: bad?.at,
        diagnose: () => ({
          causes: [
            ...(model === '' ? (worst?.report.causes.slice(0, 2) ?? []) : []),
            // What its pods say is the reason; that the operator counted them adds nothing.
            model === '' && (worst?.report.causes.length ?? 0) > 0
              ? undefined
              : cause(
                  `A8.${bad?.reason || text(failure, 'reason') || 'failed'}`,
                  'proven',
                  `the ${kind} says: ${telling(words)}`,
                  describe(kind, namespace, name),
                  event === undefined
                    ? undefined
                    : kubectl('See its events', 'read', namespace, [
                        'get',
                        'events',
                        '--field-selector',
                        `involvedObject.name=${name}`,
                      ]),
                ),
          ].filter((entry) => entry !== undefined),
          items: [
            item(
              'A8.condition',
              'admitted',
              'Its operator reports no trouble',
              'fail',
              evidence(
                bad?.type ?? 'status',
                words,
                bad === undefined ? 'status' : `status.conditions[${bad.type}]`,
                { at: bad?.at },
              ),
            ),
            ...(event === undefined ? [] : [item('A8.event', 'admitted', 'Its events', 'warn', said(event))]),
          ],
          ...(worst === undefined || (model !== '' && worst.report.causes[0]?.verdict === 'possible')
            ? {}
            : { explainedBy: refOf(worst.pod) }),
        }),
      };
    }
    if (worst !== undefined || pods.length > 0) return undefined;
    // What it made in its turn may be what is stuck.
    const children = facts.index.children(object);
    const below = children.filter((child) => [...podOwners, ...customOwners].includes(kindOf(child)));
    const stuck = worstOf(facts, below);
    if (stuck !== undefined)
      return {
        headline: brief(`${kindOf(stuck.pod)} ${nameOf(stuck.pod)}: ${stuck.report.headline}`, 100),
        severity: stuck.report.severity,
        diagnose: () => ({
          causes: stuck.report.causes,
          items: [
            item(
              'A8.below',
              'admitted',
              'What it made is well',
              'fail',
              evidence(nameOf(stuck.pod), stuck.report.headline, undefined, { ref: refOf(stuck.pod) }),
            ),
          ],
          explainedBy: refOf(stuck.pod),
        }),
      };
    const age = facts.now - (time(object, 'metadata', 'creationTimestamp') ?? facts.now);
    const seen = at(object, 'status') !== undefined && Object.keys(record(object, 'status')).length > 0;
    const suspendedNow =
      at(object, 'spec', 'suspend') === true ||
      at(object, 'spec', 'runPolicy', 'suspend') === true ||
      condition(object, 'Suspended')?.status === 'True' ||
      (kind === 'InferenceService' && condition(object, 'Ready')?.status === 'True');
    if (
      suspendedNow ||
      age < 60_000 ||
      ((seen || children.length > 0) && event === undefined) ||
      !(facts.index.listed('Pod') || !seen)
    )
      return undefined;
    if (event !== undefined)
      return {
        headline: `${event.reason}: ${brief(event.message, 80)}`,
        since: event.first,
        diagnose: () => ({
          causes: [
            cause(
              'A8.event',
              'likely',
              `its operator reports ${event.reason}: ${brief(event.message, 200)}`,
              describe(kind, namespace, name),
            ),
          ],
          items: [item('A8.event', 'admitted', 'Its operator makes its pods', 'fail', said(event))],
        }),
      };
    const [label, value] = controllers[kind] ?? ['', ''];
    return {
      headline: `no pods after ${span(age)}: its controller has not looked at it`,
      since: time(object, 'metadata', 'creationTimestamp'),
      diagnose: () => ({
        causes: [
          cause(
            'A8.no-controller',
            'likely',
            `the ${kind} has no status and no pods after ${span(age)}: the controller for it is not installed or does not run${text(object, 'spec', 'managedBy') === '' ? '' : ` (managedBy ${text(object, 'spec', 'managedBy')})`}`,
            kubectl('See whether its controller runs', 'read', '', [
              'get',
              'pods',
              '-A',
              ...(label === '' ? [] : ['-l', `${label}=${value}`]),
            ]),
            describe(kind, namespace, name),
          ),
        ],
        items: [
          item(
            'A8.status',
            'admitted',
            'Its controller has seen it',
            'fail',
            evidence('status', 'empty', 'status'),
          ),
        ],
      }),
    };
  },
};

/** A gang of which part runs and part waits: the ones that run burn their GPUs (gpu.md 5.12). */
export const halfPending: ObjectState = {
  id: 'B4',
  key: 'gang.half-pending',
  gate: 'released',
  severity: 'bad',
  title: 'Part of the gang runs, part waits',
  kinds: ['PyTorchJob', 'TFJob', 'MPIJob', 'XGBoostJob', 'JobSet', 'TrainJob', 'LeaderWorkerSet', 'Job'],
  match: (facts) => {
    if (
      facts.kind === 'Job' &&
      (text(facts.object, 'spec', 'completionMode') !== 'Indexed' ||
        (count(facts.object, 'spec', 'parallelism') ?? 1) < 2)
    )
      return undefined;
    const pods = podsBelow(facts).filter((pod) => time(pod, 'metadata', 'deletionTimestamp') === undefined);
    const running = pods.filter((pod) => text(pod, 'status', 'phase') === 'Running');
    const waiting = pods.filter(
      (pod) => text(pod, 'spec', 'nodeName') === '' && text(pod, 'status', 'phase') === 'Pending',
    );
    const gpus = JSON.stringify(
      running.map((pod) =>
        list(pod, 'spec', 'containers').map((container) => record(container, 'resources', 'limits')),
      ),
    ).match(/gpu|gaudi|neuron|tpu|mig-/);
    if (running.length === 0 || waiting.length === 0 || gpus === null) return undefined;
    const worst = worstOf(facts, waiting);
    if (worst === undefined) return undefined;
    const since = Math.min(...waiting.map((pod) => time(pod, 'metadata', 'creationTimestamp') ?? facts.now));
    if (facts.now - since < 60_000) return undefined;
    return {
      headline: `half pending: ${running.length} run, ${waiting.length} wait: ${brief(worst.report.headline, 60)}`,
      since,
      diagnose: () => ({
        causes: [
          ...worst.report.causes,
          cause(
            'B4.half-pending',
            'proven',
            `${running.length} of its pods run and hold their GPUs while ${waiting.length} wait for a node: the job cannot start until all run`,
            describe('pod', facts.namespace, nameOf(worst.pod)),
          ),
        ],
        items: [
          item(
            'B4.gang',
            'released',
            'All of the gang runs',
            'fail',
            evidence('running', running.map(nameOf).slice(0, 5).join(', ')),
            evidence('waiting', waiting.map(nameOf).slice(0, 5).join(', ')),
          ),
        ],
        explainedBy: refOf(worst.pod),
      }),
    };
  },
};
