import type { KubeObject } from '../../kube/object.ts';
import { type Happening, kindOf, labelsOf, nameOf, refOf, selects } from '../evidence-index.ts';
import { describe, getObject, kubectl, managerOf } from '../fixes.ts';
import {
  at,
  brief,
  condition,
  conditions,
  count,
  list,
  nearNames,
  record,
  span,
  strings,
  text,
  time,
} from '../read.ts';
import type { Cause, Item } from '../report.ts';
import {
  cause,
  evidence,
  item,
  type Match,
  type ObjectFacts,
  type ObjectState,
  said,
  unknown,
} from '../state.ts';
import { queueName, workloadOf } from './queues.ts';

const podOwners = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'ReplicationController'];
const customOwners = [
  'JobSet',
  'PyTorchJob',
  'TFJob',
  'MPIJob',
  'XGBoostJob',
  'PaddleJob',
  'JAXJob',
  'TrainJob',
  'RayCluster',
  'RayJob',
  'RayService',
  'LeaderWorkerSet',
  'InferenceService',
  'LLMInferenceService',
  'Workflow',
  'NodeSet',
  'SparkApplication',
  'Notebook',
];

/** The ReplicaSet of the newest revision that is meant to have pods. */
function newestReplicaSet(facts: ObjectFacts): KubeObject | undefined {
  const sets = facts.index.children(facts.object).filter((child) => kindOf(child) === 'ReplicaSet');
  const revision = (set: KubeObject): number =>
    Number(strings(set, 'metadata', 'annotations')['deployment.kubernetes.io/revision'] ?? 0);
  return [...sets].sort(
    (a, b) =>
      revision(b) - revision(a) ||
      ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? 1 : -1),
  )[0];
}

/** Pods below an owner, through ReplicaSets and Jobs. */
function podsBelow(facts: ObjectFacts, object: KubeObject = facts.object, depth = 0): readonly KubeObject[] {
  if (depth > 4) return [];
  const children = facts.index.children(object);
  const direct = children.flatMap((child) =>
    kindOf(child) === 'Pod' ? [child] : podsBelow(facts, child, depth + 1),
  );
  if (direct.length > 0 || depth > 0) return direct;
  // Owners pasted without uids, or pods that only labels tie to them.
  const selector = strings(object, 'spec', 'selector', 'matchLabels');
  const labelled =
    Object.keys(selector).length > 0
      ? (pod: KubeObject): boolean => selects(selector, labelsOf(pod))
      : jobLabel(object);
  return labelled === undefined ? [] : facts.index.inNamespace('Pod', facts.namespace).filter(labelled);
}

function jobLabel(object: KubeObject): ((pod: KubeObject) => boolean) | undefined {
  const keys: Readonly<Record<string, readonly string[]>> = {
    Job: ['batch.kubernetes.io/job-name', 'job-name'],
    JobSet: ['jobset.sigs.k8s.io/jobset-name'],
    TrainJob: ['jobset.sigs.k8s.io/jobset-name'],
    RayCluster: ['ray.io/cluster'],
    LeaderWorkerSet: ['leaderworkerset.sigs.k8s.io/name'],
    InferenceService: ['serving.kserve.io/inferenceservice'],
    Workflow: ['workflows.argoproj.io/workflow'],
  };
  const names =
    keys[kindOf(object)] ?? (/Job$/.test(kindOf(object)) ? ['training.kubeflow.org/job-name'] : []);
  return names.length === 0 ? undefined : (pod) => names.some((key) => labelsOf(pod)[key] === nameOf(object));
}

interface Wanted {
  readonly desired: number;
  readonly actual: number;
}

/** Pods that an owner wants and has; undefined when that cannot be told. */
function wantedOf(facts: ObjectFacts): Wanted | undefined {
  const { object, kind } = facts;
  switch (kind) {
    case 'Deployment':
    case 'ReplicaSet':
    case 'ReplicationController':
    case 'StatefulSet':
      return {
        desired: count(object, 'spec', 'replicas') ?? 1,
        actual: count(object, 'status', 'replicas') ?? 0,
      };
    case 'DaemonSet':
      return {
        desired: count(object, 'status', 'desiredNumberScheduled') ?? 0,
        actual: count(object, 'status', 'currentNumberScheduled') ?? 0,
      };
    case 'Job': {
      if (condition(object, 'Complete')?.status === 'True' || condition(object, 'Failed')?.status === 'True')
        return undefined;
      const done = count(object, 'status', 'succeeded') ?? 0;
      return {
        desired: Math.min(
          count(object, 'spec', 'parallelism') ?? 1,
          Math.max(0, (count(object, 'spec', 'completions') ?? 1) - done),
        ),
        actual: count(object, 'status', 'active') ?? 0,
      };
    }
    default:
      return undefined;
  }
}

interface Refusal {
  readonly message: string;
  readonly event: Happening | undefined;
  readonly holder: KubeObject;
  readonly path: string | undefined;
}

const refusals = new WeakMap<ObjectFacts, Refusal | 'none'>();

const createFailures = ['FailedCreate', 'FailedCreatePod', 'FailedCreatePodSandBox_'];

/**
 * Why no pod could be created: the newest event, since the ReplicaFailure condition is written once and keeps the
 * numbers of the first refusal (checklist.md 3.1, A1).
 */
function refusalOf(facts: ObjectFacts): Refusal | undefined {
  const known = refusals.get(facts);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = findRefusal(facts);
  refusals.set(facts, found ?? 'none');
  return found;
}

function findRefusal(facts: ObjectFacts): Refusal | undefined {
  const wanted = wantedOf(facts);
  const holders =
    facts.kind === 'Deployment'
      ? [newestReplicaSet(facts), facts.object].filter((entry) => entry !== undefined)
      : [facts.object];
  for (const holder of holders) {
    const events = facts.index.events(holder);
    const event = events.findLast(
      (entry) =>
        (createFailures.includes(entry.reason) || /^FailedToCreate.*Pod$/.test(entry.reason)) &&
        /forbidden|denied|failed calling webhook|not found|exceeded|[Ff]ailed|[Ee]rror|[Ii]nvalid/.test(
          entry.message,
        ),
    );
    const failure = condition(holder, 'ReplicaFailure');
    if (event === undefined && failure?.status !== 'True') continue;
    const success = events.findLast((entry) => entry.reason === 'SuccessfulCreate');
    if (wanted !== undefined && wanted.actual >= wanted.desired) return undefined;
    if (
      wanted === undefined &&
      event !== undefined &&
      success !== undefined &&
      (success.last ?? 0) > (event.last ?? 0)
    )
      return undefined;
    return {
      message: event?.message ?? failure?.message ?? '',
      event,
      holder,
      path: event === undefined ? 'status.conditions[ReplicaFailure].message' : undefined,
    };
  }
  return undefined;
}

const clean = (message: string): string =>
  message
    .replace(/^\(combined from similar events\): /, '')
    .replace(/^(?:[Cc]reate Pod \S+ in StatefulSet \S+ failed error: |Error creating(?: job)?: )/, '')
    .replace(/^jobs\.batch "[^"]*" is forbidden: /, '')
    .replace(/^pods "[^"]*" is forbidden: /, '');

/** Editing the template, where it can be edited. */
function editTemplate(facts: ObjectFacts, what: string): ReturnType<typeof kubectl> {
  const { kind, namespace, name, object } = facts;
  const manager = managerOf(object);
  const note =
    manager === undefined
      ? undefined
      : `${manager} manages this object and will revert the edit: change its source`;
  if (kind === 'Job')
    return kubectl(
      `${what}: a Job's template is immutable; edit a copy and replace it`,
      'disruptive',
      namespace,
      ['get', 'job', name, '-o', 'yaml'],
      'then `kubectl replace --force -f` the copy',
    );
  const owner = facts.index.owners(object)[0];
  return kubectl(
    what,
    'reversible',
    namespace,
    owner === undefined ? ['edit', kind.toLowerCase(), name] : ['edit', owner.kind.toLowerCase(), owner.name],
    note,
  );
}

const table = (words: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    words
      .split(',')
      .map((entry) => entry.split('='))
      .filter((pair) => pair.length === 2)
      .map(([key = '', value = '']) => [key.trim(), value.trim()]),
  );

type Reading = {
  readonly headline: string;
  readonly causes: readonly Cause[];
  readonly items?: readonly Item[];
};

const quota = /exceeded quota: ([^,\s]+), requested: (.*?), used: (.*?), limited: (.*)$/;

function readQuota(facts: ObjectFacts, message: string): Reading | undefined {
  const found = quota.exec(message);
  if (found === null) return undefined;
  const [, name = '', requested = '', used = '', limited = ''] = found;
  const [asks, has, may] = [table(requested), table(used), table(limited)];
  const object = facts.index.get('ResourceQuota', facts.namespace, name);
  const now = (resource: string): string => text(object, 'status', 'used', resource) || has[resource] || '?';
  const lines = Object.keys(asks).map(
    (resource) => `${resource}: asks ${asks[resource]}, ${now(resource)} of ${may[resource] ?? '?'} used`,
  );
  return {
    headline: `quota ${name} exceeded: ${brief(lines.join('; '), 80)}`,
    causes: [
      cause(
        'A1.quota',
        'proven',
        `no pod can be created: ResourceQuota ${name} in namespace ${facts.namespace} is exceeded (${lines.join('; ')}); the controller tries again by itself`,
        describe('resourcequota', facts.namespace, name),
        kubectl('Make room: scale something down', 'disruptive', facts.namespace, [
          'get',
          'deployments,statefulsets,jobs',
        ]),
        editTemplate(facts, 'Ask for less'),
      ),
    ],
    items: [
      object === undefined
        ? unknown('A1.now', 'admitted', 'The quota as it is now', 'notWatched')
        : item(
            'A1.now',
            'admitted',
            'The quota as it is now',
            'info',
            ...Object.keys(may).map((resource) =>
              evidence(
                resource,
                `${text(object, 'status', 'used', resource)} of ${text(object, 'status', 'hard', resource)}`,
                'status.used',
                { ref: { kind: 'ResourceQuota', namespace: facts.namespace, name } },
              ),
            ),
          ),
    ],
  };
}

function readMustSpecify(facts: ObjectFacts, message: string): Reading | undefined {
  const found = /failed quota: (\S+): must specify (.*)$/.exec(message);
  if (found === null) return undefined;
  return {
    headline: `quota ${found[1]} wants ${brief(found[2] ?? '', 60)}`,
    causes: [
      cause(
        'A2.must-specify',
        'proven',
        `no pod can be created: quota ${found[1]} demands that every container sets ${found[2]}, and the template does not`,
        editTemplate(facts, 'Set the missing requests and limits'),
        describe('resourcequota', facts.namespace, found[1] ?? ''),
        getObject('See whether a LimitRange gives defaults', 'limitranges', facts.namespace),
      ),
    ],
  };
}

function readLimitRange(facts: ObjectFacts, message: string): Reading | undefined {
  const rules = [
    ...message.matchAll(
      /(maximum|minimum) (\S+) usage per (\w+) is (\S+?), but (limit|request) is (\S+?)(?=[,.\]]|$)|(\S+) max limit to request ratio per (\w+) is (\S+?), but provided ratio is (\S+?)(?=[,.\]]|$)|(?:maximum|minimum) (\S+) usage per (\w+) is (\S+?)\.\s+No (limit|request) is specified/g,
    ),
  ];
  if (rules.length === 0) return undefined;
  const words = rules.map((rule) => rule[0]).join('; ');
  return {
    headline: `LimitRange: ${brief(words, 80)}`,
    causes: [
      cause(
        'A3.limit-range',
        'proven',
        `no pod can be created: a LimitRange of namespace ${facts.namespace} forbids it: ${words}`,
        editTemplate(facts, 'Ask for an amount within the range'),
        kubectl('See the ranges', 'read', facts.namespace, ['describe', 'limitranges']),
      ),
    ],
  };
}

function readWebhook(facts: ObjectFacts, message: string): Reading | undefined {
  const denied = /admission webhook "([^"]+)" denied the request: ([\s\S]*)/.exec(message);
  if (denied !== null)
    return {
      headline: `webhook ${denied[1]} denies its pods: ${brief(denied[2] ?? '', 60)}`,
      causes: [
        cause(
          'A4.denied',
          'proven',
          `no pod can be created: admission webhook ${denied[1]} denies it: ${brief(denied[2] ?? '', 200)}`,
          editTemplate(facts, 'Comply with the policy'),
          kubectl('See the webhook', 'read', '', [
            'get',
            'validatingwebhookconfigurations,mutatingwebhookconfigurations',
          ]),
        ),
      ],
    };
  const policy = /ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request: (.*)/.exec(
    message,
  );
  if (policy !== null)
    return {
      headline: `policy ${policy[1]} denies its pods: ${brief(policy[3] ?? '', 60)}`,
      causes: [
        cause(
          'A4.policy',
          'proven',
          `no pod can be created: admission policy ${policy[1]} denies it: ${brief(policy[3] ?? '', 200)}`,
          editTemplate(facts, 'Comply with the policy'),
          describe('validatingadmissionpolicy', '', policy[1] ?? ''),
        ),
      ],
    };
  const failed = /failed calling webhook "([^"]+)": (?:failed to call webhook: )?([\s\S]*)/.exec(message);
  if (failed === null) return undefined;
  const service = /https?:\/\/([\w-]+)\.([\w-]+)\.svc/.exec(message);
  const words = failed[2] ?? '';
  const why = /service "[^"]+" not found/.test(words)
    ? `its Service ${service?.[2] ?? ''}/${service?.[1] ?? ''} does not exist`
    : /no endpoints available/.test(words)
      ? 'its Service has no ready pod'
      : /x509|certificate/.test(words)
        ? 'its certificate is not accepted'
        : /connection refused/.test(words)
          ? 'its pod refuses the connection'
          : /deadline exceeded|timeout/i.test(words)
            ? 'it does not answer in time'
            : brief(words, 120);
  return {
    headline: `webhook ${failed[1]} cannot be reached: ${brief(why, 50)}`,
    causes: [
      cause(
        'A4.unreachable',
        'proven',
        `no pod can be created: admission webhook ${failed[1]} cannot be called: ${why}`,
        service === null
          ? undefined
          : getObject("See the webhook's service and pods", 'services,endpointslices,pods', service[2] ?? ''),
        kubectl('See the webhook', 'read', '', [
          'get',
          'validatingwebhookconfigurations,mutatingwebhookconfigurations',
        ]),
      ),
    ],
    items: [
      item(
        'A4.message',
        'admitted',
        'The webhook answers',
        'fail',
        evidence('API server says', brief(words, 200)),
      ),
    ],
  };
}

function readPodSecurity(facts: ObjectFacts, message: string): Reading | undefined {
  const found = /violates PodSecurity "([\w-]+):([\w.-]+)": (.*)$/.exec(message);
  if (found === null) return undefined;
  const violations = (found[3] ?? '').split(/\), /).map((entry) =>
    entry
      .replace(/\($|\)$/, '')
      .replace(/ \(.*$/, '')
      .trim(),
  );
  return {
    headline: `Pod Security ${found[1]}: ${brief(violations.join(', '), 70)}`,
    causes: [
      cause(
        'A5.pod-security',
        'proven',
        `no pod can be created: Pod Security "${found[1]}" of namespace ${facts.namespace} forbids it: ${violations.join(', ')}`,
        editTemplate(facts, 'Set the securityContext that is asked for'),
        kubectl('See the level of the namespace', 'read', '', [
          'get',
          'namespace',
          facts.namespace,
          '--show-labels',
        ]),
      ),
    ],
    items: [
      item(
        'A5.violations',
        'admitted',
        'It meets the Pod Security level',
        'fail',
        evidence('violations', found[3] ?? ''),
      ),
    ],
  };
}

function readReference(facts: ObjectFacts, message: string): Reading | undefined {
  const account = /error looking up service account (\S+?)\/(\S+?): serviceaccount "([^"]+)" not found/.exec(
    message,
  );
  const priority = /no PriorityClass with name (\S+) was found/.exec(message);
  const runtime = /RuntimeClass "([^"]+)" not found/.exec(message);
  const [kind, name] =
    account !== null
      ? ['ServiceAccount', account[3] ?? '']
      : priority !== null
        ? ['PriorityClass', priority[1] ?? '']
        : runtime !== null
          ? ['RuntimeClass', runtime[1] ?? '']
          : ['', ''];
  if (kind === undefined || kind === '') {
    const rights = /forbidden: (User "[^"]+" cannot .*)$/.exec(message);
    return rights === null
      ? undefined
      : {
          headline: `its controller may not: ${brief(rights[1] ?? '', 60)}`,
          causes: [
            cause(
              'A6.rights',
              'proven',
              `no pod can be created: the controller lacks a right: ${rights[1]}`,
              getObject('See the roles', 'rolebindings', facts.namespace),
            ),
          ],
        };
  }
  const namespace = kind === 'ServiceAccount' ? facts.namespace : '';
  const near = nearNames(name ?? '', facts.index.inNamespace(kind, namespace).map(nameOf));
  return {
    headline: `${kind} ${name} does not exist`,
    causes: [
      cause(
        `A6.${kind.toLowerCase()}`,
        'proven',
        `no pod can be created: the ${kind} ${name} does not exist${namespace === '' ? '' : ` in namespace ${namespace}`}${near.length > 0 ? `; there is ${near.join(', ')}` : ''}`,
        kind === 'ServiceAccount'
          ? kubectl('Create it', 'reversible', namespace, ['create', 'serviceaccount', name ?? ''])
          : getObject(`See what there is`, kind.toLowerCase(), ''),
        editTemplate(facts, `Name another ${kind}`),
      ),
    ],
  };
}

type Reader = (facts: ObjectFacts, message: string) => Reading | undefined;
const readers: readonly Reader[] = [
  readQuota,
  readMustSpecify,
  readLimitRange,
  readPodSecurity,
  readWebhook,
  readReference,
];

/** Refused for a reason of its own: an invalid template, a name taken, a namespace that ends. */
function readOther(facts: ObjectFacts, message: string): Reading | undefined {
  if (readers.some((read) => read(facts, message) !== undefined)) return undefined;
  const words = clean(message);
  const [id, says] = /namespace .* is being terminated|because it is being terminated/.test(message)
    ? ['A6.namespace', `namespace ${facts.namespace} is being deleted`]
    : /is invalid: (.*)/.test(message)
      ? ['A6.invalid', `the template is invalid: ${brief(/is invalid: (.*)/.exec(message)?.[1] ?? '', 200)}`]
      : ['A6.refused', brief(words, 200)];
  return {
    headline: `pods are refused: ${brief(says ?? '', 80)}`,
    causes: [
      cause(
        id ?? 'A6',
        'proven',
        `no pod can be created: ${says}`,
        editTemplate(facts, 'Correct the template'),
        describe(facts.kind, facts.namespace, facts.name),
      ),
    ],
  };
}

const refused = (
  id: string,
  key: string,
  title: string,
  read: (facts: ObjectFacts, message: string) => Reading | undefined,
): ObjectState => ({
  id,
  key,
  title,
  gate: 'admitted',
  severity: 'bad',
  kinds: [...podOwners, ...customOwners, 'CronJob'],
  match: (facts): Match | undefined => {
    const refusal = refusalOf(facts);
    const built = refusal && read(facts, refusal.message);
    if (refusal === undefined || built === undefined) return undefined;
    const wanted = wantedOf(facts);
    const owner = facts.kind === 'ReplicaSet' ? facts.index.owners(facts.object)[0]?.object : undefined;
    return {
      headline: `${facts.kind === 'CronJob' ? 'no Job' : wanted === undefined || wanted.actual === 0 ? 'no pod' : `${wanted.actual} of ${wanted.desired} pods`}: ${built.headline}`,
      since: refusal.event?.first ?? condition(refusal.holder, 'ReplicaFailure')?.at,
      diagnose: () => ({
        causes:
          facts.kind === 'CronJob'
            ? built.causes.map((entry) => ({
                ...entry,
                text: entry.text.replace(/^no pod can be created/, 'no Job can be created'),
              }))
            : built.causes,
        items: [
          item(
            `${id}.message`,
            'admitted',
            'Its pods are admitted',
            'fail',
            refusal.event === undefined
              ? evidence('condition ReplicaFailure', refusal.message, refusal.path)
              : said(refusal.event),
            ...(wanted === undefined
              ? []
              : [evidence('pods', `${wanted.actual} of ${wanted.desired}`, 'status')]),
          ),
          ...(built.items ?? []),
        ],
        ...(owner === undefined ? {} : { explainedBy: refOf(owner) }),
      }),
    };
  },
});

const suspended: ObjectState = {
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

const failedJob: ObjectState = {
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

const failedIndexes: ObjectState = {
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

const jobDeadline: ObjectState = {
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

const stuckRollout: ObjectState = {
  id: 'J17',
  key: 'rollout.stuck',
  gate: 'ready',
  severity: 'bad',
  title: 'The rollout does not move',
  kinds: ['Deployment'],
  match: (facts) => {
    const progressing = condition(facts.object, 'Progressing');
    if (progressing?.status !== 'False' || progressing.reason !== 'ProgressDeadlineExceeded')
      return undefined;
    const set = newestReplicaSet(facts);
    const pods =
      set === undefined
        ? podsBelow(facts)
        : facts.index.children(set).filter((child) => kindOf(child) === 'Pod');
    const worst = worstOf(facts, pods);
    return {
      headline: `rollout stuck: ${brief(worst?.report.headline ?? progressing.message, 80)}`,
      since: progressing.at,
      diagnose: () => ({
        causes: [
          ...(worst?.report.causes ?? []),
          ...(worst !== undefined
            ? []
            : [
                cause(
                  'J17.stuck',
                  'proven',
                  `the rollout made no progress within its deadline: ${brief(progressing.message, 120)}`,
                  kubectl('Go back to the revision before', 'disruptive', facts.namespace, [
                    'rollout',
                    'undo',
                    `deployment/${facts.name}`,
                  ]),
                  describe('deployment', facts.namespace, facts.name),
                ),
              ]),
        ],
        items: [
          item(
            'J17.condition',
            'ready',
            'The rollout moves',
            'fail',
            evidence(
              'Progressing',
              `${progressing.reason}: ${progressing.message}`,
              'status.conditions[Progressing]',
              { at: progressing.at },
            ),
          ),
        ],
        ...(worst === undefined ? {} : { explainedBy: refOf(worst.pod) }),
      }),
    };
  },
};

/** Unavailable for minutes, and nothing is known of its pods. */
const unavailable: ObjectState = {
  id: 'J17',
  key: 'deployment.unavailable',
  gate: 'ready',
  severity: 'bad',
  title: 'Its replicas are not available',
  kinds: ['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'],
  match: (facts) => {
    const available = condition(facts.object, 'Available');
    const wanted =
      facts.kind === 'DaemonSet'
        ? (count(facts.object, 'status', 'desiredNumberScheduled') ?? 0)
        : (count(facts.object, 'spec', 'replicas') ?? 1);
    const has =
      count(facts.object, 'status', 'readyReplicas') ?? count(facts.object, 'status', 'numberReady') ?? 0;
    const since = available?.at ?? time(facts.object, 'metadata', 'creationTimestamp');
    if (
      at(facts.object, 'status') === undefined ||
      wanted === 0 ||
      has > 0 ||
      podsBelow(facts).length > 0 ||
      facts.index.listed('Pod') ||
      facts.now - (since ?? facts.now) < 120_000
    )
      return undefined;
    if (facts.kind === 'ReplicaSet' && facts.index.owners(facts.object)[0]?.object !== undefined)
      return undefined;
    return {
      headline: `0 of ${wanted} ready, its pods are not known`,
      since,
      diagnose: () => ({
        causes: [
          cause(
            'J17.unavailable',
            'possible',
            `none of its ${wanted} replicas is ready${available === undefined ? '' : ` (${available.reason}: ${brief(available.message, 100)})`}; its pods, which would say why, are not in the evidence`,
            kubectl('See its pods', 'read', facts.namespace, ['get', 'pods', '-o', 'wide']),
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          unknown(
            'J17.pods',
            'ready',
            'Its pods are well',
            'notWatched',
            evidence('ready', `${has} of ${wanted}`, 'status'),
          ),
        ],
      }),
    };
  },
};

const rank = { bad: 2, warn: 1, none: 0 } as const;

function worstOf(
  facts: ObjectFacts,
  pods: readonly KubeObject[],
): { readonly pod: KubeObject; readonly report: ReturnType<ObjectFacts['reportOn']> } | undefined {
  return pods
    .map((pod) => ({ pod, report: facts.reportOn(pod) }))
    .filter((entry) => entry.report.causes.length > 0)
    .sort((a, b) => rank[b.report.severity] - rank[a.report.severity])[0];
}

/** An owner is as well as the worst of its pods. */
const worstPod: ObjectState = {
  id: 'J17',
  key: 'pods.unwell',
  gate: 'staysUp',
  severity: 'bad',
  title: 'Its pods are unwell',
  kinds: [...podOwners, ...customOwners, 'CronJob'],
  match: (facts) => {
    if (facts.kind === 'CronJob' || condition(facts.object, 'Complete')?.status === 'True') return undefined;
    const pods = podsBelow(facts);
    const worst = worstOf(facts, pods);
    if (worst === undefined) return undefined;
    const alike = pods.filter((pod) => facts.reportOn(pod).state === worst.report.state).length;
    return {
      headline: `${alike} of ${pods.length} pods: ${worst.report.headline}`,
      severity: worst.report.severity,
      diagnose: () => ({
        causes: worst.report.causes,
        items: [
          item(
            'J17.pods',
            'staysUp',
            'Its pods are well',
            worst.report.severity === 'bad' ? 'fail' : 'warn',
            evidence(nameOf(worst.pod), worst.report.headline, undefined, { ref: refOf(worst.pod) }),
          ),
        ],
        explainedBy: refOf(worst.pod),
      }),
    };
  },
};

const orderedReady: ObjectState = {
  id: 'A9',
  key: 'owner.not-yet',
  gate: 'admitted',
  severity: 'warn',
  title: 'It waits for one of its own',
  kinds: ['StatefulSet'],
  match: (facts) => {
    const desired = count(facts.object, 'spec', 'replicas') ?? 1;
    const pods = podsBelow(facts);
    if (
      text(facts.object, 'spec', 'podManagementPolicy') === 'Parallel' ||
      pods.length === 0 ||
      pods.length >= desired
    )
      return undefined;
    const blocking = worstOf(facts, pods);
    if (blocking === undefined) return undefined;
    return {
      headline: `${pods.length} of ${desired} pods: waits for ${nameOf(blocking.pod)}: ${brief(blocking.report.headline, 60)}`,
      diagnose: () => ({
        causes: [
          ...blocking.report.causes,
          cause(
            'A9.ordered',
            'proven',
            `the StatefulSet starts its pods in order and waits for ${nameOf(blocking.pod)}`,
            describe('pod', facts.namespace, nameOf(blocking.pod)),
          ),
        ],
        items: [
          item(
            'A9.order',
            'admitted',
            'Its pods follow in order',
            'warn',
            evidence(nameOf(blocking.pod), blocking.report.headline, undefined, { ref: refOf(blocking.pod) }),
          ),
        ],
        explainedBy: refOf(blocking.pod),
      }),
    };
  },
};

const cronTrouble: ObjectState = {
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
const byDesign: ObjectState = {
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

const hpa: ObjectState = {
  id: 'J16',
  key: 'hpa.inactive',
  gate: 'progressing',
  severity: 'warn',
  title: 'The autoscaler cannot work',
  kinds: ['HorizontalPodAutoscaler'],
  match: (facts) => {
    const broken = conditions(facts.object).find(
      (entry) =>
        (entry.type === 'ScalingActive' || entry.type === 'AbleToScale') &&
        entry.status === 'False' &&
        entry.reason !== 'ScalingDisabled',
    );
    const targetKind = text(facts.object, 'spec', 'scaleTargetRef', 'kind');
    const targetName = text(facts.object, 'spec', 'scaleTargetRef', 'name');
    if (broken === undefined) {
      if (targetName === '' || facts.index.find(targetKind, facts.namespace, targetName).state !== 'missing')
        return undefined;
      return {
        headline: `its target ${targetKind} ${targetName} does not exist`,
        diagnose: () => ({
          causes: [
            cause(
              'J16.target-missing',
              'proven',
              `its target ${targetKind} ${targetName} does not exist in namespace ${facts.namespace}`,
              describe('hpa', facts.namespace, facts.name),
            ),
          ],
          items: [
            item(
              'J16.target',
              'progressing',
              'Its target exists',
              'fail',
              evidence('scaleTargetRef', `${targetKind} ${targetName}`, 'spec.scaleTargetRef'),
            ),
          ],
        }),
      };
    }
    const target = `${text(facts.object, 'spec', 'scaleTargetRef', 'kind')} ${text(facts.object, 'spec', 'scaleTargetRef', 'name')}`;
    const words = broken.message;
    const [id, says] =
      broken.reason === 'FailedGetScale'
        ? ['J16.target-missing', `its target ${target} does not exist or cannot be read`]
        : /missing request for (\w+)/.test(words)
          ? [
              'J16.no-requests',
              `the pods of ${target} do not request ${/missing request for (\w+)/.exec(words)?.[1]}, so their share cannot be computed`,
            ]
          : /pods\.metrics\.k8s\.io|resource metrics API/.test(words)
            ? [
                'J16.no-metrics',
                'the resource metrics API does not answer: metrics-server is not installed or does not run',
              ]
            : /external metric|custom metric|custom\.metrics/.test(words)
              ? [
                  'J16.no-adapter',
                  `the custom or external metric cannot be read: its adapter is not installed, or does not know the metric`,
                ]
              : /did not receive metrics|no metrics returned/.test(words)
                ? ['J16.no-samples', 'no metrics of its pods have arrived (yet)']
                : /selector/i.test(words)
                  ? ['J16.selector', 'its selector is ambiguous or invalid']
                  : ['J16.failed', 'it cannot compute a replica count'];
    return {
      headline: `${broken.reason}: ${brief(says ?? '', 70)}`,
      since: broken.at,
      diagnose: () => ({
        causes: [
          cause(
            id ?? 'J16',
            'proven',
            `${says}: ${brief(words, 200)}`,
            describe('hpa', facts.namespace, facts.name),
            id === 'J16.no-metrics'
              ? kubectl('See the metrics API', 'read', '', ['get', 'apiservice', 'v1beta1.metrics.k8s.io'])
              : undefined,
          ),
        ],
        items: [
          item(
            'J16.condition',
            'progressing',
            'It can scale',
            'fail',
            evidence(broken.type, `${broken.reason}: ${words}`, `status.conditions[${broken.type}]`, {
              at: broken.at,
            }),
          ),
        ],
      }),
    };
  },
};

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

const operatorWaiting: ObjectState = {
  id: 'A8',
  key: 'ml.operator-waiting',
  gate: 'admitted',
  severity: 'bad',
  title: 'Its operator reports trouble, or does nothing',
  kinds: customOwners,
  match: (facts) => {
    const { object, kind, namespace, name } = facts;
    if (
      conditions(object).some(
        (entry) => entry.status === 'True' && /^(?:Succeeded|Complete|Completed|Finished)$/.test(entry.type),
      )
    )
      return undefined;
    const bad = badCondition(object, kind);
    const pods = podsBelow(facts);
    const worst = worstOf(facts, pods);
    const failure = record(object, 'status', 'modelStatus', 'lastFailureInfo');
    const model = text(failure, 'message') || text(failure, 'reason');
    const status =
      text(object, 'status', 'message') ||
      (text(object, 'status', 'state') === 'failed' ? text(object, 'status', 'reason') : '') ||
      (/Failed/.test(text(object, 'status', 'jobDeploymentStatus')) ? text(object, 'status', 'reason') : '');
    const event = facts.events.findLast(
      (entry) => entry.type === 'Warning' && !/^FailedScheduling$/.test(entry.reason),
    );
    const rayWaits = kind === 'RayJob' && text(object, 'status', 'jobStatus') === 'FAILED';
    const application = kind === 'RayService' ? failedApplication(object) : '';
    const words =
      application !== ''
        ? application
        : model !== ''
          ? model
          : bad !== undefined
            ? `${bad.reason}: ${bad.message}`
            : rayWaits || text(object, 'status', 'jobDeploymentStatus') === 'Failed'
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
                  `the ${kind} says: ${brief(words, 200)}`,
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
      (seen && event === undefined) ||
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
const halfPending: ObjectState = {
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
  orderedReady,
  cronTrouble,
  halfPending,
  operatorWaiting,
  stuckRollout,
  worstPod,
  unavailable,
  byDesign,
  hpa,
];
