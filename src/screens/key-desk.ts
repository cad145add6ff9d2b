import type { ActionContext } from '../actions/action.ts';
import { actionFor, dispatch } from '../actions/index.ts';
import { notify, pop, type Session, type SessionStore, shownView } from '../state/session.ts';
import { type Key, keyName } from '../ui/keys.ts';
import type { DialogDesk } from './dialogs.ts';
import type { PromptDesk } from './prompt.ts';

export interface KeyDeskParts {
  readonly session: SessionStore;
  readonly dialogs: DialogDesk;
  readonly prompts: PromptDesk;
  /** What actions act on: where the person is, as it was painted last. */
  readonly context: () => ActionContext;
  /** The sentence about an error of mltop's own, which is kept in its file. */
  readonly troubleOf: (error: unknown) => string;
  readonly now: () => number;
}

/** Gives a key to the dialog, the prompt or the action that it is meant for. */
export function createKeyDesk({
  session,
  dialogs,
  prompts,
  context,
  troubleOf,
  now,
}: KeyDeskParts): (key: Key) => void {
  const say = (text: string, tone: 'dim' | 'warn' | 'bad'): void =>
    session.setState(notify(text, tone, now())(session.getState()));

  function pressOne(key: Key): void {
    const { prompt, dialog } = session.getState();
    try {
      if (dialog !== undefined) dialogs.press(dialog, key);
      else if (prompt !== undefined) prompts.press(prompt, key);
      else if (key.name === 'paste')
        say(`Paste ignored (${key.text.length} characters); open : or / first.`, 'dim');
      else if (dialogs.isJustClosed() && changesSomething(keyName(key), session.getState()))
        say(`"${keyName(key)}" came with the key that closed the dialog: not done; press it again.`, 'warn');
      else dispatch(keyName(key), context());
    } catch (error) {
      say(troubleOf(error), 'bad');
      if (dialog === undefined && prompt === undefined) wayOut(keyName(key));
    }
  }

  /** Back and out work also where the view is broken that they lead out of. */
  function wayOut(key: string): void {
    if (key === 'esc' || key === 'q') session.setState(pop(session.getState()));
    if (key === 'ctrl-c') session.setState({ exit: 0 });
  }

  return (key) => {
    const letter = letterBehindEsc(key);
    if (letter === undefined) pressOne(key);
    else {
      pressOne(escKey);
      pressOne(letter);
    }
  };
}

const escKey: Key = { name: 'esc', ctrl: false, shift: false, meta: false, text: '' };

const changesSomething = (key: string, state: Session): boolean =>
  (actionFor(key, shownView(state))?.risk ?? 'read') !== 'read';

/** Keys that are one byte of their own, so that an Esc before them looks like Alt. Alt-Backspace deletes a word. */
const oneByteKeys: ReadonlySet<string> = new Set(['enter', 'tab', 'space']);

/**
 * Esc and a character that come in one piece, as they do over a slow link, are told by no terminal from Alt and the
 * character. Nothing is bound to Alt and a character, so they are two keys.
 */
function letterBehindEsc(key: Key): Key | undefined {
  if (!key.meta) return undefined;
  if (oneByteKeys.has(key.name)) return { ...key, meta: false, text: key.name === 'space' ? ' ' : '' };
  return [...key.name].length === 1 ? { ...key, meta: false, text: key.ctrl ? '' : key.name } : undefined;
}
