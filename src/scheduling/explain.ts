import type { PodRow, PodSpecRecord } from '../resources/pod-row.ts';
import type { SchedulingCluster } from './cluster.ts';
import { volumeBinding, volumeZone } from './filters/binding.ts';
import { dynamicResources } from './filters/devices.ts';
import type { Blocker, Filter, Plugin, Prepared, Question, Verdict } from './filters/filter.ts';
import { passes } from './filters/filter.ts';
import { interPodAffinity } from './filters/inter-pod.ts';
import { nodeAffinity, nodeName, nodeUnschedulable, taintToleration } from './filters/node.ts';
import { nodePorts, nodeResourcesFit } from './filters/resources.ts';
import { podTopologySpread } from './filters/spread.ts';
import { nodeVolumeLimits, volumeRestrictions } from './filters/volumes.ts';
import type { Account, Ledger } from './ledger.ts';
import { ledgerOf, orMake } from './ledger.ts';

/** The default profile of v1.36, in the order in which its filters reject. */
const filters: readonly Filter[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  volumeRestrictions,
  nodeVolumeLimits,
  volumeBinding,
  volumeZone,
  podTopologySpread,
  interPodAffinity,
  dynamicResources,
];

/** Only these report all their reasons at once; the others name the first. */
const reportsAll: ReadonlySet<Plugin> = new Set(['NodeResourcesFit', 'VolumeBinding']);

export type { Blocker };

export interface NodeVerdict {
  readonly name: string;
  /** In the scheduler's order; empty where the pod would start. */
  readonly blockers: readonly Blocker[];
  /** What could not be evaluated here: with no blocker the node may or may not do. */
  readonly doubts: readonly Doubtful[];
}

interface Doubtful {
  readonly plugin: Plugin;
  readonly why: string;
}

/** What the scheduler would say about one pod now, and what it does not say. */
export interface Explanation {
  /** Nodes where nothing stands in the way. */
  readonly fits: readonly string[];
  readonly nodes: readonly NodeVerdict[];
  /** Nodes by reason, in the scheduler's words, of the first plugin that fails on each: what its message counts. */
  readonly reasons: Readonly<Record<string, number>>;
  /** Set where the scheduler gives up before it looks at any node; `reasons` is empty then, as its message names no counts. */
  readonly preFilter:
    | { readonly plugin: Plugin; readonly message: string; readonly detail: string }
    | undefined;
  /** What could not be evaluated for the pod as a whole. */
  readonly doubts: readonly Doubtful[];
}

type Check = (account: Account) => Verdict;

interface Plan {
  readonly checks: readonly { readonly plugin: Plugin; readonly check: Check }[];
  readonly only:
    | { readonly names: ReadonlySet<string>; readonly plugin: Plugin; readonly blockers: readonly Blocker[] }
    | undefined;
  readonly rejections: readonly Blocker[];
  readonly doubts: readonly Doubtful[];
}

function outside(plugin: Plugin, names: ReadonlySet<string>): Blocker {
  const reason = `node(s) didn't satisfy plugin(s) [${plugin}]`;
  return { plugin, reason, detail: `only ${[...names].join(', ')} may take it`, final: true };
}

function planOf(question: Question): Plan {
  const checks: { plugin: Plugin; check: Check }[] = [];
  const rejections: Blocker[] = [];
  const doubts: Doubtful[] = [];
  let only: Plan['only'];
  const { pod } = question;
  if (pod.gates.length > 0) {
    rejections.push({
      plugin: 'SchedulingGates',
      reason: `waiting for scheduling gates: [${pod.gates.join(' ')}]`,
      detail: `gated by ${pod.gates.join(', ')}`,
      final: true,
    });
  }
  for (const filter of filters) {
    const { plugin } = filter;
    const prepared: Prepared = filter.prepare(question);
    if (prepared === undefined) continue;
    if ('rejects' in prepared) {
      const { rejects: reason, detail = reason, early = false } = prepared;
      if (early) rejections.unshift({ plugin, reason, detail, final: true });
      else rejections.push({ plugin, reason, detail, final: true });
    } else if ('doubt' in prepared) doubts.push({ plugin, why: prepared.doubt });
    else {
      checks.push({ plugin, check: prepared.check });
      if (prepared.only !== undefined)
        only = { names: prepared.only, plugin, blockers: [outside(plugin, prepared.only)] };
    }
  }
  return { checks, only, rejections, doubts };
}

const nothing: readonly never[] = [];

/** Joins lists; the same two give the same one. */
type Join = <T>(list: readonly T[], more: readonly T[]) => readonly T[];

/**
 * Most of 5,000 nodes are like thousands of others: what stands in the way of them is one list, which is then also
 * grouped, weighed and worded once.
 */
function createJoin(): Join {
  const known = new Map<readonly unknown[], Map<readonly unknown[], readonly unknown[]>>();
  return <T>(list: readonly T[], more: readonly T[]): readonly T[] => {
    if (list.length === 0) return more;
    if (more.length === 0) return list;
    const after = orMake(known, list, () => new Map<readonly unknown[], readonly unknown[]>());
    return orMake(after, more, () => [...list, ...more]) as readonly T[];
  };
}

function verdictOn(account: Account, { checks, only, rejections }: Plan, joined: Join): NodeVerdict {
  const { name } = account.node;
  let blockers: readonly Blocker[] = rejections;
  let doubts: readonly Doubtful[] = nothing;
  const excluded = only !== undefined && !only.names.has(name);
  if (excluded) blockers = joined(blockers, only.blockers);
  for (const { plugin, check } of checks) {
    if (excluded && plugin === only.plugin) continue;
    const verdict = check(account);
    if (verdict === passes) continue;
    if ('doubt' in verdict) doubts = joined(doubts, [{ plugin, why: verdict.doubt }]);
    else blockers = joined(blockers, verdict);
  }
  return { name, blockers, doubts };
}

/** Counts what the scheduler's message counts: of each node only the first plugin that fails. */
function countFirst(blockers: readonly Blocker[], nodes: number, reasons: Map<string, number>): void {
  const [first] = blockers;
  if (first === undefined) return;
  for (const { plugin, reason } of blockers) {
    if (plugin !== first.plugin) break;
    reasons.set(reason, (reasons.get(reason) ?? 0) + nodes);
    if (!reportsAll.has(plugin)) break;
  }
}

/** Every filter on some of the nodes: for questions that are asked again and again of the nodes that matter. */
export function explainOn(ledger: Ledger, pod: PodRow, accounts: Iterable<Account>): Explanation {
  const plan = planOf({ ledger, pod });
  const nodes: NodeVerdict[] = [];
  const fits: string[] = [];
  const alike = new Map<readonly Blocker[], number>();
  const joined = createJoin();
  const [rejection] = plan.rejections;
  for (const account of accounts) {
    const verdict = verdictOn(account, plan, joined);
    nodes.push(verdict);
    const { blockers } = verdict;
    if (blockers.length === 0 && verdict.doubts.length === 0 && plan.doubts.length === 0)
      fits.push(verdict.name);
    alike.set(blockers, (alike.get(blockers) ?? 0) + 1);
  }
  const reasons = new Map<string, number>();
  if (rejection === undefined) for (const [blockers, count] of alike) countFirst(blockers, count, reasons);
  return {
    fits,
    nodes,
    reasons: Object.fromEntries(reasons),
    preFilter:
      rejection === undefined
        ? undefined
        : { plugin: rejection.plugin, message: rejection.reason, detail: rejection.detail },
    doubts: plan.doubts,
  };
}

interface Kept {
  readonly version: number;
  readonly pod: PodRow;
  readonly explanation: Explanation;
}

/** The pods of one job ask the same: the last answers of a ledger, by spec. Few, for one of 5,000 nodes takes a megabyte. */
const answers = new WeakMap<Ledger, Map<PodSpecRecord, Kept>>();
const mostAnswers = 8;

/** Nothing but its name tells two waiting pods apart, and nothing that is asked depends on the name. */
function asksTheSame(a: PodRow, b: PodRow): boolean {
  if (a === b) return true;
  const plain = (pod: PodRow) =>
    pod.node === '' &&
    pod.nominatedNode === '' &&
    pod.gates.length === 0 &&
    pod.spec.claims.length === 0 &&
    !pod.spec.volumes.some(({ kind }) => kind === 'ephemeral');
  return a.namespace === b.namespace && a.labels === b.labels && plain(a) && plain(b);
}

/**
 * Every filter on every node. A pod that is placed already is asked as if it were not there: where could it also run?
 * (its own node included, unless spec.nodeName is meant to bind it: the filter NodeName applies).
 */
export function explain(cluster: SchedulingCluster | Ledger, pod: PodRow): Explanation {
  const ledger = 'version' in cluster ? cluster : ledgerOf(cluster);
  const kept = orMake(answers, ledger, () => new Map<PodSpecRecord, Kept>());
  const version = ledger.version();
  const last = kept.get(pod.spec);
  if (last !== undefined && last.version === version && asksTheSame(last.pod, pod)) return last.explanation;
  const explanation = explainOn(ledger, pod, ledger.accounts());
  kept.delete(pod.spec);
  kept.set(pod.spec, { version, pod, explanation });
  const [oldest] = kept.size > mostAnswers ? kept.keys() : [];
  if (oldest !== undefined) kept.delete(oldest);
  return explanation;
}

/** Pods that wait for a node. */
export const isWaiting = (pod: PodRow): boolean =>
  pod.node === '' && pod.phase !== 'Succeeded' && pod.phase !== 'Failed' && pod.deletedAt === undefined;
