import type { Row, Table } from '../resources/resource.ts';
import { type FindingRow, findingsTable, type Grouping, groupColumns, groupings } from '../state/findings.ts';
import { goTo, push, type Transition, tableView } from '../state/session.ts';
import { type Action, step } from './action.ts';

const groupingOf = (table: string): Grouping | undefined =>
  groupings.find((grouping) => findingsTable(grouping) === table);

/** The rows behind a finding; undefined where the row is none. */
export function findingPlace(table: Pick<Table<Row>, 'name'>, row: Row): Transition | undefined {
  const grouping = groupingOf(table.name);
  if (grouping === undefined) return undefined;
  const { of, name, count, subject, warnings } = row as FindingRow;
  if (of === '') return undefined;
  if (of !== 'pods') {
    const column = 'NAME';
    return count === 1
      ? push(tableView(of, { where: { column, equals: subject.name }, crumb: subject.name }))
      : push(tableView(of, { faultsOnly: true, crumb: name }));
  }
  const where = { column: groupColumns[grouping], equals: name };
  if (grouping === 'cause' || grouping === 'onset') return push(tableView('pods', { where, crumb: name }));
  // Of a node or an image those that are well are not what was asked for; what is only odd is no fault, and was counted.
  const unwell = warnings === 0 ? { faultsOnly: true } : { filter: `${groupColumns.cause}:^\\w` };
  return push(tableView('pods', { where, crumb: name, ...unwell }));
}

export const findingActions: readonly Action[] = [
  {
    id: 'group-findings',
    keys: ['b'],
    title: 'group by cause, node, image, onset, owner',
    group: 'view',
    risk: 'read',
    places: groupings.map(findingsTable),
    hint: { order: 3, word: 'group' },
    run(context) {
      const { view } = context;
      const at =
        view.kind === 'table' ? groupings.findIndex((each) => findingsTable(each) === view.table) : 0;
      const next = groupings[(at + 1) % groupings.length] ?? 'cause';
      step(context, goTo(tableView(findingsTable(next))));
    },
  },
];
