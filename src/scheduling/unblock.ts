import type { PodRow } from '../resources/pod-row.ts';
import type { Blocker, Explanation, NodeVerdict } from './explain.ts';
import { orMake } from './ledger.ts';
import { modernReasons, parseSchedulerMessage } from './message.ts';

/** How far a blocker is from being gone: a word to the cluster's people is less than a pod that must move. */
function distance({ plugin, final, short }: Blocker): number {
  switch (plugin) {
    case 'NodeUnschedulable':
      return 1;
    case 'TaintToleration':
      return 2;
    case 'NodeResourcesFit':
    case 'DynamicResources':
      return final ? 50 : 3 + Math.log2(1 + Math.min(short?.missing ?? 1, 64));
    case 'NodePorts':
    case 'PodTopologySpread':
    case 'InterPodAffinity':
      return 5;
    case 'NodeAffinity':
    case 'NodeName':
      return 10;
    default:
      return 20;
  }
}

const distanceOf = (blockers: readonly Blocker[]): number =>
  blockers.reduce((sum, blocker) => sum + distance(blocker), 0);

/** Nodes that share one list of blockers, in the order of their first: what is asked of the list is asked once. */
function alike({
  nodes,
}: Pick<Explanation, 'nodes'>): ReadonlyMap<readonly Blocker[], readonly NodeVerdict[]> {
  return Map.groupBy(nodes, ({ blockers }) => blockers);
}

/**
 * The node that lacks least, by the number and weight of its blockers; undefined where every node does or none exists.
 * A node that fits is no answer.
 */
export function nearest(explanation: Pick<Explanation, 'nodes'>): NodeVerdict | undefined {
  let best: NodeVerdict | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [blockers, [first]] of alike(explanation)) {
    if (blockers.length === 0) continue;
    const far = distanceOf(blockers);
    if (far < least) [best, least] = [first, far];
  }
  return best;
}

/** One change, and the nodes on which nothing else stands in the way. */
export interface Change {
  readonly plugin: Blocker['plugin'];
  /** `the pod tolerated nvidia.com/gpu=present:NoSchedule`; reads after "it would fit if". */
  readonly change: string;
  readonly nodes: readonly string[];
}

function changeFor(blockers: readonly Blocker[]): string | undefined {
  const [first] = blockers;
  if (first === undefined || blockers.some(({ plugin }) => plugin !== first.plugin)) return undefined;
  switch (first.plugin) {
    case 'NodeUnschedulable':
      return 'the node were uncordoned';
    case 'TaintToleration':
      return `the pod tolerated ${first.detail.replace(/^taint /, '')}`;
    case 'NodeAffinity':
      return `the node selector allowed it (${first.detail})`;
    case 'NodeResourcesFit': {
      if (blockers.some(({ final }) => final)) return undefined;
      const names = blockers.map(({ short, reason }) => short?.resource ?? reason);
      return `${names.map((name) => (name === 'pods' ? 'a pod slot' : name)).join(' and ')} were freed`;
    }
    case 'NodePorts':
      return 'its host port were free';
    case 'PodTopologySpread':
      return 'the topology spread were looser (maxSkew, or ScheduleAnyway)';
    case 'InterPodAffinity':
      return first.reason.includes('anti-affinity')
        ? 'the anti-affinity were preferred instead of required'
        : 'a pod that it must be near ran there';
    case 'DynamicResources':
      return first.short === undefined ? undefined : `${first.short.resource} devices were freed`;
    case 'VolumeBinding':
    case 'VolumeZone':
      return 'a volume that it claims reached the node';
    default:
      return undefined;
  }
}

/**
 * What would open nodes with one kind of change, the one that opens most first. While the scheduler looks at no node at
 * all, that is the only change, and its nodes are those where nothing else stands in the way.
 */
export function wouldFitIf({
  nodes,
  preFilter,
}: Pick<Explanation, 'nodes' | 'preFilter'>): readonly Change[] {
  if (preFilter !== undefined) return [lifted(nodes, preFilter)];
  const changes = new Map<string, { plugin: Blocker['plugin']; nodes: string[] }>();
  for (const [blockers, same] of alike({ nodes })) {
    const change = changeFor(blockers);
    const [first] = blockers;
    if (change === undefined || first === undefined) continue;
    const { nodes: opened } = orMake(changes, change, () => ({ plugin: first.plugin, nodes: [] }));
    for (const { name } of same) opened.push(name);
  }
  return [...changes]
    .map(([change, { plugin, nodes: opened }]) => ({ plugin, change, nodes: opened }))
    .sort((a, b) => b.nodes.length - a.nodes.length);
}

function lifted(
  nodes: readonly NodeVerdict[],
  { plugin, message }: NonNullable<Explanation['preFilter']>,
): Change {
  const open = nodes.filter(({ blockers }) => blockers.every(({ reason }) => reason === message));
  const change =
    plugin === 'SchedulingGates' ? 'its scheduling gates were lifted' : `this were solved: ${message}`;
  return { plugin, change, nodes: open.map(({ name }) => name) };
}

/** A taint and a selector are the news themselves; amounts and holders differ on every node. */
const byDetail: ReadonlySet<Blocker['plugin']> = new Set(['TaintToleration', 'NodeAffinity']);

/** Nodes with the same verdict, most first: a matrix of 5,000 nodes is read as a few lines. */
export interface VerdictGroup {
  readonly blockers: readonly Blocker[];
  readonly nodes: readonly string[];
}

export function groupVerdicts(explanation: Pick<Explanation, 'nodes'>): readonly VerdictGroup[] {
  const groups = new Map<string, { blockers: readonly Blocker[]; nodes: string[] }>();
  for (const [blockers, same] of alike(explanation)) {
    const key = blockers
      .map(({ plugin, reason, detail }) => `${plugin}\0${reason}\0${byDetail.has(plugin) ? detail : ''}`)
      .join('\n');
    const { nodes } = orMake(groups, key, () => ({ blockers, nodes: [] }));
    for (const { name } of same) nodes.push(name);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length);
}

/** Does our verdict say what the scheduler's last message about this pod says? */
export type Agreement =
  | { readonly agrees: true }
  /** No message, or one of another form: nothing to compare with. */
  | { readonly agrees: undefined }
  | {
      readonly agrees: false;
      readonly scheduler: Readonly<Record<string, number>>;
      readonly ours: Readonly<Record<string, number>>;
    };

const sorted = (reasons: Readonly<Record<string, number>>): string =>
  JSON.stringify(Object.entries(reasons).sort());

/** They differ where the cluster changed since, with a custom profile, with an extender, and where we are wrong. */
export function agreement(pod: Pick<PodRow, 'scheduled'>, explanation: Explanation): Agreement {
  const said = parseSchedulerMessage(pod.scheduled?.status === 'False' ? pod.scheduled.message : '');
  if (said.nodes === undefined) return { agrees: undefined };
  const scheduler = modernReasons(said.reasons);
  const ours = explanation.reasons;
  return said.preFilter === explanation.preFilter?.message && sorted(scheduler) === sorted(ours)
    ? { agrees: true }
    : { agrees: false, scheduler, ours };
}
