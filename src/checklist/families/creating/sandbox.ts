import { describe, editOwner, getObject, kubectl, podsOnNode } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, essence, text } from '../../read.ts';
import type { PodState } from '../../state.ts';
import { cause, item, said } from '../../state.ts';
import { complaint, creating, since } from './complaint.ts';

export const sandboxReasons: readonly string[] = [
  'FailedCreatePodSandBox',
  'NetworkNotReady',
  'FailedPodSandBoxStatus',
  'FailedCreatePodContainer',
];

export const runtimeHandler: PodState = creating(
  'E7',
  'sandbox.runtime-handler',
  'sandbox',
  'The node does not know the runtime',
  (facts) => {
    const found = complaint(
      facts,
      sandboxReasons,
      /no runtime for "([^"]+)" is configured|RuntimeHandler "([^"]+)" not supported|unknown runtime(?: handler)? "?(\S+?)"?$|runtime handler "([^"]+)"|failed to find runtime handler (\S+)/,
    );
    if (found === undefined) return undefined;
    const handler =
      found.match?.slice(1).find((entry) => entry !== undefined) ??
      text(facts.object, 'spec', 'runtimeClassName');
    return {
      headline: `node does not know runtime "${handler}"`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            'E7.handler',
            'proven',
            `the container runtime of node ${facts.node} has no handler "${handler}"${/nvidia/.test(handler) ? ': the NVIDIA container toolkit is not installed or configured there' : ''} (runtimeClassName ${text(facts.object, 'spec', 'runtimeClassName') || handler})`,
            podsOnNode('See the toolkit on the nodes', facts.node),
            getObject('See the runtime classes', 'runtimeclass', ''),
            editOwner(facts, 'Correct or drop runtimeClassName'),
          ),
        ],
        items: [item('E7.event', 'sandbox', 'The sandbox can be made', 'fail', said(found.event))],
      }),
    };
  },
);

/** What the message of a sandbox that cannot be made is about, as [id, sentence]. */
function readSandbox(message: string, facts: PodFacts): readonly [id: string, says: string] {
  const { node } = facts;
  if (/OOM-killed|memory limit too low|cannot allocate memory/.test(message)) {
    const limit = facts.containers
      .map((container) => text(container.spec, 'resources', 'limits', 'memory'))
      .find((value) => value !== '');
    return [
      'E8.limit-too-low',
      `the memory limit ${limit ?? ''} is too low even for the sandbox: the runtime is OOM-killed while it starts${limit !== undefined && /m$/.test(limit) ? ' ("m" means thousandths of a byte: use Mi)' : ''}`,
    ];
  }
  if (/no space left on device/.test(message))
    return ['E8.no-space', `node ${node} has no space left (disk, inodes or cgroups)`];
  if (/pause|sandbox image/.test(message) && /pull|resolve|not found/.test(message))
    return ['E8.pause-image', `node ${node} cannot pull the pause image of the sandbox`];
  if (/failed to reserve sandbox name/.test(message))
    return [
      'E8.runtime-stuck',
      `the container runtime of node ${node} is stuck: an older sandbox still has the name`,
    ];
  if (/resolv\.conf/.test(message))
    return [
      'E8.resolv-conf',
      `the file of name servers that the kubelet of node ${node} is to hand to pods (resolvConf) is not there: ${essence(message)}`,
    ];
  if (/resource temporarily unavailable|newosproc|can't start new thread|pthread_create failed/.test(message))
    return [
      'E8.pids',
      `node ${node} cannot start another process: its limit of process or thread ids (PIDs) is reached: ${essence(message)}`,
    ];
  if (/cgroupsPath to be of format|cgroup driver/.test(message))
    return [
      'E8.cgroup-driver',
      `kubelet and container runtime of node ${node} use different cgroup drivers (systemd and cgroupfs): ${essence(message)}`,
    ];
  if (/dial unix|containerd\.sock|crio\.sock|docker daemon|code = Unavailable/.test(message))
    return ['E8.runtime-down', `the container runtime of node ${node} does not answer: ${essence(message)}`];
  const program = /fork\/exec (\S+): no such file or directory/.exec(message)?.[1];
  if (program !== undefined)
    return [
      'E8.runtime-program',
      `the container runtime of node ${node} is set to a program that is not there: ${program}`,
    ];
  return /cgroup/.test(message)
    ? ['E8.cgroup', `node ${node} cannot make the cgroup: ${essence(message)}`]
    : ['E8.sandbox', `node ${node} cannot make the sandbox: ${essence(message)}`];
}

export const sandbox: PodState = creating(
  'E8',
  'sandbox.node-broken',
  'sandbox',
  'The node cannot make a sandbox',
  (facts) => {
    const found = complaint(facts, sandboxReasons);
    if (found === undefined) return undefined;
    const { message } = found.event;
    const [id, says] = readSandbox(message, facts);
    return {
      headline: `no sandbox: ${brief(says, 90)}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            id,
            id === 'E8.sandbox' ? 'likely' : 'proven',
            says,
            id === 'E8.limit-too-low'
              ? editOwner(facts, 'Raise the memory limit to at least some tens of Mi')
              : kubectl('Keep new pods off the node', 'cluster', '', ['cordon', facts.node || 'NODE']),
            describe('pod', facts.namespace, facts.name),
            describe('node', '', facts.node || 'NODE'),
          ),
        ],
        items: [item('E8.event', 'sandbox', 'The sandbox can be made', 'fail', said(found.event))],
      }),
    };
  },
);

export const draPrepare: PodState = creating(
  'E9',
  'dra.prepare',
  'sandbox',
  'A claimed device cannot be prepared',
  (facts) => {
    const found = complaint(facts, ['FailedPrepareDynamicResources']);
    if (found === undefined) return undefined;
    const driver =
      /DRA driver (\S+) is not registered|plugin name (\S+) not found in the list of registered DRA plugins/
        .exec(found.event.message)
        ?.slice(1)
        .find((name) => name !== undefined);
    return {
      headline:
        driver === undefined
          ? `device not prepared: ${brief(found.event.message.replace(/^.*desc = /, ''), 70)}`
          : `DRA driver ${driver} does not run on the node`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            driver === undefined ? 'E9.prepare' : 'E9.driver',
            'proven',
            driver === undefined
              ? `the DRA driver on node ${facts.node} cannot prepare the claimed device: ${essence(found.event.message, 160)}`
              : `DRA driver ${driver} is not registered on node ${facts.node}: its kubelet plugin does not run there`,
            getObject('See the claims', 'resourceclaims', facts.namespace),
            podsOnNode('See the driver pods', facts.node),
          ),
        ],
        items: [item('E9.event', 'sandbox', 'Its devices are prepared', 'fail', said(found.event))],
      }),
    };
  },
);
