import { nameOf } from '../../evidence-index.ts';
import { describe, podsOnNode } from '../../fixes.ts';
import { brief } from '../../read.ts';
import type { PodState } from '../../state.ts';
import { cause, evidence, item, said } from '../../state.ts';
import { complaint, creating, since } from './complaint.ts';
import { readNetwork } from './network-words.ts';
import { sandboxReasons } from './sandbox.ts';

const networkWords = /network|cni\b|CNI|plugin type=|IPAM|IP address/;

export const network: PodState = creating(
  'E6',
  'sandbox.network',
  'sandbox',
  'The pod gets no network',
  (facts) => {
    const found = complaint(facts, sandboxReasons, networkWords);
    if (found === undefined) return undefined;
    const { id, says, verdict } = readNetwork(found.event.message, facts);
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
