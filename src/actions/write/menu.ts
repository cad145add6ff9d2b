import {
  answerOf,
  changeDialog,
  closeDialog,
  type MenuDialog,
  type MenuEntry,
  openDialog,
} from '../../state/dialog.ts';
import { isResource } from '../../state/source.ts';
import { type Action, type ActionContext, say } from '../action.ts';
import { kubectlLine } from '../kubectl.ts';
import { refusalOf } from './rights.ts';
import { noRow } from './write-action.ts';

/** Of the table and its marks, not of the row. */
const aboutTheTable: ReadonlySet<string> = new Set(['menu', 'mark', 'mark-range', 'clear-marks', 'save']);

export interface MenuParts {
  /** All that can be done in this view, what has no key included. */
  readonly actionsFor: (view: ActionContext['view']) => readonly Action[];
  readonly perform: (action: Action, context: ActionContext) => void;
}

function entryOf(action: Action, context: ActionContext, refusal: string | undefined): MenuEntry {
  const why = action.whyNot?.(context) ?? refusal;
  const words = action.kubectl?.(context);
  const line = words === undefined ? '' : kubectlLine({ context: '', kubectlFlags: [] }, words);
  return {
    ...(action.keys[0] === undefined ? {} : { key: action.keys[0] }),
    text: action.title.split(/[:;,(]/)[0]?.trim() ?? action.title,
    note: why ?? line,
    off: why !== undefined,
    danger: action.risk === 'destructive',
  };
}

/** m: what can be done with the row, with its key and its kubectl, or why not. */
export const menuAction = ({ actionsFor, perform }: MenuParts): Action => ({
  id: 'menu',
  keys: ['m'],
  title: 'menu: all that can be done with this row',
  group: 'row',
  risk: 'read',
  places: ['table'],
  hint: { order: 4, word: 'menu' },
  whyNot: noRow,
  async run(context) {
    const { session, now, row, rows, table, services } = context;
    if (row === undefined || table === undefined) return;
    const all = actionsFor(context.view).filter(({ group, id }) => group === 'row' && !aboutTheTable.has(id));
    const refusals = new Map<string, string>();
    const items = (): readonly MenuEntry[] =>
      all.map((action) => entryOf(action, context, refusals.get(action.id)));
    const title =
      rows.length === 1 ? row.name : `${rows.length} marked: ${rows.map(({ name }) => name).join(', ')}`;
    const id = openDialog<MenuDialog>(session, { kind: 'menu', title, items: items(), selected: 0 }, now);
    if (id === undefined) return;
    const read = services.hands?.access()?.read;
    if (read !== undefined && isResource(table)) {
      const ask = async (name: string): Promise<void> => {
        const refusal = await refusalOf(read, name, table, row);
        if (refusal === undefined) return;
        refusals.set(name, refusal);
        changeDialog<MenuDialog>(session, id, () => ({ items: items() }));
      };
      for (const { id: name } of all) void ask(name);
    }
    const answered = await answerOf<MenuDialog>(session, id);
    closeDialog(session, id);
    const picked = typeof answered?.answer === 'number' ? all[answered.answer] : undefined;
    if (picked === undefined) return;
    const refusal = refusals.get(picked.id);
    if (refusal !== undefined) say(context, refusal, 'warn');
    else perform(picked, { ...context, now: services.hands?.clock() ?? now });
  },
});
