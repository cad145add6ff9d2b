import { describe, editOwner, getObject } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { brief } from '../../read.ts';
import { cause } from '../../state.ts';
import type { Explained } from './explain.ts';
import { unaligned } from './reasons.ts';
import type { Verdicts } from './verdict.ts';

/** What the scheduler extender of HAMi counts. */
const hami: Readonly<Record<string, string>> = {
  'node unregistered': 'no shared GPU is registered there (its device plugin does not run, or no GPU)',
  NodeUnfitPod: 'no GPU there suits it',
  CardInsufficientMemory: 'no GPU has so much memory free',
  CardInsufficientCore: 'no GPU has such a share of its cores free',
  CardTypeMismatch: 'no GPU of the type that it names',
  CardUuidMismatch: 'no GPU of the id that it names',
  CardTimeSlicingExhausted: 'every GPU is shared by as many as it may be',
  NodeInsufficientDevice: 'fewer GPUs than it asks for',
  ExclusiveDeviceAllocateConflict: 'it wants a GPU for itself, and all are shared',
};

/** Refusals in the words of schedulers that have no filters, or of one that has no nodes. */
export function otherReason(facts: PodFacts, found: Verdicts): Explained | undefined {
  if (/^(?:no nodes available to schedule pods|0\/0 nodes are available)/.test(found.message))
    return {
      headline: 'the cluster has no nodes',
      causes: [
        cause(
          'C16.no-nodes',
          'proven',
          'the cluster has no nodes that the scheduler knows: none has joined yet, or all are gone',
          getObject('See the nodes', 'nodes', ''),
        ),
      ],
    };
  const unalignedOn = Object.entries(found.said.reasons).find(([reason]) => unaligned.test(reason));
  if (unalignedOn !== undefined)
    return {
      headline: `no NUMA node has all that it asks for, on ${unalignedOn[1]} nodes`,
      causes: [
        cause(
          'C16.numa',
          'likely',
          `on ${unalignedOn[1]} of ${found.said.nodes ?? '?'} nodes there is room, but no NUMA node by itself has all that it asks for (${unalignedOn[0]})${
            Object.keys(found.said.reasons).length > 1
              ? `; on others: ${Object.keys(found.said.reasons)
                  .filter((reason) => !unaligned.test(reason))
                  .join(', ')}`
              : ''
          }`,
          editOwner(facts, 'Ask for less per pod, or for what one NUMA node has'),
          getObject('See what each NUMA node has', 'noderesourcetopologies', ''),
        ),
      ],
    };
  const shared = Object.entries(found.said.reasons).filter(([reason]) => hami[reason] !== undefined);
  if (shared.length > 0)
    return {
      headline: `no shared GPU for it: ${brief(shared.map(([reason]) => reason).join(', '), 70)}`,
      causes: [
        cause(
          'C16.shared-gpu',
          'likely',
          `the GPU sharing scheduler (HAMi) finds no GPU for it: ${shared.map(([reason, nodes]) => `on ${nodes} of ${found.said.nodes ?? '?'} nodes ${hami[reason]} (${reason})`).join('; ')}`,
          describe('pod', facts.namespace, facts.name),
          getObject('See the nodes', 'nodes', ''),
        ),
      ],
    };
  const unfit = /Pod not supported on Fargate: (.+)$/.exec(found.message)?.[1];
  if (unfit !== undefined)
    return {
      headline: `Fargate cannot run it: ${brief(unfit, 80)}`,
      causes: [
        cause(
          'C16.fargate',
          'proven',
          `Fargate cannot run such a pod: ${brief(unfit, 200)}`,
          editOwner(facts, 'Drop what Fargate lacks, or keep it out of the Fargate profile'),
        ),
      ],
    };
  const profile = /Misconfigured Fargate Profile: (.+)$/.exec(found.message)?.[1];
  return profile === undefined
    ? undefined
    : {
        headline: `Fargate profile: ${brief(profile, 80)}`,
        causes: [
          cause(
            'C16.fargate-profile',
            'proven',
            `no Fargate profile takes it: ${brief(profile, 200)}`,
            describe('pod', facts.namespace, facts.name),
          ),
        ],
      };
}
