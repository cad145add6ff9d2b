import type { KubeObject } from '../kube/object.ts';
import { type EventRow, events as eventKind } from '../resources/events.ts';
import { ageText } from '../resources/fields.ts';
import type { Tone } from '../resources/resource.ts';

/** Events of one object that say the same, as one. */
export interface EventGroup {
  readonly type: string;
  readonly reason: string;
  readonly component: string;
  /** The newest wording. */
  readonly message: string;
  readonly count: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
  /** When it was seen, as far as events say: each at its first and its last time. */
  readonly times: readonly number[];
}

/** Numbers, ids and times in a message differ from one event to the next; the rest is what it says. */
const shapeOf = (message: string): string =>
  message.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/gi, '#').replace(/\d+(?:\.\d+)?(?:ms|s|m|h)?/g, '#');

/** By reason and by what the message says; the newest first. Events are told apart by their own uid. */
export function groupEvents(objects: readonly KubeObject[]): readonly EventGroup[] {
  const rows = new Map<string, EventRow>();
  for (const object of objects) {
    const row = eventKind.toRow(object, { server: undefined });
    rows.set(row.uid === '' ? `${row.namespace}/${row.name}` : row.uid, row);
  }
  const groups = new Map<string, EventGroup>();
  for (const row of rows.values()) {
    const id = `${row.type} ${row.reason} ${row.component} ${shapeOf(row.message)}`;
    const known = groups.get(id);
    const isNewer = (row.at ?? 0) >= (known?.last ?? 0);
    groups.set(id, {
      type: row.type,
      reason: row.reason,
      component: row.component,
      message: isNewer || known === undefined ? row.message : known.message,
      count: (known?.count ?? 0) + row.count,
      first: least(known?.first, row.firstAt),
      last: most(known?.last, row.at),
      times: [...(known?.times ?? []), ...[row.firstAt, row.at].filter((at) => at !== undefined)],
    });
  }
  return [...groups.values()].sort((a, b) => (b.last ?? 0) - (a.last ?? 0));
}

const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b);
const most = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b);

export interface EventsText {
  readonly text: string;
  readonly tone: Tone;
}

/** Cells of the timeline; each stands for a part of the hour that a server keeps events. Fewer than its title say little. */
const cellsAtMost = 30;
const timelineTitle = 'THE LAST HOUR';

/** Before the message that stands under its event. */
const messageIndent = 24;
const narrowIndent = 4;
const narrowBelow = 100;

const keptMs = 60 * 60_000;

/** A row of dots, oldest left: where in the last hour it was first and last seen, and in between where it went on. */
function timeline(
  group: EventGroup,
  cells: number,
  now: number,
  marks: readonly [string, string, string],
): string {
  const [seen, between, none] = marks;
  const at = (time: number): number => Math.floor(((time - (now - keptMs)) / keptMs) * cells);
  const first = at(group.first ?? now);
  const last = at(group.last ?? now);
  const seenAt = new Set(group.times.map(at));
  return Array.from({ length: cells }, (_, cell) => {
    if (seenAt.has(cell) || (cell === cells - 1 && seenAt.has(cells))) return seen;
    return group.count > 1 && cell > first && cell < last ? between : none;
  }).join('');
}

/**
 * The events of one object for a pager. No events is not "none": a server forgets them after an hour, and a recorder
 * may have dropped some.
 */
export function eventTexts(
  objects: readonly KubeObject[] | undefined,
  now: number,
  marks: readonly [string, string, string] = ['●', '─', '·'],
  columns = 120,
): readonly (readonly EventsText[])[] {
  if (objects === undefined)
    return [[{ text: 'Events cannot be read here: no right to list them, or not yet.', tone: 'warn' }]];
  const groups = groupEvents(objects);
  if (groups.length === 0) {
    return [
      [{ text: 'No events retained.', tone: 'dim' }],
      [
        {
          text: 'A server keeps them for an hour (--event-ttl); what happened before is not known here.',
          tone: 'dim',
        },
      ],
    ];
  }
  const reasonWidth = Math.max(6, ...groups.map(({ reason }) => reason.length));
  const fromWidth = Math.max(4, ...groups.map(({ component }) => component.length));
  // What is left of the line beside times, count, type, reason and source; a line that wraps is no timeline.
  const room = columns - 1 - 32 - reasonWidth - 2 - 2 - fromWidth;
  const cells = room < timelineTitle.length ? 0 : Math.min(cellsAtMost, room);
  const between = cells === 0 ? '' : `${timelineTitle.padEnd(cells)}  `;
  const indent = ' '.repeat(columns < narrowBelow ? narrowIndent : messageIndent);
  const lines: (readonly EventsText[])[] = [
    [
      {
        text: `${'LAST'.padStart(7)} ${'FIRST'.padStart(7)} ${'COUNT'.padStart(5)}  ${'TYPE'.padEnd(7)}  ${'REASON'.padEnd(reasonWidth)}  ${between}FROM`,
        tone: 'dim',
      },
    ],
  ];
  for (const group of groups) {
    const isBad = group.type !== 'Normal';
    lines.push([
      {
        text: `${ageText(group.last, now).padStart(7)} ${ageText(group.first, now).padStart(7)} ${String(group.count).padStart(5)}  `,
        tone: 'plain',
      },
      { text: group.type.padEnd(7), tone: isBad ? 'warn' : 'dim' },
      { text: `  ${group.reason.padEnd(reasonWidth)}  `, tone: isBad ? 'bad' : 'plain' },
      ...(cells === 0
        ? []
        : ([{ text: `${timeline(group, cells, now, marks)}  `, tone: isBad ? 'warn' : 'dim' }] as const)),
      { text: group.component, tone: 'dim' },
    ]);
    lines.push([{ text: `${indent}${group.message}`, tone: 'plain' }]);
  }
  return lines;
}
