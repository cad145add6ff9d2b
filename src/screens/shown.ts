import type { Tables } from '../actions/action.ts';
import type { Resource, Row, Table } from '../resources/resource.ts';
import type { Cluster } from '../state/cluster.ts';
import { type HeldSource, heldSource, isDerived, isResource, kindSource, kindsOf } from '../state/source.ts';
import { createVisible, type RowSource, type Visible } from '../state/visible.ts';

/** Derived tables read thousands of rows; nobody reads more than two of their states a second. */
const deriveEveryMs = 500;

/** The table that is shown, with its rows. */
export interface Shown {
  readonly table: Table<Row>;
  readonly source: RowSource<Row>;
  readonly visible: Visible;
}

export interface ShownTables {
  readonly table: (name: string) => Table<Row>;
  /** The shown table of that name; another one before it is let go. */
  readonly show: (name: string) => Shown;
  /** Brings the rows of a table without a stream of its own up to date. */
  readonly fill: (now: number) => void;
  readonly stop: () => void;
}

interface Current extends Shown {
  readonly name: string;
  readonly held: HeldSource<Row> | undefined;
  /** Versions of the kinds that its rows were derived from. */
  from: number;
  atMs: number;
}

export function createShownTables(
  cluster: Cluster,
  tables: Tables,
  heldRows: (table: string) => readonly Row[],
): ShownTables {
  let current: Current | undefined;

  function table(name: string): Table<Row> {
    const found = tables.named(name) ?? tables.all[0];
    if (found === undefined) throw new Error('There is no table.');
    return found;
  }

  return {
    table,
    show(name) {
      const next = table(name);
      if (current?.name === name && current.table === next) return current;
      current?.visible.dispose();
      const held = isResource(next) ? undefined : heldSource(next);
      const source = held ?? kindSource(cluster, next as Resource);
      current = { name, table: next, source, held, visible: createVisible(next, source), from: -1, atMs: 0 };
      return current;
    },
    fill(now) {
      if (current?.held === undefined) return;
      const { table: shown, held } = current;
      if (!isDerived(shown)) {
        held.replace(heldRows(shown.name), now);
        return;
      }
      const version = kindsOf(shown).reduce(
        (sum, kind) => sum + cluster.versionOf(kind),
        shown.epoch?.() ?? 0,
      );
      if (version === current.from || now - current.atMs < deriveEveryMs) return;
      current.from = version;
      current.atMs = now;
      held.replace(shown.derive(cluster, now), now);
    },
    stop() {
      current?.visible.dispose();
      current = undefined;
    },
  };
}
