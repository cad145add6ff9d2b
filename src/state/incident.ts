import { withoutCredentials } from '../checklist/program-log.ts';
import type { Cause, Item } from '../checklist/report.ts';
import type { TrueState } from '../checklist/true-state.ts';
import { type Examination, whyWords } from './examination.ts';
import type { Session } from './session.ts';
import type { Subject } from './subject.ts';

export interface IncidentFacts {
  readonly session: Pick<Session, 'context' | 'connection'>;
  readonly subject: Subject;
  /** Undefined: nobody has looked closer yet. */
  readonly examination: Examination | undefined;
  /** What the row says, for when there is no more. */
  readonly row: { readonly status: string; readonly state: TrueState } | undefined;
  /** mltop's own. */
  readonly version: string;
  readonly now: number;
  /** The whole command, with the context. */
  readonly command: (argv: readonly string[]) => string;
}

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

const code = (text: string): string => `\`${text.replaceAll('`', "'").replace(/\s+/g, ' ').trim()}\``;

const verdicts: Readonly<Record<Cause['verdict'], string>> = {
  proven: 'proven',
  likely: 'likely',
  possible: 'possible',
  ruledOut: 'ruled out',
};

// A ticket with more of it is not read.
const evidenceAtMost = 15;

/** What to paste into a ticket or a channel: what is wrong, since when, how one knows, what to do; in Markdown. */
export function incidentText(facts: IncidentFacts): string {
  const { session, subject, examination, row, version, now, command } = facts;
  const report = examination?.report;
  const { connection, context } = session;
  const server = connection.state === 'connected' ? connection.server?.text : undefined;
  const name = `${subject.kind} ${subject.namespace === '' ? '' : `${subject.namespace}/`}${subject.name}`;
  const headline = report?.headline ?? (row?.state.label || 'no finding');
  const status = report?.status || row?.status;
  const since = report?.since ?? row?.state.since;
  const lines = [
    `## ${name}: ${headline}`,
    '',
    `- context ${code(context)}${server === undefined ? '' : `, Kubernetes ${server}`}, mltop ${version}`,
    ...(status === undefined || status === '' ? [] : [`- STATUS ${code(status)}`]),
    ...(report === undefined ? [] : [`- state ${report.state} (${report.id})`]),
    ...(since === undefined ? [] : [`- since ${iso(since)}`]),
    `- looked at ${iso(examination?.atMs ?? now)}`,
  ];
  if (report === undefined) return finished(lines);
  for (const [at, cause] of report.causes.entries()) {
    if (at === 0) lines.push('', '### Causes', '');
    lines.push(`${at + 1}. **${verdicts[cause.verdict]}**: ${cause.text}`);
    for (const fix of cause.fixes)
      lines.push(
        `   - ${fix.title} (${fix.risk}): ${code(command(fix.argv))}${fix.note === undefined ? '' : `; ${fix.note}`}`,
      );
  }
  const evidence = report.items.filter(isFinding).flatMap((item) =>
    item.evidence.map(({ label, value, path, at }) => {
      const where = path === undefined ? '' : ` (${code(path)})`;
      return `- ${item.title}: ${label} ${code(value)}${where}${at === undefined ? '' : `, ${iso(at)}`}`;
    }),
  );
  if (evidence.length > 0) lines.push('', '### Evidence', '', ...evidence.slice(0, evidenceAtMost));
  const open = report.items.filter(({ status: one }) => one === 'unknown');
  if (open.length > 0)
    lines.push(
      '',
      '### Not known',
      '',
      ...open.map(({ title, why }) => `- ${title}${why === undefined ? '' : `: ${whyWords[why]}`}`),
    );
  const { partial } = examination ?? { partial: [] };
  if (partial.length > 0) lines.push('', `Not read: ${partial.join('; ')}`);
  return finished(lines);
}

/** It leaves this machine: what looks like a credential stays. */
const finished = (lines: readonly string[]): string => `${withoutCredentials(lines.join('\n'))}\n`;

const isFinding = ({ status }: Item): boolean => status === 'fail' || status === 'warn';
