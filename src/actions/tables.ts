import type { ServedKind } from '../kube/discovery.ts';
import { contexts } from '../resources/contexts.ts';
import type { PrinterColumn } from '../resources/customresourcedefinitions.ts';
import { genericResource } from '../resources/generic.ts';
import { findTable, tables } from '../resources/index.ts';
import { anyResource, type Resource, type Row, type Table } from '../resources/resource.ts';
import { auditTrail, commandHistory, portForwards } from '../state/held-tables.ts';
import type { Tables } from './action.ts';

/** Views that Tab goes through, in its order; those that there are. */
const homeNames: readonly string[] = ['pods', 'workloads', 'gpus', 'nodes', 'events', 'findings'];

/** Tables that know what a cluster serves, once somebody has asked it. */
export interface LearningTables extends Tables {
  /** What the cluster serves, in place of what was known before. Kinds that mltop has no file for become tables. */
  readonly learn: (served: readonly ServedKind[]) => void;
  /** The kind of this word whose definition has not been read yet: how it is printed is not known. */
  readonly undefinedKind: (word: string) => Resource | undefined;
  /** How a kind is printed, from its definition; none where it has no definition. */
  readonly define: (kind: Resource, columns: readonly PrinterColumn[]) => void;
}

/** A kind that was learned, with the words that mean it. */
interface Learned {
  readonly served: ServedKind;
  readonly resource: Resource;
  readonly isDefined: boolean;
}

/** Everything that can be opened: the kinds, the tables derived from them, the contexts. A table given here stands in for the kind of its name. */
export function createTables(derived: readonly Table<Row>[]): LearningTables {
  const held = [portForwards, commandHistory, auditTrail] as unknown as readonly Table<Row>[];
  const own: readonly Table<Row>[] = [...derived, contexts as unknown as Table<Row>];
  const kinds = tables.filter((kind) => !own.some(({ name }) => name === kind.name));
  const known = [...own, ...kinds, ...held];
  let all: readonly Table<Row>[] = known;
  let operators: readonly Resource[] = [];
  let learned = new Map<string, Learned>();
  let words = new Map<string, string>();
  let isLearned = false;

  const relist = (): void => {
    all = [...known, ...operators, ...[...learned.values()].map(({ resource }) => resource)];
  };

  /** Of several kinds with one plural, one that the cluster has. */
  function kindNamed(word: string): Resource | undefined {
    const found = findTable(word);
    if (found === undefined || (found.optional === true && isLearned && !operators.includes(found))) {
      const there = operators.find(
        ({ name, kind, aliases }) => name === word || kind.toLowerCase() === word || aliases.includes(word),
      );
      return there ?? learned.get(words.get(word) ?? '')?.resource ?? found;
    }
    return found;
  }

  return {
    get all() {
      return all;
    },
    named(word) {
      const lower = word.toLowerCase();
      const mine = [...own, ...held].find((table) => table.name === lower || table.aliases.includes(lower));
      if (mine !== undefined) return mine;
      const kind = kindNamed(lower);
      return kind?.group === '' ? (own.find(({ name }) => name === kind.name) ?? kind) : kind;
    },
    home: homeNames.filter((name) => known.some((table) => table.name === name)),
    learn(served) {
      const before = learned;
      [learned, words] = [new Map(), new Map()];
      const there = new Set<Resource>();
      for (const [id, versions] of Map.groupBy(served, wholeName)) {
        const kind = versions.find(({ isPreferred }) => isPreferred) ?? versions[0];
        const own = findTable(id);
        if (own?.optional === true) there.add(own);
        if (kind === undefined || own !== undefined || !isTable(kind)) continue;
        const former = before.get(id);
        const isSame = former?.served.version === kind.version && former.served.kind === kind.kind;
        learned.set(id, isSame ? { ...former, served: kind } : newly(kind));
        for (const name of [kind.resource, kind.kind.toLowerCase(), ...kind.shortNames])
          for (const word of [name, `${name}.${kind.group}`, `${name}.${kind.version}.${kind.group}`])
            if (!words.has(word)) words.set(word, id);
      }
      operators = [...there];
      isLearned = true;
      relist();
    },
    undefinedKind(word) {
      const entry = learned.get(words.get(word.toLowerCase()) ?? '');
      return entry === undefined || entry.isDefined || findTable(word.toLowerCase()) !== undefined
        ? undefined
        : entry.resource;
    },
    define(kind, columns) {
      const entry = [...learned].find(([, { resource }]) => resource === kind);
      if (entry === undefined) return;
      const [id, { served, resource }] = entry;
      const printed = columns.length === 0 ? resource : tableOf(served, columns);
      learned.set(id, { served, resource: printed, isDefined: true });
      relist();
    },
  };
}

const wholeName = ({ resource, group }: ServedKind): string =>
  group === '' ? resource : `${resource}.${group}`;

/** Can be listed and watched, and is not what another kind shows: the same events have two names. */
const isTable = ({ verbs, group }: ServedKind): boolean =>
  group !== 'events.k8s.io' && verbs.includes('list') && verbs.includes('watch');

const tableOf = (
  { group, version, kind, resource, isNamespaced, shortNames }: ServedKind,
  columns: readonly PrinterColumn[],
): Resource =>
  anyResource(
    genericResource({
      group,
      kind,
      columns,
      shortNames,
      apiVersion: version,
      plural: resource,
      namespaced: isNamespaced,
    }),
  );

/** Kinds of Kubernetes itself have no definition: their groups have no domain. */
const newly = (served: ServedKind): Learned => ({
  served,
  resource: tableOf(served, []),
  isDefined: !served.group.includes('.'),
});
