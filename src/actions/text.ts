import { changeView, setFilter } from '../state/session.ts';
import type { LogView, ObjectView } from '../state/text-views.ts';
import { type Action, type ActionContext, say, step, type TextMotion } from './action.ts';

function motion(
  id: string,
  keys: readonly string[],
  title: string,
  to: TextMotion,
  places: readonly string[],
): Action {
  return { id, keys, title, group: 'move', risk: 'read', places, run: ({ text }) => text?.move(to) };
}

function find(id: string, key: string, title: string, direction: 'next' | 'previous'): Action {
  return {
    id,
    keys: [key],
    title,
    group: 'view',
    risk: 'read',
    places: ['page'],
    ...(direction === 'next' ? { hint: { order: 4, word: 'next' } } : {}),
    whyNot: ({ view }) => ('filter' in view && view.filter !== '' ? undefined : 'Search with / first.'),
    run(context) {
      if (context.text?.find(direction) === false) say(context, 'Nothing matches.', 'warn');
    },
  };
}

async function told(context: ActionContext, work: () => Promise<string>): Promise<void> {
  try {
    say(context, await work(), 'good');
  } catch (error) {
    say(context, error instanceof Error ? error.message : String(error), 'bad');
  }
}

/** Keys of every text: describe, YAML, events of an object, logs. */
export const textActions: readonly Action[] = [
  find('next-match', 'n', 'next match', 'next'),
  find('previous-match', 'N', 'match before', 'previous'),
  motion('text-left', ['left', 'h'], 'to the left', 'left', ['page']),
  motion('text-right', ['right', 'l'], 'to the right', 'right', ['page']),
  {
    id: 'clear-search',
    keys: ['ctrl-u'],
    title: 'clear the search',
    group: 'view',
    risk: 'read',
    places: ['page'],
    run: (context) => step(context, setFilter('')),
  },
  {
    id: 'full-screen',
    keys: ['f'],
    title: 'full screen: without the header',
    group: 'view',
    risk: 'read',
    places: ['page', 'detail'],
    run: ({ session }) => session.setState(({ headerShown }) => ({ headerShown: !headerShown })),
  },
  {
    id: 'wrap',
    keys: ['w'],
    title: 'wrap long lines',
    group: 'view',
    risk: 'read',
    places: ['page'],
    hint: { order: 6, word: 'wrap' },
    run(context) {
      const { view } = context;
      if (view.kind === 'logs')
        step(
          context,
          changeView<LogView>('logs', (shown) => ({ ...shown, wrap: !shown.wrap, left: 0 })),
        );
      else if ('place' in view)
        step(
          context,
          changeView<ObjectView>(view.kind, (shown) => ({
            ...shown,
            place: { ...shown.place, wrap: !shown.place.wrap, row: 0, left: 0 },
          })),
        );
    },
  },
  {
    id: 'copy-text',
    keys: ['c'],
    title: 'copy the text',
    group: 'row',
    risk: 'read',
    places: ['page'],
    hint: { order: 7, word: 'copy' },
    run: (context) =>
      told(context, async () => {
        const copied = context.text?.copy() ?? '';
        const all = context.text?.text() ?? '';
        const how = await context.services.copy(copied);
        const lines = copied.split('\n').length - 1;
        return copied.length < all.length
          ? `${lines} lines ${how}: more than a clipboard takes; ctrl-s saves all`
          : `${lines} lines ${how}`;
      }),
  },
  {
    id: 'save-text',
    keys: ['ctrl-s'],
    title: 'save the text to a file',
    group: 'row',
    risk: 'read',
    places: ['page'],
    hint: { order: 8, word: 'save' },
    run: (context) =>
      told(context, async () => {
        const stamp = new Date(context.now).toISOString().replace(/[:.]/g, '-');
        return `Saved ${await context.services.save(`${context.text?.name ?? 'text'}-${stamp}.txt`, context.text?.text() ?? '')}`;
      }),
  },
];
