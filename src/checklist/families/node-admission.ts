import type { KubeObject } from '../../kube/object.ts';
import { nameOf } from '../evidence-index.ts';
import { cordon, deletePod, describe, editOwner, kubectl } from '../fixes.ts';
import { lastEvent, type PodFacts } from '../pod-facts.ts';
import { brief, condition, essence, text } from '../read.ts';
import type { Cause, Item } from '../report.ts';
import { cause, evidence, item, type Match, type PodState, said } from '../state.ts';

const rejected = (message: string): string => message.replace(/^Pod was rejected: /, '');

const proof = (id: string, facts: PodFacts): Item =>
  item(
    `${id}.status`,
    'nodeAdmits',
    'The node takes the pod',
    'fail',
    evidence('reason', facts.reason, 'status.reason'),
    ...(facts.message === '' ? [] : [evidence('kubelet says', facts.message, 'status.message')]),
    ...(facts.node === '' ? [] : [evidence('node', facts.node, 'spec.nodeName')]),
  );

/** A failed pod stays dead: its owner makes another one, the corpse can go. */
const remove = (facts: PodFacts): ReturnType<typeof deletePod> =>
  deletePod(
    facts,
    facts.owners.length > 0
      ? 'Remove the dead pod; its owner makes another'
      : 'Remove the dead pod and create it again',
  );

/** Pods of the same owner that were made after this one. */
export function successors(facts: PodFacts): readonly KubeObject[] {
  const owner = facts.owners[0];
  const made = facts.object?.metadata?.creationTimestamp ?? '';
  if (owner === undefined || owner.kind === 'Job') return [];
  return facts.index
    .inNamespace('Pod', facts.namespace)
    .filter(
      (pod) =>
        nameOf(pod) !== facts.name &&
        (pod.metadata?.creationTimestamp ?? '') >= made &&
        pod.metadata?.ownerReferences?.some((ref) => ref.kind === owner.kind && ref.name === owner.name) ===
          true,
    );
}

/** Replaced and running: the dead pod is history. */
export function recovered(facts: PodFacts): boolean {
  const owner = facts.owners[0];
  if (owner === undefined) return false;
  if (owner.object === undefined)
    return successors(facts).some((pod) => condition(pod, 'Ready')?.status === 'True');
  if (owner.kind === 'Job')
    return (
      text(owner.object, 'status', 'completionTime') !== '' ||
      condition(owner.object, 'Complete')?.status === 'True'
    );
  return facts.index
    .children(owner.object)
    .some(
      (pod) =>
        nameOf(pod) !== facts.name &&
        condition(pod, 'Ready')?.status === 'True' &&
        (pod.metadata?.creationTimestamp ?? '') >= (facts.object?.metadata?.creationTimestamp ?? ''),
    );
}

/** Kubelets before 1.27 leave a pod whose AppArmor profile is not loaded Pending, its containers Blocked. */
const isBlocked = (facts: PodFacts): boolean =>
  facts.phase === 'Pending' && facts.containers.some(({ reason }) => reason === 'Blocked');

const state = (
  id: string,
  key: string,
  title: string,
  holds: (facts: PodFacts) => boolean,
  build: (facts: PodFacts) => {
    readonly headline: string;
    readonly causes: readonly Cause[];
    readonly items?: readonly Item[];
  },
): PodState => ({
  id,
  key,
  title,
  gate: 'nodeAdmits',
  severity: 'bad',
  match: (facts): Match | undefined => {
    if (!(facts.phase === 'Failed' || isBlocked(facts)) || !holds(facts)) return undefined;
    const built = build(facts);
    return {
      headline: built.headline,
      since: facts.startedAt ?? facts.createdAt,
      diagnose: () => ({ causes: built.causes, items: [proof(id, facts), ...(built.items ?? [])] }),
    };
  },
});

const unexpected = state(
  'D1',
  'kubelet.unexpected-admission',
  'The kubelet could not allocate devices',
  (facts) => facts.reason === 'UnexpectedAdmissionError',
  (facts) => {
    const message = rejected(facts.message);
    const device =
      /(?:devices unavailable for|unregistered device|unhealthy devices?) ([\w/-]+(?:\.[\w/-]+)*)/.exec(
        message,
      )?.[1] ??
      /'([\w./-]+): \d+'/.exec(message)?.[1] ??
      'device';
    const numbers = /Requested: (\d+), Available: (\d+)/.exec(message);
    const node = facts.node === '' ? 'the node' : `node ${facts.node}`;
    const [id, says] = /no space left on device/.test(message)
      ? [
          'D1.no-space',
          `the disk of ${node} is full: the kubelet cannot note which devices it gives (${essence(message, 120)})`,
        ]
      : /maximum request size for shared resources is (\d+)/.test(message)
        ? [
            'D1.shared-limit',
            `a time-sliced GPU may be asked for only one at a time: ${essence(message, 140)}`,
          ]
        : /GPU is lost|nvml|fallen off/i.test(message)
          ? [
              'D1.gpu-lost',
              /GPU is lost|fallen off/i.test(message)
                ? `a GPU of ${node} is lost (off the bus), and with it the device plugin fails for all GPUs of the node: reboot the node; restarting the plugin does not help (${essence(message, 120)})`
                : `the device plugin on ${node} cannot read its GPUs (NVML): driver or GPU fault; look at the node, then restart the plugin (${essence(message, 120)})`,
            ]
          : /no healthy devices|no longer healthy/i.test(message)
            ? ['D1.unhealthy', `${node} has no healthy ${device} left: ${essence(message, 120)}`]
            : /unregistered/.test(message)
              ? [
                  'D1.unregistered',
                  `the device plugin of ${device} had not registered on ${node} yet (reboot or kubelet restart)`,
                ]
              : /GetPreferredAllocation|Allocate failed due to rpc/.test(message)
                ? [
                    'D1.plugin-error',
                    `the device plugin on ${node} fails to allocate: ${essence(message, 180)}`,
                  ]
                : /resource claim|dynamic resources/i.test(message)
                  ? [
                      'D1.claim',
                      `the kubelet of ${node} cannot prepare the devices of its resource claims: ${essence(message, 160)}`,
                    ]
                  : numbers === null && !/unavailable/.test(message)
                    ? ['D1.other', `the kubelet of ${node} did not take it: ${essence(message, 160)}`]
                    : [
                        'D1.plugin-race',
                        `${node} had ${numbers?.[2] ?? 'too few'} of ${numbers?.[1] ?? 'the'} ${device} when the pod arrived: the device plugin restarted, a device became unhealthy, or another pod took it`,
                      ];
    const restart = lastEvent(facts.index.nodeEvents(facts.node), ['Rebooted', 'Starting']);
    return {
      headline: `rejected by the node: ${device}${numbers === null ? ` (${brief(message, 50)})` : ` ${numbers[2]} of ${numbers[1]}`}`,
      causes: [
        cause(
          id ?? 'D1',
          /race/.test(id ?? '') ? 'likely' : 'proven',
          says ?? '',
          remove(facts),
          id === 'D1.gpu-lost' && facts.node !== '' ? cordon(facts.node) : undefined,
          kubectl('Compare what the node has', 'read', '', ['describe', 'node', facts.node || 'NODE']),
        ),
      ],
      items:
        restart === undefined
          ? []
          : [item('D1.restart', 'nodeAdmits', 'The kubelet had restarted', 'info', said(restart.event))],
    };
  },
);

const outOf = state(
  'D2',
  'kubelet.out-of-resource',
  'The node has no room for it',
  (facts) => /^OutOf/.test(facts.reason),
  (facts) => {
    const resource = facts.reason.replace(/^OutOf/, '');
    const numbers = /requested: (\d+), used: (\d+), capacity: (\d+)/.exec(facts.message);
    const unit = resource === 'cpu' ? 'm' : '';
    const figures =
      numbers === null
        ? ''
        : `: asks ${numbers[1]}${unit}, ${numbers[2]}${unit} of ${numbers[3]}${unit} used`;
    const never = numbers !== null && Number(numbers[1]) > Number(numbers[3]);
    return {
      headline: `rejected by the node: no ${resource}${figures}`,
      causes: [
        cause(
          never ? 'D2.never-fits' : 'D2.full',
          'proven',
          `node ${facts.node} has not enough ${resource} for it${figures}${never ? ': it can never fit there' : ' when it arrived (a second scheduler, static pods, or a binding past the scheduler)'}`,
          remove(facts),
          editOwner(
            facts,
            never ? 'Ask for less, or another node' : 'Leave the choice of node to the scheduler',
          ),
        ),
      ],
    };
  },
);

const topology = state(
  'D3',
  'kubelet.topology',
  'No NUMA node fits',
  (facts) => facts.reason === 'TopologyAffinityError',
  (facts) => ({
    headline: 'rejected by the node: no single NUMA node has what it asks',
    causes: [
      cause(
        'D3.numa',
        'proven',
        `the kubelet of ${facts.node} cannot give GPUs and CPUs from one NUMA node (topologyManagerPolicy): free, but on different sides`,
        remove(facts),
        editOwner(facts, 'Ask for fewer CPUs or GPUs per pod'),
      ),
    ],
  }),
);

const affinity = state(
  'D4',
  'kubelet.node-affinity',
  'The node does not match its selector any more',
  (facts) =>
    facts.reason === 'NodeAffinity' ||
    facts.reason === 'NodeName' ||
    facts.reason === 'NodeSelectorMismatching',
  (facts) => ({
    headline: 'rejected by the node: labels do not match its selector',
    causes: [
      cause(
        'D4.labels',
        'proven',
        `node ${facts.node} does not match the pod's nodeSelector or affinity: its labels changed after the placement, or it was bound by hand`,
        remove(facts),
        kubectl('See the labels of the node', 'read', '', [
          'get',
          'node',
          facts.node || 'NODE',
          '--show-labels',
        ]),
      ),
    ],
  }),
);

const shutdown: PodState = {
  id: 'D5',
  key: 'kubelet.shutdown',
  gate: 'nodeAdmits',
  severity: 'warn',
  title: 'The node was shut down',
  match: (facts) => {
    if (
      facts.phase !== 'Failed' ||
      !(
        /^(?:Terminated|NodeShutdown|Shutdown)$/.test(facts.reason) ||
        /node shut ?down|node is shutting down/i.test(facts.message)
      )
    )
      return undefined;
    const healed = recovered(facts);
    return {
      headline: healed ? 'ended by a node shutdown, replaced since' : 'ended by a node shutdown',
      severity: healed ? 'none' : 'warn',
      since: facts.startedAt,
      diagnose: () => ({
        causes: healed
          ? []
          : [
              cause(
                'D5.shutdown',
                'proven',
                `node ${facts.node} was shut down (maintenance, spot reclaim, upgrade) and ended the pod: ${brief(facts.message, 100)}`,
                remove(facts),
                kubectl('See whether the node is back', 'read', '', ['get', 'node', facts.node || 'NODE']),
              ),
            ],
        items: [proof('D5', facts)],
      }),
    };
  },
};

const pressure = state(
  'D6',
  'kubelet.reject-pressure',
  'Rejected: the node is under pressure',
  (facts) => facts.reason === 'Evicted' && /The node had condition: \[(\w+)\]/.test(facts.message),
  (facts) => {
    const what = /condition: \[([\w, ]+)\]/.exec(facts.message)?.[1] ?? 'pressure';
    const node = facts.index.get('Node', '', facts.node);
    const still = node !== undefined && condition(node, what)?.status === 'True';
    return {
      headline: `rejected by the node: ${what}`,
      causes: [
        cause(
          'D6.pressure',
          'proven',
          `node ${facts.node} rejected it for ${what}${still ? ', which it still has' : ''}`,
          remove(facts),
          describe('node', '', facts.node || 'NODE'),
        ),
      ],
    };
  },
);

export const unsupported: PodState = state(
  'D7',
  'kubelet.unsupported',
  'The node cannot run such a pod',
  (facts) =>
    /^(?:AppArmor|SysctlForbidden|PodOSNotSupported|PodOSSelectorNodeLabelDoesNotMatch|UnsupportedFeature\w*|PodLevelResourcesNotSupported|InvalidNodeInfo|PodFeatureUnsupported|SupplementalGroupsPolicyNotSupported)$/.test(
      facts.reason,
    ),
  (facts) => {
    const node = facts.index.get('Node', '', facts.node);
    const version = text(node, 'status', 'nodeInfo', 'kubeletVersion');
    return {
      headline: `rejected by the node: ${facts.reason}`,
      causes: [
        cause(
          'D7.unsupported',
          'proven',
          `node ${facts.node}${version === '' ? '' : ` (kubelet ${version})`} cannot run it: ${facts.reason}: ${brief(rejected(facts.message), 140)}`,
          editOwner(facts, 'Adjust the securityContext, or choose nodes that can'),
          remove(facts),
        ),
      ],
    };
  },
);

/** A reason that the kubelet gave and nobody has named yet: shown as it is. */
const otherRejection = state(
  'D7',
  'kubelet.unsupported',
  'Rejected by the node',
  (facts) => /^Pod was rejected: /.test(facts.message) && facts.reason !== 'Evicted',
  (facts) => ({
    headline: `rejected by the node: ${facts.reason}`,
    causes: [
      cause(
        'D7.rejected',
        'proven',
        `node ${facts.node} rejected it: ${facts.reason}: ${brief(rejected(facts.message), 140)}`,
        remove(facts),
        describe('node', '', facts.node || 'NODE'),
      ),
    ],
  }),
);

export const nodeAdmissionStates: readonly PodState[] = [
  unexpected,
  outOf,
  topology,
  affinity,
  shutdown,
  pressure,
  unsupported,
  otherRejection,
];
