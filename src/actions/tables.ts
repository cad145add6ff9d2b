import { contexts } from '../resources/contexts.ts';
import { findTable, tables } from '../resources/index.ts';
import type { Row, Table } from '../resources/resource.ts';
import { auditTrail, commandHistory, portForwards } from '../state/held-tables.ts';
import type { Tables } from './action.ts';

/** Views that Tab goes through, in its order; those that there are. */
const homeNames: readonly string[] = ['pods', 'workloads', 'gpus', 'nodes', 'events', 'findings'];

/** Everything that can be opened: the kinds, the tables derived from them, the contexts. A table given here stands in for the kind of its name. */
export function createTables(derived: readonly Table<Row>[]): Tables {
  const held = [portForwards, commandHistory, auditTrail] as unknown as readonly Table<Row>[];
  const own: readonly Table<Row>[] = [...derived, contexts as unknown as Table<Row>];
  const kinds = tables.filter((kind) => !own.some(({ name }) => name === kind.name));
  const all = [...own, ...kinds, ...held];
  return {
    all,
    named(word) {
      const lower = word.toLowerCase();
      const mine = [...own, ...held].find((table) => table.name === lower || table.aliases.includes(lower));
      if (mine !== undefined) return mine;
      const kind = findTable(lower);
      return kind?.group === '' ? (own.find(({ name }) => name === kind.name) ?? kind) : kind;
    },
    home: homeNames.filter((name) => all.some((table) => table.name === name)),
  };
}
