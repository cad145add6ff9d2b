import type { Connection } from '../kube/contract.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeObject, ServerVersion } from '../kube/object.ts';
import { quantity } from '../resources/fields.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { amountText } from '../scheduling/amount.ts';
import type { SchedulingCluster } from '../scheduling/cluster.ts';
import { type Explanation, explain, isWaiting } from '../scheduling/explain.ts';
import { type FitPlan, planFit, type Wish } from '../scheduling/fit.ts';
import {
  clusterFrom,
  type SchedulingObjects,
  schedulingPaths,
  sortObjects,
} from '../scheduling/from-objects.ts';
import type { Room } from '../scheduling/room.ts';
import { agreement, groupVerdicts, nearest, wouldFitIf } from '../scheduling/unblock.ts';
import {
  connectOptionsOf,
  type Flag,
  flags as generalFlags,
  numberOf,
  type ParsedFlags,
  parseFlags,
} from './flags.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { alignColumns } from './print.ts';

const shared = ['namespace', 'from', 'help', 'no-headers'];

/** The flags of `mltop fit`: its own, and those that say which cluster. */
const fitFlags: readonly Flag[] = [
  {
    name: 'pod',
    value: 'NS/NAME',
    multiple: true,
    group: 'What to show',
    help: 'what blocks this pod on every node',
  },
  { name: 'pending', group: 'What to show', help: 'the same for every pod that waits for a node' },
  { name: 'gpus', value: 'N', group: 'What to show', help: 'where a pod with N GPUs would start' },
  { name: 'type', value: 'MODEL', group: 'What to show', help: 'part of the GPU model: H100' },
  { name: 'count', value: 'N', group: 'What to show', help: 'so many such pods at once' },
  {
    name: 'resource',
    value: 'NAME',
    group: 'What to show',
    help: 'this resource or device class: nvidia.com/mig-1g.10gb',
  },
  { name: 'cpu', value: 'CPU', group: 'What to show', help: 'CPU of each pod (default 1 for each GPU)' },
  {
    name: 'memory',
    value: 'SIZE',
    group: 'What to show',
    help: 'memory of each pod (default 1Gi for each GPU)',
  },
  {
    name: 'output',
    short: 'o',
    value: 'FORMAT',
    group: 'Output',
    choices: ['table', 'wide', 'json'],
    help: 'table wide json',
  },
  ...generalFlags.filter(({ name, group }) => group === 'Cluster' || shared.includes(name)),
];

interface Source {
  readonly cluster: SchedulingCluster;
  /** What could not be read, a sentence each. */
  readonly partial: readonly string[];
  /** Rights are missing: what does not fit here may fit, and the other way round. */
  readonly incomplete: boolean;
  /** Where `--pod NAME` looks; undefined: in any namespace. */
  readonly namespace: string | undefined;
}

/**
 * `mltop fit`: what the scheduler would say about a pod on every node, or where a pod with so many GPUs would start.
 * Exit code 0 when all of it fits, 1 when some does not, 3 when that cannot be known for want of rights.
 * @throws UsageError for a wrong command line, KubeError when the cluster does not answer.
 */
export async function fitCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(args, fitFlags);
  if (parsed.on('help')) return say(io, helpText());
  const question = questionOf(parsed);
  const source = await load(parsed, io);
  for (const note of source.partial) io.stderr.write(`mltop: ${note}\n`);
  return question.kind === 'wish'
    ? answerWish(question.wish, source, parsed, io)
    : answerPods(question, source, parsed, io);
}

function say(io: CommandIo, text: string): number {
  io.stdout.write(text);
  return exitCode.ok;
}

function helpText(): string {
  const own = fitFlags.filter(({ group }) => group !== 'Cluster');
  const lines = own.map(({ name, short, value, help }) => [
    `  ${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  return `mltop fit --pod NS/NAME | --pending | --gpus N [--type MODEL] [--count N]   [--from FILE…] [-o table|wide|json]\n\n${alignColumns(lines)}\nThe flags that name a cluster are those of mltop --help.\n`;
}

type Question =
  | { readonly kind: 'pods'; readonly names: readonly string[] }
  | { readonly kind: 'pending' }
  | { readonly kind: 'wish'; readonly wish: Wish };

function questionOf(parsed: ParsedFlags): Question {
  const names = parsed.many('pod');
  const gpus = numberOf(parsed, 'gpus', 1, 1024);
  const asked = [names.length > 0, parsed.on('pending'), gpus !== undefined].filter(Boolean).length;
  if (asked !== 1)
    throw new UsageError(
      'fit needs one question',
      'Ask with --pod NS/NAME, with --pending, or with --gpus N.',
    );
  if (names.length > 0) return { kind: 'pods', names };
  if (gpus === undefined) return { kind: 'pending' };
  const cpu = amountFlag(parsed, 'cpu');
  const wish: Wish = {
    gpus,
    count: numberOf(parsed, 'count', 1, 10_000) ?? 1,
    resource: parsed.one('resource'),
    model: parsed.one('type'),
    cpu: cpu === undefined ? undefined : Math.ceil(cpu * 1000),
    memory: amountFlag(parsed, 'memory'),
  };
  return { kind: 'wish', wish };
}

function amountFlag(parsed: ParsedFlags, name: string): number | undefined {
  const text = parsed.one(name);
  const amount = quantity(text);
  if (text !== undefined && (amount === undefined || amount < 0)) {
    throw new UsageError(`--${name} ${text}: not an amount`, 'Write 500m, 16, 64Gi.');
  }
  return amount;
}

async function load(parsed: ParsedFlags, io: CommandIo): Promise<Source> {
  const files = parsed.many('from');
  if (files.length === 0) {
    if (parsed.positionals[0] !== undefined)
      throw new UsageError(`${parsed.positionals[0]}: not expected`, 'A pod is named with --pod NS/NAME.');
    return fromCluster(parsed, io);
  }
  const { readObjects } = await import('../demo/index.ts');
  const { objects, notes } = await readObjects([...files, ...parsed.positionals]);
  return {
    cluster: clusterFrom(sortObjects(objects)),
    partial: notes,
    incomplete: false,
    namespace: parsed.one('namespace'),
  };
}

async function fromCluster(parsed: ParsedFlags, io: CommandIo): Promise<Source> {
  const { connect } = await import('../kube/connection.ts');
  const connection = await connect({
    ...io.connectOptions,
    ...connectOptionsOf(parsed, io.connectOptions.userAgent),
  });
  try {
    const server: ServerVersion = await connection.version();
    const partial: string[] = [];
    const parts = Object.keys(schedulingPaths) as (keyof SchedulingObjects)[];
    const lists = await Promise.all(
      parts.map(async (part) => [part, await listPart(connection, part, partial)] as const),
    );
    const objects: SchedulingObjects = Object.fromEntries(lists);
    return {
      cluster: clusterFrom(objects, server),
      partial,
      incomplete: partial.length > 0,
      namespace: parsed.one('namespace') ?? connection.namespace,
    };
  } finally {
    await connection.close();
  }
}

/** The objects of one part from the first of its paths that the server has; undefined where they may not be read. */
async function listPart(
  connection: Connection,
  part: keyof SchedulingObjects,
  partial: string[],
): Promise<readonly KubeObject[] | undefined> {
  for (const path of schedulingPaths[part]) {
    try {
      return await listPath(connection, path);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.kind === 'not-found') continue;
      // Without nodes there is nothing to say; without the rest a filter or two cannot tell.
      if (error.kind !== 'forbidden' || part === 'nodes') throw error;
      partial.push(
        part === 'pods'
          ? `other namespaces' pods are not visible, so what nodes have free is too high (${error.message})`
          : error.message,
      );
      return part === 'pods'
        ? listPath(connection, `/api/v1/namespaces/${encodeURIComponent(connection.namespace)}/pods`)
        : undefined;
    }
  }
  // A server that does not know the kind has none of it.
  return [];
}

async function listPath(connection: Connection, path: string): Promise<readonly KubeObject[]> {
  let items: KubeObject[] = [];
  for await (const page of connection.pages(path)) {
    if (page.restarted) items = [];
    for (const item of page.items) items.push(item);
  }
  return items;
}

function podNamed(name: string, { cluster, namespace }: Source): PodRow {
  const [space, pod] = name.includes('/')
    ? [name.slice(0, name.indexOf('/')), name.slice(name.indexOf('/') + 1)]
    : [namespace, name];
  const found = cluster.pods.filter(
    (row) => row.name === pod && (space === undefined || row.namespace === space),
  );
  const [first, second] = found;
  if (first === undefined) {
    throw new KubeError(`pod ${space === undefined ? pod : `${space}/${pod}`} not found`, {
      kind: 'not-found',
      hint: 'Name it as NAMESPACE/NAME; mltop pods -A lists all.',
    });
  }
  if (second !== undefined)
    throw new UsageError(
      `${name}: in ${first.namespace} and in ${second.namespace}`,
      'Name it as NAMESPACE/NAME.',
    );
  return first;
}

interface Answer {
  readonly pod: PodRow;
  readonly explanation: Explanation;
}

function answerPods(
  question: Exclude<Question, { kind: 'wish' }>,
  source: Source,
  parsed: ParsedFlags,
  io: CommandIo,
): number {
  const namespace = parsed.one('namespace');
  const pods =
    question.kind === 'pods'
      ? question.names.map((name) => podNamed(name, source))
      : source.cluster.pods.filter(
          (pod) => isWaiting(pod) && (namespace === undefined || pod.namespace === namespace),
        );
  const write = writerFor(question.kind === 'pods', pods.length, parsed, io);
  const outcomes = new Set<Outcome>();
  // One at a time: the verdicts on 5,000 nodes of a thousand pods would not fit into memory together.
  for (const pod of pods) {
    const explanation = explain(source.cluster, pod);
    outcomes.add(outcomeOf(explanation));
    write.answer({ pod, explanation });
  }
  write.end();
  if (!outcomes.has('blocked') && !outcomes.has('unknown')) return exitCode.ok;
  return source.incomplete || outcomes.has('unknown') ? exitCode.partial : exitCode.findings;
}

type Outcome = 'fits' | 'blocked' | 'unknown';

function outcomeOf(explanation: Explanation): Outcome {
  if (explanation.fits.length > 0) return 'fits';
  return hasDoubts(explanation) ? 'unknown' : 'blocked';
}

interface AnswerWriter {
  readonly answer: (answer: Answer) => void;
  readonly end: () => void;
}

function writerFor(named: boolean, count: number, parsed: ParsedFlags, io: CommandIo): AnswerWriter {
  if (parsed.one('output') === 'json') return jsonWriter(named && count === 1, io);
  return named ? matrixWriter(parsed, io) : pendingWriter(parsed, io);
}

/** One named pod is one object; otherwise an array, one pod a line. */
function jsonWriter(single: boolean, io: CommandIo): AnswerWriter {
  let written = 0;
  return {
    answer: (answer) => {
      const json = answerJson(answer);
      const start = written === 0 ? '[\n' : ',\n';
      io.stdout.write(single ? `${JSON.stringify(json, null, 2)}\n` : `${start}${JSON.stringify(json)}`);
      written += 1;
    },
    end: () => {
      if (!single) io.stdout.write(written === 0 ? '[]\n' : '\n]\n');
    },
  };
}

function matrixWriter(parsed: ParsedFlags, io: CommandIo): AnswerWriter {
  let written = 0;
  return {
    answer: (answer) => {
      io.stdout.write(`${written === 0 ? '' : '\n'}${podText(answer, parsed)}`);
      written += 1;
    },
    end: () => undefined,
  };
}

function pendingWriter(parsed: ParsedFlags, io: CommandIo): AnswerWriter {
  const lines: string[][] = parsed.on('no-headers')
    ? []
    : [['NAMESPACE', 'NAME', 'ASKS FOR', 'FITS', 'REASONS', 'WOULD FIT IF']];
  let written = 0;
  return {
    answer: (answer) => {
      lines.push(pendingLine(answer));
      written += 1;
    },
    end: () => void io.stdout.write(written === 0 ? 'no pod waits for a node\n' : alignColumns(lines)),
  };
}

const hasDoubts = ({ fits, nodes, doubts }: Explanation): boolean =>
  fits.length === 0 &&
  (doubts.length > 0 || nodes.some((node) => node.blockers.length === 0 && node.doubts.length > 0));

function answerJson({ pod, explanation }: Answer): unknown {
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

function podText({ pod, explanation }: Answer, parsed: ParsedFlags): string {
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

function pendingLine({ pod, explanation }: Answer): string[] {
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

function answerWish(wish: Wish, source: Source, parsed: ParsedFlags, io: CommandIo): number {
  const plan = planFit(source.cluster, wish);
  const all = plan.placed >= wish.count;
  io.stdout.write(parsed.one('output') === 'json' ? wishJson(wish, plan, all) : wishText(wish, plan, parsed));
  if (all) return exitCode.ok;
  return source.incomplete ? exitCode.partial : exitCode.findings;
}

function wishJson(wish: Wish, plan: FitPlan, all: boolean): string {
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

function wishText(wish: Wish, plan: FitPlan, parsed: ParsedFlags): string {
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
