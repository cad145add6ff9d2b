import { columnOf } from '../state/order.ts';
import { changeTable, setFilter, sortBy } from '../state/session.ts';
import { type Action, type ActionContext, say, step } from './action.ts';

/** What the filter says while only idle GPUs are shown: a person can read it, change it and save it. */
const idleFilter = 'IDLE>0';

/** k9s's old keys for sorting by use. The most comes first: who uses most is what is asked. */
function sortByUse(id: string, key: string, titles: readonly string[], places: readonly string[]): Action {
  const titleIn = ({ table }: ActionContext): string | undefined =>
    table === undefined ? undefined : titles.find((title) => columnOf(table, title) !== undefined);
  return {
    id,
    keys: [key],
    title: `sort by ${titles[0]?.toLowerCase()}`,
    group: 'sort',
    risk: 'read',
    places,
    whyNot: (context) =>
      titleIn(context) === undefined ? `${context.table?.title} have no ${titles[0]}.` : undefined,
    run(context) {
      const title = titleIn(context);
      if (title !== undefined) step(context, sortBy(title, true));
    },
  };
}

export const useActions: readonly Action[] = [
  {
    id: 'idle-only',
    keys: ['I'],
    title: 'only GPUs that are held and idle',
    group: 'view',
    risk: 'read',
    places: ['pods', 'gpus', 'devices'],
    run(context) {
      const { view } = context;
      if (view.kind !== 'table') return;
      const isOn = view.filter.split(' ').includes(idleFilter);
      const rest = view.filter
        .split(' ')
        .filter((term) => term !== idleFilter && term !== '')
        .join(' ');
      step(context, setFilter(isOn ? rest : `${rest} ${idleFilter}`.trim()));
      step(context, changeTable({ top: 0 }));
      if (!isOn)
        say(
          context,
          'Idle counts what was seen since a node is on the screen; scrolling shows more of them.',
          'dim',
        );
    },
  },
  sortByUse('sort-cpu', 'C', ['CPU'], ['pods']),
  sortByUse('sort-mem', 'M', ['MEM', 'HBM'], ['pods', 'nodes', 'gpus', 'devices']),
  sortByUse('sort-util', 'U', ['UTIL', 'GPU UTIL'], ['pods', 'nodes', 'gpus', 'devices']),
];
