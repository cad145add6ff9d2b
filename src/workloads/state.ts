import { clauses } from '../resources/clauses.ts';
import type { PodGroupRow } from '../resources/gang-objects.ts';
import type { KueueWorkloadRow } from '../resources/kueue.ts';
import type { PodRow } from '../resources/pod-row.ts';
import type { WorkloadObjectRow } from '../resources/workload-object.ts';
import { parseSchedulerMessage } from '../scheduling/message.ts';
import { type PodsSummary, podClause } from './pods-summary.ts';
import { type HalfGang, type QueuePlace, type Units, unitsText, type WorkloadState } from './workload-row.ts';

export interface StateFacts {
  readonly kind: string;
  /** Undefined where its object does not exist or may not be read: then the pods are all there is to go by. */
  readonly object: WorkloadObjectRow | undefined;
  readonly pods: PodsSummary;
  readonly wanted: number | undefined;
  readonly wantedUnits: Units | undefined;
  readonly gang: HalfGang | undefined;
  readonly kueue: KueueWorkloadRow | undefined;
  readonly podGroup: PodGroupRow | undefined;
  readonly place: QueuePlace | undefined;
  /** `h100 16/24 gpu`; `''` where no quota is known. */
  readonly quota: string;
  /** The ResourceQuota that refuses the pods that are missing. */
  readonly refused: string | undefined;
  /** A server: partial is degraded, not stuck. */
  readonly isServer: boolean;
  readonly now: number;
}

export interface Told {
  readonly state: WorkloadState;
  readonly why: string;
  /** The state may change by itself then, epoch ms; undefined: only with the objects. */
  readonly until?: number;
}

/** Progress that was last told this long ago, or devices idle for as long: nobody works. */
const stallMs = 600_000;
/** Texts hold ages: they are written anew this often. */
const wordsLastMs = 30_000;
/** A rank that works less than this share of the median holds up the others. */
const stragglerShare = 0.5;
const idleBelow = 0.01;

/** Where a workload stands, and one clause on why. Never without a clause. */
export function stateOf(facts: StateFacts): Told {
  return ended(facts) ?? waiting(facts) ?? placed(facts);
}

function ended({ object, pods, kueue, kind, now }: StateFacts): Told | undefined {
  const live = pods.running + pods.pending;
  if (object?.phase === 'done' || (kueue?.admission === 'finished' && live === 0))
    return { state: 'Done', why: object?.message || 'complete' };
  if (object?.phase === 'failed' && !(kind === 'InferenceService' && live > 0)) {
    const pod = pods.lastFailed;
    const why = object.message || object.status || 'failed';
    return { state: 'Failed', why: pod === undefined ? why : `${why}; ${podClause(pod, now, false)}` };
  }
  if (object !== undefined || live > 0) return undefined;
  if (pods.failed > 0 && pods.lastFailed !== undefined)
    return { state: 'Failed', why: podClause(pods.lastFailed, now, pods.failed + pods.succeeded === 1) };
  return pods.succeeded > 0
    ? { state: 'Done', why: `${countOf(pods.succeeded, 'pod')} succeeded` }
    : undefined;
}

/** Nothing of it runs. */
function waiting(facts: StateFacts): Told | undefined {
  const { object, pods, kueue, podGroup } = facts;
  if (pods.running > 0) return undefined;
  if (pods.pending > 0 && pods.gated === pods.pending) return { state: 'Gated', why: gateWhy(facts) };
  if (pods.pending > 0) return { state: 'Pending', why: pendingWhy(facts), until: facts.now + wordsLastMs };
  if (kueue?.admission === 'pending' || kueue?.admission === 'reserved')
    return { state: 'Queued', why: queueWhy(facts) };
  if (kueue?.admission === 'inactive') return { state: 'Queued', why: 'its Kueue workload is deactivated' };
  if (podGroup !== undefined && (object === undefined || object.phase !== 'suspended'))
    return {
      state: podGroup.phase === 'Pending' || object === undefined ? 'Queued' : 'Pending',
      why: queueWhy(facts),
    };
  if (object === undefined) return undefined;
  if (object.phase === 'suspended') return { state: 'Queued', why: suspendedWhy(object) };
  if (pods.failed > 0 && pods.lastFailed !== undefined) {
    const tries = countOf(pods.failed, 'pod');
    return {
      state: 'Failing',
      why: `${tries} failed, the next try waits; ${podClause(pods.lastFailed, facts.now, false)}`,
    };
  }
  if (facts.refused !== undefined) return { state: 'Pending', why: `no pod was made: ${facts.refused}` };
  if (facts.wanted === 0) return { state: 'Done', why: 'nothing left to run' };
  const why = object.message || 'no pod was made yet: quota, admission or its controller; see the events';
  return { state: object.phase === 'failed' ? 'Failing' : 'Pending', why };
}

const suspendedWhy = ({ queue, message, replicas }: WorkloadObjectRow): string => {
  if (replicas?.wanted === 0) return 'scaled to 0';
  return queue === ''
    ? `suspended, and no queue will resume it${message === '' ? '' : ` (${message})`}`
    : `suspended; queue ${queue} decides when it starts`;
};

/** Some of it is on nodes. */
function placed(facts: StateFacts): Told {
  const { pods, gang, isServer, object } = facts;
  if (gang !== undefined && !(isServer && pods.ready > 0))
    return { state: 'HalfPending', why: gangWhy(gang, facts), until: facts.now + wordsLastMs };
  if (pods.sick !== undefined) return sickness(facts);
  if (pods.unreadyNode !== undefined) return lost(facts);
  const missing = missingPods(facts);
  if (isServer && missing > 0 && pods.ready > 0) return { state: 'Degraded', why: degradedWhy(facts) };
  if (object?.phase === 'failed') return { state: 'Failing', why: object.message || object.status };
  if (object?.kind === 'RayJob' && object.phase === 'waiting') {
    const why = `Ray waits (${object.status}); ${partialText(facts)}; its head's log says for what`;
    return { state: 'Pending', why };
  }
  if (pods.pending > 0) return { state: 'Starting', why: `${partialText(facts)}; ${pendingWhy(facts)}` };
  if (pods.starting > 0) return { state: 'Starting', why: startingWhy(facts) };
  if (missing > 0 && facts.refused !== undefined)
    return { state: isServer ? 'Degraded' : 'Starting', why: `${partialText(facts)}; ${facts.refused}` };
  if (isServer && pods.ready === 0) {
    const says = object?.message ? `: ${object.message}` : '';
    return { state: 'Starting', why: `no replica is ready yet${says}` };
  }
  return working(facts);
}

function startingWhy(facts: StateFacts): string {
  const { pods, wanted } = facts;
  if (pods.running === 1 && (wanted ?? 1) === 1)
    return 'its pod pulls images, initialises or waits for volumes';
  return `${partialText(facts)}; ${countOf(pods.starting, 'pod')} pull images, initialise or wait for volumes`;
}

function sickness(facts: StateFacts): Told {
  const { pods, now, isServer, object } = facts;
  const isAlone = pods.running === 1 && facts.wanted === 1;
  const clause = pods.sick === undefined ? '' : podClause(pods.sick, now, isAlone);
  const speaks = object?.phase === 'failed' || facts.kind === 'InferenceService';
  const why =
    speaks && object !== undefined && object.message !== '' ? clauses([object.message, clause]) : clause;
  const until = now + wordsLastMs;
  if (isServer && pods.ready > 0) return { state: 'Degraded', why: `${degradedWhy(facts)}; ${why}`, until };
  return { state: 'Failing', why, until };
}

function lost(facts: StateFacts): Told {
  const { pods, object, isServer } = facts;
  const says = object === undefined || object.message === '' ? '' : `; ${object.message}`;
  const why = `node ${pods.unreadyNode} is not Ready, and what ran there is not known${says}`;
  return { state: isServer && pods.ready > 0 ? 'Degraded' : 'Failing', why };
}

function working(facts: StateFacts): Told {
  const { object, pods, now } = facts;
  const toldAt = object?.progressAt;
  if (object?.progress !== undefined && toldAt !== undefined && object.progress < 1) {
    if (now - toldAt < stallMs)
      return { state: 'Running', why: `${percent(object.progress)} done`, until: toldAt + stallMs };
    const at = new Date(toldAt).toISOString().slice(11, 16);
    return {
      state: 'Stalled',
      why: `no progress told since ${at}Z; it stood at ${percent(object.progress)}`,
    };
  }
  const { busy, idleSince } = pods;
  if (busy.length > 0 && idleSince !== undefined && busy.every((share) => share < idleBelow)) {
    if (now - idleSince < stallMs)
      return { state: 'Running', why: runningWhy(facts), until: idleSince + stallMs };
    const minutes = Math.floor((now - idleSince) / 60_000);
    const who = busy.length === 1 ? 'its devices are' : `all ${busy.length} ranks`;
    const why = `${who} below 1 % for ${minutes} minutes`;
    return { state: 'Stalled', why, until: now + wordsLastMs };
  }
  const slow = facts.isServer ? undefined : straggler(busy);
  return slow === undefined
    ? { state: 'Running', why: runningWhy(facts) }
    : { state: 'Straggler', why: slow };
}

function straggler(busy: readonly number[]): string | undefined {
  if (busy.length < 2) return undefined;
  const sorted = [...busy].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const least = sorted[0] ?? 0;
  // Of ranks that all do next to nothing, none holds up the others.
  if (median < 0.1 || least >= median * stragglerShare) return undefined;
  return `the slowest rank is at ${percent(least)}, the median at ${percent(median)}`;
}

function runningWhy({ pods, wanted, isServer, kind }: StateFacts): string {
  if (pods.terminating > 0 && pods.terminating === pods.running)
    return 'being deleted; it holds what it has until it is gone';
  if (isServer) return `${pods.ready}/${wanted ?? pods.running} ready`;
  if (pods.running === 1) return kind === 'Pod' ? 'runs' : 'its pod runs';
  return `all ${pods.running} pods run`;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Pods or replicas that it wants and that are not ready. */
function missingPods({ pods, wanted, object, isServer }: StateFacts): number {
  const replicas = object?.replicas;
  if (isServer && replicas !== undefined && replicas.groupSize > 1)
    return Math.max(0, replicas.wanted - replicas.ready);
  const there = isServer ? pods.ready : pods.running + pods.succeeded;
  return Math.max(0, (wanted ?? pods.running + pods.pending) - there);
}

const partialText = ({ pods, wanted }: StateFacts): string =>
  `${pods.running} of ${wanted ?? pods.running + pods.pending} pods placed`;

function degradedWhy({ object, pods, wanted }: StateFacts): string {
  const replicas = object?.replicas;
  if (replicas === undefined || replicas.groupSize <= 1)
    return `${pods.ready}/${wanted ?? pods.running + pods.pending} ready`;
  return `${replicas.ready}/${replicas.wanted} groups ready`;
}

function gangWhy(gang: HalfGang, facts: StateFacts): string {
  const { pods, wanted } = facts;
  const lacks = unitsText(gang.missing);
  const waits =
    pods.waiting === undefined ? `${countOf(gang.missingPods, 'pod')} missing` : pendingWhy(facts);
  const all = wanted ?? pods.running + gang.missingPods;
  const held = `${pods.running} of ${all} placed, hold ${gang.held} GPUs and wait`;
  return `${held}${lacks === '' ? '' : ` for ${lacks}`}: ${facts.refused ?? waits}`;
}

function gateWhy(facts: StateFacts): string {
  if (facts.kueue !== undefined || facts.podGroup !== undefined) return queueWhy(facts);
  return `held by ${facts.pods.gates.join(', ') || 'a scheduling gate'}`;
}

/** What its queue says: the reason, the quota, its place. */
function queueWhy({ kueue, podGroup, place, quota, object }: StateFacts): string {
  const message =
    kueue?.message || podGroup?.message || podGroup?.reason || kueue?.reason || object?.message || '';
  const parts = [
    message,
    quota === '' ? '' : `quota ${quota}`,
    place === undefined
      ? ''
      : `position ${place.position} of ${place.waiting} in ${place.queue} ${place.isTold ? 'says Kueue' : 'by priority and age'}`,
    kueue !== undefined && kueue.requeues > 0 ? `put back ${countOf(kueue.requeues, 'time')}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'waits in its queue; the queue gives no reason' : clauses(parts);
}

function pendingWhy(facts: StateFacts): string {
  const { pods, podGroup, now } = facts;
  const pod = pods.waiting;
  // The native PodGroup only says that it is unschedulable: its pods say why.
  const isNative = podGroup?.group === 'scheduling.k8s.io';
  const saysWhy = isNative && pod?.scheduled?.status === 'False';
  if (podGroup !== undefined && !saysWhy && (podGroup.message !== '' || podGroup.reason !== ''))
    return queueWhy(facts);
  if (pod === undefined) return 'no pod has a node';
  const short = saysWhy ? undefined : gangShort(facts, pod);
  if (short !== undefined) return short;
  if (pod.nominatedNode !== '') return `${pod.nominatedNode} is being cleared for it`;
  const { scheduled } = pod;
  if (scheduled?.status === 'False') return schedulerWords(scheduled.message) || scheduled.reason;
  const age = pod.createdAt === undefined ? 0 : now - pod.createdAt;
  return age > schedulerSilenceMs
    ? `no scheduler named ${pod.spec.schedulerName} has answered`
    : 'waits for the scheduler';
}

/** The native scheduler is silent on pods whose gang is not all there (gpu.md 5.11). */
function gangShort({ pods, podGroup }: StateFacts, pod: PodRow): string | undefined {
  if (pod.podGroup === '' || pod.scheduled !== undefined) return undefined;
  if (podGroup === undefined)
    return `the scheduler waits for PodGroup ${pod.podGroup}, which is not there or may not be read`;
  const there = pods.running + pods.pending;
  const needs = podGroup.minMember ?? 0;
  return there < needs ? `its gang starts with ${needs} pods, and ${there} were made` : undefined;
}

/** A scheduler answers within a second; without any answer for this long nobody looks at the pod. */
const schedulerSilenceMs = 30_000;

/** `Insufficient nvidia.com/gpu on 6, had untolerated taint(s) on 4`: the message without what repeats. */
function schedulerWords(message: string): string {
  const said = parseSchedulerMessage(message);
  const reasons = Object.entries(said.reasons).sort(([, a], [, b]) => b - a);
  if (reasons.length === 0) return said.preFilter ?? message;
  return reasons.map(([reason, nodes]) => `${reason.replace(/^node\(s\) /, '')} on ${nodes}`).join(', ');
}
