import { merged } from '../../../resources/requests.ts';
import { amountText } from '../../../scheduling/amount.ts';
import { changeTemplate, editOwner, getObject, kubectl } from '../../fixes.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { record } from '../../read.ts';
import type { Cause, Fix } from '../../report.ts';
import { cause, evidence, item } from '../../state.ts';
import { notOffered } from './devices.ts';
import { type Explain, type Explained, seeNodes } from './explain.ts';
import { worldOf } from './ledger.ts';
import { holders, type Room, resourceTitle, roomFor, shortResource } from './room.ts';
import { taintBeside } from './taints.ts';
import { changesOf, trust, type Verdicts } from './verdict.ts';

/** What it asks for and does not get. */
interface Shortage {
  readonly id: 'C1' | 'C2';
  readonly resource: string;
  /** It comes from a device plugin. */
  readonly extended: boolean;
  readonly asked: number;
  readonly askedText: string;
  /** Undefined where not all nodes are known: then only the scheduler's words count. */
  readonly room: Room | undefined;
}

/** No node has room for what it asks of the node itself (C1), or of its devices (C2). */
export function insufficient(extended: boolean): Explain {
  return (facts, found) => {
    const shortage = shortageOf(facts, found, extended);
    const { room, resource, asked } = shortage;
    if (room === undefined) return shortByWords(facts, found, shortage);
    if (extended && room.offering.length === 0) return notOffered(facts, resource);
    if (room.largestWhole > 0 && asked > room.largestWhole) return neverFits(facts, found, shortage, room);
    return found.trusted || room.largestFree < asked
      ? taken(facts, found, shortage, room)
      : shortByWords(facts, found, shortage);
  };
}

function shortageOf(facts: PodFacts, found: Verdicts, extended: boolean): Shortage {
  const resource = shortResource(found, extended);
  const asked = found.row.spec.requests[resource] ?? 0;
  const known =
    found.trusted ||
    found.explanation !== undefined ||
    facts.index.listed('Node') ||
    worldOf(facts.index).ledger.nodeCount() >= (found.said.nodes ?? Number.POSITIVE_INFINITY);
  return {
    id: extended ? 'C2' : 'C1',
    resource,
    extended,
    asked,
    askedText:
      asked > 0
        ? `${amountText(resource, asked)} ${extended ? resourceTitle(resource, asked) : resource}`
        : resourceTitle(resource),
    room: known ? roomFor(facts, found, resource) : undefined,
  };
}

/** It asks for more than any node has. */
function neverFits(facts: PodFacts, found: Verdicts, shortage: Shortage, room: Room): Explained {
  const { id, resource, askedText } = shortage;
  const largest = amountText(resource, room.largestWhole);
  return {
    headline: `no node fits: asks ${askedText}, the largest node has ${largest}`,
    causes: [
      cause(
        `${id}.never-fits`,
        found.trusted ? 'proven' : 'likely',
        `it asks for ${askedText}, more than any node that it may use has (largest: ${largest}): it can never run as it is`,
        askForLess(facts, found, shortage),
        seeNodes(),
      ),
      ...closedNodes(facts, found),
    ],
  };
}

/** Others have it: all of it, or so much that no node alone has enough. */
function taken(facts: PodFacts, found: Verdicts, shortage: Shortage, room: Room): Explained {
  const { id, resource, extended, asked, askedText } = shortage;
  const fragmented = extended && room.totalFree >= asked && asked > 0;
  const largest = amountText(resource, room.largestFree);
  const total = amountText(resource, room.totalFree);
  const held = holders(facts, resource);
  return {
    headline: `no node fits: ${askedText}, largest free ${largest}`,
    causes: [
      cause(
        `${id}.${fragmented ? 'fragmented' : 'busy'}`,
        found.trusted ? 'proven' : 'likely',
        `it asks for ${askedText}; ${fragmented ? `${total} are free in total, but at most ${largest} on one node` : `at most ${largest} are free on one node`}${held === '' ? '' : `; held by ${held}`}`,
        askForLess(facts, found, shortage),
        seeNodes(),
        getObject(
          'See who holds them',
          'pods',
          '',
          '-A',
          '-o',
          'wide',
          '--field-selector=status.phase=Running',
        ),
      ),
      ...closedNodes(facts, found),
    ],
    items: [
      item(
        `${id}.room`,
        'scheduled',
        'A node has room',
        'fail',
        evidence('asks', askedText, 'spec.containers[*].resources.requests'),
        evidence('largest free', largest),
        evidence('free in total', total),
      ),
    ],
  };
}

/** What the scheduler counts, where not all nodes are known or ours differ from its own. */
function shortByWords(facts: PodFacts, found: Verdicts, shortage: Shortage): Explained {
  const { id, resource, extended, asked, askedText } = shortage;
  const nodes = Object.entries(found.said.reasons).find(([reason]) => reason.includes(resource))?.[1];
  const total = found.said.nodes;
  const counted = nodes === undefined ? '' : ` on ${nodes} of ${total} nodes`;
  return {
    headline: `no node fits: ${asked > 0 ? askedText : resource} (insufficient ${resource}${counted})`,
    causes: [
      cause(
        `${id}.insufficient`,
        trust(found),
        `not enough ${resource}${counted}: it asks for ${asked > 0 ? askedText : 'more than is free'}${extended && nodes !== undefined && nodes === total ? `; no node has enough ${resource} free, or offers it at all` : ''}`,
        askForLess(facts, found, shortage),
        seeNodes(),
      ),
      ...taintBeside(facts, found),
    ],
  };
}

/** Nodes with the room that are closed to it for another reason alone. */
const closedNodes = (facts: PodFacts, found: Verdicts): readonly Cause[] =>
  changesOf(found, 'TaintToleration', 'NodeUnschedulable')
    .slice(0, 2)
    .map((change) => {
      const tainted = change.plugin === 'TaintToleration';
      return cause(
        tainted ? 'C3.hidden-taint' : 'C7.hidden-cordon',
        'proven',
        `it would fit on ${change.nodes.slice(0, 4).join(', ')} if ${change.change}`,
        tainted
          ? editOwner(facts, 'Add the toleration')
          : kubectl('Let pods on the node again', 'cluster', '', ['uncordon', change.nodes[0] ?? 'NODE']),
      );
    });

/** An amount as `kubectl set resources` takes it, rounded down: it must fit. */
function requestText(resource: string, amount: number): string {
  if (resource === 'cpu') return `${Math.floor(amount)}m`;
  return resource === 'memory' || resource === 'ephemeral-storage' || resource.startsWith('hugepages-')
    ? `${Math.floor(amount / 2 ** 20)}Mi`
    : String(Math.floor(amount));
}

/**
 * The request with which the nearest node would take it: of the nodes where nothing but this resource is short, the one
 * with most of it free. The largest container gives way. Without such a node the template is opened.
 */
function askForLess(
  facts: PodFacts,
  found: Verdicts,
  { resource, extended, asked }: Shortage,
): Fix | undefined {
  const what = extended ? 'Ask for fewer per pod' : 'Ask for less';
  const near = (found.trusted ? (found.explanation?.nodes ?? []) : [])
    .filter((node) =>
      node.blockers.every(
        (blocker) => blocker.plugin === 'NodeResourcesFit' && blocker.short?.resource === resource,
      ),
    )
    .map((node) => {
      const account = worldOf(facts.index).ledger.account(node.name);
      return {
        name: node.name,
        free: (account?.node.allocatable[resource] ?? 0) - (account?.requested.get(resource) ?? 0),
      };
    })
    .sort((a, b) => b.free - a.free)[0];
  const [largest] = facts.containers
    .filter((container) => container.kind === 'main')
    .flatMap((container) => {
      const asks = merged(record(container.spec, 'resources'))[resource];
      return asks === undefined ? [] : [{ name: container.name, asks }];
    })
    .sort((a, b) => b.asks - a.asks);
  const amount =
    near === undefined || largest === undefined ? 0 : largest.asks - Math.max(0, asked - near.free);
  const shown = requestText(resource, amount);
  if (near === undefined || largest === undefined || /^0\D*$/.test(shown) || amount <= 0)
    return editOwner(facts, what);
  return changeTemplate(
    facts,
    `${what}: with ${shown} ${resourceTitle(resource, amount)} it fits on ${near.name}`,
    (target) => [
      'set',
      'resources',
      `${target.resource}/${target.name}`,
      '-c',
      largest.name,
      // A device has one amount: its request must be its limit.
      ...(extended ? [`--limits=${resource}=${shown}`] : []),
      `--requests=${resource}=${shown}`,
    ],
  );
}
