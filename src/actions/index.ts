import type { Action, ActionContext } from './action.ts';
import { checklistActions } from './checklist.ts';
import { wordOf } from './commands.ts';
import { findingActions } from './findings.ts';
import { groupActions } from './group.ts';
import { inspectActions } from './inspect.ts';
import { logActions } from './logs.ts';
import { moves } from './move.ts';
import { rowActions } from './rows.ts';
import { sorts } from './sort.ts';
import { textActions } from './text.ts';
import { useActions } from './use.ts';
import { views } from './views.ts';
import { writes } from './write/index.ts';
import { menuAction } from './write/menu.ts';

/** Everything a key does. Adding one is its record in a file of this folder. */
export const actions: readonly Action[] = [
  ...views,
  ...moves,
  ...rowActions,
  ...checklistActions,
  ...findingActions,
  ...groupActions,
  ...inspectActions,
  ...logActions,
  ...textActions,
  ...writes,
  menuAction({ actionsFor, perform }),
  ...useActions,
  ...sorts,
];

const byId = new Map(actions.map((action) => [action.id, action]));

export const actionNamed = (id: string): Action | undefined => byId.get(id);

/** The places that a view is, the most particular first. */
export function placesOf(view: { readonly kind: string; readonly table?: string }): readonly string[] {
  if (view.kind === 'table') return [view.table ?? '', 'table', 'everywhere'];
  const isObject = view.kind === 'describe' || view.kind === 'yaml' || view.kind === 'object-events';
  const more = isObject ? ['object', 'page'] : view.kind === 'logs' ? ['page'] : [];
  return [view.kind, ...more, 'text', 'everywhere'];
}

/** What this key does in this view; undefined where it does nothing. */
export function actionFor(
  key: string,
  view: { readonly kind: string; readonly table?: string },
): Action | undefined {
  for (const place of placesOf(view)) {
    const found = actions.find((action) => action.keys.includes(key) && action.places.includes(place));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All that can be done in a view, in the order of the list; a key that something more particular takes is left out. */
export function actionsIn(view: { readonly kind: string; readonly table?: string }): readonly Action[] {
  return actions.filter((action) => action.keys.some((key) => actionFor(key, view) === action));
}

/** All that can be done in a view, by a key, a command or in the menu of the row. */
export function actionsFor(view: { readonly kind: string; readonly table?: string }): readonly Action[] {
  const places = placesOf(view);
  return actions.filter((action) =>
    action.keys.length === 0
      ? action.places.some((place) => places.includes(place))
      : action.keys.some((key) => actionFor(key, view) === action),
  );
}

/** Runs what a key means, or says why it does not. */
export function dispatch(key: string, context: ActionContext): void {
  const action = actionFor(key, context.view);
  if (action === undefined) {
    context.session.setState({
      notice: { text: `"${key}" does nothing here; ? lists the keys`, tone: 'dim', atMs: context.now },
    });
    return;
  }
  perform(action, context);
}

/** Runs an action, or says why it cannot be done. */
export function perform(action: Action, context: ActionContext): void {
  const reason = action.whyNot?.(context);
  if (reason !== undefined) {
    context.session.setState({ notice: { text: reason, tone: 'warn', atMs: context.now } });
    return;
  }
  void action.run(context);
}

/** What leads to an action that has no key: its command, or the menu of the row. */
export const wayWithoutKey = ({ id }: Action): string => {
  const word = wordOf(id);
  return word === undefined ? 'm' : `:${word}`;
};

export interface KeyHelp {
  /** `everywhere`, `tables`, `texts`, or the view that the key is for. */
  readonly view: string;
  /** Apart by spaces: `j down`; of what has none, `:apply`, or `m` for the menu. */
  readonly keys: string;
  readonly title: string;
  /** Off until writing is armed. */
  readonly needsWrite?: true;
}

const placeNames: Readonly<Record<string, string>> = {
  table: 'tables',
  text: 'texts',
  page: 'describe, YAML, events, logs',
  object: 'describe, YAML, events',
  detail: 'containers of a pod',
  checklist: 'checklist',
};

/** Every action with its key, command or menu, for the README. The ten namespace keys are two lines. */
export function keyTable(): readonly KeyHelp[] {
  const shown = actions.filter(({ id }) => !/^namespace-[2-9]$/.test(id) && id !== 'never-kill');
  return shown.map((action) => {
    const { id, keys, title, places, risk } = action;
    const place = places.length > 1 && places.includes('text') ? 'everywhere' : (places[0] ?? 'everywhere');
    const isFavourite = id === 'namespace-1';
    return {
      view: placeNames[place] ?? place,
      keys: isFavourite ? '1 … 9' : keys.join(' ') || wayWithoutKey(action),
      title: isFavourite ? 'favourite namespaces' : title,
      ...(risk === 'read' ? {} : { needsWrite: true as const }),
    };
  });
}
