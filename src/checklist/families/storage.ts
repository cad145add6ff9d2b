import type { KubeObject } from '../../kube/object.ts';
import { quantity } from '../../resources/fields.ts';
import { annotationsOf, type EvidenceIndex, nameOf, namespaceOf, refOf } from '../evidence-index.ts';
import { describe, getObject, kubectl } from '../fixes.ts';
import {
  at,
  brief,
  condition,
  essence,
  list,
  nearNames,
  record,
  span,
  strings,
  text,
  time,
} from '../read.ts';
import type { Cause, Item, Severity } from '../report.ts';
import { cause, evidence, item, type Match, type ObjectFacts, type ObjectState, said } from '../state.ts';

/** Pods that mount a claim. */
function usersOf(index: EvidenceIndex, claim: KubeObject): readonly KubeObject[] {
  const name = nameOf(claim);
  return index
    .inNamespace('Pod', namespaceOf(claim))
    .filter((pod) =>
      list(pod, 'spec', 'volumes').some(
        (volume) =>
          text(volume, 'persistentVolumeClaim', 'claimName') === name ||
          (at(volume, 'ephemeral') !== undefined && `${nameOf(pod)}-${text(volume, 'name')}` === name),
      ),
    );
}

export interface ClaimTrouble {
  readonly state: string;
  readonly key: string;
  readonly headline: string;
  readonly severity: Severity;
  readonly causes: readonly Cause[];
  readonly items: readonly Item[];
  readonly since: number | undefined;
}

const defaultClass = (entry: KubeObject): boolean =>
  /true/.test(
    annotationsOf(entry)['storageclass.kubernetes.io/is-default-class'] ??
      annotationsOf(entry)['storageclass.beta.kubernetes.io/is-default-class'] ??
      '',
  );

const classNameOf = (claim: KubeObject): string | undefined => {
  const given =
    at(claim, 'spec', 'storageClassName') ?? annotationsOf(claim)['volume.beta.kubernetes.io/storage-class'];
  return typeof given === 'string' ? given : undefined;
};

/** Why the static volumes at hand do not fit. */
function volumeDifferences(index: EvidenceIndex, claim: KubeObject): readonly string[] {
  const wanted = quantity(text(claim, 'spec', 'resources', 'requests', 'storage')) ?? 0;
  const modes = list(claim, 'spec', 'accessModes').map(String);
  const className = classNameOf(claim) ?? '';
  return index
    .of('PersistentVolume')
    .slice(0, 200)
    .map((volume) => {
      const why: string[] = [];
      const phase = text(volume, 'status', 'phase');
      if (phase === 'Released') why.push('Released: it still remembers its last claim');
      else if (phase !== 'Available' && phase !== '') return '';
      if (text(volume, 'spec', 'storageClassName') !== className)
        why.push(`class "${text(volume, 'spec', 'storageClassName')}", the claim asks for "${className}"`);
      if ((quantity(text(volume, 'spec', 'capacity', 'storage')) ?? 0) < wanted)
        why.push(
          `${text(volume, 'spec', 'capacity', 'storage')}, the claim asks for ${text(claim, 'spec', 'resources', 'requests', 'storage')}`,
        );
      const offered = list(volume, 'spec', 'accessModes').map(String);
      if (!modes.every((mode) => offered.includes(mode)))
        why.push(`access modes ${offered.join(',')}, the claim asks for ${modes.join(',')}`);
      if (
        (text(volume, 'spec', 'volumeMode') || 'Filesystem') !==
        (text(claim, 'spec', 'volumeMode') || 'Filesystem')
      )
        why.push('another volumeMode');
      const wants = strings(claim, 'spec', 'selector', 'matchLabels');
      if (Object.entries(wants).some(([key, value]) => strings(volume, 'metadata', 'labels')[key] !== value))
        why.push('labels do not match the selector');
      return why.length === 0 ? '' : `${nameOf(volume)}: ${why.join('; ')}`;
    })
    .filter((line) => line !== '')
    .slice(0, 3);
}

/** What is wrong with a claim; undefined when it is bound and at peace. */
export function claimTrouble(index: EvidenceIndex, claim: KubeObject): ClaimTrouble | undefined {
  const phase = text(claim, 'status', 'phase');
  const name = nameOf(claim);
  const namespace = namespaceOf(claim);
  const events = index.events(claim);
  const age = index.now - (time(claim, 'metadata', 'creationTimestamp') ?? index.now);
  const users = usersOf(index, claim);
  const look = describe('pvc', namespace, name);
  const status = item(
    'M.phase',
    'volumes',
    'The claim is bound',
    'fail',
    evidence('phase', phase || 'none', 'status.phase', { ref: refOf(claim) }),
  );
  const make = (
    state: string,
    key: string,
    headline: string,
    severity: Severity,
    causes: readonly Cause[],
    ...items: readonly Item[]
  ): ClaimTrouble => ({
    state,
    key,
    headline,
    severity,
    causes,
    items: [status, ...items],
    since: time(claim, 'metadata', 'creationTimestamp'),
  });

  const deleted = time(claim, 'metadata', 'deletionTimestamp');
  if (deleted !== undefined) {
    const names = users
      .filter((pod) => !['Succeeded', 'Failed'].includes(text(pod, 'status', 'phase')))
      .map(nameOf);
    return make(
      'M5',
      'pvc.terminating',
      `claim is being deleted${names.length > 0 ? `, in use by ${names.slice(0, 3).join(', ')}` : ''}`,
      'warn',
      [
        cause(
          'M5.in-use',
          names.length > 0 ? 'proven' : 'likely',
          `claim ${name} is being deleted and waits for ${names.length > 0 ? `the pods that use it: ${names.slice(0, 5).join(', ')}` : `its finalizers ${list(claim, 'metadata', 'finalizers').join(', ')}`}`,
          getObject('See who uses it', 'pods', namespace, '-o', 'wide'),
          look,
        ),
      ],
      item(
        'M5.users',
        'volumes',
        'Nobody uses it',
        names.length > 0 ? 'fail' : 'info',
        evidence('used by', names.join(', ') || 'none known', 'metadata.deletionTimestamp', { at: deleted }),
      ),
    );
  }
  if (phase === 'Lost')
    return make(
      'M5',
      'pvc.lost',
      `claim is lost: volume ${text(claim, 'spec', 'volumeName')} is gone`,
      'bad',
      [
        cause(
          'M5.lost',
          'proven',
          `claim ${name} was bound to volume ${text(claim, 'spec', 'volumeName')}, which does not exist any more: the data is not reachable through it`,
          getObject('See the volumes', 'pv', ''),
          look,
        ),
      ],
    );
  if (phase === 'Bound') return resizeTrouble(index, claim, make);
  if (phase !== 'Pending' && phase !== '') return undefined;

  const className = classNameOf(claim);
  const classes = index.of('StorageClass');
  const noClass = events.findLast(
    (event) =>
      event.reason === 'ProvisioningFailed' &&
      /storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found/i.test(event.message),
  );
  const classHere =
    className === undefined || className === '' ? undefined : index.find('StorageClass', '', className);
  // The class may have come since the complaint.
  if (
    (noClass !== undefined && classHere?.state !== 'present') ||
    classHere?.state === 'missing' ||
    (classHere?.state === 'unknown' &&
      classes.length > 0 &&
      text(claim, 'spec', 'volumeName') === '' &&
      index.of('PersistentVolume').every((volume) => text(volume, 'spec', 'storageClassName') !== className))
  ) {
    const near = nearNames(className ?? '', classes.map(nameOf));
    const has =
      classes.length === 0
        ? ''
        : `; there ${classes.length === 1 ? 'is' : 'are'} ${(near.length > 0 ? near : classes.map(nameOf)).slice(0, 5).join(', ')}`;
    return make(
      'M2',
      'pvc.no-class',
      `storage class ${className ?? ''} does not exist`,
      'bad',
      [
        cause(
          'M2.class-missing',
          noClass !== undefined || classHere?.state === 'missing' ? 'proven' : 'likely',
          `claim ${name} asks for storage class ${className ?? ''}, which does not exist${has}`,
          getObject('See the storage classes', 'storageclass', ''),
          kubectl(
            'Make the claim again with the right class (it is unbound, nothing is lost)',
            'reversible',
            namespace,
            ['get', 'pvc', name, '-o', 'yaml'],
          ),
        ),
      ],
      ...(noClass === undefined
        ? []
        : [item('M2.event', 'volumes', 'Its class exists', 'fail', said(noClass))]),
    );
  }
  const noDefault = events.findLast(
    (event) => event.reason === 'FailedBinding' && /no storage class is set/.test(event.message),
  );
  if (
    noDefault !== undefined ||
    (className === undefined && index.listed('StorageClass') && !classes.some(defaultClass))
  ) {
    const differences = volumeDifferences(index, claim);
    return make(
      'M2',
      'pvc.no-class',
      'no storage class and no default',
      'bad',
      [
        cause(
          'M2.no-default',
          'proven',
          `claim ${name} names no storage class and the cluster has no default one${className === '' ? ' (storageClassName is "": only an existing volume can be bound)' : ''}, and no volume fits${differences.length > 0 ? `: ${differences[0]}` : ''}`,
          getObject('See the storage classes', 'storageclass', ''),
          kubectl('Make a class the default', 'cluster', '', [
            'patch',
            'storageclass',
            nameOf(classes[0]) || 'CLASS',
            '-p',
            '{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}',
          ]),
        ),
      ],
      ...(noDefault === undefined
        ? []
        : [item('M2.event', 'volumes', 'A class is found', 'fail', said(noDefault))]),
    );
  }
  const failed = events.findLast(
    (event) =>
      (event.reason === 'ProvisioningFailed' || event.reason === 'ProvisioningCleanupFailed') &&
      event !== noClass,
  );
  if (failed !== undefined) {
    const whole = failed.message.replace(/^failed to provision volume with StorageClass "[^"]*": /i, '');
    const words = essence(whole, 180);
    const id = /access ?mode|ReadWriteMany|MULTI_NODE/i.test(whole)
      ? 'M3.access-mode'
      : /quota|limit exceeded|exceed/i.test(whole)
        ? 'M3.quota'
        : /permission|denied|Unauthorized|forbidden|credential/i.test(whole)
          ? 'M3.permission'
          : /ResourceExhausted|OutOfRange|insufficient (?:free )?(?:space|capacity|storage)|not enough (?:free )?(?:space|capacity|storage)|no space/i.test(
                whole,
              )
            ? 'M3.capacity'
            : /topolog|zone/i.test(whole)
              ? 'M3.topology'
              : 'M3.failed';
    return make(
      'M3',
      'pvc.provision-failed',
      `provisioning fails: ${brief(words, 80)}`,
      'bad',
      [
        cause(
          id,
          'proven',
          `the provisioner cannot make a volume for claim ${name}: ${words}`,
          look,
          classHere?.state === 'present'
            ? getObject('See the class and its parameters', 'storageclass', '', className ?? '', '-o', 'yaml')
            : undefined,
        ),
      ],
      item('M3.event', 'volumes', 'A volume is provisioned', 'fail', said(failed)),
    );
  }
  const waiting = events.findLast(
    (event) => event.reason === 'WaitForFirstConsumer' || event.reason === 'WaitForPodScheduled',
  );
  const external = events.findLast(
    (event) => event.reason === 'ExternalProvisioning' || event.reason === 'Provisioning',
  );
  const provisioner =
    text(classHere?.state === 'present' ? classHere.object : undefined, 'provisioner') ||
    /provisioner '([^']+)'/.exec(external?.message ?? '')?.[1] ||
    '';
  const selected = annotationsOf(claim)['volume.kubernetes.io/selected-node'];
  if (external !== undefined && (waiting === undefined || (external.last ?? 0) >= (waiting.last ?? 0))) {
    const since = external.first ?? index.now;
    const long = index.now - since > 60_000 || external.count > 5;
    return make(
      'M3',
      'pvc.provision-failed',
      `provisioner ${provisioner} does not answer`,
      long ? 'bad' : 'none',
      long
        ? [
            cause(
              'M3.no-answer',
              'likely',
              `claim ${name} waits for provisioner ${provisioner}, which does not answer${index.now > since ? ` for ${span(index.now - since)}` : ''}: it is not installed or does not run`,
              kubectl('See whether the driver is installed', 'read', '', ['get', 'csidrivers']),
              look,
            ),
          ]
        : [],
      item('M3.event', 'volumes', 'A volume is provisioned', long ? 'fail' : 'info', said(external)),
    );
  }
  const mode = text(classHere?.state === 'present' ? classHere.object : undefined, 'volumeBindingMode');
  if (waiting !== undefined || mode === 'WaitForFirstConsumer') {
    if (selected !== undefined && provisioner !== '' && age > 60_000)
      return make('M3', 'pvc.provision-failed', `provisioner ${provisioner} does not answer`, 'bad', [
        cause(
          'M3.no-answer',
          'likely',
          `claim ${name} was given node ${selected}, and provisioner ${provisioner} has not made the volume yet`,
          look,
        ),
      ]);
    const consumer = users.find((pod) => text(pod, 'spec', 'nodeName') === '');
    return make(
      'M1',
      'pvc.wffc',
      consumer === undefined
        ? 'waits for its first consumer, as its class wants'
        : `waits for pod ${nameOf(consumer)} to be scheduled`,
      'none',
      [],
    );
  }
  const unfit = events.findLast(
    (event) => event.reason === 'FailedBinding' || event.reason === 'VolumeMismatch',
  );
  const asked = text(claim, 'spec', 'volumeName');
  const differences = volumeDifferences(index, claim);
  if (
    unfit !== undefined ||
    asked !== '' ||
    differences.length > 0 ||
    provisioner === 'kubernetes.io/no-provisioner'
  ) {
    return make(
      'M4',
      'pvc.static',
      'no volume fits the claim',
      'bad',
      [
        cause(
          'M4.no-match',
          differences.length > 0 || unfit !== undefined ? 'proven' : 'likely',
          `no existing volume fits claim ${name}${asked === '' ? '' : ` (it asks for volume ${asked})`}${differences.length > 0 ? `: ${differences.join(' | ')}` : unfit === undefined ? '' : `: ${brief(unfit.message)}`}`,
          getObject('See the volumes', 'pv', ''),
          look,
        ),
      ],
      ...(unfit === undefined ? [] : [item('M4.event', 'volumes', 'A volume fits', 'fail', said(unfit))]),
    );
  }
  if (age < 120_000 && !index.nowIsGuess) return make('M1', 'pvc.binding', 'being bound', 'none', []);
  if (users.length === 0 && events.length === 0 && (classHere === undefined || classHere.state !== 'present'))
    return make('M3', 'pvc.pending', 'pending, and nothing says why', 'warn', [
      cause('M3.unknown', 'possible', `claim ${name} is not bound; its events are not known`, look),
    ]);
  return make('M3', 'pvc.provision-failed', `not bound${age > 0 ? ` for ${span(age)}` : ''}`, 'bad', [
    cause(
      'M3.silent',
      'possible',
      `claim ${name} is not bound and nothing says why: does ${provisioner === '' ? 'its provisioner' : `provisioner ${provisioner}`} run?`,
      look,
      kubectl('See the CSI drivers', 'read', '', ['get', 'csidrivers']),
    ),
  ]);
}

function resizeTrouble(
  index: EvidenceIndex,
  claim: KubeObject,
  make: (
    state: string,
    key: string,
    headline: string,
    severity: Severity,
    causes: readonly Cause[],
    ...items: readonly Item[]
  ) => ClaimTrouble,
): ClaimTrouble | undefined {
  const name = nameOf(claim);
  const wanted = text(claim, 'spec', 'resources', 'requests', 'storage');
  const has = text(claim, 'status', 'capacity', 'storage');
  const pending = condition(claim, 'FileSystemResizePending');
  const failed = index
    .events(claim)
    .findLast((event) => /^(?:VolumeResizeFailed|FileSystemResizeFailed)$/.test(event.reason));
  if (failed !== undefined && (quantity(wanted) ?? 0) > (quantity(has) ?? 0))
    return make(
      'M6',
      'pvc.resize',
      `resize to ${wanted} fails`,
      'bad',
      [
        cause(
          'M6.failed',
          'proven',
          `claim ${name} cannot grow from ${has} to ${wanted}: ${essence(failed.message, 180)}`,
          describe('pvc', namespaceOf(claim), name),
        ),
      ],
      item('M6.event', 'volumes', 'The resize works', 'fail', said(failed)),
    );
  if (pending?.status === 'True')
    return make('M6', 'pvc.resize', `resize to ${wanted} waits for a pod restart`, 'warn', [
      cause(
        'M6.pending',
        'proven',
        `the volume of claim ${name} has grown, its file system grows when a pod mounts it anew`,
        getObject('See who uses it', 'pods', namespaceOf(claim), '-o', 'wide'),
      ),
    ]);
  return undefined;
}

/** A pod that waits for the claim carries the same causes: it is what a person looks at. */
function consumer({ index, object }: ObjectFacts): { readonly explainedBy?: ReturnType<typeof refOf> } {
  const waiting = usersOf(index, object).find(
    (pod) =>
      text(pod, 'status', 'phase') === 'Pending' &&
      text(pod, 'spec', 'nodeName') === '' &&
      time(object, 'metadata', 'deletionTimestamp') === undefined,
  );
  return waiting === undefined ? {} : { explainedBy: refOf(waiting) };
}

const claims: ObjectState = {
  id: 'M',
  key: 'pvc',
  gate: 'volumes',
  severity: 'bad',
  title: 'The claim is not usable',
  kinds: ['PersistentVolumeClaim'],
  match: (facts) => {
    const found = claimTrouble(facts.index, facts.object);
    return found === undefined
      ? undefined
      : {
          headline: found.headline,
          severity: found.severity,
          since: found.since,
          diagnose: () => ({ causes: found.causes, items: found.items, ...consumer(facts) }),
        };
  },
};

/** One state per id, all reading the same answer. */
const claimState = (id: string, key: string, title: string): ObjectState => ({
  ...claims,
  id,
  key,
  title,
  match: (facts: ObjectFacts): Match | undefined => {
    const found = claimTrouble(facts.index, facts.object);
    return found?.state === id ? claims.match(facts) : undefined;
  },
});

const released: ObjectState = {
  id: 'M4',
  key: 'pv.failed',
  gate: 'volumes',
  severity: 'warn',
  title: 'The volume failed',
  kinds: ['PersistentVolume'],
  match: ({ object, name }) => {
    if (text(object, 'status', 'phase') !== 'Failed') return undefined;
    const words = text(object, 'status', 'message') || text(object, 'status', 'reason');
    return {
      headline: `volume failed: ${brief(words, 80)}`,
      diagnose: () => ({
        causes: [
          cause(
            'M4.volume-failed',
            'proven',
            `volume ${name} failed (recycling or deletion): ${words}`,
            describe('pv', '', name),
          ),
        ],
        items: [
          item(
            'M4.phase',
            'volumes',
            'The volume is usable',
            'fail',
            evidence('phase', 'Failed', 'status.phase'),
            evidence('message', words, 'status.message'),
          ),
        ],
      }),
    };
  },
};

/** A claim that pods on several nodes share although its volume can be attached to one. */
const accessMode: ObjectState = {
  id: 'M7',
  key: 'pvc.access-mode',
  gate: 'volumes',
  severity: 'warn',
  title: 'One node only, used from several',
  kinds: ['PersistentVolumeClaim'],
  match: (facts) => {
    const modes = list(facts.object, 'spec', 'accessModes').map(String);
    if (modes.length === 0 || modes.some((mode) => mode.endsWith('Many'))) return undefined;
    const stuck = usersOf(facts.index, facts.object).filter(
      (pod) =>
        facts.index
          .events(pod)
          .some((event) => event.reason === 'FailedAttachVolume' && /Multi-Attach/.test(event.message)) &&
        text(pod, 'status', 'phase') === 'Pending',
    );
    if (stuck.length === 0) return undefined;
    const nodes = new Set(
      usersOf(facts.index, facts.object)
        .map((pod) => text(pod, 'spec', 'nodeName'))
        .filter((node) => node !== ''),
    );
    if (nodes.size < 2) return undefined;
    return {
      headline: `${modes.join(',')} claim used from ${nodes.size} nodes`,
      diagnose: () => ({
        causes: [
          cause(
            'M7.shared',
            'proven',
            `claim ${facts.name} is ${modes.join(', ')}, but pods on ${[...nodes].join(', ')} use it`,
            getObject('See who uses it', 'pods', facts.namespace, '-o', 'wide'),
          ),
        ],
        items: [
          item(
            'M7.nodes',
            'volumes',
            'Its access mode allows its users',
            'fail',
            evidence('accessModes', modes.join(', '), 'spec.accessModes'),
            evidence('nodes', [...nodes].join(', ')),
          ),
        ],
        explainedBy: refOf(stuck[0] ?? facts.object),
      }),
    };
  },
};

/** A VolumeAttachment pasted alone: the driver's answer stands on it. */
const attachment: ObjectState = {
  id: 'E3',
  key: 'volume.attach',
  gate: 'volumes',
  severity: 'bad',
  title: 'The volume cannot be attached',
  kinds: ['VolumeAttachment'],
  match: ({ object, name }) => {
    const failure = record(object, 'status', 'attachError');
    const stuck = record(object, 'status', 'detachError');
    const [which, words] =
      text(failure, 'message') !== ''
        ? ['attach', text(failure, 'message')]
        : ['detach', text(stuck, 'message')];
    if (words === '' || (which === 'attach' && at(object, 'status', 'attached') === true)) return undefined;
    const node = text(object, 'spec', 'nodeName');
    const volume = text(object, 'spec', 'source', 'persistentVolumeName') || name;
    return {
      headline: `volume ${volume} cannot ${which}: ${essence(words, 80)}`,
      since: time(which === 'attach' ? failure : stuck, 'time'),
      diagnose: () => ({
        causes: [
          cause(
            `E3.${which}`,
            'proven',
            `volume ${volume} cannot ${which} ${which === 'attach' ? 'to' : 'from'} node ${node}: ${essence(words, 180)}`,
            kubectl('See its attachments', 'read', '', ['get', 'volumeattachments', '-o', 'wide']),
            kubectl('See the volume', 'read', '', ['describe', 'pv', volume]),
          ),
        ],
        items: [
          item(
            'E3.attachment',
            'volumes',
            'The volume is attached',
            'fail',
            evidence(text(object, 'spec', 'attacher'), words, `status.${which}Error.message`),
          ),
        ],
      }),
    };
  },
};

export const storageStates: readonly ObjectState[] = [
  attachment,
  claimState('M5', 'pvc.lost-or-terminating', 'The claim is lost or being deleted'),
  claimState('M2', 'pvc.no-class', 'Its storage class does not exist'),
  claimState('M3', 'pvc.provision-failed', 'No volume is provisioned'),
  claimState('M4', 'pvc.static', 'No existing volume fits'),
  claimState('M6', 'pvc.resize', 'It cannot grow'),
  accessMode,
  claimState('M1', 'pvc.wffc', 'It waits for its first consumer'),
  released,
];
