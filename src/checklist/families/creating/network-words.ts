import type { PodFacts } from '../../pod-facts.ts';
import { essence } from '../../read.ts';
import type { Verdict } from '../../report.ts';

/** What a network error of the sandbox says, and how sure it is. */
interface NetworkReading {
  readonly id: string;
  readonly says: string;
  readonly verdict: Verdict;
}

/** Of a message: its node, the plugin, what that said itself, and what the pattern captured. */
interface Told {
  readonly node: string;
  readonly who: string;
  readonly short: string;
  readonly captured: string;
}

/** The network plugin of a message, and what it says itself, without the wrapping of the layers above it. */
function networkSays(message: string): { readonly who: string; readonly short: string } {
  const plugin =
    [...message.matchAll(/plugin type="([\w.-]+)"/g)].at(-1)?.[1] ??
    /\b(calico|flannel|cilium|weave|kube-router|antrea|canal|kube-ovn|ovn-kubernetes|aws-cni|azure-vnet)\b/i.exec(
      message,
    )?.[1];
  // A meta plugin names the network that it could not add.
  const delegate = [...message.matchAll(/error adding container to network "([^"]+)"/g)].at(-1)?.[1];
  const who = `the network plugin${plugin === undefined ? '' : ` ${plugin}`}${delegate === undefined || delegate === plugin ? '' : ` (network ${delegate})`}`;
  const inner = message
    .replace(/,? failed to clean up sandbox container .*$/, '')
    .replace(
      /^.*(?:failed \((?:add|delete)\): |error adding container to network "[^"]+": |[Nn]etwork[Pp]lugin cni failed to set up pod "[^"]+" network: |(?:failed to (?:set ?up|setup) (?:network|sandbox)[^:]*|Failed to create pod sandbox): (?:rpc error: code = \w+ desc = )?)/,
      '',
    )
    .replace(/CNI request failed with status \d+: '?/g, '')
    .replace(/^\[[^\]]*\]:? /, '')
    .replace(/'+$/, '');
  return { who, short: inner.length <= 160 ? inner : essence(inner, 160) };
}

/** In the order in which they must be asked; where no verdict is given it is proven. */
const readings: readonly {
  readonly id: string;
  readonly pattern: RegExp;
  readonly says: (told: Told) => string;
  readonly verdict?: 'likely';
}[] = [
  {
    // The AWS plugin says the same when it may not or cannot get a network interface.
    id: 'ip-exhausted',
    pattern: /failed to assign an IP address/,
    says: ({ who, node, short }) => `${who} has no free pod IP address on node ${node}: ${short}`,
    verdict: 'likely',
  },
  {
    id: 'ip-exhausted',
    pattern:
      /failed to assign an IP address|no IP addresses available|Insufficient number of available IP|no available IP|IPAM.*(?:exhaust|full)|range is full|out of IPs|not enough (?:available )?IP|AllocationFailure|no more (?:available )?(?:IP|addresses)|no more free affine blocks|assigned 0 out of \d+ requested|(?:ip|address) pool (?:is )?(?:exhausted|full)/i,
    says: ({ who, node, short }) => `${who} has no free pod IP address on node ${node}: ${short}`,
  },
  {
    id: 'attachment-missing',
    pattern: /cannot find a network-attachment-definition \(([^)]+)\)/,
    says: ({ captured }) =>
      `the network attachment definition ${captured} does not exist (annotation k8s.v1.cni.cncf.io/networks)`,
  },
  {
    id: 'plugin-missing',
    pattern: /failed to find plugin "([^"]+)"/,
    says: ({ captured, node }) => `the CNI plugin ${captured} is not installed on node ${node}`,
  },
  {
    id: 'not-initialized',
    pattern: /cni plugin not initialized|cni config uninitialized|no networks found in|network is not ready/i,
    says: ({ node }) =>
      `the network of node ${node} is not set up: its CNI pod does not run there, or has not written its configuration`,
  },
  {
    id: 'leftover',
    pattern: /already has an IP address different from|veth name .*already exists/,
    says: ({ node, short }) => `an interface of an earlier network setup is left on node ${node}: ${short}`,
  },
  {
    id: 'config',
    pattern:
      /incompatible CNI versions|unsupported CNI (?:result )?version|error parsing configuration|invalid (?:CNI )?config/i,
    says: ({ node, short }) => `the CNI configuration of node ${node} is not valid for its plugin: ${short}`,
  },
  {
    id: 'no-cidr',
    pattern: /pod ?cidr not assigned|no podCIDR|doesn't have a podCIDR|failed to acquire lease/i,
    says: ({ node, short }) => `node ${node} has no range of pod addresses (podCIDR): ${short}`,
  },
  {
    id: 'api-unreachable',
    pattern: /https:\/\/[^\s"]+"?: (?:dial tcp|net\/http|context deadline|EOF|read tcp|Service Unavailable)/,
    says: ({ who, node, short }) => `${who} cannot reach the API server from node ${node}: ${short}`,
  },
  {
    id: 'cni-down',
    pattern:
      /dial (?:unix|tcp).*(?:connect: (?:connection refused|no such file)|no such file or directory)|connection refused|calico\/nodename|is the .*(?:agent|node|daemon).* running|Unable to connect to .*daemon|check that the calico\/node container is running|flannel\/subnet\.env/i,
    says: ({ who, node, short }) =>
      `${who} on node ${node} does not answer: its pod is not running or not ready there: ${short}`,
  },
  {
    id: 'cni-auth',
    pattern: /[Uu]nauthorized|forbidden/i,
    says: ({ who, short }) => `${who} is not allowed to talk to the API server: ${short}`,
  },
  {
    id: 'sriov',
    pattern: /SRIOV|sr-iov|\bVF\b|physfn/i,
    says: ({ node, short }) =>
      `the SR-IOV device (VF) that the pod got on node ${node} cannot be used: ${short}`,
    verdict: 'likely',
  },
  {
    id: 'cni-slow',
    pattern: /tim(?:ed|e) ?out|timeout|deadline exceeded|too many requests/i,
    says: ({ who, node, short }) =>
      `${who} on node ${node} does not finish in time: its agent is overloaded, starting or not healthy: ${short}`,
    verdict: 'likely',
  },
];

export function readNetwork(message: string, { node }: PodFacts): NetworkReading {
  const told = networkSays(message);
  for (const { id, pattern, says, verdict = 'proven' } of readings) {
    const match = pattern.exec(message);
    if (match !== null)
      return { id: `E6.${id}`, says: says({ ...told, node, captured: match[1] ?? '' }), verdict };
  }
  return { id: 'E6.network', says: `${told.who} on node ${node} fails: ${told.short}`, verdict: 'likely' };
}
