import { contexts } from '../resources/contexts.ts';
import { findTable, tables } from '../resources/index.ts';
import type { Row, Table } from '../resources/resource.ts';
import type { Tables } from './action.ts';

/** Views that Tab goes through, in its order; those that there are. */
const homeNames: readonly string[] = ['pods', 'gpus', 'nodes', 'events'];

/** Everything that can be opened: the kinds, the tables derived from them, the contexts. */
export function createTables(derived: readonly Table<Row>[]): Tables {
  const own: readonly Table<Row>[] = [...derived, contexts as unknown as Table<Row>];
  const all = [...own, ...tables];
  return {
    all,
    named(word) {
      const lower = word.toLowerCase();
      return own.find((table) => table.name === lower || table.aliases.includes(lower)) ?? findTable(lower);
    },
    home: homeNames.filter((name) => all.some((table) => table.name === name)),
  };
}
