import { ageText } from '../resources/fields.ts';
import { wordOf } from '../resources/index.ts';
import type { Row, Table } from '../resources/resource.ts';
import { armedText, isArmed, isProduction } from '../state/arming.ts';
import type { Link } from '../state/link.ts';
import { isAge } from '../state/order.ts';
import type { Namespaces, Session, TableView, View } from '../state/session.ts';
import { displayWidth, plainBar, truncateMiddle } from '../ui/text.ts';
import type { Bar, Span, Spans, Theme } from '../ui/theme.ts';
import { whole } from './body-message.ts';

/** Sums over the cluster. Undefined: not known (no right, not listed yet), which is not 0. */
export interface ClusterSums {
  readonly nodes: { readonly ready: number; readonly total: number } | undefined;
  readonly gpus:
    | {
        readonly used: number;
        readonly total: number;
        /** Free on nodes that take no pods, or broken. */
        readonly unusable: number;
        /** Held and doing nothing, as far as was seen: `2 idle`, `2 idle 3m`; absent where nothing was. */
        readonly idle?: { readonly text: string; readonly isProven: boolean };
      }
    | undefined;
  /** GPUs that pods, claims and Jobs wait for. */
  readonly waiting: number | undefined;
  /** Undefined: neither pods nor nodes have been read, so nobody knows. */
  readonly faults: number | undefined;
  /** What is worth a look and no fault. */
  readonly warnings?: number;
}

export interface HeaderFacts {
  readonly session: Session;
  readonly version: string;
  readonly link: Link | undefined;
  readonly lastHeardMs: number | undefined;
  readonly roundTripMs: number | undefined;
  readonly sums: ClusterSums;
  readonly theme: Theme;
  readonly columns: number;
  readonly now: number;
}

const gap: Span = { text: '  ' };

/** Where one is and whether it can be trusted; then what the cluster has. */
export function headerBars(facts: HeaderFacts): readonly Bar[] {
  return [placeBar(facts), sumsBar(facts)];
}

function placeBar(facts: HeaderFacts): Bar {
  const { session, columns } = facts;
  const { connection, context, namespaces } = session;
  const isProd = isProduction(session);
  const left: Span[] = [{ text: ' ' }];
  if (isProd) left.push({ text: ' PROD ', role: 'header.prod' }, { text: ' ' });
  if (session.demo) left.push({ text: 'DEMO', role: 'accent' }, { text: ' ' });
  left.push({ text: context === '' ? 'no context' : context, role: isProd ? 'header.prod' : 'strong' });
  if (columns >= 140 && connection.state === 'connected' && connection.cluster !== context) {
    left.push(gap, { text: connection.cluster, role: 'dim' });
  }
  left.push(gap, { text: `ns:${namespacesText(namespaces)}` });
  left.push(
    gap,
    isArmed(session, facts.now)
      ? { text: ` ARMED ${armedText(session, facts.now)} `, role: 'header.armed' }
      : { text: 'RO', role: 'dim' },
  );
  return { left, right: [...trustSpans(facts), { text: ' ' }] };
}

function trustSpans(facts: HeaderFacts): Spans {
  const { session, columns, version, roundTripMs, link } = facts;
  const spans: Span[] = [];
  if (columns >= 90) {
    const { connection } = session;
    const server = connection.state === 'connected' ? connection.server?.text : undefined;
    if (server !== undefined) spans.push({ text: `k8s ${server}`, role: 'dim' }, gap);
    spans.push({ text: `mltop ${version}`, role: 'dim' }, { text: '   ' });
  }
  spans.push(linkSpan(facts));
  // A round trip is of a connection that stands.
  const isUp = link !== undefined && link.state !== 'reconnecting' && link.state !== 'stale';
  if (columns >= 90 && isUp && roundTripMs !== undefined)
    spans.push(gap, { text: `${Math.max(1, Math.round(roundTripMs))}ms`, role: 'dim' });
  return spans;
}

/** A ping each 5 s, and its way back. */
const silentWorthMs = 7000;

/** `● live`, `◐ stale 14s`, `✗ disconnected 2m (retry 8s)`: the worst of the streams that the screen rests on. */
function linkSpan({ session, link, lastHeardMs, theme, now }: HeaderFacts): Span {
  const { glyphs } = theme;
  if (session.connection.state === 'failed') return { text: `${glyphs.bad} not connected`, role: 'bad' };
  if (session.connection.state === 'connecting' || link === undefined) {
    return { text: `${glyphs.pending} connecting`, role: 'pending' };
  }
  const since = ageText(link.sinceMs, now);
  switch (link.state) {
    case 'listing':
      return { text: `${glyphs.pending} listing ${link.resource} ${whole(link.soFar)}`, role: 'pending' };
    case 'live':
    case 'unsupported': {
      // Without the right to watch, what is shown may be as old as one round of asking.
      if (link.state === 'live' && link.polledEveryMs !== undefined) {
        const every = Math.round(link.polledEveryMs / 1000);
        return { text: `${glyphs.good} ${link.resource} polled every ${every}s`, role: 'warn' };
      }
      // Counted only when it says something: watches are silent where nothing happens, up to the next ping.
      const silentMs = lastHeardMs === undefined ? 0 : now - lastHeardMs;
      return {
        text: `${glyphs.good} live${silentMs >= silentWorthMs ? ` ${Math.floor(silentMs / 1000)}s` : ''}`,
        role: 'good',
      };
    }
    case 'unverified':
      return { text: `${glyphs.stale} unverified ${since}`, role: 'warn' };
    case 'stale':
      return { text: `${glyphs.stale} stale ${since}`, role: 'warn' };
    case 'forbidden':
      return { text: `${glyphs.warn} ${link.resource} forbidden`, role: 'warn' };
    case 'reconnecting': {
      if (link.login === 'refused')
        return { text: `${glyphs.bad} credentials refused (401) ${since}`, role: 'bad' };
      const wait = Math.max(0, Math.ceil((link.retryAtMs - now) / 1000));
      const what = link.login === 'failed' ? 'login failed' : 'disconnected';
      return { text: `${glyphs.bad} ${what} ${since} (retry ${wait}s)`, role: 'bad' };
    }
  }
}

function sumsBar({ sums, theme, columns }: HeaderFacts): Bar {
  const right = [...faultSpans(sums, theme), { text: ' ' }];
  const room = columns - widthOf(right) - 1;
  // The least important goes first, and whole: a number that is cut is another number.
  const forms: readonly SumsForm[] = [
    { bar: columns < 70 ? 0 : columns >= 110 ? 16 : 8, idle: true, waiting: true, unusable: true },
    { bar: 0, idle: true, waiting: true, unusable: true },
    { bar: 0, idle: false, waiting: true, unusable: true },
    { bar: 0, idle: false, waiting: false, unusable: true },
  ];
  const left = forms.map((form) => sumsSpans(sums, theme, form)).find((spans) => widthOf(spans) <= room);
  const least: SumsForm = { bar: 0, idle: false, waiting: false, unusable: false };
  return { left: left ?? sumsSpans(sums, theme, least), right };
}

interface SumsForm {
  /** Cells of the bar; 0 for none. */
  readonly bar: number;
  readonly idle: boolean;
  readonly waiting: boolean;
  readonly unusable: boolean;
}

function sumsSpans({ nodes, gpus, waiting }: ClusterSums, theme: Theme, form: SumsForm): Spans {
  const spans: Span[] = [
    { text: ' ' },
    { text: 'nodes ', role: 'dim' },
    {
      text: nodes === undefined ? '?' : `${nodes.ready}/${nodes.total}`,
      role: nodes !== undefined && nodes.ready < nodes.total ? 'warn' : 'plain',
    },
    { text: '   ' },
    { text: 'GPU ', role: 'dim' },
  ];
  if (gpus === undefined) spans.push({ text: '?' });
  else {
    spans.push({ text: `${whole(gpus.used)}/${whole(gpus.total)}`, role: 'strong' });
    if (form.bar > 0 && gpus.total > 0) {
      const { barLeft, barRight } = theme.glyphs;
      spans.push(
        { text: ` ${barLeft}` },
        { text: plainBar(gpus.used / gpus.total, form.bar, theme.glyphs), role: 'accent' },
        { text: barRight },
      );
    }
    if (form.idle && gpus.idle !== undefined)
      spans.push({ text: ` ${gpus.idle.text}`, role: gpus.idle.isProven ? 'warn' : 'dim' });
    if (form.unusable && gpus.unusable > 0) spans.push({ text: ` ${gpus.unusable} unusable`, role: 'warn' });
  }
  if (form.waiting && waiting !== undefined && waiting > 0)
    spans.push({ text: '   ' }, { text: `${whole(waiting)} wait`, role: 'pending' });
  return spans;
}

function faultSpans({ faults, warnings = 0 }: ClusterSums, { glyphs }: Theme): Spans {
  const spans: Span[] = [];
  if (faults === undefined) spans.push({ text: 'faults ?', role: 'dim' });
  else if (faults === 0) spans.push({ text: `${glyphs.done} no faults`, role: 'good' });
  else
    spans.push({ text: `${glyphs.bad} ${whole(faults)} ${faults === 1 ? 'fault' : 'faults'}`, role: 'bad' });
  if (warnings > 0) spans.push({ text: `  ${glyphs.warn} ${whole(warnings)}`, role: 'warn' });
  return spans;
}

const widthOf = (spans: Spans): number => displayWidth(spans.map(({ text }) => text).join(''));

/** `all`, `train`, `train,serve +3`. */
function namespacesText(namespaces: Namespaces): string {
  if (namespaces === 'all') return 'all';
  const shown = namespaces.slice(0, 2).join(',');
  return namespaces.length > 2 ? `${shown} +${namespaces.length - 2}` : shown;
}

export interface TitleFacts {
  readonly session: Session;
  readonly view: View;
  readonly table: Table<Row>;
  /** Of the header that are shown; with none, the title has to say what must not be missed. */
  readonly headerLines: number;
  readonly home: readonly { readonly name: string; readonly title: string }[];
  readonly titleOf: (table: string) => string;
  readonly shown: number;
  readonly total: number;
  /** No rows came, and none may be known: refused, not asked yet, not connected. */
  readonly isUnknown: boolean;
  /** There are more than are kept. */
  readonly isCapped: boolean;
  readonly faults: number;
  readonly malformed: number;
  /** Undefined: the rows are of all the namespaces that are shown. */
  readonly part: readonly string[] | undefined;
  readonly busy: boolean;
  readonly note: string | undefined;
  /** Where measurements come from, with their age; `''` where nothing is measured. */
  readonly sources: string;
  /** At the right end, of a text. */
  readonly info?: Spans | undefined;
  /** First and last row on the screen, counted from 1. */
  readonly range: readonly [number, number];
  readonly theme: Theme;
  readonly columns: number;
  readonly now: number;
}

/** `[Pods] GPUs Nodes   Pods(all)[12/10,000] faults:7        faults first  1-16`. */
export function titleBar(facts: TitleFacts): Bar {
  const { view, columns } = facts;
  const left: Span[] = [{ text: ' ' }, ...dangerSpans(facts)];
  if (view.kind !== 'table') {
    const info = facts.info === undefined ? [] : [{ text: ' ' }, ...facts.info];
    // What is shown is worth more than how much of it.
    const right = columns - widthOf(left) - widthOf(info) < titleAtLeast ? [] : info;
    left.push(...crumbs(facts, columns - widthOf(left) - widthOf(right)));
    return { left, right };
  }
  if (columns >= 110) left.push(...tabs(facts), { text: '   ' });
  left.push(...crumbs(facts, columns - widthOf(left) - sortAtLeast));
  const room = columns - widthOf(left) - 2;
  const rights = [facts, { ...facts, sources: '' }].map((shown) => sortSpans(shown, view));
  const right =
    rights.find((spans) => widthOf(spans) <= room) ?? sortSpans({ ...facts, sources: '' }, view, false);
  return { left, right: [{ text: ' ' }, ...right, { text: ' ' }] };
}

/** Where there is no header: that this is production, and that keys change things. */
function dangerSpans({ session, headerLines, now }: TitleFacts): Spans {
  if (headerLines > 0) return [];
  return [
    ...(isProduction(session)
      ? ([{ text: ' PROD ', role: 'header.prod' }, { text: ` ${session.context} ` }] as const)
      : []),
    ...(isArmed(session, now) ? ([{ text: ' ARMED ', role: 'header.armed' }, { text: ' ' }] as const) : []),
  ];
}

function tabs({ home, view }: TitleFacts): Spans {
  return home.flatMap(
    ({ name, title }): Spans =>
      view.kind === 'table' && view.table === name
        ? [{ text: `[${title}]`, role: 'tab.active' }, { text: ' ' }]
        : [{ text: `${title} `, role: 'dim' }],
  );
}

const titleAtLeast = 16;

/** What a table's order needs at the right end. */
const sortAtLeast = 16;

/** The way here. Where it is too long the nearest views stay, and of a name that is too long its two ends. */
function crumbs(facts: TitleFacts, room: number): Spans {
  const { ellipsis, crumb } = facts.theme.glyphs;
  const between: Span = { text: ` ${crumb} `, role: 'crumb' };
  const { views } = facts.session;
  const parts = views.map((view, at): Spans => {
    if (view.kind !== 'table') return [{ text: textTitle(view), role: 'title' }];
    return at === views.length - 1
      ? tableTitle(facts, view)
      : [{ text: tableName(facts, view), role: 'crumb' }];
  });
  const from = (at: number): Spans => [
    ...(at === 0 ? [] : [{ text: ellipsis, role: 'crumb' as const }, between]),
    ...parts.slice(at).flatMap((part, index) => (index === 0 ? part : [between, ...part])),
  ];
  for (let at = 0; at < parts.length; at++) if (widthOf(from(at)) <= room) return from(at);
  const [last, ...others] = parts.at(-1) ?? [];
  const before = parts.length > 1 ? from(parts.length - 1).slice(0, 2) : [];
  if (last === undefined || others.length > 0) return from(parts.length - 1);
  return [...before, { ...last, text: truncateMiddle(last.text, room - widthOf(before), ellipsis) }];
}

function textTitle(view: Exclude<View, TableView>): string {
  switch (view.kind) {
    case 'facts':
      return view.title;
    case 'help':
      return 'Help';
    case 'aliases':
      return 'Views';
    case 'logs':
      return `${view.title} ${view.previous ? 'previous ' : ''}logs`;
    case 'checklist':
      return `${view.title} checklist`;
    case 'detail':
      return nameOf(view.of);
    case 'object-events':
      return `${nameOf(view.of)} events`;
    case 'output':
      return view.title;
    default:
      return `${nameOf(view.of)} ${view.kind}`;
  }
}

const nameOf = ({ namespace, name }: { readonly namespace: string; readonly name: string }): string =>
  namespace === '' ? name : `${namespace}/${name}`;

function tableName({ table, session, titleOf }: TitleFacts, view: TableView): string {
  const isShown = view.table === wordOf(table);
  const title = isShown ? table.title : titleOf(view.table);
  const scope = table.namespaced && isShown ? `(${namespacesText(session.namespaces)})` : '';
  const { narrowed } = session;
  const selectors = narrowed?.table === view.table ? [narrowed.labelSelector, narrowed.fieldSelector] : [];
  return [`${title}${scope}`, view.crumb, ...selectors].filter((part) => part !== undefined).join(' ');
}

function tableTitle(facts: TitleFacts, view: TableView): Spans {
  const { shown, total, isUnknown, faults, isCapped, malformed, part, busy, note } = facts;
  const isPart = view.filter !== '' || view.faultsOnly;
  const found = `${whole(shown)}${busy ? '+' : ''}`;
  const all = isUnknown ? '?' : whole(total);
  // Of what a view is about nobody has counted all; faults are counted of all.
  const isWithin = view.within !== undefined;
  const count = isWithin ? (isUnknown ? '?' : found) : `${isPart ? `${found}/` : ''}${all}`;
  const spans: Span[] = [{ text: `${tableName(facts, view)}[${count}]`, role: 'title' }];
  if (view.filter !== '') spans.push({ text: ` /${view.filter}`, role: 'title.filter' });
  if (view.faultsOnly) spans.push({ text: ' faults only', role: 'title.filter' });
  else if (faults > 0 && !isWithin) spans.push({ text: ` faults:${whole(faults)}`, role: 'bad' });
  if (view.marks.size > 0) spans.push({ text: ` marks:${view.marks.size}`, role: 'mark' });
  if (part !== undefined && part.length > 0)
    spans.push({ text: ` only ${namespacesText(part)}`, role: 'warn' });
  if (isCapped) spans.push({ text: ` only the newest ${whole(total)} are kept`, role: 'warn' });
  if (malformed > 0) spans.push({ text: ` ${malformed} unreadable`, role: 'warn' });
  if (note !== undefined) spans.push({ text: ` ${note}`, role: 'warn' });
  return spans;
}

/** Narrower, and the title needs the room. */
const sourcesFrom = 76;

function sortSpans(
  { table, session, busy, range, columns, theme, sources }: TitleFacts,
  view: TableView,
  withRange = columns >= 60,
): Spans {
  const { ascending, descending } = theme.glyphs;
  const spans: Span[] = [];
  if (busy) spans.push({ text: 'working  ', role: 'pending' });
  if (view.sort === undefined)
    spans.push({ text: table.fault === undefined ? '' : 'faults first', role: 'dim' });
  else {
    const isDown = isAge(view.sort.column) ? !view.sort.descending : view.sort.descending;
    spans.push({ text: `${view.sort.column}${isDown ? descending : ascending}`, role: 'table.sort' });
  }
  if (session.wide) spans.push({ text: '  wide', role: 'dim' });
  if (columns >= sourcesFrom && sources !== '') spans.unshift({ text: `${sources}   `, role: 'dim' });
  if (withRange) spans.push({ text: `  ${whole(range[0])}-${whole(range[1])}`, role: 'dim' });
  return spans;
}
