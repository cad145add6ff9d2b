import type { PodRow } from '../../../resources/pod-row.ts';
import { classOfReason, type ReasonClass, type SchedulerMessage } from '../../../scheduling/message.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { list, strings } from '../../read.ts';
import { controlPlaneTaint, healthTaint, isExtended, reservingTaint, unaligned } from './reasons.ts';

interface Reason {
  readonly reason: string;
  readonly nodes: number;
  readonly kind: ReasonClass;
}

const nodesOf = (reasons: readonly Reason[]): number => reasons.reduce((sum, { nodes }) => sum + nodes, 0);

const pinned = ({ reason }: Reason): boolean => /plugin\(s\) \[NodeAffinity\]/.test(reason);

/** The message alone: the filter that got farthest names the reason, unless a reserved taint explains it better. */
export function stateByWords(
  facts: PodFacts,
  row: PodRow | undefined,
  said: SchedulerMessage,
  message: string,
): string {
  const prefilter = said.preFilter ?? '';
  if (prefilter !== '') return stateOfPrefilter(prefilter);
  if (
    /not eligible due to a terminating pod on the nominated node|waiting for the preemption/.test(
      said.preemption,
    )
  )
    return 'C14';
  const reasons = Object.entries(said.reasons).map(([reason, nodes]) => ({
    reason,
    nodes,
    kind: classOfReason(reason),
  }));
  if (reasons.length === 0)
    return /gang|pod group|minAvailable|minCount|PodGroup/i.test(message) ? 'B4' : stateOfPrefilter(message);
  // Schedulers of some versions count the nodes of a complaint that is about none of them.
  if (reasons.some(({ reason }) => /^(?:persistentvolumeclaim "|pod has unbound )/.test(reason))) return 'C8';
  // A pod of a DaemonSet is pinned: what the one node lacks is the news, not that the others are not meant.
  if (reasons.some(pinned) && reasons.every((entry) => pinned(entry) || entry.kind === 'affinity'))
    return 'C13';
  // It comes after the sums of the node: there is room, but not on one side of the board.
  if (reasons.some(({ reason }) => unaligned.test(reason))) return 'C16';
  return stateOfReasons(facts, row, said, reasons);
}

/** From the filter that runs last to the one that runs first. */
function stateOfReasons(
  facts: PodFacts,
  row: PodRow | undefined,
  said: SchedulerMessage,
  reasons: readonly Reason[],
): string {
  const of = (kind: ReasonClass): readonly Reason[] => reasons.filter((entry) => entry.kind === kind);
  const sum = (kind: ReasonClass): number => nodesOf(of(kind));
  const claimsDevices =
    row === undefined ||
    list(facts.object, 'spec', 'resourceClaims').length > 0 ||
    Object.keys(row.spec.requests).every((name) => !isExtended(name));
  if (sum('dra') > 0 && (claimsDevices || sum('dra') > sum('resource'))) return 'B6';
  if (sum('podaffinity') > 0) return 'C5';
  if (sum('spread') > 0) return 'C6';
  if (sum('volume') > 0) return stateOfVolumes(of('volume'));
  const taints = of('taint');
  const reserved = taints.filter(({ reason }) => reservingTaint(reason));
  if (of('resource').length > 0) return stateOfResources(row, of('resource'), reserved);
  if (sum('port') > 0) return 'C11';
  if (sum('pods') > 0) return 'C12';
  if (sum('affinity') > 0) {
    const selective =
      row === undefined ||
      row.spec.nodeSelector !== undefined ||
      row.spec.affinity?.nodeAffinity !== undefined;
    // The tainted nodes were turned away before anyone looked at their labels: they may be the ones that are meant.
    if (reserved.length > 0 && (!selective || selectorMayMean(facts, reserved))) return 'C3';
    const closed = sum('cordoned') + sum('affinity') + sum('taint');
    return sum('cordoned') > 0 && closed >= (said.nodes ?? 0) && pinsHost(row) ? 'C7' : 'C4';
  }
  if (sum('nodename') > 0) return 'C13';
  if (sum('taint') > 0)
    return sum('cordoned') > 0 &&
      taints.every(({ reason }) => controlPlaneTaint.test(reason) && !healthTaint.test(reason))
      ? 'C7'
      : 'C3';
  if (sum('cordoned') > 0) return 'C7';
  return sum('gang') > 0 ? 'B4' : 'C16';
}
function stateOfVolumes(reasons: readonly Reason[]): string {
  const words = reasons.map(({ reason }) => reason).join(' ');
  if (/node affinity|volume zone/.test(words)) return 'C9';
  return /persistent volumes to bind|free storage|non-existent/.test(words) ? 'C8' : 'C10';
}

function stateOfResources(
  row: PodRow | undefined,
  reasons: readonly Reason[],
  reserved: readonly Reason[],
): string {
  const short = reasons.map(({ reason, nodes }) => ({
    nodes,
    name: /Insufficient (\S+)/i.exec(reason)?.[1] ?? '',
  }));
  if (short.every(({ name }) => name === 'pods')) return 'C12';
  const devices = short.filter(({ name }) => isExtended(name)).map(({ nodes }) => nodes);
  if (devices.length === 0) return 'C1';
  if (reservedForDevices(row, reserved, Math.max(...devices))) return 'C3';
  const most = Math.max(...short.map(({ nodes }) => nodes));
  return devices.includes(most) ? 'C2' : 'C1';
}

/** Nodes with the device are mostly tainted, and the ones without a taint mostly lack it. */
function reservedForDevices(row: PodRow | undefined, reserved: readonly Reason[], lacking: number): boolean {
  if (row === undefined || reserved.length === 0 || !Object.keys(row.spec.requests).some(isExtended))
    return false;
  if (row.spec.tolerations.some(({ key }) => !healthTaint.test(key ?? ''))) return false;
  return reserved.some(({ reason }) => /\{/.test(reason))
    ? reserved.some(({ reason }) => /gpu|nvidia|amd|accelerator|dedicated|tpu/i.test(reason))
    : nodesOf(reserved) > lacking;
}

/** A selector names what a taint names. */
function selectorMayMean(facts: PodFacts, reserved: readonly Reason[]): boolean {
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
