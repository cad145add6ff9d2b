import type { Row } from '../resources/resource.ts';
import { groupings, groupPlace } from '../state/groups.ts';
import { changeView, goTo, pop, push, type TableView, type Transition, tableView } from '../state/session.ts';
import { type Action, step } from './action.ts';

/** What a group consists of; undefined where the row is none. */
export function membersOf(row: Row): Transition | undefined {
  const place = groupPlace(row);
  return place === undefined
    ? undefined
    : push(tableView(place.table, { where: place.where, crumb: row.name || '-' }));
}

/** The next grouping of this table; after the last one the table itself. Esc leads there from each. */
export const nextGrouping =
  (table: string): Transition =>
  (session) => {
    const [base, chain] =
      Object.entries(groupings).find(([name, names]) => name === table || names.includes(table)) ?? [];
    if (base === undefined || chain === undefined) return {};
    const next = chain[chain.indexOf(table) + 1];
    if (table === base) return next === undefined ? {} : push(tableView(next))(session);
    if (next !== undefined) return changeView<TableView>('table', () => tableView(next))(session);
    const below = session.views.at(-2);
    return below?.kind === 'table' && below.table === base ? pop(session) : goTo(tableView(base))(session);
  };

export const groupActions: readonly Action[] = [
  {
    id: 'group',
    keys: ['b'],
    title: 'group by model, namespace, workload, state, reason …',
    group: 'view',
    risk: 'read',
    places: Object.entries(groupings).flatMap(([table, names]) => [table, ...names]),
    hint: { order: 7, word: 'group' },
    run(context) {
      const { view } = context;
      if (view.kind === 'table') step(context, nextGrouping(view.table));
    },
  },
];
