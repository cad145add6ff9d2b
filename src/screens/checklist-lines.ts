import { rightText } from '../checklist/fix-needs.ts';
import { at, list, span, text } from '../checklist/read.ts';
import {
  type Cause,
  type Evidence,
  type Fix,
  gates,
  type Item,
  type ItemStatus,
  type Risk,
  type SubjectReport,
} from '../checklist/report.ts';
import { ageText } from '../resources/fields.ts';
import { type ChecklistView, type Examination, isAsked, isOpen, whyWords } from '../state/examination.ts';
import { displayWidth, wrap } from '../ui/text.ts';
import { type Role, type Span, type Spans, type Theme, widthOf } from '../ui/theme.ts';

/** A line of the checklist; `stop`: the cursor can stand on it, and which of the stops it is. */
export interface ChecklistLine {
  readonly spans: Spans;
  readonly stop?: number;
}

export interface ChecklistQuestion {
  readonly view: ChecklistView;
  readonly examination: Examination | undefined;
  readonly theme: Theme;
  readonly columns: number;
  readonly height: number;
  /** A fix as one would type it. */
  readonly command: (fix: Fix) => string;
  /** What the key does of it, where that is not all; `''` where it is. */
  readonly runs?: (fix: Fix) => string;
  readonly spinner: string;
  readonly now: number;
}

const verdictLooks: Readonly<Record<Cause['verdict'], { readonly word: string; readonly role: Role }>> = {
  proven: { word: 'PROVEN', role: 'bad' },
  likely: { word: 'LIKELY', role: 'warn' },
  possible: { word: 'POSSIBLE', role: 'pending' },
  ruledOut: { word: 'RULED OUT', role: 'dim' },
};

const riskRoles: Readonly<Record<Risk, Role>> = {
  read: 'dim',
  reversible: 'good',
  disruptive: 'warn',
  destructive: 'bad',
  cluster: 'warn',
};

const riskWords: Readonly<Record<Risk, string>> = {
  read: 'reads only',
  reversible: 'reversible',
  disruptive: 'disruptive',
  destructive: 'destructive',
  cluster: 'changes the cluster',
};

/** What stands before a question and in the strip of gates. */
export function statusGlyph(status: ItemStatus, { glyphs }: Theme): Span {
  switch (status) {
    case 'pass':
      return { text: glyphs.done, role: 'good' };
    case 'fail':
      return { text: glyphs.bad, role: 'bad' };
    case 'warn':
      return { text: glyphs.warn, role: 'warn' };
    case 'unknown':
      return { text: glyphs.unknown, role: 'unknown' };
    case 'notReached':
      return { text: glyphs.pending, role: 'dim' };
    case 'info':
    case 'notApplicable':
      return { text: glyphs.dot, role: 'dim' };
  }
}

/** The stations of its life, those that it passed, the broken one, and those behind it: as many lines as it takes. */
export function gateStrip(report: SubjectReport, theme: Theme, columns: number): readonly Spans[] {
  const rows: Span[][] = [];
  let row: Span[] = [];
  let used = columns;
  for (const { id, short } of gates) {
    const status = report.gates[id];
    if (status === 'notApplicable') continue;
    const glyph = statusGlyph(status, theme);
    const width = displayWidth(short) + displayWidth(glyph.text) + 1;
    if (used + width > columns - 1) {
      row = [{ text: '  ' }];
      rows.push(row);
      used = 2;
    }
    const role: Role =
      status === 'fail' || status === 'warn' ? (glyph.role ?? 'plain') : status === 'pass' ? 'plain' : 'dim';
    row.push({ text: short, role }, glyph, { text: ' ' });
    used += width;
  }
  return rows;
}

/** Text in the room that is left, its first line behind `lead`, the others under it. */
export function hanging(lead: Spans, text: string, columns: number, role: Role = 'plain'): readonly Spans[] {
  const indent = widthOf(lead);
  const lines = wrap(text, Math.max(16, columns - indent - 1));
  return lines.map(
    (line, at): Spans => [...(at === 0 ? lead : [{ text: ' '.repeat(indent) }]), { text: line, role }],
  );
}

export const heading = (text: string, note = ''): Spans => [
  { text: ` ${text}`, role: 'title' },
  ...(note === '' ? [] : [{ text: `  ${note}`, role: 'dim' as const }]),
];

/** What it is in one line, where it belongs, what else holds, and whose fault it is. */
export function headLines(
  { examination, theme, columns, now }: ChecklistQuestion,
  report: SubjectReport,
): readonly Spans[] {
  const isWell = report.severity === 'none';
  const glyph: Span = isWell
    ? { text: theme.glyphs.good, role: 'good' }
    : statusGlyph(report.severity === 'bad' ? 'fail' : 'warn', theme);
  const since = report.since === undefined || isWell ? '' : `   for ${span(Math.max(0, now - report.since))}`;
  const lead: Spans = [
    { text: '  ' },
    glyph,
    { text: ' ' },
    ...(report.status === '' ? [] : [{ text: `${report.status}   `, role: 'strong' as const }]),
  ];
  const owner = list(examination?.object, 'metadata', 'ownerReferences').find(
    (one) => at(one, 'controller') === true,
  );
  const node = text(examination?.object, 'spec', 'nodeName');
  const around = [
    owner === undefined ? undefined : `${text(owner, 'kind')} ${text(owner, 'name')}`,
    node === '' ? undefined : `node ${node}`,
    report.state === 'healthy' || report.state === 'done'
      ? undefined
      : // A state of a rule pack has one name.
        [...new Set([report.state, report.id])].join(' '),
  ].filter((part) => part !== undefined);
  return [
    ...hanging(lead, `${report.headline}${since}`, columns, isWell ? 'plain' : (glyph.role ?? 'plain')),
    ...(around.length === 0 ? [] : [[{ text: `    ${around.join('   ')}`, role: 'dim' as const }]]),
    ...report.overlays
      .filter(({ severity }) => severity !== 'none')
      .flatMap(({ headline, severity }) =>
        hanging([{ text: '    also ', role: 'dim' }], headline, columns, severity === 'bad' ? 'bad' : 'warn'),
      ),
  ];
}

function becauseOf({ explainedBy }: SubjectReport, columns: number): readonly Spans[] {
  if (explainedBy === undefined) return [];
  const { kind, namespace, name } = explainedBy;
  const place = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
  return hanging([{ text: '    because of ', role: 'dim' }], place, columns);
}

/** The report as lines, each stop on one or more of them: causes with their fixes, the questions, what was not read. */
export function reportLines(question: ChecklistQuestion, report: SubjectReport): readonly ChecklistLine[] {
  const { columns, theme, examination, spinner, now, command, runs = () => '' } = question;
  const lines: ChecklistLine[] = [];
  let stop = 0;
  const add = (spans: readonly Spans[], at?: number): void => {
    for (const each of spans) lines.push(at === undefined ? { spans: each } : { spans: each, stop: at });
  };
  add(becauseOf(report, columns));
  if (report.severity === 'none' && report.causes.length === 0 && report.items.length === 0) {
    const done = examination?.progress === 'asking' ? `${spinner} still asking` : 'Nothing is wrong with it.';
    add([[], [{ text: `  ${done}`, role: examination?.progress === 'asking' ? 'pending' : 'good' }]]);
  }
  if (report.causes.length > 0) add([[], heading(report.causes.length === 1 ? 'Cause' : 'Causes')]);
  for (const [at, cause] of report.causes.entries()) {
    const look = verdictLooks[cause.verdict];
    const lead: Spans = [
      { text: `  ${at + 1} `, role: 'dim' },
      { text: `${look.word} `, role: look.role },
    ];
    add(hanging(lead, cause.text, columns), cause.fixes.length === 0 ? stop : undefined);
    if (cause.fixes.length === 0) stop += 1;
    for (const fix of cause.fixes) {
      add(fixLines(fix, { command: command(fix), runs: runs(fix) }, columns), stop);
      stop += 1;
    }
  }
  const items = report.items.filter(isAsked);
  if (items.length > 0) add([[], heading('Checklist', tally(items))]);
  for (const item of items) {
    if (isOpen(item) && item.evidence.length > 0) {
      add(itemLines(item, theme, columns));
      for (const evidence of item.evidence) {
        add(evidenceLines(evidence, columns, now), stop);
        stop += 1;
      }
    } else {
      add(closedLines(item, theme, columns), stop);
      stop += 1;
    }
  }
  const { partial = [], progress } = examination ?? {};
  if (partial.length > 0) {
    add([[], heading('Not read')]);
    for (const note of partial)
      add(hanging([{ text: `  ${theme.glyphs.unknown} `, role: 'unknown' }], note, columns, 'dim'));
  }
  if (progress === 'asking' && report.items.length > 0)
    add([[{ text: `  ${spinner} still asking`, role: 'pending' }]]);
  return lines;
}

/** `2 fail  1 warn  3 unknown  9 pass`. */
export function tally(items: readonly Item[]): string {
  const count = (status: ItemStatus): number => items.filter((item) => item.status === status).length;
  return (['fail', 'warn', 'unknown', 'pass'] as const)
    .map((status) => [count(status), status] as const)
    .filter(([number]) => number > 0)
    .map(([number, status]) => `${number} ${status}`)
    .join('  ');
}

/** What one may not do stands there all the same, dimmed: somebody else may. */
function fixLines(
  fix: Fix,
  { command, runs }: { readonly command: string; readonly runs: string },
  columns: number,
): readonly Spans[] {
  const told = [riskWords[fix.risk], rightText(fix), runs].filter(
    (part) => part !== undefined && part !== '',
  );
  const isRefused = fix.right?.allowed === 'no';
  const role: Role = isRefused ? 'dim' : riskRoles[fix.risk];
  return [
    ...hanging([{ text: '      ' }], `${fix.title} (${told.join('; ')})`, columns, role),
    ...hanging([{ text: '      $ ', role: 'dim' }], command, columns, isRefused ? 'dim' : 'key'),
    ...(fix.note === undefined ? [] : hanging([{ text: '        ' }], fix.note, columns, 'dim')),
  ];
}

const gateNumber = ({ gate }: Item): number => gates.findIndex(({ id }) => id === gate);

function itemLines(item: Item, theme: Theme, columns: number): readonly Spans[] {
  const why = item.why === undefined ? '' : `  ${whyWords[item.why]}`;
  const lead: Spans = [{ text: '  ' }, statusGlyph(item.status, theme), { text: ' ' }];
  const role: Role = item.status === 'unknown' ? 'plain' : 'strong';
  const told = `${why}  g${gateNumber(item)}`;
  const titled = hanging(lead, item.title, columns, role);
  const last = titled.at(-1) ?? lead;
  return widthOf(last) + displayWidth(told) < columns
    ? [...titled.slice(0, -1), [...last, { text: told, role: 'dim' }]]
    : [...titled, ...hanging([{ text: '    ' }], told.trimStart(), columns, 'dim')];
}

/** A question that passed: what it says in one line. */
function closedLines(item: Item, theme: Theme, columns: number): readonly Spans[] {
  const [first] = item.evidence;
  const why = item.why === undefined ? '' : whyWords[item.why];
  const value = first === undefined ? why : `${first.label} ${first.value}`;
  const lead: Spans = [{ text: '  ' }, statusGlyph(item.status, theme), { text: ` ${item.title}  ` }];
  if (value === '') return [lead];
  const indent = widthOf(lead);
  // What passed is worth one line, not a paragraph.
  const [line = ''] = wrap(value, Math.max(16, columns - indent - 2));
  return [
    [...lead, { text: line.length < value.length ? `${line}${theme.glyphs.ellipsis}` : line, role: 'dim' }],
  ];
}

function evidenceLines(
  { label, value, path, ref, at }: Evidence,
  columns: number,
  now: number,
): readonly Spans[] {
  const age = at === undefined || at > now ? '' : `  ${ageText(at, now)} ago`;
  const where =
    ref === undefined ? '' : `${ref.kind} ${ref.namespace === '' ? '' : `${ref.namespace}/`}${ref.name} `;
  const lines = hanging([{ text: `      ${label}: `, role: 'dim' }], `${value}${age}`, columns);
  return path === undefined && where === ''
    ? lines
    : [...lines, ...hanging([{ text: '        ' }], `${where}${path ?? ''}`, columns, 'dim')];
}
