import type { KubeObject } from '../../kube/object.ts';
import { type Happening, nameOf, refOf } from '../evidence-index.ts';
import { describe, getObject, kubectl } from '../fixes.ts';
import { brief, condition, count, nearNames, text, thereIs } from '../read.ts';
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
import { customOwners, editTemplate, newestReplicaSet, podOwners, wantedOf } from './owner-facts.ts';

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
    // In a rollout the pods of the revision before are there, and the first new one is refused.
    const surge =
      facts.kind === 'Deployment' &&
      failure?.status === 'True' &&
      (count(facts.object, 'status', 'updatedReplicas') ?? 0) < (wanted?.desired ?? 0);
    if (wanted !== undefined && wanted.actual >= wanted.desired && !surge) return undefined;
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

export function readQuota(facts: ObjectFacts, message: string): Reading | undefined {
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

export function readMustSpecify(facts: ObjectFacts, message: string): Reading | undefined {
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

export function readLimitRange(facts: ObjectFacts, message: string): Reading | undefined {
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

export function readWebhook(facts: ObjectFacts, message: string): Reading | undefined {
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

export function readPodSecurity(facts: ObjectFacts, message: string): Reading | undefined {
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

export function readReference(facts: ObjectFacts, message: string): Reading | undefined {
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
        `no pod can be created: the ${kind} ${name} does not exist${namespace === '' ? '' : ` in namespace ${namespace}`}${thereIs(near)}`,
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
export function readOther(facts: ObjectFacts, message: string): Reading | undefined {
  if (readers.some((read) => read(facts, message) !== undefined)) return undefined;
  const words = clean(message);
  const [id, says] = /namespace .* is being terminated|because it is being terminated/.test(message)
    ? ['A6.namespace', `namespace ${facts.namespace} is being deleted`]
    : /is invalid: (.*)/.test(message)
      ? ['A6.invalid', `the template is invalid: ${brief(/is invalid: (.*)/.exec(message)?.[1] ?? '', 200)}`]
      : /etcdserver: mvcc: database space exceeded/.test(message)
        ? [
            'A6.etcd-full',
            'the database of the cluster (etcd) is full: nothing can be created or changed until it is compacted and defragmented, or its quota raised',
          ]
        : /etcdserver: |etcd cluster is unavailable|no leader/.test(message)
          ? ['A6.etcd', `the database of the cluster (etcd) does not work: ${brief(words, 160)}`]
          : /did not complete within (?:the )?requested timeout|too many requests|server is (?:currently )?unable|context deadline exceeded|quota evaluation timed out/i.test(
                message,
              )
            ? [
                'A6.api-slow',
                `the API server does not finish the request in time (it, etcd or an admission plugin is overloaded): ${brief(words, 160)}`,
              ]
            : ['A6.refused', brief(words, 200)];
  const ofCluster = /^A6\.(?:etcd|etcd-full|api-slow)$/.test(id ?? '');
  return {
    headline: `pods are refused: ${brief(says ?? '', 80)}`,
    causes: [
      cause(
        id ?? 'A6',
        'proven',
        `no pod can be created: ${says}`,
        ofCluster
          ? kubectl('See how the API server is', 'read', '', ['get', '--raw', '/readyz?verbose'])
          : editTemplate(facts, 'Correct the template'),
        describe(facts.kind, facts.namespace, facts.name),
      ),
    ],
  };
}

export const refused = (
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
      headline: `${facts.kind === 'CronJob' ? 'no Job' : wanted === undefined || wanted.actual === 0 ? 'no pod' : wanted.actual >= wanted.desired ? 'no new pod' : `${wanted.actual} of ${wanted.desired} pods`}: ${built.headline}`,
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
