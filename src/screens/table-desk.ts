import type { Row } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import { isStale, type Link } from '../state/link.ts';
import { isAge } from '../state/order.ts';
import { changeTable, type SessionStore, type TableView } from '../state/session.ts';
import { kindsOf } from '../state/source.ts';
import { type TableWindow, tableWindow, type WindowRow } from '../state/window.ts';
import type { Message } from '../ui/message.ts';
import type { Spans, Theme } from '../ui/theme.ts';
import { bodyMessage } from './body-message.ts';
import type { Paper } from './frame-model.ts';
import { type Pace, spinnerAt } from './pace.ts';
import type { Shown } from './shown.ts';
import { isLost } from './strip.ts';
import { createTableBody } from './table-body.ts';

/** Ages of a cluster in which nothing has changed for a while: their seconds are not worth a slow link's bytes. */
const quietAfterMs = 10_000;
const quietAgesEveryMs = 10_000;

/** Lines that a table keeps below the sums of its view, or the sums are left out. */
const tableAtLeast = 8;

export interface TableDeskParts {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  /** Lines above the table of that name: the sums of the GPU view. */
  readonly summary: (table: string, theme: Theme, columns: number, now: number) => readonly Spans[];
  /** Told of the rows on the screen. */
  readonly seen: (table: string, rows: readonly Row[]) => void;
  readonly spin: Pace['spin'];
}

/** Tables, and where the cursor is in them as it was painted last. */
export interface TableDesk {
  readonly lines: (
    view: TableView,
    current: Shown,
    link: Link | undefined,
    paper: Paper,
  ) => readonly string[];
  /** The rows that were painted last. */
  readonly window: () => TableWindow | undefined;
  /** The titles of the columns that were painted last. */
  readonly titles: () => readonly string[];
  /** What was painted under the cursor, not what came since. */
  readonly underCursor: () => WindowRow | undefined;
  /** Nothing has come from the cluster for a while. */
  readonly isQuiet: (now: number) => boolean;
}

export function createTableDesk({ session, cluster, summary, seen, spin }: TableDeskParts): TableDesk {
  const tableBody = createTableBody();
  let window: TableWindow | undefined;
  let titles: readonly string[] = [];
  let agesAtMs = 0;
  let changedAtMs = 0;
  let seenVersion = -1;

  /** The time as the ages of the rows have it. */
  function clockOfAges(now: number): number {
    if (cluster.version() !== seenVersion) {
      seenVersion = cluster.version();
      changedAtMs = now;
    }
    const isQuiet = now - changedAtMs >= quietAfterMs;
    if (!isQuiet || now < agesAtMs || now - agesAtMs >= quietAgesEveryMs) agesAtMs = now;
    return agesAtMs;
  }

  /** Keeps in the session where the cursor's row now is: data moves it, too. */
  function keepPlace({ cursor, top, scroll }: TableView, place: TableWindow, possibleScroll: number): void {
    const index = Math.max(0, place.index);
    const isSame =
      cursor.index === index && cursor.key === place.key && top === place.top && scroll <= possibleScroll;
    if (isSame) return;
    const next = {
      cursor: { index, key: place.key },
      top: place.top,
      scroll: Math.min(scroll, possibleScroll),
    };
    session.setState(changeTable(next)(session.getState()));
  }

  function emptyMessage(view: TableView, { table, visible }: Shown, now: number): Message {
    const { connection, namespaces } = session.getState();
    const message = bodyMessage({
      table,
      view,
      cluster,
      connection,
      namespaces,
      // Rows of other objects are none that a filter hides.
      total: view.within !== undefined && view.filter === '' && !view.faultsOnly ? 0 : visible.total(),
      busy: visible.busy(),
      spinner: spinnerAt(now),
      now,
    });
    if (message.role === 'pending') spin();
    return message;
  }

  return {
    lines(view, current, link, { theme, columns, height, now }) {
      const { table, visible, source } = current;
      const above = summary(table.name, theme, columns, now);
      const sums =
        above.length > height - tableAtLeast ? [] : above.map((spans) => theme.line(spans, columns));
      const tableHeight = height - sums.length;
      const isListing = link === undefined ? kindsOf(table).length > 0 : link.state === 'listing';
      // Who looks at the newest events without having moved wants to go on seeing the newest.
      const order = view.sort ?? table.sort;
      const followsTop = view.cursor.key === undefined && order !== undefined && isAge(order.column);
      const settled = !visible.busy() && !isListing && !followsTop;
      window = tableWindow({
        view,
        visible,
        source,
        height: Math.max(1, tableHeight - 1),
        settled,
        nowMs: now,
      });
      seen(
        table.name,
        window.rows.map(({ row }) => row),
      );
      const state = session.getState();
      const body = tableBody({
        session: state,
        view,
        table,
        visible,
        window,
        theme,
        columns,
        height: tableHeight,
        stale: isStale(link) || isLost(table, link) || state.connection.state !== 'connected',
        message: window.rows.length > 0 ? undefined : emptyMessage(view, current, now),
        now: clockOfAges(now),
      });
      titles = body.titles;
      keepPlace(view, window, body.scroll);
      return [...sums, ...body.lines];
    },
    window: () => window,
    titles: () => titles,
    underCursor: () => (window === undefined ? undefined : window.rows[window.index - window.top]),
    isQuiet: (now) => now >= changedAtMs && now - changedAtMs >= quietAfterMs,
  };
}
