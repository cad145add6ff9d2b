import { acceleratorsIn, holdsNode, pendingKind } from '../accelerators/demand.ts';
import { heldDevices, isAcceleratorDriver } from '../accelerators/dra.ts';
import { podWhy } from '../resources/pod-health.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { extendedClaim } from '../resources/pods.ts';
import type { ResourceClaimRow } from '../resources/resourceclaims.ts';
import type { Units } from './workload-row.ts';

/** What somebody outside knows of a pod's work: metrics, where there are any. */
export interface UseSample {
  /** Share of its devices busy, 0–1. */
  readonly busy: number;
  /** Idle since then, epoch ms; undefined while it works. */
  readonly idleSince: number | undefined;
}

/** The pods of one workload, counted. */
export interface PodsSummary {
  readonly running: number;
  readonly ready: number;
  /** Bound, and not yet running: image, init, volumes. */
  readonly starting: number;
  readonly pending: number;
  readonly gated: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly terminating: number;
  readonly held: Units;
  /** Of the pods without a node. */
  readonly asked: Units;
  readonly nodes: ReadonlySet<string>;
  readonly restarts: number;
  readonly lastRestartAt: number | undefined;
  readonly firstPlacedAt: number | undefined;
  readonly firstPendingAt: number | undefined;
  readonly oldestAt: number | undefined;
  readonly priority: number | undefined;
  readonly queue: string;
  readonly gates: readonly string[];
  /** A pod that cannot get on: crashing, or its image or configuration does not let it start. */
  readonly sick: PodRow | undefined;
  readonly lastFailed: PodRow | undefined;
  /** The one without a node whose scheduler has said why; else the oldest. */
  readonly waiting: PodRow | undefined;
  readonly unreadyNode: string | undefined;
  readonly some: PodRow | undefined;
  /** Placed and waiting members of each part (replica group), by part. */
  readonly parts: ReadonlyMap<string, { placed: number; waiting: number; held: number }>;
  readonly busy: readonly number[];
  /** When the last of its devices fell idle; undefined while any works or nobody measures. */
  readonly idleSince: number | undefined;
}

const brokenReasons =
  /^(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|ImageInspectError|RegistryUnavailable|CreateContainerConfigError|CreateContainerError|RunContainerError|StartError|ContainerCannotRun)$/;

const restartIsRecentMs = 600_000;

/** A container that does not get on: it waits for its next try, or came back from a crash a moment ago for the third time. */
function isSick(pod: PodRow, now: number): boolean {
  const { trouble } = pod;
  if (trouble === undefined) return false;
  if (trouble.state === 'waiting') return brokenReasons.test(trouble.reason);
  if (trouble.state === 'terminated') return pod.phase !== 'Succeeded' && (trouble.exitCode ?? 0) !== 0;
  const last = pod.lastRestartAt ?? trouble.last?.finishedAt;
  return pod.restarts > 0 && last !== undefined && now - last < restartIsRecentMs;
}

export interface SummaryInputs {
  readonly pods: Iterable<{ readonly pod: PodRow; readonly part: string }>;
  readonly claim: (key: string) => ResourceClaimRow | undefined;
  /** True for a node that is not Ready. */
  readonly isDown: (node: string) => boolean;
  readonly use: (pod: PodRow) => UseSample | undefined;
  readonly now: number;
}

type Open = { -readonly [K in keyof PodsSummary]: PodsSummary[K] };

export function summarize({ pods, claim, isDown, use, now }: SummaryInputs): PodsSummary {
  const held: Record<string, number> = {};
  const asked: Record<string, number> = {};
  const nodes = new Set<string>();
  const gates = new Set<string>();
  const parts = new Map<string, { placed: number; waiting: number; held: number }>();
  const busy: number[] = [];
  let idleSince: number | undefined = Number.NEGATIVE_INFINITY;
  let holders = 0;
  const sum: Open = {
    running: 0,
    ready: 0,
    starting: 0,
    pending: 0,
    gated: 0,
    succeeded: 0,
    failed: 0,
    terminating: 0,
    held,
    asked,
    nodes,
    restarts: 0,
    lastRestartAt: undefined,
    firstPlacedAt: undefined,
    firstPendingAt: undefined,
    oldestAt: undefined,
    priority: undefined,
    queue: '',
    gates: [],
    sick: undefined,
    lastFailed: undefined,
    waiting: undefined,
    unreadyNode: undefined,
    some: undefined,
    parts,
    busy,
    idleSince: undefined,
  };
  for (const { pod, part } of pods) {
    sum.some ??= pod;
    sum.priority ??= pod.spec.priority;
    sum.restarts += pod.restarts;
    sum.oldestAt = earlier(sum.oldestAt, pod.createdAt);
    if (pod.lastRestartAt !== undefined)
      sum.lastRestartAt = Math.max(sum.lastRestartAt ?? 0, pod.lastRestartAt);
    if (pod.phase === 'Succeeded') {
      sum.succeeded += 1;
      continue;
    }
    if (pod.phase === 'Failed') {
      sum.failed += 1;
      if (isLater(pod, sum.lastFailed)) sum.lastFailed = pod;
      continue;
    }
    if (!holdsNode(pod)) {
      addPending(pod, part);
      continue;
    }
    addPlaced(pod, part);
  }
  sum.gates = [...gates];
  // Of a launcher without devices nothing is measured; of those with some, every one must be known to do nothing.
  sum.idleSince = busy.length > 0 && busy.length >= (holders || sum.running) ? idleSince : undefined;
  return sum;

  function partOf(part: string): { placed: number; waiting: number; held: number } {
    const known = parts.get(part) ?? { placed: 0, waiting: 0, held: 0 };
    parts.set(part, known);
    return known;
  }

  function addPending(pod: PodRow, part: string): void {
    const kind = pendingKind(pod);
    if (kind === undefined) return;
    sum.pending += 1;
    partOf(part).waiting += 1;
    if (kind === 'gated') {
      sum.gated += 1;
      for (const gate of pod.gates) gates.add(gate);
    }
    sum.firstPendingAt = earlier(sum.firstPendingAt, pod.createdAt);
    if (sum.waiting === undefined || (sum.waiting.scheduled === undefined && pod.scheduled !== undefined)) {
      sum.waiting = pod;
    }
    for (const [name, units] of acceleratorsIn(pod.spec.requests)) asked[name] = (asked[name] ?? 0) + units;
    for (const row of claimsOf(pod)) {
      if (row.isAllocated || row.isExtended) continue;
      for (const { choices } of row.requests) {
        const [first] = choices;
        if (first?.count === undefined || first.adminAccess || !isAcceleratorDriver(first.className))
          continue;
        asked[first.className] = (asked[first.className] ?? 0) + first.count;
      }
    }
  }

  function addPlaced(pod: PodRow, part: string): void {
    sum.running += 1;
    nodes.add(pod.node);
    const own = partOf(part);
    own.placed += 1;
    if (pod.deletedAt !== undefined) sum.terminating += 1;
    if (isReady(pod)) sum.ready += 1;
    else if (pod.phase === 'Pending') sum.starting += 1;
    if (!isReady(pod) && isDown(pod.node)) sum.unreadyNode ??= pod.node;
    sum.firstPlacedAt = earlier(sum.firstPlacedAt, pod.startedAt ?? pod.scheduled?.at ?? pod.createdAt);
    if (isSick(pod, now) && (sum.sick === undefined || endedAt(pod) < endedAt(sum.sick))) sum.sick = pod;
    const before = own.held;
    const viaClaim = pod.claimNames[extendedClaim] !== undefined && claimsOf(pod).length > 0;
    if (!viaClaim) {
      for (const [name, units] of acceleratorsIn(pod.spec.requests)) {
        held[name] = (held[name] ?? 0) + units;
        own.held += units;
      }
    }
    for (const row of claimsOf(pod)) {
      // What several pods share is held once: by the first that it is reserved for, or sums would not add up.
      if (row.reservedFor[0]?.name !== pod.name) continue;
      for (const { driver } of heldDevices(row)) {
        held[driver] = (held[driver] ?? 0) + 1;
        own.held += 1;
      }
    }
    if (own.held > before) holders += 1;
    const sample = use(pod);
    if (sample === undefined) return;
    busy.push(sample.busy);
    idleSince =
      idleSince === undefined || sample.idleSince === undefined
        ? undefined
        : Math.max(idleSince, sample.idleSince);
  }

  function claimsOf(pod: PodRow): readonly ResourceClaimRow[] {
    return claimNamesOf(pod).flatMap((name) => claim(`${pod.namespace}/${name}`) ?? []);
  }
}

/** By its condition; by its containers where an object from a file has none. */
const isReady = ({ ready, phase, readyContainers, totalContainers }: PodRow): boolean =>
  ready === undefined
    ? phase === 'Running' && totalContainers > 0 && readyContainers === totalContainers
    : ready.status === 'True';

/** Names of the ResourceClaims that a pod uses. */
export function claimNamesOf(pod: PodRow): readonly string[] {
  if (pod.spec.claims.length === 0 && pod.claimNames[extendedClaim] === undefined) return none;
  const own = pod.spec.claims.flatMap(({ claim }) => claim ?? []);
  return [...own, ...Object.values(pod.claimNames)];
}

const none: readonly string[] = Object.freeze([]);

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;

/** The one that died first is the likelier cause; the others follow it down (gpu.md 0.9). */
const endedAt = ({ trouble, createdAt }: PodRow): number =>
  trouble?.finishedAt ?? trouble?.last?.finishedAt ?? createdAt ?? 0;

const isLater = (pod: PodRow, than: PodRow | undefined): boolean =>
  than === undefined ||
  endedAt(pod) > endedAt(than) ||
  (endedAt(pod) === endedAt(than) && pod.name < than.name);

/** What is wrong with a pod, with its name in front. */
export function podClause(pod: PodRow, now: number, isAlone: boolean): string {
  const why = podWhy(pod, now) ?? pod.status;
  return isAlone ? why : `${pod.name}: ${why}`;
}
