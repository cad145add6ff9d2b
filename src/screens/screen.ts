import type { ActionContext, Services, Tables } from '../actions/action.ts';
import { commandOf } from '../actions/checklist.ts';
import { whatRuns } from '../actions/fixes.ts';
import { actionFor, dispatch } from '../actions/index.ts';
import type { Resource, Row } from '../resources/resource.ts';
import { isArmed } from '../state/arming.ts';
import type { Cluster } from '../state/cluster.ts';
import type { ChecklistView } from '../state/examination.ts';
import { createInspection, type Inspected, type Inspection } from '../state/inspection.ts';
import { isStale, type Link, worstLink } from '../state/link.ts';
import { createLogStore, type LogStore } from '../state/log-store.ts';
import { isAge } from '../state/order.ts';
import {
  changeTable,
  changeView,
  noticesEndMs,
  notify,
  pop,
  type Session,
  type SessionStore,
  shownTable,
  shownView,
  type TableView,
  type View,
} from '../state/session.ts';
import { isResource, kindsOf } from '../state/source.ts';
import { type TableWindow, tableWindow, type WindowRow } from '../state/window.ts';
import type { Hint, Overlay } from '../ui/Frame.tsx';
import { frameRows } from '../ui/frame.ts';
import { type Key, keyName } from '../ui/keys.ts';
import type { Message } from '../ui/message.ts';
import { type PagerLine, pagerStart, pagerView } from '../ui/pager.ts';
import { promptSpans } from '../ui/prompt.ts';
import type { Bar, Span, Spans, Theme } from '../ui/theme.ts';
import { bodyMessage, partOf, tableLink, whole } from './body-message.ts';
import { bottomLine } from './bottom-line.ts';
import { checklistBody } from './checklist.ts';
import { containerNames, type DetailModel, detailModel } from './detail.ts';
import { createDialogDesk } from './dialogs.ts';
import { factLines } from './facts.ts';
import { type ClusterSums, type HeaderFacts, headerBars, titleBar } from './header.ts';
import { aliasLines, helpText, hintsFor } from './help.ts';
import { createPromptDesk } from './prompt.ts';
import { createShownTables, type Shown } from './shown.ts';
import { isLost, stripBars, stripLines } from './strip.ts';
import { createTableBody } from './table-body.ts';
import { createTextDesk, type DeskFrame } from './text-desk.ts';

/** Data is painted at most this often; keys at once. */
const dataFrameEveryMs = 100;

/** Frames of data take this share of the time at most, and become rarer for it, down to four a second. */
const dataFrameShare = 0.06;
const dataFrameAtLeastEveryMs = 250;

/** Ages are text that changes by itself. */
const tickEveryMs = 1000;

/** Ages of a cluster in which nothing has changed for a while: their seconds are not worth a slow link's bytes. */
const quietAfterMs = 10_000;
const quietAgesEveryMs = 10_000;

/** How often the whole is looked at while nothing on the screen counts seconds. */
const calmTickEveryMs = 5000;

/** A spinner that turns faster costs a frame each time. */
const spinEveryMs = 250;

/** Of one frame, for filtering and sorting; the rest of the work waits for the next turn of the loop. */
const settleBudgetMs = 6;

/** For judging faults anew: a slice a second, until all have been judged; then there is a pause. States that time changes are told sooner. */
const judgeBudgetMs = 4;
const judgePauseMs = 30_000;

/** In these states no rows means that there are none. */
const knowing: ReadonlySet<Link['state']> = new Set(['live', 'unsupported', 'unverified', 'stale']);

/** What the header says of these is no number of seconds. */
const settled: ReadonlySet<Link['state']> = new Set(['live', 'unsupported', 'forbidden']);

/** Lines that a table keeps below the sums of its view, or the sums are left out. */
const tableAtLeast = 8;

const spinnerFrames: readonly string[] = ['|', '/', '-', '\\'];

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

/** All that is drawn, as data: what `Frame` takes, and the body as painted lines. */
export interface FrameModel {
  readonly theme: Theme;
  readonly columns: number;
  readonly rows: number;
  readonly header: readonly Bar[];
  readonly title: Bar;
  readonly strip: readonly Bar[];
  readonly prompt: Spans | undefined;
  readonly hints: readonly Hint[];
  readonly overlay: Overlay | undefined;
  readonly body: readonly string[];
  readonly bodyHeight: number;
  /** In place of the body: a pod with its table of containers. */
  readonly detail?: DetailModel | undefined;
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
  const shownTables = createShownTables(cluster, tables, options.heldRows);
  const tableBody = createTableBody();
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
  const inspection = options.inspection ?? createInspection();
  const logs = options.logs ?? createLogStore();
  const dialogs = createDialogDesk(session, options.now);
  const desk = createTextDesk({ session, inspection, logs, now: options.now });
  const listeners = new Set<() => void>();
  let page: DeskFrame | undefined;
  let detail: DetailModel | undefined;
  let { theme } = options;
  let columns = 80;
  let rows = 24;
  let model: FrameModel | undefined;
  let signature: readonly string[] = [];
  let window: TableWindow | undefined;
  let titles: readonly string[] = [];
  let textLines = 0;
  let textHeight = 0;
  let isBusy = false;
  let isQueued = false;
  let dataTimer: NodeJS.Timeout | undefined;
  let spinTimer: NodeJS.Timeout | undefined;
  /** When the next frame of data may be drawn, on the clock of `performance.now`. */
  let dataAgainMs = Number.NEGATIVE_INFINITY;
  let agesAtMs = 0;
  let changedAtMs = 0;
  let composedAtMs = 0;
  let seenVersion = -1;
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
      const last = model?.columns === columns && model.rows === rows ? model : emptyFrame(said);
      // What is typed stays in sight: it may lead out of here.
      const line =
        prompt === undefined
          ? said
          : promptSpans(prompt.line, columns, { label: prompt.mode === 'filter' ? '/' : ':' });
      return { ...last, theme, overlay: undefined, prompt: line };
    }
  }

  function emptyFrame(said: Spans): FrameModel {
    const share = frameRows(rows, { header: 0, strip: 0 });
    return {
      theme,
      columns,
      rows,
      header: [],
      title: { left: [{ text: ' mltop' }], right: [] },
      strip: [],
      prompt: undefined,
      hints: [{ key: 'esc', text: 'back' }],
      overlay: undefined,
      body: share.body > 0 ? [theme.line(said, columns)] : [],
      bodyHeight: share.body,
    };
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
    const tableState = shownTable(state);
    const current = shownTables.show(tableState.table);
    shownTables.fill(now);
    current.visible.ask({ ...tableState, namespaces: state.namespaces }, now);
    if (current.visible.settle(now, settleBudgetMs)) soon();
    // Rows that wait for the order to thaw, or for the next merge, bring no event of their own.
    else if (current.visible.waiting()) onData();
    const link = tableLink(cluster, current.table, state.namespaces);
    const facts = headerFacts(state, link, now);
    const header = state.headerShown ? headerBars(facts) : [];
    const isTable = view.kind === 'table';
    const isPage = desk.draws(view);
    const share = frameRows(rows, { header: header.length, strip: isTable || isPage ? stripLines : 0 });
    page = isPage ? desk.frame(view, theme, columns, share.body) : undefined;
    if (page?.busy === true) soon();
    detail =
      view.kind === 'detail'
        ? detailModel(
            inspection.get(view.of),
            view.cursor,
            columns,
            now,
            (container) => options.containerUse?.(view.of, container, now) ?? '-',
          )
        : undefined;
    const body = isTable
      ? bodyOfTable(view, current, link, share.body, now)
      : view.kind === 'checklist'
        ? bodyOfChecklist(view, share.body, now)
        : (page?.lines ?? bodyOfText(view, current, share.body, now));
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
      info: page?.info ?? placeInText(view),
      range: [first, window === undefined ? 0 : window.top + window.rows.length],
      headerLines,
      theme,
      columns,
      now: options.now(),
    });
  }

  function bodyOfTable(
    view: TableView,
    current: Shown,
    link: Link | undefined,
    height: number,
    now: number,
  ): readonly string[] {
    const { table, visible, source } = current;
    const above = options.summary?.(table.name, theme, columns, now) ?? [];
    const summary =
      above.length > height - tableAtLeast ? [] : above.map((spans) => theme.line(spans, columns));
    const tableHeight = height - summary.length;
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
    options.seen?.(
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
    return [...summary, ...body.lines];
  }

  /** Which lines of a text are shown, where not all of them are. */
  function placeInText(view: View): Spans | undefined {
    if (!('top' in view) || view.kind === 'table' || view.kind === 'checklist' || desk.draws(view))
      return undefined;
    const top = Math.max(0, Math.min(view.top, textLines - textHeight));
    if (textLines <= textHeight) return undefined;
    return [{ text: `${top + 1}-${top + textHeight} of ${textLines} `, role: 'dim' }];
  }

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
    const spinner = spinnerFrames[Math.floor(now / spinEveryMs) % spinnerFrames.length] ?? '';
    const total = visible.total();
    const message = bodyMessage({
      table,
      view,
      cluster,
      connection,
      namespaces,
      total,
      busy: visible.busy(),
      spinner,
      now,
    });
    if (message.role === 'pending') spin();
    return message;
  }

  function bodyOfChecklist(view: ChecklistView, height: number, now: number): readonly string[] {
    const examination = options.services.examination?.(view.subject);
    if (examination === undefined || examination.progress === 'asking') spin();
    const body = checklistBody({
      view,
      examination,
      theme,
      columns,
      height,
      spinner: spinnerFrames[Math.floor(now / spinEveryMs) % spinnerFrames.length] ?? '',
      command: (fix) => commandOf({ session }, fix),
      runs: (fix) => whatRuns(tables, fix),
      now,
    });
    textLines = body.total;
    if (body.top !== view.top || body.cursor !== view.cursor) {
      const place = { top: body.top, cursor: body.cursor };
      session.setState(
        changeView<ChecklistView>('checklist', (shown) => ({ ...shown, ...place }))(session.getState()),
      );
    }
    return body.lines;
  }

  function bodyOfText(
    view: Exclude<View, TableView>,
    current: Shown,
    height: number,
    now: number,
  ): readonly string[] {
    const lines = textOf(view, current, now);
    textLines = lines.length;
    textHeight = height;
    const top = Math.max(0, Math.min(view.top, lines.length - height));
    const shown = pagerView(lines, { ...pagerStart, top }, { width: columns, height });
    return shown.lines.map((spans) => theme.line(spans, columns));
  }

  function textOf(
    view: Exclude<View, TableView>,
    { table, source }: Shown,
    now: number,
  ): readonly PagerLine[] {
    if (view.kind === 'help') return helpText(view, columns, isArmed(session.getState(), now));
    if (view.kind === 'aliases') return aliasLines(tables);
    if (view.kind === 'output') return view.lines;
    if (view.kind !== 'facts')
      return insideLines(view.kind === 'detail' ? inspection.get(view.of) : undefined);
    const row = source.get(view.key);
    if (row !== undefined) return factLines(table, row, columns, now);
    const gone: readonly PagerLine[] = ['', [{ text: ' This object has been deleted.', role: 'ghost' }]];
    const ghost = source.ghost(view.key, now);
    return ghost === undefined ? gone : [...gone, ...factLines(table, ghost.row, columns, now)];
  }

  function stripOf(
    { table, source }: Shown,
    link: Link | undefined,
    lines: number,
    now: number,
  ): readonly Bar[] {
    const here = rowUnderCursor();
    const isFault = here !== undefined && source.isFault(here.key);
    return stripBars({ table, here, isFault, link, columns, lines, now });
  }

  /** What was painted under the cursor, not what came since. */
  function rowUnderCursor(): WindowRow | undefined {
    return window === undefined ? undefined : window.rows[window.index - window.top];
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
          ? { text: `${whole(visible.length())} of ${whole(visible.total())}`, role: 'dim' }
          : { text: problem, role: 'warn' };
    const { line, overlay } = prompts.look(prompt, { theme, columns, room }, note);
    return { prompt: line, overlay };
  }

  function contextOf(): ActionContext {
    const state = session.getState();
    const view = shownView(state);
    const current = shownTables.show(shownTable(state).table);
    const isTable = view.kind === 'table';
    const painted = isTable ? rowUnderCursor() : undefined;
    const row =
      painted === undefined || painted.deletedAtMs !== undefined
        ? undefined
        : (current.source.get(painted.key) ?? painted.row);
    const marked = isTable ? [...view.marks].flatMap((key) => current.source.get(key) ?? []) : [];
    const hasStrip = isTable || desk.draws(view);
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
      columns: titles,
      page: Math.max(1, share.body - (isTable ? 1 : 0)),
      textLines,
      text: desk.hands(view),
      container: detail?.container,
      containers: names.length,
      now: options.now(),
      services: options.services,
    };
  }

  function press(key: Key): void {
    const letter = letterBehindEsc(key);
    if (letter === undefined) pressOne(key);
    else {
      pressOne(escKey);
      pressOne(letter);
    }
    // A burst of keys acts on what each of them left behind, so each looks anew.
    update();
  }

  function pressOne(key: Key): void {
    const { prompt, dialog } = session.getState();
    isBusy = true;
    try {
      if (dialog !== undefined) dialogs.press(dialog, key);
      else if (prompt !== undefined) prompts.press(prompt, key);
      else if (key.name === 'paste') {
        const text = `Paste ignored (${key.text.length} characters); open : or / first.`;
        session.setState(notify(text, 'dim', options.now())(session.getState()));
      } else if (dialogs.isJustClosed() && changesSomething(keyName(key), session.getState())) {
        const text = `"${keyName(key)}" came with the key that closed the dialog: not done; press it again.`;
        session.setState(notify(text, 'warn', options.now())(session.getState()));
      } else dispatch(keyName(key), contextOf());
    } catch (error) {
      session.setState(notify(troubleOf(error), 'bad', options.now())(session.getState()));
      if (dialog === undefined && prompt === undefined) wayOut(keyName(key));
    } finally {
      isBusy = false;
    }
  }

  /** Back and out work also where the view is broken that they lead out of. */
  function wayOut(key: string): void {
    if (key === 'esc' || key === 'q') session.setState(pop(session.getState()));
    if (key === 'ctrl-c') session.setState({ exit: 0 });
  }

  function judge(now: number): void {
    try {
      if (now >= judgeAgainMs && cluster.judge(now, judgeBudgetMs)) judgeAgainMs = now + judgePauseMs;
    } catch (error) {
      judgeAgainMs = now + judgePauseMs;
      session.setState(notify(troubleOf(error), 'bad', now)(session.getState()));
    }
  }

  /** At the end of this turn of the loop: several causes are one frame. */
  function soon(): void {
    if (isQueued) return;
    isQueued = true;
    setImmediate(() => {
      isQueued = false;
      refresh();
    });
  }

  function onData(): void {
    dataTimer ??= setTimeout(
      () => {
        dataTimer = undefined;
        const startedMs = performance.now();
        dataAgainMs = startedMs + dataFrameEveryMs;
        if (options.isBackedUp?.() === true) {
          onData();
          return;
        }
        refresh();
        const pauseMs = (performance.now() - startedMs) / dataFrameShare;
        dataAgainMs = startedMs + Math.min(Math.max(pauseMs, dataFrameEveryMs), dataFrameAtLeastEveryMs);
      },
      Math.max(0, dataAgainMs - performance.now()),
    );
  }

  function spin(): void {
    spinTimer ??= setTimeout(() => {
      spinTimer = undefined;
      refresh();
    }, spinEveryMs);
  }

  const stopCluster = cluster.subscribe(onData);
  const stopInspection = inspection.subscribe(onData);
  const stopLogs = logs.subscribe(onData);
  const stopSession = session.subscribe(() => {
    if (!isBusy) soon();
  });
  /** Nothing happens, and nothing on the screen is measured in seconds. What happens after all is drawn at once. */
  function isCalm(now: number): boolean {
    const state = session.getState();
    return (
      now >= changedAtMs &&
      now - changedAtMs >= quietAfterMs &&
      state.connection.state === 'connected' &&
      shownView(state).kind === 'table' &&
      now > noticesEndMs(state) + tickEveryMs &&
      state.dialog === undefined &&
      state.prompt === undefined &&
      !isArmed(state, now) &&
      // Where there are no rows, their place may say when they are asked for again.
      window !== undefined &&
      window.length > 0 &&
      [...cluster.links()].every((link) => settled.has(link.state))
    );
  }

  const ticker = setInterval(() => {
    const now = options.now();
    judge(now);
    if (now >= composedAtMs && now - composedAtMs < calmTickEveryMs && isCalm(now)) return;
    if (options.isBackedUp?.() !== true) refresh();
  }, tickEveryMs);

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
    press,
    setTheme(next) {
      theme = next;
      soon();
    },
    refresh,
    stop() {
      isStopped = true;
      stopCluster();
      stopInspection();
      stopLogs();
      stopSession();
      clearInterval(ticker);
      clearTimeout(dataTimer);
      clearTimeout(spinTimer);
      shownTables.stop();
    },
  };
}

/** What stands in place of an object that is not there. */
function insideLines(inspected: Inspected | undefined): readonly PagerLine[] {
  const state = inspected?.state;
  if (state?.state === 'failed')
    return ['', [{ text: ` ${state.reason}`, role: 'bad' }], [{ text: ` ${state.hint}`, role: 'dim' }]];
  if (state?.state === 'gone') return ['', [{ text: ' It has been deleted; esc goes back.', role: 'ghost' }]];
  return ['', [{ text: ' Reading it.', role: 'pending' }]];
}

const escKey: Key = { name: 'esc', ctrl: false, shift: false, meta: false, text: '' };

const changesSomething = (key: string, state: Session): boolean =>
  (actionFor(key, shownView(state))?.risk ?? 'read') !== 'read';

/** Keys that are one byte of their own, so that an Esc before them looks like Alt. Alt-Backspace deletes a word. */
const oneByteKeys: ReadonlySet<string> = new Set(['enter', 'tab', 'space']);

/**
 * Esc and a character that come in one piece, as they do over a slow link, are told by no terminal from Alt and the
 * character. Nothing is bound to Alt and a character, so they are two keys.
 */
function letterBehindEsc(key: Key): Key | undefined {
  if (!key.meta) return undefined;
  if (oneByteKeys.has(key.name)) return { ...key, meta: false, text: key.name === 'space' ? ' ' : '' };
  return [...key.name].length === 1 ? { ...key, meta: false, text: key.ctrl ? '' : key.name } : undefined;
}

/** What a frame says, as strings to compare: an equal frame is not drawn again. */
function signatureOf({ theme, overlay, body, detail, ...rest }: FrameModel): readonly string[] {
  const { columns, rows, header, title, strip, prompt, hints } = rest;
  const chrome = [
    columns,
    rows,
    theme.name,
    theme.level,
    header,
    title,
    strip,
    prompt,
    hints,
    overlay?.width,
    detail,
  ];
  return [...body, ...(overlay?.lines ?? []), JSON.stringify(chrome)];
}

const isEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((line, at) => line === b[at]);
