import { cellText } from '../resources/columns.ts';
import { ageText } from '../resources/fields.ts';
import type { ContainerSpec, Labels, PodRow, Requests } from '../resources/pod-row.ts';
import type { Resource, Row, Table } from '../resources/resource.ts';
import type { PagerLine } from '../ui/pager.ts';
import { wrap } from '../ui/text.ts';
import type { Role, Spans } from '../ui/theme.ts';

// Of the labels at the left of a fact, where no longer one is among them.
const leastLabel = 18;

type Fact = (label: string, text: string, role?: Role) => readonly PagerLine[];

/** A fact in this many cells: a message that is longer goes on under itself, as facts are there to be read whole. */
const factsOf =
  (width: number, labelWidth: number): Fact =>
  (label, text, role = 'plain') =>
    wrap(text, Math.max(20, width - labelWidth - 4)).map(
      (part, at): Spans => [
        { text: `  ${(at === 0 ? label : '').padEnd(labelWidth)} `, role: 'dim' },
        { text: part, role },
      ],
    );

const heading = (text: string): Spans => [{ text: ` ${text}`, role: 'title' }];

/** What mltop holds of one object, as text: every column, wide ones too, what is wrong, and of a pod its containers. */
export function factLines(table: Table<Row>, row: Row, width: number, now: number): readonly PagerLine[] {
  const fact = factsOf(width, Math.max(leastLabel, ...table.columns.map(({ title }) => title.length)));
  const why = table.why?.(row, now);
  return [
    '',
    heading(`${kindOf(table)} ${row.namespace === '' ? '' : `${row.namespace}/`}${row.name}`),
    ...(why === undefined ? [] : fact('why', why, 'bad')),
    '',
    ...(table.namespaced ? fact('NAMESPACE', row.namespace) : []),
    ...table.columns.flatMap((column) =>
      fact(column.title, cellText(column, row, now) || '-', column.tone?.(row, now)),
    ),
    ...fact('UID', row.uid === '' ? '<none>' : row.uid, 'dim'),
    ...('spec' in row ? podLines(row as PodRow, fact, now) : []),
    ...('labels' in row ? labelLines((row as Row & { readonly labels: Labels }).labels) : []),
  ];
}

/** One object's kind; of a table that is no kind, its title. */
const kindOf = (table: Table<Row>): string => (table as Partial<Resource>).kind ?? table.title;

function podLines(pod: PodRow, fact: Fact, now: number): readonly PagerLine[] {
  const { trouble, spec } = pod;
  const lines: PagerLine[] = ['', heading('Containers')];
  for (const container of spec.containers) lines.push(...containerLines(container, fact));
  if (trouble !== undefined) {
    const exit = trouble.exitCode === undefined ? '' : `, exit ${trouble.exitCode}`;
    lines.push('', heading(`Trouble in ${trouble.container}`));
    lines.push(...fact('state', `${trouble.state} ${trouble.reason}${exit}`.trim(), 'bad'));
    if (trouble.message !== '') lines.push(...fact('message', trouble.message));
    const { last } = trouble;
    if (last !== undefined) {
      const ended = last.finishedAt === undefined ? '' : `, ${ageText(last.finishedAt, now)} ago`;
      lines.push(...fact('run before', `${last.reason} exit ${last.exitCode}${ended}`));
      if (last.message !== '') lines.push(...fact('its message', last.message));
    }
  }
  const { scheduled } = pod;
  if (scheduled !== undefined && scheduled.status !== 'True') {
    lines.push('', heading('Scheduling'), ...fact(scheduled.reason, scheduled.message, 'pending'));
  }
  return lines;
}

function containerLines(
  { name, kind, image, requests, limits }: ContainerSpec,
  fact: Fact,
): readonly PagerLine[] {
  return [
    ...fact(name, image, 'strong'),
    ...fact('', `${kind}   requests ${amountsText(requests)}   limits ${amountsText(limits)}`, 'dim'),
  ];
}

function labelLines(labels: Labels): readonly PagerLine[] {
  const names = Object.keys(labels);
  if (names.length === 0) return [];
  return [
    '',
    heading('Labels'),
    ...names.map((name): PagerLine => [{ text: `  ${name}`, role: 'dim' }, { text: `=${labels[name]}` }]),
  ];
}

const amountsText = (amounts: Requests): string =>
  Object.entries(amounts)
    .map(([name, amount]) => `${name} ${amountText(name, amount)}`)
    .join(', ') || 'none';

/** `cpu` is held in millicores, memory in bytes. */
function amountText(name: string, amount: number): string {
  if (name === 'cpu') return amount % 1000 === 0 ? String(amount / 1000) : `${amount}m`;
  if (!/^(memory|ephemeral-storage|hugepages-)/.test(name)) return String(amount);
  for (const [unit, size] of [
    ['Ti', 1024 ** 4],
    ['Gi', 1024 ** 3],
    ['Mi', 1024 ** 2],
    ['Ki', 1024],
  ] as const) {
    if (amount >= size) return `${Number((amount / size).toFixed(1))}${unit}`;
  }
  return String(amount);
}
