import { expect, test } from 'vitest';
import {
  changeTable,
  createSession,
  goTo,
  markAll,
  openPrompt,
  pop,
  push,
  remember,
  type Session,
  setFilter,
  showNamespaces,
  shownTable,
  shownView,
  sortBy,
  type Transition,
  tableView,
  toggleMark,
  toLast,
  travel,
} from '../../src/state/session.ts';

function after(...transitions: readonly Transition[]): Session {
  const session = createSession({ table: 'pods', namespaces: 'all', nowMs: 0 });
  for (const transition of transitions) session.setState(transition(session.getState()));
  return session.getState();
}

const nodes = goTo(tableView('nodes'));
const trainPods = goTo(tableView('pods'), ['train']);

test('Esc leads back to the view under this one, and stays at the first', () => {
  const drill = push(tableView('pods', { where: { column: 'NODE', equals: 'h100-01' } }));
  expect(shownTable(after(nodes, drill)).where?.equals).toBe('h100-01');
  expect(shownTable(after(nodes, drill, pop)).table).toBe('nodes');
  expect(after(nodes, drill, pop, pop, pop).views).toHaveLength(1);
});

test('the history goes back and forward, and a new step forgets what was ahead', () => {
  expect(shownTable(after(nodes, trainPods, travel(-1))).table).toBe('nodes');
  const back = after(nodes, trainPods, travel(-1), travel(-1), travel(1), travel(1));
  expect(back.namespaces).toEqual(['train']);
  const turned = after(nodes, trainPods, travel(-1), goTo(tableView('events')));
  expect(turned.history.map(({ table }) => table)).toEqual(['pods', 'nodes', 'events']);
  expect(after(travel(-1)).place).toBe(0);
});

test('the last view and back again', () => {
  expect(shownTable(after(nodes, toLast)).table).toBe('pods');
  expect(shownTable(after(nodes, toLast, toLast)).table).toBe('nodes');
});

test('namespaces that were used become favourites, nine at most', () => {
  const many = Array.from({ length: 12 }, (_, at) => `ns-${at}`);
  expect(
    after(showNamespaces(['train']), showNamespaces('all'), showNamespaces(['serve', 'train'])).favourites,
  ).toEqual(['train', 'serve']);
  expect(after(showNamespaces(many)).favourites).toHaveLength(9);
});

test('sorting by a column again turns it round', () => {
  expect(shownTable(after(sortBy('NAME'))).sort).toEqual({ column: 'NAME', descending: false });
  expect(shownTable(after(sortBy('NAME'), sortBy('NAME'))).sort).toEqual({
    column: 'NAME',
    descending: true,
  });
  expect(shownTable(after(sortBy('AGE', true))).sort?.descending).toBe(true);
});

test('marks come and go one by one, and together', () => {
  expect([...shownTable(after(toggleMark('a'), toggleMark('b'), toggleMark('a'))).marks]).toEqual(['b']);
  expect(shownTable(after(toggleMark('a'), markAll(['b', 'c']))).marks.size).toBe(3);
});

test('a filter prompt starts from the filter that stands', () => {
  expect(after(setFilter('crash'), openPrompt('filter')).prompt).toMatchObject({
    former: 'crash',
    line: { text: 'crash', cursor: 5 },
  });
});

test('a step for tables leaves a text alone', () => {
  const facts = push({ kind: 'facts', table: 'pods', key: 'a', title: 'a', top: 0 });
  expect(shownView(after(facts, changeTable({ filter: 'x' })))).toEqual({
    kind: 'facts',
    table: 'pods',
    key: 'a',
    title: 'a',
    top: 0,
  });
});

test('commands are remembered once, the newest first', () => {
  expect(
    after(remember('commands', 'po'), remember('commands', 'no'), remember('commands', 'po')).commands,
  ).toEqual(['po', 'no']);
});
