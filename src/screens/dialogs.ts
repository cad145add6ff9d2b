import {
  type ConfirmDialog,
  closeDialog,
  type Dialog,
  type DialogLine,
  deafForMs,
  type FormDialog,
  type MenuDialog,
  whyNotConfirm,
} from '../state/dialog.ts';
import type { SessionStore } from '../state/session.ts';
import { type DialogRange, dialogChrome, dialogOverlay, menuOverlay } from '../ui/dialog.ts';
import type { Overlay } from '../ui/Frame.tsx';
import { type Key, keyName } from '../ui/keys.ts';
import { editPrompt, promptSpans } from '../ui/prompt.ts';
import { wrap } from '../ui/text.ts';
import type { Spans, Theme } from '../ui/theme.ts';

/** The keys of an open dialog, and how it looks. All that it decides is written into the dialog; who asked reads it there. */
export interface DialogDesk {
  readonly press: (dialog: Dialog, key: Key) => void;
  /** A dialog was given up in this burst of keys: what came with that is no wish to change something. */
  readonly isJustClosed: () => boolean;
  readonly overlay: (dialog: Dialog, theme: Theme, columns: number, rows: number) => Overlay;
}

export function createDialogDesk(session: SessionStore, now: () => number): DialogDesk {
  let isJustClosed = false;
  /** As a dialog was drawn last, and which. */
  let drawn: { readonly id: number; readonly range: DialogRange } | undefined;
  return {
    press(dialog, key) {
      const next =
        scrolled(dialog, key, drawn?.id === dialog.id ? drawn.range : undefined) ?? pressed(dialog, key);
      // What was typed before the dialog could be read is no answer to it; giving up is always one.
      const isEarly = now() - dialog.openedAtMs < deafForMs && keyName(key) !== 'esc';
      if (isEarly && (dialog.kind === 'confirm' || next.answer !== undefined)) return;
      session.setState({ dialog: next });
      if (next.answer !== 'cancel') return;
      // Who asked hears of it in a later turn; the next key of a burst is for what lies under the dialog.
      closeDialog(session, dialog.id);
      isJustClosed = true;
      // A burst is read in one turn of the loop.
      setImmediate(() => {
        isJustClosed = false;
      });
    },
    isJustClosed: () => isJustClosed,
    overlay(dialog, theme, columns, rows) {
      if (dialog.kind === 'menu') return menuOf(dialog, theme, columns, rows);
      const { range, ...overlay } = overlayOf(dialog, theme, columns, rows);
      drawn = { id: dialog.id, range };
      return overlay;
    },
  };
}

/** A body that is longer than its dialog, moved; undefined where the key means something else or there is nothing to move. */
function scrolled(dialog: Dialog, key: Key, range: DialogRange | undefined): Dialog | undefined {
  if (dialog.kind === 'menu' || range === undefined || range.total <= range.room) return undefined;
  const { top, room, total } = range;
  const page = Math.max(1, room - 1);
  const name = keyName(key);
  const pages = { pagedown: top + page, pageup: top - page };
  const arrows = { ...pages, down: top + 1, up: top - 1 };
  const letters = { ...arrows, j: top + 1, k: top - 1, home: 0, g: 0, end: total, G: total };
  const isTyped = dialog.kind === 'confirm' && dialog.typing !== undefined && dialog.progress === undefined;
  const moves: Readonly<Record<string, number>> = dialog.kind === 'form' ? pages : isTyped ? arrows : letters;
  const to = moves[name];
  if (to === undefined || (dialog.kind === 'confirm' && dialog.switches.some((one) => one.key === name)))
    return undefined;
  return { ...dialog, top: Math.max(0, Math.min(to, total - room)) };
}

/** What a key makes of a dialog. */
function pressed(dialog: Dialog, key: Key): Dialog {
  switch (dialog.kind) {
    case 'menu':
      return { ...dialog, ...pressMenu(dialog, key) };
    case 'form':
      return { ...dialog, ...pressForm(dialog, key) };
    case 'confirm':
      return { ...dialog, ...pressConfirm(dialog, key) };
    case 'notice':
      return ['esc', 'enter', 'q', 'space', 'ctrl-c'].includes(keyName(key))
        ? { ...dialog, answer: 'cancel' }
        : dialog;
  }
}

/** Choices that PageDown goes over: about as many as a low terminal shows. */
const pageOfMenu = 10;

function pressMenu({ items, selected }: MenuDialog, key: Key): Partial<MenuDialog> {
  const name = keyName(key);
  const to = (index: number): Partial<MenuDialog> => ({
    selected: (index + items.length) % Math.max(1, items.length),
  });
  // What is off is shown with its reason instead of chosen.
  const pick = (index: number): Partial<MenuDialog> =>
    items[index]?.off === true ? { selected: index } : { answer: index };
  if (name === 'down' || name === 'ctrl-n' || name === 'tab') return to(selected + 1);
  if (name === 'up' || name === 'ctrl-p' || name === 'shift-tab') return to(selected - 1);
  if (name === 'pagedown') return { selected: Math.min(selected + pageOfMenu, items.length - 1) };
  if (name === 'pageup') return { selected: Math.max(0, selected - pageOfMenu) };
  if (name === 'home') return to(0);
  if (name === 'end') return to(items.length - 1);
  if (name === 'esc' || name === 'ctrl-c') return { answer: 'cancel' };
  if (name === 'enter') return items.length === 0 ? {} : pick(selected);
  // The keys of the items come before those of moving: `s` in this menu is what `s` is outside of it.
  const byKey = items.findIndex((item) => item.key === name);
  if (byKey >= 0) return pick(byKey);
  if (name === 'j') return to(selected + 1);
  if (name === 'k') return to(selected - 1);
  return name === 'q' || name === 'm' ? { answer: 'cancel' } : {};
}

function pressForm({ fields, focus, problem }: FormDialog, key: Key): Partial<FormDialog> {
  const name = keyName(key);
  if (name === 'tab' || name === 'down') return { focus: (focus + 1) % fields.length };
  if (name === 'shift-tab' || name === 'up') return { focus: (focus + fields.length - 1) % fields.length };
  if (name === 'enter')
    return focus < fields.length - 1 ? { focus: focus + 1 } : { answer: 'submit', problem: undefined };
  const field = fields[focus];
  // Backspace in an empty line closes a prompt; here there may be other lines.
  if (field === undefined || (name === 'backspace' && field.line.text === '')) return {};
  const { state: line, event } = editPrompt(field.line, key);
  if (event === 'cancel') return { answer: 'cancel' };
  return {
    fields: fields.map((one, at) => (at === focus ? { ...one, line } : one)),
    problem: line.text === field.line.text ? problem : undefined,
  };
}

function pressConfirm(dialog: ConfirmDialog, key: Key): Partial<ConfirmDialog> {
  const name = keyName(key);
  const { typing, focus, progress, stoppable, switches } = dialog;
  const isEscape = name === 'esc' || name === 'ctrl-c';
  if (progress !== undefined) return stoppable && isEscape ? { answer: 'stop' } : {};
  if (isEscape) return { answer: 'cancel' };
  if (['tab', 'shift-tab', 'left', 'right'].includes(name)) return { focus: focus === 0 ? 1 : 0 };
  if (name === 'enter') {
    if (focus === 0) return { answer: 'cancel' };
    return whyNotConfirm(dialog) === undefined ? { answer: 'go' } : {};
  }
  // Names in a cluster have no capitals: these keys cannot be part of what is typed, unless what is asked for has one.
  if (switches.some((one) => one.key === name) && typing?.expected.includes(name) !== true)
    return { answer: { switch: name } };
  if (typing === undefined || (name === 'backspace' && typing.line.text === '')) return {};
  const { state: line, event } = editPrompt(typing.line, key);
  if (event === 'cancel') return { answer: 'cancel' };
  // The choice is in reach once the name is there, and out of it as soon as it is not.
  return { typing: { ...typing, line }, focus: line.text === typing.expected ? 1 : 0 };
}

const menuOf = (
  { title, items, selected }: MenuDialog,
  theme: Theme,
  columns: number,
  rows: number,
): Overlay =>
  menuOverlay(
    theme,
    {
      title: [{ text: title, role: 'title' }],
      items,
      selected,
      footer: keys([
        ['enter', 'choose'],
        ['esc', 'close'],
      ]),
    },
    columns,
    rows,
  );

type Drawn = ReturnType<typeof dialogOverlay>;

function overlayOf(dialog: Exclude<Dialog, MenuDialog>, theme: Theme, columns: number, rows: number): Drawn {
  switch (dialog.kind) {
    case 'form':
      return formOverlay(theme, dialog, columns, rows);
    case 'confirm':
      return confirmOverlay(theme, dialog, columns, rows);
    case 'notice':
      return dialogOverlay(
        theme,
        {
          title: dialog.title,
          border: 'danger',
          ...topOf(dialog),
          body: lines(dialog.body, innerWidth(columns)),
          buttons: [],
          focus: -1,
          footer: keys([['esc', 'close']]),
        },
        columns,
        rows,
      );
  }
}

/** An absent one is the first line. */
const topOf = ({ top }: Dialog): { readonly top?: number } => (top === undefined ? {} : { top });

const innerWidth = (columns: number): number =>
  Math.min(columns, Math.max(48, Math.min(76, columns - 4))) - 6;

const keys = (pairs: readonly (readonly [string, string])[]): Spans =>
  pairs.flatMap(
    ([key, word]): Spans => [
      { text: `<${key}>`, role: 'hint.key' },
      { text: `${word}  `, role: 'hint.text' },
    ],
  );

const labelWidth = 9;

/** Lines with their label and tone; what is too long goes on under its own text. */
function lines(body: readonly DialogLine[], width: number): readonly (Spans | string)[] {
  return body.flatMap(({ label, text, tone }): readonly Spans[] => {
    const indent = label === undefined ? 0 : labelWidth;
    return wrap(text, Math.max(10, width - indent)).map(
      (part, at): Spans => [
        { text: (at === 0 ? (label ?? '') : '').padEnd(indent), role: 'dim' },
        { text: part, role: tone ?? 'plain' },
      ],
    );
  });
}

/** Rows of a terminal on which a dialog has none for a blank line. */
const lowDialog = 12;

const checkRoles = { running: 'pending', passed: 'good', failed: 'bad', none: 'dim' } as const;

function confirmOverlay(theme: Theme, dialog: ConfirmDialog, columns: number, rows: number): Drawn {
  const { typing, check, kubectl, progress, danger, verb, focus, switches, stoppable } = dialog;
  const width = innerWidth(columns);
  const why = whyNotConfirm(dialog);
  const isLow = rows < lowDialog;
  const told = progress === undefined ? [] : lines([{ text: '' }, ...progress], width);
  const command: readonly DialogLine[] =
    kubectl === undefined
      ? []
      : [...(isLow ? [] : [{ text: '' }]), { text: `$ ${kubectl}`, tone: 'dim' as const }];
  // What is shown last is cut first: the check is more important than the length of a list of names.
  const checked: readonly DialogLine[] =
    check.text === '' ? [] : [{ text: check.text, tone: checkRoles[check.state] }];
  const body = lines(dialog.body, width);
  const asks = typing !== undefined && progress === undefined;
  const all = lines([...command, ...checked], width);
  // What it hits matters more than how kubectl would say it, which K copies.
  const fits = body.length + all.length + told.length <= rows - dialogChrome(asks, true);
  const below = fits ? all : lines(checked, width);
  return dialogOverlay(
    theme,
    {
      title: dialog.title,
      ...(danger ? { border: 'danger' as const } : {}),
      body,
      ...topOf(dialog),
      below: [...below, ...told],
      ...(typing === undefined || progress !== undefined
        ? {}
        : { confirm: { ask: typing.ask, expected: typing.expected, typed: typing.line } }),
      buttons:
        progress === undefined
          ? [{ text: 'Cancel' }, { text: verb, ...(why === undefined ? {} : { whyNot: why }), danger }]
          : [],
      focus,
      footer: keys(
        progress === undefined
          ? [...switches.map(({ key, text }) => [key, text] as const), ['tab', 'other'], ['esc', 'cancel']]
          : stoppable
            ? [['esc', 'stop']]
            : [],
      ),
    },
    columns,
    rows,
  );
}

function formOverlay(theme: Theme, dialog: FormDialog, columns: number, rows: number): Drawn {
  const width = innerWidth(columns);
  const fields = dialog.fields.map(({ label, line }, at): Spans => {
    const isHere = at === dialog.focus;
    if (isHere) return promptSpans(line, width - 1, { label: `${label} ` });
    return [
      { text: ` ${label} `, role: 'dim' },
      { text: line.text, role: 'plain' },
    ];
  });
  const problem: readonly DialogLine[] =
    dialog.problem === undefined ? [] : [{ text: '' }, { text: dialog.problem, tone: 'bad' }];
  return dialogOverlay(
    theme,
    {
      title: dialog.title,
      body: [...lines(dialog.body, width), [], ...fields, ...lines(problem, width)],
      buttons: [],
      focus: -1,
      footer: keys([
        ['enter', dialog.verb.toLowerCase()],
        ...(dialog.fields.length > 1 ? ([['tab', 'next']] as const) : []),
        ['esc', 'cancel'],
      ]),
    },
    columns,
    rows,
  );
}
