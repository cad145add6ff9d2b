import { KubeError } from '../kube/kube-error.ts';
import { quantity } from '../resources/fields.ts';
import type { PodRow } from '../resources/pod-row.ts';
import { type Explanation, explain, isWaiting } from '../scheduling/explain.ts';
import { planFit, type Wish } from '../scheduling/fit.ts';
import { commandFlags } from './command-flags.ts';
import { type Answer, answerJson, pendingLine, podText, wishJson, wishText } from './fit-print.ts';
import { loadSource, type Source } from './fit-source.ts';
import { numberOf, type ParsedFlags, parseFlags } from './flags.ts';
import { commandHelpText } from './help.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { alignColumns } from './print.ts';

const help = `Of a pod: every filter of the scheduler on every node. Of GPUs that are wanted: where they would start, or how to make room.
Exit codes: 0 all of it fits, 1 some does not, 2 wrong usage, 3 not known for want of rights, 4 no connection, 5 not found.
`;

/**
 * `mltop fit`: what the scheduler would say about a pod on every node, or where a pod with so many GPUs would start.
 * Exit code 0 when all of it fits, 1 when some does not, 3 when that cannot be known for want of rights.
 * @throws UsageError for a wrong command line, KubeError when the cluster does not answer.
 */
export async function fitCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(args, commandFlags.fit);
  if (parsed.on('help')) return say(io, commandHelpText('fit', help));
  const question = questionOf(parsed);
  const source = await loadSource(parsed, io);
  for (const note of source.partial) io.stderr.write(`mltop: ${note}\n`);
  return question.kind === 'wish'
    ? answerWish(question.wish, source, parsed, io)
    : answerPods(question, source, parsed, io);
}

function say(io: CommandIo, text: string): number {
  io.stdout.write(text);
  return exitCode.ok;
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

function answerWish(wish: Wish, source: Source, parsed: ParsedFlags, io: CommandIo): number {
  const plan = planFit(source.cluster, wish);
  const all = plan.placed >= wish.count;
  io.stdout.write(parsed.one('output') === 'json' ? wishJson(wish, plan, all) : wishText(wish, plan, parsed));
  if (all) return exitCode.ok;
  return source.incomplete ? exitCode.partial : exitCode.findings;
}
