import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ServerVersion } from '../kube/object.ts';
import type { Tone } from '../resources/resource.ts';
import type { Armed } from './arming.ts';
import type { Dialog } from './dialog.ts';
import type { ChecklistView } from './examination.ts';
import type { SortOrder } from './order.ts';
import type { DetailView, LogView, ObjectView } from './text-views.ts';
import type { Where } from './visible.ts';

export type Namespaces = 'all' | readonly string[];

interface Cursor {
  /** The row it sticks to; undefined until there is one. */
  readonly key: string | undefined;
  /** Where it is, and where it stays when its row goes. */
  readonly index: number;
}

export interface TableView {
  readonly kind: 'table';
  /** The table's name: `pods`. */
  readonly table: string;
  readonly where: Where | undefined;
  /** What stands in the title for `where`: `h100-07`. */
  readonly crumb: string | undefined;
  readonly filter: string;
  /** A filter that says what the view is about, as the crumb does: it holds beside the one that is typed, and Esc leaves it alone. */
  readonly within?: string;
  /** Undefined: faults first, then as the table says. */
  readonly sort: SortOrder | undefined;
  readonly faultsOnly: boolean;
  /** Title of the column picked with Shift-←/→. */
  readonly column: string | undefined;
  readonly cursor: Cursor;
  /** Index of the first row on the screen. */
  readonly top: number;
  /** Columns scrolled out at the left. */
  readonly scroll: number;
  readonly marks: ReadonlySet<string>;
  /** It is about all namespaces whatever was chosen; who leaves it has these again. */
  readonly chosen?: Namespaces;
}

/** The facts of one object, as text. */
interface FactsView {
  readonly kind: 'facts';
  readonly table: string;
  readonly key: string;
  readonly title: string;
  readonly top: number;
}

export interface HelpView {
  readonly kind: 'help';
  /** What the keys are shown for. */
  readonly of: string;
  readonly filter: string;
  readonly top: number;
}

interface AliasesView {
  readonly kind: 'aliases';
  readonly top: number;
}

/** What a command printed. */
export interface OutputView {
  readonly kind: 'output';
  readonly title: string;
  readonly lines: readonly string[];
  readonly top: number;
}

export type View =
  | TableView
  | FactsView
  | HelpView
  | AliasesView
  | OutputView
  | ObjectView
  | DetailView
  | LogView
  | ChecklistView;

/** What the history keeps: enough to be there again. */
export interface Place {
  readonly table: string;
  readonly where: Where | undefined;
  readonly crumb: string | undefined;
  readonly filter: string;
  readonly within: string | undefined;
  readonly namespaces: Namespaces;
}

/** A line that is being typed; `ui/prompt` edits it. */
export interface PromptLine {
  readonly text: string;
  /** Of the caret, in UTF-16 units. */
  readonly cursor: number;
  /** How far back in the history. */
  readonly back: number;
  readonly draft: string;
}

export interface Prompt {
  readonly mode: 'command' | 'filter';
  readonly line: PromptLine;
  /** Which suggestion ↑↓ has picked. */
  readonly picked: number | undefined;
  /** The filter that Esc brings back. */
  readonly former: string;
}

interface Notice {
  readonly text: string;
  readonly tone: Tone;
  readonly atMs: number;
  /** How long it stays, unless something newer is said; default: a few seconds. */
  readonly forMs?: number;
}

interface Narrowed {
  readonly table: string;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

/** Whether there is a cluster to look at. */
export type ConnectionState =
  | { readonly state: 'connecting'; readonly what: string; readonly sinceMs: number }
  | {
      readonly state: 'connected';
      readonly cluster: string;
      readonly user: string;
      readonly url: string;
      readonly server: ServerVersion | undefined;
    }
  /** `what` happened to what, and what the person can do. Undefined `retryAtMs`: not before Ctrl-R. */
  | {
      readonly state: 'failed';
      readonly what: string;
      readonly hint: string;
      readonly retryAtMs: number | undefined;
    };

export interface Session {
  readonly context: string;
  /** What kubectl needs beside the context to mean the same cluster: `--kubeconfig FILE`. */
  readonly kubectlFlags: readonly string[];
  readonly connection: ConnectionState;
  /** The last one is shown. Never empty. */
  readonly views: readonly View[];
  readonly history: readonly Place[];
  /** Index into `history`. */
  readonly place: number;
  /** Where `-` goes. */
  readonly lastPlace: number | undefined;
  readonly namespaces: Namespaces;
  /** Keys 1–9. */
  readonly favourites: readonly string[];
  readonly wide: boolean;
  readonly headerShown: boolean;
  /** Set while changes are allowed; see `arming.ts`. */
  readonly armed: Armed | undefined;
  /** `--write`: the strongest actions of a cluster that people depend on need it. */
  readonly startedWithWrite: boolean;
  /** Why writing can never be armed here; undefined: it can. */
  readonly writeLock: string | undefined;
  /** What is asked, over everything else. */
  readonly dialog: Dialog | undefined;
  readonly demo: boolean;
  /** What the command line asked the server to leave out of a table, for as long as the program runs. */
  readonly narrowed: Narrowed | undefined;
  readonly prompt: Prompt | undefined;
  readonly notice: Notice | undefined;
  /** How to take back what was done last: it comes back after whatever is said meanwhile. */
  readonly undo: Notice | undefined;
  /** Commands run from the prompt, the newest first. */
  readonly commands: readonly string[];
  /** Filters and searches that were entered, the newest first. */
  readonly filters: readonly string[];
  /** Set: the program ends with this exit code. */
  readonly exit: number | undefined;
}

export type SessionStore = StoreApi<Session>;

/** A pure step from one session to the next: what it changes. */
export type Transition = (session: Session) => Partial<Session>;

// What a person can go back to; a day of work stays within it.
const historyAtMost = 100;

/** How long a notice stays. */
const noticeForMs = 6000;

/** How long it stays where it says how to take back what was just done. */
const undoForMs = 60_000;

export interface SessionStart {
  readonly table: string;
  readonly namespaces: Namespaces;
  readonly filter?: string;
  readonly faultsOnly?: boolean;
  readonly wide?: boolean;
  readonly headerShown?: boolean;
  /** False: `--write` was given. Default: true. */
  readonly readonly?: boolean;
  readonly writeLock?: string | undefined;
  readonly demo?: boolean;
  readonly kubectlFlags?: readonly string[];
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly nowMs: number;
}

export function tableView(table: string, more: Partial<TableView> = {}): TableView {
  return {
    kind: 'table',
    table,
    where: undefined,
    crumb: undefined,
    filter: '',
    sort: undefined,
    faultsOnly: false,
    column: undefined,
    cursor: { key: undefined, index: 0 },
    top: 0,
    scroll: 0,
    marks: new Set(),
    ...more,
  };
}

export function createSession(start: SessionStart): SessionStore {
  const view = tableView(start.table, { filter: start.filter ?? '', faultsOnly: start.faultsOnly ?? false });
  return createStore<Session>(() => ({
    context: '',
    kubectlFlags: start.kubectlFlags ?? [],
    connection: { state: 'connecting', what: 'reading kubeconfig', sinceMs: start.nowMs },
    views: [view],
    history: [placeOf(view, start.namespaces)],
    place: 0,
    lastPlace: undefined,
    namespaces: start.namespaces,
    favourites: start.namespaces === 'all' ? [] : start.namespaces.slice(0, 9),
    wide: start.wide ?? false,
    headerShown: start.headerShown ?? true,
    armed: undefined,
    startedWithWrite: start.readonly === false,
    writeLock: start.writeLock,
    dialog: undefined,
    demo: start.demo ?? false,
    narrowed: narrowedBy(start),
    prompt: undefined,
    notice: undefined,
    undo: undefined,
    commands: [],
    filters: [],
    exit: undefined,
  }));
}

function narrowedBy({ table, labelSelector, fieldSelector }: SessionStart): Narrowed | undefined {
  if (labelSelector === undefined && fieldSelector === undefined) return undefined;
  return { table, labelSelector, fieldSelector };
}

const placeOf = (view: TableView, namespaces: Namespaces): Place => ({
  table: view.table,
  where: view.where,
  crumb: view.crumb,
  filter: view.filter,
  within: view.within,
  namespaces,
});

export function shownView(session: Session): View {
  const view = session.views.at(-1);
  if (view === undefined) throw new Error('A session without a view.');
  return view;
}

/** The table under whatever is shown: a pager lies over one. */
export function shownTable(session: Session): TableView {
  for (let at = session.views.length - 1; at >= 0; at--) {
    const view = session.views[at];
    if (view?.kind === 'table') return view;
  }
  throw new Error('A session without a table.');
}

/** What rows of a table have to pass: what the view is about, and what was typed. */
export const wholeFilter = ({ within = '', filter }: TableView): string => `${within} ${filter}`.trim();

/** Changes the shown view. */
export function changeView<V extends View>(kind: V['kind'], change: (view: V) => V): Transition {
  return ({ views }) => {
    const view = views.at(-1);
    if (view === undefined || view.kind !== kind) return {};
    return { views: [...views.slice(0, -1), change(view as V)] };
  };
}

export const changeTable = (change: Partial<TableView>): Transition =>
  changeView<TableView>('table', (view) => ({ ...view, ...change }));

/** Opens a table in place of all views: a step that `[` can undo. */
export function goTo({ chosen: _left, ...view }: TableView, namespaces?: Namespaces): Transition {
  return (session) => {
    const scope = namespaces ?? chosenNamespaces(session);
    return { ...visit(session, placeOf(view, scope)), ...showNamespaces(scope)(session), views: [view] };
  };
}

/** Opens a view over the present one: a step that Esc undoes. */
export const push =
  (view: View): Transition =>
  (session) => ({
    views: [...session.views, view],
    ...(view.kind === 'table' ? visit(session, placeOf(view, session.namespaces)) : {}),
  });

/** What a node holds is of all namespaces: opens a table over the present view that shows them until one leaves it. */
export const pushInAll =
  (view: TableView): Transition =>
  (session) => {
    const { namespaces } = session;
    if (namespaces === 'all') return push(view)(session);
    const opened = push({ ...view, chosen: namespaces })({ ...session, namespaces: 'all' });
    return { ...opened, namespaces: 'all' };
  };

/** Back to the view under this one; nothing at the first. */
export const pop: Transition = ({ views }) => {
  const left = views.at(-1);
  if (left === undefined || views.length < 2) return {};
  const chosen = left.kind === 'table' ? left.chosen : undefined;
  return { views: views.slice(0, -1), ...(chosen === undefined ? {} : { namespaces: chosen }) };
};

/** The namespaces that the person chose, though a view may show all for as long as it is open. */
function chosenNamespaces({ views, namespaces }: Session): Namespaces {
  for (const view of views) if (view.kind === 'table' && view.chosen !== undefined) return view.chosen;
  return namespaces;
}

function visit(session: Session, place: Place): Partial<Session> {
  const kept = session.history.slice(0, session.place + 1);
  const here = kept.at(-1);
  if (here !== undefined && isSamePlace(here, place)) return {};
  const history = [...kept, place].slice(-historyAtMost);
  return {
    history,
    place: history.length - 1,
    lastPlace: history.length > 1 ? history.length - 2 : undefined,
  };
}

const isSamePlace = (a: Place, b: Place): boolean =>
  a.table === b.table &&
  a.filter === b.filter &&
  a.within === b.within &&
  String(a.namespaces) === String(b.namespaces) &&
  a.where?.column === b.where?.column &&
  a.where?.equals === b.where?.equals;

/** To another place of the history: -1 back, +1 forward. Nothing beyond its ends. */
export const travel =
  (steps: number): Transition =>
  (session) =>
    goToPlace(session, session.place + steps);

/** To the place before this one, and with the same key back again. */
export const toLast: Transition = (session) =>
  session.lastPlace === undefined ? {} : goToPlace(session, session.lastPlace);

function goToPlace(session: Session, place: number): Partial<Session> {
  const target = session.history[place];
  if (target === undefined) return {};
  return {
    ...showNamespaces(target.namespaces)(session),
    place,
    lastPlace: session.place,
    views: [
      tableView(target.table, {
        where: target.where,
        crumb: target.crumb,
        filter: target.filter,
        ...(target.within === undefined ? {} : { within: target.within }),
      }),
    ],
  };
}

/** Shows these namespaces; those that were used come first among the keys 1–9. */
export const showNamespaces =
  (namespaces: Namespaces): Transition =>
  (session) => ({
    namespaces,
    favourites:
      namespaces === 'all'
        ? session.favourites
        : [...session.favourites, ...namespaces.filter((name) => !session.favourites.includes(name))].slice(
            0,
            9,
          ),
  });

/** Puts the cursor on a row; the order then stands still for a moment (see `Visible.freeze`). */
export const moveTo = (index: number, key: string | undefined): Transition =>
  changeView<TableView>('table', (view) => ({ ...view, cursor: { index, key } }));

export const toggleMark = (key: string): Transition =>
  changeView<TableView>('table', (view) => {
    const marks = new Set(view.marks);
    if (!marks.delete(key)) marks.add(key);
    return { ...view, marks };
  });

export const markAll = (keys: readonly string[]): Transition =>
  changeView<TableView>('table', (view) => ({ ...view, marks: new Set([...view.marks, ...keys]) }));

/** Sorts by a column; again turns it round. */
export const sortBy = (column: string, firstDescending = false): Transition =>
  changeView<TableView>('table', (view) => ({
    ...view,
    column,
    sort: { column, descending: view.sort?.column === column ? !view.sort.descending : firstDescending },
  }));

export const openPrompt =
  (mode: Prompt['mode'], text = ''): Transition =>
  (session) => {
    const former = mode === 'filter' ? filterOf(shownView(session)) : '';
    const first = text === '' ? former : text;
    const line = { text: first, cursor: first.length, back: 0, draft: first };
    return { prompt: { mode, line, picked: undefined, former }, notice: undefined };
  };

const filterOf = (view: View): string => ('filter' in view ? view.filter : '');

/** Filters the shown view, if it can be filtered. */
export function setFilter(filter: string): Transition {
  return (session) => {
    const view = shownView(session);
    if (!('filter' in view)) return {};
    const changed: View = { ...view, filter, top: 0 };
    return { views: [...session.views.slice(0, -1), changed] };
  };
}

/** Remembers a command that was run, or a filter that was entered. */
export const remember =
  (what: 'commands' | 'filters', text: string): Transition =>
  (session) => ({
    [what]: [text, ...session[what].filter((other) => other !== text)].slice(0, historyAtMost),
  });

export const notify =
  (text: string, tone: Tone, nowMs: number): Transition =>
  () => ({ notice: { text, tone, atMs: nowMs } });

/** What was done, and how to take it back. */
export const notifyUndo = (text: string, nowMs: number): Transition => {
  const notice: Notice = { text, tone: 'good', atMs: nowMs, forMs: undoForMs };
  return () => ({ notice, undo: notice });
};

const endsMs = ({ atMs, forMs = noticeForMs }: Notice): number => atMs + forMs;

/** What is said now: the newest thing, and after it what may still be taken back. */
export const shownNotice = ({ notice, undo }: Session, nowMs: number): Notice | undefined =>
  [notice, undo].find((one) => one !== undefined && nowMs <= endsMs(one));

/** When nothing will be said any more; 0 where nothing is. */
export const noticesEndMs = ({ notice, undo }: Session): number =>
  Math.max(0, ...[notice, undo].map((one) => (one === undefined ? 0 : endsMs(one))));
