import { keyOf } from '../state/cluster.ts';
import { changeTable, changeView, moveTo, type View } from '../state/session.ts';
import { type Action, type ActionContext, step, type TextMotion } from './action.ts';

/** How long rows stand still after the cursor moved: Enter must open the row that was looked at. */
const frozenForMs = 1000;

/** Where the cursor or the text goes: from a place, given how many lines there are and how many are shown. */
type Move = (from: number, lines: number, page: number) => number;

function move(id: string, keys: readonly string[], title: string, to: Move): Action {
  return {
    id,
    keys,
    title,
    group: 'move',
    risk: 'read',
    places: ['table', 'text'],
    run(context) {
      const motion = motions[id];
      if (context.view.kind === 'table') moveCursor(context, to);
      else if (context.text !== undefined && motion !== undefined) context.text.move(motion);
      else scrollText(context, to);
    },
  };
}

/** The same, in a text that moves itself. */
const motions: Readonly<Record<string, TextMotion>> = {
  down: 'down',
  up: 'up',
  'page-down': 'pageDown',
  'page-up': 'pageUp',
  top: 'top',
  bottom: 'bottom',
};

function moveCursor(context: ActionContext, to: Move): void {
  const { view, visible, page, now } = context;
  if (view.kind !== 'table' || visible === undefined) return;
  const length = visible.length();
  const index = clamp(to(view.cursor.index, length, page), length);
  const row = visible.at(index);
  visible.freeze(now + frozenForMs);
  step(context, moveTo(index, row === undefined ? undefined : keyOf(row)));
}

/** A text has no cursor: one line is one line of scrolling. */
function scrollText(context: ActionContext, to: Move): void {
  const { view, page, textLines } = context;
  if (view.kind === 'table') return;
  const furthest = Math.max(0, textLines - page);
  // The end of a text is its last page.
  const top = Math.min(clamp(to(view.top, textLines, page), textLines), furthest);
  step(
    context,
    changeView<Exclude<View, { kind: 'table' }>>(view.kind, (shown) => ({ ...shown, top })),
  );
}

function scroll(id: string, keys: readonly string[], title: string, by: number): Action {
  return {
    id,
    keys,
    title,
    group: 'move',
    risk: 'read',
    places: ['table'],
    run(context) {
      const { view, columns } = context;
      if (view.kind !== 'table') return;
      // The last column stays; the layout knows how far it really goes.
      step(context, changeTable({ scroll: Math.max(0, Math.min(view.scroll + by, columns.length)) }));
    },
  };
}

const clamp = (index: number, length: number): number => Math.max(0, Math.min(index, length - 1));

export const moves: readonly Action[] = [
  move('down', ['j', 'down'], 'down', (from) => from + 1),
  move('up', ['k', 'up'], 'up', (from) => from - 1),
  move('page-down', ['ctrl-f', 'pagedown'], 'page down', (from, _, page) => from + page),
  move('page-up', ['ctrl-b', 'pageup'], 'page up', (from, _, page) => from - page),
  move('top', ['g', 'home'], 'top', () => 0),
  move('bottom', ['G', 'end'], 'bottom', (_, lines) => lines - 1),
  scroll('scroll-left', ['left', 'h'], 'columns to the left', -1),
  scroll('scroll-right', ['right'], 'columns to the right', 1),
];
