import type { KubeObject } from '../../kube/object.ts';
import type { PodRow } from '../../resources/pod-row.ts';
import { pods as podResource } from '../../resources/pods.ts';
import { merged } from '../../resources/requests.ts';
import { amountText } from '../../scheduling/amount.ts';
import { type Explanation, explain, type NodeVerdict } from '../../scheduling/explain.ts';
import { clusterFrom, kindOfPart, sortObjects } from '../../scheduling/from-objects.ts';
import { type Ledger, ledgerOf } from '../../scheduling/ledger.ts';
import {
  classOfReason,
  parseSchedulerMessage,
  type ReasonClass,
  type SchedulerMessage,
} from '../../scheduling/message.ts';
import { untoleratedTaints } from '../../scheduling/selectors.ts';
import { agreement, type Change, groupVerdicts, nearest, wouldFitIf } from '../../scheduling/unblock.ts';
import { type EvidenceIndex, labelsOf, nameOf } from '../evidence-index.ts';
import { changeTemplate, describe, editOwner, getObject, kubectl, targetOf } from '../fixes.ts';
import { minutes } from '../limits.ts';
import { lastEvent, type PodFacts } from '../pod-facts.ts';
import { at, brief, list, nearNames, record, span, strings, text } from '../read.ts';
import type { Cause, Item, Verdict } from '../report.ts';
import { cause, type Diagnosis, evidence, item, type Match, type PodState, unknown } from '../state.ts';
import { claimsOf } from './creating.ts';
import { isKarpenter, type ScaleUp, scaleUp } from './scale-up.ts';
import { claimTrouble } from './storage.ts';

/** The API server takes limits for requests where these are missing; manifests and cut pastes have not been there. */
function defaulted(pod: KubeObject): KubeObject {
  const spec = record(pod, 'spec');
  const lacks = (container: unknown): boolean =>
    Object.keys(record(container, 'resources', 'limits')).some(
      (name) => record(container, 'resources', 'requests')[name] === undefined,
    );
  const lists = ['containers', 'initContainers'].filter((name) => list(spec, name).some(lacks));
  if (lists.length === 0) return pod;
  const filled = lists.map(
    (name) =>
      [
        name,
        list(spec, name).map((container) => ({
          ...record(container),
          resources: {
            ...record(container, 'resources'),
            requests: {
              ...record(container, 'resources', 'limits'),
              ...record(container, 'resources', 'requests'),
            },
          },
        })),
      ] as const,
  );
  return { ...pod, spec: { ...spec, ...Object.fromEntries(filled) } };
}

interface World {
  readonly ledger: Ledger;
  /** Every node says what it can hold, so that sums mean something. */
  readonly complete: boolean;
}

const worlds = new WeakMap<EvidenceIndex, World>();

/** The scheduler's view of the index, built once. */
function worldOf(index: EvidenceIndex): World {
  const known = worlds.get(index);
  if (known !== undefined) return known;
  if (index.ledger !== undefined) {
    const given = { ledger: index.ledger, complete: index.ledger.nodeCount() > 0 };
    worlds.set(index, given);
    return given;
  }
  const sorted = sortObjects(index.objects);
  // A kind that is not in a pasted file is unknown, not empty.
  const objects = Object.fromEntries(
    Object.entries(sorted).map(([part, found]) => [
      part,
      (found?.length ?? 0) > 0 || kindOfPart[part] === undefined || index.listed(kindOfPart[part])
        ? found
        : undefined,
    ]),
  );
  const cluster = clusterFrom({ ...objects, pods: sorted.pods?.map(defaulted) }, index.server);
  const world = {
    ledger: ledgerOf(cluster),
    complete: cluster.nodes.length > 0 && cluster.nodes.every((node) => (node.allocatable['pods'] ?? 0) > 0),
  };
  worlds.set(index, world);
  return world;
}

interface Verdicts {
  readonly row: PodRow;
  readonly message: string;
  readonly said: SchedulerMessage;
  readonly explanation: Explanation | undefined;
  /** Our own evaluation can be trusted: all nodes are known and it does not contradict the scheduler. */
  readonly trusted: boolean;
  readonly state: string;
}

const answers = new WeakMap<PodFacts, Verdicts | 'none'>();

const changes = new WeakMap<Explanation, readonly Change[]>();

/** What would open nodes; several questions ask it of one explanation. */
function changesFor(explanation: Explanation): readonly Change[] {
  const known = changes.get(explanation);
  if (known !== undefined) return known;
  const found = wouldFitIf(explanation);
  changes.set(explanation, found);
  return found;
}

/** What the scheduler last said: the condition, else the newest event (which is cut at 1,024 characters). */
export function schedulerWords(facts: PodFacts): string {
  const scheduled = facts.conditions.get('PodScheduled');
  if (scheduled?.status === 'False' && scheduled.message !== '') return scheduled.message;
  return (
    lastEvent(
      facts.events.filter((event) => !isKarpenter(event)),
      ['FailedScheduling', 'Unschedulable'],
    )?.event.message ?? ''
  );
}

function verdictsOf(facts: PodFacts): Verdicts | undefined {
  const known = answers.get(facts);
  if (known !== undefined) return known === 'none' ? undefined : known;
  const found = decide(facts);
  answers.set(facts, found ?? 'none');
  return found;
}

function decide(facts: PodFacts): Verdicts | undefined {
  const message = schedulerWords(facts);
  const scheduled = facts.conditions.get('PodScheduled');
  const placed = lastEvent(facts.events, ['Scheduled'])?.event.last;
  if (
    placed !== undefined &&
    placed >= (lastEvent(facts.events, ['FailedScheduling'])?.event.last ?? 0) &&
    scheduled?.status !== 'False'
  )
    return undefined;
  if (facts.node !== '' || (message === '' && scheduled?.reason !== 'Unschedulable')) return undefined;
  const said = parseSchedulerMessage(message);
  if (facts.object === undefined)
    return {
      row: facts.row ?? blankRow,
      message,
      said,
      explanation: undefined,
      trusted: false,
      state: stateByMessage(facts, facts.row, said, message),
    };
  const plain = podResource.toRow(defaulted(facts.object), { server: facts.index.server });
  const row = plain.uid === '' ? { ...plain, uid: `${plain.namespace}/${plain.name}` } : plain;
  const world = worldOf(facts.index);
  const enough =
    world.complete &&
    (said.nodes === undefined ? facts.index.listed('Node') : world.ledger.nodeCount() >= said.nodes);
  const explanation = enough ? explain(world.ledger, row) : undefined;
  const trusted =
    explanation !== undefined &&
    explanation.fits.length === 0 &&
    explanation.preFilter === undefined &&
    said.preFilter === undefined;
  const state = trusted
    ? (stateByMatrix(row, explanation, said) ?? stateByMessage(facts, row, said, message))
    : stateByMessage(facts, row, said, message);
  return { row, message, said, explanation, trusted, state };
}

const blankRow: PodRow = podResource.toRow({}, { server: undefined });

/** Taints that the cluster sets for a state of the node, not to reserve it. */
const healthTaint =
  /node\.kubernetes\.io\/(?:not-ready|unreachable|memory-pressure|disk-pressure|pid-pressure|network-unavailable|unschedulable|out-of-service)|node\.cloudprovider\.kubernetes\.io\/(?:uninitialized|shutdown)|ToBeDeletedByClusterAutoscaler|DeletionCandidateOfClusterAutoscaler|karpenter\.sh\/(?:disrupted|unregistered)|node\.cilium\.io\/agent-not-ready/;
const controlPlaneTaint = /node-role\.kubernetes\.io\/(?:control-plane|master)/;

const standard = new Set(['cpu', 'memory', 'ephemeral-storage', 'pods']);
const isExtended = (resource: string): boolean =>
  !standard.has(resource) && !resource.startsWith('hugepages-') && resource.includes('/');

/** A state for each plugin that can be the last thing in the way. */
const stateOfPlugin: Readonly<Record<string, string>> = {
  NodeName: 'C13',
  NodeAffinity: 'C4',
  TaintToleration: 'C3',
  NodeUnschedulable: 'C7',
  NodePorts: 'C11',
  NodeVolumeLimits: 'C10',
  VolumeRestrictions: 'C10',
  VolumeZone: 'C9',
  PodTopologySpread: 'C6',
  InterPodAffinity: 'C5',
  DynamicResources: 'B6',
};

/**
 * Narrows the nodes down the way a person would: those that the pod is meant for, those alive among them, those that
 * have such devices at all, those that let it in. What blocks the last ones standing is the reason.
 */
function stateByMatrix(row: PodRow, explanation: Explanation, said: SchedulerMessage): string | undefined {
  if (
    Object.keys(said.reasons).some((reason) => /plugin\(s\) \[NodeAffinity\]/.test(reason)) ||
    explanation.nodes.every((node) =>
      node.blockers.some((blocker) => /plugin\(s\) \[NodeAffinity\]/.test(blocker.reason)),
    )
  )
    return 'C13';
  const has = (node: NodeVerdict, plugin: string): boolean =>
    node.blockers.some((blocker) => blocker.plugin === plugin);
  const meant = explanation.nodes.filter((node) => !has(node, 'NodeAffinity') && !has(node, 'NodeName'));
  if (meant.length === 0) return explanation.nodes.every((node) => has(node, 'NodeName')) ? 'C13' : 'C4';
  const sick = (node: NodeVerdict): boolean =>
    node.blockers.some(
      (blocker) =>
        blocker.plugin === 'NodeUnschedulable' ||
        (blocker.plugin === 'TaintToleration' && healthTaint.test(blocker.detail)),
    );
  const alive = meant.filter((node) => !sick(node));
  if (alive.length === 0) return meant.some((node) => has(node, 'NodeUnschedulable')) ? 'C7' : 'C3';
  const extended = Object.keys(row.spec.requests).filter(
    (name) => isExtended(name) && (row.spec.requests[name] ?? 0) > 0,
  );
  const lacks = (node: NodeVerdict): boolean =>
    node.blockers.some(
      (blocker) =>
        (blocker.plugin === 'NodeResourcesFit' &&
          blocker.short !== undefined &&
          extended.includes(blocker.short.resource) &&
          / whole node has 0\b/.test(blocker.detail)) ||
        (blocker.plugin === 'DynamicResources' &&
          (blocker.final || (extended.length > 0 && / 0 match here/.test(blocker.detail)))),
    );
  const equipped = alive.filter((node) => !lacks(node));
  if (equipped.length === 0) return extended.length > 0 ? 'C2' : 'B6';
  const open = equipped.filter((node) => !has(node, 'TaintToleration'));
  if (open.length === 0) return 'C3';
  // Taints that keep control planes free are no finding while workers lack something.
  const roomy = open.filter((node) => !has(node, 'NodeResourcesFit') && !has(node, 'DynamicResources'));
  const decisive = roomy.length > 0 ? roomy : open;
  const counts = new Map<string, number>();
  for (const node of decisive) {
    for (const state of new Set(node.blockers.map((blocker) => blockerState(blocker, extended))))
      counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const never = ['C1', 'C2'].find((state) =>
    decisive.every((node) =>
      node.blockers.some(
        (blocker) =>
          blockerState(blocker, extended) === state && blocker.final && blocker.plugin === 'NodeResourcesFit',
      ),
    ),
  );
  if (never !== undefined) return never;
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function blockerState(
  blocker: Explanation['nodes'][number]['blockers'][number],
  extended: readonly string[],
): string {
  if (blocker.plugin === 'NodeResourcesFit')
    return /Too many pods/.test(blocker.reason)
      ? 'C12'
      : blocker.short !== undefined && extended.includes(blocker.short.resource)
        ? 'C2'
        : 'C1';
  if (blocker.plugin === 'VolumeBinding')
    return /node affinity|PersistentVolume's/.test(blocker.reason) ? 'C9' : 'C8';
  return stateOfPlugin[blocker.plugin] ?? 'C16';
}

/** The NUMA plugin of scheduler-plugins. */
const unaligned = /^cannot align (?:pod|container|init container)/;

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

/** The message alone: the filter that got farthest names the reason, unless a reserved taint explains it better. */
function stateByMessage(
  facts: PodFacts,
  row: PodRow | undefined,
  said: SchedulerMessage,
  message: string,
): string {
  const prefilter = said.preFilter ?? '';
  if (prefilter !== '') return stateOfPrefilter(prefilter);
  const entries = Object.entries(said.reasons).map(([reason, nodes]) => ({
    reason,
    nodes,
    kind: classOfReason(reason),
  }));
  const of = (kind: ReasonClass): readonly { readonly reason: string; readonly nodes: number }[] =>
    entries.filter((entry) => entry.kind === kind);
  const sum = (kind: ReasonClass): number => of(kind).reduce((total, entry) => total + entry.nodes, 0);
  if (
    /not eligible due to a terminating pod on the nominated node|waiting for the preemption/.test(
      said.preemption,
    )
  )
    return 'C14';
  if (entries.length === 0)
    return /gang|pod group|minAvailable|minCount|PodGroup/i.test(message) ? 'B4' : stateOfPrefilter(message);
  // Schedulers of some versions count the nodes of a complaint that is about none of them.
  if (entries.some(({ reason }) => /^(?:persistentvolumeclaim "|pod has unbound )/.test(reason))) return 'C8';
  // A pod of a DaemonSet is pinned: what the one node lacks is the news, not that the others are not meant.
  const pinned = (entry: { readonly reason: string }): boolean =>
    /plugin\(s\) \[NodeAffinity\]/.test(entry.reason);
  if (entries.some(pinned) && entries.every((entry) => pinned(entry) || entry.kind === 'affinity'))
    return 'C13';
  const claims =
    row !== undefined &&
    (list(facts.object, 'spec', 'resourceClaims').length > 0 ||
      Object.keys(row.spec.requests).every((name) => !isExtended(name)));
  // It comes after the sums of the node: there is room, but not on one side of the board.
  if (entries.some(({ reason }) => unaligned.test(reason))) return 'C16';
  if (sum('dra') > 0 && (claims || row === undefined || sum('dra') > sum('resource'))) return 'B6';
  if (sum('podaffinity') > 0) return 'C5';
  if (sum('spread') > 0) return 'C6';
  if (sum('volume') > 0) {
    const words = of('volume')
      .map((entry) => entry.reason)
      .join(' ');
    return /node affinity|volume zone/.test(words)
      ? 'C9'
      : /persistent volumes to bind|free storage|non-existent/.test(words)
        ? 'C8'
        : 'C10';
  }
  const reserved = of('taint').filter(
    (entry) => !healthTaint.test(entry.reason) && !controlPlaneTaint.test(entry.reason),
  );
  const resources = of('resource').map((entry) => ({
    ...entry,
    name: /Insufficient (\S+)/i.exec(entry.reason)?.[1] ?? '',
  }));
  if (resources.length > 0 && resources.every((entry) => entry.name === 'pods')) return 'C12';
  if (resources.length > 0) {
    const devices = resources.filter((entry) => isExtended(entry.name));
    const wants = row === undefined ? [] : Object.keys(row.spec.requests).filter(isExtended);
    const keyed = reserved.some((entry) => /\{/.test(entry.reason));
    const tolerates =
      row?.spec.tolerations.some((toleration) => !healthTaint.test(toleration.key ?? '')) === true;
    // Nodes with the device are mostly tainted, and the ones without a taint mostly lack it.
    if (
      devices.length > 0 &&
      wants.length > 0 &&
      reserved.length > 0 &&
      row !== undefined &&
      !tolerates &&
      (keyed
        ? reserved.some((entry) => /gpu|nvidia|amd|accelerator|dedicated|tpu/i.test(entry.reason))
        : reserved.reduce((total, entry) => total + entry.nodes, 0) >
          Math.max(...devices.map((entry) => entry.nodes)))
    )
      return 'C3';
    const most = [...resources].sort(
      (a, b) => b.nodes - a.nodes || Number(isExtended(b.name)) - Number(isExtended(a.name)),
    )[0];
    return most !== undefined && isExtended(most.name)
      ? 'C2'
      : devices.length > 0 && resources.every((entry) => (devices[0]?.nodes ?? 0) >= entry.nodes)
        ? 'C2'
        : 'C1';
  }
  if (sum('port') > 0) return 'C11';
  if (sum('pods') > 0) return 'C12';
  const selective =
    row !== undefined &&
    (row.spec.nodeSelector !== undefined || row.spec.affinity?.nodeAffinity !== undefined);
  if (sum('affinity') > 0) {
    if (reserved.length > 0 && !selective && row !== undefined) return 'C3';
    // The tainted nodes were turned away before anyone looked at their labels: they may be the ones that are meant.
    const onlyReserved =
      reserved.length > 0 &&
      reserved.reduce((total, entry) => total + entry.nodes, 0) >= 1 &&
      selectorMayMean(facts, reserved);
    if (onlyReserved) return 'C3';
    return sum('cordoned') > 0 &&
      sum('cordoned') + sum('affinity') + sum('taint') >= (said.nodes ?? 0) &&
      pinsHost(row)
      ? 'C7'
      : 'C4';
  }
  if (sum('nodename') > 0) return 'C13';
  if (sum('taint') > 0)
    return reserved.length === 0 &&
      sum('cordoned') > 0 &&
      of('taint').every((entry) => healthTaint.test(entry.reason) === false)
      ? 'C7'
      : 'C3';
  if (sum('cordoned') > 0) return 'C7';
  if (sum('gang') > 0) return 'B4';
  return 'C16';
}

function selectorMayMean(facts: PodFacts, reserved: readonly { readonly reason: string }[]): boolean {
  const wanted = [...Object.entries(strings(facts.object, 'spec', 'nodeSelector')).flat()]
    .join(' ')
    .toLowerCase();
  return reserved.some(
    (entry) =>
      /\{([^:}]+)(?::\s*([^}]*))?\}/
        .exec(entry.reason)
        ?.slice(1)
        .some(
          (word) => word !== undefined && word.trim() !== '' && wanted.includes(word.trim().toLowerCase()),
        ) === true,
  );
}

const pinsHost = (row: PodRow | undefined): boolean =>
  row?.spec.nodeSelector?.['kubernetes.io/hostname'] !== undefined ||
  JSON.stringify(row?.spec.affinity?.nodeAffinity ?? {}).includes('kubernetes.io/hostname');

function stateOfPrefilter(words: string): string {
  if (/persistentvolumeclaim|PersistentVolumeClaims|ephemeral volume controller/i.test(words)) return 'C8';
  if (/resource ?claim|device class|resourceclass|extended resource/i.test(words)) return 'B6';
  if (/gang|pod ?group|minCount|minAvailable/i.test(words)) return 'B4';
  // The names of predicates, which schedulers before 1.12 gave instead of sentences.
  if (/affinity terms conflict|MatchNodeSelector/.test(words)) return 'C4';
  if (/PodToleratesNodeTaints/.test(words)) return 'C3';
  if (/MatchInterPodAffinity/.test(words)) return 'C5';
  if (/NoVolumeZoneConflict|VolumeNodeAffinityConflict/.test(words)) return 'C9';
  if (/PodFitsHostPorts/.test(words)) return 'C11';
  return 'C16';
}

const title = (resource: string, asked = 0): string => {
  if (/(?:^|\/)gpu$/.test(resource)) return asked === 1 ? 'GPU' : 'GPUs';
  return resource.replace(/^nvidia\.com\//, '');
};

interface Room {
  readonly resource: string;
  readonly asked: number;
  readonly largestFree: number;
  readonly largestWhole: number;
  readonly totalFree: number;
  readonly nearestName: string;
  readonly offering: readonly string[];
}

/** Free amounts of a resource, over the nodes of the verdicts that are not turned away for other reasons. */
function roomFor(facts: PodFacts, found: Verdicts, resource: string): Room | undefined {
  const world = worldOf(facts.index);
  if (world.ledger.nodeCount() === 0) return undefined;
  const barred = new Set(
    (found.explanation?.nodes ?? [])
      .filter((node) =>
        node.blockers.some(
          (blocker) =>
            blocker.plugin === 'NodeAffinity' ||
            blocker.plugin === 'NodeUnschedulable' ||
            blocker.plugin === 'TaintToleration',
        ),
      )
      .map((node) => node.name),
  );
  let [largestFree, largestWhole, totalFree, nearestName] = [0, 0, 0, ''];
  const offering: string[] = [];
  for (const { node, requested } of world.ledger.accounts()) {
    const whole = node.allocatable[resource] ?? 0;
    if (whole > 0) offering.push(node.name);
    if (barred.has(node.name)) continue;
    const free = Math.max(0, whole - (requested.get(resource) ?? 0));
    totalFree += free;
    largestWhole = Math.max(largestWhole, whole);
    if (free > largestFree) [largestFree, nearestName] = [free, node.name];
  }
  return {
    resource,
    asked: found.row.spec.requests[resource] ?? 0,
    largestFree,
    largestWhole,
    totalFree,
    nearestName,
    offering,
  };
}

/** Which resource is short on most nodes: by our own sums, else by the message. */
function shortResource(found: Verdicts, extended: boolean): string {
  const votes = new Map<string, number>();
  for (const node of found.trusted ? (found.explanation?.nodes ?? []) : []) {
    if (
      node.blockers.some(
        (blocker) => blocker.plugin === 'NodeAffinity' || blocker.plugin === 'NodeUnschedulable',
      )
    )
      continue;
    for (const blocker of node.blockers)
      if (blocker.short !== undefined && blocker.plugin === 'NodeResourcesFit')
        votes.set(blocker.short.resource, (votes.get(blocker.short.resource) ?? 0) + (blocker.final ? 2 : 1));
  }
  for (const [reason, nodes] of votes.size > 0 ? [] : Object.entries(found.said.reasons)) {
    const resource =
      /Insufficient (\S+)/i.exec(reason)?.[1] ??
      /didn't have enough resources?: ([\w ./-]+)/.exec(reason)?.[1];
    if (resource !== undefined) votes.set(resource, nodes);
  }
  const fitting = [...votes]
    .filter(([resource]) => isExtended(resource) === extended)
    .sort((a, b) => b[1] - a[1])[0]?.[0];
  return (
    fitting ??
    Object.keys(found.row.spec.requests).find((resource) => isExtended(resource) === extended) ??
    (extended ? 'nvidia.com/gpu' : 'cpu')
  );
}

function holders(facts: PodFacts, resource: string): string {
  const world = worldOf(facts.index);
  const held: { readonly who: string; readonly amount: number }[] = [];
  for (const pod of world.ledger.pods()) {
    const amount = pod.spec.requests[resource] ?? 0;
    if (amount > 0 && pod.node !== '' && pod.phase !== 'Succeeded' && pod.phase !== 'Failed')
      held.push({ who: `${pod.namespace}/${pod.name}`, amount });
  }
  return held
    .sort((a, b) => b.amount - a.amount || (a.who < b.who ? -1 : 1))
    .slice(0, 4)
    .map((entry) => `${entry.who} ${amountText(resource, entry.amount)}`)
    .join(', ');
}

const trust = (found: Verdicts): Verdict =>
  found.trusted ? 'proven' : found.said.nodes !== undefined ? 'likely' : 'possible';

type Explain = (
  facts: PodFacts,
  found: Verdicts,
) => { readonly headline: string; readonly causes: readonly Cause[]; readonly items?: readonly Item[] };

const lookNodes = (facts: PodFacts): ReturnType<typeof kubectl> =>
  facts ? kubectl('See what the nodes have and give', 'read', '', ['describe', 'nodes']) : undefined;

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
  resource: string,
  extended: boolean,
): ReturnType<typeof kubectl> {
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
  const asked = found.row.spec.requests[resource] ?? 0;
  const [largest] = facts.containers
    .filter((container) => container.kind === 'main')
    .map((container) => ({
      name: container.name,
      asks: merged(record(container.spec, 'resources'))[resource],
    }))
    .flatMap(({ name, asks }) => (asks === undefined ? [] : [{ name, asks }]))
    .sort((a, b) => b.asks - a.asks);
  const amount =
    near === undefined || largest === undefined ? 0 : largest.asks - Math.max(0, asked - near.free);
  const shown = requestText(resource, amount);
  if (near === undefined || largest === undefined || /^0\D*$/.test(shown) || amount <= 0)
    return editOwner(facts, what);
  return changeTemplate(
    facts,
    `${what}: with ${shown} ${title(resource, amount)} it fits on ${near.name}`,
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

function insufficient(extended: boolean): Explain {
  return (facts, found) => {
    const id = extended ? 'C2' : 'C1';
    const resource = shortResource(found, extended);
    const room = roomFor(facts, found, resource);
    const asked = found.row.spec.requests[resource] ?? 0;
    const askedText =
      asked > 0
        ? `${amountText(resource, asked)}${extended ? ` ${title(resource, asked)}` : ` ${resource}`}`
        : title(resource);
    const names = new Set<string>();
    for (const { node } of worldOf(facts.index).ledger.accounts())
      for (const name of Object.keys(node.allocatable)) if (isExtended(name)) names.add(name);
    const known =
      room !== undefined &&
      (found.trusted ||
        found.explanation !== undefined ||
        facts.index.listed('Node') ||
        worldOf(facts.index).ledger.nodeCount() >= (found.said.nodes ?? Number.POSITIVE_INFINITY));
    const lower = askForLess(facts, found, resource, extended);
    const opened =
      found.trusted && found.explanation !== undefined
        ? changesFor(found.explanation).filter(
            (change) => change.plugin === 'TaintToleration' || change.plugin === 'NodeUnschedulable',
          )
        : [];
    const also = opened
      .slice(0, 2)
      .map((change) =>
        cause(
          change.plugin === 'TaintToleration' ? 'C3.hidden-taint' : 'C7.hidden-cordon',
          'proven',
          `it would fit on ${change.nodes.slice(0, 4).join(', ')} if ${change.change}`,
          change.plugin === 'TaintToleration'
            ? editOwner(facts, 'Add the toleration')
            : kubectl('Let pods on the node again', 'cluster', '', ['uncordon', change.nodes[0] ?? 'NODE']),
        ),
      );
    if (known && extended && room.offering.length === 0) {
      const labelled = facts.index
        .of('Node')
        .filter(
          (node) =>
            labelsOf(node)['nvidia.com/gpu.present'] === 'true' ||
            labelsOf(node)['nvidia.com/gpu.product'] !== undefined ||
            labelsOf(node)['cloud.google.com/gke-accelerator'] !== undefined,
        );
      const near = nearNames(resource, names);
      if (labelled.length > 0 && (names.size === 0 || resource === 'nvidia.com/gpu')) {
        return {
          headline: `no node offers ${resource}: device plugin not running?`,
          causes: [
            cause(
              'C2.plugin-missing',
              'likely',
              `${labelled.length} nodes have GPUs by their labels (${labelled.map(nameOf).slice(0, 3).join(', ')}), but none offers ${resource}: the device plugin or driver does not run there`,
              kubectl('See the device plugin pods', 'read', '', [
                'get',
                'pods',
                '-A',
                '-o',
                'wide',
                '-l',
                'app=nvidia-device-plugin-daemonset',
              ]),
              lookNodes(facts),
            ),
          ],
        };
      }
      return {
        headline: `no node offers ${resource}${near.length > 0 ? `; ${near[0]} exists` : ''}`,
        causes: [
          cause(
            'C2.no-such-resource',
            'proven',
            `no node offers ${resource}${names.size > 0 ? `; nodes offer ${[...names].slice(0, 6).join(', ')}` : ' (no device plugin, or no such nodes)'}`,
            editOwner(facts, near.length > 0 ? `Ask for ${near[0]}` : 'Correct the resource name'),
            lookNodes(facts),
          ),
        ],
      };
    }
    if (known && room.largestWhole > 0 && asked > room.largestWhole) {
      return {
        headline: `no node fits: asks ${askedText}, the largest node has ${amountText(resource, room.largestWhole)}`,
        causes: [
          cause(
            `${id}.never-fits`,
            found.trusted ? 'proven' : 'likely',
            `it asks for ${askedText}, more than any node that it may use has (largest: ${amountText(resource, room.largestWhole)}): it can never run as it is`,
            lower,
            lookNodes(facts),
          ),
          ...also,
        ],
      };
    }
    if (known && (found.trusted || room.largestFree < asked)) {
      const fragmented = extended && room.totalFree >= asked && asked > 0;
      const held = holders(facts, resource);
      return {
        headline: `no node fits: ${askedText}, largest free ${amountText(resource, room.largestFree)}`,
        causes: [
          cause(
            `${id}.${fragmented ? 'fragmented' : 'busy'}`,
            found.trusted ? 'proven' : 'likely',
            `it asks for ${askedText}; ${fragmented ? `${amountText(resource, room.totalFree)} are free in total, but at most ${amountText(resource, room.largestFree)} on one node` : `at most ${amountText(resource, room.largestFree)} are free on one node`}${held === '' ? '' : `; held by ${held}`}`,
            lower,
            lookNodes(facts),
            kubectl('See who holds them', 'read', '', [
              'get',
              'pods',
              '-A',
              '-o',
              'wide',
              '--field-selector=status.phase=Running',
            ]),
          ),
          ...also,
        ],
        items: [
          item(
            `${id}.room`,
            'scheduled',
            'A node has room',
            'fail',
            evidence('asks', askedText, 'spec.containers[*].resources.requests'),
            evidence('largest free', amountText(resource, room.largestFree)),
            evidence('free in total', amountText(resource, room.totalFree)),
          ),
        ],
      };
    }
    const nodes = Object.entries(found.said.reasons).find(([reason]) => reason.includes(resource))?.[1];
    const total = found.said.nodes;
    return {
      headline: `no node fits: ${asked > 0 ? askedText : resource} (insufficient ${resource}${nodes === undefined ? '' : ` on ${nodes} of ${total} nodes`})`,
      causes: [
        cause(
          `${id}.insufficient`,
          trust(found),
          `not enough ${resource}${nodes === undefined ? '' : ` on ${nodes} of ${total} nodes`}: it asks for ${asked > 0 ? askedText : 'more than is free'}${extended && nodes !== undefined && nodes === total ? `; no node has enough ${resource} free, or offers it at all` : ''}`,
          lower,
          lookNodes(facts),
        ),
        ...taintBeside(facts, found),
      ],
    };
  };
}

/** Taints as a second reason: they hide what the tainted nodes have. */
function taintBeside(facts: PodFacts, found: Verdicts): readonly Cause[] {
  const tainted = Object.entries(found.said.reasons).filter(
    ([reason]) =>
      classOfReason(reason) === 'taint' && !healthTaint.test(reason) && !controlPlaneTaint.test(reason),
  );
  if (tainted.length === 0) return [];
  const keys = tainted.map(([reason]) => /\{([^}]*)\}/.exec(reason)?.[1]).filter((key) => key !== undefined);
  const count = tainted.reduce((sum, [, nodes]) => sum + nodes, 0);
  return [
    cause(
      'C3.beside',
      'possible',
      `${count} further nodes are closed to it by ${keys.length > 0 ? `taint ${keys.join(', ')}` : 'taints that it does not tolerate'}`,
      editOwner(facts, 'Add a toleration, if it is meant for those nodes'),
      kubectl('See the taints', 'read', '', [
        'get',
        'nodes',
        '-o',
        'custom-columns=NAME:.metadata.name,TAINTS:.spec.taints',
      ]),
    ),
  ];
}

const taint: Explain = (facts, found) => {
  const groups = new Map<string, string[]>();
  for (const { node } of worldOf(facts.index).ledger.accounts()) {
    const first = untoleratedTaints(node.taints, found.row.spec.tolerations)[0];
    if (first === undefined) continue;
    const key = `${first.key}${first.value ? `=${first.value}` : ''}:${first.effect}`;
    const names = groups.get(key);
    if (names === undefined) groups.set(key, [node.name]);
    else names.push(node.name);
  }
  const known = [...groups]
    .filter(([key]) => !controlPlaneTaint.test(key))
    .sort(
      (a, b) => Number(healthTaint.test(a[0])) - Number(healthTaint.test(b[0])) || b[1].length - a[1].length,
    );
  const toldKeys = Object.keys(found.said.reasons)
    .filter((reason) => classOfReason(reason) === 'taint')
    .map((reason) => /\{([^}]*)\}/.exec(reason)?.[1]?.replace(/:\s*$/, '').replace(/:\s+/, '='))
    .filter((key) => key !== undefined);
  const opens =
    found.trusted && found.explanation !== undefined
      ? changesFor(found.explanation).filter((change) => change.plugin === 'TaintToleration')
      : [];
  const main =
    opens[0]?.change.replace(/^the pod tolerated /, '') ??
    (known.length > 0
      ? (known.filter(([key]) => !healthTaint.test(key))[0]?.[0] ?? known[0]?.[0])
      : undefined) ??
    toldKeys.find((key) => !healthTaint.test(key) && !controlPlaneTaint.test(key)) ??
    toldKeys[0];
  const healthOnly = main !== undefined && healthTaint.test(main);
  const count = Object.entries(found.said.reasons)
    .filter(([reason]) => classOfReason(reason) === 'taint')
    .reduce((sum, [, nodes]) => sum + nodes, 0);
  const where =
    opens[0] !== undefined ? `; without it ${opens[0].nodes.slice(0, 4).join(', ')} would fit` : '';
  const [key = '', effect = ''] = (main ?? '').split(':');
  const [name = '', value = ''] = key.split('=');
  const near = found.row.spec.tolerations.find((toleration) => toleration.key === name && name !== '');
  const nearly =
    near === undefined
      ? ''
      : `; its toleration of ${name} does not match (${near.operator ?? 'Equal'} ${near.value ?? ''} ${near.effect ?? ''})`;
  const pressure = /(memory|disk|pid)-pressure/.exec(main ?? '')?.[1];
  const joining = main?.includes('node.cloudprovider.kubernetes.io/uninitialized') === true;
  const says = healthOnly
    ? joining
      ? `the cloud controller manager has not initialised the nodes yet (taint ${main})${count > 0 ? `: ${count} of ${found.said.nodes}` : ''}: it does not run, or cannot reach the cloud`
      : pressure === undefined
        ? `the nodes are not ready or going away (taint ${main}): no node takes new pods${count > 0 ? ` (${count} of ${found.said.nodes})` : ''}`
        : `the nodes are under ${pressure} pressure (taint ${main}): they take no new pods`
    : main === undefined
      ? `${count} of ${found.said.nodes} nodes have taints that it does not tolerate (this scheduler version does not name them)`
      : `it does not tolerate taint ${main}${count > 0 && found.said.nodes !== undefined ? ` (${count} of ${found.said.nodes} nodes have such taints)` : ''}${nearly}${where}`;
  const toleration = `{"spec":{"template":{"spec":{"tolerations":[{"key":"${name}",${value === '' ? '"operator":"Exists"' : `"operator":"Equal","value":"${value}"`}${effect === '' ? '' : `,"effect":"${effect}"`}}]}}}}`;
  const fix = joining
    ? kubectl('See whether the cloud controller manager runs', 'read', '', [
        'get',
        'pods',
        '-n',
        'kube-system',
        '-o',
        'wide',
      ])
    : healthOnly
      ? kubectl('See why the nodes are not ready', 'read', '', ['describe', 'nodes'])
      : changeTemplate(facts, `Tolerate ${main ?? 'the taint'}`, (target) =>
          main === undefined
            ? ['edit', target.resource, target.name]
            : ['patch', target.resource, target.name, '--type=merge', '-p', toleration],
        );
  const extended =
    Object.keys(found.row.spec.requests).some(isExtended) &&
    Object.keys(found.said.reasons).some((reason) => /Insufficient \S+\/\S+/.test(reason));
  return {
    headline: healthOnly
      ? `nodes not usable: taint ${main}`
      : `taint not tolerated${main === undefined ? '' : `: ${main}`}`,
    causes: [
      cause(
        joining
          ? 'C3.uninitialized'
          : healthOnly
            ? pressure === undefined
              ? 'C3.node-not-ready'
              : 'C3.node-pressure'
            : 'C3.taint',
        main === undefined ? 'likely' : found.trusted || toldKeys.length > 0 ? 'proven' : 'likely',
        says,
        fix,
        kubectl('See the taints', 'read', '', [
          'get',
          'nodes',
          '-o',
          'custom-columns=NAME:.metadata.name,TAINTS:.spec.taints',
        ]),
      ),
      ...(extended && !found.trusted
        ? [
            cause(
              'C2.beside',
              'possible',
              'the nodes without such a taint do not have the devices that it asks for',
              lookNodes(facts),
            ),
          ]
        : []),
    ],
    items: known.map(([entry, nodes]) =>
      item(
        'C3.taints',
        'scheduled',
        `Taint ${entry}`,
        'fail',
        evidence('nodes', nodes.slice(0, 6).join(', '), 'spec.taints', {
          ref: { kind: 'Node', namespace: '', name: nodes[0] ?? '' },
        }),
      ),
    ),
  };
};

/** Thousands of nodes have the same few dozen keys. */
function labelKeysOf(nodes: readonly KubeObject[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const node of nodes) for (const key in labelsOf(node)) keys.add(key);
  return keys;
}

/** Labels that say what a machine is and that a controller or the kubelet writes: setting one by hand is a lie, soon undone. */
const machineLabel =
  /^(?:(?:beta\.)?kubernetes\.io\/(?:arch|os|hostname)|(?:node|topology|failure-domain\.beta)\.kubernetes\.io\/|[\w.-]*nvidia\.com\/|amd\.com\/|[\w.-]*intel\.com\/|feature\.node\.kubernetes\.io\/|cloud\.google\.com\/|eks\.amazonaws\.com\/|kubernetes\.azure\.com\/|karpenter\.)/;

/** Which demand no node meets, and what comes close. */
const affinity: Explain = (facts, found) => {
  const nodes = facts.index.of('Node');
  const wants: {
    readonly key: string;
    readonly values: readonly string[];
    readonly path: string;
    readonly operator: string;
  }[] = Object.entries(strings(facts.object, 'spec', 'nodeSelector')).map(([key, value]) => ({
    key,
    values: [value],
    path: `spec.nodeSelector[${key}]`,
    operator: 'In',
  }));
  for (const term of list(
    facts.object,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  )) {
    for (const entry of list(term, 'matchExpressions'))
      wants.push({
        key: text(entry, 'key'),
        values: list(entry, 'values').map(String),
        path: 'spec.affinity.nodeAffinity',
        operator: text(entry, 'operator'),
      });
  }
  const meets = (want: (typeof wants)[number], value: string | undefined): boolean =>
    want.operator === 'In'
      ? value !== undefined && want.values.includes(value)
      : want.operator === 'Exists'
        ? value !== undefined
        : want.operator === 'NotIn'
          ? value === undefined || !want.values.includes(value)
          : want.operator === 'DoesNotExist'
            ? value === undefined
            : true;
  const unmet =
    nodes.length === 0
      ? undefined
      : wants.find((want) => !nodes.some((node) => meets(want, labelsOf(node)[want.key])));
  const listed = wants
    .map(
      (want) => `${want.key}${want.operator === 'In' ? '=' : ` ${want.operator} `}${want.values.join('|')}`,
    )
    .join(', ');
  const edit = editOwner(facts, 'Correct the nodeSelector or affinity');
  // A label opens nodes only to a demand for one.
  const label =
    unmet === undefined || !/^(?:In|Exists)$/.test(unmet.operator) || machineLabel.test(unmet.key)
      ? undefined
      : kubectl('Or label the nodes that are meant', 'cluster', '', [
          'label',
          'node',
          nameOf(nodes[0]) || 'NODE',
          `${unmet.key}=${unmet.values[0] ?? 'true'}`,
        ]);
  const see = kubectl('See the labels of the nodes', 'read', '', [
    'get',
    'nodes',
    ...(wants[0] === undefined
      ? ['--show-labels']
      : ['-L', [...new Set(wants.map((want) => want.key))].join(',')]),
  ]);
  if (unmet !== undefined) {
    const values = [
      ...new Set(nodes.map((node) => labelsOf(node)[unmet.key]).filter((value) => value !== undefined)),
    ];
    const near = nearNames(unmet.values[0] ?? '', values);
    const keys = values.length > 0 ? [] : nearNames(unmet.key, labelKeysOf(nodes));
    const hint =
      values.length > 0
        ? `; nodes have ${(near.length > 0 ? near : values).slice(0, 4).join(', ')}`
        : `; no node has the label ${unmet.key}${keys.length > 0 ? `, but ${keys[0]}` : ''}`;
    return {
      headline: `no node has ${unmet.key}=${unmet.values.join('|')}`,
      causes: [
        cause(
          'C4.no-such-label',
          found.trusted || facts.index.listed('Node') || nodes.length >= (found.said.nodes ?? 1)
            ? 'proven'
            : 'likely',
          `it wants nodes with ${unmet.key}${unmet.operator === 'In' ? '=' : ` ${unmet.operator} `}${unmet.values.join(' or ')}, and none has it${hint}`,
          near.length === 1 && unmet.path.startsWith('spec.nodeSelector')
            ? changeTemplate(facts, `Ask for ${near[0]}, which nodes have`, (target) => [
                'patch',
                target.resource,
                target.name,
                '--type=merge',
                '-p',
                JSON.stringify({ spec: { template: { spec: { nodeSelector: { [unmet.key]: near[0] } } } } }),
              ])
            : edit,
          label,
          see,
        ),
      ],
      items: [
        item(
          'C4.label',
          'scheduled',
          `Nodes with ${unmet.key}=${unmet.values.join('|')}`,
          'fail',
          evidence('wanted', unmet.values.join(', '), unmet.path),
          evidence('values on the nodes', values.slice(0, 8).join(', ') || 'none', 'metadata.labels'),
        ),
      ],
    };
  }
  const nearestNode =
    found.trusted && found.explanation !== undefined ? nearest(found.explanation) : undefined;
  const detail = nearestNode?.blockers.find((blocker) => blocker.plugin === 'NodeAffinity')?.detail;
  return {
    headline: `no node matches its selector${listed === '' ? '' : `: ${brief(listed, 70)}`}`,
    causes: [
      cause(
        'C4.no-match',
        trust(found),
        `no node matches its nodeSelector or affinity${listed === '' ? '' : ` (${brief(listed, 160)})`}${detail === undefined ? '' : `; nearest is ${nearestNode?.name}: ${brief(detail, 100)}`}${wants.length > 1 && nodes.length > 0 ? '; each demand is met somewhere, never all on one node' : ''}`,
        edit,
        see,
      ),
      ...(found.trusted ? [] : taintBeside(facts, found)),
    ],
  };
};

const simple =
  (
    headline: string,
    build: (
      facts: PodFacts,
      found: Verdicts,
    ) => {
      readonly id: string;
      readonly text: string;
      readonly fixes: readonly Parameters<typeof cause>[3][];
      readonly headline?: string;
      readonly beside?: readonly Cause[];
    },
  ): Explain =>
  (facts, found) => {
    const { id, text: says, fixes, headline: own, beside = [] } = build(facts, found);
    return { headline: own ?? headline, causes: [cause(id, trust(found), says, ...fixes), ...beside] };
  };

/** The detail of the first node whose last obstacle is this plugin. */
function detailOf(found: Verdicts, plugin: string): string {
  const nodes = found.trusted ? (found.explanation?.nodes ?? []) : [];
  const node =
    nodes.find((entry) => entry.blockers.length === 1 && entry.blockers[0]?.plugin === plugin) ??
    nodes.find((entry) => entry.blockers.some((blocker) => blocker.plugin === plugin));
  const blocker = node?.blockers.find((entry) => entry.plugin === plugin);
  return blocker === undefined ? '' : ` (${node?.name}: ${brief(blocker.detail, 110)})`;
}

const nodesWith = (found: Verdicts, pattern: RegExp): string => {
  const entry = Object.entries(found.said.reasons).find(([reason]) => pattern.test(reason));
  return entry === undefined ? '' : ` on ${entry[1]} of ${found.said.nodes} nodes`;
};

const interPod: Explain = simple('pod affinity or anti-affinity', (facts, found) => {
  const words =
    Object.keys(found.said.reasons).join(' ') +
    (found.explanation === undefined ? '' : Object.keys(found.explanation.reasons).join(' '));
  const kind = /existing pods anti-affinity/.test(words)
    ? 'others'
    : /anti-affinity/.test(words)
      ? 'anti'
      : 'affinity';
  const rules = list(
    facts.object,
    'spec',
    'affinity',
    kind === 'affinity' ? 'podAffinity' : 'podAntiAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  const rule = rules
    .map(
      (entry) =>
        `${
          Object.entries(strings(entry, 'labelSelector', 'matchLabels'))
            .map(([key, value]) => `${key}=${value}`)
            .join(',') || 'a selector'
        } per ${text(entry, 'topologyKey')}`,
    )
    .join('; ');
  const target = targetOf(facts);
  const wanted = at(facts.owners.at(-1)?.object, 'spec', 'replicas');
  const nodes = found.said.nodes ?? worldOf(facts.index).ledger.nodeCount();
  const more =
    kind === 'anti' && typeof wanted === 'number' && nodes > 0 && wanted > nodes
      ? `: ${wanted} replicas, ${nodes} nodes`
      : '';
  return {
    id: `C5.${kind}`,
    headline:
      kind === 'affinity'
        ? 'no node satisfies its pod affinity'
        : kind === 'others'
          ? 'other pods keep it away (anti-affinity)'
          : `anti-affinity: every node that fits has such a pod${more}`,
    text:
      kind === 'affinity'
        ? `no node satisfies its required pod affinity (${rule}): no pod with those labels runs where it could go${detailOf(found, 'InterPodAffinity')}`
        : kind === 'others'
          ? `the required anti-affinity of pods that run already keeps it away${detailOf(found, 'InterPodAffinity')}`
          : `its required pod anti-affinity${rule === '' ? '' : ` (${rule})`} leaves no node${more}: each one that would do already has such a pod${nodesWith(found, /anti-affinity/)}${detailOf(found, 'InterPodAffinity')}`,
    fixes: [
      editOwner(facts, 'Prefer instead of require (preferredDuringScheduling…)'),
      target.kind === 'Deployment'
        ? kubectl('Roll without surge, so that old pods make room', 'reversible', facts.namespace, [
            'patch',
            'deployment',
            target.name,
            '-p',
            '{"spec":{"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}}}',
          ])
        : undefined,
      getObject('See where its siblings are', 'pods', facts.namespace, '-o', 'wide'),
    ],
    beside: found.trusted ? [] : taintBeside(facts, found),
  };
});

const spread: Explain = simple('topology spread', (facts, found) => {
  const missing = /missing required label/.test(Object.keys(found.said.reasons).join(' '));
  const rules = list(facts.object, 'spec', 'topologySpreadConstraints')
    .filter((entry) => text(entry, 'whenUnsatisfiable') !== 'ScheduleAnyway')
    .map((entry) => `${text(entry, 'topologyKey')} maxSkew ${text(entry, 'maxSkew')}`)
    .join('; ');
  return {
    id: missing ? 'C6.missing-label' : 'C6.skew',
    headline: missing ? 'topology spread over a label that no node has' : 'topology spread leaves no node',
    text: missing
      ? `its topology spread (${rules}) counts by a label that the nodes do not have${detailOf(found, 'PodTopologySpread')}`
      : `its topology spread${rules === '' ? '' : ` (DoNotSchedule: ${rules})`} allows no node: the domains with room already have too many of these pods${detailOf(found, 'PodTopologySpread')}`,
    fixes: [
      editOwner(facts, 'Use whenUnsatisfiable: ScheduleAnyway, or nodeTaintsPolicy: Honor'),
      kubectl('See the domains', 'read', '', ['get', 'nodes', '-L', 'topology.kubernetes.io/zone']),
    ],
  };
});

const cordoned: Explain = simple('cordoned', (facts, found) => {
  const names = facts.index
    .of('Node')
    .filter((node) => at(node, 'spec', 'unschedulable') === true)
    .map(nameOf);
  const open =
    found.trusted && found.explanation !== undefined
      ? changesFor(found.explanation).find((change) => change.plugin === 'NodeUnschedulable')?.nodes
      : undefined;
  const which = open ?? names;
  return {
    id: 'C7.cordoned',
    headline: `node cordoned: ${which.slice(0, 3).join(', ') || 'the only ones that fit'}`,
    text: `the node${which.length === 1 ? '' : 's'} that would do ${which.length === 1 ? 'is' : 'are'} cordoned${which.length > 0 ? `: ${which.slice(0, 4).join(', ')}` : ''} (unschedulable: a drain, an upgrade, or by hand)`,
    fixes: [
      kubectl('Let pods on the node again', 'cluster', '', ['uncordon', which[0] ?? 'NODE']),
      getObject('See the nodes', 'nodes', ''),
    ],
  };
});

/** The claims that keep it from any node, each with its own trouble. */
const claims: Explain = (facts, found) => {
  const words = found.said.preFilter ?? found.message;
  const absent = /persistentvolumeclaim "([^"]+)" not found/.exec(words)?.[1];
  if (absent !== undefined) {
    const ephemeral = list(facts.object, 'spec', 'volumes').some(
      (volume) => at(volume, 'ephemeral') !== undefined && `${facts.name}-${text(volume, 'name')}` === absent,
    );
    const near = nearNames(
      absent,
      facts.index.inNamespace('PersistentVolumeClaim', facts.namespace).map(nameOf),
    );
    const elsewhere = facts.index
      .of('PersistentVolumeClaim')
      .find((claim) => nameOf(claim) === absent && claim.metadata?.namespace !== facts.namespace);
    const hint =
      near.length > 0
        ? `; there is ${near.join(', ')}`
        : elsewhere === undefined
          ? ''
          : `; it exists in namespace ${elsewhere.metadata?.namespace}`;
    return {
      headline: `claim ${absent} does not exist`,
      causes: [
        cause(
          'C8.claim-missing',
          'proven',
          `the PersistentVolumeClaim ${absent} does not exist in namespace ${facts.namespace}${hint}${ephemeral ? ' (the ephemeral volume controller makes it)' : ''}`,
          getObject('See the claims of the namespace', 'pvc', facts.namespace),
          editOwner(facts, 'Correct the claim name, or create the claim'),
        ),
      ],
    };
  }
  const deleting = /persistentvolumeclaim "([^"]+)" is being deleted/.exec(words)?.[1];
  const ghost = /(?:persistentvolumeclaim "([^"]+)" )?bound to non-existent persistentvolume "([^"]+)"/.exec(
    words,
  );
  if (ghost !== null)
    return {
      headline: `claim is bound to a volume that does not exist: ${ghost[2]}`,
      causes: [
        cause(
          'C8.volume-missing',
          'proven',
          `the claim ${ghost[1] ?? ''} is bound to volume ${ghost[2]}, which does not exist`,
          getObject('See claims and volumes', 'pvc,pv', facts.namespace),
        ),
      ],
    };
  const troubled: {
    readonly name: string;
    readonly trouble: NonNullable<ReturnType<typeof claimTrouble>>;
  }[] = [];
  for (const name of claimsOf(facts)) {
    const claim = facts.index.get('PersistentVolumeClaim', facts.namespace, name);
    const trouble = claim === undefined ? undefined : claimTrouble(facts.index, claim);
    if (trouble !== undefined && (trouble.causes.length > 0 || name === deleting))
      troubled.push({ name, trouble });
  }
  if (deleting !== undefined && !troubled.some((entry) => entry.name === deleting))
    return {
      headline: `claim ${deleting} is being deleted`,
      causes: [
        cause(
          'C8.deleting',
          'proven',
          `its claim ${deleting} is being deleted: no new pod may use it, and it goes when the last pod with it ends`,
          describe('pvc', facts.namespace, deleting),
        ),
      ],
    };
  const first = troubled[0];
  if (first !== undefined) {
    const [main] = first.trouble.causes;
    return {
      headline: `claim ${first.name}: ${first.trouble.headline}`,
      causes: [
        ...(main === undefined
          ? [
              cause(
                'C8.deleting',
                'proven',
                `claim ${first.name} is being deleted`,
                describe('pvc', facts.namespace, first.name),
              ),
            ]
          : first.trouble.causes),
      ],
      items: first.trouble.items,
    };
  }
  const name = claimsOf(facts)[0];
  const which = name === undefined ? 'a claim of it' : `claim ${name}`;
  const local = /persistent volumes to bind/.test(Object.keys(found.said.reasons).join(' '));
  const storage = /free storage/.test(Object.keys(found.said.reasons).join(' '));
  return {
    headline: storage
      ? 'no node has enough free storage'
      : local
        ? 'no volume to bind on any node that fits'
        : `${which} is not bound`,
    causes: [
      cause(
        storage ? 'C8.no-storage' : local ? 'C8.no-volume' : 'C8.unbound',
        trust(found) === 'possible' ? 'possible' : local && !found.trusted ? 'likely' : 'proven',
        local || storage
          ? `no volume can be bound for ${which} on the nodes that would do: no free (local) volume or capacity there`
          : `${name === undefined ? which : `the ${which}`} is not bound, and its class binds at once: no volume was provisioned or matches`,
        name === undefined
          ? getObject('See the claims', 'pvc', facts.namespace)
          : describe('pvc', facts.namespace, name),
        getObject('See the volumes', 'pv', ''),
      ),
    ],
  };
};

const volumeZone: Explain = simple('volume in another zone', (facts, found) => {
  const names = claimsOf(facts);
  const bound = names
    .map((name) => facts.index.get('PersistentVolumeClaim', facts.namespace, name))
    .map((claim) => text(claim, 'spec', 'volumeName'))
    .filter((name) => name !== '');
  const volume = bound
    .map((name) => facts.index.get('PersistentVolume', '', name))
    .find((entry) => at(entry, 'spec', 'nodeAffinity') !== undefined);
  const terms = list(volume, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms')
    .flatMap((term) =>
      list(term, 'matchExpressions').map(
        (entry) => `${text(entry, 'key')} in ${list(entry, 'values').join('|')}`,
      ),
    )
    .join(' or ');
  const rest = Object.entries(found.said.reasons)
    .filter(([reason]) => !['volume', 'cordoned'].includes(classOfReason(reason)))
    .map(([reason, nodes]) => `${nodes} ${reason}`)
    .join(', ');
  return {
    id: 'C9.zone',
    headline: `volume ${bound[0] ?? names.join(', ')} is elsewhere${terms === '' ? '' : `: ${brief(terms, 60)}`}`,
    text: `its volume ${bound[0] ?? names.join(', ')} can be reached only from ${terms === '' ? 'other nodes (another zone or host)' : `nodes with ${terms}`}, and those cannot take the pod${rest === '' ? '' : ` (${brief(rest, 120)})`}`,
    fixes: [
      kubectl('See where the volume is', 'read', '', ['get', 'pv', bound[0] ?? 'VOLUME', '-o', 'yaml']),
      kubectl('See the zones of the nodes', 'read', '', [
        'get',
        'nodes',
        '-L',
        'topology.kubernetes.io/zone',
      ]),
      editOwner(facts, 'Let it run where the volume is'),
    ],
  };
});

const volumeLimits: Explain = simple('volume limits', (facts, found) => {
  const words = Object.keys(found.said.reasons).join(' ');
  const rwop = /ReadWriteOncePod/.test(words);
  const missing = /(\S+) CSI driver is not installed/.exec(words)?.[1];
  return {
    id: rwop ? 'C10.rwop' : missing !== undefined ? 'C10.driver-missing' : 'C10.limit',
    headline: rwop
      ? 'its ReadWriteOncePod claim is in use'
      : missing !== undefined
        ? `CSI driver ${missing} is not on the nodes`
        : 'nodes have reached their volume limit',
    text: rwop
      ? `its claim is ReadWriteOncePod and another pod uses it${detailOf(found, 'VolumeRestrictions')}`
      : missing !== undefined
        ? `the CSI driver ${missing} is not installed on the nodes`
        : `the nodes have as many volumes as they can attach${detailOf(found, 'NodeVolumeLimits')}`,
    fixes: [
      getObject('See the CSI nodes', 'csinodes', ''),
      getObject('See who uses the claims', 'pods', facts.namespace, '-o', 'wide'),
    ],
  };
});

const hostPort: Explain = simple('host port taken', (facts, found) => {
  const ports = list(facts.object, 'spec', 'containers')
    .flatMap((container) =>
      list(container, 'ports').map(
        (port) =>
          text(port, 'hostPort') ||
          (at(facts.object, 'spec', 'hostNetwork') === true ? text(port, 'containerPort') : ''),
      ),
    )
    .filter((port) => port !== '');
  const named = ports.length === 0 ? 'a host port of it' : `host port ${ports.join(', ')}`;
  const target = targetOf(facts);
  return {
    id: 'C11.host-port',
    headline: `${named} is taken`,
    text: `${named} is already taken on every node that would do${detailOf(found, 'NodePorts')}`,
    fixes: [
      target.kind === 'Deployment'
        ? kubectl('Replace instead of rolling', 'reversible', facts.namespace, [
            'patch',
            'deployment',
            target.name,
            '-p',
            '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}',
          ])
        : undefined,
      editOwner(facts, 'Drop the hostPort, or run one per node'),
      getObject('See where its siblings are', 'pods', facts.namespace, '-o', 'wide'),
    ],
  };
});

const tooManyPods: Explain = simple('nodes full of pods', (facts, found) => ({
  id: 'C12.too-many-pods',
  headline: 'the nodes that fit run as many pods as they may',
  text: `the nodes that would do run as many pods as their limit allows${nodesWith(found, /Too many pods|Insufficient pods/)}${detailOf(found, 'NodeResourcesFit')}`,
  fixes: [
    kubectl('See the limits', 'read', '', [
      'get',
      'nodes',
      '-o',
      'custom-columns=NAME:.metadata.name,PODS:.status.allocatable.pods',
    ]),
    editOwner(facts, 'Allow other nodes'),
  ],
}));

const nodeName: Explain = simple('pinned to a node', (facts, found) => {
  const wanted =
    /metadata\.name[^[]*\[?([\w., -]*)/
      .exec(
        JSON.stringify(at(facts.object, 'spec', 'affinity', 'nodeAffinity') ?? '').replace(/"/g, ' '),
      )?.[1]
      ?.trim() ?? '';
  const named = list(
    facts.object,
    'spec',
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
    'nodeSelectorTerms',
  ).flatMap((term) => list(term, 'matchFields').flatMap((field) => list(field, 'values').map(String)));
  const name = named[0] ?? wanted;
  const exists = name === '' ? undefined : facts.index.find('Node', '', name);
  return {
    id: 'C13.node',
    headline: `pinned to node ${name || 'by name'}`,
    text: `it may run only on node ${name || '(by name)'}${exists?.state === 'missing' ? ', which does not exist' : exists?.state === 'present' ? ', which cannot take it' : ', which does not exist or cannot take it'}${found.message === '' ? '' : ''}`,
    fixes: [getObject('See the nodes', 'nodes', ''), editOwner(facts, 'Remove the pin')],
  };
});

/** Refusals in the words of schedulers that have no filters, or of one that has no nodes. */
function otherReason(facts: PodFacts, found: Verdicts): ReturnType<Explain> | undefined {
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

const explainers: Readonly<Record<string, Explain>> = {
  C1: insufficient(false),
  C2: insufficient(true),
  C3: taint,
  C4: affinity,
  C5: interPod,
  C6: spread,
  C7: cordoned,
  C8: claims,
  C9: volumeZone,
  C10: volumeLimits,
  C11: hostPort,
  C12: tooManyPods,
  C13: nodeName,
  C16: (facts, found) =>
    otherReason(facts, found) ?? {
      headline: `scheduler: ${brief(found.message, 90)}`,
      causes: [
        cause(
          'C16.other',
          'likely',
          `the scheduler says: ${brief(found.message, 200)}`,
          describe('pod', facts.namespace, facts.name),
        ),
      ],
    },
};

/** The matrix in lines, the nearest node, and where our evaluation and the scheduler's differ. */
function matrixItems(found: Verdicts): readonly Item[] {
  const { explanation } = found;
  if (explanation === undefined) return [];
  const items: Item[] = [];
  const differs = agreement(found.row, explanation);
  if (explanation.fits.length > 0 && found.message !== '') {
    items.push(
      unknown(
        'C.evaluation',
        'scheduled',
        'Own evaluation agrees with the scheduler',
        'ambiguous',
        evidence('scheduler says', brief(found.message, 300), 'status.conditions[PodScheduled].message'),
        evidence('by own evaluation it fits on', explanation.fits.slice(0, 5).join(', ')),
      ),
    );
  } else if (differs.agrees === false) {
    items.push(
      unknown(
        'C.evaluation',
        'scheduled',
        'Own evaluation agrees with the scheduler',
        'ambiguous',
        evidence('scheduler counts', JSON.stringify(differs.scheduler)),
        evidence('own evaluation counts', JSON.stringify(differs.ours)),
      ),
    );
  }
  for (const group of groupVerdicts(explanation).slice(0, 8)) {
    if (group.blockers.length === 0) continue;
    items.push(
      item(
        'C.nodes',
        'scheduled',
        `${group.nodes.length} nodes: ${group.nodes.slice(0, 4).join(', ')}${group.nodes.length > 4 ? ', …' : ''}`,
        'fail',
        ...group.blockers.map((blocker) => evidence(blocker.plugin, blocker.detail)),
      ),
    );
  }
  const close = nearest(explanation);
  if (close !== undefined)
    items.push(
      item(
        'C.nearest',
        'scheduled',
        'The nearest node',
        'info',
        evidence(close.name, close.blockers.map((blocker) => blocker.detail).join('; ')),
      ),
    );
  for (const change of changesFor(explanation).slice(0, 3))
    items.push(
      item(
        'C.wouldFit',
        'scheduled',
        'It would fit if',
        'info',
        evidence(change.change, change.nodes.slice(0, 6).join(', ')),
      ),
    );
  return items;
}

/** What the sentence about the nodes becomes with what the autoscaler says; the failed order of a node comes first. */
function withScaleUp(causes: readonly Cause[], scaling: ScaleUp | undefined): readonly Cause[] {
  const [first, ...rest] = causes;
  if (scaling === undefined || scaling.coming || first === undefined) return causes;
  if (!scaling.failed)
    return [{ ...first, text: `${first.text}; ${scaling.clause}` }, scaling.cause, ...rest];
  // That no node matches is no mistake of the pod where one that does was ordered for it.
  const present = first.id.startsWith('C4.') ? { ...first, verdict: 'possible' as const } : first;
  return [{ ...scaling.cause, text: `${scaling.cause.text}; for now ${first.text}` }, present, ...rest];
}

function matchState(id: string): (facts: PodFacts) => Match | undefined {
  return (facts) => {
    if (facts.phase !== 'Pending' && facts.phase !== '') return undefined;
    const found = verdictsOf(facts);
    if (found === undefined || found.state !== id) return undefined;
    const scaling = scaleUp(facts);
    const since = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt;
    const built = explainers[id]?.(facts, found);
    if (built === undefined) return undefined;
    const diagnose = (): Diagnosis => ({
      causes: withScaleUp(built.causes, scaling),
      items: [
        item(
          `${id}.scheduler`,
          'scheduled',
          'The scheduler finds a node',
          'fail',
          evidence(
            'scheduler says',
            found.message || 'Unschedulable',
            'status.conditions[PodScheduled].message',
          ),
        ),
        ...(built.items ?? []),
        ...matrixItems(found),
        ...(scaling === undefined ? [] : [scaling.item]),
      ],
    });
    const fresh = facts.now - (since ?? facts.now) < 10_000 && !facts.index.nowIsGuess;
    return {
      headline:
        scaling?.failed === true
          ? scaling.headline
          : `${built.headline}${scaling?.coming === true ? ' (a node is coming)' : ''}`,
      since,
      ...(fresh || scaling?.coming === true
        ? {
            severity:
              fresh || facts.now - (facts.createdAt ?? since ?? 0) < 10 * 60_000
                ? ('none' as const)
                : ('warn' as const),
          }
        : {}),
      diagnose,
    };
  };
}

const state = (id: string, key: string, text: string): PodState => ({
  id,
  key,
  title: text,
  gate: 'scheduled',
  severity: 'bad',
  match: matchState(id),
});

/** A pod of higher priority waits for the ones that it pushes out. */
const preempting: PodState = {
  id: 'C14',
  key: 'sched.preempting',
  gate: 'scheduled',
  severity: 'none',
  title: 'It waits for its victims to end',
  match: (facts) => {
    if (facts.node !== '' || facts.nominatedNode === '') return undefined;
    const victims = facts.index
      .podsOn(facts.nominatedNode)
      .filter((pod) =>
        list(pod, 'status', 'conditions').some(
          (entry) =>
            text(entry, 'type') === 'DisruptionTarget' && text(entry, 'reason') === 'PreemptionByScheduler',
        ),
      );
    const told = /terminating pod on the nominated node|waiting for the preemption/.test(
      schedulerWords(facts),
    );
    if (victims.length === 0 && !told) return undefined;
    const since = facts.conditions.get('PodScheduled')?.at ?? facts.createdAt ?? facts.now;
    const long = facts.now - since > minutes(facts.limits.preemptionMinutes);
    const names = victims.map(nameOf).join(', ');
    return {
      headline: `waits for preempted pods on ${facts.nominatedNode} to end${names === '' ? '' : `: ${names}`}`,
      severity: long ? 'warn' : 'none',
      since,
      diagnose: () => ({
        causes: long
          ? [
              cause(
                'C14.victims',
                victims.length > 0 ? 'proven' : 'likely',
                `it was given node ${facts.nominatedNode} by preemption, and waits ${span(facts.now - since)} for ${names === '' ? 'a terminating pod there' : names}: long grace period`,
                getObject(
                  'See the terminating pods',
                  'pods',
                  '',
                  '-A',
                  '-o',
                  'wide',
                  `--field-selector=spec.nodeName=${facts.nominatedNode}`,
                ),
              ),
            ]
          : [],
        items: [
          item(
            'C14.nominated',
            'scheduled',
            'Its victims end',
            long ? 'warn' : 'info',
            evidence('nominatedNodeName', facts.nominatedNode, 'status.nominatedNodeName'),
            evidence('victims', names || 'unknown'),
          ),
        ],
      }),
    };
  },
};

/** The scheduler itself failed: often a claim that nobody provisioned in its ten minutes. */
const schedulerError = (id: string, key: string, ofBinding: boolean): PodState => ({
  id,
  key,
  gate: 'scheduled',
  severity: 'bad',
  title: ofBinding ? 'A claim was not bound in time' : 'The scheduler failed',
  match: (facts) => {
    const scheduled = facts.conditions.get('PodScheduled');
    const words = schedulerWords(facts);
    if (
      facts.node !== '' ||
      !(scheduled?.reason === 'SchedulerError' || /^running PreBind plugin/.test(words))
    )
      return undefined;
    const binding = /VolumeBinding|binding volumes/.test(words);
    if (binding !== ofBinding) return undefined;
    const name =
      claimsOf(facts).find(
        (claim) =>
          text(facts.index.get('PersistentVolumeClaim', facts.namespace, claim), 'status', 'phase') !==
          'Bound',
      ) ?? claimsOf(facts)[0];
    const claim =
      name === undefined ? undefined : facts.index.get('PersistentVolumeClaim', facts.namespace, name);
    const trouble = claim === undefined ? undefined : claimTrouble(facts.index, claim);
    return {
      headline: binding
        ? `claim ${name ?? ''} was not provisioned in time`
        : `scheduler error: ${brief(words, 80)}`,
      since: scheduled?.at,
      diagnose: () => ({
        causes: binding
          ? [
              ...(trouble?.causes ?? []),
              cause(
                'C8.binding-timeout',
                trouble === undefined || trouble.causes.length === 0 ? 'likely' : 'possible',
                `the scheduler waited ten minutes for claim ${name ?? ''} to be bound, in vain: its provisioner does not answer`,
                name === undefined ? undefined : describe('pvc', facts.namespace, name),
              ),
            ]
          : [
              cause(
                'C16.error',
                'likely',
                `the scheduler fails with: ${brief(words, 200)}`,
                kubectl('Read the scheduler log', 'read', 'kube-system', [
                  'logs',
                  '-l',
                  'component=kube-scheduler',
                  '--tail=100',
                ]),
              ),
            ],
        items: [
          item(
            'C16.message',
            'scheduled',
            'The scheduler works',
            'fail',
            evidence('scheduler says', words, 'status.conditions[PodScheduled].message'),
          ),
          ...(trouble?.items ?? []),
        ],
      }),
    };
  },
});

export const schedulingStates: readonly PodState[] = [
  preempting,
  schedulerError('C8', 'sched.pvc-unbound', true),
  schedulerError('C16', 'sched.error', false),
  state('C8', 'sched.pvc-unbound', 'A claim is missing or unbound'),
  state('C2', 'sched.gpu', 'No node has the devices'),
  state('C1', 'sched.insufficient', 'No node has the room'),
  state('C3', 'sched.taint', 'A taint is not tolerated'),
  state('C4', 'sched.affinity', 'No node matches its selector'),
  state('C5', 'sched.interpod', 'Pod affinity or anti-affinity'),
  state('C6', 'sched.spread', 'Topology spread leaves no node'),
  state('C7', 'sched.cordoned', 'The node is cordoned'),
  state('C9', 'sched.volume-zone', 'Its volume is elsewhere'),
  state('C10', 'sched.volume-limits', 'Volume limits'),
  state('C11', 'sched.hostport', 'A host port is taken'),
  state('C12', 'sched.too-many-pods', 'The nodes run as many pods as they may'),
  state('C13', 'sched.nodename', 'Pinned to a node that cannot take it'),
  state('C16', 'sched.other', 'The scheduler gives another reason'),
];

/** The state that the scheduler's words stand for: for B4 and B6, which share them. */
export const schedulerState = (facts: PodFacts): string | undefined => verdictsOf(facts)?.state;
