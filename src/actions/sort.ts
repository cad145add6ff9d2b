import { columnOf, isAge } from '../state/order.ts';
import { changeTable, sortBy } from '../state/session.ts';
import { type Action, type ActionContext, say, step } from './action.ts';

/** Columns that answer most with their greatest first: the newest, the most restarts, the most GPUs. */
function startsDescending(context: ActionContext, title: string): boolean {
  const column = context.table === undefined ? undefined : columnOf(context.table, title);
  return isAge(title) || column?.align === 'right';
}

function sortKey(key: string, title: string): Action {
  return {
    id: `sort-${title.toLowerCase()}`,
    keys: [key],
    title: `sort by ${title.toLowerCase()}`,
    group: 'sort',
    risk: 'read',
    places: ['table'],
    whyNot: ({ table }) =>
      table !== undefined && columnOf(table, title) === undefined
        ? `${table.title} have no ${title}.`
        : undefined,
    run: (context) => step(context, sortBy(title, startsDescending(context, title))),
  };
}

function pick(id: string, keys: readonly string[], title: string, by: number): Action {
  return {
    id,
    keys,
    title,
    group: 'sort',
    risk: 'read',
    places: ['table'],
    run(context) {
      const { view, columns } = context;
      if (view.kind !== 'table' || columns.length === 0) return;
      const known = view.column ?? view.sort?.column;
      const at = known === undefined ? (by > 0 ? -1 : columns.length) : columns.indexOf(known);
      step(context, changeTable({ column: columns[(at + by + columns.length) % columns.length] }));
    },
  };
}

export const sorts: readonly Action[] = [
  sortKey('N', 'NAME'),
  sortKey('A', 'AGE'),
  sortKey('S', 'STATUS'),
  sortKey('P', 'NAMESPACE'),
  pick('column-left', ['shift-left', '<'], 'pick column left', -1),
  pick('column-right', ['shift-right', '>'], 'pick column right', 1),
  {
    id: 'sort-picked',
    keys: ['O'],
    title: 'sort by picked column, turn',
    group: 'sort',
    risk: 'read',
    places: ['table'],
    run(context) {
      const { view } = context;
      if (view.kind !== 'table') return;
      const column = view.column ?? view.sort?.column;
      if (column === undefined) say(context, 'Pick a column with shift-← or shift-→ first.', 'warn');
      else step(context, sortBy(column, startsDescending(context, column)));
    },
  },
  {
    id: 'faults-first',
    keys: ['!'],
    title: 'faults first',
    group: 'sort',
    risk: 'read',
    places: ['table'],
    run: (context) => step(context, changeTable({ sort: undefined, column: undefined })),
  },
];
