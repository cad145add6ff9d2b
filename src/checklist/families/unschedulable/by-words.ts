import type { PodRow } from '../../../resources/pod-row.ts';
import { classOfReason, type ReasonClass, type SchedulerMessage } from '../../../scheduling/message.ts';
import type { PodFacts } from '../../pod-facts.ts';
import { list, strings } from '../../read.ts';
import { controlPlaneTaint, healthTaint, isExtended, unaligned } from './reasons.ts';

/** The message alone: the filter that got farthest names the reason, unless a reserved taint explains it better. */
export function stateByMessage(
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
