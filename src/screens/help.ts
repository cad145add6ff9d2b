import type { Action, Tables } from '../actions/action.ts';
import { promptCommands } from '../actions/commands.ts';
import { actionFor, actions, actionsFor, wayWithoutKey } from '../actions/index.ts';
import type { Row, Table } from '../resources/resource.ts';
import { groupings } from '../state/groups.ts';
import type { HelpView, View } from '../state/session.ts';
import type { Hint } from '../ui/Frame.tsx';
import { type HelpGroup, helpLines } from '../ui/help.ts';
import type { PagerLine } from '../ui/pager.ts';

const groupTitles: Readonly<Record<Action['group'], string>> = {
  general: 'GENERAL',
  move: 'MOVE',
  row: 'ROW',
  view: 'VIEW',
  sort: 'SORT',
};

const readable: Readonly<Record<string, string>> = {
  up: '↑',
  down: '↓',
  left: '←',
  right: '→',
  pageup: 'pgup',
  pagedown: 'pgdn',
};

const keyText = (key: string): string =>
  readable[key] ?? (/^[A-Z]$/.test(key) ? `shift-${key.toLowerCase()}` : key);

const textKinds = new Set([
  'text',
  'facts',
  'aliases',
  'describe',
  'yaml',
  'object-events',
  'detail',
  'logs',
  'checklist',
]);

/**
 * All that works in a view, from the lists of actions and commands; what was typed after `/` narrows it. What changes the
 * cluster stands apart, and dim until writing is armed.
 */
function helpGroups({ of, filter }: HelpView, isArmed: boolean): readonly HelpGroup[] {
  const view = textKinds.has(of) ? { kind: of } : { kind: 'table', table: of };
  const wanted = filter.toLowerCase();
  const entries = actionsFor(view)
    .filter(({ id }) => !/^namespace-[2-9]$/.test(id) && id !== 'never-kill')
    .map((action) => ({
      group: action.risk === 'read' ? action.group : 'change',
      keys: action.id === 'namespace-1' ? '1 … 9' : keysIn(view, action),
      text: action.id === 'namespace-1' ? 'favourite namespaces' : action.title,
      off: action.risk !== 'read' && !isArmed,
    }));
  const commands = promptCommands.map(({ usage, title }) => ({
    group: 'commands',
    keys: usage,
    text: title,
  }));
  const found = [...entries, ...commands].filter(({ keys, text }) =>
    `${keys} ${text}`.toLowerCase().includes(wanted),
  );
  return Object.entries({
    ...groupTitles,
    change: `CHANGE THE CLUSTER ${isArmed ? '(armed)' : '(press W first)'}`,
    commands: 'COMMANDS',
  })
    .map(([group, title]) => ({ title, entries: found.filter((entry) => entry.group === group) }))
    .filter((group) => group.entries.length > 0);
}

/** The keys that do this here; some are another action's in a view that has one of its own for them. */
const keysIn = (view: Parameters<typeof actionFor>[1], action: Action): string =>
  action.keys.length === 0
    ? wayWithoutKey(action)
    : action.keys
        .filter((key) => actionFor(key, view) === action)
        .map(keyText)
        .join(' ');

export const helpText = (view: HelpView, width: number, isArmed: boolean): readonly PagerLine[] =>
  helpLines(helpGroups(view, isArmed), width);

/** Every view with its short names. */
export function aliasLines(tables: Tables): readonly PagerLine[] {
  return [
    '',
    ...tables.all.map(
      (table): PagerLine => [
        { text: `   ${table.name.padEnd(28)} `, role: 'hint.key' },
        { text: table.aliases.join(' '), role: 'plain' },
      ],
    ),
    '',
    [{ text: '   Type : and one of these.', role: 'dim' }],
  ];
}

const hinted: readonly Action[] = actions
  .filter(({ hint }) => hint !== undefined)
  // Help is last: it is the one that a narrow line keeps.
  .sort((a, b) => (a.hint?.order || 99) - (b.hint?.order || 99));

/** The keys under the table, those that matter most first; those that change something are off until writing is armed. */
export function hintsFor(view: View, table: Table<Row>, isArmed: boolean): readonly Hint[] {
  const id = `${view.kind} ${view.kind === 'table' ? view.table : ''} ${isArmed}`;
  const known = hintsOf.get(id) ?? findHints(view, table, isArmed);
  hintsOf.set(id, known);
  return known;
}

/** By kind of view and table: every frame asks, and the answer lies in a list of constants. */
const hintsOf = new Map<string, readonly Hint[]>();

/** Rows of these are no objects of the cluster: nothing to describe, no logs, no checklist. */
const ownTables: ReadonlySet<string> = new Set([
  'contexts',
  'portforwards',
  'history',
  'audit',
  'fit',
  'gpu-queues',
  ...Object.values(groupings).flat(),
]);

const isOfObjects = ({ id, group, places }: Action, view: View): boolean =>
  view.kind === 'table' &&
  ownTables.has(view.table) &&
  group === 'row' &&
  id !== 'open' &&
  !places.includes(view.table);

function findHints(view: View, table: Table<Row>, isArmed: boolean): readonly Hint[] {
  return hinted
    .filter(
      (action) =>
        !isOfObjects(action, view) &&
        (view.kind !== 'table' || action.suits?.(table) !== false) &&
        action.keys.some((key) => actionFor(key, view) === action),
    )
    .map(({ keys, hint, risk }) => ({
      key: keys[0] ?? '',
      text: hint?.word ?? '',
      ...(risk === 'read' || isArmed ? {} : { off: true }),
    }));
}
