import type { Row, Table } from '../resources/resource.ts';
import { isStale, type Link } from '../state/link.ts';
import type { WindowRow } from '../state/window.ts';
import type { Bar } from '../ui/theme.ts';

/** Lines that the strip always has room for, so that the table does not move with the cursor. */
export const stripLines = 2;

/** The right to these rows was taken away after they came: they stay, and get older. */
export const isLost = (table: Table<Row>, link: Link | undefined): boolean =>
  link?.state === 'forbidden' && link.resource === table.name;

/** Why the row under the cursor is what it is, and since when nothing newer is known. */
export function stripBars(
  table: Table<Row>,
  here: WindowRow | undefined,
  isFault: boolean,
  link: Link | undefined,
  now: number,
): readonly Bar[] {
  const bars: Bar[] = [];
  if (link !== undefined && (isStale(link) || isLost(table, link)) && 'reason' in link) {
    const since = new Date(link.sinceMs).toTimeString().slice(0, 8);
    bars.push({
      left: [
        { text: ` since ${since} `, role: 'warn' },
        { text: `nothing newer is known: ${link.reason}`, role: 'dim' },
      ],
    });
  }
  if (here?.deletedAtMs !== undefined) {
    const ago = Math.max(0, Math.round((now - here.deletedAtMs) / 1000));
    bars.push({
      left: [{ text: ' gone ', role: 'ghost' }, { text: `${here.row.name} was deleted ${ago}s ago` }],
    });
  } else {
    const why = here === undefined ? undefined : table.why?.(here.row, now);
    if (why !== undefined) {
      bars.push({
        left: [
          { text: ' why  ', role: 'dim' },
          { text: why, role: isFault ? 'bad' : 'plain' },
        ],
      });
    }
  }
  while (bars.length < stripLines) bars.push({ left: [] });
  return bars;
}
