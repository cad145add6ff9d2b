import type { Key } from './keys.ts';
import { displayWidth, sliceCells } from './text.ts';
import type { Role, Span, Spans } from './theme.ts';

/** A line of text that is being typed. */
export interface PromptState {
  readonly text: string;
  /** Where the next character goes: an index into `text`, in UTF-16 units, never inside a character. */
  readonly cursor: number;
  /** How far back in the history; 0 is the line being typed. */
  readonly back: number;
  /** The line being typed, kept while the history is shown. */
  readonly draft: string;
}

export const emptyPrompt: PromptState = { text: '', cursor: 0, back: 0, draft: '' };

export interface PromptHelp {
  /** Newest first. */
  readonly history?: readonly string[];
  /** The whole text that Tab, → at the end and Ctrl-F complete to. */
  readonly suggestion?: string | undefined;
}

export interface PromptStep {
  readonly state: PromptState;
  /** What the key asks for beyond editing; `unused` for a key that means nothing in a prompt. */
  readonly event?: 'submit' | 'cancel' | 'unused';
}

/** One key in the prompt; keys as in k9s and readline (ux 3.1). */
export function editPrompt(
  state: PromptState,
  key: Key,
  { history = [], suggestion }: PromptHelp = {},
): PromptStep {
  const { text, cursor } = state;
  const put = (next: string, at: number): PromptStep => ({
    state: { text: next, cursor: at, back: 0, draft: next },
  });
  const move = (at: number): PromptStep => ({ state: { ...state, cursor: at } });
  const completes = suggestion?.startsWith(text) === true && suggestion !== text;
  const accept = (): PromptStep => put(suggestion ?? text, (suggestion ?? text).length);
  if (key.name === 'paste')
    return put(insertAt(text, cursor, oneLine(key.text)), cursor + oneLine(key.text).length);
  if (key.text !== '') return put(insertAt(text, cursor, key.text), cursor + key.text.length);
  switch (`${key.ctrl ? 'ctrl-' : ''}${key.meta ? 'alt-' : ''}${key.name}`) {
    case 'enter':
      return { state, event: 'submit' };
    case 'esc':
    case 'ctrl-c':
    case 'ctrl-g':
      return { state, event: 'cancel' };
    case 'tab':
      return completes ? accept() : { state };
    case 'right':
    case 'ctrl-f':
      return cursor === text.length && completes ? accept() : move(after(text, cursor));
    case 'left':
    case 'ctrl-b':
      return move(before(text, cursor));
    case 'home':
    case 'ctrl-a':
      return move(0);
    case 'end':
    case 'ctrl-e':
      return completes && cursor === text.length ? accept() : move(text.length);
    case 'backspace': {
      if (text === '') return { state, event: 'cancel' };
      const from = before(text, cursor);
      return put(text.slice(0, from) + text.slice(cursor), from);
    }
    case 'delete':
    case 'ctrl-d':
      return put(text.slice(0, cursor) + text.slice(after(text, cursor)), cursor);
    case 'ctrl-u':
      return put(text.slice(cursor), 0);
    case 'ctrl-k':
      return put(text.slice(0, cursor), cursor);
    case 'ctrl-w':
    case 'alt-backspace':
    case 'ctrl-backspace': {
      const from = text.slice(0, cursor).replace(/[^\s]*\s*$/, '').length;
      return put(text.slice(0, from) + text.slice(cursor), from);
    }
    case 'up':
    case 'ctrl-p':
      return recall(state, history, state.back + 1);
    case 'down':
    case 'ctrl-n':
      return recall(state, history, state.back - 1);
    default:
      return { state, event: 'unused' };
  }
}

const insertAt = (text: string, at: number, more: string): string =>
  text.slice(0, at) + more + text.slice(at);

/** A pasted line break must not submit, and a control character must not be typed. */
const oneLine = (text: string): string => text.replace(/[\r\n]+$/, '').replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');

function recall(state: PromptState, history: readonly string[], back: number): PromptStep {
  if (back < 0 || back > history.length) return { state };
  const text = back === 0 ? state.draft : (history[back - 1] ?? '');
  return { state: { text, cursor: text.length, back, draft: state.back === 0 ? state.text : state.draft } };
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function after(text: string, cursor: number): number {
  const { value } = graphemes.segment(text.slice(cursor))[Symbol.iterator]().next();
  return cursor + (value?.segment.length ?? 0);
}

function before(text: string, cursor: number): number {
  const last = [...graphemes.segment(text.slice(0, cursor))].at(-1);
  return cursor - (last?.segment.length ?? 0);
}

export interface PromptLook {
  /** `:`, `/`, or a question. */
  readonly label: string;
  readonly suggestion?: string | undefined;
  /** At the right end: `regex ok`, or what is wrong with the text. */
  readonly note?: Span | undefined;
}

/** The prompt as a line: label, text with a cursor, the rest of the suggestion, a note. Scrolls so that the cursor is seen. */
export function promptSpans(
  state: PromptState,
  width: number,
  { label, suggestion, note }: PromptLook,
): Spans {
  const noteWidth = note === undefined ? 0 : displayWidth(note.text) + 2;
  // A long note is cut before what is typed is.
  const typed = Math.min(displayWidth(state.text) + 2, width >> 1);
  const room = Math.max(4, typed, width - displayWidth(label) - noteWidth - 2);
  const head = state.text.slice(0, state.cursor);
  const start = Math.max(0, displayWidth(head) - room + 1);
  const under = state.text.slice(state.cursor, after(state.text, state.cursor));
  const rest = state.text.slice(state.cursor + under.length);
  const ghost =
    suggestion?.startsWith(state.text) && state.cursor === state.text.length
      ? suggestion.slice(state.text.length)
      : '';
  const shownHead = sliceCells(head, start, start + room);
  const cursorText = under !== '' ? under : ghost !== '' ? (ghost[0] ?? ' ') : ' ';
  const tailRoom = Math.max(0, room - displayWidth(shownHead) - displayWidth(cursorText));
  const tail: Span =
    under === ''
      ? { text: sliceCells(ghost.slice(1), 0, tailRoom), role: 'prompt.ghost' }
      : { text: sliceCells(rest, 0, tailRoom), role: 'prompt' };
  const used = displayWidth(shownHead) + displayWidth(cursorText) + displayWidth(tail.text);
  const spans: Span[] = [
    { text: ` ${label}`, role: 'hint.key' },
    { text: shownHead, role: 'prompt' },
    { text: cursorText, role: 'cursor' },
    tail,
  ];
  if (note !== undefined)
    spans.push({
      text: `${' '.repeat(Math.max(1, room - used + 1))} ${note.text}`,
      role: note.role ?? ('dim' satisfies Role),
    });
  return spans;
}
