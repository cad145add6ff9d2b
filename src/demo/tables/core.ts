import type { JsonRecord } from '../object.ts';
import { ageAt, humanDuration, timeAt } from './duration.ts';
import { byText, countAt, flagAt, listAt, type Printer, recordAt, textAt, textsAt } from './read.ts';

const created = 'metadata.creationTimestamp';

export const printNode: Printer = (node, { now }) => {
  const kernel = textAt(node, 'status.nodeInfo.kernelVersion');
  const architecture = textAt(node, 'status.nodeInfo.architecture');
  return [
    textAt(node, 'metadata.name'),
    nodeStatus(node),
    nodeRoles(node),
    ageAt(node, created, now),
    textAt(node, 'status.nodeInfo.kubeletVersion'),
    nodeAddress(node, 'InternalIP'),
    nodeAddress(node, 'ExternalIP'),
    textAt(node, 'status.nodeInfo.osImage') || '<unknown>',
    kernel === '' ? '<unknown>' : architecture === '' ? kernel : `${kernel} (${architecture})`,
    textAt(node, 'status.nodeInfo.containerRuntimeVersion') || '<unknown>',
  ];
};

function nodeStatus(node: JsonRecord): string {
  const ready = listAt(node, 'status.conditions').find((condition) => condition['type'] === 'Ready');
  // A dead kubelet leaves Ready=Unknown, which prints NotReady too.
  const status = ready === undefined ? 'Unknown' : ready['status'] === 'True' ? 'Ready' : 'NotReady';
  return flagAt(node, 'spec.unschedulable') ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: JsonRecord): string {
  const roles = Object.entries(recordAt(node, 'metadata.labels')).flatMap(([key, value]) => {
    if (key.startsWith('node-role.kubernetes.io/')) return [key.slice('node-role.kubernetes.io/'.length)];
    return key === 'kubernetes.io/role' && typeof value === 'string' && value !== '' ? [value] : [];
  });
  const named = [...new Set(roles.filter((role) => role !== ''))].sort(byText);
  return named.length === 0 ? '<none>' : named.join(',');
}

const nodeAddress = (node: JsonRecord, type: string): string =>
  textAt(
    listAt(node, 'status.addresses').find((address) => address['type'] === type),
    'address',
  ) || '<none>';

export const printNamespace: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'status.phase'),
  ageAt(object, created, now),
];

export const printConfigMap: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  Object.keys(recordAt(object, 'data')).length + Object.keys(recordAt(object, 'binaryData')).length,
  ageAt(object, created, now),
];

export const printSecret: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'type'),
  Object.keys(recordAt(object, 'data')).length,
  ageAt(object, created, now),
];

/** `limits.*` go to the second column, everything else to the first. */
export const printResourceQuota: Printer = (object, { now }) => {
  const used = recordAt(object, 'status.used');
  const hard = Object.entries(recordAt(object, 'status.hard')).sort(([a], [b]) => byText(a, b));
  const cell = (wanted: boolean): string =>
    hard
      .filter(([name]) => name.startsWith('limits') === wanted)
      .map(([name, value]) => `${name}: ${String(used[name] ?? 0)}/${String(value)}`)
      .join(', ');
  return [textAt(object, 'metadata.name'), cell(false), cell(true), ageAt(object, created, now)];
};

export const printComponentStatus: Printer = (object) => {
  const healthy = listAt(object, 'conditions').find((condition) => condition['type'] === 'Healthy');
  const status = textAt(healthy, 'status');
  return [
    textAt(object, 'metadata.name'),
    status === 'True' ? 'Healthy' : status === 'False' ? 'Unhealthy' : 'Unknown',
    textAt(healthy, 'message'),
    textAt(healthy, 'error'),
  ];
};

/** Prints events of both groups; `events.k8s.io` names the same fields differently. */
export const printEvent: Printer = (event, { now }) => {
  const isNew = textAt(event, 'apiVersion').startsWith('events.k8s.io/');
  const about = isNew ? 'regarding' : 'involvedObject';
  const since = (path: string): string | undefined => {
    const time = timeAt(event, path);
    return time === undefined ? undefined : humanDuration(now - time);
  };
  const first =
    since(isNew ? 'deprecatedFirstTimestamp' : 'firstTimestamp') ?? since('eventTime') ?? '<unknown>';
  const last =
    since('series.lastObservedTime') ?? since(isNew ? 'deprecatedLastTimestamp' : 'lastTimestamp') ?? first;
  const count = countAt(event, 'series.count') || countAt(event, isNew ? 'deprecatedCount' : 'count') || 1;
  const kind = textAt(event, `${about}.kind`).toLowerCase();
  const name = textAt(event, `${about}.name`);
  return [
    last,
    textAt(event, 'type'),
    textAt(event, 'reason'),
    name === '' ? kind : `${kind}/${name}`,
    textAt(event, `${about}.fieldPath`),
    eventSource(event, isNew),
    textAt(event, isNew ? 'note' : 'message').trim(),
    first,
    count,
    textAt(event, 'metadata.name'),
  ];
};

function eventSource(event: JsonRecord, isNew: boolean): string {
  const source = recordAt(event, isNew ? 'deprecatedSource' : 'source');
  const controller = textAt(event, isNew ? 'reportingController' : 'reportingComponent');
  const component = textAt(source, 'component') || controller;
  const instance = textAt(source, 'host') || textAt(event, 'reportingInstance');
  return instance === '' ? component : `${component}, ${instance}`;
}

export const printPriorityClass: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  countAt(object, 'value'),
  flagAt(object, 'globalDefault'),
  ageAt(object, created, now),
  textAt(object, 'preemptionPolicy'),
];

export const printLease: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'spec.holderIdentity'),
  ageAt(object, created, now),
];

export const printRuntimeClass: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  textAt(object, 'handler'),
  ageAt(object, created, now),
];

export const printResourceClaim: Printer = (claim, { now }) => {
  const deleted = textAt(claim, 'metadata.deletionTimestamp') !== '';
  const allocated = recordAt(claim, 'status')['allocation'] !== undefined;
  const reserved = allocated && listAt(claim, 'status.reservedFor').length > 0;
  const states = [
    ...(deleted ? ['deleted'] : []),
    ...(allocated ? ['allocated'] : deleted ? [] : ['pending']),
    ...(reserved ? ['reserved'] : []),
  ];
  return [textAt(claim, 'metadata.name'), states.join(','), ageAt(claim, created, now)];
};

export const printResourceSlice: Printer = (slice, { now }) => [
  textAt(slice, 'metadata.name'),
  textAt(slice, 'spec.nodeName', '<unset>'),
  textAt(slice, 'spec.driver'),
  textAt(slice, 'spec.pool.name'),
  ageAt(slice, created, now),
];

export const printApiService: Printer = (object, { now }) => {
  const service = recordAt(object, 'spec.service');
  const available = listAt(object, 'status.conditions').find(
    (condition) => condition['type'] === 'Available',
  );
  const status = textAt(available, 'status', 'Unknown');
  return [
    textAt(object, 'metadata.name'),
    textAt(service, 'name') === '' ? 'Local' : `${textAt(service, 'namespace')}/${textAt(service, 'name')}`,
    status === 'True' || available === undefined ? status : `${status} (${textAt(available, 'reason')})`,
    ageAt(object, created, now),
  ];
};

export const printCertificateRequest: Printer = (object, { now }) => {
  const seconds = recordAt(object, 'spec')['expirationSeconds'];
  return [
    textAt(object, 'metadata.name'),
    ageAt(object, created, now),
    textAt(object, 'spec.signerName') || '<none>',
    textAt(object, 'spec.username'),
    typeof seconds === 'number' ? humanDuration(seconds * 1000) : '<none>',
    requestStatus(object),
  ];
};

function requestStatus(request: JsonRecord): string {
  const types = new Set(listAt(request, 'status.conditions').map((condition) => textAt(condition, 'type')));
  const verdict = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  const words = [
    verdict,
    ...(types.has('Failed') ? ['Failed'] : []),
    ...(textAt(request, 'status.certificate') === '' ? [] : ['Issued']),
  ];
  return words.join(',');
}

export const printRoleBinding: Printer = (object, { now }) => {
  const subjects = listAt(object, 'subjects');
  const named = (kind: string): readonly JsonRecord[] =>
    subjects.filter((subject) => subject['kind'] === kind);
  const names = (kind: string): string =>
    named(kind)
      .map((subject) => textAt(subject, 'name'))
      .join(', ');
  return [
    textAt(object, 'metadata.name'),
    `${textAt(object, 'roleRef.kind')}/${textAt(object, 'roleRef.name')}`,
    ageAt(object, created, now),
    names('User'),
    names('Group'),
    named('ServiceAccount')
      .map((subject) => `${textAt(subject, 'namespace')}/${textAt(subject, 'name')}`)
      .join(', '),
  ];
};

export const printFlowSchema: Printer = (object, { now }) => {
  const dangling = listAt(object, 'status.conditions').find((condition) => condition['type'] === 'Dangling');
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.priorityLevelConfiguration.name') || '<none>',
    countAt(object, 'spec.matchingPrecedence'),
    textAt(object, 'spec.distinguisherMethod.type') || '<none>',
    ageAt(object, created, now),
    textAt(dangling, 'status') || '?',
  ];
};

export const printPriorityLevel: Printer = (object, { now }) => {
  const limited = recordAt(object, 'spec.limited');
  const queuing = recordAt(limited, 'limitResponse.queuing');
  const number = (record: JsonRecord, key: string): number | string => {
    const value = record[key];
    return typeof value === 'number' ? value : '<none>';
  };
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.type'),
    number(limited, 'nominalConcurrencyShares'),
    number(queuing, 'queues'),
    number(queuing, 'handSize'),
    number(queuing, 'queueLengthLimit'),
    ageAt(object, created, now),
  ];
};

export const printWebhooks: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  listAt(object, 'webhooks').length,
  ageAt(object, created, now),
];

/** Validating and mutating admission policies: what they hold lies at another path. */
export const printAdmissionPolicy =
  (rules: string): Printer =>
  (object, { now }) => {
    const param = recordAt(object, 'spec.paramKind');
    return [
      textAt(object, 'metadata.name'),
      listAt(object, rules).length,
      textAt(param, 'kind') === '' ? '<unset>' : `${textAt(param, 'apiVersion')}/${textAt(param, 'kind')}`,
      ageAt(object, created, now),
    ];
  };

export const printAdmissionBinding: Printer = (object, { now }) => {
  const param = recordAt(object, 'spec.paramRef');
  const namespace = textAt(param, 'namespace');
  const name = textAt(param, 'name');
  return [
    textAt(object, 'metadata.name'),
    textAt(object, 'spec.policyName'),
    name === '' ? '<unset>' : namespace === '' ? name : `${namespace}/${name}`,
    ageAt(object, created, now),
  ];
};

export const printNameAndAge: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  ageAt(object, created, now),
];

/** Kinds without a printer of their own get the creation time as it is. */
export const printNameAndTime: Printer = (object) => [
  textAt(object, 'metadata.name'),
  textAt(object, created),
];

export const printCsiDriver: Printer = (object, { now }) => [
  textAt(object, 'metadata.name'),
  recordAt(object, 'spec')['attachRequired'] !== false,
  flagAt(object, 'spec.podInfoOnMount'),
  flagAt(object, 'spec.storageCapacity'),
  listAt(object, 'spec.tokenRequests')
    .map((request) => textAt(request, 'audience'))
    .join(',') || '<unset>',
  flagAt(object, 'spec.requiresRepublish'),
  textsAt(object, 'spec.volumeLifecycleModes').join(',') || '<none>',
  ageAt(object, created, now),
];
