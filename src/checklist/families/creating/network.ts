import { nameOf } from '../../evidence-index.ts';
import { describe, podsOnNode } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief, essence } from '../../read.ts';
import type { Verdict } from '../../report.ts';
import type { PodState } from '../../state.ts';
import { cause, evidence, item, said } from '../../state.ts';
import { complaint, creating, since } from './complaint.ts';
import { sandboxReasons } from './sandbox.ts';

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

/** What a network error of the sandbox says: how sure it is, too. */
function readSandbox(
  message: string,
  facts: PodFacts,
): { readonly id: string; readonly says: string; readonly verdict: Verdict } {
  const { who, short } = networkSays(message);
  const found = (id: string, says: string, verdict: Verdict = 'proven') => ({
    id: `E6.${id}`,
    says,
    verdict,
  });
  if (
    /failed to assign an IP address|no IP addresses available|Insufficient number of available IP|no available IP|IPAM.*(?:exhaust|full)|range is full|out of IPs|not enough (?:available )?IP|AllocationFailure|no more (?:available )?(?:IP|addresses)|no more free affine blocks|assigned 0 out of \d+ requested|(?:ip|address) pool (?:is )?(?:exhausted|full)/i.test(
      message,
    )
  )
    return found(
      'ip-exhausted',
      `${who} has no free pod IP address on node ${facts.node}: ${short}`,
      // The AWS plugin says the same when it may not or cannot get a network interface.
      /failed to assign an IP address/.test(message) ? 'likely' : 'proven',
    );
  const nad = /cannot find a network-attachment-definition \(([^)]+)\)/.exec(message)?.[1];
  if (nad !== undefined)
    return found(
      'attachment-missing',
      `the network attachment definition ${nad} does not exist (annotation k8s.v1.cni.cncf.io/networks)`,
    );
  const binary = /failed to find plugin "([^"]+)"/.exec(message)?.[1];
  if (binary !== undefined)
    return found('plugin-missing', `the CNI plugin ${binary} is not installed on node ${facts.node}`);
  if (
    /cni plugin not initialized|cni config uninitialized|no networks found in|network is not ready/i.test(
      message,
    )
  )
    return found(
      'not-initialized',
      `the network of node ${facts.node} is not set up: its CNI pod does not run there, or has not written its configuration`,
    );
  if (/already has an IP address different from|veth name .*already exists/.test(message))
    return found(
      'leftover',
      `an interface of an earlier network setup is left on node ${facts.node}: ${short}`,
    );
  if (
    /incompatible CNI versions|unsupported CNI (?:result )?version|error parsing configuration|invalid (?:CNI )?config/i.test(
      message,
    )
  )
    return found(
      'config',
      `the CNI configuration of node ${facts.node} is not valid for its plugin: ${short}`,
    );
  if (/pod ?cidr not assigned|no podCIDR|doesn't have a podCIDR|failed to acquire lease/i.test(message))
    return found('no-cidr', `node ${facts.node} has no range of pod addresses (podCIDR): ${short}`);
  if (
    /https:\/\/[^\s"]+"?: (?:dial tcp|net\/http|context deadline|EOF|read tcp|Service Unavailable)/.test(
      message,
    )
  )
    return found('api-unreachable', `${who} cannot reach the API server from node ${facts.node}: ${short}`);
  if (
    /dial (?:unix|tcp).*(?:connect: (?:connection refused|no such file)|no such file or directory)|connection refused|calico\/nodename|is the .*(?:agent|node|daemon).* running|Unable to connect to .*daemon|check that the calico\/node container is running|flannel\/subnet\.env/i.test(
      message,
    )
  )
    return found(
      'cni-down',
      `${who} on node ${facts.node} does not answer: its pod is not running or not ready there: ${short}`,
    );
  if (/[Uu]nauthorized|forbidden/i.test(message))
    return found('cni-auth', `${who} is not allowed to talk to the API server: ${short}`);
  if (/SRIOV|sr-iov|\bVF\b|physfn/i.test(message))
    return found(
      'sriov',
      `the SR-IOV device (VF) that the pod got on node ${facts.node} cannot be used: ${short}`,
      'likely',
    );
  if (/tim(?:ed|e) ?out|timeout|deadline exceeded|too many requests/i.test(message))
    return found(
      'cni-slow',
      `${who} on node ${facts.node} does not finish in time: its agent is overloaded, starting or not healthy: ${short}`,
      'likely',
    );
  return found('network', `${who} on node ${facts.node} fails: ${short}`, 'likely');
}

const networkWords = /network|cni\b|CNI|plugin type=|IPAM|IP address/;

export const network: PodState = creating(
  'E6',
  'sandbox.network',
  'sandbox',
  'The pod gets no network',
  (facts) => {
    const found = complaint(facts, sandboxReasons, networkWords);
    if (found === undefined) return undefined;
    const { id, says, verdict } = readSandbox(found.event.message, facts);
    const others = facts.index
      .podsOn(facts.node)
      .filter(
        (pod) =>
          nameOf(pod) !== facts.name &&
          facts.index
            .events(pod)
            .some((event) => event.reason === 'FailedCreatePodSandBox' && networkWords.test(event.message)),
      );
    return {
      headline: `no pod network: ${brief(says, 90)}`,
      since: since(found.event, facts),
      diagnose: () => ({
        causes: [
          cause(
            id,
            verdict,
            `${says}${others.length > 0 ? `; ${others.length} other pods of the node have the same` : ''}`,
            podsOnNode('See the network pods of the node', facts.node, 'kube-system'),
            describe('node', '', facts.node || 'NODE'),
            describe('pod', facts.namespace, facts.name),
          ),
        ],
        items: [
          item('E6.event', 'sandbox', 'The pod gets a network', 'fail', said(found.event)),
          item(
            'E6.others',
            'sandbox',
            'Other pods of the node',
            others.length > 0 ? 'fail' : 'info',
            evidence('with the same', String(others.length)),
          ),
        ],
      }),
    };
  },
);
