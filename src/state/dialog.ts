import type { Tone } from '../resources/resource.ts';
import type { PromptLine, Session, SessionStore } from './session.ts';

/** A key that is held down or typed ahead must not answer what has not been read. */
export const deafForMs = 300;

export interface DialogLine {
  /** At most eight letters, dim, before the text: `effect`. */
  readonly label?: string;
  readonly text: string;
  readonly tone?: Tone;
}

export interface MenuEntry {
  readonly key?: string;
  readonly text: string;
  /** What it does; where it is off, why not. */
  readonly note?: string;
  readonly off?: boolean;
  readonly danger?: boolean;
}

interface DialogBase {
  readonly id: number;
  readonly openedAtMs: number;
  /** The first line of its body that is shown; absent: the first there is. */
  readonly top?: number;
}

export interface MenuDialog extends DialogBase {
  readonly kind: 'menu';
  readonly title: string;
  readonly items: readonly MenuEntry[];
  readonly selected: number;
  readonly answer?: number | 'cancel';
}

export interface FormField {
  readonly label: string;
  readonly line: PromptLine;
}

export interface FormDialog extends DialogBase {
  readonly kind: 'form';
  readonly title: string;
  readonly body: readonly DialogLine[];
  readonly fields: readonly FormField[];
  readonly focus: number;
  readonly verb: string;
  /** What is wrong with what was typed; it stays as typed. */
  readonly problem: string | undefined;
  readonly answer?: 'submit' | 'cancel';
}

/** What the server said beforehand. `none`: there is nothing to ask. */
export interface DialogCheck {
  readonly state: 'running' | 'passed' | 'failed' | 'none';
  readonly text: string;
}

export interface ConfirmDialog extends DialogBase {
  readonly kind: 'confirm';
  readonly title: string;
  /** Drawn as danger: what is lost does not come back, or people depend on it. */
  readonly danger: boolean;
  readonly body: readonly DialogLine[];
  /** The whole line, as one types it. */
  readonly kubectl: string | undefined;
  readonly check: DialogCheck;
  /** A text to type before the choice is possible. */
  readonly typing: { readonly ask: string; readonly expected: string; readonly line: PromptLine } | undefined;
  readonly verb: string;
  /** 0: Cancel, which is where every dialog starts; 1: the verb. */
  readonly focus: 0 | 1;
  /** Keys that change what will be done: `G` grace. */
  readonly switches: readonly { readonly key: string; readonly text: string }[];
  /** Set while requests are on their way: what has been done so far. */
  readonly progress: readonly DialogLine[] | undefined;
  /** Whether Esc can still stop what is on its way. */
  readonly stoppable: boolean;
  readonly answer?: 'go' | 'cancel' | 'stop' | { readonly switch: string };
}

/** What went wrong, whole: a line at the bottom of the screen would cut it. */
export interface NoticeDialog extends DialogBase {
  readonly kind: 'notice';
  readonly title: string;
  readonly body: readonly DialogLine[];
  readonly answer?: 'cancel';
}

export type Dialog = MenuDialog | FormDialog | ConfirmDialog | NoticeDialog;

/** Why the choice cannot be made now; undefined: it can. */
export function whyNotConfirm({ check, typing, progress }: ConfirmDialog): string | undefined {
  if (progress !== undefined) return 'under way';
  if (check.state === 'running') return 'the server is being asked';
  if (check.state === 'failed') return 'refused';
  if (typing !== undefined && typing.line.text !== typing.expected) return 'type it first';
  return undefined;
}

let lastId = 0;

/** Opens a dialog; undefined where another is open: one thing at a time. */
export function openDialog<D extends Dialog>(
  session: SessionStore,
  dialog: Omit<D, 'id' | 'openedAtMs'>,
  nowMs: number,
): number | undefined {
  if (session.getState().dialog !== undefined) return undefined;
  lastId += 1;
  session.setState({
    dialog: { ...dialog, id: lastId, openedAtMs: nowMs } as unknown as Dialog,
    prompt: undefined,
  });
  return lastId;
}

export function changeDialog<D extends Dialog>(
  session: SessionStore,
  id: number | undefined,
  change: (dialog: D) => Partial<D>,
): void {
  const { dialog } = session.getState();
  if (dialog === undefined || dialog.id !== id) return;
  session.setState({ dialog: { ...dialog, ...change(dialog as D) } as Dialog });
}

export function closeDialog(session: SessionStore, id: number | undefined): void {
  if (session.getState().dialog?.id === id) session.setState({ dialog: undefined });
}

/** Resolves with the dialog when it has an answer, or undefined when it was closed; takes the answer off. */
export function answerOf<D extends Dialog>(session: SessionStore, id: number): Promise<D | undefined> {
  return new Promise((resolve) => {
    const look = ({ dialog }: Session): boolean => {
      const mine = dialog?.id === id ? (dialog as D) : undefined;
      if (mine !== undefined && mine.answer === undefined) return false;
      stop();
      if (mine !== undefined) {
        const { answer: _taken, ...rest } = mine;
        session.setState({ dialog: rest as unknown as Dialog });
      }
      resolve(mine);
      return true;
    };
    const stop = session.subscribe((state) => void look(state));
    look(session.getState());
  });
}
