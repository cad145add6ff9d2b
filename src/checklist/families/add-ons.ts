import type { KubeObject } from '../../kube/object.ts';
import { describe } from '../fixes.ts';
import { at, brief, type Condition, conditions, essence, list, record, text, time } from '../read.ts';
import { cause, evidence, item, type ObjectFacts, type ObjectState, said } from '../state.ts';

/** The summary of a controller on its object: False is trouble, whatever the kind. */
const summary = /^(?:Ready|Available|Healthy|Synced|Reconciled|Programmed|Accepted|Succeeded)$/;
/** The opposite: True is trouble. */
const fault = /^(?:Degraded|Failing|Failed|Stalled|MetricsUnavailable)$/;
/** On the way, or off on purpose. */
const calm =
  /Progress|Pending|Creating|Initiali|Provisioning|Waiting|Paused|Suspend|Disabled|Inactive|NotActive|Reconciling|Deleting|Terminating|Unknown|Rolling|Cancel|Running|Started/i;

const failing = ({ status, reason, message }: Condition): boolean =>
  status === 'False' &&
  /fail|error|invalid|not ?found|unhealthy|denied|missing|not ?ready|insufficient|unschedulable|unavailable|exceeded/i.test(
    `${reason} ${message}`,
  );

/** Of the conditions of an object the one that sums up its trouble, and the one that says why. */
function troubleOf(facts: ObjectFacts): { readonly sum: Condition; readonly why: Condition } | undefined {
  const all = conditions(facts.object);
  const sum =
    all.find((entry) => entry.status === 'False' && summary.test(entry.type)) ??
    all.find((entry) => entry.status === 'True' && fault.test(entry.type)) ??
    all.find((entry) => /(?:Ready|Succeeded|Available|Healthy)$/.test(entry.type) && failing(entry));
  if (sum === undefined) return undefined;
  const detail = all.find((entry) => entry !== sum && !summary.test(entry.type) && failing(entry));
  if (detail === undefined && calm.test(sum.reason)) return undefined;
  if (!facts.index.nowIsGuess && facts.now - (sum.at ?? 0) < 60_000) return undefined;
  // A summary that only names the other condition, or the step that is under way, says less than what failed.
  return { sum, why: detail ?? sum };
}

const isPaused = ({ object }: ObjectFacts): boolean =>
  at(object, 'spec', 'suspend') === true || at(object, 'spec', 'paused') === true;

/** Add-ons whose objects the others need, and that report by conditions. */
const reporting = (
  id: string,
  key: string,
  gate: ObjectState['gate'],
  title: string,
  kinds: readonly string[],
  counts: (trouble: Condition) => boolean = () => true,
): ObjectState => ({
  id,
  key,
  gate,
  severity: 'warn',
  title,
  kinds,
  match: (facts) => {
    if (isPaused(facts) || time(facts.object, 'metadata', 'deletionTimestamp') !== undefined)
      return undefined;
    const found = troubleOf(facts);
    if (found === undefined || !counts(found.why)) return undefined;
    const { sum, why } = found;
    const words = [why.reason, why.message].filter((part) => part !== '').join(': ');
    const warned = facts.events.findLast(
      (event) => event.type === 'Warning' && (event.last ?? 0) >= (sum.at ?? 0),
    );
    const what = `${sum.status === 'False' ? `not ${sum.type}` : sum.type}`;
    return {
      headline: `${what}: ${brief(words, 80)}`,
      since: sum.at,
      diagnose: () => ({
        causes: [
          cause(
            `${id}.${why.type}`,
            'proven',
            `${facts.kind} ${facts.name} is ${what}: ${why === sum ? '' : `${why.type} ${why.status}: `}${brief(words, 180)}${warned === undefined || words.includes(warned.message) ? '' : `; ${warned.reason}: ${essence(warned.message, 160)}`}`,
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          ...(why === sum ? [sum] : [sum, why]).map((entry) =>
            item(
              `${id}.condition`,
              gate,
              `${entry.type} is ${entry === sum && fault.test(entry.type) ? 'False' : 'True'}`,
              'warn',
              evidence(
                entry.type,
                `${entry.status} ${entry.reason}: ${entry.message}`,
                `status.conditions[${entry.type}]`,
                { at: entry.at },
              ),
            ),
          ),
          ...(warned === undefined
            ? []
            : [item(`${id}.event`, gate, 'Its controller does not complain', 'warn', said(warned))]),
        ],
      }),
    };
  },
});

/** A snapshot reports by a field of its own. */
const snapshot: ObjectState = {
  id: 'M3',
  key: 'snapshot.failed',
  gate: 'volumes',
  severity: 'warn',
  title: 'A snapshot cannot be taken',
  kinds: ['VolumeSnapshot', 'VolumeSnapshotContent'],
  match: (facts) => {
    const words = text(facts.object, 'status', 'error', 'message');
    if (words === '' || at(facts.object, 'status', 'readyToUse') === true) return undefined;
    const since = time(facts.object, 'status', 'error', 'time');
    return {
      headline: `no snapshot: ${brief(essence(words, 90), 90)}`,
      since,
      diagnose: () => ({
        causes: [
          cause(
            'M3.snapshot',
            'proven',
            `the snapshot ${facts.name} cannot be taken: ${essence(words, 200)}`,
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'M3.snapshot',
            'volumes',
            'The snapshot can be taken',
            'fail',
            evidence('error', words, 'status.error.message', { at: since }),
          ),
        ],
      }),
    };
  },
};

/** A machine that its provider could not make or lost, in the words of Cluster API and of OpenShift. */
const machine: ObjectState = {
  id: 'C15',
  key: 'autoscaler.machine',
  gate: 'scheduled',
  severity: 'warn',
  title: 'A machine failed',
  kinds: ['Machine'],
  match: (facts) => {
    const words =
      text(facts.object, 'status', 'failureMessage') || text(facts.object, 'status', 'errorMessage');
    const failed = text(facts.object, 'status', 'phase') === 'Failed';
    if (words === '' && !failed) return undefined;
    return {
      headline: `machine failed: ${brief(words || 'no reason given', 80)}`,
      diagnose: () => ({
        causes: [
          cause(
            'C15.machine',
            'proven',
            `the machine ${facts.name} failed: ${words === '' ? 'its status gives no reason' : essence(words, 200)}`,
            describe('machine', facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'C15.machine',
            'scheduled',
            'The machine comes up',
            'fail',
            evidence('phase', text(facts.object, 'status', 'phase') || 'none', 'status.phase'),
          ),
        ],
      }),
    };
  },
};

export const addOnKinds: readonly string[] = [
  'Certificate',
  'Issuer',
  'ClusterIssuer',
  'ExternalSecret',
  'ClusterExternalSecret',
  'SecretStore',
  'ClusterSecretStore',
  'PushSecret',
  'HelmRelease',
  'Kustomization',
  'GitRepository',
  'OCIRepository',
  'HelmRepository',
  'ClusterOperator',
  'MachineConfigPool',
];

const nodeMakers: readonly string[] = [
  'NodePool',
  'EC2NodeClass',
  'AKSNodeClass',
  'GCENodeClass',
  'MachineDeployment',
  'MachinePool',
];

export const addOnStates: readonly ObjectState[] = [
  snapshot,
  machine,
  reporting('C15', 'autoscaler.not-ready', 'scheduled', 'New nodes cannot be made', nodeMakers),
  reporting('J16', 'scaler.not-ready', 'progressing', 'The autoscaler cannot work', [
    'ScaledObject',
    'ScaledJob',
  ]),
  reporting('N3', 'addon.not-ready', 'reachable', 'An add-on reports trouble', addOnKinds),
];

/** What is said of a custom resource that nothing here knows: only a condition that speaks of a failure counts. */
export const otherConditions: ObjectState = reporting(
  'N3',
  'custom.not-ready',
  'progressing',
  'A custom resource reports trouble',
  [],
  (trouble) => trouble.status === 'True' || failing(trouble),
);

/** Where objects of kinds that nothing here knows say that they failed. */
function failedPhase(object: KubeObject): { readonly phase: string; readonly words: string } | undefined {
  const phases: readonly (readonly [phase: string, words: string])[] = [
    [
      text(object, 'status', 'phase') || text(object, 'status', 'state'),
      text(object, 'status', 'message') ||
        text(object, 'status', 'failureMessage') ||
        text(object, 'status', 'reason'),
    ],
    // Volcano.
    [
      text(object, 'status', 'state', 'phase'),
      [text(object, 'status', 'state', 'reason'), text(object, 'status', 'state', 'message')]
        .filter((part) => part !== '')
        .join(': '),
    ],
    // Argo CD, whose conditions have no status.
    [
      text(object, 'status', 'health', 'status'),
      text(object, 'status', 'health', 'message') ||
        list(object, 'status', 'conditions')
          .filter((entry) => /Error$/.test(text(entry, 'type')))
          .map((entry) => `${text(entry, 'type')}: ${text(entry, 'message')}`)
          .join('; '),
    ],
    // Rook.
    [
      text(object, 'status', 'ceph', 'health') === 'HEALTH_ERR' ? 'Failed' : '',
      `HEALTH_ERR: ${Object.entries(record(object, 'status', 'ceph', 'details'))
        .filter(([, entry]) => text(entry, 'severity') === 'HEALTH_ERR')
        .map(([name, entry]) => `${name} ${text(entry, 'message')}`)
        .join(', ')}`,
    ],
  ];
  const found = phases.find(
    ([phase, words]) =>
      /^(?:Failed|Failure|Error|Degraded|Aborted)$/i.test(phase) ||
      (phase !== '' && phase !== 'Healthy' && /^\w+Error: /.test(words)),
  );
  return found === undefined ? undefined : { phase: found[0], words: found[1] };
}

const phaseOf = (key: string, kinds: readonly string[]): ObjectState => ({
  id: 'N3',
  key,
  gate: 'progressing',
  severity: 'warn',
  title: 'A custom resource has failed',
  kinds,
  match: (facts) => {
    // Kinds of other groups may have the same name.
    if (kinds.includes('Job') && !(facts.object.apiVersion ?? '').startsWith('batch.volcano.sh/'))
      return undefined;
    if (isPaused(facts) || time(facts.object, 'metadata', 'deletionTimestamp') !== undefined)
      return undefined;
    const found = failedPhase(facts.object);
    if (found === undefined) return undefined;
    const words = found.words === '' ? 'its status gives no reason' : found.words;
    return {
      headline: `${found.phase}: ${brief(words, 80)}`,
      diagnose: () => ({
        causes: [
          cause(
            'N3.failed',
            'proven',
            `the ${facts.kind} ${facts.name} says that it is ${found.phase}: ${brief(words, 220)}`,
            describe(facts.kind, facts.namespace, facts.name),
          ),
        ],
        items: [
          item(
            'N3.phase',
            'progressing',
            'It has not failed',
            'fail',
            evidence('status', found.phase, 'status'),
          ),
        ],
      }),
    };
  },
});

export const otherPhases: ObjectState = phaseOf('custom.failed', []);
export const volcanoJob: ObjectState = phaseOf('volcano-job.failed', ['Job']);
