import type { Row, Table } from '../resources/resource.ts';
import { isStale, type Link } from '../state/link.ts';
import type { WindowRow } from '../state/window.ts';
import { wrap } from '../ui/text.ts';
import type { Bar } from '../ui/theme.ts';

/** Lines that the strip always has room for, so that the table does not move with the cursor. */
export const stripLines = 2;

/** The right to these rows was taken away after they came: they stay, and get older. */
export const isLost = (table: Table<Row>, link: Link | undefined): boolean =>
  link?.state === 'forbidden' && link.resource === table.name;

interface StripFacts {
  readonly table: Table<Row>;
  readonly here: WindowRow | undefined;
  readonly isFault: boolean;
  readonly link: Link | undefined;
  readonly columns: number;
  /** That the strip has on this terminal: one where it is low. */
  readonly lines: number;
  readonly now: number;
}

/** Why the row under the cursor is what it is, and since when nothing newer is known. */
export function stripBars({ table, here, isFault, link, columns, lines, now }: StripFacts): readonly Bar[] {
  const bars: Bar[] = [];
  // Where there are no rows, their place says it.
  if (
    link !== undefined &&
    here !== undefined &&
    (isStale(link) || isLost(table, link)) &&
    'reason' in link
  ) {
    const since = new Date(link.sinceMs).toTimeString().slice(0, 8);
    const isLogin = link.state === 'reconnecting' && link.login !== undefined;
    bars.push({
      left: [
        { text: ` since ${since} `, role: 'warn' },
        { text: `${isLogin ? '' : 'nothing newer is known: '}${link.reason}`, role: 'dim' },
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
    if (why !== undefined) bars.push(...whyBars(why, isFault, columns, lines - bars.length));
  }
  while (bars.length < stripLines) bars.push({ left: [] });
  return bars;
}

const whyLabel = ' why  ';

/** Over the lines that are left, the last of them cut where it must be. */
function whyBars(why: string, isFault: boolean, columns: number, lines: number): readonly Bar[] {
  const role = isFault ? 'bad' : 'plain';
  const line = (text: string, at: number): Bar => ({
    left: [
      { text: at === 0 ? whyLabel : ' '.repeat(whyLabel.length), role: 'dim' },
      { text, role },
    ],
  });
  if (lines < 2) return [line(why, 0)];
  const [first = '', second] = wrap(why, Math.max(1, columns - whyLabel.length - 1));
  return second === undefined ? [line(first, 0)] : [line(first, 0), line(why.slice(first.length).trim(), 1)];
}
