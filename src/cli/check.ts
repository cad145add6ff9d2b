import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EvaluateOptions, evaluate, evaluateAll } from '../checklist/evaluate.ts';
import {
  buildIndex,
  type EvidenceIndex,
  kindOf,
  labelsOf,
  nameOf,
  namespaceOf,
} from '../checklist/evidence-index.ts';
import { type ReportWithAlike, rootsOnly } from '../checklist/findings.ts';
import { fixesOf, withRights } from '../checklist/fix-needs.ts';
import { rightsOfFixes } from '../checklist/fix-rights.ts';
import { text } from '../checklist/read.ts';
import type { Severity, SubjectReport } from '../checklist/report.ts';
import { connect } from '../kube/connection.ts';
import type { Connection } from '../kube/contract.ts';
import type { KubeObject } from '../kube/object.ts';
import { mayI } from '../kube/rights.ts';
import { findTable } from '../resources/index.ts';
import { parseSelector } from '../state/filter.ts';
import { type CheckResult, checkJson, checkMarkdown, checkText } from './check-print.ts';
import {
  type Evidence,
  evidenceFromCluster,
  evidenceFromFiles,
  fetchLogs,
  logsAtMost,
  unseen,
  withAllPods,
} from './check-source.ts';
import { commandFlags } from './command-flags.ts';
import { connectOptionsOf, durationOf, namespacesOf, type ParsedFlags, parseFlags } from './flags.ts';
import { commandHelpText } from './help.ts';
import { type CommandIo, exitCode, UsageError } from './io.ts';
import { loadRules } from './rules-source.ts';

interface Target {
  /** Lower case word of the command line, `''` for any kind. */
  readonly kind: string;
  /** `''` for every object of the kind. */
  readonly name: string;
}

/** What the command line names, told apart from further files behind `--from a b c`. */
function targetsAndFiles(parsed: ParsedFlags): {
  readonly targets: readonly Target[];
  readonly files: readonly string[];
} {
  const files = [...parsed.many('from')];
  const targets: Target[] = [];
  const words = [...parsed.positionals];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (files.length > 0 && existsSync(word)) {
      files.push(word);
      continue;
    }
    const slash = word.indexOf('/');
    if (slash > 0) targets.push({ kind: word.slice(0, slash).toLowerCase(), name: word.slice(slash + 1) });
    else {
      const next = words[0];
      const named = next !== undefined && !next.includes('/') && !(files.length > 0 && existsSync(next));
      targets.push({ kind: word.toLowerCase(), name: named ? (words.shift() ?? '') : '' });
    }
  }
  return { targets, files };
}

const kindWords = (object: KubeObject): readonly string[] => {
  const kind = kindOf(object).toLowerCase();
  return [kind, `${kind}s`, `${kind}es`, kind.replace(/y$/, 'ies')];
};

function matches(object: KubeObject, target: Target): boolean {
  if (target.name !== '' && nameOf(object) !== target.name) return false;
  const bare = target.kind.replace(/\..*$/, '');
  return kindWords(object).includes(bare) || findTable(target.kind)?.kind === kindOf(object);
}

const rank: Readonly<Record<Severity, number>> = { bad: 0, warn: 1, none: 2 };

interface Scope {
  readonly targets: readonly Target[];
  readonly namespaces: readonly string[] | 'all' | undefined;
  readonly selector: string | undefined;
  readonly everything: boolean;
  readonly all: boolean;
}

/** The reports that were asked for, worst first. */
function reportsFor(
  index: EvidenceIndex,
  scope: Scope,
  options: EvaluateOptions,
): readonly ReportWithAlike[] {
  const inScope = (object: KubeObject): boolean =>
    scope.namespaces === undefined ||
    scope.namespaces === 'all' ||
    namespaceOf(object) === '' ||
    scope.namespaces.includes(namespaceOf(object));
  const test = scope.selector === undefined ? undefined : parseSelector(scope.selector);
  if (scope.selector !== undefined && test === undefined)
    throw new UsageError(
      `--selector ${scope.selector}: not a label selector`,
      'Write key=value,key2!=value2.',
    );
  const asked = scope.targets.length > 0;
  const chosen = asked
    ? scope.targets.flatMap((target) => {
        const objects = index.objects.filter((object) => inScope(object) && matches(object, target));
        if (objects.length === 0) throw unseen(index, target);
        return objects.map((object) => evaluate(index, object, options));
      })
    : evaluateAll(index, options).filter((report) =>
        inScope(index.get(report.subject.kind, report.subject.namespace, report.subject.name) ?? {}),
      );
  const labelled =
    test === undefined
      ? chosen
      : chosen.filter((report) =>
          test(labelsOf(index.get(report.subject.kind, report.subject.namespace, report.subject.name) ?? {})),
        );
  const shown =
    asked || scope.all
      ? labelled
      : scope.everything
        ? rootsOnly(index, labelled)
        : labelled.filter((report) => report.severity !== 'none');
  const weight = (report: SubjectReport): number =>
    rank[report.severity] * 2 + (report.explainedBy === undefined ? 0 : 1);
  return [...shown].sort((a, b) => weight(a) - weight(b));
}

const isUnplaced = (pod: KubeObject): boolean =>
  text(pod, 'spec', 'nodeName') === '' && text(pod, 'status', 'phase') === 'Pending';

async function gather(
  connection: Connection,
  namespaces: readonly string[] | 'all',
  scope: Scope,
  options: EvaluateOptions,
): Promise<{ readonly evidence: Evidence; readonly index: EvidenceIndex }> {
  const listed = await evidenceFromCluster(connection, namespaces, {
    named: scope.targets.filter(({ name }) => name !== ''),
  });
  // A pod without a node waits for room, and room is what the pods of all namespaces leave.
  const waits = listed.objects.some((object) => kindOf(object) === 'Pod' && isUnplaced(object));
  const evidence = waits && namespaces !== 'all' ? await withAllPods(connection, listed) : listed;
  const index = buildIndex(evidence);
  // Worst first, as the reports are: a pack that asks what healthy pods say comes behind what is broken.
  const wants = reportsFor(index, { ...scope, all: true }, options).flatMap((report) => report.wants);
  if (wants.length === 0) return { evidence, index };
  const logs = await fetchLogs(connection, wants);
  const unread = wants.length - logsAtMost;
  const read =
    unread <= 0
      ? evidence
      : {
          ...evidence,
          partial: [...evidence.partial, `logs: ${unread} more would be read; name pods or a namespace`],
        };
  return Object.keys(logs).length === 0
    ? { evidence: read, index }
    : { evidence: read, index: buildIndex({ ...evidence, logs }) };
}

const printers: Readonly<Record<string, (result: CheckResult) => string>> = {
  text: checkText,
  json: checkJson,
  md: checkMarkdown,
};

function finish(io: CommandIo, parsed: ParsedFlags, result: CheckResult): number {
  io.stdout.write((printers[parsed.one('output') ?? 'text'] ?? checkText)(result));
  const limit = parsed.one('fail-on') === 'bad' ? 0 : 1;
  if (result.reports.some((report) => rank[report.severity] <= limit)) return exitCode.findings;
  return result.partial.length > 0 ? exitCode.partial : exitCode.ok;
}

const help = `Without a subject: everything that needs a person. With one: its whole checklist.
Exit codes: 0 nothing found, 1 findings, 2 wrong usage, 3 some sources could not be read, 4 no connection, 5 not found,
124 still findings after --wait.
`;

/**
 * `mltop check`: what is wrong, the proof, the next command. Of a cluster, or of files without one.
 * @throws UsageError for a wrong command line, KubeError when the cluster does not answer or the subject does not exist.
 */
export async function checkCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const parsed = parseFlags(argv, commandFlags.check);
  if (parsed.on('help')) {
    io.stdout.write(commandHelpText('check', help));
    return exitCode.ok;
  }
  const added = await loadRules(parsed.many('rules'), io);
  const options: EvaluateOptions = added === undefined ? {} : { added };
  const { targets, files } = targetsAndFiles(parsed);
  const scope: Scope = {
    targets,
    namespaces: namespacesOf(parsed),
    selector: parsed.one('selector'),
    everything: parsed.on('all-namespaces'),
    all: parsed.on('all'),
  };
  const detailed = targets.length > 0;
  if (files.length > 0) {
    const given = parsed.one('now');
    const now = given === undefined ? undefined : Date.parse(given);
    if (now !== undefined && !Number.isFinite(now))
      throw new UsageError(`--now ${given}: not a time`, 'Write 2026-01-31T12:00:00Z.');
    const evidence = await evidenceFromFiles(files, parsed.many('logs'), now);
    const index = buildIndex(evidence);
    const reports = reportsFor(index, scope, options);
    return finish(io, parsed, {
      context: '',
      now: index.now,
      partial: evidence.partial,
      reports: reports.map((report) => withRights(report, () => ({ allowed: 'notAsked' }))),
      detailed,
    });
  }
  const connection = await connect({
    ...io.connectOptions,
    ...connectOptionsOf(parsed, io.connectOptions),
  });
  try {
    const namespaces = scope.namespaces ?? [connection.namespace];
    const wait = parsed.one('wait');
    const until = wait === undefined ? 0 : Date.now() + durationOf(wait, 'wait');
    for (;;) {
      const { evidence, index } = await gather(connection, namespaces, { ...scope, namespaces }, options);
      const reports = reportsFor(index, { ...scope, namespaces, everything: true }, options);
      const limit = parsed.one('fail-on') === 'bad' ? 0 : 1;
      const clean = !reports.some((report) => rank[report.severity] <= limit);
      if (wait === undefined || clean || Date.now() >= until) {
        const rightOf = await rightsOfFixes((need) => mayI(connection, need), reports.flatMap(fixesOf));
        const code = finish(io, parsed, {
          context: evidence.context,
          now: index.now,
          partial: evidence.partial,
          reports: reports.map((report) => withRights(report, rightOf)),
          detailed,
        });
        return wait !== undefined && !clean ? exitCode.timeout : code;
      }
      await sleep(Math.min(2000, Math.max(0, until - Date.now())));
    }
  } finally {
    await connection.close();
  }
}
