import type { PodRow } from '../resources/pod-row.ts';
import { amountText } from '../scheduling/amount.ts';
import type { Explanation } from '../scheduling/explain.ts';
import type { FitPlan, Wish } from '../scheduling/fit.ts';
import type { Room } from '../scheduling/room.ts';
import { agreement, groupVerdicts, nearest, wouldFitIf } from '../scheduling/unblock.ts';
import type { ParsedFlags } from './flags.ts';
import { alignColumns } from './print.ts';

export interface Answer {
  readonly pod: PodRow;
  readonly explanation: Explanation;
}

/** One pod for `-o json`. */
export function answerJson({ pod, explanation }: Answer): unknown {
  return {
    namespace: pod.namespace,
    name: pod.name,
    fits: explanation.fits,
    reasons: explanation.reasons,
    preFilter: explanation.preFilter?.message ?? null,
    unknown: explanation.doubts,
    nearest: nearest(explanation)?.name ?? null,
    wouldFitIf: wouldFitIf(explanation).map(({ change, nodes }) => ({ change, nodes })),
    agreesWithScheduler: agreement(pod, explanation).agrees ?? null,
    nodes: explanation.nodes.map(({ name, blockers, doubts }) => ({
      name,
      blockers: blockers.map(({ plugin, reason, detail, final }) => ({
        plugin,
        reason,
        detail,
        preemptable: !final,
      })),
      ...(doubts.length > 0 ? { unknown: doubts } : {}),
    })),
  };
}

const requestsText = (pod: PodRow): string =>
  Object.entries(pod.spec.requests)
    .map(([resource, amount]) => `${resource} ${amountText(resource, amount)}`)
    .join(', ') || 'nothing';

const few = (names: readonly string[], most = 4): string =>
  names.length <= most
    ? names.join(', ')
    : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

/** One pod for people: the matrix and what would help. */
export function podText({ pod, explanation }: Answer, parsed: ParsedFlags): string {
  const { fits, nodes, preFilter, doubts } = explanation;
  const head = `${pod.namespace}/${pod.name} asks for ${requestsText(pod)}\n${fits.length} of ${nodes.length} nodes fit${fits.length === 0 ? '' : `: ${few(fits, 8)}`}\n`;
  const before =
    preFilter === undefined
      ? ''
      : `before any node is looked at: ${preFilter.message}${preFilter.detail === preFilter.message ? '' : ` (${preFilter.detail})`}\n`;
  const unknown = doubts.map(({ plugin, why }) => `unknown: ${plugin}: ${why}\n`).join('');
  return `${head}${before}${unknown}\n${matrixText(explanation, parsed)}${adviceText(pod, explanation)}`;
}

/** One line per node with `-o wide`; otherwise one per group of nodes with the same verdict. */
function matrixText(explanation: Pick<Explanation, 'nodes'>, parsed: ParsedFlags): string {
  const wide = parsed.one('output') === 'wide';
  const header = wide
    ? ['NODE', 'PLUGIN', 'REASON', 'DETAIL']
    : ['NODES', 'NODE', 'PLUGIN', 'REASON', 'DETAIL'];
  const groups = wide
    ? explanation.nodes.map(({ name, blockers }) => ({ blockers, nodes: [name] }))
    : groupVerdicts(explanation);
  const lines = groups.flatMap(({ blockers, nodes: [example = '', ...others] }) => {
    const lead = wide ? [example] : [String(others.length + 1), example];
    if (blockers.length === 0) return [[...lead, '-', 'fits', '']];
    return blockers.map(({ plugin, reason, detail }, index) => [
      ...(index === 0 ? lead : lead.map(() => '')),
      plugin,
      reason,
      detail,
    ]);
  });
  return alignColumns(parsed.on('no-headers') ? lines : [header, ...lines]);
}

function adviceText(pod: PodRow, explanation: Explanation): string {
  if (explanation.fits.length > 0) return '';
  const close = nearest(explanation);
  const lines: string[] = [];
  if (close !== undefined && explanation.preFilter === undefined) {
    lines.push(`nearest: ${close.name} (${close.blockers.map(({ detail }) => detail).join('; ')})`);
  }
  for (const { change, nodes } of wouldFitIf(explanation).slice(0, 5))
    lines.push(`would fit if ${change}: ${nodes.length === 0 ? 'no node even then' : few(nodes)}`);
  const same = agreement(pod, explanation);
  if (same.agrees === true) lines.push("the scheduler's last message says the same");
  if (same.agrees === false)
    lines.push(
      `the scheduler's last message differs (older, or another profile): ${pod.scheduled?.message ?? ''}`,
    );
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`;
}

function reasonsText({ reasons, preFilter, fits, nodes }: Explanation): string {
  if (preFilter !== undefined) return preFilter.message;
  if (fits.length > 0) return `fits ${few(fits, 2)}`;
  if (nodes.length === 0) return 'there are no nodes';
  return Object.entries(reasons)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, number]) => `${number} ${reason}`)
    .join(', ');
}

/** One pod as a line of `--pending`. */
export function pendingLine({ pod, explanation }: Answer): string[] {
  const { fits, nodes } = explanation;
  return [
    pod.namespace,
    pod.name,
    requestsText(pod),
    `${fits.length}/${nodes.length}`,
    reasonsText(explanation),
    fits.length > 0 ? '-' : (wouldFitIf(explanation)[0]?.change ?? '-'),
  ];
}

export function wishJson(wish: Wish, plan: FitPlan, all: boolean): string {
  const { gpus, count, model, resource } = wish;
  return `${JSON.stringify(
    {
      gpus,
      count,
      type: model ?? null,
      resource: resource ?? null,
      fits: all,
      placed: plan.placed,
      possible: plan.possible,
      largestBlock: plan.largestBlock,
      starts: plan.starts,
      room: plan.room,
      why: plan.nothing ?? null,
      nodes: plan.nodes.map(({ name, blockers }) => ({
        name,
        blockers: blockers.map(({ plugin, reason, detail }) => ({ plugin, reason, detail })),
      })),
    },
    null,
    2,
  )}\n`;
}

function roomText({ uncordon, tolerate, move }: Room): string {
  const steps = [
    ...(uncordon ? ['uncordon it'] : []),
    ...(tolerate === undefined ? [] : [`tolerate ${tolerate}`]),
    ...(move.length === 0
      ? []
      : [
          `held by ${few(move.map(({ namespace, name, units, idle, priority }) => `${namespace}/${name} (${units}${idle ? ', idle' : ''}${priority === 0 ? '' : `, priority ${priority}`})`))}`,
        ]),
  ];
  return steps.join(', ');
}

export function wishText(wish: Wish, plan: FitPlan, parsed: ParsedFlags): string {
  const what = `${wish.count}x${wish.gpus} ${wish.model ?? wish.resource ?? 'GPUs'}`;
  if (plan.nothing !== undefined) return `${what}: ${plan.nothing}\n`;
  const verdict =
    plan.placed >= wish.count
      ? `${what} would start now`
      : `${what}: ${plan.placed} of ${wish.count} would start now`;
  const head = `${verdict}; largest block ${plan.largestBlock} on ${plan.nodes.length} nodes of the kind\n`;
  const starts = plan.starts.map(({ node, resource, copies }) => [node, `${copies}x${wish.gpus}`, resource]);
  const room = plan.room.map((each) => [each.node, roomText(each)]);
  const header = (titles: readonly string[]) => (parsed.on('no-headers') ? [] : [titles]);
  const table =
    starts.length === 0 ? '' : `\n${alignColumns([...header(['NODE', 'PODS', 'RESOURCE']), ...starts])}`;
  const rooms =
    room.length === 0 ? '' : `\n${alignColumns([...header(['ROOM ON', 'FOR ONE MORE']), ...room])}`;
  const blocked = plan.nodes.filter(({ blockers }) => blockers.length > 0);
  const matrix =
    plan.placed >= wish.count || blocked.length === 0 ? '' : `\n${matrixText({ nodes: blocked }, parsed)}`;
  return `${head}${table}${rooms}${matrix}`;
}
