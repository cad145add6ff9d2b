import {
  changeTable,
  goTo,
  openPrompt,
  pop,
  push,
  setFilter,
  shownTable,
  tableView,
  toLast,
  travel,
} from '../state/session.ts';
import { type Action, type ActionContext, say, step } from './action.ts';

/** Esc and q: first the filter goes, then the view. */
function back(context: ActionContext, clearsFilter: boolean): void {
  const { session, view } = context;
  if (clearsFilter && 'filter' in view && view.filter !== '') step(context, setFilter(''));
  else if (session.getState().views.length > 1) step(context, pop);
  else if (!clearsFilter) say(context, 'This is the first view; :q or ctrl-c quits.', 'dim');
}

function history(id: string, key: string, title: string, by: number): Action {
  return {
    id,
    keys: [key],
    title,
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run(context) {
      const before = context.session.getState().place;
      step(context, travel(by));
      if (context.session.getState().place === before)
        say(context, `No ${by < 0 ? 'earlier' : 'later'} view.`, 'dim');
    },
  };
}

function home(id: string, key: string, title: string, by: number): Action {
  return {
    id,
    keys: [key],
    title,
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    ...(by > 0 ? { hint: { order: 2, word: 'view' } } : {}),
    run(context) {
      const names = context.tables.home;
      const at = names.indexOf(shownTable(context.session.getState()).table);
      const next = names[at === -1 ? 0 : (at + by + names.length) % names.length];
      if (next !== undefined) step(context, goTo(tableView(next)));
    },
  };
}

function namespaceKey(digit: number): Action {
  return {
    id: digit === 0 ? 'namespace-all' : `namespace-${digit}`,
    keys: [String(digit)],
    title: digit === 0 ? 'all namespaces' : `favourite namespace ${digit}`,
    group: 'view',
    risk: 'read',
    places: ['table'],
    whyNot: ({ session }) =>
      digit === 0 || session.getState().favourites[digit - 1] !== undefined
        ? undefined
        : `There is no favourite namespace ${digit} yet; :ns NAME makes one.`,
    run(context) {
      const { view, session } = context;
      if (view.kind !== 'table') return;
      const name = session.getState().favourites[digit - 1];
      const scope = digit === 0 || name === undefined ? 'all' : [name];
      step(
        context,
        goTo({ ...view, marks: new Set(), cursor: { key: view.cursor.key, index: 0 }, top: 0 }, scope),
      );
      say(context, scope === 'all' ? 'All namespaces.' : `Namespace ${name}.`, 'dim');
    },
  };
}

export const views: readonly Action[] = [
  {
    id: 'command',
    keys: [':'],
    title: 'command: a view, ns, ctx, q',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    hint: { order: 4, word: 'cmd' },
    run: (context) => step(context, openPrompt('command')),
  },
  {
    id: 'filter',
    keys: ['/'],
    title: 'filter: regex !not -l -f COL:x COL>n',
    group: 'general',
    risk: 'read',
    places: ['table', 'help'],
    hint: { order: 3, word: 'filter' },
    run: (context) => step(context, openPrompt('filter')),
  },
  {
    id: 'clear-filter',
    keys: ['ctrl-u', 'ctrl-q'],
    title: 'clear the filter',
    group: 'general',
    risk: 'read',
    places: ['table'],
    run: (context) => step(context, setFilter('')),
  },
  {
    id: 'help',
    keys: ['?'],
    title: 'keys that work here',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    hint: { order: 0, word: 'help' },
    run({ view, session }) {
      if (view.kind === 'help') return;
      const of = view.kind === 'table' ? view.table : view.kind;
      step({ session }, push({ kind: 'help', of, filter: '', top: 0 }));
    },
  },
  {
    id: 'back',
    keys: ['esc'],
    title: 'clear the filter, then back',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    hint: { order: 9, word: 'back' },
    run: (context) => back(context, true),
  },
  {
    id: 'back-only',
    keys: ['q'],
    title: 'back',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run: (context) => back(context, false),
  },
  {
    id: 'quit',
    keys: ['ctrl-c'],
    title: 'quit (also :q)',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run: ({ session }) => session.setState({ exit: 0 }),
  },
  history('history-back', '[', 'back in history', -1),
  history('history-forward', ']', 'forward in history', 1),
  {
    id: 'last-view',
    keys: ['-'],
    title: 'last view and back',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run: (context) => step(context, toLast),
  },
  home('next-home', 'tab', 'next main view', 1),
  home('previous-home', 'shift-tab', 'previous main view', -1),
  {
    id: 'aliases',
    keys: ['ctrl-a'],
    title: 'all views, their aliases',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run({ view, session }) {
      if (view.kind !== 'aliases') step({ session }, push({ kind: 'aliases', top: 0 }));
    },
  },
  {
    id: 'retry',
    keys: ['ctrl-r'],
    title: 'retry now',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run(context) {
      context.services.retryNow();
      say(context, 'Asking again.', 'dim');
    },
  },
  {
    id: 'never-kill',
    keys: ['ctrl-k'],
    title: 'never bound: nothing is killed without a question',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run: (context) =>
      say(context, 'ctrl-k does nothing here: mltop kills nothing without asking (ctrl-d will).', 'warn'),
  },
  {
    id: 'suspend',
    // ctrl-z shows faults, as in k9s.
    keys: [],
    title: 'suspend: back to the shell until fg',
    group: 'general',
    risk: 'read',
    places: ['everywhere'],
    run(context) {
      const { suspend } = context.services;
      const whyNot = suspend === undefined ? 'There is no shell to go back to.' : suspend();
      if (whyNot !== undefined) say(context, whyNot, 'warn');
    },
  },
  {
    id: 'header',
    keys: ['ctrl-e'],
    title: 'show or hide the header',
    group: 'view',
    risk: 'read',
    places: ['everywhere'],
    run: ({ session }) => session.setState(({ headerShown }) => ({ headerShown: !headerShown })),
  },
  {
    id: 'wide',
    keys: ['ctrl-w'],
    title: 'wide columns',
    group: 'view',
    risk: 'read',
    places: ['table'],
    run: ({ session }) => session.setState(({ wide }) => ({ wide: !wide })),
  },
  {
    id: 'faults-only',
    keys: ['ctrl-z'],
    title: 'faults only',
    group: 'view',
    risk: 'read',
    places: ['table'],
    hint: { order: 6, word: 'faults' },
    suits: ({ fault }) => fault !== undefined,
    whyNot: ({ table }) => (table?.fault === undefined ? 'Nothing in this table can be a fault.' : undefined),
    run(context) {
      const { view } = context;
      if (view.kind === 'table') step(context, changeTable({ faultsOnly: !view.faultsOnly }));
    },
  },
  ...Array.from({ length: 10 }, (_, digit) => namespaceKey(digit)),
];
