import type { ActionContext, Services, Tables } from '../actions/action.ts';
import type { Resource, Row } from '../resources/resource.ts';
import { isArmed } from '../state/arming.ts';
import type { Cluster } from '../state/cluster.ts';
import { createInspection, type Inspection } from '../state/inspection.ts';
import { type Link, worstLink } from '../state/link.ts';
import { createLogStore, type LogStore } from '../state/log-store.ts';
import {
  noticesEndMs,
  notify,
  type Session,
  type SessionStore,
  shownTable,
  shownView,
  type View,
  wholeFilter,
} from '../state/session.ts';
import { isResource, kindsOf } from '../state/source.ts';
import type { Visible } from '../state/visible.ts';
import type { Overlay } from '../ui/Frame.tsx';
import { frameRows } from '../ui/frame.ts';
import type { Key } from '../ui/keys.ts';
import { promptSpans } from '../ui/prompt.ts';
import type { Bar, Span, Spans, Theme } from '../ui/theme.ts';
import { partOf, tableLink, whole } from './body-message.ts';
import { bottomLine } from './bottom-line.ts';
import { containerNames, type DetailModel, detailModel } from './detail.ts';
import { createDialogDesk } from './dialogs.ts';
import { emptyFrame, type FrameModel, isEqual, type Paper, signatureOf } from './frame-model.ts';
import { type ClusterSums, type HeaderFacts, headerBars, titleBar } from './header.ts';
import { hintsFor } from './help.ts';
import { createKeyDesk } from './key-desk.ts';
import { createPace, tickEveryMs } from './pace.ts';
import { createPromptDesk } from './prompt.ts';
import { createSheetDesk } from './sheet-desk.ts';
import { createShownTables, type Shown } from './shown.ts';
import { stripBars, stripLines } from './strip.ts';
import { createTableDesk } from './table-desk.ts';
import { createTextDesk, type DeskFrame } from './text-desk.ts';

/** How often the whole is looked at while nothing on the screen counts seconds. */
const calmTickEveryMs = 5000;

/** Of one frame, for filtering and sorting; the rest of the work waits for the next turn of the loop. */
const settleBudgetMs = 6;

/** For judging faults anew: a slice a second, until all have been judged; then there is a pause. States that time changes are told sooner. */
const judgeBudgetMs = 4;
const judgePauseMs = 30_000;

/** In these states no rows means that there are none. */
const knowing: ReadonlySet<Link['state']> = new Set(['live', 'unsupported', 'unverified', 'stale']);

/** What the header says of these is no number of seconds. */
const settled: ReadonlySet<Link['state']> = new Set(['live', 'unsupported', 'forbidden']);

export interface ScreenOptions {
  readonly session: SessionStore;
  readonly cluster: Cluster;
  readonly tables: Tables;
  readonly services: Services;
  readonly theme: Theme;
  /** The names that `:theme` takes. */
  readonly themes: readonly string[];
  /** mltop's own. */
  readonly version: string;
  readonly health: () => {
    readonly lastHeardMs: number | undefined;
    readonly roundTripMs: number | undefined;
  };
  /** What the second line of the header says. */
  readonly sums: (now: number) => ClusterSums;
  /** Kinds that the header rests on. */
  readonly always: readonly Resource[];
  /** Rows of tables that no kind and no derivation fills: the contexts. */
  readonly heldRows: (table: string) => readonly Row[];
  /** Lines above the table of that name: the sums of the GPU view. */
  readonly summary?: (table: string, theme: Theme, columns: number, now: number) => readonly Spans[];
  /** Told of the rows on the screen: only what is looked at is measured. */
  readonly seen?: (table: string, rows: readonly Row[]) => void;
  /** What a container uses, in words: processors, then memory. */
  readonly containerUse?: (
    pod: { readonly namespace: string; readonly name: string },
    container: string,
    now: number,
  ) => string;
  /** Where measurements in this table come from, and how old they are; `''` where nothing is measured. */
  readonly sources?: (table: string, now: number) => string;
  /** The object that a view looks into; filled by its feed. */
  readonly inspection?: Inspection;
  /** The lines of the log view; filled by its feed. */
  readonly logs?: LogStore;
  /** The terminal has not taken the last frame yet: data waits. */
  readonly isBackedUp?: () => boolean;
  /** Keeps an error of mltop's own, and gives the sentence for the screen. */
  readonly report?: (where: string, error: unknown) => string;
  readonly now: () => number;
}

/** The screen without the terminal: keys and data in, frames out. React only draws what it gives. */
export interface Screen {
  /** The newest frame in this size; the same object for as long as nothing looks different. */
  readonly frame: (columns: number, rows: number) => FrameModel;
  /** Called when data or time made the frame look different; a key's frame is fetched by who pressed it. */
  readonly onChange: (listener: () => void) => () => void;
  readonly press: (key: Key) => void;
  readonly setTheme: (theme: Theme) => void;
  /** Something outside the stores changed: the contexts are known. */
  readonly refresh: () => void;
  readonly stop: () => void;
}

export function createScreen(options: ScreenOptions): Screen {
  const { session, cluster, tables } = options;
  const inspection = options.inspection ?? createInspection();
  const logs = options.logs ?? createLogStore();
  const shownTables = createShownTables(cluster, tables, options.heldRows);
  const pace = createPace({ draw: refresh, tick, isBackedUp: () => options.isBackedUp?.() === true });
  const dialogs = createDialogDesk(session, options.now);
  const prompts = createPromptDesk({
    session,
    cluster,
    tables,
    table: shownTables.table,
    services: options.services,
    themes: options.themes,
    contexts: () => options.heldRows('contexts'),
    context: contextOf,
    now: options.now,
  });
  const keys = createKeyDesk({ session, dialogs, prompts, context: contextOf, troubleOf, now: options.now });
  const tableDesk = createTableDesk({
    session,
    cluster,
    summary: (...asked) => options.summary?.(...asked) ?? [],
    seen: (...rows) => options.seen?.(...rows),
    spin: pace.spin,
  });
  const sheetDesk = createSheetDesk({
    session,
    tables,
    inspection,
    examination: options.services.examination,
    spin: pace.spin,
  });
  const textDesk = createTextDesk({ session, inspection, logs, now: options.now });
  const listeners = new Set<() => void>();
  let page: DeskFrame | undefined;
  let detail: DetailModel | undefined;
  let { theme } = options;
  let columns = 80;
  let rows = 24;
  let model: FrameModel | undefined;
  let signature: readonly string[] = [];
  let isBusy = false;
  let composedAtMs = 0;
  let judgeAgainMs = 0;
  let isStopped = false;

  /** Looks at everything anew; true where anything looks different. */
  function update(): boolean {
    if (isBusy || isStopped) return false;
    isBusy = true;
    try {
      const next = composeOrKeep(options.now());
      const nextSignature = signatureOf(next);
      if (model !== undefined && isEqual(signature, nextSignature)) return false;
      model = next;
      signature = nextSignature;
      return true;
    } finally {
      isBusy = false;
    }
  }

  function refresh(): void {
    if (update()) for (const listener of listeners) listener();
  }

  /** An error in one view is told of there, and ends nothing: the frame before stays, and the keys go on working. */
  function composeOrKeep(now: number): FrameModel {
    try {
      return compose(now);
    } catch (error) {
      const said: Spans = [{ text: ` ${troubleOf(error)}`, role: 'bad' }];
      const { prompt } = session.getState();
      const last =
        model?.columns === columns && model.rows === rows ? model : emptyFrame(said, theme, columns, rows);
      // What is typed stays in sight: it may lead out of here.
      const line =
        prompt === undefined
          ? said
          : promptSpans(prompt.line, columns, { label: prompt.mode === 'filter' ? '/' : ':' });
      return { ...last, theme, overlay: undefined, prompt: line };
    }
  }

  /** The sentence about an error of mltop's own, which is kept in its file. */
  function troubleOf(error: unknown): string {
    const view = shownView(session.getState());
    const where = view.kind === 'table' ? view.table : view.kind;
    return (
      options.report?.(where, error) ??
      `internal error in ${where}: ${error instanceof Error ? error.message : String(error)}`
    );
  }

  function compose(now: number): FrameModel {
    composedAtMs = now;
    const state = session.getState();
    const view = shownView(state);
    const current = settle(state, now);
    const link = tableLink(cluster, current.table, state.namespaces);
    const facts = headerFacts(state, link, now);
    const header = state.headerShown ? headerBars(facts) : [];
    const isTable = view.kind === 'table';
    const hasStrip = isTable || textDesk.draws(view);
    const share = frameRows(rows, { header: header.length, strip: hasStrip ? stripLines : 0 });
    const body = bodyOf(view, current, link, { theme, columns, height: share.body, now });
    const said = bottomLine(state, facts.link, now);
    const asked = promptOf(state, current, share.body, said);
    // A box over a table that Ink lays out shows both at once.
    const isCovered = detail !== undefined && asked.overlay !== undefined;
    return {
      theme,
      columns,
      rows,
      header,
      title: titleOf(state, view, current, link, share.header),
      strip: isTable ? stripOf(current, link, share.strip, now) : (page?.strip ?? []),
      hints: hintsFor(view, current.table, isArmed(state, now)),
      ...asked,
      body: isCovered ? [] : body,
      bodyHeight: share.body,
      detail: isCovered ? undefined : detail,
    };
  }

  /** The rows on the screen, as long as there are none. */
  let awaited: Shown['visible'] | undefined;
  let greeted: Shown['visible'] | undefined;

  /** The first rows of a table are what a person waits for: they do not wait for the clock of data. */
  function dataCame(): void {
    if (awaited !== undefined && awaited !== greeted && awaited.waiting()) {
      greeted = awaited;
      pace.soon();
    } else pace.data();
  }

  /** The table that is shown, with what has come since, as far as one frame has time for it. */
  function settle(state: Session, now: number): Shown {
    const asked = shownTable(state);
    const current = shownTables.show(asked.table);
    shownTables.fill(now);
    current.visible.ask({ ...asked, filter: wholeFilter(asked), namespaces: state.namespaces }, now);
    if (current.visible.settle(now, settleBudgetMs)) pace.soon();
    // Rows that wait for the order to thaw, or for the next merge, bring no event of their own.
    else if (current.visible.waiting()) pace.data();
    awaited = current.visible.total() === 0 ? current.visible : undefined;
    return current;
  }

  function bodyOf(view: View, current: Shown, link: Link | undefined, paper: Paper): readonly string[] {
    page = textDesk.draws(view) ? textDesk.frame(view, theme, columns, paper.height) : undefined;
    if (page?.busy === true) pace.soon();
    detail =
      view.kind === 'detail'
        ? detailModel(
            inspection.get(view.of),
            view.cursor,
            columns,
            paper.now,
            (container) => options.containerUse?.(view.of, container, paper.now) ?? '-',
          )
        : undefined;
    if (view.kind === 'table') return tableDesk.lines(view, current, link, paper);
    return page?.lines ?? sheetDesk.lines(view, current, paper);
  }

  function headerFacts(state: Session, mine: Link | undefined, now: number): HeaderFacts {
    const others = options.always.flatMap((kind) => tableLink(cluster, kind, state.namespaces) ?? []);
    // Who may not see nodes knows it from the "?" of the sums; the view itself may be perfectly live.
    const relevant = others.filter((link) => link.state !== 'forbidden');
    const link = worstLink(mine === undefined ? relevant : [mine, ...relevant]);
    const sums = options.sums(now);
    return { session: state, version: options.version, link, ...options.health(), sums, theme, columns, now };
  }

  function titleOf(
    state: Session,
    view: View,
    { table, visible }: Shown,
    link: Link | undefined,
    headerLines: number,
  ): Bar {
    const isKnown = kindsOf(table).length === 0 || (link !== undefined && knowing.has(link.state));
    const window = tableDesk.window();
    const first = window === undefined || window.length === 0 ? 0 : window.top + 1;
    return titleBar({
      sources: options.sources?.(table.name, options.now()) ?? '',
      session: state,
      view,
      table,
      home: tables.home.map((name) => ({ name, title: shownTables.table(name).title })),
      titleOf: (name) => shownTables.table(name).title,
      shown: visible.length(),
      total: visible.total(),
      isUnknown: visible.total() === 0 && !isKnown,
      faults: visible.faults(),
      isCapped: isResource(table) && cluster.isCapped(table),
      malformed: isResource(table) ? cluster.malformed(table) : 0,
      part: partOf(cluster, table, state.namespaces),
      busy: visible.busy(),
      note: visible.note(),
      info: page?.info ?? sheetDesk.place(view),
      range: [first, window === undefined ? 0 : window.top + window.rows.length],
      headerLines,
      theme,
      columns,
      now: options.now(),
    });
  }

  function stripOf(
    { table, source }: Shown,
    link: Link | undefined,
    lines: number,
    now: number,
  ): readonly Bar[] {
    const here = tableDesk.underCursor();
    const isFault = here !== undefined && source.isFault(here.key);
    return stripBars({ table, here, isFault, link, columns, lines, now });
  }

  function promptOf(
    state: Session,
    { visible }: Shown,
    room: number,
    said: Spans | undefined,
  ): { readonly prompt: Spans | undefined; readonly overlay: Overlay | undefined } {
    const { prompt, dialog } = state;
    if (dialog !== undefined) return { prompt: said, overlay: dialogs.overlay(dialog, theme, columns, room) };
    if (prompt === undefined) return { prompt: said, overlay: undefined };
    const problem = visible.note();
    const note: Span =
      page !== undefined
        ? page.note
        : problem === undefined
          ? { text: countText(visible, shownTable(state).within !== undefined), role: 'dim' }
          : { text: problem, role: 'warn' };
    const { line, overlay } = prompts.look(prompt, { theme, columns, room }, note);
    return { prompt: line, overlay };
  }

  function contextOf(): ActionContext {
    const state = session.getState();
    const view = shownView(state);
    const current = shownTables.show(shownTable(state).table);
    const isTable = view.kind === 'table';
    const painted = isTable ? tableDesk.underCursor() : undefined;
    const row =
      painted === undefined || painted.deletedAtMs !== undefined
        ? undefined
        : (current.source.get(painted.key) ?? painted.row);
    const marked = isTable ? [...view.marks].flatMap((key) => current.source.get(key) ?? []) : [];
    const hasStrip = isTable || textDesk.draws(view);
    const share = frameRows(rows, { header: state.headerShown ? 2 : 0, strip: hasStrip ? stripLines : 0 });
    const names = view.kind === 'detail' ? containerNames(inspection.get(view.of)?.object) : [];
    return {
      session,
      cluster,
      tables,
      view,
      table: isTable ? current.table : undefined,
      visible: isTable ? current.visible : undefined,
      row,
      rows: marked.length > 0 ? marked : row === undefined ? [] : [row],
      columns: tableDesk.titles(),
      page: Math.max(1, share.body - (isTable ? 1 : 0)),
      textLines: sheetDesk.length(),
      text: textDesk.hands(view),
      container: detail?.container,
      containers: names.length,
      now: options.now(),
      services: options.services,
    };
  }

  function judge(now: number): void {
    try {
      if (now >= judgeAgainMs && cluster.judge(now, judgeBudgetMs)) judgeAgainMs = now + judgePauseMs;
    } catch (error) {
      judgeAgainMs = now + judgePauseMs;
      session.setState(notify(troubleOf(error), 'bad', now)(session.getState()));
    }
  }

  /** Nothing happens, and nothing on the screen is measured in seconds. What happens after all is drawn at once. */
  function isCalm(now: number): boolean {
    const state = session.getState();
    return (
      tableDesk.isQuiet(now) &&
      state.connection.state === 'connected' &&
      shownView(state).kind === 'table' &&
      now > noticesEndMs(state) + tickEveryMs &&
      state.dialog === undefined &&
      state.prompt === undefined &&
      !isArmed(state, now) &&
      // Where there are no rows, their place may say when they are asked for again.
      (tableDesk.window()?.length ?? 0) > 0 &&
      [...cluster.links()].every((link) => settled.has(link.state))
    );
  }

  /** Once a second; false where nothing on the screen can have changed by itself. */
  function tick(): boolean {
    const now = options.now();
    judge(now);
    const isFresh = now >= composedAtMs && now - composedAtMs < calmTickEveryMs;
    return !isFresh || !isCalm(now);
  }

  const unsubscribe = [
    cluster.subscribe(dataCame),
    inspection.subscribe(pace.data),
    logs.subscribe(pace.data),
    session.subscribe(() => {
      if (!isBusy) pace.soon();
    }),
  ];

  return {
    frame(nextColumns, nextRows) {
      const isResized = nextColumns !== columns || nextRows !== rows;
      columns = nextColumns;
      rows = nextRows;
      if (model === undefined || isResized) update();
      if (model === undefined) throw new Error('A screen without a frame.');
      return model;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    press(key) {
      isBusy = true;
      try {
        keys(key);
      } finally {
        isBusy = false;
      }
      // A burst of keys acts on what each of them left behind, so each looks anew.
      update();
    },
    setTheme(next) {
      theme = next;
      pace.soon();
    },
    refresh,
    stop() {
      isStopped = true;
      for (const stop of unsubscribe) stop();
      pace.stop();
      shownTables.stop();
    },
  };
}

/** `3 of 10,000`; of what a view is about, nobody has counted all. */
const countText = (visible: Visible, isWithin: boolean): string =>
  isWithin ? whole(visible.length()) : `${whole(visible.length())} of ${whole(visible.total())}`;
