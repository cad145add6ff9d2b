import type { ReportWithAlike } from '../checklist/findings.ts';
import { rightText } from '../checklist/fix-needs.ts';
import { span } from '../checklist/read.ts';
import type { Cause, Fix, Item, SubjectReport } from '../checklist/report.ts';

export interface CheckResult {
  readonly context: string;
  /** Epoch ms: when the evidence was taken. */
  readonly now: number;
  readonly partial: readonly string[];
  readonly reports: readonly ReportWithAlike[];
  /** Print evidence too. */
  readonly detailed: boolean;
}

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined || !Number.isFinite(ms) || ms <= 0 ? undefined : new Date(ms).toISOString();

/** The form of `check.schema.json`. */
export function checkJson({ context, now, partial, reports }: CheckResult): string {
  return `${JSON.stringify(
    {
      apiVersion: 'mltop.dev/v1',
      kind: 'Check',
      ...(context === '' ? {} : { context }),
      generatedAt: iso(now) ?? null,
      partial,
      findings: reports.map((report) => ({
        ...report,
        since: iso(report.since),
        items: report.items.map((item) => ({
          ...item,
          evidence: item.evidence.map((entry) => ({ ...entry, at: iso(entry.at) })),
        })),
        wants: undefined,
      })),
    },
    undefined,
    2,
  )}\n`;
}

/** As a shell takes it: POSIX quoting where a word needs it. */
export const commandText = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w./:@=,+%-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');

const words: Readonly<Record<Cause['verdict'], string>> = {
  proven: 'PROVEN',
  likely: 'LIKELY',
  possible: 'POSSIBLE',
  ruledOut: 'RULED OUT',
};
const marks: Readonly<Record<Item['status'], string>> = {
  pass: '+',
  fail: 'x',
  warn: '!',
  info: '-',
  unknown: '?',
  notApplicable: '.',
  notReached: 'o',
};

const nameOf = ({ subject }: SubjectReport): string =>
  `${subject.kind.toLowerCase()} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`;

function fixLines(fix: Fix, indent: string): string {
  const told = [fix.risk === 'read' ? undefined : `${fix.title} (${fix.risk})`, rightText(fix), fix.note];
  const comment = told.filter((part) => part !== undefined).join('; ');
  return `${indent}${commandText(fix.argv)}${comment === '' ? '' : `   # ${comment}`}\n`;
}

function itemLines(item: Item): string {
  const why = item.why === undefined ? '' : ` (unknown: ${item.why})`;
  return `  ${marks[item.status]} ${item.title}${why}\n${item.evidence.map((entry) => `      ${entry.label}: ${entry.value}${entry.path === undefined ? '' : `   [${entry.path}]`}\n`).join('')}`;
}

export function checkText({ now, partial, reports, detailed }: CheckResult): string {
  const blocks = reports.map((report) => {
    const since =
      report.since === undefined || now <= report.since || report.severity === 'none'
        ? ''
        : `   for ${span(now - report.since)}`;
    const alike =
      report.alike === undefined || report.alike.length === 0
        ? ''
        : `   (and ${report.alike.length} more of its owner)`;
    const head = `${nameOf(report)}${report.status === '' ? '' : `   ${report.status}`}   ${report.headline}${since}${alike}\n`;
    const causes = (detailed ? report.causes : report.causes.slice(0, 2))
      .map(
        (cause) =>
          `  ${words[cause.verdict]}  ${cause.text}\n${(detailed ? cause.fixes : cause.fixes.slice(0, 1)).map((fix) => fixLines(fix, '      ')).join('')}`,
      )
      .join('');
    return `${head}${causes}${detailed ? report.items.map(itemLines).join('') : ''}`;
  });
  const notes = partial.map((note) => `not read: ${note}\n`).join('');
  return blocks.length === 0
    ? `${notes}Nothing found.\n`
    : `${blocks.join('\n')}${notes === '' ? '' : `\n${notes}`}`;
}

/** For a ticket. */
export function checkMarkdown({ now, partial, reports }: CheckResult): string {
  const code = (text: string): string => `\`${text.replaceAll('`', "'")}\``;
  const parts = reports.map((report) => {
    const facts = report.items
      .filter((item) => item.status === 'fail' || item.status === 'warn')
      .flatMap((item) =>
        item.evidence.map(
          (entry) =>
            `- ${entry.label}: ${code(entry.value)}${entry.path === undefined ? '' : ` (${entry.path})`}\n`,
        ),
      )
      .slice(0, 12);
    const causes = report.causes.map(
      (cause, position) =>
        `${position + 1}. **${cause.verdict}**: ${cause.text}\n${cause.fixes.map((fix) => `   - ${fix.title}: ${code(commandText(fix.argv))}${rightText(fix) === undefined ? '' : ` (${rightText(fix)})`}\n`).join('')}`,
    );
    return `## ${nameOf(report)}: ${report.headline}\n\nSTATUS ${code(report.status || '-')}, state ${report.state}${report.since === undefined ? '' : `, since ${iso(report.since) ?? ''}`}\n\n${causes.length === 0 ? '' : `${causes.join('')}\n`}${facts.length === 0 ? '' : `Evidence:\n\n${facts.join('')}`}`;
  });
  return `# Check ${iso(now) ?? ''}\n\n${parts.length === 0 ? 'Nothing found.\n' : parts.join('\n')}${partial.length === 0 ? '' : `\nNot read: ${partial.join('; ')}\n`}`;
}
